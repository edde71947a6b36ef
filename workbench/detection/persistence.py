"""The persistence forecaster: what is now will be."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from workbench.detection.base import BaseForecaster, Training
from workbench.detection.windows import window_count

__all__ = ["PersistenceForecaster"]


class PersistenceForecaster(BaseForecaster):
    """Predict that the telemetry stays at its last value.

    The yardstick for every other forecaster: one that is not better has learned nothing.

    Examples
    --------
    >>> from workbench.telemetry.schema import make_channel
    >>> series = make_channel(range(100, 108), channel="X-1", asset="X")
    >>> forecaster = PersistenceForecaster(sequence_length=3, prediction_horizon=2).fit(series)
    >>> forecaster.predict(series), forecaster.metrics
    (array([102., 103., 104.], dtype=float32), {'validation_error': 1.0})
    """

    name: ClassVar[str] = "persistence"
    scales = False

    def _fit(self, training: Training) -> dict[str, float]:
        del training
        return {}

    def _predict(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        count = window_count(len(values), self.sequence_length, self.prediction_horizon)
        return values[self.sequence_length - 1 :][:count, 0]

    def _predict_window(self, window: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        return np.full(self.prediction_horizon, window[-1, 0])

    def _save(self, folder: Path) -> None:
        del folder

    def _load(self, folder: Path) -> None:
        del folder
