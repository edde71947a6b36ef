"""Predictions of all windows of a series: the equations, whether windows share runs or not."""

import os
import tracemalloc

import numpy as np
import pytest

from tests.detection.lstm.test_forecaster import naive_lstm, random_weights
from workbench.detection.lstm import inference as lstm_inference
from workbench.detection.lstm.inference import predict_alone, predict_series, predict_shared

TOLERANCE = 2e-6
KINDS = ["forgets", "remembers", "depends"]


def weights_that(kind: str, units: tuple[int, ...] = (5, 4), horizon: int = 3) -> dict[str, np.ndarray]:
    """A network that forgets where it began, one that does not, and one that does only while input 1 is off."""
    weights = random_weights(2, units, horizon)
    for layer, size in enumerate(units):
        forget = slice(size, 2 * size)
        if kind == "remembers":
            weights[f"lstm_{layer}.bias"][forget] = 8
        elif kind == "depends":
            weights[f"lstm_{layer}.bias"][forget] = -1
            if layer == 0:
                weights["lstm_0.kernel"][1, forget] = 12
    return weights


def series(n: int, seed: int = 0) -> np.ndarray:
    """Telemetry, and a command that is on in the third quarter."""
    values = np.random.default_rng(seed).uniform(-1, 1, (n, 2)).astype(np.float32)
    values[:, 1] = (np.arange(n) * 4 // n) == 2
    return values


def expected(weights: dict[str, np.ndarray], values: np.ndarray, length: int, windows: np.ndarray) -> np.ndarray:
    return np.array([naive_lstm(weights, values[i : i + length]) for i in windows])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("units", [(5,), (5, 4), (3, 6, 2)])
def test_every_window_has_the_prediction_of_the_equations(kind: str, units: tuple[int, ...]) -> None:
    weights, values = weights_that(kind, units), series(240)
    predicted = predict_series(weights, values, 40, 200)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, expected(weights, values, 40, np.arange(200)), atol=TOLERANCE)


def test_windows_share_runs_only_where_the_network_forgets() -> None:
    values = series(240)
    shares = {kind: predict_shared(weights_that(kind), values, 40, 200)[1] for kind in KINDS}
    assert shares["forgets"].all()
    assert not shares["remembers"].any()
    on = [values[i : i + 40, 1].all() for i in range(200)]
    off = [not values[i : i + 47, 1].any() for i in range(200)]
    assert not shares["depends"][on].any() and any(on)
    assert shares["depends"][off].all() and any(off)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_agreed_is_right_and_the_rest_is_computed_alone(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, values = weights_that(kind), series(240)
    shared, agreed = predict_shared(weights, values, 40, 200)
    right = expected(weights, values, 40, np.arange(200))
    np.testing.assert_allclose(shared[agreed], right[agreed], atol=TOLERANCE)
    if kind == "remembers":
        assert np.abs(shared - right).max() > 1e-3, "sharing would have made no difference: nothing is tested"
    alone = []

    def spy(weights: object, values: object, length: int, windows: np.ndarray) -> np.ndarray:
        alone.append(windows)
        return np.full((windows.size, 3), 7, np.float32)

    monkeypatch.setattr(lstm_inference, "predict_alone", spy)
    predicted = predict_series(weights, values, 40, 200)
    assert len(alone) == (not agreed.all())
    np.testing.assert_array_equal((predicted == 7).all(axis=1), ~agreed)
    np.testing.assert_array_equal(predicted[agreed], shared[agreed])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [255, 256, 257, 513])
def test_batches_meet_without_a_seam(kind: str, count: int) -> None:
    """A batch holds 128 runs, of 2 windows each here, or 256 windows alone."""
    weights, values = weights_that(kind), series(count + 12)
    predicted = predict_series(weights, values, 10, count)
    windows = np.array([i for i in (0, 1, 127, 128, 170, 171, 254, 255, 256, 257, 511, 512, count - 1) if i < count])
    np.testing.assert_allclose(predicted[windows], expected(weights, values, 10, windows), atol=TOLERANCE)


@pytest.mark.parametrize("length", [1, 4, 5, 9, 23])
@pytest.mark.parametrize("count", [1, 2, 6])
def test_short_series_and_windows(length: int, count: int) -> None:
    """No sample lies beyond the last window: runs of shared windows end outside the series."""
    for kind in KINDS:
        weights, values = weights_that(kind), series(length + count - 1)
        predicted = predict_series(weights, values, length, count)
        np.testing.assert_allclose(predicted, expected(weights, values, length, np.arange(count)), atol=TOLERANCE)


def test_windows_alone_need_not_be_neighbours() -> None:
    weights, values = weights_that("remembers"), series(120)
    windows = np.array([0, 3, 4, 50, 99])
    predicted = predict_alone(weights, values, 20, windows)
    np.testing.assert_allclose(predicted, expected(weights, values, 20, windows), atol=TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_processors_changes_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, values = weights_that(kind), series(700)
    results = []
    for cores in (1, 3, None):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        results.append(predict_series(weights, values, 10, 680))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("kind", ["forgets", "remembers"])
def test_memory_does_not_grow_with_the_series(kind: str) -> None:
    weights = weights_that(kind)

    def peak(count: int) -> int:
        values = series(count + 49)
        predict_series(weights, values[:200], 50, 100)
        tracemalloc.start()
        try:
            predict_series(weights, values, 50, count)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    short, long = peak(12_000), peak(36_000)
    predictions = 24_000 * 3 * 4
    assert long - short < 4 * predictions < 24_000 * 50 * 2 * 4 / 8, "an eighth of the windows themselves"
