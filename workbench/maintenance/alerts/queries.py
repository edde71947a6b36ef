"""Filters and sort orders of the list of alerts, as SQL conditions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from workbench.maintenance.alerts.places import CLOCKS
from workbench.maintenance.alerts.table import ALERTS, KINDS, OPEN, SHOWN, STATES, VERDICTS
from workbench.maintenance.database import Database, frame
from workbench.maintenance.values import check_choice
from workbench.parameters import LEVELS

__all__ = ["conditions", "first_raised", "open_at", "ordering", "worst_levels"]


_OF_TIME = [name for name, clock in CLOCKS.items() if clock == "time"]


def conditions(
    dialect: str,
    *,
    state: str | Iterable[str] | None = None,
    level: str | None = None,
    asset: str | None = None,
    channel: str | None = None,
    kind: str | None = None,
    verdict: str | None = None,
    text: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    numbers: Iterable[int] | None = None,
) -> list[sa.ColumnElement[bool]]:
    """Return the filters of `Alerts.list`, which describes them, as SQL conditions.

    SQLite's LIKE ignores case; SQLAlchemy's `ilike` would call `lower` on every row there, three times as slow.

    Raises
    ------
    MaintenanceError
        A filter is not a state, level, kind or verdict.
    """
    filters: list[sa.ColumnElement[bool]] = []
    alerts = ALERTS.c
    if state is not None:
        filters.append(alerts.state.in_(_states(state)))
    if level is not None:
        check_choice("level", level, LEVELS)
        filters.append(alerts.level >= level)
    for name, value, values in (("kind", kind, KINDS), ("verdict", verdict, VERDICTS)):
        if value is not None:
            check_choice(name, value, values)
            filters.append(alerts[name] == value)
    filters += [alerts[name] == value for name, value in (("asset", asset), ("channel", channel)) if value is not None]
    if text:
        pattern = "%" + text.translate({ord(sign): f"/{sign}" for sign in "/%_"}) + "%"
        columns = (alerts.channel, alerts.message)
        like = [one.like if dialect == "sqlite" else one.ilike for one in columns]
        filters.append(sa.or_(*(match(pattern, escape="/") for match in like)))
    if since is not None:
        filters.append(alerts.raised_at >= since)
    if until is not None:
        filters.append(alerts.raised_at < until)
    if numbers is not None:
        filters.append(alerts.id.in_(list(numbers)))
    return filters


def ordering(order: str) -> list[Any]:
    """Return the columns by which a list is sorted.

    Parameters
    ----------
    order : str
        newest, oldest, worst (level, then severity score), channel, score, state (as in `STATES`), began (the latest
        first) or longest; the reverse of these after `-`.

    Raises
    ------
    MaintenanceError
        The order is not one of these.
    """
    alerts = ALERTS.c
    score = sa.func.coalesce(alerts.severity, 0.0)
    of_time = sa.case((alerts.clock.in_(_OF_TIME), 1), else_=0)  # samples and nanoseconds cannot be compared
    orders: dict[str, list[tuple[Any, bool]]] = {  # columns, and whether the largest comes first
        "newest": [(alerts.raised_at, True), (alerts.id, True)],
        "oldest": [(alerts.raised_at, False), (alerts.id, False)],
        "worst": [(alerts.level, True), (score, True), (alerts.id, False)],
        "channel": [(alerts.channel, False), (alerts.kind, False), (alerts.first_at, False)],
        "score": [(score, True), (alerts.id, False)],
        "state": [
            (sa.case({state: place for place, state in enumerate(STATES)}, value=alerts.state), False),
            (alerts.raised_at, True),
            (alerts.id, True),
        ],
        "began": [(of_time, True), (alerts.first_at, True), (alerts.id, True)],
        "longest": [(of_time, True), (alerts.last_at - alerts.first_at, True), (alerts.id, False)],
    }
    check_choice("order", order, (*orders, *(f"-{name}" for name in orders)))
    is_reverse = order.startswith("-")
    columns = orders[order.removeprefix("-")]
    return [column.desc() if largest_first != is_reverse else column.asc() for column, largest_first in columns]


def _states(state: str | Iterable[str]) -> list[str]:
    names: list[str] = []
    for name in (state,) if isinstance(state, str) else state:
        check_choice("state", name, (*STATES, "shown", "open"))
        names += {"shown": SHOWN, "open": OPEN}.get(name, (name,))
    return names


def open_at(database: Database, time: datetime) -> pd.DataFrame:
    """Return the alerts that were raised by a time and closed later, or not at all.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    time : datetime
        Time to look at, aware.

    Returns
    -------
    pandas.DataFrame
        asset, channel, level.
    """
    alerts = ALERTS.c
    still = sa.or_(alerts.closed_at.is_(None), alerts.closed_at > time)
    with database.reading() as db:
        return frame(db, sa.select(alerts.asset, alerts.channel, alerts.level).where(alerts.raised_at <= time, still))


def first_raised(database: Database) -> datetime | None:
    """Return when the first alert was raised, UTC; None where there is no alert."""
    with database.reading() as db:
        time: datetime | None = db.scalar(sa.select(sa.func.min(ALERTS.c.raised_at)))
    return time


def worst_levels(alerts: pd.DataFrame) -> dict[str, str]:
    """Return the worst level of each channel's alerts.

    Parameters
    ----------
    alerts : pandas.DataFrame
        Columns `channel` and `level`.

    Returns
    -------
    dict of str to str
        One of `LEVELS` by channel; channels without alerts are left out.

    Examples
    --------
    >>> worst_levels(pd.DataFrame({"channel": ["A", "A", "B"], "level": ["low", "high", "info"]}))
    {'A': 'high', 'B': 'info'}
    """
    ranks = alerts["level"].astype(object).map(LEVELS.index)
    worst = ranks.groupby(alerts["channel"]).max()
    return {str(channel): LEVELS[int(rank)] for channel, rank in worst.items()}
