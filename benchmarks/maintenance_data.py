"""A maintenance database of some size, filled in bulk: what years of work leave behind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from workbench.maintenance.alerts.table import ALERTS, ANNUNCIATIONS, SHOWN, VERDICTS
from workbench.maintenance.database import Database, microseconds
from workbench.maintenance.orders.people import People
from workbench.maintenance.orders.priority import prioritise
from workbench.maintenance.orders.states import ORDER_TYPES
from workbench.maintenance.orders.table import ORDERS, OrderAlertRow
from workbench.parameters import LEVELS

PRESENT = datetime(2026, 3, 2, 8, tzinfo=UTC)
ASSETS = [f"SAT-{number}" for number in range(1, 21)]
CHANNELS = 500  # P-0 .. P-499, each on one asset
PEOPLE = [f"Technician {number}" for number in range(1, 11)]
SKILLS = ("mechanic", "electric", "software")
_YEARS = 3 * 365 * 86400


def asset_of(channel: int) -> str:
    return ASSETS[channel % len(ASSETS)]


def subsystem_of(channel: int) -> str:
    return "ABCDEFGPST"[channel // len(ASSETS) % 10]


def fill(database: Database, alerts: int, orders: int, open_share: float = 0.05, seed: int = 0) -> None:
    """Insert alerts of three years, a share of them open, and orders for some; the log keeps only the technicians."""
    for number, name in enumerate(PEOPLE):
        People(database).set(name, "setup", skills=[SKILLS[number % 3]], rate=40.0 + number)
    random = np.random.default_rng(seed)
    with database.writing() as db:
        rows = _alerts(random, alerts, open_share)
        db.execute(sa.insert(ALERTS), rows)
        shown = [(number, one) for number, one in enumerate(rows, 1) if one["annunciated_at"] is not None]
        names = ("channel", "kind", "level")
        db.execute(
            sa.insert(ANNUNCIATIONS),
            [{"alert": number, "time": one["raised_at"], **{n: one[n] for n in names}} for number, one in shown],
        )
        db.execute(sa.insert(ORDERS), [_order(random, number, rows) for number in range(1, orders + 1)])
        db.execute(
            sa.insert(OrderAlertRow),
            [{"order_id": number, "alert_id": _alert_of(number, alerts)} for number in range(1, orders + 1)],
        )


def _alert_of(order: int, alerts: int) -> int:
    """Spread the orders over the alerts, one each; the last ones are for the newest alerts."""
    return alerts - (order - 1) * 7 % alerts


def _alerts(random: np.random.Generator, count: int, open_share: float) -> list[dict[str, Any]]:
    seconds = np.sort(random.uniform(0, _YEARS, count))
    channels = random.integers(0, CHANNELS, count)
    levels = random.choice(len(LEVELS), count, p=[0.1, 0.5, 0.25, 0.1, 0.05])
    closed = random.random(count) > open_share * np.linspace(0, 2, count)  # most open ones are new
    states = random.choice([*SHOWN, "shelved", "suppressed"], count, p=[0.2, 0.3, 0.1, 0.2, 0.02, 0.08, 0.05, 0.05])
    verdicts = random.choice(VERDICTS, count, p=[0.5, 0.3, 0.1, 0.05, 0.05])
    limit = random.random(count) < 0.2
    rows = []
    for i in range(count):
        at = PRESENT - timedelta(seconds=_YEARS) + timedelta(seconds=float(seconds[i]))
        state = "closed" if closed[i] else str(states[i])
        seen = state in ("closed", "acknowledged", "cleared", "latched_acknowledged")
        channel = int(channels[i])
        rows.append(
            {
                "channel": f"P-{channel}",
                "asset": asset_of(channel),
                "subsystem": subsystem_of(channel),
                "kind": "limit" if limit[i] else "model",
                "start_sample": 50 * i,
                "end_sample": 50 * i + 20,
                "start_time": at,
                "end_time": at + timedelta(minutes=20),
                "clock": "time",
                "first_at": microseconds(at) * 1000,
                "last_at": microseconds(at + timedelta(minutes=20)) * 1000,
                "level": LEVELS[levels[i]],
                "severity": float(levels[i]) * 5 + i % 5,
                "value": 0.5,
                "threshold": 0.1,
                "units": "V",
                "source": "high warning" if limit[i] else f"P-{channel}.lstm/1",
                "message": f"P-{channel} left its forecast: the smoothed error reached 0.5 V, 5.0 times epsilon.",
                "state": state,
                "condition": state in ("unacknowledged", "acknowledged"),
                "active": state in ("unacknowledged", "acknowledged", "latched", "latched_acknowledged"),
                "acknowledged": seen,
                "latching": LEVELS[levels[i]] == "critical",
                "suppressed": state == "suppressed",
                "raised_at": at,
                "annunciated_at": None if state in ("shelved", "suppressed") else at,
                "acknowledged_at": at + timedelta(minutes=5) if seen else None,
                "acknowledged_by": "Ada" if seen else None,
                "cleared_at": at + timedelta(minutes=20) if state in ("closed", "cleared", "returned") else None,
                "escalated_at": None,
                "shelf": i + 1 if state == "shelved" else None,
                "shelved_at": PRESENT if state == "shelved" else None,
                "shelved_by": "Ada" if state == "shelved" else None,
                "shelved_why": "known" if state == "shelved" else None,
                "shelved_until": PRESENT + timedelta(days=1) if state == "shelved" else None,
                "closed_at": at + timedelta(hours=3) if state == "closed" else None,
                "closed_by": "Ada" if state == "closed" else None,
                "verdict": str(verdicts[i]) if state == "closed" else None,
                "comment": "",
                "version": 1,
            }
        )
    return rows


def _order(random: np.random.Generator, number: int, alerts: list[dict[str, Any]]) -> dict[str, Any]:
    alert = alerts[_alert_of(number, len(alerts)) - 1]
    states = ("open", "assigned", "in progress", "on hold", "completed", "cancelled")
    state = str(random.choice(states, p=[0.04, 0.02, 0.02, 0.02, 0.85, 0.05]))
    done = state == "completed"
    level, opened = str(alert["level"]), alert["raised_at"]
    priority = prioritise(level=level, alerts=number % 6, criticality=1 + number % 5, age=PRESENT - opened)
    return {
        "id": number,
        "asset": alert["asset"],
        "subsystem": alert["subsystem"],
        "channel": alert["channel"],
        "type": ORDER_TYPES[number % len(ORDER_TYPES)],
        "state": state,
        "title": f"Inspect {alert['channel']} on {alert['asset']}",
        "description": alert["message"],
        "score": priority.score,
        "priority": priority.name,
        "priority_parts": priority.to_json(),
        "failure_kind": "functional failure" if done else "",
        "failure_mode": "PDE" if done else "",
        "failure_cause": "",
        "failure_effect": "",
        "assignee": None if state == "open" else PEOPLE[number % len(PEOPLE)],
        "skills": [],
        "estimated_hours": 2.0,
        "actual_hours": 1.5 if done else None,
        "estimated_cost": 90.0,
        "actual_cost": 70.0 if done else None,
        "checklist": [],
        "attachments": [],
        "after": [],
        "stops_asset": True,
        "due": opened + timedelta(days=14),
        "not_before": None,
        "hold_reason": "waits for a part" if state == "on hold" else "",
        "done": "replaced" if done else "",
        "opened_at": opened,
        "opened_by": "Ada",
        "started_at": opened + timedelta(days=1) if state in ("in progress", "on hold", "completed") else None,
        "closed_at": opened + timedelta(days=2) if state in ("completed", "cancelled") else None,
        "preventive": None,
        "version": 1,
    }
