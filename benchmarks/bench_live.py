"""Live telemetry: samples in to decisions stored and alerts committed; sustained rates; load and memory at 1 Hz.

`PARTS=second,lstm python -m benchmarks bench_live` runs some of the parts, all where it is not set:

- `second`: NASA's 82 channels with their shipped LSTMs beside ridge, as in the preset in use, at 1 Hz for `SECONDS`
  (60). All complete their windows in the same second, which is the hardest case.
- `ridge`, `lstm`: as fast as they can be taken, 82 channels with ridge and envelope, and NASA's channels as above.
- `thousand`: 1,000 ridge channels at 1 Hz for `SECONDS`, whose windows are complete at different seconds, and of which
  one begins to fail every 10 seconds.
- `steps`: processor time of each step, which a busy machine changes less than the time on the wall.

`CHANNELS` takes fewer channels. The queue, transactions and filing are those of the settings, but for `second`, where a
transaction is written after 20 ms in place of 250. At 1 Hz samples come from a process of their own, and homes are made
in another one, so that memory and load are the service's; it takes `WARM_UP_S` at least until it has met all channels.
"""

import io
import itertools
import multiprocessing
import os
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil
import xarray as xr

from benchmarks.bench_lstm import NASA
from tests.live.plants import TRAIN, ListFeed, pump, samples_of
from workbench.live.feeds.feed import FeedState
from workbench.live.intake import Intake
from workbench.live.samples import Delivery, Sample
from workbench.live.service import LiveService
from workbench.session import Session
from workbench.settings import load_settings
from workbench.telemetry.moments import clock_of, ticks
from workbench.telemetry.schema import make_channel

CHANNELS = int(os.environ.get("CHANNELS", "0"))
SECONDS = int(os.environ.get("SECONDS", "60"))
FLEET, MANY = 82, 1_000
STORED = 3_000
BURST = 3_000  # samples a channel
STEPS, LOOKS = 700, 210
BATCH = 70
FAULTS_APART = 10_000  # seconds between faults of each of many channels: of a thousand one begins every 10 seconds
WARM_UP_S, MOST_WARM_UP_S = 80, 200  # what is loaded at first, the first window of each channel among it
MINUTE_S = 60


# ---- fleets


def pumps(count: int, n: int, stored: int = STORED, apart: int = 1_000) -> list[xr.Dataset]:
    """Return the test series of pumps, each with a fault every `apart` samples, at times of its own."""
    faults = [range(stored + 30 + number * apart // count, stored + n, apart) for number in range(count)]
    return [pump(stored + n, faults=one, name=f"C-{number}", seed=number) for number, one in enumerate(faults)]


def spacecraft(count: int, n: int, split: str = "test") -> list[xr.Dataset]:
    """NASA's channels, the test series repeated until they are long enough."""
    with zipfile.ZipFile(NASA) as archive:
        folder = f"data/data/{split}/"
        names = sorted(one for one in archive.namelist() if one.startswith(folder) and one.endswith(".npy"))
        arrays = {Path(one).stem: np.load(io.BytesIO(archive.read(one))) for one in names[:count]}
    if split == "test":
        arrays = {name: np.resize(one, (STORED + n, one.shape[1])) for name, one in arrays.items()}
    return [
        make_channel(one[:, 0], one[:, 1:], channel=name, asset="NASA", source="bench") for name, one in arrays.items()
    ]


def write_pumps(home: Path, count: int, staggered: bool) -> None:
    """Store and train pumps; staggered, each has a sample more than the one before."""
    with Session(load_settings(home.parent, home=home)) as session:
        tests = pumps(count, 0, STORED + BATCH)
        parts = [
            (pump(TRAIN, first=0, name=str(test.attrs["channel"]), seed=100 + number), test.isel(time=slice(0, end)))
            for number, test in enumerate(tests)
            for end in [STORED + (number % BATCH if staggered else 0)]
        ]
        for train, test in parts:
            session.archive.write(train, test)
        _ready(session)


def write_spacecraft(home: Path, count: int) -> None:
    """Store NASA's channels and install their LSTMs."""
    from workbench.models.shipped import install_shipped

    with Session(load_settings(home.parent, home=home)) as session:
        for train, test in zip(spacecraft(count, 0, "train"), spacecraft(count, 0), strict=True):
            session.archive.write(train, test)
        table = install_shipped(session.archive, session.registry)
        assert (table["status"] == "installed").sum() == count, table
        _ready(session)


def _ready(session: Session) -> None:
    """Train ridge, and score what is stored."""
    session.set_growing(session.channel_names())
    assert set(session.train()["status"]) == {"trained"}
    assert set(session.score_all()["status"]) == {"scored"}


def _elsewhere(work: Callable[..., None], *arguments: object) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        pool.submit(work, *arguments).result()


# ---- the service


class ClockFeed:
    """Sends one sample of each channel a second, and notes how long each took to be stored."""

    name = "clock"

    def __init__(self, publisher: Connection, seconds: int) -> None:
        self._publisher = publisher
        self.count = seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.seconds: list[float] = []
        self.sent = 0

    def start(self, intake: Intake) -> None:
        self._thread = threading.Thread(target=self._run, args=(intake,))
        self._thread.start()

    def _run(self, intake: Intake) -> None:
        began = time.monotonic()
        number = 0
        while number < self.count:
            samples = self._publisher.recv()
            if self._stop.wait(max(0.0, began + number - time.monotonic())):
                return
            intake.put(Delivery(self.name, samples, stored=partial(self._note, time.monotonic())))
            number = self.sent = number + 1

    def _note(self, began: float, counts: object) -> None:
        del counts
        self.seconds.append(time.monotonic() - began)

    def stop(self) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def state(self) -> FeedState:
        return FeedState(True, "clock", finished=len(self.seconds) == self.count)


def _service(home: Path, feed: object, **live: object) -> LiveService:
    settings = load_settings(home.parent, home=home, live=live)
    return LiveService(partial(Session, settings), [feed], port=False)  # type: ignore[list-item]


def _rows_of(tests: Sequence[xr.Dataset], begins: Sequence[int], n: int) -> list[list[Sample]]:
    samples = [samples_of(test.isel(time=slice(begin, begin + n))) for test, begin in zip(tests, begins, strict=True)]
    return [[one[row] for one in samples] for row in range(n)]


def _publish(connection: Connection, make: Callable[[], tuple[list[xr.Dataset], list[int]]]) -> None:
    """Send the samples of one second after the other, as fast as they are taken."""
    row = _row_maker(*make())
    with suppress(BrokenPipeError):
        for number in itertools.count():
            connection.send(row(number))


@contextmanager
def _publisher(make: Callable[[], tuple[list[xr.Dataset], list[int]]]) -> Iterator[Connection]:
    """Run a process that sends what each of some series has from one of its samples on."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_publish, args=(theirs, make))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.terminate()
        process.join()


def _row_maker(tests: Sequence[xr.Dataset], begins: Sequence[int]) -> Callable[[int], list[Sample]]:
    """Return what makes the samples of one second, so that those to come take no memory."""
    series = [
        (str(test.attrs["channel"]), clock_of(times), ticks(times), test["telemetry"].values, test["commands"].values)
        for test in tests
        for times in [test["time"].values]
    ]
    names = [[str(one) for one in test["command"].values] for test in tests]

    def row(number: int) -> list[Sample]:
        return [
            Sample(
                name,
                clock,
                int(moments[begin + number]),
                float(values[begin + number]),
                dict(zip(inputs, commands[begin + number].tolist(), strict=True)) if inputs else None,
            )
            for (name, clock, moments, values, commands), inputs, begin in zip(series, names, begins, strict=True)
        ]

    return row


# ---- the parts


def _at_one_hertz(home: Path, publisher: Connection, words: str, **live: object) -> dict[str, float]:
    """Run a service, and return what was measured in `SECONDS` after it has met all channels."""
    feed = ClockFeed(publisher, MOST_WARM_UP_S + SECONDS)
    service = _service(home, feed, **live)
    process = psutil.Process()
    before_start = process.memory_info().rss / 1e6
    thread = threading.Thread(target=service.run, args=(threading.Event(),), kwargs={"until_finished": True})
    thread.start()
    while feed.sent < MOST_WARM_UP_S and (feed.sent < WARM_UP_S or len(feed.seconds) < feed.sent - 1):
        time.sleep(0.1)
    feed.count = feed.sent + SECONDS
    before, began = process.cpu_times(), time.monotonic()
    first = len(feed.seconds)
    service.detection.figures.alert_s.clear()
    memory: list[float] = []
    while feed.sent < feed.count:
        if time.monotonic() - began >= MINUTE_S * len(memory):
            memory.append(process.memory_info().rss / 1e6)
            print(f"{words}, second {feed.sent}: {memory[-1]:.0f} MB", flush=True)
        time.sleep(0.1)
    after, wall = process.cpu_times(), time.monotonic() - began
    memory.append(process.memory_info().rss / 1e6)
    alerts = list(service.detection.figures.alert_s)
    thread.join()
    decisions = feed.seconds[first:]
    return {
        "met": feed.seconds[0],
        "load": 100 * (after.user + after.system - before.user - before.system) / wall,
        "decision": float(np.percentile(decisions, 95)),
        "decision_most": max(decisions),
        "alert": float(np.percentile(alerts, 95)) if alerts else float("nan"),
        "alert_most": max(alerts, default=float("nan")),
        "memory": max(memory),
        "before_start": before_start,
        "grown": memory[-1] - memory[len(memory) // 2],
        "shed": float(service.detection.figures.provisional_shed),
    }


def _to_come_of_spacecraft(count: int) -> tuple[list[xr.Dataset], list[int]]:
    return spacecraft(count, MOST_WARM_UP_S + SECONDS), [STORED] * count


def _to_come_of_pumps(count: int) -> tuple[list[xr.Dataset], list[int]]:
    return pumps(count, MOST_WARM_UP_S + SECONDS + BATCH, apart=FAULTS_APART), [
        STORED + number % BATCH for number in range(count)
    ]


def second(folder: Path) -> list[dict]:
    count = CHANNELS or FLEET
    _elsewhere(write_spacecraft, folder / "home", count)
    words = f"live, {count} LSTM channels at 1 Hz, {SECONDS} s"
    with _publisher(partial(_to_come_of_spacecraft, count)) as publisher:
        seen = _at_one_hertz(folder / "home", publisher, words, commit_ms=20)
    return [
        _row(f"{words}: sample in to limit and envelope decision stored, p95", seen["decision"] * 1e3, "ms", most=60),
        _row(f"{words}: the same, longest", seen["decision_most"] * 1e3, "ms"),
        _row(f"{words}: complete window to alert committed, p95", seen["alert"] * 1e3, "ms", most=250),
        _row(f"{words}: the same, longest", seen["alert_most"] * 1e3, "ms"),
        _row(f"{words}: memory, largest", seen["memory"], "MB", most=600),
        _row(f"{words}: memory before the start", seen["before_start"], "MB"),
        _row(f"{words}: memory grown in the second half", seen["grown"], "MB"),
        _row(f"{words}: load, % of a core", seen["load"], "%"),
        _row(f"{words}: provisional scores left out", seen["shed"], ""),
    ]


def thousand(folder: Path) -> list[dict]:
    count = CHANNELS or MANY
    _elsewhere(write_pumps, folder / "home", count, True)
    words = f"live, {count} ridge channels at 1 Hz, {SECONDS} s"
    with _publisher(partial(_to_come_of_pumps, count)) as publisher:
        seen = _at_one_hertz(folder / "home", publisher, words)
    return [
        _row(f"{words}: lag to limit and envelope decision stored, p95", seen["decision"] * 1e3, "ms", most=1_000),
        _row(f"{words}: complete window to alert committed, p95", seen["alert"] * 1e3, "ms", most=1_000),
        _row(f"{words}: the same of the first samples, with all that is looked up", seen["met"], "s"),
        _row(f"{words}: load, % of a core", seen["load"], "%", most=50),
        _row(f"{words}: memory, largest", seen["memory"], "MB"),
        _row(f"{words}: provisional scores left out", seen["shed"], ""),
    ]


def ridge(folder: Path) -> list[dict]:
    count = CHANNELS or FLEET
    _elsewhere(write_pumps, folder / "home", count, False)
    lists = _rows_of(pumps(count, BURST), [STORED] * count, BURST)
    return _sustained(folder / "home", lists, f"live, {count} ridge channels", 20_000)


def lstm(folder: Path) -> list[dict]:
    count = CHANNELS or FLEET
    _elsewhere(write_spacecraft, folder / "home", count)
    lists = _rows_of(spacecraft(count, BURST), [STORED] * count, BURST)
    return _sustained(folder / "home", lists, f"live, {count} LSTM channels", 2_000)


def _sustained(home: Path, lists: list[list[Sample]], words: str, least: float) -> list[dict]:
    """Samples a second from the first delivery to the last alert."""
    service = _service(home, ListFeed(lists))
    began, worked = time.perf_counter(), time.process_time()
    service.run(threading.Event(), until_finished=True)
    wall, work = time.perf_counter() - began, time.process_time() - worked
    count = sum(map(len, lists))
    words += f": sustained, {count} samples into archive, scores and alerts"
    return [
        _row(words, count / wall, "samples/s", least=least),
        _row(f"{words}, by processor time", count / work, "samples/s"),
    ]


def steps(folder: Path) -> list[dict]:
    count = min(CHANNELS or FLEET, 12)
    _elsewhere(write_pumps, folder / "home", count, False)
    rows = _rows_of(pumps(count, STEPS + LOOKS), [STORED] * count, STEPS + LOOKS)
    service = _service(folder / "home", ListFeed([]))
    detection, ingest = service.detection, service.ingest
    detection.begin()
    admit, judge, n, rounds = 0.0, 0.0, 0, 0
    for start in range(0, STEPS, BATCH):
        part = [one for row in rows[start : start + BATCH] for one in row]
        began = time.process_time()
        decided = ingest.admission.decide([("bench", part, [])])
        ingest.complete()
        ingest._journal.store(decided.transaction)
        service.backlog.add(decided.added, decided.urgent, time.monotonic())
        stored = time.process_time()
        detection.step(everything=True)
        if start:  # what is loaded at first is left out
            admit += stored - began
            judge += time.process_time() - stored
            n, rounds = n + len(part), rounds + 1
    for _ in range(count):
        detection._prepare_preview()
    looks = []
    for start in range(STEPS, STEPS + LOOKS, BATCH):
        part = [one for row in rows[start : start + BATCH] for one in row]
        ingest._journal.store(ingest.admission.decide([("bench", part, [])]).transaction)
        previews = [one for one in detection._previews.items() if one[1] is not None]
        numbers = {tag.name: tag.id for tag in detection._journal.tags()}
        began = time.process_time()
        for name, preview in previews:
            preview.take(detection._journal.samples(numbers[name]))
            preview.may_change()
        looks.append((time.process_time() - began) / max(1, len(previews)))
    service._resources.close()
    window = "live, processor time of a channel and complete window"
    return [
        _row(f"{window}: preview", min(looks) * 1e3, "ms"),
        _row(f"{window}: filing, score, alerts", judge / rounds / count * 1e3, "ms"),
        _row("live, processor time of a sample: admission, watches, journal", admit / n * 1e6, "us"),
    ]


PARTS = {part.__name__: part for part in (second, ridge, lstm, thousand, steps)}


def run() -> list[dict]:
    """The parts that are asked for, each on a home of its own."""
    asked = [one for one in os.environ.get("PARTS", "").split(",") if one] or list(PARTS)
    if unknown := set(asked) - set(PARTS):
        raise SystemExit(f"PARTS: no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    rows = []
    for name in asked:
        with tempfile.TemporaryDirectory() as folder:
            rows += PARTS[name](Path(folder))
    return rows


def _row(name: str, value: float, unit: str, most: float = float("inf"), least: float = 0.0) -> dict:
    target = f"<= {most:g}" if most < float("inf") else f">= {least:g}" if least else ""
    ok = bool(least <= value <= most) if target else None
    return {"name": name, "value": float(value), "unit": unit, "target": target, "ok": ok}


if __name__ == "__main__":
    for row in run():
        print(row)
