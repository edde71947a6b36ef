"""`workbench orders` and `people`: work orders, and the technicians who do them.

One module because each command is a few lines about the same order.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    NUMBERS_BELOW_0,
    AsJson,
    New,
    Who,
    as_record,
    ask,
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
    from datetime import date

    from workbench.maintenance.orders.table import WorkOrder

__all__ = ["orders", "people"]

orders = typer.Typer(no_args_is_help=True, help="List work orders; open, assign and complete them.")
people = typer.Typer(no_args_is_help=True, help="List technicians, add them and change them.")

OrderNumber = Annotated[str, typer.Argument(metavar="ORDER", help="Number of the work order, for example WO-7.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Reason, for the history of the order.")]
Sure = Annotated[
    bool,
    typer.Option(
        "--sure",
        help="Accept unusual values: many hours, a due date of the past, a skill nobody has, a real fault where "
        "nothing had failed.",
    ),
]
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
    unassigned: Annotated[
        bool, typer.Option("--unassigned", rich_help_panel=_FILTERS, help="List only orders without a technician.")
    ] = False,
    waiting: Annotated[
        bool,
        typer.Option("--waiting-for-parts", rich_help_panel=_FILTERS, help="List only orders that lack a part."),
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
        "unassigned": unassigned,
        "waiting_for_parts": waiting,
        "text": text,
    }
    desk = open_session().maintenance
    table = desk.orders.list(state=None if state == "all" else state, limit=limit, **filters)
    if export is not None:
        export_table(table, export, "orders", desk.log_head())
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
    session = open_session()
    desk = session.maintenance
    work_order = desk.orders.get(order)
    history, remarks = desk.orders.history(order), desk.orders.remarks(order)
    if html is not None:
        from workbench.maintenance.exports import order_page
        from workbench.maintenance.orders.qr_code import order_address

        thumbnail = desk.orders.files.thumbnail
        server = session.settings.dashboard.public_url
        text = order_page(
            work_order,
            history,
            remarks,
            log_head=desk.log_head(),
            thumbnail=thumbnail,
            phone_address=order_address(server, work_order.number) if server else "",
            asset=desk.asset_name(work_order.asset),
        )
        html.write_text(text, encoding="utf-8")
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
        typer.Option(
            metavar="ASSET", show_default="the asset of the alerts", help="Name of the asset, subsystem or component."
        ),
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
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Suspected failure mode of ISO 14224, for example VIB; the template follows it."
        ),
    ] = None,
    sure: Sure = False,
    as_json: AsJson = False,
) -> None:
    """Open a work order for an asset or for alerts."""
    desk = open_session().maintenance
    place: dict[str, Any] = {} if alert else {"asset": asset or "", "title": title or ""}
    ask(desk.questions(hours=hours, due=day(due), skills=skill or (), **place), sure)
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
        "mode": mode,
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
    may_reassign: Annotated[
        bool, typer.Option("--may-reassign", help="Let the plan give the order to another technician.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Assign an order to a technician; without --to, take it back."""
    desk = open_session().maintenance
    _print_state(desk.orders.assign(order, technician, who, may_reassign=may_reassign), as_json)


@orders.command()
def change(
    order: OrderNumber,
    who: Who,
    hours: Annotated[float | None, typer.Option(help="Estimated hours of the whole work.")] = None,
    due: Annotated[
        str | None, typer.Option(metavar="TIME", help="Due date or time in UTC, for example 2026-12-24T12:00.")
    ] = None,
    priority: Annotated[str | None, typer.Option(metavar="PRIORITY", help=f"Priority: {_PRIORITIES}.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="Description of the work.")] = None,
    may_reassign: Annotated[
        bool | None,
        typer.Option(
            "--may-reassign/--keep-assignee", help="Whether the plan may give the order to another technician."
        ),
    ] = None,
    sure: Sure = False,
    as_json: AsJson = False,
) -> None:
    """Change a work order that is not closed."""
    desk = open_session().maintenance
    fields: dict[str, Any] = {"hours": hours, "due": day(due), "priority": priority, "description": description}
    changes = {name: value for name, value in fields.items() if value is not None}
    ask(desk.questions(hours=hours, due=day(due)), sure)
    if may_reassign is not None:
        changes["may_reassign"] = may_reassign
    _print_state(desk.orders.change(order, who, **changes), as_json)


@orders.command()
def start(order: OrderNumber, who: Who, as_json: AsJson = False) -> None:
    """Start the work, or continue it after a hold."""
    _print_state(open_session().maintenance.orders.start(order, who), as_json)


@orders.command()
def hold(order: OrderNumber, who: Who, why: Reason, as_json: AsJson = False) -> None:
    """Put the work on hold, with a reason."""
    _print_state(open_session().maintenance.orders.hold(order, why, who), as_json)


@orders.command(context_settings=NUMBERS_BELOW_0)
def answer(
    order: OrderNumber,
    item: Annotated[int, typer.Argument(metavar="ITEM", help="Number of the item in the checklist, counted from 1.")],
    text: Annotated[
        str, typer.Argument(metavar="ANSWER", help="Answer: yes, no, a number, text, or one of the choices.")
    ],
    who: Who,
    remark: Annotated[
        str, typer.Option(metavar="TEXT", help="Remark on the answer; a number out of range needs one.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Answer an item of the checklist."""
    _print_state(open_session().maintenance.orders.answer(order, item, text, who, remark=remark), as_json)


@orders.command()
def attach(
    order: OrderNumber,
    who: Who,
    file: Annotated[
        Path | None,
        typer.Option(callback=local, metavar="FILE", help="Photo (JPEG, PNG, WebP) or PDF, which is kept in the home."),
    ] = None,
    link: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Path or link of a report, in place of a file.")
    ] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Title of the attachment.")] = "",
    as_json: AsJson = False,
) -> None:
    """Attach a photo, a document or a link to an order."""
    desk = open_session().maintenance
    if (file is None) == (link is None):
        raise MaintenanceError("Nothing can be attached: pass one file or one link.", "Pass --file or --link.")
    if file is not None:
        _print_state(desk.orders.attach_file(order, file.name, desk.orders.files.load(file), who, title), as_json)
    else:
        _print_state(desk.orders.attach(order, link or "", who, title), as_json)


@orders.command()
def files(
    order: OrderNumber,
    folder: Annotated[
        Path, typer.Option("--to", callback=local, metavar="FOLDER", help="Folder to write the files to.")
    ],
) -> None:
    """Write the attached files of an order to a folder, each checked against its hash."""
    store = open_session().maintenance.orders
    folder.mkdir(parents=True, exist_ok=True)
    for place, one in enumerate(store.get(order).attachments, 1):
        if "file" in one:
            target = folder / f"{place}-{one['reference'].rpartition('/')[2]}"
            target.write_bytes(store.files.read(one["file"]))
            typer.echo(str(target))


@orders.command()
def book(
    order: OrderNumber,
    who: Who,
    technician: Annotated[str, typer.Option("--technician", metavar="NAME", help="Technician who has worked.")],
    hours: Annotated[float, typer.Option(help="Hours of the technician on this order; 0 removes them.")],
    sure: Sure = False,
    as_json: AsJson = False,
) -> None:
    """Book the hours that a technician has worked on an order."""
    desk = open_session().maintenance
    ask(desk.questions(hours=hours), sure)
    _print_state(desk.orders.book(order, technician, hours, who), as_json)


@orders.command("follow-up")
def follow_up(
    order: OrderNumber,
    who: Who,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", show_default="that of the order", help="Title of the new order.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(show_default="by the template", help="Estimated hours of work.")
    ] = None,
    sure: Sure = False,
    as_json: AsJson = False,
) -> None:
    """Open an order for what another has left to do."""
    content = {name: value for name, value in (("title", title), ("hours", hours)) if value is not None}
    desk = open_session().maintenance
    ask(desk.questions(hours=hours), sure)
    _print_state(desk.orders.follow_up(order, who, **content), as_json)


@orders.command()
def split(
    order: OrderNumber,
    who: Who,
    hours: Annotated[float, typer.Option(help="Hours of work that the new order takes along.")],
    item: Annotated[
        list[int] | None,
        typer.Option(metavar="ITEM", help="Item of the checklist that the new order takes along; repeat for several."),
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", show_default="that of the order", help="Title of the new order.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Split hours and items of the checklist off into a new order."""
    made = open_session().maintenance.orders.split(order, who, hours=hours, items=item or (), title=title)
    _print_state(made, as_json)


@orders.command()
def merge(
    order: OrderNumber,
    who: Who,
    into: Annotated[str, typer.Option(metavar="ORDER", help="Work order of the same asset that takes everything.")],
    as_json: AsJson = False,
) -> None:
    """Merge an order into another, which takes its alerts, parts and items; the first is cancelled."""
    _print_state(open_session().maintenance.orders.merge(order, into, who), as_json)


@orders.command()
def sign(
    order: OrderNumber,
    who: Who,
    name: Annotated[str, typer.Option(metavar="NAME", help="Full name of who signs.")],
    role: Annotated[
        str, typer.Option(metavar="ROLE", help="Meaning of the signature: 'done by' or 'approved by'.")
    ] = "done by",
    as_json: AsJson = False,
) -> None:
    """Sign an order by name and time."""
    _print_state(open_session().maintenance.orders.sign(order, name, who, role), as_json)


@orders.command()
def complete(
    order: OrderNumber,
    who: Who,
    done: Annotated[str, typer.Option(metavar="TEXT", help="Description of what was done.")],
    hours: Annotated[float | None, typer.Option(show_default="the booked hours", help="Hours of work spent.")] = None,
    down_from: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time at which the asset stopped, in UTC.")
    ] = None,
    down_to: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time at which the asset ran again, in UTC.")
    ] = None,
    signature: Annotated[str, typer.Option(metavar="NAME", help="Full name of who signs that it is done.")] = "",
    failure: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            rich_help_panel=_FAILURE,
            show_default="none, where neither the type of the order nor a code says that something had failed",
            help="Finding of the work: 'functional failure' (the item could not do what is required of it), "
            "degradation or none.",
        ),
    ] = "",
    mode: Annotated[
        str, typer.Option(metavar="CODE", rich_help_panel=_FAILURE, help="Failure mode, for example PDE.")
    ] = "",
    component: Annotated[
        str, typer.Option(metavar="TEXT", rich_help_panel=_FAILURE, help="Component that failed, for example seal.")
    ] = "",
    mechanism: Annotated[
        str, typer.Option(metavar="CODE", rich_help_panel=_FAILURE, help="Failure mechanism, for example 2.4.")
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
    detection: Annotated[
        str, typer.Option(metavar="CODE", rich_help_panel=_FAILURE, help="Detection method, for example 6.")
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
    sure: Sure = False,
    as_json: AsJson = False,
) -> None:
    """Complete the work, and close the alerts of the order with a verdict."""
    from workbench.maintenance.orders.failure_codes import NO_FAILURE
    from workbench.maintenance.orders.states import FAILURE_TYPES

    codes = {"failure": failure, "mode": mode, "component": component, "mechanism": mechanism, "cause": cause}
    outcome: dict[str, Any] = codes | {"effect": effect, "detection": detection, "verdict": verdict, "cost": cost}
    outcome |= {"down_from": day(down_from), "down_to": day(down_to), "signature": signature}
    desk = open_session().maintenance
    kind = failure
    if not (failure or any((mode, component, mechanism, cause, effect, detection))):
        kind = "" if desk.orders.get(order).type in FAILURE_TYPES else NO_FAILURE  # as the completion takes it
    ask(desk.questions(hours=hours, failure=kind, verdict=verdict), sure)
    completed_order = desk.orders.complete(order, who, done=done, hours=hours, used=part_quantities(used), **outcome)
    _print_state(completed_order, as_json)


@orders.command()
def cancel(order: OrderNumber, who: Who, why: Reason, as_json: AsJson = False) -> None:
    """Cancel an order, with a reason."""
    _print_state(open_session().maintenance.orders.cancel(order, why, who), as_json)


@orders.command()
def reopen(order: OrderNumber, who: Who, why: Reason, as_json: AsJson = False) -> None:
    """Reopen an order that was completed by mistake, with a reason; its alerts are open again."""
    _print_state(open_session().maintenance.orders.reopen(order, why, who), as_json)


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
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", show_default="UTC", help="Time zone of the hours: Europe/Berlin.")
    ] = None,
    absent: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DAY",
            help="Day of absence, or two with dots between, as 2026-03-02..2026-03-06; repeat for several. They "
            "replace the earlier ones; 'none' removes all.",
        ),
    ] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--away", help="Whether the technician takes orders, or is absent.")
    ] = None,
    new: New = False,
) -> None:
    """Add a technician, or change the options that are passed."""
    desk = open_session().maintenance
    ask(desk.questions(new_person=name), new, "--new")
    desk.people.set(
        name, who, skills=skill, rate=rate, hours=hours, timezone=timezone, closed=_days(absent), active=active
    )
    show(desk.people.list(), False, "")


def _days(texts: list[str] | None) -> "list[date] | None":
    """Return the days of absence that were passed; 'none' removes all."""
    from workbench.maintenance.orders.people import absence_days

    return None if texts is None else absence_days(text for text in texts if text != "none")


def _print_state(order: "WorkOrder", as_json: bool) -> None:
    if as_json:
        print_json(as_record(order) | {"priority": order.priority.name})
    else:
        typer.echo(f"{order.number} is {order.state}: {order.title}")


def _print_details(order: "WorkOrder") -> None:
    hidden = {"priority", "failure", "failure_derived", "checklist", "version"}
    rows = {name: value for name, value in as_record(order).items() if name not in hidden}
    rows |= {"priority": str(order.priority), "failure": order.failure_words}
    for name, value in rows.items():
        if value not in (None, "", []):
            typer.echo(f"{name.replace('_', ' '):>16}  {value}")
