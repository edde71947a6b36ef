from itertools import pairwise

import numpy as np
import pytest

from workbench.plots.trace import Trace


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(size=n).astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, 100, 5000, 200_000])
@pytest.mark.parametrize("share", [(0.0, 1.0), (0.13, 0.71), (0.5, 0.500001), (-1.0, 2.0)])
def test_every_extreme_of_what_is_shown_is_among_few_points(n, share):
    values = noise(n)
    trace = Trace(np.arange(n) * 10, values)
    start, end = 10 * n * share[0], 10 * n * share[1]
    time, drawn = trace.window(start, end, limit=600)
    shown = values[trace.span(start, end)]
    assert time.size == drawn.size <= 600
    assert (np.diff(time) > 0).all()
    assert (drawn.min(), drawn.max()) == (shown.min(), shown.max())
    assert np.array_equal(drawn, values[(time / 10).astype(int)])


@pytest.mark.parametrize("at", [0, 77, 100_003, 199_999])
def test_a_spike_anywhere_is_drawn_at_its_time(at):
    values = noise(200_000)
    values[at] = 99
    time, drawn = Trace(np.arange(200_000), values).window(0, 199_999, limit=300)
    assert time[drawn.argmax()] == at


def test_a_gap_stays_a_gap():
    values = noise(200_000)
    values[120_000:120_010] = np.nan
    trace = Trace(np.arange(200_000), values)
    for start, end in ((0, 199_999), (100_000, 140_000), (119_990, 120_020)):
        time, drawn = trace.window(start, end, limit=600)
        assert np.isnan(drawn).any()
        assert ((time[np.isnan(drawn)] >= 120_000) & (time[np.isnan(drawn)] < 120_010)).all()


def test_the_line_reaches_beyond_both_edges_but_not_beyond_what_has_come():
    trace = Trace(np.arange(100), np.arange(100))
    assert trace.window(20.5, 30.5)[0][[0, -1]].tolist() == [20, 31]
    assert trace.window(20.5, 30.5, until=25)[0].tolist() == [20, 21, 22, 23, 24, 25]
    assert trace.window(20.5, 30.5, until=5)[0].size == 0


def test_an_empty_trace_draws_nothing():
    time, drawn = Trace([], []).window(0, 1)
    assert time.size == drawn.size == 0


@pytest.mark.parametrize("n", [1, 65, 5000, 200_000])
@pytest.mark.parametrize("cuts", [(0.5,), (0.1, 0.4, 0.99)])
def test_a_series_that_grows_draws_what_the_whole_one_does(n, cuts):
    values = noise(n)
    values[n // 3] = np.nan
    values[n // 2] = 99
    ends = [max(1, int(n * cut)) for cut in cuts] + [n]
    trace = Trace(np.arange(ends[0]), values[: ends[0]])
    for first, last in pairwise(ends):
        trace = trace.extended(np.arange(first, last), values[first:last])
    assert np.array_equal(trace.time, np.arange(n)) and trace.values.dtype == np.float32
    for start, end in ((0, n), (n * 0.2, n * 0.9), (n * 0.45, n * 0.55)):
        drawn, shown = trace.window(start, end, limit=600)[1], values[trace.span(start, end)]
        assert (np.nanmin(drawn), np.nanmax(drawn)) == (np.nanmin(shown), np.nanmax(shown))
        assert np.isnan(drawn).any() == np.isnan(shown).any()
