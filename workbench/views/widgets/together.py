"""Hold what widgets tell the page, and hand it over at once: a view is hundreds of widgets, each with a message."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

__all__ = ["Message", "hold", "send_with", "together"]


class Message(NamedTuple):
    """What a widget tells its other half in the page."""

    kind: str
    content: dict[str, Any]
    metadata: dict[str, Any]
    buffers: list[Any]


class _Line:
    send: Callable[[list[Message]], None] | None = None
    held: list[Message] | None = None


def send_with(send: Callable[[list[Message]], None]) -> None:
    """Hold messages in blocks of `together` from now on, for a page that takes them.

    Parameters
    ----------
    send : callable
        Sends messages to the page.
    """
    _Line.send = send


def hold(message: Message) -> bool:
    """Hold a message until the end of the block.

    Parameters
    ----------
    message : Message
        The message.

    Returns
    -------
    bool
        Whether it is held; outside of a block it is not.
    """
    if _Line.held is None:
        return False
    _Line.held.append(message)
    return True


@contextmanager
def together() -> Iterator[None]:
    """Send what the block's new widgets tell the page as one message at the end; nothing happens in a notebook."""
    if _Line.send is None or _Line.held is not None:
        yield
        return
    _Line.held = []
    try:
        yield
    finally:
        held, _Line.held = _Line.held, None
        if held:
            _Line.send(held)
