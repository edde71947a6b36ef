"""Plans as sequences of jobs: each job in turn is placed where it ends first, and sequences are improved by moves."""

import random
from collections.abc import Callable, Collection, Sequence

from workbench.maintenance.schedule.first_guess import earliest, take
from workbench.maintenance.schedule.grid import Grid, Solution

__all__ = ["improved_sequence", "in_sequence", "sequence_of"]

_WARMEST = 0.02  # share of the points by which a move may be worse at first


def sequence_of(grid: Grid, solution: Solution) -> list[str]:
    """Return all jobs by their start in a solution, those without a place last."""
    return sorted(grid.jobs, key=lambda number: (solution[number][1][0] if number in solution else grid.length, number))


def in_sequence(grid: Grid, sequence: Sequence[str]) -> Solution:
    """Return the solution that places jobs one after the other, each where it ends first.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    sequence : sequence of str
        All jobs; those that a job waits for are placed right before it where they come later.

    Returns
    -------
    Solution
        A job without a place, or one that waits for such a job, is not in it.
    """
    open_spans = [list(spans) for spans in grid.free]
    solution: Solution = {}
    tried: set[str] = set()
    stack = list(reversed(sequence))
    while stack:
        number = stack.pop()
        if number in tried:
            continue
        job = grid.jobs[number]
        before = [one for one in job.after if one in grid.jobs]
        waiting = [one for one in before if one not in tried]
        if waiting:
            stack += [number, *waiting]
            continue
        tried.add(number)
        release = grid.release(job)
        if release is None or any(one not in solution for one in before):
            continue
        release = max([release, *(grid.end(grid.jobs[one], solution[one]) for one in before)])
        place = earliest(grid, job, release, open_spans)
        if place is not None:
            solution[number] = place
            for span in grid.spans(job, place):
                take(open_spans[place[0]], span)
    return solution


def improved_sequence(
    grid: Grid,
    solution: Solution,
    plannable: Collection[str],
    points: Callable[[Solution], int],
    chance: random.Random,
    goes_on: Callable[[], bool],
) -> Solution:
    """Return the best solution that moves of jobs in the sequence of another come to.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    solution : Solution
        Where the moves begin.
    plannable : collection of str
        Jobs that can be planned at all.
    points : callable
        Returns the points of a solution, the fewer the better.
    chance : random.Random
        Chooses the moves.
    goes_on : callable
        Called before each move; no more are made once it returns False.

    Returns
    -------
    Solution
        The one that was passed where none is better.

    Notes
    -----
    A late job is moved forward, or two jobs change places; a move that makes the plan worse by less than a threshold,
    which falls as nothing better comes, is kept too (threshold accepting, Dueck and Scheuer 1990).
    """
    best, least = solution, points(solution)
    sequence, current = sequence_of(grid, solution), least
    placed, warmth = solution, _WARMEST
    while goes_on():
        other = _moved(grid, sequence, placed, plannable, chance)
        candidate = in_sequence(grid, other)
        value = points(candidate)
        if value <= current + warmth * least:
            sequence, current, placed = other, value, candidate
        if value < least:
            best, least = candidate, value
        else:
            warmth *= 0.998
            if warmth < 1e-4:  # begin again from the best
                sequence, current, placed, warmth = sequence_of(grid, best), least, best, _WARMEST
    return best


def _moved(
    grid: Grid, sequence: Sequence[str], solution: Solution, plannable: Collection[str], chance: random.Random
) -> list[str]:
    """Return a sequence in which a late job comes earlier, or two jobs have changed places."""
    other = list(sequence)
    late = [_late_points(grid, number, solution) if number in plannable else 0 for number in other]
    if any(late) and chance.random() < 0.7:
        place = chance.choices(range(len(other)), late)[0]
        number = other.pop(place)
        reach = max(1, round(len(other) * chance.random() ** 2))
        other.insert(max(0, place - chance.randint(1, reach)), number)
        return other
    first = chance.randrange(len(other))
    second = min(len(other) - 1, max(0, first + chance.randint(-10, 10)))
    other[first], other[second] = other[second], other[first]
    return other


def _late_points(grid: Grid, number: str, solution: Solution) -> int:
    job = grid.jobs[number]
    if number not in solution:
        return grid.unplanned_points(job)
    due = grid.due(job)
    return 0 if due is None else max(0, grid.end(job, solution[number]) - due) * grid.late_points(job)
