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
def verify(
    since: Annotated[
        str | None,
        typer.Option(
            metavar="HEAD",
            help="Head of the log that was kept elsewhere, as `workbench log head` printed it: the log must still "
            "hold that row.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify that the log is as it was written and the tables are as it says; the exit code is 1 where not.

    Each row is compared with its hash, and what the log says is compared with each alert, order, reported problem,
    outage, part, purchase request, technician, preventive plan, meter, asset of the register and frozen week. A log
    whose end was cut off, that was replaced by an older copy or written anew is noticed with --since only.
    """
    verification = open_session().maintenance.verify_log(since)
    if as_json:
        print_json(as_record(verification))
    else:
        typer.echo(str(verification))
    if not verification.ok:
        raise typer.Exit(1)


@log.command()
def head(as_json: AsJson = False) -> None:
    """Print the number and the hash of the last row of the log, to be kept elsewhere for `log verify --since`."""
    value = open_session().maintenance.log_head()
    if as_json:
        print_json({"head": value})
    else:
        typer.echo(value)


@log.command()
def export(
    path: Annotated[
        Path, typer.Argument(callback=local, metavar="FILE", help="File to write; its name ends in .csv or .xlsx.")
    ],
    subject: Subject = None,
) -> None:
    """Write the maintenance log to a file, oldest first."""
    desk = open_session().maintenance
    export_table(desk.log(subject=subject).iloc[::-1], path, "log", desk.log_head())
    typer.echo(str(path))
