"""A look at what others may have changed, every few seconds, on the kernel's own event loop."""

import asyncio
from collections.abc import Callable

__all__ = ["Polling"]


class Polling:
    """A call that repeats until it is stopped; it never starts where no event loop runs, as in a script.

    Parameters
    ----------
    call : callable
        Quick, and raises nothing.
    seconds : float
        From the end of one call to the next.
    """

    def __init__(self, call: Callable[[], None], seconds: float) -> None:
        self._call, self._seconds = call, seconds
        self._handle: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        """Whether a call is due."""
        return self._handle is not None

    def start(self) -> None:
        """Begin; nothing happens where it has begun."""
        if self._handle is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return
            self._handle = loop.call_later(self._seconds, self._run)

    def stop(self) -> None:
        """End."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _run(self) -> None:
        self._handle = None
        self._call()
        self.start()
