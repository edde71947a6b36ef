"""The envelope sample by sample: the same events as in the whole series, each known as soon as it begins."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import Any

import numpy as np

from workbench.detection.envelope.events import CAP, GAP, LAG, EnvelopeEvent, Excursion, event_of
from workbench.detection.envelope.features import LARGEST, QUIET_SHARE, UNCHANGED_SHARE, Bound
from workbench.detection.envelope.fitted import Envelope
from workbench.detection.envelope.rolling import LONG, SHORT, RollingDeviations, RollingSums

__all__ = ["EnvelopeDecision", "EnvelopeStream"]

_RECENT = LAG + LONG
"""Samples that hold the windows of the last 250."""


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
    (see `rolling`). A sample costs the same however long the series is. What a stream knows follows from its samples:
    one that takes the same series again is in the same state. `state` is the short way: the last 400 samples, the
    records and the open events, from which `restored` goes on.

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
        self._follows_training = follows_training
        self._samples = 0
        self._positions: deque[int] = deque(maxlen=CAP)
        self._features = _Features(envelope)
        self._recent: deque[tuple[float, int]] = deque(maxlen=_RECENT)
        self._seen = 0
        if follows_training:
            earliest = max(0, envelope.unchanged - len(envelope.tail) + 1)
            for number, value in enumerate(envelope.tail):
                self._push(value, None if number else earliest)

    def update(self, value: float) -> EnvelopeDecision:
        """Take the next sample, NaN or infinite where it is missing."""
        sample = self._samples
        self._samples += 1
        if not self._judges or not isfinite(value):
            return EnvelopeDecision(sample)
        at = self._seen
        self._seen += 1
        self._positions.append(sample)
        values = self._push(min(max(float(value), -LARGEST), LARGEST))
        exceeded, ended = [], []
        for name, judge in self._judges.items():
            closed = judge.push(at, values[name], judged=self._follows_training or at >= LAG)
            if closed is not None:
                ended.append(event_of(name, closed, self._sample_of))
            latest = closed or judge.event
            if latest is not None and latest.end == at:
                exceeded.append(event_of(name, latest, self._sample_of))
        return EnvelopeDecision(sample, tuple(exceeded), tuple(ended))

    @property
    def open_events(self) -> tuple[EnvelopeEvent, ...]:
        """The events that have not ended, up to now."""
        judges = self._judges.items()
        return tuple(event_of(name, judge.event, self._sample_of) for name, judge in judges if judge.event is not None)

    def state(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`, from which `restored` goes on; of bounded size."""
        return {
            "follows_training": self._follows_training,
            "samples": self._samples,
            "seen": self._seen,
            "positions": list(self._positions),
            "recent": [value for value, _ in self._recent],
            "unchanged": self._recent[0][1] if self._recent else 0,
            "records": {name: judge.record for name, judge in self._judges.items()},
            "events": {name: asdict(judge.event) for name, judge in self._judges.items() if judge.event is not None},
        }

    @classmethod
    def restored(cls, envelope: Envelope, state: Mapping[str, Any]) -> "EnvelopeStream":
        """Return a stream that goes on where another one of the same envelope returned its `state`."""
        stream = cls(envelope, follows_training=state["follows_training"])
        stream._samples, stream._seen = state["samples"], state["seen"]
        stream._positions.extend(state["positions"])
        stream._features = _Features(envelope)
        stream._recent.clear()
        values = [
            stream._push(value, None if number else state["unchanged"]) for number, value in enumerate(state["recent"])
        ]
        lately = values[len(values) - min(stream._seen, LAG) :]
        for name, judge in stream._judges.items():
            event = state["events"].get(name)
            judge.restore([one[name] for one in lately], state["records"][name], event and Excursion(**event))
        return stream

    def _push(self, value: float, unchanged: int | None = None) -> dict[str, float]:
        """Take a sample that is there; `unchanged` where that is known better than from the samples so far."""
        features = self._features.push(value)
        if unchanged is not None:
            self._features.unchanged = unchanged
            features["stuck"] = float(unchanged)
        self._recent.append((value, self._features.unchanged))
        return features

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
        self.record = record
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

    def restore(self, recent: list[float], record: float, event: Excursion | None) -> None:
        """Go on with the last values of the feature, the record and the open event of another stream."""
        self._recent.extend(recent)
        self._raise_to(record)
        self.event = event

    def _raise_to(self, value: float) -> None:
        if value > self.record:
            self.record = value
            self._level = float(self._bound.at(np.asarray(value)))
