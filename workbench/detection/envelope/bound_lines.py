"""Where the bound of the envelope lies on the telemetry itself, so that a chart can show what was exceeded."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from workbench.detection.envelope.events import EnvelopeEvent
from workbench.detection.envelope.rows import anomaly_rows

__all__ = ["bound_lines", "event_bound_lines"]

_READ_BEFORE = 100  # samples in which the one before a step is looked for: some may be missing


def bound_lines(attributes: Mapping[str, Any], telemetry: xr.DataArray) -> pd.DataFrame:
    """Return the largest values, and steps, that the envelope would have let pass, as values of the telemetry.

    Parameters
    ----------
    attributes : mapping
        Attributes of a stored score.
    telemetry : xarray.DataArray, shape (n,)
        The test series that was judged; read only where something was exceeded.

    Returns
    -------
    pandas.DataFrame
        int `start`, `end` (first and last sample above the bound), float `value` in the units of the telemetry,
        `words`, and `label`, a few words for the line. One row for each event that is a value outside what was seen,
        or a step; the bound of a movement, a spread or a silence is no value of the telemetry.

    Examples
    --------
    >>> row = [5, 9, 2.0, "envelope", [[5, 9, "step", 5, 4.0, 1.5, 1.0]]]
    >>> telemetry = xr.DataArray([1.0] * 5 + [5.0] * 5, dims="time")
    >>> lines = bound_lines({"anomalies": f"[{row}]".replace("'", '"')}, telemetry)
    >>> lines.values.tolist()
    [[5, 9, 2.5, 'step 4.0 times the largest in training and since', 'bound of a step']]
    """
    return event_bound_lines((event for row in anomaly_rows(attributes) for event in row.events), telemetry)


def event_bound_lines(events: Iterable[EnvelopeEvent], telemetry: xr.DataArray) -> pd.DataFrame:
    """Return what `bound_lines` does, of events that are not stored.

    Parameters
    ----------
    events : iterable of EnvelopeEvent
        Events of the envelope, in samples of the series.
    telemetry : xarray.DataArray, shape (n,)
        The test series.
    """
    rows = [
        (
            event.start,
            event.end,
            value,
            event.words,
            "bound of a step" if event.feature == "step" else "bound of values",
        )
        for event in events
        if (value := _bound_value(event, telemetry)) is not None
    ]
    return pd.DataFrame(rows, columns=["start", "end", "value", "words", "label"])


def _bound_value(event: EnvelopeEvent, telemetry: xr.DataArray) -> float | None:
    """Return the value at the bound; None where the feature has none, or the series does not hold it any more."""
    if event.feature not in ("above", "below", "step") or event.end >= telemetry.sizes["time"]:
        return None
    *before, peak = telemetry.variable[max(0, event.peak_at - _READ_BEFORE) : event.peak_at + 1].values.tolist()
    falls = event.feature == "below"
    if event.feature == "step":
        present = [value for value in before if not np.isnan(value)]
        if not present:
            return None
        falls = peak < present[-1]
    excess = event.value - event.bound
    return float(peak + excess if falls else peak - excess)
