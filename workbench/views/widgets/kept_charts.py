"""Charts that are made once and changed afterwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from bokeh.layouts import column
from bokeh.plotting import figure

from workbench.plots.theme import Tokens
from workbench.views.widgets.boxes import box
from workbench.views.widgets.chart import LiveChart

__all__ = ["KeptCharts"]


@dataclass(frozen=True)
class _Made:
    """A chart with the figures in it, and the kind for which it was made."""

    chart: LiveChart
    figures: Any
    kind: object


class KeptCharts:
    """A box for each chart; a chart is made when it is first shown, and anew in other colours or on another axis.

    Parameters
    ----------
    names : sequence of str
        Names of the charts on screen.
    tokens : Tokens
        Colours of the theme in use.
    css : str
        CSS classes of each box.

    Attributes
    ----------
    tokens : Tokens
        Colours for the charts that are made from now on; see `recolour`.
    boxes : dict of str to ipywidgets.Box
        Boxes by the name of the chart.
    """

    def __init__(self, names: Sequence[str], tokens: Tokens, css: str = "wb-chart") -> None:
        self.tokens = tokens
        self.boxes: dict[str, widgets.Box] = {name: box(f"{css} wb-drawn") for name in names}
        self._made: dict[str, _Made] = {}

    def shown(self) -> dict[str, LiveChart]:
        """Return the charts that have been made, by name.

        Returns
        -------
        dict of str to LiveChart
            Charts in the order of the boxes.
        """
        return {name: self._made[name].chart for name in self.boxes if name in self._made}

    def figures(self, name: str) -> list[figure]:
        """Return the Bokeh figures of a chart.

        Parameters
        ----------
        name : str
            Name of the chart.

        Returns
        -------
        list of bokeh.plotting.figure
            Figures from top to bottom; empty where the chart has not been made.
        """
        made = self._made.get(name)
        if made is None:
            return []
        return list(made.figures.values()) if isinstance(made.figures, Mapping) else [made.figures]

    def show(self, name: str, make: Callable[[], Any], update: Callable[[Any], None], kind: object = None) -> None:
        """Change a chart, or make it where there is none of its kind.

        Parameters
        ----------
        name : str
            Name of the chart.
        make : callable
            Returns a figure, or a mapping of figures, which stand one above the other.
        update : callable
            Called with what `make` returned when the chart is shown again.
        kind : object
            Whatever a chart cannot change, as the kind of its time axis; for another kind it is made anew.
        """
        made = self._made.get(name)
        if made is not None and made.kind == kind:
            with made.chart.together():
                update(made.figures)
            return
        self.clear(name)
        figures = make()
        layout = figures if isinstance(figures, figure) else column(*figures.values(), sizing_mode="stretch_both")
        self._made[name] = _Made(LiveChart(layout), figures, kind)
        self.boxes[name].children = (self._made[name].chart,)

    def clear(self, *names: str) -> None:
        """Remove charts from the page, so that they are made anew when they are shown.

        Parameters
        ----------
        *names : str
            Names of the charts; all charts where omitted.
        """
        for name in names or self.boxes:
            made = self._made.pop(name, None)
            self.boxes[name].children = ()
            if made is not None:
                made.chart.close()

    def recolour(self, tokens: Tokens) -> None:
        """Remove the charts from the page, so that they are made anew in other colours.

        Parameters
        ----------
        tokens : Tokens
            Colours of the theme in use.
        """
        self.tokens = tokens
        self.clear()
