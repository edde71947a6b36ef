"""What the live service says of its feeds in a file of the home, for whoever looks: the System view."""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from workbench.exceptions import WorkbenchError
from workbench.files import replacing
from workbench.live.feeds.feed import Feed
from workbench.live.journal import Journal
from workbench.settings import Settings

__all__ = ["Standing", "StandingFile", "catching_up", "not_scored", "read_standing"]

_FILE = "live.json"
_EVERY_S = 2.0
_OLD_S = 30.0  # after which a file says nothing of a service that has written none since


@dataclass(frozen=True)
class Standing:
    """How live telemetry of a home stands.

    Attributes
    ----------
    process : int or None
        Process of the service; None where none runs.
    feeds : tuple of dict
        name, connected, words and received of each feed.
    counts : dict of str to int
        Samples by what became of them, since the journal was begun.
    waiting_tags : int
        New tags that wait for a person.
    fault : str
        Why the service scores nothing at present; empty where it does.
    unscored : dict of str to str
        Channels that it cannot score, and why.
    """

    process: int | None
    feeds: tuple[dict[str, Any], ...]
    counts: dict[str, int]
    waiting_tags: int
    fault: str = ""
    unscored: Mapping[str, str] = field(default_factory=dict)


class StandingFile:
    """Writes how the feeds and the scoring stand, every two seconds at most.

    Parameters
    ----------
    home : Path
        Folder of the home.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / _FILE
        self._next = 0.0

    def note(
        self, feeds: Iterable[Feed], scoring: Callable[[], tuple[str, Mapping[str, str]]] = lambda: ("", {})
    ) -> None:
        """Write how feeds and scoring stand, if it is time to.

        Parameters
        ----------
        feeds : iterable of Feed
            Where samples come from.
        scoring : callable
            Returns why nothing is scored, or an empty text; and the channels that cannot be scored, and why.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY_S
        states = [(one.name, one.state()) for one in feeds]
        rows = [
            {
                "name": name,
                "connected": state.connected,
                "words": state.words,
                "received": state.received,
                "catching_up": state.catching_up,
            }
            for name, state in states
        ]
        fault, unscored = scoring()
        document = {"process": os.getpid(), "feeds": rows, "fault": fault, "unscored": dict(unscored)}
        with suppress(OSError), replacing(self._file) as file:  # a full disk stops no service
            file.write_text(json.dumps(document), encoding="utf-8")

    def remove(self) -> None:
        """Take the file away, when the service ends."""
        self._file.unlink(missing_ok=True)


def catching_up(home: Path) -> str:
    """Return how far behind the present the feed of a home is that says so; an empty text where none does."""
    feeds = (_running(home) or {}).get("feeds", ())
    return next((words for feed in feeds if (words := str(feed.get("catching_up", "")))), "")


def not_scored(home: Path) -> frozenset[str] | None:
    """Return the channels whose new telemetry the service of a home does not score; None where it scores nothing.

    Returns
    -------
    frozenset of str or None
        None also where no service runs, or it has not written how it stands for half a minute.
    """
    document = _running(home)
    if document is None or document.get("fault"):
        return None
    with suppress(OSError):
        if time.time() - (home / _FILE).stat().st_mtime <= _OLD_S:
            return frozenset(document.get("unscored", ()))
    return None


def _running(home: Path) -> dict[str, Any] | None:
    """Return what the service that runs says of itself; None where none does."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        document: dict[str, Any] = json.loads((home / _FILE).read_text(encoding="utf-8"))
        if psutil.pid_exists(int(document["process"])):
            return document
    return None


def read_standing(settings: Settings) -> Standing | None:
    """Return how live telemetry of a home stands; None where it has never taken any."""
    if not settings.journal_path.exists():
        return None
    document = _running(settings.home)
    process = None if document is None else int(document["process"])
    feeds = () if document is None else tuple(document.get("feeds", ()))
    counts, waiting = dict[str, int](), 0
    journal = Journal(settings.journal_path)
    with closing(journal), suppress(WorkbenchError):  # `workbench doctor` says what is wrong with it
        counts = {name: sum(channels.values()) for name, channels in journal.counters().items()}
        waiting = len(journal.tags("waiting"))
    fault, unscored = ("", {}) if document is None else (document.get("fault", ""), document.get("unscored", {}))
    return Standing(process, feeds, counts, waiting, fault, unscored)
