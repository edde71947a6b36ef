"""A first guess at a plan: one job after the other, each where it ends first."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from workbench.maintenance.schedule.grid import Grid, Range, Solution, cut
from workbench.maintenance.schedule.model import Job

__all__ = ["earliest", "earliest_ends", "first_guess"]


def earliest(
    grid: Grid, job: Job, release: int, taken: dict[int, list[Range]] | None = None
) -> tuple[int, tuple[int, ...]] | None:
    """Return the place in which a job ends first.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    job : Job
        Job that is placed.
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
        at = release
        span = 0
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
    """Return the first slot by which each job could end if its technicians did nothing else.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.

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


def first_guess(grid: Grid, plannable: Collection[str]) -> Solution:
    """Return the best of several plans that place one job after the other where it ends first.

    The jobs are placed by slack, less the more urgent a job is, and by hours for each point of lateness, which is
    best where most jobs are late whatever is done (Smith 1956).

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    plannable : collection of str
        Jobs that can be planned at all.

    Returns
    -------
    Solution
        A solution that keeps every rule; a job without a place, or one that waits for such a job, is not in it.
    """
    guesses = [_in_order(grid, partial(_by_slack, grid, urgency)) for urgency in (0.0, 0.25, 1.0)]
    guesses.append(_in_order(grid, partial(_by_weight, grid)))
    previous_places = {job.number: place for job in grid.jobs.values() if (place := _previous(grid, job)) is not None}
    if previous_places:
        guesses += [_in_order(grid, partial(_by_slack, grid, 0.25), previous_places)]
    return min(guesses, key=lambda guess: grid.score(guess, plannable).points)


def _in_order(
    grid: Grid,
    key: Callable[[Job], tuple[float, ...]],
    previous_places: Mapping[str, tuple[int, tuple[int, ...]]] | None = None,
) -> Solution:
    """Place the jobs by rising key, each after those that it waits for, and in their previous places where possible."""
    solution: Solution = {}
    taken: dict[int, list[Range]] = {who: [] for who in range(len(grid.technicians))}
    waiting = dict(grid.jobs)
    previous_places = previous_places or {}
    while waiting:
        ready = [job for job in waiting.values() if not any(number in waiting for number in job.after)]
        job = min(ready, key=lambda one: (one.number not in previous_places, *key(one), one.number))
        del waiting[job.number]
        release = grid.release(job)
        before = [number for number in job.after if number in grid.jobs]
        if release is None or any(number not in solution for number in before):
            continue
        release = max([release, *(grid.end(grid.jobs[number], solution[number]) for number in before)])
        place = previous_places.get(job.number)
        if place is None or place[1][0] < release or _taken(grid, job, place, taken[place[0]]):
            place = earliest(grid, job, release, taken)
        if place is not None:
            solution[job.number] = place
            taken[place[0]] = sorted(taken[place[0]] + _spans(grid, job, place))
    return solution


def _previous(grid: Grid, job: Job) -> tuple[int, tuple[int, ...]] | None:
    """Return the place of a job in the previous plan, where it is one session that still fits."""
    place = grid.previous_place(job)
    sizes = grid.sessions(job)
    if place is None or len(sizes) != 1 or place[0] not in grid.skilled(job):
        return None
    fits = any(low <= place[1] and place[1] + sizes[0] <= high for low, high in grid.allowed(job, place[0]))
    return (place[0], (place[1],)) if fits else None


def _spans(grid: Grid, job: Job, place: tuple[int, tuple[int, ...]]) -> list[Range]:
    return [(start, start + size) for start, size in zip(place[1], grid.sessions(job), strict=True)]


def _taken(grid: Grid, job: Job, place: tuple[int, tuple[int, ...]], spans: list[Range]) -> bool:
    return any(low < end and start < high for start, end in _spans(grid, job, place) for low, high in spans)


def _by_slack(grid: Grid, urgency: float, job: Job) -> tuple[float, ...]:
    due = grid.due(job)
    length = sum(grid.sessions(job))
    slack = grid.length if due is None else due - length - (grid.release(job) or 0)
    return slack - grid.length * urgency * job.priority, -job.priority


def _by_weight(grid: Grid, job: Job) -> tuple[float, ...]:
    weight = grid.late_points(job) if grid.due(job) is not None else 0
    return sum(grid.sessions(job)) / weight if weight else float("inf"), -job.priority
