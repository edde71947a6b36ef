"""What is opened is closed: databases by sessions, registries, commands, jobs, servers and kernels, as files tell."""

import asyncio
import gc
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel
from typer.testing import CliRunner

import workbench as wb
from tests.conftest import wave_channel
from tests.homes import copy_of
from workbench.cli import app
from workbench.dashboard.metrics import Metrics
from workbench.exceptions import MaintenanceError
from workbench.maintenance.database import Database
from workbench.models import Registry
from workbench.session import Session

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are read from /proc")


def open_databases(folder: Path) -> list[str]:
    """Files under a folder that this process holds open, and that are databases, or were before they were removed."""
    names = []
    for entry in os.scandir("/proc/self/fd"):
        try:
            names.append(os.readlink(entry.path))
        except FileNotFoundError:  # that of the listing itself
            continue
    return sorted(name for name in names if name.startswith(str(folder)) and ".db" in name)


def make_home(home: Path) -> None:
    """Make a home with two channels, each with a model."""
    with wb.open(home=home) as session:
        for seed, name in enumerate(("X-1", "X-2")):
            session.archive.write(wave_channel(name), wave_channel(name, 3000, seed))
        session.train(forecaster="persistence")


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of("persistence", make_home, tmp_path_factory, tmp_path / "home")


def use(session: Session) -> None:
    """Have a session open the databases of models and of maintenance."""
    session.train("X-1", "persistence", force=True)
    session.score("X-1", "persistence")
    session.maintenance.people.set("Ann", "boss")


def test_a_session_closes_what_it_opened_and_can_be_used_on(home):
    with wb.open(home=home) as session:
        use(session)
        assert {Path(name).name for name in open_databases(home)} >= {"mlflow.db", "maintenance.db"}
        assert len(session.registry.cache) == 1
    assert open_databases(home) == []
    assert len(session.registry.cache) == 0
    session.close()
    assert len(session.maintenance.people.list()) == 1
    use(session)
    assert open_databases(home) != []
    session.close()
    assert open_databases(home) == []


def test_a_session_that_opened_nothing_is_closed_too(home):
    wb.open(home=home).close()
    assert not (home / "maintenance.db").exists()


def test_one_that_fails_is_closed(home):
    with pytest.raises(ZeroDivisionError), wb.open(home=home) as session:
        use(session)
        raise ZeroDivisionError
    assert open_databases(home) == []


def test_a_registry_that_makes_its_database_leaves_no_file_open(tmp_path):
    with Registry(tmp_path / "registry") as registry:
        registry.check_writable()
        assert {Path(name).name for name in open_databases(tmp_path)} == {"mlflow.db"}
    assert open_databases(tmp_path) == []
    assert registry.list() == []


def test_one_registry_that_closes_leaves_another_of_the_same_store_usable(home):
    one = Registry(home / "registry")
    other = Registry(home / "registry")
    for registry in (one, other):
        registry.check_writable()
    one.close()
    other.check_writable()
    other.close()
    assert open_databases(home) == []


def test_what_is_dropped_is_closed(home):
    session = wb.open(home=home)
    use(session)
    del session
    gc.collect()
    assert open_databases(home) == []


def test_a_file_that_is_no_database_is_not_held_open(tmp_path):
    path = tmp_path / "maintenance.db"
    path.write_text("no database at all" * 100)
    database = Database(f"sqlite:///{path}", lambda: datetime.now(UTC))
    with pytest.raises(MaintenanceError, match="is not an SQLite database"), database.reading():
        pass
    assert open_databases(tmp_path) == []


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Every session that is opened from now on: none is dropped, so that only closing it closes its files."""
    opened: list[Session] = []
    made = Session.__init__

    def keep(self: Session, *given: Any, **options: Any) -> None:
        made(self, *given, **options)
        opened.append(self)

    monkeypatch.setattr(Session, "__init__", keep)
    return opened


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["train", "--all", "--forecaster", "persistence", "--force"], 0),
        (["score", "--all"], 0),
        (["run", "--no-serve"], 0),
        (["alerts", "list"], 0),
        (["alerts", "ack", "99", "--who", "Ann"], 2),
        (["orders", "list"], 0),
        (["log", "verify"], 0),
        (["kpis"], 0),
        (["plan", "--show"], 0),
        (["models", "promote", "X-1.persistence", "9"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_a_command_closes_what_it_opened(home, sessions, words, code):
    result = CliRunner().invoke(app, ["--home", str(home), *words])
    os.environ.pop("WORKBENCH_HOME", None)
    assert result.exit_code == code, result.output
    assert len(sessions) == 1
    assert open_databases(home) == []


def test_the_metrics_of_the_server_close_their_session(home, tmp_path, sessions):
    metrics = Metrics(tmp_path / "status", lambda: wb.open(home=home))
    assert b'workbench_readable{part="alerts"} 1.0' in asyncio.run(metrics.text())
    assert len(sessions) == 1
    assert open_databases(home) != []
    metrics.close()
    assert open_databases(home) == []


def test_metrics_that_nobody_asked_for_open_nothing(home, tmp_path):
    Metrics(tmp_path / "status", lambda: wb.open(home=home)).close()
    assert not (home / "maintenance.db").exists()


def test_a_kernel_closes_what_a_notebook_opened(home, tmp_path):
    environment = {**os.environ, "PYTHONWARNINGS": "ignore,default::ResourceWarning"}
    log = tmp_path / "kernel.log"
    with log.open("w") as errors:
        manager, client = start_new_kernel(kernel_name="python3", env=environment, stderr=errors)
    try:
        manager.shutdown_wait_time = 120.0  # then it would be killed
        lines = f"import workbench as wb; session = wb.open(home={str(home)!r}); session.maintenance.alerts.list()"
        assert client.execute_interactive(lines, timeout=120)["content"]["status"] == "ok"
        assert (home / "maintenance.db-wal").exists()
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    assert not (home / "maintenance.db-wal").exists()
    assert "unclosed database" not in log.read_text()


def test_a_program_that_closes_nothing_ends_without_a_warning(home, tmp_path):
    code = f"""
import workbench as wb
session = wb.open(home={str(home)!r})
session.train("X-1", "persistence", force=True)
session.score("X-1")
session.maintenance.people.set("Ann", "boss")
session.loop = session  # the collector's
"""
    command = [sys.executable, "-X", "dev", "-W", "ignore", "-W", "default::ResourceWarning", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, cwd=tmp_path)
    assert "unclosed" not in done.stderr
    assert not (home / "maintenance.db-wal").exists()  # SQLite removes it with the last connection
