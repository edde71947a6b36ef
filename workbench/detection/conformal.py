"""Intervals of forecasts by split conformal prediction: as wide as the errors on data held out were.

References
----------
.. [1] Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-Free Predictive Inference for Regression",
   section 2.2, algorithm 2.
.. [2] Angelopoulos and Bates 2021, "A Gentle Introduction to Conformal Prediction", section 1.1 and 2.3.
"""

import numpy as np
import numpy.typing as npt

from workbench.exceptions import DetectionError

__all__ = ["conformal_width", "coverage"]


def conformal_width(errors: npt.NDArray[np.floating], confidence: float = 0.9) -> npt.NDArray[np.float64]:
    """Half the width of the interval around a forecast, for each lead time by itself.

    Parameters
    ----------
    errors : numpy.ndarray, shape (n, steps)
        Of forecasts on data that the forecaster did not learn from, in the units of the telemetry; NaN where the
        truth is not known.
    confidence : float
        Share of the truths that an interval is to hold, above 0 and below 1.

    Returns
    -------
    numpy.ndarray, shape (steps,), float64
        The ceil((n + 1) confidence)-th smallest absolute error; infinite where there are too few for the confidence,
        as fewer than 9 for 0.9.

    Raises
    ------
    DetectionError
        The confidence is not between 0 and 1.

    Notes
    -----
    The guarantee of [1]_ needs errors that could have come in any order. Those of neighbouring windows are alike, and
    telemetry changes its ways, so that the coverage is measured on other data beside it: see `coverage`.

    Examples
    --------
    >>> conformal_width(np.arange(-9.0, 10.0)[:, None], 0.9)
    array([9.])
    >>> conformal_width(np.ones((8, 1)), 0.9)
    array([inf])
    """
    if not 0 < confidence < 1:
        raise DetectionError(f"confidence is {confidence}.", "It must be above 0 and below 1.")
    ordered = np.sort(np.abs(errors.astype(np.float64)), axis=0)  # NaN comes last
    known = np.isfinite(ordered).sum(axis=0)
    rank = np.ceil((known + 1) * confidence - 1e-9).astype(np.int64)  # 0.9 * 10 is 9, not a little more
    padded = np.concatenate([ordered, np.full((1, ordered.shape[1]), np.inf)])
    width: npt.NDArray[np.float64] = np.where(
        rank <= known, padded[np.minimum(rank, len(padded)) - 1, np.arange(padded.shape[1])], np.inf
    )
    return width


def coverage(errors: npt.NDArray[np.floating], width: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Share of the truths that lie within the interval, for each lead time.

    Parameters
    ----------
    errors : numpy.ndarray, shape (n, steps)
        Of forecasts on other data than the width was found on; NaN where the truth is not known.
    width : numpy.ndarray, shape (steps,)
        From `conformal_width`.

    Returns
    -------
    numpy.ndarray, shape (steps,), float64
        NaN where no truth is known.

    Examples
    --------
    >>> coverage(np.array([[0.5, 3.0], [-2.0, np.nan]]), np.array([1.0, 5.0]))
    array([0.5, 1. ])
    """
    known = np.isfinite(errors)
    within = (np.abs(errors) <= width) & known
    count = known.sum(axis=0)
    shares: npt.NDArray[np.float64] = np.where(count > 0, within.sum(axis=0) / np.maximum(count, 1), np.nan)
    return shares
