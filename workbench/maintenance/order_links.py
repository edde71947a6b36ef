"""Which work order cares for an alert."""

import sqlalchemy as sa

from workbench.maintenance.database import Database
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import OrderAlertRow, OrderRow, number_of

__all__ = ["orders_of_alerts"]


def orders_of_alerts(database: Database) -> dict[int, str]:
    """Give the number of the active work order of each alert that has one."""
    wanted = sa.select(OrderAlertRow.alert_id, OrderRow.id).join(OrderRow, OrderRow.id == OrderAlertRow.order_id)
    with database.reading() as db:
        return {alert: number_of(order) for alert, order in db.execute(wanted.where(OrderRow.state.not_in(CLOSED)))}
