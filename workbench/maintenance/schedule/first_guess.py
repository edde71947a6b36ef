"""A first guess at a plan: one job after the other, each where it ends first."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from heapq import heapify, heappop, heappush
from math import exp

from workbench.maintenance.schedule.grid import Grid, Range, Solution, cut
from workbench.maintenance.schedule.handed_back import handed_back
from workbench.maintenance.schedule.model import Job

__all__ = ["Limits", "earliest", "earliest_ends", "first_guess", "late_cost", "take"]

Limits = Mapping[str, tuple[int | None, float]]


def earliest(
    grid: Grid,
    job: Job,
    release: int,
    open_spans: Sequence[list[Range]] | None = None,
    limit: tuple[int, int] | None = None,
    preferred: int | None = None,
) -> tuple[int, tuple[int, ...]] | None:
    """Return the place in which a job ends first or, with a limit, the one that costs least.

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
    limit : (int, int), optional
        Slot by which the job should have ended, and the points of each slot after it: then the technician with whom
        lateness and cost together are least is chosen, not the one who ends first.
    preferred : int, optional
        Technician who is chosen where the job is then not late.

    Returns
    -------
    (int, tuple of int) or None
        Technician and first slot of each session; among equals the cheapest, then the first. None where it fits
        nowhere before the horizon.
    """
    sizes = grid.sessions(job)
    running = grid.running(job)
    due, late_points = limit or (0, 0)
    best: tuple[tuple[int, int], int, tuple[int, ...]] | None = None
    skilled = grid.skilled(job)
    if preferred is not None and preferred in skilled:
        skilled = [preferred, *(who for who in skilled if who != preferred)]
    for who in skilled:
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
            if who == preferred and at <= due:
                return who, tuple(starts)
            cost = grid.cost_points(job, who)
            rank = (at, cost) if limit is None else (cost + late_points * max(0, at - due), at)
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
    """Return the best of several plans that place one job after the other, where it ends first or costs least.

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
    guesses = [_in_order(grid, key, costs) for key in keys for costs in (None, limits)]
    previous_places = {job.number: place for job in grid.jobs.values() if (place := _previous(grid, job)) is not None}
    if previous_places:
        guesses += [_in_order(grid, key, None, previous_places) for key in (keys[0], keys[3])]
    best = min(guesses, key=lambda guess: grid.score(guess, plannable).points)
    if any(_is_late(grid, number, best) for number in plannable):
        sequences = [_by_apparent_lateness(grid, limits, scale) for scale in (0.5, 1.0, 2.0, 4.0, 8.0)]
        guesses = [
            best,
            *(_placed_in_order(grid, sequence, costs) for sequence in sequences for costs in (None, limits)),
        ]
        best = min(guesses, key=lambda guess: grid.score(guess, plannable).points)
    return best


def _is_late(grid: Grid, number: str, solution: Solution) -> bool:
    job = grid.jobs[number]
    due = grid.due(job)
    return number not in solution or (due is not None and grid.end(job, solution[number]) > due)


def _by_apparent_lateness(grid: Grid, limits: Limits, scale: float) -> list[str]:
    """Return all jobs in the order of what they would cost if they were done later (ATC, Vepsalainen and Morton 1987).

    The next is always the one with the most points of lateness for each slot of its work, discounted by its slack in
    `scale` times the mean length of a job.
    """
    lengths = {number: sum(grid.sessions(job)) for number, job in grid.jobs.items()}
    mean = scale * sum(lengths.values()) / len(lengths)
    worked = [sum(counts) for counts in zip(*(grid.count(spans) for spans in grid.free), strict=True)]
    weights = {number: grid.points_late_at(limits[number][1]) / lengths[number] for number in lengths}
    open_before = {number: sum(one in grid.jobs for one in set(job.after)) for number, job in grid.jobs.items()}
    ready = {number for number, waits in open_before.items() if not waits}
    sequence: list[str] = []
    done = 0
    while ready:
        slot = min(bisect_right(worked, done), grid.length)
        best, most = "", -1.0
        for number in sorted(ready):
            due = limits[number][0]
            slack = grid.length if due is None else max(0, due - lengths[number] - slot)
            value = weights[number] * exp(-slack / mean) if due is not None else 0.0
            if value > most:
                best, most = number, value
        sequence.append(best)
        done += lengths[best]
        ready.remove(best)
        for follower in grid.followers[best]:
            if follower in open_before:
                open_before[follower] -= 1
                if not open_before[follower]:
                    ready.add(follower)
    return sequence


def _placed_in_order(grid: Grid, sequence: Sequence[str], limits: Limits | None) -> Solution:
    """Return the solution that places jobs in a sequence in which none comes before one that it waits for."""
    places = {number: place for place, number in enumerate(sequence)}
    return _in_order(grid, lambda job: (places[job.number],), limits)


def late_cost(grid: Grid, job: Job, limits: Limits) -> tuple[int, int]:
    """Return the slot by which a job should have ended, and the points of each slot after it, for it and others."""
    due, priority = limits[job.number]
    return (grid.length, 0) if due is None else (due, grid.points_late_at(priority))


def _in_order(
    grid: Grid,
    key: Callable[[Job], tuple[float, ...]],
    limits: Limits | None,
    previous_places: Mapping[str, tuple[int, tuple[int, ...]]] | None = None,
) -> Solution:
    """Place the jobs by rising key, each after those that it waits for, and in their previous places where possible.

    With limits, each goes where its cost and lateness are least; else where it ends first.
    """
    solution: Solution = {}
    open_spans = [list(spans) for spans in grid.free]
    previous_places = previous_places or {}
    ranks = {number: (number not in previous_places, *key(job), number) for number, job in grid.jobs.items()}
    open_before = {number: sum(one in grid.jobs for one in set(job.after)) for number, job in grid.jobs.items()}
    ready = [(ranks[number], number) for number, waits in open_before.items() if not waits]
    heapify(ready)
    while ready:
        number = heappop(ready)[1]
        job = grid.jobs[number]
        for follower in grid.followers[number]:
            if follower in open_before:
                open_before[follower] -= 1
                if not open_before[follower]:
                    heappush(ready, (ranks[follower], follower))
        release = grid.release(job)
        before = [one for one in job.after if one in grid.jobs]
        if release is None or any(one not in solution for one in before):
            continue
        release = max([release, *(grid.end(grid.jobs[one], solution[one]) for one in before)])
        place = previous_places.get(number)
        if place is None or place[1][0] < release or not _is_open(grid, job, place, open_spans[place[0]]):
            limit = None if limits is None else late_cost(grid, job, limits)
            place = earliest(grid, job, release, open_spans, limit)
        if place is not None:
            solution[number] = place
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
