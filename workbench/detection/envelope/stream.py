"""The envelope sample by sample: the same events as in the whole series, each known as soon as it begins."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.detection.envelope.events import CAP, LAG, EnvelopeEvent, Excursion, Judge, event_of
from workbench.detection.envelope.features import LARGEST, QUIET_SHARE, UNCHANGED_SHARE, feature_values
from workbench.detection.envelope.fitted import BLOCK, Envelope, present
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
    >>> import numpy as np
    >>> from workbench.detection.envelope.fitted import fit_envelope
    >>> stream = EnvelopeStream(fit_envelope(np.tile([0.0, 1.0], 300)), follows_training=True)
    >>> [event.words for event in stream.update(5.0).exceeded][0]
    'distance above the training minimum 5.0 times the largest in training and since'
    """

    def __init__(self, envelope: Envelope, *, follows_training: bool) -> None:
        self.envelope = envelope
        self._judges = {name: Judge(envelope.bound(name), known.record) for name, known in envelope.records.items()}
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
        first = self._seen - len(self._positions)
        exceeded, ended = [], []
        for name, judge in self._judges.items():
            closed = judge.push(at, values[name], judged=self._follows_training or at >= LAG)
            if closed is not None:
                ended.append(event_of(name, closed, self._positions, first))
            latest = closed or judge.event
            if latest is not None and latest.end == at:
                exceeded.append(event_of(name, latest, self._positions, first))
        return EnvelopeDecision(sample, tuple(exceeded), tuple(ended))

    def extend(self, values: npt.ArrayLike) -> list[EnvelopeEvent]:
        """Take samples that follow each other, and return the events that they end, as `update` does.

        Parameters
        ----------
        values : array_like, shape (n,)
            The samples, NaN or infinite where they are missing.

        Returns
        -------
        list of EnvelopeEvent
            In the order of their start, then of `FEATURES`. Thousands of samples take a fraction of the time that they
            would take one by one.
        """
        there, places = present(values)
        offset, first = self._samples, 0 if self._follows_training else LAG
        self._samples += np.size(values)
        least, greatest = self.envelope.least, self.envelope.greatest
        if not self._judges or least is None or greatest is None:
            return []
        ended = []
        for start in range(0, there.size, BLOCK):
            block = there[start : start + BLOCK]
            before = np.array([value for value, _ in self._recent][-LONG:])
            columns = feature_values(block, least, greatest, before, self._features.unchanged)
            added = (offset + places[start : start + BLOCK]).tolist()
            positions = [*self._positions, *added]
            at, earliest = self._seen, self._seen - len(self._positions)
            for name, judge in self._judges.items():
                ended += [
                    event_of(name, closed, positions, earliest) for closed in judge.extend(at, columns[name], first)
                ]
            self._seen += block.size
            self._positions.extend(added)
            self._recent.extend(zip(block.tolist(), columns["stuck"].astype(int).tolist(), strict=True))
            self._features = _Features(self.envelope)
            for value, unchanged in self._recent:
                self._features.push(value)
                self._features.unchanged = unchanged
        return sorted(ended, key=lambda event: event.start)

    @property
    def open_events(self) -> tuple[EnvelopeEvent, ...]:
        """The events that have not ended, up to now."""
        first = self._seen - len(self._positions)
        unfinished = [(name, judge.event) for name, judge in self._judges.items() if judge.event is not None]
        return tuple(event_of(name, event, self._positions, first) for name, event in unfinished)

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
