"""Reads label files of every form: tables of times, logs of failures, and those of NAB and Telemanom.

Every form becomes a table of text with a header, in which columns are known by their names.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError, LabelError
from workbench.telemetry.importers.labels.column import ANOMALY
from workbench.telemetry.importers.labels.spans import LabelScope, LabelSpans
from workbench.telemetry.importers.times import DateOrder, ParsedTimes, parse_times
from workbench.telemetry.labels import NORMAL_WORDS, parse_labelled_series, sequence_kinds

__all__ = ["read_label_spans"]

_MAX_BYTES = 64 * 2**20
_MAX_ROWS = 1_000_000
_MAX_MESSAGE_CHARS = 80
_SEPARATORS = (";", "\t", "|")  # the comma where none of these is in every line
_FORMS = (
    "Understood: rows of start,end or channel,start,end or asset,start,end, as pump,2024-03-01 10:00,2024-03-01 12:00; "
    "a log of failures, as machineID,failure time,repair time; NAB's JSON, as "
    '{"pump.csv": [["2024-03-01 10:00", "2024-03-01 12:00"]]}; Telemanom\'s labeled_anomalies.csv; JSON lines of these.'
)
_TIME = r"(?:time(?:stamp)?|date(?:time)?|at|on|utc|local)?"
_ROLES = {
    "asset": r"(?:asset|machine|equipment|unit|device|turbine|pump|vehicle|engine|maschine|anlage)"
    r"(?:id|name|number|no|nr|tag)?",
    "channel": r"(?:channel|chan|sensor|tag|signal|series|variable|metric|kanal)(?:id|name)?",
    "name": r"(?:file|dataset)(?:name)?|path",
    "start": rf"(?:anomaly|window|event|label|failure|fault|outage|downtime)?(?:start|begin|from|von|beginn)"
    rf"(?:s|ed|ing)?{_TIME}|time(?:start|from)",
    "end": rf"(?:anomaly|window|event|label|failure|fault|outage|downtime)?(?:end|stop|until|to|finish|bis|ende)"
    rf"(?:s|ed|ing)?{_TIME}|time(?:end|to)",
    "repair": rf"(?:time|date)?(?:of)?(?:repair|restoration)"
    rf"|(?:repair|restor|return|return(?:ed)?toservice|complet|clos|resolv)(?:ed|e)?{_TIME}",
    "failure": rf"(?:time|date)?(?:of)?(?:failure|fault|breakdown)|(?:failure|fault|breakdown|failed|occurred|reported)"
    rf"{_TIME}|time(?:stamp)?|date(?:time)?|zeit",
    "kind": r"kind|class|type|label|cause|category|description|component|comp|anomaly|event"
    r"|(?:failure|fault|anomaly|event|error)(?:mode|type|code|kind|class|id)?",
}
_OTHER_COLUMNS = re.compile(
    r"|id|no|nr|row|index|comments?|notes?|remarks?|severity|priority|duration\w*|score|user|author|source"
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?")
_TELEMANOM = ("chan_id", "anomaly_sequences")
_TABLE_ENDING = re.compile(r"\.(?:csv|tsv|txt|dat|parquet|json|xlsx?)(?:\.gz|\.zip|\.zst)?", re.IGNORECASE)


@dataclass(frozen=True)
class _Rows:
    """Rows of text, and the number of the line, or of the entry of JSON, that each comes from."""

    cells: list[list[str]]
    lines: list[int]
    unit: str = "line"

    def column(self, place: int) -> list[str]:
        """Return the texts of a column."""
        return [row[place] for row in self.cells]


def read_label_spans(path: Path, timezone: str | None = None, date_order: DateOrder | None = None) -> LabelSpans:
    """Read a label file in any of the usual forms, which is recognised by its content.

    Parameters
    ----------
    path : Path
        File to read: CSV, JSON or JSON lines.
    timezone : str, optional
        Zone of times that carry none; UTC where omitted.
    date_order : {"day", "month"}, optional
        Order of dates such as 03/04/2024; the whole file decides where omitted.

    Returns
    -------
    LabelSpans

    Raises
    ------
    LabelError
        It cannot be read, holds something else than labels, or a label ends before it starts.
    """
    text = _text(path)
    header, rows = _from_json(path, text) if text.lstrip()[0] in "[{" else _from_csv(path, text)
    names = [name.strip().lower() for name in header or []]
    if all(name in names for name in _TELEMANOM):
        has_times = rows.cells and any('"' in row[names.index(_TELEMANOM[1])] for row in rows.cells)
        if not has_times:
            series = parse_labelled_series(_csv_bytes(names, rows.cells), str(path))
            return LabelSpans(path, numbers={name: one.labels for name, one in series.items()})
        header, rows = _from_telemanom(path, names, rows)
    roles = _roles(path, header, rows) if header else _roles_by_values(rows)
    if "start" not in roles:
        raise _not_times(path, rows, 0, [] if header is None else header)
    return _scopes(path, rows, roles, timezone, date_order)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LabelError(f"The labels {path} cannot be read: {reason}.", _FORMS) from None
    if len(content) > _MAX_BYTES:
        raise LabelError(f"The labels {path} are larger than {_MAX_BYTES // 2**20} MiB.", "Name a file of labels.")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise LabelError(f"The labels {path} are not text.", _FORMS)
    if not text.strip():
        raise LabelError(f"The labels {path} cannot be read: the file is empty.", _FORMS)
    return text


# ---- forms of files


def _from_csv(path: Path, text: str) -> tuple[list[str] | None, _Rows]:
    lines = [line for line in text.splitlines() if line.strip()]
    separator = next((mark for mark in _SEPARATORS if all(mark in line for line in lines)), ",")
    cells, numbers = [], []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#"):
                cells.append([cell.strip() for cell in row])
                numbers.append(reader.line_num)
    except csv.Error as error:
        raise LabelError(f"The labels {path} are not CSV: {error} at line {reader.line_num}.", _FORMS) from None
    if len(cells) > _MAX_ROWS:
        raise LabelError(f"The labels {path} have more than {_MAX_ROWS:,} rows.", "Name a file of labels.")
    if not cells:
        raise LabelError(f"The labels {path} cannot be read: the file holds no row.", _FORMS)
    width = max(map(len, cells))
    short = next((place for place, row in enumerate(cells) if len(row) < width), None)
    if short is not None and len(cells[short]) < len(cells[0]):
        raise LabelError(
            f"The labels {path}: line {numbers[short]} has {len(cells[short])} fields, not {len(cells[0])}.", _FORMS
        )
    if len(cells[0]) < width:
        long = next(place for place, row in enumerate(cells) if len(row) > len(cells[0]))
        raise LabelError(
            f"The labels {path}: line {numbers[long]} has {len(cells[long])} fields, not {len(cells[0])}.", _FORMS
        )
    if _times(cells[0]).readable.any():
        return None, _Rows(cells, numbers)
    return cells[0], _Rows(cells[1:], numbers[1:])


def _from_json(path: Path, text: str) -> tuple[list[str], _Rows]:
    try:
        content = json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise LabelError(f"The labels {path} are not JSON of labels: it is nested too deeply.", _FORMS) from None
    except ValueError:
        content = _json_lines(path, text)
    objects = content if isinstance(content, list) else [content]
    if not objects or not all(isinstance(one, dict) for one in objects):
        raise LabelError(f"The labels {path} hold no JSON objects.", _FORMS)
    if all(isinstance(value, list) for one in objects for value in one.values()):
        return _from_windows(path, objects)
    columns = list(dict.fromkeys(name for one in objects for name in one))
    cells = [[_cell(one.get(name)) for name in columns] for one in objects]
    return columns, _Rows(cells, list(range(1, len(cells) + 1)), "entry")


def _json_lines(path: Path, text: str) -> list[Any]:
    objects = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            objects.append(json.loads(line, object_pairs_hook=_object))
        except (ValueError, RecursionError) as error:
            reason = str(error).partition(":")[0] or "it is nested too deeply"
            raise LabelError(f"The labels {path} are not JSON at line {number}: {reason}.", _FORMS) from None
    return objects


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dict; lists of one name are joined, so that none is lost."""
    joined: dict[str, Any] = {}
    for name, value in pairs:
        both_are_lists = isinstance(value, list) and isinstance(joined.get(name), list)
        joined[name] = joined[name] + value if both_are_lists else value
    return joined


def _from_windows(path: Path, objects: Iterable[dict[str, Any]]) -> tuple[list[str], _Rows]:
    """Make rows of NAB's windows (lists of start and end) or labels (lists of times)."""
    cells = []
    for one in objects:
        for name, windows in one.items():
            own = [window if isinstance(window, list) else [window, window] for window in windows]
            if any(len(window) != 2 or isinstance(window[0], list | dict) for window in own):
                raise LabelError(
                    f"The labels {path}: {name[:_MAX_MESSAGE_CHARS]} is not a list of start and end.", _FORMS
                )
            cells += [[name, _cell(start), _cell(end)] for start, end in own] or [[name, "", ""]]
    return ["file", "start", "end"], _Rows(cells, list(range(1, len(cells) + 1)), "entry")


def _from_telemanom(path: Path, names: list[str], rows: _Rows) -> tuple[list[str], _Rows]:
    """Make rows of Telemanom's lists of sequences, where they are times."""
    cells, lines = [], []
    for row, line in zip(rows.cells, rows.lines, strict=True):
        text = row[names.index(_TELEMANOM[1])]
        try:
            pairs = json.loads(text)
        except (ValueError, RecursionError):
            pairs = None
        if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise LabelError(
                f"The labels {path}: {rows.unit} {line} has no list of [start, end] but {text[:_MAX_MESSAGE_CHARS]!r}.",
                _FORMS,
            )
        kinds = sequence_kinds(row[names.index("class")] if "class" in names else None, len(pairs))
        channel = row[names.index(_TELEMANOM[0])]
        cells += [
            [channel, _cell(start), _cell(end), kind] for (start, end), kind in zip(pairs, kinds, strict=True)
        ] or [[channel, "", "", ""]]
        lines += [line] * max(1, len(pairs))
    return ["channel", "start", "end", "kind"], _Rows(cells, lines, rows.unit)


def _csv_bytes(names: Sequence[str], cells: Iterable[Sequence[str]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerows([names, *cells])
    return stream.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


# ---- roles of columns


def _roles(path: Path, header: Sequence[str], rows: _Rows) -> dict[str, int]:
    """Return the column of each role by its name; a column that holds no times is no time whatever its name."""
    names = [re.sub(r"[^a-zäöüß]", "", re.sub(r"[\[(].*?[\])]", "", name.lower())) for name in header]
    fitting = {
        role: [place for place, name in enumerate(names) if re.fullmatch(pattern, name)]
        for role, pattern in _ROLES.items()
    }
    roles = {role: fitting[role][0] for role in ("asset", "channel", "name") if fitting[role]}
    for role, others in (("start", ("start", "failure")), ("end", ("end",)), ("repair", ("repair",))):
        places = [place for other in others for place in fitting[other] if place not in roles.values()]
        place = next(
            (place for place in places if not any(rows.column(place)) or _holds_times(rows.column(place))), None
        )
        if place is not None:
            roles[role] = place
    if "start" not in roles:
        return _roles_by_values(rows)
    kind = next((place for place in fitting["kind"] if place not in roles.values()), None)
    if kind is not None:
        roles["kind"] = kind
    if not any(role in roles for role in ("asset", "channel", "name")):
        clocks = {place + 1 for place in roles.values()}
        unknown = [
            place
            for place, name in enumerate(names)
            if place not in roles.values()
            and not _OTHER_COLUMNS.fullmatch(name)
            and not (place in clocks and rows.cells and _holds_clocks(rows.column(place)))
        ]
        if len(unknown) > 1:
            raise LabelError(
                f"The labels {path} have columns whose meaning is not clear: "
                f"{', '.join(header[place] for place in unknown)[: 2 * _MAX_MESSAGE_CHARS]}.",
                "Call the one that says what was anomalous channel or asset, and the kind of anomaly kind.",
            )
        if unknown:
            roles["name"] = unknown[0]
    return roles


def _roles_by_values(rows: _Rows) -> dict[str, int]:
    """Return the columns of a table without names: two of times side by side, a name before them, a kind behind."""
    width = len(rows.cells[0]) if rows.cells else 0
    times = [place for place in range(width) if _holds_times(rows.column(place))]
    if len(times) != 2 or times[1] != times[0] + 1 or times[0] > 2 or width - times[1] > 2:
        return {}
    roles = {"start": times[0], "end": times[1]}
    roles |= [{}, {"name": 0}, {"asset": 0, "channel": 1}][times[0]]
    return roles | ({"kind": width - 1} if times[1] < width - 1 else {})


def _times(texts: Sequence[str]) -> ParsedTimes:
    parsed = parse_times(pd.Series(list(texts), dtype="object"))
    return parsed if parsed.absolute else ParsedTimes(np.full(len(texts), np.datetime64("NaT", "ns")), True)


def _holds_times(texts: Sequence[str]) -> bool:
    filled = [text for text in texts if text]
    return bool(filled) and 2 * int(_times(filled).readable.sum()) >= len(filled)


def _holds_clocks(texts: Sequence[str]) -> bool:
    filled = [text for text in texts if text]
    return bool(filled) and all(_CLOCK.fullmatch(text) for text in filled)


# ---- times and names


def _scopes(
    path: Path, rows: _Rows, roles: dict[str, int], timezone: str | None, date_order: DateOrder | None
) -> LabelSpans:
    columns = {role: _text_column(rows, place, role) for role, place in roles.items()}
    starts = columns["start"]
    ends = columns.get("end", starts)
    if "repair" in columns and "end" not in columns:
        ends = np.where(columns["repair"] == "", starts, columns["repair"])
    kinds = np.asarray([str(kind).lower() for kind in columns.get("kind", np.full(len(starts), ""))], dtype=object)
    holds = (starts != "") | (ends != "")  # a name without times has no labels
    holds &= ~np.isin(kinds.astype("str"), sorted(NORMAL_WORDS))
    lines = np.asarray(rows.lines, dtype=np.int64)
    times = _read_times(path, rows, np.stack([starts[holds], ends[holds]]), holds, lines, timezone, date_order)
    empty = np.full(len(starts), "", dtype=object)
    names = [_name(value) for value in columns.get("name", empty)]
    keys = list(zip(columns.get("asset", empty), columns.get("channel", empty), names, strict=True))
    is_named = any(role in roles for role in ("asset", "channel", "name"))
    if is_named and any(not any(key) for key, has_label in zip(keys, holds, strict=True) if has_label):
        raise LabelError(
            f"The labels {path}: a row names neither a channel nor an asset, and others do.", "Name it in every row."
        )
    own = np.flatnonzero(holds)
    groups: dict[tuple[str, str, str], list[int]] = {} if is_named else {("", "", ""): []}
    for key in keys:
        groups.setdefault(key, [])
    for place, row in enumerate(own):
        groups[keys[row]].append(place)
    named_kinds = np.where(kinds[holds] == "", ANOMALY, kinds[holds])
    scopes = [
        LabelScope(*key, times[0][places], times[1][places], named_kinds[places])
        for key, places in groups.items()
        if any(key) or not is_named
    ]
    return LabelSpans(path, tuple(scopes))


def _text_column(rows: _Rows, place: int, role: str) -> npt.NDArray[np.object_]:
    """Return the texts of a column; dates together with the times of day in the column behind them."""
    texts = rows.column(place)
    if role in ("start", "end", "repair") and rows.cells and place + 1 < len(rows.cells[0]):
        clocks = rows.column(place + 1)
        if not any(":" in text for text in texts) and _holds_clocks(clocks):
            texts = [f"{text} {clock}".strip() for text, clock in zip(texts, clocks, strict=True)]
    return np.asarray(texts, dtype=object)


def _name(text: str) -> str:
    """Return the name of a file without folder and ending, and any other name as it is."""
    name = PurePosixPath(text.replace("\\", "/")).name
    return _TABLE_ENDING.sub("", name) if _TABLE_ENDING.search(name) else text.strip()


def _read_times(
    path: Path,
    rows: _Rows,
    texts: npt.NDArray[np.object_],
    holds: npt.NDArray[np.bool_],
    lines: npt.NDArray[np.int64],
    timezone: str | None,
    date_order: DateOrder | None,
) -> npt.NDArray[np.datetime64]:
    """Read the texts of starts and ends; both together decide on their form."""
    n = texts.shape[1]
    try:
        parsed = parse_times(pd.Series(texts.reshape(-1), dtype="object"), timezone, date_order)
    except ImportDataError as error:
        raise LabelError(f"{path}: {error.message}", error.hint) from None
    if not n:
        return np.zeros((2, 0), dtype="datetime64[ns]")
    own = np.flatnonzero(holds)
    readable = parsed.readable.reshape(2, n).all(axis=0)
    if not parsed.absolute or not readable.all():
        raise _not_times(path, rows, int(own[np.argmin(readable) if parsed.absolute else 0]), [])
    times = parsed.stamps.reshape(2, n)
    fits = bool(np.all(times[0] <= times[1]))
    others = {order: stamps.reshape(2, n) for order, stamps in parsed.others.items()}
    fitting = [order for order, stamps in others.items() if np.all(stamps[0] <= stamps[1])]
    ways = [*([parsed.date_order] if fits and parsed.date_order else []), *fitting]
    if len(ways) > 1:
        raise LabelError(
            f"The dates of the labels {path} can be read {' and '.join(f'{way} first' for way in ways)}.",
            f"Pass {' or '.join(f'--date-order {way}' for way in ways)}.",
        )
    if fitting:
        return np.asarray(others[fitting[0]], dtype="datetime64[ns]")
    if not fits:
        line = lines[own[int(np.argmax(times[0] > times[1]))]]
        raise LabelError(
            f"The labels {path}: {rows.unit} {line} ends before it starts.", "Write start and end of each label."
        )
    return np.asarray(times, dtype="datetime64[ns]")


def _not_times(path: Path, rows: _Rows, place: int, header: Sequence[str]) -> LabelError:
    cells, line = (rows.cells[place], rows.lines[place]) if rows.cells else (header, 1)
    text = ", ".join(cells)[:_MAX_MESSAGE_CHARS]
    where = f" (columns: {', '.join(header)[: 2 * _MAX_MESSAGE_CHARS]})" if header and rows.cells else ""
    return LabelError(f"The labels {path}: {rows.unit} {line} is not two times: {text}{where}.", _FORMS)
