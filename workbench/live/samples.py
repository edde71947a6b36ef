"""Samples on their way, and what becomes of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["COUNTERS", "Delivery", "Fault", "PayloadFaults", "Sample"]

_MAX_EXAMPLES = 100  # of one payload; further faults of a kind share one, so that they take no memory

COUNTERS = (
    "added",
    "completed",
    "duplicates",
    "conflicts",
    "late",
    "quarantined",
    "unfit",
    "ignored",
    "dropped",
)
"""What can become of a sample; each one that arrives is counted once.

Added, or filled in where a missing value was; there already; contradicting what is there; too late; in quarantine;
unfit for its channel, as with other inputs; of a tag that a person has ignored; beyond what is kept of a waiting tag.
"""


class Sample(NamedTuple):
    """One sample of one channel.

    Attributes
    ----------
    channel : str
        Name of the channel, or of a tag that none has yet.
    clock : str
        What its moment is: "time", nanoseconds since 1970, UTC; or "sample", its number since the channel began.
    moment : int
        Its moment.
    value : float
        In the units of the channel; NaN where it is missing.
    inputs : mapping of str to float, optional
        Inputs that go along.
    """

    channel: str
    clock: str
    moment: int
    value: float
    inputs: Mapping[str, float] | None = None


class Fault(NamedTuple):
    """Something that could not be used.

    Attributes
    ----------
    kind : str
        What is wrong, in a few words that are the same for all of its kind.
    example : str
        One of them, in words.
    """

    kind: str
    example: str


class PayloadFaults:
    """Faults of one payload: all of them counted, the first ones with an example of their own.

    Attributes
    ----------
    all : list of Fault
        In order.
    """

    def __init__(self) -> None:
        self.all: list[Fault] = []
        self._by_kind: dict[str, Fault] = {}

    def note(self, kind: str, example: Callable[[], str]) -> None:
        """Note one more; its example is made only where it is among the first."""
        fault = self._by_kind.get(kind)
        if fault is None or len(self.all) < _MAX_EXAMPLES:
            fault = Fault(kind, example())
            self._by_kind.setdefault(kind, fault)
        self.all.append(fault)


@dataclass
class Delivery:
    """Samples that a feed hands over together.

    Attributes
    ----------
    feed : str
        Name of the feed.
    samples : list of Sample
        In the order in which they arrived.
    faults : list of Fault
        What could not be read.
    unfit : list of Fault
        Why samples do not fit their channels; known before `stored` is called.
    stored : callable
        Called once with how many samples became what, when they are stored.
    """

    feed: str
    samples: list[Sample]
    faults: list[Fault] = field(default_factory=list)
    unfit: list[Fault] = field(default_factory=list, init=False)
    stored: Callable[[Mapping[str, int]], None] = lambda counts: None
