"""Seeded faults of a feed, for tests and demonstrations: what telemetry suffers on its way, the same for each seed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.exceptions import TelemetryError

__all__ = ["FAULTS", "FaultRates", "Sent", "with_faults"]

FAULTS = ("drop", "duplicate", "reorder", "delay", "skew", "stuck", "spike")
"""Kinds of faults: a sample is lost; comes twice; changes place with the next one; comes 5 to 50 samples later; has the
time of another clock, two hours ahead; keeps the value before it for 30 samples; lies ten ranges off."""

_DELAYS = (5, 51)
_STUCK = 30
_SPIKE_RANGES = 10.0
_SKEW = 7_200


@dataclass(frozen=True)
class FaultRates:
    """How often each fault happens.

    Attributes
    ----------
    drop, duplicate, reorder, delay, skew, stuck, spike : float
        Probability for each sample, 0 to 1.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    skew: float = 0.0
    stuck: float = 0.0
    spike: float = 0.0

    def __post_init__(self) -> None:
        """Check the probabilities."""
        for name in FAULTS:
            if not 0 <= getattr(self, name) <= 1:
                raise TelemetryError(f"The rate of {name} must be from 0 to 1, not {getattr(self, name)!r}.")


@dataclass(frozen=True)
class Sent:
    """What is sent of a series, in this order.

    Attributes
    ----------
    row : numpy.ndarray, shape (m,), int64
        Row of the series that each sample comes from.
    due : numpy.ndarray, shape (m,), int64
        Row of the series at whose time it is sent; rising.
    value : numpy.ndarray, shape (m,), float64
        Its value.
    shift : numpy.ndarray, shape (m,), int64
        Seconds by which its time is wrong; samples where the series has no times.
    """

    row: npt.NDArray[np.int64]
    due: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    shift: npt.NDArray[np.int64]


def with_faults(values: npt.ArrayLike, rates: FaultRates, seed: int) -> Sent:
    """Return what is sent of a series that suffers faults.

    Parameters
    ----------
    values : array_like, shape (n,)
        The series; NaN where a value is missing.
    rates : FaultRates
        How often each fault happens.
    seed : int
        The same seed gives the same faults.

    Returns
    -------
    Sent

    Examples
    --------
    >>> with_faults([1.0, 2.0, 3.0], FaultRates(), 0).row
    array([0, 1, 2])
    >>> with_faults([1.0, 2.0], FaultRates(duplicate=1.0), 0).row
    array([0, 0, 1, 1])
    """
    sent = np.array(values, dtype=np.float64)
    n = sent.size
    random = np.random.default_rng(seed)
    happens = {name: random.random(n) < getattr(rates, name) for name in FAULTS}
    present = sent[~np.isnan(sent)]
    span = float(np.ptp(present)) if present.size else 0.0
    sent[happens["spike"]] += _SPIKE_RANGES * (span or 1.0)
    for start in np.flatnonzero(happens["stuck"]):
        sent[start : start + _STUCK] = sent[start]
    rows = np.arange(n)
    due = rows + np.where(happens["delay"], random.integers(*_DELAYS, n), 0)
    place = due.astype(np.float64)
    swapped = happens["reorder"] & ~happens["delay"]
    place[swapped] += 1.5  # behind the one that follows it
    due[swapped] += 1
    kept = ~happens["drop"]
    copies = kept & happens["duplicate"]
    rows = np.concatenate([rows[kept], rows[copies]])
    place = np.concatenate([place[kept], place[copies]])
    due = np.minimum(np.concatenate([due[kept], due[copies]]), max(n - 1, 0))
    order = np.lexsort((rows, place))
    rows, due = rows[order], np.maximum.accumulate(due[order]) if order.size else due[order]
    return Sent(rows, due, sent[rows], np.where(happens["skew"][rows], _SKEW, 0))
