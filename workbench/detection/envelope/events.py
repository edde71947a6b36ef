"""Events: where a feature exceeds the largest value that it had in training and since."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log

import numpy as np

from workbench.counts import counted
from workbench.detection.envelope.features import FEATURES, Bound
from workbench.detection.envelope.rolling import Floats

__all__ = ["CAP", "GAP", "LAG", "EnvelopeEvent", "Excursion", "event_of", "excursions"]

LAG = 250
"""Samples after which a sample of the test series joins the record."""
GAP = 50
"""Samples at or below the bound that end an event."""
CAP = 100
"""Samples after which an event ends in any case."""

_SUBJECTS = {
    "above": "distance above the training minimum",
    "below": "distance below the training maximum",
    "step": "step",
    "travel20": "movement over 20 samples",
    "spread20": "spread of 20 samples",
    "calm150": "movement over 150 samples",
    "quiet150": "spread of 150 samples",
}


@dataclass(frozen=True, slots=True)
class EnvelopeEvent:
    """Samples in which one feature exceeds its bound.

    Attributes
    ----------
    start, end : int
        First and last sample above the bound.
    feature : str
        One of `FEATURES`.
    peak_at : int
        Sample of the most extreme value.
    value : float
        That value, in units of the telemetry; of `stuck` samples. That of `calm150` and `quiet150` includes 0.001 of
        the training range.
    bound : float
        Bound that was exceeded; of `calm150` and `quiet150` the one below which the value fell.
    record : float
        Most extreme value in training and since, at the start of the event.
    """

    start: int
    end: int
    feature: str
    peak_at: int
    value: float
    bound: float
    record: float

    @property
    def ratio(self) -> float:
        """Value in times of the record, or record in times of the value for silence; infinite where it is 0."""
        larger, smaller = self.value, self.record
        if FEATURES[self.feature] == "log":
            larger, smaller = smaller, larger
        return larger / smaller if smaller > 0 else inf

    @property
    def margins(self) -> float:
        """How far the value lies from the record, in margins; 1 at the bound. Of logarithms for silence.

        Examples
        --------
        >>> EnvelopeEvent(7, 9, "step", 7, value=2.5, bound=1.5, record=1.0).margins
        3.0
        >>> round(EnvelopeEvent(7, 9, "calm150", 7, value=1.0, bound=4.0, record=8.0).margins, 9)
        3.0
        """
        value, bound, record = self.value, self.bound, self.record
        if FEATURES[self.feature] == "log":
            return log(record / value) / log(record / bound)
        return (value - record) / (bound - record) if bound > record else inf

    @property
    def words(self) -> str:
        """What was found, as a person would say it.

        Examples
        --------
        >>> EnvelopeEvent(7, 9, "step", 7, 3.4, 1.31, 1.0).words
        'step 3.4 times the largest in training and since'
        """
        times = f"{self.ratio:,.0f}" if self.ratio >= 100 else f"{self.ratio:.1f}"
        if self.feature == "stuck":
            unchanged = f"unchanged for {counted(int(self.value), 'sample')}"
            most = counted(int(self.record), "sample")
            return f"{unchanged}, where the longest time in training and since was {most}"
        subject = _SUBJECTS[self.feature]
        if FEATURES[self.feature] == "log":
            return f"{subject} {times} times smaller than the smallest in training and since"
        if self.ratio == inf:
            return f"{subject} where there was none in training and since"
        return f"{subject} {times} times the largest in training and since"


@dataclass(slots=True)
class Excursion:
    """An event as it is found: positions among the samples that are there, numbers in the form that is compared."""

    start: int
    end: int
    peak_at: int
    peak: float
    bound: float
    record: float


def event_of(feature: str, excursion: Excursion, sample_of: Callable[[int], int]) -> EnvelopeEvent:
    """Return an event in samples of the series; `sample_of` counts in those that are missing."""
    sign = -1.0 if FEATURES[feature] == "log" else 1.0
    return EnvelopeEvent(
        start=sample_of(excursion.start),
        end=sample_of(excursion.end),
        feature=feature,
        peak_at=sample_of(excursion.peak_at),
        value=sign * excursion.peak,
        bound=sign * excursion.bound,
        record=sign * excursion.record,
    )


def excursions(values: Floats, bound: Bound, record: float, first: int) -> list[Excursion]:
    """Find the events of one feature.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,), float64
        The feature, from `feature_values`.
    bound : Bound
        Its bound.
    record : float
        Its largest value in training.
    first : int
        First sample that is judged.

    Returns
    -------
    list of Excursion
        In order, and apart.
    """
    record = max(record, float(values[:first].max(initial=-np.inf)))
    # A bound rises with its record, so that most series are done with here.
    if not values.size or values[first:].max(initial=-np.inf) <= bound.at(np.asarray(record)):
        return []
    records = np.full(values.size, record)
    records[LAG:] = np.maximum(np.maximum.accumulate(values[:-LAG]), record)
    candidates = np.flatnonzero(values > bound.at(records))
    candidates = candidates[candidates >= first]
    events: list[Excursion] = []
    while candidates.size:
        start = int(candidates[0])
        level = float(bound.at(records[start]))
        above = start + np.flatnonzero(values[start : start + CAP] > level)
        pauses = np.flatnonzero(np.diff(above) > GAP)
        end = int(above[pauses[0]] if pauses.size else above[-1])
        peak_at = start + int(values[start : end + 1].argmax())
        peak = float(values[peak_at])
        events.append(Excursion(start, end, peak_at, peak, level, float(records[start])))
        after = min(end + GAP, start + CAP - 1) + 1
        records[after:] = np.maximum(records[after:], peak)
        candidates = candidates[candidates >= after]
        candidates = candidates[values[candidates] > bound.at(records[candidates])]
    return events
