"""Filing: samples of the journal become rows of the archive; tags with enough samples become channels.

Filing twice changes nothing: what the archive holds already is left out. So it does not matter where a process dies
between writing the archive and clearing the journal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, nan
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.live.journal import Refused, Tag
from workbench.telemetry.archiving.channel_parts import ChannelParts
from workbench.telemetry.moments import clock_of, ticks
from workbench.telemetry.schema import make_channel
from workbench.telemetry.training_span import TrainingSpan

if TYPE_CHECKING:
    from workbench.telemetry.archive import Archive

__all__ = ["Filed", "Rows", "file_rows", "has_inputs", "new_channel", "packed_rows"]

Rows = Sequence[tuple[int, float | None, bytes | None]]
"""Moment, value (None where missing) and packed inputs of samples, by their moments."""

_INPUT_BYTES = 4


@dataclass(frozen=True)
class Filed:
    """What is to be written of one channel.

    Attributes
    ----------
    keep : int
        Rows of the test series that stay.
    rows : xarray.Dataset or None
        What follows them; None where nothing is new.
    refused : list of Refused
        Samples that became too late while they waited, or that do not go with what others have written meanwhile.
    before : int
        Length of the test series when this was worked out.
    """

    keep: int
    rows: xr.Dataset | None
    refused: list[Refused]
    before: int


def file_rows(archive: "Archive", tag: Tag, rows: Rows, final: float = -inf) -> Filed:
    """Return what samples make of the test series of a channel.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    tag : Tag
        The channel.
    rows : sequence of tuple
        Its samples.
    final : float
        What lies at or before this moment is final: samples that would change it are refused.

    Returns
    -------
    Filed

    Raises
    ------
    ArchiveError
        The channel is damaged.
    """
    present = archive.open(tag.name, indexed=False)
    n = present.sizes["time"]
    first, last = (int(ticks(present["time"].variable[row : row + 1].values)[0]) for row in (0, n - 1))
    keep = n
    if rows[0][0] <= last:
        keep = int(np.searchsorted(ticks(present["time"].values), rows[0][0]))
    end = present.isel(time=slice(keep, n)).load()
    held = _held(end)
    learned = _learned(archive, tag) if rows[0][0] < first else frozenset[int]()
    refused: list[Refused] = []
    changed: list[int] = []
    in_precision = present["telemetry"].dtype.type
    has_clock = clock_of(present["time"].variable[:1].values) == tag.clock
    for moment, value, inputs in rows:
        if not has_clock or not has_inputs(inputs, present.sizes["command"]):  # the channel was replaced meanwhile
            if value is not None:
                refused.append(Refused(tag.id, "unfit", moment, value, inputs, None))
            continue
        if moment in learned:
            continue
        if moment in held and (value is None or not isnan(held[moment][0])):
            if value is not None and held[moment][0] != float(in_precision(value)):  # others wrote it meanwhile
                refused.append(Refused(tag.id, "conflict", moment, value, inputs, held[moment][0]))
            continue
        if moment > max(final, first):
            held[moment] = nan if value is None else value, inputs
            changed.append(moment)
        elif value is not None:
            refused.append(Refused(tag.id, "late", moment, value, inputs, None))
    if not changed:
        return Filed(n, None, refused, n)
    moments = sorted(held)
    start = moments.index(changed[0])
    written = moments[start:]
    return Filed(keep + start, _series(present, written, [held[one] for one in written]), refused, n)


def new_channel(tag: Tag, rows: Rows, source: str) -> ChannelParts:
    """Return the channel that the first samples of a tag make.

    Parameters
    ----------
    tag : Tag
        The tag, with asset, subsystem, units and the number of samples to learn from.
    rows : sequence of tuple
        Its samples: at least one more than are learned from.
    source : str
        Where they came from.

    Returns
    -------
    ChannelParts
        In float64: the first samples do not tell what float32 would lose of those to come.
    """
    values, inputs = packed_rows(rows, len(tag.inputs))
    moments = np.array([moment for moment, _, _ in rows], dtype=np.int64)
    times = moments.view("datetime64[ns]") if tag.clock == "time" else moments
    whole = make_channel(
        values,
        inputs,
        time=times,
        command_names=list(tag.inputs),
        channel=tag.name,
        asset=tag.asset,
        subsystem=tag.subsystem,
        units=tag.units,
        source=source,
        dtype=np.float64,
    )
    split = tag.train_samples
    train, test = whole.isel(time=slice(0, split)), whole.isel(time=slice(split, None))
    ends = whole["time"].values[[0, split - 1]]
    first, last = ends if tag.clock == "time" else (int(ends[0]), int(ends[1]))
    return ChannelParts(train, test, span=TrainingSpan(first, last))


def has_inputs(packed: bytes | None, count: int) -> bool:
    """Return whether packed inputs are so many."""
    return len(packed or b"") == count * _INPUT_BYTES


def packed_rows(rows: Rows, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Return values and inputs of samples as arrays; inputs of another number are left out."""
    values = np.array([nan if value is None else value for _, value, _ in rows], dtype=np.float64)
    return values, _inputs(
        [inputs if has_inputs(inputs, count) else b"\0" * _INPUT_BYTES * count for *_, inputs in rows], count
    )


def _learned(archive: "Archive", tag: Tag) -> frozenset[int]:
    """Return the moments of the training samples of a channel, on the clock of its test series."""
    if tag.clock != "time" and archive.training_span(tag.name) is None:
        return frozenset()  # two splits that are numbered each for itself
    return frozenset(ticks(archive.open(tag.name, "train", indexed=False)["time"].values).tolist())


def _held(end: xr.Dataset) -> dict[int, tuple[float, bytes | None]]:
    """Return stored rows by their moments."""
    inputs: list[bytes | None] = [None] * end.sizes["time"]
    if end.sizes["command"]:
        inputs = [row.tobytes() for row in end["commands"].values.astype("<f4")]
    moments, values = ticks(end["time"].values).tolist(), end["telemetry"].values.tolist()
    return dict(zip(moments, zip(values, inputs, strict=True), strict=True))


def _series(present: xr.Dataset, moments: list[int], samples: list[tuple[float, bytes | None]]) -> xr.Dataset:
    """Return samples as rows of a stored series."""
    times = np.array(moments, dtype=np.int64).view(present["time"].dtype)
    commands = _inputs([inputs for _, inputs in samples], present.sizes["command"])
    rows = xr.Dataset(
        {
            "telemetry": ("time", np.array([value for value, _ in samples], dtype=present["telemetry"].dtype)),
            "commands": (("time", "command"), commands.astype(present["commands"].dtype)),
        },
        coords={"time": times, "command": present["command"].values},
        attrs=present.attrs,
    )
    for name in ("telemetry", "commands", "time", "command"):
        rows[name].attrs |= present[name].attrs
    if "missing_commands" in present:
        missing = present["missing_commands"]
        rows["missing_commands"] = (missing.dims, np.zeros(commands.shape, dtype=missing.dtype), missing.attrs)
    return rows


def _inputs(packed: list[bytes | None], count: int) -> npt.NDArray[np.float32]:
    """Return packed inputs as rows."""
    if not count:
        return np.zeros((len(packed), 0), dtype=np.float32)
    return np.frombuffer(b"".join(one or b"" for one in packed), "<f4").reshape(len(packed), count)
