"""Forecasts some samples ahead, made at many points of a series.

The origin of a forecast is the last sample that it sees; lead time 1 is the sample after it.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.windows import read_span, sliding
from workbench.exceptions import ForecasterError

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = ["choose_origins", "forecast_errors", "forecast_from", "truths"]

Origins = npt.NDArray[np.int64]

_MAX_WINDOWS_AT_ONCE = 512  # windows that are laid out at a time


def choose_origins(first: int, last: int, most: int) -> Origins:
    """Spread origins evenly over a series.

    Parameters
    ----------
    first, last : int
        Samples between which they lie, both inclusive.
    most : int
        All samples are taken where they are no more than this.

    Returns
    -------
    numpy.ndarray of int
        In rising order, each once; none where `last` comes before `first`.

    Examples
    --------
    >>> choose_origins(249, 252, 500), choose_origins(0, 100, 3)
    (array([249, 250, 251, 252]), array([  0,  50, 100]))
    """
    if last < first:
        return np.zeros(0, np.int64)
    return np.linspace(first, last, min(last - first + 1, most)).round().astype(np.int64)


def forecast_from(forecaster: "Forecaster", channel: xr.Dataset, origins: Origins, steps: int) -> npt.NDArray[Any]:
    """Forecast the samples after each of some origins.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted to the channel.
    channel : xarray.Dataset
        One split of it.
    origins : numpy.ndarray of int, shape (n,)
        Last sample that each forecast sees; at least `sequence_length - 1`.
    steps : int
        How far ahead, samples.

    Returns
    -------
    numpy.ndarray, shape (n, steps), dtype of the forecaster
        In the units of the telemetry; column 0 is the sample after the origin.

    Raises
    ------
    ForecasterError
        An origin has less than a window before it, `steps` is below 1, the forecaster does not fit the channel, which
        holds no value, or an input is not finite.

    Notes
    -----
    As far as `prediction_horizon` the forecaster predicts each step directly. Beyond, its own predictions take the
    place of the telemetry, and commands stay as they are at the origin: those to come are not known. For missing
    telemetry stands the last value before.
    """
    if steps < 1:
        raise ForecasterError(f"steps is {steps}.", "It must be at least 1 sample.")
    length, n = forecaster.sequence_length, channel.sizes["time"]
    if origins.size and not length - 1 <= origins.min() <= origins.max() < n:
        raise ForecasterError(
            f"Origins go from sample {origins.min()} to {origins.max()}.",
            f"They must lie between {length - 1} (a window has {length} samples) and {n - 1}, the last one.",
        )
    windows = sliding(read_span(channel, 0, n), length)
    parts = [
        origins[start : start + _MAX_WINDOWS_AT_ONCE] - length + 1
        for start in range(0, origins.size, _MAX_WINDOWS_AT_ONCE)
    ]
    forecasts = [_from_windows(forecaster, windows[part], steps) for part in parts]
    return np.concatenate([np.zeros((0, steps), forecaster.dtype), *forecasts])


def _from_windows(forecaster: "Forecaster", windows: npt.NDArray[Any], steps: int) -> npt.NDArray[Any]:
    length, horizon = forecaster.sequence_length, forecaster.prediction_horizon
    forecasts = [forecaster.predict_windows(windows)]
    while len(forecasts) * horizon < steps:
        own = np.repeat(windows[:, -1:], horizon, axis=1)
        own[:, :, 0] = forecasts[-1]
        windows = np.concatenate([windows, own], axis=1)[:, -length:]
        forecasts.append(forecaster.predict_windows(windows))
    return np.concatenate(forecasts, axis=1)[:, :steps]


def truths(channel: xr.Dataset, origins: Origins, steps: int) -> npt.NDArray[np.float64]:
    """Return the telemetry that came after each origin.

    Parameters
    ----------
    channel, origins, steps
        As for `forecast_from`.

    Returns
    -------
    numpy.ndarray, shape (n, steps), float64
        NaN beyond the end of the series and where a value is missing.
    """
    telemetry = np.append(channel["telemetry"].values.astype(np.float64), np.full(steps, np.nan))
    values: npt.NDArray[np.float64] = telemetry[origins[:, None] + np.arange(1, steps + 1)]
    return values


def forecast_errors(
    forecaster: "Forecaster", channel: xr.Dataset, origins: Origins, steps: int
) -> npt.NDArray[np.float64]:
    """Return what came after each origin less what was forecast.

    Parameters
    ----------
    forecaster, channel, origins, steps
        As for `forecast_from`.

    Returns
    -------
    numpy.ndarray, shape (n, steps), float64
        In the units of the telemetry; NaN beyond the end of the series and where a value is missing.
    """
    errors: npt.NDArray[np.float64] = truths(channel, origins, steps) - forecast_from(
        forecaster, channel, origins, steps
    )
    return errors
