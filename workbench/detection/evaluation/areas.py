"""Areas under curves of a score, which need no threshold: precision against recall, and the volume under the surface.

Sources: Davis and Goadrich, "The Relationship Between Precision-Recall and ROC Curves", ICML 2006, for the point-wise
area; Paparrizos et al., "Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series Anomaly
Detection", PVLDB 15(11), 2022, section 4, for the volumes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.detection.evaluation.sequences import bounds_of, mask_of, runs_of
from workbench.exceptions import DetectionError

__all__ = ["BUFFERS", "average_precision", "range_areas", "score_figures"]

BUFFERS = tuple(range(0, 501, 10))
"""Widths of the buffers about a true sequence over which the volumes are averaged, samples."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Ranking:
    """The samples of a series by falling score.

    Attributes
    ----------
    order : numpy.ndarray of int, shape (n,)
        Samples, the highest score first.
    cuts : numpy.ndarray of int
        How many samples are flagged at each threshold; equal scores are flagged together.
    """

    order: npt.NDArray[np.int64]
    cuts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, score: Floats) -> "_Ranking":
        order = np.argsort(-score, kind="stable")
        ordered = score[order]
        return cls(order, np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, ordered.size))


def score_figures(
    predicted: pd.DataFrame, labels: pd.DataFrame, length: int, score: npt.ArrayLike | None = None
) -> dict[str, float]:
    """Compute the areas of one series.

    Parameters
    ----------
    predicted : pandas.DataFrame
        Not used: no threshold is applied.
    labels : pandas.DataFrame
        Integer columns `start`, `end`, inclusive, in samples of the test series.
    length : int
        Samples of the test series.
    score : array_like, shape (m,) or (length,), optional
        Anomaly score, high where anomalous, as the smoothed error; NaN, where a sample was not judged, counts as the
        least score. It is that of the last m samples where it is shorter than the series.

    Returns
    -------
    dict of str to float
        `auc_pr`, `vus_pr` and `vus_roc`; NaN without a score, for a constant one, and where none or all of the samples
        are labelled.

    Raises
    ------
    DetectionError
        The score is longer than the series, infinite or nothing but NaN.

    Notes
    -----
    The volumes average over `BUFFERS`. Every distinct score is a threshold, where the authors' code takes 250 of them.
    """
    del predicted
    figures = dict.fromkeys(("auc_pr", "vus_pr", "vus_roc"), float("nan"))
    if score is None:
        return figures
    values = _checked(score, length)
    truth = mask_of(bounds_of(labels, length, "labelled"), length)[length - len(values) :]
    if np.ptp(values) == 0 or not truth.any() or truth.all():
        return figures
    figures["auc_pr"] = average_precision(truth, values)
    ranking = _Ranking.of(values)
    figures["vus_pr"], figures["vus_roc"] = np.mean([_areas(truth, ranking, size) for size in BUFFERS], axis=0).tolist()
    return figures


def average_precision(truth: Mask, score: Floats) -> float:
    """Return the area under the curve of precision against recall, point by point.

    Parameters
    ----------
    truth : numpy.ndarray, shape (n,), bool
        Which samples are anomalous, at least one.
    score : numpy.ndarray, shape (n,)
        Anomaly score, high where anomalous.

    Returns
    -------
    float
        Sum of the precision at each threshold times the recall that it adds.

    Examples
    --------
    >>> average_precision(np.array([True, False, True]), np.array([3.0, 2.0, 1.0]))
    0.8333333333333333
    """
    ranking = _Ranking.of(score)
    hits = np.cumsum(truth[ranking.order])[ranking.cuts - 1]
    recall = hits / hits[-1]
    return float((np.diff(recall, prepend=0.0) * hits / ranking.cuts).sum())


def range_areas(truth: Mask, score: Floats, buffer_size: int) -> tuple[float, float]:
    """Return the range-based areas under precision against recall, and under the ROC curve, for one buffer.

    Parameters
    ----------
    truth : numpy.ndarray, shape (n,), bool
        Which samples are anomalous; some, not all.
    score : numpy.ndarray, shape (n,)
        Anomaly score, high where anomalous.
    buffer_size : int
        Samples of the buffer; half of them on either side of a true sequence, where the label falls as the square root
        of 1 - distance / buffer_size.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> range_areas(np.array([False, True, False, False]), np.array([0.1, 0.9, 0.2, 0.3]), 0)
    (1.0, 1.0)
    """
    return _areas(truth, _Ranking.of(score), buffer_size)


def _areas(truth: Mask, ranking: _Ranking, buffer_size: int) -> tuple[float, float]:
    label = _softened(truth, buffer_size)
    flagged = ranking.cuts.astype(np.float64)
    hits = np.cumsum(label[ranking.order])[ranking.cuts - 1]
    positives = (truth.sum() + label.sum()) / 2
    recall = np.minimum(hits / positives, 1.0) * _share_of_ranges_found(label > 0, ranking)
    precision = hits / flagged
    false_rate = np.minimum((flagged - hits) / (truth.size - positives), 1.0)
    recalls, precisions = np.append(0.0, recall), np.append(1.0, precision)
    under_precision = np.diff(recalls) @ (precisions[1:] + precisions[:-1]) / 2
    rates, heights = np.concatenate(([0.0], false_rate, [1.0])), np.append(recalls, 1.0)
    under_roc = np.diff(rates) @ (heights[1:] + heights[:-1]) / 2
    return float(under_precision), float(under_roc)


def _softened(truth: Mask, buffer_size: int) -> Floats:
    """Return the label of each sample, from 0 to 1, with a slope on either side of each true sequence."""
    label = truth.astype(np.float64)
    reach = buffer_size // 2
    if not reach:
        return label
    distance = np.arange(1, reach + 1)
    slope = np.sqrt(1 - distance / buffer_size)
    for start, end in runs_of(truth):
        before, after = start - distance, end + distance
        np.add.at(label, before[before >= 0], slope[before >= 0])
        np.add.at(label, after[after < truth.size], slope[after < truth.size])
    return np.minimum(label, 1.0)


def _share_of_ranges_found(ranges: Mask, ranking: _Ranking) -> Floats:
    """Return, for each threshold, the share of the ranges in which a sample is flagged."""
    place = np.empty(ranges.size, dtype=np.int64)
    place[ranking.order] = np.arange(ranges.size)
    first_found = np.sort([place[start : end + 1].min() for start, end in runs_of(ranges)])
    return np.searchsorted(first_found, ranking.cuts, side="left") / first_found.size


def _checked(score: npt.ArrayLike, length: int) -> Floats:
    values = np.asarray(score, dtype=np.float64)
    if values.ndim != 1 or not 0 < len(values) <= length:
        raise DetectionError(f"score has shape {values.shape}.", f"It must hold 1 to {length} samples, one dimension.")
    missing = np.isnan(values)
    if missing.all() or np.isinf(values).any():
        raise DetectionError("score holds only NaN, or infinite values.", "Score the channel again, or pass others.")
    return np.where(missing, values[~missing].min(), values)
