"""What can be done with alerts: a bar of buttons, and the small form that some of them open."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import ViewError
from workbench.maintenance.alerts.table import VERDICTS
from workbench.views.widgets.boxes import box, button, classed

if TYPE_CHECKING:
    from workbench.views.anomalies.view import Anomalies

__all__ = ["Actions", "told"]

_KINDS = ("point", "contextual")
_ACTIONS = {
    "acknowledge": ("Acknowledge", "Say that you have seen it (A)", "a", ()),
    "shelve": ("Shelve", "Hide it for some hours, and say why (S)", "s", ("hours", "text")),
    "close": ("Close", "Close it with what it was (V)", "v", ("verdict", "text")),
    "comment": ("Comment", "Add a remark to its history (M)", "m", ("text",)),
    "order": ("Work order", "Open one work order for the alerts (W)", "w", ("text",)),
    "label": ("Label", "Label samples of the channel as a true anomaly (L)", "l", ("first", "last", "kind")),
    "unshelve": ("Unshelve", "Show it again (U)", "u", ()),
    "reset": ("Reset", "Clear a latched alert that is back to normal (O)", "o", ()),
}
_TEXTS = {"shelve": "Why", "close": "Remark", "comment": "Remark", "order": "Title"}
_DONE = {
    "acknowledge": "acknowledged",
    "shelve": "shelved",
    "close": "closed",
    "comment": "commented",
    "unshelve": "shown again",
    "reset": "reset",
}


class Actions:
    """Widgets; what they do is the view's.

    Parameters
    ----------
    view : Anomalies
        Whose methods `on_action`, `on_confirm` and `on_cancel` they call.

    Attributes
    ----------
    bar, form : ipywidgets.Box
    buttons : dict of str to ipywidgets.Button
        By action.
    asked : str
        The action whose form is open; empty where none is.
    fields : dict of str to ipywidgets.Widget
        hours, verdict, kind, first, last, text.
    confirm, cancel : ipywidgets.Button
    """

    def __init__(self, view: "Anomalies") -> None:
        self.asked = ""
        self.buttons = {
            name: button(words, tip, view.on_action, f"wb-key-{key}{' wb-asks' if asks else ''}")
            for name, (words, tip, key, asks) in _ACTIONS.items()
        }
        self.all = button("Mark all", "Mark every alert of the list, or none (K)", view.on_mark_all, "wb-key-k")
        self._of = classed(widgets.HTML(), "wb-muted wb-of")
        self.bar = box("wb-bar wb-actions", *self.buttons.values(), self.all, self._of)
        hours = widgets.BoundedFloatText(4.0, min=0.25, max=24 * 31, step=0.5, description="Hours")
        samples = {
            name: widgets.BoundedIntText(0, min=0, max=10**12, description=words)
            for name, words in (("first", "First sample"), ("last", "Last sample"))
        }
        self.fields: dict[str, Any] = {
            "hours": hours,
            "verdict": widgets.Dropdown(options=VERDICTS, description="It was"),
            "kind": widgets.Dropdown(options=_KINDS, description="Kind"),
            **samples,
            "text": widgets.Text(description="Remark", continuous_update=False),
        }
        for name, field in self.fields.items():
            classed(field, f"wb-field wb-field-{name}")
        self.confirm = button("Do it", "Do what the form says", view.on_confirm, "wb-confirm")
        self.cancel = button("Cancel", "Do nothing", view.on_cancel, "wb-opener-open")
        self.form = box("wb-form wb-panel", *self.fields.values(), self.confirm, self.cancel)
        self.ask("")

    def name(self, pressed: widgets.Button) -> str:
        """Give the action of a button."""
        return next(name for name, made in self.buttons.items() if made is pressed)

    def needs_form(self, action: str) -> bool:
        """Tell whether an action needs to be told more."""
        return bool(_ACTIONS[action][3])

    def ask(self, action: str, count: int = 1) -> None:
        """Open the form of an action for so many alerts; an empty name closes it."""
        self.asked = action
        self.form.layout.display = None if action else "none"
        for name, made in self.buttons.items():
            (made.add_class if name == action else made.remove_class)("wb-opened")
        if not action:
            return
        for name, field in self.fields.items():
            field.layout.display = None if name in _ACTIONS[action][3] else "none"
        self.fields["text"].description = _TEXTS.get(action, "")
        self.fields["text"].value = ""
        words = _ACTIONS[action][0].lower()
        one = {"order": "Open the work order", "label": "Add the label"}.get(action, f"{words.capitalize()} it")
        self.confirm.description = one if count == 1 else f"{words.capitalize()}: {count} alerts"

    def options(self) -> dict[str, Any]:
        """Give what the form says, as the action takes it.

        Raises
        ------
        ViewError
            A reason is missing.
        """
        text = self.fields["text"].value.strip()
        if self.asked == "shelve":
            if not text:
                raise ViewError("Shelving needs a reason.", "Say why in the field beside the hours.")
            return {"hours": self.fields["hours"].value, "why": text}
        if self.asked == "close":
            return {"verdict": self.fields["verdict"].value, "comment": text}
        if self.asked == "comment":
            if not text:
                raise ViewError("The comment is empty.", "Write a remark first.")
            return {"text": text}
        if self.asked == "order":
            return {"title": text} if text else {}
        return {name: self.fields[name].value for name in ("first", "last", "kind")}

    def show(self, alerts: pd.DataFrame, marked: int) -> None:
        """Enable what the chosen alerts allow.

        Parameters
        ----------
        alerts : pandas.DataFrame
            Rows of those that an action would be done to.
        marked : int
            How many of them are marked; 0 where it is the chosen one.
        """
        states = set(alerts["state"]) if len(alerts) else set()
        for made in self.buttons.values():
            made.disabled = not states
        self.buttons["acknowledge"].disabled = not states & {"unacknowledged", "returned", "latched"}
        self.buttons["unshelve"].disabled = "shelved" not in states
        self.buttons["reset"].disabled = "latched_acknowledged" not in states
        closed = states <= {"closed"}
        for name in ("shelve", "close"):
            self.buttons[name].disabled = closed
        self.buttons["label"].disabled = len(alerts) != 1
        self._of.value = f"{marked} marked" if marked else ""


def told(action: str, outcome: pd.DataFrame) -> str:
    """Say what an action has come to.

    Parameters
    ----------
    action : str
    outcome : pandas.DataFrame
        alert, done, reason, of `Alerts.each`.

    Examples
    --------
    >>> told("close", pd.DataFrame({"alert": [1, 2], "done": [True, False], "reason": ["", "It is closed."]}))
    '1 of 2 alerts closed. Alert 2: It is closed.'
    """
    done, every = int(outcome["done"].sum()), len(outcome)
    count = f"{done} of {every} alerts" if done < every else f"{done} alert{'' if done == 1 else 's'}"
    refused: Sequence[Any] = outcome[~outcome["done"]][["alert", "reason"]].head(3).to_numpy().tolist()
    return " ".join([f"{count} {_DONE[action]}.", *(f"Alert {alert}: {escape(reason)}" for alert, reason in refused)])
