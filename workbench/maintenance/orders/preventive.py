"""Preventive plans: the same work order again and again, by calendar, by meter or by health index."""

import logging
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.alerts.actions import PROGRAM
from workbench.maintenance.database import Database, frame, now
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders.checklists import from_json
from workbench.maintenance.orders.location import Location
from workbench.maintenance.orders.parts import find_part
from workbench.maintenance.orders.repetition import Repetition, day_rule, season_months
from workbench.maintenance.orders.states import CLOSED, check_type
from workbench.maintenance.orders.table import MeterRow, MissedDatesRow, OrderRow, PreventiveRow, number_of
from workbench.maintenance.values import (
    LAST_TIME,
    MAX_METER_READING,
    MAX_ORDER_HOURS,
    MAX_PERIOD_DAYS,
    MAX_WAIT_DAYS,
    MIN_INTERVAL_DAYS,
    MIN_METER_INTERVAL,
    known_asset,
    near_name,
    number_in_range,
    required_text,
    row_number,
    time_in_range,
    whole_number,
)

__all__ = ["ANCHORS", "HEALTH_METER", "MAX_HEALTH", "Preventive", "Register", "closed"]

ANCHORS = ("scheduled", "completed")
"""Start of the next interval: the date that was scheduled, or the time when the work was done."""

HEALTH_METER = "health"
"""Meter of an asset that holds its health index, 0 to 100; the program reads it for plans that ask for it."""

_LOG = logging.getLogger(__name__)

_CONTENT = ("hours", "skills", "checklist", "parts", "description", "type")
MAX_HEALTH = 100.0
"""Highest health index."""

_MIN_SEASON_DAYS = 1.0


class Register(Protocol):
    """What preventive plans ask of the asset register."""

    def location(self, name: str) -> Location:
        """Return where work stands that a person opens on a name."""

    def asset_names(self) -> tuple[str, ...]:
        """Return the names of the assets that meters belong to."""

    def criticality(self, asset: str) -> int | None:
        """Return the criticality of an asset; None where nobody has said."""


class Preventive:
    """List of the preventive plans, which open work orders by themselves.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    options : OrderOptions
        What the orders of plans begin with; the defaults where omitted.
    register : Register, optional
        The asset register; any name is taken where it is omitted.
    timezone : str
        IANA zone of days as "first Monday".
    """

    def __init__(
        self,
        database: Database,
        options: OrderOptions | None = None,
        register: Register | None = None,
        timezone: str = "UTC",
    ) -> None:
        self.database = database
        self.options = options or OrderOptions()
        self._register = register
        self._timezone = timezone
        self._without_asset: set[int] = set()

    def list(self) -> pd.DataFrame:
        """Return the preventive plans, the oldest first.

        Returns
        -------
        pandas.DataFrame
            id, title, asset, subsystem, every_days, calendar (as "first Monday"), season, meter, every, below, anchor,
            lead_days, next_due, next_reading, active.
        """
        names = ("id", "title", "asset", "subsystem", "every_days", "calendar", "season", "meter", "every", "below")
        more = ("anchor", "lead_days", "next_due", "next_reading", "active")
        with self.database.reading() as db:
            columns = [getattr(PreventiveRow, name) for name in (*names, *more)]
            return frame(db, sa.select(*columns).order_by(PreventiveRow.id))

    def content(self, plan: int) -> dict[str, Any]:
        """Return what the orders of a plan begin with: hours, skills, checklist, parts, description, type.

        Raises
        ------
        MaintenanceError
            There is no such plan.
        """
        with self.database.reading() as db:
            return dict(_find(db, plan).content)

    def meters(self) -> pd.DataFrame:
        """Return the last readings of all meters: asset, meter, value, read_at."""
        columns: tuple[Any, ...] = (MeterRow.asset, MeterRow.name.label("meter"), MeterRow.value, MeterRow.read_at)
        with self.database.reading() as db:
            return frame(db, sa.select(*columns).order_by(MeterRow.asset, MeterRow.name))

    def add(
        self,
        title: str,
        asset: str,
        who: str,
        *,
        subsystem: str = "",
        every_days: float | None = None,
        calendar: str = "",
        season: str = "",
        meter: str = "",
        every: float | None = None,
        below: float | None = None,
        anchor: str = "scheduled",
        first: datetime | None = None,
        lead_days: float = 7.0,
        **content: Any,
    ) -> int:
        """Add a preventive plan, and return its number.

        Parameters
        ----------
        title : str
            Title of each order.
        asset : str
            Name of the asset, or of a subsystem or component in the register.
        who : str
            Person or program that does it, for the log.
        subsystem : str
            Subsystem of the asset; may be empty.
        every_days : float, optional
            Days between two orders.
        calendar : str
            Day of each month, as "first Monday" or "day 15", at whose end the work is due.
        season : str
            Months in which dates lie, as "Apr-Sep"; all where empty. For `every_days` and `calendar`.
        meter : str
            Name of a meter of the asset, for `every` and `below`.
        every : float, optional
            Units of the meter between two orders.
        below : float, optional
            An order opens when the meter, as a health index, falls below this.
        anchor : str
            Start of the next interval, of `ANCHORS`.
        first : datetime, optional
            First due date, aware, or for `calendar` the time from which dates count; one interval from now where
            omitted. Where it has passed, the next date is the first: those before the plan was added are nobody's.
        lead_days : float
            Days before its due date at which an order opens.
        **content
            Content of the orders: hours, skills, checklist, parts, description, type.

        Returns
        -------
        int
            Number of the plan.

        Raises
        ------
        MaintenanceError
            Not exactly one of `every_days`, `calendar`, `every` and `below`, a number outside its range, an unknown
            asset, part or content, or a day or season that cannot be read.
        """
        place = self._location(asset)
        rules = [value for value in (every_days, calendar.strip() or None, every, below) if value is not None]
        if len(rules) != 1:
            raise MaintenanceError(
                f"A plan needs exactly one rule, and {len(rules)} were passed.",
                "Pass one of every_days, calendar, every and below (--every-days, --calendar, --every, --below).",
            )
        calendar = day_rule(calendar) if calendar.strip() else ""
        if season.strip():
            season_months(season)
            if not calendar and (every_days is None or every_days < _MIN_SEASON_DAYS):
                raise MaintenanceError(
                    "A season is for plans by days or by a day of the month.", "Leave the season out, or pass calendar."
                )
        if every_days is not None:
            number_in_range("an interval of days", every_days, MAX_PERIOD_DAYS, least=MIN_INTERVAL_DAYS)
        if every is not None:
            number_in_range("an interval of the meter", every, MAX_METER_READING, least=MIN_METER_INTERVAL)
        if below is not None:
            most = MAX_HEALTH if meter == HEALTH_METER else MAX_METER_READING
            number_in_range("the limit of the meter", below, most, above=True)
        if first is not None:
            time_in_range("the first due date", first)
        content = {name: value for name, value in content.items() if value is not None}
        _check_content(content)
        if (every is not None or below is not None) != bool(meter):
            raise MaintenanceError(
                "A plan by every or below needs a meter, a plan by every_days or calendar has none.",
                "Pass meter (--meter) with every or below only.",
            )
        if anchor not in ANCHORS:
            raise MaintenanceError(f"{anchor!r} is not an anchor.", f"Known: {', '.join(ANCHORS)}.")
        if place.component:
            content["component"] = place.component
        repetition = Repetition(every_days, calendar, season, self._timezone)
        with self.database.writing() as db:
            for name in content.get("parts") or {}:
                find_part(db, name)
            reading = db.get(MeterRow, (place.asset, meter)) if meter else None
            row = PreventiveRow(
                title=required_text("the title", title),
                asset=place.asset,
                subsystem=subsystem or place.subsystem,
                every_days=every_days,
                calendar=calendar,
                season=season.strip(),
                timezone=self._timezone,
                meter=meter,
                every=every,
                below=below,
                anchor=anchor,
                lead_days=number_in_range("lead_days", lead_days, MAX_WAIT_DAYS),
                next_due=_first_due(repetition, first, now(db)) if every_days or calendar else None,
                next_reading=(reading.value if reading else 0.0) + every if every else None,
                content=content,
                active=True,
            )
            db.add(row)
            db.flush()
            log.append(db, f"preventive:{row.id}", "added", who, {"title": title, "asset": row.asset})
            return row.id

    def stop(self, plan: int, who: str) -> None:
        """Stop a plan: it opens no more orders."""
        with self.database.writing() as db:
            row = _find(db, plan)
            row.active = False
            log.append(db, f"preventive:{row.id}", "stopped", who)

    def near_meter(self, asset: str, meter: str) -> str:
        """Return the meter of an asset whose name a new one may be a slip of, or an empty text."""
        of_plans = sa.select(PreventiveRow.meter).where(PreventiveRow.asset == asset, PreventiveRow.meter != "")
        with self.database.reading() as db:
            read = db.scalars(sa.select(MeterRow.name).where(MeterRow.asset == asset)).all()
            return near_name(meter, {*read, *db.scalars(of_plans)})

    def earlier_reading(self, asset: str, meter: str) -> float | None:
        """Return the last reading of a meter; None where there is none, or where a plan waits for a low one."""
        falls = sa.select(PreventiveRow.id).where(PreventiveRow.asset == asset, PreventiveRow.meter == meter)
        with self.database.reading() as db:
            row = db.get(MeterRow, (asset, meter))
            may_fall = db.scalars(falls.where(PreventiveRow.below.is_not(None)).limit(1)).first() is not None
            return None if row is None or may_fall else row.value

    def read_meter(self, asset: str, meter: str, value: float, who: str) -> None:
        """Record a reading of a meter.

        Raises
        ------
        MaintenanceError
            The value is negative, too large or not finite, or the asset is unknown.
        """
        asset = known_asset(asset, self._register.asset_names if self._register else None)
        meter = required_text("the name of the meter", meter)
        with self.database.writing() as db:
            row = db.get(MeterRow, (asset, meter)) or MeterRow(asset=asset, name=meter)
            row.value = number_in_range(f"the reading of {meter}", value, MAX_METER_READING)
            row.read_at = now(db)
            db.add(row)
            subject = f"meter:{asset}/{meter}"[:40]  # the column holds 40 characters
            log.append(db, subject, "read", who, {"value": value})

    def health_assets(self) -> tuple[str, ...]:
        """Return the assets whose health index active plans ask for; see `HEALTH_METER`."""
        asked = sa.select(PreventiveRow.asset).where(PreventiveRow.active, PreventiveRow.meter == HEALTH_METER)
        with self.database.reading() as db:
            return tuple(db.scalars(asked.where(PreventiveRow.below.is_not(None)).distinct()))

    def record_health(self, health: Mapping[str, float], who: str) -> None:
        """Record the health index of assets where it is another than at its last reading.

        Parameters
        ----------
        health : mapping of str to float
            Health index of each asset, 0 to 100; NaN where nothing is scored.
        who : str
            Person or program that does it, for the log.
        """
        with self.database.reading() as db:
            before = {asset: db.get(MeterRow, (asset, HEALTH_METER)) for asset in health}
        for asset, value in health.items():
            row = before[asset]
            rounded = round(value, 1) if not math.isnan(value) else None
            if rounded is not None and (row is None or row.value != rounded):
                self.read_meter(asset, HEALTH_METER, rounded, who)

    def open_due(self, who: str) -> tuple[str, ...]:
        """Open one order for each plan that is due and has no open order, however often this is called.

        A plan of an asset that is retired opens none.

        Returns
        -------
        tuple of str
            Numbers of the new orders.
        """
        from workbench.maintenance.orders.opening import new_order

        active = sa.select(PreventiveRow).where(PreventiveRow.active).order_by(PreventiveRow.id)
        present = self.database.clock()
        with self.database.reading() as db:
            plans = [plan for plan in db.scalars(active).all() if _opens(db, plan, present)]
        due = [plan.id for plan in plans if self._takes_work(plan)]
        if not due:  # seldom is one, and this is asked again and again
            return ()
        opened = []
        with self.database.writing() as db:
            for plan in db.scalars(active.where(PreventiveRow.id.in_(due))).all():
                if not _opens(db, plan, now(db)):
                    continue
                content = {"type": "preventive", **plan.content}
                try:
                    with db.begin_nested():
                        order = new_order(
                            db,
                            self.options,
                            who,
                            asset=plan.asset,
                            subsystem=plan.subsystem,
                            title=plan.title,
                            due=plan.next_due,
                            preventive=plan.id,
                            criticality=self._register.criticality(plan.asset) if self._register else None,
                            **content,
                        )
                except MaintenanceError as error:  # one that cannot be opened must not keep the others from it
                    _LOG.warning("Preventive plan %s opens no order: %s Stop it, and add it anew.", plan.id, error)
                    continue
                if plan.anchor == "scheduled":
                    _advance(db, plan, from_schedule=True)
                opened.append(number_of(order.id))
        return tuple(opened)

    def _takes_work(self, plan: PreventiveRow) -> bool:
        """Return whether the asset of a plan is registered and not retired; say so once where it is not."""
        names = (plan.asset, plan.content.get("component") and plan.subsystem, plan.content.get("component"))
        try:
            self._location("/".join(filter(None, names)))
        except MaintenanceError as error:
            if plan.id not in self._without_asset:
                _LOG.warning("Preventive plan %s opens no order: %s", plan.id, error)
            self._without_asset.add(plan.id)
            return False
        self._without_asset.discard(plan.id)
        return True

    def _location(self, name: str) -> Location:
        return self._register.location(name) if self._register else Location(required_text("the asset", name))


def closed(db: orm.Session, plan: int) -> None:
    """Set the next date of a plan whose order was just completed or cancelled: it opens none at once."""
    row = _find(db, plan)
    if row.anchor == "completed":
        _advance(db, row, from_schedule=False)


def _advance(db: orm.Session, plan: PreventiveRow, *, from_schedule: bool) -> None:
    if plan.calendar or plan.season:
        repetition, start = _repetition(plan), plan.next_due if from_schedule and plan.next_due else now(db)
        dates = repetition.following(start)
        due, missed = next(dates, LAST_TIME), 0
        while due <= now(db):  # one row for each: they are not evenly spaced
            db.add(MissedDatesRow(preventive=plan.id, first=due, every_days=MAX_PERIOD_DAYS, dates=1))
            due, missed = next(dates, LAST_TIME), missed + 1
        if missed:
            log.append(db, f"preventive:{plan.id}", "dates missed", PROGRAM, {"dates": missed, "next": due})
        plan.next_due = due
    elif plan.every_days:
        days = _within(plan.every_days, MIN_INTERVAL_DAYS, MAX_PERIOD_DAYS)
        step = timedelta(days=days)
        due = plan.next_due + step if from_schedule and plan.next_due else now(db) + step
        if due <= now(db):  # dates that nobody looked at were missed
            missed = (now(db) - due) // step + 1
            db.add(MissedDatesRow(preventive=plan.id, first=due, every_days=days, dates=missed))
            log.append(db, f"preventive:{plan.id}", "dates missed", PROGRAM, {"first": due, "dates": missed})
            due += missed * step
        plan.next_due = due
    if plan.every:
        reading = db.get(MeterRow, (plan.asset, plan.meter))
        value = reading.value if reading else 0.0
        base = plan.next_reading if from_schedule and plan.next_reading is not None else value
        every = _within(plan.every, MIN_METER_INTERVAL, MAX_METER_READING)
        if base <= value:
            base += (math.floor((value - base) / every) + 1) * every
        plan.next_reading = base
    db.flush()


def _repetition(plan: PreventiveRow) -> Repetition:
    days = None if plan.calendar else _within(plan.every_days or 0.0, _MIN_SEASON_DAYS, MAX_PERIOD_DAYS)
    return Repetition(days, plan.calendar, plan.season, plan.timezone)


def _first_due(repetition: Repetition, first: datetime | None, present: datetime) -> datetime:
    """Return the first due date: the one that was entered, the first in the season, or the first day of the rule."""
    if repetition.every_days is None:
        due = next(repetition.following(max(first or present, present)), None)
    elif first is None:
        due = next(repetition.following(present), None)
    else:
        if first < present:  # dates before the plan was added are nobody's
            step = timedelta(days=repetition.every_days)
            first += -((first - present) // step) * step
        in_season = first.astimezone(ZoneInfo(repetition.timezone)).month in season_months(repetition.season)
        due = first if in_season else next(repetition.following(first), None)
    if due is None:
        raise MaintenanceError(
            f"No date of the plan lies in {repetition.season or 'the time'} before {LAST_TIME:%Y}.",
            "Choose a first date in the season, or another interval or season.",
        )
    return due


def _check_content(content: Mapping[str, Any]) -> None:
    """Raise an error where the orders of a plan could not be opened with what they would begin with."""
    if unknown := set(content) - set(_CONTENT):
        raise MaintenanceError(
            f"The orders of a plan have no {', '.join(sorted(unknown))}.", f"Known: {', '.join(_CONTENT)}."
        )
    if "hours" in content:
        number_in_range("hours", content["hours"], MAX_ORDER_HOURS, above=True)
    for name, pieces in content.get("parts", {}).items():
        whole_number(f"pieces of {name}", pieces)
    if "type" in content:
        check_type(content["type"])
    from_json([dict(item) for item in content.get("checklist", ())])


def _within(value: float, least: float, most: float) -> float:
    """Return a number of the database, brought into the range that is asked of new ones; its upper end for NaN."""
    return most if math.isnan(value) else min(max(value, least), most)


def _opens(db: orm.Session, plan: PreventiveRow, present: datetime) -> bool:
    """Return whether a plan is due and has no open order."""
    return _is_due(db, plan, present) and not _open_order(db, plan.id)


def _is_due(db: orm.Session, plan: PreventiveRow, present: datetime) -> bool:
    if plan.next_due is not None:
        return plan.next_due <= present + timedelta(days=_within(plan.lead_days, 0.0, MAX_WAIT_DAYS))
    reading = db.get(MeterRow, (plan.asset, plan.meter))
    if reading is None:
        return False
    if plan.below is not None:
        last = db.scalar(sa.select(sa.func.max(OrderRow.closed_at)).where(OrderRow.preventive == plan.id))
        return reading.value < plan.below and (last is None or reading.read_at > last)
    return plan.next_reading is not None and reading.value >= plan.next_reading


def _open_order(db: orm.Session, plan: int) -> bool:
    statement = sa.select(OrderRow.id).where(OrderRow.preventive == plan, OrderRow.state.not_in(CLOSED))
    return db.scalars(statement.limit(1)).first() is not None


def _find(db: orm.Session, plan: int) -> PreventiveRow:
    row = db.get(PreventiveRow, row_number(plan))
    if row is None:
        raise MaintenanceError(f"There is no preventive plan {plan}.", "List the plans: workbench preventive list.")
    return row
