"""MQTT through mosquitto: what is acknowledged is stored, and what was not comes again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.live.plants import pump, samples_of, service_of, values_of, write_plant
from tests.live.test_sparkplug import as_double, metric, payload
from workbench.exceptions import SettingsError
from workbench.live.feeds import mqtt
from workbench.live.feeds.mqtt import MqttFeed
from workbench.live.journal import Journal
from workbench.live.payloads import read_json
from workbench.live.samples import Fault, Sample
from workbench.live.service import LiveService
from workbench.settings import load_settings
from workbench.telemetry.feed_options import JsonMapping, LiveSettings

WAIT_S = 30.0
_FOLDERS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
MOSQUITTO = shutil.which("mosquitto", path=_FOLDERS)
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: make mosquitto")


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        threading.Event().wait(0.02)


class Broker:
    """Mosquitto, which keeps its sessions in a folder and asks for a password."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.folder = folder
        folder.mkdir()
        folder.chmod(0o777)
        passwords = folder / "passwords"
        tool = shutil.which("mosquitto_passwd", path=_FOLDERS)
        assert tool is not None
        subprocess.run([tool, "-c", "-b", str(passwords), "plant", "secret"], check=True, capture_output=True)
        passwords.chmod(0o644)
        self.file = folder / "mosquitto.conf"
        self.file.write_text(
            f"listener {self.port} 127.0.0.1\npassword_file {passwords}\npersistence true\n"
            f"persistence_location {folder}/\nautosave_interval 1\nautosave_on_changes true\nmax_inflight_messages 0\n"
            "max_queued_messages 0\nuser root\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        command = [MOSQUITTO, "-c", str(self.file)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.is_there)

    def is_there(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self, how: int) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path / "broker")
    one.start()
    yield one
    one.end(signal.SIGTERM)


class Publisher:
    """Publishes samples with quality of service 1, and waits until the broker has them."""

    def __init__(self, broker: Broker) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="publisher", clean_session=False)
        self.client.username_pw_set("plant", "secret")
        self.client.max_inflight_messages_set(0)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def publish(self, samples: Sequence[Sample]) -> None:
        for one in samples:
            self.publish_together([one])

    def publish_together(self, samples: Sequence[Sample]) -> None:
        """Publish samples of one channel in one message."""
        documents = [{"time": str(np.datetime64(one.moment, "ns")) + "Z", "value": one.value} for one in samples]
        told = self.client.publish(f"plant/{samples[0].channel}", json.dumps(documents), qos=1)
        told.wait_for_publish(WAIT_S)

    def send(self, payload: bytes) -> None:
        self.client.publish("plant/flow", payload, qos=1).wait_for_publish(WAIT_S)

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def options(broker: Broker, **more: object) -> dict[str, object]:
    mqtt = {"host": "127.0.0.1", "port": broker.port, "topics": ["plant/+"], "user": "plant", "password": "secret"}
    return {"mqtt": mqtt | more, "json_mapping": {"channel": "{topic.1}"}}


class Running:
    """A service in a thread."""

    def __init__(self, home: Path, live: dict[str, object]) -> None:
        settings = load_settings(home.parent, home=home, live=live)
        self.feed = MqttFeed(settings.live)
        self.service: LiveService = service_of(home, [self.feed], **live)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.service.run, args=(self._stop,))
        self._thread.start()

    def count(self, name: str) -> int:
        return sum(self.service.counters().get(name, {}).values())

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


Run = Callable[[Path, dict[str, object]], Running]


@pytest.fixture
def run() -> Iterator[Run]:
    """Start services, and stop them at the end of the test."""
    started: list[Running] = []

    def start(home: Path, live: dict[str, object]) -> Running:
        started.append(Running(home, live))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@needs_mosquitto
@pytest.mark.slow
def test_nothing_is_lost_over_restarts_of_service_and_broker(broker: Broker, run: Run, tmp_path: Path) -> None:
    test = pump(400)
    home = tmp_path / "live"
    write_plant(home, [test], 1, train=False)
    samples = samples_of(test.isel(time=slice(1, None)))
    live = run(home, options(broker))
    wait_for(lambda: live.feed.state().connected)
    publisher = Publisher(broker)
    publisher.publish(samples[:100])
    publisher.send(b"no JSON at all")
    wait_for(lambda: live.count("added") == 100)
    live.stop()
    publisher.publish(samples[100:200])  # the broker keeps them
    live = run(home, options(broker))
    wait_for(lambda: live.count("added") == 200)
    publisher.publish(samples[200:300])
    wait_for(lambda: live.count("added") == 300)
    broker.end(signal.SIGTERM)
    wait_for(lambda: not live.feed.state().connected)
    assert not live.service.figures.health()[0]
    broker.start()
    wait_for(publisher.client.is_connected)
    publisher.publish(samples[300:])
    wait_for(lambda: live.count("added") == 399)
    live.stop()
    publisher.end()
    np.testing.assert_array_equal(values_of(home), test["telemetry"].values)
    ((feed, kind),) = {(one["feed"], one["kind"]) for one in live.service.faults()}  # it may have come twice
    assert (feed, kind) == ("mqtt", "not JSON")
    assert live.count("conflicts") == live.count("late") == 0


@needs_mosquitto
@pytest.mark.slow
def test_what_is_not_stored_is_not_acknowledged(broker: Broker, run: Run, tmp_path: Path) -> None:
    test = pump(40)
    home = tmp_path / "live"
    write_plant(home, [test], 1, train=False)
    live = run(home, options(broker))
    wait_for(lambda: live.feed.state().connected)
    store = live.service.ingest._journal.store

    def full(transaction: object) -> None:
        raise OSError(28, "No space left on device")

    live.service.ingest._journal.store = full  # type: ignore[method-assign,assignment]
    publisher = Publisher(broker)
    publisher.publish(samples_of(test.isel(time=slice(1, None))))
    wait_for(lambda: live.service.ingest.figures.error != "")
    live.stop()  # as if it had been killed: nothing was acknowledged
    del store
    live = run(home, options(broker))
    wait_for(lambda: live.count("added") == 39)
    live.stop()
    publisher.end()
    np.testing.assert_array_equal(values_of(home), test["telemetry"].values)


@needs_mosquitto
@pytest.mark.slow
def test_a_message_that_a_reader_does_not_expect_is_counted_and_the_next_ones_come(
    broker: Broker, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(payload: bytes, mapping: JsonMapping, topic: str) -> tuple[list[Sample], list[Fault]]:
        if payload == b"poison":
            raise ZeroDivisionError("by a defect")
        return read_json(payload, mapping, topic)

    monkeypatch.setattr(mqtt, "read_json", read)
    home = tmp_path / "live"
    live, publisher = run(home, options(broker)), Publisher(broker)
    wait_for(lambda: live.feed.state().connected)
    publisher.send(b"poison")
    publisher.send(b'{"time": "2026-01-01T00:00:00Z", "value": 1}')
    wait_for(lambda: live.count("added") == 1)
    publisher.end()
    (fault,) = live.service.faults()
    assert (fault["kind"], fault["count"]) == ("cannot be read", 1)
    assert "by a defect" in fault["example"]


@needs_mosquitto
@pytest.mark.slow
def test_a_wrong_password_is_told_and_stops_nothing_else(broker: Broker, run: Run, tmp_path: Path) -> None:
    live = run(tmp_path / "live", options(broker, password="wrong"))
    wait_for(lambda: "refused the connection" in live.feed.state().words)
    is_well, document = live.service.figures.health()
    assert (is_well, [text for text in document["faults"] if "refused the connection" in text] != []) == (False, True)
    live.stop()


def test_a_broker_that_is_not_there_is_told_and_tried_again(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    live = run(tmp_path / "live", {"mqtt": {"host": "127.0.0.1", "port": port}})
    wait_for(lambda: "cannot be reached; tried again" in live.feed.state().words)
    live.stop()


def test_certificates_that_are_not_there_are_named() -> None:
    live = LiveSettings.model_validate({"mqtt": {"host": "x", "tls": True, "ca_file": "/nowhere/ca.pem"}})
    with pytest.raises(SettingsError, match=r"live\.mqtt\.ca_file: /nowhere/ca\.pem cannot be read"):
        MqttFeed(live)


@needs_mosquitto
@pytest.mark.slow
def test_sparkplug_comes_through_a_broker_and_is_asked_for_a_birth(broker: Broker, run: Run, tmp_path: Path) -> None:
    """An edge node that was there before the service: its data are told of by nobody, until it is born again."""
    t = 1_767_225_600_000
    publisher = Publisher(broker)
    commands: list[bytes] = []
    publisher.client.on_message = lambda client, userdata, message: commands.append(message.payload)
    publisher.client.subscribe("spBv1.0/plant/NCMD/gateway")
    live = run(tmp_path / "live", options(broker, format="sparkplug", topics=["spBv1.0/#"]))
    wait_for(lambda: live.feed.state().connected)

    def send(kind: str, content: bytes) -> None:
        publisher.client.publish(f"spBv1.0/plant/{kind}/gateway", content).wait_for_publish(WAIT_S)

    def data(seq: int, value: float) -> bytes:
        return payload(metric(as_double(value), alias=3, time=t + 1_000 * seq), seq=seq)

    send("NDATA", data(5, 1.0))
    wait_for(lambda: bool(commands))
    assert b"Node Control/Rebirth" in commands[0]
    send("NBIRTH", payload(metric(as_double(2.0), name="flow", alias=3, kind=10, time=t), seq=0))
    send("NDATA", data(1, 3.0))
    send("NDATA", data(2, 4.0))
    wait_for(lambda: live.count("added") == 3)
    journal = Journal(tmp_path / "live" / "live.db")
    (tag,) = journal.tags()
    assert tag.name == "plant/gateway/flow"
    assert [row[:2] for row in journal.samples(tag.id)] == [
        (t * 1_000_000, 2.0),
        ((t + 1_000) * 1_000_000, 3.0),
        ((t + 2_000) * 1_000_000, 4.0),
    ]
    assert [(one["feed"], one["kind"]) for one in journal.faults()] == [("mqtt plant/gateway", "no birth")]
    publisher.end()
