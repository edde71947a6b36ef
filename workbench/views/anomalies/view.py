"""Anomalies: the alerts to triage, why each was raised, and what is done about them."""

from collections.abc import Mapping
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import ArchiveError, ViewError
from workbench.maintenance.alerts.table import NEW
from workbench.views.anomalies.actions import Actions, told
from workbench.views.anomalies.detail import Charts, Shown, title_markup
from workbench.views.anomalies.evidence import Evidence
from workbench.views.anomalies.list import PAGE, AlertList
from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.anomalies.related import Related
from workbench.views.anomalies.similar import Similar
from workbench.views.anomalies.table import Wanted
from workbench.views.anomalies.thresholds import Thresholds
from workbench.views.base import View, callback
from workbench.views.state import Selected, State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.cards import damage_card
from workbench.views.widgets.chart import Chart

__all__ = ["Anomalies"]

PANELS: dict[str, type[Panel]] = {kind.title: kind for kind in (Evidence, Thresholds, Similar, Related)}
"""Tabs under the charts; the first is open at first, the others are made when they are opened."""


class Anomalies(View):
    """Alerts, one of them chosen.

    Attributes
    ----------
    list : AlertList
        What is listed.
    alert : int or None
        Number of the one that is chosen.
    panel : str
        The tab under the charts that is open.
    """

    name: ClassVar[str] = "anomalies"
    title: ClassVar[str] = "Anomalies"
    keys: ClassVar[tuple[str, ...]] = ("level", "state", "place", "kind", "verdict", "text", "order", "whole", "panel")
    shortcuts: ClassVar[Mapping[str, str]] = {
        "Up, Down": "choose another alert of the list",
        "X": "mark the alert that has the focus",
        "K": "mark all, or none",
        "A": "acknowledge",
        "S": "shelve",
        "V": "close with a verdict",
        "M": "comment",
        "W": "open a work order",
        "L": "add a label",
        "U, O": "unshelve, reset",
        "F": "whole series, or around the anomaly",
    }

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.alert: int | None = None
        self._whole = False
        self._read: dict[str, Shown] = {}
        self.list = AlertList(self)
        self._empty = widgets.HTML()
        self._title, self._told = widgets.HTML(), widgets.HTML()
        classed(self._told, "wb-told")
        self.actions = Actions(self)
        self._charts = Charts(self.tokens)
        classed(self._charts.widget, "wb-charts")
        self._evidence = Evidence(self)
        self.panels: dict[str, Panel] = {Evidence.title: self._evidence}
        self._tabs = {name: button(name, kind.tip, self.on_panel, "wb-subtab") for name, kind in PANELS.items()}
        self._span = button("Whole series", "Whole series, or around the anomaly (F)", self.on_span, "wb-key-f")
        self._monitor = button("Monitoring", "Show the channel with the others of its asset", self.on_monitoring)
        head = box("wb-bar wb-chosen-bar", classed(self._title, "wb-title"), self._span, self._monitor)
        self._detail = box(
            "wb-detail wb-panel",
            head,
            self.actions.bar,
            self.actions.form,
            self._told,
            self._charts.widget,
            box("wb-bar wb-tabs", *self._tabs.values()),
            self._evidence.widget,
        )
        self._open(Evidence.title)
        listing = box("wb-list wb-panel", self.list.grid)
        self._body = box("wb-body", listing, self._detail)
        return [self.list.bar, self._empty, self._body]

    # ---- reading and showing

    def refresh(self) -> None:
        """Read the alerts again; what is chosen and marked stays where it can."""
        self._read.clear()
        self._evidence.forget()
        self._list()
        self._show()

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        self._charts.tokens = self.tokens
        self._charts.clear()
        self._show()

    def show_selection(self, now: Selected) -> None:
        """Choose the alert of an anomaly, or the worst of a channel."""
        if now.channel and now.channel not in set(self.session.overview()["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose one that is there.")
        self.alert = self.list.matching(now)
        self._show()

    def read_state(self) -> Mapping[str, object]:
        """Give filters, order, and whether the whole series is shown."""
        panel = None if self.panel == Evidence.title else self.panel.lower()
        return {**self.list.wanted.written(), "whole": "yes" if self._whole else None, "panel": panel}

    def apply_state(self, state: State) -> None:
        """Take filters and order of a link."""
        names = {name.lower(): name for name in self._tabs}
        wanted = state.get("panel", Evidence.title.lower())
        if wanted not in names:
            raise ViewError(f"There is no panel {wanted!r}.", f"Panels: {', '.join(names)}.")
        self._open(names[wanted])
        self.list.wanted, self._whole = Wanted.of(state), "whole" in state
        self.list.limit = PAGE
        self._list()
        self._show()

    @property
    def alerts(self) -> pd.DataFrame:
        """Those listed, of `Alerts.list`."""
        return self.list.alerts

    def shown_table(self) -> pd.DataFrame | None:
        """Give the alerts listed."""
        return self.alerts

    def charts(self) -> Mapping[str, Chart]:
        """Give the charts of the chosen alert."""
        return {} if self._charts.chart is None else {"Charts": self._charts.chart}

    def code_lines(self) -> list[str]:
        """Give the cell that lists the same alerts."""
        given = {name: value for name, value in self.list.wanted.filters().items() if value is not None}
        if self.list.wanted.filters()["state"] is None:
            given["state"] = None
        return [f"session.maintenance.alerts.list({', '.join(f'{name}={value!r}' for name, value in given.items())})"]

    def close(self) -> None:
        """Stop what is due and take the view from the page."""
        for panel in self.panels.values():
            panel.close()
        self._charts.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_filter(self, change: dict[str, Any]) -> None:
        """List what the filters ask for."""
        del change
        if self.list.quiet:
            return
        self.list.ask()
        self._list()
        self._show()
        self.moved()

    @callback
    def on_sort(self, key: str) -> None:
        """Sort by a column."""
        self.list.wanted = self.list.wanted.sorted_by(key)
        self._list()
        self.moved()

    @callback
    def on_more(self, _value: str) -> None:
        """List more."""
        if len(self.alerts) < self.list.total:
            self.list.limit += PAGE
            self._list()

    @callback
    def on_pick(self, name: str) -> None:
        """Choose an alert."""
        self.alert = int(name)
        row = self.list.row(self.alert)
        self._told.value = ""
        self.actions.ask("")
        self._show()
        if row is not None:
            self.choose(Selected(row["asset"], row["channel"], int(row["start_sample"])))

    @callback
    def on_mark(self, _value: str) -> None:
        """Take note of the marks."""
        self._enable()

    @callback
    def on_mark_all(self, pressed: widgets.Button) -> None:
        """Mark all that are listed, or none."""
        del pressed
        every = [str(number) for number in self.alerts["id"]] if len(self.alerts) else []
        self.list.grid.marked = [] if set(every) <= set(self.list.grid.marked) else every
        self._enable()

    @callback
    def on_span(self, pressed: widgets.Button) -> None:
        """Show the whole series, or what is around the anomaly."""
        del pressed
        self._whole = not self._whole
        self._show()
        self.moved()

    @callback
    def on_monitoring(self, pressed: widgets.Button) -> None:
        """Show the channel with the others of its asset."""
        del pressed
        self.go("monitoring")

    @callback
    def on_panel(self, pressed: widgets.Button) -> None:
        """Show another panel under the charts."""
        self._open(next(name for name, made in self._tabs.items() if made is pressed))
        self._tell_panel()
        self.moved()

    @callback
    def on_action(self, pressed: widgets.Button) -> None:
        """Do what a button says, or ask what else it needs; a second press closes the form."""
        action = self.actions.name(pressed)
        if not self.actions.needs_form(action):
            self._do(action, {})
        elif self.actions.asked == action:
            self.actions.ask("")
        else:
            row = self.list.row(self.alert)
            if row is not None:
                for name, column in (("first", "start_sample"), ("last", "end_sample")):
                    self.actions.fields[name].value = int(row[column])
            self._told.value = ""
            self.actions.ask(action, len(self._wanted_alerts()))

    @callback
    def on_confirm(self, pressed: widgets.Button) -> None:
        """Do what the form says."""
        del pressed
        self._do(self.actions.asked, self.actions.options())

    @callback
    def on_cancel(self, pressed: widgets.Button) -> None:
        """Close the form."""
        del pressed
        self.actions.ask("")

    def follow(self, chosen: Selected) -> None:
        """Choose an alert or a channel that a panel names."""
        self.alert = self.list.matching(chosen)
        self._show()
        self.choose(chosen)

    def look(self, chosen: Selected, samples: int) -> None:
        """Show so many samples of a channel, from an `anomaly` on; the alert stays chosen."""
        shown = self._channel(chosen.channel)
        last = shown.channel.sizes["time"] - 1
        start = min(chosen.anomaly or 0, last)
        self._charts.show(shown.part(*shown.around(start, min(start + samples - 1, last))))
        words = f"Charts: {chosen.channel} around sample {start:,}."
        self._told.value = f"<p role='status'>{words} Choose an alert to come back.</p>"

    # ---- parts

    def _do(self, action: str, given: dict[str, Any]) -> None:
        """Do something to the marked alerts, or to the chosen one, and tell."""
        desk, numbers = self.session.maintenance, self._wanted_alerts()
        if action == "order":
            order = desk.orders.from_alerts(numbers, self.who, **given)
            words = f"Work order {order.number} opened for {len(numbers)} alert{'s' if len(numbers) > 1 else ''}."
        elif action == "label":
            words = self._add_label(given)
        else:
            words = told(action, desk.alerts.each(action, numbers, self.who, **given))
        self.actions.ask("")
        self.list.grid.marked = []
        self.refresh()
        self._told.value = f"<p role='status'>{words}</p>"
        self.altered()

    def _add_label(self, given: Mapping[str, Any]) -> str:
        row = self.list.row(self.alert)
        if row is None or given["first"] > given["last"]:
            raise ViewError("The label's first sample lies after its last.", "Give the first sample first.")
        channel, archive = row["channel"], self.session.archive
        added = pd.DataFrame({"start": [given["first"]], "end": [given["last"]], "kind": [given["kind"]]})
        labels = archive.labels(channel)
        table = added if labels is None else pd.concat([labels, added]).drop_duplicates(["start", "end"], keep="last")
        archive.set_labels(channel, table)
        return f"{channel} is labelled from sample {given['first']:,} to {given['last']:,}; {len(table)} labels in all."

    def _wanted_alerts(self) -> list[int]:
        marked = [int(name) for name in self.list.grid.marked]
        return marked or ([] if self.alert is None else [self.alert])

    def _list(self) -> None:
        """Read the list and say how many there are."""
        self.list.read(self.session)
        if self.list.row(self.alert) is None:
            self.alert = self.list.matching(self.selection.now)
        counts = self.session.maintenance.alerts.count("state", state="open")
        new = int(sum(counts.get(state, 0) for state in NEW))
        words = f"{int(counts.sum())} open, {new} to acknowledge, {int(counts.get('shelved', 0))} shelved"
        self.head.value = f"<div class='wb-line'><h1>{self.title}</h1><p>{words}</p></div>"
        nothing = not len(self.alerts)
        self._body.layout.display = "none" if nothing and not self.selection.now.channel else None
        self._empty.value = self.list.nothing(self.session, int(counts.sum())) if nothing else ""

    def _show(self) -> None:
        """Show the chosen alert, or the chosen channel where it has none."""
        row = self.list.row(self.alert)
        self.list.grid.chosen = "" if row is None else str(self.alert)
        self._enable()
        channel = self.selection.now.channel if row is None else row["channel"]
        self._span.description = "Around the anomaly" if self._whole else "Whole series"
        if not channel:
            return
        try:
            shown = self._channel(channel)
        except ArchiveError as error:
            self._title.value = f"<h2>{channel}</h2>{damage_card({channel: str(error)})}"
            self._charts.clear()
            self._evidence.show_none(channel)
            return
        if row is not None and not self._whole:
            start, end = int(row["start_sample"]), int(row["end_sample"])
            last = shown.channel.sizes["time"] - 1
            shown = shown.part(*shown.around(min(start, last), min(end, last)))
        self._charts.show(shown)
        if row is None:
            self._title.value = f"<h2>{channel}</h2>"
            self._evidence.show_none(channel)
            return
        self._title.value = title_markup(row, self.list.orders.get(int(row["id"]), ""), self.session.clock())
        self._tell_panel()

    def _open(self, name: str) -> None:
        self.panel = name
        for other, tab in self._tabs.items():
            (tab.add_class if other == name else tab.remove_class)("wb-current")
        if name not in self.panels:
            self.panels[name] = PANELS[name](self)
            self._detail.children = (*self._detail.children, self.panels[name].widget)
        for other, panel in self.panels.items():
            panel.widget.layout.display = None if other == name else "none"

    def _tell_panel(self) -> None:
        row = self.list.row(self.alert)
        if row is not None:
            self.panels[self.panel].show(Chosen(row, self._channel(row["channel"])))

    def _enable(self) -> None:
        numbers = self._wanted_alerts()
        rows = self.alerts[self.alerts["id"].isin(numbers)] if len(self.alerts) else self.alerts
        self.actions.show(rows, len(self.list.grid.marked))

    def _channel(self, channel: str) -> Shown:
        if channel not in self._read:
            data = self.session.channel(channel, "test").load()
            scored, anomalies = self.session.stored(channel), self.session.stored_anomalies(channel)
            if scored is not None:
                scored = scored.load()
            if anomalies is not None:  # a stale score may be of a series that was longer
                anomalies = anomalies[anomalies["end"] < data.sizes["time"]]
            self._read[channel] = Shown(data, scored, anomalies, self.session.archive.labels(channel))
        return self._read[channel]
