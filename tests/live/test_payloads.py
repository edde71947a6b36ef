"""Payloads: what is read, what is told as a fault, and that nothing else can happen."""

import json
import math
import random
import sys

import pytest

from workbench.live.payloads import read_json, read_lines
from workbench.live.samples import Fault, Sample
from workbench.telemetry.feed_options import JsonMapping, LineMapping

SECOND = 1_000_000_000
NEW_YEAR_2025 = 1_735_689_600 * SECOND  # date -u -d 2025-01-01 +%s


def kinds(faults: list[Fault]) -> list[str]:
    return [fault.kind for fault in faults]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-01T00:00:00Z", NEW_YEAR_2025),
        ("2025-01-01 00:00", NEW_YEAR_2025),
        ("2025-01-01T01:00:00+01:00", NEW_YEAR_2025),
        ("2025-01-01T05:30:00.5+0530", NEW_YEAR_2025 + SECOND // 2),
        ("2025-01-01T00:00:00.123456789Z", NEW_YEAR_2025 + 123_456_789),
        ("1969-12-31T23:59:59.25Z", -750_000_000),
    ],
)
def test_a_time_is_read_to_the_nanosecond(text: str, moment: int) -> None:
    payload = json.dumps({"channel": "flow", "time": text, "value": 1}).encode()
    assert read_json(payload, JsonMapping()) == ([Sample("flow", "time", moment, 1.0)], [])


@pytest.mark.parametrize(("unit", "number"), [("s", 1735689600), ("ms", 1735689600000), ("ns", NEW_YEAR_2025)])
def test_a_number_is_a_time_only_where_its_unit_is_told(unit: str, number: int) -> None:
    payload = json.dumps({"channel": "flow", "time": number, "value": 1}).encode()
    samples, _ = read_json(payload, JsonMapping(time_unit=unit))
    assert samples[0].moment == NEW_YEAR_2025
    samples, faults = read_json(payload, JsonMapping())
    assert not samples
    assert "time_unit" in faults[0].example


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "2262-05-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_64_bits_do_not_hold_is_told_what_they_hold(text: str) -> None:
    payload = json.dumps({"channel": "flow", "time": text, "value": 1}).encode()
    assert "times lie between 1677-09-22 and 2262-04-11" in read_json(payload, JsonMapping())[1][0].example


@pytest.mark.parametrize("number", ["1e300", "-1e300", "1e19", "1e999"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_number_that_is_no_time_by_far_is_told(number: str, unit: str) -> None:
    payload = b'{"channel": "a", "time": ' + number.encode() + b', "value": 1}'
    samples, faults = read_json(payload, JsonMapping(time_unit=unit))
    assert (samples, kinds(faults)) == ([], ["no time"])
    assert "out of range" in faults[0].example


def test_no_depth_of_nesting_raises() -> None:
    """Reading and writing JSON do not reach their limits at the same depth."""
    for depth in range(sys.getrecursionlimit() - 100, sys.getrecursionlimit() + 100):
        for begin, end in ((b"[", b"]"), (b'{"a":', b"}")):
            samples, faults = read_json(begin * depth + b"1" + end * depth, JsonMapping())
            assert (len(samples), len(faults)) == (0, 1)


def test_fractions_of_a_second_are_kept() -> None:
    samples, _ = read_json(b'{"channel": "a", "time": 1735689600.25, "value": 1}', JsonMapping(time_unit="s"))
    assert samples[0].moment == NEW_YEAR_2025 + SECOND // 4


def test_an_array_is_many_samples_and_a_bad_one_costs_no_other() -> None:
    payload = json.dumps(
        [
            {"channel": "a", "sample": 7, "value": 1.5, "inputs": {"valve": True}},
            {"channel": "a", "sample": 8, "value": "2"},
            {"channel": "a", "sample": 9, "value": None},
        ]
    ).encode()
    samples, faults = read_json(payload, JsonMapping())
    assert samples[0] == Sample("a", "sample", 7, 1.5, {"valve": 1.0})
    assert (samples[1].moment, math.isnan(samples[1].value)) == (9, True)
    assert kinds(faults) == ["no number"]


def test_a_mapping_finds_nested_fields_and_levels_of_the_topic() -> None:
    mapping = JsonMapping(channel="{topic.1}.{meta.tag}", time="meta.at", value="v")
    payload = b'{"meta": {"tag": "flow", "at": "2025-01-01T00:00:00Z"}, "v": 3}'
    assert read_json(payload, mapping, "plant/pump/data")[0] == [Sample("pump.flow", "time", NEW_YEAR_2025, 3.0)]


def test_braces_in_a_value_are_not_placeholders() -> None:
    samples, _ = read_lines(b"m,tag={field} flow=1 5", LineMapping(channel="{tag}.{field}"))
    assert samples[0].channel == "{field}.flow"


@pytest.mark.parametrize(
    ("quality", "is_good"), [("good", 1), ("Good", 1), (0, 1), (True, 1), ("bad", 0), (2, 0), (False, 0), (None, 0)]
)
def test_a_value_of_bad_quality_is_missing(quality: object, is_good: int) -> None:
    payload = json.dumps({"channel": "a", "sample": 1, "value": 4, "quality": quality}).encode()
    ((sample,), faults) = read_json(payload, JsonMapping())
    assert not faults
    assert math.isnan(sample.value) == (not is_good)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"channel": "a", "sample": 1, "value": NaN}', "not JSON"),
        (b"3", "no object"),
        (b'{"channel": "a", "value": 1}', "no time"),
        (b'{"channel": "a", "value": 1, "sample": 1, "time": "2025-01-01T00:00"}', "two times"),
        (b'{"channel": "a", "value": 1, "sample": 1.5}', "no time"),
        (b'{"channel": "a", "value": 1, "sample": 99999999999999999999}', "no time"),
        (b'{"channel": "a", "value": 1, "time": "2025-02-30T00:00:00Z"}', "no time"),
        (b'{"channel": "a", "value": 1, "time": "9999-01-01T00:00:00Z"}', "no time"),
        (b'{"channel": "a", "value": 1, "time": "03/04/2025 10:00"}', "no time"),
        (b'{"channel": "a", "sample": 1}', "no value"),
        (b'{"channel": "a", "sample": 1, "value": 1e999}', "no number"),
        (b'{"channel": "", "sample": 1, "value": 1}', "no name"),
        (b'{"channel": "a\\u0000b", "sample": 1, "value": 1}', "no name"),
        (b'{"channel": 3, "sample": 1, "value": 1}', "no name"),
        (b'{"channel": "a", "sample": 1, "value": 1, "inputs": [1]}', "inputs"),
        (b'{"channel": "a", "sample": 1, "value": 1, "inputs": {"v": "on"}}', "no number"),
        (b'{"channel": "a", "sample": 1, "value": 1, "inputs": {"\\ud800": 1}}', "inputs"),
        (b'{"channel": "a", "sample": 1, "value": 1, "inputs": {"": 1}}', "inputs"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_kind(payload: bytes, kind: str) -> None:
    samples, faults = read_json(payload, JsonMapping())
    assert (samples, kinds(faults)) == ([], [kind])


def test_line_protocol_as_its_reference_writes_it() -> None:
    """Examples of the InfluxDB v2 reference, "Line protocol": escapes, integers, booleans, comments, several lines."""
    payload = rb"""# a comment
my\ Measurement,tag\ Key1=tag\ Value1 fieldKey=1u,on=true 1556813561098000000

weather,location=us-midwest temperature=82i,humidity=71 1465839830100400200
"""
    samples, faults = read_lines(payload, LineMapping())
    assert not faults
    assert sorted((one.channel, one.moment, one.value) for one in samples) == [
        ("my Measurement,tag Key1=tag Value1.fieldKey", 1556813561098000000, 1.0),
        ("my Measurement,tag Key1=tag Value1.on", 1556813561098000000, 1.0),
        ("weather,location=us-midwest.humidity", 1465839830100400200, 71.0),
        ("weather,location=us-midwest.temperature", 1465839830100400200, 82.0),
    ]


def test_two_sites_are_two_channels_in_whatever_order_their_tags_stand() -> None:
    lines = b"pump,site=north,unit=1 flow=1 5\npump,unit=1,site=south flow=2 5\npump,unit=1,site=north flow=3 6"
    samples, _ = read_lines(lines, LineMapping())
    assert [one.channel for one in samples] == [
        "pump,site=north,unit=1.flow",
        "pump,site=south,unit=1.flow",
        "pump,site=north,unit=1.flow",
    ]


def test_a_line_is_one_channel_with_inputs_where_its_value_is_named() -> None:
    mapping = LineMapping(channel="{measurement}", value="value", clock="sample")
    samples, _ = read_lines(b"P-1 value=0.5,cmd=1 42", mapping, "s")
    assert samples == [Sample("P-1", "sample", 42, 0.5, {"cmd": 1.0})]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"m v=1", "no time"),
        (b"m v= 1", "not line protocol"),
        (b"m v=1 99999999999", "no time"),
        (b'm v="on" 1', "text"),
        (b"\xe9 v=1 1", "not UTF-8"),
        (b"m\x00 v=1 1", "not line protocol"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_kind(line: bytes, kind: str) -> None:
    samples, faults = read_lines(line, LineMapping(), "s")
    assert (samples, kinds(faults)) == ([], [kind])


def test_all_faults_are_counted_and_the_first_ones_have_examples() -> None:
    lines = b"\n".join(b"m v=%d" % number for number in range(250)) + b"\nm v= 1\n" * 3
    _, faults = read_lines(lines, LineMapping(), "s")
    assert [kinds(faults).count(kind) for kind in ("no time", "not line protocol")] == [250, 3]
    assert len({fault.example for fault in faults}) == 101
    objects = json.dumps([{"channel": "a", "value": number} for number in range(101)]).encode()
    assert kinds(read_json(objects, JsonMapping())[1]) == ["no time"] * 101


def fuzzed(rounds: int, seed: int) -> int:
    """Read damaged payloads; whatever they hold, every sample that comes out is whole."""
    source = random.Random(seed)
    json_seed = json.dumps([{"channel": "a", "time": "2025-01-01T00:00:00Z", "value": 1.5, "inputs": {"v": 1}}] * 2)
    line_seed = r"m\ 1,t=x value=1.5,on=t,n=3i 1556813561098000000" + "\nm v=1 1"
    count = 0
    for _ in range(rounds):
        for seed_text, read in ((json_seed, read_json), (line_seed, read_lines)):
            content = bytearray(seed_text.encode())
            for _ in range(source.randint(1, 6)):
                place = source.randrange(len(content))
                action = source.randrange(4)
                if action == 0:
                    content[place] = source.randrange(256)
                elif action == 1:
                    del content[place : place + source.randint(1, 9)]
                elif action == 2:
                    content[place:place] = bytes(
                        source.choice(rb'{}[]",:\0eE+-=9 ') for _ in range(source.randint(1, 5))
                    )
                else:
                    content[place:place] = content[: source.randrange(len(content))]
                if not content:
                    break
            mapping = JsonMapping() if read is read_json else LineMapping()
            samples, _ = read(bytes(content), mapping)  # type: ignore[operator]
            for sample in samples:
                assert isinstance(sample.moment, int)
                assert abs(sample.moment) < 2**63
                assert math.isfinite(sample.value) or (read is read_json and math.isnan(sample.value))
                assert sample.channel.strip()
            count += len(samples)
    return count


def test_damaged_payloads_raise_nothing() -> None:
    assert fuzzed(500, 0) > 100  # some are still readable, or the damage proves nothing


@pytest.mark.long
def test_many_damaged_payloads_raise_nothing() -> None:
    assert fuzzed(20_000, 1) > 1_000
