"""Figures of ESA's anomaly detection benchmark: corrected event-wise precision and recall, and timing.

Source: Kotowski et al., "European Space Agency Benchmark for Anomaly Detection in Satellite Telemetry", 2024,
arXiv:2406.17826, section 4; the correction by the true negative rate is that of Sehili and Zhang, "Multivariate Time
Series Anomaly Detection: Fancy Algorithms and Flawed Evaluation Methodology", 2023, arXiv:2308.13068.
"""

import math
from dataclasses import dataclass

import numpy.typing as npt
import pandas as pd

from workbench.detection.evaluation.overlap import count
from workbench.detection.evaluation.sequences import alarms_of, bounds_of, merged_bounds, ratio

__all__ = ["EventCounts", "event_counts", "timing_quality"]


@dataclass(frozen=True)
class EventCounts:
    """Counts of events and of falsely flagged samples; those of several series add up.

    Attributes
    ----------
    true_positives, false_negatives : int
        True events that at least one detection touches, and that none touches.
    false_positives : int
        Detections that touch no true event.
    redundant_detections : int
        Detections of an event after its first one.
    false_samples, normal_samples : int
        Flagged samples outside every true event, and all samples outside.
    timing : float
        Sum of `timing_quality` over the detected events.
    not_early : int
        Detected events whose first detection begins with them or later.
    """

    true_positives: int = 0
    false_negatives: int = 0
    false_positives: int = 0
    redundant_detections: int = 0
    false_samples: int = 0
    normal_samples: int = 0
    timing: float = 0.0
    not_early: int = 0

    def __add__(self, other: "EventCounts") -> "EventCounts":
        return EventCounts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def precision(self) -> float:
        """Share of the detections that are true, times the true negative rate of samples."""
        correction = 1.0 if not self.normal_samples else 1 - self.false_samples / self.normal_samples
        return ratio(self.true_positives, self.true_positives + self.false_positives) * correction

    @property
    def recall(self) -> float:
        """Share of the true events that are detected."""
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f0_5(self) -> float:
        """Harmonic mean of both, in which precision counts twice as much as recall."""
        if self.precision == 0 and self.recall == 0:
            return 0.0
        return 1.25 * self.precision * self.recall / (0.25 * self.precision + self.recall)

    def figures(self) -> dict[str, float]:
        """Return the figures; NaN where one is undefined."""
        return {
            "esa_precision": self.precision,
            "esa_recall": self.recall,
            "esa_f0_5": self.f0_5,
            "alarming_precision": ratio(self.true_positives, self.true_positives + self.redundant_detections),
            "adtqc": ratio(self.timing, self.true_positives),
            "after_rate": ratio(self.not_early, self.true_positives),
        }


def event_counts(
    predicted: pd.DataFrame, labels: pd.DataFrame, length: int, score: npt.ArrayLike | None = None
) -> EventCounts:
    """Count the events of a series as ESA's benchmark does.

    Parameters
    ----------
    predicted, labels : pandas.DataFrame
        Integer columns `start`, `end`, inclusive, in samples of the test series. Predicted sequences that overlap or
        touch are one detection, which begins at its first sample, or where the first `detected_at` says.
    length : int
        Samples of the test series.
    score : array_like, optional
        Not used.

    Returns
    -------
    EventCounts

    Raises
    ------
    DetectionError
        A sequence lies outside the series.

    Notes
    -----
    The benchmark writes 0 where a figure has no denominator; here it is undefined. Samples stand for an interval of
    one sample, so that an event of one sample has length 1.

    Examples
    --------
    >>> found = pd.DataFrame({"start": [10, 14, 50], "end": [11, 15, 54]})
    >>> counts = event_counts(found, pd.DataFrame({"start": [10], "end": [19]}), 100)
    >>> counts.true_positives, counts.false_positives, counts.redundant_detections, counts.false_samples
    (1, 1, 1, 5)
    """
    del score
    detections, events = merged_bounds(predicted, length, "predicted"), bounds_of(labels, length, "labelled")
    alarms = alarms_of(predicted, detections)
    overlap = count(pd.DataFrame(detections, columns=["start", "end"]), labels, length)
    redundant, timing, not_early = 0, 0.0, 0
    starts = sorted(set(events[:, 0].tolist()))
    for start, end in events.tolist():
        touching = alarms[(detections[:, 0] <= end) & (detections[:, 1] >= start)]
        if not len(touching):
            continue
        redundant += len(touching) - 1
        delay, size = int(touching[0]) - start, end - start + 1
        earlier = [other for other in starts if other < start]
        timing += timing_quality(delay, min(size, start - earlier[-1]) if earlier else size, size)
        not_early += delay >= 0
    return EventCounts(
        true_positives=overlap.true_positives,
        false_negatives=overlap.false_negatives,
        false_positives=overlap.false_positives,
        redundant_detections=redundant,
        false_samples=overlap.normal - overlap.true_negatives,
        normal_samples=overlap.normal,
        timing=timing,
        not_early=not_early,
    )


def timing_quality(delay: float, earliest: float, latest: float) -> float:
    """Return the value of the anomaly detection timing quality curve (ADTQC).

    Parameters
    ----------
    delay : float
        Start of the first detection less the start of the event; negative where it is early.
    earliest : float
        How early a detection is worth nothing: the length of the event, or the time since the start of the event
        before it where that is shorter.
    latest : float
        How late a detection is worth nothing: the length of the event.

    Returns
    -------
    float
        From 0 to 1; 1 where the detection begins with the event.

    Examples
    --------
    >>> [round(timing_quality(delay, 10, 10), 3) for delay in (-10, -5, 0, 5, 9, 10)]
    [0.0, 0.152, 1.0, 0.5, 0.003, 0.0]
    """
    if delay == 0:
        return 1.0
    if delay <= -earliest or delay >= latest:
        return 0.0
    if delay < 0:
        return float(((delay + earliest) / earliest) ** math.e)
    return float(1 / (1 + (delay / (latest - delay)) ** math.e))
