"""Opening of work orders: which alerts cause one, which order they belong to, and what it begins with."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.counts import counted
from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.alerts import actions as alert_actions
from workbench.maintenance.alerts.known.table import KnownUseRow
from workbench.maintenance.alerts.table import OF_LIVE, Alert, AlertRow
from workbench.maintenance.cases.case import case_of
from workbench.maintenance.database import Database, now
from workbench.maintenance.options import Level, OrderOptions
from workbench.maintenance.orders import checklists
from workbench.maintenance.orders import parts as stock
from workbench.maintenance.orders.failure_codes import Failure
from workbench.maintenance.orders.priority import Priority, by_hand, prioritise
from workbench.maintenance.orders.purchases import request_missing
from workbench.maintenance.orders.states import CLOSED, check_type
from workbench.maintenance.orders.table import OrderAlertRow, OrderRow, find_order, number_of
from workbench.maintenance.values import checked_hours, required_text, time_in_range
from workbench.parameters import LEVELS

__all__ = [
    "active_order",
    "alerts_of_person",
    "extend",
    "following_orders",
    "link",
    "new_order",
    "open_for_alerts",
    "orders_of_alerts",
    "rate",
    "reprioritise",
    "rest_of_case",
    "without_order",
]


def without_order(level: Level, alerts: Sequence[int] | None) -> sa.Select[AlertRow]:
    """Return open, unsuppressed alerts of a level and above that have caused no order, not even a cancelled one.

    Alerts that are known events cause none, and neither do those of `OF_LIVE`. A completed order closed its alerts: one
    of them that is open again asks for an order anew. So does one that was opened again after its order was cancelled.
    """
    statement = _without_order(level)
    return statement if alerts is None else statement.where(AlertRow.id.in_(alerts))


@cache
def _without_order(level: Level) -> sa.Select[AlertRow]:
    reopened = sa.exists().where(
        log.LogRow.subject == sa.literal("alert:") + sa.cast(OrderAlertRow.alert_id, sa.String),
        log.LogRow.action == "reopened",
        log.LogRow.time >= OrderRow.closed_at,
    )
    linked_alerts = (
        sa.select(OrderAlertRow.alert_id)
        .join(OrderRow, OrderRow.id == OrderAlertRow.order_id)
        .where(OrderRow.state != "completed", sa.not_(sa.and_(OrderRow.state == "cancelled", reopened)))
    )
    return (
        sa.select(AlertRow)
        .where(
            AlertRow.closed_at.is_(None),
            AlertRow.suppressed.is_(False),
            AlertRow.level.in_(LEVELS[LEVELS.index(level) :]),
            AlertRow.kind.not_in(OF_LIVE),
            AlertRow.id.not_in(linked_alerts),
            AlertRow.id.not_in(sa.select(KnownUseRow.alert)),
        )
        .order_by(AlertRow.level.desc(), AlertRow.id)
    )


def rest_of_case(db: orm.Session, case: int | None) -> list[AlertRow]:
    """Return the alerts of a case that could join its order, whatever their level; see `without_order`."""
    return [] if case is None else list(db.scalars(_rest_of_case(), {"case": case}).all())


@cache
def _rest_of_case() -> sa.Select[AlertRow]:
    return without_order("info", None).where(AlertRow.case_id == sa.bindparam("case"))


def following_orders(alerts: Sequence[int] | None) -> sa.Select[AlertRow]:
    """Return alerts of any level, of a case that an active order is for; see `without_order`."""
    cases = sa.select(AlertRow.case_id).join(OrderAlertRow, OrderAlertRow.alert_id == AlertRow.id)
    active = cases.join(OrderRow, OrderRow.id == OrderAlertRow.order_id).where(
        OrderRow.state.not_in(CLOSED), AlertRow.case_id.is_not(None)
    )
    return without_order("info", alerts).where(AlertRow.case_id.in_(active))


def active_order(db: orm.Session, alert: AlertRow) -> OrderRow | None:
    """Return the active order that an alert belongs to: that of its case, else that of its channel."""
    of_case = None if alert.case_id is None else db.scalars(_ORDERS_OF_CASE, {"case": alert.case_id}).first()
    return of_case or db.scalars(_ORDERS_OF_CHANNEL, {"channel": alert.channel, "asset": alert.asset}).first()


_ACTIVE_ORDERS = (
    sa.select(OrderRow)
    .join(OrderAlertRow, OrderAlertRow.order_id == OrderRow.id)
    .join(AlertRow, AlertRow.id == OrderAlertRow.alert_id)
    .where(OrderRow.state.not_in(CLOSED))
    .order_by(OrderRow.id)
)
_TWICE = re.compile(r"(\{(?:channel|subsystem)\}) \S+ \{asset\}")  # the part of an asset, and the asset
_ORDERS_OF_CASE = _ACTIVE_ORDERS.where(AlertRow.case_id == sa.bindparam("case"))
_ORDERS_OF_CHANNEL = _ACTIVE_ORDERS.where(
    AlertRow.channel == sa.bindparam("channel"), AlertRow.asset == sa.bindparam("asset")
)


def open_for_alerts(
    db: orm.Session,
    options: OrderOptions,
    criticality: Callable[[str], int | None],
    alerts: Sequence[int],
    who: str,
    asset_name: Callable[[str], str],
    **content: Any,
) -> OrderRow:
    """Open one order for alerts of one asset, inside a writing transaction; see `WorkOrders.from_alerts`."""
    alert_content = content_for_alerts(db, options, alerts, asset_name)
    asset = alert_content["asset"]
    return new_order(db, options, who, alerts=alerts, criticality=criticality(asset), **{**alert_content, **content})


def content_for_alerts(
    db: orm.Session, options: OrderOptions, alerts: Sequence[int], asset_name: Callable[[str], str]
) -> dict[str, Any]:
    """Return what the alerts say of an order for them: its asset, subsystem, channel, type, title and description.

    Raises
    ------
    MaintenanceError
        There is no alert, they belong to several assets, or one has an order already.
    """
    rows = [alert_actions.find(db, alert) for alert in alerts]
    assets = sorted({row.asset for row in rows})
    if len(assets) != 1:
        raise MaintenanceError(
            f"Alerts of {len(assets)} assets cannot share a work order: {', '.join(map(asset_name, assets))}."
            if assets
            else "A work order for alerts cannot be opened without an alert.",
            "Pass one or more alerts of one asset.",
        )
    for row in rows:
        check_without_order(db, row)
    subsystems = {row.subsystem for row in rows}
    subsystem = subsystems.pop() if len(subsystems) == 1 else ""
    template = options.template(assets[0], subsystem)
    channel, channel_words = _channels_of(rows)
    return {
        "asset": assets[0],
        "type": template.type,
        "subsystem": subsystem,
        "channel": channel,
        "title": template.title.format(asset=asset_name(assets[0]), subsystem=subsystem, channel=channel_words),
        "description": "\n".join(_description_lines(rows, asset_name)),
    }


def extend(
    db: orm.Session,
    order: OrderRow,
    options: OrderOptions,
    criticality: Callable[[str], int | None],
    alerts: Sequence[int],
    case: int | None,
    who: str,
    asset_name: Callable[[str], str],
) -> None:
    """Add alerts of a case to an active order, inside a writing transaction, with a line of its history for each.

    The title follows the channels and says how many cases there are, unless a person has written one; the description
    keeps what it says, and what the alerts say is added.
    """
    before = _alerts_of(db, order)
    for alert in alerts:
        link(db, order, alert)
    added = [row for row in (alert_actions.find(db, alert) for alert in alerts) if row not in before]
    title = options.template(order.asset, order.subsystem).title
    name = asset_name(order.asset)
    channels = [_channels_of(rows) for rows in (before, [*before, *added])]
    cases = [len({row.case_id for row in rows} - {None}) for rows in (before, [*before, *added])]
    own_titles = {  # as they are by rule; earlier releases named the asset by its key
        _title_of(title, order, channels[0][1], one, count) for one in (name, order.asset) for count in (0, cases[0])
    }
    new_title = _title_of(title, order, channels[1][1], name, cases[1])
    changes = {"title": new_title} if order.title in own_titles and order.title != new_title else {}
    order.title = changes.get("title", order.title)
    order.channel = channels[1][0] if order.channel == channels[0][0] else order.channel
    order.description = "\n".join(filter(None, (order.description, *_description_lines(added, asset_name))))
    rate(db, order, options, criticality(order.asset))
    for alert in alerts:
        details = {"alert": alert, "case": case, "priority": order.priority, **changes}
        log.append(db, f"order:{order.id}", "alert added", who, details)


def _title_of(template: str, order: OrderRow, channels: str, asset: str, cases: int) -> str:
    """Return the title of an order for alerts, which says how many cases they are of where these are several."""
    words = template.format(asset=asset, subsystem=order.subsystem, channel=channels)
    more = f" ({cases} cases)" if cases > 1 else ""
    return f"{words[: _MAX_TITLE - len(more)]}{more}"


def _alerts_of(db: orm.Session, order: OrderRow) -> list[AlertRow]:
    """Return the alerts that an order is for."""
    statement = sa.select(AlertRow).join(OrderAlertRow, OrderAlertRow.alert_id == AlertRow.id)
    return list(db.scalars(statement.where(OrderAlertRow.order_id == order.id).order_by(AlertRow.id)).all())


def _channels_of(alerts: Sequence[AlertRow]) -> tuple[str, str]:
    """Return the channel that alerts share, empty where they are of several, and their channels in words.

    The channel that moved first stands for them; the asset as a whole is named only where no channel is known.
    """
    channels = case_of(0, [vars(Alert.of(row)) for row in alerts]).channels if alerts else ()
    channels = channels or tuple(dict.fromkeys(row.channel for row in alerts))
    if len(channels) <= 1:
        return (channels[0],) * 2 if channels else ("", "")
    return "", f"{channels[0]} and {counted(len(channels) - 1, 'other channel')}"


def _description_lines(alerts: Sequence[AlertRow], asset_name: Callable[[str], str]) -> list[str]:
    """Return what alerts say, case by case; a case of several alerts begins with its own sentence."""
    cases: dict[int | None, list[AlertRow]] = {}
    for row in alerts:
        cases.setdefault(row.case_id, []).append(row)
    lines = []
    for case, rows in cases.items():
        if len(rows) > 1 and case is not None:
            whole = case_of(case, [vars(Alert.of(row)) for row in rows])
            lines.append(str(replace(whole, asset=asset_name(whole.asset))))
        lines += [row.message for row in rows]
    return lines


def reprioritise(
    db: orm.Session, options: OrderOptions, criticality: Callable[[str], int | None], who: str
) -> tuple[str, ...]:
    """Compute the priority of active orders anew, unless a person set it, inside a writing transaction."""
    changed_orders = []
    for row in db.scalars(sa.select(OrderRow).where(OrderRow.state.not_in(CLOSED)).order_by(OrderRow.id)).all():
        if [part["name"] for part in row.priority_parts] == ["rule"]:  # an emergency, or set by a person
            continue
        before = row.priority
        rate(db, row, options, criticality(row.asset))
        if row.priority != before:
            log.append(db, f"order:{row.id}", "reprioritised", who, {"before": before, "priority": row.priority})
            changed_orders.append(number_of(row.id))
    return tuple(changed_orders)


_FREQUENCY_PERIOD = timedelta(days=30)
_MAX_TITLE = 200


def _title_by_rule(template: str, asset: str, subsystem: str, part: str) -> str:
    """Return the title that nobody has written, which names an asset once where no part of it is known.

    Examples
    --------
    >>> _title_by_rule("Inspect {channel} on {asset}", "Pump 1", "", "")
    'Inspect Pump 1'
    """
    template = template if part else _TWICE.sub(r"\1", template)
    return template.format(asset=asset, subsystem=subsystem or asset, channel=part or asset)


def new_order(
    db: orm.Session,
    options: OrderOptions,
    who: str,
    *,
    asset: str,
    subsystem: str = "",
    component: str = "",
    channel: str = "",
    type: str = "corrective",
    title: str | None = None,
    description: str = "",
    priority: str | None = None,
    hours: float | None = None,
    skills: Iterable[str] | None = None,
    checklist: Sequence[dict[str, Any]] | None = None,
    parts: Mapping[str, int] | None = None,
    due: datetime | None = None,
    not_before: datetime | None = None,
    after: Iterable[str | int] = (),
    stops_asset: bool = True,
    alerts: Sequence[int] = (),
    criticality: int | None = None,
    preventive: int | None = None,
    mode: str = "",
    asset_name: Callable[[str], str] = str,
) -> OrderRow:
    """Open a work order; what is omitted comes from the template of the subsystem and the suspected failure mode."""
    mode = Failure(mode.upper()).mode  # an unknown code is refused
    template = options.template(asset, subsystem, mode)
    asset = required_text("the asset", asset)
    if title is None:
        title = _title_by_rule(template.title, asset_name(asset), subsystem, channel or subsystem or component)
    check_type(type)
    due = None if due is None else time_in_range("the due date", due)
    not_before = None if not_before is None else time_in_range("the earliest start", not_before)
    before = [find_order(db, number).id for number in after]
    last = db.scalar(sa.select(sa.func.max(OrderRow.id))) or 0  # a sequence would leave gaps; there is one writer
    row = OrderRow(
        id=last + 1,
        asset=asset,
        subsystem=subsystem,
        component=component,
        channel=channel,
        type=type,
        state="open",
        title=required_text("the title", title)[:_MAX_TITLE],
        description=description.strip(),
        score=0.0,
        priority="low",
        priority_parts=[],
        failure_mode="",
        failure_cause="",
        failure_effect="",
        assignee=None,
        may_reassign=False,
        skills=sorted(set(template.skills if skills is None else skills)),
        estimated_hours=checked_hours(template.hours if hours is None else hours),
        checklist=checklists.to_json(
            checklists.from_json(
                [dict(item) for item in (template.items(bool(alerts)) if checklist is None else checklist)]
            )
        ),
        attachments=[],
        after=before,
        stops_asset=stops_asset,
        due=due,
        not_before=not_before,
        hold_reason="",
        done="",
        opened_at=now(db),
        opened_by=who.strip(),
        preventive=preventive,
    )
    db.add(row)
    db.flush()
    for alert in alerts:
        link(db, row, alert)
    rate(db, row, options, criticality, by_hand(priority, who) if priority else None)
    log.append(
        db,
        f"order:{row.id}",
        "opened",
        who,
        {
            "asset": asset,
            "channel": channel,
            "type": type,
            "title": row.title,
            "priority": row.priority,
            "alerts": list(alerts),
            **({"suspected mode": mode} if mode else {}),
        },
    )
    needed_parts = template.parts if parts is None else parts
    stock.need(db, row, needed_parts, who)
    request_missing(db, needed_parts, who)
    return row


def link(db: orm.Session, row: OrderRow, alert: int) -> None:
    """Link an alert to an order as its cause.

    Raises
    ------
    MaintenanceError
        There is no such alert, or it has another order already.
    """
    check_without_order(db, alert_actions.find(db, alert))
    db.add(OrderAlertRow(order_id=row.id, alert_id=alert))
    db.flush()


def check_without_order(db: orm.Session, alert: AlertRow) -> None:
    """Raise an error where an alert has an order already; where it opened again after that one, another may follow."""
    other = order_of_alert(db, alert.id)
    if other is not None and (alert.closed_at is not None or other.state != "completed"):
        raise MaintenanceError(
            f"Alert {alert.id} has a work order already: {number_of(other.id)} ({other.state}).",
            "Use that one, or cancel it first.",
        )


def order_of_alert(db: orm.Session, alert: int) -> OrderRow | None:
    """Return the last order that an alert has caused and that was not cancelled."""
    return db.scalars(
        sa.select(OrderRow)
        .join(OrderAlertRow, OrderAlertRow.order_id == OrderRow.id)
        .where(OrderAlertRow.alert_id == alert, OrderRow.state != "cancelled")
        .order_by(OrderRow.id.desc())
    ).first()


def rate(
    db: orm.Session,
    row: OrderRow,
    options: OrderOptions,
    criticality: int | None,
    priority: Priority | None = None,
) -> None:
    """Set the priority of an order, by the rule where omitted, and its due date where it has none."""
    if priority is None:
        alerts = db.scalars(
            sa.select(AlertRow)
            .join(OrderAlertRow, OrderAlertRow.alert_id == AlertRow.id)
            .where(OrderAlertRow.order_id == row.id)
        ).all()
        recent = sa.select(sa.func.count()).where(
            AlertRow.asset == row.asset,
            AlertRow.raised_at > now(db) - _FREQUENCY_PERIOD,
            AlertRow.subsystem == row.subsystem,
        )
        priority = prioritise(
            level=max((alert.level for alert in alerts), key=_rank, default=None),
            alerts=int(db.scalar(recent) or 0) if alerts else None,
            criticality=criticality,
            age=now(db) - row.opened_at,
            emergency=row.type == "emergency",
        )
    row.score = priority.score
    row.priority = priority.name
    row.priority_parts = priority.to_json()
    if row.due is None and priority.name in options.due_days:
        row.due = row.opened_at + timedelta(days=options.due_days[priority.name])
    db.flush()


def _rank(level: str) -> int:
    return LEVELS.index(level)


def alerts_of_person(database: Database, who: str) -> list[int]:
    """Return the open alerts that a person acknowledged or shelved, or on whose order the person is to work."""
    to_work_on = (
        sa.select(OrderAlertRow.alert_id)
        .join(OrderRow, OrderRow.id == OrderAlertRow.order_id)
        .where(OrderRow.state.not_in(CLOSED), OrderRow.assignee == who)
    )
    of_person = sa.or_(AlertRow.acknowledged_by == who, AlertRow.shelved_by == who, AlertRow.id.in_(to_work_on))
    statement = sa.select(AlertRow.id).where(AlertRow.closed_at.is_(None), of_person).order_by(AlertRow.id)
    with database.reading() as db:
        return list(db.scalars(statement))


def orders_of_alerts(database: Database) -> dict[int, str]:
    """Return the number of the active work order of each alert that has one."""
    statement = sa.select(OrderAlertRow.alert_id, OrderRow.id).join(OrderRow, OrderRow.id == OrderAlertRow.order_id)
    with database.reading() as db:
        return {alert: number_of(order) for alert, order in db.execute(statement.where(OrderRow.state.not_in(CLOSED)))}
