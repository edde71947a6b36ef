"""Forecasts some samples ahead."""

import numpy as np
import pytest

from tests import naive_forecasting
from tests.checks import SMALL
from tests.conftest import wave_channel
from workbench.detection.forecasters import FORECASTERS
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.ridge import RidgeForecaster
from workbench.exceptions import ForecasterError
from workbench.forecasting import horizon
from workbench.forecasting.backtest import backtest
from workbench.forecasting.horizon import choose_origins, forecast_errors, forecast_from, truths
from workbench.telemetry.schema import inputs, make_channel

X = {"channel": "X-1", "asset": "X"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name == "lstm" else []) for name in sorted(FORECASTERS)]
)
@pytest.mark.parametrize("steps", [1, 3, 8])
def test_forecasts_equal_those_made_one_at_a_time(name: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(horizon, "_MAX_WINDOWS_AT_ONCE", 7)
    options = {"sequence_length": 12, "prediction_horizon": 3} | SMALL.get(name, {})
    forecaster = FORECASTERS[name](**options).fit(wave_channel(n=300))
    test = wave_channel(n=80, seed=1)
    origins = choose_origins(11, 79, 20)
    found = forecast_from(forecaster, test, origins, steps)
    expected = [naive_forecasting.forecast(forecaster, inputs(test), origin, steps) for origin in origins.tolist()]
    assert found.shape == (20, steps)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_wave_goes_on_far_beyond_the_horizon() -> None:
    wave = make_channel(np.sin(np.arange(1500) / 7), channel="X-1", asset="X")
    forecaster = RidgeForecaster().fit(wave)
    errors = forecast_errors(forecaster, wave, np.array([400, 900]), 100)
    assert np.abs(errors).max() < 0.1


def test_errors_are_those_of_the_samples_that_came() -> None:
    series = make_channel(np.arange(10.0) ** 2, channel="X-1", asset="X")
    forecaster = PersistenceForecaster(sequence_length=3, prediction_horizon=2).fit(series)
    errors = forecast_errors(forecaster, series, np.array([4, 8]), 3)
    np.testing.assert_array_equal(errors, [[25 - 16, 36 - 16, 49 - 16], [81 - 64, np.nan, np.nan]])
    np.testing.assert_array_equal(truths(series, np.array([8]), 2), [[81, np.nan]])


def test_the_last_value_stands_for_a_missing_one_and_a_missing_truth_is_none() -> None:
    values = [0.0, 1.0, 4.0, 9.0, np.nan, 25.0, np.nan, 49.0]
    series = make_channel(values, **X)
    forecaster = PersistenceForecaster(sequence_length=3, prediction_horizon=2).fit(make_channel(range(9), **X))
    errors = forecast_errors(forecaster, series, np.array([4, 5]), 3)
    np.testing.assert_array_equal(errors, [[25 - 9, np.nan, 49 - 9], [np.nan, 49 - 25, np.nan]])
    compared = backtest(forecaster, series, np.array([4, 5]), 3, np.zeros((0, 3)))
    assert compared["last"].values.tolist() == [9, 25]


@pytest.mark.parametrize(("origin", "steps", "message"), [(10, 1, "must lie"), (80, 1, "must lie"), (20, 0, "steps")])
def test_what_cannot_be_forecast_is_refused(origin: int, steps: int, message: str) -> None:
    test = wave_channel(n=80)
    forecaster = PersistenceForecaster(sequence_length=12, prediction_horizon=3).fit(test)
    with pytest.raises(ForecasterError, match=message):
        forecast_from(forecaster, test, np.array([origin]), steps)
    assert forecast_from(forecaster, test, choose_origins(50, 40, 5), 4).shape == (0, 4)
