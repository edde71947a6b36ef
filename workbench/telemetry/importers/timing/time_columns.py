"""Finds the columns of a table that hold its times: one, a date and a clock apart, or a column for each part.

One module because how a column is read decides whether it is taken.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.times import ParsedTimes, parse_times, uneven_steps
from workbench.telemetry.importers.timing.clocks import (
    ClockKind,
    clock_kind,
    is_clock_name,
    name_letters,
    part_of_name,
    parts_fit,
    read_clock,
    read_parts,
)
from workbench.telemetry.importers.timing.date_fields import time_steps
from workbench.telemetry.importers.timing.time_forms import (
    DAY_NS,
    as_text,
    days_of,
    days_of_year,
    fits,
    full_years,
)
from workbench.telemetry.importers.timing.time_likely import check_date_order, check_julian, check_likely, check_side
from workbench.telemetry.importers.timing.time_names import is_date_name, is_time_name, latin_letters
from workbench.telemetry.importers.timing.time_numbers import NUMBER_FORM, numbers_of
from workbench.telemetry.importers.timing.time_zones import WallTimes, is_offset_column, offset_of

__all__ = ["ChosenTimes", "TimeSource", "choose_times", "find_sources", "is_date_only", "spread_rows"]

_SAMPLE_ROWS = 500
_HEAD_ROWS = 1000
_NO_NAME = re.compile(r"column \d+")  # of a file without a header
_COUNTER_NAME = re.compile(
    r"time(?:stamp)?(?:s|ms|us|sec|seconds)?|ts|elapsed\w*|sample(?:number)?|step|cycles?|seconds"
)
_OFFSET_IN_NAME = re.compile(r"(?:UTC|GMT)\s*[+-]\s*\d{1,2}(?::?\d{2})?(?!\d)", re.IGNORECASE)
_UTC_NAME = re.compile(
    r"(?:utc|gmt|zulu)(?:time(?:stamp)?|date)?|(?:date)?(?:time(?:stamp)?|date|ts)(?:in)?(?:utc|gmt|zulu)"
)
_PARTLY_SHARE = 0.2  # of readable times; a column of times that is refused as such
_TIE_SHARE = 0.01  # of the rows
_FAST_NS = 10 * 10**9  # step of times to which fractions of a second matter
_MIN_UNDATED_SHARE = 0.5  # of the rows, where only the first of a day has its date
_QUARTER_NS = 15 * 60 * 10**9
_MAX_SHIFTS = 3  # winter, summer, and the hour between
_FARTHEST_ZONE_NS = 15 * 3600 * 10**9
_NO_PERIOD = "Name the column of times with --time-column, or pass --sample-period 10s where rows have none."


@dataclass(frozen=True)
class TimeSource:
    """Columns that together hold the times of a table.

    Attributes
    ----------
    dates : mapping of str to str
        Column of each part of the date: "time" for the whole, and others whose text goes behind its; or year, month,
        day, ordinal.
    clock : str or None
        Column of the time of day.
    clock_kind : str or None
        How it holds it.
    parts : mapping of str to str
        Column of the hour, minute, second, millisecond, microsecond, where they have columns of their own.
    is_guess : bool
        Whether nothing but what stands in it says that the clock goes with the dates.
    """

    dates: Mapping[str, str]
    clock: str | None = None
    clock_kind: ClockKind | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    is_guess: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all its columns."""
        return (*self.dates.values(), *([self.clock] if self.clock else []), *self.parts.values())

    @property
    def is_utc(self) -> bool:
        """Whether the name of a column says that it is in UTC."""
        return any(
            _UTC_NAME.fullmatch(name_letters(column)) and not _OFFSET_IN_NAME.search(column) for column in self.columns
        )

    @property
    def offset(self) -> str:
        """The offset from UTC that the name of a column says, as `UTC-5`; empty where none does."""
        found = (_OFFSET_IN_NAME.search(column) for column in self.columns)
        return next((match[0].replace(" ", "") for match in found if match), "")

    def read(self, frame: pd.DataFrame, reading: Reading) -> ParsedTimes:
        """Read the times of a table, or of some of its rows."""
        clock, notes = self._clock(frame)
        frame, about_dates = self._with_all_dates(frame, clock)
        notes += about_dates
        offset = self.offset if reading.timezone is None else ""
        parsed = parse_times(
            self._dates(frame),
            "UTC" if self.is_utc or offset else reading.timezone,
            reading.date_order,
            time_format=reading.time_format if "time" in self.dates else None,
            time_unit=reading.time_unit,
            clock=clock,
        )
        if offset and parsed.absolute and not parsed.has_zones:
            ahead = offset_of(offset)
            parsed = replace(
                parsed,
                stamps=np.asarray(parsed.stamps - ahead, dtype="datetime64[ns]"),  # type: ignore[operator]
                others={order: stamps - ahead for order, stamps in parsed.others.items()},
            )
            notes = (*notes, f"times in {offset}, as the name of their column says; otherwise: --timezone")
        return replace(parsed, notes=(*notes, *parsed.notes)) if notes else parsed

    def _with_all_dates(self, frame: pd.DataFrame, clock: WallTimes | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """Fill the date into the rows below the first of a day, where few rows have it and the clock only goes on."""
        column = self.dates.get("time")
        if column is None or clock is None:
            return frame, ()
        empty = frame[column].isna().to_numpy()
        falls = np.diff(clock.stamps).astype(np.int64) < 0
        if not len(empty) or empty[0] or empty.mean() <= _MIN_UNDATED_SHARE or (falls & empty[1:]).any():
            return frame, ()
        note = f"{counted(int(empty.sum()), 'row')} without a date in {column}: that of the row above holds"
        return frame.assign(**{column: frame[column].ffill()}), (note,)

    def _dates(self, frame: pd.DataFrame) -> pd.Series:
        if "time" not in self.dates:
            return pd.Series(_days(frame, self.dates))
        first, *rest = self.dates.values()
        if not rest:
            return frame[first]
        texts = [as_text(frame[column]) for column in self.dates.values()]
        return pd.Series(pc.binary_join_element_wise(*texts, pa.scalar(" ", pa.large_string())).to_pandas())

    def _clock(self, frame: pd.DataFrame) -> tuple[WallTimes | None, tuple[str, ...]]:
        clock = None
        notes: tuple[str, ...] = ()
        if self.clock is not None and self.clock_kind is not None:
            clock = read_clock(frame[self.clock], self.clock_kind)
            if self.clock_kind == "hour":
                notes = _hour_notes(frame[self.clock])
        if self.parts:
            if "hour" in self.parts:
                notes = _hour_notes(frame[self.parts["hour"]])
            own = read_parts(frame, self.parts)
            clock = own if clock is None else clock.at(own)
        return clock, notes


def _hour_notes(column: pd.Series) -> tuple[str, ...]:
    values = numbers_of(column).values
    if np.nanmax(values, initial=0) != 24:
        return ()
    return (f"hours of {column.name} to 24 taken as the end of each hour: 24 is midnight of the next day",)


def _days(frame: pd.DataFrame, columns: Mapping[str, str]) -> npt.NDArray[np.datetime64]:
    whole = {}
    for part, column in columns.items():
        values = numbers_of(frame[column]).values
        whole[part] = np.where(np.isfinite(values), values, 0).astype(np.int64)
    years = full_years(whole["year"], np.where(whole["year"] < 100, 2, 4))
    if "ordinal" in whole:
        return days_of_year(years, whole["ordinal"])
    return days_of(years, whole["month"], whole["day"])


@dataclass(frozen=True)
class ChosenTimes:
    """The times of a table.

    Attributes
    ----------
    parsed : ParsedTimes
        Time of each row.
    columns : tuple of str
        Columns that they were read from.
    left_out : mapping of str to str
        Other columns of times, and what they are.
    """

    parsed: ParsedTimes
    columns: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)


def spread_rows(frame: pd.DataFrame, rows: int = _SAMPLE_ROWS) -> pd.DataFrame:
    """Return rows from all over a table, its first and its last among them."""
    if len(frame) <= rows:
        return frame
    return frame.iloc[np.unique(np.linspace(0, len(frame) - 1, rows).astype(int))]


def choose_times(frame: pd.DataFrame, sources: Sequence[TimeSource], reading: Reading) -> ChosenTimes:
    """Read the times of a table from the columns that fit best.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    sources : sequence of TimeSource
        Columns that may hold them, the likeliest first.
    reading : Reading
        What was chosen.

    Returns
    -------
    ChosenTimes

    Notes
    -----
    The best are those with the fewest unreadable and equal times, turns and uneven steps; of several that are as good,
    UTC before local time, then the first.
    """
    parsed = [source.read(frame, reading) for source in sources]
    if len(sources) == 1:
        return ChosenTimes(parsed[0], sources[0].columns)
    losses = [
        len(frame) + 1 if source.is_guess and not _goes_together(source, one) else _loss(one)
        for source, one in zip(sources, parsed, strict=True)
    ]
    tied = [place for place, loss in enumerate(losses) if loss <= min(losses) + _TIE_SHARE * len(frame)]
    best = tied[0]
    _check_roles(frame, [sources[place] for place in tied])
    for place in tied[1:]:
        if sources[place].is_utc and not sources[best].is_utc and _shift_hours(parsed[best], parsed[place]) is not None:
            best = place
    for place, source in enumerate(sources):
        is_fast = losses[place] == losses[best] and _median_step(parsed[best]) < _FAST_NS
        if _is_finer(source, sources[best]) and (losses[place] < losses[best] or is_fast):
            best = place
    left_out: dict[str, str] = {}
    notes = [_about_guess(source, sources[best]) for source in sources if source.is_guess]
    for place, source in enumerate(sources):
        column = source.dates.get("time")
        if column is None or column in sources[best].columns or column in left_out:
            continue
        shift = _shift_hours(parsed[best], parsed[place])
        if shift is None:
            why = "both are as even" if place in tied else "its steps are less even"
            notes.append(f"times from {sources[best].columns[0]}, not from {column} ({why}): --time-column")
        elif shift:
            notes.append(f"times from {sources[best].columns[0]}; {column} is the same by {shift:+g} h and left out")
        left_out[column] = "other times; --time-column takes them"
    chosen = replace(parsed[best], notes=(*notes, *parsed[best].notes)) if notes else parsed[best]
    return ChosenTimes(chosen, sources[best].columns, left_out)


def _about_guess(guess: TimeSource, best: TimeSource) -> str:
    date, clock = guess.columns
    if guess is best:
        return f"times from {date} and {clock} together, as the steps are even: --time-column"
    return f"times from {date} alone, without the times of day in {clock}: --time-column"


def _goes_together(guess: TimeSource, parsed: ParsedTimes) -> bool:
    """Tell whether dates and a clock without names make even steps; a name would have to say that it is their clock."""
    steps = time_steps(parsed.stamps)
    return bool(_NO_NAME.fullmatch(guess.columns[1])) and len(steps) > 0 and bool(steps.min() == steps.max())


def _check_roles(frame: pd.DataFrame, sources: Sequence[TimeSource]) -> None:
    """Raise an error where two columns, as 01.02.03 and 02.01.00, may each hold the dates or the times of day."""
    pairs = [(source.dates.get("time"), source.clock) for source in sources]
    for date, clock in pairs:
        if date is None or clock is None or (clock, date) not in pairs:
            continue
        both = [str(name) for name in frame.columns if name in (date, clock)]
        cells = " and ".join(f"{name!r} ({frame[name].dropna().iloc[0]})" for name in both)
        ways = " or ".join(f"--time-column {shlex.quote(','.join(way))}" for way in (both, both[::-1]))
        raise ImportDataError(
            f"Columns {cells} may each hold the dates or the times of day, and nothing decides.",
            f"Name that of the dates first: {ways}.",
        )


def _is_finer(source: TimeSource, other: TimeSource) -> bool:
    """Tell whether a source is another one with a column of fractions of a second."""
    is_same = (source.dates, source.clock) == (other.dates, other.clock)
    return is_same and len(source.parts) > len(other.parts)


def _loss(parsed: ParsedTimes) -> int:
    stamps = parsed.stamps[parsed.readable]
    steps = np.diff(stamps).astype("int64")
    turns = min(int((steps < 0).sum()), int((steps > 0).sum()))
    equal = len(steps) - len(time_steps(stamps))
    return int((~parsed.readable).sum()) + equal + turns + uneven_steps(stamps.astype("datetime64[ns]"))


def _median_step(parsed: ParsedTimes) -> float:
    steps = time_steps(parsed.stamps)
    return float(np.median(steps)) if len(steps) else float("inf")


def _shift_hours(best: ParsedTimes, other: ParsedTimes) -> float | None:
    """Return by how many hours other times are ahead, where they are the same in another zone."""
    both = best.readable & other.readable
    if not both.any():
        return None
    shifts = other.stamps[both].astype("int64") - best.stamps[both].astype("int64")
    is_zone = (shifts % _QUARTER_NS == 0) & (np.abs(shifts) <= _FARTHEST_ZONE_NS)
    if is_zone.mean() <= 1 - _TIE_SHARE or len(np.unique(shifts[is_zone])) > _MAX_SHIFTS:
        return None
    return float(np.median(shifts)) / 3.6e12


def find_sources(frame: pd.DataFrame, reading: Reading) -> list[TimeSource]:
    """Find the columns that may hold the times of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table; text as it is written.
    reading : Reading
        What was chosen.

    Returns
    -------
    list of TimeSource
        At least one, the likeliest first.

    Raises
    ------
    ImportDataError
        There is none, or the named one holds no times; names the columns found.
    """
    sample = spread_rows(frame)
    if reading.time_column:
        return _named(frame, sample, reading)
    columns = [str(column) for column in sample.columns]
    shares: dict[str, float] = {}
    texts = [column for column in columns if not _is_numeric(sample[column])]
    check_date_order(sample, texts, reading.date_order, reading.timezone)
    by_name = [column for column in columns if is_time_name(column)]
    for column in dict.fromkeys((*by_name, *texts)):
        shares[column] = _share_readable(sample[column], reading, absolute=True)
    found = [column for column in by_name if shares[column] > 0.5]
    found += [column for column in texts if column not in found and shares[column] > 0.9]
    sources = [one for column in found for one in _with_clocks(frame, sample, column, reading)]
    sources = _without_dates_of_clocks(_with_other_pairs(sample, sources, reading))
    sources = [*(one for source in sources for one in _with_any_clock(sample, source, reading)), *sources]
    sources = [_with_offset(sample, source) for source in sources]
    sources += _of_parts(sample)
    sources += [one for source in sources for one in _with_fraction(sample, source, reading)]
    partly = [column for column in by_name if shares[column] > _PARTLY_SHARE]
    if sources or partly:
        return sources or [TimeSource({"time": partly[0]})]
    for column in columns:
        if _COUNTER_NAME.fullmatch(latin_letters(column)) and _share_readable(sample[column], reading) > 0.9:
            return [TimeSource({"time": column})]
    if reading.time_format is not None:
        raise ImportDataError(
            f"No column has the form of times {reading.time_format!r} (found: {_listed(columns)}).",
            "Correct --time-format, or name the column of times with --time-column.",
        )
    check_julian(sample, columns)
    check_side(columns)
    check_likely(sample, by_name)
    raise ImportDataError(f"There is no time column (found: {_listed(columns)}).", _NO_PERIOD)


def _with_other_pairs(sample: pd.DataFrame, sources: list[TimeSource], reading: Reading) -> list[TimeSource]:
    """Return sources and, where a clock may hold dates and the dates times of day, the same the other way round."""
    pairs = {(source.dates["time"], source.clock) for source in sources if source.clock is not None}
    dates = {source.dates["time"] for source in sources}
    kinds = {date: clock_kind(sample[date]) for date, clock in pairs if clock in dates and (clock, date) not in pairs}
    return [
        *sources,
        *(
            TimeSource({"time": clock}, date, kinds[date])
            for date, clock in pairs
            if kinds.get(date) == "text" and is_date_only(sample[clock], reading)
        ),
    ]


def _with_any_clock(sample: pd.DataFrame, source: TimeSource, reading: Reading) -> list[TimeSource]:
    """Return dates without a clock with the only column beside them that holds times of day, whatever it is called."""
    date = source.dates["time"]
    if len(source.columns) > 1 or reading.time_format is not None or not is_date_only(sample[date], reading):
        return []
    clocks = [column for column in map(str, sample.columns) if column != date and clock_kind(sample[column]) == "text"]
    return [replace(source, clock=clocks[0], clock_kind="text", is_guess=True)] if len(clocks) == 1 else []


def _without_dates_of_clocks(sources: list[TimeSource]) -> list[TimeSource]:
    """Leave out what takes a clock for dates: 02.01.00 is both. Of two columns that may be either, the names decide."""
    pairs = [(source.dates["time"], source.clock) for source in sources if source.clock is not None]
    mutual = [pair for pair in pairs if pair[::-1] in pairs]
    wrong = [pair for pair in mutual if _is_sooner_clock(pair[0], pair[1])]
    clocks = {clock for date, clock in pairs if (date, clock) not in mutual}
    clocks |= {date for date, _ in mutual}
    return [
        source
        for source in sources
        if (source.dates["time"], source.clock) not in wrong
        and (source.dates["time"] not in clocks or (source.dates["time"], source.clock) in mutual)
    ]


def _is_sooner_clock(column: str, other: str) -> bool:
    """Tell whether the name of a column says sooner than that of another one that it holds times of day."""
    return is_clock_name(column) > is_clock_name(other) or is_date_name(other) > is_date_name(column)


def _named(frame: pd.DataFrame, sample: pd.DataFrame, reading: Reading) -> list[TimeSource]:
    columns = [str(column) for column in frame.columns]
    for name in reading.time_column:
        if name not in columns:
            raise ImportDataError(
                f"There is no column {name!r}.", f"Columns: {_listed(columns)}. Name one of them with --time-column."
            )
    first, *rest = reading.time_column
    check_date_order(sample, [first], reading.date_order, reading.timezone)
    if reading.time_unit is None:
        check_julian(sample, [first])
    if not rest:
        if not _share_readable(sample[first], reading) > 0.5:
            examples = _listed([str(value) for value in sample[first].dropna().iloc[:3]])
            raise ImportDataError(
                f"Column {first!r} holds no times ({examples or 'nothing'}).",
                "Needed: dates with times, epoch numbers or Excel days; name another one with --time-column, or their "
                "form with --time-format.",
            )
        sources = _with_clocks(frame, sample, first, reading)[:1]
        return [*sources, *_with_fraction(sample, sources[0], reading)]
    if reading.time_format is not None:
        return [TimeSource({"time": first, **{f"part {number}": name for number, name in enumerate(rest, 2)}})]
    parts = _of_parts(sample[list(reading.time_column)])
    if parts and set(parts[0].columns) == set(reading.time_column):
        return parts[:1]
    source = TimeSource({"time": first})
    for name in rest:
        kind = clock_kind(sample[name].rename("time"))  # it is a clock, whatever it is called
        roles = [part for part in part_of_name(name) if parts_fit(sample[name], part) and part not in source.parts]
        if roles and not (source.clock is None and kind in ("hhmm", "hhmmss")):
            source = replace(source, parts={**source.parts, roles[-1]: name})
        elif kind is not None and source.clock is None:
            source = replace(source, clock=name, clock_kind=kind)
        elif source.clock is not None and parts_fit(sample[name], "millisecond"):
            source = replace(source, parts={**source.parts, "millisecond": name})
        else:
            raise ImportDataError(
                f"Column {name!r} holds no time of day that goes with {first!r} "
                f"({_listed([str(value) for value in sample[name].dropna().iloc[:3]])}).",
                "Name the date first, then its clock: --time-column Date,Time. Or pass the form of both, with a blank "
                "between them, as --time-format.",
            )
    return [source]


def _with_clocks(frame: pd.DataFrame, sample: pd.DataFrame, column: str, reading: Reading) -> list[TimeSource]:
    """Return a column of dates with each clock that goes with it; alone where it has times of day itself."""
    alone = TimeSource({"time": column})
    if reading.time_format is not None or not is_date_only(sample[column], reading):
        return [alone]
    repeats = bool(frame[column].iloc[:_HEAD_ROWS].dropna().duplicated().any())
    others = [str(other) for other in sample.columns if other != column]
    hours = _clock_parts(sample, others)
    clocks = []
    for other in others:
        kind = clock_kind(sample[other])
        if (
            kind is not None
            and (repeats or is_clock_name(other) or is_time_name(other))
            and other not in hours.values()
        ):
            clocks.append(replace(alone, clock=other, clock_kind=kind))
    if "hour" in hours and not any(one.clock_kind == "text" for one in clocks):
        clocks.insert(0, replace(alone, parts=hours))
    return clocks or [alone]


def _with_offset(sample: pd.DataFrame, source: TimeSource) -> TimeSource:
    """Return a source with the column that holds the offset from UTC of each of its times, where there is one."""
    offsets = [str(column) for column in sample.columns if is_offset_column(sample[column])]
    if len(offsets) != 1 or source.clock is not None or offsets[0] in source.columns:
        return source
    return replace(source, dates={**source.dates, "zone": offsets[0]})


def is_date_only(column: pd.Series, reading: Reading) -> bool:
    """Tell whether a column holds dates without times of day."""
    try:
        parsed = parse_times(column, None, reading.date_order, time_unit=reading.time_unit)
    except ImportDataError:  # a zone behind it means several: it has times of day
        return False
    if not parsed.absolute:
        return False
    stamps = parsed.stamps[parsed.readable].astype("datetime64[ns]").astype(np.int64)
    return len(stamps) > 0 and bool((stamps % DAY_NS == 0).all())


def _clock_parts(sample: pd.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    """Return the columns of hour, minute and second, as far as each goes with the one before."""
    found = _parts_by_name(sample, columns)
    parts: dict[str, str] = {}
    for part in ("hour", "minute", "second"):
        if part not in found:
            break
        parts[part] = found[part]
    return parts


def _parts_by_name(sample: pd.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in columns:
        for part in part_of_name(column):
            if part not in found and parts_fit(sample[column], part) and column not in found.values():
                found[part] = column
    return found


def _of_parts(sample: pd.DataFrame) -> list[TimeSource]:
    """Return the columns of year, month, day and so on, where there are."""
    columns = [str(column) for column in sample.columns]
    found = _parts_by_name(sample, columns)
    names = ("year", "ordinal") if "ordinal" in found and "day" not in found else ("year", "month", "day")
    if not all(part in found for part in names):
        return []
    source = TimeSource({part: found[part] for part in names})
    parts = {part: column for part, column in _clock_parts(sample, columns).items() if column not in source.columns}
    if parts:
        return [replace(source, parts=parts)]
    for column in columns:
        kind = clock_kind(sample[column])
        if kind is not None and column not in source.columns and (kind == "text" or is_clock_name(column)):
            return [replace(source, clock=column, clock_kind=kind)]
    return [source]


def _with_fraction(sample: pd.DataFrame, source: TimeSource, reading: Reading) -> list[TimeSource]:
    """Return a source with the column of its milliseconds or microseconds, where there is one."""
    rest = [str(column) for column in sample.columns if column not in source.columns]
    found = _parts_by_name(sample, rest)
    for part in ("millisecond", "microsecond"):
        if part in found:
            return [replace(source, parts={**source.parts, part: found[part]})]
    return []


def _listed(names: list[str]) -> str:
    return ", ".join(name[:60] for name in names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _is_numeric(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        return True
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return False
    return fits(as_text(column).drop_null(), NUMBER_FORM) > 0.5


def _share_readable(column: pd.Series, reading: Reading, *, absolute: bool = False) -> float:
    values = column.dropna()
    if values.empty:
        return 0.0
    parsed = parse_times(
        values, reading.timezone, reading.date_order, time_format=reading.time_format, time_unit=reading.time_unit
    )
    return 0.0 if absolute and not parsed.absolute else float(parsed.readable.mean())
