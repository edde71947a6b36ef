"""The registered model of an asset: blocks of many channels, uneven rates, saving and loading."""

import json

import numpy as np
import pandas as pd
import pytest

from workbench.detection.asset import AssetPCA, AssetSeries, fit_blocks, on_one_clock
from workbench.detection.asset.components import lagged
from workbench.detection.asset.missing import expected_scores
from workbench.exceptions import ArtifactError, DetectionError
from workbench.telemetry.schema import make_channel

START = np.datetime64("2026-01-01", "ns")


def asset(n, k, seed=0, fault=None, step=1, size=3):
    """Channels that two hidden causes move, sampled every minute; a fault displaces channel 3 for 30 samples."""
    random = np.random.default_rng(seed)
    weights = np.random.default_rng(7).normal(size=(2, k))
    values = random.normal(size=(n, 2)) @ weights + random.normal(0, 0.1, (n, k))
    if fault is not None:
        values[fault : fault + 30, 3] += size
    times = START + np.arange(n) * np.timedelta64(1, "m")
    return {
        f"C-{i}": make_channel(values[::step, i], time=times[::step], channel=f"C-{i}", asset="Plant") for i in range(k)
    }


def test_600_channels_work_in_two_blocks_and_name_the_channel():
    model = fit_blocks(AssetSeries(asset(620, 600)))
    assert [len(block.channels) for block in model.blocks] == [300, 300]
    assert model.metrics["channels"] == 600
    relative, anomalies = model.judge(AssetSeries(asset(200, 600, 1, fault=100, size=12)))
    (anomaly,) = anomalies
    assert (anomaly.start, anomaly.end) == (100, 129)
    assert anomaly.contributions[0][0] == "C-3"
    assert anomaly.severity > 1
    assert np.nanmax(relative["q"][:100]) < 1 < np.nanmin(relative["q"][100:130])


def test_distances_are_the_same_part_by_part(monkeypatch):
    """Parts of the table are joined without a seam, also where the samples before lie in another part."""
    model, series = fit_blocks(AssetSeries(asset(400, 5))), AssetSeries(asset(300, 5, 1, fault=100))
    whole = model.judge(series)
    monkeypatch.setattr("workbench.detection.asset.components._PART_VALUES", 7 * 25)
    monkeypatch.setattr("workbench.detection.asset.fitting._PART_VALUES", 11 * 25)
    again = fit_blocks(AssetSeries(asset(400, 5)))
    parts = again.judge(series)
    for name in whole[0]:
        np.testing.assert_allclose(parts[0][name], whole[0][name], rtol=1e-8)
    assert [(one.start, one.end) for one in parts[1]] == [(one.start, one.end) for one in whole[1]] == [(100, 129)]


def test_uneven_rates_lie_on_the_time_base_of_the_fastest_channel():
    fast, slow = asset(60, 2), asset(60, 2, 1, step=7)
    series = AssetSeries({"fast": fast["C-0"], "slow": slow["C-1"]})
    table = series.reader()(0, 60)
    by_pandas = on_one_clock(
        {"fast": fast["C-0"]["telemetry"].to_series(), "slow": slow["C-1"]["telemetry"].to_series()}
    )
    assert series.clock == "fast"
    np.testing.assert_array_equal(table, by_pandas.to_numpy())
    np.testing.assert_array_equal(series.reader(["slow", "gone"])(20, 30)[:, 0], table[20:30, 1])
    assert np.isnan(series.reader(["slow", "gone"])(20, 30)[:, 1]).all()


def test_a_fault_is_found_between_channels_of_uneven_rates():
    def uneven(n, seed, fault=None):
        slow = {"C-4": asset(n, 6, seed)["C-4"].isel(time=slice(None, None, 3))}
        return {**asset(n, 6, seed, fault, size=12), **slow}

    model = fit_blocks(AssetSeries(uneven(900, 0)))
    (anomaly,) = model.judge(AssetSeries(uneven(300, 1, fault=100)))[1]
    assert 97 <= anomaly.start <= 100
    assert 129 <= anomaly.end <= 135
    assert anomaly.contributions[0][0] == "C-3"


def test_a_channel_that_is_gone_does_not_hide_a_fault_of_the_others():
    model, test = fit_blocks(AssetSeries(asset(600, 6))), asset(300, 6, 1, fault=100)
    del test["C-5"]
    (anomaly,) = model.judge(AssetSeries(test))[1]
    assert anomaly.contributions[0][0] == "C-3"


def test_channels_with_times_and_without_have_no_common_clock():
    numbered = make_channel(np.zeros(9), channel="N", asset="Plant")
    with pytest.raises(DetectionError, match="C-0 has times, N has not"):
        AssetSeries({**asset(10, 1), "N": numbered})
    with pytest.raises(DetectionError, match="no channel"):
        AssetSeries({})


def test_a_model_is_saved_and_loaded_as_it_was(tmp_path):
    model, series = fit_blocks(AssetSeries(asset(300, 4)), kappa=5.0), AssetSeries(asset(200, 4, 1, fault=50))
    model.save(tmp_path / "model")
    again = AssetPCA.load(tmp_path / "model")
    assert (again.parameters, again.metrics, again.channels) == (model.parameters, model.metrics, model.channels)
    assert again.judge(series)[1] == model.judge(series)[1]
    assert repr(again).startswith("AssetPCA(4 channels, ")


@pytest.mark.parametrize("content", ["{", "[]", '{"forecaster": "ridge"}', '{"forecaster": "pca", "parameters": {}}'])
def test_a_damaged_model_is_refused(tmp_path, content):
    (tmp_path / "asset.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"asset\.json"):
        AssetPCA.load(tmp_path)
    with pytest.raises(ArtifactError, match="cannot be read"):
        AssetPCA.load(tmp_path / "nothing")


def test_a_model_with_arrays_that_do_not_fit_is_refused(tmp_path):
    fit_blocks(AssetSeries(asset(300, 4))).save(tmp_path)
    content = json.loads((tmp_path / "asset.json").read_text())
    content["blocks"][0]["means"].pop()
    (tmp_path / "asset.json").write_text(json.dumps(content))
    with pytest.raises(ArtifactError, match="means and scales"):
        AssetPCA.load(tmp_path)
    fit_blocks(AssetSeries(asset(300, 4))).save(tmp_path)
    content = json.loads((tmp_path / "asset.json").read_text())
    content["blocks"][0]["residual_spreads"].pop()
    (tmp_path / "asset.json").write_text(json.dumps(content))
    with pytest.raises(ArtifactError, match="residual_spreads"):
        AssetPCA.load(tmp_path)


def test_an_unknown_parameter_is_refused():
    with pytest.raises(DetectionError, match="no parameter 'lag'"):
        fit_blocks(AssetSeries(asset(300, 4)), lag=3)


def test_many_components_are_put_where_the_others_say_in_turn():
    """With as many components as causes the missing column is known; 70 of them are found in turn."""
    random = np.random.default_rng(2)
    basis = np.linalg.qr(random.normal(size=(300, 70)))[0]
    scores = random.normal(size=(5, 70))
    columns = scores @ basis.T
    gappy = columns.copy()
    gappy[:, :10] = np.nan
    found = expected_scores(gappy, basis, np.full(70, 5.0), 1e-6)
    assert np.abs(found - scores).max() < 0.05


def test_samples_before_the_first_are_missing():
    assert pd.isna(lagged(np.ones((2, 3)), 4)).sum() == 3 * (2 * 5 - 3)


def with_outage(series, row, move=0.0):
    """Put five hours before a row, and move all that is behind."""
    moved = {}
    for name, one in series.items():
        time, values = one["time"].values.copy(), one["telemetry"].values.copy()
        time[row:] += np.timedelta64(5, "h")
        values[row:] += move
        moved[name] = make_channel(values, time=time, channel=name, asset="Plant")
    return moved


def test_each_stretch_between_long_gaps_is_judged_as_a_series_of_its_own():
    model = fit_blocks(AssetSeries(asset(400, 5)))
    test = with_outage(asset(300, 5, 1, fault=125), 140)  # the gap lies in the fault
    series = AssetSeries(test, max_gap_seconds=600)
    assert series.breaks == (140,)
    relative, anomalies = model.judge(series)
    expected = []
    for part in (slice(0, 140), slice(140, None)):
        alone, own = model.judge(AssetSeries({name: one.isel(time=part) for name, one in test.items()}))
        for name, values in alone.items():
            np.testing.assert_allclose(relative[name][part], values, rtol=1e-9)
        expected += [(one.start + part.start, one.end + part.start) for one in own]
    assert [(one.start, one.end) for one in anomalies] == expected == [(125, 139), (140, 154)]
    assert [(one.start, one.end) for one in model.judge(AssetSeries(test))[1]] == [(125, 154)]


def test_an_asset_does_not_learn_across_a_long_gap():
    """What is learned of lags is that of all pairs of samples in the same stretch, however far the others lie."""
    train = with_outage(asset(400, 3), 200)
    fitted = [fit_blocks(AssetSeries(train, max_gap_seconds=one), max_gap_seconds=one) for one in (600, 30_000)]
    assert [model.parameters["max_gap_seconds"] for model in fitted] == [600, 30_000]
    (block,), (across,) = (model.blocks for model in fitted)
    values = np.column_stack([one["telemetry"].values.astype(float) for one in train.values()])
    standard = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    rows = np.concatenate([lagged(part, block.lags) for part in (standard[:200], standard[200:])])
    whole = ~np.isnan(rows)
    filled = np.where(whole, rows, 0.0)
    pairs = np.maximum(whole.T.astype(float) @ whole - 1, 1)
    variances = np.linalg.eigvalsh(filled.T @ filled / pairs)[::-1]
    np.testing.assert_allclose(block.variances, variances[: block.variances.size], rtol=1e-3)
    assert not np.array_equal(block.variances, across.variances)
