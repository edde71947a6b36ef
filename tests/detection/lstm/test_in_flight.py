"""Predictions that go on where the last ones ended: the bits of a prediction of the whole series."""

import numpy as np
import pytest
import xarray as xr

from tests.detection.lstm.test_forecaster import naive_lstm, random_weights
from tests.detection.lstm.test_inference import KINDS, TOLERANCE, series, weights_that
from workbench.detection.lstm import in_flight
from workbench.detection.lstm.forecaster import LSTMForecaster
from workbench.detection.lstm.in_flight import Following
from workbench.detection.lstm.inference import block_windows, predict_series
from workbench.exceptions import ForecasterError
from workbench.telemetry.schema import make_channel


def channel_of(values: np.ndarray) -> xr.Dataset:
    return make_channel(values[:, 0], values[:, 1:], channel="X-1", asset="X")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [4, 9, 23, 40])
def test_going_on_at_random_places_is_the_whole(kind: str, length: int) -> None:
    """Several blocks of windows: 256 of a length of 4 and 9, 252 of 23, 504 of 40."""
    weights, values = weights_that(kind), series(1_400)
    count = len(values) - length + 1
    assert count > 2 * block_windows(length)
    whole = predict_series(weights, values, length, count)[:, 0]
    random = np.random.default_rng(length)
    following = Following(weights, length)
    place = int(random.integers(length, 2 * length))
    while place < count:
        end = min(count, place + int(random.integers(1, 60)))
        again = max(length, place - int(random.integers(0, 30)))  # some of them are asked for once more
        predicted = following.predict(again, end, lambda start, stop: values[start:stop])
        np.testing.assert_array_equal(predicted, whole[again:end])
        place = end
    some = np.array([length, count // 2, count - 1])
    right = np.array([naive_lstm(weights, values[one : one + length])[0] for one in some])
    np.testing.assert_allclose(whole[some], right, atol=TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_new_takes_steps(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, values = weights_that(kind), series(600)
    following, steps = Following(weights, 40), []
    advance = in_flight.InFlight.advance

    def counted(self: in_flight.InFlight, new: np.ndarray) -> object:
        steps.append(len(new))
        return advance(self, new)

    monkeypatch.setattr(in_flight.InFlight, "advance", counted)
    for end in range(210, 400, 10):
        following.predict(end - 10, end, lambda start, stop: values[start:stop])
    assert steps[-5:] == [10] * 5
    assert sum(steps) < 190 + 2 * 60  # it began anew once at most, to follow the windows by themselves


def test_a_series_that_has_changed_is_followed_anew() -> None:
    weights, values = weights_that("remembers"), series(600)
    following = Following(weights, 40)
    following.predict(200, 230, lambda start, stop: values[start:stop])
    changed = values.copy()
    changed[235, 0] = 0.7
    whole = predict_series(weights, changed, 40, 260)[:, 0]
    assert (whole[200:230] != predict_series(weights, values, 40, 260)[200:230, 0]).any()
    predicted = following.predict(220, 260, lambda start, stop: changed[start:stop])
    np.testing.assert_array_equal(predicted, whole[220:260])


@pytest.mark.parametrize("kind", KINDS)
def test_a_forecaster_that_goes_on_behind_removed_samples_has_the_same_bits(kind: str) -> None:
    values = series(1_500)
    forecaster = LSTMForecaster.from_weights(weights_that(kind), sequence_length=40)
    whole = LSTMForecaster.from_weights(weights_that(kind), sequence_length=40).predict(channel_of(values))
    removed = 333
    for end in (1_000, 1_009, 1_200, 1_201, 1_500):
        part = channel_of(values[removed:end])
        first = end - 43 - 9 - removed
        np.testing.assert_array_equal(forecaster.predict_from(part, first, removed), whole[first + removed : end - 43])


def test_a_block_whose_front_is_gone_is_refused() -> None:
    forecaster = LSTMForecaster.from_weights(random_weights(2, (5,), 3), sequence_length=40)
    with pytest.raises(ForecasterError, match="not there any more"):
        forecaster.predict_from(channel_of(series(900)), 100, removed=700)
