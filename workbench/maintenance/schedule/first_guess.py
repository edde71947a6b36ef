"""A first guess at a plan: one job after the other, each where it ends first."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from workbench.maintenance.schedule.grid import Grid, Range, Solution, cut
from workbench.maintenance.schedule.handed_back import handed_back
from workbench.maintenance.schedule.model import Job

__all__ = ["earliest", "earliest_ends", "first_guess", "take"]

Limits = Mapping[str, tuple[int | None, float]]


def earliest(
    grid: Grid, job: Job, release: int, open_spans: Sequence[list[Range]] | None = None
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
    open_spans : sequence of list of (int, int), optional
        Sorted slots of each technician that are free; those that no frozen job takes where omitted.

    Returns
    -------
    (int, tuple of int) or None
        Technician and first slot of each session; among equals the cheapest, then the first. None where it fits
        nowhere before the horizon.
    """
    sizes = grid.sessions(job)
    running = grid.running(job)
    best: tuple[tuple[int, int], int, tuple[int, ...]] | None = None
    for who in grid.skilled(job):
        starts: list[int] = []
        spans = grid.allowed(job, who)
        if open_spans is not None:
            spans = cut(open_spans[who], running) if running else open_spans[who]
        at = release
        span = max(0, bisect_right(spans, (release, grid.length)) - 1)
        for size in sizes:
            while span < len(spans) and max(spans[span][0], at) + size > spans[span][1]:
                span += 1
            if span == len(spans):
                break
            starts.append(max(spans[span][0], at))
            at = starts[-1] + size
        if len(starts) == len(sizes):
            rank = (at, grid.cost_points(job, who))
            if best is None or rank < best[0]:
                best = (rank, who, tuple(starts))
    return None if best is None else best[1:]


def take(open_spans: list[Range], taken: Range) -> None:
    """Take slots out of the one of sorted open spans in which they lie."""
    index = bisect_right(open_spans, taken[0], key=lambda span: span[0]) - 1
    start, end = open_spans[index]
    open_spans[index : index + 1] = [span for span in ((start, taken[0]), (taken[1], end)) if span[0] < span[1]]


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

    The jobs are placed by due date and by slack, less the more urgent a job is, and by hours for each point of
    lateness, which is best where most jobs are late whatever is done (Smith 1956). Due dates and priorities are handed
    back to the jobs that others wait for.

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
    limits = handed_back(grid)
    keys: list[Callable[[Job], tuple[float, ...]]] = [partial(_by_due, grid, limits)]
    keys += [partial(_by_slack, grid, limits, urgency) for urgency in (0.0, 0.05, 0.25, 1.0)]
    keys.append(partial(_by_weight, grid, limits))
    guesses = [_in_order(grid, key) for key in keys]
    previous_places = {job.number: place for job in grid.jobs.values() if (place := _previous(grid, job)) is not None}
    if previous_places:
        guesses += [_in_order(grid, key, previous_places) for key in (keys[0], keys[3])]
    return min(guesses, key=lambda guess: grid.score(guess, plannable).points)


def _in_order(
    grid: Grid,
    key: Callable[[Job], tuple[float, ...]],
    previous_places: Mapping[str, tuple[int, tuple[int, ...]]] | None = None,
) -> Solution:
    """Place the jobs by rising key, each after those that it waits for, and in their previous places where possible."""
    solution: Solution = {}
    open_spans = [list(spans) for spans in grid.free]
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
        if place is None or place[1][0] < release or not _is_open(grid, job, place, open_spans[place[0]]):
            place = earliest(grid, job, release, open_spans)
        if place is not None:
            solution[job.number] = place
            for span in grid.spans(job, place):
                take(open_spans[place[0]], span)
    return solution


def _previous(grid: Grid, job: Job) -> tuple[int, tuple[int, ...]] | None:
    """Return the place of a job in the previous plan, where it is one session that still fits."""
    place = grid.previous_place(job)
    sizes = grid.sessions(job)
    if place is None or len(sizes) != 1 or place[0] not in grid.skilled(job):
        return None
    fits = any(low <= place[1] and place[1] + sizes[0] <= high for low, high in grid.allowed(job, place[0]))
    return (place[0], (place[1],)) if fits else None


def _is_open(grid: Grid, job: Job, place: tuple[int, tuple[int, ...]], open_spans: list[Range]) -> bool:
    return not any(cut([span], open_spans) for span in grid.spans(job, place))


def _by_due(grid: Grid, limits: Limits, job: Job) -> tuple[float, ...]:
    due, priority = limits[job.number]
    return float(grid.length if due is None else due), -priority


def _by_slack(grid: Grid, limits: Limits, urgency: float, job: Job) -> tuple[float, ...]:
    due, priority = limits[job.number]
    length = sum(grid.sessions(job))
    slack = grid.length if due is None else due - length - (grid.release(job) or 0)
    return slack - grid.length * urgency * priority, -priority


def _by_weight(grid: Grid, limits: Limits, job: Job) -> tuple[float, ...]:
    due, priority = limits[job.number]
    weight = grid.late_points(job) if due is not None else 0
    return sum(grid.sessions(job)) / weight if weight else float("inf"), -priority
