"""Slow oracles of the metrics of an evaluation: sets of samples, one loop a sentence, as the papers define them."""

import bisect
import itertools
import math


def contingency(predicted, labels, length):
    """Count `[(start, end)]` against `[(start, end)]`, both inclusive."""
    flagged, anomalous = set(), set()
    for start, end in predicted:
        flagged |= set(range(start, end + 1))
    for start, end in labels:
        anomalous |= set(range(start, end + 1))
    true_positives = false_negatives = false_positives = 0
    for start, end in labels:
        if flagged & set(range(start, end + 1)):
            true_positives += 1
        else:
            false_negatives += 1
    for start, end in predicted:
        if not anomalous & set(range(start, end + 1)):
            false_positives += 1
    normal = set(range(length)) - anomalous
    return {
        "true_positives": true_positives,
        "false_positives": false_positives,
        "false_negatives": false_negatives,
        "flagged": len(flagged),
        "normal": len(normal),
        "true_negatives": len(normal - flagged),
    }


def f_score(precision, recall, beta):
    """F-beta as the weighted harmonic mean, both above 0."""
    return 1 / ((1 / precision + beta * beta / recall) / (1 + beta * beta))


def in_any(sample, sequences):
    """Whether a sample lies in any of `[(start, end)]`, both inclusive."""
    return any(start <= sample <= end for start, end in sequences)


def joined(sequences):
    """`[(start, end)]` in order, those that overlap or touch as one."""
    result = []
    for start, end in sorted(sequences):
        if result and start <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def esa(predicted, labels, length):
    """Figures of ESA's benchmark, from its definitions, sample by sample."""
    detections = joined(predicted)
    hit = missed = redundant = 0
    timing, starts_after = [], 0
    for start, end in labels:
        own = [d for d in detections if d[0] <= end and d[1] >= start]
        if not own:
            missed += 1
            continue
        hit += 1
        redundant += len(own) - 1
        before = [other for other, _ in labels if other < start]
        size = end - start + 1
        alpha = min(size, start - max(before)) if before else size
        x = own[0][0] - start
        starts_after += x >= 0
        if x == 0:
            timing.append(1.0)
        elif -alpha < x < 0:
            timing.append(((x + alpha) / alpha) ** math.e)
        elif 0 < x < size:
            timing.append(1 / (1 + (x / (size - x)) ** math.e))
        else:
            timing.append(0.0)
    false = sum(not any(d[0] <= end and d[1] >= start for start, end in labels) for d in detections)
    normal = [i for i in range(length) if not in_any(i, labels)]
    tnr = 1 - sum(in_any(i, detections) for i in normal) / len(normal) if normal else 1.0
    nan = float("nan")
    precision = hit / (hit + false) * tnr if hit + false else nan
    recall = hit / (hit + missed) if hit + missed else nan
    if math.isnan(precision) or math.isnan(recall):
        f = nan
    else:
        f = 1.25 * precision * recall / (0.25 * precision + recall) if precision + recall else 0.0
    return {
        "esa_precision": precision,
        "esa_recall": recall,
        "esa_f0_5": f,
        "alarming_precision": hit / (hit + redundant) if hit else nan,
        "adtqc": sum(timing) / hit if hit else nan,
        "after_rate": starts_after / hit if hit else nan,
    }


def affiliation(predicted, labels, length, steps=20):
    """Affiliation precision and recall by drawing times: every sample cut in steps, every probability counted."""
    events = [(start, end + 1) for start, end in joined(labels)]
    found = [(start, end + 1) for start, end in joined(predicted)]
    times = [(i + 0.5) / steps for i in range(length * steps)]

    def distance(time, spans):
        return min(max(begin - time, time - end, 0.0) for begin, end in spans)

    precisions, recalls = [], []
    for event in events:
        zone = [time for time in times if min(events, key=lambda other: distance(time, [other])) == event]
        own = [time for time in zone if any(begin < time < end for begin, end in found)]
        inside = [time for time in zone if event[0] < time < event[1]]
        away = sorted(distance(time, [event]) for time in zone)
        if own:
            chances = []
            for time in own:
                nearer = bisect.bisect_left(away, distance(time, [event]))
                chances.append(1 - nearer / len(zone))
            precisions.append(sum(chances) / len(chances))
        if not own:
            recalls.append(0.0)
            continue
        spans = [
            (max(begin, zone[0]), min(end, zone[-1])) for begin, end in found if begin < zone[-1] and end > zone[0]
        ]
        chances = []
        for time in inside:
            reach = distance(time, spans)
            nearer = bisect.bisect_left(zone, time + reach) - bisect.bisect_right(zone, time - reach) if reach else 0
            chances.append(1 - nearer / len(zone))
        recalls.append(sum(chances) / len(chances))
    nan = float("nan")
    return (
        sum(precisions) / len(precisions) if precisions else nan,
        sum(recalls) / len(recalls) if recalls else nan,
    )


def range_reward(ranges, others, existence):
    """Mean reward of `[(start, end)]` for how others overlap them (flat bias, reciprocal cardinality)."""
    rewards = []
    for start, end in ranges:
        own = set(range(start, end + 1))
        overlaps = [len(own & set(range(a, b + 1))) for a, b in others]
        pieces = sum(size > 0 for size in overlaps)
        share = sum(size / len(own) for size in overlaps) / pieces if pieces else 0.0
        rewards.append(existence * (pieces > 0) + (1 - existence) * share)
    return sum(rewards) / len(rewards) if rewards else float("nan")


def range_areas(truth, score, buffer_size):
    """Areas of the range-based curves, one threshold after another."""
    n = len(truth)
    label = [float(value) for value in truth]
    for i in range(n):
        for j in range(n):
            if truth[j] and not truth[i] and abs(i - j) <= buffer_size // 2:
                edge = not truth[j - 1] if i < j and j else (j + 1 < n and not truth[j + 1]) or i < j
                if edge:
                    label[i] += math.sqrt(1 - abs(i - j) / buffer_size)
    label = [min(value, 1.0) for value in label]
    ranges = consecutive([i for i in range(n) if label[i] > 0])
    positives = (sum(truth) + sum(label)) / 2
    points = [(0.0, 1.0, 0.0)]
    for threshold in sorted(set(score), reverse=True):
        flagged = [i for i in range(n) if score[i] >= threshold]
        hits = sum(label[i] for i in flagged)
        found = sum(any(i in flagged for i in one) for one in ranges) / len(ranges)
        recall = min(hits / positives, 1.0) * found
        points.append((recall, hits / len(flagged), min((len(flagged) - hits) / (n - positives), 1.0)))
    precision_area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points))
    curve = [(point[2], point[0]) for point in points] + [(1.0, 1.0)]
    roc_area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(curve))
    return precision_area, roc_area


def consecutive(indices):
    """Lists of consecutive integers."""
    groups = []
    for index in indices:
        if groups and index == groups[-1][-1] + 1:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def nab(detections, windows, false_positive, false_negative):
    """NAB's normalised score of one series, from the paper's formulas."""

    def sigmoid(position):
        return -1.0 if position > 3 else 2 / (1 + math.exp(5 * position)) - 1

    raw, found = 0.0, set()
    for sample in sorted(detections):
        inside = [window for window in windows if window[0] <= sample <= window[1]]
        if inside:
            start, end = inside[0]
            if inside[0] not in found:
                raw += sigmoid(-(end - sample + 1) / (end - start + 1)) / sigmoid(-1)
                found.add(inside[0])
            continue
        before = [window for window in windows if window[1] < sample]
        if before:
            start, end = max(before)
            raw += false_positive * sigmoid((sample - end) / max(end - start, 1))
        else:
            raw -= false_positive
    raw -= false_negative * (len(windows) - len(found))
    nothing = -false_negative * len(windows)
    return 100 * (raw - nothing) / (len(windows) - nothing)
