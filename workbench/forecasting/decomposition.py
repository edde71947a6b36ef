"""A series taken apart: trend, what repeats, and what remains.

References
----------
.. [1] Kendall and Stuart 1983, "The Advanced Theory of Statistics", volume 3, chapter 46: classical decomposition by
   moving averages.
.. [2] Wang, Smith and Hyndman 2006, "Characteristic-Based Clustering for Time Series Data", section 3: strength of
   trend and seasonality.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.exceptions import DetectionError
from workbench.forecasting.trend import theil_sen
from workbench.telemetry.missing import interpolated

__all__ = ["decompose", "find_period"]

_MIN_CORRELATION = 0.3
_MIN_CYCLES = 3
_LINE_POINTS = 50


def find_period(values: npt.NDArray[np.floating]) -> int | None:
    """Find the period with which a series repeats, from its autocorrelation.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Finite.

    Returns
    -------
    int or None
        Samples; None where nothing repeats.

    Notes
    -----
    Ranks stand for the values, so that a few outliers do not hide what repeats, and the line through them by least
    squares is taken off. The period is the lag of the highest peak of the autocorrelation after it first fell below
    0, among those that fit the series three times. A peak below 0.3 is none: of noise, one is expected within
    2 / sqrt(n).

    Examples
    --------
    >>> find_period(np.sin(np.arange(400) / 25 * 2 * np.pi))
    25
    >>> find_period(np.arange(400.0)) is None
    True
    """
    n = values.size
    if n < 2 * _MIN_CYCLES:
        return None
    flat = pd.Series(values).rank().to_numpy()
    position = np.arange(n) - (n - 1) / 2
    flat = flat - flat.mean()
    flat -= position * (position @ flat) / (position @ position)
    if np.abs(flat).max() <= 1e-9 * n:  # rounding, of a constant or a straight line
        return None
    spectrum = np.fft.rfft(flat, 2 * n)
    products = np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[:n]
    correlation = products / products[0] * (n / (n - np.arange(n)))  # longer lags have fewer products
    usable = correlation[: n // _MIN_CYCLES + 1]
    below = np.flatnonzero(usable < 0)
    if not below.size:
        return None
    inner = usable[1:-1]
    peaks = np.flatnonzero((inner > usable[:-2]) & (inner >= usable[2:])) + 1
    peaks = peaks[(peaks > below[0]) & (usable[peaks] >= _MIN_CORRELATION)]
    if not peaks.size:
        return None
    best = usable[peaks].max()
    return int(peaks[np.flatnonzero(usable[peaks] >= 0.95 * best)[0]])  # its multiples are as high, but for noise


def decompose(values: npt.NDArray[np.floating], period: int | None = None) -> xr.Dataset:
    """Take a series apart by moving averages.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        NaN where a value is missing.
    period : int, optional
        Samples after which the series repeats, at least 2; found by `find_period` where omitted.

    Returns
    -------
    xarray.Dataset
        Dim `sample`: `observed` = `trend` + `seasonal` + `remainder`, float64; `observed` and `remainder` are NaN where
        a value is missing. Attributes: `period` (0 where nothing repeats: `seasonal` is then 0 and the trend a moving
        average over a tenth of the series), `trend_strength` and `seasonal_strength`, 0 to 1 [2]_, and `note`, which
        says how many missing values were replaced for it; empty where there are none.

    Raises
    ------
    DetectionError
        The series holds fewer than 4 values, or infinite ones, or is shorter than two periods.

    Notes
    -----
    The additive model of [1]_: the trend is the centred moving average over a period, halves at the ends where that is
    even; the seasonal part is the mean of what is left at each place of the period, its own mean taken off. Unlike
    there, the trend goes on to both ends: within half a period of them it is the robust line (Theil and Sen) through
    the trend of the adjacent period, and where nothing repeats the average is over fewer samples the nearer they are.
    It needs a value at each sample: for a missing one stands one on the line between its neighbours.
    """
    n, missing = values.size, np.isnan(values)
    n_missing = int(missing.sum())
    if np.isinf(values).any() or n - n_missing < 4:
        raise DetectionError(
            f"A series of {counted(n, 'sample')} cannot be decomposed: fewer than 4 hold a value, or one is infinite.",
            "Choose a longer stretch.",
        )
    observed = interpolated(values)
    season = find_period(observed) if period is None else period
    if season is not None and not 2 <= season <= n // 2:
        raise DetectionError(f"period is {season}.", f"It must be between 2 and {n // 2}, half the series.")
    trend = _shrinking_average(observed, max(1, n // 20)) if season is None else _moving_average(observed, season)
    seasonal = np.zeros(n)
    if season is not None:
        place = np.arange(n) % season
        means = np.bincount(place, observed - trend) / np.bincount(place)
        seasonal = (means - means.mean())[place]
    remainder = observed - trend - seasonal
    strengths = {
        name: _strength(part[~missing], remainder[~missing])
        for name, part in (("trend_strength", trend), ("seasonal_strength", seasonal))
    }
    observed[missing] = remainder[missing] = np.nan
    parts = {"observed": observed, "trend": trend, "seasonal": seasonal, "remainder": remainder}
    return xr.Dataset(
        {name: ("sample", part) for name, part in parts.items()},
        coords={"sample": np.arange(n)},
        attrs={
            "period": season or 0,
            **strengths,
            "note": f"{counted(n_missing, 'missing value')} interpolated" if n_missing else "",
        },
    )


def _moving_average(values: npt.NDArray[np.float64], span: int) -> npt.NDArray[np.float64]:
    kernel = np.ones(span) if span % 2 else np.concatenate([[0.5], np.ones(span - 1), [0.5]])
    reach = len(kernel) // 2
    inner = np.convolve(values, kernel / span, mode="valid")
    line = min(max(span, 2), inner.size)
    first_line, last_line = _line(inner[:line]), _line(inner[-line:])
    before = first_line[0] + first_line[1] * np.arange(-reach, 0)
    after = last_line[0] + last_line[1] * np.arange(line, line + reach)
    return np.concatenate([before, inner, after])


def _shrinking_average(values: npt.NDArray[np.float64], reach: int) -> npt.NDArray[np.float64]:
    """Average over `reach` samples on either side, fewer towards the ends, but never fewer than a quarter of it."""
    n = values.size
    at = np.arange(n)
    sides = np.maximum(np.minimum(reach, np.minimum(at, n - 1 - at)), reach // 4)
    first, last = np.maximum(at - sides, 0), np.minimum(at + sides + 1, n)
    sums = np.concatenate([[0.0], np.cumsum(values - values[0])])
    averages: npt.NDArray[np.float64] = (sums[last] - sums[first]) / (last - first) + values[0]
    return averages


def _line(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return value at the first position, and slope, of the robust line."""
    if values.size < 2:
        return float(values[0]), 0.0
    step = -(-values.size // _LINE_POINTS)
    some = values[::step]
    slope, middle = theil_sen(some[None])
    return float(middle[0] - slope[0] * (some.size - 1) / 2), float(slope[0]) / step


def _strength(part: npt.NDArray[np.float64], remainder: npt.NDArray[np.float64]) -> float:
    variance = float(np.var(part + remainder))
    return max(0.0, 1 - float(np.var(remainder)) / variance) if variance > 0 else 0.0
