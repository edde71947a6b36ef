"""Work orders for alerts: which ask for one by themselves, which order they belong to, and what it begins with."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.alerts import actions as alert_actions
from workbench.maintenance.alerts.table import AlertRow
from workbench.maintenance.options import Level
from workbench.maintenance.order_options import OrderOptions
from workbench.maintenance.orders.actions import new_order, rate
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import OrderAlertRow, OrderRow, number_of
from workbench.settings import LEVELS

__all__ = ["open_for_alerts", "order_of_channel", "reprioritise", "without_order"]


def without_order(level: Level, alerts: Sequence[int] | None) -> sa.Select[AlertRow]:
    """Open, unsuppressed alerts of a level and above that have never caused an order, not even a cancelled one."""
    had = sa.select(OrderAlertRow.alert_id)
    wanted = sa.select(AlertRow).where(
        AlertRow.closed_at.is_(None),
        AlertRow.suppressed.is_(False),
        AlertRow.level.in_(LEVELS[LEVELS.index(level) :]),
        AlertRow.id.not_in(had),
    )
    if alerts is not None:
        wanted = wanted.where(AlertRow.id.in_(alerts))
    return wanted.order_by(AlertRow.level.desc(), AlertRow.id)


def order_of_channel(db: orm.Session, alert: AlertRow) -> OrderRow | None:
    """Give the active order that an alert on the same channel has caused."""
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
            f"Alerts of {len(assets)} assets cannot share a work order{': ' if assets else ''}{', '.join(assets)}.",
            "Give one or more alerts of one asset.",
        )
    subsystems, channels = ({getattr(row, name) for row in rows} for name in ("subsystem", "channel"))
    told = {
        "subsystem": subsystems.pop() if len(subsystems) == 1 else "",
        "channel": channels.pop() if len(channels) == 1 else "",
        "description": "\n".join(row.message for row in rows),
    }
    template = options.template(assets[0], told["subsystem"])
    return new_order(
        db,
        options,
        who,
        asset=assets[0],
        alerts=alerts,
        criticality=criticality(assets[0]),
        **{"type": template.type, **told, **content},
    )


def reprioritise(
    db: orm.Session, options: OrderOptions, criticality: Callable[[str], int | None], who: str
) -> tuple[str, ...]:
    """Rate the active orders whose priority nobody has set, inside a writing transaction."""
    found = []
    for row in db.scalars(sa.select(OrderRow).where(OrderRow.state.not_in(CLOSED)).order_by(OrderRow.id)).all():
        if [part["name"] for part in row.priority_parts] == ["rule"]:
            continue
        before = row.priority
        rate(db, row, options, criticality(row.asset))
        if row.priority != before:
            log.append(db, f"order:{row.id}", "reprioritised", who, {"before": before, "priority": row.priority})
            found.append(number_of(row.id))
    return tuple(found)
