"""Minimum, mean and maximum of a long series by buckets, from the levels of its segments and what has none yet.

A bucket is a stretch of rows whose bounds are multiples of its size, so that a chart that is panned draws the same
buckets again. Whole blocks of the coarsest level that fits are read; what they leave at either end, rows of the tail
and segments without levels are read sample by sample.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.lanes import EPOCH
from workbench.telemetry.archiving.levels import (
    LEVELLED,
    SIZES,
    Blocks,
    level_slice,
    levels_folder,
    read_level,
    reduced,
    summarized,
)
from workbench.telemetry.archiving.publication import Piece
from workbench.telemetry.archiving.segments import open_arrays
from workbench.telemetry.archiving.series import PartReader
from workbench.telemetry.damage import Place, damage_named

__all__ = ["Envelope", "EnvelopeReader", "bucket_edges", "bucket_size"]

_LOG = logging.getLogger(__name__)
_FINER = 4  # blocks of which a bucket is made at least
_ROWS_AT_A_TIME = 262_144


@dataclass(frozen=True)
class Envelope:
    """Minimum, mean and maximum of a series by buckets.

    Attributes
    ----------
    row : numpy.ndarray, shape (k,), int64
        First row of each bucket; it ends where the next one begins.
    time : numpy.ndarray, shape (k,)
        Time of that row.
    minimum, mean, maximum : numpy.ndarray, shape (k,), float64
        Of the finite values; NaN where there is none.
    deviation : numpy.ndarray, shape (k,), float64
        Their standard deviation (population).
    count, rows : numpy.ndarray, shape (k,), int64
        Number of finite values, and of rows.
    """

    row: npt.NDArray[np.int64]
    time: npt.NDArray[Any]
    minimum: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    maximum: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


def bucket_size(length: int, width: int) -> int:
    """Return how many rows a bucket has, so that there are at most some buckets wherever the rows begin.

    Examples
    --------
    >>> bucket_size(10, 20), bucket_size(100, 11), bucket_size(1_000_000, 801)
    (1, 10, 1280)
    """
    if length <= width:
        return 1
    if width == 1:
        return length
    size = -(-length // (width - 1))
    unit = max((one for one in SIZES if one * _FINER <= size), default=1)
    return -(-size // unit) * unit


def bucket_edges(begin: int, end: int, size: int) -> npt.NDArray[np.int64]:
    """Return where buckets begin: at multiples of their size, but for the first.

    Examples
    --------
    >>> bucket_edges(5, 25, 10).tolist(), bucket_edges(0, 3, 1).tolist()
    ([5, 10, 20], [0, 1, 2])
    """
    inner = np.arange((begin // size + 1) * size, end, size, dtype=np.int64)
    return np.concatenate([np.array([begin], dtype=np.int64), inner])


class EnvelopeReader:
    """Statistics of one part of a channel.

    Parameters
    ----------
    store : Path
        Folder of the archive.
    reader : PartReader
        Its rows.
    pieces : sequence of Piece
        Where they lie.
    origin : int
        How many rows were there before the first of them, and are removed.
    place : Place
        What they are, for an error that says that they are damaged.
    """

    def __init__(self, store: Path, reader: PartReader, pieces: Sequence[Piece], place: Place, origin: int = 0) -> None:
        self._store = store
        self._reader = reader
        self._pieces = tuple(pieces)
        self._place = place
        self._origin = origin
        self._described = reader.describe()
        self._opened: dict[tuple[Piece, str], _Levels | None] = {}
        self._marks: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None

    @property
    def length(self) -> int:
        """Return the number of rows."""
        return self._reader.length

    def envelope(self, name: str, begin: int, end: int, width: int) -> Envelope:
        """Return the envelope of a variable over some rows; see `workbench.telemetry.archive.Archive.envelope`."""
        if begin >= end:
            return self._finished(Blocks.joined([]), end)
        size, o = bucket_size(end - begin, width), self._origin
        edges = np.array([begin + o]) if width == 1 else bucket_edges(begin + o, end + o, size)
        parts = []
        for piece in self._pieces:
            first, last = max(begin, piece.first), min(end, piece.first + piece.length)
            if first < last:
                parts.append(self._blocks(piece, name, first + o, last + o, size, edges))
        return self._finished(reduced(Blocks.joined(parts), edges), end)

    def rows_at(self, times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the first row at or behind each of some times, as whole numbers on the clock of the series."""
        starts, rows = self._landmarks()
        ends = np.append(rows[1:], self.length)
        places = np.maximum(np.searchsorted(starts, times, side="left") - 1, 0)
        found = np.empty(len(times), dtype=np.int64)
        for number, (place, time) in enumerate(zip(places, times, strict=True)):
            own = self._times(int(rows[place]), int(ends[place]))
            found[number] = rows[place] + np.searchsorted(own, time, side="left")
        return found

    # ---- internals

    def _finished(self, blocks: Blocks, end: int) -> Envelope:
        least, greatest, mean, squares, counts = blocks.statistics.T
        row = blocks.row - self._origin
        dated = self._described["time"].attributes.get("units") == EPOCH
        with np.errstate(invalid="ignore", divide="ignore"):
            deviation = np.sqrt(squares / counts)
        return Envelope(
            row,
            blocks.time.view("datetime64[ns]") if dated else blocks.time,
            least,
            mean,
            greatest,
            deviation,
            counts.astype(np.int64),
            np.diff(np.append(row, end)) if len(row) else np.empty(0, np.int64),
        )

    def _blocks(self, piece: Piece, name: str, begin: int, end: int, size: int, edges: npt.NDArray[np.int64]) -> Blocks:
        """Return stretches that cover absolute rows of one piece, none of which reaches over an edge."""
        level = max((number for number, one in enumerate(SIZES) if one * _FINER <= size), default=-1)
        levels = self._levels(piece, name) if level >= 0 and end - begin >= SIZES[0] and name in LEVELLED else None
        return Blocks.joined(self._at_level(piece, name, begin, end, level, levels, edges))

    def _at_level(
        self,
        piece: Piece,
        name: str,
        begin: int,
        end: int,
        level: int,
        levels: "_Levels | None",
        edges: npt.NDArray[np.int64],
    ) -> list[Blocks]:
        if begin >= end:
            return []
        if level < 0 or levels is None:
            return self._samples(name, begin, end, edges)
        size = SIZES[level]
        first = begin // size if begin == levels.first else -(-begin // size)
        last = -(-end // size) if end == levels.first + levels.rows else end // size
        if first >= last:
            return self._at_level(piece, name, begin, end, level - 1, levels, edges)
        inner = (max(first * size, begin), min(last * size, end))
        try:
            with damage_named(self._place, levels.folder):
                times, statistics = levels.read(name, piece.lane, level, first, last)
        except ArchiveError as error:
            _warn(error)
            self._opened[piece, name] = None
            return self._samples(name, begin, end, edges)
        starts = np.arange(first, last, dtype=np.int64) * size
        starts[0] = inner[0]
        return [
            *self._at_level(piece, name, begin, inner[0], level - 1, levels, edges),
            Blocks(starts, times, statistics),
            *self._at_level(piece, name, inner[1], end, level - 1, levels, edges),
        ]

    def _samples(self, name: str, begin: int, end: int, edges: npt.NDArray[np.int64]) -> list[Blocks]:
        parts = []
        for start in range(begin, end, _ROWS_AT_A_TIME):
            stop = min(start + _ROWS_AT_A_TIME, end)
            rows = start - self._origin, stop - self._origin
            values = self._reader.read(name, *rows, self._described[name])
            parts.append(summarized(values, self._times(*rows), start, edges))
        return parts

    def _times(self, begin: int, end: int) -> npt.NDArray[np.int64]:
        return self._reader.read("time", begin, end, self._described["time"]).astype(np.int64, copy=False)

    def _levels(self, piece: Piece, name: str) -> "_Levels | None":
        """Open the levels of a piece; None where it has none, or damaged ones, which are not used."""
        if (piece, name) not in self._opened:
            self._opened[piece, name] = None if piece.kind == "tail" else self._open_levels(piece, name)
        return self._opened[piece, name]

    def _open_levels(self, piece: Piece, name: str) -> "_Levels | None":
        folder = levels_folder(self._store / piece.folder, piece.place)
        if not folder.exists():
            return None
        try:
            with damage_named(self._place, folder):
                arrays = open_arrays(folder)
                rows = int(open_arrays(self._store / piece.folder / piece.place)["time"].shape[0])
                first = piece.first + self._origin - piece.start
                blocks = level_slice(first, rows, 0).stop
                if arrays["time"].shape != (blocks,) or arrays[name].shape[1] != blocks:
                    raise ValueError("they are not those of these samples")
                return _Levels(folder, arrays, first, rows)
        except ArchiveError as error:
            _warn(error)
            return None

    def _landmarks(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return times of some rows, and these rows: two thousand samples apart where there are levels."""
        if self._marks is not None:
            return self._marks
        times, rows = [], []
        for piece in self._pieces:
            end = piece.first + piece.length
            edges = np.arange(piece.first, end, SIZES[1]) + self._origin
            for name in self._described:
                levels = self._levels(piece, name) if name in LEVELLED else None
                if levels is None:
                    continue
                blocks = Blocks.joined(
                    self._at_level(piece, name, piece.first + self._origin, end + self._origin, 1, levels, edges)
                )
                times.append(blocks.time)
                rows.append(blocks.row - self._origin)
                break
            else:
                times.append(self._times(piece.first, piece.first + 1))
                rows.append(np.array([piece.first], dtype=np.int64))
        self._marks = np.concatenate(times), np.concatenate(rows)
        return self._marks


class _Levels:
    """Opened levels of a group of a segment; all but the finest stay in memory once they were read."""

    def __init__(self, folder: Path, arrays: Mapping[str, Any], first: int, rows: int) -> None:
        self.folder = folder
        self.first = first
        self.rows = rows
        self._arrays = arrays
        self._coarse: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None

    def read(
        self, name: str, lane: int, level: int, first: int, last: int
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return times and statistics of blocks of a level, counted from row 0."""
        place = level_slice(self.first, self.rows, level)
        offset = place.start - self.first // SIZES[level]
        part = slice(first + offset, last + offset)
        if level == 0:
            return read_level(self._arrays, name, lane, part)
        if self._coarse is None:  # of one variable and lane: those of a piece
            self._coarse = read_level(self._arrays, name, lane, slice(0, level_slice(self.first, self.rows, 0).start))
        return self._coarse[0][part], self._coarse[1][part]


def _warn(error: ArchiveError) -> None:
    _LOG.warning("Levels are not used, and can be made again by workbench doctor --levels: %s", error.message)
