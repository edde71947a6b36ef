"""Sparkplug B read as samples: births name the metrics of an edge node, and what follows speaks of them by alias.

After Eclipse Sparkplug 3.0.0, sections 4 (topics), 5 (states of nodes and devices) and 6 (payloads). Nothing is
guessed: what speaks of a metric that no birth has named, or comes after a message that is missing, is told as a fault,
and its edge node is asked for a new birth, which has the present value of each of its metrics.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import isfinite, nan
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from workbench.live.samples import Fault, PayloadFaults, Sample
from workbench.names import is_name
from workbench.telemetry.feed_options import SparkplugMapping

__all__ = ["SparkplugRead", "SparkplugReader", "rebirth_command"]

_NAMESPACE = "spBv1.0"
_LEVELS = (4, 5)
_WITH_DEVICE = ("DBIRTH", "DDATA", "DDEATH")
_WITHOUT_DEVICE = ("NBIRTH", "NDATA", "NDEATH")
_COMMANDS = ("NCMD", "DCMD")
_REBIRTH = "Node Control/Rebirth"
_OWN_NAMES = ("Node Control/", "Device Control/")  # of metrics that are no telemetry
_BIRTH_NUMBER = "bdSeq"
_MILLISECOND = 1_000_000
_LAST_MILLISECOND = (2**63 - 1) // _MILLISECOND
_SEQUENCE = 256
_ASKED_AGAIN_S = 10.0
_GOOD = 192  # of the property `Quality`
_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
_UNSIGNED = (5, 6, 7, 8)
_FLOATING = (9, 10)
_BOOLEAN = 11
_NUMERIC = (*_SIGNED_BITS, *_UNSIGNED, *_FLOATING, _BOOLEAN)
_MAX_NODES = 10_000


def _payload_class() -> type[Message]:
    """Return the class of payloads, with those fields of `sparkplug_b.proto` that are read here."""
    kinds = descriptor_pb2.FieldDescriptorProto
    types = {
        "uint32": kinds.TYPE_UINT32,
        "uint64": kinds.TYPE_UINT64,
        "float": kinds.TYPE_FLOAT,
        "double": kinds.TYPE_DOUBLE,
        "bool": kinds.TYPE_BOOL,
        "string": kinds.TYPE_STRING,
        "bytes": kinds.TYPE_BYTES,
    }
    values = ("uint32 int", "uint64 long", "float float", "double double", "bool boolean", "string string")
    flags = ("bool is_historical", "bool is_transient", "bool is_null")
    messages = {
        "PropertyValue": (["uint32 type", "bool is_null"], values, 3),
        "PropertySet": (["*string keys", "*PropertyValue values"], (), 0),
        "Metric": (
            [
                "string name",
                "uint64 alias",
                "uint64 timestamp",
                "uint32 datatype",
                *flags,
                "",
                "PropertySet properties",
            ],
            (*values, "bytes bytes"),
            10,
        ),
        "Payload": (["uint64 timestamp", "*Metric metrics", "uint64 seq", "string uuid", "bytes body"], (), 0),
    }
    file = descriptor_pb2.FileDescriptorProto(name="workbench/sparkplug_b.proto", package="sparkplug", syntax="proto2")
    for name, (plain, one_of, first) in messages.items():
        message = file.message_type.add(name=name)
        numbered = [(number, text) for number, text in enumerate(plain, 1) if text]
        numbered += [(first + place, f"{text}_value") for place, text in enumerate(one_of)]
        if one_of:
            message.oneof_decl.add(name="value")
        for number, text in numbered:
            kind, _, field_name = text.lstrip("*").partition(" ")
            one = message.field.add(name=field_name, number=number)
            one.label = kinds.LABEL_REPEATED if text.startswith("*") else kinds.LABEL_OPTIONAL
            if kind in types:
                one.type = types[kind]
            else:
                one.type, one.type_name = kinds.TYPE_MESSAGE, f".sparkplug.{kind}"
            if one_of and number >= first:
                one.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    payload: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName("sparkplug.Payload"))
    return payload


_PAYLOAD: Any = _payload_class()


@dataclass
class SparkplugRead:
    """What a message came to.

    Attributes
    ----------
    samples : list of Sample
        In their order.
    faults : list of Fault
        What could not be read.
    source : str
        Edge node, or device, that has sent it; empty where it is of none.
    rebirth : str
        Topic at which the edge node is to be asked for a new birth; empty where it need not be.
    """

    samples: list[Sample] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    source: str = ""
    rebirth: str = ""


@dataclass
class _Node:
    """An edge node: what its births have said, and where its sequence of messages stands."""

    is_alive: bool = False  # and all of its messages have come since its birth
    gone: set[str] = field(default_factory=set)  # devices, or "" for the node itself
    sequence: int = -1
    birth: int | None = None
    devices: set[str] = field(default_factory=set)
    metrics: dict[tuple[str, str], int] = field(default_factory=dict)  # data type by device and name
    aliases: dict[int, tuple[str, str]] = field(default_factory=dict)
    asked: float = float("-inf")


class _UnreadableError(Exception):
    """A metric cannot be used; it holds kind and words."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words


class SparkplugReader:
    """Reads the messages of edge nodes in the order in which they come.

    Parameters
    ----------
    mapping : SparkplugMapping
        How channels are called.
    clock : callable
        Function that returns seconds that only rise.
    """

    def __init__(self, mapping: SparkplugMapping, clock: Callable[[], float]) -> None:
        self._mapping = mapping
        self._clock = clock
        self._nodes: dict[tuple[str, str], _Node] = {}

    def dead(self) -> list[str]:
        """Return the edge nodes and devices that have said, or of which the broker has said, that they are gone."""
        return [
            "/".join(part for part in (group, name, device) if part)
            for (group, name), node in list(self._nodes.items())
            for device in sorted(node.gone)
        ]

    def read(self, topic: str, payload: bytes, *, repeated: bool = False) -> SparkplugRead:
        """Read a message of a node, and keep what later ones refer to.

        Parameters
        ----------
        topic : str
            Its topic.
        payload : bytes
            As it came.
        repeated : bool
            Whether the broker says that it may have come before: it may then lie behind in the sequence.

        Returns
        -------
        SparkplugRead
            No message raises an error.
        """
        levels = topic.split("/")
        if levels[:2] == [_NAMESPACE, "STATE"] or (len(levels) in _LEVELS and levels[2] in _COMMANDS):
            return SparkplugRead()
        if not _is_topic(levels):
            return SparkplugRead(faults=[Fault("not Sparkplug", f"{topic[:200]!r} is no topic of an edge node")])
        _, group, kind, name, device = [*levels, ""][:5]
        message = _PAYLOAD()
        try:
            message.ParseFromString(payload)
        except DecodeError:
            return SparkplugRead(faults=[Fault("not Sparkplug", f"{topic[:200]}: its payload is none of Sparkplug B")])
        known = self._nodes.get((group, name))
        if known is None and len(self._nodes) >= _MAX_NODES:
            return SparkplugRead(
                faults=[Fault("too many nodes", f"More than {_MAX_NODES:,} edge nodes: {topic[:200]}")]
            )
        node = known or _Node()
        self._nodes[group, name] = node
        read = SparkplugRead(source=f"{group}/{name}/{device}" if device else f"{group}/{name}")
        problem = self._follow(node, kind, device, message, repeated=repeated)
        if problem:
            read.faults.append(Fault(problem, f"{topic[:200]}: an edge node is asked for its birth"))
            if self._clock() - node.asked >= _ASKED_AGAIN_S:
                node.asked = self._clock()
                read.rebirth = f"{_NAMESPACE}/{group}/NCMD/{name}"
            return read
        if kind.endswith("DEATH"):
            return read
        faults = PayloadFaults()
        for metric in message.metrics:
            try:
                sample = self._sample(node, (group, name, device), metric, message)
            except _UnreadableError as error:
                faults.note(error.kind, partial("{}: {}".format, topic[:200], error.words))
                continue
            if sample is not None:
                read.samples.append(sample)
        read.faults += faults.all
        return read

    def _follow(self, node: _Node, kind: str, device: str, message: Any, *, repeated: bool) -> str:
        """Note what a message says of its edge node, and return what is wrong with it, empty where nothing is."""
        if kind == "NDEATH":
            number = _birth_number(message)
            if node.birth is None or number in (None, node.birth):  # else the will of an earlier connection
                node.is_alive, node.gone = False, {""}
            return ""
        sequence = int(message.seq) % _SEQUENCE
        if kind == "NBIRTH":
            node.is_alive, node.sequence, node.birth = True, sequence, _birth_number(message)
            node.devices, node.metrics, node.aliases, node.gone = set(), {}, {}, set()
        else:
            if not node.is_alive:
                return "no birth"
            behind = (node.sequence - sequence) % _SEQUENCE
            if not (repeated and behind < _SEQUENCE // 2):
                if sequence != (node.sequence + 1) % _SEQUENCE:
                    node.is_alive = False  # what is missing may have been a birth with other aliases
                    return "messages missing"
                node.sequence = sequence
        if kind == "DDEATH":
            node.devices.discard(device)
            node.gone = {*node.gone, device}
        elif kind.endswith("BIRTH"):
            if device:
                node.devices.add(device)
                node.gone = node.gone - {device}
            for metric in message.metrics:
                node.metrics[device, metric.name] = int(metric.datatype)
                if metric.HasField("alias"):
                    node.aliases[metric.alias] = (device, metric.name)
        elif device and device not in node.devices:
            return "no birth"
        return ""

    def _sample(self, node: _Node, place: tuple[str, str, str], metric: Any, message: Any) -> Sample | None:
        """Return the sample that a metric is; None where it is no telemetry."""
        group, name, device = place
        if metric.name:
            known = (device, str(metric.name))
        elif metric.HasField("alias") and metric.alias in node.aliases:
            known = node.aliases[metric.alias]
        else:
            raise _UnreadableError("no birth", f"No birth has named the alias {metric.alias}")
        if known[0] != device or known not in node.metrics:
            raise _UnreadableError("no birth", f"No birth has named {known[1][:200]!r}")
        datatype = int(metric.datatype) or node.metrics[known]
        if known[1] == _BIRTH_NUMBER or known[1].startswith(_OWN_NAMES) or metric.is_transient:
            return None
        if datatype not in _NUMERIC:
            return None
        channel = self._mapping.name(group, name, device, known[1])
        if not is_name(channel):
            raise _UnreadableError("no name", f"{channel[:200]!r} cannot name a channel")
        if not (metric.HasField("timestamp") or message.HasField("timestamp")):
            raise _UnreadableError("no time", f"{known[1][:200]!r} has no time stamp")
        stamp = int(metric.timestamp if metric.HasField("timestamp") else message.timestamp)
        if stamp > _LAST_MILLISECOND:
            raise _UnreadableError("no time", f"The time stamp {stamp} of {known[1][:200]!r} is out of range")
        value = nan if metric.is_null or not _is_good(metric) else _value(metric, datatype, known[1])
        return Sample(channel, "time", stamp * _MILLISECOND, value)


def rebirth_command(milliseconds: int) -> bytes:
    """Return the command that asks an edge node for a new birth.

    Parameters
    ----------
    milliseconds : int
        Present time since 1970, UTC.
    """
    command = _PAYLOAD(timestamp=milliseconds)
    command.metrics.add(name=_REBIRTH, timestamp=milliseconds, datatype=_BOOLEAN, boolean_value=True)
    return bytes(command.SerializeToString())


def _is_topic(levels: list[str]) -> bool:
    if len(levels) not in _LEVELS or levels[0] != _NAMESPACE or not all(levels):
        return False
    return levels[2] in (_WITHOUT_DEVICE if len(levels) == _LEVELS[0] else _WITH_DEVICE)


def _birth_number(message: Any) -> int | None:
    """Return the number by which a death belongs to a birth; None where there is none."""
    return next((int(one.long_value or one.int_value) for one in message.metrics if one.name == _BIRTH_NUMBER), None)


def _is_good(metric: Any) -> bool:
    """Return whether the property `Quality` of a metric is good, or is not there."""
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if key == "Quality":
            return bool(value.int_value == _GOOD)
    return True


def _value(metric: Any, datatype: int, name: str) -> float:
    """Return the value of a metric as a number; whole numbers with a sign are in two's complement."""
    kind = metric.WhichOneof("value")
    if kind is None:
        raise _UnreadableError("no value", f"{name[:200]!r} has no value")
    number = getattr(metric, kind)
    if datatype in _SIGNED_BITS and kind in ("int_value", "long_value"):
        bits = _SIGNED_BITS[datatype]
        number &= (1 << bits) - 1
        return float(number - (1 << bits) if number >> (bits - 1) else number)
    fits = {_BOOLEAN: ("boolean_value",), 9: ("float_value",), 10: ("double_value",)}
    if kind not in fits.get(datatype, ("int_value", "long_value")):
        raise _UnreadableError("no number", f"{name[:200]!r} holds {kind.replace('_', ' ')}s, not data type {datatype}")
    if not isfinite(number):
        raise _UnreadableError("no number", f"{name[:200]!r} holds no finite number")
    return float(number)
