"""The contract of a channel: names, dims, dtypes and attributes of its dataset.

One channel is an `xarray.Dataset` with `telemetry(time)` float32, or float64 where float32 cannot hold its numbers, and
`commands(time, command)` int8 for one-hot commands, float32 for other inputs. `time` is datetime64[ns] in UTC, or the
sample number where the source is anonymized.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.exceptions import SchemaError

__all__ = ["ATTRIBUTES", "SPLITS", "UNKNOWN_PERIOD", "data_hash", "hash_header", "inputs", "make_channel", "validate"]

SPLITS = ("train", "test")
"""The two groups of a channel."""

ATTRIBUTES = ("channel", "asset", "subsystem", "units", "source", "sample_period")
"""String attributes that every channel carries."""

_HASHED_SAMPLES = 1_048_576  # at a time, so that memory does not follow the length of a series

UNKNOWN_PERIOD = "unknown"
"""`sample_period` of a source that does not tell it; otherwise an ISO 8601 duration, as `PT1M`."""


def make_channel(
    telemetry: npt.ArrayLike,
    commands: npt.ArrayLike | None = None,
    *,
    time: npt.ArrayLike | None = None,
    command_names: list[str] | None = None,
    channel: str,
    asset: str,
    subsystem: str = "",
    units: str = "",
    source: str = "",
    sample_period: str = UNKNOWN_PERIOD,
    dtype: npt.DTypeLike = np.float32,
) -> xr.Dataset:
    """Build and validate the dataset of one channel's split.

    Parameters
    ----------
    telemetry : array_like, shape (n,)
        The signal, in `units`; NaN where a value is missing.
    commands : array_like, shape (n, k), optional
        Inputs that go along. Kept as int8 where every value is 0 or 1, else as float32.
    time : array_like, shape (n,), optional
        datetime64 stamps in UTC; sample numbers where omitted.
    command_names : list of str, optional
        Name of each input column; `command-0` and so on where omitted.
    channel, asset, subsystem, units, source, sample_period : str
        Attributes, see `ATTRIBUTES`.
    dtype : dtype
        Of the telemetry: float32, or float64 for numbers that float32 cannot hold.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    SchemaError
        The arrays do not fit each other or the contract.
    """
    values = np.asarray(telemetry, dtype=dtype)
    n = values.shape[0] if values.ndim else 0
    command_values = np.zeros((n, 0), dtype=np.int8) if commands is None else np.asarray(commands)
    if command_values.ndim != 2:
        raise SchemaError(f"{channel}: commands must have dims (time, command), not shape {command_values.shape}.")
    if command_values.dtype != np.int8:
        one_hot = bool(np.isin(command_values, (0, 1)).all())
        command_values = command_values.astype(np.int8 if one_hot else np.float32)
    names = command_names if command_names is not None else [f"command-{i}" for i in range(command_values.shape[1])]
    stamps = np.arange(n, dtype=np.int64) if time is None else np.asarray(time)
    if np.issubdtype(stamps.dtype, np.datetime64):
        stamps = stamps.astype("datetime64[ns]")
    try:
        dataset = xr.Dataset(
            {"telemetry": ("time", values), "commands": (("time", "command"), command_values)},
            coords={"time": stamps, "command": np.asarray(names, dtype=str)},
            attrs={
                "channel": channel,
                "asset": asset,
                "subsystem": subsystem,
                "units": units,
                "source": source,
                "sample_period": sample_period,
            },
        )
    except ValueError as error:
        raise SchemaError(f"{channel}: the arrays do not fit each other: {error}") from None
    validate(dataset)
    return dataset


def validate(dataset: xr.Dataset) -> None:
    """Check that a dataset keeps the contract of a channel.

    Parameters
    ----------
    dataset : xarray.Dataset
        One split of one channel.

    Raises
    ------
    SchemaError
        Names every point at which the contract is broken, the expected and the received.

    Examples
    --------
    >>> validate(make_channel([0.0, 1.0], channel="X-1", asset="X"))
    >>> validate(xr.Dataset(attrs={"channel": "X-1"}))
    Traceback (most recent call last):
        ...
    workbench.exceptions.SchemaError: X-1: no variable 'telemetry'; no variable 'commands'; ...
    """
    faults = [*_variable_faults(dataset), *_time_faults(dataset), *_attribute_faults(dataset)]
    if faults:
        raise SchemaError(f"{dataset.attrs.get('channel', 'channel')}: {'; '.join(faults)}.")


def _variable_faults(dataset: xr.Dataset) -> list[str]:
    faults = []
    expected: dict[str, tuple[tuple[str, ...], tuple[Any, ...]]] = {
        "telemetry": (("time",), (np.float32, np.float64)),
        "commands": (("time", "command"), (np.int8, np.float32)),
    }
    for name, (dims, dtypes) in expected.items():
        if name not in dataset:
            faults.append(f"no variable {name!r}")
            continue
        variable = dataset[name]
        if variable.dims != dims:
            faults.append(f"{name} must have dims {dims}, not {variable.dims}")
        if variable.dtype not in dtypes:
            allowed = " or ".join(np.dtype(dtype).name for dtype in dtypes)
            faults.append(f"{name} must be {allowed}, not {variable.dtype}")
    return faults


def _time_faults(dataset: xr.Dataset) -> list[str]:
    if "time" not in dataset.coords:
        return ["no coordinate 'time'"]
    time = dataset.coords["time"].values
    if not (time.dtype == np.dtype("datetime64[ns]") or np.issubdtype(time.dtype, np.integer)):
        return [f"time must be datetime64[ns] or sample numbers, not {time.dtype}"]
    if time.size == 0:
        return ["time must hold at least one sample"]
    if np.issubdtype(time.dtype, np.datetime64) and bool(np.isnat(time).any()):
        return ["time must not hold NaT"]
    if time.size > 1 and not bool((time[1:] > time[:-1]).all()):
        return ["time must rise strictly"]
    return []


def _attribute_faults(dataset: xr.Dataset) -> list[str]:
    faults = [
        f"attribute {name!r} must be a string, not {dataset.attrs.get(name)!r}"
        for name in ATTRIBUTES
        if not isinstance(dataset.attrs.get(name), str)
    ]
    faults += [
        f"attribute {name!r} must not be empty" for name in ("channel", "asset") if dataset.attrs.get(name) == ""
    ]
    return faults


def inputs(dataset: xr.Dataset) -> npt.NDArray[Any]:
    """Stack telemetry and commands as a forecaster reads them.

    Parameters
    ----------
    dataset : xarray.Dataset
        One split of one channel.

    Returns
    -------
    numpy.ndarray, shape (n, 1 + k), float32, or float64 where the telemetry is
        Column 0 is the telemetry.
    """
    telemetry = dataset["telemetry"].values
    commands = dataset["commands"].values.astype(telemetry.dtype, copy=False)
    return np.concatenate([telemetry[:, None], commands], axis=1)


def hash_header(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Return what stands before the values of a variable in `data_hash`.

    Examples
    --------
    >>> hash_header("time", np.dtype("int64"), (3,))
    b'time:<i8:(3,);'
    """
    return f"{name}:{dtype.newbyteorder('<').str}:{shape};".encode()


def data_hash(dataset: xr.Dataset) -> str:
    """Return the SHA-256 of a channel's time, telemetry and commands.

    Parameters
    ----------
    dataset : xarray.Dataset
        One split of one channel.

    Returns
    -------
    str
        64 hexadecimal digits; the same values give the same digits on every machine.
    """
    digest = hashlib.sha256()
    for name in ("time", "telemetry", "commands"):
        variable = dataset[name].variable
        little = variable.dtype.newbyteorder("<")
        digest.update(hash_header(name, variable.dtype, variable.shape))
        for start in range(0, variable.shape[0], _HASHED_SAMPLES):
            part = variable[start : start + _HASHED_SAMPLES].values
            digest.update(np.ascontiguousarray(part.astype(little, copy=False)).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
