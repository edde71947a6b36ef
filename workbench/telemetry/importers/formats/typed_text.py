"""Reads a long file of plain numbers straight into numbers and times, without the text of each cell.

Only where nothing but the numbers and the times decides how the file is read: one column of times in ISO 8601, all
others of numbers with a decimal point, no name and no option that asks for the text. Whatever else a file holds
anywhere sends it the way of `workbench.telemetry.importers.formats.delimited`; both read the same samples.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from workbench.telemetry.importers.formats.delimited import MISSING_WORDS, PARSE_BYTES, Dialect
from workbench.telemetry.importers.formats.number_marks import sure_decimal
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.roles.value_quality import quality_pairs
from workbench.telemetry.importers.shapes.key_names import role_of
from workbench.telemetry.importers.timing.time_forms import DAY_NS
from workbench.telemetry.importers.timing.time_names import may_name_times
from workbench.telemetry.importers.timing.time_zones import is_offset_column

__all__ = ["read_typed"]

_MIN_BYTES = 2**22  # of a shorter file the text is read as fast
_HEAD_BYTES = 2**18
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?P<zone>Z)?")
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")
_SURE_DECIMAL = re.compile(sure_decimal("."))
_FIRST_ROWS = 1_000  # tell most times from dates
_MAX_EXACT = 2.0**53  # larger whole numbers are rounded, which is said


def read_typed(path: Path, dialect: Dialect, reading: Reading) -> pd.DataFrame | None:
    """Read a delimited file of plain numbers.

    Parameters
    ----------
    path : Path
        File to read.
    dialect : Dialect
        Its dialect.
    reading : Reading
        What was chosen.

    Returns
    -------
    pandas.DataFrame or None
        A column of datetime64[ns], those of numbers float64; None where the text of the file has to be looked at.
    """
    if path.stat().st_size < _MIN_BYTES or reading != Reading(timezone=reading.timezone):
        return None
    is_plain = dialect.encoding in ("utf-8", "utf-8-sig") and dialect.separator != " " and not dialect.spaced_quotes
    if not is_plain or len(dialect.columns) != dialect.width:
        return None
    head = _head(path, dialect)
    if head is None or (time := _time_column(head)) is None or not _are_plain_names(head, time):
        return None
    zones = {match["zone"] for cell in head[time] if (match := _TIME.fullmatch(cell))}
    numbers = head.drop(columns=time).to_numpy().ravel()
    numbers = numbers[~np.isin(numbers, MISSING_WORDS)]
    if len(zones) != 1 or not all(map(_NUMBER.fullmatch, numbers)) or not any(map(_SURE_DECIMAL.match, numbers)):
        return None
    types = dict.fromkeys(head.columns, pa.float64()) | {time: pa.timestamp("ns", "UTC" if zones.pop() else None)}
    return _checked(_table(path, dialect, types), time)


def _head(path: Path, dialect: Dialect) -> pd.DataFrame | None:
    """Return the first rows as text; None where not all have as many fields as there are columns."""
    with path.open(encoding=dialect.encoding, newline="") as file:
        for _ in range(dialect.data_line - 1):
            file.readline()
        lines = [line for line in file.read(_HEAD_BYTES).splitlines()[:-1] if line]
    rows = [line.split(dialect.separator) for line in lines]
    if not rows or any(len(row) != dialect.width for row in rows):
        return None
    return pd.DataFrame(rows, columns=list(dialect.columns), dtype=object)


def _time_column(head: pd.DataFrame) -> str | None:
    """Return the only column of texts that are times in ISO 8601; None where there is none, or several."""
    columns = [str(column) for column in head.columns if _TIME.fullmatch(head[column].iloc[0])]
    return columns[0] if len(columns) == 1 and all(map(_TIME.fullmatch, head[columns[0]])) else None


def _are_plain_names(head: pd.DataFrame, time: str) -> bool:
    """Tell whether no name says that a column is anything but times or numbers."""
    others = [str(column) for column in head.columns if column != time]
    roles = [role_of(column) for column in head.columns]
    return not (
        {*roles} - {"", "value"}
        or roles.count("value") > 1
        or quality_pairs(others)
        or any(map(may_name_times, others))
        or any(is_offset_column(head[column]) for column in others)
    )


def _table(path: Path, dialect: Dialect, types: dict[str, pa.DataType]) -> pa.Table | None:
    """Parse the file; None where a row or a value has another form than those of the beginning."""
    try:
        return pyarrow.csv.read_csv(
            path,
            pyarrow.csv.ReadOptions(column_names=list(types), skip_rows=dialect.data_line - 1, block_size=PARSE_BYTES),
            pyarrow.csv.ParseOptions(delimiter=dialect.separator),
            pyarrow.csv.ConvertOptions(column_types=types, null_values=MISSING_WORDS, strings_can_be_null=True),
        )
    except pa.ArrowInvalid:
        return None


def _are_dates_alone(times: pd.Series) -> bool:
    return bool((times.dropna().dt.as_unit("ns").astype("int64") % DAY_NS == 0).all())


def _checked(table: pa.Table | None, time: str) -> pd.DataFrame | None:
    """Return what was parsed; None where words stand for numbers, or the times are dates alone."""
    if table is None or not len(table):
        return None
    pa.default_memory_pool().release_unused()  # the blocks of text that were read ahead
    columns = {}
    for name in table.column_names:
        column = table.column(0)
        table = table.remove_column(0)
        columns[name] = column.to_pandas()
        if name == time:
            if _are_dates_alone(columns[name][:_FIRST_ROWS]) and _are_dates_alone(columns[name]):
                return None
            continue
        values = columns[name].to_numpy()
        finite = np.isfinite(values)
        if int(finite.sum()) != len(column) - column.null_count:
            return None
        present = values if finite.all() else values[finite]
        if present.size and max(abs(present.min()), abs(present.max())) > _MAX_EXACT:
            return None
    pa.default_memory_pool().release_unused()
    return pd.DataFrame(columns, copy=False)
