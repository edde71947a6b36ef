"""Fixtures that all tests share."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import settings

import workbench as wb
from tests.homes import copy_of, share_maintenance_tables
from workbench.maintenance.database import Database
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel

T = TypeVar("T", bound=Hashable)

SHARED = Path(__file__).parents[2] / "shared"

MEMORY = Path("/dev/shm")
LEAST_FREE = 8 * 2**30  # several times what a whole round has at once

signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored, by children too
settings.register_profile("untimed", deadline=None)  # speed is measured in benchmarks/, not asserted here
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of rounds on a further Python: cases of one test, and tests of one file, seldom differ by it."""
    parser.addoption("--first-cases", action="store_true", help="of each parametrized test run the first case only")
    parser.addoption("--every", type=int, default=1, metavar="N", help="of each file run every N-th test only")


def pytest_configure() -> None:
    """Let temporary folders lie in memory where it has room: each commit that is tested writes through to the disk."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > LEAST_FREE:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long rounds unless `-m` names them, and the NASA tier without its data; begin with long files."""
    if "long" not in config.getoption("markexpr"):
        _leave_out(config, items, lambda item: item.get_closest_marker("long") is not None)
    tests: Counter[str] = Counter()
    files: Counter[Path] = Counter()
    if config.getoption("first_cases"):
        _leave_out(config, items, lambda item: _count(tests, item.nodeid.partition("[")[0]) > 0)
    if (step := config.getoption("every")) > 1:
        _leave_out(config, items, lambda item: _count(files, item.path) % step > 0)
    _sort_long_files_first(items)
    if (SHARED / "nasa" / "smap_msl.zip").exists():
        return
    if os.environ.get("REQUIRE_NASA"):
        raise pytest.UsageError(f"The NASA tier must run here, but {SHARED / 'nasa'} holds no smap_msl.zip.")
    for item in items:
        if "nasa" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="../shared/nasa is not there"))


def _leave_out(config: pytest.Config, items: list[pytest.Item], unwanted: Callable[[pytest.Item], bool]) -> None:
    kept: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        (others if unwanted(item) else kept).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = kept


def _count(seen: Counter[T], key: T) -> int:
    """Count one more of a key, and return how many there were before."""
    seen[key] += 1
    return seen[key] - 1


def _sort_long_files_first(items: list[pytest.Item]) -> None:
    """Sort files by the number of their slow tests: one that is begun last keeps one process busy, the other idle."""
    slow_tests = Counter(item.path for item in items if {"slow", "browser"} & set(item.keywords))
    items.sort(key=lambda item: -slow_tests[item.path])


@pytest.fixture(autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Take settings of the environment away, and those that a command left there for fixtures of modules to see."""
    _forget_settings()
    yield
    _forget_settings()


def _forget_settings() -> None:
    for name in list(os.environ):
        if name.startswith("WORKBENCH_"):
            del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def _tables_are_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        share_maintenance_tables(patch, tmp_path_factory)
        yield


@pytest.fixture(scope="session")
def nasa_zip() -> Path:
    """NASA's SMAP and MSL telemetry in Telemanom's layout."""
    return SHARED / "nasa" / "smap_msl.zip"


@pytest.fixture(scope="session")
def reference_folder() -> Path:
    """Reference vectors of the dynamic threshold."""
    return SHARED / "reference" / "ndt"


def wave_channel(name: str = "X-1", n: int = 1200, seed: int = 0, *, spike: int | None = None) -> xr.Dataset:
    """A noisy wave that steps when its command is on; `spike` displaces 40 samples."""
    random = np.random.default_rng(seed)
    command = (np.arange(n) // 100 % 2).astype(np.int8)
    telemetry = np.sin(np.arange(n) / 25) * 0.4 + 0.2 * command + random.normal(0, 0.01, n)
    if spike is not None:
        telemetry[spike : spike + 40] += 1.5
    return make_channel(telemetry, command[:, None], channel=name, asset="XAVER", subsystem=name[0], source="test")


def make_tiny_archive(home: Path, index_url: str | None = None) -> Archive:
    """Write two channels, X-1 with a labelled anomaly at 2000 to 2039, X-2 labelled normal."""
    archive = Archive(home / "archive.zarr", index_url)
    spiked = pd.DataFrame({"start": [2000], "end": [2039], "kind": ["point"]})
    archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000), spiked)
    archive.write(wave_channel("X-2", seed=2), wave_channel("X-2", 3000, 3), spiked.iloc[:0])
    return archive


def make_trained_home(home: Path) -> None:
    """Make a home with the tiny archive and a model of each channel."""
    make_tiny_archive(home)
    with wb.open(home=home) as session:
        assert session.train()["status"].tolist() == ["trained", "trained"]


@pytest.fixture
def tiny_archive(tmp_path: Path) -> Archive:
    """Two channels, X-1 with a labelled anomaly at 2000 to 2039, X-2 labelled normal."""
    return make_tiny_archive(tmp_path)


@pytest.fixture
def trained_home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the tiny archive and a ridge of each of its channels."""
    return copy_of("trained", make_trained_home, tmp_path_factory, tmp_path)


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
    """URL of a maintenance database on that server in which nothing was written yet."""
    import psycopg

    plain = postgres.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS maintenance WITH (FORCE)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'tables'").fetchone():
            connection.execute("CREATE DATABASE tables")
            with Database(postgres.replace("/postgres?", "/tables?"), lambda: datetime.now(UTC)) as made:
                made._migrate()
        connection.execute("CREATE DATABASE maintenance TEMPLATE tables")
    return postgres.replace("/postgres?", "/maintenance?")
