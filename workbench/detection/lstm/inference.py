"""Predictions of a stacked LSTM network for all windows of a series, in NumPy.

Source: Hochreiter and Schmidhuber 1997, the gates as Keras has them. Runs that windows share are ours.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["predict_alone", "predict_series", "predict_shared"]

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Weights = Mapping[str, Array]
Result = TypeVar("Result")

_GATES = (3, 1, 0, 2)  # Keras has input, forget, cell, output; here they are output, forget, input, cell
_BATCH_COLUMNS = 256  # of a batch: more take longer, as they leave the processor's cache
_BATCH_RUNS = 128  # of a batch: most series have two batches, for two cores
_WINDOW_SHARE = 5  # a run serves as many windows as a fifth of a window has samples
_MAX_DIFFERENCE = 1e-6
_MAX_THREADS = 8


def predict_series(weights: Weights, values: Array, length: int, count: int) -> Array:
    """Predict from the first `count` windows of a series.

    Parameters
    ----------
    weights : mapping of str to numpy.ndarray, float32
        As Keras has them; see `LSTMForecaster.to_weights`.
    values : numpy.ndarray, shape (n, d), float32
        Scaled inputs.
    length, count : int
        Samples of a window; number of windows, at least 1.

    Returns
    -------
    numpy.ndarray, shape (count, horizon), float32

    Notes
    -----
    Unlike Telemanom, which runs the network over each window by itself, windows share runs wherever
    `predict_shared` sees that it makes no difference.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # a step is too short to share among cores: each takes its own windows
        prediction, agreed = predict_shared(weights, values, length, count)
        alone = np.flatnonzero(~agreed)
        if alone.size:
            prediction[alone] = predict_alone(weights, values, length, alone)
    return prediction


def predict_shared(weights: Weights, values: Array, length: int, count: int) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Predict from the first `count` windows of a series by runs that neighbouring windows share.

    Parameters
    ----------
    weights, values, length, count
        As for `predict_series`.

    Returns
    -------
    prediction : numpy.ndarray, shape (count, horizon), float32
    agreed : numpy.ndarray of bool, shape (count,)
        Where the prediction can be taken for that of the window by itself.

    Notes
    -----
    A run starts with every m-th window, m a fifth of the window's length, and goes on to the end of the m - 1
    windows after it. At the end of its first window it is compared with the next run, which has seen m samples
    fewer: where all states of both are the same to 1e-6, the network no longer knows where it started, and the
    windows that start between them have the same states there, and from there on. That takes about 6 steps a
    window in place of 250. Of networks trained on NASA's channels some forget like this and others do not.
    """
    share = length // _WINDOW_SHARE
    if share < 2:  # of one window there is nothing to share
        return np.zeros((count, len(weights["dense.bias"])), np.float32), np.zeros(count, np.bool_)

    steps = length + share - 1
    compared = (length - share - 1, length - 2, length - 1, steps - 1)

    def predict(runs: Indices) -> tuple[Array, npt.NDArray[np.bool_]]:
        network = _Network(weights, values, np.append(runs, runs[-1] + 1) * share, steps)
        predictions = []
        states = {}
        for step in range(steps):
            network.advance(step)
            if step in compared:
                states[step] = network.states()
            if step >= length - 1:
                predictions.append(network.predict()[:, :-1].T)
        differences = [np.abs(states[step][:, :-1] - states[step - share][:, 1:]) for step in compared[2:]]
        agreed = np.maximum(*differences).max(axis=0) <= _MAX_DIFFERENCE
        return np.stack(predictions, axis=1).reshape(runs.size * share, -1), agreed.repeat(share)

    predictions, agreed = zip(*_in_threads(predict, np.arange(-(-count // share)), _BATCH_RUNS), strict=True)
    return np.concatenate(predictions)[:count], np.concatenate(agreed)[:count]


def predict_alone(weights: Weights, values: Array, length: int, windows: Indices) -> Array:
    """Predict from windows of a series, each by itself.

    Parameters
    ----------
    weights, values, length
        As for `predict_series`.
    windows : numpy.ndarray of int, shape (count,)
        Their first samples, at least one, in order.

    Returns
    -------
    numpy.ndarray, shape (count, horizon), float32
    """

    def predict(starts: Indices) -> Array:
        network = _Network(weights, values, starts, length)
        for step in range(length):
            network.advance(step)
        return network.predict().T

    return np.concatenate(_in_threads(predict, windows, _BATCH_COLUMNS))


def _in_threads(function: Callable[[Indices], Result], columns: Indices, most: int) -> list[Result]:
    """Map a function over batches of columns; the batches do not depend on the number of threads."""
    batches = np.array_split(columns, -(-columns.size // most))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS, len(batches))) as pool:
        return list(pool.map(function, batches))


class _Network:
    """The network on a batch of runs, which start at these samples with empty states.

    Notes
    -----
    Runs lie in the last dimension, so that each gate is contiguous. One array holds [state; 1] of each layer,
    the last layer's first, so that what a layer sees, its own state and the one below, lies in one piece and a
    step is one product. The layers advance together: no sequence is kept. The inputs' part of the first layer
    is computed once for neighbouring windows, which share it. The sigmoid is (1 + tanh(z / 2)) / 2: one call
    serves all four gates. States are kept doubled, and the halves are part of the weights, which is exact.
    """

    def __init__(self, weights: Weights, values: Array, starts: Indices, steps: int) -> None:
        units = [len(weights[f"lstm_{i}.recurrent"]) for i in range((len(weights) - 2) // 3)]
        self._values = values
        self._starts = starts
        self._kernel = np.ascontiguousarray(_for_gates(weights["lstm_0.kernel"]).T)
        self._shared: Array | None = None
        first, last = int(starts[0]), int(starts[-1])
        if last - first == len(starts) - 1:
            self._shared = self._kernel @ values[first : last + steps].T
        rows = np.zeros((sum(units) + len(units), len(starts)), np.float32)
        self._top = rows[: units[-1] + 1]
        self._layers: list[_Layer] = []
        end = len(rows)
        for i, n in enumerate(units):
            parts: list[Array] = [weights[f"lstm_{i}.recurrent"] * np.float32(0.5), weights[f"lstm_{i}.bias"][None]]
            if i:
                parts.append(weights[f"lstm_{i}.kernel"] * np.float32(0.5))
            matrix = _for_gates(np.concatenate(parts))
            start = end - len(matrix)
            self._layers.append(_Layer(np.ascontiguousarray(matrix.T), rows[start:end]))
            end = start + n  # the next layer sees the state without what lies below it
        self._dense = np.concatenate([weights["dense.kernel"] / 2, weights["dense.bias"][None]]).T

    def advance(self, step: int) -> None:
        """Go one step on, to the sample `starts + step`."""
        if self._shared is not None:
            below = self._shared[:, step : step + len(self._starts)]
        else:  # runs may go on beyond the end, where nobody asks what they predict
            below = self._kernel @ self._values.take(self._starts + step, axis=0, mode="clip").T
        for i, layer in enumerate(self._layers):
            layer.advance(None if i else below)

    def predict(self) -> Array:
        """Predict from the states as they are, (horizon, runs)."""
        prediction: Array = self._dense @ self._top
        return prediction

    def states(self) -> Array:
        """Copy the states of all layers, (states, runs)."""
        return np.concatenate([array for layer in self._layers for array in (layer.state, layer.cell)])


class _Layer:
    """One layer: `matrix` (4 units, k) works on `seen` (k, runs): its doubled state, ones, and the state below."""

    def __init__(self, matrix: Array, rows: Array) -> None:
        n = len(matrix) // 4
        self._matrix = matrix
        self._rows = rows
        self.state = rows[:n]
        rows[n] = 1
        self.cell = np.zeros_like(self.state)
        self._gates = np.empty((4 * n, rows.shape[1]), np.float32)

    def advance(self, below: Array | None) -> None:
        """Go one step on; `below` (4 units, runs) is the inputs' part where it is no part of the product."""
        gates, cell = self._gates, self.cell
        leave, forget, enter, new = gates.reshape(4, *cell.shape)
        np.dot(self._matrix, self._rows, out=gates)
        if below is not None:
            gates += below
        np.tanh(gates, out=gates)
        gates[: 3 * len(cell)] += np.float32(1)  # the sigmoids, doubled
        cell *= forget
        new *= enter
        cell += new
        cell *= np.float32(0.5)
        np.tanh(cell, out=new)
        np.multiply(leave, new, out=self.state)


def _for_gates(matrix: Array) -> Array:
    """Put the columns of Keras' gates in our order, those of sigmoids halved."""
    gates = np.split(matrix, 4, axis=1)
    halves = np.repeat(np.array([0.5, 0.5, 0.5, 1], np.float32), gates[0].shape[1])
    return np.concatenate([gates[gate] for gate in _GATES], axis=1) * halves
