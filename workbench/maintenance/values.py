"""Checks of numbers, times and texts that people enter, and the ranges within which everything can be computed."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

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
    "known_asset",
    "near_name",
    "number_in_range",
    "required_text",
    "row_limit",
    "row_number",
    "span_words",
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
_MAX_LISTED_NAMES = 20
_LONG_NAME = 6
_NUMBERS = re.compile(r"\d+")


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


def known_asset(name: str, assets: Callable[[], Collection[str]] | None) -> str:
    """Return the name of an asset, or raise an error where there is none of this name.

    Parameters
    ----------
    name : str
        Name that a person entered.
    assets : callable or None
        Returns the names of all assets; where it is omitted or returns none, any name is taken.

    Raises
    ------
    MaintenanceError
        The name is empty or unknown; the message names the nearest.
    """
    name = required_text("the asset", name)
    by_lower_case = {one.lower(): one for one in (assets() if assets else ())}
    if not by_lower_case or name in by_lower_case.values():
        return name
    nearest = get_close_matches(name.lower(), by_lower_case, n=1, cutoff=0.5)
    known = f"Known: {', '.join(sorted(by_lower_case.values())[:_MAX_LISTED_NAMES])}."
    hint = f"Did you mean {by_lower_case[nearest[0]]}? {known}" if nearest else known
    raise MaintenanceError(f"There is no asset {name!r}.", hint)


def near_name(name: str, known: Collection[str]) -> str:
    """Return the known name that a new one may be a slip of, or an empty text.

    Names are near that differ in case alone, or in one letter that is changed, added, left out or swapped with the
    next; in two, from six letters on. Names that differ in their numbers are those of different things.

    Examples
    --------
    >>> near_name("Bne", ["Ann", "Ben"]), near_name("Seal", ["seal"]), near_name("Pump 2", ["Pump 1"])
    ('Ben', 'seal', '')
    """
    name = name.strip()
    if name in known:
        return ""
    allowed = 2 if len(name) >= _LONG_NAME else 1
    digits = _NUMBERS.findall(name)
    near = ((_slips(name.lower(), one.lower(), allowed), one) for one in known if _NUMBERS.findall(one) == digits)
    slips, nearest = min(near, default=(allowed + 1, ""))
    return nearest if slips <= allowed else ""


def _slips(left: str, right: str, most: int) -> int:
    """Return how many letters must be changed, added, left out or swapped; more than `most` where it is more."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and (letter, left[i - 2]) == (right[j - 2], other):
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


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


def span_words(span: timedelta) -> str:
    """Return a length of time in words: hours below two days, days below two years, then whole years.

    Examples
    --------
    >>> [span_words(timedelta(hours=hours)) for hours in (1.5, 12, 60, 60_614)]
    ['1.5 h', '12 h', '2.5 days', 'more than 6 years']
    """
    days = span / timedelta(days=1)
    if days >= 730:
        return f"more than {days // 365:.0f} years"
    number, unit = (days, "days") if days >= 2 else (24 * days, "h")
    return f"{number:.1f}".removesuffix(".0") + f" {unit}"


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
