"""What can be done with alerts: a table of actions, the bar of their buttons, and the form that some of them open."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import MaintenanceError, ViewError
from workbench.maintenance.alerts.table import ALLOWED, VERDICTS
from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.values import number_in_range, whole_number
from workbench.views.markup import verdict_words
from workbench.views.view_session import ViewSession
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.refusals import Range, Refusals
from workbench.views.widgets.times import in_utc

__all__ = ["ALERT_ACTIONS", "Actions", "AlertAction", "AlertRequest", "outcome_words"]

_LABEL_KINDS = ("point", "contextual")
_DEFAULT_SHELF_HOURS = 4.0
_UNASSIGNED = (("unassigned", ""),)
_ABOUT = {
    "hours": r"\bhours\b",
    "verdict": r"\bverdict\b",
    "first": r"first sample",
    "last": r"last sample",
    "priority": r"\bpriority\b",
    "due": r"\bdue\b",
    "technician": r"\btechnician\b",
    "text": r"\b(reason|comment|title)\b",
}
"""Words of an error that is about a field, by its name."""


@dataclass(frozen=True)
class AlertRequest:
    """What somebody asks to be done with alerts.

    Attributes
    ----------
    session : ViewSession
        The session whose alerts and labels are changed.
    who : str
        Name of the person, for the maintenance log.
    alerts : list of int
        Numbers of the alerts.
    row : mapping or None
        The chosen alert, a row of `Alerts.list`; None where none is listed.
    values : mapping of str to object
        Values of the form's fields, by their names.
    changed : list of int
        Numbers of the alerts that were changed, once it is done.
    """

    session: ViewSession
    who: str
    alerts: list[int]
    row: Mapping[str, Any] | None
    values: Mapping[str, Any]
    changed: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Text of the form, without blanks around it."""
        return str(self.values["text"]).strip()


@dataclass(frozen=True)
class AlertAction:
    """One action: its words on screen, the fields that it needs, and what it does.

    Attributes
    ----------
    label, tip, key : str
        Words of the button, its tooltip, and the key that presses it.
    perform : callable
        Does it, and returns the sentence that says what was done.
    fields : tuple of str
        Names of the form's fields; empty where the button acts at once.
    text_label : str
        Label of the form's text.
    confirm, confirm_many : str
        Words of the form's button, for one alert and for `{count}` alerts.
    """

    label: str
    tip: str
    key: str
    perform: Callable[[AlertRequest], str]
    fields: tuple[str, ...] = ()
    text_label: str = ""
    confirm: str = ""
    confirm_many: str = ""


def _change(action: str, participle: str, request: AlertRequest, **options: Any) -> str:
    outcome = request.session.maintenance.alerts.each(action, request.alerts, request.who, **options)
    request.changed.extend(int(number) for number in outcome.loc[outcome["done"], "alert"])
    return outcome_words(participle, outcome)


def _shelve(request: AlertRequest) -> str:
    if not request.text:
        raise ViewError("Shelving needs a reason.", "Enter it in the field Reason.")
    longest = request.session.maintenance.alerts.options.longest_shelf_hours
    hours = number_in_range("hours", request.values["hours"], longest, above=True)
    return _change("shelve", "shelved", request, hours=hours, why=request.text)


def _verdict(request: AlertRequest) -> str:
    if not request.values["verdict"]:
        raise ViewError("No verdict is chosen.", "Choose in the field Verdict what it was.")
    return str(request.values["verdict"])


def _close(request: AlertRequest) -> str:
    done = _change("close", "closed", request, verdict=_verdict(request), comment=request.text)
    return " ".join([done, *map(escape, request.session.maintenance.needless_order_words(request.alerts))])


def _correct(request: AlertRequest) -> str:
    if not request.text:
        raise ViewError("A correction needs a reason.", "Enter it in the field Reason.")
    return _change("correct", "corrected", request, verdict=_verdict(request), why=request.text)


def _comment(request: AlertRequest) -> str:
    if not request.text:
        raise ViewError("The comment is empty.", "Enter it in the field Comment.")
    return _change("comment", "commented", request, text=request.text)


def _open_order(request: AlertRequest) -> str:
    values, orders = request.values, request.session.maintenance.orders
    optional = {"title": request.text, "priority": values["priority"], "due": in_utc(values["due"])}
    content = {name: value for name, value in optional.items() if value}
    order = orders.from_alerts(request.alerts, request.who, **content)
    words = f"Work order {order.number} opened for {counted(len(request.alerts), 'alert')}."
    if not values["technician"]:
        return words
    try:
        orders.assign(order.number, values["technician"], request.who, version=order.version)
    except MaintenanceError as error:
        return f"{words} It is unassigned: {escape(str(error))}"
    return f"{words} It is assigned to {escape(values['technician'])}."


def _add_label(request: AlertRequest) -> str:
    first, last, kind = (request.values[name] for name in ("first", "last", "kind"))
    if request.row is None:
        raise ViewError("No alert is chosen.", "Choose an alert of the channel to label.")
    if request.row["kind"] == "asset":
        raise ViewError("Labels belong to channels, and this alert is of a whole asset.", "Choose one of a channel.")
    channel, archive = request.row["channel"], request.session.archive
    last_sample = request.session.channel(channel, "test").sizes["time"] - 1
    for name, sample in (("the first sample", first), ("the last sample", last)):
        whole_number(name, sample, last_sample)
    if first > last:
        raise ViewError("The label's first sample lies after its last.", "Enter the smaller number as first sample.")
    added = pd.DataFrame({"start": [first], "end": [last], "kind": [kind]})
    labels = archive.labels(channel)
    table = added if labels is None else pd.concat([labels, added]).drop_duplicates(["start", "end"], keep="last")
    archive.set_labels(channel, table)
    total = counted(len(table), "label")
    return f"{channel} is labelled from sample {first:,} to {last:,}; it has {total} now."


ALERT_ACTIONS: Mapping[str, AlertAction] = {
    "acknowledge": AlertAction(
        "Acknowledge", "Record that you have seen it (A)", "a", partial(_change, "acknowledge", "acknowledged")
    ),
    "shelve": AlertAction(
        "Shelve",
        "Hide it for some hours, with a reason (S)",
        "s",
        _shelve,
        fields=("hours", "text"),
        text_label="Reason",
        confirm="Shelve alert",
        confirm_many="Shelve {count} alerts",
    ),
    "close": AlertAction(
        "Close",
        "Close it with a verdict (V)",
        "v",
        _close,
        fields=("verdict", "text"),
        text_label="Comment",
        confirm="Close alert",
        confirm_many="Close {count} alerts",
    ),
    "correct": AlertAction(
        "Correct",
        "Correct the verdict on a closed alert, with a reason (C)",
        "c",
        _correct,
        fields=("verdict", "text"),
        text_label="Reason",
        confirm="Correct verdict",
        confirm_many="Correct verdict on {count} alerts",
    ),
    "comment": AlertAction(
        "Comment",
        "Add a comment to its history (M)",
        "m",
        _comment,
        fields=("text",),
        text_label="Comment",
        confirm="Add comment",
        confirm_many="Add comment to {count} alerts",
    ),
    "order": AlertAction(
        "Work order",
        "Open one work order for the alerts (W)",
        "w",
        _open_order,
        fields=("text", "priority", "due", "technician"),
        text_label="Title",
        confirm="Open work order",
        confirm_many="Open work order for {count} alerts",
    ),
    "label": AlertAction(
        "Label",
        "Label samples of the channel as a real anomaly (L)",
        "l",
        _add_label,
        fields=("first", "last", "kind"),
        confirm="Add label",
    ),
    "unshelve": AlertAction(
        "Unshelve",
        "Show it again (U)",
        "u",
        partial(_change, "unshelve", "shown again"),
    ),
    "reset": AlertAction(
        "Reset",
        "Clear an alert that is acknowledged and back to normal, but waits for a reset (O)",
        "o",
        partial(_change, "reset", "reset"),
    ),
}
"""All actions, by their names, in the order of their buttons."""


class Actions:
    """The bar of buttons, and the form of the action that was pressed last.

    Parameters
    ----------
    press : callable
        Called with the button of an action.
    mark_all : callable
        Called with the button that marks all alerts, or none.
    confirm, cancel : callable
        Called with the form's buttons.
    hours : callable
        Called with the change of the hours for which alerts are shelved.
    longest_shelf_hours : float
        Most hours for which alerts may be shelved.

    Attributes
    ----------
    bar, form : ipywidgets.Box
        The two rows of widgets.
    buttons : dict of str to ipywidgets.Button
        The buttons by the names of their actions.
    opened : str
        Name of the action whose form is open; empty where none is.
    fields : dict of str to ipywidgets.Widget
        The fields of the form: hours, verdict, kind, first, last, text, priority, due, technician.
    all, confirm, cancel : ipywidgets.Button
        Mark all; do what the form says; close the form.
    order_title : str
        Title that a work order has where nobody enters one.
    refusals : Refusals
        The note at the field that was refused.
    """

    def __init__(
        self,
        *,
        press: Callable[[widgets.Button], None],
        mark_all: Callable[[widgets.Button], None],
        confirm: Callable[[widgets.Button], None],
        cancel: Callable[[widgets.Button], None],
        hours: Callable[[dict[str, Any]], None],
        longest_shelf_hours: float,
    ) -> None:
        self.opened = self._order_title = ""
        self.buttons = {
            name: button(action.label, action.tip, press, f"wb-key-{action.key}{' wb-asks' if action.fields else ''}")
            for name, action in ALERT_ACTIONS.items()
        }
        self.all = button("Mark all", "Mark every alert of the list, or none (K)", mark_all, "wb-key-k")
        self._marked = classed(widgets.HTML(), "wb-muted wb-of")
        self.bar = box("wb-bar wb-actions", *self.buttons.values(), self.all, self._marked)
        samples = {
            name: widgets.IntText(0, description=words)
            for name, words in (("first", "First sample"), ("last", "Last sample"))
        }
        verdicts = [("choose", ""), *((verdict_words(verdict), verdict) for verdict in VERDICTS)]
        self.fields: dict[str, Any] = {
            "hours": widgets.FloatText(_DEFAULT_SHELF_HOURS, step=0.5, description="Hours", continuous_update=True),
            "verdict": widgets.Dropdown(options=verdicts, description="Verdict"),
            "kind": widgets.Dropdown(options=_LABEL_KINDS, description="Kind"),
            **samples,
            "text": widgets.Text(description="Comment", continuous_update=False),
            "priority": widgets.Dropdown(
                options=[("automatic", ""), *((name, name) for name in PRIORITIES)], value="", description="Priority"
            ),
            "due": widgets.NaiveDatetimePicker(description="Due, UTC"),
            "technician": widgets.Dropdown(options=_UNASSIGNED, value="", description="Technician"),
        }
        for name, made in self.fields.items():
            classed(made, f"wb-field wb-field-{name}")
        self.confirm = button("Confirm", "Do this with the alerts", confirm, "wb-confirm")
        self.cancel = button("Cancel", "Close the form and change nothing", cancel, "wb-opener-open")
        self._end = classed(widgets.HTML(), "wb-muted wb-shelf-end")
        self.form = box("wb-form wb-panel")
        self.refusals = Refusals(
            self.form,
            self.fields,
            about=_ABOUT,
            ranges={"hours": Range(0, longest_shelf_hours, above=True)},
            ending=[self._end, self.confirm, self.cancel],
        )
        self.fields["hours"].observe(hours, "value")
        self.open("")

    @property
    def refused(self) -> str:
        """Name of the field that was refused last; empty where none was."""
        return self.refusals.refused

    @property
    def order_title(self) -> str:
        """Title that a work order has where nobody enters one; the form shows it."""
        return self._order_title

    @order_title.setter
    def order_title(self, title: str) -> None:
        self._order_title = title
        if self.opened == "order":
            self.fields["text"].placeholder = title

    def name(self, pressed: widgets.Button) -> str:
        """Return the name of the action of a button.

        Parameters
        ----------
        pressed : ipywidgets.Button
            One of `buttons`.
        """
        return next(name for name, made in self.buttons.items() if made is pressed)

    def open(self, action: str, alerts: int = 1) -> None:
        """Open the form of an action, or close the form.

        Parameters
        ----------
        action : str
            Name of the action; empty to close the form.
        alerts : int
            Number of alerts that the action is for.
        """
        self.opened = action
        self.refusals.clear()
        self._end.value = ""
        self.form.layout.display = None if action else "none"
        if action:
            self._fill(action, alerts)
        for name, made in self.buttons.items():  # at last: the page then gives the first field the focus
            (made.add_class if name == action else made.remove_class)("wb-opened")

    def _fill(self, action: str, alerts: int) -> None:
        chosen = ALERT_ACTIONS[action]
        for name, made in self.fields.items():
            made.layout.display = None if name in chosen.fields else "none"
        self.fields["text"].description = chosen.text_label
        self.fields["text"].placeholder = self._order_title if action == "order" else ""
        for name in ("text", "verdict", "priority", "technician"):
            self.fields[name].value = ""
        self.fields["due"].value = None
        self.fields["hours"].value = _DEFAULT_SHELF_HOURS
        self._name_confirm(alerts)

    def offer(self, technicians: Sequence[str]) -> None:
        """Offer technicians for a work order; the one that was chosen stays.

        Parameters
        ----------
        technicians : sequence of str
            Names of the active technicians.
        """
        made, choices = self.fields["technician"], (*_UNASSIGNED, *((name, name) for name in technicians))
        if made.options != choices:
            chosen = made.value
            made.options = choices
            made.value = chosen if chosen in technicians else ""

    def show_end(self, now: datetime) -> None:
        """Show until when the alerts would be shelved; nothing where the hours cannot be right.

        Parameters
        ----------
        now : datetime
            Present time, aware.
        """
        hours = self.fields["hours"].value
        right = self.opened == "shelve" and self.refusals.refused != "hours"
        self._end.value = f"until {now + timedelta(hours=hours):%a %d %b %Y %H:%M} UTC" if right else ""

    def _name_confirm(self, alerts: int) -> None:
        chosen = ALERT_ACTIONS[self.opened]
        many = alerts > 1 and chosen.confirm_many
        self.confirm.description = chosen.confirm_many.format(count=alerts) if many else chosen.confirm

    def values(self) -> dict[str, Any]:
        """Return the values of the form's fields, by their names.

        Raises
        ------
        ViewError
            A field that is shown holds a number outside its range.
        """
        self.refusals.check()
        return {name: made.value for name, made in self.fields.items()}

    def show(self, alerts: pd.DataFrame, marked: int, concerned: int, orders: Sequence[str] = ()) -> None:
        """Enable the buttons of what the states of some alerts allow.

        Parameters
        ----------
        alerts : pandas.DataFrame
            Rows of the alerts that an action would be done to.
        marked : int
            Number of marked lines; 0 where the action is for the chosen one.
        concerned : int
            Number of alerts that the action is for, those of cases that are not listed too.
        orders : sequence of str
            Numbers of the active work orders that every one of the alerts is in; empty where one is in none.
        """
        states = set(alerts["state"]) if len(alerts) else set()
        for name, made in self.buttons.items():
            made.disabled = not states.intersection(ALLOWED.get(name, states))
        self.buttons["label"].disabled = concerned != 1
        order = self.buttons["order"]
        order.disabled = order.disabled or bool(orders)
        order.tooltip = f"In {', '.join(orders)} already" if orders else ALERT_ACTIONS["order"].tip
        self.buttons["close"].layout.display = "none" if states == {"closed"} else None  # one takes the other's place
        self.buttons["correct"].layout.display = None if "closed" in states else "none"
        alerts_in_cases = f", {counted(concerned, 'alert')}" if concerned != marked else ""
        self._marked.value = f"{marked} marked{alerts_in_cases}" if marked else ""
        if self.opened:
            self._name_confirm(max(concerned, 1))  # alerts that are marked while the form is open are in it


def outcome_words(participle: str, outcome: pd.DataFrame) -> str:
    """Return the sentences that say what an action has done, and why it was refused for some alerts.

    Parameters
    ----------
    participle : str
        What was done to the alerts, as `closed`.
    outcome : pandas.DataFrame
        alert, done, reason, as `Alerts.each` returns them.

    Examples
    --------
    >>> outcome_words("closed", pd.DataFrame({"alert": [1, 2], "done": [True, False], "reason": ["", "It is closed."]}))
    '1 of 2 alerts closed. Alert 2: It is closed.'
    """
    done, total = int(outcome["done"].sum()), len(outcome)
    changed = f"{done} of {counted(total, 'alert')}" if done < total else counted(done, "alert")
    refused: Sequence[Any] = outcome[~outcome["done"]][["alert", "reason"]].head(3).to_numpy().tolist()
    reasons = [f"Alert {alert}: {escape(reason)}" for alert, reason in refused]
    return " ".join([f"{changed} {participle}.", *reasons])
