"""`workbench known`: nominal events that verdicts have taught, and what can be done to them."""

from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.common import (
    AsJson,
    Who,
    age_text,
    as_record,
    open_session,
    print_json,
    print_trail,
    records,
    show,
)

if TYPE_CHECKING:
    from workbench.maintenance.alerts.known.events import KnownEvent

__all__ = ["known_events"]

known_events = typer.Typer(
    no_args_is_help=True,
    help="List known events; rename, disable and remove them. Anomalies that match one open no work order.",
)

EventNumber = Annotated[
    int, typer.Argument(metavar="EVENT", help="Number of the event, as `workbench known list` shows it.")
]

_LISTED = ["id", "channel", "name", "state", "repetitions", "bound", "bound_from", "applied", "last", "reason"]
_NO_EVENTS = (
    "No known events. To teach one: workbench alerts close ALERT --verdict 'known behaviour' --comment 'its name'"
)


@known_events.command("list")
def list_events(
    channel: Annotated[str | None, typer.Option(metavar="CHANNEL", help="Channel of the events.")] = None,
    as_json: AsJson = False,
) -> None:
    """List known events with how often each was applied, and when last."""
    desk = open_session().maintenance
    table = desk.known.list(channel)
    if as_json:
        print_json(records(table))
        return
    now = desk.database.clock()
    ages = ["" if age != age else age_text(age) for age in (now - table["last_applied"]).dt.total_seconds()]
    last = [f"{age} ago" if age not in ("", "now") else age for age in ages]
    empty = _NO_EVENTS if channel is None else f"No known events of {channel}."
    show(table.assign(last=last)[_LISTED], False, empty)


@known_events.command("show")
def show_event(event: EventNumber, as_json: AsJson = False) -> None:
    """Show one known event with its repetitions, the alerts that were recognised, and its history."""
    desk = open_session().maintenance
    shown, shapes, uses = desk.known.get(event), desk.known.shapes(event), desk.known.uses(event)
    history = desk.known.history(event)
    if as_json:
        shapes["telemetry"] = [[None if value != value else value for value in own] for own in shapes["telemetry"]]
        rows = {"shapes": records(shapes), "uses": records(uses), "history": records(history)}
        print_json(as_record(shown) | rows)
        return
    for name, value in as_record(shown).items():
        if value not in (None, ""):
            typer.echo(f"{name.replace('_', ' '):>16}  {value}")
    typer.echo("\nRepetitions, by the alerts that taught them:")
    show(shapes.drop(columns="telemetry"), False, "None.")
    typer.echo("\nAlerts that were recognised, the newest first, times in UTC:")
    show(uses.assign(time=uses["time"].dt.strftime("%Y-%m-%d %H:%M:%S")), False, "None.")
    print_trail(history.iloc[:0], history, f"known:{event}")


@known_events.command()
def learn(
    alert: Annotated[int, typer.Argument(metavar="ALERT", help="Number of a closed alert.")],
    who: Who,
    event: Annotated[
        int | None,
        typer.Option(
            metavar="EVENT", show_default="a new event", help="Known event of which the alert is a repetition."
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", show_default="the comment on the alert", help="Name of a new event.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Teach an alert that was closed as known behaviour or test before this workbench knew events."""
    _print_state(open_session().maintenance.known.learn(alert, who, event=event, name=name), as_json)


@known_events.command()
def rename(
    event: EventNumber,
    name: Annotated[str, typer.Argument(metavar="NAME", help="New name of the event.")],
    who: Who,
    as_json: AsJson = False,
) -> None:
    """Rename a known event."""
    _print_state(open_session().maintenance.known.rename(event, who, name), as_json)


@known_events.command()
def bound(
    event: EventNumber,
    who: Who,
    distance: Annotated[
        float | None,
        typer.Argument(
            metavar="[DISTANCE]",
            show_default="the learnt bound",
            help="Largest distance at which an anomaly is the event: 0 is the same shape, 1.4 an unrelated one.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set the bound of a known event, or go back to the learnt one."""
    _print_state(open_session().maintenance.known.set_bound(event, who, distance), as_json)


@known_events.command()
def disable(event: EventNumber, who: Who, as_json: AsJson = False) -> None:
    """Stop applying a known event; its open alerts are judged as before."""
    _print_state(open_session().maintenance.known.disable(event, who), as_json)


@known_events.command()
def enable(event: EventNumber, who: Who, as_json: AsJson = False) -> None:
    """Apply a disabled event again."""
    _print_state(open_session().maintenance.known.enable(event, who), as_json)


@known_events.command()
def remove(event: EventNumber, who: Who) -> None:
    """Remove a known event for good; its open alerts are judged as before."""
    events = open_session().maintenance.known
    name = events.get(event).name
    events.remove(event, who)
    typer.echo(f"Known event {event} is removed: {name}. Its open alerts are judged as before.")


def _print_state(event: "KnownEvent", as_json: bool) -> None:
    if as_json:
        print_json(as_record(event))
        return
    bound_words = "" if event.bound is None else f", bound {event.bound:.2f} ({event.bound_from})"
    reason = f" {event.reason}" if event.reason else ""
    typer.echo(f"Known event {event.id} of {event.channel} is {event.state}: {event.name}{bound_words}.{reason}")
