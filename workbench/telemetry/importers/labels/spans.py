"""Labels as times: when channels and assets were anomalous, and which samples of a series that is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.telemetry.appending import label_runs, label_series
from workbench.telemetry.importers.names import name_and_units
from workbench.telemetry.importers.report import ChannelImport

__all__ = ["LabelScope", "LabelSpans", "LabelledSamples", "SeriesNames", "label_samples", "label_table"]

_STEPS_OF_A_SAMPLE = 1.5  # median steps that a sample stands for, as in the count of gaps
_MAX_LISTED_NAMES = 5


@dataclass(frozen=True)
class SeriesNames:
    """What the series of a channel is called.

    Attributes
    ----------
    asset : str
        Its asset.
    channels : frozenset of str
        Name of the channel, and of the column that it comes from.
    unique_names : frozenset of str
        Those of them that no other asset's channel has.
    files : frozenset of str
        Names of the files that it comes from, without ending.
    """

    asset: str
    channels: frozenset[str]
    unique_names: frozenset[str]
    files: frozenset[str]

    @classmethod
    def of(cls, channel: str, asset: str, source: str, column: str, assets: Mapping[str, str]) -> "SeriesNames":
        """Return the names of a channel.

        Parameters
        ----------
        channel, asset, source : str
            Name in the archive, its asset, and the name of its file.
        column : str
            Name of the column that it comes from.
        assets : mapping of str to str
            Asset of every channel that the archive holds.

        Examples
        --------
        >>> names = SeriesNames.of("pump.load", "pump", "pump.csv", "load", {"load": "fan"})
        >>> sorted(names.channels), sorted(names.unique_names)
        (['load', 'pump.load'], ['pump.load'])
        """
        names = {channel, column, name_and_units(column)[0]}
        unique = {name for name in names if assets.get(name, asset) == asset}
        return cls(asset, frozenset(names), frozenset(unique), frozenset({source.partition(".")[0], Path(source).stem}))

    def joined(self, other: "SeriesNames") -> "SeriesNames":
        """Return the names of both, which are of one channel."""
        return SeriesNames(
            self.asset,
            self.channels | other.channels,
            self.unique_names | other.unique_names,
            self.files | other.files,
        )


@dataclass(frozen=True)
class LabelScope:
    """The labels of one channel, of all channels of an asset, or of all channels.

    Attributes
    ----------
    asset, channel : str
        Asset and channel that were anomalous; any where empty.
    name : str
        Name of an asset, channel or file; any where empty.
    starts, ends : numpy.ndarray, shape (n,), datetime64[ns]
        First and last time of each label, UTC, both inclusive.
    kinds : numpy.ndarray, shape (n,)
        Kind of each.
    """

    asset: str
    channel: str
    name: str
    starts: npt.NDArray[np.datetime64]
    ends: npt.NDArray[np.datetime64]
    kinds: npt.NDArray[np.object_]

    def holds_for(self, names: SeriesNames) -> bool:
        """Return whether these are labels of a series."""
        return (
            self.asset in ("", names.asset)
            and (not self.channel or self.channel in (names.channels if self.asset else names.unique_names))
            and (not self.name or self.name in names.unique_names | names.files | {names.asset})
        )

    def __str__(self) -> str:
        """Return the name of what was anomalous."""
        return ".".join(filter(None, (self.asset, self.channel, self.name)))


@dataclass(frozen=True)
class LabelSpans:
    """What a label file says.

    Attributes
    ----------
    path : Path
        The file.
    scopes : tuple of LabelScope
        Labels as times.
    numbers : dict of str to pandas.DataFrame
        Labels as numbers of samples of the test series, by channel, see `workbench.telemetry.labels`.
    """

    path: Path
    scopes: tuple[LabelScope, ...] = ()
    numbers: dict[str, pd.DataFrame] = field(default_factory=dict)

    def of(self, names: SeriesNames) -> list[LabelScope]:
        """Return the labels of a series as times; an empty list where the file does not name it."""
        return [scope for scope in self.scopes if scope.holds_for(names)]

    def unused(self, series: Iterable[SeriesNames]) -> dict[str, int]:
        """Return how many labels the file has for names that are none of these series, by name."""
        series = list(series)
        channels = {name for names in series for name in names.unique_names}
        counts = {
            str(scope): len(scope.starts)
            for scope in self.scopes
            if len(scope.starts) and not any(scope.holds_for(names) for names in series)
        }
        return counts | {name: len(table) for name, table in self.numbers.items() if name not in channels}

    def unused_text(self, series: Iterable[SeriesNames]) -> str:
        """Say which labels of the file are for none of these series; an empty text where there are none."""
        unused = self.unused(series)
        if not unused:
            return ""
        names = ", ".join(list(unused)[:_MAX_LISTED_NAMES])
        names += f" and {len(unused) - _MAX_LISTED_NAMES} more" if len(unused) > _MAX_LISTED_NAMES else ""
        return f"{counted(sum(unused.values()), 'label')} for other names: {names}"

    def unused_row(self, series: Iterable[SeriesNames]) -> list[ChannelImport]:
        """Return the row of an import's report on labels for other series, where there are any."""
        text = self.unused_text(series)
        seen = text.encode("utf-8", "replace").decode()  # JSON may hold halves of characters
        return [ChannelImport(self.path.name, "skipped", note=seen)] if text else []


@dataclass(frozen=True)
class LabelledSamples:
    """Which samples of a series are anomalous.

    Attributes
    ----------
    masks : numpy.ndarray, shape (n, k), bool
        Samples of each kind of anomaly.
    kinds : tuple of str
        The kinds.
    outside : numpy.ndarray, bool
        Which of the labels, in the order of the scopes, hold no sample.
    """

    masks: npt.NDArray[np.bool_]
    kinds: tuple[str, ...]
    outside: npt.NDArray[np.bool_]


def label_samples(scopes: Sequence[LabelScope], time: npt.NDArray[np.datetime64]) -> LabelledSamples:
    """Find the samples that labels mean.

    A label that begins and ends between two samples means the one before it, where that is no longer ago than one and a
    half median steps.

    Parameters
    ----------
    scopes : sequence of LabelScope
        Labels of the series.
    time : numpy.ndarray, shape (n,), datetime64[ns]
        Times of its samples, rising.

    Returns
    -------
    LabelledSamples

    Examples
    --------
    >>> time = np.array(["2024-03-01", "2024-03-02", "2024-03-03"], "datetime64[ns]")
    >>> scope = LabelScope("pump", "", "", time[1:2], time[1:2], np.array(["leak"], dtype=object))
    >>> label_samples([scope], time).masks.tolist()
    [[False], [True], [False]]
    """
    if not scopes:
        return LabelledSamples(np.zeros((len(time), 0), dtype=bool), (), np.zeros(0, dtype=bool))
    starts, ends, kinds = (
        np.concatenate([getattr(scope, name) for scope in scopes]) for name in ("starts", "ends", "kinds")
    )
    first = np.searchsorted(time, starts, side="left")
    stop = np.searchsorted(time, ends, side="right")
    if len(time) > 1:
        step = np.median(np.diff(time).astype("int64"))
        before = np.maximum(first - 1, 0)
        since = (starts - time[before]).astype("int64")
        between = (first >= stop) & (first > 0) & (since <= _STEPS_OF_A_SAMPLE * step)
        first = np.where(between, before, first)
    names = sorted({str(kind) for kind in kinds})
    change = np.zeros((len(time) + 1, len(names)), dtype=np.int64)
    places = np.searchsorted(names, kinds.astype("str")) if len(names) else np.zeros(0, dtype=np.int64)
    outside = first >= stop
    np.add.at(change, (first[~outside], places[~outside]), 1)
    np.add.at(change, (stop[~outside], places[~outside]), -1)
    return LabelledSamples(np.cumsum(change, axis=0)[:-1] > 0, tuple(names), outside)


def label_table(samples: LabelledSamples, first_test: int) -> pd.DataFrame:
    """Return labelled samples as label table of the test series.

    Parameters
    ----------
    samples : LabelledSamples
        Samples of the training and the test series.
    first_test : int
        Place of the first sample of the test series.

    Returns
    -------
    pandas.DataFrame
        Int columns `start`, `end` (samples of the test series, both inclusive) and str `kind`.
    """
    masks = samples.masks[first_test:]
    runs = label_runs(label_series(xr.Dataset(coords={"time": np.arange(len(masks))}), masks, samples.kinds))
    dtypes: dict[str, Any] = {"start": "int64", "end": "int64", "kind": "str"}
    return pd.DataFrame(runs, columns=list(dtypes)).astype(dtypes)
