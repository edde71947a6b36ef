"""Records of when assets failed: work orders with a failure, and alerts with the verdict true."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from workbench.maintenance.alerts.table import ALERTS
from workbench.maintenance.database import Database, frame
from workbench.maintenance.kpis.kpis import failed_orders
from workbench.maintenance.log import LogRow
from workbench.maintenance.orders.table import ORDERS, OrderAlertRow, number_of

__all__ = ["EVENT_COLUMNS", "failure_events", "records_began"]

EVENT_COLUMNS = ("asset", "time", "record")
"""Columns of `failure_events`."""


def failure_events(database: Database) -> pd.DataFrame:
    """Return the failures on record, the oldest first.

    Parameters
    ----------
    database : Database
        Database of maintenance.

    Returns
    -------
    pandas.DataFrame
        `EVENT_COLUMNS`, the oldest first: asset, time (UTC), record (`WO-3` or `alert 12`). An order counts as in
        `kpis.failed_orders`, at the beginning of its first alert where the telemetry has dates, else when it was
        opened. An alert with the verdict true counts where no such order is for it, at its beginning or when it was
        raised.
    """
    links = OrderAlertRow.__table__.c
    o = ORDERS.c
    a = ALERTS.c
    with database.reading() as db:
        orders = frame(db, sa.select(o.id, o.asset, o.type, o.state, o.failure_mode, o.opened_at))
        alerts = frame(
            db,
            sa.select(a.id, a.asset, a.verdict, a.start_time, a.raised_at, links.order_id)
            .join_from(ALERTS, OrderAlertRow.__table__, a.id == links.alert_id, isouter=True)
            .where(sa.or_(a.verdict == "true", links.order_id.is_not(None))),
        )
    failures = failed_orders(orders)
    first_start = alerts.dropna(subset="order_id").groupby("order_id")["start_time"].min()
    times = first_start.reindex(failures["id"]).set_axis(failures.index).fillna(failures["opened_at"])
    by_order = pd.DataFrame(
        {"asset": failures["asset"], "time": times, "record": [number_of(number) for number in failures["id"]]}
    )
    alerts_of_failures = alerts.loc[alerts["order_id"].isin(failures["id"]), "id"]
    alerts_without_order = alerts[
        (alerts["verdict"] == "true") & ~alerts["id"].isin(alerts_of_failures)
    ].drop_duplicates("id")
    by_alert = pd.DataFrame(
        {
            "asset": alerts_without_order["asset"],
            "time": alerts_without_order["start_time"].fillna(alerts_without_order["raised_at"]),
            "record": [f"alert {number}" for number in alerts_without_order["id"]],
        }
    )
    return pd.concat([by_order, by_alert]).sort_values(["time", "record"], ignore_index=True)[list(EVENT_COLUMNS)]


def records_began(database: Database) -> datetime | None:
    """Return the time of the first entry of the maintenance log; None where there is none."""
    with database.reading() as db:
        return db.scalar(sa.select(LogRow.time).order_by(LogRow.seq).limit(1))
