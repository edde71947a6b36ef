"""What a verdict teaches: a new known event, or one more repetition of one."""

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance import log
from workbench.maintenance.alerts.known.table import TEACHING_VERDICTS, KnownEventRow, KnownShapeRow, KnownUseRow
from workbench.maintenance.alerts.table import AlertRow
from workbench.maintenance.database import now

__all__ = ["add_repetition", "new_event", "note_verdict", "withdraw_shape"]

_MAX_NAME = 80


def note_verdict(db: orm.Session, row: AlertRow, who: str) -> None:
    """Note what the verdict on a closed alert teaches; the telemetry of its shape is read later.

    An alert that was recognised as a known event is one more repetition of it, any other a new event. A verdict that
    teaches nothing withdraws what an earlier one on the same alert has taught.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    row : AlertRow
        The alert, closed with a verdict.
    who : str
        Person who closed it.
    """
    if row.kind != "model":
        return
    own_shape = db.scalars(sa.select(KnownShapeRow).where(KnownShapeRow.alert == row.id)).first()
    if row.verdict not in TEACHING_VERDICTS:
        if own_shape is not None:
            withdraw_shape(db, own_shape, who)
        return
    if own_shape is not None:  # opened again, and closed again: its shape has grown
        own_shape.state, own_shape.telemetry, own_shape.reason = "waiting", None, ""
        return
    use = db.get(KnownUseRow, row.id)
    event = None if use is None else db.get(KnownEventRow, use.event)
    if event is None or event.removed_at is not None:
        event = new_event(db, row, who)
    add_repetition(db, event, row, who)


def new_event(db: orm.Session, row: AlertRow, who: str, name: str = "") -> KnownEventRow:
    """Add a known event of an alert's channel, named after the comment on the alert where no name is passed."""
    words = (name or row.comment).strip().split("\n")[0][:_MAX_NAME].rstrip()
    event = KnownEventRow(
        channel=row.channel,
        asset=row.asset,
        name=_free_name(db, row.channel, words or f"{row.verdict} of {row.channel}"),
        enabled=True,
        created_at=now(db),
        created_by=who.strip(),
    )
    db.add(event)
    db.flush()
    log.append(db, f"known:{event.id}", "added", who, {"name": event.name, "channel": row.channel})
    return event


def add_repetition(db: orm.Session, event: KnownEventRow, row: AlertRow, who: str) -> None:
    """Add the shape of an alert to an event; its telemetry is read later."""
    db.add(KnownShapeRow(event=event.id, alert=row.id, state="waiting", reason=""))
    db.flush()
    log.append(db, f"known:{event.id}", "taught", who, {"alert": row.id, "verdict": row.verdict})


def withdraw_shape(db: orm.Session, shape: KnownShapeRow, who: str) -> None:
    """Remove a shape, and its event where it was the only one."""
    from workbench.maintenance.alerts.known.stored_shapes import (
        bound_of_shapes,
    )  # loads xarray, which others do without

    event = db.get_one(KnownEventRow, shape.event)
    db.delete(shape)
    db.flush()
    event.learnt_bound = bound_of_shapes(db, event.id)
    log.append(db, f"known:{event.id}", "shape withdrawn", who, {"alert": shape.alert})
    others = sa.select(sa.func.count()).where(KnownShapeRow.event == event.id)
    if not db.scalar(others) and event.removed_at is None:
        event.removed_at = now(db)
        log.append(db, f"known:{event.id}", "removed", who, {"name": event.name})


def _free_name(db: orm.Session, channel: str, name: str) -> str:
    """Return a name that no other event of the channel has."""
    statement = sa.select(KnownEventRow.name).where(
        KnownEventRow.channel == channel, KnownEventRow.removed_at.is_(None)
    )
    taken = {one.casefold() for one in db.scalars(statement)}
    free, number = name, 2
    while free.casefold() in taken:
        free, number = f"{name} ({number})", number + 1
    return free
