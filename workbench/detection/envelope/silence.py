"""How long a silence lasts: an event ends after 100 samples, what it tells of may go on."""

from dataclasses import replace

import numpy as np
import xarray as xr

from workbench.detection.envelope.events import EnvelopeEvent
from workbench.detection.envelope.rows import AnomalyRow

__all__ = ["is_frozen", "whole_silence"]

_SILENT = ("stuck", "calm150", "quiet150")
_STUCK = "stuck"
_BLOCK = 65_536  # samples that are read at once


def whole_silence(anomaly: AnomalyRow, telemetry: xr.Variable, unchanged: float) -> AnomalyRow:
    """Return an anomaly whose time without a change is as long as the telemetry says, and begins with its event.

    Parameters
    ----------
    anomaly : AnomalyRow
        An anomaly of a score.
    telemetry : xarray.Variable, dims (time,)
        The series in which it lies, of which no more is read than needed.
    unchanged : float
        Largest step that is no change; see `workbench.detection.applied.unchanged_step`.
    """

    def whole(event: EnvelopeEvent) -> EnvelopeEvent:
        if event.feature != _STUCK:
            return event
        more = _unchanged_after(telemetry, event.peak_at, unchanged)[0]
        return replace(event, value=event.value + more, peak_at=event.start)

    if not any(event.feature == _STUCK for event in anomaly.events):
        return anomaly
    return replace(anomaly, events=tuple(map(whole, anomaly.events)))


def is_frozen(anomaly: AnomalyRow, telemetry: xr.Variable, unchanged: float) -> bool:
    """Return whether an anomaly is a silence in which the telemetry has not changed up to its last sample."""
    silent = [event for event in anomaly.events if event.feature in _SILENT]
    return bool(silent) and _unchanged_after(telemetry, max(event.end for event in silent), unchanged)[1]


def _unchanged_after(telemetry: xr.Variable, sample: int, unchanged: float) -> tuple[int, bool]:
    """Count the samples with a value that follow a sample before the next change, and say whether none comes."""
    count, last = 0, np.nan
    for start in range(sample, telemetry.size, _BLOCK):
        values = np.asarray(telemetry[start : start + _BLOCK].values, dtype=np.float64)
        values = values[~np.isnan(values)]
        if not values.size:
            continue
        changed = np.abs(np.diff(values, prepend=values[0] if np.isnan(last) else last)) > unchanged
        if changed.any():
            return max(0, count + int(changed.argmax()) - 1), False
        count, last = count + values.size, values[-1]
    return max(0, count - 1), True
