"""Channels as the first layout of the archive has them: a folder of Zarr groups for each.

Releases up to 0.1 wrote `<store>/<channel>/{train,test,before}` and `<store>/<channel>/scores/<key>`. The archive takes
such channels over when it is opened; see `workbench.telemetry.archive`.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from workbench.exceptions import ArchiveError, SchemaError
from workbench.names import path_name
from workbench.telemetry.archiving.seals import SEAL, check_group, unsealed_attributes
from workbench.telemetry.attributes import check_channel, check_labels, check_score, check_scored
from workbench.telemetry.damage import Place, damage_named
from workbench.telemetry.schema import SPLITS, data_hash, validate
from workbench.telemetry.store import natural_key
from workbench.telemetry.training_span import TrainingSpan

__all__ = [
    "EarlierChannel",
    "earlier_asset_of",
    "earlier_attributes",
    "earlier_folder",
    "earlier_names",
    "read_earlier_channel",
]


@dataclass(frozen=True)
class EarlierChannel:
    """What the first layout holds of a channel.

    Attributes
    ----------
    train, test : xarray.Dataset
        Both splits, loaded.
    before : xarray.Dataset or None
        Samples before the training span.
    span : TrainingSpan or None
        The training span.
    earlier_labels : tuple of tuple
        Labelled anomalies before the test series.
    labels : list of list or None
        Rows of start, end and kind.
    scores : dict of str to xarray.Dataset
        The stored scores that are sound, loaded.
    received : float
        When the test series was written, in seconds of the Unix epoch.
    """

    train: xr.Dataset
    test: xr.Dataset
    before: xr.Dataset | None
    span: TrainingSpan | None
    earlier_labels: tuple[tuple[str | int, str | int, str], ...]
    labels: list[list[Any]] | None
    scores: dict[str, xr.Dataset]
    received: float


def earlier_names(store: Path) -> list[str]:
    """Return the channels that a store has in the first layout, in natural order."""
    with os.scandir(store) as entries:
        names = [one.name for one in entries if not one.name.startswith(("_", ".")) and one.is_dir()]
    return sorted(names, key=natural_key)


def earlier_folder(store: Path, channel: str) -> Path:
    """Return the folder that the first layout has for a channel; for a name that it could not have, one that is not."""
    return store / path_name(channel)


def earlier_asset_of(folder: Path) -> tuple[str, str]:
    """Name the asset and subsystem of a channel even where its attributes are damaged.

    Parameters
    ----------
    folder : Path
        Folder of the channel.

    Returns
    -------
    tuple of str
        From the channel's attributes, else from those of a split; "unknown" and empty where none can be read.
    """
    attributes = earlier_attributes(folder)
    asset, subsystem = attributes.get("asset"), attributes.get("subsystem")
    if isinstance(asset, str) and asset and isinstance(subsystem, str):
        return asset, subsystem
    return "unknown", ""


def earlier_attributes(folder: Path) -> dict[str, Any]:
    """Return the attributes of a channel as far as they can be read, from its splits where its own are damaged."""
    attributes: dict[str, Any] = {}
    for part in (*SPLITS, ""):
        try:
            attributes |= _read_attributes(folder / part / "zarr.json", Place("", ""))
        except ArchiveError:
            continue
    return attributes


def read_earlier_channel(folder: Path, place: Place) -> EarlierChannel:
    """Read a channel whole, and compare it with the hashes that were noted when it was written.

    Parameters
    ----------
    folder : Path
        Folder of the channel.
    place : Place
        What it is, for an error that says that it is damaged.

    Returns
    -------
    EarlierChannel
        Scores that are damaged are left out: scoring again makes them anew.

    Raises
    ------
    ArchiveError
        The channel is damaged.
    """
    file = folder / "zarr.json"
    about = _read_attributes(file, place)
    with damage_named(place, file):
        check_channel(about, folder.name)
        if about.get("labels") is not None:
            check_labels(about["labels"], about["n_test"])
        span = TrainingSpan.from_attributes(about["training_span"]) if "training_span" in about else None
        received = (folder / "test" / "zarr.json").stat().st_mtime
    parts = {}
    for part in (*SPLITS, *(["before"] if "n_before" in about else [])):
        names, length = about["command_names"], about[f"n_{part}"]
        parts[part] = _load(folder / part, place, names, length)
        with damage_named(place, folder / part):
            try:
                validate(parts[part])
            except SchemaError as error:
                raise ValueError(error.message) from None
            for name in ("channel", "asset", "subsystem", "units"):
                if parts[part].attrs[name] != about[name]:
                    raise ValueError(f"its {name} is {parts[part].attrs[name]!r}, that of the channel {about[name]!r}")
        if data_hash(parts[part]) != about[f"{part}_hash"]:
            raise place.error(folder / part, "its values are not those that were written")
    return EarlierChannel(
        parts["train"],
        parts["test"],
        parts.get("before"),
        span,
        tuple((start, end, str(kind)) for start, end, kind in about.get("earlier_labels", [])),
        about.get("labels"),
        _scores(folder),
        received,
    )


def _read_attributes(file: Path, place: Place) -> dict[str, Any]:
    """Read the attributes in one of Zarr's JSON documents, without their seal; damage is an `ArchiveError`."""
    with damage_named(place, file):
        return unsealed_attributes(json.loads(file.read_text(encoding="utf-8")))


def _load(folder: Path, place: Place, commands: list[str] | None = None, length: int | None = None) -> xr.Dataset:
    """Read a Zarr group whole, with the names of the commands."""
    with damage_named(place, folder):
        check_group(folder)
        for part in folder.iterdir():
            if part.is_dir() and not (part / "zarr.json").exists():
                raise ValueError(f"{part.name} has no zarr.json")
        if length is not None:
            shape = json.loads((folder / "time" / "zarr.json").read_text(encoding="utf-8"))["shape"]
            if shape != [length]:
                raise ValueError(f"its time has the shape {shape}, not [{length}]")
        dataset: xr.Dataset = xr.open_zarr(folder, consolidated=False, chunks=None).load().drop_encoding()
    dataset.attrs.pop(SEAL, None)
    if commands is not None:
        dataset = dataset.assign_coords(command=np.asarray(commands, dtype=str))
    return dataset


def _scores(folder: Path) -> dict[str, xr.Dataset]:
    scores = {}
    for group in sorted((folder / "scores").glob("*/")):
        place = Place(f"The stored score {group.name} of {folder.name}", "")
        try:
            with damage_named(place, group):
                scored = _load(group, place)
                check_scored(scored)
                check_score(scored.attrs)
        except ArchiveError:
            continue
        scored.attrs = {
            name: value.item() if isinstance(value, np.generic) else value for name, value in scored.attrs.items()
        }
        scores[group.name] = scored
    return scores
