"""Hashes of series that grow: a chain of blocks at fixed places, so that a hash runs on with what is added.

A series of up to `BLOCK_SAMPLES` samples has the hash of `workbench.telemetry.schema.data_hash`. A longer one is cut
into blocks of that many samples, from its first one on. The link of a block is the SHA-256 of the link before it and of
the hash of the block; the hash of the series is that of its last link, its length, and what follows its last whole
block. Releases before this one hashed long series in one go: such a hash still holds, see `hash_as`.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["BLOCK_SAMPLES", "START", "Link", "chained_hash", "hash_as", "is_chained", "links", "series_hash"]

BLOCK_SAMPLES = 65_536
"""Samples of a block."""

_MARK = "blocks:"
_BLOCKS_AT_A_TIME = 16


class Link(NamedTuple):
    """Where a chain stands behind a whole block.

    Attributes
    ----------
    samples : int
        Samples up to there; 0 where the chain has not begun.
    value : str
        64 hexadecimal digits; empty where it has not begun.
    """

    samples: int
    value: str


START = Link(0, "")
"""Where a chain stands before it begins."""


def links(series: "xr.Dataset", after: Link = START) -> Iterator[Link]:
    """Yield the links of the whole blocks of a series.

    Parameters
    ----------
    series : xarray.Dataset
        Samples that follow the first `after.samples` ones of a channel's split.
    after : Link
        Where the chain stands before them.

    Yields
    ------
    Link
        In order.
    """
    from workbench.telemetry.schema import data_hash

    whole = series.sizes["time"] // BLOCK_SAMPLES * BLOCK_SAMPLES
    step = _BLOCKS_AT_A_TIME * BLOCK_SAMPLES
    for first in range(0, whole, step):
        part = _hashed(series).isel(time=slice(first, min(first + step, whole))).load()
        for start in range(0, part.sizes["time"], BLOCK_SAMPLES):
            block = data_hash(part.isel(time=slice(start, start + BLOCK_SAMPLES)))
            after = Link(after.samples + BLOCK_SAMPLES, _sha256(after.value + block))
            yield after


def series_hash(series: "xr.Dataset", after: Link = START) -> str:
    """Return the hash of a series that may grow.

    Parameters
    ----------
    series : xarray.Dataset
        One split of one channel, or the samples of it that follow a link.
    after : Link
        The link.

    Returns
    -------
    str
        The same for the same samples of the split, whatever link they follow.
    """
    from workbench.telemetry.schema import data_hash

    length = after.samples + series.sizes["time"]
    if length <= BLOCK_SAMPLES and not after.samples:
        return data_hash(series)
    last = [after, *links(series, after)][-1]
    rest = series.isel(time=slice(last.samples - after.samples, None))
    return _hash_of(last.value, length, data_hash(rest))


def chained_hash(blocks: Iterable[str], length: int, rest: str) -> str:
    """Return the hash of a series that may grow from those of its parts.

    Parameters
    ----------
    blocks : iterable of str
        Hash of each whole block.
    length : int
        Samples of the series: more than a block.
    rest : str
        Hash of what follows the last whole block.

    Returns
    -------
    str
        As from `series_hash`.
    """
    value = START.value
    for block in blocks:
        value = _sha256(value + block)
    return _hash_of(value, length, rest)


def is_chained(noted: str) -> bool:
    """Tell whether a hash is that of a chain."""
    return noted.startswith(_MARK)


def hash_as(series: "xr.Dataset", noted: str) -> str:
    """Return the hash of a series in the form of another hash, which may be of an earlier release.

    Parameters
    ----------
    series : xarray.Dataset
        One split of one channel.
    noted : str
        The hash that it is compared with.

    Returns
    -------
    str
        Equal to `noted` where that is of these samples.
    """
    from workbench.telemetry.schema import data_hash

    return series_hash(series) if is_chained(noted) else data_hash(series)


def _hashed(series: "xr.Dataset") -> "xr.Dataset":
    """Return what of a series counts for its hash."""
    return series.drop_vars([name for name in series.variables if name not in ("time", "telemetry", "commands")])


def _hash_of(link: str, length: int, rest: str) -> str:
    return _MARK + _sha256(f"{link}{length}:{rest}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
