"""The buttons of what can be done with a work order, and the form that some of them open."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import pandas as pd

from workbench.maintenance.alerts.table import VERDICTS
from workbench.maintenance.orders.failure_codes import FAILURE_CAUSES, FAILURE_EFFECTS, FAILURE_MODES
from workbench.maintenance.orders.people import able_technicians
from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.orders.states import FAILURE_TYPES, ORDER_TYPES, TRANSITIONS
from workbench.maintenance.orders.table import WorkOrder
from workbench.views.maintenance.order_commands import ACTION_OF_STATE, AUTOMATIC, FAILURE_FIELDS, ORDER_ACTIONS
from workbench.views.markup import verdict_words
from workbench.views.widgets.boxes import box, button, classed

__all__ = ["Actions"]

_DEFAULT_HOURS = 2.0


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
            name: button(action.label, action.tip, press, f"wb-key-{action.key}{' wb-asks' if action.fields else ''}")
            for name, action in ORDER_ACTIONS.items()
        }
        self.bar = box("wb-bar wb-actions", *(made for name, made in self.buttons.items() if name != "new"))
        verdicts = [(verdict_words(verdict), verdict) for verdict in VERDICTS]
        self.fields: dict[str, Any] = {
            "technician": widgets.Dropdown(description="Technician"),
            "asset": widgets.Dropdown(description="Asset"),
            "channel": widgets.Dropdown(description="Channel"),
            "type": widgets.Dropdown(options=list(ORDER_TYPES), description="Type"),
            "text": widgets.Text(description="Reason", continuous_update=False),
            "done": widgets.Text(description="Work done", continuous_update=False),
            "hours": widgets.BoundedFloatText(_DEFAULT_HOURS, min=0, max=10_000, step=0.5, description="Hours"),
            "verdict": widgets.Dropdown(options=verdicts, description="Verdict on the alerts"),
            "mode": _codes("Failure mode", FAILURE_MODES),
            "cause": _codes("Cause", FAILURE_CAUSES),
            "effect": _codes("Effect", FAILURE_EFFECTS),
            "used": widgets.Text(description="Parts used", placeholder="seal=2, filter=1", continuous_update=False),
            "cost": widgets.Text(description="Cost", placeholder="from hours and parts", continuous_update=False),
            "due": widgets.NaiveDatetimePicker(description="Due, UTC"),
            "priority": widgets.Dropdown(options=[AUTOMATIC, *PRIORITIES], description="Priority"),
            "skills": widgets.Text(description="Skills", placeholder="rf, optics", continuous_update=False),
            "needs": widgets.Text(description="Parts", placeholder="seal=2, filter=1", continuous_update=False),
            "words": widgets.Textarea(description="Description", rows=2, continuous_update=False),
        }
        for name, field in self.fields.items():
            classed(field, f"wb-field wb-field-{name}")
        self.fields["asset"].observe(asset, "value")
        self.confirm = button("Confirm", "Do this with the order", confirm, "wb-confirm")
        self.cancel = button("Cancel", "Close the form and change nothing", cancel, "wb-opener-open")
        self.form = box("wb-form wb-panel", *self.fields.values(), box("wb-bar", self.confirm, self.cancel))
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
            allowed |= {"comment"} | ({"change"} if order.is_open else set())
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
        self.form.layout.display = None if action else "none"
        for name, made in self.buttons.items():
            (made.add_class if name == action else made.remove_class)("wb-opened")
        if not action:
            return
        shown = [name for name in ORDER_ACTIONS[action].fields if name not in leave_out]
        for name, field in self.fields.items():
            field.layout.display = None if name in shown else "none"
        self.fields["text"].description = ORDER_ACTIONS[action].text_label
        self.confirm.description = ORDER_ACTIONS[action].confirm
        self.fields[shown[0]].focus()

    def values(self) -> dict[str, Any]:
        """Return the values of the form's fields, by their names."""
        return {name: field.value for name, field in self.fields.items()}

    def fill(self, action: str, order: WorkOrder | None, people: pd.DataFrame, fleet: pd.DataFrame, asset: str) -> None:
        """Fill the fields before the form of an action opens.

        Parameters
        ----------
        action : str
            Name of the action.
        order : WorkOrder or None
            The order that is chosen.
        people : pandas.DataFrame
            The technicians, as `People.list` returns them.
        fleet : pandas.DataFrame
            The channels of the fleet, with their assets.
        asset : str
            Asset that is chosen, for a new order; empty where none is.
        """
        for name in ("text", "done", "used", "cost", "skills", "needs", "words", *FAILURE_FIELDS):
            self.fields[name].value = ""
        self.fields["priority"].value = AUTOMATIC
        self.fields["due"].value = None
        self.fields["hours"].value = order.estimated_hours if order and action != "new" else _DEFAULT_HOURS
        self.fields["verdict"].value = VERDICTS[0]
        if action == "new":
            self.fields["asset"].options = sorted(set(fleet["asset"]))
            if asset in self.fields["asset"].options:
                self.fields["asset"].value = asset
        elif order is not None:
            able = able_technicians(people, order.skills)
            self.fields["technician"].options = able
            self.fields["technician"].value = order.assignee if order.assignee in able else next(iter(able), None)
            self.fields["used"].value = ", ".join(f"{one['part']}={one['reserved']}" for one in order.parts)
            if action == "change":
                self.fields["priority"].value = order.priority.name
                self.fields["due"].value = (
                    None if order.due is None else order.due.replace(tzinfo=None, second=0, microsecond=0)
                )
                self.fields["words"].value = order.description

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
        if order is None or action != "complete":
            return ()
        return (
            *(() if open_alerts else ("verdict",)),
            *(() if order.parts else ("used",)),
            *(() if order.type in FAILURE_TYPES else FAILURE_FIELDS),
        )


def _codes(words: str, codes: dict[str, str]) -> widgets.Dropdown:
    return widgets.Dropdown(
        options=[("", ""), *((f"{code} {text}", code) for code, text in codes.items())], description=words
    )
