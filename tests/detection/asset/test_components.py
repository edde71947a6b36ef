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


def by_hand(train, test, lags):
    """T-squared and Q of each row of a test series and of the rows before it, by a singular value decomposition."""
    mean, scale = train.mean(axis=0), train.std(axis=0, ddof=1)

    def with_before(series):
        z = (series - mean) / scale
        return np.array([np.concatenate([z[row - lag] for lag in range(lags + 1)]) for row in range(lags, len(z))])

    learned = with_before(train)
    pairs = [
        len(train) - max(column, row) // 6 - 1 for column in range(6 * (lags + 1)) for row in range(6 * (lags + 1))
    ]
    correlations = learned.T @ learned / (len(learned) - 1) if lags == 0 else None
    if correlations is None:  # each pair of columns has one sample more than the later of its lags leaves out
        columns = np.array(
            [
                np.pad((train - mean)[:, c] / scale[c], (lag, 0))[: len(train)]
                for lag in range(lags + 1)
                for c in range(6)
            ]
        )
        correlations = (columns @ columns.T) / np.reshape(pairs, (len(columns), -1))
    _, values, vectors = np.linalg.svd(correlations)
    large = values > 1
    halves = np.array_split(np.arange(len(train)), 2)
    z = (train - mean) / scale
    shifted = [np.vstack([np.full((lag, 6), np.nan), z[: len(z) - lag]]) for lag in range(lags + 1)]
    drift = np.concatenate([np.nanmean(one[halves[1]], axis=0) - np.nanmean(one[halves[0]], axis=0) for one in shifted])
    unseen = unseen_by_hand([np.hstack([one[half] for one in shifted]) for half in halves], large.sum())
    inside = (vectors[~large] ** 2 * values[~large, None]).sum(axis=0)
    spreads = np.tile(np.maximum(unseen, inside).reshape(lags + 1, 6).mean(axis=0), lags + 1)
    t_squared, q = [], []
    for row in with_before(test):
        scores = vectors[large] @ row
        t_squared.append(sum(scores**2 / (values[large] + (2 * (vectors[large] @ drift)) ** 2)))
        rest = row - vectors[large].T @ scores
        q.append(sum(rest**2 / spreads))
    return np.array(t_squared), np.array(q)


def unseen_by_hand(halves, number):
    """Mean square of what the components of one half leave of the other, whose mean is that of the first, too."""

    def product(a, b):
        return np.nanmean(a * b)

    left = []
    for seen, other in (halves, halves[::-1]):
        centre, columns = np.nanmean(seen, axis=0), range(seen.shape[1])
        known = [[product(seen[:, i], seen[:, j]) - centre[i] * centre[j] for j in columns] for i in columns]
        rest = np.eye(len(centre)) - sum(np.outer(one, one) for one in np.linalg.svd(known)[0].T[:number])
        moved = np.nanmean(other, axis=0) - centre
        means = centre + moved
        moments = [
            [product(other[:, i], other[:, j]) - means[i] * means[j] + moved[i] * moved[j] for j in columns]
            for i in columns
        ]
        left.append(np.diag(rest @ moments @ rest))
    return np.mean(left, axis=0)


@pytest.mark.parametrize("lags", [0, 2])
def test_both_statistics_are_those_of_the_textbook(lags):
    """T-squared from scores and eigenvalues of the correlation matrix, Q from what the scores do not explain."""
    train, test = plant(500), plant(40, 1)
    model = fit_asset(train, NAMES, lags=lags)
    t_squared, q = by_hand(train, test, lags)
    parts = model.contributions(test)
    np.testing.assert_allclose(parts["t_squared"].sum(axis=1)[lags:], t_squared, rtol=1e-8)
    np.testing.assert_allclose(parts["q"].sum(axis=1)[lags:], q, rtol=1e-6)  # but the allowance for rounding
    distances = model.distances(lambda start, end: test[start:end], 0, len(test))
    np.testing.assert_allclose(distances["t_squared"] ** 2, parts["t_squared"].sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(distances["q"] ** 2, parts["q"].sum(axis=1), rtol=1e-9)


def test_residuals_are_measured_in_what_half_of_the_training_leaves_of_the_other():
    """Without lags: the mean square of the residuals themselves, row by row, but never less than of all together."""
    train = plant(500)
    model = fit_asset(train, NAMES, lags=0)
    z, left = (train - model.means) / model.scales, []
    whole = ((z - z @ model.loadings @ model.loadings.T) ** 2).sum(axis=0) / 499
    for seen, other in ((z[:250], z[250:]), (z[250:], z[:250])):
        vectors = np.linalg.svd(seen - seen.mean(axis=0))[2][: model.variances.size]
        rows = other - seen.mean(axis=0)
        left.append(((rows - rows @ vectors.T @ vectors) ** 2).mean(axis=0))
    expected = np.sqrt(np.maximum(np.mean(left, axis=0), whole))
    np.testing.assert_allclose(model.residual_spreads, expected, rtol=1e-6)


def test_a_noisy_channel_does_not_hide_a_fault_between_the_others():
    """Flow leaves speed and power by a third of its standard deviation, where noise of its own is a seventh of that."""
    random = np.random.default_rng(8)

    def with_noise(n, seed, noise):
        cause = np.random.default_rng(seed).normal(size=(n, 1))
        together = cause * [1.0, 10.0, 0.1] + random.normal(0, 0.05, (n, 3)) * [1.0, 10.0, 0.1]
        return np.column_stack([together, random.normal(0, noise, (n, 3))])

    for noise in (1e-3, 1.0, 1e3):  # the unit of a channel changes nothing
        model = fit_asset(with_noise(800, 0, noise), NAMES, lags=0)
        test = with_noise(400, 1, noise)
        assert model.find(test) == []
        test[200:220, 0] += 0.6
        events = [event for event in model.find(test) if event.statistic == "q"]
        assert [event.contributions[0][0] for event in events] == ["flow"]
        assert 200 <= events[0].start <= events[0].end <= 219


def test_lags_are_as_many_as_leave_ten_samples_for_each_column():
    assert [fit_asset(plant(n), NAMES).lags for n in (100, 120, 180, 299, 300, 900)] == [0, 1, 2, 3, 4, 4]


def test_a_change_that_is_too_fast_is_found_by_the_samples_before():
    """A slow wave of which every value is known, and which jumps half way back."""
    swing = np.sin(np.arange(2000) / 40)[:, None] * [1.0, 2.0, -1.0] + np.random.default_rng(0).normal(
        0, 0.01, (2000, 3)
    )
    test = swing[:600].copy()
    test[300:] = swing[420:720]
    assert fit_asset(swing, ["a", "b", "c"], lags=0).find(test) == []
    assert [event.start for event in fit_asset(swing, ["a", "b", "c"]).find(test)][:1] == [300]


def test_a_component_that_drifts_may_drift_as_much_again():
    """One channel and its double rise by a ramp: the means of two halves differ by half of it."""
    ramp = np.linspace(-1, 1, 400)
    model = fit_asset(np.column_stack([ramp, 2 * ramp + 5]), ["a", "b"], lags=0)
    scale = ramp.std(ddof=1)
    halves = (ramp[200:].mean() - ramp[:200].mean()) / scale * np.sqrt(2)  # of the score of both channels
    assert model.spreads[0] == pytest.approx(2.0 + (2 * halves) ** 2)


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
    assert events[0].words.startswith(
        f"channels moved apart {events[0].ratio:.1f} times as far as ever in training; heat"
    )
    assert events[0].margins > 1


def test_all_that_move_together_too_far_exceed_t_squared():
    model, test = fit_asset(plant(800), NAMES, lags=0), plant(600, 1)
    test[100] = model.means + 8 * model.scales * np.array([1, 1, 1, 0, 0, 0])
    event = next(event for event in model.find(test) if event.statistic == "t_squared")
    assert (event.start, event.end, event.peak_at) == (100, 100, 100)
    assert {name for name, _ in event.contributions[:3]} == {"flow", "speed", "power"}
    assert event.value > event.bound > event.record


def test_the_bound_is_the_margin_rule_of_the_envelope():
    """One channel, -1 and 1 in turns but two 3: the distance is the size of its standard score."""
    train = np.tile([-1.0, 1.0], 50)
    train[[7, 93]] = 3.0  # in both halves, so that nothing drifts
    distances = np.abs(train - train.mean()) / train.std(ddof=1)
    model = fit_asset(train[:, None], ["flow"], Margin(kappa=8.0, theta=0.3, floor=0.01), lags=0)
    record, quantile = distances.max(), np.quantile(distances, 0.98)
    excess = (distances[distances > quantile] - quantile).mean()
    assert excess > 0
    assert model.bound("t_squared") == pytest.approx(record + max(8 * excess, 0.3 * record) + 0.01 * record)


def test_events_50_samples_apart_are_one():
    model = fit_asset(plant(800), NAMES, lags=0)
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
    model = fit_asset(train, ["a", "b"], lags=0)
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
