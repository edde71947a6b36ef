"""Preventive plans: the same work order again and again, by calendar, by meter or by health index."""

import logging
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.database import Database, frame, now
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import MeterRow, OrderRow, PreventiveRow, number_of
from workbench.maintenance.values import (
    MAX_METER_READING,
    MAX_ORDER_HOURS,
    MAX_PERIOD_DAYS,
    MAX_WAIT_DAYS,
    MIN_INTERVAL_DAYS,
    MIN_METER_INTERVAL,
    number_in_range,
    required_text,
    row_number,
    time_in_range,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ANCHORS", "Preventive", "completed"]

ANCHORS = ("scheduled", "completed")
"""Start of the next interval: the date that was scheduled, or the time when the work was done."""

_LOG = logging.getLogger(__name__)

_CONTENT = ("hours", "skills", "checklist", "parts", "description", "type")


class Preventive:
    """List of the preventive plans, which open work orders by themselves.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    options : OrderOptions
        What the orders of plans begin with; the defaults where omitted.
    """

    def __init__(self, database: Database, options: OrderOptions | None = None) -> None:
        self.database = database
        self.options = options or OrderOptions()

    def list(self) -> pd.DataFrame:
        """Return the plans: id, title, asset, subsystem, every_days, meter, every, below, anchor, next_due,
        next_reading, active.
        """  # noqa: D205
        names = ("id", "title", "asset", "subsystem", "every_days", "meter", "every", "below", "anchor", "next_due")
        columns = [getattr(PreventiveRow, name) for name in (*names, "next_reading", "active")]
        with self.database.reading() as db:
            return frame(db, sa.select(*columns).order_by(PreventiveRow.id))

    def add(
        self,
        title: str,
        asset: str,
        who: str,
        *,
        subsystem: str = "",
        every_days: float | None = None,
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
            Name of the asset.
        who : str
            Person or program that does it, for the log.
        subsystem : str
            Subsystem of the asset; may be empty.
        every_days : float, optional
            Days between two orders.
        meter : str
            Name of a meter of the asset, for `every` and `below`.
        every : float, optional
            Units of the meter between two orders.
        below : float, optional
            An order opens when the meter, as a health index, falls below this.
        anchor : str
            Start of the next interval, of `ANCHORS`.
        first : datetime, optional
            First due date, aware; one interval from now where omitted.
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
            Not exactly one of `every_days`, `every` and `below`, a number outside its range, or unknown content.
        """
        rules = [value for value in (every_days, every, below) if value is not None]
        if len(rules) != 1:
            raise MaintenanceError(
                f"A plan needs exactly one rule, and {len(rules)} were passed.",
                "Pass one of every_days, every and below.",
            )
        if every_days is not None:
            number_in_range("an interval of days", every_days, MAX_PERIOD_DAYS, least=MIN_INTERVAL_DAYS)
        if every is not None:
            number_in_range("an interval of the meter", every, MAX_METER_READING, least=MIN_METER_INTERVAL)
        if below is not None:
            number_in_range("the limit of the meter", below, MAX_METER_READING, above=True)
        if first is not None:
            time_in_range("the first due date", first)
        if content.get("hours") is not None:
            number_in_range("hours", content["hours"], MAX_ORDER_HOURS, above=True)
        for name, pieces in (content.get("parts") or {}).items():
            whole_number(f"pieces of {name}", pieces)
        if (every is not None or below is not None) != bool(meter):
            raise MaintenanceError(
                "A plan by every or below needs a meter, a plan by every_days has none.",
                "Pass meter with every or below only.",
            )
        if anchor not in ANCHORS:
            raise MaintenanceError(f"{anchor!r} is not an anchor.", f"Known: {', '.join(ANCHORS)}.")
        if unknown := set(content) - set(_CONTENT):
            raise MaintenanceError(
                f"The orders of a plan have no {', '.join(sorted(unknown))}.", f"Known: {', '.join(_CONTENT)}."
            )
        with self.database.writing() as db:
            reading = db.get(MeterRow, (asset, meter)) if meter else None
            row = PreventiveRow(
                title=required_text("the title", title),
                asset=required_text("the asset", asset),
                subsystem=subsystem,
                every_days=every_days,
                meter=meter,
                every=every,
                below=below,
                anchor=anchor,
                lead_days=number_in_range("lead_days", lead_days, MAX_WAIT_DAYS),
                next_due=(first or now(db) + timedelta(days=every_days)) if every_days else None,
                next_reading=(reading.value if reading else 0.0) + every if every else None,
                content=content,
                active=True,
            )
            db.add(row)
            db.flush()
            log.append(db, f"preventive:{row.id}", "added", who, {"title": title, "asset": asset})
            return row.id

    def stop(self, plan: int, who: str) -> None:
        """Stop a plan: it opens no more orders."""
        with self.database.writing() as db:
            row = _find(db, plan)
            row.active = False
            log.append(db, f"preventive:{row.id}", "stopped", who)

    def read_meter(self, asset: str, meter: str, value: float, who: str) -> None:
        """Record a reading of a meter.

        Raises
        ------
        MaintenanceError
            The value is negative, too large or not finite.
        """
        with self.database.writing() as db:
            row = db.get(MeterRow, (asset, meter)) or MeterRow(asset=asset, name=meter)
            row.value = number_in_range(f"the reading of {meter}", value, MAX_METER_READING)
            row.read_at = now(db)
            db.add(row)
            subject = f"meter:{asset}/{meter}"[:40]  # the column holds 40 characters
            log.append(db, subject, "read", who, {"value": value})

    def open_due(self, who: str, criticality: "Callable[[str], int | None] | None" = None) -> tuple[str, ...]:
        """Open one order for each plan that is due and has no open order, however often this is called.

        Returns
        -------
        tuple of str
            Numbers of the new orders.
        """
        from workbench.maintenance.orders.opening import new_order

        opened = []
        with self.database.writing() as db:
            for plan in db.scalars(sa.select(PreventiveRow).where(PreventiveRow.active)).all():
                if not _is_due(db, plan) or _open_order(db, plan.id):
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
                            criticality=criticality(plan.asset) if criticality else None,
                            **content,
                        )
                except MaintenanceError as error:  # one that cannot be opened must not keep the others from it
                    _LOG.warning("Preventive plan %s opens no order: %s Stop it, and add it anew.", plan.id, error)
                    continue
                if plan.anchor == "scheduled":
                    _advance(db, plan, from_schedule=True)
                opened.append(number_of(order.id))
        return tuple(opened)


def completed(db: orm.Session, plan: int) -> None:
    """Set the next date of a plan whose order was just completed."""
    row = _find(db, plan)
    if row.anchor == "completed":
        _advance(db, row, from_schedule=False)


def _advance(db: orm.Session, plan: PreventiveRow, *, from_schedule: bool) -> None:
    if plan.every_days:
        step = timedelta(days=_within(plan.every_days, MIN_INTERVAL_DAYS, MAX_PERIOD_DAYS))
        due = plan.next_due + step if from_schedule and plan.next_due else now(db) + step
        if due <= now(db):  # dates that nobody looked at are left out
            due += ((now(db) - due) // step + 1) * step
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


def _within(value: float, least: float, most: float) -> float:
    """Return a number of the database, brought into the range that is asked of new ones; its upper end for NaN."""
    return most if math.isnan(value) else min(max(value, least), most)


def _is_due(db: orm.Session, plan: PreventiveRow) -> bool:
    if plan.next_due is not None:
        return plan.next_due <= now(db) + timedelta(days=_within(plan.lead_days, 0.0, MAX_WAIT_DAYS))
    reading = db.get(MeterRow, (plan.asset, plan.meter))
    if reading is None:
        return False
    if plan.below is not None:
        return reading.value < plan.below
    return plan.next_reading is not None and reading.value >= plan.next_reading


def _open_order(db: orm.Session, plan: int) -> bool:
    statement = sa.select(OrderRow.id).where(OrderRow.preventive == plan, OrderRow.state.not_in(CLOSED))
    return db.scalars(statement.limit(1)).first() is not None


def _find(db: orm.Session, plan: int) -> PreventiveRow:
    row = db.get(PreventiveRow, row_number(plan))
    if row is None:
        raise MaintenanceError(f"There is no preventive plan {plan}.", "List the plans: workbench preventive list.")
    return row
