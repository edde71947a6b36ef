"""What the figures of a period are computed from: the tables of maintenance at one time, brought together."""

from datetime import datetime

import pandas as pd

from workbench.maintenance.alerts.table import OutageRow
from workbench.maintenance.database import Database
from workbench.maintenance.kpis.acknowledgements import acknowledgement_minutes
from workbench.maintenance.kpis.capacity import weekly_capacity
from workbench.maintenance.kpis.failures import failure_events
from workbench.maintenance.kpis.kpis import Evidence
from workbench.maintenance.kpis.preventive_dates import Preventives
from workbench.maintenance.orders.people import working_calendar
from workbench.maintenance.orders.table import (
    FrozenSlotRow,
    MissedDatesRow,
    OrderPartRow,
    OrderRow,
    PartRow,
    PreventiveRow,
    TechnicianRow,
    number_of,
)
from workbench.maintenance.records import Tables
from workbench.maintenance.windows import WorkingCalendar

__all__ = ["evidence"]


def evidence(
    database: Database,
    tables: Tables,
    watched: pd.DataFrame,
    windows: WorkingCalendar,
    since: datetime,
    until: datetime,
) -> Evidence:
    """Return what the figures of a period are computed from.

    Parameters
    ----------
    database : Database
        Database of maintenance, in whose log the acknowledgements are.
    tables : Tables
        Tables of maintenance, as they are or as they were at a time.
    watched : pandas.DataFrame
        asset, start, end (UTC) of the times in which assets were watched.
    windows : WorkingCalendar
        Maintenance windows.
    since, until : datetime
        The period, aware.

    Returns
    -------
    Evidence
    """
    orders = tables.frame(OrderRow)
    people = tables.frame(TechnicianRow)
    calendars = [
        working_calendar(row["hours"], row["timezone"], row["closed"])
        for row in people[people["active"].astype(bool)].to_dict(orient="records")
    ]
    return Evidence(
        orders=orders.assign(number=[number_of(one) for one in orders["id"]]),
        failures=failure_events(tables),
        acknowledgements=acknowledgement_minutes(database, since, min(until, tables.as_of)),
        outages=outages_at(tables),
        promised=_promised(tables),
        preventive=Preventives(tables.frame(PreventiveRow), tables.frame(MissedDatesRow)),
        watched=watched,
        weekly_hours=weekly_capacity(calendars, windows, min(until, tables.as_of)),
        parts_below_minimum=_below_minimum(tables),
        lacking_parts=_lacking_parts(tables),
    )


def outages_at(tables: Tables) -> pd.DataFrame:
    """Return the outages, of which those whose end has come are over, whether somebody has looked since or not."""
    outages = tables.frame(OutageRow)
    is_over = outages["ended_at"].isna() & (outages["until"] <= tables.as_of)
    return outages.assign(ended_at=outages["ended_at"].where(~is_over, outages["until"]))


def _promised(tables: Tables) -> pd.DataFrame:
    slots = tables.frame(FrozenSlotRow)
    return slots.assign(number=[number_of(one) for one in slots["order_id"]])


def _lacking_parts(tables: Tables) -> frozenset[str]:
    """Return the numbers of the orders for which fewer parts are reserved than they need."""
    parts = tables.frame(OrderPartRow)
    return frozenset(number_of(one) for one in parts.loc[parts["reserved"] < parts["needed"], "order_id"])


def _below_minimum(tables: Tables) -> int:
    """Return how many parts have less available than their minimum."""
    parts = tables.frame(PartRow)
    reserved = tables.frame(OrderPartRow).groupby("part")["reserved"].sum()
    available = parts["stock"] - parts["name"].map(reserved).fillna(0).astype("int64")
    return int((available < parts["minimum"]).sum())
