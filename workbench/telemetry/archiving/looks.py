"""Looks at many channels of an archive at once: what the index says of them, their files, and rows that they share.

One channel is looked up in some queries and by the state of each of its files. A look does the same for a whole fleet
with as many queries, and notes the state of a file once, however many channels lie in it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.index import Index
from workbench.telemetry.archiving.plain_rows import PlainReader, PlainRows
from workbench.telemetry.archiving.publication import Piece
from workbench.telemetry.archiving.segments import lane_files
from workbench.telemetry.archiving.tail import Tail, unpack
from workbench.telemetry.attributes import check_score
from workbench.telemetry.damage import Place, damage_named
from workbench.telemetry.schema import SPLITS

__all__ = ["Look"]

_TRIES = 8  # where another process publishes while something is looked up
_SCORE = ("prediction", "prediction_error", "smoothed_error", "epsilon", "@sample")


class Look:
    """What an archive says of channels at one moment.

    Parameters
    ----------
    store : Path
        Folder of the archive.
    index, tail : Index, Tail
        Its index and its tail.
    channels : sequence of str
        Names of the channels.
    check : callable
        Function that raises an error where the description of a segment, or the attributes of a channel, are damaged;
        it takes the name, the attributes and the folders of the channel's segments.
    verified : mapping of tuple to str
        Stamps of parts that this process has found sound.
    with_scores : bool
        Look up the scores, too.

    Attributes
    ----------
    attributes : dict of str to dict
        Attributes of those of the channels that are there and sound. Whatever is wrong with the others is said where
        they are looked up one by one.
    is_whole : bool
        False where other processes published all the time, so that nothing was looked up.
    """

    def __init__(
        self,
        store: Path,
        index: Index,
        tail: Tail,
        channels: Sequence[str],
        check: Callable[[str, dict[str, Any], Sequence[str]], None],
        verified: Mapping[tuple[str, str], str],
        *,
        with_scores: bool = False,
    ) -> None:
        self._store = store
        self._tail = tail
        self.attributes: dict[str, dict[str, Any]] = {}
        self._scores: dict[str, dict[str, dict[str, Any] | ArchiveError]] = {}
        self.is_whole = False
        self._plain = PlainReader(store, tail)
        self._sound: dict[int, Mapping[int, bytes]] = {}
        self._sizes: dict[str, list[int]] = {}
        self._states: dict[tuple[Any, ...], bytes] = {}
        for _ in range(_TRIES):
            stamp = index.stamp()
            described = index.attributes_of(channels)
            self._pieces = index.pieces_of(channels)
            self._verified = index.verified_of(channels)
            scores = index.scores_of(channels) if with_scores else {}
            self.is_whole = index.stamp() == stamp
            if self.is_whole:
                break
        if not self.is_whole:
            return
        self._verified |= {key: stamp for key, stamp in verified.items() if key[0] in described}
        self._scores = scores
        folders: dict[str, dict[str, None]] = {name: {} for name in described}
        for (name, part), pieces in self._pieces.items():
            if name in folders and not part.startswith("scores/"):
                folders[name] |= {piece.folder: None for piece in pieces if piece.kind == "segment"}
        for name, (about, folder) in described.items():
            if isinstance(about, ArchiveError):
                continue
            try:
                check(name, about, [*folders[name], *([folder] if folder and folder not in folders[name] else [])])
            except ArchiveError:
                continue
            self.attributes[name] = about

    def pieces(self, channel: str, part: str) -> tuple[Piece, ...]:
        """Return where the rows of a part of a channel lie, in their order."""
        return self._pieces.get((channel, part), ())

    def score(self, channel: str, key: str) -> dict[str, Any] | None:
        """Return the attributes of a stored score; None where there is none, or they are damaged."""
        attributes = self._scores.get(channel, {}).get(key)
        if attributes is None or isinstance(attributes, ArchiveError):
            return None
        try:
            with damage_named(_PLACE, self._store):
                check_score(attributes)
        except ArchiveError:
            return None
        return attributes

    def is_verified(self, channel: str, part: str) -> bool:
        """Tell whether a part was found sound before, and its files have not changed since.

        Parameters
        ----------
        channel : str
            Name of a channel that has attributes here.
        part : str
            `train`, `test` or `scores/<key>`.
        """
        key = (channel, part)
        return key in self._verified and self.stamp(channel, part) == self._verified[key]

    def stamp(self, channel: str, part: str) -> str | None:
        """Return a text that changes when a file of a part changes; None where it cannot be made.

        It is what `ArchiveReader` notes of a part that was read whole.
        """
        about = self.attributes[channel]
        content = about[f"{part}_hash"] if part in SPLITS else ""
        digest = hashlib.sha256(content.encode())
        for piece in self.pieces(channel, part):
            digest.update(f"{piece};".encode())
            if piece.kind == "tail":
                if piece.lane not in self._sound_lanes(piece.revision):
                    return None
            else:
                state = self._state(piece)
                if state is None:
                    return None
                digest.update(state)
        return digest.hexdigest()

    def state(self, channel: str) -> str | None:
        """Return a text that changes when anything that is stored of a channel's test series or its scores does.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        str or None
            None where something is damaged, or cannot be read.
        """
        scores = self._scores.get(channel, {})
        parts = ["test", *(f"scores/{key}" for key in sorted(scores))]
        damaged = channel not in self.attributes or any(isinstance(own, ArchiveError) for own in scores.values())
        stamps = [] if damaged else [self.stamp(channel, part) for part in parts]
        if damaged or None in stamps:
            return None
        content = json.dumps([self.attributes[channel], scores, stamps], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def is_sound_score(self, channel: str, key: str) -> bool:
        """Tell whether a score that lies in the tail is what was written, and fits its series; its rows are read.

        Parameters
        ----------
        channel : str
            Name of a channel that has attributes here.
        key : str
            Key of the score.

        Returns
        -------
        bool
            False also where a part of it lies in a segment: then it is to be read alone.
        """
        attributes, length = self.score(channel, key), self.attributes[channel]["n_test"]
        if attributes is None or "anomalies" not in attributes:
            return False
        pieces = self.pieces(channel, f"scores/{key}")
        samples: list[npt.NDArray[Any]] = []
        kinds: set[tuple[tuple[str, tuple[str, ...], str], ...]] = set()
        end = 0
        for piece in pieces:
            if piece.kind != "tail" or piece.first != end:
                return False
            end += piece.length
            try:
                with damage_named(_PLACE, self._store):
                    rows = unpack(self._tail.check(piece.revision, piece.lane))
                    kinds.add(tuple((name, dims, values.dtype.str) for name, (dims, values, _) in sorted(rows.items())))
                    if any(rows[name][0] != ("time",) for name in _SCORE):
                        return False
                    samples.append(rows["@sample"][1][piece.start : piece.start + piece.length])
                    whole = all(len(rows[name][1]) >= piece.start + piece.length for name in _SCORE)
            except ArchiveError:
                return False
            if not whole:
                return False
        if len(kinds) != 1:
            return False
        sample = np.concatenate(samples)
        first = int(sample[0]) if sample.size else -1
        return 0 <= first <= length - sample.size and np.array_equal(sample, np.arange(first, first + sample.size))

    def plain_rows(self, channels: Sequence[str], part: str) -> PlainRows | None:
        """Read a part of channels whose rows lie side by side.

        Parameters
        ----------
        channels : sequence of str
            Names of the channels; of all of them, the rows lie in the same publications.
        part : str
            `train` or `test`.

        Returns
        -------
        PlainRows or None
            None where they do not share their times, are not plain, or cannot be read.
        """
        return self._plain.rows(channels, [self.pieces(name, part) for name in channels])

    # ---- internals

    def _sound_lanes(self, number: int) -> Mapping[int, bytes]:
        if number not in self._sound:
            self._sound[number] = self._tail.sound(number, ())
        return self._sound[number]

    def _state(self, piece: Piece) -> bytes | None:
        """Return the state of the files of a lane; channels in the same chunks have the same."""
        folder = self._store / piece.folder / piece.place
        try:
            with damage_named(_PLACE, folder):
                name = f"{piece.folder}/{piece.place}"
                if name not in self._sizes:
                    arrays = self._plain.group(piece).values()
                    self._sizes[name] = sorted({(array.shards or array.chunks)[0] for array in arrays})
                key = (name, *(piece.lane // size for size in self._sizes[name]))
                if key not in self._states:
                    self._states[key] = b"".join(_file_states(lane_files(folder, piece.lane)))
                return self._states[key]
        except ArchiveError:
            return None


_PLACE = Place("The archive", "Run: workbench doctor")  # what is wrong is said where a channel is looked up alone


def _file_states(files: Sequence[Path]) -> Iterator[bytes]:
    for file in files:
        about = file.stat()
        yield f"{file.name}:{about.st_ino}:{about.st_size}:{about.st_mtime_ns};".encode()
