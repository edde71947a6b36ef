"""Parts: what is in stock, what is reserved for which order, and what should be ordered."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.database import Database, frame, now
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import OrderPartRow, OrderRow, PartRow, PurchaseRow, number_of
from workbench.maintenance.values import MAX_COST, MAX_WAIT_DAYS, near_name, number_in_range, whole_number

__all__ = [
    "Parts",
    "consume",
    "find_part",
    "give_back",
    "hand_over",
    "need",
    "open_requests",
    "receive_pieces",
    "release",
    "reserve",
]


class Parts:
    """Stock of parts, with the reservations of work orders.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def list(self) -> pd.DataFrame:
        """Return the parts with their stock.

        Returns
        -------
        pandas.DataFrame
            name, description, stock, reserved, available (stock less reserved), minimum, below (bool: available less
            than the minimum), lead_days, unit_cost.
        """
        reserved = (
            sa.select(OrderPartRow.part, sa.func.sum(OrderPartRow.reserved).label("reserved"))
            .group_by(OrderPartRow.part)
            .subquery()
        )
        reserved_pieces = sa.func.coalesce(reserved.c.reserved, 0).label("reserved")
        columns: tuple[Any, ...] = (PartRow.name, PartRow.description, PartRow.stock, reserved_pieces, PartRow.minimum)
        statement: sa.Select[Any] = (
            sa.select(*columns, PartRow.lead_days, PartRow.unit_cost)
            .outerjoin(reserved, reserved.c.part == PartRow.name)
            .order_by(PartRow.name)
        )
        with self.database.reading() as db:
            table = frame(db, statement)
        table["reserved"] = table["reserved"].astype("int64")
        table.insert(4, "available", table["stock"] - table["reserved"])
        table.insert(6, "below", table["available"] < table["minimum"])
        return table

    def near_name(self, name: str) -> str:
        """Return the part whose name a new one may be a slip of, or an empty text; see `values.near_name`."""
        with self.database.reading() as db:
            return near_name(name, db.scalars(sa.select(PartRow.name)).all())

    def set(
        self,
        name: str,
        who: str,
        *,
        stock: int | None = None,
        minimum: int | None = None,
        lead_days: float | None = None,
        unit_cost: float | None = None,
        description: str | None = None,
    ) -> None:
        """Add a part, or change one; what is omitted stays. Orders that wait for it reserve what is free.

        Raises
        ------
        MaintenanceError
            A number is outside its range, or the stock is less than what is reserved.
        """
        if not name.strip():
            raise MaintenanceError("The name of the part is empty.", "Enter one.")
        changes: dict[str, object] = {}
        for key, pieces in (("stock", stock), ("minimum", minimum)):
            if pieces is not None:
                changes[key] = whole_number(key, pieces)
        for key, number, most in (("lead_days", lead_days, MAX_WAIT_DAYS), ("unit_cost", unit_cost, MAX_COST)):
            if number is not None:
                changes[key] = number_in_range(key, number, most)
        if description is not None:
            changes["description"] = description.strip()
        with self.database.writing() as db:
            row = db.get(PartRow, name.strip())
            if row is None:
                row = PartRow(name=name.strip(), description="", stock=0, minimum=0, lead_days=None, unit_cost=None)
                db.add(row)
            reserved_pieces = _reserved(db, row.name)
            if stock is not None and stock < reserved_pieces:
                raise MaintenanceError(
                    f"{reserved_pieces} of {name} are reserved: the stock cannot be {stock}.",
                    f"Enter at least {reserved_pieces}, or cancel orders that reserve it.",
                )
            for key, value in changes.items():
                setattr(row, key, value)
            log.append(db, f"part:{row.name}", "set", who, changes)
            db.flush()
            _serve_waiting(db, [row.name], who)

    def receive(self, name: str, pieces: int, who: str) -> None:
        """Add pieces to the stock, and reserve them for orders that wait, the most urgent first.

        They count as those of the open purchase requests of the part, the first expected ones first.

        Raises
        ------
        MaintenanceError
            There is no such part, or the number is not above 0.
        """
        with self.database.writing() as db:
            receive_pieces(db, name, pieces, who)


def receive_pieces(db: orm.Session, name: str, pieces: int, who: str, request: PurchaseRow | None = None) -> None:
    """Add pieces of a part to the stock, reserve them for orders that wait, and settle purchase requests.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    name : str
        Name of the part.
    pieces : int
        Quantity that has come, 1 or more.
    who : str
        Person or program that does it, for the log.
    request : PurchaseRow, optional
        Request that they belong to; the open ones of the part, the first expected first, where omitted.
    """
    if whole_number("pieces", pieces) == 0:
        raise MaintenanceError("0 pieces cannot be received.", "Enter 1 or more.")
    row = find_part(db, name)
    row.stock = whole_number(f"the stock of {name}", row.stock + pieces)
    log.append(db, f"part:{row.name}", "received", who, {"pieces": pieces, "stock": row.stock})
    left = pieces
    for one in [request] if request is not None else open_requests(db, name):
        taken = left if request is not None else min(left, one.pieces - one.received)
        if taken:
            one.received += taken
            left -= taken
            if one.received >= one.pieces:
                one.state, one.closed_at = "received", now(db)
            log.append(db, f"purchase:{one.id}", "received", who, {"pieces": taken, "state": one.state})
    db.flush()
    _serve_waiting(db, [row.name], who)


def open_requests(db: orm.Session, part: str) -> Sequence[PurchaseRow]:
    """Return the purchase requests of a part that are not closed, the first expected first."""
    statement = sa.select(PurchaseRow).where(PurchaseRow.part == part, PurchaseRow.closed_at.is_(None))
    rows = db.scalars(statement.order_by(PurchaseRow.id)).all()
    return sorted(rows, key=lambda row: (row.expected_at is None, row.expected_at or row.requested_at, row.id))


def find_part(db: orm.Session, name: str) -> PartRow:
    """Return the row of a part.

    Raises
    ------
    MaintenanceError
        There is no part of this name.
    """
    row = db.get(PartRow, name)
    if row is None:
        valid_names = ", ".join(db.scalars(sa.select(PartRow.name).order_by(PartRow.name).limit(20)))
        raise MaintenanceError(f"There is no part {name!r}.", f"Known: {valid_names or 'none; add it first'}.")
    return row


def need(db: orm.Session, order: OrderRow, parts: Mapping[str, int], who: str) -> None:
    """Record which parts an order needs, and reserve what is available."""
    for name, pieces in parts.items():
        if whole_number(f"pieces of {name}", pieces) == 0:
            raise MaintenanceError(
                f"A work order cannot need 0 pieces of {name}.", "Enter 1 or more, or leave the part out."
            )
        find_part(db, name)
        db.add(OrderPartRow(order_id=order.id, part=name, needed=pieces, reserved=0, used=0))
    db.flush()
    reserve(db, order, who)


def reserve(db: orm.Session, order: OrderRow, who: str, *, again: bool = False) -> None:
    """Reserve for an order what it needs and what is available; `again` is said in the log: nothing has arrived."""
    for row in db.scalars(sa.select(OrderPartRow).where(OrderPartRow.order_id == order.id)).all():
        _reserve(db, row, who, again=again)


def release(db: orm.Session, order: OrderRow, who: str) -> None:
    """Release all parts that are reserved for an order that is given up; orders that wait for them reserve them."""
    freed = []
    for row in db.scalars(sa.select(OrderPartRow).where(OrderPartRow.order_id == order.id)).all():
        freed += [row.part] if row.reserved else []
        row.reserved = 0
    db.flush()
    _serve_waiting(db, freed, who, leave_out=order.id)


def hand_over(db: orm.Session, order: OrderRow, other: OrderRow, who: str) -> None:
    """Let another order need what an order needs besides what it needs itself, and have what is reserved for it."""
    rows = db.scalars(sa.select(OrderPartRow).where(OrderPartRow.order_id == order.id)).all()
    for row in rows:
        row.reserved = 0
        added = db.get(OrderPartRow, (other.id, row.part))
        if added is None:
            db.add(OrderPartRow(order_id=other.id, part=row.part, needed=row.needed, reserved=0, used=0))
        else:
            added.needed += row.needed
    db.flush()
    reserve(db, other, who)


def consume(
    db: orm.Session, order: OrderRow, used: Mapping[str, int] | None, who: str
) -> tuple[float, tuple[str, ...]]:
    """Take the parts that an order used out of the stock, and release what it had reserved beyond that.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    order : OrderRow
        Row of the order.
    used : mapping of str to int, optional
        Quantity used of each part; all that was reserved where omitted.
    who : str
        Person or program that does it, for the log.

    Returns
    -------
    cost : float
        Cost of the parts whose price is known.
    without_price : tuple of str
        Names of the others.

    Raises
    ------
    MaintenanceError
        A part is unknown, or more was used than is in stock.
    """
    rows = {row.part: row for row in db.scalars(sa.select(OrderPartRow).where(OrderPartRow.order_id == order.id))}
    taken = {name: row.reserved for name, row in rows.items()} if used is None else dict(used)
    for row in rows.values():
        row.reserved = 0
    db.flush()
    cost = 0.0
    without_price = []
    for name, pieces in taken.items():
        part = find_part(db, name)
        free = part.stock - _reserved(db, name)
        if whole_number(f"pieces of {name}", pieces) > free:
            raise MaintenanceError(
                f"{pieces} of {name} cannot have been used: the stock has {free} not reserved for other orders.",
                "Correct the quantity, or the stock.",
            )
        part.stock -= pieces
        row = rows.get(name) or OrderPartRow(order_id=order.id, part=name, needed=0, reserved=0, used=0)
        row.used = pieces
        db.add(row)
        if pieces:
            about = {"pieces": pieces, "order": number_of(order.id), "stock": part.stock}
            log.append(db, f"part:{name}", "used", who, about)
            if part.unit_cost is None:
                without_price.append(name)
            else:
                cost += pieces * part.unit_cost
    db.flush()
    _serve_waiting(db, list(rows), who, leave_out=order.id)
    return cost, tuple(without_price)


def give_back(db: orm.Session, order: OrderRow, who: str) -> None:
    """Put the parts that an order used back into the stock, and reserve for it again what it needs."""
    for row in db.scalars(sa.select(OrderPartRow).where(OrderPartRow.order_id == order.id)).all():
        if row.used:
            part = find_part(db, row.part)
            part.stock += row.used
            about = {"pieces": row.used, "order": number_of(order.id), "stock": part.stock}
            log.append(db, f"part:{row.part}", "given back", who, about)
            row.used = 0
        if not row.needed:
            db.delete(row)
    db.flush()
    reserve(db, order, who, again=True)


def _serve_waiting(db: orm.Session, parts: Iterable[str], who: str, *, leave_out: int | None = None) -> None:
    """Reserve what is free of some parts for the orders that wait for them, the most urgent first.

    `leave_out` is the number of an order that is being closed: it gets nothing.
    """
    waiting = (
        sa.select(OrderPartRow)
        .join(OrderRow, OrderRow.id == OrderPartRow.order_id)
        .where(OrderPartRow.part.in_(list(parts)), OrderPartRow.reserved < OrderPartRow.needed)
        .where(OrderRow.state.not_in(CLOSED))
        .order_by(OrderRow.score.desc(), OrderRow.id)
    )
    for row in db.scalars(waiting).all():
        if row.order_id != leave_out:
            _reserve(db, row, who)


def _reserve(db: orm.Session, row: OrderPartRow, who: str, *, again: bool = False) -> None:
    free = find_part(db, row.part).stock - _reserved(db, row.part)
    more = min(row.needed - row.reserved, free)
    if more > 0:
        row.reserved += more
        db.flush()
        about = {"part": row.part, "pieces": more, **({"again": True} if again else {})}
        log.append(db, f"order:{row.order_id}", "part reserved", who, about)


def _reserved(db: orm.Session, part: str) -> int:
    return int(db.scalar(sa.select(sa.func.sum(OrderPartRow.reserved)).where(OrderPartRow.part == part)) or 0)
