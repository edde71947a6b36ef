"""`workbench explain` of several names, of names that are almost right, and of a known event."""

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


def test_several_channels_are_explained_and_one_that_fails_stops_none(cli):
    outcome = cli("explain", "X-1", "X-9", "X-2", "--preset", "paper")
    assert outcome.exit_code == 1
    assert "X-1: 1 anomaly with the preset paper." in outcome.stdout
    assert "X-2: 0 anomalies with the preset paper." in outcome.stdout
    assert "X-9 failed: Unknown channel 'X-9'" in outcome.stderr
    (row,) = json.loads(cli("explain", "X-1", "X-2", "--preset", "paper", "--json").stdout)
    assert row["channel"] == "X-1"


def test_the_nearest_asset_is_named(cli, tmp_path):
    with wb.open(home=tmp_path) as session:
        (asset, *_) = session.assets.names()
    wrong = asset.swapcase()
    assert wrong != asset
    assert f"Did you mean {asset}" in cli("explain", wrong).stderr


def test_a_known_event_is_named(cli, tmp_path):
    with wb.open(home=tmp_path) as session:
        session.score("X-1")
        session.raise_alerts()
    alert, *_ = [row for row in json.loads(cli("alerts", "list", "--json").stdout) if row["channel"] == "X-1"]
    assert "known event" not in cli("explain", "X-1").stdout
    closed = cli(
        "alerts", "close", str(alert["id"]), "--verdict", "known behaviour", "--comment", "purge", "--who", "Kim"
    )
    assert closed.exit_code == 0, closed.output
    text = cli("explain", "X-1").stdout
    assert "info as a known event (else" in text
    assert "Known event: purge, distance 0.00 of bound" in text
