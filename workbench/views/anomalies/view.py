"""Anomalies: the alerts to triage, why each was raised, and what is done about them.

One module because it is one view: its callbacks, in the order of the page, each a few lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.detection.envelope import bound_lines
from workbench.exceptions import ArchiveError, MaintenanceError, ViewError
from workbench.maintenance.alerts.places import moment_of, rows_of
from workbench.maintenance.alerts.table import ALLOWED, LIVE_ASSET, OPEN
from workbench.maintenance.cases.case import Case
from workbench.plots.long_trace import LONG_SAMPLES
from workbench.telemetry.moments import row_at
from workbench.views.anomalies.actions import ALERT_ACTIONS, Actions, AlertRequest, outcome_words
from workbench.views.anomalies.asset import AssetCharts, Contributions, ShownAsset, contributing_series
from workbench.views.anomalies.detail import Charts, Shown, case_title_markup, title_markup
from workbench.views.anomalies.evidence import Evidence
from workbench.views.anomalies.known import Known
from workbench.views.anomalies.list import PAGE, AlertList
from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.anomalies.related import Related
from workbench.views.anomalies.similar import Similar
from workbench.views.anomalies.table import MINE, AlertFilter, case_name, case_number
from workbench.views.anomalies.thresholds import Thresholds
from workbench.views.base import View, callback
from workbench.views.markup import alert_subject
from workbench.views.saved_filters import SavedFilters
from workbench.views.state import Selected, State, anomaly_of
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.cards import damage_card
from workbench.views.widgets.chart import Chart

__all__ = ["Anomalies"]

_ORDER = "Order "
_UNDOABLE = ("acknowledge", "shelve", "close")
PANELS: dict[str, type[Panel]] = {
    section.name: section for section in (Evidence, Contributions, Thresholds, Similar, Related, Known)
}
"""Sections under the charts, by name; the first is open at first, the others are made when they are opened."""


class Anomalies(View):
    """The list of alerts, beside the one that is chosen: its charts, its evidence and what can be done with it.

    Attributes
    ----------
    list : AlertList
        The alerts that are listed, and their filters.
    alert : int or None
        Number of the alert that is chosen; where a case is, that of its channel which moved first.
    case : int or None
        Number of the case that is chosen: what is done is done to all its alerts. None where an alert is.
    actions : Actions
        The buttons of what can be done, and their form.
    saved : SavedFilters
        Filters that were saved by name.
    plots : Charts
        The charts of the chosen alert.
    panel : str
        Name of the section under the charts that is open.
    panels : dict of str to Panel
        The sections under the charts that have been opened, by name.
    """

    name: ClassVar[str] = "anomalies"
    title: ClassVar[str] = "Anomalies"
    keys: ClassVar[tuple[str, ...]] = (*(item.name for item in fields(AlertFilter)), "whole", "panel")
    shortcuts: ClassVar[Mapping[str, str]] = {
        "Up, Down": "choose another alert of the list",
        "Right, Left": "open a case into its alerts, or close it",
        "X": "mark the alert or the case that has the focus",
        "K": "mark all alerts, or none",
        "A": "acknowledge",
        "S": "shelve",
        "V": "close with a verdict",
        "M": "comment",
        "W": "open a work order",
        "L": "add a label",
        "U, O": "unshelve, reset",
        "Z": "undo what was done last",
        "F": "show the whole series, or what is around the anomaly",
    }

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.alert: int | None = None
        self.case: int | None = None
        self._whole = False
        self._read: dict[str, Shown] = {}
        self._read_assets: dict[str, ShownAsset] = {}
        self._form_of: tuple[int | None, int | None] = (
            None,
            None,
        )  # alert and case that were chosen when a form opened
        self._looked: tuple[Selected, int] | None = None  # samples that a section shows in the charts
        self._undoable: tuple[str, list[int]] = ("", [])  # what was done, and to which alerts
        self.list = AlertList(
            filter=self.on_filter,
            pick=self.on_pick,
            sort=self.on_sort,
            mark=self.on_mark,
            more=self.on_more,
            turn=self.on_turn,
        )
        self._empty = widgets.HTML()
        self._title = widgets.HTML()
        self._status = classed(widgets.HTML(), "wb-told")
        self._undo = button("Undo", "Take back what was done last; the log keeps both (Z)", self.on_undo, "wb-key-z")
        self.actions = Actions(
            press=self.on_action,
            mark_all=self.on_mark_all,
            confirm=self.on_confirm,
            cancel=self.on_cancel,
            hours=self.on_hours,
            longest_shelf_hours=self.session.maintenance.alerts.options.longest_shelf_hours,
        )
        self.plots = Charts(self.tokens)
        self.asset_plots = AssetCharts(self.tokens)
        self._evidence = Evidence(self)
        self.panels: dict[str, Panel] = {Evidence.name: self._evidence}
        self._tabs = {name: button(name, kind.tip, self.on_panel, "wb-subtab") for name, kind in PANELS.items()}
        self._span = button(
            "Whole series", "Show the whole series, or only what is around the anomaly (F)", self.on_span, "wb-key-f"
        )
        self._monitor = button(
            "Monitoring", "Show this channel with the others of its asset in Monitoring", self.on_monitoring
        )
        self._order = button("", "Open its work order, in Maintenance", self.on_order)
        buttons = (self._order, self._span, self._monitor)
        head = box("wb-bar wb-chosen-bar", classed(self._title, "wb-title"), *buttons)
        self._detail = box(
            "wb-detail wb-panel",
            head,
            self.actions.bar,
            self.actions.form,
            box("wb-bar wb-outcome", self._status, self._undo),
            self.plots.widget,
            self.asset_plots.widget,
            box("wb-bar wb-tabs", *self._tabs.values()),
            self._evidence.widget,
        )
        self._open(Evidence.name)
        self._say("")
        listing = box("wb-list wb-panel", self.list.grid)
        self._body = box("wb-body", listing, self._detail)
        self.saved = SavedFilters(
            self, self.session.settings.home, self.name, lambda: self.list.request.written(), self.use_filters
        )
        self.list.bar.children = (*self.list.bar.children, self.saved.bar)
        return [self.list.bar, self.saved.form, self._empty, self._body]

    # ---- reading and showing

    def refresh(self) -> None:
        """Read the alerts again; what is chosen stays, and so does what is marked if it is still listed."""
        looked = self._looked
        self._forget()
        self._list(keep=True)
        self._show()
        self.actions.show_end(self.session.clock())
        thresholds = self.panels.get(Thresholds.name)
        if isinstance(thresholds, Thresholds):
            thresholds.draw_again()
        if looked is not None:
            self.look(*looked)

    def recolour(self) -> None:
        """Draw the charts again in the colours of the theme."""
        self.plots.recolour(self.tokens)
        self.asset_plots.recolour(self.tokens)
        self._show()

    def show_selection(self, now: Selected) -> None:
        """Choose the alert of the anomaly that was chosen elsewhere, or the worst alert of the channel.

        Parameters
        ----------
        now : Selected
            What was chosen.
        """
        if now.channel and now.channel not in set(self.session.overview()["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose a channel of the fleet.")
        self._choose(now)
        self._show()

    def read_state(self) -> Mapping[str, object]:
        """Return the filters, the order, the open section, and whether the whole series is shown."""
        panel = None if self.panel == Evidence.name else self.panel.lower()
        return {**self.list.request.written(), "whole": "yes" if self._whole else None, "panel": panel}

    def apply_state(self, state: State) -> None:
        """Show what a link holds: filters, order, section and extent of the charts.

        Parameters
        ----------
        state : State
            State of the link.
        """
        names = {name.lower(): name for name in self._tabs}
        panel = state.get("panel", Evidence.name.lower())
        if panel not in names:
            raise ViewError(f"There is no section {panel!r}.", f"Sections: {', '.join(names)}.")
        self._open(names[panel])
        self.list.request = AlertFilter.of(state)
        self.list.limit = PAGE
        self._whole = "whole" in state
        self._list()
        self.list.reach(self.session, self.who, self.selection.now)
        if self.selection.now.anomaly is not None:
            self._choose(self.selection.now)
        self._show()
        self._check_anomaly(state)

    def _check_anomaly(self, state: State) -> None:
        """Raise an error where a link names an anomaly that no listed alert is."""
        now, row = self.selection.now, self.list.row(self.alert)
        if "anomaly" not in state or now.anomaly is None:
            return
        if row is None or now.anomaly not in (moment_of(row), row["start_sample"]):
            when = f"{now.anomaly:,}" if isinstance(now.anomaly, int) else f"{now.anomaly:%Y-%m-%d %H:%M:%S} UTC"
            raise ViewError(
                f"No listed alert of {now.channel or now.asset} begins at {when}.",
                "It may be closed, or left out by the filters: list those of every state.",
            )

    @property
    def alerts(self) -> pd.DataFrame:
        """The alerts that are listed, as `Alerts.list` returns them."""
        return self.list.alerts

    def shown_table(self) -> pd.DataFrame | None:
        """Return the alerts that are listed."""
        return self.alerts

    def shown_channel(self) -> str:
        """Return the channel of the chosen alert, else the one that is chosen; empty for the alert of an asset."""
        row = self.list.row(self.alert)
        if row is None:
            return self.selection.now.channel
        return "" if row["kind"] == "asset" or row["asset"] == LIVE_ASSET else str(row["channel"])

    def charts(self) -> Mapping[str, Chart]:
        """Return the charts of the chosen alert."""
        return {**self.plots.charts(), **self.asset_plots.charts()}

    def code_lines(self) -> list[str]:
        """Return the cell that lists the same alerts."""
        request, now = self.list.request, self.session.clock()
        arguments = {
            name: value for name, value in request.filters(now).items() if value is not None or name == "state"
        }
        since = arguments.pop("since", None)
        words = [f"{name}={value!r}" for name, value in arguments.items()]
        if request.state == MINE:
            words.append(f"numbers=session.maintenance.alerts_of_person({self.who!r})")
        if since is None:
            return [f"session.maintenance.alerts.list({', '.join(words)})"]
        words.append(f"since=session.clock() - timedelta(hours={(now - since) / timedelta(hours=1):g})")
        return ["from datetime import timedelta", f"session.maintenance.alerts.list({', '.join(words)})"]

    def close(self) -> None:
        """Stop what is under way and remove the view from the page."""
        for panel in self.panels.values():
            panel.close()
        self.plots.clear()
        self.asset_plots.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_filter(self, change: dict[str, Any]) -> None:
        """List the alerts that match the filters."""
        del change
        if self.list.quiet:
            return
        row = self.list.row(self.alert)
        self.list.ask(self.selection.now.asset if row is None else str(row["asset"]))
        self._list()
        self._show()
        self.moved()

    def use_filters(self, state: Mapping[str, str]) -> None:
        """List the alerts that match saved filters.

        Parameters
        ----------
        state : mapping of str to str
            The filters, as in a link.
        """
        self.list.request = AlertFilter.of(state)
        self.list.limit = PAGE
        self._list()
        self._show()
        self.moved()

    @callback
    def on_sort(self, key: str) -> None:
        """Sort the list by a column."""
        self.list.request = self.list.request.sorted_by(key)
        self._list()
        self.moved()

    @callback
    def on_more(self, _value: str) -> None:
        """List more alerts, when the reader has scrolled to the end."""
        if len(self.alerts) < self.list.total:
            self.list.limit += PAGE
            self._list()

    @callback
    def on_turn(self, name: str) -> None:
        """Open the line of a case into its alerts, or close it."""
        self.list.turn(name)

    @callback
    def on_pick(self, name: str) -> None:
        """Choose an alert or a case of the list."""
        self.case = case_number(name)
        self.alert = int(name) if self.case is None else self.list.first_of(self.case)
        row = self.list.row(self.alert)
        self._say("")
        self.actions.open("")
        self._show()
        if row is not None:
            self.choose(anomaly_of(row))

    @callback
    def on_mark(self, _value: str) -> None:
        """Enable the buttons of what the marked alerts allow."""
        self._enable()
        if self.actions.opened == "order" and not self._entitle_order():
            self.actions.open("")

    @callback
    def on_mark_all(self, pressed: widgets.Button) -> None:
        """Mark all alerts and cases that are listed, or none where all are marked."""
        del pressed
        listed = self.list.names()
        self.list.grid.marked = [] if set(listed) <= set(self.list.grid.marked) else listed
        self._enable()

    @callback
    def on_span(self, pressed: widgets.Button) -> None:
        """Show the whole series, or only what is around the anomaly."""
        del pressed
        self._whole = not self._whole
        self._show()
        self.moved()

    @callback
    def on_monitoring(self, pressed: widgets.Button) -> None:
        """Open Monitoring at the chosen channel."""
        del pressed
        self.go("monitoring")

    @callback
    def on_panel(self, pressed: widgets.Button) -> None:
        """Show another section under the charts."""
        self._open(next(name for name, made in self._tabs.items() if made is pressed))
        self._show_panel()
        self.moved()

    @callback
    def on_action(self, pressed: widgets.Button) -> None:
        """Do what a button says, or open the form that the action needs; a second press closes the form."""
        action = self.actions.name(pressed)
        if not ALERT_ACTIONS[action].fields:
            self._perform(action)
        elif self.actions.opened == action:
            self.actions.open("")
        else:
            row = self.list.row(self.alert)
            span = None if row is None else rows_of(row, self._shown(row).channel["time"].values)
            if span is not None:
                self.actions.fields["first"].value, self.actions.fields["last"].value = span
            self._say("")
            if action == "order" and not self._entitle_order():
                return
            self._form_of = (self.alert, self.case)
            people = self.session.maintenance.people.list()
            self.actions.offer(people.loc[people["active"], "name"].tolist())
            self.actions.open(action, len(self._concerned_alerts(action)))
            self.actions.show_end(self.session.clock())

    @callback
    def on_confirm(self, pressed: widgets.Button) -> None:
        """Do what the form says with the alerts."""
        del pressed
        with self.actions.refusals.refusing():
            self._perform(self.actions.opened)

    @callback
    def on_cancel(self, pressed: widgets.Button) -> None:
        """Close the form, and change nothing."""
        del pressed
        self.actions.open("")

    @callback
    def on_hours(self, change: dict[str, Any]) -> None:
        """Show until when the alerts would be shelved."""
        del change
        self.actions.show_end(self.session.clock())

    @callback
    def on_undo(self, pressed: widgets.Button) -> None:
        """Take back what was done last, by an entry of its own in the log."""
        del pressed
        action, alerts = self._undoable
        undone = self.session.maintenance.alerts.each("undo", alerts, self.who, done=action)
        self._forget()
        self._list(keep=True)
        self._show()
        self._say(outcome_words("as before", undone))
        self.altered()

    @callback
    def on_order(self, pressed: widgets.Button) -> None:
        """Open the work order of the chosen alert or case."""
        del pressed
        self.go("maintenance", {"mode": "orders", "order": self._order.description.removeprefix(_ORDER)})

    def follow(self, chosen: Selected) -> None:
        """Choose an alert or a channel that a section names.

        Parameters
        ----------
        chosen : Selected
            What the section names.
        """
        self._choose(chosen)
        self._show()
        self.choose(chosen)

    def look(self, chosen: Selected, samples: int) -> None:
        """Show some samples of a channel in the charts; the alert stays chosen.

        Parameters
        ----------
        chosen : Selected
            The channel, and as `anomaly` the moment of the first sample.
        samples : int
            Number of samples.
        """
        shown = self._channel(chosen.channel)
        self._draw_asset(None)
        last = shown.channel.sizes["time"] - 1
        start = 0 if chosen.anomaly is None else row_at(shown.channel["time"].values, chosen.anomaly)
        self.plots.show(shown.part(*shown.around(start, min(start + samples - 1, last))))
        words = f"Charts: {chosen.channel} around sample {start:,}."
        self._say(f"{words} Choose an alert to return.")
        self._looked = chosen, samples

    def draw_bounds(self, channel: str, lines: pd.DataFrame | None) -> None:
        """Draw other bounds of the envelope in the charts of a channel; those of its score again where None.

        Parameters
        ----------
        channel : str
            Name of the channel.
        lines : pandas.DataFrame or None
            As from `event_bound_lines`.
        """
        if lines is None:
            self._read.pop(channel, None)
        else:
            self._read[channel] = replace(self._channel(channel), lines=lines)
        row = self.list.row(self.alert)
        if row is not None and row["kind"] != "asset" and row["channel"] == channel:
            self.plots.show(self._around(row, self._channel(channel)))

    # ---- parts

    def _perform(self, action: str) -> None:
        """Do something with the marked alerts, or with the chosen one, and write what was done."""
        request = AlertRequest(
            self.session, self.who, self._concerned_alerts(action), self.list.row(self.alert), self.actions.values()
        )
        if request.alerts or action == "label":
            words = ALERT_ACTIONS[action].perform(request)
        else:  # somebody else was faster
            words = "Nothing was changed: none of these alerts allows this any more."
        self.actions.open("")
        self.list.grid.marked = []
        self._forget()
        self._list()
        self._show()
        self._say(words, action, request.changed if action in _UNDOABLE else ())
        if self._body.layout.display == "none":  # the last alert is gone, and the status line is hidden with it
            self._empty.value = self._status.value + self._empty.value
        self.altered()

    def _say(self, words: str, action: str = "", undoable: Sequence[int] = ()) -> None:
        """Say what was done, with a button that undoes it where it can be undone."""
        self._status.value = f"<p role='status'>{words}</p>" if words else ""
        self._undoable = action, list(undoable)
        self._undo.layout.display = None if undoable else "none"

    def _forget(self) -> None:
        """Forget what was read of the archive, as it may be other by now."""
        self._read.clear()
        self._read_assets.clear()
        self._evidence.forget()

    def _choose(self, now: Selected) -> None:
        """Choose the alert of a channel or anomaly and open its case; without a channel, the first line of the list."""
        self.alert = self.list.matching(now)
        self.case = None if now.channel or now.anomaly is not None else self.list.case_of(self.alert)
        if self.case is None:
            self.list.reveal(self.alert)
        else:
            self.alert = self.list.first_of(self.case)

    def _concerned_alerts(self, action: str = "") -> list[int]:
        """Return the alerts that are marked, or the chosen one; of a case, all that are open and allow the action."""
        chosen = case_name(self.case) if self.case in self.list.cases else str(self.alert or "")
        alerts: dict[int, None] = {}
        for name in self.list.grid.marked or filter(None, [chosen]):
            case = case_number(name)
            alerts |= dict.fromkeys([int(name)] if case is None else self._alerts_of_case(case, action))
        if action == "order":  # those that have one already stay in it
            return [number for number in alerts if number not in self.list.orders]
        return list(alerts)

    def _alerts_of_case(self, case: int, action: str) -> list[int]:
        table = self.session.maintenance.cases.table(case)
        return [int(number) for number in table.loc[table["state"].isin(ALLOWED.get(action, OPEN)), "id"]]

    def _list(self, *, keep: bool = False) -> None:
        """Read the list, and write how many open alerts there are.

        Where the filters leave the chosen alert out by now, another one is chosen, unless it is to be kept.
        """
        self.list.read(self.session, self.who)
        self.saved.follow()
        if self.case is not None and self.case not in self.list.cases:
            self.case = None
        if keep and self.alert is not None and self.list.row(self.alert) is None:
            self.list.hold(self.session, self.alert)
        if self.list.row(self.alert) is None:
            self._choose(self.selection.now)
        counts = self.session.maintenance.alerts.count("state", state="open")
        new = int(sum(counts.get(state, 0) for state in ALLOWED["acknowledge"]))
        cases = f" in {counted(self.session.maintenance.cases.count(state='open'), 'case')}" if counts.sum() else ""
        words = f"{int(counts.sum()):,} open{cases}, {new:,} to acknowledge, {int(counts.get('shelved', 0)):,} shelved"
        self.head.value = f"<div class='wb-line'><h1>{self.title}</h1><p>{words}</p></div>"
        empty = not len(self.alerts)
        self._body.layout.display = "none" if empty and not self.selection.now.channel else None
        self._empty.value = self.list.nothing(self.session, int(counts.sum())) if empty else ""

    def _show(self) -> None:
        """Show the chosen alert, or the chosen channel where it has none."""
        self._looked = None
        row = self.list.row(self.alert)
        case = None if self.case is None else self.list.cases.get(self.case)
        concerned = () if row is None else (int(row["id"]),) if case is None else case.alerts
        orders = [self.list.orders[alert] for alert in concerned if alert in self.list.orders]
        self._lead_to(orders[0] if orders else "")
        if self.actions.opened and not self.list.grid.marked and self._form_of != (self.alert, self.case):
            self.actions.open("")  # what was typed for one alert is not done to another
        self.list.grid.chosen = "" if row is None else str(self.alert) if case is None else case_name(case.id)
        self._enable()
        channel = self.selection.now.channel if row is None else str(row["channel"])
        self._span.description = "Around the anomaly" if self._whole else "Whole series"
        if row is not None and row["kind"] == "asset":
            self._show_asset(row, case)
            return
        self._draw_asset(None)
        self._offer("model" if row is None else row["kind"])
        if row is not None and row["asset"] == LIVE_ASSET:  # of a source, which has no series
            self._title.value = self._title_of(row, case)
            self.plots.clear()
            self._evidence.show_source(row)
            return
        if not channel:
            return
        try:
            shown = self._channel(channel)
        except ArchiveError as error:
            self._title.value = f"<h2>{escape(channel)}</h2>{damage_card({channel: str(error)})}"
            self.plots.clear()
            self._evidence.show_none(channel)
            return
        self.plots.show(self._around(row, shown))
        if row is None:
            self._title.value = f"<h2>{escape(channel)}</h2>"
            self._evidence.show_none(channel)
            return
        self._title.value = self._title_of(row, case)
        self._show_panel()

    def _entitle_order(self) -> bool:
        """Show the title that an order would have in its form; say why there can be none, with the order that is there.

        Returns
        -------
        bool
            Whether an order can be opened.
        """
        alerts, orders = self._concerned_alerts("order"), self.session.maintenance.orders
        try:
            self.actions.order_title = orders.title_for(alerts)
        except MaintenanceError as error:
            self._say(escape(str(error)))
            self._lead_to(next(filter(None, map(orders.of_alert, alerts)), ""))
            return False
        return True

    def _lead_to(self, order: str) -> None:
        """Show the button that opens a work order; none where the number is empty."""
        self._order.description = f"{_ORDER}{order}" if order else ""
        self._order.layout.display = None if order else "none"

    def _around(self, row: Mapping[str, Any] | None, shown: Shown) -> Shown:
        """Return the part of a channel around an alert, or all of it where the whole series is chosen."""
        span = None if row is None else rows_of(row, shown.channel["time"].values)
        if row is None or span is None:
            return shown
        shown = shown.of_limit(row, span) if row["kind"] == "limit" else shown
        return shown if self._whole else shown.part(*shown.around(*span))

    def _title_of(self, row: Mapping[str, Any], case: Case | None) -> str:
        """Return the title of an alert, or of the case that is chosen."""
        if case is None:
            catalog = self.session.catalog
            row = {**row, "asset": catalog.asset(row["asset"]).name, "channel": alert_subject(row, catalog)}
            return title_markup(row, self.list.orders.get(int(row["id"]), ""), self.session.clock())
        own = dict.fromkeys(self.list.orders[one] for one in case.alerts if one in self.list.orders)
        return case_title_markup(replace(case, asset=self.session.catalog.asset(case.asset).name), list(own))

    def _show_asset(self, row: Mapping[str, Any], case: Case | None) -> None:
        """Show the alert of an asset as a whole."""
        shown = self._asset(row["channel"])
        span = rows_of(row, shown.scored["time"].values)
        around = None if span is None or self._whole else shown.shown.around(*span)
        self._draw_asset(shown)
        self.asset_plots.show(shown, around, contributing_series(self.session, shown.explanation(span)))
        self._title.value = self._title_of(row, case)
        self._offer("asset")
        self._show_panel()

    def _draw_asset(self, shown: ShownAsset | None) -> None:
        """Make room for the charts of an asset, or of a channel where there is none."""
        self.plots.widget.layout.display = "none" if shown is not None else None
        self.asset_plots.widget.layout.display = None if shown is not None else "none"

    def _offer(self, kind: str) -> None:
        """Offer the sections that are about a kind of alerts; Evidence is opened where another one is open."""
        for name, panel in PANELS.items():
            self._tabs[name].layout.display = None if kind in panel.kinds else "none"
        if kind not in PANELS[self.panel].kinds:
            self._open(Evidence.name)

    def _open(self, name: str) -> None:
        self.panel = name
        for other, tab in self._tabs.items():
            (tab.add_class if other == name else tab.remove_class)("wb-current")
        if name not in self.panels:
            self.panels[name] = PANELS[name](self)
            self._detail.children = (*self._detail.children, self.panels[name].widget)
        for other, panel in self.panels.items():
            panel.widget.layout.display = None if other == name else "none"

    def _show_panel(self) -> None:
        row = self.list.row(self.alert)
        if row is not None:
            self.panels[self.panel].show(Chosen(row, self._shown(row)))

    def _enable(self) -> None:
        numbers = self._concerned_alerts()
        rows = self.alerts[self.alerts["id"].isin(numbers)] if len(self.alerts) else self.alerts
        held = self.list.row(self.alert) if self.alert in numbers and rows.empty else None
        rows = rows if held is None else pd.DataFrame([held])
        own = dict.fromkeys(self.list.orders[number] for number in numbers if number in self.list.orders)
        in_orders = list(own) if set(numbers) <= set(self.list.orders) else []
        self.actions.show(rows, len(self.list.grid.marked), len(numbers), in_orders)

    def _shown(self, row: Mapping[str, Any]) -> Shown:
        return self._asset(row["channel"]).shown if row["kind"] == "asset" else self._channel(row["channel"])

    def _asset(self, asset: str) -> ShownAsset:
        if asset not in self._read_assets:
            self._read_assets[asset] = ShownAsset.of(self.session, asset)
        return self._read_assets[asset]

    def _channel(self, channel: str) -> Shown:
        if channel not in self._read:
            data = self.session.channel(channel, "test")
            is_long = data.sizes["time"] > LONG_SAMPLES  # its parts are read when they are shown
            data = data if is_long else data.load()
            scored, anomalies = self.session.stored(channel), self.session.stored_anomalies(channel)
            if scored is not None and not is_long:
                scored = scored.load()
            if anomalies is not None:  # a stale score may be of a series that was longer
                anomalies = anomalies[anomalies["end"] < data.sizes["time"]]
            lines = None if scored is None else bound_lines(scored.attrs, data["telemetry"])
            self._read[channel] = Shown(data, scored, anomalies, self.session.archive.labels(channel), lines)
        return self._read[channel]
