"""Reading series that are too long to be held: their envelopes, some of their rows, and the levels that serve this."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.envelopes import Envelope, EnvelopeReader
from workbench.telemetry.archiving.level_repair import LongGroup, level_faults, long_groups, make_levels
from workbench.telemetry.archiving.publication import within
from workbench.telemetry.archiving.reader import ArchiveReader, score_place
from workbench.telemetry.attribute_names import REMOVED
from workbench.telemetry.damage import Place
from workbench.telemetry.schema import ATTRIBUTES

__all__ = ["LongSeriesReader"]

_MAX_ENVELOPES = 32


class LongSeriesReader(ArchiveReader):
    """What `workbench.telemetry.archive.Archive` reads of long series, which see for its parameters and attributes."""

    def __init__(self, path: Path, index_url: str | None = None) -> None:
        self._kept_envelopes: tuple[Any, OrderedDict[tuple[str, str], EnvelopeReader]] = (None, OrderedDict())
        super().__init__(path, index_url)

    def close(self) -> None:
        """Close the databases; they are opened again where they are needed."""
        self._kept_envelopes = (None, OrderedDict())
        super().close()

    def envelope(
        self, channel: str, part: str, begin: int, end: int, width: int, variable: str | None = None
    ) -> Envelope:
        """Return minimum, mean and maximum of a series by buckets, without reading all of its samples.

        Parameters
        ----------
        channel : str
            Name of the channel.
        part : str
            `train` or `test`, or `scores/KEY` for a stored score.
        begin, end : int
            Rows of the part, the last exclusive; what lies beyond the part is left out.
        width : int
            Most buckets. Where there are no more rows, each row is a bucket.
        variable : str, optional
            Variable of the part; `telemetry`, or `prediction` of a score, where omitted.

        Returns
        -------
        Envelope
            A value that is not finite counts for nothing; a bucket without any other is NaN.

        Raises
        ------
        ChannelNotFoundError
            No such channel.
        ArchiveError
            The store is damaged, or there is no such variable.
        """
        if width < 1:
            raise ArchiveError(f"An envelope of {width} buckets cannot be drawn.", "Ask for at least one bucket.")
        envelopes = self._envelopes(channel, part)
        name = variable or ("prediction" if part.startswith("scores/") else "telemetry")
        return envelopes.envelope(name, max(begin, 0), min(end, envelopes.length), width)

    def rows_at(self, channel: str, part: str, times: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the first row of a part at or behind each of some times, without reading all of its times.

        Parameters
        ----------
        channel, part : str
            As for `envelope`.
        times : array_like, int
            Nanoseconds since 1970, UTC, or numbers of samples where the source has no times.

        Returns
        -------
        numpy.ndarray, int64
            The number of rows where a time lies behind all of them.
        """
        return self._envelopes(channel, part).rows_at(np.asarray(times, dtype=np.int64))

    def length(self, channel: str, part: str) -> int:
        """Return how many rows a part of a channel has.

        Parameters
        ----------
        channel, part : str
            As for `envelope`.
        """
        return self._envelopes(channel, part).length

    def rows(self, channel: str, part: str, begin: int, end: int, variables: Sequence[str] | None = None) -> xr.Dataset:
        """Read some rows of a part of a channel, and nothing else of it.

        Parameters
        ----------
        channel, part, begin, end
            As for `envelope`.
        variables : sequence of str, optional
            What is read beside the times; all of them where omitted.

        Returns
        -------
        xarray.Dataset
        """
        about = self._attributes(channel)
        reader = self._reader(channel, part, self._place_of(channel, part), begin, end)
        names = None if part.startswith("scores/") else about["command_names"]
        dataset = reader.dataset({name: about[name] for name in ATTRIBUTES}, names)
        return (dataset if variables is None else dataset[["time", *variables]]).load()

    def ends_of_pieces(self, channel: str, part: str) -> list[int]:
        """Return the rows before which a part can be cut so that no segment is cut: the ends of its segments.

        Parameters
        ----------
        channel, part : str
            As for `origin`.
        """
        pieces = self.index.pieces(channel, part)
        return [
            piece.first + piece.length - pieces[0].first
            for piece, following in zip(pieces, [*pieces[1:], None], strict=True)
            if piece.kind == "segment" and (following is None or following.revision != piece.revision)
        ]

    def removed(self, channel: str) -> list[tuple[int, int]]:
        """Return the first and last moment of what is removed in front of each part of a channel.

        Parameters
        ----------
        channel : str
            Name of the channel.
        """
        notes = self._attributes(channel).get(REMOVED, {}).values()
        return [(int(about["since"]), int(about["until"])) for about in notes]

    def lacks_levels(self) -> int:
        """Return how many groups of long series have no levels, as those that an earlier release wrote.

        Their envelopes are the same; every sample is read for them.
        """
        return sum(group.first is not None and not group.folder.exists() for group in self._long_groups())

    def level_faults(self) -> list[ArchiveError]:
        """Read the levels of all long series, and return what is wrong with them; samples are not concerned."""
        return list(level_faults(self.path, self.index))

    def make_levels(self) -> tuple[int, list[ArchiveError]]:
        """Make the levels of long series that have none, or damaged ones.

        Returns
        -------
        int
            How many groups of series got levels.
        list of ArchiveError
            What could not be read.
        """
        if not self._long_groups():
            return 0, []
        with self._publisher.writing():
            made = make_levels(self.path, self.index, self.incoming)
        self._kept_envelopes = (None, OrderedDict())
        return made

    # ---- internals

    def _long_groups(self) -> list[LongGroup]:
        return long_groups(self.path, self.index)

    def _envelopes(self, channel: str, part: str) -> EnvelopeReader:
        """Return what reads the levels of a part; those used last are kept while nothing is published."""
        self._attributes(channel)
        stamp = self.index.stamp()
        if self._kept_envelopes[0] != stamp:
            self._kept_envelopes = (stamp, OrderedDict())
        kept = self._kept_envelopes[1]
        envelopes = kept.pop((channel, part), None)
        if envelopes is None:
            place = self._place_of(channel, part)
            pieces = self.index.pieces(channel, part)
            if not pieces:
                raise ArchiveError(f"{channel} has no {part}.", f"Parts: {', '.join(self.index.parts(channel))}.")
            origin = pieces[0].first
            shifted = within(pieces, origin, None)
            envelopes = EnvelopeReader(self.path, self._reader(channel, part, place), shifted, place, origin)
        kept[channel, part] = envelopes
        if len(kept) > _MAX_ENVELOPES:
            kept.popitem(last=False)
        return envelopes

    def _place_of(self, channel: str, part: str) -> Place:
        return score_place(channel, part.removeprefix("scores/")) if "/" in part else self._place(channel)
