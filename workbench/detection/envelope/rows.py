"""The anomalies of a score as they are stored: rows of JSON, which earlier releases wrote with three values."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from math import inf
from typing import Any

from workbench.detection.envelope.events import EnvelopeEvent
from workbench.detection.envelope.joining import Detector, JoinedAnomaly

__all__ = ["ENVELOPE", "FORECAST_ROWS", "AnomalyRow", "Place", "anomaly_rows", "rows_text"]

ENVELOPE = "envelope"
"""Attribute of a score that says, as JSON, how the envelope was judged: `follows_training`."""
FORECAST_ROWS = "forecast_anomalies"
"""Attribute of a score that holds the threshold's own sequences, where the envelope was judged beside it."""
Place = Callable[[int, int], tuple[int, int] | None]
"""Function that returns where a first and a last sample lie now; None where nothing between them is left."""


@dataclass(frozen=True, slots=True)
class AnomalyRow:
    """An anomaly of a score.

    Attributes
    ----------
    start, end : int
        First and last sample.
    severity : float
        On the scale of the threshold's sequences.
    found_by : {"forecast", "envelope", "both"}
        What has found it.
    events : tuple of EnvelopeEvent
        What the envelope has found, in the order of their start.
    """

    start: int
    end: int
    severity: float
    found_by: Detector = "forecast"
    events: tuple[EnvelopeEvent, ...] = ()

    @classmethod
    def of(cls, anomaly: JoinedAnomaly) -> "AnomalyRow":
        """Return the row of a joined anomaly."""
        return cls(anomaly.start, anomaly.end, anomaly.severity, anomaly.found_by, anomaly.events)

    @classmethod
    def from_json(cls, values: Sequence[Any]) -> "AnomalyRow":
        """Read a row; one of three values was found by the forecast.

        Raises
        ------
        ValueError, TypeError
            It is none.
        """
        start, end, severity, *more = values
        if not more:
            return cls(int(start), int(end), float(severity))
        found_by, events = more
        if found_by not in ("envelope", "both"):
            raise ValueError(f"the anomaly was found by {found_by!r}")
        return cls(int(start), int(end), float(severity), found_by, tuple(EnvelopeEvent(*event) for event in events))

    def to_json(self) -> list[Any]:
        """Return the row as JSON holds it."""
        row: list[Any] = [float(self.start), float(self.end), self.severity]
        return (
            row if self.found_by == "forecast" else [*row, self.found_by, [list(astuple(one)) for one in self.events]]
        )

    @property
    def main_event(self) -> EnvelopeEvent | None:
        """The event that lies furthest beyond its bound, the first of several; None where there is no event.

        Where nothing was there before, as in a channel that was constant, no margin says which one lies furthest: it is
        the step, with which whatever happens there begins.
        """
        return max(self.events, key=_prominence, default=None)

    @property
    def words(self) -> str:
        """What the envelope has found, in plain words; empty where it has found nothing."""
        return "" if self.main_event is None else self.main_event.words

    def placed(self, place: Place) -> "AnomalyRow | None":
        """Return the row with its samples at other places; None where nothing of it is left.

        Parameters
        ----------
        place : callable
            From first and last sample to those that they are now, or None.
        """
        span = place(self.start, self.end)
        if span is None:
            return None
        events = []
        for event in self.events:
            own, peak = place(event.start, event.end), place(event.peak_at, event.peak_at)
            if own is not None:
                events.append(replace(event, start=own[0], end=own[1], peak_at=own[0] if peak is None else peak[0]))
        return replace(self, start=span[0], end=span[1], events=tuple(events))


def _prominence(event: EnvelopeEvent) -> tuple[float, bool]:
    """Return by what events of an anomaly are ordered."""
    return (event.margins, False) if event.has_record else (inf, event.feature == "step")


def anomaly_rows(attributes: Mapping[str, Any]) -> list[AnomalyRow]:
    """Return the anomalies of a stored score; none where it has no attribute `anomalies`."""
    return [AnomalyRow.from_json(row) for row in json.loads(attributes.get("anomalies", "[]"))]


def rows_text(rows: Iterable[AnomalyRow]) -> str:
    """Return rows as the attribute `anomalies` holds them."""
    return json.dumps([row.to_json() for row in rows])
