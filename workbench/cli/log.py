"""Commands that show, verify and export the maintenance log."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.common import AsJson, as_record, export_table, local, open_session, print_json, show

__all__ = ["log"]

log = typer.Typer(no_args_is_help=True, help="Show, verify and export the maintenance log.")


Subject = Annotated[
    str | None,
    typer.Option(
        metavar="SUBJECT",
        show_default="everything",
        help="Subject of the rows: alert:12, order:3, or order for all orders.",
    ),
]


@log.command("show")
def show_log(
    subject: Subject = None,
    who: Annotated[
        str | None, typer.Option(metavar="NAME", show_default="everybody", help="Name of the person who acted.")
    ] = None,
    action: Annotated[
        str | None,
        typer.Option(metavar="ACTION", show_default="every action", help="Action of the rows, for example closed."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of rows.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the maintenance log, newest first."""
    rows = open_session().maintenance.log(subject=subject, who=who, action=action, limit=limit)
    columns = list(rows.columns) if as_json else ["seq", "time", "subject", "action", "who", "details"]
    filtered = subject is not None or who is not None or action is not None
    show(rows[columns], as_json, "No rows match. Remove a filter." if filtered else "The maintenance log is empty.")


@log.command()
def verify(as_json: AsJson = False) -> None:
    """Verify that no row of the log was edited or removed; the exit code is 1 where one was.

    Each row is compared with its hash. The first row that is not as it was written is named.
    """
    verification = open_session().maintenance.verify_log()
    if as_json:
        print_json(as_record(verification))
    else:
        typer.echo(str(verification))
    if not verification.ok:
        raise typer.Exit(1)


@log.command()
def export(
    path: Annotated[
        Path, typer.Argument(callback=local, metavar="FILE", help="File to write; its name ends in .csv or .xlsx.")
    ],
    subject: Subject = None,
) -> None:
    """Write the maintenance log to a file, oldest first."""
    export_table(open_session().maintenance.log(subject=subject).iloc[::-1], path, "log")
    typer.echo(str(path))
