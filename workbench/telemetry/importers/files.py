"""Reads a file of any format into a raw table."""

from pathlib import Path

from workbench.exceptions import ImportDataError, UnfinishedImportError
from workbench.telemetry.importers.delimited import read_delimited, sniff
from workbench.telemetry.importers.last_line import open_last_line
from workbench.telemetry.importers.number_marks import NumberMarks
from workbench.telemetry.importers.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading

__all__ = ["read_raw"]


def read_raw(path: Path, layout: str, reading: Reading) -> RawTable:
    """Read a file into a raw table.

    Parameters
    ----------
    path : Path
        File to read.
    layout : {"csv", "parquet"}
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
    table = _read_text(path) if layout == "csv" else _read_parquet(path)
    if table.frame.empty:
        raise ImportDataError(f"{path} has no rows.", "Needed: one row a sample.")
    return table


def _read_text(path: Path) -> RawTable:
    dialect = sniff(path)
    frame, dropped = read_delimited(path, dialect)
    last = open_last_line(path, dialect)
    if last is not None and not last.is_whole and len(frame) == 1:
        raise UnfinishedImportError(
            f"{path} has no whole row: its only one has no line end.", "Import it when it is complete."
        )
    return RawTable(path, frame, NumberMarks(dialect.decimal, dialect.thousands), dropped, last=last)


def _read_parquet(path: Path) -> RawTable:
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
    return RawTable(path, frame, NumberMarks())
