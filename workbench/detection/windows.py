"""Windows of a series: the inputs of a forecast and the samples it predicts.

Window i holds the inputs `i .. i + sequence_length - 1` and predicts the `prediction_horizon` samples after
them; step 0 is sample `i + sequence_length`. Source: Hundman et al. 2018, section 3.1.
"""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.counts import counted
from workbench.exceptions import ForecasterError
from workbench.telemetry.schema import inputs

__all__ = ["check_finite", "check_length", "read_inputs", "read_span", "sliding", "split_windows", "window_count"]

Float = TypeVar("Float", np.float32, np.float64)

_HELD_OUT_SHARE = 0.2


def window_count(n: int, sequence_length: int, prediction_horizon: int) -> int:
    """Count the windows of a series, as Telemanom does: one less than would fit.

    Parameters
    ----------
    n, sequence_length, prediction_horizon : int
        Samples.

    Returns
    -------
    int
        0 where the series is too short.

    Examples
    --------
    >>> window_count(8505, 250, 10)
    8245
    """
    return max(0, n - sequence_length - prediction_horizon)


def sliding(values: npt.NDArray[Float], length: int) -> npt.NDArray[Float]:
    """View a series as overlapping windows, without copying it.

    Parameters
    ----------
    values : numpy.ndarray, shape (n, d)
        Inputs of a channel.
    length : int
        Samples of one window.

    Returns
    -------
    numpy.ndarray, shape (n - length + 1, length, d)
        Read-only view.

    Examples
    --------
    >>> sliding(np.arange(4, dtype=np.float32)[:, None], 3)[:, :, 0]
    array([[0., 1., 2.], [1., 2., 3.]], dtype=float32)
    """
    view: npt.NDArray[Float] = np.lib.stride_tricks.sliding_window_view(values, length, axis=0).swapaxes(1, 2)
    return view


def split_windows(count: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Split the windows of a training series into those to learn from and those held out.

    Parameters
    ----------
    count : int
        Number of windows, at least 2.
    seed : int
        The same seed gives every forecaster the same split.

    Returns
    -------
    learned, held_out : numpy.ndarray of int
        Indices of windows in random order; the last 20 % are held out.

    Notes
    -----
    Telemanom shuffles the windows, without a seed, and has Keras hold out the last 20 %.

    Examples
    --------
    >>> learned, held_out = split_windows(10, seed=0)
    >>> len(learned), sorted({*learned.tolist(), *held_out.tolist()}) == list(range(10))
    (8, True)
    """
    order = np.random.default_rng(seed).permutation(count)
    at = int(count * (1 - _HELD_OUT_SHARE))
    return order[:at], order[at:]


def read_inputs(
    channel: xr.Dataset, sequence_length: int, prediction_horizon: int, *, windows: int
) -> npt.NDArray[Any]:
    """Read a channel's inputs and check that a forecaster can use them.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel.
    sequence_length, prediction_horizon : int
        Inputs and targets of a window, samples.
    windows : int
        Least number of windows that are needed.

    Returns
    -------
    numpy.ndarray, shape (n, 1 + k), float32, or float64 where the telemetry is
        Column 0 is the telemetry.

    Raises
    ------
    ForecasterError
        The series is too short, or holds NaN or infinite values.
    """
    check_length(channel, sequence_length, prediction_horizon, windows=windows)
    return read_span(channel, 0, channel.sizes["time"])


def check_length(channel: xr.Dataset, sequence_length: int, prediction_horizon: int, *, windows: int) -> None:
    """Refuse a series that has too few samples; see `read_inputs`."""
    name = channel.attrs.get("channel", "The series")
    least = sequence_length + prediction_horizon + windows
    n = channel.sizes["time"]
    if n < least:
        raise ForecasterError(
            f"{name} has {counted(n, 'sample')}.",
            f"At least {least} are needed: sequence_length {sequence_length} + prediction_horizon {prediction_horizon} "
            f"+ {windows}.",
        )


def read_span(channel: xr.Dataset, start: int, end: int) -> npt.NDArray[Any]:
    """Read a channel's inputs from one sample to before another, and refuse NaN and infinite values.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel.
    start, end : int
        First sample, and the one after the last; no others are read unless a value is at fault.

    Returns
    -------
    numpy.ndarray, shape (end - start, 1 + k), float32, or float64 where the telemetry is
        Column 0 is the telemetry.

    Raises
    ------
    ForecasterError
        The series holds NaN or infinite values; counts them and names the first.
    """
    values = inputs(channel.isel(time=slice(start, end)))
    if not np.isfinite(values).all():
        check_finite(inputs(channel), channel.attrs.get("channel", "The series"))
    return values


def check_finite(values: npt.NDArray[Any], name: str) -> None:
    """Refuse inputs that hold NaN or infinite values.

    Parameters
    ----------
    values : numpy.ndarray, shape (n, d)
        Inputs.
    name : str
        What to call them in the error.

    Raises
    ------
    ForecasterError
        Names the first sample and column at fault.
    """
    bad = ~np.isfinite(values)
    if bad.any():
        sample, column = np.argwhere(bad)[0].tolist()
        where = "telemetry" if column == 0 else f"command {column - 1}"
        raise ForecasterError(
            f"{name} holds {counted(int(bad.any(axis=1).sum()), 'sample')} with NaN or infinite values, the first at "
            f"sample {sample} ({where} is {values[sample, column]}).",
            "Fill the gaps before forecasting; the importers do so and report the count.",
        )
