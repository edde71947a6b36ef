"""Kill writers of the maintenance database at random moments: `python -m benchmarks.kill_writers [--kills 200]`.

Three writers raise, acknowledge, comment on and close alerts at once, one alert among them shared, and tell of each
change after it was committed. At random moments one of them gets SIGKILL and another takes its place. Afterwards
every change that was told of must be there, with its row in the log; the chain must verify, no update may be lost,
and SQLite's own check must find nothing.
"""

import argparse
import multiprocessing
import multiprocessing.connection
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.raising import Finding
from workbench.maintenance.alerts.table import ALERTS
from workbench.maintenance.database import Database

WRITERS = 3


def utc_now():
    return datetime.now(UTC)


def finding(channel, start):
    """What raises an alert on a channel."""
    return Finding(
        channel=channel,
        asset="A",
        subsystem="C",
        units="",
        kind="model",
        start_sample=start,
        end_sample=start + 9,
        start_time=None,
        end_time=None,
        level="high",
        severity=1.0,
        value=2.0,
        threshold=1.0,
        source="m/1",
        message="x",
        ongoing=True,
    )


def write(url, who, shared, told):
    """Change alerts until killed; tell of each change once it is committed."""
    alerts = Alerts(Database(url, utc_now, patience=60.0))
    for start in range(0, 10**9, 10):
        (number,) = alerts.raise_findings([], [finding(who, start)]).raised
        told.send((number, "raised"))
        alerts.acknowledge(number, who)
        told.send((number, "acknowledged"))
        alerts.comment(shared, who, f"{who} was here after {start}")
        told.send((shared, "commented"))
        alerts.close(number, who, "test")
        told.send((number, "closed"))


def start(context, url, who, shared):
    """Start a writer; gives its process and the end of its pipe."""
    hears, tells = context.Pipe(duplex=False)
    process = context.Process(target=write, args=(url, who, shared, tells), daemon=True)
    process.start()
    tells.close()
    return process, hears


def kill(process, hears):
    """Kill a writer; gives what it had told of."""
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    told = []
    try:
        while True:
            told.append(hears.recv())
    except (EOFError, OSError):
        return told  # the last message may be cut off: then it was never heard
    finally:
        hears.close()


def check(database, told):
    """Compare the database with what writers told; gives what is wrong."""
    wrong = []
    verified = log.verify(database)
    if not verified.ok:
        wrong.append(str(verified))
    rows = log.entries(database)[["subject", "action"]].itertuples(index=False, name=None)
    there = Counter(rows)
    missing = Counter((f"alert:{number}", action) for number, action in told) - there
    wrong += [f"{subject} {action}: told {count} times too often" for (subject, action), count in missing.items()]
    changes = Counter(subject for subject, _ in there.elements())
    with database.reading() as db:
        for number, version in db.execute(sa.select(ALERTS.c.id, ALERTS.c.version)):
            if version != changes[f"alert:{number}"]:
                wrong.append(f"alert {number} has version {version}, but {changes[f'alert:{number}']} rows in the log")
        if database.engine.dialect.name == "sqlite":
            found = db.scalar(sa.text("PRAGMA integrity_check"))
            wrong += [] if found == "ok" else [f"integrity_check: {found}"]
    return wrong


def kill_writers(url, kills, seed=0):
    """Kill so many writers; gives how many changes they told of, and what is wrong afterwards."""
    chance = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([Alerts.__module__])
    database = Database(url, utc_now, patience=60.0)
    (shared,) = Alerts(database).raise_findings([], [finding("shared", 0)]).raised
    told = []
    running = [start(context, url, f"W-{i}", shared) for i in range(WRITERS)]
    for i in range(kills):
        place = chance.randrange(WRITERS)
        process, hears = running[place]
        if hears.poll(60):  # it has begun
            multiprocessing.connection.wait([process.sentinel], timeout=chance.uniform(0, 0.1))
        told += kill(process, hears)
        running[place] = start(context, url, f"W-{WRITERS + i}", shared)
    for process, hears in running:
        told += kill(process, hears)
    wrong = check(database, told)
    database.close()
    return len(told), wrong


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill_writers", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--url", help="a fresh PostgreSQL database; SQLite in a temporary folder where omitted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'maintenance.db'}"
        began = time.perf_counter()
        told, wrong = kill_writers(url, options.kills, options.seed)
        print(f"{options.kills} kills, {told:,} changes committed, {time.perf_counter() - began:.0f} s")
    print("\n".join(wrong) or "Every change is there, the log verifies, no update is lost.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
