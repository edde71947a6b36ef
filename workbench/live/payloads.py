"""Payloads read as samples: JSON by a mapping, and InfluxDB's line protocol.

What cannot be read is told as a fault beside the samples that can; nothing is guessed. No payload raises an error.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isfinite
from typing import Any

from line_protocol_parser import LineFormatError, parse_line

from workbench.live.samples import Fault, PayloadFaults, Sample
from workbench.names import is_name
from workbench.telemetry.feed_options import JsonMapping, LineMapping, placeholders

__all__ = ["UNITS", "read_json", "read_lines"]

UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds of each unit of time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_BRACES = re.compile(r"\{([^{}]*)\}")
_LAST_MOMENT = 2**63 - 1
_LONGEST_EXAMPLE = 200

Read = tuple[list[Sample], list[Fault]]


class _UnreadableError(Exception):
    """A part of a payload cannot be read; it holds kind and words."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words


def read_json(payload: bytes, mapping: JsonMapping, topic: str = "") -> Read:
    """Read an object of JSON, or an array of them.

    Parameters
    ----------
    payload : bytes
        UTF-8.
    mapping : JsonMapping
        Where an object holds what.
    topic : str
        Topic of the message.

    Returns
    -------
    list of Sample
        In their order.
    list of Fault
        What could not be read.

    Examples
    --------
    >>> read_json(b'{"channel": "flow", "time": "2025-01-01T00:00:00Z", "value": 1.5}', JsonMapping())[0]
    [Sample(channel='flow', clock='time', moment=1735689600000000000, value=1.5, inputs=None)]
    """
    try:
        content = json.loads(payload.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return [], [Fault("not JSON", f"{error}: {_shown(payload)}")]
    samples: list[Sample] = []
    faults = PayloadFaults()
    for one in content if isinstance(content, list) else [content]:
        try:
            samples.append(_json_sample(one, mapping, topic))
        except _UnreadableError as error:
            faults.note(error.kind, partial(_json_example, error.words, one))
    return samples, faults.all


def read_lines(payload: bytes, mapping: LineMapping, unit: str = "ns") -> Read:
    r"""Read lines of InfluxDB's line protocol.

    Parameters
    ----------
    payload : bytes
        UTF-8.
    mapping : LineMapping
        How a line is read.
    unit : str
        Unit of the time stamps, one of `UNITS`.

    Returns
    -------
    list of Sample
        In their order.
    list of Fault
        What could not be read.

    Examples
    --------
    >>> read_lines(b"pump,site=north flow=1.5 1735689600000000000", LineMapping())[0]
    [Sample(channel='pump,site=north.flow', clock='time', moment=1735689600000000000, value=1.5, inputs=None)]
    """
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        return [], [Fault("not UTF-8", f"{error.reason}: {_shown(payload)}")]
    samples: list[Sample] = []
    faults = PayloadFaults()
    for line in text.split("\n"):
        line = line.strip("\r")
        if not line.strip():
            continue
        try:
            samples += _line_samples(line, mapping, unit)
        except _UnreadableError as error:
            faults.note(error.kind, partial(_line_example, error.words, line))
    return samples, faults.all


def _json_example(words: str, one: Any) -> str:
    try:
        text = json.dumps(one)
    except RecursionError:  # writing needs a little more depth than reading
        text = "(nested too deeply to be shown)"
    return f"{words}: {_shown(text.encode())}"


def _line_example(words: str, line: str) -> str:
    return f"{words}: {_shown(line.encode())}"


def _json_sample(one: Any, mapping: JsonMapping, topic: str) -> Sample:
    if not isinstance(one, dict):
        raise _UnreadableError("no object", "An object with channel, time and value is expected")
    levels = topic.split("/")
    names: dict[str, Any] = {"topic": topic} | {f"topic.{place}": level for place, level in enumerate(levels)}
    channel = _name(mapping.channel, lambda name: names.get(name) if name.startswith("topic") else _field(one, name))
    stamp, number = _field(one, mapping.time), _field(one, mapping.sample)
    if (stamp is None) == (number is None):
        words = f"Either {mapping.time!r} or {mapping.sample!r} is expected"
        raise _UnreadableError("no time" if stamp is None else "two times", words)
    if stamp is None:
        clock, moment = "sample", _whole(number, 1, f"The sample number {number!r}")
    else:
        clock, moment = "time", _time(stamp, mapping)
    value = _value(one, mapping)
    inputs = _field(one, mapping.inputs)
    if inputs is None:
        return Sample(channel, clock, moment, value)
    if not isinstance(inputs, dict):
        raise _UnreadableError("inputs", f"{mapping.inputs!r} is no object")
    return Sample(channel, clock, moment, value, _inputs(inputs))


def _value(one: Mapping[str, Any], mapping: JsonMapping) -> float:
    """Return the value of an object; NaN where it is null, or of bad quality."""
    present, value = _look(one, mapping.value)
    if not present:
        raise _UnreadableError("no value", f"There is no {mapping.value!r}")
    has_quality, quality = _look(one, mapping.quality)
    if isinstance(quality, str):
        quality = quality.casefold()
    is_good = quality is True or quality == "good" or (quality == 0 and quality is not False)
    if value is None or (has_quality and not is_good):
        return float("nan")
    return _number(value, mapping.value)


def _line_samples(line: str, mapping: LineMapping, unit: str) -> Iterator[Sample]:
    try:
        content = parse_line(line)
    except (LineFormatError, ValueError, OverflowError) as error:
        raise _UnreadableError("not line protocol", str(error).rstrip(".")) from None
    if content is None:  # a comment
        return
    if content["time"] is None:
        raise _UnreadableError("no time", "The line has no time stamp")
    scale = 1 if mapping.clock == "sample" else UNITS[unit]
    moment = _whole(content["time"], scale, f"The time stamp {content['time']}")
    fields = content["fields"]
    tags = dict(sorted(content["tags"].items()))
    series = ",".join([content["measurement"], *(f"{name}={text}" for name, text in tags.items())])
    names = {**tags, "measurement": content["measurement"], "series": series}
    if mapping.value is not None:
        if mapping.value not in fields:
            raise _UnreadableError("no value", f"There is no field {mapping.value!r}")
        channel = _name(mapping.channel, {"field": mapping.value, **names}.get)
        value = _number(fields[mapping.value], mapping.value)
        inputs = _inputs({name: held for name, held in fields.items() if name != mapping.value})
        yield Sample(channel, mapping.clock, moment, value, inputs or None)
        return
    texts = [name for name, held in fields.items() if isinstance(held, str)]
    for name, held in fields.items():
        if name not in texts:
            channel = _name(mapping.channel, {**names, "field": name}.get)
            yield Sample(channel, mapping.clock, moment, _number(held, name))
    if texts:
        raise _UnreadableError("text", f"The field {texts[0]!r} holds text")


def _look(one: Mapping[str, Any], path: str) -> tuple[bool, Any]:
    """Return whether an object has a field, and what it holds; a dot goes into an object inside."""
    if path in one:
        return True, one[path]
    held: Any = one
    for part in path.split("."):
        if not isinstance(held, dict) or part not in held:
            return False, None
        held = held[part]
    return True, held


def _field(one: Mapping[str, Any], path: str) -> Any:
    return _look(one, path)[1]


def _name(template: str, value_of: Any) -> str:
    """Return the name of a channel by a template."""
    texts = {placeholder: value_of(placeholder) for placeholder in placeholders(template)}
    for placeholder, text in texts.items():
        if not isinstance(text, str) or not text:
            raise _UnreadableError("no name", f"There is no text {placeholder!r} for the name of the channel")
    name = _BRACES.sub(lambda match: str(texts[match[1]]), template)
    if not is_name(name):
        raise _UnreadableError("no name", f"{name[:_LONGEST_EXAMPLE]!r} cannot name a channel")
    return name


def _inputs(inputs: Mapping[str, Any]) -> dict[str, float]:
    """Return the inputs of a sample, whose names are as those of channels."""
    for name in inputs:
        if not is_name(name):
            raise _UnreadableError("inputs", f"{name[:_LONGEST_EXAMPLE]!r} cannot name an input")
    return {name: _number(held, name) for name, held in inputs.items()}


def _number(value: Any, name: str) -> float:
    """Return a number as it is stored; true and false are 1 and 0."""
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if isfinite(number):
            return number
    raise _UnreadableError("no number", f"{name[:_LONGEST_EXAMPLE]!r} holds no finite number")


def _whole(value: Any, scale: int, words: str) -> int:
    shown = words[:_LONGEST_EXAMPLE]
    if isinstance(value, bool) or not isinstance(value, int):
        raise _UnreadableError("no time", f"{shown} is not a whole number")
    if abs(value) * scale > _LAST_MOMENT:
        raise _UnreadableError("no time", f"{shown} is out of range: times lie between 1677-09-22 and 2262-04-11")
    return value * scale


def _time(stamp: Any, mapping: JsonMapping) -> int:
    """Return a time in nanoseconds since 1970, UTC."""
    if isinstance(stamp, int | float) and not isinstance(stamp, bool):
        if mapping.time_unit is None:
            raise _UnreadableError(
                "no time", "The time is a number: set live.json_mapping.time_unit to s, ms, us or ns, or write ISO 8601"
            )
        return _whole_of(stamp, UNITS[mapping.time_unit])
    match = _ISO.fullmatch(stamp) if isinstance(stamp, str) else None
    if match is None:
        raise _UnreadableError("no time", f"The time {str(stamp)[:_LONGEST_EXAMPLE]!r} is not ISO 8601")
    try:
        moment = datetime.fromisoformat(match[1] + (match[3] or "Z"))
        whole = (moment - _EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError) as error:
        raise _UnreadableError("no time", f"The time {stamp!r} is none: {error}") from None
    nanoseconds = whole * UNITS["s"] + int((match[2] or "0").ljust(9, "0"))
    return _whole(nanoseconds, 1, f"The time {stamp}")


def _whole_of(stamp: float, scale: int) -> int:
    """Return a number of a unit in nanoseconds; a fraction is rounded to microseconds, as far as it is exact."""
    if isinstance(stamp, int):
        return _whole(stamp, scale, f"The time {stamp}")
    microseconds = stamp * scale / 1000
    if not isfinite(microseconds):
        raise _UnreadableError("no time", f"The time {stamp} is out of range")
    return _whole(round(microseconds) * 1000, 1, f"The time {stamp}")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON; null means that a value is missing")


def _shown(payload: bytes) -> str:
    """Return the beginning of a payload as it can be shown."""
    return ascii(payload[:_LONGEST_EXAMPLE].decode("utf-8", "replace"))[1:-1]
