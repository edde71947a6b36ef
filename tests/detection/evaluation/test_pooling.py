"""Bootstrap intervals, and events of an asset that count once."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from workbench.detection.evaluation import Contingency, evaluate
from workbench.detection.evaluation.pooling import intervals, pool


def frame(*pairs, events=None):
    table = pd.DataFrame(list(pairs), columns=["start", "end"]).astype("int64")
    return table if events is None else table.assign(event=events)


def test_intervals_of_a_mean_are_those_of_every_possible_draw():
    values = [0.0, 1.0, 5.0]
    every = np.array([np.mean(draw) for draw in itertools.product(values, repeat=3)])
    row = intervals([{"x": value} for value in values], resamples=20_000).iloc[0]
    assert row["value"] == 2
    assert row["mean"] == pytest.approx(every.mean(), abs=0.03)
    low, high = np.quantile(every, [0.025, 0.975], method="inverted_cdf")
    assert (row["low"], row["high"]) == (low, high)


def test_counts_are_added_before_a_figure_is_computed():
    counts = [Contingency(true_positives=9, false_positives=1), Contingency(true_positives=0, false_positives=10)]
    assert pool(counts)["precision"] == 9 / 20
    row = intervals(counts).set_index("figure").loc["precision"]
    assert (row["value"], row["low"], row["high"]) == (9 / 20, 0, 9 / 10)


def test_the_same_seed_draws_the_same():
    results = [{"x": float(value)} for value in range(12)]
    pd.testing.assert_frame_equal(intervals(results), intervals(results))
    assert intervals(results, seed=1)["mean"].item() != intervals(results)["mean"].item()


def test_channels_of_a_cluster_are_drawn_together():
    results = [{"x": value} for value in (0.0, 2.0, 10.0, 12.0)]
    row = intervals(results, ["A", "A", "B", "B"]).iloc[0]
    assert (row["value"], row["low"], row["high"]) == (6, 1, 11)


def test_a_single_channel_has_no_interval_and_an_undefined_figure_none():
    alone = intervals([{"x": 1.0}]).iloc[0]
    assert alone["value"] == 1
    assert math.isnan(alone["low"])
    undefined = intervals([{"x": float("nan")}, {"x": float("nan")}]).iloc[0]
    assert math.isnan(undefined["value"])
    assert math.isnan(undefined["low"])


def pump(found_by):
    """Three channels of a pump and one fan; the event at 100 to 149 is the pump's."""
    labels = {
        "P-1": frame((100, 149), events=["leak"]),
        "P-2": frame((100, 149), (300, 309), events=["leak", ""]),
        "P-3": frame((50, 74), events=["leak"]),  # sampled at half the rate
        "F-1": frame((10, 19)),
    }
    predicted = {name: frame((102, 110)) if name in found_by else frame() for name in labels}
    assets = {"P-1": "Pump", "P-2": "Pump", "P-3": "Pump", "F-1": "Fan"}
    return predicted, labels, dict.fromkeys(labels, 400), assets


@pytest.mark.parametrize("found_by", [["P-1"], ["P-1", "P-2"], ["P-2"]])
def test_an_event_of_an_asset_is_found_once_where_any_channel_finds_it(found_by):
    judged = evaluate(*pump(found_by))
    rows = judged.rows.set_index("group")
    assert rows.loc["Pump", ["true_positives", "false_positives", "false_negatives"]].tolist() == [1, 0, 1]
    assert rows.loc["all", ["true_positives", "false_negatives"]].tolist() == [1, 2]
    alone = judged.channels.set_index("channel")
    assert alone.loc["P-3", "false_negatives"] == 1  # a channel by itself is judged by what it found


def test_the_score_of_the_asset_itself_finds_its_event_too():
    predicted, labels, lengths, assets = pump([])
    predicted["Pump"], labels["Pump"] = frame((120, 130)), frame((100, 149), events=["leak"])
    lengths["Pump"], assets["Pump"] = 400, "Pump"
    rows = evaluate(predicted, labels, lengths, assets).rows.set_index("group")
    assert rows.loc["Pump", ["true_positives", "false_positives", "false_negatives"]].tolist() == [1, 0, 1]


def test_an_event_of_an_asset_is_missed_once():
    judged = evaluate(*pump([]))
    assert judged.rows.set_index("group").loc["Pump", ["true_positives", "false_negatives"]].tolist() == [0, 2]
    everything = judged.baselines.query("baseline == 'flag everything' and group == 'Pump'")
    assert everything["true_positives"].item() == 2


def test_intervals_stand_beside_every_figure_of_every_group():
    judged = evaluate(*pump(["P-1"]))
    assert set(judged.intervals["group"]) == {"Pump", "Fan", "all"}
    over_assets = judged.intervals.query("over == 'assets'")
    assert set(over_assets["group"]) == {"all"}
    recall = judged.intervals.query("figure == 'recall' and group == 'all' and over == 'assets'").iloc[0]
    assert (recall["value"], recall["low"], recall["high"]) == (1 / 3, 0, 1 / 2)
