"""A line that is too long to be held: of a stretch of time its envelope is read, or its few samples."""

from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from workbench.plots.decimate import decimate, plotted
from workbench.plots.gaps import broken_line, gap_rows, longest_step, seen_gaps

__all__ = ["LONG_SAMPLES", "LongSeries", "LongTrace"]

LONG_SAMPLES = 2_000_000
"""A series with more samples is not held in memory to be drawn."""

_SAMPLES = 40_000  # read one by one: their extremes are drawn where they are
_SAMPLES_AROUND = 100
_MAX_FILLED = 1_000_000
_POINTS_OF_BUCKET = 3
_NANOSECONDS_OF_MS = 1_000_000
_FAR = 2**62
_FAR_BUCKETS = 2.5  # a bucket so many times as long as the others has a gap in its middle
_MOST_GAPS = 16  # over which no line is drawn, the widest


class Buckets(Protocol):
    """Minimum and maximum of a series by buckets; `workbench.telemetry.archiving.envelopes.Envelope` is one."""

    @property
    def time(self) -> npt.NDArray[Any]:
        """Time of the first row of each bucket."""

    @property
    def minimum(self) -> npt.NDArray[np.float64]:
        """Least value of each bucket; NaN where it has none."""

    @property
    def maximum(self) -> npt.NDArray[np.float64]:
        """Greatest value of each bucket; NaN where it has none."""

    @property
    def count(self) -> npt.NDArray[np.int64]:
        """Number of values of each bucket."""

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Number of rows of each bucket."""


class LongSeries(Protocol):
    """What a long line is read from."""

    @property
    def length(self) -> int:
        """Number of its samples."""

    def envelope(self, begin: int, end: int, width: int) -> Buckets:
        """Return minimum and maximum of some rows in at most `width` buckets."""

    def rows_at(self, times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the first row at or behind each time, in nanoseconds or numbers of samples."""

    def samples(self, begin: int, end: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return times and values of some rows."""


class LongTrace:
    """A long series over time; it is read anew for each stretch that is drawn, and little of it.

    Parameters
    ----------
    series : LongSeries
        What is read.
    dated : bool
        Whether time is stamps.

    Notes
    -----
    Of a stretch with many samples, minimum and maximum of each bucket are drawn at places inside the bucket; a bucket
    is a pixel or two wide. No extreme is left out at any zoom.
    """

    def __init__(self, series: LongSeries, *, dated: bool) -> None:
        self.series = series
        self._dated = dated

    @property
    def size(self) -> int:
        """Return the number of samples."""
        return self.series.length

    def span(self, start: float, end: float, until: float = float("inf")) -> slice:
        """Return the samples from start to end, as `workbench.plots.trace.Trace.span` does."""
        first, last, come = self.rows(start, end, np.floor(until) + 1)
        return slice(max(first - 1, 0), min(last + 1, come))

    def rows(self, *times: float) -> list[int]:
        """Return the first sample at or behind each time, as charts take it."""
        scale = _NANOSECONDS_OF_MS if self._dated else 1
        whole = [int(min(max(np.ceil(time) * scale, -_FAR), _FAR)) for time in times]
        return [int(row) for row in self.series.rows_at(np.array(whole, dtype=np.int64))]

    def window(
        self, start: float, end: float, until: float = float("inf"), limit: int = 2400
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
        """Return the points that draw what lies between start and end, as `workbench.plots.trace.Trace.window` does."""
        visible = self.span(start, end, until)
        first, last = visible.start, max(visible.stop, visible.start)
        if last - first <= max(_SAMPLES, limit):
            begin = max(first - _SAMPLES_AROUND, 0)  # which say how far samples lie apart, in the middle of a gap too
            time, values = self._samples(begin, min(last + _SAMPLES_AROUND, self.size) if last > first else begin)
            gaps, shown = gap_rows(time, longest_step(time)) - (first - begin), slice(first - begin, last - begin)
            time, values = time[shown], values[shown]
            few, gaps = decimate(values, limit), gaps[(gaps > 0) & (gaps < time.size)]
            if few.size < values.size:
                gaps = seen_gaps(time, gaps)
            return broken_line(time, values, few, gaps)
        width = max((limit - 2) // _POINTS_OF_BUCKET, 1)
        buckets = self.series.envelope(first, last, width)
        edges = np.append(self._axis(buckets.time), self._samples(last - 1, last)[0])
        rows = self._rows_behind_gaps(edges)
        if not rows:
            return self._line(buckets, first, last)
        stretches = list(pairwise([first, *rows, last]))
        widths = [max(width * (end - begin) // (last - first), 1) for begin, end in stretches]
        lines = [
            self._line(self.series.envelope(*stretch, width), *stretch)
            for stretch, width in zip(stretches, widths, strict=True)
        ]
        ends = np.cumsum([time.size for time, _ in lines])[:-1]
        middles = [(before[0][-1] + behind[0][0]) / 2 for before, behind in pairwise(lines)]
        times, heights = (np.concatenate(each) for each in zip(*lines, strict=True))
        return np.insert(times, ends, middles), np.insert(heights, ends, np.nan)

    def _rows_behind_gaps(self, edges: npt.NDArray[np.float64]) -> list[int]:
        """Return the rows behind the widest gaps, each of which takes most of the time of its bucket."""
        behind = gap_rows(edges, longest_step(edges, _FAR_BUCKETS), far=_FAR_BUCKETS)
        widest = behind[np.argsort(edges[behind - 1] - edges[behind], kind="stable")[:_MOST_GAPS]]
        return sorted(set(self.rows(*((edges[widest - 1] + edges[widest]) / 2)))) if widest.size else []

    def _line(self, buckets: Buckets, first: int, last: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
        ends = [self._samples(row, row + 1) for row in (first, last - 1)]
        begins = self._axis(buckets.time)
        lengths = np.diff(np.append(begins, ends[1][0]))
        missing = np.where(buckets.count < buckets.rows, np.nan, buckets.minimum)
        places = np.column_stack([begins + lengths * share for share in (0.25, 0.5, 0.75)])
        heights = np.column_stack([buckets.minimum, buckets.maximum, missing])
        drawn = np.column_stack([np.ones((len(begins), 2), dtype=bool), np.isnan(missing)])
        time = np.concatenate([ends[0][0], places[drawn], ends[1][0]])
        return time, np.concatenate([ends[0][1], heights[drawn], ends[1][1]]).astype(ends[0][1].dtype)

    def values_before(self, times: npt.NDArray[np.floating[Any]]) -> npt.NDArray[Any]:
        """Return the value of the last sample at or before each time; NaN where there is none, or far too many lie."""
        first, last = self.rows(float(times[0]), float(times[-1]) + 1)
        first = max(first - 1, 0)
        values = np.full(len(times), np.nan)
        if last - first <= _MAX_FILLED:
            time, own = self._samples(first, last)
            before = np.searchsorted(time, times, side="right") - 1
            values[before >= 0] = own[before[before >= 0]]
        return values

    def _samples(self, begin: int, end: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
        if begin >= end:
            return np.zeros(0), np.zeros(0, dtype=np.float32)
        time, values = self.series.samples(begin, end)
        return self._axis(time), plotted(values)

    def _axis(self, time: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return (time.astype("datetime64[ms]").astype(np.int64) if self._dated else time).astype(np.float64)
