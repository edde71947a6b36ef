"""Import of large files beside pandas' own reading of them; peak memory is that of a process that does nothing else.

`SHARE=0.1 python -m benchmarks bench_import` takes files of a tenth of the rows for a quick look. Processor seconds
stand beside those of the clock: on a busy machine only they can be compared.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

SHARE = float(os.environ.get("SHARE", "1"))
LONG_ROWS, WIDE_COLUMNS, WIDE_ROWS, LOOK_BYTES = int(10e6 * SHARE), 1000, int(10e3 * SHARE), int(300e6 * SHARE)
_VALUE_BYTES = 8
_PROLOGUE = """
import json, sys, time, tempfile
from pathlib import Path
path = Path(sys.argv[1])
{setup}
began, processor = time.perf_counter(), time.process_time()
{work}
seconds, processor_seconds = time.perf_counter() - began, time.process_time() - processor
status = Path("/proc/self/status").read_text()  # ru_maxrss would begin with what the parent process has had
peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps([seconds, processor_seconds, peak / 1024]))
"""
_PANDAS = ("import pandas as pd", 'pd.read_csv(path, engine="pyarrow", parse_dates=["time"])')
_SETUP = """
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table
folder = tempfile.TemporaryDirectory()
small = Path(folder.name) / "small.csv"
small.write_text("time,a\\n" + "".join(f"2024-01-01 00:{n:02},{n}\\n" for n in range(30)))
import_table(small, Archive(Path(folder.name) / "small.zarr"))
"""
_IMPORT = (_SETUP, 'import_table(path, Archive(Path(folder.name) / "archive.zarr"), asset="Plant")')
_LOOK = (_SETUP, 'import_table(path, Archive(Path(folder.name) / "archive.zarr"), asset="Plant", dry_run=True)')


def write_table(path: Path, rows: int, columns: int) -> None:
    """Write a table of waves with noise, one row a second, as CSV."""
    random = np.random.default_rng(0)
    numbers = np.arange(rows)
    stamps = np.datetime64("2024-01-01", "s") + numbers
    data: dict[str, Any] = {"time": pa.array(np.datetime_as_string(stamps))}
    for place in range(columns):
        wave = np.sin(numbers / (200 + place % 37)) + random.normal(0, 0.05, rows)
        data[f"sensor {place:04d}" if columns > 1 else "temp"] = np.round(20 + wave, 3)
    pyarrow.csv.write_csv(pa.table(data), path, pyarrow.csv.WriteOptions(quoting_style="none"))


def measured(path: Path, setup: str, work: str) -> tuple[float, float, float]:
    """Return the seconds of the clock and of the processor, and the peak memory in MiB, of work in its own process."""
    code = _PROLOGUE.format(setup=setup, work=work)
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    seconds, processor, mebibytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, processor, mebibytes


def _row(name: str, value: float, unit: str, target: float | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": target is None or value <= target}


def run() -> list[dict[str, Any]]:
    """Measure on files of its own; the targets are those for the whole of them."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.csv"
        write_table(path, LONG_ROWS, 1)
        _, pandas_processor, pandas_memory = measured(path, *_PANDAS)
        seconds, processor, memory = measured(path, *_IMPORT)
        name = f"import {LONG_ROWS:,} rows, one channel"
        rows += [
            _row(name, seconds, "s"),
            _row(f"{name}, CPU beside that of pandas reading it", processor / pandas_processor, "times", 3),
            _row(f"{name}, peak memory", memory, "MiB", 1000 * max(SHARE, 0.5)),
            _row(f"pandas reads {LONG_ROWS:,} rows, peak memory", pandas_memory, "MiB"),
        ]
        path = Path(folder) / "wide.csv"
        write_table(path, WIDE_ROWS, WIDE_COLUMNS)
        seconds, processor, memory = measured(path, *_IMPORT)
        _, _, before = measured(path, _SETUP, "pass")
        name = f"import {WIDE_COLUMNS:,} columns x {WIDE_ROWS:,} rows"
        data = WIDE_COLUMNS * WIDE_ROWS * _VALUE_BYTES / 2**20
        rows += [
            _row(name, seconds, "s", 20),
            _row(f"{name}, CPU", processor, "s"),
            _row(f"{name}, memory beside its data", (memory - before) / data, "times", 3),
        ]
        path = Path(folder) / "look.csv"
        write_table(path, LOOK_BYTES // 300, 40)
        seconds, processor, memory = measured(path, *_LOOK)
        name = f"dry run of {path.stat().st_size / 1e6:.0f} MB"
        rows += [
            _row(name, seconds, "s", 3),
            _row(f"{name}, CPU", processor, "s"),
            _row(f"{name}, peak", memory, "MiB"),
        ]
    return rows
