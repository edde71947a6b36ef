"""Messages between the server and its kernels: small files in the server's temporary folder, one for each."""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from workbench.files import replacing
from workbench.observability.timings import TIMINGS, Timings
from workbench.observability.usage import Process

__all__ = [
    "CACHE",
    "LOOK_HEADER",
    "STATUS_VARIABLE",
    "CacheCounts",
    "KernelReport",
    "Status",
    "kernel_file",
    "read_report",
    "read_status",
    "server_file",
    "status_folder",
    "write_whole",
]

STATUS_VARIABLE = "DASHBOARD_STATUS"
"""Environment variable by which a kernel finds the folder."""

CACHE = ("hits", "misses", "evictions", "bytes", "models")
"""Names of the counts of the cache of models."""

_MAX_AGE_S = 30.0


@dataclass
class Status:
    """State of the running workbench at one moment.

    Attributes
    ----------
    at : float
        When the server last looked, seconds since 1970.
    budget : int
        Most pages at a time; 0 where there is no server.
    opened : dict of str to int
        Pages opened since the server started, by app.
    refused : int
        Visits that found every place taken.
    processes : list of Process
        The server, or this notebook, first.
    history : list of list
        Columns `HISTORY`.
    timings : Timings
        Durations of all kernels since the server started.
    cache : dict of str to int
        Counts of all kernels, keys `CACHE`; counts go on after a kernel has ended, bytes and models go with it.
    """

    at: float = 0.0
    budget: int = 0
    opened: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    processes: list[Process] = field(default_factory=list)
    history: list[list[float]] = field(default_factory=list)
    timings: Timings = field(default_factory=Timings)
    cache: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CACHE, 0))

    def add(self, report: Mapping[str, Any], *, ended: bool = False) -> None:
        """Add a kernel's report."""
        self.timings.merge(Timings(report["timings"]))
        for name in CACHE[:3] if ended else CACHE:
            self.cache[name] += int(report["cache"].get(name, 0))

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON."""
        return self.__dict__ | {
            "processes": [each.to_json() for each in self.processes],
            "timings": self.timings.to_json(),
        }


class CacheCounts(Protocol):
    """Counts of a cache of models; a `workbench.models.ModelCache` has them.

    Attributes
    ----------
    hits, misses, evictions : int
        Models found, loaded and dropped since the cache was made.
    bytes : int
        Memory of the models that it holds.
    """

    hits: int
    misses: int
    evictions: int
    bytes: int

    def __len__(self) -> int:
        """Return how many models it holds."""


class KernelReport:
    """Report of a kernel on itself, for the server.

    Parameters
    ----------
    cache : CacheCounts
        Models that its session keeps in memory.
    """

    def __init__(self, cache: CacheCounts) -> None:
        self._cache = cache
        self._last_text = ""

    def now(self) -> dict[str, Any]:
        """Return the report of this moment."""
        cache = {name: getattr(self._cache, name) for name in CACHE[:4]} | {"models": len(self._cache)}
        return {"timings": TIMINGS.to_json(), "cache": cache}

    def tell(self) -> None:
        """Write the report where the server finds it, if it has changed; nothing happens without a server."""
        folder, text = status_folder(), json.dumps(self.now())
        if folder is not None and text != self._last_text:
            with suppress(OSError):  # the server has ended
                write_whole(kernel_file(folder, os.getpid()), text)
                self._last_text = text


def status_folder() -> Path | None:
    """Return the folder of the server whose kernel this is; None where it is none."""
    named = os.environ.get(STATUS_VARIABLE)
    return Path(named) if named and Path(named).is_dir() else None


def server_file(folder: Path) -> Path:
    """Return the file of the server."""
    return folder / "server.json"


def kernel_file(folder: Path, pid: int) -> Path:
    """Return the file of a kernel."""
    return folder / f"kernel-{pid}.json"


def write_whole(path: Path, text: str) -> None:
    """Write a text file that no reader sees half of."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_report(path: Path) -> dict[str, Any] | None:
    """Read a file of the folder; None where there is none."""
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return report


def read_status(folder: Path | None, own: KernelReport | None = None) -> Status | None:
    """Read what the server has seen, and what its kernels have told.

    Parameters
    ----------
    folder : Path or None
        Folder of `status_folder`.
    own : KernelReport, optional
        Report of this kernel; taken in place of what it last wrote.

    Returns
    -------
    Status or None
        None where there is no server, or it has not looked for half a minute.
    """
    server_report = None if folder is None else read_report(server_file(folder))
    if folder is None or server_report is None or time.time() - server_report["at"] > _MAX_AGE_S:
        return None
    status = Status(**server_report | {"processes": [Process(**each) for each in server_report["processes"]]})
    status.timings = Timings(server_report["timings"])
    status.cache = dict(server_report["cache"])
    here = kernel_file(folder, os.getpid())
    for path in folder.glob("kernel-*.json"):
        report = read_report(path) if own is None or path != here else None
        if report is not None:
            status.add(report)
    if own is not None:
        status.add(own.now())
    return status


LOOK_HEADER = "Workbench-Look"
"""Header in which the server hands on what the reader chose before, as `dark.roomy`."""
