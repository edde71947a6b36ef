"""Monitoring: the channels of an asset as linked strip charts with their last values, now or replayed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.plots.gauges import gauges_figure, update_gauges
from workbench.plots.strip_data import Strip
from workbench.telemetry.feeds import Replay
from workbench.views.base import View
from workbench.views.monitoring_chart import LiveChart
from workbench.views.monitoring_charts import STRIPS, Charts
from workbench.views.monitoring_controls import Controls
from workbench.views.monitoring_data import ChannelStore, MonitoredSession, presets
from workbench.views.monitoring_markup import head_markup, key_markup, time_words, values_table
from workbench.views.monitoring_timing import Later

__all__ = ["Monitoring"]

_PAGED = ("strips", "overlay")
_TICK = 0.25  # seconds between two pictures of a replay
_STEP = 0.5  # share of the time shown that a step goes on
_ZOOM = 2.0
_LEAST = 1e-6  # of all the time: no closer zoom


class Monitoring(View):
    """An asset's telemetry as it comes, or as it came.

    Parameters
    ----------
    session : MonitoredSession
        Where all values come from.
    theme : str
        `light` or `dark`.
    seconds : callable
        Clock of the replay: seconds that only rise.

    Attributes
    ----------
    fleet : pandas.DataFrame
        `session.overview()`.
    channel : str
        The chosen channel.
    range : tuple of float
        Start and end of the time shown, as charts take it.
    replay : Replay
    table : pandas.DataFrame
        The last values that are shown.
    """

    title: ClassVar[str] = "Monitoring"

    def __init__(
        self, session: MonitoredSession, *, theme: str = "light", seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._session = session
        self._seconds = seconds
        super().__init__(session, theme=theme)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.fleet, self.table = pd.DataFrame(), pd.DataFrame()
        self.channel, self.range, self._extent, self._page = "", (0.0, 1.0), (0.0, 1.0), 0
        self.replay = Replay(0.0, 0.0, clock=self._seconds)
        self._groups: dict[str, list[str]] = {}
        self._quiet = False
        style = files("workbench.views").joinpath("monitoring.css").read_text(encoding="utf-8")
        self._store = ChannelStore(self._session)
        self._ticker = Later(self.tick, _TICK)
        self._redraw, self._retell = Later(self._draw, 0.04), Later(self._tell, 0.2)
        self._prefetch, self._judge = Later(self._fetch_next, 0.05), Later(self._judge_shown, 0.5)
        self.controls = Controls()
        self._wire()
        self._charts = Charts(self.tokens, self.on_range, self.on_choose, self.show_all)
        self._charts.widget.add_class("wb-monitor-charts")
        self._head, self._key, self._values = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._names = widgets.RadioButtons(options=[])
        self._names.add_class("wb-names")
        self._names.observe(self._on_name, "value")
        self._gauges = widgets.Box()
        values = _box("wb-values wb-panel", self._names, self._values)
        side = _box("wb-side", values, _with(self._gauges, "wb-gauges wb-panel"))
        left = _box("wb-strips wb-panel", self._charts.widget, self._key, self.controls.replay_bar)
        rules = widgets.HTML(f"<style>{style}</style>", layout=widgets.Layout(display="none"))
        return [rules, _with(self._head, "wb-headline"), self.controls.bar, _box("wb-body", left, side)]

    # ---- what is shown

    @property
    def asset(self) -> str | None:
        """The asset that is shown; None where there is none."""
        name: str | None = self.controls.asset.value
        return name

    @property
    def channels(self) -> list[str]:
        """Channels of the chosen group."""
        return self._groups.get(self.controls.preset.value, [])

    @property
    def shown(self) -> list[str]:
        """Channels on screen: one page of the group, or all of it where the mode has room."""
        names = self.channels
        if self.controls.mode.value in _PAGED:
            return names[self._page * STRIPS : (self._page + 1) * STRIPS]
        return names

    @property
    def until(self) -> float:
        """Time up to which telemetry has come; infinite where nothing is replayed."""
        return float("inf") if self.replay.state == "ended" else self.replay.position

    def refresh(self) -> None:
        """Read the session again; what is chosen stays where it can."""
        self.fleet = self._session.overview()
        self._store.clear()
        assets = list(dict.fromkeys(self.fleet["asset"]))
        names = {asset: self._session.catalog.asset(asset).name for asset in assets}
        chosen = self.asset
        with self._quietly():
            self.controls.asset.options = [(names[asset], asset) for asset in assets]
            if assets:
                self.controls.asset.value = chosen if chosen in assets else self._worst_asset()
        self._show_asset()

    def select_asset(self, asset: str) -> None:
        """Show another asset."""
        self.controls.asset.value = asset

    def select(self, channel: str) -> None:
        """Choose a channel, with its asset and the page that it is on."""
        asset = self.fleet.loc[self.fleet["channel"] == channel, "asset"].iloc[0]
        if asset != self.asset:
            self.controls.asset.value = asset
        if channel not in self.channels:
            self.controls.preset.value = next(iter(self._groups))
        self.channel = channel
        self._page = self.channels.index(channel) // STRIPS
        self._show()

    def set_range(self, start: float, end: float) -> None:
        """Show another stretch of time, in all charts."""
        first, last = self._extent
        least = max((last - first) * _LEAST, 1.0)
        if end - start < least:
            middle = (start + end) / 2
            start, end = middle - least / 2, middle + least / 2
        self.range = (start, end)
        with self._quietly():
            self.controls.span.value = 0.0 if self.range == self._extent else -1.0
        self._draw()
        self._retell()

    def show_all(self) -> None:
        """Show all of the time."""
        self.set_range(*self._extent)

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        self._charts.tokens = self.tokens
        self._charts.clear()
        before, self._gauges.children = self._gauges.children, ()
        for child in before:
            child.close()
        self._show()

    # ---- callbacks

    def on_range(self, start: float, end: float) -> None:
        """Take the range to which the reader has panned or zoomed; pictures follow a little later."""
        self.range = (start, end)
        with self._quietly():
            self.controls.span.value = -1.0
        self._redraw()
        self._retell()

    def on_choose(self, place: int) -> None:
        """Choose the channel of a strip."""
        if place < len(self.shown):
            self.select(self.shown[place])

    def on_asset(self, change: dict[str, Any]) -> None:
        """Show the chosen asset."""
        del change
        if not self._quiet:
            self._show_asset()

    def on_preset(self, change: dict[str, Any]) -> None:
        """Show the chosen group of channels."""
        del change
        if not self._quiet:
            self._page = 0
            self._show_group()

    def on_mode(self, change: dict[str, Any]) -> None:
        """Show the charts in the chosen mode."""
        del change
        self._show()

    def on_page(self, button: widgets.Button) -> None:
        """Show the channels before or after."""
        self._page += -1 if button is self.controls.previous else 1
        self._show_group()

    def on_span(self, change: dict[str, Any]) -> None:
        """Show so much time before the newest value."""
        length = change["new"]
        if self._quiet or length is None or length < 0:
            return
        last = min(self._extent[1], self.until)
        self.set_range(*(self._extent if length == 0 else (last - length, last)))
        with self._quietly():
            self.controls.span.value = length

    def on_step(self, button: widgets.Button) -> None:
        """Go earlier or later, closer or wider."""
        start, end = self.range
        length = end - start
        if button in (self.controls.earlier, self.controls.later):
            step = length * (_STEP if button is self.controls.later else -_STEP)
            self.set_range(start + step, end + step)
        else:
            half = length / 2 * (1 / _ZOOM if button is self.controls.closer else _ZOOM)
            middle = (start + end) / 2
            self.set_range(middle - half, middle + half)

    def on_play(self, button: widgets.Button) -> None:
        """Play, from the start of the time shown where nothing is replayed; or pause."""
        del button
        if self.replay.state == "playing":
            self.replay.pause()
        else:
            if self.replay.state == "ended":
                self.replay.seek(self.range[0])
            self.replay.play()
        self.tick()

    def on_speed(self, change: dict[str, Any]) -> None:
        """Play faster or slower."""
        if not self._quiet:
            self.replay.set_speed(change["new"])

    def on_seek(self, change: dict[str, Any]) -> None:
        """Go to a share of the time replayed."""
        if not self._quiet:
            self.replay.seek(self.replay.start + change["new"] * (self.replay.end - self.replay.start))
            self._follow()
            self._redraw()
            self._retell()

    def on_latest(self, button: widgets.Button) -> None:
        """Leave the replay."""
        del button
        self.replay.pause()
        self.replay.seek(self.replay.end)
        self.tick()

    def tick(self) -> None:
        """Show where the replay stands now, and ask to be called again while it plays."""
        self._follow()
        self._draw()
        self._retell()
        if self.replay.state == "playing":
            self._ticker()

    def close(self) -> None:
        """Stop everything that would still happen, and take the view from the page."""
        for later in (self._ticker, self._redraw, self._retell, self._prefetch, self._judge):
            later.cancel()
        self._charts.clear()
        self.widget.close()

    # ---- drawing

    def _show_asset(self) -> None:
        self._page = 0
        self._groups = {} if self.asset is None else presets(self._session.catalog, self.fleet, self.asset)
        with self._quietly():
            chosen = self.controls.preset.value
            options = [(f"{words} ({len(names)})", words) for words, names in self._groups.items()]
            self.controls.preset.options = options
            if self._groups:
                self.controls.preset.value = chosen if chosen in self._groups else next(iter(self._groups))
        self._show_group()

    def _show_group(self) -> None:
        """Begin anew with a group or page of channels: all of their time, nothing replayed."""
        strips = self._strips()
        if strips:
            extent = min(strip.extent[0] for strip in strips), max(strip.extent[1] for strip in strips)
            with self._quietly():
                self.controls.set_axis(dated=strips[0].dated)
            if extent != self._extent:
                self._extent = self.range = extent
                self.replay = Replay(*extent, clock=self._seconds, speed=self.controls.speed.value)
                self.replay.seek(extent[1])
                with self._quietly():
                    self.controls.span.value = 0.0
        self._show()

    def _show(self) -> None:
        """Show what is chosen; what the group needs beside it is read while nobody waits."""
        names = self.shown
        if self.channel not in names:
            self.channel = next(iter(names), "")
        self.controls.set_page(self._page * STRIPS if names != self.channels else 0, len(names), len(self.channels))
        with self._quietly():
            self._names.options = names
            self._names.value = self.channel or None
        self._draw()
        self._tell()
        self._prefetch()
        self._judge()

    def _strips(self) -> list[Strip]:
        """Channels on screen that can be drawn: of one kind of time, and at hand where there are many."""
        names = self.shown
        if self.controls.mode.value not in _PAGED and self._prefetch.deferred:
            names = [name for name in names if name in self._store] or names[:1]
        strips = [self._store.strip(name) for name in names]
        return [strip for strip in strips if strip.dated == strips[0].dated]

    def _draw(self) -> None:
        strips = self._strips()
        if strips:
            mode = self.controls.mode.value
            self._charts.show(mode, strips, *self.range, self.until, self.channel, dated=strips[0].dated)
            share = (self.replay.position - self.replay.start) / ((self.replay.end - self.replay.start) or 1.0)
            with self._quietly():
                words = time_words(self.replay.position, dated=strips[0].dated)
                self.controls.set_replay(self.replay.state, share, words)

    def _tell(self) -> None:
        strips = self._strips()
        now = pd.Timestamp(self._session.clock()).tz_convert(None).to_datetime64()
        names = [strip.name for strip in strips]
        self.table = self._store.table(names, *self.range, now=now, until=self.until)
        self._values.value = values_table(self.table, self.channel)
        start, end = self.range
        anomalous = sum(bool(strip.anomalies(start, end, self.until, 0.0)["left"]) for strip in strips)
        newest = max((min(strip.extent[1], self.until) for strip in strips), default=float("nan"))
        at = time_words(newest, dated=any(strip.dated for strip in strips))
        words = f"replayed to {at}" if self.until < float("inf") else f"newest {at}"
        title = self._session.catalog.asset(self.asset).name if self.asset else "No telemetry yet"
        self._head.value = head_markup(title, self.table, anomalous, words)
        limited = any(strip.limits for strip in strips)
        self._key.value = key_markup(scored=any(strip.prediction.time.size for strip in strips), limited=limited)
        self._gauges.layout.display = None if limited else "none"
        if limited:
            self._show_gauges()

    def _show_gauges(self) -> None:
        if not self._gauges.children:
            self._gauge_plot = gauges_figure(tokens=self.tokens)
            update_gauges(self._gauge_plot, self.table)
            self._gauges.children = [LiveChart(self._gauge_plot)]
            return
        with self._gauges.children[0].together():
            update_gauges(self._gauge_plot, self.table)

    def _follow(self) -> None:
        """Move the time shown on by whole steps, so that the replay's position is in it."""
        start, end = self.range
        if self.until < float("inf") and not start <= self.until <= end:
            length = end - start
            self.range = (self.until - 0.3 * length, self.until + 0.7 * length)

    def _fetch_next(self) -> None:
        missing = [name for name in self._groups.get(next(iter(self._groups), ""), []) if name not in self._store]
        for name in missing[:1] if self._prefetch.deferred else ():
            self._store.strip(name)
            if name in self.shown:
                self._redraw()
                self._retell()
            self._prefetch()

    def _judge_shown(self) -> None:
        self._store.judge(self.shown[:STRIPS])
        self._tell()

    def _on_name(self, change: dict[str, Any]) -> None:
        if not self._quiet and change["new"] is not None:
            self.channel = change["new"]
            self._draw()
            self._tell()

    def _worst_asset(self) -> str:
        worst = int(self.fleet["severity"].fillna(-1.0).to_numpy().argmax())
        return str(self.fleet["asset"].iloc[worst])

    def _wire(self) -> None:
        controls = self.controls
        controls.asset.observe(self.on_asset, "value")
        controls.preset.observe(self.on_preset, "value")
        controls.mode.observe(self.on_mode, "value")
        controls.span.observe(self.on_span, "value")
        controls.speed.observe(self.on_speed, "value")
        controls.seek.observe(self.on_seek, "value")
        for button in (controls.previous, controls.following):
            button.on_click(self.on_page)
        for button in (controls.earlier, controls.later, controls.closer, controls.wider):
            button.on_click(self.on_step)
        controls.play.on_click(self.on_play)
        controls.latest.on_click(self.on_latest)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Change controls without their callbacks."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before


def _box(names: str, *children: widgets.Widget) -> widgets.Box:
    return _with(widgets.Box(children), names)


def _with(widget: Any, names: str) -> Any:
    for name in names.split():
        widget.add_class(name)
    return widget
