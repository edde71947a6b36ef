"""Capacity of the technicians: the hours that they can work, by calendars, absences and maintenance windows."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from workbench.maintenance.windows import WorkingCalendar, intersect

__all__ = ["CAPACITY_WEEKS", "capacity_hours", "weekly_capacity"]

CAPACITY_WEEKS = 4
"""Weeks ahead over which the weekly hours are averaged: absences of next month count, those of next year do not."""


def capacity_hours(calendar: WorkingCalendar | None, windows: WorkingCalendar, start: datetime, end: datetime) -> float:
    """Return the hours that a technician can work in a period: their own hours inside the maintenance windows.

    Parameters
    ----------
    calendar : WorkingCalendar or None
        When they work, with the days on which they are absent; None for all maintenance windows.
    windows : WorkingCalendar
        Maintenance windows, with the days on which these are closed.
    start, end : datetime
        Period, aware.
    """
    spans = windows.windows(start, end)
    if calendar is not None:
        spans = intersect(spans, calendar.windows(start, end))
    return sum(span.hours for span in spans)


def weekly_capacity(calendars: Iterable[WorkingCalendar], windows: WorkingCalendar, at: datetime) -> float:
    """Return the hours a week that technicians can work together, averaged over the next weeks.

    Parameters
    ----------
    calendars : iterable of WorkingCalendar
        When each technician works, with the days on which they are absent.
    windows : WorkingCalendar
        Maintenance windows, with the days on which these are closed.
    at : datetime
        Time from which on they are counted, aware.

    Returns
    -------
    float

    Examples
    --------
    >>> from datetime import UTC, date
    >>> monday = datetime(2026, 3, 2, tzinfo=UTC)
    >>> ann = WorkingCalendar(("Mon-Fri 07:00-12:00",), closed=(date(2026, 3, 4),))
    >>> weekly_capacity([ann], WorkingCalendar(("Mon-Fri 08:00-17:00",)), monday)  # 4 h on 19 of 20 days
    19.0
    """
    until = at + timedelta(weeks=CAPACITY_WEEKS)
    return sum(capacity_hours(one, windows, at, until) for one in calendars) / CAPACITY_WEEKS
