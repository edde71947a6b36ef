"""Moments of a channel: what a sample is known by, however the rows of its series fall.

A moment is a whole number on the clock of the channel: nanoseconds since 1970, UTC, where the source has times, else
the number of the sample, as the coordinate `time` of the test series holds it. A number never changes: the first test
series that a channel has begins with 0, and one that begins earlier, after the training span was chosen anew, has
negative ones. Whatever is stored about samples stores moments; the row of a moment is looked up in the series as it is
now. Text and links hold a moment as an ISO time or as a number; in memory such a name is a `Moment`.
"""

import re
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Moment", "clock_of", "moment_at", "moment_text", "read_moment", "row_at", "rows_between", "ticks"]

Moment: TypeAlias = int | pd.Timestamp
"""Number of a sample since its channel began, or the time of a sample, UTC."""

_NUMBER = re.compile(r"-?\d{1,12}")


def clock_of(times: npt.NDArray[Any]) -> str:
    """Return the clock of a series: `time`, or `sample` where its source has no times.

    Parameters
    ----------
    times : numpy.ndarray, shape (n,)
        Values of the coordinate `time`.
    """
    return "time" if np.issubdtype(times.dtype, np.datetime64) else "sample"


def ticks(times: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the moments of a series as whole numbers on its clock.

    Parameters
    ----------
    times : numpy.ndarray, shape (n,)
        Values of the coordinate `time`, rising strictly.

    Returns
    -------
    numpy.ndarray, shape (n,), int64
        Nanoseconds since 1970, UTC, or sample numbers.

    Examples
    --------
    >>> ticks(np.array(["1970-01-01T00:00:01"], "datetime64[ns]")), ticks(np.array([7, 8]))
    (array([1000000000]), array([7, 8]))
    """
    if clock_of(times) == "time":
        return times.astype("datetime64[ns]", copy=False).view(np.int64)
    return times.astype(np.int64, copy=False)


def rows_between(times: npt.NDArray[Any], clock: str, first: int, last: int) -> tuple[int, int] | None:
    """Return the rows of a series that lie between two moments.

    Parameters
    ----------
    times : numpy.ndarray, shape (n,)
        Values of the coordinate `time`, rising strictly.
    clock : str
        Clock of the two moments, `time` or `sample`.
    first, last : int
        First and last moment, both inclusive.

    Returns
    -------
    tuple of (int, int) or None
        First and last row, both inclusive; None where no sample of the series lies there, or it has another clock.

    Examples
    --------
    >>> rows_between(np.array([100, 101, 102, 103]), "sample", 101, 102)
    (1, 2)
    >>> rows_between(np.array([100, 101, 102, 103]), "sample", 7, 9) is None
    True
    """
    if clock_of(times) != clock:
        return None
    numbers = ticks(times)
    start = int(np.searchsorted(numbers, first, side="left"))
    end = int(np.searchsorted(numbers, last, side="right")) - 1
    return (start, end) if start <= end else None


def moment_at(times: npt.NDArray[Any], row: int) -> Moment:
    """Return the moment of a row of a series.

    Parameters
    ----------
    times : numpy.ndarray, shape (n,)
        Values of the coordinate `time`.
    row : int
        Row of the series, from 0.
    """
    return pd.Timestamp(times[row], tz="UTC") if clock_of(times) == "time" else int(times[row])


def row_at(times: npt.NDArray[Any], moment: Moment) -> int:
    """Return the row of a series at a moment, or the next one; the last row where the series ends before.

    Parameters
    ----------
    times : numpy.ndarray, shape (n,)
        Values of the coordinate `time`, rising strictly, not empty.
    moment : int or pandas.Timestamp
        Moment to look for. A number is a row of a series with times, as links of earlier releases have it; a time in
        a series without times is its first row.

    Examples
    --------
    >>> row_at(np.array([100, 101, 102]), 101), row_at(np.array([100, 101, 102]), 900)
    (1, 2)
    """
    last = len(times) - 1
    if clock_of(times) == "time":
        if not isinstance(moment, pd.Timestamp):
            return min(max(moment, 0), last)
        return min(int(np.searchsorted(ticks(times), moment.as_unit("ns").value)), last)
    return 0 if isinstance(moment, pd.Timestamp) else min(int(np.searchsorted(ticks(times), moment)), last)


def moment_text(moment: Moment) -> str:
    """Return a moment as text, which `read_moment` reads: a number, or an ISO time in UTC.

    Examples
    --------
    >>> moment_text(2149), moment_text(pd.Timestamp("2024-05-12T11:00", tz="UTC"))
    ('2149', '2024-05-12T11:00:00')
    """
    if isinstance(moment, pd.Timestamp):
        return str(moment.tz_convert("UTC").tz_localize(None).isoformat())
    return str(moment)


def read_moment(text: str) -> Moment:
    """Return the moment that a text holds.

    Raises
    ------
    ValueError
        The text is neither a number of a sample nor a time.

    Examples
    --------
    >>> read_moment("2149"), read_moment("-7"), read_moment("2024-05-12T11:00:00")
    (2149, -7, Timestamp('2024-05-12 11:00:00+0000', tz='UTC'))
    """
    if _NUMBER.fullmatch(text):
        return int(text)
    stamp = pd.to_datetime(text, errors="coerce", utc=True)
    if (re.fullmatch(r"[-+\d.]*", text) and not re.match(r"\d{4}-", text)) or not isinstance(stamp, pd.Timestamp):
        raise ValueError(f"{text!r} is neither the number of a sample nor a time")
    return stamp
