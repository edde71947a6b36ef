"""The latest samples of a channel, held in memory to see what has come before: a few bytes for each."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from math import inf

import numpy as np
import numpy.typing as npt

__all__ = ["HELD_SAMPLES", "Recent", "Stored"]

HELD_SAMPLES = 1_024
"""Samples that are held at least, and half of what is held at most."""

_DIFFERENT_INPUTS = 64

Stored = tuple[float, bytes | None]
"""Value and packed inputs of a sample that is there; NaN where it is missing."""


class Recent:
    """Samples by their moments, of which the oldest go.

    Attributes
    ----------
    begin : float
        Moment from which on all samples are held; minus infinity where none has gone.

    Examples
    --------
    >>> recent = Recent()
    >>> recent.remember(7, 1.5, None)
    >>> recent.get(7), recent.get(8)
    ((1.5, None), None)
    """

    def __init__(self) -> None:
        self.begin: float = -inf
        self._moments = array("q")  # rising
        self._values = array("d")
        self._inputs: list[bytes | None] = []  # as long as the others, or empty where no sample has any
        self._different: dict[bytes, bytes] = {}  # inputs that are held already: commands seldom change

    @classmethod
    def of(
        cls, moments: npt.NDArray[np.int64], values: npt.NDArray[np.floating], inputs: npt.NDArray[np.floating]
    ) -> "Recent":
        """Return the last samples of a stored series; those before them are in the archive.

        Parameters
        ----------
        moments : numpy.ndarray, shape (n,), int64
            Their moments, rising, at least one.
        values : numpy.ndarray, shape (n,)
            Their values.
        inputs : numpy.ndarray, shape (n, k)
            Their inputs.
        """
        one = cls()
        one._moments.frombytes(moments[-HELD_SAMPLES:].astype(np.int64).tobytes())
        one._values.frombytes(values[-HELD_SAMPLES:].astype(np.float64).tobytes())
        if inputs.shape[1]:
            rows = np.ascontiguousarray(inputs[-HELD_SAMPLES:], dtype="<f4")
            one._inputs = [one._same(row.tobytes()) for row in rows]
        one.begin = one._moments[0]
        return one

    def __len__(self) -> int:
        """Return how many samples are held."""
        return len(self._moments)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the moments that are held, rising."""
        return iter(self._moments)

    def __contains__(self, moment: object) -> bool:
        """Tell whether a sample of a moment is held."""
        return isinstance(moment, int) and self.get(moment) is not None

    def items(self) -> Iterator[tuple[int, Stored]]:
        """Iterate over moments and samples."""
        inputs = self._inputs or [None] * len(self._moments)
        return zip(self._moments, zip(self._values, inputs, strict=True), strict=True)

    def get(self, moment: int) -> Stored | None:
        """Return the sample of a moment; None where none is held."""
        place = bisect_left(self._moments, moment)
        if place == len(self._moments) or self._moments[place] != moment:
            return None
        return self._values[place], self._inputs[place] if self._inputs else None

    def remember(self, moment: int, value: float, inputs: bytes | None) -> None:
        """Hold a sample, and let go of the oldest."""
        if inputs is not None and not self._inputs:
            self._inputs = [None] * len(self._moments)
        moments = self._moments
        place = len(moments) if not moments or moment > moments[-1] else bisect_left(moments, moment)
        if place == len(moments) or moments[place] != moment:
            moments.insert(place, moment)
            self._values.insert(place, value)
            if self._inputs or inputs is not None:
                self._inputs.insert(place, self._same(inputs))
        else:
            self._values[place] = value
            if self._inputs:
                self._inputs[place] = self._same(inputs)
        if len(moments) > 2 * HELD_SAMPLES:
            for column in (self._moments, self._values, self._inputs):
                del column[:-HELD_SAMPLES]
            self.begin = self._moments[0]

    def _same(self, inputs: bytes | None) -> bytes | None:
        """Return inputs that are equal and held already."""
        if inputs is None:
            return None
        if len(self._different) > _DIFFERENT_INPUTS:
            self._different.clear()
        return self._different.setdefault(inputs, inputs)
