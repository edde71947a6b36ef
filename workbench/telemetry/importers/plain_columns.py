"""Plain columns of a table, imported or added all together: each series is whole, without inputs and labels.

A table of a thousand sensors has one clock. What depends on the times alone (the split, the gaps, the sample period,
what hashes begin with) is worked out once, and each column costs a hash and two rows of an array. Every other column,
and whatever a file brings beside new samples, goes the way of `workbench.telemetry.importers.delivery`, which says for
each channel what this module says: the same bytes, counts and notes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from workbench.exceptions import ArchiveError, ImportDataError
from workbench.telemetry.appending import steps_differ
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving.channel_parts import summary_of_arrays
from workbench.telemetry.archiving.looks import Look
from workbench.telemetry.archiving.plain_parts import PlainParts, SharedTimes, is_plain
from workbench.telemetry.importers.choices import Choices
from workbench.telemetry.importers.delivery_report import added_counts, repair_counts, report_row
from workbench.telemetry.importers.file_samples import FileSamples
from workbench.telemetry.importers.names import channel_names, name_note
from workbench.telemetry.importers.repair import count_gaps, sample_period
from workbench.telemetry.importers.report import ChannelImport
from workbench.telemetry.schema import ATTRIBUTES
from workbench.telemetry.training_span import TrainingSpan

__all__ = ["PlainChannel", "plain_channels"]

_VALUES_AT_ONCE = 16_777_216  # of stored series
_LAST_VALUES = 4096  # of a series, for its summary


@dataclass(frozen=True)
class PlainChannel:
    """A plain column as it is to be written, with its row of the report; `parts` is None where nothing is new."""

    report: ChannelImport
    parts: PlainParts | None


def plain_channels(
    archive: Archive,
    asset: str,
    files: Sequence[FileSamples],
    choices: Choices,
    assets: Mapping[str, str],
    vanished: Iterable[str],
) -> dict[str, PlainChannel]:
    """Return the plain columns of a file by the names of their channels.

    Parameters
    ----------
    archive : Archive
        Archive that takes the channels.
    asset : str
        Asset of the channels.
    files : sequence of FileSamples
        What was read; of several files nothing is plain, since they are merged.
    choices : Choices
        What was chosen for the import.
    assets : mapping of str to str
        Asset of every channel that the archive holds.
    vanished : iterable of str
        Channels that the archive does not hold though something else knows them.

    Returns
    -------
    dict of str to PlainChannel
        Those that are new, those to whose ends the file adds samples (it may begin with samples that are there), and
        those of which it holds just what is there. Where anything is to be decided, a channel is left out.
    """
    if len(files) != 1 or choices.replace or choices.labels is not None:
        return {}
    file = files[0]
    is_plain = file.labels is None and not file.input_names and file.other is None
    if not is_plain or file.stamps.dtype != np.dtype("datetime64[ns]") or not len(file.stamps):
        return {}
    doubtful = None if file.doubtful is None else file.doubtful.column
    names = {
        channel: column
        for column, channel in channel_names(file.columns, asset, assets).items()
        if column != doubtful
        and column not in file.wide
        and not name_note(column, channel, asset, assets)
        and not np.isnan(file.columns[column]).any()
    }
    present = set(archive.channels())
    new = [channel for channel in names if channel not in present and channel not in set(vanished)]
    plain = _new_channels(archive, asset, file, {channel: names[channel] for channel in new}, choices)
    if choices.train_from is None and choices.train_until is None:
        there = {channel: column for channel, column in names.items() if channel in present}
        plain |= _longer_channels(archive, asset, file, there, choices)
    return plain


def _new_channels(
    archive: Archive, asset: str, file: FileSamples, names: Mapping[str, str], choices: Choices
) -> dict[str, PlainChannel]:
    time = file.stamps
    try:
        span = choices.span(time)
    except ImportDataError:  # it is said again where the channels are imported
        return {}
    first, stop = span.places(time)
    if first or not 0 < stop < len(time) or not asset:
        return {}
    train, test = SharedTimes(time[:stop]), SharedTimes(time[stop:])
    shared = {"train": train.variables(0), "test": test.variables(0)}
    period, gaps = sample_period(time), count_gaps(time, np.ones(len(time), dtype=bool))
    channels = {}
    for channel, column in names.items():
        values = file.columns[column].astype(np.float32)
        description = dict(
            zip(ATTRIBUTES, (channel, asset, "", file.units_of(column, channel), file.path.name, period), strict=True)
        )
        parts = PlainParts(
            description,
            (train.data_hash(values[:stop]), test.series_hash(values[stop:])),
            (stop, len(time) - stop),
            span,
            (("train", shared["train"], values[:stop], 0), ("test", shared["test"], values[stop:], 0)),
            summary_of_arrays(test.time, values[stop:]),
            None,
        )
        counts = added_counts(repair_counts(file, column), {"gaps": gaps})
        channels[channel] = PlainChannel(report_row(channel, "imported", parts.sizes, counts, file.notes), parts)
    return channels


def _longer_channels(
    archive: Archive, asset: str, file: FileSamples, names: Mapping[str, str], choices: Choices
) -> dict[str, PlainChannel]:
    if not names:
        return {}
    try:
        look = archive.look(list(names))
    except ArchiveError:  # it is said again where the channels are read
        return {}
    notes = list(file.notes)
    if choices.fraction is not None:
        notes.append("its training span stays: a share is for new channels")
    candidates = sorted(
        (key, channel)
        for channel, column in names.items()
        if channel in look.attributes and (key := _alike(look, channel, file.units_of(column, channel))) is not None
    )
    channels: dict[str, PlainChannel] = {}
    for _, group in groupby(candidates, key=lambda one: one[0]):
        members = [channel for _, channel in group]
        about = look.attributes[members[0]]
        step = max(1, _VALUES_AT_ONCE // (about["n_train"] + about["n_test"]))
        for start in range(0, len(members), step):
            block = members[start : start + step]
            channels |= _longer_block(archive, asset, file, {name: names[name] for name in block}, look, notes)
    return channels


def _alike(look: Look, channel: str, units: str) -> str | None:
    """Return what channels that are read together have in common; None where a channel is not plain."""
    about = look.attributes[channel]
    span = about.get("training_span") or {}
    if not isinstance(span.get("start"), str) or not is_plain(about):
        return None
    if about["units"] != units:
        return None
    places = [
        (piece.first, piece.length, piece.revision, piece.kind, piece.place, piece.start)
        for part in ("train", "test")
        for piece in look.pieces(channel, part)
    ]
    return repr((about["n_train"], about["n_test"], span, about["sample_period"], places))


def _longer_block(
    archive: Archive, asset: str, file: FileSamples, names: Mapping[str, str], look: Look, notes: Sequence[str]
) -> dict[str, PlainChannel]:
    """Return channels that lie side by side with the samples that a file adds to their ends."""
    channels = list(names)
    about = look.attributes[channels[0]]
    train, test = (look.plain_rows(channels, part) for part in ("train", "test"))
    if train is None or test is None or (len(train.time), len(test.time)) != (about["n_train"], about["n_test"]):
        return {}
    whole = np.concatenate([train.time, test.time])
    if not bool((whole[1:] > whole[:-1]).all()):
        return {}
    first = int(np.searchsorted(whole, file.stamps[0]))
    n_again = min(len(whole) - first, len(file.stamps))
    new = file.stamps[n_again:]
    if not np.array_equal(file.stamps[:n_again], whole[first : first + n_again]) or (new.size and new[0] <= whole[-1]):
        return {}
    span = TrainingSpan.from_attributes(about["training_span"])
    time = np.concatenate([whole, new])
    if span.places(time) != (0, len(train.time)) or steps_differ(whole, new):
        return {}
    n_test = len(test.time)
    before = {"train": SharedTimes(train.time), "test": SharedTimes(test.time)}
    after = SharedTimes(time[len(train.time) :])
    shared = after.variables(n_test)
    period = sample_period(time)
    gaps = count_gaps(time, np.arange(len(time)) >= len(whole))
    longer = {}
    for place, channel in enumerate(channels):
        own, column = look.attributes[channel], names[channel]
        old = {"train": train.telemetry[place], "test": test.telemetry[place]}
        if any(np.isnan(one).any() for one in old.values()) or not _is_sound(archive, look, channel, old, before):
            continue
        values, again = np.split(file.columns[column].astype(np.float32), [n_again])[::-1]
        if not np.array_equal(np.concatenate([old["train"], old["test"]])[first : first + n_again], again):
            continue
        counts = added_counts(repair_counts(file, column), {"samples_added": len(values), "equal_samples": n_again})
        sizes = (len(train.time), n_test + len(values))
        if not new.size:
            longer[channel] = PlainChannel(report_row(channel, "unchanged", sizes, counts, notes), None)
            continue
        parts = PlainParts(
            {name: str(own[name]) for name in ATTRIBUTES} | {"sample_period": period},
            (own["train_hash"], after.series_hash(old["test"], values)),
            sizes,
            span,
            (("test", shared, values, n_test),),
            summary_of_arrays(after.time, np.concatenate([old["test"][-_LAST_VALUES:], values])),
            own["test_hash"],
        )
        row = report_row(channel, "appended", sizes, added_counts(counts, {"gaps": gaps}), notes)
        longer[channel] = PlainChannel(row, parts)
    return longer


def _is_sound(
    archive: Archive,
    look: Look,
    channel: str,
    values: Mapping[str, npt.NDArray[np.float32]],
    times: Mapping[str, SharedTimes],
) -> bool:
    """Tell whether a channel holds what was written: it was found so before, or its values have the hash of those."""
    return all(
        look.is_verified(channel, part) or times[part].hash_as(values[part], noted) == noted
        for part in values
        for noted in [look.attributes[channel][f"{part}_hash"]]
    )
