"""Sums and standard deviations of the last 20 and the last 150 values, for a whole series or value by value.

A window is put together from blocks of 1, 2, 4 ... 128 values, each of which is two blocks of half its size. So each
result depends on the values of its own window alone, in one fixed order of operations: both forms agree to the last
bit, errors of rounding never accumulate, and a value costs the logarithm of the window. Squared deviations are merged
from those of the blocks, so that a level far from zero does not swallow them.

Source: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
"""

from math import sqrt
from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["LONG", "SHORT", "Floats", "RollingDeviations", "RollingSums", "rolling_deviations", "rolling_sums"]

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", float, Floats)

SHORT = 20
"""Values in the short window."""
LONG = 150
"""Values in the long window."""

_SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Sizes of the blocks that are doubled."""
_RING = 256
"""Values that a stream remembers of each block: a power of two, and more than the long window."""
_PARTS = {window: [(size, window % size) for size in (128, 16, 4, 2) if window & size] for window in (SHORT, LONG)}
"""Blocks of each window, the newest first: size, and position of its oldest value in the window."""


def rolling_sums(values: Floats) -> dict[int, Floats]:
    """Return the sum of every complete window, by the window's length.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,), float64
        Finite values.

    Returns
    -------
    dict of int to numpy.ndarray, shape (max(0, n - window + 1),)
        Index i is the window that begins with value i.

    Examples
    --------
    >>> rolling_sums(np.arange(22.0))[20]
    array([190., 210., 230.])
    """
    blocks = _block_sums(values)
    sums = {}
    for window, ((size, first), *others) in _PARTS.items():
        count = max(0, values.size - window + 1)
        total = blocks[size][first : first + count]
        for size, first in others:
            total = total + blocks[size][first : first + count]
        sums[window] = total
    return sums


def rolling_deviations(values: Floats) -> dict[int, Floats]:
    """Return the standard deviation (ddof 1) of every complete window, by the window's length.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,), float64
        Finite values.

    Returns
    -------
    dict of int to numpy.ndarray, shape (max(0, n - window + 1),)
        Index i is the window that begins with value i.

    Examples
    --------
    >>> rolling_deviations(np.array([1e9, 1e9 + 2] * 10))[20].round(3)
    array([1.026])
    """
    means, squares = _block_deviations(values)
    deviations = {}
    for window, ((size, first), *others) in _PARTS.items():
        count = max(0, values.size - window + 1)
        merged, mean, square = size, means[size][first : first + count], squares[size][first : first + count]
        for size, first in others:
            part = slice(first, first + count)
            mean, square = _merged(merged, mean, square, size, means[size][part], squares[size][part])
            merged += size
        deviations[window] = np.sqrt(square / (window - 1))
    return deviations


class RollingSums:
    """Compute the sums of `rolling_sums` value by value.

    Examples
    --------
    >>> sums = RollingSums()
    >>> [sums.push(float(value)).get(20) for value in range(22)][-4:]
    [None, 190.0, 210.0, 230.0]
    """

    def __init__(self) -> None:
        self._count = 0
        self._blocks = {size: [0.0] * _RING for size in (*_SIZES, 128)}

    @classmethod
    def after(cls, values: Floats) -> "RollingSums":
        """Return one that has taken some values, as `push` does one by one."""
        one = cls()
        one._count = values.size
        one._blocks = {size: _ring(sums, values.size) for size, sums in _block_sums(values).items()}
        return one

    def push(self, value: float) -> dict[int, float]:
        """Take the next value and return the sum of each window that is complete."""
        at, blocks = self._count % _RING, self._blocks
        blocks[1][at] = value
        for size in _SIZES:
            block = blocks[size]
            blocks[2 * size][at] = block[at] + block[at - size]
        self._count += 1
        sums = {}
        for window, ((size, _), *others) in _PARTS.items():
            if self._count < window:
                continue
            total = blocks[size][at]
            for size, first in others:
                total += blocks[size][at - (window - size - first)]
            sums[window] = total
        return sums


class RollingDeviations:
    """Compute the standard deviations of `rolling_deviations` value by value.

    Examples
    --------
    >>> deviations = RollingDeviations()
    >>> [deviations.push(float(value % 2)).get(20, 0.0) for value in range(20)][-1].__round__(3)
    0.513
    """

    def __init__(self) -> None:
        self._count = 0
        self._means = {size: [0.0] * _RING for size in (*_SIZES, 128)}
        self._squares = {size: [0.0] * _RING for size in (*_SIZES, 128)}

    @classmethod
    def after(cls, values: Floats) -> "RollingDeviations":
        """Return one that has taken some values, as `push` does one by one."""
        one = cls()
        one._count = values.size
        one._means, one._squares = (
            {size: _ring(column, values.size) for size, column in columns.items()}
            for columns in _block_deviations(values)
        )
        return one

    def push(self, value: float) -> dict[int, float]:
        """Take the next value and return the standard deviation of each window that is complete."""
        at, means, squares = self._count % _RING, self._means, self._squares
        means[1][at] = value
        for size in _SIZES:
            mean, square = means[size], squares[size]
            means[2 * size][at], squares[2 * size][at] = _merged(
                size, mean[at], square[at], size, mean[at - size], square[at - size]
            )
        self._count += 1
        deviations = {}
        for window, ((size, _), *others) in _PARTS.items():
            if self._count < window:
                continue
            merged, center, spread = size, means[size][at], squares[size][at]
            for size, first in others:
                then = at - (window - size - first)
                center, spread = _merged(merged, center, spread, size, means[size][then], squares[size][then])
                merged += size
            deviations[window] = sqrt(spread / (window - 1))
        return deviations


def _block_sums(values: Floats) -> dict[int, Floats]:
    """Return the sums of all blocks, by their size; index i is the block that begins with value i."""
    blocks = {1: values}
    for size in _SIZES:
        blocks[2 * size] = blocks[size][size:] + blocks[size][:-size]
    return blocks


def _block_deviations(values: Floats) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """Return means and squared deviations of all blocks, as `_block_sums` returns sums."""
    means, squares = {1: values}, {1: np.zeros_like(values)}
    for size in _SIZES:
        mean, square = means[size], squares[size]
        means[2 * size], squares[2 * size] = _merged(
            size, mean[size:], square[size:], size, mean[:-size], square[:-size]
        )
    return means, squares


def _ring(blocks: Floats, count: int) -> list[float]:
    """Return the blocks that end with the last values, each at the place of its last value in a ring."""
    ring, last = np.zeros(_RING), blocks[-_RING:]
    ring[np.arange(count - last.size, count) % _RING] = last
    held: list[float] = ring.tolist()
    return held


def _merged(
    size: int, mean: Number, square: Number, part: int, part_mean: Number, part_square: Number
) -> tuple[Number, Number]:
    """Merge mean and squared deviations of `size` values with those of `part` others."""
    distance = part_mean - mean
    merged = size + part
    return mean + distance * (part / merged), square + part_square + distance * distance * (size * part / merged)
