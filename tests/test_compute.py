import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.compute import Compute, map_channels
from workbench.exceptions import ModelError, WorkbenchError


def process_of(channel: str) -> int:
    if channel == "bad":
        raise ModelError("no model")
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_one_that_fails_does_not_stop_the_others(workers):
    results = dict(map_channels(process_of, ["a", "bad", "b"], compute=Compute(workers)))
    assert sorted(results) == ["a", "b", "bad"]
    assert isinstance(results["bad"], WorkbenchError)
    assert (os.getpid() in results.values()) == (workers == 1)


def test_a_defect_is_not_hidden():
    def broken(channel: str) -> None:
        raise ZeroDivisionError(channel)

    with pytest.raises(ZeroDivisionError):
        list(map_channels(broken, ["a"]))


def test_nothing_to_do():
    assert list(map_channels(process_of, [], compute=Compute(2))) == []


def killed(channel: str) -> int:
    if channel == "bad":
        os.kill(os.getpid(), signal.SIGKILL)
    return len(channel)


def test_a_killed_process_fails_its_channel_alone():
    results = dict(map_channels(killed, ["a", "bad", "b", "c"], compute=Compute(2)))
    assert "The process that worked on bad was killed 3 times." in str(results.pop("bad"))
    assert results == {"a": 1, "b": 1, "c": 1}


def threads(channel: str) -> set[int]:
    import numpy  # noqa: F401
    from threadpoolctl import threadpool_info

    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_each_process_has_one_thread_for_linear_algebra():
    assert dict(map_channels(threads, ["a", "b"], compute=Compute(2))) == {"a": {1}, "b": {1}}


ENDLESS = """
import os, sys, threading
from pathlib import Path
from tqdm import tqdm
from workbench.compute import Compute, map_channels

def endless(channel):
    tqdm([]).close()
    Path(sys.argv[1], channel).write_text(str(os.getpid()))
    threading.Event().wait()

if __name__ == "__main__":
    list(map_channels(endless, ["a", "b", "c", "d"], compute=Compute(2)))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_processes_end_with_the_one_that_started_them(tmp_path: Path, how: signal.Signals):
    script, started = tmp_path / "script.py", tmp_path / "started"
    script.write_text(ENDLESS)
    started.mkdir()
    parent = subprocess.Popen([sys.executable, script, started], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: sum(path.read_text() != "" for path in started.iterdir()) == 2)
    parent.send_signal(how)
    shown = parent.communicate(timeout=30)[1]
    wait_until(lambda: not any(Path("/proc", path.read_text()).exists() for path in started.iterdir()))
    assert sorted(path.name for path in started.iterdir()) == ["a", "b"]
    assert shown.count("Traceback") == (how == signal.SIGINT)  # its own
    assert how == signal.SIGKILL or "leaked" not in shown


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        os.sched_yield()
