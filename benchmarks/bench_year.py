"""A year at 1 Hz beside a day: panning a chart of Monitoring, and opening it the first time.

`SAMPLES=3000000 python -m benchmarks bench_year` takes a shorter year for a quick look.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from workbench.plots.strip_data import Strip
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel
from workbench.views.monitoring.long_channels import long_strip

DAY = 86_400
YEAR = int(os.environ.get("SAMPLES", str(365 * DAY)))
STEPS = 40


def _series(n: int, first: str) -> xr.Dataset:
    """A wave with noise by the second."""
    random = np.random.default_rng(n)
    values = np.sin(np.arange(n, dtype=np.float32) / 4000) + random.standard_normal(n, np.float32) * np.float32(0.05)
    stamps = np.datetime64(first, "ns") + np.arange(n) * np.timedelta64(1, "s")
    return make_channel(values, time=stamps, channel="X-1", asset="X", source="bench")


def _pan(strip: Strip, length: float) -> float:
    """Return the median seconds of drawing a stretch again after panning by a twentieth of it."""
    seconds = []
    for step in range(STEPS):
        end = strip.extent[1] - step * length / 20
        began = time.perf_counter()
        strip.telemetry.window(end - 1.5 * length, end + 0.5 * length)  # half as much again on either side
        strip.range(end - length, end, float("inf"))
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def _row(name: str, value: float, unit: str, target: float | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": target is None or value <= target}


def run() -> list[dict[str, Any]]:
    """Measure on an archive of its own."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder) / "archive.zarr")
        began = time.perf_counter()
        archive.write(_series(1000, "2023-12-31"), _series(YEAR, "2024-01-01"))
        written = time.perf_counter() - began
        began = time.perf_counter()
        strip = long_strip(archive, "X-1", None, None, limits={})
        opened = time.perf_counter() - began
        day, year = _pan(strip, DAY * 1000.0), _pan(strip, strip.extent[1] - strip.extent[0])
        sizes = {
            part: sum(file.stat().st_size for file in archive.path.glob(f"_assets/*/*/{part}/**/*") if file.is_file())
            for part in ("test", "levels.test")
        }
    return [
        _row(f"write {YEAR} samples with their levels", written, "s"),
        _row("levels, share of the samples on disk", 100 * sizes["levels.test"] / sizes["test"], "%"),
        _row("prepare the strip the first time", opened, "s"),
        _row("pan a day", 1000 * day, "ms"),
        _row(f"pan {YEAR} samples", 1000 * year, "ms"),
        _row("pan of all against that of a day", year / day, "times", 2),
    ]
