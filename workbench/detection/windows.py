"""Windows of a series: the inputs of a forecast and the samples it predicts.

Window i holds the inputs `i .. i + sequence_length - 1` and predicts the `prediction_horizon` samples after
them; step 0 is sample `i + sequence_length`. Source: Hundman et al. 2018, section 3.1.

Where telemetry is missing, the last value before stands among the inputs. A window is unusable, neither learned from
nor judged by, where the sample after it is missing, or where its telemetry is missing for more than half of its length
in a row: a forecast from it would be one from nothing. Nor is a window used that reaches across a break of its series
(see `workbench.telemetry.breaks`).
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.counts import counted
from workbench.exceptions import ForecasterError
from workbench.telemetry.missing import held
from workbench.telemetry.schema import inputs

__all__ = [
    "broken_windows",
    "check_finite",
    "check_length",
    "read_inputs",
    "read_span",
    "sliding",
    "split_windows",
    "unusable_windows",
    "window_count",
]

Float = TypeVar("Float", np.float32, np.float64)

_HELD_OUT_SHARE = 0.2
_SAMPLES_AT_A_TIME = 4096  # read at a time to find the last value before a sample


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


def unusable_windows(telemetry: npt.NDArray[Float], length: int) -> npt.NDArray[np.bool_]:
    """Return which windows are unusable because telemetry is missing.

    Parameters
    ----------
    telemetry : numpy.ndarray, shape (length + m,)
        Samples from the first one of the first window to step 0 of the last one; NaN where a value is missing.
    length : int
        Samples of one window.

    Returns
    -------
    numpy.ndarray, shape (m,), bool
        Whether step 0 is missing, or more than half of the window's samples in a row are.

    Examples
    --------
    >>> nan = np.nan
    >>> unusable_windows(np.array([1.0, 2.0, nan, nan, 5.0, 6.0, nan, 8.0]), 3).tolist()
    [True, True, True, True, False]
    """
    missing = np.isnan(telemetry)
    unusable = missing[length:]
    least = length // 2 + 1  # missing samples in a row that are too many
    if least > missing.size or not missing.any():
        return unusable
    counts = np.concatenate([[0], np.cumsum(missing)])
    begins = np.concatenate([[0], np.cumsum(counts[least:] - counts[:-least] == least)])
    # Too many in a row lie in window i where they begin at a sample from i to i + length - least.
    first = np.arange(unusable.size)
    inside: npt.NDArray[np.bool_] = begins[first + length - least + 1] > begins[first]
    return unusable | inside


def broken_windows(
    breaks: Sequence[int], count: int, sequence_length: int, prediction_horizon: int
) -> npt.NDArray[np.bool_]:
    """Return which windows reach across a break of their series with their inputs or their targets.

    Parameters
    ----------
    breaks : sequence of int
        Samples with which the series begins anew, see `workbench.telemetry.breaks`.
    count : int
        Number of windows.
    sequence_length, prediction_horizon : int
        Inputs and targets of a window, samples.

    Returns
    -------
    numpy.ndarray, shape (count,), bool

    Examples
    --------
    >>> np.flatnonzero(broken_windows([8], 10, 3, 2)).tolist()
    [4, 5, 6, 7]
    """
    broken = np.zeros(count, dtype=bool)
    for row in breaks:
        broken[max(0, row - sequence_length - prediction_horizon + 1) : row] = True
    return broken


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
    """Read a channel's inputs and check that a forecaster can use them; see `read_span`.

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
        The series is too short, holds no value, or an input that is not finite.
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
    """Read a channel's inputs from one sample to before another, and fill what is missing of the telemetry.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel.
    start, end : int
        First sample, and the one after the last; others are read only where the first is missing or one is at fault.

    Returns
    -------
    numpy.ndarray, shape (end - start, 1 + k), float32, or float64 where the telemetry is
        Column 0 is the telemetry; where it is missing, the last value before (the first one of the series where there
        is none before), so that a sample is filled alike wherever the span begins and ends.

    Raises
    ------
    ForecasterError
        The series holds no value, infinite telemetry, or inputs that are not finite; counts them and names the first.
    """
    values = inputs(channel.isel(time=slice(start, end)))
    if np.isfinite(values).all():
        return values
    name = str(channel.attrs.get("channel", "The series"))
    if np.isnan(values[0, 0]):
        values[0, 0] = _last_value(channel, start)
        if np.isnan(values[0, 0]):
            raise ForecasterError(f"{name} holds no value.", "Import telemetry that holds some.")
    values[:, 0] = held(values[:, 0])
    if not np.isfinite(values).all():
        check_finite(inputs(channel), name, missing_telemetry=True)
    return values


def _last_value(channel: xr.Dataset, sample: int) -> float:
    """Return the last value before a sample; the first one from it on where there is none, NaN where that is none."""
    telemetry, n = channel["telemetry"].variable, channel.sizes["time"]
    for end in range(sample, 0, -_SAMPLES_AT_A_TIME):
        values = telemetry[max(0, end - _SAMPLES_AT_A_TIME) : end].values
        present = np.flatnonzero(~np.isnan(values))
        if present.size:
            return float(values[present[-1]])
    for start in range(sample, n, _SAMPLES_AT_A_TIME):
        values = telemetry[start : start + _SAMPLES_AT_A_TIME].values
        present = np.flatnonzero(~np.isnan(values))
        if present.size:
            return float(values[present[0]])
    return float("nan")


def check_finite(values: npt.NDArray[Any], name: str, *, missing_telemetry: bool = False) -> None:
    """Refuse inputs that hold NaN or infinite values.

    Parameters
    ----------
    values : numpy.ndarray, shape (n, d)
        Inputs.
    name : str
        What to call them in the error.
    missing_telemetry : bool
        Whether telemetry, which is column 0, may be NaN.

    Raises
    ------
    ForecasterError
        Names the first sample and column at fault.
    """
    bad = ~np.isfinite(values)
    if missing_telemetry:
        bad[:, 0] = np.isinf(values[:, 0])
    if bad.any():
        sample, column = np.argwhere(bad)[0].tolist()
        where = "telemetry" if column == 0 else f"command {column - 1}"
        raise ForecasterError(
            f"{name} holds {counted(int(bad.any(axis=1).sum()), 'sample')} with NaN or infinite values, the first at "
            f"sample {sample} ({where} is {values[sample, column]}).",
            "Import the telemetry again: only telemetry may be missing (NaN), and nothing may be infinite.",
        )
