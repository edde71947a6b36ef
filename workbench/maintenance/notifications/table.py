"""The tables of the outbox: what people are to be told, and how far of the log it was read from."""

from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.alerts.table import LevelName
from workbench.maintenance.database import Base, UtcDateTime

__all__ = ["MESSAGES", "MESSAGE_STATES", "MessageRow", "OutboxPlace"]

MESSAGE_STATES = ("waiting", "sent", "failed", "dropped")
"""States of a message: to be sent, delivered, given up after many tries, or not needed any more."""


class MessageRow(Base):
    """Row of the outbox: one recipient is to hear once of one thing that happened to an alert or a work order."""

    __tablename__ = "outbox"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    key: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    subject: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    number: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    reason: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    detail: orm.Mapped[str] = orm.mapped_column(sa.Text)
    recipient: orm.Mapped[str] = orm.mapped_column(sa.String(100))
    level: orm.Mapped[str | None] = orm.mapped_column(LevelName)
    channel: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    queued_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    due_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    state: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    claimed_until: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    sent_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    sent_to: orm.Mapped[str] = orm.mapped_column(sa.String(100))
    attempts: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    error: orm.Mapped[str] = orm.mapped_column(sa.Text)

    __table_args__ = (
        sa.Index("ux_outbox_key", "key", unique=True),
        sa.Index("ix_outbox_state", "state", "due_at"),
        sa.Index("ix_outbox_subject", "subject", "number"),
        sa.Index("ix_outbox_channel", "recipient", "channel", "kind", "sent_at"),
    )


class OutboxPlace(Base):
    """Number of the last row of the log from which messages were made; the table has one row, id 1."""

    __tablename__ = "outbox_place"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    seq: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)


MESSAGES = cast(sa.Table, MessageRow.__table__)
