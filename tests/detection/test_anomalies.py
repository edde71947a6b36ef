import io
import itertools
import zipfile
from pathlib import Path

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.detection import Detection, TelemanomParams, detect
from workbench.detection.errors import smooth
from workbench.detection.thresholds import Moments, runs
from workbench.exceptions import DetectionError

SMALL = TelemanomParams(
    sequence_length=12, prediction_horizon=3, batch_size=7, window_size=6, smoothing_fraction=0.1, error_buffer=5
)
SHARED = Path(__file__).parents[3] / "shared"
VECTORS = sorted((SHARED / "reference" / "ndt").glob("*.npz"))


def pairs(detection: Detection) -> list[tuple[int, int]]:
    return [(start, end) for start, end in detection.anomalies[["start", "end"]].itertuples(index=False)]


@pytest.mark.nasa
def test_there_are_42_reference_vectors():
    assert len(VECTORS) == 42


@pytest.mark.nasa
@pytest.mark.parametrize("file", VECTORS, ids=lambda file: file.stem)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_equals_the_reference(file, dtype, nasa_zip):
    reference = np.load(file)
    with zipfile.ZipFile(nasa_zip) as archive:
        array = np.load(io.BytesIO(archive.read(f"data/data/test/{file.name.split('.')[0]}.npy")))
    found = detect(array[:, 0].astype(dtype), reference["y_hat"].astype(np.float64))
    np.testing.assert_allclose(found.smoothed_error, reference["smoothed_error"], rtol=0, atol=1e-6)
    assert pairs(found) == [tuple(pair) for pair in reference["anomaly_sequences"].reshape(-1, 2).tolist()]
    first = TelemanomParams().sequence_length
    for start, end, severity in found.anomalies.itertuples(index=False):
        parts = [s for a, b, s in reference["window_scores"] if a <= end - first and b >= start - first]
        assert severity == pytest.approx(max(parts), rel=1e-9 if dtype == "float64" else 1e-3)


@st.composite
def series(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Telemetry and predictions with bursts, steps, quiet and flat parts, some of the telemetry missing."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(16, 400))
    telemetry = random.normal(0, draw(st.sampled_from([0.01, 0.3, 5])), n)
    noise = draw(st.sampled_from([0.0, 0.02, 0.2, 1.0]))
    prediction = telemetry[12 : n - 3] + random.normal(0, 1, n - 15) * noise
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, n - 16))
        width = draw(st.integers(1, 60))
        kind = draw(st.sampled_from(["burst", "exact", "constant"]))
        part = slice(at, at + width)
        if kind == "burst":
            prediction[part] += draw(st.floats(-8, 8))
        elif kind == "exact":
            prediction[part] = telemetry[12 : n - 3][part]
        else:
            prediction[part] = telemetry[12 : n - 3][part] + 0.5
    for _ in range(draw(st.integers(0, 3))):
        at, width = draw(st.integers(0, n - 1)), draw(st.integers(1, 60))
        telemetry[at : at + width] = np.nan
    if draw(st.booleans()):
        telemetry[random.random(n) < draw(st.sampled_from([0.02, 0.5]))] = np.nan
    return telemetry, prediction


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(series())
def test_equals_the_oracle(case):
    telemetry, prediction = case
    found = detect(telemetry, prediction, SMALL)
    expected = naive.detect(telemetry, prediction, SMALL)
    np.testing.assert_allclose(found.smoothed_error, expected.smoothed_error, rtol=1e-12, atol=1e-15)
    assert pairs(found) == expected.sequences
    np.testing.assert_allclose(found.anomalies["severity"], expected.severities, rtol=1e-9)


def test_the_oracle_sees_anomalies():
    """The property test would be empty if its series held none."""
    found = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        telemetry = random.normal(0, 0.1, 300)
        prediction = telemetry[12:-3] + random.normal(0, 0.05, 285)
        prediction[200:210] += 3
        found += len(naive.detect(telemetry, prediction, SMALL).sequences)
    assert found >= 15


@settings(max_examples=100, deadline=None)
@given(series(), st.integers(1, 40))
def test_sequences_are_sorted_apart_and_inside_the_judged_samples(case, factor):
    telemetry, prediction = case
    params = SMALL.model_copy(update={"error_buffer": factor})
    found = pairs(detect(telemetry, prediction, params))
    for start, end in found:
        assert params.sequence_length <= start < end < len(telemetry) - params.prediction_horizon
    for (_, end), (start, _) in itertools.pairwise(found):
        assert end + 1 < start


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 200), unique=True).map(sorted), st.integers(0, 10))
def test_runs_are_the_consecutive_groups(indices, reach):
    first, last = runs(np.array(indices, dtype=np.int64), reach=reach)
    groups = naive.consecutive(naive.widened(indices, reach, 10**6)) if reach == 0 else None
    if groups is not None:
        assert [(g[0], g[-1]) for g in groups] == list(zip(first.tolist(), last.tolist(), strict=True))
    else:
        wide = naive.consecutive(sorted({j for i in indices for j in range(i - reach, i + reach + 1)}))
        assert [(g[0] + reach, g[-1] - reach) for g in wide] == list(zip(first.tolist(), last.tolist(), strict=True))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_moments_are_numpys_to_the_bit(values):
    array = np.array(values)
    assert Moments.of(array) == Moments(float(np.mean(array)), float(np.std(array)))


def test_a_constant_series_has_no_anomaly():
    assert detect(np.ones(1000), np.ones(740)).anomalies.empty
    assert detect(np.ones(1000), np.zeros(740)).anomalies.empty
    assert detect(np.ones(5000), np.zeros(4740)).anomalies.empty


@pytest.mark.parametrize("m", [1, 2, 60, 69, 71, 300])
def test_a_series_shorter_than_one_error_window_is_judged_whole(m):
    random = np.random.default_rng(m)
    telemetry = random.normal(0, 0.1, m + 260)
    prediction = telemetry[250 : 250 + m] + random.normal(0, 0.01, m)
    prediction[-max(1, m // 20) :] += 5
    found = detect(telemetry, prediction)
    assert found.epsilon.shape == found.smoothed_error.shape == (m,)
    assert pairs(found) == naive.detect(telemetry, prediction, TelemanomParams()).sequences


def test_where_every_sample_is_anomalous_the_sequence_stays():
    """One large error whose buffer covers all samples leaves nothing normal to prune against."""
    params = SMALL.model_copy(update={"error_buffer": 500, "z_max": 3.0})
    telemetry = np.zeros(60)
    prediction = np.full(45, 0.01)
    prediction[30] = 10
    found = detect(telemetry, prediction, params)
    assert pairs(found) == naive.detect(telemetry, prediction, params).sequences == [(12, 56)]
    assert np.isfinite(found.anomalies["severity"]).all()


def test_anomaly_sits_where_the_telemetry_left_its_prediction():
    random = np.random.default_rng(0)
    telemetry = random.normal(0, 0.01, 6000)
    telemetry[4000:4060] += 1
    found = detect(telemetry, np.zeros(5740))
    assert len(found.anomalies) == 1
    start, end, severity = found.anomalies.iloc[0]
    assert 3850 <= start <= 4000 <= 4059 <= end <= 4400
    assert severity > 1
    inside = slice(4000 - 250, 4060 - 250)
    assert (found.smoothed_error[inside].max() > found.epsilon[inside]).any()
    assert np.isfinite(found.epsilon).all()


LAGLESS = TelemanomParams(lag_correction=True)


def test_without_lag_an_anomaly_is_bounded_by_its_large_errors():
    random = np.random.default_rng(0)
    telemetry = random.normal(0, 0.01, 6000)
    telemetry[4000:4060] += 1
    found, paper = detect(telemetry, np.zeros(5740), LAGLESS), detect(telemetry, np.zeros(5740))
    assert pairs(found) == [(4000, 4059)]
    assert found.anomalies["severity"].tolist() == paper.anomalies["severity"].tolist()
    assert np.array_equal(found.epsilon, paper.epsilon)


def test_without_lag_sequences_that_meet_become_one_as_severe_as_the_severer():
    random = np.random.default_rng(0)
    telemetry = random.normal(0, 0.01, 6000)
    telemetry[4000:4100] += 1
    telemetry[4260:4320] += 3
    assert pairs(detect(telemetry, np.zeros(5740), LAGLESS)) == [(4000, 4099), (4260, 4319)]
    telemetry[4170:4250:12] += 2  # so late in the first, and so near to the second, that they belong to both
    paper = detect(telemetry, np.zeros(5740))
    assert len(paper.anomalies) == 2
    found = detect(telemetry, np.zeros(5740), LAGLESS)
    assert pairs(found) == [(4000, 4319)]
    assert found.anomalies["severity"].tolist() == [paper.anomalies["severity"].max()]


def test_without_lag_a_quiet_stretch_keeps_its_bounds():
    """A sequence that is anomalous because its errors are low has none above epsilon to be bounded by."""
    random = np.random.default_rng(1)
    telemetry = np.sin(np.arange(6000) / 9) + random.normal(0, 0.05, 6000)
    prediction = telemetry[250:-10] + 1 + random.normal(0, 0.05, 5740)
    prediction[3750:4050] = telemetry[4000:4300]
    prediction[3690:3694] += 1.2  # large errors shortly before it are not its own
    assert pairs(detect(telemetry, prediction)) == pairs(detect(telemetry, prediction, LAGLESS)) == [(3960, 4379)]


@pytest.mark.parametrize(
    ("telemetry", "prediction", "message"),
    [
        (np.full(1000, -np.inf), np.zeros(740), "telemetry holds 1000 values that are infinite, the first at index 0"),
        (np.zeros(1000), np.full(740, np.nan), "prediction holds 740 values that are NaN or infinite"),
        (np.zeros(1000), np.r_[np.zeros(700), np.inf, np.zeros(39)], "prediction holds 1 values .* index 700"),
        (np.zeros(260), np.zeros(0), "telemetry has 260 samples. At least 261"),
        (np.zeros(1000), np.zeros(750), "prediction has 750 samples. Expected 740"),
        (np.zeros((1000, 2)), np.zeros(740), "one-dimensional"),
    ],
)
def test_bad_input_is_named(telemetry, prediction, message):
    with pytest.raises(DetectionError, match=message):
        detect(telemetry, prediction)


def test_missing_telemetry_is_no_anomaly_and_hides_none():
    """Of a fault before an outage and one after it, only the buffer that reached into the outage is left out."""
    random = np.random.default_rng(0)
    telemetry = random.normal(0, 0.01, 4000)
    telemetry[1500:1550] += 1
    telemetry[3000:3050] += 1
    whole = pairs(detect(telemetry, np.zeros(3740)))
    telemetry[1660:2400] = np.nan
    found = detect(telemetry, np.zeros(3740))
    # Up to the last window of 250 that holds the 126 last samples of the outage, it is more than half missing.
    unjudged = np.isnan(found.prediction_error)
    assert np.flatnonzero(unjudged)[[0, -1]].tolist() == [1660 - 250, 2400 + 124 - 250]
    assert unjudged.sum() == 2400 + 125 - 1660
    assert np.array_equal(np.isnan(found.smoothed_error), unjudged)
    (start, end), (later, _) = whole
    assert start < 1550 < 1660 <= end < 2400 < later < 3000
    (first, last), (other, _) = pairs(found)
    assert last == 1659
    assert abs(first - start) < 10 and abs(other - later) < 10


def test_without_a_value_there_is_no_anomaly():
    found = detect(np.full(3000, np.nan), np.zeros(2740))
    assert found.anomalies.empty
    assert np.isnan(found.smoothed_error).all() and np.isnan(found.epsilon).all()


def test_smoothing_starts_with_the_mean_of_two_sequence_lengths():
    params = TelemanomParams()
    error = np.random.default_rng(0).random(1000)
    smoothed = smooth(error, params)
    np.testing.assert_allclose(smoothed, naive.smooth(error, params), rtol=1e-12)
    assert np.unique(smoothed[:250]).size == 1
