"""From predictions to the smoothed error.

Source: Hundman et al. 2018, section 3.2, and NASA's `errors.py` (Telemanom 2.0).

Both know no missing telemetry. Here a sample whose window is unusable (see `workbench.detection.windows`) is not
judged: its error and its smoothed error are NaN, the moving average stands still at it, and no statistic of an error
window counts it. What is done at other samples depends on nothing but their own windows and on errors before them, so
that a series that is judged in pieces, or sample by sample, comes to the same.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.counts import counted
from workbench.detection.windows import unusable_windows
from workbench.exceptions import DetectionError
from workbench.parameters import TelemanomParams
from workbench.telemetry.missing import present_values

__all__ = ["NO_AVERAGE", "Average", "averaged", "prediction_error", "quiet_level", "smooth"]


class Average(NamedTuple):
    """Where an exponentially weighted moving average stands: from here it goes on to the same bits.

    Attributes
    ----------
    mean : float
        Average of the values so far.
    weight : float
        Sum of their weights; the newest one's is 1. 0 where there are none.
    """

    mean: float = 0.0
    weight: float = 0.0


NO_AVERAGE = Average()
"""Average of no errors."""


def prediction_error(
    telemetry: npt.ArrayLike, prediction: npt.ArrayLike, params: TelemanomParams
) -> npt.NDArray[np.float64]:
    """Compute the absolute one-step prediction error.

    Parameters
    ----------
    telemetry : array_like, shape (n,)
        Raw telemetry of the series; NaN where a value is missing.
    prediction : array_like, shape (n - sequence_length - prediction_horizon,)
        Prediction of samples `sequence_length .. n - prediction_horizon - 1`.
    params : TelemanomParams
        Detection parameters; `sequence_length` and `prediction_horizon` are used.

    Returns
    -------
    numpy.ndarray, shape (m,), float64
        Error of sample `sequence_length + i` at index i, in the units of the telemetry; NaN where its window is
        unusable.

    Raises
    ------
    DetectionError
        The arrays do not fit each other, the prediction holds NaN, or one of them infinite values.
    """
    observed = np.asarray(telemetry, dtype=np.float64)
    predicted = np.asarray(prediction, dtype=np.float64)
    if observed.ndim != 1 or predicted.ndim != 1:
        raise DetectionError(
            f"telemetry and prediction must be one-dimensional, not of shape {observed.shape} and {predicted.shape}."
        )
    m = observed.size - params.sequence_length - params.prediction_horizon
    if m < 1:
        raise DetectionError(
            f"telemetry has {counted(observed.size, 'sample')}.",
            f"At least {params.sequence_length + params.prediction_horizon + 1} are needed: sequence_length "
            f"{params.sequence_length} + prediction_horizon {params.prediction_horizon} + 1.",
        )
    if predicted.size != m:
        raise DetectionError(
            f"prediction has {counted(predicted.size, 'sample')}.",
            f"Expected {m}: the {observed.size} of telemetry - sequence_length {params.sequence_length} "
            f"- prediction_horizon {params.prediction_horizon}.",
        )
    wrong = {"telemetry": (np.isinf(observed), "infinite"), "prediction": (~np.isfinite(predicted), "NaN or infinite")}
    for name, (is_bad, what) in wrong.items():
        bad = np.flatnonzero(is_bad)
        if bad.size:
            raise DetectionError(
                f"{name} holds {bad.size} values that are {what}, the first at index {bad[0]}.",
                "Telemetry may be missing (NaN) but not infinite; the prediction has a value for each sample.",
            )
    judged = observed[: params.sequence_length + m]
    error: npt.NDArray[np.float64] = np.abs(predicted - judged[params.sequence_length :])
    error[unusable_windows(judged, params.sequence_length)] = np.nan
    return error


def smooth(error: npt.ArrayLike, params: TelemanomParams) -> npt.NDArray[np.float64]:
    """Compute the exponentially weighted moving average of the error, with a quiet start.

    Parameters
    ----------
    error : array_like, shape (m,)
        Prediction error; NaN at samples that are not judged.
    params : TelemanomParams
        Detection parameters; the smoothing span and `sequence_length` are used.

    Returns
    -------
    numpy.ndarray, shape (m,), float64
        The first `sequence_length` values are the mean of the first two sequence lengths. NaN where the error is.

    Notes
    -----
    Unlike Telemanom, no channel is exempt from the quiet start.
    """
    smoothed, _ = averaged(np.asarray(error, dtype=np.float64), NO_AVERAGE, params)
    start = smoothed[: params.sequence_length]
    start[~np.isnan(start)] = quiet_level(smoothed[: 2 * params.sequence_length])
    return smoothed


def quiet_level(smoothed: npt.NDArray[np.float64]) -> float:
    """Return the smoothed error of the quiet start: the mean of those of two sequence lengths that are there.

    Parameters
    ----------
    smoothed : numpy.ndarray, shape (2 sequence_length,) or less
        First smoothed errors; NaN at samples that are not judged.

    Returns
    -------
    float
        NaN where none is there.
    """
    values = present_values(smoothed)
    return float(np.mean(values)) if values.size else float("nan")


def averaged(
    error: npt.NDArray[np.float64], average: Average, params: TelemanomParams
) -> tuple[npt.NDArray[np.float64], Average]:
    """Go on with the moving average of the error.

    Parameters
    ----------
    error : numpy.ndarray, shape (k,), float64
        The next errors; NaN at samples that are not judged, at which the average stands still.
    average : Average
        Average of those before.
    params : TelemanomParams
        Detection parameters; the smoothing span is used.

    Returns
    -------
    numpy.ndarray, shape (k,), float64
        Average at each error, NaN where that is.
    Average
        The average at the last one.

    Notes
    -----
    The recursion of pandas' `ewm(span).mean()`, with its branch for a value that equals the average, to the bit. It is
    written out because pandas cannot go on from where an average stands.
    """
    missing = np.isnan(error)
    if missing.any():
        smoothed = np.full(error.size, np.nan)
        smoothed[~missing], average = averaged(error[~missing], average, params)
        return smoothed, average
    keep = 1.0 - 1.0 / (1.0 + (params.smoothing_span - 1) / 2.0)
    mean, weight = average
    means = []
    values = iter(error.tolist())
    for value in values:
        earlier_weight = weight
        weight *= keep
        if mean != value:
            mean = (weight * mean + value) / (weight + 1.0)
        weight += 1.0
        means.append(mean)
        if weight == earlier_weight:
            break
    share = weight * keep  # from here on the weight stays as it is
    total = share + 1.0
    for value in values:
        if mean != value:
            mean = (share * mean + value) / total
        means.append(mean)
    return np.array(means), Average(mean, weight)
