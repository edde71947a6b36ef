"""What one publication of the archive says, and where rows of a channel lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Piece", "Publication", "within"]


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
