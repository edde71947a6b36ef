"""The plan as a calendar: of everybody, and of each technician, with what was moved and what was cancelled.

A calendar program keeps an event by its UID and takes a change only with a higher sequence number [1]_. What was last
published is therefore kept in the database, and compared with the plan each time a calendar is read.

References
----------
.. [1] RFC 5545, 3.8.7.4 (SEQUENCE) and 3.8.1.11 (STATUS); RFC 7986 for the name and the interval of a feed.
"""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.database import Base, UtcDateTime, now
from workbench.maintenance.orders.table import OrderRow, number_of, order_id
from workbench.maintenance.planning import Planning

__all__ = ["CalendarEventRow", "Calendars"]

_SHOWN_AFTERWARDS = timedelta(days=60)
"""How long a session that is over or cancelled stays in the calendar, so that every program has read it."""

_REFRESH_INTERVAL = timedelta(minutes=15)


class CalendarEventRow(Base):
    """Row of one session as it was last published in the calendar of its technician."""

    __tablename__ = "calendar_events"

    order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    session: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    technician: orm.Mapped[str] = orm.mapped_column(sa.String(200), primary_key=True)
    title: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    start: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    end: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    sequence: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    changed_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    cancelled: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)


class Calendars:
    """Calendars of the saved plan.

    Parameters
    ----------
    planning : Planning
        Planning, which holds the plan.
    """

    def __init__(self, planning: Planning) -> None:
        self._planning = planning

    def render(self, technician: str | None = None) -> bytes:
        """Return the plan as an iCalendar file, with one event a session, in UTC.

        A session keeps its UID when it moves, and its sequence number rises; one that is no longer planned, or that
        another technician does now, is cancelled. Sessions of completed orders stay as they were.

        Parameters
        ----------
        technician : str, optional
            Technician whose sessions are listed; those of all where omitted.
        """
        sessions = self._planning.sessions()
        with self._planning.database.reading() as db:
            changes = _changes(db, sessions)
        if changes:
            with self._planning.database.writing() as db:  # compared anew: another reader may have been faster
                for change in _changes(db, sessions):
                    db.merge(CalendarEventRow(**change, changed_at=now(db)))
        with self._planning.database.reading() as db:
            since = self._planning.database.clock() - _SHOWN_AFTERWARDS
            rows = db.scalars(
                sa.select(CalendarEventRow)
                .where(sa.or_(CalendarEventRow.end >= since, CalendarEventRow.changed_at >= since))
                .order_by(CalendarEventRow.start, CalendarEventRow.order_id, CalendarEventRow.session)
            ).all()
            return _calendar(_shown(rows, technician), technician)


def _changes(db: orm.Session, sessions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows that are to be written so that what is published is the plan."""
    published = {(row.order_id, row.session, row.technician): row for row in db.scalars(sa.select(CalendarEventRow))}
    last: dict[tuple[int, int], int] = {}
    for (order, session, _), row in published.items():
        last[order, session] = max(last.get((order, session), -1), row.sequence)
    changes = []
    planned = set()
    for one in sessions.to_dict(orient="records"):
        key = (order_id(one["number"]), int(one["session"]), str(one["technician"]))
        planned.add(key)
        values = {
            "title": str(one["title"]),
            "asset": str(one["asset"]),
            "start": pd.Timestamp(one["start"]).to_pydatetime(),
            "end": pd.Timestamp(one["end"]).to_pydatetime(),
            "cancelled": False,
        }
        before = published.get(key)
        if before is None or any(getattr(before, name) != value for name, value in values.items()):
            changes.append(_row(key, values, last.get(key[:2], -1) + 1))
    gone = [row for key, row in published.items() if key not in planned and not row.cancelled]
    completed = set(
        db.scalars(
            sa.select(OrderRow.id).where(OrderRow.id.in_({row.order_id for row in gone}), OrderRow.state == "completed")
        )
    )
    for row in gone:
        if row.order_id not in completed:
            values = {name: getattr(row, name) for name in ("title", "asset", "start", "end")} | {"cancelled": True}
            key = (row.order_id, row.session, row.technician)
            changes.append(_row(key, values, last[key[:2]] + 1))
    return changes


def _row(key: tuple[int, int, str], values: dict[str, Any], sequence: int) -> dict[str, Any]:
    return {"order_id": key[0], "session": key[1], "technician": key[2], **values, "sequence": sequence}


def _shown(rows: Any, technician: str | None) -> list[CalendarEventRow]:
    """Return the events of a technician; in the calendar of all, a session that somebody does is not cancelled, too."""
    if technician is not None:
        return [row for row in rows if row.technician == technician]
    by_session: dict[tuple[int, int], CalendarEventRow] = {}
    for row in sorted(rows, key=lambda row: (not row.cancelled, row.sequence)):
        by_session[row.order_id, row.session] = row
    return sorted(by_session.values(), key=lambda row: (row.start, row.order_id, row.session))


def _calendar(rows: list[CalendarEventRow], technician: str | None) -> bytes:
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", "-//Telemetry workbench//maintenance plan//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"Work orders{f' of {technician}' if technician else ''}")
    calendar.add("refresh-interval", _REFRESH_INTERVAL, parameters={"VALUE": "DURATION"})
    for row in rows:
        event = Event()
        event.add("uid", f"{number_of(row.order_id)}-{row.session}@telemetry-workbench")
        event.add("dtstamp", row.changed_at)
        event.add("last-modified", row.changed_at)
        event.add("sequence", row.sequence)
        event.add("status", "CANCELLED" if row.cancelled else "CONFIRMED")
        event.add("dtstart", row.start)
        event.add("dtend", row.end)
        event.add("summary", f"{number_of(row.order_id)} {row.title} ({row.technician})")
        event.add("location", row.asset)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
