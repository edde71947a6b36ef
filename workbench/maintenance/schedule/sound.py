"""Values of a database with which no plan can be made: set aside or corrected, so that the rest is planned."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from workbench.maintenance.schedule.model import Conflict, Job, PartLeadTime, Technician
from workbench.maintenance.values import (
    FIRST_TIME,
    LAST_TIME,
    MAX_HOURLY_RATE,
    MAX_ORDER_HOURS,
    MAX_PART_PIECES,
    MAX_WAIT_DAYS,
)

__all__ = ["sound_jobs", "sound_part", "sound_technician"]

_LOG = logging.getLogger(__name__)


def sound_jobs(jobs: Sequence[Job], parts: Collection[str]) -> tuple[tuple[Job, ...], tuple[Conflict, ...]]:
    """Separate the jobs that can be planned from those that never can, or wait for one of these.

    Parameters
    ----------
    jobs : sequence of Job
        All open work orders.
    parts : collection of str
        Names of all parts.

    Returns
    -------
    tuple of Job
        Jobs with which a plan can be made.
    tuple of Conflict
        Reason why each of the others cannot be planned.
    """
    jobs = [_begun(job) for job in jobs]
    aside = {job.number: conflict for job in jobs if (conflict := _unsound(job, parts)) is not None}
    while circle := _circle([job for job in jobs if job.number not in aside]):
        for number in circle:
            aside[number] = Conflict(
                "precedence",
                number,
                f"{number} cannot be planned: orders wait for one another in a circle, {', '.join(sorted(circle))}.",
                "Cancel one of them and open it anew without the precedence.",
            )
    waiting = True
    while waiting:
        waiting = False
        for job in jobs:
            before = [number for number in job.after if number in aside]
            if before and job.number not in aside and job.frozen is None:
                aside[job.number] = Conflict(
                    "precedence",
                    job.number,
                    f"{job.number} cannot be planned: it waits for {', '.join(before)}, which cannot be planned.",
                    f"Correct {', '.join(before)} first.",
                )
                waiting = True
    return tuple(job for job in jobs if job.number not in aside), tuple(aside.values())


def sound_technician(technician: Technician) -> Technician:
    """Return a technician with a valid rate: an invalid one becomes 0, with a warning in the log."""
    if 0 <= technician.rate <= MAX_HOURLY_RATE:
        return technician
    _LOG.warning(
        "The rate of %s is %r and is planned as 0. Set a rate from 0 to %s: workbench people set",
        technician.name,
        technician.rate,
        f"{MAX_HOURLY_RATE:,.0f}",
    )
    return replace(technician, rate=0.0)


def sound_part(part: PartLeadTime) -> PartLeadTime:
    """Return a part with valid numbers: negative stock becomes 0, an invalid lead time becomes None."""
    days = part.lead_days
    if days is not None and not 0 <= days <= MAX_WAIT_DAYS:
        days = None
    return replace(part, available=max(0, part.available), lead_days=days)


def _unsound(job: Job, parts: Collection[str]) -> Conflict | None:
    if not (0 < job.hours <= MAX_ORDER_HOURS or job.frozen is not None):
        what = f"its estimated hours are {job.hours:g}, not above 0 and at most {MAX_ORDER_HOURS:,.0f}"
    elif not 0 <= job.priority <= 1:
        what = f"its priority score is {job.priority:g}, not 0 to 1"
    elif (late := next((when for when in (job.due, job.not_before) if _outside(when)), None)) is not None:
        what = f"its date {late} is not between {FIRST_TIME:%Y-%m-%d} and {LAST_TIME:%Y-%m-%d}"
    elif (
        name := next((name for name, pieces in job.parts.items() if not 0 < pieces <= MAX_PART_PIECES), None)
    ) is not None:
        what = f"it needs {job.parts[name]} pieces of {name}, not 1 to {MAX_PART_PIECES:,}"
    elif (name := next((name for name in job.parts if name not in parts), None)) is not None:
        what = f"it needs {name!r}, which is not among the parts"
    else:
        return None
    return Conflict(
        "value", job.number, f"{job.number} cannot be planned: {what}.", "Correct it, or cancel it and open it anew."
    )


def _begun(job: Job) -> Job:
    """Return a job; a frozen one with invalid hours gets the hours of its place."""
    if job.frozen is None or 0 < job.hours <= MAX_ORDER_HOURS:
        return job
    return replace(job, hours=sum(session.hours for session in job.frozen.sessions))


def _outside(when: datetime | None) -> bool:
    return when is not None and not FIRST_TIME <= when <= LAST_TIME


def _circle(jobs: Sequence[Job]) -> set[str]:
    """Return jobs that wait for one another in a circle; empty where none do."""
    numbers = {job.number for job in jobs}
    sorter = TopologicalSorter({job.number: [one for one in job.after if one in numbers] for job in jobs})
    try:
        sorter.prepare()
    except CycleError as error:
        return set(error.args[1])
    return set()
