import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import wave_channel
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


def ok(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def test_models_lists_versions_with_age_and_size(cli):
    row = json.loads(ok(cli("models", "--json")))[0]
    assert row["model"] == "X-1.ridge/1" and row["aliases"] == "champion" and row["retrain"] == ""
    assert row["size"] > 1000 and 0 <= row["age"] < 86_400 and row["validation_error"] > 0
    shown = ok(cli("models", "--channel", "X-2"))
    assert "X-2.ridge/1" in shown and " kB " in shown and "X-1" not in shown


def test_the_listing_is_that_of_the_session_and_loads_nothing_slow(cli, tmp_path):
    code = (
        "import sys; from workbench.cli import app\n"
        "try: app(['models', '--json'])\n"
        "except SystemExit: pass\n"
        "slow = {'pandas', 'numpy', 'xarray', 'zarr', 'mlflow', 'bokeh'} & set(sys.modules); assert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    rows = json.loads(done.stdout)
    with wb.open(home=tmp_path) as session:
        table = session.models.list()
    assert list(rows[0]) == list(table.columns)
    kept = [name for name in table if name not in ("age", "created")]
    assert [{name: row[name] for name in kept} for row in rows] == table[kept].to_dict("records")
    assert [row["created"] for row in rows] == [str(time) for time in table["created"]]


def test_promote_and_rollback(cli, tiny_archive):
    ok(cli("train", "X-1", "--force"))
    refused = cli("models", "promote", "X-1.ridge", "2")
    assert refused.exit_code == 2
    assert "Error: X-1.ridge/2 is not better than the champion X-1.ridge/1: error 0.0" in refused.stderr
    refused = cli("models", "rollback", "X-1.ridge")
    assert refused.exit_code == 2 and "no version was champion before it" in refused.stderr
    faster = wave_channel("X-1", 2400).copy(deep=True)
    faster["telemetry"][:] = np.sin(np.arange(2400) / 5)
    tiny_archive.write(faster, wave_channel("X-1", 3000, 1))
    assert "X-1.ridge/3 champion" in " ".join(ok(cli("train", "X-1")).split())
    assert ok(cli("models", "rollback", "X-1.ridge")) == "X-1.ridge/1 is champion again.\n"
    assert "X-1.ridge/3 is champion: error " in ok(cli("models", "promote", "X-1.ridge", "3"))


def test_compare_and_drift(cli):
    ok(cli("train", "X-1", "--forecaster", "persistence"))
    compared = json.loads(ok(cli("models", "compare", "X-1", "--json")))
    assert [row["model"] for row in compared] == ["X-1.ridge/1", "X-1.persistence/1"]
    drifted = json.loads(ok(cli("models", "drift", "--json")))
    assert [(row["channel"], row["status"]) for row in drifted] == [("X-1", "ok"), ("X-2", "ok")]
    assert "error_ratio" in ok(cli("models", "drift", "X-1"))


def test_a_trainer_goes_with_a_forecaster_that_has_one(cli):
    refused = cli("train", "X-1", "--trainer", "keras")
    assert refused.exit_code == 2 and "ridge has no parameter 'trainer'" in refused.stderr
    refused = cli("train", "X-1", "--forecaster", "lstm", "--trainer", "abacus")
    assert refused.exit_code == 2 and "Known: numpy, keras" in refused.stderr


def test_workers_can_be_given(cli):
    assert "2 of 2" not in ok(cli("train", "--all", "--forecaster", "persistence", "--workers", "2"))
