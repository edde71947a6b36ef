"""`workbench alerts` and `workbench log`: what operators do, and what was written down of it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import AsJson, Who, as_record, open_session, print_json, records, show, show_trail
from workbench.exceptions import MaintenanceError, SettingsError

if TYPE_CHECKING:
    from workbench.parameters import Preset

__all__ = ["alerts"]

alerts = typer.Typer(no_args_is_help=True, help="List alerts; acknowledge, shelve and close them.")

Numbers = Annotated[list[int], typer.Argument(metavar="ALERT...", help="Numbers, from alerts list.")]
Number = Annotated[int, typer.Argument(metavar="ALERT", help="Number, from alerts list.")]
Comment = Annotated[str, typer.Option(help="A remark for the history.")]

_SHOWN = ["id", "level", "state", "channel", "asset", "age", "message"]
_HISTORY = ["time", "action", "who", "details"]
_REMARKS = 10  # that are printed; JSON has all
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


@alerts.command("list")
def list_(
    state: Annotated[str, typer.Option(help="shown, open, all, or one state, as acknowledged.")] = "shown",
    level: Annotated[str | None, typer.Option(help="This level and above.")] = None,
    asset: Annotated[str | None, typer.Option(help="Only this asset's.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only this channel's.")] = None,
    kind: Annotated[str | None, typer.Option(help="model or limit.")] = None,
    verdict: Annotated[str | None, typer.Option(help="true, false alarm, known behaviour, test or unknown.")] = None,
    text: Annotated[str | None, typer.Option(help="Part of the message.")] = None,
    order: Annotated[str, typer.Option(help="worst, newest, oldest or channel.")] = "worst",
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Most rows.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List alerts, the worst first."""
    desk = open_session().maintenance
    wanted = None if state == "all" else state
    found = desk.alerts.list(
        state=wanted,
        level=level,
        asset=asset,
        channel=channel,
        kind=kind,
        verdict=verdict,
        text=text,
        order=order,
        limit=limit + 1,
    )
    more, found = len(found) > limit, found.head(limit)
    if as_json:
        print_json(records(found))
        return
    now = desk.database.clock()
    shown = found.assign(age=[_age(now - raised) for raised in found["raised_at"]])
    show(shown[_SHOWN], False, "No alerts. They are raised by: workbench score --all")
    if more:
        typer.echo(f"The first {limit}; --limit shows more.")


@alerts.command("show")
def show_alert(alert: Number, as_json: AsJson = False) -> None:
    """Show one alert with its history."""
    desk = open_session().maintenance
    found, history, remarks = as_record(desk.alerts.get(alert)), desk.alerts.history(alert), desk.alerts.remarks(alert)
    if as_json:
        print_json(found | {"remarks": records(remarks), "history": records(history)})
        return
    del found["comment"]  # the newest of the remarks
    for name, value in found.items():
        if value not in (None, ""):
            typer.echo(f"{name:>16}  {value}")
    show_trail(remarks, history, f"alert:{alert}")


@alerts.command()
def ack(alert: Numbers, who: Who, comment: Comment = "", as_json: AsJson = False) -> None:
    """Acknowledge alerts: somebody has seen them and cares."""
    _each("acknowledge", alert, who, as_json, comment=comment)


@alerts.command()
def reset(alert: Numbers, who: Who, as_json: AsJson = False) -> None:
    """Clear latched alerts that are back to normal and acknowledged."""
    _each("reset", alert, who, as_json)


@alerts.command()
def shelve(
    alert: Numbers,
    who: Who,
    why: Annotated[str, typer.Option(help="Reason, for the next shift.")],
    hours: Annotated[float, typer.Option(help="For how long.")] = 8.0,
    as_json: AsJson = False,
) -> None:
    """Hide alerts, and new ones on their channels, for some hours."""
    _each("shelve", alert, who, as_json, why=why, hours=hours)


@alerts.command()
def unshelve(alert: Numbers, who: Who, as_json: AsJson = False) -> None:
    """Show shelved alerts again."""
    _each("unshelve", alert, who, as_json)


@alerts.command()
def close(
    alert: Numbers,
    who: Who,
    verdict: Annotated[str, typer.Option(help="true, false alarm, known behaviour, test or unknown.")],
    comment: Comment = "",
    as_json: AsJson = False,
) -> None:
    """Close alerts with what they were."""
    _each("close", alert, who, as_json, verdict=verdict, comment=comment)


@alerts.command()
def comment(
    alert: Numbers, text: Annotated[str, typer.Option(help="The remark.")], who: Who, as_json: AsJson = False
) -> None:
    """Add a remark to alerts."""
    _each("comment", alert, who, as_json, text=text)


@alerts.command()
def outage(
    asset: Annotated[str, typer.Argument(help="Key of the asset, as SMAP.")],
    who: Who,
    why: Annotated[str, typer.Option(help="Reason; needed to begin one.")] = "",
    hours: Annotated[float | None, typer.Option(help="Ends by itself after this time.")] = None,
    end: Annotated[bool, typer.Option("--end", help="Put the asset back into service.")] = False,
) -> None:
    """Take an asset out of service, or back: its alerts are suppressed meanwhile."""
    from workbench.maintenance.values import ahead

    desk = open_session().maintenance
    if end:
        back = desk.outages.end(asset, who)
        typer.echo(f"{asset} is back in service; {len(back)} alerts are shown again.")
        return
    until = None if hours is None else ahead(desk.database.clock(), hours)
    desk.outages.start(asset, who, why, until)
    typer.echo(f"{asset} is out of service; its alerts are suppressed.")


@alerts.command()
def figures(
    days: Annotated[float, typer.Option(min=0.01, help="Length of the period, up to now.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Say how much the alerts ask of operators: rates, floods, stale, chattering and most frequent ones."""
    from workbench.maintenance.values import day_span

    desk = open_session().maintenance
    until = desk.database.clock()
    found = desk.alarm_figures(until - day_span("days", days), until)
    values = {
        "announced": found.announced,
        "per operator and hour": found.per_operator_hour,
        "most in ten minutes": found.peak_ten_minutes,
        "share of ten minutes above 10": found.above_ten_share,
        "floods": found.floods,
        "share of time in floods": found.flood_share,
        "stale": found.stale,
    }
    if as_json:
        tables = {"chattering": records(found.chattering), "top_ten": records(found.top_ten)}
        print_json({name.replace(" ", "_"): value for name, value in values.items()} | tables)
        return
    for name, value in values.items():
        typer.echo(f"{name:>30}  {_number(value)}")
    for title, table in (("Most frequent:", found.top_ten), ("Chattering:", found.chattering)):
        if not table.empty:
            typer.echo(f"\n{title}")
            show(table, False, "")


@alerts.command()
def thresholds(
    given: Annotated[list[str], typer.Option("--set", help="NAME=VALUE, as min_decrease=0.2; several times.")],
    as_json: AsJson = False,
) -> None:
    """Try other thresholds on what people judged, before they are saved: what would be spared, missed and new."""
    from workbench.threshold_trial import threshold_effect

    session = open_session()
    params = changed_params(session.settings.params, given)
    scores = (session.channel, session.stored, session.settings.severity)
    found = threshold_effect(session.maintenance, session.channel_names(), *scores, params)
    tables = {"spared": found.spared, "missed": found.missed, "new": found.new}
    if as_json:
        print_json({name: records(table) for name, table in tables.items()} | {"kept": found.kept})
        return
    typer.echo(str(found))
    for name, table in tables.items():
        if not table.empty:
            typer.echo(f"\n{name}:")
            show(table.drop(columns=["closed_at", "comment"], errors="ignore"), False, "")


def changed_params(params: "Preset", given: list[str]) -> "Preset":
    """Change detection parameters as `NAME=VALUE` says.

    Raises
    ------
    SettingsError
        There is no such parameter, or the value cannot be; the message names it.
    """
    from pydantic import ValidationError

    values = params.model_dump()
    fixed = {"forecasters", *params.windows}  # those of the models
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in values or name in fixed:
            known = ", ".join(key for key in values if key not in fixed)
            raise SettingsError(f"{text!r} sets no threshold.", f"Write NAME=VALUE; known: {known}.")
        values[name] = value
    try:
        return type(params).model_validate(values)
    except ValidationError as error:
        found = error.errors()[0]
        name = ".".join(map(str, found["loc"])) or "thresholds"
        raise SettingsError(f"{name}: {found['msg'].removeprefix('Value error, ')} (got {found['input']!r}).") from None


def _each(action: str, numbers: list[int], who: str, as_json: bool, **options: Any) -> None:
    desk = open_session().maintenance
    done = desk.alerts.each(action, numbers, who, **options)
    if as_json:
        print_json(records(done))
    for row in records(done):
        if not row["done"]:
            typer.echo(f"Alert {row['alert']}: {row['reason']}", err=True)
        elif not as_json:
            typer.echo(f"Alert {row['alert']} is {desk.alerts.get(row['alert']).state.replace('_', ' and ')}.")
    if not done["done"].all():
        raise MaintenanceError(
            f"{int((~done['done']).sum())} of {len(done)} alerts were left as they are.", "The others are done."
        )


def _number(value: float | int | None) -> str:
    return "no data" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _age(span: timedelta) -> str:
    seconds = span.total_seconds()
    return next((f"{seconds / size:.0f} {unit}" for unit, size in _UNITS if seconds >= size), "now")
