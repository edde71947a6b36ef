"""The files of the archive: Zarr groups, their JSON documents, and label rows inside them."""

import json
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, cast

import numpy as np
import pandas as pd
import xarray as xr

from workbench.exceptions import LabelError, SchemaError
from workbench.telemetry.damage import Place, checked_store, damage_named

__all__ = [
    "CHANNEL_NAME",
    "LABEL_COLUMNS",
    "check_pair",
    "label_frame",
    "label_rows",
    "natural_key",
    "open_dataset",
    "read_attributes",
    "store_dataset",
    "suggest",
]

CHANNEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Pattern of a channel's name, which is also the name of a folder and of a model."""

LABEL_COLUMNS = ("start", "end", "kind")
"""Columns of a label table: samples of the test series, both inclusive, and the kind of anomaly."""

_CHUNK_SAMPLES = 131_072
_EPOCH = "nanoseconds since 1970-01-01"

_MAX_OPEN_DATASETS = 64
_MAX_OPEN_SAMPLES = 50_000  # a longer dataset does not stay open, since its times are held in memory
_OPEN: OrderedDict[tuple[str, int, int], xr.Dataset] = OrderedDict()
_LOCK = Lock()


def read_attributes(file: Path, place: Place) -> dict[str, Any]:
    """Read the attributes in one of Zarr's JSON documents; damage is an `ArchiveError`."""
    with damage_named(place, file):
        attributes = json.loads(file.read_text(encoding="utf-8"))["attributes"]
        if not isinstance(attributes, dict):
            raise TypeError("its attributes are no mapping")
    return cast("dict[str, Any]", attributes)


def store_dataset(dataset: xr.Dataset, folder: Path) -> None:
    """Write a dataset as a new Zarr group, time in nanoseconds of the Unix epoch."""
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        encoding[str(name)] = {"chunks": tuple(max(1, min(size, _CHUNK_SAMPLES)) for size in variable.shape)}
        if np.issubdtype(variable.dtype, np.datetime64):
            encoding[str(name)] |= {"units": _EPOCH, "dtype": "int64"}
    plain = dataset.drop_encoding()
    plain.to_zarr(folder, mode="w-", encoding=encoding, consolidated=False, zarr_format=3)


def open_dataset(
    folder: Path,
    place: Place,
    commands: list[str] | None = None,
    *,
    length: int | None = None,
    check: Callable[[xr.Dataset], None] | None = None,
) -> xr.Dataset:
    """Open a Zarr group, with the names of the commands; samples are read each time they are used.

    Opening takes ten times as long as reading, so those opened last are kept open until their folder is replaced.

    Parameters
    ----------
    folder : Path
        Folder of the group.
    place : Place
        What the group is, for an error that says that it is damaged.
    commands : list of str, optional
        Names of the commands.
    length : int, optional
        Samples that it must hold; this is looked at before the times of all samples are read.
    check : callable, optional
        Called with the dataset when it is first opened; what it raises says that the group is damaged.

    Raises
    ------
    ArchiveError
        The group is damaged.
    """
    with damage_named(place, folder):
        about = (folder / "zarr.json").stat()
        key = (str(folder), about.st_ino, about.st_mtime_ns)
        with _LOCK:
            dataset = _OPEN.pop(key, None)
        if dataset is None:
            if length is not None:
                shape = json.loads((folder / "time" / "zarr.json").read_text(encoding="utf-8"))["shape"]
                if shape != [length]:
                    raise ValueError(f"its time has the shape {shape}, not [{length}]")
            dataset = xr.open_dataset(checked_store(folder, place), chunks=None, cache=False)
            if commands is not None:
                dataset = dataset.assign_coords(command=np.asarray(commands, dtype=str))
            if check is not None:
                try:
                    check(dataset)
                except SchemaError as error:
                    raise place.error(folder, error.message) from None
    if dataset.sizes.get("time", 0) <= _MAX_OPEN_SAMPLES:
        with _LOCK:
            _OPEN[key] = dataset
            if len(_OPEN) > _MAX_OPEN_DATASETS:
                _OPEN.popitem(last=False)
    return dataset.copy()


def check_pair(channel: str, train: xr.Dataset, test: xr.Dataset) -> None:
    """Check that two splits are of one channel whose name can be a folder's."""
    if not CHANNEL_NAME.fullmatch(channel):
        raise SchemaError(
            f"{channel!r} cannot name a channel.",
            "Use at most 64 letters, digits, dots, underscores and hyphens, the first a letter or digit.",
        )
    for name in ("channel", "asset", "subsystem", "units"):
        if train.attrs[name] != test.attrs[name]:
            raise SchemaError(
                f"{channel}: {name} of train ({train.attrs[name]!r}) and test ({test.attrs[name]!r}) differ."
            )
    if list(train["command"].values) != list(test["command"].values):
        raise SchemaError(f"{channel}: train and test have different commands.")


def label_rows(channel: str, labels: pd.DataFrame, n_test: int) -> list[list[Any]]:
    """Turn a label table into sorted JSON rows, each inside the test series."""
    missing = [column for column in LABEL_COLUMNS if column not in labels]
    if missing:
        raise LabelError(f"{channel}: labels have no column {missing[0]!r}.", f"Expected: {', '.join(LABEL_COLUMNS)}.")
    columns = [labels[column].tolist() for column in LABEL_COLUMNS]
    rows: list[tuple[int, int, str]] = sorted((int(a), int(b), str(kind)) for a, b, kind in zip(*columns, strict=True))
    for start, end, _ in rows:
        if not 0 <= start <= end < n_test:
            raise LabelError(
                f"{channel}: label [{start}, {end}] lies outside its test series.",
                f"Samples are 0 to {n_test - 1}, start <= end.",
            )
    return [list(row) for row in rows]


def label_frame(rows: list[list[Any]]) -> pd.DataFrame:
    """Turn JSON rows back into a label table."""
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return pd.DataFrame(
        {
            "start": pd.Series(columns[0], dtype="int64"),
            "end": pd.Series(columns[1], dtype="int64"),
            "kind": pd.Series(columns[2], dtype="str"),
        }
    )


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sort key under which A-2 comes before A-10.

    Examples
    --------
    >>> sorted(["A-10", "A-2", "B-1"], key=natural_key)
    ['A-2', 'A-10', 'B-1']
    """
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"([0-9]+)", name) if part]


def suggest(channel: str, channels: list[str]) -> str:
    """Say which channels an unknown name comes near to."""
    if not channels:
        return "The archive is empty. Run: workbench run, or workbench import PATH."
    from difflib import get_close_matches

    close = get_close_matches(channel, channels, n=3, cutoff=0.5)
    return f"Did you mean {', '.join(close)}?" if close else "Run: workbench channels"
