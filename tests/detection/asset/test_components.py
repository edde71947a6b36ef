"""Principal components of an asset: statistics from the textbook, contributions, missing samples, uneven clocks."""

import json

import numpy as np
import pandas as pd
import pytest

from workbench.detection.asset import AssetModel, fit_asset, on_one_clock
from workbench.detection.envelope import Margin
from workbench.exceptions import DetectionError


def plant(n, seed=0):
    """Six channels that two hidden causes move, in units of their own."""
    random = np.random.default_rng(seed)
    causes = random.normal(size=(n, 2))
    weights = np.array([[1, 0], [0.9, 0.1], [0.8, -0.2], [0, 1], [0.1, 0.9], [-0.1, 1]], dtype=float)
    return (causes @ weights.T + random.normal(0, 0.1, (n, 6))) * [1, 10, 0.1, 5, 2, 300] + [0, 50, 3, -4, 0, 1e4]


NAMES = ("flow", "speed", "power", "heat", "inlet", "outlet")


def test_both_statistics_are_those_of_the_textbook():
    """T-squared from scores and eigenvalues of the correlation matrix, Q from what the scores do not explain."""
    train, test = plant(500), plant(40, 1)
    model = fit_asset(train, NAMES)
    parts = model.contributions(test)
    z = (test - train.mean(axis=0)) / train.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(np.corrcoef(train.T))
    large = values > 1
    assert large.sum() == 2
    for row in range(len(test)):
        scores = [float(vectors[:, i] @ z[row]) for i in np.flatnonzero(large)]
        t_squared = sum(score**2 / value for score, value in zip(scores, values[large], strict=True))
        rest = z[row] - sum(s * vectors[:, i] for s, i in zip(scores, np.flatnonzero(large), strict=True))
        assert parts["t_squared"][row].sum() == pytest.approx(t_squared)
        assert parts["q"][row].sum() == pytest.approx(float(rest @ rest))
        np.testing.assert_allclose(parts["q"][row], rest**2, atol=1e-12)


def test_normal_operation_has_no_events_and_a_channel_that_leaves_the_others_is_named():
    model, test = fit_asset(plant(800), NAMES), plant(600, 1)
    assert model.find(test) == []
    test[300:340, 3] += 10  # 2 standard deviations of its own: inside its range, but not with inlet and outlet
    events = model.find(test)
    assert [event.statistic for event in events] == ["q"]
    assert 300 <= events[0].start < 305
    assert 335 < events[0].end <= 339
    assert events[0].contributions[0][0] == "heat"
    assert sum(share for _, share in events[0].contributions) == pytest.approx(1.0)
    assert events[0].words.startswith(f"Q {events[0].ratio:.1f} times the largest in training; heat ")


def test_all_that_move_together_too_far_exceed_t_squared():
    model, test = fit_asset(plant(800), NAMES), plant(600, 1)
    test[100] = model.means + 8 * model.scales * np.array([1, 1, 1, 0, 0, 0])
    event = next(event for event in model.find(test) if event.statistic == "t_squared")
    assert (event.start, event.end, event.peak_at) == (100, 100, 100)
    assert {name for name, _ in event.contributions[:3]} == {"flow", "speed", "power"}
    assert event.value > event.bound > event.record


def test_the_bound_is_the_margin_rule_of_the_envelope():
    """One channel, -1 and 1 in turns but one 3: T-squared is its squared standard score."""
    train = np.tile([-1.0, 1.0], 50)
    train[7] = 3.0
    squares = ((train - train.mean()) / train.std(ddof=1)) ** 2
    model = fit_asset(train[:, None], ["flow"], Margin(kappa=8.0, theta=0.3, floor=0.01))
    record, quantile = squares.max(), np.quantile(squares, 0.98)
    excess = (squares[squares > quantile] - quantile).mean()
    assert model.bound("t_squared") == pytest.approx(record + max(8 * excess, 0.3 * record) + 0.01 * record)


def test_events_50_samples_apart_are_one():
    model = fit_asset(plant(800), NAMES)
    test = np.tile(model.means, (400, 1))
    test[[50, 100, 152]] += 30 * model.scales
    spans = [(event.start, event.end) for event in model.find(test) if event.statistic == "t_squared"]
    assert spans == [(50, 100), (152, 152)]


def test_constant_and_collinear_channels_break_nothing():
    train, test = plant(500), plant(300, 1)
    constant, double = np.full((500, 1), 7.3), 2 * train[:, :1] + 1
    wide = fit_asset(np.hstack([train, constant, double]), [*NAMES, "valve", "flow2"])
    assert wide.active.tolist() == [0, 1, 2, 3, 4, 5, 7]
    healthy = np.hstack([test, np.full((300, 1), 9.0), 2 * test[:, :1] + 1])
    assert wide.find(healthy) == []
    only = fit_asset(np.hstack([train[:, :1], double, double, double]).astype(np.float32), ["a", "b", "c", "d"])
    exact = np.hstack([test[:, :1], *[2 * test[:, :1] + 1] * 3]).astype(np.float32)
    assert only.find(exact) == []
    exact[200, 1] += 0.5
    event = only.find(exact)[0]
    assert (event.statistic, event.start, event.contributions[0][0]) == ("q", 200, "b")


def test_a_missing_channel_is_taken_to_be_where_the_others_say():
    """Two channels of correlation r: the best guess of one is r times the other, in standard deviations."""
    random = np.random.default_rng(4)
    first = random.normal(size=2000)
    train = np.column_stack([first, 0.8 * first + random.normal(0, 0.6, 2000)])
    model = fit_asset(train, ["a", "b"])
    r = np.corrcoef(train.T)[0, 1]
    gappy = np.array([[model.means[0] + 2 * model.scales[0], np.nan], [np.nan, np.nan]])
    full = gappy.copy()
    full[0, 1] = model.means[1] + 2 * r * model.scales[1]
    for statistic, parts in model.contributions(gappy).items():
        np.testing.assert_allclose(parts[0], model.contributions(full)[statistic][0], rtol=1e-9)
        assert np.isnan(parts[1]).all()


def test_missing_samples_are_tolerated_in_training_and_test():
    random = np.random.default_rng(6)
    train, test = plant(900), plant(600, 1)
    train[random.random(train.shape) < 0.1] = np.nan
    test[random.random(test.shape) < 0.1] = np.inf
    test[100:120] = np.nan
    model = fit_asset(train, NAMES)
    assert model.find(test) == []
    test[300:340, 3] = plant(600, 1)[300:340, 3] + 15
    assert {event.contributions[0][0] for event in model.find(test)} == {"heat"}


def test_an_asset_without_a_channel_that_moves_judges_nothing():
    for train in (np.ones((30, 2)), np.full((30, 2), np.nan)):
        model = fit_asset(train, ["a", "b"])
        assert model.records == {}
        assert model.find([[5.0, 6.0]]) == []


def test_a_model_survives_json():
    for model in (fit_asset(plant(100), NAMES), fit_asset(np.ones((30, 2)), ["a", "b"])):
        again = AssetModel.from_json_dict(json.loads(json.dumps(model.to_json_dict())))
        assert again.to_json_dict() == model.to_json_dict()
        test = np.full((3, len(model.channels)), 1e6)
        assert again.find(test) == model.find(test)


def test_errors_say_what_is_wrong():
    with pytest.raises(DetectionError, match="19 training samples for 6 channels"):
        fit_asset(plant(19), NAMES)
    with pytest.raises(DetectionError, match="shape"):
        fit_asset(plant(30), ["flow"])
    with pytest.raises(DetectionError, match="shape"):
        fit_asset(plant(30), NAMES).find(np.zeros((5, 2)))
    with pytest.raises(DetectionError, match="not a model"):
        AssetModel.from_json_dict({"channels": ["a"]})


def test_uneven_rates_are_brought_onto_the_clock_of_the_fastest():
    """A slow channel stands for at most two of its periods; one that repeats a time counts its last value."""
    minutes = pd.date_range("2026-01-01", periods=20, freq="1min")
    fast = pd.Series(np.arange(20.0), minutes)
    slow = pd.Series([1.0, 1.5, 2.0, 3.0], minutes[[0, 5, 5, 10]] - pd.Timedelta("10s"))
    table = on_one_clock({"slow": slow[:3], "fast": fast[::-1]})
    assert table.index.equals(minutes)
    assert table["fast"].tolist() == fast.tolist()
    assert table["slow"].dropna().tolist() == [1.0] * 5 + [2.0] * 10  # 5 min x 2, then missing
    assert table["slow"].isna().tolist() == [False] * 15 + [True] * 5
    assert len(on_one_clock({"slow": slow, "fast": fast}, clock="slow")) == 3
    assert on_one_clock({}).empty
