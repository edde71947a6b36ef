"""Dask clusters for tests, and what is compared of the scores that they make."""

import gc
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
from distributed import LocalCluster

from workbench.telemetry.archive import Archive

QUIET = {"dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}, "threads_per_worker": 1}
_COLLECTIONS = 50
OF_THE_RUN = {"seconds", "scored_at"}


@contextmanager
def workers_of(count: int, *, processes: bool) -> Iterator[LocalCluster]:
    """Start a scheduler with workers, in this process or each in its own."""
    where: dict[str, Any] = {} if processes else {"processes": False, "protocol": "tcp://"}
    with LocalCluster(n_workers=count, **QUIET, **where) as cluster:
        scheduler = int(cluster.scheduler_address.rpartition(":")[2])
        yield cluster
    for _ in range(_COLLECTIONS):  # Dask leaves sockets to the collector, which would complain in some later test
        gc.collect()
        if not any(one.raddr and one.raddr.port == scheduler for one in psutil.Process().net_connections("tcp")):
            return
        time.sleep(0.1)  # its loop still holds one


def score_files(store: Path) -> dict[str, bytes]:
    """The bytes of every variable of every score, and its attributes but for when it was made and how long it took."""
    archive = Archive(store)
    contents = {}
    for channel in archive.channels():
        for key in archive.scores(channel):
            scored = archive.open_scores(channel, key).load()
            kept = {name: value for name, value in scored.attrs.items() if name not in OF_THE_RUN}
            contents[f"{channel}/{key}"] = json.dumps(kept, sort_keys=True).encode()
            contents |= {f"{channel}/{key}/{name}": one.values.tobytes() for name, one in scored.variables.items()}
    return contents


def remove_scores(store: Path) -> None:
    """Remove every score of an archive."""
    archive = Archive(store)
    with closing(sqlite3.connect(archive.index.file)) as connection, connection:
        connection.execute("DELETE FROM score")
        connection.execute("DELETE FROM piece WHERE part LIKE 'scores/%'")
