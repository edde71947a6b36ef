"""Overview: is anything wrong, and what first? Everything on it leads on."""

from collections.abc import Mapping
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from bokeh.plotting import figure

from workbench.exceptions import ArchiveError, ChannelNotFoundError, ViewError
from workbench.forecasting import risks
from workbench.plots.alert_counts import alert_counts_figure, update_alert_counts
from workbench.plots.theme import SEVERITIES
from workbench.views.base import View, callback
from workbench.views.markup import read_target, sparkline, target
from workbench.views.overview.data import RANGES, Picture, look_at
from workbench.views.overview.markup import (
    failures_markup,
    feed_markup,
    head_markup,
    health_markup,
    load_markup,
    tiles_markup,
    worst_markup,
)
from workbench.views.registry import VIEWS
from workbench.views.state import Selected, State
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.chart import Chart, LiveChart
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.timers import Later

__all__ = ["Overview"]

_FIRST = "7 d"
_AHEAD = 7.0


class Overview(View):
    """The fleet on one screen.

    Attributes
    ----------
    picture : Picture or None
        What is shown; None where the session could not be read.
    """

    name: ClassVar[str] = "overview"
    title: ClassVar[str] = "Overview"
    keys: ClassVar[tuple[str, ...]] = ("range",)
    shortcuts: ClassVar[Mapping[str, str]] = {"Arrows": "go through the channels, figures or rows", "Enter": "lead on"}

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.picture: Picture | None = None
        self._lines: dict[str, str] = {}
        self._plot: figure | None = None
        self._quiet = False
        self._later = Later(self.on_later, 0.05)
        self._range = classed(widgets.ToggleButtons(options=list(RANGES), value=_FIRST), "wb-ranges")
        self._range.tooltips = [f"The last {words}" if words != "all" else "All there is" for words in RANGES]
        self._range.observe(self.on_range, "value")
        self._tiles = Grid("Key figures", pick=self.on_pick)
        self._health = Grid("Channels by asset and subsystem", pick=self.on_pick)
        self._failures = Grid("Assets most likely to fail next", pick=self.on_failure)
        self._worst = Grid("Channels with the worst alerts", pick=self.on_noted, open=self.on_pick)
        self._counts = box("wb-counts")
        self._key, self._feed, self._load = (widgets.HTML() for _ in range(3))
        self._key.value = (
            "<p class='wb-key'>"
            + " ".join(
                f"<span class='{level}'><span class='wb-symbol' aria-hidden='true'>{shown.symbol}</span>{level}</span>"
                for level, shown in SEVERITIES.items()
            )
            + "</p>"
        )
        left = box("wb-left", _panel("Channels: worst open alert, and how many", self._health, "wb-health"))
        middle = box(
            "wb-middle",
            _panel("What first: the worst open alerts", self._worst, "wb-worst"),
            _panel("Alerts raised, by level", box("wb-raised", self._counts, self._key), "wb-over-time"),
        )
        right = box(
            "wb-right",
            _panel(f"Failures expected, the next {_AHEAD:g} d", self._failures, "wb-failures"),
            _panel("Technicians' load, and work next due", self._load, "wb-load-panel"),
            _panel("Activity", self._feed, "wb-activity"),
        )
        return [box("wb-bar", self._range), classed(self._tiles, "wb-figures"), box("wb-body", left, middle, right)]

    def refresh(self) -> None:
        """Read the session again."""
        self.picture = look_at(self.session, self._range.value)
        self._show(self.picture)

    def recolour(self) -> None:
        """Draw the chart again in the tokens' colours."""
        self._clear()
        if self.picture is not None:
            self._show(self.picture)

    def show_selection(self, now: Selected) -> None:
        """Mark the channel that was chosen elsewhere."""
        if self.picture is None:
            return
        if now.channel and now.channel not in set(self.picture.fleet["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose one of the list.")
        self._mark()

    def read_state(self) -> Mapping[str, object]:
        """Give the period where it is not the first."""
        return {"range": None if self._range.value == _FIRST else self._range.value}

    def apply_state(self, state: State) -> None:
        """Take the period of a link."""
        wanted = state.get("range", _FIRST)
        if wanted not in RANGES:
            raise ViewError(f"range is {wanted!r}.", f"Known: {', '.join(RANGES)}.")
        if wanted != self._range.value:
            self._quiet = True
            self._range.value = wanted
            self._quiet = False
            self.refresh()

    def shown_table(self) -> pd.DataFrame | None:
        """Give the fleet, with its open alerts."""
        return None if self.picture is None else self.picture.fleet

    def charts(self) -> dict[str, Chart]:
        """Give the chart of the alerts raised."""
        return {"Alerts raised": self._counts.children[0]} if self._counts.children else {}

    def code_lines(self) -> list[str]:
        """Give the fleet, and the open alerts."""
        return ["session.maintenance.alerts.list(state='open', order='worst')", "session.overview()"]

    def close(self) -> None:
        """Stop what is due and take the view from the page."""
        self._later.cancel()
        self._clear()
        super().close()

    # ---- callbacks

    @callback
    def on_range(self, change: dict[str, Any]) -> None:
        """Show another period."""
        del change
        if not self._quiet:
            self.refresh()
            self.moved()

    @callback
    def on_pick(self, text: str) -> None:
        """Lead on: to the alerts of a channel, or to the view of a figure."""
        view, chosen = read_target(text)
        if chosen.channel:
            self.selection.choose(chosen, by=self._on_selected)  # one step back comes from there to here
            self._mark()
        self.go(view if view in VIEWS else "monitoring")

    @callback
    def on_noted(self, text: str) -> None:
        """Choose the channel of a row; Enter or a double click leads on."""
        self.choose(read_target(text)[1])
        self._mark()

    @callback
    def on_failure(self, asset: str) -> None:
        """Lead on to the risk of an asset."""
        self.choose(Selected(asset=asset))
        self.go("forecasting", {"mode": "Risk and what-if"})

    @callback
    def on_later(self) -> None:
        """Draw the worst channels' telemetry, and say which assets are most likely to fail."""
        if self.picture is None:
            return
        for channel in self.picture.alerts["channel"].drop_duplicates().head(12):
            if channel not in self._lines:
                try:
                    values = self.session.channel(channel, "test")["telemetry"].values
                except (ArchiveError, ChannelNotFoundError):  # gone or damaged: the head says so
                    self._lines[channel] = ""
                    continue
                alerts = self.picture.alerts[self.picture.alerts["channel"] == channel]
                spans = alerts[["start_sample", "end_sample", "level"]].to_numpy().tolist()
                self._lines[channel] = sparkline(values, [tuple(span) for span in spans])
        self._worst.html = worst_markup(self.picture, self._lines)
        self._failures.html = failures_markup(risks(self.session, _AHEAD), self.session.catalog)

    # ---- parts

    def _show(self, picture: Picture) -> None:
        self.head.value = head_markup(picture)
        self._tiles.html = tiles_markup(picture, VIEWS)
        self._health.html = health_markup(picture, self.session.catalog)
        self._lines.clear()
        self._worst.html = worst_markup(picture, self._lines)
        self._feed.value, self._load.value = feed_markup(picture), load_markup(picture)
        since, until = pd.Timestamp(picture.since), pd.Timestamp(picture.now)
        if self._plot is None:
            self._plot = alert_counts_figure(picture.raised, since, until, tokens=self.tokens)
            self._counts.children = (LiveChart(self._plot),)
        else:
            with self._counts.children[0].together():
                update_alert_counts(self._plot, picture.raised, since, until)
        self._mark()
        self._later()

    def _mark(self) -> None:
        now = self.selection.now
        assets = {} if self.picture is None else self.picture.fleet.set_index("channel")["asset"].to_dict()
        asset = str(assets.get(now.channel, now.asset))
        self._health.chosen = target(asset, now.channel) if now.channel else ""
        self._worst.chosen = target(asset, now.channel, now.anomaly) if now.channel else ""

    def _clear(self) -> None:
        before, self._counts.children, self._plot = self._counts.children, (), None
        for child in before:
            child.close()


def _panel(title: str, inside: widgets.Widget, names: str) -> widgets.Box:
    return box(f"wb-panel {names}", widgets.HTML(f"<h2>{title}</h2>"), inside)
