"""Affiliation precision and recall: how near detections are to events, against a detection at random.

Source: Huet, Navarro and Rossi, "Local Evaluation of Time Series Anomaly Detection Algorithms", KDD 2022,
arXiv:2206.13167, sections 3 and 4. Time is continuous: sample i is the interval from i to i + 1.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.detection.evaluation.sequences import Bounds, merged_bounds

__all__ = ["affiliation"]

Spans = npt.NDArray[np.float64]
"""Begin and end of intervals, shape (n, 2), disjoint and in order."""


@dataclass(frozen=True)
class _Zone:
    """One event and the time that is nearer to it than to any other event."""

    begin: float
    end: float
    event_begin: float
    event_end: float

    @property
    def size(self) -> float:
        return self.end - self.begin


def affiliation(
    predicted: pd.DataFrame, labels: pd.DataFrame, length: int, score: npt.ArrayLike | None = None
) -> dict[str, float]:
    """Compute affiliation precision, recall and F1 of a series.

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
        `affiliation_precision`, `affiliation_recall` and `affiliation_f1`. All are NaN without an event, and precision
        and F1 without a detection.

    Raises
    ------
    DetectionError
        A sequence lies outside the series.

    Notes
    -----
    Precision of an event is the mean, over the detected time in its zone, of the probability that a time drawn from
    the zone is no nearer to the event. Recall is the mean, over the time of the event, of the probability that one is
    no nearer than the nearest detection. A detector that flags everything gets about one half of precision.

    Examples
    --------
    >>> event = pd.DataFrame({"start": [10], "end": [19]})
    >>> affiliation(event, event, 100)["affiliation_f1"]
    1.0
    """
    del score
    events = merged_bounds(labels, length, "labelled")
    detected = _spans(merged_bounds(predicted, length, "predicted"))
    figures = dict.fromkeys(("affiliation_precision", "affiliation_recall", "affiliation_f1"), float("nan"))
    if not len(events):
        return figures
    zones = _zones(_spans(events), float(length))
    parts = [_within(detected, zone.begin, zone.end) for zone in zones]
    figures["affiliation_recall"] = recall = float(np.mean(list(map(_recall, zones, parts))))
    precisions = [_precision(zone, part) for zone, part in zip(zones, parts, strict=True) if len(part)]
    if precisions:
        figures["affiliation_precision"] = precision = float(np.mean(precisions))
        both = precision + recall
        figures["affiliation_f1"] = 2 * precision * recall / both if both else 0.0
    return figures


def _spans(bounds: Bounds) -> Spans:
    spans: Spans = bounds + np.array([0.0, 1.0])
    return spans


def _zones(events: Spans, length: float) -> list[_Zone]:
    middles = (events[:-1, 1] + events[1:, 0]) / 2
    begins, ends = [0.0, *middles.tolist()], [*middles.tolist(), length]
    return [_Zone(a, b, *event) for a, b, event in zip(begins, ends, events.tolist(), strict=True)]


def _within(spans: Spans, begin: float, end: float) -> Spans:
    """Cut intervals to a zone."""
    cut = [(max(first, begin), min(last, end)) for first, last in spans.tolist()]
    return np.array([(first, last) for first, last in cut if first < last]).reshape(-1, 2)


def _precision(zone: _Zone, detected: Spans) -> float:
    """Return the mean probability that a time drawn from the zone is no nearer to the event than a detected one."""
    before = _within(detected, zone.begin, zone.event_begin)
    inside = _within(detected, zone.event_begin, zone.event_end)
    after = _within(detected, zone.event_end, zone.end)
    nearness = float((inside[:, 1] - inside[:, 0]).sum())
    for distances in (zone.event_begin - before[:, ::-1], after - zone.event_end):
        nearness += sum(_integral_beside_event(zone, low, high) for low, high in distances.tolist())
    return nearness / float((detected[:, 1] - detected[:, 0]).sum())


def _integral_beside_event(zone: _Zone, low: float, high: float) -> float:
    """Integrate, over distances from an event, the probability that a time drawn from its zone is no nearer.

    Nearer than d are the event itself and d on either side of it, as far as the zone reaches.
    """
    nearer = (high - low) * (zone.event_end - zone.event_begin)
    nearer += _integral_of_least(low, high, zone.event_begin - zone.begin)
    nearer += _integral_of_least(low, high, zone.end - zone.event_end)
    return (high - low) - nearer / zone.size


def _integral_of_least(low: float, high: float, limit: float) -> float:
    """Integrate min(d, limit) over d from low to high."""
    turn = min(max(limit, low), high)
    return (turn * turn - low * low) / 2 + limit * (high - turn)


def _recall(zone: _Zone, detected: Spans) -> float:
    """Return the mean probability that a time drawn from the zone is no nearer to a time of the event."""
    if not len(detected):
        return 0.0
    total = 0.0
    for begin, end in _equal_pieces(zone, detected):
        middle = (begin + end) / 2
        distance = _distance(detected, middle)
        if distance == 0:
            total += end - begin
            continue
        # Between two turning points the probability is linear in the time of the event.
        nearer = min(distance, middle - zone.begin) + min(distance, zone.end - middle)
        total += (end - begin) * (1 - nearer / zone.size)
    return total / (zone.event_end - zone.event_begin)


def _equal_pieces(zone: _Zone, detected: Spans) -> list[tuple[float, float]]:
    """Cut an event where the nearest detection changes, or where its distance passes that of an end of the zone."""
    edges = detected.ravel()
    middles = (detected[:-1, 1] + detected[1:, 0]) / 2
    reaches = [(edges + zone.begin) / 2, (edges + zone.end) / 2]
    turns = np.concatenate([edges, middles, *reaches, [zone.event_begin, zone.event_end]])
    turns = np.unique(turns[(turns >= zone.event_begin) & (turns <= zone.event_end)])
    return list(zip(turns[:-1].tolist(), turns[1:].tolist(), strict=True))


def _distance(detected: Spans, time: float) -> float:
    return float(np.maximum(np.maximum(detected[:, 0] - time, time - detected[:, 1]), 0.0).min())
