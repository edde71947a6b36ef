"""Reads rows of plain channels that lie side by side: the same times, no commands, nothing that was filled.

What a table of many sensors writes lies in one group of a segment, or in one publication of the tail. Its rows are read
for all channels at once, with their times once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.lanes import EPOCH
from workbench.telemetry.archiving.publication import Piece
from workbench.telemetry.archiving.segments import open_arrays
from workbench.telemetry.archiving.tail import Tail, unpack
from workbench.telemetry.damage import Place, damage_named

__all__ = ["TIME_ATTRIBUTES", "PlainReader", "PlainRows"]

TIME_ATTRIBUTES = {"units": EPOCH, "calendar": "proleptic_gregorian"}
"""Attributes of the times of a channel that has times."""

_PLAIN = {"telemetry", "commands", "time"}
_ATTRIBUTES: dict[str, dict[str, Any]] = {"telemetry": {}, "commands": {}, "@time": TIME_ATTRIBUTES}
_DESCRIBING = {"channel", "command", "units"}
_PLACE = Place("The archive", "Run: workbench doctor")  # what is wrong is said where a channel is read alone


@dataclass(frozen=True)
class PlainRows:
    """Rows of one part of channels that share their times and have neither commands nor filled samples.

    Attributes
    ----------
    time : numpy.ndarray, shape (n,), datetime64[ns]
        Their times.
    telemetry : numpy.ndarray, shape (channels, n), float32
        Their values.
    """

    time: npt.NDArray[np.datetime64]
    telemetry: npt.NDArray[np.float32]


class PlainReader:
    """Reads from one archive; what it opens stays open.

    Parameters
    ----------
    store : Path
        Folder of the archive.
    tail : Tail
        Its tail.
    """

    def __init__(self, store: Path, tail: Tail) -> None:
        self._store = store
        self._tail = tail
        self._arrays: dict[str, Mapping[str, Any]] = {}

    def group(self, piece: Piece) -> Mapping[str, Any]:
        """Return the arrays of the group that a piece of a segment lies in."""
        folder = f"{piece.folder}/{piece.place}"
        if folder not in self._arrays:
            self._arrays[folder] = open_arrays(self._store / folder)
        return self._arrays[folder]

    def rows(self, channels: Sequence[str], pieces: Sequence[Sequence[Piece]]) -> PlainRows | None:
        """Read rows of channels that lie side by side.

        Parameters
        ----------
        channels : sequence of str
            Names of the channels.
        pieces : sequence of sequence of Piece
            Where the rows of each of them lie: alike but for the lane.

        Returns
        -------
        PlainRows or None
            None where they do not share their times, are not plain, or cannot be read.
        """
        times, blocks = [], []
        for alike in zip(*pieces, strict=True):
            try:
                with damage_named(_PLACE, self._store):
                    rows = self._tail_rows(alike) if alike[0].kind == "tail" else self._segment_rows(alike, channels)
            except ArchiveError:
                return None
            if rows is None:
                return None
            times.append(rows.time)
            blocks.append(rows.telemetry)
        return PlainRows(np.concatenate(times), np.concatenate(blocks, axis=1)) if times else None

    # ---- internals

    def _segment_rows(self, pieces: Sequence[Piece], channels: Sequence[str]) -> PlainRows | None:
        first = pieces[0]
        arrays = self.group(first)
        if set(arrays) - _DESCRIBING != _PLAIN or any(
            dict(arrays[name.removeprefix("@")].attrs) != about for name, about in _ATTRIBUTES.items()
        ):
            return None
        if arrays["telemetry"].dtype != np.float32 or arrays["commands"].shape[1:] != (0,):
            return None
        if [str(one) for one in arrays["channel"][...][[piece.lane for piece in pieces]]] != list(channels):
            return None
        rows = slice(first.start, first.start + first.length)
        lanes = np.array([piece.lane for piece in pieces])
        least = int(lanes.min())
        values = np.asarray(arrays["telemetry"][least : int(lanes.max()) + 1, rows])[lanes - least]
        time = np.asarray(arrays["time"][rows])
        if time.shape != (first.length,) or values.shape != (len(pieces), first.length):
            return None
        return PlainRows(time.view("datetime64[ns]"), values)

    def _tail_rows(self, pieces: Sequence[Piece]) -> PlainRows | None:
        first = pieces[0]
        contents = self._tail.sound(first.revision)
        values = np.empty((len(pieces), first.length), dtype=np.float32)
        time: npt.NDArray[Any] | None = None
        for place, piece in enumerate(pieces):
            rows = unpack(contents[piece.lane])
            if set(rows) != {"telemetry", "commands", "@time"} or any(
                rows[name][2] != about for name, about in _ATTRIBUTES.items()
            ):
                return None
            own, telemetry = rows["@time"][1], rows["telemetry"][1]
            if telemetry.dtype != np.float32 or rows["commands"][1].shape[1:] != (0,):
                return None
            own = own[piece.start : piece.start + piece.length]
            if time is not None and not np.array_equal(own, time):
                return None
            time = own
            values[place] = telemetry[piece.start : piece.start + piece.length]
        return None if time is None else PlainRows(time.view("datetime64[ns]"), values)
