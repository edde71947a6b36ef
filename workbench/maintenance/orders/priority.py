"""Priority of work orders: a score from 0 to 1, and every part of it with its reason.

score = 0.4 severity + 0.2 frequency + 0.3 impact + 0.1 age; each part runs from 0 to 1, and so do the weights' sum.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from workbench.counts import counted
from workbench.exceptions import MaintenanceError
from workbench.parameters import LEVELS

__all__ = ["PRIORITIES", "WEIGHTS", "Priority", "PriorityPart", "by_hand", "fixed", "prioritise"]

WEIGHTS: dict[str, float] = {"severity": 0.4, "frequency": 0.2, "impact": 0.3, "age": 0.1}
"""Weight of each part; they sum to 1."""

PRIORITIES: dict[str, float] = {"urgent": 0.75, "high": 0.5, "medium": 0.25, "low": 0.0}
"""Least score of each priority, highest first."""

_ALERTS_IN_FULL = 5
_AGE_IN_FULL = timedelta(days=30)
_DEFAULT_CRITICALITY = 3


@dataclass(frozen=True)
class PriorityPart:
    """One part of the score of a priority.

    Attributes
    ----------
    name : str
        Name of `WEIGHTS`, or `rule` where the priority was set otherwise.
    value : float
        Value of the part, 0 to 1.
    weight : float
        Weight of the part, 0 to 1; value x weight is added to the score.
    reason : str
        Explanation of the value.
    """

    name: str
    value: float
    weight: float
    reason: str


@dataclass(frozen=True)
class Priority:
    """A priority with the rule that set it.

    Attributes
    ----------
    score : float
        Sum of the weighted parts, 0 to 1.
    parts : tuple of PriorityPart
        Parts, whose weighted values sum to the score.
    """

    score: float
    parts: tuple[PriorityPart, ...]

    @property
    def name(self) -> str:
        """Return the priority as a word, of `PRIORITIES`."""
        return next(name for name, least in PRIORITIES.items() if self.score >= least)

    def __str__(self) -> str:
        """Return the word, the score and the sum that led to it."""
        parts = " + ".join(f"{part.weight:g} x {part.value:.2f} {part.name} ({part.reason})" for part in self.parts)
        return f"{self.name} {self.score:.2f} = {parts}"

    def to_json(self) -> list[dict[str, Any]]:
        """Return the parts as JSON values, as they are stored."""
        return [asdict(part) for part in self.parts]

    @classmethod
    def from_json(cls, parts: list[dict[str, Any]]) -> "Priority":
        """Return the priority of JSON values that `to_json` returned."""
        return _of(tuple(PriorityPart(**part) for part in parts))


def prioritise(
    *, level: str | None, alerts: int | None, criticality: int | None, age: timedelta, emergency: bool = False
) -> Priority:
    """Return the priority of a work order by the rule.

    Parameters
    ----------
    level : str or None
        Highest level of its alerts, of `LEVELS`; None where it has no alert.
    alerts : int or None
        Alerts on the same asset and subsystem within the last 30 days; five or more count in full. None where they do
        not count, as for an order that no alert has caused.
    criticality : int or None
        Criticality of the channel or asset, 1 (little depends on it) to 5 (everything); None counts as 3.
    age : timedelta
        Time since the order was opened; 30 days or more count in full.
    emergency : bool
        Whether it is an emergency, which has score 1 whatever the parts are.

    Returns
    -------
    Priority

    Raises
    ------
    MaintenanceError
        The level or the criticality does not exist, or the number of alerts is negative.

    Examples
    --------
    >>> priority = prioritise(level="high", alerts=2, criticality=5, age=timedelta(days=3))
    >>> priority.name, round(priority.score, 2)
    ('high', 0.69)
    """
    if level is not None and level not in LEVELS:
        raise MaintenanceError(f"{level!r} is not a severity level.", f"Levels: {', '.join(LEVELS)}.")
    if alerts is not None and alerts < 0:
        raise MaintenanceError(f"A work order cannot have {alerts} alerts.", "Pass 0 or more.")
    check_criticality(criticality)
    if emergency:
        return _of((PriorityPart("rule", 1.0, 1.0, "an emergency comes first"),))
    assumed_criticality = _DEFAULT_CRITICALITY if criticality is None else criticality
    days = max(age / timedelta(days=1), 0.0)
    values = {
        "severity": (
            LEVELS.index(level) / (len(LEVELS) - 1) if level else 0.0,
            f"level {level}" if level else "no alert",
        ),
        "frequency": (
            min((alerts or 0) / _ALERTS_IN_FULL, 1.0),
            "alerts in 30 days not counted" if alerts is None else f"{counted(alerts, 'alert')} in 30 days",
        ),
        "impact": (
            (assumed_criticality - 1) / 4,
            f"criticality {assumed_criticality}" + (" assumed: the catalog has none" if criticality is None else ""),
        ),
        "age": (min(age / _AGE_IN_FULL, 1.0) if days else 0.0, f"open for {counted(round(days), 'day')}"),
    }
    return _of(tuple(PriorityPart(name, *_value(values[name], WEIGHTS[name])) for name in WEIGHTS))


def by_hand(name: str, who: str) -> Priority:
    """Return the priority that a person set by hand.

    Raises
    ------
    MaintenanceError
        The name is not one of `PRIORITIES`.
    """
    if name not in PRIORITIES:
        raise MaintenanceError(f"{name!r} is not a priority.", f"Priorities: {', '.join(PRIORITIES)}.")
    return fixed(name, f"set to {name} by {who}")


def fixed(name: str, reason: str) -> Priority:
    """Return a priority that does not follow from severity, frequency, impact and age, with the reason for it."""
    bounds = [1.0, *PRIORITIES.values()]
    place = list(PRIORITIES).index(name)
    middle = (bounds[place] + bounds[place + 1]) / 2
    return _of((PriorityPart("rule", middle, 1.0, reason),))


def check_criticality(criticality: int | None) -> None:
    """Raise an error where a criticality is outside 1 to 5.

    Raises
    ------
    MaintenanceError
        The criticality is neither None nor 1 to 5.
    """
    if criticality is not None and not 1 <= criticality <= 5:
        raise MaintenanceError(
            f"The criticality {criticality!r} is not from 1 to 5.", "Enter 1 (little depends on it) to 5 (everything)."
        )


def _value(value: tuple[float, str], weight: float) -> tuple[float, float, str]:
    return value[0], weight, value[1]


def _of(parts: tuple[PriorityPart, ...]) -> Priority:
    return Priority(min(sum(part.value * part.weight for part in parts), 1.0), parts)
