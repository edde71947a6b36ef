"""Technicians: what they can do, what their hour costs, and when they work."""

from collections.abc import Iterable
from datetime import date

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.database import Database
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import OrderRow, TechnicianRow
from workbench.maintenance.schedule.model import Technician
from workbench.maintenance.values import MOST_RATE, finite, words
from workbench.maintenance.windows import WorkingCalendar

__all__ = ["People", "able_technicians", "find_technician"]

_ALWAYS = ("Mon-Sun 00:00-24:00",)


class People:
    """The technicians.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def list(self) -> pd.DataFrame:
        """List the technicians.

        Returns
        -------
        pandas.DataFrame
            name, skills (comma-separated), rate, weekly_hours (NaN: all maintenance windows), orders (open ones
            assigned), hours (estimated, of these), active.
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
                )
                for row in db.scalars(sa.select(TechnicianRow).order_by(TechnicianRow.name))
            ]
        columns = ["name", "skills", "rate", "weekly_hours", "orders", "hours", "active"]
        return pd.DataFrame(rows, columns=columns)

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
        """Add a technician, or change what is given of one.

        Parameters
        ----------
        name, who : str
        skills : iterable of str, optional
        rate : float, optional
            Cost of an hour.
        hours : iterable of str, optional
            When they work, as `Mon-Fri 08:00-17:00`; in all maintenance windows where there are none.
        timezone : str, optional
            IANA zone of the hours.
        closed : iterable of date, optional
            Days off.
        active : bool, optional
            Whether they take new orders.

        Raises
        ------
        MaintenanceError
            The rate is negative, or the hours cannot be read.
        """
        name = words("the name of a technician", name)
        with self.database.writing() as db:
            row = db.get(TechnicianRow, name)
            if row is None:
                row = TechnicianRow(name=name, skills=[], rate=0.0, hours=[], timezone="UTC", closed=[], active=True)
                db.add(row)
            changed: dict[str, object] = {}
            if skills is not None:
                changed["skills"] = sorted({skill.strip() for skill in skills if skill.strip()})
            if rate is not None:
                changed["rate"] = finite("the rate", rate, MOST_RATE)
            if hours is not None:
                changed["hours"] = list(hours)
            if timezone is not None:
                changed["timezone"] = timezone
            if closed is not None:
                changed["closed"] = sorted(day.isoformat() for day in closed)
            if active is not None:
                changed["active"] = active
            for key, value in changed.items():
                setattr(row, key, value)
            _calendar(row)
            log.append(db, f"technician:{name}", "set", who, changed)

    def technicians(self) -> tuple[Technician, ...]:
        """Give the active technicians as the schedule takes them."""
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


def find_technician(db: orm.Session, name: str) -> TechnicianRow:
    """Give the row of a technician.

    Raises
    ------
    MaintenanceError
        There is none of this name.
    """
    row = db.get(TechnicianRow, name.strip())
    if row is None:
        known = ", ".join(db.scalars(sa.select(TechnicianRow.name).order_by(TechnicianRow.name).limit(20)))
        raise MaintenanceError(
            f"There is no technician {name!r}.", f"Known: {known or 'none; add one: workbench people set NAME'}."
        )
    return row


def _works(row: TechnicianRow) -> WorkingCalendar | None:
    """When somebody works inside the maintenance windows; None for all of these."""
    return _calendar(row) if row.hours or row.closed else None


def _calendar(row: TechnicianRow) -> WorkingCalendar:
    return WorkingCalendar(
        tuple(row.hours) or _ALWAYS, row.timezone, tuple(date.fromisoformat(day) for day in row.closed)
    )
