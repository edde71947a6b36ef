"""Range-based precision and recall: how much of each sequence overlaps, and in how many pieces.

Source: Tatbul et al., "Precision and Recall for Time Series", NeurIPS 2018, section 4.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.detection.evaluation.sequences import Bounds, merged_bounds

__all__ = ["range_figures"]

_EXISTENCE = 0.5
"""Weight of finding a range at all in the recall of F1; the recall that stands alone has none."""


def range_figures(
    predicted: pd.DataFrame, labels: pd.DataFrame, length: int, score: npt.ArrayLike | None = None
) -> dict[str, float]:
    """Compute range-based precision, recall and F1 of a series.

    Parameters
    ----------
    predicted, labels : pandas.DataFrame
        Integer columns `start`, `end`, inclusive, in samples of the test series; sequences that overlap or touch are
        one.
    length : int
        Samples of the test series.
    score : array_like, optional
        Not used.

    Returns
    -------
    dict of str to float
        `range_precision` (NaN where nothing is predicted), `range_recall` (NaN where nothing is labelled) and
        `range_f1` (NaN where either is).

    Raises
    ------
    DetectionError
        A sequence lies outside the series.

    Notes
    -----
    With flat positional bias and reciprocal cardinality: a range that is covered by k others gets a k-th of the share
    of its samples that they cover. In the recall of F1 half of the reward is for finding a range at all.

    Examples
    --------
    >>> found, true = pd.DataFrame({"start": [10], "end": [14]}), pd.DataFrame({"start": [10], "end": [19]})
    >>> range_figures(found, true, 100)
    {'range_precision': 1.0, 'range_recall': 0.5, 'range_f1': 0.8571428571428571}
    """
    del score
    flags, truth = merged_bounds(predicted, length, "predicted"), merged_bounds(labels, length, "labelled")
    precision, recall = _mean_reward(flags, truth), _mean_reward(truth, flags)
    rewarded = _mean_reward(truth, flags, _EXISTENCE)
    both = precision + rewarded
    f1 = 2 * precision * rewarded / both if both else 0.0
    return {"range_precision": precision, "range_recall": recall, "range_f1": f1}


def _mean_reward(ranges: Bounds, others: Bounds, existence: float = 0.0) -> float:
    """Return the mean reward of ranges for how others overlap them; NaN without a range."""
    if not len(ranges):
        return float("nan")
    first = np.maximum(ranges[:, None, 0], others[None, :, 0])
    last = np.minimum(ranges[:, None, 1], others[None, :, 1])
    overlaps = np.maximum(last - first + 1, 0)
    pieces = (overlaps > 0).sum(axis=1)
    shares = overlaps.sum(axis=1) / (ranges[:, 1] - ranges[:, 0] + 1) / np.maximum(pieces, 1)
    return float(np.mean(existence * (pieces > 0) + (1 - existence) * shares))
