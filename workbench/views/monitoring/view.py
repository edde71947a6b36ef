"""Monitoring: the channels of an asset as linked strip charts with their last values, now or replayed."""

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from bokeh.plotting import figure

from workbench.exceptions import ViewError
from workbench.plots.strip_data import Strip
from workbench.views.base import View, ViewSession, callback
from workbench.views.monitoring.charts import MODES, Charts
from workbench.views.monitoring.controls import Controls
from workbench.views.monitoring.markup import code_lines, head_markup, key_markup, silence_words
from workbench.views.monitoring.panel import Panel
from workbench.views.monitoring.scene import Scene
from workbench.views.state import Selected, State, axis_time, time_text
from workbench.views.widgets.boxes import box
from workbench.views.widgets.callbacks import Guard, Quiet
from workbench.views.widgets.cards import damage_card
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.timers import Later

__all__ = ["Monitoring"]

_TICK_S = 0.25  # between two pictures of a replay
_ARRIVAL_S = 0.3  # from a picture that the page has not drawn yet to the next
_VALUES_S = 0.9  # from what has come to the table of last values, which is read, not watched
_GROWTH_S = 1.0  # from news of the archive to their picture; what arrives is drawn before
_STEP = 0.5  # share of the time shown that a step goes on
_ZOOM = 2.0
_AROUND = 2.0  # lengths of an anomaly that are shown on either side of it
_MAX_QUALITY = 8  # channels whose quality is read


class Monitoring(View):
    """An asset's telemetry as it comes, or as it came.

    Parameters
    ----------
    session : ViewSession
        Where all values come from.
    seconds : callable
        Clock of the replay: seconds that only rise.
    **frame
        Parameters of `View`.

    Attributes
    ----------
    scene : Scene
        What is shown.
    controls : Controls
        Widgets that choose asset, channels, time and replay.
    panel : Panel
        Last values and gauges.
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
        self._quiet = Quiet()
        self._ticker = Later(self.on_tick, _TICK_S)
        self._redraw = Later(self.on_redraw, 0.04)
        self._rewrite = Later(self.on_rewrite, 0.2)
        self._prefetch = Later(self.on_prefetch, 0.1)
        self._read_quality = Later(self.on_quality, 0.2)
        self._growth = Later(self.on_growth, _GROWTH_S)
        self._arrival = Later(self.on_arrival, _ARRIVAL_S)
        self._revalue = Later(self.on_values, _VALUES_S)
        self._timers = (
            self._ticker,
            self._growth,
            self._arrival,
            self._revalue,
            self._redraw,
            self._rewrite,
            self._prefetch,
            self._read_quality,
        )
        self.controls = Controls(self)
        self._charts = Charts(self.tokens, self.on_range, self.on_strip, self.on_all)
        self.panel = Panel(self.tokens, self.on_name)
        self._key = widgets.HTML()
        left = box("wb-strips wb-panel", self._charts.widget, self._key, self.controls.replay_bar)
        return [self.controls.bar, box("wb-body", left, self.panel.widget)]

    def refresh(self) -> None:
        """Read the session again; what is chosen stays where it can."""
        self.scene.read()
        self._show()

    def show_logged(self) -> None:
        """Read again only what has been published since: alerts and orders are not shown here."""
        if not self.active:
            super().show_logged()
            return
        with Guard(self, "refresh"):
            self.scene.read(anew=False)
            self.scene.arrive()
            self._show()

    def show_newest(self) -> None:
        """Show what has come since; a stretch of time that does not end with the newest value stays as it is."""
        if not self.active:
            self.outdate()
        else:
            self._growth()

    def show_arriving(self) -> None:
        """Show the samples that have come and are not in the archive yet, as `show_newest` does."""
        if self.active:
            self.on_arrival()

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        self._charts.recolour(self.tokens)
        self.panel.recolour(self.tokens)
        self._show()

    # ---- the frame

    def show_selection(self, now: Selected) -> None:
        """Show the channel, or the asset, that was selected elsewhere; an anomaly with the time around it.

        Parameters
        ----------
        now : Selected
            Asset, channel and anomaly that are selected.
        """
        if now.channel and now.channel not in set(self.scene.fleet["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose a channel of the archive.")
        if now.channel:
            self.scene.select(now.channel)
            if now.anomaly is not None:
                self.scene.show_anomaly(now.anomaly, _AROUND)
        elif now.asset in set(self.scene.fleet["asset"]) and now.asset != self.scene.asset:
            self.scene.set_asset(now.asset)
        self._show()

    def read_state(self) -> Mapping[str, object]:
        """Return time, group and mode, where they differ from the first choice."""
        scene = self.scene
        state: dict[str, object] = {"mode": None if scene.mode == MODES[0] else scene.mode}
        state["group"] = None if scene.group == next(iter(scene.groups), "") else scene.group
        if scene.range != scene.first_range:
            texts = [time_text(at, dated=scene.dated) for at in scene.range]
            state |= dict(zip(("from", "to"), texts, strict=True))
        return state

    def apply_state(self, state: State) -> None:
        """Show time, group and mode of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        scene = self.scene
        scene.set_mode(state.get("mode", MODES[0]))
        if state.get("group", next(iter(scene.groups), "")) != scene.group:
            scene.set_group(state.get("group", ""), scene.channel)
        if "from" in state or "to" in state:
            texts = zip(("from", "to"), scene.extent, strict=True)
            scene.show(*(axis_time(state[key]) if key in state else at for key, at in texts))
        elif "anomaly" not in state:
            scene.show(*scene.first_range)
        self._show()

    def shown_table(self) -> pd.DataFrame | None:
        """Return the last values."""
        return None if self.table.empty else self.table

    def charts(self) -> Mapping[str, Chart]:
        """Return the chart of the chosen mode, and the gauges."""
        mode = self.scene.mode
        chart = self._charts.chart(mode)
        return {**({} if chart is None else {mode.capitalize(): chart}), **self.panel.charts()}

    @property
    def pending(self) -> bool:
        """Whether anything is still to be drawn, read or written a little later."""
        return any(later.pending for later in self._timers)

    def figures(self) -> list[figure]:
        """Return the Bokeh figures of the chosen mode, from top to bottom."""
        return self._charts.figures(self.scene.mode)

    def code_lines(self) -> list[str]:
        """Return the lines that compute the table of last values."""
        return code_lines(self.table["channel"].tolist()) if len(self.table) else []

    def set_active(self, active: bool) -> None:
        """Pause a replay while the view is hidden.

        Parameters
        ----------
        active : bool
            Whether the view is on screen.
        """
        super().set_active(active)
        if not active:
            self.scene.replay.pause()
            self._ticker.cancel()
            self._draw()

    def close(self) -> None:
        """Stop everything that would still happen, and take the view from the page."""
        for later in self._timers:
            later.cancel()
        self._charts.clear()
        self.panel.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_range(self, start: float, end: float) -> None:
        """Show the time to which the reader has panned or zoomed; pictures follow a little later."""
        self.scene.range = (start, end)
        self._redraw()
        self._rewrite()

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
        """Show the page of channels before or after."""
        self.scene.turn(-1 if button is self.controls.previous else 1)
        self._show()

    @callback
    def on_span(self, change: dict[str, Any]) -> None:
        """Show the chosen time before the newest value."""
        if not self._quiet and change["new"] is not None and change["new"] >= 0:
            self.scene.last(change["new"])
            self._go()

    @callback
    def on_step(self, button: widgets.Button) -> None:
        """Show an earlier or a later time."""
        self.scene.step(_STEP if button is self.controls.later else -_STEP)
        self._go()

    @callback
    def on_zoom(self, button: widgets.Button) -> None:
        """Zoom in or out."""
        self.scene.zoom(1 / _ZOOM if button is self.controls.closer else _ZOOM)
        self._go()

    @callback
    def on_play(self, button: widgets.Button) -> None:
        """Start or pause the replay."""
        del button
        self.scene.play()
        self.on_tick()

    @callback
    def on_speed(self, change: dict[str, Any]) -> None:
        """Change the speed of the replay."""
        if not self._quiet:
            self.scene.replay.set_speed(change["new"])

    @callback
    def on_seek(self, change: dict[str, Any]) -> None:
        """Move the replay to the position of the slider."""
        if not self._quiet:
            self.scene.seek(change["new"])
            self._redraw()
            self._rewrite()

    @callback
    def on_latest(self, button: widgets.Button) -> None:
        """End the replay, show the newest values, and follow those that come."""
        del button
        self.scene.leave_replay()
        start, end = self.scene.range
        if end < self.scene.extent[1]:
            self.scene.last(end - start)
            self._rewrite()
        self.on_tick()

    @callback
    def on_tick(self) -> None:
        """Show the position of the replay, and ask to be called again while it plays.

        A page that has not drawn the last picture yet gets no other: they would queue up before all else.
        """
        playing = self.scene.replay.state == "playing"
        chart = self._charts.chart(self.scene.mode)
        if not playing or chart is None or not chart.behind or not self._ticker.deferred:
            self.scene.follow()
            self._draw()
            self._rewrite()
            chart = self._charts.chart(self.scene.mode)
            if playing and chart is not None:
                chart.ask()
        if self.scene.replay.state == "playing":
            self._ticker()

    @callback
    def on_growth(self) -> None:
        """Read and draw what has come since, once the page has drawn what came before."""
        chart = self._charts.chart(self.scene.mode)
        if chart is not None and chart.behind and self._growth.deferred:
            self._growth()
            return
        self.scene.grow()
        self._draw_added()
        chart = self._charts.chart(self.scene.mode)
        if chart is not None:
            chart.ask()

    @callback
    def on_arrival(self) -> None:
        """Draw what has come since; a page that has not drawn the last picture yet gets it with the next."""
        chart = self._charts.chart(self.scene.mode)
        if chart is not None and chart.behind and self._arrival.deferred:
            self._arrival()
            return
        if not self.scene.arrive():
            return
        self._draw_added()
        if chart is not None:
            chart.ask()

    @callback
    def on_values(self) -> None:
        """Write the last values of the channels that are shown."""
        self._write_values()

    @callback
    def on_redraw(self) -> None:
        """Draw what has changed since."""
        self._draw()

    @callback
    def on_rewrite(self) -> None:
        """Write the last values again, and put the time shown into the address."""
        self._write_values()
        self.moved()

    @callback
    def on_prefetch(self) -> None:
        """Read one more channel of the asset while the kernel is idle."""
        unread = self.scene.unread
        if unread and self._prefetch.deferred:
            self.scene.store.readable(unread[0])
            if unread[0] in self.scene.shown:
                self._redraw()
                self._rewrite()
            self._prefetch()

    @callback
    def on_quality(self) -> None:
        """Read the quality of one more channel that is shown, and write it when all of them have been read."""
        unread = [name for name in self.scene.shown[:_MAX_QUALITY] if not self.scene.store.has_quality(name)]
        self.scene.store.read_quality(unread[:1] if self._read_quality.deferred else unread)
        if len(unread) > 1 and self._read_quality.deferred:
            self._read_quality()
        elif unread:
            self._write_values()

    # ---- drawing

    def _choose(self, channel: str) -> None:
        self.scene.channel = channel
        strips = self.scene.strips(at_hand=self._prefetch.deferred)
        if not self._charts.mark(self.scene.mode, strips, channel):
            self._draw()
        with self._quiet:
            self.panel.choose([strip.name for strip in strips], channel)
        self._write(strips)
        self.choose(Selected(self.scene.asset, channel))

    def _go(self) -> None:
        """Show another stretch of time."""
        self._draw()
        self._rewrite()

    def _show(self) -> None:
        """Show what is chosen; the other channels of the asset are read while the kernel is idle."""
        with self._quiet:
            self.controls.show(self.scene, self.session.catalog)
        self._draw()
        self._write_values()
        self._prefetch()
        self._read_quality()

    def _draw(self) -> None:
        scene = self.scene
        strips = scene.strips(at_hand=self._prefetch.deferred)
        if strips:
            self._charts.show(scene.mode, strips, *scene.range, scene.until, scene.channel, dated=scene.dated)
        else:
            self._charts.clear()
        with self._quiet:
            self.controls.show_time(scene)
            self.panel.choose([strip.name for strip in strips], scene.channel)

    def _draw_added(self) -> None:
        """Draw what has been added to the channels that are shown."""
        scene = self.scene
        strips = scene.strips(at_hand=self._prefetch.deferred)
        new = scene.store.rewritten()
        if strips:
            shown = (*scene.range, scene.until, scene.channel)
            self._charts.extend(scene.mode, strips, *shown, dated=scene.dated, rewritten=new)
        else:
            self._charts.clear()
        with self._quiet:
            self.controls.show_time(scene)
            self.panel.choose([strip.name for strip in strips], scene.channel)
        self._revalue()

    def _write_values(self) -> None:
        scene = self.scene
        strips = scene.strips(at_hand=self._prefetch.deferred)
        now = pd.Timestamp(self.session.clock()).tz_convert(None).to_datetime64()
        self.table = scene.store.table([strip.name for strip in strips], *scene.range, now=now, until=scene.until)
        self._write(strips)

    def _write(self, strips: list[Strip]) -> None:
        """Write headline, key and last values."""
        scene = self.scene
        title = self.session.catalog.asset(scene.asset).name if scene.asset else "No telemetry yet"
        damage = {name: scene.store.damage[name] for name in scene.channels if name in scene.store.damage}
        head = head_markup(title, self.table, strips, scene.range, scene.until, len(damage))
        self.head.value = head + damage_card(damage)
        self._key.value = key_markup(strips, scene.channel)
        self._charts.mark_silences(scene.mode, silence_words(self.table))
        limited = any(strip.limits for strip in strips)
        self.panel.show(self.table, scene.channel, limited=limited)
