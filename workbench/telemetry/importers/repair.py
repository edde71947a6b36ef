"""Makes a table of samples regular enough for a channel, and counts what that took."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.telemetry.importers.timing.durations import duration_text
from workbench.telemetry.schema import UNKNOWN_PERIOD

__all__ = [
    "LONGEST_INTERPOLATED",
    "Ordered",
    "count_gaps",
    "fill_missing",
    "held_values",
    "in_order",
    "sample_period",
]

LONGEST_INTERPOLATED = 10
"""Missing values in a row that are interpolated, samples; where more are missing the last value is held."""

_GAP_STEPS = 1.5  # median steps


@dataclass(frozen=True)
class Ordered:
    """Samples in the order of time, each time once.

    Attributes
    ----------
    frame : pandas.DataFrame
        Of samples with the same time, the first or the last value of each column that is not missing.
    stamps : numpy.ndarray, shape (n,)
        Strictly rising.
    late : int
        Samples that came after a later one.
    equal : int
        Samples that were joined to another one of their time, without a contradiction.
    conflicting : int
        Samples that contradict an earlier row of their time.
    conflict : tuple or None
        Time, column, value and earlier value of the first of them.
    """

    frame: pd.DataFrame
    stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64]
    late: int
    equal: int
    conflicting: int
    conflict: tuple[Any, str, Any, Any] | None = None


def in_order(
    frame: pd.DataFrame,
    stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64],
    *,
    last_wins: bool = False,
) -> Ordered:
    """Sort samples by time and join those of the same time.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a sample.
    stamps : numpy.ndarray, shape (n,)
        Its time; none is missing.
    last_wins : bool
        Whether the last of several values at one time holds, not the first.

    Returns
    -------
    Ordered

    Examples
    --------
    >>> ordered = in_order(pd.DataFrame({"a": [7, 5, 8]}), np.array([2.0, 1.0, 2.0]))
    >>> ordered.frame["a"].tolist(), ordered.conflicting, *map(str, ordered.conflict)
    ([5, 7], 1, '2.0', 'a', '8', '7')
    """
    ticks = stamps.astype("int64") if stamps.dtype.kind == "M" else stamps
    late = int((ticks < np.maximum.accumulate(ticks)).sum()) if len(ticks) else 0
    if late:
        order = np.argsort(ticks, kind="stable")
        frame, stamps, ticks = frame.iloc[order], stamps[order], ticks[order]
    frame = frame.reset_index(drop=True)
    is_again = np.concatenate([[False], ticks[1:] == ticks[:-1]])
    if not is_again.any():
        return Ordered(frame, stamps, late, 0, 0)
    group = np.cumsum(~is_again) - 1
    groups = frame.groupby(group, sort=False)
    again = np.flatnonzero(is_again)
    first = groups.first().iloc[group[again]].reset_index(drop=True)
    rows = frame.iloc[again].reset_index(drop=True)
    differs = (rows.notna() & (_comparable(rows) != _comparable(first))).to_numpy()
    conflicting = differs.any(axis=1)
    conflict = None
    if conflicting.any():
        row = int(np.argmax(conflicting))
        column = int(np.argmax(differs[row]))
        conflict = (stamps[again[row]], str(frame.columns[column]), rows.iat[row, column], first.iat[row, column])
    joined = (groups.last() if last_wins else groups.first()).reset_index(drop=True)
    n = int(conflicting.sum())
    return Ordered(joined, stamps[~is_again], late, len(again) - n, n, conflict)


def _comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return values as they are stored: two numbers that are one in float32 are equal."""
    floats = {name: "float32" for name, dtype in frame.dtypes.items() if dtype == np.float64}
    return frame.astype(floats).astype(object)


def count_gaps(
    stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64], fresh: npt.NDArray[np.bool_] | None = None
) -> int:
    """Count the steps that are longer than one and a half times the median step.

    Parameters
    ----------
    stamps : numpy.ndarray, shape (n,)
        Strictly rising.
    fresh : numpy.ndarray, shape (n,), bool, optional
        Which samples are new: only steps to or from one of them count.

    Examples
    --------
    >>> count_gaps(np.array([0.0, 1.0, 2.0, 5.0, 6.0]))
    1
    """
    if len(stamps) < 2:
        return 0
    steps = np.diff(stamps).astype("float64")
    wide = steps > _GAP_STEPS * np.median(steps)
    return int((wide if fresh is None else wide & (fresh[1:] | fresh[:-1])).sum())


def fill_missing(
    values: npt.NDArray[np.float64], stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], int, int]:
    """Fill missing values: short runs by interpolation over time, long ones by holding the last value.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        NaN where a value is missing; at least one is not.
    stamps : numpy.ndarray, shape (n,)
        Strictly rising.

    Returns
    -------
    values : numpy.ndarray, shape (n,)
        Without NaN. What is missing at the start takes the first value there is.
    interpolated, held : int
        Values filled by either.

    Examples
    --------
    >>> fill_missing(np.array([np.nan, 1.0, np.nan, 3.0, np.nan]), np.arange(5.0))
    (array([1., 1., 2., 3., 3.]), 1, 2)
    """
    missing = np.isnan(values)
    if not missing.any():
        return values, 0, 0
    present = np.flatnonzero(~missing)
    seconds = (stamps - stamps[0]).astype("float64")
    filled = np.interp(seconds, seconds[present], values[present])
    before = np.maximum.accumulate(np.where(missing, -1, np.arange(len(values))))
    hold = held_values(values)
    filled[hold] = values[np.where(before[hold] < 0, present[0], before[hold])]
    return filled, int((missing & ~hold).sum()), int(hold.sum())


def held_values(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which missing values `fill_missing` fills by holding, not by interpolation.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        NaN where a value is missing; at least one is not.

    Returns
    -------
    numpy.ndarray, shape (n,), bool
    """
    missing = np.isnan(values)
    present = np.flatnonzero(~missing)
    numbers = np.arange(len(values))
    run = np.cumsum(~missing)
    length = np.bincount(run, weights=missing)[run]
    outside = (numbers < present[0]) | (numbers > present[-1])
    held: npt.NDArray[np.bool_] = missing & (outside | (length > LONGEST_INTERPOLATED))
    return held


def sample_period(stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64]) -> str:
    """Return the median step as an ISO 8601 duration.

    Parameters
    ----------
    stamps : numpy.ndarray, shape (n,)
        datetime64[ns]; of counters the step is not known in time.

    Returns
    -------
    str

    Examples
    --------
    >>> sample_period(np.array(["2024-01-01T00:00", "2024-01-01T00:01", "2024-01-01T00:02"], "datetime64[ns]"))
    'PT1M'
    >>> sample_period(np.array(["2024-01-01T00:00", "2024-01-02T01:00:00.25"], "datetime64[ns]"))
    'P1DT1H0.25S'
    """
    if stamps.dtype.kind != "M" or len(stamps) < 2:
        return UNKNOWN_PERIOD
    return duration_text(round(float(np.median(np.diff(stamps).astype("int64")))))
