"""Words and counts of the report on a delivery: what was added, and what a replacement discards."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.counts import counted
from workbench.exceptions import ArchiveError
from workbench.telemetry.appending import is_dated, time_text
from workbench.telemetry.archive import Archive, ChannelInfo, ChannelParts
from workbench.telemetry.importers.file_samples import FileSamples
from workbench.telemetry.importers.repair import count_gaps
from workbench.telemetry.importers.report import ChannelImport, Status
from workbench.telemetry.training_span import TrainingSpan

__all__ = [
    "added_counts",
    "count_labels",
    "discarded_text",
    "extent_of",
    "label_note",
    "repair_counts",
    "report_row",
    "sample_counts",
]


def added_counts(*counts: Mapping[str, int]) -> dict[str, int]:
    """Return the sum of counts by name.

    Examples
    --------
    >>> added_counts({"gaps": 1}, {"gaps": 2, "equal_samples": 5})
    {'gaps': 3, 'equal_samples': 5}
    """
    total: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return total


def repair_counts(file: FileSamples, column: str) -> dict[str, int]:
    """Return what was repaired or dropped of a column of a file, by count."""
    counts = file.repairs | {
        "unreadable_values": file.unreadable[column],
        "bad_quality": file.bad_quality.get(column, 0),
    }
    if file.labels is not None:
        counts["missing_labels"] = int(file.labels.isna().sum())
    return counts


def report_row(
    channel: str, status: Status, sizes: tuple[int, int], counts: Mapping[str, int], notes: Sequence[str]
) -> ChannelImport:
    """Return the row of a channel; counts of what did not occur and repeated notes are left out."""
    occurred = {name: count for name, count in counts.items() if count}
    return ChannelImport(channel, status, *sizes, occurred, "; ".join(dict.fromkeys(notes)))


def extent_of(series: xr.Dataset) -> str:
    """Say how many samples a series has and, where it has times, from when to when."""
    time = series["time"].values
    samples = f"the {counted(len(time), 'sample')}"
    return f"{samples}, {time_text(time[0])} to {time_text(time[-1])}," if is_dated(series) else samples


def discarded_text(archive: Archive, channel: str) -> str:
    """Say what is discarded of a channel that is replaced."""
    try:
        info: ChannelInfo = archive.info(channel)
        before = archive.open_before(channel)
        first = archive.open(channel, "train") if before is None else before
        n = info.n_train + info.n_test + (0 if before is None else before.sizes["time"])
        ends = (first["time"].values[0], archive.open(channel)["time"].values[-1])
    except ArchiveError:
        return "replaced a damaged channel"
    text = f"replaced {counted(n, 'sample')}"
    if isinstance(ends[0], np.datetime64):
        text += f", {time_text(ends[0])} to {time_text(ends[1])}"
    return text


def count_labels(archive: Archive, channel: str) -> int:
    """Return how many labels a channel has; 0 where they are damaged."""
    try:
        stored = archive.label_moments(channel)
    except ArchiveError:
        return 0
    return 0 if stored is None else len(stored["spans"])


def label_note(archive: Archive, channel: str, before: int, parts: ChannelParts) -> str:
    """Say what became of the labels of a channel that was replaced."""
    if parts.labels is not None:
        return f"{counted(before, 'label')} replaced by those of the files"
    if count_labels(archive, channel):
        return f"{counted(before, 'label')} kept where they were"
    return f"{counted(before, 'label')} discarded"


def sample_counts(
    span: TrainingSpan, merged: xr.Dataset, series: xr.Dataset, fresh: npt.NDArray[np.bool_]
) -> dict[str, int]:
    """Count missing values, gaps and labels in training among the fresh samples of a merged series."""
    stop = span.places(series["time"].values)[1]
    in_training = 0
    if "labels" in merged:
        in_training = int((merged["labels"].values.any(axis=1) & fresh)[:stop].sum())
    return {
        "labels_in_training": in_training,
        "gaps": count_gaps(merged["time"].values, fresh),
        "missing_values": int((np.isnan(merged["telemetry"].values) & fresh).sum()),
    }
