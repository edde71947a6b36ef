"""Damage in the archive's files: whatever reading them raises becomes one error that names the file and the fix.

Samples are read only when they are used, far from where a dataset was opened. The arrays of an opened dataset therefore
carry this with them: a damaged chunk is an `ArchiveError` wherever it is met.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
from xarray.backends import BackendArray, ZarrStore
from xarray.backends.zarr import ZarrArrayWrapper
from xarray.core.indexing import LazilyIndexedArray

from workbench.exceptions import ArchiveError

__all__ = ["Place", "checked_store", "damage_named"]

_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,  # as a chunk of no samples
    RuntimeError,  # of the codecs, and of JSON that is nested too deep
    EOFError,
    MemoryError,  # a length that is not the series'
    AssertionError,
    struct.error,
    zlib.error,
)
_MAX_REASON_LETTERS = 200


@dataclass(frozen=True)
class Place:
    """Part of the archive that is read: its name in an error, and how to repair it.

    Attributes
    ----------
    what : str
        As "Channel P-1".
    fix : str
        A sentence that says what to do.
    """

    what: str
    fix: str

    def error(self, file: Path, reason: str) -> ArchiveError:
        """Return the error that says that a file is damaged."""
        return ArchiveError(f"{self.what} is damaged: {file}: {reason.rstrip('.')}.", self.fix)


@contextmanager
def damage_named(place: Place, file: Path) -> Iterator[None]:
    """Turn whatever damaged files raise into an `ArchiveError`.

    Parameters
    ----------
    place : Place
        What is read.
    file : Path
        File or folder that the error names.

    Raises
    ------
    ArchiveError
        Something in it could not be read.
    """
    try:
        yield
    except _DAMAGE as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
        raise place.error(file, reason[:_MAX_REASON_LETTERS]) from error


def checked_store(folder: Path, place: Place) -> ZarrStore:
    """Open a Zarr group for `xarray.open_dataset`, with arrays that name damage when they are read.

    Parameters
    ----------
    folder : Path
        Folder of the group.
    place : Place
        What it holds.

    Returns
    -------
    ZarrStore

    Raises
    ------
    ValueError
        One of its arrays has no description.
    """
    for part in folder.iterdir():
        if part.is_dir() and not (part / "zarr.json").exists():
            raise ValueError(f"{part.name} has no zarr.json")
    store: _CheckedStore = _CheckedStore.open_group(folder, mode="r", consolidated=False)
    store.folder = folder
    store.place = place
    return store


class _CheckedStore(ZarrStore):
    __slots__ = ("folder", "place")
    folder: Path
    place: Place

    def open_store_variable(self, name: str) -> xr.Variable:
        variable = super().open_store_variable(name)  # type: ignore[no-untyped-call]
        wrapped = ZarrArrayWrapper(self.members[name])  # type: ignore[no-untyped-call]
        array = _CheckedArray(wrapped, self.place, self.folder / name)
        return xr.Variable(variable.dims, LazilyIndexedArray(array), variable.attrs, variable.encoding)


class _CheckedArray(BackendArray):
    __slots__ = ("_array", "_file", "_place", "dtype", "shape")

    def __init__(self, array: Any, place: Place, file: Path) -> None:
        self._array = array
        self._place = place
        self._file = file
        self.shape = array.shape
        self.dtype = array.dtype

    def __getitem__(self, key: Any) -> Any:
        with damage_named(self._place, self._file):
            return self._array[key]
