"""Kill the live service at random moments while samples are posted: `python -m benchmarks.kill_live [--kills 200]`.

A sender posts a series in small batches and repeats what it got no answer for. At random moments the service gets
SIGKILL, while it stores, files, scores or raises alerts, and is started again. Afterwards every sample must be stored
once, and samples, scores and alerts must be those of a home that was given the whole series at once.
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

import numpy as np
import requests

import workbench as wb
from tests.live.plants import judge, outcome, pump, samples_of, write_plant
from workbench.live.samples import Sample
from workbench.live.service import LiveService
from workbench.session import Session
from workbench.settings import load_settings

STORED = 2_000
BATCH = 20
ANSWER_S = 60
LONGEST_LIFE_S = 1.0  # after the first answer
EARLY_SHARE = 0.2  # of the kills, which come before it


def serve(home: str, port: int) -> None:
    """Run the service until SIGTERM."""
    settings = load_settings(home, home=home, live={"port": port, "commit_ms": 5, "archive_s": 0.3})
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    LiveService(partial(Session, settings)).run(stop)


class Service:
    """A service in a process of its own, that can be killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["tests.live.plants", "workbench.maintenance.desk", "workbench.models"])
        self.process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = self.context.Process(target=serve, args=(str(self.home), self.port))
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


def run_kills(kills: int, seed: int, folder: Path) -> list[str]:
    """Do the kills, and return what is wrong afterwards."""
    source = random.Random(seed)
    n = STORED + BATCH * (40 + 12 * kills)
    faults = tuple(range(STORED + 500, n - 200, 1_700))
    test = pump(n, faults=faults)
    write_plant(folder / "live", [test], STORED, train=True)
    shutil.copytree(folder / "live", folder / "whole")
    with wb.open(home=folder / "whole") as session:
        session.archive.extend([(STORED, test.isel(time=slice(STORED, None)))])
    judge(folder / "whole")
    samples = samples_of(test.isel(time=slice(STORED, None)))
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
    problems = []
    if (code := service.end(signal.SIGTERM)) != 0:
        problems.append(f"the service ended with {code} at last")
    settings = load_settings(folder, home=folder / "live")
    service_counts = LiveService(partial(Session, settings), port=False).counters()
    if service_counts.get("added", {}).get("flow") != len(samples):
        problems.append(f"{service_counts} instead of {len(samples)} added")
    for name, live, whole in zip(("data", "alerts"), outcome(folder / "live"), outcome(folder / "whole"), strict=True):
        if live != whole:
            problems.append(f"the {name} differ: {str(live)[:2_000]} instead of {str(whole)[:2_000]}")
    if len(outcome(folder / "whole")[1]) < 1:
        problems.append("there were no alerts to compare")
    return problems


def main() -> int:
    """Run the kills that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        problems = run_kills(options.kills, options.seed, Path(folder))
    print("\n".join(problems) or f"{options.kills} kills: nothing lost, nothing twice, the same scores and alerts")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
