"""The buttons of what can be done with a work order, and the form that some of them open."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from workbench.maintenance.alerts.table import VERDICTS
from workbench.maintenance.orders.actions import SIGNATURE_ROLES
from workbench.maintenance.orders.attachments import file_type
from workbench.maintenance.orders.failure_codes import (
    DETECTION_METHODS,
    FAILURE_CAUSES,
    FAILURE_EFFECTS,
    FAILURE_KINDS,
    FAILURE_MECHANISMS,
    FAILURE_MODES,
    NO_FAILURE,
)
from workbench.maintenance.orders.people import able_technicians
from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.orders.states import FAILURE_TYPES, ORDER_TYPES, TRANSITIONS
from workbench.maintenance.orders.table import WorkOrder
from workbench.maintenance.values import MAX_ORDER_HOURS
from workbench.views.maintenance.order_commands import (
    ACTION_OF_STATE,
    AUTOMATIC,
    FAILURE_FIELDS,
    ORDER_ACTIONS,
    OrderAction,
)
from workbench.views.markup import verdict_words
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.drop import Drop
from workbench.views.widgets.refusals import Range, Refusals
from workbench.views.widgets.times import without_zone

__all__ = ["Actions", "FileField", "order_choices"]

_MAX_PREVIEW_BYTES = 3 * 2**20
"""Largest photo that the form shows before it is attached; the page gets it back in one message."""

_DEFAULT_HOURS = 2.0
_OF_OPEN_ORDERS = {"change", "book", "attach", "split", "merge"}
"""Actions that leave the state of an order as it is, and need one that is neither completed nor cancelled."""


_ABOUT = {
    "technician": r"technician has all|no technicians?\b",
    "asset": r"\basset\b|no (site|unit|component)",
    "channel": r"\bchannel\b",
    "text": r"\b(reason|comment|title|name)\b",
    "done": r"what was done|work done|\bdone is empty",
    "hours": r"\bhours\b",
    "verdict": r"\bverdict\b",
    "failure": r"\bfailure\b(?! (mode|mechanism|cause))",
    "mode": r"failure mode",
    "used": r"\bpart(s)?\b|pieces",
    "needs": r"\bpart(s)?\b|pieces",
    "cost": r"\bcost\b",
    "due": r"\bdue\b",
    "down_from": r"stopped|down from|downtime|asset was down",
    "down_to": r"ran again|up again",
    "labour": r"hours",
    "items": r"\bitems?\b",
    "into": r"merge",
    "file": r"\bfile\b",
    "words": r"description",
}
"""Words of an error that is about a field, by its name."""


_RANGES = {"hours": Range(0, MAX_ORDER_HOURS)}
"""Numbers that fields take; an order that was found done may have taken no time."""


class Actions:
    """The bar of buttons, and the form of the action that was pressed last.

    Parameters
    ----------
    press : callable
        Called with the button of an action.
    confirm, cancel : callable
        Called with the form's buttons.
    asset : callable
        Called with the change of the asset that a new order is for.

    Attributes
    ----------
    bar, form : ipywidgets.Box
        The two rows of widgets.
    buttons : dict of str to ipywidgets.Button
        The buttons by the names of their actions; `new` is not in the bar.
    opened : str
        Name of the action whose form is open; empty where none is.
    fields : dict of str to ipywidgets.Widget
        The fields of the form, by their names.
    confirm, cancel : ipywidgets.Button
        Do what the form says; close the form.
    refusals : Refusals
        The note at the field that was refused.
    """

    def __init__(
        self,
        *,
        press: Callable[[widgets.Button], None],
        confirm: Callable[[widgets.Button], None],
        cancel: Callable[[widgets.Button], None],
        asset: Callable[[dict[str, Any]], None],
    ) -> None:
        self.opened = ""
        self.buttons = {
            name: button(action.label, action.tip, press, _classes(action)) for name, action in ORDER_ACTIONS.items()
        }
        self.bar = box("wb-bar wb-actions", *(made for name, made in self.buttons.items() if name != "new"))
        verdicts = [("choose", ""), *((verdict_words(verdict), verdict) for verdict in VERDICTS)]
        self.fields: dict[str, Any] = {
            "technician": widgets.Dropdown(description="Technician"),
            "asset": widgets.Dropdown(description="Asset"),
            "place": widgets.Dropdown(options=[("none", "")], value="", description="Component"),
            "channel": widgets.Dropdown(description="Channel"),
            "type": widgets.Dropdown(options=list(ORDER_TYPES), description="Type"),
            "text": widgets.Text(description="Reason", continuous_update=False),
            "done": widgets.Text(description="Work done", continuous_update=False),
            "hours": widgets.FloatText(_DEFAULT_HOURS, step=0.5, description="Hours"),
            "verdict": widgets.Dropdown(options=verdicts, description="Verdict on the alerts"),
            "failure": widgets.Dropdown(
                options=[("choose", ""), *((f"{kind}: {words}", kind) for kind, words in FAILURE_KINDS.items())],
                description="Failure",
            ),
            "mode": _codes("Failure mode", FAILURE_MODES),
            "component": widgets.Text(description="Component", placeholder="seal", continuous_update=False),
            "mechanism": _codes("Mechanism", FAILURE_MECHANISMS),
            "cause": _codes("Cause", FAILURE_CAUSES),
            "effect": _codes("Effect", FAILURE_EFFECTS),
            "detection": _codes("Detected by", DETECTION_METHODS),
            "used": widgets.Text(description="Parts used", placeholder="seal=2, filter=1", continuous_update=False),
            "cost": widgets.Text(description="Cost", placeholder="from hours and parts", continuous_update=False),
            "due": widgets.NaiveDatetimePicker(description="Due, UTC"),
            "priority": widgets.Dropdown(options=[AUTOMATIC, *PRIORITIES], description="Priority"),
            "skills": widgets.Text(description="Skills", placeholder="rf, optics", continuous_update=False),
            "needs": widgets.Text(description="Parts", placeholder="seal=2, filter=1", continuous_update=False),
            "down_from": widgets.NaiveDatetimePicker(description="Down from, UTC"),
            "down_to": widgets.NaiveDatetimePicker(description="Up again, UTC"),
            "may_reassign": widgets.Checkbox(False, description="The plan may reassign it", indent=False),
            "labour": widgets.Text(description="Worked", placeholder="Ann=2, Ben=1.5", continuous_update=False),
            "role": widgets.Dropdown(options=list(SIGNATURE_ROLES), description="Signed as"),
            "items": widgets.SelectMultiple(description="Items that go along", rows=4),
            "into": widgets.Dropdown(options=[("choose", "")], value="", description="Into"),
            "file": FileField(),
            "words": widgets.Textarea(description="Description", rows=2, continuous_update=False),
        }
        for name, field in self.fields.items():
            classed(field, f"wb-field wb-field-{name}")
        self.fields["asset"].observe(asset, "value")
        self.confirm = button("Confirm", "Do this with the order", confirm, "wb-confirm")
        self.cancel = button("Cancel", "Close the form and change nothing", cancel, "wb-opener-open")
        self.form = box("wb-form wb-panel")
        buttons = box("wb-bar", self.confirm, self.cancel)
        self.refusals = Refusals(self.form, self.fields, about=_ABOUT, ranges=_RANGES, ending=[buttons])
        self.open("")

    def name(self, pressed: widgets.Button) -> str:
        """Return the name of the action of a button.

        Parameters
        ----------
        pressed : ipywidgets.Button
            One of `buttons`.
        """
        return next(name for name, made in self.buttons.items() if made is pressed)

    def allow(self, order: WorkOrder | None) -> None:
        """Show the buttons of what can be done with an order in its state.

        Parameters
        ----------
        order : WorkOrder or None
            The order that is chosen; None where none is.
        """
        following = TRANSITIONS[order.state] if order else ()
        allowed = {action for state, action in ACTION_OF_STATE.items() if state in following}
        if order is not None:
            allowed |= {"comment", "follow-up"} | (_OF_OPEN_ORDERS if order.is_open else set())
            allowed |= {"reopen"} if order.state == "completed" else set()
            allowed |= {"sign"} if order.started_at is not None and order.state != "cancelled" else set()
        for name, made in self.buttons.items():
            if name != "new":
                made.layout.display = None if name in allowed else "none"

    def open(self, action: str, leave_out: tuple[str, ...] = ()) -> None:
        """Open the form of an action, or close the form.

        Parameters
        ----------
        action : str
            Name of the action; empty to close the form.
        leave_out : tuple of str
            Names of fields that are not shown.
        """
        self.opened = action
        self.refusals.clear()
        self.form.layout.display = None if action else "none"
        if action:
            shown = [name for name in ORDER_ACTIONS[action].fields if name not in leave_out]
            for name, field in self.fields.items():
                field.layout.display = None if name in shown else "none"
            self.fields["text"].description = ORDER_ACTIONS[action].text_label
            self.confirm.description = ORDER_ACTIONS[action].confirm
        else:
            self.fields["file"].clear()
        for name, made in self.buttons.items():  # at last: the page then gives the first field the focus
            (made.add_class if name == action else made.remove_class)("wb-opened")

    def values(self) -> dict[str, Any]:
        """Return the values of the form's fields, by their names."""
        return {name: field.value for name, field in self.fields.items()}

    def fill(
        self,
        action: str,
        order: WorkOrder | None,
        people: pd.DataFrame,
        *,
        assets: Sequence[tuple[str, str]],
        asset: str,
        others: pd.DataFrame,
        who: str,
    ) -> None:
        """Fill the fields before the form of an action opens.

        Parameters
        ----------
        action : str
            Name of the action.
        order : WorkOrder or None
            The order that is chosen.
        people : pandas.DataFrame
            The technicians, as `People.list` returns them.
        assets : sequence of (str, str)
            Assets that take orders: names on screen, and names in the archive.
        asset : str
            Asset that is chosen, for a new order; empty where none is.
        others : pandas.DataFrame
            Other active orders of the asset, as `WorkOrders.list` returns them.
        who : str
            Name of the person who acts.
        """
        for name in ("text", "done", "used", "cost", "skills", "needs", "words", "verdict", *FAILURE_FIELDS):
            self.fields[name].value = ""
        self.fields["priority"].value = AUTOMATIC
        for name in ("due", "down_from", "down_to"):
            self.fields[name].value = None
        self.fields["file"].clear()
        self.fields["hours"].value = order.estimated_hours if order and action != "new" else _DEFAULT_HOURS
        if action == "new":
            self.fields["asset"].options = assets
            names = [name for _, name in assets]
            self.fields["asset"].value = asset if asset in names else next(iter(names), None)
        elif order is not None:
            able = able_technicians(people, order.skills)
            self.fields["technician"].options = able
            self.fields["technician"].value = order.assignee if order.assignee in able else next(iter(able), None)
            if order.type not in FAILURE_TYPES:
                self.fields["failure"].value = NO_FAILURE
            self.fields["used"].value = ", ".join(f"{one['part']}={one['reserved']}" for one in order.parts)
            self.fields["may_reassign"].value = order.may_reassign
            self.fields["down_from"].value = without_zone(order.down_from)
            self.fields["down_to"].value = without_zone(order.down_to)
            self.fields["labour"].value = ", ".join(f"{name}={hours:g}" for name, hours in order.labour.items())
            self.fields["items"].options = [
                (f"{place}. {item.text}", place) for place, item in enumerate(order.checklist, 1) if item.answer is None
            ]
            self.fields["into"].options = order_choices(others)
            self.fields["into"].value = ""
            if action == "change":
                self.fields["priority"].value = order.priority.name
                self.fields["due"].value = without_zone(order.due)
                self.fields["words"].value = order.description
            elif action == "split":
                self.fields["hours"].value = order.estimated_hours / 2
            elif action == "follow-up":
                self.fields["hours"].value = _DEFAULT_HOURS
            elif action == "sign":
                self.fields["text"].value = who
                self.fields["role"].value = SIGNATURE_ROLES[1 if order.state == "completed" else 0]

    def leave_out(self, action: str, order: WorkOrder | None, open_alerts: bool) -> tuple[str, ...]:
        """Return the names of the fields that an action does not need for an order.

        Parameters
        ----------
        action : str
            Name of the action.
        order : WorkOrder or None
            The order that is chosen.
        open_alerts : bool
            Whether the order has alerts that are not closed.
        """
        if action == "split" and order is not None:
            return () if self.fields["items"].options else ("items",)
        if order is None or action != "complete":
            return ()
        return (
            *(() if open_alerts else ("verdict",)),
            *(() if order.parts else ("used",)),
            *(("hours",) if order.labour else ()),
        )


class FileField(widgets.VBox):  # type: ignore[misc]
    """A place for a photo or a PDF, and what came last.

    Attributes
    ----------
    value : Path or None
        The file that has come whole; None where none has.
    """

    def __init__(self) -> None:
        self.value: Path | None = None
        self._drop = Drop(
            "Photo or PDF to attach",
            "Drop a photo or a PDF here, or choose one",
            on_file=self.on_file,
            on_too_large=self.on_too_large,
        )
        self._told = widgets.HTML()
        super().__init__([self._drop, self._told])

    def on_file(self, path: Path) -> None:
        """Take a file that has come whole, and show it where it is a photo."""
        self.value = path
        content = path.read_bytes()
        kind = file_type(content)
        picture = ""
        if kind.startswith("image/") and len(content) <= _MAX_PREVIEW_BYTES:
            picture = f"<img alt='' src='data:{kind};base64,{b64encode(content).decode()}'>"
        self._told.value = f"<p role='status'>{picture}{escape(path.name)}, {len(content) / 2**20:.1f} MB</p>"

    def on_too_large(self, name: str, size: int) -> None:
        """Say that the page did not send a file."""
        self.clear()
        self._told.value = f"<p role='alert'>{escape(name)} has {size / 2**20:.0f} MB: too large.</p>"

    def clear(self) -> None:
        """Forget the file that came last."""
        self.value = None
        self._drop.clear()
        self._told.value = ""


def order_choices(orders: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the choices of a field for an order, the first of which is none; `orders` as `WorkOrders.list` has it."""
    rows = orders.to_dict(orient="records")
    return [
        ("choose" if rows else "there is none", ""),
        *((f"{row['number']} {row['title']}", row["number"]) for row in rows),
    ]


def _classes(action: OrderAction) -> str:
    names = [f"wb-key-{action.key}"] if action.key else []
    return " ".join([*names, *(["wb-asks"] if action.fields else [])])


def _codes(words: str, codes: dict[str, str]) -> widgets.Dropdown:
    return widgets.Dropdown(
        options=[("", ""), *((f"{code} {text}", code) for code, text in codes.items())], description=words
    )
