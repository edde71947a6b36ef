import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.maintenance.alerts.limits import beyond, excursions, margin
from workbench.telemetry.catalog import Limits

values = st.lists(st.sampled_from([0.0, 0.5, 0.9, 1.0, 1.5, 2.0, float("nan")]), max_size=40)


def naive_beyond(series, threshold, margin, on_delay):
    """Sample by sample: begins once N in a row were above, ends before the first that is back by the margin."""
    stays = []
    start = None
    above = 0
    for i, value in enumerate(series):
        if start is None:
            above = above + 1 if value > threshold else 0
            if above == on_delay:
                start = i - on_delay + 1
        elif value <= threshold - margin:
            stays.append((start, i - 1, False))
            start, above = None, 0
    return stays + ([(start, len(series) - 1, True)] if start is not None else [])


@given(values, st.sampled_from([0.0, 0.1, 0.6]), st.integers(1, 4))
def test_on_delay_and_hysteresis_as_sample_by_sample(series, margin, on_delay):
    assert beyond(np.array(series), 1.0, margin, on_delay) == naive_beyond(series, 1.0, margin, on_delay)


@given(values, st.integers(1, 3), st.sampled_from([0.0, 0.1, 0.4]))
def test_low_limits_mirror_high_ones(series, on_delay, hysteresis):
    high = excursions(series, Limits(warning_high=0.9, critical_high=1.5), on_delay, hysteresis)
    mirrored = excursions(-np.array(series), Limits(critical_low=-1.5, warning_low=-0.9), on_delay, hysteresis)
    spans = [(one.start, one.end, one.ongoing, one.is_critical, one.value) for one in high]
    assert spans == [(one.start, one.end, one.ongoing, one.is_critical, -one.value) for one in mirrored]


def test_the_critical_limit_needs_the_on_delay_too():
    limits = Limits(warning_high=1, critical_high=3)
    (short,) = excursions([0, 2, 4, 2, 0], limits, on_delay=2)
    assert (short.limit, short.threshold, short.value) == ("warning_high", 1, 4)
    (long,) = excursions([0, 2, 4, 4, 0], limits, on_delay=2)
    assert (long.limit, long.threshold) == ("critical_high", 3)


def test_noise_at_a_limit_is_one_stay():
    noisy = [0.0, *([1.1, 0.99] * 10), 0.0]
    limits = Limits(warning_high=1)
    assert len(excursions(noisy, limits)) == 10
    (one,) = excursions(noisy, limits, hysteresis=0.02)
    assert (one.start, one.end) == (1, 20)


def test_the_margin_is_a_share_of_the_span_or_of_the_only_limit():
    assert margin(Limits(warning_low=-2, warning_high=8), "warning_high", 0.1) == pytest.approx(1.0)
    assert margin(Limits(warning_low=-2), "warning_low", 0.1) == pytest.approx(0.2)
    assert excursions([9, 9, -9], Limits()) == []
