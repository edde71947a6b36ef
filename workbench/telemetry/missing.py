"""Missing values: NaN in the telemetry, and what stands for them where a method needs numbers."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["held", "interpolated", "present_values"]

Float = TypeVar("Float", np.float32, np.float64)


def held(values: npt.NDArray[Float], before: float = float("nan")) -> npt.NDArray[Float]:
    """Fill missing values with the last value before them.

    Nothing that comes later changes what a value is filled with, but at the start of a series, where there is no
    earlier value and the first one is taken.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        NaN where a value is missing.
    before : float
        The last value before them; NaN where there is none.

    Returns
    -------
    numpy.ndarray, shape (n,)
        The same array where nothing is missing; NaN only where no value is there at all.

    Examples
    --------
    >>> held(np.array([np.nan, 1.0, np.nan, np.nan, 3.0, np.nan]))
    array([1., 1., 1., 1., 3., 3.])
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    places = np.where(missing, -1, np.arange(values.size))
    last = np.maximum.accumulate(places)
    first = values[np.argmin(missing)] if np.isnan(before) else values.dtype.type(before)
    filled: npt.NDArray[Float] = np.where(last < 0, first, values[last])
    return filled


def interpolated(values: npt.NDArray[Float]) -> npt.NDArray[np.float64]:
    """Fill missing values on a line between their neighbours, for a method that looks at a whole series at once.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        NaN where a value is missing.

    Returns
    -------
    numpy.ndarray, shape (n,), float64
        Before the first and after the last value stand these; NaN where no value is there at all.

    Examples
    --------
    >>> interpolated(np.array([np.nan, 1.0, np.nan, 2.0]))
    array([1. , 1. , 1.5, 2. ])
    """
    filled = values.astype(np.float64)
    missing = np.isnan(filled)
    if missing.any() and not missing.all():
        places = np.arange(filled.size)
        filled[missing] = np.interp(places[missing], places[~missing], filled[~missing])
    return filled


def present_values(values: npt.NDArray[Float]) -> npt.NDArray[Float]:
    """Return the values that are there, in their order.

    Parameters
    ----------
    values : numpy.ndarray, any shape
        NaN where a value is missing.

    Returns
    -------
    numpy.ndarray
        The same array where nothing is missing, so that sums over it keep their bits; else one-dimensional.

    Examples
    --------
    >>> present_values(np.array([1.0, np.nan, 3.0]))
    array([1., 3.])
    """
    missing = np.isnan(values)
    return values[~missing] if missing.any() else values
