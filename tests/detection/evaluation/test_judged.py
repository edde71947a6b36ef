import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive_evaluation import contingency, f_score
from workbench.detection.evaluation import FIGURES, count, evaluate
from workbench.exceptions import DetectionError

LENGTH = 60


def frame(*pairs):
    return pd.DataFrame(list(pairs), columns=["start", "end"]).astype("int64")


@st.composite
def sequences(draw):
    pairs = draw(st.lists(st.tuples(st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1)), max_size=6))
    return sorted((min(pair), max(pair)) for pair in pairs)


@given(sequences(), sequences())
def test_counts_equal_the_oracle(predicted, labels):
    counted = count(frame(*predicted), frame(*labels), LENGTH)
    for name, value in contingency(predicted, labels, LENGTH).items():
        assert getattr(counted, name) == value, name


@given(sequences(), sequences(), st.sampled_from([0.5, 1.0, 2.0]))
def test_figures_are_ratios_of_the_counts_or_nan(predicted, labels, beta):
    counted = count(frame(*predicted), frame(*labels), LENGTH)
    hits, wrong, missed = counted.true_positives, counted.false_positives, counted.false_negatives
    assert math.isnan(counted.precision) == (hits + wrong == 0)
    assert math.isnan(counted.recall) == (hits + missed == 0)
    if hits:
        assert counted.precision == hits / (hits + wrong)
        assert counted.recall == hits / (hits + missed)
        assert counted.f(beta) == pytest.approx(f_score(counted.precision, counted.recall, beta))
    elif wrong and missed:
        assert counted.f(beta) == 0
    else:
        assert math.isnan(counted.f(beta))


@given(sequences(), sequences())
def test_flagging_more_never_finds_less(predicted, labels):
    some = count(frame(*predicted), frame(*labels), LENGTH)
    all_of_it = count(frame((0, LENGTH - 1)), frame(*labels), LENGTH)
    assert all_of_it.true_positives == len(labels) >= some.true_positives
    assert all_of_it.flagged_fraction == 1


def test_one_prediction_over_two_true_sequences_credits_both():
    counted = count(frame((0, 50)), frame((5, 9), (40, 44)), LENGTH)
    assert (counted.true_positives, counted.false_positives, counted.false_negatives) == (2, 0, 0)


def test_two_predictions_on_one_true_sequence_credit_it_once():
    counted = count(frame((5, 6), (8, 9)), frame((4, 10)), LENGTH)
    assert (counted.true_positives, counted.false_positives) == (1, 0)


def test_touching_means_sharing_a_sample():
    labels = frame((10, 19))
    assert count(frame((19, 25)), labels, LENGTH).true_positives == 1
    assert count(frame((20, 25)), labels, LENGTH).false_positives == 1


@pytest.mark.parametrize("pair", [(-1, 3), (5, 4), (50, LENGTH)])
def test_sequence_outside_its_series_is_named(pair):
    with pytest.raises(DetectionError, match=rf"X-1: predicted sequence \[{pair[0]}, {pair[1]}\].*{LENGTH} samples"):
        evaluate({"X-1": frame(pair)}, {"X-1": frame()}, {"X-1": LENGTH}, {"X-1": "X"})
    with pytest.raises(DetectionError, match="labelled sequence"):
        evaluate({"X-1": frame()}, {"X-1": frame(pair)}, {"X-1": LENGTH}, {"X-1": "X"})


def small_fleet():
    predicted = {"A-1": frame((10, 14)), "A-2": frame((0, 4)), "B-1": frame((20, 29)), "B-2": frame()}
    labels = {"A-1": frame((12, 20)), "A-2": frame((30, 39)), "B-1": frame((25, 40)), "B-2": None}
    lengths = dict.fromkeys(predicted, 100)
    assets = {"A-1": "A", "A-2": "A", "B-1": "B", "B-2": "B"}
    return predicted, labels, lengths, assets


def test_groups_add_up_their_channels():
    judged = evaluate(*small_fleet())
    rows = judged.rows.set_index("group")
    assert list(rows.index) == ["A", "B", "all"]
    assert list(rows.columns) == list(FIGURES)
    assert rows.loc["A", ["true_positives", "false_positives", "false_negatives"]].tolist() == [1, 1, 1]
    assert rows.loc["all", ["true_positives", "false_positives", "false_negatives"]].tolist() == [2, 1, 1]
    assert rows.loc["all", "precision"] == pytest.approx(2 / 3)
    assert rows.loc["A", "flagged_fraction"] == 0.05
    assert rows.loc["A", "tnr"] == (200 - 9 - 10 - 7) / (200 - 9 - 10)
    assert judged.channels["channel"].tolist() == ["A-1", "A-2", "B-1"]


def test_channel_without_labels_is_not_judged_and_said_so():
    predicted, labels, lengths, assets = small_fleet()
    labels["B-3"] = frame((1, 2))
    judged = evaluate(predicted, labels, lengths, assets)
    assert judged.unjudged == {"B-2": "no labels", "B-3": "not scored"}
    assert "2 channels not judged" in judged._repr_html_()


def test_channel_labelled_normal_counts_its_false_alarms():
    judged = evaluate({"X": frame((1, 2))}, {"X": frame()}, {"X": 10}, {"X": "X"})
    row = judged.rows.set_index("group").loc["all"]
    assert (row["true_positives"], row["false_positives"], row["precision"]) == (0, 1, 0)
    assert math.isnan(row["recall"])
    assert math.isnan(row["f1"])
    assert row["tnr"] == 0.8


def test_a_series_that_is_anomalous_throughout_has_no_tnr():
    judged = evaluate({"X": frame((1, 2))}, {"X": frame((0, 9))}, {"X": 10}, {"X": "X"})
    assert math.isnan(judged.rows["tnr"].iloc[-1])


def test_the_same_series_twice_is_counted_once_when_hashes_are_given():
    predicted, labels, lengths, assets = small_fleet()
    predicted["A-9"], labels["A-9"], lengths["A-9"], assets["A-9"] = predicted["A-1"], labels["A-1"], 100, "A"
    hashes = {"A-1": "same", "A-9": "same", "A-2": "other", "B-1": "third"}
    twice = evaluate(predicted, labels, lengths, assets).rows.set_index("group")
    once = evaluate(predicted, labels, lengths, assets, hashes=hashes)
    assert twice.loc["all", "true_positives"] == 3
    assert once.rows.set_index("group").loc["all", "true_positives"] == 2
    assert once.channels.set_index("channel")["duplicate_of"].to_dict() == {
        "A-1": "",
        "A-2": "",
        "B-1": "",
        "A-9": "A-1",
    }
    everything = once.baselines.query("baseline == 'flag everything' and group == 'all'")
    assert everything["true_positives"].item() == 3


def test_baselines_expose_a_gamed_metric():
    predicted, labels, lengths, assets = small_fleet()
    judged = evaluate(predicted, labels, lengths, assets, persistence={"A-1": frame(), "B-1": frame((30, 31))})
    pooled = judged.baselines.query("group == 'all'").set_index("baseline")
    assert list(pooled.index) == ["flag everything", "flag the middle half", "persistence"]
    assert pooled.loc["flag everything", ["recall", "precision", "flagged_fraction", "tnr"]].tolist() == [1, 1, 1, 0]
    assert pooled.loc["flag the middle half", "flagged_fraction"] == 0.5
    assert pooled.loc["flag the middle half", "true_positives"] == 2
    assert pooled.loc["persistence", ["true_positives", "false_negatives"]].tolist() == [1, 1]


def test_no_persistence_row_without_its_sequences():
    assert "persistence" not in set(evaluate(*small_fleet()).baselines["baseline"])


def test_json_has_null_for_what_is_undefined():
    predicted, labels, lengths, assets = small_fleet()
    predicted["A-2"] = frame()
    plain = json.loads(json.dumps(evaluate(predicted, labels, lengths, assets).to_json_dict(), allow_nan=False))
    assert [row["group"] for row in plain["rows"]] == ["A", "B", "all"]
    assert set(plain["rows"][0]) == {"group", *FIGURES}
    assert isinstance(plain["rows"][0]["true_positives"], int)
    silent = next(row for row in plain["channels"] if row["channel"] == "A-2")
    assert silent["precision"] is None
    assert silent["f1"] is None
    assert silent["recall"] == 0
    assert plain["unjudged"] == {"B-2": "no labels"}


def test_nothing_to_judge_gives_undefined_figures_not_zeros():
    judged = evaluate({"X": frame()}, {"X": None}, {"X": 10}, {"X": "X"})
    assert judged.rows["group"].tolist() == ["all"]
    assert judged.rows[["precision", "recall", "f0_5", "f1", "flagged_fraction", "tnr"]].isna().all(axis=None)
    assert len(judged.channels) == 0


def test_judged_channel_without_length_is_named():
    with pytest.raises(DetectionError, match="X is to be judged but has no length"):
        evaluate({"X": frame()}, {"X": frame()}, {}, {"X": "X"})


@given(st.integers(1, 40))
def test_blind_baselines_fit_any_length(length):
    judged = evaluate({"X": frame()}, {"X": frame((0, 0))}, {"X": length}, {"X": "X"})
    shares = judged.baselines.query("group == 'all'").set_index("baseline")["flagged_fraction"]
    assert shares["flag everything"] == 1
    assert shares["flag the middle half"] == pytest.approx(0.5, abs=1 / length)
    assert np.isfinite(shares).all()
