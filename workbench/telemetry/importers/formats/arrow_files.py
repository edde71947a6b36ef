"""Reads Parquet, Feather and Arrow files; what a small file would unpack to is checked before it is read."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.limits import check_bytes, check_columns, check_ratio

__all__ = ["read_feather", "read_parquet"]

_VALUE_BYTES = 8
_INTEGERS = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}
_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, OverflowError)


def read_parquet(path: Path, plain: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a Parquet file.

    Parameters
    ----------
    path : Path
        File that is imported.
    plain : Path
        Its content, unpacked.

    Returns
    -------
    pandas.DataFrame
    list of str
        What was left out.

    Raises
    ------
    ImportDataError
        It cannot be read, or is too large.
    """
    try:
        with pyarrow.parquet.ParquetFile(plain) as file:
            about, schema = file.metadata, file.schema_arrow
            check_columns(path, about.num_columns)
            groups = (about.row_group(number) for number in range(about.num_row_groups))
            check_bytes(path, max(sum(group.total_byte_size for group in groups), about.num_rows * _VALUE_BYTES))
            flat = _flat_columns(schema)
            check_bytes(path, about.num_rows * len(flat) * _VALUE_BYTES)
            check_ratio(path, about.num_rows * len(flat) * _VALUE_BYTES, plain.stat().st_size)
            words = [name for name in flat if _is_text(schema.field(name).type)]
        with pyarrow.parquet.ParquetFile(plain, read_dictionary=words) as file:
            table = file.read(columns=flat)
        return _frame(path, table), _left_out(schema, flat)
    except _ERRORS as error:
        raise _unreadable(path, "Parquet", error) from None


def read_feather(path: Path, plain: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a Feather or Arrow file, of files or of streams; see `read_parquet`."""
    try:
        schema = _open_arrow(plain).schema
        check_columns(path, len(schema))
        flat = _flat_columns(schema)
        columns, n_bytes = [], 0
        for name in flat:  # one after the other: nothing says beforehand what they unpack to
            column = _open_arrow(plain, [schema.get_field_index(name)]).read_all().column(0)
            column.validate(full=True)  # offsets of a damaged file would be followed anywhere
            n_bytes += column.nbytes
            check_bytes(path, n_bytes)
            check_ratio(path, n_bytes, plain.stat().st_size)
            columns.append(column)
        return _frame(path, pa.table(columns, names=flat)), _left_out(schema, flat)
    except _ERRORS as error:
        raise _unreadable(path, "Arrow or Feather", error) from None


def _open_arrow(path: Path, fields: Sequence[int] = ()) -> pa.RecordBatchReader:
    options = pa.ipc.IpcReadOptions(included_fields=list(fields))
    with path.open("rb") as file:
        is_file = file.read(6) == b"ARROW1"
    content = pa.memory_map(str(path))
    return pa.ipc.open_file(content, options=options) if is_file else pa.ipc.open_stream(content, options=options)


def _unreadable(path: Path, form: str, error: Exception) -> ImportDataError:
    if isinstance(error, ImportDataError):
        return error
    reason = str(error).partition("\n")[0][:200]
    return ImportDataError(f"{path} cannot be read as {form}: {reason}", "It may be truncated.")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _flat_columns(schema: pa.Schema) -> list[str]:
    """Return the columns that hold one value a row."""
    return [
        field.name
        for field in schema
        if not pa.types.is_nested(field.type)
        and not pa.types.is_binary(field.type)
        and not pa.types.is_large_binary(field.type)
    ]


def _left_out(schema: pa.Schema, flat: Sequence[str]) -> list[str]:
    others = [name for name in schema.names if name not in flat]
    return [f"left out, as not one value a row: {', '.join(others)[:200]}"] if others else []


def _frame(path: Path, table: pa.Table) -> pd.DataFrame:
    if len(set(table.column_names)) < len(table.column_names):
        raise ImportDataError(f"{path} has two columns of one name.", "Give each its own.")
    n_bytes = 0
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_dictionary(field.type):
            for chunk in column.chunks:
                if _is_text(field.type.value_type):
                    lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
                    n_bytes += pc.sum(lengths).as_py() or 0
            check_bytes(path, n_bytes)
            kind = pa.large_string() if _is_text(field.type.value_type) else field.type.value_type
            table = table.set_column(place, field.name, column.cast(kind))
        elif pa.types.is_decimal(field.type):
            is_beyond = field.type.scale == 0 and _is_beyond_float(column)
            table = table.set_column(place, field.name, column.cast(pa.large_string() if is_beyond else pa.float64()))
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, timestamp_as_object=False)
    for name in table.column_names:  # pandas would make floats of integers of which some are missing
        column = table[name]
        if column.null_count and pa.types.is_integer(column.type) and _is_beyond_float(column):
            frame[name] = column.to_pandas(types_mapper=_INTEGERS.get)
    return frame


def _is_beyond_float(column: pa.ChunkedArray) -> bool:
    """Tell whether integers are so large that a float of 64 bits does not hold each of them."""
    extremes = pc.min_max(column).as_py()
    return any(value is not None and abs(value) > 2**53 for value in extremes.values())
