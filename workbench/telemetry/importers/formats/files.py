"""Reads a file of any format into a raw table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ImportDataError, UnfinishedImportError
from workbench.telemetry.importers.formats.annotated_tables import annotated_tables
from workbench.telemetry.importers.formats.cells import (
    far_off_value,
    inexact_integers,
    state_numbers,
    without_missing,
    without_status,
    without_unit,
)
from workbench.telemetry.importers.formats.contents import check_content
from workbench.telemetry.importers.formats.delimited import DelimitedTable, read_delimited, sniff
from workbench.telemetry.importers.formats.labview import read_labview
from workbench.telemetry.importers.formats.last_line import open_last_line
from workbench.telemetry.importers.formats.mark_choice import choose_marks
from workbench.telemetry.importers.formats.mixed_numbers import signed_numbers, with_one_mark
from workbench.telemetry.importers.formats.number_marks import NumberMarks, is_text, numbers_in
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.formats.typed_text import read_typed
from workbench.telemetry.importers.formats.unpacking import unpacked
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.timing.written_dates import interval_starts, with_marked_dates

__all__ = ["read_raw"]

_NAMED_COLUMNS = 5
_RANGES_OF_TIMES = ((1e18, 4e18), (6e17, 7e17), (1.9e16, 2.1e16))  # epoch nanoseconds, .NET ticks, 20240301120000123


def read_raw(path: Path, layout: str, reading: Reading) -> RawTable:
    """Read a file into a raw table.

    Parameters
    ----------
    path : Path
        File to read; it may be compressed.
    layout : {"csv", "parquet", "feather", "xlsx", "json", "hdf5"}
        Format of the file.
    reading : Reading
        What was chosen.

    Returns
    -------
    RawTable

    Raises
    ------
    ImportDataError
        It cannot be read, or has no rows.
    """
    with unpacked(path) as plain:
        try:
            table, separator = _read_plain(path, plain, layout, reading)
        except ImportDataError as error:  # a message names the file that was compressed
            raise type(error)(error.message.replace(str(plain), str(path)), error.hint) from None
    if table.frame.empty:
        raise ImportDataError(f"{path} has no rows.", "Needed: one row a sample.")
    return _with_chosen_values(_with_marks(table, separator, reading), reading)


def _read_plain(path: Path, plain: Path, layout: str, reading: Reading) -> tuple[RawTable, str]:
    """Read a file that is not compressed, and return the separator of its fields too; empty where it has none."""
    check_content(path, plain, layout)
    if layout == "csv":
        return _read_text(path, plain, reading)
    frame, units, notes = _read_typed(path, plain, layout, reading)
    return RawTable(path, frame, NumberMarks(), notes=tuple(notes), units=units), ""


def _read_text(path: Path, plain: Path, reading: Reading) -> tuple[RawTable, str]:
    """Read delimited text, and return its separator too."""
    points = annotated_tables(plain)
    if points is not None:
        return RawTable(path, points, NumberMarks()), ","
    recording = read_labview(plain)
    if recording is not None:
        frame, units, notes = recording
        return RawTable(path, frame, NumberMarks(), len(notes), tuple(notes), units=units), "\t"
    dialect = sniff(plain, reading)
    typed = read_typed(plain, dialect, reading)
    table = read_delimited(plain, dialect) if typed is None else DelimitedTable(typed, 0)
    last = None if table.has_footer else open_last_line(plain, dialect)
    if last is not None and not last.is_whole and len(table.frame) == 1:
        raise UnfinishedImportError(
            f"{path} has no whole row: its only one has no line end.", "Import it when it is complete."
        )
    raw = RawTable(
        path,
        table.frame,
        NumberMarks(),
        table.rows_dropped,
        (*dialect.notes, *table.notes),
        last=last,
        units=dialect.units,
    )
    return raw, dialect.separator


def _read_typed(
    path: Path, plain: Path, layout: str, reading: Reading
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Read a file whose columns have types: its table, units by column, and what was assumed."""
    if layout == "xlsx":
        from workbench.telemetry.importers.formats.workbooks import read_workbook

        return read_workbook(path, plain, reading)
    if layout == "hdf5":
        from workbench.telemetry.importers.formats.grids import read_grid

        return read_grid(path, plain)
    if layout == "json":
        from workbench.telemetry.importers.formats.json_records import read_json

        return read_json(path, plain), {}, []
    from workbench.telemetry.importers.formats.arrow_files import read_feather, read_parquet

    frame, notes = (read_parquet if layout == "parquet" else read_feather)(path, plain)
    return frame, {}, notes


def _with_marks(table: RawTable, separator: str, reading: Reading) -> RawTable:
    """Take states and units behind numbers away, and decide how the numbers in text are written."""
    columns = {str(name): table.frame[name] for name in table.frame.columns}
    units, assumed = dict(table.units), []
    plain: dict[str, pd.Series] = {}
    for name, column in list(columns.items()):
        if (stateless := without_status(column)) is not None:
            columns[name], note = stateless
            assumed += [f"{name}: {note}"] if note else []
        if (dates := with_marked_dates(columns[name])) is not None:
            columns[name] = dates
        if is_text(columns[name]) and (starts := interval_starts(columns[name])) is not None:
            columns[name] = starts
            assumed.append(f"{name} holds intervals: each value is taken at the start of its own")
        plain[name] = columns[name]
        if (signed := signed_numbers(columns[name])) is not None:
            plain[name], units[name] = signed.numbers, signed.sign
        elif (bare := without_unit(columns[name])) is not None:
            plain[name], units[name] = bare
        if reading.decimal == "both":
            plain[name] = with_one_mark(plain[name])
        if signed is None or not signed.is_bare.any():
            columns[name] = plain[name]  # else the signs are needed: each tag of the long form may write its own
    marks, notes = choose_marks(plain, separator, reading)
    frame = pd.DataFrame(columns, copy=False)
    return replace(table, frame=frame, marks=marks, units=units, notes=(*table.notes, *assumed, *notes))


def _with_chosen_values(table: RawTable, reading: Reading) -> RawTable:
    """Take values away that mean none, read words of states as numbers where asked, and note what is odd."""
    notes = list(table.notes)
    changed = {}
    far_off: dict[float, list[str]] = {}
    for name in map(str, table.frame.columns):
        column = table.frame[name]
        if reading.missing:
            plain = column if (signed := signed_numbers(column)) is None else signed.numbers
            there = without_missing(plain, reading.missing, table.marks)
            column = column if there is plain else column.where(there.notna())
        if name in reading.columns and (states := state_numbers(column)) is not None:
            column, note = states
            notes.append(f"{name}: {note}")
        if column is not table.frame[name]:
            changed[name] = column
        numbers = numbers_in(column, table.marks)
        if numbers is None:
            continue
        if (value := far_off_value(numbers[0])) is not None:
            far_off.setdefault(value[0], []).append(name)
        if n_inexact := _inexact(column, numbers[0]):
            notes.append(f"{name}: {counted(n_inexact, 'integer')} beyond 2^53 rounded to 16 digits")
    notes += [
        f"{value:g} recurs in {_listed(names)}, far from all other values: --missing {value:g} where it means none"
        for value, names in far_off.items()
    ]
    frame = table.frame.assign(**changed) if changed else table.frame
    return replace(table, frame=frame, notes=tuple(notes))


def _inexact(column: pd.Series, numbers: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> int:
    """Count integers that are rounded; those that may be times are read as such, and not counted."""
    if not max(np.fmax.reduce(numbers, initial=0), -np.fmin.reduce(numbers, initial=0)) > 2**53:
        return 0
    is_time = any(low < np.nanmin(numbers) and np.nanmax(numbers) < high for low, high in _RANGES_OF_TIMES)
    return 0 if is_time else inexact_integers(column)


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED_COLUMNS
    return ", ".join(names[:_NAMED_COLUMNS]) + (f" and {counted(more, 'more column')}" if more > 0 else "")
