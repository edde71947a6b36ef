"""Commands about trained models: `workbench train`, and `workbench models` with what becomes of a version."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    AllChannels,
    AsJson,
    ChannelsOrAssets,
    ComputePlace,
    age_text,
    local,
    open_session,
    place_overrides,
    print_json,
    report_failures,
    requested_channels,
    rows_text,
    show,
    split_names,
)
from workbench.models.inventory import inventory
from workbench.models.listing import ASSET_KIND
from workbench.models.registry import Registry
from workbench.names import command_line
from workbench.settings import load_settings

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["models", "train"]

models = typer.Typer(help="List the trained models; compare, promote, roll back and retire them; check for drift.")

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model, for example P-1.ridge.")]
ModelVersion = Annotated[
    str, typer.Argument(metavar="VERSION", help="Number of the version, or its alias, for example challenger.")
]

_USUAL = "ridge"
_LEFT_OUT = {"promote", "channel", "forecaster", "version", "created"}  # the model's name says it, or the age


def train(
    channel: ChannelsOrAssets = None,
    all_channels: AllChannels = False,
    forecaster: Annotated[
        str,
        typer.Option(metavar="NAME", help="Forecaster: persistence, ridge or lstm; with --all, pca for all assets."),
    ] = _USUAL,
    trainer: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default="numpy", help="Trainer of the forecaster lstm: numpy or keras."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, show_default="workers of the settings, 1", help="Number of processes that train at once."),
    ] = None,
    compute: ComputePlace = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Parameter of the forecaster, for example sequence_length=120; repeat the option for several.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Train models again that are up to date.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train and register a model for each channel or asset; models that are up to date are left alone.

    Where no sequence_length is set, a channel with little training telemetry gets shorter windows than the preset has.
    The model of an asset (pca) knows how its channels move together.

    Ctrl-C stops it. Run the same command again to continue.
    """
    import pandas as pd

    from workbench.models.hyperparameters import read_hyperparameters

    session = open_session(**place_overrides(compute, workers))
    channel, further = _without_assignments(session, channel) if assignments else (channel, [])
    names, assets = split_names(session, channel)
    if forecaster == ASSET_KIND:
        if names:
            raise typer.BadParameter(f"{forecaster} is a model of whole assets, and {names[0]} is not an asset.")
        assets = session.assets.names(least_channels=2) if all_channels and not assets else assets
        if not assets:
            raise typer.BadParameter("No asset is named, or none has two channels.")
    elif assets and not names:
        if forecaster != _USUAL:
            raise typer.BadParameter(f"{forecaster} is a forecaster of channels, and {assets[0]} is an asset.")
        forecaster = ASSET_KIND
    if not assets:
        names = requested_channels(session, names, all_channels)
    elif channel and all_channels:
        raise typer.BadParameter("Assets are named, and --all is passed. Use one of the two.")
    parameters = read_hyperparameters(forecaster, [*(assignments or []), *further])
    tables = []
    if names:
        parameters |= {} if trainer is None else {"trainer": trainer}
        tables.append(session.train(names, forecaster, force=force, progress=True, **parameters))
    if assets:
        trained = session.train_asset(
            assets, force=force, progress=True, **(parameters if forecaster == ASSET_KIND else {})
        )
        tables.append(trained.rename(columns={"asset": "channel"}))
    table = pd.concat(tables, ignore_index=True)
    show(table, as_json, "There is no channel to train. Run: workbench run, or workbench import PATH.")
    report_failures(table)


def _without_assignments(session: "Session", words: list[str] | None) -> tuple[list[str], list[str]]:
    """Separate channels from further assignments behind --set, as in `--set epochs=5 patience=2`."""
    archived = set(session.archive.channels())
    further = [word for word in words or [] if "=" in word and word not in archived]
    return [word for word in words or [] if word not in further], further


@models.callback(invoke_without_command=True)
def _list(
    context: typer.Context,
    channel: Annotated[str | None, typer.Option(metavar="CHANNEL", help="Channel whose models are listed.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the trained models; compare, promote, roll back and retire them; check for drift."""
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    with Registry(settings.registry_path, settings.tracking_uri) as registry:
        rows = inventory(registry.list(channel, assets=True), settings.archive_path, datetime.now(UTC))
    if as_json:
        names = dict.fromkeys(name for row in rows for name in row)
        print_json([{name: _json_value(row.get(name)) for name in names} for row in rows])
        return
    readable = [
        {name: value for name, value in row.items() if name not in _LEFT_OUT}
        | {"age": age_text(row["age"]), "size": _size(row["size"])}
        for row in rows
    ]
    if channel and not readable:
        typer.echo(f"{channel} has no model. Run: {command_line('workbench train', channel)}")
        return
    typer.echo(rows_text(readable) or "There are no models. Run: workbench train --all")
    for row in rows:
        if row["promote"]:
            typer.echo(
                f"{row['model']} learned from other training data than the channel has now. Next: {row['promote']}"
            )


@models.command()
def promote(
    model: ModelName,
    version: ModelVersion,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Promote it though it is not better, where the champion learned from other data than there are now.",
        ),
    ] = False,
) -> None:
    """Make a version the champion, if it is better on the held-out windows of the present training data."""
    typer.echo(str(open_session().models.promote(model, version, anyway=anyway)))


@models.command()
def rollback(model: ModelName) -> None:
    """Make the previous champion the champion again; repeat it to go back further."""
    typer.echo(f"{open_session().models.rollback(model).id} is champion again.")


@models.command()
def retire(model: ModelName, version: ModelVersion) -> None:
    """Take a version out of use; the previous champion predicts again, if there is one.

    Nothing is deleted. Training the same model again does not bring the version back; `workbench models promote` does.
    """
    typer.echo(str(open_session().models.retire(model, version)))


@models.command()
def compare(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Name of the channel, for example P-1.")],
    as_json: AsJson = False,
) -> None:
    """Compare all versions of a channel's models on the same held-out windows of its present training data."""
    table = open_session().models.compare(channel)
    show(table, as_json, f"{channel} has no model. Run: {command_line('workbench train', channel)}")


@models.command()
def drift(
    channel: Annotated[
        list[str] | None,
        typer.Argument(metavar="CHANNEL", show_default="all channels", help="Names of channels, for example P-1."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the test telemetry with the training telemetry, and say which models should be trained again.

    Nothing is trained, and labels are not used. The limits are in the settings, under drift.
    """
    session = open_session()
    table = session.models.drift(session.channel_names(channel or None), progress=True)
    show(table, as_json, "There are no models. Run: workbench train --all")
    report_failures(table)


@models.command()
def pack(
    folder: Annotated[Path, typer.Argument(callback=local, metavar="FOLDER", help="Folder for the files.")],
    channel: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANNEL",
            show_default="all channels that have an LSTM",
            help="Channel to pack; repeat the option for several.",
        ),
    ] = None,
    version: Annotated[str, typer.Option(metavar="VERSION", help="Number of the version, or its alias.")] = "champion",
    as_json: AsJson = False,
) -> None:
    """Write registered LSTMs as files that can be shipped, with a manifest.

    Weights are stored as float16 where the detected anomalies stay the same, and as float32 otherwise.
    """
    from workbench.models.packing import pack as pack_models

    session = open_session()
    table = pack_models(session.archive, session.registry, folder, channel or None, version=version, progress=True)
    show(table, as_json, "No LSTM is registered. Run: workbench train --all --forecaster lstm")
    report_failures(table)


def _size(size: float) -> str:
    return f"{size / 1000:.0f} kB" if size == size else ""


def _json_value(value: Any) -> Any:
    return value if value == value else None
