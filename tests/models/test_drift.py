import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.models.drift import error_ratio, ks_distance, typical_error

VALUES = st.lists(st.integers(-20, 20), min_size=1, max_size=30)


@given(VALUES, VALUES)
def test_the_distance_is_that_of_the_distribution_functions(first: list[int], second: list[int]) -> None:
    """Values lie a whole unit apart, more than the tolerance."""
    train, test = np.array(first, float), np.array(second, float)
    slow = max(abs((train <= x).mean() - (test <= x).mean()) for x in [*first, *second])
    assert ks_distance(train, test) == pytest.approx(slow)


def test_a_last_digit_is_no_drift() -> None:
    train = np.sin(np.arange(1000) / 20)
    assert ks_distance(train, train + 0.001) == 0
    assert ks_distance(train, train + 0.1) > 0.02


def test_anomalies_do_not_move_the_typical_error() -> None:
    errors = np.random.default_rng(0).uniform(0, 1, 4000)
    normal = typical_error(errors)
    assert normal == pytest.approx(errors.mean(), rel=0.05)
    errors[500:1500] = 50
    assert typical_error(errors) == pytest.approx(normal, rel=0.05)
    assert typical_error(np.array([3.0])) == 3.0


def test_errors_that_recur_everywhere_count_in_full() -> None:
    errors = np.where(np.arange(4000) % 100 == 0, 10.0, 0.0)
    assert typical_error(errors) == pytest.approx(errors.mean())


def test_a_constant_that_is_predicted_without_error_may_err_a_little() -> None:
    assert error_ratio(0.001, 0.0, spread=1.0) == pytest.approx(1.1)
    assert error_ratio(0.1, 0.0, spread=1.0) == pytest.approx(11)
    assert error_ratio(1.0, 0.0, spread=0.0) == float("inf")
