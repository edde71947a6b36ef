"""When a preventive plan repeats by calendar: every some days, or on days as "first Monday", in seasons."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workbench.exceptions import MaintenanceError
from workbench.maintenance.values import LAST_TIME

__all__ = ["Repetition", "day_rule", "season_months"]

_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": -1}
_ORDINAL_NAMES = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
_WEEKDAYS = tuple(calendar.day_name)
_MONTHS = tuple(calendar.month_abbr)[1:]
_RULE = re.compile(r"(?:every |each |on |the )*(?P<which>\w+) (?P<day>[a-z]+|\d+)(?: of (?:the|every|each) month)?")
_RULE_HINT = "Write it as 'first Monday', 'last Friday', 'day 15' or 'last day'."
_SEASON_HINT = "Write months as 'Apr-Sep', 'Nov-Mar' or 'Mar, Sep'."
_LAST_COMMON_DAY = 28
_END_OF_DAY = time(23, 59)


def day_rule(text: str) -> str:
    """Return a rule for a day of the month in its one form, or raise an error where it cannot be read.

    Raises
    ------
    MaintenanceError
        It is not a rule; the message says how rules are written.

    Examples
    --------
    >>> day_rule("the 1st monday of the month"), day_rule("day 15"), day_rule("last day")
    ('first Monday', 'day 15', 'last day')
    """
    match = _RULE.fullmatch(" ".join(text.lower().split()))
    which, day = (match["which"], match["day"]) if match else ("", "")
    if which == "day" and day.isdecimal() and 1 <= int(day) <= _LAST_COMMON_DAY:
        return f"day {int(day)}"
    if which == "day" and day.isdecimal():
        raise MaintenanceError(
            f"Not every month has a day {day}.", f"Write a day from 1 to {_LAST_COMMON_DAY}, or 'last day'."
        )
    ordinal = _ORDINALS.get(which)
    if ordinal in (1, -1) and day == "day":
        return "day 1" if ordinal == 1 else "last day"
    if ordinal is not None and day.capitalize() in _WEEKDAYS:
        return f"{_ORDINAL_NAMES[ordinal]} {day.capitalize()}"
    raise MaintenanceError(f"{text!r} is not a rule for a day of the month.", _RULE_HINT)


def season_months(text: str) -> tuple[int, ...]:
    """Return the months of a season, 1 to 12 in order; all of them where the text is empty.

    Raises
    ------
    MaintenanceError
        A month cannot be read.

    Examples
    --------
    >>> season_months("Nov-Feb"), season_months("march, Sep"), len(season_months(""))
    ((1, 2, 11, 12), (3, 9), 12)
    """
    months: set[int] = set()
    for piece in filter(None, (one.strip() for one in text.split(","))):
        first, dash, last = (one.strip() for one in piece.partition("-"))
        begin, end = _month(first, text), _month(last if dash else first, text)
        months.update((begin - 1 + step) % 12 + 1 for step in range((end - begin) % 12 + 1))
    if text.strip() and not months:
        raise MaintenanceError(f"{text!r} is not a season.", _SEASON_HINT)
    return tuple(sorted(months)) or tuple(range(1, 13))


def _month(name: str, text: str) -> int:
    for number, short in enumerate(_MONTHS, 1):
        if len(name) >= len(short) and calendar.month_name[number].lower().startswith(name.lower()):
            return number
    raise MaintenanceError(f"{name!r} in the season {text!r} is not a month.", _SEASON_HINT)


@dataclass(frozen=True)
class Repetition:
    """Due dates of a preventive plan, one after the other.

    Attributes
    ----------
    every_days : float or None
        Days from one date to the next; None where `rule` is given.
    rule : str
        Day of the month, as `day_rule` returns it; the work is due at the end of that day.
    season : str
        Months in which dates lie, as `season_months` reads them; all months where empty.
    timezone : str
        IANA zone of the days and months.
    """

    every_days: float | None = None
    rule: str = ""
    season: str = ""
    timezone: str = "UTC"

    def following(self, due: datetime) -> Iterator[datetime]:
        """Yield the dates after a date, in UTC, up to `LAST_TIME`; none where no date ever lies in the season.

        Parameters
        ----------
        due : datetime
            A due date, aware; for a rule any time.
        """
        zone, months = ZoneInfo(self.timezone), season_months(self.season)
        if self.every_days is not None:
            step = timedelta(days=self.every_days)
            while due + step <= LAST_TIME:
                due += step
                if due.astimezone(zone).month in months:
                    yield due
            return
        local = due.astimezone(zone)
        year, month = local.year, local.month
        while year < LAST_TIME.year:
            if month in months:
                end = datetime.combine(self._day(year, month), _END_OF_DAY, zone).astimezone(UTC)
                if end > due:
                    yield end
            year, month = (year, month + 1) if month < len(_MONTHS) else (year + 1, 1)

    def _day(self, year: int, month: int) -> date:
        """Return the day of the rule in a month."""
        which, _, day = self.rule.partition(" ")
        first_weekday, days = calendar.monthrange(year, month)
        if which == "day":
            return date(year, month, int(day))
        if day == "day":
            return date(year, month, days)
        offset = (_WEEKDAYS.index(day) - first_weekday) % 7
        dates = range(1 + offset, days + 1, 7)
        ordinal = _ORDINALS[which]
        return date(year, month, dates[-1] if ordinal < 0 else dates[ordinal - 1])
