"""`workbench plan`, `preventive` and `kpis`: when the work is done, what is repeated, and the key figures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    AsJson,
    Who,
    count_text,
    day,
    empty_archive_text,
    local,
    open_session,
    percent_text,
    print_json,
    records,
    show,
)
from workbench.exceptions import MaintenanceError

if TYPE_CHECKING:
    from workbench.maintenance.schedule.model import Plan
    from workbench.maintenance.schedule.what_if import Change

__all__ = ["kpis", "plan", "preventive"]

_TIME_FORMAT = "%Y-%m-%d %H:%M UTC"
_TIGHT_GAP = 0.1

preventive = typer.Typer(
    no_args_is_help=True, help="List preventive plans, add and stop them, and record meter readings."
)


def plan(
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

    Each order gets a technician and a time in the maintenance windows.
    """
    session = open_session()
    planning = session.maintenance.planning
    if what_if:
        _compare(planning, what_if, as_json)
        return
    new_plan = None if show_only else planning.make(who)
    if ics is not None:
        from workbench.maintenance.exports import plan_calendar

        ics.write_bytes(plan_calendar(planning.sessions(), planning.database.clock()))
    table = planning.table()
    if as_json:
        print_json({"plan": records(table), **({} if new_plan is None else _figures(new_plan))})
        return
    table["late"] = table["late"].map({True: "late", False: ""})
    for name in ("start", "end", "due"):
        table[name] = table[name].dt.strftime(_TIME_FORMAT)
    if new_plan is None:
        empty = "Nothing is planned. Run: workbench plan"
    elif new_plan.unplanned:
        empty = "No order could be planned."
    else:
        empty = "There are no work orders. Anomalies open them: workbench score --all; by hand: workbench orders new"
    show(table.drop(columns=["planned_at", "frozen", "asset"]), False, empty_archive_text(session) or empty)
    if new_plan is not None:
        for conflict in new_plan.conflicts:
            typer.echo(f"{conflict.job}: {conflict.message} {conflict.resolve}")
        quality = ""
        if new_plan.optimal:
            quality = " No better plan exists."
        elif new_plan.gap <= _TIGHT_GAP:  # a wide bound says nothing about the plan
            quality = f" It is within {100 * new_plan.gap:.0f} % of the best possible plan."
        typer.echo(
            f"{count_text(len(new_plan.placements), 'order')} planned, {len(new_plan.unplanned)} not planned; "
            f"{new_plan.lateness_hours:.1f} hours late in total.{quality}"
        )
    if ics is not None:
        typer.echo(str(ics))


def kpis(
    days: Annotated[float, typer.Option(min=0.01, help="Length of the period in days, up to now.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Compute the key figures of maintenance: MTBF, MTTR, availability, compliance, backlog, cost and health.

    A figure without data says "no data".
    """
    from workbench.maintenance.values import day_span

    session = open_session()
    desk, channels = session.maintenance, session.channels()
    until = desk.database.clock()
    figures = desk.kpis(session.watched(), until - day_span("days", days), until)
    scored = session.overview().query("state in ['current', 'stale']").groupby("asset").size()
    health_index = desk.health({asset: int(scored.get(asset, 0)) for asset in sorted(set(channels["asset"]))})
    health = {asset: None if value != value else float(value) for asset, value in health_index.items()}
    if as_json:
        print_json(figures.to_json_dict() | {"health": health})
        return
    mtbf = figures.mtbf
    interval = "" if mtbf.low is None else f" ({mtbf.low:.4g} to {'...' if mtbf.high is None else f'{mtbf.high:.4g}'})"
    failures = f"{count_text(mtbf.failures, 'failure')} in {count_text(round(mtbf.operating_hours), 'hour')}"
    unwatched = f"; not counted, as nobody watches them: {', '.join(mtbf.unwatched)}" if mtbf.unwatched else ""
    waiting = f", and {_number_text(figures.waiting_weeks)} on hold" if figures.waiting_weeks else ""
    incomplete = f", without what is unknown of {count_text(figures.cost_incomplete, 'order')}"
    rows: dict[str, Any] = {
        "MTBF, hours": f"{_number_text(mtbf.hours)}{interval}, {failures}{unwatched}",
        "MTTR, hours": _number_text(figures.mttr_hours),
        "MTTA, minutes": _number_text(figures.mtta_minutes),
        "availability": percent_text(figures.availability),
        "preventive compliance": percent_text(figures.pm_compliance),
        "schedule compliance": percent_text(figures.schedule_compliance),
        "backlog, weeks": f"{_number_text(figures.backlog_weeks)}{waiting}",
        "planned share of work": percent_text(figures.planned_share),
        "orders": f"{figures.open_orders} open, {figures.overdue_orders} overdue, {figures.completed_orders} completed",
        "cost": f"{_number_text(figures.cost)}{incomplete if figures.cost_incomplete else ''}",
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


_BY_METER = "Plans by meter"


@preventive.command()
def add(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="Title of the work orders.")],
    who: Who,
    asset: Annotated[str, typer.Option(metavar="ASSET", help="Key of the asset.")],
    every_days: Annotated[float | None, typer.Option(help="Days from one work order to the next.")] = None,
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
        float | None, typer.Option(rich_help_panel=_BY_METER, help="Reading of the meter below which an order opens.")
    ] = None,
    anchor: Annotated[
        str,
        typer.Option(metavar="ANCHOR", help="Time that the next due date is counted from: scheduled or completed."),
    ] = "scheduled",
    first: Annotated[str | None, typer.Option(metavar="TIME", help="First due date or time, in UTC.")] = None,
    hours: Annotated[float | None, typer.Option(help="Estimated hours of work of an order.")] = None,
) -> None:
    """Add a preventive plan, which opens a work order again and again."""
    desk = open_session().maintenance
    content: dict[str, Any] = {} if hours is None else {"hours": hours}
    number = desk.preventive.add(
        title,
        asset,
        who,
        every_days=every_days,
        meter=meter,
        every=every,
        below=below,
        anchor=anchor,
        first=day(first),
        **content,
    )
    typer.echo(f"Preventive plan {number} is added.")


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


@preventive.command("read")
def read_meter(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="Key of the asset.")],
    meter: Annotated[str, typer.Argument(metavar="METER", help="Name of the meter, for example hours.")],
    value: Annotated[float, typer.Argument(metavar="VALUE", help="Reading of the meter.")],
    who: Who,
) -> None:
    """Record the reading of a meter, and open the work orders that are due."""
    desk = open_session().maintenance
    desk.preventive.read_meter(asset, meter, value, who)
    numbers = desk.preventive.open_due(who)
    due = f"{', '.join(numbers)} opened" if numbers else "no work order is due"
    typer.echo(f"{meter} of {asset} is {value:g}; {due}.")


def _compare(planning: Any, changes: list[str], as_json: bool) -> None:
    import pandas as pd

    comparison = planning.what_if(_change(changes))
    figures, moved = comparison.figures().rename_axis("figure").reset_index(), comparison.moved()
    if as_json:
        print_json({"figures": records(figures), "moved": records(moved)})
        return
    show(figures, False, "")
    for name in ("start", "new_start"):
        moved[name] = pd.to_datetime(moved[name], utc=True).dt.strftime(_TIME_FORMAT)
    typer.echo(f"\n{count_text(len(moved), 'order')} would move. Nothing was changed.")
    if len(moved):
        show(moved, False, "")


def _change(changes: list[str]) -> "Change":
    """Read the changes of a what-if, written as `delay=3`."""
    from workbench.maintenance.schedule.model import Technician
    from workbench.maintenance.schedule.what_if import Change

    delay_days = 0.0
    technicians: list[Technician] = []
    absent: list[str] = []
    hours: list[str] = []
    for text in changes:
        key, equals, value = text.partition("=")
        if not equals or key not in ("delay", "technician", "without", "hours"):
            raise MaintenanceError(
                f"{text!r} is not a change that can be compared.",
                "Write delay=DAYS, technician=NAME, without=NAME or hours=HOURS.",
            )
        if key == "delay":
            try:
                delay_days = float(value)
            except ValueError:
                raise MaintenanceError(
                    f"{value!r} is not a number of days.", "Write the delay as a number, for example delay=3."
                ) from None
        elif key == "technician":
            name, _, skills = value.partition(":")
            technicians.append(Technician(name.strip(), frozenset(filter(None, map(str.strip, skills.split(","))))))
        elif key == "without":
            absent.append(value)
        else:
            hours.append(value)
    return Change(
        delay_days=delay_days, technicians=tuple(technicians), without=tuple(absent), hours=tuple(hours) or None
    )


def _figures(plan: "Plan") -> dict[str, Any]:
    return {
        "conflicts": records(plan.conflict_table()),
        "unplanned": list(plan.unplanned),
        "hours_late": plan.lateness_hours,
        "gap": plan.gap,
        "optimal": plan.optimal,
    }


def _number_text(value: float | None) -> str:
    return "no data" if value is None else f"{value:.4g}"
