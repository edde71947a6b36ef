"""Live telemetry: samples in to decisions stored and alerts committed; sustained rates; load and memory at 1 Hz.

Channels have the ridge forecaster and the envelope, and a fault now and then. `SECONDS=3600 python -m benchmarks
bench_live` runs the part at 1 Hz for an hour; a minute by default. The queue, transactions and filing are those of the
settings, but for the latency of decisions, where a transaction is written after 20 ms in place of 250.
"""

import os
import shutil
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from tests.live.plants import ListFeed, pump, samples_of, write_plant
from workbench.live.feeds.feed import FeedState
from workbench.live.intake import Intake
from workbench.live.samples import Delivery, Sample
from workbench.live.service import LiveService
from workbench.session import Session
from workbench.settings import load_settings

CHANNELS = int(os.environ.get("CHANNELS", "82"))
SECONDS = int(os.environ.get("SECONDS", "60"))
STORED = 3_000
BURST = 700  # samples a channel
LOOKS = 210


class ClockFeed:
    """Sends one sample of each channel a second, and notes how long each took to be stored."""

    name = "clock"

    def __init__(self, rows: list[list[Sample]]) -> None:
        self._rows = rows
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.seconds: list[float] = []
        self.sent = 0

    def start(self, intake: Intake) -> None:
        self._thread = threading.Thread(target=self._run, args=(intake,))
        self._thread.start()

    def _run(self, intake: Intake) -> None:
        began = time.monotonic()
        for number, row in enumerate(self._rows):
            if self._stop.wait(max(0.0, began + number - time.monotonic())):
                return
            intake.put(Delivery(self.name, row, stored=partial(self._note, time.monotonic())))
            self.sent = number + 1

    def _note(self, began: float, counts: object) -> None:
        del counts
        self.seconds.append(time.monotonic() - began)

    def stop(self) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def state(self) -> FeedState:
        return FeedState(True, "clock", finished=len(self.seconds) == len(self._rows))


def _service(home: Path, feed: object, **live: object) -> LiveService:
    settings = load_settings(home.parent, home=home, live=live)
    return LiveService(partial(Session, settings), [feed], port=False)  # type: ignore[list-item]


def _sustained(home: Path, samples: list[list[Sample]]) -> float:
    """Samples a second from the first delivery to the last alert."""
    lists = [[one[row] for one in samples] for row in range(len(samples[0]))]
    service = _service(home, ListFeed(lists))
    began = time.perf_counter()
    service.run(threading.Event(), until_finished=True)
    return sum(map(len, lists)) / (time.perf_counter() - began)


def _processor_time(home: Path, samples: list[list[Sample]]) -> list[dict]:
    """Processor time of each step, which a busy machine changes less than the time on the wall."""
    service = _service(home, ListFeed([]))
    service.detection.begin()
    admit, judge, n, rounds = 0.0, 0.0, 0, 0
    for start in range(0, BURST, 70):
        part = [one[row] for row in range(start, start + 70) for one in samples]
        began = time.process_time()
        decided = service.ingest.admission.decide([("bench", part, [])])
        service.ingest._journal.store(decided.transaction)
        service.backlog.add(decided.added, decided.urgent, time.monotonic())
        stored = time.process_time()
        service.detection.step(everything=True)
        if start:  # what is loaded at first is left out
            admit += stored - began
            judge += time.process_time() - stored
            n, rounds = n + len(part), rounds + 1
    detection = service.detection
    for _ in samples:
        detection._prepare_preview()
    looks = []
    for start in range(BURST, BURST + LOOKS, 70):
        part = [one[row] for row in range(start, start + 70) for one in samples]
        service.ingest._journal.store(service.ingest.admission.decide([("bench", part, [])]).transaction)
        previews = [one for one in detection._previews.items() if one[1] is not None]
        numbers = {tag.name: tag.id for tag in detection._journal.tags()}
        began = time.process_time()
        for name, preview in previews:
            preview.take(detection._journal.samples(numbers[name]))
            preview.may_change()
        looks.append((time.process_time() - began) / max(1, len(previews)))
    service._resources.close()
    return [
        _row("live, processor time of a channel and complete window: preview", min(looks) * 1000, "ms"),
        _row("live, processor time of a sample: admission, watches, journal", admit / n * 1e6, "us"),
        _row(
            "live, processor time of a channel and complete window: filing, score, alerts",
            judge / rounds / len(samples) * 1000,
            "ms",
        ),
    ]


def _by_the_second(home: Path, samples: list[list[Sample]]) -> list[dict]:
    rows = [[one[row] for one in samples] for row in range(len(samples[0]))]
    feed = ClockFeed(rows)
    service = _service(home, feed, commit_ms=20)
    process = psutil.Process()
    stop = threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,), kwargs={"until_finished": True})
    thread.start()
    while feed.sent < 20:  # what is loaded at first
        time.sleep(0.1)
    before, began, memory = process.cpu_times(), time.monotonic(), process.memory_info().rss
    first = len(feed.seconds)
    while feed.sent < len(rows):
        time.sleep(0.1)
    after, wall = process.cpu_times(), time.monotonic() - began
    share = 100 * (after.user + after.system - before.user - before.system) / wall
    grown = process.memory_info().rss - memory
    thread.join()
    peak = process.memory_info().rss / 1e6
    words = f"live, {len(samples)} ridge channels at 1 Hz, {len(rows)} s"
    alert = float(np.percentile(list(service.detection.figures.alert_s), 95)) * 1000
    decision = float(np.percentile(feed.seconds[first:], 95)) * 1000
    return [
        _row(f"{words}: sample in to limit and envelope decision stored, p95", decision, "ms", "<= 60", 60),
        _row(f"{words}: complete window to alert committed, p95", alert, "ms", "<= 250", 250),
        _row(f"{words}: load, % of a core", share, "%"),
        _row(f"{words}: memory", peak, "MB", "<= 600", 600),
        _row(f"{words}: memory grown after 20 s", grown / 1e6, "MB"),
        _row(f"{words}: provisional scores left out", service.detection.figures.provisional_shed, ""),
    ]


def run() -> list[dict]:
    """Both parts on homes of their own."""
    with tempfile.TemporaryDirectory() as folder:
        n = STORED + max(BURST + LOOKS, SECONDS)
        tests = [
            pump(n, faults=(STORED + 30 + 7 * number % 500,), name=f"C-{number}", seed=number)
            for number in range(CHANNELS)
        ]
        begun = Path(folder) / "begun"
        write_plant(begun, tests, STORED, train=True)
        rest = [samples_of(test.isel(time=slice(STORED, None))) for test in tests]
        for name in ("burst", "steps"):
            shutil.copytree(begun, Path(folder) / name)
        steps = _processor_time(Path(folder) / "steps", rest[:12])
        rate = _sustained(Path(folder) / "burst", [one[:BURST] for one in rest])
        rows = [
            _row(
                f"live, {CHANNELS} ridge channels: sustained into archive, scores and alerts",
                rate,
                "samples/s",
                ">= 20000",
                least=20_000,
            )
        ]
        return [*steps, *rows, *_by_the_second(begun, [one[:SECONDS] for one in rest])]


def _row(name: str, value: float, unit: str, target: str = "", most: float = float("inf"), least: float = 0.0) -> dict:
    return {"name": name, "value": float(value), "unit": unit, "target": target, "ok": bool(least <= value <= most)}


if __name__ == "__main__":
    for row in run():
        print(row)
