"""Beside the charts: the last values as a table whose rows choose, and gauges."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import pandas as pd
from bokeh.plotting import figure

from workbench.names import cut_in_the_middle
from workbench.plots.gauges import gauges_figure, update_gauges
from workbench.plots.theme import Tokens
from workbench.views.monitoring.markup import values_table
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.chart import LiveChart
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["Panel"]

_GAUGES = "Gauges"
_MAX_LETTERS = 22  # of a name in the table


class Panel:
    """Table and gauges of the last values.

    Parameters
    ----------
    tokens : Tokens
        Colours of the theme in use.
    on_name : callable
        Called with the change when the reader has chosen a row.

    Attributes
    ----------
    widget : ipywidgets.Box
        Table and gauges.
    names : ipywidgets.RadioButtons
        The first column of the table: channels, of which one is chosen.
    values : ipywidgets.HTML
        The other columns of the table.
    """

    def __init__(self, tokens: Tokens, on_name: Callable[[dict[str, Any]], None]) -> None:
        self.names: widgets.RadioButtons = classed(widgets.RadioButtons(options=[]), "wb-names")
        self.names.observe(on_name, "value")
        self.values = widgets.HTML()
        self._charts = KeptCharts([_GAUGES], tokens, "wb-gauges wb-panel")
        self._frame = self._charts.boxes[_GAUGES]
        self.widget = box("wb-side", box("wb-values wb-panel", self.names, self.values), self._frame)

    def charts(self) -> Mapping[str, LiveChart]:
        """Return the gauges by their name; empty where no channel shown has limits.

        Returns
        -------
        mapping of str to LiveChart
        """
        return {} if self._frame.layout.display == "none" else self._charts.shown()

    def choose(self, names: Sequence[str], chosen: str) -> None:
        """Write the names of the rows, and mark one.

        Parameters
        ----------
        names : sequence of str
            Channels, from top to bottom.
        chosen : str
            Channel that is marked; empty for none.
        """
        options = tuple((cut_in_the_middle(name, _MAX_LETTERS), name) for name in names)
        if self.names.options != options:
            self.names.options = options
        self.names.value = chosen or None

    def show(self, table: pd.DataFrame, chosen: str, *, limited: bool) -> None:
        """Show the last values.

        Parameters
        ----------
        table : pandas.DataFrame
            As from `ChannelStore.table`.
        chosen : str
            Channel whose row is marked.
        limited : bool
            Whether any channel has limits.
        """
        self.values.value = values_table(table, chosen)
        self._frame.layout.display = None if limited else "none"
        if not limited:
            return

        def make() -> figure:
            plot = gauges_figure(tokens=self._charts.tokens)
            update_gauges(plot, table)
            return plot

        self._charts.show(_GAUGES, make, lambda plot: update_gauges(plot, table))

    def recolour(self, tokens: Tokens) -> None:
        """Remove the gauges from the page, so that they are drawn in other colours.

        Parameters
        ----------
        tokens : Tokens
            Colours of the theme in use.
        """
        self._charts.recolour(tokens)

    def clear(self) -> None:
        """Remove the gauges from the page."""
        self._charts.clear()
