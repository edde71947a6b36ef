"""Work beside the page: in a thread that tells how far it is, or in a process of its own that can be stopped."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from workbench.jobs.processes import Tell
from workbench.views.widgets.callbacks import Guard, Guarded

__all__ = ["Background"]


class _Stopped(Exception):
    """The work was told to stop."""


class Background:
    """Work in a thread; where no event loop runs, as in a script, it is done at once.

    Parameters
    ----------
    view : Guarded
        Shows an error of the work.
    source : str
        What is done, in words.
    told : callable
        Called on the event loop with what the work tells.
    ended : callable
        Called there with its result, None where it failed; not where it was stopped.
    """

    def __init__(self, view: Guarded, source: str, told: Tell, ended: Tell) -> None:
        self._view, self._source, self._told, self._ended = view, source, told, ended
        self._stop: threading.Event | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether there is work."""
        return self._stop is not None

    def start(self, work: Callable[[Tell], Any]) -> None:
        """Begin; what was under way is stopped, and ends without a word.

        Parameters
        ----------
        work : callable
            Called with what it tells by; that ends it where it is to stop.
        """
        self.stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            result = None
            with Guard(self._view, self._source, timed=False):
                result = work(self._told)
            self._ended(result)
            return
        stop = self._stop = threading.Event()

        def tell(value: Any) -> None:
            if stop.is_set():
                raise _Stopped
            loop.call_soon_threadsafe(self._hear, stop, value)

        self._task = loop.create_task(self._follow(work, tell, stop))

    def stop(self) -> None:
        """Stop what is under way at its next step."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    async def _follow(self, work: Callable[[Tell], Any], tell: Tell, stop: threading.Event) -> None:
        result = None
        with Guard(self._view, self._source, timed=False):
            try:
                result = await asyncio.to_thread(work, tell)
            except _Stopped:
                return
        if not stop.is_set():
            self._stop = None
            self._ended(result)

    def _hear(self, stop: threading.Event, value: Any) -> None:
        if not stop.is_set():
            self._told(value)
