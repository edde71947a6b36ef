import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import wave_channel

from workbench.models.registry import Registry
from workbench.models.training import train_channels
from workbench.telemetry.archive import Archive

ROOT = Path(__file__).parents[2]
TINY: dict[str, object] = {
    "sequence_length": 20,
    "prediction_horizon": 3,
    "units": [6, 4],
    "epochs": 3,
    "batch_size": 64,
}
STOPS = """
import os, signal, sys
from pathlib import Path
from workbench.detection.lstm.training import NumpyTrainer
from workbench.models import Registry
from workbench.models.training import train_channels
from workbench.telemetry.archive import Archive

def stops(self):
    run(self)
    if self.epoch == 2:
        os.kill(os.getpid(), signal.Signals[sys.argv[2]])

run, NumpyTrainer.run_epoch = NumpyTrainer.run_epoch, stops
home = Path(sys.argv[1])
archive, registry = Archive(home / "archive.zarr"), Registry(home / "registry")
train_channels(archive, registry, ["X-1", "X-2"], "lstm", parameters=PARAMETERS)
"""


def stop(home: Path, how: str, parameters: dict[str, object]) -> subprocess.CompletedProcess[str]:
    """Train in a process that a signal stops in the second epoch of its first channel."""
    code = STOPS.replace("PARAMETERS", repr(parameters))
    return subprocess.run([sys.executable, "-c", code, str(home), how], cwd=ROOT, capture_output=True, text=True)


def weights(registry: Registry) -> dict[str, dict[str, bytes]]:
    return {
        info.channel: {path.name: path.read_bytes() for path in sorted(info.path.glob("*.onnx"))}
        for info in registry.list()
    }


def train(archive: Archive, registry: Registry, workers: int = 1, **parameters: object) -> list[tuple[str, str]]:
    done = train_channels(archive, registry, ["X-1", "X-2"], "lstm", parameters={**TINY, **parameters}, workers=workers)
    return list(zip(done["status"], done["reason"], strict=True))


def test_processes_give_the_same_weights_as_one(tiny_archive: Archive, tmp_path: Path) -> None:
    alone, together = Registry(tmp_path / "alone"), Registry(tmp_path / "together")
    assert train(tiny_archive, alone) == train(tiny_archive, together, workers=2) == [("trained", "")] * 2
    assert weights(alone) == weights(together)
    assert len(weights(alone)["X-1"]) == 1
    assert not list((together.location.folder / "checkpoints").iterdir())


@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_stopped_training_goes_on_to_the_same_weights(tiny_archive: Archive, tmp_path: Path, how: str) -> None:
    home = tiny_archive.path.parent
    stopped = stop(home, how, TINY)
    assert stopped.returncode == -getattr(signal, how), stopped.stderr
    resumed, whole = Registry(home / "registry"), Registry(tmp_path / "whole")
    assert resumed.list() == []
    (checkpoint,) = (home / "registry" / "checkpoints").glob("*/lstm.safetensors")
    before = checkpoint.read_bytes()
    assert train(tiny_archive, resumed) == train(tiny_archive, whole) == [("trained", "")] * 2
    assert weights(resumed) == weights(whole)
    assert before and not checkpoint.exists()


def test_each_channel_that_fails_is_named_and_the_others_are_trained(
    tiny_archive: Archive, empty_registry: Registry
) -> None:
    tiny_archive.write(wave_channel("X-3", 24), wave_channel("X-3", 100, 1))
    extreme = wave_channel("X-4").copy(deep=True)
    extreme["telemetry"][:] = np.nan
    tiny_archive.write(extreme, wave_channel("X-4", 100, 1))
    done = train_channels(
        tiny_archive, empty_registry, ["X-3", "X-4", "X-1"], "lstm", parameters=TINY, workers=2
    ).set_index("channel")
    assert done["status"].to_dict() == {"X-3": "failed", "X-4": "failed", "X-1": "trained"}
    assert done.at["X-3", "reason"].startswith("X-3 has 24 samples. At least 25 are needed")
    assert "X-4 holds no value" in done.at["X-4", "reason"]


def test_a_checkpoint_of_another_configuration_is_named(tiny_archive: Archive) -> None:
    home = tiny_archive.path.parent
    kept = []
    for parameters in (TINY, {**TINY, "epochs": 4}):
        stop(home, "SIGKILL", parameters)
        kept += [path for path in (home / "registry" / "checkpoints").glob("*/lstm.safetensors") if path not in kept]
    os.replace(*kept)
    registry = Registry(home / "registry")
    done = train_channels(tiny_archive, registry, ["X-1", "X-2"], "lstm", parameters={**TINY, "epochs": 4})
    assert done["status"].tolist() == ["failed", "trained"]
    assert "belongs to another training: parameters is" in done.at[0, "reason"]
