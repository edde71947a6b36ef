"""The tables of known events, their shapes, and the alerts that were recognised as one of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.alerts.table import LevelName
from workbench.maintenance.database import Base, UtcDateTime, Versioned

__all__ = ["SHAPE_STATES", "TEACHING_VERDICTS", "USES", "KnownEventRow", "KnownMatch", "KnownShapeRow", "KnownUseRow"]

TEACHING_VERDICTS = ("known behaviour", "test")
"""Verdicts on an alert from which a known event is learnt."""

SHAPE_STATES = ("waiting", "learnt", "unusable")
"""States of a shape: its telemetry is not read yet, is stored, or has no shape that could be recognised."""


class KnownEventRow(Versioned, Base):
    """Row of one known event; `events.KnownEvent` describes the columns."""

    __tablename__ = "known_events"
    __table_args__ = (sa.Index("ix_known_events_channel", "channel"),)

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    channel: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    name: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    enabled: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)
    chosen_bound: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    learnt_bound: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    created_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    created_by: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    removed_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)


class KnownShapeRow(Base):
    """Row of the shape that one alert taught: one repetition of an event."""

    __tablename__ = "known_shapes"
    __table_args__ = (
        sa.Index("ix_known_shapes_event", "event"),
        sa.Index("ux_known_shapes_alert", "alert", unique=True),
    )

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    event: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("known_events.id"))
    alert: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("alerts.id"))
    state: orm.Mapped[str] = orm.mapped_column(sa.String(12))
    reason: orm.Mapped[str] = orm.mapped_column(sa.Text)
    telemetry: orm.Mapped[bytes | None] = orm.mapped_column(sa.LargeBinary)
    before: orm.Mapped[int | None] = orm.mapped_column(sa.Integer)
    after: orm.Mapped[int | None] = orm.mapped_column(sa.Integer)
    commands: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    units: orm.Mapped[str | None] = orm.mapped_column(sa.String(40))
    clock: orm.Mapped[str | None] = orm.mapped_column(sa.String(12))
    spacing: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    normal_distance: orm.Mapped[float | None] = orm.mapped_column(sa.Double)


class KnownUseRow(Base):
    """Row of an alert that was recognised as a known event, with the level and message that it had otherwise."""

    __tablename__ = "known_uses"
    __table_args__ = (sa.Index("ix_known_uses_event", "event"),)

    alert: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("alerts.id"), primary_key=True)
    event: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("known_events.id"))
    time: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    distance: orm.Mapped[float] = orm.mapped_column(sa.Double)
    bound: orm.Mapped[float] = orm.mapped_column(sa.Double)
    level: orm.Mapped[str] = orm.mapped_column(LevelName)
    message: orm.Mapped[str] = orm.mapped_column(sa.Text)


USES = cast(sa.Table, KnownUseRow.__table__)


@dataclass(frozen=True)
class KnownMatch:
    """The known event as which an anomaly was recognised.

    Attributes
    ----------
    event : int
        Number of the event.
    name : str
        Its name.
    distance, bound : float
        Distance of the anomaly to the nearest shape of the event, and the largest that counts.
    level, message : str
        What the alert would have been without the event.
    """

    event: int
    name: str
    distance: float
    bound: float
    level: str
    message: str

    def __str__(self) -> str:
        """Return it as one sentence."""
        return f"Known event: {self.name}, distance {self.distance:.2f} of bound {self.bound:.2f}."
