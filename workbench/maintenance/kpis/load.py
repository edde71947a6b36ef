"""Load of technicians: the hours that are assigned and planned beside the hours that are available."""

from datetime import datetime, timedelta

import pandas as pd

from workbench.maintenance.values import day_span

__all__ = ["technician_load"]


def technician_load(
    people: pd.DataFrame, sessions: pd.DataFrame, usual_hours: float, now: datetime, days: float
) -> pd.DataFrame:
    """Return the assigned, planned and available hours of each technician.

    Parameters
    ----------
    people : pandas.DataFrame
        name, skills, rate, weekly_hours, orders, hours, active; as `People.list` returns them.
    sessions : pandas.DataFrame
        technician, start, end; as `Planning.sessions` returns them.
    usual_hours : float
        Weekly hours of technicians who have none of their own.
    now : datetime
        Present time, aware.
    days : float
        Days from `now` on, above 0.

    Returns
    -------
    pandas.DataFrame
        name, skills, rate, orders, assigned (hours of the open orders), planned (hours of sessions within `days`),
        available (weekly hours, for that time); active technicians only.
    """
    table = people[people["active"].astype(bool)].reset_index(drop=True)
    until = now + day_span("days", days)
    planned = dict.fromkeys(table["name"], 0.0)
    for name, start, end in zip(sessions["technician"], sessions["start"], sessions["end"], strict=True):
        if name in planned:
            planned[name] += max((min(end, until) - max(start, now)) / timedelta(hours=1), 0.0)
    return pd.DataFrame(
        {
            "name": table["name"],
            "skills": table["skills"],
            "rate": table["rate"],
            "orders": table["orders"],
            "assigned": table["hours"].astype(float),
            "planned": [planned[name] for name in table["name"]],
            "available": table["weekly_hours"].astype(float).fillna(usual_hours) * days / 7,
        }
    )
