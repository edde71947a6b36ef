"""Working calendars and maintenance windows: weekly hours in local time, expanded to spans of UTC.

A calendar is what people write: `Mon-Fri 08:00-17:00` in a time zone, and the days on which it is closed. Nothing
else knows of weekdays and clock changes: everything after it works with a `Window`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from workbench.exceptions import MaintenanceError

__all__ = ["DEFAULT_HOURS", "Window", "WorkingCalendar", "intersect", "merge", "subtract"]

DEFAULT_HOURS = ("Mon-Fri 08:00-17:00", "Sat 10:00-14:00")
"""Hours in which maintenance is done where settings do not say otherwise."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LINE = re.compile(r"\s*(?P<days>[A-Za-z,\- ]+?)\s+(?P<opens>\d\d?:\d\d)\s*-\s*(?P<closes>\d\d?:\d\d)\s*")
_HINT = "Write it as 'Mon-Fri 08:00-17:00', 'Sat 10:00-14:00' or 'Mon,Wed 22:00-06:00'."


@dataclass(frozen=True, order=True)
class Window:
    """Span of time, whose end is excluded.

    Attributes
    ----------
    start, end : datetime
        Bounds, aware; they are stored in UTC.

    Raises
    ------
    MaintenanceError
        A time carries no zone, or the end is not after the start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value: datetime = getattr(self, name)
            if value.tzinfo is None:
                raise MaintenanceError(
                    f"The {name} of a window, {value}, has no time zone.", "Give it one, for example UTC."
                )
            object.__setattr__(self, name, value.astimezone(UTC))
        if self.end <= self.start:
            raise MaintenanceError(
                f"A window ends at {self.end}, not after its start {self.start}.", "Give it a later end."
            )

    @property
    def hours(self) -> float:
        """Return the length in hours."""
        return (self.end - self.start) / timedelta(hours=1)


@dataclass(frozen=True)
class WorkingCalendar:
    """Calendar of weekly hours in local time.

    Attributes
    ----------
    lines : tuple of str
        Hours as `Mon-Fri 08:00-17:00`: days as a range or a list, then local times. Hours that close at or before
        they open close on the next day; `00:00-24:00` is the whole day. Hours of several lines add up.
    timezone : str
        IANA name of the zone in which the lines hold, as `Europe/Berlin`.
    closed : tuple of date
        Local days on which nothing opens: holidays, or absences of a person.

    Raises
    ------
    MaintenanceError
        A line cannot be read, or there is no such time zone.

    Notes
    -----
    Local times are read with `fold=0` (PEP 495): where the clock is set back, the first of the two; where it is set
    forward, a time that does not exist means as much later as the clock is moved. So a night shift over the change
    is an hour longer or shorter, and a shift that begins when another ends leaves no gap and no overlap.

    Examples
    --------
    >>> WorkingCalendar(("Mon-Fri 08:00-17:00", "Sat 10:00-14:00")).weekly_hours
    49.0
    """

    lines: tuple[str, ...] = DEFAULT_HOURS
    timezone: str = "UTC"
    closed: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        lines: object = self.lines  # callers without types may hand a string, each letter of which would be a line
        if isinstance(lines, str):
            raise MaintenanceError(f"Hours must be a list of lines, not {self.lines!r}.", _HINT)
        object.__setattr__(self, "lines", tuple(self.lines))
        object.__setattr__(self, "closed", tuple(sorted(self.closed)))
        _shifts(self.lines)
        _zone(self.timezone)

    @property
    def weekly_hours(self) -> float:
        """Return the hours of a week without closed days and clock changes; overlapping lines count once."""
        monday = datetime(2024, 1, 1, tzinfo=UTC)
        plain = WorkingCalendar(self.lines).windows(monday - timedelta(days=7), monday + timedelta(days=14))
        week = Window(monday, monday + timedelta(days=7))
        return sum(window.hours for window in intersect(plain, (week,)))

    def windows(self, start: datetime, end: datetime) -> tuple[Window, ...]:
        """Return the open windows between two times.

        Parameters
        ----------
        start, end : datetime
            Period, aware; windows are cut off at its bounds.

        Returns
        -------
        tuple of Window
            Windows in order, which do not overlap.
        """
        zone = _zone(self.timezone)
        span = Window(start, end)
        closed = set(self.closed)
        day = (start.astimezone(zone) - timedelta(days=1)).date()  # a night shift of the day before may reach in
        last = end.astimezone(zone).date()
        shifts = _shifts(self.lines)
        open_windows = []
        while day <= last:
            if day not in closed:
                for opens, closes in shifts[day.weekday()]:
                    next_day = day + timedelta(days=closes <= opens)
                    begin = datetime.combine(day, opens, zone).astimezone(UTC)
                    finish = datetime.combine(next_day, closes, zone).astimezone(UTC)
                    if finish > begin:
                        open_windows.append(Window(begin, finish))
            day += timedelta(days=1)
        return intersect(merge(open_windows), (span,))

    def is_open(self, at: datetime) -> bool:
        """Return whether an aware time lies in the calendar's hours."""
        return bool(self.windows(at, at + timedelta(microseconds=1)))


def merge(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Return windows sorted and disjoint: those that overlap or touch are joined."""
    joined: list[Window] = []
    for window in sorted(windows):
        if joined and window.start <= joined[-1].end:
            if window.end > joined[-1].end:
                joined[-1] = Window(joined[-1].start, window.end)
        else:
            joined.append(window)
    return tuple(joined)


def intersect(left: Sequence[Window], right: Sequence[Window]) -> tuple[Window, ...]:
    """Return the time that lies in both; each must be sorted and disjoint, as `merge` returns it."""
    common = []
    i = 0
    j = 0
    while i < len(left) and j < len(right):
        start = max(left[i].start, right[j].start)
        end = min(left[i].end, right[j].end)
        if start < end:
            common.append(Window(start, end))
        if left[i].end <= right[j].end:
            i += 1
        else:
            j += 1
    return tuple(common)


def subtract(windows: Sequence[Window], taken: Sequence[Window]) -> tuple[Window, ...]:
    """Return the time of `windows` that lies in none of `taken`; each must be sorted and disjoint."""
    remaining: list[Window] = []
    for window in windows:
        start = window.start
        for busy in taken:
            if busy.end <= start:
                continue
            if busy.start >= window.end:
                break
            if busy.start > start:
                remaining.append(Window(start, busy.start))
            start = busy.end
        if start < window.end:
            remaining.append(Window(start, window.end))
    return tuple(remaining)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise MaintenanceError(
            f"There is no time zone {name!r}.", "Use an IANA name, for example Europe/Berlin."
        ) from None


@lru_cache(maxsize=256)
def _shifts(lines: tuple[str, ...]) -> tuple[tuple[tuple[time, time], ...], ...]:
    days: list[list[tuple[time, time]]] = [[] for _ in _DAYS]
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise MaintenanceError(f"The hours {line!r} cannot be read.", _HINT)
        shift = (_clock(match["opens"], line), _clock(match["closes"], line))
        if shift[0] == shift[1] and match["opens"] == match["closes"] != "00:00":
            raise MaintenanceError(f"The hours {line!r} close when they open.", _HINT)
        for weekday in _weekdays(match["days"], line):  # what opens at 24:00 opens on the next day
            days[(weekday + (match["opens"] == "24:00")) % 7].append(shift)
    return tuple(tuple(day) for day in days)


def _clock(text: str, line: str) -> time:
    hour, minute = (int(part) for part in text.split(":"))
    if (hour, minute) == (24, 0):
        return time(0)
    if hour > 23 or minute > 59:
        raise MaintenanceError(f"The hours {line!r} contain {text}, which is not a time of day.", _HINT)
    return time(hour, minute)


def _weekdays(text: str, line: str) -> set[int]:
    weekdays: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise MaintenanceError(f"The hours {line!r} contain {part!r}, which is not a day of the week.", _HINT)
        begin, finish = _DAYS.index(first), _DAYS.index(last or first)
        weekdays.update((begin + step) % 7 for step in range((finish - begin) % 7 + 1))
    return weekdays
