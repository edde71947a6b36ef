"""The eight features of telemetry whose records the envelope knows, and the margins by which one may be exceeded.

Whatever is unusual is large: of the two features of silence, for which a small value is unusual, the negative is
compared. The definition judges them by their negative logarithm; a difference of logarithms is a ratio, so the same is
decided here without one, as logarithms of whole arrays and of single numbers may differ in their last bit.
"""

from dataclasses import dataclass
from math import exp
from typing import Literal

import numpy as np
import numpy.typing as npt

from workbench.detection.envelope.rolling import LONG, SHORT, Floats, rolling_deviations, rolling_sums

__all__ = ["FEATURES", "LARGEST", "MARGINS", "UNCHANGED_SHARE", "Bound", "Kind", "Margin", "Margins", "feature_values"]

Kind = Literal["core", "count", "log"]

FEATURES: dict[str, Kind] = {
    "above": "core",
    "below": "core",
    "step": "core",
    "travel20": "core",
    "spread20": "core",
    "stuck": "count",
    "calm150": "log",
    "quiet150": "log",
}
"""Name and kind of each feature."""

LARGEST = 1e150
"""Values are clipped to this size, so that no square overflows."""
UNCHANGED_SHARE = 1e-6
"""A step above this share of the training range is a change."""
QUIET_SHARE = 0.001
"""Share of the training range that is added to the features of silence."""


@dataclass(frozen=True, slots=True)
class Margin:
    """How far a feature may exceed its record M: by the larger of kappa s and theta M, and by the floor.

    Attributes
    ----------
    kappa : float
        In times of s, the mean excess of the training feature over its 98 % quantile. With an exponential tail,
        exp(-kappa) is about the chance of a false alarm in as much data again.
    theta : float
        In times of the record.
    floor : float
        In shares of the training range (core), in samples (count), or as a logarithm (log).
    """

    kappa: float
    theta: float
    floor: float

    def scaled(self, width: float) -> "Margin":
        """Return the margin in times of its width."""
        return Margin(self.kappa * width, self.theta * width, self.floor * width)


@dataclass(frozen=True, slots=True)
class Margins:
    """One margin for each kind of feature.

    Attributes
    ----------
    core : Margin
        Of `above`, `below`, `step`, `travel20` and `spread20`.
    count : Margin
        Of `stuck`.
    log : Margin
        Of `calm150` and `quiet150`; its theta must be 0.
    """

    core: Margin
    count: Margin
    log: Margin

    def __post_init__(self) -> None:
        if self.log.theta:
            raise ValueError("a margin of logarithms has no theta: it would depend on the unit")

    def scaled(self, width: float) -> "Margins":
        """Return the margins in times of their width.

        Examples
        --------
        >>> MARGINS["excess"].scaled(0.5).core
        Margin(kappa=4.0, theta=0.15, floor=0.005)
        """
        return Margins(self.core.scaled(width), self.count.scaled(width), self.log.scaled(width))


_LOG_2 = float(np.log(2.0))
MARGINS: dict[str, Margins] = {
    "fixed": Margins(core=Margin(0.0, 1.0, 0.01), count=Margin(0.0, 1.0, 2.0), log=Margin(0.0, 0.0, _LOG_2)),
    "excess": Margins(core=Margin(8.0, 0.3, 0.01), count=Margin(3.0, 1.0, 2.0), log=Margin(3.0, 0.0, _LOG_2)),
}
"""Margins by name: twice the record, and by the tail of the training feature."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The bound that a feature has at a record.

    Attributes
    ----------
    kind : {"core", "count", "log"}
        Kind of the feature.
    excess : float
        Kappa s.
    theta : float
        Share of the record.
    floor : float
        In the units of the feature; a logarithm where the kind is "log".
    """

    kind: Kind
    excess: float
    theta: float
    floor: float

    def at(self, record: Floats) -> Floats:
        """Return the bound at each record, in the form in which features are compared.

        Examples
        --------
        >>> Bound("core", 2.0, 0.3, 0.1).at(np.array([1.0, 10.0]))
        array([ 3.1, 13.1])
        >>> Bound("log", 0.0, 0.0, _LOG_2).at(np.array([-8.0]))
        array([-4.])
        """
        if self.kind == "log":
            return record * exp(-(self.excess + self.floor))
        return record + np.maximum(self.excess, self.theta * record) + self.floor


def feature_values(values: Floats, least: float, greatest: float, before: Floats, unchanged: int) -> dict[str, Floats]:
    """Compute every feature of a series, in the form in which they are compared.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,), float64
        Samples that are there, finite and clipped.
    least, greatest : float
        Those of the training telemetry.
    before : numpy.ndarray, shape (k,), float64
        Samples that the series follows, for its first windows; none where it follows nothing.
    unchanged : int
        Samples at the end of them since the last change.

    Returns
    -------
    dict of str to numpy.ndarray, shape (n,)
        By name, in the order of `FEATURES`; -inf where the window is not complete. Those of silence are negative.
    """
    training_range = greatest - least
    joined = np.concatenate((before, values))
    steps = np.abs(np.diff(joined))
    travel, spread = rolling_sums(steps), rolling_deviations(joined)
    quiet = QUIET_SHARE * training_range
    ends = {
        "step": steps,
        "travel20": travel[SHORT],
        "spread20": spread[SHORT],
        "calm150": -(travel[LONG] + quiet),
        "quiet150": -(spread[LONG] + quiet),
    }
    changed = steps > UNCHANGED_SHARE * training_range
    columns = {
        "above": values - least,
        "below": greatest - values,
        "stuck": _stuck(changed, values.size, before.size, unchanged),
    }
    for name, complete in ends.items():
        column = np.full(joined.size, -np.inf)
        column[joined.size - complete.size :] = complete
        columns[name] = column[before.size :]
    return {name: columns[name] for name in FEATURES}


def _stuck(changed: npt.NDArray[np.bool_], size: int, known: int, unchanged: int) -> Floats:
    """Count the samples since the last change; it lies `unchanged` samples before the last of those that are known."""
    own = changed[known - 1 :] if known else np.concatenate(([False], changed))[:size]
    positions = np.arange(size)
    before = -(unchanged + 1) if known else 0
    return (positions - np.maximum.accumulate(np.where(own, positions, before))).astype(np.float64)
