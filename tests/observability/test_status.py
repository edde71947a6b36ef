"""What server and kernels tell each other."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from workbench.dashboard.watch import Watch
from workbench.models.cache import ModelCache
from workbench.observability.status import (
    STATUS_VARIABLE,
    KernelReport,
    kernel_file,
    read_status,
    server_file,
    status_folder,
)
from workbench.observability.timings import TIMINGS, Timings


class Manager:
    """Kernels by name, each with a process and connections."""

    def __init__(self):
        self.kernels, self._kernel_connections = {}, {}

    def list_kernel_ids(self):
        return list(self.kernels)

    def get_kernel(self, name):
        return self.kernels[name]

    def add(self, name, pid, *, state="idle"):
        self.kernels[name] = SimpleNamespace(
            provisioner=SimpleNamespace(pid=pid), execution_state=state, last_activity=datetime(2026, 1, 1, tzinfo=UTC)
        )
        self.kernels[name].trait_has_value = lambda trait: hasattr(self.kernels[name], trait)


@pytest.fixture
def process():
    started = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield started
    started.kill()
    started.communicate()


@pytest.fixture
def manager():
    return Manager()


@pytest.fixture
def places():
    return SimpleNamespace(waiting=set())


@pytest.fixture
def watch(tmp_path, manager, places):
    return Watch(manager, places, 4, tmp_path / "status", tmp_path / "dashboard.log")


def report(seconds=0.1, hits=3, size=1000):
    timings = Timings()
    timings.add("Overview", "refresh", seconds)
    cache = {"hits": hits, "misses": 1, "evictions": 0, "bytes": size, "models": 1}
    return json.dumps({"timings": timings.to_json(), "cache": cache})


def test_a_kernel_that_has_just_been_asked_for_is_left_out(watch, manager, process):
    """Jupyter notes its last activity a little after its process has begun."""
    manager.add("new", process.pid)
    del manager.kernels["new"].last_activity
    watch.look()


def test_a_page_reads_what_the_server_saw(watch, manager, places, process, tmp_path):
    folder = tmp_path / "status"
    assert read_status(folder) is None, "the server has not looked yet"
    manager.add("k", process.pid, state="busy")
    manager._kernel_connections["k"] = 1
    watch.count_page("workbench")
    watch.count_page("overview")
    watch.count_page("workbench")
    watch.refused()
    watch.look()
    kernel_file(folder, process.pid).write_text(report(), encoding="utf-8")
    status = read_status(folder)
    assert (status.budget, status.opened, status.refused) == (4, {"workbench": 2, "overview": 1}, 1)
    server, kernel = status.processes
    assert (server.role, server.pid, kernel.pid) == ("server", os.getpid(), process.pid)
    assert (kernel.state, kernel.busy) == ("open", True)
    assert kernel.last == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert status.timings.groups()["Overview"].count == 1
    assert status.cache == {"hits": 3, "misses": 1, "evictions": 0, "bytes": 1000, "models": 1}
    assert len(status.history) == 1


def test_what_a_kernel_does_is_told_from_its_connections(watch, manager, places, process):
    manager.add("k", process.pid, state="busy")

    def state():
        watch.look()
        return watch.status.processes[1].state, watch.status.processes[1].busy

    assert state() == ("starting", False)
    places.waiting.add("k")
    assert state() == ("waiting", False)
    places.waiting.clear()
    manager._kernel_connections["k"] = 1
    assert state() == ("open", True)
    manager._kernel_connections["k"] = 0
    assert state() == ("left", False)


def test_counts_of_an_ended_kernel_go_on_and_its_memory_does_not(watch, manager, process, tmp_path):
    folder = tmp_path / "status"
    manager.add("k", process.pid)
    kernel_file(folder, process.pid).write_text(report(), encoding="utf-8")
    watch.look()
    process.kill()
    process.wait()
    watch.look()
    assert len(watch.status.processes) == 1
    manager.kernels.clear()
    for _ in range(2):
        watch.look()
        assert not kernel_file(folder, process.pid).exists()
        status = read_status(folder)
        assert status.timings.groups()["Overview"].count == 1
        assert status.cache == {"hits": 3, "misses": 1, "evictions": 0, "bytes": 0, "models": 0}


def test_a_kernel_tells_of_itself_and_only_when_something_has_changed(watch, monkeypatch, tmp_path):
    folder = tmp_path / "status"
    watch.look()
    monkeypatch.setenv(STATUS_VARIABLE, str(folder))
    cache = ModelCache(100)
    told = KernelReport(cache)
    cache.get("model", lambda: ("loaded", 60))
    told.tell()
    file = kernel_file(folder, os.getpid())
    assert json.loads(file.read_text())["cache"]["misses"] == 1
    file.unlink()
    told.tell()
    assert not file.exists()
    TIMINGS.add("Test of status", "refresh", 0.1)
    told.tell()
    assert read_status(folder).timings.groups()["Test of status"].count == 1
    TIMINGS.add("Test of status", "refresh", 0.1)
    assert read_status(folder, told).timings.groups()["Test of status"].count == 2, "its own is not an old file's"


def test_without_a_server_or_after_its_end_nothing_is_told_or_read(watch, monkeypatch, tmp_path):
    told = KernelReport(ModelCache(100))
    monkeypatch.delenv(STATUS_VARIABLE, raising=False)
    told.tell()
    assert (status_folder(), read_status(None)) == (None, None)
    monkeypatch.setenv(STATUS_VARIABLE, str(tmp_path / "gone"))
    told.tell()
    assert status_folder() is None
    watch.look()
    file = server_file(tmp_path / "status")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"at": time.time() - 60}), encoding="utf-8")
    assert read_status(tmp_path / "status") is None


def test_the_server_s_log_begins_anew_while_it_runs(watch, tmp_path):
    log = tmp_path / "dashboard.log"
    log.write_bytes(b"x" * (8 * 2**20 + 1))
    watch.look()
    assert not log.exists()
    assert (tmp_path / "dashboard.log.1").exists()
