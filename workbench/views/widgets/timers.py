"""A look at what others may have changed, every few seconds, on the kernel's own event loop."""

import asyncio
from collections.abc import Callable

__all__ = ["Later", "Polling"]


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


class Later:
    """One call that may be put off.

    Parameters
    ----------
    call : callable
        Without arguments.
    seconds : float
        From the first request to the call; requests in between are one with it.

    Notes
    -----
    Where no event loop runs, as in a plain script, the call happens at once, unless it is one that asks for itself
    again: that waits for `run`.
    """

    def __init__(self, call: Callable[[], None], seconds: float) -> None:
        self._call = call
        self._seconds = seconds
        self._handle: asyncio.TimerHandle | None = None
        self._running = False

    @property
    def pending(self) -> bool:
        """Whether a call is due."""
        return self._handle is not None

    @property
    def deferred(self) -> bool:
        """Whether there is a loop to put the call off on."""
        return _loop() is not None

    def __call__(self) -> None:
        """Ask for the call."""
        if self._handle is not None:
            return
        loop = _loop()
        if loop is not None:
            self._handle = loop.call_later(self._seconds, self.run)
        elif not self._running:
            self.run()

    def run(self) -> None:
        """Do it now."""
        self.cancel()
        self._running = True
        try:
            self._call()
        finally:
            self._running = False

    def cancel(self) -> None:
        """Forget what is due."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
