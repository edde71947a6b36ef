"""Work done later, on the kernel's own event loop: no thread, and nothing once it is cancelled."""

import asyncio
from collections.abc import Callable

__all__ = ["Later"]


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
