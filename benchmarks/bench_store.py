"""The archive with many channels: import, append, idle scoring, lists, the first view, and the files that it takes.

What a process loads once is loaded before: a kernel of the dashboard is warm, too.

`CHANNELS=200 python -m benchmarks bench_store` takes fewer channels for a quick look.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.telemetry.importers import import_table
from workbench.views.registry import open_view

CHANNELS = int(os.environ.get("CHANNELS", "1000"))
SAMPLES, NEW = 3000, 100


def _frame(first: int, count: int) -> pd.DataFrame:
    """A table of one asset: a wave with noise in each column, by the minute."""
    random = np.random.default_rng(first)
    numbers = np.arange(first, first + count)
    columns = {
        f"sensor-{name:04d}": np.sin(numbers / (20 + name % 37)) + random.normal(0, 0.05, count)
        for name in range(CHANNELS)
    }
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(numbers, "min")
    return pd.DataFrame({"time": time} | columns)


def _measured(function: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds that a call takes, and those of the processor."""
    began, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - began, time.process_time() - processor


def _load_modules(folder: Path) -> None:
    """Load what a process loads once, with a home of one channel, so that what is measured is the work."""
    numbers = np.arange(200)
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(numbers, "min")
    pd.DataFrame({"time": time, "sensor": np.sin(numbers)}).to_parquet(folder / "small.parquet")
    with wb.open(home=folder / "small") as session:
        import_table(folder / "small.parquet", session.archive, asset="Plant")
        session.score_all()
        open_view(session, "overview").close()


def _row(name: str, value: float, unit: str, target: float | None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": target is None or value <= target}


def run() -> list[dict[str, Any]]:
    """Measure on a home of its own; targets are those for a thousand channels."""
    share = CHANNELS / 1000
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        _frame(0, SAMPLES).to_parquet(Path(folder) / "a.parquet")
        _frame(SAMPLES, NEW).to_parquet(Path(folder) / "b.parquet")
        _load_modules(Path(folder))
        with wb.open(home=home) as session:
            seconds, processor = _measured(lambda: session.import_data(Path(folder) / "a.parquet", asset="Plant"))
            name = f"import {CHANNELS} x {SAMPLES} samples, a channel"
            rows.append(_row(name, seconds / CHANNELS * 1000, "ms", 3))
            rows.append(_row(f"{name}, CPU", processor / CHANNELS * 1000, "ms", None))
            session.train(list(session.channels().index), "ridge")
            seconds, _ = _measured(session.score_all)
            rows.append(_row(f"score {CHANNELS} channels, ridge", seconds, "s", None))
            seconds, processor = _measured(lambda: session.import_data(Path(folder) / "b.parquet", asset="Plant"))
            name = f"append {NEW} samples to {CHANNELS} channels"
            rows += [_row(name, seconds, "s", 3 * share), _row(f"{name}, CPU", processor, "s", None)]
            session.score_all()
        for what, work, target in (
            ("idle score_all", lambda session: session.score_all(), 1.0),
            ("idle raise_alerts after it", lambda session: session.raise_alerts(), None),
            ("overview", lambda session: session.overview(), None),
            ("first view", lambda session: open_view(session, "overview").close(), 1.5),
        ):
            with wb.open(home=home) as session:
                session.channels()
                _, processor = _measured(lambda work=work, session=session: work(session))
            rows.append(_row(f"{what}, {CHANNELS} channels, CPU", processor, "s", target and target * share))
        with wb.open(home=home) as session:
            session.archive.seal()
        files = sum(1 for path in (home / "archive.zarr").rglob("*"))
        rows.append(_row(f"files and folders of {CHANNELS} channels", files, "", 2000 * share))
    return rows
