"""The charts of forecasting, each made once and changed afterwards."""

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets
import pandas as pd
import xarray as xr
from bokeh.layouts import column
from bokeh.plotting import figure

from workbench.maintenance.risk import risk_cells
from workbench.plots.decomposition import decomposition_figures, update_decomposition_figures
from workbench.plots.fan import fan_figure, update_fan_figure
from workbench.plots.lead_errors import lead_figure, update_lead_figure
from workbench.plots.risk_matrix import risk_matrix_figure, update_risk_matrix
from workbench.plots.series import is_dated
from workbench.plots.theme import Tokens
from workbench.views.boxes import box
from workbench.views.monitoring_chart import LiveChart

__all__ = ["Charts"]

NAMES = ("Forecast", "Parts", "Error by lead time", "Coverage by lead time", "Risk matrix")


class Charts:
    """A box for each chart; a chart is made when it is first shown, and anew in other colours or on another axis.

    Parameters
    ----------
    tokens : Tokens
        Colours.

    Attributes
    ----------
    boxes : dict of str to ipywidgets.Box
        By the words of the chart.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.boxes: dict[str, widgets.Box] = {name: box("wb-chart") for name in NAMES}
        self._made: dict[str, tuple[LiveChart, Any, object]] = {}

    def shown(self) -> dict[str, LiveChart]:
        """Give the charts that there are, by their words."""
        return {name: self._made[name][0] for name in NAMES if name in self._made}

    def fan(self, history: xr.Dataset, forecast: xr.Dataset, limits: Mapping[str, float]) -> None:
        """Show the forecast after the telemetry that it was made from."""
        given = (history, forecast, limits)
        self._show(
            "Forecast",
            is_dated(history),
            lambda: fan_figure(*given, tokens=self.tokens),
            lambda plot: update_fan_figure(plot, *given),
        )

    def parts(self, parts: xr.Dataset) -> None:
        """Show trend, season and remainder."""
        self._show(
            "Parts",
            is_dated(parts),
            lambda: decomposition_figures(parts, tokens=self.tokens),
            lambda figures: update_decomposition_figures(figures, parts),
        )

    def leads(self, by_lead: xr.Dataset, chosen: str, units: str, confidence: float) -> None:
        """Show error and coverage by lead time."""
        words = f"RMSE by samples ahead{f', {units}' if units else ''}"
        self._show(
            "Error by lead time",
            None,
            lambda: lead_figure(by_lead, "rmse", chosen, words=words, tokens=self.tokens),
            lambda plot: update_lead_figure(plot, by_lead, "rmse", chosen, words=words),
        )
        inside = f"Share inside the {confidence:.0%} interval"
        self._show(
            "Coverage by lead time",
            None,
            lambda: lead_figure(by_lead, "coverage", chosen, words=inside, target=confidence, tokens=self.tokens),
            lambda plot: update_lead_figure(plot, by_lead, "coverage", chosen, words=inside, target=confidence),
        )

    def risks(self, risks: pd.DataFrame) -> None:
        """Show the assets in the matrix."""
        self._show(
            "Risk matrix",
            None,
            lambda: risk_matrix_figure(risk_cells(), risks, tokens=self.tokens),
            lambda plot: update_risk_matrix(plot, risks),
        )

    def clear(self, *names: str) -> None:
        """Forget charts, all where none is named."""
        for name in names or NAMES:
            made = self._made.pop(name, None)
            self.boxes[name].children = ()
            if made is not None:
                made[0].close()

    def _show(self, name: str, kind: object, make: Callable[[], Any], update: Callable[[Any], None]) -> None:
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
