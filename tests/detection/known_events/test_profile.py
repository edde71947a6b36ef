import numpy as np
import pytest

from tests.naive_known_events import distances
from workbench.detection.known_events import shape_profile


def _series(seed, n):
    random = np.random.default_rng(seed)
    return np.cumsum(random.normal(0, 1, n)) + 500


@pytest.mark.parametrize("m", [2, 7, 64])
@pytest.mark.parametrize("missing", [0.0, 0.15])
def test_it_is_the_distance_of_z_normalised_windows(m, missing):
    random = np.random.default_rng(m)
    series = _series(m, 130)
    shape = series[40 : 40 + m] + random.normal(0, 0.2, m)
    for values in (series, shape):
        values[random.random(values.size) < missing] = np.nan
    shape[:2] = 499.0, 501.5
    profile = shape_profile(shape, series)
    expected = [np.inf if one is None else one for one in distances(shape.tolist(), series.tolist())]
    np.testing.assert_allclose(profile.distance, expected, atol=1e-5)


def test_the_distance_is_that_of_the_matrix_profile_by_the_root_of_the_length():
    import stumpy

    series, shape = _series(1, 300), _series(2, 300)[100:150]
    np.testing.assert_allclose(shape_profile(shape, series).distance, stumpy.mass(shape, series) / np.sqrt(50))


def test_amplitude_and_level_of_a_window():
    shape = np.array([0.0, 1.0, 2.0, 1.0])
    profile = shape_profile(shape, shape * 10 + 7)
    assert profile.distance[0] == pytest.approx(0, abs=1e-6)
    assert profile.amplitude[0] == pytest.approx(10)
    assert profile.level[0] == pytest.approx((17 - 1) / 2)  # means 17 and 1, range 2


def test_a_constant_window_has_no_distance():
    profile = shape_profile([0.0, 1.0, 0.0], [3.3] * 5 + [4.0])
    assert np.isinf(profile.distance[:3]).all()
    assert np.isfinite(profile.distance[3])


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_other_units_of_both_change_nothing(scale):
    series, shape = _series(3, 200), _series(4, 200)[20:60]
    one, other = shape_profile(shape, series), shape_profile(shape * scale - 3 * scale, series * scale - 3 * scale)
    for name in ("distance", "amplitude", "level"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-5, atol=1e-6)


def test_an_outlier_far_away_does_not_hide_what_is_near():
    series, shape = np.zeros(300), np.hanning(20)
    series[100:120] = shape
    series[250] = 1e12
    profile = shape_profile(shape, series)
    assert int(profile.distance.argmin()) == 100
    assert profile.distance[100] == pytest.approx(0, abs=1e-6)
