"""The work orders: as a table or a board, one of them chosen, and what can be done with it.

One module because it is one section: its callbacks, in the order of the page, each a few lines.
"""

from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ViewError
from workbench.maintenance.orders.states import check_transition
from workbench.maintenance.orders.table import WorkOrder
from workbench.plots.load import due_figure, update_due
from workbench.views.maintenance.form import items_of
from workbench.views.maintenance.mode import Mode
from workbench.views.maintenance.order_actions import Actions
from workbench.views.maintenance.order_commands import (
    ACTION_OF_STATE,
    ORDER_ACTIONS,
    OrderRequest,
    done_words,
    hours_by_name,
    minute,
)
from workbench.views.maintenance.order_detail import Detail
from workbench.views.maintenance.order_table import OrderFilter, board_markup, options, orders_markup
from workbench.views.saved_filters import SavedFilters
from workbench.views.state import State, anomaly_of
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.kept_charts import KeptCharts
from workbench.views.widgets.refusals import FormError

__all__ = ["Orders"]

_PAGE = 200  # orders that are listed at first; scrolling to the end lists as many more
_FILTERS = ("show", "state", "priority", "place", "technician")
_CHART = "Hours due"
_QUESTIONED = ("new", "change", "complete", "book", "follow-up")
"""Actions in which a value that is seldom meant is asked about."""


class Orders(Mode):
    """Table and board of the work orders, beside the order that is chosen.

    Attributes
    ----------
    request : OrderFilter
        Which orders are listed.
    listed : pandas.DataFrame
        The orders that are listed, as `WorkOrders.list` returns them.
    people : pandas.DataFrame
        The technicians, as `People.list` returns them.
    order : WorkOrder or None
        The order that is chosen.
    actions : Actions
        The buttons of what can be done, and their form.
    saved : SavedFilters
        Filters that were saved by name.
    detail : Detail
        What is shown of the chosen order.
    table, board : Grid
        The two ways to list the orders.
    """

    name: ClassVar[str] = "Orders"
    css: ClassVar[str] = "wb-mode wb-mode-orders"
    keys: ClassVar[tuple[str, ...]] = (
        "show",
        "state",
        "priority",
        "place",
        "technician",
        "text",
        "sort",
        "board",
        "order",
    )

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.request = OrderFilter()
        self._limit = _PAGE
        self._number = ""
        self._asked: tuple[str, ...] = ()
        self._places: list[str] = []
        self.listed = pd.DataFrame()
        self.people = pd.DataFrame()
        self._alerts = pd.DataFrame()
        self.order: WorkOrder | None = None
        self._begun: WorkOrder | None = None
        self._charts = KeptCharts([_CHART], self.view.tokens)
        self.filters = {name: widgets.Dropdown(options=options(name, [], [])) for name in _FILTERS}
        for name, made in self.filters.items():
            made.tooltip = "Asset" if name == "place" else name.capitalize()
            classed(made, "wb-choice").observe(self.on_filter, "value")
        self.text = classed(widgets.Text(placeholder="title or description"), "wb-search")
        self.text.tooltip = "Show only orders with this text in their title or description"
        self.text.observe(self.on_filter, "value")
        self._board = button(
            "Board",
            "Show the orders as a table, or as a board with a column for each state (B)",
            self.on_board,
            "wb-key-b",
        )
        self.actions = Actions(
            press=self.on_action, confirm=self.on_confirm, cancel=self.on_cancel, asset=self.on_asset
        )
        self.detail = Detail(answer=self.on_answer, pick_alert=self.on_alert)
        self.table = Grid("Work orders", pick=self.on_pick, sort=self.on_sort, more=self.on_more)
        self.board = classed(Grid("Board of work orders", pick=self.on_pick, drop=self.on_drop), "wb-board-grid")
        self._empty = widgets.HTML()
        self.saved = SavedFilters(
            self, self.view.session.settings.home, "orders", lambda: self.request.written(), self.use_filters
        )
        buttons = (self.actions.buttons["new"], self._board)
        bar = box("wb-bar wb-filters", *buttons, *self.filters.values(), self.text, self.saved.bar)
        self._chart_panel = box(
            "wb-panel wb-due", widgets.HTML("<h2>Hours of open work by due date, UTC</h2>"), self._charts.boxes[_CHART]
        )
        self._list = box("wb-panel wb-orders", self._empty, self.table, self.board)
        self._lay_out(board=False)
        detail = box(
            "wb-panel wb-detail",
            self.detail.title,
            self.actions.bar,
            self.actions.form,
            self.detail.status,
            self.detail.body,
        )
        return [bar, self.saved.form, box("wb-body", box("wb-left", self._list, self._chart_panel), detail)]

    # ---- reading and showing

    def refresh(self) -> str:
        """Read the orders again, and return the words beside the title; what is chosen stays."""
        self.people = self.desk.people.list()
        active = self.desk.orders.list()
        self._offer()
        self._list_orders()
        self._draw(active)
        self._show()
        counts = active["state"].value_counts()
        words = ", ".join(f"{int(counts[state])} {state}" for state in counts.index) or "no open orders"
        overdue = int(active["overdue"].sum())
        late = f" <b class='high'><span class='wb-symbol'>▲</span>{overdue:,} overdue</b>" if overdue else ""
        reported = len(self.desk.requests.list())
        late += f"; {counted(reported, 'request')} to decide" if reported else ""
        return f"{len(active)} active: {escape(words)}{late}" if len(active) else f"{words}{late}"

    def recolour(self) -> None:
        """Remove the chart, which is made in other colours when the section is shown again."""
        self._charts.recolour(self.view.tokens)

    def read_state(self) -> Mapping[str, object]:
        """Return the filters, the order, the layout and the order that is chosen."""
        return {**self.request.written(), "board": "yes" if self._on_board else None, "order": self._number}

    def apply_state(self, state: State) -> None:
        """Take the filters, the layout and the chosen order of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        self.request = OrderFilter.of(state)
        self._limit = _PAGE
        self._lay_out(board="board" in state)
        self._number = state.get("order", "")
        self.actions.open("")

    def shown_table(self) -> pd.DataFrame:
        """Return the orders that are listed."""
        return self.listed

    def charts(self) -> Mapping[str, Chart]:
        """Return the chart of the hours that are due."""
        return self._charts.shown()

    def code_lines(self) -> list[str]:
        """Return the cell that lists the same orders."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.request.filters(self.view.who).items())
        return [f"session.maintenance.orders.list({arguments})"]

    def choose(self, number: str) -> None:
        """Choose an order, which is shown at the next `refresh`.

        Parameters
        ----------
        number : str
            Number of the order.
        """
        self._number = number
        self.actions.open("")

    def follow(self, channel: str) -> bool:
        """Choose the first active order of a channel, unless an order of the channel is chosen already.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        bool
            Whether another order is chosen now.
        """
        if self.order is not None and self.order.channel == channel:
            return False
        first = self.desk.orders.list(channel=channel, limit=1)
        if len(first):
            self.choose(str(first["number"].iloc[0]))
        return bool(len(first))

    def close(self) -> None:
        """Remove the section and its chart from the page."""
        self._charts.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_filter(self, change: dict[str, Any]) -> None:
        """List the orders that match the filters."""
        del change
        if not self.quiet:
            values = {name: made.value for name, made in self.filters.items()}
            self.request = OrderFilter(**values, text=self.text.value.strip(), sort=self.request.sort)
            self._limit = _PAGE
            self._list_orders()
            self._show()
            self.view.moved()

    def use_filters(self, state: Mapping[str, str]) -> None:
        """List the orders that match saved filters.

        Parameters
        ----------
        state : mapping of str to str
            The filters, as in a link.
        """
        self.request = OrderFilter.of(state)
        self._limit = _PAGE
        self._offer()
        self._list_orders()
        self._show()
        self.view.moved()

    @callback
    def on_sort(self, key: str) -> None:
        """Sort the list by a column."""
        self.request = self.request.sorted_by(key)
        self._list_orders()
        self.view.moved()

    @callback
    def on_more(self, _value: str) -> None:
        """List more orders, when the reader has scrolled to the end."""
        if self._limit < len(self.listed):
            self._limit += _PAGE
            self._list_orders()

    @callback
    def on_board(self, pressed: widgets.Button) -> None:
        """Switch between the table and the board."""
        del pressed
        self._lay_out(board=not self._on_board)
        self._list_orders()
        self._show()
        self.view.moved()

    @callback
    def on_pick(self, number: str) -> None:
        """Choose an order of the list."""
        self._pick(number)
        if self.order is not None:
            self.view.pick(self.order.asset, self.order.channel)
        self.view.moved()

    @callback
    def on_drop(self, text: str) -> None:
        """Move an order to the state of another column, or open the form that this needs."""
        number, _, state = text.partition("\t")
        self._pick(number)
        if self.order is None:
            raise ViewError(f"There is no order {number!r}.", "Move a card of this board.")
        check_transition(number, self.order.state, state)
        self._begin(ACTION_OF_STATE[state])

    @callback
    def on_action(self, pressed: widgets.Button) -> None:
        """Do what a button says, or open the form that the action needs; a second press closes the form."""
        action = self.actions.name(pressed)
        self.detail.status.value = ""
        if action == self.actions.opened:
            self._close_form()
        else:
            self._begin(action)

    @callback
    def on_confirm(self, pressed: widgets.Button) -> None:
        """Do what the form says with the order."""
        del pressed
        with self.actions.refusals.refusing():
            self._perform(self.actions.opened)

    @callback
    def on_cancel(self, pressed: widgets.Button) -> None:
        """Close the form, and change nothing."""
        del pressed
        self._close_form()

    @callback
    def on_asset(self, change: dict[str, Any]) -> None:
        """Offer what belongs to the asset that a new order is for."""
        self._offer_of(change["new"])

    @callback
    def on_answer(self, change: dict[str, Any]) -> None:
        """Save the answer to an item of the checklist; an empty field changes nothing."""
        if self.quiet or self.order is None:
            return
        item = self.detail.checklist.fields.index(change["owner"])
        answer = change["new"].strip() if isinstance(change["new"], str) else change["new"]
        if answer == "":
            self._show()
            return
        order = self.order
        try:
            remark = self.detail.checklist.remarks[item].value
            self.desk.orders.answer(order.number, item + 1, answer, self.view.who, remark=remark, version=order.version)
        finally:
            self.view.changed()

    @callback
    def on_alert(self, number: str) -> None:
        """Open an alert of the order in Anomalies."""
        alert = self.desk.alerts.get(int(number))
        chosen = anomaly_of(vars(alert))
        self.view.pick(chosen.asset, chosen.channel, chosen.anomaly)
        self.view.go("anomalies")

    # ---- parts

    @property
    def _on_board(self) -> bool:
        return bool(self.table.layout.display == "none")

    def _lay_out(self, *, board: bool) -> None:
        self.table.layout.display = "none" if board else None
        self.board.layout.display = None if board else "none"
        self._chart_panel.layout.display = "none" if board else None
        self._board.description = "Table" if board else "Board"

    def _offer(self) -> None:
        assets = sorted((self._asset_name(asset), asset) for asset in set(self.view.fleet["asset"]))
        people = self.people["name"].tolist()
        self.quiet = True
        for name, made in self.filters.items():
            choices = options(name, assets, people)
            value = getattr(self.request, name)
            if value not in [choice for _, choice in choices]:
                choices.append((value, value))
            if tuple(made.options) != tuple(choices):
                made.options = choices
            made.value = value
        if self.text.value.strip() != self.request.text:  # a blank after a word is being typed
            self.text.value = self.request.text
        self.quiet = False

    def _offer_of(self, asset: str | None) -> None:
        """Offer the channels, subsystems and components of an asset."""
        fleet = self.view.fleet
        channels = fleet.loc[fleet["asset"] == asset, "channel"].tolist()
        places = [name for name in self._places if name.startswith(f"{asset}/")]
        for name, names in (("channel", channels), ("place", places)):
            self.actions.fields[name].options = [("none", ""), *((one.removeprefix(f"{asset}/"), one) for one in names)]
            self.actions.fields[name].value = ""
        if self.view.selection.now.channel in channels:
            self.actions.fields["channel"].value = self.view.selection.now.channel

    def _asset_name(self, asset: str) -> str:
        return self.view.session.catalog.asset(asset).name

    def _list_orders(self) -> None:
        self.saved.follow()
        filters, now = self.request.filters(self.view.who), self.view.session.clock()
        if self._on_board:
            filters["state"] = None
        self.listed = self.request.apply(self.desk.orders.list(**filters))
        self._empty.value = ""
        if self._on_board:
            self.board.html = board_markup(self.listed, now)
        else:
            place = self.listed.index[self.listed["number"] == self._number]
            self._limit = max(
                self._limit, int(place.max()) + 1 if len(place) else 0
            )  # the order of a link is listed, too
            shown = self.listed.head(self._limit)
            shown = shown.assign(asset=shown["asset"].map(self._asset_name))
            markup = orders_markup(shown, len(self.listed), self.request, now)
            self.table.html = "" if self.listed.empty else markup
        if self.listed.empty and self.request == OrderFilter():
            self._empty.value = empty_card(
                "No open work orders.", "Open one for an alert in Anomalies, or with New order."
            )
        elif self.listed.empty:
            self._empty.value = empty_card("No work orders match.", "Remove a filter.")
        if not self._number and len(self.listed):
            self._number = str(self.listed["number"].iloc[0])

    def _pick(self, number: str) -> None:
        if number != self._number or self.order is None or self.actions.opened == "new":
            self.choose(number)
        self.detail.status.value = ""
        self._show()

    def _show(self) -> None:
        """Read the chosen order, and show it."""
        self.order = self.desk.orders.get(self._number) if self._number else None
        order, now = self.order, self.view.session.clock()
        alerts = [self.desk.alerts.get(one) for one in order.alerts] if order else []
        columns = ["id", "asset", "channel", "kind", "level", "state", "case_id"]
        rows = [[getattr(alert, name) for name in columns] for alert in alerts]
        self._alerts = pd.DataFrame(rows, columns=columns)
        trail = self.desk.orders.history(order.number) if order else pd.DataFrame()
        remarks = self.desk.orders.remarks(order.number) if order else pd.DataFrame()
        self.quiet = True
        self.detail.show(order, self._alerts, trail, remarks, now, self.view.session.catalog)
        self.quiet = False
        self.actions.allow(order)
        self._entitle()
        self.table.chosen = self.board.chosen = self._number

    def _draw(self, active: pd.DataFrame) -> None:
        now = pd.Timestamp(self.view.session.clock())
        self._charts.show(
            _CHART,
            lambda: due_figure(active, now, tokens=self.view.tokens),
            lambda plot: update_due(plot, active, now),
        )

    @property
    def _open_alerts(self) -> bool:
        return bool((self._alerts["state"] != "closed").any())

    def _begin(self, action: str) -> None:
        """Do something with the chosen order, or open the form that the action needs."""
        if not ORDER_ACTIONS[action].fields:
            self._perform(action)
            return
        if action == "assign" and not self.people["active"].any():
            raise ViewError("There are no technicians yet.", "Add one under Resources.")
        order, register = self.order, self.desk.register.list(retired=False)
        self._places = register["name"].tolist()
        takes_orders = register.loc[register["kind"].isin(("site", "unit", "asset")), "name"]
        active = self.desk.orders.list(asset=order.asset) if order else pd.DataFrame(columns=["number"])
        self.actions.fill(
            action,
            order,
            self.people,
            assets=sorted((self._asset_name(one), one) for one in {*self.view.fleet["asset"], *takes_orders}),
            asset=self.view.selection.now.asset or (order.asset if order else ""),
            others=active[active["number"] != order.number] if order else active,
            who=self.view.who,
        )
        if action == "new":
            self._offer_of(self.actions.fields["asset"].value)
        self._begun = order
        self.actions.open(action, self.actions.leave_out(action, self.order, self._open_alerts))
        self._entitle()

    def _close_form(self) -> None:
        self.actions.open("")
        self._entitle()

    def _entitle(self) -> None:
        """Write over the form what it is about: the order that is chosen, or a new one."""
        is_new = self.actions.opened == "new"
        self.detail.entitle(self.order, self.view.session.clock(), is_new=is_new)
        self.actions.bar.layout.display = "none" if is_new else None

    def _ask(self, action: str, request: OrderRequest) -> None:
        """Raise an error with the questions about what was entered; the same values are taken the second time."""
        values, order = request.values, request.order if action == "change" else None
        fields = ORDER_ACTIONS[action].fields
        hours = values["hours"] if "hours" in fields else None
        if action == "book":
            hours = max(hours_by_name(values["labour"]).values())
        due = request.due if "due" in fields else None
        skills = items_of(values["skills"]) if "skills" in fields else []
        verdict = values["verdict"] if action == "complete" and request.open_alerts else None
        if order is not None:  # only what is changed is questioned
            hours = None if hours == order.estimated_hours else hours
            due = None if order.due is not None and due == minute(order.due) else due
        is_new = action == "new"
        questions = self.desk.questions(
            hours=hours,
            due=due,
            skills=skills,
            failure=values["failure"],
            verdict=verdict,
            asset=values["asset"] if is_new else "",
            channel=values["channel"] if is_new else "",
            title=request.text if is_new else "",
        )
        if questions and questions != self._asked:
            self._asked = questions
            raise ViewError(" ".join(questions), "Correct it, or press again if this is right.")
        self._asked = ()

    def _perform(self, action: str) -> None:
        """Do something with the chosen order, and write what was done."""
        # What a person changes is compared with what the form was filled from, not with what others made of it since.
        order = self._begun if action == "change" else self.order
        request = OrderRequest(self.desk.orders, self.view.who, order, self._open_alerts, self.actions.values())
        check = ORDER_ACTIONS[action].check
        problems = {**self.actions.refusals.problems(), **({} if check is None else check(request))}
        if problems:
            raise FormError(problems)
        if action in _QUESTIONED:
            self._ask(action, request)
        order = ORDER_ACTIONS[action].perform(request)
        self._number = order.number
        self.actions.open("")
        self.view.changed()
        self.view.moved()
        self.detail.status.value = f"<p role='status'>{done_words(action, order)}</p>"
