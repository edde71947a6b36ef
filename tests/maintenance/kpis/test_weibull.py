"""Weibull distribution of the times between failures, against the maximum of its likelihood by search."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize

from tests.maintenance.kpis.test_risk import END, events, outages, spans
from workbench.maintenance.kpis.risk import CONSTANT_RATE, WEIBULL, risk_table
from workbench.maintenance.kpis.weibull import fit_weibull


@pytest.mark.parametrize(("shape", "scale", "age"), [(0.7, 40.0, 3.0), (1.0, 5.0, 0.0), (3.0, 1e-4, 2e-4)])
def test_the_estimate_has_the_largest_likelihood(shape, scale, age):
    times = scale * np.random.default_rng(4).weibull(shape, 25)

    def loss(logs):
        law = stats.weibull_min(np.exp(logs[0]), scale=scale * np.exp(logs[1]))
        return -law.logpdf(times).sum() - (law.logsf(age) if age else 0.0)

    best = minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9})
    fit = fit_weibull(times, age)
    assert fit.shape == pytest.approx(np.exp(best.x[0]), rel=1e-4)
    assert fit.scale == pytest.approx(scale * np.exp(best.x[1]), rel=1e-4)


def test_wear_is_told_from_chance():
    """Failures every 9 days: after 8 days without one, the next two days are dangerous, and a rate does not know it."""
    times = [("SMAP", 9.0 * number + (-1) ** number) for number in range(1, 11)]  # days 8, 19, 26, ... 91
    table = risk_table(events(*times), spans((0, 100)), outages(), {"SMAP": 3}, days=2.0, until=END).iloc[0]
    few = risk_table(events(*times[1:]), spans((0, 100)), outages(), {"SMAP": 3}, days=2.0, until=END).iloc[0]
    assert (table["method"], table["failures"], few["method"], few["failures"]) == (WEIBULL, 10, CONSTANT_RATE, 9)
    assert few["probability"] == pytest.approx(1 - (100 / 102) ** 9.5)
    assert table["probability"] > 2 * few["probability"]
    assert table["low"] < table["probability"] < table["high"]


def test_failures_that_came_together_have_no_time_between_them():
    assert fit_weibull(np.array([3.0] * 8 + [0.0]), 1.0) is None
    assert fit_weibull(np.array([3.0] * 8), 1.0) is None
    same = events(*[("SMAP", 5.0)] * 12)
    row = risk_table(same, spans((0, 100)), outages(), {"SMAP": 3}, days=2.0, until=END).iloc[0]
    assert (row["method"], row["failures"]) == (CONSTANT_RATE, 12)
    assert not pd.isna(row["probability"])
