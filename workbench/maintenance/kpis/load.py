"""How much each technician has to do, beside how much they can."""

from datetime import datetime, timedelta

import pandas as pd

from workbench.maintenance.values import day_span

__all__ = ["technician_load"]


def technician_load(
    people: pd.DataFrame, sessions: pd.DataFrame, usual_hours: float, now: datetime, days: float
) -> pd.DataFrame:
    """Compare what is assigned and planned with the hours that there are.

    Parameters
    ----------
    people : pandas.DataFrame
        name, skills, rate, weekly_hours, orders, hours, active; as `People.list` gives them.
    sessions : pandas.DataFrame
        technician, start, end; as `Planning.sessions` gives them.
    usual_hours : float
        Weekly hours of whoever has none of their own.
    now : datetime
        Aware.
    days : float
        From now on.

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
