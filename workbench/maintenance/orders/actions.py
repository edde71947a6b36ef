"""Actions on a work order: one function an action, each inside a writing transaction of its caller."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.counts import counted
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
    MAX_COST,
    MAX_ORDER_HOURS,
    checked_hours,
    number_in_range,
    required_text,
    time_in_range,
)

__all__ = ["answer", "assign", "cancel", "change", "complete", "hold", "move", "start", "touch"]

_NO_FAILURE = ("false alarm", "known behaviour", "test")


def touch(db: orm.Session, number: str | int, version: int | None) -> OrderRow:
    """Return the row of an order that may still be changed.

    Raises
    ------
    TransitionError
        The order is completed or cancelled.
    ConflictError
        Somebody changed the order since `version`.
    """
    row = find_order(db, number)
    log.check_version(db, f"order:{row.id}", row.version, version)
    if row.state in CLOSED:
        raise TransitionError(f"{number_of(row.id)} is {row.state} and cannot be changed.", "Open a new work order.")
    return row


def move(db: orm.Session, row: OrderRow, state: str, who: str, details: Mapping[str, Any] | None = None) -> OrderRow:
    """Change the state of an order, if that is allowed, and write it to the log."""
    check_transition(number_of(row.id), row.state, state)
    before = row.state
    row.state = state
    log.append(db, f"order:{row.id}", state, who, {"before": before, **(details or {})})
    db.flush()
    return row


def assign(
    db: orm.Session, number: str | int, technician: str | None, who: str, version: int | None = None
) -> OrderRow:
    """Assign an order to a technician, or unassign it."""
    row = touch(db, number, version)
    if technician is None:
        row.assignee = None
        return move(db, row, "open", who)
    person = find_technician(db, technician)
    missing_skills = sorted(set(row.skills) - set(person.skills))
    if missing_skills:
        raise MaintenanceError(
            f"{person.name} cannot do {number_of(row.id)}: they do not have {', '.join(missing_skills)}.",
            "Assign somebody else, or change their skills.",
        )
    if not person.active:
        raise MaintenanceError(f"{person.name} is inactive and takes no orders.", "Assign somebody else.")
    row.assignee = person.name
    row.estimated_cost = row.estimated_hours * person.rate
    if row.state == "on hold":
        row.hold_reason = ""
    return move(db, row, "assigned", who, {"technician": person.name})


def start(db: orm.Session, number: str | int, who: str, version: int | None = None) -> OrderRow:
    """Start the work, or continue it after a hold."""
    row = touch(db, number, version)
    open_predecessors = [other for other in row.after if find_order(db, other).state not in CLOSED]
    if open_predecessors:
        raise TransitionError(
            f"{number_of(row.id)} waits for {', '.join(map(number_of, open_predecessors))}.",
            "Complete or cancel these first.",
        )
    row.hold_reason = ""
    if row.started_at is None:
        row.started_at = now(db)
    return move(db, row, "in progress", who)


def hold(db: orm.Session, number: str | int, reason: str, who: str, version: int | None = None) -> OrderRow:
    """Put an order on hold, for a reason."""
    row = touch(db, number, version)
    row.hold_reason = required_text("the reason for the hold", reason)
    return move(db, row, "on hold", who, {"reason": row.hold_reason})


def cancel(db: orm.Session, number: str | int, reason: str, who: str, version: int | None = None) -> OrderRow:
    """Cancel an order: its parts are free again, and its alerts may cause another order."""
    row = touch(db, number, version)
    reason = required_text("the reason for the cancellation", reason)
    row.closed_at = now(db)
    stock.release(db, row)
    return move(db, row, "cancelled", who, {"reason": reason})


def answer(
    db: orm.Session, number: str | int, item: int, value: checklists.Answer, who: str, version: int | None = None
) -> OrderRow:
    """Answer one item of the checklist; items are counted from 1."""
    row = touch(db, number, version)
    items = list(checklists.from_json(row.checklist))
    if not 1 <= item <= len(items):
        raise MaintenanceError(
            f"{number_of(row.id)} has no item {item} on its checklist.",
            f"It has {counted(len(items), 'item')}, counted from 1.",
        )
    question = items[item - 1]
    meter = db.get(MeterRow, (row.asset, question.meter)) if question.meter else None
    answered_item = checklists.answer(question, value, who=who, at=now(db), last=meter.value if meter else None)
    items[item - 1] = answered_item
    if question.meter and isinstance(answered_item.answer, float):
        meter_row = meter or MeterRow(asset=row.asset, name=question.meter)
        meter_row.value = answered_item.answer
        meter_row.read_at = now(db)
        db.add(meter_row)
    row.checklist = checklists.to_json(items)
    log.append(
        db, f"order:{row.id}", "answered", who, {"item": item, "text": question.text, "answer": answered_item.answer}
    )
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
    """Complete an order: failure code, verdict on its alerts, parts and cost are written in one transaction."""
    row = touch(db, number, version)
    name = number_of(row.id)
    check_transition(name, row.state, "completed")
    row.done = required_text("the description of what was done", done)
    row.actual_hours = number_in_range("hours", hours, MAX_ORDER_HOURS)
    open_items = checklists.missing(checklists.from_json(row.checklist))
    if open_items:
        raise TransitionError(
            f"{name} cannot be completed: it has open items on its checklist, {'; '.join(open_items)}.",
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
            f"{name} cannot be completed: it has open alerts, {', '.join(str(alert.id) for alert in alerts)}.",
            "Pass a verdict: true, false alarm, known behaviour, test or unknown.",
        )
    if not failure.mode and row.type in FAILURE_TYPES and verdict not in _NO_FAILURE:
        raise MaintenanceError(
            f"{name} cannot be completed without a failure mode.", "Pass its ISO 14224 code, for example PDE, or UNK."
        )
    row.failure_mode = failure.mode
    row.failure_cause = failure.cause
    row.failure_effect = failure.effect
    parts_cost, without_price = stock.consume(db, row, used, who)
    if cost is not None:
        row.actual_cost = number_in_range("the cost", cost, MAX_COST)
    else:
        labour = None if row.assignee is None else row.actual_hours * find_technician(db, row.assignee).rate
        row.actual_cost = parts_cost + labour if labour is not None else parts_cost or None
        unknown = [] if labour is not None else ["hourly rate"]
        unknown += [f"price of {name}" for name in without_price]
        row.cost_missing = "" if row.actual_cost is None else ", ".join(unknown)
    row.closed_at = now(db)
    for alert in alerts:
        alert_actions.close(db, alert.id, who, verdict or "", f"{name}: {row.done}")
    if row.preventive is not None:
        preventive_completed(db, row.preventive)
    log_details = {"done": row.done, "hours": row.actual_hours, "failure": str(failure), "verdict": verdict}
    return move(db, row, "completed", who, log_details)


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
    """Change due date, priority, hours or description of an order; what is omitted stays."""
    row = touch(db, number, version)
    log_details: dict[str, Any] = {}
    if due is not None:
        row.due = log_details["due"] = time_in_range("the due date", due)
    if priority is not None:
        rate(db, row, options, None, by_hand(priority, who))
        log_details["priority"] = priority
    if hours is not None:
        row.estimated_hours = log_details["hours"] = checked_hours(hours)
    if description is not None:
        row.description = log_details["description"] = description.strip()
    if not log_details:
        raise MaintenanceError(
            f"{number_of(row.id)} was not changed: no new value was passed.",
            "Pass due, priority, hours or description.",
        )
    log.append(db, f"order:{row.id}", "changed", who, log_details)
    db.flush()
    return row
