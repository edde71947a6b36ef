"""Samples of real processes."""

import os
import subprocess
import sys

import numpy as np
import pytest

from workbench.observability.usage import Kernel, Sampler, history_dataset

CHILD = "import subprocess, sys\n{work}\nprint(flush=True)\nsys.stdin.read()"
GRANDCHILD = """
code = "import sys; held = b'x' * 2**26; print(flush=True); sys.stdin.read()"
held = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
held.stdout.readline()
"""


@pytest.fixture
def start():
    started = []

    def begin(work=""):
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD.format(work=work)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        process.stdout.readline()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_a_kernel_s_own_processes_count_with_it_and_not_with_the_server(start):
    plain, parent = start(), start(GRANDCHILD)
    sampler = Sampler("server")
    kernels = {process.pid: Kernel("open", True, 5.0) for process in (plain, parent)}
    server, first, second = sampler.sample(kernels)
    assert (server.pid, server.role) == (os.getpid(), "server")
    assert (first.pid, first.role, first.state, first.busy, first.last) == (plain.pid, "kernel", "open", True, 5.0)
    assert second.memory - first.memory > 2**26
    assert second.cpu_seconds > 0
    assert second.cpu > 0, "since it started, where there is no sample before"
    server, first, second = sampler.sample(kernels)
    assert min(server.cpu, first.cpu, second.cpu) >= 0
    alone = Sampler("notebook").sample({})
    assert [process.role for process in alone] == ["notebook"]
    assert alone[0].memory > second.memory, "without kernels, all children are this process's"


def test_an_ended_kernel_disappears(start):
    process = start()
    sampler = Sampler("server")
    kernels = {process.pid: Kernel("open", False, 0.0)}
    assert len(sampler.sample(kernels)) == 2
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is still to be waited for
    assert len(sampler.sample(kernels)) == 1, "a process that nobody has waited for yet is gone too"
    process.wait()
    assert len(sampler.sample(kernels)) == 1
    assert len(sampler.history) == 3


def test_the_history_is_a_dataset_of_mebibytes():
    history = [[1_767_225_600.0, 2**20, 2**22, float("nan"), 3.0], [1_767_225_602.5, 2**21, 0, 4.0, 5.0]]
    found = history_dataset(history, "server")
    assert found["process"].values.tolist() == ["server", "kernels"]
    assert found["memory"].values.tolist() == [[1, 2], [4, 0]]
    assert found["time"].values[1] == np.datetime64("2026-01-01T00:00:02.500")
    assert history_dataset(history, "notebook").sizes == {"process": 1, "time": 2}
