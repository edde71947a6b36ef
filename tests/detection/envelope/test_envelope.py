"""The envelope against hand-computed events, a slow oracle and itself sample by sample."""

import io
import json
import math
from dataclasses import astuple, replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive
from workbench.detection.envelope import (
    FEATURES,
    MARGINS,
    AnomalyRow,
    Envelope,
    EnvelopeEvent,
    EnvelopeStream,
    Margin,
    Margins,
    fit_envelope,
    join,
)
from workbench.exceptions import DetectionError

FOLLOWS = {"follows_training": True}


def found(events, feature):
    """Start and end of the events of a feature."""
    return [(event.start, event.end) for event in events if event.feature == feature]


def streamed(envelope, test, *, follows_training):
    """Events of a stream after the last sample, in the order of the batch."""
    stream = EnvelopeStream(envelope, follows_training=follows_training)
    ended = [event for value in test for event in stream.update(value).ended]
    order = list(FEATURES)
    return sorted([*ended, *stream.open_events], key=lambda event: (event.start, order.index(event.feature)))


def zigzag(n):
    """0, 1, 0, 1 ...: lo 0, hi 1, each step 1, the sum of 20 of them 20, and no excess over any quantile."""
    return np.arange(n) % 2.0


def test_the_records_of_a_zigzag_are_what_one_computes_by_hand():
    envelope = fit_envelope(zigzag(400))
    records = {name: known.record for name, known in envelope.records.items()}
    assert (envelope.least, envelope.greatest, envelope.range, envelope.samples) == (0.0, 1.0, 1.0, 400)
    assert records == {
        "above": 1.0,
        "below": 1.0,
        "step": 1.0,
        "travel20": 20.0,
        "spread20": pytest.approx(math.sqrt(20 * 0.25 / 19)),
        "stuck": 0.0,
        "calm150": -150.001,
        "quiet150": pytest.approx(-math.sqrt(150 * 0.25 / 149) - 0.001),
    }
    assert {known.excess for known in envelope.records.values()} == {0.0}


def test_the_excess_is_the_mean_beyond_the_98_percent_quantile():
    """Values 0 to 100: the quantile is 98, beyond it lie 99 and 100, by 1.5 on average."""
    envelope = fit_envelope(np.arange(101.0))
    assert envelope.records["above"].excess == pytest.approx(1.5)
    assert envelope.records["step"].excess == 0.0


def test_rounding_at_the_quantile_is_no_excess():
    """Steps of 0.1 in a float are not all the same; none is larger than the others."""
    assert fit_envelope(np.cumsum(np.full(200, 0.1))).records["step"].excess == 0.0


def test_bounds_are_record_margin_and_floor():
    """above: 1 + .3 + .01 = 1.31, or 1 + 1 + .01 = 2.01 where the margin is fixed."""
    test = zigzag(400)
    test[300] = 1.3
    for value, rule, flagged in ((1.31, "excess", []), (1.32, "excess", [(300, 300)]), (2.0, "fixed", [])):
        test[300] = value
        assert found(fit_envelope(zigzag(400), rule).find(test, **FOLLOWS), "above") == flagged
    test[300] = 2.02
    assert found(fit_envelope(zigzag(400), "fixed").find(test, **FOLLOWS), "above") == [(300, 300)]
    wide = Margins(Margin(0, 5, 0), Margin(3, 1, 2), Margin(3, 0, 1))
    assert found(fit_envelope(zigzag(400), wide).find(test, **FOLLOWS), "above") == []


def test_a_step_that_stays_is_found_at_its_onset_and_normal_afterwards():
    """The level is 4 higher from 400 on: above its bound for all 100 samples of an event, then part of the record."""
    test = zigzag(1200)
    test[400:] += 4
    events = fit_envelope(zigzag(400)).find(test, **FOLLOWS)
    assert found(events, "above") == [(400, 499)]
    assert found(events, "step") == [(400, 400)]  # from 1 to 4
    assert max(event.end for event in events) < 600
    step = next(event for event in events if event.feature == "step")
    assert (step.value, step.bound, step.record, step.ratio) == (3.0, 1.31, 1.0, 3.0)
    assert step.words == "step 3.0 times the largest in training and since"


def test_what_comes_back_after_250_samples_is_known():
    """A spike joins the record with its event; one that stayed below its bound joins after 250 samples."""
    test = zigzag(900)
    test[[100, 301]] = 5.0
    assert found(fit_envelope(zigzag(400)).find(test, **FOLLOWS), "above") == [(100, 100)]
    for second, events in ((349, [(349, 349)]), (350, [])):
        test = zigzag(900)
        test[100], test[second] = 1.3, 1.4
        assert found(fit_envelope(zigzag(400)).find(test, **FOLLOWS), "above") == events, second


def test_an_event_ends_after_50_samples_below_or_after_100():
    envelope = fit_envelope(zigzag(400))
    for second, events in ((250, [(200, 250)]), (251, [(200, 200)])):
        test = zigzag(700)
        test[200], test[second] = 3.0, 2.9  # 49 or 50 samples between them
        assert found(envelope.find(test, **FOLLOWS), "above") == events
    test = zigzag(700)
    test[200:330] = 3.0
    test[300:330] = 6.0
    assert found(envelope.find(test, **FOLLOWS), "above") == [(200, 299), (300, 329)]


def test_silence_is_found():
    """Standing still from sample 300 on: unchanged for more than 0 + 0 + 2, and hardly any movement in 150 samples."""
    test = zigzag(600)
    test[300:] = 1.0
    events = fit_envelope(zigzag(400)).find(test, **FOLLOWS)
    # Sample 299 is 1, so that sample 300 is the first unchanged one and 302 the third.
    assert found(events, "stuck")[0] == (302, 401)
    # 75 or more of 150 steps: at sample 299 + k there are 150 - k; their sum falls below 150.001 / 2 - .001 at k = 76.
    calm = next(event for event in events if event.feature == "calm150")
    assert calm.start == 375
    assert calm.ratio == pytest.approx(150.001 / calm.value)
    assert calm.words.endswith("times smaller than the smallest in training and since")
    stuck = next(event for event in events if event.feature == "stuck")
    assert stuck.words == "unchanged for 102 samples, where the longest time in training and since was 0 samples"


def test_a_spike_in_a_constant_channel_is_found_and_rounding_is_not():
    test = np.full(600, 20.0)
    test[100] = np.nextafter(np.float32(20), np.float32(21))
    assert fit_envelope(np.full(400, 20.0)).find(test, **FOLLOWS) == []
    test[300] = 20.5
    events = fit_envelope(np.full(400, 20.0)).find(test, **FOLLOWS)
    assert {event.feature for event in events} == {"above", "step", "travel20", "spread20"}
    assert found(events, "above") == [(300, 300)]
    step = next(event for event in events if event.feature == "step")
    assert step.ratio > 1000
    zeros = fit_envelope(np.zeros(400)).find(np.eye(1, 600, 300)[0], **FOLLOWS)
    assert zeros[0].words == "distance above the training minimum where there was none in training and since"
    for some in (events, zeros):  # as a person would say it: no margin tells which of them is the furthest
        assert AnomalyRow.of(join(some)[0]).words == "step where there was none in training and since"


def test_a_ratio_just_above_one_does_not_read_as_one():
    assert EnvelopeEvent(7, 9, "step", 7, 1.04, 1.02, 1.0).words == "step 1.04 times the largest in training and since"


def test_silence_is_normal_where_the_training_is_constant():
    assert set(fit_envelope(np.full(400, 20.0)).records) == {"above", "below", "step", "travel20", "spread20"}
    assert fit_envelope(np.full(30, 20.0)).find(np.full(5000, 20.0), **FOLLOWS) == []


def test_where_the_test_does_not_follow_its_first_250_samples_only_feed_the_record():
    envelope = fit_envelope(zigzag(400))
    test = zigzag(700) + 7
    assert envelope.find(test, follows_training=False) == []
    assert found(envelope.find(test, **FOLLOWS), "above") == [(0, 99)]
    test = zigzag(700)
    test[249], test[600] = 3.0, 3.5
    assert found(envelope.find(test, follows_training=False), "above") == []
    test[250] = 4.5
    assert found(envelope.find(test, follows_training=False), "above") == [(250, 250)]


def test_windows_go_on_from_the_training_where_the_test_follows():
    """Training ends at 1, the test begins at 1 and 1: unchanged for 1, 2 and 3 samples."""
    envelope = fit_envelope(zigzag(400))
    assert found(envelope.find([1.0, 1.0, 1.0, 0.0], **FOLLOWS), "stuck") == [(2, 2)]
    assert found(envelope.find([2.4, 1.4], **FOLLOWS), "step") == [(0, 0)]
    # The training ends with 10 unchanged samples. The 98 % quantile of 390 zeros and 1 to 10 is 2.02; 3 to 10 lie 4.48
    # beyond it on average, so that 10 + 3 x 4.48 + 2 = 25.44 must be exceeded.
    silent = fit_envelope(np.append(zigzag(390), np.ones(10)))
    assert silent.unchanged == 10
    assert found(silent.find(np.ones(16), **FOLLOWS), "stuck") == [(15, 15)]


def test_missing_samples_are_passed_over():
    """With or without them, the same events, at the places of the samples that are there."""
    random = np.random.default_rng(3)
    train, test = random.normal(size=500), random.normal(size=900)
    test[400:] += 15
    test[700:] = 3.0
    gaps = np.sort(random.choice(test.size, 300))
    gappy = np.insert(test, gaps, random.choice([np.nan, np.inf, -np.inf], 300))
    there = np.flatnonzero(np.isfinite(gappy))
    for follows in (True, False):
        envelope = fit_envelope(np.insert(train, [0, 7, 7, 500], np.nan))
        assert envelope == fit_envelope(train)
        events = envelope.find(test, follows_training=follows)
        moved = [replace(one, start=there[one.start], end=there[one.end], peak_at=there[one.peak_at]) for one in events]
        assert {event.feature for event in events} >= {"above", "step", "stuck", "calm150", "quiet150"}
        assert envelope.find(gappy, follows_training=follows) == moved


@pytest.mark.parametrize("train", [[], [np.nan] * 400, [5.0], [5.0, np.nan], np.arange(19.0)])
def test_training_that_holds_next_to_nothing_judges_nothing(train):
    envelope = fit_envelope(train)
    assert envelope.records == {}
    assert envelope.find(np.arange(900.0), **FOLLOWS) == []
    assert EnvelopeStream(envelope, **FOLLOWS).update(7.0).exceeded == ()
    assert Envelope.from_json_dict(json.loads(json.dumps(envelope.to_json_dict()))) == envelope


@pytest.mark.parametrize(
    ("n", "missing"), [(20, {"travel20", "calm150", "quiet150"}), (150, {"calm150"}), (151, set())]
)
def test_features_whose_windows_the_training_does_not_fill_are_not_judged(n, missing):
    assert set(FEATURES) - set(fit_envelope(zigzag(n)).records) == missing


@pytest.mark.parametrize("test", [[], [np.nan] * 300, [np.inf]])
def test_a_test_series_without_samples_has_no_events(test):
    for follows in (True, False):
        assert fit_envelope(zigzag(400)).find(test, follows_training=follows) == []


def test_one_test_sample_is_judged():
    assert found(fit_envelope(zigzag(400)).find([9.0], **FOLLOWS), "above") == [(0, 0)]


def test_huge_values_break_nothing():
    test = zigzag(900)
    test[300:310] = [1e308, -1e308] * 5
    events = fit_envelope(zigzag(400)).find(test, **FOLLOWS)
    assert found(events, "above") == [(300, 308)]
    assert all(math.isfinite(value) for event in events for value in astuple(event) if isinstance(value, float))
    assert streamed(fit_envelope(zigzag(400)), test, **FOLLOWS) == events


def test_units_do_not_matter():
    """Powers of two scale without rounding."""
    random = np.random.default_rng(5)
    train, test = random.normal(size=600), random.normal(size=1500)
    test[700:] *= 6
    one, other = (fit_envelope(train * scale).find(test * scale, **FOLLOWS) for scale in (1.0, 2.0**40))
    assert len(one) > 3
    assert [(e.start, e.end, e.feature) for e in one] == [(e.start, e.end, e.feature) for e in other]


def test_errors_say_what_is_wrong():
    with pytest.raises(DetectionError, match="no margins 'wide'"):
        fit_envelope(zigzag(400), "wide")
    with pytest.raises(DetectionError, match="shape"):
        fit_envelope(np.zeros((3, 2)))
    with pytest.raises(DetectionError, match="not an envelope"):
        Envelope.from_json_dict({"least": 1.0})
    with pytest.raises(DetectionError, match="unknown features: ups"):
        values = fit_envelope(zigzag(400)).to_json_dict()
        Envelope.from_json_dict({**values, "records": {"ups": {"record": 1.0, "excess": 0.0}}})
    with pytest.raises(ValueError, match="theta"):
        Margins(Margin(0, 1, 0), Margin(0, 1, 0), Margin(0, 1, 0))


def test_a_stream_says_at_once_what_is_exceeded_and_later_what_has_ended():
    stream = EnvelopeStream(fit_envelope(zigzag(400)), **FOLLOWS)
    decisions = [stream.update(value) for value in [0.0, np.nan, 5.0, *zigzag(60)]]
    assert [decision.sample for decision in decisions] == list(range(63))
    assert [event.feature for event in decisions[2].exceeded] == ["above", "step", "spread20"]
    assert decisions[1].exceeded == decisions[1].ended == ()
    ends = EnvelopeStream(fit_envelope(zigzag(400)), **FOLLOWS)
    cap = [ends.update(9.0) for _ in range(100)][-1]  # a sample that exceeds, and ends an event of 100
    assert "above" in {event.feature for event in cap.exceeded} & {event.feature for event in cap.ended}
    ended = {event.feature: number for number, decision in enumerate(decisions) for event in decision.ended}
    assert ended["above"] == 52  # 50 samples below
    assert ended["step"] == 53


def series(random, n, *, grid, tricks):
    """Noise, in steps of 1/8 where `grid`, with steps, spikes, silences and missing samples in it."""
    values = random.normal(size=n)
    for trick, at, size in tricks:
        start = int(at * n)
        if trick == "step":
            values[start:] += size
        elif trick == "spike":
            values[start : start + 1] = size
        elif trick == "silence":
            values[start : start + 160] = values[start]
        elif trick == "burst":
            values[start : start + 30] *= size
        else:
            values[start : start + 25] = np.nan
    return np.round(values * 8) / 8 if grid else values


TRICKS = st.lists(
    st.tuples(
        st.sampled_from(["step", "spike", "silence", "burst", "missing"]),
        st.floats(0, 0.99),
        st.floats(-40, 40, allow_subnormal=False),
    ),
    max_size=5,
)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.tuples(st.integers(1, 420), st.integers(1, 700)),
    in_training=TRICKS,
    tricks=TRICKS,
    grid=st.booleans(),
    follows=st.booleans(),
    rule=st.sampled_from(sorted(MARGINS)),
    scale=st.sampled_from([1.0, 1e-9, 1e12]),
)
def test_batch_stream_and_oracle_agree(seed, sizes, in_training, tricks, grid, follows, rule, scale):
    random = np.random.default_rng(seed)
    train = series(random, sizes[0], grid=grid, tricks=in_training) * scale
    test = series(random, sizes[1], grid=grid, tricks=tricks) * scale
    envelope = fit_envelope(train, rule)
    assert Envelope.from_json_dict(json.loads(json.dumps(envelope.to_json_dict()))) == envelope
    events = envelope.find(test, follows_training=follows)
    assert streamed(envelope, test, follows_training=follows) == events
    if grid:
        return  # values that lie on their bound; the oracle's logarithms may fall on either side
    margins = {kind: astuple(getattr(MARGINS[rule], kind)) for kind in ("core", "count", "log")}
    expected = naive.envelope_events(train.tolist(), test.tolist(), follows, margins)
    assert [(event.start, event.end, event.feature) for event in events] == [event[:3] for event in expected]
    values = [-math.log(e.value) if FEATURES[e.feature] == "log" else e.value for e in events]
    assert values == pytest.approx([event[3] for event in expected], rel=1e-9)


@pytest.mark.parametrize("follows", [True, False])
def test_every_prefix_of_a_stream_is_the_batch_of_that_prefix(follows):
    random = np.random.default_rng(11)
    envelope = fit_envelope(random.normal(size=400))
    test = series(random, 800, grid=False, tricks=[("step", 0.4, 20), ("silence", 0.7, 0), ("missing", 0.42, 0)])
    stream, ended = EnvelopeStream(envelope, follows_training=follows), []
    for number, value in enumerate(test, 1):
        ended += stream.update(value).ended
        if number % 23 == 0:
            both = {*ended, *stream.open_events}
            assert both == set(envelope.find(test[:number], follows_training=follows)), number
    assert len(ended) > 4


def test_a_stream_that_takes_the_series_again_is_in_the_same_state():
    random = np.random.default_rng(2)
    envelope, test = fit_envelope(random.normal(size=400)), random.normal(size=700)
    test[330:] += 20
    streams = [EnvelopeStream(envelope, **FOLLOWS) for _ in range(2)]
    for value in test[:350]:
        streams[0].update(value)
    replayed = EnvelopeStream(Envelope.from_json_dict(json.loads(json.dumps(envelope.to_json_dict()))), **FOLLOWS)
    for value in test[:350]:
        replayed.update(value)
    assert [streams[0].update(v) for v in test[350:]] == [replayed.update(v) for v in test[350:]]


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), tricks=TRICKS, grid=st.booleans(), follows=st.booleans(), data=st.data())
def test_samples_taken_together_are_those_taken_one_by_one(seed, tricks, grid, follows, data):
    random = np.random.default_rng(seed)
    envelope = fit_envelope(series(random, 300, grid=grid, tricks=[]))
    test = series(random, 900, grid=grid, tricks=[*tricks, ("silence", 0.6, 0), ("step", 0.4, 9)])
    cuts = sorted(data.draw(st.lists(st.integers(0, test.size), max_size=8)))
    streams = [EnvelopeStream(envelope, follows_training=follows) for _ in range(2)]
    for part in np.split(test, cuts):
        one_by_one = {event for value in part for event in streams[0].update(value).ended}
        assert set(streams[1].extend(part)) == one_by_one
        assert streams[1].open_events == streams[0].open_events
        assert streams[1].state() == streams[0].state()


def test_a_series_of_several_blocks_is_judged_as_one():
    """Events across the border between blocks, which lies at sample 65,536 of those that are there."""
    random = np.random.default_rng(1)
    envelope, test = fit_envelope(random.normal(size=400)), random.normal(size=66_000)
    test[65_490:65_900] += 20
    test[100] = np.nan
    events = envelope.find(test, **FOLLOWS)
    assert any(event.start < 65_536 < event.end for event in events)
    stream = EnvelopeStream(envelope, **FOLLOWS)
    ended = stream.extend(test[:65_000])
    ended += [event for value in test[65_000:] for event in stream.update(value).ended]
    assert {*ended, *stream.open_events} == set(events)


@pytest.mark.nasa
def test_false_events_on_normal_telemetry_are_as_few_as_when_the_margins_were_chosen(nasa_zip: Path):
    """Second half of each training series that is long enough: 12 events in 94,000 samples, as measured then."""
    events = samples = 0
    with ZipFile(nasa_zip) as bundle:
        for name in bundle.namelist():
            if "/train/" not in name or not name.endswith(".npy"):
                continue
            train = np.load(io.BytesIO(bundle.read(name)))[:, 0]
            if train.size >= 1200:
                first, second = np.split(train, [train.size // 2])
                events += len(join(fit_envelope(first).find(second, **FOLLOWS)))
                samples += second.size
    assert round(samples, -3) == 94_000
    assert events == 12


def event(start, end, feature="step"):
    return EnvelopeEvent(start, end, feature, start, 3.0, 1.3, 1.0)


def test_join_says_what_found_each():
    sequences = pd.DataFrame({"start": [5, 50, 90], "end": [20, 60, 99], "severity": [2.0, 3.0, 4.0]})
    events = [event(30, 31), event(10, 25), event(61, 70, "stuck"), event(31, 31, "above"), event(55, 95, "below")]
    joined = join(events, sequences)
    assert [(one.start, one.end, one.found_by, one.forecast_severity) for one in joined] == [
        (5, 25, "both", 2.0),
        (30, 31, "envelope", None),
        (50, 99, "both", 4.0),
    ]
    assert [one.feature for one in joined[2].events] == ["below", "stuck"]
    assert join([]) == []
    assert [one.found_by for one in join([], sequences)] == ["forecast"] * 3
    assert join(events[::-1], sequences[::-1]) == joined


def test_join_parts_what_a_sample_parts():
    """21 lies between 20 and 22; nothing lies between 20 and 21."""
    assert [(one.start, one.end) for one in join([event(1, 20), event(22, 30)])] == [(1, 20), (22, 30)]
    assert [(one.start, one.end) for one in join([event(1, 20), event(21, 30)])] == [(1, 30)]


@pytest.mark.parametrize("follows", [True, False])
def test_a_stream_goes_on_from_a_small_state_in_json(follows):
    """At the beginning, within events, in silence and long after it: the decisions of the stream that never stopped."""
    random = np.random.default_rng(8)
    train = random.normal(size=720)
    train[500:] = train[499]  # unchanged for longer than any window at its end
    envelope = fit_envelope(train)
    tricks = [("step", 0.3, 20), ("silence", 0.45, 0), ("missing", 0.32, 0), ("silence", 0.55, 0), ("burst", 0.8, 30)]
    test = series(random, 1600, grid=False, tricks=tricks)
    test[720:1200] = 20.5
    whole = EnvelopeStream(envelope, follows_training=follows)
    expected, states = [], []
    for value in test:
        states.append(json.dumps(whole.state()))
        expected.append(whole.update(value))
    states.append(json.dumps(whole.state()))
    assert sum(bool(decision.ended) for decision in expected) > 4
    assert max(map(len, states)) < 20_000
    for start in [0, 1, 3, 100, 249, 250, 251, 500, 520, 1100, 1199, 1500]:
        stream = EnvelopeStream.restored(envelope, json.loads(states[start]))
        for number in range(start, min(start + 450, test.size)):
            assert stream.update(test[number]) == expected[number]
        assert json.dumps(stream.state()) == states[number + 1]
