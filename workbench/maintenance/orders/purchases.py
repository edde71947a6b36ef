"""Purchase requests: which parts are to come, how many, and when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.database import Database, frame, now
from workbench.maintenance.orders.parts import find_part, open_requests, receive_pieces
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import OrderPartRow, OrderRow, PurchaseRow, number_of
from workbench.maintenance.schedule.model import Conflict, Job
from workbench.maintenance.values import (
    MAX_PART_PIECES,
    MAX_WAIT_DAYS,
    check_choice,
    required_text,
    row_number,
    time_in_range,
    whole_number,
)

__all__ = ["PURCHASE_STATES", "Delivery", "Purchases", "deliveries", "late_deliveries", "request_missing"]

PURCHASE_STATES = ("requested", "ordered", "received", "cancelled")
"""States of a purchase request; the last two are final."""


class Delivery(NamedTuple):
    """Quantity of a part that a purchase request brings.

    Attributes
    ----------
    request : int
        Number of the purchase request.
    pieces : int
        Quantity that has not been received.
    expected : datetime or None
        When they should arrive; None where no date is known.
    planned_at : datetime or None
        When the plan counts on them: a day from now where they are overdue.
    overdue : bool
        Whether they were expected before now.
    """

    request: int
    pieces: int
    expected: datetime | None
    planned_at: datetime | None
    overdue: bool


class Purchases:
    """List of the purchase requests, and all that can be done to them.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def list(self, *, state: str | None = "open", part: str | None = None) -> pd.DataFrame:
        """Return the purchase requests, the first expected first.

        Parameters
        ----------
        state : str or None
            One of `PURCHASE_STATES`; `open` for those that are requested or ordered, None for all.
        part : str, optional
            Only requests of this part.

        Returns
        -------
        pandas.DataFrame
            id, part, pieces, received, state, requested_at, requested_by, ordered_at, expected_at, overdue (bool:
            open, and expected before now), note, closed_at.
        """
        names = ("id", "part", "pieces", "received", "state", "requested_at", "requested_by", "ordered_at")
        columns: list[Any] = [getattr(PurchaseRow, name) for name in (*names, "expected_at", "note", "closed_at")]
        statement: sa.Select[Any] = sa.select(*columns)
        if state is not None:
            check_choice("state", state, (*PURCHASE_STATES, "open"))
            is_open = PurchaseRow.closed_at.is_(None)
            statement = statement.where(is_open if state == "open" else PurchaseRow.state == state)
        if part is not None:
            statement = statement.where(PurchaseRow.part == part)
        statement = statement.order_by(PurchaseRow.expected_at.is_(None), PurchaseRow.expected_at, PurchaseRow.id)
        with self.database.reading() as db:
            table = frame(db, statement)
        table.insert(9, "overdue", table["closed_at"].isna() & (table["expected_at"] < self.database.clock()))
        return table

    def request(
        self,
        part: str,
        pieces: int,
        who: str,
        *,
        ordered: datetime | None = None,
        expected: datetime | None = None,
        note: str = "",
    ) -> int:
        """Request pieces of a part, and return the number of the request.

        Parameters
        ----------
        part : str
            Name of the part.
        pieces : int
            Quantity that is to come, 1 or more.
        who : str
            Person or program that does it, for the log.
        ordered : datetime, optional
            When it was ordered, aware; it is requested only where omitted.
        expected : datetime, optional
            When it should arrive, aware; the lead time of the part after it was ordered, or after now, where omitted.
        note : str
            Supplier, number of the order, or what else helps.

        Raises
        ------
        MaintenanceError
            There is no such part, or a number or time is outside its range.
        """
        with self.database.writing() as db:
            return _request(db, part, pieces, who, ordered, expected, note).id

    def change(
        self,
        request: int,
        who: str,
        *,
        pieces: int | None = None,
        ordered: datetime | None = None,
        expected: datetime | None = None,
        note: str | None = None,
    ) -> None:
        """Change an open purchase request; what is omitted stays.

        Where it is ordered now, it is expected the lead time of the part later, unless a person has said when.

        Raises
        ------
        MaintenanceError
            There is no such request, nothing is changed, or a value is outside its range.
        TransitionError
            The request is received or cancelled.
        """
        with self.database.writing() as db:
            row = _open_request(db, request)
            changes: dict[str, Any] = {}
            if pieces is not None:
                row.pieces = changes["pieces"] = whole_number("pieces", pieces)
                if pieces <= row.received:
                    raise MaintenanceError(
                        f"Purchase request {row.id} cannot be for {pieces} pieces: {row.received} were received.",
                        f"Enter {row.received + 1} or more, or cancel it.",
                    )
            if ordered is not None:
                lead_days = find_part(db, row.part).lead_days
                by_lead_time = row.expected_at is None or (
                    lead_days is not None
                    and row.expected_at == (row.ordered_at or row.requested_at) + timedelta(days=lead_days)
                )
                if expected is None and by_lead_time and lead_days is not None:
                    expected = ordered + timedelta(days=lead_days)
                row.ordered_at = changes["ordered"] = time_in_range("the date of the order", ordered)
                row.state = "ordered"
            if expected is not None:
                row.expected_at = changes["expected"] = time_in_range("the expected date", expected)
            _check_dates(row.ordered_at, row.expected_at)
            if note is not None:
                row.note = changes["note"] = note.strip()
            if not changes:
                raise MaintenanceError(
                    f"Purchase request {row.id} was not changed: no new value was passed.",
                    "Pass pieces, ordered, expected or note.",
                )
            log.append(db, f"purchase:{row.id}", "changed", who, changes)

    def receive(self, request: int, who: str, pieces: int | None = None) -> None:
        """Add what was requested to the stock; orders that wait for the part reserve it.

        Parameters
        ----------
        request : int
            Number of the request.
        who : str
            Person or program that does it, for the log.
        pieces : int, optional
            Quantity that has come; all that are missing where omitted. The request stays open for the rest.

        Raises
        ------
        MaintenanceError
            There is no such request, or the number is not above 0.
        TransitionError
            The request is received or cancelled.
        """
        with self.database.writing() as db:
            row = _open_request(db, request)
            receive_pieces(db, row.part, row.pieces - row.received if pieces is None else pieces, who, row)

    def cancel(self, request: int, reason: str, who: str) -> None:
        """Cancel a purchase request, for a reason: nothing more of it comes.

        Raises
        ------
        MaintenanceError
            There is no such request, or no reason.
        TransitionError
            The request is received or cancelled.
        """
        with self.database.writing() as db:
            row = _open_request(db, request)
            row.state, row.closed_at = "cancelled", now(db)
            details = {"reason": required_text("the reason for the cancellation", reason)}
            log.append(db, f"purchase:{row.id}", "cancelled", who, details)


def request_missing(db: orm.Session, parts: Iterable[str], who: str) -> None:
    """Request what open work orders lack of some parts and neither the stock has nor an open request brings.

    So the date on which a part comes is stored, and does not move with the day on which one plans.
    """
    for name in sorted(set(parts)):
        part = find_part(db, name)
        lacking = (
            sa.select(OrderPartRow.order_id, OrderPartRow.needed, OrderPartRow.reserved)
            .join(OrderRow, OrderRow.id == OrderPartRow.order_id)
            .where(OrderPartRow.part == name, OrderRow.state.not_in(CLOSED))
            .order_by(OrderPartRow.order_id)
        )
        rows = list(db.execute(lacking))
        coming = sum(request.pieces - request.received for request in open_requests(db, name))
        missing = sum(needed for _, needed, _ in rows) - part.stock - coming
        if missing > 0:
            waiting = [number_of(order) for order, needed, reserved in rows if reserved < needed]
            _request(db, name, min(missing, MAX_PART_PIECES), who, None, None, f"for {', '.join(waiting)}")


def deliveries(db: orm.Session, present: datetime) -> dict[str, tuple[Delivery, ...]]:
    """Return the deliveries that open purchase requests bring, by part."""
    by_part: dict[str, tuple[Delivery, ...]] = {}
    rows = db.scalars(sa.select(PurchaseRow).where(PurchaseRow.closed_at.is_(None)).order_by(PurchaseRow.id))
    for row in rows.all():
        overdue = row.expected_at is not None and row.expected_at < present
        planned_at = present + timedelta(days=1) if overdue else row.expected_at
        delivery = Delivery(row.id, row.pieces - row.received, row.expected_at, planned_at, overdue)
        by_part[row.part] = (*by_part.get(row.part, ()), delivery)
    return by_part


def late_deliveries(jobs: Iterable[Job], coming: Mapping[str, Sequence[Delivery]]) -> Iterator[Conflict]:
    """Yield a conflict for each job that lacks a part whose delivery is overdue, or has no date."""
    for job in jobs:
        for part in job.parts:
            for one in coming.get(part, ()):
                if one.overdue and one.expected is not None:
                    what = f"was expected on {one.expected:%Y-%m-%d} and has not come. It is planned for tomorrow"
                elif one.expected is None:
                    what = "has no expected date"
                else:
                    continue
                yield Conflict(
                    "part",
                    job.number,
                    f"{job.number} lacks {part}: purchase request {one.request} {what}.",
                    f"Enter its date: workbench parts change-request {one.request} --expected DATE. Or receive it: "
                    f"workbench parts received {one.request}.",
                )


def _request(
    db: orm.Session,
    part: str,
    pieces: int,
    who: str,
    ordered: datetime | None,
    expected: datetime | None,
    note: str,
) -> PurchaseRow:
    row = find_part(db, part)
    if whole_number("pieces", pieces) == 0:
        raise MaintenanceError("0 pieces cannot be requested.", "Enter 1 or more.")
    if ordered is not None:
        time_in_range("the date of the order", ordered)
    if expected is None and row.lead_days is not None and 0 <= row.lead_days <= MAX_WAIT_DAYS:
        expected = (ordered or now(db)) + timedelta(days=row.lead_days)
    if expected is not None:
        time_in_range("the expected date", expected)
    _check_dates(ordered, expected)
    last = db.scalar(sa.select(sa.func.max(PurchaseRow.id))) or 0
    request = PurchaseRow(
        id=last + 1,
        part=row.name,
        pieces=pieces,
        received=0,
        state="requested" if ordered is None else "ordered",
        requested_at=now(db),
        requested_by=who.strip(),
        ordered_at=ordered,
        expected_at=expected,
        note=note.strip(),
        closed_at=None,
    )
    db.add(request)
    db.flush()
    details = {"part": row.name, "pieces": pieces, "ordered": ordered, "expected": expected, "note": note.strip()}
    log.append(db, f"purchase:{request.id}", request.state, who, details)
    return request


def _check_dates(ordered: datetime | None, expected: datetime | None) -> None:
    if ordered is not None and expected is not None and expected < ordered:
        raise MaintenanceError(
            f"It cannot be expected on {expected:%Y-%m-%d}, before it is ordered on {ordered:%Y-%m-%d}.",
            "Enter an expected date that is not before the date of the order.",
        )


def _open_request(db: orm.Session, request: int) -> PurchaseRow:
    row = db.get(PurchaseRow, row_number(request))
    if row is None:
        raise MaintenanceError(f"There is no purchase request {request}.", "See: workbench parts requests.")
    if row.closed_at is not None:
        raise TransitionError(f"Purchase request {row.id} is {row.state}.", "Open a new one.")
    return row
