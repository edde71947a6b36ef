"""Conformal widths and their coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests import naive_forecasting
from workbench.detection.conformal import conformal_width, coverage
from workbench.exceptions import DetectionError

ERRORS = arrays(
    np.float64,
    st.tuples(st.integers(0, 40), st.integers(1, 3)),
    elements=st.one_of(st.just(float("nan")), st.floats(-10, 10).map(lambda value: round(value, 1))),
)


@given(ERRORS, st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_width_and_coverage_equal_their_definitions(errors: np.ndarray, confidence: float) -> None:
    width = conformal_width(errors, confidence)
    assert width.tolist() == [naive_forecasting.width(column, confidence) for column in errors.T]
    expected = [naive_forecasting.share_within(column, bound) for column, bound in zip(errors.T, width, strict=True)]
    np.testing.assert_allclose(coverage(errors, width), expected)


def test_new_errors_of_the_same_kind_are_covered_as_promised() -> None:
    random = np.random.default_rng(0)
    calibration, fresh = random.standard_t(3, (2, 4000, 5))
    for confidence in (0.5, 0.9, 0.99):
        found = coverage(fresh, conformal_width(calibration, confidence))
        np.testing.assert_allclose(found, confidence, atol=0.025)


def test_each_lead_time_has_its_own_width() -> None:
    errors = np.random.default_rng(1).normal(0, [1.0, 2.0, 4.0], (500, 3))
    width = conformal_width(errors)
    assert 1.4 < width[0] < width[1] / 1.6 < width[2] / 3


@pytest.mark.parametrize("confidence", [0.0, 1.0, 90.0, float("nan")])
def test_confidence_is_checked(confidence: float) -> None:
    with pytest.raises(DetectionError, match="must be above 0 and below 1"):
        conformal_width(np.ones((20, 1)), confidence)
