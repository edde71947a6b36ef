"""How long people take to acknowledge alerts, from the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.alerts.actions import ACKNOWLEDGEMENT_UNDONE
from workbench.maintenance.alerts.table import ALERTS, ANNUNCIATIONS, CHANNEL_REMOVED
from workbench.maintenance.database import Database, frame
from workbench.maintenance.log import LogRow

__all__ = ["acknowledgement_minutes"]

_CHUNK = 500
_ANSWERS = ("acknowledged", "closed")  # closing an alert acknowledges it, too, but not with the removal of its channel


def acknowledgement_minutes(database: Database, since: datetime, until: datetime) -> pd.Series:
    """Return the minutes between each announcement that was answered in a period and its answer.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    since, until : datetime
        The period in which the answers were, aware; since is inclusive, until is not.

    Returns
    -------
    pandas.Series
        float, never negative: an answer belongs to the last announcement before it, and an announcement to its first
        answer that was not undone. Those that a shelf or an outage brings back afterwards are others.
    """
    shown = ANNUNCIATIONS.c
    subject: Any = LogRow.subject
    statement = (
        sa.select(subject, LogRow.time, LogRow.action)
        .where(
            LogRow.action.in_((*_ANSWERS, ACKNOWLEDGEMENT_UNDONE)), LogRow.subject.like("alert:%"), LogRow.time < until
        )
        .where(LogRow.details.not_like(f"%{CHANNEL_REMOVED}%"))
        .order_by(LogRow.seq)
    )
    with database.reading() as db:
        first = _first_raised(db, db.scalars(statement.where(LogRow.time >= since)).all()) or since
        announced = frame(db, sa.select(shown.alert, shown.time).where(shown.time >= first, shown.time < until))
        answers = frame(db, statement.where(LogRow.time >= first))
    undone = answers["action"].groupby(answers["subject"]).shift(-1) == ACKNOWLEDGEMENT_UNDONE
    answers = answers[~undone & (answers.pop("action") != ACKNOWLEDGEMENT_UNDONE)].copy()
    answers["alert"] = answers.pop("subject").str.removeprefix("alert:").astype("int64")
    announced = announced.assign(alert=announced["alert"].astype("int64"), announced=announced["time"])
    pairs = pd.merge_asof(answers.sort_values("time"), announced.sort_values("time"), on="time", by="alert")
    pairs = pairs.dropna(subset="announced").drop_duplicates(["alert", "announced"])
    pairs = pairs[pairs["time"] >= since]
    return (pairs["time"] - pairs["announced"]).dt.total_seconds() / 60


def _first_raised(db: orm.Session, subjects: Sequence[str]) -> datetime | None:
    """Return when the first of some alerts was raised: nothing before that concerns any of them."""
    alerts = sorted({int(subject.removeprefix("alert:")) for subject in subjects})
    chunks = (alerts[start : start + _CHUNK] for start in range(0, len(alerts), _CHUNK))
    raised = (db.scalar(sa.select(sa.func.min(ALERTS.c.raised_at)).where(ALERTS.c.id.in_(one))) for one in chunks)
    return min((time for time in raised if time is not None), default=None)
