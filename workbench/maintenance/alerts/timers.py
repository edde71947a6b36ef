"""What time alone does to alerts: shelves end, outages end, what nobody acknowledges is escalated."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.alerts.actions import PROGRAM, Unshelved, empty_shelf, log_change
from workbench.maintenance.alerts.outages import end_outage
from workbench.maintenance.alerts.table import ALLOWED, AlertRow, OutageRow
from workbench.maintenance.database import UtcDateTime, now
from workbench.maintenance.options import AlertOptions

__all__ = ["Elapsed", "escalate", "expire", "something_expired"]


@dataclass(frozen=True)
class Elapsed:
    """What had become due.

    Attributes
    ----------
    unshelved : tuple of Unshelved
        Shelves that ended, with what each hid.
    unsuppressed : tuple of int
        Alerts of assets whose outage ended.
    escalated : tuple of int
        Alerts that nobody acknowledged in time.
    """

    unshelved: tuple[Unshelved, ...] = ()
    unsuppressed: tuple[int, ...] = ()
    escalated: tuple[int, ...] = ()


def something_expired(db: orm.Session, present: datetime) -> bool:
    """Say whether a shelf or an outage has ended."""
    return bool(db.connection().scalar(_SOMETHING, {"present": present}))


def expire(db: orm.Session) -> Elapsed:
    """End the shelves and outages whose time is over.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing.

    Returns
    -------
    Elapsed
    """
    unshelved = [empty_shelf(db, root, PROGRAM) for root in db.scalars(_ended_shelves(now(db))).all()]
    back: list[int] = []
    for outage in db.scalars(_ended_outages(now(db))).all():
        back += end_outage(db, outage, PROGRAM)
    return Elapsed(tuple(unshelved), tuple(back))


def escalate(db: orm.Session, options: AlertOptions) -> tuple[int, ...]:
    """Escalate, once each, the shown alerts that nobody has acknowledged in the time of their level.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing.
    options : AlertOptions

    Returns
    -------
    tuple of int
        The alerts.
    """
    found: list[int] = []
    for level, minutes in options.escalate_after_minutes.items():
        late = sa.select(AlertRow).where(
            AlertRow.state.in_(ALLOWED["acknowledge"]),
            AlertRow.level == level,
            AlertRow.escalated_at.is_(None),
            AlertRow.annunciated_at <= now(db) - timedelta(minutes=minutes),
        )
        for row in db.scalars(late.order_by(AlertRow.id)).all():
            row.escalated_at = now(db)
            log_change(db, row, "escalated", PROGRAM, {"level": level, "after_minutes": minutes})
            found.append(row.id)
    return tuple(sorted(found))


def _ended_shelves(present: datetime | sa.BindParameter[datetime]) -> sa.Select[AlertRow]:
    return (
        sa.select(AlertRow)
        .where(AlertRow.shelf.is_not(None), AlertRow.shelf == AlertRow.id)
        .where(AlertRow.shelved_until <= present)
    )


def _ended_outages(present: datetime | sa.BindParameter[datetime]) -> sa.Select[OutageRow]:
    return sa.select(OutageRow).where(OutageRow.ended_at.is_(None), OutageRow.until <= present)


_PRESENT = sa.bindparam("present", type_=UtcDateTime)
_SOMETHING = sa.select(sa.or_(_ended_shelves(_PRESENT).exists(), _ended_outages(_PRESENT).exists()))
