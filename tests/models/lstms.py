"""Small LSTMs for the tests of shipped models."""

from functools import cache

import numpy as np

from tests.conftest import wave_channel
from workbench.detection.lstm.forecaster import LSTMForecaster

METRICS = {"validation_error": 0.1234567890123456, "epochs": 3.0, "loss": 1e-3 / 3, "validation_loss": 2e-3 / 3}


@cache
def tiny_lstm() -> LSTMForecaster:
    """Fitted to X-1 for one epoch; do not change it."""
    forecaster = LSTMForecaster(sequence_length=20, prediction_horizon=3, units=[6, 5], epochs=1)
    return forecaster.fit(wave_channel("X-1"), seed=3)


def default_lstm(seed: int = 0) -> LSTMForecaster:
    """Random weights for one command in a network of the default size, as if trained with default parameters."""
    return random_lstm(seed, (80, 80), 250, 10)


def random_lstm(seed: int = 0, units: tuple[int, ...] = (6, 5), length: int = 20, horizon: int = 3) -> LSTMForecaster:
    """Random weights for one command, as if trained."""
    random = np.random.default_rng(seed)
    weights, width = {}, 2
    for layer, size in enumerate(units):
        shapes = {"kernel": (width, 4 * size), "recurrent": (size, 4 * size), "bias": (4 * size,)}
        weights |= {f"lstm_{layer}.{part}": random.normal(0, 0.1, shape) for part, shape in shapes.items()}
        width = size
    weights |= {"dense.kernel": random.normal(0, 0.1, (width, horizon)), "dense.bias": random.normal(0, 0.1, horizon)}
    arrays = {name: array.astype(np.float32) for name, array in weights.items()}
    forecaster = LSTMForecaster.from_weights(arrays, sequence_length=length)
    forecaster.metrics = dict(METRICS)
    return forecaster
