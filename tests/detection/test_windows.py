"""Windows, and the split that all forecasters share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import wave_channel
from workbench.detection.windows import check_finite, read_inputs, sliding, split_windows, window_count
from workbench.exceptions import ForecasterError


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
