"""A first guess at a plan: one job after the other, each where it ends first."""

from workbench.maintenance.schedule_grid import Grid, Range, Solution, cut
from workbench.maintenance.schedule_model import Job

__all__ = ["earliest", "earliest_ends", "first_guess"]


def earliest(
    grid: Grid, job: Job, release: int, taken: dict[int, list[Range]] | None = None
) -> tuple[int, tuple[int, ...]] | None:
    """Find the place in which a job ends first.

    Parameters
    ----------
    grid : Grid
    job : Job
    release : int
        First slot in which it may start.
    taken : dict of int to list of (int, int), optional
        Sorted slots of each technician that other jobs take.

    Returns
    -------
    (int, tuple of int) or None
        Technician and first slot of each session; among equals the cheapest, then the first. None where it fits
        nowhere before the horizon.
    """
    sizes = grid.sessions(job)
    best: tuple[tuple[int, int], int, tuple[int, ...]] | None = None
    for who in grid.skilled(job):
        starts: list[int] = []
        open_spans = cut(grid.allowed(job, who), taken[who]) if taken and taken.get(who) else grid.allowed(job, who)
        at, span = release, 0
        for size in sizes:
            while span < len(open_spans) and max(open_spans[span][0], at) + size > open_spans[span][1]:
                span += 1
            if span == len(open_spans):
                break
            starts.append(max(open_spans[span][0], at))
            at = starts[-1] + size
        if len(starts) == len(sizes):
            rank = (at, grid.cost_points(job, who))
            if best is None or rank < best[0]:
                best = (rank, who, tuple(starts))
    return None if best is None else best[1:]


def earliest_ends(grid: Grid) -> dict[str, int]:
    """Give the first slot by which each job could have ended if its technicians did nothing else.

    Parameters
    ----------
    grid : Grid

    Returns
    -------
    dict of str to int
        A job that is missing cannot be planned at all: nobody can do it, or nowhere before the horizon, or it waits
        for such a job or for a part that never comes.
    """
    ends: dict[str, int] = {}
    for job in grid.jobs.values():
        before = [number for number in job.after if number in grid.jobs]
        release = grid.release(job)
        if release is None or any(number not in ends for number in before):
            continue
        place = earliest(grid, job, max([release, *(ends[number] for number in before)]))
        if place is not None:
            ends[job.number] = grid.end(job, place)
    return ends


def first_guess(grid: Grid) -> Solution:
    """Place jobs by slack and priority, each after those that it waits for, where it ends first.

    Parameters
    ----------
    grid : Grid

    Returns
    -------
    Solution
        Keeps every rule; a job that finds no place, or waits for one that has none, is not in it.
    """
    solution: Solution = {}
    taken: dict[int, list[Range]] = {who: [] for who in range(len(grid.technicians))}
    waiting = dict(grid.jobs)
    while waiting:
        ready = [job for job in waiting.values() if not any(number in waiting for number in job.after)]
        job = min(ready, key=lambda one: _urgency(grid, one))
        del waiting[job.number]
        release = grid.release(job)
        before = [number for number in job.after if number in grid.jobs]
        if release is None or any(number not in solution for number in before):
            continue
        release = max([release, *(grid.end(grid.jobs[number], solution[number]) for number in before)])
        place = earliest(grid, job, release, taken)
        if place is not None:
            solution[job.number] = place
            spans = [(start, start + size) for start, size in zip(place[1], grid.sessions(job), strict=True)]
            taken[place[0]] = sorted(taken[place[0]] + spans)
    return solution


def _urgency(grid: Grid, job: Job) -> tuple[float, float, str]:
    due = grid.due(job)
    length = sum(grid.sessions(job))
    slack = grid.length if due is None else due - length - (grid.release(job) or 0)
    return slack - grid.length * 0.25 * job.priority, -job.priority, job.number
