"""The width of the envelope with which an anomaly would not have been raised."""

from math import ceil

import numpy as np
import xarray as xr

from workbench.detection.envelope.course import judge_envelope
from workbench.detection.envelope.events import EnvelopeEvent
from workbench.detection.envelope.rows import AnomalyRow
from workbench.parameters import TelemanomParams

__all__ = ["EnvelopeClearing"]

_DIGITS = 20  # a width is tried in twentieths
_MOST_TRIALS = 8
_GREATEST_WIDTH = 1_000.0


class EnvelopeClearing:
    """Judges one series by wider envelopes.

    Parameters
    ----------
    channel, train : xarray.Dataset
        Test and training split.
    params : TelemanomParams
        Parameters that found the anomalies.
    """

    def __init__(self, channel: xr.Dataset, train: xr.Dataset, params: TelemanomParams) -> None:
        self._channel = channel
        self._train = train
        self._params = params
        self._events: dict[float, tuple[EnvelopeEvent, ...]] = {}

    def least_width(self, anomaly: AnomalyRow) -> float | None:
        """Find an `envelope_width` with which no event has a sample in common with an anomaly.

        Parameters
        ----------
        anomaly : AnomalyRow
            With events.

        Returns
        -------
        float or None
            The first of at most eight, in twentieths, each of which reaches the events that the one before has left;
            None where none of them, or none that the settings allow, is enough.

        Notes
        -----
        A width changes which events feed the records before, so each is judged again rather than taken from a formula.
        """
        width, events = self._params.envelope_width, anomaly.events
        for _ in range(_MOST_TRIALS):
            furthest = max(event.margins for event in events)
            if not np.isfinite(furthest) or width * furthest > _GREATEST_WIDTH:
                return None
            # Just above what reaches the furthest of them, so that rounding leaves no event at its bound.
            width = ceil(width * furthest * _DIGITS * (1 + 1e-9)) / _DIGITS
            events = tuple(
                event for event in self._judged(width) if event.start <= anomaly.end and event.end >= anomaly.start
            )
            if not events:
                return width
        return None

    def _judged(self, width: float) -> tuple[EnvelopeEvent, ...]:
        if width not in self._events:
            params = self._params.model_copy(update={"envelope_width": width})
            self._events[width] = judge_envelope(self._channel, self._train, params).events
        return self._events[width]
