"""A long line that is drawn in part: for any stretch of time the few points that keep every extreme of it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.plots.decimate import decimate, plotted

__all__ = ["Trace"]

_BLOCK_SAMPLES = 64
"""Samples of which only the extremes are looked at, in the middle of a long stretch."""


class Trace:
    """A series over time, prepared once to be drawn from any start to any end.

    Parameters
    ----------
    time : array_like, shape (n,)
        Rising, as charts take it.
    values : array_like, shape (n,)
        NaN where a value is missing.

    Attributes
    ----------
    time : numpy.ndarray, shape (n,), float64
        Time of the samples.
    values : numpy.ndarray, shape (n,), float32 or float64
        Values of the samples.
    """

    def __init__(self, time: npt.ArrayLike, values: npt.ArrayLike) -> None:
        self.time: npt.NDArray[np.float64] = np.asarray(time, dtype=np.float64)
        self.values = plotted(values)
        self._extremes = decimate(self.values, 3 * -(-self.values.size // _BLOCK_SAMPLES) + 2)

    @property
    def size(self) -> int:
        """Return the number of samples."""
        return self.time.size

    def extended(self, time: npt.ArrayLike, values: npt.ArrayLike) -> "Trace":
        """Return the series with samples behind its last one; what was prepared is not prepared again.

        Parameters
        ----------
        time, values : array_like, shape (k,)
            As for the series.

        Returns
        -------
        Trace
        """
        longer = Trace.__new__(Trace)
        longer.time = np.concatenate([self.time, np.asarray(time, dtype=np.float64)])
        longer.values = np.concatenate([self.values, np.asarray(values, dtype=self.values.dtype)])
        whole = self.size // _BLOCK_SAMPLES * _BLOCK_SAMPLES  # up to here the blocks stay as they are
        end = Trace(longer.time[whole:], longer.values[whole:])._extremes + whole
        longer._extremes = np.concatenate([self._extremes[self._extremes < whole], end])
        return longer

    def values_before(self, times: npt.NDArray[np.floating[Any]]) -> npt.NDArray[Any]:
        """Return the value of the last sample at or before each time; NaN where there is none."""
        before = np.searchsorted(self.time, times, side="right") - 1
        values = np.full(len(times), np.nan, dtype=self.values.dtype)
        values[before >= 0] = self.values[before[before >= 0]]
        return values

    def span(self, start: float, end: float, until: float = float("inf")) -> slice:
        """Return the samples from start to end that lie at or before `until`, and one more on either side.

        Parameters
        ----------
        start, end, until : float
            In the units of `time`.

        Returns
        -------
        slice
        """
        come = int(np.searchsorted(self.time, until, side="right"))
        first, last = np.searchsorted(self.time, (start, end), side="left")
        return slice(max(int(first) - 1, 0), min(int(last) + 1, come))

    def window(
        self, start: float, end: float, until: float = float("inf"), limit: int = 2400
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
        """Return the points that draw what lies between start and end.

        Parameters
        ----------
        start, end, until : float
            As for `span`.
        limit : int
            Most points, at least 5.

        Returns
        -------
        tuple of numpy.ndarray, both of shape (k,)
            Time and values. Among them are the least and greatest value, and one missing value where there is any.
        """
        visible = self.span(start, end, until)
        positions = self._few(visible, limit)
        return self.time[positions], self.values[positions]

    def _few(self, visible: slice, limit: int) -> npt.NDArray[Any]:
        first, last = visible.start, max(visible.stop, visible.start)
        if last - first <= _BLOCK_SAMPLES * limit / 4:
            return first + decimate(self.values[first:last], limit) if last > first else np.zeros(0, dtype=np.intp)
        # whole blocks are known by their extremes; what is cut at either end is read sample by sample
        inner = slice(*np.searchsorted(self._extremes, (first + _BLOCK_SAMPLES, last - _BLOCK_SAMPLES)))
        candidates = np.concatenate(
            [np.arange(first, first + _BLOCK_SAMPLES), self._extremes[inner], np.arange(last - _BLOCK_SAMPLES, last)]
        )
        return candidates[decimate(self.values[candidates], limit)]
