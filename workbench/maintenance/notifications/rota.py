"""The on-call rota: who is on call when, from the settings or from an ICS calendar file."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from workbench.exceptions import MaintenanceError
from workbench.maintenance.options import NotificationOptions

__all__ = ["Rota", "Shift", "read_rota"]

_LOOK_AHEAD = timedelta(days=366)
_CHECKED = timedelta(days=28)
_MAX_SHIFT = timedelta(days=366)
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_REPEATS = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_MAX_CALENDAR_BYTES = 8 * 2**20


@dataclass(frozen=True, order=True)
class Shift:
    """One time for which a person is on call.

    Attributes
    ----------
    start, end : datetime
        First moment, and the first one after it, UTC.
    who : str
        Name of the person.
    """

    start: datetime
    end: datetime
    who: str


class Rota:
    """Shifts of the people who are on call.

    Parameters
    ----------
    shifts : sequence of Shift
        Single shifts.
    events : sequence of event of a calendar
        Shifts that a calendar holds, some of which repeat.
    people : mapping of str to str
        Names of the people by their names in small letters.
    zone : tzinfo
        Zone of the times of a calendar that have none, and of what is shown.
    """

    def __init__(
        self, shifts: Sequence[Shift], events: Sequence[Any], people: Mapping[str, str], zone: tzinfo = UTC
    ) -> None:
        self._single = tuple(shifts)
        self._events = tuple(events)
        self._people = people
        self._zone = zone

    def shifts(self, start: datetime, end: datetime) -> list[Shift]:
        """Return the shifts that have a moment in a period, by their beginning.

        Parameters
        ----------
        start, end : datetime
            The period, aware; `end` is exclusive.
        """
        moved = {(str(event.get("UID")), _utc(event["RECURRENCE-ID"].dt, self._zone)) for event in self._moved()}
        from_calendar = [shift for event in self._events for shift in self._expand(event, start, end, moved)]
        return sorted(one for one in (*self._single, *from_calendar) if one.start < end and one.end > start)

    def at(self, moment: datetime) -> str | None:
        """Return who is on call; of shifts that overlap the one that begins last, None in a gap."""
        shifts = self.shifts(moment, moment + _INSTANT)
        return shifts[-1].who if shifts else None

    def following(self, moment: datetime, told: Collection[str]) -> str | None:
        """Return the first person on call now or later, within a year, who is not one of those told already."""
        present = self.at(moment)
        ahead = [shift.who for shift in self.shifts(moment, moment + _LOOK_AHEAD)]
        return next((who for who in (present, *ahead) if who is not None and who not in told), None)

    def strangers(self) -> list[str]:
        """Return the titles of events of the calendar that are the name of nobody who has an address."""
        titles = [_title(event) for event in self._events]
        return sorted({title for title in titles if title.casefold() not in self._people})

    def faults(self, present: datetime) -> list[str]:
        """Return the gaps and overlaps of the next four weeks, each as a sentence.

        Parameters
        ----------
        present : datetime
            Present time, aware.
        """
        until = present + _CHECKED
        shifts = self.shifts(present, until)
        sentences = []
        covered_until = present
        for shift in shifts:
            if shift.start > covered_until:
                sentences.append(f"Nobody is on call from {self._text(covered_until)} to {self._text(shift.start)}.")
            covered_until = max(covered_until, shift.end)
        if covered_until < until:
            sentences.append(f"Nobody is on call from {self._text(covered_until)} on.")
        for place, first in enumerate(shifts):
            for second in shifts[place + 1 :]:
                if second.start >= first.end:
                    break
                if second.who != first.who:
                    span = f"from {self._text(second.start)} to {self._text(min(first.end, second.end))}"
                    sentences.append(f"{first.who} and {second.who} are both on call {span}; {second.who} is told.")
        return sentences

    def _text(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._zone):%Y-%m-%d %H:%M %Z}"

    def _moved(self) -> Iterator[Any]:
        return (event for event in self._events if "RECURRENCE-ID" in event)

    def _expand(
        self, event: Any, start: datetime, end: datetime, moved: Collection[tuple[str, datetime]]
    ) -> Iterator[Shift]:
        """Yield the shifts of one event that may have a moment in a period."""
        who = self._people.get(_title(event).casefold())
        if who is None or str(event.get("STATUS", "")).upper() == "CANCELLED":
            return
        first, length = _span(event, self._zone)
        alone = "RECURRENCE-ID" in event
        for begin in [first] if alone else _beginnings(event, first, start - length - _DAY, end, self._zone):
            key = (str(event.get("UID")), begin.astimezone(UTC))
            if alone or key not in moved:
                last = begin + length if length >= _DAY else begin.astimezone(UTC) + length
                yield Shift(begin.astimezone(UTC), last.astimezone(UTC), who)


def read_rota(options: NotificationOptions) -> Rota | None:
    """Read the rota of the settings; None where they have none.

    Parameters
    ----------
    options : NotificationOptions
        Options with the rota, and the addresses of people.

    Raises
    ------
    MaintenanceError
        The calendar file cannot be read, or an event in it is no shift.
    """
    on_call, zone = options.on_call, ZoneInfo(options.timezone)
    people = {name.casefold(): name for name in options.people}
    if on_call.calendar is not None:
        return Rota((), _events(on_call.calendar, zone), people, zone)
    if not on_call.shifts:
        return None
    shifts = [Shift(_utc(one.since, zone), _utc(one.until, zone), one.who) for one in on_call.shifts]
    return Rota(shifts, (), people, zone)


def _events(path: Path, zone: tzinfo) -> list[Any]:
    from icalendar import Calendar

    try:
        if path.stat().st_size > _MAX_CALENDAR_BYTES:
            raise MaintenanceError(f"The on-call calendar {path} is larger than 8 MiB.", "Export the rota alone.")
        calendars = Calendar.from_ical(path.read_bytes(), multiple=True)
    except OSError as error:
        raise MaintenanceError(
            f"The on-call calendar {path} cannot be read: {error.strerror}.",
            "Correct notifications.on_call.calendar, or restore the file.",
        ) from None
    except (ValueError, IndexError, KeyError) as error:
        raise MaintenanceError(
            f"The on-call calendar {path} is not an ICS file: {error}.", "Export the rota as iCalendar (.ics)."
        ) from None
    events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    if not events:
        raise MaintenanceError(f"The on-call calendar {path} holds no event.", "Each shift is an event.")
    for event in events:
        _check(event, path, zone)
    return events


def _check(event: Any, path: Path, zone: tzinfo) -> None:
    """Refuse an event that is no shift: its times cannot be read, or it repeats in a way that no rota does."""
    name = f"event {_title(event)!r} of the on-call calendar {path}"
    rule = event.get("RRULE")
    if rule is not None and str(rule.get("FREQ", [""])[0]).upper() not in _REPEATS:
        raise MaintenanceError(f"The {name} repeats more often than daily.", "Use a rule of days, weeks or months.")
    try:
        first, length = _span(event, zone)
        list(_beginnings(event, first, first, first + timedelta(days=2), zone))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise MaintenanceError(f"The times of {name} cannot be read: {error}.", "Correct the event.") from None
    if not timedelta() < length <= _MAX_SHIFT:
        raise MaintenanceError(f"The {name} does not end after it begins.", "Correct the event.")


def _title(event: Any) -> str:
    return str(event.get("SUMMARY", "")).strip()


def _span(event: Any, zone: tzinfo) -> tuple[datetime, timedelta]:
    """Return when an event begins, and how long it lasts in hours, or in days of the calendar where it is that long."""
    begin = event["DTSTART"].dt
    start = _aware(begin, zone)
    if "DTEND" in event:
        end = _aware(event["DTEND"].dt, zone)
        days = end.replace(tzinfo=None) - start.replace(tzinfo=None)
        return start, days if days >= _DAY else end.astimezone(UTC) - start.astimezone(UTC)
    if "DURATION" in event:
        return start, event["DURATION"].dt
    return start, timedelta() if isinstance(begin, datetime) else _DAY


def _beginnings(event: Any, first: datetime, start: datetime, end: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Yield the beginnings of an event, and of its repetitions, between two times: at the same local time each."""
    excluded = {_utc(one, zone) for one in _dates(event, "EXDATE")}
    added = [_aware(one, zone) for one in _dates(event, "RDATE")]
    rule = event.get("RRULE")
    repeated: Sequence[datetime] = [first]
    if rule is not None:
        from dateutil.rrule import rrulestr

        text = rule.to_ical().decode()
        until = rule.get("UNTIL")
        if until:  # dateutil takes none but UTC here; calendars also write dates and local times
            last = until[0]
            last = last if isinstance(last, datetime) else datetime.combine(last, time(23, 59, 59))
            stamp = f"{_utc(last, zone):%Y%m%dT%H%M%SZ}"
            text = ";".join(f"UNTIL={stamp}" if one.startswith("UNTIL=") else one for one in text.split(";"))
        repeated = rrulestr(text, dtstart=first).between(start, end, inc=True)
    for begin in sorted({*repeated, *added}):
        if begin.astimezone(UTC) not in excluded:
            yield begin


def _dates(event: Any, name: str) -> list[Any]:
    found = event.get(name, [])
    return [one.dt for group in (found if isinstance(found, list) else [found]) for one in group.dts]


def _aware(value: date | datetime, zone: tzinfo) -> datetime:
    """Return a date, or a time that may have no zone, as an aware time."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), zone)
    return value.replace(tzinfo=zone) if value.tzinfo is None else value


def _utc(value: date | datetime, zone: tzinfo) -> datetime:
    return _aware(value, zone).astimezone(UTC)
