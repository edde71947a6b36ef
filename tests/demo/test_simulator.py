"""The demo fleet that goes on: nothing is repeated or left out, and never comes before its time."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.homes import copy_of
from workbench.demo import living
from workbench.demo.simulator import SimulatorFeed
from workbench.exceptions import TelemetryError
from workbench.live.intake import Intake
from workbench.settings import Settings
from workbench.telemetry.synthetic import demo_source, samples_to_come

END = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


def make_moving(home: Path) -> None:
    with wb.open(home=home) as session:
        session.import_demo(end=END)


@pytest.fixture
def moving(tmp_path_factory, tmp_path):
    with wb.open(home=copy_of("moving fleet", make_moving, tmp_path_factory, tmp_path / "home")) as session:
        yield session


def test_the_series_end_when_they_are_asked_to_and_go_on_behind(moving):
    assert demo_source(moving.archive) == (0, np.datetime64("2026-03-02T10:30"))
    coming = samples_to_come(moving.archive)
    assert set(coming) == set(moving.archive.channels())
    for name, rows in coming.items():
        last = moving.channel(name)["time"].values[-1]
        assert last == np.datetime64("2026-03-02T10:29")
        times = np.concatenate([[last], rows["time"].values])
        assert (np.diff(times) == np.timedelta64(1, "m")).all()
        assert rows.sizes["time"] == 30 * 24 * 60


def test_the_first_fault_takes_the_tank_beyond_its_limit_within_four_minutes_at_sixty_times_the_speed(moving):
    """By the catalog's own limit, 30 degrees, and on the telemetry alone; before the fault it stays below 26."""
    tank = samples_to_come(moving.archive)["THM-1"]["telemetry"].values
    assert (tank[:110] < 26).all()
    assert np.flatnonzero(tank > 30)[0] < 200


def test_the_noise_of_one_sensor_has_grown_and_drift_says_so(moving):
    """Its error is above the limit of the settings, 3 times that of training; the steady ones stay below."""
    moving.train(["SOL-2", "SOL-1"])
    drift = moving.models.drift(["SOL-2", "SOL-1"]).set_index("channel")
    assert drift["status"].to_dict() == {"SOL-2": "retrain", "SOL-1": "ok"}
    assert "times that of training" in drift.loc["SOL-2", "reason"]


def test_nothing_comes_behind_the_fleet_of_the_notebooks(tmp_path):
    with wb.open(home=tmp_path) as session:
        session.import_demo()
        assert session.channel("PWR-1")["time"].values[-1] == np.datetime64("2025-12-31T23:59")
        assert not living.goes_on(session)
        with pytest.raises(TelemetryError, match="workbench run"):
            samples_to_come(session.archive)


def test_a_fleet_that_was_left_alone_catches_up_once(moving):
    now = END + timedelta(hours=12)
    assert living.catch_up(moving, now) == 24 * (4 * 60 + 1)  # up to eight hours before now, that minute too
    assert moving.channel("PWR-1")["time"].values[-1] == np.datetime64("2026-03-02T14:30")
    assert living.catch_up(moving, now) == 0
    assert samples_to_come(moving.archive)["PWR-1"]["time"].values[0] == np.datetime64("2026-03-02T14:31")


def test_it_comes_at_sixty_times_the_speed_until_it_is_the_present_and_never_before(moving):
    series = {"PWR-1": samples_to_come(moving.archive)["PWR-1"]}
    seconds, present = [100.0], [END.timestamp() + 3600.0]
    feed = SimulatorFeed(series, lambda: seconds[0], lambda: present[0])
    feed._replay.play()  # without the thread of start(): each step is ours
    assert [sample.moment for sample in feed._due()] == [int(END.timestamp()) * 10**9]
    seconds[0], present[0] = 110.0, present[0] + 10
    assert len(feed._due()) == 10  # ten seconds, ten minutes
    assert feed.state().catching_up == "55 min behind, caught up at 11:31 UTC"  # 53 minutes at 60 times the speed
    assert feed.state().words == "0 samples sent at 60 times the speed, 55 min behind, caught up at 11:31 UTC"
    seconds[0], present[0] = 300.0, present[0] + 190
    assert sum(len(part) for part in (feed._due(), feed._due())) == 63 - 10  # 63 minutes have passed in truth
    assert "real time" in feed.state().words
    assert feed.state().catching_up == ""
    present[0] -= 7200  # a clock that is set back sends nothing again
    seconds[0] += 60
    assert feed._due() == []


def test_messages_go_into_a_file_of_the_home_unless_somebody_is_to_be_told(tmp_path):
    told = living.with_messages(Settings(home=tmp_path / "my home")).notifications
    assert told.targets["control room"].url == f"file://{tmp_path}/my%20home/messages.txt"
    own = Settings(home=tmp_path, notifications={"people": {"Ann": "json://127.0.0.1"}})
    assert living.with_messages(own) is own


def test_the_intake_gets_what_the_simulator_sends(moving):
    series = {name: rows.isel(time=slice(0, 3)) for name, rows in samples_to_come(moving.archive).items()}
    feed, intake = SimulatorFeed(series, present=lambda: END.timestamp() + 1e6), Intake(1000)
    feed.start(intake)
    samples = []
    while len(samples) < 24 * 3:
        samples += [sample for delivery in intake.take(1000, 60.0, 0.0) for sample in delivery.samples]
    feed.stop()
    assert len({(sample.channel, sample.moment) for sample in samples}) == 24 * 3


def test_the_terminal_says_once_why_the_fleet_stands_still(tmp_path):
    code = (
        "import workbench.demo.process as process\n"
        "from workbench.exceptions import ArchiveError\n"
        "def refuse(settings): raise ArchiveError('It is locked.', 'Wait.')\n"
        "process.Session = refuse\n"
        "process.main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(wb.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == "The demo fleet stands still: It is locked. Wait.\n"
    assert done.stdout == ""
