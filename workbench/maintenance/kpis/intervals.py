"""Intervals of the figures of maintenance: each with its two-sided 90 % interval, and with what it was made from.

References
----------
.. [1] Student, "The probable error of a mean", Biometrika 6 (1908): interval of a mean.
.. [2] E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927): interval
   of a share.
"""

import math

import pandas as pd

from workbench.counts import counted
from workbench.maintenance.kpis.kpis import Kpis, completed_as_planned, completed_in_time, repair_hours

__all__ = ["CONFIDENCE", "figure_table", "mean_interval", "share_interval"]

CONFIDENCE = 0.9
"""Confidence of all intervals here, and of the interval of the MTBF."""

Interval = tuple[float | None, float | None]
_UNKNOWN: Interval = (None, None)


def mean_interval(values: pd.Series) -> Interval:
    """Return the interval of the mean of values that are not negative [1]_.

    Parameters
    ----------
    values : pandas.Series
        Values, of which NaN are left out.

    Returns
    -------
    tuple of float or None
        Bounds, the lower one at least 0; None with fewer than two values.

    Examples
    --------
    >>> [round(bound, 2) for bound in mean_interval(pd.Series([2.0, 3.0, 4.0]))]
    [1.31, 4.69]
    """
    numbers = values.dropna().astype(float)
    if len(numbers) < 2:
        return _UNKNOWN
    from scipy.special import stdtrit

    reach = float(stdtrit(len(numbers) - 1, (1 + CONFIDENCE) / 2)) * float(numbers.std()) / math.sqrt(len(numbers))
    return max(0.0, float(numbers.mean()) - reach), float(numbers.mean()) + reach


def share_interval(successes: int, tries: int) -> Interval:
    """Return the interval of a share of tries that succeeded [2]_.

    Examples
    --------
    >>> [round(bound, 3) for bound in share_interval(8, 10)]
    [0.541, 0.931]
    >>> share_interval(0, 0)
    (None, None)
    """
    if tries == 0:
        return _UNKNOWN
    from scipy.special import ndtri

    z = float(ndtri((1 + CONFIDENCE) / 2))
    share = successes / tries
    spread = z * z / tries
    middle = (share + spread / 2) / (1 + spread)
    reach = z * math.sqrt(share * (1 - share) / tries + spread / tries / 4) / (1 + spread)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def figure_table(kpis: Kpis, orders: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of a period with their intervals.

    Parameters
    ----------
    kpis : Kpis
        Figures of the period.
    orders : pandas.DataFrame
        All work orders, as `WorkOrders.list(state=None)` returns them.
    plan : pandas.DataFrame
        Plan as `Planning.table(closed=True)` returns it.

    Returns
    -------
    pandas.DataFrame
        figure, value, low, high, unit, basis: value and bounds are NaN where there are no records to
        compute them from; shares are 0 to 1, unit `%`.
    """
    begin, end = pd.Timestamp(kpis.since), pd.Timestamp(kpis.until)
    closed = orders[(orders["state"] == "completed") & orders["closed_at"].between(begin, end, inclusive="left")]
    repairs = repair_hours(closed).dropna()
    costs = closed["actual_cost"].dropna().astype(float)
    preventive = completed_in_time(orders, begin, end)
    scheduled = completed_as_planned(plan, orders, begin, end)
    ratio = (closed["actual_hours"].astype(float) / closed["estimated_hours"]).dropna()
    backlog = kpis.backlog_weeks
    backlog_bounds = (
        _UNKNOWN if backlog is None else tuple(None if one is None else one * backlog for one in mean_interval(ratio))
    )
    mtbf = kpis.mtbf
    rows = [
        (
            "MTBF",
            mtbf.hours,
            mtbf.low,
            mtbf.high,
            "h",
            f"{counted(mtbf.failures, 'failure')} in {mtbf.operating_hours:,.0f} h",
        ),
        ("MTTR", kpis.mttr_hours, *mean_interval(repairs), "h", counted(len(repairs), "repair")),
        ("Time to acknowledge", kpis.mtta_minutes, *_UNKNOWN, "min", "acknowledged alerts"),
        ("Availability", kpis.availability, *_UNKNOWN, "%", "outages recorded"),
        ("Preventive compliance", *_share(preventive), "%", f"{counted(len(preventive), 'preventive order')} due"),
        ("Schedule compliance", *_share(scheduled), "%", f"{counted(len(scheduled), 'order')} planned to end"),
        (
            "Backlog",
            backlog,
            *backlog_bounds,
            "weeks",
            f"{counted(kpis.open_orders, 'open order')}; actual over estimated of {len(ratio)}",
        ),
        (
            "Planned share of work",
            kpis.planned_share,
            *_UNKNOWN,
            "%",
            counted(kpis.completed_orders, "completed order"),
        ),
        (
            "Cost of an order",
            _mean(costs),
            *mean_interval(costs),
            "",
            f"{counted(len(costs), 'order')} with a known cost",
        ),
        ("Cost", kpis.cost, *_UNKNOWN, "", f"{len(costs)} of {counted(kpis.completed_orders, 'completed order')}"),
    ]
    table = pd.DataFrame(rows, columns=["figure", "value", "low", "high", "unit", "basis"])
    return table.astype({"value": float, "low": float, "high": float})


def _share(outcomes: pd.Series) -> tuple[float | None, float | None, float | None]:
    return _mean(outcomes), *share_interval(int(outcomes.sum()), len(outcomes))


def _mean(values: pd.Series) -> float | None:
    return float(values.mean()) if len(values) else None
