"""Scores as bytes: what a process hands on so that another one publishes it."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from workbench.telemetry.archiving.lanes import Lane, lane_of
from workbench.telemetry.archiving.tail import pack

__all__ = [
    "packed_lane",
    "packed_score",
    "plain_attributes",
    "tail_place",
    "unpacked_score",
]


def plain_attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the attributes of a dataset as JSON holds them."""
    return {str(name): value.item() if isinstance(value, np.generic) else value for name, value in attributes.items()}


def tail_place(lane: Lane, number: int) -> dict[str, Any]:
    """Return what a publication says of a lane in the tail."""
    return {
        "channel": lane.channel,
        "part": lane.part,
        "first": lane.first,
        "length": lane.length,
        "total": lane.total,
        "place": "",
        "lane": number,
    }


def packed_lane(lane: Lane) -> bytes:
    """Write the rows of a lane as bytes; coordinates are marked with an @."""
    return pack(
        {
            f"@{name}" if one.is_coordinate else name: (one.dims, one.values, one.attributes)
            for name, one in lane.variables.items()
        }
    )


def packed_score(channel: str, key: str, scored: xr.Dataset, keep: int, based_on: int | None = None) -> bytes:
    """Write a score as bytes: the length of its description, the description, its CRC-32, and its rows.

    `based_on` is the publication of the score that it goes on from, where some samples of it stay.
    """
    lane = lane_of(scored, channel, f"scores/{key}", keep)
    payload = packed_lane(lane)
    about = [channel, key, plain_attributes(scored.attrs), tail_place(lane, 0), zlib.crc32(payload), based_on]
    text = json.dumps(about).encode()
    return b"".join(number.to_bytes(8, "little") for number in (len(text), zlib.crc32(text))) + text + payload


def unpacked_score(content: bytes) -> tuple[str, str, dict[str, Any], dict[str, Any], bytes, int | None]:
    """Read what `packed_score` wrote.

    Raises
    ------
    OSError
        It is damaged.
    """
    length, crc = (int.from_bytes(content[start : start + 8], "little") for start in (0, 8))
    text, payload = content[16 : 16 + length], content[16 + length :]
    if zlib.crc32(text) != crc or (about := json.loads(text))[4] != zlib.crc32(payload):
        raise OSError("a score that was staged is damaged")
    return about[0], about[1], about[2], about[3], payload, about[5]
