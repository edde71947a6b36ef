"""Homes that are made once in a run of the tests, and copied by each test that changes them."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workbench.maintenance.database import Database

Make = Callable[[Path], None]


def made_once(name: str, make: Make, factory: pytest.TempPathFactory) -> Path:
    """Return the folder of this name, for reading only; the first process that asks for it makes it."""
    base = factory.getbasetemp()
    folder = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    home = folder / f"home-{name}"
    with (folder / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            making = folder / f"making-{name}"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            make(making)
            making.rename(home)
    return home


def copy_of(name: str, make: Make, factory: pytest.TempPathFactory, target: Path) -> Path:
    """Copy the home of this name to a folder; the first process that asks for it makes it."""
    return Path(shutil.copytree(made_once(name, make, factory), target, dirs_exist_ok=True))


def share_maintenance_tables(patch: pytest.MonkeyPatch, factory: pytest.TempPathFactory) -> None:
    """Let this process fill a new maintenance database with tables that migrations made once.

    A database of an earlier revision is migrated as ever, and so are those of other processes and on a server.
    """
    migrate = Database._migrate

    def make_tables(folder: Path) -> None:
        with Database(f"sqlite:///{folder / 'maintenance.db'}", lambda: datetime.now(UTC)) as database:
            migrate(database)

    def fill(database: Database) -> None:
        if database._file is None or database._revision() is not None:
            migrate(database)
            return
        tables = made_once("maintenance", make_tables, factory) / "maintenance.db"
        with database._alone(), closing(sqlite3.connect(tables)) as source:
            if database._revision() is None:
                with closing(sqlite3.connect(database._file)) as target:
                    source.backup(target)

    patch.setattr(Database, "_migrate", fill)
