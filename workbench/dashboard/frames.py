"""Websocket frames of pages, checked before anything parses them.

Jupyter's parser believes what a frame says of itself: eight bytes that announce 2**62 segments keep the server busy
until its memory is full, for every viewer. Both of its protocols are described in
https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html.
"""

import json
import struct
from typing import Any

from workbench.exceptions import ViewError

__all__ = ["MOST_BYTES", "MOST_SEGMENTS", "V1", "check_frame"]

V1 = "v1.kernel.websocket.jupyter.org"
"""Name of the protocol that pages speak; the one without a name is older."""

MOST_BYTES = 10 * 2**20
"""Longest frame; a longer one closes its websocket with code 1009 as soon as it announces its length."""

MOST_SEGMENTS = 4096
"""Most segments of a frame: channel, four parts of the message, and a buffer for each array of a widget."""

_MIN_V1_OFFSETS = 6  # offsets: begin of the channel, of header, parent header, metadata and content, and the end
_PARTS = ("header", "parent_header", "metadata", "content")


def check_frame(frame: bytes | str, protocol: str | None) -> None:
    """Refuse a frame that is no kernel message.

    Parameters
    ----------
    frame : bytes or str
        As it came, binary or text.
    protocol : str or None
        That the websocket has agreed on: `V1`, or None for the older one.

    Raises
    ------
    ViewError
        It is too long, announces segments that it does not hold, or holds no message.
    """
    if len(frame) > MOST_BYTES:
        raise _bad(f"it has {len(frame):,} bytes, more than {MOST_BYTES:,}")
    if protocol == V1:
        if isinstance(frame, str):
            raise _bad("it is text, and this protocol is binary")
        offsets = _offsets(frame, 8, "<Q")
        if len(offsets) < _MIN_V1_OFFSETS:
            raise _bad(f"it has {len(offsets)} offsets, less than {_MIN_V1_OFFSETS}")
        _check_offsets(offsets, 8 * (1 + len(offsets)), len(frame))
        _text(frame[offsets[0] : offsets[1]])
        _check_header(_json(frame[offsets[1] : offsets[2]]))
        return
    if isinstance(frame, str):
        message = _json(frame)
        if isinstance(message, dict) and message.get("buffers"):
            raise _bad("it is text and has buffers")
    else:
        offsets = _offsets(frame, 4, "!I")
        if not offsets:
            raise _bad("it has no segment")
        _check_offsets(offsets, 4 * (1 + len(offsets)), len(frame))
        message = _json(frame[offsets[0] : offsets[1] if len(offsets) > 1 else None])
    if not isinstance(message, dict) or not all(isinstance(message.get(part), dict) for part in _PARTS):
        raise _bad(f"it does not hold {', '.join(_PARTS)}")
    if not isinstance(message.get("channel"), str | None):
        raise _bad("its channel is no text")
    _check_header(message["header"])


def _offsets(frame: bytes, size: int, kind: str) -> tuple[int, ...]:
    if len(frame) < size:
        raise _bad(f"it has {len(frame)} bytes, and the number of its segments alone takes {size}")
    (number,) = struct.unpack_from(kind, frame)
    if number > min(MOST_SEGMENTS, len(frame) // size - 1):
        raise _bad(f"it announces {number:,} segments in {len(frame):,} bytes")
    return struct.unpack_from(f"{kind[0]}{number}{kind[1]}", frame, size)


def _check_offsets(offsets: tuple[int, ...], first: int, end: int) -> None:
    last = first
    for offset in offsets:
        if not last <= offset <= end:
            raise _bad(f"an offset of {offset:,} does not lie between {last:,} and {end:,}")
        last = offset


def _check_header(header: Any) -> None:
    if not isinstance(header, dict) or not isinstance(header.get("msg_type"), str):
        raise _bad("its header names no type of message")


def _json(content: bytes | str) -> Any:
    try:
        return json.loads(_text(content) if isinstance(content, bytes) else content)
    except (ValueError, RecursionError):
        raise _bad("its message is not JSON") from None


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("its text is not UTF-8") from None


def _bad(reason: str) -> ViewError:
    return ViewError(f"A frame of a websocket is no kernel message: {reason}.", "The page connects again by itself.")
