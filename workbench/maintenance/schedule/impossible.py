"""Frozen work that cannot be done where it is frozen: it moves, and the plan says so."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workbench.maintenance.schedule.model import Conflict, Placement, Problem, Technician
from workbench.maintenance.schedule.part_arrivals import part_arrivals
from workbench.maintenance.windows import Window

__all__ = ["is_absent", "moved_conflict", "without_impossible"]


def moved_conflict(placement: Placement, why: str) -> Conflict:
    """Return the conflict that says that frozen work had to move."""
    return Conflict(
        "moved",
        placement.job,
        f"{placement.job} was frozen with {placement.technician} at {placement.start:%Y-%m-%d %H:%M} UTC and has to "
        f"move: {why}.",
        "Accept its new place, or correct what keeps it from the old one.",
    )


def without_impossible(problem: Problem) -> Problem:
    """Return a problem in which frozen jobs may move that cannot be done where they are; each is a conflict.

    They are assigned to somebody else by now, their technician is absent on that day, or a part arrives later. Jobs
    that have begun stay.
    """
    arrivals = part_arrivals(problem)
    people = {technician.name: technician for technician in problem.technicians}
    jobs = []
    conflicts = []
    for job in problem.jobs:
        place = job.frozen
        why = ""
        if place is not None and place.start >= problem.now:
            at, part, _ = arrivals.get(job.number, (place.start, "", 0))
            if job.assignee not in ("", place.technician):
                why = f"it is assigned to {job.assignee}"
            elif is_absent(people[place.technician], place.sessions):
                why = f"{place.technician} is absent"
            elif at is None:
                why = f"no date is known for {part}"
            elif at > place.start:
                why = f"{part} arrives {_text(at)}"
        if why and place is not None:
            conflicts.append(moved_conflict(place, why))
        jobs.append(replace(job, frozen=None) if why else job)
    if not conflicts:
        return problem
    return replace(problem, jobs=tuple(jobs), set_aside=(*problem.set_aside, *conflicts))


def is_absent(technician: Technician, sessions: Iterable[Window]) -> bool:
    """Return whether a technician is absent on a day of some sessions."""
    calendar = technician.calendar
    if calendar is None or not calendar.closed:
        return False
    zone = ZoneInfo(calendar.timezone)
    ends = timedelta(microseconds=1)
    days = {at.astimezone(zone).date() for one in sessions for at in (one.start, one.end - ends)}
    return not days.isdisjoint(calendar.closed)


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
