"""Orders whose reason has gone: every alert that caused them was closed as no fault."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance import log
from workbench.maintenance.alerts.actions import PROGRAM
from workbench.maintenance.alerts.table import AlertRow
from workbench.maintenance.database import Database
from workbench.maintenance.orders import actions
from workbench.maintenance.orders.states import CLOSED, VERDICTS_OF_NO_FAILURE
from workbench.maintenance.orders.table import OrderAlertRow, OrderRow, number_of

__all__ = ["needless_order_words", "settle_needless_orders"]


def settle_needless_orders(db: orm.Session, alerts: Iterable[int], who: str) -> None:
    """Cancel the orders of closed alerts that nobody has touched and that have no reason any more.

    An order has none where every alert that caused it was closed as a false alarm, known behaviour or a test. One that
    a person has opened, assigned, changed or started stays as it is, and its history says that its alerts are closed:
    to complete or to cancel it is up to them.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction in which the alerts were closed.
    alerts : iterable of int
        Numbers of the alerts.
    who : str
        Person or program that has closed them, for the log.
    """
    for order in _needless_orders(db, alerts):
        if order.state in CLOSED:
            continue
        if _is_untouched(db, order):
            actions.cancel(db, order.id, f"all its alerts were closed as {_verdicts(db, order)}", PROGRAM)
        else:
            log.append(db, f"order:{order.id}", "alerts closed", who, {"verdicts": _verdicts(db, order)})


def needless_order_words(database: Database, alerts: Iterable[int]) -> list[str]:
    """Say what became of the orders of alerts that were just closed, where these have no reason any more.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    alerts : iterable of int
        Numbers of the alerts.

    Returns
    -------
    list of str
        One sentence for each order; nothing about one that was closed otherwise.
    """
    sentences = []
    with database.reading() as db:
        for order in _needless_orders(db, alerts):
            reason = f"all its alerts were closed as {_verdicts(db, order)}"
            if order.state not in CLOSED:
                whose = f"{order.assignee} has it" if order.assignee else "a person has opened or changed it"
                sentences.append(
                    f"Work order {number_of(order.id)} is still {order.state}, although {reason}: {whose}. "
                    "Cancel it if nothing is to be done."
                )
            elif order.state == "cancelled" and _is_untouched(db, order):
                sentences.append(f"Work order {number_of(order.id)} is cancelled: {reason}.")
    return sentences


def _needless_orders(db: orm.Session, alerts: Iterable[int]) -> Sequence[OrderRow]:
    """Return the orders of some alerts of which every alert was closed as no fault."""
    of_alerts = sa.select(OrderAlertRow.order_id).where(OrderAlertRow.alert_id.in_(list(alerts)))
    with_reason = (
        sa.select(OrderAlertRow.order_id)
        .join(AlertRow, AlertRow.id == OrderAlertRow.alert_id)
        .where(AlertRow.closed_at.is_(None) | AlertRow.verdict.not_in(VERDICTS_OF_NO_FAILURE))
    )
    statement = sa.select(OrderRow).where(OrderRow.id.in_(of_alerts), OrderRow.id.not_in(with_reason))
    return db.scalars(statement.order_by(OrderRow.id)).all()


def _is_untouched(db: orm.Session, order: OrderRow) -> bool:
    """Return whether the program has opened an order and no person has done anything to it."""
    by_people = sa.select(log.LogRow.seq).where(log.LogRow.subject == f"order:{order.id}", log.LogRow.who != PROGRAM)
    return order.assignee is None and db.scalars(by_people.limit(1)).first() is None


def _verdicts(db: orm.Session, order: OrderRow) -> str:
    statement = (
        sa.select(AlertRow.verdict)
        .join(OrderAlertRow, OrderAlertRow.alert_id == AlertRow.id)
        .where(OrderAlertRow.order_id == order.id)
    )
    given = set(db.scalars(statement))
    return " or ".join(verdict for verdict in VERDICTS_OF_NO_FAILURE if verdict in given)
