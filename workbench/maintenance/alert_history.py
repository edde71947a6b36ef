"""Which alerts were open at some time."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from workbench.maintenance.alerts.table import ALERTS
from workbench.maintenance.database import Database, frame

__all__ = ["first_raised", "open_at"]


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
