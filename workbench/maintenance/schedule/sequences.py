"""Plans as sequences of jobs: each job in turn is placed where it ends first, or where it costs least."""

from collections.abc import Mapping, Sequence

from workbench.maintenance.schedule.first_guess import Limits, earliest, late_cost, take
from workbench.maintenance.schedule.grid import Grid, Solution

__all__ = ["in_sequence"]


def in_sequence(
    grid: Grid, sequence: Sequence[str], limits: Limits | None = None, preferred: Mapping[str, int] | None = None
) -> Solution:
    """Return the solution that places jobs one after the other, each where it ends first or costs least.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    sequence : sequence of str
        All jobs; those that a job waits for are placed right before it where they come later.
    limits : mapping, optional
        Due dates and priorities, as `handed_back` returns them: each job is placed where lateness and cost are least.
    preferred : mapping of str to int, optional
        Technician of each job where it is then not late.

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
        limit = None if limits is None else late_cost(grid, job, limits)
        place = earliest(grid, job, release, open_spans, limit, None if preferred is None else preferred.get(number))
        if place is not None:
            solution[number] = place
            for span in grid.spans(job, place):
                take(open_spans[place[0]], span)
    return solution
