"""Makes a table of samples regular enough for a channel, and counts what that took."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.telemetry.importers.timing.durations import duration_text
from workbench.telemetry.schema import UNKNOWN_PERIOD

__all__ = [
    "Ordered",
    "count_gaps",
    "in_order",
    "sample_period",
]

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
    shared : int
        Samples that have the time of any other one.
    """

    frame: pd.DataFrame
    stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64]
    late: int
    equal: int
    conflicting: int
    conflict: tuple[Any, str, Any, Any] | None = None
    shared: int = 0


def in_order(
    frame: pd.DataFrame,
    stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64],
    *,
    last_wins: bool = False,
    wide: Collection[str] = (),
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
    wide : collection of str
        Columns that are stored as float64.

    Returns
    -------
    Ordered

    Examples
    --------
    >>> ordered = in_order(pd.DataFrame({"a": [7, 5, 8]}), np.array([2.0, 1.0, 2.0]))
    >>> ordered.frame["a"].tolist(), ordered.conflicting, *map(str, ordered.conflict)
    ([5, 7], 1, '2.0', 'a', '8', '7')
    """
    ticks: npt.NDArray[Any] = stamps.view("int64") if stamps.dtype.kind == "M" else stamps
    if (ticks[1:] > ticks[:-1]).all():
        return Ordered(frame.set_axis(pd.RangeIndex(len(frame)), axis=0), stamps, 0, 0, 0)
    falls = bool((ticks[1:] < ticks[:-1]).any())
    late = int((ticks < np.maximum.accumulate(ticks)).sum()) if falls else 0
    if late:
        order = np.argsort(ticks, kind="stable")
        frame, stamps, ticks = frame.iloc[order], stamps[order], ticks[order]
    frame = frame.set_axis(pd.RangeIndex(len(frame)), axis=0)
    is_again = np.concatenate([[False], ticks[1:] == ticks[:-1]])
    if not is_again.any():
        return Ordered(frame, stamps, late, 0, 0)
    group = np.cumsum(~is_again) - 1
    groups = frame.groupby(group, sort=False)
    again = np.flatnonzero(is_again)
    first = groups.first().iloc[group[again]].reset_index(drop=True)
    rows = frame.iloc[again].reset_index(drop=True)
    differs = (rows.notna() & (_comparable(rows, wide) != _comparable(first, wide))).to_numpy()
    conflicting = differs.any(axis=1)
    conflict = None
    if conflicting.any():
        row = int(np.argmax(conflicting))
        column = int(np.argmax(differs[row]))
        conflict = (stamps[again[row]], str(frame.columns[column]), rows.iat[row, column], first.iat[row, column])
    joined = (groups.last() if last_wins else groups.first()).reset_index(drop=True)
    n = int(conflicting.sum())
    shared = int((is_again | np.append(is_again[1:], False)).sum())
    return Ordered(joined, stamps[~is_again], late, len(again) - n, n, conflict, shared)


def _comparable(frame: pd.DataFrame, wide: Collection[str]) -> pd.DataFrame:
    """Return values as they are stored: two numbers that are one in float32 are equal."""
    floats = {name: "float32" for name, dtype in frame.dtypes.items() if dtype == np.float64 and name not in wide}
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
    if steps.max() <= _GAP_STEPS * steps.min():  # the median lies between them, and takes longer to find
        return 0
    wide = steps > _GAP_STEPS * np.median(steps)
    return int((wide if fresh is None else wide & (fresh[1:] | fresh[:-1])).sum())


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
    steps = np.diff(stamps).astype("int64")
    return duration_text(int(steps[0]) if (steps == steps[0]).all() else round(float(np.median(steps))))
