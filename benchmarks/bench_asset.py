"""A whole asset: SKAB's pump, experiments `valve1`, by SKAB's protocol; and the cost of 50 channels."""

import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.detection.asset import fit_asset

SKAB = Path(__file__).parents[2] / "shared" / "benchmarks" / "skab.zip"
TRAINING = 400
"""First rows of each experiment, which train; the others are judged point by point."""


def run() -> list[dict]:
    """Both measurements."""
    return [*_skab(), *_cost()]


def _experiments() -> list[pd.DataFrame]:
    with zipfile.ZipFile(SKAB) as archive:
        names = sorted(name for name in archive.namelist() if "/valve1/" in name and name.endswith(".csv"))
        return [pd.read_csv(io.BytesIO(archive.read(name)), sep=";") for name in names]


def _skab() -> list[dict]:
    flagged, anomalous, first = [], [], []
    labelled = hit = false = 0
    for table in _experiments():
        sensors = table.columns[1:9]
        values, truth = table[sensors].to_numpy(), table["anomaly"].to_numpy()[TRAINING:] > 0
        events = fit_asset(values[:TRAINING], list(sensors)).find(values[TRAINING:])
        mask = np.zeros(truth.size, dtype=bool)
        for event in events:
            mask[event.start : event.end + 1] = True
        runs, marked = _runs(truth), _runs(mask)
        labelled += len(runs)
        hit += sum(mask[start:end].any() for start, end in runs)
        false += sum(not truth[start:end].any() for start, end in marked)
        within = [event for event in events if truth[event.start : event.end + 1].any()]
        first += [event.contributions[0][0] for event in within]
        flagged.append(mask)
        anomalous.append(truth)
    mask, truth = np.concatenate(flagged), np.concatenate(anomalous)
    alarms, misses, hits = (mask & ~truth).sum(), (~mask & truth).sum(), (mask & truth).sum()
    f1 = 2 * hits / (2 * hits + alarms + misses)
    far, mar = 100 * alarms / (~truth).sum(), 100 * misses / truth.sum()
    return [
        _row("asset, SKAB valve1: F1 by points", f1, "", ">= 0.76", f1 >= 0.76),
        _row("asset, SKAB valve1: false alarm rate", far, "%", "<= 20", far <= 20),
        _row("asset, SKAB valve1: missing alarm rate", mar, "%"),
        _row(f"asset, SKAB valve1: events found of {labelled}", hit, "", str(labelled), hit == labelled),
        _row("asset, SKAB valve1: false events", false, "", "<= 4", false <= 4),
        _row("asset, SKAB valve1: events led by the flow", first.count("Volume Flow RateRMS"), f"of {len(first)}"),
    ]


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """First sample of each run, and the one after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(int), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _cost() -> list[dict]:
    random = np.random.default_rng(0)
    values = random.normal(size=(20_000, 5)) @ random.normal(size=(5, 50)) + random.normal(0, 0.3, (20_000, 50))
    train, test = values[:10_000], values[10_000:].copy()
    names = [f"S-{number}" for number in range(50)]
    began = time.process_time()
    model = fit_asset(train, names)
    training = time.process_time() - began
    began = time.process_time()
    model.find(test)
    scoring = time.process_time() - began
    test[random.random(test.shape) < 0.01] = np.nan
    began = time.process_time()
    model.find(test)
    gappy = time.process_time() - began
    what = "asset, 50 channels x 10,000 samples, CPU time"
    return [
        _row(f"{what}: train", training, "s", "<= 1", training <= 1),
        _row(f"{what}: score", scoring, "s", "<= 0.3", scoring <= 0.3),
        _row(f"{what}: score with 1 % missing at random", gappy, "s"),
    ]


def _row(name: str, value: float, unit: str, target: str = "", ok: bool = True) -> dict:
    return {"name": name, "value": float(value), "unit": unit, "target": target, "ok": bool(ok)}


if __name__ == "__main__":
    for row in run():
        print(row)
