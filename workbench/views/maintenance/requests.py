"""Requests: what people have reported, and what becomes of it: a work order, a part of one, or nothing for a reason."""

from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ViewError
from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.orders.requests import REQUEST_STATES, Request
from workbench.maintenance.orders.states import ORDER_TYPES
from workbench.views.maintenance.form import Form
from workbench.views.maintenance.mode import Mode
from workbench.views.maintenance.order_actions import order_choices
from workbench.views.maintenance.order_commands import AUTOMATIC, ORDER_HOURS
from workbench.views.maintenance.order_detail import attachments_markup
from workbench.views.markup import age
from workbench.views.state import State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.grid import Column, Grid, cell, table_markup
from workbench.views.widgets.times import in_utc

__all__ = ["Requests"]

_COLUMNS = (
    Column("", "request"),
    Column("", "reported", tip="how long ago"),
    Column("", "asset"),
    Column("", "problem"),
    Column("", "photos", True),
    Column("", "reported by"),
    Column("", "state"),
)
_NEW, _ALL = REQUEST_STATES[0], "all"
_MAX_LISTED = 500
_HOURS = 2.0
_TYPE = "corrective"


class Requests(Mode):
    """The requests, the chosen one with its photos, and the form that decides on it.

    Attributes
    ----------
    listed : pandas.DataFrame
        The requests, as `Requests.list` returns them.
    request : Request or None
        The request that is chosen.
    state : ipywidgets.Dropdown
        State of the requests that are listed.
    table : Grid
        The table of the requests.
    form : Form
        The form that decides on the chosen request.
    accept, join, reject : ipywidgets.Button
        Make an order of the request, add it to an order, or reject it.
    """

    name: ClassVar[str] = "Requests"
    css: ClassVar[str] = "wb-mode wb-mode-entry wb-mode-requests"
    keys: ClassVar[tuple[str, ...]] = ("reports", "report")

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.listed = pd.DataFrame()
        self.request: Request | None = None
        self._number = self._filled = ""
        self._asked: tuple[str, ...] = ()
        self._wanted = _NEW
        choices = [("to decide", _NEW), *((one, one) for one in REQUEST_STATES[1:]), ("any state", _ALL)]
        self.state = classed(widgets.Dropdown(options=choices), "wb-choice")
        self.state.tooltip = "State"
        self.state.observe(self.on_state, "value")
        self.table = Grid("Requests", pick=self.on_pick)
        self._empty = widgets.HTML()
        self._detail = widgets.HTML()
        self.accept = button("Make an order", "Open a work order for what was reported", self.on_accept, "wb-confirm")
        self.join = button("Join to the order", "Add words and photos to an order that is there", self.on_join)
        self.reject = button("Reject", "Reject the request, with a reason that is kept", self.on_reject)
        self.form = Form(
            "Decision",
            {
                "title": widgets.Text(description="Title", continuous_update=False),
                "type": widgets.Dropdown(options=list(ORDER_TYPES), value=_TYPE, description="Type"),
                "priority": widgets.Dropdown(options=[AUTOMATIC, *PRIORITIES], description="Priority"),
                "hours": widgets.FloatText(_HOURS, step=0.5, description="Hours"),
                "due": widgets.NaiveDatetimePicker(description="Due, UTC"),
                "order": widgets.Dropdown(options=[("choose", "")], value="", description="Join order"),
                "reason": widgets.Text(description="Reason to reject", continuous_update=False),
            },
            [self.accept, self.join, self.reject],
            {"order": r"\border\b", "due": r"due date", "reason": r"\breason\b"},
            {"hours": ORDER_HOURS},
        )
        detail = box("wb-panel wb-report", self._detail)
        left = box("wb-left", box("wb-panel wb-entry-list", self._empty, self.table))
        return [box("wb-bar wb-filters", self.state), box("wb-body", left, box("wb-right", detail, self.form.box))]

    def refresh(self) -> str:
        """Read the requests again, and return the words beside the title."""
        requests = self.desk.requests
        self.quiet = True
        self.state.value = self._wanted
        self.quiet = False
        self.listed = requests.list(None if self._wanted == _ALL else self._wanted, limit=_MAX_LISTED)
        numbers = self.listed["number"].tolist()
        if not self._number and numbers:
            self._number = numbers[0]
        self._empty.value = "" if numbers else _nothing(self._wanted)
        named = self.listed.assign(asset=self.listed["asset"].map(self.desk.asset_name))
        self.table.html = _table(named, pd.Timestamp(self.view.session.clock())) if numbers else ""
        self._show()
        waiting = len(self.listed) if self._wanted == _NEW else len(requests.list(_NEW))
        return f"{counted(waiting, 'request')} to decide" if waiting else "nothing to decide"

    def read_state(self) -> Mapping[str, object]:
        """Return which requests are listed, and the one that is chosen."""
        return {"reports": None if self._wanted == _NEW else self._wanted, "report": self._number or None}

    def apply_state(self, state: State) -> None:
        """Take the filter and the chosen request of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        wanted = state.get("reports", _NEW)
        check_choice("reports", wanted, (*REQUEST_STATES, _ALL))
        self._wanted, self._number = wanted, state.get("report", "")

    def shown_table(self) -> pd.DataFrame:
        """Return the requests that are listed."""
        return self.listed

    def code_lines(self) -> list[str]:
        """Return the cell that lists the same requests."""
        state = None if self._wanted == _ALL else self._wanted
        return [f"session.maintenance.requests.list({'' if state == _NEW else repr(state)})"]

    # ---- callbacks

    @callback
    def on_state(self, change: dict[str, Any]) -> None:
        """List the requests of another state."""
        if not self.quiet:
            self._wanted, self._number = change["new"], ""
            self.refresh()
            self.view.moved()

    @callback
    def on_pick(self, number: str) -> None:
        """Choose a request of the list."""
        self._number = number
        self._show()
        self.view.moved()

    @callback
    def on_accept(self, pressed: widgets.Button) -> None:
        """Open a work order for the chosen request."""
        del pressed
        with self.form.refusing():
            request, values = self._chosen(), self.form.values()
            optional = {
                "title": values["title"],
                "priority": "" if values["priority"] == AUTOMATIC else values["priority"],
                "due": in_utc(values["due"]),
            }
            content = {name: value for name, value in optional.items() if value}
            self._ask(self.desk.questions(hours=values["hours"], due=in_utc(values["due"])))
            order = self.desk.requests.accept(
                request.number, self.view.who, type=values["type"], hours=values["hours"], **content
            )
            self._decided(f"{request.number} is {order.number} now.")

    @callback
    def on_join(self, pressed: widgets.Button) -> None:
        """Add the chosen request to an order that is there."""
        del pressed
        with self.form.refusing():
            request, number = self._chosen(), self.form.values()["order"]
            if not number:
                raise ViewError(
                    "No order is chosen.", f"Choose an active order of {self.desk.asset_name(request.asset)}."
                )
            self.desk.requests.join(request.number, number, self.view.who)
            self._decided(f"{request.number} is a part of {number} now.")

    @callback
    def on_reject(self, pressed: widgets.Button) -> None:
        """Reject the chosen request, with a reason."""
        del pressed
        with self.form.refusing():
            request = self._chosen()
            self.desk.requests.reject(request.number, self.form.values()["reason"], self.view.who)
            self._decided(f"{request.number} is rejected.")

    # ---- parts

    def _chosen(self) -> Request:
        if self.request is None:
            raise ViewError("No request is chosen.", "Choose a request of the list.")
        return self.request

    def _decided(self, words: str) -> None:
        """Go on with the next request, and say what became of this one."""
        self._number = ""
        self.view.changed()
        self.view.moved()
        self.form.done(words)
        if self.form.box.layout.display == "none":
            self._detail.value = f"<p role='status'>{escape(words)}</p>{self._detail.value}"

    def _ask(self, questions: tuple[str, ...]) -> None:
        """Raise an error with the questions about what was entered; the same values are taken the second time."""
        if questions and questions != self._asked:
            self._asked = questions
            raise ViewError(" ".join(questions), "Correct it, or press again if this is right.")
        self._asked = ()

    def _show(self) -> None:
        """Read the chosen request, and fill the form for it."""
        self.request = request = self.desk.requests.get(self._number) if self._number else None
        self.table.chosen = self._number
        is_new = request is not None and request.state == _NEW
        self.form.box.layout.display = None if is_new else "none"
        self._detail.value = (
            _detail(request, self.desk.asset_name(request.asset))
            if request
            else "<p class='wb-note wb-muted'>No request is chosen.</p>"
        )
        if request is None or not is_new:
            self._filled = ""
            return
        field, choices = self.form.fields["order"], order_choices(self.desk.orders.list(asset=request.asset))
        if field.options != tuple(choices):
            chosen = field.value
            field.options = choices
            field.value = chosen if chosen in [number for _, number in choices] else ""
        if request.number == self._filled:  # what was entered stays when others change something
            return
        self._filled, self._asked = request.number, ()
        title = request.problem.splitlines()[0][:80]
        empty = {"order": "", "reason": "", "due": None, "priority": AUTOMATIC, "type": _TYPE, "hours": _HOURS}
        self.form.fill({"title": title, **empty})


def _nothing(state: str) -> str:
    if state == _NEW:
        return empty_card(
            "No requests to decide.", "Give people a page on which they report problems:", "workbench links new request"
        )
    return empty_card("No requests match.", "Choose another state.")


def _table(requests: pd.DataFrame, present: pd.Timestamp) -> str:
    rows = []
    for row in requests.to_dict(orient="records"):
        reported = pd.Timestamp(row["reported_at"])
        words = [
            cell(row["number"]),
            cell(age(reported, present), title=f"{reported:%Y-%m-%d %H:%M} UTC"),
            cell(row["asset"]),
            f"<span class='wb-cut' title='{escape(row['problem'])}'>{escape(row['problem'].splitlines()[0])}</span>",
            cell(row["photos"] or ""),
            f"<span class='wb-reporter' title='{escape(row['reporter'])}'>{escape(row['reporter'])}</span>",
            cell(f"{row['state']} as {row['order']}" if row["order"] else row["state"]),
        ]
        rows.append((row["number"], words))
    return table_markup(_COLUMNS, rows)


def _detail(request: Request, asset: str) -> str:
    decided = "" if request.decided_at is None else f"{request.decided_at:%Y-%m-%d %H:%M} UTC by {request.decided_by}"
    facts = {
        "asset": asset,
        "reported": f"{request.reported_at:%Y-%m-%d %H:%M} UTC{f' by {request.reporter}' if request.reporter else ''}",
        "problem": request.problem,
        request.state: decided,
        "order": request.order,
        "reason": request.reason,
    }
    cells = "".join(f"<dt>{name}</dt><dd>{escape(words)}</dd>" for name, words in facts.items() if words)
    photos = attachments_markup(f"requests/{request.number}", request.attachments)
    return f"<h2>{request.number}</h2><dl class='wb-facts'>{cells}</dl>{photos}"
