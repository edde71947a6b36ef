"""The envelope on NASA's channels: joined with the sequences of the preset `workbench`, on normal data, and its cost.

`NASA_HOME=FOLDER python -m benchmarks bench_envelope` scores in a home of one's own, which keeps the scores for the
next time; by default everything is imported, trained and scored anew.
"""

import json
import os
import tempfile
import time

import numpy as np
import pandas as pd

import workbench as wb
from benchmarks.bench_lstm import NASA
from workbench.detection.envelope import MARGINS, EnvelopeStream, fit_envelope, join
from workbench.detection.envelope.rows import FORECAST_ROWS
from workbench.detection.evaluation import evaluate
from workbench.judging import find_labels

LEAST_TRAINING = 1200
"""Channels with fewer training samples have too little in half of them to say what is normal."""
LONG = 7500
"""Test samples of the channels that are timed."""


def run() -> list[dict]:
    """All measurements, on a home that is thrown away unless NASA_HOME names one."""
    if named := os.environ.get("NASA_HOME"):
        return _measured(named)
    with tempfile.TemporaryDirectory() as home:
        return _measured(home)


def _measured(home: str) -> list[dict]:
    with wb.open(home=home) as session:
        if not session.channel_names():
            session.import_data(NASA, "nasa")
            session.train(forecaster="ridge")
        truth = find_labels(session.archive, session.channel_names(), None)
        scored = session.score_all(truth, preset="workbench")
        sequences = {name: _sequences(session.stored(name)) for name in scored["channel"]}
        infos = {info.channel: info for info in session.archive.infos()[0]}
        series = {name: [_telemetry(session, name, split) for split in ("train", "test")] for name in infos}
    judged = {name: series[name] for name in sequences}
    rows = _judged("alone", sequences, truth, infos)
    for rule in MARGINS:
        rows += _judged(f"joined, margins {rule}", _joined(judged, sequences, rule), truth, infos)
    return [*rows, *_on_normal_data(series), *_cost(judged)]


def _sequences(scored) -> pd.DataFrame:
    """What the threshold has found by itself; the preset joins it with the envelope."""
    rows = json.loads(scored.attrs.get(FORECAST_ROWS, scored.attrs["anomalies"]))
    return pd.DataFrame(rows, columns=["start", "end", "severity"]).astype({"start": "int64", "end": "int64"})


def _telemetry(session, name: str, split: str) -> np.ndarray:
    return session.channel(name, split)["telemetry"].values.astype(np.float64)


def _joined(series: dict, sequences: dict, rule: str) -> dict[str, pd.DataFrame]:
    """Join what the envelope and the threshold find; NASA's test series do not follow the training."""
    joined = {}
    for name, (train, test) in series.items():
        anomalies = join(fit_envelope(train, rule).find(test, follows_training=False), sequences[name])
        joined[name] = pd.DataFrame([(one.start, one.end) for one in anomalies], columns=["start", "end"])
    return joined


def _judged(what: str, predicted: dict, truth: dict, infos: dict) -> list[dict]:
    lengths = {name: info.n_test for name, info in infos.items()}
    assets = {name: info.asset for name, info in infos.items()}
    hashes = {name: info.test_hash for name, info in infos.items()}
    pooled = evaluate(predicted, truth, lengths, assets, hashes=hashes).rows.set_index("group").loc["all"]
    joined = what.startswith("joined")
    rows = [
        _row(f"envelope, tuning split {what}: {name.replace('_', ' ')}", pooled[name], "")
        for name in ("true_positives", "false_positives", "false_negatives")
    ]
    figures = (
        ("F1", pooled["f1"], "", ">= 0.92", pooled["f1"] >= 0.92),
        ("flagged", 100 * pooled["flagged_fraction"], "%", "<= 5.0", pooled["flagged_fraction"] <= 0.05),
        ("TNR", pooled["tnr"], "", ">= 0.98", pooled["tnr"] >= 0.98),
    )
    return rows + [
        _row(f"envelope, tuning split {what}: {name}", value, unit, target if joined else "", ok or not joined)
        for name, value, unit, target, ok in figures
    ]


def _on_normal_data(series: dict) -> list[dict]:
    """Fit on the first half of each training series, which is normal throughout, and judge the second."""
    rows = []
    for rule in MARGINS:
        events = samples = 0
        for train, _ in series.values():
            if train.size < LEAST_TRAINING:
                continue
            first, second = np.split(train, [train.size // 2])
            events += len(join(fit_envelope(first, rule).find(second, follows_training=True)))
            samples += second.size
        name = f"envelope, false events in {samples:,} normal samples, margins {rule}"
        rows.append(_row(name, events, "", "<= 8", events <= 8))
    return rows


def _cost(series: dict) -> list[dict]:
    """Fit and find in channels of 8,000 samples or so; a stream, and whether it finds the same."""
    seconds, differing = [], []
    pushed = streaming = 0.0
    for name, (train, test) in series.items():
        if test.size < LONG:
            continue
        best = float("inf")
        for _ in range(5):
            began = time.process_time()
            envelope = fit_envelope(train)
            events = envelope.find(test, follows_training=False)
            best = min(best, time.process_time() - began)
        seconds.append(best)
        stream = EnvelopeStream(envelope, follows_training=False)
        began = time.process_time()
        ended = [event for value in test.tolist() for event in stream.update(value).ended]
        streaming += time.process_time() - began
        pushed += test.size
        if {*ended, *stream.open_events} != set(events):
            differing.append(name)
    mean, worst = 1000 * float(np.mean(seconds)), 1000 * max(seconds)
    return [
        _row("envelope, fit and find, CPU time, mean of channels of 8,000 samples", mean, "ms", "<= 5", mean <= 5),
        _row("envelope, fit and find, slowest of them", worst, "ms"),
        _row("envelope, one sample of a stream, CPU time", 1e6 * streaming / pushed, "µs"),
        _row("envelope, channels whose stream finds other events", len(differing), "", "0", not differing),
    ]


def _row(name: str, value: float, unit: str, target: str = "", ok: bool = True) -> dict:
    return {"name": name, "value": float(value), "unit": unit, "target": target, "ok": bool(ok)}


if __name__ == "__main__":
    for row in run():
        print(row)
