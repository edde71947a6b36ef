"""The dashboard runs the timers of maintenance: escalations, messages and preventive orders need nobody who scores.

Where kernels are forked, each run is a process that is forked, too, and ends with it: it takes a tenth of a second, and
the server would hold for good what it needs. Elsewhere, and where forking fails, the server runs them in a thread.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from workbench.dashboard.own_session import OwnSession
from workbench.exceptions import WorkbenchError

if TYPE_CHECKING:
    from workbench.dashboard.forking import Forked
    from workbench.session import Session

__all__ = ["Timers", "run_timers"]

_LOG = logging.getLogger(__name__)


class Timers:
    """Opens the preventive orders and sends the messages that are due, beside the server's loop.

    Parameters
    ----------
    open_session : callable
        Opens the session, when it is first used.
    fork : callable, optional
        Starts a process that calls `run_timers`; without it they run in a thread of this process.
    """

    def __init__(
        self, open_session: "Callable[[], Session]", fork: "Callable[[], Awaitable[Forked]] | None" = None
    ) -> None:
        self._own = OwnSession(open_session, "timers")
        self._fork = fork
        self._process: Forked | None = None

    async def run(self) -> None:
        """Do what is due; a database that is down is for the next time."""
        if self._fork is not None:
            try:
                self._process = await self._fork()
            except OSError as error:
                _LOG.warning("%s The server runs the timers of maintenance itself.", error)
                self._fork = None
            else:
                await asyncio.to_thread(self._process.wait)
                return
        await self._own.run(lambda: _run(self._own.session))

    def close(self) -> None:
        """Finish what is being done, and close the session."""
        if self._process is not None:
            self._process.wait()
        self._own.close(cancel=True)


def run_timers() -> None:
    """Open a session by the environment, and do once what is due."""
    from workbench.observability.logs import log_path, log_to
    from workbench.session import open_session

    with open_session() as session:
        log_to(log_path(session.settings.home))
        _run(session)


def _run(session: "Session") -> None:
    try:
        session.run_timers()
    except WorkbenchError as error:
        _LOG.warning("The timers of maintenance are tried again later: %s", error)
