"""The archive: one store that holds each channel's telemetry, labels and scores, and grows.

What is written is a publication: rows of parts of channels (`train`, `test`, `before`, `scores/<key>`), and the
attributes of channels and scores that hold from then on. A large one is a segment, a folder of Zarr groups that never
changes (`<store>/_assets/<asset>/<number>`); a small one goes into the tail (`tail.db`), which is sealed into segments
when enough has come. Each publication is entered in the index (`index.db`, or PostgreSQL), which says which rows of
which publication hold; it can be made again from them. A reader sees a publication whole or not at all. See
`workbench.telemetry.archiving` for each of them.

One module because it is one class: its methods share what the attributes of a channel become with each publication.
"""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.exceptions import ArchiveError, ChannelNotFoundError, OutdatedError, SchemaError, WorkbenchError
from workbench.telemetry.archiving.channel_parts import (
    BEFORE,
    ChannelInfo,
    ChannelParts,
    summary_of,
    without_time,
)
from workbench.telemetry.archiving.earlier_layout import earlier_folder
from workbench.telemetry.archiving.label_moments import (
    Span,
    label_moments,
    labels_of_new_version,
    moments_of_rows,
    outside,
)
from workbench.telemetry.archiving.lanes import Lane, lane_of
from workbench.telemetry.archiving.long_series import LongSeriesReader
from workbench.telemetry.archiving.plain_parts import PlainParts
from workbench.telemetry.archiving.reader import score_place
from workbench.telemetry.archiving.removal import renumbered, without_front
from workbench.telemetry.archiving.score_files import packed_score, plain_attributes
from workbench.telemetry.archiving.staging import StagedScore
from workbench.telemetry.attribute_names import LABEL_MOMENTS, REMOVED, REMOVED_ROWS, REMOVED_SAMPLES, removed_rows
from workbench.telemetry.moments import clock_of
from workbench.telemetry.schema import ATTRIBUTES, SPLITS, validate
from workbench.telemetry.series_hash import hash_as, series_hash
from workbench.telemetry.store import LABEL_COLUMNS, check_goes_on, label_rows, natural_key, suggest

__all__ = ["LABEL_COLUMNS", "Archive", "ChannelInfo", "ChannelParts", "StagedScore", "natural_key"]

_LARGE_ROWS = 1_048_576  # more go into a segment at once
_MAX_BEGINNINGS = 4  # of a series, whose hashes are held
_LARGE_SCORE = 131_072  # rows of a score, of which reading some in the tail would unpack all


class Archive(LongSeriesReader):
    """Telemetry, labels and scores of a fleet in one store.

    Parameters
    ----------
    path : Path
        Folder of the store. It is made at the first write; a missing one reads as empty. One of an earlier release is
        taken over into the present layout when it is first opened.
    index_url : str, optional
        PostgreSQL database that the index of a new store is made in, and one that is made anew; SQLite in the store
        where omitted. Otherwise the index is used where it is.

    Attributes
    ----------
    path : Path
        Folder of the store.
    incoming : Path
        Folder beside the store for what is being written; it exists only during a write, and after a crash until the
        archive is opened again.
    index : Index
        What the archive holds, as rows of a database.
    """

    def write(self, train: xr.Dataset, test: xr.Dataset, labels: pd.DataFrame | None = None) -> bool:
        """Add a channel or replace it, whole or not at all.

        Scores of an earlier version are kept: their data hash tells that they are stale. Where no labels are given,
        those that are there stay at their moments: those of the same test series, and of one with times that overlap.

        Parameters
        ----------
        train, test : xarray.Dataset
            Both splits of one channel.
        labels : pandas.DataFrame, optional
            Anomalies of the test series.

        Returns
        -------
        bool
            False where the archive held just this already.

        Raises
        ------
        SchemaError
            The splits break the contract or do not belong together.
        LabelError
            A label lies outside the test series.
        ArchiveError
            The store cannot be written.
        """
        return self.write_all([ChannelParts(train, test, labels)])[0]

    def write_all(
        self,
        channels: Sequence[ChannelParts | PlainParts],
        based_on: Mapping[str, tuple[str, ...] | None] | None = None,
    ) -> list[bool]:
        """Add or replace several channels, all of them or none, also where the process dies on the way.

        Parameters
        ----------
        channels : sequence of ChannelParts or PlainParts
            What `write` takes of each, and what else is stored.
        based_on : mapping of str to tuple of str, optional
            What `content_hashes` returned of those of them that were worked out from what the archive held.

        Returns
        -------
        list of bool
            False for each channel that the archive held just so already.

        Raises
        ------
        SchemaError, LabelError, ArchiveError
            As for `write`.
        OutdatedError
            The archive holds something else of a channel than what it was worked out from.
        """
        described = [(parts, parts.attributes()) for parts in channels]
        changed = []
        with self._publisher.writing():
            for name, hashes in (based_on or {}).items():
                if self.content_hashes(name) != hashes:
                    raise _outdated(name)
            present_names = self._names_among([parts.channel for parts in channels])
            plain = [parts.channel for parts in channels if isinstance(parts, PlainParts)]
            look = self.look([name for name in plain if name in present_names])
            new_attributes: dict[str, dict[str, Any]] = {}
            whole: list[str] = []
            lanes: list[Lane] = []
            for parts, attributes in described:
                name = parts.channel
                if isinstance(parts, PlainParts):
                    present = look.attributes.get(name)
                    if (present is None and name in present_names) or not parts.fits(present):
                        raise _outdated(name)
                    if present is not None and "grows" in present:
                        attributes["grows"] = present["grows"]
                    new_attributes[name] = attributes
                    whole += [name] if present is None else []
                    lanes += parts.lanes()
                    changed.append(True)
                    continue
                present = self._continue(parts, attributes) if name in present_names else None
                is_new = present is None or without_time(present) != without_time(attributes)
                changed.append(is_new or not self._is_whole(name))
                if not changed[-1]:
                    continue
                new_attributes[name] = attributes
                kept_rows = 0 if present is None else self._kept_rows(parts, attributes, present)
                if kept_rows:
                    first = kept_rows + removed_rows(attributes, "test")
                    lanes.append(lane_of(parts.test.isel(time=slice(kept_rows, None)), name, "test", first))
                else:
                    whole.append(name)
                    if REMOVED in attributes:
                        attributes[REMOVED] = renumbered(attributes[REMOVED], parts)
                    lanes += parts.lanes()
            self._publish_lanes(lanes, new_attributes, whole)
            self._note_written(new_attributes)
            self._note_links([parts for parts, _ in described if parts.channel in new_attributes])
            for folder in [earlier_folder(self.path, parts.channel) for parts, _ in described]:
                if folder.is_dir():  # a damaged one of the first layout
                    folder.rename(self.incoming / f"old-{uuid.uuid4().hex}")
        return changed

    def would_change(self, parts: ChannelParts) -> bool:
        """Return whether writing a channel would change anything of it.

        Parameters
        ----------
        parts : ChannelParts
            As for `write_all`.
        """
        name, attributes = parts.channel, parts.attributes()
        present = self._continue(parts, attributes) if self._names_among([name]) else None
        return present is None or without_time(present) != without_time(attributes) or not self._is_whole(name)

    def extend(self, extensions: Sequence[tuple[int, xr.Dataset]], lengths: Mapping[str, int] | None = None) -> None:
        """Add rows to the ends of test series, all of them or none; only what is new is written.

        Parameters
        ----------
        extensions : sequence of tuple
            Number of rows of the test series that stay, and the rows that follow them, with the attributes of the
            channel. What was there behind the rows that stay is dropped.
        lengths : mapping of str to int, optional
            Rows of the test series of channels when the extensions were worked out.

        Raises
        ------
        ChannelNotFoundError
            The archive holds no such channel.
        OutdatedError
            A test series has another length by now: others have written meanwhile.
        SchemaError
            The rows do not continue the series, or have other commands.
        ArchiveError
            The store is damaged or cannot be written.
        """
        with self._publisher.writing():
            lanes, channels = [], {}
            for name, length in (lengths or {}).items():
                if self._attributes(name)["n_test"] != length:
                    raise _outdated(name)
            for keep, rows in extensions:
                attributes = self._extended(keep, rows)
                channels[attributes["channel"]] = attributes
                name = attributes["channel"]
                lanes.append(lane_of(rows, name, "test", keep + removed_rows(attributes, "test")))
            before = {name: self._attributes(name) for name in channels}
            self._publish_lanes(lanes, channels, ())
            self._note_written(channels)
            for keep, rows in extensions:
                name = str(rows.attrs["channel"])
                self._note_extended(name, before[name], channels[name]["test_hash"], keep)

    def remove(self, channels: Sequence[str]) -> None:
        """Remove channels with their labels and scores, all of them or none, also where the process dies on the way.

        A series that was opened before stays readable for some minutes. Damaged channels can be removed, too.

        Parameters
        ----------
        channels : sequence of str
            Names of the channels.

        Raises
        ------
        ChannelNotFoundError
            The archive does not hold one of them; none is removed.
        ArchiveError
            The store cannot be written.
        """
        archived = self.channels()
        for name in channels:
            if name not in archived:
                raise ChannelNotFoundError(f"Unknown channel {name!r}.", suggest(name, archived))
        with self._publisher.writing():
            still_there = set(self.channels())
            self._publisher.remove([name for name in dict.fromkeys(channels) if name in still_there])
            self._publisher.put_in_order()

    def set_labels(self, channel: str, labels: pd.DataFrame) -> None:
        """Replace the labels of a channel.

        Parameters
        ----------
        channel : str
            Name of the channel.
        labels : pandas.DataFrame
            Columns `start`, `end`, `kind`.

        Raises
        ------
        LabelError
            A label lies outside the test series.
        """
        with self._publisher.writing():
            attributes = self._attributes(channel)
            rows = label_rows(channel, labels, attributes["n_test"])
            times = self.open(channel)["time"].values
            earlier: list[Span] = []
            with suppress(ArchiveError):  # what is damaged is replaced
                earlier = outside(self._label_moments(attributes), times)
            stored = label_moments(clock_of(times), [*earlier, *moments_of_rows(rows, times)])
            plain = {name: value for name, value in attributes.items() if name not in ("labels", "earlier_labels")}
            self._publisher.publish_rows([], {channel: plain | {LABEL_MOMENTS: stored}})

    def set_growing(self, channels: Sequence[str], grows: bool) -> None:
        """Say whether more samples of channels are to come; see `grows`.

        Parameters
        ----------
        channels : sequence of str
            Names of the channels; all of them are changed, or none.
        grows : bool
            Whether they are.

        Raises
        ------
        ChannelNotFoundError
            No such channel.
        ArchiveError
            The store is damaged, or cannot be written.
        """
        changing = [name for name in channels if self.grows(name) != grows]
        if changing:
            with self._publisher.writing():
                self._publisher.publish_rows([], {name: self._attributes(name) | {"grows": grows} for name in changing})

    def seal(self) -> None:
        """Write all that lies in the tail into segments, and remove what nothing refers to any more."""
        with self._publisher.writing():
            self._publisher.seal(force=True)

    def tidy(self, channels: Sequence[str] | None = None) -> None:
        """Seal and merge what has come in many small pieces, and remove what nothing refers to any more.

        Parameters
        ----------
        channels : sequence of str, optional
            Look only at these; at all where omitted.
        """
        with self._publisher.writing():
            self._publisher.put_in_order(channels)

    def accept_losses(self) -> None:
        """Forget what `losses` names: it will not come back."""
        with self._publisher.writing():
            self._publisher.losses.forget()

    def rebuild_index(self) -> list[ArchiveError]:
        """Make the index anew from the segments and the tail, where `index_url` says.

        Returns
        -------
        list of ArchiveError
            What could not be read; the channels of the rest are there again.
        """
        return self._publisher.rebuild()

    def remove_front(self, channel: str, rows: Mapping[str, int], scores: Mapping[str, Mapping[str, Any]]) -> None:
        """Remove the first rows of parts of a channel, for good; the others keep their times, and their numbers inside.

        The files go once nothing in them holds any more, at the latest with the first sealing ten minutes later.

        Parameters
        ----------
        channel : str
            Name of the channel.
        rows : mapping of str to int
            How many rows of `test` and `before` are removed; one row of the test series stays at least.
        scores : mapping of str to mapping
            Attributes that each of its scores has without the removed samples, by key.

        Raises
        ------
        ArchiveError
            The channel is damaged, or a label lies in what is to be removed; or a score was replaced meanwhile.
            Nothing is removed.
        """
        with self._publisher.writing():
            self.check(channel, "test")
            revisions = {key: self.index.score_revision(channel, key) for key in self.index.scores(channel)}
            if set(revisions) - set(scores) - set(self.damaged_scores(channel)):
                raise ArchiveError(f"A score of {channel} is new.", "Run the command again.")
            attributes = without_front(
                self._with_label_moments(self._attributes(channel)),
                rows,
                {part: self._open_part(channel, part) for part in rows},
            )
            shortened = []
            for key, own in scores.items():
                numbers = self.open_scores(channel, key)["sample"].values
                gone = int(np.searchsorted(numbers, rows.get("test", 0)))
                removed = {REMOVED_ROWS: int(own.get(REMOVED_ROWS, 0)) + gone}
                whole = {"removed_whole": 1} if gone == len(numbers) else {}
                shortened.append((channel, key, {**own, **removed, **whole}))

            def is_outdated() -> bool:
                present = {key: self.index.score_revision(channel, key) for key in self.index.scores(channel)}
                if present != revisions:
                    raise ArchiveError(f"A score of {channel} was replaced meanwhile.", "Run the command again.")
                return False

            self._publisher.publish_rows([], {channel: attributes}, shortened, unless=is_outdated)
            stamp = self._stamp(channel, self.index.pieces(channel, "test"), attributes["test_hash"])
            self.index.set_verified({(channel, "test"): stamp})
            self._publisher.seal(force=False)

    def write_scores(self, channel: str, key: str, scored: xr.Dataset, keep: int = 0) -> None:
        """Keep a scored series beside its channel; one of the same key is replaced.

        Parameters
        ----------
        channel : str
            Name of the channel.
        key : str
            Name of the score, as `ridge.paper`.
        scored : xarray.Dataset
            Attributes must be strings or numbers.
        keep : int
            How many of the first samples of the stored score stay; `scored` has what comes behind them, and the
            attributes.

        Raises
        ------
        ArchiveError
            The store cannot be written; or the stored score is not one that goes on as this one does, as where another
            process has replaced it meanwhile. It stays as it was.
        """
        self._attributes(channel)
        based_on = self._based_on(channel, key, scored, keep)
        scored, keep = self._in_stored_numbers(channel, key, scored, keep)
        if scored.sizes.get("time", 0) > _LARGE_SCORE:
            with self._publisher.writing():
                lane = lane_of(scored, channel, f"scores/{key}", keep)
                scores = [(channel, key, plain_attributes(scored.attrs))]
                staged = self._publisher.stage_segment([lane], {}, scores=scores)
                asset = self.asset_of(channel)[0]

                def is_outdated() -> bool:
                    self._publisher.check_based_on(channel, key, keep, based_on)
                    return False

                self._publisher.publish_segments([(asset, *staged)], unless=is_outdated)
                self._note_score(channel, key)
            return
        content = packed_score(channel, key, scored, keep, based_on)
        with self._publisher.publishing_only():
            failures = self._publisher.publish_scores([content], self._verified)
            if not failures:
                self._note_score(channel, key)
        for error in failures.values():
            raise error

    def staging_folder(self) -> Path:
        """Return the staging folder of this process, beside the store; it goes when this archive or this process ends.

        Raises
        ------
        ArchiveError
            It cannot be written.
        """
        with self._publisher.writable():
            return self._publisher.staging.root / self._publisher.staging.own()

    def stage_scores(
        self, channel: str, key: str, scored: xr.Dataset, within: Path | None = None, keep: int = 0
    ) -> StagedScore:
        """Write a scored series beside the store, without its lock; `publish_scores` makes it part of the archive.

        Parameters
        ----------
        channel, key, scored, keep
            As for `write_scores`.
        within : Path, optional
            Staging folder of another process, which publishes it; the one of this process where omitted.

        Returns
        -------
        StagedScore

        Raises
        ------
        ChannelNotFoundError
            The archive holds no such channel.
        ArchiveError
            It cannot be written, or the process that was to publish it has ended.
        """
        self._attributes(channel)
        based_on = self._based_on(channel, key, scored, keep)
        scored, keep = self._in_stored_numbers(channel, key, scored, keep)
        owner = self.staging_folder().name if within is None else within.name
        file = f"{owner}/{uuid.uuid4().hex}"
        with self._publisher.writable():
            (self._publisher.staging.root / file).write_bytes(packed_score(channel, key, scored, keep, based_on))
        return StagedScore(channel, key, file)

    def publish_scores(self, scores: Sequence[StagedScore]) -> dict[str, WorkbenchError]:
        """Make staged scores part of the archive; those of the same channel and key are replaced.

        Parameters
        ----------
        scores : sequence of StagedScore
            Scores from `stage_scores`, of this process or of others that staged them for it.

        Returns
        -------
        dict of str to WorkbenchError
            Channels whose scores were not published, since they are gone or damaged meanwhile.

        Raises
        ------
        ArchiveError
            The store cannot be written.
        """
        failures: dict[str, WorkbenchError] = {}
        root = self._publisher.staging.root
        with self._publisher.publishing_only():
            contents = []
            for score in scores:
                try:
                    self._attributes(score.channel)
                    contents.append((root / score.file).read_bytes())
                except (ChannelNotFoundError, ArchiveError) as error:
                    failures[score.channel] = error
            failures |= self._publisher.publish_scores(contents, self._verified)
            self._note_scores([(one.channel, one.key) for one in scores if one.channel not in failures])
        for score in scores:
            (root / score.file).unlink(missing_ok=True)
        return failures

    def keep_verified(self) -> None:
        """Note in the index what was read whole and is sound, so that no process reads it again before it changes."""
        if self._verified:
            with suppress(ArchiveError), self._publisher.publishing_only():  # a home that is only read stays as it is
                self.index.set_verified(self._verified)
                self._verified.clear()

    def note_examined(self, rows: Mapping[str, tuple[str, str]]) -> None:
        """Note in the index what was found in channels, and in which state; see `Index.set_examined`."""
        if rows:
            with suppress(ArchiveError), self._publisher.publishing_only():  # a home that is only read stays as it is
                self.index.set_examined(rows)

    # ---- internals

    def _continue(self, parts: ChannelParts, attributes: dict[str, Any]) -> dict[str, Any] | None:
        """Add to new attributes of a channel what stays of those that it has, and return these if they are sound."""
        present = self._sound_attributes(parts.channel)
        if present is not None:
            if present["n_test"] == attributes["n_test"]:  # the same samples keep their hash, of an earlier release too
                attributes["test_hash"] = hash_as(parts.test, present["test_hash"])
            times = partial(self._whole_times, parts.channel)
            attributes[LABEL_MOMENTS] = labels_of_new_version(attributes, present, times)
            attributes |= {key: present[key] for key in ("grows", REMOVED) if key in present}
        return present

    def _sound_attributes(self, channel: str) -> dict[str, Any] | None:
        """Return the attributes of a channel; None where it does not exist or is damaged."""
        try:
            return self._with_label_moments(self._attributes(channel))
        except (ChannelNotFoundError, ArchiveError):
            return None

    def _is_whole(self, channel: str) -> bool:
        """Tell whether both splits of a channel hold what was written."""
        try:
            for split in SPLITS:
                self.check_deeply(channel, split)
        except WorkbenchError:
            return False
        return True

    def _based_on(self, channel: str, key: str, scored: xr.Dataset, keep: int) -> int | None:
        """Return the publication of the score that another one goes on from, after checking that it does."""
        if not keep:
            return None
        based_on = self.index.score_revision(channel, key)
        check_goes_on(self.open_scores(channel, key, indexed=False), scored, keep, score_place(channel, key))
        return based_on

    def _whole_times(self, channel: str) -> npt.NDArray[Any]:
        """Return the times of all samples of a channel."""
        series = [self.open_before(channel), *(self.open(channel, split) for split in SPLITS)]
        return np.concatenate([one["time"].values for one in series if one is not None])

    def _in_stored_numbers(self, channel: str, key: str, scored: xr.Dataset, keep: int) -> tuple[xr.Dataset, int]:
        """Return a score, and how many rows stay, in the numbers from before anything was removed in front of it."""
        stored = self.index.scores(channel).get(key) if keep else None
        if not isinstance(stored, dict) or not stored.get(REMOVED_SAMPLES):
            return scored, keep
        numbers = {name: stored[name] for name in (REMOVED_SAMPLES, REMOVED_ROWS)}
        sample = scored["sample"].variable + stored[REMOVED_SAMPLES]
        return scored.assign_coords(sample=sample).assign_attrs(numbers), keep + stored[REMOVED_ROWS]

    def _note_written(self, channels: Mapping[str, Mapping[str, Any]]) -> None:
        """Note that the series of channels are sound: they were written just now."""
        look = self.look(list(channels))
        stamps = {(name, split): look.stamp(name, split) for name in look.attributes for split in SPLITS}
        written = {key: stamp for key, stamp in stamps.items() if stamp is not None}
        if written:
            self.index.set_verified(written)

    def _note_extended(self, channel: str, before: Mapping[str, Any], test_hash: str, keep: int) -> None:
        """Note in memory which hashes the first samples of a series had before it was extended."""
        whole, beginnings = self._extended_from.pop(channel, ("", dict[str, int]()))
        if keep != before["n_test"]:
            return
        known = beginnings if whole == before["test_hash"] else {}
        latest = [*known.items(), (before["test_hash"], keep)][-_MAX_BEGINNINGS:]
        self._extended_from[channel] = test_hash, dict(latest)

    def _note_links(self, written: Sequence[ChannelParts | PlainParts]) -> None:
        """Note the chains of hashes of series that were written, so that they are gone on from."""
        for parts in written:
            if isinstance(parts, ChannelParts) and parts.links:
                origin = removed_rows(self._attributes(parts.channel), "test")
                self.index.add_links(parts.channel, origin, parts.links)

    def _note_score(self, channel: str, key: str) -> None:
        """Note that a score is sound: it was written just now."""
        self._note_scores([(channel, key)])

    def _note_scores(self, scores: Sequence[tuple[str, str]]) -> None:
        """Note that scores are sound: they were written just now."""
        parts = [(channel, f"scores/{key}") for channel, key in scores]
        stamps = {part: self._stamp(part[0], self.index.pieces(*part), "") for part in parts}
        self._verified |= stamps
        self.index.set_verified(stamps)

    def _publish_lanes(
        self, lanes: Sequence[Lane], channels: Mapping[str, Mapping[str, Any]], whole: Sequence[str]
    ) -> None:
        """Publish rows of several channels, all of them or none: a few in the tail, else in a segment an asset."""
        if not channels:
            return
        if not whole and sum(lane.length for lane in lanes) <= _LARGE_ROWS:
            self._publisher.publish_rows([lane for lane in lanes if lane.length], channels)
            self._publisher.put_in_order([*channels])
            return
        replacing = set(whole)
        by_asset: dict[str, list[str]] = {}
        for name, attributes in channels.items():
            by_asset.setdefault(attributes["asset"], []).append(name)
        staged = []
        for asset, names in by_asset.items():
            members = set(names)
            own = [lane for lane in lanes if lane.channel in members and lane.length]
            described = {name: channels[name] for name in names}
            replaced = [name for name in names if name in replacing]
            staged.append((asset, *self._publisher.stage_segment(own, described, replaced)))
        self._publisher.publish_segments(staged)

    def _kept_rows(self, parts: ChannelParts, attributes: Mapping[str, Any], present: Mapping[str, Any]) -> int:
        """Return how many rows of a stored test series stay in a new version of the channel; 0 where it is another."""
        same = ("asset", "train_hash", "before_hash", "command_names")
        if any(attributes.get(name) != present.get(name) for name in same):
            return 0
        try:
            self.check(parts.channel, "train")
            self.open_before(parts.channel)
            stored = self.open(parts.channel)
            new, n = parts.test, min(stored.sizes["time"], parts.test.sizes["time"])
            if any(stored[name].dtype != new[name].dtype for name in ("time", "telemetry", "commands")):
                return 0
            differs = np.zeros(n, dtype=bool)
            for name in {*stored.variables, *new.variables} - {"command"}:
                pair = [one[name].values[:n] if name in one.variables else np.zeros(1) for one in (stored, new)]
                unequal = pair[0] != pair[1]
                if pair[0].dtype.kind == "f":
                    unequal &= ~(np.isnan(pair[0]) & np.isnan(pair[1]))
                differs |= unequal if unequal.ndim == 1 else unequal.any(axis=tuple(range(1, unequal.ndim)))
        except ArchiveError:
            return 0
        kept = int(np.argmax(differs)) if differs.any() else n
        is_cut = kept == new.sizes["time"] < stored.sizes["time"]  # no row is new
        return kept if 2 * kept >= stored.sizes["time"] and not is_cut else 0

    def _extended(self, keep: int, rows: xr.Dataset) -> dict[str, Any]:
        """Return the attributes that a channel has with new rows at the end of its test series."""
        validate(rows)
        channel = str(rows.attrs["channel"])
        attributes = dict(self._with_label_moments(self._attributes(channel)))
        stamp = self.index.stamp()
        present = self.open(channel, indexed=False)
        if not 0 <= keep <= attributes["n_test"]:
            raise SchemaError(f"{channel} has {attributes['n_test']} rows, of which {keep} cannot stay.")
        names = [str(name) for name in rows["command"].values]
        if names != attributes["command_names"] or rows["commands"].dtype != present["commands"].dtype:
            raise SchemaError(f"{channel}: the new rows have other commands.")
        if rows["telemetry"].dtype != present["telemetry"].dtype:
            raise SchemaError(
                f"{channel}: the new rows are {rows['telemetry'].dtype}, the series {present['telemetry'].dtype}."
            )
        if keep and not present["time"].variable[keep - 1 : keep].values[0] < rows["time"].values[0]:
            raise SchemaError(f"{channel}: the new rows do not lie behind those that are there.")
        link = self._link(channel, present, keep, stamp)
        series = _joined(present.isel(time=slice(link.samples, keep)), rows)
        summary = summary_of(series)
        if link.samples:
            summary["first"] = attributes["summary"]["first"]
        if summary["last_value"] is None and link.samples:  # none in all that was read
            summary["last_value"] = summary_of(present.isel(time=slice(0, keep)))["last_value"]
        attributes |= {
            "n_test": link.samples + series.sizes["time"],
            "test_hash": series_hash(series, link),
            "summary": summary,
        }
        own = {name: rows.attrs[name] for name in ATTRIBUTES}
        base = attributes.get("attributes", {}).get("test") or {name: attributes[name] for name in ATTRIBUTES}
        if own != base:
            attributes |= own
            others = {
                name: attributes.get("attributes", {}).get(name) or base
                for name in ("train", *([BEFORE] if "n_before" in attributes else []))
            }
            attributes["attributes"] = {name: one for name, one in others.items() if one != own}
        return attributes


def _joined(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    """Return the samples of two parts of a series one behind the other."""
    dims = {"time": ("time",), "telemetry": ("time",), "commands": ("time", "command")}
    return xr.Dataset(
        {name: (own, np.concatenate([one[name].values for one in (first, second)])) for name, own in dims.items()}
    )


def _outdated(channel: str) -> OutdatedError:
    return OutdatedError(f"{channel} was changed by another process meanwhile.", "Run it again.")
