"""The tables of work orders, the people and parts they need, and the plans that open them by themselves.

One module because the rows refer to each other, and `WorkOrder` is read from them.
"""

import json
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.engine.interfaces import Dialect

from workbench.exceptions import MaintenanceError
from workbench.maintenance.changes import Recorded
from workbench.maintenance.database import Base, UtcDateTime, Versioned
from workbench.maintenance.orders.checklists import ChecklistItem, from_json
from workbench.maintenance.orders.failure_codes import Failure
from workbench.maintenance.orders.priority import Priority
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.values import row_number

__all__ = [
    "ORDERS",
    "FrozenSlotRow",
    "Json",
    "MeterRow",
    "MissedDatesRow",
    "OrderAlertRow",
    "OrderLabourRow",
    "OrderPartRow",
    "OrderRow",
    "PartRow",
    "PlacementRow",
    "PreventiveRow",
    "PurchaseRow",
    "TechnicianRow",
    "WorkOrder",
    "failure_of",
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


class OrderRow(Recorded, Versioned, Base):
    """Row of one work order; `WorkOrder` describes the columns."""

    __tablename__ = "orders"
    unrecorded: ClassVar[tuple[str, ...]] = ("version", "score", "priority_parts")  # these rise with age

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    subsystem: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    component: orm.Mapped[str] = orm.mapped_column(sa.String(200), server_default="", default="")
    channel: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    type: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    state: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    title: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    description: orm.Mapped[str] = orm.mapped_column(sa.Text)
    score: orm.Mapped[float] = orm.mapped_column(sa.Double)
    priority: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    priority_parts: orm.Mapped[Any] = orm.mapped_column(Json)
    failure_kind: orm.Mapped[str] = orm.mapped_column(sa.String(20), server_default="", default="")
    failure_derived: orm.Mapped[bool] = orm.mapped_column(sa.Boolean, server_default=sa.false(), default=False)
    failure_mode: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    failure_mechanism: orm.Mapped[str] = orm.mapped_column(sa.String(10), server_default="", default="")
    failure_cause: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    failure_effect: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    failure_detection: orm.Mapped[str] = orm.mapped_column(sa.String(10), server_default="", default="")
    failure_component: orm.Mapped[str] = orm.mapped_column(sa.String(200), server_default="", default="")
    assignee: orm.Mapped[str | None] = orm.mapped_column(sa.ForeignKey("technicians.name"))
    may_reassign: orm.Mapped[bool] = orm.mapped_column(sa.Boolean, default=False)
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
    down_from: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    down_to: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    origin: orm.Mapped[int | None] = orm.mapped_column(sa.Integer)
    origin_kind: orm.Mapped[str] = orm.mapped_column(sa.String(20), server_default="", default="")
    signatures: orm.Mapped[Any] = orm.mapped_column(Json, server_default="[]", default=list)

    __table_args__ = (
        sa.Index("ix_orders_state", "state", "score"),
        sa.Index("ix_orders_asset", "asset", "state"),
        sa.Index("ix_orders_assignee", "assignee", "state"),
        sa.Index("ix_orders_due", "due"),
        sa.Index("ix_orders_opened", "opened_at"),
        sa.Index("ix_orders_closed", "closed_at"),
    )

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"order:{self.id}"


class OrderAlertRow(Recorded, Base):
    """Link of an alert to the work order that it caused; it has no other unless this one is cancelled."""

    __tablename__ = "order_alerts"

    order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    alert_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("alerts.id"), primary_key=True, index=True)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"order:{self.order_id}"


class OrderPartRow(Recorded, Base):
    """Row of the pieces of a part that a work order needs, has reserved and has used."""

    __tablename__ = "order_parts"

    order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    part: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("parts.name"), primary_key=True)
    needed: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    reserved: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    used: orm.Mapped[int] = orm.mapped_column(sa.Integer)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"order:{self.order_id}"


class OrderLabourRow(Recorded, Base):
    """Row of the hours that a technician has worked on a work order."""

    __tablename__ = "order_labour"

    order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    technician: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("technicians.name"), primary_key=True)
    hours: orm.Mapped[float] = orm.mapped_column(sa.Double)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"order:{self.order_id}"


class TechnicianRow(Recorded, Versioned, Base):
    """Row of a technician, who does work orders."""

    __tablename__ = "technicians"

    name: orm.Mapped[str] = orm.mapped_column(sa.String(200), primary_key=True)
    skills: orm.Mapped[Any] = orm.mapped_column(Json)
    rate: orm.Mapped[float] = orm.mapped_column(sa.Double)
    hours: orm.Mapped[Any] = orm.mapped_column(Json)
    timezone: orm.Mapped[str] = orm.mapped_column(sa.String(60))
    closed: orm.Mapped[Any] = orm.mapped_column(Json)
    active: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"technician:{self.name}"


class PartRow(Recorded, Versioned, Base):
    """Row of a part and its stock."""

    __tablename__ = "parts"

    name: orm.Mapped[str] = orm.mapped_column(sa.String(200), primary_key=True)
    description: orm.Mapped[str] = orm.mapped_column(sa.Text)
    stock: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    minimum: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    lead_days: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    unit_cost: orm.Mapped[float | None] = orm.mapped_column(sa.Double)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"part:{self.name}"


class PurchaseRow(Recorded, Versioned, Base):
    """Row of a purchase request: pieces of a part that are to come."""

    __tablename__ = "purchases"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    part: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("parts.name"))
    pieces: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    received: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    state: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    requested_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    requested_by: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    ordered_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    expected_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    note: orm.Mapped[str] = orm.mapped_column(sa.Text)
    closed_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)

    __table_args__ = (sa.Index("ix_purchases_part", "part", "state"),)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"part:{self.part}"


class MeterRow(Recorded, Base):
    """Row of the last reading of a meter of an asset: running hours, cycles, or its health index."""

    __tablename__ = "meters"

    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200), primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(100), primary_key=True)
    value: orm.Mapped[float] = orm.mapped_column(sa.Double)
    read_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"meter:{self.asset}/{self.name}"


class PreventiveRow(Recorded, Versioned, Base):
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
    calendar: orm.Mapped[str] = orm.mapped_column(sa.String(100), server_default="", default="")
    season: orm.Mapped[str] = orm.mapped_column(sa.String(100), server_default="", default="")
    timezone: orm.Mapped[str] = orm.mapped_column(sa.String(60), server_default="UTC", default="UTC")

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"preventive:{self.id}"


class MissedDatesRow(Recorded, Base):
    """Row of due dates of a preventive plan that passed before an order was opened for them."""

    __tablename__ = "missed_dates"

    preventive: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("preventive.id"), primary_key=True)
    first: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime, primary_key=True)
    every_days: orm.Mapped[float] = orm.mapped_column(sa.Double)
    dates: orm.Mapped[int] = orm.mapped_column(sa.Integer)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"preventive:{self.preventive}"


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


class FrozenSlotRow(Recorded, Base):
    """Row of the frozen weeks: what an accepted plan has promised, whatever comes of it."""

    __tablename__ = "frozen_slots"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    week: orm.Mapped[date] = orm.mapped_column(sa.Date, index=True)
    order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("orders.id"), index=True)
    technician: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("technicians.name"))
    start: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    end: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    accepted_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    accepted_by: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    released_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    released_by: orm.Mapped[str] = orm.mapped_column(sa.String(200), default="")

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"order:{self.order_id}"


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
    asset, subsystem, component, channel : str
        Where the work is done; the last three may be empty.
    type, state : str
        Type and state, of `ORDER_TYPES` and `ORDER_STATES`.
    title, description : str
        What is to be done, in a line and in detail.
    priority : Priority
        Priority with the rule that set it.
    failure : Failure
        Whether it was a failure, and its codes; each empty while unknown.
    failure_derived : bool
        Whether an earlier release derived the kind of the failure from the type of the order and its failure mode.
    assignee : str or None
        Technician who does it; None while unassigned.
    may_reassign : bool
        Whether the plan may give it to somebody else than its assignee.
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
        Plots, reports and files: `reference` (a path or link) and `title`; a file has `file` (its SHA-256), `name`,
        `type` and `bytes`, too.
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
    labour : dict of str to float
        Hours that each technician has worked on it; empty where none were booked.
    down_from, down_to : datetime or None
        When the asset stood still for it, UTC; None while unknown.
    origin, origin_kind : str
        Number of the order that it comes from, and how: `follow-up` or `split`; for an order that was merged into
        another, the other and `merged`. Empty for all others.
    signatures : tuple of dict
        Who signed it: `name`, `role` of `SIGNATURE_ROLES`, `time` (ISO 8601, UTC).
    """

    number: str
    version: int
    asset: str
    subsystem: str
    component: str
    channel: str
    type: str
    state: str
    title: str
    description: str
    priority: Priority
    failure: Failure
    failure_derived: bool
    assignee: str | None
    may_reassign: bool
    skills: tuple[str, ...]
    estimated_hours: float
    actual_hours: float | None
    estimated_cost: float | None
    actual_cost: float | None
    cost_missing: str
    checklist: tuple[ChecklistItem, ...]
    attachments: tuple[dict[str, Any], ...]
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
    labour: dict[str, float]
    down_from: datetime | None
    down_to: datetime | None
    origin: str
    origin_kind: str
    signatures: tuple[dict[str, str], ...]

    @property
    def failure_words(self) -> str:
        """Return what the work found, and whether an earlier release has derived it."""
        words = str(self.failure) or self.failure.kind
        return f"{words} ({_DERIVED})" if self.failure_derived else words

    @property
    def is_open(self) -> bool:
        """Return whether the order is neither completed nor cancelled."""
        return self.state not in CLOSED

    @classmethod
    def of(cls, db: orm.Session, row: OrderRow) -> "WorkOrder":
        """Return a copy of a row, with its alerts and parts; what is not written yet is written first."""
        db.flush()
        connection, of_order = db.connection(), {"order": row.id}
        return cls(
            **{name: getattr(row, name) for name in _PLAIN},
            number=number_of(row.id),
            priority=Priority.from_json(row.priority_parts),
            failure=failure_of(row),
            skills=tuple(row.skills),
            checklist=from_json(row.checklist),
            attachments=tuple(row.attachments),
            after=tuple(number_of(number) for number in row.after),
            alerts=tuple(connection.scalars(_ALERTS_OF, of_order)),
            labour={technician: hours for technician, hours in connection.execute(_LABOUR_OF, of_order)},
            origin="" if row.origin is None else number_of(row.origin),
            signatures=tuple(row.signatures),
            parts=tuple(dict(part) for part in connection.execute(_PARTS_OF, of_order).mappings()),
        )


_OF_ORDER: sa.BindParameter[int] = sa.bindparam("order")
_ALERTS_OF = (
    sa.select(OrderAlertRow.alert_id).where(OrderAlertRow.order_id == _OF_ORDER).order_by(OrderAlertRow.alert_id)
)
_LABOUR_OF = (
    sa.select(OrderLabourRow.technician, OrderLabourRow.hours)
    .where(OrderLabourRow.order_id == _OF_ORDER)
    .order_by(OrderLabourRow.technician)
)
_PARTS_OF = (
    sa.select(OrderPartRow.part, OrderPartRow.needed, OrderPartRow.reserved, OrderPartRow.used)
    .where(OrderPartRow.order_id == _OF_ORDER)
    .order_by(OrderPartRow.part)
)

_DERIVED = "as an earlier release derived it from the type of the order and its failure mode"
_PLAIN = (
    "version",
    "asset",
    "subsystem",
    "component",
    "channel",
    "type",
    "state",
    "title",
    "description",
    "failure_derived",
    "assignee",
    "may_reassign",
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
    "down_from",
    "down_to",
    "origin_kind",
)


def failure_of(row: OrderRow) -> Failure:
    """Return the failure of a row."""
    return Failure(**{field.name: getattr(row, f"failure_{field.name}") for field in fields(Failure)})


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
