"""The ridge forecaster: a linear model of past telemetry and commands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from workbench.detection.base import BaseForecaster, Training
from workbench.detection.windows import sliding, window_count
from workbench.exceptions import ArtifactError, ForecasterError

__all__ = ["RidgeForecaster"]

_WEIGHTS = "ridge.safetensors"
_ALPHAS = tuple(10.0**power for power in range(-6, 1))
_CHUNK_WINDOWS = 512


class RidgeForecaster(BaseForecaster):
    """Predict each of the next samples as a linear function of the window.

    Every step of the horizon has its own weights (direct forecasting). The penalty is chosen among powers
    of ten as the one with the least mean absolute one-step error over the held-out windows.

    Parameters
    ----------
    sequence_length, prediction_horizon : int
        Inputs and targets of a window, samples.
    telemetry_lags, command_lags : int
        Latest samples of the window that are used; never more than the window has.
    max_gap_seconds : float, optional
        As for `BaseForecaster`.

    Notes
    -----
    Solved in float64 by the normal equations, which are summed over chunks of windows: the lag matrix never
    exists as a whole. The penalty is relative to the mean variance of the lags, so that it means the same on
    every channel; the intercept is not penalized.
    """

    name: ClassVar[str] = "ridge"
    block_windows = 4096

    def __init__(
        self,
        *,
        sequence_length: int = 250,
        prediction_horizon: int = 10,
        telemetry_lags: int = 100,
        command_lags: int = 25,
        max_gap_seconds: float | None = None,
    ) -> None:
        super().__init__(
            sequence_length=sequence_length, prediction_horizon=prediction_horizon, max_gap_seconds=max_gap_seconds
        )
        for label, value, least in (("telemetry_lags", telemetry_lags, 1), ("command_lags", command_lags, 0)):
            if value < least:
                raise ForecasterError(f"{label} is {value}.", f"It must be at least {least}.")
        self.telemetry_lags = telemetry_lags
        self.command_lags = command_lags
        self._weights: dict[str, npt.NDArray[np.float32]] = {}

    @property
    def parameters(self) -> dict[str, Any]:
        """Hyperparameters, as they are passed to the class."""
        return {**super().parameters, "telemetry_lags": self.telemetry_lags, "command_lags": self.command_lags}

    @property
    def _lags(self) -> tuple[int, int]:
        return min(self.telemetry_lags, self.sequence_length), min(self.command_lags, self.sequence_length)

    def _fit(self, training: Training) -> dict[str, float]:
        length, horizon = self.sequence_length, self.prediction_horizon
        values = training.values.astype(np.float64)
        centre: npt.NDArray[np.float64] = values.mean(axis=0)
        values -= centre  # keeps the sums below well conditioned
        active = np.flatnonzero(values[:, 1:].any(axis=0))  # a command that never changes has no weight
        values = values[:, [0, *(active + 1)]]
        windows = sliding(values, length)
        targets = np.lib.stride_tricks.sliding_window_view(values[length:, 0], horizon)
        gram, cross, lag_sum, target_sum = self._sums(windows, targets, training.learned)
        n = len(training.learned)
        lag_mean, target_mean = lag_sum / n, target_sum / n
        gram -= n * np.outer(lag_mean, lag_mean)
        cross -= n * np.outer(lag_mean, target_mean)
        scale = gram.trace() / len(gram) or 1.0
        fits: list[npt.NDArray[Any]] = [
            np.linalg.solve(gram + alpha * scale * np.eye(len(gram)), cross) for alpha in _ALPHAS
        ]
        one_step = np.stack([fit[:, 0] for fit in fits], axis=1)
        error = np.zeros(len(fits))
        for rows in _chunks(training.held_out):
            predicted = (self._lag_matrix(windows, rows) - lag_mean) @ one_step + target_mean[0]
            error += np.abs(predicted - targets[rows, :1]).sum(axis=0)
        best = int(error.argmin())
        self._weights = self._unpack(fits[best], lag_mean, target_mean, centre, active)
        return {"alpha": _ALPHAS[best]}

    def _sums(
        self, windows: npt.NDArray[np.float64], targets: npt.NDArray[np.float64], learned: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float64], ...]:
        """Sum the products of lags with lags and with targets, the lags, and the targets, over windows."""
        telemetry_lags, command_lags = self._lags
        width = telemetry_lags + command_lags * (windows.shape[2] - 1)
        gram, cross = np.zeros((width, width)), np.zeros((width, targets.shape[1]))
        lag_sum, target_sum = np.zeros(width), np.zeros(targets.shape[1])
        for rows in _chunks(learned):
            lags, target = self._lag_matrix(windows, rows), targets[rows]
            gram += lags.T @ lags
            cross += lags.T @ target
            lag_sum += lags.sum(axis=0)
            target_sum += target.sum(axis=0)
        return gram, cross, lag_sum, target_sum

    def _lag_matrix(self, windows: npt.NDArray[np.float64], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Lay out the used lags of some windows (of w, sequence_length, d) as a matrix: telemetry, then commands."""
        telemetry_lags, command_lags = self._lags
        latest = windows.shape[1]
        telemetry = windows[:, latest - telemetry_lags :, 0][rows]
        n_commands = windows.shape[2] - 1
        commands = windows[:, latest - command_lags :, 1:][rows].reshape(len(rows), command_lags * n_commands)
        return np.concatenate([telemetry, commands], axis=1)

    def _unpack(
        self,
        fit: npt.NDArray[Any],
        lag_mean: npt.NDArray[np.float64],
        target_mean: npt.NDArray[np.float64],
        centre: npt.NDArray[np.float64],
        active: npt.NDArray[np.int64],
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Return the weights by lag and input, and the intercept, for inputs that are not centred."""
        telemetry_lags, command_lags = self._lags
        telemetry = fit[:telemetry_lags]
        commands = np.zeros((command_lags, len(centre) - 1, fit.shape[1]))
        commands[:, active] = fit[telemetry_lags:].reshape(command_lags, len(active), fit.shape[1])
        intercept = target_mean - lag_mean @ fit + centre[0]
        intercept -= centre[0] * telemetry.sum(axis=0) + np.einsum("k,lkh->h", centre[1:], commands)
        weights = {"telemetry": telemetry, "commands": commands, "intercept": intercept}
        return {key: np.ascontiguousarray(value, dtype=np.float32) for key, value in weights.items()}

    def _predict(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        telemetry_lags, command_lags = self._lags
        longest = max(telemetry_lags, command_lags)
        length, block = self.sequence_length, self.block_windows
        count = window_count(len(values), length, self.prediction_horizon)
        telemetry, commands, intercept = (
            self._weights[key].astype(np.float64)[..., 0] for key in ("telemetry", "commands", "intercept")
        )
        active = np.flatnonzero(commands.any(axis=0))
        predicted = np.empty(count)
        # Step 0 alone is a filter: one correlation over the telemetry, and one over each command that has a weight.
        for start in range(0, count, block):
            latest = values[start + length - longest : min(start + block, count) + length - 1]
            series = np.zeros((1 + active.size, longest + block - 1))  # of one size, wherever the series ends
            series[0, : len(latest)] = latest[:, 0]
            series[1:, : len(latest)] = latest[:, 1 + active].T
            part = np.correlate(series[0, longest - telemetry_lags :], telemetry)
            part += intercept
            for inputs, command in zip(series[1:, longest - command_lags :], active, strict=True):
                part += np.correlate(inputs, commands[:, command])
            predicted[start : start + block] = part[: count - start]
        return predicted

    def _predict_window(self, window: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        telemetry_lags, command_lags = self._lags
        latest = len(window)
        weights = self._weights
        predicted: npt.NDArray[np.float64] = (
            weights["intercept"]
            + window[latest - telemetry_lags :, 0].astype(np.float64) @ weights["telemetry"]
            + np.einsum("lk,lkh->h", window[latest - command_lags :, 1:].astype(np.float64), weights["commands"])
        )
        return predicted

    def _predict_windows(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        weights = self._weights
        lags = self._lag_matrix(windows.astype(np.float64), np.arange(len(windows)))
        by_lag = np.concatenate([weights["telemetry"], weights["commands"].reshape(-1, self.prediction_horizon)])
        predicted: npt.NDArray[np.float64] = lags @ by_lag.astype(np.float64) + weights["intercept"]
        return predicted

    def _save(self, folder: Path) -> None:
        save_file(self._weights, folder / _WEIGHTS)

    def _load(self, folder: Path) -> None:
        path = folder / _WEIGHTS
        telemetry_lags, command_lags = self._lags
        expected = {
            "telemetry": (telemetry_lags, self.prediction_horizon),
            "commands": (command_lags, (self.n_inputs or 1) - 1, self.prediction_horizon),
            "intercept": (self.prediction_horizon,),
        }
        try:
            self._weights = load_file(path)
        except (OSError, SafetensorError) as error:
            raise ArtifactError(f"{path} cannot be read: {error}.", "Train the model again.") from None
        shapes = {key: value.shape for key, value in self._weights.items()}
        if shapes != expected:
            raise ArtifactError(f"{path} holds arrays of shape {shapes}.", f"Expected {expected}.")


def _chunks(indices: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    ordered = np.sort(indices)
    for start in range(0, len(ordered), _CHUNK_WINDOWS):
        yield ordered[start : start + _CHUNK_WINDOWS]
