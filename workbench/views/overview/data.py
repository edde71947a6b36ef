"""What the overview shows, without a widget: figures of the fleet that the session and the maintenance desk compute."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from workbench.maintenance.alerts.queries import first_raised, open_at, worst_levels
from workbench.maintenance.alerts.table import ALLOWED
from workbench.maintenance.kpis.kpis import Summary, health_index
from workbench.parameters import LEVELS
from workbench.views.overview.first_steps import FirstSteps, first_steps
from workbench.views.view_session import ViewSession

__all__ = ["RANGES", "Picture", "look_at"]

RANGES: dict[str, timedelta | None] = {
    "1 h": timedelta(hours=1),
    "24 h": timedelta(days=1),
    "7 d": timedelta(days=7),
    "30 d": timedelta(days=30),
    "all": None,
}
"""Periods by their words."""

_MAX_ENTRIES = 40
"""Entries of the maintenance log in the activity."""


@dataclass(frozen=True)
class Picture:
    """What is known of the fleet at one moment, and in a period up to it.

    Attributes
    ----------
    now, since : datetime
        Present time, and when the period began; aware.
    words : str
        Name of the period, one of `RANGES`.
    fleet : pandas.DataFrame
        Table of `Session.overview`, with `alerts` (open alerts) and `worst` (their worst level, empty where there is
        none).
    alerts : pandas.DataFrame
        Open alerts, the one to do first at their head: the case that a newcomer is led through, the worst level, then
        what waits for acknowledgement, then the newest.
    raised : pandas.DataFrame
        Alerts raised in the period.
    raised_before : int or None
        How many were raised in the period before; None where there is no period before.
    open_before : int or None
        How many were open when the period began; None where there is no period before.
    health, health_before : pandas.Series
        Health index by asset, now and when the period began.
    kpis : Summary
        Key figures of maintenance in the period.
    kpis_before : Summary or None
        Key figures of the period before.
    orders, people, feed : pandas.DataFrame
        Active orders, technicians, and the newest entries of the maintenance log.
    first_steps : FirstSteps or None
        Case that a newcomer is led through; None where nobody is led.
    """

    now: datetime
    since: datetime
    words: str
    fleet: pd.DataFrame
    alerts: pd.DataFrame
    raised: pd.DataFrame
    raised_before: int | None
    open_before: int | None
    health: pd.Series
    health_before: pd.Series | None
    kpis: Summary
    kpis_before: Summary | None
    orders: pd.DataFrame
    people: pd.DataFrame
    feed: pd.DataFrame
    first_steps: FirstSteps | None = None


def look_at(session: ViewSession, words: str, before: Picture | None = None) -> Picture:
    """Return what the overview shows.

    Parameters
    ----------
    session : ViewSession
        Session that all values come from.
    words : str
        One of `RANGES`.
    before : Picture, optional
        What was shown just before, in another period: only what depends on the period is read.

    Returns
    -------
    Picture
    """
    desk, now, length = session.maintenance, session.clock(), RANGES[words]
    since = now - length if length is not None else _beginning(first_raised(desk.database), now)
    if before is None:
        alerts = _to_do_first(desk.alerts.list(state="open", order="newest"))
        fleet, steps = _with_alerts(session.overview(), alerts), first_steps(session, alerts)
        if steps is not None:  # one thing is to be done first, also while a newcomer is led through it
            alerts = pd.concat([alerts[alerts["id"] == steps.alert["id"]], alerts[alerts["id"] != steps.alert["id"]]])
        orders, people = desk.orders.list(), desk.people.list()
    else:
        alerts, fleet, steps, orders = before.alerts, before.fleet, before.first_steps, before.orders
        people = before.people
    watched = session.watched()
    scored = fleet[fleet["state"].isin(["current", "stale"])]["asset"].value_counts()
    channels = {asset: int(scored.get(asset, 0)) for asset in sorted(set(fleet["asset"]))}
    open_before = None if length is None else open_at(desk.database, since)
    return Picture(
        now=now,
        since=since,
        words=words,
        fleet=fleet,
        alerts=alerts,
        raised=desk.alerts.list(state=None, since=since),
        raised_before=None if length is None else len(desk.alerts.list(state=None, since=since - length, until=since)),
        open_before=None if open_before is None else len(open_before),
        health=health_index(alerts, channels),
        health_before=None if open_before is None else health_index(open_before, channels),
        kpis=desk.kpi_summary(watched, since, now),
        kpis_before=None if length is None else desk.kpi_summary(watched, since - length, since),
        orders=orders,
        people=people,
        feed=desk.log(
            since=since, limit=_MAX_ENTRIES, without="updated"
        ),  # as an alarm is at each sample that it lasts
        first_steps=steps,
    )


def _to_do_first(alerts: pd.DataFrame) -> pd.DataFrame:
    """Sort alerts, of which the newest comes first, by their level, then by whether they wait for acknowledgement."""
    order = pd.DataFrame(
        {
            "level": [-LEVELS.index(str(level)) for level in alerts["level"]],
            "waits": [state not in ALLOWED["acknowledge"] for state in alerts["state"]],
        },
        index=alerts.index,
    )
    return alerts.loc[order.sort_values(["level", "waits"], kind="stable").index]


def _beginning(first: datetime | None, now: datetime) -> datetime:
    """Return when the period of all alerts begins: with the first one, and at least an hour ago."""
    hour_ago = now - timedelta(hours=1)
    return hour_ago if first is None else min(first, hour_ago)


def _with_alerts(fleet: pd.DataFrame, alerts: pd.DataFrame) -> pd.DataFrame:
    counts, worst = Counter(alerts["channel"]), worst_levels(alerts)
    names = fleet["channel"].tolist()
    return fleet.assign(alerts=[counts[name] for name in names], worst=[worst.get(name, "") for name in names])
