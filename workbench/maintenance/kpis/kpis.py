"""Figures of maintenance: how often assets fail, how long repairs take, and how well the plan is followed.

Each figure is None where there are no data to compute it from, never 0 or 100 %.

References
----------
.. [1] ISO 14224:2016, annex C: MTBF, time to repair (the work) and down time (from down to up), availability.
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
from workbench.maintenance.kpis.preventive_dates import Preventives
from workbench.maintenance.kpis.watching import standstills, watched_days_by_asset
from workbench.maintenance.orders.failure_codes import FUNCTIONAL_FAILURE

__all__ = [
    "MTBF",
    "Evidence",
    "Kpis",
    "Summary",
    "completed_as_promised",
    "completed_in_time",
    "completed_orders",
    "compute_kpis",
    "cost_by_asset",
    "down_hours",
    "health_index",
    "mean_time_between_failures",
    "repair_hours",
    "summarise",
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
        Mean hours from the start of the work to its end, of the orders completed in the period that repaired a
        functional failure, whatever their type [1]_.
    downtime_hours : float or None
        Mean hours from down to up, of the outages ended in the period that a functional failure was repaired in [1]_.
    mtta_minutes : float or None
        Mean minutes from an alert's announcement to its acknowledgement.
    availability : float or None
        Share of the time watched in which the assets were not out of service, by their outages and the downtimes that
        were said at orders [1]_; None where none of these was ever recorded.
    pm_compliance : float or None
        Share of the preventive dates of the period on which the order was completed in time; dates for which no order
        was opened, and orders that were cancelled, were missed [3]_.
    schedule_compliance : float or None
        Share of what accepted plans had promised to end in the period that was completed by then [3]_; None where no
        plan was accepted.
    backlog_weeks : float or None
        Estimated hours of the orders that are ready to be done, with their parts on hand, over the hours that
        technicians can work in a week of the next four: their calendars and absences inside the maintenance
        windows [3]_.
    waiting_weeks : float or None
        The same of the orders that are on hold or wait for parts.
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
    downtime_hours: float | None
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


@dataclass(frozen=True)
class Evidence:
    """What the figures of maintenance are computed from, as it was at one time.

    Attributes
    ----------
    orders : pandas.DataFrame
        All work orders: number, state, type, asset, estimated_hours, actual_hours, actual_cost, cost_missing,
        failure_kind, opened_at, started_at, closed_at, down_from, down_to, due, preventive.
    failures : pandas.DataFrame
        All failures, as `failures.failure_events` returns them: asset, time, record.
    acknowledgements : pandas.Series
        Minutes of each acknowledgement in the period, as from `acknowledgements.acknowledgement_minutes`.
    outages : pandas.DataFrame
        All outages: asset, since, ended_at.
    promised : pandas.DataFrame
        What accepted plans have promised: week, number, end, accepted_at.
    preventive : Preventives
        Preventive plans, and the dates that were missed.
    watched : pandas.DataFrame
        asset, start, end (UTC) of the times in which assets were watched; they may overlap. Within them assets run all
        the time but for their outages.
    weekly_hours : float
        Hours that all technicians together can work in a week.
    parts_below_minimum : int
        Parts of which less is available than their minimum.
    lacking_parts : frozenset of str
        Numbers of the orders for which fewer parts are reserved than they need.
    """

    orders: pd.DataFrame
    failures: pd.DataFrame
    acknowledgements: pd.Series
    outages: pd.DataFrame
    promised: pd.DataFrame
    preventive: Preventives
    watched: pd.DataFrame
    weekly_hours: float
    parts_below_minimum: int = 0
    lacking_parts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Summary:
    """The figures of a period that take only orders, outages and the times watched.

    Attributes
    ----------
    operating_hours : float
        Hours in which the assets were watched and in service.
    mttr_hours, availability, open_orders, overdue_orders, completed_orders
        As of `Kpis`.
    """

    operating_hours: float
    mttr_hours: float | None
    availability: float | None
    open_orders: int
    overdue_orders: int
    completed_orders: int


def summarise(
    orders: pd.DataFrame, outages: pd.DataFrame, watched: pd.DataFrame, since: datetime, until: datetime
) -> Summary:
    """Compute the figures of a period that take only orders, outages and the times watched.

    Parameters
    ----------
    orders, outages, watched : pandas.DataFrame
        As of `Evidence`; the orders' numbers are not needed.
    since, until : datetime
        The period, aware; since is inclusive, until is not.

    Returns
    -------
    Summary

    Raises
    ------
    MaintenanceError
        `until` is not after `since`.
    """
    if until <= since:
        raise MaintenanceError(f"The period from {since} to {until} is empty.", "Pass an end after the beginning.")
    begin, end = pd.Timestamp(since), pd.Timestamp(until)
    open_ones = _open(orders)
    closed = completed_orders(orders, begin, end)
    stops = standstills(outages, orders)
    hours, hours_in_service = (
        24 * sum(watched_days_by_asset(watched, down, until, since=since).values()) for down in (stops.iloc[:0], stops)
    )
    return Summary(
        operating_hours=hours_in_service,
        mttr_hours=_mean(repair_hours(closed)),
        availability=hours_in_service / hours if hours and len(stops) else None,
        open_orders=len(open_ones),
        overdue_orders=int((open_ones["due"] < end).sum()),
        completed_orders=len(closed),
    )


def compute_kpis(evidence: Evidence, since: datetime, until: datetime) -> Kpis:
    """Compute the figures of maintenance in a period.

    Parameters
    ----------
    evidence : Evidence
        What they are computed from.
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
    orders, outages, watched = evidence.orders, evidence.outages, evidence.watched
    summary = summarise(orders, outages, watched, since, until)
    begin, end = pd.Timestamp(since), pd.Timestamp(until)
    open_ones = _open(orders)
    closed = completed_orders(orders, begin, end)
    short = open_ones["number"].isin(evidence.lacking_parts) & (open_ones["state"] != "in progress")
    ready = (open_ones["state"] != "on hold") & ~short
    names = watched["asset"].unique()
    failed = evidence.failures[evidence.failures["time"].between(begin, end, inclusive="left")]
    unwatched = sorted(set(failed["asset"]) - set(names))
    mtbf = mean_time_between_failures(int(failed["asset"].isin(names).sum()), summary.operating_hours)
    return Kpis(
        since=since,
        until=until,
        mtbf=replace(mtbf, unwatched=tuple(unwatched)),
        mttr_hours=summary.mttr_hours,
        downtime_hours=_mean(down_hours(outages, orders, evidence.failures, begin, end)),
        mtta_minutes=_mean(evidence.acknowledgements),
        availability=summary.availability,
        pm_compliance=_mean(completed_in_time(orders, evidence.preventive, begin, end)),
        schedule_compliance=_mean(completed_as_promised(evidence.promised, orders, begin, end)),
        backlog_weeks=_weeks(open_ones[ready], evidence.weekly_hours),
        waiting_weeks=_weeks(open_ones[~ready], evidence.weekly_hours),
        planned_share=_share(closed.loc[closed["type"].isin(_PLANNED_TYPES), "actual_hours"], closed["actual_hours"]),
        open_orders=summary.open_orders,
        overdue_orders=summary.overdue_orders,
        completed_orders=summary.completed_orders,
        cost=float(closed["actual_cost"].sum()) if closed["actual_cost"].notna().any() else None,
        cost_incomplete=int((closed["actual_cost"].isna() | (closed["cost_missing"] != "")).sum()),
        parts_below_minimum=evidence.parts_below_minimum,
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


def completed_orders(orders: pd.DataFrame, since: datetime, until: datetime) -> pd.DataFrame:
    """Return the orders that were completed in a period."""
    return orders[(orders["state"] == "completed") & orders["closed_at"].between(since, until, inclusive="left")]


def repair_hours(completed: pd.DataFrame) -> pd.Series:
    """Return the hours from the start of the work to its end, of the completed orders with a functional failure."""
    repairs = completed[completed["failure_kind"] == FUNCTIONAL_FAILURE]
    return ((repairs["closed_at"] - repairs["started_at"]).dt.total_seconds() / 3600).dropna()


def down_hours(
    outages: pd.DataFrame, orders: pd.DataFrame, failures: pd.DataFrame, since: datetime, until: datetime
) -> pd.Series:
    """Return the hours from down to up of the times in which assets stood still for a functional failure.

    These are the downtimes that people have said at the orders of the failures, and the outages that lasted at some
    time between a failure and the end of its repair. Where both tell of one time, or two overlap on one asset, they are
    one, from the first begin to the last end. It belongs to the period in which it ended.
    """
    ended = outages[outages["ended_at"].notna()]
    repairs = orders.merge(failures[["record", "time"]], left_on="number", right_on="record")
    kept = [
        bool(
            (
                (repairs["asset"] == one["asset"])
                & (repairs["time"] <= one["ended_at"])
                & (repairs["closed_at"] >= one["since"])
            ).any()
        )
        for one in ended.to_dict(orient="records")
    ]
    columns = ["asset", "since", "ended_at"]
    said = repairs[repairs["down_from"].notna() & repairs["down_to"].notna()]
    said = said[["asset", "down_from", "down_to"]].set_axis(columns, axis=1)
    spells = pd.concat([ended.loc[kept, columns], said]).sort_values(["asset", "since"], kind="stable")
    last = spells.groupby("asset")["ended_at"].cummax().groupby(spells["asset"]).shift()
    number = (last.isna() | (spells["since"] > last)).cumsum()
    whole = spells.groupby(number.to_numpy()).agg({"since": "min", "ended_at": "max"})
    whole = whole[whole["ended_at"].between(since, until, inclusive="left")]
    return (whole["ended_at"] - whole["since"]).dt.total_seconds() / 3600


def completed_in_time(orders: pd.DataFrame, preventive: Preventives, since: datetime, until: datetime) -> pd.Series:
    """Return for each preventive date of a period whether it was kept.

    A date is that of a preventive order, which must be completed by then: one that was cancelled was not. Dates for
    which no order was opened, as nobody looked or the order before was still open, are dates, too, and were missed.
    """
    due = orders[(orders["type"] == "preventive") & orders["due"].between(since, until, inclusive="left")]
    kept = (due["closed_at"] <= due["due"]) & (due["state"] == "completed")
    missed = preventive.missed_dates(orders, since, until)
    return pd.concat([kept, pd.Series(False, index=range(missed))], ignore_index=True).astype(bool)


def completed_as_promised(promised: pd.DataFrame, orders: pd.DataFrame, since: datetime, until: datetime) -> pd.Series:
    """Return for each order that an accepted plan promised to end in a period whether it was completed by then.

    What counts is what was promised first of an order in a week: what was moved later, or released, was not kept.
    """
    first = promised.sort_values("accepted_at").drop_duplicates(["week", "number"])
    first = first[first["end"].between(since, until, inclusive="left")]
    first = first.merge(orders[["number", "closed_at", "state"]], on="number")
    return (first["state"] == "completed") & (first["closed_at"] <= first["end"])


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


def _open(orders: pd.DataFrame) -> pd.DataFrame:
    return orders[~orders["state"].isin(["completed", "cancelled"])]


def _mean(values: pd.Series) -> float | None:
    numbers = values.dropna()
    return float(numbers.mean()) if len(numbers) else None


def _share(part: pd.Series, whole: pd.Series) -> float | None:
    total = float(whole.sum())
    return float(part.sum()) / total if total else None


def _weeks(orders: pd.DataFrame, weekly_hours: float) -> float | None:
    return float(orders["estimated_hours"].sum()) / weekly_hours if weekly_hours else None
