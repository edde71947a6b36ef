"""The trend forecaster."""

import numpy as np
import pytest
from scipy.stats import theilslopes

from tests.checks import check_forecaster
from workbench.exceptions import ForecasterError
from workbench.forecasting.trend import TrendForecaster, theil_sen
from workbench.telemetry.schema import make_channel


def test_it_keeps_the_protocol() -> None:
    check_forecaster(TrendForecaster)


def test_lines_are_those_of_scipy() -> None:
    values = np.random.default_rng(0).normal(size=(20, 13)).cumsum(axis=1)
    slope, _ = theil_sen(values)
    np.testing.assert_allclose(slope, [theilslopes(row).slope for row in values])


def test_a_line_with_a_season_goes_on() -> None:
    at = np.arange(1000)
    series = 5 + 0.01 * at + np.sin(at / 48 * 2 * np.pi) + 0.3 * (at % 48 == 7)
    channel = make_channel(series, channel="X-1", asset="X")
    forecaster = TrendForecaster(sequence_length=500, prediction_horizon=300, period=48).fit(channel)
    windows = np.stack([channel["telemetry"].values[start : start + 500, None] for start in (0, 31, 200)])
    expected = np.stack([series[start + 500 : start + 800] for start in (0, 31, 200)])
    np.testing.assert_allclose(forecaster.predict_windows(windows), expected, atol=1e-4)


@pytest.mark.parametrize("period", [None, 50])
def test_a_quarter_of_outliers_does_not_turn_the_line(period: int | None) -> None:
    random = np.random.default_rng(1)
    series = np.linspace(0, 10, 2000) + random.normal(0, 0.01, 2000)
    series[600:1000] += 40
    channel = make_channel(series, channel="X-1", asset="X")
    forecaster = TrendForecaster(sequence_length=2000, prediction_horizon=1, period=period)
    forecaster.fit(make_channel(np.arange(2003), channel="X-1", asset="X"))
    found = forecaster.predict_window(channel["telemetry"].values[:, None])
    assert found[0] == pytest.approx(10, abs=0.3)


def test_a_window_must_hold_the_period_three_times() -> None:
    with pytest.raises(ForecasterError, match="at least 300"):
        TrendForecaster(sequence_length=299, period=100)
