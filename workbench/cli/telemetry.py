"""Commands that bring telemetry into the archive, list its channels and check its quality."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    AsJson,
    Channels,
    end_with_failures,
    local,
    open_session,
    print_json,
    records,
    show,
    table_text,
)

if TYPE_CHECKING:
    import pandas as pd

    from workbench.telemetry.importers import ImportReport

__all__ = ["channels", "fetch", "import_data", "quality"]

_LAYOUTS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet"}
_TABLES = "Options for CSV and Parquet files"


def fetch(
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default="the public source",
            help="Address of a mirror that holds train/, test/ and the labels.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            callback=local, metavar="FOLDER", show_default="nasa in the home", help="Folder for the downloaded files."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Number of downloads at once.")] = 4,
) -> None:
    """Download NASA's SMAP and MSL telemetry, verify its checksums, and import it."""
    from workbench.telemetry.fetch import fetch_nasa

    session = open_session()
    target = fetch_nasa(folder or session.settings.home / "nasa", base_url=base_url, jobs=jobs, progress=True)
    _print_import(session.import_data(target, "nasa", progress=True))


def import_data(
    path: Annotated[Path, typer.Argument(callback=local, metavar="PATH", help="Zip, folder or file to import.")],
    layout: Annotated[
        str | None,
        typer.Option(metavar="LAYOUT", show_default="by the ending of the name", help="Layout: nasa, csv or parquet."),
    ] = None,
    asset: Annotated[
        str | None,
        typer.Option(
            metavar="ASSET",
            show_default="the name of the file",
            rich_help_panel=_TABLES,
            help="Asset that the channels belong to.",
        ),
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            show_default="recognised by its values",
            rich_help_panel=_TABLES,
            help="Column of the times.",
        ),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option(metavar="COLUMNS", rich_help_panel=_TABLES, help="Columns that are inputs, separated by commas."),
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", rich_help_panel=_TABLES, help="Column that marks known anomalies.")
    ] = None,
    train_fraction: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            show_default="0.7",
            rich_help_panel=_TABLES,
            help="Share of the samples, from the beginning, that the models learn from.",
        ),
    ] = None,
    train_until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", rich_help_panel=_TABLES, help="Last time of the samples that the models learn from."
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE", show_default="UTC", rich_help_panel=_TABLES, help="Time zone of times that name none."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import telemetry into the archive: NASA's layout, CSV or Parquet.

    Everything that is repaired or dropped is counted. Importing the same file again changes nothing.
    """
    layout = layout or _LAYOUTS.get(path.suffix.lower(), "nasa")
    options: dict[str, Any] = {
        "asset": asset,
        "time_column": time_column,
        "inputs": tuple(name.strip() for name in inputs.split(",")) if inputs else None,
        "label_column": label_column,
        "train_fraction": train_fraction,
        "train_until": train_until,
        "timezone": timezone,
    }
    table_options = {name: value for name, value in options.items() if value is not None}
    if layout == "nasa" and table_options:
        option = f"--{next(iter(table_options)).replace('_', '-')}"
        raise typer.BadParameter(f"{option} does not go with the layout nasa. Leave it out, or pass --layout csv.")
    report = open_session().import_data(path, layout, progress=True, **table_options)
    if as_json:
        print_json(records(report.to_frame().reset_index()))
    else:
        _print_import(report)


def channels(as_json: AsJson = False) -> None:
    """List the channels of the archive, with damage that their metadata show; `workbench doctor` reads every sample."""
    session = open_session()
    table = session.channels().reset_index()
    table = table.merge(session.overview()[["channel", "state", "anomalies"]], on="channel")
    table = table[[name for name in table if name != "damage"] + ["damage"]]
    show(table, as_json, "The archive is empty. Run: workbench run, or workbench import PATH.")


def quality(channel: Channels = None, as_json: AsJson = False) -> None:
    """Check the telemetry itself: gaps, stuck values, outliers, noise, drift and constant training data.

    All channels are checked where none is named.
    """
    report = open_session().quality(channel or None, progress=True)
    damages: dict[str, str] = report.attrs["damaged"]
    table = report.to_dataframe().reset_index()
    show(table, as_json, "There is no channel to check. Run: workbench run, or workbench import PATH.")
    end_with_failures(damages, report.sizes["channel"] + len(damages))


def _print_import(report: "ImportReport") -> None:
    table = report.to_frame()
    typer.echo(table_text(table.reset_index()))
    typer.echo(_counts(table["status"]) + ".")
    channels_with_models: set[str] = set()
    if report.models is not None:
        models = report.models[report.models["channel"].isin(table.index)]
        skipped = models["status"] == "skipped"
        for name, reason in models.loc[skipped, ["channel", "reason"]].itertuples(index=False):
            typer.echo(f"The trained LSTM of {name} was skipped: {reason}", err=True)
        typer.echo(f"Trained LSTMs: {_counts(models['status']) or 'none for these channels'}.")
        channels_with_models = set(models.loc[~skipped, "channel"])
    next_command = "score --all" if channels_with_models.issuperset(table.index) else "train --all"
    typer.echo(f"Next: workbench {next_command}")


def _counts(status: "pd.Series[str]") -> str:
    return ", ".join(f"{count} {name}" for name, count in status.value_counts().items())
