"""Slow oracles of the numeric kernels: sample by sample, as the paper's method reads."""

import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from workbench.parameters import TelemanomParams


def is_unusable(telemetry, i, length):
    """Whether the sample after window i is missing, or more than half of the window in a row."""
    longest = row = 0
    for value in telemetry[i : i + length]:
        row = row + 1 if math.isnan(value) else 0
        longest = max(longest, row)
    return math.isnan(telemetry[i + length]) or longest > length / 2


def smooth(error, params):
    """EWMA with weights (1 - a)^k summed out for every sample, then the quiet start; NaN passes it by."""
    decay = 1 - 2 / (params.smoothing_span + 1)
    smoothed = []
    numerator = denominator = 0.0
    for value in error:
        if math.isnan(value):
            smoothed.append(math.nan)
            continue
        numerator = value + decay * numerator
        denominator = 1 + decay * denominator
        smoothed.append(numerator / denominator)
    start = [value for value in smoothed[: 2 * params.sequence_length] if not math.isnan(value)]
    quiet = np.mean(start) if start else math.nan
    return np.array(
        [quiet if i < params.sequence_length and not math.isnan(value) else value for i, value in enumerate(smoothed)]
    )


def consecutive(indices):
    """Lists of consecutive integers."""
    groups = []
    for index in indices:
        if groups and index == groups[-1][-1] + 1:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def widened(indices, reach, size):
    """Every index within reach of a given one."""
    return sorted({j for i in indices for j in range(i - reach, i + reach + 1) if 0 <= j < size})


def find_epsilon(errors, mean, sd, params):
    """Try each z, score it, keep the best; the last of equals wins."""
    best, chosen = -10_000_000.0, mean + params.z_max * sd
    for z in np.arange(params.z_min, params.z_max, params.z_step):
        epsilon = mean + sd * z
        anomalous = widened([i for i, e in enumerate(errors) if e >= epsilon], params.error_buffer - 1, len(errors))
        sequences = [group for group in consecutive(anomalous) if len(group) > 1]
        if not anomalous or len(sequences) > 5 or len(anomalous) >= len(errors) * 0.5:
            continue
        below = np.array([e for e in errors if e < epsilon])
        if not below.size:  # all that is there is above it, beside missing errors: its mean, and so its score, is NaN
            continue
        decrease = (mean - np.mean(below)) / mean + (sd - np.std(below)) / sd
        score = decrease / (len(sequences) ** 2 + len(anomalous))
        if score >= best:
            best, chosen = score, mean + z * sd
    return chosen


def compare(errors, smoothed, epsilon, targets, first, flagged, params):
    """Anomalous positions, their sequences and the largest normal error of one window."""
    targets, smoothed = (values[~np.isnan(values)] for values in (targets.ravel(), smoothed))
    inter_range = np.subtract(*np.percentile(targets, [95, 5]))
    large = np.std(smoothed) > 0.05 * np.std(targets) or max(smoothed) > 0.05 * inter_range
    if not (large and max(smoothed) > 0.05):
        return [], [], -math.inf
    over = [i for i, e in enumerate(errors) if e >= epsilon and e > 0.05 * inter_range]
    anomalous = [i for i in widened(over, params.error_buffer, len(errors)) if i >= first]
    there = {i for i, e in enumerate(errors) if not math.isnan(e)}
    anomalous = [i for group in consecutive(anomalous) if there & set(group) for i in group]
    normal = [errors[i] for i in sorted(there - set(flagged) - set(anomalous))]
    sequences = [group for group in consecutive(anomalous) if len(group) > 1]
    return anomalous, sequences, max(normal, default=-math.inf)


def prune(errors, anomalous, sequences, quiet, params):
    """Drop the sequences after the last marked step down among the sorted maxima."""
    if not sequences:
        return anomalous
    maxima = [max(errors[i] for i in group if not math.isnan(errors[i])) for group in sequences]
    ordered = [*sorted(maxima, reverse=True), quiet]
    dropped = []
    for here, below in itertools.pairwise(ordered):
        if (here - below) / here < params.min_decrease:
            dropped.append(here)
        else:
            dropped = []
    return [i for group, top in zip(sequences, maxima, strict=True) if top not in dropped for i in group]


@dataclass
class Found:
    smoothed_error: np.ndarray
    sequences: list[tuple[int, int]] = field(default_factory=list)
    severities: list[float] = field(default_factory=list)


def detect(telemetry, prediction, params: TelemanomParams) -> Found:
    """The whole method over one series."""
    length, batch = params.sequence_length, params.batch_size
    m = len(prediction)
    targets = np.array([telemetry[length + i : length + i + params.prediction_horizon] for i in range(m)])
    error = [math.nan if is_unusable(telemetry, i, length) else abs(prediction[i] - targets[i, 0]) for i in range(m)]
    smoothed = smooth(error, params)
    n_windows = max(0, int((m - batch * params.window_size) / batch))
    ignored = 0 if m < 1800 else length if m < 2500 else 2 * length
    everything, scores = [], []
    for k in range(n_windows + 1):
        start = k * batch
        end = m if k == n_windows else start + batch * params.window_size
        window = smoothed[start:end]
        there = window[~np.isnan(window)]
        if not there.size or np.std(there) == 0:
            continue
        mean, sd = np.mean(there), np.std(there)
        first = ignored if k == 0 else len(window) - batch
        flagged = {i - start for i in everything}
        both, epsilons = [], []
        for errors in (window, np.array([mean + (mean - e) for e in window])):
            epsilon = find_epsilon(errors, mean, sd, params)
            found = compare(errors, window, epsilon, targets[start:end], first, flagged, params)
            both.append(prune(errors, *found, params))
            epsilons.append((errors, epsilon))
        anomalous = sorted({*both[0], *both[1]})
        for group in consecutive(anomalous):
            score = max(
                abs(errors[i] - epsilon) / (mean + sd)
                for errors, epsilon in epsilons
                for i in group
                if not math.isnan(errors[i])
            )
            scores.append((start + group[0], start + group[-1], score))
        everything += [start + i for i in anomalous]
    result = Found(smoothed)
    for group in consecutive(everything):
        judged = [i for i in group if not math.isnan(error[i])]
        if len(judged) > 1:
            result.sequences.append((judged[0] + length, judged[-1] + length))
            result.severities.append(max(s for a, b, s in scores if a <= group[-1] and b >= group[0]))
    return result


def breaks(moments, telemetry, longest):
    """Samples with a value that follow the last value before them by more than the longest gap."""
    found, before = [], None
    for sample, (moment, value) in enumerate(zip(moments, telemetry, strict=True)):
        if math.isnan(value):
            continue
        if before is not None and moment - before > longest:
            found.append(sample)
        before = moment
    return found


def detect_by_stretches(telemetry, prediction, params, breaks):
    """The whole method over each stretch as if there were no other; sequences in samples of the series, severities."""
    around, bounds = params.sequence_length + params.prediction_horizon, [0, *breaks, len(telemetry)]
    sequences, severities = [], []
    for start, end in itertools.pairwise(bounds):
        if end - start > around:
            own = detect(telemetry[start:end], prediction[start : end - around], params)
            sequences += [(first + start, last + start) for first, last in own.sequences]
            severities += own.severities
    return sequences, severities


@dataclass
class Clearing:
    """What clears an anomaly, by detections of the whole series with one parameter changed."""

    telemetry: np.ndarray
    prediction: np.ndarray
    params: TelemanomParams
    _anomalies: dict = field(default_factory=dict)

    def clears(self, anomaly, name, value):
        """Whether no anomaly of the changed detection has a sample in common with this one."""
        from workbench.detection.anomalies import detect

        if (name, value) not in self._anomalies:
            changed_params = self.params.model_copy(update={name: value})
            table = detect(self.telemetry, self.prediction, changed_params).anomalies
            self._anomalies[name, value] = table[["start", "end"]].to_numpy().tolist()
        start, end = anomaly
        return not any(first <= end and last >= start for first, last in self._anomalies[name, value])

    def least_z(self, anomalies):
        """The first of the candidates that clears each anomaly."""
        candidates = np.arange(self.params.z_min, self.params.z_max, self.params.z_step)[1:]
        values = np.round(candidates, 9).tolist()
        return {anomaly: next((z for z in values if self.clears(anomaly, "z_min", z)), None) for anomaly in anomalies}


ENVELOPE = {
    "above": "core",
    "below": "core",
    "step": "core",
    "travel20": "core",
    "spread20": "core",
    "stuck": "count",
    "calm150": "log",
    "quiet150": "log",
}


def envelope_features(series, lo, hi):
    """One dict for each sample, with the features whose windows are complete, as the definition reads."""
    extent, stuck, out = hi - lo, 0, []
    steps = [abs(here - before) for before, here in itertools.pairwise(series)]

    def spread(samples):
        mean = math.fsum(samples) / len(samples)
        return math.sqrt(math.fsum((x - mean) ** 2 for x in samples) / (len(samples) - 1))

    for t, x in enumerate(series):
        stuck = 0 if t == 0 or steps[t - 1] > 1e-6 * extent else stuck + 1
        row = {"above": x - lo, "below": hi - x, "stuck": stuck}
        if t >= 1:
            row["step"] = steps[t - 1]
        if t >= 20:
            row["travel20"] = math.fsum(steps[t - 20 : t])
        if t >= 19:
            row["spread20"] = spread(series[t - 19 : t + 1])
        if t >= 150 and extent > 0:
            row["calm150"] = -math.log(math.fsum(steps[t - 150 : t]) + 0.001 * extent)
        if t >= 149 and extent > 0:
            row["quiet150"] = -math.log(spread(series[t - 149 : t + 1]) + 0.001 * extent)
        out.append(row)
    return out


def mean_excess(values):
    """Mean of what lies beyond the 98 % quantile, between two of the sorted values; rounding is no excess."""
    ordered = sorted(values)
    place = 0.98 * (len(ordered) - 1)
    below = ordered[math.floor(place)]
    quantile = below + (ordered[math.ceil(place)] - below) * (place - math.floor(place))
    beyond = [v - quantile for v in values if v - quantile > 1e-9 * max(map(abs, values))]
    return math.fsum(beyond) / len(beyond) if beyond else 0.0


def envelope_events(train, test, follows, margins, breaks=()):
    """Start, end, feature and the value farthest out of every event; margins are (kappa, theta, floor) by kind."""
    learned = [x for x in train if math.isfinite(x)]
    places = [t for t, x in enumerate(test) if math.isfinite(x)]
    judged = [test[t] for t in places]
    begins = [0, *(places.index(row) for row in breaks)]
    if len(learned) < 20:
        return []
    lo, hi = min(learned), max(learned)
    unit = hi - lo if hi > lo else abs(hi) / 4096
    in_training = envelope_features(learned, lo, hi)
    in_test = []
    for begin, end in itertools.pairwise([*begins, len(judged)]):
        if follows and begin == 0:
            in_test += envelope_features([*learned, *judged[:end]], lo, hi)[len(learned) :]
        else:
            in_test += envelope_features(judged[begin:end], lo, hi)
    events = []
    for name, kind in ENVELOPE.items():
        known = [row[name] for row in in_training if name in row]
        if not known or (hi == lo and kind != "core"):
            continue
        kappa, theta, floor = margins[kind]
        s = mean_excess(known)
        column = [row.get(name, -math.inf) for row in in_test]
        history, start, last, t, begin = max(known), None, 0, 0, 0
        for t, value in enumerate(column):
            if t in begins[1:]:  # an event ends, and all before has been seen
                if start is not None:
                    events.append((places[start], places[last], name, max(column[start : last + 1])))
                history, start, begin = max(history, *column[:t]), None, t
            is_judged = (follows and begin == 0) or t >= begin + 250
            if start is None:
                first_fed = 0 if follows and begin == 0 else min(t, begin + 250)  # these have joined at once
                history = max([history, *column[: max(0, t - 249, first_fed)]])
                bound = history + max(kappa * s, theta * history) + floor * (unit if kind == "core" else 1)
                if value > bound and is_judged:
                    start = last = t
            elif value > bound:
                last = t
            if start is not None and (t - last == 50 or t - start + 1 == 100):
                events.append((places[start], places[last], name, max(column[start : last + 1])))
                history, start = max(history, *column[start : t + 1]), None
        if start is not None:
            events.append((places[start], places[last], name, max(column[start : last + 1])))
    return sorted(events, key=lambda event: event[0])


def naive_cases(alerts, gap):
    """Cases by transitive closure: any two alerts of one clock that lie no further apart than the gap are linked."""
    common = any(alert.kind == "asset" and alert.clock == "sample" for alert in alerts)

    def linked(one, other):
        by_channel = one.clock == "sample" and not common
        if one.clock != other.clock or (by_channel and one.channel != other.channel):
            return False
        return one.first_at - other.last_at <= gap and other.first_at - one.last_at <= gap

    groups = [{alert} for alert in alerts]
    while True:
        pair = next(
            ((a, b) for a in groups for b in groups if a is not b and any(linked(one, two) for one in a for two in b)),
            None,
        )
        if pair is None:
            return {frozenset(alert.id for alert in group) for group in groups}
        groups = [group for group in groups if group not in pair] + [pair[0] | pair[1]]
