"""Slow and plain: the distance of a shape to each window of a series, where values may be missing."""

import math


def window_distance(shape, window):
    """Root mean square difference of the z-normalised values that both have; None where it is undefined."""
    pairs = [(a, b) for a, b in zip(shape, window, strict=True) if a == a and b == b]
    if len(pairs) < 0.8 * sum(a == a for a in shape):
        return None
    scaled = []
    for values in zip(*pairs, strict=True):
        mean = math.fsum(values) / len(values)
        sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
        if sd < 1e-9 * max(1.0, abs(mean)):
            return None
        scaled.append([(value - mean) / sd for value in values])
    return math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(*scaled, strict=True)) / len(pairs))


def distances(shape, series):
    return [window_distance(shape, series[at : at + len(shape)]) for at in range(len(series) - len(shape) + 1)]
