"""Explanations of anomalies: what they say is what the detection does."""

import json
import re

import naive
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from workbench.detection import TelemanomParams, detect
from workbench.detection.channel_errors import ChannelErrors
from workbench.detection.clearing import Clearing
from workbench.detection.evidence import evidence_in, find_evidence, lower_epsilon
from workbench.detection.explanation import explain
from workbench.detection.loud import LoudWindows
from workbench.detection.scoring import anomaly_frame, score
from workbench.exceptions import DetectionError
from workbench.maintenance.alerts.findings import anomaly_findings
from workbench.parameters import Preset, SeverityLevels
from workbench.telemetry.schema import make_channel

PLAIN = TelemanomParams()
LAG = TelemanomParams(lag_correction=True, smoothing_fraction=0.07)
SHORT = TelemanomParams(
    sequence_length=9,
    prediction_horizon=3,
    batch_size=7,
    window_size=12,
    smoothing_fraction=0.2,
    error_buffer=6,
    lag_correction=True,
)
LEVELS = SeverityLevels()
N = 6200


class Given:
    """A forecaster that was told its predictions."""

    sequence_length, prediction_horizon, n_inputs, name = 250, 10, 4, "given"

    def __init__(self, prediction: np.ndarray) -> None:
        self.prediction = prediction

    def predict(self, channel: xr.Dataset) -> np.ndarray:
        return self.prediction


def a_channel(seed: int = 0, dated: bool = False) -> tuple[xr.Dataset, np.ndarray]:
    """A burst, and a stretch that is forecast better than usual; command 2 is on inside the burst."""
    random = np.random.default_rng(seed)
    prediction = np.sin(np.arange(N) / 60) / 2
    telemetry = prediction + random.normal(0, 0.1, N)
    telemetry[1500:1560] += 2
    telemetry[5400:5700] = prediction[5400:5700] + random.normal(0, 0.001, 300)
    commands = (random.random((N, 3)) < 0.01).astype(np.int8)
    commands[:, 2] = 0
    commands[1450:1600, 2] = 1
    time = np.datetime64("2026-01-01", "ns") + np.arange(N) * np.timedelta64(1, "m") if dated else None
    channel = make_channel(telemetry, commands, time=time, channel="X-1", asset="X", units="V")
    return channel, prediction[250 : N - 10].astype(np.float32)


def loud_windows(channel: xr.Dataset, prediction: np.ndarray, params: TelemanomParams) -> LoudWindows:
    return LoudWindows.of(ChannelErrors(channel, params, prediction.size, prediction), prediction.size, params)


def explained(params: TelemanomParams, **options: bool) -> tuple[xr.Dataset, np.ndarray, pd.DataFrame]:
    channel, prediction = a_channel(**options)
    return channel, prediction, explain(channel, score(channel, [Given(prediction)], params), params, "mine", LEVELS)


@pytest.mark.slow
@pytest.mark.parametrize("params", [PLAIN, LAG])
def test_each_anomaly_of_the_score_is_explained(params: TelemanomParams) -> None:
    channel, prediction, table = explained(params)
    scored = score(channel, [Given(prediction)], params)
    anomalies = anomaly_frame(scored.attrs, LEVELS)[["start", "end", "severity", "level"]]
    pd.testing.assert_frame_equal(table[["start", "end", "severity", "level"]], anomalies, check_exact=True)
    assert table["found_from"].tolist() == ["high errors", "unusually low errors"]
    ratio = r"\d\.\d times the threshold of its error window\."
    begins = f"X-1: from sample {table['left_at'][0]:,} on, the smoothed error is up to "
    assert re.fullmatch(re.escape(begins) + ratio, table["text"][0])
    assert "closer to its forecast than usual" in table["text"][1]
    assert table["commands"][0].startswith("command 2 on in ")
    assert set(table["preset"]) == {"mine"}
    assert set(table["units"]) == {"V"}


def test_what_clears_is_looked_for_only_where_asked() -> None:
    channel, prediction, table = explained(PLAIN)
    scored = score(channel, [Given(prediction)], PLAIN)
    first = tuple(table[["start", "end"]].iloc[0].tolist())
    some = explain(channel, scored, PLAIN, "mine", LEVELS, [first])
    assert some["clears"].tolist() == [table["clears"][0], ""]
    assert np.isnan(some["clear_z"][1])
    columns = [name for name in table if not name.startswith("clear")]
    pd.testing.assert_frame_equal(explain(channel, scored, PLAIN, "mine", LEVELS, [])[columns], table[columns])


def test_missing_samples_in_and_before_an_anomaly_are_told() -> None:
    channel, prediction = a_channel()
    table = explain(channel, score(channel, [Given(prediction)], PLAIN), PLAIN, "mine", LEVELS, [])
    start = int(table["start"][0])
    assert table["missing_samples"].tolist() == [0, 0] and "no value" not in table["text"][0]
    telemetry = channel["telemetry"].values.copy()
    telemetry[[start - 251, start - 250, start - 30, start + 1]] = np.nan
    gappy = channel.assign(telemetry=("time", telemetry, channel["telemetry"].attrs))
    scored = score(gappy, [Given(prediction)], PLAIN)
    row = explain(gappy, scored, PLAIN, "mine", LEVELS, []).iloc[0]
    missing = int(np.isnan(telemetry[row["start"] - 250 : row["end"] + 1]).sum())
    assert row["missing_samples"] == missing >= 3
    assert row["text"].endswith(f" {missing} samples in it, or in the 250 before it, have no value and are not judged.")
    findings = anomaly_findings(gappy, scored.assign_attrs(model="m"), anomaly_frame(scored.attrs, LEVELS))
    assert findings and all(np.isfinite([finding.value, finding.threshold]).all() for finding in findings)


def test_an_anomaly_is_named_by_its_moments_beside_its_rows() -> None:
    table = explained(PLAIN, dated=True)[2]
    start, end = table[["start", "end"]].iloc[0].tolist()
    expected = [f"{np.datetime64('2026-01-01T00:00:00') + np.timedelta64(60 * row, 's')}" for row in (start, end)]
    assert table[["start_at", "end_at"]].iloc[0].tolist() == expected
    assert explained(PLAIN)[2]["start_at"].tolist() == [str(row) for row in table["start"]]


@pytest.mark.parametrize("params", [PLAIN, LAG])
def test_the_figures_are_those_of_the_error_window_that_is_named(params: TelemanomParams) -> None:
    channel, prediction, table = explained(params)
    smoothed = detect(channel["telemetry"].values, prediction, params).smoothed_error
    error = np.abs(prediction - channel["telemetry"].values[250 : N - 10].astype(np.float64))
    for row in table.itertuples():
        window = smoothed[row.window_start - 250 : row.window_end - 250 + 1]
        mean, sd, sign = window.mean(), window.std(), -1 if row.found_from.startswith("unusually") else 1
        assert row.epsilon == pytest.approx(mean + sign * row.z * sd)
        assert row.smoothed_error == smoothed[row.smoothed_error_at - 250]
        assert row.distance == pytest.approx(sign * (row.smoothed_error - mean) / sd)
        assert row.distance >= row.z >= params.z_min
        assert row.ratio == pytest.approx(row.smoothed_error / row.epsilon)
        assert row.left_at <= row.smoothed_error_at
        part = error[row.start - 250 : row.end - 250 + 1]
        assert (row.prediction_error, row.prediction_error_at) == (part.max(), row.start + part.argmax())


@pytest.mark.slow
@pytest.mark.parametrize("params", [PLAIN, LAG])
def test_what_clears_an_anomaly_is_the_least_that_does(params: TelemanomParams) -> None:
    channel, prediction, table = explained(params)

    def found_with(row: object, **changed: float) -> bool:
        again = detect(channel["telemetry"].values, prediction, params.model_copy(update=changed)).anomalies
        return bool(((again["start"] <= row.end) & (again["end"] >= row.start)).any())

    for row in table.itertuples():
        steps = np.arange(params.z_min, params.z_max, params.z_step)[1:].tolist()
        clearing = [z for z in steps if not found_with(row, z_min=z)]
        assert row.clear_z == clearing[0] if clearing else np.isnan(row.clear_z)
        hundredths = [p / 100 for p in range(14, 100) if not found_with(row, min_decrease=p / 100)]
        assert row.clear_min_decrease == hundredths[0] if hundredths else np.isnan(row.clear_min_decrease)
        assert (f"z_min {row.clear_z:g} instead of 2.5" in row.clears) == bool(clearing)
        assert (f"min_decrease {row.clear_min_decrease:g} instead of 0.13" in row.clears) == bool(hundredths)
    assert table[["clear_z", "clear_min_decrease"]].notna().any().all(), "nothing was tested"


def test_an_anomaly_that_nothing_clears_says_so() -> None:
    channel, prediction = a_channel()
    params = TelemanomParams(z_min=2.5, z_max=3.0)
    clearing = Clearing(loud_windows(channel, prediction, params), 250)
    largest = (1500, 1559)
    assert clearing.least_z([largest]) == {largest: None}
    table = explain(channel, score(channel, [Given(prediction)], params), params, "mine")
    first = table.iloc[0]
    assert np.isnan(first["clear_z"])
    assert "level" not in table
    if np.isnan(first["clear_min_decrease"]):
        assert first["clears"] == "nothing within the settings range clears it"


@pytest.mark.parametrize("params", [PLAIN, LAG])
@pytest.mark.parametrize("seed", range(3))
def test_evidence_covers_what_was_flagged(params: TelemanomParams, seed: int) -> None:
    channel, prediction = a_channel(seed)
    telemetry = channel["telemetry"].values
    detection = detect(telemetry, prediction, params)
    evidence = find_evidence(telemetry, detection, params)
    assert list(evidence) == [tuple(pair) for pair in detection.anomalies[["start", "end"]].to_numpy().tolist()]
    for (start, end), findings in evidence.items():
        assert findings
        assert all(start <= item.flagged_span[0] <= item.flagged_span[1] <= end for item in findings)
        for item in findings:
            assert item.window[0] <= item.left_at <= item.peak_at <= item.window[1]
            beyond = (item.epsilon - detection.smoothed_error) * (1 if item.low else -1) >= 0
            assert beyond[item.left_at - 250] and beyond[item.peak_at - 250]
        if not params.lag_correction:  # with it, an anomaly may begin before the first sample that was flagged
            assert min(item.flagged_span[0] for item in findings) == start
            assert max(item.flagged_span[1] for item in findings) == end


@pytest.mark.parametrize("params", [PLAIN, LAG, SHORT], ids=["plain", "lag", "short"])
@pytest.mark.parametrize("seed", range(4))
def test_the_windows_concerned_say_what_the_whole_says(params: TelemanomParams, seed: int) -> None:
    """Every question about every anomaly, against whole detections of the series."""
    random = np.random.default_rng(seed)
    n = 4200 if params is SHORT else 15_000
    telemetry = np.round(random.normal(0, 0.1, n), 2)
    for start in random.integers(600, n - 100, 14):
        telemetry[start : start + int(random.integers(1, 150))] += random.choice([0.4, -1, 2, 5])
    telemetry[n // 2 : n // 2 + 200] *= 0.01
    channel = make_channel(telemetry, channel="X-1", asset="X")
    prediction = np.zeros(n - params.sequence_length - params.prediction_horizon, np.float32)
    loud = loud_windows(channel, prediction, params)
    detection = detect(channel["telemetry"].values, prediction, params)
    evidence = find_evidence(channel["telemetry"].values, detection, params)
    assert evidence_in(loud) == evidence and len(evidence) > 2
    clearing = Clearing(loud, params.sequence_length)
    whole = naive.Clearing(channel["telemetry"].values, prediction, params)
    assert clearing.least_z(evidence) == whole.least_z(evidence)
    for anomaly in evidence:
        for name, value in (("z_min", 4.0), ("z_min", 7.5), ("min_decrease", 0.3), ("min_decrease", 0.8)):
            assert clearing.clears(anomaly, name, value) == whole.clears(anomaly, name, value)
    assert len(list(loud.windows())) < (prediction.size // params.batch_size) * 0.8
    assert len(loud.groups) > 1 or params is not SHORT


def test_the_lower_threshold_stands_where_it_found_something() -> None:
    channel, prediction, table = explained(PLAIN)
    scored = score(channel, [Given(prediction)], PLAIN)
    lower = lower_epsilon(channel, scored, PLAIN)
    assert lower.shape == scored["prediction"].shape
    low = table.iloc[1]
    stands = np.flatnonzero(np.isfinite(lower.values)) + 250
    assert (stands[0], stands[-1]) == (low["start"], low["end"])
    at = low["smoothed_error_at"] - 250
    assert scored["smoothed_error"].values[at] <= lower.values[at]


def test_a_dated_series_is_told_with_its_time() -> None:
    _, _, table = explained(PLAIN, dated=True)
    time = pd.Timestamp("2026-01-01") + pd.Timedelta(minutes=int(table["left_at"][0]))
    assert f"sample {table['left_at'][0]:,} ({time} UTC)" in table["text"][0]


def test_a_score_without_anomalies_gives_an_empty_table_of_the_same_columns() -> None:
    channel, prediction, table = explained(PLAIN)
    quiet = channel.copy(deep=True)
    quiet["telemetry"][250 : N - 10] = prediction
    empty = explain(quiet, score(quiet, [Given(prediction)], PLAIN), PLAIN, "mine", LEVELS)
    assert len(empty) == 0
    assert empty.columns.tolist() == table.columns.tolist()
    assert empty.dtypes.tolist() == table.dtypes.tolist()


@pytest.mark.parametrize("fault", ["parameters", "score"])
def test_a_score_of_something_else_is_refused(fault: str) -> None:
    channel, prediction = a_channel()
    scored = score(channel, [Given(prediction)], PLAIN)
    params = PLAIN
    if fault == "parameters":
        params = TelemanomParams(z_min=8)
    else:
        scored.attrs["anomalies"] = json.dumps([[300, 400, 1.0]])
    with pytest.raises(DetectionError, match=r"X-1 has \d anomal(y|ies) that preset mine does not find") as raised:
        explain(channel, scored, params, "mine")
    assert "workbench score X-1 --preset mine" in str(raised.value)


def test_the_mean_of_several_forecasters_is_explained_by_what_is_stored() -> None:
    """The stored prediction is float32: detection must have seen it so."""
    channel, prediction = a_channel()
    other = prediction + np.float32(1e-3) * np.random.default_rng(1).normal(size=prediction.size).astype(np.float32)
    preset = Preset(forecasters={"given": 3})
    scored = score(channel, [Given(prediction), Given(other)], preset)
    again = detect(channel["telemetry"].values, scored["prediction"].values, preset).anomalies
    assert json.loads(scored.attrs["anomalies"]) == again.to_numpy().tolist()


def test_a_silence_is_as_long_as_the_telemetry_says() -> None:
    """Of 1200 samples, 700 to 999 repeat sample 699: 300 samples without a change; three of them are missing."""
    values = np.random.default_rng(3).normal(0, 1, 2400)
    train = make_channel(values[:1200], np.zeros((1200, 0)), channel="X-1", asset="X", units="V")
    quiet = values[1200:].copy()
    quiet[700:1000] = quiet[699]
    for missing, unchanged in ((0, 300), (3, 297)):
        quiet[900 : 900 + missing] = np.nan
        test = make_channel(quiet, np.zeros((1200, 0)), channel="X-1", asset="X", units="V")
        params = TelemanomParams(envelope="fixed")
        scored = score(test, [Given(np.zeros(940, dtype=np.float32))], params, train)
        table = explain(test, scored, params, "mine", LEVELS, clearing=(), train=train)
        row = table[table["feature"] == "stuck"].iloc[0]
        assert row["words"].startswith(f"unchanged for {unchanged} samples, where ")
        assert row["feature_value"] == unchanged
        assert f"unchanged for {unchanged} samples" in row["text"]
