import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import wave_channel
from tests.models.lstms import random_lstm, tiny_lstm
from workbench.detection.anomalies import detect
from workbench.detection.lstm.forecaster import LSTMForecaster
from workbench.exceptions import ArtifactError
from workbench.models.packing import pack, pack_model
from workbench.models.registry import Registry
from workbench.models.shipped import MANIFEST, load_shipped, read_manifest
from workbench.parameters import TelemanomParams
from workbench.telemetry.archive import Archive
from workbench.telemetry.synthetic import demo_fleet

HASH = "ab" * 32
TRAINED = {"train_hash": HASH, "seed": 3, "seconds": 2.5}


@pytest.fixture
def registry(tiny_archive: Archive, empty_registry: Registry) -> Registry:
    """LSTMs of X-1, in two versions, and of X-2, and a persistence model."""
    for channel, seed in (("X-1", 0), ("X-1", 1), ("X-2", 2)):
        train_hash = tiny_archive.info(channel).train_hash
        empty_registry.register(random_lstm(seed), channel, train_hash, seed=seed, duration=1.5)
    empty_registry.set_alias("X-1.lstm", 1, "champion")
    return empty_registry


def test_champions_are_packed_and_read_back(tiny_archive: Archive, registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "models"
    done = pack(tiny_archive, registry, folder)
    assert done[["channel", "status", "model"]].values.tolist() == [
        ["X-1", "packed", "X-1.lstm/1"],
        ["X-2", "packed", "X-2.lstm/1"],
    ]
    assert sorted(path.name for path in folder.iterdir()) == [
        "X-1.lstm.safetensors",
        "X-2.lstm.safetensors",
        MANIFEST,
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["models"]
    entry = read_manifest(folder).models["X-2"]
    assert (entry.seed, entry.train_hash) == (2, tiny_archive.info("X-2").train_hash)
    assert entry.metrics == registry.champion("X-2").metrics
    assert entry.versions["trainer"].startswith("numpy")
    assert load_shipped(folder, "X-1").metrics == random_lstm().metrics


def test_a_version_can_be_named(tiny_archive: Archive, registry: Registry, tmp_path: Path) -> None:
    assert pack(tiny_archive, registry, tmp_path, ["X-1"], version=2)["model"].tolist() == ["X-1.lstm/2"]
    assert read_manifest(tmp_path).models["X-1"].seed == 1


def test_what_is_packed_stays_and_channels_can_be_added(
    tiny_archive: Archive, registry: Registry, tmp_path: Path
) -> None:
    pack(tiny_archive, registry, tmp_path, ["X-2"])
    first = (tmp_path / "X-2.lstm.safetensors").stat()
    assert pack(tiny_archive, registry, tmp_path)["status"].tolist() == ["packed", "current"]
    assert (tmp_path / "X-2.lstm.safetensors").stat().st_ino == first.st_ino
    manifest = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / "X-1.lstm.safetensors").write_bytes(b"damaged")
    (tmp_path / "X-2.lstm.safetensors").unlink()
    assert pack(tiny_archive, registry, tmp_path)["status"].tolist() == ["packed", "packed"]
    assert (tmp_path / MANIFEST).read_bytes() == manifest


def test_packing_elsewhere_gives_the_same_bytes(tiny_archive: Archive, registry: Registry, tmp_path: Path) -> None:
    for name, channels in (("a", ["X-1", "X-2"]), ("b", ["X-2", "X-1"])):
        pack(tiny_archive, registry, tmp_path / name, channels)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_channel_that_fails_is_told_and_the_others_go_on(
    tiny_archive: Archive, registry: Registry, tmp_path: Path
) -> None:
    registry.register(random_lstm(), "Y-9", HASH, seed=0, duration=1.0)
    done = pack(tiny_archive, registry, tmp_path, ["Q-1", "Y-9", "X-1"]).set_index("channel")
    assert done["status"].tolist() == ["failed", "failed", "packed"]
    assert "There is no model 'Q-1.lstm'" in done.loc["Q-1", "reason"]
    assert "Y-9" in done.loc["Y-9", "reason"]
    assert list(read_manifest(tmp_path).models) == ["X-1"]


def test_a_damaged_manifest_and_a_folder_that_cannot_be_written_are_told(
    tiny_archive: Archive, registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="file"):
        pack_model(tmp_path / "file" / "models", "X-1", tiny_lstm(), wave_channel("X-1"), **TRAINED)  # type: ignore[arg-type]
    (tmp_path / MANIFEST).write_text("{}]")
    with pytest.raises(ArtifactError, match=r"manifest\.json is not a manifest"):
        pack(tiny_archive, registry, tmp_path)


def test_float16_is_taken_where_the_demo_fleets_anomalies_stay(tmp_path: Path) -> None:
    train, test, _ = next(demo_fleet())
    options = {"sequence_length": 20, "prediction_horizon": 3, "units": [8], "epochs": 2}
    model = LSTMForecaster(**options).fit(train.isel(time=slice(0, 3000)), seed=0)  # type: ignore[arg-type]
    test = test.isel(time=slice(0, 6000))
    _, entry = pack_model(tmp_path, train.attrs["channel"], model, test, **TRAINED)  # type: ignore[arg-type]
    params = TelemanomParams(sequence_length=20, prediction_horizon=3)
    before, after = (
        detect(test["telemetry"].values, forecaster.predict(test), params).anomalies
        for forecaster in (model, load_shipped(tmp_path, train.attrs["channel"]))
    )
    assert entry.dtype == "float16"
    assert len(before) > 0
    np.testing.assert_array_equal(before[["start", "end"]], after[["start", "end"]])


@pytest.mark.parametrize("why", ["the anomalies change", "a weight is too large"])
def test_float32_is_taken_where_float16_will_not_do(tmp_path: Path, why: str) -> None:
    test = wave_channel("X-1", 3000, spike=2000)
    model, prediction = tiny_lstm(), None
    if why == "a weight is too large":
        model = LSTMForecaster.from_weights(
            {**model.to_weights(), "dense.bias": np.full(3, 1e6, np.float32)}, sequence_length=20
        )
    else:
        prediction = test["telemetry"].values[20:-3]  # of a model that misses nothing, so that there is no anomaly
    _, entry = pack_model(tmp_path, "X-1", model, test, **TRAINED, prediction=prediction)  # type: ignore[arg-type]
    assert entry.dtype == "float32"
    assert json.loads((tmp_path / MANIFEST).read_text())["models"]["X-1"]["dtype"] == "float32"
    loaded = load_shipped(tmp_path, "X-1").to_weights()
    for name, array in model.to_weights().items():
        np.testing.assert_array_equal(loaded[name], array)
    assert pack_model(tmp_path, "X-1", model, test, **TRAINED, prediction=prediction)[0] == "current"  # type: ignore[arg-type]
