"""Records of when assets failed: orders whose work found a functional failure, and cases confirmed without an order."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from workbench.maintenance.database import Database
from workbench.maintenance.log import LogRow
from workbench.maintenance.orders.failure_codes import FUNCTIONAL_FAILURE
from workbench.maintenance.orders.table import OrderRow, number_of
from workbench.maintenance.records import Tables

__all__ = ["EVENT_COLUMNS", "failure_events", "records_began"]

EVENT_COLUMNS = ("asset", "time", "record")
"""Columns of `failure_events`."""


def failure_events(tables: Tables) -> pd.DataFrame:
    """Return the failures on record, the oldest first.

    Parameters
    ----------
    tables : Tables
        Tables of maintenance, as they are or as they were at a time.

    Returns
    -------
    pandas.DataFrame
        `EVENT_COLUMNS`, the oldest first: asset, time (UTC), record (`WO-3`; `alert 12`, or `case 4` where several
        alerts of a case are true). A completed order counts where the work found a functional failure, whatever its
        type, at the beginning of its first alert where the telemetry has dates, else when it was opened. A case with
        alerts of the verdict true and without any order that was not cancelled counts once, at the beginning of the
        first of them or when that was raised: of the others, the order says what the work found.
    """
    orders, alerts = tables.frame(OrderRow), tables.failure_alerts()
    failures = orders[(orders["state"] == "completed") & (orders["failure_kind"] == FUNCTIONAL_FAILURE)]
    first_start = alerts.dropna(subset="order_id").groupby("order_id")["start_time"].min()
    times = first_start.reindex(failures["id"]).set_axis(failures.index).fillna(failures["opened_at"])
    by_order = pd.DataFrame(
        {"asset": failures["asset"], "time": times, "record": [number_of(number) for number in failures["id"]]}
    )
    by_case = _true_cases(alerts, orders.loc[orders["state"] != "cancelled", "id"])
    return pd.concat([by_order, by_case]).sort_values(["time", "record"], ignore_index=True)[list(EVENT_COLUMNS)]


def _true_cases(alerts: pd.DataFrame, orders: "pd.Series[int]") -> pd.DataFrame:
    """Return one row for each case that was confirmed by a verdict and that none of some orders is for."""
    cases = alerts["case_id"].astype("Float64").fillna(-alerts["id"])  # an alert without a case is one of its own
    has_order = cases.isin(cases[alerts["order_id"].isin(orders)])
    true = alerts.assign(case=cases)[(alerts["verdict"] == "true") & ~has_order].drop_duplicates("id")
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
