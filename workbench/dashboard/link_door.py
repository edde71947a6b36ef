"""What lets the readers of links in: one session and thread for all pages behind links, and limits on what they ask.

Who guesses links has to wait, whichever kind they guess, and so has who opens a good one too often.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.dashboard.own_session import OwnSession

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["ORDER_NUMBER", "LateAnswers", "LinkDoor", "RateLimit"]

ORDER_NUMBER = re.compile(r"WO-\d{1,10}")
"""Pattern of the number of a work order, in the place of a secret where it comes from a QR code."""

_BAD_PER_MINUTE = 20
_GOOD_PER_MINUTE = 120
_MAX_KEYS = 10_000


class RateLimit:
    """Counts what each key asks for in a minute.

    Parameters
    ----------
    most : int
        Most requests of one key in a minute.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[str, tuple[datetime, int]] = {}

    def allows(self, key: str, present: datetime) -> bool:
        """Count one request of a key, and return whether it may be answered.

        Examples
        --------
        >>> from datetime import UTC
        >>> limit, noon = RateLimit(2), datetime(2026, 3, 2, 12, tzinfo=UTC)
        >>> [limit.allows("a", noon) for _ in range(3)], limit.allows("a", noon + timedelta(minutes=1))
        ([True, True, False], True)
        """
        if len(self._counts) >= _MAX_KEYS:
            self._counts = {one: row for one, row in self._counts.items() if present - row[0] < timedelta(minutes=1)}
        if len(self._counts) >= _MAX_KEYS and key not in self._counts:
            return False
        since, count = self._counts.get(key, (present, 0))
        if not timedelta() <= present - since < timedelta(minutes=1):
            since, count = present, 0
        self._counts[key] = (since, count + 1)
        return count < self._most


class LinkDoor(OwnSession):
    """The session behind the links, and who may ask for what.

    Parameters
    ----------
    open_session : callable
        Opens the session, when the first link comes.
    """

    def __init__(self, open_session: "Callable[[], Session]") -> None:
        super().__init__(open_session, "links")
        self._bad = RateLimit(_BAD_PER_MINUTE)
        self._good = RateLimit(_GOOD_PER_MINUTE)

    def allows_bad(self, reader: str, present: datetime) -> bool:
        """Count a link that is not good, and return whether its reader, a network address, need not wait."""
        return self._bad.allows(reader, present)

    def allows_good(self, link: str, reader: str, present: datetime) -> bool:
        """Count a link that is good, and return whether its reader, a network address, need not wait."""
        return self._good.allows(f"{link} {reader}", present)


class LateAnswers:
    """Stands for what answers links, which is imported when the first link comes: it loads all of maintenance.

    Parameters
    ----------
    door : LinkDoor
        Session and limits of the links; all other attributes are to be asked for in its thread.
    module, name : str
        Class that answers.
    """

    def __init__(self, door: LinkDoor, module: str, name: str) -> None:
        self.door = door
        self._module = module
        self._name = name

    @cached_property
    def _answers(self) -> Any:
        return getattr(import_module(self._module), self._name)(self.door)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answers, name)
