"""The trend forecaster: a robust line through the latest blocks of a series, and what repeats in them.

Unlike the registered forecasters it learns nothing beforehand: it is for looking far ahead.

References
----------
.. [1] Sen 1968, "Estimates of the Regression Coefficient Based on Kendall's Tau": the median of all pairwise slopes.
"""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from workbench.detection.base import BaseForecaster, Training
from workbench.detection.windows import sliding, window_count
from workbench.exceptions import ForecasterError

__all__ = ["TrendForecaster", "theil_sen"]

_MAX_BLOCKS = 40
_MIN_BLOCKS = 3


def theil_sen(values: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lay a robust line through each of several equally spaced series.

    Parameters
    ----------
    values : numpy.ndarray, shape (w, m)
        m at least 2.

    Returns
    -------
    slope, middle : numpy.ndarray, shape (w,)
        The median of all pairwise slopes [1]_, per position; the value of the line at the middle, (m - 1) / 2.

    Examples
    --------
    >>> theil_sen(np.array([[0.0, 1.0, 2.0, 30.0, 4.0]]))
    (array([1.]), array([2.]))
    """
    first, second = np.triu_indices(values.shape[1], 1)
    slope = np.median((values[:, second] - values[:, first]) / (second - first), axis=1)
    position = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    return slope, np.median(values - slope[:, None] * position, axis=1)


class TrendForecaster(BaseForecaster):
    """Go on with the line through the means of the window's latest blocks, and with what repeats in them.

    Parameters
    ----------
    sequence_length, prediction_horizon : int
        Inputs and targets of a window, samples.
    period : int or None
        After which the telemetry repeats: the length of a block. Where None, nothing does, and a block is a fortieth
        of the window.

    Notes
    -----
    Means over whole periods hold no season, so that the line through them by Theil and Sen [1]_ is the trend; blocks
    that are unlike the others, fewer than 29 % of them, do not turn it. The season is the median over the blocks of
    what the line leaves at each place.
    """

    name: ClassVar[str] = "trend"

    def __init__(self, *, sequence_length: int = 250, prediction_horizon: int = 10, period: int | None = None) -> None:
        super().__init__(sequence_length=sequence_length, prediction_horizon=prediction_horizon)
        self.period = period
        self._block = period or max(1, sequence_length // _MAX_BLOCKS)
        if sequence_length < _MIN_BLOCKS * self._block:
            raise ForecasterError(
                f"A window of {sequence_length} samples holds fewer than {_MIN_BLOCKS} periods of {self._block}.",
                f"sequence_length must be at least {_MIN_BLOCKS * self._block}.",
            )

    @property
    def parameters(self) -> dict[str, Any]:
        """Hyperparameters, as they are passed to the class."""
        return {**super().parameters, "period": self.period}

    def _fit(self, training: Training) -> dict[str, float]:
        del training
        return {}

    def _predict(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        count = window_count(len(values), self.sequence_length, self.prediction_horizon)
        return self._predict_windows(sliding(values, self.sequence_length)[:count])[:, 0]

    def _predict_window(self, window: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        prediction: npt.NDArray[np.floating[Any]] = self._predict_windows(window[None])[0]
        return prediction

    def _predict_windows(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        size = self._block
        count = windows.shape[1] // size
        blocks = windows[:, windows.shape[1] - count * size :, 0].astype(np.float64).reshape(-1, count, size)
        slope, middle = theil_sen(blocks.mean(axis=2))
        slope /= size
        centre = (count * size - 1) / 2
        ahead = count * size + np.arange(self.prediction_horizon)
        prediction: npt.NDArray[np.float64] = middle[:, None] + slope[:, None] * (ahead - centre)
        if self.period is not None:
            position = np.arange(count * size).reshape(count, size) - centre
            line = middle[:, None, None] + slope[:, None, None] * position
            prediction += np.median(blocks - line, axis=1)[:, ahead % size]
        return prediction

    def _save(self, folder: Path) -> None:
        del folder

    def _load(self, folder: Path) -> None:
        del folder
