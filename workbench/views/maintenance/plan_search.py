"""The search for a plan, which runs beside the page and can be stopped."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

from workbench.maintenance.schedule.solver import Stop
from workbench.views.section import Host
from workbench.views.widgets.callbacks import Guard

__all__ = ["Search"]


class Search:
    """One search at a time: in a thread where an event loop runs, else at once.

    Parameters
    ----------
    view : Host
        The view that shows the progress and the errors.
    on_result : callable
        Called with the result of the search.
    on_end : callable
        Called at the end, also where the search failed.
    on_second : callable
        Called each second with the `Stop` of the search, which holds the best points so far.
    """

    def __init__(
        self,
        view: Host,
        on_result: Callable[[Any], None],
        on_end: Callable[[], None],
        on_second: Callable[[Stop], None],
    ) -> None:
        self._view = view
        self._on_second = on_second
        self._on_result = on_result
        self._on_end = on_end
        self._stop: Stop | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a search is under way."""
        return self._stop is not None

    def start(self, work: Callable[[Stop], Any], words: str, seconds: int) -> None:
        """Start the search for a plan.

        Parameters
        ----------
        work : callable
            Called with the `Stop` that ends it early; it must not touch any widget.
        words : str
            Words of the progress, which are followed by the second.
        seconds : int
            Longest time of the search, in seconds.
        """
        stop = self._stop = Stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            try:
                self._on_result(work(stop))
            finally:
                self._end()
            return
        self._task = loop.create_task(self._wait(work, stop, words, seconds))

    def stop(self) -> None:
        """Stop the search early; its result is the best plan so far."""
        if self._stop is not None:
            self._stop()

    def close(self) -> None:
        """Stop the search, and drop its result."""
        self.stop()
        if self._task is not None:
            self._task.cancel()

    async def _wait(self, work: Callable[[Stop], Any], stop: Stop, words: str, seconds: int) -> None:
        with Guard(self._view, "plan"), self._view.busy(words, seconds) as show_second:
            making = asyncio.ensure_future(asyncio.to_thread(work, stop))
            for second in count(1):
                ready, _ = await asyncio.wait({making}, timeout=1.0)
                if ready:
                    break
                show_second(min(second, seconds))
                self._on_second(stop)
            self._on_result(making.result())
        self._end()

    def _end(self) -> None:
        self._stop = self._task = None
        self._on_end()
