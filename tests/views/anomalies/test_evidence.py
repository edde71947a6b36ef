"""The evidence of an alert, as it is written on the page."""

import pandas as pd
import pytest

from workbench.views.anomalies.evidence import evidence_markup

ALERT = {"id": 7, "kind": "model", "state": "unacknowledged", "message": "X-1 left its forecast.", "source": "m"}
HISTORY = pd.DataFrame({"time": [], "action": [], "who": [], "details": []})
WORDS = "step 3.4 times the largest in training and since"
WHY = {
    "text": f"X-1 did what it had not done before at sample 9: {WORDS}.",
    "words": WORDS,
    "feature": "step",
    "feature_value": 3.4,
    "feature_bound": 2.01,
    "feature_record": 1.0,
    "feature_at": 9,
    "units": "V",
    "smoothed_error": 1.5,
    "smoothed_error_at": 300,
    "distance": 4.5,
    "epsilon": 0.5,
    "z": 2.5,
    "window_start": 300,
    "window_end": 2399,
    "commands": "",
    "model": "X-1.ridge/1",
    "preset": "workbench",
}
ENVELOPE = f"<dt>envelope</dt><dd>{WORDS}: 3.4 V at sample 9; bound 2.01 V, record of training and since 1 V</dd>"
ERROR = "<dt>error</dt><dd>1.5 at sample 300, 4.5 standard deviations from the mean; threshold 0.5"


@pytest.mark.parametrize(
    ("found_by", "envelope", "error"), [("forecast", False, True), ("envelope", True, False), ("both", True, True)]
)
def test_evidence_says_what_found_the_anomaly_and_by_how_much(found_by, envelope, error):
    text = evidence_markup(ALERT, WHY | {"found_by": found_by}, HISTORY)
    assert (ENVELOPE in text, ERROR in text) == (envelope, error)
    assert "<dt>found by</dt>" in text


def test_a_time_without_change_is_in_samples():
    why = WHY | {"found_by": "envelope", "feature": "stuck", "feature_value": 120.0, "feature_bound": 80.0}
    assert "120 samples at sample 9; bound 80 samples" in evidence_markup(ALERT, why, HISTORY)
