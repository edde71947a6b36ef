import math
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import wave_channel

from tests.archive_files import file_of
from tests.models.fakes import ScriptedForecaster
from workbench.exceptions import ForecasterError, ModelError
from workbench.models.registry import Registry
from workbench.models.training import train_channels
from workbench.telemetry.archive import Archive

Scripted = type[ScriptedForecaster]


def train(archive: Archive, registry: Registry, *channels: str, **options: object) -> pd.DataFrame:
    return train_channels(archive, registry, channels or ("X-1", "X-2"), "scripted", **options).set_index("channel")  # type: ignore[arg-type]


def test_each_channel_gets_a_champion(tiny_archive: Archive, empty_registry: Registry, scripted: Scripted) -> None:
    scripted.errors = {"X-1": 0.25}
    done = train(tiny_archive, empty_registry)
    assert done["status"].tolist() == ["trained", "trained"]
    assert done["model"].tolist() == ["X-1.scripted/1", "X-2.scripted/1"]
    assert done.loc["X-1", "validation_error"] == 0.25
    assert (done["seconds"] > 0).all()
    info = empty_registry.champion("X-1")
    assert info.train_hash == tiny_archive.info("X-1").train_hash
    assert info.metrics["training_seconds"] == done.loc["X-1", "seconds"]
    assert empty_registry.load(info).metrics["validation_error"] == 0.25


def test_a_current_model_is_not_trained_again(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted
) -> None:
    train(tiny_archive, empty_registry)
    done = train(tiny_archive, empty_registry)
    assert done["status"].tolist() == ["current", "current"]
    assert done["seconds"].isna().all()
    assert done["alias"].tolist() == ["champion", "champion"]
    assert len(scripted.log) == 2
    assert train(tiny_archive, empty_registry, force=True)["status"].tolist() == ["trained", "trained"]
    assert len(scripted.log) == 4


@pytest.mark.parametrize("damage", ["flip", "remove a file", "remove the folder"])
def test_a_model_whose_files_are_damaged_is_not_current(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted, damage: str
) -> None:
    train(tiny_archive, empty_registry)
    folder = empty_registry.champion("X-1").path
    file = next(path for path in sorted(folder.iterdir()) if path.name not in ("manifest.json", "MLmodel"))
    if damage == "flip":
        content = bytearray(file.read_bytes())
        content[0] ^= 1
        file.write_bytes(content)
    elif damage == "remove a file":
        file.unlink()
    else:
        shutil.rmtree(folder)
    done = train(tiny_archive, empty_registry)
    assert done["status"].tolist() == ["trained", "current"]
    assert empty_registry.champion("X-1").version == 2
    assert train(tiny_archive, empty_registry)["status"].tolist() == ["current", "current"]


def test_damaged_training_telemetry_is_named_beside_a_current_model(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted
) -> None:
    train(tiny_archive, empty_registry)
    file = file_of(tiny_archive, "X-1", "train/telemetry/c")
    content = bytearray(file.read_bytes())
    content[50] ^= 1
    file.write_bytes(content)
    done = train(tiny_archive, empty_registry)
    assert done["status"].tolist() == ["failed", "current"]
    assert "is damaged" in done.loc["X-1", "reason"]


@pytest.mark.parametrize("change", ["seed", "parameters", "data"])
def test_a_model_of_another_seed_parameters_or_data_is_not_current(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted, change: str
) -> None:
    train(tiny_archive, empty_registry, "X-1")
    if change == "parameters":
        scripted.setting = 2
    if change == "data":
        tiny_archive.write(wave_channel("X-1", seed=9), wave_channel("X-1", 3000, 1))
    done = train(tiny_archive, empty_registry, "X-1", seed=1 if change == "seed" else 0)
    assert done.loc["X-1", ["status", "model"]].tolist() == ["trained", "X-1.scripted/2"]


@pytest.mark.parametrize(
    ("error", "alias"), [(0.4, "champion"), (0.5, "challenger"), (0.6, "challenger"), (math.nan, "challenger")]
)
def test_a_new_version_is_champion_where_it_is_better(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted, error: float, alias: str
) -> None:
    scripted.errors = {"X-1": 0.5}
    train(tiny_archive, empty_registry, "X-1")
    scripted.errors = {"X-1": error}
    done = train(tiny_archive, empty_registry, "X-1", seed=1)
    assert done.loc["X-1", "alias"] == alias
    assert empty_registry.champion("X-1").version == (2 if alias == "champion" else 1)


@pytest.mark.parametrize(("error", "alias"), [(0.1, "champion"), (0.9, "challenger")])
def test_a_champion_of_other_data_is_judged_on_the_present_ones(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted, error: float, alias: str
) -> None:
    scripted.errors = {"X-1": 0.5}
    train(tiny_archive, empty_registry, "X-1")
    tiny_archive.write(wave_channel("X-1", seed=9), wave_channel("X-1", 3000, 1))
    scripted.errors = {"X-1": error}
    assert train(tiny_archive, empty_registry, "X-1").loc["X-1", "alias"] == alias


def test_a_better_version_comes_back_with_its_data_unless_it_was_rolled_back(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted
) -> None:
    def trained_on(seed: int, error: float) -> list[str]:
        tiny_archive.write(wave_channel("X-1", seed=seed), wave_channel("X-1", 3000, 1))
        scripted.errors = {"X-1": error}
        return list(train(tiny_archive, empty_registry, "X-1").loc["X-1", ["status", "model", "alias"]])

    assert trained_on(0, 0.5) == ["trained", "X-1.scripted/1", "champion"]
    assert trained_on(9, 0.1) == ["trained", "X-1.scripted/2", "champion"]
    assert trained_on(0, 0.5) == ["current", "X-1.scripted/1", ""]
    empty_registry.set_alias("X-1.scripted", 1, "champion")
    assert trained_on(9, 0.1) == ["current", "X-1.scripted/2", "champion"]
    empty_registry.rollback("X-1.scripted")
    assert trained_on(9, 0.1) == ["current", "X-1.scripted/2", ""]


def test_a_version_whose_alias_a_crash_prevented_becomes_champion(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted
) -> None:
    train(tiny_archive, empty_registry, "X-1")
    with empty_registry.client() as client:
        client.delete_registered_model_alias("X-1.scripted", "champion")
    done = train(tiny_archive, empty_registry, "X-1")
    assert done.loc["X-1", ["status", "alias"]].tolist() == ["current", "champion"]
    assert len(scripted.log) == 1


def test_a_channel_that_fails_is_told_and_the_others_go_on(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted
) -> None:
    scripted.refuses = {"X-1"}
    done = train(tiny_archive, empty_registry, "X-1", "Q-9", "X-2")
    assert done["status"].tolist() == ["failed", "failed", "trained"]
    assert done.loc["X-1", "reason"] == "X-1 cannot be fitted. Give it more samples."
    assert "Q-9" in done.loc["Q-9", "reason"]
    assert done.loc["X-2", "reason"] == ""
    assert [info.channel for info in empty_registry.list()] == ["X-2"]


def test_an_interrupted_training_goes_on_where_it_was(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted
) -> None:
    scripted.interrupts = {"X-2"}
    with pytest.raises(KeyboardInterrupt):
        train(tiny_archive, empty_registry)
    assert [info.id for info in empty_registry.list()] == ["X-1.scripted/1"]
    scripted.interrupts = set()
    done = train(tiny_archive, empty_registry)
    assert done["status"].tolist() == ["current", "trained"]
    assert scripted.log == [("X-1", False), ("X-2", False), ("X-2", True)]  # the last one found its checkpoint
    assert not list((empty_registry.location.folder / "checkpoints").iterdir())


def test_a_checkpoint_of_another_seed_is_not_taken(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted
) -> None:
    scripted.interrupts = {"X-1"}
    for seed in (0, 1):
        with pytest.raises(KeyboardInterrupt):
            train(tiny_archive, empty_registry, "X-1", seed=seed)
    assert scripted.log == [("X-1", False), ("X-1", False)]


def test_progress_names_the_channel_and_the_time_left(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tiny_archive, empty_registry)
    assert capsys.readouterr() == ("", "")
    train(tiny_archive, empty_registry, force=True, progress=True)
    shown = capsys.readouterr().err
    assert "train scripted" in shown
    assert "X-2" in shown
    assert "2/2 [" in shown


def test_the_order_asked_for_is_kept_and_each_channel_trained_once(
    tiny_archive: Archive, empty_registry: Registry, scripted: Scripted
) -> None:
    assert train(tiny_archive, empty_registry, "X-2", "X-1", "X-2").index.tolist() == ["X-2", "X-1"]
    assert [channel for channel, _ in scripted.log] == ["X-2", "X-1"]


def test_no_channels_give_an_empty_table(tiny_archive: Archive, empty_registry: Registry) -> None:
    done = train_channels(tiny_archive, empty_registry, [], "persistence")
    assert done.columns.tolist() == ["channel", "status", "model", "alias", "seconds", "reason"]
    assert done.empty


def test_an_unknown_forecaster_is_told_with_the_known_ones(tiny_archive: Archive, empty_registry: Registry) -> None:
    with pytest.raises(ForecasterError, match=r"no forecaster 'prophet'\. Known: lstm, persistence, ridge"):
        train_channels(tiny_archive, empty_registry, ["X-1"], "prophet")


def test_a_registry_that_cannot_be_written_is_told_before_any_fit(
    tiny_archive: Archive, tmp_path: Path, scripted: Scripted
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be used"):
        train(tiny_archive, Registry(tmp_path / "file" / "registry"))
    assert scripted.log == []


def test_constant_telemetry_is_trained_and_told(tiny_archive: Archive, empty_registry: Registry) -> None:
    flat = wave_channel("X-1").copy(deep=True)
    flat["telemetry"][:] = 0.25
    tiny_archive.write(flat, wave_channel("X-1", 3000, 1))
    done = train_channels(tiny_archive, empty_registry, ["X-1", "X-2"], "ridge")
    assert done["status"].tolist() == ["trained", "trained"]
    assert done["reason"].tolist() == ["its training telemetry is constant", ""]


@pytest.mark.parametrize("forecaster", ["persistence", "ridge"])
def test_the_quick_forecasters_train_and_load(tiny_archive: Archive, empty_registry: Registry, forecaster: str) -> None:
    done = train_channels(tiny_archive, empty_registry, ["X-1"], forecaster)
    assert done["status"].tolist() == ["trained"]
    model = empty_registry.load(empty_registry.champion("X-1"))
    assert model.predict(tiny_archive.open("X-1")).shape == (3000 - 250 - 10,)
