"""A long line that is drawn in part: for any stretch of time the few points that keep every extreme of it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.plots.decimate import decimate, plotted
from workbench.plots.gaps import NEAR_STEPS, broken_line, gap_rows, longest_step, seen_gaps

__all__ = ["Trace"]

_BLOCK_SAMPLES = 64
"""Samples of which only the extremes are looked at, in the middle of a long stretch."""

_FEW_SAMPLES = 1000  # of which each longer series is searched for gaps as a whole


class Trace:
    """A series over time, prepared once to be drawn from any start to any end.

    Parameters
    ----------
    time : array_like, shape (n,)
        Rising, as charts take it.
    values : array_like, shape (n,)
        NaN where a value is missing.
    max_gap : float
        Longest step in time that the line is drawn over, where `workbench.plots.gaps.longest_step` is longer.

    Attributes
    ----------
    time : numpy.ndarray, shape (n,), float64
        Time of the samples.
    values : numpy.ndarray, shape (n,), float32 or float64
        Values of the samples.
    max_gap : float
        As given.
    gaps : numpy.ndarray, shape (g,), int
        Samples behind a gap in time, over which the line is broken.
    """

    def __init__(self, time: npt.ArrayLike, values: npt.ArrayLike, max_gap: float = np.inf) -> None:
        self.time: npt.NDArray[np.float64] = np.asarray(time, dtype=np.float64)
        self.values = plotted(values)
        self._extremes = _block_extremes(self.values)
        self.max_gap = max_gap
        self._look_for_gaps()

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
        end = _block_extremes(longer.values[whole:]) + whole
        longer._extremes = np.concatenate([self._extremes[self._extremes < whole], end])
        longer.max_gap, longer._longest, longer._judged = self.max_gap, self._longest, self._judged
        if longer.size < _FEW_SAMPLES or longer.size > 2 * self._judged:  # what is usual is not known well yet
            longer._look_for_gaps()
        else:
            first = self.size - NEAR_STEPS
            rows = gap_rows(longer.time[first:], self._longest, self.max_gap) + first
            longer.gaps = np.concatenate([self.gaps, rows[rows >= self.size]])
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
            Most points, at least 5, and three more for each gap.

        Returns
        -------
        tuple of numpy.ndarray, both of shape (k,)
            Time and values. Among them are the least and greatest value, one missing value where there is any, and one
            more in each gap in time that can be seen.
        """
        visible = self.span(start, end, until)
        positions = self._few(visible, limit)
        first, last = np.searchsorted(self.gaps, (visible.start + 1, max(visible.stop, 1)))
        rows = self.gaps[first:last]
        if positions.size < visible.stop - visible.start:
            rows = seen_gaps(self.time[visible], rows - visible.start) + visible.start
        return broken_line(self.time, self.values, positions, rows)

    def _look_for_gaps(self) -> None:
        self._longest, self._judged = longest_step(self.time), self.size
        self.gaps = gap_rows(self.time, self._longest, self.max_gap)

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


def _block_extremes(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    return decimate(values, 3 * -(-values.size // _BLOCK_SAMPLES) + 2)
