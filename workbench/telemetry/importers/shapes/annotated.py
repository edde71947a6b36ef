"""InfluxDB's annotated CSV: tables one below the other, each with annotations, a header and a row for each point."""

import csv
import gzip
import io
from dataclasses import replace
from pathlib import Path

import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.number_marks import NumberMarks
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.shapes.key_names import role_of
from workbench.telemetry.importers.shapes.keys import Keys

__all__ = ["annotated_keys", "annotated_points", "is_annotated"]

_OWN_COLUMNS = ("result", "table", "_start", "_stop")
_POINT = {"_time", "_value", "_field"}
_SERIES, _MACHINE = "series", "machine"


def is_annotated(raw: RawTable) -> bool:
    """Return whether a table is a file of InfluxDB's, by its columns."""
    columns = set(map(str, raw.frame.columns))
    return {"result", "table"} <= columns and bool({"_time", "_value"} & columns)


def annotated_points(raw: RawTable) -> RawTable:
    """Return all tables of such a file as one, without what only the query was about.

    Parameters
    ----------
    raw : RawTable
        The file, read as if it held one table.

    Raises
    ------
    ImportDataError
        Its tables cannot be read, or it holds the error of a query.
    """
    frame = raw.frame
    has_more = raw.rows_dropped or (frame["result"].astype("str") == "result").any()
    has_more = has_more or frame.iloc[:, 0].astype("str").str.startswith("#").any()
    if has_more:
        frame = _all_tables(raw.path)
        raw = replace(raw, rows_dropped=0, last=None, marks=NumberMarks())
    unnamed = [name for name in frame.columns[:1] if name not in _OWN_COLUMNS and frame[name].isna().all()]
    left_out = [*unnamed, *(name for name in _OWN_COLUMNS if name in frame.columns)]
    note = "annotated CSV of InfluxDB, without the columns of its query"
    frame = frame.drop(columns=left_out)
    last = raw.last
    if last is not None:
        column = raw.frame.columns[last.fields - 1]
        last = replace(last, fields=list(frame.columns).index(column) + 1) if column in frame.columns else None
    return replace(raw, frame=frame, notes=(*raw.notes, note), last=last)


def annotated_keys(raw: RawTable, reading: Reading) -> tuple[RawTable, Keys] | None:
    """Name the series of each point by its field and by the tags that differ.

    Parameters
    ----------
    raw : RawTable
        From `annotated_points`.
    reading : Reading
        What was chosen.

    Returns
    -------
    tuple of RawTable and Keys, or None
        None where the table is no list of points, or where columns were chosen.
    """
    frame = raw.frame
    chosen = reading.asset_column or reading.channel_column or reading.value_column
    if chosen or not set(frame.columns) >= _POINT or {_SERIES, _MACHINE} & set(frame.columns):
        return None
    tags = [str(column) for column in frame.columns if column not in _POINT]
    differing = [tag for tag in tags if frame[tag].nunique(dropna=False) > 1]
    machines = [
        tag
        for tag in differing
        if tag != "_measurement" and role_of(tag) in ("machine", "group") and frame[tag].notna().all()
    ][:1]
    others = [tag for tag in differing if tag not in machines]
    names = [*(tag for tag in others if tag == "_measurement"), "_field", *(t for t in others if t != "_measurement")]
    series = frame[names[0]].astype("object").fillna("").map(str)
    for tag in names[1:]:
        series = series + " " + frame[tag].astype("object").fillna("").map(str)
    points = frame[["_time", "_value"]].assign(**{_SERIES: series.str.replace(r"\s+", " ", regex=True).str.strip()})
    if machines:
        points[_MACHINE] = frame[machines[0]]
    keys = Keys(("_time",), (_MACHINE,) if machines else (), (_SERIES,), "_value")
    last = raw.last
    if last is not None:
        column = frame.columns[last.fields - 1]
        fields = list(points.columns).index(column if column in points.columns else _SERIES) + 1
        last = replace(last, fields=fields)
    return replace(raw, frame=points, last=last), keys


def _all_tables(path: Path) -> pd.DataFrame:
    """Read the tables of a file and put them one below the other; a column that one lacks is missing in it."""
    tables = []
    lines: list[str] = []
    defaults: list[str] = []
    for line in [*_lines(path), ""]:
        if line.startswith("#") or not line.strip():
            if lines:
                tables.append(_table(lines, defaults))
                lines, defaults = [], []
            if line.startswith("#default"):
                defaults = next(csv.reader([line]))[1:]
        else:
            lines.append(line)
    return pd.concat(tables, ignore_index=True)


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rt", encoding="utf-8-sig") if is_packed else path.open(encoding="utf-8-sig") as text:
            return text.read().splitlines()
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise ImportDataError(
            f"{path} holds several tables of InfluxDB and cannot be read as text: {error}.", "Unpack it first."
        ) from None


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
