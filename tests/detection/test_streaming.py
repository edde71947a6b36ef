"""Streaming: what arrives sample by sample is judged as the whole series is."""

from itertools import pairwise

import numpy as np
import pytest

from tests.conftest import wave_channel
from tests.detection.lstm.test_forecaster import random_weights
from workbench.detection.errors import prediction_error, smooth
from workbench.detection.forecasters import FORECASTERS, Forecaster
from workbench.detection.lstm.forecaster import LSTMForecaster
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.ridge import RidgeForecaster
from workbench.detection.streaming import Decision, StreamingDetector
from workbench.detection.thresholds import Moments, find_epsilon
from workbench.exceptions import DetectionError, ForecasterError
from workbench.parameters import TelemanomParams
from workbench.telemetry.schema import inputs, make_channel

PARAMS = TelemanomParams(
    sequence_length=20, prediction_horizon=3, batch_size=20, window_size=15, error_buffer=10, smoothing_fraction=0.02
)
WINDOW = 300


@pytest.fixture(params=["persistence", "ridge", "lstm"])
def forecaster(request: pytest.FixtureRequest) -> Forecaster:
    small = {"sequence_length": 20, "prediction_horizon": 3}
    if request.param == "lstm":
        return LSTMForecaster.from_weights(random_weights(2, (6, 5), 3), sequence_length=20)
    return FORECASTERS[request.param](**small).fit(wave_channel(n=500))


def stream(forecaster: Forecaster, values: np.ndarray, params: TelemanomParams = PARAMS) -> list[Decision]:
    detector = StreamingDetector(forecaster, params)
    return [detector.push(sample) for sample in values]


def test_stream_equals_batch(forecaster: Forecaster) -> None:
    channel = wave_channel(n=700, seed=4, spike=500)
    decisions = stream(forecaster, inputs(channel))
    assert [decision.sample for decision in decisions] == list(range(700))
    assert all(np.isnan(decision.prediction) and not decision.anomalous for decision in decisions[:20])
    assert [decision.forecast.size for decision in decisions[:20]] == [0] * 19 + [3]
    batch = forecaster.predict(channel)
    judged = decisions[20:-3]
    np.testing.assert_allclose([decision.prediction for decision in judged], batch, atol=1e-5)
    assert all(now.prediction == before.forecast[0] for before, now in pairwise(decisions[19:]))
    exact = [decision.prediction for decision in judged]
    error = prediction_error(channel.telemetry, exact, PARAMS)
    assert np.array_equal([decision.prediction_error for decision in judged], error)
    smoothed = smooth(error, PARAMS)
    np.testing.assert_allclose([decision.smoothed_error for decision in judged[20:]], smoothed[20:], rtol=1e-12)
    assert all(np.isnan(decision.epsilon) for decision in judged[:39])
    for i in (39, 40, 250, 299, 300, 301, 500, 676):
        window = smoothed[max(0, i + 1 - WINDOW) : i + 1]
        assert judged[i].epsilon == pytest.approx(find_epsilon(window, Moments.of(window), PARAMS), rel=1e-9)


def test_a_missing_sample_gives_no_decision(forecaster: Forecaster) -> None:
    channel = wave_channel(n=700, seed=4, spike=500)
    values = inputs(channel)
    missing = np.isin(np.arange(700), [0, 1, 60, *range(200, 206), *range(400, 480), 498])
    values[missing, 0] = np.nan
    decisions = stream(forecaster, values)
    gappy = channel.assign(telemetry=("time", values[:, 0]))
    judged = decisions[20:-3]
    exact = [decision.prediction for decision in judged]
    np.testing.assert_allclose(exact, forecaster.predict(gappy), atol=1e-5)
    error = prediction_error(values[:, 0], exact, PARAMS)
    assert np.array_equal([decision.prediction_error for decision in judged], error, equal_nan=True)
    assert np.flatnonzero(np.isnan(error)).tolist() == [40, *range(180, 186), *range(380, 470), 478]
    smoothed = smooth(error, PARAMS)
    np.testing.assert_allclose([decision.smoothed_error for decision in judged[20:]], smoothed[20:], rtol=1e-12)
    assert not any(decision.anomalous for decision in decisions if np.isnan(decision.prediction_error))
    for i in (39, 300, 479, 500, 676):
        window = smoothed[max(0, i + 1 - WINDOW) : i + 1]
        assert judged[i].epsilon == pytest.approx(find_epsilon(window, Moments.of(window), PARAMS), rel=1e-9)


def test_a_stream_that_begins_without_a_value_waits_for_one() -> None:
    fitted = PersistenceForecaster(sequence_length=4, prediction_horizon=1).fit(wave_channel(n=100))
    params = PARAMS.model_copy(update={"sequence_length": 4, "prediction_horizon": 1})
    values = np.array([[np.nan, 0]] * 6 + [[5.0, 0], [7.0, 0], [7.0, 0], [8.0, 0]])
    decisions = stream(fitted, values, params)
    assert np.isnan([decision.prediction for decision in decisions[:7]]).all()
    assert [decision.prediction for decision in decisions[7:]] == [5, 7, 7]
    # 3 of 4 samples in a row are missing before the sample 7, and no more than 2 before the sample 8.
    assert np.array_equal([decision.prediction_error for decision in decisions[7:]], [np.nan, 0, 1], equal_nan=True)


def test_only_the_spike_is_anomalous() -> None:
    telemetry = np.sin(np.arange(900) / 25) + np.random.default_rng(0).normal(0, 0.01, 900)
    train = make_channel(telemetry, channel="X-1", asset="X")
    telemetry[600:640] += 1.5
    forecaster = RidgeForecaster(sequence_length=20, prediction_horizon=3).fit(train)
    decisions = stream(forecaster, telemetry[:, None])
    anomalous = [decision.sample for decision in decisions if decision.anomalous]
    assert anomalous[0] == 600
    assert 640 <= anomalous[-1] < 680
    assert all(decisions[sample].smoothed_error >= decisions[sample].epsilon for sample in anomalous)


def test_a_series_that_never_errs_has_no_anomaly() -> None:
    flat = make_channel(np.full(500, 3.0), channel="X-1", asset="X")
    forecaster = PersistenceForecaster(sequence_length=20, prediction_horizon=3).fit(flat)
    decisions = stream(forecaster, inputs(flat))
    assert not any(decision.anomalous for decision in decisions)
    assert decisions[-1].smoothed_error == decisions[-1].epsilon == 0


def test_errors_small_beside_the_telemetry_are_no_anomaly() -> None:
    telemetry = np.zeros(500)
    telemetry[400:] = 0.04  # below Telemanom's least error of 0.05, however many deviations it is
    channel = make_channel(telemetry, channel="X-1", asset="X")
    forecaster = PersistenceForecaster(sequence_length=20, prediction_horizon=3).fit(channel)
    decisions = stream(forecaster, inputs(channel))
    assert decisions[400].smoothed_error > decisions[400].epsilon
    assert not any(decision.anomalous for decision in decisions)


def test_bad_samples_leave_the_stream_as_it_was() -> None:
    channel = wave_channel(n=200)
    forecaster = RidgeForecaster(sequence_length=20, prediction_horizon=3).fit(channel)
    values = inputs(channel)
    expected = stream(forecaster, values)
    detector = StreamingDetector(forecaster, PARAMS)
    decisions = []
    for number, sample in enumerate(values):
        with pytest.raises(ForecasterError, match="telemetry is inf"):
            detector.push([np.inf, 0])
        with pytest.raises(ForecasterError, match="command 0 is nan"):
            detector.push([0, np.nan])
        with pytest.raises(ForecasterError, match=rf"Sample {number} has shape \(3,\)"):
            detector.push([0, 0, 0])
        decisions.append(detector.push(sample))
    assert [repr(decision) for decision in decisions] == [repr(decision) for decision in expected]


def test_the_windows_are_the_forecasters() -> None:
    fitted = PersistenceForecaster(sequence_length=20, prediction_horizon=3).fit(wave_channel(n=100))
    detector = StreamingDetector(fitted)  # whose parameters say 250 and 10
    assert (detector.params.sequence_length, detector.params.prediction_horizon) == (20, 3)
    channel = wave_channel(n=100)
    expected = fitted.predict(channel)
    decisions = [detector.push(sample) for sample in inputs(channel)]
    assert [decision.prediction for decision in decisions[20:-3]] == expected.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2.0**-30, 1.0, 2.0**30])
def test_units_change_no_decision_where_the_least_error_is_a_share_of_the_range(scale: float) -> None:
    params = PARAMS.model_copy(update={"least_error_of": "range"})
    train, test = wave_channel(n=500), wave_channel(n=700, seed=4, spike=500)
    decisions = {}
    for factor in (1.0, scale):
        own, other = (made.assign(telemetry=made["telemetry"] * np.float32(factor)) for made in (train, test))
        detector = StreamingDetector(
            PersistenceForecaster(sequence_length=20, prediction_horizon=3).fit(own), params, own
        )
        decisions[factor] = [detector.push(sample).anomalous for sample in inputs(other)]
    assert any(decisions[1.0])
    assert decisions[scale] == decisions[1.0]


def test_where_training_was_constant_any_change_is_large() -> None:
    train = make_channel(np.full(100, 3.0), channel="X-1", asset="X")
    telemetry = np.full(700, 3.0)
    telemetry[500:530] += 1e-3  # far below Telemanom's least error of 0.05
    forecaster = PersistenceForecaster(sequence_length=20, prediction_horizon=3).fit(train)
    params = PARAMS.model_copy(update={"least_error_of": "range"})
    detector = StreamingDetector(forecaster, params, train)
    decisions = [detector.push([value]) for value in telemetry]
    assert next(decision.sample for decision in decisions if decision.anomalous) == 500
    assert not any(decision.anomalous for decision in stream(forecaster, telemetry[:, None]))


def test_a_forecaster_that_is_not_fitted_is_refused() -> None:
    with pytest.raises(DetectionError, match="ridge forecaster is not fitted"):
        StreamingDetector(RidgeForecaster())
