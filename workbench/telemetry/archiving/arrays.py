"""Writing one array of the archive: its chunks, its shards, and the checksum of each chunk."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from zarr.codecs import Crc32cCodec, ZstdCodec

__all__ = ["write_array"]

_CHUNK_SAMPLES = 65_536
_MAX_CHUNKS = 64  # files of one array; more lie together in shards
_SHARD_SAMPLES = 4_194_304


def write_array(
    group: Any, name: str, dims: tuple[str, ...], values: npt.NDArray[Any], attributes: Mapping[str, Any]
) -> None:
    """Write an array into a group.

    Parameters
    ----------
    group : zarr.Group
        Where it is made.
    name : str
        Its name there.
    dims : tuple of str
        Names of its dims.
    values : numpy.ndarray
        Its values.
    attributes : mapping of str to Any
        Its attributes.
    """
    chunks = _chunks(dims, values.shape)
    count = int(np.prod([-(-size // max(1, chunk)) for size, chunk in zip(values.shape, chunks, strict=True)]))
    array = group.create_array(
        name,
        shape=values.shape,
        dtype=str if values.dtype.kind == "O" else values.dtype,
        chunks=chunks,
        shards=_shards(values.shape, chunks) if count > _MAX_CHUNKS else None,
        compressors=(ZstdCodec(level=0), Crc32cCodec()),  # of the compressed bytes: every flip in them is seen
        dimension_names=dims,
        attributes=dict(attributes),
        config={"write_empty_chunks": True},  # else a chunk of zeros would be no file, as one that is gone
    )
    array[...] = values


def _chunks(dims: tuple[str, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Choose chunks of about `_CHUNK_SAMPLES` values: one channel where its series is long, some where it is short."""
    rest = int(np.prod([size for dim, size in zip(dims, shape, strict=True) if dim not in ("channel", "time")]) or 1)
    room = max(1, _CHUNK_SAMPLES // rest)
    chunks = {dim: max(1, size) for dim, size in zip(dims, shape, strict=True)}
    if "time" in chunks:
        chunks["time"] = min(chunks["time"], room)
        room = max(1, room // chunks["time"])
    if "channel" in chunks:
        chunks["channel"] = min(chunks["channel"], room)
    return tuple(chunks[dim] for dim in dims)


def _shards(shape: tuple[int, ...], chunks: tuple[int, ...]) -> tuple[int, ...]:
    """Choose shards of several chunks along the time, then along the channels."""
    shards = list(chunks)
    room = max(1, _SHARD_SAMPLES // max(1, int(np.prod(chunks))))
    for axis in reversed(range(len(shape))):
        count = min(room, -(-shape[axis] // chunks[axis]))
        shards[axis] = chunks[axis] * count
        room = max(1, room // count)
    return tuple(shards)
