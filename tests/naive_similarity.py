"""Slow and plain: distances of segments, and correlations at each lag."""

import numpy as np


def z_distance(one, other):
    scaled = [(part - part.mean()) / part.std() for part in (one, other)]
    return float(np.sqrt(((scaled[0] - scaled[1]) ** 2).sum()))


def nearest_segments(channel, start, end, series, each):
    query, size, rows = series[channel][start : end + 1], end - start + 1, []
    for name, values in series.items():
        free = [at for at in range(len(values) - size + 1) if name != channel or abs(at - start) >= size]
        distances = {at: z_distance(query, values[at : at + size]) for at in free}
        for _ in range(each):
            if distances:
                best = min(distances, key=distances.get)
                rows.append((name, best, distances[best]))
                distances = {at: distance for at, distance in distances.items() if abs(at - best) >= size}
    return sorted(rows, key=lambda row: row[2])


def best_lag(values, other, start, end, max_lag):
    found = {}
    for lag in range(-max_lag, max_lag + 1):
        if start + lag >= 0 and end + lag < len(other):
            part = other[start + lag : end + lag + 1]
            if part.std() and values[start : end + 1].std():
                found[lag] = float(np.corrcoef(values[start : end + 1], part)[0, 1])
    return max(found.items(), key=lambda item: abs(item[1])) if found else (0, float("nan"))
