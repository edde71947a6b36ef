"""The training span: from which sample to which the models of a channel learn. It is kept with the channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["TrainingSpan"]

Point = np.datetime64 | int
"""A time in UTC, or the number of a sample since the channel began where it has no times."""


@dataclass(frozen=True)
class TrainingSpan:
    """First and last sample that the models of a channel learn from, both inclusive.

    Samples after it are the test series. Samples before it are stored, but neither learned from nor scored.

    Attributes
    ----------
    start : numpy.datetime64, int or None
        None only where an earlier release wrote it: from the first sample that the channel had.
    end : numpy.datetime64 or int
        Last of the training samples, or a time after it and before the first sample of the test series.
    """

    start: Point | None
    end: Point

    def places(self, time: npt.NDArray[Any]) -> tuple[int, int]:
        """Return where the training samples begin and end in a series.

        Parameters
        ----------
        time : numpy.ndarray, shape (n,)
            Strictly rising.

        Returns
        -------
        tuple of int
            First training sample, and the sample after the last.

        Examples
        --------
        >>> TrainingSpan(None, 3).places(np.arange(10)), TrainingSpan(2, 3).places(np.arange(10))
        ((0, 4), (2, 4))
        """
        first = 0 if self.start is None else int(np.searchsorted(time, self.start, side="left"))
        return first, int(np.searchsorted(time, self.end, side="right"))

    def to_attributes(self) -> dict[str, str | int | None]:
        """Return the span as JSON holds it."""
        return {"start": _plain(self.start), "end": _plain(self.end)}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> "TrainingSpan":
        """Read a span from JSON.

        Parameters
        ----------
        attributes : mapping of str to Any
            As from `to_attributes`.

        Returns
        -------
        TrainingSpan

        Raises
        ------
        ValueError, KeyError
            It is none.
        """
        start, end = _point(attributes["start"]), _point(attributes["end"])
        if end is None or (start is not None and type(start) is not type(end)):
            raise ValueError(f"the training span {dict(attributes)!r} is none")
        return cls(start, end)


def _plain(point: Point | None) -> str | int | None:
    if isinstance(point, np.datetime64):
        return str(point.astype("datetime64[ns]"))
    return None if point is None else int(point)


def _point(value: Any) -> Point | None:
    if value is None or type(value) is int:
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is neither a time nor the number of a sample")
    return np.datetime64(value, "ns")
