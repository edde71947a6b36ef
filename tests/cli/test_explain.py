import json

import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from workbench.cli import app


@pytest.fixture
def cli(tmp_path, monkeypatch, trained_home):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


def test_an_anomaly_is_explained(cli, tmp_path):
    outcome = cli("explain", "X-1", "--preset", "paper")
    assert outcome.exit_code == 0, outcome.output
    (row,) = json.loads(cli("explain", "X-1", "--preset", "paper", "--json").stdout)
    with wb.open(home=tmp_path) as session:
        (found,) = session.anomalies("X-1", preset="paper").to_dict("records")
    assert not found.pop("provisional")
    assert {key: row[key] for key in found} == found
    assert (row["preset"], row["model"]) == ("paper", "X-1.ridge/1")
    text = " ".join(outcome.stdout.split())
    assert text.startswith("X-1: 1 anomaly with the preset paper.")
    for words in (
        f"Samples {row['start']:,} to {row['end']:,}, {row['level']}, severity {row['severity']:.2f}.",
        row["text"],
        f"detected by X-1.ridge/1, preset paper, from high errors in {row['windows']} error window",
        f"epsilon {row['epsilon']:.4g} (z {row['z']:g}) in the error window of samples ",
        f"{row['ratio']:.2f} times epsilon, {row['distance']:.1f} standard deviations above the mean",
        f"cleared by {row['clears']}",
        f"commands {row['commands']}",
    ):
        assert words in text


def test_preset_and_forecaster_are_those_asked_for(cli):
    assert cli("train", "X-1", "--forecaster", "persistence").exit_code == 0
    (row,) = json.loads(cli("explain", "X-1", "--forecaster", "ridge", "--json").stdout)
    assert (row["model"], row["preset"]) == ("X-1.ridge/1", "workbench")
    (other,) = json.loads(cli("explain", "X-1", "--forecaster", "persistence", "--json").stdout)
    assert (other["model"], other["found_by"]) == ("X-1.persistence/1", "envelope")
    text = " ".join(cli("explain", "X-1", "--forecaster", "persistence").stdout.split())
    assert "detected by X-1.persistence/1, preset workbench, from the envelope" in text
    assert f"envelope {other['words']}: {other['feature_value']:.4g}" in text
    assert "epsilon" not in text


def test_a_channel_without_anomalies_says_so(cli):
    assert cli("explain", "X-2", "--preset", "paper").stdout == "X-2: 0 anomalies with the preset paper.\n"
    assert json.loads(cli("explain", "X-2", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["X-9"], "Unknown channel 'X-9'"), (["X-1", "--preset", "mine"], "There is no preset 'mine'. Known: ")],
)
def test_what_cannot_be_explained_is_one_line(cli, arguments, message):
    refused = cli("explain", *arguments)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"Error: {message}")
