"""Filters and orders of the list of alerts, as SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from workbench.maintenance.alerts.table import ALERTS, KINDS, OPEN, SHOWN, STATES, VERDICTS
from workbench.maintenance.database import Database, frame
from workbench.maintenance.values import known
from workbench.parameters import LEVELS

__all__ = ["conditions", "first_raised", "open_at", "ordering", "worst_levels"]


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
) -> list[sa.ColumnElement[bool]]:
    """Put the filters of `Alerts.list`, which describes them, as conditions.

    SQLite's LIKE ignores case; SQLAlchemy's `ilike` would call `lower` on every row there, three times as slow.

    Raises
    ------
    MaintenanceError
        A state, level, kind or verdict is none.
    """
    found: list[sa.ColumnElement[bool]] = []
    alerts = ALERTS.c
    if state is not None:
        found.append(alerts.state.in_(_states(state)))
    if level is not None:
        known("level", level, LEVELS)
        found.append(alerts.level >= level)
    for name, value, values in (("kind", kind, KINDS), ("verdict", verdict, VERDICTS)):
        if value is not None:
            known(name, value, values)
            found.append(alerts[name] == value)
    found += [alerts[name] == value for name, value in (("asset", asset), ("channel", channel)) if value is not None]
    if text:
        pattern = "%" + text.translate({ord(sign): f"/{sign}" for sign in "/%_"}) + "%"
        columns = (alerts.channel, alerts.message)
        like = [one.like if dialect == "sqlite" else one.ilike for one in columns]
        found.append(sa.or_(*(match(pattern, escape="/") for match in like)))
    if since is not None:
        found.append(alerts.raised_at >= since)
    if until is not None:
        found.append(alerts.raised_at < until)
    return found


def ordering(order: str) -> list[Any]:
    """Give what to sort by.

    Parameters
    ----------
    order : str
        newest, oldest, worst (level, then severity score) or channel.

    Raises
    ------
    MaintenanceError
        It is none of these.
    """
    alerts = ALERTS.c
    orders: dict[str, list[Any]] = {
        "newest": [alerts.raised_at.desc(), alerts.id.desc()],
        "oldest": [alerts.raised_at, alerts.id],
        "worst": [alerts.level.desc(), sa.func.coalesce(alerts.severity, 0.0).desc(), alerts.id],
        "channel": [alerts.channel, alerts.kind, alerts.start_sample],
    }
    known("order", order, tuple(orders))
    return orders[order]


def _states(state: str | Iterable[str]) -> list[str]:
    found: list[str] = []
    for name in (state,) if isinstance(state, str) else state:
        known("state", name, (*STATES, "shown", "open"))
        found += {"shown": SHOWN, "open": OPEN}.get(name, (name,))
    return found


def open_at(database: Database, time: datetime) -> pd.DataFrame:
    """Give asset, channel, level of the alerts that were raised by a time and closed later, or not at all.

    Parameters
    ----------
    database : Database
    time : datetime
        Aware.

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
    """Tell when the first alert was raised; None where none was."""
    with database.reading() as db:
        found: datetime | None = db.scalar(sa.select(sa.func.min(ALERTS.c.raised_at)))
    return found


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
