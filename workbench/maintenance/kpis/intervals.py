"""Intervals of the figures of maintenance: each with its two-sided 90 % interval, and with what it was made from.

References
----------
.. [1] Student, "The probable error of a mean", Biometrika 6 (1908): interval of a mean.
.. [2] K. Krishnamoorthy and T. Mathew, "Inferences on the means of lognormal distributions using generalized p-values
   and generalized confidence intervals", Journal of Statistical Planning and Inference 115 (2003).
.. [3] E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927): interval
   of a share.
"""

import math

import numpy as np
import pandas as pd

from workbench.counts import counted
from workbench.maintenance.kpis.kpis import (
    Evidence,
    Kpis,
    completed_as_promised,
    completed_in_time,
    completed_orders,
    down_hours,
    repair_hours,
)

__all__ = ["CONFIDENCE", "figure_table", "mean_interval", "share_interval", "skewed_mean_interval"]

CONFIDENCE = 0.9
"""Confidence of all intervals here, and of the interval of the MTBF."""

_DRAWS = 20_000
_MAX_BOUND = 100.0  # an upper bound so many times the largest value says only that the values are too few
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


def skewed_mean_interval(values: pd.Series) -> Interval:
    """Return the interval of the mean of times or costs, few of which are much longer than the others [2]_.

    Student's interval of so few and so skewed values holds their mean in three of four cases only.

    Parameters
    ----------
    values : pandas.Series
        Values, of which NaN are left out.

    Returns
    -------
    tuple of float or None
        Bounds; None with fewer than two values. Where one is 0, as log-normal values never are, the interval is
        Student's.

    Examples
    --------
    >>> [round(bound, 2) for bound in skewed_mean_interval(pd.Series([2.0, 3.0, 4.0]))]
    [2.15, 11.75]
    """
    numbers = values.dropna().astype(float)
    if len(numbers) < 2 or (numbers <= 0).any():
        return mean_interval(numbers)
    logs = np.log(numbers.to_numpy())
    n, squares = len(logs), float(((logs - logs.mean()) ** 2).sum())
    random = np.random.default_rng(0)  # the same draws each time: the same values have the same interval
    variance = squares / random.chisquare(n - 1, _DRAWS)
    means = logs.mean() - random.standard_normal(_DRAWS) * np.sqrt(variance / n) + variance / 2
    with np.errstate(over="ignore"):  # two values that differ much have no upper bound
        low, high = np.exp(np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]))
    return float(low), float(high)


def share_interval(successes: int, tries: int) -> Interval:
    """Return the interval of a share of tries that succeeded [3]_.

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


def figure_table(kpis: Kpis, evidence: Evidence) -> pd.DataFrame:
    """Return the figures of a period with their intervals.

    Parameters
    ----------
    kpis : Kpis
        Figures of the period.
    evidence : Evidence
        What they were computed from.

    Returns
    -------
    pandas.DataFrame
        figure, value, low, high, unit, basis: value and bounds are NaN where there are no records to
        compute them from, and an upper bound is where the records are too few for one; shares are 0 to 1, unit `%`.
    """
    begin, end = pd.Timestamp(kpis.since), pd.Timestamp(kpis.until)
    orders = evidence.orders
    closed = completed_orders(orders, begin, end)
    repairs = repair_hours(closed)
    downtimes = down_hours(evidence.outages, orders, evidence.failures, begin, end)
    costs = closed["actual_cost"].dropna().astype(float)
    preventive = completed_in_time(orders, evidence.preventive, begin, end)
    promised = completed_as_promised(evidence.promised, orders, begin, end)
    mtbf = kpis.mtbf
    failures = f"{counted(mtbf.failures, 'failure')} that began in {mtbf.operating_hours:,.0f} h of operation"
    if mtbf.unwatched:
        failures += f"; not counted, as nobody watches them: {', '.join(mtbf.unwatched)}"
    waiting = f"; {kpis.waiting_weeks:.1f} weeks on hold or waiting for parts" if kpis.waiting_weeks else ""
    incomplete = f"; {counted(kpis.cost_incomplete, 'order')} with unknown cost" if kpis.cost_incomplete else ""
    rows = [
        (
            "MTBF",
            mtbf.hours,
            mtbf.low,
            mtbf.high,
            "h",
            failures,
        ),
        (
            "MTTR",
            kpis.mttr_hours,
            *_shown_interval(repairs),
            "h",
            f"{counted(len(repairs), 'repair')} that ended in the period, from start to end of the work",
        ),
        (
            "Mean downtime",
            kpis.downtime_hours,
            *_shown_interval(downtimes),
            "h",
            f"{counted(len(downtimes), 'downtime')} of a failure, from down to up",
        ),
        ("Time to acknowledge", kpis.mtta_minutes, *_UNKNOWN, "min", "acknowledged alerts"),
        ("Availability", kpis.availability, *_UNKNOWN, "%", "outages, and downtimes of orders"),
        (
            "Preventive compliance",
            *_share(preventive),
            "%",
            f"{counted(len(preventive), 'preventive date')}, {int((~preventive).sum())} not kept",
        ),
        (
            "Schedule compliance",
            *_share(promised),
            "%",
            f"{counted(len(promised), 'order')} in accepted plans" if len(promised) else "no accepted plan",
        ),
        (
            "Backlog",
            kpis.backlog_weeks,
            *_UNKNOWN,
            "weeks",
            f"estimated hours of orders that are ready{waiting}",
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
            *_shown_interval(costs),
            "",
            f"{counted(len(costs), 'order')} with a known cost",
        ),
        ("Cost", kpis.cost, *_UNKNOWN, "", f"{counted(kpis.completed_orders, 'completed order')}{incomplete}"),
    ]
    table = pd.DataFrame(rows, columns=["figure", "value", "low", "high", "unit", "basis"])
    return table.astype({"value": float, "low": float, "high": float})


def _shown_interval(values: pd.Series) -> Interval:
    """Return the interval of a skewed mean, without an upper bound where that is far beyond the largest value."""
    low, high = skewed_mean_interval(values)
    return low, None if high is not None and high > _MAX_BOUND * values.max() else high


def _share(outcomes: pd.Series) -> tuple[float | None, float | None, float | None]:
    return _mean(outcomes), *share_interval(int(outcomes.sum()), len(outcomes))


def _mean(values: pd.Series) -> float | None:
    return float(values.mean()) if len(values) else None
