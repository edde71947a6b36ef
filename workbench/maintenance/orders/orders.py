"""Work orders, from the alert or the observation that causes them to their completion.

One module because it is the one list of all that can be done with an order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.alerts import actions as alert_actions
from workbench.maintenance.database import Database, frame
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders import actions, labour, opening, related
from workbench.maintenance.orders.attachments import AttachmentStore
from workbench.maintenance.orders.checklists import Answer
from workbench.maintenance.orders.failure_codes import Failure
from workbench.maintenance.orders.location import FindLocation, Location
from workbench.maintenance.orders.opening import open_for_alerts, reprioritise, without_order
from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.orders.states import CLOSED, ORDER_STATES, ORDER_TYPES
from workbench.maintenance.orders.table import (
    ORDERS,
    OrderPartRow,
    OrderRow,
    WorkOrder,
    find_order,
    number_of,
    order_id,
)
from workbench.maintenance.remarks import remarks_of
from workbench.maintenance.values import check_choice, required_text, row_limit

__all__ = ["WorkOrders"]

_COLUMNS = (
    "state",
    "priority",
    "score",
    "type",
    "asset",
    "subsystem",
    "component",
    "channel",
    "title",
    "assignee",
    "due",
    "estimated_hours",
    "actual_hours",
    "actual_cost",
    "cost_missing",
    "failure_kind",
    "failure_derived",
    "failure_mode",
    "failure_mechanism",
    "failure_cause",
    "failure_effect",
    "failure_detection",
    "failure_component",
    "opened_at",
    "started_at",
    "closed_at",
    "down_from",
    "down_to",
    "origin_kind",
    "version",
)


class WorkOrders:
    """List of the work orders of a fleet, and all that can be done to them.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    options : OrderOptions
        When orders open by themselves, and what they begin with; the defaults where omitted.
    criticality : callable, optional
        Returns an asset's criticality, 1 to 5, or None where the catalog has none; for the priority rule.
    location : callable, optional
        Returns where an order stands by the name that a person entered; any name is taken where it is omitted.
    files : Path, optional
        Folder of attached files; no file can be attached where it is omitted.
    asset_name : callable, optional
        Returns what people call an asset, for titles and descriptions; its key where omitted.

    Attributes
    ----------
    database : Database
        Database of maintenance.
    options : OrderOptions
        Options with which orders are opened.
    files : AttachmentStore
        Store of the attached files.
    """

    def __init__(
        self,
        database: Database,
        options: OrderOptions | None = None,
        criticality: Callable[[str], int | None] | None = None,
        location: FindLocation | None = None,
        files: Path | None = None,
        asset_name: Callable[[str], str] = str,
    ) -> None:
        self.database = database
        self.options = options or OrderOptions()
        self._criticality = criticality or _nobody_said
        self._location = location or _any_location
        self._asset_name = asset_name
        self.files = AttachmentStore(files, round(self.options.attachment_mb * 2**20))

    # ---- reading

    def list(
        self,
        *,
        state: str | Iterable[str] | None = "active",
        asset: str | None = None,
        channel: str | None = None,
        assignee: str | None = None,
        type: str | None = None,
        priority: str | None = None,
        overdue: bool = False,
        unassigned: bool = False,
        waiting_for_parts: bool = False,
        text: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> pd.DataFrame:
        """Return the work orders that match some filters, the most urgent first.

        Parameters
        ----------
        state : str, iterable of str or None
            States of `ORDER_STATES`; `active` for all that are not completed or cancelled, None for all.
        asset, channel, assignee, type, priority : str, optional
            Only orders with this value.
        overdue : bool
            Whether to list only orders that are active and past their due date.
        unassigned : bool
            Whether to list only orders without a technician.
        waiting_for_parts : bool
            Whether to list only active orders for which a part that they need is not reserved.
        text : str, optional
            Part of the title or description, in any case.
        since : datetime, optional
            Only orders opened at or after this time, aware.
        limit, offset : int, optional
            Most rows to return, all where omitted; and how many of the first to leave out.

        Returns
        -------
        pandas.DataFrame
            number, state, priority, score, type, asset, subsystem, component, channel, title, assignee, due, overdue,
            estimated_hours, actual_hours, actual_cost, cost_missing, failure_kind, failure_derived (an earlier
            release derived the kind), failure_mode, failure_mechanism, failure_cause, failure_effect,
            failure_detection, failure_component, opened_at, started_at, closed_at, down_from, down_to, origin_kind,
            version.

        Raises
        ------
        MaintenanceError
            A filter is not a state, type or priority.
        """
        present = self.database.clock()
        is_overdue = sa.and_(ORDERS.c.due < present, ORDERS.c.state.not_in(CLOSED))
        statement: sa.Select[Any] = sa.select(
            ORDERS.c.id,
            *(ORDERS.c[name] for name in _COLUMNS),
            sa.func.coalesce(is_overdue, sa.false()).label("overdue"),
        )
        if state is not None:
            active = tuple(name for name in ORDER_STATES if name not in CLOSED)
            requested_states = (active if state == "active" else (state,)) if isinstance(state, str) else tuple(state)
            for name in requested_states:
                check_choice("state", name, (*ORDER_STATES, "active"))
            statement = statement.where(ORDERS.c.state.in_(requested_states))
        for what, value, valid_values in (("type", type, ORDER_TYPES), ("priority", priority, tuple(PRIORITIES))):
            if value is not None:
                check_choice(what, value, valid_values)
        equal = {"asset": asset, "channel": channel, "assignee": assignee, "type": type, "priority": priority}
        statement = statement.where(*(ORDERS.c[name] == value for name, value in equal.items() if value is not None))
        if overdue:
            statement = statement.where(is_overdue)
        if unassigned:
            statement = statement.where(ORDERS.c.assignee.is_(None))
        if waiting_for_parts:
            short = sa.select(OrderPartRow.order_id).where(OrderPartRow.reserved < OrderPartRow.needed)
            statement = statement.where(ORDERS.c.id.in_(short), ORDERS.c.state.not_in(CLOSED))
        if text:
            text_matches = [ORDERS.c[name].icontains(text, autoescape=True) for name in ("title", "description")]
            statement = statement.where(sa.or_(*text_matches))
        if since is not None:
            statement = statement.where(ORDERS.c.opened_at >= since)
        statement = statement.order_by(ORDERS.c.score.desc(), ORDERS.c.id)
        with self.database.reading() as db:
            table = frame(db, statement.limit(row_limit(limit)).offset(offset or None))
        table["number"] = [number_of(one) for one in table["id"]]
        table["overdue"] = table["overdue"].astype(bool)
        place = _COLUMNS.index("due") + 1
        return table[["number", *_COLUMNS[:place], "overdue", *_COLUMNS[place:]]]

    def get(self, number: str | int) -> WorkOrder:
        """Return one work order as it is.

        Raises
        ------
        MaintenanceError
            There is no order with this number.
        """
        with self.database.reading() as db:
            return WorkOrder.of(db, find_order(db, number))

    def history(self, number: str | int) -> pd.DataFrame:
        """Return the rows of the log about an order, oldest first."""
        order = self.get(number)
        entries = log.entries(self.database, subject=f"order:{order_id(order.number)}")
        return entries.iloc[::-1].reset_index(drop=True)

    def remarks(self, number: str | int) -> pd.DataFrame:
        """Return what people wrote about an order and about the alerts that caused it, the newest first.

        Returns
        -------
        pandas.DataFrame
            time, subject (`order:3`, `alert:12`), action, who, text. What was done is listed once, although each of
            the alerts was closed with it.
        """
        order = self.get(number)
        remarks = remarks_of(
            self.database, [f"order:{order_id(order.number)}", *(f"alert:{alert}" for alert in order.alerts)]
        )
        copies = remarks["subject"].str.startswith("alert:") & (remarks["text"] == f"{order.number}: {order.done}")
        return remarks[~copies].reset_index(drop=True)

    # ---- opening

    def new(self, who: str, *, asset: str, **content: Any) -> WorkOrder:
        """Open a work order by hand.

        Parameters
        ----------
        who : str
            Person or program that does it, for the log.
        asset : str
            Name of the asset, or of a subsystem or component in the register.
        **content
            subsystem, component, channel, type, title, description, priority (a word; by the rule where omitted),
            hours, skills, checklist, parts, due, not_before, after, stops_asset, mode (failure mode that is
            suspected). What is omitted comes from the template of the subsystem and the failure mode.

        Returns
        -------
        WorkOrder

        Raises
        ------
        MaintenanceError
            An asset, type, priority, part or order is unknown, or a number is outside its range.
        """
        place = self._location(asset)
        content = {"subsystem": place.subsystem, "component": place.component} | content
        criticality = self._criticality(place.asset)
        return self._change(
            lambda db: opening.new_order(
                db,
                self.options,
                who,
                asset=place.asset,
                criticality=criticality,
                asset_name=self._asset_name,
                **content,
            )
        )

    def from_alerts(self, alerts: Iterable[int], who: str, **content: Any) -> WorkOrder:
        """Open one work order for one or several alerts of an asset.

        Parameters
        ----------
        alerts : iterable of int
            Numbers of the alerts; a number that comes twice counts once.
        who : str
            Person or program that does it, for the log.
        **content
            Content as for `new`.

        Returns
        -------
        WorkOrder

        Raises
        ------
        MaintenanceError
            There is no alert, they belong to several assets, or one has an order already.
        """
        return self._change(lambda db: self._for_alerts(db, list(dict.fromkeys(alerts)), who, **content))

    def title_for(self, alerts: Iterable[int]) -> str:
        """Return the title that an order for alerts would have.

        Raises
        ------
        MaintenanceError
            As from `from_alerts`.
        """
        with self.database.reading() as db:
            numbers = list(dict.fromkeys(alerts))
            return str(opening.content_for_alerts(db, self.options, numbers, self._asset_name)["title"])

    def of_alert(self, alert: int) -> str:
        """Return the number of the last order that an alert has caused, unless cancelled; empty where there is none."""
        with self.database.reading() as db:
            order = opening.order_of_alert(db, alert)
            return "" if order is None else number_of(order.id)

    def by_rule(self, who: str, alerts: Iterable[int] | None = None) -> dict[str, tuple[str, ...]]:
        """Open orders for the alerts that ask for one, each for its whole case, or add them to an active order.

        Where one alert of a case asks for an order, the others go into the same order, whatever their level; where that
        is active, later ones follow. A later case joins the active order of the channel of its worst alert, which would
        otherwise be worked on twice; title and description of the order then say so.

        Parameters
        ----------
        who : str
            Person or program that does it, for the log.
        alerts : iterable of int, optional
            Numbers of the alerts to look at; all open alerts where omitted.

        Returns
        -------
        dict of str to tuple of str
            Numbers of the orders that were `opened` and `extended`.
        """
        opened: dict[str, None] = {}
        extended: dict[str, None] = {}
        level = self.options.open_from_level
        if level is None:
            return {"opened": (), "extended": ()}
        with self.database.writing() as db:
            numbers = None if alerts is None else list(alerts)
            asking = [(row.id, row.case_id) for row in db.scalars(without_order(level, numbers)).all()]
            following = [(row.id, row.case_id) for row in db.scalars(opening.following_orders(numbers)).all()]
            linked: set[int] = set()
            for number, case in asking + following:
                if number in linked:
                    continue
                order = opening.active_order(db, alert_actions.find(db, number))
                members = [number, *(row.id for row in opening.rest_of_case(db, case) if row.id != number)]
                linked.update(members)
                if order is None:
                    opened[number_of(self._for_alerts(db, members, who).id)] = None
                    continue
                opening.extend(db, order, self.options, self._criticality, members, case, who, self._asset_name)
                if number_of(order.id) not in opened:
                    extended[number_of(order.id)] = None
        return {"opened": tuple(opened), "extended": tuple(extended)}

    def reprioritise(self, who: str) -> tuple[str, ...]:
        """Compute the priorities of active orders anew, unless people set them, and return the changed orders."""
        with self.database.writing() as db:
            return reprioritise(db, self.options, self._criticality, who)

    # ---- what people do

    def assign(
        self,
        number: str | int,
        technician: str | None,
        who: str,
        *,
        may_reassign: bool = False,
        version: int | None = None,
    ) -> WorkOrder:
        """Assign an order to a technician who has its skills; None unassigns it.

        A plan leaves the order with them unless it `may_reassign`.
        """
        return self._change(lambda db: actions.assign(db, number, technician, who, version, may_reassign=may_reassign))

    def start(self, number: str | int, who: str, *, version: int | None = None) -> WorkOrder:
        """Start the work, or continue it after a hold."""
        return self._change(lambda db: actions.start(db, number, who, version))

    def hold(self, number: str | int, reason: str, who: str, *, version: int | None = None) -> WorkOrder:
        """Put an order on hold, for a reason."""
        return self._change(lambda db: actions.hold(db, number, reason, who, version))

    def answer(
        self,
        number: str | int,
        item: int,
        value: Answer,
        who: str,
        *,
        remark: str = "",
        version: int | None = None,
    ) -> WorkOrder:
        """Answer one item of the checklist; items are counted from 1, and a number out of range needs a remark."""
        return self._change(lambda db: actions.answer(db, number, item, value, who, version, remark=remark))

    def book(
        self, number: str | int, technician: str, hours: float, who: str, *, version: int | None = None
    ) -> WorkOrder:
        """Set the hours that a technician has worked on an order; 0 removes them.

        An order whose hours are booked is completed with their sum, and its cost follows from each one's hourly rate.
        """
        return self.book_all(number, {technician: hours}, who, version=version)

    def book_all(
        self, number: str | int, hours: Mapping[str, float], who: str, *, version: int | None = None
    ) -> WorkOrder:
        """Set the hours that several technicians have worked on an order, all or none; see `book`."""

        def change(db: orm.Session) -> OrderRow:
            row = actions.touch(db, number, version)
            for technician, worked in hours.items():
                log.append(db, f"order:{row.id}", "booked", who, labour.book(db, row, technician, worked))
            return row

        return self._change(change)

    def sign(self, number: str | int, name: str, who: str, role: str = actions.SIGNATURE_ROLES[0]) -> WorkOrder:
        """Sign an order by name and time: `done by`, or `approved by` once it is completed."""
        return self._change(lambda db: actions.sign(db, number, name, who, role))

    def follow_up(self, number: str | int, who: str, **content: Any) -> WorkOrder:
        """Open an order for what another has left to do, at the same place; content as for `new`."""
        criticality = self._criticality(self.get(number).asset)
        return self._change(
            lambda db: related.follow_up(db, self.options, number, who, criticality=criticality, **content)
        )

    def split(
        self,
        number: str | int,
        who: str,
        *,
        hours: float,
        title: str | None = None,
        items: Iterable[int] = (),
        version: int | None = None,
    ) -> WorkOrder:
        """Split hours and items of the checklist off an order, and return the new order for them."""
        criticality = self._criticality(self.get(number).asset)
        return self._change(
            lambda db: related.split(
                db,
                self.options,
                number,
                who,
                hours=hours,
                title=title,
                items=items,
                criticality=criticality,
                version=version,
            )
        )

    def merge(self, number: str | int, into: str | int, who: str, *, version: int | None = None) -> WorkOrder:
        """Merge an order into another of the same asset, which is returned; the first is cancelled."""
        return self._change(lambda db: related.merge(db, number, into, who, version))

    def similar(self, *, asset: str, channel: str = "", title: str = "", subsystem: str = "") -> tuple[str, ...]:
        """Return the numbers of active orders that are perhaps for the same work; see `related.similar_orders`."""
        with self.database.reading() as db:
            active = db.scalars(sa.select(OrderRow).where(OrderRow.asset == asset, OrderRow.state.not_in(CLOSED)))
            rows = related.similar_orders(active.all(), asset=asset, channel=channel, title=title, subsystem=subsystem)
            return tuple(number_of(row.id) for row in rows)

    def complete(
        self,
        number: str | int,
        who: str,
        *,
        done: str,
        hours: float | None = None,
        failure: str = "",
        mode: str = "",
        cause: str = "",
        effect: str = "",
        mechanism: str = "",
        detection: str = "",
        component: str = "",
        verdict: str | None = None,
        cost: float | None = None,
        used: Mapping[str, int] | None = None,
        down_from: datetime | None = None,
        down_to: datetime | None = None,
        signature: str = "",
        version: int | None = None,
    ) -> WorkOrder:
        """Complete an order, and close its alerts with a verdict, all or nothing.

        Parameters
        ----------
        number : str or int
            Number of the order, as `WO-7` or 7.
        who : str
            Person or program that does it, for the log.
        done : str
            What was done.
        hours : float, optional
            Hours of work spent; the sum of what is booked where they are booked.
        failure : str
            What the work found, of `FAILURE_KINDS`: `functional failure`, `degradation` or `none`. Required for
            corrective, predictive and emergency orders, unless the verdict says that there was no failure, and with
            any code; `none` otherwise.
        mode, cause, effect, mechanism, detection : str
            ISO 14224 codes; the mode is required where something failed.
        component : str
            Maintainable item that failed, for example `seal`.
        verdict : str, optional
            Verdict on its alerts; required where one is open.
        cost : float, optional
            Cost of the order; hours times hourly rate and the parts where omitted.
        used : mapping of str to int, optional
            Quantity used of each part; what was reserved where omitted.
        down_from, down_to : datetime, optional
            When the asset stood still for it, aware.
        signature : str
            Name of who signs that it is done; nobody where it is empty.
        version : int, optional
            Version that the user saw; omitted, the order is changed whatever it is.

        Raises
        ------
        TransitionError
            The order is not in progress, or its checklist has open items.
        MaintenanceError
            It is not said whether something had failed, a failure mode or verdict is missing or unknown, or a number
            is outside its range.
        ConflictError
            Somebody changed the order since `version`.
        """
        found = Failure(mode.upper(), cause, effect, failure.strip().lower(), mechanism, detection, component.strip())
        return self._change(
            lambda db: actions.complete(
                db,
                number,
                who,
                done=done,
                hours=hours,
                failure=found,
                verdict=verdict,
                cost=cost,
                used=used,
                down_from=down_from,
                down_to=down_to,
                signature=signature,
                version=version,
            )
        )

    def cancel(self, number: str | int, reason: str, who: str, *, version: int | None = None) -> WorkOrder:
        """Cancel an order, for a reason."""
        return self._change(lambda db: actions.cancel(db, number, reason, who, version))

    def reopen(self, number: str | int, reason: str, who: str, *, version: int | None = None) -> WorkOrder:
        """Open an order again that was completed by mistake, for a reason; it is in progress as before.

        The parts that it used are back in stock and reserved for it. The alerts that it closed are open again, and
        labels and known events follow. The log keeps what was said at the completion.
        """
        return self._change(lambda db: actions.reopen(db, number, reason, who, version))

    def comment(self, number: str | int, text: str, who: str) -> WorkOrder:
        """Add a remark to the history of an order."""

        def change(db: orm.Session) -> OrderRow:
            row = find_order(db, number)
            log.append(db, f"order:{row.id}", "commented", who, {"comment": required_text("the comment", text)})
            return row

        return self._change(change)

    def attach(self, number: str | int, reference: str, who: str, title: str = "") -> WorkOrder:
        """Attach a plot or report to an order, by its path or link."""

        def change(db: orm.Session) -> OrderRow:
            row = actions.touch(db, number, None)
            attachment = {
                "reference": required_text("the reference", reference),
                "title": title.strip() or reference.strip(),
            }
            row.attachments = [*row.attachments, attachment]
            log.append(db, f"order:{row.id}", "attached", who, attachment)
            return row

        return self._change(change)

    def attach_file(self, number: str | int, name: str, content: bytes, who: str, title: str = "") -> WorkOrder:
        """Attach a photo or a PDF to an order; its content is kept under its hash, with a small picture of a photo.

        Parameters
        ----------
        number : str or int
            Number of the order, as `WO-7` or 7.
        name : str
            Name of the file.
        content : bytes
            Content of the file.
        who : str
            Person or program that does it, for the log.
        title : str
            Title; the name where it is empty.

        Raises
        ------
        MaintenanceError
            The file is not taken, or attached to the order already; see `AttachmentStore.add`.
        """
        self.get(number)  # nothing is stored for an order that does not exist
        attachment = self.files.add(content, name, title)

        def change(db: orm.Session) -> OrderRow:
            row = actions.touch(db, number, None)
            if any(one["reference"] == attachment["reference"] for one in row.attachments):
                raise MaintenanceError(
                    f"{attachment['name']} is attached to {number_of(row.id)} already.", "Attach another file."
                )
            row.attachments = [*row.attachments, attachment]
            log.append(db, f"order:{row.id}", "attached", who, attachment)
            return row

        return self._change(change)

    def change(self, number: str | int, who: str, *, version: int | None = None, **changes: Any) -> WorkOrder:
        """Change an order that is not closed.

        Parameters
        ----------
        number : str or int
            Number of the order, as `WO-7` or 7.
        who : str
            Person or program that does it, for the log.
        version : int, optional
            Version that the user saw; omitted, the order is changed whatever it is.
        **changes
            New values of due, down_from, down_to (aware), priority (a word), hours (above 0), description or
            may_reassign (bool).
        """
        return self._change(lambda db: actions.change(db, number, who, self.options, version, **changes))

    # ---- internals

    def _change(self, change: Callable[[orm.Session], OrderRow]) -> WorkOrder:
        with self.database.writing() as db:
            row = change(db)
            db.flush()
            return WorkOrder.of(db, row)

    def _for_alerts(self, db: orm.Session, alerts: Sequence[int], who: str, **content: Any) -> OrderRow:
        return open_for_alerts(db, self.options, self._criticality, alerts, who, self._asset_name, **content)


def _nobody_said(asset: str) -> None:
    del asset


def _any_location(name: str) -> Location:
    return Location(required_text("the asset", name))
