"""The protocol of a forecaster, and the registry of forecasters."""

from collections import UserDict
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.base import Progress
from workbench.detection.lstm.forecaster import LSTMForecaster
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.ridge import RidgeForecaster
from workbench.exceptions import ForecasterError

__all__ = ["FORECASTERS", "Forecaster", "Forecasters"]


@runtime_checkable
class Forecaster(Protocol):
    """Predicts a channel's telemetry from windows of telemetry and commands.

    Attributes
    ----------
    name : str
        Under which it is registered and chosen: `workbench train --forecaster NAME`.
    sequence_length, prediction_horizon : int
        Inputs and targets of a window, samples.
    n_inputs : int or None
        1 + number of commands; None until fitted.
    dtype : numpy.dtype
        Of the telemetry that it was fitted to, and of what it predicts: float32, or float64.
    parameters : dict of str to Any
        Hyperparameters, such as can be given to the class; JSON can hold them, and no fit changes them.
    metrics : dict of str to float
        After the fit; `validation_error` is the mean absolute one-step error over the random 20 % of windows
        held out, the same for every forecaster, in the units of the telemetry.
    history : dict of str to list of float
        After the fit, metrics epoch by epoch; empty where there are no epochs.
    """

    name: ClassVar[str]
    sequence_length: int
    prediction_horizon: int
    n_inputs: int | None
    dtype: np.dtype[Any]
    metrics: dict[str, float]
    history: dict[str, list[float]]

    @property
    def parameters(self) -> dict[str, Any]:
        """Hyperparameters of the forecaster, by name."""

    def fit(
        self, train: xr.Dataset, *, seed: int = 0, progress: Progress = False, checkpoint: Path | None = None
    ) -> Self:
        """Learn from a training series.

        Parameters
        ----------
        train : xarray.Dataset
            Training split of a channel. Unusable windows, see `workbench.detection.windows`, are not learned from.
        seed : int
            Seed of the windows held out and of everything else random.
        progress : Progress
            Show a bar, where it takes long; or what to call after each epoch, where there are some.
        checkpoint : Path, optional
            Folder in which a long fit keeps its state, and goes on from it; the caller removes it once the
            forecaster is saved.

        Returns
        -------
        Forecaster
            Itself.

        Raises
        ------
        ForecasterError
            The series is too short, too much of it is missing, an input is not finite, or the fit fails.
        """

    def predict(self, channel: xr.Dataset) -> npt.NDArray[Any]:
        """Predict each sample from those before it.

        Parameters
        ----------
        channel : xarray.Dataset
            A split with the inputs that the forecaster was fitted to. Where telemetry is missing, the last value
            before stands for it.

        Returns
        -------
        numpy.ndarray, shape (n - sequence_length - prediction_horizon,), dtype of its telemetry
            Prediction of sample `sequence_length + i` at index i, in the units of the telemetry.

        Raises
        ------
        ForecasterError
            Not fitted, other inputs, too short a series, one without a value, or inputs that are not finite.
        """

    def predict_window(self, window: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Predict the samples that follow one window.

        Parameters
        ----------
        window : numpy.ndarray, shape (sequence_length, n_inputs)
            Latest inputs; column 0 is the telemetry.

        Returns
        -------
        numpy.ndarray, shape (prediction_horizon,), `dtype`
            In the units of the telemetry.

        Raises
        ------
        ForecasterError
            Not fitted, another shape, or NaN.
        """

    def predict_windows(self, windows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Predict the samples that follow each of many windows.

        Parameters
        ----------
        windows : numpy.ndarray, shape (w, sequence_length, n_inputs)
            Inputs; column 0 is the telemetry.

        Returns
        -------
        numpy.ndarray, shape (w, prediction_horizon), `dtype`
            What `predict_window` gives for each, in the units of the telemetry.

        Raises
        ------
        ForecasterError
            Not fitted, another shape, or NaN.
        """

    def save(self, folder: Path) -> None:
        """Write the fitted forecaster as JSON with safetensors or ONNX.

        Parameters
        ----------
        folder : Path
            Made where it is missing.
        """

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved forecaster; never imports TensorFlow.

        Parameters
        ----------
        folder : Path
            As given to `save`.

        Returns
        -------
        Forecaster
            Predicts as the saved one did.

        Raises
        ------
        ArtifactError
            A file is missing or damaged.
        """


class Forecasters(UserDict[str, type[Forecaster]]):
    """Forecasters by name; each name once.

    Examples
    --------
    >>> sorted(FORECASTERS)
    ['lstm', 'persistence', 'ridge']
    >>> FORECASTERS["ridge"] = LSTMForecaster
    Traceback (most recent call last):
        ...
    workbench.exceptions.ForecasterError: There is already a forecaster 'ridge' (RidgeForecaster). Choose another name.
    """

    def __setitem__(self, name: str, forecaster: type[Forecaster]) -> None:
        if name in self.data:
            raise ForecasterError(
                f"There is already a forecaster {name!r} ({self.data[name].__name__}).", "Choose another name."
            )
        if forecaster.name != name:
            raise ForecasterError(f"{forecaster.__name__} names itself {forecaster.name!r}, not {name!r}.")
        self.data[name] = forecaster


FORECASTERS = Forecasters()
"""Every forecaster, by name."""
FORECASTERS["persistence"] = PersistenceForecaster
FORECASTERS["ridge"] = RidgeForecaster
FORECASTERS["lstm"] = LSTMForecaster
