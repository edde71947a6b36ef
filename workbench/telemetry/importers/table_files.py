"""Reads a CSV or Parquet file into a table with its times."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError, UnfinishedImportError
from workbench.telemetry.importers.columns import clock_column, find_time_column
from workbench.telemetry.importers.delimited import read_delimited, sniff
from workbench.telemetry.importers.last_line import LEFT_OUT, open_last_line
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.times import DateOrder, parse_times

__all__ = ["TimedTable", "read_csv_table", "read_parquet_table"]

_SAMPLE_ROWS = 500


@dataclass(frozen=True)
class TimedTable:
    """A table whose rows have a time.

    Attributes
    ----------
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


def read_csv_table(path: Path, reading: Reading) -> TimedTable:
    """Read a delimited text file; see `sniff` for what is detected.

    Parameters
    ----------
    path : Path
        File to read.
    reading : Reading
        What was chosen.

    Returns
    -------
    TimedTable

    Raises
    ------
    ImportDataError
        It cannot be read or has no time column.
    """
    dialect = sniff(path)
    sample, _ = read_delimited(path, dialect, dialect.columns, first=_SAMPLE_ROWS)
    last = open_last_line(path, dialect)
    if last is not None and not last.is_whole and len(sample) == 1:
        raise UnfinishedImportError(
            f"{path} has no whole row: its only one has no line end.", "Import it when it is complete."
        )
    column = _find(path, sample, reading)
    clock = clock_column(sample, column)
    times = [column, *([clock] if clock else [])]
    as_text = {*times, *([reading.label_column] if reading.label_column else [])}
    frame, dropped = read_delimited(path, dialect, as_text & set(dialect.columns))
    doubtful = None if last is None else dialect.columns[last.fields - 1]
    is_cut = last is not None and not (last.is_whole and (last.is_as_long or doubtful not in times))
    if is_cut and len(frame) > 1:
        table = _timed(path, frame.iloc[:-1], times, reading, dropped + 1)
        return replace(table, notes=(*table.notes, LEFT_OUT))
    return _timed(path, frame, times, reading, dropped, doubtful)


def read_parquet_table(path: Path, reading: Reading) -> TimedTable:
    """Read a Parquet file; a time index that pandas stored counts as a column.

    Parameters
    ----------
    path : Path
        File to read.
    reading : Reading
        What was chosen; types are the file's.

    Returns
    -------
    TimedTable

    Raises
    ------
    ImportDataError
        It cannot be read or has no time column.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path).read()
        frame = table.to_pandas(ignore_metadata=True, timestamp_as_object=False)
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ImportDataError(f"{path} cannot be read as Parquet: {reason}", "It may be truncated.") from None
    frame.columns = [str(column) for column in frame.columns]
    if not frame.columns.is_unique:
        raise ImportDataError(f"{path} has two columns of one name.", "Give each its own.")
    column = _find(path, frame.head(_SAMPLE_ROWS), reading)
    clock = clock_column(frame.head(_SAMPLE_ROWS), column) if pd.api.types.is_string_dtype(frame[column]) else None
    return _timed(path, frame, [column, *([clock] if clock else [])], reading, 0)


def _find(path: Path, sample: pd.DataFrame, reading: Reading) -> str:
    if sample.empty:
        raise ImportDataError(f"{path} has no rows.", "Needed: one row a sample.")
    try:
        return find_time_column(sample, reading.time_column[0] if reading.time_column else None)
    except ImportDataError as error:
        raise ImportDataError(f"{path}: {error.message}", error.hint) from None


def _timed(
    path: Path,
    frame: pd.DataFrame,
    times: list[str],
    reading: Reading,
    dropped: int,
    doubtful: str | None = None,
) -> TimedTable:
    column = frame[times[0]]
    if len(times) == 2:
        both = column.notna() & frame[times[1]].notna()
        column = (column.astype("str").str.strip() + " " + frame[times[1]].astype("str").str.strip()).where(both)
    parsed = parse_times(column, reading.timezone, reading.date_order)
    readable = parsed.readable
    if readable.sum() * 2 <= len(readable):
        raise ImportDataError(
            f"{path}: column {times[0]!r} holds {int(readable.sum())} readable times in {len(readable)} rows.",
            "Name the column of times with --time-column.",
        )
    readable_rows = frame.drop(columns=times).loc[readable].reset_index(drop=True)
    return TimedTable(
        readable_rows,
        parsed.stamps[readable],
        tuple(times),
        dropped + int((~readable).sum()),
        parsed.notes,
        parsed.date_order,
        None if parsed.other is None or np.isnan(parsed.other[readable]).any() else parsed.other[readable],
        doubtful if len(readable) and readable[-1] else None,
    )
