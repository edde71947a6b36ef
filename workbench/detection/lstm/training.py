"""Training of the LSTM epoch by epoch: early stopping and checkpoints, and the trainer in NumPy.

Source: Hundman et al. 2018, section 3.1; Kingma and Ba 2015 for Adam, with Keras' defaults.
"""

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from workbench.blas import one_blas_thread
from workbench.detection.base import Training
from workbench.detection.lstm.checkpoint import Checkpoint
from workbench.exceptions import ForecasterError

__all__ = ["Hyperparameters", "LSTMTrainer", "NumpyTrainer"]

_LEARNING_RATE = 1e-3
_BETA_1 = 0.9
_BETA_2 = 0.999
_EPSILON = 1e-7


class Hyperparameters(Protocol):
    """Hyperparameters that a trainer needs of its network; an `LSTMForecaster` has them."""

    @property
    def name(self) -> str:
        """Name of the forecaster, which a checkpoint holds."""

    @property
    def parameters(self) -> dict[str, Any]:
        """All hyperparameters by name, which a checkpoint holds."""

    @property
    def sequence_length(self) -> int:
        """Number of samples in the inputs of a window."""

    @property
    def prediction_horizon(self) -> int:
        """Number of samples in the targets of a window."""

    @property
    def units(self) -> tuple[int, ...]:
        """Number of units of each LSTM layer."""

    @property
    def dropout(self) -> float:
        """Share of each layer's outputs dropped in training."""

    @property
    def batch_size(self) -> int:
        """Number of windows in a training step."""

    @property
    def epochs(self) -> int:
        """Greatest number of epochs to train."""

    @property
    def patience(self) -> int:
        """Number of epochs without gain after which training ends."""

    @property
    def min_delta(self) -> float:
        """Least gain in validation loss that counts."""


class LSTMTrainer(ABC):
    """Trains one network; shuffling, early stopping and checkpoints are the same for every trainer.

    Parameters
    ----------
    forecaster : Hyperparameters
        What to train.
    training : Training
        On what.

    Attributes
    ----------
    epoch : int
        Epochs run.
    loss, validation_loss : float
        Mean squared error of the last epoch over the learned windows, with dropout, and over the held-out ones.
    history : dict of str to list of float
        `loss` and `validation_loss` of each epoch.
    """

    version: ClassVar[str]

    def __init__(self, forecaster: Hyperparameters, training: Training) -> None:
        self.forecaster = forecaster
        self.training = training
        self.epoch = 0
        self.loss = math.nan
        self.validation_loss = math.nan
        self.history: dict[str, list[float]] = {"loss": [], "validation_loss": []}
        self._best = math.inf
        self._waited = 0
        self._checkpoint = None
        if training.checkpoint is not None:
            identity = {
                "forecaster": forecaster.name,
                "parameters": forecaster.parameters,
                "seed": training.seed,
                "training data": training.data_hash,
                "trainer": self.version,
            }
            self._checkpoint = Checkpoint(training.checkpoint / "lstm.safetensors", identity)

    @property
    def finished(self) -> bool:
        """Whether the last epoch was run, or the held-out loss has stopped falling."""
        return self.epoch >= self.forecaster.epochs or self._waited >= self.forecaster.patience

    def resume(self) -> None:
        """Resume from the checkpoint if it exists."""
        saved = self._checkpoint.read() if self._checkpoint else None
        if saved is None:
            return
        arrays, state = saved
        self._restore(arrays)
        self.epoch = state["epoch"]
        self.loss = state["loss"]
        self.validation_loss = state["validation_loss"]
        self._best = state["best"]
        self._waited = state["waited"]
        unknown = [math.nan] * self.epoch  # of a checkpoint from before they were kept
        self.history = state.get("history") or {name: unknown.copy() for name in self.history}

    def run_epoch(self) -> None:
        """Run one epoch and write the checkpoint.

        Raises
        ------
        ForecasterError
            The loss is NaN or infinite.
        """
        order = np.random.default_rng((self.training.seed, self.epoch)).permutation(self.training.learned)
        self.loss, self.validation_loss = self.learn_epoch(order)
        if not math.isfinite(self.loss + self.validation_loss):
            raise ForecasterError(
                f"{self.training.name}: the training loss became {self.loss} in epoch {self.epoch + 1}.",
                "Look for extreme values in the training telemetry, or take another seed.",
            )
        self.epoch += 1
        self.history["loss"].append(self.loss)
        self.history["validation_loss"].append(self.validation_loss)
        # As keras.callbacks.EarlyStopping does.
        self._waited += 1
        if self.validation_loss + self.forecaster.min_delta < self._best:
            self._best = self.validation_loss
            self._waited = 0
        if self._checkpoint:
            state = {
                "epoch": self.epoch,
                "loss": self.loss,
                "validation_loss": self.validation_loss,
                "best": self._best,
                "waited": self._waited,
                "history": self.history,
            }
            self._checkpoint.write(self._arrays(), state)

    @abstractmethod
    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the weights by name, as `build_graph` takes them."""

    @abstractmethod
    def learn_epoch(self, order: npt.NDArray[np.int64]) -> tuple[float, float]:
        """Learn from windows in this order, and return the loss over them and over the held-out windows."""

    @abstractmethod
    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all arrays that change in training."""

    @abstractmethod
    def _restore(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take back what `_arrays` gave."""


class NumpyTrainer(LSTMTrainer):
    """Trains on one processor core, without TensorFlow.

    Notes
    -----
    Steps of a small network are too short to share among cores: two channels at once, a core each, take less
    time than one after the other on both. The same arithmetic as Keras' trainer, another stream of random
    numbers for the initial weights and the dropout.
    """

    version: ClassVar[str] = "numpy 1"

    def __init__(self, forecaster: Hyperparameters, training: Training) -> None:
        super().__init__(forecaster, training)
        from workbench.detection.lstm.network import Network

        self.network = Network(
            training.values.shape[1],
            forecaster.units,
            forecaster.prediction_horizon,
            length=forecaster.sequence_length,
            dropout=forecaster.dropout,
        )
        self.network.draw(np.random.default_rng((training.seed, 0, 0)))
        self._moments = np.zeros((2, len(self.network.flat)), np.float32)
        self._steps = 0

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the weights by name, as `build_graph` takes them."""
        return self.network.weights()

    def learn_epoch(self, order: npt.NDArray[np.int64]) -> tuple[float, float]:
        """Learn by Adam, and return the loss over the windows and over the held-out ones."""
        size, horizon = self.forecaster.batch_size, self.forecaster.prediction_horizon
        held_out = self.training.held_out
        training_loss = held_out_loss = 0.0
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
            for first in range(0, len(order), size):
                rng = np.random.default_rng((self.training.seed, self.epoch + 1, first + 1))
                training_loss += self.network.learn(*self._batch(order[first : first + size]), rng)
                self._adam()
            for first in range(0, len(held_out), size):
                held_out_loss += self.network.loss(*self._batch(held_out[first : first + size]))
        return training_loss / (len(order) * horizon), held_out_loss / (len(held_out) * horizon)

    def _batch(self, windows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        length, horizon = self.forecaster.sequence_length, self.forecaster.prediction_horizon
        inputs = self.training.values[np.arange(length)[:, None] + windows].transpose(0, 2, 1)
        return inputs, self.training.values[np.arange(length, length + horizon)[:, None] + windows, 0]

    def _adam(self) -> None:
        self._steps += 1
        gradient, (mean, square) = self.network.gradient, self._moments
        rate = _LEARNING_RATE * math.sqrt(1 - _BETA_2**self._steps) / (1 - _BETA_1**self._steps)
        mean += (gradient - mean) * np.float32(1 - _BETA_1)
        square += (gradient * gradient - square) * np.float32(1 - _BETA_2)
        self.network.flat -= mean * np.float32(rate) / (np.sqrt(square) + np.float32(_EPSILON))

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"weights": self.network.flat, "moments": self._moments, "steps": np.array(self._steps)}

    def _restore(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        self.network.flat[:] = arrays["weights"]
        self._moments[:] = arrays["moments"]
        self._steps = int(arrays["steps"])
