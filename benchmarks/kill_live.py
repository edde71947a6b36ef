"""Kill the live service, and its broker, at random moments while samples are sent: `python -m benchmarks.kill_live`.

A sender posts a series in small batches and repeats what it got no answer for. At random moments the service gets
SIGKILL, while it stores, files, scores or raises alerts, and is started again. Then a sender publishes through
mosquitto, which gets SIGKILL in the same way; what a broker has confirmed a moment before it dies is sent once more, as
it may not have written it. Afterwards every sample must be stored once, and samples, scores and alerts must be those of
a home that was given the whole series at once. `--kills 200 --broker-kills 50` are the defaults.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import requests

import workbench as wb
from tests.live.plants import judge, outcome, pump, samples_of, write_plant
from tests.live.test_mqtt import Broker, Publisher, options, wait_for
from workbench.live.feeds.mqtt import MqttFeed
from workbench.live.journal import Journal
from workbench.live.samples import Sample
from workbench.live.service import LiveService
from workbench.session import Session
from workbench.settings import load_settings

STORED = 2_000
BATCH = 20
ANSWER_S = 60
LONGEST_LIFE_S = 1.0  # after the first answer
EARLY_SHARE = 0.2  # of the kills, which come before it
REPEATED = 3  # messages before a kill of the broker that are sent once more


def serve(home: str, port: int, mqtt: dict[str, Any]) -> None:
    """Run the service until SIGTERM."""
    settings = load_settings(home, home=home, live={"port": port, "commit_ms": 5, "archive_s": 0.3, **mqtt})
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    LiveService(partial(Session, settings), [MqttFeed(settings.live)] if mqtt else []).run(stop)


class Service:
    """A service in a process of its own, that can be killed."""

    def __init__(self, home: Path, mqtt: dict[str, Any] | None = None) -> None:
        self.home = home
        self.mqtt = mqtt or {}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["tests.live.plants", "workbench.maintenance.desk", "workbench.models"])
        self.process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = self.context.Process(target=serve, args=(str(self.home), self.port, self.mqtt))
        self.process.start()
        while True:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if not self.process.is_alive():
                raise RuntimeError(f"the service ended with {self.process.exitcode}")
            threading.Event().wait(0.02)

    def end(self, how: int) -> int:
        """End it, and return its exit code."""
        assert self.process is not None
        assert self.process.pid is not None
        os.kill(self.process.pid, how)
        self.process.join()
        return int(self.process.exitcode or 0)

    def post(self, samples: list[Sample]) -> bool:
        """Post samples; False where no answer came."""
        body = [
            {"channel": one.channel, "time": f"{np.datetime64(one.moment, 'ns')}Z", "value": one.value}
            for one in samples
        ]
        headers = {"Content-Type": "application/json"}
        address = f"http://127.0.0.1:{self.port}/ingest"
        try:
            answer = requests.post(address, json.dumps(body), headers=headers, timeout=ANSWER_S)
        except requests.ConnectionError:
            return False
        if answer.status_code == 503:
            return False
        if answer.status_code != 200:
            raise RuntimeError(f"answer {answer.status_code}: {answer.text}")
        return True


def write_homes(folder: Path, n: int) -> list[Sample]:
    """Make a home that is to be served and one that holds the whole series, and return what is to be sent."""
    test = pump(n, faults=tuple(range(STORED + 500, n - 200, 1_700)))
    write_plant(folder / "live", [test], STORED, train=True)
    shutil.copytree(folder / "live", folder / "whole")
    with wb.open(home=folder / "whole") as session:
        session.archive.extend([(STORED, test.isel(time=slice(STORED, None)))])
    judge(folder / "whole")
    return samples_of(test.isel(time=slice(STORED, None)))


def run_kills(kills: int, seed: int, folder: Path) -> list[str]:
    """Kill the service, and return what is wrong afterwards."""
    source = random.Random(seed)
    samples = write_homes(folder, STORED + BATCH * (40 + 12 * kills))
    batches = [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]
    service = Service(folder / "live")
    place = 0
    for number in range(kills):
        service.start()
        killer = threading.Timer(source.uniform(0.0, LONGEST_LIFE_S), service.end, [signal.SIGKILL])
        if source.random() < EARLY_SHARE:
            killer.start()
        limit = len(batches) * (number + 1) // (kills + 1)
        while place < limit and service.post(batches[place]):
            place += 1
            if not killer.is_alive() and not killer.finished.is_set():
                killer.start()
        if not killer.is_alive() and not killer.finished.is_set():
            killer.start()
        killer.join()
        print(f"kill {number + 1}: {place} of {len(batches)} batches answered", flush=True)
    service.start()
    for batch in batches[place:]:
        while not service.post(batch):
            pass
    return [*_end(service), *compare(folder, len(samples))]


def _end(service: Service) -> list[str]:
    code = service.end(signal.SIGTERM)
    return [f"the service ended with {code} at last"] if code else []


def compare(folder: Path, count: int) -> list[str]:
    """Return how the home that was served differs from the one that holds the whole series."""
    problems = []
    counts = counters_of(folder / "live")
    if counts.get("added", {}).get("flow") != count:
        problems.append(f"{counts} instead of {count} added")
    for name, live, whole in zip(("data", "alerts"), outcome(folder / "live"), outcome(folder / "whole"), strict=True):
        if live != whole:
            problems.append(f"the {name} differ: {str(live)[:2_000]} instead of {str(whole)[:2_000]}")
    if len(outcome(folder / "whole")[1]) < 1:
        problems.append("there were no alerts to compare")
    print(f"{count} samples, {len(outcome(folder / 'whole')[1])} alerts, {counts}", flush=True)
    return problems


def counters_of(home: Path) -> dict[str, dict[str, int]]:
    """Return how many samples became what."""
    journal = Journal(home / "live.db")
    try:
        return journal.counters()
    finally:
        journal.close()


def run_broker_kills(kills: int, seed: int, folder: Path) -> list[str]:
    """Kill the broker, and return what is wrong afterwards."""
    source = random.Random(seed)
    samples = write_homes(folder, STORED + BATCH * (40 + 12 * kills))
    messages = [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]
    broker = Broker(folder / "broker")
    broker.start()
    service = Service(folder / "live", options(broker))
    service.start()
    publisher = Publisher(broker)
    place = 0
    for number in range(kills):
        limit = len(messages) * (number + 1) // (kills + 1)
        times = [source.uniform(0.0, LONGEST_LIFE_S) for _ in range(2)]
        killer = threading.Thread(target=_kill_and_start, args=(broker, *times))
        killer.start()
        while place < limit and killer.is_alive():
            place += _publish(publisher, messages[place])
        killer.join()
        wait_for(publisher.client.is_connected)
        print(f"kill {number + 1} of the broker: {place} of {len(messages)} messages confirmed", flush=True)
        place = max(0, place - REPEATED)
    while place < len(messages):
        place += _publish(publisher, messages[place])
    wait_for(lambda: counters_of(folder / "live").get("added", {}).get("flow") == len(samples))
    publisher.end()
    problems = _end(service)
    broker.end(signal.SIGTERM)
    return [*problems, *compare(folder, len(samples))]


def _kill_and_start(broker: Broker, life_s: float, rest_s: float) -> None:
    threading.Event().wait(life_s)
    broker.end(signal.SIGKILL)
    threading.Event().wait(rest_s)
    broker.start()


def _publish(publisher: Publisher, message: list[Sample]) -> bool:
    """Publish, and return whether the broker has confirmed it."""
    wait_for(publisher.client.is_connected)
    try:
        publisher.publish_together(message)
    except RuntimeError:  # the connection was lost just now
        return False
    return True


def main() -> int:
    """Run the kills that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--broker-kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    problems = []
    for run, kills in ((run_kills, asked.kills), (run_broker_kills, asked.broker_kills)):
        with tempfile.TemporaryDirectory() as folder:
            if kills:
                problems += run(kills, asked.seed, Path(folder))
    words = f"{asked.kills} kills of the service and {asked.broker_kills} of the broker"
    print("\n".join(problems) or f"{words}: nothing lost, nothing twice, the same scores and alerts")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
