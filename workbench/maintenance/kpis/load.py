"""Load of technicians: the hours that are assigned and planned beside the hours that are available."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pandas as pd

from workbench.maintenance.kpis.capacity import capacity_hours
from workbench.maintenance.schedule.model import Technician
from workbench.maintenance.values import day_span
from workbench.maintenance.windows import WorkingCalendar

__all__ = ["technician_load"]


def technician_load(
    people: pd.DataFrame,
    sessions: pd.DataFrame,
    technicians: Iterable[Technician],
    windows: WorkingCalendar,
    now: datetime,
    days: float,
) -> pd.DataFrame:
    """Return the assigned, planned and available hours of each technician.

    Parameters
    ----------
    people : pandas.DataFrame
        name, skills, rate, weekly_hours, orders, hours, active; as `People.list` returns them.
    sessions : pandas.DataFrame
        technician, start, end; as `Planning.sessions` returns them.
    technicians : iterable of Technician
        The active technicians with their calendars, as `People.technicians` returns them.
    windows : WorkingCalendar
        Maintenance windows.
    now : datetime
        Present time, aware.
    days : float
        Days from `now` on, above 0.

    Returns
    -------
    pandas.DataFrame
        name, skills, rate, orders, assigned (hours of the open orders), planned (hours of sessions within `days`),
        available (hours that they can work within `days`: their own, less absences, inside the maintenance windows);
        active technicians only.
    """
    table = people[people["active"].astype(bool)].reset_index(drop=True)
    until = now + day_span("days", days)
    planned = dict.fromkeys(table["name"], 0.0)
    for name, start, end in zip(sessions["technician"], sessions["start"], sessions["end"], strict=True):
        if name in planned:
            planned[name] += max((min(end, until) - max(start, now)) / timedelta(hours=1), 0.0)
    available = {one.name: capacity_hours(one.calendar, windows, now, until) for one in technicians}
    return pd.DataFrame(
        {
            "name": table["name"],
            "skills": table["skills"],
            "rate": table["rate"],
            "orders": table["orders"],
            "assigned": table["hours"].astype(float),
            "planned": [planned[name] for name in table["name"]],
            "available": table["name"].map(available).astype(float),
        }
    )
