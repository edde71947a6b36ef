"""The LSTM forecaster of Telemanom: trained by NumPy or TensorFlow, served by NumPy and ONNX Runtime.

Source: Hundman et al. 2018, section 3.1; `modeling.py` and `config.yaml` of Telemanom 2.0.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import xarray as xr
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from workbench.blas import one_blas_thread
from workbench.detection.base import BaseForecaster, Training
from workbench.detection.lstm.in_flight import MOST_WINDOWS, Following
from workbench.detection.lstm.inference import block_windows, predict_alone, predict_series
from workbench.detection.lstm.keras import KerasTrainer
from workbench.detection.lstm.onnx_graph import build_graph, open_graph, run
from workbench.detection.lstm.training import LSTMTrainer, NumpyTrainer
from workbench.detection.scaling import Scaling
from workbench.detection.windows import read_span, window_count
from workbench.exceptions import ArtifactError, ForecasterError

__all__ = ["TRAINERS", "LSTMForecaster"]

_GRAPH = "model.onnx"  # predicts single windows
_WEIGHTS = "lstm.safetensors"  # predicts a series


class LSTMForecaster(BaseForecaster):
    """Predict the next samples from a window with stacked LSTM layers.

    Parameters
    ----------
    sequence_length, prediction_horizon : int
        Inputs and targets of a window, samples.
    units : sequence of int
        Units of each LSTM layer.
    dropout : float
        Share of each layer's outputs dropped in training.
    batch_size, epochs : int
        Windows of one training step; most passes over the training windows.
    patience, min_delta : int, float
        Training ends after `patience` epochs in which the loss over the held-out windows did not fall by
        more than `min_delta` below its least.
    trainer : {"numpy", "keras"}
        What trains: NumPy on one processor core, the fastest there, or Keras, which can use a GPU.
    max_gap_seconds : float, optional
        As for `BaseForecaster`.

    Notes
    -----
    The defaults are Telemanom's, and as there the weights of the last epoch are kept, not of the best. The
    shuffles, the initial weights and the dropout follow from the seed: the same seed, data and trainer on
    the same kind of processor give the same weights, whether training was interrupted or not.
    """

    name: ClassVar[str] = "lstm"

    def __init__(
        self,
        *,
        sequence_length: int = 250,
        prediction_horizon: int = 10,
        units: tuple[int, ...] | list[int] = (80, 80),
        dropout: float = 0.3,
        batch_size: int = 64,
        epochs: int = 35,
        patience: int = 10,
        min_delta: float = 0.0003,
        trainer: str = "numpy",
        max_gap_seconds: float | None = None,
    ) -> None:
        super().__init__(
            sequence_length=sequence_length, prediction_horizon=prediction_horizon, max_gap_seconds=max_gap_seconds
        )
        if not units or min(*units, batch_size, epochs, patience) < 1:
            raise ForecasterError(
                f"units, batch_size, epochs and patience are {units}, {batch_size}, {epochs} and {patience}.",
                "Each must be at least 1.",
            )
        if not 0 <= dropout < 1:
            raise ForecasterError(f"dropout is {dropout}.", "It must be at least 0 and below 1.")
        self.units = tuple(units)
        self.dropout = dropout
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        if trainer not in TRAINERS:
            raise ForecasterError(f"trainer is {trainer!r}.", f"Known: {', '.join(TRAINERS)}.")
        self.min_delta = min_delta
        self.trainer = trainer
        self._graph = b""
        self._weights: dict[str, npt.NDArray[np.float32]] = {}
        self._session: Any = None
        self._following: Following | None = None
        self._lock = threading.Lock()

    @property
    def block_windows(self) -> int:  # type: ignore[override]
        """Windows of a block, see `BaseForecaster.block_windows`."""
        return block_windows(self.sequence_length)

    @property
    def parameters(self) -> dict[str, Any]:
        """Hyperparameters, as they are passed to the class."""
        return {
            **super().parameters,
            "units": list(self.units),
            "dropout": self.dropout,
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "patience": self.patience,
            "min_delta": self.min_delta,
            "trainer": self.trainer,
        }

    @classmethod
    def from_weights(
        cls,
        weights: Mapping[str, npt.NDArray[np.float32]],
        *,
        sequence_length: int = 250,
        scaling: Scaling | None = None,
    ) -> Self:
        """Make a forecaster from weights trained elsewhere.

        Parameters
        ----------
        weights : mapping of str to numpy.ndarray, float32
            As `to_weights` gives them.
        sequence_length : int
            Inputs of a window, samples.
        scaling : Scaling, optional
            Scaling of the inputs; none where omitted.

        Returns
        -------
        LSTMForecaster
            Ready to predict.

        Raises
        ------
        ForecasterError
            A weight is missing, or its shape does not fit the others.
        """
        graph = build_graph(weights, sequence_length)
        n_inputs = len(weights["lstm_0.kernel"])
        units = [len(array) for name, array in sorted(weights.items()) if name.endswith(".recurrent")]
        forecaster = cls(sequence_length=sequence_length, prediction_horizon=len(weights["dense.bias"]), units=units)
        forecaster.n_inputs = n_inputs
        forecaster._scaling = scaling or Scaling((0.0,) * n_inputs, (1.0,) * n_inputs)
        forecaster._serve(graph, weights)
        return forecaster

    def to_weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the weights as Keras has them, to train on or to ship in another format.

        Returns
        -------
        dict of str to numpy.ndarray
            `lstm_0.kernel`, `lstm_0.recurrent`, `lstm_0.bias` and so on for each layer (gates in the order
            input, forget, cell, output), `dense.kernel` and `dense.bias`.

        Raises
        ------
        ForecasterError
            Not fitted.
        """
        self._fitted()
        return dict(self._weights)

    def _fit(self, training: Training) -> dict[str, float]:
        trainer = TRAINERS[self.trainer](self, training)
        progress = training.progress
        with tqdm(
            total=self.epochs, desc=training.name, unit="epoch", leave=False, disable=progress is not True
        ) as bar:
            trainer.resume()
            bar.update(trainer.epoch)
            while not trainer.finished:
                trainer.run_epoch()
                bar.set_postfix(loss=f"{trainer.loss:.5f}", val_loss=f"{trainer.validation_loss:.5f}")
                bar.update()
                if callable(progress):
                    progress(trainer.epoch, self.epochs, trainer.loss, trainer.validation_loss)
        self.history = trainer.history
        weights = trainer.weights()
        self._serve(build_graph(weights, self.sequence_length), weights)
        return {
            "epochs": float(trainer.epoch),
            "loss": trainer.loss,
            "validation_loss": trainer.validation_loss,
        }

    def _serve(self, graph: bytes, weights: Mapping[str, npt.NDArray[np.float32]]) -> None:
        self._graph = graph
        self._session = None  # opened where a single window is predicted: it takes more memory than all else
        self._weights = dict(weights)
        self._following = Following(self._weights, self.sequence_length)

    def predict_from(self, channel: xr.Dataset, first: int, removed: int = 0) -> npt.NDArray[Any]:
        """Predict what `predict` does from one of its windows on; see `BaseForecaster.predict_from`.

        A forecaster that is asked for the end of a series again, when a few samples are behind it, goes on where it
        was: a step of the network for each sample, in place of those of all windows of a block.
        """
        end = channel.sizes["time"] - self.sequence_length - self.prediction_horizon
        if self._following is None or first < self.sequence_length or not 0 < end - first <= MOST_WINDOWS:
            return super().predict_from(channel, first, removed)
        if not self._lock.acquire(blocking=False):  # another thread is at it
            return super().predict_from(channel, first, removed)
        try:
            scaling = self._fitted()
            self._check_inputs(1 + channel.sizes["command"], str(channel.attrs.get("channel", "The series")))
            prediction = self._following.predict(
                first + removed,
                end + removed,
                lambda start, stop: scaling.apply(read_span(channel, start - removed, stop - removed)),
            )
            return scaling.restore(prediction, channel["telemetry"].dtype)
        finally:
            self._lock.release()

    def _predict(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        return self._predict_rest(values, 0)

    def _predict_rest(self, values: npt.NDArray[np.float32], skipped: int) -> npt.NDArray[np.floating[Any]]:
        count = window_count(len(values), self.sequence_length, self.prediction_horizon)
        return predict_series(self._weights, values, self.sequence_length, count, skipped)[:, 0]

    def _predict_window(self, window: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        if self._session is None:
            self._session = open_graph(self._graph)
        prediction: npt.NDArray[np.float32] = run(self._session, window[:, None, :])[0]
        return prediction

    def _predict_windows(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
        count, length, n_inputs = windows.shape
        series = windows.reshape(count * length, n_inputs)
        with one_blas_thread():  # as in `predict_series`
            return predict_alone(self._weights, series, length, np.arange(count) * length)

    def _save(self, folder: Path) -> None:
        (folder / _GRAPH).write_bytes(self._graph)
        save_file({name: np.ascontiguousarray(array) for name, array in self._weights.items()}, folder / _WEIGHTS)

    def _load(self, folder: Path) -> None:
        path = folder / _GRAPH
        try:
            graph = path.read_bytes()
        except OSError as error:
            raise ArtifactError(
                f"{path} cannot be read: {error.strerror or error}.", "Train the model again."
            ) from None
        try:
            weights = load_file(folder / _WEIGHTS)
        except (OSError, SafetensorError) as error:
            raise ArtifactError(f"{folder / _WEIGHTS} cannot be read: {error}.", "Train the model again.") from None
        session = open_graph(graph)  # to see that it can be run
        self._serve(graph, weights)
        length, _, n_inputs = session.get_inputs()[0].shape
        shape = (length, n_inputs, session.get_outputs()[0].shape[-1])
        expected = (self.sequence_length, self.n_inputs, self.prediction_horizon)
        if shape != expected:
            raise ArtifactError(
                "{} takes {} samples of {} inputs and predicts {}.".format(path, *shape),
                "Its description says {}, {} and {}.".format(*expected),
            )


TRAINERS: dict[str, type[LSTMTrainer]] = {"numpy": NumpyTrainer, "keras": KerasTrainer}
"""What can train the network, by name; the weights are interchangeable."""
