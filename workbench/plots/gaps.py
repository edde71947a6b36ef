"""Gaps in time, over which no line is drawn."""

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["FAR_STEPS", "NEAR_STEPS", "broken_line", "gap_rows", "longest_step", "max_gap", "seen_gaps"]

NEAR_STEPS = 10
"""Steps on either side that a gap is far above, too."""

FAR_STEPS = 5.0
"""A step so many times the usual ones is a gap."""

_USUAL_SHARE = 0.95  # of the steps are usual ones
_MOST_STEPS = 10_000  # of which the usual ones are taken
_SEEN_SHARE = 1 / 2000  # of the time drawn: half a pixel


def max_gap(dataset: xr.Dataset) -> float:
    """Return the longest step that its settings allow within a series, in the units in which charts take its time."""
    scale = 1000.0 if np.issubdtype(dataset["time"].dtype, np.datetime64) else 1.0
    return float(dataset.attrs.get("max_gap_seconds", np.inf)) * scale


def longest_step(time: npt.NDArray[Any], far: float = FAR_STEPS) -> float:
    """Return the longest step in time that a line is drawn over.

    It is five times the step that 95 of 100 do not exceed: a regular channel may miss four samples in a row, and one
    whose steps differ by nature, as one that sends what has changed, is not torn into pieces.

    Parameters
    ----------
    time : numpy.ndarray, shape (n,)
        Rising, as charts take it.
    far : float
        How many times the usual steps.

    Returns
    -------
    float
        In the units of `time`; infinite for fewer than three samples.

    Examples
    --------
    >>> longest_step(np.array([0, 10, 20, 30, 500, 510]))
    50.0
    """
    if time.size < 3:
        return float("inf")
    steps = np.diff(time)[:: -(-(time.size - 1) // _MOST_STEPS)].astype(np.float64)
    return far * float(np.quantile(steps, _USUAL_SHARE, method="lower"))


def gap_rows(
    time: npt.NDArray[Any], longest: float, most: float = np.inf, far: float = FAR_STEPS
) -> npt.NDArray[np.intp]:
    """Return the rows behind a gap: a step longer than `longest`, and far above the steps around it.

    The latter keeps together a stretch that was sampled far less often than the rest.

    Parameters
    ----------
    time : numpy.ndarray, shape (n,)
        Rising, as charts take it.
    longest : float
        As from `longest_step`.
    most : float
        As from `max_gap`; any longer step is a gap.
    far : float
        How many times the steps around it.

    Examples
    --------
    >>> time = np.array([0, 10, 20, 30, 500, 510])
    >>> gap_rows(time, longest_step(time))
    array([4])
    """
    steps = np.diff(time).astype(np.float64)
    wide = np.flatnonzero(steps > min(longest, most))
    if not wide.size:
        return wide
    padded = np.pad(steps, NEAR_STEPS, constant_values=np.nan)
    around = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, 2 * NEAR_STEPS + 1)[wide], axis=1)
    return wide[(steps[wide] > most) | (steps[wide] > np.maximum(longest, far * around))] + 1


def seen_gaps(time: npt.NDArray[Any], rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the rows behind gaps that are wide enough to be seen where all of some time is drawn."""
    seen: npt.NDArray[np.bool_] = time[rows] - time[rows - 1] > _SEEN_SHARE * (time[-1] - time[0])
    return rows[seen]


def broken_line(
    time: npt.NDArray[Any], values: npt.NDArray[Any], positions: npt.NDArray[np.intp], rows: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the points of a line that is broken at gaps.

    Parameters
    ----------
    time, values : numpy.ndarray, shape (n,)
        The series.
    positions : numpy.ndarray, shape (k,), int
        Rising numbers of the samples that are drawn.
    rows : numpy.ndarray, shape (g,), int
        As from `gap_rows`: the samples on either side are drawn, and a missing one between them.

    Returns
    -------
    tuple of numpy.ndarray
        Time and values, at most k + 3 g of each.

    Examples
    --------
    >>> broken_line(np.array([0, 1, 9, 10]), np.ones(4), np.array([0, 3]), np.array([2]))
    (array([ 0,  1,  5,  9, 10]), array([ 1.,  1., nan,  1.,  1.]))
    """
    if not rows.size:
        return time[positions], values[positions]
    positions = np.union1d(positions, np.concatenate([rows - 1, rows]))
    places = np.searchsorted(positions, rows)
    middles = time[rows - 1] + (time[rows] - time[rows - 1]) // 2
    return np.insert(time[positions], places, middles), np.insert(values[positions], places, np.nan)
