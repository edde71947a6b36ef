"""Forecasts at many points of a series, compared with the values that came, with intervals."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.forecasting.conformal import conformal_width, tracked_width
from workbench.forecasting.horizon import forecast_from, truths
from workbench.telemetry.missing import held

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = ["backtest", "compare"]


def backtest(
    forecaster: "Forecaster",
    channel: xr.Dataset,
    origins: npt.NDArray[np.int64],
    steps: int,
    calibration: npt.NDArray[np.floating],
    confidence: float = 0.9,
) -> xr.Dataset:
    """Forecast from many origins of a series and compare with what came.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted to the channel.
    channel : xarray.Dataset
        One split of it.
    origins : numpy.ndarray of int, shape (n,)
        Last sample that each forecast sees, rising. With the last sample of the series among them, its forecast is
        the one of what is to come, with no truth.
    steps : int
        How far ahead, samples.
    calibration : numpy.ndarray, shape (m, steps)
        Errors on windows that the forecaster did not learn from, from `forecast_errors`.
    confidence : float
        Share of the truths that the intervals are to hold.

    Returns
    -------
    xarray.Dataset
        Dims (origin, lead), lead from 1; float64 in the units of the telemetry. `forecast`; `truth`, NaN beyond the
        end and where a value is missing; `width`, half the interval's width, as `tracked_width` learned it up to each
        origin; `fixed_width` (lead) as `conformal_width` gives it once for all; `last` (origin), the last value at the
        origin. Attributes channel, units, forecaster, confidence and prediction_horizon, beyond which it went on from
        its own predictions.

    Raises
    ------
    ForecasterError
        As from `forecast_from`.
    DetectionError
        The confidence is not between 0 and 1.
    """
    forecast = forecast_from(forecaster, channel, origins, steps).astype(np.float64)
    attrs = {"forecaster": forecaster.name, "prediction_horizon": forecaster.prediction_horizon}
    return compare(forecast, channel, origins, calibration, confidence).assign_attrs(attrs)


def compare(
    forecast: npt.NDArray[np.float64],
    channel: xr.Dataset,
    origins: npt.NDArray[np.int64],
    calibration: npt.NDArray[np.floating],
    confidence: float = 0.9,
) -> xr.Dataset:
    """Compare existing forecasts with the values that came; see `backtest`.

    Parameters
    ----------
    forecast : numpy.ndarray, shape (n, steps), float64
        From each origin.
    channel, origins, calibration, confidence
        As for `backtest`.

    Returns
    -------
    xarray.Dataset
        As from `backtest`, without the attributes of a forecaster.

    Raises
    ------
    DetectionError
        The confidence is not between 0 and 1.
    """
    steps = forecast.shape[1]
    truth = truths(channel, origins, steps)
    fixed = conformal_width(calibration, confidence)
    width = tracked_width(truth - forecast, origins, fixed, confidence)
    return xr.Dataset(
        {
            "forecast": (("origin", "lead"), forecast),
            "truth": (("origin", "lead"), truth),
            "width": (("origin", "lead"), width),
            "fixed_width": ("lead", fixed),
            "last": ("origin", held(channel["telemetry"].values)[origins].astype(np.float64)),
        },
        coords={"origin": origins, "lead": np.arange(1, steps + 1)},
        attrs={
            "channel": channel.attrs.get("channel", ""),
            "units": channel.attrs.get("units", ""),
            "confidence": confidence,
        },
    )
