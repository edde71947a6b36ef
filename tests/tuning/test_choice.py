"""Nested cross-validation: what judges a channel was chosen without it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.detection.evaluation import Contingency
from workbench.tuning.choice import Counts, best_point, compare_choices, f_scores, nested_choice
from workbench.tuning.folds import deal_folds, first_of_series


def counts_of(table):
    """Counts from (true positives, false positives, false negatives) by point and channel."""
    return Counts([[Contingency(*one, samples=100, flagged=10 * (one[0] + one[1])) for one in row] for row in table])


def f_naive(channels, beta):
    hits, false, missed = (sum(one[place] for one in channels) for place in range(3))
    whole = (1 + beta**2) * hits + beta**2 * missed + false
    return (1 + beta**2) * hits / whole if whole else 1.0


def best_naive(table, channels):
    """The point with the largest F1 on some channels; of equal ones fewest false alarms, flagged samples, first."""

    def rank(point):
        own = [table[point][channel] for channel in channels]
        false = sum(one[1] for one in own)
        return (-round(f_naive(own, 1), 12), false, sum(one[0] + one[1] for one in own), point)

    return min(range(len(table)), key=rank)


COUNTS = st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 2))


@given(st.data())
def test_each_fold_is_judged_by_what_the_others_choose(data):
    n_points, n_channels = data.draw(st.integers(2, 4)), data.draw(st.integers(2, 7))
    table = [[data.draw(COUNTS) for _ in range(n_channels)] for _ in range(n_points)]
    folds = data.draw(st.integers(2, n_channels))
    nested = nested_choice(
        counts_of(table), ["A"] * n_channels, folds=folds, repeats=2, seed=data.draw(st.integers(0, 9))
    )
    for row, chosen in zip(nested.folds.tolist(), nested.chosen.tolist(), strict=True):
        assert set(row) == set(range(folds))
        for fold in range(folds):
            outside = [channel for channel in range(n_channels) if row[channel] != fold]
            assert {chosen[channel] for channel in range(n_channels) if row[channel] == fold} == {
                best_naive(table, outside)
            }


def test_a_channel_never_chooses_for_itself():
    """Point k + 1 is perfect on channel k and worse than the present point on all others: no fold may find it."""
    n = 6
    present = [(1, 1, 0)] * n
    table = [present] + [[(1, 0, 0) if channel == k else (0, 3, 1) for channel in range(n)] for k in range(n)]
    nested = nested_choice(counts_of(table), ["A"] * n, folds=n, repeats=3)
    assert set(nested.chosen.ravel().tolist()) == {0}
    assert nested.share(0) == 1
    assert compare_choices(counts_of(table), nested).mean == 0


def test_f_scores_by_hand():
    sums = np.array([[34.0, 7, 5], [0, 3, 2], [0, 0, 0]])
    np.testing.assert_allclose(f_scores(sums, "f1"), [68 / 80, 0, 1])
    np.testing.assert_allclose(f_scores(sums, "f0_5"), [1.25 * 34 / (1.25 * 34 + 0.25 * 5 + 7), 0, 1])


def test_f0_5_prefers_precision():
    bold, careful = [(5, 3, 0)] * 2, [(3, 0, 2)] * 2  # F1 10/13 and 6/8; F0.5 6.25/9.25 and 3.75/4.25
    assert best_point(counts_of([careful, bold]).values, "f1") == 1
    assert best_point(counts_of([careful, bold]).values, "f0_5") == 0


def test_the_difference_is_that_of_pooled_figures_and_sure_where_every_channel_gains():
    table = [[(1, 1, 0)] * 8, [(1, 0, 0)] * 8]
    difference = compare_choices(counts_of(table), nested_choice(counts_of(table), ["A"] * 8))
    assert difference.mean == pytest.approx(1 - 2 / 3)
    assert (difference.low, difference.high) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert difference.is_better


def test_what_one_channel_of_many_gains_is_not_sure():
    table = [[(1, 0, 0)] * 9 + [(0, 0, 1)], [(1, 0, 0)] * 10]
    nested = nested_choice(counts_of(table), ["A"] * 10, folds=5)
    difference = compare_choices(counts_of(table), nested)
    assert difference.low <= 0
    assert not difference.is_better


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 1)), min_size=4, max_size=20), st.integers(2, 4))
def test_folds_are_alike(channels, count):
    assets, events = zip(*channels, strict=True)
    folds = deal_folds(assets, events, count, np.random.default_rng(0)).tolist()
    for kind in {(asset, event) for asset, event in channels}:
        sizes = Counter({fold: 0 for fold in range(count)})
        sizes.update(fold for fold, channel in zip(folds, channels, strict=True) if channel == kind)
        assert max(sizes.values()) - min(sizes.values()) <= 1
    assert max(Counter(folds).values()) - min(Counter(folds).values()) <= 1


def test_the_first_channel_stands_for_its_series():
    assert first_of_series(["B", "A", "C"], {"A": "x", "B": "x", "C": "y"}) == {"B": "B", "A": "B", "C": "C"}
