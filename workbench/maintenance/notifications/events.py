"""What people are to be told: read from the log from where it was read last, and from what time alone brings.

The log holds every change, so nothing that happened between two calls is missed, whoever did it and in which process.
Each message has a key, so that none is made twice.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance import log
from workbench.maintenance.alerts.known.table import USES
from workbench.maintenance.alerts.table import ALLOWED, AlertRow
from workbench.maintenance.database import microseconds, now
from workbench.maintenance.notifications.rota import Rota
from workbench.maintenance.notifications.table import MESSAGES, MessageRow, OutboxPlace
from workbench.maintenance.options import ON_CALL, NotificationOptions
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import OrderRow
from workbench.parameters import LEVELS

__all__ = ["EscalationDelays", "alerts_at", "is_quiet", "queue_messages", "rank"]

EscalationDelays = dict[str, timedelta]
"""How long an alert of a level waits for its acknowledgement."""

_ALERT_EVENTS = ("raised", "risen", "recurred", "reopened", "unshelved", "unsuppressed")
_ORDER_EVENTS = ("assigned", "part reserved")
_WAITING = ALLOWED["acknowledge"]
_CHUNK = 500
_ESCALATED_WITHIN = timedelta(days=7)
_MAX_STEPS = 2


def queue_messages(db: orm.Session, options: NotificationOptions, delays: EscalationDelays, rota: Rota | None) -> None:
    """Put into the outbox what has happened since the last call, what is due, and what must be escalated.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    options : NotificationOptions
        Who is notified of what.
    delays : dict of str to timedelta
        How long an alert waits for its acknowledgement, by level.
    rota : Rota or None
        Who is on call; None where nobody is, or the rota cannot be read.
    """
    events, place = _new_events(db)
    alert_events = [event for event in events if event["subject"].startswith("alert:")]
    order_events = [event for event in events if event["subject"].startswith("order:")]
    messages = [
        *_alert_messages(db, options, alert_events),
        *_order_messages(db, options, order_events),
        *_due_messages(db, options),
        *_escalations(db, options, delays, rota),
    ]
    _add(db, messages)
    if place is not None:
        row = db.get(OutboxPlace, 1)
        if row is None:
            db.add(OutboxPlace(id=1, seq=place))
        else:
            row.seq = place
    db.flush()


def rank(level: str) -> int:
    """Return the rank of a level, 0 for the lowest."""
    return LEVELS.index(level)


def is_quiet(options: NotificationOptions, level: str | None, moment: datetime) -> bool:
    """Return whether what has a level, or none, must wait for the end of the quiet hours."""
    calendar = options.quiet()
    if calendar is None or not calendar.is_open(moment):
        return False
    return level is None or rank(level) < rank(options.quiet_below)


def alerts_at(db: orm.Session, numbers: Iterable[int]) -> dict[int, tuple[AlertRow, bool]]:
    """Return alerts by number, each with whether it is a known event of the lowest level."""
    wanted = list(dict.fromkeys(numbers))
    rows: dict[int, tuple[AlertRow, bool]] = {}
    for first in range(0, len(wanted), _CHUNK):
        statement = sa.select(AlertRow, USES.c.alert).outerjoin(USES, USES.c.alert == AlertRow.id)
        for row, use in db.execute(statement.where(AlertRow.id.in_(wanted[first : first + _CHUNK]))):
            rows[row.id] = (row, use is not None and row.level == LEVELS[0])
    return rows


def _new_events(db: orm.Session) -> tuple[list[dict[str, Any]], int | None]:
    """Return what the log tells since it was read last, oldest first, and its last row; None if there is none."""
    read = db.scalar(sa.select(OutboxPlace.seq)) or 0
    last = db.scalar(sa.select(log.LogEnd.seq)) or 0
    if last <= read:
        return [], None
    statement = (
        sa.select(log.LogRow.seq, log.LogRow.time, log.LogRow.subject, log.LogRow.action, log.LogRow.details)
        .where(log.LogRow.seq > read, log.LogRow.action.in_((*_ALERT_EVENTS, *_ORDER_EVENTS)))
        .order_by(log.LogRow.seq)
    )
    return [_with_details(row) for row in db.execute(statement).mappings()], last


def _with_details(row: Any) -> dict[str, Any]:
    try:
        details = json.loads(row["details"])
    except ValueError:  # somebody has edited the log: `verify` says so
        details = {}
    return {**row, "details": details if isinstance(details, dict) else {}}


def _alert_messages(
    db: orm.Session, options: NotificationOptions, events: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    last = {int(event["subject"].removeprefix("alert:")): event for event in events if event["action"] in _ALERT_EVENTS}
    for number, (row, is_known) in sorted(alerts_at(db, last).items()):
        if row.state not in _WAITING or is_known:
            continue  # what is hidden is told when it is shown; what is acknowledged or closed needs nobody
        for recipient in _recipients(options, row.level):
            event = last[number]
            due = max(event["time"] + options.wait(row.level), _cooled_down(db, options, recipient, row))
            key = f"alert:{number}:{event['seq']}:{recipient}"
            yield _alert_message(db, row, key, event["action"], recipient, due)


def _recipients(options: NotificationOptions, level: str) -> list[str]:
    names = [name for name, target in options.targets.items() if rank(level) >= rank(target.least_level)]
    on_call = options.on_call
    return [*names, ON_CALL] if on_call.is_set and rank(level) >= rank(on_call.least_level) else names


def _alert_message(
    db: orm.Session, row: AlertRow, key: str, reason: str, recipient: str, due: datetime, detail: str = ""
) -> dict[str, Any]:
    return _message(
        db,
        key=key,
        subject="alert",
        number=row.id,
        reason=reason,
        detail=detail,
        recipient=recipient,
        level=row.level,
        channel=row.channel,
        kind=row.kind,
        due_at=due,
    )


def _message(db: orm.Session, **values: Any) -> dict[str, Any]:
    state = {"state": "waiting", "queued_at": now(db), "sent_to": "", "attempts": 0, "error": ""}
    return {"level": None, "channel": "", "kind": "", "detail": "", "due_at": now(db), **state, **values}


def _cooled_down(db: orm.Session, options: NotificationOptions, recipient: str, row: AlertRow) -> datetime:
    """Return when a recipient may be told of this channel and kind again; what is worse than the last does not wait."""
    last = db.scalar(
        sa.select(sa.func.max(MessageRow.sent_at)).where(
            MessageRow.recipient == recipient,
            MessageRow.channel == row.channel,
            MessageRow.kind == row.kind,
            MessageRow.level >= row.level,
        )
    )
    return now(db) if last is None else last + timedelta(seconds=options.cool_down_seconds)


def _order_messages(
    db: orm.Session, options: NotificationOptions, events: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield messages of orders that were assigned, and of parts that arrived for an order that waited for them."""
    for event in events:
        number, details = int(event["subject"].removeprefix("order:")), event["details"]
        row = db.get(OrderRow, number)
        if row is None or row.assignee not in options.people or row.state in CLOSED:
            continue
        if event["action"] == "assigned" and details.get("technician") != row.assignee:
            continue  # somebody else has it by now
        if event["action"] == "part reserved" and (event["time"] <= row.opened_at or details.get("again")):
            continue  # it was in stock when the order was opened, or was given back when it was reopened
        reason = "assigned" if event["action"] == "assigned" else "part arrived"
        detail = str(details.get("part", "")) if reason == "part arrived" else ""
        key = f"order:{number}:{event['seq']}:{row.assignee}"
        yield _message(
            db, key=key, subject="order", number=number, reason=reason, detail=detail, recipient=row.assignee
        )


def _due_messages(db: orm.Session, options: NotificationOptions) -> Iterator[dict[str, Any]]:
    """Yield messages of assigned orders that are due by the end of tomorrow, and of those that are overdue."""
    if not options.people:
        return
    zone = ZoneInfo(options.timezone)
    tomorrow = now(db).astimezone(zone).date() + timedelta(days=1)
    end_of_tomorrow = datetime.combine(tomorrow + timedelta(days=1), time(), zone).astimezone(UTC)
    statement = sa.select(OrderRow).where(
        OrderRow.state.not_in(CLOSED), OrderRow.assignee.in_(list(options.people)), OrderRow.due < end_of_tomorrow
    )
    for row in db.scalars(statement.order_by(OrderRow.id)):
        assert row.due is not None  # for mypy: the statement asks for it
        stamp = microseconds(row.due)
        reason = "due" if row.due >= now(db) else "overdue"
        yield _message(
            db,
            key=f"order:{row.id}:{reason}:{stamp}:{row.assignee}",
            subject="order",
            number=row.id,
            reason=reason,
            detail=str(stamp),
            recipient=row.assignee,
        )


def _escalations(
    db: orm.Session, options: NotificationOptions, delays: EscalationDelays, rota: Rota | None
) -> Iterator[dict[str, Any]]:
    """Yield messages to the next person about alerts that nobody has acknowledged in time.

    First the next person of the rota who has not been told, then, after as long again, the fallback. Where nobody is
    ever on call, the targets are told once more.
    """
    late = sa.select(AlertRow).where(AlertRow.state.in_(_WAITING), AlertRow.escalated_at >= now(db) - _ESCALATED_WITHIN)
    rows = {row.id: row for row in db.scalars(late.order_by(AlertRow.id)).all()}
    told = _told(db, rows)
    for number, row in rows.items():
        assert row.escalated_at is not None and row.annunciated_at is not None  # for mypy: it was announced
        announced = row.annunciated_at
        messages = [one for one in told.get(number, ()) if one.queued_at >= announced]
        steps = [one for one in messages if one.reason == "escalated"]
        delay = delays.get(row.level)
        if delay is None or len(steps) >= _MAX_STEPS or is_quiet(options, row.level, now(db)):
            continue
        key = f"alert:{number}:escalated:{microseconds(announced)}"
        if not options.on_call.is_set:
            if not steps and now(db) >= _step_due(messages, row.escalated_at, delay):
                for recipient in _recipients(options, row.level):
                    yield _alert_message(db, row, f"{key}:{recipient}", "escalated", recipient, now(db))
            continue
        if rank(row.level) < rank(options.on_call.least_level):
            continue
        planned = steps[-1].queued_at + delay if steps else row.escalated_at
        if now(db) < _step_due(steps or messages, planned, delay):
            continue
        person = _next_person(options, rota, now(db), {one.sent_to for one in messages}, second=bool(steps))
        if person:
            yield _alert_message(db, row, f"{key}:{len(steps)}", "escalated", person, now(db))


def _told(db: orm.Session, alerts: Iterable[int]) -> dict[int, list[MessageRow]]:
    """Return the messages about alerts that were or will be sent, oldest first, by alert."""
    numbers = list(alerts)
    told: dict[int, list[MessageRow]] = {}
    for first in range(0, len(numbers), _CHUNK):
        statement = sa.select(MessageRow).where(
            MessageRow.subject == "alert",
            MessageRow.number.in_(numbers[first : first + _CHUNK]),
            MessageRow.state != "dropped",
        )
        for message in db.scalars(statement.order_by(MessageRow.id)):
            told.setdefault(message.number, []).append(message)
    return told


def _step_due(messages: Sequence[MessageRow], planned: datetime, delay: timedelta) -> datetime:
    """Return when a step of an escalation is due: later than planned where its messages were held back.

    What cannot be delivered is no reason to wait.
    """
    if any(one.state == "waiting" and not one.error for one in messages):
        return datetime.max.replace(tzinfo=UTC)
    sent = [one.sent_at for one in messages if one.sent_at is not None]
    return planned if not sent or min(sent) <= planned else min(sent) + delay


def _next_person(
    options: NotificationOptions, rota: Rota | None, moment: datetime, told: set[str], *, second: bool
) -> str | None:
    fallback = options.on_call.fallback
    person = None if second or rota is None else rota.following(moment, told)
    return person or (fallback if fallback not in told else None)


def _add(db: orm.Session, messages: Sequence[dict[str, Any]]) -> None:
    """Add messages to the outbox, but none that was there before."""
    keys = [message["key"] for message in messages]
    present: set[str] = set()
    for first in range(0, len(keys), _CHUNK):
        present |= set(db.scalars(sa.select(MESSAGES.c.key).where(MESSAGES.c.key.in_(keys[first : first + _CHUNK]))))
    fresh = [message for message in messages if message["key"] not in present]
    if fresh:
        db.execute(sa.insert(MessageRow), fresh)
