"""Notifications: people hear of alerts by mail, chat or webhook, in few messages.

What is to be sent stands in the database, so that nothing is lost by a restart; a message that fails is tried again
at the next tick, and nothing here stops the raising of alerts.
"""

import logging
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance import log
from workbench.maintenance.alerts.table import SHOWN, Alert, AlertRow
from workbench.maintenance.cases.case import case_of
from workbench.maintenance.database import Base, Database, UtcDateTime, now
from workbench.maintenance.options import NotificationOptions
from workbench.parameters import LEVELS

__all__ = ["Delivery", "NotificationRow", "Notifier"]


class NotificationRow(Base):
    """Row of one message about one alert to one target, sent or still to be sent."""

    __tablename__ = "notifications"

    alert_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("alerts.id"), primary_key=True)
    target: orm.Mapped[str] = orm.mapped_column(sa.String(100), primary_key=True)
    channel: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    due_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    sent_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    attempts: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    error: orm.Mapped[str] = orm.mapped_column(sa.Text)

    __table_args__ = (
        sa.Index("ix_notifications_due", "sent_at", "due_at"),
        sa.Index("ix_notifications_channel", "target", "channel", "kind", "sent_at"),
    )


@dataclass(frozen=True)
class Delivery:
    """Messages that one call of `Notifier.tick` sent.

    Attributes
    ----------
    sent : tuple of (str, int)
        Target and number of alerts of each message.
    failed : tuple of (str, str)
        Target and why the message could not be delivered; it is tried again.
    waiting : int
        Alerts that wait for others, for the end of a cool-down or of the quiet hours, or for another try.
    """

    sent: tuple[tuple[str, int], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    waiting: int = 0


class Notifier:
    """Queue of messages about alerts, which are sent by mail, chat or webhook.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    options : NotificationOptions
        Targets and times of the messages; no target where omitted.
    """

    def __init__(self, database: Database, options: NotificationOptions | None = None) -> None:
        self.database = database
        self.options = options or NotificationOptions()

    def queue(self, alerts: Iterable[int], reopened: Iterable[int] = ()) -> int:
        """Queue messages about alerts, one for each alert and target.

        Parameters
        ----------
        alerts : iterable of int
            Numbers of the alerts.
        reopened : iterable of int
            Alerts that are open again: their messages are sent anew.

        Returns
        -------
        int
            New notifications; alerts that are hidden, or too low for every target, make none.
        """
        anew = list(reopened)
        numbers = [*alerts, *anew]
        if not self.options.targets or not numbers:
            return 0
        with self.database.writing() as db:
            db.execute(sa.delete(NotificationRow).where(NotificationRow.alert_id.in_(anew)))
            queued_statement = sa.select(NotificationRow.alert_id, NotificationRow.target)
            queued_pairs = {
                tuple(row) for row in db.execute(queued_statement.where(NotificationRow.alert_id.in_(numbers)))
            }
            alert_rows = db.scalars(
                sa.select(AlertRow).where(AlertRow.id.in_(numbers), AlertRow.state.in_(SHOWN))
            ).all()
            queued = 0
            for name, target in self.options.targets.items():
                for alert in alert_rows:
                    if (alert.id, name) in queued_pairs or _rank(alert.level) < _rank(target.least_level):
                        continue
                    db.add(
                        NotificationRow(
                            alert_id=alert.id,
                            target=name,
                            channel=alert.channel,
                            kind=alert.kind,
                            due_at=max(now(db) + self.options.wait(alert.level), self._cooled_down(db, name, alert)),
                            sent_at=None,
                            attempts=0,
                            error="",
                        )
                    )
                    queued += 1
            return queued

    def tick(self) -> Delivery:
        """Send the messages that are due: one for each target, with all alerts that may go with it.

        Alerts of one case are one line of the message: what moved first, and the numbers of the alerts.

        Returns
        -------
        Delivery
        """
        present = self.database.clock()
        with self.database.reading() as db:
            pending = db.execute(
                sa.select(NotificationRow, AlertRow)
                .join(AlertRow, AlertRow.id == NotificationRow.alert_id)
                .where(NotificationRow.sent_at.is_(None))
                .order_by(AlertRow.level.desc(), AlertRow.id)
            ).all()
            calendar = self.options.quiet()
            quiet = calendar is not None and calendar.is_open(present)
            by_target: dict[str, list[tuple[NotificationRow, AlertRow]]] = {}
            for row, alert in pending:
                if not (quiet and _rank(alert.level) < _rank(self.options.quiet_below)):
                    by_target.setdefault(row.target, []).append((row, alert))
            messages = {
                name: (_message(db, [alert for _, alert in rows]), [row.alert_id for row, _ in rows])
                for name, rows in by_target.items()
                if name in self.options.targets and any(row.due_at <= present for row, _ in rows)
            }
        sent = []
        failed = []
        for name, (message, alerts) in messages.items():
            reason = _deliver(self.options.targets[name].url, *message)
            self._note(name, alerts, reason)
            if reason:
                failed.append((name, reason))
            else:
                sent.append((name, len(alerts)))
        return Delivery(tuple(sent), tuple(failed), len(pending) - sum(number for _, number in sent))

    def _note(self, target: str, alerts: list[int], reason: str) -> None:
        with self.database.writing() as db:
            rows = db.scalars(
                sa.select(NotificationRow).where(NotificationRow.target == target, NotificationRow.alert_id.in_(alerts))
            ).all()
            for row in rows:
                row.attempts += 1
                row.error = reason
                row.sent_at = None if reason else now(db)
            if not reason:
                subject = f"target:{target}"[:40]  # the column holds 40 characters
                log.append(db, subject, "notified", "workbench", {"alerts": alerts})

    def _cooled_down(self, db: orm.Session, target: str, alert: AlertRow) -> datetime:
        """Return when a target may be notified of this channel and kind again."""
        last = db.scalar(
            sa.select(sa.func.max(NotificationRow.sent_at)).where(
                NotificationRow.target == target,
                NotificationRow.channel == alert.channel,
                NotificationRow.kind == alert.kind,
            )
        )
        return now(db) if last is None else last + timedelta(seconds=self.options.cool_down_seconds)


def _message(db: orm.Session, alerts: Sequence[AlertRow]) -> tuple[str, str]:
    """Return the title and the text of a message: one line a case where it has several alerts in the message."""
    by_case: dict[int, list[AlertRow]] = {}
    for alert in alerts:
        by_case.setdefault(alert.case_id or -alert.id, []).append(alert)
    lines = [_case_line(db, case, own) if len(own) > 1 else _alert_line(own[0]) for case, own in by_case.items()]
    worst = alerts[0].level
    title = f"{len(alerts)} alerts, the worst {worst}"
    if len(alerts) == 1:
        title = f"Alert {alerts[0].id}, {worst}"
    elif len(by_case) == 1:
        title = f"Case {next(iter(by_case))}, {worst}: {len(alerts)} alerts"
    return title, "\n".join(lines)


def _alert_line(alert: AlertRow) -> str:
    return f"{alert.level} (alert {alert.id}): {alert.message}"


def _case_line(db: orm.Session, case: int, alerts: Sequence[AlertRow]) -> str:
    numbers = ", ".join(str(alert.id) for alert in sorted(alerts, key=lambda alert: alert.id))
    members = [vars(Alert.of(row)) for row in db.scalars(sa.select(AlertRow).where(AlertRow.case_id == case))]
    return f"{alerts[0].level} (case {case}, alerts {numbers}): {case_of(case, members)}"


def _deliver(url: str, title: str, body: str) -> str:
    """Send a message, and return why it could not be delivered; empty where it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Apprise's own plugins
        import apprise

        service = apprise.Apprise()
        with apprise.LogCapture(level=logging.WARNING) as apprise_log:
            try:
                if service.add(url) and service.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
                    return ""
            except (OSError, TypeError, ValueError) as error:
                return f"{type(error).__name__}: {error}"
            reason = " ".join(apprise_log.getvalue().split())
    return reason or ("the service refused the message" if len(service) else "Apprise does not support this URL")


def _rank(level: str) -> int:
    return LEVELS.index(level)
