"""Channels that move with one another, earlier or later."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from workbench.exceptions import DetectionError
from workbench.telemetry.missing import interpolated

__all__ = ["correlated_channels", "lagged_correlation"]

_MISSING_SHARE = 0.5  # of a segment; with more there is nothing to compare


def lagged_correlation(
    values: npt.ArrayLike, other: npt.ArrayLike, start: int, end: int, max_lag: int
) -> tuple[int, float]:
    """Find the lag at which another series correlates most with a segment.

    Parameters
    ----------
    values, other : array_like, shape (n,) and (m,)
        On one time axis.
    start, end : int
        Segment of `values`, samples, both inclusive.
    max_lag : int
        Samples by which `other` may be earlier or later.

    Returns
    -------
    lag : int
        Samples by which `other` moves later than `values` (negative: earlier).
    correlation : float
        Pearson's coefficient there, the largest in absolute value; NaN where either is constant in every position or
        misses half of its values, or `other` does not reach so far.

    Notes
    -----
    Samples are compared one by one, as if steps were even. For a missing value (NaN) stands one on the line between its
    neighbours.

    Examples
    --------
    >>> wave = np.sin(np.arange(200) / 7)
    >>> lag, correlation = lagged_correlation(wave, np.roll(wave, 3), 50, 120, 10)
    >>> lag, round(correlation, 6)
    (3, 1.0)
    """
    segment = np.asarray(values, dtype=np.float64)[start : end + 1]
    series = np.asarray(other, dtype=np.float64)
    is_missing = np.isnan(series)
    if np.isnan(segment).mean() >= _MISSING_SHARE or is_missing.all():
        return 0, float("nan")
    segment, series = interpolated(segment), interpolated(series)
    size = segment.size
    first, last = max(start - max_lag, 0), min(start + max_lag, series.size - size)
    if last < first or size < 2:
        return 0, float("nan")
    windows = sliding_window_view(series[first : last + size], size)
    own = segment - segment.mean()
    moved = windows - windows.mean(axis=1, keepdims=True)
    scale = np.sqrt((own**2).sum() * (moved**2).sum(axis=1))
    floor = 1e-9 * size * max(float(np.abs(segment).max()), 1e-30) * max(float(np.abs(series).max()), 1e-30)
    usable = scale > floor
    if is_missing.any():
        usable &= sliding_window_view(is_missing[first : last + size], size).mean(axis=1) < _MISSING_SHARE
    correlations = np.divide(moved @ own, scale, out=np.full(scale.size, np.nan), where=usable)
    if np.isnan(correlations).all():
        return 0, float("nan")
    lags = np.arange(first, last + 1) - start
    best = np.lexsort((np.abs(lags), -np.abs(np.nan_to_num(correlations)).round(9)))[0]  # of equals the least lag
    return int(lags[best]), float(np.clip(correlations[best], -1, 1))


def correlated_channels(
    channel: str, start: int, end: int, series: Iterable[tuple[str, npt.ArrayLike]], *, max_lag: int = 100
) -> tuple[pd.DataFrame, list[str]]:
    """Rank channels by how they correlate with a segment of one.

    Parameters
    ----------
    channel : str
        Which of `series` holds the segment.
    start, end : int
        Samples, both inclusive.
    series : iterable of (str, array_like of shape (n,))
        Telemetry by channel, on one time axis.
    max_lag : int
        Samples.

    Returns
    -------
    table : pandas.DataFrame
        channel, correlation, lag (samples; positive: it moves later), the strongest first.
    left_out : list of str
        Channels that are constant there or miss half of their values, or do not reach so far.

    Raises
    ------
    DetectionError
        The channel is not in `series`.
    """
    arrays = {name: np.asarray(values) for name, values in series}
    if channel not in arrays:
        raise DetectionError(f"{channel} is not among the series.", "Pass its telemetry, too.")
    own = arrays.pop(channel)
    rows = [(name, *lagged_correlation(own, values, start, end, max_lag)) for name, values in arrays.items()]
    table = pd.DataFrame(rows, columns=["channel", "lag", "correlation"])
    left_out = table[table["correlation"].isna()]["channel"].tolist()
    table = table.dropna(subset="correlation")
    order = table["correlation"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order, ["channel", "correlation", "lag"]].reset_index(drop=True), left_out
