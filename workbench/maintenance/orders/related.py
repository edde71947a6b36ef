"""Orders that come from other orders: a follow-up, a part that is split off, and two that are merged into one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.counts import counted
from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders import checklists
from workbench.maintenance.orders import parts as stock
from workbench.maintenance.orders.actions import cancel, touch
from workbench.maintenance.orders.opening import link, new_order
from workbench.maintenance.orders.priority import fixed
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import (
    OrderAlertRow,
    OrderLabourRow,
    OrderRow,
    find_order,
    number_of,
)
from workbench.maintenance.values import checked_hours

__all__ = ["follow_up", "merge", "similar_orders", "split"]

_SIMILAR_TITLES = 0.75
"""Ratio of `difflib.SequenceMatcher` from which two titles are taken for the same work."""


def follow_up(
    db: orm.Session,
    options: OrderOptions,
    number: str | int,
    who: str,
    *,
    criticality: int | None = None,
    **content: Any,
) -> OrderRow:
    """Open an order for what another has left to do: at the same place, and after it where that one is still open."""
    first = find_order(db, number)
    place = {"asset": first.asset, "subsystem": first.subsystem, "channel": first.channel, "type": first.type}
    after = [] if first.state in CLOSED else [first.id]
    words = {"title": f"Follow-up of {number_of(first.id)}: {first.title}", "after": after}
    row = new_order(db, options, who, criticality=criticality, **{**place, **words, **content})
    return _come_from(db, row, first, "follow-up", who)


def split(
    db: orm.Session,
    options: OrderOptions,
    number: str | int,
    who: str,
    *,
    hours: float,
    title: str | None = None,
    items: Iterable[int] = (),
    criticality: int | None = None,
    version: int | None = None,
) -> OrderRow:
    """Split a part of the work off into an order of its own, which takes its hours and items of the checklist along.

    Raises
    ------
    MaintenanceError
        The hours are not less than those of the order, or an item does not exist or is answered.
    """
    first = touch(db, number, version)
    name = number_of(first.id)
    if checked_hours(hours) >= first.estimated_hours:
        raise MaintenanceError(
            f"{hours:g} hours cannot be split off {name}, which has {first.estimated_hours:g}.",
            "Enter fewer, so that both have some left.",
        )
    checklist = list(checklists.from_json(first.checklist))
    taken = sorted(set(items))
    for item in taken:
        if not 1 <= item <= len(checklist):
            raise MaintenanceError(
                f"{name} has no item {item} on its checklist.",
                f"It has {counted(len(checklist), 'item')}, counted from 1.",
            )
        if checklist[item - 1].answer is not None:
            raise MaintenanceError(
                f"Item {item} of {name} is answered and stays there.", "Split off items that are not answered."
            )
    moved = [checklist[item - 1] for item in taken]
    row = new_order(
        db,
        options,
        who,
        asset=first.asset,
        subsystem=first.subsystem,
        channel=first.channel,
        type=first.type,
        title=title or f"{first.title} (part of {name})",
        description=first.description,
        priority=first.priority,
        hours=hours,
        skills=first.skills,
        checklist=checklists.to_json(moved),
        parts={},
        due=first.due,
        not_before=first.not_before,
        after=first.after,
        stops_asset=first.stops_asset,
        criticality=criticality,
    )
    row.priority_parts = fixed(first.priority, f"as {name}, off which it was split").to_json()
    first.estimated_hours -= hours
    first.checklist = checklists.to_json([one for place, one in enumerate(checklist, 1) if place not in taken])
    return _come_from(db, row, first, "split", who)


def merge(db: orm.Session, number: str | int, into: str | int, who: str, version: int | None = None) -> OrderRow:
    """Merge an order into another of the same asset, and return the other; the first is cancelled.

    Alerts, parts, open items of the checklist, attachments, hours and skills go along; the earlier due date and the
    higher priority hold.

    Raises
    ------
    MaintenanceError
        They are the same order or of two assets.
    TransitionError
        One of them is closed, or the work on the first has begun.
    """
    first, other = touch(db, number, version), touch(db, into, None)
    name, other_name = number_of(first.id), number_of(other.id)
    if first is other:
        raise MaintenanceError(f"{name} cannot be merged into itself.", "Name another order.")
    if first.asset != other.asset:
        raise MaintenanceError(
            f"{name} is on {first.asset} and {other_name} on {other.asset}: they cannot be merged.",
            "Merge orders of one asset.",
        )
    booked = db.scalar(sa.select(OrderLabourRow.order_id).where(OrderLabourRow.order_id == first.id).limit(1))
    if first.started_at is not None or booked is not None:
        raise TransitionError(
            f"The work on {name} has begun: it cannot be merged.", f"Complete it, or merge {other_name} into it."
        )
    alerts = db.scalars(sa.select(OrderAlertRow.alert_id).where(OrderAlertRow.order_id == first.id)).all()
    stock.hand_over(db, first, other, who)
    cancel(db, first.id, f"merged into {other_name}", who)
    first.origin, first.origin_kind = other.id, "merged"
    for alert in alerts:
        link(db, other, alert)
    theirs = list(checklists.from_json(other.checklist))
    texts = {(one.text, one.kind) for one in theirs}
    mine = [one for one in checklists.from_json(first.checklist) if (one.text, one.kind) not in texts]
    fresh = [replace(one, answer=None, answered_by="", answered_at=None, remark="") for one in mine]
    other.checklist = checklists.to_json([*theirs, *fresh])
    known = {one["reference"] for one in other.attachments}
    other.attachments = [*other.attachments, *(one for one in first.attachments if one["reference"] not in known)]
    other.skills = sorted({*other.skills, *first.skills})
    other.after = sorted({*other.after, *first.after} - {first.id, other.id})
    other.estimated_hours = checked_hours(other.estimated_hours + first.estimated_hours)
    other.due = min((due for due in (first.due, other.due) if due is not None), default=None)
    other.description = "\n".join(filter(None, (other.description, f"{name}: {first.title}", first.description)))
    details: dict[str, Any] = {"order": name, "alerts": list(alerts)}
    if first.score > other.score:
        if first.priority != other.priority:
            details |= {"before": other.priority, "priority": first.priority}
        other.score, other.priority, other.priority_parts = first.score, first.priority, first.priority_parts
    log.append(db, f"order:{other.id}", "merged", who, details)
    for later in db.scalars(sa.select(OrderRow).where(OrderRow.state.not_in(CLOSED))).all():
        if first.id in later.after and later is not other:  # who waited for it waits for the other now
            later.after = sorted({*later.after, other.id} - {first.id})
            log.append(db, f"order:{later.id}", "changed", who, {"after": [number_of(one) for one in later.after]})
    db.flush()
    return other


def similar_orders(
    orders: Sequence[OrderRow], *, asset: str, channel: str = "", title: str = "", subsystem: str = ""
) -> list[OrderRow]:
    """Return the orders that are perhaps for the same work as one that is to be opened.

    Parameters
    ----------
    orders : sequence of OrderRow
        Orders that are not closed.
    asset, channel, title, subsystem : str
        Place and title of the order that is to be opened. One is similar on the same asset, on the same channel or with
        a title that differs by a few letters.
    """
    return [
        row
        for row in orders
        if row.asset == asset
        and (
            (channel and row.channel == channel)
            or (title and row.subsystem == subsystem and _ratio(row.title, title) >= _SIMILAR_TITLES)
        )
    ]


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one.casefold().strip(), other.casefold().strip()).ratio()


def _come_from(db: orm.Session, row: OrderRow, first: OrderRow, kind: str, who: str) -> OrderRow:
    row.origin, row.origin_kind = first.id, kind
    words = {"order": number_of(row.id), "hours": row.estimated_hours}
    log.append(db, f"order:{first.id}", kind, who, words)
    db.flush()
    return row
