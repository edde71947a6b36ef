"""Scoring of many synthetic channels with ridge: two workers (processes, Dask) against one process.

`python -m benchmarks.bench_cluster 1000` takes 1,000 channels, which trains for some minutes first. Each place scores
the whole fleet anew, twice in turn, and the faster of both counts. Processes start anew with each command, so that this
is part of their time; a cluster runs already. The share of a score that lies inside the archive's lock is what bounds
any number of workers.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import workbench as wb
from benchmarks.bench_lstm import ROOT, row
from workbench.telemetry.archive import Archive, ChannelParts
from workbench.telemetry.schema import make_channel

CHANNELS = 200
SAMPLES = 3_000
TARGET = 1.7


def parts(number: int) -> ChannelParts:
    """A channel of a wave that follows a command, one asset for every 50 channels."""
    random = np.random.default_rng(number)
    command = (np.arange(2 * SAMPLES) // 100 % 2).astype(np.int8)
    wave = np.sin(np.arange(2 * SAMPLES) / 25) * 0.4 + 0.2 * command + random.normal(0, 0.01, 2 * SAMPLES)
    asset = f"A{number // 50}"
    train, test = (
        make_channel(wave[cut].astype(np.float32), command[cut, None], channel=f"{asset}-{number}", asset=asset)
        for cut in (slice(None, SAMPLES), slice(SAMPLES, None))
    )
    return ChannelParts(train, test)


def make_fleet(home: Path, count: int) -> None:
    with wb.open(home=home) as session:
        for at in range(0, count, 50):
            session.archive.write_all([parts(number) for number in range(at, min(at + 50, count))])
        session.train(forecaster="ridge")


def scored(home: str, compute: str) -> float:
    """Score all channels, in a process of its own; the seconds that it takes, without the loading of libraries."""
    code = """
import json, sys, time
import workbench as wb
if __name__ == "__main__":
    with wb.open(home=sys.argv[1], compute=sys.argv[2]) as session:
        session.check_settings()
        start = time.perf_counter()
        table = session.score_all(force=True)
        print(json.dumps([time.perf_counter() - start, sorted(set(table["status"]))]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, home, compute], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, states = json.loads(done.stdout.splitlines()[-1])
    if states != ["scored"]:
        raise RuntimeError(f"{compute}: {states}")
    return float(seconds)


def locked_share(home: Path) -> float:
    """Share of a score's write and computation that lies inside the archive's lock, from one channel at a time."""
    with wb.open(home=home) as session:
        names = session.channel_names()[:20]
        inside = 0.0
        publish = Archive.publish_scores

        def timed(self: Archive, scores: Any) -> Any:
            nonlocal inside
            start = time.perf_counter()
            failures = publish(self, scores)
            inside += time.perf_counter() - start
            return failures

        session.score_all(names, force=True)
        Archive.publish_scores = timed  # type: ignore[method-assign]
        try:
            start = time.perf_counter()
            session.score_all(names, force=True)
            return inside / (time.perf_counter() - start)
        finally:
            Archive.publish_scores = publish  # type: ignore[method-assign]


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """Address of a scheduler with workers that have loaded the workbench."""
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "cluster"]
    process = subprocess.Popen(
        [*command, "--workers", str(workers), "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def run(count: int = CHANNELS) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, cluster(2) as address:
        home = str(Path(folder) / "home")
        make_fleet(Path(home), count)
        places = {"one process": "local", "two processes": "processes:2", "two Dask workers": address}
        times: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(2):
            for name, place in places.items():
                times[name].append(scored(home, place))
        share = locked_share(Path(home))
    best = {name: min(seconds) for name, seconds in times.items()}
    rows = [row(f"score {count} ridge channels, {name}", seconds, "s") for name, seconds in best.items()]
    rows += [
        row(f"{name} against one", best["one process"] / best[name], "x", f">= {TARGET}", ratio >= TARGET)
        for name in ("two processes", "two Dask workers")
        if (ratio := best["one process"] / best[name])
    ]
    return [*rows, row("share of a score inside the lock", share, "", "< 0.1", share < 0.1)]


def main(arguments: list[str]) -> None:
    print(f"{os.getloadavg()[0]:.1f} processes were running on {os.cpu_count()} cores")
    for line in run(*map(int, arguments)):
        print(f"{line['name']}: {line['value']:.4g} {line['unit']} {line['target']}")


if __name__ == "__main__":
    main(sys.argv[1:])
