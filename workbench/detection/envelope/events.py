"""Events: where a feature exceeds the largest value that it had in training and since."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log, log2

import numpy as np
import numpy.typing as npt

from workbench.counts import counted, ratio_text
from workbench.detection.envelope.features import FEATURES, Bound
from workbench.detection.envelope.rolling import Floats

__all__ = ["CAP", "GAP", "LAG", "EnvelopeEvent", "Excursion", "Judge", "event_of"]

Indices = npt.NDArray[np.int64]

LAG = 250
"""Samples after which a sample of the test series joins the record."""
GAP = 50
"""Samples at or below the bound that end an event."""
CAP = 100
"""Samples after which an event ends in any case."""

_SEVERITY_WITHOUT_RECORD = 12.0
_MOST_SEVERE = 32.0
_SUBJECTS = {
    "above": "distance above the training minimum",
    "below": "distance below the training maximum",
    "step": "step",
    "travel20": "movement over 20 samples",
    "spread20": "spread of 20 samples",
    "calm150": "movement over 150 samples",
    "quiet150": "spread of 150 samples",
    "stuck": "time without a change",
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
    def has_record(self) -> bool:
        """Whether there was anything of it before, by which margins mean something."""
        return self.record != 0 or FEATURES[self.feature] != "core"

    @property
    def severity(self) -> float:
        """Severity score on the scale of the threshold's sequences, whose levels `SeverityLevels` names.

        It is 1 at the bound and rises by 2 each time the margins double: `low` begins at 1.4 margins, `medium` at 2.8,
        `high` at 11 and `critical` at 181. So of the 27 anomalies in which it has a part on NASA's labelled channels
        11 % lie below `low`, 63 % below `high`, and 7 % are `critical`; of the threshold's, 7 %, 65 % and none. Where
        nothing was there in training, as in a channel that was constant, no margin says how much is much: the score is
        12, `high`.

        Examples
        --------
        >>> EnvelopeEvent(7, 9, "step", 7, value=3.0, bound=1.5, record=1.0).severity
        5.0
        >>> EnvelopeEvent(7, 9, "step", 7, value=3.0, bound=0.1, record=0.0).severity
        12.0
        """
        if not self.has_record:
            return _SEVERITY_WITHOUT_RECORD
        return min(1 + 2 * log2(max(self.margins, 1.0)), _MOST_SEVERE)

    @property
    def subject(self) -> str:
        """What exceeds its bound, without numbers.

        Examples
        --------
        >>> EnvelopeEvent(7, 9, "spread20", 7, 3.4, 1.31, 1.0).subject
        'spread of 20 samples'
        """
        return _SUBJECTS[self.feature]

    @property
    def falls(self) -> bool:
        """Whether the value lies below its bound, as that of silence does."""
        return FEATURES[self.feature] == "log"

    @property
    def words(self) -> str:
        """What was found, as a person would say it.

        Examples
        --------
        >>> EnvelopeEvent(7, 9, "step", 7, 3.4, 1.31, 1.0).words
        'step 3.4 times the largest in training and since'
        """
        if self.feature == "stuck":
            unchanged = f"unchanged for {counted(int(self.value), 'sample')}"
            most = counted(int(self.record), "sample")
            return f"{unchanged}, where the longest time in training and since was {most}"
        subject = _SUBJECTS[self.feature]
        if FEATURES[self.feature] == "log":
            return f"{subject} {ratio_text(self.ratio)} times smaller than the smallest in training and since"
        if self.ratio == inf:
            return f"{subject} where there was none in training and since"
        return f"{subject} {ratio_text(self.ratio)} times the largest in training and since"


@dataclass(slots=True)
class Excursion:
    """An event as it is found: positions among the samples that are there, numbers in the form that is compared."""

    start: int
    end: int
    peak_at: int
    peak: float
    bound: float
    record: float


def event_of(feature: str, excursion: Excursion, samples: Sequence[int] | Indices, first: int = 0) -> EnvelopeEvent:
    """Return an event in samples of the series.

    Parameters
    ----------
    feature : str
        Name of the feature.
    excursion : Excursion
        What was found.
    samples : sequence of int
        Numbers of the samples that are there, where those that are missing count.
    first : int
        Position of the first of them.

    Returns
    -------
    EnvelopeEvent
    """
    sign = -1.0 if FEATURES[feature] == "log" else 1.0
    return EnvelopeEvent(
        start=int(samples[excursion.start - first]),
        end=int(samples[excursion.end - first]),
        feature=feature,
        peak_at=int(samples[excursion.peak_at - first]),
        value=sign * excursion.peak,
        bound=sign * excursion.bound,
        record=sign * excursion.record,
    )


class Judge:
    """Record and open event of one feature, sample by sample or for many samples at once.

    Parameters
    ----------
    bound : Bound
        Bound of the feature.
    record : float
        Its largest value in training.
    """

    def __init__(self, bound: Bound, record: float) -> None:
        self._bound = bound
        self.record = record
        self._level = float(bound.at(np.asarray(record)))
        self._recent: deque[float] = deque(maxlen=LAG)
        self.event: Excursion | None = None

    def push(self, at: int, value: float, *, judged: bool) -> Excursion | None:
        """Take the feature of a sample and return the event that it ends.

        Parameters
        ----------
        at : int
            Position of the sample among those that are there.
        value : float
            The feature, in the form in which it is compared.
        judged : bool
            Whether it is judged, or only feeds the record, at once.

        Returns
        -------
        Excursion or None
        """
        if len(self._recent) == LAG:
            self._raise_to(self._recent[0])
        self._recent.append(value)
        event = self.event
        if not judged:
            self._raise_to(value)
        elif event is None and value > self._level:
            self.event = Excursion(at, at, at, value, self._level, self.record)
        if event is None:
            return None
        if value > event.bound:
            event.end = at
            if value > event.peak:
                event.peak_at, event.peak = at, value
        if at - event.end < GAP and at - event.start < CAP - 1:
            return None
        self.event = None
        self._raise_to(event.peak)
        return event

    def extend(self, at: int, values: Floats, first: int) -> list[Excursion]:
        """Take the feature of samples that follow each other, and return the events that they end, as `push` does.

        Parameters
        ----------
        at : int
            Position of the first of them.
        values : numpy.ndarray, shape (n,), float64
            The feature, in the form in which it is compared.
        first : int
            Position of the first sample that is judged.

        Returns
        -------
        list of Excursion
        """
        size, feeding = values.size, max(first - at, 0)
        series = np.concatenate((self._recent, values))
        waiting = LAG - len(self._recent)  # samples until the first of the series is old enough
        self._recent.extend(values[-LAG:].tolist())
        self._raise_to(float(values[:feeding].max(initial=-np.inf)))
        joined = max(0, size - waiting)
        # A bound rises with its record, so that most features are done with here.
        if self.event is None and values[feeding:].max(initial=-np.inf) <= self._level:
            self._raise_to(float(series[:joined].max(initial=-np.inf)))
            return []
        records = np.full(size + 1, self.record)
        records[size - joined : size] = np.maximum(np.maximum.accumulate(series[:joined]), self.record)
        records[size] = records[size - 1]
        candidates = np.flatnonzero(values > self._bound.at(records[:-1]))
        candidates = candidates[candidates >= feeding]
        ended: list[Excursion] = []
        while self.event is not None or candidates.size:
            if self.event is None:
                start = int(candidates[0])
                record, peak = float(records[start]), float(values[start])
                level = float(self._bound.at(np.asarray(record)))
                self.event = Excursion(at + start, at + start, at + start, peak, level, record)
            event = self.event
            after = self._followed(event, at, values)
            if after > size:
                break
            self.event = None
            ended.append(event)
            records[after:] = np.maximum(records[after:], event.peak)
            candidates = candidates[candidates >= after]
            candidates = candidates[values[candidates] > self._bound.at(records[candidates])]
        self._raise_to(float(records[size]))
        return ended

    def begin_anew(self) -> Excursion | None:
        """Let all samples so far join the record, as they do before any sample behind a break is judged.

        Returns
        -------
        Excursion or None
            The event that ends here.
        """
        for value in self._recent:
            self._raise_to(value)
        self._recent.clear()
        event, self.event = self.event, None
        if event is not None:
            self._raise_to(event.peak)
        return event

    def restore(self, recent: list[float], record: float, event: Excursion | None) -> None:
        """Go on with the last values of the feature, the record and the open event of another judge."""
        self._recent.extend(recent)
        self._raise_to(record)
        self.event = event

    @staticmethod
    def _followed(event: Excursion, at: int, values: Floats) -> int:
        """Follow an event through values, of which the first is at `at`; return the index of the sample after it."""
        begin = max(event.start - at, 0)
        above = begin + np.flatnonzero(values[begin : max(event.start + CAP - at, 0)] > event.bound)
        pauses = np.flatnonzero(np.diff(above, prepend=event.end - at) > GAP)
        above = above[: pauses[0]] if pauses.size else above
        if above.size:
            event.end = at + int(above[-1])
            peak_at = int(above[values[above].argmax()])
            if values[peak_at] > event.peak:
                event.peak_at, event.peak = at + peak_at, float(values[peak_at])
        return min(event.end + GAP, event.start + CAP - 1) + 1 - at

    def _raise_to(self, value: float) -> None:
        if value > self.record:
            self.record = value
            self._level = float(self._bound.at(np.asarray(value)))
