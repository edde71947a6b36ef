"""Times that are numbers: seconds since 1970 and finer, ticks, days of Excel and MATLAB, seconds of LabVIEW."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.timing.time_forms import DAY_NS, blocks

__all__ = ["NUMBER_FORM", "NumberTimes", "TimeNumbers", "dates_of_numbers", "numbers_of"]

NUMBER_FORM = r"^[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?$"
"""Form of a number in text."""

_WHOLE_FORM = r"^(?:[+-]?\d{1,18}|[0-8]\d{18})$"
_MILLISECOND_NS = 10**6
_EARLIEST_S = 315_532_800  # 1980
_LIKELY_FROM_S = 946_684_800  # 2000
_LATEST_S = 4_102_444_800  # 2100
_FIRST_S = -2.2e9  # 1900
_YEAR_S = 366 * 86_400
_NONE = np.zeros(0, dtype="datetime64[ns]")
_WITHIN = (0.01, 0.99)  # quantiles that must be plausible where numbers are small enough to count something


@dataclass(frozen=True)
class _Scale:
    """How numbers stand for times."""

    name: str
    unit_ns: float
    origin: int  # of 1970, in units
    is_utc: bool
    is_small: bool = False
    grain_ns: int = 1  # to which a float holds it


_SCALES = {
    "s": _Scale("epoch s", 10**9, 0, True, grain_ns=1000),
    "ms": _Scale("epoch ms", 10**6, 0, True, grain_ns=1000),
    "us": _Scale("epoch us", 10**3, 0, True, grain_ns=1000),
    "ticks": _Scale(".NET ticks", 100, 621_355_968_000_000_000, False, grain_ns=1000),
    "ns": _Scale("epoch ns", 1, 0, True),
    "filetime": _Scale("Windows file time", 100, 116_444_736_000_000_000, True, grain_ns=1000),
    "labview": _Scale("LabVIEW seconds since 1904", 10**9, 2_082_844_800, True, grain_ns=1000),
    "excel": _Scale("Excel's day numbers", DAY_NS, 25_569, False, True, _MILLISECOND_NS),
    "matlab": _Scale("MATLAB's day numbers", DAY_NS, 719_529, False, True, _MILLISECOND_NS),
}
_SINCE_1970 = {"min": 60 * 10**9, "h": 3600 * 10**9, "d": DAY_NS}
_EPOCH = ("s", "ms", "us", "ns")
_WIDE = ("s", "ms", "us", "ns", "excel")  # read up to 2100; the others up to a year from now


@dataclass(frozen=True)
class TimeNumbers:
    """Numbers of a column.

    Attributes
    ----------
    values : numpy.ndarray, shape (n,), float64
        NaN where there is none.
    whole : numpy.ndarray, shape (n,), int64, or None
        The same exactly, where all are whole; 0 where there is none.
    """

    values: npt.NDArray[np.float64]
    whole: npt.NDArray[np.int64] | None


@dataclass(frozen=True)
class NumberTimes:
    """Times out of numbers.

    Attributes
    ----------
    stamps : numpy.ndarray, shape (n,)
        datetime64[ns], NaT where unreadable; empty where they are counts.
    is_utc : bool
        Whether they are in UTC, and not as a clock shows them.
    note : str
        How they were read.
    counts : numpy.ndarray, shape (n,), or None
        The numbers, where they are counts.
    step_ns : float or None
        What one step of a count means, nanoseconds; None where that is not known.
    """

    stamps: npt.NDArray[np.datetime64]
    is_utc: bool
    note: str
    counts: npt.NDArray[np.float64] | None = None
    step_ns: float | None = None


def numbers_of(column: pd.Series) -> TimeNumbers:
    """Return the numbers of a column of numbers or text; what is none is missing."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = np.asarray(column.astype("float64").to_numpy(na_value=np.nan), dtype=np.float64)
        if not pd.api.types.is_integer_dtype(column.dtype):
            return TimeNumbers(values, None)
        beyond = int(column.max()) > np.iinfo(np.int64).max if column.notna().any() else False
        return TimeNumbers(values, None if beyond else column.fillna(0).to_numpy().astype(np.int64))
    values = np.full(len(column), np.nan)
    whole: npt.NDArray[np.int64] | None = np.zeros(len(column), dtype=np.int64)
    for rows, text in blocks(column):
        if whole is not None and pc.all(pc.match_substring_regex(text, _WHOLE_FORM), min_count=0).as_py():
            numbers = pc.cast(text, pa.int64())
            whole[rows] = numbers.fill_null(0).to_numpy()
            values[rows] = np.where(numbers.is_valid().to_numpy(zero_copy_only=False), whole[rows], np.nan)
        else:
            whole = None
            is_number = pc.match_substring_regex(text, NUMBER_FORM)
            plain = pc.replace_substring(pc.if_else(is_number, text, None), ",", ".")
            values[rows] = pc.cast(plain, pa.float64()).fill_null(np.nan).to_numpy()
    return TimeNumbers(values, whole)


def dates_of_numbers(numbers: TimeNumbers, unit: str | None, now: np.datetime64) -> NumberTimes:
    """Read numbers as times; the whole column decides on what they count.

    Parameters
    ----------
    numbers : TimeNumbers
        At least one is there.
    unit : str or None
        What was chosen, see `TimeUnit`; what is plausible where None.
    now : numpy.datetime64
        The time after which nothing can have been measured.

    Returns
    -------
    NumberTimes

    Raises
    ------
    ImportDataError
        Some are in one unit since 1970, others in another.
    """
    finite = np.isfinite(numbers.values)
    values = numbers.values[finite]
    middle = float(np.median(values))
    ends = (float(np.quantile(values, _WITHIN[0])), float(np.quantile(values, _WITHIN[1])))
    latest = int(now.astype("datetime64[s]").astype(np.int64)) + _YEAR_S
    if unit in ("excel", "labview", "ticks"):
        return _stamps(numbers, finite, _SCALES[unit])
    if unit is not None:
        step = _SINCE_1970.get(unit) or int(_SCALES[unit].unit_ns)
        scale = _Scale(f"{unit} since 1970", step, 0, True, grain_ns=1000)
        if _plausible(scale, ends, _LATEST_S):
            return _stamps(numbers, finite, _SCALES.get(unit, scale))
        elapsed = np.where(finite, numbers.values, np.nan)
        return NumberTimes(_NONE, False, f"time is elapsed {unit} without a date", elapsed, float(step))
    for scale in _SCALES.values():
        if _plausible(scale, ends if scale.is_small else (middle, middle), latest):
            _check_one_unit(values, scale, latest)
            return _stamps(numbers, finite, scale)
    for name in _WIDE:
        scale = _SCALES[name]
        if _plausible(scale, ends if scale.is_small else (middle, middle), _LATEST_S):
            return _stamps(numbers, finite, scale)
    counts = np.where(finite, numbers.values, np.nan)
    return NumberTimes(_NONE, False, f"time is a counter without a date{_other_reading(ends, latest)}", counts)


def _other_reading(ends: tuple[float, float], latest_s: int) -> str:
    """Say what a counter would be as minutes, hours or days since 1970, where that is a date since 2000."""
    for unit, step_ns in _SINCE_1970.items():
        first, last = (value * (step_ns / 1e9) for value in ends)
        if first >= _LIKELY_FROM_S and last < latest_s and last > first:
            date = np.datetime64(round(first), "s").astype("datetime64[D]")
            return f" (as {unit} since 1970 it would begin on {date}: --time-unit {unit})"
    return ""


def _check_one_unit(values: npt.NDArray[np.float64], scale: _Scale, latest_s: int) -> None:
    """Raise an error where a good share of epoch numbers is too small or too large, and right in another unit."""
    if scale.name not in [_SCALES[name].name for name in _EPOCH]:
        return
    seconds = values * (scale.unit_ns / 1e9)
    others = values[(seconds < _EARLIEST_S) | (seconds >= latest_s)]
    if len(others) <= _WITHIN[0] * len(values):
        return
    ends = (float(others.min()), float(others.max()))
    for name in _EPOCH:
        if _plausible(_SCALES[name], ends, latest_s):
            raise ImportDataError(
                f"The times are {scale.name} in some rows and {_SCALES[name].name} in others, as {others[0]:.0f}.",
                "Write all in one unit, or split the file where the unit changes.",
            )


def _plausible(scale: _Scale, ends: tuple[float, float], latest_s: int) -> bool:
    seconds = [(value - scale.origin) * (scale.unit_ns / 1e9) for value in ends]
    return seconds[0] >= _EARLIEST_S and seconds[1] < latest_s


def _stamps(numbers: TimeNumbers, finite: npt.NDArray[np.bool_], scale: _Scale) -> NumberTimes:
    seconds = (numbers.values - scale.origin) * (scale.unit_ns / 1e9)
    with np.errstate(invalid="ignore"):
        good = finite & (numbers.values >= 0) & (seconds > _FIRST_S) & (seconds < 2 * _LATEST_S)
    nanoseconds = np.full(len(finite), np.iinfo("int64").min, dtype="int64")  # NaT
    if numbers.whole is not None:
        nanoseconds[good] = (numbers.whole[good] - scale.origin) * int(scale.unit_ns)
    else:  # a float holds epoch seconds to about a quarter of a microsecond
        grain = min(scale.grain_ns, int(scale.unit_ns))
        exact = (numbers.values[good] - scale.origin) * (scale.unit_ns / grain)
        nanoseconds[good] = np.round(exact).astype("int64") * grain
    return NumberTimes(nanoseconds.view("datetime64[ns]"), scale.is_utc, f"time in {scale.name}")
