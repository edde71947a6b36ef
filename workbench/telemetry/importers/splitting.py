"""Makes the parts of a channel out of one series and its training span, and the series out of what is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.exceptions import ImportDataError, UnfinishedImportError, WorkbenchError
from workbench.telemetry.appending import is_dated, label_runs, label_series, make_series, time_text, unfilled
from workbench.telemetry.archive import Archive, ChannelParts
from workbench.telemetry.importers.repair import sample_period
from workbench.telemetry.importers.times import parse_times
from workbench.telemetry.moments import ticks
from workbench.telemetry.schema import SPLITS, make_channel
from workbench.telemetry.training_span import TrainingSpan

__all__ = [
    "ChannelSplit",
    "NoValuesError",
    "fraction_span",
    "kept_span",
    "named_span",
    "recorded_span",
    "split_channels",
    "split_series",
    "stored_series",
]


class NoValuesError(ImportDataError):
    """One part of a series holds no value at all, so that there is nothing to learn from or to judge."""


@dataclass(frozen=True)
class ChannelSplit:
    """What a new training span changed of a channel.

    Attributes
    ----------
    channel : str
        Name of the channel.
    n_before, n_train, n_test : int
        Samples before the training span, in it and after it.
    changed : bool
        Whether anything changed.
    old_hashes, new_hashes : tuple of str
        SHA-256 of the training and of the test series, before and after.
    """

    channel: str
    n_before: int
    n_train: int
    n_test: int
    changed: bool
    old_hashes: tuple[str, str]
    new_hashes: tuple[str, str]


def named_span(
    time: npt.NDArray[Any], start: str | None, end: str, timezone: str | None, names: tuple[str, str]
) -> TrainingSpan:
    """Make a training span of times as people write them.

    Parameters
    ----------
    time : numpy.ndarray, shape (n,)
        Times of the series, or counts where it has none.
    start : str or None
        First time to learn from, in any form of a time column; the beginning where None.
    end : str
        Last time to learn from.
    timezone : str or None
        Zone of times that carry none.
    names : tuple of str
        What both are called in an error.

    Returns
    -------
    TrainingSpan

    Raises
    ------
    ImportDataError
        One is no time, or the span leaves the training or the test series empty.
    """
    first_point = time[0] if start is None else _read_point(time, start, timezone, names[0])
    last_point = _read_point(time, end, timezone, names[1])
    span = TrainingSpan(first_point, last_point)
    first, stop = span.places(time)
    extent = f"Samples: {time_text(time[0])} to {time_text(time[-1])}."
    if start is not None and first_point > last_point:
        raise ImportDataError(f"{names[0]} {start!r} lies after {names[1]} {end!r}.", extent)
    if stop == 0:
        raise UnfinishedImportError(f"{names[1]} {end!r} lies before the first sample.", extent)
    if stop == len(time):
        raise UnfinishedImportError(
            f"{names[1]} {end!r} lies not before the last sample: nothing is left to score.",
            f"{extent} Choose an earlier time, or import later files with it.",
        )
    if first == stop:
        raise UnfinishedImportError(f"There is no sample from {start!r} to {end!r}.", extent)
    return span


def fraction_span(
    time: npt.NDArray[Any], fraction: float, start: str | None, timezone: str | None, names: tuple[str, str]
) -> TrainingSpan:
    """Make a training span of a share of the samples.

    Parameters
    ----------
    time : numpy.ndarray, shape (n,)
        Times of the series, or counts where it has none.
    fraction : float
        Share of the samples, from `start` on.
    start : str or None
        First time to learn from; the beginning where None.
    timezone : str or None
        Zone of times that carry none.
    names : tuple of str
        What `start` and its end are called in an error.

    Returns
    -------
    TrainingSpan

    Raises
    ------
    ImportDataError
        There are too few samples to split.
    """
    point = None if start is None else _read_point(time, start, timezone, names[0])
    first = 0 if point is None else int(np.searchsorted(time, point, side="left"))
    n = len(time) - first
    n_train = min(max(1, round(n * fraction)), n - 1)
    if n_train < 1:
        since = "" if start is None else f" from {start!r} on"
        count = f"{n} sample{'' if n == 1 else 's'}"
        raise UnfinishedImportError(f"{count}{since} cannot be split.", "Needed: two samples at least.")
    return TrainingSpan(time[0] if point is None else point, time[first + n_train - 1])


def kept_span(archive: Archive, channel: str, time: npt.NDArray[Any]) -> TrainingSpan:
    """Return the training span of a channel that is stored.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    channel : str
        Name of the channel.
    time : numpy.ndarray, shape (n,)
        Times of its series, as from `stored_series`.

    Returns
    -------
    TrainingSpan
        Where none is stored, as of a channel of an older release, it ends with the last training sample. Where its
        start is not stored, it begins with the first sample that is there: earlier ones that come later are stored
        before it.
    """
    span = archive.training_span(channel) or TrainingSpan(None, time[archive.info(channel).n_train - 1])
    return span if span.start is not None else TrainingSpan(time[0], span.end)


def recorded_span(archive: Archive, channel: str) -> TrainingSpan | None:
    """Return the training span that is stored with a channel that is to be replaced.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    channel : str
        Name of the channel.

    Returns
    -------
    TrainingSpan or None
        None where there is none, or the channel is damaged.
    """
    try:
        span = archive.training_span(channel)
        if span is None or span.start is None:
            series = stored_series(archive, channel)
            return kept_span(archive, channel, series["time"].values) if is_dated(series) else span
    except WorkbenchError:
        return None
    return span


def stored_series(archive: Archive, channel: str) -> xr.Dataset:
    """Read a channel as one series, in which what its source did not hold is missing.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    channel : str
        Name of the channel.

    Returns
    -------
    xarray.Dataset
        See `workbench.telemetry.appending`. Where the source has no times, `time` counts the samples of the channel.

    Raises
    ------
    ImportDataError
        The times of the training and of the test series overlap.
    ArchiveError
        The channel is damaged.
    """
    for split in SPLITS:
        archive.check(channel, split)
    before = archive.open_before(channel)
    datasets = [*([] if before is None else [before]), *(archive.open(channel, split) for split in SPLITS)]
    splits = [unfilled(dataset) for dataset in datasets]
    sizes = [split.sizes["time"] for split in splits]
    dated = {is_dated(split) for split in splits}
    times = [split["time"].values for split in splits]
    time: npt.NDArray[Any] = np.concatenate(times) if dated == {True} else np.arange(sum(sizes))
    if len(dated) > 1 or not bool((time[1:] > time[:-1]).all()):
        raise ImportDataError(f"{channel}: the times of its training and test series overlap.")
    telemetry = np.concatenate([split["telemetry"].values for split in splits])
    series = make_series(
        telemetry,
        np.concatenate([split["commands"].values for split in splits]),
        time,
        [str(name) for name in splits[-1]["command"].values],
        dtype=telemetry.dtype,
        **splits[-1].attrs,
    )
    stored = archive.label_moments(channel)
    if stored is None:
        return series
    return _labelled(series, stored["spans"], ticks(time) + (archive.first_number(channel) or 0))


def split_series(series: xr.Dataset, span: TrainingSpan, first_number: int | None = None) -> ChannelParts:
    """Split a series by its training span; missing telemetry stays missing, missing inputs are held.

    Parameters
    ----------
    series : xarray.Dataset
        See `workbench.telemetry.appending`.
    span : TrainingSpan
        It leaves neither the training nor the test series empty.
    first_number : int, optional
        Number of the first sample of a series without times; where omitted, the test series begins with 0.

    Returns
    -------
    ChannelParts
        What is to be stored.

    Raises
    ------
    NoValuesError
        The training or the test series holds no value.
    ImportDataError
        The span leaves one of them without a sample, or an input holds no value.
    """
    time, channel = series["time"].values, str(series.attrs["channel"])
    first, stop = span.places(time)
    if first == stop or stop == len(time):
        name = "training" if first == stop else "test"
        raise ImportDataError(
            f"{channel}: the training span leaves no sample to the {name} series.",
            "Choose another one with --train-from TIME and --train-until TIME.",
        )
    commands = pd.DataFrame(series["commands"].values)
    missing_commands = commands.isna().to_numpy()
    for place in np.flatnonzero(missing_commands.all(axis=0)):
        name = str(series["command"].values[place])
        raise ImportDataError(f"Input {name!r} has no values.", "Leave it out of --inputs, or name another column.")
    filled_commands = commands.ffill().bfill().to_numpy(dtype=np.float32)
    values = series["telemetry"].values
    attributes = dict(series.attrs)
    if is_dated(series):
        attributes["sample_period"] = sample_period(time)
    own_numbers = np.arange(len(time), dtype=np.int64) + (-stop if first_number is None else first_number)
    moments = time if is_dated(series) else own_numbers
    parts: dict[str, xr.Dataset | None] = {"before": None}
    for name, part in (("before", slice(0, first)), ("training", slice(first, stop)), ("test", slice(stop, None))):
        telemetry = values[part]
        if not len(telemetry):
            continue
        if np.isnan(telemetry).all() and name != "before":
            raise NoValuesError(f"no values in the {name} series")
        dataset = make_channel(
            np.where(np.isnan(telemetry), np.float32(np.nan), telemetry),  # one NaN, so that hashes are equal
            filled_commands[part],
            time=moments[part] if is_dated(series) or name == "test" else None,
            command_names=[str(command) for command in series["command"].values],
            dtype=values.dtype,
            **attributes,
        )
        parts[name] = _with_missing_commands(dataset, missing_commands[part])
    labels, earlier = _split_labels(series, stop)
    return ChannelParts(parts["training"], parts["test"], labels, parts["before"], span, earlier)  # type: ignore[arg-type]


def split_channels(
    archive: Archive, channels: Sequence[str], *, start: str | None, end: str, timezone: str | None = None
) -> list[ChannelSplit]:
    """Choose the training span of channels anew; all of them are split or none.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    channels : sequence of str
        Names of the channels.
    start, end : str or None
        First and last time to learn from, or numbers of samples since the channel began where it has no times.
    timezone : str, optional
        Zone of times that carry none; UTC where omitted.

    Returns
    -------
    list of ChannelSplit
        One a channel, in their order.

    Raises
    ------
    ImportDataError
        The span is no time, or leaves the training or the test series of a channel empty.
    ArchiveError
        A channel is damaged, or the archive cannot be written.
    OutdatedError
        Another process wrote a channel meanwhile; none is split.
    """
    parts, before, based_on = [], [], {}
    for channel in channels:
        based_on[channel] = archive.content_hashes(channel)
        series = stored_series(archive, channel)
        try:
            span = named_span(series["time"].values, start, end, timezone, ("train_from", "train_until"))
        except ImportDataError as error:
            raise ImportDataError(f"{channel}: {error.message}", error.hint) from None
        try:
            divided = split_series(series, span, archive.first_number(channel))
            parts.append(replace(divided, doubtful=archive.doubtful(channel)))
        except NoValuesError as error:
            raise ImportDataError(
                f"{channel} cannot be split there: {error.message}.", "Choose another span."
            ) from None
        before.append(archive.info(channel))
    changed = archive.write_all(parts, based_on)
    results = []
    for old, one, is_changed in zip(before, parts, changed, strict=True):
        new = archive.info(one.channel)
        results.append(
            ChannelSplit(
                one.channel,
                0 if one.before is None else one.before.sizes["time"],
                new.n_train,
                new.n_test,
                is_changed,
                (old.train_hash, old.test_hash),
                (new.train_hash, new.test_hash),
            )
        )
    return results


def _read_point(time: npt.NDArray[Any], text: str, timezone: str | None, name: str) -> Any:
    dated = time.dtype.kind == "M"
    parsed = parse_times(pd.Series([str(text)]), timezone)
    if not parsed.readable[0] or parsed.absolute != dated:
        raise ImportDataError(f"{name} is no {'time' if dated else 'count'}: {text!r}.", f"As: {time[0]}")
    point = parsed.stamps[0]
    return int(np.floor(point)) if time.dtype.kind == "i" else point


def _with_missing_commands(dataset: xr.Dataset, missing: npt.NDArray[np.bool_]) -> xr.Dataset:
    """Note which values of inputs the source did not hold; nothing is noted where it held them all."""
    if not missing.any():
        return dataset
    about = {"long_name": "1 where the source held no value and the command was filled"}
    return dataset.assign(missing_commands=(("time", "command"), missing.astype(np.int8), about))


def _labelled(series: xr.Dataset, spans: Sequence[Sequence[Any]], moments: npt.NDArray[np.int64]) -> xr.Dataset:
    """Return a series with labels; `moments` are those of its samples."""
    kinds = sorted({str(kind) for _, _, kind in spans})
    masks = np.zeros((series.sizes["time"], len(kinds)), dtype=bool)
    for first, last, kind in spans:
        start, stop = np.searchsorted(moments, first, side="left"), np.searchsorted(moments, last, side="right")
        masks[start:stop, kinds.index(kind)] = True
    return label_series(series, masks, kinds)


def _split_labels(
    series: xr.Dataset, first_test: int
) -> tuple[pd.DataFrame | None, tuple[tuple[str | int, str | int, str], ...]]:
    if "labels" not in series:
        return None, ()
    rows: list[tuple[int, int, str]] = []
    earlier: list[tuple[str | int, str | int, str]] = []
    for start, end, kind in label_runs(series):
        if start < first_test:
            points = series["time"].values[[start, min(end, first_test - 1)]]
            earlier.append((_label_point(points[0]), _label_point(points[1]), kind))
        if end >= first_test:
            rows.append((max(start, first_test) - first_test, end - first_test, kind))
    dtypes = {"start": "int64", "end": "int64", "kind": "str"}
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    table = {name: pd.Series(columns[place], dtype=dtype) for place, (name, dtype) in enumerate(dtypes.items())}
    return pd.DataFrame(table), tuple(earlier)


def _label_point(time: Any) -> str | int:
    return str(time.astype("datetime64[ns]")) if isinstance(time, np.datetime64) else int(time)


def extent_text(series: xr.Dataset) -> str:
    """Write from when to when a series goes."""
    time = series["time"].values
    return f"{time_text(time[0])} to {time_text(time[-1])}"
