"""The server's view of its kernels: measured every few seconds, and written where pages and `/metrics` read it."""

import json
from pathlib import Path
from typing import Any, Protocol

import psutil

from workbench.observability.logs import rotate
from workbench.observability.status import Status, read_report, server_file, write_whole
from workbench.observability.usage import Kernel, Sampler

__all__ = ["Places", "Watch"]


class Places(Protocol):
    """Part of the pool of kernels that the watch uses."""

    @property
    def waiting(self) -> set[str]:
        """Kernels that wait for a page."""


class Watch:
    """Looks at the server and its kernels.

    Parameters
    ----------
    manager : MappingKernelManager
        Manager of the kernels, which holds the pool.
    places : Places
        The pool.
    budget : int
        Most pages at a time.
    folder : Path
        Where kernels write their reports; made here.
    log : Path
        The log, which begins anew where it has become long.

    Attributes
    ----------
    seen : Status
        Timings and cache are of kernels that have ended.
    """

    def __init__(self, manager: Any, places: Places, budget: int, folder: Path, log: Path) -> None:
        self._manager = manager
        self._places = places
        self._folder = folder
        self._log = log
        self._sampler = Sampler("server")
        self._visited: set[str] = set()
        self.status = Status(budget=budget)
        folder.mkdir(parents=True, exist_ok=True)

    def count_page(self, app: str) -> None:
        """Count a page that was opened."""
        self.status.opened[app] = self.status.opened.get(app, 0) + 1

    def refused(self) -> None:
        """Count a visit that found every place taken."""
        self.status.refused += 1

    def look(self) -> None:
        """Look once, and write what is seen."""
        kernels = self._kernels()
        self._fold(set(kernels))
        self.status.processes = self._sampler.sample(kernels)
        self.status.history = [list(row) for row in self._sampler.history]
        self.status.at = self._sampler.at
        write_whole(server_file(self._folder), json.dumps(self.status.to_json()))
        rotate(self._log)

    def _kernels(self) -> dict[int, Kernel]:
        waiting, kernel_ids = self._places.waiting, set(self._manager.list_kernel_ids())
        self._visited &= kernel_ids
        kernels = {}
        for name in kernel_ids:
            kernel = self._manager.get_kernel(name)
            pid = getattr(getattr(kernel, "provisioner", None), "pid", None)
            if pid is None or not kernel.trait_has_value("last_activity"):  # it has just been asked for
                continue
            if self._manager._kernel_connections.get(name, 0):
                self._visited.add(name)
                state = "open"
            elif name in waiting:
                state = "waiting"
            else:
                state = "left" if name in self._visited else "starting"
            busy = getattr(kernel, "execution_state", "") == "busy" and state == "open"
            kernels[pid] = Kernel(state, busy, kernel.last_activity.timestamp())
        return kernels

    def _fold(self, present: set[int]) -> None:
        """Keep the counts of kernels that have ended, and forget their reports."""
        for path in self._folder.glob("kernel-*.json"):
            pid = int(path.stem.removeprefix("kernel-"))
            if pid in present or psutil.pid_exists(pid):
                continue
            report = read_report(path)
            path.unlink(missing_ok=True)
            if report is not None:
                self.status.add(report, ended=True)
