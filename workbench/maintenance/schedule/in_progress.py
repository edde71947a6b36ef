"""Work that has begun: what of it is done, and who goes on with it from now on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from workbench.maintenance.schedule.model import Conflict, Job, Placement, Technician
from workbench.maintenance.windows import Window, WorkingCalendar, intersect, merge, subtract

__all__ = ["remaining_work"]


def remaining_work(
    job: Job,
    technician: Technician,
    spans: Sequence[Window],
    windows: WorkingCalendar,
    now: datetime,
    horizon: timedelta,
    least: timedelta,
    taken: Sequence[Window] = (),
) -> tuple[Placement, Conflict | None]:
    """Return the place of a job in progress: the hours that were worked, and those that are left, from now on.

    Parameters
    ----------
    job : Job
        With the hours that were estimated for the whole of it.
    technician : Technician
        Who does it.
    spans : sequence of Window
        Times in which it was in progress, in order, up to now.
    windows : WorkingCalendar
        Maintenance windows.
    now : datetime
        Present time, aware.
    horizon : timedelta
        How far ahead work is planned.
    least : timedelta
        What is planned where all estimated hours have been worked.
    taken : sequence of Window
        Times to come in which it cannot be done: the technician goes on with other work, or the asset must run.

    Returns
    -------
    Placement
        Its past sessions are the working hours in which it was in progress, or all of that time where it lies outside
        of them.
    Conflict or None
        Of kind `overrun` where all estimated hours have been worked.
    """
    worked = merge(spans)
    if worked:
        worked = intersect(_working(technician, windows, worked[0].start, now), worked) or worked
    left = timedelta(hours=job.hours) - sum((span.end - span.start for span in worked), timedelta())
    conflict = None
    if left < least:
        if left <= timedelta():
            hours = sum(span.hours for span in worked)
            conflict = Conflict(
                "overrun",
                job.number,
                f"{job.number} has been in progress for {hours:.1f} h, and {job.hours:g} h were estimated.",
                f"Complete it, or say what it takes in all: workbench orders change {job.number} --hours HOURS.",
            )
        left = least
    sessions = list(worked)
    for window in subtract(_working(technician, windows, now, now + horizon), merge(taken)):
        if left <= timedelta():
            break
        end = min(window.end, window.start + left)
        sessions.append(Window(window.start, end))
        left -= end - window.start
    if left > timedelta():  # no working hours are left before the horizon
        sessions.append(Window(now, now + left))
    return Placement(job.number, technician.name, merge(sessions)), conflict


def _working(technician: Technician, windows: WorkingCalendar, start: datetime, end: datetime) -> tuple[Window, ...]:
    if end <= start:
        return ()
    opened = windows.windows(start, end)
    return opened if technician.calendar is None else intersect(opened, technician.calendar.windows(start, end))
