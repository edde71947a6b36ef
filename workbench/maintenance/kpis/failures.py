"""Records of when assets failed: work orders with a failure, and cases with an alert of the verdict true."""

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
        `EVENT_COLUMNS`, the oldest first: asset, time (UTC), record (`WO-3`; `alert 12`, or `case 4` where several
        alerts of a case are true). An order counts as in `kpis.failed_orders`, at the beginning of its first alert
        where the telemetry has dates, else when it was opened. A case with alerts of the verdict true counts once
        where no such order is for any of its alerts, at the beginning of the first of them or when that was raised.
    """
    links = OrderAlertRow.__table__.c
    o = ORDERS.c
    a = ALERTS.c
    with database.reading() as db:
        orders = frame(db, sa.select(o.id, o.asset, o.type, o.state, o.failure_mode, o.opened_at))
        alerts = frame(
            db,
            sa.select(a.id, a.asset, a.verdict, a.start_time, a.raised_at, a.case_id, links.order_id)
            .join_from(ALERTS, OrderAlertRow.__table__, a.id == links.alert_id, isouter=True)
            .where(sa.or_(a.verdict == "true", links.order_id.is_not(None))),
        )
    failures = failed_orders(orders)
    first_start = alerts.dropna(subset="order_id").groupby("order_id")["start_time"].min()
    times = first_start.reindex(failures["id"]).set_axis(failures.index).fillna(failures["opened_at"])
    by_order = pd.DataFrame(
        {"asset": failures["asset"], "time": times, "record": [number_of(number) for number in failures["id"]]}
    )
    by_case = _true_cases(alerts, failures["id"])
    return pd.concat([by_order, by_case]).sort_values(["time", "record"], ignore_index=True)[list(EVENT_COLUMNS)]


def _true_cases(alerts: pd.DataFrame, failed: "pd.Series[int]") -> pd.DataFrame:
    """Return one row for each case that was confirmed by a verdict and not by an order with a failure."""
    cases = alerts["case_id"].astype("Float64").fillna(-alerts["id"])  # an alert without a case is one of its own
    in_failure = cases.isin(cases[alerts["order_id"].isin(failed)])
    true = alerts.assign(case=cases)[(alerts["verdict"] == "true") & ~in_failure].drop_duplicates("id")
    true["time"] = true["start_time"].fillna(true["raised_at"])
    size = true.groupby("case")["id"].transform("size")
    names = [
        f"alert {alert}" if number == 1 else f"case {case:.0f}"
        for alert, case, number in zip(true["id"], true["case"], size, strict=True)
    ]
    first = true.assign(record=names).sort_values(["time", "id"]).drop_duplicates("case")
    return first[list(EVENT_COLUMNS)]


def records_began(database: Database) -> datetime | None:
    """Return the time of the first entry of the maintenance log; None where there is none."""
    with database.reading() as db:
        return db.scalar(sa.select(LogRow.time).order_by(LogRow.seq).limit(1))
