"""Work orders, from the alert or the observation that causes them to their completion."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance import log
from workbench.maintenance.alerts import actions as alert_actions
from workbench.maintenance.database import Database, frame
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders import actions, opening
from workbench.maintenance.orders.checklists import Answer
from workbench.maintenance.orders.failure_codes import Failure
from workbench.maintenance.orders.opening import open_for_alerts, reprioritise, without_order
from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.orders.states import CLOSED, ORDER_STATES, ORDER_TYPES
from workbench.maintenance.orders.table import (
    ORDERS,
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
    "channel",
    "title",
    "assignee",
    "due",
    "estimated_hours",
    "actual_hours",
    "actual_cost",
    "cost_missing",
    "failure_mode",
    "opened_at",
    "started_at",
    "closed_at",
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

    Attributes
    ----------
    database : Database
        Database of maintenance.
    options : OrderOptions
        Options with which orders are opened.
    """

    def __init__(
        self,
        database: Database,
        options: OrderOptions | None = None,
        criticality: Callable[[str], int | None] | None = None,
    ) -> None:
        self.database = database
        self.options = options or OrderOptions()
        self._criticality = criticality or _nobody_said

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
        text : str, optional
            Part of the title or description, in any case.
        since : datetime, optional
            Only orders opened at or after this time, aware.
        limit, offset : int, optional
            Most rows to return, all where omitted; and how many of the first to leave out.

        Returns
        -------
        pandas.DataFrame
            number, state, priority, score, type, asset, subsystem, channel, title, assignee, due, overdue,
            estimated_hours, actual_hours, actual_cost, cost_missing, failure_mode, opened_at, started_at, closed_at,
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
            Name of the asset.
        **content
            subsystem, channel, type, title, description, priority (a word; by the rule where omitted), hours, skills,
            checklist, parts, due, not_before, after, stops_asset. What is omitted comes from the subsystem's template.

        Returns
        -------
        WorkOrder

        Raises
        ------
        MaintenanceError
            A type, priority, part or order is unknown, or a number is outside its range.
        """
        return self._change(
            lambda db: opening.new_order(
                db, self.options, who, asset=asset, criticality=self._criticality(asset), **content
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

    def by_rule(self, who: str, alerts: Iterable[int] | None = None) -> dict[str, tuple[str, ...]]:
        """Open orders for the alerts that ask for one, each for its whole case, or add them to an active order.

        An alert joins the active order of its case, else that of its channel. Where one alert of a case asks for an
        order, the others go into the same order, whatever their level; where that is active, later ones follow.

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
                self._extend(db, order, members, case, who)
                if number_of(order.id) not in opened:
                    extended[number_of(order.id)] = None
        return {"opened": tuple(opened), "extended": tuple(extended)}

    def reprioritise(self, who: str) -> tuple[str, ...]:
        """Compute the priorities of active orders anew, unless people set them, and return the changed orders."""
        with self.database.writing() as db:
            return reprioritise(db, self.options, self._criticality, who)

    # ---- what people do

    def assign(self, number: str | int, technician: str | None, who: str, *, version: int | None = None) -> WorkOrder:
        """Assign an order to a technician who has its skills; None unassigns it."""
        return self._change(lambda db: actions.assign(db, number, technician, who, version))

    def start(self, number: str | int, who: str, *, version: int | None = None) -> WorkOrder:
        """Start the work, or continue it after a hold."""
        return self._change(lambda db: actions.start(db, number, who, version))

    def hold(self, number: str | int, reason: str, who: str, *, version: int | None = None) -> WorkOrder:
        """Put an order on hold, for a reason."""
        return self._change(lambda db: actions.hold(db, number, reason, who, version))

    def answer(self, number: str | int, item: int, value: Answer, who: str, *, version: int | None = None) -> WorkOrder:
        """Answer one item of the checklist; items are counted from 1."""
        return self._change(lambda db: actions.answer(db, number, item, value, who, version))

    def complete(
        self,
        number: str | int,
        who: str,
        *,
        done: str,
        hours: float,
        mode: str = "",
        cause: str = "",
        effect: str = "",
        verdict: str | None = None,
        cost: float | None = None,
        used: Mapping[str, int] | None = None,
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
        hours : float
            Hours of work spent.
        mode, cause, effect : str
            ISO 14224 codes; the mode is required where something failed.
        verdict : str, optional
            Verdict on its alerts; required where one is open.
        cost : float, optional
            Cost of the order; hours times hourly rate and the parts where omitted.
        used : mapping of str to int, optional
            Quantity used of each part; what was reserved where omitted.
        version : int, optional
            Version that the user saw; omitted, the order is changed whatever it is.

        Raises
        ------
        TransitionError
            The order is not in progress, or its checklist has open items.
        MaintenanceError
            A failure mode or verdict is missing or unknown, or a number is outside its range.
        ConflictError
            Somebody changed the order since `version`.
        """
        failure = Failure(mode.upper(), cause, effect)
        return self._change(
            lambda db: actions.complete(
                db,
                number,
                who,
                done=done,
                hours=hours,
                failure=failure,
                verdict=verdict,
                cost=cost,
                used=used,
                version=version,
            )
        )

    def cancel(self, number: str | int, reason: str, who: str, *, version: int | None = None) -> WorkOrder:
        """Cancel an order, for a reason."""
        return self._change(lambda db: actions.cancel(db, number, reason, who, version))

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
            New values of due (aware), priority (a word), hours (above 0) or description.
        """
        return self._change(lambda db: actions.change(db, number, who, self.options, version, **changes))

    # ---- internals

    def _change(self, change: Callable[[orm.Session], OrderRow]) -> WorkOrder:
        with self.database.writing() as db:
            row = change(db)
            db.flush()
            return WorkOrder.of(db, row)

    def _extend(self, db: orm.Session, order: OrderRow, alerts: Sequence[int], case: int | None, who: str) -> None:
        """Add alerts of a case to an order, with a line of its history for each."""
        for alert in alerts:
            opening.link(db, order, alert)
        opening.rate(db, order, self.options, self._criticality(order.asset))
        for alert in alerts:
            details = {"alert": alert, "case": case, "priority": order.priority}
            log.append(db, f"order:{order.id}", "alert added", who, details)

    def _for_alerts(self, db: orm.Session, alerts: Sequence[int], who: str, **content: Any) -> OrderRow:
        return open_for_alerts(db, self.options, self._criticality, alerts, who, **content)


def _nobody_said(asset: str) -> None:
    del asset
