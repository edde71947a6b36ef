"""Slow oracles of `workbench.telemetry.quality`: plain loops over the definitions in its docstring."""

import itertools
import math
import statistics


def run_lengths(values: list[float]) -> list[int]:
    lengths: list[int] = []
    previous = math.nan
    for value in values:
        if math.isfinite(value):
            if value == previous:
                lengths[-1] += 1
            else:
                lengths.append(1)
        previous = value
    return lengths


def gaps(times: list[int]) -> tuple[int, int]:
    steps = [b - a for a, b in itertools.pairwise(times)]
    usual = statistics.median(steps)
    wide = [step for step in steps if step > 1.5 * usual]
    return len(wide), sum(round(step / usual) - 1 for step in wide)


def outliers(values: list[float]) -> float:
    if len(set(values)) <= 10:
        return 0.0
    distances, spreads = [], []
    for i, value in enumerate(values):
        before = statistics.median(values[max(j, 0)] for j in range(i - 5, i))
        after = statistics.median(values[min(j, len(values) - 1)] for j in range(i + 1, i + 6))
        distances.append(abs(value - (before + after) / 2))
        spreads.append(abs(before - after))
    deviation = 1.482602218505602 * statistics.median(distances)
    if deviation == 0:
        deviation = 1.2533141373155003 * statistics.fmean(distances)
    flagged = [d - 1.5 * s > 6 * deviation for d, s in zip(distances, spreads, strict=True)]
    return sum(flagged) / len(values)


def noise(values: list[float]) -> float:
    steps = [b - a for a, b in itertools.pairwise(values) if math.isfinite(b - a)]
    middle = statistics.median(steps)
    return 1.482602218505602 * statistics.median(abs(step - middle) for step in steps) / math.sqrt(2)


def psi(train: list[float], test: list[float]) -> float:
    levels = sorted(set(train))
    if len(levels) > 10:
        # the least sample that at least k tenths of all do not exceed
        reached = {k: [v for v in train if 10 * sum(w <= v for w in train) >= k * len(train)] for k in range(11)}
        levels = sorted({min(values) for values in reached.values()})

    def shares(values: list[float]) -> list[float]:
        counts = [0] * (len(levels) + 2)
        for value in values:
            place = (
                0 if value < levels[0] else next((i + 1 for i, e in enumerate(levels) if value <= e), len(levels) + 1)
            )
            counts[place] += 1
        return [max(count / len(values), 1e-4) for count in counts]

    return sum((q - p) * math.log(q / p) for p, q in zip(shares(train), shares(test), strict=True))


def ks(train: list[float], test: list[float]) -> float:
    def share_up_to(values: list[float], bound: float) -> float:
        return sum(value <= bound for value in values) / len(values)

    return max(abs(share_up_to(train, bound) - share_up_to(test, bound)) for bound in train + test)
