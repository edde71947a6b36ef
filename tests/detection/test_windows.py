"""Windows, and the split that all forecasters share."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import wave_channel
from workbench.detection.windows import (
    check_finite,
    read_inputs,
    read_span,
    sliding,
    split_windows,
    unusable_windows,
    window_count,
)
from workbench.exceptions import ForecasterError
from workbench.telemetry.schema import make_channel


def test_windows_are_views_of_the_series() -> None:
    values = np.arange(24, dtype=np.float32).reshape(8, 3)
    windows = sliding(values, 5)
    assert windows.shape == (4, 5, 3)
    assert np.shares_memory(windows, values)
    for i in range(4):
        assert np.array_equal(windows[i], values[i : i + 5])


@given(st.integers(0, 2000), st.integers(1, 300), st.integers(1, 20))
def test_windows_are_counted_as_telemanom_does(n: int, length: int, horizon: int) -> None:
    assert window_count(n, length, horizon) == len(range(n - length - horizon))


@given(st.integers(2, 5000), st.integers(0, 2**32 - 1))
def test_split_uses_every_window_once_and_repeats(count: int, seed: int) -> None:
    learned, held_out = split_windows(count, seed)
    assert sorted([*learned.tolist(), *held_out.tolist()]) == list(range(count))
    assert learned.size == int(count * 0.8) >= 1
    assert held_out.size >= 1
    again = split_windows(count, seed)
    assert np.array_equal(learned, again[0])
    assert np.array_equal(held_out, again[1])


def test_split_is_random_and_follows_the_seed() -> None:
    held_out = split_windows(1000, 0)[1]
    assert not np.array_equal(np.sort(held_out), np.arange(800, 1000))
    assert not np.array_equal(held_out, split_windows(1000, 1)[1])


@given(st.lists(st.sampled_from([1.0, float("nan"), float("nan")]), min_size=1, max_size=60), st.integers(1, 30))
def test_a_window_is_unusable_where_its_target_or_more_than_half_of_it_in_a_row_is_missing(
    telemetry: list[float], length: int
) -> None:
    expected = [naive.is_unusable(telemetry, i, length) for i in range(len(telemetry) - length)]
    assert unusable_windows(np.array(telemetry), length).tolist() == expected


def test_missing_telemetry_is_filled_alike_wherever_a_span_begins() -> None:
    values = [np.nan, np.nan, 1.0, np.nan, *[2.0] * 5000, *[np.nan] * 9000, 3.0]
    channel = make_channel(values, channel="X-1", asset="X")
    filled = [1.0, 1.0, 1.0, 1.0, *[2.0] * 14_000, 3.0]
    for start, end in ((0, 14_005), (0, 2), (1, 3), (3, 4), (9000, 14_005), (13_990, 14_004)):
        assert read_span(channel, start, end)[:, 0].tolist() == filled[start:end]
    with pytest.raises(ForecasterError, match="X-1 holds no value"):
        read_span(make_channel([np.nan, np.nan], channel="X-1", asset="X"), 0, 2)


def test_inputs_are_read_with_the_telemetry_first() -> None:
    channel = wave_channel(n=40)
    values = read_inputs(channel, 30, 9, windows=1)
    assert values.dtype == np.float32
    assert np.array_equal(values[:, 0], channel.telemetry)
    with pytest.raises(ForecasterError, match=r"X-1 has 40 samples. At least 41 are needed"):
        read_inputs(channel, 30, 9, windows=2)


def test_first_bad_value_is_named() -> None:
    values = np.zeros((6, 3), dtype=np.float32)
    check_finite(values, "X-1")
    values[5, 0] = np.nan
    values[4, 2] = -np.inf
    with pytest.raises(ForecasterError, match=r"X-1 holds 2 samples .* the first at sample 4 \(command 1 is -inf\)"):
        check_finite(values, "X-1")
