"""What can be done with a work order: a bar of buttons, and the form that some of them open."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import ViewError
from workbench.maintenance.alerts.table import VERDICTS
from workbench.maintenance.orders.failure_codes import FAILURE_CAUSES, FAILURE_EFFECTS, FAILURE_MODES
from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.orders.states import ORDER_TYPES, TRANSITIONS
from workbench.maintenance.orders.table import WorkOrder
from workbench.views.widgets.boxes import box, button, classed

if TYPE_CHECKING:
    from workbench.views.maintenance.orders import Orders

__all__ = ["ACTION_OF_STATE", "Actions", "pieces"]

ACTION_OF_STATE = {
    "open": "back",
    "assigned": "assign",
    "in progress": "start",
    "on hold": "hold",
    "completed": "complete",
    "cancelled": "cancel",
}
"""What is done to an order that becomes so."""

_FAILURE = ("mode", "cause", "effect")
_ACTIONS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "assign": ("Assign", "Give it to a technician (A)", "a", ("technician",)),
    "start": ("Start", "Begin, or go on with, the work (S)", "s", ()),
    "hold": ("Hold", "Stop the work, and say why (H)", "h", ("text",)),
    "complete": (
        "Complete",
        "Finish the work: what was done, and what the alerts were (F)",
        "f",
        ("done", "hours", "verdict", *_FAILURE, "used", "cost"),
    ),
    "back": ("Take back", "Take it from the technician (U)", "u", ()),
    "change": (
        "Change",
        "Change due date, priority, hours or description (G)",
        "g",
        ("due", "priority", "hours", "words"),
    ),
    "comment": ("Comment", "Add a remark to its trail (M)", "m", ("text",)),
    "cancel": ("Cancel order", "Give it up, and say why (X)", "x", ("text",)),
    "new": (
        "New order",
        "Open a work order by hand (O)",
        "o",
        ("asset", "channel", "type", "text", "priority", "hours", "due", "skills", "needs", "words"),
    ),
}
_CONFIRM = {
    "assign": "Assign it",
    "hold": "Put it on hold",
    "complete": "Complete it",
    "change": "Change it",
    "comment": "Add the comment",
    "cancel": "Cancel the order",
    "new": "Open the order",
}
_TEXTS = {"hold": "Why", "cancel": "Why", "comment": "Remark", "new": "Title"}


class Actions:
    """Widgets; what they do is the mode's.

    Parameters
    ----------
    mode : Orders
        Whose methods `on_action`, `on_confirm` and `on_cancel` they call.

    Attributes
    ----------
    bar, form : ipywidgets.Box
    buttons : dict of str to ipywidgets.Button
        By action; `new` stands elsewhere than in the bar.
    asked : str
        The action whose form is open; empty where none is.
    fields : dict of str to ipywidgets.Widget
    confirm, cancel : ipywidgets.Button
    """

    def __init__(self, mode: "Orders") -> None:
        self.asked = ""
        self.buttons = {
            name: button(words, tip, mode.on_action, f"wb-key-{key}{' wb-asks' if asks else ''}")
            for name, (words, tip, key, asks) in _ACTIONS.items()
        }
        self.bar = box("wb-bar wb-actions", *(made for name, made in self.buttons.items() if name != "new"))
        every = {"priority": ["by the rule", *PRIORITIES], "type": list(ORDER_TYPES), "verdict": list(VERDICTS)}
        self.fields: dict[str, Any] = {
            "technician": widgets.Dropdown(description="Technician"),
            "asset": widgets.Dropdown(description="Asset"),
            "channel": widgets.Dropdown(description="Channel"),
            "type": widgets.Dropdown(options=every["type"], description="Type"),
            "text": widgets.Text(description="Why", continuous_update=False),
            "done": widgets.Text(description="What was done", continuous_update=False),
            "hours": widgets.BoundedFloatText(2.0, min=0, max=10_000, step=0.5, description="Hours"),
            "verdict": widgets.Dropdown(options=every["verdict"], description="The alerts were"),
            "mode": _codes("Failure mode", FAILURE_MODES),
            "cause": _codes("Cause", FAILURE_CAUSES),
            "effect": _codes("Effect", FAILURE_EFFECTS),
            "used": widgets.Text(description="Parts used", placeholder="seal=2, filter=1", continuous_update=False),
            "cost": widgets.Text(description="Cost", placeholder="by rate and parts", continuous_update=False),
            "due": widgets.NaiveDatetimePicker(description="Due, UTC"),
            "priority": widgets.Dropdown(options=every["priority"], description="Priority"),
            "skills": widgets.Text(description="Skills", placeholder="rf, optics", continuous_update=False),
            "needs": widgets.Text(description="Parts", placeholder="seal=2, filter=1", continuous_update=False),
            "words": widgets.Textarea(description="Description", rows=2, continuous_update=False),
        }
        for name, field in self.fields.items():
            classed(field, f"wb-field wb-field-{name}")
        self.fields["asset"].observe(mode.on_asset, "value")
        self.confirm = button("Do it", "Do what the form says", mode.on_confirm, "wb-confirm")
        self.cancel = button("Leave it", "Do nothing", mode.on_cancel, "wb-opener-open")
        self.form = box("wb-form wb-panel", *self.fields.values(), box("wb-bar", self.confirm, self.cancel))
        self.ask("")

    def name(self, pressed: widgets.Button) -> str:
        """Give the action of a button."""
        return next(name for name, made in self.buttons.items() if made is pressed)

    def needs_form(self, action: str) -> bool:
        """Tell whether an action needs to be told more."""
        return bool(_ACTIONS[action][3])

    def allow(self, order: WorkOrder | None) -> None:
        """Show what can be done with an order, as its state is."""
        following = TRANSITIONS[order.state] if order else ()
        allowed = {action for state, action in ACTION_OF_STATE.items() if state in following}
        if order is not None:
            allowed |= {"comment"} | ({"change"} if order.is_open else set())
        for name, made in self.buttons.items():
            if name != "new":
                made.layout.display = None if name in allowed else "none"

    def ask(self, action: str, leave_out: tuple[str, ...] = ()) -> None:
        """Open the form of an action, without some of its fields; an empty name closes it."""
        self.asked = action
        self.form.layout.display = None if action else "none"
        for name, made in self.buttons.items():
            (made.add_class if name == action else made.remove_class)("wb-opened")
        if not action:
            return
        asked = [name for name in _ACTIONS[action][3] if name not in leave_out]
        for name, field in self.fields.items():
            field.layout.display = None if name in asked else "none"
        self.fields["text"].description = _TEXTS.get(action, "")
        self.confirm.description = _CONFIRM[action]
        self.fields[asked[0]].focus()

    def fill(self, order: WorkOrder | None, people: pd.DataFrame, fleet: pd.DataFrame, asset: str) -> None:
        """Put into the fields what is known before anybody has said anything."""
        for name in ("text", "done", "used", "cost", "skills", "needs", "words", *_FAILURE):
            self.fields[name].value = ""
        self.fields["priority"].value, self.fields["due"].value = "by the rule", None
        self.fields["hours"].value = order.estimated_hours if order and self.asked != "new" else 2.0
        self.fields["verdict"].value = VERDICTS[0]
        if self.asked == "new":
            self.fields["asset"].options = sorted(set(fleet["asset"]))
            if asset in self.fields["asset"].options:
                self.fields["asset"].value = asset
        elif order is not None:
            able = [
                row["name"]
                for row in people.to_dict(orient="records")
                if row["active"] and set(order.skills) <= set(row["skills"].split(", "))
            ]
            self.fields["technician"].options = able
            self.fields["technician"].value = order.assignee if order.assignee in able else next(iter(able), None)
            self.fields["used"].value = ", ".join(f"{one['part']}={one['reserved']}" for one in order.parts)
            if self.asked == "change":
                self.fields["priority"].value = order.priority.name
                self.fields["due"].value = (
                    None if order.due is None else order.due.replace(tzinfo=None, second=0, microsecond=0)
                )
                self.fields["words"].value = order.description

    def leave_out(self, order: WorkOrder | None, open_alerts: bool) -> tuple[str, ...]:
        """Name the fields that completing an order does not ask for."""
        if order is None or self.asked != "complete":
            return ()
        asks_failure = order.type in ("corrective", "predictive", "emergency")
        return (
            *(() if open_alerts else ("verdict",)),
            *(() if order.parts else ("used",)),
            *(() if asks_failure else _FAILURE),
        )

    def due(self) -> datetime | None:
        """Give the date of the form, in UTC."""
        given = self.fields["due"].value
        return None if given is None else given.replace(tzinfo=UTC)

    def opening(self) -> dict[str, Any]:
        """Give what the form says of a new order, as `WorkOrders.new` takes it."""
        values = {name: field.value for name, field in self.fields.items()}
        priority = None if values["priority"] == "by the rule" else values["priority"]
        skills = [one.strip() for one in values["skills"].split(",") if one.strip()]
        given = {
            "channel": values["channel"] or None,
            "title": values["text"].strip() or None,
            "description": values["words"].strip() or None,
            "priority": priority,
            "due": self.due(),
            "skills": skills or None,
            "parts": pieces(values["needs"]) or None,
        }
        content = {name: value for name, value in given.items() if value is not None}
        return {"asset": values["asset"], "type": values["type"], "hours": values["hours"], **content}

    def completing(self, order: WorkOrder, open_alerts: bool) -> dict[str, Any]:
        """Give what the form says of what was done, as `WorkOrders.complete` takes it.

        Raises
        ------
        ViewError
            The cost is no number.
        """
        values = {name: field.value for name, field in self.fields.items()}
        try:
            cost = float(values["cost"]) if values["cost"].strip() else None
        except ValueError:
            raise ViewError(
                f"The cost {values['cost']!r} is no number.", "Write it as 120.5, or leave it empty."
            ) from None
        return {
            "done": values["done"],
            "hours": values["hours"],
            "verdict": values["verdict"] if open_alerts else None,
            "cost": cost,
            "used": pieces(values["used"]) if order.parts else None,
            **{name: values[name] for name in _FAILURE},
        }

    def changes(self, order: WorkOrder) -> dict[str, Any]:
        """Give what the form says otherwise than the order, as `WorkOrders.change` takes it."""
        found: dict[str, Any] = {}
        due, known = self.due(), None if order.due is None else order.due.replace(second=0, microsecond=0)
        if due is not None and due != known:
            found["due"] = due
        if self.fields["priority"].value not in ("by the rule", order.priority.name):
            found["priority"] = self.fields["priority"].value
        if self.fields["hours"].value != order.estimated_hours:
            found["hours"] = self.fields["hours"].value
        if self.fields["words"].value.strip() != order.description:
            found["description"] = self.fields["words"].value
        return found


def pieces(text: str) -> dict[str, int]:
    """Read parts and their numbers.

    Raises
    ------
    ViewError
        One is not of that form.

    Examples
    --------
    >>> pieces("seal=2, filter=1")
    {'seal': 2, 'filter': 1}
    """
    found = {}
    for given in filter(None, (one.strip() for one in text.split(","))):
        name, equals, number = given.partition("=")
        if not equals or not number.strip().isdecimal():
            raise ViewError(f"{given!r} is no part with its number.", "Write them as seal=2, filter=1.")
        found[name.strip()] = int(number)
    return found


def _codes(words: str, codes: dict[str, str]) -> widgets.Dropdown:
    return widgets.Dropdown(
        options=[("", ""), *((f"{code} {text}", code) for code, text in codes.items())], description=words
    )
