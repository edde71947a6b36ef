"""Finds and reads the times of a table."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.columns import clock_column, find_time_column
from workbench.telemetry.importers.last_line import LEFT_OUT
from workbench.telemetry.importers.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.times import DateOrder, parse_times

__all__ = ["TimedTable", "with_times"]

_SAMPLE_ROWS = 500


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
    date_order : {"day", "month"} or None
        How dates such as 03/04/2024 were read; None where there are none.
    other_stamps : numpy.ndarray, shape (n,), or None
        The times with such dates in the other order, where nothing in the file decides.
    doubtful_column : str or None
        Column in which the last row ends, where the file ends without a line end: the value may be cut.
    """

    raw: RawTable
    frame: pd.DataFrame
    stamps: npt.NDArray[Any]
    time_columns: tuple[str, ...]
    rows_dropped: int
    notes: tuple[str, ...]
    date_order: DateOrder | None = None
    other_stamps: npt.NDArray[Any] | None = None
    doubtful_column: str | None = None

    def without_last(self) -> "TimedTable":
        """Return the table without its last row, which may be cut."""
        other = None if self.other_stamps is None else self.other_stamps[:-1]
        return replace(
            self,
            frame=self.frame.iloc[:-1],
            stamps=self.stamps[:-1],
            rows_dropped=self.rows_dropped + 1,
            notes=(*self.notes, LEFT_OUT),
            other_stamps=other,
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
        There is no column of times.
    """
    frame, last = raw.frame, raw.last
    sample = frame.head(_SAMPLE_ROWS)
    column = _find(raw.path, sample, reading)
    clock = clock_column(sample, column) if pd.api.types.is_string_dtype(frame[column]) else None
    times = [column, *([clock] if clock else [])]
    doubtful = None if last is None else str(frame.columns[last.fields - 1])
    is_cut = last is not None and not (last.is_whole and (last.is_as_long or doubtful not in times))
    if is_cut and len(frame) > 1:
        table = _timed(replace(raw, frame=frame.iloc[:-1], rows_dropped=raw.rows_dropped + 1), times, reading)
        return replace(table, notes=(*table.notes, LEFT_OUT))
    return _timed(raw, times, reading, doubtful)


def _find(path: Path, sample: pd.DataFrame, reading: Reading) -> str:
    try:
        return find_time_column(sample, reading.time_column[0] if reading.time_column else None)
    except ImportDataError as error:
        raise ImportDataError(f"{path}: {error.message}", error.hint) from None


def _timed(raw: RawTable, times: list[str], reading: Reading, doubtful: str | None = None) -> TimedTable:
    frame = raw.frame
    column = frame[times[0]]
    if len(times) == 2:
        both = column.notna() & frame[times[1]].notna()
        column = (column.astype("str").str.strip() + " " + frame[times[1]].astype("str").str.strip()).where(both)
    parsed = parse_times(column, reading.timezone, reading.date_order)
    readable = parsed.readable
    if readable.sum() * 2 <= len(readable):
        raise ImportDataError(
            f"{raw.path}: column {times[0]!r} holds {int(readable.sum())} readable times in {len(readable)} rows.",
            "Name the column of times with --time-column.",
        )
    readable_rows = frame.drop(columns=times).loc[readable].reset_index(drop=True)
    return TimedTable(
        raw,
        readable_rows,
        parsed.stamps[readable],
        tuple(times),
        raw.rows_dropped + int((~readable).sum()),
        (*raw.notes, *parsed.notes),
        parsed.date_order,
        None if parsed.other is None or np.isnan(parsed.other[readable]).any() else parsed.other[readable],
        doubtful if len(readable) and readable[-1] else None,
    )
