"""InfluxDB's annotated CSV: a row for each point, with its field and its tags."""

from dataclasses import replace

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
    """Return the table of such a file without what only the query was about.

    Parameters
    ----------
    raw : RawTable
        The file, with all of its tables.
    """
    frame = raw.frame
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
