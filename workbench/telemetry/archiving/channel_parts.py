"""What is stored of a channel: its parts, and the attributes that describe them."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.telemetry.archiving.label_moments import Span, are_labelled, label_moments, moments_of_rows
from workbench.telemetry.archiving.lanes import Lane, lane_of
from workbench.telemetry.attribute_names import LABEL_MOMENTS
from workbench.telemetry.moments import clock_of, ticks
from workbench.telemetry.schema import ATTRIBUTES, data_hash, validate
from workbench.telemetry.series_hash import BLOCK_SAMPLES, START, Link, links, series_hash
from workbench.telemetry.store import check_pair, label_rows
from workbench.telemetry.training_span import TrainingSpan

__all__ = ["BEFORE", "ChannelInfo", "ChannelParts", "channel_info", "summary_of", "summary_of_arrays", "without_time"]

BEFORE = "before"
"""Part with the samples before the training span."""

_LAST_ROWS = 4096


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
        Hash of each split's values; see `workbench.telemetry.series_hash` for that of the test series.
    labelled : bool
        Whether the test series is labelled (a labelled series may hold no anomaly).
    grows : bool
        Whether more samples are to come.
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
    grows: bool = False


@dataclass(frozen=True)
class ChannelParts:
    """What is stored of one channel.

    Attributes
    ----------
    train, test : xarray.Dataset
        Both splits.
    labels : pandas.DataFrame or None
        Anomalies of the test series.
    before : xarray.Dataset or None
        Samples before the training span; they are neither learned from nor scored.
    span : TrainingSpan or None
        The training span; None where the source came in two splits.
    earlier_labels : tuple of tuple
        First and last time, or number of a sample since the channel began, and kind of the labelled anomalies that
        lie before the test series.
    doubtful : str or None
        Time of a value that may be cut, as its file had no last line end: what comes for that time later holds.
    """

    train: xr.Dataset
    test: xr.Dataset
    labels: pd.DataFrame | None = None
    before: xr.Dataset | None = None
    span: TrainingSpan | None = None
    earlier_labels: tuple[tuple[str | int, str | int, str], ...] = ()
    doubtful: str | None = None

    @property
    def channel(self) -> str:
        """Name of the channel."""
        return str(self.test.attrs["channel"])

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Chain of hashes of the test series, where it is longer than a block."""
        return tuple(links(self.test)) if self.test.sizes["time"] > BLOCK_SAMPLES else ()

    def groups(self) -> dict[str, xr.Dataset]:
        """Return the datasets by the name of their folder."""
        return {"train": self.train, "test": self.test} | ({} if self.before is None else {BEFORE: self.before})

    def lanes(self) -> list[Lane]:
        """Return the rows of all parts."""
        return [lane_of(dataset, self.channel, part) for part, dataset in self.groups().items()]

    def attributes(self) -> dict[str, Any]:
        """Return the description of the channel; data that the older releases do not have are left out where empty.

        Raises
        ------
        SchemaError
            The splits break the contract or do not belong together.
        LabelError
            A label lies outside the test series.
        """
        for dataset in self.groups().values():
            validate(dataset)
        channel, train, test = self.channel, self.train, self.test
        last = self.links[-1] if self.links else START
        check_pair(channel, train, test)
        attributes: dict[str, Any] = {
            **{name: test.attrs[name] for name in ATTRIBUTES},
            "n_train": train.sizes["time"],
            "n_test": test.sizes["time"],
            "n_commands": test.sizes["command"],
            "command_names": [str(name) for name in test["command"].values],
            "train_hash": data_hash(train),
            "test_hash": series_hash(test.isel(time=slice(last.samples, None)), last),
            LABEL_MOMENTS: self._label_moments(),
            "summary": summary_of(test),
        }
        own = {name: dict(one.attrs) for name, one in self.groups().items()}
        base = {name: attributes[name] for name in ATTRIBUTES}
        if any(one != base for one in own.values()):
            attributes["attributes"] = {name: one for name, one in own.items() if one != base}
        if self.span is not None:
            attributes["training_span"] = self.span.to_attributes()
        if self.doubtful is not None:
            attributes["doubtful"] = self.doubtful
        if self.before is not None:
            attributes |= {"n_before": self.before.sizes["time"], "before_hash": data_hash(self.before)}
        return attributes

    def _label_moments(self) -> dict[str, Any] | None:
        """Return the labels of the whole channel as moments; None where it is not labelled."""
        times = self.test["time"].values
        if self.labels is None and not self.earlier_labels:
            return None
        rows = [] if self.labels is None else label_rows(self.channel, self.labels, len(times))
        n_before = 0 if self.before is None else self.before.sizes["time"]
        number_of_first = int(ticks(times[:1])[0]) - self.train.sizes["time"] - n_before
        earlier: list[Span] = []
        for first, last, kind in self.earlier_labels:
            ends = [
                int(ticks(np.array([point], "M8[ns]"))[0]) if isinstance(point, str) else point + number_of_first
                for point in (first, last)
            ]
            earlier.append((ends[0], ends[1], kind))
        return label_moments(clock_of(times), [*earlier, *moments_of_rows(rows, times)])


def summary_of(test: xr.Dataset) -> dict[str, Any]:
    """Return what lists show of a test series, and when it came."""
    return summary_of_arrays(test["time"].values, test["telemetry"].values)


def summary_of_arrays(times: npt.NDArray[Any], telemetry: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Return what `summary_of` returns for a series with these times and values."""
    finite = np.flatnonzero(np.isfinite(telemetry[-_LAST_ROWS:]))
    if not finite.size:
        finite = np.flatnonzero(np.isfinite(telemetry))
        last_value = float(telemetry[finite[-1]]) if finite.size else None
    else:
        last_value = float(telemetry[-_LAST_ROWS:][finite[-1]])
    ends = ticks(times[[0, -1]])
    return {
        "clock": clock_of(times),
        "first": int(ends[0]),
        "last": int(ends[1]),
        "last_value": last_value,
        "received": time.time(),
    }


def without_time(attributes: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return attributes without when the samples came, to compare them."""
    if attributes is None:
        return None
    plain: dict[str, Any] = json.loads(json.dumps(attributes))
    plain["summary"].pop("received", None)
    plain.pop("grows", None)
    return plain


_STORED = tuple(name for name in ChannelInfo.__dataclass_fields__ if name not in ("labelled", "grows"))


def channel_info(attributes: Mapping[str, Any]) -> ChannelInfo:
    """Return the description that the attributes of a channel make."""
    return ChannelInfo(
        **{name: attributes[name] for name in _STORED},
        labelled=are_labelled(attributes),
        grows=bool(attributes.get("grows", False)),
    )
