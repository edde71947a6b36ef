"""Fitting of the components of an asset, in passes over parts of its training telemetry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from workbench.counts import counted
from workbench.detection.asset.components import STATISTICS, AssetModel, Rows, lagged, rows_from, table_of
from workbench.detection.envelope.features import MARGINS, Margin
from workbench.detection.envelope.fitted import FeatureRecord, mean_excess
from workbench.detection.envelope.rolling import SHORT, Floats
from workbench.exceptions import DetectionError

__all__ = ["LAGS", "SAMPLES_PER_COLUMN", "fit_asset", "fit_rows"]

LAGS = 4
"""Samples before each one that are judged with it, at most."""
SAMPLES_PER_COLUMN = 10
"""Training samples that each column needs; an asset with fewer has fewer lags."""
_ROUNDING = 2.0**-20
"""Eight steps of float32."""
_LEAST_VARIANCE = 1e-9
"""Residual variance of channels that depend on each other exactly, so that a missing one can be computed."""
_LEAST_SPREAD = 0.01
"""Least spread of a residual in standard deviations of its channel, as the envelope's floor is .01 of a range."""
_PART_VALUES = 4_194_304


def fit_asset(
    train: npt.ArrayLike,
    channels: Sequence[str],
    margin: Margin = MARGINS["excess"].core,
    *,
    lags: int | None = None,
) -> AssetModel:
    """Learn how the channels of an asset move together.

    Parameters
    ----------
    train : array_like, shape (n, number of channels)
        Training telemetry over one time base, see `on_one_clock`; missing samples are NaN.
    channels : sequence of str
        Name of each column.
    margin : Margin
        How far the distances may exceed their largest training values.
    lags : int, optional
        Samples before each one that are judged with it; 4 where omitted, or as many as leave ten training samples for
        each column.

    Returns
    -------
    AssetModel
        Channels that are constant or missing in training are not judged; without any other, nothing is. Correlations
        come from the samples in which both columns are there.

    Raises
    ------
    DetectionError
        There are fewer than 20 samples, or not more samples than channels.

    Examples
    --------
    >>> swing = np.sin(np.arange(300) / 10)
    >>> model = fit_asset(np.column_stack([swing, 2 * swing, np.cos(np.arange(300) / 7)]), ["flow", "speed", "heat"])
    >>> test = np.column_stack([swing, 2 * swing, np.cos(np.arange(300) / 7)])
    >>> test[150, 1] *= -1
    >>> [(event.statistic, event.start, event.contributions[0][0]) for event in model.find(test)]
    [('q', 150, 'speed')]
    """
    table = table_of(train, len(channels))
    return fit_rows(lambda start, end: table[start:end], len(table), channels, margin, lags=lags)


def fit_rows(
    rows: Rows,
    n: int,
    channels: Sequence[str],
    margin: Margin = MARGINS["excess"].core,
    *,
    lags: int | None = None,
    breaks: Sequence[int] = (),
) -> AssetModel:
    """Learn what `fit_asset` does from telemetry that is read part by part, several times.

    Parameters
    ----------
    rows : callable
        Returns the training telemetry over one time base; see `Rows`.
    n : int
        Number of its samples.
    channels, margin, lags
        As for `fit_asset`.
    breaks : sequence of int
        Rows at which the time base begins anew, in rising order: no sample is learned with those before one.

    Returns
    -------
    AssetModel

    Raises
    ------
    DetectionError
        As for `fit_asset`.
    """
    if n < SHORT or n <= len(channels):
        raise DetectionError(
            f"The asset has {counted(n, 'training sample')} for {counted(len(channels), 'channel')}.",
            f"At least {SHORT}, and more than channels, are needed.",
        )
    means, scales, sizes = _moments(rows, n, len(channels))
    with np.errstate(invalid="ignore"):
        active = np.flatnonzero(scales > _ROUNDING * sizes)
    means, scales, sizes = means[active], scales[active], sizes[active]
    if lags is None:
        lags = min(LAGS, max(0, n // (SAMPLES_PER_COLUMN * max(1, active.size)) - 1))
    ends = ((0, n // 2), (n // 2, n))
    early, late = (_half(rows, pair, len(channels), active, means, scales, lags, breaks) for pair in ends)
    correlations = (early.products + late.products) / np.maximum(early.pairs + late.pairs - 1, 1)
    drift = np.where((early.counts > 0) & (late.counts > 0), late.means - early.means, 0.0)
    variances, components = np.linalg.eigh(correlations)
    variances, components = np.maximum(variances[::-1], 0.0), components[:, ::-1]
    number = min(max(1, int((variances > 1.0).sum())), variances.size)
    left_out = float(variances[number:].mean()) if variances.size > number else 0.0
    loadings = np.ascontiguousarray(components[:, :number])
    kept = np.maximum(variances[:number], _LEAST_VARIANCE)
    unseen = np.maximum((components[:, number:] ** 2) @ variances[number:], _unseen(early, late, number))
    by_channel = unseen.reshape(lags + 1, -1).mean(axis=0) if active.size else np.zeros(0)
    rounding = np.tile(_ROUNDING * sizes / scales, lags + 1)
    projection = loadings @ loadings.T
    reached = np.maximum(rounding**2 * (1 - 2 * np.diag(projection)) + projection**2 @ rounding**2, 0.0)
    residual_spreads = np.sqrt(np.maximum(np.tile(by_channel, lags + 1), _LEAST_SPREAD**2) + reached)
    known = {
        "channels": tuple(channels),
        "active": active,
        "lags": lags,
        "means": means,
        "scales": scales,
        "loadings": loadings,
        "variances": kept,
        "spreads": kept + (2.0 * (drift @ loadings)) ** 2,
        "residual": max(left_out, _LEAST_VARIANCE),
        "residual_spreads": residual_spreads,
        "rounding": float(np.sqrt((reached / residual_spreads**2).sum())),
        "margin": margin,
    }
    model = AssetModel(**known, records={})
    if not active.size:
        return model
    parts = [model.distances(rows_from(rows, start), 0, end - start) for start, end in pairwise((0, *breaks, n))]
    distances = {name: np.concatenate([part[name] for part in parts]) for name in STATISTICS}
    finite = {name: distances[name][np.isfinite(distances[name])] for name in STATISTICS}
    records = {name: FeatureRecord(float(one.max()), mean_excess(one)) for name, one in finite.items() if one.size}
    return AssetModel(**known, records=records)


def _spans(first: int, last: int, width: int) -> Iterator[tuple[int, int]]:
    step = max(1, _PART_VALUES // max(1, width))
    for start in range(first, last, step):
        yield start, min(start + step, last)


def _moments(rows: Rows, n: int, number: int) -> tuple[Floats, Floats, Floats]:
    """Return mean, standard deviation and largest size of each channel, of the samples that are there."""
    counts, sums, sizes, squares = (np.zeros(number) for _ in range(4))
    for start, end in _spans(0, n, number):
        table = table_of(rows(start, end), number)
        there = ~np.isnan(table)
        counts += there.sum(axis=0)
        filled = np.where(there, table, 0.0)
        sums += filled.sum(axis=0)
        sizes = np.maximum(sizes, np.abs(filled).max(axis=0, initial=0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / counts
        for start, end in _spans(0, n, number):
            table = table_of(rows(start, end), number)
            squares += np.nansum((table - means) ** 2, axis=0)
        return means, np.sqrt(squares / (counts - 1)), sizes


@dataclass(frozen=True)
class _Half:
    """Sums of products of the standardised columns in one half of training, and of how many samples they are."""

    products: Floats
    pairs: Floats
    sums: Floats
    counts: Floats

    @property
    def means(self) -> Floats:
        return np.asarray(self.sums / np.maximum(self.counts, 1))

    @property
    def covariances(self) -> Floats:
        return np.asarray(self.products / np.maximum(self.pairs, 1) - np.outer(self.means, self.means))


def _half(
    rows: Rows,
    ends: tuple[int, int],
    number: int,
    active: npt.NDArray[np.int64],
    means: Floats,
    scales: Floats,
    lags: int,
    breaks: Sequence[int],
) -> _Half:
    """Sum up the products of the columns with lags from one sample of training up to another."""
    width = active.size * (lags + 1)
    products, pairs, sums, counts = (np.zeros(shape) for shape in ((width, width), (width, width), width, width))
    bounds = [ends[0], *(row for row in breaks if ends[0] < row < ends[1]), ends[1]]
    for start, end in (span for pair in pairwise(bounds) for span in _spans(*pair, width)):
        stretch = max((row for row in breaks if row <= start), default=0)
        first = max(stretch, start - lags)
        table = table_of(rows(first, end), number)[:, active]
        columns = lagged((table - means) / scales, lags)[start - first :]
        there = ~np.isnan(columns)
        whole = there.all(axis=1)
        gaps = there[~whole].astype(np.float64)
        filled = np.where(there, columns, 0.0)
        products += filled.T @ filled
        pairs += gaps.T @ gaps + float(whole.sum())
        sums += filled.sum(axis=0)
        counts += there.sum(axis=0)
    return _Half(products, pairs, sums, counts)


def _unseen(early: _Half, late: _Half, number: int) -> Floats:
    """Return the mean square of what the components of one half leave of each column in the other half.

    The half that gave the components gives the means as well, so that a drift counts.
    """
    width = early.sums.size
    if not width:
        return np.zeros(0)
    from scipy.linalg import eigh  # every command imports this module, few fit an asset

    left = np.zeros(width)
    for seen, other in ((early, late), (late, early)):
        loadings = eigh(seen.covariances, subset_by_index=(width - number, width - 1), check_finite=False)[1]
        moved = other.means - seen.means
        moments = other.covariances + np.outer(moved, moved)
        inside = loadings.T @ moments
        left += np.diag(moments) + (((inside @ loadings) @ loadings.T - 2 * inside).T * loadings).sum(axis=1)
    return np.asarray(left / 2)
