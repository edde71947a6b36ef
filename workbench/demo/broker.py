"""The demo fleet over MQTT: a mosquitto of its own, and what publishes the simulator's samples to it."""

import json
import math
import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from workbench.exceptions import SettingsError, WorkbenchError
from workbench.jobs.ports import free_port
from workbench.live.intake import Intake
from workbench.live.samples import Delivery, Sample
from workbench.settings import Settings
from workbench.telemetry.feed_options import JsonMapping, MqttSettings

__all__ = ["TOPIC", "Publisher", "find_mosquitto", "keep_for", "mosquitto", "over_mqtt"]

TOPIC = "demo"
"""First level of the topics; the second one is the channel."""

_HOST = "127.0.0.1"
_FOLDERS = ("/usr/sbin", "/usr/local/sbin")  # where packages lay it, which the search path of a user may lack
_START_S = 10.0


def find_mosquitto() -> str:
    """Return the path of mosquitto.

    Raises
    ------
    SettingsError
        It is not installed.
    """
    found = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *_FOLDERS]))
    if found is None:
        raise SettingsError(
            "--mqtt needs mosquitto, an MQTT broker, which is not installed.",
            "On Debian and Ubuntu: sudo apt-get install mosquitto. Or run without --mqtt.",
        )
    return found


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Run a mosquitto that only this machine reaches, and keep what it holds in a folder.

    Parameters
    ----------
    folder : Path
        Folder of its configuration, log and messages; made where it is not there.

    Yields
    ------
    int
        Its port.

    Raises
    ------
    SettingsError
        It is not installed.
    WorkbenchError
        It does not start.
    """
    command = find_mosquitto()
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(_HOST), folder / "mosquitto.log"
    file = folder / "mosquitto.conf"
    file.write_text(
        f"listener {port} {_HOST}\nallow_anonymous true\nuser {pwd.getpwuid(os.geteuid()).pw_name}\n"
        f"persistence true\npersistence_location {folder.absolute()}/\nmax_inflight_messages 1000\n"
        f"max_queued_messages 0\nlog_dest file {log.absolute()}\n",
        encoding="utf-8",
    )
    with subprocess.Popen([command, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(process, port, log)
            yield port
        finally:
            process.terminate()


def over_mqtt(settings: Settings, port: int) -> Settings:
    """Return settings with which live telemetry is what a `Publisher` publishes at a port of this machine."""
    mqtt = MqttSettings(host=_HOST, port=port, topics=(f"{TOPIC}/+",))
    live = settings.live.model_copy(update={"mqtt": mqtt, "json_mapping": JsonMapping(channel="{topic.1}")})
    return settings.model_copy(update={"live": live})


def keep_for(settings: Settings) -> None:
    """Have the broker keep for the service what is published before it connects, as it does while it is away.

    Parameters
    ----------
    settings : Settings
        From `over_mqtt`.

    Raises
    ------
    WorkbenchError
        The broker does not answer.
    """
    mqtt, subscribed = settings.live.mqtt, threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id=mqtt.client_id, clean_session=False)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(_HOST, mqtt.port)
    client.subscribe([(topic, 1) for topic in mqtt.topics])  # goes out behind the connection's own message
    client.loop_start()
    answered = subscribed.wait(_START_S)
    client.disconnect()
    client.loop_stop()
    if not answered:
        raise WorkbenchError("mosquitto does not answer.", "See its log, in the folder mosquitto of the home.")


class Publisher(Intake):
    """What a feed puts into it goes to a broker, as one JSON message for each sample.

    Parameters
    ----------
    port : int
        Port of the broker on this machine.

    Notes
    -----
    A message that the broker has not taken yet waits in memory. It comes from the simulator again where it is lost
    with the process: what the archive does not hold is still to come.
    """

    def __init__(self, port: int) -> None:
        super().__init__(1)
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="workbench-demo", clean_session=True)
        self._client.connect_async(_HOST, port)
        self._client.loop_start()

    def put(self, delivery: Delivery, timeout: float | None = None) -> bool:
        """Publish the samples of a delivery."""
        del timeout
        for one in delivery.samples:
            self._client.publish(f"{TOPIC}/{one.channel}", _message(one), qos=1)
        delivery.stored({"published": len(delivery.samples)})
        return True

    def close(self) -> None:
        """Disconnect from the broker, and take nothing more."""
        self._client.disconnect()
        self._client.loop_stop()
        super().close()


def _message(sample: Sample) -> str:
    document: dict[str, object] = {
        "time": f"{np.datetime64(sample.moment, 'ns')}Z",
        "value": None if math.isnan(sample.value) else sample.value,
    }
    if sample.inputs:
        document["inputs"] = dict(sample.inputs)
    return json.dumps(document, allow_nan=False)


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < until:
        if _listens(port):
            return
        time.sleep(0.02)
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-1:] if log.exists() else []
    raise WorkbenchError(f"mosquitto does not start: {''.join(last) or 'it says nothing'}", f"Its log is {log}.")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0
