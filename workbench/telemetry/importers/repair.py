"""Makes a table of samples regular enough for a channel, and counts what that took."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.telemetry.schema import UNKNOWN_PERIOD

__all__ = ["LONGEST_INTERPOLATED", "count_gaps", "fill_missing", "in_order", "sample_period"]

LONGEST_INTERPOLATED = 10
"""Missing values in a row that are interpolated, samples; where more are missing the last value is held."""

_GAP_STEPS = 1.5  # median steps


def in_order(
    frame: pd.DataFrame, stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64]
) -> tuple[pd.DataFrame, npt.NDArray[np.datetime64] | npt.NDArray[np.float64], dict[str, int]]:
    """Sort samples by time and join those of the same time.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a sample.
    stamps : numpy.ndarray, shape (n,)
        Its time; none is missing.

    Returns
    -------
    frame : pandas.DataFrame
        Of samples with the same time, the last value of each column that is not missing.
    stamps : numpy.ndarray
        Strictly rising.
    repairs : dict of str to int
        `out_of_order` (samples earlier than one before them) and `duplicate_times` (samples joined to another).
    """
    ticks = stamps.astype("int64") if stamps.dtype.kind == "M" else stamps
    late = int((ticks < np.maximum.accumulate(ticks)).sum()) if len(ticks) else 0
    if late:
        order = np.argsort(ticks, kind="stable")
        frame, stamps, ticks = frame.iloc[order], stamps[order], ticks[order]
    twice = int((ticks[1:] == ticks[:-1]).sum())
    if twice:
        group = np.concatenate([[0], np.cumsum(ticks[1:] != ticks[:-1])])
        stamps = stamps[np.concatenate([[True], ticks[1:] != ticks[:-1]])]
        frame = frame.groupby(group, sort=False).last()
    return frame.reset_index(drop=True), stamps, {"out_of_order": late, "duplicate_times": twice}


def count_gaps(stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64]) -> int:
    """Count the steps that are longer than one and a half times the median step.

    Examples
    --------
    >>> count_gaps(np.array([0.0, 1.0, 2.0, 5.0, 6.0]))
    1
    """
    if len(stamps) < 2:
        return 0
    steps = np.diff(stamps).astype("float64")
    return int((steps > _GAP_STEPS * np.median(steps)).sum())


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
    run = np.cumsum(~missing)
    length = np.bincount(run, weights=missing)[run]
    outside = (before < 0) | (np.arange(len(values)) > present[-1])
    hold = missing & (outside | (length > LONGEST_INTERPOLATED))
    filled[hold] = values[np.where(before[hold] < 0, present[0], before[hold])]
    return filled, int((missing & ~hold).sum()), int(hold.sum())


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
    rest = round(float(np.median(np.diff(stamps).astype("int64"))))
    parts = []
    for letter, size in (("D", 86_400 * 10**9), ("H", 3600 * 10**9), ("M", 60 * 10**9)):
        count, rest = divmod(rest, size)
        parts.append(f"{count}{letter}" if count else "")
    second, fraction = divmod(rest, 10**9)
    digits = f"{fraction:09d}".rstrip("0")
    clock = "".join(parts[1:]) + (f"{second}{'.' if digits else ''}{digits}S" if rest else "")
    return f"P{parts[0]}{'T' if clock else ''}{clock}"
