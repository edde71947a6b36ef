"""Parts of a channel as lazy datasets: their rows are read from segments and the tail when they are used."""

import math
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing
from xarray.indexes import PandasIndex

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.lanes import EPOCH
from workbench.telemetry.archiving.publication import Piece
from workbench.telemetry.archiving.seals import check_group
from workbench.telemetry.archiving.segments import open_arrays
from workbench.telemetry.archiving.tail import Tail
from workbench.telemetry.damage import Place, damage_named

__all__ = ["Description", "PartReader"]

_NOT_OF_A_LANE = ("channel", "command", "units")
_MAX_KEPT_BYTES = 64 * 2**20
_KEPT: OrderedDict[tuple[Any, ...], Any] = OrderedDict()  # times of parts, short lanes, and unpacked rows of tails
_KEPT_BYTES = 0
_MAX_OPEN_DATASETS = 256
_MAX_OPEN_ROWS = 50_000  # times of longer ones would hold too much memory
_MAX_HELD_ROWS = 131_072  # of numbers of samples; more are read when they are used
_MANY_PIECES = 4
_END_ROWS = 4_096  # at the end of a part of many pieces, which are kept as one
_MAX_END_BYTES = 2**16
_MAX_LANE_BYTES = 2**18  # of a lane that is kept
_TIME = "time"
_LOCK = Lock()


def _renew_lock() -> None:
    """Renew the lock in a forked process: a thread of its parent may have held it."""
    global _LOCK
    _LOCK = Lock()


os.register_at_fork(after_in_child=_renew_lock)


@dataclass(frozen=True)
class Description:
    """Dims, dtype, shape without rows, and attributes of a variable in one piece."""

    dims: tuple[str, ...]
    dtype: np.dtype[Any]
    rest: tuple[int, ...]
    attributes: Mapping[str, Any]
    is_coordinate: bool


class PartReader:
    """Rows of one part of a channel.

    Parameters
    ----------
    store : Path
        Folder of the archive.
    tail : Tail
        Its tail.
    pieces : sequence of Piece
        Where the rows lie, in their order.
    place : Place
        What they are, for an error that says that they are damaged.
    identity : tuple
        What differs from any other archive that was at the same place before.
    origin : int
        How many rows were in front of them, and are removed.
    fresh : bool
        Read everything from the files, whatever was kept of them.
    fate : callable, optional
        Returns the error for rows of a piece that cannot be read because they no longer hold; None where they do.

    Attributes
    ----------
    origin : int
        How many rows were in front of them, and are removed.
    length : int
        Number of its rows.
    """

    def __init__(
        self,
        store: Path,
        tail: Tail,
        pieces: Sequence[Piece],
        place: Place,
        identity: tuple[Any, ...] = (),
        *,
        origin: int = 0,
        fresh: bool = False,
        fate: Callable[[Piece], ArchiveError | None] = lambda piece: None,
    ) -> None:
        self._fate = fate
        self.origin = origin
        self._fresh = fresh
        self._store = store
        self._identity = (str(store), *identity)
        self._tail = tail
        self._pieces = tuple(pieces)
        self._place = place
        self._ends: dict[str, npt.NDArray[Any]] = {}  # the last rows of variables that were read
        self.length = sum(piece.length for piece in self._pieces)

    def dataset(
        self, attributes: Mapping[str, Any], command_names: Sequence[str] | None = None, *, indexed: bool = True
    ) -> xr.Dataset:
        """Return the rows as a dataset; samples are read each time they are used.

        Parameters
        ----------
        attributes : mapping of str to Any
            Attributes of the dataset.
        command_names : sequence of str, optional
            Names of the commands.
        indexed : bool
            Read the times at once, so that rows can be selected by them; else they are read as samples are.

        Returns
        -------
        xarray.Dataset

        Raises
        ------
        ArchiveError
            What describes the rows, or their times, are damaged.
        """
        described = self.describe()
        variables = {name: self._variable(name, one, indexed) for name, one in described.items()}
        coordinates = {name: variables.pop(name) for name, one in described.items() if one.is_coordinate}
        if command_names is not None:
            coordinates["command"] = xr.Variable("command", np.asarray(command_names, dtype=str))
        return xr.Dataset(variables, _coordinates(coordinates, indexed=indexed), dict(attributes))

    def describe(self) -> dict[str, Description]:
        """Return what each variable is, after checking that all rows are there and are of one kind.

        Raises
        ------
        ArchiveError
            What describes the rows is damaged.
        """
        described: dict[str, Description] = {}
        end = 0
        for piece in self._pieces:
            with damage_named(self._place, self._file(piece)):
                if piece.first != end:
                    raise ValueError(f"rows {end} to {piece.first - 1} are not there")
                end += piece.length
                own = self._describe(piece)
            for name, one in own.items():
                known = described.setdefault(name, one)
                with damage_named(self._place, self._file(piece)):
                    if (known.dims, known.dtype, known.rest) != (one.dims, one.dtype, one.rest):
                        raise ValueError(f"{name} is of another kind than before")
        return described

    def kept_dataset(
        self,
        attributes: Mapping[str, Any],
        command_names: Sequence[str],
        kept: OrderedDict[tuple[Any, ...], xr.Dataset],
        *,
        indexed: bool = True,
    ) -> xr.Dataset:
        """Return what `dataset` does; short ones opened last are kept until a file of theirs is another one."""
        if self.length > _MAX_OPEN_ROWS:
            return self.dataset(attributes, command_names, indexed=indexed)
        key = (self._identity, self._pieces, self.files(), tuple(attributes.items()), tuple(command_names), indexed)
        with _LOCK:
            dataset = kept.pop(key, None)
        if dataset is None:
            dataset = self.dataset(attributes, command_names, indexed=indexed)
        with _LOCK:
            kept[key] = dataset
            if len(kept) > _MAX_OPEN_DATASETS:
                kept.popitem(last=False)
        return dataset.copy()

    def check_names(self, channel: str, command_names: Sequence[str]) -> None:
        """Compare the names that other programs read in the segments with those of the channel.

        Raises
        ------
        ArchiveError
            They are others.
        """
        for piece in self._pieces:
            if piece.kind != "segment":
                continue
            with damage_named(self._place, self._file(piece)):
                check_group(self._store / piece.folder / piece.place)
                arrays = open_arrays(self._store / piece.folder / piece.place)
                if arrays["channel"][...].tolist()[piece.lane] != channel:
                    raise ValueError(f"it holds {arrays['channel'][piece.lane]!r} in the place of {channel!r}")
                if command_names and arrays["command"][...].tolist() != list(command_names):
                    raise ValueError("the names of its commands are others")
                if "units" in arrays:
                    arrays["units"][...]

    def read(self, name: str, start: int, stop: int, template: Description) -> npt.NDArray[Any]:
        """Read rows of a variable."""
        begin = max(0, self.length - _END_ROWS)
        is_small = template.dtype.itemsize * math.prod(template.rest) <= _MAX_END_BYTES // _END_ROWS
        if start < begin or len(self._pieces) < _MANY_PIECES or not is_small or self._fresh:
            return self._read(name, start, stop, template)
        if name not in self._ends:  # where a series grows, they are read again and again
            try:
                self._ends[name] = self._read(name, begin, self.length, template)
            except ArchiveError:  # the rows that are asked for may be sound
                return self._read(name, start, stop, template)
        return self._ends[name][start - begin : max(start, stop) - begin].copy()

    def _read(self, name: str, start: int, stop: int, template: Description) -> npt.NDArray[Any]:
        pieces = [piece for piece in self._pieces if max(start, piece.first) < min(stop, piece.first + piece.length)]
        if len(pieces) == 1:
            return self._rows_of(pieces[0], name, start, stop, template)
        values = np.empty((max(stop - start, 0), *template.rest), template.dtype)  # never held twice
        end = 0
        for piece in pieces:
            block = self._rows_of(piece, name, start, stop, template)
            values[end : end + len(block)] = block
            end += len(block)
        return values[:end]

    def files(self) -> tuple[tuple[int, int], ...]:
        """Return what tells the descriptions of the groups from others that were there before."""
        with damage_named(self._place, self._store):
            groups = [
                os.stat(f"{self._store}/{one.folder}/{one.place}/zarr.json") for one in self._pieces if one.folder
            ]
        return tuple((one.st_ino, one.st_mtime_ns) for one in groups)

    # ---- internals

    def _file(self, piece: Piece, name: str = "") -> Path:
        return self._store / piece.folder / piece.place / name if piece.kind == "segment" else self._tail.file

    def _describe(self, piece: Piece) -> dict[str, Description]:
        if piece.kind == "tail":
            rows = self._unpacked(piece)
            return {
                name.removeprefix("@"): Description(
                    dims, values.dtype, values.shape[dims[:1] == ("time",) :], attributes, name.startswith("@")
                )
                for name, (dims, values, attributes) in rows.items()
            }
        described = {}
        for name, array in open_arrays(self._store / piece.folder / piece.place).items():
            if name in _NOT_OF_A_LANE:
                continue
            dims, shape = tuple(array.metadata.dimension_names), array.shape
            is_shared = dims[:1] != ("channel",)
            if not is_shared:
                if not piece.lane < shape[0]:
                    raise ValueError(f"{name} has {shape[0]} channels, not {piece.lane + 1}")
                dims, shape = dims[1:], shape[1:]
            has_rows = dims[:1] == ("time",)
            if has_rows and shape[0] < piece.start + piece.length:
                raise ValueError(f"{name} has {shape[0]} rows, not {piece.start + piece.length}")
            is_coordinate = is_shared and name not in ("commands", "missing_commands")
            rest = shape[1:] if has_rows else shape
            described[name] = Description(dims, np.dtype(array.dtype), rest, dict(array.attrs), is_coordinate)
        return described

    def _rows_of(self, piece: Piece, name: str, start: int, stop: int, template: Description) -> npt.NDArray[Any]:
        """Read those of some rows of a variable that lie in a piece, and say what is wrong with it."""
        first, last = max(start, piece.first), min(stop, piece.first + piece.length)
        offset = piece.start - piece.first
        try:
            with damage_named(self._place, self._file(piece, name)):
                return self._rows(piece, name, first + offset, last + offset, template)
        except ArchiveError as error:
            raise self._fate(piece) or error from error.__cause__

    def _rows(self, piece: Piece, name: str, start: int, stop: int, template: Description) -> npt.NDArray[Any]:
        if piece.kind == "tail":
            rows = self._unpacked(piece)
            entry = rows.get(name) or rows.get(f"@{name}")
            values = None if entry is None else entry[1][start:stop]
        else:
            array = open_arrays(self._store / piece.folder / piece.place).get(name)
            if array is None:
                values = None
            elif array.metadata.dimension_names[:1] == ("channel",):
                values = self._lane(array, piece, name, start, stop)
            else:
                values = array[start:stop]
        if values is None:  # a mark of what was filled that these rows do not need
            return np.zeros((stop - start, *template.rest), template.dtype)
        if values.shape != (stop - start, *template.rest):
            raise ValueError(f"{name} has the shape {values.shape}, not {(stop - start, *template.rest)}")
        return np.asarray(values)

    def _lane(self, array: Any, piece: Piece, name: str, start: int, stop: int) -> npt.NDArray[Any]:
        """Read rows of a lane; one that lies in a single small file is kept, as Zarr takes a millisecond for it."""
        sizes = array.shards or array.chunks
        is_small = array.nbytes // array.shape[0] <= _MAX_LANE_BYTES
        if is_small and not self._fresh and all(np.greater_equal(sizes[1:], array.shape[1:])):
            place = [piece.lane // sizes[0], *[0] * (array.ndim - 1)]
            file = self._file(piece, name).joinpath("c", *map(str, place))
            with suppress(FileNotFoundError):  # of which the reading below tells
                about = file.stat()
                key = ("lane", str(file), about.st_ino, about.st_mtime_ns, about.st_size, piece.lane)
                return np.array(_kept(key, lambda: np.asarray(array[piece.lane]))[start:stop])
        return np.asarray(array[piece.lane, start:stop])

    def _unpacked(self, piece: Piece) -> Any:
        key = ("tail", self._identity, piece.revision, piece.lane)
        read = partial(self._tail.read, piece.revision, piece.lane)
        return read() if self._fresh else _kept(key, read)

    def _unchangeable(self, name: str, one: Description) -> npt.NDArray[Any]:
        values = self.read(name, 0, self.length, one)
        values.flags.writeable = False
        return values

    def _variable(self, name: str, one: Description, indexed: bool) -> xr.Variable:
        attributes = dict(one.attributes)
        if one.dims[:1] != ("time",):
            piece = self._pieces[0]
            with damage_named(self._place, self._file(piece, name)):
                if piece.kind == "tail":
                    rows = self._unpacked(piece)
                    values = (rows.get(name) or rows[f"@{name}"])[1]
                else:
                    array = open_arrays(self._store / piece.folder / piece.place)[name]
                    own = array.metadata.dimension_names[:1] == ("channel",)
                    values = array[piece.lane] if own else array[...]
            return xr.Variable(one.dims, values, attributes)
        dated = one.is_coordinate and attributes.get("units") == EPOCH
        kind = np.dtype("datetime64[ns]") if dated else one.dtype
        attributes = {} if dated else attributes
        is_held = self.length <= _MAX_HELD_ROWS or (indexed and name == _TIME)
        if one.is_coordinate and is_held:
            key = ("rows", self._identity, name, self._pieces, self.files())
            read = partial(self._unchangeable, name, one)
            held = read() if self._fresh else _kept(key, read)
            return xr.Variable(one.dims, held.view(kind), attributes)
        array = _Rows(self, name, (self.length, *one.rest), kind, one)
        return xr.Variable(one.dims, indexing.LazilyIndexedArray(array), attributes)


def _coordinates(variables: Mapping[str, xr.Variable], *, indexed: bool) -> xr.Coordinates:
    """Return coordinates with an index of the times, which shares their memory, and of the names of the commands."""
    indexes: dict[Any, PandasIndex] = {}
    if "command" in variables:
        indexes["command"] = PandasIndex.from_variables({"command": variables["command"]}, options={})
    if indexed and _TIME in variables:
        times = variables[_TIME].values
        indexes[_TIME] = PandasIndex(pd.Index(times, copy=False), _TIME, times.dtype)
    plain = dict(variables)
    for name, index in indexes.items():
        plain |= index.create_variables({name: variables[name]})
    return xr.Coordinates(plain, indexes)


class _Rows(BackendArray):
    """A variable of a part whose rows are read when they are used."""

    __slots__ = ("_name", "_reader", "_template", "dtype", "shape")

    def __init__(
        self, reader: PartReader, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], template: Description
    ) -> None:
        self._reader = reader
        self._name = name
        self._template = template
        self.shape = shape
        self.dtype = dtype

    def __getitem__(self, key: Any) -> Any:
        support = indexing.IndexingSupport.BASIC
        return indexing.explicit_indexing_adapter(key, self.shape, support, self._read)

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        rows, rest = key[0], key[1:]
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self.shape[0])
            if step < 0:
                places = range(start, stop, step)
                if not places:
                    return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
                return self._block(places[-1], places[0] + 1)[::-1][::-step][(slice(None), *rest)]
            return self._block(start, stop)[(slice(None, None, step), *rest)]
        row = int(rows) % self.shape[0]
        return np.asarray(self._block(row, row + 1)[(0, *rest)])

    def _block(self, start: int, stop: int) -> npt.NDArray[Any]:
        return self._reader.read(self._name, start, stop, self._template).view(self.dtype)


def _kept(key: tuple[Any, ...], read: Callable[[], Any]) -> Any:
    """Return what was read before under a key, or read it; what was used longest ago is dropped first."""
    global _KEPT_BYTES
    with _LOCK:
        if key in _KEPT:
            _KEPT.move_to_end(key)
            return _KEPT[key]
    value = read()
    size = _bytes(value)
    if size <= _MAX_KEPT_BYTES // 4:
        with _LOCK:
            if key not in _KEPT:
                _KEPT[key] = value
                _KEPT_BYTES += size
            while _KEPT_BYTES > _MAX_KEPT_BYTES:
                _KEPT_BYTES -= _bytes(_KEPT.popitem(last=False)[1])
    return value


def _bytes(value: Any) -> int:
    if isinstance(value, dict):
        return sum(int(entry[1].nbytes) for entry in value.values())
    return int(value.nbytes)
