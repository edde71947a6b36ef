"""Drift: how much a channel differs from the data that its model learned, without labels.

Two figures: how differently the telemetry is distributed, and how much worse it is predicted. Both must not
take an anomaly for drift, as a model trained again on an anomaly would stop finding it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["error_ratio", "ks_distance", "typical_error"]

_SPREAD_SHARE = 0.01
_N_BLOCKS = 20


def ks_distance(train: npt.NDArray[np.floating[Any]], test: npt.NDArray[np.floating[Any]]) -> float:
    """Compare two series as distributions by the Kolmogorov-Smirnov distance, with a tolerance.

    Parameters
    ----------
    train, test : numpy.ndarray, shape (n,) and (m,)
        Telemetry, without NaN.

    Returns
    -------
    float
        0 where both hold the same values equally often, 1 where they have none in common.

    Notes
    -----
    The greatest distance between the two empirical distribution functions, as in the two-sample test of
    Smirnov 1948. Unlike there, a shift of less than 1 % of the standard deviation of both series together does
    not count, so that a constant whose last digit differs has not drifted. No p-value is given: samples of
    telemetry depend on each other, and with thousands of them every difference would be significant. Limits:
    the order of the samples is not looked at, and an anomaly over a share p of the test series adds up to p.

    Examples
    --------
    >>> ks_distance(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.0, 1.0]))
    0.25
    >>> ks_distance(np.full(4, 0.5), np.full(4, 0.5)), ks_distance(np.full(4, 0.5), np.full(4, 0.6))
    (0.0, 1.0)
    """
    first, second = np.sort(train.astype(np.float64)), np.sort(test.astype(np.float64))
    tolerance = _SPREAD_SHARE * float(np.concatenate([first, second]).std())
    return max(0.0, _exceeds(first, second, tolerance), _exceeds(second, first, tolerance))


def typical_error(errors: npt.NDArray[np.floating[Any]]) -> float:
    """Return the mean of prediction errors in a way that anomalies do not move.

    Parameters
    ----------
    errors : numpy.ndarray, shape (n,)
        Absolute prediction errors in the order of time.

    Returns
    -------
    float
        The median of the means of 20 consecutive blocks (fewer where there are fewer errors).

    Notes
    -----
    The median of means (Nemirovsky and Yudin 1983; Lugosi and Mendelson 2019, section 2.1): anomalies that touch
    fewer than half of the blocks cannot carry it away, while errors that recur everywhere, as at each command,
    count in full, as they do in a validation error.

    Examples
    --------
    >>> errors = np.full(200, 0.5)
    >>> errors[:80] = 100
    >>> typical_error(errors)
    0.5
    """
    blocks = np.array_split(errors.astype(np.float64), min(_N_BLOCKS, errors.size))
    return float(np.median([block.mean() for block in blocks]))


def error_ratio(error: float, validation_error: float, spread: float) -> float:
    """Compare the error on the test series with the one on held-out training windows.

    Parameters
    ----------
    error, validation_error : float
        Typical error on the test series, and the model's validation error, in units of the telemetry.
    spread : float
        Standard deviation of training and test telemetry together, same units.

    Returns
    -------
    float
        1 where the model predicts as well as in training; 1, too, where nothing varies. One hundredth of the
        spread is added to both errors: a model that predicts a constant without error may err by that much.

    Examples
    --------
    >>> error_ratio(0.03, 0.01, spread=0.0)
    3.0
    >>> error_ratio(0.0, 0.0, spread=0.0)
    1.0
    """
    least = _SPREAD_SHARE * spread
    if validation_error + least == 0:
        return 1.0 if error == 0 else float("inf")
    return (error + least) / (validation_error + least)


def _exceeds(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], tolerance: float) -> float:
    """Return the greatest F_first(x - tolerance) - F_second(x) over all x; the arrays are sorted."""
    below_first = np.searchsorted(first, first, side="right") / first.size
    below_second = np.searchsorted(second, first + tolerance, side="right") / second.size
    return float((below_first - below_second).max())
