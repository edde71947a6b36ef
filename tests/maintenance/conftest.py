"""A maintenance database of each kind, and a clock that tests turn."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from workbench.maintenance.alerts.raising import Finding
from workbench.maintenance.database import Database

START = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _postgres_binaries() -> Path | None:
    named = shutil.which("pg_ctl")
    folders = [Path(named).parent] if named else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _exists(user: str) -> bool:
    return any(entry.pw_name == user for entry in pwd.getpwall())


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server of our own, on a socket in a temporary folder."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    as_root = os.geteuid() == 0  # the server refuses to run as root
    user = next((name for name in ("postgres", "nobody") if _exists(name)), None) if as_root else None
    if as_root and user is None:
        pytest.skip("PostgreSQL does not run as root, and there is nobody else")
    as_user: dict[str, Any] = {"user": user, "extra_groups": []} if user else {}
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        quiet = {"check": True, "capture_output": True, "cwd": folder, **as_user}
        subprocess.run([binaries / "initdb", "-D", data, "-U", "wb", "-A", "trust", "--no-sync"], **quiet)
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        start = [binaries / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"]
        silent = {**quiet, "capture_output": False, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(start, **silent)
        try:
            yield f"postgresql+psycopg://wb@/postgres?host={folder}"
        finally:
            subprocess.run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)


@pytest.fixture
def fresh_postgres(postgres: str) -> str:
    """URL of an empty database on that server."""
    plain = postgres.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS maintenance WITH (FORCE)")
        connection.execute("CREATE DATABASE maintenance")
    return postgres.replace("/postgres?", "/maintenance?")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'maintenance.db'}"
    url: str = request.getfixturevalue("fresh_postgres")
    return url


@pytest.fixture
def database(url: str, clock: Clock) -> Iterator[Database]:
    opened = Database(url, clock)
    yield opened
    opened.close()


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Make a finding on P-1; keywords change it."""

    def make(**changed: object) -> Finding:
        start, end = int(changed.get("start_sample", 100)), int(changed.get("end_sample", 120))  # type: ignore[call-overload]
        channel = str(changed.get("channel", "P-1"))
        values = {
            "channel": channel,
            "asset": "SMAP",
            "subsystem": channel[0],
            "units": "",
            "kind": "model",
            "start_sample": start,
            "end_sample": end,
            "start_time": None,
            "end_time": None,
            "level": "high",
            "severity": 9.0,
            "value": 0.5,
            "threshold": 0.1,
            "source": f"{channel}.lstm/1",
            "message": f"{channel} left its forecast",
            "ongoing": True,
        }
        return Finding(**(values | changed))

    return make
