import numpy as np
import pytest

from workbench.detection.known_events import (
    Shape,
    compare,
    learnt_bound,
    normal_distance,
    same_commands,
    take_shape,
)
from workbench.detection.known_events.commands import CommandUse
from workbench.exceptions import DetectionError
from workbench.telemetry.schema import make_channel

N = 2000
EVENT = np.hanning(60) * 5


def _channel(telemetry, commands=None):
    commands = np.zeros((len(telemetry), 0), np.int8) if commands is None else commands
    return make_channel(np.asarray(telemetry, np.float64), commands, channel="X-1", asset="X")


def _telemetry(*events, seed=0, n=N):
    """Noise with one event at each place; an event is a place, or a place, a factor and an offset."""
    values = np.random.default_rng(seed).normal(0, 0.05, n)
    for event in events:
        place, factor, offset = event if isinstance(event, tuple) else (event, 1.0, 0.0)
        values[place : place + 60] += EVENT * factor + offset
    return values


def _shape(values, start=300, end=359):
    return take_shape(_channel(values), start, end)


def test_a_shape_is_the_event_with_a_quarter_of_context_on_each_side():
    shape = _shape(_telemetry(300))
    assert (shape.size, shape.before, shape.after, shape.event_samples) == (90, 15, 15, 60)
    assert _shape(_telemetry(300), 3, 62).before == 3  # the series begins there


@pytest.mark.parametrize("shift", [-9, 0, 12])
def test_an_event_that_comes_again_is_recognised_however_its_bounds_fall(shift):
    values = _telemetry(300, 1200)
    again = compare(_shape(values), _channel(values), 1200 + shift, 1259 + shift)
    assert again.start == 1185
    assert again.distance < 0.1
    assert again.is_within(0.5)


def test_shifting_the_series_in_time_changes_nothing():
    values = _telemetry(300, 1200)
    one = compare(_shape(values), _channel(values), 1195, 1262)
    moved = np.concatenate([np.full(77, 0.3), values])
    other = compare(_shape(values), _channel(moved), 1195 + 77, 1262 + 77)
    assert other.start == one.start + 77
    assert other.distance == pytest.approx(one.distance, abs=1e-7)


@pytest.mark.parametrize("scale", [1000.0, 1e-3])
def test_scaling_telemetry_and_shape_alike_changes_nothing(scale):
    values = _telemetry(300, 1200)
    one = compare(_shape(values), _channel(values), 1200, 1259)
    other = compare(_shape(values * scale), _channel(values * scale), 1200, 1259)
    assert other.distance == pytest.approx(one.distance, abs=1e-6)
    assert (other.same_size, other.amplitude) == (True, pytest.approx(one.amplitude))


@pytest.mark.parametrize("event", [(1200, 10.0, 0.0), (1200, 0.1, 0.0), (1200, 1.0, 40.0), (1200, -1.0, 0.0)], ids=str)
def test_a_look_alike_of_another_size_or_sign_is_not_the_event(event):
    values = _telemetry(300, event)
    assert not compare(_shape(values), _channel(values), 1200, 1259).is_within(0.5)


def test_a_spike_on_top_of_the_event_is_not_the_event():
    values = _telemetry(300, 1200)
    values[1228] += 10
    again = compare(_shape(values), _channel(values), 1200, 1259)
    assert again.distance < 0.5  # one sample of ninety hardly changes the shape
    assert again.range == pytest.approx(3, rel=0.1)
    assert not again.is_within(0.5)


def test_a_sudden_edge_is_not_taken_for_a_slow_one():
    values = _telemetry(300)
    values[1210:1230] += np.linspace(0, 5, 20)
    values[1230:1250] += 5  # as high and as long, but it falls at once
    again = compare(_shape(values), _channel(values), 1200, 1259)
    assert again.distance < 0.5
    assert not again.is_within(0.5)


@pytest.mark.parametrize("edge", [0.5, 1.5, 2.5, 3.5, 4.5])
def test_an_edge_is_the_same_wherever_samples_fall_on_it(edge):
    values = np.random.default_rng(0).normal(0, 0.05, N)
    values[300:360] += 5
    values[1201:1260] += 5
    values[1200] += edge
    assert compare(_shape(values), _channel(values), 1200, 1259).is_within(0.5)


def test_an_anomaly_much_longer_than_the_event_is_not_the_event():
    values = _telemetry(300, 1200)
    assert compare(_shape(values), _channel(values), 1200, 1400).distance == np.inf


def test_an_anomaly_beside_the_event_is_not_the_event():
    values = _telemetry(300, 1200)
    assert not compare(_shape(values), _channel(values), 1265, 1280).is_within(0.5)


def test_a_fragment_of_the_event_is_recognised():
    values = _telemetry(300, 1200)
    assert compare(_shape(values), _channel(values), 1225, 1238).is_within(0.5)


def test_an_event_that_the_end_of_the_series_cuts_off_is_not_recognised_yet():
    values = _telemetry(300, 1200)
    assert not compare(_shape(values), _channel(values[:1232]), 1200, 1231).is_within(0.5)
    assert compare(_shape(values), _channel(values[:1262]), 1200, 1259).is_within(0.5)  # only context is missing


def test_missing_samples_on_both_sides_do_not_count():
    values = _telemetry(300, 1200)
    values[[310, 311, 330, 1205, 1240]] = np.nan
    assert compare(_shape(values), _channel(values), 1200, 1259).is_within(0.5)
    values[1200:1230] = np.nan
    assert compare(_shape(values), _channel(values), 1200, 1259).distance == np.inf


@pytest.mark.parametrize(
    ("values", "start", "end", "words"),
    [
        (np.ones(N), 300, 359, "has no shape to recognise"),
        (np.where(np.arange(N) % 9 == 0, np.arange(N), np.nan), 300, 359, "has no shape to recognise"),
        (_telemetry(300, n=12_000), 100, 11_000, "it has 10,901 samples"),
        (_telemetry(300), 1990, 2000, "lie outside X-1"),
    ],
)
def test_what_has_no_shape_is_refused(values, start, end, words):
    with pytest.raises(DetectionError, match=words):
        take_shape(_channel(values), start, end)


def test_a_constant_anomaly_is_not_the_event():
    values = _telemetry(300)
    values[1100:1400] = 2.0
    assert compare(_shape(values), _channel(values), 1200, 1259).distance == np.inf


def test_the_commands_must_be_the_same():
    values, commands = _telemetry(300, 900, 1500), np.zeros((N, 2), np.int8)
    commands[[310, 905, 1505], 0] = 1
    commands[1530, 1] = 1
    channel = _channel(values, commands)
    shape = take_shape(channel, 300, 359)
    assert compare(shape, channel, 900, 959).is_within(0.5)
    other = compare(shape, channel, 1500, 1559)
    assert (other.distance < 0.1, other.same_commands, other.is_within(0.5)) == (True, False, False)


def test_inputs_that_are_not_one_hot_may_differ_by_half_a_standard_deviation():
    def load(mean):
        return [CommandUse("load", False, mean, mean, 10.0)]

    assert same_commands(load(50.0), load(54.9))
    assert not same_commands(load(50.0), load(55.1))
    assert not same_commands(load(50.0), [])
    assert not same_commands(load(1.0), [CommandUse("load", True, 1.0, 1.0, 0.0)])


# ---- bounds


def test_the_bound_of_an_event_seen_once_is_the_default_or_half_the_distance_to_normal():
    shape = _shape(_telemetry(300))
    assert learnt_bound([shape]) == 0.5
    assert learnt_bound([shape], normal=0.62) == 0.31


def test_the_bound_of_repetitions_follows_from_the_distance_to_the_nearest():
    values = _telemetry(300, 800, 1300)
    shapes = [_shape(values, start, start + 59) for start in (300, 800, 1300)]
    pairs = {
        (i, j): compare(shapes[i], _channel(values), 300 + 500 * j, 359 + 500 * j).distance
        for i in range(3)
        for j in range(3)
        if i != j
    }
    nearest = [min(min(pairs[i, j], pairs[j, i]) for j in range(3) if j != i) for i in range(3)]
    assert learnt_bound(shapes) == pytest.approx(1.5 * max(nearest), rel=1e-6)
    assert learnt_bound(shapes[:2]) == pytest.approx(2 * min(pairs[0, 1], pairs[1, 0]), rel=1e-6)


def test_bounds_of_repetitions_stay_within_limits():
    one, noise = _shape(_telemetry(300)), _shape(_telemetry(seed=5), 700, 759)
    assert learnt_bound([one, one]) == 0.05
    assert learnt_bound([one, noise]) == 0.7


def test_normal_telemetry_counts_only_where_it_is_of_the_same_size():
    shape = _shape(_telemetry(300))
    small, alike = _telemetry((500, 0.2, 0.0), seed=1), _telemetry(500, seed=1)
    assert normal_distance(shape, small) == np.inf
    assert normal_distance(shape, alike) < 0.1
    assert normal_distance(shape, alike[:50]) == np.inf
    assert normal_distance(Shape(shape.telemetry * 0.2, 15, 15), small) < 0.2
