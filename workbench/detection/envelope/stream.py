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
from workbench.detection.envelope.rolling import LONG, SHORT, Floats, RollingDeviations, RollingSums

__all__ = ["RECENT", "EnvelopeDecision", "EnvelopeStream"]

RECENT = LAG + LONG
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
        self._first_judged = 0 if follows_training else LAG  # among the samples that are there
        self._stretch_start = 0
        self._samples = 0
        self._positions: deque[int] = deque(maxlen=CAP)
        self._features: _Features | None = None
        self._recent: deque[tuple[float, int]] = deque(maxlen=RECENT)
        self._seen = 0
        if follows_training:
            tail = np.asarray(envelope.tail)
            self._recent.extend(self._counted(tail, max(0, envelope.unchanged - tail.size + 1)))

    @property
    def samples(self) -> int:
        """Samples that have arrived, with those that are missing."""
        return self._samples

    @property
    def stretch_start(self) -> int:
        """Number of the sample behind the last break; 0 where there was none."""
        return self._stretch_start

    def begin_anew(self) -> list[EnvelopeEvent]:
        """Take a break before the next sample, which has to be there, and return the events that it ends.

        Windows begin anew, and 250 samples only feed the records, which stay.
        """
        first = self._seen - len(self._positions)
        ended = [(name, judge.begin_anew()) for name, judge in self._judges.items()]
        events = [event_of(name, event, self._positions, first) for name, event in ended if event is not None]
        self._recent.clear()
        self._features = None
        self._first_judged, self._stretch_start = self._seen + LAG, self._samples
        return sorted(events, key=lambda event: event.start)

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
            closed = judge.push(at, values[name], judged=at >= self._first_judged)
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
        offset, first = self._samples, self._first_judged
        self._samples += np.size(values)
        least, greatest = self.envelope.least, self.envelope.greatest
        if not self._judges or least is None or greatest is None:
            return []
        ended = []
        for start in range(0, there.size, BLOCK):
            block = there[start : start + BLOCK]
            before = np.array([value for value, _ in self._recent][-LONG:])
            columns = feature_values(block, least, greatest, before, self._unchanged)
            added = (offset + places[start : start + BLOCK]).tolist()
            positions = [*self._positions, *added]
            at, earliest = self._seen, self._seen - len(self._positions)
            for name, judge in self._judges.items():
                ended += [
                    event_of(name, closed, positions, earliest) for closed in judge.extend(at, columns[name], first)
                ]
            self._seen += block.size
            self._positions.extend(added)
            latest = zip(block[-RECENT:].tolist(), columns["stuck"][-RECENT:].astype(int).tolist(), strict=True)
            self._recent.extend(latest)
            self._features = None
        return sorted(ended, key=lambda event: event.start)

    @property
    def open_events(self) -> tuple[EnvelopeEvent, ...]:
        """The events that have not ended, up to now."""
        first = self._seen - len(self._positions)
        unfinished = [(name, judge.event) for name, judge in self._judges.items() if judge.event is not None]
        return tuple(event_of(name, event, self._positions, first) for name, event in unfinished)

    def state(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`, from which `restored` goes on; of bounded size."""
        stretch = {"stretch_start": self._stretch_start, "first_judged": self._first_judged}
        return {
            **(stretch if self._stretch_start else {}),
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
        stream._stretch_start = state.get("stretch_start", 0)
        stream._first_judged = state.get("first_judged", stream._first_judged)
        stream._positions.extend(state["positions"])
        recent = np.asarray(state["recent"], dtype=np.float64)
        stream._recent.clear()
        stream._recent.extend(stream._counted(recent, state["unchanged"]))
        begun = stream._first_judged - LAG if stream._stretch_start else 0
        lately = min(stream._seen - begun, LAG)
        columns: dict[str, Floats] = {}
        if lately and envelope.least is not None and envelope.greatest is not None:
            before, block = recent[:-lately][-LONG:], recent[-lately:]
            unchanged = stream._recent[-lately - 1][1] if before.size else 0
            columns = feature_values(block, envelope.least, envelope.greatest, before, unchanged)
        for name, judge in stream._judges.items():
            event = state["events"].get(name)
            values = columns[name].tolist() if lately else []
            judge.restore(values, state["records"][name], event and Excursion(**event))
        return stream

    @property
    def _unchanged(self) -> int:
        """Samples at the end since the last change."""
        return self._recent[-1][1] if self._recent else 0

    def _counted(self, values: Floats, unchanged: int) -> list[tuple[float, int]]:
        """Pair samples with those since the last change, of which the first one has `unchanged`."""
        pairs, change = [(value, unchanged) for value in values[:1].tolist()], UNCHANGED_SHARE * self.envelope.range
        for step, value in zip(np.abs(np.diff(values)).tolist(), values[1:].tolist(), strict=True):
            unchanged = 0 if step > change else unchanged + 1
            pairs.append((value, unchanged))
        return pairs

    def _push(self, value: float) -> dict[str, float]:
        """Take a sample that is there."""
        if self._features is None:
            self._features = _Features(self.envelope)
            if self._recent:
                self._features.begin(np.array([earlier for earlier, _ in self._recent]), self._unchanged)
        features = self._features.push(value)
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

    def begin(self, values: Floats, unchanged: int) -> None:
        """Take the first samples, of which the last one has `unchanged`, all together."""
        self._spread = RollingDeviations.after(values)
        self._travel = RollingSums.after(np.abs(np.diff(values)))
        self._last, self.unchanged = float(values[-1]), unchanged

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
