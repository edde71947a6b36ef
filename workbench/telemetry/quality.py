"""Quality of a channel's telemetry, before any model sees it: gaps, stuck runs, outliers, noise and drift."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from tqdm import tqdm

from workbench.exceptions import ArchiveError
from workbench.observability.timings import stage
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import SPLITS

__all__ = ["MEASURES", "gap_counts", "quality", "quality_report"]

MEASURES: dict[str, tuple[str, str]] = {
    "n_train": ("samples", "samples of training telemetry"),
    "n_test": ("samples", "samples of test telemetry"),
    "missing_train": ("1", "share of training samples without a value in their source"),
    "missing_test": ("1", "share of test samples without a value in their source"),
    "missing_samples_train": ("samples", "training samples without a value in their source"),
    "missing_samples_test": ("samples", "test samples without a value in their source"),
    "gaps_train": ("1", "gaps in the time of the training series"),
    "gaps_test": ("1", "gaps in the time of the test series"),
    "gap_samples_train": ("samples", "samples that the gaps of the training series leave out"),
    "gap_samples_test": ("samples", "samples that the gaps of the test series leave out"),
    "levels_train": ("1", "distinct values in training"),
    "constant_train": ("1", "training telemetry never changes"),
    "longest_run_train": ("samples", "longest stretch of one value in training"),
    "longest_run_test": ("samples", "longest stretch of one value in the test series"),
    "stuck_runs": ("1", "stretches of one value in the test series that are longer than training explains"),
    "outliers_train": ("1", "share of training samples far from their neighbours"),
    "outliers_test": ("1", "share of test samples far from their neighbours"),
    "noise_train": ("units of the channel", "noise of training telemetry, standard deviation"),
    "noise_test": ("units of the channel", "noise of test telemetry, standard deviation"),
    "drift_ks": ("1", "Kolmogorov-Smirnov distance of training and test telemetry"),
    "drift_psi": ("1", "population stability index of test against training telemetry"),
    "range_exceeded": ("1", "share of test samples outside the range of training"),
}
"""Units and long name of each measure."""

_DISCRETE_LEVELS = 10  # a signal with so few values is a state: long runs and jumps are its nature
_STUCK_SAMPLES = 20  # a shorter run is never called stuck
_STUCK_RATIO = 2.0  # nor one less than so much longer than the longest in training
_GAP_RATIO = 1.5  # of the median step
_SIDE_SAMPLES = 5  # samples on either side that an outlier is compared with
_OUTLIER_DEVIATIONS = 6.0
_NORMAL_MAD = 1.482602218505602  # standard deviation of a normal distribution over its MAD
_NORMAL_MEAN = 1.2533141373155003  # the same over its mean absolute deviation
_PSI_BINS = 10
_PSI_FLOOR = 1e-4  # share that an empty bin counts as

Floats = npt.NDArray[np.float64]


@stage("quality")
def quality(train: xr.Dataset, test: xr.Dataset) -> dict[str, float | int | bool]:
    """Measure the quality of one channel.

    Parameters
    ----------
    train, test : xarray.Dataset
        Both splits of the channel.

    Returns
    -------
    dict of str to float, int or bool
        The keys of `MEASURES`, in that order; NaN where a series holds too few finite samples to tell.

    Notes
    -----
    Missing: the source held no value; it is NaN in the archive, or noted where an earlier version filled it. No measure
    counts missing samples.

    Gap: a step in time above 1.5 times the median step of the series.

    Stuck: at least 20 equal samples in a row, and more than twice the longest such run in training. A
    channel of at most 10 levels in training is a state and never stuck; its longest run is told all the same.

    Outlier: a glitch of at most 3 samples. It lies outside the median of the 5 samples before and that of
    the 5 after, beyond the nearer one by more than both differ and 6 standard deviations; these are estimated
    from the median distance to the middle of both medians, or from the mean distance where more than half
    are zero (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993). Steps, slopes and turns are
    none, nor is anything in a series of at most 10 levels.

    Noise: MAD of first differences / sqrt(2), scaled to a standard deviation.

    Drift: the largest distance between both cumulative distributions (0 equal, 1 disjoint), and
    sum((q - p) ln(q / p)) over the levels of training, or over 10 bins between its deciles (by nearest rank), and
    beyond (above 0.25 is commonly called a shift). As samples of telemetry depend on each other, no p-value is given.
    """
    before, after = (_with_nan(split) for split in (train, test))
    train_values, test_values = before[np.isfinite(before)], after[np.isfinite(after)]
    gaps_train, gap_samples_train = gap_counts(train["time"].values)
    gaps_test, gap_samples_test = gap_counts(test["time"].values)
    levels = int(np.unique(train_values).size)
    runs_train, runs_test = _run_lengths(before), _run_lengths(after)
    longest = int(runs_train.max(initial=0))
    limit = max(_STUCK_SAMPLES - 1, _STUCK_RATIO * longest)
    return {
        "n_train": before.size,
        "n_test": after.size,
        "missing_train": 1.0 - train_values.size / before.size,
        "missing_test": 1.0 - test_values.size / after.size,
        "missing_samples_train": before.size - train_values.size,
        "missing_samples_test": after.size - test_values.size,
        "gaps_train": gaps_train,
        "gaps_test": gaps_test,
        "gap_samples_train": gap_samples_train,
        "gap_samples_test": gap_samples_test,
        "levels_train": levels,
        "constant_train": levels == 1,
        "longest_run_train": longest,
        "longest_run_test": int(runs_test.max(initial=0)),
        "stuck_runs": 0 if levels <= _DISCRETE_LEVELS else int((runs_test > limit).sum()),
        "outliers_train": _outliers(train_values),
        "outliers_test": _outliers(test_values),
        "noise_train": _noise(before),
        "noise_test": _noise(after),
        "drift_ks": _ks(train_values, test_values),
        "drift_psi": _psi(train_values, test_values),
        "range_exceeded": _outside(train_values, test_values),
    }


def quality_report(archive: Archive, channels: Iterable[str] | None = None, progress: bool = False) -> xr.Dataset:
    """Measure the quality of many channels.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    channels : iterable of str, optional
        All of the archive where omitted.
    progress : bool
        Show a progress bar.

    Returns
    -------
    xarray.Dataset
        Each of `MEASURES` over the dim `channel`, with `units` and `long_name`; coordinates `asset`,
        `subsystem`, `units` and `same_test_as`, the first channel of the archive whose test series is the
        same, if any. `to_dataframe()` makes the table. Channels that are damaged are left out; the attribute
        `damaged` says why, by channel.

    Raises
    ------
    ChannelNotFoundError
        A channel is not in the archive.
    """
    channel_names = archive.channels() if channels is None else list(channels)
    first: dict[str, str] = {}
    for described in archive.infos()[0]:
        first.setdefault(described.test_hash, described.channel)
    rows, infos = [], []
    damaged: dict[str, str] = {}
    for name in tqdm(channel_names, "Quality", unit="channel", disable=not progress):
        try:
            info = archive.info(name)
            for split in SPLITS:
                archive.check(name, split)
            rows.append(quality(archive.open(name, "train"), archive.open(name, "test")))
            infos.append(info)
        except ArchiveError as error:
            damaged[name] = str(error)
    names = [info.channel for info in infos]
    same = [first[info.test_hash] if first[info.test_hash] != info.channel else "" for info in infos]
    variables: dict[str, Any] = {
        measure: ("channel", [row[measure] for row in rows], {"units": units, "long_name": long_name})
        for measure, (units, long_name) in MEASURES.items()
    }
    columns = {
        "channel": names,
        "asset": [info.asset for info in infos],
        "subsystem": [info.subsystem for info in infos],
        "units": [info.units for info in infos],
        "same_test_as": same,
    }
    coords = {column: ("channel", np.asarray(values, dtype=str)) for column, values in columns.items()}
    return xr.Dataset(variables, coords=coords, attrs={"damaged": damaged})


def _with_nan(split: xr.Dataset) -> Floats:
    """Return the telemetry, NaN where it is not finite or an earlier version filled it."""
    values = split["telemetry"].values.astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    if "missing" in split:
        values[split["missing"].values != 0] = np.nan
    return values


def gap_counts(time: npt.NDArray[Any]) -> tuple[int, int]:
    """Count the gaps in time, steps above 1.5 times the median one, and the samples that they leave out.

    Parameters
    ----------
    time : numpy.ndarray, shape (n,)
        Stamps or sample numbers, ascending.

    Returns
    -------
    tuple of int
        Gaps, and samples.
    """
    if time.size < 2:
        return 0, 0
    steps = np.diff(time).astype(np.int64)
    usual = float(np.median(steps))
    wide = steps[steps > _GAP_RATIO * usual]
    return int(wide.size), int(np.round(wide / usual).sum()) - int(wide.size)


def _run_lengths(values: Floats) -> npt.NDArray[np.int64]:
    """Return the lengths of the stretches of equal values; NaN ends a stretch and is in none."""
    bounds = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1], [True]]))
    return np.diff(bounds)[np.isfinite(values[bounds[:-1]])].astype(np.int64)


def _outliers(values: Floats) -> float:
    if values.size < _SIDE_SAMPLES:
        return float("nan")
    if np.unique(values).size <= _DISCRETE_LEVELS:
        return 0.0
    medians = np.median(
        np.lib.stride_tricks.sliding_window_view(np.pad(values, _SIDE_SAMPLES, mode="edge"), _SIDE_SAMPLES), axis=1
    )
    before, after = medians[: values.size], medians[_SIDE_SAMPLES + 1 :]
    distance = np.abs(values - (before + after) / 2.0)
    deviation = _NORMAL_MAD * float(np.median(distance)) or _NORMAL_MEAN * float(distance.mean())
    # beyond the nearer side by more than the sides differ: neither a step nor a slope nor a turn
    beyond = distance - 1.5 * np.abs(before - after)
    return float((beyond > _OUTLIER_DEVIATIONS * deviation).mean())


def _noise(values: Floats) -> float:
    steps = np.diff(values)
    steps = steps[np.isfinite(steps)]
    if steps.size == 0:
        return float("nan")
    return float(_NORMAL_MAD * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2.0))


def _ks(train: Floats, test: Floats) -> float:
    if train.size == 0 or test.size == 0:
        return float("nan")
    train, test = np.sort(train), np.sort(test)
    values = np.concatenate([train, test])
    below_train = np.searchsorted(train, values, side="right") / train.size
    below_test = np.searchsorted(test, values, side="right") / test.size
    return float(np.abs(below_train - below_test).max())


def _psi(train: Floats, test: Floats) -> float:
    if train.size == 0 or test.size == 0:
        return float("nan")
    levels = np.unique(train)
    if levels.size > _DISCRETE_LEVELS:
        # samples, by whole numbers: an interpolated edge may round to either side of equal samples
        ranks = -(-np.arange(_PSI_BINS + 1) * train.size // _PSI_BINS) - 1
        levels = np.unique(np.sort(train)[np.maximum(ranks, 0)])
    # a bin ends with its upper edge and one lies beyond either end of training
    edges = np.concatenate([[np.nextafter(levels[0], -np.inf)], levels])
    shares = []
    for values in (train, test):
        counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=edges.size + 1)
        shares.append(np.maximum(counts / values.size, _PSI_FLOOR))
    expected, actual = shares
    return float(((actual - expected) * np.log(actual / expected)).sum())


def _outside(train: Floats, test: Floats) -> float:
    if train.size == 0 or test.size == 0:
        return float("nan")
    return float(((test < train.min()) | (test > train.max())).mean())
