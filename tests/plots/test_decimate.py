import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.plots.decimate import decimate

series = arrays(
    np.float64, st.integers(0, 300), elements=st.one_of(st.integers(-5, 5).map(float), st.just(np.nan), st.just(np.inf))
)


def naive_extremes(values, limit):
    """Sample numbers that must stay, one bucket after the other."""
    size = -(-len(values) // max((limit - 2) // 3, 1))
    must = {0, len(values) - 1}
    for start in range(0, len(values), size):
        bucket = [(value, i) for i, value in enumerate(values[start : start + size], start)]
        known = [pair for pair in bucket if not np.isnan(pair[0])]
        if known:
            must.add(min(known)[1])
            must.add(max(known, key=lambda pair: (pair[0], -pair[1]))[1])
        must |= {next(i for value, i in bucket if np.isnan(value))} if len(known) < len(bucket) else set()
    return must


@given(series, st.integers(5, 120))
def test_every_extreme_and_gap_of_every_bucket_stays(values, limit):
    kept = decimate(values, limit)
    assert len(kept) <= max(limit, 5)
    assert (np.diff(kept) > 0).all()
    if len(values) <= limit:
        assert kept.tolist() == list(range(len(values)))
    else:
        assert naive_extremes(values, limit) <= set(kept.tolist())


@pytest.mark.parametrize("limit", [5, 100, 4000])
def test_a_single_spike_survives_any_limit(limit):
    values = np.zeros(86_400)
    values[51_234] = -3
    assert 51_234 in decimate(values, limit)
