"""The work orders: listed or on a board, one of them chosen, and what is done about it."""

from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from bokeh.plotting import figure

from workbench.exceptions import ViewError
from workbench.maintenance.orders.states import check_transition
from workbench.maintenance.orders.table import WorkOrder
from workbench.plots.load import due_figure, update_due
from workbench.views.maintenance.mode import Mode
from workbench.views.maintenance.order_actions import ACTION_OF_STATE, Actions
from workbench.views.maintenance.order_detail import Detail
from workbench.views.maintenance.order_table import Wanted, board_markup, options, orders_markup
from workbench.views.state import State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.chart import Chart, LiveChart
from workbench.views.widgets.grid import Grid

__all__ = ["Orders"]

_PAGE = 200
_FILTERS = ("state", "priority", "place", "technician")
_DONE = {
    "assign": "is assigned to {technician}",
    "start": "is in progress",
    "hold": "is on hold",
    "back": "is open again",
    "complete": "is completed",
    "cancel": "is cancelled",
    "change": "is changed",
    "comment": "has a new comment",
}


class Orders(Mode):
    """Table and board of the work orders, beside the one that is chosen.

    Attributes
    ----------
    wanted : Wanted
        What is listed.
    listed : pandas.DataFrame
        Of `WorkOrders.list`.
    order : WorkOrder or None
        The one that is chosen.
    actions : Actions
    detail : Detail
    """

    name: ClassVar[str] = "Orders"
    keys: ClassVar[tuple[str, ...]] = ("state", "priority", "place", "technician", "text", "sort", "board", "order")

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.wanted, self._limit, self._number = Wanted(), _PAGE, ""
        self.listed, self.people, self._alerts = pd.DataFrame(), pd.DataFrame(), pd.DataFrame()
        self.order: WorkOrder | None = None
        self._plot: figure | None = None
        self.filters = {name: widgets.Dropdown(options=options(name, [], [])) for name in _FILTERS}
        for name, made in self.filters.items():
            made.tooltip = "Asset" if name == "place" else name.capitalize()
            classed(made, "wb-choice").observe(self.on_filter, "value")
        self.text = classed(
            widgets.Text(placeholder="words of title or description", continuous_update=False), "wb-search"
        )
        self.text.tooltip = "Part of the title or description"
        self.text.observe(self.on_filter, "value")
        self._board = button("Board", "Table, or a board with a column for each state (B)", self.on_board, "wb-key-b")
        self.actions = Actions(self)
        self.detail = Detail(self)
        self.table = Grid("Work orders", pick=self.on_pick, sort=self.on_sort, more=self.on_more)
        self.board = classed(Grid("Board of work orders", pick=self.on_pick, drop=self.on_drop), "wb-board-grid")
        self._empty, self._due = widgets.HTML(), box("wb-chart")
        bar = box("wb-bar wb-filters", self.actions.buttons["new"], self._board, *self.filters.values(), self.text)
        self._chart = box("wb-panel wb-due", widgets.HTML("<h2>Hours of open work by due date, UTC</h2>"), self._due)
        self._list = box("wb-panel wb-orders", self._empty, self.table, self.board)
        self._lay_out(board=False)
        detail = box(
            "wb-panel wb-detail",
            self.detail.title,
            self.actions.bar,
            self.actions.form,
            self.detail.told,
            self.detail.body,
        )
        return [bar, box("wb-body", box("wb-left", self._list, self._chart), detail)]

    # ---- reading and showing

    def refresh(self) -> str:
        """Read the orders again; what is chosen stays."""
        self.people = self.desk.people.list()
        active = self.desk.orders.list()
        self._offer()
        self._list_orders()
        self._draw(active)
        self._show()
        counts = active["state"].value_counts()
        words = ", ".join(f"{int(counts[state])} {state}" for state in counts.index) or "no open order"
        overdue = int(active["overdue"].sum())
        late = f" <b class='high'><span class='wb-symbol'>▲</span>{overdue} overdue</b>" if overdue else ""
        return f"{len(active)} active: {escape(words)}{late}" if len(active) else words

    def recolour(self) -> None:
        """Forget the chart."""
        before, self._due.children, self._plot = self._due.children, (), None
        for child in before:
            child.close()

    def read_state(self) -> Mapping[str, object]:
        """Give filters, order, layout and what is chosen."""
        return {**self.wanted.written(), "board": "yes" if self._on_board else None, "order": self._number}

    def apply_state(self, state: State) -> None:
        """Take filters, order and layout of a link."""
        self.wanted, self._limit = Wanted.of(state), _PAGE
        self._lay_out(board="board" in state)
        self._number = state.get("order", "")
        self.actions.ask("")

    def shown_table(self) -> pd.DataFrame:
        """Give the orders listed."""
        return self.listed

    def charts(self) -> Mapping[str, Chart]:
        """Give the chart of the hours due."""
        return {"Hours due": self._due.children[0]} if self._due.children else {}

    def code_lines(self) -> list[str]:
        """Give the cell that lists the same orders."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.wanted.filters().items())
        return [f"session.maintenance.orders.list({given})"]

    def choose(self, number: str) -> None:
        """Choose an order before it is shown."""
        self._number = number
        self.actions.ask("")

    def follow(self, channel: str) -> bool:
        """Choose the first active order of a channel, unless one of it is chosen; tell whether there was one."""
        if self.order is not None and self.order.channel == channel:
            return False
        found = self.desk.orders.list(channel=channel, limit=1)
        if len(found):
            self.choose(str(found["number"].iloc[0]))
        return bool(len(found))

    def close(self) -> None:
        """Take the chart away."""
        self.recolour()

    # ---- callbacks

    @callback
    def on_filter(self, change: dict[str, Any]) -> None:
        """List what the filters ask for."""
        del change
        if not self.quiet:
            values = {name: made.value for name, made in self.filters.items()}
            self.wanted = Wanted(**values, text=self.text.value.strip(), sort=self.wanted.sort)
            self._limit = _PAGE
            self._list_orders()
            self._show()
            self.view.moved()

    @callback
    def on_sort(self, key: str) -> None:
        """Sort by a column."""
        self.wanted = self.wanted.sorted_by(key)
        self._list_orders()
        self.view.moved()

    @callback
    def on_more(self, _value: str) -> None:
        """List more."""
        if self._limit < len(self.listed):
            self._limit += _PAGE
            self._list_orders()

    @callback
    def on_board(self, pressed: widgets.Button) -> None:
        """Switch between table and board."""
        del pressed
        self._lay_out(board=not self._on_board)
        self._list_orders()
        self._show()
        self.view.moved()

    @callback
    def on_pick(self, number: str) -> None:
        """Choose an order."""
        self._pick(number)
        if self.order is not None:
            self.view.pick(self.order.asset, self.order.channel)
        self.view.moved()

    @callback
    def on_drop(self, text: str) -> None:
        """Carry an order into the state of another column, or ask what that needs."""
        number, _, state = text.partition("\t")
        self._pick(number)
        if self.order is None:
            raise ViewError(f"There is no order {number!r}.", "Drag a card of this board.")
        check_transition(number, self.order.state, state)
        self._begin(ACTION_OF_STATE[state])

    @callback
    def on_action(self, pressed: widgets.Button) -> None:
        """Do what a button says, or ask what else it needs; a second press closes the form."""
        action = self.actions.name(pressed)
        self.detail.told.value = ""
        if action == self.actions.asked:
            self.actions.ask("")
        else:
            self._begin(action)

    @callback
    def on_confirm(self, pressed: widgets.Button) -> None:
        """Do what the form says."""
        del pressed
        self._do(self.actions.asked)

    @callback
    def on_cancel(self, pressed: widgets.Button) -> None:
        """Close the form."""
        del pressed
        self.actions.ask("")

    @callback
    def on_asset(self, change: dict[str, Any]) -> None:
        """Offer the channels of the asset that a new order is for."""
        fleet = self.view.fleet
        names = fleet[fleet["asset"] == change["new"]]["channel"].tolist()
        self.actions.fields["channel"].options = [("none", ""), *((name, name) for name in names)]
        now = self.view.selection.now
        if now.channel in names:
            self.actions.fields["channel"].value = now.channel

    @callback
    def on_answer(self, change: dict[str, Any]) -> None:
        """Answer an item of the checklist; an answer that is taken out of a field changes nothing."""
        if self.quiet or self.order is None:
            return
        item = self.detail.checklist.fields.index(change["owner"])
        given = change["new"].strip() if isinstance(change["new"], str) else change["new"]
        if given == "":
            self._show()
            return
        order = self.order
        try:
            self.desk.orders.answer(order.number, item + 1, given, self.view.who, version=order.version)
        finally:
            self.view.changed()

    @callback
    def on_alert(self, number: str) -> None:
        """Show an alert in the view of the anomalies."""
        alert = self.desk.alerts.get(int(number))
        self.view.pick(alert.asset, alert.channel, alert.start_sample)
        self.view.go("anomalies")

    # ---- parts

    @property
    def _on_board(self) -> bool:
        return bool(self.table.layout.display == "none")

    def _lay_out(self, *, board: bool) -> None:
        self.table.layout.display = "none" if board else None
        self.board.layout.display = None if board else "none"
        self._chart.layout.display = "none" if board else None
        self._board.description = "Table" if board else "Board"

    def _offer(self) -> None:
        assets, people = sorted(set(self.view.fleet["asset"])), self.people["name"].tolist()
        self.quiet = True
        for name, made in self.filters.items():
            choices = options(name, assets, people)
            value = getattr(self.wanted, name)
            if value not in [choice for _, choice in choices]:
                choices.append((value, value))
            if tuple(made.options) != tuple(choices):
                made.options = choices
            made.value = value
        self.text.value = self.wanted.text
        self.quiet = False

    def _list_orders(self) -> None:
        filters, now = self.wanted.filters(), self.view.session.clock()
        if self._on_board:
            filters["state"] = None
        self.listed = self.wanted.chosen(self.desk.orders.list(**filters))
        self._empty.value = ""
        if self._on_board:
            self.board.html = board_markup(self.listed, now)
        else:
            self.table.html = orders_markup(self.listed.head(self._limit), len(self.listed), self.wanted, now)
        if self.listed.empty and self.wanted == Wanted():
            self._empty.value = empty_card("No open work order.", "Open one for an alert in Anomalies, or by hand: O.")
        elif self.listed.empty:
            self._empty.value = empty_card("No work order is like that.", "Take a filter away to see others.")
        if not self._number and len(self.listed):
            self._number = str(self.listed["number"].iloc[0])

    def _pick(self, number: str) -> None:
        if number != self._number or self.order is None:
            self.choose(number)
        self.detail.told.value = ""
        self._show()

    def _show(self) -> None:
        """Read the chosen order and show it."""
        self.order = self.desk.orders.get(self._number) if self._number else None
        order, now = self.order, self.view.session.clock()
        alerts = [self.desk.alerts.get(one) for one in order.alerts] if order else []
        columns = ["id", "channel", "level", "state", "start_sample"]
        rows = [[getattr(alert, name) for name in columns] for alert in alerts]
        self._alerts = pd.DataFrame(rows, columns=columns)
        trail = self.desk.orders.history(order.number) if order else pd.DataFrame()
        remarks = self.desk.orders.remarks(order.number) if order else pd.DataFrame()
        self.quiet = True
        self.detail.show(order, self._alerts, trail, remarks, now)
        self.quiet = False
        self.actions.allow(order)
        self.table.chosen = self.board.chosen = self._number

    def _draw(self, active: pd.DataFrame) -> None:
        now = pd.Timestamp(self.view.session.clock())
        if self._plot is None:
            self._plot = due_figure(active, now, tokens=self.view.tokens)
            self._due.children = (LiveChart(self._plot),)
        else:
            with self._due.children[0].together():
                update_due(self._plot, active, now)

    @property
    def _open_alerts(self) -> bool:
        return bool((self._alerts["state"] != "closed").any())

    def _begin(self, action: str) -> None:
        if not self.actions.needs_form(action):
            self._do(action)
            return
        if action == "assign" and not self.people["active"].any():
            raise ViewError("There are no technicians yet.", "Add one under Figures, or: workbench people set NAME.")
        self.actions.asked = action
        self.actions.fill(self.order, self.people, self.view.fleet, self.view.selection.now.asset)
        self.actions.ask(action, self.actions.leave_out(self.order, self._open_alerts))

    def _do(self, action: str) -> None:
        """Do something to the chosen order, and tell."""
        orders, who, fields = self.desk.orders, self.view.who, self.actions.fields
        text = fields["text"].value.strip()
        if action == "new":
            made = orders.new(who, **self.actions.opening())
            words = f"{made.number} is open."
            self._number = made.number
        else:
            order = self.order
            if order is None:
                raise ViewError("No order is chosen.", "Choose one of the list.")
            seen: dict[str, Any] = {"version": order.version}
            if action == "assign":
                if fields["technician"].value is None:
                    raise ViewError(f"Nobody has all of {', '.join(order.skills)}.", "Change somebody's skills first.")
                orders.assign(order.number, fields["technician"].value, who, **seen)
            elif action == "back":
                orders.assign(order.number, None, who, **seen)
            elif action == "start":
                orders.start(order.number, who, **seen)
            elif action == "complete":
                orders.complete(order.number, who, **self.actions.completing(order, self._open_alerts), **seen)
            elif action == "change":
                orders.change(order.number, who, **self.actions.changes(order), **seen)
            elif action == "comment":
                orders.comment(order.number, text, who)
            else:
                {"hold": orders.hold, "cancel": orders.cancel}[action](order.number, text, who, **seen)
            words = f"{order.number} {_DONE[action].format(technician=escape(str(fields['technician'].value)))}."
        self.actions.ask("")
        self.view.changed()
        self.detail.told.value = f"<p role='status'>{words}</p>"
