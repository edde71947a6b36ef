"""Durations as text: "10s", "PT10S" and the rate "50 Hz" are read, ISO 8601 is written."""

import re

import pandas as pd

from workbench.exceptions import ImportDataError

__all__ = ["duration_text", "read_duration"]

_UNITS_NS = {"D": 86_400 * 10**9, "H": 3600 * 10**9, "M": 60 * 10**9}
_LONGEST_DAYS = 36_600
_WITH_UNIT = re.compile(r"[\d.]+\s*(?:ns|us|µs|ms|s|sec|seconds?|min|minutes?|h|hours?|d|days?)", re.IGNORECASE)
_RATE = re.compile(r"([\d.]+)\s*([kM]?)Hz")
_HERTZ = {"": 1, "k": 1_000, "M": 1_000_000}


def duration_text(nanoseconds: int) -> str:
    """Return a duration in ISO 8601.

    Parameters
    ----------
    nanoseconds : int
        Duration, positive.

    Returns
    -------
    str

    Examples
    --------
    >>> duration_text(90 * 10**9), duration_text(250_000_000)
    ('PT1M30S', 'PT0.25S')
    """
    rest = nanoseconds
    parts = []
    for letter, size in _UNITS_NS.items():
        count, rest = divmod(rest, size)
        parts.append(f"{count}{letter}" if count else "")
    second, fraction = divmod(rest, 10**9)
    digits = f"{fraction:09d}".rstrip("0")
    clock = "".join(parts[1:]) + (f"{second}{'.' if digits else ''}{digits}S" if rest else "")
    return f"P{parts[0]}{'T' if clock else ''}{clock}"


def read_duration(text: str) -> int:
    """Return the nanoseconds of a duration in text.

    Parameters
    ----------
    text : str
        Number with unit, ISO 8601, or the rate of what recurs after it, in Hz.

    Returns
    -------
    int
        Nanoseconds, positive.

    Raises
    ------
    ImportDataError
        It is none, or not positive.

    Examples
    --------
    >>> read_duration("10s"), read_duration("PT1M"), read_duration("50 Hz")
    (10000000000, 60000000000, 20000000)
    """
    plain = text.strip()
    try:
        if rate := _RATE.fullmatch(plain):
            plain = f"{round(10**9 / (float(rate[1]) * _HERTZ[rate[2]]))}ns"
        if not (_WITH_UNIT.fullmatch(plain) or plain.startswith("P")):
            raise ValueError(text)
        duration = pd.Timedelta(plain)
        if not pd.Timedelta(0) < duration <= pd.Timedelta(days=_LONGEST_DAYS):
            raise ValueError(text)
    except (ValueError, ArithmeticError):
        raise ImportDataError(f"{text!r} is not a duration.", "Write it as 10s, 5min, PT10S or 50Hz.") from None
    return int(duration.as_unit("ns").value)
