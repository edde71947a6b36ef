"""`workbench cases`: list cases, the alerts of one event on an asset, and work on a whole case in one go."""

from typing import Annotated, Any

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
    Who,
    count_text,
    done_words,
    open_session,
    percent_text,
    print_json,
    records,
    show,
)
from workbench.exceptions import MaintenanceError

__all__ = ["cases"]

cases = typer.Typer(
    no_args_is_help=True, help="List cases, the alerts of one event on an asset; acknowledge, shelve and close them."
)

CaseNumbers = Annotated[
    list[int], typer.Argument(metavar="CASE", help="Numbers of cases, as `workbench cases list` shows them.")
]
CaseNumber = Annotated[
    int, typer.Argument(metavar="CASE", help="Number of the case, as `workbench cases list` shows it.")
]

_COLUMNS = ["id", "level", "state", "alerts", "channels", "age", "words"]
_ALERT_COLUMNS = ["id", "level", "state", "channel", "kind", "message"]


@cases.command("list")
def list_(
    state: Annotated[
        str,
        filter_option("STATE", "State of an alert of the case: shown, open, all, or one such as acknowledged."),
    ] = "shown",
    level: LevelFilter = None,
    asset: AssetFilter = None,
    channel: ChannelFilter = None,
    text: TextFilter = None,
    order: Annotated[
        str, typer.Option(metavar="ORDER", help="Order of the rows: worst, newest, oldest or asset.")
    ] = "worst",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List cases, the worst first, each with what moved first."""
    session = open_session()
    filters = {"level": level, "asset": asset, "channel": channel, "text": text}
    listed = session.maintenance.cases.list
    list_rows(session, listed, "case", _COLUMNS, filters, state=state, order=order, limit=limit, as_json=as_json)


@cases.command("show")
def show_case(case: CaseNumber, as_json: AsJson = False) -> None:
    """Show one case: its channels in the order in which they moved, and its alerts."""
    from workbench.maintenance.alerts.table import state_words
    from workbench.maintenance.cases.case import lag_words, moment_words

    desk = open_session().maintenance
    shown, alerts = desk.cases.get(case), desk.cases.table(case)
    orders = desk.orders_of_alerts()
    joined = desk.cases.joined(case)
    if as_json:
        details = {
            "id": shown.id,
            "asset": shown.asset,
            "level": shown.level,
            "state": shown.state,
            "clock": shown.clock,
            "first_at": shown.first_at,
            "last_at": shown.last_at,
            "start_time": shown.start_time,
            "end_time": shown.end_time,
            "words": str(shown),
            "onsets": [vars(onset) for onset in shown.onsets],
            "joined": list(joined),
        }
        print_json(details | {"alerts": records(alerts)})
        return
    numbers = sorted({orders[alert] for alert in shown.alerts if alert in orders})
    first, last = (moment_words(shown.clock, moment) for moment in (shown.first_at, shown.last_at))
    facts = {
        "case": f"{shown.id}{' (this case was joined to it)' if shown.id != case else ''}",
        "what moved": str(shown),
        "state": state_words(shown.state),
        "from, to": f"{first} to {last}",
        "work order": ", ".join(numbers),
        "joined": ", ".join(f"case {number}" for number in joined),
    }
    for name, value in facts.items():
        if value:
            typer.echo(f"{name:>12}  {value}")
    for onset in shown.onsets:
        share = f", {percent_text(onset.share)} of the asset's distance" if onset.share else ""
        when = "contributes to the anomaly of the asset"
        if onset.own_at is not None:
            lag = onset.own_at - shown.onsets[0].first_at
            is_first = onset is shown.own_onsets[0][1]
            when = "first" if is_first and not lag else lag_words(shown.clock, lag)
        typer.echo(f"{'':>12}  {onset.channel}, {onset.level}: {when}{share}")
    typer.echo("")
    show(alerts.assign(state=alerts["state"].map(state_words))[_ALERT_COLUMNS], False, "")


@cases.command()
def ack(
    case: CaseNumbers,
    who: Who,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Remark for the history of the alerts.")] = "",
    as_json: AsJson = False,
) -> None:
    """Acknowledge all alerts of cases that wait for it."""
    _act_on_each("acknowledge", case, who, as_json, comment=comment)


@cases.command()
def shelve(
    case: CaseNumbers,
    who: Who,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Reason, for the next shift.")],
    hours: Annotated[float, typer.Option(help="Hours for which the alerts stay hidden.")] = 8.0,
    as_json: AsJson = False,
) -> None:
    """Hide all alerts of cases, and new ones on their channels, for some hours."""
    _act_on_each("shelve", case, who, as_json, why=why, hours=hours)


@cases.command()
def unshelve(case: CaseNumbers, who: Who, as_json: AsJson = False) -> None:
    """Show the shelved alerts of cases again."""
    _act_on_each("unshelve", case, who, as_json)


@cases.command()
def reset(case: CaseNumbers, who: Who, as_json: AsJson = False) -> None:
    """Reset the latched alerts of cases that have returned to normal and are acknowledged."""
    _act_on_each("reset", case, who, as_json)


@cases.command()
def close(
    case: CaseNumbers,
    who: Who,
    verdict: Annotated[str, typer.Option(metavar="VERDICT", help=f"What the cases turned out to be: {VERDICT_WORDS}.")],
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Remark on the verdict.")] = "",
    as_json: AsJson = False,
) -> None:
    """Close all open alerts of cases with one verdict."""
    _act_on_each("close", case, who, as_json, verdict=verdict, comment=comment)
    if not as_json:
        desk = open_session().maintenance
        closed = [int(alert) for number in case for alert in desk.cases.table(number)["id"]]
        for sentence in desk.needless_order_words(closed):
            typer.echo(sentence)


def _act_on_each(action: str, numbers: list[int], who: str, as_json: bool, **options: Any) -> None:
    """Do something to the alerts of each case, and print for each alert whether it was done."""
    desk = open_session().maintenance
    outcomes: list[dict[str, Any]] = []
    refused: list[str] = []
    for number in dict.fromkeys(numbers):
        try:
            done = records(desk.cases.each(action, number, who, **options))
        except MaintenanceError as error:
            refused.append(str(error))
            continue
        outcomes += [{"case": number, **row} for row in done]
        for row in done:
            if not row["done"]:
                refused.append(f"Case {number}, alert {row['alert']}: {row['reason']}")
            elif not as_json:
                typer.echo(f"Case {number}: {done_words(action, row['alert'], desk.alerts.get(row['alert']).state)}")
    if as_json:
        print_json(outcomes)
    for reason in refused:
        typer.echo(reason, err=True)
    if refused:
        others = "The others are done." if any(row["done"] for row in outcomes) else ""
        verb = "was" if len(refused) == 1 else "were"
        what = count_text(len(refused), "case or alert", "cases or alerts")
        raise MaintenanceError(f"{what} {verb} not changed.", others)
