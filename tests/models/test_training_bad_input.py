"""A fleet in which channels go wrong: each is named with its reason, and the others are trained."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import wave_channel
from workbench.detection.lstm.training import NumpyTrainer
from workbench.models.registry import Registry
from workbench.models.training import train_channels
from workbench.telemetry.archive import Archive

TINY = {"sequence_length": 20, "prediction_horizon": 3, "units": [5, 4], "batch_size": 16, "epochs": 2}


def train(archive: Archive, registry: Registry, **options: int) -> pd.DataFrame:
    given = {"parameters": {**TINY, "trainer": "numpy"}, **options}
    return train_channels(archive, registry, archive.channels(), "lstm", **given).set_index("channel")  # type: ignore[arg-type]


@pytest.fixture
def fleet(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path / "archive.zarr")
    for name in ("X-1", "X-2", "X-3"):
        archive.write(wave_channel(name, 200), wave_channel(name, 100, 1))
    return archive


def checkpoints(registry: Registry, channel: str) -> list[Path]:
    return list((registry.location.folder / "checkpoints").glob(f"{channel}.lstm-*/lstm.safetensors"))


def interrupt(archive: Archive, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stop a training of X-2 after its first epoch; give its checkpoint."""
    run_epoch = NumpyTrainer.run_epoch

    def interrupted(trainer: NumpyTrainer) -> None:
        if trainer.training.name == "X-2" and trainer.epoch == 1:
            raise KeyboardInterrupt
        run_epoch(trainer)

    with monkeypatch.context() as patched:
        patched.setattr(NumpyTrainer, "run_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(archive, registry)
    (checkpoint,) = checkpoints(registry, "X-2")
    return checkpoint


@pytest.mark.parametrize("workers", [1, 2])
def test_too_little_data_and_constant_telemetry(fleet: Archive, empty_registry: Registry, workers: int) -> None:
    fleet.write(wave_channel("X-1", 24), wave_channel("X-1", 100, 1))
    flat = wave_channel("X-2", 200).copy(deep=True)
    flat["telemetry"][:] = 0.25
    fleet.write(flat, wave_channel("X-2", 100, 1))
    done = train(fleet, empty_registry, workers=workers)
    assert done["status"].tolist() == ["failed", "trained", "trained"]
    assert done.loc["X-1", "reason"].startswith("X-1 has 24 samples. At least 25 are needed")
    assert done.loc["X-2", "reason"] == "its training telemetry is constant"
    assert [info.id for info in empty_registry.list()] == ["X-2.lstm/1", "X-3.lstm/1"]


def test_a_loss_that_is_nan(fleet: Archive, empty_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    run = NumpyTrainer.learn_epoch

    def diverging(trainer: NumpyTrainer, order: np.ndarray) -> tuple[float, float]:
        losses = run(trainer, order)
        return (float("nan"), losses[1]) if (trainer.training.name, trainer.epoch) == ("X-2", 1) else losses

    monkeypatch.setattr(NumpyTrainer, "learn_epoch", diverging)
    done = train(fleet, empty_registry)
    assert done["status"].tolist() == ["trained", "failed", "trained"]
    assert done.loc["X-2", "reason"].startswith("X-2: the training loss became nan in epoch 2.")
    assert [info.channel for info in empty_registry.list()] == ["X-1", "X-3"]
    monkeypatch.undo()
    again = train(fleet, empty_registry)
    assert again["status"].tolist() == ["current", "trained", "current"]
    assert again.loc["X-2", "epochs"] == 2


def test_a_checkpoint_of_another_configuration_is_not_taken(
    fleet: Archive, empty_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies where nobody looks; one put in the place of another is named, and the others go on."""
    kept = interrupt(fleet, empty_registry, monkeypatch)
    other = train(fleet, empty_registry, seed=1)
    assert other["status"].tolist() == ["trained"] * 3
    assert other["epochs"].tolist() == [2] * 3
    assert checkpoints(empty_registry, "X-2") == [kept]
    foreign = kept.read_bytes()
    fleet.write(wave_channel("X-2", 200, 7), wave_channel("X-2", 100, 1))
    kept.unlink()
    place = interrupt(fleet, empty_registry, monkeypatch)
    place.write_bytes(foreign)
    done = train(fleet, empty_registry)
    assert done["status"].tolist() == ["current", "failed", "trained"]
    assert "belongs to another training: training data is " in done.loc["X-2", "reason"]
    assert str(place) in done.loc["X-2", "reason"]


def test_a_damaged_checkpoint_is_named_and_the_others_go_on(
    fleet: Archive, empty_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = interrupt(fleet, empty_registry, monkeypatch)
    kept.write_bytes(kept.read_bytes()[:-9])
    done = train(fleet, empty_registry)
    assert done["status"].tolist() == ["current", "failed", "trained"]
    assert f"The checkpoint {kept} cannot be read" in done.loc["X-2", "reason"]
    assert "Delete it to train from the start." in done.loc["X-2", "reason"]
    kept.unlink()
    assert train(fleet, empty_registry)["status"].tolist() == ["current", "trained", "current"]
