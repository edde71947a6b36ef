"""Correlation at the best lag: against a loop over lags, and on channels that are known to follow each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive_similarity import best_lag
from workbench.detection.correlation import correlated_channels, lagged_correlation
from workbench.exceptions import DetectionError


@given(st.integers(0, 2**32 - 1), st.integers(0, 70), st.integers(3, 40), st.integers(0, 30))
def test_the_best_lag_is_that_of_a_loop_over_lags(seed, start, size, max_lag):
    random = np.random.default_rng(seed)
    values, other = random.normal(size=120), random.normal(size=100)
    lag, correlation = lagged_correlation(values, other, start, start + size - 1, max_lag)
    expected = best_lag(values, other, start, start + size - 1, max_lag)
    assert correlation == pytest.approx(expected[1], nan_ok=True)
    if np.isfinite(correlation):
        assert lag == expected[0]


def test_channels_that_follow_and_lead_are_ranked_and_constant_ones_left_out():
    wave = np.sin(np.arange(600) / 9) + np.random.default_rng(0).normal(0, 0.05, 600)
    series = {
        "own": wave,
        "later": np.roll(wave, 12),
        "against": -np.roll(wave, -5),
        "noise": np.random.default_rng(1).normal(size=600),
        "constant": np.full(600, 3.3, dtype=np.float32),
        "short": wave[:50],
        "missing": np.full(600, np.nan),
    }
    series["later"][[210, 240, 241, 300]] = np.nan
    table, left_out = correlated_channels("own", 200, 320, series.items(), max_lag=20)
    assert sorted(left_out) == ["constant", "missing", "short"]
    assert set(table["channel"][:2]) == {"later", "against"}
    lags = table.set_index("channel")["lag"]
    assert (lags["later"], lags["against"]) == (12, -5)
    assert table["correlation"].abs().is_monotonic_decreasing
    assert table.set_index("channel")["correlation"]["against"] == pytest.approx(-1)


def test_a_channel_that_is_not_there_is_refused():
    with pytest.raises(DetectionError, match="not among"):
        correlated_channels("A", 0, 5, [("B", np.arange(10))])
