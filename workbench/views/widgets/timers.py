"""Calls that happen later, once or again and again, on the kernel's own event loop."""

import asyncio
from collections.abc import Callable

__all__ = ["Later", "Polling"]


class _Timer:
    """A call that is due after some seconds, where an event loop runs."""

    def __init__(self, call: Callable[[], None], seconds: float) -> None:
        self._call = call
        self._seconds = seconds
        self._handle: asyncio.Handle | None = None

    @property
    def pending(self) -> bool:
        """Whether a call is due."""
        return self._handle is not None

    def run(self) -> None:
        """Call now; a call that was due does not happen again."""
        self.cancel()
        self._call()

    def cancel(self) -> None:
        """Cancel the call that is due, if there is one."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _schedule(self) -> bool:
        """Make a call due unless one is; return False where no event loop runs."""
        if self._handle is None:
            loop = _running_loop()
            if loop is None:
                return False
            self._handle = loop.call_soon(self._wait, loop)  # seconds count from when the loop is free: others go first
        return True

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._handle = loop.call_later(self._seconds, self.run)


class Polling(_Timer):
    """A call that repeats until it is stopped; it never starts where no event loop runs, as in a script.

    Parameters
    ----------
    call : callable
        Quick function without arguments that raises nothing.
    seconds : float
        Time from the end of one call to the next.
    """

    @property
    def running(self) -> bool:
        """Whether a call is due."""
        return self.pending

    def start(self) -> None:
        """Start to call; nothing happens where it was started before."""
        self._schedule()

    def stop(self) -> None:
        """Stop to call until it is started again."""
        self.cancel()

    def run(self) -> None:
        """Call now, and again after the seconds."""
        super().run()
        self._schedule()


class Later(_Timer):
    """One call that may be put off.

    Parameters
    ----------
    call : callable
        Function without arguments.
    seconds : float
        Time from the first request to the call; requests in between are one with it.

    Notes
    -----
    Where no event loop runs, as in a plain script, the call happens at once, unless it is one that asks for itself
    again: that waits for `run`.
    """

    def __init__(self, call: Callable[[], None], seconds: float) -> None:
        super().__init__(call, seconds)
        self._in_call = False

    @property
    def deferred(self) -> bool:
        """Whether there is an event loop to put the call off on."""
        return _running_loop() is not None

    def __call__(self) -> None:
        """Ask for the call."""
        if not self._schedule() and not self._in_call:
            self.run()

    def restart(self) -> None:
        """Ask for the call, with all of the seconds from now on where it was asked for before."""
        self.cancel()
        self()

    def run(self) -> None:
        """Call now; a call that was due does not happen again."""
        self._in_call = True
        try:
            super().run()
        finally:
            self._in_call = False


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
