"""Segments like one: against a loop over all segments, and on shapes that are known."""

import numpy as np
import pytest

from tests.naive_similarity import nearest_segments
from workbench.detection.similar import similar_segments
from workbench.exceptions import DetectionError


def noise(n, seed):
    return np.random.default_rng(seed).normal(size=n).cumsum()


@pytest.mark.slow
def test_the_nearest_are_those_of_a_loop_over_all_segments():
    series = {"A": noise(300, 1), "B": noise(260, 2), "C": noise(20, 3)}
    found = similar_segments("A", 100, 139, series.items(), each=3)
    expected = nearest_segments("A", 100, 139, series, each=3)
    assert found[["channel", "start"]].to_numpy().tolist() == [[name, at] for name, at, _ in expected]
    np.testing.assert_allclose(found["distance"], [distance for *_, distance in expected], atol=1e-6)
    assert (found["end"] - found["start"] == 39).all()


def test_a_scaled_copy_is_found_first_and_a_constant_stretch_never():
    values = noise(400, 4)
    other = np.concatenate([np.zeros(200), 7 + 3 * values[50:90], noise(60, 5)])
    found = similar_segments("A", 50, 89, [("A", values), ("B", other)])
    assert found.iloc[0][["channel", "start"]].tolist() == ["B", 200]
    assert found.iloc[0]["correlation"] == pytest.approx(1)
    assert not ((found["channel"] == "B") & (found["end"] < 200)).any()


@pytest.mark.parametrize(
    ("channel", "start", "end", "words"),
    [("B", 0, 9, "not among"), ("A", 95, 105, "outside"), ("A", 5, 4, "outside"), ("A", 3, 5, "no shape")],
)
def test_a_segment_that_cannot_be_looked_for_is_refused(channel, start, end, words):
    with pytest.raises(DetectionError, match=words):
        similar_segments(channel, start, end, [("A", noise(100, 6))])


def test_a_few_missing_values_hide_no_segment_and_a_gap_is_none():
    values = np.sin(np.arange(400) / 7) + noise(400, 4) / 50
    other = values.copy()
    other[np.arange(50, 90, 8)] = np.nan
    other[200:300] = np.nan
    found = similar_segments("A", 50, 89, [("A", values), ("B", other), ("C", np.full(400, np.nan))], each=9, most=99)
    assert found.iloc[0][["channel", "start"]].tolist() == ["B", 50]
    assert found.iloc[0]["correlation"] > 0.98
    starts = found[found["channel"] == "B"]["start"]
    assert not starts.between(180, 280).any() and "C" not in set(found["channel"])
    with pytest.raises(DetectionError, match="no shape"):
        similar_segments("B", 210, 249, [("B", other)])


def test_a_constant_segment_is_refused():
    with pytest.raises(DetectionError, match="no shape"):
        similar_segments("A", 0, 9, [("A", np.ones(50))])
