"""When the anomalies of a score were detected, which is later than where they begin."""

import numpy as np
import xarray as xr

from workbench.detection.envelope.rows import anomaly_rows

__all__ = ["alarm_samples"]


def alarm_samples(scored: xr.Dataset, error_buffer: int) -> list[int]:
    """Return the sample at which each anomaly of a score was detected, the earliest at which it could alarm.

    Parameters
    ----------
    scored : xarray.Dataset
        A score, as `workbench.detection.scoring.score` returns it.
    error_buffer : int
        Samples that the threshold adds on each side of an anomalous error.

    Returns
    -------
    list of int
        Samples of the test series, in the order of the anomalies: the first of an anomaly at which the smoothed error
        reaches epsilon, or an event of the envelope begins. Where an anomaly is that errors are low, the smoothed error
        reaches nothing: it is the sample `error_buffer` after the first, or the last.

    Notes
    -----
    Telemanom's sequences begin up to `error_buffer` samples before the error that is anomalous, and `lag_correction`
    lets them begin with the error before smoothing. Both say where something began, and nothing could alarm there yet.
    """
    first = int(scored["sample"].variable[0])
    reached = first + np.flatnonzero(scored["smoothed_error"].values >= scored["epsilon"].values)
    samples = []
    for row in anomaly_rows(scored.attrs):
        candidates = [event.start for event in row.events]
        if row.found_by != "envelope":
            place = int(np.searchsorted(reached, row.start))
            candidates += reached[place : place + 1][reached[place : place + 1] <= row.end].tolist()
        samples.append(min(candidates, default=min(row.start + error_buffer, row.end)))
    return samples
