"""The charts of forecasting, each made once and changed afterwards."""

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from workbench.maintenance.kpis.risk import risk_cells
from workbench.plots.decomposition import decomposition_figures, update_decomposition_figures
from workbench.plots.fan import fan_figure, update_fan_figure
from workbench.plots.lead_errors import lead_figure, update_lead_figure
from workbench.plots.risk_matrix import risk_matrix_figure, update_risk_matrix
from workbench.plots.series import is_dated
from workbench.plots.theme import Tokens
from workbench.views.forecasting.markup import forecaster_words
from workbench.views.markup import percent
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["Charts"]

NAMES = ("Forecast", "Parts", "Error by lead time", "Coverage by lead time", "Risk matrix")


class Charts(KeptCharts):
    """The charts of one channel, and the risk matrix.

    Parameters
    ----------
    tokens : Tokens
        Colours of the theme in use.
    """

    def __init__(self, tokens: Tokens) -> None:
        super().__init__(NAMES, tokens)

    def fan(self, history: xr.Dataset, forecast: xr.Dataset, limits: Mapping[str, float]) -> None:
        """Show the forecast after the telemetry that it was made from.

        Parameters
        ----------
        history, forecast : xarray.Dataset
            Telemetry, and what is to come, as from `workbench.forecasting.outlook`.
        limits : mapping of str to float
            Limits of the channel by their names.
        """
        shown = (history, forecast, limits)
        self.show(
            "Forecast",
            lambda: fan_figure(*shown, tokens=self.tokens),
            lambda plot: update_fan_figure(plot, *shown),
            is_dated(history),
        )

    def parts(self, parts: xr.Dataset) -> None:
        """Show trend, season and remainder.

        Parameters
        ----------
        parts : xarray.Dataset
            As from `workbench.forecasting.decomposition`.
        """
        self.show(
            "Parts",
            lambda: decomposition_figures(parts, tokens=self.tokens),
            lambda figures: update_decomposition_figures(figures, parts),
            is_dated(parts),
        )

    def leads(self, by_lead: xr.Dataset, chosen: str, units: str, confidence: float) -> None:
        """Show error and coverage by lead time.

        Parameters
        ----------
        by_lead : xarray.Dataset
            As from `skill_by_lead`.
        chosen : str
            Forecaster whose lines are drawn in the accent.
        units : str
            Units of the channel.
        confidence : float
            Share of the truths that the intervals are to hold.
        """
        chosen = forecaster_words(chosen)
        by_lead = by_lead.assign_coords(
            forecaster=[forecaster_words(str(name)) for name in by_lead["forecaster"].values]
        )
        words = f"RMSE by samples ahead{f', {units}' if units else ''}"
        self.show(
            "Error by lead time",
            lambda: lead_figure(by_lead, "rmse", chosen, words=words, tokens=self.tokens),
            lambda plot: update_lead_figure(plot, by_lead, "rmse", chosen, words=words),
        )
        coverage = f"Share of the values inside the {percent(confidence)} interval"
        self.show(
            "Coverage by lead time",
            lambda: lead_figure(by_lead, "coverage", chosen, words=coverage, target=confidence, tokens=self.tokens),
            lambda plot: update_lead_figure(plot, by_lead, "coverage", chosen, words=coverage, target=confidence),
        )

    def risks(self, risks: pd.DataFrame) -> None:
        """Show the assets in the risk matrix.

        Parameters
        ----------
        risks : pandas.DataFrame
            As from `workbench.forecasting.risks`.
        """
        self.show(
            "Risk matrix",
            lambda: risk_matrix_figure(risk_cells(), risks, tokens=self.tokens),
            lambda plot: update_risk_matrix(plot, risks),
        )
