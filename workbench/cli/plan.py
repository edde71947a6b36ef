"""`workbench plan`, `preventive` and `kpis`: when the work is done, what is repeated, and the key figures."""

import signal
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    NUMBERS_BELOW_0,
    AsJson,
    AsOf,
    New,
    Who,
    ask,
    count_text,
    day,
    empty_archive_text,
    local,
    open_session,
    part_quantities,
    percent_text,
    print_json,
    records,
    show,
)
from workbench.cli.what_if import TIME_FORMAT, compare
from workbench.maintenance.values import span_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.maintenance.planning import Planning
    from workbench.maintenance.schedule.model import Placement, Plan
    from workbench.maintenance.schedule.solver import Stop

__all__ = ["kpis", "plan", "preventive"]

_TIGHT_GAP = 0.1

preventive = typer.Typer(
    no_args_is_help=True, help="List preventive plans, add and stop them, and record meter readings."
)


plan = typer.Typer(
    invoke_without_command=True, help="Plan the active work orders: who does each one, and when; accept the plan."
)


@plan.callback()
def make_plan(
    context: typer.Context,
    who: Who,
    show_only: Annotated[bool, typer.Option("--show", help="Show the present plan; make no new one.")] = False,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANGE",
            help="Change to compare with the present plan, which stays as it is: delay=DAYS, technician=NAME or "
            "technician=NAME:SKILL,SKILL, without=NAME, or hours='Mon-Fri 08:00-20:00'. Repeat it for several changes.",
        ),
    ] = None,
    ics: Annotated[
        Path | None, typer.Option(callback=local, metavar="FILE", help="Calendar file (.ics) to write the plan to.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Plan the active work orders: who does each one, and when.

    Each order gets a technician and a time in the maintenance windows. Ctrl-C ends the search, and the best plan so
    far is saved.
    """
    if context.invoked_subcommand is not None:
        return
    session = open_session()
    planning = session.maintenance.planning
    if what_if:
        compare(planning, what_if, as_json)
        return
    before = planning.placements()
    new_plan = None if show_only else _searched(planning, who)
    if ics is not None:
        ics.write_bytes(session.maintenance.calendars.render())
    table = planning.table()
    if as_json:
        print_json({"plan": records(table), **({} if new_plan is None else _figures(new_plan))})
        return
    table["late"] = table["late"].map({True: "late", False: ""})
    for name in ("start", "end", "due"):
        table[name] = table[name].dt.strftime(TIME_FORMAT)
    if new_plan is None:
        empty = "Nothing is planned. Run: workbench plan"
    elif new_plan.unplanned:
        empty = "No order could be planned."
    else:
        empty = "There are no work orders. Anomalies open them: workbench score --all; by hand: workbench orders new"
    show(table.drop(columns=["planned_at", "frozen", "asset"]), False, empty_archive_text(session) or empty)
    for conflict in planning.conflicts() if new_plan is None else new_plan.conflicts:
        typer.echo(f"{conflict.job}: {conflict.message} {conflict.resolve}")
    if new_plan is not None:
        quality = ""
        if new_plan.optimal:
            quality = " No better plan exists."
        elif new_plan.gap <= _TIGHT_GAP:  # a wide bound says nothing about the plan
            quality = f" It is within {100 * new_plan.gap:.0f} % of the best possible plan."
        typer.echo(
            f"{count_text(len(new_plan.placements), 'order')} planned, {len(new_plan.unplanned)} not planned; "
            f"{span_words(timedelta(hours=new_plan.lateness_hours))} late in total.{quality}"
        )
        _print_changes(before, new_plan)
    if ics is not None:
        typer.echo(str(ics))


@plan.command()
def accept(who: Who) -> None:
    """Accept the saved plan: its orders are assigned, and those of the next days are frozen.

    Frozen orders do not move in later plans until they are released. Setting: schedule.frozen_days.
    """
    planning = open_session().maintenance.planning
    accepted = planning.accept(who)
    count = accepted.frozen
    typer.echo(
        f"The plan is accepted. {count_text(count, 'order')} of the next {planning.options.frozen_days:g} days "
        f"{'is' if count == 1 else 'are'} frozen."
    )
    if accepted.refused:
        typer.echo(accepted.words)
        raise typer.Exit(1)


@plan.command()
def frozen(
    week: Annotated[
        str | None, typer.Option(metavar="DAY", show_default="all weeks", help="Any day of the week to list.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what accepted plans have promised: the frozen weeks."""
    monday = day(week)
    table = open_session().maintenance.planning.frozen(None if monday is None else monday.date())
    if not as_json:
        for name in ("start", "end", "accepted_at", "released_at"):
            table[name] = table[name].dt.strftime(TIME_FORMAT)
    show(table, as_json, "Nothing is frozen. Accept a plan first: workbench plan accept")


@plan.command()
def release(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Number of the work order, for example WO-7.")],
    who: Who,
) -> None:
    """Release an order that is frozen or fixed: the next plan can move it."""
    open_session().maintenance.planning.freeze(order, who, frozen=False)
    typer.echo(f"{order} is released: the next plan can move it.")


@plan.command()
def place(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Number of the work order, for example WO-7.")],
    who: Who,
    technician: Annotated[str, typer.Option("--to", metavar="NAME", help="Name of the technician.")],
    start: Annotated[str, typer.Option(metavar="TIME", help="Start in UTC, for example 2026-12-24T12:00.")],
    sure: Annotated[
        bool,
        typer.Option(
            "--sure",
            help="Accept a start of the past, one at which the technician is absent, not at work or busy, or one "
            "before the parts come.",
        ),
    ] = False,
) -> None:
    """Place an order with a technician at a time, and fix it there: the next plan goes around it."""
    from workbench.maintenance.orders.table import number_of, order_id

    desk = open_session().maintenance
    begin = day(start)
    assert begin is not None
    ask(desk.questions(technician=technician, start=begin, order=number_of(order_id(order))), sure)
    desk.planning.place(order, technician, begin, who)
    typer.echo(f"{order} is planned for {technician} at {begin:{TIME_FORMAT}}, and fixed there.")


def _searched(planning: "Planning", who: str) -> "Plan":
    """Make a plan with a bar of its progress; the first Ctrl-C ends the search and keeps the best plan so far."""
    from tqdm.auto import tqdm

    from workbench.maintenance.schedule.solver import Stop

    bar_format = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}"
    with tqdm(total=100, desc="plan", bar_format=bar_format, leave=False, disable=None) as bar:
        stop = Stop(partial(_show_progress, bar))
        before = signal.signal(signal.SIGINT, partial(_stop_search, stop))
        try:
            return planning.make(who, stop)
        finally:
            signal.signal(signal.SIGINT, before)


def _show_progress(bar: Any, share: float, points: float) -> None:
    bar.n = max(bar.n, round(100 * share))
    bar.set_postfix_str(f"best {points:,.1f} points")


def _stop_search(stop: "Stop", *_: object) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a second one ends the command at once
    stop()


def _print_changes(before: "Sequence[Placement]", new_plan: "Plan") -> None:
    """Print the orders that moved, where there was a plan before."""
    from workbench.maintenance.schedule.what_if import change_words

    if before:
        words = change_words(before, new_plan)
        typer.echo(f"{count_text(len(words), 'change')} of the plan{':' if words else '.'}")
        for line in words:
            typer.echo(f"  {line}")


def kpis(
    days: Annotated[float, typer.Option(min=0.01, help="Length of the period in days, up to its end.")] = 30.0,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Compute the key figures of maintenance: MTBF, MTTR, availability, compliance, backlog, cost and health.

    A figure without data says "no data". Those of a period of the past are computed from what the log says maintenance
    was like at its end; health is that of now, and left out of them.
    """
    from workbench.maintenance.values import day_span

    session = open_session()
    desk, channels = session.maintenance, session.channels()
    moment = day(as_of)
    until = moment or desk.database.clock()
    figures = desk.kpis(session.watched(), until - day_span("days", days), until, as_of=moment)
    scored = session.overview().query("state in ['current', 'stale']").groupby("asset").size()
    assets = sorted(set(channels["asset"])) if moment is None else []
    health_index = desk.health({asset: int(scored.get(asset, 0)) for asset in assets})
    health = {asset: None if value != value else float(value) for asset, value in health_index.items()}
    if as_json:
        print_json(figures.to_json_dict() | {"health": health})
        return
    mtbf = figures.mtbf
    interval = (
        ""
        if mtbf.low is None
        else f" ({_number_text(mtbf.low)} to {'...' if mtbf.high is None else _number_text(mtbf.high)})"
    )
    failures = (
        f"{count_text(mtbf.failures, 'failure')} that began in {count_text(round(mtbf.operating_hours), 'hour')} of "
        "operation"
    )
    unwatched = f"; not counted, as nobody watches them: {', '.join(mtbf.unwatched)}" if mtbf.unwatched else ""
    waiting = (
        f", and {_number_text(figures.waiting_weeks)} on hold or waiting for parts" if figures.waiting_weeks else ""
    )
    incomplete = f", without what is unknown of {count_text(figures.cost_incomplete, 'order')}"
    cost = "no data" if figures.cost is None else f"{figures.cost:,.2f}"
    rows: dict[str, Any] = {
        "MTBF, hours": f"{_number_text(mtbf.hours)}{interval}, {failures}{unwatched}",
        "MTTR, hours": f"{_number_text(figures.mttr_hours)}, from start to end of the work that ended in the period",
        "mean downtime, hours": f"{_number_text(figures.downtime_hours)}, from down to up",
        "MTTA, minutes": _number_text(figures.mtta_minutes),
        "availability": percent_text(figures.availability),
        "preventive compliance": percent_text(figures.pm_compliance),
        "schedule compliance": percent_text(figures.schedule_compliance),
        "backlog, weeks": f"{_number_text(figures.backlog_weeks)}{waiting}",
        "planned share of work": percent_text(figures.planned_share),
        "orders": f"{figures.open_orders} open, {figures.overdue_orders} overdue, {figures.completed_orders} completed",
        "cost": f"{cost}{incomplete if figures.cost_incomplete else ''}",
        "parts below minimum": figures.parts_below_minimum,
        **{f"health of {asset}": _number_text(value) for asset, value in health.items()},
    }
    for name, value in rows.items():
        typer.echo(f"{name:>24}  {value}")


@preventive.command("list")
def list_plans(as_json: AsJson = False) -> None:
    """List the preventive plans."""
    table = open_session().maintenance.preventive.list()
    empty = "No preventive plans. To add one: workbench preventive add TITLE --asset ASSET --every-days 90"
    show(table, as_json, empty)


_BY_METER, _CONTENT = "Plans by meter", "Content of the work orders"


@preventive.command()
def add(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="Title of the work orders.")],
    who: Who,
    asset: Annotated[
        str, typer.Option(metavar="ASSET", help="Name of the asset, subsystem or component in the register.")
    ],
    every_days: Annotated[float | None, typer.Option(help="Days from one work order to the next.")] = None,
    calendar: Annotated[
        str,
        typer.Option(metavar="DAY", help="Day of each month: 'first Monday', 'last Friday', 'day 15' or 'last day'."),
    ] = "",
    season: Annotated[
        str, typer.Option(metavar="MONTHS", help="Months of the due dates, for example Apr-Sep or 'Mar, Sep'.")
    ] = "",
    meter: Annotated[
        str,
        typer.Option(
            metavar="METER", rich_help_panel=_BY_METER, help="Meter of the asset that --every and --below refer to."
        ),
    ] = "",
    every: Annotated[
        float | None,
        typer.Option(rich_help_panel=_BY_METER, help="Units of the meter from one work order to the next."),
    ] = None,
    below: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_BY_METER,
            help="Reading of the meter below which an order opens. The meter health is the health index, 0 to 100, "
            "and needs no readings.",
        ),
    ] = None,
    anchor: Annotated[
        str,
        typer.Option(metavar="ANCHOR", help="Time that the next due date is counted from: scheduled or completed."),
    ] = "scheduled",
    first: Annotated[str | None, typer.Option(metavar="TIME", help="First due date or time, in UTC.")] = None,
    lead_days: Annotated[float, typer.Option(help="Days before its due date at which an order opens.")] = 7.0,
    hours: Annotated[
        float | None, typer.Option(rich_help_panel=_CONTENT, help="Estimated hours of work of an order.")
    ] = None,
    skill: Annotated[
        list[str] | None,
        typer.Option(metavar="SKILL", rich_help_panel=_CONTENT, help="Skill that the work takes; repeat for several."),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=QUANTITY",
            rich_help_panel=_CONTENT,
            help="Part with its quantity, for example seal=2; repeat for several.",
        ),
    ] = None,
    check: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", rich_help_panel=_CONTENT, help="Item of the checklist, to be ticked; repeat for several."
        ),
    ] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", rich_help_panel=_CONTENT, help="Description of the work.")
    ] = None,
    type: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE", rich_help_panel=_CONTENT, show_default="preventive", help="Type of the work orders."
        ),
    ] = None,
    new: New = False,
) -> None:
    """Add a preventive plan, which opens a work order again and again."""
    desk = open_session().maintenance
    ask(desk.questions(meter=(asset, meter) if meter else None), new, "--new")
    content: dict[str, Any] = {
        "hours": hours,
        "skills": skill,
        "parts": part_quantities(part),
        "checklist": None if check is None else [{"text": text} for text in check],
        "description": description,
        "type": type,
    }
    number = desk.preventive.add(
        title,
        asset,
        who,
        every_days=every_days,
        calendar=calendar,
        season=season,
        meter=meter,
        every=every,
        below=below,
        anchor=anchor,
        first=day(first),
        lead_days=lead_days,
        **content,
    )
    due = desk.preventive.list().set_index("id")["next_due"].dropna().get(number)
    begins = "" if due is None else f" Its first order is due {due:{TIME_FORMAT}}."
    typer.echo(f"Preventive plan {number} is added.{begins}")


@preventive.command()
def stop(
    plan: Annotated[
        int, typer.Argument(metavar="PLAN", help="Number of the plan, as `workbench preventive list` shows it.")
    ],
    who: Who,
) -> None:
    """Stop a preventive plan: it opens no more work orders."""
    open_session().maintenance.preventive.stop(plan, who)
    typer.echo(f"Preventive plan {plan} is stopped.")


@preventive.command()
def meters(as_json: AsJson = False) -> None:
    """List the last readings of the meters."""
    table = open_session().maintenance.preventive.meters()
    show(table, as_json, "No readings. To record one: workbench preventive read ASSET METER VALUE")


@preventive.command("read", context_settings=NUMBERS_BELOW_0)
def read_meter(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="Key of the asset.")],
    meter: Annotated[str, typer.Argument(metavar="METER", help="Name of the meter, for example hours.")],
    value: Annotated[float, typer.Argument(metavar="VALUE", help="Reading of the meter.")],
    who: Who,
    new: New = False,
    sure: Annotated[bool, typer.Option("--sure", help="Accept a reading below the one before.")] = False,
) -> None:
    """Record the reading of a meter, and open the work orders that are due."""
    desk = open_session().maintenance
    ask(desk.questions(meter=(asset, meter)), new, "--new")
    ask(desk.questions(meter=(asset, meter), reading=value), sure or new)
    desk.preventive.read_meter(asset, meter, value, who)
    numbers = desk.preventive.open_due(who)
    due = f"{', '.join(numbers)} opened" if numbers else "no work order is due"
    typer.echo(f"{meter} of {asset} is {value:g}; {due}.")


def _figures(plan: "Plan") -> dict[str, Any]:
    return {
        "conflicts": records(plan.conflict_table()),
        "unplanned": list(plan.unplanned),
        "hours_late": plan.lateness_hours,
        "gap": plan.gap,
        "optimal": plan.optimal,
    }


def _number_text(value: float | None) -> str:
    return "no data" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
