"""Tells by the name of a column whether it is called as one of times."""

import re

from workbench.telemetry.importers.timing.clocks import is_clock_name, name_letters, part_of_name

__all__ = ["TIME_WORD", "is_date_name", "is_time_name", "latin_letters", "may_name_times", "names_time"]

_TIME_NAME = re.compile(
    r"(?:utc|local|sample|measurement|event|log|record(?:ed)?)?(?:date)?(?:time(?:stamp)?s?|date|zeit(?:stempel|punkt)?"
    r"|datum(?:zeit)?|fecha|horodatage|epoch|ts|utc)(?:utc|local|at|iso|in)?(?:s|ms|us|ns|sec|seconds)?"
    r"|mess(?:datum|zeit|zeitpunkt)|unixtime|unix|tstamp|yyyymmdd(?:hh(?:mm(?:ss)?)?)?|datumuhrzeit|datumzeit|createdat|recordedat|uhrzeit"
)
_DATE_NAME = re.compile(
    r"\w*(?:date|datum|fecha)|dat[ao]|jour|tag|dag|dia|día|giorno|day|dzień|дата|日期|日付|날짜"
    r"|(?:yy)?yymmdd|ddmmyy(?:yy)?|mmddyy(?:yy)?"
)
_OTHER_NAME = re.compile(r"t|aeg|aikaleima|instant|interval|kuupäev|momento?|mtu|periode?|tidpunkt|tidspunkt|tijdstip")
TIME_WORD = re.compile(r"time(?:stamp)?|date|zeit(?:stempel)?|datum|stamp|fecha|hora|horodatage|(?<![a-z])ts(?![a-z])")
"""A word for times within a name in small letters."""


def is_time_name(column: str) -> bool:
    """Tell whether a column is called as a column of times."""
    return bool(_TIME_NAME.fullmatch(latin_letters(column)))


def is_date_name(column: str) -> bool:
    """Tell whether a column is called as a column of dates."""
    return bool(_DATE_NAME.fullmatch(name_letters(column)))


def names_time(column: str) -> bool:
    """Return whether the name of a column holds a word for times.

    Examples
    --------
    >>> names_time("Pump 1 timestamp"), names_time("pressure")
    (True, False)
    """
    return bool(TIME_WORD.search(column.lower()))


def may_name_times(column: str) -> bool:
    """Tell whether a column is called as one of times, of dates, of times of day or of a part of them."""
    return bool(
        is_time_name(column)
        or is_clock_name(column)
        or is_date_name(column)
        or part_of_name(column)
        or names_time(column)
        or _OTHER_NAME.fullmatch(name_letters(column))
    )


def latin_letters(column: str) -> str:
    """Reduce a name to its letters from a to z, without a unit in brackets."""
    return re.sub(r"[^a-z]", "", re.sub(r"[\[(].*?[\])]", "", column.lower()))
