"""InfluxDB's annotated CSV: tables one below the other, each with annotations, a header and a row for each point."""

import csv
import io
from pathlib import Path

import pandas as pd

from workbench.exceptions import ImportDataError

__all__ = ["annotated_tables"]

_ANNOTATIONS = (b"#group", b"#datatype", b"#default")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def annotated_tables(path: Path) -> pd.DataFrame | None:
    """Read a file of several annotated tables as one; a column that a table lacks is missing in it.

    Parameters
    ----------
    path : Path
        The file, not compressed.

    Returns
    -------
    pandas.DataFrame or None
        Texts as they are written; None where the file has no annotations, or one table only.

    Raises
    ------
    ImportDataError
        A table cannot be read, or holds the error of a query.
    """
    with path.open("rb") as file:
        if not file.readline().removeprefix(_BYTE_ORDER_MARK).startswith(_ANNOTATIONS):
            return None
    try:
        texts = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return None
    tables = []
    lines: list[str] = []
    defaults: list[str] = []
    for line in [*texts, ""]:
        if line.startswith("#") or not line.strip():
            if lines:
                tables.append(_table(lines, defaults))
                lines, defaults = [], []
            if line.startswith("#default"):
                defaults = next(csv.reader([line]))[1:]
        else:
            lines.append(line)
    return pd.concat(tables, ignore_index=True) if len(tables) > 1 else None


def _table(lines: list[str], defaults: list[str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(io.StringIO("\n".join(lines)), dtype="str", index_col=False)
    except (pd.errors.ParserError, ValueError) as error:
        raise ImportDataError(f"A table of InfluxDB cannot be read: {error}.", "Export it again.") from None
    if "error" in frame.columns and "result" not in frame.columns:
        raise ImportDataError(f"The file holds the error of a query: {frame['error'].iloc[0]}.", "Export it again.")
    for column, default in zip(frame.columns[1:], defaults, strict=False):
        if default:
            frame[column] = frame[column].fillna(default)
    return frame.rename(columns={frame.columns[0]: ""})
