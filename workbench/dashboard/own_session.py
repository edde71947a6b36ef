"""A session with a thread of its own, as each part of the server has it that works beside the pages."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["OwnSession"]

ResultT = TypeVar("ResultT")


class OwnSession:
    """Opens a session when it is first needed, and does what is asked of it one after the other in one thread.

    Parameters
    ----------
    open_session : callable
        Opens the session.
    name : str
        Name of the thread.
    """

    def __init__(self, open_session: "Callable[[], Session]", name: str) -> None:
        self._open = open_session
        self._resources = ExitStack()
        self._thread = ThreadPoolExecutor(1, name)

    @cached_property
    def session(self) -> "Session":
        """The session, for use in the thread."""
        return self._resources.enter_context(self._open())

    async def run(self, work: Callable[[], ResultT]) -> ResultT:
        """Do something in the thread, while the server's loop goes on."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self, *, cancel: bool = False) -> None:
        """Finish what is being done, and close the session; `cancel` leaves undone what has not begun."""
        self._thread.shutdown(cancel_futures=cancel)
        self._resources.close()
