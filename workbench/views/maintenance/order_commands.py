"""What can be done with a work order, as a table: words of each action, fields that it needs, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from workbench.exceptions import ViewError
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.table import WorkOrder

__all__ = [
    "ACTION_OF_STATE",
    "AUTOMATIC",
    "FAILURE_FIELDS",
    "ORDER_ACTIONS",
    "OrderAction",
    "OrderRequest",
    "done_words",
    "part_quantities",
]

AUTOMATIC = "automatic"
"""Choice of a form for a priority that follows from severity, frequency, impact and age."""

FAILURE_FIELDS = ("mode", "cause", "effect")
"""Fields for the codes of a failure."""


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
        due: datetime | None = self.values["due"]
        return None if due is None else due.replace(tzinfo=UTC)


@dataclass(frozen=True)
class OrderAction:
    """One action: its words on screen, the fields that it needs, and what it does.

    Attributes
    ----------
    label, tip, key : str
        Words of the button, its tooltip, and the key that presses it.
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


def part_quantities(text: str) -> dict[str, int]:
    """Read parts and their quantities.

    Parameters
    ----------
    text : str
        Names and quantities, as `seal=2, filter=1`.

    Raises
    ------
    ViewError
        A part has no quantity, or one that is not a whole number.

    Examples
    --------
    >>> part_quantities("seal=2, filter=1")
    {'seal': 2, 'filter': 1}
    """
    quantities = {}
    for item in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, quantity = item.partition("=")
        if not equals or not quantity.strip().isdecimal():
            raise ViewError(f"{item!r} is not a part with its quantity.", "Enter parts as seal=2, filter=1.")
        quantities[name.strip()] = int(quantity)
    return quantities


def _assign(request: OrderRequest) -> WorkOrder:
    order, technician = request.chosen, request.values["technician"]
    if technician is None:
        skills = ", ".join(order.skills)
        raise ViewError(
            f"No active technician has all of these skills: {skills}.", "Change a technician's skills first."
        )
    return request.orders.assign(order.number, technician, request.who, version=order.version)


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
        hours=values["hours"],
        verdict=values["verdict"] if request.open_alerts else None,
        cost=_cost(values["cost"]),
        used=part_quantities(values["used"]) if order.parts else None,
        version=order.version,
        **{name: values[name] for name in FAILURE_FIELDS},
    )


def _cost(text: str) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise ViewError(f"The cost {text!r} is not a number.", "Enter it as 120.5, or leave it empty.") from None


def _change(request: OrderRequest) -> WorkOrder:
    order, values = request.chosen, request.values
    changes: dict[str, Any] = {}
    # the form shows a due date without its seconds: these alone are no change
    due = None if order.due is None else order.due.replace(second=0, microsecond=0)
    if request.due is not None and request.due != due:
        changes["due"] = request.due
    if values["priority"] not in (AUTOMATIC, order.priority.name):
        changes["priority"] = values["priority"]
    if values["hours"] != order.estimated_hours:
        changes["hours"] = values["hours"]
    if values["words"].strip() != order.description:
        changes["description"] = values["words"]
    return request.orders.change(order.number, request.who, version=order.version, **changes)


def _comment(request: OrderRequest) -> WorkOrder:
    return request.orders.comment(request.chosen.number, request.text, request.who)


def _cancel(request: OrderRequest) -> WorkOrder:
    return request.orders.cancel(request.chosen.number, request.text, request.who, version=request.chosen.version)


def _open(request: OrderRequest) -> WorkOrder:
    values = request.values
    skills = [skill.strip() for skill in values["skills"].split(",") if skill.strip()]
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
    return request.orders.new(request.who, asset=values["asset"], type=values["type"], hours=values["hours"], **content)


ORDER_ACTIONS: Mapping[str, OrderAction] = {
    "assign": OrderAction(
        "Assign",
        "Assign the order to a technician (A)",
        "a",
        _assign,
        "is assigned to {assignee}",
        state="assigned",
        fields=("technician",),
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
        fields=("done", "hours", "verdict", *FAILURE_FIELDS, "used", "cost"),
        confirm="Complete order",
    ),
    "back": OrderAction(
        "Unassign", "Remove the technician from the order (U)", "u", _unassign, "is unassigned", state="open"
    ),
    "change": OrderAction(
        "Change",
        "Change due date, priority, hours or description (G)",
        "g",
        _change,
        "is changed",
        fields=("due", "priority", "hours", "words"),
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
    "new": OrderAction(
        "New order",
        "Open a new work order (O)",
        "o",
        _open,
        "is open",
        fields=("asset", "channel", "type", "text", "priority", "hours", "due", "skills", "needs", "words"),
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
