"""Times of day in columns of their own: 12:30, 12.30.00, 1230, hour 1 to 24, or hour, minute and second apart."""

import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.telemetry.importers.timing.time_forms import (
    CLOCK_FORM,
    DAY_NS,
    Fields,
    as_text,
    blocks,
    clock_ns,
    fits,
)
from workbench.telemetry.importers.timing.time_numbers import NUMBER_FORM, numbers_of
from workbench.telemetry.importers.timing.time_zones import WallTimes, ZoneCodes

__all__ = [
    "ClockKind",
    "clock_kind",
    "is_clock_name",
    "name_letters",
    "part_of_name",
    "parts_fit",
    "read_clock",
    "read_parts",
]

ClockKind = Literal["text", "hhmm", "hhmmss", "hour", "hours", "share"]
"""How a column holds times of day; "hours": with decimals; "share": as a share of the day, as spreadsheets do."""

_SURE_FORM = r"^T?\d{1,2}(?::\d{2}|h\s?\d{2}|\.\d{2}\.\d{2}|(?::\d{2}){0,2}\s?[AaPp]\.?[Mm]\.?$)"
_DOTTED_FORM = r"^\d{1,2}\.\d{2}$"
_POINTS_FORM = r"^\d{1,2}\.\d{2}\.\d{2}$"  # that of a date, too
_WORDS = {
    "clock": "time timeofday clock clocktime uhrzeit zeit uhr hora heure ora tijd hhmm hhmmss hrmn tod localtime "
    "utctime timeutc timegmt gmttime timelocal время godzina czas čas aika kellonaika klockslag "
    "klokkeslæt saat ώρα 时间 時間 时刻 時刻 시간 시각",
    "year": "year yr yyyy jahr año ano année annee anno jaar год",
    "month": "month mon mo monat mes mois mese maand месяц",
    "day": "day dy dd dayofmonth tag día dia jour giorno dag день",
    "ordinal": "doy dayofyear jday julianday yearday ordinalday tagdesjahres",
    "hour": "hour hours hr hrs he hourending hourend stunde std hora heure ora uur time hh час",
    "minute": "minute minutes min mins minuto minuten mn",
    "second": "second seconds sec secs sekunde sekunden segundo seconde ss",
    "millisecond": "ms msec msecs millis millisecond milliseconds millisekunden millitm timems",
    "microsecond": "us usec microsecond microseconds µs",
}
_CLOCK_NAMES, *_NAMES_OF_PARTS = (frozenset(words.split()) for words in _WORDS.values())
_PART_NAMES = dict(zip(list(_WORDS)[1:], _NAMES_OF_PARTS, strict=True))
_EXACT_NAMES = {"YY": "year", "YYYY": "year", "MM": "month", "DD": "day", "hh": "hour", "HH": "hour", "mm": "minute"}
_LIMITS = {
    "year": (0, 2200),
    "month": (1, 12),
    "day": (1, 31),
    "ordinal": (1, 366),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 60),
    "millisecond": (0, 999),
    "microsecond": (0, 999_999),
}
_UNITS_NS = {"millisecond": 10**6, "microsecond": 10**3}


def name_letters(column: str) -> str:
    """Reduce the name of a column to its small letters, without a unit in brackets.

    Examples
    --------
    >>> name_letters("Time_UTC [hh:mm]")
    'timeutc'
    """
    return re.sub(r"[\W\d_]", "", re.sub(r"[\[(].*?[\])]", "", column).casefold())


def is_clock_name(column: str) -> bool:
    """Tell whether a column is called as a time of day."""
    return name_letters(column) in _CLOCK_NAMES


def part_of_name(column: str) -> tuple[str, ...]:
    """Return the parts of a time that a column may hold, by its name.

    Examples
    --------
    >>> part_of_name("Year"), part_of_name("mm"), part_of_name("pressure")
    (('year',), ('minute',), ())
    """
    exact = _EXACT_NAMES.get(column.strip(" #"))
    if exact is not None:
        return (exact,)
    letters = name_letters(column)
    return tuple(part for part, names in _PART_NAMES.items() if letters in names)


def parts_fit(column: pd.Series, part: str) -> bool:
    """Tell whether all of a column lies within what a part of a time can be."""
    if pd.api.types.is_bool_dtype(column.dtype) or _is_temporal(column):
        return False
    values = numbers_of(column).values
    first, last = _LIMITS[part]
    present = column.notna().to_numpy()
    values = values[present]
    is_whole = part == "second" or _all_whole(values)
    return bool(len(values) and is_whole and (values >= first).all() and (values < last + 1).all())


def clock_kind(column: pd.Series) -> ClockKind | None:
    """Return how a column holds times of day; None where it does not.

    Parameters
    ----------
    column : pandas.Series
        Rows from all over the column, under its name.
    """
    name = str(column.name)
    letters = name_letters(name)
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return "text" if letters in _CLOCK_NAMES else None
    if pd.api.types.is_bool_dtype(column.dtype) or _is_temporal(column):
        return None
    text = as_text(column).drop_null()
    if not len(text):
        return None
    if fits(text, CLOCK_FORM) == 1 and fits(text, _SURE_FORM) == 1:
        return None if fits(text, _POINTS_FORM) == 1 and not _are_possible(text) else "text"
    is_named = letters in _CLOCK_NAMES
    if not (is_named or "hour" in part_of_name(name)) or fits(text, NUMBER_FORM) < 1:
        return None
    if is_named and fits(text, _DOTTED_FORM) == 1 and fits(text, CLOCK_FORM) == 1 and _are_possible(text):
        return "text"
    return _kind_of_numbers(numbers_of(column.dropna()).values, int(pc.max(pc.utf8_length(text)).as_py()), is_named)


def _kind_of_numbers(values: npt.NDArray[np.float64], n_digits: int, is_named: bool) -> ClockKind | None:
    if not len(values) or values.min() < 0:
        return None
    if not _all_whole(values):
        if is_named and values.max() < 1:
            return "share"
        is_hours = values.max() <= 24 and bool(
            (np.round(values % 1, 6) >= 0.6).any()
        )  # else 10.30 may be half past ten
        return "hours" if is_hours else None
    if values.max() <= 24 and n_digits <= 2:
        return "hour"
    if not is_named or (values % 100 >= 60).any():
        return None
    if values.max() <= 2400 and n_digits <= 4:
        return "hhmm"
    if values.max() <= 240_000 and (values // 100 % 100 < 60).all():
        return "hhmmss"
    return None


def _are_possible(text: pa.Array) -> bool:
    """Tell whether there is a time of day for each text."""
    fields = Fields(text, CLOCK_FORM)
    return bool(fields.clock()[1].all())


def _all_whole(values: npt.NDArray[np.float64]) -> bool:
    return bool(np.isfinite(values).all() and (values == np.floor(values)).all())


def _is_temporal(column: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(column.dtype)


def read_clock(column: pd.Series, kind: ClockKind) -> WallTimes:
    """Read a column of times of day.

    Parameters
    ----------
    column : pandas.Series
        The column.
    kind : str
        From `clock_kind`.

    Returns
    -------
    WallTimes
        Times of 1 January 1970; 24:00 is the next day.
    """
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return _wall(column.to_numpy().astype("timedelta64[ns]").astype(np.int64), column.notna().to_numpy())
    if kind == "text":
        nanoseconds, good = np.zeros(len(column), dtype=np.int64), np.zeros(len(column), dtype=bool)
        codes = ZoneCodes(len(column))
        for rows, text in blocks(column):
            fields = Fields(text, CLOCK_FORM)
            nanoseconds[rows], good[rows] = fields.clock()
            good[rows] &= fields.matches
            codes.set(rows, fields.text("zone"))
        return codes.wall(_wall(nanoseconds, good).stamps)
    values = numbers_of(column).values
    present = np.isfinite(values)
    if kind in ("hours", "share"):
        in_ms = DAY_NS / 10**6 / (24 if kind == "hours" else 1)
        nanoseconds = np.round(np.where(present, values, 0) * in_ms).astype(np.int64) * 10**6
        return _wall(nanoseconds, present & (nanoseconds >= 0) & (nanoseconds <= DAY_NS))
    whole = np.where(present, values, -1).astype(np.int64)
    whole *= {"hour": 10_000, "hhmm": 100, "hhmmss": 1}[kind]
    nanoseconds, good = clock_ns(whole // 10_000, whole // 100 % 100, whole % 100, np.zeros_like(whole))
    return _wall(nanoseconds, good & present)


def read_parts(frame: pd.DataFrame, parts: Mapping[str, str]) -> WallTimes:
    """Read times of day whose hours, minutes, seconds and fractions have columns of their own.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    parts : mapping of str to str
        Column of each part.

    Returns
    -------
    WallTimes
        Times of 1 January 1970; 24:00 is the next day.
    """
    values = {part: numbers_of(frame[column]).values for part, column in parts.items()}
    good = np.logical_and.reduce([np.isfinite(one) for one in values.values()])
    whole = {part: np.where(good, one, 0).astype(np.int64) for part, one in values.items()}
    none = np.zeros(len(frame), dtype=np.int64)
    fractions = sum((whole[part] * factor for part, factor in _UNITS_NS.items() if part in whole), none)
    if "second" in values:
        fractions = fractions + np.round(np.where(good, values["second"] % 1, 0) * 1e9).astype(np.int64)
    hours, minutes, seconds = (whole.get(part, none) for part in ("hour", "minute", "second"))
    nanoseconds, possible = clock_ns(hours, minutes, seconds, fractions)
    return _wall(nanoseconds, good & possible)


def _wall(nanoseconds: npt.NDArray[np.int64], good: npt.NDArray[np.bool_]) -> WallTimes:
    return WallTimes(np.where(good, nanoseconds.view("datetime64[ns]"), np.datetime64("NaT")))
