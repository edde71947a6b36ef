"""The score of the Numenta Anomaly Benchmark: early detections earn more, false ones cost.

Source: Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark", ICMLA
2015, arXiv:1510.03336, section III.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy.typing as npt
import pandas as pd

from workbench.detection.evaluation.sequences import Bounds, alarms_of, bounds_of, merged_bounds, ratio

__all__ = ["NAB_PROFILES", "NabCounts", "NabProfile", "nab_counts", "nab_score", "probation_samples", "window_value"]

_PROBATION = 0.15
_LONGEST_PROBATION = 750
_FAR = 3.0
"""Widths of a window after its end, from where on a false detection costs in full."""


@dataclass(frozen=True)
class NabProfile:
    """What a user of a detector values.

    Attributes
    ----------
    false_positive, false_negative : float
        Cost of a false detection far from any window, and of a missed window; the earliest detection earns 1.
    """

    false_positive: float
    false_negative: float


NAB_PROFILES = {
    "standard": NabProfile(0.11, 1.0),
    "low_fp": NabProfile(0.22, 1.0),
    "low_fn": NabProfile(0.11, 2.0),
}
"""The three profiles: standard, reward for few false detections, reward for few missed windows."""


@dataclass(frozen=True)
class NabCounts:
    """Windows and values of a series; those of several add up.

    Attributes
    ----------
    windows, windows_found : int
        Windows, and those in which there is a detection.
    false_detections : int
        Detections outside every window.
    earned : float
        What the first detection in each window earns.
    cost : float
        What false detections cost, where one far from any window costs 1; one soon after a window costs less.
    """

    windows: int = 0
    windows_found: int = 0
    false_detections: int = 0
    earned: float = 0.0
    cost: float = 0.0

    def __add__(self, other: "NabCounts") -> "NabCounts":
        return NabCounts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def score(self, profile: NabProfile) -> float:
        """Return the normalised score: 0 for no detection at all, 100 for a perfect one, NaN without a window."""
        missed = self.windows - self.windows_found
        raw = self.earned - profile.false_positive * self.cost - profile.false_negative * missed
        nothing = -profile.false_negative * self.windows
        return 100 * ratio(raw - nothing, self.windows - nothing)

    def figures(self) -> dict[str, float]:
        """Return the score in each profile."""
        return {f"nab_{name}": self.score(profile) for name, profile in NAB_PROFILES.items()}


def nab_counts(
    predicted: pd.DataFrame, labels: pd.DataFrame, length: int, score: npt.ArrayLike | None = None
) -> NabCounts:
    """Judge the sequences of a series as NAB does, one alarm a sequence, when it is detected.

    Parameters
    ----------
    predicted, labels : pandas.DataFrame
        Integer columns `start`, `end`, inclusive, in samples of the test series; labels are the windows. A sequence is
        detected at its first sample, or where its `detected_at` says.
    length : int
        Samples of the test series. None of them is in the probation: a test series follows what the model learned.
    score : array_like, optional
        Not used.

    Returns
    -------
    NabCounts

    Raises
    ------
    DetectionError
        A sequence lies outside the series.
    """
    del score
    alarms = alarms_of(predicted, merged_bounds(predicted, length, "predicted"))
    return nab_score(alarms.tolist(), bounds_of(labels, length, "labelled"))


def nab_score(detections: Iterable[int], windows: Bounds) -> NabCounts:
    """Judge single detections against windows.

    Parameters
    ----------
    detections : iterable of int
        Samples at which an alarm is raised.
    windows : numpy.ndarray, shape (n, 2), int
        First and last sample of each window.

    Returns
    -------
    NabCounts

    Notes
    -----
    Only the first detection in a window counts. A false detection costs 1 where no window is before it.

    Examples
    --------
    >>> import numpy as np
    >>> counts = nab_score([10, 12], np.array([[10, 19]]))
    >>> {name: counts.score(profile) for name, profile in NAB_PROFILES.items()}
    {'standard': 100.0, 'low_fp': 100.0, 'low_fn': 100.0}
    """
    ordered = sorted(tuple(window) for window in windows.tolist())
    first: dict[tuple[int, ...], int] = {}
    cost, false_detections = 0.0, 0
    for sample in sorted(detections):
        window = next((one for one in ordered if one[0] <= sample <= one[1]), None)
        if window is not None:
            first.setdefault(window, sample)
            continue
        false_detections += 1
        before = [one for one in ordered if one[1] < sample]
        cost += -window_value((sample - before[-1][1]) / max(before[-1][1] - before[-1][0], 1)) if before else 1.0
    earned = 0.0
    for (start, end), sample in first.items():
        earned += window_value(-(end - sample + 1) / (end - start + 1)) / window_value(-1.0)
    return NabCounts(len(ordered), len(first), false_detections, earned, cost)


def window_value(position: float) -> float:
    """Return the scaled sigmoid of a place relative to a window.

    Parameters
    ----------
    position : float
        In widths of the window: -1 at its first sample, 0 at its end, above 0 after it.

    Returns
    -------
    float
        Between 1 and -1.

    Examples
    --------
    >>> [round(window_value(position), 3) for position in (-1, -0.5, 0, 1, 5)]
    [0.987, 0.848, 0.0, -0.987, -1.0]
    """
    return -1.0 if position > _FAR else 2 / (1 + math.exp(5 * position)) - 1


def probation_samples(length: int) -> int:
    """Return how many samples at the beginning of a series are not judged: 15 %, and no more than 750.

    Examples
    --------
    >>> probation_samples(4032), probation_samples(20_000)
    (604, 750)
    """
    return min(int(_PROBATION * length), _LONGEST_PROBATION)
