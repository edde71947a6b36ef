import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import wave_channel
from tests.models.lstms import METRICS, default_lstm
from workbench.detection.windows import split_windows
from workbench.exceptions import ArtifactError, ModelError
from workbench.models.packing import pack_model
from workbench.models.registry import Registry
from workbench.models.shipped import (
    MANIFEST,
    file_name,
    install_shipped,
    load_shipped,
    read_manifest,
    shipped_folder,
)
from workbench.models.training import train_channels
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_nasa
from workbench.telemetry.schema import data_hash, inputs

SHIPPED = shipped_folder()


@pytest.fixture(scope="session")
def packed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "models"
    test = wave_channel(n=400)
    trained = {"X-1": wave_channel("X-1"), "X-2": wave_channel("X-2", seed=2), "Y-9": wave_channel("Y-9")}
    for seed, (channel, train) in enumerate(trained.items()):
        pack_model(folder, channel, default_lstm(seed), test, train_hash=data_hash(train), seed=0, seconds=12.5)
    return folder


@pytest.fixture
def folder(packed_once: Path, tmp_path: Path) -> Path:
    """Shipped models of X-1 and X-2, and of Y-9, which the archive does not hold."""
    return shutil.copytree(packed_once, tmp_path / "models")


def install(archive: Archive, registry: Registry, folder: Path) -> pd.DataFrame:
    return install_shipped(archive, registry, folder).set_index("channel")


def test_models_of_the_archives_data_become_champions(
    tiny_archive: Archive, empty_registry: Registry, folder: Path
) -> None:
    done = install(tiny_archive, empty_registry, folder)
    assert done["status"].to_dict() == {"X-1": "installed", "X-2": "installed", "Y-9": "skipped"}
    assert done["model"].tolist() == ["X-1.lstm/1", "X-2.lstm/1", ""]
    assert "Y-9" in done.loc["Y-9", "reason"]
    info = empty_registry.champion("X-1")
    assert (info.id, info.train_hash) == ("X-1.lstm/1", tiny_archive.info("X-1").train_hash)
    assert info.metrics == {**METRICS, "training_seconds": 12.5}
    assert info.parameters == {key: str(value) for key, value in {**default_lstm().parameters, "seed": 0}.items()}
    test = tiny_archive.open("X-1", "test")
    np.testing.assert_array_equal(empty_registry.load(info).predict(test), load_shipped(folder, "X-1").predict(test))


def test_an_installed_model_is_current_for_training(
    tiny_archive: Archive, empty_registry: Registry, folder: Path
) -> None:
    install(tiny_archive, empty_registry, folder)
    trained = train_channels(tiny_archive, empty_registry, ["X-1", "X-2"], "lstm")
    assert trained[["status", "alias"]].values.tolist() == [["current", "champion"]] * 2


def test_installing_again_changes_nothing(tiny_archive: Archive, empty_registry: Registry, folder: Path) -> None:
    install(tiny_archive, empty_registry, folder)
    before = empty_registry.list()
    done = install(tiny_archive, empty_registry, folder)
    assert done["status"].tolist() == ["current", "current", "skipped"]
    assert done["model"].tolist() == ["X-1.lstm/1", "X-2.lstm/1", ""]
    assert empty_registry.list() == before


def test_a_version_whose_alias_a_crash_prevented_becomes_champion(
    tiny_archive: Archive, empty_registry: Registry, folder: Path
) -> None:
    install(tiny_archive, empty_registry, folder)
    empty_registry.set_alias("X-1.lstm", 1, "challenger")
    with empty_registry.client() as client:
        client.delete_registered_model_alias("X-1.lstm", "champion")
    assert install(tiny_archive, empty_registry, folder).loc["X-1", "status"] == "current"
    assert empty_registry.champion("X-1", "lstm").version == 1


@pytest.mark.parametrize(("train_hash", "alias"), [("own", "challenger"), ("ab" * 32, "champion")])
def test_a_champion_of_the_same_data_stays(
    tiny_archive: Archive, empty_registry: Registry, folder: Path, train_hash: str, alias: str
) -> None:
    held = tiny_archive.info("X-1").train_hash
    own = default_lstm(5)
    own.metrics["loss"] = 0.5
    empty_registry.register(own, "X-1", held if train_hash == "own" else train_hash, seed=0, duration=1.0)
    assert install(tiny_archive, empty_registry, folder).loc["X-1", "model"] == "X-1.lstm/2"
    assert alias in empty_registry.get("X-1.lstm", 2).aliases
    assert empty_registry.champion("X-1").version == (1 if alias == "challenger" else 2)


def test_other_data_and_damaged_files_are_skipped_with_the_reason(
    tiny_archive: Archive, empty_registry: Registry, folder: Path
) -> None:
    tiny_archive.write(wave_channel("X-2", seed=8), wave_channel("X-2", 3000, 3))
    content = bytearray((folder / file_name("X-1")).read_bytes())
    content[-1] ^= 1
    (folder / file_name("X-1")).write_bytes(content)
    done = install(tiny_archive, empty_registry, folder)
    assert done["status"].tolist() == ["skipped"] * 3
    assert "X-1.lstm.safetensors has SHA-256" in done.loc["X-1", "reason"]
    assert "other training data" in done.loc["X-2", "reason"]
    assert empty_registry.list() == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "cannot be read: No such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes, expected"),
        (lambda path: path.write_bytes(path.with_name(file_name("X-2")).read_bytes()), "has SHA-256"),
    ],
)
def test_a_file_that_is_not_the_one_listed_is_refused(folder: Path, damage: object, message: str) -> None:
    damage(folder / file_name("X-1"))  # type: ignore[operator]
    with pytest.raises(ArtifactError, match=rf"X-1\.lstm\.safetensors.*{message}"):
        load_shipped(folder, "X-1")
    with pytest.raises(ArtifactError, match="lists no model of 'Q-1'"):
        load_shipped(folder, "Q-1")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"X-1"', '" X-1"', r"models\. X-1"),
        ('"float16"', '"int8"', r"models\.X-1\.dtype"),
        ('"seed": 0', '"seed": "0x"', r"models\.X-1\.seed"),
        ('"loss": 0', '"loss": NaN', "manifest of shipped models"),
        ('"format_version": 1', '"format_version": 2', "format_version"),
        ("{", "[" * 10000, "manifest of shipped models"),
    ],
)
def test_a_damaged_manifest_gives_one_error(
    tiny_archive: Archive, empty_registry: Registry, folder: Path, old: str, new: str, message: str
) -> None:
    text = (folder / MANIFEST).read_text()
    assert old in text
    (folder / MANIFEST).write_text(text.replace(old, new, 1))
    with pytest.raises(ArtifactError, match=rf"manifest\.json is not a manifest.*{message}|{message}"):
        install(tiny_archive, empty_registry, folder)


def test_no_shipped_models_install_nothing(tiny_archive: Archive, tmp_path: Path) -> None:
    done = install_shipped(tiny_archive, Registry(tmp_path / "registry"), tmp_path / "none")
    assert done.columns.tolist() == ["channel", "status", "model", "reason"]
    assert done.empty
    assert not (tmp_path / "registry").exists()


def test_a_registry_that_cannot_be_written_is_told(tiny_archive: Archive, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be used"):
        install(tiny_archive, Registry(tmp_path / "file" / "registry"), folder)


# ---- what the product ships


def test_the_product_ships_what_its_manifest_says() -> None:
    models = read_manifest(SHIPPED).models
    assert {path.name for path in SHIPPED.iterdir()} == {MANIFEST, *map(file_name, models)}
    for channel, entry in models.items():
        content = (SHIPPED / file_name(channel)).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry.bytes, entry.sha256)
        assert {"workbench", "numpy", "trainer"} == set(entry.versions)
        assert entry.seed == 0
    assert sum(entry.bytes for entry in models.values()) < 20e6


@pytest.mark.parametrize("channel", sorted(read_manifest(SHIPPED).models))
def test_every_shipped_model_loads_as_it_was_trained(channel: str) -> None:
    entry = read_manifest(SHIPPED).models[channel]
    model = load_shipped(SHIPPED, channel)
    assert model.parameters == {**type(model)().parameters, "trainer": model.trainer}
    assert {**model.metrics, "training_seconds": entry.metrics["training_seconds"]} == entry.metrics
    window = np.zeros((model.sequence_length, model.n_inputs or 0), np.float32)
    assert np.isfinite(model.predict_window(window)).all()


@pytest.fixture(scope="session")
def nasa_archive(nasa_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = Archive(tmp_path_factory.mktemp("nasa") / "archive.zarr")
    import_nasa(nasa_zip, archive)
    return archive


@pytest.mark.nasa
def test_every_shipped_model_predicts_its_channel(nasa_archive: Archive) -> None:
    for channel, entry in read_manifest(SHIPPED).models.items():
        assert nasa_archive.info(channel).train_hash == entry.train_hash
        test = nasa_archive.open(channel, "test").isel(time=slice(0, 300))
        prediction = load_shipped(SHIPPED, channel).predict(test)
        assert (prediction.shape, np.isfinite(prediction).all()) == ((40,), True)


@pytest.mark.nasa
def test_shipped_models_have_the_error_that_they_claim(nasa_archive: Archive) -> None:
    """On the two shortest training series: the error over the windows held out, as `BaseForecaster.fit` measures it."""
    models = read_manifest(SHIPPED).models
    for channel in sorted(models, key=lambda name: nasa_archive.info(name).n_train)[:2]:
        train = nasa_archive.open(channel, "train")
        error = np.abs(load_shipped(SHIPPED, channel).predict(train) - train["telemetry"].values[250:-10])
        _, held_out = split_windows(error.size, models[channel].seed)
        np.testing.assert_allclose(error[held_out].mean(), models[channel].metrics["validation_error"], rtol=0.01)


@pytest.mark.nasa
def test_rounding_to_float16_leaves_the_anomalies(nasa_archive: Archive, tmp_path: Path) -> None:
    """A model that float16 rounds to a shipped one finds the same sequences, and is packed to the same file."""
    models = read_manifest(SHIPPED).models
    halves = [name for name, entry in models.items() if entry.dtype == "float16"]
    channel = min(halves, key=lambda name: nasa_archive.info(name).n_test)
    entry, model = models[channel], load_shipped(SHIPPED, channel)
    random = np.random.default_rng(0)
    shaken = {}
    for name, array in model.to_weights().items():
        step = np.spacing(np.abs(array).astype(np.float16)).astype(np.float32)
        shaken[name] = array + step * random.uniform(-0.2, 0.2, array.shape).astype(np.float32)
    whole = type(model).from_weights(shaken)
    whole.metrics = dict(model.metrics)
    test = nasa_archive.open(channel, "test")
    window = inputs(test)[-250:]
    assert not np.array_equal(whole.predict_window(window), model.predict_window(window))
    seconds = entry.metrics["training_seconds"]
    _, packed = pack_model(tmp_path, channel, whole, test, train_hash=entry.train_hash, seed=0, seconds=seconds)
    assert (packed.dtype, packed.sha256) == (entry.dtype, entry.sha256)
    assert json.loads((tmp_path / MANIFEST).read_text())["models"][channel]["bytes"] == entry.bytes
