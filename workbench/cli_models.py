"""`workbench models`: the life of trained models on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli_output import AsJson, print_json, records, report_failures, show, table_text
from workbench.session import open_session

__all__ = ["models"]

models = typer.Typer(help="List the trained models; compare, promote and roll them back, look for drift.")

Name = Annotated[str, typer.Argument(help="As P-1.ridge.")]

_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


@models.callback(invoke_without_command=True)
def _list(
    context: typer.Context,
    channel: Annotated[str | None, typer.Option(help="List only this channel's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the trained models; compare, promote and roll them back, look for drift."""
    if context.invoked_subcommand is not None:
        return
    table = open_session().models.list(channel)
    if as_json:
        print_json(records(table))
        return
    shown = table.drop(columns=["channel", "forecaster", "version", "created"])
    shown["age"] = [_age(seconds) for seconds in table["age"]]
    shown["size"] = [_size(size) for size in table["size"]]
    typer.echo(table_text(shown) if len(table) else "No models. Run: workbench train --all")


@models.command()
def promote(name: Name, version: Annotated[str, typer.Argument(help="Number or alias.")]) -> None:
    """Make a version champion, where it is better on the held-out windows of the present training data."""
    typer.echo(str(open_session().models.promote(name, version)))


@models.command()
def rollback(name: Name) -> None:
    """Make the version champion that was so before; again goes back further."""
    typer.echo(f"{open_session().models.rollback(name).id} is champion again.")


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
    folder: Annotated[Path, typer.Argument(help="Where the files go.")],
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


def _age(seconds: float) -> str:
    return next((f"{seconds / length:.0f} {unit}" for length, unit in _UNITS if seconds >= length), "now")


def _size(size: float) -> str:
    return f"{size / 1000:.0f} kB" if size == size else ""
