"""Figures of maintenance: how often assets fail, how long repairs take, and how well the plan is followed.

Each figure is None where there are no data to compute it from, never 0 or 100 %.

References
----------
.. [1] ISO 14224:2016, annex E: MTBF, MTTR, availability.
.. [2] EN 15341:2019, maintenance key performance indicators.
.. [3] SMRP Best Practices, 6th edition: 5.4.1 reactive work, 5.4.4 preventive compliance, 5.4.8 schedule
   compliance, 5.4.9 ready backlog.
.. [4] MIL-HDBK-338B, section 8.3.2.5.1: chi-square interval of an MTBF under time-truncated (censored) testing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from workbench.exceptions import MaintenanceError
from workbench.maintenance.kpis.watching import watched_days
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

_PLANNED_TYPES = ("preventive", "inspection", "predictive")
_POINTS_LOST_BY_LEVEL = {"info": 2.0, "low": 5.0, "medium": 10.0, "high": 20.0, "critical": 40.0}


@dataclass(frozen=True)
class MTBF:
    """Mean operating time between failures, with its 90 % interval.

    Attributes
    ----------
    hours : float or None
        Operating hours over failures; None without a failure.
    low, high : float or None
        Bounds of the two-sided 90 % chi-square interval; without a failure only `low` is known, and with one `high`
        always is.
    failures : int
        Failures in the period.
    operating_hours : float
        Hours in which the assets were watched and in service; assets that have not failed count with theirs.
    unwatched : tuple of str
        Assets with failures in the period that are not watched: neither their failures nor their hours count.
    """

    hours: float | None
    low: float | None
    high: float | None
    failures: int
    operating_hours: float
    unwatched: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kpis:
    """Figures of maintenance in a period.

    Attributes
    ----------
    since, until : datetime
        The period, aware; since is inclusive, until is not.
    mtbf : MTBF
        Mean operating time between failures.
    mttr_hours : float or None
        Mean hours of work of the completed orders that repaired a failure, of whatever type [1]_.
    mtta_minutes : float or None
        Mean minutes from an alert's announcement to its acknowledgement.
    availability : float or None
        Share of the time watched in which the assets were not out of service [1]_; None where no outage was ever
        recorded.
    pm_compliance : float or None
        Share of the preventive orders due in the period that were completed by their due date [3]_.
    schedule_compliance : float or None
        Share of the orders planned to end in the period that were completed by then [3]_.
    backlog_weeks : float or None
        Estimated hours of the orders that are ready to be done over the technicians' weekly hours [3]_.
    waiting_weeks : float or None
        The same of the orders that are on hold.
    planned_share : float or None
        Share of the hours worked that went into preventive, predictive and inspection orders [2]_.
    open_orders, overdue_orders, completed_orders : int
        Orders that are open now, those of them past their due date, and orders completed in the period.
    cost : float or None
        Cost of the completed orders, as far as it is known.
    cost_incomplete : int
        Completed orders of which a part of the cost, or all of it, is unknown.
    parts_below_minimum : int
        Parts of which less is available than their minimum.
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
    waiting_weeks: float | None
    planned_share: float | None
    open_orders: int
    overdue_orders: int
    completed_orders: int
    cost: float | None
    cost_incomplete: int
    parts_below_minimum: int

    def to_json_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values, with times in ISO 8601."""
        return {**asdict(self), "since": self.since.isoformat(), "until": self.until.isoformat()}


def compute_kpis(
    orders: pd.DataFrame,
    failures: pd.DataFrame,
    acknowledgements: pd.Series,
    outages: pd.DataFrame,
    plan: pd.DataFrame,
    parts: pd.DataFrame,
    *,
    watched: pd.DataFrame,
    weekly_hours: float,
    since: datetime,
    until: datetime,
) -> Kpis:
    """Compute the figures of maintenance in a period.

    Parameters
    ----------
    orders : pandas.DataFrame
        All work orders, as `WorkOrders.list(state=None)` returns them.
    failures : pandas.DataFrame
        All failures, as `failures.failure_events` returns them: asset, time.
    acknowledgements : pandas.Series
        Minutes of each acknowledgement in the period, as from `acknowledgements.acknowledgement_minutes`.
    outages : pandas.DataFrame
        All outages: asset, since, ended_at.
    plan : pandas.DataFrame
        Saved plan: number, end.
    parts : pandas.DataFrame
        All parts: below (bool).
    watched : pandas.DataFrame
        asset, start, end (UTC) of the times in which assets were watched; they may overlap. Within them assets run all
        the time but for their outages.
    weekly_hours : float
        Weekly hours of all technicians together.
    since, until : datetime
        The period, aware; since is inclusive, until is not.

    Returns
    -------
    Kpis

    Raises
    ------
    MaintenanceError
        `until` is not after `since`.
    """
    if until <= since:
        raise MaintenanceError(f"The period from {since} to {until} is empty.", "Pass an end after the beginning.")
    begin, end = pd.Timestamp(since), pd.Timestamp(until)
    open_ones = orders[~orders["state"].isin(["completed", "cancelled"])]
    closed = orders[(orders["state"] == "completed") & orders["closed_at"].between(begin, end, inclusive="left")]
    ready = open_ones["state"] != "on hold"
    names = watched["asset"].unique()
    hours, hours_in_service = (
        24 * sum(watched_days(watched, down, until, since=since, asset=name) for name in names)
        for down in (outages.iloc[:0], outages)
    )
    failed = failures[failures["time"].between(begin, end, inclusive="left")]
    unwatched = sorted(set(failed["asset"]) - set(names))
    mtbf = mean_time_between_failures(int(failed["asset"].isin(names).sum()), hours_in_service)
    return Kpis(
        since=since,
        until=until,
        mtbf=replace(mtbf, unwatched=tuple(unwatched)),
        mttr_hours=_mean(repair_hours(closed)),
        mtta_minutes=_mean(acknowledgements),
        availability=hours_in_service / hours if hours and len(outages) else None,
        pm_compliance=_mean(completed_in_time(orders, begin, end)),
        schedule_compliance=_mean(completed_as_planned(plan, orders, begin, end)),
        backlog_weeks=_weeks(open_ones[ready], weekly_hours),
        waiting_weeks=_weeks(open_ones[~ready], weekly_hours),
        planned_share=_share(closed.loc[closed["type"].isin(_PLANNED_TYPES), "actual_hours"], closed["actual_hours"]),
        open_orders=len(open_ones),
        overdue_orders=int((open_ones["due"] < end).sum()),
        completed_orders=len(closed),
        cost=float(closed["actual_cost"].sum()) if closed["actual_cost"].notna().any() else None,
        cost_incomplete=int((closed["actual_cost"].isna() | (closed["cost_missing"] != "")).sum()),
        parts_below_minimum=int(parts["below"].sum()),
    )


def mean_time_between_failures(failures: int, operating_hours: float, confidence: float = 0.9) -> MTBF:
    """Estimate the mean operating time between failures from a period that ends with assets still running.

    Parameters
    ----------
    failures : int
        Failures in the period.
    operating_hours : float
        Hours that all assets ran in the period.
    confidence : float
        Confidence of the two-sided interval, 0 to 1.

    Returns
    -------
    MTBF
        2 T / chi-square quantiles with 2r (upper bound) and 2r + 2 (lower bound) degrees of freedom [4]_.

    Examples
    --------
    >>> mtbf = mean_time_between_failures(5, 1000.0)
    >>> mtbf.hours, round(mtbf.low, 1), round(mtbf.high, 1)
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
    """Return the work orders that are failures.

    Parameters
    ----------
    orders : pandas.DataFrame
        Work orders: type, state, failure_mode.

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
    """Return the hours of work of the completed orders that repaired a failure; NaN where nobody recorded them."""
    return completed.loc[completed["failure_mode"] != "", "actual_hours"]


def completed_in_time(orders: pd.DataFrame, since: datetime, until: datetime) -> pd.Series:
    """Return for each preventive order due in a period, cancelled ones left out, whether it was completed by then."""
    due = orders[(orders["type"] == "preventive") & orders["due"].between(since, until, inclusive="left")]
    due = due[due["state"] != "cancelled"]
    return (due["closed_at"] <= due["due"]) & (due["state"] == "completed")


def completed_as_planned(plan: pd.DataFrame, orders: pd.DataFrame, since: datetime, until: datetime) -> pd.Series:
    """Return for each order planned to end in a period whether it was completed by then."""
    planned = plan[plan["end"].between(since, until, inclusive="left")].merge(
        orders[["number", "closed_at", "state"]], on="number", suffixes=("_plan", "")
    )
    return (planned["state"] == "completed") & (planned["closed_at"] <= planned["end"])


def cost_by_asset(orders: pd.DataFrame) -> pd.DataFrame:
    """Return hours and cost of completed orders by asset.

    Parameters
    ----------
    orders : pandas.DataFrame
        All work orders, as for `compute_kpis`.

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
    """Return the health index of each asset: 100 less what its open alerts take away, for each channel.

    Every open alert takes 2 (info), 5, 10, 20 or 40 (critical) points of its channel's 100; a channel cannot fall
    below 0, and an asset's index is the mean over its channels, those that are not scored and the asset as a whole
    among them where they have alerts. The weights double from level to level, as the levels' thresholds do; the index
    orders assets, it is no probability.

    Parameters
    ----------
    alerts : pandas.DataFrame
        Open alerts: asset, channel, level.
    channels : mapping of str to int
        Number of scored channels of each asset; an asset without any has no index.

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
    harm = alerts.assign(harm=alerts["level"].astype(object).map(_POINTS_LOST_BY_LEVEL).astype(float))
    by_channel = harm.groupby(["asset", "channel"])["harm"].sum().clip(upper=100).groupby("asset")
    points_lost, with_alerts = by_channel.sum(), by_channel.count()
    index_by_asset = {
        asset: 100.0 - float(points_lost.get(asset, 0.0)) / max(count, int(with_alerts.get(asset, 0)))
        if count
        else np.nan
        for asset, count in channels.items()
    }
    return pd.Series(index_by_asset, name="health", dtype=float)


def _mean(values: pd.Series) -> float | None:
    numbers = values.dropna()
    return float(numbers.mean()) if len(numbers) else None


def _share(part: pd.Series, whole: pd.Series) -> float | None:
    total = float(whole.sum())
    return float(part.sum()) / total if total else None


def _weeks(orders: pd.DataFrame, weekly_hours: float) -> float | None:
    return float(orders["estimated_hours"].sum()) / weekly_hours if weekly_hours else None
