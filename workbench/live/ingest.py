"""Ingest: takes deliveries from the intake, decides on their samples, stores them, and then acknowledges."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import TypeVar

from workbench.exceptions import WorkbenchError
from workbench.live.admission import Admission, Decided
from workbench.live.backlog import Backlog
from workbench.live.intake import Intake
from workbench.live.journal import Journal
from workbench.live.knowledge import Knowledge
from workbench.live.samples import Delivery
from workbench.telemetry.feed_options import LiveSettings

__all__ = ["Ingest", "IngestFigures"]

Result = TypeVar("Result")

_LOG = logging.getLogger(__name__)
_WAIT_S = 0.5
_RETRY_S = 1.0
_REFRESH_S = 1.0
_LOOK_AGAIN_S = 60.0
_COMPLETE_S = 0.05  # between two transactions
_TOLD_S = 3_600.0


@dataclass
class IngestFigures:
    """What ingest has done since the start.

    Attributes
    ----------
    commits : int
        Transactions.
    samples : int
        Samples that were decided on.
    commit_s : deque of float
        Length of the latest transactions.
    error : str
        Why nothing can be stored at present; empty where all is well.
    """

    commits: int = 0
    samples: int = 0
    commit_s: deque[float] = field(default_factory=lambda: deque(maxlen=1_000))
    error: str = ""


class Ingest:
    """Stores what arrives, in a thread of its own.

    Parameters
    ----------
    settings : LiveSettings
        Size and time of a transaction.
    intake : Intake
        What arrives.
    journal : Journal
        Journal of this thread.
    knowledge : Knowledge
        What is known of channels, of this thread.
    backlog : Backlog
        Told of what was stored.
    """

    def __init__(
        self, settings: LiveSettings, intake: Intake, journal: Journal, knowledge: Knowledge, backlog: Backlog
    ) -> None:
        self.figures = IngestFigures()
        self.admission = Admission(settings, knowledge, time.monotonic)
        self._settings = settings
        self._intake = intake
        self._journal = journal
        self._knowledge = knowledge
        self._backlog = backlog
        self._next_refresh = 0.0
        self._next_look = time.monotonic() + _LOOK_AGAIN_S
        self._reported: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Store what arrives until it is stopped, and what the intake still holds then."""
        while not stop.is_set():
            self.step(stop)
        self._intake.close()
        while deliveries := self._intake.take(self._settings.commit_samples, 0, 0):
            if not self._store(deliveries, stop):
                return

    def step(self, stop: threading.Event) -> None:
        """Store what arrives next."""
        wait_s = _WAIT_S if self._knowledge.is_complete else 0.0
        deliveries = self._intake.take(self._settings.commit_samples, wait_s, self._settings.commit_ms / 1000)
        now = time.monotonic()
        if now >= self._next_refresh:
            self._next_refresh = now + _REFRESH_S
            self._refresh()
        if now >= self._next_look:
            self._next_look = now + _LOOK_AGAIN_S
            self.admission.look_again()
        if deliveries:
            self._store(deliveries, stop)
        self.complete(_COMPLETE_S)

    def complete(self, seconds: float = inf) -> None:
        """Read what has come before of channels that were met for the first time, for some seconds at most."""
        until = time.monotonic() + seconds
        while not self._knowledge.is_complete and time.monotonic() < until:
            self._knowledge.complete()
        due, self._knowledge.due = self._knowledge.due, set()
        if due:
            self._backlog.add({}, due, time.monotonic())

    def _refresh(self) -> None:
        """Learn which tags became channels, and were accepted or ignored."""
        try:
            for tag in self._knowledge.refresh():
                self.admission.serve(tag)
                if tag.state in ("accepted", "served"):  # what waited may be enough, or has a channel now
                    self._backlog.add({tag.name: 1}, [tag.name], time.monotonic())
            self._knowledge.forget_series()
        except (WorkbenchError, OSError) as error:
            self._report("journal", str(error))

    def _store(self, deliveries: list[Delivery], stop: threading.Event) -> bool:
        """Decide, store and acknowledge; what cannot be stored is tried again until it can, or the service stops."""
        decided = self._until_done(lambda: self._decide(deliveries), stop)
        if decided is None:
            return False
        began = time.monotonic()
        if self._until_done(lambda: self._commit(decided), stop) is None:
            return False
        self.figures.commits += 1
        self.figures.commit_s.append(time.monotonic() - began)
        self.figures.samples += sum(sum(outcome.values()) for outcome in decided.outcomes)
        self._backlog.add(decided.added, decided.urgent, time.monotonic())
        for delivery, outcome, unfit in zip(deliveries, decided.outcomes, decided.unfit, strict=True):
            delivery.unfit = unfit
            delivery.stored(outcome)
        for (feed, kind), (count, example) in decided.transaction.faults.items():
            self._report(f"{feed} {kind}", f"{feed}: {kind} ({count}), told of once an hour: {example}")
        return True

    def _decide(self, deliveries: list[Delivery]) -> Decided:
        try:
            return self.admission.decide([(one.feed, one.samples, one.faults) for one in deliveries])
        except BaseException:
            self.admission.states.clear()  # what was decided in part is forgotten: it is not stored
            raise

    def _commit(self, decided: Decided) -> bool:
        self._journal.store(decided.transaction)
        return True

    def _until_done(self, work: Callable[[], Result], stop: threading.Event) -> Result | None:
        while True:
            try:
                result = work()
                self.figures.error = ""
                return result
            except (WorkbenchError, OSError) as error:
                self.figures.error = str(error)
                self._report("store", f"Nothing is acknowledged, tried again each second: {error}")
                if stop.wait(_RETRY_S):
                    return None

    def _report(self, about: str, words: str) -> None:
        """Tell of something once an hour."""
        now = time.monotonic()
        if now - self._reported.get(about, -_TOLD_S) >= _TOLD_S:
            self._reported[about] = now
            _LOG.warning("%s", words)
