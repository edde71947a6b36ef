"""Work in the workers of a Dask scheduler; most tests have scheduler and workers in this process."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import workers_of
from workbench.compute import Compute, map_channels
from workbench.compute import cluster as module
from workbench.compute.versions import present_versions
from workbench.exceptions import ComputeError, ModelError, WorkbenchError

pytestmark = pytest.mark.filterwarnings("default")  # Dask's own


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with workers_of(2, processes=False) as cluster:
        yield cluster.scheduler_address


def lengths(channel: str) -> int:
    if channel == "bad":
        raise ModelError("no model", "Train one.")
    return len(channel)


def broken(channel: str) -> None:
    raise ZeroDivisionError(channel)


def test_one_that_fails_does_not_stop_the_others(scheduler):
    names = ["a", "bad", *(f"P-{number}" for number in range(100))]
    results = dict(map_channels(lengths, names, compute=Compute(scheduler=scheduler)))
    assert str(results.pop("bad")) == "no model Train one."
    assert results == {name: len(name) for name in names if name != "bad"}


def test_a_defect_is_not_hidden(scheduler):
    with pytest.raises(ZeroDivisionError):
        list(map_channels(broken, ["a"], compute=Compute(scheduler=scheduler)))


def test_what_is_in_flight_is_cancelled_when_the_work_is_given_up(scheduler, tmp_path):
    work = map_channels(lengths, [f"P-{n}" for n in range(500)], compute=Compute(scheduler=scheduler), notes=tmp_path)
    next(work)
    work.close()
    assert list(tmp_path.iterdir()) == []
    assert dict(map_channels(lengths, ["a"], compute=Compute(scheduler=scheduler))) == {"a": 1}


def test_a_scheduler_that_cannot_be_reached_is_one_error():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ComputeError, match=f"The scheduler {address} cannot be reached.*workbench cluster"):
        list(map_channels(lengths, ["a"], compute=Compute(scheduler=address)))


def test_a_scheduler_without_workers_is_one_error(monkeypatch):
    monkeypatch.setattr(module, "_FIRST_WORKER_SECONDS", 0.1)
    with workers_of(0, processes=False) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(ComputeError, match=f"{address} has no workers. Start some: dask worker {address}"):
            list(map_channels(lengths, ["a"], compute=Compute(scheduler=address)))


def test_a_worker_of_another_version_is_refused_by_both(scheduler, monkeypatch):
    there = {**present_versions(), "numpy": "1.26.4"}
    monkeypatch.setattr(module, "_describe_worker", lambda marker: (there, Path(marker).exists()))
    message = rf"The worker tcp://\S+ has numpy 1.26.4, this process has numpy {present_versions()['numpy']}\."
    with pytest.raises(ComputeError, match=message):
        list(map_channels(lengths, ["a"], compute=Compute(scheduler=scheduler)))


def test_a_worker_that_does_not_see_the_home_is_named(scheduler, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_describe_worker", lambda marker: (present_versions(), False))
    with pytest.raises(ComputeError, match=rf"The worker tcp://\S+ does not see the folder {tmp_path}\."):
        list(map_channels(lengths, ["a"], compute=Compute(scheduler=scheduler), notes=tmp_path))


def test_dask_is_imported_only_when_a_scheduler_is_used(tmp_path):
    code = (
        "import sys, workbench.compute, workbench.cli.app, workbench.dashboard.server\n"
        "from workbench.settings import load_settings\n"
        "load_settings(compute='tcp://10.0.0.5:8786').place\n"
        "print(sorted({'dask', 'distributed'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "[]\n"


def killed(channel: str) -> int:
    if channel == "bad":
        os.kill(os.getpid(), signal.SIGKILL)
    return len(channel)


@pytest.mark.slow
def test_a_channel_that_kills_its_workers_fails_alone():
    names = ["a", "b", "bad", *(f"P-{number}" for number in range(20))]
    with workers_of(2, processes=True) as cluster:
        results = dict(map_channels(killed, names, compute=Compute(scheduler=cluster.scheduler_address)))
    bad = results.pop("bad")
    assert isinstance(bad, WorkbenchError)
    assert "The process that worked on bad was killed 3 times." in str(bad)
    assert results == {name: len(name) for name in names if name != "bad"}
