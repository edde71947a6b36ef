"""Merges series of one channel: new samples find their place in time, equal ones are counted, contradictions are named.

Plain functions on Datasets, without files. A series here has `telemetry(time)` in float32, or float64 where float32
cannot hold it, and `commands(time, command)` in float32, with NaN where the source held no value; and
`labels(time, kind)`, bool, where it is known which samples are anomalous. `time` is datetime64[ns] in UTC, or the count
of a source without dates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.telemetry.unit_names import is_same_unit

__all__ = [
    "Contribution",
    "Merged",
    "OnConflict",
    "difference",
    "is_dated",
    "label_runs",
    "label_series",
    "make_series",
    "merge",
    "steps_differ",
    "time_text",
    "unfilled",
]

OnConflict = Literal["keep", "replace"]
"""What holds where two series contradict each other: the value that was there first, or the one that came last."""

_REGULAR_SHARE = 0.9  # of the steps; fewer equal ones are no sample period
_STEP_TOLERANCE = 0.01  # of the median step
_LEAST_STEPS = 10
_OTHER_STEP = 1.5


@dataclass(frozen=True)
class Contribution:
    """What one series brought to a merged one.

    Attributes
    ----------
    added : int
        Samples at times that no series before it had.
    equal : int
        Samples that were there already.
    completed : int
        Samples at times that were there without a value.
    conflicting : int
        Samples that contradict a value that was there before.
    example : str
        The first contradiction in words; empty where there is none.
    labels_added : int
        Samples that were known to be normal and are labelled as anomalous by this series.
    label_conflicts : int
        Samples that were labelled as anomalous before, and are normal or of another kind by this series.
    """

    added: int
    equal: int
    completed: int
    conflicting: int
    example: str = ""
    labels_added: int = 0
    label_conflicts: int = 0


@dataclass(frozen=True)
class Merged:
    """Several series of one channel as one.

    Attributes
    ----------
    series : xarray.Dataset
        All samples in the order of their times, each time once.
    contributions : tuple of Contribution
        What each of the series brought, in their order.
    """

    series: xr.Dataset
    contributions: tuple[Contribution, ...]


def make_series(
    telemetry: npt.ArrayLike,
    commands: npt.NDArray[Any],
    time: npt.NDArray[Any],
    command_names: Sequence[str],
    kinds: npt.NDArray[np.object_] | None = None,
    dtype: npt.DTypeLike = np.float32,
    **attributes: str,
) -> xr.Dataset:
    """Make a series out of arrays.

    Parameters
    ----------
    telemetry : array_like, shape (n,)
        NaN where a value is missing.
    commands : numpy.ndarray, shape (n, k)
        NaN where a value is missing.
    time : numpy.ndarray, shape (n,)
        Strictly rising.
    command_names : sequence of str
        Name of each input.
    kinds : numpy.ndarray, shape (n,), optional
        Kind of anomaly of each sample, an empty text where it is normal; nothing is known where omitted.
    dtype : dtype
        Of the telemetry: float32, or float64 for numbers that float32 cannot hold.
    **attributes : str
        Attributes of the channel.

    Returns
    -------
    xarray.Dataset
    """
    series = xr.Dataset(
        {
            "telemetry": ("time", np.asarray(telemetry, dtype=dtype)),
            "commands": (("time", "command"), np.asarray(commands, dtype=np.float32)),
        },
        coords={"time": time, "command": np.asarray(list(command_names), dtype=str)},
        attrs=attributes,
    )
    if kinds is None:
        return series
    names = sorted({str(kind) for kind in kinds if kind})
    masks = np.zeros((len(time), len(names)), dtype=bool)
    for place, name in enumerate(names):
        masks[:, place] = kinds == name
    return label_series(series, masks, names)


def label_series(series: xr.Dataset, masks: npt.NDArray[np.bool_], kinds: Sequence[str]) -> xr.Dataset:
    """Return a series with labels.

    Parameters
    ----------
    series : xarray.Dataset
        Series without labels.
    masks : numpy.ndarray, shape (n, kinds), bool
        Which samples are anomalies of each kind.
    kinds : sequence of str
        Name of each kind.

    Returns
    -------
    xarray.Dataset
    """
    return series.assign({"labels": (("time", "kind"), masks)}).assign_coords(kind=np.asarray(list(kinds), dtype=str))


def unfilled(dataset: xr.Dataset) -> xr.Dataset:
    """Return a stored split as a series: what its source did not hold is missing.

    Parameters
    ----------
    dataset : xarray.Dataset
        One split of a channel. Its telemetry is NaN where it is missing; `missing_commands(time, command)` notes inputs
        that were filled, and `missing(time)` telemetry that an earlier version filled.

    Returns
    -------
    xarray.Dataset
    """
    telemetry = dataset["telemetry"].values.copy()
    commands = dataset["commands"].values.astype(np.float32)
    if "missing" in dataset:
        telemetry[dataset["missing"].values != 0] = np.nan
    if "missing_commands" in dataset:
        commands[dataset["missing_commands"].values != 0] = np.nan
    names = [str(name) for name in dataset["command"].values]
    time = dataset["time"].values
    return make_series(telemetry, commands, time, names, dtype=telemetry.dtype, **dataset.attrs)


def is_dated(series: xr.Dataset) -> bool:
    """Return whether the samples of a series have times, not just numbers."""
    return bool(series["time"].dtype.kind == "M")


def time_text(time: Any) -> str:
    """Write the time of a sample.

    Examples
    --------
    >>> time_text(np.datetime64("2024-03-01T10:00:00")), time_text(7)
    ('2024-03-01 10:00:00 UTC', 'sample 7')
    """
    if isinstance(time, np.datetime64):
        return f"{pd.Timestamp(time)} UTC"
    return f"sample {time:g}"


def difference(present: xr.Dataset, incoming: xr.Dataset) -> str:
    """Say why a series cannot be merged with another one of its channel.

    Parameters
    ----------
    present : xarray.Dataset
        The series that is there.
    incoming : xarray.Dataset
        The series that comes.

    Returns
    -------
    str
        A sentence without a subject, as "is in K, what is there in degC"; empty where they go together.
    """
    if is_dated(present) != is_dated(incoming):
        kinds = {True: "times", False: "sample numbers"}
        return f"has {kinds[is_dated(incoming)]}, what is there has {kinds[is_dated(present)]}"
    units = [str(series.attrs.get("units", "")) for series in (incoming, present)]
    if all(units) and not is_same_unit(units[0], units[1]):
        return f"is in {units[0]}, what is there in {units[1]}"
    inputs = [_inputs(series) for series in (incoming, present)]
    if set(inputs[0]) != set(inputs[1]):
        names = [", ".join(one) or "none" for one in inputs]
        return f"has the inputs {names[0]}, what is there has {names[1]}"
    for name in inputs[1]:
        if not _same_kind(name, incoming, present):
            return f"has {_kind(name, incoming)} in the input {name}, what is there has {_kind(name, present)}"
    steps = steps_differ(present["time"].values, _beyond(present, incoming))
    return f"has a sample every {steps[0]}, what is there one every {steps[1]}" if steps else ""


def steps_differ(present: npt.NDArray[Any], incoming: npt.NDArray[Any]) -> tuple[str, str] | None:
    """Return the sample periods of two series in words where they are too unlike to be one; None else.

    Parameters
    ----------
    present : numpy.ndarray, shape (n,)
        Times of the series that is there.
    incoming : numpy.ndarray, shape (m,)
        Times that lie beyond it.

    Returns
    -------
    tuple of str or None
        Of what comes, and of what is there.
    """
    step, usual = (_regular_step(time) for time in (incoming, present))
    if step and usual and not 1 / _OTHER_STEP < step / usual < _OTHER_STEP:
        return _duration(step), _duration(usual)
    return None


def merge(parts: Sequence[xr.Dataset], on_conflict: OnConflict = "keep") -> Merged:
    """Merge series of one channel into one.

    Parameters
    ----------
    parts : sequence of xarray.Dataset
        Series without a `difference`; the one that is there comes first.
    on_conflict : {"keep", "replace"}
        What holds at a time for which two series have different values or labels: the first of them, or the last.

    Returns
    -------
    Merged

    Notes
    -----
    A value always wins over a missing one; that is no contradiction. A sample without a label that comes to lie inside
    a labelled anomaly belongs to it. Telemetry is float64 where that of one part is; two values of which one is float32
    are equal where they are one number in float32.
    """
    aligned = _with_equal_inputs(parts)
    time = np.concatenate([part["time"].values for part in aligned])
    source = np.repeat(np.arange(len(aligned)), [part.sizes["time"] for part in aligned])
    values = np.concatenate([np.column_stack([part["telemetry"].values, part["commands"].values]) for part in aligned])
    dtypes = [part["telemetry"].dtype for part in aligned]
    dtype = np.result_type(*dtypes)
    values = values.astype(dtype, copy=False)
    is_narrow = np.array([one == np.float32 for one in dtypes])[source]
    order = np.argsort(time, kind="stable")
    time, source, values, is_narrow = time[order], source[order], values[order], is_narrow[order]
    is_first = np.concatenate([[True], time[1:] != time[:-1]])
    group = np.cumsum(is_first) - 1
    merged_values = values[is_first].copy()
    names = ["", *(str(name) for name in aligned[0]["command"].values)]
    contributions = _reconcile(
        merged_values, values, is_narrow, time, source, group, is_first, names, on_conflict, len(aligned)
    )
    series = make_series(
        merged_values[:, 0], merged_values[:, 1:], time[is_first], names[1:], dtype=dtype, **aligned[0].attrs
    )
    units = next((part.attrs["units"] for part in aligned if part.attrs.get("units")), "")
    series.attrs["units"] = units
    if any("labels" in part for part in aligned):
        masks, kinds, counts = _merged_labels(aligned, order, group, on_conflict)
        series = label_series(series, masks, kinds)
        contributions = tuple(
            replace(one, labels_added=added, label_conflicts=conflicts)
            for one, (added, conflicts) in zip(contributions, counts, strict=True)
        )
    return Merged(series, contributions)


def label_runs(series: xr.Dataset) -> list[tuple[int, int, str]]:
    """Return the labelled sequences of a series.

    Parameters
    ----------
    series : xarray.Dataset
        Series with `labels`.

    Returns
    -------
    list of tuple
        First and last sample, both inclusive, and kind, sorted.
    """
    runs = []
    for kind in series["kind"].values:
        mask = np.concatenate([[False], series["labels"].sel(kind=kind).values, [False]])
        bounds = np.flatnonzero(mask[1:] != mask[:-1])
        runs += [(int(start), int(end) - 1, str(kind)) for start, end in zip(bounds[::2], bounds[1::2], strict=True)]
    return sorted(runs)


def _reconcile(
    merged: npt.NDArray[Any],
    values: npt.NDArray[Any],
    is_narrow: npt.NDArray[np.bool_],
    time: npt.NDArray[Any],
    source: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    is_first: npt.NDArray[np.bool_],
    names: Sequence[str],
    on_conflict: OnConflict,
    n_parts: int,
) -> tuple[Contribution, ...]:
    """Settle the samples that several series have, in place, and count what each series brought."""
    added = np.bincount(source[is_first], minlength=n_parts)
    again = np.flatnonzero(~is_first)
    if not again.size:
        return tuple(Contribution(int(count), 0, 0, 0) for count in added)
    rows = np.flatnonzero(np.isin(group, group[again]))
    of_time = pd.DataFrame(values[rows]).groupby(group[rows])
    first = of_time.first()
    settled = first if on_conflict == "keep" else of_time.last()
    merged[first.index.to_numpy()] = settled.to_numpy(dtype=values.dtype)
    before = first.loc[group[again]].to_numpy(dtype=values.dtype)
    differs = ~np.isnan(values[again]) & (values[again] != before)
    narrow = is_narrow[again] | is_narrow[np.flatnonzero(is_first)[group[again]]]
    differs[narrow] &= values[again][narrow].astype(np.float32) != before[narrow].astype(np.float32)
    conflicting = differs.any(axis=1)
    present = values[np.flatnonzero(is_first)[group[again]]]
    completing = ~conflicting & (np.isnan(present) & ~np.isnan(values[again])).any(axis=1)
    contributions = []
    for number in range(n_parts):
        mine = source[again] == number
        wrong = np.flatnonzero(mine & conflicting)
        example = ""
        if wrong.size:
            row, column = wrong[0], int(np.argmax(differs[wrong[0]]))
            what = f"the input {names[column]} is " if column else ""
            example = (
                f"at {time_text(time[again[row]])}: {what}{values[again[row], column]:g} "
                f"instead of {before[row, column]:g}"
            )
        completed = int((mine & completing).sum())
        equal = int(mine.sum()) - completed - int(wrong.size)
        contributions.append(Contribution(int(added[number]), equal, completed, int(wrong.size), example))
    return tuple(contributions)


def _merged_labels(
    parts: Sequence[xr.Dataset],
    order: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    on_conflict: OnConflict,
) -> tuple[npt.NDArray[np.bool_], list[str], list[tuple[int, int]]]:
    """Merge the labels of all parts, and count for each what it adds and what it contradicts.

    A sample that was known to be normal becomes anomalous by any later part; one that was anomalous becomes normal, or
    of another kind, only where the last part wins.
    """
    kinds = sorted({str(kind) for part in parts if "labels" in part for kind in part["kind"].values})
    n = int(group[-1]) + 1
    group_of_row = np.empty(len(order), dtype=np.int64)
    group_of_row[order] = group
    bounds = np.cumsum([0, *(part.sizes["time"] for part in parts)])
    is_known = np.zeros(n, dtype=bool)
    masks = np.zeros((n, len(kinds)), dtype=bool)
    counts = []
    for part, start, stop in zip(parts, bounds, bounds[1:], strict=False):
        if "labels" not in part:
            counts.append((0, 0))
            continue
        rows = group_of_row[start:stop]
        own = np.column_stack([_mask(part, kind) for kind in kinds]) if kinds else masks[rows]
        held = masks[rows]
        differs = is_known[rows] & (held != own).any(axis=1)
        conflicts = differs & held.any(axis=1)
        counts.append((int((differs & ~conflicts).sum()), int(conflicts.sum())))
        masks[rows] = np.where(conflicts[:, None], own if on_conflict == "replace" else held, own)
        is_known[rows] = True
    numbers = np.arange(n)
    before = np.maximum.accumulate(np.where(is_known, numbers, -1))
    after = np.minimum.accumulate(np.where(is_known, numbers, n)[::-1])[::-1]
    between = ~is_known & (before >= 0) & (after < n)
    masks[between] = masks[before[between]] & masks[after[between]]
    return masks, kinds, counts


def _mask(part: xr.Dataset, kind: str) -> npt.NDArray[np.bool_]:
    if "labels" not in part or kind not in part["kind"].values:
        return np.zeros(part.sizes["time"], dtype=bool)
    return np.asarray(part["labels"].sel(kind=kind).values, dtype=bool)


def _inputs(series: xr.Dataset) -> list[str]:
    """Name the columns that the inputs of a series come from; one of words has an input for each word."""
    return list(dict.fromkeys(str(name).partition("=")[0] for name in series["command"].values))


def _words(name: str, series: xr.Dataset) -> list[str]:
    return [str(command) for command in series["command"].values if str(command).startswith(f"{name}=")]


def _is_empty(name: str, series: xr.Dataset) -> bool:
    """Tell whether a plain input of a series holds no value at all."""
    return not _words(name, series) and bool(np.isnan(series["commands"].sel(command=name).values).all())


def _kind(name: str, series: xr.Dataset) -> str:
    return "words" if _words(name, series) else "numbers"


def _same_kind(name: str, one: xr.Dataset, other: xr.Dataset) -> bool:
    return _kind(name, one) == _kind(name, other) or _is_empty(name, one) or _is_empty(name, other)


def _with_equal_inputs(parts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Return the series with the same inputs in the same order; a word that one series lacks is off throughout it."""
    lists = [[str(name) for name in part["command"].values] for part in parts]
    if all(names == lists[0] for names in lists):
        return list(parts)
    columns: list[str] = []
    for name in _inputs(parts[0]):
        columns += sorted({word for part in parts for word in _words(name, part)}) or [name]
    return [_with_inputs(part, columns) for part in parts]


def _with_inputs(part: xr.Dataset, columns: Sequence[str]) -> xr.Dataset:
    present = {str(name): part["commands"].values[:, place] for place, name in enumerate(part["command"].values)}
    missing = np.full(part.sizes["time"], np.nan, dtype=np.float32)
    arrays = []
    for column in columns:
        words = _words(column.partition("=")[0], part)
        if column in present:
            arrays.append(present[column])
        elif words:
            arrays.append(np.where(np.isnan(present[words[0]]), np.nan, 0).astype(np.float32))
        else:
            arrays.append(missing)
    telemetry, time = part["telemetry"].values, part["time"].values
    series = make_series(telemetry, np.column_stack(arrays), time, columns, dtype=telemetry.dtype, **part.attrs)
    return label_series(series, part["labels"].values, list(part["kind"].values)) if "labels" in part else series


def _beyond(present: xr.Dataset, incoming: xr.Dataset) -> npt.NDArray[Any]:
    """Return the longer of the stretches of a series that lie before and after another one."""
    time, span = incoming["time"].values, present["time"].values[[0, -1]]
    return max(time[time < span[0]], time[time > span[1]], key=len)


def _duration(nanoseconds: float) -> str:
    return str(pd.Timedelta(nanoseconds, unit="ns")).removeprefix("0 days ")


def _regular_step(time: npt.NDArray[Any]) -> float | None:
    """Return the step of a series in nanoseconds; None where it is too short or has no usual step."""
    if time.dtype.kind != "M" or len(time) <= _LEAST_STEPS:
        return None
    steps = np.diff(time).astype("int64")
    usual = float(np.median(steps))
    near = np.abs(steps - usual) <= _STEP_TOLERANCE * usual
    return usual if near.mean() >= _REGULAR_SHARE else None
