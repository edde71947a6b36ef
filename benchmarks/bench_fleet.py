"""NASA's 82 channels with their shipped LSTMs: scoring against Telemanom's own loop, loading and listing.

Telemanom's side runs its prediction loop in Keras and its error processing (`reference`) on a dozen channels, every
seventh by the length of their test series, with the same weights; its clock starts with model and windows laid out.
Ours scores the same channels before and after it, from opening the models to writing the scores, and the slower of
both counts; then all channels. Each run has a process of its own, so that its memory is its own.

`python -m benchmarks.bench_fleet 2` takes 2 channels for a quick look.
"""

import json
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

import workbench as wb
from benchmarks import reference
from benchmarks.bench_lstm import (
    HORIZON,
    LENGTH,
    NASA,
    ROOT,
    all_windows,
    batch_predict,
    keras_model,
    peak_memory,
    row,
)
from workbench.detection.windows import window_count
from workbench.models.shipped import load_shipped, shipped_folder

DOZEN = 12
MB = 1.048576  # in a MiB

_LOADS = """
import json, sys, time
from pathlib import Path
from workbench.models.registry import Registry
registry = Registry(Path(sys.argv[1]))
start = time.perf_counter()
infos = registry.list()
seconds = [time.perf_counter() - start]
for info in infos:
    if info.forecaster == "lstm":
        start = time.perf_counter()
        registry.load(info)
        seconds.append(time.perf_counter() - start)
print(json.dumps([len(infos), seconds]))
"""


def telemanom(home: str, names: list[str]) -> dict[str, Any]:
    """Time Telemanom's prediction loop and error processing on these channels."""
    session = wb.open(home=home)
    params = session.settings.presets["paper"]
    predicting = judging = 0.0
    found = {}
    for name in names:
        channel = session.channel(name)
        telemetry = channel["telemetry"].values.astype(np.float64)
        values = np.concatenate([telemetry[:, None], channel["commands"].values], axis=1)
        model = keras_model(load_shipped(shipped_folder(), name).to_weights())
        windows = all_windows(values)
        start = time.perf_counter()
        prediction = batch_predict(model, windows)
        predicted = time.perf_counter()
        found[name] = reference.detect(telemetry, prediction, params)
        judging += time.perf_counter() - predicted
        predicting += predicted - start
    return {"predicting": predicting, "judging": judging, "anomalies": found, "peak": peak_memory() * MB}


def ours(home: str, names: list[str]) -> dict[str, Any]:
    """Time the scoring of these channels."""
    session = wb.open(home=home)
    start = time.perf_counter()
    table = session.score_all(names, "lstm", "paper", force=True)
    seconds = time.perf_counter() - start
    if not (table["status"] == "scored").all():
        raise RuntimeError(table.loc[table["status"] != "scored", ["channel", "reason"]].to_string())
    found = {
        name: anomalies[["start", "end"]].to_numpy().tolist()
        for name, anomalies in zip(table["channel"], table["anomalies"], strict=True)
    }
    return {"seconds": seconds, "anomalies": found, "peak": peak_memory() * MB}


SIDES = {"telemanom": telemanom, "ours": ours}


def in_own_process(*arguments: str) -> str:
    """What Python prints, given these arguments."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def side(name: str, home: str, channels: list[str]) -> dict[str, Any]:
    printed = in_own_process("-m", "benchmarks.bench_fleet", name, home, *channels)
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def run(count: int = DOZEN) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as home:
        session = wb.open(home=home)
        session.import_data(NASA, "nasa")
        session.train(forecaster="ridge")
        windows = {
            name: window_count(session.archive.info(name).n_test, LENGTH, HORIZON) for name in session.channel_names()
        }
        every = sorted(windows, key=windows.__getitem__)
        names = every[3::7][:count]
        before = side("ours", home, names)
        theirs = side("telemanom", home, names)
        after = side("ours", home, names)
        fleet = side("ours", home, every if count == DOZEN else names)
        counted, (listing, *loads) = json.loads(in_own_process("-c", _LOADS, str(session.registry.location.folder)))
        start = time.perf_counter()
        in_own_process("-c", "from workbench.cli import main; main()", "--home", home, "models")
        command = time.perf_counter() - start

    seconds = max(before["seconds"], after["seconds"])
    ratio = (theirs["predicting"] + theirs["judging"]) / seconds
    share = sum(windows[name] for name in fleet["anomalies"]) / sum(windows[name] for name in names)
    extrapolated = theirs["predicting"] * share + theirs["judging"] * len(fleet["anomalies"]) / len(names)
    same = sum(after["anomalies"][name] == theirs["anomalies"][name] for name in names)
    what, load = f"{len(names)} LSTM channels", float(np.percentile(loads, 95)) * 1e3
    whole = f"{len(fleet['anomalies'])} LSTM channels"
    return [
        row(f"{what}, Telemanom's loop: predictions", theirs["predicting"], "s"),
        row(f"{what}, Telemanom's loop: thresholds", theirs["judging"], "s"),
        row(f"{what}, Telemanom's loop: peak memory", theirs["peak"], "MB"),
        row(f"{what}, ours: scored", seconds, "s"),
        row("ours against Telemanom's loop", ratio, "x", ">= 7", ratio >= 7),
        row(f"of {what} with the same anomalies", float(same), "", f"{len(names)}", same == len(names)),
        row(f"{whole}, Telemanom's loop: extrapolated", extrapolated, "s"),
        row(f"{whole}, ours: scored", fleet["seconds"], "s"),
        row(f"{whole}, ours: peak memory", fleet["peak"], "MB", "< 600", fleet["peak"] < 600),
        row(f"first load of each of {len(loads)} shipped models, p95", load, "ms", "< 50", load < 50),
        row("the first of them, with ONNX Runtime's import", loads[0] * 1e3, "ms"),
        row(f"list {counted} models", listing, "s", "< 0.3", listing < 0.3),
        row(f"workbench models: the whole command, {counted} models", command, "s", "< 0.3", command < 0.3),
    ]


def main(arguments: list[str]) -> None:
    if arguments and arguments[0] in SIDES:
        print(json.dumps(SIDES[arguments[0]](arguments[1], arguments[2:])))
        return
    for line in run(*map(int, arguments)):
        print(f"{line['name']}: {line['value']:.4g} {line['unit']} {line['target']}")


if __name__ == "__main__":
    main(sys.argv[1:])
