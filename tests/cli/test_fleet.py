"""What the command line says of a fleet in which something is amiss, and of the models that come with an import."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.conftest import wave_channel
from tests.models.lstms import default_lstm
from tests.telemetry.test_importers_nasa import make_zip, npy
from workbench.cli import app
from workbench.models.packing import pack_model
from workbench.models.shipped import file_name
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_nasa
from workbench.telemetry.schema import make_channel


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


@pytest.fixture
def nasa(tmp_path, monkeypatch):
    """A small zip of NASA's layout, and shipped models of A-1, A-2 and of B-9, which it does not hold."""
    files = {}
    for seed, name in enumerate(("A-1", "A-2")):
        for split, n in (("train", 400), ("test", 500)):
            telemetry = wave_channel(n=n, seed=seed)["telemetry"].values[:, None]
            files[f"{split}/{name}.npy"] = npy(np.concatenate([telemetry, np.zeros((n, 24))], axis=1))
    path = make_zip(tmp_path / "set.zip", files)
    other = Archive(tmp_path / "other.zarr")
    import_nasa(path, other)
    folder = tmp_path / "shipped"
    for name in ("A-1", "A-2", "B-9"):
        train_hash = other.info("A-2" if name == "B-9" else name).train_hash
        pack_model(folder, name, default_lstm(0), wave_channel(n=400), train_hash=train_hash, seed=0, seconds=1.0)
    monkeypatch.setattr("workbench.models.shipped.shipped_folder", lambda: folder)
    return path, folder


def test_an_import_counts_the_models_that_came_with_it(cli, nasa):
    path, _ = nasa
    outcome = cli("import", str(path))
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines()[-3:] == [
        "2 imported.",
        "Trained LSTMs: 2 installed.",
        "Next: workbench score --all",
    ]
    assert "B-9" not in outcome.output, "it is no channel of this import"
    assert "Trained LSTMs: 2 current." in cli("import", str(path)).stdout
    assert [row["model"] for row in json.loads(cli("models", "--json").stdout)] == ["A-1.lstm/1", "A-2.lstm/1"]


def test_a_model_that_is_skipped_is_named_with_its_reason(cli, nasa):
    path, folder = nasa
    damaged = folder / file_name("A-2")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    outcome = cli("import", str(path))
    assert outcome.exit_code == 0, outcome.output
    assert "Trained LSTMs: 1 installed, 1 skipped." in outcome.stdout
    assert outcome.stdout.splitlines()[-1] == "Next: workbench train --all"
    assert f"The trained LSTM of A-2 was skipped: {damaged} has " in outcome.stderr


def test_an_import_for_which_no_models_are_shipped(cli, nasa, monkeypatch, tmp_path):
    monkeypatch.setattr("workbench.models.shipped.shipped_folder", lambda: tmp_path / "none")
    outcome = cli("import", str(nasa[0])).stdout
    assert outcome.splitlines()[-2:] == ["Trained LSTMs: none for these channels.", "Next: workbench train --all"]


def test_a_table_comes_without_a_word_of_models(cli, tmp_path: Path):
    rows = "\n".join(f"2026-01-01T00:{i:02}:00Z,{i * i}" for i in range(60))
    (tmp_path / "pump.csv").write_text(f"time,pressure\n{rows}\n", encoding="utf-8")
    outcome = cli("import", "pump.csv")
    assert outcome.exit_code == 0, outcome.output
    assert "LSTM" not in outcome.output
    assert outcome.stdout.splitlines()[-1] == "Next: workbench train --all"


def test_training_names_what_failed_and_keeps_the_rest(cli, tiny_archive):
    tiny_archive.write(wave_channel("X-3", 3), wave_channel("X-3", 3000))
    outcome = cli("train", "--all")
    assert outcome.exit_code == 1
    assert "X-3 failed: X-3 has 3 samples. At least 4 are needed" in outcome.stderr
    assert "Error: 1 of 3 channels failed. The others are done and kept." in outcome.stderr
    assert [row["model"] for row in json.loads(cli("models", "--json").stdout)] == ["X-1.ridge/1", "X-2.ridge/1"]


def test_a_model_whose_inputs_do_not_fit_is_named_and_the_others_are_scored(cli, tiny_archive):
    assert cli("train", "--all").exit_code == 0
    attributes = {"channel": "X-1", "asset": "XAVER", "subsystem": "X", "source": "test"}
    wide = [make_channel(wave_channel(n=n)["telemetry"].values, np.zeros((n, 3)), **attributes) for n in (1200, 3000)]
    tiny_archive.write(*wide)
    outcome = cli("score", "--all", "--json")
    assert outcome.exit_code == 1
    assert [row["channel"] for row in json.loads(outcome.stdout)] == ["X-2"]
    assert (
        "X-1 failed: X-1 has 4 inputs (telemetry and 3 commands). The ridge forecaster was fitted to 2."
        in outcome.stderr
    )
    listed = {row["channel"]: row["retrain"] for row in json.loads(cli("models", "--json").stdout)}
    assert listed == {"X-1": "its training data have changed", "X-2": ""}
    assert cli("train", "X-1").exit_code == 0
    assert cli("score", "--all").exit_code == 0


def test_score_says_which_channels_of_an_asset_are_not_judged(cli, tmp_path):
    archive = Archive(tmp_path / "archive.zarr")
    for name, values in (
        ("P-1", np.sin(np.arange(400) / 9)),
        ("P-2", np.cos(np.arange(400) / 9)),
        ("P-3", [5.0] * 400),
    ):
        channel = make_channel(np.asarray(values), channel=name, asset="Pump-1")
        archive.write(channel, channel)
    assert cli("train", "Pump-1").exit_code == 0
    outcome = cli("score", "Pump-1")
    assert outcome.exit_code == 0, outcome.output
    assert "Pump-1: not judged: P-3 (constant or missing in training)" in outcome.stdout.splitlines()
    (row,) = json.loads(cli("score", "Pump-1", "--json").stdout)
    assert row["reason"] == "not judged: P-3 (constant or missing in training)"
