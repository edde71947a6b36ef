"""The model registry with 200 models: listing, first load, cached load."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from workbench.detection.lstm.forecaster import LSTMForecaster
from workbench.detection.ridge import RidgeForecaster
from workbench.models.registry import Registry
from workbench.telemetry.schema import make_channel

CHANNELS = 100  # times two forecasters
COMMANDS = 24  # SMAP's channels have 24, MSL's 54
TRAIN_HASH = "0" * 64

FRESH = """
import json, sys, time
from pathlib import Path
start = time.perf_counter()
from workbench.models.registry import Registry
imported = time.perf_counter()
registry = Registry(Path(sys.argv[1]))
infos = registry.list()
listed = time.perf_counter()
registry.load(registry.champion("C-0", "lstm"))
loaded = time.perf_counter()
assert "mlflow" not in sys.modules and "tensorflow" not in sys.modules
print(json.dumps([len(infos), imported - start, listed - imported, loaded - listed]))
"""


def ridge() -> RidgeForecaster:
    random = np.random.default_rng(0)
    commands = random.integers(0, 2, (900, COMMANDS))
    return RidgeForecaster().fit(make_channel(random.normal(size=900), commands, channel="C-0", asset="BENCH"))


def lstm(units: int = 80, horizon: int = 10) -> LSTMForecaster:
    """Telemanom's network with random weights: files and graph are those of a trained one."""
    random = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {"dense.kernel": (units, horizon), "dense.bias": (horizon,)}
    for layer, width in enumerate((1 + COMMANDS, units)):
        shapes |= {
            f"lstm_{layer}.kernel": (width, 4 * units),
            f"lstm_{layer}.recurrent": (units, 4 * units),
            f"lstm_{layer}.bias": (4 * units,),
        }
    weights = {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    forecaster = LSTMForecaster.from_weights(weights)
    forecaster.metrics = {"validation_error": 0.5}
    return forecaster


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def row(name: str, value: float, unit: str, below: float | None = None) -> dict[str, Any]:
    target = "" if below is None else f"< {below:g}"
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": below is None or value < below}


def p95_ms(times: list[float]) -> float:
    return float(np.percentile(times, 95) * 1e3)


def run() -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        writer = Registry(Path(folder) / "registry")
        rows.append(row("new registry, with MLflow's import", seconds(writer.check_writable), "s"))
        registering = []
        for forecaster in (ridge(), lstm()):
            for i in range(CHANNELS):
                start = time.perf_counter()
                writer.register(forecaster, f"C-{i}", TRAIN_HASH, seed=0, duration=1.0)
                registering.append(time.perf_counter() - start)
        rows.append(row("register one model, median", float(np.median(registering)) * 1e3, "ms"))

        command = [sys.executable, "-c", FRESH, str(writer.location.folder)]
        fresh = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        count, imported, listed, loaded = json.loads(fresh)
        rows.append(row(f"list {count} models, first in a process", listed, "s", 0.3))
        rows.append(row(f"import of the registry and list {count} models", imported + listed, "s"))
        rows.append(row("first LSTM in a process, with ONNX Runtime's import", loaded * 1e3, "ms"))

        registry = Registry(writer.location.folder)
        infos = registry.list()
        again = [seconds(registry.list) for _ in range(20)]
        rows.append(row(f"list {count} models again, p95", p95_ms(again), "ms"))
        champion = [seconds(lambda i=i: registry.champion(f"C-{i}")) for i in range(CHANNELS)]
        rows.append(row("champion of a channel, p95", p95_ms(champion), "ms"))
        for kind in ("ridge", "lstm"):
            chosen = [info for info in infos if info.forecaster == kind]
            first = [seconds(lambda info=info: registry.load(info)) for info in chosen]
            cached = [seconds(lambda info=info: registry.load(info)) for info in chosen]
            rows.append(row(f"first load of a {kind} model, p95", p95_ms(first), "ms", 100))
            rows.append(row(f"cached load of a {kind} model, p95", p95_ms(cached), "ms", 1))
        if registry.cache.hits != len(infos) or registry.cache.misses != len(infos):
            raise RuntimeError(f"Loads were not cached: {registry.cache.hits} hits, {registry.cache.misses} misses.")
        kept = registry.cache.bytes / 2**20
        rows.append(row(f"files of the {count} models in the cache", kept, "MiB"))
    return rows


if __name__ == "__main__":
    for entry in run():
        state = "ok" if entry["ok"] else "MISSED"
        print(f"{entry['name']:<55} {entry['value']:>9.3f} {entry['unit']:<4} {entry['target']:<6} {state}")
