"""The envelope as a part of a score: joined with the threshold, gone on from, explained in words."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.detection.test_continuing import check_cuts, wave, with_gaps
from workbench.detection.anomalies import detect
from workbench.detection.applied import params_of
from workbench.detection.continuing import complete_rows, continue_score
from workbench.detection.envelope import (
    FEATURES,
    MARGINS,
    AnomalyRow,
    EnvelopeEvent,
    EnvelopeStream,
    anomaly_rows,
    fit_envelope,
    join,
)
from workbench.detection.envelope.clearing import EnvelopeClearing
from workbench.detection.envelope.course import follows_training, judge_envelope, stream_at_end
from workbench.detection.explanation import explain
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.ridge import RidgeForecaster
from workbench.detection.scoring import anomalies_to_alert, anomaly_frame, first_judged, score
from workbench.detection.streaming import StreamingDetector
from workbench.maintenance.alerts.findings import anomaly_findings
from workbench.maintenance.alerts.verdicts import would_raise
from workbench.maintenance.options import AlertOptions
from workbench.parameters import SeverityLevels, TelemanomParams
from workbench.settings import Settings
from workbench.telemetry.attributes import ENVELOPE_FEATURES, check_score
from workbench.telemetry.schema import make_channel

FIXED = TelemanomParams(least_error_of="range", lag_correction=True, envelope="fixed")
LEVELS = SeverityLevels()
MINUTE = np.timedelta64(60, "s")
START = np.datetime64("2026-01-01", "ns")


def quiet(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.5, n) + np.sin(np.arange(n) / 30)


def split(values: np.ndarray, first: int, units: str = "V", missing: Sequence[int] = ()) -> xr.Dataset:
    """Return a split of X-1 whose first sample is that many minutes after the start."""
    values = values.copy()
    values[list(missing)] = np.nan
    time = START + (first + np.arange(values.size)) * MINUTE
    return make_channel(values, time=time, channel="X-1", asset="X", units=units, dtype=np.float64)


def scored_with(train: xr.Dataset, test: xr.Dataset, params: TelemanomParams = FIXED) -> xr.Dataset:
    scored = score(test, [PersistenceForecaster().fit(train)], params, train)
    scored.attrs["model"] = "X-1.persistence/1"
    return scored


def with_step(values: np.ndarray) -> np.ndarray:
    values[1500:] += 30
    return values


def with_spike(values: np.ndarray) -> np.ndarray:
    values[1500] += 25
    return values


def with_silence(values: np.ndarray) -> np.ndarray:
    values[1500:1900] = values[1500]
    return values


def with_drift(values: np.ndarray) -> np.ndarray:
    values[1500:] += np.linspace(0, 60, values.size - 1500)
    return values


FAULTS = {
    "step": (with_step, {"step", "above", "travel20", "spread20"}, (1500, 1500)),
    "spike": (with_spike, {"step", "above", "travel20", "spread20"}, (1500, 1500)),
    "silence": (with_silence, {"stuck", "calm150", "quiet150"}, (1500, 1650)),
    "drift": (with_drift, {"above"}, (1500, 2000)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_explained_in_words(fault):
    change, features, (earliest, latest) = FAULTS[fault]
    train, test = split(quiet(2000, 1), 0), split(change(quiet(3000, 2)), 2000)
    scored = scored_with(train, test)
    anomalies = anomaly_frame(scored.attrs, LEVELS)
    by_envelope = anomalies[anomalies["found_by"] != "forecast"]
    assert len(by_envelope) >= 1
    (first, *_) = by_envelope.to_dict("records")
    row = next(one for one in anomaly_rows(scored.attrs) if one.events)
    assert earliest <= row.events[0].start <= latest
    assert row.main_event.feature in features
    assert first["words"].endswith(("in training and since", "samples"))
    table = explain(test, scored, FIXED, "workbench", LEVELS, None, train)
    columns = ["start", "end", "severity", "level", "found_by"]
    assert table[columns].equals(anomalies[columns])
    if fault == "silence":  # counted to its end: 400 equal values are 399 that repeat the one before
        assert table["words"].iloc[0].startswith("unchanged for 399 samples")
    else:
        assert table["words"].equals(anomalies["words"])
    row = table[table["found_by"] != "forecast"].iloc[0]
    assert f"what it had not done before at sample {row['feature_at']:,} (2026-01-0" in row["text"]
    assert row["text"].endswith((f"{row['words']}.", "not judged."))


def test_the_joined_anomalies_are_those_of_threshold_and_envelope():
    train, test = wave(1200, 1), with_gaps(wave(6100, 2))
    values = test["telemetry"].values
    values[3300] += 60
    values[5000:5400] = values[4999]
    scored = score(test, [RidgeForecaster().fit(train)], FIXED, train)
    sequences = detect(values, scored["prediction"].values, params_of(scored, FIXED)).anomalies
    events = fit_envelope(train["telemetry"].values, "fixed").find(values, follows_training=False)
    expected = [AnomalyRow.of(anomaly) for anomaly in join(events, sequences)]
    assert anomaly_rows(scored.attrs) == expected
    assert {row.found_by for row in expected} >= {"both", "envelope"}
    assert json.loads(scored.attrs["forecast_anomalies"]) == sequences.to_numpy().tolist()


def test_the_paper_knows_no_envelope():
    train, test = wave(1200, 1), wave(6100, 2)
    params = Settings(home="fleet").presets["paper"]
    assert params.envelope == "none"
    scored = scored_with(train, test, params)
    assert "forecast_anomalies" not in scored.attrs
    detected = detect(test["telemetry"].values, scored["prediction"].values, params).anomalies
    assert json.loads(scored.attrs["anomalies"]) == detected.to_numpy().tolist() != []
    frame = anomaly_frame(scored.attrs, LEVELS)
    assert set(frame["found_by"]) == {"forecast"}
    assert set(frame["words"]) == {""}


def test_the_preset_workbench_judges_by_twice_the_record():
    assert Settings(home="fleet").presets["workbench"].envelope == "fixed"


@pytest.mark.parametrize("follows", [False, True])
@pytest.mark.parametrize("margins", MARGINS)
def test_parts_are_the_whole(follows, margins):
    train = split(quiet(1200, 1), 0)
    values = quiet(6100, 2)
    for at, size in ((40, 1), (700, 60), (2960, 90), (3100, 1), (5000, 900)):
        values[at : at + size] += 30
    test = split(values, 1200 if follows else 9000, missing=[*range(2980, 3040), 4400, 5100])
    params = FIXED.model_copy(update={"envelope": margins, "envelope_width": 0.8})
    cuts = [300, 2970, 3005, 3130, 5050]
    keeps = check_cuts(test, [PersistenceForecaster().fit(train)], params, train, cuts)
    assert all(keeps[2:])


def test_the_state_is_small_however_long_the_series():
    train, test = wave(1200, 1), wave(6100, 2)
    state = json.loads(scored_with(train, test).attrs["detection_state"])["envelope"]
    assert len(json.dumps(state)) < 2500


@pytest.mark.parametrize("power", [-9, -3, 3, 6])
def test_units_and_offsets_change_no_anomaly(power):
    train, values = quiet(1500, 1), quiet(3500, 2)
    values[1500] += 25
    values[2000:2400] = values[2000]
    values[3000:] -= 12
    plain = scored_with(split(train, 0), split(values, 1500))
    scaled = scored_with(split((train + 4) * 10.0**power, 0), split((values + 4) * 10.0**power, 1500))
    columns = ["start", "end", "level", "found_by"]
    one, other = (anomaly_frame(each.attrs, LEVELS)[columns] for each in (plain, scaled))
    pd.testing.assert_frame_equal(one, other)
    assert len(one) >= 3


def test_missing_samples_neither_feed_nor_break_it():
    train = split(quiet(1500, 1), 0)
    values = quiet(3000, 2)
    values[1500] += 25
    test = split(values, 9000)
    gaps = split(np.insert(values, 1200, [np.nan] * 80), 9000, missing=range(1200, 1280))
    one, other = (judge_envelope(each, train, FIXED).events for each in (test, gaps))
    assert [event.start + 80 for event in one] == [event.start for event in other] != []
    assert [event.value for event in one] == [event.value for event in other]


@pytest.mark.parametrize(
    ("last", "first", "expected"),
    [(99, 100, True), (99, 101, False), (99, 99, False), (99, 0, False)],
)
def test_a_test_series_follows_where_its_first_sample_is_the_next(last, first, expected):
    train = split(np.zeros(100), last - 99)
    assert follows_training(train, split(np.zeros(5), first)) is expected
    numbers = make_channel(np.zeros(5), channel="X-1", asset="X")
    assert not follows_training(train, numbers)


def test_what_follows_the_training_is_judged_from_the_first_sample():
    train, values = quiet(2000, 1), quiet(3000, 2)
    values[7] += 25
    here, later = (scored_with(split(train, 0), split(values, first)) for first in (2000, 2002))
    (row,) = anomaly_rows(here.attrs)
    assert (row.start, row.found_by) == (7, "envelope")
    assert (first_judged(here), first_judged(later)) == (0, 250)
    assert anomaly_rows(later.attrs) == []


def test_an_event_is_certain_as_soon_as_it_begins_and_final_once_it_has_ended():
    train, values = split(quiet(2000, 1), 0), quiet(4000, 2)
    values[3500] += 25
    forecasters = [PersistenceForecaster().fit(train)]
    earlier = None
    for length, final in ((3501, 3499), (3540, 3499), (3700, None)):
        test = split(values[:length], 2000)
        scored = continue_score(test, forecasters, FIXED, train, earlier).scored
        scored.attrs["grows"] = 1
        (row,) = [one for one in anomaly_rows(scored.attrs) if one.events]
        (frame,) = [anomaly_frame(scored.attrs, LEVELS)]
        assert not frame.loc[frame["start"] == row.start, "provisional"].any()
        assert row in complete_rows(scored.attrs)[1] or row.found_by == "both"
        assert (scored.attrs["final_samples"] <= final) if final else (scored.attrs["final_samples"] > row.end)


def test_a_short_series_that_grows_raises_what_the_envelope_finds():
    train, values = split(quiet(2000, 1), 0), quiet(700, 2)
    values[450] += 25
    scored = scored_with(train, split(values, 2000))
    scored.attrs["grows"] = 1
    last, anomalies = anomalies_to_alert(scored, LEVELS)
    assert last == 699
    assert anomalies["start"].tolist() == [450]
    assert not anomalies["provisional"].any()


def test_an_alert_says_what_the_telemetry_did_and_by_how_much():
    train, values = split(quiet(2000, 1), 0), quiet(3000, 2)
    values[100] += 25
    test = split(values, 2000)
    scored = scored_with(train, test)
    anomalies = anomaly_frame(scored.attrs, LEVELS)
    (finding,) = anomaly_findings(test, scored, anomalies)
    (row,) = anomaly_rows(scored.attrs)
    event = row.main_event
    assert (finding.value, finding.threshold, finding.units) == (event.value, event.bound, "V")
    assert finding.message == f"X-1 did at 2026-01-02 11:00 UTC what it had not done before: {event.words}."
    assert event.words.endswith("times the largest in training and since")
    patient = AlertOptions(on_delay=finding.samples + 1)
    assert finding.at_once, "a spike is short"
    assert would_raise(anomalies, patient)["start"].tolist() == [100]
    assert would_raise(anomalies.drop(columns="found_by"), patient).empty


def test_the_width_that_clears_an_anomaly_does_and_one_below_does_not():
    train, test = split(quiet(2000, 1), 0), split(with_spike(quiet(3000, 2)), 2000)
    (row,) = [one for one in anomaly_rows(scored_with(train, test).attrs) if one.events]
    width = EnvelopeClearing(test, train, FIXED).least_width(row)
    assert width is not None
    for tried, cleared in ((width, True), (width - 0.1, False)):
        params = FIXED.model_copy(update={"envelope_width": tried})
        assert (judge_envelope(test, train, params).events == ()) is cleared


def test_a_stream_exceeds_the_envelope_where_the_whole_series_does():
    params = FIXED.model_copy(update={"sequence_length": 5, "prediction_horizon": 1})
    train, values = split(quiet(400, 1), 0), quiet(500, 2)
    values[300] += 25
    test = split(values, 400)
    forecaster = PersistenceForecaster(sequence_length=5, prediction_horizon=1).fit(train)
    detector = StreamingDetector(forecaster, params, train, follows_training=True)
    decisions = [detector.push(np.array([value])) for value in values]
    spans = [(event.start, event.end) for event in judge_envelope(test, train, params).events]
    covered = {at for start, end in spans for at in range(start, end + 1)}
    exceeded = [one.sample for one in decisions if one.exceeded]
    assert {300} <= set(exceeded) <= covered
    assert all(decisions[at].anomalous for at in exceeded)


def test_rows_of_earlier_releases_are_read():
    attributes = {"anomalies": json.dumps([[3.0, 9.0, 2.5]])}
    assert anomaly_rows(attributes) == [AnomalyRow(3, 9, 2.5)]
    frame = anomaly_frame(attributes, LEVELS)
    assert frame[["found_by", "words"]].values.tolist() == [["forecast", ""]]


def test_events_of_a_stored_score_are_checked():
    assert set(FEATURES) == ENVELOPE_FEATURES
    event = [3, 9, "step", 4, 5.0, 3.0, 1.0]
    check_score({"anomalies": json.dumps([[3.0, 9.0, 2.5, "both", [event]]])})
    for broken in (
        [3.0, 9.0, 2.5, "envelope"],
        [3.0, 9.0, 2.5, "envelope", []],
        [3.0, 9.0, 2.5, "nobody", [event]],
        [3.0, 9.0, 2.5, "both", [[3, 9, "stop", *event[3:]]]],
        [3.0, 9.0, 2.5, "both", [[3, 9, "step", 4, 5.0, "3", 1.0]]],
        [3.0, 9.0, 2.5, "both", [[-3, *event[1:]]]],
    ):
        with pytest.raises((ValueError, TypeError)):
            check_score({"anomalies": json.dumps([broken])})


def test_one_scale_of_severity():
    at = {margins: EnvelopeEvent(0, 0, "step", 0, 1 + margins, 2.0, 1.0).severity for margins in (1, 2, 4, 2**20)}
    assert at == {1: 1.0, 2: 3.0, 4: 5.0, 2**20: 32.0}
    assert LEVELS.level(EnvelopeEvent(0, 0, "above", 0, 5.0, 1e-6, 0.0).severity) == "high"
    silent = EnvelopeEvent(0, 0, "calm150", 0, value=1.0, bound=8.0, record=16.0)
    assert silent.severity == pytest.approx(5.0), "four margins of log 2"


@pytest.mark.parametrize("stored", [120, 399, 1_900])
@pytest.mark.parametrize("gap", [0, 500])
def test_a_stream_goes_on_from_a_score_as_from_the_whole_series(stored: int, gap: int) -> None:
    values = with_step(quiet(2_600, 5))
    train, test = split(values[:600], 0), split(values[600:], 600 + gap, missing=[40, 41, 1_950])
    earlier = judge_envelope(test.isel(time=slice(0, stored)), train, FIXED).state
    whole = stream_at_end(test.isel(time=slice(0, 1_900)), train, FIXED)
    gone_on = stream_at_end(test.isel(time=slice(0, 1_900)), train, FIXED, earlier)
    one_by_one = EnvelopeStream(whole.envelope, follows_training=gap == 0)
    telemetry = test["telemetry"].values.tolist()
    for value in telemetry[:1_900]:
        one_by_one.update(value)
    for value in telemetry[1_900:]:
        decisions = [stream.update(value) for stream in (whole, gone_on, one_by_one)]
        assert decisions[0] == decisions[1] == decisions[2]
    assert whole.state() == gone_on.state() == one_by_one.state()
