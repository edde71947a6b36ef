"""Predictions of a stacked LSTM network for all windows of a series, in NumPy.

Source: Hochreiter and Schmidhuber 1997, the gates as Keras has them. Runs that windows share are ours.

The last bits of a matrix product depend on its shape, so windows are predicted in blocks of one size, which begin at
fixed windows of the series: a window's prediction is the same bits however long the series is, and what comes after a
window has no influence on it.
"""

import os
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from workbench.blas import one_blas_thread

__all__ = ["block_windows", "predict_alone", "predict_series", "predict_shared"]

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Weights = Mapping[str, Array]
Result = TypeVar("Result")

_GATES = (3, 1, 0, 2)  # Keras has input, forget, cell, output; here they are output, forget, input, cell
_BATCH_COLUMNS = 256  # of a batch: more take longer, as they leave the processor's cache
_BATCH_RUNS = 63  # of a batch, which has one column more: the run that the last one is compared with
_COLUMN_STEP = 8  # the products are quickest where these divide the columns
_WINDOW_SHARE = 5  # a run serves as many windows as a fifth of a window has samples
_MAX_DIFFERENCE = 1e-6
_MAX_THREADS = 8
_BATCHES_HELD = 4 * _MAX_THREADS


def block_windows(length: int) -> int:
    """Return how many windows of a length make a block, at whose multiples a prediction may begin.

    Parameters
    ----------
    length : int
        Samples of a window.

    Returns
    -------
    int

    Examples
    --------
    >>> block_windows(250), block_windows(5)
    (3150, 256)
    """
    share = length // _WINDOW_SHARE
    return _BATCH_RUNS * share if share > 1 else _BATCH_COLUMNS


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
    with one_blas_thread():  # a step is too short to share among cores: each takes its own windows
        prediction, agreed = predict_shared(weights, values, length, count)
        alone = np.flatnonzero(~agreed)
        if alone.size:
            block, columns = block_windows(length), _alone_columns(length)
            batch_of = alone - alone % block % columns  # the first window of the batch that each one is in
            batches = np.unique(batch_of)
            for start in range(0, batches.size, _BATCHES_HELD):
                several = batches[start : start + _BATCHES_HELD]
                first, last = np.searchsorted(batch_of, (several[0], several[-1] + 1))
                part, places = alone[first:last], np.searchsorted(several, batch_of[first:last])
                together = predict_alone(weights, values, length, (several[:, None] + np.arange(columns)).ravel())
                prediction[part] = together[places * columns + part - several[places]]
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
    windows after it. From the end of its first window on it is compared with the next run, which has seen m samples
    fewer: as long as all states of both are the same to 1e-6, the network no longer knows where it started, and the
    windows that start between them have the same states there. Where they differ once, the windows that end there or
    later do not share the run. That takes about 6 steps a window in place of 250. Of networks trained on NASA's
    channels some forget like this and others do not.
    """
    share = length // _WINDOW_SHARE
    if share < 2:  # of one window there is nothing to share
        return np.zeros((count, len(weights["dense.bias"])), np.float32), np.zeros(count, np.bool_)

    def predict(runs: Indices) -> tuple[Array, npt.NDArray[np.bool_]]:
        network = _Network(weights, values, np.append(runs, runs[-1] + 1) * share, length + share - 1)
        predictions: list[Array] = []
        agreed: list[npt.NDArray[np.bool_]] = []
        states: deque[Array] = deque(maxlen=share + 1)
        agreeing = np.ones(runs.size, np.bool_)
        for step in range(length + share - 1):
            network.advance(step)
            if step >= length - 1 - share:
                states.append(network.states())
            if step >= length - 1:
                difference = np.abs(states[-1][:, :-1] - states[0][:, 1:]).max(axis=0)
                agreeing = agreeing & (difference <= _MAX_DIFFERENCE)
                agreed.append(agreeing)
                predictions.append(network.predict()[:, :-1].T)
        return np.stack(predictions, axis=1).reshape(runs.size * share, -1), np.stack(agreed, axis=1).ravel()

    n_runs = -(-count // share)
    runs = np.arange(-(-n_runs // _BATCH_RUNS) * _BATCH_RUNS)  # those beyond the end fill the last batch
    predicted, agreed = zip(*_in_threads(predict, runs, _BATCH_RUNS), strict=True)
    return np.concatenate(predicted)[:count], np.concatenate(agreed)[:count]


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

    return np.concatenate(_in_threads(predict, windows, _alone_columns(length)))


def _alone_columns(length: int) -> int:
    """Return how many windows are predicted together, each by itself: a whole number of batches fills a block."""
    block = block_windows(length)
    columns = -(-block // -(-block // _BATCH_COLUMNS))
    return -(-columns // _COLUMN_STEP) * _COLUMN_STEP


def _in_threads(function: Callable[[Indices], Result], columns: Indices, size: int) -> list[Result]:
    """Map a function over batches of columns, whose size does not depend on the number of threads."""
    batches = [columns[start : start + size] for start in range(0, columns.size, size)]
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
            inputs = values[first : last + steps]
            beyond = last + steps - first - len(inputs)  # what it takes to fill a batch, where nobody asks
            if beyond > 0:
                inputs = np.concatenate([inputs, np.zeros((beyond, values.shape[1]), np.float32)])
            self._shared = self._kernel @ inputs.T
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
