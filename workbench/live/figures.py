"""What the service says of itself: health for whoever restarts it, and metrics for Prometheus."""

import shutil
import time
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from workbench.live.backlog import Backlog
from workbench.live.detection import Detection
from workbench.live.feeds.feed import Feed
from workbench.live.ingest import Ingest
from workbench.live.intake import Intake
from workbench.live.samples import COUNTERS
from workbench.observability.metric_families import counter, gauge
from workbench.settings import Settings
from workbench.version import __version__

__all__ = ["ServiceFigures"]

_PERCENTILE = 95


class Observed(Protocol):
    """What is told of a service; `workbench.live.service.LiveService` has it."""

    settings: Settings
    intake: Intake
    backlog: Backlog
    ingest: Ingest
    detection: Detection
    feeds: list[Feed]
    crash: str

    def counters(self) -> dict[str, dict[str, int]]:
        """Return how many samples became what, by counter and channel."""

    def faults(self) -> list[dict[str, Any]]:
        """Return what could not be read."""


class ServiceFigures(Collector):
    """Collects the figures of a service.

    Parameters
    ----------
    service : Observed
        The service.
    """

    def __init__(self, service: Observed) -> None:
        self._service = service
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Collect nothing when it is registered."""
        return ()

    def text(self) -> tuple[bytes, str]:
        """Return all metrics in the text format of Prometheus, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Return whether all is well, and what is said of it."""
        service = self._service
        ingest, detection = service.ingest.figures, service.detection.figures
        faults = [text for text in (ingest.error, service.crash, *list(detection.errors.values())) if text]
        faults += [f"{name}: {text}" for name, text in list(detection.failures.items())]
        feeds = {feed.name: feed.state() for feed in service.feeds}
        faults += [f"{name}: {state.words}" for name, state in feeds.items() if not state.connected]
        stale = self.stale()
        return not faults, {
            "state": "well" if not faults else "not well",
            "faults": faults,
            "feeds": {name: state.words for name, state in feeds.items()},
            "queue": service.intake.samples,
            "waiting_for_archive": sum(one.samples for one in service.backlog.waiting().values()),
            "stale_channels": sorted(stale),
            "unscored_channels": dict(detection.unscored),
            "provisional_anomalies": {name: count for name, count in list(detection.provisional.items()) if count},
            "version": __version__,
        }

    def ages(self) -> dict[str, float]:
        """Return the seconds since the last sample of each channel that has sent any since the start."""
        now = time.monotonic()
        states = list(self._service.ingest.admission.states.values())
        return {state.tag.name: now - state.arrived for state in states if state.arrived}

    def stale(self) -> list[str]:
        """Return the channels that have sent nothing for too long."""
        longest = self._service.settings.live.stale_s
        return [name for name, age in self.ages().items() if age > longest]

    def collect(self) -> Iterator[Metric]:
        """Return the families of metrics."""
        service = self._service
        ingest, detection = service.ingest.figures, service.detection.figures
        yield gauge("workbench_live_info", "Version of the workbench", ["version"], {(__version__,): 1})
        is_well, _ = self.health()
        yield gauge("workbench_live_well", "Whether all is well", [], {(): float(is_well)})
        yield gauge("workbench_live_queue_samples", "Samples that wait to be stored", [], {(): service.intake.samples})
        waiting = service.backlog.waiting()
        lag = {(name,): float(one.samples) for name, one in waiting.items()}
        yield gauge("workbench_live_unfiled_samples", "Stored samples that wait for the archive", ["channel"], lag)
        ages = {(name,): age for name, age in self.ages().items()}
        yield gauge("workbench_live_age_seconds", "Time since the last sample of a channel", ["channel"], ages)
        yield gauge("workbench_live_stale_channels", "Channels that have become silent", [], {(): len(self.stale())})
        gaps = {(state.tag.name,): state.gaps for state in list(service.ingest.admission.states.values()) if state.gaps}
        yield counter("workbench_live_gaps", "Jumps ahead that were confirmed", ["channel"], gaps)
        counters = service.counters()
        for name in COUNTERS:
            values = {(channel,): count for channel, count in counters.get(name, {}).items()}
            yield counter(f"workbench_live_{name}", f"Samples by what became of them: {name}", ["channel"], values)
        provisional = {(name,): count for name, count in list(detection.provisional.items()) if count}
        words = "Anomalies that may still vanish, as their error window is not complete"
        yield gauge("workbench_live_provisional_anomalies", words, ["channel"], provisional)
        yield gauge(
            "workbench_live_unscored_channels", "Channels that cannot be scored", [], {(): len(detection.unscored)}
        )
        unreadable = {(one["feed"], one["kind"]): one["count"] for one in service.faults()}
        yield counter(
            "workbench_live_unreadable", "Payloads or samples that cannot be used", ["feed", "kind"], unreadable
        )
        feeds = {feed.name: feed.state() for feed in service.feeds}
        connected = {(name,): float(state.connected) for name, state in feeds.items()}
        yield gauge("workbench_live_feed_connected", "Whether a feed can receive", ["feed"], connected)
        received = {(name,): state.received for name, state in feeds.items()}
        yield counter("workbench_live_feed_received", "Samples that a feed has received", ["feed"], received)
        for name, words, value in (
            ("commits", "Transactions of the journal", ingest.commits),
            ("filed", "Samples filed in the archive", detection.filed),
            ("scored", "Scores computed", detection.scored),
            ("alerts", "Alerts raised", detection.alerts),
            ("provisional_shed", "Provisional scores left out for lack of time", detection.provisional_shed),
        ):
            yield counter(f"workbench_live_{name}", words, [], {(): value})
        for name, words, seconds in (
            ("commit", "Length of a transaction", list(ingest.commit_s)),
            ("alert", "From a channel being due to its alerts", list(detection.alert_s)),
        ):
            longest = float(np.percentile(seconds, _PERCENTILE)) if seconds else 0.0
            yield gauge(f"workbench_live_{name}_seconds_p95", f"{words}, 95th percentile", [], {(): longest})
        free = float(shutil.disk_usage(service.settings.home).free)
        yield gauge("workbench_live_disk_free_bytes", "Free where the home is", [], {(): free})
