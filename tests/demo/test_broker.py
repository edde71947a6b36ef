"""The demo fleet over MQTT: its samples go through a real mosquitto and arrive as they were; without one it is said."""

import math
import os
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.demo.test_simulator import make_moving
from tests.homes import copy_of
from tests.live.test_mqtt import needs_mosquitto
from workbench.cli.app import app
from workbench.demo import broker, living
from workbench.exceptions import SettingsError, WorkbenchError
from workbench.live.feeds.mqtt import MqttFeed
from workbench.live.intake import Intake
from workbench.live.samples import Delivery, Sample
from workbench.settings import Settings
from workbench.telemetry.synthetic import samples_to_come

T = 1_767_225_600_000_000_123


@needs_mosquitto
@pytest.mark.slow
def test_samples_arrive_as_they_were_and_only_this_machine_reaches_the_broker(tmp_path: Path) -> None:
    sent = [
        Sample("PWR-1", "time", T, 0.1 + 0.2, None),
        Sample("PWR-1", "time", T + 1, float("nan"), None),
        Sample("VLV-1", "time", T, -1e-300, {"open": 1.0, "speed": 2.5}),
    ]
    with broker.mosquitto(tmp_path / "a folder") as port:
        settings = broker.over_mqtt(Settings(home=tmp_path), port)
        feed, intake, publisher = MqttFeed(settings.live), Intake(1_000), broker.Publisher(port)
        broker.keep_for(settings)
        publisher.put(Delivery("simulator", sent))  # before anybody is there to receive it
        feed.start(intake)
        arrived: list[Sample] = []
        while len(arrived) < len(sent):
            taken = intake.take(1_000, 30.0, 0.0)
            assert taken and not any(one.faults for one in taken), taken
            arrived += [sample for one in taken for sample in one.samples]
        feed.stop()
        publisher.close()
        own = socket.gethostbyname(socket.gethostname())
        if own != "127.0.0.1":
            with socket.socket() as probe:
                assert probe.connect_ex((own, port)) != 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "it has ended"
    for one, other in zip(arrived, sent, strict=True):
        assert (one.channel, one.clock, one.moment) == (other.channel, other.clock, other.moment)
        assert one.value == other.value or (math.isnan(one.value) and math.isnan(other.value))
        assert dict(one.inputs or {}) == dict(other.inputs or {})


@needs_mosquitto
@pytest.mark.slow
def test_the_fleet_goes_on_with_what_comes_through_the_broker(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    with wb.open(home=copy_of("moving fleet", make_moving, tmp_path_factory, tmp_path / "home")) as session:
        coming = samples_to_come(session.archive)
        before = {name: session.archive.info(name).n_test for name in coming}
        session.set_growing(list(coming))
        end = time.monotonic() + 120
        with living.simulated(session.settings, mqtt=True) as begin:
            begin()
            while any(session.archive.info(name).n_test == n for name, n in before.items()):
                assert time.monotonic() < end, "nothing has come"
                time.sleep(0.2)
        for name, rows in coming.items():
            stored = session.channel(name).isel(time=slice(before[name], None)).load()
            n = stored.sizes["time"]
            assert n > 0
            np.testing.assert_array_equal(stored["time"].values, rows["time"].values[:n])
            np.testing.assert_array_equal(stored["telemetry"].values, rows["telemetry"].values[:n])
            np.testing.assert_array_equal(stored["commands"].values, rows["commands"].values[:n])


@needs_mosquitto
def test_a_broker_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(broker, "free_port", lambda host: taken.getsockname()[1])
        monkeypatch.setattr(broker, "_listens", lambda port: False)
        with pytest.raises(WorkbenchError, match=r"mosquitto does not start: .*[Aa]ddress.* in use"):
            broker.mosquitto(tmp_path).__enter__()


def test_it_is_said_what_to_do_where_mosquitto_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(broker, "_FOLDERS", ())
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    with pytest.raises(SettingsError, match="apt-get install mosquitto"):
        broker.find_mosquitto()
    outcome = CliRunner().invoke(app, ["run", "--mqtt"])
    assert outcome.exit_code == 2 and "apt-get install mosquitto" in outcome.output
    assert not os.path.exists(tmp_path / "home")


@pytest.mark.parametrize("other", ["--still", "--no-serve"])
def test_it_is_refused_where_no_telemetry_would_come(other: str) -> None:
    outcome = CliRunner().invoke(app, ["run", "--mqtt", other])
    assert outcome.exit_code == 2
    assert other in outcome.output
