"""`workbench notify`: try the notifications, look into the outbox, and send what waits."""

from typing import Annotated

import typer

from workbench.cli.common import AsJson, Who, count_text, open_session, print_json, records, show

__all__ = ["notify"]

notify = typer.Typer(no_args_is_help=True, help="Try the notifications, show the outbox, and send what waits.")


@notify.command()
def test(
    who: Who,
    to: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default="all of them", help="Name of one target or person of the settings."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a test message to each target and person, and say for each what happened.

    The exit code is 1 where some could not be reached, 2 where none could.
    """
    table = open_session().maintenance.notifier.test(to, who)
    if as_json:
        print_json(records(table))
    else:
        words = ["sent" if row["sent"] else f"failed: {row['reason']}" for row in records(table)]
        show(table[["name", "kind"]].assign(result=words), False, "")
    if not table["sent"].all():
        raise typer.Exit(1 if table["sent"].any() else 2)


@notify.command("list")
def list_messages(
    state: Annotated[
        str,
        typer.Option(metavar="STATE", help="State of the messages: waiting, sent, failed, dropped or all."),
    ] = "all",
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Maximum number of rows.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the messages of the outbox, the newest first."""
    table = open_session().maintenance.notifier.list(None if state == "all" else state, limit)
    columns = list(table.columns) if as_json else ["id", "state", "recipient", "about", "reason", "due_at", "error"]
    show(table[columns], as_json, "No messages." if state == "all" else f"No {state} messages.")


@notify.command()
def retry(
    who: Who,
    message: Annotated[
        list[int] | None,
        typer.Argument(metavar="[MESSAGE]", help="Numbers of messages, as `workbench notify list` shows them."),
    ] = None,
) -> None:
    """Send messages that failed again, all of them where none is named."""
    desk = open_session().maintenance
    count = desk.notifier.retry(who, message)
    if not count:
        typer.echo("No failed messages.")
        return
    typer.echo(f"{count_text(count, 'message')} queued again.")
    _send()


@notify.command()
def send() -> None:
    """Send the messages that are due, and escalate alerts that nobody has acknowledged in time.

    The dashboard does so while it runs; without it, run this from cron. The exit code is 1 where some were not sent.
    """
    _send()


def _send() -> None:
    delivery = open_session().maintenance.send_messages()
    for name, count in delivery.sent:
        typer.echo(f"Sent to {name}: {count_text(count, 'item')}.")
    for name, reason in delivery.failed:
        typer.echo(f"{name} could not be notified: {reason}", err=True)
    typer.echo(f"{count_text(delivery.waiting, 'message')} waiting.")
    if delivery.failed:
        raise typer.Exit(1)
