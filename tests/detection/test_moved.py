"""A score of a series that has other rows now lies at the moments that it is about."""

import json

import numpy as np
import pytest
import xarray as xr

from workbench.detection.moved import score_on
from workbench.detection.scoring import anomaly_frame
from workbench.parameters import SeverityLevels

START = np.datetime64("2026-01-01", "ns")


def at(minutes):
    return START + np.asarray(minutes) * np.timedelta64(60, "s")


@pytest.fixture
def scored():
    """The score of the minutes 5 to 16 of a series with a sample at each minute from 0 to 19."""
    minutes = np.arange(5, 17)
    complete = {"samples": 18, "same": 1, "rows": [[14, 14, 0.1]]}
    return xr.Dataset(
        {"prediction": ("time", minutes.astype(np.float32), {"units": "K"})},
        {"time": at(minutes), "sample": ("time", minutes)},
        {
            "anomalies": json.dumps([[7, 9, 0.5], [14, 16, 0.2]]),
            "complete": json.dumps(complete),
            "detection_state": "{}",
            "grows": 1,
        },
    )


def rows(score):
    return anomaly_frame(score.attrs, SeverityLevels())[["start", "end", "provisional"]].values.tolist()


def test_rows_that_are_the_same_leave_the_score_as_it_is(scored):
    assert score_on(scored, at(range(20))) is scored
    assert score_on(scored, at(range(90))) is scored, "samples that come behind change no row"


def test_samples_in_front_move_it(scored):
    moved = score_on(scored, at(range(-3, 20)))
    assert moved["sample"].values.tolist() == list(range(8, 20))
    assert moved["prediction"].values.tolist() == scored["prediction"].values.tolist()
    assert moved["prediction"].attrs == {"units": "K"}
    assert rows(moved) == [[10, 12, False], [17, 19, False]]
    assert "detection_state" not in moved.attrs, "no score can go on from it"


def test_samples_inside_are_not_scored_and_those_that_are_gone_fall_out(scored):
    times = np.sort(np.concatenate([at([*range(8), *range(9, 20)]), START + np.array([450, 930], "m8[s]")]))
    moved = score_on(scored, times)  # 7 min 30 s and 15 min 30 s come to it, minute 8 is gone
    assert moved["sample"].values.tolist() == list(range(5, 18))
    expected = [5, 6, 7, np.nan, *range(9, 16), np.nan, 16]
    np.testing.assert_array_equal(moved["prediction"].values, np.array(expected, dtype=np.float32))
    assert (moved["time"].values == times[5:18]).all()
    assert rows(moved) == [[7, 9, False], [14, 17, False]]


def test_a_score_of_other_samples_is_none(scored):
    assert score_on(scored, at(range(40, 60))) is None
    assert score_on(scored, np.arange(20)) is None
