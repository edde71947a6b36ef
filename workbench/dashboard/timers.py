"""The dashboard runs the timers of maintenance: escalations, messages and preventive orders need nobody who scores."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.dashboard.own_session import OwnSession
from workbench.exceptions import WorkbenchError

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["Timers"]

_LOG = logging.getLogger(__name__)


class Timers:
    """Opens the preventive orders and sends the messages that are due, in a thread of its own.

    Parameters
    ----------
    open_session : callable
        Opens the session, when it is first used.
    """

    def __init__(self, open_session: "Callable[[], Session]") -> None:
        self._own = OwnSession(open_session, "timers")

    async def run(self) -> None:
        """Do what is due, beside the server's loop; a database that is down is for the next time."""
        await self._own.run(self._run)

    def close(self) -> None:
        """Finish what is being done, and close the session."""
        self._own.close(cancel=True)

    def _run(self) -> None:
        try:
            self._own.session.run_timers()
        except WorkbenchError as error:
            _LOG.warning("The timers of maintenance are tried again later: %s", error)
