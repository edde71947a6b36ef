"""A problem on a grid of time slots: where each job may start, with whom, and what a plan is worth in points.

The solver, the first guess and the search for conflicts all read this grid.
"""

from collections.abc import Callable, Collection
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, wraps
from typing import Any, TypeVar, cast

from workbench.exceptions import MaintenanceError
from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.schedule.model import Job, Placement, Problem, Technician
from workbench.maintenance.schedule.part_arrivals import part_arrivals
from workbench.maintenance.windows import Window, intersect, merge

__all__ = ["SCALE", "Grid", "Range", "Score", "Solution", "cut"]

Method = TypeVar("Method", bound=Callable[..., Any])

Range = tuple[int, int]
"""First slot of a range, and the first slot after it."""

Solution = dict[str, tuple[int, tuple[int, ...]]]
"""Technician and first slot of each session by job; a job that is not in it has no place."""

SCALE = 1000
"""Units of the solver, which computes in whole numbers, in one point."""


@dataclass(frozen=True)
class Score:
    """Points of a solution, the fewer the better.

    Attributes
    ----------
    points : int
        Objective, in 1 / `SCALE` points.
    idle : int
        Slots in which technicians wait before their last job.
    changed : int
        Jobs that left their previous place.
    """

    points: int
    idle: int
    changed: int


def _computed_once(compute: Method) -> Method:
    """Keep what a method returns for a job: a search asks for it at every step."""
    name = compute.__name__

    @wraps(compute)
    def looked_up(grid: "Grid", job: Job, *args: Any) -> Any:
        key = (name, job.number, *args)
        if key not in grid.computed:
            grid.computed[key] = compute(grid, job, *args)
        return grid.computed[key]

    return cast("Method", looked_up)


class Grid:
    """A problem in time slots, which are counted from `origin`.

    Parameters
    ----------
    problem : Problem
        What is planned, and by whom.
    options : ScheduleOptions
        Size of a slot, horizon and weights.

    Raises
    ------
    MaintenanceError
        There are jobs, but no technician or no window before the horizon.
    """

    def __init__(self, problem: Problem, options: ScheduleOptions) -> None:
        self.problem = problem
        self.options = options
        self.slot = timedelta(minutes=options.slot_minutes)
        # Slots are aligned to the epoch, so that the grids of two plans have the same slots.
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        self.origin = epoch - (epoch - problem.now) // self.slot * self.slot
        self.length = timedelta(days=options.horizon_days) // self.slot
        self.horizon = Window(self.origin, self.origin + self.length * self.slot)
        self.jobs = {job.number: job for job in problem.order() if job.frozen is None}
        self.every = self.jobs
        self.followers: dict[str, list[str]] = {number: [] for number in self.jobs}
        for job in self.jobs.values():
            for number in job.after:
                if number in self.followers:
                    self.followers[number].append(job.number)
        self.frozen = {job.number: job.frozen for job in problem.jobs if job.frozen is not None}
        self.technicians = problem.technicians
        self._check()
        self.windows = self._inner(problem.windows.windows(self.horizon.start, self.horizon.end))
        self.work = [self._working(technician) for technician in self.technicians]
        taken: list[list[Range]] = [[] for _ in self.technicians]
        names = [technician.name for technician in self.technicians]
        for placement in self.frozen.values():
            sessions = [(self.down(s.start), self.up(s.end)) for s in placement.sessions]
            taken[names.index(placement.technician)] += [span for span in sessions if span[1] > 0]
        self.taken = [sorted(spans) for spans in taken]
        self.free = [cut(work, spans) for work, spans in zip(self.work, self.taken, strict=True)]
        self.worked = [self.count(work) for work in self.work]
        self.previous = {p.job: p for p in problem.previous if p.job in self.jobs}
        self.waits_for_parts = self._parts()
        self._running = {
            asset: self._outer(calendar.windows(self.horizon.start, self.horizon.end))
            for asset, calendar in problem.operating.items()
        }
        self.settled: Solution = {}
        self._allowed: dict[tuple[str, int], list[Range]] = {}
        self._sessions: dict[str, tuple[int, ...]] = {}
        self.computed: dict[tuple[Any, ...], Any] = {}

    def around(self, solution: Solution, free: Collection[str]) -> "Grid":
        """Return a grid of some jobs alone, between the others at their places in a solution.

        Parameters
        ----------
        solution : Solution
            Places of all jobs.
        free : collection of str
            Jobs that may move.

        Returns
        -------
        Grid
            Its jobs are those that may move; the slots of the others are taken.
        """
        part = copy(self)
        part.settled = {number: place for number, place in solution.items() if number not in free}
        part.jobs = {number: job for number, job in self.jobs.items() if number in free}
        part.previous = {number: place for number, place in self.previous.items() if number in free}
        taken = [list(spans) for spans in self.taken]
        for number, place in part.settled.items():
            taken[place[0]] += self.spans(self.every[number], place)
        part.taken = [sorted(spans) for spans in taken]
        part.free = [cut(work, spans) for work, spans in zip(self.work, part.taken, strict=True)]
        part._allowed = {}
        part._sessions = {number: self.sessions(job) for number, job in self.every.items()}
        return part

    def _check(self) -> None:
        if not self.jobs:
            return
        if not self.technicians:
            raise MaintenanceError(
                "No work can be planned: there is no technician.", "Add one, with skills and calendar."
            )
        if not self.problem.windows.windows(self.horizon.start, self.horizon.end):
            raise MaintenanceError(
                f"No maintenance window opens in the {self.options.horizon_days} days that are planned.",
                "Add hours, or plan further ahead (horizon_days).",
            )

    def down(self, at: datetime) -> int:
        """Return the slot in which a time lies."""
        return (at - self.origin) // self.slot

    def up(self, at: datetime) -> int:
        """Return the first slot that begins at or after a time."""
        return -((self.origin - at) // self.slot)  # two signs make the floor of the division a ceiling

    def time(self, slot: int) -> datetime:
        """Return the start of a slot, UTC."""
        return self.origin + slot * self.slot

    def hours(self, slots: int) -> float:
        """Return the length of some slots in hours."""
        return slots * self.slot / timedelta(hours=1)

    def _inner(self, windows: tuple[Window, ...]) -> list[Range]:
        spans = [(max(0, self.up(w.start)), min(self.length, self.down(w.end))) for w in windows]
        return [span for span in spans if span[0] < span[1]]

    def _outer(self, windows: tuple[Window, ...]) -> list[Range]:
        return [(self.down(w.start), self.up(w.end)) for w in windows]

    def _working(self, technician: Technician) -> list[Range]:
        windows = self.problem.windows.windows(self.horizon.start, self.horizon.end)
        if technician.calendar is not None:
            windows = intersect(windows, technician.calendar.windows(self.horizon.start, self.horizon.end))
        return self._inner(merge(windows))

    def count(self, work: list[Range]) -> list[int]:
        """Return how many slots of some sorted spans lie before each slot, and before the end."""
        counts = [0] * (self.length + 1)
        total = 0
        spans = iter([*work, (self.length, self.length)])  # the empty span at the end stops the search for a next one
        start, end = next(spans)
        for slot in range(self.length):
            if slot >= end:
                start, end = next(spans)
            total += start <= slot < end
            counts[slot + 1] = total
        return counts

    def _parts(self) -> dict[str, tuple[int | None, str, int]]:
        """Return the jobs that wait for a part: slot of its arrival or None, its name, pieces that are missing."""
        arrivals = part_arrivals(self.problem)
        return {
            number: (None if at is None else self.up(at), part, pieces)
            for number, (at, part, pieces) in arrivals.items()
        }

    def release(self, job: Job, *, parts: bool = True) -> int | None:
        """Return the first slot in which a job may start, by its own date, its frozen predecessors and its parts.

        None where a part can never come.
        """
        first = 0 if job.not_before is None else max(0, self.up(job.not_before))
        for number in job.after:
            if number in self.frozen:
                first = max(first, self.up(self.frozen[number].end))
            elif number in self.settled:
                first = max(first, self.end(self.every[number], self.settled[number]))
        if parts and job.number in self.waits_for_parts:
            arrival = self.waits_for_parts[job.number][0]
            if arrival is None:
                return None
            first = max(first, arrival)
        return first

    def deadline(self, job: Job) -> int | None:
        """Return the slot in which the first of the settled jobs that wait for a job begins; None where none does."""
        settled = (self.settled[number] for number in self.followers[job.number] if number in self.settled)
        return min((place[1][0] for place in settled), default=None)

    def spans(self, job: Job, place: tuple[int, tuple[int, ...]]) -> list[Range]:
        """Return the slots of a job's sessions at a place."""
        return [(start, start + size) for start, size in zip(place[1], self.sessions(job), strict=True)]

    @_computed_once
    def due(self, job: Job) -> int | None:
        """Return the slot by which a job must have ended; negative where it is overdue."""
        return None if job.due is None else self.down(job.due)

    @_computed_once
    def skilled(self, job: Job) -> list[int]:
        """Return the technicians with all skills of a job: its assignee alone where it has one."""
        return [
            index
            for index, who in enumerate(self.technicians)
            if job.skills <= who.skills and job.assignee in ("", who.name)
        ]

    def allowed(self, job: Job, technician: int) -> list[Range]:
        """Return the slots in which a technician could work on a job; frozen jobs and operating hours are left out."""
        running = self.running(job)
        key = (job.asset if running else "", technician)
        if key not in self._allowed:
            self._allowed[key] = cut(self.free[technician], running)
        return self._allowed[key]

    def running(self, job: Job) -> list[Range]:
        """Return the slots in which the asset of a job must not be stopped for it."""
        return self._running.get(job.asset, []) if job.stops_asset else []

    def sessions(self, job: Job) -> tuple[int, ...]:
        """Return the lengths of a job's sessions, slots: one, unless it fits no window of anybody who can do it."""
        if job.number not in self._sessions:
            total = max(1, -(-timedelta(hours=job.hours) // self.slot))  # rounded up, as `pieces` is
            longest = max(
                (end - start for who in self.skilled(job) for start, end in self.allowed(job, who)), default=0
            )
            pieces = 1 if longest == 0 else -(-total // longest)
            self._sessions[job.number] = tuple(total // pieces + (piece < total % pieces) for piece in range(pieces))
        return self._sessions[job.number]

    def starts(self, job: Job, technician: int, session: int, release: int) -> list[Range]:
        """Return the first and last slot of each range in which a session may start; the last is included."""
        size = self.sessions(job)[session]
        spans = ((max(start, release), end - size) for start, end in self.allowed(job, technician))
        return [span for span in spans if span[0] <= span[1]]

    def end(self, job: Job, place: tuple[int, tuple[int, ...]]) -> int:
        """Return the slot at which a job's last session ends."""
        return place[1][-1] + self.sessions(job)[-1]

    @_computed_once
    def late_points(self, job: Job) -> int:
        """Return the points of one slot of lateness."""
        return self.points_late_at(job.priority)

    def points_late_at(self, priority: float) -> int:
        """Return the points of one slot of lateness of a job of some priority, 0 to 1."""
        return round(SCALE * self.options.lateness * self.hours(1) * (0.1 + 0.9 * priority))

    @_computed_once
    def unplanned_points(self, job: Job) -> int:
        """Return the points of a job without a place: twice the horizon later than now, more than any place costs."""
        due = self.due(job)
        overdue = 0 if due is None else max(0, -due)
        dearest = max((self.cost_points(job, who) for who in self.skilled(job)), default=0)
        waiting = self.idle_points * self.length
        return 1 + self.late_points(job) * (2 * self.length + overdue) + dearest + waiting + self.change_points

    @_computed_once
    def cost_points(self, job: Job, technician: int) -> int:
        """Return the points of a technician's time on a job."""
        hours = self.hours(sum(self.sessions(job)))
        return round(SCALE * self.options.cost * self.technicians[technician].rate * hours)

    @cached_property
    def idle_points(self) -> int:
        """Return the points of one slot of waiting."""
        return round(SCALE * self.options.idle * self.hours(1))

    @cached_property
    def change_points(self) -> int:
        """Return the points of one job that leaves its previous place."""
        return round(SCALE * self.options.change)

    def previous_place(self, job: Job) -> tuple[int, int] | None:
        """Return the technician and first slot of a job in the previous plan; None where it cannot stay there."""
        before = self.previous.get(job.number)
        names = [technician.name for technician in self.technicians]
        if before is None or before.technician not in names or self.time(self.down(before.start)) != before.start:
            return None
        return names.index(before.technician), self.down(before.start)

    def score(self, solution: Solution, plannable: Collection[str]) -> Score:
        """Return the points of a solution; jobs that are not `plannable` at all add none."""
        points = 0
        changed_jobs = 0
        last = [max((end for _, end in spans), default=0) for spans in self.taken]
        busy = [self._worked_in(who, spans) for who, spans in enumerate(self.taken)]
        for number, job in self.jobs.items():
            place = solution.get(number)
            leaves_place = number in self.previous and (
                place is None or self.previous_place(job) != (place[0], place[1][0])
            )
            changed_jobs += leaves_place
            if number in plannable:
                points += leaves_place * self.change_points + (self.unplanned_points(job) if place is None else 0)
            if place is None:
                continue
            due = self.due(job)
            end = self.end(job, place)
            late = 0 if due is None else max(0, end - due)
            points += self.cost_points(job, place[0]) + late * self.late_points(job)
            last[place[0]] = max(last[place[0]], end)
            busy[place[0]] += sum(self.sessions(job))
        idle = sum(self.worked[who][min(end, self.length)] - busy[who] for who, end in enumerate(last))
        return Score(points + idle * self.idle_points, idle, changed_jobs)

    def _worked_in(self, technician: int, spans: list[Range]) -> int:
        worked = self.worked[technician]
        total = 0
        reached = 0
        for start, end in spans:
            first = min(max(start, reached), self.length)  # spans may overlap: nothing is counted twice
            reached = min(max(end, reached), self.length)
            total += worked[reached] - worked[first]
        return total

    def frozen_work(self, technician: int) -> int:
        """Return the working slots that frozen jobs take."""
        return self._worked_in(technician, self.taken[technician])

    def placement(self, job: Job, place: tuple[int, tuple[int, ...]]) -> Placement:
        """Return a place as times; sessions that follow one another without a break are one."""
        sizes = self.sessions(job)
        windows = [Window(self.time(s), self.time(s + n)) for s, n in zip(place[1], sizes, strict=True)]
        return Placement(job.number, self.technicians[place[0]].name, merge(windows))


def cut(spans: list[Range], taken: list[Range]) -> list[Range]:
    """Return the slots of sorted `spans` that lie in none of `taken`, sorted by start."""
    remaining = []
    for start, end in spans:
        for begin, finish in taken:
            if finish <= start:
                continue
            if begin >= end:
                break
            if begin > start:
                remaining.append((start, begin))
            start = finish
        if start < end:
            remaining.append((start, end))
    return remaining
