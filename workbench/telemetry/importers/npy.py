"""Reads one `.npy` file that nobody vouches for."""

import math
import warnings
from tokenize import TokenError
from typing import BinaryIO

import numpy as np
import numpy.lib.format as npy_format
import numpy.typing as npt

from workbench.exceptions import ImportDataError

__all__ = ["NpyHeader", "read_npy", "read_npy_header"]

NpyHeader = tuple[tuple[int, ...], bool, np.dtype[np.floating]]
"""Shape, whether the columns lie one after another (Fortran order), dtype."""

_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
_MAX_HEADER_BYTES = 10_000


def read_npy_header(stream: BinaryIO, size: int, name: str) -> NpyHeader:
    """Read the header and check it against the file's size; no samples are read.

    Parameters
    ----------
    stream : binary file
        Stands at the first sample afterwards.
    size : int
        Bytes of the whole file.
    name : str
        What the file is called in an error.

    Returns
    -------
    NpyHeader
        Shape `(samples, 1 + commands)`, order and dtype.

    Raises
    ------
    ImportDataError
        Not npy, truncated, objects instead of numbers, a shape that is not 2-D, or a header that claims
        another size than the file has.
    """
    try:
        version = npy_format.read_magic(stream)
        if version not in _READERS:
            raise ImportDataError(f"{name}: npy version {version} is not supported.", "Save it with numpy.save.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of headers written by Python 2
            shape, fortran, dtype = _READERS[version](stream, max_header_size=_MAX_HEADER_BYTES)
    except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError) as error:
        reason = str(error).partition("\n")[0][:200] or type(error).__name__
        raise ImportDataError(f"{name} is not a readable npy file: {reason}") from None
    if dtype.hasobject or dtype.kind != "f":
        kind = "objects" if dtype.hasobject else str(dtype)[:80]
        raise ImportDataError(f"{name} holds {kind}, not floating-point numbers.", "Save it as float32 or float64.")
    if len(shape) != 2 or min(shape) < 1:
        raise ImportDataError(f"{name} has shape {shape}.", "Needed: (samples, 1 + commands), at least one of each.")
    claimed, available = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if claimed != available:
        raise ImportDataError(
            f"{name} claims {claimed} bytes of samples but holds {available}.",
            "It is truncated or damaged: get it again.",
        )
    return shape, bool(fortran), dtype


def read_npy(stream: BinaryIO, size: int, name: str) -> npt.NDArray[np.float32]:
    """Read one channel's telemetry and commands.

    Parameters
    ----------
    stream : binary file
        Open file in NumPy's format.
    size : int
        Bytes of the whole file.
    name : str
        What the file is called in an error.

    Returns
    -------
    numpy.ndarray, shape (samples, 1 + commands), float32
        Column 0 is the telemetry; every value is finite.

    Raises
    ------
    ImportDataError
        As for `read_npy_header`, and for a value that is NaN or infinite (in float32).
    """
    shape, fortran, dtype = read_npy_header(stream, size, name)
    n_bytes = math.prod(shape) * dtype.itemsize
    data = stream.read(n_bytes)
    if len(data) != n_bytes:
        raise ImportDataError(f"{name} ends after {len(data)} of {n_bytes} bytes.", "It is truncated: get it again.")
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C").astype(np.float32, order="C")
    finite = np.isfinite(values)
    if not finite.all():
        sample, column = (int(index) for index in np.argwhere(~finite)[0])
        what = "telemetry" if column == 0 else f"command {column - 1}"
        raise ImportDataError(
            f"{name}: {what} is {values[sample, column]} at sample {sample}"
            f" ({int((~finite).sum())} such values in all).",
            "Every value must be finite in float32.",
        )
    return values
