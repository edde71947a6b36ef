"""Frames of websockets are checked before they are parsed: what passes can be parsed, at once, as Jupyter does it."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_server.services.kernels.connection.base import (
    deserialize_binary_message,
    deserialize_msg_from_ws_v1,
    serialize_binary_message,
    serialize_msg_to_ws_v1,
)

from workbench.dashboard.frames import MOST_BYTES, MOST_SEGMENTS, V1, check_frame
from workbench.exceptions import ViewError

MESSAGE = {
    "header": {"msg_id": "1", "msg_type": "comm_msg", "session": "s", "username": "", "version": "5.3"},
    "parent_header": {},
    "metadata": {},
    "content": {"comm_id": "x", "data": {"method": "update"}},
}


def v1(*buffers, message=MESSAGE):
    parts = [json.dumps(message[name]).encode() for name in ("header", "parent_header", "metadata", "content")]
    return serialize_msg_to_ws_v1([*parts, *buffers], "shell")


def legacy(*buffers):
    return serialize_binary_message({**MESSAGE, "channel": "shell", "buffers": list(buffers)})


def refused(frame, protocol):
    with pytest.raises(ViewError, match="no kernel message"):
        check_frame(frame, protocol)


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_every_message_of_jupyters_own_serialiser_passes(buffers):
    check_frame(v1(*buffers), V1)
    check_frame(legacy(*buffers), None)
    check_frame(json.dumps({**MESSAGE, "channel": "shell"}), None)
    check_frame(json.dumps({**MESSAGE, "channel": "shell", "buffers": []}), None)


@pytest.mark.parametrize("number", [2**62, 2**63, 2**64 - 1, MOST_SEGMENTS + 1, 1, 0])
def test_a_number_of_segments_that_is_not_there_is_refused(number):
    refused(struct.pack("<Q", number), V1)
    refused(struct.pack("<Q", number) + b"x" * 40, V1)


@pytest.mark.parametrize("number", [2**31 - 1, 2**31, 2**32 - 1, 0, 1])
def test_so_it_is_in_the_older_protocol(number):
    refused(struct.pack("!I", number), None)
    refused(struct.pack("!I", number) + b"x" * 40, None)


def test_more_segments_than_a_message_has_are_refused_though_they_are_there():
    refused(v1(*[b""] * MOST_SEGMENTS), V1)
    refused(legacy(*[b""] * MOST_SEGMENTS), None)


@pytest.mark.parametrize("frame", [b"", b"\x00", "", "x", "[]", "{}", "null", "[" * 100_000, '{"header": 1}', "\ud800"])
def test_what_is_no_message_is_refused_in_both_protocols(frame):
    refused(frame, V1)
    refused(frame, None)


def test_a_frame_that_is_too_long_is_refused():
    refused(b"x" * (MOST_BYTES + 1), V1)
    refused("x" * (MOST_BYTES + 1), None)


def test_a_header_without_a_type_is_refused():
    refused(v1(message={**MESSAGE, "header": {}}), V1)
    refused(v1(message={**MESSAGE, "header": []}), V1)
    refused(json.dumps({**MESSAGE, "channel": ["shell"]}), None)
    refused(json.dumps({**MESSAGE, "buffers": ["x"]}), None)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("offset", [0, 2**62, 2**64 - 1])
def test_an_offset_outside_its_range_is_refused(place, offset):
    frame = bytearray(v1())
    frame[8 * (place + 1) : 8 * (place + 2)] = struct.pack("<Q", offset)
    refused(bytes(frame), V1)


def passes(frame, protocol):
    try:
        check_frame(frame, protocol)
    except ViewError:
        return False
    return True


@st.composite
def changed(draw, frame):
    """Change some bytes of a frame, and cut or lengthen it."""
    content = bytearray(frame)
    for place, value in draw(st.lists(st.tuples(st.integers(0, len(frame) - 1), st.integers(0, 255)), max_size=6)):
        content[place] = value
    return bytes(content[: draw(st.integers(0, len(frame)))]) + draw(st.binary(max_size=16))


@given(st.one_of(st.binary(max_size=200), changed(v1(b"buffer")), changed(v1())))
def test_what_passes_is_parsed_by_jupyter_without_an_error(frame):
    if passes(frame, V1):
        _, parts = deserialize_msg_from_ws_v1(frame)
        assert 4 <= len(parts) <= MOST_SEGMENTS
        assert sum(map(len, parts)) <= len(frame)


@given(st.one_of(st.binary(max_size=200), changed(legacy(b"buffer")), changed(legacy())))
def test_so_it_is_with_binary_messages_of_the_older_protocol(frame):
    if passes(frame, None):
        message = deserialize_binary_message(frame)
        assert isinstance(message["header"]["msg_type"], str)


@given(st.text(max_size=200))
def test_text_that_is_no_message_never_raises_anything_else(text):
    assert not passes(text, None)
    assert not passes(text, V1)
