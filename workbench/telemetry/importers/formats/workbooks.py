"""Reads Excel workbooks: the first sheet that holds a long series of samples, and those that have the same columns."""

import datetime
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.delimited import MISSING_WORDS
from workbench.telemetry.importers.formats.doubtful_names import check_names
from workbench.telemetry.importers.formats.headers import Row, find_header, unique_names, usual_width
from workbench.telemetry.importers.formats.json_records import typed_column
from workbench.telemetry.importers.formats.limits import check_bytes, check_columns, check_ratio
from workbench.telemetry.importers.formats.sheets import first_series, joined_sheets
from workbench.telemetry.importers.reading import Reading

__all__ = ["read_workbook"]

_CELL_BYTES = 64  # of a cell in memory
_BLOCK_BYTES = 2**20
_HEAD_ROWS = 400
_COLUMN = re.compile(rb'<c r="([A-Z]{1,3})')
_ROW = re.compile(rb'<row[^>]{0,200}? r="(\d{1,8})"')


def read_workbook(path: Path, plain: Path, reading: Reading) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Read an Excel workbook.

    Parameters
    ----------
    path : Path
        File that is imported.
    plain : Path
        Its content, unpacked.
    reading : Reading
        What was chosen.

    Returns
    -------
    pandas.DataFrame
    dict of str to str
        Units by column.
    list of str
        What was assumed.

    Raises
    ------
    ImportDataError
        It cannot be read, holds no table, or is too large.
    """
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

    _check_size(path, plain)
    try:
        with CalamineWorkbook.from_path(plain) as book:
            names = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
            sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names}
    except (CalamineError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ImportDataError(
            f"{path} cannot be read as an Excel workbook: {reason}.", "It may be truncated."
        ) from None
    tables = {name: rows for name, rows in sheets.items() if sum(map(_is_filled, rows)) > 1}
    if not tables:
        raise ImportDataError(f"{path} has no rows.", "Needed: a sheet with a header line, then one row a sample.")
    frames: dict[str, pd.DataFrame] = {}
    units: dict[str, dict[str, str]] = {}
    faults: list[ImportDataError] = []
    for name, rows in tables.items():
        try:
            frames[name], units[name] = _table(path, rows, reading)
        except ImportDataError as error:
            faults.append(error)
    first = first_series(frames, reading)
    if first is None and faults:
        raise faults[0]
    first = first or next(iter(frames))
    alike = {name: frame for name, frame in frames.items() if list(frame.columns) == list(frames[first].columns)}
    frame, notes = joined_sheets(alike)
    if others := [name for name in tables if name not in alike]:
        names_of_others = ", ".join(map(repr, others[:10]))
        read = f"sheet {first!r} read" if len(alike) == 1 else f"{len(alike)} sheets read"
        notes.append(f"{read}; left out: {names_of_others}; save one as a file of its own to import it")
    return frame, units[first], notes


def _check_size(path: Path, plain: Path) -> None:
    """Raise an error where the sheets are too large, or reach so far that their empty cells would fill the memory."""
    try:
        with zipfile.ZipFile(plain) as book:
            n_bytes, n_packed = 0, plain.stat().st_size
            for member in book.infolist():
                is_sheet = member.filename.startswith("xl/worksheets/")
                last_row, last_column, rest = 0, 0, b""
                with book.open(member) as file:
                    while block := file.read(_BLOCK_BYTES):
                        n_bytes += len(block)
                        check_bytes(path, 4 * n_bytes)  # as text and as cells
                        check_ratio(path, n_bytes, n_packed)
                        if is_sheet:
                            text = rest + block
                            last_column = max([last_column, *map(_column_number, set(_COLUMN.findall(text)))])
                            last_row = max([last_row, *map(int, _ROW.findall(text))])
                            rest = text[-300:]
                n_cell_bytes = last_row * last_column * _CELL_BYTES
                check_bytes(f"Sheet {member.filename} of {path}", n_cell_bytes)
                check_ratio(f"Sheet {member.filename} of {path}", n_cell_bytes, n_packed)
    except (OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise ImportDataError(
            f"{path} cannot be read as an Excel workbook: {str(error)[:200]}.", "It may be truncated: get it again."
        ) from None


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _is_filled(cells: Sequence[Any]) -> bool:
    return any(cell != "" for cell in cells)


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _table(path: Path, rows: list[list[Any]], reading: Reading) -> tuple[pd.DataFrame, dict[str, str]]:
    first = reading.skip_rows or 0
    filled = [number for number, cells in enumerate(rows) if number >= first and _is_filled(cells)]
    width = max((place + 1 for number in filled for place, cell in enumerate(rows[number]) if cell != ""), default=0)
    check_columns(path, width)
    head = [
        Row(number + 1, number + 1, _without_empty_end([_text(cell) for cell in rows[number]]))
        for number in filled[:_HEAD_ROWS]
    ]
    usual = usual_width(head[-max(10, len(head) // 8) :])
    padded = [Row(row.number, row.end, (*row.cells, *[""] * (usual - len(row.cells)))) for row in head]
    header = find_header(padded, usual, reading.header_row)
    if header.names is None and reading.header_row is None:
        values = ", ".join(cell for cell in head[0].cells[:5] if cell)[:200]
        raise ImportDataError(
            f"{path}: the first line holds values, not column names ({values}).",
            "Add a header line. Or pass --header-row 0: names are 'column 1', 'column 2'.",
        )
    check_names(path, head, header, reading, are_words=False)
    cells = header.names or tuple(f"column {number}" for number in range(1, width + 1))
    names = unique_names([*cells, *[""] * (width - len(cells))][:width])
    body = [rows[number] for number in filled if number + 1 >= header.data_line]
    columns = {name: typed_column([_value(cells[place]) for cells in body]) for place, name in enumerate(names)}
    units = {names[place]: unit for place, unit in header.units.items() if place < len(names)}
    return pd.DataFrame(columns, copy=False), units


def _value(cell: Any) -> Any:
    if isinstance(cell, str):
        return None if cell.strip() in MISSING_WORDS else cell.strip()
    if isinstance(cell, datetime.datetime):
        return cell
    if isinstance(cell, datetime.date):
        return datetime.datetime.combine(cell, datetime.time())
    return cell


def _without_empty_end(cells: list[str]) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return tuple(cells)
