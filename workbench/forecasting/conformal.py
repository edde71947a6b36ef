"""Intervals of forecasts by split conformal prediction: as wide as the errors on data held out were.

The procedure is that of [1]_, told at length in [2]_; the widths that follow the errors are those of [3]_.

References
----------
.. [1] Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-Free Predictive Inference for Regression",
   section 2.2, algorithm 2.
.. [2] Angelopoulos and Bates 2021, "A Gentle Introduction to Conformal Prediction", sections 1.1 and 2.3.
.. [3] Angelopoulos, Candès and Tibshirani 2023, "Conformal PID Control for Time Series Prediction", section 2.1,
   equation 4: quantile tracking.
"""

import numpy as np
import numpy.typing as npt

from workbench.exceptions import DetectionError

__all__ = ["conformal_width", "tracked_width"]

_LEARNING_RATE = 0.2  # of what is a large error lately: how fast the width follows
_RECENT_ERRORS = 100
_LARGE_ERROR_RANK = 90  # of the recent errors, the 90th in size is a large one


def conformal_width(errors: npt.NDArray[np.floating], confidence: float = 0.9) -> npt.NDArray[np.float64]:
    """Compute half the width of the interval around a forecast, for each lead time by itself.

    Parameters
    ----------
    errors : numpy.ndarray, shape (n, steps)
        Errors of forecasts on data that the forecaster did not learn from, in the units of the telemetry; NaN where the
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
    telemetry changes its ways, so that the coverage is measured on other data beside it: see
    `workbench.forecasting.skill`.

    Examples
    --------
    >>> conformal_width(np.arange(-9.0, 10.0)[:, None], 0.9)
    array([9.])
    >>> conformal_width(np.ones((8, 1)), 0.9)
    array([inf])
    """
    _check(confidence)
    ordered = np.sort(np.abs(errors.astype(np.float64)), axis=0)  # NaN comes last
    counts = np.isfinite(ordered).sum(axis=0)
    rank = np.ceil((counts + 1) * confidence - 1e-9).astype(np.int64)  # 0.9 * 10 is 9, not a little more
    padded = np.concatenate([ordered, np.full((1, ordered.shape[1]), np.inf)])
    width: npt.NDArray[np.float64] = np.where(
        rank <= counts, padded[np.minimum(rank, len(padded)) - 1, np.arange(padded.shape[1])], np.inf
    )
    return width


def tracked_width(
    errors: npt.NDArray[np.floating],
    origins: npt.NDArray[np.int64],
    start: npt.NDArray[np.floating],
    confidence: float = 0.9,
) -> npt.NDArray[np.float64]:
    """Compute half the width of the interval at each origin, from the errors that were known by then.

    Parameters
    ----------
    errors : numpy.ndarray, shape (n, steps)
        Errors of the forecasts from each origin; NaN where the truth is not known yet.
    origins : numpy.ndarray of int, shape (n,)
        Last sample that each forecast saw, rising; its error at lead time h is known from origin + h on.
    start : numpy.ndarray, shape (steps,)
        Width at the first origin, from `conformal_width`; 0 where that is infinite.
    confidence : float
        As for `conformal_width`.

    Returns
    -------
    numpy.ndarray, shape (n, steps), float64

    Raises
    ------
    DetectionError
        The confidence is not between 0 and 1.

    Notes
    -----
    After each truth that lay outside, the width grows by `confidence` of a step; after one inside, it shrinks by
    1 - `confidence` of it [3]_. In the long run the share inside is the confidence, however the telemetry changes.
    Unlike there, the step is not a tenth of the largest of the last 100 errors but a fifth of the 90th in size, so that
    one anomaly does not make all later steps long; an error at lead time h is used h samples later; and no width is
    below 0.
    """
    _check(confidence)
    sizes = np.abs(errors.astype(np.float64))
    begins = np.where(np.isfinite(start), start, 0.0)
    padded = np.concatenate([np.tile(begins, (_RECENT_ERRORS - 1, 1)), np.nan_to_num(sizes, nan=0.0)])
    recent = np.lib.stride_tricks.sliding_window_view(padded, _RECENT_ERRORS, axis=0)
    gain = _LEARNING_RATE * np.partition(recent, _LARGE_ERROR_RANK - 1, axis=2)[:, :, _LARGE_ERROR_RANK - 1]
    widths = np.empty(sizes.shape)
    for column, begin in enumerate(begins.tolist()):
        counts = np.searchsorted(origins, origins - column - 1, side="right").tolist()
        size, step, width = sizes[:, column].tolist(), gain[:, column].tolist(), begin
        half_widths: list[float] = []
        used = 0
        for i in range(len(size)):
            while used < counts[i]:
                if size[used] == size[used]:  # not NaN
                    width = max(0.0, width + step[used] * ((size[used] > half_widths[used]) - (1 - confidence)))
                used += 1
            half_widths.append(width)
        widths[:, column] = half_widths
    return widths


def _check(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise DetectionError(f"confidence is {confidence}.", "It must be above 0 and below 1.")
