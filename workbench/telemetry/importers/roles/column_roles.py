"""Which columns of a table become channels, by what a user chose."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.names import name_and_units
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.table_times import TimedTable

__all__ = ["check_roles", "is_named", "similar_names", "with_exact_names"]


def is_named(column: str, names: Sequence[str]) -> bool:
    """Return whether names hold a column, with or without its unit.

    Examples
    --------
    >>> is_named("load [A]", ["load"]), is_named("load [A]", ["load [A]"]), is_named("load [A]", ["A"])
    (True, True, False)
    """
    return column in names or name_and_units(column)[0] in names


def with_exact_names(reading: Reading, columns: Sequence[str]) -> Reading:
    """Return what was chosen with the names of the columns as the file has them, where they were named without unit.

    Parameters
    ----------
    reading : Reading
        What was chosen.
    columns : sequence of str
        Columns of the file.
    """

    def exact(name: str) -> str:
        same = [column for column in columns if name_and_units(column)[0] == name]
        return same[0] if name not in columns and len(same) == 1 else name

    singles = ("label_column", "quality_column", "asset_column", "channel_column", "value_column")
    lists = ("inputs", "time_column")
    changes: dict[str, Any] = {name: exact(value) for name in singles if (value := getattr(reading, name)) is not None}
    changes |= {name: tuple(map(exact, getattr(reading, name))) for name in lists}
    return replace(reading, **changes)


def check_roles(tables: Sequence[TimedTable], reading: Reading) -> None:
    """Raise an error where a column that was named is in none of the series of a file, or cannot be what it should be.

    Parameters
    ----------
    tables : sequence of TimedTable
        The series of the file.
    reading : Reading
        What was chosen.

    Raises
    ------
    ImportDataError
        It names the option, and the nearest column that is there.
    """
    columns = list(dict.fromkeys(str(column) for table in tables for column in table.frame.columns))
    times = {column for table in tables for column in table.time_columns}
    left_out = {row.channel: row.note for table in tables for row in table.raw.left_out}
    label = [reading.label_column] if reading.label_column else []
    for option, names in (("--inputs", reading.inputs), ("--label-column", label), ("--columns", reading.columns)):
        for name in names:
            if name in times:
                raise ImportDataError(
                    f"Column {name!r} holds the times.",
                    f"It cannot be a channel, an input or a label too: leave it out of {option}, or name another "
                    "column of times with --time-column.",
                )
            if name in left_out and not any(is_named(column, [name]) for column in columns):
                raise ImportDataError(f"Column {name!r} {left_out[name]}.", f"Leave it out of {option}.")
            _check_name(name, columns, option)
    for name in reading.exclude:
        if name in times and name in reading.time_column:
            raise ImportDataError(
                f"Column {name!r} is both the column of times and left out.",
                "Name it with --time-column or with --exclude.",
            )
        _check_name(name, [*columns, *times, *left_out], "--exclude")
    roles = [*reading.inputs, *label]
    twice = next((name for name in roles if roles.count(name) > 1), None)
    if twice is not None:
        raise ImportDataError(
            f"Column {twice!r} was named twice.",
            "It can be one input, or the label: leave it out of --inputs or --label-column.",
        )
    for table in tables:
        _check_inputs(table, reading)


def _check_name(name: str, columns: Sequence[str], option: str) -> None:
    if any(is_named(column, [name]) for column in columns):
        return
    near = difflib.get_close_matches(name.lower(), [column.lower() for column in columns], n=1)
    nearest = next((f" The nearest is {column!r}." for column in columns if near and column.lower() == near[0]), "")
    raise ImportDataError(
        f"There is no column {name!r}.{nearest}",
        f"Columns: {', '.join(columns)[:500]}. Name one of them with {option}.",
    )


def _check_inputs(table: TimedTable, reading: Reading) -> None:
    """Raise an error where a series of several has a clock that an input has not."""
    for name in (*reading.inputs, *([reading.label_column] if reading.label_column else [])):
        if name not in table.frame.columns:
            whose = table.raw.part or table.raw.asset or "the table"
            raise ImportDataError(
                f"Column {name!r} has other times than {whose}, so that it cannot go along with it.",
                "Leave it out of --inputs or --label-column, or import columns with the same times only: --columns.",
            )


def similar_names(columns: Iterable[str]) -> tuple[str, ...]:
    """Return a note on each column whose name differs from an earlier one only in letter case, spaces or a number.

    Parameters
    ----------
    columns : iterable of str
        Names in the order of the file.

    Examples
    --------
    >>> similar_names(["Temp", "temp", "load", "load.1"])
    ("'temp' differs from 'Temp' in letter case or spaces only", "'load.1' is another column named 'load'")
    """
    notes = []
    earlier: dict[str, str] = {}
    for column in columns:
        plain = " ".join(column.split()).casefold()
        stem, _, number = column.rpartition(".")
        if plain in earlier:
            notes.append(f"{column!r} differs from {earlier[plain]!r} in letter case or spaces only")
        elif number.isdecimal() and stem in earlier.values():
            notes.append(f"{column!r} is another column named {stem!r}")
        earlier.setdefault(plain, column)
    return tuple(notes)
