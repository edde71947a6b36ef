"""Charts that are made once and changed afterwards."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
from bokeh.layouts import column
from bokeh.plotting import figure

from workbench.plots.theme import Tokens
from workbench.views.widgets.boxes import box
from workbench.views.widgets.chart import LiveChart

__all__ = ["KeptCharts"]


class KeptCharts:
    """A box for each chart; a chart is made when it is first shown, and anew in other colours or on another axis.

    Parameters
    ----------
    names : sequence of str
        Words of the charts.
    tokens : Tokens
        Colours.

    Attributes
    ----------
    boxes : dict of str to ipywidgets.Box
        By the words of the chart.
    """

    def __init__(self, names: Sequence[str], tokens: Tokens) -> None:
        self.tokens = tokens
        self.boxes: dict[str, widgets.Box] = {name: box("wb-chart") for name in names}
        self._made: dict[str, tuple[LiveChart, Any, object]] = {}

    def shown(self) -> dict[str, LiveChart]:
        """Give the charts that there are, by their words."""
        return {name: self._made[name][0] for name in self.boxes if name in self._made}

    def show(self, name: str, make: Callable[[], Any], update: Callable[[Any], None], kind: object = None) -> None:
        """Change a chart, or make it where there is none of its kind.

        Parameters
        ----------
        name : str
        make : callable
            Gives a figure, or several by name, which stand one above the other.
        update : callable
            Called with what `make` gave.
        kind : object
            Of another kind, as with another axis, it is made anew.
        """
        made = self._made.get(name)
        if made is not None and made[2] == kind:
            with made[0].together():
                update(made[1])
            return
        self.clear(name)
        drawn = make()
        layout = drawn if isinstance(drawn, figure) else column(*drawn.values(), sizing_mode="stretch_both")
        chart = LiveChart(layout)
        self._made[name] = (chart, drawn, kind)
        self.boxes[name].children = (chart,)

    def clear(self, *names: str) -> None:
        """Forget charts, all where none is named."""
        for name in names or self.boxes:
            made = self._made.pop(name, None)
            self.boxes[name].children = ()
            if made is not None:
                made[0].close()
