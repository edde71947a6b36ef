"""The rows of the archive's index: their tables, their checksums, and how a publication becomes rows."""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from workbench.telemetry.archiving.publication import Publication
from workbench.telemetry.attribute_names import LABEL_MOMENTS, REMOVED, REMOVED_ROWS
from workbench.telemetry.series_hash import Link

__all__ = [
    "CHANNEL_COLUMNS",
    "ROWS_VERSION",
    "SCHEMA",
    "Cursor",
    "apply_publication",
    "check_row",
    "count_labels",
    "link_checksum",
]

_MOST_NAMES = 500  # in one query

ROWS_VERSION = "2"
"""What the checksums of rows cover; an index that notes another number is made anew."""

CHANNEL_COLUMNS = (
    "name, asset, subsystem, n_train, n_test, train_hash, test_hash, clock, first, last, last_value, received, "
    "revision, attributes, crc"
)
"""All that the checksum of a channel covers, and the checksum."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revision (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, folder TEXT NOT NULL, superseded REAL
);
CREATE TABLE IF NOT EXISTS channel (
    name TEXT PRIMARY KEY, asset TEXT NOT NULL, subsystem TEXT NOT NULL, n_train INTEGER NOT NULL,
    n_test INTEGER NOT NULL, train_hash TEXT NOT NULL, test_hash TEXT NOT NULL, clock TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, last_value REAL, received REAL NOT NULL,
    revision INTEGER NOT NULL, attributes TEXT NOT NULL, crc INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS channel_asset ON channel (asset);
CREATE INDEX IF NOT EXISTS channel_revision ON channel (revision);
CREATE TABLE IF NOT EXISTS score (
    channel TEXT NOT NULL, key TEXT NOT NULL, preset TEXT, model TEXT, anomalies INTEGER NOT NULL,
    worst REAL, flagged INTEGER NOT NULL, revision INTEGER NOT NULL, attributes TEXT NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (channel, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS score_worst ON score (preset, worst);
CREATE INDEX IF NOT EXISTS score_revision ON score (revision);
CREATE TABLE IF NOT EXISTS piece (
    channel TEXT NOT NULL, part TEXT NOT NULL, first INTEGER NOT NULL, length INTEGER NOT NULL,
    revision INTEGER NOT NULL, place TEXT NOT NULL, lane INTEGER NOT NULL, start INTEGER NOT NULL,
    PRIMARY KEY (channel, part, first)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS piece_revision ON piece (revision);
CREATE TABLE IF NOT EXISTS verified (
    channel TEXT NOT NULL, part TEXT NOT NULL, stamp TEXT NOT NULL, PRIMARY KEY (channel, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS removal (revision INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS link (
    channel TEXT NOT NULL, origin INTEGER NOT NULL, samples INTEGER NOT NULL, value TEXT NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (channel, origin, samples)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS examined (
    channel TEXT PRIMARY KEY, state TEXT NOT NULL, findings TEXT NOT NULL, crc INTEGER NOT NULL
) WITHOUT ROWID;
"""
"""Statements that make the tables where they are missing."""


class Cursor(Protocol):
    """What both kinds of database write with in a transaction."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Execute one statement with its parameters."""

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]], /) -> Any:
        """Execute one statement with each of some rows."""


def apply_publication(cursor: Cursor, number: int, kind: str, folder: str, publication: Publication) -> None:
    """Enter one publication into the tables, within a transaction.

    Parameters
    ----------
    cursor : cursor
        What the transaction writes with.
    number, kind, folder, publication
        As for `Index.apply`.
    """
    cursor.execute("INSERT OR REPLACE INTO revision VALUES (?, ?, ?, NULL)", (number, kind, folder))
    whole, removed = ([(name,) for name in names] for names in (publication.whole, publication.removed))
    cursor.executemany("DELETE FROM piece WHERE channel = ? AND part NOT LIKE 'scores/%'", whole)
    for table in ("verified", "link"):
        cursor.executemany(f"DELETE FROM {table} WHERE channel = ?", whole)
    cursor.executemany("DELETE FROM channel WHERE name = ?", removed)
    for table in ("piece", "score", "verified", "link", "examined"):
        cursor.executemany(f"DELETE FROM {table} WHERE channel = ?", removed)
    if publication.removed:
        cursor.execute("INSERT OR REPLACE INTO removal VALUES (?)", (number,))
    cursor.executemany(
        "INSERT OR REPLACE INTO channel VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_channel_row(name, attributes, number) for name, attributes in publication.channels.items()],
    )
    cursor.executemany(
        "INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_score_row(channel, key, attributes, number) for channel, key, attributes in publication.scores],
    )
    _make_room(cursor, publication.lanes)
    cursor.executemany(
        "INSERT INTO piece VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
        [
            (lane["channel"], lane["part"], lane["first"], lane["length"], number, lane["place"], lane["lane"])
            for lane in publication.lanes
            if lane["length"]
        ],
    )
    for name, attributes in publication.channels.items():
        for part, about in attributes.get(REMOVED, {}).items():
            _drop_front(cursor, name, part, about["rows"])
    for channel, key, attributes in publication.scores:
        _drop_front(cursor, channel, f"scores/{key}", attributes.get(REMOVED_ROWS, 0))
    _count_change(cursor)


def _count_change(cursor: Cursor) -> None:
    cursor.execute(
        "INSERT INTO meta VALUES ('changes', '1') "
        "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT)"
    )


def _channel_row(name: str, attributes: Mapping[str, Any], number: int) -> tuple[Any, ...]:
    summary = attributes["summary"]
    columns = (
        name,
        attributes["asset"],
        attributes["subsystem"],
        attributes["n_train"],
        attributes["n_test"],
        attributes["train_hash"],
        attributes["test_hash"],
        summary["clock"],
        summary["first"],
        summary["last"],
        None if summary["last_value"] is None else float(summary["last_value"]),
        float(summary["received"]),
        number,
    )
    text = json.dumps(attributes)
    return (*columns, text, _crc(columns, text))


def link_checksum(channel: str, origin: int, link: Link) -> int:
    """Return the checksum of a link and of what it is a link of."""
    return zlib.crc32(f"{channel}:{origin}:{link.samples}:{link.value}".encode())


def _crc(columns: Sequence[Any], text: str) -> int:
    """Return the checksum of a row: of its attributes, and of what stands in its other columns."""
    return zlib.crc32("\n".join(map(repr, columns)).encode(), zlib.crc32(text.encode()))


def check_row(columns: Sequence[Any], text: str, crc: int, what: str) -> None:
    """Compare a row with its checksum.

    Parameters
    ----------
    columns : sequence
        What stands in its columns before the attributes, as far as the checksum covers them.
    text : str
        Its attributes.
    crc : int
        Its checksum.
    what : str
        What it is a row of, for the error.

    Raises
    ------
    ValueError
        It is not what was written.
    """
    # the second sum is that of a release before, in a home where none may write
    if _crc(columns, text) != crc and _crc((), text) != crc:
        raise ValueError(f"what it says of {what} is not what was written")


def _score_row(channel: str, key: str, attributes: Mapping[str, Any], number: int) -> tuple[Any, ...]:
    try:
        rows = [(int(row[0]), int(row[1]), float(row[2])) for row in json.loads(attributes.get("anomalies", "[]"))]
    except (ValueError, TypeError, LookupError):  # a score of another program may call anything its anomalies
        rows = []
    text = json.dumps(attributes)
    return (
        channel,
        key,
        attributes.get("preset"),
        attributes.get("model"),
        len(rows),
        max((row[2] for row in rows), default=None),
        sum(row[1] - row[0] + 1 for row in rows),
        number,
        text,
        _crc((channel, key), text),
    )


def _drop_front(cursor: Cursor, channel: str, part: str, rows: int) -> None:
    """Take out the rows in front of a part that are removed; the others keep their numbers."""
    if rows:
        of_part = "FROM piece WHERE channel = ? AND part = ? AND first"
        cursor.execute(f"DELETE {of_part} + length <= ?", (channel, part, rows))
        cursor.execute(
            "UPDATE piece SET start = start + (? - first), length = length - (? - first), first = ? "
            "WHERE channel = ? AND part = ? AND first < ?",
            (rows, rows, rows, channel, part, rows),
        )


def _make_room(cursor: Cursor, lanes: Sequence[Mapping[str, Any]]) -> None:
    """Take out the rows that a publication replaces, and those beyond the new ends of its parts."""
    behind = [(lane["channel"], lane["first"]) for lane in lanes if lane["part"] == "test"]
    cursor.executemany("DELETE FROM link WHERE channel = ? AND origin + samples > ?", behind)
    before = _pieces_of_parts(cursor, lanes)
    after = dict(before)
    for lane in lanes:
        key, first, end, total = (
            (lane["channel"], lane["part"]),
            lane["first"],
            lane["first"] + lane["length"],
            lane["total"],
        )
        kept = []
        for old_first, length, revision, place, number, start in after.get(key, ()):
            old_end = min(old_first + length, total)
            for left, right in ((old_first, min(old_end, first)), (max(old_first, end), old_end)):
                if left < right:
                    kept.append((left, right - left, revision, place, number, start + left - old_first))
        after[key] = kept
    gone = [(*key, row[0]) for key, rows in before.items() for row in {*rows} - {*after[key]}]
    cursor.executemany("DELETE FROM piece WHERE channel = ? AND part = ? AND first = ?", gone)
    new = [(*key, *row) for key, rows in before.items() for row in {*after[key]} - {*rows}]
    cursor.executemany("INSERT INTO piece VALUES (?, ?, ?, ?, ?, ?, ?, ?)", new)


def _pieces_of_parts(
    cursor: Cursor, lanes: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], list[tuple[int, int, int, str, int, int]]]:
    """Return the rows of `piece` of all parts that lanes belong to, by channel and part, in a few queries."""
    pieces: dict[tuple[str, str], list[tuple[int, int, int, str, int, int]]] = {}
    channels: dict[str, dict[str, None]] = {}
    for lane in lanes:
        channels.setdefault(lane["part"], {})[lane["channel"]] = None
    for part, all_names in channels.items():
        for start in range(0, len(all_names), _MOST_NAMES):
            names = list(all_names)[start : start + _MOST_NAMES]
            rows = cursor.execute(
                "SELECT channel, first, length, revision, place, lane, start FROM piece "
                f"WHERE part = ? AND channel IN ({', '.join('?' * len(names))})",
                (part, *names),
            ).fetchall()
            for channel, *row in rows:
                pieces.setdefault((channel, part), []).append(tuple(row))
    return pieces


def count_labels(attributes: Mapping[str, Any]) -> int:
    """Return how many labels a channel has; archives of before hold them as rows."""
    spans = (attributes.get(LABEL_MOMENTS) or {}).get("spans", ())
    return len(spans) + len(attributes.get("labels") or ())
