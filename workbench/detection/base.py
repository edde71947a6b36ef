"""The base class of our forecasters: checks, the held-out error and `forecaster.json`."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.counts import counted
from workbench.detection.scaling import Scaling
from workbench.detection.windows import (
    broken_windows,
    check_finite,
    check_length,
    read_inputs,
    read_span,
    split_windows,
    unusable_windows,
    window_count,
)
from workbench.exceptions import ArtifactError, ForecasterError
from workbench.telemetry.breaks import break_rows
from workbench.telemetry.schema import data_hash

__all__ = ["BaseForecaster", "Progress", "Training"]

Progress: TypeAlias = bool | Callable[[int, int, float, float], None]
"""Whether a fit shows a bar; or what it calls after each epoch, with its number, the most there can be, and the loss
over the learned and over the held-out windows."""

_DESCRIPTION = "forecaster.json"
_MIN_WINDOWS = 2  # one to learn from, one held out
_SEGMENT_WINDOWS = 262_144  # predicted at a time, so that memory does not follow the length of the series


class Training:
    """Input of a fit: windows, seed and progress.

    Attributes
    ----------
    values : numpy.ndarray, shape (n, 1 + k), float32
        Scaled inputs.
    learned, held_out : numpy.ndarray of int
        Indices of windows, without the unusable ones.
    seed : int
        Seed of the training.
    data_hash : str
        SHA-256 of the training series.
    name : str
        The channel.
    progress : Progress
        Whether to show a bar, or what to call after each epoch.
    checkpoint : Path or None
        Folder in which a long fit keeps its state.
    """

    def __init__(
        self,
        train: xr.Dataset,
        values: npt.NDArray[np.float32],
        count: int,
        *,
        seed: int,
        progress: Progress,
        checkpoint: Path | None,
        unusable: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self.values = values
        self.learned, self.held_out = split_windows(count, seed)
        if unusable is not None:
            self.learned, self.held_out = (part[~unusable[part]] for part in (self.learned, self.held_out))
        self.seed = seed
        self.data_hash = data_hash(train)
        self.name = str(train.attrs.get("channel", ""))
        self.progress = progress
        self.checkpoint = checkpoint


class BaseForecaster(ABC):
    """A forecaster that sees scaled inputs and predicts scaled telemetry; see `Forecaster` for the methods.

    Parameters
    ----------
    sequence_length : int
        Inputs of a window, samples.
    prediction_horizon : int
        Samples predicted from one window.
    max_gap_seconds : float, optional
        Longest gap of a training series that a window may reach across, see `workbench.telemetry.breaks`; any where
        omitted.

    Attributes
    ----------
    n_inputs : int or None
        1 + number of commands, once fitted.
    metrics : dict of str to float
        After the fit; always holds `validation_error`, the mean absolute one-step error over the held-out
        windows in the units of the telemetry.
    history : dict of str to list of float
        After the fit, metrics epoch by epoch; empty where there are no epochs.
    """

    name: ClassVar[str]
    scales: ClassVar[bool] = True
    """Whether inputs are scaled; not where a prediction is one of them, which scaling would round."""
    block_windows: int = 1
    """Windows that are predicted together. Blocks begin at multiples of it, counted from the start of the series, so
    that a window's prediction has the same bits however long the series is and wherever a prediction begins."""

    def __init__(
        self, *, sequence_length: int = 250, prediction_horizon: int = 10, max_gap_seconds: float | None = None
    ) -> None:
        for label, value in (("sequence_length", sequence_length), ("prediction_horizon", prediction_horizon)):
            if value < 1:
                raise ForecasterError(f"{label} is {value}.", "It must be at least 1 sample.")
        if max_gap_seconds is not None and max_gap_seconds <= 0:
            raise ForecasterError(f"max_gap_seconds is {max_gap_seconds}.", "It must be above 0.")
        self.max_gap_seconds = max_gap_seconds
        self.sequence_length = sequence_length
        self.prediction_horizon = prediction_horizon
        self.n_inputs: int | None = None
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.metrics: dict[str, float] = {}
        self.history: dict[str, list[float]] = {}
        self._scaling: Scaling | None = None

    def __repr__(self) -> str:
        """Name the forecaster and say what it was fitted to."""
        if self.n_inputs is None:
            return f"{type(self).__name__}(not fitted)"
        error = self.metrics.get("validation_error", float("nan"))
        return f"{type(self).__name__}({counted(self.n_inputs, 'input')}, validation error {error:.4g})"

    @property
    def parameters(self) -> dict[str, Any]:
        """Hyperparameters, as they are passed to the class; `max_gap_seconds` where it is set."""
        longest = {} if self.max_gap_seconds is None else {"max_gap_seconds": self.max_gap_seconds}
        return {"sequence_length": self.sequence_length, "prediction_horizon": self.prediction_horizon, **longest}

    def fit(
        self, train: xr.Dataset, *, seed: int = 0, progress: Progress = False, checkpoint: Path | None = None
    ) -> Self:
        """Learn from a training series; see `Forecaster.fit`."""
        values = read_inputs(train, self.sequence_length, self.prediction_horizon, windows=_MIN_WINDOWS)
        n = values.shape[1]
        scaling = Scaling.of(train) if self.scales else Scaling((0.0,) * n, (1.0,) * n)
        count = window_count(len(values), self.sequence_length, self.prediction_horizon)
        telemetry = train["telemetry"].values
        unusable = unusable_windows(telemetry[: self.sequence_length + count], self.sequence_length)
        breaks = break_rows(train, self.max_gap_seconds)
        unusable |= broken_windows(breaks, count, self.sequence_length, self.prediction_horizon)
        training = Training(
            train, scaling.apply(values), count, seed=seed, progress=progress, checkpoint=checkpoint, unusable=unusable
        )
        if not (training.learned.size and training.held_out.size):
            gaps = f", and {counted(len(breaks), 'gap')} longer than {self.max_gap_seconds:g} s" if breaks else ""
            raise ForecasterError(
                f"{training.name or 'The series'} has {counted(int((~unusable).sum()), 'window')} to learn from: "
                f"{counted(int(np.isnan(telemetry).sum()), 'training sample')} of {telemetry.size} are missing{gaps}.",
                "Choose another training span: workbench channels split.",
            )
        metrics = self._fit(training)
        self.n_inputs = values.shape[1]
        self.dtype = values.dtype
        self._scaling = scaling
        held_out = training.held_out
        error = np.abs(self.predict(train)[held_out].astype(np.float64) - values[held_out + self.sequence_length, 0])
        self.metrics = {"validation_error": float(error.mean()), **metrics}
        return self

    def predict(self, channel: xr.Dataset) -> npt.NDArray[Any]:
        """Predict each sample from those before it; see `Forecaster.predict`."""
        return self.predict_from(channel, 0)

    def predict_from(self, channel: xr.Dataset, first: int, removed: int = 0) -> npt.NDArray[Any]:
        """Predict what `predict` does from one of its windows on, to the same bits; only what it takes is read.

        Parameters
        ----------
        channel : xarray.Dataset
            As for `predict`.
        first : int
            Number of the first window.
        removed : int
            How many samples were in front of the series when it was predicted first, and are removed since.

        Returns
        -------
        numpy.ndarray, shape (n - sequence_length - prediction_horizon - first,), dtype of the telemetry
            Prediction of sample `sequence_length + first + i` at index i, in the units of the telemetry.

        Raises
        ------
        ForecasterError
            As for `predict`.
        """
        scaling = self._fitted()
        around = self.sequence_length + self.prediction_horizon
        check_length(channel, self.sequence_length, self.prediction_horizon, windows=1)
        self._check_inputs(1 + channel.sizes["command"], str(channel.attrs.get("channel", "The series")))
        count = channel.sizes["time"] - around
        step = -(-_SEGMENT_WINDOWS // self.block_windows) * self.block_windows
        dtype = channel["telemetry"].dtype
        prediction = np.empty(max(0, count - first), dtype)
        for start in range(first - (first + removed) % self.block_windows, count, step):
            end = min(start + step, count)
            if start < 0:
                raise ForecasterError(
                    f"The first {counted(-start, 'sample')} of the block of windows are not there any more.",
                    "Predict from a later window, or the series from its start.",
                )
            values = read_span(channel, start, end + around)
            skipped = max(first - start, 0)
            part = self._predict_rest(scaling.apply(values), skipped)
            prediction[start + skipped - first : end - first] = scaling.restore(part, dtype)
        return prediction

    def predict_window(self, window: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Predict the samples that follow one window; see `Forecaster.predict_window`."""
        scaling = self._fitted()
        window = np.asarray(window, dtype=self.dtype)
        if window.ndim != 2 or len(window) != self.sequence_length:
            raise ForecasterError(
                f"The window has shape {window.shape}.", f"Expected ({self.sequence_length}, {self.n_inputs})."
            )
        self._check_inputs(window.shape[1], "The window")
        check_finite(window, "The window")
        return scaling.restore(self._predict_window(scaling.apply(window)), self.dtype)

    def predict_windows(self, windows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Predict the samples that follow each of many windows; see `Forecaster.predict_windows`."""
        scaling = self._fitted()
        if windows.ndim != 3 or windows.shape[1:] != (self.sequence_length, self.n_inputs):
            raise ForecasterError(
                f"The windows have shape {windows.shape}.", f"Expected (w, {self.sequence_length}, {self.n_inputs})."
            )
        windows = np.asarray(windows, dtype=self.dtype)
        check_finite(windows.reshape(-1, windows.shape[2]), "A window")
        if not len(windows):
            return np.zeros((0, self.prediction_horizon), self.dtype)
        return scaling.restore(self._predict_windows(scaling.apply(windows)), self.dtype)

    def save(self, folder: Path) -> None:
        """Write the forecaster; see `Forecaster.save`."""
        scaling = self._fitted()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        description = {
            "forecaster": self.name,
            "parameters": self.parameters,
            "n_inputs": self.n_inputs,
            "metrics": self.metrics,
            "history": self.history,
            "scaling": {"offset": scaling.offset, "scale": scaling.scale},
        }
        if self.dtype != np.float32:
            description["dtype"] = self.dtype.name
        (folder / _DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
        self._save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved forecaster; see `Forecaster.load`."""
        path = Path(folder) / _DESCRIPTION
        try:
            description = json.loads(path.read_text(encoding="utf-8"))
            if description["forecaster"] != cls.name:
                raise ArtifactError(f"{path} describes a {description['forecaster']} forecaster, not {cls.name}.")
            forecaster = cls(**description["parameters"])
            forecaster.n_inputs = int(description["n_inputs"])
            forecaster.metrics = {str(key): float(value) for key, value in description["metrics"].items()}
            history = description.get("history", {})  # not of models from before it was kept
            forecaster.history = {str(key): [float(value) for value in values] for key, values in history.items()}
            forecaster.dtype = np.dtype({"float32": "f4", "float64": "f8"}[description.get("dtype", "float32")])
            forecaster._scaling = Scaling(**{key: tuple(value) for key, value in description["scaling"].items()})
        except OSError as error:
            raise ArtifactError(
                f"{path} cannot be read: {error.strerror or error}.", "Train the model again."
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(
                f"{path} is not a forecaster's description: {error!r}.", "Train the model again."
            ) from None
        forecaster._load(Path(folder))
        return forecaster

    def _fitted(self) -> Scaling:
        if self._scaling is None:
            raise ForecasterError(f"The {self.name} forecaster is not fitted.", "Call fit or load first.")
        return self._scaling

    def _check_inputs(self, n_inputs: int, name: str) -> None:
        if n_inputs != self.n_inputs:
            raise ForecasterError(
                f"{name} has {counted(n_inputs, 'input')} (telemetry and {counted(n_inputs - 1, 'command')}).",
                f"The {self.name} forecaster was fitted to {self.n_inputs}.",
            )

    @abstractmethod
    def _fit(self, training: Training) -> dict[str, float]:
        """Learn, and return the metrics beside `validation_error`."""

    @abstractmethod
    def _predict(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        """Predict step 0 of each window of scaled inputs (n, 1 + k)."""

    def _predict_rest(self, values: npt.NDArray[np.float32], skipped: int) -> npt.NDArray[np.floating[Any]]:
        """Predict what `_predict` does, but for the first windows."""
        return self._predict(values)[skipped:]

    @abstractmethod
    def _predict_window(self, window: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        """Predict all steps after one window of scaled inputs (sequence_length, 1 + k)."""

    def _predict_windows(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        """Predict all steps after each of some windows of scaled inputs (w, sequence_length, 1 + k)."""
        return np.stack([self._predict_window(window) for window in windows])

    @abstractmethod
    def _save(self, folder: Path) -> None:
        """Write the learned arrays."""

    @abstractmethod
    def _load(self, folder: Path) -> None:
        """Read the learned arrays."""
