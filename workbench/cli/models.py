"""`workbench models`: the life of trained models on the command line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.common import AsJson, local, open_session, print_json, report_failures, rows_text, show
from workbench.models.inventory import inventory
from workbench.models.registry import Registry
from workbench.settings import load_settings

__all__ = ["models", "registry_ui"]

models = typer.Typer(help="List the trained models; compare, promote, roll back and retire them, look for drift.")

Name = Annotated[str, typer.Argument(help="As P-1.ridge.")]

_LEFT_OUT = {"channel", "forecaster", "version", "created"}  # the model's name says it, or the age
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


@models.callback(invoke_without_command=True)
def _list(
    context: typer.Context,
    channel: Annotated[str | None, typer.Option(help="List only this channel's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the trained models; compare, promote, roll back and retire them, look for drift."""
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    with Registry(settings.registry_path, settings.tracking_uri) as registry:
        rows = inventory(registry.list(channel), settings.archive_path, datetime.now(UTC))
    if as_json:
        names = dict.fromkeys(name for row in rows for name in row)
        print_json([{name: _known(row.get(name)) for name in names} for row in rows])
        return
    shown = [
        {name: value for name, value in row.items() if name not in _LEFT_OUT}
        | {"age": _age(row["age"]), "size": _size(row["size"])}
        for row in rows
    ]
    typer.echo(rows_text(shown) or "No models. Run: workbench train --all")


@models.command()
def promote(name: Name, version: Annotated[str, typer.Argument(help="Number or alias.")]) -> None:
    """Make a version champion, where it is better on the held-out windows of the present training data."""
    typer.echo(str(open_session().models.promote(name, version)))


@models.command()
def rollback(name: Name) -> None:
    """Make the version champion that was so before; again goes back further."""
    typer.echo(f"{open_session().models.rollback(name).id} is champion again.")


@models.command()
def retire(name: Name, version: Annotated[str, typer.Argument(help="Number or alias.")]) -> None:
    """Take a version out of use: the champion before it serves again, or none; nothing is deleted.

    Training the same again does not bring it back; `workbench models promote` does.
    """
    typer.echo(str(open_session().models.retire(name, version)))


@models.command()
def compare(channel: Annotated[str, typer.Argument(help="As P-1.")], as_json: AsJson = False) -> None:
    """Compare all versions of a channel's models on the same held-out windows of its present training data."""
    show(open_session().models.compare(channel), as_json, "")


@models.command()
def drift(
    channel: Annotated[list[str] | None, typer.Argument(metavar="[CHANNEL]...", help="All where omitted.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the test telemetry with what the models learned; propose to train again beyond a limit.

    Nothing is trained. No label is looked at. The limits are in the settings, under drift.
    """
    session = open_session()
    table = session.models.drift(session.channel_names(channel or None), progress=True)
    show(table, as_json, "")
    report_failures(table)


@models.command()
def pack(
    folder: Annotated[Path, typer.Argument(callback=local, help="Where the files go.")],
    channel: Annotated[list[str] | None, typer.Option(help="All with an LSTM where omitted.")] = None,
    version: Annotated[str, typer.Option(help="Number or alias.")] = "champion",
    as_json: AsJson = False,
) -> None:
    """Write registered LSTMs as files to ship: float16 where the anomalies stay the same, and a manifest."""
    from workbench.models.packing import pack as pack_models

    session = open_session()
    table = pack_models(session.archive, session.registry, folder, channel or None, version=version, progress=True)
    show(table, as_json, "No LSTM is registered.")
    report_failures(table)


def registry_ui(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; any free one where 0.")] = 5000,
) -> None:
    """Serve MLflow's own page on the model registry, to this machine only, until Ctrl-C.

    The dashboard's Models view links it while it runs.
    """
    from workbench.jobs.registry_ui import serve_registry

    serve_registry(load_settings(), port, typer.echo)


def _age(seconds: float) -> str:
    return next((f"{seconds / length:.0f} {unit}" for length, unit in _UNITS if seconds >= length), "now")


def _size(size: float) -> str:
    return f"{size / 1000:.0f} kB" if size == size else ""


def _known(value: Any) -> Any:
    return value if value == value else None
