"""A delivery: the files of one asset, merged with what the archive holds of it, and written whole or not at all.

One module because its steps share what was read of the archive, and which files are refused on the way.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.counts import counted
from workbench.exceptions import ImportDataError, UnfinishedImportError, WorkbenchError
from workbench.names import command_line
from workbench.telemetry.appending import (
    Contribution,
    Merged,
    OnConflict,
    difference,
    is_dated,
    label_runs,
    merge,
    time_text,
)
from workbench.telemetry.archive import Archive, ChannelParts
from workbench.telemetry.archiving.plain_parts import PlainParts
from workbench.telemetry.importers.choices import Choices
from workbench.telemetry.importers.date_order import with_date_order
from workbench.telemetry.importers.delivery_report import (
    added_counts,
    count_labels,
    discarded_text,
    label_note,
    repair_counts,
    report_row,
    sample_counts,
)
from workbench.telemetry.importers.file_samples import FileSamples, names_by_path
from workbench.telemetry.importers.formats.last_line import settle_doubtful
from workbench.telemetry.importers.labels.delivered import DeliveryLabels
from workbench.telemetry.importers.names import name_note
from workbench.telemetry.importers.plain_columns import plain_channels
from workbench.telemetry.importers.refusals import contradiction, held_as_missing, how_to_settle, ways_out
from workbench.telemetry.importers.removed_time import merge_behind_removed, without_removed_time
from workbench.telemetry.importers.report import ChannelImport, Status
from workbench.telemetry.importers.splitting import (
    NoValuesError,
    kept_span,
    recorded_span,
    split_series,
    stored_series,
)
from workbench.telemetry.schema import data_hash
from workbench.telemetry.series_hash import hash_as
from workbench.telemetry.training_span import TrainingSpan

__all__ = ["Delivery"]


@dataclass(frozen=True)
class _Part:
    """What one file holds of one channel."""

    file: FileSamples
    column: str
    read: Callable[[], xr.Dataset]

    @cached_property
    def series(self) -> xr.Dataset:
        """The samples; made where they are used, since those of a plain column are not."""
        return self.read()

    @property
    def path(self) -> str:
        return str(self.file.path)

    @property
    def doubtful(self) -> Any:
        """Time of the value that may be cut; None where there is none."""
        value = self.file.doubtful
        return value.stamp if value is not None and value.column == self.column and is_dated(self.series) else None


@dataclass(frozen=True)
class _Result:
    """A channel as it is to be written, with its row of the report; nothing is written where `parts` is None."""

    report: ChannelImport
    parts: ChannelParts | PlainParts | None = None


class Delivery:
    """Files of one asset that come together.

    Parameters
    ----------
    archive : Archive
        Archive that takes the channels.
    asset : str
        Asset of the channels.
    files : sequence of FileSamples
        What was read; the order does not matter.
    training : FileSamples or None
        File of its own to learn from.
    choices : Choices
        What was chosen for the import.
    assets : mapping of str to str
        Asset of every channel that the archive holds.
    vanished : mapping of str to str, optional
        Channels that the archive does not hold though something else knows them, and what does.

    Attributes
    ----------
    refused : dict of str to WorkbenchError
        Why files were refused, by path. It is complete after `write`.

    Raises
    ------
    ImportDataError
        The labels cannot be read, or a name is taken.
    """

    def __init__(
        self,
        archive: Archive,
        asset: str,
        files: Sequence[FileSamples],
        training: FileSamples | None,
        choices: Choices,
        assets: Mapping[str, str],
        vanished: Mapping[str, str] | None = None,
    ) -> None:
        self.refused: dict[str, WorkbenchError] = {}
        self._archive = archive
        self._asset = asset
        self._choices = choices
        self._assets = assets
        self._vanished = {} if choices.replace or vanished is None else vanished
        self._present: dict[str, xr.Dataset] = {}
        self._damaged: dict[str, WorkbenchError] = {}
        self._too_old: dict[str, int] = {}
        self._replaced: dict[str, str] = {}
        self._recorded: dict[str, TrainingSpan] = {}
        self._first_numbers: dict[str, int | None] = {}
        self._labels_before: dict[str, int] = {}
        self._cut: dict[str, tuple[str | None, list[str]]] = {}
        self._based_on: dict[str, tuple[str, ...] | None] = {}
        self._training_path = "" if training is None else str(training.path)
        everything = [*([] if training is None else [training]), *files]
        self._plain = {} if training else plain_channels(archive, asset, files, choices, assets, self._vanished)
        self._names = names_by_path(everything, asset, assets)
        self._read_present(everything)
        everything = self._with_one_date_order(everything)
        self._files = _in_order(everything)
        self._labels = DeliveryLabels(asset, self._files, choices, assets)
        self._training = next((file for file in self._files if str(file.path) == self._training_path), None)
        self._parts = self._channel_parts(self._training)

    @property
    def channels(self) -> list[str]:
        """Names of the channels that the files hold."""
        return list(self._parts)

    def names_of(self, file: FileSamples) -> dict[str, str]:
        """Return the names of the channels of a file, by column.

        Parameters
        ----------
        file : FileSamples
            One of the files.
        """
        names = self._names[str(file.path)]
        return {column: names[column] for column in file.columns}

    @property
    def files(self) -> list[FileSamples]:
        """The files as they were understood, beside what the archive holds, in the order of time."""
        return list(self._files)

    def write(self, *, dry_run: bool = False) -> list[ChannelImport]:
        """Merge, split and write all channels; files that do not fit are refused whole, the others are written.

        Parameters
        ----------
        dry_run : bool
            Write nothing.

        Returns
        -------
        list of ChannelImport
            One a channel, and one a column that is none.

        Raises
        ------
        ImportDataError
            The training span leaves a series empty, or is another one than the channel has.
        ArchiveError
            The archive cannot be written.
        OutdatedError
            Another process wrote a channel of the files after it was read; nothing was written.
        """
        results = [
            _Result(self._plain[channel].report, self._plain[channel].parts)
            if merged is None
            else self._result(channel, parts, merged)
            for channel, parts, merged in self._merged()
        ]
        writes = [result.parts for result in results if result.parts is not None]
        based_on = {one.channel: self._based_on[one.channel] for one in writes if one.channel in self._based_on}
        if dry_run:
            written = [isinstance(one, PlainParts) or self._archive.would_change(one) for one in writes]
        else:
            written = self._archive.write_all(writes, based_on)
        changed = dict(zip((one.channel for one in writes), written, strict=True))
        reports = []
        for result in results:
            report = result.report
            if result.parts is not None and not changed[report.channel]:
                report = replace(report, status="unchanged")
            elif isinstance(result.parts, ChannelParts) and self._labels_before.get(report.channel) and not dry_run:
                note = label_note(self._archive, report.channel, self._labels_before[report.channel], result.parts)
                report = replace(report, note=f"{report.note}; {note}")
            reports.append(report)
        columns = {row.channel: row for file in self._accepted() for row in file.skipped}
        return [*reports, *columns.values()]

    # ---- reading

    def _read_present(self, files: Sequence[FileSamples]) -> None:
        """Read what the archive holds of the channels of the files."""
        names = {name for one in self._names.values() for name in one.values()}
        names -= self._plain.keys()
        if not self._choices.replace:
            self._based_on = {channel: self._archive.content_hashes(channel) for channel in names}
        for channel in names & set(self._archive.channels()):
            with suppress(WorkbenchError):
                self._first_numbers[channel] = self._archive.first_number(channel)
            if self._choices.replace:
                self._replaced[channel] = discarded_text(self._archive, channel)
                self._labels_before[channel] = count_labels(self._archive, channel)
                span = recorded_span(self._archive, channel)
                if span is not None:
                    self._recorded[channel] = span
                continue
            try:
                self._present[channel] = stored_series(self._archive, channel)
            except WorkbenchError as error:
                self._damaged[channel] = error

    def _with_one_date_order(self, files: Sequence[FileSamples]) -> list[FileSamples]:
        columns = {
            column: self._present[name]
            for file in files
            for column in file.columns
            if (name := self._names[str(file.path)][column]) in self._present
        }
        ordered, refused = with_date_order(files, columns)
        self.refused |= refused
        if self._training_path in refused:
            raise refused[self._training_path]
        return ordered

    def _channel_parts(self, training: FileSamples | None) -> dict[str, list[_Part]]:
        shift = _training_shift(training, self._files)
        parts: dict[str, list[_Part]] = {}
        wide = {channel for channel, series in self._present.items() if series["telemetry"].dtype == np.float64}
        for file in self._files:
            wide |= {self._names[str(file.path)][column] for column in file.wide}
        for file in self._files:
            names = self._names[str(file.path)]
            stamps = file.stamps - shift if file is training and shift is not None else file.stamps
            for column in file.columns:
                dtype = np.float64 if names[column] in wide else np.float32
                read = partial(self._labels.series, file, column, names[column], stamps, dtype)
                parts.setdefault(names[column], []).append(_Part(file, column, read))
        return parts

    def _accepted(self) -> list[FileSamples]:
        return [file for file in self._files if str(file.path) not in self.refused]

    # ---- merging

    def _merged(self) -> list[tuple[str, list[_Part], Merged | None]]:
        """Merge every channel but the plain ones; a file that does not fit one is left out of all of them."""
        while True:
            faults: dict[str, WorkbenchError] = {}
            channels: list[tuple[str, list[_Part], Merged | None]] = []
            for channel, all_parts in self._parts.items():
                parts = [part for part in all_parts if part.path not in self.refused]
                if not parts:
                    continue
                if channel in self._plain:
                    channels.append((channel, parts, None))
                    continue
                merged = self._merge(channel, parts, faults)
                if merged is not None:
                    channels.append((channel, parts, merged))
            if not faults:
                return channels
            self.refused |= faults
            if self._training_path in faults:
                raise faults[self._training_path]

    def _merge(self, channel: str, parts: list[_Part], faults: dict[str, WorkbenchError]) -> Merged | None:
        present = self._present.get(channel)
        series = [part.series for part in parts]
        if present is not None:
            series = [without_removed_time(self._archive, channel, one) for one in series]
            self._too_old[channel] = sum(
                part.series.sizes["time"] - one.sizes["time"] for part, one in zip(parts, series, strict=True)
            )
        reference = series[0] if present is None else present
        there = "another file" if present is None else "the archive"
        if present is None and channel in self._vanished and channel not in self._damaged:
            error = UnfinishedImportError(
                f"{channel} is gone from the archive, and the home has {self._vanished[channel]} of it.",
                f"Restore it from a backup, or import all files of {self._asset} with --replace and the training span. "
                f"Where it is gone on purpose, run first: {command_line('workbench channels remove', channel)}",
            )
            faults |= {part.path: error for part in parts}
            return None
        for part, own in zip(parts, series, strict=True):
            reason = "" if own is reference or not own.sizes["time"] else difference(reference, own)
            if reason and not (present is not None and not is_dated(present)):
                message = f"{part.path} cannot be added to {channel} of {there}: it {reason}."
                hint = how_to_settle(part.file, channel, part.series, reference) + ways_out(channel, present)
                faults.setdefault(part.path, ImportDataError(message, hint))
            elif present is not None and self._choices.missing and self._choices.on_conflict != "keep":
                held = held_as_missing(part.path, channel, own, present, self._choices.missing)
                if held is not None:
                    faults.setdefault(part.path, held)
        if any(part.path in faults for part in parts):
            return None
        if channel in self._damaged:
            return self._merged_anew(channel, parts, faults)
        if present is not None and not is_dated(present):
            return self._merged_numbers(channel, parts, present, faults)
        chosen = self._choices.on_conflict or "keep"
        everything = self._without_cut_values(channel, parts, series if present is None else [present, *series])
        if present is None:
            merged = merge(everything, chosen)
        else:
            merged = merge_behind_removed(everything[0], everything[1:], chosen)
        if self._choices.on_conflict is None:
            for part, brought in zip(parts, merged.contributions[-len(parts) :], strict=True):
                if brought.conflicting:
                    faults.setdefault(part.path, contradiction(part.path, channel, there, brought, present))
        return merged

    def _without_cut_values(self, channel: str, parts: list[_Part], series: list[xr.Dataset]) -> list[xr.Dataset]:
        """Return what is there and what comes, without values that were cut and are there whole, too."""
        times = [part.doubtful for part in parts]
        names = [part.file.path.name for part in parts]
        if len(series) > len(parts):
            time = self._archive.doubtful(channel)
            times.insert(0, None if time is None else np.datetime64(time, "ns"))
            names.insert(0, "the earlier file")
        settled, doubtful, notes = settle_doubtful(series, times, names)
        if doubtful is not None and doubtful in [part.doubtful for part in parts]:
            notes.append("its file ends without a line end: a later file with another last value holds")
        self._cut[channel] = (None if doubtful is None else str(doubtful), notes)
        return settled

    def _merged_numbers(
        self, channel: str, parts: list[_Part], present: xr.Dataset, faults: dict[str, WorkbenchError]
    ) -> Merged | None:
        """Compare a file with a channel that has no times, to which nothing can be added."""
        if not any(is_dated(part.series) for part in parts):
            merged = merge([part.series for part in parts], self._choices.on_conflict or "keep")
            pairs = [(merged.series[name].values, present[name].values) for name in ("telemetry", "commands")]
            if all(np.array_equal(one, other, equal_nan=True) for one, other in pairs):
                n = present.sizes["time"]
                return Merged(present, (Contribution(n, 0, 0, 0), Contribution(0, n, 0, 0)))
        error = ImportDataError(
            f"{channel} has sample numbers, not times, so that {parts[0].path} cannot be added to it.",
            f"Import files with times as another asset: --asset NAME.{ways_out(channel, present)}",
        )
        for part in parts:
            faults.setdefault(part.path, error)
        return None

    def _merged_anew(self, channel: str, parts: list[_Part], faults: dict[str, WorkbenchError]) -> Merged | None:
        """Return a damaged channel as the files have it, where that is just what was written before the damage."""
        damage = self._damaged[channel]
        try:
            info = self._archive.info(channel)
            merged = merge([part.series for part in parts], self._choices.on_conflict or "keep")
            series = _numbered(merged.series)
            span = kept_span(self._archive, channel, series["time"].values)
            split = split_series(series, span, self._first_numbers.get(channel))
            if (data_hash(split.train), hash_as(split.test, info.test_hash)) == (info.train_hash, info.test_hash):
                return merged
        except (WorkbenchError, IndexError):
            pass
        error = UnfinishedImportError(
            f"Nothing can be added to {channel}: {damage.message}",
            f"Import all files of {self._asset} with --replace.",
        )
        for part in parts:
            faults.setdefault(part.path, error)
        return None

    # ---- splitting

    def _result(self, channel: str, parts: list[_Part], merged: Merged) -> _Result:
        present = self._present.get(channel)
        if np.isnan(merged.series["telemetry"].values).all():
            return _Result(ChannelImport(channel, "skipped", note="no values"))
        time = merged.series["time"].values
        if present is None and len(time) == 1 and any(part.file.part for part in parts):
            return _Result(ChannelImport(channel, "skipped", note="1 sample: at least 2 are needed"))
        brought = self._brought(merged, present)
        if present is not None and not is_dated(present):
            self._check_span(channel, merge([part.series for part in parts]).series["time"].values)
        series = _numbered(merged.series)
        if channel in self._damaged:
            span = kept_span(self._archive, channel, series["time"].values)
        else:
            span = self._span(channel, time)
            if series is not merged.series and present is None:
                first, stop = span.places(time)
                span = TrainingSpan(first, stop - 1)
        notes = [note for part in parts for note in part.file.notes]
        doubtful, cut_notes = self._cut.get(channel, (None, []))
        notes += [*cut_notes, *self._labels.notes, *self._notes(channel, brought)]
        if present is not None and not _differs(merged, present, self._choices.on_conflict):
            info = self._archive.info(channel)
            counts = added_counts(_repairs(parts), brought, self._labels.counts(channel))
            return _Result(report_row(channel, "unchanged", (info.n_train, info.n_test), counts, notes))
        if present is None:
            series = self._labels.with_numbers(channel, series, span.places(series["time"].values)[1])
        try:
            stored = split_series(series, span, self._first_numbers.get(channel))
        except NoValuesError as error:
            note = f"{error.message}; another training span: --train-from, --train-until"
            return _Result(ChannelImport(channel, "skipped", note=note))
        fresh = np.ones(len(time), dtype=bool) if present is None else ~np.isin(time, present["time"].values)
        counts = added_counts(_repairs(parts), brought, sample_counts(span, merged.series, series, fresh))
        counts |= self._labels.counts(channel)
        train, test = stored.train, stored.test
        sizes = (train.sizes["time"], test.sizes["time"])
        status: Status = "imported" if present is None else "appended" if brought["samples_added"] else "changed"
        if status == "imported":
            notes += filter(None, [name_note(parts[0].column, channel, self._asset, self._assets)])
        if channel in self._replaced:
            status = "replaced"
            notes += [self._replaced[channel], self._span_now(channel, train)]
        training_changed = present is not None and data_hash(train) != self._archive.info(channel).train_hash
        if training_changed:
            notes.append("its training data changed: train its models again")
        if stored.before is not None:
            n = counted(stored.before.sizes["time"], "sample")
            notes.append(f"{n} before the training span: stored, neither learned from nor scored")
        row = replace(report_row(channel, status, sizes, counts, notes), training_changed=training_changed)
        return _Result(row, replace(stored, doubtful=doubtful))

    def _notes(self, channel: str, brought: Mapping[str, int]) -> list[str]:
        """Say what an option did not do, what was too old, and whose labels hold."""
        notes = []
        if self._too_old.get(channel):
            n = counted(self._too_old[channel], "sample")
            notes.append(f"{n} skipped: retention has removed those of that time")
        if channel in self._present and self._choices.fraction is not None:
            notes.append("its training span stays: a share is for new channels")
        if channel in self._present:
            notes += self._labels.number_notes(channel)
        conflicts = brought.get("label_conflicts_kept", 0)
        if conflicts:
            whose = "the archive" if channel in self._present else "the earlier file"
            notes.append(
                f"the labels of {counted(conflicts, 'sample')} differ, those of {whose} are kept: "
                "--on-conflict replace takes the others"
            )
        return notes

    def _span_now(self, channel: str, train: xr.Dataset) -> str:
        time = train["time"].values
        how = "as before" if self._keeps_recorded(channel, is_dated(train)) else "chosen anew"
        ends = [time_text(time[place]) if is_dated(train) else f"sample {time[place]}" for place in (0, -1)]
        return f"training span, {how}: {ends[0]} to {ends[1]}"

    def _keeps_recorded(self, channel: str, dated: bool) -> bool:
        """Tell whether a replaced channel keeps its training span: no other was chosen, and its clock is the same."""
        span = self._recorded.get(channel)
        return (
            span is not None
            and isinstance(span.end, np.datetime64) == dated
            and not self._choices.names_span(self._training_extent())
        )

    def _brought(self, merged: Merged, present: xr.Dataset | None) -> dict[str, int]:
        news = merged.contributions if present is None else merged.contributions[1:]
        decided = "replaced" if self._choices.on_conflict == "replace" else "kept"
        return {
            "samples_added": 0 if present is None else sum(one.added for one in news),
            "equal_samples": sum(one.equal for one in news),
            "values_completed": sum(one.completed for one in news),
            f"conflicts_{decided}": sum(one.conflicting for one in news),
            "labels_added": sum(one.labels_added for one in news),
            f"label_conflicts_{decided}": sum(one.label_conflicts for one in news),
        }

    def _span(self, channel: str, time: npt.NDArray[Any]) -> TrainingSpan:
        """Return the training span of a channel: the one that is kept with it, else the one that was chosen."""
        if channel not in self._present:
            if not self._keeps_recorded(channel, time.dtype.kind == "M"):
                return self._choices.span(time, self._training_extent())
            span = self._recorded[channel]
            first, stop = span.places(time)
            if first == stop or stop == len(time):
                what = "learn from" if first == stop else "score"
                ends = f"{time_text(span.start)} to {time_text(span.end)}"
                raise ImportDataError(
                    f"The training span of {channel}, {ends}, leaves nothing to {what} in the files that replace it.",
                    "Choose another one with --train-until TIME or --train-fraction SHARE.",
                )
            return span
        if time.dtype.kind == "M":
            self._check_span(channel, time)
        return kept_span(self._archive, channel, self._present[channel]["time"].values)

    def _check_span(self, channel: str, time: npt.NDArray[Any]) -> None:
        """Refuse another training span than the one that a channel has; counts are those of its file."""
        own_span = kept_span(self._archive, channel, self._present[channel]["time"].values)
        self._choices.check_span(channel, own_span, time, self._training_extent())

    def _training_extent(self) -> npt.NDArray[Any] | None:
        """Return the first and last time of the file to learn from."""
        if self._training is None:
            return None
        shift = _training_shift(self._training, self._files)
        ends = self._training.stamps[[0, -1]]
        return ends if shift is None else ends - shift


def _in_order(files: Sequence[FileSamples]) -> list[FileSamples]:
    """Sort files by time, those without dates last, so that the order in which they were named does not matter."""
    return sorted(
        files,
        key=lambda file: (
            file.stamps.dtype.kind != "M",
            float(file.stamps[0].astype("int64") if file.stamps.dtype.kind == "M" else file.stamps[0]),
            float(file.stamps[-1].astype("int64") if file.stamps.dtype.kind == "M" else file.stamps[-1]),
            str(file.path),
        ),
    )


def _training_shift(training: FileSamples | None, files: Sequence[FileSamples]) -> float | None:
    """Return by how much the counts of a training file are moved to lie before those of the others; None for dates."""
    if training is None or training.stamps.dtype.kind == "M":
        return None
    starts = [float(file.stamps[0]) for file in files if file is not training and file.stamps.dtype.kind != "M"]
    return float(training.stamps[-1]) - min(starts, default=0.0) + 1.0


def _numbered(series: xr.Dataset) -> xr.Dataset:
    """Return a series without dates with the numbers of its samples in place of the counts of its source."""
    return series if is_dated(series) else series.assign_coords(time=np.arange(series.sizes["time"]))


def _differs(merged: Merged, present: xr.Dataset, on_conflict: OnConflict | None) -> bool:
    """Tell whether a merged series holds anything that was not there."""
    for one in merged.contributions[1:]:
        if one.added or one.completed or (one.conflicting and on_conflict == "replace"):
            return True
    if merged.series.attrs["units"] != present.attrs["units"] or ("labels" in merged.series) != ("labels" in present):
        return True
    return "labels" in present and label_runs(merged.series) != label_runs(present)


def _repairs(parts: Sequence[_Part]) -> dict[str, int]:
    return added_counts(*(repair_counts(part.file, part.column) for part in parts))
