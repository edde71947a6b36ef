"""What can be done with a work order, as a table: words of each action, fields that it needs, and what it does.

One module because it is one table: an action is added or changed in one place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from workbench.exceptions import ViewError, WorkbenchError
from workbench.maintenance.orders import checklists
from workbench.maintenance.orders.failure_codes import FUNCTIONAL_FAILURE, NO_FAILURE
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.states import FAILURE_TYPES, VERDICTS_OF_NO_FAILURE
from workbench.maintenance.orders.table import WorkOrder
from workbench.maintenance.values import MAX_COST, MAX_ORDER_HOURS, number_in_range
from workbench.views.maintenance.form import items_of
from workbench.views.widgets.refusals import Range
from workbench.views.widgets.times import in_utc, without_zone

__all__ = [
    "ACTION_OF_STATE",
    "AUTOMATIC",
    "FAILURE_FIELDS",
    "ORDER_ACTIONS",
    "ORDER_HOURS",
    "OrderAction",
    "OrderRequest",
    "done_words",
    "hours_by_name",
    "minute",
    "part_quantities",
]

AUTOMATIC = "automatic"
"""Choice of a form for a priority that follows from severity, frequency, impact and age."""

ORDER_HOURS = Range(0, MAX_ORDER_HOURS, above=True)
"""Hours of work that a form takes for an order."""

FAILURE_FIELDS = ("failure", "mode", "component", "mechanism", "cause", "effect", "detection")
"""Fields for what the work found, and for the codes of a failure."""


@dataclass(frozen=True)
class OrderRequest:
    """What somebody asks to be done with a work order.

    Attributes
    ----------
    orders : WorkOrders
        The work orders of the fleet.
    who : str
        Name of the person, for the maintenance log.
    order : WorkOrder or None
        The order that is chosen; None where none is.
    open_alerts : bool
        Whether the order has alerts that are not closed.
    values : mapping of str to object
        Values of the form's fields, by their names.
    """

    orders: WorkOrders
    who: str
    order: WorkOrder | None
    open_alerts: bool
    values: Mapping[str, Any]

    @property
    def chosen(self) -> WorkOrder:
        """The order that is chosen.

        Raises
        ------
        ViewError
            No order is chosen.
        """
        if self.order is None:
            raise ViewError("No order is chosen.", "Choose an order of the list.")
        return self.order

    @property
    def text(self) -> str:
        """Text of the form, without blanks around it."""
        return str(self.values["text"]).strip()

    @property
    def due(self) -> datetime | None:
        """Due date of the form, in UTC."""
        return in_utc(self.values["due"])


@dataclass(frozen=True)
class OrderAction:
    """One action: its words on screen, the fields that it needs, and what it does.

    Attributes
    ----------
    label, tip, key : str
        Words of the button, its tooltip, and the key that presses it; seldom used actions have none.
    perform : callable
        Does it, and returns the order as it is afterwards.
    done : str
        What is said afterwards, after the number of the order; `{assignee}` stands for the technician.
    state : str
        State that the action leads to; empty where it changes none.
    fields : tuple of str
        Names of the form's fields; empty where the button acts at once.
    confirm : str
        Words of the form's button.
    text_label : str
        Label of the form's text.
    check : callable or None
        Returns a sentence for each field that is not right yet, by its name, "" for what is no field; None where there
        is nothing to check before.
    """

    label: str
    tip: str
    key: str
    perform: Callable[[OrderRequest], WorkOrder]
    done: str
    state: str = ""
    fields: tuple[str, ...] = ()
    confirm: str = ""
    text_label: str = ""
    check: Callable[[OrderRequest], dict[str, str]] | None = None


def part_quantities(text: str) -> dict[str, int]:
    """Read parts and their quantities.

    Parameters
    ----------
    text : str
        Names and quantities, as `seal=2, filter=1`.

    Raises
    ------
    ViewError
        A part has no quantity, or one that is not a whole number, or is named twice.

    Examples
    --------
    >>> part_quantities("seal=2, filter=1")
    {'seal': 2, 'filter': 1}
    """
    quantities: dict[str, int] = {}
    for item in items_of(text):
        name, equals, quantity = item.partition("=")
        if not equals or not quantity.strip().isdecimal():
            raise ViewError(f"{item!r} is not a part with its quantity.", "Enter parts as seal=2, filter=1.")
        _check_once(name.strip(), quantities)
        quantities[name.strip()] = int(quantity)
    return quantities


def hours_by_name(text: str) -> dict[str, float]:
    """Read hours of technicians.

    Parameters
    ----------
    text : str
        Names and hours, as `Ann=2, Ben=1.5`.

    Raises
    ------
    ViewError
        A name has no hours, or some that are not a number, or is there twice; or there is no name.

    Examples
    --------
    >>> hours_by_name("Ann=2, Ben=1.5")
    {'Ann': 2.0, 'Ben': 1.5}
    """
    hours: dict[str, float] = {}
    for item in items_of(text):
        name, _, number = (piece.strip() for piece in item.partition("="))
        try:
            worked = float(number)
        except ValueError:
            name = ""
        if not name:
            raise ViewError(f"{item!r} is not a technician with hours.", "Enter hours as Ann=2, Ben=1.5.")
        _check_once(name, hours)
        hours[name] = worked
    if not hours:
        raise ViewError("No hours were entered.", "Enter hours as Ann=2, Ben=1.5; 0 removes what was booked.")
    return hours


def _check_once(name: str, entered: Mapping[str, float]) -> None:
    """Raise an error where a name was entered before."""
    if name in entered:
        raise ViewError(f"{name!r} is entered twice.", "Enter one number for each name.")


def _assign(request: OrderRequest) -> WorkOrder:
    order, technician = request.chosen, request.values["technician"]
    if technician is None:
        skills = ", ".join(order.skills)
        raise ViewError(
            f"No active technician has all of these skills: {skills}.", "Change a technician's skills first."
        )
    return request.orders.assign(
        order.number,
        technician,
        request.who,
        may_reassign=request.values["may_reassign"],
        version=order.version,
    )


def _unassign(request: OrderRequest) -> WorkOrder:
    return request.orders.assign(request.chosen.number, None, request.who, version=request.chosen.version)


def _start(request: OrderRequest) -> WorkOrder:
    return request.orders.start(request.chosen.number, request.who, version=request.chosen.version)


def _hold(request: OrderRequest) -> WorkOrder:
    return request.orders.hold(request.chosen.number, request.text, request.who, version=request.chosen.version)


def _complete(request: OrderRequest) -> WorkOrder:
    order, values = request.chosen, request.values
    return request.orders.complete(
        order.number,
        request.who,
        done=values["done"],
        hours=None if order.labour else values["hours"],
        verdict=values["verdict"] if request.open_alerts else None,
        cost=_cost(values["cost"]),
        used=part_quantities(values["used"]) if order.parts else None,
        version=order.version,
        **_downtime(request),
        **{name: values[name] for name in FAILURE_FIELDS},
    )


def _not_right_yet(request: OrderRequest) -> dict[str, str]:
    """Return a sentence for each field of the form that is not right yet, by its name; "" is the checklist."""
    values, order = request.values, request.chosen
    problems = {}
    if not values["done"].strip():
        problems["done"] = "Enter what was done."
    if request.open_alerts and not values["verdict"]:
        problems["verdict"] = f"{order.number} has open alerts: choose a verdict on them, for example false alarm."
    is_no_fault = request.open_alerts and values["verdict"] in VERDICTS_OF_NO_FAILURE
    if not values["failure"] and order.type in FAILURE_TYPES and not is_no_fault:
        problems["failure"] = "Choose whether something had failed; none where nothing had."
    if values["failure"] not in ("", NO_FAILURE) and not values["mode"]:
        problems["mode"] = "Choose the failure mode; UNK where it is not known."
    if values["failure"] == NO_FAILURE and any(values[name] for name in FAILURE_FIELDS[1:]):
        problems["failure"] = "Nothing had failed: leave the codes of a failure out, or choose what had failed."
    if values["failure"] == FUNCTIONAL_FAILURE and is_no_fault:
        problems["failure"] = f"A functional failure does not go with the verdict {values['verdict']}."
    for name, read in (("used", part_quantities), ("cost", _cost)):
        try:
            read(values[name])
        except WorkbenchError as error:
            problems[name] = str(error)
    problems |= _wrong_downtime(request)
    open_items = checklists.missing(order.checklist)
    if open_items:
        problems[""] = f"Answer what is open on the checklist: {'; '.join(open_items)}."
    return problems


def _wrong_downtime(request: OrderRequest) -> dict[str, str]:
    """Return what is wrong with the times at which the asset stopped and ran again, by the name of the field."""
    down_from, down_to = (in_utc(request.values[name]) for name in ("down_from", "down_to"))
    present = request.orders.database.clock()
    problems = {
        name: f"{time:%Y-%m-%d %H:%M} UTC has not come yet."
        for name, time in (("down_from", down_from), ("down_to", down_to))
        if time is not None and time > present
    }
    if down_to is not None and down_from is None:
        problems["down_from"] = "Enter when the asset stopped, too."
    if down_from is not None and down_to is not None and down_to < down_from:
        problems["down_to"] = f"The asset cannot run again before it stopped, at {down_from:%Y-%m-%d %H:%M} UTC."
    return problems


def _downtime(request: OrderRequest) -> dict[str, Any]:
    """Return the times of the form at which the asset stopped and ran again, where they are not those of the order."""
    times = {name: request.values[name] for name in ("down_from", "down_to")}
    return {
        name: time.replace(tzinfo=UTC)
        for name, time in times.items()
        if time is not None and time != without_zone(getattr(request.chosen, name))
    }


def _cost(text: str) -> float | None:
    try:
        return number_in_range("the cost", float(text), MAX_COST) if text.strip() else None
    except ValueError:
        raise ViewError(f"The cost {text!r} is not a number.", "Enter it as 120.5, or leave it empty.") from None


def minute(due: datetime) -> datetime:
    """Return a due date as the form shows it, without its seconds: these alone are no change."""
    return due.replace(second=0, microsecond=0)


def _change(request: OrderRequest) -> WorkOrder:
    order, values = request.chosen, request.values
    changes: dict[str, Any] = dict(_downtime(request))
    due = None if order.due is None else minute(order.due)
    if request.due is not None and request.due != due:
        changes["due"] = request.due
    if values["priority"] not in (AUTOMATIC, order.priority.name):
        changes["priority"] = values["priority"]
    if values["hours"] != order.estimated_hours:
        changes["hours"] = values["hours"]
    if values["words"].strip() != order.description:
        changes["description"] = values["words"]
    if values["may_reassign"] != order.may_reassign:
        changes["may_reassign"] = values["may_reassign"]
    return request.orders.change(order.number, request.who, version=order.version, **changes)


def _comment(request: OrderRequest) -> WorkOrder:
    return request.orders.comment(request.chosen.number, request.text, request.who)


def _cancel(request: OrderRequest) -> WorkOrder:
    return request.orders.cancel(request.chosen.number, request.text, request.who, version=request.chosen.version)


def _reopen(request: OrderRequest) -> WorkOrder:
    return request.orders.reopen(request.chosen.number, request.text, request.who, version=request.chosen.version)


def _follow_up(request: OrderRequest) -> WorkOrder:
    values = request.values
    optional = {"title": request.text, "description": values["words"].strip(), "due": request.due}
    content = {name: value for name, value in optional.items() if value}
    return request.orders.follow_up(request.chosen.number, request.who, hours=values["hours"], **content)


def _split(request: OrderRequest) -> WorkOrder:
    order, values = request.chosen, request.values
    return request.orders.split(
        order.number,
        request.who,
        hours=values["hours"],
        title=request.text or None,
        items=values["items"],
        version=order.version,
    )


def _merge(request: OrderRequest) -> WorkOrder:
    order, into = request.chosen, request.values["into"]
    if not into:
        raise ViewError(f"No order to merge {order.number} into is chosen.", "Choose an active order of its asset.")
    return request.orders.merge(order.number, into, request.who, version=order.version)


def _attach(request: OrderRequest) -> WorkOrder:
    order, path = request.chosen, request.values["file"]
    if path is None:
        raise ViewError("No file has come.", "Drop a photo or a PDF on the field, or choose one.")
    return request.orders.attach_file(order.number, path.name, path.read_bytes(), request.who, title=request.text)


def _book(request: OrderRequest) -> WorkOrder:
    order = request.chosen
    return request.orders.book_all(
        order.number, hours_by_name(request.values["labour"]), request.who, version=order.version
    )


def _sign(request: OrderRequest) -> WorkOrder:
    return request.orders.sign(request.chosen.number, request.text, request.who, request.values["role"])


def _open(request: OrderRequest) -> WorkOrder:
    values = request.values
    skills = items_of(values["skills"])
    optional = {
        "channel": values["channel"] or None,
        "title": request.text or None,
        "description": values["words"].strip() or None,
        "priority": None if values["priority"] == AUTOMATIC else values["priority"],
        "due": request.due,
        "skills": skills or None,
        "parts": part_quantities(values["needs"]) or None,
    }
    content = {name: value for name, value in optional.items() if value is not None}
    place = values["place"] or values["asset"]
    return request.orders.new(request.who, asset=place, type=values["type"], hours=values["hours"], **content)


ORDER_ACTIONS: Mapping[str, OrderAction] = {
    "assign": OrderAction(
        "Assign",
        "Assign the order to a technician (A)",
        "a",
        _assign,
        "is assigned to {assignee}",
        state="assigned",
        fields=("technician", "may_reassign"),
        confirm="Assign order",
    ),
    "start": OrderAction("Start", "Start or resume the work (S)", "s", _start, "is in progress", state="in progress"),
    "hold": OrderAction(
        "Hold",
        "Put the order on hold, with a reason (H)",
        "h",
        _hold,
        "is on hold",
        state="on hold",
        fields=("text",),
        confirm="Put order on hold",
        text_label="Reason",
    ),
    "complete": OrderAction(
        "Complete",
        "Complete the order: work done, and the verdict on its alerts (F)",
        "f",
        _complete,
        "is completed",
        state="completed",
        fields=("done", "hours", "verdict", *FAILURE_FIELDS, "used", "cost", "down_from", "down_to"),
        confirm="Complete order",
        check=_not_right_yet,
    ),
    "back": OrderAction(
        "Unassign", "Remove the technician from the order (U)", "u", _unassign, "is unassigned", state="open"
    ),
    "change": OrderAction(
        "Change",
        "Change due date, priority, hours, downtime, description, or whether the planner may reassign it (G)",
        "g",
        _change,
        "is changed",
        fields=("due", "priority", "hours", "down_from", "down_to", "may_reassign", "words"),
        confirm="Save changes",
    ),
    "comment": OrderAction(
        "Comment",
        "Add a comment to the history of the order (M)",
        "m",
        _comment,
        "has a new comment",
        fields=("text",),
        confirm="Add comment",
        text_label="Comment",
    ),
    "book": OrderAction(
        "Book hours",
        "Book the hours that each technician has worked on the order",
        "",
        _book,
        "has the hours",
        fields=("labour",),
        confirm="Book these hours",
    ),
    "attach": OrderAction(
        "Attach file",
        "Attach a photo or a PDF to the order",
        "",
        _attach,
        "has a new file",
        fields=("text", "file"),
        confirm="Attach this file",
        text_label="Title",
    ),
    "sign": OrderAction(
        "Sign",
        "Sign the order by name and time: done by, or approved by once it is completed",
        "",
        _sign,
        "is signed",
        fields=("text", "role"),
        confirm="Sign order",
        text_label="Full name",
    ),
    "follow-up": OrderAction(
        "Follow-up",
        "Open an order for what this one has left to do",
        "",
        _follow_up,
        "is open as a follow-up",
        fields=("text", "hours", "due", "words"),
        confirm="Open follow-up",
        text_label="Title",
    ),
    "split": OrderAction(
        "Split",
        "Split hours and items of the checklist off into an order of their own",
        "",
        _split,
        "is split off",
        fields=("text", "hours", "items"),
        confirm="Split order",
        text_label="Title",
    ),
    "merge": OrderAction(
        "Merge",
        "Merge the order into another of its asset, which gets its alerts, parts, hours and open items",
        "",
        _merge,
        "is both orders now",
        fields=("into",),
        confirm="Merge orders",
    ),
    "cancel": OrderAction(
        "Cancel order",
        "Cancel the order, with a reason (X)",
        "x",
        _cancel,
        "is cancelled",
        state="cancelled",
        fields=("text",),
        confirm="Cancel work order",
        text_label="Reason",
    ),
    "reopen": OrderAction(
        "Reopen",
        "Reopen an order that was completed by mistake, with a reason (R)",
        "r",
        _reopen,
        "is in progress again",
        fields=("text",),
        confirm="Reopen work order",
        text_label="Reason",
    ),
    "new": OrderAction(
        "New order",
        "Open a new work order (O)",
        "o",
        _open,
        "is open",
        fields=("asset", "place", "channel", "type", "text", "priority", "hours", "due", "skills", "needs", "words"),
        confirm="Open work order",
        text_label="Title",
    ),
}
"""All actions, by their names, in the order of their buttons."""

ACTION_OF_STATE: Mapping[str, str] = {action.state: name for name, action in ORDER_ACTIONS.items() if action.state}
"""Name of the action that leads to a state of an order."""


def done_words(action: str, order: WorkOrder) -> str:
    """Return the sentence that says what was done with an order.

    Parameters
    ----------
    action : str
        Name of the action.
    order : WorkOrder
        The order as it is afterwards.
    """
    return f"{order.number} {ORDER_ACTIONS[action].done.format(assignee=escape(order.assignee or ''))}."
