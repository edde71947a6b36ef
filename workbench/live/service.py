"""The live service: one process a home, with the threads of ingest and detection, the feeds, and the port."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from workbench.exceptions import ArchiveError, WorkbenchError
from workbench.heap import share_heaps
from workbench.imports import leave_dask_out
from workbench.live.admission import ChannelState
from workbench.live.backlog import Backlog
from workbench.live.detection import Detection
from workbench.live.feeds.feed import Feed, Relay
from workbench.live.figures import ServiceFigures
from workbench.live.ingest import Ingest
from workbench.live.intake import Intake
from workbench.live.journal import Journal
from workbench.live.knowledge import Knowledge
from workbench.live.pages import Pages
from workbench.live.silences import Silences, Source
from workbench.live.standing import StandingFile
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["LOCK_FILES", "LiveService", "only_writer"]

LOCK_FILES = ("live.lock", "live.pid")
"""Files in the home that say which process takes its live telemetry."""

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.1
_BEHIND_S = 60.0  # that samples may wait to be filed before the dashboard says that they are not scored


@contextmanager
def only_writer(settings: Settings) -> Iterator[None]:
    """Hold the lock of the live service of a home.

    Raises
    ------
    ArchiveError
        Another process holds it.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    file, owner = (settings.home / name for name in LOCK_FILES)
    lock = FileLock(file, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        with suppress(OSError, ValueError):
            process = int(owner.read_text(encoding="utf-8"))
            raise ArchiveError(
                f"Live telemetry of {settings.home} is taken by process {process} already.",
                "Stop that one first, or set WORKBENCH_HOME to another home.",
            ) from None
        raise ArchiveError(
            f"Live telemetry of {settings.home} is taken by another process already.",
            "Stop that one first, or set WORKBENCH_HOME to another home.",
        ) from None
    try:
        owner.write_text(f"{os.getpid()}\n", encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


class LiveService:
    """Takes live telemetry into a home.

    Parameters
    ----------
    open_session : callable
        Opens a session of the home; each thread has one of its own.
    feeds : sequence of Feed
        Where samples come from, beside the port.
    port : bool
        Whether samples can be posted, and health and metrics be read.
    announce : callable
        Called with each line to show.

    Notes
    -----
    See `workbench.live` for who owns what, and what happens on each fault.
    """

    def __init__(
        self,
        open_session: "Callable[[], Session]",
        feeds: Sequence[Feed] = (),
        *,
        port: bool = True,
        announce: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._resources = ExitStack()
        sessions = [self._resources.enter_context(open_session()) for _ in range(2)]
        self.settings = sessions[0].settings
        live = self.settings.live
        self.crash = ""
        self._announce = announce
        self._announced: dict[str, tuple[bool, str]] = {}  # by feed: whether connected, else why not
        finals: dict[str, int] = {}
        journals = [self._resources.enter_context(_closing(Journal(self.settings.journal_path))) for _ in range(3)]
        self._journal = journals[2]
        self.intake = Intake(live.queue_samples)
        self.backlog = Backlog()
        self.ingest = Ingest(live, self.intake, journals[0], Knowledge(sessions[0], journals[0], finals), self.backlog)
        silences = Silences(live, self._states, self.sources, time.monotonic, time.time_ns)
        self.detection = Detection(sessions[1], journals[1], self.backlog, finals, announce, silences)
        self.figures = ServiceFigures(self)
        self.pages = Pages(live, self.figures.health, self.figures.text) if port else None
        self.feeds: list[Feed] = [*feeds, *([] if self.pages is None else [self.pages])]

    def run(self, stop: threading.Event, *, until_finished: bool = False) -> None:
        """Run until it is stopped, or until all feeds have come to their end; all that was stored is filed and judged.

        Parameters
        ----------
        stop : threading.Event
            Ends the service.
        until_finished : bool
            Whether it ends once the feeds that can end, as a replay, have.

        Raises
        ------
        ArchiveError
            Another service runs on this home.
        SettingsError
            A feed cannot be set up so.
        """
        share_heaps()
        leave_dask_out()
        with only_writer(self.settings), self._resources:
            stop_ingest, stop_detection = threading.Event(), threading.Event()
            detection = self._thread("detection", self.detection.run, stop_detection)
            ingest = self._thread("ingest", self.ingest.run, stop_ingest)
            started: list[Feed] = []
            standing = StandingFile(self.settings.home)
            try:
                detection.start()
                ingest.start()
                for feed in self.feeds:
                    feed.start(self.intake)
                    started.append(feed)
                    self._announce_state(feed)
                while not stop.wait(_LOOK_S) and not self.crash:
                    for feed in started:
                        self._announce_state(feed)
                    standing.note(self.feeds, self.scoring)
                    if until_finished and all(one.state().finished for one in self.feeds if one is not self.pages):
                        break
            finally:
                for feed in started:
                    if feed is not self.pages:
                        feed.stop()
                stop_ingest.set()
                self.intake.close()
                ingest.join()
                if self.pages is not None and self.pages in started:
                    self.pages.stop()
                stop_detection.set()
                self.backlog.changed.set()
                detection.join()
                standing.remove()
            if self.crash:
                raise WorkbenchError(f"The service has stopped: {self.crash}", "What was acknowledged is stored.")

    def _announce_state(self, feed: Feed) -> None:
        """Announce a feed that has connected, or why it is not connected, where that is new."""
        state = feed.state()
        news = state.connected, "" if state.connected else state.words
        if self._announced.get(feed.name) != news:
            self._announced[feed.name] = news
            self._announce(f"{feed.name}: {state.words}")

    def sources(self) -> list[Source]:
        """Return where samples come from; a feed that has come to its end is none any more."""
        sources = []
        for feed in self.feeds:
            state = feed.state()
            if not state.finished:
                sources.append(Source(feed.name, "" if state.connected else state.words, state.quiet))
            if isinstance(feed, Relay):
                sources += [Source(f"{feed.name} {name}", "it has said so, or its broker") for name in feed.dead()]
        return sources

    def scoring(self) -> tuple[str, dict[str, str]]:
        """Return why nothing is scored, or an empty text; and the channels that cannot be scored, and why."""
        figures = self.detection.figures
        fault = next(iter([*figures.errors.values(), *([self.crash] if self.crash else [])]), "")
        count, waited = self.backlog.longest(time.monotonic())
        if not fault and waited > _BEHIND_S + 2 * self.detection.longest_wait(count):
            fault = f"Samples have been waiting for {waited:.0f} seconds to be filed and scored."
        return fault, {**figures.unscored, **figures.failures}

    def _states(self) -> list[ChannelState]:
        return list(self.ingest.admission.states.values())

    def counters(self) -> dict[str, dict[str, int]]:
        """Return how many samples became what, by counter and channel, since the journal was begun."""
        with suppress(WorkbenchError):
            return self._journal.counters()
        return {}

    def faults(self) -> list[dict[str, Any]]:
        """Return what could not be read."""
        with suppress(WorkbenchError):
            return self._journal.faults()
        return []

    def _thread(self, name: str, work: Callable[[threading.Event], None], stop: threading.Event) -> threading.Thread:
        return threading.Thread(target=self._guarded, args=(name, work, stop), name=name)

    def _guarded(self, name: str, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
        """Run a thread; where a defect ends it, the service ends, so that whoever watches over it starts it anew."""
        try:
            work(stop)
        except BaseException as error:  # noqa: BLE001
            _LOG.exception("The thread %s has ended", name)
            self.crash = f"{name}: {error!r}"
            self.intake.close()


@contextmanager
def _closing(journal: Journal) -> Iterator[Journal]:
    try:
        yield journal
    finally:
        journal.close()
