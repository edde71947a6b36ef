"""What would put a late job in time, or give one a place: each remedy is tried, with all else as it is planned."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from workbench.maintenance.schedule.first_guess import earliest, take
from workbench.maintenance.schedule.grid import Grid, Range, Solution, cut
from workbench.maintenance.schedule.model import Job
from workbench.maintenance.windows import WorkingCalendar, subtract

__all__ = ["Remedy", "remedies"]

_ALWAYS = ("Mon-Sun 00:00-24:00",)
_MOST_OTHERS = 12  # jobs that are tried later
_MOST_REMEDIES = 3


@dataclass(frozen=True)
class Remedy:
    """A change that was tried and resolves a conflict.

    Attributes
    ----------
    kind : str
        Kind of the conflict that it resolves, of `CONFLICTS`.
    words : str
        What is to be done, without a full stop.
    """

    kind: str
    words: str


def remedies(grid: Grid, solution: Solution, job: Job) -> list[Remedy]:
    """Return what would put a job in time, or give it a place where it has none; at most three remedies.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    solution : Solution
        Places of the jobs.
    job : Job
        Job that is late or has no place.

    Returns
    -------
    list of Remedy
        Empty where nothing that was tried helps: it waits for more than one thing at once.
    """
    trial = _Trial(grid, solution, job)
    tried: tuple[Callable[[], Iterator[Remedy]], ...] = (
        trial.parts,
        trial.other_technician,
        trial.predecessors,
        trial.frozen,
        trial.others,
        trial.extra_technician,
        trial.hours,
        trial.start,
    )
    found: list[Remedy] = []
    for attempt in tried:
        for remedy in attempt():
            found.append(remedy)
            if len(found) == _MOST_REMEDIES:
                return found
            break  # one of a kind is enough
    return found


class _Trial:
    """The plan without one job, into which it is placed again under another condition."""

    def __init__(self, grid: Grid, solution: Solution, job: Job) -> None:
        self.grid = grid
        self.job = job
        self.solution = {number: place for number, place in solution.items() if number != job.number}
        due = grid.due(job)
        self.due = grid.length if due is None else due
        self.open = [list(spans) for spans in grid.free]
        for number, place in self.solution.items():
            for span in grid.spans(grid.every[number], place):
                take(self.open[place[0]], span)

    def release(self, *, parts: bool = True, leave_out: str = "") -> int | None:
        """Return the first slot in which the job may start, by those that it waits for and its parts."""
        first = self.grid.release(self.job, parts=parts)
        if first is None:
            return None
        for number in self.job.after:
            if number in self.grid.jobs and number != leave_out:
                if number not in self.solution:
                    return None
                first = max(first, self.grid.end(self.grid.jobs[number], self.solution[number]))
        return first

    def fits(self, job: Job, release: int | None, spans: list[list[Range]] | None = None) -> bool:
        """Return whether a job can be in time, from a slot on, in the slots that are open."""
        return self.end(job, release, spans) is not None

    def end(self, job: Job, release: int | None, spans: list[list[Range]] | None = None) -> int | None:
        """Return the slot by which a job ends at the earliest; None where that is too late."""
        if release is None:
            return None
        place = earliest(self.grid, job, release, spans or self.open)
        end = None if place is None else self.grid.end(job, place)
        return end if end is not None and end <= self.due else None

    def freed(self, number: str) -> list[list[Range]]:
        """Return the open slots, with those of another job."""
        who = self.solution[number][0]
        taken = [
            span
            for other, place in self.solution.items()
            if other != number and place[0] == who
            for span in self.grid.spans(self.grid.every[other], place)
        ]
        spans = list(self.open)
        spans[who] = cut(self.grid.free[who], sorted(taken))
        return spans

    def parts(self) -> Iterator[Remedy]:
        """Try the missing part earlier."""
        grid, number = self.grid, self.job.number
        first = self.release(parts=False)
        if number not in grid.waits_for_parts or not self.fits(self.job, first):
            return
        assert first is not None
        low, high = first, self.due  # the last slot in which the part may come, by halving
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.fits(self.job, middle) else (low, middle - 1)
        _, part, pieces = grid.waits_for_parts[number]
        yield Remedy("part", f"{pieces} x {part} by {_when(grid.time(low))}")

    def other_technician(self) -> Iterator[Remedy]:
        """Try technicians other than the assignee."""
        job, grid = self.job, self.grid
        if not job.assignee:
            return
        for who, technician in enumerate(grid.technicians):
            if job.skills <= technician.skills and technician.name != job.assignee:
                release = self.release()
                start = None if release is None else _first(self.open[who], self._length(), release, self.due)
                if start is not None:
                    yield Remedy(
                        "assignee", f"give {job.number} to {technician.name}, who could begin {_when(grid.time(start))}"
                    )

    def predecessors(self) -> Iterator[Remedy]:
        """Try each job that it waits for earlier, and then with an extra technician."""
        grid = self.grid
        for number in self.job.after:
            if number not in self.solution or number not in grid.jobs:
                continue
            before = grid.jobs[number]
            spans = self.freed(number)
            release = max([grid.release(before) or 0, *self._ends(before)])
            place = earliest(grid, before, release, spans)
            first = self.release(leave_out=number)
            if place is None or first is None:
                continue
            now_ends = grid.end(before, self.solution[number])
            earlier = grid.end(before, place)
            if earlier < now_ends and self.fits(self.job, max(first, earlier)):
                yield Remedy("precedence", f"{number} earlier: it could end {_when(grid.time(earlier))}")
                continue
            size = sum(grid.sessions(before))
            start = _first(self._windows(before), size, release, self.due)
            if start is not None and start + size < now_ends and self.fits(self.job, max(first, start + size)):
                until = _when(grid.time(start + size))
                yield Remedy("precedence", f"one technician more{_with(before)} until {until} for {number}")

    def frozen(self) -> Iterator[Remedy]:
        """Try each frozen job that has not begun, released."""
        grid = self.grid
        release = self.release()
        skilled = {grid.technicians[who].name: who for who in grid.skilled(self.job)}
        for number, placement in sorted(grid.frozen.items()):
            if placement.technician in skilled and placement.start > grid.problem.now:
                who = skilled[placement.technician]
                added = [(grid.down(one.start), grid.up(one.end)) for one in placement.sessions]
                spans = list(self.open)
                spans[who] = _joined([*spans[who], *(span for one in added for span in _inside(grid.work[who], one))])
                if self.fits(self.job, release, spans):
                    yield Remedy("capacity", f"release {number}, which is frozen with {placement.technician}")

    def others(self) -> Iterator[Remedy]:
        """Try each job that its technicians do before, later: the least urgent first."""
        grid = self.grid
        release = self.release()
        skilled = set(grid.skilled(self.job))
        tried = [
            number
            for number, place in self.solution.items()
            if place[0] in skilled
            and number in grid.jobs
            and number not in self.job.after
            and place[1][0] < self.due
            and not any(one in self.solution for one in grid.followers[number])
        ]
        tried.sort(key=lambda number: (grid.jobs[number].priority, number))
        for number in tried[:_MOST_OTHERS]:
            other = grid.jobs[number]
            spans = [list(one) for one in self.freed(number)]
            place = None if release is None else earliest(grid, self.job, release, spans)
            if place is None or grid.end(self.job, place) > self.due:
                continue
            for span in grid.spans(self.job, place):
                take(spans[place[0]], span)
            later = earliest(grid, other, max([grid.release(other) or 0, *self._ends(other)]), spans)
            if later is None:
                continue
            end, due = grid.end(other, later), grid.due(other)
            so = "" if due is None or end <= due else f", {_when(grid.time(end))}, after it is due"
            yield Remedy("capacity", f"{number} later{so}")

    def extra_technician(self) -> Iterator[Remedy]:
        """Try one technician more in the maintenance windows."""
        release = self.release()
        if release is not None:
            start = _first(self._windows(self.job), self._length(), release, self.due)
            if start is not None:
                until = _when(self.grid.time(start + self._length()))
                kind = "capacity" if self.grid.skilled(self.job) else "skill"
                yield Remedy(kind, f"one technician more{_with(self.job)} until {until}")

    def hours(self) -> Iterator[Remedy]:
        """Try work at any time at which a technician is free and not absent, outside the windows."""
        grid, release = self.grid, self.release()
        for who in grid.skilled(self.job):
            places = ((number, place) for number, place in self.solution.items() if place[0] == who)
            busy = [span for number, place in places for span in grid.spans(grid.every[number], place)]
            idle = [(0, grid.length)]
            for taken in (sorted([*grid.taken[who], *busy]), self._absences(who), grid.running(self.job)):
                idle = cut(idle, taken)
            start = None if release is None else _first(idle, self._length(), release, self.due)
            if start is not None:
                until = _when(grid.time(start + self._length()))
                name = grid.technicians[who].name
                yield Remedy("window", f"hours of {name} from {_when(grid.time(start))} to {until}")

    def _absences(self, who: int) -> list[Range]:
        """Return the slots of the days on which a technician is absent."""
        calendar = self.grid.technicians[who].calendar
        if calendar is None or not calendar.closed:
            return []
        every_day = WorkingCalendar(_ALWAYS, calendar.timezone)
        open_days = WorkingCalendar(_ALWAYS, calendar.timezone, calendar.closed)
        horizon = self.grid.horizon
        spans = [one.windows(horizon.start, horizon.end) for one in (every_day, open_days)]
        return [(self.grid.down(one.start), self.grid.up(one.end)) for one in subtract(*spans)]

    def start(self) -> Iterator[Remedy]:
        """Try the job before its own earliest start."""
        job, grid = self.job, self.grid
        if job.not_before is None or job.after:
            return
        own = grid.waits_for_parts.get(job.number, (0, "", 0))[0]
        if own is not None and self.fits(job, own):
            yield Remedy("due", f"an earlier start than {_when(job.not_before)}")

    def _ends(self, job: Job) -> list[int]:
        """Return the slots in which the jobs end that a job waits for."""
        before = (one for one in job.after if one in self.solution and one in self.grid.jobs)
        return [self.grid.end(self.grid.jobs[one], self.solution[one]) for one in before]

    def _length(self) -> int:
        return sum(self.grid.sessions(self.job))

    def _windows(self, job: Job) -> list[Range]:
        """Return the maintenance windows in which the asset of a job may be stopped."""
        return cut(self.grid.windows, self.grid.running(job))


def _first(spans: list[Range], size: int, release: int, due: int) -> int | None:
    """Return the first slot in one of some spans from which work of a size ends in time."""
    for start, end in spans:
        first = max(start, release)
        if first + size <= min(end, due):
            return first
    return None


def _inside(spans: list[Range], one: Range) -> list[Range]:
    return [(max(a, one[0]), min(b, one[1])) for a, b in spans if max(a, one[0]) < min(b, one[1])]


def _joined(spans: list[Range]) -> list[Range]:
    joined: list[Range] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _with(job: Job) -> str:
    return f" with {' and '.join(sorted(job.skills))}" if job.skills else ""


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
