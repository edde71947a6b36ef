"""Maintenance with 100,000 alerts and 10,000 work orders on SQLite: lists, figures, writes and the log."""

import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.maintenance_data import ASSETS, PRESENT, asset_of, fill, subsystem_of
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.raising import Finding
from workbench.maintenance.alerts.verdicts import judged_alerts
from workbench.maintenance.database import Database
from workbench.maintenance.kpis.alarms import alarm_figures
from workbench.maintenance.orders.orders import WorkOrders

ALERTS, ORDERS, SCREEN, LOG = 100_000, 10_000, 200, 100_000
TIMES, WRITES = 15, 200
WHO = "Ada"


def row(name: str, value: float, unit: str, below: float | None = None) -> dict[str, Any]:
    target = "" if below is None else f"< {below:g}"
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": below is None or value < below}


def p95_ms(work: Callable[[], object], times: int = TIMES) -> float:
    """The 95th percentile of the time that a piece of work takes, once it has run."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.percentile(taken, 95) * 1e3)


def finding(number: int) -> Finding:
    """One anomaly behind all that is there, on one channel after the other."""
    channel, at = number % 400, PRESENT + timedelta(hours=number)
    return Finding(
        channel=f"P-{channel}",
        asset=asset_of(channel),
        subsystem=subsystem_of(channel),
        units="V",
        kind="model",
        start_sample=10_000_000 + 100 * number,
        end_sample=10_000_020 + 100 * number,
        start_time=at,
        end_time=at + timedelta(minutes=1),
        level="high",
        severity=9.0,
        value=0.5,
        threshold=0.1,
        source=f"P-{channel}.lstm/1",
        message=f"P-{channel} left its forecast",
        ongoing=True,
    )


def lists(alerts: Alerts, orders: WorkOrders) -> dict[str, Callable[[], object]]:
    """Every list, filter and figure as a screen asks for it."""
    day, month = (PRESENT - timedelta(days=days) for days in (1, 30))
    on_alerts: dict[str, dict[str, Any]] = {
        "shown": {},
        "shown, worst first": {"order": "worst"},
        "shown, oldest first": {"order": "oldest"},
        "shown, by channel": {"order": "channel"},
        "open": {"state": "open"},
        "closed": {"state": "closed"},
        "all": {"state": None},
        "all, worst first": {"state": None, "order": "worst"},
        "all, page 400": {"state": None, "offset": 399 * SCREEN},
        "one state": {"state": "returned"},
        "shown, high and above": {"level": "high"},
        "all, critical": {"state": None, "level": "critical"},
        "an asset": {"state": None, "asset": ASSETS[3]},
        "an asset, shown": {"asset": ASSETS[3]},
        "a channel": {"state": None, "channel": "P-7"},
        "limits": {"state": None, "kind": "limit"},
        "a verdict": {"state": None, "verdict": "known behaviour"},
        "text that is there": {"state": None, "text": "p-77"},
        "text that is nowhere": {"state": None, "text": "nowhere"},
        "shown, text": {"text": "p-77"},
        "last day": {"state": None, "since": day},
        "last month, an asset, high": {"state": None, "since": month, "asset": ASSETS[3], "level": "high"},
    }
    on_orders: dict[str, dict[str, Any]] = {
        "active": {},
        "all": {"state": None},
        "completed": {"state": "completed"},
        "overdue": {"overdue": True},
        "an asset": {"state": None, "asset": ASSETS[3]},
        "a channel": {"state": None, "channel": "P-7"},
        "a technician": {"assignee": "Technician 3"},
        "a type": {"state": None, "type": "emergency"},
        "urgent": {"priority": "urgent"},
        "text that is nowhere": {"state": None, "text": "nowhere"},
        "last month": {"state": None, "since": month},
    }
    work: dict[str, Callable[[], object]] = {}
    for name, given in on_alerts.items():
        work[f"alerts: {name}, {SCREEN} rows"] = lambda given=given: alerts.list(limit=SCREEN, **given)
    for name in ("shown", "shown, high and above", "an asset", "a channel", "text that is nowhere", "last day"):
        work[f"alerts: {name}, no limit"] = lambda given=on_alerts[name]: alerts.list(**given)
    for name, given in on_orders.items():
        work[f"orders: {name}, {SCREEN} rows"] = lambda given=given: orders.list(limit=SCREEN, **given)
    for name in ("active", "a channel"):
        work[f"orders: {name}, no limit"] = lambda given=on_orders[name]: orders.list(**given)
    for by in ("level", "state", "asset", "channel", "kind", "verdict"):
        work[f"alerts: all counted by {by}"] = lambda by=by: alerts.count(by, state=None)
    work["alerts: shown ones counted by level"] = alerts.count
    for name, since in (("a day", day), ("30 days", month), ("a year", PRESENT - timedelta(days=365))):
        work[f"alarm figures of {name}"] = lambda since=since: alarm_figures(
            alerts.database, alerts.options, since, PRESENT
        )
    work["alerts that were judged, of 10 channels"] = lambda: judged_alerts(
        alerts.database, [f"P-{number}" for number in range(10)]
    )
    return work


def writes(alerts: Alerts, orders: WorkOrders) -> list[dict[str, Any]]:
    """Raise alerts one by one, and complete an order for each of some."""
    numbers = iter(range(1_000_000))

    def raise_one() -> None:
        one = finding(next(numbers))
        if len(alerts.raise_findings([], [one]).raised) != 1:
            raise RuntimeError(f"{one} did not raise one alert.")

    rows = [row("raise an alert with its row of the log, p95", p95_ms(raise_one, WRITES), "ms", 10)]
    ready = []
    for alert in alerts.list(since=PRESENT, limit=60)["id"].tolist():
        order = orders.from_alerts([alert], WHO, checklist=[])
        ready.append(orders.start(orders.assign(order.number, "Technician 1", WHO).number, WHO).number)
    waiting = iter(ready)
    given = {"done": "replaced", "hours": 1.0, "failure": "functional failure", "mode": "PDE", "verdict": "true"}
    completed = p95_ms(lambda: orders.complete(next(waiting), WHO, **given), len(ready) - 1)
    rows.append(row("complete an order with its alert, p95", completed, "ms"))
    return rows


def verifying(database: Database) -> dict[str, Any]:
    written = len(log.entries(database))
    with database.writing() as db:
        for number in range(LOG - written):
            log.append(db, f"alert:{number + 1}", "commented", WHO, {"comment": "one of many"})
    start = time.perf_counter()
    found = log.verify(database)
    taken = time.perf_counter() - start
    if not found.ok or found.entries != LOG:
        raise RuntimeError(str(found))
    return row(f"verify a log of {LOG:,} rows", taken, "s")


def run() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'maintenance.db'}", lambda: PRESENT)
        fill(database, ALERTS, ORDERS)
        alerts, orders = Alerts(database), WorkOrders(database)
        rows = [row(f"{name}, p95", p95_ms(work), "ms", 100) for name, work in lists(alerts, orders).items()]
        judged = len(judged_alerts(database))
        whole = {
            f"alerts that were judged, all {judged:,}": alerts.judged,
            f"alerts: all {ALERTS:,}, no limit": lambda: alerts.list(state=None),
        }
        rows += [row(f"{name}, p95", p95_ms(work, 5), "ms") for name, work in whole.items()]
        rows += writes(alerts, orders)
        rows.append(verifying(database))
        database.close()
    return rows


if __name__ == "__main__":
    for entry in run():
        state = "ok" if entry["ok"] else "MISSED"
        print(f"{entry['name']:<55} {entry['value']:>9.3f} {entry['unit']:<4} {entry['target']:<6} {state}")
