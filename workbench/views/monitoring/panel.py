"""Beside the charts: the last values as a table whose rows choose, and gauges."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import pandas as pd
from bokeh.plotting import figure

from workbench.plots.gauges import gauges_figure, update_gauges
from workbench.plots.theme import Tokens
from workbench.views.monitoring.markup import values_table
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.chart import LiveChart

__all__ = ["Panel"]


class Panel:
    """Table and gauges.

    Parameters
    ----------
    on_name : callable
        Called with the change when the reader has chosen a row.

    Attributes
    ----------
    widget : ipywidgets.Box
    names : ipywidgets.RadioButtons
        The first column of the table: channels, of which one is chosen.
    """

    def __init__(self, on_name: Callable[[dict[str, Any]], None]) -> None:
        self.names: widgets.RadioButtons = classed(widgets.RadioButtons(options=[]), "wb-names")
        self.names.observe(on_name, "value")
        self._values = widgets.HTML()
        self._gauges = box("wb-gauges wb-panel")
        self._plot: figure | None = None
        self.widget = box("wb-side", box("wb-values wb-panel", self.names, self._values), self._gauges)

    @property
    def gauges(self) -> LiveChart | None:
        """The chart of the gauges; None where no channel shown has limits."""
        return self._gauges.children[0] if self._gauges.children and self._gauges.layout.display != "none" else None

    def choose(self, names: Sequence[str], chosen: str) -> None:
        """Give the rows their names."""
        if self.names.options != tuple(names):
            self.names.options = tuple(names)
        self.names.value = chosen or None

    def show(self, table: pd.DataFrame, chosen: str, tokens: Tokens, *, limited: bool) -> None:
        """Show last values.

        Parameters
        ----------
        table : pandas.DataFrame
            As from `ChannelStore.table`.
        chosen : str
            Channel whose row is marked.
        tokens : Tokens
            Colours.
        limited : bool
            Whether any channel has limits.
        """
        self._values.value = values_table(table, chosen)
        self._gauges.layout.display = None if limited else "none"
        if not limited:
            return
        if self._plot is None:
            self._plot = gauges_figure(tokens=tokens)
            update_gauges(self._plot, table)
            self._gauges.children = [LiveChart(self._plot)]
            return
        with self._gauges.children[0].together():
            update_gauges(self._plot, table)

    def clear(self) -> None:
        """Forget the gauges, as when their colours change."""
        before, self._gauges.children, self._plot = self._gauges.children, (), None
        for child in before:
            child.close()
