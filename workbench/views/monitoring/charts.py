"""The charts of monitoring in their four modes, all over one time axis."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
from bokeh.events import DoubleTap, Tap
from bokeh.layouts import column
from bokeh.models import Range1d
from bokeh.plotting import figure

from workbench.plots.heat_map import heat_map_figure, update_heat_map
from workbench.plots.overlay import lanes_figure, overlay_figure, update_lanes, update_overlay
from workbench.plots.strip_data import Strip
from workbench.plots.strips import base_figure, name_strip, strip_figure, update_strip
from workbench.plots.theme import Tokens
from workbench.views.widgets.chart import LiveChart

__all__ = ["MODES", "STRIPS", "Charts"]

MODES = ("strips", "overlay", "stacked", "heat map")
STRIPS = 8
"""Most strips, and most lines over each other, at a time."""

_AXIS = 26  # pixels


class Charts:
    """A box with one chart a mode, made when it is first shown.

    Parameters
    ----------
    tokens : Tokens
        Colours.
    on_range : callable
        Called with start and end when the reader has panned or zoomed.
    on_choose : callable
        Called with the place of the strip that was clicked.
    on_all : callable
        Called when all of the time is asked for.

    Attributes
    ----------
    widget : ipywidgets.Box
    """

    def __init__(
        self,
        tokens: Tokens,
        on_range: Callable[[float, float], None],
        on_choose: Callable[[int], None],
        on_all: Callable[[], None],
    ) -> None:
        self.tokens = tokens
        self.widget = widgets.Box()
        self._on_range, self._on_choose, self._on_all = on_range, on_choose, on_all
        self._made: dict[str, tuple[LiveChart, list[figure]]] = {}
        self._dated: bool | None = None
        self._moving = False

    def figures(self, mode: str) -> list[figure]:
        """Give the figures of a mode that has been shown; the last of `strips` is the time axis."""
        return self._made[mode][1] if mode in self._made else []

    def chart(self, mode: str) -> LiveChart | None:
        """Give the chart of a mode; None where it has not been shown."""
        return self._made[mode][0] if mode in self._made else None

    def clear(self) -> None:
        """Forget every chart, as when their colours change."""
        before = self.widget.children
        self.widget.children = ()
        self._made.clear()
        for child in before:
            child.close()

    def show(
        self, mode: str, strips: Sequence[Strip], start: float, end: float, until: float, chosen: str, *, dated: bool
    ) -> None:
        """Draw channels from start to end in a mode, and hide the other modes.

        Parameters
        ----------
        mode : str
            One of `MODES`.
        strips : sequence of Strip
            At most `STRIPS` for `strips`.
        start, end, until : float
            As for `workbench.plots.strips.update_strip`.
        chosen : str
            Channel that is marked.
        dated : bool
            Whether time is stamps.
        """
        if dated != self._dated:
            self.clear()
            self._dated = dated
        if mode not in self._made:
            figures = self._make(mode, start, end)
            self._draw(mode, figures, strips, (start, end), until, chosen)
            chart = LiveChart(column(*figures, sizing_mode="stretch_both", spacing=0))
            self._made[mode] = (chart, figures)
            self.widget.children = [*self.widget.children, chart]
        else:
            chart, figures = self._made[mode]
            with chart.together():
                self._draw(mode, figures, strips, (start, end), until, chosen)
        for name, (other, _) in self._made.items():
            other.layout.display = None if name == mode else "none"

    def mark(self, mode: str, strips: Sequence[Strip], chosen: str) -> bool:
        """Mark another channel without drawing anew; tell whether that could be done in this mode."""
        if mode != "strips" or mode not in self._made:
            return mode == "heat map"
        chart, figures = self._made[mode]
        with chart.together():
            for plot, strip in zip(figures, strips, strict=False):
                name_strip(plot, strip, self._colour(strip, chosen))
        return True

    def _colour(self, strip: Strip, chosen: str) -> str:
        return self.tokens.accent if strip.name == chosen else self.tokens.text

    def _draw(
        self,
        mode: str,
        figures: Sequence[figure],
        strips: Sequence[Strip],
        shown: tuple[float, float],
        until: float,
        chosen: str,
    ) -> None:
        self._moving = True
        figures[0].x_range.update(start=shown[0], end=shown[1])
        self._moving = False
        if mode == "overlay":
            update_overlay(figures[0], strips, *shown, until, chosen)
        elif mode == "stacked":
            update_lanes(figures[0], strips, *shown, until, chosen)
        elif mode == "heat map":
            update_heat_map(figures[0], strips, *shown, until)
        else:
            for place, plot in enumerate(figures[:-1]):
                plot.visible = place < len(strips)
                if plot.visible:
                    update_strip(plot, strips[place], *shown, until, colour=self._colour(strips[place], chosen))

    def _make(self, mode: str, start: float, end: float) -> list[figure]:
        style: dict[str, Any] = {"dated": bool(self._dated), "tokens": self.tokens, "x_range": Range1d(start, end)}
        if mode == "strips":
            axis = _axis(style)
            ticker = axis.xaxis[0].ticker
            figures = [strip_figure(f"strip {place}", ticker=ticker, **style) for place in range(STRIPS)] + [axis]
        else:
            makers = {"overlay": overlay_figure, "stacked": lanes_figure, "heat map": heat_map_figure}
            figures = [makers[mode](**style)]
        for name in ("start", "end"):
            style["x_range"].on_change(name, self._on_axis)
        for plot in figures:
            plot.on_event(DoubleTap, self._on_double_tap)
            if mode == "strips":
                plot.on_event(Tap, self._on_tap)
        return figures

    def _on_axis(self, attr: str, old: float, new: float) -> None:
        del attr, old, new
        if self._moving:
            return
        shown = next(figures for chart, figures in self._made.values() if chart.layout.display != "none")
        self._on_range(float(shown[0].x_range.start), float(shown[0].x_range.end))

    def _on_tap(self, event: Tap) -> None:
        names = [plot.name for plot in self.figures("strips")]
        self._on_choose(names.index(event.model.name))

    def _on_double_tap(self, event: DoubleTap) -> None:
        del event
        self._on_all()


def _axis(style: dict[str, Any]) -> figure:
    plot = base_figure("axis", height=_AXIS, **style)
    plot.update(sizing_mode="stretch_width", height=_AXIS, min_height=_AXIS, max_height=_AXIS)
    plot.yaxis.visible = False
    plot.grid.visible = False
    return plot
