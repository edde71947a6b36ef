"""Segments of the archive: folders of Zarr groups that are written once and never changed.

A segment holds lanes of one asset. Lanes with the same part, times and commands lie in one group, with the dims
`channel` and `time`; plain `xarray.open_zarr` opens it, with the names and units of its channels. What a segment says
of its channels and scores is in the attributes of its own `zarr.json`. Each chunk has a checksum (CRC-32C) of its
compressed bytes, each group a seal (see `workbench.telemetry.archiving.seals`).
"""

import itertools
import json
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from workbench.telemetry.archiving.arrays import write_array
from workbench.telemetry.archiving.lanes import LEAST_ROWS, Lane
from workbench.telemetry.archiving.levels import LEVELLED, levels_folder, write_levels
from workbench.telemetry.archiving.publication import Publication
from workbench.telemetry.archiving.seals import check_group, seal_group, unsealed_attributes

__all__ = ["PUBLICATION", "lane_files", "open_arrays", "read_publication", "write_segment"]

PUBLICATION = "workbench_publication"
"""Attribute of a segment that says what holds from then on."""

_MAX_OPEN_GROUPS = 4_096  # a thousand channels that came one by one have four each, and are read in turns
_OPEN: OrderedDict[tuple[str, int, int, int], dict[str, zarr.Array]] = OrderedDict()  # type: ignore[type-arg]
_LOCK = Lock()


class _WholeStore(LocalStore):
    """Files of a group, of which each chunk must be there: Zarr would read one that is gone as the fill value."""

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        content = await super().get(key, prototype, byte_range)
        if content is None and "c" in key.split("/")[1:]:
            raise FileNotFoundError(f"the chunk {key} is gone")
        return content


def _renew_lock() -> None:
    """Renew the lock in a forked process: a thread of its parent may have held it."""
    global _LOCK
    _LOCK = Lock()


os.register_at_fork(after_in_child=_renew_lock)


def write_segment(
    folder: Path,
    lanes: Sequence[Lane],
    channels: Mapping[str, Mapping[str, Any]],
    whole: Sequence[str] = (),
    scores: Sequence[tuple[str, str, Mapping[str, Any]]] = (),
    removed: Sequence[str] = (),
) -> Publication:
    """Write a segment as a new folder that nobody reads yet.

    Parameters
    ----------
    folder : Path
        Where it is written; it must not exist.
    lanes : sequence of Lane
        Rows of the channels.
    channels : mapping of str to mapping
        Attributes of channels that hold from then on.
    whole : sequence of str
        Those of the channels whose samples are replaced whole.
    scores : sequence of tuple
        Channel, key and attributes of each score that holds from then on.
    removed : sequence of str
        Channels that the archive holds no more from then on.

    Returns
    -------
    Publication
        What the segment says, with the place of each lane.
    """
    by_group: dict[tuple[Any, ...], list[Lane]] = {}
    for lane in lanes:
        by_group.setdefault(lane.group_key, []).append(lane)
    folder.mkdir(parents=True)
    places = []
    used: dict[str, int] = {}
    for group in by_group.values():
        part = group[0].part.replace("/", ".")
        used[part] = used.get(part, 0) + 1
        name = part if used[part] == 1 else f"{part}.{used[part]}"
        units = {lane.channel: str(dict(channels.get(lane.channel, {})).get("units", "")) for lane in group}
        _write_group(folder / name, group, units)
        _write_levels(folder, name, group)
        places += [
            {
                "channel": lane.channel,
                "part": lane.part,
                "first": lane.first,
                "length": lane.length,
                "total": lane.total,
                "place": name,
                "lane": number,
            }
            for number, lane in enumerate(group)
        ]
    publication = Publication(channels, tuple(whole), tuple(scores), tuple(places), tuple(removed))
    zarr.create_group(folder, attributes={PUBLICATION: publication.document()}, zarr_format=3)
    seal_group(folder)
    return publication


def read_publication(folder: Path) -> Publication:
    """Read what a segment says.

    Raises
    ------
    ValueError, TypeError, LookupError, OSError
        It is damaged.
    """
    document = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))
    return Publication.from_document(unsealed_attributes(document)[PUBLICATION])


def open_arrays(folder: Path) -> dict[str, Any]:
    """Open the arrays of a group, after comparing the group with its seal; those opened last stay open.

    Parameters
    ----------
    folder : Path
        Folder of the group.

    Returns
    -------
    dict of str to zarr.Array

    Raises
    ------
    Exception
        Whatever Zarr raises for damaged files; see `workbench.telemetry.damage`.
    """
    about = (folder / "zarr.json").stat()
    key = (str(folder), about.st_ino, about.st_mtime_ns, folder.stat().st_mtime_ns)
    with _LOCK:
        arrays = _OPEN.get(key)
        if arrays is not None:
            _OPEN.move_to_end(key)
            return arrays
    check_group(folder)
    arrays = dict(zarr.open_group(_WholeStore(folder, read_only=True), mode="r").arrays())
    with _LOCK:
        _OPEN[key] = arrays
        while len(_OPEN) > _MAX_OPEN_GROUPS:
            _OPEN.popitem(last=False)
    return arrays


def lane_files(folder: Path, lane: int) -> list[Path]:
    """Return the files of a group in which one lane lies, descriptions included.

    Parameters
    ----------
    folder : Path
        Folder of the group.
    lane : int
        Place of the channel in the group.
    """
    files = [folder / "zarr.json"]
    for name, array in open_arrays(folder).items():
        files.append(folder / name / "zarr.json")
        sizes = array.shards or array.chunks
        grid = [range(-(-length // size)) for length, size in zip(array.shape, sizes, strict=True)]
        if array.metadata.dimension_names[:1] == ("channel",):
            grid[0] = range(lane // sizes[0], lane // sizes[0] + 1)
        files += [folder / name / "c" / "/".join(map(str, place)) for place in itertools.product(*grid)]
    return files


def _write_levels(folder: Path, name: str, lanes: Sequence[Lane]) -> None:
    """Write the levels of a group, where its series are long."""
    first = lanes[0]
    series = {one: [lane.variables[one].values for lane in lanes] for one in LEVELLED if one in first.variables}
    if series and first.length >= LEAST_ROWS:
        write_levels(levels_folder(folder, name), first.first, first.variables["time"], series)


def _write_group(folder: Path, lanes: Sequence[Lane], units: Mapping[str, str]) -> None:
    first = lanes[0]
    group = zarr.create_group(folder, zarr_format=3)
    coordinates = []
    for name, variable in first.variables.items():
        if first.is_shared(name):
            write_array(group, name, variable.dims, variable.values, variable.attributes)
        else:
            values = np.stack([lane.variables[name].values for lane in lanes])
            write_array(group, name, ("channel", *variable.dims), values, variable.attributes)
        if variable.is_coordinate and name not in variable.dims:
            coordinates.append(name)
    names = np.array([lane.channel for lane in lanes], dtype=object)
    write_array(group, "channel", ("channel",), names, {})
    if first.command_names:
        write_array(group, "command", ("command",), np.array(first.command_names, dtype=object), {})
    if any(units.values()):
        write_array(group, "units", ("channel",), np.array([units[name] for name in names], dtype=object), {})
        coordinates.append("units")
    if coordinates:
        group.attrs["coordinates"] = " ".join(coordinates)
    seal_group(folder)
