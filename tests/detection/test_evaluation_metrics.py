import importlib.util
import math
import sys

import numpy as np
import pandas as pd
import pytest

from workbench.detection.evaluation_metrics import EXTENDED_FIGURES, extended_figures, extended_table
from workbench.exceptions import DetectionError

needs_aeon = pytest.mark.skipif(importlib.util.find_spec("aeon") is None, reason="the extra [metrics] is not installed")
LENGTH = 2000


def frame(*pairs):
    return pd.DataFrame(list(pairs), columns=["start", "end"]).astype("int64")


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "aeon", None)
    monkeypatch.setitem(sys.modules, "aeon.benchmarking.metrics.anomaly_detection", None)
    with pytest.raises(DetectionError, match=r"pip install 'telemetry-workbench\[metrics\]'") as caught:
        extended_figures(frame((1, 2)), frame((1, 2)), 10)
    assert "\n" not in str(caught.value)


@needs_aeon
def test_a_perfect_detection_has_perfect_ranges():
    figures = extended_figures(frame((100, 149)), frame((100, 149)), LENGTH)
    assert [figures[name] for name in ("range_precision", "range_recall", "range_f1")] == [1, 1, 1]
    assert math.isnan(figures["vus_pr"])


@needs_aeon
def test_half_of_a_true_range_is_half_of_its_recall():
    figures = extended_figures(frame((100, 149)), frame((100, 199)), LENGTH)
    assert figures["range_precision"] == 1
    assert figures["range_recall"] == 0.5


@needs_aeon
def test_vus_prefers_a_score_that_knows():
    random = np.random.default_rng(0)
    labels, noise = frame((200, 239)), random.random(LENGTH)
    knowing = noise.copy()
    knowing[200:240] += 2
    good = extended_figures(frame(), labels, LENGTH, knowing)
    blind = extended_figures(frame(), labels, LENGTH, noise)
    assert good["vus_roc"] > blind["vus_roc"] + 0.1
    assert good["vus_pr"] > blind["vus_pr"] + 0.1


@needs_aeon
def test_a_shorter_score_covers_the_end_of_the_series():
    score = np.random.default_rng(0).random(LENGTH)
    score[300:340] += 2
    labels = frame((300, 339))
    whole = extended_figures(frame(), labels, LENGTH, score)
    tail = extended_figures(frame(), labels, LENGTH, score[100:])
    misplaced = extended_figures(frame(), frame((200, 239)), LENGTH, score[100:])
    assert tail["vus_roc"] == pytest.approx(whole["vus_roc"], abs=0.1)
    assert tail["vus_roc"] > misplaced["vus_roc"] + 0.05


@needs_aeon
@pytest.mark.parametrize(
    ("predicted", "labels", "score"),
    [
        (frame(), frame(), np.arange(LENGTH)),
        (frame((1, 5)), frame((0, LENGTH - 1)), np.arange(LENGTH)),
        (frame((0, LENGTH - 1)), frame((3, 9)), np.ones(LENGTH)),
    ],
)
def test_undefined_figures_are_nan(predicted, labels, score):
    assert all(math.isnan(value) for value in extended_figures(predicted, labels, LENGTH, score).values())


@needs_aeon
def test_one_side_empty_defines_one_figure():
    missed, false = extended_figures(frame(), frame((3, 9)), LENGTH), extended_figures(frame((3, 9)), frame(), LENGTH)
    assert missed["range_recall"] == 0
    assert false["range_precision"] == 0
    assert math.isnan(missed["range_precision"])
    assert math.isnan(false["range_recall"])


@needs_aeon
@pytest.mark.parametrize("score", [np.ones(LENGTH + 1), np.full(LENGTH, np.nan), np.ones((LENGTH, 1))])
def test_score_that_does_not_fit_is_refused(score):
    with pytest.raises(DetectionError, match="score"):
        extended_figures(frame((1, 5)), frame((3, 9)), LENGTH, score)


@needs_aeon
def test_table_averages_where_a_figure_is_defined():
    predicted = {"A": frame((100, 149)), "B": frame((1, 2)), "C": frame((1, 2))}
    labels = {"A": frame((100, 199)), "B": frame(), "C": None}
    table = extended_table(predicted, labels, dict.fromkeys(predicted, LENGTH)).set_index("channel")
    assert list(table.index) == ["A", "B", "mean"]
    assert list(table.columns) == list(EXTENDED_FIGURES)
    assert table.loc["mean", "range_recall"] == 0.5
