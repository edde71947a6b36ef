"""Technicians: their skills, hourly rates and working hours."""

from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.database import Database
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import OrderRow, TechnicianRow
from workbench.maintenance.schedule.model import Technician
from workbench.maintenance.values import MAX_HOURLY_RATE, near_name, number_in_range, required_text
from workbench.maintenance.windows import WorkingCalendar

__all__ = ["People", "able_technicians", "absence_days", "day_ranges", "find_technician", "working_calendar"]

_ALWAYS = ("Mon-Sun 00:00-24:00",)
_MAX_ABSENCE_DAYS = 366


class People:
    """List of the technicians who do work orders.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def list(self) -> pd.DataFrame:
        """Return the technicians with their load.

        Returns
        -------
        pandas.DataFrame
            name, skills (comma-separated), rate, weekly_hours (NaN: all maintenance windows), orders (open ones
            assigned), hours (estimated, of these), active, shifts (as "Mon-Fri 08:00-17:00; Sat 08:00-12:00"),
            timezone, absent (days, as `day_ranges` writes them).
        """
        load = (
            sa.select(OrderRow.assignee, sa.func.count(), sa.func.sum(OrderRow.estimated_hours))
            .where(OrderRow.state.not_in(CLOSED), OrderRow.assignee.is_not(None))
            .group_by(OrderRow.assignee)
        )
        with self.database.reading() as db:
            busy = {name: (orders, hours) for name, orders, hours in db.execute(load)}
            rows = [
                (
                    row.name,
                    ", ".join(row.skills),
                    row.rate,
                    _calendar(row).weekly_hours if row.hours else float("nan"),
                    *busy.get(row.name, (0, 0.0)),
                    row.active,
                    "; ".join(row.hours),
                    row.timezone,
                    day_ranges(date.fromisoformat(day) for day in row.closed),
                )
                for row in db.scalars(sa.select(TechnicianRow).order_by(TechnicianRow.name))
            ]
        columns = ["name", "skills", "rate", "weekly_hours", "orders", "hours", "active"]
        columns += ["shifts", "timezone", "absent"]
        return pd.DataFrame(rows, columns=columns)

    def near_name(self, name: str) -> str:
        """Return the technician whose name a new one may be a slip of, or an empty text; see `values.near_name`."""
        with self.database.reading() as db:
            return near_name(name, db.scalars(sa.select(TechnicianRow.name)).all())

    def set(
        self,
        name: str,
        who: str,
        *,
        skills: Iterable[str] | None = None,
        rate: float | None = None,
        hours: Iterable[str] | None = None,
        timezone: str | None = None,
        closed: Iterable[date] | None = None,
        active: bool | None = None,
    ) -> None:
        """Add a technician, or change one; what is omitted stays.

        Parameters
        ----------
        name : str
            Name of the technician.
        who : str
            Person or program that does it, for the log.
        skills : iterable of str, optional
            All skills of the technician; they replace the earlier ones.
        rate : float, optional
            Hourly rate.
        hours : iterable of str, optional
            When they work, as `Mon-Fri 08:00-17:00`; in all maintenance windows where there are none.
        timezone : str, optional
            IANA zone of the hours.
        closed : iterable of date, optional
            Days on which they are absent.
        active : bool, optional
            Whether they take new orders.

        Raises
        ------
        MaintenanceError
            The rate is negative, or the hours cannot be read.
        """
        name = required_text("the name of a technician", name)
        with self.database.writing() as db:
            row = db.get(TechnicianRow, name)
            if row is None:
                row = TechnicianRow(name=name, skills=[], rate=0.0, hours=[], timezone="UTC", closed=[], active=True)
                db.add(row)
            changes: dict[str, object] = {}
            if skills is not None:
                changes["skills"] = sorted({skill.strip() for skill in skills if skill.strip()})
            if rate is not None:
                changes["rate"] = number_in_range("the rate", rate, MAX_HOURLY_RATE)
            if hours is not None:
                changes["hours"] = list(hours)
            if timezone is not None:
                changes["timezone"] = timezone
            if closed is not None:
                changes["closed"] = sorted(day.isoformat() for day in closed)
            if active is not None:
                changes["active"] = active
            for key, value in changes.items():
                setattr(row, key, value)
            _calendar(row)
            log.append(db, f"technician:{name}", "set", who, changes)

    def technicians(self) -> tuple[Technician, ...]:
        """Return the active technicians, as the schedule needs them."""
        with self.database.reading() as db:
            rows = db.scalars(sa.select(TechnicianRow).where(TechnicianRow.active).order_by(TechnicianRow.name))
            return tuple(Technician(row.name, frozenset(row.skills), row.rate, _works(row)) for row in rows)


def able_technicians(people: pd.DataFrame, skills: Iterable[str]) -> list[str]:
    """Return the names of the active technicians who have all of some skills.

    Parameters
    ----------
    people : pandas.DataFrame
        Technicians, as `People.list` returns them: name, skills (comma-separated), active.
    skills : iterable of str
        Skills that are needed.

    Examples
    --------
    >>> people = pd.DataFrame({"name": ["Ann", "Ben"], "skills": ["optics, rf", ""], "active": True})
    >>> able_technicians(people, ["rf"]), able_technicians(people, [])
    (['Ann'], ['Ann', 'Ben'])
    """
    needed = set(skills)
    rows = people[people["active"]].to_dict(orient="records")
    return [row["name"] for row in rows if needed <= set(row["skills"].split(", "))]


def absence_days(texts: Iterable[str]) -> list[date]:
    """Return the days of absence that are written as days or as ranges of days.

    Raises
    ------
    MaintenanceError
        A text is neither; the message says how both are written.

    Examples
    --------
    >>> [day.day for day in absence_days(["2026-03-02..2026-03-04", "2026-03-09"])]
    [2, 3, 4, 9]
    """
    days: list[date] = []
    for text in texts:
        first, dots, last = (one.strip() for one in text.partition(".."))
        try:
            begin, end = date.fromisoformat(first), date.fromisoformat(last if dots else first)
        except ValueError:
            raise MaintenanceError(
                f"{text!r} is not a day of absence.", "Write it as 2026-03-02, or 2026-03-02..2026-03-06."
            ) from None
        count = (end - begin).days + 1
        if not 1 <= count <= _MAX_ABSENCE_DAYS:
            raise MaintenanceError(
                f"{text!r} is not a range of days.", "Write the first day, two dots and a later one, within a year."
            )
        days += [begin + timedelta(days=number) for number in range(count)]
    return days


def day_ranges(days: Iterable[date]) -> str:
    """Return days as ranges, which `absence_days` reads.

    Examples
    --------
    >>> day_ranges(date(2026, 3, day) for day in (9, 2, 3, 4))
    '2026-03-02..2026-03-04; 2026-03-09'
    """
    ranges: list[list[date]] = []
    for day in sorted(set(days)):
        if ranges and day - ranges[-1][-1] == timedelta(days=1):
            ranges[-1].append(day)
        else:
            ranges.append([day])
    return "; ".join(f"{one[0]}..{one[-1]}" if len(one) > 1 else f"{one[0]}" for one in ranges)


def find_technician(db: orm.Session, name: str) -> TechnicianRow:
    """Return the row of a technician.

    Raises
    ------
    MaintenanceError
        There is no technician of this name.
    """
    row = db.get(TechnicianRow, name.strip())
    if row is None:
        valid_names = ", ".join(db.scalars(sa.select(TechnicianRow.name).order_by(TechnicianRow.name).limit(20)))
        raise MaintenanceError(
            f"There is no technician {name!r}.", f"Known: {valid_names or 'none; add one: workbench people set NAME'}."
        )
    return row


def _works(row: TechnicianRow) -> WorkingCalendar | None:
    """Return when a technician works inside the maintenance windows; None for all of these."""
    return _calendar(row) if row.hours or row.closed else None


def _calendar(row: TechnicianRow) -> WorkingCalendar:
    return working_calendar(row.hours, row.timezone, row.closed)


def working_calendar(hours: Iterable[str], timezone: str, closed: Iterable[str]) -> WorkingCalendar:
    """Return the calendar of a technician as it is stored: always where there are no hours."""
    return WorkingCalendar(tuple(hours) or _ALWAYS, timezone, tuple(date.fromisoformat(day) for day in closed))
