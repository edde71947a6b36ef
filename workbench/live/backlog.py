"""The backlog: which channels have samples in the journal, how many, since when, and which are due at once."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.live.journal import Pending

__all__ = ["Backlog", "Waiting"]


@dataclass
class Waiting:
    """What waits of one channel.

    Attributes
    ----------
    samples : int
        Samples in the journal.
    since, latest : float
        When the first and the last of them came, in seconds that only rise.
    urgent : bool
        Whether a watch has said that the channel is to be judged at once.
    """

    samples: int
    since: float
    latest: float
    urgent: bool = False


class Backlog:
    """What the ingest thread has stored and the detection thread has not taken yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiting] = {}
        self.changed = threading.Event()

    def add(self, added: Mapping[str, int], urgent: Iterable[str], now: float) -> None:
        """Note samples that were stored, by the names of their channels."""
        with self._lock:
            for name, count in added.items():
                waiting = self._waiting.setdefault(name, Waiting(0, now, now))
                waiting.samples += count
                waiting.latest = now
            for name in urgent:
                self._waiting.setdefault(name, Waiting(0, now, now)).urgent = True
        self.changed.set()

    def load(self, pending: Iterable[Pending], names: Mapping[int, str], now: float) -> None:
        """Note what a journal holds when the service starts; nobody knows what the watches had said of it."""
        samples = {names[one.channel]: one.samples for one in pending if one.channel in names}
        self.add(samples, samples, now)

    def waiting(self) -> dict[str, Waiting]:
        """Return a copy of what waits."""
        with self._lock:
            return {
                name: Waiting(one.samples, one.since, one.latest, one.urgent) for name, one in self._waiting.items()
            }

    def longest(self, now: float) -> tuple[int, float]:
        """Return how many channels wait, and for how many seconds the first of them has; 0 if none does."""
        with self._lock:
            return len(self._waiting), max((now - one.since for one in self._waiting.values()), default=0.0)

    def take(self, names: Iterable[str]) -> dict[str, Waiting]:
        """Take channels out, before their samples are read: what comes meanwhile waits anew."""
        with self._lock:
            return {name: self._waiting.pop(name) for name in names if name in self._waiting}
