"""Watches: they see at once that a channel goes beyond a limit or does what it never did, and say that it is due.

They decide nothing: what becomes an alert is decided on the stored series, by the code that judges it afterwards.
"""

from collections.abc import Mapping, Sequence
from math import isnan

import numpy as np
import numpy.typing as npt

from workbench.detection.envelope import EnvelopeStream
from workbench.maintenance.alerts.limits import margin
from workbench.telemetry.breaks import is_break
from workbench.telemetry.catalog import Limits

__all__ = ["LimitWatch", "Watch"]

_MANY = 32  # samples from which on the envelope takes less time for all of them together


class LimitWatch:
    """Follows one limit as `workbench.maintenance.alerts.limits.beyond` does over a whole series.

    Parameters
    ----------
    threshold, deadband : float
        Beyond is above `threshold`, back is at or below `threshold - deadband`.
    sign : float
        1 for a limit above, -1 for one below, of which all three are mirrored.
    on_delay : int
        Samples in a row beyond the limit before it counts.

    Examples
    --------
    >>> watch = LimitWatch(3.0, 0.5, 1.0, on_delay=2)
    >>> [watch.take(value) for value in (4.0, 4.0, 4.0, 2.8, 2.0)]
    [False, True, False, False, True]
    """

    def __init__(self, threshold: float, deadband: float, sign: float, on_delay: int) -> None:
        self._threshold = sign * threshold
        self._back = self._threshold - deadband
        self._sign = sign
        self._on_delay = on_delay
        self._beyond = 0
        self._active = False

    def take(self, value: float) -> bool:
        """Take the next sample, and return whether the alarm begins or ends with it."""
        if isnan(value):
            self._beyond = 0  # `beyond` counts samples in a row, and a missing one is not above
            return False
        signed = self._sign * value
        self._beyond = self._beyond + 1 if signed > self._threshold else 0
        if not self._active and self._beyond >= self._on_delay:
            self._active = True
            return True
        if self._active and signed <= self._back:
            self._active = False
            return True
        return False


class Watch:
    """Watches the limits and the envelope of one channel.

    Parameters
    ----------
    limits : Limits
        Limits of the channel.
    on_delay : int
        Samples in a row beyond a limit before it counts.
    hysteresis : float
        Margin as a fraction of the span of the limits.
    envelope : EnvelopeStream, optional
        The envelope at the end of what is stored; none where omitted.
    clock : str
        Clock of the channel, `time` or `sample`.
    max_gap_seconds : float, optional
        Longest gap behind which the series does not begin anew.
    newest : int, optional
        Moment of the last value that is stored.
    """

    def __init__(
        self,
        limits: Limits,
        on_delay: int,
        hysteresis: float,
        envelope: EnvelopeStream | None,
        clock: str = "time",
        max_gap_seconds: float | None = None,
        newest: int | None = None,
    ) -> None:
        thresholds: Mapping[str, float | None] = limits.model_dump()
        self._limits = [
            LimitWatch(value, margin(limits, name, hysteresis), 1.0 if name.endswith("high") else -1.0, on_delay)
            for name, value in thresholds.items()
            if value is not None
        ]
        self._envelope = envelope
        self._clock, self._max_gap, self._newest = clock, max_gap_seconds, newest
        self._open: frozenset[tuple[str, int]] = _open_events(envelope)

    def remember(self, values: npt.NDArray[np.floating]) -> None:
        """Take stored samples, of which nothing is due any more; the envelope knows them already."""
        for watch in self._limits:
            for value in values.tolist():
                watch.take(value)

    def take_all(self, values: Sequence[float], moments: Sequence[int]) -> bool:
        """Take samples that follow each other, and return whether the channel is to be judged at once.

        It is where the series begins anew. Many samples take the envelope a fraction of the time that they would take
        one by one.
        """
        due, start = False, 0
        for end in (*self._breaks(values, moments), len(values)):
            due |= self._take_stretch(values[start:end])
            if end < len(values):
                due = True
                self._open = frozenset()
                if self._envelope is not None:
                    self._envelope.begin_anew()
            start = end
        return due

    def _breaks(self, values: Sequence[float], moments: Sequence[int]) -> list[int]:
        """Return at which of some samples the series begins anew."""
        if self._max_gap is None:
            return []
        breaks = []
        for place, (value, moment) in enumerate(zip(values, moments, strict=True)):
            if isnan(value):
                continue
            if self._newest is not None and is_break(self._newest, moment, self._clock, self._max_gap):
                breaks.append(place)
            self._newest = moment
        return breaks

    def _take_stretch(self, values: Sequence[float]) -> bool:
        if self._envelope is None or len(values) < _MANY:
            return any([self.take(value) for value in values])
        due = any([watch.take(value) for watch in self._limits for value in values])
        ended = self._envelope.extend(values)
        present = _open_events(self._envelope)
        has_begun, self._open = bool(present - self._open), present
        return due or bool(ended) or has_begun

    def take(self, value: float) -> bool:
        """Take the next sample, and return whether the channel is to be judged at once."""
        due = False
        for watch in self._limits:
            due |= watch.take(value)
        if self._envelope is None:
            return due
        decision = self._envelope.update(value)
        if not decision.exceeded and not decision.ended and not self._open:
            return due
        present = _open_events(self._envelope)
        has_begun, has_ended = present - self._open, bool(decision.ended)
        self._open = present
        return due or bool(has_begun) or has_ended


def _open_events(envelope: EnvelopeStream | None) -> frozenset[tuple[str, int]]:
    events = () if envelope is None else envelope.open_events
    return frozenset((event.feature, event.start) for event in events)
