"""Predictions of a stacked LSTM network for all windows of a series, in NumPy.

Source: Hochreiter and Schmidhuber 1997, the gates as Keras has them. Runs that windows share are ours.

The last bits of a matrix product depend on its shape, so windows are predicted in blocks of one size, which begin at
fixed windows of the series: a window's prediction is the same bits however long the series is, and what comes after a
window has no influence on it.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from workbench.blas import one_blas_thread

__all__ = [
    "BATCH_RUNS",
    "MAX_DIFFERENCE",
    "WINDOW_SHARE",
    "Matrices",
    "Runs",
    "alone_columns",
    "block_windows",
    "predict_alone",
    "predict_series",
    "predict_shared",
    "project_neighbours",
]

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Weights = Mapping[str, Array]
Result = TypeVar("Result")

BATCH_RUNS = 63
"""Runs of a batch, which has one column more: the run that the last one is compared with."""

WINDOW_SHARE = 5
"""A run serves as many windows as a fifth of a window has samples."""

MAX_DIFFERENCE = 1e-6
"""Between the states of two runs that are taken for the same."""

_GATES = (3, 1, 0, 2)  # Keras has input, forget, cell, output; here they are output, forget, input, cell
_BATCH_COLUMNS = 256  # of a batch: more take longer, as they leave the processor's cache
_COLUMN_STEP = 8  # the products are quickest where these divide the columns
_MAX_THREADS = 8
_BATCHES_HELD = 4 * _MAX_THREADS


class _Scratch(threading.local):
    def __init__(self) -> None:
        self.arrays: dict[tuple[int, int], Array] = {}


_SCRATCH = _Scratch()


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
    share = length // WINDOW_SHARE
    return BATCH_RUNS * share if share > 1 else _BATCH_COLUMNS


def predict_series(weights: Weights, values: Array, length: int, count: int, first: int = 0) -> Array:
    """Predict from the first `count` windows of a series, or of these, from one on.

    Parameters
    ----------
    weights : mapping of str to numpy.ndarray, float32
        As Keras has them; see `LSTMForecaster.to_weights`.
    values : numpy.ndarray, shape (n, d), float32
        Scaled inputs.
    length, count : int
        Samples of a window; number of windows, at least 1.
    first : int
        First window that is asked for.

    Returns
    -------
    numpy.ndarray, shape (count - first, horizon), float32

    Notes
    -----
    Unlike Telemanom, which runs the network over each window by itself, windows share runs wherever
    `predict_shared` sees that it makes no difference.
    """
    with one_blas_thread():  # a step is too short to share among cores: each takes its own windows
        prediction, agreed = predict_shared(weights, values, length, count)
        alone = first + np.flatnonzero(~agreed[first:])
        if alone.size:
            block, columns = block_windows(length), alone_columns(length)
            batch_of = alone - alone % block % columns  # the first window of the batch that each one is in
            batches = np.unique(batch_of)
            for start in range(0, batches.size, _BATCHES_HELD):
                several = batches[start : start + _BATCHES_HELD]
                begin, last = np.searchsorted(batch_of, (several[0], several[-1] + 1))
                part, places = alone[begin:last], np.searchsorted(several, batch_of[begin:last])
                together = predict_alone(weights, values, length, (several[:, None] + np.arange(columns)).ravel())
                prediction[part] = together[places * columns + part - several[places]]
    return prediction[first:]


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
    share = length // WINDOW_SHARE
    if share < 2:  # of one window there is nothing to share
        return np.zeros((count, len(weights["dense.bias"])), np.float32), np.zeros(count, np.bool_)

    def predict(runs: Indices) -> tuple[Array, npt.NDArray[np.bool_]]:
        network = _Network(weights, values, np.append(runs, runs[-1] + 1) * share, length + share - 1)
        predictions: list[Array] = []
        agreed: list[npt.NDArray[np.bool_]] = []
        states: deque[Array] = deque(maxlen=share + 1)
        agreeing = np.ones(runs.size, np.bool_)
        for step in range(length + share - 1):
            network.go_to(step)
            if step >= length - 1 - share:
                states.append(network.states())
            if step >= length - 1:
                difference = np.abs(states[-1][:, :-1] - states[0][:, 1:]).max(axis=0)
                agreeing = agreeing & (difference <= MAX_DIFFERENCE)
                agreed.append(agreeing)
                predictions.append(network.predict()[:, :-1].T)
        return np.stack(predictions, axis=1).reshape(runs.size * share, -1), np.stack(agreed, axis=1).ravel()

    n_runs = -(-count // share)
    runs = np.arange(-(-n_runs // BATCH_RUNS) * BATCH_RUNS)  # those beyond the end fill the last batch
    predicted, agreed = zip(*_in_threads(predict, runs, BATCH_RUNS), strict=True)
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
            network.go_to(step)
        return network.predict().T

    return np.concatenate(_in_threads(predict, windows, alone_columns(length)))


def alone_columns(length: int) -> int:
    """Return how many windows of a length are predicted together, each by itself.

    A whole number of batches fills a block; what lies beyond the block is nobody's prediction.
    """
    block = block_windows(length)
    columns = -(-block // -(-block // _BATCH_COLUMNS))
    return -(-columns // _COLUMN_STEP) * _COLUMN_STEP


def _in_threads(function: Callable[[Indices], Result], columns: Indices, size: int) -> list[Result]:
    """Map a function over batches of columns, whose size does not depend on the number of threads."""
    batches = [columns[start : start + size] for start in range(0, columns.size, size)]
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS, len(batches))) as pool:
        return list(pool.map(function, batches))


class Matrices:
    """The weights of a network as `Runs` multiplies by them.

    Parameters
    ----------
    weights : mapping of str to numpy.ndarray, float32
        As Keras has them.

    Attributes
    ----------
    kernel : numpy.ndarray, shape (4 units, inputs)
        The inputs' part of the first layer.
    layers : list of numpy.ndarray, shape (4 units, k)
        What each layer multiplies its state, ones and the state below by.
    dense : numpy.ndarray, shape (horizon, units + 1)
        What makes predictions of the last layer's state and ones.
    units : list of int
        Units of each layer.

    Notes
    -----
    The sigmoid is (1 + tanh(z / 2)) / 2: one call serves all four gates. States are kept doubled, and the halves are
    part of the weights, which is exact.
    """

    def __init__(self, weights: Weights) -> None:
        self.units = [len(weights[f"lstm_{i}.recurrent"]) for i in range((len(weights) - 2) // 3)]
        self.kernel: Array = np.ascontiguousarray(_for_gates(weights["lstm_0.kernel"]).T)
        self.layers: list[Array] = []
        for i in range(len(self.units)):
            parts: list[Array] = [weights[f"lstm_{i}.recurrent"] * np.float32(0.5), weights[f"lstm_{i}.bias"][None]]
            if i:
                parts.append(weights[f"lstm_{i}.kernel"] * np.float32(0.5))
            self.layers.append(np.ascontiguousarray(_for_gates(np.concatenate(parts)).T))
        self.dense: Array = np.concatenate([weights["dense.kernel"] / 2, weights["dense.bias"][None]]).T


class Runs:
    """The states of a network in runs that lie side by side, and how they go one step on.

    Parameters
    ----------
    matrices : Matrices
        The network.
    count : int
        Number of runs, all with empty states.

    Notes
    -----
    Runs lie in the last dimension, so that each gate is contiguous. One array holds [state; 1] of each layer,
    the last layer's first, so that what a layer sees, its own state and the one below, lies in one piece and a
    step is one product. The layers advance together: no sequence is kept. What one run holds has no influence on the
    bits of the others, but their number has.
    """

    def __init__(self, matrices: Matrices, count: int) -> None:
        units = matrices.units
        rows = np.zeros((sum(units) + len(units), count), np.float32)
        self._dense = matrices.dense
        self._top = rows[: units[-1] + 1]
        self._layers: list[_Layer] = []
        end = len(rows)
        for n, matrix in zip(units, matrices.layers, strict=True):
            start = end - matrix.shape[1]
            self._layers.append(_Layer(matrix, rows[start:end]))
            end = start + n  # the next layer sees the state without what lies below it

    def advance(self, below: Array) -> None:
        """Go one step on; `below` (4 units, runs or 1) is the inputs' part of the first layer."""
        for i, layer in enumerate(self._layers):
            layer.advance(None if i else below)

    def begin(self, run: int) -> None:
        """Empty the states of one run."""
        for layer in self._layers:
            layer.state[:, run] = 0
            layer.cell[:, run] = 0

    def predict(self) -> Array:
        """Predict from the states as they are, (horizon, runs)."""
        prediction: Array = self._dense @ self._top
        return prediction

    def states(self) -> Array:
        """Copy the states of all layers, (states, runs)."""
        return np.concatenate([array for layer in self._layers for array in (layer.state, layer.cell)])

    def difference(self, one: int, other: int) -> float:
        """Return the largest difference between the states of two runs."""
        arrays = [array for layer in self._layers for array in (layer.state, layer.cell)]
        return max(float(np.abs(array[:, one] - array[:, other]).max()) for array in arrays)


class _Network(Runs):
    """The network on a batch of runs, which start at these samples with empty states.

    Notes
    -----
    The inputs' part of the first layer is computed once for neighbouring windows, which share it.
    """

    def __init__(self, weights: Weights, values: Array, starts: Indices, steps: int) -> None:
        matrices = Matrices(weights)
        super().__init__(matrices, len(starts))
        self._values = values
        self._starts = starts
        self._kernel = matrices.kernel
        self._shared: Array | None = None
        first, last = int(starts[0]), int(starts[-1])
        if last - first == len(starts) - 1:
            self._shared = project_neighbours(matrices, values[first : last + steps], last + steps - first)

    def go_to(self, step: int) -> None:
        """Go one step on, to the sample `starts + step`."""
        if self._shared is not None:
            below = self._shared[:, step : step + len(self._starts)]
        else:  # runs may go on beyond the end, where nobody asks what they predict
            below = self._kernel @ self._values.take(self._starts + step, axis=0, mode="clip").T
        self.advance(below)


def project_neighbours(matrices: Matrices, values: Array, count: int) -> Array:
    """Return the inputs' part of the first layer for neighbouring samples, (4 units, count); zeros fill them up."""
    beyond = count - len(values)  # what it takes to fill a batch, where nobody asks
    if beyond > 0:
        values = np.concatenate([values, np.zeros((beyond, values.shape[1]), np.float32)])
    projected: Array = matrices.kernel @ values.T
    return projected


class _Layer:
    """One layer: `matrix` (4 units, k) works on `seen` (k, runs): its doubled state, ones, and the state below."""

    def __init__(self, matrix: Array, rows: Array) -> None:
        n = len(matrix) // 4
        self._matrix = matrix
        self._rows = rows
        self.state = rows[:n]
        rows[n] = 1
        self.cell = np.zeros_like(self.state)

    def advance(self, below: Array | None) -> None:
        """Go one step on; `below` (4 units, runs) is the inputs' part where it is no part of the product."""
        gates, cell = _scratch(len(self._matrix), self._rows.shape[1]), self.cell
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


def _scratch(rows: int, columns: int) -> Array:
    """Return the memory of this thread for gates of a shape; many networks in flight need it one after the other."""
    held = _SCRATCH.arrays
    if (rows, columns) not in held:
        held[rows, columns] = np.empty((rows, columns), np.float32)
    return held[rows, columns]


def _for_gates(matrix: Array) -> Array:
    """Put the columns of Keras' gates in our order, those of sigmoids halved."""
    gates = np.split(matrix, 4, axis=1)
    halves = np.repeat(np.array([0.5, 0.5, 0.5, 1], np.float32), gates[0].shape[1])
    return np.concatenate([gates[gate] for gate in _GATES], axis=1) * halves
