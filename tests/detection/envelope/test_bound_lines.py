"""The bound of the envelope on the telemetry, by hand: telemetry of 0 and 1, whose steps and range may grow by 0.31."""

import numpy as np
import pytest
import xarray as xr

from workbench.detection.envelope import bound_lines, fit_envelope
from workbench.detection.envelope.rows import AnomalyRow, rows_text

TRAIN = np.tile([0.0, 1.0], 300)  # the largest step is 1, so is the range: 0.3 of it, and 0.01 of the range


def _lines(test, shown=None):
    events = fit_envelope(TRAIN).find(test, follows_training=True)
    row = AnomalyRow(0, test.size - 1, 1.0, "envelope", tuple(events))
    lines = bound_lines({"anomalies": rows_text([row])}, xr.DataArray(test if shown is None else shown, dims="time"))
    return {event.feature for event in events}, lines


@pytest.mark.parametrize(
    ("jump", "step", "outside"),
    [(4.0, 1 + 1.31, 0 + 1.31), (-5.0, 1 - 1.31, 1 - 1.31)],
    ids=["from 1 to 4", "from 1 to -5"],
)
def test_the_line_lies_where_a_value_would_just_have_passed(jump, step, outside):
    test = TRAIN.copy()
    test[400:] += jump
    _, lines = _lines(test)
    drawn = {row["words"].split()[0]: row for row in lines.to_dict(orient="records")}
    assert set(drawn) == {"step", "distance"}
    assert (drawn["step"]["start"], drawn["step"]["value"]) == (400, pytest.approx(step))
    assert (drawn["distance"]["start"], drawn["distance"]["value"]) == (400, pytest.approx(outside))


def test_a_step_after_missing_samples_is_measured_from_the_last_one_there_was():
    test = TRAIN.copy()
    test[400:] += 4
    test[398:400] = np.nan
    _, lines = _lines(test)
    step = lines[lines["words"].str.startswith("step")]
    assert step["value"].tolist() == [pytest.approx(1 + 1.31)], "sample 397 is 1"


def test_silence_has_no_line_and_what_the_series_lost_neither():
    test = TRAIN.copy()
    test[300:500] = 1.0
    features, lines = _lines(test)
    assert "stuck" in features
    assert lines.empty
    assert _lines(TRAIN + 9.0, shown=np.zeros(0))[1].empty


def test_an_event_whose_end_the_series_lost_has_no_line():
    test = TRAIN.copy()
    test[400:] += 4
    whole = _lines(test)[1]
    assert (whole["start"].min(), whole["end"].max() >= 420) == (400, True)
    lines = _lines(test, shown=test[:420])[1]
    assert (lines["end"] < 420).all(), "no chart has a time for sample 420"
