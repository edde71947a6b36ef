"""A model's own windows hold wherever it is used, whatever those of the preset are."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import wave_channel
from typer.testing import CliRunner

import workbench as wb
from workbench.cli import app
from workbench.detection.evidence import lower_epsilon
from workbench.detection.forecasters import FORECASTERS
from workbench.detection.scoring import score
from workbench.exceptions import DetectionError
from workbench.forecasting import forecasts
from workbench.models.versus import versus
from workbench.settings import Settings
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
