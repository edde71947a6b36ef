"""Gradients of the stacked LSTM network in NumPy, fast for small batches on one processor core.

Source: Hochreiter and Schmidhuber 1997; the gates as Keras has them, backpropagation through all steps.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Network"]

Array = npt.NDArray[np.float32]
_GATES = (0, 1, 3, 2)  # ours are input, forget, output, cell: the three sigmoids lie side by side


class Network:
    """Stacked LSTM layers and a dense layer on the last step, with their gradients.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Inputs of one step; outputs after the last one.
    units : sequence of int
        Units of each layer.
    length : int
        Steps of a window.
    dropout : float
        Share of each layer's outputs dropped in training.

    Attributes
    ----------
    flat, gradient : numpy.ndarray, shape (p,), float32
        All weights, and the gradient of the last `learn`, in one order: an optimizer needs no more.

    Notes
    -----
    A layer's weights lie in one matrix (4 units, units + inputs + 1) over [state; input; 1], and batches lie
    in the last dimension: a step is one product, and each gate is contiguous. The sigmoid is
    (1 + tanh(z / 2)) / 2, so that one call serves all four gates.
    """

    def __init__(self, n_inputs: int, units: Sequence[int], n_outputs: int, *, length: int, dropout: float) -> None:
        self.units = tuple(units)
        self.length = length
        self.dropout = dropout
        inputs = (n_inputs, *self.units[:-1])
        shapes = [(4 * n, n + k + 1) for n, k in zip(self.units, inputs, strict=True)]
        shapes.append((n_outputs, self.units[-1] + 1))
        ends = np.cumsum([0, *(rows * columns for rows, columns in shapes)])
        self.flat, self.gradient = np.zeros((2, ends[-1]), np.float32)
        self._weights, self._gradients = (
            [flat[a:b].reshape(shape) for a, b, shape in zip(ends, ends[1:], shapes, strict=False)]
            for flat in (self.flat, self.gradient)
        )
        self._layers = [_Layer(n, k, length) for n, k in zip(self.units, inputs, strict=True)]

    def draw(self, rng: np.random.Generator) -> None:
        """Draw initial weights as Keras does: Glorot uniform, orthogonal, zero, and one for the forget gate.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the random numbers.
        """
        weights: dict[str, Array] = {}
        for i, layer in enumerate(self._layers):
            n, k = layer.units, layer.inputs
            weights[f"lstm_{i}.kernel"] = _glorot(rng, k, 4 * n)
            q, r = np.linalg.qr(rng.standard_normal((4 * n, n)))
            weights[f"lstm_{i}.recurrent"] = (q * np.sign(np.diag(r))).T.astype(np.float32)
            weights[f"lstm_{i}.bias"] = np.repeat(np.array([0, 1, 0, 0], np.float32), n)
        n_outputs = len(self._weights[-1])
        weights["dense.kernel"] = _glorot(rng, self.units[-1], n_outputs)
        weights["dense.bias"] = np.zeros(n_outputs, np.float32)
        self.assign(weights)

    def assign(self, weights: Mapping[str, npt.NDArray[Any]]) -> None:
        """Set the weights of all layers.

        Parameters
        ----------
        weights : mapping of str to numpy.ndarray
            As Keras has them; see `LSTMForecaster.to_weights`.
        """
        for i, (layer, matrix) in enumerate(zip(self._layers, self._weights, strict=False)):
            n, k = layer.units, layer.inputs
            matrix[:, :n] = _reordered(weights[f"lstm_{i}.recurrent"].T, n)
            matrix[:, n : n + k] = _reordered(weights[f"lstm_{i}.kernel"].T, n)
            matrix[:, -1] = _reordered(weights[f"lstm_{i}.bias"], n)
        self._weights[-1][:, :-1] = weights["dense.kernel"].T
        self._weights[-1][:, -1] = weights["dense.bias"]

    def weights(self) -> dict[str, Array]:
        """Return the weights as Keras has them.

        Returns
        -------
        dict of str to numpy.ndarray, float32
            See `LSTMForecaster.to_weights`.
        """
        named: dict[str, Array] = {}
        for i, (layer, matrix) in enumerate(zip(self._layers, self._weights, strict=False)):
            n, k = layer.units, layer.inputs
            named[f"lstm_{i}.kernel"] = _reordered(matrix[:, n : n + k], n).T.copy()
            named[f"lstm_{i}.recurrent"] = _reordered(matrix[:, :n], n).T.copy()
            named[f"lstm_{i}.bias"] = _reordered(matrix[:, -1], n)
        named["dense.kernel"] = self._weights[-1][:, :-1].T.copy()
        named["dense.bias"] = self._weights[-1][:, -1].copy()
        return named

    def loss(self, inputs: Array, targets: Array) -> float:
        """Return the sum of squared errors of a batch, without dropout.

        Parameters
        ----------
        inputs : numpy.ndarray, shape (length, n_inputs, batch), float32
            Windows of the batch, scaled.
        targets : numpy.ndarray, shape (n_outputs, batch), float32
            Values that follow each window, scaled.

        Returns
        -------
        float
        """
        error = self._forward(inputs, None)[0] - targets
        return float(np.square(error, dtype=np.float64).sum())

    def learn(self, inputs: Array, targets: Array, rng: np.random.Generator) -> float:
        """Set `gradient` to that of a batch's mean squared error.

        Parameters
        ----------
        inputs : numpy.ndarray, shape (length, n_inputs, batch), float32
            Windows of the batch, scaled.
        targets : numpy.ndarray, shape (n_outputs, batch), float32
            Values that follow each window, scaled.
        rng : numpy.random.Generator
            Draws what is dropped.

        Returns
        -------
        float
            Sum of squared errors of the batch, with dropout.
        """
        masks = [self._mask(rng, (self.length, n, targets.shape[1])) for n in self.units[:-1]]
        masks.append(self._mask(rng, (1, self.units[-1], targets.shape[1])))
        output, top = self._forward(inputs, masks)
        error = output - targets
        total = float(np.square(error, dtype=np.float64).sum())
        error *= np.float32(2 / error.size)
        dense, dense_gradient = self._weights[-1], self._gradients[-1]
        dense_gradient[:, :-1] = error @ top.T
        dense_gradient[:, -1] = error.sum(axis=1)
        above: Any = None
        last = dense[:, :-1].T @ error * masks[-1][0]
        for i in reversed(range(len(self._layers))):
            above = self._layers[i].backward(self._weights[i], self._gradients[i], above, last, through=i > 0)
            if i:
                above *= masks[i - 1]
            last = None
        return total

    def _forward(self, inputs: Array, masks: list[Array] | None) -> tuple[Array, Array]:
        below = inputs
        for i, layer in enumerate(self._layers):
            states = layer.forward(self._weights[i], below)
            below = states if masks is None or i == len(self._layers) - 1 else states * masks[i]
        top = below[-1] if masks is None else below[-1] * masks[-1][0]
        return self._weights[-1][:, :-1] @ top + self._weights[-1][:, -1:], top

    def _mask(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw what stays, scaled so that the mean stays."""
        mask = rng.random(shape, dtype=np.float32) >= self.dropout
        return np.multiply(mask, np.float32(1 / (1 - self.dropout)), dtype=np.float32)


class _Layer:
    """One LSTM layer over all steps, with the memory that it needs for batches of one size."""

    def __init__(self, units: int, inputs: int, length: int) -> None:
        self.units = units
        self.inputs = inputs
        self.length = length
        self._batch = 0

    def _reserve(self, batch: int) -> None:
        if batch == self._batch:
            return
        n, steps = self.units, self.length
        self._batch = batch
        self._inputs_and_states = np.zeros(
            (steps + 1, n + self.inputs + 1, batch), np.float32
        )  # [state; input; 1] by step
        self._inputs_and_states[:, -1] = 1
        self._gates = np.empty((steps, 4 * n, batch), np.float32)
        self._cells = np.zeros((steps + 1, n, batch), np.float32)
        self._squashed = np.empty((steps, n, batch), np.float32)

    def forward(self, weights: Array, inputs: Array) -> Array:
        """Return the states (length, units, batch), kept until the next call."""
        n = self.units
        self._reserve(inputs.shape[2])
        self._inputs_and_states[:-1, n:-1] = inputs
        halved = weights.copy()
        halved[: 3 * n] *= np.float32(0.5)
        half = np.float32(0.5)
        product = np.empty_like(self._cells[0])
        for t in range(self.length):
            z, c = self._gates[t], self._cells[t + 1]
            np.dot(halved, self._inputs_and_states[t], out=z)
            np.tanh(z, out=z)
            sigmoids = z[: 3 * n]
            sigmoids *= half
            sigmoids += half
            np.multiply(z[n : 2 * n], self._cells[t], out=c)
            np.multiply(z[:n], z[3 * n :], out=product)
            c += product
            np.tanh(c, out=self._squashed[t])
            np.multiply(z[2 * n : 3 * n], self._squashed[t], out=self._inputs_and_states[t + 1, :n])
        return self._inputs_and_states[1:, :n]

    def backward(
        self, weights: Array, gradient: Array, above: Array | None, last: Array | None, *, through: bool
    ) -> Array | None:
        """Set the gradient, and return that of the inputs (length, inputs, batch) where it goes on through.

        `above` is the gradient of all states, `last` that of the last one.
        """
        n, batch = self.units, self._batch
        gradient[:] = 0
        below = np.empty((self.length, self.inputs, batch), np.float32) if through else None
        # The products with the inputs' columns are left out where nobody asks for them.
        back = np.ascontiguousarray(weights[:, : n + self.inputs if through else n].T)
        dseen = np.zeros((len(back), batch), np.float32)
        dstate, dcell = dseen[:n], np.zeros((n, batch), np.float32)
        dz, slope = np.empty((4 * n, batch), np.float32), np.empty((4 * n, batch), np.float32)
        part, total = np.empty((n, batch), np.float32), np.empty_like(gradient)
        one = np.float32(1)
        if last is not None:
            dstate += last
        for t in reversed(range(self.length)):
            z, squashed = self._gates[t], self._squashed[t]
            if above is not None:
                dstate += above[t]
            # Slopes of the gates: s (1 - s) of the sigmoids, 1 - g^2 of the cell's tanh.
            np.multiply(z, z, out=slope)
            np.subtract(z[: 3 * n], slope[: 3 * n], out=slope[: 3 * n])
            np.subtract(one, slope[3 * n :], out=slope[3 * n :])
            np.multiply(dstate, squashed, out=dz[2 * n : 3 * n])
            np.multiply(squashed, squashed, out=part)
            np.subtract(one, part, out=part)
            part *= z[2 * n : 3 * n]
            part *= dstate
            dcell += part
            np.multiply(dcell, z[3 * n :], out=dz[:n])
            np.multiply(dcell, self._cells[t], out=dz[n : 2 * n])
            np.multiply(dcell, z[:n], out=dz[3 * n :])
            dz *= slope
            dcell *= z[n : 2 * n]
            np.dot(dz, self._inputs_and_states[t].T, out=total)
            gradient += total
            np.dot(back, dz, out=dseen)
            if below is not None:
                below[t] = dseen[n:]
        return below


def _reordered(array: npt.NDArray[Any], units: int) -> Array:
    """Take the gates' blocks of rows from Keras' order to ours, or back: the order is its own inverse."""
    return np.concatenate([array[g * units : (g + 1) * units] for g in _GATES]).astype(np.float32)


def _glorot(rng: np.random.Generator, rows: int, columns: int) -> Array:
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)
