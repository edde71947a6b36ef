"""Requests: problems that people report, which somebody accepts as a work order or rejects with a reason.

A request is not an order yet: it is in no plan, figure or load until it is accepted, whoever reports what.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.changes import Recorded
from workbench.maintenance.database import Base, UtcDateTime, Versioned, frame, now
from workbench.maintenance.orders.actions import touch
from workbench.maintenance.orders.opening import new_order
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.table import Json, OrderRow, WorkOrder, number_of
from workbench.maintenance.values import check_choice, known_asset, required_text, row_limit, row_number

__all__ = ["REQUEST_STATES", "Request", "RequestRow", "Requests", "request_number"]

REQUEST_STATES = ("new", "accepted", "rejected")
"""States of a request; the last two are final."""

_COLUMNS = (
    "number",
    "state",
    "asset",
    "problem",
    "reporter",
    "photos",
    "reason",
    "order",
    "reported_at",
    "decided_at",
    "decided_by",
)
_MAX_PROBLEM_LETTERS = 2_000
_MAX_REPORTER_LETTERS = 100
_MAX_TITLE_LETTERS = 80
_MAX_PHOTOS = 5
_MAX_UNDECIDED = 500


class RequestRow(Recorded, Versioned, Base):
    """Row of one request; `Request` describes the columns."""

    __tablename__ = "requests"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    problem: orm.Mapped[str] = orm.mapped_column(sa.Text)
    reporter: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    attachments: orm.Mapped[Any] = orm.mapped_column(Json)
    state: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    reason: orm.Mapped[str] = orm.mapped_column(sa.Text)
    order_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("orders.id"))
    reported_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    decided_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    decided_by: orm.Mapped[str] = orm.mapped_column(sa.String(200))

    __table_args__ = (sa.Index("ix_requests_state", "state", "id"),)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"request:{self.id}"


@dataclass(frozen=True)
class Request:
    """One request as it was when it was read.

    Attributes
    ----------
    number : str
        Number, for example `RQ-3`.
    asset, problem, reporter : str
        Where the problem is, what it is, and who reported it; the last may be empty.
    attachments : tuple of dict
        Photos, as in `WorkOrder.attachments`.
    state, reason : str
        State, of `REQUEST_STATES`, and why it was rejected.
    order : str
        Number of the order that it became; empty where it did not.
    reported_at, decided_at : datetime or None
        When it was reported, and accepted or rejected, UTC.
    decided_by : str
        Person who accepted or rejected it.
    """

    number: str
    asset: str
    problem: str
    reporter: str
    attachments: tuple[dict[str, Any], ...]
    state: str
    reason: str
    order: str
    reported_at: datetime
    decided_at: datetime | None
    decided_by: str


class Requests:
    """List of the requests, and all that can be done to them.

    Parameters
    ----------
    orders : WorkOrders
        Work orders, among which an accepted request becomes one, with their store of files.
    criticality : callable, optional
        Returns an asset's criticality, 1 to 5, or None.
    assets : callable, optional
        Returns the names of all assets; any name is taken where it is omitted.
    """

    def __init__(
        self,
        orders: WorkOrders,
        criticality: Callable[[str], int | None] | None = None,
        assets: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self.database = orders.database
        self._orders = orders
        self._criticality = criticality
        self._assets = assets

    def list(self, state: str | None = "new", limit: int | None = None) -> pd.DataFrame:
        """Return the requests of a state, the oldest first; all where it is None.

        Returns
        -------
        pandas.DataFrame
            number, state, asset, problem, reporter, photos (their number), reason, order, reported_at, decided_at,
            decided_by.
        """
        statement = sa.select(RequestRow.__table__).order_by(RequestRow.id).limit(row_limit(limit))
        if state is not None:
            check_choice("state of a request", state, REQUEST_STATES)
            statement = statement.where(RequestRow.state == state)
        with self.database.reading() as db:
            table = frame(db, statement)
        table["number"] = [f"RQ-{one}" for one in table["id"]]
        table["photos"] = [len(one) for one in table["attachments"]]
        table["order"] = ["" if pd.isna(one) else number_of(int(one)) for one in table["order_id"]]
        return table[[*_COLUMNS]]

    def assets(self) -> tuple[str, ...]:
        """Return the names of the assets on which problems can be reported; empty where any name is taken."""
        return tuple(sorted(self._assets())) if self._assets else ()

    def attachments(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what is attached to all orders and requests: number of the order or request, and entry."""
        with self.database.reading() as db:
            for name, table in (("WO", OrderRow), ("RQ", RequestRow)):
                for number, attached in db.execute(sa.select(table.id, table.attachments).order_by(table.id)):
                    yield from ((f"{name}-{number}", entry) for entry in attached)

    def get(self, number: str | int) -> Request:
        """Return one request as it is.

        Raises
        ------
        MaintenanceError
            There is no request with this number.
        """
        with self.database.reading() as db:
            return _copy(_find(db, number))

    def report(
        self, asset: str, problem: str, *, reporter: str = "", photos: Sequence[tuple[str, bytes]] = (), via: str = ""
    ) -> Request:
        """Report a problem on an asset.

        Parameters
        ----------
        asset : str
            Name of the asset.
        problem : str
            What is wrong, in at most 2,000 letters.
        reporter : str
            Name of who reports it, if they say so.
        photos : sequence of (str, bytes)
            Name and content of at most 5 photos or PDFs.
        via : str
            What it came by, for the log, as `link 3`; the reporter where it is empty.

        Raises
        ------
        MaintenanceError
            The asset is unknown, a text is empty or too long, a photo is not taken, or 500 requests wait for a decision
            already; nothing is stored then.
        """
        asset = known_asset(asset, self._assets)
        problem = required_text("the problem", _short("the problem", problem, _MAX_PROBLEM_LETTERS))
        reporter = _short("the name", reporter, _MAX_REPORTER_LETTERS)
        if len(photos) > _MAX_PHOTOS:
            raise MaintenanceError(f"{len(photos)} photos are too many.", f"Attach at most {_MAX_PHOTOS}.")
        with self.database.reading() as db:
            _check_room(db)
        attachments = [self._orders.files.add(content, name) for name, content in photos]
        with self.database.writing() as db:
            _check_room(db)
            last = db.scalar(sa.select(sa.func.max(RequestRow.id))) or 0
            row = RequestRow(
                id=last + 1,
                asset=asset,
                problem=problem,
                reporter=reporter,
                attachments=attachments,
                state="new",
                reason="",
                order_id=None,
                reported_at=now(db),
                decided_at=None,
                decided_by="",
            )
            db.add(row)
            log.append(db, f"request:{row.id}", "reported", via or reporter or "unknown", {"asset": asset})
            db.flush()
            return _copy(row)

    def accept(self, number: str | int, who: str, **content: Any) -> WorkOrder:
        """Accept a request: it becomes a work order, with what was reported as its title and description.

        Parameters
        ----------
        number : str or int
            Number of the request, as `RQ-3` or 3.
        who : str
            Person or program that does it, for the log.
        **content
            Content of the order that is to be otherwise, as for `WorkOrders.new`.

        Raises
        ------
        TransitionError
            It is accepted or rejected already.
        """
        with self.database.writing() as db:
            row = _undecided(db, number)
            lines = row.problem.splitlines()
            reported = f"{row.problem}\n{_reported_words(row)}"
            words = {"type": "corrective", "title": lines[0][:_MAX_TITLE_LETTERS], "description": reported}
            options, criticality = self._orders.options, self._criticality(row.asset) if self._criticality else None
            order = new_order(db, options, who, asset=row.asset, criticality=criticality, **{**words, **content})
            order.attachments = list(row.attachments)
            _accepted(db, row, order.id, who)
            return WorkOrder.of(db, order)

    def join(self, number: str | int, order: str | int, who: str) -> WorkOrder:
        """Accept a request as a part of an order that is there: its words and photos are added to the order's.

        Parameters
        ----------
        number : str or int
            Number of the request, as `RQ-3` or 3.
        order : str or int
            Number of the order, which is of the same asset and not closed.
        who : str
            Person or program that does it, for the log.

        Raises
        ------
        TransitionError
            The request is accepted or rejected already, or the order is closed.
        MaintenanceError
            The order is of another asset.
        """
        with self.database.writing() as db:
            row, other = _undecided(db, number), touch(db, order, None)
            if row.asset != other.asset:
                raise MaintenanceError(
                    f"RQ-{row.id} is on {row.asset} and {number_of(other.id)} on {other.asset}: it cannot join it.",
                    "Choose an order of the same asset.",
                )
            other.description = "\n".join(filter(None, (other.description, row.problem, _reported_words(row))))
            attached = {one["reference"] for one in other.attachments}
            photos = [one for one in row.attachments if one["reference"] not in attached]
            other.attachments = [*other.attachments, *photos]
            log.append(db, f"order:{other.id}", "request added", who, {"request": f"RQ-{row.id}"})
            _accepted(db, row, other.id, who)
            return WorkOrder.of(db, other)

    def reject(self, number: str | int, reason: str, who: str) -> Request:
        """Reject a request, with a reason.

        Raises
        ------
        TransitionError
            It is accepted or rejected already.
        MaintenanceError
            The reason is empty.
        """
        with self.database.writing() as db:
            row = _undecided(db, number)
            row.state, row.reason = "rejected", required_text("the reason", reason)
            row.decided_at, row.decided_by = now(db), who.strip()
            log.append(db, f"request:{row.id}", "rejected", who, {"reason": row.reason})
            db.flush()
            return _copy(row)


def request_number(number: str | int) -> int:
    """Return the number of a request as an integer.

    Raises
    ------
    MaintenanceError
        The text is not the number of a request.

    Examples
    --------
    >>> request_number("rq-3"), request_number(3)
    (3, 3)
    """
    text = str(number).strip().upper().removeprefix("RQ-")
    if not text.isdecimal() or len(text) > 10:
        raise MaintenanceError(f"{number!r} is not the number of a request.", "Numbers look like RQ-3.")
    return row_number(int(text))


def _check_room(db: orm.Session) -> None:
    """Raise an error where too many requests wait for a decision: somebody may be flooding the page."""
    waiting = db.scalar(sa.select(sa.func.count()).where(RequestRow.state == "new")) or 0
    if waiting >= _MAX_UNDECIDED:
        raise MaintenanceError(
            f"{waiting:,} requests wait for a decision already: no more are taken.", "Call the maintenance team."
        )


def _find(db: orm.Session, number: str | int) -> RequestRow:
    row = db.get(RequestRow, request_number(number))
    if row is None:
        raise MaintenanceError(f"There is no request {number}.", "See: workbench requests list.")
    return row


def _undecided(db: orm.Session, number: str | int) -> RequestRow:
    row = _find(db, number)
    if row.state != "new":
        order = "" if row.order_id is None else f" as {number_of(row.order_id)}"
        raise TransitionError(f"RQ-{row.id} is {row.state} already{order}.", "Each request is decided once.")
    return row


def _accepted(db: orm.Session, row: RequestRow, order: int, who: str) -> None:
    row.state, row.order_id = "accepted", order
    row.decided_at, row.decided_by = now(db), who.strip()
    log.append(db, f"request:{row.id}", "accepted", who, {"order": number_of(order)})
    db.flush()


def _short(name: str, text: str, most: int) -> str:
    text = "".join(sign for sign in text if sign.isprintable() or sign in "\n\t").strip()
    if len(text) > most:
        raise MaintenanceError(f"{name.capitalize()} has {len(text):,} letters.", f"Use at most {most:,}.")
    return text


def _reported_words(row: RequestRow) -> str:
    by = f" by {row.reporter}" if row.reporter else ""
    return f"Reported{by}, {row.reported_at:%Y-%m-%d %H:%M} UTC (RQ-{row.id})"


def _copy(row: RequestRow) -> Request:
    return Request(
        number=f"RQ-{row.id}",
        asset=row.asset,
        problem=row.problem,
        reporter=row.reporter,
        attachments=tuple(row.attachments),
        state=row.state,
        reason=row.reason,
        order="" if row.order_id is None else number_of(row.order_id),
        reported_at=row.reported_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
    )
