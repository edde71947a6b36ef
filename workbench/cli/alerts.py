"""`workbench alerts`: list alerts, do what operators do with them, and measure how many there are."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.alert_lists import (
    VERDICT_WORDS,
    AssetFilter,
    ChannelFilter,
    LevelFilter,
    Limit,
    TextFilter,
    filter_option,
    list_rows,
)
from workbench.cli.common import (
    AsJson,
    AsOf,
    Who,
    as_record,
    count_text,
    day,
    done_words,
    open_session,
    percent_text,
    print_json,
    print_trail,
    records,
    show,
)
from workbench.exceptions import MaintenanceError, SettingsError

if TYPE_CHECKING:
    from workbench.parameters import Preset

__all__ = ["alerts"]

alerts = typer.Typer(no_args_is_help=True, help="List alerts; acknowledge, shelve and close them.")

AlertNumbers = Annotated[
    list[int], typer.Argument(metavar="ALERT", help="Numbers of alerts, as `workbench alerts list` shows them.")
]
AlertNumber = Annotated[
    int, typer.Argument(metavar="ALERT", help="Number of the alert, as `workbench alerts list` shows it.")
]
Comment = Annotated[str, typer.Option(metavar="TEXT", help="Remark for the history of the alert.")]

_COLUMNS = ["id", "level", "state", "channel", "asset", "age", "message"]
_FIGURES = {  # key in JSON: attribute of AlarmFigures, words
    "announced": ("announced", "alerts shown to operators"),
    "per_operator_and_day": ("per_operator_day", "alerts per operator and day"),
    "per_operator_and_hour": ("per_operator_hour", "alerts per operator and hour"),
    "per_operator_and_ten_minutes": ("per_operator_ten_minutes", "alerts per operator and ten minutes"),
    "most_in_ten_minutes": ("peak_ten_minutes", "most alerts in ten minutes"),
    "share_of_hours_above_30": ("above_thirty_share", "hours with more than 30"),
    "share_of_ten_minutes_above_10": ("above_ten_share", "ten-minute periods with more than 10"),
    "floods": ("floods", "alert floods"),
    "share_of_time_in_floods": ("flood_share", "time in floods"),
    "stale": ("stale", "alerts active for over 24 hours"),
}
_UNREADABLE = ["closed_at", "comment", "clock", "first_at", "last_at", "evidence_at"]
_SHARES = ("above_thirty_share", "above_ten_share", "flood_share")


@alerts.command("list")
def list_(
    state: Annotated[
        str, filter_option("STATE", "State: shown, open, all, or one state such as acknowledged.")
    ] = "shown",
    level: LevelFilter = None,
    asset: AssetFilter = None,
    channel: ChannelFilter = None,
    kind: Annotated[
        str | None, filter_option("KIND", "Cause of the alerts: model, limit, asset, silence or clock.")
    ] = None,
    verdict: Annotated[str | None, filter_option("VERDICT", f"Verdict on the alerts: {VERDICT_WORDS}.")] = None,
    text: TextFilter = None,
    order: Annotated[
        str, typer.Option(metavar="ORDER", help="Order of the rows: worst, newest, oldest or channel.")
    ] = "worst",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List alerts, the worst first."""
    session = open_session()
    filters = {"level": level, "asset": asset, "channel": channel, "kind": kind, "verdict": verdict, "text": text}
    listed = session.maintenance.alerts.list
    list_rows(session, listed, "alert", _COLUMNS, filters, state=state, order=order, limit=limit, as_json=as_json)


@alerts.command("show")
def show_alert(alert: AlertNumber, as_json: AsJson = False) -> None:
    """Show one alert with its remarks and its history."""
    from workbench.maintenance.alerts.places import place_words
    from workbench.maintenance.alerts.table import state_words

    desk = open_session().maintenance
    shown = desk.alerts.get(alert)
    rows = desk.alerts.rows(shown)
    details = as_record(shown) | {"rows": None if rows is None else list(rows)}
    history, remarks = desk.alerts.history(alert), desk.alerts.remarks(alert)
    if as_json:
        print_json(details | {"remarks": records(remarks), "history": records(history)})
        return
    del details["comment"]  # the newest of the remarks
    for name in ("start_sample", "end_sample", "clock", "first_at", "last_at", "evidence_at"):
        del details[name]
    details["state"] = state_words(shown.state)
    details["place"] = place_words(vars(shown))
    details["rows"] = "not in the series as it is now" if rows is None else f"{rows[0]:,} to {rows[1]:,} of the series"
    for name, value in details.items():
        if value not in (None, ""):
            typer.echo(f"{name.replace('_', ' '):>16}  {value}")
    print_trail(remarks, history, f"alert:{alert}")


@alerts.command()
def ack(alert: AlertNumbers, who: Who, comment: Comment = "", as_json: AsJson = False) -> None:
    """Acknowledge alerts: record that a person has seen them and takes care of them."""
    _act_on_each("acknowledge", alert, who, as_json, comment=comment)


@alerts.command()
def reset(alert: AlertNumbers, who: Who, as_json: AsJson = False) -> None:
    """Reset latched alerts that have returned to normal and are acknowledged."""
    _act_on_each("reset", alert, who, as_json)


@alerts.command()
def shelve(
    alert: AlertNumbers,
    who: Who,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Reason, for the next shift.")],
    hours: Annotated[float, typer.Option(help="Hours for which the alerts stay hidden.")] = 8.0,
    as_json: AsJson = False,
) -> None:
    """Hide alerts, and new ones on their channels, for some hours."""
    _act_on_each("shelve", alert, who, as_json, why=why, hours=hours)


@alerts.command()
def unshelve(alert: AlertNumbers, who: Who, as_json: AsJson = False) -> None:
    """Show shelved alerts again."""
    _act_on_each("unshelve", alert, who, as_json)


@alerts.command()
def close(
    alert: AlertNumbers,
    who: Who,
    verdict: Annotated[
        str, typer.Option(metavar="VERDICT", help=f"What the alerts turned out to be: {VERDICT_WORDS}.")
    ],
    comment: Comment = "",
    as_json: AsJson = False,
) -> None:
    """Close alerts with a verdict: what they turned out to be."""
    from workbench.maintenance.alerts.known.table import TEACHING_VERDICTS

    _act_on_each("close", alert, who, as_json, verdict=verdict, comment=comment)
    if as_json:
        return
    desk = open_session().maintenance
    for sentence in desk.needless_order_words(alert):
        typer.echo(sentence)
    if verdict.strip().lower() in TEACHING_VERDICTS:
        if any(desk.alerts.get(number).kind == "model" for number in alert):
            typer.echo("This verdict on an anomaly teaches a known event. See: workbench known list")
        else:
            typer.echo("This verdict teaches no known event: only one on an anomaly of a channel does.")


@alerts.command()
def undo(alert: AlertNumbers, who: Who, as_json: AsJson = False) -> None:
    """Undo what you did to alerts last: acknowledge, shelve or close. The log keeps both.

    Alerts that somebody else has changed since stay as they are.
    """
    _act_on_each("undo", alert, who, as_json)


@alerts.command()
def correct(
    alert: AlertNumbers,
    who: Who,
    verdict: Annotated[str, typer.Option(metavar="VERDICT", help=f"The right verdict: {VERDICT_WORDS}.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="Reason for the correction.")],
    as_json: AsJson = False,
) -> None:
    """Correct the verdict on closed alerts; the log keeps both, and labels and known events follow."""
    _act_on_each("correct", alert, who, as_json, verdict=verdict, why=why)


@alerts.command()
def comment(
    alert: AlertNumbers,
    text: Annotated[str, typer.Option(metavar="TEXT", help="Text of the remark.")],
    who: Who,
    as_json: AsJson = False,
) -> None:
    """Add a remark to alerts."""
    _act_on_each("comment", alert, who, as_json, text=text)


@alerts.command()
def outages(as_json: AsJson = False) -> None:
    """List the outages of assets, the newest first."""
    table = open_session().maintenance.outages.list()
    if not as_json:
        for name in ("since", "until", "ended_at"):
            table[name] = table[name].dt.strftime("%Y-%m-%d %H:%M UTC")
    show(table, as_json, "No outages. To begin one: workbench alerts outage ASSET --why TEXT")


@alerts.command()
def outage(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="Key of the asset, for example SMAP.")],
    who: Who,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Reason; required to begin an outage.")] = "",
    hours: Annotated[
        float | None,
        typer.Option(show_default="until it is ended", help="Hours after which the outage ends by itself."),
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="Put the asset back into service.")] = False,
) -> None:
    """Take an asset out of service, or put it back; its alerts are suppressed in between."""
    from workbench.maintenance.values import ahead

    desk = open_session().maintenance
    if end:
        count = len(desk.outages.end(asset, who))
        verb = "is" if count == 1 else "are"
        typer.echo(f"{asset} is back in service; {count_text(count, 'alert')} {verb} shown again.")
        return
    until = None if hours is None else ahead(desk.database.clock(), hours)
    desk.outages.start(asset, who, why, until)
    typer.echo(f"{asset} is out of service; its alerts are suppressed.")


@alerts.command()
def figures(
    days: Annotated[float, typer.Option(min=0.01, help="Length of the period in days, up to its end.")] = 30.0,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Measure the load that alerts put on operators: rates, floods, stale, chattering and frequent alerts."""
    from workbench.maintenance.values import day_span

    desk = open_session().maintenance
    moment = day(as_of)
    until = moment or desk.database.clock()
    alarms = desk.alarm_figures(until - day_span("days", days), until, as_of=moment)
    if as_json:
        values = {key: getattr(alarms, attribute) for key, (attribute, _) in _FIGURES.items()}
        print_json(values | {"chattering": records(alarms.chattering), "top_ten": records(alarms.top_ten)})
        return
    for attribute, words in _FIGURES.values():
        value = getattr(alarms, attribute)
        typer.echo(f"{words:>36}  {percent_text(value) if attribute in _SHARES else _number_text(value)}")
    for title, table in (("Most frequent alerts:", alarms.top_ten), ("Chattering channels:", alarms.chattering)):
        if not table.empty:
            typer.echo(f"\n{title}")
            show(table, False, "")


@alerts.command()
def thresholds(
    assignments: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Threshold to try, for example min_decrease=0.2; repeat for several."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Try other thresholds on alerts that people have judged, before the thresholds are saved.

    The answer says which false alarms would be spared, which real faults missed, and which anomalies would be new.
    """
    from workbench.threshold_trial import threshold_effect

    session = open_session()
    params = _changed_params(session.settings.params, assignments)
    scores = (session.channel, session.stored, session.settings.severity)
    effect = threshold_effect(session.maintenance, session.channel_names(), *scores, params)
    tables = {"spared": effect.spared, "missed": effect.missed, "new": effect.new}
    if as_json:
        print_json({name: records(table) for name, table in tables.items()} | {"kept": effect.kept})
        return
    typer.echo(str(effect))
    for name, table in tables.items():
        if not table.empty:
            typer.echo(f"\n{name}:")
            show(table.drop(columns=_UNREADABLE, errors="ignore"), False, "")


def _changed_params(params: "Preset", assignments: list[str]) -> "Preset":
    """Return detection parameters with some of them changed, as `NAME=VALUE` says."""
    from pydantic import ValidationError

    values, changed = params.model_dump(), set()
    of_models = {"forecasters", *params.windows}  # another value needs another model
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or name not in values or name in of_models:
            names = ", ".join(key for key in values if key not in of_models)
            raise SettingsError(f"{text!r} does not set a threshold.", f"Write NAME=VALUE, with NAME one of: {names}.")
        if name in changed:
            raise SettingsError(f"{name} is set twice.", "Set it once.")
        changed.add(name)
        values[name] = value
    try:
        return type(params).model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "thresholds"
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"Cannot try {name} with {first['input']!r}: {reason}.") from None


def _act_on_each(action: str, numbers: list[int], who: str, as_json: bool, **options: Any) -> None:
    desk = open_session().maintenance
    outcomes = desk.alerts.each(action, numbers, who, **options)
    if as_json:
        print_json(records(outcomes))
    for row in records(outcomes):
        if not row["done"]:
            typer.echo(f"Alert {row['alert']}: {row['reason']}", err=True)
        elif not as_json:
            typer.echo(done_words(action, row["alert"], desk.alerts.get(row["alert"]).state))
    refusals = int((~outcomes["done"]).sum())
    if refusals:
        verb = "was" if refusals == 1 else "were"
        others = "The others are done." if refusals < len(outcomes) else ""
        raise MaintenanceError(f"{refusals} of {count_text(len(outcomes), 'alert')} {verb} not changed.", others)


def _number_text(value: float | int | None) -> str:
    return "no data" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
