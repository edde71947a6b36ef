"""Reads a column of time stamps in whatever form people keep them; the whole column decides on its form."""

import re
from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError

__all__ = ["DateOrder", "ParsedTimes", "parse_times", "time_zone", "uneven_steps"]

DateOrder = Literal["day", "month", "year"]
"""Which number of a date such as 03/04/05 comes first."""

_EPOCH_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_EARLIEST_EPOCH_S = 315_532_800  # 1980
_LATEST_EPOCH_S = 4_102_444_800  # 2100; numbers between the two are taken as time stamps
_EXCEL_DAYS = (20_000, 80_000)  # 1954 to 2119
_EXCEL_ORIGIN = np.datetime64("1899-12-30", "ns")
_YEARS = (1900, 2200)
_DAY_NS = 86_400 * 10**9

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_GERMAN_MONTHS = {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)} | _GERMAN_MONTHS

_WEEKDAY = r"^\s*(?:[^\W\d_]{2,9}\.?,?\s+)?"
_CLOCK = (
    r"(?:[T\s,_-]+(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}(?:[.,]\d{1,12})?))?)?"
    r"\s*(?P<half>[AaPp])?(?:\.?[Mm]\.?)?)?"
    r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?\s*$"
)
_FORMS = {
    "ISO 8601": r"^\s*(?P<year>\d{4})[-/. ](?P<month>\d{1,2})[-/. ](?P<day>\d{1,2})" + _CLOCK,
    "with hyphens throughout": r"^\s*(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})-(?P<hour>\d{1,2})"
    r"-(?P<minute>\d{2})-(?P<second>\d{2}(?:[.,]\d{1,12})?)(?P<zone>Z)?\s*$",
    "year and day of year": r"^\s*(?P<year>\d{4})-(?P<ordinal>\d{3})" + _CLOCK,
    "compact": r"^\s*(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>[0-3]\d)(?:[T\s_-]?"
    r"(?P<hour>[0-2]\d):?(?P<minute>[0-5]\d):?(?P<second>[0-6]\d(?:[.,]\d{1,12})?)?)?"
    r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?\s*$",
    "day and month": r"^\s*(?P<first>\d{1,2})(?P<mark>[-/.])(?P<other>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + _CLOCK,
    "day, month by name": _WEEKDAY + r"(?P<day>\d{1,2})\.?[\s-]*(?P<name>[^\W\d_]{3,9})\.?[\s,-]*(?P<year>\d{4}|\d{2})"
    r"(?!\d)" + _CLOCK,
    "month by name, day": _WEEKDAY + r"(?P<name>[^\W\d_]{3,9})\.?[\s-]*(?P<day>\d{1,2}),?\s+(?P<year>\d{4})" + _CLOCK,
}
_PLAIN_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ])\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})?")


@dataclass(frozen=True)
class ParsedTimes:
    """A column of time stamps.

    Attributes
    ----------
    stamps : numpy.ndarray, shape (n,)
        datetime64[ns] in UTC, NaT where unreadable; or float64, NaN where unreadable, if `absolute` is False.
    absolute : bool
        False where the column counts samples or elapsed time without a date.
    notes : tuple of str
        What was assumed.
    date_order : {"day", "month"} or None
        How dates such as 03/04/2024 were read; None where there are none.
    other : numpy.ndarray, shape (n,), or None
        The stamps in the other order, where nothing in the column decides.
    """

    stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64]
    absolute: bool
    notes: tuple[str, ...] = ()
    date_order: DateOrder | None = None
    other: npt.NDArray[np.datetime64] | npt.NDArray[np.float64] | None = None

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        """Which stamps could be read, shape (n,)."""
        return ~np.isnan(self.stamps)


def time_zone(name: str | None) -> ZoneInfo | None:
    """Look up a time zone.

    Parameters
    ----------
    name : str or None
        As `Europe/Berlin`.

    Returns
    -------
    zoneinfo.ZoneInfo or None

    Raises
    ------
    ImportDataError
        There is no such time zone.
    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImportDataError(f"There is no time zone {name!r}.", "Give a name as Europe/Berlin or UTC.") from None


def uneven_steps(stamps: npt.NDArray[np.datetime64]) -> int:
    """Count the steps of stamps, in the order of time, that are longer than one and a half times the median step.

    Examples
    --------
    >>> uneven_steps(np.array(["2024-03-01T00", "2024-03-01T01", "2024-03-01T02", "2024-04-01T00"], "datetime64[ns]"))
    1
    """
    steps = np.diff(np.unique(stamps[~np.isnat(stamps)])).astype("int64")
    return int((steps > 1.5 * np.median(steps)).sum()) if len(steps) else 0


def parse_times(column: pd.Series, timezone: str | None = None, date_order: DateOrder | None = None) -> ParsedTimes:
    """Read a column of time stamps.

    Parameters
    ----------
    column : pandas.Series
        datetime64 with or without zone, numbers, or text: ISO 8601 with or without offset, compact
        (`20240131T120000`), year and day of year, day-first or month-first, months by name, epoch seconds,
        milliseconds, microseconds or nanoseconds, Excel's day numbers. Other numbers are taken as counters.
    timezone : str, optional
        Zone of stamps that carry none; UTC where omitted.
    date_order : {"day", "month"}, optional
        Order of dates such as 03/04/2024; the whole column decides where omitted.

    Returns
    -------
    ParsedTimes
        Nothing is readable where no form fits.

    Raises
    ------
    ImportDataError
        There is no such time zone.

    Examples
    --------
    >>> parse_times(pd.Series(["31.01.2024 12:00", "01.02.2024 12:00"]), "Europe/Berlin").stamps
    array(['2024-01-31T11:00:00.000000000', '2024-02-01T11:00:00.000000000'], dtype='datetime64[ns]')
    """
    zone = time_zone(timezone)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return ParsedTimes(_limited(column.dt.tz_convert("UTC").dt.tz_localize(None)), True)
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return _localized(_limited(column), np.ones(len(column), dtype=bool), zone, ())
    if pd.api.types.is_bool_dtype(column.dtype):
        return _unreadable(len(column))
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _from_numbers(column, zone)
    text = column.astype("object").where(column.notna(), "").map(str)
    numbers = _numbers(text)
    if numbers.notna().sum() * 2 > (text.str.strip() != "").sum() and not _looks_compact(text):
        return _from_numbers(numbers, zone)
    return _from_text(text, zone, date_order)


def _unreadable(n: int) -> ParsedTimes:
    return ParsedTimes(np.full(n, np.datetime64("NaT"), dtype="datetime64[ns]"), True)


def _limited(stamps: pd.Series) -> npt.NDArray[np.datetime64]:
    """Return stamps as nanoseconds, NaT where the year is beyond what nanoseconds hold."""
    years = stamps.dt.year
    in_range = stamps.where((years >= _YEARS[0]) & (years < _YEARS[1]))
    return in_range.to_numpy().astype("datetime64[ns]")


def _numbers(text: pd.Series) -> pd.Series:
    """Read numbers in text, exactly where all are whole: nanoseconds since 1970 do not fit a float."""
    exact = text.str.strip().str.replace(",", ".", regex=False)
    whole = exact.str.fullmatch(r"(?:[+-]?\d{1,18}|[0-8]\d{18})")
    if whole.any() and not (~whole & (exact != "")).any():
        values = [int(number) if is_whole else 0 for number, is_whole in zip(exact, whole, strict=True)]
        mask = np.asarray(~whole, dtype=bool)
        return pd.Series(pd.arrays.IntegerArray(np.asarray(values, dtype=np.int64), mask), index=text.index)
    return pd.to_numeric(exact, errors="coerce").astype("float64")


def _looks_compact(text: pd.Series) -> bool:
    filled = text[text.str.strip() != ""]
    return bool(filled.str.fullmatch(_FORMS["compact"]).mean() > 0.5)


def _from_numbers(numbers: pd.Series, zone: ZoneInfo | None) -> ParsedTimes:
    values = np.asarray(numbers.astype("float64").to_numpy(na_value=np.nan), dtype=np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return _unreadable(len(values))
    typical = float(np.median(values[finite]))
    for unit, factor in _EPOCH_UNITS.items():
        scale = 10**9 // factor
        if _EARLIEST_EPOCH_S * scale <= typical < _LATEST_EPOCH_S * scale:
            good = finite & (values >= 0) & (values < 2 * _LATEST_EPOCH_S * scale) & (values < 9.2e18 / factor)
            return ParsedTimes(_epoch(numbers, values, good, factor), True, (f"time in epoch {unit}",))
    good = finite & (values >= _EXCEL_DAYS[0]) & (values < _EXCEL_DAYS[1])
    if good.sum() * 2 > finite.sum() and values[finite].min() >= 1:
        stamps = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[ns]")
        milliseconds = np.round(values[good] * 86_400_000).astype("int64")
        stamps[good] = _EXCEL_ORIGIN + milliseconds * np.timedelta64(10**6, "ns")
        return _localized(stamps, np.ones(len(values), dtype=bool), zone, ("time in Excel's day numbers",))
    if _looks_compact(numbers.dropna().map(lambda number: f"{number:.0f}")):
        return _from_text(numbers.map(lambda number: "" if pd.isna(number) else f"{number:.0f}"), zone)
    return ParsedTimes(np.where(finite, values, np.nan), False, ("time is a counter without a date",))


def _epoch(
    numbers: pd.Series, values: npt.NDArray[np.float64], good: npt.NDArray[np.bool_], factor: int
) -> npt.NDArray[np.datetime64]:
    nanoseconds = np.full(len(values), np.iinfo("int64").min, dtype="int64")  # NaT
    if pd.api.types.is_integer_dtype(numbers.dtype):
        nanoseconds[good] = numbers[good].to_numpy(dtype="int64") * factor
    else:  # a float holds epoch seconds to about a quarter of a microsecond
        grain = min(factor, 1000)
        nanoseconds[good] = np.round(values[good] * (factor / grain)).astype("int64") * grain
    return nanoseconds.view("datetime64[ns]")


def _from_text(text: pd.Series, zone: ZoneInfo | None, date_order: DateOrder | None = None) -> ParsedTimes:
    filled = text[text.str.strip() != ""]
    quick = _plain_iso(text, filled)
    if quick is not None:
        stamps, without_zone = quick
        return _localized(stamps, np.full(len(text), without_zone), zone, ())
    sample = filled.iloc[:: max(1, len(filled) // 1000)]
    fitting = {form: sum(bool(re.match(pattern, value)) for value in sample) for form, pattern in _FORMS.items()}
    form = max(fitting, key=lambda name: fitting[name])
    if not fitting[form]:
        return _unreadable(len(text))
    parts = text.str.extract(_FORMS[form])
    if "name" in parts:
        parts["month"] = parts["name"].str.lower().str[:3].map(_MONTH_NUMBERS)
    if "first" not in parts:
        return _localized(*_stamps(parts), zone, ())
    readings = {
        "day": _stamps(parts.assign(day=parts["first"], month=parts["other"])),
        "month": _stamps(parts.assign(day=parts["other"], month=parts["first"])),
    }
    order, why, sure = _order_of_dates(parts, readings["day"][0], readings["month"][0], date_order)
    as_usual = not why or ((parts["mark"] == ".").any() and order == "day")
    notes = () if as_usual else (f"dates read {order} first, {why}",)
    parsed = replace(_localized(*readings[order], zone, notes), date_order=order)
    other = _localized(*readings["month" if order == "day" else "day"], zone, ()).stamps
    return parsed if sure or np.array_equal(parsed.stamps, other, equal_nan=True) else replace(parsed, other=other)


def _stamps(parts: pd.DataFrame) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.bool_]]:
    """Return the stamps of dates in parts, and which of them carry no zone."""
    years = _whole(parts["year"])
    years = years.where(parts["year"].str.len() == 4, np.where(years < 70, 2000, 1900) + years)
    years = years.where((years >= _YEARS[0]) & (years < _YEARS[1]))
    if "ordinal" in parts:
        ordinal = _whole(parts["ordinal"])
        days = pd.to_datetime({"year": years, "month": years * 0 + 1, "day": years * 0 + 1}, errors="coerce")
        leap = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))
        days = days.where((ordinal >= 1) & (ordinal <= 365 + leap)) + pd.to_timedelta(ordinal - 1, unit="D")
    else:
        days = pd.to_datetime(
            {"year": years, "month": _whole(parts["month"]), "day": _whole(parts["day"])}, errors="coerce"
        )
    clock, good = _clock(parts)
    stamps = days.to_numpy().astype("datetime64[ns]") + clock.astype("timedelta64[ns]")
    stamps[~good] = np.datetime64("NaT")
    offset = _offset(parts["zone"])
    naive = parts["zone"].isna().to_numpy()
    return stamps - np.where(naive, 0, offset).astype("timedelta64[ns]"), naive


def _plain_iso(text: pd.Series, filled: pd.Series) -> tuple[npt.NDArray[np.datetime64], bool] | None:
    """Read the usual ISO 8601 columns by pandas alone, which is ten times faster; None where one stamp differs."""
    plain = _PLAIN_ISO.fullmatch(filled.iloc[0]) if len(filled) else None
    if plain is None:
        return None
    mark, fraction, zone = plain.groups()
    suffix = "" if zone is None else "Z" if zone == "Z" else "%z"
    form = f"%Y-%m-%d{mark}%H:%M:%S{'.%f' if fraction else ''}{suffix}"
    stamps = pd.to_datetime(text, format=form, errors="coerce", utc=True).dt.tz_localize(None)
    return (_limited(stamps), zone is None) if stamps[filled.index].notna().all() else None


def _whole(text: pd.Series) -> pd.Series:
    return pd.to_numeric(text, errors="coerce").astype("float64")


def _order_of_dates(
    parts: pd.DataFrame,
    day_first: npt.NDArray[np.datetime64],
    month_first: npt.NDArray[np.datetime64],
    date_order: DateOrder | None,
) -> tuple[DateOrder, str, bool]:
    """Decide on the order by the whole column: what cannot be a month, what keeps time rising and its steps even.

    Returns
    -------
    order : {"day", "month"}
    why : str
        What decided; empty where nobody need be told.
    sure : bool
        Whether anything in the column decided, and not just a habit.
    """
    if date_order:
        return date_order, "", True
    first, other = _whole(parts["first"]), _whole(parts["other"])
    beyond = ((first > 12).sum(), (other > 12).sum())
    if beyond[0] != beyond[1]:
        return "day" if beyond[0] > beyond[1] else "month", "", True
    year = _whole(parts["year"])
    falls = [
        int(((year * 372 + month * 31 + day).dropna().diff() < 0).sum())
        for day, month in ((first, other), (other, first))
    ]
    if falls[0] != falls[1]:
        return "day" if falls[0] < falls[1] else "month", "as that keeps time rising", True
    uneven = (uneven_steps(day_first), uneven_steps(month_first))
    if uneven[0] != uneven[1]:
        return "day" if uneven[0] < uneven[1] else "month", "as that keeps the steps even", True
    if (parts["mark"] == ".").any():
        return "day", "as goes with dots", True
    if (parts["mark"] == "/").all() and parts["half"].notna().any():
        return "month", "as goes with AM and PM", False
    return "day", "which nothing in it contradicts", False


def _clock(parts: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return nanoseconds since midnight, and where the text holds a time."""
    hour = _whole(parts["hour"]).fillna(0)
    minute = _whole(parts["minute"]).fillna(0)
    second = _whole(parts["second"].str.replace(",", ".", regex=False)).fillna(0)
    good = (hour <= 24) & (minute < 60) & (second < 61)
    if "half" in parts:
        half = parts["half"].str.lower()
        good &= half.isna() | ((hour >= 1) & (hour <= 12))
        hour = hour.where(half.isna(), hour % 12 + 12 * (half == "p"))
    nanoseconds = (hour * 3600 + minute * 60).astype("int64") * 10**9 + (second * 10**9).round().astype("int64")
    good &= nanoseconds <= _DAY_NS + 10**9  # 24:00 and a leap second
    return np.asarray(nanoseconds, dtype=np.int64), np.asarray(good, dtype=bool)


def _offset(zone: pd.Series) -> npt.NDArray[np.int64]:
    """Return the nanoseconds by which a stamp's zone is ahead of UTC."""
    parts = zone.str.extract(r"([+-])(\d{2}):?(\d{2})?")
    minutes = _whole(parts[1]).fillna(0) * 60 + _whole(parts[2]).fillna(0)
    return np.asarray(minutes.where(parts[0] != "-", -minutes), dtype=np.int64) * (60 * 10**9)


def _localized(
    stamps: npt.NDArray[np.datetime64], naive: npt.NDArray[np.bool_], zone: ZoneInfo | None, notes: tuple[str, ...]
) -> ParsedTimes:
    """Bring stamps without a zone to UTC.

    Where clocks are set back, the first of two equal stamps is summer time; an hour that is skipped is unreadable.
    """
    naive = naive & ~np.isnat(stamps)
    if zone is None or not naive.any():
        return ParsedTimes(stamps, True, (*notes, "times without a zone taken as UTC") if naive.any() else notes)
    local = pd.DatetimeIndex(stamps[naive])
    moved = local.tz_localize(zone, ambiguous=~local.duplicated(), nonexistent="NaT").tz_convert("UTC")
    stamps = stamps.copy()
    stamps[naive] = moved.tz_localize(None).to_numpy().astype("datetime64[ns]")
    return ParsedTimes(stamps, True, notes)
