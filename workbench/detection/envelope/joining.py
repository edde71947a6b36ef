"""Events of all features, and the sequences of the threshold, joined into anomalies that say what found them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from workbench.detection.envelope.events import EnvelopeEvent

__all__ = ["Detector", "JoinedAnomaly", "join", "join_rows"]

Detector = Literal["forecast", "envelope", "both"]


@dataclass(frozen=True, slots=True)
class JoinedAnomaly:
    """What the forecast error, the envelope, or both have found in one place.

    Attributes
    ----------
    start, end : int
        First and last sample.
    events : tuple of EnvelopeEvent
        Events of the envelope, in the order of their start.
    forecast_severity : float or None
        Largest severity of the threshold's sequences; None where only the envelope has found it.
    """

    start: int
    end: int
    events: tuple[EnvelopeEvent, ...] = ()
    forecast_severity: float | None = None

    @property
    def found_by(self) -> Detector:
        """What has found it: "forecast", "envelope" or "both"."""
        if self.forecast_severity is None:
            return "envelope"
        return "both" if self.events else "forecast"

    @property
    def severity(self) -> float:
        """Greatest severity of its sequences and events, which have one scale; see `EnvelopeEvent.severity`."""
        severities = [event.severity for event in self.events]
        return max(severities if self.forecast_severity is None else [self.forecast_severity, *severities])


def join(events: Iterable[EnvelopeEvent], sequences: pd.DataFrame | None = None) -> list[JoinedAnomaly]:
    """Join events and sequences that overlap, or between which no sample lies.

    Parameters
    ----------
    events : iterable of EnvelopeEvent
        Events of all features.
    sequences : pandas.DataFrame, optional
        Sequences of the threshold: int `start`, `end` (inclusive) and float `severity`.

    Returns
    -------
    list of JoinedAnomaly
        In order, and at least one sample apart.

    Examples
    --------
    >>> step = EnvelopeEvent(10, 12, "step", 10, 3.4, 1.3, 1.0)
    >>> anomalies = join([step], pd.DataFrame({"start": [11, 30], "end": [20, 40], "severity": [5.0, 2.0]}))
    >>> [(anomaly.start, anomaly.end, anomaly.found_by) for anomaly in anomalies]
    [(10, 20, 'both'), (30, 40, 'forecast')]
    """
    columns = ["start", "end", "severity"]
    return join_rows(events, [] if sequences is None else sequences[columns].itertuples(index=False, name=None))


def join_rows(events: Iterable[EnvelopeEvent], rows: Iterable[tuple[int, int, float]]) -> list[JoinedAnomaly]:
    """Do what `join` does for sequences that are given as start, end and severity, which takes less time."""
    parts = [JoinedAnomaly(event.start, event.end, (event,)) for event in events]
    parts += [JoinedAnomaly(int(start), int(end), (), float(severity)) for start, end, severity in rows]
    anomalies: list[JoinedAnomaly] = []
    for part in sorted(parts, key=lambda part: (part.start, part.end)):
        if anomalies and part.start <= anomalies[-1].end + 1:
            last = anomalies.pop()
            severities = [value for value in (last.forecast_severity, part.forecast_severity) if value is not None]
            part = JoinedAnomaly(
                last.start, max(last.end, part.end), last.events + part.events, max(severities, default=None)
            )
        anomalies.append(part)
    return anomalies
