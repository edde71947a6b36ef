"""Training by Keras and TensorFlow: the only module that imports them, when it trains."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from workbench.detection.base import Training
from workbench.detection.lstm.training import Hyperparameters, LSTMTrainer

__all__ = ["KerasTrainer"]


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Keep what TensorFlow's libraries write while they load, below any setting, off the error stream."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    stream = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(stream, 2)
        os.close(stream)


class KerasTrainer(LSTMTrainer):
    """Trains with Keras and TensorFlow, on a GPU where TensorFlow finds one.

    Notes
    -----
    Windows are gathered from the series batch by batch, never laid out at once.
    """

    version: ClassVar[str] = "keras"

    def __init__(self, forecaster: Hyperparameters, training: Training) -> None:
        super().__init__(forecaster, training)
        with _quiet_start():
            import keras
            import tensorflow as tf

        keras.utils.clear_session()
        keras.utils.set_random_seed(training.seed)
        tf.config.experimental.enable_op_determinism()
        n_inputs = training.values.shape[1]
        layers: list[Any] = [keras.Input((forecaster.sequence_length, n_inputs))]
        for layer, units in enumerate(forecaster.units, start=1):
            layers.append(keras.layers.LSTM(units, return_sequences=layer < len(forecaster.units)))
            layers.append(keras.layers.Dropout(forecaster.dropout))
        layers.append(keras.layers.Dense(forecaster.prediction_horizon))
        self._model = keras.Sequential(layers)
        # Compiled by XLA, an epoch takes 3 to 6 times as long on a processor.
        self._model.compile(loss="mse", optimizer="adam", jit_compile=False)
        self._model.optimizer.build(self._model.trainable_variables)
        self._series = tf.constant(training.values)
        self._held_out = self._batches(training.held_out)

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the weights by name, as `build_graph` takes them."""
        *recurrent, dense = [layer for layer in self._model.layers if layer.weights]
        named = {
            f"lstm_{i}.{part}": array
            for i, layer in enumerate(recurrent)
            for part, array in zip(("kernel", "recurrent", "bias"), layer.get_weights(), strict=True)
        }
        return named | dict(zip(("dense.kernel", "dense.bias"), dense.get_weights(), strict=True))

    def learn_epoch(self, order: npt.NDArray[np.int64]) -> tuple[float, float]:
        """Learn by Keras, and return the loss over the windows and over the held-out ones."""
        batches = self._batches(order)
        history = self._model.fit(batches, validation_data=self._held_out, shuffle=False, verbose=0).history
        return float(history["loss"][0]), float(history["val_loss"][0])

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def _restore(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        for name, variable in self._variables().items():
            variable.assign(arrays[name])

    def _variables(self) -> dict[str, Any]:
        """Return all that changes in training: weights, states of the dropout, and the optimizer's moments."""
        variables = [*self._model.variables, *self._model.optimizer.variables]
        return {f"{i:03d}": variable.value for i, variable in enumerate(variables)}

    def _batches(self, windows: npt.NDArray[np.int64]) -> Any:
        import tensorflow as tf

        length, horizon = self.forecaster.sequence_length, self.forecaster.prediction_horizon

        def gather(first: Any) -> tuple[Any, Any]:
            inputs = tf.gather(self._series, first[:, None] + tf.range(length, dtype=first.dtype))
            targets = first[:, None] + length + tf.range(horizon, dtype=first.dtype)
            return inputs, tf.gather(self._series[:, 0], targets)

        return tf.data.Dataset.from_tensor_slices(windows).batch(self.forecaster.batch_size).map(gather)
