from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.fake_session import FakeSession
from tests.views.monitored_session import HOUR, LAST, START, MonitoredSession
from workbench.views.monitoring.scene import Scene

MINUTE = 60_000.0


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def session():
    return MonitoredSession()


@pytest.fixture
def scene(session, clock):
    made = Scene(session, clock)
    made.read()
    return made


def test_it_begins_with_the_worst_asset_and_its_worst_channels(scene):
    assert (scene.asset, scene.group, scene.channel) == ("Sat", "worst first", "P-1")
    assert scene.channels[:2] == ["P-1", "A-10"]
    assert scene.shown == scene.channels[:8]
    assert scene.extent == scene.range == (START, LAST)
    assert scene.until == float("inf")


def test_groups_are_all_channels_and_each_subsystem(scene):
    assert list(scene.groups) == ["worst first", "all, by name", "Power", "Antenna"]
    assert scene.groups["Power"] == ["P-1", "P-3", "P-5", "P-7", "P-9"]


def test_channels_without_a_subsystem_are_a_group_with_a_name_and_not_the_first_choice(session, clock, monkeypatch):
    fleet = session.overview().assign(subsystem="")
    monkeypatch.setattr(session, "overview", lambda: fleet)
    scene = Scene(session, clock)
    scene.read()
    assert list(scene.groups) == ["worst first", "all, by name", "no subsystem"]
    assert scene.group == "worst first"


def test_pages_turn_within_the_group(scene):
    scene.turn(1)
    assert scene.shown == scene.channels[8:]
    assert scene.channel == scene.channels[8]
    scene.turn(1)
    assert scene.page == 1
    scene.turn(-5)
    assert scene.page == 0


def test_modes_with_room_show_the_whole_group(scene):
    scene.set_mode("heat map")
    assert len(scene.shown) == 10
    scene.set_mode("no such mode")
    assert (scene.mode, len(scene.shown)) == ("strips", 8)


def test_many_channels_are_drawn_as_they_come_to_hand(scene):
    scene.set_mode("stacked")
    assert [strip.name for strip in scene.strips(at_hand=True)] == scene.channels[:8]
    scene.store.strip(scene.unread[0])
    assert len(scene.strips(at_hand=True)) == 9
    assert len(scene.strips()) == 10


def test_only_channels_that_have_changed_are_read_again(scene, session, monkeypatch):
    told = SimpleNamespace(
        stamp=lambda: (2, 2), changed_since=lambda stamp: ({"P-3"}, {"A-2"}), pieces=lambda channel, part: ()
    )
    monkeypatch.setattr(type(session.archive), "index", told)
    session.opened.clear()
    scene.grow()
    assert sorted(session.opened) == ["A-2", "P-3"]


def test_a_large_group_has_pages_in_every_mode_and_is_not_read_whole(clock):
    session = FakeSession({f"P-{number}": [] for number in range(150)})
    scene = Scene(session, clock)
    scene.read()
    assert len(scene.unread) + 8 == 64
    scene.set_mode("heat map")
    assert scene.shown == [f"P-{number}" for number in range(64)]
    scene.turn(2)
    assert scene.shown == [f"P-{number}" for number in range(128, 150)]
    scene.set_mode("strips")
    assert (scene.channel, scene.shown[0]) == ("P-128", "P-128")


def test_selecting_goes_to_the_channels_asset_group_and_page(scene):
    scene.set_group("Power")
    scene.select("P-3")
    assert (scene.group, scene.channel) == ("Power", "P-3")
    scene.select("A-8")
    assert (scene.group, scene.page) == ("worst first", 1)
    scene.select("M-1")
    assert (scene.asset, scene.channel, scene.dated, scene.extent) == ("Rover", "M-1", False, (0, 2999))


def test_zoom_and_steps_change_what_is_shown(scene):
    scene.last(HOUR)
    assert scene.range == (LAST - HOUR, LAST)
    scene.step(-0.5)
    assert scene.range == (LAST - 1.5 * HOUR, LAST - 0.5 * HOUR)
    scene.zoom(2)
    assert scene.range == (LAST - 2 * HOUR, LAST)
    scene.last(0)
    assert scene.range == scene.extent


def test_there_is_a_closest_zoom(scene):
    for _ in range(100):
        scene.zoom(0.5)
    start, end = scene.range
    assert end - start == pytest.approx((LAST - START) * 1e-6)


def test_what_is_shown_stays_on_another_page_of_the_same_time(scene):
    scene.last(HOUR)
    shown = scene.range
    scene.turn(1)
    assert scene.range == shown
    scene.set_asset("Rover")
    assert scene.range == (0, 2999)


def test_what_is_shown_stays_where_another_pages_time_holds_it(scene, session):
    name = scene.groups["worst first"][9]
    session.data[name] = session.data[name].isel(time=slice(0, 2500))
    scene.last(HOUR)
    scene.step(-8)
    shown = scene.range
    scene.set_group("all, by name")
    assert scene.range == shown
    assert scene.until == float("inf")


def test_an_anomaly_is_shown_with_what_is_around_it(scene):
    scene.show_anomaly(2149, 1.0)
    minute = 60_000
    assert scene.range == (START + 1949 * minute, START + 2549 * minute)
    scene.show_anomaly(7, 1.0)
    assert scene.range == (START + 1949 * minute, START + 2549 * minute)
    scene.show(START, LAST)
    scene.show_anomaly(pd.Timestamp(START + 2160 * minute, unit="ms", tz="UTC"), 1.0)
    assert scene.range == (START + 1949 * minute, START + 2549 * minute), "found again, a little earlier"


def test_a_replay_begins_with_what_is_shown_and_moves_it_along(scene, clock):
    scene.show(START + HOUR, START + 2 * HOUR)
    scene.play()
    assert (scene.replay.state, scene.until) == ("playing", START + HOUR)
    clock.now += 0.5  # half an hour, at 3,600 times
    assert scene.until == START + 1.5 * HOUR
    scene.follow()
    assert scene.range == (START + HOUR, START + 2 * HOUR)
    clock.now += 1
    scene.follow()
    assert scene.range[0] < scene.until < scene.range[1]
    assert scene.range[1] - scene.range[0] == HOUR
    scene.play()
    assert scene.replay.state == "paused"
    scene.leave_replay()
    assert scene.until == float("inf")


def test_seeking_shows_where_it_goes(scene):
    scene.last(HOUR)
    scene.seek(0.5)
    assert scene.share == pytest.approx(0.5)
    assert scene.range[0] <= scene.until <= scene.range[1]


def test_what_is_chosen_stays_when_the_session_is_read_again(scene):
    scene.set_group("Antenna")
    scene.select("A-4")
    scene.last(HOUR)
    shown = scene.range
    scene.read()
    assert (scene.asset, scene.group, scene.channel, scene.range) == ("Sat", "Antenna", "A-4", shown)


def test_an_empty_fleet_shows_nothing(clock):
    session = MonitoredSession()
    session.spans = {}
    scene = Scene(session, clock)
    scene.read()
    assert (scene.asset, scene.shown, scene.strips()) == ("", [], [])


def come(session, minutes):
    """Let minutes of telemetry come on all stamped channels."""
    for name, data in session.data.items():
        if data["time"].dtype.kind == "M":
            later = data.isel(time=slice(0, minutes))
            step = data["time"].values[1] - data["time"].values[0]
            times = data["time"].values[-1] + step * np.arange(1, minutes + 1)
            session.data[name] = xr.concat([data, later.assign_coords(time=times)], "time", combine_attrs="override")


def test_a_stretch_that_ends_with_the_newest_value_moves_along(scene, session):
    scene.last(HOUR)
    come(session, 10)
    scene.grow()
    newest = LAST + 10 * MINUTE
    assert scene.extent == (START, newest)
    assert scene.range == (newest - HOUR, newest)
    scene.last(0.0)
    come(session, 5)
    scene.grow()
    assert scene.range == scene.extent == (START, newest + 5 * MINUTE)


def test_of_telemetry_that_goes_on_the_newest_part_is_shown_first_and_moves(session, clock, monkeypatch):
    """6 h of 50: 360 minutes, of which each new one is seen."""
    monkeypatch.setattr(session.archive, "grows", lambda name: name != "M-1", raising=False)
    scene = Scene(session, clock)
    scene.read()
    assert scene.extent == (START, LAST)
    assert scene.range == scene.first_range == (LAST - 6 * HOUR, LAST)
    come(session, 10)
    scene.grow()
    newest = LAST + 10 * MINUTE
    assert scene.range == scene.first_range == (newest - 6 * HOUR, newest)
    scene.turn(1)
    assert scene.range == scene.first_range
    scene.last(0.0)
    come(session, 5)
    scene.grow()
    assert scene.range == scene.extent == (START, newest + 5 * MINUTE), "who has chosen all of the time keeps it"
    scene.set_asset("Rover")
    assert scene.range == scene.first_range == scene.extent == (0, 2999)
    scene.set_asset("Sat")
    assert scene.range == (newest + 5 * MINUTE - 6 * HOUR, newest + 5 * MINUTE)


def test_a_reader_who_has_scrolled_back_stays_where_they_are(scene, session):
    scene.last(HOUR)
    scene.step(-0.5)
    before = scene.range
    come(session, 10)
    scene.grow()
    assert scene.range == before
    assert scene.extent[1] == LAST + 10 * MINUTE


def test_a_paused_replay_stays_where_it_is(scene, session, clock):
    scene.last(HOUR)
    scene.play()
    clock.now += 0.5
    scene.play()
    scene.follow()
    before = scene.range, scene.until
    come(session, 10)
    scene.grow()
    assert (scene.range, scene.until) == before
