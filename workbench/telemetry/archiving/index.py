"""The index of the archive: what it holds as rows of a database, so that no list opens every channel.

The index is made from the publications of the archive (its segments and its tail, see `workbench.telemetry.archive`)
and can be made from them again at any time. It is an SQLite database with a rollback journal, so that processes on
other machines can read it on a shared file system while one of them writes; or a schema of a PostgreSQL server, see
`workbench.telemetry.archiving.index_place`.

One module because it is one class: all that is asked of the index, and all that is noted in it.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.index_place import IndexPlace, PlaceFile
from workbench.telemetry.archiving.index_rows import (
    CHANNEL_COLUMNS,
    ROWS_VERSION,
    SCHEMA,
    Cursor,
    apply_publication,
    check_row,
    count_labels,
    link_checksum,
)
from workbench.telemetry.archiving.losses import Holding
from workbench.telemetry.archiving.publication import Piece, Publication
from workbench.telemetry.archiving.sqlite_file import SqliteFile
from workbench.telemetry.damage import Place, damage_named
from workbench.telemetry.series_hash import START, Link

if TYPE_CHECKING:
    from workbench.telemetry.archiving.postgres_schema import PostgresSchema

__all__ = ["FORMAT_VERSION", "Index"]

FORMAT_VERSION = 2
"""Version of the layout of the archive that this code writes; 1 had a folder a channel."""

_MOST_NAMES = 500  # in one query
_DESCRIPTION = "description "  # of a segment: before its folder, the name of its checksum in `meta`
_Written = tuple[Sequence[Any], str, int, str]  # columns, attributes, checksum, and what a row is of
_PLACE = Place("The index of the archive", "Run: workbench doctor --rebuild-index")


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
        self._archive = archive
        self.place_file = PlaceFile(archive)
        self.file = archive / "index.db"
        self._sqlite = SqliteFile(self.file, SCHEMA, "PRAGMA synchronous = NORMAL;", _PLACE, remembers=True)
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

            server = self._server = place, PostgresSchema(place, SCHEMA, _PLACE.what)
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
        return self._noted_store() == (identity, ROWS_VERSION)

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

    def description_checksum(self, folder: str) -> int | None:
        """Return the CRC-32 of a segment's `zarr.json` when it was sound; None where it is not known."""
        rows = self._database.rows("SELECT value FROM meta WHERE name = ?", (_DESCRIPTION + folder,))
        return int(rows[0][0]) if rows else None

    def names(self) -> list[str]:
        """Return the names of all channels, in no special order."""
        return [row[0] for row in self._database.rows("SELECT name FROM channel")]

    def attributes(self, channel: str) -> dict[str, Any] | None:
        """Return the attributes of a channel; None where there is no such channel."""
        rows = self._database.rows(f"SELECT {CHANNEL_COLUMNS} FROM channel WHERE name = ?", (channel,))
        return self._channel(rows[0]) if rows else None

    def all_attributes(self) -> dict[str, dict[str, Any] | ArchiveError]:
        """Return the attributes of all channels by name; where they are damaged, what is wrong."""
        rows = self._database.rows(f"SELECT {CHANNEL_COLUMNS} FROM channel")
        return dict(zip([row[0] for row in rows], self._channels(rows), strict=True))

    def holdings(self) -> dict[str, Holding]:
        """Return what it knows of each channel, as far as its attributes can be read."""
        table = {}
        rows = self._database.rows("SELECT name, revision, n_test, test_hash, attributes FROM channel")
        for name, revision, n_test, test_hash, text in rows:
            with suppress(ValueError, AttributeError):
                table[name] = Holding(name, revision, n_test, test_hash, count_labels(json.loads(text)))
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
        for row in self._database.rows(f"SELECT {CHANNEL_COLUMNS} FROM channel"):
            *columns, text, crc = row
            name, asset, _, _, _, train_hash, *_ = columns
            try:
                with damage_named(_PLACE, lambda: self.name):
                    check_row(columns, text, crc, name)
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
        statement = "SELECT channel, key, attributes, crc FROM score WHERE channel = ? ORDER BY key"
        rows = self._database.rows(statement, (channel,))
        return {row[1]: about for row, about in zip(rows, self._scores(rows), strict=True)}

    def all_scores(self) -> dict[str, dict[str, dict[str, Any] | ArchiveError]]:
        """Return the attributes of all scores by channel and key; where they are damaged, what is wrong."""
        table: dict[str, dict[str, dict[str, Any] | ArchiveError]] = {}
        rows = self._database.rows("SELECT channel, key, attributes, crc FROM score ORDER BY channel, key")
        for row, about in zip(rows, self._scores(rows), strict=True):
            table.setdefault(row[0], {})[row[1]] = about
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
                if link_checksum(channel, origin, Link(length, value)) == crc:
                    return Link(length, value)
        return START

    # ---- reading what is said of several channels in one go

    def attributes_of(self, channels: Sequence[str]) -> dict[str, tuple[dict[str, Any] | ArchiveError, str]]:
        """Return the attributes of channels, or what is wrong with them, and the folder of the segment that says so."""
        statement = (
            f"SELECT {CHANNEL_COLUMNS}, CASE kind WHEN 'segment' THEN folder ELSE '' END "
            "FROM channel LEFT JOIN revision ON revision.id = channel.revision WHERE name IN"
        )
        rows = self._rows_of(statement, channels)
        described = self._channels([row[:-1] for row in rows])
        return {row[0]: (about, row[-1]) for row, about in zip(rows, described, strict=True)}

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
        rows = sorted(self._rows_of(statement, channels), key=lambda row: row[:2])
        for row, about in zip(rows, self._scores(rows), strict=True):
            table.setdefault(row[0], {})[row[1]] = about
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
        (about,) = self._channels([row])
        if isinstance(about, ArchiveError):
            raise about
        return about

    def _channels(self, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any] | ArchiveError]:
        """Read the attributes of channels; where a row is damaged, what is wrong."""
        return self._documents([(row[:-2], row[-2], row[-1], row[0]) for row in rows])

    def _scores(self, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any] | ArchiveError]:
        """Read the attributes of scores, given as channel, key, text and checksum."""
        return self._documents([(row[:2], row[2], row[3], f"the score {row[1]} of {row[0]}") for row in rows])

    def _documents(self, rows: Sequence[_Written]) -> list[dict[str, Any] | ArchiveError]:
        """Compare rows with their checksums, and read their texts: many in one go, as that takes half the time."""
        documents: list[dict[str, Any] | ArchiveError] = []
        for start in range(0, len(rows), _MOST_NAMES):
            some = rows[start : start + _MOST_NAMES]
            try:
                for row in some:
                    check_row(*row)
                read = json.loads(f"[{','.join([text for _, text, *_ in some])}]")
                if len(read) != len(some):
                    raise ValueError("a row holds several documents")
            except (ValueError, RecursionError):
                read = [self._document(row) for row in some]
            documents += read
        return documents

    def _document(self, row: _Written) -> dict[str, Any] | ArchiveError:
        try:
            with damage_named(_PLACE, lambda: self.name):
                check_row(*row)
                return cast(dict[str, Any], json.loads(row[1]))
        except ArchiveError as error:
            return error

    # ---- writing

    def set_store(self, identity: str) -> None:
        """Note the identity of the store that this is the index of."""
        with self._database.transaction() as cursor:
            cursor.execute("INSERT OR REPLACE INTO meta VALUES ('store', ?)", (f"{identity} {ROWS_VERSION}",))

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
            apply_publication(cursor, number, kind, folder, publication)
            self._note_description(cursor, kind, folder)

    def rebuild(self, publications: Iterable[tuple[int, str, str, Publication]]) -> None:
        """Make the index anew from all publications, in their order."""
        with self._database.transaction() as cursor:
            for table in ("channel", "score", "piece", "revision", "verified", "removal", "link", "examined"):
                cursor.execute(f"DELETE FROM {table}")
            for number, kind, folder, publication in publications:
                apply_publication(cursor, number, kind, folder, publication)
                self._note_description(cursor, kind, folder)

    def _note_description(self, cursor: Cursor, kind: str, folder: str) -> None:
        """Note the checksum of the description of a segment, which was written, or compared with its seal, just now."""
        with suppress(OSError):
            if kind == "segment":
                checksum = zlib.crc32((self._archive / folder / "zarr.json").read_bytes())
                cursor.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_DESCRIPTION + folder, str(checksum)))

    def set_verified(self, stamps: Mapping[tuple[str, str], str]) -> None:
        """Note the stamps of the files of parts that were read whole and are sound."""
        with self._database.transaction() as cursor:
            cursor.executemany(
                "INSERT OR REPLACE INTO verified VALUES (?, ?, ?)",
                [(channel, part, stamp) for (channel, part), stamp in stamps.items()],
            )

    def add_links(self, channel: str, origin: int, links: Sequence[Link]) -> None:
        """Note links in the chain of hashes of a test series; see `link`."""
        rows = [(channel, origin, *link, link_checksum(channel, origin, link)) for link in links]
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
            cursor.executemany(
                "DELETE FROM meta WHERE name IN (SELECT ? || folder FROM revision WHERE id = ?)",
                [(_DESCRIPTION, one) for one in numbers],
            )
            cursor.executemany("DELETE FROM revision WHERE id = ? AND id <> ?", [(one, last) for one in numbers])

    def discard(self) -> None:
        """Remove the database; it is made again at the next publication."""
        self._database.discard()

    def close(self) -> None:
        """Close the connection; it is opened again where it is needed."""
        self._sqlite.close()
        if self._server is not None:
            self._server[1].close()
