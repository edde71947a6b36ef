"""The tail of the archive: what was added last, in one SQLite table, until enough of it is there for a segment.

A commit of a few samples to a thousand channels takes milliseconds here and is durable (full synchronization); as
arrays in folders it would take a thousand times as long. The rows of a publication are compressed and carry a CRC-32;
they go once a segment that holds them is published.
"""

import json
import math
import zlib
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numcodecs.zstd import Zstd  # type: ignore[import-untyped]

from workbench.telemetry.archiving.publication import Publication
from workbench.telemetry.archiving.sqlite_file import SqliteFile
from workbench.telemetry.damage import Place, damage_named

__all__ = ["Tail", "pack", "unpack"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS publication (id INTEGER PRIMARY KEY, document TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS payload (
    publication INTEGER NOT NULL, lane INTEGER NOT NULL, content BLOB NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (publication, lane)
) WITHOUT ROWID;
"""
_CODEC = Zstd(level=0)
_HEADER_BYTES = 4

Arrays = Mapping[str, tuple[tuple[str, ...], npt.NDArray[Any], Mapping[str, Any]]]
"""Dims, values and attributes of variables by name."""


def pack(arrays: Arrays) -> bytes:
    """Write arrays as bytes: the length of a JSON header, the header, and the values, compressed together.

    Parameters
    ----------
    arrays : dict
        Dims, values and attributes of each variable.

    Returns
    -------
    bytes
    """
    header, contents = [], []
    for name, (dims, values, attributes) in arrays.items():
        plain = np.ascontiguousarray(values)
        little = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
        header.append([name, list(dims), little.dtype.str, list(values.shape), dict(attributes)])
        contents.append(little.tobytes())
    text = json.dumps(header).encode()
    return bytes(_CODEC.encode(len(text).to_bytes(_HEADER_BYTES, "little") + text + b"".join(contents)))


def unpack(content: bytes) -> dict[str, tuple[tuple[str, ...], npt.NDArray[Any], dict[str, Any]]]:
    """Read what `pack` wrote.

    Raises
    ------
    ValueError, RuntimeError, LookupError, TypeError
        It is not that.
    """
    plain = bytes(_CODEC.decode(content))
    start = _HEADER_BYTES + int.from_bytes(plain[:_HEADER_BYTES], "little")
    arrays = {}
    for name, dims, kind, shape, attributes in _header(plain[_HEADER_BYTES:start]):
        count = math.prod(shape)
        values = np.frombuffer(plain, kind, count, start).reshape(shape)
        start += count * kind.itemsize
        arrays[name] = (dims, values, dict(attributes))
    return arrays


@lru_cache(maxsize=64)
def _header(text: bytes) -> list[tuple[str, tuple[str, ...], np.dtype[Any], tuple[int, ...], dict[str, Any]]]:
    """Read a header; that of many lanes is the same."""
    return [
        (name, tuple(dims), np.dtype(dtype), tuple(map(int, shape)), dict(attributes))
        for name, dims, dtype, shape, attributes in json.loads(text)
    ]


class Tail:
    """The tail of one archive.

    Parameters
    ----------
    file : Path
        The database. It is made at the first publication.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        place = Place("The tail of the archive", "Restore it from a backup.")
        self._database = SqliteFile(file, _SCHEMA, "PRAGMA synchronous = FULL;", place)
        self._place = place

    def numbers(self) -> set[int]:
        """Return the numbers of all publications in the tail."""
        return {row[0] for row in self._database.rows("SELECT id FROM publication")}

    def last(self) -> int:
        """Return the number of the last publication in the tail; 0 where there is none."""
        rows = self._database.rows("SELECT max(id) FROM publication")
        return int(rows[0][0] or 0) if rows else 0

    def add(self, number: int, publication: Publication, payloads: Sequence[bytes]) -> None:
        """Add a publication with the packed rows of its lanes, all of it or nothing.

        Parameters
        ----------
        number : int
            Number of the publication.
        publication : Publication
            What it says.
        payloads : sequence of bytes
            From `pack`, one a lane.
        """
        document = json.dumps(publication.document())
        with self._database.transaction() as cursor:
            cursor.execute(
                "INSERT INTO publication VALUES (?, ?, ?)", (number, document, zlib.crc32(document.encode()))
            )
            cursor.executemany(
                "INSERT INTO payload VALUES (?, ?, ?, ?)",
                [(number, lane, content, zlib.crc32(content)) for lane, content in enumerate(payloads)],
            )

    def publications(self, known: Container[int] = ()) -> Iterable[tuple[int, Publication]]:
        """Return the publications whose numbers are not known, in their order.

        Raises
        ------
        ArchiveError
            One is damaged.
        """
        for number, document, crc in self._database.rows("SELECT id, document, crc FROM publication ORDER BY id"):
            if number in known:
                continue
            with damage_named(self._place, self.file):
                if zlib.crc32(document.encode()) != crc:
                    raise ValueError(f"the checksum of publication {number} differs")
                yield number, Publication.from_document(json.loads(document))

    def read(self, number: int, lane: int) -> dict[str, tuple[tuple[str, ...], npt.NDArray[Any], dict[str, Any]]]:
        """Read the rows of one lane.

        Raises
        ------
        LookupError, ValueError
            They are gone, or are not those that were written.
        """
        return unpack(self.check(number, lane))

    def check(self, number: int, lane: int) -> bytes:
        """Return the packed rows of one lane, after comparing them with their checksum.

        Raises
        ------
        LookupError, ValueError
            They are gone, or are not those that were written.
        """
        rows = self._database.rows(
            "SELECT content, crc FROM payload WHERE publication = ? AND lane = ?", (number, lane)
        )
        if not rows:
            raise LookupError(f"the rows of publication {number} are gone")
        content, crc = rows[0]
        if zlib.crc32(content) != crc:
            raise ValueError("its bytes are not those that were written: the checksum differs")
        return bytes(content)

    def sound(self, number: int, lanes: Container[int] | None = None) -> dict[int, bytes]:
        """Return the packed rows of the lanes of a publication whose checksums fit, in one reading.

        Parameters
        ----------
        number : int
            Number of the publication.
        lanes : container of int, optional
            The lanes whose rows are wanted; of the others, empty bytes are returned. All where omitted.
        """
        rows = self._database.rows("SELECT lane, content, crc FROM payload WHERE publication = ?", (number,))
        return {
            lane: bytes(content) if lanes is None or lane in lanes else b""
            for lane, content, crc in rows
            if zlib.crc32(content) == crc
        }

    def score_bytes(self) -> int:
        """Return the bytes of the scores in the tail."""
        lanes = {
            (number, place["lane"])
            for number, publication in self.publications()
            for place in publication.lanes
            if place["part"].startswith("scores/")
        }
        rows = self._database.rows("SELECT publication, lane, length(content) FROM payload")
        return sum(length for number, lane, length in rows if (number, lane) in lanes)

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove publications that segments have replaced."""
        with self._database.transaction() as cursor:
            for table, column in (("publication", "id"), ("payload", "publication")):
                cursor.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(number,) for number in numbers])

    def close(self) -> None:
        """Close the connection; it is opened again where it is needed."""
        self._database.close()
