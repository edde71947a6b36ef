"""Opening of work orders: which alerts cause one, which order they belong to, and what it begins with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.counts import counted
from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.alerts import actions as alert_actions
from workbench.maintenance.alerts.known.table import KnownUseRow
from workbench.maintenance.alerts.table import Alert, AlertRow
from workbench.maintenance.cases.case import case_of
from workbench.maintenance.database import Database, now
from workbench.maintenance.options import Level, OrderOptions
from workbench.maintenance.orders import checklists
from workbench.maintenance.orders import parts as stock
from workbench.maintenance.orders.priority import Priority, by_hand, prioritise
from workbench.maintenance.orders.states import CLOSED, check_type
from workbench.maintenance.orders.table import OrderAlertRow, OrderRow, find_order, number_of
from workbench.maintenance.values import checked_hours, required_text, time_in_range
from workbench.parameters import LEVELS

__all__ = [
    "active_order",
    "following_orders",
    "link",
    "new_order",
    "open_for_alerts",
    "order_of_channel",
    "orders_of_alerts",
    "rate",
    "reprioritise",
    "rest_of_case",
    "without_order",
]


def without_order(level: Level, alerts: Sequence[int] | None) -> sa.Select[AlertRow]:
    """Return open, unsuppressed alerts of a level and above that have caused no order, not even a cancelled one.

    Alerts that are known events cause none. A completed order closed its alerts: one of them that is open again asks
    for an order anew.
    """
    linked_alerts = (
        sa.select(OrderAlertRow.alert_id)
        .join(OrderRow, OrderRow.id == OrderAlertRow.order_id)
        .where(OrderRow.state != "completed")
    )
    statement = sa.select(AlertRow).where(
        AlertRow.closed_at.is_(None),
        AlertRow.suppressed.is_(False),
        AlertRow.level.in_(LEVELS[LEVELS.index(level) :]),
        AlertRow.id.not_in(linked_alerts),
        AlertRow.id.not_in(sa.select(KnownUseRow.alert)),
    )
    if alerts is not None:
        statement = statement.where(AlertRow.id.in_(alerts))
    return statement.order_by(AlertRow.level.desc(), AlertRow.id)


def rest_of_case(db: orm.Session, case: int | None) -> list[AlertRow]:
    """Return the alerts of a case that could join its order, whatever their level; see `without_order`."""
    statement = without_order("info", None).where(AlertRow.case_id == case)
    return [] if case is None else list(db.scalars(statement).all())


def following_orders(alerts: Sequence[int] | None) -> sa.Select[AlertRow]:
    """Return alerts of any level, of a case that an active order is for; see `without_order`."""
    cases = sa.select(AlertRow.case_id).join(OrderAlertRow, OrderAlertRow.alert_id == AlertRow.id)
    active = cases.join(OrderRow, OrderRow.id == OrderAlertRow.order_id).where(
        OrderRow.state.not_in(CLOSED), AlertRow.case_id.is_not(None)
    )
    return without_order("info", alerts).where(AlertRow.case_id.in_(active))


def active_order(db: orm.Session, alert: AlertRow) -> OrderRow | None:
    """Return the active order that an alert belongs to: that of its case, else that of its channel."""
    orders = sa.select(OrderRow).join(OrderAlertRow, OrderAlertRow.order_id == OrderRow.id)
    of_case = orders.join(AlertRow, AlertRow.id == OrderAlertRow.alert_id).where(
        AlertRow.case_id == alert.case_id, OrderRow.state.not_in(CLOSED)
    )
    return db.scalars(of_case.order_by(OrderRow.id)).first() or order_of_channel(db, alert)


def order_of_channel(db: orm.Session, alert: AlertRow) -> OrderRow | None:
    """Return the active order that another alert on the same channel has caused."""
    return db.scalars(
        sa.select(OrderRow)
        .join(OrderAlertRow, OrderAlertRow.order_id == OrderRow.id)
        .join(AlertRow, AlertRow.id == OrderAlertRow.alert_id)
        .where(AlertRow.channel == alert.channel, AlertRow.asset == alert.asset, OrderRow.state.not_in(CLOSED))
        .order_by(OrderRow.id)
    ).first()


def open_for_alerts(
    db: orm.Session,
    options: OrderOptions,
    criticality: Callable[[str], int | None],
    alerts: Sequence[int],
    who: str,
    **content: Any,
) -> OrderRow:
    """Open one order for alerts of one asset, inside a writing transaction; see `WorkOrders.from_alerts`."""
    rows = [alert_actions.find(db, alert) for alert in alerts]
    assets = sorted({row.asset for row in rows})
    if len(assets) != 1:
        raise MaintenanceError(
            f"Alerts of {len(assets)} assets cannot share a work order: {', '.join(assets)}."
            if assets
            else "A work order for alerts cannot be opened without an alert.",
            "Pass one or more alerts of one asset.",
        )
    subsystems, cases = ({getattr(row, name) for row in rows} for name in ("subsystem", "case_id"))
    channels = list(dict.fromkeys(row.channel for row in sorted(rows, key=lambda row: (row.first_at, row.id))))
    subsystem = subsystems.pop() if len(subsystems) == 1 else ""
    template = options.template(assets[0], subsystem)
    lines = [row.message for row in rows]
    if len(rows) > 1 and len(cases) == 1:
        lines.insert(0, str(case_of(rows[0].case_id or 0, [vars(Alert.of(row)) for row in rows])))
    alert_content: dict[str, Any] = {
        "subsystem": subsystem,
        "channel": channels[0] if len(channels) == 1 else "",
        "description": "\n".join(lines),
    }
    if len(channels) > 1:
        words = f"{channels[0]} and {counted(len(channels) - 1, 'other channel')}"
        alert_content["title"] = template.title.format(asset=assets[0], subsystem=subsystem, channel=words)
    return new_order(
        db,
        options,
        who,
        asset=assets[0],
        alerts=alerts,
        criticality=criticality(assets[0]),
        **{"type": template.type, **alert_content, **content},
    )


def reprioritise(
    db: orm.Session, options: OrderOptions, criticality: Callable[[str], int | None], who: str
) -> tuple[str, ...]:
    """Compute the priority of active orders anew, unless a person set it, inside a writing transaction."""
    changed_orders = []
    for row in db.scalars(sa.select(OrderRow).where(OrderRow.state.not_in(CLOSED)).order_by(OrderRow.id)).all():
        if [part["name"] for part in row.priority_parts] == ["rule"]:  # an emergency, or set by a person
            continue
        before = row.priority
        rate(db, row, options, criticality(row.asset))
        if row.priority != before:
            log.append(db, f"order:{row.id}", "reprioritised", who, {"before": before, "priority": row.priority})
            changed_orders.append(number_of(row.id))
    return tuple(changed_orders)


_FREQUENCY_PERIOD = timedelta(days=30)


def new_order(
    db: orm.Session,
    options: OrderOptions,
    who: str,
    *,
    asset: str,
    subsystem: str = "",
    channel: str = "",
    type: str = "corrective",
    title: str | None = None,
    description: str = "",
    priority: str | None = None,
    hours: float | None = None,
    skills: Iterable[str] | None = None,
    checklist: Sequence[dict[str, Any]] | None = None,
    parts: Mapping[str, int] | None = None,
    due: datetime | None = None,
    not_before: datetime | None = None,
    after: Iterable[str | int] = (),
    stops_asset: bool = True,
    alerts: Sequence[int] = (),
    criticality: int | None = None,
    preventive: int | None = None,
) -> OrderRow:
    """Open a work order; what is omitted comes from the subsystem's template."""
    template = options.template(asset, subsystem)
    place = {
        "asset": required_text("the asset", asset),
        "subsystem": subsystem,
        "channel": channel or subsystem or asset,
    }
    check_type(type)
    due = None if due is None else time_in_range("the due date", due)
    not_before = None if not_before is None else time_in_range("the earliest start", not_before)
    before = [find_order(db, number).id for number in after]
    last = db.scalar(sa.select(sa.func.max(OrderRow.id))) or 0  # a sequence would leave gaps; there is one writer
    row = OrderRow(
        id=last + 1,
        asset=place["asset"],
        subsystem=subsystem,
        channel=channel,
        type=type,
        state="open",
        title=required_text("the title", (template.title.format(**place) if title is None else title))[:200],
        description=description.strip(),
        score=0.0,
        priority="low",
        priority_parts=[],
        failure_mode="",
        failure_cause="",
        failure_effect="",
        assignee=None,
        skills=sorted(set(template.skills if skills is None else skills)),
        estimated_hours=checked_hours(template.hours if hours is None else hours),
        checklist=checklists.to_json(
            checklists.from_json([dict(item) for item in (template.checklist if checklist is None else checklist)])
        ),
        attachments=[],
        after=before,
        stops_asset=stops_asset,
        due=due,
        not_before=not_before,
        hold_reason="",
        done="",
        opened_at=now(db),
        opened_by=who.strip(),
        preventive=preventive,
    )
    db.add(row)
    db.flush()
    for alert in alerts:
        link(db, row, alert)
    rate(db, row, options, criticality, by_hand(priority, who) if priority else None)
    log.append(
        db,
        f"order:{row.id}",
        "opened",
        who,
        {
            "asset": asset,
            "channel": channel,
            "type": type,
            "title": row.title,
            "priority": row.priority,
            "alerts": list(alerts),
        },
    )
    stock.need(db, row, template.parts if parts is None else parts, who)
    return row


def link(db: orm.Session, row: OrderRow, alert: int) -> None:
    """Link an alert to an order as its cause.

    Raises
    ------
    MaintenanceError
        There is no such alert, or it has another order already.
    """
    closed = alert_actions.find(db, alert).closed_at is not None
    other = order_of_alert(db, alert)
    if other is not None and (closed or other.state != "completed"):  # open again after that order: another may follow
        raise MaintenanceError(
            f"Alert {alert} has a work order already: {number_of(other.id)} ({other.state}).",
            "Use that one, or cancel it first.",
        )
    db.add(OrderAlertRow(order_id=row.id, alert_id=alert))
    db.flush()


def order_of_alert(db: orm.Session, alert: int) -> OrderRow | None:
    """Return the last order that an alert has caused and that was not cancelled."""
    return db.scalars(
        sa.select(OrderRow)
        .join(OrderAlertRow, OrderAlertRow.order_id == OrderRow.id)
        .where(OrderAlertRow.alert_id == alert, OrderRow.state != "cancelled")
        .order_by(OrderRow.id.desc())
    ).first()


def rate(
    db: orm.Session,
    row: OrderRow,
    options: OrderOptions,
    criticality: int | None,
    priority: Priority | None = None,
) -> None:
    """Set the priority of an order, by the rule where omitted, and its due date where it has none."""
    if priority is None:
        alerts = db.scalars(
            sa.select(AlertRow)
            .join(OrderAlertRow, OrderAlertRow.alert_id == AlertRow.id)
            .where(OrderAlertRow.order_id == row.id)
        ).all()
        recent = sa.select(sa.func.count()).where(
            AlertRow.asset == row.asset,
            AlertRow.raised_at > now(db) - _FREQUENCY_PERIOD,
            AlertRow.subsystem == row.subsystem,
        )
        priority = prioritise(
            level=max((alert.level for alert in alerts), key=_rank, default=None),
            alerts=int(db.scalar(recent) or 0) if alerts else 0,
            criticality=criticality,
            age=now(db) - row.opened_at,
            emergency=row.type == "emergency",
        )
    row.score = priority.score
    row.priority = priority.name
    row.priority_parts = priority.to_json()
    if row.due is None and priority.name in options.due_days:
        row.due = row.opened_at + timedelta(days=options.due_days[priority.name])
    db.flush()


def _rank(level: str) -> int:
    return LEVELS.index(level)


def orders_of_alerts(database: Database) -> dict[int, str]:
    """Return the number of the active work order of each alert that has one."""
    statement = sa.select(OrderAlertRow.alert_id, OrderRow.id).join(OrderRow, OrderRow.id == OrderAlertRow.order_id)
    with database.reading() as db:
        return {alert: number_of(order) for alert, order in db.execute(statement.where(OrderRow.state.not_in(CLOSED)))}
