"""When anomalies were detected, by hand."""

import json

import numpy as np
import xarray as xr

from workbench.detection.alarm_samples import alarm_samples


def scored(reached, rows):
    """A score of samples 50 to 249 whose smoothed error reaches epsilon at some samples."""
    smoothed = np.where(np.isin(np.arange(50, 250), reached), 0.5, 0.1).astype(np.float32)
    series = {"smoothed_error": ("time", smoothed), "epsilon": ("time", np.full(200, 0.5, dtype=np.float32))}
    return xr.Dataset(series, {"sample": ("time", np.arange(50, 250))}, {"anomalies": json.dumps(rows)})


def test_a_forecast_alarms_where_the_error_reaches_epsilon_not_where_its_padding_begins():
    assert alarm_samples(scored([150, 151], [[100, 200, 3.0]]), 50) == [150]


def test_the_envelope_alarms_where_its_first_event_begins():
    step = [120, 130, "step", 121, 4.0, 2.0, 1.0]
    rise = [115, 140, "above", 130, 4.0, 2.0, 1.0]
    rows = [[115, 140, 4.0, "envelope", [rise, step]], [145, 200, 4.0, "both", [[170, 180, *step[2:]]]]]
    # At 118 the error reaches epsilon, in a sequence that was pruned: only the envelope has found the first anomaly.
    assert alarm_samples(scored([118, 160], rows), 50) == [115, 160]


def test_low_errors_alarm_at_the_latest_sample_that_can_be_meant():
    assert alarm_samples(scored([], [[100, 200, 1.0], [220, 230, 1.0]]), 50) == [150, 230]
