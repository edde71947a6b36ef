"""The error windows that found each anomaly, and the lower threshold where one was found from low errors."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.anomalies import Detection, error_windows, judge_window, value_range
from workbench.detection.applied import bounds_of, params_of
from workbench.detection.channel_errors import ChannelErrors
from workbench.detection.incremental import JudgedWindow
from workbench.detection.loud import LoudWindows
from workbench.detection.thresholds import Floats, Indices, Moments, Spread, judge
from workbench.parameters import TelemanomParams

__all__ = ["Finding", "evidence_in", "find_evidence", "lower_epsilon"]


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
    params = params.in_units(value_range(telemetry))
    anomalies = detection.anomalies[["start", "end"]].to_numpy().tolist()
    return _assigned(anomalies, _judged_windows(telemetry, detection, params), params)


def evidence_in(loud: LoudWindows) -> dict[tuple[int, int], list[Finding]]:
    """List the error windows that found each anomaly of a series, from its loud windows.

    Parameters
    ----------
    loud : LoudWindows
        Loud windows of the series.

    Returns
    -------
    dict
        As from `find_evidence`.
    """
    length = loud.params.sequence_length
    anomalies = [[row.start + length, row.end + length] for row in loud.rows]
    judged = (_judged(window, loud.params) for window in loud.windows() if window.anomalous.size)
    return _assigned(anomalies, judged, loud.params)


def _assigned(
    anomalies: list[list[int]], windows: Iterable["_Judged"], params: TelemanomParams
) -> dict[tuple[int, int], list[Finding]]:
    """Assign what windows flagged to the anomalies, which are apart and in order."""
    evidence: dict[tuple[int, int], list[Finding]] = {(start, end): [] for start, end in anomalies}
    ends = [end for _, end in anomalies]
    for judged in windows:
        offset = judged.start + params.sequence_length
        first, last = (offset + int(bound) for bound in (judged.anomalous[0], judged.anomalous[-1]))
        for start, end in anomalies[bisect_left(ends, first) :]:
            if start > last:
                break
            for low, positions in ((False, judged.high), (True, judged.low)):
                samples = positions + offset
                own = samples[(samples >= start) & (samples <= end)]
                if own.size:
                    evidence[start, end].append(_finding(judged, low, own, start, params))
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
    params = params_of(scored, params)
    if params.least_error_of == "range":  # a score that does not tell the range
        params = params.in_units(bounds_of(channel).size)
    m = channel.sizes["time"] - params.sequence_length - params.prediction_horizon
    loud = LoudWindows.of(ChannelErrors(channel, params, m, scored["prediction"].values), m, params)
    values = np.full(m, np.nan, dtype=np.float32)
    for findings in evidence_in(loud).values():
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
    anomalous: Indices
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
        yield _judged(
            JudgedWindow(start, judged_from, errors, targets[start:end], earlier, epsilon, mirror, anomalous), params
        )
        flagged[start + anomalous] = True


def _judged(window: JudgedWindow, params: TelemanomParams) -> _Judged:
    """Part what a window flagged into that from high and that from low errors."""
    errors, earlier, judged_from = window.errors, window.flagged, window.judged_from
    moments = Moments.of(errors)
    spread = Spread.of(window.targets)
    mirrored = moments.mean + (moments.mean - errors)
    anomalous = window.anomalous
    high = np.intersect1d(judge(errors, window.threshold, spread, judged_from, earlier, params), anomalous)
    low = np.intersect1d(judge(mirrored, window.mirror, spread, judged_from, earlier, params), anomalous)
    return _Judged(window.start, errors, moments, window.threshold, window.mirror, anomalous, high, low)


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
