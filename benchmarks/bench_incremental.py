"""Scoring what is new: a day behind a year against the whole; memory of a long series; explaining one.

`SAMPLES=50000000 python -m benchmarks bench_incremental` measures the memory at full length; by default it is measured
at two smaller lengths, and what 50 million samples take is what follows from the two.
"""

import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xarray as xr

import workbench as wb
from workbench.detection.continuing import continue_score
from workbench.detection.explanation import explain
from workbench.detection.ridge import RidgeForecaster
from workbench.detection.scoring import score
from workbench.parameters import TelemanomParams
from workbench.scores import Scores
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel

YEAR, DAY = 525_600, 1440
FULL = 50_000_000
LENGTHS = (3_000_000, 9_000_000)


def _channel(n: int, seed: int) -> xr.Dataset:
    """A wave by the minute with a command, noise, and an anomaly about every fourth day."""
    random = np.random.default_rng(seed)
    telemetry = np.sin(np.arange(n, dtype=np.float32) / 200) + random.standard_normal(n, np.float32) * np.float32(0.05)
    command = (np.arange(n) // 500 % 2).astype(np.int8)
    telemetry += np.float32(0.2) * command
    for start in random.integers(0, n - 60, n // 6000):
        telemetry[start : start + 60] += random.choice([1, -1.5, 3])
    times = np.datetime64("2020-01-01", "ns") + np.arange(n) * np.timedelta64(60, "s")
    return make_channel(telemetry, command[:, None], time=times, channel="X-1", asset="X", source="bench")


def _seconds(function, *arguments, **options) -> float:
    began = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - began


def _day_behind_a_year() -> list[dict]:
    whole = _channel(YEAR + DAY, 1)
    with tempfile.TemporaryDirectory() as home, wb.open(home=home) as session:
        session.clock = lambda: datetime(2026, 1, 1, tzinfo=UTC)
        session.archive.write(_channel(20_000, 0), whole.isel(time=slice(0, YEAR)))
        session.train()
        session.score("X-1")
        session.archive.write(_channel(20_000, 0), whole)
        # Each alone first: what lies in the archive is read lazily.
        forecaster = [session.registry.load(session.registry.champion("X-1"))]
        params, train = session.settings.params, session.channel("X-1", "train")
        earlier = session.archive.open_scores("X-1", f"ridge.{session.settings.preset}")
        test = session.archive.open("X-1")
        arguments = (test, forecaster, params, train)
        compute_whole = min(_seconds(continue_score, *arguments) for _ in range(3))
        compute_day = min(_seconds(continue_score, *arguments, earlier) for _ in range(3))
        day = _seconds(session.score, "X-1")
        again = _seconds(session.score, "X-1", force=True)
    return [
        _row("incremental, a year by the minute, ridge: computed whole", compute_whole, "s"),
        _row("incremental, a day behind it: computed", compute_day * 1000, "ms"),
        _row("incremental, computing a day of computing all", 100 * compute_day / compute_whole, "%", "<= 5", 5),
        _row("incremental, session.score of all, stored", again, "s"),
        _row("incremental, session.score of a day, stored", day, "s"),
        _row("incremental, session.score of a day, of that of all", 100 * day / again, "%", "<= 5", 5),
    ]


def _write(path: str, n: int) -> None:
    Archive(Path(path)).write(_channel(20_000, 0), _channel(n, 1))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _score_in_parts(path: str, n: int) -> tuple[float, float]:
    """Score part by part, as `Scores` does, the parts written to a plain file: peak in MB, and seconds."""
    archive = Archive(Path(path))
    test, train = archive.open("X-1"), archive.open("X-1", "train")
    fitted = [RidgeForecaster().fit(train)]
    began = time.perf_counter()
    earlier = None
    predictions = Path(path) / "predictions.bin"
    with predictions.open("wb") as file:
        for end in [*range(Scores.part_samples, n - Scores.part_samples, Scores.part_samples), n]:
            keep, scored = continue_score(test.isel(time=slice(0, end)), fitted, TelemanomParams(), train, earlier)
            file.seek(4 * keep)
            file.write(scored["prediction"].values.tobytes())
            file.flush()
            attributes, size = scored.attrs, keep + scored.sizes["time"]
            del scored
            lazily = np.memmap(predictions, np.float32, "r", shape=(size,))
            earlier = xr.Dataset({"prediction": ("time", lazily)}, attrs=attributes)
    return _peak(), time.perf_counter() - began


def _score_stored(path: str, n: int) -> tuple[float, float]:
    """Score through the session, with the store as it is: peak in MB, and seconds."""
    del n
    with wb.open(home=Path(path).parent) as session:
        session.train()
        began = time.perf_counter()
        session.score("X-1")
        return _peak(), time.perf_counter() - began


def _elsewhere(function, *arguments):
    """Run a function in a process of its own, whose memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _memory() -> list[dict]:
    asked = int(os.environ.get("SAMPLES", "0"))
    rows = []
    for function, words in ((_score_in_parts, "computed in parts"), (_score_stored, "through the session")):
        peaks = {}
        for n in [asked] if asked else LENGTHS:
            with tempfile.TemporaryDirectory() as home:
                path = f"{home}/archive.zarr"
                _elsewhere(_write, path, n)
                peaks[n], seconds = _elsewhere(function, path, n)
            rows.append(_row(f"incremental, {n / 1e6:g} million samples, {words}: time", seconds, "s"))
            rows.append(_row(f"incremental, {n / 1e6:g} million samples, {words}: peak", peaks[n], "MB"))
        (first, low), (last, high) = min(peaks.items()), max(peaks.items())
        if not asked:
            high = low + (high - low) / (last - first) * (FULL - first)
        words += "" if asked else " (from two shorter ones)"
        rows.append(_row(f"incremental, 50 million samples, {words}: peak", high, "MB", "<= 1500", 1500))
    return rows


def _explaining() -> list[dict]:
    channel, train = _channel(400_000, 2), _channel(20_000, 0)
    params = TelemanomParams()
    fitted = [RidgeForecaster().fit(train)]
    scored = score(channel, fitted, params, train)
    scoring = _seconds(score, channel, fitted, params, train)
    explaining = _seconds(explain, channel, scored, params, "bench")
    return [
        _row("incremental, 400,000 samples: scoring", scoring, "s"),
        _row("incremental, 400,000 samples: explaining every anomaly", explaining, "s"),
        _row("incremental, explaining in times of scoring", explaining / scoring, "x", "<= 4", 4),
    ]


def run() -> list[dict]:
    """All three."""
    return [*_day_behind_a_year(), *_explaining(), *_memory()]


def _row(name: str, value: float, unit: str, target: str = "", most: float = float("inf")) -> dict:
    return {"name": name, "value": float(value), "unit": unit, "target": target, "ok": bool(value <= most)}


if __name__ == "__main__":
    for row in run():
        print(row)
