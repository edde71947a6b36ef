"""Checks of numbers and words that people give."""

import math

from workbench.exceptions import MaintenanceError

__all__ = ["count", "finite", "words"]


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
