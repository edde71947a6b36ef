"""Fewer points of a long series, with every extreme kept."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["decimate", "plotted"]

_SAMPLES_AT_A_TIME = 1_048_576  # so that memory does not follow the length of a series


def decimate(values: npt.ArrayLike, limit: int = 4000) -> npt.NDArray[np.intp]:
    """Choose the samples that draw a series with at most `limit` points.

    The series is cut into buckets of equal length; of each the first lowest, the first highest and the first missing
    value stay, so that no spike and no gap is lost at any size of the chart.

    Parameters
    ----------
    values : array_like, shape (n,)
        The series; NaN where a value is missing.
    limit : int
        Most points to keep, at least 5.

    Returns
    -------
    numpy.ndarray, shape (k,), int
        Rising sample numbers with k <= max(limit, 5); all of them where n <= limit. First and last are kept.

    Examples
    --------
    >>> import numpy as np
    >>> spike = np.zeros(10_000)
    >>> spike[4321] = 1.0
    >>> kept = decimate(spike, 100)
    >>> len(kept) <= 100, 4321 in kept
    (True, True)
    """
    series = np.asarray(values)
    n = series.size
    if n <= limit:
        return np.arange(n)
    size = -(-n // max((limit - 2) // 3, 1))
    step = max(_SAMPLES_AT_A_TIME // size, 1) * size
    parts = [start + _extremes(series[start : start + step], size) for start in range(0, n, step)]
    positions = np.unique(np.concatenate([[0, n - 1], *parts]))
    return positions[positions < n]


def _extremes(values: npt.NDArray[Any], size: int) -> npt.NDArray[np.intp]:
    """Return the first lowest, highest and missing value of each bucket."""
    buckets = -(-values.size // size)
    padded = np.full(buckets * size, np.nan)
    padded[: values.size] = values
    grid = padded.reshape(buckets, size)
    missing = np.isnan(grid)
    offsets = np.arange(buckets) * size
    lowest = offsets + np.where(missing, np.inf, grid).argmin(axis=1)
    highest = offsets + np.where(missing, -np.inf, grid).argmax(axis=1)
    gaps = (offsets + missing.argmax(axis=1))[missing.any(axis=1)]
    return np.concatenate([lowest, highest, gaps])


def plotted(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return values as charts take them: float32, which is half as much to send, unless they are float64."""
    series = np.asarray(values)
    return series if series.dtype == np.float64 else series.astype(np.float32, copy=False)
