"""Small forecasters and channels for the tests of models."""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.persistence import PersistenceForecaster
from workbench.exceptions import ForecasterError
from workbench.telemetry.schema import make_channel

HASH = "ab" * 32


def fitted(error: float = 0.5, name: str = "persistence", commands: int = 2) -> PersistenceForecaster:
    """A fitted forecaster with a chosen validation error."""
    random = np.random.default_rng(0)
    series = make_channel(random.normal(size=300), random.integers(0, 2, (300, commands)), channel="P-1", asset="TEST")
    kind = type("Named", (PersistenceForecaster,), {"name": name})
    forecaster: PersistenceForecaster = kind().fit(series)
    forecaster.metrics = {"validation_error": error}
    return forecaster


class ScriptedForecaster(PersistenceForecaster):
    """Fits as a test tells it to, and errs by its validation error; `log` keeps what happened."""

    name: ClassVar[str] = "scripted"
    errors: ClassVar[dict[str, float]]
    refuses: ClassVar[set[str]]
    interrupts: ClassVar[set[str]]
    setting: ClassVar[int]
    log: ClassVar[list[tuple[str, bool]]]

    @classmethod
    def reset(cls) -> None:
        cls.errors, cls.refuses, cls.interrupts, cls.setting, cls.log = {}, set(), set(), 1, []

    def __init__(self, *, setting: int | None = None, **options: int) -> None:
        super().__init__(**options)
        if setting is not None:
            self.setting = setting  # type: ignore[misc]

    @property
    def parameters(self) -> dict[str, Any]:
        return {**super().parameters, "setting": self.setting}

    def fit(self, train: xr.Dataset, *, seed: int = 0, progress: bool = False, checkpoint: Path | None = None) -> Self:
        channel = train.attrs["channel"]
        assert checkpoint is not None
        self.log.append((channel, (checkpoint / "state.json").exists()))
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / "state.json").write_text("{}")
        if channel in self.interrupts:
            raise KeyboardInterrupt
        if channel in self.refuses:
            raise ForecasterError(f"{channel} cannot be fitted.", "Give it more samples.")
        super().fit(train, seed=seed, progress=progress)
        self.metrics["validation_error"] = self.errors.get(channel, 0.5)
        return self

    def predict(self, channel: xr.Dataset) -> npt.NDArray[np.float32]:
        predicted = slice(self.sequence_length, channel.sizes["time"] - self.prediction_horizon)
        error = np.float32(self.metrics.get("validation_error", 0.5))
        exact: npt.NDArray[np.float32] = channel["telemetry"].values[predicted] + error
        return exact


def window(commands: int = 2) -> npt.NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=(250, 1 + commands)).astype(np.float32)
