"""Forecasters side by side: how far off they were, by lead time, and how much better than persistence.

Skill is that of [1]_; on errors of forecasts in general see [2]_.

References
----------
.. [1] Murphy 1988, "Skill Scores Based on the Mean Square Error and Their Relationships to the Correlation
   Coefficient", equation 4.
.. [2] Hyndman and Athanasopoulos 2021, "Forecasting: Principles and Practice", 3rd edition, section 5.8.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
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
    figures = [_figures(backtested, 0) for backtested in backtests.values()]
    by_lead = {name: (("forecaster", "lead"), np.stack([part[name] for part in figures])) for name in figures[0]}
    leads = next(iter(backtests.values()))["lead"]
    return xr.Dataset(by_lead, {"forecaster": list(backtests), "lead": leads})


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
    rows = [{"forecaster": name, **_pooled(backtested)} for name, backtested in backtests.items()]
    return pd.DataFrame(rows, columns=list(SKILL_COLUMNS)).sort_values("mae", ignore_index=True, kind="stable")


def _pooled(backtested: xr.Dataset) -> dict[str, float]:
    return {name: value.item() for name, value in _figures(backtested, None).items()}


def _figures(backtested: xr.Dataset, over: int | None) -> dict[str, npt.NDArray[Any]]:
    """Judge over the origins (0) or all (None)."""
    truth, last = backtested["truth"].values, backtested["last"].values[:, None]
    width, fixed = backtested["width"].values, backtested["fixed_width"].values
    has_truth = ~np.isnan(truth)
    count = has_truth.sum(over)

    def mean(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return _ratio(np.where(has_truth, values, 0).sum(over), count)

    error = abs(truth - backtested["forecast"].values)
    square = mean(error**2)
    return {
        "mae": mean(error),
        "rmse": square**0.5,
        "r2": 1 - _ratio(square, mean((truth - mean(truth)) ** 2)),
        "skill": 1 - _ratio(square, mean((truth - last) ** 2)),
        "coverage": mean(error <= width),
        "fixed_coverage": mean(error <= fixed),
        "width": mean(width),
        "samples": count,
    }


def _ratio(part: Any, whole: Any) -> npt.NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    ratio: npt.NDArray[np.float64] = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio


def _check(backtests: Backtests) -> None:
    if not backtests:
        raise DetectionError("There is no forecaster to judge.", "Train one: workbench train CHANNEL.")
    first = next(iter(backtests.values()))
    for name, backtested in backtests.items():
        if not (backtested["origin"].equals(first["origin"]) and backtested["lead"].equals(first["lead"])):
            raise DetectionError(f"{name} was tried from other origins or lead times.", "Use the same for all.")
