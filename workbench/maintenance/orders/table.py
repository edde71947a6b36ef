"""The tables of work orders, the people and parts they need, and the plans that open them by themselves."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.engine.interfaces import Dialect

from workbench.exceptions import MaintenanceError
from workbench.maintenance.database import Base, UtcDateTime, Versioned
from workbench.maintenance.orders.checklists import ChecklistItem, from_json
from workbench.maintenance.orders.failure_codes import Failure
from workbench.maintenance.orders.priority import Priority
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.values import row_number

__all__ = [
    "ORDERS",
    "MeterRow",
    "OrderAlertRow",
    "OrderPartRow",
    "OrderRow",
    "PartRow",
    "PlacementRow",
    "PreventiveRow",
    "TechnicianRow",
    "WorkOrder",
    "find_order",
    "number_of",
    "order_id",
]


class Json(sa.types.TypeDecorator[Any]):
    """Column type of JSON values, stored as text, alike on every database."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return a value as JSON text."""
        del dialect
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return the value of JSON text."""
        del dialect
        return None if value is None else json.loads(value)


class OrderRow(Versioned, Base):
    """Row of one work order; `WorkOrder` describes the columns."""

    __tablename__ = "orders"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    subsystem: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    channel: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    type: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    state: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    title: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    description: orm.Mapped[str] = orm.mapped_column(sa.Text)
    score: orm.Mapped[float] = orm.mapped_column(sa.Double)
    priority: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    priority_parts: orm.Mapped[Any] = orm.mapped_column(Json)
    failure_mode: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    failure_cause: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    failure_effect: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    assignee: orm.Mapped[str | None] = orm.mapped_column(sa.ForeignKey("technicians.name"))
    skills: orm.Mapped[Any] = orm.mapped_column(Json)
    estimated_hours: orm.Mapped[float] = orm.mapped_column(sa.Double)
    actual_hours: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    estimated_cost: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    actual_cost: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    cost_missing: orm.Mapped[str] = orm.mapped_column(sa.Text, default="")
    checklist: orm.Mapped[Any] = orm.mapped_column(Json)
    attachments: orm.Mapped[Any] = orm.mapped_column(Json)
    after: orm.Mapped[Any] = orm.mapped_column(Json)
    stops_asset: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)
    due: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    not_before: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    hold_reason: orm.Mapped[str] = orm.mapped_column(sa.Text)
    done: orm.Mapped[str] = orm.mapped_column(sa.Text)
    opened_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    opened_by: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    started_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    closed_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    preventive: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("preventive.id"))

    __table_args__ = (
        sa.Index("ix_orders_state", "state", "score"),
        sa.Index("ix_orders_asset", "asset", "state"),
        sa.Index("ix_orders_assignee", "assignee", "state"),
        sa.Index("ix_orders_due", "due"),
        sa.Index("ix_orders_opened", "opened_at"),
        sa.Index("ix_orders_closed", "closed_at"),
    )


class OrderAlertRow(Base):
    """Link of an alert to the work order that it caused; it has no other unless this one is cancelled."""

    __tablename__ = "order_alerts"

    order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    alert_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("alerts.id"), primary_key=True, index=True)


class OrderPartRow(Base):
    """Row of the pieces of a part that a work order needs, has reserved and has used."""

    __tablename__ = "order_parts"

    order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    part: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("parts.name"), primary_key=True)
    needed: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    reserved: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    used: orm.Mapped[int] = orm.mapped_column(sa.Integer)


class TechnicianRow(Versioned, Base):
    """Row of a technician, who does work orders."""

    __tablename__ = "technicians"

    name: orm.Mapped[str] = orm.mapped_column(sa.String(200), primary_key=True)
    skills: orm.Mapped[Any] = orm.mapped_column(Json)
    rate: orm.Mapped[float] = orm.mapped_column(sa.Double)
    hours: orm.Mapped[Any] = orm.mapped_column(Json)
    timezone: orm.Mapped[str] = orm.mapped_column(sa.String(60))
    closed: orm.Mapped[Any] = orm.mapped_column(Json)
    active: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)


class PartRow(Versioned, Base):
    """Row of a part and its stock."""

    __tablename__ = "parts"

    name: orm.Mapped[str] = orm.mapped_column(sa.String(200), primary_key=True)
    description: orm.Mapped[str] = orm.mapped_column(sa.Text)
    stock: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    minimum: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    lead_days: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    unit_cost: orm.Mapped[float | None] = orm.mapped_column(sa.Double)


class MeterRow(Base):
    """Row of the last reading of a meter of an asset: running hours, cycles, or its health index."""

    __tablename__ = "meters"

    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200), primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(100), primary_key=True)
    value: orm.Mapped[float] = orm.mapped_column(sa.Double)
    read_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)


class PreventiveRow(Versioned, Base):
    """Row of a preventive plan, which opens the same work order again and again."""

    __tablename__ = "preventive"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    title: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    subsystem: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    every_days: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    meter: orm.Mapped[str] = orm.mapped_column(sa.String(100))
    every: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    below: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    anchor: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    lead_days: orm.Mapped[float] = orm.mapped_column(sa.Double)
    next_due: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    next_reading: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    content: orm.Mapped[Any] = orm.mapped_column(Json)
    active: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)


class PlacementRow(Base):
    """Row of the saved schedule: who does a work order, and when."""

    __tablename__ = "placements"

    order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    technician: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("technicians.name"))
    sessions: orm.Mapped[Any] = orm.mapped_column(Json)
    start: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime, index=True)
    end: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    frozen: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)
    planned_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)


ORDERS = cast(sa.Table, OrderRow.__table__)


@dataclass(frozen=True)
class WorkOrder:
    """One work order as it was when it was read.

    Attributes
    ----------
    number : str
        Number, for example `WO-7`.
    version : int
        How often it was changed (beginning with 1).
    asset, subsystem, channel : str
        Where the work is done; the last two may be empty.
    type, state : str
        Type and state, of `ORDER_TYPES` and `ORDER_STATES`.
    title, description : str
        What is to be done, in a line and in detail.
    priority : Priority
        Priority with the rule that set it.
    failure : Failure
        Failure mode, cause and effect; each empty while unknown.
    assignee : str or None
        Technician who does it; None while unassigned.
    skills : tuple of str
        Skills that the technician must have.
    estimated_hours : float
        Hours of work that are expected.
    actual_hours, estimated_cost, actual_cost : float or None
        Hours that it took, and its expected and actual cost; None while unknown.
    cost_missing : str
        What the actual cost leaves out, as "price of seal"; empty where it is whole.
    checklist : tuple of ChecklistItem
        What is asked during the work, with the answers so far.
    attachments : tuple of dict
        Plots and reports: `reference` (a path or link) and `title`.
    after : tuple of str
        Numbers of orders that must be done before.
    stops_asset : bool
        Whether the asset must stand still for it.
    due, not_before : datetime or None
        Latest end and earliest start, UTC; None where there is none.
    hold_reason, done : str
        Why it is on hold, and what was done; empty while there is nothing to say.
    opened_at, started_at, closed_at : datetime or None
        When it was opened, started, and completed or cancelled, UTC; None until then.
    opened_by : str
        Person or program that opened it.
    alerts : tuple of int
        Numbers of the alerts that caused it.
    parts : tuple of dict
        Parts with their quantities: part, needed, reserved, used.
    preventive : int or None
        Number of the preventive plan that opened it; None where a person or an alert did.
    """

    number: str
    version: int
    asset: str
    subsystem: str
    channel: str
    type: str
    state: str
    title: str
    description: str
    priority: Priority
    failure: Failure
    assignee: str | None
    skills: tuple[str, ...]
    estimated_hours: float
    actual_hours: float | None
    estimated_cost: float | None
    actual_cost: float | None
    cost_missing: str
    checklist: tuple[ChecklistItem, ...]
    attachments: tuple[dict[str, str], ...]
    after: tuple[str, ...]
    stops_asset: bool
    due: datetime | None
    not_before: datetime | None
    hold_reason: str
    done: str
    opened_at: datetime
    opened_by: str
    started_at: datetime | None
    closed_at: datetime | None
    alerts: tuple[int, ...]
    parts: tuple[dict[str, Any], ...]
    preventive: int | None

    @property
    def is_open(self) -> bool:
        """Return whether the order is neither completed nor cancelled."""
        return self.state not in CLOSED

    @classmethod
    def of(cls, db: orm.Session, row: OrderRow) -> "WorkOrder":
        """Return a copy of a row, with its alerts and parts."""
        alerts = db.scalars(
            sa.select(OrderAlertRow.alert_id).where(OrderAlertRow.order_id == row.id).order_by(OrderAlertRow.alert_id)
        )
        parts = db.scalars(sa.select(OrderPartRow).where(OrderPartRow.order_id == row.id).order_by(OrderPartRow.part))
        return cls(
            **{name: getattr(row, name) for name in _PLAIN},
            number=number_of(row.id),
            priority=Priority.from_json(row.priority_parts),
            failure=Failure(row.failure_mode, row.failure_cause, row.failure_effect),
            skills=tuple(row.skills),
            checklist=from_json(row.checklist),
            attachments=tuple(row.attachments),
            after=tuple(number_of(number) for number in row.after),
            alerts=tuple(alerts),
            parts=tuple(
                {name: getattr(part, name) for name in ("part", "needed", "reserved", "used")} for part in parts
            ),
        )


_PLAIN = (
    "version",
    "asset",
    "subsystem",
    "channel",
    "type",
    "state",
    "title",
    "description",
    "assignee",
    "estimated_hours",
    "actual_hours",
    "estimated_cost",
    "actual_cost",
    "cost_missing",
    "stops_asset",
    "due",
    "not_before",
    "hold_reason",
    "done",
    "opened_at",
    "opened_by",
    "started_at",
    "closed_at",
    "preventive",
)


def number_of(order: int) -> str:
    """Return the number of an order as people write it.

    Examples
    --------
    >>> number_of(7), order_id("wo-7"), order_id(7), order_id("7")
    ('WO-7', 7, 7, 7)
    """
    return f"WO-{order}"


def order_id(number: str | int) -> int:
    """Return the number of a work order as an integer.

    Raises
    ------
    MaintenanceError
        The text is not the number of a work order.
    """
    text = str(number).strip().upper().removeprefix("WO-")
    if not text.isdecimal() or len(text) > 10:
        raise MaintenanceError(f"{number!r} is not the number of a work order.", "Numbers look like WO-7.")
    return row_number(int(text))


def find_order(db: orm.Session, number: str | int) -> OrderRow:
    """Return the row of a work order.

    Raises
    ------
    MaintenanceError
        There is no work order with this number.
    """
    row = db.get(OrderRow, order_id(number))
    if row is None:
        raise MaintenanceError(f"There is no work order {number}.", "See: workbench orders list.")
    return row
