"""Telemanom's error processing, step for step as NASA's `errors.py` does it, to be timed against ours.

Written anew from what the published code does: every candidate threshold lists the buffer around every
exceedance and groups the indices one by one. Its output is checked against ours in the benchmark.
"""

from itertools import groupby

import numpy as np
import pandas as pd


def _groups(indices):
    for _, run in groupby(enumerate(indices), lambda pair: pair[1] - pair[0]):
        yield [index for _, index in run]


def _buffered(over, steps, size):
    around = np.concatenate(
        (over, np.array([i + steps for i in over]).flatten(), np.array([i - steps for i in over]).flatten())
    )
    return np.unique(around[(around >= 0) & (around < size)]).astype(int)


def _epsilon(errors, mean, sd, params):
    best, chosen = -1e7, mean + params.z_max * sd
    for z in np.arange(params.z_min, params.z_max, params.z_step):
        epsilon = mean + sd * z
        pruned = errors[errors < epsilon]
        anomalous = _buffered(
            np.argwhere(errors >= epsilon).reshape(-1), np.arange(1, params.error_buffer), len(errors)
        )
        if len(anomalous) == 0:
            continue
        sequences = [group for group in _groups(anomalous) if len(group) > 1]
        with np.errstate(all="ignore"):
            lower = (mean - np.mean(pruned)) / mean if len(pruned) else np.nan
            narrower = (sd - np.std(pruned)) / sd if len(pruned) else np.nan
            score = (lower + narrower) / (len(sequences) ** 2 + len(anomalous))
        if score >= best and len(sequences) <= 5 and len(anomalous) < len(errors) * 0.5:
            best, chosen = score, mean + z * sd
    return chosen


def _compare(errors, smoothed, epsilon, targets, first, found, start, params):
    sd_values = np.std(targets)
    high, low = np.percentile(targets, [95, 5])
    inter_range = high - low
    if not (np.std(smoothed) > 0.05 * sd_values or max(smoothed) > 0.05 * inter_range) or not max(smoothed) > 0.05:
        return np.array([], dtype=int)
    over = np.argwhere((errors >= epsilon) & (errors > 0.05 * inter_range)).reshape(-1)
    if len(over) == 0:
        return over
    anomalous = _buffered(over, np.arange(1, params.error_buffer + 1), len(errors))
    anomalous = anomalous[anomalous >= first]
    everything = np.arange(len(errors)) + start
    normal = np.setdiff1d(everything, np.append(found, anomalous + start)) - start
    quiet = np.max(errors[normal.astype(int)])
    sequences = [(group[0], group[-1]) for group in _groups(anomalous) if len(group) > 1]
    if not sequences:
        return anomalous
    maxima = np.array([max(errors[a : b + 1]) for a, b in sequences])
    ordered = np.append(np.sort(maxima)[::-1], quiet)
    dropped = []
    for i in range(len(ordered) - 1):
        if (ordered[i] - ordered[i + 1]) / ordered[i] < params.min_decrease:
            dropped += np.argwhere(maxima == ordered[i]).reshape(-1).tolist()
        else:
            dropped = []
    kept = [range(a, b + 1) for i, (a, b) in enumerate(sequences) if i not in dropped]
    return np.concatenate(kept).astype(int) if kept else np.array([], dtype=int)


def detect(telemetry, prediction, params):
    """Anomaly sequences, as pairs of samples of the telemetry."""
    length, batch, m = params.sequence_length, params.batch_size, len(prediction)
    rows = np.lib.stride_tricks.sliding_window_view(telemetry[length:], params.prediction_horizon)[:m]
    error = [abs(p - t[0]) for p, t in zip(prediction, rows, strict=True)]
    smoothed = pd.DataFrame(error).ewm(span=params.smoothing_span).mean().values.flatten()
    smoothed[:length] = np.mean(smoothed[: 2 * length])
    n_windows = max(0, int((m - batch * params.window_size) / batch))
    ignored = 0 if m < 1800 else length if m < 2500 else 2 * length
    found = np.array([])
    for i in range(n_windows + 1):
        start = i * batch
        end = m if i == n_windows else start + batch * params.window_size
        window, targets = smoothed[start:end], rows[start:end]
        mean, sd = np.mean(window), np.std(window)
        mirrored = np.array([mean + (mean - e) for e in window])
        first = ignored if i == 0 else len(window) - batch
        both = [
            _compare(errors, window, _epsilon(errors, mean, sd, params), targets, first, found, start, params)
            for errors in (window, mirrored)
        ]
        anomalous = np.union1d(*both)
        if len(anomalous):
            found = np.append(found, anomalous + start)
    return [(int(g[0]) + length, int(g[-1]) + length) for g in _groups(found) if len(g) > 1]
