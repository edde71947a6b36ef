"""`workbench orders`, `people` and `parts`: the work, who does it, and with what."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    AsJson,
    Who,
    as_record,
    day,
    export_table,
    local,
    open_session,
    pieces,
    print_json,
    records,
    show,
    show_trail,
)
from workbench.exceptions import MaintenanceError

if TYPE_CHECKING:
    from workbench.maintenance.orders.table import WorkOrder

__all__ = ["orders", "parts", "people"]

orders = typer.Typer(no_args_is_help=True, help="List work orders; open, assign and complete them.")
people = typer.Typer(no_args_is_help=True, help="List technicians, add and change them.")
parts = typer.Typer(no_args_is_help=True, help="List spare parts, set and receive stock.")

Order = Annotated[str, typer.Argument(metavar="ORDER", help="Number, as WO-7.")]
Reason = Annotated[str, typer.Option(help="Why.")]
_SHOWN = ["number", "state", "priority", "type", "asset", "title", "assignee", "due", "overdue"]


@orders.command("list")
def list_(
    state: Annotated[str, typer.Option(help="active, all, or one state, as open.")] = "active",
    asset: Annotated[str | None, typer.Option(help="Only this asset's.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Only this technician's.")] = None,
    type: Annotated[str | None, typer.Option(help="Only of this type, as corrective.")] = None,
    priority: Annotated[str | None, typer.Option(help="urgent, high, medium or low.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those past their due date.")] = False,
    text: Annotated[str | None, typer.Option(help="Part of the title or description.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Most rows.")] = 50,
    export: Annotated[Path | None, typer.Option(callback=local, help="Write them to a .csv or .xlsx file.")] = None,
    as_json: AsJson = False,
) -> None:
    """List work orders, the most urgent first."""
    found = open_session().maintenance.orders.list(
        state=None if state == "all" else state,
        asset=asset,
        assignee=assignee,
        type=type,
        priority=priority,
        overdue=overdue,
        text=text,
        limit=limit,
    )
    if export is not None:
        export_table(found, export, "orders")
        typer.echo(str(export))
        return
    if not as_json:
        found["due"] = found["due"].dt.strftime("%Y-%m-%d %H:%M")
        found["overdue"] = found["overdue"].map({True: "overdue", False: ""})
    show(found if as_json else found[_SHOWN], as_json, "No work orders. New: workbench orders new --asset ASSET")


@orders.command("show")
def show_order(
    order: Order,
    html: Annotated[Path | None, typer.Option(callback=local, help="Write it as a page to print.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one work order with its history."""
    desk = open_session().maintenance
    found, history, remarks = desk.orders.get(order), desk.orders.history(order), desk.orders.remarks(order)
    if html is not None:
        from workbench.maintenance.exports import order_page

        html.write_text(order_page(found, history, remarks), encoding="utf-8")
        typer.echo(str(html))
        return
    if as_json:
        trail = {"remarks": records(remarks), "history": records(history)}
        print_json(as_record(found) | {"priority": found.priority.name} | trail)
        return
    _print(found)
    for number, item in enumerate(found.checklist, 1):
        typer.echo(f"{'checklist ' + str(number):>16}  {item.text}: {'-' if item.answer is None else item.answer}")
    show_trail(remarks, history, f"order:{found.number.removeprefix('WO-')}")


@orders.command()
def new(
    who: Who,
    asset: Annotated[str | None, typer.Option(help="Key of the asset; that of the alerts where omitted.")] = None,
    alert: Annotated[list[int] | None, typer.Option(help="For this alert; may be given several times.")] = None,
    title: Annotated[str | None, typer.Option(help="What to do; by the subsystem's template where omitted.")] = None,
    type: Annotated[str | None, typer.Option(help="corrective, predictive, preventive, inspection, emergency.")] = None,
    description: Annotated[str | None, typer.Option(help="More words.")] = None,
    priority: Annotated[str | None, typer.Option(help="urgent, high, medium or low; by rule where omitted.")] = None,
    hours: Annotated[float | None, typer.Option(help="Estimated hours of work.")] = None,
    skill: Annotated[list[str] | None, typer.Option(help="That it takes; may be given several times.")] = None,
    part: Annotated[list[str] | None, typer.Option(help="NAME=PIECES; may be given several times.")] = None,
    after: Annotated[list[str] | None, typer.Option(help="Order that must be done before; several times.")] = None,
    due: Annotated[str | None, typer.Option(help="Date or time, UTC, as 2026-12-24 or 2026-12-24T12:00.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open a work order, by hand or for alerts."""
    desk = open_session().maintenance
    given: dict[str, Any] = {
        "title": title,
        "type": type,
        "description": description,
        "priority": priority,
        "hours": hours,
        "skills": skill,
        "parts": pieces(part),
        "after": after,
        "due": day(due),
    }
    content = {name: value for name, value in given.items() if value is not None}
    if alert:
        _show(desk.orders.from_alerts(alert, who, **content), as_json)
    elif asset:
        _show(desk.orders.new(who, asset=asset, **content), as_json)
    else:
        raise MaintenanceError("A work order needs a reason.", "Give --asset, or --alert with the number of an alert.")


@orders.command()
def assign(
    order: Order,
    who: Who,
    technician: Annotated[str | None, typer.Option("--to", help="Name; nobody where omitted.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give an order to a technician, or take it back."""
    _show(open_session().maintenance.orders.assign(order, technician, who), as_json)


@orders.command()
def start(order: Order, who: Who, as_json: AsJson = False) -> None:
    """Begin, or go on with, the work."""
    _show(open_session().maintenance.orders.start(order, who), as_json)


@orders.command()
def hold(order: Order, who: Who, why: Reason, as_json: AsJson = False) -> None:
    """Stop the work for a reason."""
    _show(open_session().maintenance.orders.hold(order, why, who), as_json)


@orders.command()
def answer(
    order: Order,
    item: Annotated[int, typer.Argument(help="Of the checklist, counted from 1.")],
    given: Annotated[str, typer.Argument(metavar="ANSWER", help="yes, no, a number, words or a choice.")],
    who: Who,
    as_json: AsJson = False,
) -> None:
    """Answer an item of the checklist."""
    _show(open_session().maintenance.orders.answer(order, item, given, who), as_json)


@orders.command()
def complete(
    order: Order,
    who: Who,
    done: Annotated[str, typer.Option(help="What was done.")],
    hours: Annotated[float, typer.Option(help="That it took.")],
    mode: Annotated[str, typer.Option(help="ISO 14224 failure mode, as PDE.")] = "",
    cause: Annotated[str, typer.Option(help="ISO 14224 failure cause, as 3.4.")] = "",
    effect: Annotated[str, typer.Option(help="critical, degraded or incipient.")] = "",
    verdict: Annotated[str | None, typer.Option(help="What its alerts were.")] = None,
    cost: Annotated[float | None, typer.Option(help="Hours times rate and parts where omitted.")] = None,
    used: Annotated[list[str] | None, typer.Option(help="NAME=PIECES; what was reserved where omitted.")] = None,
    as_json: AsJson = False,
) -> None:
    """Finish the work, and close its alerts with what they were."""
    told: dict[str, Any] = {"mode": mode, "cause": cause, "effect": effect, "verdict": verdict, "cost": cost}
    desk = open_session().maintenance
    _show(desk.orders.complete(order, who, done=done, hours=hours, used=pieces(used), **told), as_json)


@orders.command()
def cancel(order: Order, who: Who, why: Reason, as_json: AsJson = False) -> None:
    """Give an order up for a reason."""
    _show(open_session().maintenance.orders.cancel(order, why, who), as_json)


@orders.command()
def comment(
    order: Order, text: Annotated[str, typer.Option(help="The remark.")], who: Who, as_json: AsJson = False
) -> None:
    """Add a remark to an order."""
    _show(open_session().maintenance.orders.comment(order, text, who), as_json)


@people.command("list")
def list_people(as_json: AsJson = False) -> None:
    """List the technicians with their load."""
    show(
        open_session().maintenance.people.list(), as_json, "Nobody. Add: workbench people set NAME --skill rf --rate 80"
    )


@people.command("set")
def set_person(
    name: Annotated[str, typer.Argument(help="Of the technician.")],
    who: Who,
    skill: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
    rate: Annotated[float | None, typer.Option(help="Cost of an hour.")] = None,
    hours: Annotated[list[str] | None, typer.Option(help="As 'Mon-Fri 08:00-17:00'; several times.")] = None,
    active: Annotated[bool | None, typer.Option("--active/--away", help="Whether they take orders.")] = None,
) -> None:
    """Add a technician, or change what is given of one."""
    desk = open_session().maintenance
    desk.people.set(name, who, skills=skill, rate=rate, hours=hours, active=active)
    show(desk.people.list(), False, "")


@parts.command("list")
def list_parts(as_json: AsJson = False) -> None:
    """List the parts with what is reserved, and what is below its minimum."""
    show(open_session().maintenance.parts.list(), as_json, "No parts. Add: workbench parts set NAME --stock 4")


@parts.command("set")
def set_part(
    name: Annotated[str, typer.Argument(help="Of the part.")],
    who: Who,
    stock: Annotated[int | None, typer.Option(help="Pieces there.")] = None,
    minimum: Annotated[int | None, typer.Option(help="Pieces that should be there.")] = None,
    lead_days: Annotated[float | None, typer.Option(help="Days from an order to its arrival.")] = None,
    unit_cost: Annotated[float | None, typer.Option(help="Of one piece.")] = None,
) -> None:
    """Add a part, or change what is given of one."""
    desk = open_session().maintenance
    desk.parts.set(name, who, stock=stock, minimum=minimum, lead_days=lead_days, unit_cost=unit_cost)
    show(desk.parts.list(), False, "")


@parts.command()
def receive(
    name: Annotated[str, typer.Argument(help="Of the part.")],
    count: Annotated[int, typer.Argument(metavar="PIECES", help="That came.")],
    who: Who,
) -> None:
    """Put pieces into stock; orders that wait for them get theirs."""
    desk = open_session().maintenance
    desk.parts.receive(name, count, who)
    show(desk.parts.list(), False, "")


def _show(order: "WorkOrder", as_json: bool) -> None:
    if as_json:
        print_json(as_record(order) | {"priority": order.priority.name})
    else:
        typer.echo(f"{order.number} is {order.state}: {order.title}")


def _print(order: "WorkOrder") -> None:
    hidden = {"priority", "failure", "checklist", "version"}
    rows = {name: value for name, value in as_record(order).items() if name not in hidden}
    rows |= {"priority": str(order.priority), "failure": str(order.failure)}
    for name, value in rows.items():
        if value not in (None, "", []):
            typer.echo(f"{name.replace('_', ' '):>16}  {value}")
