"""Backtests, and forecasters side by side."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests import naive_forecasting
from tests.conftest import wave_channel
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.ridge import RidgeForecaster
from workbench.exceptions import DetectionError
from workbench.forecasting.backtest import backtest
from workbench.forecasting.conformal import conformal_width
from workbench.forecasting.horizon import choose_origins, forecast_errors
from workbench.forecasting.skill import SKILL_COLUMNS, skill_by_lead, skill_table
from workbench.telemetry.schema import make_channel

SMALL = {"sequence_length": 12, "prediction_horizon": 3}
STEPS = 6


@pytest.fixture(scope="module")
def backtests() -> dict[str, xr.Dataset]:
    train, test = wave_channel(n=600), wave_channel(n=400, seed=1)
    origins = choose_origins(11, 399, 120)
    found = {}
    for name, kind in (("ridge", RidgeForecaster), ("persistence", PersistenceForecaster)):
        forecaster = kind(**SMALL).fit(train)
        calibration = forecast_errors(forecaster, train, choose_origins(11, 590, 200), STEPS)
        found[name] = backtest(forecaster, test, origins, STEPS, calibration, 0.8)
        np.testing.assert_array_equal(found[name].fixed_width, conformal_width(calibration, 0.8))
    return found


def test_backtest_holds_what_was_forecast_and_what_came(backtests: dict[str, xr.Dataset]) -> None:
    test = wave_channel(n=400, seed=1)["telemetry"].values
    found = backtests["persistence"]
    assert found.lead.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert found.attrs["prediction_horizon"] == 3
    np.testing.assert_array_equal(found["last"], test[found.origin])
    np.testing.assert_array_equal(found.forecast, np.repeat(test[found.origin][:, None], STEPS, axis=1))
    np.testing.assert_array_equal(found.truth[0], test[12:18])
    assert found.origin[-1] == 399
    assert found.truth[-1].isnull().all()
    assert np.isfinite(found.width).all()


def test_figures_equal_their_definitions(backtests: dict[str, xr.Dataset]) -> None:
    by_lead, table = skill_by_lead(backtests), skill_table(backtests).set_index("forecaster")
    for name, found in backtests.items():
        last = np.repeat(found["last"].values[:, None], STEPS, axis=1)
        columns = [values for values in (found.forecast.values, found.truth.values, last, found.width.values)]
        for lead in range(STEPS):
            expected = naive_forecasting.judge(*(values[:, lead] for values in columns))
            for figure, value in expected.items():
                assert by_lead[figure].sel(forecaster=name).values[lead] == pytest.approx(value, abs=1e-12), figure
        for figure, value in naive_forecasting.judge(*(values.ravel() for values in columns)).items():
            assert table.loc[name, figure] == pytest.approx(value, abs=1e-12), figure


def test_the_better_forecaster_comes_first_and_persistence_has_no_skill(backtests: dict[str, xr.Dataset]) -> None:
    table = skill_table(backtests)
    assert tuple(table.columns) == SKILL_COLUMNS
    assert table["forecaster"].tolist() == ["ridge", "persistence"]
    assert table["skill"].tolist()[1] == 0
    assert table["skill"].tolist()[0] > 0.3
    assert table["coverage"].between(0.75, 0.9).all()


def test_what_cannot_be_said_is_nan() -> None:
    constant = make_channel(np.full(100, 3.0), channel="X-1", asset="X")
    forecaster = PersistenceForecaster(**SMALL).fit(constant)
    found = backtest(forecaster, constant, choose_origins(11, 99, 50), 2, np.zeros((50, 2)))
    figures = skill_table({"persistence": found}).iloc[0]
    assert (figures["mae"], figures["coverage"]) == (0, 1)
    assert figures[["r2", "skill"]].isna().all()
    future = skill_table({"persistence": found.isel(origin=[-1])}).iloc[0]
    assert future["samples"] == 0
    assert pd.isna(future["mae"])
    assert pd.isna(future["coverage"])


def test_only_the_same_forecasts_are_compared(backtests: dict[str, xr.Dataset]) -> None:
    with pytest.raises(DetectionError, match="no forecaster"):
        skill_table({})
    with pytest.raises(DetectionError, match="persistence was tried from other origins"):
        skill_by_lead(backtests | {"persistence": backtests["persistence"].isel(origin=slice(9))})
