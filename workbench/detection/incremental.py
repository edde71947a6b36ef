"""Detection that goes on where it stopped: error window by error window, in memory that does not follow the series.

Only the last error window of a series can change when samples are added behind it: each one before it has its full
length already. What came of those before it is kept as a `Standing`, from which the detection goes on and comes to
the same bits as one of the whole series. A whole series is one that goes on from nothing.

Positions are those of the prediction errors: error i is that of sample `sequence_length + i`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from workbench.detection.anomalies import (
    SETTLED_ERRORS,
    error_window,
    judge_window,
    judged_part,
    last_window,
    severities,
)
from workbench.detection.errors import NO_AVERAGE, Average, averaged, quiet_level
from workbench.detection.thresholds import Floats, Indices, runs
from workbench.parameters import TelemanomParams

__all__ = [
    "Ending",
    "JudgedWindow",
    "Piece",
    "Row",
    "Sequences",
    "Series",
    "Standing",
    "judge_stretch",
    "standing_within",
]

_WINDOWS_AT_A_TIME = 512
_WARM_SPANS = 20  # of the moving average, after which nothing is left of where it began


class Series(Protocol):
    """What is judged, read span by span."""

    @property
    def breaks(self) -> Sequence[int]:
        """Return the positions from which on a window lies behind a break of the series, in rising order."""

    def errors(self, start: int, end: int) -> Floats:
        """Return the prediction errors from one position to before another, float64; NaN where they are not judged."""

    def targets(self, start: int, end: int) -> Floats:
        """Return the telemetry that was predicted, NaN where missing: `prediction_horizon` samples a position."""


class Row(NamedTuple):
    """An anomaly: first and last position, both inclusive, and severity."""

    start: int
    end: int
    severity: float

    def moved(self, by: int) -> "Row":
        """Return it at other positions."""
        return self._replace(start=self.start + by, end=self.end + by)


class _Sequence(NamedTuple):
    """Flagged positions in a row, and what bounds them: their least epsilon, and whether the error reached its own."""

    start: int
    end: int
    severity: float
    least_epsilon: float
    reached: bool


@dataclass(frozen=True)
class Standing:
    """Where a detection stands before an error window, all windows before it having their full length.

    Attributes
    ----------
    window : int
        Number of the window.
    average : Average
        Moving average before its first error.
    quiet : float
        Smoothed error of the quiet start.
    flagged : tuple of (int, int)
        First and last position of each run of samples of the window that were flagged so far.
    open_sequence : tuple, optional
        Start, end, severity, least epsilon, and whether epsilon was reached, of the sequence that ends with the last
        judged sample and may go on.
    rows : tuple of Row
        Anomalies whose sequences have ended; the last one may still be joined by what comes.
    first : int
        Position at which the stretch of the window begins; windows are counted from there.
    """

    window: int = 0
    average: Average = NO_AVERAGE
    quiet: float = float("nan")
    flagged: tuple[tuple[int, int], ...] = ()
    open_sequence: _Sequence | None = None
    rows: tuple[Row, ...] = ()
    first: int = 0

    def judged(self, params: TelemanomParams) -> int:
        """Return how many errors are judged for good."""
        return self.first + ((self.window - 1 + params.window_size) * params.batch_size if self.window else 0)

    def moved(self, by: int) -> "Standing":
        """Return it with all positions moved."""
        sequence = self.open_sequence
        return replace(
            self,
            flagged=tuple((first + by, last + by) for first, last in self.flagged),
            open_sequence=sequence and sequence._replace(start=sequence.start + by, end=sequence.end + by),
            rows=tuple(row.moved(by) for row in self.rows),
            first=self.first + by,
        )

    def to_text(self) -> str:
        """Return it as JSON, without the rows but the last, which are among the anomalies of the score."""
        values = {
            "window": self.window,
            "average": list(self.average),
            "quiet": self.quiet,
            "flagged": self.flagged,
            "open": self.open_sequence,
            "rows": len(self.rows),
            "last": self.rows[-1] if self.rows else None,
        }
        return json.dumps(values | ({"first": self.first} if self.first else {}))

    @classmethod
    def from_text(cls, text: str, rows: list[Row]) -> Self:
        """Return what `to_text` wrote; `rows` are the anomalies of the score that it was written with."""
        values = json.loads(text)
        closed = [*rows[: values["rows"] - 1], Row(*values["last"])] if values["rows"] else []
        return cls(
            window=values["window"],
            average=Average(*values["average"]),
            quiet=values["quiet"],
            flagged=tuple((first, last) for first, last in values["flagged"]),
            open_sequence=None if values["open"] is None else _Sequence(*values["open"]),
            rows=tuple(closed),
            first=values.get("first", 0),
        )


class Piece(NamedTuple):
    """Errors that were judged together: the position of the first, and error, smoothed error and epsilon of each."""

    start: int
    error: Floats
    smoothed: Floats
    epsilon: Floats


@dataclass(frozen=True)
class Ending:
    """What a detection comes to at the end of a series.

    Attributes
    ----------
    rows : tuple of Row
        Anomalies of the whole series.
    standing : Standing or None
        From where the detection goes on once there is more of the series; None where it must begin anew, as a short
        one must.
    complete : int
        Errors up to the end of the last complete window, whose flags and thresholds no later sample changes; 0 where
        there is none.
    complete_rows : tuple of Row
        Anomalies of a series that ends there.
    final : int
        An anomaly whose last position lies before this one never changes.
    """

    rows: tuple[Row, ...]
    standing: Standing | None
    complete: int
    complete_rows: tuple[Row, ...]
    final: int


class JudgedWindow(NamedTuple):
    """An error window, and what judging it came to.

    Attributes
    ----------
    start : int
        Position of its first error.
    judged_from : int
        First of its samples that was judged in it, counted from its start.
    errors : numpy.ndarray, shape (w,), float64
        Smoothed errors.
    targets : numpy.ndarray, shape (w, prediction_horizon), float64
        Telemetry that was predicted.
    flagged : numpy.ndarray, shape (w,), bool
        Samples that earlier windows had flagged.
    threshold, mirror : float
        Epsilon, and the threshold of the errors mirrored about their mean.
    anomalous : numpy.ndarray, int64
        Positions in the window that it flagged.
    """

    start: int
    judged_from: int
    errors: Floats
    targets: Floats
    flagged: npt.NDArray[np.bool_]
    threshold: float
    mirror: float
    anomalous: Indices


def judge_stretch(
    series: Series,
    m: int,
    params: TelemanomParams,
    standing: Standing | None = None,
    watch: Callable[[JudgedWindow], None] | None = None,
) -> Iterator[Piece | Ending]:
    """Judge the errors of a series without breaks from where its detection stands to its end.

    Parameters
    ----------
    series : Series
        What is judged.
    m : int
        Number of its errors.
    params : TelemanomParams
        Detection parameters, the least error in units.
    standing : Standing, optional
        From the ending of a shorter part of the series, judged with the same parameters; from the start where omitted.
    watch : callable, optional
        Called with each error window of the series once it is judged.

    Yields
    ------
    Piece
        The errors from `standing.judged(params)` on, piece by piece, in order.
    Ending
        At last.

    Notes
    -----
    `workbench.detection.anomalies.detect` says the same of a whole series, in one go.
    """
    course = _Course(series, m, params, standing or _start(series, m, params), watch)
    last = last_window(m, params)
    while course.standing.window < last:
        yield course.judge(min(course.standing.window + _WINDOWS_AT_A_TIME, last))
    yield from course.finish()


def standing_within(
    series: Series, m: int, params: TelemanomParams, first: int, rows: Sequence[Row], stretch: int = 0
) -> Standing:
    """Return about where a detection stands inside a series whose first errors are gone.

    Parameters
    ----------
    series : Series
        What is judged.
    m : int
        Number of its errors.
    params : TelemanomParams
        Detection parameters, the least error in units.
    first : int
        First position at which there is an error.
    rows : sequence of Row
        Anomalies of the series, which stand for what the windows that are gone had flagged.
    stretch : int
        Position at which its last stretch begins.

    Returns
    -------
    Standing
        Some averages of the error later, so that the smoothed error is that of the whole series but for rounding. Where
        the beginning of a stretch is left, it stands there.
    """
    if series.breaks:
        return Standing(first=series.breaks[0])
    begin = first + _WARM_SPANS * params.smoothing_span
    window = min(-(-(begin - stretch) // params.batch_size), max(last_window(m - stretch, params) - 1, 1))
    begin = stretch + window * params.batch_size
    _, average = averaged(series.errors(first, begin), NO_AVERAGE, params)
    judged = Standing(window=window, first=stretch).judged(params)
    flagged = [(max(row.start, begin), min(row.end, judged - 1)) for row in rows]
    spans = tuple((start, end) for start, end in flagged if start <= end)
    return Standing(window=window, average=average, flagged=spans, first=stretch)


def _start(series: Series, m: int, params: TelemanomParams) -> Standing:
    """Return where a detection stands before it begins: the quiet start is the mean of two sequence lengths."""
    smoothed, _ = averaged(series.errors(0, min(m, 2 * params.sequence_length)), NO_AVERAGE, params)
    return Standing(quiet=quiet_level(smoothed))


class _Course:
    """A detection on its way through a series."""

    def __init__(
        self,
        series: Series,
        m: int,
        params: TelemanomParams,
        standing: Standing,
        watch: Callable[[JudgedWindow], None] | None,
    ) -> None:
        self.series = series
        self.m = m
        self.params = params
        self.standing = standing
        self.watch = watch
        self._ahead: tuple[int, Average, Floats, Average] | None = None  # see `_smoothed`

    def judge(self, until: int) -> Piece:
        """Judge windows for good, up to before one."""
        first, params = self.standing.window, self.params
        begin, judged = first * params.batch_size, self.standing.judged(params)
        end, after = error_window(until - 1, self.m, params)[1], until * params.batch_size
        error = self.series.errors(begin, end)
        smoothed, average = self._smoothed(error, begin, after)
        targets = self.series.targets(begin, end)
        flagged, epsilon = self._flagged(begin, end), np.empty(end - judged)
        sequences = Sequences(self.series, self.standing, params)
        for number in range(first, until):
            self._judge(error_window(number, self.m, params), begin, smoothed, targets, flagged, epsilon, sequences)
        runs_after = runs(np.flatnonzero(flagged[after - begin :]) + after)
        self.standing = Standing(
            window=until,
            average=average,
            quiet=self.standing.quiet,
            flagged=tuple(zip(*(bound.tolist() for bound in runs_after), strict=True)),
            open_sequence=sequences.open,
            rows=tuple(sequences.rows),
        )
        return Piece(judged, error[judged - begin :], smoothed[judged - begin :], epsilon)

    def finish(self) -> Iterator[Piece | Ending]:
        """Judge the last window, and for a series that goes on, the last complete one."""
        params, m, number = self.params, self.m, self.standing.window
        begin, judged = number * params.batch_size, self.standing.judged(params)
        error = self.series.errors(begin, m)
        smoothed, _ = self._smoothed(error, begin, begin)
        targets = self.series.targets(begin, m)
        epsilon = np.empty(m - judged)
        sequences = self._judge_last(m, begin, smoothed, targets, epsilon)
        epsilon[: -params.batch_size if number else 0] = epsilon[-1]  # what lies between the last two windows
        yield Piece(judged, error[judged - begin :], smoothed[judged - begin :], epsilon)
        self.watch = None  # the window below is not one of the series
        rows = sequences.all_rows()
        complete = begin + params.batch_size * params.window_size
        settled = max(SETTLED_ERRORS, 2 * params.sequence_length)
        if not settled <= complete <= m:
            yield Ending(rows, self.standing if m >= settled else None, 0, (), 0)
            return
        if complete != m:
            size = complete - begin
            sequences = self._judge_last(complete, begin, smoothed[:size], targets[:size], np.empty(complete - judged))
        final = sequences.final_before(complete)
        yield Ending(rows, self.standing, complete, sequences.all_rows(), final)

    def _judge_last(self, m: int, begin: int, smoothed: Floats, targets: Floats, epsilon: Floats) -> "Sequences":
        sequences = Sequences(self.series, self.standing, self.params)
        window = error_window(self.standing.window, m, self.params)
        self._judge(window, begin, smoothed, targets, self._flagged(begin, m), epsilon, sequences)
        return sequences

    def _judge(
        self,
        window: tuple[int, int, int],
        begin: int,
        smoothed: Floats,
        targets: Floats,
        flagged: npt.NDArray[np.bool_],
        epsilon: Floats,
        sequences: "Sequences",
    ) -> None:
        """Judge one window; the arrays begin at a position, `epsilon` ends with them."""
        start, end, judged_from = window
        part = slice(start - begin, end - begin)
        threshold, anomalous, mirror = judge_window(
            smoothed[part], targets[part], judged_from, flagged[part], self.params
        )
        offset = begin + flagged.size - epsilon.size  # position of the first epsilon
        epsilon[start + (judged_from if start else 0) - offset : end - offset] = threshold
        window_runs: list[tuple[int, int, float]] = []
        if self.watch is not None:
            earlier = flagged[part].copy() if anomalous.size else flagged[part]
            self.watch(
                JudgedWindow(start, judged_from, smoothed[part], targets[part], earlier, threshold, mirror, anomalous)
            )
        if anomalous.size:
            flagged[start - begin + anomalous] = True
            window_runs = severities(smoothed[part], threshold, mirror, anomalous, start)
        sequences.add(window_runs, end, threshold, smoothed, begin)

    def _smoothed(self, error: Floats, begin: int, after: int) -> tuple[Floats, Average]:
        """Return the smoothed error from a position on, and the average before another one."""
        before, average = averaged(error[: after - begin], self.standing.average, self.params)
        error, known, last = error[after - begin :], np.empty(0), average
        if self._ahead is not None and self._ahead[:2] == (after, average):  # the next window begins where this one did
            _, _, known, last = self._ahead
        behind, last = averaged(error[known.size :], last, self.params)
        behind = np.concatenate([known, behind])
        self._ahead = after, average, behind, last
        smoothed = np.concatenate([before, behind])
        start = smoothed[: max(0, self.params.sequence_length - begin)]
        start[~np.isnan(start)] = self.standing.quiet
        return smoothed, average

    def _flagged(self, begin: int, end: int) -> npt.NDArray[np.bool_]:
        flagged = np.zeros(end - begin, dtype=bool)
        for first, last in self.standing.flagged:
            flagged[first - begin : last - begin + 1] = True
        return flagged


class Sequences:
    """Anomalies of a series, put together as its windows are judged in order."""

    def __init__(self, series: Series, standing: Standing, params: TelemanomParams) -> None:
        self._series = series
        self._params = params
        self._reach = params.smoothing_span // 2  # the mean age of what the moving average averages
        self.rows = list(standing.rows)
        self.open = standing.open_sequence

    def add(
        self, window_runs: list[tuple[int, int, float]], end: int, epsilon: float, smoothed: Floats, begin: int
    ) -> None:
        """Take the runs that a window flagged, up to its end; `smoothed` begins at a position."""
        for first, last, severity in window_runs:
            reached = bool((smoothed[first - begin : last - begin + 1] >= epsilon).any())
            more = _Sequence(first, last, severity, epsilon, reached)
            if self.open is not None and first == self.open.end + 1:
                self.open = _Sequence(
                    self.open.start,
                    last,
                    max(self.open.severity, severity),
                    min(self.open.least_epsilon, epsilon),
                    self.open.reached or reached,
                )
            else:
                self._close()
                self.open = more
        if self.open is not None and self.open.end < end - 1:
            self._close()

    def all_rows(self) -> tuple[Row, ...]:
        """Return all anomalies of a series that ends here."""
        copy = Sequences(self._series, Standing(rows=tuple(self.rows), open_sequence=self.open), self._params)
        copy._close()
        return tuple(copy.rows)

    def final_before(self, complete: int) -> int:
        """Return the position before which an anomaly must end so that nothing to come can change it."""
        reach = self._reach if self._params.lag_correction else 0
        begins = complete if self.open is None else self.open.start  # the first sequence that is not what it will be
        return max(0, begins - reach - 1)

    def _close(self) -> None:
        """Make an anomaly of the open sequence; one of a single judged sample is none."""
        sequence, self.open = self.open, None
        if sequence is None or sequence.start == sequence.end:
            return
        errors = self._series.errors(sequence.start, sequence.end + 1)
        bounds = judged_part(errors, sequence.start, sequence.end)
        if bounds is None:
            return
        sequence = sequence._replace(start=bounds[0], end=bounds[1])
        row = Row(*sequence[:3])
        if self._params.lag_correction:
            row = self._without_lag(sequence)
            if self.rows and row.start <= self.rows[-1].end + 1:
                earlier = self.rows.pop()
                row = Row(earlier.start, max(earlier.end, row.end), max(earlier.severity, row.severity))
        self.rows.append(row)

    def _without_lag(self, sequence: _Sequence) -> Row:
        """Bound a sequence by the errors that reached epsilon, where more than one did."""
        start, end = sequence.start, sequence.end
        begin = max((one for one in self._series.breaks if one <= start), default=0)
        earliest = max(begin, start - self._reach)
        large = np.flatnonzero(self._series.errors(earliest, end + 1) >= sequence.least_epsilon) + earliest
        if large.size > 1 and sequence.reached:
            return Row(int(large[0]), max(int(large[-1]), start), sequence.severity)
        return Row(start, end, sequence.severity)
