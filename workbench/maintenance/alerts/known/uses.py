"""Where known events were applied: which alerts are one, and what they would be otherwise."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.alerts.known.table import USES, KnownEventRow, KnownMatch
from workbench.maintenance.alerts.table import ALERTS, name_of_verdict
from workbench.maintenance.database import now

__all__ = ["record_use", "spared_alerts"]

_VALUES = ("event", "distance", "bound", "level", "message")
_USE_OF = sa.select(USES.c.event, USES.c.time).where(USES.c.alert == sa.bindparam("of_alert"))


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
    connection = db.connection()
    before = connection.execute(_USE_OF, {"of_alert": alert}).one_or_none()
    if before is not None:
        connection.execute(sa.delete(USES).where(USES.c.alert == alert))
    if match is not None:
        time = before.time if before is not None and before.event == match.event else now(db)
        values = {name: getattr(match, name) for name in _VALUES}
        connection.execute(sa.insert(USES).values(alert=alert, time=time, **values))


def spared_alerts(db: orm.Session, alerts: Sequence[int], verdict: str) -> dict[int, str]:
    """Return those of some alerts that a verdict on all of them says nothing of, with the reason for each.

    A real fault says nothing of the known events beside it: closed as real faults with it, they would teach that the
    event is none. Where all alerts that are open are known events, the verdict is about these.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Reading or writing transaction.
    alerts : sequence of int
        Numbers of the alerts that are closed together.
    verdict : str
        The verdict on them.
    """
    if name_of_verdict(verdict) != "true":
        return {}
    statement = (
        sa.select(USES.c.alert, KnownEventRow.name)
        .join(KnownEventRow, KnownEventRow.id == USES.c.event)
        .where(USES.c.alert.in_(alerts))
    )
    still_open = set(db.scalars(sa.select(ALERTS.c.id).where(ALERTS.c.id.in_(alerts), ALERTS.c.closed_at.is_(None))))
    known = {alert: name for alert, name in db.execute(statement) if alert in still_open}
    if len(known) == len(still_open):
        return {}
    return {
        alert: f"Alert {alert} is the known event {name} and stays open: the fault beside it says nothing of it. "
        "Close it by itself."
        for alert, name in known.items()
    }
