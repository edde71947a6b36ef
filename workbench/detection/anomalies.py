"""From predictions to anomaly sequences: the whole of Telemanom's error processing.

Source: Hundman et al. 2018, sections 3.2 and 3.3; NASA's `errors.py` (Telemanom 2.0). What missing telemetry does is
said in `workbench.detection.errors` and `workbench.detection.thresholds`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.detection.errors import prediction_error, smooth
from workbench.detection.thresholds import Floats, Indices, Moments, Spread, find_epsilon, judge, runs, scale_matters
from workbench.parameters import TelemanomParams
from workbench.telemetry.missing import present_values

__all__ = [
    "SETTLED_ERRORS",
    "Detection",
    "detect",
    "error_window",
    "error_windows",
    "judge_window",
    "judged_part",
    "last_window",
    "severities",
    "value_range",
]

_FEW_ERRORS = 1800
SETTLED_ERRORS = 2500
"""From so many errors on, it is the same samples at the start of a series that are not judged."""


@dataclass(frozen=True)
class Detection:
    """Result of detection in one series.

    Attributes
    ----------
    smoothed_error : numpy.ndarray, shape (m,), float64
        EWMA of the prediction error; index i belongs to sample `sequence_length + i`. NaN where that is not judged.
    epsilon : numpy.ndarray, shape (m,), float64
        Threshold of the error window in which each sample was judged; NaN where nothing in the window is.
    anomalies : pandas.DataFrame
        int `start`, `end` (samples of the telemetry, both inclusive) and float `severity`.
    prediction_error : numpy.ndarray, shape (m,), float64
        Absolute error before smoothing; NaN at samples that are not judged.
    """

    smoothed_error: npt.NDArray[np.float64]
    epsilon: npt.NDArray[np.float64]
    anomalies: pd.DataFrame
    prediction_error: npt.NDArray[np.float64]

    def __repr__(self) -> str:
        """Count the anomalies and the samples judged."""
        return (
            f"Detection({counted(len(self.anomalies), 'anomaly', 'anomalies')} in {self.smoothed_error.size} samples)"
        )

    def _repr_html_(self) -> str:
        anomalies = self.anomalies
        n_anomalies = counted(len(anomalies), "anomaly", "anomalies")
        head = f"<p><b>Detection</b>: {n_anomalies} in {self.smoothed_error.size:,} judged samples."
        if anomalies.empty:
            return head + "</p>"
        table = (
            anomalies.sort_values("severity", ascending=False)
            .head(10)
            .to_html(index=False, float_format="{:.2f}".format)
        )
        more = f"<p>The 10 most severe of {len(anomalies)}.</p>" if len(anomalies) > 10 else ""
        names = "<code>.anomalies</code>, <code>.smoothed_error</code>, <code>.epsilon</code>"
        return f"{head} Next: {names}.</p>{table}{more}"


def detect(
    telemetry: npt.ArrayLike,
    prediction: npt.ArrayLike,
    params: TelemanomParams | None = None,
    breaks: Sequence[int] = (),
) -> Detection:
    """Find the anomaly sequences of a series from its one-step predictions.

    Parameters
    ----------
    telemetry : array_like, shape (n,)
        Raw test telemetry; NaN where a value is missing.
    prediction : array_like, shape (n - sequence_length - prediction_horizon,)
        Prediction of samples `sequence_length .. n - prediction_horizon - 1`.
    params : TelemanomParams, optional
        Telemanom's defaults where omitted. A least error that is a share of a range is one of the range of `telemetry`:
        pass `params.in_units(...)` where that of the training telemetry is known.
    breaks : sequence of int
        Samples with which the series begins anew, in rising order, see `workbench.telemetry.breaks`. Each stretch is
        judged as a series of its own; predictions from windows that reach across a break are not used.

    Returns
    -------
    Detection

    Raises
    ------
    DetectionError
        The arrays do not fit each other, hold infinite values or predictions that are NaN, or are too short for one
        window.

    Notes
    -----
    Equal to the reference on every series that it can judge. Two of its traits are kept: sequences of a
    single sample are dropped, and where the series is not a whole number of batches, the samples between the
    last two error windows (fewer than `batch_size`) are not judged. It ends with an error where no sample of
    a window is normal; here sequences then stay unpruned, and an error that never varies is no anomaly. With
    `lag_correction`, which the paper does not have, the bounds are those of the errors before smoothing.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> telemetry = random.normal(0, 0.01, 3000)
    >>> telemetry[2000:2050] += 1
    >>> detect(telemetry, np.zeros(2740)).anomalies[["start", "end"]].values.tolist()
    [[1914, 2197]]
    """
    params = params or TelemanomParams()
    values = np.asarray(telemetry, dtype=np.float64)
    error = prediction_error(values, prediction, params)
    params = params.in_units(value_range(values))
    if len(breaks):
        return _by_stretches(values, np.asarray(prediction), params, [0, *breaks, values.size])
    smoothed = smooth(error, params)
    targets = np.lib.stride_tricks.sliding_window_view(values[params.sequence_length :], params.prediction_horizon)[
        : error.size
    ]
    epsilon = np.empty_like(smoothed)
    flagged = np.zeros(smoothed.size, dtype=bool)
    scores: list[tuple[int, int, float]] = []
    for start, end, judged_from in error_windows(smoothed.size, params):
        window = smoothed[start:end]
        threshold, anomalous, mirror = judge_window(window, targets[start:end], judged_from, flagged[start:end], params)
        epsilon[start + (judged_from if start else 0) : end] = threshold
        if anomalous.size:
            flagged[start + anomalous] = True
            scores += severities(window, threshold, mirror, anomalous, start)
    _fill_unjudged(epsilon, params)
    anomalies = _sequences(flagged, scores, error, params)
    if params.lag_correction:
        anomalies = _without_lag(anomalies, error, smoothed, epsilon, params)
    return Detection(smoothed, epsilon, anomalies, error)


def _by_stretches(
    values: Floats, prediction: npt.NDArray[Any], params: TelemanomParams, bounds: list[int]
) -> Detection:
    """Detect in each stretch between two bounds, and join what it comes to."""
    around = params.sequence_length + params.prediction_horizon
    smoothed, epsilon, error = (np.full(prediction.size, np.nan) for _ in range(3))
    anomalies = []
    for start, end in pairwise(bounds):
        if end - start <= around:  # too short for a window and its horizon
            continue
        judged = slice(start, end - around)
        own = detect(values[start:end], prediction[judged], params)
        smoothed[judged], epsilon[judged], error[judged] = own.smoothed_error, own.epsilon, own.prediction_error
        anomalies.append(own.anomalies.assign(start=own.anomalies["start"] + start, end=own.anomalies["end"] + start))
    empty = pd.DataFrame({"start": pd.Series(dtype="int64"), "end": pd.Series(dtype="int64"), "severity": []})
    return Detection(smoothed, epsilon, pd.concat(anomalies, ignore_index=True) if anomalies else empty, error)


def value_range(telemetry: npt.ArrayLike) -> float:
    """Return the greatest less the least value of telemetry that are there; 0 where none is.

    Examples
    --------
    >>> value_range([1.0, float("nan"), 4.0])
    3.0
    """
    values = present_values(np.asarray(telemetry, dtype=np.float64))
    return float(np.ptp(values)) if values.size else 0.0


def judged_part(error: Floats, start: int, end: int) -> tuple[int, int] | None:
    """Return the bounds of a sequence without the samples at both ends that are not judged.

    Parameters
    ----------
    error : numpy.ndarray, shape (end - start + 1,), float64
        Prediction errors of its samples; NaN at those that are not judged.
    start, end : int
        Its bounds, both inclusive.

    Returns
    -------
    tuple of int or None
        None where fewer than two samples are left: a single sample is no sequence.
    """
    judged = np.flatnonzero(~np.isnan(error))
    return (start + int(judged[0]), start + int(judged[-1])) if judged.size > 1 else None


def error_windows(m: int, params: TelemanomParams) -> list[tuple[int, int, int]]:
    """Return the error windows of a series.

    Parameters
    ----------
    m : int
        Number of smoothed errors.
    params : TelemanomParams
        Detection parameters.

    Returns
    -------
    list of (int, int, int)
        Start and end (exclusive) of each window, and the first of its samples that is judged in it, counted from its
        start.
    """
    return [error_window(number, m, params) for number in range(last_window(m, params) + 1)]


def last_window(m: int, params: TelemanomParams) -> int:
    """Return the number of the last error window of a series of m errors, counted from 0."""
    return max(0, int((m - params.batch_size * params.window_size) / params.batch_size))


def error_window(number: int, m: int, params: TelemanomParams) -> tuple[int, int, int]:
    """Return one of the error windows of a series of m errors; see `error_windows`."""
    batch = params.batch_size
    start = number * batch
    end = m if number == last_window(m, params) else start + batch * params.window_size
    if number:
        return start, end, end - start - batch
    if m < _FEW_ERRORS:
        return start, end, 0
    return start, end, params.sequence_length if m < SETTLED_ERRORS else 2 * params.sequence_length


def judge_window(
    window: Floats,
    targets: Floats,
    judged_from: int,
    flagged: npt.NDArray[np.bool_],
    params: TelemanomParams,
) -> tuple[float, Indices, float]:
    """Judge one error window, by its high and by its unusually low errors.

    Parameters
    ----------
    window : numpy.ndarray, shape (w,), float64
        Smoothed errors of the window; NaN at samples that are not judged.
    targets : numpy.ndarray, shape (w, prediction_horizon), float64
        Telemetry that was predicted, for its spread; NaN where it is missing.
    judged_from : int
        First position that is judged in this window.
    flagged : numpy.ndarray, shape (w,), bool
        Samples that earlier windows flagged.
    params : TelemanomParams
        Detection parameters.

    Returns
    -------
    float
        Threshold of the window.
    numpy.ndarray, int64
        Anomalous positions in the window.
    float
        Threshold of the errors mirrored about their mean.
    """
    moments = Moments.of(window)
    epsilon = find_epsilon(window, moments, params)
    nothing = np.zeros(0, dtype=np.int64)
    lowest = moments.mean + moments.sd * params.z_min
    # Only errors within the buffer's reach of a judged sample can make it anomalous.
    near = present_values(window[max(0, judged_from - params.error_buffer) :])
    if not near.size:  # a window shorter than the quiet start, or nothing that is judged
        return epsilon, nothing, epsilon
    high = bool(near.max() >= epsilon)
    low = bool((moments.mean + (moments.mean - near.min())) >= lowest)
    if not (high or low) or moments.sd == 0:
        return epsilon, nothing, epsilon
    spread = Spread.of(targets)
    if not scale_matters(window, moments, spread, params.least_error):
        return epsilon, nothing, epsilon
    anomalous = judge(window, epsilon, spread, judged_from, flagged, params) if high else nothing
    if not low and not anomalous.size:
        return epsilon, nothing, epsilon
    mirrored = moments.mean + (moments.mean - window)
    mirror = find_epsilon(mirrored, moments, params)
    if low:
        anomalous = np.union1d(anomalous, judge(mirrored, mirror, spread, judged_from, flagged, params))
    return epsilon, anomalous, mirror


def severities(
    window: Floats, epsilon: float, mirror: float, anomalous: Indices, start: int
) -> list[tuple[int, int, float]]:
    """Return start, end (samples of the prediction) and severity score of each run of anomalous samples in a window."""
    moments = Moments.of(window)
    mirrored = moments.mean + (moments.mean - window)
    scale = moments.mean + moments.sd
    scores = []
    for first, last in zip(*(bound.tolist() for bound in runs(anomalous)), strict=True):
        part = slice(first, last + 1)
        above = np.fmax.reduce(np.abs(window[part] - epsilon)) / scale
        below = np.fmax.reduce(np.abs(mirrored[part] - mirror)) / scale
        scores.append((start + first, start + last, float(max(above, below))))
    return scores


def _fill_unjudged(epsilon: Floats, params: TelemanomParams) -> None:
    """Set the last window's threshold on the samples between the last two error windows."""
    windows = error_windows(epsilon.size, params)
    if len(windows) > 1:
        epsilon[windows[-2][1] :] = epsilon[-1]


def _sequences(
    flagged: npt.NDArray[np.bool_], scores: list[tuple[int, int, float]], error: Floats, params: TelemanomParams
) -> pd.DataFrame:
    first, last = runs(np.flatnonzero(flagged))
    rows = []
    for a, b in zip(first.tolist(), last.tolist(), strict=True):
        bounds = judged_part(error[a : b + 1], a, b)
        if bounds is not None:
            rows.append((*bounds, max(score for start, end, score in scores if start <= b and end >= a)))
    frame = pd.DataFrame(rows, columns=["start", "end", "severity"]).astype(
        {"start": "int64", "end": "int64", "severity": "float64"}
    )
    frame[["start", "end"]] += params.sequence_length
    return frame


def _without_lag(
    anomalies: pd.DataFrame, error: Floats, smoothed: Floats, epsilon: Floats, params: TelemanomParams
) -> pd.DataFrame:
    """Bound sequences by the errors that reached epsilon.

    They are looked for from half a smoothing span before a sequence, which is the mean age of what the EWMA averages.
    A sequence in which no two of them lie, or whose errors are anomalous because they are low, keeps its bounds;
    sequences that meet become one, as severe as the severer.
    """
    rows: list[list[float]] = []
    for start, end, severity in anomalies.to_numpy().tolist():
        a, b = int(start) - params.sequence_length, int(end) - params.sequence_length
        earliest = max(0, a - params.smoothing_span // 2)
        large = earliest + np.flatnonzero(error[earliest : b + 1] >= np.fmin.reduce(epsilon[a : b + 1]))
        if large.size > 1 and (smoothed[a : b + 1] >= epsilon[a : b + 1]).any():
            a, b = int(large[0]), max(int(large[-1]), a)
        if rows and a <= rows[-1][1] + 1:
            rows[-1][1:] = [max(rows[-1][1], b), max(rows[-1][2], severity)]
        else:
            rows.append([a, b, severity])
    bounded = pd.DataFrame(rows, columns=list(anomalies.columns)).astype(anomalies.dtypes)
    bounded[["start", "end"]] += params.sequence_length
    return bounded
