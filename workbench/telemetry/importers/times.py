"""Reads a column of time stamps in whatever form people keep them; the whole column decides on its form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.timing.date_fields import (
    YEAR_MAY_BE_FIRST,
    DateFields,
    DateOrder,
    OrderDecision,
    decide_order,
    uneven_steps,
)
from workbench.telemetry.importers.timing.elapsed import elapsed_seconds, elapsed_share
from workbench.telemetry.importers.timing.time_forms import (
    DATE_FORMS,
    FIELD_DATES,
    Fields,
    as_text,
    blocks,
    days_of,
    days_of_week,
    days_of_year,
    fits,
    sample_of,
)
from workbench.telemetry.importers.timing.time_numbers import NUMBER_FORM, dates_of_numbers, numbers_of
from workbench.telemetry.importers.timing.time_zones import WallTimes, ZoneCodes, time_zone, to_utc

__all__ = ["DateOrder", "ParsedTimes", "check_time_format", "now_utc", "parse_times", "time_zone", "uneven_steps"]

_YEARS = (1900, 2200)
_HOUR_S = 3600
_PLAIN_ISO = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$"
_ZONE_END = r"(Z|\d[+-]\d{2}:?\d{2})$"


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
    date_order : {"day", "month", "year"} or None
        How dates such as 03/04/05 were read; None where there are none.
    others : mapping of str to numpy.ndarray, shape (n,)
        The stamps in other orders, by order, where nothing in the column decides.
    step_ns : float or None
        What one step of a count means, nanoseconds; None where that is not known.
    has_zones : bool
        Whether zones stand behind the times, or they count from an instant in UTC.
    """

    stamps: npt.NDArray[np.datetime64] | npt.NDArray[np.float64]
    absolute: bool
    notes: tuple[str, ...] = ()
    date_order: DateOrder | None = None
    others: Mapping[DateOrder, npt.NDArray[np.datetime64]] = field(default_factory=dict)
    step_ns: float | None = None
    has_zones: bool = False

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        """Which stamps could be read, shape (n,)."""
        return ~np.isnan(self.stamps)

    @property
    def other(self) -> npt.NDArray[np.datetime64] | None:
        """The stamps in the likeliest other order; None where the column decides."""
        return next(iter(self.others.values()), None)


def now_utc() -> np.datetime64:
    """Return the present time in UTC."""
    return pd.Timestamp.now("UTC").tz_localize(None).to_datetime64()


def check_time_format(form: str) -> None:
    """Raise an error where a form of times cannot be used.

    Parameters
    ----------
    form : str
        In the directives of `datetime.strptime`.

    Raises
    ------
    ImportDataError
        It has no directives, or unknown ones.
    """
    try:
        if "%" not in form:
            raise ValueError("it has no directives")
        pd.to_datetime(pd.Series(["x"], dtype=object), format=form, errors="coerce", utc=True)
        if not re.search(r"%[djVcx]", form):
            raise ValueError("it has no day")
    except (ValueError, TypeError, KeyError, re.error) as error:
        raise ImportDataError(
            f"The form of times {form!r} cannot be used: {error}.", "Example: --time-format '%d.%m.%y %H:%M:%S'"
        ) from None


def parse_times(
    column: pd.Series,
    timezone: str | None = None,
    date_order: DateOrder | None = None,
    *,
    time_format: str | None = None,
    time_unit: str | None = None,
    clock: WallTimes | None = None,
) -> ParsedTimes:
    """Read a column of time stamps.

    Parameters
    ----------
    column : pandas.Series
        datetime64 with or without zone, numbers, or text: ISO 8601 with or without offset, compact
        (`20240131T120000`), year and day of year or week, three numbers in any order, months by name, zones by name
        or offset; seconds since 1970 and finer, ticks of .NET and Windows, day numbers of Excel and MATLAB, seconds
        of LabVIEW. Other numbers are taken as counters, and durations as elapsed time.
    timezone : str, optional
        Zone of stamps that carry none; UTC where omitted.
    date_order : {"day", "month", "year"}, optional
        Order of dates such as 03/04/05; the whole column decides where omitted.
    time_format : str, optional
        Form of the text in the directives of `datetime.strptime`.
    time_unit : str, optional
        What numbers count, see `workbench.telemetry.importers.reading.TimeUnit`; what is plausible where omitted.
    clock : WallTimes, optional
        Time of day of each date, as a time of 1 January 1970.

    Returns
    -------
    ParsedTimes
        Nothing is readable where no form fits.

    Raises
    ------
    ImportDataError
        There is no such time zone, the form has wrong directives, or a zone behind the times means several.

    Examples
    --------
    >>> parse_times(pd.Series(["31.01.2024 12:00", "01.02.2024 12:00"]), "Europe/Berlin").stamps
    array(['2024-01-31T11:00:00.000000000', '2024-02-01T11:00:00.000000000'], dtype='datetime64[ns]')
    """
    zone = time_zone(timezone)
    if time_format is not None:
        return _in_utc(_by_format(column, time_format), clock, zone)
    if isinstance(column.dtype, pd.ArrowDtype) and column.dtype.kind in "Mm":
        column = pd.Series(pa.array(column).to_pandas())
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _in_utc(_all_utc(_limited(column.dt.tz_convert("UTC").dt.tz_localize(None))), clock, zone)
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return _in_utc(WallTimes(_limited(column)), clock, zone)
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return _elapsed(column.dt.total_seconds().to_numpy(dtype=np.float64))
    if pd.api.types.is_bool_dtype(column.dtype):
        return _unreadable(len(column))
    sample = as_text(sample_of(column)).drop_null()
    compact = fits(sample, "compact") > 0.5
    if (pd.api.types.is_numeric_dtype(column.dtype) or fits(sample, NUMBER_FORM) > 0.5) and not compact:
        return _from_numbers(column, zone, time_unit, clock)
    parsed = _from_text(column, sample, zone, date_order, clock)
    if time_unit is None:
        return parsed
    return replace(parsed, notes=(*parsed.notes, f"the times are written out: --time-unit {time_unit} is not used"))


def _unreadable(n: int) -> ParsedTimes:
    return ParsedTimes(np.full(n, np.datetime64("NaT"), dtype="datetime64[ns]"), True)


def _elapsed(seconds: npt.NDArray[np.float64], *notes: str) -> ParsedTimes:
    return ParsedTimes(seconds, False, ("time is elapsed, without a date", *notes), step_ns=1e9)


def _clock_question(seconds: npt.NDArray[np.float64]) -> tuple[str, ...]:
    """Ask whether elapsed times are times of day: those begin at any hour, and end before midnight."""
    if not _HOUR_S <= np.nanmin(seconds) <= np.nanmax(seconds) < 24 * _HOUR_S:
        return ()
    return ("where these are times of day, put a column of dates beside them",)


def _limited(stamps: pd.Series) -> npt.NDArray[np.datetime64]:
    """Return stamps as nanoseconds, NaT where the year is beyond what nanoseconds hold."""
    return _in_years(stamps.to_numpy())


def _in_years(stamps: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    first, last = (np.datetime64(f"{year}-01-01", "s") for year in _YEARS)
    if not len(stamps) or not (stamps.min() >= first and stamps.max() < last):  # NaT is neither
        stamps = np.where((stamps >= first) & (stamps < last), stamps, np.datetime64("NaT"))
    return stamps.astype("datetime64[ns]", copy=False)


def _all_utc(stamps: npt.NDArray[np.datetime64]) -> WallTimes:
    return WallTimes(stamps, ("Z",), np.zeros(len(stamps), dtype=np.int32))


def _in_utc(wall: WallTimes, clock: WallTimes | None, zone: ZoneInfo | None, *notes: str) -> ParsedTimes:
    together = wall if clock is None else wall.at(clock)
    stamps, new_notes = to_utc(together, zone)
    return ParsedTimes(stamps, True, (*notes, *new_notes), has_zones=bool(together.zones))


def _by_format(column: pd.Series, form: str) -> WallTimes:
    text = as_text(column)
    if pd.api.types.is_float_dtype(column.dtype):
        text = pc.replace_substring_regex(text, r"\.0$", "")
    check_time_format(form)
    stamps = pd.to_datetime(pd.Series(text.to_pandas(), dtype=object), format=form, errors="coerce", utc=True)
    wall = WallTimes(_limited(stamps.dt.tz_localize(None)))
    return _all_utc(wall.stamps) if "%z" in form or "%Z" in form else wall


def _from_numbers(column: pd.Series, zone: ZoneInfo | None, unit: str | None, clock: WallTimes | None) -> ParsedTimes:
    numbers = numbers_of(column)
    if not np.isfinite(numbers.values).any():
        return _unreadable(len(column))
    read = dates_of_numbers(numbers, unit, now_utc())
    if read.counts is not None:
        return ParsedTimes(read.counts, False, (read.note,), step_ns=read.step_ns)
    wall = _all_utc(read.stamps) if read.is_utc else WallTimes(read.stamps)
    return _in_utc(wall, clock, zone, read.note)


def _from_text(
    column: pd.Series, sample: pa.Array, zone: ZoneInfo | None, date_order: DateOrder | None, clock: WallTimes | None
) -> ParsedTimes:
    shares = {form: fits(sample, form) for form in DATE_FORMS}
    form = max(shares, key=lambda name: shares[name])
    elapsed = elapsed_share(sample)
    if elapsed > shares[form] or elapsed == 1:  # "1 days 00:00:01" could be a day and a month, too
        seconds = elapsed_seconds(column, sample)
        return _elapsed(seconds, *_clock_question(seconds)) if np.isfinite(seconds).any() else _unreadable(len(column))
    if not shares[form]:
        return _unreadable(len(column))
    if form == FIELD_DATES:
        return _from_fields(column, zone, date_order, clock)
    if pc.all(pc.match_substring_regex(sample, _PLAIN_ISO)).as_py():
        with_zone = pc.all(pc.match_substring_regex(sample, _ZONE_END)).as_py()
        return _in_utc(_plain_iso(column, with_zone), clock, zone)
    return _in_utc(_by_form(column, form), clock, zone)


def _plain_iso(column: pd.Series, with_zone: bool) -> WallTimes:
    """Read the usual ISO 8601 by the engine of pyarrow, which is twenty times as fast; other blocks by form."""
    kind = pa.timestamp("ns", "UTC" if with_zone else None)
    stamps = np.full(len(column), np.datetime64("NaT"), dtype="datetime64[ns]")
    codes = ZoneCodes(len(column))
    for rows, text in blocks(column):
        try:
            stamps[rows] = _in_years(pc.cast(text, kind).to_numpy(zero_copy_only=False))
            if with_zone:
                codes.set_all(rows, "Z")
        except pa.ArrowInvalid:
            stamps[rows] = _block_stamps(text, "ISO 8601", rows, codes)
    return codes.wall(stamps)


def _by_form(column: pd.Series, form: str) -> WallTimes:
    stamps = np.full(len(column), np.datetime64("NaT"), dtype="datetime64[ns]")
    codes = ZoneCodes(len(column))
    for rows, text in blocks(column):
        stamps[rows] = _block_stamps(text, form, rows, codes)
    return codes.wall(stamps)


def _block_stamps(text: pa.Array, form: str, rows: slice, codes: ZoneCodes) -> npt.NDArray[np.datetime64]:
    fields = Fields(text, form)
    years = fields.years()
    if "ordinal" in fields:
        dates = days_of_year(years, fields.numbers("ordinal"))
    elif "week" in fields:
        dates = days_of_week(years, fields.numbers("week"), fields.numbers("weekday", 1))
    else:
        dates = days_of(years, fields.months(), fields.numbers("day", 1))
    clock, good = fields.clock()
    codes.set(rows, fields.text("zone"))
    return np.where(good, dates + clock.astype("timedelta64[ns]"), np.datetime64("NaT"))


def _from_fields(
    column: pd.Series, zone: ZoneInfo | None, date_order: DateOrder | None, clock: WallTimes | None
) -> ParsedTimes:
    n = len(column)
    numbers = tuple(np.zeros(n, dtype=np.int64) for _ in range(3))
    digits, own_clock = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    good = np.zeros(n, dtype=bool)
    codes, marks, has_half = ZoneCodes(n), set[str](), False
    for rows, text in blocks(column):
        fields = Fields(text, FIELD_DATES)
        for place, name in enumerate(("first", "middle", "last")):
            numbers[place][rows] = fields.numbers(name)
        digits[rows] = fields.digits("last")
        own_clock[rows], good[rows] = fields.clock()
        good[rows] &= fields.matches
        codes.set(rows, fields.text("zone"))
        mark = fields.text("mark")
        marks |= set() if mark is None else set(pc.unique(mark.drop_null()).to_pylist())
        has_half |= fields.text("half") is not None
    dates = DateFields((numbers[0], numbers[1], numbers[2]), digits, good, marks, has_half)

    def wall(order: DateOrder) -> WallTimes:
        own = codes.wall(dates.dates(order) + own_clock.astype("timedelta64[ns]"))
        return own if clock is None else own.at(clock)

    def parsed(order: DateOrder, *notes: str) -> ParsedTimes:
        return replace(_in_utc(wall(order), None, zone, *notes), date_order=order)

    if date_order in dates.orders:
        return parsed(date_order)
    around = own_clock if clock is None else own_clock + clock.stamps.astype(np.int64)
    decision = decide_order(dates, around, now_utc())
    result = parsed(decision.order, *_order_notes(decision, dates))
    others = {order: to_utc(wall(order), zone)[0] for order in decision.open_orders if order != decision.order}
    differing = {
        order: stamps for order, stamps in others.items() if not np.array_equal(stamps, result.stamps, equal_nan=True)
    }
    return replace(result, others=differing)


def _order_notes(decision: OrderDecision, dates: DateFields) -> tuple[str, ...]:
    is_habit = dates.has_dots and decision.order == "day" and decision.why != YEAR_MAY_BE_FIRST
    is_usual = not decision.why or is_habit
    return () if is_usual else (f"dates read {decision.order} first, {decision.why}",)
