"""Breaks: where a series begins anew, because too much time lies between two values."""

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.telemetry.moments import clock_of, ticks

__all__ = ["break_rows", "breaks_between", "first_moment", "is_break", "last_moment", "usual_step"]

_SPAN = 1_048_576  # samples read at a time
_LOOK_BACK = 4_096  # samples read at a time to find the last value before a row
_STEPS = 1_000  # samples at the end that say how far samples lie apart
_TICKS = {"time": 1e9, "sample": 1.0}  # in a second, for which a sample stands where a series has no times


def is_break(before: int, moment: int, clock: str, max_gap_seconds: float | None) -> bool:
    """Return whether a series begins anew with a value.

    Parameters
    ----------
    before, moment : int
        Moments of the value before it, and of itself, see `workbench.telemetry.moments`.
    clock : str
        Clock of the series, `time` or `sample`.
    max_gap_seconds : float or None
        Most time between two values of one stretch; samples where the series has no times. None: any.

    Examples
    --------
    >>> is_break(100, 103, "sample", 2.0), is_break(100, 102, "sample", 2.0), is_break(0, 10**12, "time", None)
    (True, False, False)
    """
    return max_gap_seconds is not None and moment - before > max_gap_seconds * _TICKS[clock]


def breaks_between(times: npt.NDArray[np.generic], max_gap_seconds: float | None) -> tuple[int, ...]:
    """Return at which of some times, all of which have a value, a series begins anew.

    Examples
    --------
    >>> breaks_between(np.array([0, 1, 2, 9, 10]), 5.0)
    (3,)
    """
    if max_gap_seconds is None:
        return ()
    longest = max_gap_seconds * _TICKS[clock_of(times)]
    return tuple((np.flatnonzero(np.diff(ticks(times)) > longest) + 1).tolist())


def break_rows(split: xr.Dataset, max_gap_seconds: float | None, start: int = 0) -> tuple[int, ...]:
    """Return the rows at which a series begins anew, read span by span.

    Parameters
    ----------
    split : xarray.Dataset
        One split of a channel.
    max_gap_seconds : float or None
        As for `is_break`; nothing is read where it is None.
    start : int
        First row that is looked at.

    Returns
    -------
    tuple of int
        Rows that hold a value, in rising order; the first value of a series is none of them.

    Notes
    -----
    A gap is as long as the time from the last value before it to the first one after it, as in
    `xarray.DataArray.interpolate_na`. So it makes no difference whether samples never came, or came without a value.

    Examples
    --------
    >>> times, values = ("time", [0, 1, 2, 9, 10, 11, 12]), ("time", [1.0, 1, 1, np.nan, 1, np.nan, 1])
    >>> break_rows(xr.Dataset({"telemetry": values}, {"time": times}), 5.0)
    (4,)
    """
    if max_gap_seconds is None:
        return ()
    times, telemetry, n = split["time"].variable, split["telemetry"].variable, split.sizes["time"]
    before = last_moment(split, start)
    rows: list[int] = []
    for begin in range(start, n, _SPAN):
        stamps = times[begin : begin + _SPAN].values
        places = np.flatnonzero(np.isfinite(telemetry[begin : begin + _SPAN].values))
        moments = ticks(stamps)[places]
        if not moments.size:
            continue
        earlier = moments[0] if before is None else before
        steps = np.diff(moments, prepend=earlier)
        rows += (begin + places[steps > max_gap_seconds * _TICKS[clock_of(stamps)]]).tolist()
        before = int(moments[-1])
    return tuple(rows)


def last_moment(split: xr.Dataset, row: int) -> int | None:
    """Return the moment of the last value before a row; None where there is none."""
    times, telemetry = split["time"].variable, split["telemetry"].variable
    for end in range(row, 0, -_LOOK_BACK):
        begin = max(0, end - _LOOK_BACK)
        places = np.flatnonzero(np.isfinite(telemetry[begin:end].values))
        if places.size:
            at = begin + int(places[-1])
            return int(ticks(times[at : at + 1].values)[0])
    return None


def first_moment(split: xr.Dataset) -> int | None:
    """Return the moment of the first value of a series; None where it holds none."""
    times, telemetry = split["time"].variable, split["telemetry"].variable
    for begin in range(0, split.sizes["time"], _LOOK_BACK):
        places = np.flatnonzero(np.isfinite(telemetry[begin : begin + _LOOK_BACK].values))
        if places.size:
            at = begin + int(places[0])
            return int(ticks(times[at : at + 1].values)[0])
    return None


def usual_step(split: xr.Dataset) -> float:
    """Return the median step between two of the last thousand samples, in seconds; in samples without times.

    Examples
    --------
    >>> usual_step(xr.Dataset(coords={"time": np.array([0, 60, 120], "datetime64[s]")}))
    60.0
    """
    stamps: npt.NDArray[np.generic] = split["time"].variable[-_STEPS:].values
    return float(np.median(np.diff(ticks(stamps)))) / _TICKS[clock_of(stamps)] if stamps.size > 1 else 0.0
