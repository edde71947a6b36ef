"""The archive: one Zarr store that holds each channel's telemetry, labels and scores.

Layout: `<store>/<channel>/{train,test}` and `<store>/<channel>/scores/<key>`. Everything is written to a
folder beside the store first and renamed into place, so that a reader sees a channel whole or not at all.

One module because reading, writing and recovery share this layout and its locks: each is wrong where another changes.
"""

import json
import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
import zarr
from filelock import FileLock, Timeout

from workbench.counts import counted
from workbench.exceptions import ArchiveError, ChannelNotFoundError, WorkbenchError
from workbench.observability.timings import stage
from workbench.telemetry.attributes import check_channel, check_labels, check_score, check_scored
from workbench.telemetry.damage import Place, damage_named
from workbench.telemetry.schema import ATTRIBUTES, SPLITS, data_hash, validate
from workbench.telemetry.store import (
    CHANNEL_NAME,
    LABEL_COLUMNS,
    check_pair,
    label_frame,
    label_rows,
    natural_key,
    open_dataset,
    read_attributes,
    store_dataset,
    suggest,
)

__all__ = ["CHANNEL_NAME", "LABEL_COLUMNS", "Archive", "ChannelInfo", "natural_key"]

_LOG = logging.getLogger(__name__)
_IMPORT_AGAIN = "Import it again: workbench import PATH"


@dataclass(frozen=True)
class ChannelInfo:
    """Description of a channel that needs no reading of its samples.

    Attributes
    ----------
    channel, asset, subsystem, units, source, sample_period : str
        As in the contract of a channel.
    n_train, n_test, n_commands : int
        Samples of each split and number of input columns.
    train_hash, test_hash : str
        SHA-256 of each split's values.
    labelled : bool
        Whether the test series is labelled (a labelled series may hold no anomaly).
    """

    channel: str
    asset: str
    subsystem: str
    units: str
    source: str
    sample_period: str
    n_train: int
    n_test: int
    n_commands: int
    train_hash: str
    test_hash: str
    labelled: bool


class Archive:
    """Telemetry, labels and scores of a fleet in one Zarr store.

    Parameters
    ----------
    path : Path
        Folder of the store. It is made at the first write; a missing one reads as empty.

    Attributes
    ----------
    path : Path
        Folder of the store.
    incoming : Path
        Folder beside the store for what is being written; it exists only during a write, and after a crash until the
        archive is opened again.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.incoming = self.path.with_name(self.path.name + ".incoming")
        self._dates: dict[str, tuple[pd.Timestamp, pd.Timestamp]] = {}
        if self.incoming.exists():
            self._recover()

    def __repr__(self) -> str:
        """Say where the archive is and how many channels it holds."""
        return f"Archive({str(self.path)!r}, {counted(len(self.channels()), 'channel')})"

    # ---- reading

    def channels(self) -> list[str]:
        """Return the names of all channels in natural order."""
        try:
            names = [entry.name for entry in os.scandir(self.path) if entry.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ArchiveError(f"Archive {self.path} cannot be read: {error.strerror}.") from None
        return sorted((name for name in names if self._is_channel(name)), key=natural_key)

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
        attributes = self._attributes(channel)
        names = [name for name in ChannelInfo.__dataclass_fields__ if name != "labelled"]
        return ChannelInfo(**{name: attributes[name] for name in names}, labelled=attributes.get("labels") is not None)

    def infos(self) -> tuple[list[ChannelInfo], dict[str, ArchiveError]]:
        """Describe all channels, and name those that cannot be described.

        Returns
        -------
        list of ChannelInfo
            The channels whose attributes can be read, in natural order.
        dict of str to ArchiveError
            What is wrong with each of the others.
        """
        described: list[ChannelInfo] = []
        damaged: dict[str, ArchiveError] = {}
        for name in self.channels():
            try:
                described.append(self.info(name))
            except ArchiveError as error:
                damaged[name] = error
        return described, damaged

    def asset_of(self, channel: str) -> tuple[str, str]:
        """Name the asset and subsystem of a channel even where its attributes are damaged.

        Parameters
        ----------
        channel : str
            Name of the channel.

        Returns
        -------
        tuple of str
            From the channel's attributes, else from those of a split; "unknown" and empty where none can be read.
        """
        for folder in ("", *SPLITS):
            try:
                attributes = read_attributes(self.path / channel / folder / "zarr.json", self._place(channel))
            except ArchiveError:
                continue
            asset, subsystem = attributes.get("asset"), attributes.get("subsystem")
            if isinstance(asset, str) and asset and isinstance(subsystem, str):
                return asset, subsystem
        return "unknown", ""

    def check(self, channel: str, split: str) -> None:
        """Read one split of a channel whole, and compare it with the hash that was noted when it was written.

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
        if data_hash(self.open(channel, split)) != self._attributes(channel)[f"{split}_hash"]:
            folder = self.path / channel / split
            raise self._place(channel).error(folder, "its values are not those that were written")

    @stage("open channel")
    def open(self, channel: str, split: str = "test") -> xr.Dataset:
        """Open one split of a channel; samples are read when they are used.

        Parameters
        ----------
        channel : str
            Name of the channel.
        split : {"train", "test"}
            Split to open.

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
        about = self._attributes(channel)

        def check(dataset: xr.Dataset) -> None:
            validate(dataset)
            for name in ("channel", "asset", "subsystem", "units"):
                if dataset.attrs[name] != about[name]:
                    raise ValueError(f"its {name} is {dataset.attrs[name]!r}, that of the channel {about[name]!r}")

        folder, length = self.path / channel / split, about[f"n_{split}"]
        return open_dataset(folder, self._place(channel), about["command_names"], length=length, check=check)

    def dates(self, channel: str) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Return the first and last stamp of a channel's test series, without opening it where that was done before.

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
        test_hash = self._attributes(channel)["test_hash"]
        if test_hash not in self._dates:
            file = self.path / channel / "test" / "time" / "zarr.json"
            if "units" not in read_attributes(file, self._place(channel)):
                return None
            first, last = pd.DatetimeIndex(self.open(channel)["time"].values[[0, -1]]).tz_localize("UTC")
            self._dates[test_hash] = (first, last)
        return self._dates[test_hash]

    def received(self, channel: str) -> float:
        """Return when the test series of a channel was written, in seconds of the Unix epoch.

        Raises
        ------
        ArchiveError
            The store is damaged.
        """
        file = self.path / channel / "test" / "zarr.json"
        with damage_named(self._place(channel), file):
            return file.stat().st_mtime

    def tree(self) -> xr.DataTree:
        """Open the whole fleet, one node per channel with `train` and `test` below.

        A channel that is damaged is left out, and a warning in the log says why.

        Returns
        -------
        xarray.DataTree
        """
        nodes: dict[str, xr.Dataset] = {}
        for channel in self.channels():
            try:
                nodes |= {f"/{channel}/{split}": self.open(channel, split) for split in SPLITS}
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
            Columns `start`, `end` (samples, both inclusive) and `kind`; no rows where the series is known
            to be normal, None where nothing is known.

        Raises
        ------
        ChannelNotFoundError
            The archive holds no such channel.
        ArchiveError
            Its attributes or labels are damaged.
        """
        attributes = self._attributes(channel)
        rows = attributes.get("labels")
        if rows is None:
            return None
        place = Place(f"The label table of {channel}", _IMPORT_AGAIN)
        with damage_named(place, self.path / channel / "zarr.json"):
            check_labels(rows, attributes["n_test"])
            return label_frame(rows)

    # ---- writing

    def write(self, train: xr.Dataset, test: xr.Dataset, labels: pd.DataFrame | None = None) -> bool:
        """Add a channel or replace it, whole or not at all.

        Scores of an earlier version are kept: their data hash tells that they are stale. Labels are kept
        where none are given and the test series is the same.

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
        validate(train)
        validate(test)
        channel = str(test.attrs["channel"])
        check_pair(channel, train, test)
        rows = None if labels is None else label_rows(channel, labels, test.sizes["time"])
        attributes: dict[str, Any] = {
            **{name: test.attrs[name] for name in ATTRIBUTES},
            "n_train": train.sizes["time"],
            "n_test": test.sizes["time"],
            "n_commands": test.sizes["command"],
            "command_names": [str(name) for name in test["command"].values],
            "train_hash": data_hash(train),
            "test_hash": data_hash(test),
            "labels": rows,
        }
        with self._writing() as incoming:
            target = self.path / channel
            present = self._sound_attributes(channel)
            if present is not None:
                if rows is None and present["test_hash"] == attributes["test_hash"]:
                    attributes["labels"] = present.get("labels")
                if present == attributes and self._is_whole(channel):
                    return False
            staged = incoming / f"new-{uuid.uuid4().hex}"
            zarr.create_group(staged, attributes=attributes, zarr_format=3)
            for split, dataset in zip(SPLITS, (train, test), strict=True):
                store_dataset(dataset.drop_vars("command"), staged / split)
            if (target / "scores").exists():
                shutil.copytree(target / "scores", staged / "scores")
            if target.exists():
                target.rename(incoming / f"old-{uuid.uuid4().hex}@{channel}")
            staged.rename(target)
        return True

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
        rows = label_rows(channel, labels, self.info(channel).n_test)
        with self._writing() as incoming:
            file = self.path / channel / "zarr.json"
            document = json.loads(file.read_text(encoding="utf-8"))
            document["attributes"]["labels"] = rows
            staged = incoming / f"new-{uuid.uuid4().hex}"
            staged.write_text(json.dumps(document), encoding="utf-8")
            staged.replace(file)

    # ---- scores

    def write_scores(self, channel: str, key: str, scored: xr.Dataset) -> None:
        """Keep a scored series beside its channel; one of the same key is replaced.

        Parameters
        ----------
        channel : str
            Name of the channel.
        key : str
            Name of the score, as `ridge.paper`.
        scored : xarray.Dataset
            Attributes must be strings or numbers.
        """
        self._attributes(channel)
        with self._writing() as incoming:
            target = self.path / channel / "scores" / key
            staged = incoming / f"new-{uuid.uuid4().hex}"
            store_dataset(scored, staged)
            target.parent.mkdir(exist_ok=True)
            if not (target.parent / "zarr.json").exists():
                zarr.create_group(target.parent, zarr_format=3)
            if target.exists():
                target.rename(incoming / f"old-{uuid.uuid4().hex}")
            staged.rename(target)

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
    def open_scores(self, channel: str, key: str) -> xr.Dataset:
        """Open a scored series.

        Parameters
        ----------
        channel : str
            Name of the channel.
        key : str
            Key of the score, as from `scores`.

        Returns
        -------
        xarray.Dataset
        """
        folder = self.path / channel / "scores" / key
        if not (folder / "zarr.json").exists():
            keys = ", ".join(self.scores(channel)) or "none"
            raise ArchiveError(f"{channel} has no score {key!r} (present: {keys}).", f"Run: workbench score {channel}")
        return open_dataset(folder, _score_place(channel, key), check=check_scored)

    # ---- internals

    @staticmethod
    def _place(channel: str) -> Place:
        return Place(f"Channel {channel}", _IMPORT_AGAIN)

    def _is_channel(self, name: str) -> bool:
        """Tell whether a folder is a channel's; one whose description is gone, or that may not be read, still is."""
        try:
            return any((self.path / name / part).exists() for part in ("zarr.json", *SPLITS))
        except OSError:
            return True

    def _sound_attributes(self, channel: str) -> dict[str, Any] | None:
        """Return the attributes of a channel; None where it does not exist or is damaged."""
        try:
            return self._attributes(channel)
        except (ChannelNotFoundError, ArchiveError):
            return None

    def _is_whole(self, channel: str) -> bool:
        """Tell whether both splits of a channel hold what was written."""
        try:
            for split in SPLITS:
                self.check(channel, split)
        except WorkbenchError:
            return False
        return True

    def _scores(self, channel: str) -> tuple[dict[str, dict[str, Any]], dict[str, ArchiveError]]:
        self._attributes(channel)
        sound: dict[str, dict[str, Any]] = {}
        damaged: dict[str, ArchiveError] = {}
        for folder in sorted((self.path / channel / "scores").glob("*/")):
            file, place = folder / "zarr.json", _score_place(channel, folder.name)
            try:
                attributes = read_attributes(file, place)
                with damage_named(place, file):
                    check_score(attributes)
                sound[folder.name] = attributes
            except ArchiveError as error:
                damaged[folder.name] = error
        return sound, damaged

    def _attributes(self, channel: str) -> dict[str, Any]:
        if not CHANNEL_NAME.fullmatch(channel) or not self._is_channel(channel):
            raise ChannelNotFoundError(f"Unknown channel {channel!r}.", suggest(channel, self.channels()))
        file = self.path / channel / "zarr.json"
        attributes = read_attributes(file, self._place(channel))
        with damage_named(self._place(channel), file):
            check_channel(attributes, channel)
        return attributes

    @contextmanager
    def _writing(self) -> Iterator[Path]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.incoming}.lock"):
                if not (self.path / "zarr.json").exists():
                    zarr.create_group(self.path, zarr_format=3)
                self.incoming.mkdir(exist_ok=True)
                try:
                    yield self.incoming
                finally:
                    self._settle()
        except (OSError, NotImplementedError) as error:  # filelock raises the latter on a file system without locks
            reason = getattr(error, "strerror", None) or str(error)
            raise ArchiveError(
                f"Archive {self.path} cannot be written: {reason}.",
                "Nothing was changed. Free space, or set WORKBENCH_HOME to a writable folder.",
            ) from error

    def _recover(self) -> None:
        """Undo what a crash left half done, unless another process is writing just now."""
        try:
            with FileLock(f"{self.incoming}.lock", timeout=0):
                self._settle()
        except (Timeout, OSError):
            return

    def _settle(self) -> None:
        """Put back a channel that was taken out but not replaced, and drop the rest."""
        for old in self.incoming.glob("old-*@*"):
            target = self.path / old.name.partition("@")[2]
            if not target.exists():
                old.rename(target)
        shutil.rmtree(self.incoming, ignore_errors=True)


def _score_place(channel: str, key: str) -> Place:
    return Place(f"The stored score {key} of {channel}", f"Run: workbench score {channel} --force")
