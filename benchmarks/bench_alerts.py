"""Alerts on SQLite: lists, filters and figures over 100,000 of them, raising one with its row of the log."""

import itertools
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from workbench.maintenance import log
from workbench.maintenance.alert_table import ALERTS, ANNUNCIATIONS, VERDICTS
from workbench.maintenance.alerts import Alerts
from workbench.maintenance.database import Database
from workbench.maintenance.options import AlertOptions
from workbench.maintenance.raising import Finding
from workbench.settings import LEVELS

COUNT, CHANNELS = 100_000, 500
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 90


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


def finding(number, start, level, now):
    """What raises one alert."""
    name = f"C-{number % CHANNELS}"
    return Finding(
        channel=name,
        asset=f"asset {number % 20}",
        subsystem="C",
        units="V",
        kind="limit" if number % 5 == 0 else "model",
        start_sample=start,
        end_sample=start + 50,
        start_time=now,
        end_time=now + timedelta(minutes=5),
        level=level,
        severity=float(number % 97) / 10,
        value=3.5,
        threshold=1.2,
        source=f"{name}.lstm/1",
        message=f"{name} left its forecast at sample {start:,}: the smoothed error reached 3.5 V, 2.9 times epsilon.",
        ongoing=True,
    )


def fill(database, clock, count):
    """Write alerts of 90 days with their rows of the log, past the API for speed; nine in ten are closed."""
    levels = np.random.default_rng(0).choice(LEVELS, count, p=[0.4, 0.3, 0.15, 0.1, 0.05]).tolist()
    step = timedelta(days=DAYS) / count
    for first in range(0, count, 10_000):
        numbers = range(first, min(first + 10_000, count))
        with database.writing() as db:
            rows = [row(i, levels[i], START + i * step) for i in numbers]
            db.execute(sa.insert(ALERTS), rows)
            shown = ("time", "raised_at"), ("channel", "channel"), ("kind", "kind"), ("level", "level")
            db.execute(
                sa.insert(ANNUNCIATIONS), [{"alert": one["id"], **{a: one[b] for a, b in shown}} for one in rows]
            )
            for one in rows:
                log.append(db, f"alert:{one['id']}", "raised", "bench", {"message": one["message"]})
        clock.now = START + numbers[-1] * step


def row(number, level, now):
    """One alert as it stands in the table."""
    closed = number % 10 > 0
    start = number // CHANNELS * 100
    found = {key: value for key, value in vars(finding(number, start, level, now)).items() if key != "ongoing"}
    return found | {
        "id": number + 1,
        "state": "closed" if closed else ("unacknowledged", "acknowledged", "returned")[number // 10 % 3],
        "condition": not closed,
        "active": not closed,
        "acknowledged": closed,
        "latching": False,
        "suppressed": False,
        "raised_at": now,
        "annunciated_at": now,
        "closed_at": now + timedelta(hours=5) if closed else None,
        "closed_by": "bench" if closed else None,
        "verdict": VERDICTS[number % 5] if closed else None,
        "comment": "",
        "version": 1,
    }


def p95(call, times):
    """95th percentile of the time a call takes, milliseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1000)
    return float(np.percentile(took, 95))


def below(name, value, limit, unit="ms"):
    return {"name": name, "value": value, "unit": unit, "target": f"< {limit}", "ok": value < limit}


def run(count=COUNT):
    """Fill a database, then time what views and the main job ask of it."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        database = Database(f"sqlite:///{Path(folder) / 'maintenance.db'}", clock)
        alerts = Alerts(database, AlertOptions())
        fill(database, clock, count)
        end = clock.now
        month, quarter = end - timedelta(days=30), START
        reads = {
            "shown, newest": lambda: alerts.list(limit=100),
            "shown, worst": lambda: alerts.list(order="worst", limit=100),
            "shown, oldest, page 50": lambda: alerts.list(order="oldest", limit=100, offset=5000),
            "all, newest": lambda: alerts.list(state=None, limit=100),
            "all, worst": lambda: alerts.list(state=None, order="worst", limit=100),
            "all, channel, page 500": lambda: alerts.list(state=None, order="channel", limit=100, offset=50_000),
            "closed": lambda: alerts.list(state="closed", limit=100),
            "high and above": lambda: alerts.list(level="high", limit=100),
            "one asset": lambda: alerts.list(state=None, asset="asset 7", limit=100),
            "one asset, high, worst": lambda: alerts.list(
                state=None, asset="asset 7", level="high", order="worst", limit=100
            ),
            "one channel": lambda: alerts.list(state=None, channel="C-77"),
            "kind": lambda: alerts.list(state=None, kind="limit", limit=100),
            "verdict": lambda: alerts.list(state=None, verdict="false alarm", limit=100),
            "a month": lambda: alerts.list(state=None, since=month, limit=100),
            "text that is there": lambda: alerts.list(state=None, text="c-77", limit=100),
            "text that is nowhere": lambda: alerts.list(state=None, text="nowhere", limit=100),
            "text, worst": lambda: alerts.list(text="forecast", order="worst", limit=100),
            "counted by level": lambda: alerts.count("level"),
            "counted by asset, all": lambda: alerts.count("asset", state=None),
            "history of one": lambda: alerts.history(count // 2),
            "figures, 30 days": lambda: alerts.figures(month, end),
            "figures, 90 days": lambda: alerts.figures(quarter, end),
        }
        slowest = 0.0
        for name, call in reads.items():
            value = p95(call, 20)
            slowest = max(slowest, value)
            rows.append(below(f"alerts, {name}, p95", value, 100))
        rows.append(below("alerts, slowest of these", slowest, 100))
        numbers = itertools.count(count)

        def raise_one():
            number = next(numbers)
            alerts.raise_findings(
                [(f"C-{number % CHANNELS}", "model")], [finding(number, number * 100, "high", clock.now)]
            )

        began = time.perf_counter()
        found = [finding(next(numbers), 10**6 + i, "low", clock.now) for i in range(CHANNELS)]
        raised = alerts.raise_findings([], found).raised
        took = time.perf_counter() - began
        rows.append(
            {"name": "alerts raised in one go", "value": len(raised) / took, "unit": "1/s", "target": "", "ok": True}
        )
        rows.append(below("alert raised, with its row of the log, p95", p95(raise_one, 300), 10))
        opened = alerts.list(state="shown", limit=300)["id"].tolist()
        close_one = iter(opened)
        rows.append(below("alert closed, p95", p95(lambda: alerts.close(next(close_one), "bench", "true"), 200), 10))
        began = time.perf_counter()
        checked = log.verify(database)
        took = time.perf_counter() - began
        rate = checked.entries / took
        rows.append({"name": "log verified", "value": rate, "unit": "rows/s", "target": "", "ok": checked.ok})
        database.close()
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
