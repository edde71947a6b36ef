"""Segments of other series that have the shape of one: distance profile of the matrix profile."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from workbench.exceptions import DetectionError
from workbench.telemetry.missing import interpolated

__all__ = ["similar_segments"]

_MIN_SAMPLES = 4
_MISSING_SHARE = 0.5  # of a segment; with more it has no shape


def similar_segments(
    channel: str,
    start: int,
    end: int,
    series: Iterable[tuple[str, npt.ArrayLike]],
    *,
    each: int = 3,
    most: int = 12,
) -> pd.DataFrame:
    """Find the segments most like one of a channel, in that channel and in others.

    Parameters
    ----------
    channel : str
        Which of `series` holds the segment.
    start, end : int
        Its samples, both inclusive.
    series : iterable of (str, array_like of shape (n,))
        Telemetry by channel; those shorter than the segment are left out.
    each, most : int
        Most segments of one channel, and in all.

    Returns
    -------
    pandas.DataFrame
        channel, start, end (samples, inclusive), distance, correlation; the nearest first. What overlaps the segment
        itself, or a nearer one, is left out, and what has no shape: it is constant, or half of its values are missing.

    Raises
    ------
    DetectionError
        The segment is shorter than 4 samples, constant, half of it is missing, it lies outside its series, or its
        channel is not in `series`.

    Notes
    -----
    The distance is the z-normalized Euclidean one of the matrix profile [1]_, computed by STUMPY's MASS [2]_; for
    m samples it is sqrt(2 m (1 - correlation)). Samples are compared one by one, as if steps were even; for a missing
    value (NaN) stands one on the line between its neighbours.

    References
    ----------
    .. [1] Yeh et al., "Matrix Profile I", ICDM 2016.
    .. [2] Law, "STUMPY", JOSS 4(39), 2019.
    """
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in series}
    if channel not in arrays:
        raise DetectionError(f"{channel} is not among the series.", "Pass its telemetry, too.")
    own, m = arrays[channel], end - start + 1
    if not 0 <= start <= end < own.size:
        raise DetectionError(f"[{start}, {end}] lies outside {channel}.", f"Samples are 0 to {own.size - 1}.")
    missing = np.isnan(own[start : end + 1])
    query = interpolated(own[start : end + 1])
    if m < _MIN_SAMPLES or missing.mean() >= _MISSING_SHARE or np.ptp(query) == 0:
        raise DetectionError(
            f"{channel}, samples {start:,} to {end:,}, has no shape to look for.",
            "Choose a sequence of at least 4 samples that is not constant, and of which less than half is missing.",
        )
    rows: list[tuple[str, int, int, float]] = []
    for name, values in arrays.items():
        if values.size >= m and not np.isnan(values).all():
            own_start = start if name == channel else None
            rows += [(name, at, at + m - 1, distance) for at, distance in _nearest(query, values, each, own_start)]
    table = pd.DataFrame(rows, columns=["channel", "start", "end", "distance"])
    table["correlation"] = 1 - table["distance"] ** 2 / (2 * m)
    return table.sort_values(["distance", "channel", "start"], ignore_index=True).head(most)


def _nearest(
    query: npt.NDArray[np.float64], values: npt.NDArray[np.float64], most: int, own_start: int | None
) -> list[tuple[int, float]]:
    """Return first sample and distance of the nearest segments that overlap neither each other nor the query itself."""
    import stumpy

    m, missing = query.size, np.isnan(values)
    values = interpolated(values)
    distances = stumpy.mass(query, values)
    shaped = np.ptp(sliding_window_view(values, m), axis=1) > 0
    if missing.any():
        shaped &= sliding_window_view(missing, m).mean(axis=1) < _MISSING_SHARE
    distances = np.where(shaped & np.isfinite(distances), distances, np.inf)
    if own_start is not None:
        distances[max(0, own_start - m + 1) : own_start + m] = np.inf
    nearest: list[tuple[int, float]] = []
    while len(nearest) < most and np.isfinite(distances).any():
        at = int(distances.argmin())
        nearest.append((at, float(distances[at])))
        distances[max(0, at - m + 1) : at + m] = np.inf
    return nearest
