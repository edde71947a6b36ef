"""Problem and plan of the schedule: plain values, without database and solver."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from graphlib import CycleError, TopologicalSorter

import pandas as pd

from workbench.counts import counted
from workbench.exceptions import MaintenanceError
from workbench.maintenance.windows import Window, WorkingCalendar

__all__ = ["CONFLICTS", "Conflict", "Job", "PartLeadTime", "Placement", "Plan", "Problem", "Technician"]

CONFLICTS = (
    "skill",
    "assignee",
    "part",
    "window",
    "precedence",
    "due",
    "capacity",
    "double_booking",
    "absent",
    "value",
    "overrun",
    "moved",
)
"""Kinds of conflict: missing skill, an assignee who cannot do it, missing part, no window, precedence, due date, too
little capacity, two frozen jobs at once, a technician who is absent, a value with which nothing can be computed, work
that takes longer than was estimated, and frozen work that had to move.
"""


@dataclass(frozen=True)
class Placement:
    """Place of a job in the schedule: who does it, and when.

    Attributes
    ----------
    job : str
        Number of the work order.
    technician : str
        Name of the technician.
    sessions : tuple of Window
        One session, or several for a job that is longer than any window; in order.
    """

    job: str
    technician: str
    sessions: tuple[Window, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sessions", tuple(self.sessions))
        if not self.sessions:
            raise MaintenanceError(f"The placement of {self.job} has no session.", "Give it one or more.")
        for earlier, later in zip(self.sessions, self.sessions[1:], strict=False):
            if later.start < earlier.end:
                raise MaintenanceError(
                    f"The sessions of {self.job} overlap or are out of order.", "Sort them by start."
                )

    @property
    def start(self) -> datetime:
        """Return the start of the first session."""
        return self.sessions[0].start

    @property
    def end(self) -> datetime:
        """Return the end of the last session."""
        return self.sessions[-1].end


@dataclass(frozen=True)
class Job:
    """One open work order, as the schedule sees it.

    Attributes
    ----------
    number : str
        Number of the work order.
    hours : float
        Estimated hours of work, above 0.
    asset : str
        Asset on which it is done.
    title : str
        What is to be done, in a line.
    priority : float
        Score of the priority rule, 0 to 1.
    due : datetime or None
        Due date, aware; None where there is none.
    skills : frozenset of str
        Skills, all of which the technician must have.
    after : tuple of str
        Numbers of jobs that must have ended; a number that is not in the problem counts as done.
    parts : mapping of str to int
        Quantity of each part that is needed and not yet reserved for it.
    not_before : datetime or None
        Earliest start, aware.
    stops_asset : bool
        Whether it keeps out of the asset's operating hours.
    frozen : Placement or None
        Where it stays, whatever else changes: it has begun, or somebody has fixed it.
    assignee : str
        Technician who alone may do it; empty where anybody with the skills may.
    """

    number: str
    hours: float
    asset: str = ""
    title: str = ""
    priority: float = 0.5
    due: datetime | None = None
    skills: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()
    parts: Mapping[str, int] = field(default_factory=dict)
    not_before: datetime | None = None
    stops_asset: bool = True
    frozen: Placement | None = None
    assignee: str = ""


@dataclass(frozen=True)
class Technician:
    """Person who does work orders, one at a time.

    Attributes
    ----------
    name : str
        Name, which no other technician has.
    skills : frozenset of str
        What they can do.
    rate : float
        Hourly rate.
    calendar : WorkingCalendar or None
        When they work, inside the maintenance windows; None for all of these.
    """

    name: str
    skills: frozenset[str] = frozenset()
    rate: float = 0.0
    calendar: WorkingCalendar | None = None


@dataclass(frozen=True)
class PartLeadTime:
    """Stock of a part, and the time until more of it could arrive.

    Attributes
    ----------
    name : str
        Name of the part.
    available : int
        Quantity in stock that is not reserved.
    lead_days : float or None
        Days from an order to its arrival; None where that is unknown.
    arrivals : tuple of (datetime, int)
        When pieces that are requested arrive, aware, and how many.
    requests : tuple of int
        Numbers of the purchase requests that bring these, in the same order; empty where they have none.
    """

    name: str
    available: int = 0
    lead_days: float | None = None
    arrivals: tuple[tuple[datetime, int], ...] = ()
    requests: tuple[int, ...] = ()


@dataclass(frozen=True)
class Problem:
    """All that a plan is made from.

    Attributes
    ----------
    now : datetime
        Present time, aware; only frozen jobs start before it.
    jobs : tuple of Job
        Work orders that are planned.
    technicians : tuple of Technician
        People who do them.
    parts : tuple of PartLeadTime
        All parts that the jobs need.
    windows : WorkingCalendar
        Maintenance windows.
    operating : mapping of str to WorkingCalendar
        Hours in which an asset runs and must not be stopped.
    previous : tuple of Placement
        Placements of the previous plan.
    set_aside : tuple of Conflict
        Conflicts that are known before: of the orders that cannot be planned at all and are not among the jobs, and of
        work that takes longer than was estimated.

    Raises
    ------
    MaintenanceError
        A number or name appears twice, or is unknown; hours, rates or amounts are negative; a time has no zone; jobs
        wait for one another in a circle.
    """

    now: datetime
    jobs: tuple[Job, ...]
    technicians: tuple[Technician, ...]
    parts: tuple[PartLeadTime, ...] = ()
    windows: WorkingCalendar = field(default_factory=WorkingCalendar)
    operating: Mapping[str, WorkingCalendar] = field(default_factory=dict)
    previous: tuple[Placement, ...] = ()
    set_aside: "tuple[Conflict, ...]" = ()

    def __post_init__(self) -> None:
        _aware(self.now, "now")
        object.__setattr__(self, "now", self.now.astimezone(UTC))
        for name in ("jobs", "technicians", "parts", "previous", "set_aside"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _once("job", [job.number for job in self.jobs])
        _once("technician", [technician.name for technician in self.technicians])
        _once("part", [part.name for part in self.parts])
        for technician in self.technicians:
            _number(f"The rate of {technician.name}", technician.rate)
        for part in self.parts:
            _number(f"The stock of {part.name}", part.available)
            _number(f"The lead time of {part.name}", part.lead_days or 0)
        for job in self.jobs:
            self._check(job)
        self.order()

    def _check(self, job: Job) -> None:
        _number(f"The estimated hours of {job.number}", job.hours, above=True)
        _number(f"The priority of {job.number}", job.priority)
        if job.priority > 1:
            raise MaintenanceError(f"The priority of {job.number} is {job.priority:g}.", "It must be 0 to 1.")
        for name in ("due", "not_before"):
            _aware(getattr(job, name), f"{name} of {job.number}")
        part_names = {part.name for part in self.parts}
        for part, pieces in job.parts.items():
            if part not in part_names:
                raise MaintenanceError(
                    f"{job.number} needs {part!r}, which is not among the parts.", _known_names(part_names)
                )
            _number(f"The amount of {part} for {job.number}", pieces, above=True)
        if job.frozen is not None:
            names = {technician.name for technician in self.technicians}
            if job.frozen.technician not in names:
                raise MaintenanceError(
                    f"{job.number} is frozen with {job.frozen.technician!r}, who is not among the technicians.",
                    _known_names(names),
                )
            if job.frozen.job != job.number:
                raise MaintenanceError(
                    f"{job.number} is frozen with the placement of {job.frozen.job}.", "Give it its own."
                )

    def order(self) -> list[Job]:
        """Return the jobs, each after those that it waits for.

        Raises
        ------
        MaintenanceError
            Jobs wait for one another in a circle; the message names them.
        """
        jobs = {job.number: job for job in self.jobs}
        sorter = TopologicalSorter({job.number: [n for n in job.after if n in jobs] for job in self.jobs})
        try:
            return [jobs[number] for number in sorter.static_order()]
        except CycleError as error:
            circle = " -> ".join(reversed(error.args[1]))
            raise MaintenanceError(
                f"Jobs wait for one another in a circle: {circle}.", "Remove one of these precedences."
            ) from None


@dataclass(frozen=True)
class Conflict:
    """Reason why a job is not planned, not in time, or not as frozen.

    Attributes
    ----------
    kind : str
        One of `CONFLICTS`.
    job : str
        Number of the work order.
    message : str
        Sentence that says what is wrong.
    resolve : str
        Action that would resolve it.
    """

    kind: str
    job: str
    message: str
    resolve: str


@dataclass(frozen=True)
class Plan:
    """Placements of the jobs, their conflicts, and how good the plan is.

    Attributes
    ----------
    now : datetime
        Time at which it was made, UTC.
    placements : tuple of Placement
        Places of the jobs, by start, then number.
    conflicts : tuple of Conflict
        Conflicts by number, then kind.
    lateness_hours : float
        Hours after their due date, of all planned jobs.
    idle_hours : float
        Working hours in which technicians wait for a job before their last one.
    cost : float
        Technicians' time at their rates.
    changed : int
        Jobs that left their technician or start of the previous plan.
    objective, bound : float
        Points of this plan, and the least that any plan can have, by the solver's proof.
    optimal : bool
        Whether the solver proved that no plan is better.
    timed_out : bool
        Whether the time limit, not the effort, ended the search: another run may find another plan.
    """

    now: datetime
    placements: tuple[Placement, ...]
    conflicts: tuple[Conflict, ...]
    lateness_hours: float
    idle_hours: float
    cost: float
    changed: int
    objective: float
    bound: float
    optimal: bool
    timed_out: bool = field(default=False, compare=False)

    @property
    def gap(self) -> float:
        """Return the largest share of the objective that a better plan could save, 0 (this one is optimal) to 1."""
        return 0.0 if self.objective <= self.bound else (self.objective - max(self.bound, 0.0)) / self.objective

    @property
    def unplanned(self) -> tuple[str, ...]:
        """Return the numbers of the jobs that have no place."""
        placed = {placement.job for placement in self.placements}
        return tuple(dict.fromkeys(conflict.job for conflict in self.conflicts if conflict.job not in placed))

    def check(self) -> None:
        """Raise an error where the plan leaves jobs without a place.

        Raises
        ------
        MaintenanceError
            Jobs have no place; the message names them and what would resolve each.
        """
        unplanned = set(self.unplanned)
        if unplanned:
            conflicts = [conflict for conflict in self.conflicts if conflict.job in unplanned]
            raise MaintenanceError(
                f"{counted(len(unplanned), 'work order')} cannot be planned: " + " ".join(c.message for c in conflicts),
                " ".join(dict.fromkeys(conflict.resolve for conflict in conflicts)),
            )

    def table(self) -> pd.DataFrame:
        """Return the sessions as a table: job, technician, session, start, end, hours; times in UTC."""
        rows = [
            (placement.job, placement.technician, number, session.start, session.end, session.hours)
            for placement in self.placements
            for number, session in enumerate(placement.sessions, 1)
        ]
        table = pd.DataFrame(rows, columns=["job", "technician", "session", "start", "end", "hours"])
        return table.astype({"start": "datetime64[us, UTC]", "end": "datetime64[us, UTC]", "hours": float})

    def conflict_table(self) -> pd.DataFrame:
        """Return the conflicts as a table: job, kind, message, resolve."""
        rows = [(conflict.job, conflict.kind, conflict.message, conflict.resolve) for conflict in self.conflicts]
        return pd.DataFrame(rows, columns=["job", "kind", "message", "resolve"], dtype=str)


def _aware(value: datetime | None, name: str) -> None:
    if value is not None and value.tzinfo is None:
        raise MaintenanceError(f"The time {value} ({name}) has no time zone.", "Give it one, for example UTC.")


def _number(name: str, value: float, *, above: bool = False) -> None:
    if not math.isfinite(value) or value < 0 or (above and value == 0):
        raise MaintenanceError(f"{name} is {value:g}.", f"It must be {'above 0' if above else '0 or more'}.")


def _once(what: str, names: list[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise MaintenanceError(f"The {what} {name!r} appears {times} times.", "Give each its own name.")


def _known_names(names: set[str]) -> str:
    return f"Known: {', '.join(sorted(names)) or 'none'}."
