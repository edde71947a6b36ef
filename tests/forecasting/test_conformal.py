"""Conformal widths and their coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests import naive_forecasting
from workbench.exceptions import DetectionError
from workbench.forecasting.conformal import conformal_width, tracked_width

ERRORS = arrays(
    np.float64,
    st.tuples(st.integers(0, 40), st.integers(1, 3)),
    elements=st.one_of(st.just(float("nan")), st.floats(-10, 10).map(lambda value: round(value, 1))),
)


@given(ERRORS, st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_width_equals_its_definition(errors: np.ndarray, confidence: float) -> None:
    width = conformal_width(errors, confidence)
    assert width.tolist() == [naive_forecasting.width(column, confidence) for column in errors.T]


def test_new_errors_of_the_same_kind_are_covered_as_promised() -> None:
    random = np.random.default_rng(0)
    calibration, fresh = random.standard_t(3, (2, 4000, 5))
    for confidence in (0.5, 0.9, 0.99):
        inside = np.abs(fresh) <= conformal_width(calibration, confidence)
        np.testing.assert_allclose(inside.mean(axis=0), confidence, atol=0.025)


def test_each_lead_time_has_its_own_width() -> None:
    errors = np.random.default_rng(1).normal(0, [1.0, 2.0, 4.0], (500, 3))
    width = conformal_width(errors)
    assert 1.4 < width[0] < width[1] / 1.6 < width[2] / 3


@pytest.mark.slow
@pytest.mark.parametrize("apart", [1, 3, 20])
def test_tracked_width_equals_its_definition(apart: int) -> None:
    random = np.random.default_rng(2)
    errors = random.normal(0, np.linspace(1, 3, 250)[:, None], (250, 4))
    errors[40:44, 1] = np.nan
    errors[-2:] = np.nan
    origins = np.arange(250) * apart + 30
    start = np.array([0.5, np.inf, 0.0, 9.0])
    found = tracked_width(errors, origins, start, 0.8)
    for lead in range(4):
        first = 0.0 if lead == 1 else start[lead]
        expected = naive_forecasting.tracked(errors[:, lead], origins, first, 0.8, lead + 1)
        np.testing.assert_allclose(found[:, lead], expected, rtol=1e-9, atol=1e-12)


def test_tracked_width_keeps_its_promise_where_the_telemetry_changes() -> None:
    random = np.random.default_rng(3)
    errors = np.concatenate(
        [random.normal(0, 1, (400, 3)), random.normal(0, 6, (800, 3)), random.normal(0, 2, (800, 3))]
    )
    start = conformal_width(random.normal(0, 1, (500, 3)))
    tracked = np.abs(errors) <= tracked_width(errors, np.arange(2000), start)
    np.testing.assert_allclose(tracked.mean(axis=0), 0.9, atol=0.02)
    assert (np.abs(errors) <= start).mean(axis=0).max() < 0.6


def test_tracked_width_does_not_see_the_future() -> None:
    errors = np.random.default_rng(4).normal(size=(300, 2))
    later = errors.copy()
    later[150:] *= 50
    origins, start = np.arange(300), np.ones(2)
    np.testing.assert_array_equal(
        tracked_width(errors, origins, start)[:151], tracked_width(later, origins, start)[:151]
    )


@pytest.mark.parametrize("confidence", [0.0, 1.0, 90.0, float("nan")])
def test_confidence_is_checked(confidence: float) -> None:
    with pytest.raises(DetectionError, match="must be above 0 and below 1"):
        conformal_width(np.ones((20, 1)), confidence)
