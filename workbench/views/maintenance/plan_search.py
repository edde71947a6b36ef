"""A search that runs beside the page and can be stopped."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from workbench.maintenance.schedule.solver import Stop
from workbench.views.widgets.callbacks import Guard

if TYPE_CHECKING:
    from workbench.views.maintenance.mode import Mode

__all__ = ["Search"]


class Search:
    """One search at a time: in a thread where an event loop runs, else at once.

    Parameters
    ----------
    mode : Mode
        Shows the progress and the errors.
    found : callable
        Called with what was found.
    ended : callable
        Called at the end, whatever came of it.
    """

    def __init__(self, mode: "Mode", found: Callable[[Any], None], ended: Callable[[], None]) -> None:
        self._mode, self._found, self._ended = mode, found, ended
        self._stop: Stop | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether one is under way."""
        return self._stop is not None

    def start(self, work: Callable[[Stop], Any], words: str, seconds: int) -> None:
        """Begin.

        Parameters
        ----------
        work : callable
            Called with the `Stop` that ends it early; touches no widget.
        words : str
            What is done, followed by the second.
        seconds : int
            That it takes at most.
        """
        stop = self._stop = Stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            try:
                self._found(work(stop))
            finally:
                self._end()
            return
        self._task = loop.create_task(self._wait(work, stop, words, seconds))

    def stop(self) -> None:
        """End it early: what was found so far is what was found."""
        if self._stop is not None:
            self._stop()

    def close(self) -> None:
        """End it, and tell nobody."""
        self.stop()
        if self._task is not None:
            self._task.cancel()

    async def _wait(self, work: Callable[[Stop], Any], stop: Stop, words: str, seconds: int) -> None:
        with Guard(self._mode, "plan"), self._mode.view.busy(words, seconds) as told:
            making = asyncio.ensure_future(asyncio.to_thread(work, stop))
            for second in count(1):
                ready, _ = await asyncio.wait({making}, timeout=1.0)
                if ready:
                    break
                told(min(second, seconds))
            self._found(making.result())
        self._end()

    def _end(self) -> None:
        self._stop = self._task = None
        self._ended()
