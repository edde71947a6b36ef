"""`/metrics`: what the workbench does and how its fleet is, in the text format of Prometheus."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from tornado.web import authenticated

from workbench.dashboard.own_session import OwnSession
from workbench.exceptions import WorkbenchError
from workbench.observability.metric_families import counter, gauge
from workbench.observability.status import Status, read_status
from workbench.observability.timings import Histogram
from workbench.version import __version__

if TYPE_CHECKING:
    from workbench.session import Session
    from workbench.telemetry.lag import LagReader
    from workbench.views.view_session import ViewSession

__all__ = ["Metrics", "MetricsHandler"]

_EDGES = tuple(range(-61, 30, 5))
"""Buckets that are told, as powers of 10 ** (1 / 20): four in each decade, from 1 ms to 32 s."""


class Metrics(Collector):
    """Collects what is told.

    Parameters
    ----------
    folder : Path
        Where the server and its kernels write.
    session : callable
        Opens the session, when it is first asked.

    Notes
    -----
    What cannot be read is left out, and `workbench_readable` says so: a database that is down does not hide the rest.
    """

    def __init__(self, folder: Path, session: "Callable[[], Session]") -> None:
        self._folder = folder
        self._own = OwnSession(session, "metrics")
        self._registry = CollectorRegistry()
        self._registry.register(self)

    async def text(self) -> bytes:
        """Return all metrics, collected beside the server's loop, one request after the other."""
        return await self._own.run(partial(generate_latest, self._registry))

    def close(self) -> None:
        """Finish what is being collected, and close the session; nothing can be collected afterwards."""
        self._own.close()

    def describe(self) -> Iterable[Metric]:
        """Collect nothing when it is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Return the families of metrics."""
        yield gauge("workbench_info", "Version of the workbench", ["version"], {(__version__,): 1})
        status = read_status(self._folder)
        if status is not None:
            yield from _process_metrics(status)
            yield from _work_metrics(status)
        readable = {}
        for part, collected in (("disk", self._disk), ("alerts", self._alerts), ("fleet", self._fleet)):
            try:
                yield from collected()
                readable[(part,)] = 1.0
            except (WorkbenchError, OSError):
                readable[(part,)] = 0.0
        yield gauge("workbench_readable", "Whether a part could be read", ["part"], readable)

    @cached_property
    def _session(self) -> "ViewSession":
        from workbench.views.remembered import remember_fleet

        return remember_fleet(self._own.session)

    @cached_property
    def _lags(self) -> "LagReader":
        from workbench.telemetry.lag import LagReader

        return LagReader(self._session.archive)

    def _disk(self) -> list[Metric]:
        from workbench.jobs.storage import free_disk, storage

        session = self._session
        sizes = storage(session.settings, session.maintenance.database)
        parts = {(str(part),): float(size) for part, size in zip(sizes["part"], sizes["bytes"], strict=True)}
        return [
            gauge("workbench_storage_bytes", "Size on disk", ["part"], parts),
            gauge("workbench_disk_free_bytes", "Free where the home is", [], {(): free_disk(session.settings.home)}),
        ]

    def _alerts(self) -> list[Metric]:
        counts = self._session.maintenance.alerts.count(state="open")
        levels = {(str(level),): float(count) for level, count in counts.items()}
        return [gauge("workbench_open_alerts", "Open alerts", ["level"], levels)]

    def _fleet(self) -> list[Metric]:
        session = self._session
        fleet = session.overview()
        lags = self._lags.read(fleet["channel"], session.clock())
        states = fleet["state"].value_counts()
        scores = {(state,): float(states.get(state, 0)) for state in ("current", "stale", "missing", "damaged")}
        measured = lags[np.isfinite(lags["lag"])]
        return [
            gauge("workbench_channels", "Channels by the state of their scores", ["score"], scores),
            gauge(
                "workbench_feed_lag_seconds",
                "Time since the last sample of a channel whose samples are dated",
                ["channel"],
                {(str(name),): float(lag) for name, lag in zip(measured["channel"], measured["lag"], strict=True)},
            ),
            gauge(
                "workbench_feed_gaps",
                "Gaps in the time of a channel",
                ["channel"],
                {(str(name),): float(gaps) for name, gaps in zip(lags["channel"], lags["gaps"], strict=True)},
            ),
        ]


class MetricsHandler(JupyterHandler):  # type: ignore[misc]
    """Answers Prometheus; where the pages ask for a token, so does this, in the header `Authorization`."""

    def get_login_url(self) -> str:
        """Refuse: what collects metrics cannot sign in on a page."""
        raise tornado.web.HTTPError(403)

    @authenticated
    async def get(self) -> None:
        """Answer with all metrics."""
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(await self.settings["metrics"].text())


def _process_metrics(status: Status) -> Iterator[Metric]:
    each = {(process.role, str(process.pid)): process for process in status.processes}
    names = ["process", "pid"]
    memory = {key: float(process.memory) for key, process in each.items()}
    yield gauge("workbench_process_memory_bytes", "Resident memory, with child processes", names, memory)
    seconds = {key: process.cpu_seconds for key, process in each.items()}
    yield counter("workbench_process_cpu_seconds", "Processor time, with child processes", names, seconds)
    kernels = [process for process in status.processes if process.role == "kernel"]
    states = {(state,): 0.0 for state in ("open", "left", "starting", "waiting")}
    for kernel in kernels:
        states[(kernel.state,)] += 1
    yield gauge("workbench_kernels", "Kernels by what they do", ["state"], states)
    busy = {(): float(sum(kernel.busy for kernel in kernels))}
    yield gauge("workbench_kernels_busy", "Kernels of open pages that compute", [], busy)
    yield gauge("workbench_kernels_budget", "Most pages at a time", [], {(): status.budget})


def _work_metrics(status: Status) -> Iterator[Metric]:
    pages_opened = {(app,): float(count) for app, count in status.opened.items()}
    yield counter("workbench_pages_opened", "Pages opened", ["app"], pages_opened)
    yield counter("workbench_pages_refused", "Visits that found every place taken", [], {(): status.refused})
    yield _histogram("workbench_callback_seconds", "Callbacks of a view", "view", status.timings.groups())
    yield _histogram("workbench_stage_seconds", "Stages of the work", "stage", status.timings.stages())
    for name in ("hits", "misses", "evictions"):
        words = f"Model cache: {name}"
        yield counter(f"workbench_model_cache_{name}", words, [], {(): status.cache[name]})
    for name, words in (("bytes", "Size of loaded models"), ("models", "Loaded models")):
        yield gauge(f"workbench_model_cache_{name}", words, [], {(): status.cache[name]})


def _histogram(name: str, words: str, label: str, values: dict[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(name, words, labels=[label])
    for key, histogram in sorted(values.items()):
        ends = [f"{10 ** ((place + 1) / 20):.3g}" for place in _EDGES]
        buckets = [*zip(ends, map(float, histogram.below(_EDGES)), strict=True), ("+Inf", float(histogram.count))]
        family.add_metric([key], buckets, histogram.total)
    return family
