"""The shape of an event: its telemetry with some context, and the commands around it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.known_events.commands import CommandUse, command_uses, input_spread
from workbench.exceptions import DetectionError
from workbench.telemetry.missing import present_values

__all__ = ["MAX_SAMPLES", "Shape", "context_samples", "take_shape"]

MAX_SAMPLES = 10_000
"""Longest event whose shape is kept; what lasts longer is a state rather than an event."""

_MISSING_SHARE = 0.5
_LEAST_CONTEXT = 8
_CONTEXT_SHARE = 4  # of the event's length: a quarter on each side


@dataclass(frozen=True)
class Shape:
    """Telemetry of an event with its context, and the use of the commands.

    Attributes
    ----------
    telemetry : numpy.ndarray, shape (m,), float64
        In the units of the channel; NaN where a value is missing.
    before, after : int
        Samples of context before the event's first sample and after its last.
    commands : tuple of CommandUse
        Use of each command; empty where the channel has none.
    """

    telemetry: npt.NDArray[np.float64]
    before: int
    after: int
    commands: tuple[CommandUse, ...] = ()

    @property
    def size(self) -> int:
        """Number of samples of the event with its context."""
        return int(self.telemetry.size)

    @property
    def event_samples(self) -> int:
        """Number of samples of the event alone."""
        return self.size - self.before - self.after


def context_samples(length: int) -> int:
    """Return how many samples of context are kept on each side of an event of some length.

    Examples
    --------
    >>> context_samples(10), context_samples(400)
    (8, 100)
    """
    return max(_LEAST_CONTEXT, length // _CONTEXT_SHARE)


def take_shape(channel: xr.Dataset, start: int, end: int) -> Shape:
    """Return the shape of an event of a channel.

    Parameters
    ----------
    channel : xarray.Dataset
        Test split, n samples.
    start, end : int
        Samples of the event, both inclusive.

    Returns
    -------
    Shape

    Raises
    ------
    DetectionError
        The event has more than 10,000 samples or lies outside the series; with its context it is constant, or half of
        it is missing.
    """
    name, n = channel.attrs.get("channel", "The channel"), channel.sizes["time"]
    length = end - start + 1
    if not 0 <= start <= end < n:
        raise DetectionError(f"Samples {start:,} to {end:,} lie outside {name}.", f"Samples are 0 to {n - 1:,}.")
    if length > MAX_SAMPLES:
        raise DetectionError(
            f"{name}, samples {start:,} to {end:,}, cannot be kept as a known event: it has {length:,} samples.",
            f"An event has at most {MAX_SAMPLES:,} samples.",
        )
    context = context_samples(length)
    first, last = max(0, start - context), min(n - 1, end + context)
    telemetry = channel["telemetry"][first : last + 1].values.astype(np.float64)
    present = present_values(telemetry)
    if present.size <= telemetry.size * _MISSING_SHARE or np.ptp(present) == 0:
        raise DetectionError(
            f"{name}, samples {start:,} to {end:,}, has no shape to recognise.",
            "With its context it must not be constant, and less than half of it may be missing.",
        )
    uses = command_uses(channel, start, end, first, last, input_spread(channel))
    return Shape(telemetry, start - first, last - end, uses)
