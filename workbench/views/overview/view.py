"""Overview: whether anything is wrong, and what to do first; everything on it opens the view with the details."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import ArchiveError, ChannelNotFoundError, ViewError
from workbench.forecasting import risks
from workbench.maintenance.alerts.places import rows_of
from workbench.plots.alert_counts import alert_counts_figure, update_alert_counts
from workbench.plots.theme import SEVERITIES
from workbench.telemetry.moments import moment_text
from workbench.views.base import View, callback
from workbench.views.markup import read_lead, read_target, sparkline, target
from workbench.views.overview.data import RANGES, Picture, look_at
from workbench.views.overview.first_steps import dismiss, first_steps_markup
from workbench.views.overview.health import MAX_OPEN_CHANNELS, HealthFilters, health_markup
from workbench.views.overview.markup import (
    failures_markup,
    feed_markup,
    head_markup,
    load_markup,
    tiles_markup,
    worst_markup,
)
from workbench.views.remembered import data_stamp
from workbench.views.state import Selected, State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import Quiet
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.kept_charts import KeptCharts
from workbench.views.widgets.timers import Later

__all__ = ["Overview"]

_FIRST_RANGE = "7 d"
_DAYS = 7.0
"""How far ahead failures are looked for."""

_MAX_LINES = 12
"""Channels whose telemetry is drawn beside their alerts."""

_LATER_SECONDS = 0.5  # a page that is just opened asks for its widgets first

_RAISED = "Alerts raised"


class Overview(View):
    """The fleet on one screen.

    Attributes
    ----------
    picture : Picture or None
        What is shown; None where the session could not be read.
    kept_charts : KeptCharts
        The chart of the alerts raised.
    """

    name: ClassVar[str] = "overview"
    title: ClassVar[str] = "Overview"
    keys: ClassVar[tuple[str, ...]] = ("range", "find", "only", "open")
    shortcuts: ClassVar[Mapping[str, str]] = {
        "Arrows": "go through the channels, figures or rows",
        "Enter": "open the details",
        "Right, Left": "open or close a line of the channels",
    }

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.picture: Picture | None = None
        self._stamp: tuple[int, ...] = ()
        self._lines: dict[str, str] = {}
        self._quiet = Quiet()
        self._later = Later(self.on_later, _LATER_SECONDS)
        self._range = classed(widgets.ToggleButtons(options=list(RANGES), value=_FIRST_RANGE), "wb-ranges")
        self._range.tooltips = [f"The last {words}" if words != "all" else "All of the time" for words in RANGES]
        self._range.observe(self.on_range, "value")
        self._tiles = Grid("Key figures", pick=self.on_pick)
        self.filters = HealthFilters()
        self._health = Grid("Channels by asset and subsystem", pick=self.on_channel, open=self.on_line)
        self._find = classed(widgets.Text(placeholder="Find a channel"), "wb-search")
        self._find.tooltip = "Part of the name of a channel, a subsystem or an asset"
        self._only = widgets.ToggleButton(description="With alerts", tooltip="Show only channels with open alerts")
        classed(self._only, "wb-button")
        for control in (self._find, self._only):
            control.observe(self.on_filter, "value")
        self._filter_bar = box("wb-bar wb-find", self._find, self._only)
        self._failures = Grid("Assets most likely to fail next", pick=self.on_failure)
        self._worst = Grid("Channels with the worst alerts", pick=self.on_choose, open=self.on_pick)
        self.kept_charts = KeptCharts([_RAISED], self.tokens, "wb-counts")
        self._feed = widgets.HTML()
        self._load = widgets.HTML()
        key = widgets.HTML(
            "<p class='wb-key'>"
            + " ".join(
                f"<span class='{level}'><span class='wb-symbol' aria-hidden='true'>{shown.symbol}</span>{level}</span>"
                for level, shown in SEVERITIES.items()
            )
            + "</p>"
        )
        left = box(
            "wb-left", _panel("Channels, by the worst open alert", self._filter_bar, self._health, names="wb-health")
        )
        middle = box(
            "wb-middle",
            _panel("Do first: the worst open alerts", self._worst, names="wb-worst"),
            _panel(
                "Alerts raised, by level", box("wb-raised", self.kept_charts.boxes[_RAISED], key), names="wb-over-time"
            ),
        )
        right = box(
            "wb-right",
            _panel(f"Failures expected in the next {_DAYS:g} days", self._failures, names="wb-failures"),
            _panel("Technicians' load, and work due next", self._load, names="wb-load-panel"),
        )
        below = box("wb-below", _panel("Activity", self._feed, names="wb-activity"))
        self._steps = Grid("First steps", pick=self.on_step)
        dismiss_button = button("Dismiss", "Do not show the first steps any more", self.on_dismiss)
        self._guide = box("wb-guide", self._steps, dismiss_button)
        return [
            box("wb-bar", self._range),
            self._guide,
            classed(self._tiles, "wb-figures"),
            box("wb-body", left, middle, right, below),
        ]

    def refresh(self) -> None:
        """Read the session again."""
        self._stamp = self._stamp_now()
        self.picture = look_at(self.session, self._range.value)
        self._show(self.picture)

    def recolour(self) -> None:
        """Draw the chart again in the tokens' colours."""
        self.kept_charts.recolour(self.tokens)
        if self.picture is not None:
            self._show(self.picture)

    def show_selection(self, now: Selected) -> None:
        """Mark the channel that was selected elsewhere.

        Parameters
        ----------
        now : Selected
            Asset, channel and anomaly that are selected.
        """
        if self.picture is None:
            return
        if now.channel and now.channel not in set(self.picture.fleet["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose a channel of the list.")
        self._mark()

    def read_state(self) -> Mapping[str, object]:
        """Return the period where it differs from the first choice, and which channels are shown."""
        return {"range": None if self._range.value == _FIRST_RANGE else self._range.value, **self.filters.written()}

    def apply_state(self, state: State) -> None:
        """Show the period and the channels of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        period = state.get("range", _FIRST_RANGE)
        check_choice("range", period, RANGES)
        filters = HealthFilters.of(state)
        with self._quiet:
            self._find.value, self._only.value = filters.find, bool(filters.only)
        self.filters = filters
        if period != self._range.value:
            with self._quiet:
                self._range.value = period
            self._read_period()
            self._show_health()
        else:
            self._show_health()

    def shown_table(self) -> pd.DataFrame | None:
        """Return the fleet, with its open alerts."""
        return None if self.picture is None else self.picture.fleet

    def charts(self) -> dict[str, Chart]:
        """Return the chart of the alerts raised."""
        return dict(self.kept_charts.shown())

    def code_lines(self) -> list[str]:
        """Return the lines that compute the open alerts and the fleet."""
        return ["session.maintenance.alerts.list(state='open', order='worst')", "session.overview()"]

    def close(self) -> None:
        """Stop what is due and take the view from the page."""
        self._later.cancel()
        self.kept_charts.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_range(self, change: dict[str, Any]) -> None:
        """Show what happened in another period."""
        del change
        if not self._quiet:
            self._read_period()
            self.moved()

    @callback
    def on_filter(self, change: dict[str, Any]) -> None:
        """Show the channels that the reader looks for."""
        del change
        if not self._quiet:
            only = "alerts" if self._only.value else ""
            self.filters = replace(self.filters, find=self._find.value.strip(), only=only)
            self._show_health()
            self.moved()

    @callback
    def on_channel(self, text: str) -> None:
        """Open the alerts of a channel, or a line of channels."""
        if HealthFilters.is_line(text):
            self.on_line(text)
        else:
            self.on_pick(text)

    @callback
    def on_line(self, text: str) -> None:
        """Open or close a line of channels."""
        if HealthFilters.is_line(text):
            self.filters = self.filters.turned(text)
            self._show_health()
            self._mark()
            self.moved()

    @callback
    def on_pick(self, text: str) -> None:
        """Open the alerts of a channel, or the view of a figure."""
        led = read_lead(text)
        if led is not None:
            self.go(*led)
            return
        view, chosen = read_target(text)
        state: dict[str, object] | None = None
        if chosen.channel:
            self.selection.choose(chosen, by=self._on_selected)  # so that one step back in the browser leads here
            self._mark()
            if self.picture is not None and chosen.channel in set(self.picture.alerts["channel"]):
                anomaly = None if chosen.anomaly is None else moment_text(chosen.anomaly)
                place = {"asset": chosen.asset, "channel": chosen.channel, "anomaly": anomaly}
                state = {**place, "text": chosen.channel}
        self.go(view, {} if state is None else state)  # without the filters of before

    @callback
    def on_step(self, text: str) -> None:
        """Lead a newcomer to the alert, its order or the plan."""
        if text.startswith("["):
            self.on_pick(text)
        else:
            self.go("maintenance", {"mode": "plan"} if text == "plan" else {"mode": "orders", "order": text})

    @callback
    def on_dismiss(self, pressed: widgets.Button) -> None:
        """Take the newcomer's card away, for good."""
        del pressed
        dismiss(self.session.settings)
        self.refresh()  # without the card the worst alert comes first

    @callback
    def on_choose(self, text: str) -> None:
        """Choose the channel of a row; Enter or a double click opens its alerts."""
        self.choose(read_target(text)[1])
        self._mark()

    @callback
    def on_failure(self, asset: str) -> None:
        """Open the risk of an asset in Forecasting."""
        self.choose(Selected(asset=asset))
        self.go("forecasting", {"mode": "Risk and what-if", "days": f"{_DAYS:g}"})

    @callback
    def on_later(self) -> None:
        """Draw the worst channels' telemetry, and show which assets are most likely to fail."""
        if self.picture is None:
            return
        for channel in self.picture.alerts["channel"].drop_duplicates().head(_MAX_LINES):
            if channel not in self._lines:
                try:
                    series = self.session.channel(channel, "test")
                    values = series["telemetry"].values
                except (ArchiveError, ChannelNotFoundError):  # gone or damaged: the head says so
                    self._lines[channel] = ""
                    continue
                alerts = self.picture.alerts[self.picture.alerts["channel"] == channel]
                rows = [(rows_of(alert, series["time"].values), alert["level"]) for alert in alerts.to_dict("records")]
                spans = [(*span, level) for span, level in rows if span is not None]
                self._lines[channel] = sparkline(values, spans)
        self._worst.html = worst_markup(self.picture, self._lines, self.session.catalog)
        self._failures.html = failures_markup(risks(self.session, _DAYS), self.session.catalog)

    # ---- parts

    def _read_period(self) -> None:
        """Read what depends on the period, or all where anything was written since it was read."""
        if self.picture is None or not self._stamp or self._stamp_now() != self._stamp:
            self.refresh()
        else:
            self.picture = look_at(self.session, self._range.value, self.picture)
            self._show_period(self.picture)

    def _stamp_now(self) -> tuple[int, ...]:
        """Return numbers that change with everything that is written; empty where that cannot be told."""
        stamp, session = data_stamp(self.session.settings), self.session
        return (*stamp, *session.archive.index.stamp(), session.maintenance.log_length()) if stamp else ()

    def _show(self, picture: Picture) -> None:
        steps = picture.first_steps
        self._guide.layout.display = "none" if steps is None else None
        self._steps.html = "" if steps is None else first_steps_markup(steps, self.session.catalog)
        self._show_period(picture)
        self._show_health()
        self._lines.clear()
        self._worst.html = worst_markup(picture, self._lines, self.session.catalog)
        self._load.value = load_markup(picture)
        self._mark()
        self._later.restart()  # what was due in a kernel that waited for its page would come before the page's widgets

    def _show_period(self, picture: Picture) -> None:
        self.head.value = head_markup(picture, self.session.catalog)
        self._tiles.html = tiles_markup(picture, self.session.catalog)
        self._feed.value = feed_markup(picture, self.session.catalog)
        since, until = pd.Timestamp(picture.since), pd.Timestamp(picture.now)
        self.kept_charts.show(
            _RAISED,
            lambda: alert_counts_figure(picture.raised, since, until, tokens=self.tokens),
            lambda plot: update_alert_counts(plot, picture.raised, since, until),
        )

    def _show_health(self) -> None:
        if self.picture is not None:
            several = len(self.picture.fleet) > MAX_OPEN_CHANNELS // 2 or self.filters != HealthFilters()
            self._filter_bar.layout.display = None if several else "none"
            self._health.html = health_markup(self.picture, self.session.catalog, self.filters)

    def _mark(self) -> None:
        now, asset = self.selection.now, self.selection.now.asset
        if self.picture is not None and now.channel:
            fleet = self.picture.fleet
            asset = next(iter(fleet.loc[fleet["channel"] == now.channel, "asset"]), asset)
        self._health.chosen = target(asset, now.channel) if now.channel else ""
        self._worst.chosen = target(asset, now.channel, now.anomaly) if now.channel else ""


def _panel(title: str, *inside: widgets.Widget, names: str) -> widgets.Box:
    return box(f"wb-panel {names}", widgets.HTML(f"<h2>{title}</h2>"), *inside)
