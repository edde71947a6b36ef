"""What the simulated machines share: lags, commands and faults. One sample is one minute."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "EFFECT",
    "KINDS",
    "NOISES_VISIBLE",
    "Fault",
    "Floats",
    "delayed",
    "first_order",
    "growth",
    "runs",
    "visible_fault",
]

Floats = npt.NDArray[np.float64]

KINDS = ("point", "contextual", "drift", "stuck", "dropout", "degradation")
"""Kinds of labelled anomaly in the demo fleet."""

EFFECT = 2
"""Minutes from a command to its effect."""

NOISES_VISIBLE = 2.0
"""A side effect of a fault is labelled while it exceeds this many standard deviations of sensor noise."""


@dataclass(frozen=True)
class Fault:
    """One labelled anomaly of one channel.

    Attributes
    ----------
    channel : str
        Name of the channel.
    kind : str
        One of `KINDS`.
    start : int
        First sample, counted from the start of the training series.
    length : int
        Samples.
    change : numpy.ndarray or None
        What is added to the telemetry, shape (length,); None for a stuck sensor, which holds its reading,
        and for a dropout, which reads the bottom of the sensor's range.
    """

    channel: str
    kind: str
    start: int
    length: int
    change: Floats | None = None

    @property
    def stop(self) -> int:
        """First sample after the anomaly."""
        return self.start + self.length


def first_order(target: Floats, time_constant: float, start: float | None = None) -> Floats:
    """Let a quantity follow its target with a first-order lag.

    Parameters
    ----------
    target : numpy.ndarray, shape (n,)
        Where the quantity would settle.
    time_constant : float
        Minutes until 63 % of a step is made.
    start : float, optional
        Value before the first sample; the target's mean where omitted.

    Returns
    -------
    numpy.ndarray, shape (n,)
    """
    gain = -math.expm1(-1.0 / time_constant)
    value = float(target.mean()) if start is None else start
    values = []
    for goal in target.tolist():
        value += gain * (goal - value)
        values.append(value)
    return np.array(values)


def delayed(command: Floats) -> Floats:
    """Return the state of a device that obeys its command after `EFFECT` minutes."""
    return np.concatenate([np.zeros(EFFECT), command[:-EFFECT]])


def runs(command: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Start and stop (exclusive) of each stretch in which a command is on, shape (m, 2)."""
    on = np.concatenate([[0], (np.asarray(command) > 0).astype(np.int64), [0]])
    step = np.diff(on)
    return np.stack([np.flatnonzero(step == 1), np.flatnonzero(step == -1)], axis=1).astype(np.int64)


def growth(length: int, steepness: float = 3.0) -> Floats:
    """Return wear from 0 to 1 that speeds up towards its end, shape (length,)."""
    return np.expm1(steepness * np.arange(1, length + 1) / length) / math.expm1(steepness)


def visible_fault(channel: str, kind: str, change: Floats, noise: float) -> Fault:
    """Return a fault that spans the samples at which a change rises above the sensor's noise.

    Parameters
    ----------
    channel, kind : str
        Name of the channel, and kind of the fault.
    change : numpy.ndarray, shape (n,)
        What is added to the telemetry over the whole series.
    noise : float
        Standard deviation of the sensor's noise.

    Returns
    -------
    Fault
    """
    visible = np.flatnonzero(np.abs(change) > NOISES_VISIBLE * noise)
    start, stop = int(visible[0]), int(visible[-1]) + 1
    return Fault(channel, kind, start, stop - start, change[start:stop])
