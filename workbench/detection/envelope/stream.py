"""The envelope sample by sample: the same events as in the whole series, each known as soon as it begins."""

from collections import deque
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from workbench.detection.envelope.events import CAP, GAP, LAG, EnvelopeEvent, Excursion, event_of
from workbench.detection.envelope.features import LARGEST, QUIET_SHARE, UNCHANGED_SHARE, Bound
from workbench.detection.envelope.fitted import Envelope
from workbench.detection.envelope.rolling import LONG, SHORT, RollingDeviations, RollingSums

__all__ = ["EnvelopeDecision", "EnvelopeStream"]


@dataclass(frozen=True, slots=True)
class EnvelopeDecision:
    """Result for one sample that has arrived.

    Attributes
    ----------
    sample : int
        Its number since the start of the stream; missing samples count.
    exceeded : tuple of EnvelopeEvent
        The events of the features that this sample has above their bounds, up to now.
    ended : tuple of EnvelopeEvent
        Events that this sample ends. The last sample of an event lies up to 50 samples before.
    """

    sample: int
    exceeded: tuple[EnvelopeEvent, ...] = ()
    ended: tuple[EnvelopeEvent, ...] = ()


class EnvelopeStream:
    """Finds the events of one test series as its samples arrive.

    Parameters
    ----------
    envelope : Envelope
        From the training telemetry.
    follows_training : bool
        As for `Envelope.find`.

    Notes
    -----
    Events are those of `Envelope.find`, to the last bit: the features go through the same operations in the same order
    (see `rolling`). A sample costs the same however long the series is. The state holds the last 250 values of each
    feature, the blocks of the last 256 samples and the record, and is a function of the samples so far: a stream that
    takes the same series again is in the same state.

    Examples
    --------
    >>> from workbench.detection.envelope.fitted import fit_envelope
    >>> stream = EnvelopeStream(fit_envelope(np.tile([0.0, 1.0], 300)), follows_training=True)
    >>> [event.words for event in stream.update(5.0).exceeded][0]
    'distance above the training minimum 5.0 times the largest in training and since'
    """

    def __init__(self, envelope: Envelope, *, follows_training: bool) -> None:
        self.envelope = envelope
        self._judges = {name: _Judge(envelope.bound(name), known.record) for name, known in envelope.records.items()}
        self._first = 0 if follows_training else LAG
        self._samples = 0
        self._positions: deque[int] = deque(maxlen=CAP)
        self._features = _Features(envelope)
        if follows_training:
            for value in envelope.tail:
                self._features.push(value)
            self._features.unchanged = envelope.unchanged
        self._seen = 0

    def update(self, value: float) -> EnvelopeDecision:
        """Take the next sample, NaN or infinite where it is missing."""
        sample = self._samples
        self._samples += 1
        if not self._judges or not isfinite(value):
            return EnvelopeDecision(sample)
        at = self._seen
        self._seen += 1
        self._positions.append(sample)
        values = self._features.push(min(max(float(value), -LARGEST), LARGEST))
        exceeded, ended = [], []
        for name, judge in self._judges.items():
            closed = judge.push(at, values[name], judged=at >= self._first)
            if closed is not None:
                ended.append(event_of(name, closed, self._sample_of))
            if judge.event is not None and judge.event.end == at:
                exceeded.append(event_of(name, judge.event, self._sample_of))
        return EnvelopeDecision(sample, tuple(exceeded), tuple(ended))

    @property
    def open_events(self) -> tuple[EnvelopeEvent, ...]:
        """The events that have not ended, up to now."""
        judges = self._judges.items()
        return tuple(event_of(name, judge.event, self._sample_of) for name, judge in judges if judge.event is not None)

    def _sample_of(self, at: int) -> int:
        return self._positions[at - self._seen]


class _Features:
    """The features of the newest sample."""

    def __init__(self, envelope: Envelope) -> None:
        self._least, self._greatest = envelope.least or 0.0, envelope.greatest or 0.0
        self._change = UNCHANGED_SHARE * envelope.range
        self._quiet = QUIET_SHARE * envelope.range
        self._travel, self._spread = RollingSums(), RollingDeviations()
        self._last: float | None = None
        self.unchanged = 0

    def push(self, value: float) -> dict[str, float]:
        """Take a sample and return the features as `feature_values` does."""
        step, travel = -inf, {}
        spread = self._spread.push(value)
        if self._last is not None:
            step = abs(value - self._last)
            travel = self._travel.push(step)
            self.unchanged = 0 if step > self._change else self.unchanged + 1
        self._last = value
        return {
            "above": value - self._least,
            "below": self._greatest - value,
            "step": step,
            "travel20": travel.get(SHORT, -inf),
            "spread20": spread.get(SHORT, -inf),
            "stuck": float(self.unchanged),
            "calm150": -(travel.get(LONG, inf) + self._quiet),
            "quiet150": -(spread.get(LONG, inf) + self._quiet),
        }


class _Judge:
    """Record and event of one feature."""

    def __init__(self, bound: Bound, record: float) -> None:
        self._bound = bound
        self._record = record
        self._level = float(bound.at(np.asarray(record)))
        self._recent: deque[float] = deque(maxlen=LAG)
        self.event: Excursion | None = None

    def push(self, at: int, value: float, *, judged: bool) -> Excursion | None:
        """Take the feature of a sample and return the event that it ends."""
        if len(self._recent) == LAG:
            self._raise_to(self._recent[0])
        self._recent.append(value)
        event = self.event
        if not judged:
            self._raise_to(value)
        elif event is None and value > self._level:
            self.event = Excursion(at, at, at, value, self._level, self._record)
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

    def _raise_to(self, value: float) -> None:
        if value > self._record:
            self._record = value
            self._level = float(self._bound.at(np.asarray(value)))
