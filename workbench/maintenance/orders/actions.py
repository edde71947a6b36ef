"""Actions on a work order: one function an action, each inside a writing transaction of its caller."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.counts import counted
from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.alerts import actions as alert_actions
from workbench.maintenance.alerts.known.uses import spared_alerts
from workbench.maintenance.alerts.table import AlertRow
from workbench.maintenance.database import now
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders import checklists
from workbench.maintenance.orders import parts as stock
from workbench.maintenance.orders.failure_codes import FAILURE_KINDS, FUNCTIONAL_FAILURE, NO_FAILURE, Failure
from workbench.maintenance.orders.labour import labour_cost, set_downtime, worked_hours
from workbench.maintenance.orders.opening import rate
from workbench.maintenance.orders.people import find_technician
from workbench.maintenance.orders.preventive import closed as preventive_closed
from workbench.maintenance.orders.priority import by_hand
from workbench.maintenance.orders.states import CLOSED, FAILURE_TYPES, VERDICTS_OF_NO_FAILURE, check_transition
from workbench.maintenance.orders.table import MeterRow, OrderAlertRow, OrderRow, TechnicianRow, find_order, number_of
from workbench.maintenance.values import (
    MAX_COST,
    check_choice,
    checked_hours,
    number_in_range,
    required_text,
    time_in_range,
)

__all__ = [
    "SIGNATURE_ROLES",
    "able_person",
    "answer",
    "assign",
    "cancel",
    "change",
    "complete",
    "hold",
    "move",
    "reopen",
    "sign",
    "start",
    "touch",
]

SIGNATURE_ROLES = ("done by", "approved by")
"""What a person says with a signature."""


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
        done = row.state == "completed"
        hint = "Open a new work order, or reopen it where that was a mistake." if done else "Open a new work order."
        raise TransitionError(f"{number_of(row.id)} is {row.state} and cannot be changed.", hint)
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
    db: orm.Session,
    number: str | int,
    technician: str | None,
    who: str,
    version: int | None = None,
    *,
    may_reassign: bool = False,
) -> OrderRow:
    """Assign an order to a technician, or unassign it; the plan gives it to nobody else unless it may."""
    row = touch(db, number, version)
    if technician is None:
        row.assignee, row.may_reassign = None, may_reassign
        return move(db, row, "open", who)
    person = able_person(db, row, technician)
    row.assignee, row.may_reassign = person.name, may_reassign
    row.estimated_cost = row.estimated_hours * person.rate
    if row.state == "on hold":
        row.hold_reason = ""
    return move(db, row, "assigned", who, {"technician": person.name, "may_reassign": may_reassign})


def able_person(db: orm.Session, row: OrderRow, technician: str) -> TechnicianRow:
    """Return the technician who is to do an order.

    Raises
    ------
    MaintenanceError
        There is no such technician, they lack a skill of the order, or they take no orders.
    """
    person = find_technician(db, technician)
    missing_skills = sorted(set(row.skills) - set(person.skills))
    if missing_skills:
        raise MaintenanceError(
            f"{person.name} cannot do {number_of(row.id)}: they do not have {', '.join(missing_skills)}.",
            "Assign somebody else, or change their skills.",
        )
    if not person.active:
        raise MaintenanceError(f"{person.name} is inactive and takes no orders.", "Assign somebody else.")
    return person


def start(db: orm.Session, number: str | int, who: str, version: int | None = None) -> OrderRow:
    """Start the work, or continue it after a hold."""
    row = touch(db, number, version)
    open_predecessors = [other for other in row.after if find_order(db, other).state not in CLOSED]
    if open_predecessors:
        raise TransitionError(
            f"{number_of(row.id)} waits for {', '.join(map(number_of, open_predecessors))}.",
            "Complete or cancel these first.",
        )
    before_work = checklists.missing_before_work(checklists.from_json(row.checklist))
    if before_work:
        raise TransitionError(
            f"{number_of(row.id)} cannot be started before its safety steps and permits: {'; '.join(before_work)}.",
            "Answer them: workbench orders answer.",
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
    stock.release(db, row, who)
    if row.preventive is not None:
        preventive_closed(db, row.preventive)
    return move(db, row, "cancelled", who, {"reason": reason})


def answer(
    db: orm.Session,
    number: str | int,
    item: int,
    value: checklists.Answer,
    who: str,
    version: int | None = None,
    *,
    remark: str = "",
) -> OrderRow:
    """Answer one item of the checklist; items are counted from 1, and a number out of range needs a remark."""
    row = touch(db, number, version)
    items = list(checklists.from_json(row.checklist))
    if not 1 <= item <= len(items):
        raise MaintenanceError(
            f"{number_of(row.id)} has no item {item} on its checklist.",
            f"It has {counted(len(items), 'item')}, counted from 1.",
        )
    question = items[item - 1]
    meter = db.get(MeterRow, (row.asset, question.meter)) if question.meter else None
    last = meter.value if meter else None
    answered_item = checklists.answer(question, value, who=who, at=now(db), last=last, remark=remark)
    items[item - 1] = answered_item
    if question.meter and isinstance(answered_item.answer, float):
        meter_row = meter or MeterRow(asset=row.asset, name=question.meter)
        meter_row.value = answered_item.answer
        meter_row.read_at = now(db)
        db.add(meter_row)
    row.checklist = checklists.to_json(items)
    log_details = {"item": item, "text": question.text, "answer": answered_item.answer}
    log_details |= {"remark": answered_item.remark} if answered_item.remark else {}
    log.append(db, f"order:{row.id}", "answered", who, log_details)
    db.flush()
    return row


def complete(
    db: orm.Session,
    number: str | int,
    who: str,
    *,
    done: str,
    hours: float | None,
    failure: Failure,
    verdict: str | None,
    cost: float | None = None,
    used: Mapping[str, int] | None = None,
    down_from: datetime | None = None,
    down_to: datetime | None = None,
    signature: str = "",
    version: int | None = None,
) -> OrderRow:
    """Complete an order: failure code, verdict on its alerts, parts and cost are written in one transaction."""
    row = touch(db, number, version)
    name = number_of(row.id)
    check_transition(name, row.state, "completed")
    row.done = required_text("the description of what was done", done)
    row.actual_hours = worked_hours(db, row, hours)
    set_downtime(db, row, down_from, down_to)
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
            "Choose a verdict: true, false alarm, known behaviour, test or unknown.",
        )
    failure = _checked_failure(row, failure, verdict)
    for code, value in asdict(failure).items():
        setattr(row, f"failure_{code}", value)
    row.failure_derived = False
    parts_cost, without_price = stock.consume(db, row, used, who)
    if cost is not None:
        row.actual_cost = number_in_range("the cost", cost, MAX_COST)
    else:
        labour = labour_cost(db, row, row.actual_hours)
        row.actual_cost = parts_cost + labour if labour is not None else parts_cost or None
        unknown = [] if labour is not None else ["hourly rate"]
        unknown += [f"price of {name}" for name in without_price]
        row.cost_missing = "" if row.actual_cost is None else ", ".join(unknown)
    row.closed_at = now(db)
    spared = spared_alerts(db, [alert.id for alert in alerts], verdict or "")
    for alert in alerts:
        if alert.id not in spared:
            alert_actions.close(db, alert.id, who, verdict or "", f"{name}: {row.done}")
    if row.preventive is not None:
        preventive_closed(db, row.preventive)
    log_details: dict[str, Any] = {
        "done": row.done,
        "hours": row.actual_hours,
        "failure": str(failure) or NO_FAILURE,
        "verdict": verdict,
        **({"known events left open": sorted(spared)} if spared else {}),
    }
    move(db, row, "completed", who, log_details)
    return sign(db, row.id, signature, who) if signature.strip() else row


def sign(db: orm.Session, number: str | int, name: str, who: str, role: str = SIGNATURE_ROLES[0]) -> OrderRow:
    """Sign an order by name and time, a completed one, too; `role` says what the signature means.

    Raises
    ------
    MaintenanceError
        The name is empty, the role unknown, or this person has signed in this role already.
    TransitionError
        The order is cancelled, its work has not begun, or it is approved before it is completed.
    """
    row = find_order(db, number)
    name = required_text("the name of the signature", name)
    check_choice("role of a signature", role, SIGNATURE_ROLES)
    begun = row.started_at is not None
    if row.state == "cancelled" or not (begun if role == "done by" else row.state == "completed"):
        raise TransitionError(
            f"{number_of(row.id)} is {row.state} and cannot be signed as {role}.",
            "Open a new work order instead."
            if row.state == "cancelled"
            else "Complete it first."
            if begun
            else "Start the work first.",
        )
    if any(one["name"] == name and one["role"] == role for one in row.signatures):
        raise MaintenanceError(f"{name} has signed {number_of(row.id)} as {role} already.", "Once is enough.")
    row.signatures = [*row.signatures, {"name": name, "role": role, "time": now(db).isoformat()}]
    log.append(db, f"order:{row.id}", "signed", who, {"name": name, "role": role})
    db.flush()
    return row


def _checked_failure(row: OrderRow, failure: Failure, verdict: str | None) -> Failure:
    """Return the failure that the work found; raise an error where it is not said, or said in two ways."""
    name, judged_as_none = number_of(row.id), verdict in VERDICTS_OF_NO_FAILURE
    if not failure.kind:
        if failure.has_codes or (row.type in FAILURE_TYPES and not judged_as_none):
            raise MaintenanceError(
                f"{name} cannot be completed: it is not said whether something had failed.",
                f"Say it as the failure: {', '.join(FAILURE_KINDS)}.",
            )
        failure = replace(failure, kind=NO_FAILURE)
    if failure.kind == NO_FAILURE and failure.has_codes:
        raise MaintenanceError(
            f"{name} cannot be completed: nothing had failed, and yet there are codes of a failure, {failure}.",
            "Leave the codes out, or choose as the failure: functional failure or degradation.",
        )
    if failure.kind == FUNCTIONAL_FAILURE and judged_as_none:
        raise MaintenanceError(
            f"{name} cannot be completed: a functional failure does not go with the verdict {verdict}.",
            "Choose another verdict, or none as the failure.",
        )
    if failure.kind != NO_FAILURE and not failure.mode:
        raise MaintenanceError(
            f"{name} cannot be completed without a failure mode.",
            "Choose its ISO 14224 code, for example PDE; UNK where it is not known.",
        )
    return failure


def reopen(db: orm.Session, number: str | int, reason: str, who: str, version: int | None = None) -> OrderRow:
    """Open an order again that was completed by mistake: its work goes on, and what its completion did is undone.

    The parts that it used are back in stock and reserved for it, and the alerts that it closed are open again. What was
    said at its completion stays in the log.

    Raises
    ------
    MaintenanceError
        The reason is empty, or there is no such order.
    TransitionError
        The order is not completed.
    ConflictError
        Somebody changed the order since `version`.
    """
    row = find_order(db, number)
    name = number_of(row.id)
    log.check_version(db, f"order:{row.id}", row.version, version)
    reason = required_text("the reason for reopening", reason)
    if row.state != "completed":
        raise TransitionError(f"{name} is {row.state}: only a completed order can be reopened.", "See its history.")
    statement = (
        sa.select(AlertRow)
        .join(OrderAlertRow, OrderAlertRow.alert_id == AlertRow.id)
        .where(OrderAlertRow.order_id == row.id, AlertRow.closed_at == row.closed_at)
        .order_by(AlertRow.id)
    )
    alerts = db.scalars(statement).all()
    for alert in alerts:
        alert_actions.reopen(db, alert, who, f"{name}: {reason}")
    stock.give_back(db, row, who)
    row.state, row.closed_at, row.done = "in progress", None, ""
    row.actual_hours = row.actual_cost = None
    row.signatures = []
    row.cost_missing = ""
    for code, value in asdict(Failure()).items():
        setattr(row, f"failure_{code}", value)
    row.failure_derived = False
    log_details = {"before": "completed", "reason": reason, "alerts": [alert.id for alert in alerts]}
    log.append(db, f"order:{row.id}", row.state, who, log_details)
    db.flush()
    return row


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
    may_reassign: bool | None = None,
    down_from: datetime | None = None,
    down_to: datetime | None = None,
) -> OrderRow:
    """Change due date, priority, hours, description, downtime or `may_reassign` of an order; what is omitted stays."""
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
    if may_reassign is not None:
        row.may_reassign = log_details["may_reassign"] = may_reassign
    log_details |= set_downtime(db, row, down_from, down_to)
    if not log_details:
        raise MaintenanceError(
            f"{number_of(row.id)} was not changed: no new value was passed.",
            "Change due date, priority, hours, description, downtime or whether the plan may reassign it.",
        )
    log.append(db, f"order:{row.id}", "changed", who, log_details)
    db.flush()
    return row
