"""A plan as a constraint program (OR-Tools CP-SAT): one worker, a fixed seed, effort in deterministic time.

Per job one start for each session, and one literal for each technician who could do it; sessions are optional
intervals that must not overlap on a technician. OR-Tools is imported when a plan is made.
"""

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from workbench.maintenance.schedule.first_guess import Limits
from workbench.maintenance.schedule.grid import SCALE, Grid, Solution
from workbench.maintenance.schedule.handed_back import handed_back
from workbench.maintenance.schedule.model import Job
from workbench.maintenance.schedule.neighbourhoods import Neighbourhoods
from workbench.maintenance.schedule.queues import improved_queues
from workbench.maintenance.schedule.relaxation import least_points, relaxed
from workbench.maintenance.schedule.sequences import in_sequence

__all__ = ["Stop", "search"]

_WHOLE = 40  # jobs that are solved together
_FIRST_SIZE = 16
_LEAST_SIZE = 6
_EFFORT_OF_ONE = 0.02
_EFFORT_OF_A_MOVE = 0.00001
_EFFORT_OF_A_PLACE = 0.000002
_PLACED_BY_A_MOVE = 0.4  # share of the jobs in a queue
_EFFORT_OF_A_SECOND = 0.15  # of moves, on a slow machine
_EFFORT_OF_A_JOB = 0.0002  # what it takes to build its part of a model


class Stop:
    """Follows a search, and stops it early, from another thread; the best solution so far is the plan.

    Parameters
    ----------
    on_progress : callable, optional
        Called by the search with the share of its effort or time that is used, 0 to 1, and the least points so far.

    Attributes
    ----------
    is_requested : bool
        Whether the search is to stop.
    share : float
        Share of the effort or time that is used, 0 to 1.
    best : list of (float, float)
        Seconds since the search began, and points, of each better plan that it found.

    Examples
    --------
    >>> stop = Stop()
    >>> stop()
    >>> stop.is_requested
    True
    """

    def __init__(self, on_progress: Callable[[float, float], None] | None = None) -> None:
        self.is_requested = False
        self.share = 0.0
        self.best: list[tuple[float, float]] = []
        self._on_progress = on_progress
        self._solver: Any = None

    def __call__(self) -> None:
        """Stop the search that runs now, or the next one."""
        self.is_requested = True
        if self._solver is not None:
            self._solver.stop_search()

    def watch(self, solver: Any) -> None:
        """Register the solver that searches now."""
        self._solver = solver

    def report(self, share: float, seconds: float, points: float) -> None:
        """Take note of how far the search is, and of its least points so far."""
        self.share = min(1.0, share)
        if not self.best or points < self.best[-1][1]:
            self.best.append((seconds, points))
        if self._on_progress is not None:
            self._on_progress(self.share, points)


def search(
    grid: Grid, guess: Solution, plannable: Mapping[str, int], stop: Stop | None = None
) -> tuple[Solution, int, bool]:
    """Search for the best solution, from a first guess.

    Up to `_WHOLE` jobs are solved together first, which often proves that no plan is better. Most of what is left of
    the effort goes into moves within and between the queues of the technicians, the rest into large-neighbourhood
    search (Shaw 1998): some jobs are taken out and placed anew by the solver, the others staying where they are, again
    and again.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    guess : Solution
        Solution from which the search starts; it must keep every rule.
    plannable : mapping of str to int
        First slot by which each job that can be planned could have ended.
    stop : Stop, optional
        Ends the search early.

    Returns
    -------
    solution : Solution
        Best solution; the guess where nothing better was found.
    bound : int
        Least points that any solution can have, in 1 / `SCALE` points.
    timed_out : bool
        Whether the time limit, not the effort, ended the search.
    """
    if not plannable:
        return guess, grid.score(guess, plannable).points, False
    course = _Course(grid, guess, plannable, stop or Stop())
    if len(plannable) <= _WHOLE:
        course.whole()
    course.relax()
    course.move()
    course.improve()
    return course.best, min(course.bound, course.points), course.timed_out or course.cut_short


class _Course:
    """A search on its way: the best solution so far, the bound, and the effort and time that are left."""

    def __init__(self, grid: Grid, guess: Solution, plannable: Mapping[str, int], stop: Stop) -> None:
        from ortools.sat.python import cp_model

        self.cp = cp_model
        self.grid = grid
        self.plannable = plannable
        self.stop = stop
        self.best = guess
        self.points = grid.score(guess, plannable).points
        self.bound = least_points(grid, plannable)
        self.effort = grid.options.effort
        self.began_at = time.monotonic()
        self.ends_at = self.began_at + grid.options.time_limit
        self.timed_out = False
        self.cut_short = False

    @property
    def goes_on(self) -> bool:
        """Whether there is something left to find, and effort and time to find it."""
        options, seconds = self.grid.options, time.monotonic() - self.began_at
        share = max(1 - self.effort / options.effort, seconds / options.time_limit)
        self.stop.report(share, seconds, self.points / SCALE)
        if self.stop.is_requested or self.effort <= 0 or self.points <= self.bound:
            return False
        self.timed_out = self.timed_out or time.monotonic() >= self.ends_at
        return not self.timed_out

    def whole(self) -> None:
        """Solve all jobs together."""
        if not self.goes_on:
            return
        solver, model, status = self._solve(self.grid, self.best, self.plannable, self.effort / 2)
        if status in (self.cp.OPTIMAL, self.cp.FEASIBLE):
            self._take(model.solution(solver))
        # Points are whole: only rounding errors are lost.
        self.bound = max(self.bound, math.ceil(solver.best_objective_bound - 1e-6))

    def relax(self) -> None:
        """Raise the bound, and place the jobs with whoever does them in the relaxation."""
        if not self.goes_on:
            return
        relaxation = relaxed(self.grid, self.plannable)
        self.bound = max(self.bound, relaxation.bound)
        limits = handed_back(self.grid)
        by_due = sorted(self.grid.jobs, key=partial(_due_first, self.grid, limits))
        by_slot = sorted(self.grid.jobs, key=lambda number: (relaxation.slot.get(number, self.grid.length), number))
        for sequence in (by_due, by_slot):
            self._take(in_sequence(self.grid, sequence, limits, relaxation.technician))

    def move(self) -> None:
        """Move jobs in the queues of technicians, with most of the effort and time that are left."""
        least, ends_at = self.effort / 4, (time.monotonic() + 3 * self.ends_at) / 4

        def goes_on(placed: int) -> bool:
            self.effort -= _EFFORT_OF_A_MOVE + _EFFORT_OF_A_PLACE * placed
            goes_on = self.goes_on and self.effort > least
            self.cut_short = self.cut_short or (goes_on and time.monotonic() >= ends_at)
            return goes_on and not self.cut_short

        # Expected by effort and time limit alone: what the clock says must not change what is found.
        budget = min(self.effort - least, _EFFORT_OF_A_SECOND * self.grid.options.time_limit)
        placed = _PLACED_BY_A_MOVE * len(self.grid.jobs) / len(self.grid.technicians)
        moves = max(1, round(budget / (_EFFORT_OF_A_MOVE + _EFFORT_OF_A_PLACE * placed)))
        chance = random.Random(self.grid.options.seed)
        self._take(improved_queues(self.grid, self.best, self.plannable, self.bound, chance, moves, goes_on))

    def improve(self) -> None:
        """Place some jobs anew, again and again."""
        neighbourhoods = Neighbourhoods(self.grid, self.plannable, self.grid.options.seed)
        size = min(len(self.plannable), _FIRST_SIZE)
        while self.goes_on:
            chosen = neighbourhoods.choose(self.best, size)
            part = self.grid.around(self.best, chosen)
            places = {number: place for number, place in self.best.items() if number in chosen}
            ends = {number: self.plannable[number] for number in part.jobs if number in self.plannable}
            solver, model, status = self._solve(part, places, ends, _EFFORT_OF_ONE)
            if status in (self.cp.OPTIMAL, self.cp.FEASIBLE):
                self._take(part.settled | model.solution(solver))
            grows = status == self.cp.OPTIMAL
            size = max(_LEAST_SIZE, min(len(self.plannable), round(size * 1.1) if grows else round(size * 0.9)))

    def _solve(self, grid: Grid, guess: Solution, ends: Mapping[str, int], effort: float) -> tuple[Any, "_Model", Any]:
        model = _Model(grid, ends, self.cp)
        model.hint(guess)
        solver = self.cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = grid.options.seed
        solver.parameters.cp_model_probing_level = 0  # takes longer than most plans
        solver.parameters.max_deterministic_time = min(effort, self.effort)
        solver.parameters.max_time_in_seconds = max(0.01, self.ends_at - time.monotonic())
        self.stop.watch(solver)
        status = solver.solve(model.model)
        self.effort -= solver.response_proto.deterministic_time + _EFFORT_OF_A_JOB * len(ends)
        return solver, model, status

    def _take(self, solution: Solution) -> None:
        points = self._points(solution)
        if points <= self.points:
            self.best, self.points = solution, points

    def _points(self, solution: Solution) -> int:
        return self.grid.score(solution, self.plannable).points


class _Model:
    """The constraint program of a grid, over the jobs that can be planned."""

    def __init__(self, grid: Grid, plannable: Mapping[str, int], cp: Any) -> None:
        self.grid = grid
        self.cp = cp
        self.model = cp.CpModel()
        self.jobs = [job for job in grid.jobs.values() if job.number in plannable]
        self.starts: dict[str, list[Any]] = {}
        self.done_by: dict[str, dict[int, Any]] = {}
        self.unplanned: dict[str, Any] = {}
        self.late: dict[str, Any] = {}
        self.stays: dict[str, Any] = {}
        self.last: dict[int, Any] = {}
        self.reached: dict[int, Any] = {}
        self.last_in: dict[int, list[tuple[int, int, Any]]] = {}
        self.intervals: dict[int, list[Any]] = {who: [] for who in range(len(grid.technicians))}
        self.points: list[Any] = []
        for job in self.jobs:
            self._place(job, plannable[job.number])
        for job in self.jobs:
            self._order(job)
            self._weigh(job, plannable[job.number])
        for intervals in self.intervals.values():
            self.model.add_no_overlap(intervals)
        if grid.idle_points:
            for who in self.intervals:
                self._wait(who)
        self.model.minimize(sum(self.points))

    def _place(self, job: Job, end: int) -> None:
        """Add the starts of a job's sessions and the technicians who could do it."""
        grid = self.grid
        model = self.model
        number = job.number
        sizes = grid.sessions(job)
        first = [(grid.release(job) or 0) + sum(sizes[:session]) for session in range(len(sizes))]
        first[-1] = max(first[-1], end - sizes[-1])
        domains = {who: [grid.starts(job, who, k, first[k]) for k in range(len(sizes))] for who in grid.skilled(job)}
        domains = {who: spans for who, spans in domains.items() if all(spans)}
        self.unplanned[number] = model.new_bool_var(f"unplanned {number}")
        self.done_by[number] = {who: model.new_bool_var(f"{number} by {who}") for who in domains}
        model.add_exactly_one([self.unplanned[number], *self.done_by[number].values()])
        self.starts[number] = []
        for session, size in enumerate(sizes):
            spans = sorted({span for by_session in domains.values() for span in by_session[session]})
            anywhere = self.cp.Domain.from_intervals(spans or [(first[session],) * 2])  # nobody is free: unplanned
            start = model.new_int_var_from_domain(anywhere, f"start {number}.{session}")
            self.starts[number].append(start)
            for who, literal in self.done_by[number].items():
                here = self.cp.Domain.from_intervals(domains[who][session])
                if here.flattened_intervals() != anywhere.flattened_intervals():
                    model.add_linear_expression_in_domain(start, here).only_enforce_if(literal)
                self.intervals[who].append(
                    model.new_optional_fixed_size_interval_var(start, size, literal, f"{number}.{session} by {who}")
                )
        deadline = grid.deadline(job)
        if deadline is not None:  # a job that stays where it is waits for this one
            model.add(self.unplanned[number] == 0)
            model.add(self._end(job) <= deadline)
        for session in range(len(sizes) - 1):
            model.add(self.starts[number][session + 1] >= self.starts[number][session] + sizes[session])

    def _end(self, job: Job) -> Any:
        return self.starts[job.number][-1] + self.grid.sessions(job)[-1]

    def _order(self, job: Job) -> None:
        """Let a job start after those that it waits for, and have no place without them."""
        for number in job.after:
            if number in self.starts:
                self.model.add_implication(self.unplanned[number], self.unplanned[job.number])
                self.model.add(self.starts[job.number][0] >= self._end(self.grid.jobs[number])).only_enforce_if(
                    ~self.unplanned[job.number]
                )

    def _weigh(self, job: Job, end: int) -> None:
        """Add what a job's place costs: lateness, technician, change; and what it costs to have none."""
        grid = self.grid
        model = self.model
        number = job.number
        unplanned = self.unplanned[number]
        due = grid.due(job)
        previous_place = grid.previous_place(job)
        self.points.append(grid.unplanned_points(job) * unplanned)
        self.points += [grid.cost_points(job, who) * literal for who, literal in self.done_by[number].items()]
        if due is not None:
            late = model.new_int_var(0, max(0, grid.length - due), f"late {number}")
            model.add(late >= self._end(job) - due).only_enforce_if(~unplanned)
            if end > due:  # late wherever it is put
                model.add(late >= (end - due) * (1 - unplanned))
            self.late[number] = late
            self.points.append(grid.late_points(job) * late)
        if number in grid.previous:
            if previous_place is None or previous_place[0] not in self.done_by[number]:
                self.points.append(grid.change_points)
                return
            self.stays[number] = model.new_bool_var(f"stays {number}")
            model.add_implication(self.stays[number], self.done_by[number][previous_place[0]])
            model.add(self.starts[number][0] == previous_place[1]).only_enforce_if(self.stays[number])
            self.points.append(grid.change_points * (1 - self.stays[number]))

    def _wait(self, who: int) -> None:
        """Add a technician's working slots up to their last job, less those of their jobs."""
        grid = self.grid
        model = self.model
        frozen_end = min(max((end for _, end in grid.taken[who]), default=0), grid.length)
        last = model.new_int_var(frozen_end, grid.length, f"last of {who}")
        reached = model.new_int_var(0, grid.worked[who][-1], f"worked by {who}")
        nothing = model.new_bool_var(f"nothing more for {who}")
        model.add(last == frozen_end).only_enforce_if(nothing)
        model.add(reached == grid.worked[who][frozen_end]).only_enforce_if(nothing)
        in_window = [(frozen_end, frozen_end, nothing)]
        for start, end in _ramps(grid.worked[who]):
            if end > frozen_end:
                here = model.new_bool_var(f"last of {who} in {start}")
                model.add_linear_constraint(last, start + 1, end).only_enforce_if(here)
                model.add(reached == last + (grid.worked[who][start] - start)).only_enforce_if(here)
                in_window.append((start + 1, end, here))
        model.add_exactly_one(literal for _, _, literal in in_window)
        self.last_in[who] = in_window
        busy: list[Any] = [grid.frozen_work(who)]
        for job in self.jobs:
            literal = self.done_by[job.number].get(who)
            if literal is not None:
                model.add(last >= self._end(job)).only_enforce_if(literal)
                busy.append(sum(grid.sessions(job)) * literal)
        model.add(reached >= sum(busy))
        self.last[who] = last
        self.reached[who] = reached
        self.points.append(grid.idle_points * (reached - sum(busy)))

    def hint(self, guess: Solution) -> None:
        """Pass the solver a first guess to start from."""
        grid = self.grid
        model = self.model
        last = {who: min(max((end for _, end in grid.taken[who]), default=0), grid.length) for who in self.last}
        for job in self.jobs:
            number = job.number
            place = guess.get(number)
            model.add_hint(self.unplanned[number], place is None)
            for who, literal in self.done_by[number].items():
                model.add_hint(literal, place is not None and place[0] == who)
            if number in self.stays:
                model.add_hint(
                    self.stays[number], place is not None and (place[0], place[1][0]) == grid.previous_place(job)
                )
            if place is None:
                continue
            end = grid.end(job, place)
            due = grid.due(job)
            for start, slot in zip(self.starts[number], place[1], strict=True):
                model.add_hint(start, slot)
            if due is not None:
                model.add_hint(self.late[number], max(0, end - due))
            if place[0] in last:
                last[place[0]] = max(last[place[0]], end)
        for who, slot in last.items():
            model.add_hint(self.last[who], slot)
            model.add_hint(self.reached[who], grid.worked[who][slot])
            inside = next(i for i, (low, high, _) in enumerate(self.last_in[who]) if low <= slot <= high)
            for i, (_, _, literal) in enumerate(self.last_in[who]):
                model.add_hint(literal, i == inside)

    def solution(self, solver: Any) -> Solution:
        """Return the places that the solver found."""
        places: Solution = {}
        for job in self.jobs:
            for who, literal in self.done_by[job.number].items():
                if solver.boolean_value(literal):
                    places[job.number] = (who, tuple(int(solver.value(start)) for start in self.starts[job.number]))
        return places


def _due_first(grid: Grid, limits: Limits, number: str) -> tuple[float, float, str]:
    due, priority = limits[number]
    return grid.length if due is None else due, -priority, number


def _ramps(worked: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last slot of each stretch in which a running count of working slots rises."""
    ramps: list[tuple[int, int]] = []
    for slot, (before, after) in enumerate(pairwise(worked)):
        if after > before:
            if ramps and ramps[-1][1] == slot:
                ramps[-1] = (ramps[-1][0], slot + 1)
            else:
                ramps.append((slot, slot + 1))
    return ramps
