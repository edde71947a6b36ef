"""The overlap protocol: a true sequence is found where a predicted one shares a sample with it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.detection.evaluation.sequences import bounds_of, mask_of, ratio

__all__ = ["FIGURES", "Contingency", "count", "touched_labels"]

FIGURES = (
    "true_positives",
    "false_positives",
    "false_negatives",
    "precision",
    "recall",
    "f0_5",
    "f1",
    "flagged_fraction",
    "tnr",
)
"""Columns of every row of an `Evaluation`, after its name."""


@dataclass(frozen=True)
class Contingency:
    """Counts of one channel or, added up, of a group.

    Attributes
    ----------
    true_positives : int
        True sequences touched by at least one predicted sequence.
    false_positives : int
        Predicted sequences that touch no true sequence.
    false_negatives : int
        True sequences touched by none.
    samples : int
        Samples of the test series.
    flagged : int
        Samples inside any predicted sequence.
    normal : int
        Samples outside every true sequence.
    true_negatives : int
        Normal samples that are not flagged.
    """

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    samples: int = 0
    flagged: int = 0
    normal: int = 0
    true_negatives: int = 0

    def __add__(self, other: "Contingency") -> "Contingency":
        return Contingency(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def precision(self) -> float:
        """TP / (TP + FP); NaN where TP + FP is 0."""
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """TP / (TP + FN); NaN where no true sequence exists."""
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    def f(self, beta: float) -> float:
        """Return F-beta; NaN where precision or recall is undefined.

        Parameters
        ----------
        beta : float
            Weight of recall; 0.5 values precision, as an operator does who has to look at every alarm.

        Returns
        -------
        float

        Examples
        --------
        >>> round(Contingency(true_positives=34, false_positives=7, false_negatives=5).f(1), 3)
        0.85
        """
        if np.isnan(self.precision) or np.isnan(self.recall):
            return float("nan")
        weight = beta * beta
        hits = (1 + weight) * self.true_positives
        return ratio(hits, hits + weight * self.false_negatives + self.false_positives)

    @property
    def flagged_fraction(self) -> float:
        """Share of the test samples that are flagged; NaN where there are none."""
        return ratio(self.flagged, self.samples)

    @property
    def tnr(self) -> float:
        """True negative rate by samples; NaN where every sample is labelled anomalous."""
        return ratio(self.true_negatives, self.normal)

    def figures(self) -> dict[str, float]:
        """Return the columns named by `FIGURES`."""
        return {
            "true_positives": self.true_positives,
            "false_positives": self.false_positives,
            "false_negatives": self.false_negatives,
            "precision": self.precision,
            "recall": self.recall,
            "f0_5": self.f(0.5),
            "f1": self.f(1.0),
            "flagged_fraction": self.flagged_fraction,
            "tnr": self.tnr,
        }


def count(predicted: pd.DataFrame, labels: pd.DataFrame, length: int) -> Contingency:
    """Count one channel by the overlap protocol.

    Parameters
    ----------
    predicted : pandas.DataFrame
        Integer columns `start`, `end`, inclusive, in samples of the test series; may overlap each other.
    labels : pandas.DataFrame
        The true sequences, in the same form; no rows where the series is normal throughout.
    length : int
        Samples of the test series.

    Returns
    -------
    Contingency

    Raises
    ------
    DetectionError
        A sequence ends before it starts or lies outside the series.

    Notes
    -----
    Section 4.1 of Hundman et al. (KDD 2018, arXiv:1802.04431). Unlike Telemanom's code, where each prediction
    credits one true sequence only, a long prediction that touches two true sequences credits both.

    Examples
    --------
    >>> true = pd.DataFrame({"start": [10, 30], "end": [19, 39]})
    >>> found = pd.DataFrame({"start": [19, 50], "end": [30, 54]})
    >>> counted = count(found, true, 100)
    >>> counted.true_positives, counted.false_positives, counted.false_negatives, counted.flagged
    (2, 1, 0, 17)
    """
    touches = _touches(predicted, labels, length)
    flagged = mask_of(bounds_of(predicted, length, "predicted"), length)
    anomalous = mask_of(bounds_of(labels, length, "labelled"), length)
    hit = int(touches.any(axis=0).sum())
    return Contingency(
        true_positives=hit,
        false_positives=int((~touches.any(axis=1)).sum()),
        false_negatives=touches.shape[1] - hit,
        samples=length,
        flagged=int(flagged.sum()),
        normal=int((~anomalous).sum()),
        true_negatives=int((~anomalous & ~flagged).sum()),
    )


def touched_labels(predicted: pd.DataFrame, labels: pd.DataFrame, length: int) -> npt.NDArray[np.bool_]:
    """Return which labels share a sample with a predicted sequence.

    Parameters
    ----------
    predicted, labels, length
        As for `count`.

    Returns
    -------
    numpy.ndarray, shape (number of labels,), bool

    Raises
    ------
    DetectionError
        As for `count`.
    """
    return np.atleast_1d(_touches(predicted, labels, length).any(axis=0))


def _touches(predicted: pd.DataFrame, labels: pd.DataFrame, length: int) -> npt.NDArray[np.bool_]:
    flags, truth = bounds_of(predicted, length, "predicted"), bounds_of(labels, length, "labelled")
    return (flags[:, None, 0] <= truth[None, :, 1]) & (truth[None, :, 0] <= flags[:, None, 1])
