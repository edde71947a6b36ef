"""Finds and reads the times of a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.last_line import LEFT_OUT
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.times import DateOrder, ParsedTimes
from workbench.telemetry.importers.timing.date_fields import time_steps
from workbench.telemetry.importers.timing.durations import duration_text, read_duration
from workbench.telemetry.importers.timing.time_columns import TimeSource, choose_times, find_sources
from workbench.telemetry.importers.timing.time_questions import time_questions
from workbench.telemetry.schema import UNKNOWN_PERIOD

__all__ = ["TimedTable", "with_times"]


_FEW_LOST = 3  # rows
_MAX_LOST_SHARE = 0.25  # of the rows with a time


@dataclass(frozen=True)
class TimedTable:
    """A table whose rows have a time.

    Attributes
    ----------
    raw : RawTable
        The table as it stands in the file.
    frame : pandas.DataFrame
        All columns but those of the time, one row a sample, in the file's order.
    stamps : numpy.ndarray, shape (n,)
        Time of each row, see `ParsedTimes.stamps`; none is missing.
    time_columns : tuple of str
        Names of the columns that held the times.
    rows_dropped : int
        Rows left out: without a readable time, or with more fields than the header.
    notes : tuple of str
        What was assumed.
    date_order : {"day", "month", "year"} or None
        How dates such as 03/04/05 were read; None where there are none.
    other_stamps : mapping of str to numpy.ndarray, shape (n,)
        The times with such dates in other orders, by order, where nothing in the file decides.
    doubtful_column : str or None
        Column in which the last row ends, where the file ends without a line end: the value may be cut.
    sample_period : str
        Step of rows without dates, as ISO 8601 duration; unknown where the times say it or nothing does.
    left_out : mapping of str to str
        Other columns of times, which become no channels, and why.
    """

    raw: RawTable
    frame: pd.DataFrame
    stamps: npt.NDArray[Any]
    time_columns: tuple[str, ...]
    rows_dropped: int
    notes: tuple[str, ...]
    date_order: DateOrder | None = None
    other_stamps: Mapping[DateOrder, npt.NDArray[Any]] = field(default_factory=dict)
    doubtful_column: str | None = None
    sample_period: str = UNKNOWN_PERIOD
    left_out: Mapping[str, str] = field(default_factory=dict)

    def without_last(self) -> "TimedTable":
        """Return the table without its last row, which may be cut."""
        others = {order: stamps[:-1] for order, stamps in self.other_stamps.items()}
        return replace(
            self,
            frame=self.frame.iloc[:-1],
            stamps=self.stamps[:-1],
            rows_dropped=self.rows_dropped + 1,
            notes=(*self.notes, LEFT_OUT),
            other_stamps=others,
            doubtful_column=None,
        )


def with_times(raw: RawTable, reading: Reading) -> TimedTable:
    """Find and read the times of a table.

    Parameters
    ----------
    raw : RawTable
        What was read.
    reading : Reading
        What was chosen.

    Returns
    -------
    TimedTable

    Raises
    ------
    ImportDataError
        There is no column of times, and no sample period was chosen.
    """
    try:
        sources = _sources(raw, reading)
    except ImportDataError as error:
        raise ImportDataError(f"{raw.path}: {error.message}", error.hint) from None
    frame, last = raw.frame, raw.last
    doubtful = None if last is None else str(frame.columns[last.fields - 1])
    times = {column for source in sources for column in source.columns}
    is_cut = last is not None and not (last.is_whole and (last.is_as_long or doubtful not in times))
    if is_cut and len(frame) > 1:
        table = _timed(replace(raw, frame=frame.iloc[:-1], rows_dropped=raw.rows_dropped + 1), sources, reading)
        return replace(table, notes=(*table.notes, LEFT_OUT))
    return _timed(raw, sources, reading, doubtful)


def _sources(raw: RawTable, reading: Reading) -> list[TimeSource]:
    """Return the columns that may hold the times; none where the rows have a step instead."""
    excluded = [one for one in reading.exclude if one in raw.frame.columns and one not in reading.time_column]
    try:
        return find_sources(raw.frame.drop(columns=excluded), reading)
    except ImportDataError:
        if reading.sample_period is None or reading.time_column:
            raise
        return []


def _timed(raw: RawTable, sources: list[TimeSource], reading: Reading, doubtful: str | None = None) -> TimedTable:
    frame = raw.frame
    if not sources:
        return _numbered(raw, reading, doubtful)
    try:
        chosen = choose_times(frame, sources, reading)
    except ImportDataError as error:
        raise ImportDataError(f"{raw.path}: {error.message}", error.hint) from None
    parsed = chosen.parsed
    readable = parsed.readable
    written = frame[chosen.columns[0]].notna().to_numpy()
    lost = written & ~readable
    if readable.sum() * 2 > len(readable) and lost.sum() > max(_FEW_LOST, _MAX_LOST_SHARE * written.sum()):
        example = str(frame[chosen.columns[0]].iloc[int(np.argmax(lost))])[:40]
        raise ImportDataError(
            f"{raw.path}: {int(lost.sum())} of {int(written.sum())} times in column {chosen.columns[0]!r} have another "
            f"form than the others, as {example!r}.",
            "Write all in one form, or name the column of times with --time-column.",
        )
    if readable.sum() * 2 <= len(readable):
        raise ImportDataError(
            f"{raw.path}: column {chosen.columns[0]!r} holds {int(readable.sum())} readable times in {len(readable)} "
            "rows.",
            "Name the column of times with --time-column.",
        )
    if reading.sample_period is not None and parsed.absolute:
        if reading.time_column:
            raise ImportDataError(
                f"{raw.path}: column {chosen.columns[0]!r} holds times, and --sample-period is for rows without.",
                "Pass --time-column or --sample-period.",
            )
        note = f"{chosen.columns[0]} is not taken as times, as --sample-period was passed"
        return _numbered(replace(raw, notes=(*raw.notes, note)), reading, doubtful)
    used = {*reading.inputs, *reading.columns, reading.label_column, reading.quality_column, reading.asset_column}
    left_out = {column: note for column, note in chosen.left_out.items() if column not in used}
    rows, stamps = frame.drop(columns=[*chosen.columns, *left_out]).reset_index(drop=True), parsed.stamps
    if not readable.all():
        rows, stamps = rows.loc[readable].reset_index(drop=True), stamps[readable]
    return TimedTable(
        raw,
        rows,
        stamps,
        chosen.columns,
        raw.rows_dropped + int((~readable).sum()),
        (*raw.notes, *parsed.notes, *time_questions(stamps)),
        parsed.date_order,
        {order: other[readable] for order, other in parsed.others.items() if not np.isnat(other[readable]).any()},
        doubtful if len(readable) and readable[-1] and doubtful not in left_out else None,
        _period(parsed, stamps, reading),
        left_out,
    )


def _period(parsed: ParsedTimes, stamps: npt.NDArray[Any], reading: Reading) -> str:
    """Return the step of times without a date as ISO 8601 duration, as far as it is known."""
    if reading.sample_period is not None:
        return duration_text(read_duration(reading.sample_period))
    if parsed.step_ns is None:
        return UNKNOWN_PERIOD
    steps = time_steps(stamps)
    if not len(steps):
        return UNKNOWN_PERIOD
    return duration_text(max(1, round(float(np.median(steps)) * parsed.step_ns)))


def _numbered(raw: RawTable, reading: Reading, doubtful: str | None) -> TimedTable:
    """Return a table whose rows are numbered, as they have a step and no times."""
    period = duration_text(read_duration(str(reading.sample_period)))
    numbers = np.arange(len(raw.frame), dtype=np.float64)
    notes = (*raw.notes, f"rows without times, numbered, {period} apart")
    frame = raw.frame.reset_index(drop=True)
    return TimedTable(raw, frame, numbers, (), raw.rows_dropped, notes, doubtful_column=doubtful, sample_period=period)
