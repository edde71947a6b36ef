"""Hours that several technicians have worked on a work order, and when the asset stood still for it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance.database import now
from workbench.maintenance.orders.people import find_technician
from workbench.maintenance.orders.table import OrderLabourRow, OrderRow, number_of
from workbench.maintenance.values import MAX_ORDER_HOURS, number_in_range, time_in_range

__all__ = ["book", "labour_cost", "set_downtime", "worked_hours"]

_HOURS_TOLERANCE = 0.005
"""Hours by which a total that a person passes may differ from what is booked: less than is ever written."""


def book(db: orm.Session, row: OrderRow, technician: str, hours: float) -> dict[str, Any]:
    """Set the hours that a technician has worked on an order, and return what is to be written to the log.

    Raises
    ------
    MaintenanceError
        There is no such technician, or the hours are outside their range; 0 removes what was booked.
    """
    person = find_technician(db, technician)
    hours = number_in_range("hours", hours, MAX_ORDER_HOURS)
    labour = db.get(OrderLabourRow, (row.id, person.name))
    before = 0.0 if labour is None else labour.hours
    if hours == 0.0:
        if labour is not None:
            db.delete(labour)
    elif labour is None:
        db.add(OrderLabourRow(order_id=row.id, technician=person.name, hours=hours))
    else:
        labour.hours = hours
    db.flush()
    return {"technician": person.name, "hours": hours, "before": before}


def worked_hours(db: orm.Session, row: OrderRow, hours: float | None) -> float:
    """Return the hours of work of an order: those that are booked, or those that a person passes.

    Raises
    ------
    MaintenanceError
        None are booked and none are passed, both differ, or they are outside their range.
    """
    booked = _labour(db, row)
    if not booked:
        if hours is None:
            raise MaintenanceError(
                f"{number_of(row.id)} cannot be completed: its hours of work are missing.",
                "Pass hours, or book them for each technician.",
            )
        return number_in_range("hours", hours, MAX_ORDER_HOURS)
    total = number_in_range("hours", sum(one.hours for one in booked), MAX_ORDER_HOURS)
    if hours is not None and not abs(hours - total) <= _HOURS_TOLERANCE:
        each = ", ".join(f"{one.technician} {one.hours:g}" for one in booked)
        raise MaintenanceError(
            f"{number_of(row.id)} has {total:g} booked hours ({each}), not {hours:g}.",
            "Leave the hours out, or change what is booked.",
        )
    return total


def labour_cost(db: orm.Session, row: OrderRow, hours: float) -> float | None:
    """Return the cost of the work at the hourly rates of who did it; None where nobody is known."""
    booked = _labour(db, row)
    if booked:
        return sum(one.hours * find_technician(db, one.technician).rate for one in booked)
    return None if row.assignee is None else hours * find_technician(db, row.assignee).rate


def set_downtime(
    db: orm.Session, row: OrderRow, down_from: datetime | None, down_to: datetime | None
) -> dict[str, datetime]:
    """Set when the asset stood still for an order, and return what is to be written to the log; None stays.

    Raises
    ------
    MaintenanceError
        A time has no zone or lies in the future, or the end lies before the begin.
    """
    times = {"down_from": down_from, "down_to": down_to}
    changes = {name: time_in_range(name, time) for name, time in times.items() if time is not None}
    for name, time in changes.items():
        if time > now(db):
            raise MaintenanceError(
                f"{name.replace('_', ' ')} cannot be {time:%Y-%m-%d %H:%M} UTC: that has not come yet.",
                "Enter when the asset stopped or ran again, not what is planned.",
            )
        setattr(row, name, time)
    if row.down_from is None and row.down_to is not None:
        raise MaintenanceError("The downtime has an end and no begin.", "Pass both.")
    if row.down_from is not None and row.down_to is not None and row.down_to < row.down_from:
        raise MaintenanceError(
            f"The downtime ends at {row.down_to:%Y-%m-%d %H:%M} UTC, before it begins at "
            f"{row.down_from:%Y-%m-%d %H:%M} UTC.",
            "Correct one of the two.",
        )
    db.flush()
    return changes


def _labour(db: orm.Session, row: OrderRow) -> list[OrderLabourRow]:
    statement = sa.select(OrderLabourRow).where(OrderLabourRow.order_id == row.id)
    return list(db.scalars(statement.order_by(OrderLabourRow.technician)).all())
