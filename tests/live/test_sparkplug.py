"""Sparkplug B: bytes put together by hand, by the field numbers of `sparkplug_b.proto` and protobuf's wire format."""

import struct
from math import isnan
from typing import Any

import pytest
from pydantic import ValidationError

from workbench.live.samples import Sample
from workbench.live.sparkplug import SparkplugReader, rebirth_command
from workbench.telemetry.feed_options import LiveSettings, MqttSettings, SparkplugMapping

T = 1_767_225_600_000  # 2026-01-01T00:00:00Z in milliseconds
NS = T * 1_000_000
NODE, DEVICE = "spBv1.0/plant/{}/gateway", "spBv1.0/plant/{}/gateway/pump"


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def whole(field: int, number: int) -> bytes:
    """Wire type 0."""
    return varint(field << 3) + varint(number)


def long(field: int, content: bytes | str) -> bytes:
    """Wire type 2."""
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def metric(value: bytes = b"", **about: Any) -> bytes:
    """Metric: name 1, alias 2, timestamp 3, datatype 4, is_historical 5, is_transient 6, is_null 7, properties 9."""
    parts = long(1, about["name"]) if "name" in about else b""
    for number, key in ((2, "alias"), (3, "time"), (4, "kind"), (5, "historical"), (6, "transient"), (7, "null")):
        parts += whole(number, about[key]) if key in about else b""
    if "quality" in about:  # PropertySet: keys 1, values 2; PropertyValue: type 1 (Int32 is 3), int_value 3
        parts += long(9, long(1, "Quality") + long(2, whole(1, 3) + whole(3, about["quality"])))
    return parts + value


def as_int(number: int) -> bytes:
    return whole(10, number)


def as_long(number: int) -> bytes:
    return whole(11, number)


def as_float(number: float) -> bytes:
    """Wire type 5: four bytes."""
    return varint(12 << 3 | 5) + struct.pack("<f", number)


def as_double(number: float) -> bytes:
    """Wire type 1: eight bytes."""
    return varint(13 << 3 | 1) + struct.pack("<d", number)


def as_bool(number: int) -> bytes:
    return whole(14, number)


def payload(*metrics: bytes, seq: int | None = None, time: int | None = T) -> bytes:
    """Payload: timestamp 1, metrics 2, seq 3."""
    parts = b"" if time is None else whole(1, time)
    parts += b"".join(long(2, one) for one in metrics)
    return parts if seq is None else parts + whole(3, seq)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def born(*metrics: bytes, birth: int = 7) -> tuple[SparkplugReader, Clock]:
    """A reader that has seen the births of a node and of its device."""
    clock = Clock()
    reader = SparkplugReader(SparkplugMapping(), clock)
    number = metric(as_long(birth), name="bdSeq", kind=4)
    command = metric(as_bool(0), name="Node Control/Rebirth", kind=11)
    read = reader.read(NODE.format("NBIRTH"), payload(number, command, seq=0))
    assert (read.samples, read.faults, read.rebirth) == ([], [], "")
    assert not reader.read(DEVICE.format("DBIRTH"), payload(*metrics, seq=1)).faults
    return reader, clock


FLOW = metric(as_double(12.5), name="flow", alias=3, kind=10, time=T)


def test_the_bytes_of_a_birth_as_they_lie_on_the_wire() -> None:
    """The whole payload of one metric, written out."""
    content = bytes.fromhex(
        "08 80 d0 ea b6 b7 33"  # timestamp 1767225600000
        "12 20"  # a metric of 32 bytes
        "0a 04 66 6c 6f 77"  # name "flow"
        "10 03"  # alias 3
        "18 80 d0 ea b6 b7 33"  # timestamp
        "20 0a"  # data type 10, Double
        "28 00 30 00 38 00"  # neither historical, transient nor null
        "69 00 00 00 00 00 00 29 40"  # double_value 12.5
        "18 00"  # seq 0
    )
    reader = SparkplugReader(SparkplugMapping(), Clock())
    read = reader.read(NODE.format("NBIRTH"), content)
    assert (read.samples, read.faults) == ([Sample("plant/gateway/flow", "time", NS, 12.5)], [])


def test_data_speak_by_alias_of_what_the_birth_has_named() -> None:
    reader, _ = born(FLOW)
    data = payload(metric(as_double(-0.25), alias=3, time=T + 1_000), seq=2)
    assert reader.read(DEVICE.format("DDATA"), data).samples == [
        Sample("plant/gateway/pump/flow", "time", NS + 1_000_000_000, -0.25)
    ]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (1, as_int(0xFF), -1.0),
        (1, as_int(0xFFFFFFFF), -1.0),  # the same with its sign in all 32 bits, as some send it
        (1, as_int(127), 127.0),
        (2, as_int(0x8000), -32768.0),
        (3, as_int(0xFFFFFFFE), -2.0),
        (4, as_long(2**64 - 5), -5.0),
        (5, as_int(255), 255.0),
        (6, as_int(65_535), 65_535.0),
        (7, as_long(2**32 - 1), 2.0**32 - 1),
        (8, as_long(2**63), 2.0**63),
        (9, as_float(1.5), 1.5),
        (10, as_double(1e300), 1e300),
        (11, as_bool(1), 1.0),
    ],
)
def test_each_data_type_is_the_number_that_was_sent(kind: int, value: bytes, expected: float) -> None:
    reader, _ = born(metric(name="x", alias=1, kind=kind, null=1))
    (sample,) = reader.read(DEVICE.format("DDATA"), payload(metric(value, alias=1), seq=2)).samples
    assert (sample.value, sample.moment) == (expected, NS)


def test_null_and_bad_quality_are_missing_values() -> None:
    reader, _ = born(FLOW)
    data = [
        metric(alias=3, time=T + 1, null=1),
        metric(as_double(1.0), alias=3, time=T + 2, quality=0),
        metric(as_double(2.0), alias=3, time=T + 3, quality=500),
        metric(as_double(3.0), alias=3, time=T + 4, quality=192),
    ]
    values = [one.value for one in reader.read(DEVICE.format("DDATA"), payload(*data, seq=2)).samples]
    assert [isnan(one) for one in values] == [True, True, True, False]


def test_text_and_what_is_not_to_be_stored_is_no_telemetry() -> None:
    text = metric(long(15, "ready"), name="state", alias=4, kind=12)
    reader, _ = born(FLOW, text)
    read = reader.read(
        DEVICE.format("DDATA"),
        payload(metric(long(15, "off"), alias=4), metric(as_double(1.0), alias=3, transient=1), seq=2),
    )
    assert (read.samples, read.faults) == ([], [])


def test_a_missing_message_asks_for_a_birth_and_gives_nothing_until_it_comes() -> None:
    reader, clock = born(FLOW)
    data = DEVICE.format("DDATA")
    lost = reader.read(data, payload(metric(as_double(1.0), alias=3), seq=4))
    assert (lost.samples, lost.faults[0].kind, lost.rebirth) == ([], "messages missing", "spBv1.0/plant/NCMD/gateway")
    again = reader.read(data, payload(metric(as_double(1.0), alias=3), seq=5))
    assert (again.samples, again.faults[0].kind, again.rebirth) == ([], "no birth", "")  # it was asked just now
    clock.now = 11.0
    assert reader.read(data, payload(metric(as_double(1.0), alias=3), seq=6)).rebirth
    reader.read(NODE.format("NBIRTH"), payload(seq=0))
    reader.read(DEVICE.format("DBIRTH"), payload(metric(as_double(2.0), name="head", alias=3, kind=10), seq=1))
    (sample,) = reader.read(data, payload(metric(as_double(3.0), alias=3), seq=2)).samples
    assert sample.channel == "plant/gateway/pump/head"  # the alias means another metric now


def test_the_sequence_begins_again_after_255() -> None:
    reader, _ = born(FLOW)
    for number in [*range(2, 256), 0, 1]:
        read = reader.read(DEVICE.format("DDATA"), payload(metric(as_double(1.0), alias=3), seq=number))
        assert len(read.samples) == 1


def test_what_the_broker_sends_again_is_read_again() -> None:
    reader, _ = born(FLOW)
    data = payload(metric(as_double(1.0), alias=3), seq=2)
    first = reader.read(DEVICE.format("DDATA"), data).samples
    assert reader.read(DEVICE.format("DDATA"), data, repeated=True).samples == first
    assert reader.read(DEVICE.format("DDATA"), payload(metric(as_double(1.0), alias=3), seq=3)).samples


def test_before_a_birth_nothing_is_guessed() -> None:
    reader = SparkplugReader(SparkplugMapping(), Clock())
    read = reader.read(NODE.format("NDATA"), payload(metric(as_double(1.0), alias=3), seq=9))
    assert (read.samples, read.faults[0].kind, read.rebirth) == ([], "no birth", "spBv1.0/plant/NCMD/gateway")
    reader, _ = born(FLOW)
    read = reader.read(DEVICE.format("DDATA"), payload(metric(as_double(1.0), alias=99), seq=2))
    assert (read.samples, read.faults[0].kind) == ([], "no birth")
    assert "alias 99" in read.faults[0].example
    read = reader.read("spBv1.0/plant/DDATA/gateway/valve", payload(metric(as_double(1.0), alias=3), seq=3))
    assert (read.samples, read.faults[0].kind) == ([], "no birth")


def test_deaths_are_those_of_the_last_birth() -> None:
    reader, _ = born(FLOW, birth=8)
    reader.read(NODE.format("NDEATH"), payload(metric(as_long(7), name="bdSeq", kind=4)))  # of an earlier connection
    assert reader.dead() == []
    reader.read(DEVICE.format("DDEATH"), payload(seq=2))
    assert reader.dead() == ["plant/gateway/pump"]
    assert reader.read(DEVICE.format("DDATA"), payload(metric(as_double(1.0), alias=3), seq=3)).samples == []
    reader.read(NODE.format("NDEATH"), payload(metric(as_long(8), name="bdSeq", kind=4)))
    assert reader.dead() == ["plant/gateway"]
    reader.read(NODE.format("NBIRTH"), payload(seq=0))
    assert reader.dead() == []


@pytest.mark.parametrize(
    ("topic", "content"),
    [
        ("spBv1.0/plant/NDATA", b""),
        ("spBv1.0/plant/DDATA/gateway", b""),
        ("spBv1.0/plant/XDATA/gateway", b""),
        ("telemetry/plant/NDATA/gateway", b""),
        (NODE.format("NBIRTH"), b"\xff\xff\xff"),
        (NODE.format("NBIRTH"), long(2, b"\x0a\xff")),
    ],
)
def test_what_is_not_sparkplug_is_told(topic: str, content: bytes) -> None:
    read = SparkplugReader(SparkplugMapping(), Clock()).read(topic, content)
    assert [one.kind for one in read.faults] == ["not Sparkplug"]


@pytest.mark.parametrize("topic", ["spBv1.0/STATE/scada", "spBv1.0/plant/NCMD/gateway", "spBv1.0/plant/DCMD/gateway/p"])
def test_what_speaks_to_others_is_left_alone(topic: str) -> None:
    read = SparkplugReader(SparkplugMapping(), Clock()).read(topic, b"{}")
    assert (read.samples, read.faults) == ([], [])


def test_one_bad_metric_spoils_no_other() -> None:
    reader, _ = born(FLOW)
    bad = [metric(as_bool(1), alias=3), metric(alias=3), metric(as_double(float("nan")), alias=3)]
    read = reader.read(DEVICE.format("DDATA"), payload(*bad, metric(as_double(1.0), alias=3), seq=2))
    assert ([one.kind for one in read.faults], len(read.samples)) == (["no number", "no value", "no number"], 1)
    read = reader.read(DEVICE.format("DDATA"), payload(metric(as_double(1.0), alias=3), seq=3, time=None))
    assert [one.kind for one in read.faults] == ["no time"]
    read = reader.read(DEVICE.format("DDATA"), payload(metric(as_double(1.0), alias=3, time=2**63), seq=4))
    assert [one.kind for one in read.faults] == ["no time"]


def test_random_bytes_raise_nothing() -> None:
    import random

    source = random.Random(0)
    reader, _ = born(FLOW)
    whole_message = payload(FLOW, metric(as_int(3), name="n", kind=3), seq=2)
    for _ in range(5_000):
        content = bytearray(whole_message)
        for _ in range(source.randint(1, 6)):
            content[source.randrange(len(content))] = source.randrange(256)
        reader.read(DEVICE.format(source.choice(["DBIRTH", "DDATA", "DDEATH"])), bytes(content))


def test_the_command_for_a_birth() -> None:
    command = metric(as_bool(1), name="Node Control/Rebirth", time=T, kind=11)
    assert rebirth_command(T) == payload(command)


def test_settings_say_what_is_wrong_with_them() -> None:
    with pytest.raises(ValidationError, match=r"must hold .metric"):
        SparkplugMapping(channel="{device}")
    with pytest.raises(ValidationError, match=r"there is no .edge"):
        SparkplugMapping(channel="{edge}.{metric}")
    with pytest.raises(ValidationError, match=r"spBv1\.0"):
        LiveSettings(mqtt=MqttSettings(host="h", format="sparkplug"))
    assert SparkplugMapping(channel="{device}.{metric}").name("g", "n", "", "m") == "m"
