"""Memory and processor time of the workbench's processes, sampled."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["HISTORY", "Kernel", "Process", "Sampler", "history_dataset"]

HISTORY = ("at", "own", "kernels", "cpu_own", "cpu_kernels")
"""Columns of the history: seconds since 1970, bytes of memory, percent of one core."""

_MAX_HISTORY_ROWS = 450
_MIN_INTERVAL_S = 0.01
"""Seconds; processor time is counted in hundredths of a second."""


@dataclass(frozen=True)
class Kernel:
    """State of one kernel, as the server sees it.

    Attributes
    ----------
    state : str
        `open` (a page has it), `left` (its page is gone), `starting`, or `waiting` for the next page.
    busy : bool
        Whether it runs code now.
    last : float
        Time of its last message, seconds since 1970.
    """

    state: str
    busy: bool
    last: float


@dataclass(frozen=True)
class Process:
    """One process with those that it has started, other kernels apart.

    Attributes
    ----------
    pid : int
        Process id.
    role : str
        `server`, `kernel` or `notebook`.
    state : str
        State of a kernel, see `Kernel`.
    busy : bool
        Whether it runs code now.
    started, last : float
        Seconds since 1970; `last` is the time of a kernel's last message.
    memory : int
        Resident, bytes; what processes share counts in each.
    cpu : float
        Percent of one core since the sample before; in the first, since it started.
    cpu_seconds : float
        Since it started.
    """

    pid: int
    role: str
    state: str
    busy: bool
    started: float
    last: float
    memory: int
    cpu: float
    cpu_seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON."""
        return asdict(self)


class Sampler:
    """Looks at this process and at its kernels, and keeps a history.

    Parameters
    ----------
    role : str
        Role of this process: `server` or `notebook`.

    Attributes
    ----------
    history : deque of tuple
        The last 450 samples, columns `HISTORY`.
    at : float
        When it last looked, seconds since 1970.
    """

    def __init__(self, role: str) -> None:
        self.role = role
        self.history: deque[tuple[float, ...]] = deque(maxlen=_MAX_HISTORY_ROWS)
        self.at = 0.0
        self._own = psutil.Process()
        self._before: dict[int, tuple[float, float]] = {}

    def sample(self, kernels: Mapping[int, Kernel]) -> list[Process]:
        """Measure the server and its kernels once.

        Parameters
        ----------
        kernels : mapping of int to Kernel
            By process id; those that have ended are left out.

        Returns
        -------
        list of Process
            This one first, then kernels by their start.
        """
        now, own = time.time(), self._own.pid
        self.at = now
        everyone = {own: self._own} | {each.pid: each for each in self._own.children(recursive=True)}
        owners = {pid: _owner(pid, everyone, kernels, own) for pid in everyone}
        used = {pid: figures for pid, each in everyone.items() if (figures := _figures(each)) is not None}
        processes = []
        for pid in (own, *kernels):
            if pid not in used:
                continue
            group = [used[each] for each, owner in owners.items() if owner == pid and each in used]
            memory, seconds = sum(each[0] for each in group), sum(each[1] for each in group)
            at, before = self._before.get(pid, (used[pid][2], 0.0))
            cpu = max(seconds - before, 0.0) / max(now - at, _MIN_INTERVAL_S) * 100
            kernel = kernels.get(pid, Kernel("", False, now))
            role = "kernel" if pid in kernels else self.role
            processes.append(
                Process(pid, role, kernel.state, kernel.busy, used[pid][2], kernel.last, int(memory), cpu, seconds)
            )
            self._before[pid] = (now, seconds)
        self._before = {each.pid: self._before[each.pid] for each in processes}
        processes[1:] = sorted(processes[1:], key=lambda each: each.started)
        self._remember(now, processes)
        return processes

    def _remember(self, now: float, processes: list[Process]) -> None:
        memory = (processes[0].memory, sum(each.memory for each in processes[1:]))
        self.history.append((now, *memory, processes[0].cpu, sum(each.cpu for each in processes[1:])))


def _owner(pid: int, everyone: Mapping[int, psutil.Process], kernels: Mapping[int, Kernel], own: int) -> int:
    """Find the kernel that a process belongs to, or this process."""
    for _ in range(len(everyone)):
        if pid in kernels or pid == own or pid not in everyone:
            break
        try:
            pid = everyone[pid].ppid()
        except psutil.Error:
            return own
    return pid if pid in kernels else own


def _figures(process: psutil.Process) -> tuple[int, float, float] | None:
    """Return bytes of memory, seconds of processor time and start; None where the process has ended."""
    try:
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            used = process.cpu_times()
            return _memory(process), used.user + used.system, process.create_time()
    except psutil.Error:
        return None


def _memory(process: psutil.Process) -> int:
    """Return its bytes, those that it shares with others in equal parts where the system tells."""
    memory = process.memory_full_info()
    return int(getattr(memory, "pss", memory.rss))


def history_dataset(history: Sequence[Sequence[float]], role: str) -> "xr.Dataset":
    """Return a history as charts take it.

    Parameters
    ----------
    history : sequence of sequence of float
        Columns `HISTORY`, at least one row.
    role : str
        Role of the process that recorded it; a server has kernels.

    Returns
    -------
    xarray.Dataset
        `memory` in MiB and `cpu` in percent of one core, dims (process, time).
    """
    import xarray as xr  # which the server, whose memory this counts, does without

    columns = np.array(history, dtype=np.float64).T
    time = (columns[0] * 1e3).astype("datetime64[ms]").astype("datetime64[ns]")
    names = [role, "kernels"] if role == "server" else [role]
    memory, cpu = columns[1:3] / 2**20, columns[3:5]
    dims = ("process", "time")
    return xr.Dataset(
        {"memory": (dims, memory[: len(names)]), "cpu": (dims, cpu[: len(names)])},
        coords={"process": names, "time": time},
    )
