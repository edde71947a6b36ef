"""Trend, season and remainder."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import naive_forecasting
from workbench.exceptions import DetectionError
from workbench.forecasting.decomposition import decompose, find_period


@pytest.mark.slow
@given(st.integers(0, 1000), st.integers(2, 30), st.integers(60, 200))
def test_parts_equal_their_definitions_and_add_up(seed: int, period: int, n: int) -> None:
    values = np.random.default_rng(seed).normal(size=n).cumsum()
    found = decompose(values, period)
    np.testing.assert_allclose(found.trend + found.seasonal + found.remainder, values, atol=1e-9)
    for i, expected in enumerate(naive_forecasting.classical(values, period)):
        assert expected is None or found.trend.values[i] == pytest.approx(expected, abs=1e-9)
    expected = naive_forecasting.seasonal(values, found.trend.values, period)
    np.testing.assert_allclose(found.seasonal, expected, atol=1e-9)


@pytest.mark.parametrize("period", [7, 24, 100])
def test_a_line_with_a_season_comes_apart_as_it_was_made(period: int) -> None:
    n = period * 6
    line = 3 + np.arange(n) * 0.02
    season = np.sin(np.arange(n) / period * 2 * np.pi)
    found = decompose(line + season)
    assert found.attrs["period"] == period
    np.testing.assert_allclose(found.trend, line, atol=1e-6)
    np.testing.assert_allclose(found.seasonal, season, atol=1e-6)
    assert found.attrs["trend_strength"] > 0.99
    assert found.attrs["seasonal_strength"] > 0.99


def test_period_is_found_in_noise_and_not_invented() -> None:
    random = np.random.default_rng(0)
    wave = np.sin(np.arange(3000) / 90 * 2 * np.pi) + np.arange(3000) * 0.002
    assert find_period(wave + random.normal(0, 0.5, 3000)) == pytest.approx(90, abs=2)
    for values in (random.normal(size=3000), random.normal(size=50), np.full(500, 27.5), np.linspace(5, 9, 500)):
        assert find_period(values) is None
    assert find_period(np.zeros(3)) is None


def test_an_outage_hides_no_period_and_turns_no_trend() -> None:
    wave = np.sin(np.arange(3000) / 96 * 2 * np.pi)
    wave[2700:2750] = -40
    assert find_period(wave) == pytest.approx(96, abs=1)
    flat = np.ones(3000)
    flat[2600:2650] = -40
    assert decompose(flat).trend.values[-1] == pytest.approx(1, abs=0.1)


def test_shortest_of_equal_periods_is_taken() -> None:
    ticks = (np.arange(1000) % 20 == 0).astype(float)
    assert find_period(ticks) == 20


def test_missing_values_stay_missing_and_are_told() -> None:
    line = np.arange(60.0)
    gappy = line.copy()
    gappy[[0, 20, 21]] = np.nan
    parts = decompose(gappy, 6)
    np.testing.assert_array_equal(parts.observed, gappy)
    np.testing.assert_array_equal(np.isnan(parts.remainder), np.isnan(gappy))
    np.testing.assert_allclose(parts.trend[10:50], line[10:50], atol=1e-9)  # a line between neighbours of a line
    assert parts.attrs["note"] == "3 missing values interpolated"
    assert decompose(line, 6).attrs["note"] == ""


def test_without_a_season_there_is_none() -> None:
    walk = np.random.default_rng(1).normal(size=400)
    found = decompose(walk)
    assert (found.attrs["period"], found.attrs["seasonal_strength"]) == (0, 0)
    assert not found.seasonal.any()
    constant = decompose(np.full(50, 2.0))
    np.testing.assert_allclose(constant.trend, 2)
    assert constant.attrs["trend_strength"] == 0


@pytest.mark.parametrize(
    ("values", "period", "message"),
    [
        (np.array([1.0, np.inf, 2.0, 3.0, 4.0]), None, "one is infinite"),
        (np.array([1.0, np.nan, 2.0, np.nan, 4.0]), None, "fewer than 4 hold a value"),
        (np.ones(3), None, "fewer than 4"),
        (np.ones(20), 11, "between 2 and 10"),
        (np.ones(20), 1, "between 2 and 10"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused(values: np.ndarray, period: int | None, message: str) -> None:
    with pytest.raises(DetectionError, match=message):
        decompose(values, period)
