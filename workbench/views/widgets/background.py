"""Work beside the page, in a thread that reports how far it is and that can be stopped."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from workbench.jobs.processes import Tell
from workbench.views.widgets.callbacks import Guard, Guarded

__all__ = ["Background"]


class _Stopped(Exception):
    """The work has been asked to stop."""


class Background:
    """Do work in a thread; where no event loop runs, as in a script, it is done at once.

    Parameters
    ----------
    view : Guarded
        View that shows an error of the work.
    source : str
        What is done, in words, for the log.
    on_progress : callable
        Called on the event loop with what the work reports.
    on_end : callable
        Called on the event loop with the result, None where the work failed; not called where it was stopped.
    """

    def __init__(self, view: Guarded, source: str, on_progress: Tell, on_end: Tell) -> None:
        self._view = view
        self._source = source
        self._on_progress = on_progress
        self._on_end = on_end
        self._stop: threading.Event | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the work is under way."""
        return self._stop is not None

    def start(self, work: Callable[[Tell], Any]) -> None:
        """Start the work; what was under way is stopped without a report.

        Parameters
        ----------
        work : callable
            Called with the function by which it reports; that function raises where the work is to stop.
        """
        self.stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            result = None
            with Guard(self._view, self._source, timed=False):
                result = work(self._on_progress)
            self._on_end(result)
            return
        stop = threading.Event()
        self._stop = stop

        def tell(value: Any) -> None:
            if stop.is_set():
                raise _Stopped
            loop.call_soon_threadsafe(self._hear, stop, value)

        self._task = loop.create_task(self._follow(work, tell, stop))

    def stop(self) -> None:
        """Stop the work that is under way, at its next report."""
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
            self._on_end(result)

    def _hear(self, stop: threading.Event, value: Any) -> None:
        if not stop.is_set():
            self._on_progress(value)
