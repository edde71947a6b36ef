"""The notifier: it fills the outbox, and sends what is due by mail, chat or webhook.

What is to be sent stands in the database, so that nothing is lost by a restart, and nothing here stops the raising of
alerts. Whoever sends takes its messages first, in a transaction of their own, so that two processes never send the same
one. A process that dies while it sends leaves messages of which nobody knows whether they arrived: after five minutes
they are sent again, and say so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.alerts.table import ALLOWED, AlertRow
from workbench.maintenance.database import Database, frame, microseconds, now
from workbench.maintenance.notifications.delivery import deliver
from workbench.maintenance.notifications.events import EscalationDelays, alerts_at, is_quiet, queue_messages, rank
from workbench.maintenance.notifications.links import LinkSigner
from workbench.maintenance.notifications.rota import Rota, read_rota
from workbench.maintenance.notifications.table import MESSAGE_STATES, MESSAGES, MessageRow
from workbench.maintenance.notifications.texts import alert_text, log_line, order_text
from workbench.maintenance.options import ON_CALL, AlertOptions, NotificationOptions
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import OrderRow, number_of
from workbench.maintenance.values import check_choice, row_limit, row_number

__all__ = ["Delivery", "Notifier"]

_CLAIM = timedelta(minutes=5)
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
_MAX_ATTEMPTS = 12
_MAX_ROWS = 500
_NOBODY = "nobody is on call, and there is no fallback"
_COLUMNS = (
    "id",
    "state",
    "recipient",
    "sent_to",
    "subject",
    "number",
    "reason",
    "level",
    "queued_at",
    "due_at",
    "sent_at",
    "attempts",
    "error",
)


@dataclass(frozen=True)
class Delivery:
    """Messages that one call of `Notifier.tick` sent.

    Attributes
    ----------
    sent : tuple of (str, int)
        Target or person, and number of alerts or work orders of each message.
    failed : tuple of (str, str)
        Target or person, and why the message could not be delivered; it is tried again.
    waiting : int
        What waits for others, for the end of a cool-down or of the quiet hours, or for another try.
    """

    sent: tuple[tuple[str, int], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    waiting: int = 0


@dataclass(frozen=True)
class _Claimed:
    """One message that this process alone sends, and the rows of the outbox that it consists of."""

    rows: tuple[int, ...]
    recipient: str
    subject: str
    numbers: tuple[int, ...]
    title: str
    text: str


class Notifier:
    """Outbox of messages about alerts and work orders.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    options : NotificationOptions, optional
        Targets, people and times of the messages; nobody is told where omitted.
    alerts : AlertOptions, optional
        How long alerts wait for their acknowledgement; the defaults where omitted.
    links : LinkSigner, optional
        Makes links that acknowledge an alert; messages have none where omitted.
    asset_name : callable, optional
        Returns what people call an asset; its key where omitted.
    """

    def __init__(
        self,
        database: Database,
        options: NotificationOptions | None = None,
        alerts: AlertOptions | None = None,
        links: LinkSigner | None = None,
        asset_name: Callable[[str], str] = str,
    ) -> None:
        self.database = database
        self.options = options or NotificationOptions()
        self.links = links
        self._asset_name = asset_name
        minutes = (alerts or AlertOptions()).escalate_after_minutes
        self._delays: EscalationDelays = {level: timedelta(minutes=time) for level, time in minutes.items()}

    @property
    def addresses(self) -> dict[str, str]:
        """Return the address of each target and person, by name."""
        return {name: target.url for name, target in self.options.targets.items()} | self.options.people

    def tick(self) -> Delivery:
        """Put into the outbox what has happened, and send what is due: one message for each recipient.

        Alerts of one case are one line of the message: what moved first, and the numbers of the alerts. What was
        closed, acknowledged or hidden before its message is not sent.

        Returns
        -------
        Delivery
        """
        rota = self._rota()
        with self.database.writing() as db:
            queue_messages(db, self.options, self._delays, rota)
            self._prune(db)
        sent = []
        failed = []
        while (message := self._claim(rota)) is not None:
            reason = deliver(self.addresses[message.recipient], message.title, message.text)
            self._note(message, reason)
            if reason:
                failed.append((message.recipient, reason))
            else:
                sent.append((message.recipient, len(message.numbers)))
        with self.database.reading() as db:
            waiting = db.scalar(sa.select(sa.func.count()).where(MESSAGES.c.state == "waiting")) or 0
        return Delivery(tuple(sent), tuple(failed), waiting)

    def test(self, name: str | None = None, who: str = "workbench") -> pd.DataFrame:
        """Send a test message to each target and person, and say what happened.

        Parameters
        ----------
        name : str, optional
            Only to this target or person.
        who : str
            Person who tries it, for the log.

        Returns
        -------
        pandas.DataFrame
            name, kind (target or person), sent (bool), reason: why it could not be delivered.

        Raises
        ------
        MaintenanceError
            There is no target and no person, or none of this name.
        """
        addresses = self.addresses
        if name is not None and name not in addresses:
            raise MaintenanceError(
                f"There is no target or person {name!r} in notifications.", f"Known: {', '.join(addresses) or 'none'}."
            )
        if not addresses:
            raise MaintenanceError(
                "Nobody is notified: the settings name no target and no person.",
                "Set notifications.targets or notifications.people in workbench.yaml.",
            )
        rows = []
        for recipient in addresses if name is None else [name]:
            text = f"A test of the notifications to {recipient}, sent by {who}. There is nothing to do."
            reason = deliver(addresses[recipient], "Test message of the workbench", text)
            with self.database.writing() as db:
                self._log(db, recipient, reason, who, {"test": True})
            rows.append((recipient, self._kind(recipient), not reason, reason))
        return pd.DataFrame(rows, columns=["name", "kind", "sent", "reason"])

    def list(self, state: str | None = None, limit: int | None = None) -> pd.DataFrame:
        """Return the messages of the outbox, newest first.

        Parameters
        ----------
        state : str, optional
            One of `MESSAGE_STATES`; all where omitted.
        limit : int, optional
            Most rows to return; all where omitted.

        Returns
        -------
        pandas.DataFrame
            id, state, recipient, sent_to, about (alert 3 or WO-7), reason, level, queued_at, due_at, sent_at,
            attempts, error.

        Raises
        ------
        MaintenanceError
            There is no such state.
        """
        statement: sa.Select[tuple[object, ...]] = sa.select(*(MESSAGES.c[name] for name in _COLUMNS))
        if state is not None:
            check_choice("state", state, MESSAGE_STATES)
            statement = statement.where(MESSAGES.c.state == state)
        with self.database.reading() as db:
            table = frame(db, statement.order_by(MESSAGES.c.id.desc()).limit(row_limit(limit)))
        about = [
            f"alert {number}" if subject == "alert" else number_of(number)
            for subject, number in table[["subject", "number"]].to_numpy().tolist()
        ]
        table.insert(4, "about", about)
        return table.drop(columns=["subject", "number"])

    def retry(self, who: str, messages: Iterable[int] | None = None) -> int:
        """Let messages that could not be delivered be sent at the next tick.

        Parameters
        ----------
        who : str
            Person who asks for it, for the log.
        messages : iterable of int, optional
            Numbers of failed messages, or of waiting ones; all failed ones where omitted.

        Returns
        -------
        int
            Number of messages.

        Raises
        ------
        MaintenanceError
            There is no such message, or it was sent or dropped.
        """
        with self.database.writing() as db:
            if messages is None:
                rows = list(db.scalars(sa.select(MessageRow).where(MessageRow.state == "failed")))
            else:
                rows = [_retryable(db, number) for number in dict.fromkeys(messages)]
            for row in rows:
                row.state, row.due_at, row.attempts, row.error = "waiting", now(db), 0, ""
            if rows:
                log.append(db, "outbox", "retried", who, {"messages": [row.id for row in rows]})
        return len(rows)

    # ---- internals

    def _rota(self) -> Rota | None:
        """Return the rota; None where it cannot be read: the fallback is told then, and `doctor` says why."""
        try:
            return read_rota(self.options)
        except MaintenanceError:
            return None

    def _prune(self, db: orm.Session) -> None:
        """Remove old messages about what is closed; those about what is open keep it from being told once more."""
        if self.options.keep_days is None:
            return
        kept = max(timedelta(days=self.options.keep_days), timedelta(seconds=self.options.cool_down_seconds))
        open_alerts = sa.select(AlertRow.id).where(AlertRow.closed_at.is_(None))
        open_orders = sa.select(OrderRow.id).where(OrderRow.state.not_in(CLOSED))
        db.execute(
            sa.delete(MessageRow).where(
                MessageRow.state != "waiting",
                MessageRow.due_at < now(db) - kept,
                sa.not_(sa.and_(MessageRow.subject == "alert", MessageRow.number.in_(open_alerts))),
                sa.not_(sa.and_(MessageRow.subject == "order", MessageRow.number.in_(open_orders))),
            )
        )

    def _kind(self, recipient: str) -> str:
        return "person" if recipient in self.options.people else "target"

    def _claim(self, rota: Rota | None) -> _Claimed | None:
        """Take the rows of one message that is due, so that nobody else sends them; None where nothing is due."""
        with self.database.writing() as db:
            free = sa.or_(MessageRow.claimed_until.is_(None), MessageRow.claimed_until <= now(db))
            statement = sa.select(MessageRow).where(MessageRow.state == "waiting", free).order_by(MessageRow.id)
            groups: dict[tuple[str, str], list[MessageRow]] = {}
            for row in db.scalars(statement).all():
                if is_quiet(self.options, row.level, now(db)):
                    continue
                recipient = self._person(rota, db) if row.recipient == ON_CALL else row.recipient
                if recipient is None:
                    row.error = _NOBODY
                    continue
                groups.setdefault((recipient, row.subject), []).append(row)
            for (recipient, subject), rows in groups.items():
                if not any(row.due_at <= now(db) for row in rows):
                    continue
                if recipient not in self.addresses:
                    for row in rows:
                        row.state, row.error = "failed", f"{recipient} has no address in the settings"
                    continue
                kept = self._needed(db, rows, recipient)
                if any(row.due_at <= now(db) for row in kept):
                    return self._message(db, kept[:_MAX_ROWS], recipient, subject)
            return None

    def _person(self, rota: Rota | None, db: orm.Session) -> str | None:
        return (rota.at(now(db)) if rota is not None else None) or self.options.on_call.fallback

    def _needed(self, db: orm.Session, rows: Sequence[MessageRow], recipient: str) -> Sequence[MessageRow]:
        """Drop the rows that need not be told any more, and return the others."""
        alerts = alerts_at(db, [row.number for row in rows if row.subject == "alert"])
        kept = []
        for row in rows:
            if row.subject == "alert":
                why = self._dropped_alert(*alerts[row.number], row)
            else:
                why = _dropped_order(db, row, recipient)
            if why:
                row.state, row.error, row.claimed_until = "dropped", why, None
            else:
                kept.append(row)
        return sorted(kept, key=lambda row: (row.due_at, row.id))

    def _dropped_alert(self, alert: AlertRow, is_known: bool, row: MessageRow) -> str:
        if alert.state not in ALLOWED["acknowledge"]:
            return f"the alert is {alert.state.replace('_', ' ')}"
        if is_known:
            return "it is a known event"
        target = self.options.targets.get(row.recipient)
        least = self.options.on_call.least_level if target is None else target.least_level
        return f"the level is {alert.level} by now" if rank(alert.level) < rank(least) else ""

    def _message(self, db: orm.Session, rows: Sequence[MessageRow], recipient: str, subject: str) -> _Claimed:
        numbers = tuple(dict.fromkeys(row.number for row in rows))
        by_age = sorted(rows, key=lambda row: row.id)
        if subject == "alert":
            alerts = [alert for alert, _ in alerts_at(db, numbers).values()]
            person = recipient if recipient in self.options.people else ""
            alert_reasons = {row.number: row.reason for row in by_age}
            title, text = alert_text(db, alerts, alert_reasons, person, self.links, self._asset_name)
        else:
            reasons: dict[int, list[tuple[str, str]]] = {}
            for row in by_age:
                reasons.setdefault(row.number, []).append((row.reason, row.detail))
            zone = ZoneInfo(self.options.timezone)
            orders = [db.get_one(OrderRow, number) for number in numbers]
            title, text = order_text(orders, reasons, zone, self._asset_name)
        notes = []
        tried = [row.claimed_until for row in rows if row.claimed_until is not None]
        if tried:
            began = min(tried) - _CLAIM
            notes.append(f"This may have arrived before: its sending at {began:%Y-%m-%d %H:%M} UTC was interrupted.")
        for row in rows:
            row.claimed_until = now(db) + _CLAIM
            row.attempts += 1
            row.sent_to = recipient
        notes.append(log_line(db))
        return _Claimed(
            tuple(row.id for row in rows),
            recipient,
            subject,
            numbers,
            title,
            "\n".join([text, "", *filter(None, notes)]),
        )

    def _note(self, message: _Claimed, reason: str) -> None:
        with self.database.writing() as db:
            rows = db.scalars(sa.select(MessageRow).where(MessageRow.id.in_(message.rows))).all()
            for row in rows:
                row.claimed_until = None
                row.error = reason
                if not reason:
                    row.state, row.sent_at = "sent", now(db)
                elif row.attempts >= _MAX_ATTEMPTS:
                    row.state = "failed"
                else:
                    row.due_at = now(db) + min(_FIRST_WAIT * 2 ** (row.attempts - 1), _LONGEST_WAIT)
            is_alert = message.subject == "alert"
            about = {"alerts": list(message.numbers)} if is_alert else {"orders": [*map(number_of, message.numbers)]}
            self._log(db, message.recipient, reason, "workbench", about)

    def _log(self, db: orm.Session, recipient: str, reason: str, who: str, about: Mapping[str, object]) -> None:
        subject = f"{self._kind(recipient)}:{recipient}"[:40]  # the column holds 40 characters
        details = {**about, **({"reason": reason} if reason else {})}
        log.append(db, subject, "notification failed" if reason else "notified", who, details)


def _dropped_order(db: orm.Session, row: MessageRow, recipient: str) -> str:
    order = db.get_one(OrderRow, row.number)
    if order.state in CLOSED:
        return f"the order is {order.state}"
    if order.assignee != recipient:
        return "the order was given to somebody else"
    is_due = row.reason in ("due", "overdue")
    moved = is_due and (order.due is None or str(microseconds(order.due)) != row.detail)
    return "the due date was changed" if moved else ""


def _retryable(db: orm.Session, number: int) -> MessageRow:
    row = db.get(MessageRow, row_number(number))
    if row is None:
        raise MaintenanceError(f"There is no message {number}.", "See: workbench notify list.")
    if row.state not in ("failed", "waiting"):
        raise MaintenanceError(f"Message {number} is {row.state}: it is not sent again.", "See: workbench notify list.")
    return row
