import numpy as np
import pytest

from workbench.exceptions import TelemetryError
from workbench.telemetry.feeds import Replay


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def replay(clock):
    return Replay(100, 200, clock=clock, speed=10)


def test_it_waits_at_its_start(replay, clock):
    clock.now += 60
    assert (replay.position, replay.state, replay.speed) == (100, "paused", 10)


def test_it_plays_as_fast_as_it_was_told_and_ends(replay, clock):
    replay.play()
    clock.now += 4
    assert (replay.position, replay.state) == (140, "playing")
    clock.now += 60
    assert (replay.position, replay.state) == (200, "ended")


def test_pause_keeps_the_position_and_play_goes_on_from_it(replay, clock):
    replay.play()
    clock.now += 2
    replay.pause()
    clock.now += 100
    assert (replay.position, replay.state) == (120, "paused")
    replay.play()
    clock.now += 1
    assert replay.position == 130


def test_played_at_its_end_it_begins_again(replay, clock):
    replay.seek(200)
    assert replay.state == "ended"
    replay.play()
    clock.now += 1
    assert (replay.position, replay.state) == (110, "playing")


def test_play_twice_loses_nothing(replay, clock):
    replay.play()
    clock.now += 2
    replay.play()
    clock.now += 1
    assert replay.position == 130


@pytest.mark.parametrize(("asked", "reached"), [(150, 150), (-5, 100), (900, 200)])
def test_it_seeks_within_what_it_covers(replay, asked, reached):
    replay.seek(asked)
    assert replay.position == reached
    assert replay.state == ("ended" if reached == 200 else "paused")


def test_what_plays_goes_on_after_a_seek_and_a_change_of_speed(replay, clock):
    replay.play()
    clock.now += 1
    replay.seek(150)
    clock.now += 1
    assert replay.position == 160
    replay.set_speed(1)
    clock.now += 5
    assert (replay.position, replay.state, replay.speed) == (165, "playing", 1)


def test_a_change_of_speed_does_not_start_it(replay, clock):
    replay.set_speed(50)
    clock.now += 1
    assert (replay.position, replay.state) == (100, "paused")


def test_it_counts_the_samples_that_have_come(replay, clock):
    time = np.arange(100, 201, 10)
    assert replay.arrived(time) == 1
    replay.play()
    clock.now += 2.5
    assert replay.arrived(time) == 3
    clock.now += 60
    assert replay.arrived(time) == 11


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_a_speed_that_is_none_is_refused(replay, clock, speed):
    with pytest.raises(TelemetryError, match="must be above 0"):
        replay.set_speed(speed)
    with pytest.raises(TelemetryError, match="must be above 0"):
        Replay(0, 1, clock=clock, speed=speed)
    assert replay.speed == 10


def test_an_end_before_the_start_is_refused(clock):
    with pytest.raises(TelemetryError, match="end at 1, before its start at 2"):
        Replay(2, 1, clock=clock)
