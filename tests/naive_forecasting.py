"""Slow oracles of forecasting: one forecast, one error, one window at a time."""

import math

import numpy as np


def forecast(forecaster, values, origin, steps):
    """Forecast after one origin; beyond the horizon from its own predictions, commands as they were."""
    seen = [row.copy() for row in values[: origin + 1]]
    found = []
    while len(found) < steps:
        predicted = forecaster.predict_window(np.array(seen[-forecaster.sequence_length :], dtype=np.float32))
        for value in predicted:
            row = seen[-1].copy()
            row[0] = value
            seen.append(row)
            found.append(value)
    return np.array(found[:steps])


def width(errors, confidence):
    """Smallest width at which at least ceil((n + 1) confidence) errors are no larger; infinite where none is."""
    known = [abs(error) for error in errors if not math.isnan(error)]
    wanted = math.ceil(round((len(known) + 1) * confidence, 9))
    fitting = [bound for bound in known if sum(error <= bound for error in known) >= wanted]
    return min(fitting, default=math.inf)


def tracked(errors, origins, start, confidence, lead, recent=100):
    """Widths at each origin for one lead time, from scratch for every origin."""
    widths = []
    for now in origins:
        width = start
        for j, origin in enumerate(origins):
            if origin + lead > now or math.isnan(errors[j]):
                continue
            sizes = [start] * recent + [0.0 if math.isnan(error) else abs(error) for error in errors[: j + 1]]
            step = 0.2 * sorted(sizes[-recent:])[89]
            missed = abs(errors[j]) > widths[j]
            width = max(0.0, width + step * (confidence if missed else confidence - 1))
        widths.append(width)
    return widths


def judge(forecasts, truths, lasts, widths):
    """MAE, RMSE, R2, skill and coverage of forecasts, by the sums of their definitions."""
    rows = [row for row in zip(forecasts, truths, lasts, widths, strict=True) if not math.isnan(row[1])]
    n = len(rows)
    squares = sum((truth - forecast) ** 2 for forecast, truth, _, _ in rows)
    mean = sum(truth for _, truth, _, _ in rows) / n
    spread = sum((truth - mean) ** 2 for _, truth, _, _ in rows)
    persisted = sum((truth - last) ** 2 for _, truth, last, _ in rows)
    return {
        "mae": sum(abs(truth - forecast) for forecast, truth, _, _ in rows) / n,
        "rmse": math.sqrt(squares / n),
        "r2": 1 - squares / spread,
        "skill": 1 - squares / persisted,
        "coverage": sum(abs(truth - forecast) <= width for forecast, truth, _, width in rows) / n,
        "width": sum(width for *_, width in rows) / n,
        "samples": n,
    }


def classical(values, period):
    """Trend inside, seasonal part and remainder of the additive classical decomposition; None at the ends."""
    n, half = len(values), period // 2
    trend = [None] * n
    for i in range(half, n - half):
        if period % 2:
            trend[i] = sum(values[i - half : i + half + 1]) / period
        else:
            inner = sum(values[i - half + 1 : i + half])
            trend[i] = (values[i - half] / 2 + inner + values[i + half] / 2) / period
    return trend


def seasonal(values, trend, period):
    """Mean of what the trend leaves at each place of the period, less the mean of these."""
    means = [
        float(np.mean([values[i] - trend[i] for i in range(place, len(values), period)])) for place in range(period)
    ]
    centre = sum(means) / period
    return [means[i % period] - centre for i in range(len(values))]


def sampled_probability(failures, watched, days, n=200_000):
    """Mean and 90 % interval of the probability of a failure, by drawing rates from their distribution."""
    rates = np.random.default_rng(0).gamma(failures + 0.5, 1 / watched, n)
    chances = 1 - np.exp(-rates * days)
    return chances.mean(), *np.quantile(chances, [0.05, 0.95])
