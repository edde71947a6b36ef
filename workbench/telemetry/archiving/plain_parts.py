"""Parts of a plain channel as arrays: no commands, labels or filled samples; those of one table share their times.

What `ChannelParts` says of a channel in datasets, this says with arrays that all channels of a table have in common,
so that a thousand of them cost a few passes of NumPy. Both describe the same channel in the same words.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.telemetry.archiving.label_moments import are_labelled
from workbench.telemetry.archiving.lanes import Lane, Variable
from workbench.telemetry.archiving.plain_rows import TIME_ATTRIBUTES
from workbench.telemetry.attribute_names import LABEL_MOMENTS, REMOVED
from workbench.telemetry.schema import ATTRIBUTES, hash_header
from workbench.telemetry.series_hash import BLOCK_SAMPLES, chained_hash, is_chained
from workbench.telemetry.training_span import TrainingSpan

__all__ = ["PlainParts", "SharedTimes", "is_plain", "plain_lane", "shared_variables"]

_OTHERS = ("attributes", "n_before", "before_hash", "earlier_labels", "missing", "doubtful", REMOVED)


class SharedTimes:
    """The times of a part that several plain channels have in common.

    Parameters
    ----------
    time : numpy.ndarray, shape (n,), datetime64[ns]
        Strictly rising.

    Attributes
    ----------
    time : numpy.ndarray
        The times.
    """

    def __init__(self, time: npt.NDArray[np.datetime64]) -> None:
        self.time = time

    @cached_property
    def _began(self) -> "hashlib._Hash":
        """The digest of a series up to its values."""
        digest = hashlib.sha256(hash_header("time", self.time.dtype, self.time.shape))
        digest.update(np.ascontiguousarray(self.time).view(np.uint8).data)
        digest.update(hash_header("telemetry", np.dtype(np.float32), self.time.shape))
        return digest

    def data_hash(self, *telemetry: npt.NDArray[np.float32]) -> str:
        """Return what `workbench.telemetry.schema.data_hash` returns for a plain series with these times.

        Parameters
        ----------
        *telemetry : numpy.ndarray, float32
            Its values, block after block.
        """
        digest = self._began.copy()
        for block in telemetry:
            digest.update(np.ascontiguousarray(block.astype("<f4", copy=False)).view(np.uint8).data)
        digest.update(hash_header("commands", np.dtype(np.int8), (len(self.time), 0)))
        return digest.hexdigest()

    def series_hash(self, *telemetry: npt.NDArray[np.float32]) -> str:
        """Return what `workbench.telemetry.series_hash.series_hash` returns for a plain series with these times.

        Parameters
        ----------
        *telemetry : numpy.ndarray, float32
            Its values, block after block.
        """
        values = telemetry[0] if len(telemetry) == 1 else np.concatenate(telemetry)
        return self._chained_hash(values) if len(self.time) > BLOCK_SAMPLES else self.data_hash(values)

    def hash_as(self, telemetry: npt.NDArray[np.float32], noted: str) -> str:
        """Return what `workbench.telemetry.series_hash.hash_as` returns for a plain series with these times."""
        return self._chained_hash(telemetry) if is_chained(noted) else self.data_hash(telemetry)

    def _chained_hash(self, telemetry: npt.NDArray[np.float32]) -> str:
        hashes = [
            block.data_hash(telemetry[start : start + BLOCK_SAMPLES])
            for start, block in zip(range(0, len(self.time) + 1, BLOCK_SAMPLES), self._blocks, strict=True)
        ]
        return chained_hash(hashes[:-1], len(self.time), hashes[-1])

    @cached_property
    def _blocks(self) -> "list[SharedTimes]":
        """The times of each whole block, and of what follows the last one."""
        starts = range(0, len(self.time) + 1, BLOCK_SAMPLES)
        return [SharedTimes(self.time[start : start + BLOCK_SAMPLES]) for start in starts]

    def variables(self, first: int) -> tuple[Variable, Variable]:
        """Return times and commands from a row on, as all lanes of the table share them."""
        return shared_variables(self.time[first:])


def shared_variables(time: npt.NDArray[np.datetime64]) -> tuple[Variable, Variable]:
    """Return times and commands as all lanes of a table share them."""
    commands = np.zeros((len(time), 0), dtype=np.int8)
    return (
        Variable(("time",), time.view(np.int64), TIME_ATTRIBUTES, True),
        Variable(("time", "command"), commands, {}, False),
    )


def plain_lane(
    channel: str, part: str, shared: tuple[Variable, Variable], values: npt.NDArray[np.float32], first: int
) -> Lane:
    """Return the lane of a plain channel; `shared` is from `shared_variables`."""
    time, commands = shared
    variables = {"telemetry": Variable(("time",), values, {}, False), "commands": commands, "time": time}
    return Lane(channel, part, variables, first, first + len(values))


@dataclass(frozen=True)
class PlainParts:
    """A plain channel that is written, whole or where its test series goes on.

    Attributes
    ----------
    description : dict of str to str
        Attributes of both splits, as `workbench.telemetry.schema.ATTRIBUTES`.
    hashes : tuple of str
        Hash of the training and of the test series.
    sizes : tuple of int
        Samples of both.
    span : TrainingSpan
        The training span.
    blocks : tuple of tuple
        Name, times and commands, values and first row of each part that is written.
    summary : dict
        As from `workbench.telemetry.archiving.channel_parts.summary_of`.
    goes_on_from : str or None
        Hash of the stored test series that is gone on from; None where the channel is new.
    """

    description: Mapping[str, str]
    hashes: tuple[str, str]
    sizes: tuple[int, int]
    span: TrainingSpan
    blocks: tuple[tuple[str, tuple[Variable, Variable], npt.NDArray[np.float32], int], ...]
    summary: Mapping[str, Any]
    goes_on_from: str | None

    @property
    def channel(self) -> str:
        """Name of the channel."""
        return self.description["channel"]

    def attributes(self) -> dict[str, Any]:
        """Return the description of the channel, as `ChannelParts.attributes` does."""
        return {
            **{name: self.description[name] for name in ATTRIBUTES},
            "n_train": self.sizes[0],
            "n_test": self.sizes[1],
            "n_commands": 0,
            "command_names": [],
            "train_hash": self.hashes[0],
            "test_hash": self.hashes[1],
            LABEL_MOMENTS: None,
            "summary": dict(self.summary),
            "training_span": self.span.to_attributes(),
        }

    def lanes(self) -> list[Lane]:
        """Return the rows that are written."""
        return [plain_lane(self.channel, part, shared, values, first) for part, shared, values, first in self.blocks]

    def fits(self, present: Mapping[str, Any] | None) -> bool:
        """Tell whether the archive holds what it held of the channel when this was made."""
        if present is None or self.goes_on_from is None:
            return present is None and self.goes_on_from is None
        return bool(present["test_hash"] == self.goes_on_from) and is_plain(present)


def is_plain(attributes: Mapping[str, Any]) -> bool:
    """Tell whether a stored channel has nothing beside its training and test series that a longer one must keep."""
    return not (attributes["n_commands"] or are_labelled(attributes) or any(attributes.get(name) for name in _OTHERS))
