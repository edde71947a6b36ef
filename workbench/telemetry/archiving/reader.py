"""Reading the archive: what it holds, opened lazily, described from its index, and compared with what was written.

One module because it is one class: most of its lines describe parameters, and its methods share how a part of a channel
is looked up and how damage is named.
"""

import hashlib
import json
import logging
import os
import time
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.exceptions import ArchiveError, ChannelNotFoundError
from workbench.home import check_part
from workbench.names import command_line, is_name, key_name
from workbench.observability.timings import stage
from workbench.telemetry.archiving.channel_parts import (
    BEFORE,
    ChannelInfo,
    channel_info,
)
from workbench.telemetry.archiving.earlier_layout import (
    earlier_asset_of,
    earlier_attributes,
    earlier_folder,
    read_earlier_channel,
)
from workbench.telemetry.archiving.index import Index
from workbench.telemetry.archiving.known_channels import KnownChannels
from workbench.telemetry.archiving.label_moments import (
    check_label_moments,
    first_number,
    rows_of_moments,
    with_label_moments,
)
from workbench.telemetry.archiving.looks import Look
from workbench.telemetry.archiving.losses import Holding
from workbench.telemetry.archiving.publication import Piece, within
from workbench.telemetry.archiving.publishing import Publisher
from workbench.telemetry.archiving.seals import unsealed_attributes
from workbench.telemetry.archiving.segments import lane_files
from workbench.telemetry.archiving.series import PartReader
from workbench.telemetry.attribute_names import LABEL_MOMENTS, REMOVED_ROWS, REMOVED_SAMPLES, removed_rows
from workbench.telemetry.attributes import check_channel, check_score, check_scored
from workbench.telemetry.damage import DAMAGE, Place, damage_named
from workbench.telemetry.import_again import import_again
from workbench.telemetry.schema import ATTRIBUTES, SPLITS, data_hash
from workbench.telemetry.series_hash import BLOCK_SAMPLES, Link, hash_as, is_chained, links, series_hash
from workbench.telemetry.store import label_frame, natural_key, suggest
from workbench.telemetry.training_span import TrainingSpan

__all__ = ["ArchiveReader", "score_place"]

_LOG = logging.getLogger(__name__)
_TRIES = 8  # where another process publishes while something is looked up
_SPAN = 1_048_576  # samples read at a time


class ArchiveReader:
    """The reading half of `workbench.telemetry.archive.Archive`, which see for its parameters and attributes."""

    def __init__(self, path: Path, index_url: str | None = None) -> None:
        self.path = Path(path)
        self._publisher = Publisher(self.path, index_url)
        self.incoming = self._publisher.incoming
        self.index = self._publisher.index
        self._tail = self._publisher.tail
        self._sound_roots: dict[str, tuple[int, int]] = {}
        self._verified: dict[tuple[str, str], str] = {}
        self._names: tuple[tuple[int, int], list[str], list[str]] | None = None  # of a stamp: as read, and in order
        self._known = KnownChannels(self.index)
        self._infos: tuple[Mapping[str, Any], list[str], list[ChannelInfo]] | None = None  # of sound channels
        self._places: tuple[Any, list[tuple[str, str]]] | None = None
        self._spans: tuple[Any, list[tuple[str, int, int]]] | None = None
        self._open_datasets: OrderedDict[tuple[Any, ...], xr.Dataset] = OrderedDict()
        self._last_score: tuple[tuple[Any, ...], xr.Dataset] | None = None
        self._extended_from: dict[str, tuple[str, dict[str, int]]] = {}  # hash, and hashes and lengths of beginnings
        self._publisher.recover()
        self._publisher.staging.clean()

    def __repr__(self) -> str:
        """Say where the archive is and how many channels it holds."""
        return f"Archive({str(self.path)!r}, {counted(len(self.channels()), 'channel')})"

    def close(self) -> None:
        """Close the databases; they are opened again where they are needed."""
        self._open_datasets.clear()
        self._last_score = None
        self.index.close()
        self._tail.close()

    def channels(self) -> list[str]:
        """Return the names of all channels in natural order."""
        check_part(self.path)
        self._publisher.recover_index()
        left_over = self._left_over()
        stamp, before = self.index.stamp(), self._names
        if before is None or before[0] != stamp:
            names = self.index.names()
            in_order = before[2] if before is not None and before[1] == names else sorted(names, key=natural_key)
            before = self._names = stamp, names, in_order
        if not left_over:
            return list(before[2])
        return sorted({*before[2], *left_over}, key=natural_key)

    def info(self, channel: str) -> ChannelInfo:
        """Describe a channel from its attributes alone.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        ChannelInfo

        Raises
        ------
        ChannelNotFoundError
            The archive holds no such channel.
        ArchiveError
            Its attributes are damaged.
        """
        return channel_info(self._attributes(channel))

    def infos(self) -> tuple[list[ChannelInfo], dict[str, ArchiveError]]:
        """Describe all channels, and name those that cannot be described.

        Returns
        -------
        list of ChannelInfo
            The channels whose attributes can be read, in natural order.
        dict of str to ArchiveError
            What is wrong with each of the others.
        """
        damaged = self._of_damaged_segments()
        known = self._known.read(self._check_attributes)
        names, before = self.channels(), self._infos
        if before is not None and not damaged and before[0] is known and before[1] == names:
            return [*before[2]], {}
        described = []
        for name in names:
            try:
                one = known.get(name)
                if isinstance(one, ArchiveError):
                    raise one
                if name not in damaged:
                    described.append(one.info if one is not None else channel_info(self._attributes(name)))
            except ArchiveError as error:
                damaged[name] = error
            except ChannelNotFoundError:  # removed meanwhile
                continue
        self._infos = None if damaged else (known, names, described)
        return [*described], damaged

    def _of_damaged_segments(self) -> dict[str, ArchiveError]:
        """Return the channels that lie in segments whose description is damaged, and what is wrong."""
        damaged: dict[str, ArchiveError] = {}
        suspect = []
        for folder in self.index.segments():
            try:
                self._check_root(folder, _SEGMENT)
            except ArchiveError:  # nothing is wrong where nothing of it holds any more
                suspect.append(folder)
        held = self.index.all_folders() if suspect else {}
        for folder in suspect:
            for name in held.get(folder, ()):
                try:
                    self._check_root(folder, self._place(name))
                except ArchiveError as error:
                    damaged.setdefault(name, error)
        return damaged

    def places(self) -> list[tuple[str, str]]:
        """Return the assets and subsystems of all channels, each once; those of damaged channels come last."""
        described, damaged = self.infos()
        known = self._places
        if known is None or known[0] is not self._infos:
            known = self._infos, list(dict.fromkeys((info.asset, info.subsystem) for info in described))
            self._places = known if self._infos is not None else None
        return list(dict.fromkeys([*known[1], *(self.asset_of(name) for name in damaged)]))

    def dated_spans(self) -> list[tuple[str, int, int]]:
        """Return asset, first and last stamp (UTC, ns since 1970) of the test series that are sound and have dates.

        Series of an asset that begin and end together are named once.
        """
        damaged, known, before = self._of_damaged_segments(), self._known.read(self._check_attributes), self._spans
        if before is None or before[0] is not known or damaged:
            spans = {
                (one.info.asset, one.first, one.last): None
                for name, one in known.items()
                if not isinstance(one, ArchiveError) and one.clock == "time" and name not in damaged
            }
            before = known, list(spans)
            self._spans = None if damaged else before
        return [*before[1]]

    def asset_of(self, channel: str) -> tuple[str, str]:
        """Name the asset and subsystem of a channel even where it is damaged.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        tuple of str
            "unknown" and empty where nothing is known.
        """
        try:
            row = self.index.asset_of(channel)
        except ArchiveError:
            row = None
        return row or earlier_asset_of(earlier_folder(self.path, channel))

    def check(self, channel: str, split: str) -> None:
        """Read one split of a channel whole, and compare it with the hash that was noted when it was written.

        Where the files have not changed since they were last found sound, they are not read again.

        Parameters
        ----------
        channel : str
            Name of the channel.
        split : {"train", "test"}
            Split to check.

        Raises
        ------
        ChannelNotFoundError
            No such channel or split.
        ArchiveError
            It cannot be read, or its values are no longer those that were written.
        """
        about = self._attributes(channel)
        pieces = self.index.pieces(channel, split)
        stamp = self._stamp(channel, pieces, about[f"{split}_hash"])
        if stamp in (self._verified.get((channel, split)), self.index.verified(channel, split)):
            return
        self.check_deeply(channel, split)
        self._verified[channel, split] = stamp

    def check_deeply(self, channel: str, split: str) -> None:
        """Read one split of a channel whole, whether or not its files have changed since; see `check`.

        Parameters
        ----------
        channel : str
            Name of the channel.
        split : {"train", "test"}
            Split to check.
        """
        for _ in range(_TRIES):  # another process may publish in between
            stamp, about = self.index.stamp(), self._attributes(channel)
            reader = self._reader(channel, split, self._place(channel), fresh=True)
            reader.check_names(channel, about["command_names"])
            noted = about[f"{split}_hash"]
            if hash_as(reader.dataset({}, about["command_names"], indexed=False), noted) == noted:
                return
            if self.index.stamp() == stamp:
                break
        raise self._place(channel).error(self.path, f"the values of {split} are not those that were written")

    @stage("open channel")
    def open(self, channel: str, split: str = "test", *, indexed: bool = True) -> xr.Dataset:
        """Open one split of a channel; samples are read when they are used.

        Parameters
        ----------
        channel : str
            Name of the channel.
        split : {"train", "test"}
            Split to open.
        indexed : bool
            Read the times at once, so that samples can be selected by them; of a series that is too long to be held
            they are better read when they are used, too.

        Returns
        -------
        xarray.Dataset
            Keeps the contract of `workbench.telemetry.schema`.

        Raises
        ------
        ChannelNotFoundError
            No such channel or split.
        ArchiveError
            The store is damaged.
        """
        if split not in SPLITS:
            raise ChannelNotFoundError(f"split must be one of {SPLITS}, not {split!r}.")
        return self._open_part(channel, split, indexed=indexed)

    def dtypes(self, channel: str) -> tuple[np.dtype[Any], np.dtype[Any]]:
        """Return the types of the telemetry and of the commands of a channel's test series; no sample is read.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        tuple of numpy.dtype

        Raises
        ------
        ChannelNotFoundError
            No such channel.
        ArchiveError
            The store is damaged.
        """
        self._attributes(channel)
        described = self._reader(channel, "test", self._place(channel)).describe()
        with damage_named(self._place(channel), self.path):
            return described["telemetry"].dtype, described["commands"].dtype

    def dates(self, channel: str) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Return the first and last stamp of a channel's test series, without opening it.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        tuple of pandas.Timestamp or None
            UTC; None where the source is anonymized and gives sample numbers.

        Raises
        ------
        ChannelNotFoundError
            No such channel.
        ArchiveError
            The store is damaged.
        """
        return _dates(self._attributes(channel)["summary"])

    def all_dates(self, channels: Sequence[str]) -> dict[str, tuple[pd.Timestamp, pd.Timestamp]]:
        """Return what `dates` returns for those of many channels that are sound and have dates."""
        attributes = self.look(channels).attributes
        dates = {name: _dates(about["summary"]) for name, about in attributes.items()}
        return {name: ends for name, ends in dates.items() if ends is not None}

    def test_prefix_hash(self, channel: str, n: int, noted: str | None = None) -> str:
        """Return the hash of the first samples of a channel's test series; what was hashed before is not read again.

        Parameters
        ----------
        channel : str
            Name of the channel.
        n : int
            How many samples, at most those of the series.
        noted : str, optional
            Hash that it is compared with, and whose form it has; see `workbench.telemetry.series_hash`.

        Returns
        -------
        str
            What `ChannelInfo.test_hash` would be if the series ended there; just that where it does.

        Raises
        ------
        ChannelNotFoundError
            No such channel.
        ArchiveError
            The series cannot be read, or has fewer samples.
        """
        whole, beginnings = self._extended_from.get(channel, ("", dict[str, int]()))
        if noted is not None and beginnings.get(noted) == n and self._attributes(channel)["test_hash"] == whole:
            return noted
        stamp = self.index.stamp()
        test = self.open(channel, indexed=False)
        if not 0 <= n <= test.sizes["time"]:
            raise ArchiveError(
                f"The test series of {channel} has {counted(test.sizes['time'], 'sample')}, not {n}.",
                "Ask for the hash of samples that it has.",
            )
        if n <= BLOCK_SAMPLES or (noted is not None and not is_chained(noted)):
            return data_hash(test.isel(time=slice(0, n)))
        link = self._link(channel, test, n, stamp)
        return series_hash(test.isel(time=slice(link.samples, n)), link)

    def grows(self, channel: str) -> bool:
        """Tell whether more samples of a channel are to come, so that its last anomalies are provisional.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        bool
            False for a series that has ended, as history that was imported by hand.

        Raises
        ------
        ChannelNotFoundError
            No such channel.
        ArchiveError
            Its attributes are damaged.
        """
        return bool(self._attributes(channel).get("grows", False))

    def received(self, channel: str) -> float:
        """Return when samples of a channel came last, in seconds of the Unix epoch.

        Raises
        ------
        ArchiveError
            The store is damaged.
        """
        return float(self._attributes(channel)["summary"]["received"])

    def tree(self) -> xr.DataTree:
        """Open the whole fleet, one node per channel with `train` and `test` below.

        A node is called as its channel; `/`, `:`, `%` and a dot at the beginning are in percent encoding.
        A channel that is damaged is left out, and a warning in the log says why.

        Returns
        -------
        xarray.DataTree
        """
        nodes: dict[str, xr.Dataset] = {}
        for channel in self.channels():
            try:
                nodes |= {f"/{key_name(channel)}/{split}": self.open(channel, split) for split in SPLITS}
            except ArchiveError as error:
                _LOG.warning("%s", error)
        return xr.DataTree.from_dict(nodes, name="fleet")

    def labels(self, channel: str) -> pd.DataFrame | None:
        """Return the labelled anomalies of a channel's test series.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        pandas.DataFrame or None
            Columns `start`, `end` (rows of the series as it is now, both inclusive) and `kind`; no rows where the
            series is known to be normal, None where nothing is known.

        Raises
        ------
        ChannelNotFoundError
            The archive holds no such channel.
        ArchiveError
            Its attributes or labels are damaged.
        """
        stored = self._label_moments(self._attributes(channel))
        if stored is None:
            return None
        return label_frame(rows_of_moments(stored, self.open(channel)["time"].values) if stored["spans"] else [])

    def label_moments(self, channel: str) -> dict[str, Any] | None:
        """Return all labels of a channel as moments, whether or not a series of it holds samples there.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        dict or None
            `clock`, and `spans` of first moment, last moment and kind; see `workbench.telemetry.moments`. None where
            the channel is not labelled.

        Raises
        ------
        ChannelNotFoundError, ArchiveError
            As for `labels`.
        """
        return self._label_moments(self._attributes(channel))

    def first_number(self, channel: str) -> int | None:
        """Return the number of a channel's first sample, which stays when it is split anew; None where it has times.

        Raises
        ------
        ChannelNotFoundError, ArchiveError
            No such channel, or its attributes are damaged.
        """
        attributes = self.index.attributes(channel) or self._attributes(channel)  # known even where it is damaged
        return first_number(attributes) if attributes["summary"]["clock"] == "sample" else None

    def training_span(self, channel: str) -> TrainingSpan | None:
        """Return the training span that is kept with a channel.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        TrainingSpan or None
            None where the channel was written in two splits, without a span.

        Raises
        ------
        ArchiveError
            Its attributes are damaged.
        """
        attributes = self.index.attributes(channel) or self._attributes(channel)  # known even where it is damaged
        if "training_span" not in attributes:
            return None
        with damage_named(self._place(channel), lambda: self.index.name):
            return TrainingSpan.from_attributes(attributes["training_span"])

    def content_hashes(self, channel: str) -> tuple[str, ...] | None:
        """Return the hashes of all that the archive holds of a channel; None where it holds nothing.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        tuple of str or None
            Of the training and the test series, and of what lies before them; empty where nothing does.
        """
        attributes = self.index.attributes(channel)
        if attributes is None:
            return None
        return tuple(str(attributes.get(name, "")) for name in ("train_hash", "test_hash", "before_hash"))

    def doubtful(self, channel: str) -> str | None:
        """Return the time of the value of a channel that may be cut, as its file had no last line end.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        str or None
            None where there is no such value.

        Raises
        ------
        ArchiveError
            Its attributes are damaged.
        """
        time = self._attributes(channel).get("doubtful")
        return None if time is None else str(time)

    def open_before(self, channel: str) -> xr.Dataset | None:
        """Open the samples before the training span of a channel, and compare them with the hash of what was written.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        xarray.Dataset or None
            None where there are none.

        Raises
        ------
        ArchiveError
            They are damaged.
        """
        about = self._attributes(channel)
        if "n_before" not in about:
            return None
        dataset = self._open_part(channel, BEFORE)
        if data_hash(dataset) != about.get("before_hash"):
            raise self._place(channel).error(
                self.path, "the values before its training span are not those that were written"
            )
        return dataset

    def faults(self) -> list[ArchiveError]:
        """Return what is wrong with what holds the channels together: the store, its index, its tail, its segments."""
        if not self.path.exists():
            return []
        faults: list[ArchiveError] = []
        root = self.path / "zarr.json"
        try:
            with damage_named(Place("The archive", f"Remove {root}: it is made again."), root):
                unsealed_attributes(json.loads(root.read_text(encoding="utf-8")))
        except ArchiveError as error:
            faults.append(error)
        index_place = Place("The index of the archive", "Run: workbench doctor --rebuild-index")
        if not self.index.is_sound():
            return [*faults, index_place.error(self.index.name, "it cannot be read whole")]
        lost: set[int] = set()
        for attempt in range(_TRIES):  # what is published just now is not entered yet
            unreadable: list[ArchiveError] = []
            known = {number: (kind, since) for number, kind, _, since in self.index.publications()}
            published = {number for number, *_ in self._publisher.publications(unreadable)}
            lost = published - self.index.numbers()
            if not lost:
                break
            time.sleep(0.02 * attempt)
        faults += unreadable
        if lost:
            faults.append(index_place.error(self.index.name, f"it lacks {counted(len(lost), 'publication')}"))
        gone = {number for number, (kind, since) in known.items() if kind == "tail" and since is None} - published
        gone &= self.index.numbers()
        if gone:
            place = Place("The tail of the archive", "Restore it from a backup, or import the newest files again.")
            faults.append(place.error(self._tail.file, f"{counted(len(gone), 'publication')} of it are gone"))
        return faults

    def misplaced_index(self) -> ArchiveError | None:
        """Say where the index is, if it is not where `index_url` says.

        Returns
        -------
        ArchiveError or None
            None where it is there, or no archive is there yet.

        Raises
        ------
        ArchiveError
            The archive does not say where it is: its note is damaged, or that of another archive.
        """
        place, wanted = self.index.place_file.read(), self._publisher.index_url
        if not (self.path / "zarr.json").exists() or (place and place.url) == wanted:
            return None
        return ArchiveError(
            f"The index of the archive is {self.index.name}, but index_url in the settings is {wanted or 'not set'}.",
            "To move it, end other commands and the dashboard, and run: workbench doctor --rebuild-index",
        )

    def losses(self) -> list[ArchiveError]:
        """Return what an earlier index knew of channels and is gone; what is there again is left out."""
        named = []
        note = self._publisher.losses.damage()
        if note is not None:
            named.append(
                ArchiveError(
                    f"The note of what the archive has lost is damaged, so that nothing names it any more: {note}.",
                    "Restore it from a backup, or import the newest files of all channels again. "
                    "To accept the loss: workbench doctor --accept-loss",
                )
            )
        published = self.index.numbers()
        for lost in self._publisher.losses.read():
            if lost.revision in published or self._is_there_again(lost):
                continue
            there = self.index.asset_of(lost.channel)
            samples = counted(lost.n_test, "sample")
            labels = f" and {counted(lost.n_labels, 'label')}" if lost.n_labels else ""
            now = "it is gone" if there is None else f"{self._attributes(lost.channel)['n_test']:,} samples are there"
            named.append(
                ArchiveError(
                    f"Channel {lost.channel} has lost what came last: its test series had {samples}{labels} until "
                    f"files of the archive were lost, and {now} since the index was made anew ({lost.noticed}).",
                    "Restore the archive from a backup and run workbench doctor --rebuild-index, or import the newest "
                    "files again. To accept the loss: workbench doctor --accept-loss",
                )
            )
        return named

    def _is_there_again(self, lost: Holding) -> bool:
        try:
            labels = self.label_moments(lost.channel)
            return (
                self.info(lost.channel).n_test >= lost.n_test
                and self.test_prefix_hash(lost.channel, lost.n_test, lost.test_hash) == lost.test_hash
                and (0 if labels is None else len(labels["spans"])) >= lost.n_labels
            )
        except (ArchiveError, ChannelNotFoundError):
            return False

    def scores(self, channel: str) -> dict[str, dict[str, Any]]:
        """Return the attributes of all scores of a channel, by key; no samples are read.

        A score whose attributes are damaged is left out, as if it were not there: scoring again replaces it.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        dict of str to dict
        """
        return self._scores(channel)[0]

    def all_scores(
        self, channels: Sequence[str] | None = None
    ) -> dict[str, tuple[dict[str, dict[str, Any]], dict[str, ArchiveError]]]:
        """Return for every channel that has scores what `scores` and `damaged_scores` return, in one reading.

        Parameters
        ----------
        channels : sequence of str, optional
            Look only at these.

        Returns
        -------
        dict of str to tuple of dict
        """
        stored = self.index.all_scores() if channels is None else self.index.scores_of(channels)
        place = self.index.name  # which looks for its server
        return {channel: _checked_scores(channel, own, place) for channel, own in stored.items()}

    def damaged_scores(self, channel: str) -> dict[str, ArchiveError]:
        """Name the scores of a channel whose attributes are damaged.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        dict of str to ArchiveError
            What is wrong, by key.
        """
        return self._scores(channel)[1]

    @stage("open score")
    def open_scores(self, channel: str, key: str, *, indexed: bool = True) -> xr.Dataset:
        """Open a scored series.

        Parameters
        ----------
        channel : str
            Name of the channel.
        key : str
            Key of the score, as from `scores`.
        indexed : bool
            As for `open`.

        Returns
        -------
        xarray.Dataset
        """
        for _ in range(_TRIES):  # another process may publish in between
            stamp = self.index.stamp()
            sound, damaged = self._scores(channel)
            if key in damaged:
                raise damaged[key]
            if key not in sound:
                keys = ", ".join(sound) or "none"
                hint = f"Run: {command_line('workbench score', channel)}"
                raise ArchiveError(f"{channel} has no score {key!r} (present: {keys}).", hint)
            place = score_place(channel, key)
            reader = self._reader(channel, f"scores/{key}", place)
            if self.index.stamp() == stamp:
                break
        identity = (channel, key, indexed, stamp, reader.files())
        if self._last_score is not None and self._last_score[0] == identity:
            return self._last_score[1].copy()
        dataset = reader.dataset(sound[key], indexed=indexed)
        with damage_named(place, lambda: self.index.name):
            check_scored(dataset)
            if reader.origin != sound[key].get(REMOVED_ROWS, 0):
                raise ValueError("its first rows are not there")
            removed = int(sound[key].get(REMOVED_SAMPLES, 0))
            if removed:
                dataset = dataset.assign_coords(sample=dataset["sample"].variable - removed)
        self._last_score = identity, dataset.copy()
        return dataset

    def sound_scores(self, look: Look, parts: Mapping[str, str]) -> set[str]:
        """Return the channels whose test series and scores are what was written, and note that they are.

        Parameters
        ----------
        look : Look
            From `look`, with scores.
        parts : mapping of str to str
            Key of a score of each channel.

        Returns
        -------
        set of str
            The others are to be checked one by one.
        """
        sound = set()
        for channel, key in parts.items():
            part = f"scores/{key}"
            if channel not in look.attributes or not look.is_verified(channel, "test"):
                continue
            if look.is_verified(channel, part):
                sound.add(channel)
            elif look.is_sound_score(channel, key) and (stamp := look.stamp(channel, part)) is not None:
                self._verified[channel, part] = stamp
                sound.add(channel)
        return sound

    def check_score(self, channel: str, key: str) -> None:
        """Read a stored score whole, where its files have changed since it was last found sound.

        Parameters
        ----------
        channel : str
            Name of the channel.
        key : str
            Key of the score, as from `scores`.

        Raises
        ------
        ArchiveError
            It is not what was written, or does not fit its series.
        """
        part = f"scores/{key}"
        n_test = self._attributes(channel)["n_test"]
        stamp = self._stamp(channel, self.index.pieces(channel, part), "")
        is_sound = stamp in (self._verified.get((channel, part)), self.index.verified(channel, part))
        if not is_sound:
            self.check_score_deeply(channel, key)
        samples = self.open_scores(channel, key, indexed=False).variables.get("sample")
        if samples is not None and samples.size:
            first = int(samples[0])
            if not 0 <= first <= n_test - samples.size or not (is_sound or _counts_on(samples, first)):
                raise score_place(channel, key).error(self.path, "it does not fit its series")
        self._verified[channel, part] = stamp

    def check_score_deeply(self, channel: str, key: str) -> None:
        """Read a stored score whole.

        Parameters
        ----------
        channel : str
            Name of the channel.
        key : str
            Key of the score, as from `scores`.

        Raises
        ------
        ArchiveError
            It is not what was written.
        """
        self.open_scores(channel, key, indexed=False)
        reader = self._reader(channel, f"scores/{key}", score_place(channel, key), fresh=True)
        reader.check_names(channel, ())
        scored = reader.dataset({}, indexed=False)
        for start in range(0, scored.sizes.get("time", 0), _SPAN):
            for variable in scored.isel(time=slice(start, start + _SPAN)).variables.values():
                variable.to_numpy()

    def look(self, channels: Sequence[str], *, with_scores: bool = False) -> Look:
        """Look up many channels at once; what is wrong with one is said where it is looked up alone.

        Parameters
        ----------
        channels : sequence of str
            Names of the channels.
        with_scores : bool
            Look up their scores, too.

        Returns
        -------
        Look
        """
        roots: dict[str, ArchiveError | None] = {}

        def check(name: str, attributes: dict[str, Any], folders: Sequence[str]) -> None:
            for folder in folders:
                if folder not in roots:
                    roots[folder] = None
                    try:
                        self._check_root(folder, self._place(name))
                    except ArchiveError as error:
                        roots[folder] = error
                fault = roots[folder]
                if fault is not None:
                    raise fault
            self._check_attributes(attributes, name)

        return Look(self.path, self.index, self._tail, channels, check, self._verified, with_scores=with_scores)

    # ---- internals

    def _link(self, channel: str, test: xr.Dataset, n: int, stamp: tuple[int, int]) -> Link:
        """Return the last link in the chain of hashes of a test series that lies within its first samples.

        Links that are not in the index yet are put there, unless something was published since its stamp was taken.
        """
        origin = removed_rows(self._attributes(channel), "test")
        last = self.index.link(channel, origin, n)
        new = list(links(test.isel(time=slice(last.samples, n)), last))
        if new:
            with suppress(ArchiveError), self._publisher.publishing_only():  # a home that is only read stays as it is
                if self.index.stamp() == stamp:
                    self.index.add_links(channel, origin, new)
        return new[-1] if new else last

    def _open_part(self, channel: str, part: str, *, indexed: bool = True) -> xr.Dataset:
        """Open a part of a channel; where another process publishes in between, it is looked up again."""
        for _ in range(_TRIES):
            stamp = self.index.stamp()
            about = self._attributes(channel)
            reader = self._reader(channel, part, self._place(channel))
            if self.index.stamp() == stamp:
                break
        if reader.origin != removed_rows(about, part):
            raise self._place(channel).error(self.path, f"the first rows of {part} are not there")
        if reader.length != about[f"n_{part}"]:
            raise self._place(channel).error(self.path, f"{part} has {reader.length} rows, not {about[f'n_{part}']}")
        attributes = about.get("attributes", {}).get(part) or {name: about[name] for name in ATTRIBUTES}
        return reader.kept_dataset(attributes, about["command_names"], self._open_datasets, indexed=indexed)

    def _reader(
        self, channel: str, part: str, place: Place, begin: int = 0, end: int | None = None, *, fresh: bool = False
    ) -> PartReader:
        """Return what reads a part of a channel, or some rows of it."""
        root = self.path / "zarr.json"
        with damage_named(place, root):
            about = root.stat()
        pieces = self.index.pieces(channel, part)
        origin = pieces[0].first if pieces else 0  # rows that are removed
        if origin or begin > 0 or end is not None:
            pieces = within(pieces, origin + begin, None if end is None else origin + end)
        fate = partial(_fate, self.path, channel, part)
        identity = (about.st_ino, about.st_mtime_ns)
        return PartReader(self.path, self._tail, pieces, place, identity, origin=origin, fresh=fresh, fate=fate)

    def _attributes(self, channel: str) -> dict[str, Any]:
        attributes = self.index.attributes(channel) if is_name(channel) else None
        if attributes is None and self._publisher.recover_index():
            return self._attributes(channel)
        if attributes is None:
            if channel in self._left_over():
                folder = earlier_folder(self.path, channel)
                read_earlier_channel(folder, self._place(channel))
                raise self._place(channel).error(folder, "it is of an earlier release and was not taken over")
            raise ChannelNotFoundError(f"Unknown channel {channel!r}.", suggest(channel, self.channels()))
        for segment in self.index.folders(channel):
            self._check_root(segment, self._place(channel))
        self._check_attributes(attributes, channel)
        return attributes

    def _place(self, channel: str) -> Place:
        return Place(f"Channel {channel}", partial(_how_to_import_again, self.path, channel))

    def _check_attributes(self, attributes: dict[str, Any], channel: str) -> None:
        with damage_named(self._place(channel), lambda: self.index.name):
            check_channel(attributes, channel)

    def _check_root(self, folder: str, place: Place) -> None:
        """Compare what a segment says with its seal, where its file has changed since this was done."""
        file = f"{self.path}/{folder}/zarr.json"
        with damage_named(place, file):
            about = os.stat(file)
            if self._sound_roots.get(folder) != (about.st_ino, about.st_mtime_ns):
                content = Path(file).read_bytes()
                if self.index.description_checksum(folder) != zlib.crc32(content):
                    unsealed_attributes(json.loads(content.decode()))
                self._sound_roots[folder] = (about.st_ino, about.st_mtime_ns)

    def _label_moments(self, attributes: dict[str, Any]) -> dict[str, Any] | None:
        """Return the labels in the attributes of a channel, after checking them."""
        stored: dict[str, Any] | None = self._with_label_moments(attributes).get(LABEL_MOMENTS)
        return stored

    def _with_label_moments(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Return attributes of a channel with its labels as moments, after checking these."""
        channel = str(attributes["channel"])
        place = Place(f"The label table of {channel}", partial(_how_to_import_again, self.path, channel))
        with damage_named(place, lambda: self.index.name):
            attributes = with_label_moments(attributes, lambda: self.open(channel)["time"].values)
            if attributes.get(LABEL_MOMENTS) is not None:
                check_label_moments(attributes[LABEL_MOMENTS])
        return attributes

    def _scores(self, channel: str) -> tuple[dict[str, dict[str, Any]], dict[str, ArchiveError]]:
        self._attributes(channel)
        return _checked_scores(channel, self.index.scores(channel), self.index.name)

    def _stamp(self, channel: str, pieces: Sequence[Piece], content_hash: str) -> str:
        """Return a text that changes when a file that holds some rows changes; rows in the tail are read."""
        digest = hashlib.sha256(content_hash.encode())
        for piece in pieces:
            digest.update(f"{piece};".encode())
            if piece.kind == "tail":
                with damage_named(self._place(channel), self._tail.file):
                    self._tail.check(piece.revision, piece.lane)
            else:
                folder = self.path / piece.folder / piece.place
                with damage_named(self._place(channel), folder):
                    for file in lane_files(folder, piece.lane):
                        about = file.stat()
                        digest.update(f"{file.name}:{about.st_ino}:{about.st_size}:{about.st_mtime_ns};".encode())
        return digest.hexdigest()

    def _names_among(self, channels: Sequence[str]) -> set[str]:
        """Return those of channels that the archive holds, sound or not."""
        self._publisher.recover_index()
        return self.index.attributes_of(channels).keys() | (set(channels) & set(self._left_over()))

    def _left_over(self) -> list[str]:
        """Return channels of the first layout that could not be taken over, because they are damaged."""
        try:
            with os.scandir(self.path) as entries:
                return [one.name for one in entries if not one.name.startswith(("_", ".")) and one.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise ArchiveError(f"Archive {self.path} cannot be read: {error.strerror}.") from None


_SEGMENT = Place("A segment of the archive", "Run: workbench doctor")


def score_place(channel: str, key: str) -> Place:
    """Name a stored score for an error that says that it is damaged."""
    return Place(f"The stored score {key} of {channel}", partial(_how_to_score_again, channel))


def _how_to_score_again(channel: str) -> str:
    return "Run: " + command_line("workbench score", channel, options="--force")


def _counts_on(samples: xr.Variable, first: int) -> bool:
    """Tell whether numbers of samples follow each other from a first one on; they are read span by span."""
    return all(
        np.array_equal(span, np.arange(first + start, first + start + span.size))
        for start in range(0, samples.size, _SPAN)
        for span in [samples[start : start + _SPAN].values]
    )


def _dates(summary: Mapping[str, Any]) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    if summary["clock"] != "time":
        return None
    return pd.Timestamp(summary["first"], tz="UTC"), pd.Timestamp(summary["last"], tz="UTC")


def _checked_scores(
    channel: str, stored: Mapping[str, dict[str, Any] | ArchiveError], file: Path | str
) -> tuple[dict[str, dict[str, Any]], dict[str, ArchiveError]]:
    """Divide the attributes of scores into those that are sound, and what is wrong with the others."""
    sound: dict[str, dict[str, Any]] = {}
    damaged: dict[str, ArchiveError] = {}
    for key, attributes in stored.items():
        if isinstance(attributes, ArchiveError):
            damaged[key] = score_place(channel, key).error(file, attributes.message)
            continue
        try:
            try:
                check_score(attributes)
            except DAMAGE:
                with damage_named(score_place(channel, key), file):  # which names the damage
                    check_score(attributes)
            if not attributes.get("removed_whole"):
                sound[key] = attributes
        except ArchiveError as error:
            damaged[key] = error
    return sound, damaged


def _fate(path: Path, channel: str, part: str, piece: Piece) -> ArchiveError | None:
    """Return the error for rows that are gone since they no longer hold; None where they hold, and are damaged."""
    index = Index(path)
    if index.asset_of(channel) is None:
        return ArchiveError(
            f"Channel {channel} was removed from the archive after this series was opened.",
            "What there is: workbench channels",
        )
    if piece.revision not in {one.revision for one in index.pieces(channel, part)}:
        return ArchiveError(f"Channel {channel} was written anew after this series was opened.", "Open it again.")
    return None


def _how_to_import_again(path: Path, channel: str) -> str:
    """Say how a damaged channel is imported again, as far as its description can be read."""
    attributes: dict[str, Any] | None = None
    with suppress(ArchiveError):
        attributes = Index(path).attributes(channel)
    return import_again(earlier_attributes(earlier_folder(path, channel)) if attributes is None else attributes)
