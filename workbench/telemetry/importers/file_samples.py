"""Reads one table into samples: its times, a column of numbers for each channel, inputs and labels."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.appending import OnConflict, make_series, time_text
from workbench.telemetry.importers.columns import counts_rows, one_hot, without_infinite
from workbench.telemetry.importers.formats.files import read_raw
from workbench.telemetry.importers.formats.last_line import DoubtfulValue
from workbench.telemetry.importers.formats.mixed_numbers import unmixed_numbers
from workbench.telemetry.importers.formats.number_marks import NumberMarks
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.names import channel_names, column_units
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.repair import Ordered, in_order
from workbench.telemetry.importers.report import ChannelImport
from workbench.telemetry.importers.roles.advice import label_notes, why_no_numbers
from workbench.telemetry.importers.roles.column_roles import check_roles, is_named, similar_names, with_exact_names
from workbench.telemetry.importers.roles.unit_column import unit_column
from workbench.telemetry.importers.shapes import series_of
from workbench.telemetry.importers.shapes.shared_times import check_shared_times
from workbench.telemetry.importers.table_times import TimedTable, with_times
from workbench.telemetry.importers.times import DateOrder
from workbench.telemetry.precision import needs_float64
from workbench.telemetry.previews.excerpt import excerpt
from workbench.telemetry.schema import UNKNOWN_PERIOD

__all__ = ["FileSamples", "RawColumn", "column_series", "names_by_path", "read_samples"]

_MAX_LISTED = 3  # notes on similar names
_LEFT_OUT_BY_OPTION = "left out by --columns or --exclude"


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
        Numbers of each column that is a channel, float64, NaN where a value is missing.
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
    date_order : {"day", "month", "year"} or None
        How dates such as 03/04/05 were read; None where there are none.
    other : FileSamples or None
        The same samples with such dates in another order, where nothing in the file decides; it may have another one.
    doubtful : DoubtfulValue or None
        Its last value, where the file ends without a line end.
    asset : str or None
        Asset that its rows name; None where they name none.
    part : str
        Which of several series of the file this is, in words; empty where it is the only one.
    wide : frozenset of str
        Those of the columns whose numbers float32 cannot hold.
    bad_quality : dict of str to int
        Values that are missing, as their quality is bad, by column.
    sample_period : str
        Step of samples without dates, as ISO 8601 duration, as far as it is known.
    units : dict of str to str
        Units by column, where the file holds them apart from the names.
    raw_columns : tuple of RawColumn
        Every column of the table, in its order.
    share : float
        Share of the rows of the file that was read; below 1 for an excerpt.
    """

    path: Path
    stamps: npt.NDArray[Any]
    columns: dict[str, npt.NDArray[np.float64]]
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
    wide: frozenset[str] = frozenset()
    bad_quality: dict[str, int] = field(default_factory=dict)
    sample_period: str = UNKNOWN_PERIOD
    units: dict[str, str] = field(default_factory=dict)
    raw_columns: tuple[RawColumn, ...] = ()
    share: float = 1.0

    def units_of(self, column: str, channel: str) -> str:
        """Return the unit of a column's channel: that in the column's name, else the one that stands apart from it."""
        return column_units(column, channel) or self.units.get(column, "")


def column_series(
    file: FileSamples,
    column: str,
    channel: str,
    asset: str,
    stamps: npt.NDArray[Any],
    kinds: npt.NDArray[np.object_] | None = None,
    dtype: npt.DTypeLike = np.float32,
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
    dtype : dtype
        Of the telemetry.

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
        dtype,
        channel=channel,
        asset=asset,
        subsystem="",
        units=file.units_of(column, channel),
        source=file.path.name,
        sample_period=file.sample_period,
    )


def names_by_path(files: Sequence[FileSamples], asset: str, assets: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the channels of files by path and column; all series of one are named together, so no two become one.

    Parameters
    ----------
    files : sequence of FileSamples
        What was read.
    asset : str
        Asset of the channels.
    assets : mapping of str to str
        Asset of every channel that the archive holds.

    Returns
    -------
    dict of str to dict of str to str
    """
    columns: dict[str, dict[str, None]] = {}
    for file in files:
        columns.setdefault(str(file.path), {}).update(dict.fromkeys(file.columns))
    return {path: channel_names(own, asset, assets) for path, own in columns.items()}


def read_samples(
    path: Path, layout: str, reading: Reading, on_conflict: OnConflict | None = None, *, excerpts: bool = False
) -> list[FileSamples]:
    """Read the samples of one file, sorted by time.

    Parameters
    ----------
    path : Path
        File to read.
    layout : {"csv", "parquet", "feather", "xlsx", "json", "hdf5"}
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
        The file cannot be read, has no time column or no column of numbers, a value is beyond float32, a column that
        was named is not there, or the file contradicts itself and `on_conflict` is None. Every message names the file.
    """
    try:
        if path.is_dir() or not path.exists():
            raise ImportDataError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}.", "Give a file.")
        if excerpts:
            with excerpt(path, layout) as part, suppress(ImportDataError):  # the whole file says what is wrong with it
                if part is not None:
                    raw = read_raw(part.path, layout, reading)
                    raw = replace(raw, path=path, notes=(part.note, *raw.notes))
                    return [replace(one, share=part.share) for one in _of_series(raw, reading, on_conflict)]
        return _of_series(read_raw(path, layout, reading), reading, on_conflict)
    except ImportDataError as error:
        if str(path) in error.message:
            raise
        raise ImportDataError(f"{path}: {error.message}", error.hint) from None
    except MemoryError:  # pyarrow's is one, too
        raise ImportDataError(
            f"{path} needs more memory than there is.", "Split it, for example by month, and import the parts."
        ) from None
    except (ArithmeticError, UnicodeError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ImportDataError(f"{path} cannot be read: {reason}.", "Export it again, or remove that value.") from None


def _of_series(raw: RawTable, reading: Reading, on_conflict: OnConflict | None) -> list[FileSamples]:
    """Return the samples of the series of a table, each with the names and roles of its columns checked."""
    reading = with_exact_names(reading, [str(column) for column in raw.frame.columns])
    similar = similar_names([str(column) for column in raw.frame.columns])[:_MAX_LISTED]
    series = series_of(replace(raw, notes=(*raw.notes, *similar)) if similar else raw, reading)
    reading = with_exact_names(
        reading, list(dict.fromkeys(str(one) for table in series for one in table.frame.columns))
    )
    tables = _in_one_date_order(series, reading)
    check_roles(tables, reading)
    return _all_samples(tables, reading, on_conflict)


def _in_one_date_order(series: Sequence[RawTable], reading: Reading) -> list[TimedTable]:
    """Read the times of the series of a file; where one of them decides on the order of dates, it holds for all."""
    tables = [with_times(one, reading) for one in series]
    orders = {table.date_order for table in tables if table.date_order and not table.other_stamps}
    if len(orders) != 1:
        return tables
    in_order_of_all = replace(reading, date_order=orders.pop())
    return [
        table if not table.other_stamps else with_times(one, in_order_of_all)
        for table, one in zip(tables, series, strict=True)
    ]


class _NoSensorError(ImportDataError):
    """A series has no column of numbers."""


def _all_samples(tables: Sequence[TimedTable], reading: Reading, on_conflict: OnConflict | None) -> list[FileSamples]:
    """Return the samples of the series of a file; of several those without numbers are left out and reported."""
    samples = []
    without_numbers: list[ChannelImport] = []
    for table in tables:
        try:
            samples.append(_samples(table, reading, on_conflict))
        except _NoSensorError:
            if len(tables) == 1 or (not samples and table is tables[-1]):
                raise
            columns = [str(column) for column in table.frame.columns if column not in table.raw.quality.values()]
            without_numbers += [ChannelImport(column, "skipped", note="not numbers") for column in columns]
    if without_numbers:
        samples[0] = replace(samples[0], skipped=(*samples[0].skipped, *without_numbers))
    return samples


def _raw_columns(table: TimedTable, reading: Reading) -> tuple[RawColumn, ...]:
    roles = dict.fromkeys(table.time_columns, "time")
    roles |= {name: role for role in ("label", "quality") if (name := getattr(reading, f"{role}_column"))}
    roles |= dict.fromkeys(table.raw.quality.values(), "quality")
    columns = []
    for key, column in table.raw.frame.items():
        name, present = str(key), column.notna().to_numpy()
        n_present = int(present.sum())
        places = (int(np.argmax(present)), len(present) - 1 - int(np.argmax(present[::-1])))
        first, last = (column.iat[place] for place in places) if n_present else (None, None)
        is_text = pd.api.types.is_string_dtype(column)
        missing = len(column) - n_present
        columns.append(RawColumn(name, roles.get(name, ""), first, last, missing, is_text, not n_present))
    return tuple(columns)


def _samples(table: TimedTable, reading: Reading, on_conflict: OnConflict | None) -> FileSamples:
    path, marks = table.raw.path, table.raw.marks
    inputs, label_column = reading.inputs, reading.label_column
    roles = (*inputs, label_column)
    if table.doubtful_column is not None and table.doubtful_column in roles and len(table.frame) > 1:
        table = table.without_last()
    sensors, empty, skipped = _sensors(table, reading)
    skipped += [ChannelImport(name, "skipped", note=note) for name, note in table.left_out.items()]
    if len(sensors) == len(empty):
        others = [f"the inputs {', '.join(inputs)}"] if inputs else []
        others += [f"the labels {label_column}"] if label_column else []
        beside = " and ".join(["its times", *others])
        hint = "Leave a column out of --inputs." if inputs else "Needed: at least one sensor."
        why = "".join(f" {row.channel}: {row.note}." for row in skipped[:_MAX_LISTED] if row.note.startswith("numbers"))
        raise _NoSensorError(f"{path} has no column of numbers beside {beside}.{why}", hint)
    skipped, units = _with_unit(table, reading, [name for name in sensors if name not in empty], skipped)
    notes = table.notes
    if label_column is None:
        notes += label_notes({name: one[0] for name, one in sensors.items() if not is_named(name, reading.columns)})
    raw_columns = _raw_columns(table, reading)
    bad_quality = _without_bad_values(table, sensors)
    frame = table.frame.drop(columns=[row.channel for row in skipped if row.note == _LEFT_OUT_BY_OPTION])
    numbers = {name: values for name, (values, _) in sensors.items()}
    frame = pd.DataFrame({name: numbers.get(name, frame[name]) for name in frame.columns}, copy=False)
    wide = frozenset(name for name, (values, _) in sensors.items() if needs_float64(values))

    def samples(stamps: npt.NDArray[Any]) -> FileSamples:
        ordered = in_order(frame, stamps, last_wins=on_conflict == "replace", wide=wide)
        check_shared_times(table, ordered)
        if ordered.conflicting and on_conflict is None:
            raise _contradiction(path, ordered)
        values, names, n_held = _inputs(ordered.frame, inputs, marks, reading)
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
            {name: ordered.frame[name].to_numpy(dtype=np.float64) for name in sensors},
            tuple(empty),
            values,
            tuple(names),
            None if label_column is None else ordered.frame[label_column],
            repairs,
            {name: count for name, (_, count) in sensors.items()},
            (*skipped, *table.raw.left_out),
            notes,
            table.date_order,
            doubtful=None if table.doubtful_column is None else DoubtfulValue(table.doubtful_column, stamps[-1]),
            asset=table.raw.asset,
            part=table.raw.part,
            wide=wide,
            bad_quality=bad_quality,
            sample_period=table.sample_period,
            units=units,
            raw_columns=raw_columns,
        )

    present = samples(table.stamps)
    other = None
    for order, stamps in reversed(list(table.other_stamps.items())):
        other = replace(samples(stamps), date_order=order, other=other)
    return replace(present, other=other)


def _with_unit(
    table: TimedTable, reading: Reading, sensors: Sequence[str], skipped: list[ChannelImport]
) -> tuple[list[ChannelImport], dict[str, str]]:
    """Take a column of units as the unit of the only sensor; refuse one that changes."""
    others = [*sensors, *reading.inputs, *table.raw.quality.values(), reading.label_column or ""]
    others += [row.channel for row in skipped if row.note == _LEFT_OUT_BY_OPTION]
    column = unit_column(table.frame, others)
    if column is None or len(sensors) != 1:
        return skipped, table.raw.units
    name, unit = column
    uses = ChannelImport(name, "skipped", note=f"names the unit of {sensors[0]}; as an input: --inputs")
    return [uses if row.channel == name else row for row in skipped], {sensors[0]: unit} | table.raw.units


def _contradiction(path: Path, ordered: Ordered) -> ImportDataError:
    time, column, *values = ordered.conflict or ("", "", "", "")
    value, earlier = (f"{one:g}" if isinstance(one, float) else str(one) for one in values)
    return ImportDataError(
        f"{path} contradicts itself in {counted(ordered.conflicting, 'sample')}, the first at {time_text(time)}: "
        f"{column} is {value} after {earlier} at the same time.",
        "Pass --on-conflict keep for the first value of each time or --on-conflict replace for the last, or --timezone "
        "where clocks were set back.",
    )


def _sensors(
    table: TimedTable, reading: Reading
) -> tuple[dict[str, tuple[npt.NDArray[np.float64], int]], list[str], list[ChannelImport]]:
    """Read each column that is to be a channel as numbers; what cannot be one is skipped with the reason."""
    sensors: dict[str, tuple[npt.NDArray[np.float64], int]] = {}
    without_values = []
    skipped = []
    used_columns = {column for column in reading.inputs if column not in reading.columns} | {reading.label_column}
    used_columns |= set(table.raw.quality.values())
    for column in table.frame.columns:
        if column in used_columns:
            continue
        is_chosen = is_named(column, reading.columns)
        if is_named(column, reading.exclude) or (reading.columns and not is_chosen):
            if column not in reading.inputs:
                skipped.append(ChannelImport(column, "skipped", note=_LEFT_OUT_BY_OPTION))
            continue
        numbers = unmixed_numbers(column, table.frame[column], table.raw.marks, reading)
        empty = bool(table.frame[column].isna().all())
        if numbers is not None:
            finite, n_infinite = without_infinite(numbers[0], column)
            numbers = (finite, numbers[1] + n_infinite)
        if not is_chosen and re.fullmatch(r"unnamed \d+|__index_level_\d+__|Unnamed: \d+", column):
            if not empty:
                skipped.append(ChannelImport(column, "skipped", note="the column has no name"))
        elif not is_chosen and numbers is not None and counts_rows(column, numbers[0]):
            skipped.append(ChannelImport(column, "skipped", note="numbers the rows; as a channel: --columns"))
        elif empty or (numbers is not None and np.isnan(numbers[0]).all()):
            without_values.append(column)
            sensors[column] = (np.full(len(table.frame), np.nan), 0 if numbers is None else numbers[1])
        elif numbers is None:
            skipped.append(ChannelImport(column, "skipped", note=why_no_numbers(column, table.frame[column])))
        else:
            sensors[column] = numbers
    return sensors, without_values, skipped


def _without_bad_values(table: TimedTable, sensors: dict[str, tuple[npt.NDArray[np.float64], int]]) -> dict[str, int]:
    """Take out the values whose quality is bad, and count them by column."""
    counts = {}
    for column in sensors.keys() & table.raw.quality.keys():
        values, n_unreadable = sensors[column]
        bad = table.frame[table.raw.quality[column]].to_numpy(dtype=bool)
        counts[column] = int((bad & ~np.isnan(values)).sum())
        sensors[column] = (np.where(bad, np.nan, values), n_unreadable)
    return counts


def _inputs(
    frame: pd.DataFrame, names: Sequence[str], marks: NumberMarks, reading: Reading
) -> tuple[npt.NDArray[np.float32], list[str], int]:
    """Read the input columns; a word that is missing is missing in each of the inputs of its column."""
    arrays: list[npt.NDArray[Any]] = [np.zeros((len(frame), 0), dtype=np.float32)]
    labels: list[str] = []
    n_missing = 0
    for name in names:
        numbers = unmixed_numbers(name, frame[name], marks, reading)
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
            plain, n_infinite = without_infinite(np.asarray(column.astype("float64"), dtype=np.float64), name)
            n_missing += n_infinite
            arrays.append(plain[:, None].astype(np.float32))
            labels.append(name)
    return np.concatenate(arrays, axis=1), labels, n_missing
