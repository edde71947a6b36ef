"""Monitoring: the channels of an asset as linked strip charts with their last values, now or replayed."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import ViewError
from workbench.plots.strip_data import Strip
from workbench.views.base import View, ViewSession, callback
from workbench.views.monitoring.charts import MODES, Charts
from workbench.views.monitoring.controls import Controls
from workbench.views.monitoring.markup import code_lines, head_markup, key_markup
from workbench.views.monitoring.panel import Panel
from workbench.views.monitoring.scene import Scene
from workbench.views.state import Selected, State, axis_time, time_text
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.cards import damage_card
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.timers import Later

__all__ = ["Monitoring"]

_TICK = 0.25  # seconds between two pictures of a replay
_STEP = 0.5  # share of the time shown that a step goes on
_ZOOM = 2.0
_AROUND = 2.0  # lengths of an anomaly that are shown on either side of it
_JUDGED = 8  # channels whose quality is asked for


class Monitoring(View):
    """An asset's telemetry as it comes, or as it came.

    Parameters
    ----------
    session : ViewSession
        Where all values come from.
    seconds : callable
        Clock of the replay: seconds that only rise.
    **frame
        Of `View`.

    Attributes
    ----------
    scene : Scene
        What is shown.
    table : pandas.DataFrame
        The last values that are shown.
    """

    name: ClassVar[str] = "monitoring"
    title: ClassVar[str] = "Monitoring"
    keys: ClassVar[tuple[str, ...]] = ("group", "mode")

    def __init__(self, session: ViewSession, *, seconds: Callable[[], float] = time.monotonic, **frame: Any) -> None:
        self.scene = Scene(session, seconds)
        super().__init__(session, **frame)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.table = pd.DataFrame()
        self._quiet = False
        self._ticker = Later(self.on_tick, _TICK)
        self._redraw, self._retell = Later(self.on_redraw, 0.04), Later(self.on_retell, 0.2)
        self._prefetch, self._judge = Later(self.on_prefetch, 0.1), Later(self.on_judge, 0.2)
        self.controls = Controls(self)
        self._charts = Charts(self.tokens, self.on_range, self.on_strip, self.on_all)
        self._panel = Panel(self.on_name)
        self._key = widgets.HTML()
        charts = classed(self._charts.widget, "wb-monitor-charts")
        left = box("wb-strips wb-panel", charts, self._key, self.controls.replay_bar)
        return [self.controls.bar, box("wb-body", left, self._panel.widget)]

    def refresh(self) -> None:
        """Read the session again; what is chosen stays where it can."""
        self.scene.read()
        self._show()

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        self._charts.tokens = self.tokens
        self._charts.clear()
        self._panel.clear()
        self._show()

    # ---- the frame

    def show_selection(self, now: Selected) -> None:
        """Show the channel, or the asset, that was chosen elsewhere; an anomaly with what is around it."""
        known = set(self.scene.fleet["channel"])
        if now.channel and now.channel not in known:
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose one that is there.")
        if now.channel:
            self.scene.select(now.channel)
            if now.anomaly is not None:
                self.scene.show_anomaly(now.anomaly, _AROUND)
        elif now.asset in set(self.scene.fleet["asset"]) and now.asset != self.scene.asset:
            self.scene.set_asset(now.asset)
        self._show()

    def read_state(self) -> Mapping[str, object]:
        """Give time, group and mode, where they are not those that come first."""
        scene = self.scene
        state: dict[str, object] = {"mode": None if scene.mode == MODES[0] else scene.mode}
        state["group"] = None if scene.group == next(iter(scene.groups), "") else scene.group
        if scene.range != scene.extent:
            texts = [time_text(at, dated=scene.dated) for at in scene.range]
            state |= dict(zip(("from", "to"), texts, strict=True))
        return state

    def apply_state(self, state: State) -> None:
        """Show time, group and mode of a link."""
        scene = self.scene
        scene.set_mode(state.get("mode", MODES[0]))
        if state.get("group", next(iter(scene.groups), "")) != scene.group:
            scene.set_group(state.get("group", ""), scene.channel)
        if "from" in state or "to" in state:
            texts = zip(("from", "to"), scene.extent, strict=True)
            scene.show(*(axis_time(state[key]) if key in state else at for key, at in texts))
        elif "anomaly" not in state:
            scene.show(*scene.extent)
        self._show()

    def shown_table(self) -> pd.DataFrame | None:
        """Give the last values."""
        return None if self.table.empty else self.table

    def charts(self) -> Mapping[str, Chart]:
        """Give the charts in the chosen mode, and the gauges."""
        mode = self.scene.mode
        found = {mode.capitalize(): self._charts.chart(mode), "Gauges": self._panel.gauges}
        return {name: chart for name, chart in found.items() if chart is not None}

    def code_lines(self) -> list[str]:
        """Give the cell that makes the table of last values."""
        return code_lines(self.table["channel"].tolist()) if len(self.table) else []

    def set_active(self, active: bool) -> None:
        """Pause a replay that nobody sees."""
        super().set_active(active)
        if not active:
            self.scene.replay.pause()
            self._ticker.cancel()
            self._draw()

    def close(self) -> None:
        """Stop everything that would still happen, and take the view from the page."""
        for later in (self._ticker, self._redraw, self._retell, self._prefetch, self._judge):
            later.cancel()
        self._charts.clear()
        self._panel.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_range(self, start: float, end: float) -> None:
        """Take the range to which the reader has panned or zoomed; pictures follow a little later."""
        self.scene.range = (start, end)
        self._redraw()
        self._retell()

    @callback
    def on_strip(self, place: int) -> None:
        """Choose the channel of a strip that was clicked."""
        if place < len(self.scene.shown):
            self._choose(self.scene.shown[place])

    @callback
    def on_name(self, change: dict[str, Any]) -> None:
        """Choose the channel of a row."""
        if not self._quiet and change["new"] is not None:
            self._choose(change["new"])

    @callback
    def on_all(self) -> None:
        """Show all of the time."""
        self.scene.last(0.0)
        self._go()

    @callback
    def on_asset(self, change: dict[str, Any]) -> None:
        """Show the chosen asset."""
        if not self._quiet and change["new"]:
            self.scene.set_asset(change["new"])
            self._show()
            self.choose(Selected(self.scene.asset, self.scene.channel))

    @callback
    def on_group(self, change: dict[str, Any]) -> None:
        """Show the chosen group of channels."""
        if not self._quiet and change["new"]:
            self.scene.set_group(change["new"])
            self._show()
            self.moved()

    @callback
    def on_mode(self, change: dict[str, Any]) -> None:
        """Show the charts in the chosen mode."""
        if not self._quiet:
            self.scene.set_mode(change["new"])
            self._show()
            self.moved()

    @callback
    def on_page(self, button: widgets.Button) -> None:
        """Show the channels before or after."""
        self.scene.turn(-1 if button is self.controls.previous else 1)
        self._show()

    @callback
    def on_span(self, change: dict[str, Any]) -> None:
        """Show so much time before the newest value."""
        if not self._quiet and change["new"] is not None and change["new"] >= 0:
            self.scene.last(change["new"])
            self._go()

    @callback
    def on_step(self, button: widgets.Button) -> None:
        """Go earlier or later."""
        self.scene.step(_STEP if button is self.controls.later else -_STEP)
        self._go()

    @callback
    def on_zoom(self, button: widgets.Button) -> None:
        """Go closer or wider."""
        self.scene.zoom(1 / _ZOOM if button is self.controls.closer else _ZOOM)
        self._go()

    @callback
    def on_play(self, button: widgets.Button) -> None:
        """Play, or pause."""
        del button
        self.scene.play()
        self.on_tick()

    @callback
    def on_speed(self, change: dict[str, Any]) -> None:
        """Play faster or slower."""
        if not self._quiet:
            self.scene.replay.set_speed(change["new"])

    @callback
    def on_seek(self, change: dict[str, Any]) -> None:
        """Go to a share of the time replayed."""
        if not self._quiet:
            self.scene.seek(change["new"])
            self._redraw()
            self._retell()

    @callback
    def on_latest(self, button: widgets.Button) -> None:
        """Leave the replay."""
        del button
        self.scene.leave_replay()
        self.on_tick()

    @callback
    def on_tick(self) -> None:
        """Show where the replay stands now, and ask to be called again while it plays.

        A page that has not drawn the last picture yet is given no other: they would queue up before all else.
        """
        playing = self.scene.replay.state == "playing"
        chart = self._charts.chart(self.scene.mode)
        if not playing or chart is None or not chart.behind or not self._ticker.deferred:
            self.scene.follow()
            self._draw()
            self._retell()
            chart = self._charts.chart(self.scene.mode)
            if playing and chart is not None:
                chart.ask()
        if self.scene.replay.state == "playing":
            self._ticker()

    @callback
    def on_redraw(self) -> None:
        """Draw what has changed since."""
        self._draw()

    @callback
    def on_retell(self) -> None:
        """Tell the last values again, and where the reader is."""
        self._tell()
        self.moved()

    @callback
    def on_prefetch(self) -> None:
        """Read one more channel of the asset while nobody waits."""
        unread = self.scene.unread
        if unread and self._prefetch.deferred:
            self.scene.store.readable(unread[0])
            if unread[0] in self.scene.shown:
                self._redraw()
                self._retell()
            self._prefetch()

    @callback
    def on_judge(self) -> None:
        """Ask for the quality of one more channel that is shown, and tell it when all of it is known."""
        unjudged = [name for name in self.scene.shown[:_JUDGED] if not self.scene.store.judged(name)]
        self.scene.store.judge(unjudged[:1] if self._judge.deferred else unjudged)
        if len(unjudged) > 1 and self._judge.deferred:
            self._judge()
        elif unjudged:
            self._tell()

    # ---- drawing

    def _choose(self, channel: str) -> None:
        self.scene.channel = channel
        strips = self.scene.strips(at_hand=self._prefetch.deferred)
        if not self._charts.mark(self.scene.mode, strips, channel):
            self._draw()
        with self._quietly():
            self._panel.choose([strip.name for strip in strips], channel)
        self._write(strips)
        self.choose(Selected(self.scene.asset, channel))

    def _go(self) -> None:
        """Show another stretch of time."""
        self._draw()
        self._retell()

    def _show(self) -> None:
        """Show what is chosen; what the asset has beside it is read while nobody waits."""
        with self._quietly():
            self.controls.show(self.scene, self.session.catalog)
        self._draw()
        self._tell()
        self._prefetch()
        self._judge()

    def _draw(self) -> None:
        scene = self.scene
        strips = scene.strips(at_hand=self._prefetch.deferred)
        if strips:
            self._charts.show(scene.mode, strips, *scene.range, scene.until, scene.channel, dated=scene.dated)
        else:
            self._charts.clear()
        with self._quietly():
            self.controls.show_time(scene)
            self._panel.choose([strip.name for strip in strips], scene.channel)

    def _tell(self) -> None:
        scene = self.scene
        strips = scene.strips(at_hand=self._prefetch.deferred)
        now = pd.Timestamp(self.session.clock()).tz_convert(None).to_datetime64()
        self.table = scene.store.table([strip.name for strip in strips], *scene.range, now=now, until=scene.until)
        self._write(strips)

    def _write(self, strips: list[Strip]) -> None:
        """Write what is known of the channels."""
        scene = self.scene
        title = self.session.catalog.asset(scene.asset).name if scene.asset else "No telemetry yet"
        damage = {name: scene.store.damage[name] for name in scene.channels if name in scene.store.damage}
        self.head.value = head_markup(title, self.table, strips, scene.range, scene.until) + damage_card(damage)
        self._key.value = key_markup(strips, scene.channel)
        limited = any(strip.limits for strip in strips)
        self._panel.show(self.table, scene.channel, self.tokens, limited=limited)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Change controls without their callbacks."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before
