"""When assets failed, by what people recorded: work orders with a failure, and alerts that were called true."""

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
    """List the failures on record.

    Parameters
    ----------
    database : Database

    Returns
    -------
    pandas.DataFrame
        `EVENT_COLUMNS`, the oldest first: asset, time (UTC), record (`WO-3` or `alert 12`). An order counts as in
        `kpis.failed_orders`, at the beginning of its first alert where the telemetry tells that, else when it was
        opened. An alert with the verdict true counts where no such order is for it, at its beginning or when it was
        raised.
    """
    links = OrderAlertRow.__table__.c
    o, a = ORDERS.c, ALERTS.c
    with database.reading() as db:
        orders = frame(db, sa.select(o.id, o.asset, o.type, o.state, o.failure_mode, o.opened_at))
        seen = frame(
            db,
            sa.select(a.id, a.asset, a.verdict, a.start_time, a.raised_at, links.order_id)
            .join_from(ALERTS, OrderAlertRow.__table__, a.id == links.alert_id, isouter=True)
            .where(sa.or_(a.verdict == "true", links.order_id.is_not(None))),
        )
    failed = failed_orders(orders)
    begun = seen.dropna(subset="order_id").groupby("order_id")["start_time"].min()
    times = begun.reindex(failed["id"]).set_axis(failed.index).fillna(failed["opened_at"])
    by_order = pd.DataFrame(
        {"asset": failed["asset"], "time": times, "record": [number_of(number) for number in failed["id"]]}
    )
    held = seen.loc[seen["order_id"].isin(failed["id"]), "id"]
    alone = seen[(seen["verdict"] == "true") & ~seen["id"].isin(held)].drop_duplicates("id")
    by_alert = pd.DataFrame(
        {
            "asset": alone["asset"],
            "time": alone["start_time"].fillna(alone["raised_at"]),
            "record": [f"alert {number}" for number in alone["id"]],
        }
    )
    return pd.concat([by_order, by_alert]).sort_values(["time", "record"], ignore_index=True)[list(EVENT_COLUMNS)]


def records_began(database: Database) -> datetime | None:
    """Give the time of the first entry of the maintenance log; None where there is none."""
    with database.reading() as db:
        return db.scalar(sa.select(LogRow.time).order_by(LogRow.seq).limit(1))
