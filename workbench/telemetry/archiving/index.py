"""The index of the archive: what it holds as rows of a database, so that no list opens every channel.

The index is made from the publications of the archive (its segments and its tail, see `workbench.telemetry.archive`)
and can be made from them again at any time. It is an SQLite database with a rollback journal, so that processes on
other machines can read it on a shared file system while one of them writes; or a schema of a PostgreSQL server, see
`workbench.telemetry.archiving.index_place`.

One module because what is written and what is read share one schema.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.index_place import IndexPlace, PlaceFile
from workbench.telemetry.archiving.losses import Holding
from workbench.telemetry.archiving.sqlite_file import SqliteFile
from workbench.telemetry.attribute_names import LABEL_MOMENTS, REMOVED, REMOVED_ROWS
from workbench.telemetry.damage import Place, damage_named
from workbench.telemetry.series_hash import START, Link

if TYPE_CHECKING:
    from workbench.telemetry.archiving.postgres_schema import PostgresSchema

__all__ = ["FORMAT_VERSION", "Index", "Piece", "Publication", "within"]

FORMAT_VERSION = 2
"""Version of the layout of the archive that this code writes; 1 had a folder a channel."""

_MOST_NAMES = 500  # in one query
_ROWS = "2"  # what the checksums of rows cover; an index that notes another number is made anew
_CHANNEL = (  # all that the checksum of a channel covers, and the checksum
    "name, asset, subsystem, n_train, n_test, train_hash, test_hash, clock, first, last, last_value, received, "
    "revision, attributes, crc"
)
_PLACE = Place("The index of the archive", "Run: workbench doctor --rebuild-index")

_SCHEMA = """
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


class _Cursor(Protocol):
    """What both kinds of database write with in a transaction."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Execute one statement."""

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]], /) -> Any:
        """Execute one statement with each of some rows."""


@dataclass(frozen=True)
class Piece:
    """Rows of one part of a channel that lie together.

    Attributes
    ----------
    first, length : int
        First row of the part, and number of rows.
    revision : int
        Publication that holds them.
    kind : {"segment", "tail"}
        What the publication is.
    folder : str
        Folder of a segment inside the archive; empty for the tail.
    place : str
        Group of the segment.
    lane, start : int
        Place of the channel in the group, or of its rows in the tail, and first of its rows there.
    """

    first: int
    length: int
    revision: int
    kind: str
    folder: str
    place: str
    lane: int
    start: int


def within(pieces: Sequence[Piece], begin: int, end: int | None) -> tuple[Piece, ...]:
    """Cut pieces to some rows, the last exclusive, of which the first is row 0 of what is returned."""
    cut = []
    for piece in pieces:
        first = max(piece.first, begin)
        last = piece.first + piece.length if end is None else min(piece.first + piece.length, end)
        if first < last:
            start = piece.start + first - piece.first
            cut.append(replace(piece, first=first - begin, length=last - first, start=start))
    return tuple(cut)


@dataclass(frozen=True)
class Publication:
    """What one publication says, in JSON; the samples lie beside it.

    Attributes
    ----------
    channels : dict of str to dict
        Attributes of channels that hold from then on.
    whole : tuple of str
        Those of the channels whose samples are replaced whole.
    scores : tuple of tuple
        Channel, key and attributes of each score that holds from then on.
    lanes : tuple of dict
        Where the rows of a channel's part lie: `channel`, `part`, `first`, `length`, `total` (rows of the part from
        then on), `place` and `lane`.
    removed : tuple of str
        Channels that the archive holds no more from then on, with their labels and scores.
    """

    channels: Mapping[str, Mapping[str, Any]]
    whole: tuple[str, ...]
    scores: tuple[tuple[str, str, Mapping[str, Any]], ...]
    lanes: tuple[Mapping[str, Any], ...]
    removed: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the publication as JSON holds it."""
        return {
            "channels": dict(self.channels),
            "whole": list(self.whole),
            "scores": [list(row) for row in self.scores],
            "lanes": [dict(lane) for lane in self.lanes],
        } | ({"removed": list(self.removed)} if self.removed else {})

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Publication":
        """Read a publication from JSON.

        Raises
        ------
        ValueError, TypeError, LookupError
            It is none.
        """
        return cls(
            dict(document["channels"]),
            tuple(document["whole"]),
            tuple((str(channel), str(key), dict(attributes)) for channel, key, attributes in document["scores"]),
            tuple(dict(lane) for lane in document["lanes"]),
            tuple(str(name) for name in document.get("removed", ())),
        )


class Index:
    """The index database of an archive.

    Parameters
    ----------
    archive : Path
        Folder of the archive. The index is made at the first publication; a missing one reads as empty.
    place : IndexPlace, optional
        Where it is, if the archive does not say so yet.

    Attributes
    ----------
    file : Path
        The SQLite database, which is not there where the index is in PostgreSQL.
    place_file : PlaceFile
        What says where the index is.
    """

    def __init__(self, archive: Path, place: IndexPlace | None = None) -> None:
        self.place_file = PlaceFile(archive)
        self.file = archive / "index.db"
        self._sqlite = SqliteFile(self.file, _SCHEMA, "PRAGMA synchronous = NORMAL;", _PLACE, remembers=True)
        self._fixed = place
        self._server: tuple[IndexPlace, PostgresSchema] | None = None

    @property
    def _database(self) -> "SqliteFile | PostgresSchema":
        place = self._fixed or self.place_file.read()
        if place is None:
            return self._sqlite
        server = self._server
        if server is None or server[0] != place:
            from workbench.telemetry.archiving.postgres_schema import PostgresSchema

            server = self._server = place, PostgresSchema(place, _SCHEMA, _PLACE.what)
        return server[1]

    # ---- reading

    @property
    def name(self) -> Path | str:
        """What errors call it: its file, or its server and schema."""
        return self._database.name

    def exists(self) -> bool:
        """Tell whether it was made."""
        return self._database.exists()

    def is_sound(self) -> bool:
        """Tell whether all of it can be read.

        Raises
        ------
        ArchiveError
            Its server cannot be reached.
        """
        return self._database.is_sound()

    def revision(self) -> int:
        """Return the number of the last publication; 0 where there is none."""
        rows = self._database.rows("SELECT max(id) FROM revision")
        return int(rows[0][0] or 0) if rows else 0

    def store(self) -> str | None:
        """Return the identity of the store that this is the index of."""
        return self._noted_store()[0]

    def is_of(self, identity: str) -> bool:
        """Tell whether this is the index of a store, and its rows are as this release writes them."""
        return self._noted_store() == (identity, _ROWS)

    def _noted_store(self) -> tuple[str | None, str]:
        rows = self._database.rows("SELECT value FROM meta WHERE name = 'store'")
        identity, _, written = str(rows[0][0] if rows else "").partition(" ")
        return identity or None, written

    def numbers(self) -> set[int]:
        """Return the numbers of all publications that it knows."""
        return {row[0] for row in self._database.rows("SELECT id FROM revision")}

    def tail_rows(self) -> int:
        """Return how many rows of the tail hold."""
        rows = self._database.rows(
            "SELECT sum(length) FROM piece JOIN revision ON revision.id = piece.revision WHERE kind = 'tail'"
        )
        return int(rows[0][0] or 0) if rows else 0

    def score_revision(self, channel: str, key: str) -> int | None:
        """Return the number of the publication that a score holds from; None where there is none."""
        rows = self._database.rows("SELECT revision FROM score WHERE channel = ? AND key = ?", (channel, key))
        return int(rows[0][0]) if rows else None

    def stamp(self) -> tuple[int, int]:
        """Return two numbers that change with every publication."""
        rows = self._database.rows("SELECT value FROM meta WHERE name = 'changes'")
        return (self.revision(), int(rows[0][0]) if rows else 0)

    def changed_since(self, stamp: tuple[int, int]) -> tuple[set[str], set[str]] | None:
        """Return what was published since a stamp was taken.

        Parameters
        ----------
        stamp : tuple of int
            An earlier answer of `stamp`.

        Returns
        -------
        tuple of set of str, or None
            Channels of which something else is said than before, and those of which a score is another one; None where
            that is not known, as after the index was made anew. A channel that was removed is in neither.
        """
        since, changes = stamp
        revision, now = self.stamp()
        rows = self._database.rows("SELECT count(*) FROM revision WHERE id > ?", (since,))
        if revision < since or now - changes != int(rows[0][0] if rows else 0):
            return None
        named = self._database.rows("SELECT name FROM channel WHERE revision > ?", (since,))
        scored = self._database.rows("SELECT DISTINCT channel FROM score WHERE revision > ?", (since,))
        return {name for (name,) in named}, {name for (name,) in scored}

    def segments(self) -> list[str]:
        """Return the folders of all segments that it knows, also of those of which nothing holds any more."""
        return [row[0] for row in self._database.rows("SELECT folder FROM revision WHERE kind = 'segment'")]

    def names(self) -> list[str]:
        """Return the names of all channels, in no special order."""
        return [row[0] for row in self._database.rows("SELECT name FROM channel")]

    def attributes(self, channel: str) -> dict[str, Any] | None:
        """Return the attributes of a channel; None where there is no such channel."""
        rows = self._database.rows(f"SELECT {_CHANNEL} FROM channel WHERE name = ?", (channel,))
        return self._channel(rows[0]) if rows else None

    def all_attributes(self) -> dict[str, dict[str, Any] | ArchiveError]:
        """Return the attributes of all channels by name; where they are damaged, what is wrong."""
        table: dict[str, dict[str, Any] | ArchiveError] = {}
        for row in self._database.rows(f"SELECT {_CHANNEL} FROM channel"):
            try:
                table[row[0]] = self._channel(row)
            except ArchiveError as error:
                table[row[0]] = error
        return table

    def holdings(self) -> dict[str, Holding]:
        """Return what it knows of each channel, as far as its attributes can be read."""
        table = {}
        rows = self._database.rows("SELECT name, revision, n_test, test_hash, attributes FROM channel")
        for name, revision, n_test, test_hash, text in rows:
            with suppress(ValueError, AttributeError):
                table[name] = Holding(name, revision, n_test, test_hash, _count_labels(json.loads(text)))
        return table

    def train_hashes(self) -> dict[str, str]:
        """Return the hash of the training series of every channel whose row is sound."""
        return {name: train_hash for name, (_, train_hash) in self._train_hashes().items()}

    def train_hashes_by_asset(self) -> dict[str, dict[str, str]]:
        """Return the hashes of the training series of every channel, by asset.

        Raises
        ------
        ArchiveError
            The row of a channel is damaged: it may belong to any asset.
        """
        hashes: dict[str, dict[str, str]] = {}
        for name, (asset, train_hash) in self._train_hashes(strict=True).items():
            hashes.setdefault(asset, {})[name] = train_hash
        return hashes

    def _train_hashes(self, *, strict: bool = False) -> dict[str, tuple[str, str]]:
        """Return asset and hash of the training series by channel; rows that are damaged are left out, or raised."""
        hashes = {}
        for row in self._database.rows(f"SELECT {_CHANNEL} FROM channel"):
            *columns, text, crc = row
            name, asset, _, _, _, train_hash, *_ = columns
            try:
                with damage_named(_PLACE, lambda: self.name):
                    _check(columns, text, crc, name)
                hashes[name] = (asset, train_hash)
            except ArchiveError:
                if strict:
                    raise
        return hashes

    def pieces(self, channel: str, part: str) -> tuple[Piece, ...]:
        """Return where the rows of a part of a channel lie, in their order."""
        rows = self._database.rows(
            "SELECT first, length, revision, kind, folder, place, lane, start FROM piece "
            "JOIN revision ON revision.id = piece.revision WHERE channel = ? AND part = ? ORDER BY first",
            (channel, part),
        )
        return tuple(Piece(*row) for row in rows)

    def parts(self, channel: str) -> list[str]:
        """Return the parts of a channel that hold rows."""
        return [row[0] for row in self._database.rows("SELECT DISTINCT part FROM piece WHERE channel = ?", (channel,))]

    def long_lanes(self, rows: int) -> list[tuple[str, str, int]]:
        """Return folder, place and first row of the lanes of segments of which at least so many rows are in use."""
        return cast(
            list[tuple[str, str, int]],
            self._database.rows(
                "SELECT DISTINCT folder, place, first - start FROM piece JOIN revision ON revision.id = piece.revision "
                "WHERE kind = 'segment' AND length >= ?",
                (rows,),
            ),
        )

    def folders(self, channel: str) -> list[str]:
        """Return the folders of the segments that hold the samples of a channel, or what is said of it."""
        rows = self._database.rows(
            "SELECT DISTINCT folder FROM revision WHERE kind = 'segment' AND id IN ("
            "SELECT revision FROM piece WHERE channel = ? AND part NOT LIKE 'scores/%' "
            "UNION SELECT revision FROM channel WHERE name = ?)",
            (channel, channel),
        )
        return [row[0] for row in rows]

    def asset_of(self, channel: str) -> tuple[str, str] | None:
        """Return asset and subsystem of a channel; None where there is no such channel."""
        rows = self._database.rows("SELECT asset, subsystem FROM channel WHERE name = ?", (channel,))
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def all_folders(self) -> dict[str, list[str]]:
        """Return the channels that each segment holds, or says something of."""
        rows = self._database.rows(
            "SELECT folder, channel FROM (SELECT channel, revision FROM piece WHERE part NOT LIKE 'scores/%' "
            "UNION SELECT name, revision FROM channel) AS held JOIN revision ON revision.id = held.revision "
            "WHERE kind = 'segment'"
        )
        table: dict[str, list[str]] = {}
        for folder, channel in rows:
            table.setdefault(folder, []).append(channel)
        return table

    def scores(self, channel: str) -> dict[str, dict[str, Any] | ArchiveError]:
        """Return the attributes of the scores of a channel by key; where they are damaged, what is wrong."""
        rows = self._database.rows("SELECT key, attributes, crc FROM score WHERE channel = ? ORDER BY key", (channel,))
        return {key: self._score(channel, key, text, crc) for key, text, crc in rows}

    def all_scores(self) -> dict[str, dict[str, dict[str, Any] | ArchiveError]]:
        """Return the attributes of all scores by channel and key; where they are damaged, what is wrong."""
        table: dict[str, dict[str, dict[str, Any] | ArchiveError]] = {}
        rows = self._database.rows("SELECT channel, key, attributes, crc FROM score ORDER BY channel, key")
        for channel, key, text, crc in rows:
            table.setdefault(channel, {})[key] = self._score(channel, key, text, crc)
        return table

    def verified(self, channel: str, part: str) -> str | None:
        """Return the stamp of the files when a part of a channel was last read whole and was sound."""
        rows = self._database.rows("SELECT stamp FROM verified WHERE channel = ? AND part = ?", (channel, part))
        return str(rows[0][0]) if rows else None

    def link(self, channel: str, origin: int, samples: int) -> Link:
        """Return the last link in the chain of hashes of a test series that lies within some samples.

        Parameters
        ----------
        channel : str
            Name of the channel.
        origin : int
            How many rows are removed in front of the series.
        samples : int
            Length of what it must lie in.

        Returns
        -------
        Link
            The start of the chain where there is none, or it is damaged: links can be made again.
        """
        with suppress(ArchiveError):
            rows = self._database.rows(
                "SELECT samples, value, crc FROM link WHERE channel = ? AND origin = ? AND samples <= ? "
                "ORDER BY samples DESC LIMIT 1",
                (channel, origin, samples),
            )
            for length, value, crc in rows:
                if _link_crc(channel, origin, Link(length, value)) == crc:
                    return Link(length, value)
        return START

    # ---- reading what is said of several channels in one go

    def attributes_of(self, channels: Sequence[str]) -> dict[str, tuple[dict[str, Any] | ArchiveError, str]]:
        """Return the attributes of channels, or what is wrong with them, and the folder of the segment that says so."""
        statement = (
            f"SELECT {_CHANNEL}, CASE kind WHEN 'segment' THEN folder ELSE '' END "
            "FROM channel LEFT JOIN revision ON revision.id = channel.revision WHERE name IN"
        )
        table: dict[str, tuple[dict[str, Any] | ArchiveError, str]] = {}
        for *row, folder in self._rows_of(statement, channels):
            try:
                table[row[0]] = (self._channel(row), folder)
            except ArchiveError as error:
                table[row[0]] = (error, folder)
        return table

    def pieces_of(self, channels: Sequence[str]) -> dict[tuple[str, str], tuple[Piece, ...]]:
        """Return where the rows of all parts of channels lie, by channel and part."""
        statement = (
            "SELECT channel, part, first, length, revision, kind, folder, place, lane, start FROM piece "
            "JOIN revision ON revision.id = piece.revision WHERE channel IN"
        )
        table: dict[tuple[str, str], list[Piece]] = {}
        for channel, part, *rest in self._rows_of(statement, channels):
            table.setdefault((channel, part), []).append(Piece(*rest))
        return {key: tuple(sorted(pieces, key=lambda piece: piece.first)) for key, pieces in table.items()}

    def verified_of(self, channels: Sequence[str]) -> dict[tuple[str, str], str]:
        """Return what `verified` returns for all parts of channels, by channel and part."""
        rows = self._rows_of("SELECT channel, part, stamp FROM verified WHERE channel IN", channels)
        return {(channel, part): stamp for channel, part, stamp in rows}

    def scores_of(self, channels: Sequence[str]) -> dict[str, dict[str, dict[str, Any] | ArchiveError]]:
        """Return what `scores` returns for channels, by channel."""
        table: dict[str, dict[str, dict[str, Any] | ArchiveError]] = {}
        statement = "SELECT channel, key, attributes, crc FROM score WHERE channel IN"
        for channel, key, text, crc in sorted(self._rows_of(statement, channels), key=lambda row: row[:2]):
            table.setdefault(channel, {})[key] = self._score(channel, key, text, crc)
        return table

    def examined_of(self, channels: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return what was noted with `set_examined` of channels; what is damaged is left out, as it can be made again.

        Parameters
        ----------
        channels : sequence of str
            Names of the channels.

        Returns
        -------
        dict of str to tuple of str
            State and findings by channel.
        """
        rows: list[tuple[Any, ...]] = []
        with suppress(ArchiveError):
            rows = self._rows_of("SELECT channel, state, findings, crc FROM examined WHERE channel IN", channels)
        return {
            channel: (state, findings)
            for channel, state, findings, crc in rows
            if zlib.crc32(f"{state}{findings}".encode()) == crc
        }

    def _rows_of(self, statement: str, channels: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the rows of a query that ends with IN, for names in any number."""
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(channels), _MOST_NAMES):
            names = channels[start : start + _MOST_NAMES]
            rows += self._database.rows(f"{statement} ({', '.join('?' * len(names))})", names)
        return rows

    def publications(self) -> list[tuple[int, str, str, float | None]]:
        """Return number, kind, folder and time of supersession of all publications, in their order."""
        return cast(
            list[tuple[int, str, str, float | None]],
            self._database.rows("SELECT id, kind, folder, superseded FROM revision ORDER BY id"),
        )

    def loose(self, many: int, small: int, channels: Sequence[str] | None = None) -> dict[tuple[str, str], list[Piece]]:
        """Return the pieces at the end of each part that lie in the tail, or are small where there are many.

        Parameters
        ----------
        many : int
            Least number of pieces at the end of a part for which small ones in segments count, too.
        small : int
            Rows below which a piece is small.
        channels : sequence of str, optional
            Look only at these.

        Returns
        -------
        dict of tuple to list of Piece
            By channel and part, in their order.
        """
        table: dict[tuple[str, str], list[Piece]] = {}
        if channels is not None:
            table = {key: [*pieces] for key, pieces in self.pieces_of(channels).items()}
        else:
            rows = self._database.rows(
                "SELECT channel, part, first, length, revision, kind, folder, place, lane, start FROM piece "
                "JOIN revision ON revision.id = piece.revision WHERE (channel, part) IN ("
                "SELECT channel, part FROM piece JOIN revision ON revision.id = piece.revision WHERE kind = 'tail' "
                "UNION SELECT channel, part FROM piece GROUP BY channel, part HAVING count(*) >= ?"
                ") ORDER BY channel, part, first",
                (many,),
            )
            for channel, part, *rest in rows:
                table.setdefault((channel, part), []).append(Piece(*rest))
        loose = {}
        for key, pieces in table.items():
            end = len(pieces)
            while end and (pieces[end - 1].kind == "tail" or pieces[end - 1].length < small):
                end -= 1
            trailing = pieces[end:]
            if len(trailing) < many:
                while trailing and trailing[0].kind != "tail":
                    trailing = trailing[1:]
            if trailing:
                loose[key] = trailing
        return loose

    def _channel(self, row: Sequence[Any]) -> dict[str, Any]:
        """Read the attributes of a channel, after comparing its row with its checksum."""
        *columns, text, crc = row
        return self._read(columns, text, crc, columns[0])

    def _read(self, columns: Sequence[Any], text: str, crc: int, what: str) -> dict[str, Any]:
        with damage_named(_PLACE, lambda: self.name):
            _check(columns, text, crc, what)
            return cast(dict[str, Any], json.loads(text))

    def _score(self, channel: str, key: str, text: str, crc: int) -> dict[str, Any] | ArchiveError:
        try:
            return self._read((channel, key), text, crc, f"the score {key} of {channel}")
        except ArchiveError as error:
            return error

    # ---- writing

    def set_store(self, identity: str) -> None:
        """Note the identity of the store that this is the index of."""
        with self._database.transaction() as cursor:
            cursor.execute("INSERT OR REPLACE INTO meta VALUES ('store', ?)", (f"{identity} {_ROWS}",))

    def apply(self, number: int, kind: str, folder: str, publication: Publication) -> None:
        """Enter one publication, all of it or nothing.

        Parameters
        ----------
        number : int
            Number of the publication.
        kind : {"segment", "tail"}
            Where its rows lie.
        folder : str
            Folder of a segment inside the archive; empty for the tail.
        publication : Publication
            What it says.
        """
        with self._database.transaction() as cursor:
            _apply(cursor, number, kind, folder, publication)

    def rebuild(self, publications: Iterable[tuple[int, str, str, Publication]]) -> None:
        """Make the index anew from all publications, in their order."""
        with self._database.transaction() as cursor:
            for table in ("channel", "score", "piece", "revision", "verified", "removal", "link", "examined"):
                cursor.execute(f"DELETE FROM {table}")
            for number, kind, folder, publication in publications:
                _apply(cursor, number, kind, folder, publication)

    def set_verified(self, stamps: Mapping[tuple[str, str], str]) -> None:
        """Note the stamps of the files of parts that were read whole and are sound."""
        with self._database.transaction() as cursor:
            cursor.executemany(
                "INSERT OR REPLACE INTO verified VALUES (?, ?, ?)",
                [(channel, part, stamp) for (channel, part), stamp in stamps.items()],
            )

    def add_links(self, channel: str, origin: int, links: Sequence[Link]) -> None:
        """Note links in the chain of hashes of a test series; see `link`."""
        rows = [(channel, origin, *link, _link_crc(channel, origin, link)) for link in links]
        with self._database.transaction() as cursor:
            cursor.execute("DELETE FROM link WHERE channel = ? AND origin <> ?", (channel, origin))
            cursor.executemany("INSERT OR REPLACE INTO link VALUES (?, ?, ?, ?, ?)", rows)

    def set_examined(self, rows: Mapping[str, tuple[str, str]]) -> None:
        """Note what was found in channels, as text, and the state in which they were."""
        with self._database.transaction() as cursor:
            cursor.executemany(
                "INSERT OR REPLACE INTO examined VALUES (?, ?, ?, ?)",
                [
                    (channel, state, findings, zlib.crc32(f"{state}{findings}".encode()))
                    for channel, (state, findings) in rows.items()
                ],
            )

    def supersede(self, now: float, kept_seconds: float) -> list[tuple[int, str, str]]:
        """Note the time for publications of which nothing holds any more, and return those to be removed.

        Parameters
        ----------
        now : float
            Seconds of the Unix epoch.
        kept_seconds : float
            Seconds that a publication stays after that.

        Returns
        -------
        list of tuple
            Number, kind and folder of each publication that was superseded longer ago, oldest first.
        """
        with self._database.transaction() as cursor:
            cursor.execute(  # a removal holds while an earlier publication is there, from which an index could be made
                "DELETE FROM removal WHERE NOT EXISTS (SELECT 1 FROM revision "
                "WHERE id < removal.revision AND id NOT IN (SELECT revision FROM removal))"
            )
            cursor.execute(
                "UPDATE revision SET superseded = ? WHERE superseded IS NULL AND id NOT IN (SELECT revision FROM piece "
                "UNION SELECT revision FROM channel UNION SELECT revision FROM score "
                "UNION SELECT revision FROM removal)",
                (now,),
            )
            rows = cursor.execute(
                "SELECT id, kind, folder, superseded FROM revision WHERE superseded IS NOT NULL ORDER BY id"
            ).fetchall()
        return [(number, kind, folder) for number, kind, folder, since in rows if since <= now - kept_seconds]

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget publications that were removed; the last number is kept, so that none is given twice."""
        with self._database.transaction() as cursor:
            ((last,),) = cursor.execute("SELECT max(id) FROM revision").fetchall()
            cursor.executemany("DELETE FROM revision WHERE id = ? AND id <> ?", [(one, last) for one in numbers])

    def discard(self) -> None:
        """Remove the database; it is made again at the next publication."""
        self._database.discard()

    def close(self) -> None:
        """Close the connection; it is opened again where it is needed."""
        self._sqlite.close()
        if self._server is not None:
            self._server[1].close()


def _apply(cursor: _Cursor, number: int, kind: str, folder: str, publication: Publication) -> None:
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


def _count_change(cursor: _Cursor) -> None:
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


def _link_crc(channel: str, origin: int, link: Link) -> int:
    """Return the checksum of a link and of what it is a link of."""
    return zlib.crc32(f"{channel}:{origin}:{link.samples}:{link.value}".encode())


def _crc(columns: Sequence[Any], text: str) -> int:
    """Return the checksum of a row: of its attributes, and of what stands in its other columns."""
    return zlib.crc32("\n".join(map(repr, columns)).encode(), zlib.crc32(text.encode()))


def _check(columns: Sequence[Any], text: str, crc: int, what: str) -> None:
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


def _drop_front(cursor: _Cursor, channel: str, part: str, rows: int) -> None:
    """Take out the rows in front of a part that are removed; the others keep their numbers."""
    if rows:
        of_part = "FROM piece WHERE channel = ? AND part = ? AND first"
        cursor.execute(f"DELETE {of_part} + length <= ?", (channel, part, rows))
        cursor.execute(
            "UPDATE piece SET start = start + (? - first), length = length - (? - first), first = ? "
            "WHERE channel = ? AND part = ? AND first < ?",
            (rows, rows, rows, channel, part, rows),
        )


def _make_room(cursor: _Cursor, lanes: Sequence[Mapping[str, Any]]) -> None:
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
    cursor: _Cursor, lanes: Sequence[Mapping[str, Any]]
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


def _count_labels(attributes: Mapping[str, Any]) -> int:
    """Return how many labels a channel has; archives of before hold them as rows."""
    spans = (attributes.get(LABEL_MOMENTS) or {}).get("spans", ())
    return len(spans) + len(attributes.get("labels") or ())
