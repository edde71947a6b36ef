"""Levels of a long series: statistics of its blocks, kept beside the samples of a segment.

Blocks hold 128 samples at the finest level and 16 times as many at each level above. They lie at absolute rows of the
part, so that blocks of one segment go on where those of another end. All of it is made from the samples: levels that
are damaged are not used, and can be made again (see `workbench.telemetry.archiving.envelopes`).
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from workbench.telemetry.archiving.arrays import write_array
from workbench.telemetry.archiving.lanes import Variable
from workbench.telemetry.archiving.seals import check_group, seal_group, unsealed_attributes

__all__ = [
    "LEVELLED",
    "SIZES",
    "Blocks",
    "check_levels",
    "level_slice",
    "levels_folder",
    "read_level",
    "reduced",
    "replace_levels",
    "summarized",
    "write_levels",
]

SIZES = (128, 2_048, 32_768, 524_288)
"""Samples of a block at each level, finest first."""

LEVELLED = ("telemetry", "prediction")
"""Variables that have levels."""

STATISTICS = ("minimum", "maximum", "mean", "squares", "count")

_ROWS_AT_A_TIME = 1_048_576


@dataclass(frozen=True)
class Blocks:
    """Statistics of successive stretches of a series.

    Attributes
    ----------
    row : numpy.ndarray, shape (k,), int64
        First row of each stretch.
    time : numpy.ndarray, shape (k,), int64
        Its time, or number.
    statistics : numpy.ndarray, shape (k, 5), float64
        Least and greatest finite value, mean, sum of the squared differences from the mean, and number of finite
        values; the first three are NaN where there is none.
    """

    row: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    statistics: npt.NDArray[np.float64]

    @classmethod
    def joined(cls, parts: "Sequence[Blocks]") -> "Blocks":
        """Return stretches behind each other."""
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, len(STATISTICS))))
        return cls(
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.time for part in parts]),
            np.concatenate([part.statistics for part in parts]),
        )


def summarized(
    values: npt.NDArray[Any], time: npt.NDArray[np.int64], first: int, edges: npt.NDArray[np.int64]
) -> Blocks:
    """Return the statistics of stretches of samples.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        What is not finite is missing.
    time : numpy.ndarray, shape (n,), int64
        Times of the samples.
    first : int
        Row of the first sample.
    edges : numpy.ndarray, int64
        Rows at which another stretch begins, rising; those outside the samples do nothing.
    """
    inside = edges[(edges > first) & (edges < first + len(values))] - first
    starts = np.concatenate([[0], inside]).astype(np.int64)
    plain = values.astype(np.float64)
    finite = np.isfinite(plain)
    count = np.add.reduceat(finite, starts, dtype=np.int64)
    if not finite.all():
        plain[~finite] = np.nan
    least, greatest = np.fmin.reduceat(plain, starts), np.fmax.reduceat(plain, starts)
    if not finite.all():
        plain[~finite] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(plain, starts) / count
    lengths = np.diff(np.append(starts, len(values)))
    difference = plain - np.repeat(np.where(count > 0, mean, 0.0), lengths)
    difference[~finite] = 0.0
    squares = np.add.reduceat(difference * difference, starts)
    statistics = np.column_stack([least, greatest, mean, squares, count])
    return Blocks(starts + first, time[starts], statistics)


def reduced(blocks: Blocks, edges: npt.NDArray[np.int64]) -> Blocks:
    """Join the stretches that lie between two edges each; none may reach over an edge.

    Parameters
    ----------
    blocks : Blocks
        Stretches in the order of their rows, at least one.
    edges : numpy.ndarray, int64
        Rows at which another stretch begins, rising.
    """
    bucket = np.searchsorted(edges, blocks.row, side="right")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(bucket)) + 1])
    least, greatest, means, squares, counts = blocks.statistics.T
    count = np.add.reduceat(counts, starts)
    weighted = np.where(counts > 0, means, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(weighted * counts, starts) / count
    lengths = np.diff(np.append(starts, len(counts)))
    apart = np.where(counts > 0, weighted - np.repeat(np.where(count > 0, mean, 0.0), lengths), 0.0)
    statistics = np.column_stack(
        [
            np.fmin.reduceat(least, starts),
            np.fmax.reduceat(greatest, starts),
            mean,
            np.add.reduceat(squares + counts * apart * apart, starts),
            count,
        ]
    )
    return Blocks(blocks.row[starts], blocks.time[starts], statistics)


def levels_folder(segment: Path, place: str) -> Path:
    """Return the folder of the levels of a group of a segment; no part of a channel can be called so."""
    return segment / f"levels.{place}"


def level_slice(first: int, rows: int, level: int) -> slice:
    """Return where a level lies among all blocks of a lane: the coarsest comes first.

    Examples
    --------
    >>> level_slice(0, 300, 0), level_slice(0, 300, 1)
    (slice(3, 6, None), slice(2, 3, None))
    """
    counts = [_block_count(first, rows, size) for size in SIZES]
    begin = sum(counts[level + 1 :])
    return slice(begin, begin + counts[level])


def write_levels(folder: Path, first: int, time: Variable, series: Mapping[str, Sequence[npt.NDArray[Any]]]) -> None:
    """Write the levels of lanes that share their times into a new folder.

    Parameters
    ----------
    folder : Path
        Where they are written; it must not exist.
    first : int
        First row of the lanes.
    time : Variable
        Times of the rows.
    series : mapping of str to sequence of numpy.ndarray
        Values of each variable, one array a lane.
    """
    attributes = {"first": first, "rows": len(time.values), "block_samples": list(SIZES)}
    group = zarr.create_group(folder, attributes=attributes, zarr_format=3)
    starts: npt.NDArray[np.int64] | None = None
    for name, lanes in series.items():
        tables = []
        for values in lanes:
            blocks = _all_levels(values, time.values, first)
            starts = blocks.time
            tables.append(blocks.statistics)
        write_array(group, name, ("channel", "time", "statistic"), np.stack(tables), {})
    assert starts is not None
    write_array(group, "time", ("time",), starts, time.attributes)
    write_array(group, "statistic", ("statistic",), np.array(STATISTICS, dtype=object), {})
    seal_group(folder)


def replace_levels(
    segment: Path,
    place: str,
    staging: Path,
    first: int,
    time: Variable,
    series: Mapping[str, Sequence[npt.NDArray[Any]]],
) -> None:
    """Write the levels of a group of a segment that has none, or damaged ones: in place whole or not at all."""
    draft = staging / f"new-{uuid.uuid4().hex}"
    write_levels(draft, first, time, series)
    folder = levels_folder(segment, place)
    if folder.exists():
        folder.rename(staging / f"old-{uuid.uuid4().hex}")
    draft.rename(folder)


def read_level(
    arrays: Mapping[str, Any], name: str, lane: int, part: slice
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return times and statistics of some blocks of a lane."""
    statistics = np.asarray(arrays[name][lane, part])
    times = np.asarray(arrays["time"][part])
    if statistics.shape != (len(times), len(STATISTICS)):
        raise ValueError(f"its levels have the shape {statistics.shape}")
    return times, statistics


def check_levels(folder: Path) -> tuple[int, int]:
    """Compare the levels of a group with their seal, read them whole, and return their first row and number of rows.

    Raises
    ------
    Exception
        Whatever damaged files raise; see `workbench.telemetry.damage`.
    """
    check_group(folder)
    attributes = unsealed_attributes(json.loads((folder / "zarr.json").read_text(encoding="utf-8")))
    if tuple(attributes["block_samples"]) != SIZES:
        raise ValueError("its blocks are of another size")
    for _, array in zarr.open_group(folder, mode="r").arrays():
        array[...]
    return int(attributes["first"]), int(attributes["rows"])


def _block_count(first: int, rows: int, size: int) -> int:
    return (first + rows - 1) // size - first // size + 1


def _all_levels(values: npt.NDArray[Any], times: npt.NDArray[np.int64], first: int) -> Blocks:
    """Return the blocks of all levels of a lane, coarsest first."""
    end = first + len(values)
    parts = []
    begin = first
    while begin < end:
        stop = min((begin // _ROWS_AT_A_TIME + 1) * _ROWS_AT_A_TIME, end)
        edges = np.arange(begin // SIZES[0] * SIZES[0], stop, SIZES[0])
        rows = slice(begin - first, stop - first)
        parts.append(summarized(values[rows], times[rows], begin, edges))
        begin = stop
    levels = [Blocks.joined(parts)]
    for size in SIZES[1:]:
        levels.append(reduced(levels[-1], np.arange(first // size * size, end, size)))
    return Blocks.joined(levels[::-1])
