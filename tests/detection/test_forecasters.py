"""Forecasters: what all must do (tests/checks.py), and what is special about persistence, ridge and the registry."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.checks import check_forecaster
from tests.conftest import wave_channel
from workbench.detection.forecasters import FORECASTERS
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.ridge import RidgeForecaster
from workbench.detection.scaling import Scaling
from workbench.exceptions import ForecasterError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_nasa
from workbench.telemetry.schema import inputs, make_channel


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name == "lstm" else []) for name in sorted(FORECASTERS)]
)
def test_every_forecaster_keeps_the_protocol(name: str) -> None:
    check_forecaster(FORECASTERS[name])


def test_registry_refuses_duplicates_and_wrong_names() -> None:
    class Other(PersistenceForecaster):
        name = "other"

    with pytest.raises(ForecasterError, match="already a forecaster 'ridge'"):
        FORECASTERS["ridge"] = RidgeForecaster
    with pytest.raises(ForecasterError, match="names itself 'other'"):
        FORECASTERS["another"] = Other
    assert "another" not in FORECASTERS


def test_importing_forecasters_is_cheap() -> None:
    code = (
        "import sys, workbench.detection.forecasters\n"
        "print(*sorted({'tensorflow', 'keras', 'onnx', 'onnxruntime', 'mlflow', 'bokeh'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_persistence_predicts_the_sample_before() -> None:
    test = wave_channel(n=400)
    predicted = PersistenceForecaster().fit(test).predict(test)
    assert np.array_equal(predicted, inputs(test)[249:389, 0])


def naive_ridge(channel, learned, alpha, *, length, horizon, telemetry_lags, command_lags):
    """Ridge regression of step 0 by its definition: all lags as a matrix, least squares with a penalty."""
    values = inputs(channel).astype(np.float64)
    rows, targets = [], []
    for i in range(len(values) - length - horizon):
        window = values[i : i + length]
        rows.append(np.concatenate([window[-telemetry_lags:, 0], window[-command_lags:, 1:].ravel()]))
        targets.append(values[i + length, 0])
    rows, targets = np.array(rows), np.array(targets)
    mean, target_mean = rows[learned].mean(axis=0), targets[learned].mean()
    centred = rows[learned] - mean
    penalty = alpha * (centred**2).sum() / centred.shape[1]
    stacked = np.concatenate([centred, np.sqrt(penalty) * np.eye(centred.shape[1])])
    aims = np.concatenate([targets[learned] - target_mean, np.zeros(centred.shape[1])])
    weights = np.linalg.lstsq(stacked, aims, rcond=None)[0]
    return (rows - mean) @ weights + target_mean


@pytest.mark.parametrize("chunk", [7, 512])
def test_ridge_equals_its_definition(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.detection import ridge
    from workbench.detection.windows import split_windows

    monkeypatch.setattr(ridge, "_CHUNK_WINDOWS", chunk)
    train = wave_channel(n=300)
    train.attrs["source"] = "NASA SMAP/MSL"  # whose inputs are taken as they are, as the definition takes them
    options = {"telemetry_lags": 6, "command_lags": 4}
    forecaster = RidgeForecaster(sequence_length=12, prediction_horizon=3, **options).fit(train, seed=5)
    learned = split_windows(285, seed=5)[0]
    expected = naive_ridge(train, learned, forecaster.metrics["alpha"], length=12, horizon=3, **options)
    np.testing.assert_allclose(forecaster.predict(train), expected, atol=1e-5)


def test_ridge_learns_a_command_that_acts_after_a_delay() -> None:
    random = np.random.default_rng(0)
    command = (random.random(3000) < 0.1).astype(np.int8)
    telemetry = np.zeros(3000)
    telemetry[5:] = command[:-5]
    channel = make_channel(telemetry, command[:, None], channel="X-1", asset="X")
    ridge, persistence = RidgeForecaster().fit(channel), PersistenceForecaster().fit(channel)
    assert ridge.metrics["validation_error"] < 0.001 < 0.1 < persistence.metrics["validation_error"]


def test_ridge_predicts_every_step_of_a_wave() -> None:
    wave = np.sin(np.arange(1000) / 7)
    forecaster = RidgeForecaster().fit(make_channel(wave, channel="X-1", asset="X"))
    window = wave[300:550, None].astype(np.float32)
    np.testing.assert_allclose(forecaster.predict_window(window), wave[550:560], atol=0.01)


def test_lags_beyond_the_window_are_not_used() -> None:
    channel = wave_channel(n=200)
    small = {"sequence_length": 10, "prediction_horizon": 2}
    beyond = RidgeForecaster(**small, telemetry_lags=99, command_lags=99).fit(channel)
    within = RidgeForecaster(**small, telemetry_lags=10, command_lags=10).fit(channel)
    assert np.array_equal(beyond.predict(channel), within.predict(channel))


@pytest.mark.parametrize("options", [{"sequence_length": 0}, {"prediction_horizon": 0}, {"telemetry_lags": 0}])
def test_hyperparameters_are_checked(options: dict[str, int]) -> None:
    with pytest.raises(ForecasterError, match=next(iter(options))):
        RidgeForecaster(**options)


@pytest.mark.parametrize(
    ("telemetry", "source", "expected"),
    [
        ([-4.0, 5.0], "NASA SMAP/MSL", (0.0, 1.0)),  # scaled already
        ([-4.0, 5.0], "", (0.5, 4.5)),
        ([-4e-6, 5e-6], "pump.csv", (5e-7, 4.5e-6)),
        ([3.0, 3.5], "pump.csv", (3.25, 0.25)),
        ([27.5, 27.5], "pump.csv", (27.5, 1.0)),
    ],
)
def test_scaling_rule(telemetry: list[float], source: str, expected: tuple[float, float]) -> None:
    channel = make_channel(telemetry, [[0], [1]], channel="X-1", asset="X", source=source)
    scaling = Scaling.of(channel)
    assert (scaling.offset[0], scaling.scale[0]) == pytest.approx(expected, rel=1e-6)
    assert (scaling.offset[1], scaling.scale[1]) == (0.0, 1.0)
    scaled = scaling.apply(inputs(channel))
    np.testing.assert_allclose(scaling.restore(scaled[:, 0]), telemetry, rtol=1e-6)


@pytest.mark.parametrize("power", [-6, -2, 2, 6])
@pytest.mark.parametrize("units", ["", "1", "V"])
def test_a_forecast_in_other_units_is_the_same_forecast(power: int, units: str) -> None:
    train = wave_channel(n=500)
    train.attrs["units"] = units
    other = train.assign(telemetry=train["telemetry"] * np.float32(10.0**power))
    small = {"sequence_length": 20, "prediction_horizon": 3}
    expected, found = (RidgeForecaster(**small).fit(series).predict(series) for series in (train, other))
    np.testing.assert_allclose(found / 10.0**power, expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.nasa
def test_nasa_channels_are_taken_as_scaled(nasa_zip: Path, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive.zarr")
    import_nasa(nasa_zip, archive)
    assert len(archive.channels()) == 82
    for name in archive.channels():
        scaling = Scaling.of(archive.open(name, "train"))
        assert set(scaling.offset) == {0.0}
        assert set(scaling.scale) == {1.0}
