"""Forecasters side by side: how far off they were, by lead time, and how much better than persistence.

Skill is that of [1]_; on errors of forecasts in general see [2]_.

References
----------
.. [1] Murphy 1988, "Skill Scores Based on the Mean Square Error and Their Relationships to the Correlation
   Coefficient", equation 4.
.. [2] Hyndman and Athanasopoulos 2021, "Forecasting: Principles and Practice", 3rd edition, section 5.8.
"""

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from workbench.exceptions import DetectionError

__all__ = ["SKILL_COLUMNS", "skill_by_lead", "skill_table"]

SKILL_COLUMNS = ("forecaster", "mae", "rmse", "r2", "skill", "coverage", "fixed_coverage", "width", "samples")
"""Columns of `skill_table`."""

Backtests = Mapping[str, xr.Dataset]


def skill_by_lead(backtests: Backtests) -> xr.Dataset:
    """Judge forecasters at each lead time by itself.

    Parameters
    ----------
    backtests : mapping of str to xarray.Dataset
        From `backtest` by name, all from the same origins of one series.

    Returns
    -------
    xarray.Dataset
        Dims (forecaster, lead). `mae`, `rmse` and `width` (mean half width of the interval) in the units of the
        telemetry; `r2`, 1 - squared errors over squared deviations from the mean; `skill`, 1 - MSE over that of
        persistence, which says that the last value stays [1]_; `coverage`, share of the truths within the intervals,
        and `fixed_coverage`, within those of the training windows; `samples`, truths compared. NaN where there is no
        truth, where r2 has no deviation to explain, or where persistence makes no error to be better than.

    Raises
    ------
    DetectionError
        There is none, or the origins or lead times are not the same.
    """
    _check(backtests)
    figures = [_figures(found, ("origin",)) for found in backtests.values()]
    return xr.concat(figures, pd.Index(list(backtests), name="forecaster"))


def skill_table(backtests: Backtests) -> pd.DataFrame:
    """Judge forecasters over all lead times together.

    Parameters
    ----------
    backtests : mapping of str to xarray.Dataset
        As for `skill_by_lead`.

    Returns
    -------
    pandas.DataFrame
        `SKILL_COLUMNS`, the least absolute error first, which an anomaly in the series sways less than a squared one;
        as from `skill_by_lead`, over the truths of all lead times.

    Raises
    ------
    DetectionError
        As from `skill_by_lead`.
    """
    _check(backtests)
    rows = [{"forecaster": name, **_pooled(found)} for name, found in backtests.items()]
    return pd.DataFrame(rows, columns=list(SKILL_COLUMNS)).sort_values("mae", ignore_index=True, kind="stable")


def _pooled(found: xr.Dataset) -> dict[str, float]:
    figures = _figures(found, ("origin", "lead"))
    return {str(name): float(value) for name, value in figures.items()} | {"samples": int(figures["samples"])}


def _figures(found: xr.Dataset, over: tuple[str, ...]) -> xr.Dataset:
    truth = found["truth"]
    known = truth.notnull()
    error = truth - found["forecast"]
    square = (error**2).mean(over)
    spread = ((truth - truth.mean(over)) ** 2).mean(over)
    persisted = ((truth - found["last"]) ** 2).mean(over)
    return xr.Dataset(
        {
            "mae": abs(error).mean(over),
            "rmse": square**0.5,
            "r2": 1 - square / spread.where(spread > 0),
            "skill": 1 - square / persisted.where(persisted > 0),
            "coverage": (abs(error) <= found["width"]).where(known).mean(over),
            "fixed_coverage": (abs(error) <= found["fixed_width"]).where(known).mean(over),
            "width": found["width"].where(known).mean(over),
            "samples": known.sum(over),
        }
    )


def _check(backtests: Backtests) -> None:
    if not backtests:
        raise DetectionError("There is no forecaster to judge.", "Train one: workbench train CHANNEL.")
    first = next(iter(backtests.values()))
    for name, found in backtests.items():
        if not (found["origin"].equals(first["origin"]) and found["lead"].equals(first["lead"])):
            raise DetectionError(f"{name} was tried from other origins or lead times.", "Use the same for all.")
