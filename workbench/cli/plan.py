"""`workbench plan`, `preventive` and `kpis`: when the work is done, and how well it goes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import AsJson, Who, day, local, open_session, print_json, records, show
from workbench.exceptions import MaintenanceError

if TYPE_CHECKING:
    from workbench.maintenance.schedule.model import Plan

__all__ = ["kpis", "plan", "preventive"]

preventive = typer.Typer(no_args_is_help=True, help="List preventive plans, add and stop them, read meters.")


def plan(
    who: Who,
    show_only: Annotated[bool, typer.Option("--show", help="Show the plan that was made last.")] = False,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            help="delay=DAYS, technician=NAME[:SKILL,...], without=NAME or hours='Mon-Fri 08:00-20:00': compare, and "
            "keep nothing. May be given several times."
        ),
    ] = None,
    ics: Annotated[Path | None, typer.Option(callback=local, help="Write the plan as a calendar.")] = None,
    as_json: AsJson = False,
) -> None:
    """Plan the open work orders onto technicians and maintenance windows."""
    planning = open_session().maintenance.planning
    if what_if:
        _compare(planning, what_if, as_json)
        return
    made = None if show_only else planning.make(who)
    if ics is not None:
        from workbench.maintenance.exports import plan_calendar

        ics.write_bytes(plan_calendar(planning.sessions(), planning.database.clock()))
    table = planning.table()
    if as_json:
        print_json({"plan": records(table), **({} if made is None else _figures(made))})
        return
    table["late"] = table["late"].map({True: "late", False: ""})
    for name in ("start", "end", "due"):
        table[name] = table[name].dt.strftime("%Y-%m-%d %H:%M")
    show(table.drop(columns=["planned_at", "frozen", "asset"]), False, "Nothing is planned. Run: workbench plan")
    if made is not None:
        for conflict in made.conflicts:
            typer.echo(f"{conflict.job}: {conflict.message} {conflict.resolve}")
        typer.echo(
            f"{len(made.placements)} orders planned, {len(made.unplanned)} not; {made.lateness_hours:.4g} hours late; "
            + ("no plan is better." if made.optimal else f"a better plan could save at most {made.gap:.1%}.")
        )
    if ics is not None:
        typer.echo(str(ics))


def kpis(
    days: Annotated[float, typer.Option(min=0.01, help="Length of the period, up to now.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Compute the figures of maintenance; what there are no data for is said so."""
    from workbench.maintenance.values import day_span

    session = open_session()
    desk, channels = session.maintenance, session.channels()
    until = desk.database.clock()
    found = desk.kpis(channels["asset"].nunique(), until - day_span("days", days), until)
    scored = session.overview().query("state in ['current', 'stale']").groupby("asset").size()
    health = desk.health({asset: int(scored.get(asset, 0)) for asset in sorted(set(channels["asset"]))})
    if as_json:
        known = {name: None if value != value else value for name, value in health.items()}
        print_json(found.to_json_dict() | {"health": known})
        return
    mtbf = found.mtbf
    between = "" if mtbf.low is None else f" ({mtbf.low:.4g} to {'...' if mtbf.high is None else f'{mtbf.high:.4g}'})"
    rows: dict[str, Any] = {
        "MTBF, hours": f"{_text(mtbf.hours)}{between}, {mtbf.failures} failures in {mtbf.operating_hours:.0f} hours",
        "MTTR, hours": _text(found.mttr_hours),
        "MTTA, minutes": _text(found.mtta_minutes),
        "availability": _percent(found.availability),
        "preventive compliance": _percent(found.pm_compliance),
        "schedule compliance": _percent(found.schedule_compliance),
        "backlog, weeks": _text(found.backlog_weeks),
        "planned share of work": _percent(found.planned_share),
        "orders": f"{found.open_orders} open, {found.overdue_orders} overdue, {found.completed_orders} completed",
        "cost": _text(found.cost),
        "parts below minimum": found.parts_below_minimum,
        **{f"health of {asset}": _text(None if value != value else float(value)) for asset, value in health.items()},
    }
    for name, value in rows.items():
        typer.echo(f"{name:>24}  {value}")


@preventive.command("list")
def list_plans(as_json: AsJson = False) -> None:
    """List the preventive plans."""
    found = open_session().maintenance.preventive.list()
    show(found, as_json, "No plans. Add: workbench preventive add TITLE --asset SMAP --every-days 90")


@preventive.command()
def add(
    title: Annotated[str, typer.Argument(help="Of the orders.")],
    who: Who,
    asset: Annotated[str, typer.Option(help="Key of the asset.")],
    every_days: Annotated[float | None, typer.Option(help="Days between two orders.")] = None,
    meter: Annotated[str, typer.Option(help="Of the asset, for --every and --below.")] = "",
    every: Annotated[float | None, typer.Option(help="Units of the meter between two orders.")] = None,
    below: Annotated[float | None, typer.Option(help="An order opens when the meter falls below this.")] = None,
    anchor: Annotated[str, typer.Option(help="scheduled or completed.")] = "scheduled",
    first: Annotated[str | None, typer.Option(help="First due date, UTC.")] = None,
    hours: Annotated[float | None, typer.Option(help="Estimated hours of an order.")] = None,
) -> None:
    """Add a plan that opens an order again and again."""
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
def stop(plan: Annotated[int, typer.Argument(help="Number, from preventive list.")], who: Who) -> None:
    """Let a plan open no more orders."""
    open_session().maintenance.preventive.stop(plan, who)
    typer.echo(f"Preventive plan {plan} is stopped.")


@preventive.command("read")
def read_meter(
    asset: Annotated[str, typer.Argument(help="Key of the asset.")],
    meter: Annotated[str, typer.Argument(help="As hours.")],
    value: Annotated[float, typer.Argument(help="The reading.")],
    who: Who,
) -> None:
    """Note the reading of a meter, and open the orders that are due."""
    desk = open_session().maintenance
    desk.preventive.read_meter(asset, meter, value, who)
    opened = desk.preventive.open_due(who)
    typer.echo(f"{meter} of {asset} is {value:g}; {', '.join(opened) or 'no order'} opened.")


def _compare(planning: Any, given: list[str], as_json: bool) -> None:
    from workbench.maintenance.schedule.model import Technician
    from workbench.maintenance.schedule.what_if import Change

    change: dict[str, Any] = {"technicians": (), "without": ()}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or key not in ("delay", "technician", "without", "hours"):
            raise MaintenanceError(
                f"{text!r} is no what-if.", "Give delay=DAYS, technician=NAME, without=NAME or hours=LINE."
            )
        if key == "delay":
            try:
                change["delay_days"] = float(value)
            except ValueError:
                raise MaintenanceError(f"{value!r} is no number of days.", "Write it as delay=3.") from None
        elif key == "technician":
            name, _, skills = value.partition(":")
            person = Technician(name.strip(), frozenset(filter(None, map(str.strip, skills.split(",")))))
            change["technicians"] += (person,)
        elif key == "without":
            change["without"] += (value,)
        else:
            change["hours"] = (*change.get("hours", ()), value)
    found = planning.what_if(Change(**change))
    figures = found.figures().rename_axis("figure").reset_index()
    if as_json:
        print_json({"figures": records(figures), "moved": records(found.moved())})
        return
    show(figures, False, "")
    moved = found.moved()
    for name in ("start", "new_start"):
        moved[name] = [time.strftime("%Y-%m-%d %H:%M") if time is not None else None for time in moved[name]]
    typer.echo(f"\n{len(moved)} orders would be elsewhere; nothing was changed.")
    show(moved, False, "")


def _figures(plan: "Plan") -> dict[str, Any]:
    return {
        "conflicts": records(plan.conflict_table()),
        "unplanned": list(plan.unplanned),
        "hours_late": plan.lateness_hours,
        "gap": plan.gap,
        "optimal": plan.optimal,
    }


def _text(value: float | None) -> str:
    return "no data" if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return "no data" if value is None else f"{value:.1%}"
