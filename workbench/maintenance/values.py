"""Checks of numbers, times and texts that people enter, and the ranges within which everything can be computed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from workbench.exceptions import MaintenanceError

__all__ = [
    "FIRST_TIME",
    "LAST_TIME",
    "MAX_COST",
    "MAX_HOURLY_RATE",
    "MAX_METER_READING",
    "MAX_ORDER_HOURS",
    "MAX_PART_PIECES",
    "MAX_PERIOD_DAYS",
    "MAX_WAIT_DAYS",
    "MIN_INTERVAL_DAYS",
    "MIN_METER_INTERVAL",
    "ahead",
    "check_choice",
    "checked_hours",
    "day_span",
    "number_in_range",
    "required_text",
    "row_limit",
    "row_number",
    "time_in_range",
    "whole_number",
]

MAX_ORDER_HOURS = 10_000.0
"""Most hours of work of one order: more than four years of one person."""

MAX_HOURLY_RATE = 1_000_000.0
"""Highest hourly rate of a technician, in the currency of the workbench."""

MAX_COST = 1_000_000_000.0
"""Highest cost of an order, or of one piece of a part."""

MAX_PART_PIECES = 1_000_000
"""Most pieces of a part."""

MAX_WAIT_DAYS = 3_650.0
"""Most days to wait for a part, before a due date or without any work: ten years."""

MAX_PERIOD_DAYS = 36_500.0
"""Most days of a period or of an interval: a hundred years."""

MAX_METER_READING = 1e12
"""Highest reading of a meter; adding `MIN_METER_INTERVAL` still changes a number of this size."""

MIN_METER_INTERVAL = 0.001
"""Shortest interval of a meter, in its units."""

MIN_INTERVAL_DAYS = 1 / 24
"""Shortest interval of a calendar, in days: an hour."""

FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
LAST_TIME = datetime(2200, 1, 1, tzinfo=UTC)
"""Dates of orders and plans lie between these two."""

_LAST_ROW = 2**31 - 1


def number_in_range(name: str, value: float, most: float, *, least: float = 0.0, above: bool = False) -> float:
    """Return a number, or raise an error where it is outside its range.

    Parameters
    ----------
    name : str
        Name of the number, for the message; underscores become spaces.
    value : float
        Number that is checked.
    most, least : float
        Bounds of the range, both allowed.
    above : bool
        Whether the number must lie above `least`.

    Raises
    ------
    MaintenanceError
        The number is not finite, or outside the range; the message says which range.

    Examples
    --------
    >>> number_in_range("hours", 2, 10_000)
    2.0
    >>> number_in_range("hours", 1e300, 10_000)
    Traceback (most recent call last):
    workbench.exceptions.MaintenanceError: hours cannot be 1e+300. Enter a number from 0 to 10,000.
    """
    if not least <= value <= most or (above and value == least):  # NaN is neither
        low = f"above {least:,g} and at most" if above else f"from {least:,g} to"
        raise MaintenanceError(
            f"{name.replace('_', ' ')} cannot be {value!r}.", f"Enter a number {low} {_plain(most)}."
        )
    return float(value)


def whole_number(name: str, value: int, most: int = MAX_PART_PIECES) -> int:
    """Return a whole number, or raise an error where it is not from 0 to `most`.

    Raises
    ------
    MaintenanceError
        It is negative, above `most` or not whole.
    """
    if isinstance(value, bool) or not 0 <= value <= most or int(value) != value:
        raise MaintenanceError(
            f"{name.replace('_', ' ')} cannot be {value!r}.", f"Enter a whole number from 0 to {most:,}."
        )
    return int(value)


def row_number(value: int) -> int:
    """Return the number of an alert, order or plan; 0, which none has, where it is too large for a database.

    Examples
    --------
    >>> row_number(12), row_number(10**30)
    (12, 0)
    """
    return value if 0 <= value <= _LAST_ROW else 0


def time_in_range(name: str, when: datetime) -> datetime:
    """Return a time, or raise an error where it has no zone or is outside the range of plans.

    Raises
    ------
    MaintenanceError
        It has no zone, or lies outside the range.
    """
    if when.tzinfo is None:
        raise MaintenanceError(f"The time {when} has no time zone.", "Give it one, for example datetime.now(UTC).")
    if not FIRST_TIME <= when <= LAST_TIME:
        raise MaintenanceError(
            f"{name.replace('_', ' ')} cannot be {when}.",
            f"Enter a time from {FIRST_TIME:%Y-%m-%d} to {LAST_TIME:%Y-%m-%d}.",
        )
    return when


def row_limit(limit: int | None) -> int | None:
    """Return the most rows that a list may have, or raise an error where it is not a number of rows.

    Raises
    ------
    MaintenanceError
        It is negative or not whole.
    """
    return None if limit is None else whole_number("the limit of rows", limit, _LAST_ROW)


def day_span(name: str, days: float, most: float = MAX_PERIOD_DAYS) -> timedelta:
    """Return a number of days as a span of time, or raise an error where it is not above 0.

    Raises
    ------
    MaintenanceError
        It is not above 0, or more than `most`.
    """
    return timedelta(days=number_in_range(name, days, most, above=True))


def ahead(now: datetime, hours: float) -> datetime:
    """Return the time some hours after the present, or raise an error where the hours are not above 0.

    Raises
    ------
    MaintenanceError
        The hours are not above 0, or more than ten years.
    """
    return now + timedelta(hours=number_in_range("hours", hours, 24 * MAX_WAIT_DAYS, above=True))


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,g}"


def required_text(name: str, value: str) -> str:
    """Return a text without the space around it, or raise an error where it is empty.

    Raises
    ------
    MaintenanceError
        It is empty, holds only space, or is not Unicode.
    """
    if not value.strip():
        raise MaintenanceError(f"{name.capitalize()} is empty.", "Write a few words.")
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        raise MaintenanceError(f"{name.capitalize()} holds characters that are not Unicode.", "Enter it in UTF-8.")
    return value.strip()


def checked_hours(value: float) -> float:
    """Return the hours of work of an order, or raise an error where they are not above 0.

    Raises
    ------
    MaintenanceError
        The hours are 0, negative, not finite or more than `MAX_ORDER_HOURS`.
    """
    return number_in_range("hours", value, MAX_ORDER_HOURS, above=True)


def check_choice(what: str, value: str, values: Sequence[str]) -> None:
    """Raise an error where a value is not one of some choices, and name these."""
    if value not in values:
        article = "an" if what[0] in "aeiou" else "a"
        raise MaintenanceError(f"{value!r} is not {article} {what}.", f"Known: {', '.join(values)}.")
