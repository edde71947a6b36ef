"""Where known events were applied: which alerts are one, and what they would be otherwise."""

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.alerts.known.table import USES, KnownMatch
from workbench.maintenance.database import now

__all__ = ["record_use"]

_VALUES = ("event", "distance", "bound", "level", "message")


def record_use(db: orm.Session, alert: int, match: KnownMatch | None) -> None:
    """Record that an alert is a known event, or that it is none.

    The time of the first record stays while it is the same event.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    alert : int
        Number of the alert.
    match : KnownMatch or None
        Event as which it was recognised; None where it is no known event.
    """
    connection, same_alert = db.connection(), USES.c.alert == alert
    before = connection.execute(sa.select(USES.c.event, USES.c.time).where(same_alert)).one_or_none()
    if before is not None:
        connection.execute(sa.delete(USES).where(same_alert))
    if match is not None:
        time = before.time if before is not None and before.event == match.event else now(db)
        values = {name: getattr(match, name) for name in _VALUES}
        connection.execute(sa.insert(USES).values(alert=alert, time=time, **values))
