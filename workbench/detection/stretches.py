"""Detection in a series with breaks: each stretch between two of them is judged as a series of its own.

A stretch ends with the last sample that has a whole horizon behind it, and nothing that comes behind the break changes
it any more. Detection goes on in the last stretch; positions are those of the whole series.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from workbench.detection.incremental import Ending, JudgedWindow, Piece, Series, Standing, judge_stretch
from workbench.detection.thresholds import Floats
from workbench.parameters import TelemanomParams

__all__ = ["judge_on"]


def judge_on(
    series: Series,
    m: int,
    params: TelemanomParams,
    standing: Standing | None = None,
    watch: Callable[[JudgedWindow], None] | None = None,
) -> Iterator[Piece | Ending]:
    """Judge the errors of a series from where its detection stands to its end.

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
        The errors from `standing.judged(params)` on, piece by piece, in order, without those of windows that reach
        across a break, or whose horizon does.
    Ending
        At last.

    Notes
    -----
    `workbench.detection.anomalies.detect` says the same of a whole series, in one go.
    """
    if not series.breaks and not (standing and standing.first):
        yield from judge_stretch(series, m, params, standing, watch)
        return
    standing = standing or Standing()
    around = params.sequence_length + params.prediction_horizon
    for position in [one for one in series.breaks if one > standing.first]:
        ending = Ending(standing.rows, None, 0, (), 0)
        for part in _judge_one(series, position - around, params, standing, watch):
            if isinstance(part, Ending):
                ending = part
            else:
                yield part
        standing = Standing(rows=ending.rows, first=position)
    behind = Ending(standing.rows, None, 0, (), 0)
    for part in _judge_one(series, m, params, standing, watch):
        if isinstance(part, Ending):
            behind = part
        else:
            yield part
    yield _ended(behind, standing, around) if standing.first else behind


def _judge_one(
    series: Series, end: int, params: TelemanomParams, standing: Standing, watch: Callable[[JudgedWindow], None] | None
) -> Iterator[Piece | Ending]:
    """Judge the stretch in which a detection stands up to before a position, as a series of its own."""
    first = standing.first
    if end <= first:  # it is too short for a window and its horizon
        return
    earlier = tuple(row for row in standing.rows if row.start < first)
    own = replace(standing, rows=standing.rows[len(earlier) :]).moved(-first) if standing.window else None
    watch_moved = partial(_watch_moved, watch, first) if watch else None
    for part in judge_stretch(_Stretch(series, first), end - first, params, own, watch_moved):
        if isinstance(part, Piece):
            yield part._replace(start=part.start + first)
            continue
        rows, complete_rows = (
            earlier + tuple(row.moved(first) for row in some) for some in (part.rows, part.complete_rows)
        )
        after = part.standing and part.standing.moved(first)
        yield Ending(
            rows,
            after and replace(after, rows=earlier + after.rows),
            part.complete and first + part.complete,
            complete_rows,
            first + part.final,
        )


def _ended(ending: Ending, standing: Standing, around: int) -> Ending:
    """Return the ending of a series whose last stretch begins at a break, up to which all is decided for good."""
    if ending.complete:
        return ending
    # The sample behind the break counts as decided, too, so that none can come between and close the gap.
    decided = max(0, standing.first - around + 1)
    return replace(
        ending, standing=ending.standing or standing, complete=decided, complete_rows=standing.rows, final=decided
    )


def _watch_moved(watch: Callable[[JudgedWindow], None], by: int, window: JudgedWindow) -> None:
    watch(window._replace(start=window.start + by))


class _Stretch:
    """A stretch of a series as one of its own."""

    breaks: Sequence[int] = ()

    def __init__(self, series: Series, first: int) -> None:
        self._series = series
        self._first = first

    def errors(self, start: int, end: int) -> Floats:
        return self._series.errors(start + self._first, end + self._first)

    def targets(self, start: int, end: int) -> Floats:
        return self._series.targets(start + self._first, end + self._first)
