"""`workbench tune` and `workbench train --set`."""

import json

import pytest
import yaml
from typer.testing import CliRunner

import workbench as wb
from tests.homes import copy_of
from tests.tuning.fleets import SETTINGS, make_fleet
from workbench.cli import app
from workbench.tuned import tuned_path


@pytest.fixture
def home(tmp_path, tmp_path_factory, monkeypatch):
    folder = copy_of("tuned fleet", make_fleet, tmp_path_factory, tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(folder))
    monkeypatch.chdir(folder)
    (folder / "workbench.yaml").write_text(yaml.safe_dump(SETTINGS))
    return folder


def run(*words):
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def test_it_prints_figures_and_saves_what_is_better(home):
    code, out, _ = run("tune", "--vary", "least_error=0.05,0.1", "--dry-run")
    assert code == 0
    assert "chosen by other channels" in out and "false_alarms_per_month" in out
    assert "Candidate: least_error 0.1." in out
    assert "It is better even at the lower bound, and was not saved." in out
    assert not tuned_path(home).exists()
    code, out, _ = run("tune", "--vary", "least_error=0.05,0.1", "--by", "f0_5", "--json")
    assert code == 0
    result = json.loads(out)
    assert result["changes"] == {"least_error": 0.1}
    assert result["saved"] == str(tuned_path(home))
    assert result["figures"][1]["f0_5"] == 1
    code, out, _ = run("tune", "--vary", "least_error=0.05,0.1", "--preset", "tuned")
    assert (code, "The present preset tuned is the best point of the grid." in out) == (0, True)


def test_what_is_wrong_is_one_sentence(home):
    del home
    code, _, err = run("tune", "--vary", "z_min=banana")
    assert code == 2 and err.startswith("Error: Cannot try z_min with 'banana'")
    code, _, err = run("tune", "--by", "accuracy")
    assert code == 2 and "There is no figure 'accuracy' to tune by. Known: f1, f0_5." in err
    code, _, err = run("tune", "--verdicts")
    assert code == 2 and "No alert has a verdict." in err


def test_train_sets_parameters_of_the_forecaster(home):
    code, out, _ = run("train", "P-1", "Q-1", "--set", "sequence_length=30", "telemetry_lags=5")
    assert code == 0 and "P-1.ridge/2" in out
    with wb.open(home=home) as session:
        for name in ("P-1", "Q-1"):
            newest = session.registry.list(name)[-1].parameters
            assert (newest["sequence_length"], newest["telemetry_lags"]) == ("30", "5")
    code, out, _ = run("train", "P-1", "--set", "sequence_length=30", "--set", "telemetry_lags=5")
    assert code == 0 and "current" in out
    code, _, err = run("train", "P-1", "--set", "epochs=3")
    assert code == 2 and "'epochs=3' does not set a parameter of the forecaster ridge." in err
    code, _, err = run("train", "P-1", "telemetry_lags=5")
    assert code == 2 and "telemetry_lags=5" in err
