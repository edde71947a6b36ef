"""LSTM predictions for a whole SMAP test series: Telemanom's loop, Keras and ours, side by side; and one new sample.

Telemanom's network with random weights on P-1's test series, or on random inputs of the same size where the real
ones are not there. Each side runs in a process of its own, so that its memory is its own; the sides take turns, and
each keeps the best of its rounds. The clock starts with the model loaded and nothing predicted yet (every channel has
a model of its own, so none comes warmed up), and with the windows laid out, float64, as Telemanom does from NASA's
files. One more row tells what Keras needs at its best: the second time, and given float32.
"""

import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from workbench.detection.lstm.forecaster import LSTMForecaster
from workbench.detection.streaming import StreamingDetector
from workbench.detection.windows import window_count
from workbench.telemetry.schema import make_channel

ROOT = Path(__file__).parents[1]
NASA = ROOT.parent / "shared" / "nasa" / "smap_msl.zip"
LENGTH, HORIZON, BATCH, UNITS = 250, 10, 70, 80
ROUNDS = 3
ERROR_WINDOW, SAMPLES = 2100, 500


def series() -> np.ndarray:
    """P-1's test series (8,505 samples, telemetry and 24 commands), or random inputs of its size."""
    if NASA.exists():
        with zipfile.ZipFile(NASA) as archive:
            name = next(name for name in archive.namelist() if name.endswith("test/P-1.npy"))
            values: np.ndarray = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
            return values
    random = np.random.default_rng(0)
    return np.concatenate([random.uniform(-1, 1, (8505, 1)), random.integers(0, 2, (8505, 24))], axis=1)


def random_weights(n_inputs: int) -> dict[str, np.ndarray]:
    """As large as trained ones."""
    random = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {"dense.kernel": (UNITS, HORIZON), "dense.bias": (HORIZON,)}
    for layer, width in enumerate((n_inputs, UNITS)):
        shapes[f"lstm_{layer}.kernel"] = (width, 4 * UNITS)
        shapes[f"lstm_{layer}.recurrent"] = (UNITS, 4 * UNITS)
        shapes[f"lstm_{layer}.bias"] = (4 * UNITS,)
    return {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def keras_model(weights: dict[str, np.ndarray]) -> Any:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((None, len(weights["lstm_0.kernel"]))),
            layers.LSTM(UNITS, return_sequences=True),
            layers.Dropout(0.3),
            layers.LSTM(UNITS),
            layers.Dropout(0.3),
            layers.Dense(HORIZON),
        ]
    )
    names = [f"lstm_{layer}.{part}" for layer in (0, 1) for part in ("kernel", "recurrent", "bias")]
    model.set_weights([weights[name] for name in (*names, "dense.kernel", "dense.bias")])
    return model


def all_windows(values: np.ndarray) -> np.ndarray:
    count = window_count(len(values), LENGTH, HORIZON)
    return np.array([values[i : i + LENGTH] for i in range(count)])


def batch_predict(model: Any, windows: np.ndarray) -> np.ndarray:
    """Telemanom 2.0's own loop: one `predict` a batch of 70, the first prediction of each sample."""
    y_hat = np.array([])
    batches = int((len(windows) - LENGTH) / BATCH)
    for i in range(batches + 1):
        end = len(windows) if i == batches else (i + 1) * BATCH
        batch = model.predict(windows[i * BATCH : end], verbose=0)
        first = np.array([])
        for t in range(len(batch)):
            first = np.append(first, [np.flipud(batch[max(0, t - HORIZON) : t + 1]).diagonal()[0]])
        y_hat = np.append(y_hat, first)
    return y_hat


def telemanom(folder: Path, values: np.ndarray) -> Callable[[], np.ndarray]:
    """`batch_predict` of Telemanom 2.0."""
    del folder
    model = keras_model(random_weights(values.shape[1]))
    windows = all_windows(values)
    return lambda: batch_predict(model, windows)


def keras(folder: Path, values: np.ndarray) -> Callable[[], np.ndarray]:
    """`keras.predict` over all windows in batches of 70."""
    del folder
    model = keras_model(random_weights(values.shape[1]))
    windows = all_windows(values)
    return lambda: model.predict(windows, batch_size=BATCH, verbose=0)[:, 0]


def keras_warm(folder: Path, values: np.ndarray) -> Callable[[], np.ndarray]:
    """The same once it has predicted, given float32."""
    predict = keras(folder, values.astype(np.float32))
    predict()
    return predict


def ours(folder: Path, values: np.ndarray) -> Callable[[], np.ndarray]:
    """The forecaster as it is loaded and used for scoring."""
    channel = make_channel(values[:, 0], values[:, 1:], channel="P-1", asset="SMAP")
    forecaster = LSTMForecaster.load(folder)
    return lambda: forecaster.predict(channel)


SIDES = {"telemanom": telemanom, "keras": keras, "keras, warm": keras_warm, "ours": ours}


def measure(side: str, folder: Path) -> dict[str, float]:
    """Time one side in this process and keep its predictions in the folder."""
    predict = SIDES[side](folder, series())
    start = time.perf_counter()
    predicted = predict()
    seconds = time.perf_counter() - start
    np.save(folder / f"{side}.npy", predicted)
    return {"seconds": seconds, "peak": peak_memory()}


def one_sample(folder: Path) -> dict[str, float]:
    """Time from a new sample to its decision, with the error window full."""
    values = series().astype(np.float32)[: LENGTH + ERROR_WINDOW + SAMPLES]
    detector = StreamingDetector(LSTMForecaster.load(folder))
    milliseconds = []
    for sample in values:
        start = time.perf_counter()
        detector.push(sample)
        milliseconds.append((time.perf_counter() - start) * 1e3)
    return {"p95": float(np.percentile(milliseconds[-SAMPLES:], 95))}


def peak_memory() -> float:
    """Most memory that this process has held, MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def in_own_process(side: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.bench_lstm", side, str(folder)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, cwd=ROOT)
    found: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return found


def run() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        values = series()
        LSTMForecaster.from_weights(random_weights(values.shape[1])).save(folder)
        rounds = [{side: in_own_process(side, folder) for side in SIDES} for _ in range(ROUNDS)]
        latency = in_own_process("one_sample", folder)["p95"]
        predictions = {side: np.load(folder / f"{side}.npy", allow_pickle=False) for side in SIDES}
    found = {
        side: {
            "seconds": min(turn[side]["seconds"] for turn in rounds),
            "peak": max(turn[side]["peak"] for turn in rounds),
        }
        for side in SIDES
    }
    difference = max(float(np.abs(predictions[side] - predictions["ours"]).max()) for side in ("telemanom", "keras"))
    what = f"LSTM over {len(predictions['ours']):,} windows"
    rows = [row(f"{what}: {side}", found[side]["seconds"], "s") for side in SIDES]
    rows += [row(f"{what}: {side}, peak memory", found[side]["peak"], "MiB") for side in ("telemanom", "keras")]
    ratios = {side: found[side]["seconds"] / found["ours"]["seconds"] for side in SIDES}
    return [
        *rows,
        row(f"{what}: ours, peak memory", found["ours"]["peak"], "MiB", "< 450", found["ours"]["peak"] < 450),
        row("ours against Telemanom's loop", ratios["telemanom"], "x", ">= 7", ratios["telemanom"] >= 7),
        row("ours against keras.predict", ratios["keras"], "x", ">= 3", ratios["keras"] >= 3),
        row("ours against keras.predict, warm", ratios["keras, warm"], "x"),
        row("largest difference of predictions", difference, "", "< 1e-05", difference < 1e-5),
        row("one sample to its decision, LSTM, p95", latency, "ms", "< 10", latency < 10),
    ]


def row(name: str, value: float, unit: str, target: str = "", ok: bool | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "ok": True if ok is None else ok}


def main(arguments: list[str]) -> None:
    if not arguments:
        for line in run():
            print(f"{line['name']}: {line['value']:.4g} {line['unit']} {line['target']}")
        return
    side, folder = arguments[0], Path(arguments[1])
    print(json.dumps(one_sample(folder) if side == "one_sample" else measure(side, folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
