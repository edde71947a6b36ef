"""Figures of maintenance: how often things fail, how long they take to mend, and how well the plan is kept.

Each figure is None where there is nothing that it could be made from: never 0 or 100 % for want of data.

References
----------
.. [1] ISO 14224:2016, annex E: MTBF, MTTR, availability.
.. [2] EN 15341:2019, maintenance key performance indicators.
.. [3] SMRP Best Practices, 6th edition: 5.4.1 reactive work, 5.4.4 preventive compliance, 5.4.8 schedule
   compliance, 5.4.9 ready backlog.
.. [4] MIL-HDBK-338B, section 8.3.2.5.1: chi-square interval of an MTBF under time-truncated (censored) testing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from workbench.exceptions import MaintenanceError
from workbench.maintenance.orders.states import FAILURE_TYPES

__all__ = [
    "MTBF",
    "Kpis",
    "completed_as_planned",
    "completed_in_time",
    "compute_kpis",
    "cost_by_asset",
    "failed_orders",
    "health_index",
    "mean_time_between_failures",
    "repair_hours",
]

_PLANNED = ("preventive", "inspection", "predictive")
_HARM = {"info": 2.0, "low": 5.0, "medium": 10.0, "high": 20.0, "critical": 40.0}


@dataclass(frozen=True)
class MTBF:
    """Mean operating time between failures, with its interval.

    Attributes
    ----------
    hours : float or None
        Operating hours over failures; None without a failure.
    low, high : float or None
        Bounds of the two-sided 90 % chi-square interval; without a failure only `low` is known, and with one `high`
        always is.
    failures : int
    operating_hours : float
        Of all assets, up to the end of the period: what has not failed yet counts with the time that it has run.
    """

    hours: float | None
    low: float | None
    high: float | None
    failures: int
    operating_hours: float


@dataclass(frozen=True)
class Kpis:
    """The figures of a period.

    Attributes
    ----------
    since, until : datetime
    mtbf : MTBF
    mttr_hours : float or None
        Mean hours of work of completed corrective and emergency orders [1]_.
    mtta_minutes : float or None
        Mean minutes from an alert's announcement to its acknowledgement.
    availability : float or None
        Share of the operating time of the assets in which they were not out of service [1]_; None where no outage
        was ever recorded.
    pm_compliance : float or None
        Share of the preventive orders due in the period that were completed by their due date [3]_.
    schedule_compliance : float or None
        Share of the orders planned to end in the period that were completed by then [3]_.
    backlog_weeks : float or None
        Estimated hours of the open orders over the technicians' weekly hours [3]_.
    planned_share : float or None
        Share of the hours worked that went into preventive, predictive and inspection orders [2]_.
    open_orders, overdue_orders, completed_orders : int
    cost : float or None
        Of the completed orders whose cost is known.
    parts_below_minimum : int
    """

    since: datetime
    until: datetime
    mtbf: MTBF
    mttr_hours: float | None
    mtta_minutes: float | None
    availability: float | None
    pm_compliance: float | None
    schedule_compliance: float | None
    backlog_weeks: float | None
    planned_share: float | None
    open_orders: int
    overdue_orders: int
    completed_orders: int
    cost: float | None
    parts_below_minimum: int

    def to_json_dict(self) -> dict[str, Any]:
        """Give the figures as JSON values; times in ISO 8601."""
        return {**asdict(self), "since": self.since.isoformat(), "until": self.until.isoformat()}


def compute_kpis(
    orders: pd.DataFrame,
    alerts: pd.DataFrame,
    outages: pd.DataFrame,
    plan: pd.DataFrame,
    parts: pd.DataFrame,
    *,
    assets: int,
    weekly_hours: float,
    since: datetime,
    until: datetime,
) -> Kpis:
    """Compute the figures of a period.

    Parameters
    ----------
    orders : pandas.DataFrame
        All work orders, as `WorkOrders.list(state=None)` gives them.
    alerts : pandas.DataFrame
        annunciated_at, acknowledged_at.
    outages : pandas.DataFrame
        asset, since, ended_at.
    plan : pandas.DataFrame
        number, end of the kept plan.
    parts : pandas.DataFrame
        below (bool).
    assets : int
        Assets that are watched; they run all the time but for their outages.
    weekly_hours : float
        Of all technicians.
    since, until : datetime
        Aware.

    Returns
    -------
    Kpis

    Raises
    ------
    MaintenanceError
        The period is empty.
    """
    if until <= since:
        raise MaintenanceError(f"The period from {since} to {until} is empty.", "Give an end after the beginning.")
    begin, end = pd.Timestamp(since), pd.Timestamp(until)
    open_ones = orders[~orders["state"].isin(["completed", "cancelled"])]
    closed = orders[(orders["state"] == "completed") & orders["closed_at"].between(begin, end, inclusive="left")]
    calendar_hours = assets * (end - begin) / pd.Timedelta(hours=1)
    down = _outage_hours(outages, begin, end)
    failures = failed_orders(orders[orders["opened_at"].between(begin, end, inclusive="left")])
    return Kpis(
        since=since,
        until=until,
        mtbf=mean_time_between_failures(len(failures), calendar_hours - down),
        mttr_hours=_mean(repair_hours(closed)),
        mtta_minutes=_mtta(alerts, begin, end),
        availability=1 - down / calendar_hours if calendar_hours and len(outages) else None,
        pm_compliance=_mean(completed_in_time(orders, begin, end)),
        schedule_compliance=_mean(completed_as_planned(plan, orders, begin, end)),
        backlog_weeks=float(open_ones["estimated_hours"].sum()) / weekly_hours if weekly_hours else None,
        planned_share=_share(closed.loc[closed["type"].isin(_PLANNED), "actual_hours"], closed["actual_hours"]),
        open_orders=len(open_ones),
        overdue_orders=int((open_ones["due"] < end).sum()),
        completed_orders=len(closed),
        cost=float(closed["actual_cost"].sum()) if closed["actual_cost"].notna().any() else None,
        parts_below_minimum=int(parts["below"].sum()),
    )


def mean_time_between_failures(failures: int, operating_hours: float, confidence: float = 0.9) -> MTBF:
    """Estimate the mean operating time between failures from a period that ends with assets still running.

    Parameters
    ----------
    failures : int
    operating_hours : float
    confidence : float
        Of the two-sided interval, 0 to 1.

    Returns
    -------
    MTBF
        2 T / chi-square quantiles with 2r (upper bound) and 2r + 2 (lower bound) degrees of freedom [4]_.

    Examples
    --------
    >>> found = mean_time_between_failures(5, 1000.0)
    >>> found.hours, round(found.low, 1), round(found.high, 1)
    (200.0, 95.1, 507.6)
    >>> mean_time_between_failures(0, 1000.0).hours is None
    True
    """
    if operating_hours <= 0:
        return MTBF(None, None, None, failures, max(operating_hours, 0.0))
    from scipy.special import gammaincinv  # scipy.stats would take half a second and 46 MB more

    tail = (1 - confidence) / 2
    low = float(operating_hours / gammaincinv(failures + 1, 1 - tail))
    if failures == 0:
        return MTBF(None, low, None, 0, operating_hours)
    high = float(operating_hours / gammaincinv(failures, tail))
    return MTBF(operating_hours / failures, low, high, failures, operating_hours)


def failed_orders(orders: pd.DataFrame) -> pd.DataFrame:
    """Choose the work orders that are failures.

    Parameters
    ----------
    orders : pandas.DataFrame
        type, state, failure_mode.

    Returns
    -------
    pandas.DataFrame
        Corrective, predictive and emergency orders, but for those cancelled, completed without a failure mode, or only
        foreseen and not yet confirmed.
    """
    done = orders["state"] == "completed"
    foreseen = (orders["type"] == "predictive") & ~done
    none = (orders["state"] == "cancelled") | (done & (orders["failure_mode"] == "")) | foreseen
    return orders[orders["type"].isin(FAILURE_TYPES) & ~none]


def repair_hours(completed: pd.DataFrame) -> pd.Series:
    """Give the hours of work of completed corrective and emergency orders; NaN where nobody wrote them down."""
    return completed.loc[completed["type"].isin(["corrective", "emergency"]), "actual_hours"]


def completed_in_time(orders: pd.DataFrame, since: datetime, until: datetime) -> pd.Series:
    """Tell of each preventive order due in a period whether it was completed by then; cancelled ones do not count."""
    due = orders[(orders["type"] == "preventive") & orders["due"].between(since, until, inclusive="left")]
    due = due[due["state"] != "cancelled"]
    return (due["closed_at"] <= due["due"]) & (due["state"] == "completed")


def completed_as_planned(plan: pd.DataFrame, orders: pd.DataFrame, since: datetime, until: datetime) -> pd.Series:
    """Tell of each order planned to end in a period whether it was completed by then."""
    planned = plan[plan["end"].between(since, until, inclusive="left")].merge(
        orders[["number", "closed_at", "state"]], on="number", suffixes=("_plan", "")
    )
    return (planned["state"] == "completed") & (planned["closed_at"] <= planned["end"])


def cost_by_asset(orders: pd.DataFrame) -> pd.DataFrame:
    """Sum hours and cost of completed orders by asset.

    Parameters
    ----------
    orders : pandas.DataFrame
        As for `compute_kpis`.

    Returns
    -------
    pandas.DataFrame
        asset, orders, hours, cost (NaN where no cost is known), the dearest first.
    """
    done = orders[orders["state"] == "completed"]
    summed = done.groupby("asset").agg(
        orders=("number", "size"),
        hours=("actual_hours", lambda hours: hours.sum(min_count=1)),
        cost=("actual_cost", lambda cost: cost.sum(min_count=1)),
    )
    return summed.reset_index().sort_values("cost", ascending=False, na_position="last", ignore_index=True)


def health_index(alerts: pd.DataFrame, channels: Mapping[str, int]) -> pd.Series:
    """Health of each asset: 100 less what its open alerts take away, per channel.

    Every open alert takes 2 (info), 5, 10, 20 or 40 (critical) points of its channel's 100; a channel cannot fall
    below 0, and an asset's index is the mean over its channels. The weights double from level to level, as the levels'
    thresholds do; the index orders assets, it is no probability.

    Parameters
    ----------
    alerts : pandas.DataFrame
        asset, channel, level of the open alerts.
    channels : mapping of str to int
        Scored channels of each asset; an asset without any has no index.

    Returns
    -------
    pandas.Series
        0 to 100 by asset; NaN where no channel is scored.

    Examples
    --------
    >>> alerts = pd.DataFrame({"asset": ["SMAP"], "channel": ["P-1"], "level": ["critical"]})
    >>> health_index(alerts, {"SMAP": 4, "MSL": 0}).to_dict()
    {'SMAP': 90.0, 'MSL': nan}
    """
    harm = alerts.assign(harm=alerts["level"].astype(object).map(_HARM).astype(float))
    lost = harm.groupby(["asset", "channel"])["harm"].sum().clip(upper=100).groupby("asset").sum()
    found = {
        asset: 100.0 - float(lost.get(asset, 0.0)) / count if count else np.nan for asset, count in channels.items()
    }
    return pd.Series(found, name="health", dtype=float)


def _mean(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.mean()) if len(known) else None


def _share(part: pd.Series, whole: pd.Series) -> float | None:
    total = float(whole.sum())
    return float(part.sum()) / total if total else None


def _outage_hours(outages: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> float:
    hours = 0.0
    for started, ended in zip(outages["since"], outages["ended_at"].fillna(end), strict=True):
        hours += max(min(ended, end) - max(started, begin), pd.Timedelta(0)) / pd.Timedelta(hours=1)
    return hours


def _mtta(alerts: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> float | None:
    seen = alerts.dropna(subset=["annunciated_at", "acknowledged_at"])
    seen = seen[seen["acknowledged_at"].between(begin, end, inclusive="left")]
    return _mean((seen["acknowledged_at"] - seen["annunciated_at"]).dt.total_seconds() / 60)
