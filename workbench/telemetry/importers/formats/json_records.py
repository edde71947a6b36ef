"""Reads JSON records: one object a line, or a list of objects."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.json_points import telemetry_points
from workbench.telemetry.importers.formats.limits import check_bytes, check_columns

__all__ = ["read_json", "typed_column"]

_SIZE_IN_MEMORY = 8  # bytes of Python objects for one of text
_WRAPPED = ("data", "records", "rows", "results", "values", "items")


def read_json(path: Path, plain: Path) -> pd.DataFrame:
    """Read a file of JSON records; fields of an object within a record are called after both, as `motor.temp`.

    Parameters
    ----------
    path : Path
        File that is imported.
    plain : Path
        Its content, unpacked.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ImportDataError
        It cannot be read, holds no records, or is too large.
    """
    check_bytes(path, plain.stat().st_size * _SIZE_IN_MEMORY)
    try:
        text = plain.read_text(encoding="utf-8-sig")
        columns = _columns(path, _records(path, text))
        return pd.DataFrame({_seen(name): typed_column(values) for name, values in columns.items()}, copy=False)
    except (ValueError, OverflowError, RecursionError, OSError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ImportDataError(
            f"{path} cannot be read as JSON: {reason}.", "Needed: one object a line, or a list of objects."
        ) from None


def typed_column(values: list[Any]) -> pd.Series:
    """Return values of Python as a column: numbers, times or truth where all that are there are, else text.

    Examples
    --------
    >>> typed_column([1, None, 2.5]).tolist(), typed_column([1, "a"]).tolist()
    ([1.0, nan, 2.5], ['1', 'a'])
    """
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values if value is not None):
        return pd.Series(values, dtype="int64" if None not in values else "Int64")
    if kinds <= {int, float} and kinds:
        return pd.Series([None if value is None else float(value) for value in values], dtype="float64")
    if kinds == {bool}:
        return pd.Series(values, dtype="bool" if None not in values else "boolean")
    if kinds == {datetime}:
        return pd.Series(pd.to_datetime(values, errors="coerce"))
    return pd.Series([None if value is None else _as_text(value) for value in values], dtype="str")


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, float) and re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", str(value)):
        return f"{value}0"  # the point of a number is no mark of groups, whatever the texts beside it write
    return json.dumps(value) if isinstance(value, list | dict) else _seen(str(value))


def _seen(text: str) -> str:
    """Return a text without halves of characters, which JSON can hold and nothing else."""
    return text.encode("utf-8", "replace").decode()


def _records(path: Path, text: str) -> Iterator[dict[str, Any]]:
    start = text.lstrip()[:1]
    whole: Any = None
    if start == "{" and "\n" in text.strip():
        first = text.lstrip().partition("\n")[0]
        try:
            _loaded(first)
        except ValueError:
            whole = _loaded(text)
    elif start:
        whole = _loaded(text)
    if whole is None:
        for line in text.splitlines():
            if line.strip():
                yield _record(path, _loaded(line))
        return
    points = telemetry_points(whole)
    if points is not None:
        whole = points
    if isinstance(whole, dict):
        lists = [key for key, value in whole.items() if key in _WRAPPED and isinstance(value, list)]
        if len(lists) == 1:
            whole = whole[lists[0]]
        elif whole and all(isinstance(value, list) for value in whole.values()):
            if len({len(value) for value in whole.values()}) == 1:
                whole = [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]
        else:
            whole = [whole]
    for record in whole if isinstance(whole, list) else [whole]:
        yield _record(path, record)


def _loaded(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_without_repeats)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of an object.

    Of a field that is there twice, one would win over the other and nobody would know: such a file is refused.
    """
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ImportDataError(f"A record has the field {twice!r} twice.", "Give each field a name of its own.")
    return fields


def _record(path: Path, record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise ImportDataError(
            f"{path} holds {json.dumps(record)[:40]} where a record is needed.",
            'Needed: objects with the names of the columns, as {"time": "2024-03-01 10:00", "temp": 20.5}',
        )
    return record


def _columns(path: Path, records: Iterator[dict[str, Any]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    number = 0
    for number, record in enumerate(records, 1):
        for name, value in _flat(record):
            column = columns.setdefault(name, [])
            column.extend([None] * (number - 1 - len(column)))
            if len(column) < number:
                column.append(value)
        if len(columns) > number:
            check_columns(path, len(columns))
    for column in columns.values():
        column.extend([None] * (number - len(column)))
    return columns


def _flat(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
