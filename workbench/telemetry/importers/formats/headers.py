"""Finds the line of the column names in a text file, and the lines of units below it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.number_marks import GROUP_MARKS, MINUS
from workbench.telemetry.importers.formats.units import UNIT, bare_unit, is_unit
from workbench.telemetry.importers.timing.time_names import may_name_times

__all__ = ["Header", "Row", "find_header", "is_value", "unique_names", "usual_width"]

_NUMBER = rf"[+\-{MINUS}]?(?:[\d.,]|(?<=\d)[{GROUP_MARKS}](?=\d{{3}}))*\d[.,]?(?:[eE][+-]?\d+)?"
_VALUE = re.compile(
    rf"{_NUMBER}\s*{UNIT}?$|\d{{1,4}}[-/.] ?\d{{1,2}}[-/.] ?\d{{1,4}}(?:\D|$)|\d{{4}}-\d{{3}}T"
    r"|\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\D|$)"
    r"|\d{1,2}[-. ]+[A-Za-z]{3}|(?i:true|false)$|\d{8}T?\d{4,6}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?$"
    r"|\d{4}-?W\d{2}"
)
_MISSING = re.compile(r"|-+|\?|\.|(?i:nan|nat|na|n/a|null|nil|none|missing)")
_RULE = re.compile(r"|[:+]?[-=]{2,}[:+]?")
_WITH_UNIT = re.compile(rf"{_NUMBER}\s*{UNIT}")
_STATISTIC = re.compile(r"|(?i:min|max|avg|mean|smp|sample|tot|total|std|med|inst|samp|wvc|cov|hst|etx)")
_STATIONS = {"TOA5": 2, "TOACI1": 0}  # first words of files of data loggers, and how many lines follow the names


@dataclass(frozen=True)
class Row:
    """Fields of one line of a file; `number` is its line, from 1, and `end` the line in which it ends."""

    number: int
    end: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """What stands above the data.

    Attributes
    ----------
    names : tuple of str or None
        Cells of the line of names; None where there is no such line.
    units : dict of int to str
        Units by number of the column, from 0.
    data_line : int
        Line in which the data begin, from 1.
    names_line : int
        Line of the names; 0 where there is none.
    is_in_two : bool
        Whether the line above it belongs to the names, too, as that of groups of columns.
    """

    names: tuple[str, ...] | None
    units: dict[int, str]
    data_line: int
    names_line: int = 0
    is_in_two: bool = False


def is_value(cell: str) -> bool:
    """Tell whether a cell holds a number, a date or a time of day, and no name.

    Examples
    --------
    >>> is_value("1,5"), is_value("12.3 °C"), is_value("01.03.2024 10:00"), is_value("T1"), is_value("Temp")
    (True, True, True, False, False)
    """
    return bool(_VALUE.match(cell))


def usual_width(rows: Sequence[Row]) -> int:
    """Return how many fields most rows have."""
    widths = Counter(len(row.cells) for row in rows)
    return max(widths, key=lambda width: (widths[width], width))


def find_header(rows: Sequence[Row], width: int, names_line: int | None = None) -> Header:
    """Find the line of names among the first rows of a file.

    Parameters
    ----------
    rows : sequence of Row
        The first rows, at least one; cells without spaces around.
    width : int
        Fields of most rows of the file.
    names_line : int, optional
        Line that the user named; 0 says that there is none.

    Returns
    -------
    Header

    Raises
    ------
    ImportDataError
        The line that the user named is not there.
    """
    value_columns = _value_columns(rows, width)
    counts = [0 if _are_numbered_names(row) else _n_values(row, value_columns) for row in rows]
    is_data = (number for number, count in enumerate(counts) if count * 2 > len(value_columns))
    first_data = next(is_data, len(rows)) if value_columns else len(rows)
    if names_line == 0:
        whole = [place for place, row in enumerate(rows) if len(row.cells) == width]
        alike = (place for place in whole if _is_like_the_others(place, rows, width))
        return Header(None, {}, rows[next(alike, whole[0] if whole else 0)].number)
    if names_line is not None:
        place = next((place for place, row in enumerate(rows) if row.number >= names_line), None)
    elif rows[0].cells[0] in _STATIONS and len(rows) > 1:
        place = 1
    else:
        place = _names_place(rows, counts, width, first_data)
    if place is None and names_line is not None:
        raise ImportDataError(f"There is no line {names_line} to take the column names from.", "Correct --header-row.")
    if place is None:
        return Header(None, {}, rows[0].number)
    units: dict[int, str] = {}
    used = 0
    for row in rows[place + 1 : place + 3]:  # units and statistics, in any order
        if not units and _is_units_row(row):
            units = {column: unit for column, cell in enumerate(row.cells) if (unit := bare_unit(cell))}
        elif not (_is_statistics_row(row) or _is_rule(row)):
            break
        used += 1
    if rows[0].cells[0] in _STATIONS and names_line is None:
        used = max(used, min(_STATIONS[rows[0].cells[0]], len(rows) - place - 1))
    names = rows[place].cells
    if names_line is None and rows[0].cells[0] not in _STATIONS:
        names = _with_upper_names(rows, place, width)
    is_in_two = names != rows[place].cells
    return Header(names, units, rows[place + used].end + 1, rows[place].number, is_in_two)


def _with_upper_names(rows: Sequence[Row], place: int, width: int) -> tuple[str, ...]:
    """Return the names of a line with those right above it, which may name groups of columns, or columns alone.

    A group stands over its first column, as a merged cell is written; it is put before names that recur.
    """
    names = rows[place].cells
    upper = rows[place - 1] if place else None
    if upper is None or upper.end + 1 != rows[place].number or len(upper.cells) > width or _n_filled(upper) < 2:
        return names
    if any(map(is_value, filter(None, upper.cells))):
        return names
    cells = [*upper.cells, *[""] * (len(names) - len(upper.cells))][: len(names)]
    if all(cells) and not all(names) and len(set(cells)) == len(cells):  # tags, and what they are below
        return tuple(cells)
    groups, group = [], ""
    for cell in cells:
        group = cell or group
        groups.append(group)
    counts = Counter(name for name in names if name)
    grouped = {group for group, name in zip(groups, names, strict=True) if counts[name] > 1}
    joined = tuple(
        cell if not name else f"{group} {name}" if group and group in grouped else name
        for cell, group, name in zip(cells, groups, names, strict=True)
    )
    return joined if len(set(filter(None, joined))) == sum(map(bool, joined)) else names


def _is_units_row(row: Row) -> bool:
    """Tell whether a row below the names holds units: every cell that is filled is one, and one at least."""
    filled = [cell for cell in row.cells if cell]
    return bool(filled) and all(is_unit(cell) for cell in filled) and any(bare_unit(cell) for cell in filled)


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Return names that differ; an empty one becomes `unnamed 3`, the second of two equal ones `temp.1`."""
    taken: set[str] = set()
    next_copy: Counter[str] = Counter()
    names = []
    for number, cell in enumerate(cells, 1):
        name = plain = cell or f"unnamed {number}"
        while name in taken:
            next_copy[plain] += 1
            name = f"{plain}.{next_copy[plain]}"
        taken.add(name)
        names.append(name)
    return tuple(names)


def _value_columns(rows: Sequence[Row], width: int) -> list[int]:
    """Return the columns in which most of what is there, in the later half of the rows, is a value."""
    body = [row for row in rows[len(rows) // 2 :] if len(row.cells) == width]
    columns = []
    for column in range(width):
        filled = [cell for row in body if not _MISSING.fullmatch(cell := row.cells[column])]
        if filled and sum(map(is_value, filled)) * 2 > len(filled):
            columns.append(column)
    return columns


def _n_values(row: Row, columns: Sequence[int]) -> int:
    return sum(column < len(row.cells) and is_value(row.cells[column]) for column in columns)


def _is_statistics_row(row: Row) -> bool:
    return any(row.cells) and all(_STATISTIC.fullmatch(cell) for cell in row.cells)


def _is_rule(row: Row) -> bool:
    """Tell whether a row is a line drawn below the names: `| --- | --- |`."""
    return any(row.cells) and all(_RULE.fullmatch(cell) for cell in row.cells)


def _are_numbered_names(row: Row) -> bool:
    """Tell whether a row names times and then sensors by number and unit: `Date/Time; 1 °C; 2 %rH`."""
    values = [cell for cell in row.cells if is_value(cell)]
    return (
        bool(values)
        and all(not cell[-1].isdigit() and _WITH_UNIT.fullmatch(cell) for cell in values)
        and any(may_name_times(cell) for cell in row.cells if cell and cell not in values)
    )


def _names_place(rows: Sequence[Row], counts: Sequence[int], width: int, first_data: int) -> int | None:
    """Return which of the rows holds the names: the last above the data that holds no value and is no unit."""
    above = [
        place
        for place in range(first_data)
        if counts[place] == 0 and any(rows[place].cells) and not _is_rule(rows[place])
    ]
    fitting = [place for place in above if len(_without_empty_end(rows[place])) <= width == len(rows[place].cells)]
    candidates = fitting or [place for place in above if len(rows[place].cells) > 1] or above
    if first_data == len(rows) and candidates:  # there is no data, or words alone
        return candidates[0]
    while len(candidates) > 1 and (
        _is_units_row(rows[candidates[-1]])
        or _is_statistics_row(rows[candidates[-1]])
        or _n_filled(rows[candidates[-1]]) * 2 < _n_filled(rows[candidates[-2]])
    ):
        candidates.pop()
    if candidates:
        return candidates[-1]
    first = next((place for place, row in enumerate(rows) if len(row.cells) == width), 0)
    return None if _is_like_the_others(first, rows, width) else first


def _is_like_the_others(place: int, rows: Sequence[Row], width: int) -> bool:
    """Tell whether a row is data: each cell is a value, marks a missing one, or stands in its column again."""
    later = [row for row in rows[place + 1 :] if len(row.cells) == width]
    cells = [(column, cell) for column, cell in enumerate(rows[place].cells) if cell]
    return all(
        is_value(cell) or _MISSING.fullmatch(cell) or any(row.cells[column] == cell for row in later)
        for column, cell in cells
        if column < width
    )


def _n_filled(row: Row) -> int:
    return sum(map(bool, row.cells))


def _without_empty_end(row: Row) -> tuple[str, ...]:
    cells = row.cells
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells
