"""The archive: one Zarr store that holds each channel's telemetry, labels and scores.

Layout: `<store>/<channel>/{train,test}` and `<store>/<channel>/scores/<key>`. Everything is written to a
folder beside the store first and renamed into place, so that a reader sees a channel whole or not at all.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd
import xarray as xr
import zarr
from filelock import FileLock, Timeout

from workbench.exceptions import ArchiveError, ChannelNotFoundError
from workbench.observability.timings import stage
from workbench.telemetry.schema import ATTRIBUTES, SPLITS, data_hash, validate
from workbench.telemetry.store import (
    CHANNEL_NAME,
    LABEL_COLUMNS,
    check_pair,
    label_frame,
    label_rows,
    natural_key,
    open_dataset,
    read_json,
    store_dataset,
    suggest,
)

__all__ = ["CHANNEL_NAME", "LABEL_COLUMNS", "Archive", "ChannelInfo", "natural_key"]


@dataclass(frozen=True)
class ChannelInfo:
    """What the archive knows of a channel without reading its samples.

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
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._incoming = self.path.with_name(self.path.name + ".incoming")
        self._dates: dict[str, tuple[pd.Timestamp, pd.Timestamp]] = {}
        if self._incoming.exists():
            self._recover()

    def __repr__(self) -> str:
        """Say where the archive is and how many channels it holds."""
        return f"Archive({str(self.path)!r}, {len(self.channels())} channels)"

    # ---- reading

    def channels(self) -> list[str]:
        """Names of all channels in natural order."""
        try:
            names = [entry.name for entry in os.scandir(self.path) if entry.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ArchiveError(f"Archive {self.path} cannot be read: {error.strerror}.") from None
        return sorted((name for name in names if (self.path / name / "zarr.json").exists()), key=natural_key)

    def info(self, channel: str) -> ChannelInfo:
        """Describe a channel from its attributes alone.

        Parameters
        ----------
        channel : str

        Returns
        -------
        ChannelInfo

        Raises
        ------
        ChannelNotFoundError
            The archive holds no such channel.
        """
        attributes = self._attributes(channel)
        kept = {name: attributes[name] for name in ChannelInfo.__dataclass_fields__ if name in attributes}
        return ChannelInfo(**kept, labelled=attributes.get("labels") is not None)

    @stage("open channel")
    def open(self, channel: str, split: str = "test") -> xr.Dataset:
        """Open one split of a channel; samples are read when they are used.

        Parameters
        ----------
        channel : str
        split : {"train", "test"}

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
        names = self._attributes(channel)["command_names"]
        return open_dataset(self.path / channel / split, names)

    def dates(self, channel: str) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Give the first and last stamp of a channel's test series, without opening it where that was done before.

        Parameters
        ----------
        channel : str

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
        known = self._attributes(channel)["test_hash"]
        if known not in self._dates:
            if "units" not in read_json(self.path / channel / "test" / "time" / "zarr.json")["attributes"]:
                return None
            first, last = pd.DatetimeIndex(self.open(channel)["time"].values[[0, -1]]).tz_localize("UTC")
            self._dates[known] = (first, last)
        return self._dates[known]

    def tree(self) -> xr.DataTree:
        """Open the whole fleet, one node per channel with `train` and `test` below.

        Returns
        -------
        xarray.DataTree
        """
        nodes = {f"/{channel}/{split}": self.open(channel, split) for channel in self.channels() for split in SPLITS}
        return xr.DataTree.from_dict(nodes, name="fleet")

    def labels(self, channel: str) -> pd.DataFrame | None:
        """Labelled anomalies of a channel's test series.

        Parameters
        ----------
        channel : str

        Returns
        -------
        pandas.DataFrame or None
            Columns `start`, `end` (samples, both inclusive) and `kind`; no rows where the series is known
            to be normal, None where nothing is known.
        """
        rows = self._attributes(channel).get("labels")
        return None if rows is None else label_frame(rows)

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
            present = self._attributes(channel) if (target / "zarr.json").exists() else None
            if present is not None:
                if rows is None and present["test_hash"] == attributes["test_hash"]:
                    attributes["labels"] = present.get("labels")
                if present == attributes:
                    return False
            staged = incoming / f"new-{uuid.uuid4().hex}"
            zarr.create_group(staged, attributes=attributes, zarr_format=3)
            for split, dataset in zip(SPLITS, (train, test), strict=True):
                store_dataset(dataset.drop_vars("command"), staged / split)
            if (target / "scores").exists():
                shutil.copytree(target / "scores", staged / "scores")
            if present is not None:
                target.rename(incoming / f"old-{uuid.uuid4().hex}@{channel}")
            staged.rename(target)
        return True

    def set_labels(self, channel: str, labels: pd.DataFrame) -> None:
        """Replace the labels of a channel.

        Parameters
        ----------
        channel : str
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
        """Attributes of all scores of a channel, by key; no samples are read.

        Parameters
        ----------
        channel : str

        Returns
        -------
        dict of str to dict
        """
        self._attributes(channel)
        folder = self.path / channel / "scores"
        found = {}
        for file in sorted(folder.glob("*/zarr.json")):
            found[file.parent.name] = read_json(file)["attributes"]
        return found

    @stage("open score")
    def open_scores(self, channel: str, key: str) -> xr.Dataset:
        """Open a scored series.

        Parameters
        ----------
        channel : str
        key : str

        Returns
        -------
        xarray.Dataset
        """
        folder = self.path / channel / "scores" / key
        if not (folder / "zarr.json").exists():
            known = ", ".join(self.scores(channel)) or "none"
            raise ArchiveError(f"{channel} has no score {key!r} (present: {known}).", f"Run: workbench score {channel}")
        return open_dataset(folder)

    # ---- internals

    def _attributes(self, channel: str) -> dict[str, Any]:
        file = self.path / channel / "zarr.json"
        if not CHANNEL_NAME.fullmatch(channel) or not file.exists():
            raise ChannelNotFoundError(f"Unknown channel {channel!r}.", suggest(channel, self.channels()))
        attributes = read_json(file)["attributes"]
        if "test_hash" not in attributes:
            raise ArchiveError(f"{file} does not describe a channel.", "Import the channel again.")
        return cast("dict[str, Any]", attributes)

    @contextmanager
    def _writing(self) -> Iterator[Path]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._incoming}.lock"):
                if not (self.path / "zarr.json").exists():
                    zarr.create_group(self.path, zarr_format=3)
                self._incoming.mkdir(exist_ok=True)
                try:
                    yield self._incoming
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
            with FileLock(f"{self._incoming}.lock", timeout=0):
                self._settle()
        except (Timeout, OSError):
            return

    def _settle(self) -> None:
        """Put back a channel that was taken out but not replaced, and drop the rest."""
        for old in self._incoming.glob("old-*@*"):
            target = self.path / old.name.partition("@")[2]
            if not target.exists():
                old.rename(target)
        shutil.rmtree(self._incoming, ignore_errors=True)
