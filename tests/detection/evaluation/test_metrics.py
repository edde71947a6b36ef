"""Metrics of papers against their definitions, and metrics of one's own."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive_evaluation as naive
from workbench.detection.evaluation import METRICS, count, evaluate
from workbench.detection.evaluation.affiliation import affiliation
from workbench.detection.evaluation.areas import BUFFERS, average_precision, range_areas, score_figures
from workbench.detection.evaluation.esa import event_counts, timing_quality
from workbench.detection.evaluation.nab import NAB_PROFILES, nab_counts, nab_score, probation_samples
from workbench.detection.evaluation.ranges import range_figures
from workbench.exceptions import DetectionError

LENGTH = 60
AEON = json.loads((Path(__file__).parent / "fixtures" / "aeon.json").read_text(encoding="utf-8"))


def frame(*pairs):
    return pd.DataFrame(list(pairs), columns=["start", "end"]).astype("int64")


@st.composite
def sequences(draw, min_size=0):
    pairs = draw(st.lists(st.tuples(st.integers(0, LENGTH - 1), st.integers(0, 12)), min_size=min_size, max_size=4))
    return sorted((start, min(start + size, LENGTH - 1)) for start, size in pairs)


def same(value, expected, **tolerance):
    if math.isnan(expected):
        return math.isnan(value)
    return value == pytest.approx(expected, **tolerance)


# ---- ESA


@given(sequences(), sequences())
def test_esa_figures_equal_the_oracle(predicted, labels):
    figures = event_counts(frame(*predicted), frame(*labels), LENGTH).figures()
    expected = naive.esa(predicted, labels, LENGTH)
    assert set(figures) == set(expected)
    for name, value in expected.items():
        assert same(figures[name], value), name


def test_false_samples_cost_corrected_precision():
    # One of two detections is true, and 20 of 90 normal samples are flagged: 1/2 * (1 - 20/90).
    figures = event_counts(frame((10, 19), (40, 59)), frame((10, 19)), 100).figures()
    assert figures["esa_precision"] == pytest.approx(0.5 * 70 / 90)
    assert figures["esa_recall"] == 1


def test_flagging_everything_is_worth_nothing_to_esa():
    figures = event_counts(frame((0, 99)), frame((10, 19), (50, 59)), 100).figures()
    assert figures["esa_recall"] == 1
    assert figures["esa_precision"] == 0
    assert figures["esa_f0_5"] == 0


def test_repeated_alarms_cost_alarming_precision_alone():
    figures = event_counts(frame((10, 11), (13, 14), (16, 17)), frame((10, 19)), 100).figures()
    assert figures["alarming_precision"] == pytest.approx(1 / 3)
    assert figures["esa_precision"] == 1


@pytest.mark.parametrize(("delay", "value"), [(0, 1), (10, 0), (-10, 0), (5, 0.5), (-5, 0.5**math.e), (40, 0)])
def test_timing_quality_at_places_that_the_curve_is_defined_by(delay, value):
    assert timing_quality(delay, 10, 10) == pytest.approx(value)


def test_an_early_detection_counts_less_where_an_event_began_shortly_before():
    alone = event_counts(frame((46, 52)), frame((50, 59)), 100).figures()["adtqc"]
    after_another = event_counts(frame((46, 52)), frame((45, 45), (50, 59)), 100).figures()["adtqc"]
    assert alone == pytest.approx((6 / 10) ** math.e)
    assert after_another == pytest.approx((1 / 5) ** math.e)


# ---- affiliation


@settings(max_examples=40)
@given(sequences(), sequences(1))
def test_affiliation_equals_counted_probabilities(predicted, labels):
    figures = affiliation(frame(*predicted), frame(*labels), LENGTH)
    precision, recall = naive.affiliation(predicted, labels, LENGTH)
    assert same(figures["affiliation_precision"], precision, abs=0.01)
    assert same(figures["affiliation_recall"], recall, abs=0.01)


def test_affiliation_of_a_detection_beside_its_event_by_hand():
    # Zone 0..100, event 40..60, detection 70..80. At distance d from 10 to 20 nearer times are 20 + 2 d of 100.
    figures = affiliation(frame((70, 79)), frame((40, 59)), 100)
    assert figures["affiliation_precision"] == pytest.approx(1 - (20 + 2 * 15) / 100)
    # From y in 40..60 the detection is 70 - y away, 10 to 30, and 2 (70 - y) of 100 times are nearer, none cut off.
    assert figures["affiliation_recall"] == pytest.approx(1 - 2 * 20 / 100)


def test_flagging_everything_has_about_half_of_affiliation_precision():
    figures = affiliation(frame((0, 999)), frame((500, 501)), 1000)
    assert figures["affiliation_precision"] == pytest.approx(0.5, abs=0.01)
    assert figures["affiliation_recall"] == 1


def test_affiliation_without_one_side():
    assert all(math.isnan(value) for value in affiliation(frame((1, 2)), frame(), LENGTH).values())
    missed = affiliation(frame(), frame((1, 2)), LENGTH)
    assert missed["affiliation_recall"] == 0
    assert math.isnan(missed["affiliation_precision"])


# ---- ranges and areas


@given(sequences(), sequences())
def test_range_figures_equal_the_oracle(predicted, labels):
    flags, truth = naive.joined(predicted), naive.joined(labels)
    figures = range_figures(frame(*predicted), frame(*labels), LENGTH)
    assert same(figures["range_precision"], naive.range_reward(flags, truth, 0.0))
    assert same(figures["range_recall"], naive.range_reward(truth, flags, 0.0))


@pytest.mark.parametrize("case", AEON, ids=range(len(AEON)))
def test_range_figures_equal_those_of_aeon(case):
    predicted, labels = frame(*case["predicted"]), frame(*case["labels"])
    figures = range_figures(predicted, labels, len(case["score"]))
    for name, value in figures.items():
        assert value == pytest.approx(case[name]), name


@pytest.mark.parametrize("case", AEON, ids=range(len(AEON)))
def test_areas_equal_those_of_aeon(case):
    score = np.array(case["score"])
    truth = np.array([naive.in_any(i, case["labels"]) for i in range(len(score))])
    assert average_precision(truth, score) == pytest.approx(_step_area(truth, score))
    assert range_areas(truth, score, 0) == pytest.approx(tuple(case["areas"]["0"]))
    for size in (10, 20, 40):  # aeon's slope ends one sample earlier after a sequence than the paper's
        assert range_areas(truth, score, size) == pytest.approx(tuple(case["areas"][str(size)]), abs=0.02)


def _step_area(truth, score):
    order = sorted(range(len(score)), key=lambda i: -score[i])
    hits, area = 0, 0.0
    for rank, i in enumerate(order, 1):
        if truth[i]:
            hits += 1
            area += hits / rank / truth.sum()
    return area


@settings(max_examples=40)
@given(
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.lists(st.integers(0, 6), min_size=12, max_size=12),
    st.sampled_from([0, 2, 5, 8]),
)
def test_areas_equal_the_oracle_with_ties(truth, score, size):
    if not any(truth) or all(truth):
        return
    areas = range_areas(np.array(truth), np.array(score, dtype=float), size)
    assert areas == pytest.approx(naive.range_areas(truth, score, size))


def test_volume_is_the_mean_over_buffers_and_prefers_a_score_that_knows():
    random = np.random.default_rng(0)
    labels, noise = frame((200, 239)), random.random(1000)
    knowing = noise.copy()
    knowing[200:240] += 2
    good, blind = (score_figures(frame(), labels, 1000, score) for score in (knowing, noise))
    truth = np.zeros(1000, dtype=bool)
    truth[200:240] = True
    mean = np.mean([range_areas(truth, knowing, size) for size in BUFFERS], axis=0)
    assert [good["vus_pr"], good["vus_roc"]] == pytest.approx(mean.tolist())
    assert good["auc_pr"] == 1
    assert all(good[name] > blind[name] + 0.1 for name in good)


def test_a_shorter_score_covers_the_end_of_the_series():
    score = np.random.default_rng(0).random(1000)
    score[300:340] += 2
    labels = frame((300, 339))
    assert score_figures(frame(), labels, 1000, score[100:])["auc_pr"] == 1
    assert score_figures(frame(), frame((200, 239)), 1000, score[100:])["auc_pr"] < 0.2


@pytest.mark.parametrize("labels", [frame(), frame((0, LENGTH - 1))])
def test_areas_are_undefined_where_one_class_is_missing(labels):
    assert all(math.isnan(value) for value in score_figures(frame(), labels, LENGTH, np.arange(LENGTH)).values())


def test_areas_of_a_constant_score_or_none_are_undefined():
    for score in (None, np.ones(LENGTH)):
        assert all(math.isnan(value) for value in score_figures(frame(), frame((3, 9)), LENGTH, score).values())


@pytest.mark.parametrize("score", [np.ones(LENGTH + 1), np.full(LENGTH, np.nan), np.ones((LENGTH, 1))])
def test_a_score_that_does_not_fit_is_refused(score):
    with pytest.raises(DetectionError, match="score"):
        score_figures(frame(), frame((3, 9)), LENGTH, score)


def test_samples_that_were_not_judged_count_as_the_least_score():
    score = np.arange(LENGTH, dtype=float)
    hidden = score.copy()
    hidden[:5] = np.nan
    lowest = score.copy()
    lowest[:5] = 5
    assert score_figures(frame(), frame((2, 9)), LENGTH, hidden) == score_figures(
        frame(), frame((2, 9)), LENGTH, lowest
    )


# ---- NAB


@given(
    st.sets(st.integers(0, 99), max_size=8),
    st.sampled_from([((20, 29),), ((20, 29), (60, 79)), ((5, 5), (90, 99))]),
    st.sampled_from(list(NAB_PROFILES)),
)
def test_nab_equals_the_oracle(detections, windows, name):
    profile = NAB_PROFILES[name]
    score = nab_score(detections, np.array(windows)).score(profile)
    assert score == pytest.approx(naive.nab(detections, windows, profile.false_positive, profile.false_negative))


def test_nab_is_0_for_silence_and_100_for_the_first_sample_of_each_window():
    windows = np.array([[20, 29], [60, 79]])
    for profile in NAB_PROFILES.values():
        assert nab_score([], windows).score(profile) == 0
        assert nab_score([20, 60], windows).score(profile) == pytest.approx(100)


def test_nab_by_hand():
    # One window of 10, found at its 6th sample (position -0.5), and one false alarm long before: standard profile.
    counts = nab_score([2, 25], np.array([[20, 29]]))
    earned = (2 / (1 + math.exp(-2.5)) - 1) / (2 / (1 + math.exp(-5)) - 1)
    assert counts.score(NAB_PROFILES["standard"]) == pytest.approx(100 * (earned - 0.11 + 1) / 2)
    assert counts.score(NAB_PROFILES["low_fn"]) == pytest.approx(100 * (earned - 0.11 + 2) / 3)


def test_a_sequence_is_one_alarm_at_its_first_sample():
    counts = nab_counts(frame((18, 40)), frame((20, 29)), LENGTH)
    assert (counts.windows_found, counts.false_detections) == (0, 1)


def test_an_alarm_is_raised_when_a_sequence_is_detected_not_where_it_begins():
    """A window of 20 to 29, and a sequence from 12 on that is detected at 25, the sixth of its ten samples."""
    predicted = frame((12, 30), (26, 34)).assign(detected_at=[25, 28])  # they overlap: one alarm, at 25
    counts = nab_counts(predicted, frame((20, 29)), LENGTH)
    assert (counts.windows_found, counts.false_detections) == (1, 0)
    assert counts.score(NAB_PROFILES["standard"]) == nab_score([25], np.array([[20, 29]])).score(
        NAB_PROFILES["standard"]
    )
    figures = event_counts(predicted, frame((20, 29)), 100).figures()
    assert figures["adtqc"] == pytest.approx(0.5), "half of the event has passed"
    assert figures["after_rate"] == 1
    assert event_counts(frame((12, 34)), frame((20, 29)), 100).figures()["after_rate"] == 0


def test_a_detection_outside_of_its_sequence_is_refused():
    with pytest.raises(DetectionError, match=r"\[12, 30\] was detected at 31"):
        nab_counts(frame((12, 30)).assign(detected_at=[31]), frame((20, 29)), LENGTH)


def test_probation_is_15_percent_and_750_samples_at_most():
    assert [probation_samples(length) for length in (100, 5000, 22_695)] == [15, 750, 750]


# ---- in an evaluation


def small_fleet():
    predicted = {"A-1": frame((10, 14)), "A-2": frame((0, 4)), "B-1": frame((20, 29))}
    labels = {"A-1": frame((12, 20)), "A-2": frame((30, 39)), "B-1": frame((25, 40))}
    return predicted, labels, dict.fromkeys(predicted, 100), {"A-1": "A", "A-2": "A", "B-1": "B"}


def first_delay(predicted, labels, length, score):
    """Samples from the first label to the first prediction."""
    assert length == 100
    assert score is None
    return float(predicted["start"].iloc[0] - labels["start"].iloc[0])


def figure(judged, name, group="all", over="channels"):
    row = judged.intervals.query("figure == @name and group == @group and over == @over")
    return row.iloc[0]


def test_a_function_of_ones_own_is_averaged_over_channels():
    judged = evaluate(*small_fleet(), metrics=[first_delay])
    assert judged.metrics.set_index("channel")["first_delay"].to_dict() == {"A-1": -2, "A-2": -30, "B-1": -5}
    assert figure(judged, "first_delay")["value"] == pytest.approx(-37 / 3)
    assert figure(judged, "first_delay", "A")["value"] == -16


def test_counts_of_ones_own_are_added_up_before_their_figures():
    def overlap(*channel):
        """The overlap protocol under other names."""
        return {"hits": count(*channel[:3]).true_positives}

    judged = evaluate(*small_fleet(), metrics=["esa", overlap])
    esa = figure(judged, "esa_precision")
    # 2 of 3 detections touch; of 300 samples 9 + 10 + 16 are labelled, and 2 + 5 + 5 others flagged.
    assert esa["value"] == pytest.approx(2 / 3 * (1 - 12 / 265))
    assert figure(judged, "hits")["value"] == pytest.approx(2 / 3)


def test_all_metrics_by_name_read_the_score_of_a_channel():
    scores = {"A-1": np.arange(100.0), "A-2": np.arange(100.0), "B-1": np.arange(100.0)}
    judged = evaluate(*small_fleet(), metrics=["all"], scores=scores)
    assert {"esa_f0_5", "adtqc", "affiliation_f1", "range_f1", "vus_pr", "auc_pr", "nab_standard"} <= set(
        judged.metrics
    )
    assert judged.metrics[["auc_pr", "vus_pr"]].notna().all(axis=None)
    assert set(METRICS) == {"esa", "affiliation", "range", "vus", "nab"}
    json.dumps(judged.to_json_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["nasa"], "There is no metric 'nasa'"),
        ([3], "neither a name nor a function"),
        ([lambda *_: "much"], "returns 'much'"),
        ([lambda *_: {"esa_recall": 1.0}, "esa"], "both return a figure called esa_recall"),
        ([lambda *_: 1.0, lambda *_: 2.0], "Two metrics are called <lambda>"),
    ],
)
def test_metrics_that_cannot_be_used_are_named(metrics, message):
    with pytest.raises(DetectionError, match=message):
        evaluate(*small_fleet(), metrics=metrics)
