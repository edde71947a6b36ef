"""Frozen weeks: an accepted plan assigns its orders and promises what is done in the days that come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.database import frame, now
from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.orders import actions
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import FrozenSlotRow, OrderRow, PlacementRow, number_of

__all__ = ["Acceptance", "accept_plan", "frozen_slots", "release_slots"]


@dataclass(frozen=True)
class Acceptance:
    """What came of the acceptance of a plan.

    Attributes
    ----------
    frozen : int
        Number of the orders that are frozen.
    left : tuple of str
        Numbers of the orders that a person has given to somebody else since, which stay with them.
    refused : dict of str to str
        Orders that could not be assigned as planned, by number, and why; they stay as they were.
    """

    frozen: int
    left: tuple[str, ...]
    refused: Mapping[str, str]

    @property
    def words(self) -> str:
        """What was not done, as sentences; empty where all was."""
        return " ".join(f"{number} is not accepted: {why}" for number, why in self.refused.items())


def accept_plan(db: orm.Session, who: str, options: ScheduleOptions) -> Acceptance:
    """Accept the saved plan inside a writing transaction, and return what came of it; see `Planning.accept`.

    An order that is frozen already at another place is released there: what was promised stays in the table. One that
    a person has given to somebody else since the plan was made stays with them, and is not frozen.
    """
    present = now(db)
    rows = db.execute(
        sa.select(PlacementRow, OrderRow)
        .join(OrderRow, OrderRow.id == PlacementRow.order_id)
        .where(OrderRow.state.not_in((*CLOSED, "on hold")))
        .order_by(PlacementRow.start, OrderRow.id)
    ).all()
    if not rows:
        raise MaintenanceError("There is no plan that could be accepted.", "Make one first: workbench plan.")
    assigned = []
    left = []
    refused: dict[str, str] = {}
    frozen = 0
    for place, order in rows:
        if order.assignee not in (None, place.technician) and not order.may_reassign:
            left.append(number_of(order.id))
            continue
        try:
            actions.able_person(db, order, place.technician)
        except MaintenanceError as error:
            refused[number_of(order.id)] = error.message
            continue
        if order.state in ("open", "assigned") and order.assignee != place.technician:
            actions.assign(db, order.id, place.technician, who, may_reassign=True)
            assigned.append(number_of(order.id))
        if place.start < present + timedelta(days=options.frozen_days) and place.end > present:
            place.frozen = True
            frozen += 1
            _promise(db, place, who, options.timezone)
    if len(refused) == len(rows):
        raise MaintenanceError(
            f"No order of the plan can be accepted. {' '.join(sorted(set(refused.values())))}", "Plan again."
        )
    details = {"orders": len(rows) - len(left) - len(refused), "assigned": assigned, "frozen": frozen, "left": left}
    log.append(db, "plan:1", "accepted", who, details | ({"refused": refused} if refused else {}))
    return Acceptance(frozen, tuple(left), refused)


def release_slots(db: orm.Session, order: int, who: str) -> None:
    """Release what was promised of an order, inside a writing transaction; its rows stay in the table."""
    for row in _promised(db, order):
        row.released_at, row.released_by = now(db), who
    db.flush()


def frozen_slots(db: orm.Session, week: date | None) -> pd.DataFrame:
    """Return the frozen weeks as a table; see `Planning.frozen`."""
    names = ("week", "order_id", "technician", "start", "end", "accepted_at", "accepted_by", "released_at")
    columns = [getattr(FrozenSlotRow, name) for name in (*names, "released_by")]
    statement = sa.select(*columns).order_by(FrozenSlotRow.start, FrozenSlotRow.id)
    if week is not None:
        statement = statement.where(FrozenSlotRow.week == _monday(week))
    table = frame(db, statement)
    table.insert(1, "number", [number_of(one) for one in table.pop("order_id")])
    return table


def _promise(db: orm.Session, place: PlacementRow, who: str, timezone: str) -> None:
    """Record where an order is frozen, unless that is recorded already."""
    before = _promised(db, place.order_id)
    same = [row for row in before if (row.technician, row.start) == (place.technician, place.start)]
    if same:
        return
    release_slots(db, place.order_id, who)
    last = db.scalar(sa.select(sa.func.max(FrozenSlotRow.id))) or 0
    db.add(
        FrozenSlotRow(
            id=last + 1,
            week=_monday(_day(place.start, timezone)),
            order_id=place.order_id,
            technician=place.technician,
            start=place.start,
            end=place.end,
            accepted_at=now(db),
            accepted_by=who,
            released_at=None,
            released_by="",
        )
    )
    db.flush()


def _promised(db: orm.Session, order: int) -> list[FrozenSlotRow]:
    statement = sa.select(FrozenSlotRow).where(FrozenSlotRow.order_id == order, FrozenSlotRow.released_at.is_(None))
    return list(db.scalars(statement).all())


def _day(at: datetime, timezone: str) -> date:
    return at.astimezone(ZoneInfo(timezone)).date()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
