"""What a feed is: something that connects to a source, puts what arrives into the intake, and can be stopped."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from workbench.live.intake import Intake

__all__ = ["Feed", "FeedState", "Relay"]


@dataclass(frozen=True)
class FeedState:
    """How a feed is.

    Attributes
    ----------
    connected : bool
        Whether it can receive.
    words : str
        What it does, or why it cannot.
    received : int
        Samples since the start, those that could not be read left out.
    finished : bool
        Whether nothing more will come, as of a replay.
    quiet : frozenset of str
        Channels of which only changes come: as long as it is connected, silence means that they have not changed.
    catching_up : str
        How far behind the present it is, for the header of each page; empty where it is not, or that is not known.
    """

    connected: bool
    words: str
    received: int = 0
    finished: bool = False
    quiet: frozenset[str] = frozenset()
    catching_up: str = ""


class Feed(Protocol):
    """A source of samples.

    Attributes
    ----------
    name : str
        Name for messages and metrics.
    """

    name: str

    def start(self, intake: Intake) -> None:
        """Begin to put deliveries into the intake, in threads of its own.

        Raises
        ------
        WorkbenchError
            It can never work as it is set up; what may come back, as a broker, is tried again instead.
        """

    def stop(self) -> None:
        """Stop receiving; what was not acknowledged stays with the source."""

    def state(self) -> FeedState:
        """Return how it is."""


@runtime_checkable
class Relay(Protocol):
    """A feed behind which there are senders that say when they are gone."""

    def dead(self) -> list[str]:
        """Return the names of the senders that are gone."""
