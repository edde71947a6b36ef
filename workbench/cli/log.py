"""Commands that read, verify and export the maintenance log."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.common import AsJson, as_record, export_table, local, open_session, print_json, show

__all__ = ["log"]


log = typer.Typer(no_args_is_help=True, help="Read, verify and export the maintenance log.")


@log.command("show")
def show_log(
    subject: Annotated[str | None, typer.Option(help="As alert:12, order:3, or order for all.")] = None,
    who: Annotated[str | None, typer.Option(help="Only by this person.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, as closed.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the log, newest first."""
    found = open_session().maintenance.log(subject=subject, who=who, action=action, limit=limit)
    columns = list(found.columns) if as_json else ["seq", "time", "subject", "action", "who", "details"]
    show(found[columns], as_json, "The log is empty.")


@log.command()
def verify(as_json: AsJson = False) -> None:
    """Compare every row with its hash; exit code 1 names the first that is not as it was written."""
    found = open_session().maintenance.verify_log()
    if as_json:
        print_json(as_record(found))
    else:
        typer.echo(str(found))
    if not found.ok:
        raise typer.Exit(1)


@log.command()
def export(
    path: Annotated[Path, typer.Argument(callback=local, help="Ends in .csv or .xlsx.")],
    subject: Annotated[str | None, typer.Option(help="As alert:12, order:3, or order for all.")] = None,
) -> None:
    """Write the log to a file, oldest first."""
    export_table(open_session().maintenance.log(subject=subject).iloc[::-1], path, "log")
    typer.echo(str(path))
