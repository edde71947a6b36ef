"""Checks of the numbers, words and times that people enter."""

import math
from collections.abc import Sequence
from datetime import datetime

from workbench.exceptions import MaintenanceError

__all__ = ["checked_hours", "count", "finite", "known", "require_zone", "words"]


def finite(name: str, value: float) -> float:
    """Give a number that is finite and not negative, or refuse it.

    Raises
    ------
    MaintenanceError
    """
    if not math.isfinite(value) or value < 0:
        raise MaintenanceError(f"{name.replace('_', ' ')} cannot be {value!r}.", "Give a number of 0 or more.")
    return float(value)


def count(name: str, value: int) -> int:
    """Give a whole number of 0 or more, or refuse it.

    Raises
    ------
    MaintenanceError
    """
    if isinstance(value, bool) or int(value) != value or value < 0:
        raise MaintenanceError(f"{name.replace('_', ' ')} cannot be {value!r}.", "Give a whole number of 0 or more.")
    return int(value)


def words(name: str, value: str) -> str:
    """Give a text without the space around it, or refuse an empty one.

    Raises
    ------
    MaintenanceError
    """
    if not value.strip():
        raise MaintenanceError(f"{name.capitalize()} is empty.", "Write a few words.")
    return value.strip()


def require_zone(when: datetime) -> datetime:
    """Return a time that has a zone, and refuse one without.

    Raises
    ------
    MaintenanceError
        The time has no zone.
    """
    if when.tzinfo is None:
        raise MaintenanceError(f"The time {when} has no time zone.", "Give an aware one: datetime.now(UTC).")
    return when


def checked_hours(value: float) -> float:
    """Return hours of work, and refuse what is not above 0.

    Raises
    ------
    MaintenanceError
        The hours are 0, negative or not finite.
    """
    if finite("hours", value) == 0:
        raise MaintenanceError("A work order takes some time.", "Give hours above 0.")
    return float(value)


def known(what: str, value: str, values: Sequence[str]) -> None:
    """Refuse a value that is not one of those known, and name these."""
    if value not in values:
        article = "an" if what[0] in "aeiou" else "a"
        raise MaintenanceError(f"{value!r} is not {article} {what}.", f"Known: {', '.join(values)}.")
