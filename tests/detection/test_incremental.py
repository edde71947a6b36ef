"""Detection that goes on comes to the bits of the detection of the whole."""

from collections.abc import Sequence
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.detection import incremental
from workbench.detection.anomalies import Detection, detect
from workbench.detection.errors import Average, averaged
from workbench.detection.incremental import Ending, Row, Standing
from workbench.detection.stretches import judge_on
from workbench.detection.windows import unusable_windows
from workbench.parameters import TelemanomParams

PLAIN = TelemanomParams()
LAG = TelemanomParams(lag_correction=True, smoothing_fraction=0.07)
SHORT = TelemanomParams(
    sequence_length=9,
    prediction_horizon=3,
    batch_size=7,
    window_size=12,
    smoothing_fraction=0.2,
    error_buffer=6,
    lag_correction=True,
)
ALL = {"plain": PLAIN, "lag": LAG, "short": SHORT}


class Arrays:
    """A series in memory, predicted as zero."""

    def __init__(self, telemetry: np.ndarray, params: TelemanomParams, breaks: Sequence[int] = ()) -> None:
        self.breaks = breaks
        self.values = telemetry.astype(np.float64)
        self.length, self.horizon = params.sequence_length, params.prediction_horizon

    def errors(self, start: int, end: int) -> np.ndarray:
        values = self.values[start : self.length + end]
        return np.where(unusable_windows(values, self.length), np.nan, np.abs(values[self.length :]))

    def targets(self, start: int, end: int) -> np.ndarray:
        part = self.values[self.length + start : self.length + end + self.horizon - 1]
        return np.lib.stride_tricks.sliding_window_view(part, self.horizon)


def judged(
    telemetry: np.ndarray, params: TelemanomParams, standing: Standing | None = None
) -> tuple[dict[str, np.ndarray], Ending]:
    m = telemetry.size - params.sequence_length - params.prediction_horizon
    *pieces, ending = judge_on(Arrays(telemetry, params), m, params, standing)
    assert isinstance(ending, Ending)
    names = ("error", "smoothed", "epsilon")
    return {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}, ending


def whole(telemetry: np.ndarray, params: TelemanomParams) -> tuple[Detection, tuple[Row, ...]]:
    length = params.sequence_length
    detection = detect(telemetry, np.zeros(telemetry.size - length - params.prediction_horizon), params)
    rows = detection.anomalies.to_numpy().tolist()
    return detection, tuple(Row(int(start) - length, int(end) - length, severity) for start, end, severity in rows)


@st.composite
def series(draw: st.DrawFn) -> np.ndarray:
    """Noise with steps, spikes, constants, ties, quiet and missing stretches."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    n = int(random.integers(2800, 7000))
    values = random.normal(0, 0.1, n)
    if draw(st.booleans()):
        values = np.round(values, 1)  # ties
    for _ in range(draw(st.integers(0, 20))):
        start, size = int(random.integers(0, n)), int(random.integers(1, 400))
        part = slice(start, start + size)
        kind = draw(st.sampled_from(["step", "spike", "constant", "quiet", "missing", "burst"]))
        if kind == "step":
            values[start:] += random.choice([0.3, -0.5])
        elif kind == "spike":
            values[start] += 8
        elif kind == "constant":
            values[part] = values[start]
        elif kind == "quiet":
            values[part] *= 0.01
        elif kind == "missing":
            values[part] = np.nan
        else:
            values[part] += random.choice([1, -2, 4])
    return values.astype(np.float32)


@pytest.mark.parametrize("params", ALL.values(), ids=ALL)
@settings(max_examples=8)
@given(telemetry=series(), at_a_time=st.integers(1, 60), share=st.floats(0.05, 1))
def test_a_part_and_the_rest_are_the_whole(
    params: TelemanomParams, telemetry: np.ndarray, at_a_time: int, share: float
) -> None:
    detection, rows = whole(telemetry, params)
    expected = {
        "error": detection.prediction_error,
        "smoothed": detection.smoothed_error,
        "epsilon": detection.epsilon,
    }
    cut = max(int(telemetry.size * share), params.sequence_length + params.prediction_horizon + 1)
    with patch.object(incremental, "_WINDOWS_AT_A_TIME", at_a_time):
        arrays, ending = judged(telemetry, params)
        _, earlier = judged(telemetry[:cut], params)
    for name, values in expected.items():
        np.testing.assert_array_equal(arrays[name], values, strict=True)
    assert ending.rows == rows
    if earlier.standing is None:
        assert cut < 2500 + params.sequence_length + params.prediction_horizon
        return
    standing = Standing.from_text(earlier.standing.to_text(), list(earlier.rows))
    arrays, later = judged(telemetry, params, standing)
    for name, values in expected.items():
        np.testing.assert_array_equal(arrays[name], values[standing.judged(params) :], strict=True)
    assert later == ending
    assert cut - standing.judged(params) < params.sequence_length + params.prediction_horizon + 2 * params.batch_size


@pytest.mark.parametrize("params", [PLAIN, LAG], ids=["plain", "lag"])
@settings(max_examples=6)
@given(telemetry=series(), seed=st.integers(0, 2**32 - 1))
def test_alerts_of_complete_windows_do_not_flicker(params: TelemanomParams, telemetry: np.ndarray, seed: int) -> None:
    around = params.sequence_length + params.prediction_horizon
    _, everything = whole(telemetry, params)
    earlier: tuple[Row, ...] = ()
    for n in sorted(np.random.default_rng(seed).integers(2500, telemetry.size + 1, 8)):
        ending = judged(telemetry[:n], params)[1]
        if not ending.complete:
            assert n < 2360 + 70 * 6
            continue
        assert ending.complete == (n - around) // 70 * 70 == n - around - (n - around) % 70
        assert ending.complete_rows == whole(telemetry[: ending.complete + around], params)[1]
        for row in earlier:
            assert any(later.start <= row.end and later.end >= row.start for later in ending.complete_rows)
        final = [row for row in ending.complete_rows if row.end < ending.final]
        assert final == [row for row in everything if row.end < ending.final]
        earlier = ending.complete_rows


def test_a_row_is_final_54_samples_before_the_end() -> None:
    """The smoothing span is 105 here: half of it, 52, and one to touch, and one to lie behind."""
    telemetry = np.random.default_rng(0).normal(0, 0.1, 2360 + 70 * 20).astype(np.float32)
    params = TelemanomParams(lag_correction=True)
    _, ending = judged(telemetry, params)
    assert ending.complete == telemetry.size - 260
    assert ending.complete - ending.final == 53
    assert judged(telemetry, PLAIN)[1].final == ending.complete - 1


@pytest.mark.parametrize("kind", ["noise", "ties", "constant", "zero", "tiny"])
def test_the_moving_average_is_that_of_pandas(kind: str) -> None:
    error = np.abs(np.random.default_rng(0).normal(size=6000))
    error = {"ties": np.round(error, 1), "constant": np.full(6000, 0.3), "zero": error * 0, "tiny": error * 1e-300}.get(
        kind, error
    )
    expected = pd.Series(error).ewm(span=PLAIN.smoothing_span).mean().to_numpy()
    np.testing.assert_array_equal(averaged(error, Average(), PLAIN)[0], expected)
    first, average = averaged(error[:777], Average(), PLAIN)
    np.testing.assert_array_equal(np.concatenate([first, averaged(error[777:], average, PLAIN)[0]]), expected)


def test_a_window_shorter_than_the_quiet_start_finds_nothing() -> None:
    params = TelemanomParams(batch_size=10, window_size=10, error_buffer=5)
    telemetry = np.random.default_rng(0).normal(0, 0.1, 3000)
    telemetry[2000:2030] += 5
    assert len(whole(telemetry, params)[1]) >= 1
