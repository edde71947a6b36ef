"""Risk of assets: how likely each is to fail within some days, and how much depends on it.

Likelihood and consequence make a matrix [1]_; rates come from records of failures over the time watched [2]_.

References
----------
.. [1] IEC 31010:2019, annex B.10.3: consequence/likelihood matrix. The scales are the user's to set; those here are
   ours.
.. [2] ISO 14224:2016, annex C: failure rates from records, events over time watched.
.. [3] Jeffreys 1946; for a Poisson rate the prior is proportional to rate^(-1/2), and after r events in a time T the
   rate is Gamma(r + 1/2, T).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.maintenance.kpis.watching import watched_days, watched_days_by_asset
from workbench.maintenance.kpis.weibull import MIN_FAILURES, fit_weibull
from workbench.maintenance.values import MAX_PERIOD_DAYS, number_in_range

__all__ = [
    "CONSTANT_RATE",
    "LIKELIHOODS",
    "RISK_COLUMNS",
    "WEIBULL",
    "FailureProbability",
    "failure_probability",
    "likelihood_of",
    "risk_cells",
    "risk_level",
    "risk_table",
    "weibull_probability",
]

CONSTANT_RATE = "constant rate"
WEIBULL = "Weibull"

LIKELIHOODS = (("rare", 0.05), ("unlikely", 0.2), ("possible", 0.5), ("likely", 0.8), ("almost certain", 1.0))
"""Likelihood 1 to 5: its word, and the probability up to which it goes."""

RISK_COLUMNS = (
    "asset",
    "criticality",
    "failures",
    "watched_days",
    "probability",
    "low",
    "high",
    "method",
    "likelihood",
    "risk",
    "level",
    "reason",
)
"""Columns of `risk_table`."""

_MAX_FAILURES = 200  # the newest ones
_LEAST_RISK_OF_LEVEL = ((20, "critical"), (10, "high"), (5, "medium"), (1, "low"))


@dataclass(frozen=True)
class FailureProbability:
    """Probability of at least one failure within some days.

    Attributes
    ----------
    probability : float or None
        None where the records are too few.
    low, high : float or None
        Bounds of its 90 % interval; without a failure `low` is 0 and `high` the 95 % upper bound.
    method : str
        `CONSTANT_RATE` or `WEIBULL`; empty where the asset was never watched.
    """

    probability: float | None
    low: float | None
    high: float | None
    method: str = CONSTANT_RATE


def failure_probability(failures: int, days_watched: float, days: float) -> FailureProbability:
    """Estimate the probability of at least one failure within some days.

    Parameters
    ----------
    failures : int
        Failures on record.
    days_watched : float
        Days in which failures would have been recorded.
    days : float
        Days to look ahead, above 0.

    Returns
    -------
    FailureProbability

    Raises
    ------
    MaintenanceError
        `days` is not above 0.

    Notes
    -----
    Failures come at a constant rate, whose distribution after r failures in T days is Gamma(r + 1/2, T) [3]_. The
    probability of one within t days is then 1 - (T / (T + t))^(r + 1/2), and its bounds are those of the rate's 90 %
    interval. Where the asset was watched for less than t, the prior would weigh more than the records: no
    probability is returned, only the bounds.

    Examples
    --------
    >>> estimate = failure_probability(3, 90.0, 30.0)
    >>> round(estimate.probability, 3), round(estimate.low, 3), round(estimate.high, 3)
    (0.635, 0.303, 0.904)
    >>> failure_probability(0, 10.0, 30.0).probability is None
    True
    """
    number_in_range("days", days, MAX_PERIOD_DAYS, above=True)
    if days_watched <= 0:
        return FailureProbability(None, None, None, "")
    from scipy.special import gammaincinv

    shape = failures + 0.5
    low, high = (1 - float(np.exp(-days * gammaincinv(shape, share) / days_watched)) for share in (0.05, 0.95))
    probability = None if days_watched < days else 1 - (days_watched / (days_watched + days)) ** shape
    return FailureProbability(probability, low if failures else 0.0, high)


def weibull_probability(ages: npt.NDArray[np.float64], days_watched: float, days: float) -> FailureProbability | None:
    """Estimate the probability of a failure within some days from the times between at least ten failures.

    Parameters
    ----------
    ages : numpy.ndarray, shape (n,)
        Days that the asset had been watched and in service at each failure, rising.
    days_watched : float
        The same now.
    days : float
        Days to look ahead, above 0.

    Returns
    -------
    FailureProbability or None
        None with fewer than ten failures, or where two of them came without time in service between them. The value is
        the mean over the distributions that are likely, the bounds those of 90 % of them; see `weibull.fit_weibull`.
    """
    fit = fit_weibull(np.diff(ages), days_watched - float(ages[-1])) if ages.size >= MIN_FAILURES else None
    if fit is None:
        return None
    probabilities = fit.probabilities(days_watched - float(ages[-1]), days)
    low, high = (float(np.quantile(probabilities, share)) for share in (0.05, 0.95))
    return FailureProbability(float(probabilities.mean()), low, high, WEIBULL)


def likelihood_of(probability: float) -> int:
    """Return the likelihood, 1 to 5, of a probability.

    Examples
    --------
    >>> [likelihood_of(value) for value in (0.0, 0.05, 0.3, 1.0)]
    [1, 1, 3, 5]
    """
    return next(number for number, (_, upper) in enumerate(LIKELIHOODS, 1) if probability <= upper)


def risk_level(risk: int) -> str:
    """Return the level of a risk, which is likelihood times criticality, 1 to 25.

    Examples
    --------
    >>> [risk_level(risk) for risk in (4, 5, 9, 10, 16, 20)]
    ['low', 'medium', 'medium', 'high', 'high', 'critical']
    """
    return next(level for least, level in _LEAST_RISK_OF_LEVEL if risk >= least)


def risk_cells() -> pd.DataFrame:
    """Return the 25 cells of the matrix: likelihood, word, criticality, risk, level."""
    rows = [
        (likelihood, word, criticality, likelihood * criticality, risk_level(likelihood * criticality))
        for likelihood, (word, _) in enumerate(LIKELIHOODS, 1)
        for criticality in range(1, 6)
    ]
    return pd.DataFrame(rows, columns=["likelihood", "word", "criticality", "risk", "level"])


def risk_table(
    events: pd.DataFrame,
    spans: pd.DataFrame,
    outages: pd.DataFrame,
    criticality: Mapping[str, int | None],
    *,
    days: float,
    until: datetime,
) -> pd.DataFrame:
    """Return the risk of each asset, the worst first.

    Parameters
    ----------
    events : pandas.DataFrame
        Table that `failures.failure_events` returns; each is a failure, as for the MTBF.
    spans : pandas.DataFrame
        asset, start, end (UTC) of the times in which failures would have been recorded.
    outages : pandas.DataFrame
        asset, since, ended_at (UTC).
    criticality : mapping of str to int or None
        1 to 5 by asset; None where the catalog has none. Its assets are the rows.
    days : float
        Days to look ahead, above 0.
    until : datetime
        Present time, aware.

    Returns
    -------
    pandas.DataFrame
        `RISK_COLUMNS`, the worst first. `risk` is likelihood times criticality, and missing where one of them is;
        `reason` then says what is missing. probability, low and high are 0 to 1, NaN where they are unknown; `method`
        says how they were computed: from a Weibull distribution with ten failures and more, else from a constant rate.

    Raises
    ------
    MaintenanceError
        `days` is not above 0, or more than a hundred years.
    """
    rows = []
    past = {str(asset): times for asset, times in events[events["time"] <= until].groupby("asset")["time"]}
    watched = watched_days_by_asset(spans, outages, until)
    for asset, weight in criticality.items():
        times = past.get(asset, events["time"].iloc[:0]).sort_values()
        failures, days_watched = len(times), watched.get(asset, 0.0)
        estimate = failure_probability(failures, days_watched, days)
        if failures >= MIN_FAILURES and estimate.probability is not None:
            ages = np.array([watched_days(spans, outages, time, asset=asset) for time in times[-_MAX_FAILURES:]])
            estimate = weibull_probability(ages, days_watched, days) or estimate
        likelihood = None if estimate.probability is None else likelihood_of(estimate.probability)
        risk = None if likelihood is None or weight is None else likelihood * weight
        reason = "" if risk is not None else _reason(weight, days_watched, days, estimate)
        level = "" if risk is None else risk_level(risk)
        bounds = (estimate.probability, estimate.low, estimate.high, estimate.method)
        rows.append((asset, weight, failures, days_watched, *bounds, likelihood, risk, level, reason))
    whole = dict.fromkeys(("criticality", "likelihood", "risk"), "Int64")
    real = dict.fromkeys(("watched_days", "probability", "low", "high"), "float64")
    table = pd.DataFrame(rows, columns=list(RISK_COLUMNS)).astype(whole | real)
    return table.sort_values(["risk", "probability", "asset"], ascending=[False, False, True], ignore_index=True)


def _reason(criticality: int | None, days_watched: float, days: float, estimate: FailureProbability) -> str:
    reasons = []
    if days_watched <= 0:
        reasons.append("never watched")
    elif estimate.probability is None:
        reasons.append(f"not enough history ({days:g} days needed, {days_watched:.1f} recorded)")
    if criticality is None:
        reasons.append("no criticality in the catalog")
    return "; ".join(reasons)
