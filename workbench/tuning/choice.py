"""Nested cross-validation over channels: each is judged at the point that the channels of other folds have chosen.

A choice made on the channels that then judge it looks better than it is. Here the outer folds judge, and what is chosen
for a fold knows nothing of its channels. No model is fitted to channels in between, so that a choice is made on the
pooled counts of all channels outside the fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.detection.evaluation import Contingency
from workbench.tuning.folds import deal_folds

__all__ = ["BETAS", "Counts", "Difference", "NestedChoice", "best_point", "compare_choices", "nested_choice"]

BETAS = {"f1": 1.0, "f0_5": 0.5}
"""Weight of recall by the name of the figure that a choice makes as large as it can."""

_FIELDS = ("true_positives", "false_positives", "false_negatives", "flagged")
_DRAWS = 4_000
_LOW, _HIGH = 0.05, 0.95


class Counts:
    """Counts of every channel at every point.

    Parameters
    ----------
    table : sequence of sequence of Contingency
        By point, then by channel.
    """

    def __init__(self, table: Sequence[Sequence[Contingency]]) -> None:
        self.table = table
        self.values: npt.NDArray[np.float64] = np.array(
            [[[getattr(one, name) for name in _FIELDS] for one in row] for row in table], dtype=np.float64
        )

    def pooled(self, point: int) -> Contingency:
        """Return the counts of all channels at a point."""
        return sum(self.table[point], Contingency())

    def judged(self, chosen: Sequence[int]) -> Contingency:
        """Return the counts of all channels, each at the point that was chosen for it."""
        return sum((self.table[point][channel] for channel, point in enumerate(chosen)), Contingency())


def f_scores(sums: npt.NDArray[np.float64], goal: str) -> npt.NDArray[np.float64]:
    """Return the F score of sums of counts; 0 where nothing is found, 1 where nothing is to be found and nothing is.

    Parameters
    ----------
    sums : numpy.ndarray, shape (..., 3 or more)
        True positives, false positives and false negatives.
    goal : {"f1", "f0_5"}
        Weight of recall.

    Returns
    -------
    numpy.ndarray, shape (...)
    """
    weight = BETAS[goal] ** 2
    hits = (1 + weight) * sums[..., 0]
    whole = hits + sums[..., 1] + weight * sums[..., 2]
    return np.divide(hits, whole, out=np.ones_like(hits), where=whole > 0)


def best_point(values: npt.NDArray[np.float64], goal: str) -> int:
    """Return the point with the best pooled figure.

    Parameters
    ----------
    values : numpy.ndarray, shape (points, channels, 4)
        True positives, false positives, false negatives and flagged samples.
    goal : {"f1", "f0_5"}
        The figure.

    Returns
    -------
    int
        Of equal ones that with the fewest false positives, then the fewest flagged samples, then the first.
    """
    sums = values.sum(axis=1)
    order = np.lexsort((np.arange(len(sums)), sums[:, 3], sums[:, 1], -np.round(f_scores(sums, goal), 12)))
    return int(order[0])


@dataclass(frozen=True)
class NestedChoice:
    """Points chosen for channels that had no part in the choice.

    Attributes
    ----------
    chosen : numpy.ndarray, shape (repeats, channels), int
        Point chosen for each channel by the channels of other folds.
    folds : numpy.ndarray, shape (repeats, channels), int
        Fold of each channel.
    """

    chosen: npt.NDArray[np.int64]
    folds: npt.NDArray[np.int64]

    def share(self, point: int) -> float:
        """Return the share of all choices that fell on a point."""
        picks = {
            (repeat, int(fold)): int(self.chosen[repeat, channel])
            for repeat, row in enumerate(self.folds)
            for channel, fold in enumerate(row)
        }
        return sum(pick == point for pick in picks.values()) / len(picks)


def nested_choice(
    counts: Counts, assets: Sequence[str], *, goal: str = "f1", folds: int = 5, repeats: int = 10, seed: int = 0
) -> NestedChoice:
    """Choose a point for each fold of channels by the channels of the other folds.

    Parameters
    ----------
    counts : Counts
        Counts of every channel at every point.
    assets : sequence of str
        Asset of each channel; folds hold about as many of each.
    goal : {"f1", "f0_5"}
        Figure that a choice makes as large as it can.
    folds, repeats : int
        Folds that channels are dealt to, and how often they are dealt anew.
    seed : int
        Seed of the dealing.

    Returns
    -------
    NestedChoice
    """
    values = counts.values
    events = (values[0, :, 0] + values[0, :, 2]).astype(int).tolist()
    random = np.random.default_rng(seed)
    dealt = np.stack([deal_folds(assets, events, folds, random) for _ in range(repeats)])
    chosen = np.empty_like(dealt)
    for repeat, row in enumerate(dealt):
        for fold in range(folds):
            outside = row != fold
            chosen[repeat, ~outside] = best_point(values[:, outside], goal)
    return NestedChoice(chosen, dealt)


@dataclass(frozen=True)
class Difference:
    """By how much the figure of what was chosen exceeds that of the present point.

    Attributes
    ----------
    mean, low, high : float
        Mean over the repeats on all channels, and the 5 % and 95 % quantiles over channels drawn with replacement.
    """

    mean: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        """Whether even the lower bound is better than the present point."""
        return self.low > 0


def compare_choices(counts: Counts, nested: NestedChoice, *, goal: str = "f1", seed: int = 0) -> Difference:
    """Compare what was chosen with the first point, which is the present one, on the same channels.

    Parameters
    ----------
    counts : Counts
        Counts of every channel at every point.
    nested : NestedChoice
        Points chosen for channels of other folds.
    goal : {"f1", "f0_5"}
        Figure that is compared.
    seed : int
        Seed of the draws.

    Returns
    -------
    Difference

    Notes
    -----
    A paired bootstrap (Efron and Tibshirani 1993): each draw takes one of the repeats and as many channels as there
    are, with replacement, and computes both figures on them.
    """
    channels = np.arange(counts.values.shape[1])
    present = counts.values[0]
    tuned = np.stack([counts.values[row, channels] for row in nested.chosen])  # (repeats, channels, 4)
    mean = float((f_scores(tuned.sum(axis=1), goal) - f_scores(present.sum(axis=0), goal)).mean())
    random = np.random.default_rng(seed)
    repeats = random.integers(len(tuned), size=_DRAWS)
    drawn = random.integers(channels.size, size=(_DRAWS, channels.size))
    differences = np.array(
        [
            f_scores(tuned[repeat, some].sum(axis=0), goal) - f_scores(present[some].sum(axis=0), goal)
            for repeat, some in zip(repeats, drawn, strict=True)
        ]
    )
    low, high = np.quantile(differences, (_LOW, _HIGH))
    return Difference(mean, float(low), float(high))
