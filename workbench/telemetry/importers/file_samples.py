"""Reads one table into samples: its times, a column of numbers for each channel, inputs and labels."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.appending import OnConflict, make_series, time_text
from workbench.telemetry.importers.columns import one_hot
from workbench.telemetry.importers.files import read_raw
from workbench.telemetry.importers.last_line import DoubtfulValue
from workbench.telemetry.importers.names import name_and_units
from workbench.telemetry.importers.number_marks import NumberMarks, numbers_in
from workbench.telemetry.importers.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.repair import Ordered, in_order
from workbench.telemetry.importers.report import ChannelImport
from workbench.telemetry.importers.shapes import series_of
from workbench.telemetry.importers.table_times import TimedTable, with_times
from workbench.telemetry.importers.times import DateOrder
from workbench.telemetry.previews.excerpt import excerpt
from workbench.telemetry.schema import UNKNOWN_PERIOD

__all__ = ["FileSamples", "RawColumn", "column_series", "read_samples"]


@dataclass(frozen=True)
class RawColumn:
    """A column as it stands in the file, in short.

    Attributes
    ----------
    name : str
        Its name.
    role : str
        "time", "label" or "quality"; empty for a column of values.
    first, last : object
        Its first and last value as they are written; None where there is none.
    missing : int
        Rows without a value.
    is_text, is_empty : bool
        Whether it holds texts, and whether it holds nothing.
    """

    name: str
    role: str
    first: Any
    last: Any
    missing: int
    is_text: bool
    is_empty: bool


@dataclass(frozen=True)
class FileSamples:
    """Samples of one table, sorted, each time once.

    Attributes
    ----------
    path : Path
        File that they come from.
    stamps : numpy.ndarray, shape (n,)
        Their times in UTC, or counts.
    columns : dict of str to numpy.ndarray
        Numbers of each column that is a channel, float32, NaN where a value is missing.
    empty : tuple of str
        Those of the columns that hold no value.
    inputs : numpy.ndarray, shape (n, k), float32
        Inputs of every channel, NaN where a value is missing.
    input_names : tuple of str
        Their names.
    labels : pandas.Series or None
        The column of labels.
    repairs : dict of str to int
        What was repaired or dropped in all rows, by count.
    unreadable : dict of str to int
        Values that are no numbers, by column.
    skipped : tuple of ChannelImport
        Columns that are no channels.
    notes : tuple of str
        What was assumed.
    date_order : {"day", "month"} or None
        How dates such as 03/04/2024 were read; None where there are none.
    other : FileSamples or None
        The same samples with such dates in the other order, where nothing in the file decides.
    doubtful : DoubtfulValue or None
        Its last value, where the file ends without a line end.
    asset : str or None
        Asset that its rows name; None where they name none.
    part : str
        Which of several series of the file this is, in words; empty where it is the only one.
    raw_columns : tuple of RawColumn
        Every column of the table, in its order.
    share : float
        Share of the rows of the file that was read; below 1 for an excerpt.
    """

    path: Path
    stamps: npt.NDArray[Any]
    columns: dict[str, npt.NDArray[np.float32]]
    empty: tuple[str, ...]
    inputs: npt.NDArray[np.float32]
    input_names: tuple[str, ...]
    labels: pd.Series | None
    repairs: dict[str, int]
    unreadable: dict[str, int]
    skipped: tuple[ChannelImport, ...]
    notes: tuple[str, ...]
    date_order: DateOrder | None = None
    other: "FileSamples | None" = None
    doubtful: DoubtfulValue | None = None
    asset: str | None = None
    part: str = ""
    raw_columns: tuple[RawColumn, ...] = ()
    share: float = 1.0


def column_series(
    file: FileSamples,
    column: str,
    channel: str,
    asset: str,
    stamps: npt.NDArray[Any],
    kinds: npt.NDArray[np.object_] | None = None,
) -> xr.Dataset:
    """Return a column of a file as a series; see `workbench.telemetry.appending`.

    Parameters
    ----------
    file : FileSamples
        What was read.
    column : str
        Name of the column.
    channel, asset : str
        What it is a series of.
    stamps : numpy.ndarray, shape (n,)
        Times of the samples.
    kinds : numpy.ndarray, shape (n,), optional
        Kind of anomaly of each sample; nothing is known where omitted.

    Returns
    -------
    xarray.Dataset
    """
    return make_series(
        file.columns[column],
        file.inputs,
        stamps,
        file.input_names,
        kinds,
        channel=channel,
        asset=asset,
        subsystem="",
        units=name_and_units(column)[1],
        source=file.path.name,
        sample_period=UNKNOWN_PERIOD,
    )


def read_samples(
    path: Path, layout: str, reading: Reading, on_conflict: OnConflict | None = None, *, excerpts: bool = False
) -> list[FileSamples]:
    """Read the samples of one file, sorted by time.

    Parameters
    ----------
    path : Path
        File to read.
    layout : {"csv", "parquet"}
        Format of the file.
    reading : Reading
        What was chosen.
    on_conflict : {"keep", "replace"}, optional
        As for `import_table`.
    excerpts : bool
        Read only an excerpt of a large file, where that is enough to read it.

    Returns
    -------
    list of FileSamples
        One a machine and clock; mostly one.

    Raises
    ------
    ImportDataError
        The file cannot be read, has no time column or no column of numbers, a value is infinite, a column that was
        named is not there, or the file contradicts itself and `on_conflict` is None. Every message names the file.
    """
    try:
        if path.is_dir() or not path.exists():
            raise ImportDataError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}.", "Give a file.")
        if excerpts:
            with excerpt(path, layout) as part, suppress(ImportDataError):  # the whole file says what is wrong with it
                if part is not None:
                    raw = read_raw(part.path, layout, reading)
                    raw = replace(raw, path=path, notes=(part.note, *raw.notes))
                    return [replace(one, share=part.share) for one in _all_samples(raw, reading, on_conflict)]
        return _all_samples(read_raw(path, layout, reading), reading, on_conflict)
    except ImportDataError as error:
        if str(path) in error.message:
            raise
        raise ImportDataError(f"{path}: {error.message}", error.hint) from None


def _all_samples(raw: RawTable, reading: Reading, on_conflict: OnConflict | None) -> list[FileSamples]:
    return [_samples(with_times(one, reading), reading, on_conflict) for one in series_of(raw, reading)]


def _raw_columns(table: TimedTable, reading: Reading) -> tuple[RawColumn, ...]:
    roles = dict.fromkeys(table.time_columns, "time")
    roles |= {name: role for role in ("label", "quality") if (name := getattr(reading, f"{role}_column"))}
    columns = []
    for key, column in table.raw.frame.items():
        name, rows = str(key), np.flatnonzero(column.notna().to_numpy())
        first, last = (column.iat[int(rows[0])], column.iat[int(rows[-1])]) if len(rows) else (None, None)
        is_text = pd.api.types.is_string_dtype(column)
        missing = len(column) - len(rows)
        columns.append(RawColumn(name, roles.get(name, ""), first, last, missing, is_text, not len(rows)))
    return tuple(columns)


def _samples(table: TimedTable, reading: Reading, on_conflict: OnConflict | None) -> FileSamples:
    path, marks = table.raw.path, table.raw.marks
    inputs, label_column = reading.inputs, reading.label_column
    as_words = [label_column] if label_column else []
    _check_roles(table, inputs, label_column)
    if table.doubtful_column in {*inputs, *as_words} and len(table.frame) > 1:
        table = table.without_last()
    sensors, empty, skipped = _sensors(table, {*inputs, *as_words})
    if len(sensors) == len(empty):
        others = [f"the inputs {', '.join(inputs)}"] if inputs else []
        others += [f"the labels {label_column}"] if label_column else []
        beside = " and ".join(["its times", *others])
        hint = "Leave a column out of --inputs." if inputs else "Needed: at least one sensor."
        raise ImportDataError(f"{path} has no column of numbers beside {beside}.", hint)
    raw_columns = _raw_columns(table, reading)
    table.frame[list(sensors)] = pd.DataFrame({name: values for name, (values, _) in sensors.items()})

    def samples(stamps: npt.NDArray[Any]) -> FileSamples:
        ordered = in_order(table.frame, stamps, last_wins=on_conflict == "replace")
        if ordered.conflicting and on_conflict is None:
            raise _contradiction(path, ordered)
        values, names, n_held = _inputs(ordered.frame, inputs, marks)
        repairs = {
            "rows_dropped": table.rows_dropped,
            "out_of_order": ordered.late,
            "duplicate_times": ordered.equal,
            f"conflicts_{'replaced' if on_conflict == 'replace' else 'kept'}": ordered.conflicting,
            "input_values_held": n_held,
        }
        return FileSamples(
            path,
            ordered.stamps,
            {name: ordered.frame[name].to_numpy(dtype=np.float32) for name in sensors},
            tuple(empty),
            values,
            tuple(names),
            None if label_column is None else ordered.frame[label_column],
            repairs,
            {name: count for name, (_, count) in sensors.items()},
            tuple(skipped),
            table.notes,
            table.date_order,
            doubtful=None if table.doubtful_column is None else DoubtfulValue(table.doubtful_column, stamps[-1]),
            asset=table.raw.asset,
            part=table.raw.part,
            raw_columns=raw_columns,
        )

    present = samples(table.stamps)
    if table.other_stamps is None:
        return present
    other_order: DateOrder = "month" if table.date_order == "day" else "day"
    other = replace(samples(table.other_stamps), date_order=other_order)
    return replace(present, other=other)


def _contradiction(path: Path, ordered: Ordered) -> ImportDataError:
    time, column, *values = ordered.conflict or ("", "", "", "")
    value, earlier = (f"{one:g}" if isinstance(one, float) else str(one) for one in values)
    return ImportDataError(
        f"{path} contradicts itself in {counted(ordered.conflicting, 'sample')}, the first at {time_text(time)}: "
        f"{column} is {value} after {earlier} at the same time.",
        "Pass --on-conflict keep for the first value of each time or --on-conflict replace for the last, or --timezone "
        "where clocks were set back.",
    )


def _check_roles(table: TimedTable, inputs: Sequence[str], label_column: str | None) -> None:
    columns = [str(column) for column in table.frame.columns]
    roles = [*inputs, *([label_column] if label_column else [])]
    for name in roles:
        option = "--inputs" if name in inputs else "--label-column"
        if name in table.time_columns:
            raise ImportDataError(
                f"Column {name!r} holds the times.",
                f"It cannot be an input or a label too: leave it out of {option}, or name another column of times with "
                "--time-column.",
            )
        if name not in columns:
            raise ImportDataError(
                f"There is no column {name!r}.",
                f"Columns: {', '.join(columns)[:500]}. Name one of them with {option}.",
            )
        if roles.count(name) > 1:
            raise ImportDataError(
                f"Column {name!r} was named twice.",
                "It can be one input, or the label: leave it out of --inputs or --label-column.",
            )


def _sensors(
    table: TimedTable, used_columns: set[str]
) -> tuple[dict[str, tuple[npt.NDArray[np.float64], int]], list[str], list[ChannelImport]]:
    """Read each column that is not taken as numbers; what cannot be one is skipped with the reason."""
    sensors: dict[str, tuple[npt.NDArray[np.float64], int]] = {}
    without_values = []
    skipped = []
    for column in table.frame.columns:
        if column in used_columns:
            continue
        numbers = numbers_in(table.frame[column], table.raw.marks)
        empty = bool(table.frame[column].isna().all())
        if re.fullmatch(r"unnamed \d+|__index_level_\d+__|Unnamed: \d+", column):
            if not empty:
                skipped.append(ChannelImport(column, "skipped", note="the column has no name"))
        elif empty or (numbers is not None and np.isnan(numbers[0]).all()):
            without_values.append(column)
            sensors[column] = (np.full(len(table.frame), np.nan), 0 if numbers is None else numbers[1])
        elif numbers is None:
            skipped.append(ChannelImport(column, "skipped", note="not numbers; as an input: --inputs"))
        else:
            _check_finite(numbers[0], column)
            sensors[column] = numbers
    return sensors, without_values, skipped


def _check_finite(values: npt.NDArray[np.float64], column: str) -> None:
    with np.errstate(over="ignore"):
        infinite = np.isinf(values.astype(np.float32))
    if infinite.any():
        row = int(np.argmax(infinite))
        raise ImportDataError(
            f"Column {column!r} is {values[row]} in row {row + 1} ({int(infinite.sum())} such values in all).",
            "Values must be finite in float32; leave a cell empty where a value is missing.",
        )


def _inputs(
    frame: pd.DataFrame, names: Sequence[str], marks: NumberMarks
) -> tuple[npt.NDArray[np.float32], list[str], int]:
    """Read the input columns; a word that is missing is missing in each of the inputs of its column."""
    arrays: list[npt.NDArray[Any]] = [np.zeros((len(frame), 0), dtype=np.float32)]
    labels: list[str] = []
    n_missing = 0
    for name in names:
        numbers = numbers_in(frame[name], marks)
        column = frame[name] if numbers is None else pd.Series(numbers[0])
        missing = column.isna().to_numpy()
        n_missing += int(missing.sum())
        if numbers is None and not missing.all():
            words, new = one_hot(column[~missing], name)
            values = np.full((len(frame), len(new)), np.nan, dtype=np.float32)
            values[~missing] = words
            arrays.append(values)
            labels += new
        else:
            plain = np.asarray(column.astype("float64"), dtype=np.float64)
            _check_finite(plain, name)
            arrays.append(plain[:, None].astype(np.float32))
            labels.append(name)
    return np.concatenate(arrays, axis=1), labels, n_missing
