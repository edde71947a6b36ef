"""When a forecast reaches a channel's limits, and how sure that is."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.telemetry.catalog import Limits

__all__ = ["CROSSING_COLUMNS", "limit_crossings"]

CROSSING_COLUMNS = ("limit", "value", "outcome", "lead", "earliest", "latest")
"""Columns of `limit_crossings`."""


def limit_crossings(
    forecast: npt.NDArray[np.floating], width: npt.NDArray[np.floating], last: float, limits: Limits
) -> pd.DataFrame:
    """Return the lead time at which a forecast reaches each limit.

    Parameters
    ----------
    forecast, width : numpy.ndarray, shape (steps,)
        Forecast by lead time and half its interval's width, in the units of the limits.
    last : float
        Telemetry at the origin.
    limits : Limits
        Limits of the channel, in its units.

    Returns
    -------
    pandas.DataFrame
        `CROSSING_COLUMNS`, one row a limit that the channel has, from critical low to critical high. `limit` is its
        name and `value` where it is. `outcome` is

        - `now`: the telemetry is at or beyond it already;
        - `expected`: the forecast reaches it, at `lead`;
        - `possible`: only the interval does;
        - `none`: neither does, as far as the forecast goes.

        `earliest` is the lead time at which the interval first reaches the limit, `latest` that at which all of it
        first lies beyond; `lead`, `earliest` and `latest` are in samples, NaN where there is none within the forecast.

    Notes
    -----
    A limit is reached as in `workbench.telemetry.last_values.limit_state`, where it is touched. The intervals hold at
    each lead time by itself, so that `earliest` to `latest` is a guide, not an interval of the crossing time with the
    same confidence.

    Examples
    --------
    >>> rising, half = np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4)
    >>> table = limit_crossings(rising, half, 0.0, Limits(warning_high=3, critical_high=9))
    >>> table[["limit", "outcome", "lead", "earliest", "latest"]].values.tolist()
    [['warning high', 'expected', 3.0, 2.0, 4.0], ['critical high', 'none', nan, nan, nan]]
    """
    rows = []
    for name, value in limits:
        if value is None:
            continue
        sign = 1 if name.endswith("high") else -1
        ahead = sign * (forecast.astype(np.float64) - value)
        lead, earliest, latest = (_first(distance >= 0) for distance in (ahead, ahead + width, ahead - width))
        outcome = "expected" if lead == lead else "possible" if earliest == earliest else "none"
        if sign * (last - value) >= 0:
            outcome, lead, earliest, latest = "now", np.nan, np.nan, np.nan
        rows.append((name.replace("_", " "), value, outcome, lead, earliest, latest))
    return pd.DataFrame(rows, columns=list(CROSSING_COLUMNS)).astype(dict.fromkeys(CROSSING_COLUMNS[3:], float))


def _first(reached: npt.NDArray[np.bool_]) -> float:
    """Return the lead time at which it is reached first; NaN where it never is."""
    return float(reached.argmax()) + 1 if reached.any() else np.nan
