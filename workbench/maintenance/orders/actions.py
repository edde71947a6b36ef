"""What can happen to a work order: one function an action, each inside a writing transaction of its caller."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.alerts import actions as alert_actions
from workbench.maintenance.alerts.table import AlertRow
from workbench.maintenance.database import now
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders import checklists
from workbench.maintenance.orders import parts as stock
from workbench.maintenance.orders.failure_codes import Failure
from workbench.maintenance.orders.opening import rate
from workbench.maintenance.orders.people import find_technician
from workbench.maintenance.orders.preventive import completed as preventive_completed
from workbench.maintenance.orders.priority import by_hand
from workbench.maintenance.orders.states import CLOSED, FAILURE_TYPES, check_transition
from workbench.maintenance.orders.table import MeterRow, OrderAlertRow, OrderRow, find_order, number_of
from workbench.maintenance.values import (
    MOST_HOURS,
    MOST_MONEY,
    checked_hours,
    finite,
    time_in_range,
    words,
)

__all__ = ["answer", "assign", "cancel", "change", "complete", "hold", "move", "start", "touch"]

_NO_FAILURE = ("false alarm", "known behaviour", "test")


def touch(db: orm.Session, number: str | int, version: int | None) -> OrderRow:
    """Give the row of an order that is to be changed.

    Raises
    ------
    TransitionError
        It is completed or cancelled.
    ConflictError
        Somebody changed it since `version`.
    """
    row = find_order(db, number)
    log.check_version(db, f"order:{row.id}", row.version, version)
    if row.state in CLOSED:
        raise TransitionError(f"{number_of(row.id)} is {row.state}: it stays as it is.", "Open a new work order.")
    return row


def move(db: orm.Session, row: OrderRow, state: str, who: str, details: Mapping[str, Any] | None = None) -> OrderRow:
    """Change an order's state, if it may, and write it to the log."""
    check_transition(number_of(row.id), row.state, state)
    before, row.state = row.state, state
    log.append(db, f"order:{row.id}", state, who, {"before": before, **(details or {})})
    db.flush()
    return row


def assign(
    db: orm.Session, number: str | int, technician: str | None, who: str, version: int | None = None
) -> OrderRow:
    """Give an order to a technician, or take it back."""
    row = touch(db, number, version)
    if technician is None:
        row.assignee = None
        return move(db, row, "open", who)
    person = find_technician(db, technician)
    lacking = sorted(set(row.skills) - set(person.skills))
    if lacking:
        raise MaintenanceError(
            f"{person.name} lacks {', '.join(lacking)} for {number_of(row.id)}.",
            "Assign somebody else, or change the skills.",
        )
    if not person.active:
        raise MaintenanceError(f"{person.name} takes no orders now.", "Assign somebody else.")
    row.assignee = person.name
    row.estimated_cost = row.estimated_hours * person.rate
    if row.state == "on hold":
        row.hold_reason = ""
    return move(db, row, "assigned", who, {"technician": person.name})


def start(db: orm.Session, number: str | int, who: str, version: int | None = None) -> OrderRow:
    """Begin, or go on with, the work."""
    row = touch(db, number, version)
    unmet = [other for other in row.after if find_order(db, other).state not in CLOSED]
    if unmet:
        raise TransitionError(
            f"{number_of(row.id)} waits for {', '.join(map(number_of, unmet))}.", "Do these first, or cancel them."
        )
    row.hold_reason = ""
    if row.started_at is None:
        row.started_at = now(db)
    return move(db, row, "in progress", who)


def hold(db: orm.Session, number: str | int, reason: str, who: str, version: int | None = None) -> OrderRow:
    """Stop the work for a reason."""
    row = touch(db, number, version)
    row.hold_reason = words("why it waits", reason)
    return move(db, row, "on hold", who, {"reason": row.hold_reason})


def cancel(db: orm.Session, number: str | int, reason: str, who: str, version: int | None = None) -> OrderRow:
    """Give an order up; its parts go back, and its alerts may cause another."""
    row = touch(db, number, version)
    reason = words("why it is cancelled", reason)
    row.closed_at = now(db)
    stock.release(db, row)
    return move(db, row, "cancelled", who, {"reason": reason})


def answer(
    db: orm.Session, number: str | int, item: int, given: checklists.Answer, who: str, version: int | None = None
) -> OrderRow:
    """Answer an item of the checklist, counted from 1."""
    row = touch(db, number, version)
    items = list(checklists.from_json(row.checklist))
    if not 1 <= item <= len(items):
        raise MaintenanceError(
            f"{number_of(row.id)} has no item {item} on its checklist.", f"It has {len(items)}, counted from 1."
        )
    asked = items[item - 1]
    meter = db.get(MeterRow, (row.asset, asked.meter)) if asked.meter else None
    told = checklists.answer(asked, given, who=who, at=now(db), last=meter.value if meter else None)
    items[item - 1] = told
    if asked.meter and isinstance(told.answer, float):
        read = meter or MeterRow(asset=row.asset, name=asked.meter)
        read.value, read.read_at = told.answer, now(db)
        db.add(read)
    row.checklist = checklists.to_json(items)
    log.append(db, f"order:{row.id}", "answered", who, {"item": item, "text": asked.text, "answer": told.answer})
    db.flush()
    return row


def complete(
    db: orm.Session,
    number: str | int,
    who: str,
    *,
    done: str,
    hours: float,
    failure: Failure,
    verdict: str | None,
    cost: float | None = None,
    used: Mapping[str, int] | None = None,
    version: int | None = None,
) -> OrderRow:
    """Finish the work: its failure code, its alerts' verdict, its parts and its cost are written in one."""
    row = touch(db, number, version)
    name = number_of(row.id)
    check_transition(name, row.state, "completed")
    row.done = words("what was done", done)
    row.actual_hours = finite("hours", hours, MOST_HOURS)
    open_items = checklists.missing(checklists.from_json(row.checklist))
    if open_items:
        raise TransitionError(
            f"{name} has open items on its checklist: {'; '.join(open_items)}.",
            "Answer them: workbench orders answer.",
        )
    alerts = db.scalars(
        sa.select(AlertRow)
        .join(OrderAlertRow, OrderAlertRow.alert_id == AlertRow.id)
        .where(OrderAlertRow.order_id == row.id, AlertRow.closed_at.is_(None))
        .order_by(AlertRow.id)
    ).all()
    if alerts and verdict is None:
        raise MaintenanceError(
            f"{name} has open alerts: {', '.join(str(alert.id) for alert in alerts)}.",
            "Say what they were: true, false alarm, known behaviour, test or unknown.",
        )
    if not failure.mode and row.type in FAILURE_TYPES and verdict not in _NO_FAILURE:
        raise MaintenanceError(f"{name} needs a failure mode.", "Give its ISO 14224 code, as PDE; UNK is unknown.")
    row.failure_mode, row.failure_cause, row.failure_effect = failure.mode, failure.cause, failure.effect
    parts_cost = stock.consume(db, row, used, who)
    if cost is not None:
        row.actual_cost = finite("the cost", cost, MOST_MONEY)
    elif row.assignee is not None and parts_cost is not None:
        row.actual_cost = row.actual_hours * find_technician(db, row.assignee).rate + parts_cost
    row.closed_at = now(db)
    for alert in alerts:
        alert_actions.close(db, alert.id, who, verdict or "", f"{name}: {row.done}")
    if row.preventive is not None:
        preventive_completed(db, row.preventive)
    told = {"done": row.done, "hours": row.actual_hours, "failure": str(failure), "verdict": verdict}
    return move(db, row, "completed", who, told)


def change(
    db: orm.Session,
    number: str | int,
    who: str,
    options: OrderOptions,
    version: int | None = None,
    *,
    due: datetime | None = None,
    priority: str | None = None,
    hours: float | None = None,
    description: str | None = None,
) -> OrderRow:
    """Change what is given of an order."""
    row = touch(db, number, version)
    told: dict[str, Any] = {}
    if due is not None:
        row.due = told["due"] = time_in_range("the due date", due)
    if priority is not None:
        rate(db, row, options, None, by_hand(priority, who))
        told["priority"] = priority
    if hours is not None:
        row.estimated_hours = told["hours"] = checked_hours(hours)
    if description is not None:
        row.description = told["description"] = description.strip()
    if not told:
        raise MaintenanceError("Nothing to change.", "Give due, priority, hours or description.")
    log.append(db, f"order:{row.id}", "changed", who, told)
    db.flush()
    return row
