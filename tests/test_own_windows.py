"""A model's own windows hold wherever it is used, whatever those of the preset are."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import wave_channel
from typer.testing import CliRunner

import workbench as wb
from workbench.cli import app
from workbench.detection.continuing import continue_score
from workbench.detection.evidence import lower_epsilon
from workbench.detection.forecasters import FORECASTERS
from workbench.detection.scoring import score
from workbench.detection.streaming import StreamingDetector
from workbench.exceptions import DetectionError
from workbench.forecasting import forecasts
from workbench.models.versus import versus
from workbench.settings import Settings
from workbench.telemetry.schema import inputs
from workbench.threshold_trial import try_thresholds

SMALL = {"sequence_length": 30, "prediction_horizon": 5}
LSTM = {**SMALL, "units": (6,), "epochs": 2, "dropout": 0.0}
LABELS = pd.DataFrame({"start": [300], "end": [339], "kind": ["point"]})


@pytest.fixture
def session(tmp_path) -> wb.Session:
    """A channel too short for the windows of any preset, with a small LSTM."""
    opened = wb.open(home=tmp_path)
    opened.archive.write(wave_channel("X-1", 200), wave_channel("X-1", 400, 1, spike=300), LABELS)
    assert opened.train("X-1", "lstm", **LSTM)["status"].tolist() == ["trained"]
    return opened


def test_a_small_model_on_a_short_channel_scores_explains_and_is_judged(session):
    scored = session.score("X-1")
    assert scored["sample"].values[[0, -1]].tolist() == [30, 394]
    found = session.anomalies("X-1")
    assert [start <= 339 and end >= 300 for start, end in found[["start", "end"]].to_numpy().tolist()] == [True]
    why = session.explain("X-1")
    assert why[["start", "end"]].equals(found[["start", "end"]])
    assert 300 <= why.loc[0, "prediction_error_at"] < 345
    assert lower_epsilon(session.channel("X-1"), scored, session.settings.params).size == scored.sizes["time"]
    row = session.evaluate().rows.query("group == 'all'").iloc[0]
    assert (row["true_positives"], row["false_positives"], row["false_negatives"]) == (1, 0, 0)
    assert session.overview()["state"].tolist() == ["current"]


def test_alerts_trials_drift_and_comparisons_take_the_windows_too(session):
    session.score_all()
    session.raise_alerts()
    where = (session.maintenance, ["X-1"], session.channel, session.stored, session.settings.severity)
    assert set(try_thresholds(*where, session.settings.params).table["outcome"]) == {"stays"}
    assert session.models.drift()["status"].tolist() != ["failed"]


def test_models_of_other_windows_are_put_side_by_side(session):
    session.train("X-1", "ridge", sequence_length=60, prediction_horizon=10)
    lstm, ridge = session.registry.list("X-1")
    both = versus(session.archive, session.registry, (lstm, ridge), session.settings.params, session.settings.severity)
    assert [one.sizes["time"] for one in both.scored] == [400 - 35, 400 - 70]


def test_forecasters_of_other_windows_predict_together_where_both_do():
    train, test = wave_channel("X-1", 600), wave_channel("X-1", 800, 1, spike=500)
    short = FORECASTERS["ridge"](**SMALL).fit(train)
    long = FORECASTERS["persistence"](sequence_length=80, prediction_horizon=12).fit(train)
    params = Settings().presets["workbench"].model_copy(update={"forecasters": {"ridge": 3, "persistence": 1}})
    scored = score(test, [long, short], params, train)
    assert scored["sample"].values[[0, -1]].tolist() == [80, 787]
    expected = (3 * short.predict(test)[50 : 50 + 708].astype(float) + long.predict(test)) / 4
    np.testing.assert_allclose(scored["prediction"].values, expected, rtol=1e-6)
    with pytest.raises(DetectionError, match=r"X-1 has 92 samples. At least 93 are needed"):
        score(test.isel(time=slice(0, 92)), [long, short], params, train)


def test_together_under_the_preset_in_use(session):
    session.archive.write(wave_channel("X-2", 900), wave_channel("X-2", 1500, 1, spike=800), LABELS.iloc[:0])
    session.train("X-2", "lstm", **LSTM)
    session.train("X-2", "ridge")
    scored = session.score("X-2")
    assert scored.attrs["model"] == "X-2.lstm/1+X-2.ridge/1"
    assert scored["sample"].values[[0, -1]].tolist() == [90, 1489]  # a tenth of 900 training samples
    assert session.explain("X-2")[["start", "end"]].equals(session.anomalies("X-2")[["start", "end"]])
    assert "lstm" in forecasts(session, "X-2", steps=3, origins=20)


@pytest.fixture(params=[1, 30, 120, 600])
def windowed(request, tmp_path, monkeypatch) -> tuple[wb.Session, int]:
    """A session whose model has windows of some length, set on the command line, and that length."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    plain = {"smoothing_fraction": 0.07, "least_error_of": "range", "forecasters": {"lstm": 3, "ridge": 1}}
    opened = wb.open(home=tmp_path, preset="plain", presets={"plain": plain})
    opened.archive.write(wave_channel("X-1", 1500), wave_channel("X-1", 1600, 1, spike=1400), LABELS.iloc[:0])
    words = ["train", "X-1", "--set", f"sequence_length={request.param}", "prediction_horizon=1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return opened, request.param


def test_windows_of_any_length_score_explain_and_are_tried(windowed):
    session, length = windowed
    scored = session.score("X-1")
    assert scored["sample"].values[[0, -1]].tolist() == [length, 1598]
    anomalies = session.anomalies("X-1")
    hits = [start <= 1439 and end >= 1400 for start, end in anomalies[["start", "end"]].to_numpy().tolist()]
    assert hits == ([True] if length > 1 else [])  # one sample is enough to follow a step, not to be surprised for long
    assert session.explain("X-1")[["start", "end"]].equals(anomalies[["start", "end"]])
    paper = session.score("X-1", preset="paper")
    assert paper["prediction"].equals(scored["prediction"])
    session.raise_alerts()
    where = (session.maintenance, ["X-1"], session.channel, session.stored, session.settings.severity)
    assert try_thresholds(*where, session.settings.params).table["outcome"].tolist() == ["stays"] * len(hits)
    assert session.train("X-1", sequence_length=length, prediction_horizon=1)["status"].tolist() == ["current"]


def test_windows_of_any_length_stream_forecast_and_go_on(windowed):
    session, length = windowed
    test, train = session.channel("X-1"), session.channel("X-1", "train")
    model = session.registry.load(session.registry.champion("X-1"))
    detector = StreamingDetector(model, session.settings.params, train)
    decisions = [detector.push(sample) for sample in inputs(test.isel(time=slice(0, 900)))]
    assert np.isnan([decision.prediction for decision in decisions[:length]]).all()
    batch = model.predict(test)[: 900 - length]
    np.testing.assert_allclose([decision.prediction for decision in decisions[length:]], batch, atol=1e-5)
    result = forecasts(session, "X-1", steps=12, origins=20)
    assert {"ridge", "persistence"} <= set(result)
    assert all(one["origin"].values[0] >= length - 1 for one in result.values())
    params = session.settings.params
    first = score(test.isel(time=slice(0, 1200)), [model], params, train)
    rest = continue_score(test, [model], params, train, first)
    whole = session.score("X-1")
    joined = np.concatenate([first["prediction"].values[: rest.keep], rest.scored["prediction"].values])
    np.testing.assert_array_equal(joined, whole["prediction"].values)
    assert rest.scored.attrs["anomalies"] == whole.attrs["anomalies"]


def test_windows_of_any_length_predict_together(windowed):
    session, length = windowed
    session.train("X-1", "lstm", **LSTM)
    scored = session.score("X-1")
    assert scored.attrs["model"] == "X-1.lstm/1+X-1.ridge/1"
    assert scored["sample"].values[[0, -1]].tolist() == [max(length, 30), 1594]
    assert session.explain("X-1")[["start", "end"]].equals(session.anomalies("X-1")[["start", "end"]])


@pytest.mark.parametrize("n", [40, 170, 400])
def test_a_short_series_is_trained_scored_and_forecast_with_windows_that_fit(tmp_path, n):
    session = wb.open(home=tmp_path)
    session.archive.write(wave_channel("X-1", n), wave_channel("X-1", 5 * n, 1, spike=4 * n), LABELS.iloc[:0])
    row = session.train("X-1").loc[0]
    assert (row["status"], row["reason"]) == (
        "trained",
        f"windows of {n // 10} samples, as the training telemetry has {n}",
    )
    assert session.score("X-1")["sample"].values[0] == n // 10
    assert "ridge" in forecasts(session, "X-1", steps=3, origins=10)
    assert session.train("X-1").loc[0, "status"] == "current"


def test_forecasts_without_a_model_fit_a_short_series(tmp_path):
    session = wb.open(home=tmp_path)
    session.archive.write(wave_channel("X-1", 90), wave_channel("X-1", 200, 1), LABELS.iloc[:0])
    assert forecasts(session, "X-1", steps=3, origins=10)["persistence"].sizes == {"origin": 10, "lead": 3}


def test_retiring_undoes_it(session, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(session.settings.home))
    monkeypatch.chdir(session.settings.home)
    session.train("X-1", "lstm", **LSTM | {"sequence_length": 20}, force=True)
    session.models.registry.set_alias("X-1.lstm", 2, "champion")

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["models", *words])
        return done.exit_code, (done.stdout + done.stderr).strip()

    assert run("retire", "X-1.lstm", "2") == (0, "X-1.lstm/2 is retired; X-1.lstm/1 is champion again.")
    assert run("retire", "X-1.lstm", "champion") == (
        0,
        "X-1.lstm/1 is retired; no other version was champion, so X-1.lstm has none now.",
    )
    listed = json.loads(run("--json")[1])
    assert [(row["version"], row["aliases"]) for row in listed] == [(1, "retired"), (2, "retired")]
    assert session.score_all()["status"].tolist() == ["failed"]
    code, words = run("retire", "X-1.lstm", "1")
    assert code == 2 and words == (
        "Error: X-1.lstm/1 is retired already. Use it again: workbench models promote X-1.lstm 1"
    )
    code, words = run("retire", "X-1.lstm", "7")
    assert code == 2 and "Model 'X-1.lstm' has no version '7'. It has 1, 2." in words
    code, words = run("retire", "X-9.lstm", "1")
    assert code == 2 and "There is no model 'X-9.lstm'" in words
    table = session.train("X-1", "lstm", **LSTM)
    assert (table.loc[0, "status"], table.loc[0, "alias"]) == ("current", "")
    assert "it is retired; use it again: workbench models promote X-1.lstm 1" in table.loc[0, "reason"]
    assert run("promote", "X-1.lstm", "1") == (0, "X-1.lstm/1 is champion; there was none.")
    assert [info.retired for info in session.registry.list("X-1")] == [False, True]
    code, words = run("rollback", "X-1.lstm")
    assert code == 2 and "X-1.lstm/1 cannot be rolled back" in words
