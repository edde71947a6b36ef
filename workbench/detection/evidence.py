"""The error windows that found each anomaly, and the lower threshold where one was found from low errors."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.anomalies import Detection, detect, error_windows, judge_window
from workbench.detection.applied import params_of
from workbench.detection.thresholds import Floats, Indices, Moments, Spread, judge
from workbench.parameters import TelemanomParams

__all__ = ["Finding", "find_evidence", "lower_epsilon"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one error window found of one anomaly, from high errors or from unusually low ones.

    All positions are samples of the test series, first and last inclusive.

    Attributes
    ----------
    window : tuple of int
        First and last sample of the error window.
    flagged_span : tuple of int
        First and last sample that the window added to the anomaly.
    low : bool
        Whether it was found from unusually low errors, by the threshold of the errors mirrored about their mean.
    z : float
        Distance of the threshold from the mean, in standard deviations of the window's smoothed errors.
    epsilon : float
        The threshold in units of the telemetry; where `low`, errors at or below it were unusual.
    left_at : int
        First sample beyond the threshold.
    peak_at : int
        Sample of the error that lies farthest beyond it. Both can lie up to `error_buffer` samples before the
        anomaly, where an earlier error window, with a higher threshold, judged them normal; and as many after it
        with `lag_correction`, which ends an anomaly before the smoothed error falls.
    peak : float
        Smoothed error there, in units of the telemetry.
    distance : float
        Distance of the peak from the mean, in standard deviations; at least `z`.
    """

    window: tuple[int, int]
    flagged_span: tuple[int, int]
    low: bool
    z: float
    epsilon: float
    left_at: int
    peak_at: int
    peak: float
    distance: float


def find_evidence(
    telemetry: npt.ArrayLike, detection: Detection, params: TelemanomParams
) -> dict[tuple[int, int], list[Finding]]:
    """List the error windows that found each anomaly.

    Parameters
    ----------
    telemetry : array_like, shape (n,)
        Raw test telemetry.
    detection : Detection
        What `detect` found in it with the same parameters.
    params : TelemanomParams
        Detection parameters.

    Returns
    -------
    dict
        By start and end of the anomaly, in order; never an empty list.
    """
    params = params.in_units(float(np.ptp(np.asarray(telemetry, dtype=np.float64))))
    offset = params.sequence_length
    evidence: dict[tuple[int, int], list[Finding]] = {
        (start, end): [] for start, end in detection.anomalies[["start", "end"]].to_numpy().tolist()
    }
    for judged in _judged_windows(telemetry, detection, params):
        for (start, end), findings in evidence.items():
            for low, positions in ((False, judged.high), (True, judged.low)):
                samples = positions + judged.start + offset
                own = samples[(samples >= start) & (samples <= end)]
                if own.size:
                    findings.append(_finding(judged, low, own, start, params))
    return evidence


def lower_epsilon(channel: xr.Dataset, scored: xr.Dataset, params: TelemanomParams) -> xr.DataArray:
    """Return the lower threshold where it found something.

    Parameters
    ----------
    channel : xarray.Dataset
        Test split.
    scored : xarray.Dataset
        Its score: `prediction` over `time`.
    params : TelemanomParams
        Parameters of the preset by which it was scored.

    Returns
    -------
    xarray.DataArray
        Over the score's `time`, float32, in units of the telemetry: at or below it the smoothed error was unusually
        low. NaN where no anomaly was found from low errors. `errors_figure` draws it where the score holds it as
        `lower_epsilon`.

    Raises
    ------
    DetectionError
        Score and series do not fit each other.
    """
    telemetry = channel["telemetry"].values
    params = params_of(scored, params)
    detection = detect(telemetry, scored["prediction"].values, params)
    values = np.full(detection.smoothed_error.size, np.nan, dtype=np.float32)
    for findings in find_evidence(telemetry, detection, params).values():
        for finding in findings:
            if finding.low:
                first, last = (sample - params.sequence_length for sample in finding.flagged_span)
                values[first : last + 1] = finding.epsilon
    return xr.DataArray(values, coords=scored["prediction"].coords, dims="time", attrs=scored["prediction"].attrs)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A window that found something: its errors, thresholds, and the positions flagged by either threshold."""

    start: int
    errors: Floats
    moments: Moments
    epsilon: float
    mirror: float
    high: Indices
    low: Indices


def _judged_windows(telemetry: npt.ArrayLike, detection: Detection, params: TelemanomParams) -> Iterator[_Judged]:
    values = np.asarray(telemetry, dtype=np.float64)[params.sequence_length :]
    smoothed = detection.smoothed_error
    targets = np.lib.stride_tricks.sliding_window_view(values, params.prediction_horizon)[: smoothed.size]
    flagged = np.zeros(smoothed.size, dtype=bool)
    for start, end, judged_from in error_windows(smoothed.size, params):
        errors, earlier = smoothed[start:end], flagged[start:end]
        epsilon, anomalous, mirror = judge_window(errors, targets[start:end], judged_from, earlier, params)
        if not anomalous.size:
            continue
        moments = Moments.of(errors)
        percent_95, percent_5 = np.percentile(targets[start:end], [95, 5])
        spread = Spread(float(np.std(targets[start:end])), float(percent_95 - percent_5))
        mirrored = moments.mean + (moments.mean - errors)
        high = np.intersect1d(judge(errors, epsilon, spread, judged_from, earlier, params), anomalous)
        low = np.intersect1d(judge(mirrored, mirror, spread, judged_from, earlier, params), anomalous)
        yield _Judged(start, errors, moments, epsilon, mirror, high, low)
        flagged[start + anomalous] = True


def _finding(judged: _Judged, low: bool, own: Indices, start: int, params: TelemanomParams) -> Finding:
    """Describe what a window found; `own` are the samples it flagged, `start` where the anomaly begins."""
    offset = judged.start + params.sequence_length
    moments = judged.moments
    mirrored = moments.mean + (moments.mean - judged.errors)
    errors, threshold = (mirrored, judged.mirror) if low else (judged.errors, judged.epsilon)
    first = max(int(own[0]) - offset - params.error_buffer, 0)
    last = int(own[-1]) - offset + params.error_buffer  # beyond its own samples only where the lag was taken off
    beyond = first + np.flatnonzero(errors[first : last + 1] >= threshold)
    inside = beyond[beyond >= start - offset]
    beyond = inside if inside.size else beyond
    peak = int(beyond[errors[beyond].argmax()])
    return Finding(
        window=(offset, offset + judged.errors.size - 1),
        flagged_span=(int(own[0]), int(own[-1])),
        low=low,
        z=round((threshold - moments.mean) / moments.sd, 6),
        epsilon=moments.mean - (threshold - moments.mean) if low else threshold,
        left_at=offset + int(beyond[0]),
        peak_at=offset + peak,
        peak=float(judged.errors[peak]),
        distance=float(errors[peak] - moments.mean) / moments.sd,
    )
