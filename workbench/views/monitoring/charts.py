"""The charts of monitoring in their four modes, all over one time axis."""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from bokeh.events import DoubleTap, Tap
from bokeh.models import Range1d
from bokeh.plotting import figure

from workbench.plots.heat_map import heat_map_figure, update_heat_map
from workbench.plots.overlay import lanes_figure, overlay_figure, update_lanes, update_overlay
from workbench.plots.strip_data import Strip
from workbench.plots.strips import base_figure, extend_strip, mark_silence, name_strip, strip_figure, update_strip
from workbench.plots.theme import Tokens
from workbench.views.widgets.boxes import box
from workbench.views.widgets.chart import LiveChart
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["MODES", "STRIPS", "Charts"]

MODES = ("strips", "overlay", "stacked", "heat map")
STRIPS = 8
"""Most strips, and most lines in one chart, at a time."""

_PIXELS = 1_000
"""About as wide is a chart."""

_AXIS_PX = 26
"""Height of the time axis under the strips."""


class Charts:
    """A chart for each mode, made when it is first shown.

    Parameters
    ----------
    tokens : Tokens
        Colours of the theme in use.
    on_range : callable
        Called with start and end when the reader has panned or zoomed.
    on_choose : callable
        Called with the place of the strip that was clicked.
    on_all : callable
        Called when the reader asks for all of the time.

    Attributes
    ----------
    widget : ipywidgets.Box
        Charts of all modes, of which one is shown.
    """

    def __init__(
        self,
        tokens: Tokens,
        on_range: Callable[[float, float], None],
        on_choose: Callable[[int], None],
        on_all: Callable[[], None],
    ) -> None:
        self._charts = KeptCharts(MODES, tokens, "wb-monitor-chart")
        self.widget = box("wb-monitor-charts", *self._charts.boxes.values())
        self._on_range = on_range
        self._on_choose = on_choose
        self._on_all = on_all
        self._mode = MODES[0]
        self._drawn: tuple[str, list[str]] = "", []  # mode and channels that were drawn last
        self._newest = 0.0  # where they ended
        self._moving = False  # whether the axis is moved by the view and not by the reader

    @property
    def tokens(self) -> Tokens:
        """Colours of the theme in use."""
        return self._charts.tokens

    def figures(self, mode: str) -> list[figure]:
        """Return the figures of a mode.

        Parameters
        ----------
        mode : str
            One of `MODES`.

        Returns
        -------
        list of bokeh.plotting.figure
            Empty where the mode has not been shown; the last of `strips` is the time axis.
        """
        return self._charts.figures(mode)

    def chart(self, mode: str) -> LiveChart | None:
        """Return the chart of a mode.

        Parameters
        ----------
        mode : str
            One of `MODES`.

        Returns
        -------
        LiveChart or None
            None where the mode has not been shown.
        """
        return self._charts.shown().get(mode)

    def clear(self) -> None:
        """Remove all charts from the page."""
        self._charts.clear()

    def recolour(self, tokens: Tokens) -> None:
        """Remove all charts from the page, so that they are drawn in other colours.

        Parameters
        ----------
        tokens : Tokens
            Colours of the theme in use.
        """
        self._charts.recolour(tokens)

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
        self._mode = mode
        self._drawn = mode, [strip.name for strip in strips]
        self._newest = max(strip.extent[1] for strip in strips)

        def draw(figures: Mapping[str, figure]) -> None:
            self._draw(mode, list(figures.values()), strips, (start, end), until, chosen)

        def make() -> dict[str, figure]:
            figures = self._make(mode, start, end, dated=dated)
            draw(figures)
            return figures

        self._charts.show(mode, make, draw, dated)
        for name, frame in self._charts.boxes.items():
            frame.layout.display = None if name == mode else "none"

    def extend(
        self,
        mode: str,
        strips: Sequence[Strip],
        start: float,
        end: float,
        until: float,
        chosen: str,
        *,
        dated: bool,
        rewritten: Set[str] = frozenset(),
    ) -> None:
        """Draw what has been added since, once it is more than a pixel wide; the page is sent no more than that.

        Parameters
        ----------
        mode, strips, start, end, until, chosen, dated
            As for `show`.
        rewritten : set of str
            Channels of which something else has changed, too.
        """
        newest = max(strip.extent[1] for strip in strips)
        same = (mode, [strip.name for strip in strips]) == self._drawn
        if same and not rewritten and 0 <= newest - self._newest < (end - start) / _PIXELS:
            return
        chart = self.chart(mode)
        if not same or mode != "strips" or chart is None or until < float("inf"):
            self.show(mode, strips, start, end, until, chosen, dated=dated)
            return
        self._newest = newest
        with chart.together():
            figures = self.figures(mode)
            self._move(figures[0], start, end)
            for plot, strip in zip(figures, strips, strict=False):
                if strip.name in rewritten or not extend_strip(plot, strip, start, end):
                    update_strip(plot, strip, start, end, until, colour=self._colour(strip, chosen))

    def mark(self, mode: str, strips: Sequence[Strip], chosen: str) -> bool:
        """Mark another channel without drawing the charts again.

        Parameters
        ----------
        mode : str
            One of `MODES`.
        strips : sequence of Strip
            Channels on screen.
        chosen : str
            Channel that is marked.

        Returns
        -------
        bool
            Whether that is possible in this mode.
        """
        chart = self.chart(mode)
        if mode != "strips" or chart is None:
            return mode == "heat map"  # it marks no channel
        with chart.together():
            for plot, strip in zip(self.figures(mode), strips, strict=False):
                name_strip(plot, strip, self._colour(strip, chosen))
        return True

    def mark_silences(self, mode: str, words: Sequence[str]) -> None:
        """Write on the strips from which nothing comes that it is so; other modes have no room for it.

        Parameters
        ----------
        mode : str
            One of `MODES`.
        words : sequence of str
            What is written on each strip, from top to bottom; empty where values come.
        """
        chart = self.chart(mode)
        if mode == "strips" and chart is not None:
            with chart.together():
                for plot, one in zip(self.figures(mode), words, strict=False):
                    mark_silence(plot, one)

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
        self._move(figures[0], *shown)
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

    def _move(self, plot: figure, start: float, end: float) -> None:
        self._moving = True
        plot.x_range.update(start=start, end=end)
        self._moving = False

    def _make(self, mode: str, start: float, end: float, *, dated: bool) -> dict[str, figure]:
        style: dict[str, Any] = {"dated": dated, "tokens": self.tokens, "x_range": Range1d(start, end)}
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
        return {plot.name: plot for plot in figures}

    def _on_axis(self, attr: str, old: float, new: float) -> None:
        del attr, old, new
        shown = self.figures(self._mode)
        if shown and not self._moving:
            self._on_range(float(shown[0].x_range.start), float(shown[0].x_range.end))

    def _on_tap(self, event: Tap) -> None:
        names = [plot.name for plot in self.figures("strips")]
        self._on_choose(names.index(event.model.name))

    def _on_double_tap(self, event: DoubleTap) -> None:
        del event
        self._on_all()


def _axis(style: dict[str, Any]) -> figure:
    plot = base_figure("axis", height=_AXIS_PX, **style)
    plot.update(sizing_mode="stretch_width", height=_AXIS_PX, min_height=_AXIS_PX, max_height=_AXIS_PX)
    plot.yaxis.visible = False
    plot.grid.visible = False
    return plot
