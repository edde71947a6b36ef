"""The dashboard runs the timers of maintenance: escalations, messages and preventive orders need nobody who scores.

Where kernels are forked, they run in a process that is forked, too: what they need is in memory there, and the server
would load all of it once more. Elsewhere, and once that process has ended, the server runs them in a thread.
"""

import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from workbench.dashboard.own_session import OwnSession
from workbench.exceptions import WorkbenchError

if TYPE_CHECKING:
    from workbench.dashboard.forking import Forked
    from workbench.session import Session

__all__ = ["Timers", "keep_timers"]

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0  # whether the parent is still there


class Timers:
    """Opens the preventive orders and sends the messages that are due, beside the server's loop.

    Parameters
    ----------
    open_session : callable
        Opens the session, when it is first used.
    fork : callable, optional
        Starts the process that runs the timers; they run in a thread of this one where omitted.
    """

    def __init__(
        self, open_session: "Callable[[], Session]", fork: "Callable[[], Awaitable[Forked]] | None" = None
    ) -> None:
        self._own = OwnSession(open_session, "timers")
        self._fork = fork
        self._process: Forked | None = None

    async def run(self) -> None:
        """Do what is due, unless there is a process that does it; a database that is down is for the next time."""
        if self._fork is not None:
            fork, self._fork = self._fork, None
            try:
                self._process = await fork()
            except OSError as error:
                _LOG.warning("%s The server runs the timers of maintenance itself.", error)
        if self._process is None or self._process.poll() is not None:
            await self._own.run(lambda: _run(self._own.session))

    def close(self) -> None:
        """Finish what is being done, and close the session."""
        self._fork = None
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        self._own.close(cancel=True)


def keep_timers(seconds: float) -> None:
    """Run the timers again and again, until the parent ends or SIGTERM asks for an end.

    Parameters
    ----------
    seconds : float
        Time from one run to the next.
    """
    from workbench.observability.logs import log_path, log_to
    from workbench.session import open_session

    parent, stopped = os.getppid(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with open_session() as session:
        log_to(log_path(session.settings.home))
        while not stopped.is_set():
            _run(session)
            left = seconds
            while left > 0 and not stopped.wait(min(left, _LOOK_SECONDS)):
                left -= _LOOK_SECONDS
                if os.getppid() != parent:
                    return


def _run(session: "Session") -> None:
    try:
        session.run_timers()
    except WorkbenchError as error:
        _LOG.warning("The timers of maintenance are tried again later: %s", error)
