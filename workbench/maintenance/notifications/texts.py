"""The words of messages: a title and one line for each case, alert or work order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import LinkError
from workbench.maintenance import log
from workbench.maintenance.alerts.table import Alert, AlertRow
from workbench.maintenance.cases.case import case_of
from workbench.maintenance.database import now
from workbench.maintenance.notifications.links import LinkSigner
from workbench.maintenance.orders.table import OrderRow, number_of
from workbench.parameters import LEVELS

__all__ = ["alert_text", "log_line", "order_text"]

_ALERT_WORDS = {
    "raised": "",
    "risen": "risen",
    "recurred": "came back",
    "reopened": "open again",
    "unshelved": "shown again after its shelf",
    "unsuppressed": "shown again after the outage of its asset",
    "escalated": "not acknowledged",
}
_MAX_LINKS = 20


def alert_text(
    db: orm.Session,
    alerts: Sequence[AlertRow],
    reasons: Mapping[int, str],
    person: str,
    links: LinkSigner | None,
    asset_name: Callable[[str], str],
) -> tuple[str, str]:
    """Return the title and the text of a message about alerts, the worst first: one line for each case.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    alerts : sequence of AlertRow
        The alerts.
    reasons : mapping of int to str
        Why each is told of, by its number.
    person : str
        Name of the person who is told; empty where it is a target, which gets no links.
    links : LinkSigner or None
        Makes links that acknowledge an alert.
    asset_name : callable
        Returns what people call an asset.
    """
    ordered = sorted(alerts, key=lambda one: (-LEVELS.index(one.level), one.id))
    by_case: dict[int, list[AlertRow]] = {}
    for alert in ordered:
        by_case.setdefault(alert.case_id or -alert.id, []).append(alert)
    lines = [
        _case_line(db, case, own, asset_name) if len(own) > 1 else _alert_line(own[0], reasons[own[0].id])
        for case, own in by_case.items()
    ]
    worst = ordered[0].level
    title = f"{len(ordered)} alerts, the worst {worst}"
    if len(ordered) == 1:
        title = f"Alert {ordered[0].id}, {worst}"
    elif len(by_case) == 1:
        title = f"Case {next(iter(by_case))}, {worst}: {len(ordered)} alerts"
    if set(reasons.values()) == {"escalated"}:
        title = f"Not acknowledged: {title}"
    return title, "\n".join([*lines, *_link_lines(db, ordered, person, links)])


def order_text(
    orders: Sequence[OrderRow],
    reasons: Mapping[int, Sequence[tuple[str, str]]],
    zone: tzinfo,
    asset_name: Callable[[str], str],
) -> tuple[str, str]:
    """Return the title and the text of a message about work orders: one line for each.

    Parameters
    ----------
    orders : sequence of OrderRow
        The orders.
    reasons : mapping of int to sequence of (str, str)
        Why each is told of, with the part that arrived, by its number.
    zone : tzinfo
        Zone of the day on which an order is due.
    asset_name : callable
        Returns what people call an asset.
    """
    words = {row.id: _order_words(row, reasons[row.id], zone) for row in orders}
    title = f"{len(orders)} work orders"
    if len(orders) == 1:
        title = f"{number_of(orders[0].id)}: {words[orders[0].id]}"
    lines = [
        _one_line(
            f"{number_of(row.id)} ({row.priority}{_due_text(row)}): {words[row.id]}. {row.title}, "
            f"{asset_name(row.asset)}"
        )
        for row in orders
    ]
    return title, "\n".join(lines)


def log_line(db: orm.Session) -> str:
    """Return the line with the head of the log, which is thus kept where nobody can change it with the database."""
    return f"Maintenance log: {log.head_in(db)}"


def _alert_line(alert: AlertRow, reason: str) -> str:
    words = _ALERT_WORDS[reason]
    return _one_line(f"{alert.level}{', ' if words else ''}{words} (alert {alert.id}): {alert.message}")


def _case_line(db: orm.Session, case: int, alerts: Sequence[AlertRow], asset_name: Callable[[str], str]) -> str:
    numbers = ", ".join(str(alert.id) for alert in sorted(alerts, key=lambda alert: alert.id))
    members = [vars(Alert.of(row)) for row in db.scalars(sa.select(AlertRow).where(AlertRow.case_id == case))]
    whole = case_of(case, members)
    words = replace(whole, asset=asset_name(whole.asset))
    return _one_line(f"{alerts[0].level} (case {case}, alerts {numbers}): {words}")


def _link_lines(db: orm.Session, alerts: Sequence[AlertRow], person: str, links: LinkSigner | None) -> list[str]:
    """Return a line with a link for each alert; none where there is no key: the message goes out all the same."""
    if links is None or not person:
        return []
    lines = []
    for alert in alerts[:_MAX_LINKS]:
        try:
            url = links.url(alert.id, person, alert.annunciated_at or alert.raised_at, now(db))
        except LinkError:
            return []
        lines.append(f"Acknowledge alert {alert.id} as {person}: {url}")
    return ["", *lines]


def _order_words(row: OrderRow, reasons: Sequence[tuple[str, str]], zone: tzinfo) -> str:
    arrived = list(dict.fromkeys(detail for reason, detail in reasons if reason == "part arrived" and detail))
    names = {reason for reason, _ in reasons}
    words = []
    if "assigned" in names:
        words.append("assigned to you")
    if arrived:
        words.append(_one_line(f"{'part' if len(arrived) == 1 else 'parts'} arrived: {', '.join(arrived)}"))
    if "overdue" in names:
        words.append("overdue")
    elif "due" in names:
        words.append("due soon" if row.due is None else f"due {row.due.astimezone(zone):%A}")
    return ", ".join(words)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _due_text(row: OrderRow) -> str:
    return "" if row.due is None else f", due {_text(row.due)}"


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
