"""Callbacks of views: named methods whose errors become a card on the page and an entry in the log."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from workbench.exceptions import WorkbenchError
from workbench.observability.timings import TIMINGS

__all__ = [
    "LOG",
    "Failure",
    "Guard",
    "Guarded",
    "Hosted",
    "Quiet",
    "callback",
    "is_callback",
    "without_commands",
]

LOG = logging.getLogger("workbench.views")
"""Where the errors of all views go, with their tracebacks."""

_AGAIN = "Try again. If the error stays, give its number to the person who runs the server: the log says more."

P = ParamSpec("P")


class Failure:
    """An error as the reader sees it.

    Parameters
    ----------
    error : BaseException
        A `WorkbenchError` is shown with its own message; any other error is in the log only.
    doing : str
        What was tried, in words.

    Attributes
    ----------
    number : str
        Eight hexadecimal digits that stand in the log, too.
    what, todo : str
        What happened, and what to do.
    """

    def __init__(self, error: BaseException, doing: str) -> None:
        self.number = uuid.uuid4().hex[:8]
        if isinstance(error, WorkbenchError):
            self.what = error.message
            self.todo = without_commands(error.hint) or _AGAIN
        else:
            self.what = f"{doing} failed."
            self.todo = _AGAIN


_SEE = re.compile(r"See: workbench [^.]*\.")
_COMMANDS = re.compile(r"[:;] workbench (?:alerts|assets|orders|parts|people|plan|preventive|requests)\b[^.;]*")


def without_commands(hint: str) -> str:
    """Return the hint of an error without the commands for what a page has buttons for.

    Parameters
    ----------
    hint : str
        What would be right, or what to do next.

    Examples
    --------
    >>> without_commands("Complete it, or say what it takes in all: workbench orders change WO-1 --hours HOURS.")
    'Complete it, or say what it takes in all.'
    >>> without_commands("See: workbench orders list."), without_commands("Train one: workbench train P-1.")
    ('', 'Train one: workbench train P-1.')
    """
    return _COMMANDS.sub("", _SEE.sub("", hint)).strip()


class Guarded(Protocol):
    """What `Guard` needs of a view, or of a section of one."""

    @property
    def title(self) -> str:
        """Title of the view on screen."""

    def fail(self, failure: Failure, source: str) -> None:
        """Show the card of an error.

        Parameters
        ----------
        failure : Failure
            The error.
        source : str
            Name of the method that raised it.
        """

    def mend(self, source: str) -> None:
        """Remove the card that a source has left before.

        Parameters
        ----------
        source : str
            Name of the method that has succeeded.
        """


class Hosted:
    """A part of a page whose errors the view or page around it shows.

    Parameters
    ----------
    host : Guarded
        View or page that shows the errors.
    """

    def __init__(self, host: Guarded) -> None:
        self._host = host

    @property
    def title(self) -> str:
        """Title of the host, under which the time of the callbacks is counted."""
        return self._host.title

    def fail(self, failure: Failure, source: str) -> None:
        """Show the card of an error, in the host.

        Parameters
        ----------
        failure : Failure
            The error.
        source : str
            Name of the callback that failed.
        """
        self._host.fail(failure, source)

    def mend(self, source: str) -> None:
        """Remove the card that a callback has left in the host.

        Parameters
        ----------
        source : str
            Name of the callback, which has succeeded now.
        """
        self._host.mend(source)


class Guard:
    """A context in which an error becomes a card, and whose time is counted.

    Parameters
    ----------
    view : Guarded
        View that shows the card.
    source : str
        Name of the method, or words for what is done.
    timed : bool
        Whether the time is counted among the view's latencies; work that waits for other processes is not.
    """

    def __init__(self, view: Guarded, source: str, *, timed: bool = True) -> None:
        self._view = view
        self._source = source
        self._timed = timed

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._timed:
            TIMINGS.add(self._view.title, self._source, time.perf_counter() - self._began)
        if error is None:
            self._view.mend(self._source)
            return False
        if not isinstance(error, Exception):
            return False
        words = self._source.removeprefix("_").removeprefix("on_").replace("_", " ")
        failure = Failure(error, f"{self._view.title}: {words}")
        LOG.error("%s %s: %s", failure.number, f"{self._view.title}: {words}", error, exc_info=error)
        self._view.fail(failure, self._source)
        return True


class Quiet:
    """A context in which a view changes its own controls; while it lasts, it is true.

    Examples
    --------
    >>> quiet = Quiet()
    >>> with quiet:
    ...     bool(quiet)  # a callback that asks does nothing now
    True
    >>> bool(quiet)
    False
    """

    def __init__(self) -> None:
        self._depth = 0

    def __bool__(self) -> bool:
        return self._depth > 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *error: object) -> None:
        self._depth -= 1


V = TypeVar("V", bound=Guarded)


def callback(method: Callable[Concatenate[V, P], None]) -> Callable[Concatenate[V, P], None]:
    """Make a method of a view fit to be called by a widget, a chart or a timer.

    An error in it is shown as a card with a number that the log holds too; a card that the method left before goes
    when it succeeds.

    Parameters
    ----------
    method : callable
        Method that returns nothing.

    Returns
    -------
    callable
    """

    @wraps(method)
    def guarded(view: V, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with Guard(view, method.__name__):
            method(view, *args, **kwargs)

    guarded.__dict__["callback"] = True
    return guarded


def is_callback(called: Any) -> bool:
    """Return whether a callable is a method that `callback` has made.

    Parameters
    ----------
    called : object
        Any callable.

    Returns
    -------
    bool
    """
    return bool(getattr(called, "callback", False))
