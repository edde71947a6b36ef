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


def share_within(errors, bound):
    known = [error for error in errors if not math.isnan(error)]
    return sum(-bound <= error <= bound for error in known) / len(known) if known else math.nan
