"""`workbench orders`, `people` and `parts`: work orders, the technicians who do them, and the parts they take."""

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
    part_quantities,
    print_json,
    print_trail,
    records,
    show,
)
from workbench.exceptions import MaintenanceError

if TYPE_CHECKING:
    from workbench.maintenance.orders.table import WorkOrder

__all__ = ["orders", "parts", "people"]

orders = typer.Typer(no_args_is_help=True, help="List work orders; open, assign and complete them.")
people = typer.Typer(no_args_is_help=True, help="List technicians, add them and change them.")
parts = typer.Typer(no_args_is_help=True, help="List parts, add and change them, and receive stock.")

OrderNumber = Annotated[str, typer.Argument(metavar="ORDER", help="Number of the work order, for example WO-7.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Reason, for the history of the order.")]
_FILTERS, _FAILURE, _COST = "Filters", "Failure, with the codes of ISO 14224", "Cost and parts"
_COLUMNS = ["number", "state", "priority", "type", "asset", "title", "assignee", "due", "overdue"]
_TYPES = "corrective, predictive, preventive, inspection or emergency"
_PRIORITIES = "urgent, high, medium or low"


@orders.command("list")
def list_(
    state: Annotated[
        str,
        typer.Option(metavar="STATE", rich_help_panel=_FILTERS, help="State: active, all, or one state such as open."),
    ] = "active",
    asset: Annotated[
        str | None, typer.Option(metavar="ASSET", rich_help_panel=_FILTERS, help="Asset of the orders.")
    ] = None,
    assignee: Annotated[
        str | None,
        typer.Option(metavar="NAME", rich_help_panel=_FILTERS, help="Technician whom the orders are assigned to."),
    ] = None,
    type: Annotated[
        str | None, typer.Option(metavar="TYPE", rich_help_panel=_FILTERS, help=f"Type of the orders: {_TYPES}.")
    ] = None,
    priority: Annotated[
        str | None,
        typer.Option(metavar="PRIORITY", rich_help_panel=_FILTERS, help=f"Priority of the orders: {_PRIORITIES}."),
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", rich_help_panel=_FILTERS, help="List only orders past their due date.")
    ] = False,
    text: Annotated[
        str | None,
        typer.Option(metavar="TEXT", rich_help_panel=_FILTERS, help="Text that the title or description contains."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Maximum number of rows.")] = 50,
    export: Annotated[
        Path | None,
        typer.Option(
            callback=local, metavar="FILE", help="File to write the orders to; its name ends in .csv or .xlsx."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List work orders, the most urgent first."""
    filters: dict[str, Any] = {
        "asset": asset,
        "assignee": assignee,
        "type": type,
        "priority": priority,
        "overdue": overdue,
        "text": text,
    }
    desk = open_session().maintenance
    table = desk.orders.list(state=None if state == "all" else state, limit=limit, **filters)
    if export is not None:
        export_table(table, export, "orders")
        typer.echo(str(export))
        return
    if as_json:
        print_json(records(table))
        return
    table["due"] = table["due"].dt.strftime("%Y-%m-%d %H:%M UTC")
    table["overdue"] = table["overdue"].map({True: "overdue", False: ""})
    filtered = state != "active" or any(value not in (None, False) for value in filters.values())
    empty = "No work orders. To open one: workbench orders new --asset ASSET"
    show(table[_COLUMNS], False, "No work orders match. Remove a filter." if filtered else empty)


@orders.command("show")
def show_order(
    order: OrderNumber,
    html: Annotated[
        Path | None,
        typer.Option(callback=local, metavar="FILE", help="File to write the order to, as a page to print."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one work order with its checklist, remarks and history."""
    desk = open_session().maintenance
    work_order = desk.orders.get(order)
    history, remarks = desk.orders.history(order), desk.orders.remarks(order)
    if html is not None:
        from workbench.maintenance.exports import order_page

        html.write_text(order_page(work_order, history, remarks), encoding="utf-8")
        typer.echo(str(html))
        return
    if as_json:
        trail = {"remarks": records(remarks), "history": records(history)}
        print_json(as_record(work_order) | {"priority": work_order.priority.name} | trail)
        return
    _print_details(work_order)
    for number, item in enumerate(work_order.checklist, 1):
        typer.echo(f"{'checklist ' + str(number):>16}  {item.text}: {'-' if item.answer is None else item.answer}")
    print_trail(remarks, history, f"order:{work_order.number.removeprefix('WO-')}")


@orders.command()
def new(
    who: Who,
    asset: Annotated[
        str | None,
        typer.Option(metavar="ASSET", show_default="the asset of the alerts", help="Key of the asset."),
    ] = None,
    alert: Annotated[
        list[int] | None, typer.Option(metavar="ALERT", help="Number of an alert that causes it; repeat for several.")
    ] = None,
    title: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", show_default="by the template of the subsystem", help="Title: what there is to do."
        ),
    ] = None,
    type: Annotated[
        str | None, typer.Option(metavar="TYPE", show_default="by the template", help=f"Type of the order: {_TYPES}.")
    ] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="Description of the work.")] = None,
    priority: Annotated[
        str | None,
        typer.Option(metavar="PRIORITY", show_default="by the alerts and the asset", help=f"Priority: {_PRIORITIES}."),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(show_default="by the template", help="Estimated hours of work.")
    ] = None,
    skill: Annotated[
        list[str] | None, typer.Option(metavar="SKILL", help="Skill that the work takes; repeat for several.")
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=QUANTITY", help="Part to reserve with its quantity, for example seal=2; repeat for several."
        ),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(metavar="ORDER", help="Work order that must be completed first; repeat for several."),
    ] = None,
    due: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            show_default="by the priority",
            help="Due date or time in UTC, for example 2026-12-24 or 2026-12-24T12:00.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open a work order for an asset or for alerts."""
    desk = open_session().maintenance
    fields: dict[str, Any] = {
        "title": title,
        "type": type,
        "description": description,
        "priority": priority,
        "hours": hours,
        "skills": skill,
        "parts": part_quantities(part),
        "after": after,
        "due": day(due),
    }
    content = {name: value for name, value in fields.items() if value is not None}
    if alert:
        _print_state(desk.orders.from_alerts(alert, who, **content), as_json)
    elif asset:
        _print_state(desk.orders.new(who, asset=asset, **content), as_json)
    else:
        raise MaintenanceError(
            "Cannot open a work order: neither an asset nor an alert is named.",
            "Pass --asset with the key of an asset, or --alert with the number of an alert.",
        )


@orders.command()
def assign(
    order: OrderNumber,
    who: Who,
    technician: Annotated[
        str | None, typer.Option("--to", metavar="NAME", show_default="nobody", help="Name of the technician.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Assign an order to a technician; without --to, take it back."""
    _print_state(open_session().maintenance.orders.assign(order, technician, who), as_json)


@orders.command()
def start(order: OrderNumber, who: Who, as_json: AsJson = False) -> None:
    """Start the work, or continue it after a hold."""
    _print_state(open_session().maintenance.orders.start(order, who), as_json)


@orders.command()
def hold(order: OrderNumber, who: Who, why: Reason, as_json: AsJson = False) -> None:
    """Put the work on hold, with a reason."""
    _print_state(open_session().maintenance.orders.hold(order, why, who), as_json)


@orders.command()
def answer(
    order: OrderNumber,
    item: Annotated[int, typer.Argument(metavar="ITEM", help="Number of the item in the checklist, counted from 1.")],
    text: Annotated[
        str, typer.Argument(metavar="ANSWER", help="Answer: yes, no, a number, text, or one of the choices.")
    ],
    who: Who,
    as_json: AsJson = False,
) -> None:
    """Answer an item of the checklist."""
    _print_state(open_session().maintenance.orders.answer(order, item, text, who), as_json)


@orders.command()
def complete(
    order: OrderNumber,
    who: Who,
    done: Annotated[str, typer.Option(metavar="TEXT", help="Description of what was done.")],
    hours: Annotated[float, typer.Option(help="Hours of work spent.")],
    mode: Annotated[
        str, typer.Option(metavar="CODE", rich_help_panel=_FAILURE, help="Failure mode, for example PDE.")
    ] = "",
    cause: Annotated[
        str, typer.Option(metavar="CODE", rich_help_panel=_FAILURE, help="Failure cause, for example 3.4.")
    ] = "",
    effect: Annotated[
        str,
        typer.Option(
            metavar="EFFECT", rich_help_panel=_FAILURE, help="Effect of the failure: critical, degraded or incipient."
        ),
    ] = "",
    verdict: Annotated[
        str | None,
        typer.Option(
            metavar="VERDICT",
            help="Verdict on the alerts of the order: true (a real fault), false alarm, known behaviour, "
            "test or unknown. Required where one of them is open.",
        ),
    ] = None,
    cost: Annotated[
        float | None,
        typer.Option(
            show_default="hours times the hourly rate, and the parts", rich_help_panel=_COST, help="Cost of the work."
        ),
    ] = None,
    used: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=QUANTITY",
            show_default="the reserved parts",
            rich_help_panel=_COST,
            help="Part that was used with its quantity, for example seal=2; repeat for several.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Complete the work, and close the alerts of the order with a verdict."""
    outcome: dict[str, Any] = {"mode": mode, "cause": cause, "effect": effect, "verdict": verdict, "cost": cost}
    desk = open_session().maintenance
    completed_order = desk.orders.complete(order, who, done=done, hours=hours, used=part_quantities(used), **outcome)
    _print_state(completed_order, as_json)


@orders.command()
def cancel(order: OrderNumber, who: Who, why: Reason, as_json: AsJson = False) -> None:
    """Cancel an order, with a reason."""
    _print_state(open_session().maintenance.orders.cancel(order, why, who), as_json)


@orders.command()
def comment(
    order: OrderNumber,
    text: Annotated[str, typer.Option(metavar="TEXT", help="Text of the remark.")],
    who: Who,
    as_json: AsJson = False,
) -> None:
    """Add a remark to an order."""
    _print_state(open_session().maintenance.orders.comment(order, text, who), as_json)


@people.command("list")
def list_people(as_json: AsJson = False) -> None:
    """List the technicians with their skills, hours and load."""
    table = open_session().maintenance.people.list()
    show(table, as_json, "No technicians. To add one: workbench people set NAME --skill rf --rate 80")


@people.command("set")
def set_person(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the technician.")],
    who: Who,
    skill: Annotated[
        list[str] | None, typer.Option(metavar="SKILL", help="Skill of the technician; repeat for several.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Hourly rate.")] = None,
    hours: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOURS",
            show_default="the hours of the settings",
            help="Working hours, for example 'Mon-Fri 08:00-17:00'; repeat for several.",
        ),
    ] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--away", help="Whether the technician takes orders, or is absent.")
    ] = None,
) -> None:
    """Add a technician, or change the options that are passed."""
    desk = open_session().maintenance
    desk.people.set(name, who, skills=skill, rate=rate, hours=hours, active=active)
    show(desk.people.list(), False, "")


@parts.command("list")
def list_parts(as_json: AsJson = False) -> None:
    """List the parts with their stock, what is reserved, and whether the stock is below its minimum."""
    table = open_session().maintenance.parts.list()
    show(table, as_json, "No parts. To add one: workbench parts set NAME --stock 4")


PartName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the part.")]


@parts.command("set")
def set_part(
    name: PartName,
    who: Who,
    stock: Annotated[int | None, typer.Option(help="Quantity in stock.")] = None,
    minimum: Annotated[int | None, typer.Option(help="Minimum quantity in stock.")] = None,
    lead_days: Annotated[float | None, typer.Option(help="Lead time in days, from an order to its delivery.")] = None,
    unit_cost: Annotated[float | None, typer.Option(help="Cost of one piece.")] = None,
) -> None:
    """Add a part, or change the options that are passed."""
    desk = open_session().maintenance
    desk.parts.set(name, who, stock=stock, minimum=minimum, lead_days=lead_days, unit_cost=unit_cost)
    show(desk.parts.list(), False, "")


@parts.command()
def receive(
    name: PartName,
    count: Annotated[int, typer.Argument(metavar="QUANTITY", help="Quantity that was delivered.")],
    who: Who,
) -> None:
    """Add a delivery to the stock; work orders that wait for the part reserve it."""
    desk = open_session().maintenance
    desk.parts.receive(name, count, who)
    show(desk.parts.list(), False, "")


def _print_state(order: "WorkOrder", as_json: bool) -> None:
    if as_json:
        print_json(as_record(order) | {"priority": order.priority.name})
    else:
        typer.echo(f"{order.number} is {order.state}: {order.title}")


def _print_details(order: "WorkOrder") -> None:
    hidden = {"priority", "failure", "checklist", "version"}
    rows = {name: value for name, value in as_record(order).items() if name not in hidden}
    rows |= {"priority": str(order.priority), "failure": str(order.failure)}
    for name, value in rows.items():
        if value not in (None, "", []):
            typer.echo(f"{name.replace('_', ' '):>16}  {value}")
