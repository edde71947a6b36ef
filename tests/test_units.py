"""What is found does not depend on the units of the telemetry, nor on where its zero lies."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import wave_channel
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.detection.applied import least_error_range
from workbench.detection.explanation import explain
from workbench.detection.forecasters import FORECASTERS
from workbench.detection.scoring import anomaly_frame, score
from workbench.parameters import Preset, SeverityLevels, TelemanomParams
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel

PRESETS = Settings().presets
SMALL = {"sequence_length": 30, "prediction_horizon": 5}


def in_units(channel: xr.Dataset, factor: float, shift: float = 0.0, units: str = "") -> xr.Dataset:
    """Return a channel whose telemetry was multiplied, then shifted."""
    telemetry = channel["telemetry"].values.astype(np.float64) * factor + shift
    made = channel.assign(telemetry=("time", telemetry.astype(np.float32)))
    made.attrs["units"] = units
    return made


def spans(train: xr.Dataset, test: xr.Dataset, forecaster: str, params: Preset) -> list[list[int]]:
    """Return start and end of each anomaly."""
    model = FORECASTERS[forecaster](**SMALL).fit(train)
    found = anomaly_frame(score(test, [model], params, train).attrs, SeverityLevels())
    return found[["start", "end"]].to_numpy().tolist()


def pair(seed: int, spikes: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Return a training and a test split whose anomalies lie well above the noise."""
    random = np.random.default_rng(seed)
    train, test = wave_channel(n=900, seed=seed), wave_channel(n=2600, seed=seed + 1)
    telemetry = test["telemetry"].values.copy()
    for start in random.choice(np.arange(400, 2500, 60), spikes, replace=False).tolist():
        telemetry[start : start + 40] += random.choice([-1, 1]) * random.uniform(0.5, 2)
    return train, test.assign(telemetry=("time", telemetry))


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 1000),
    st.integers(0, 4),
    st.integers(-6, 6),
    st.floats(-1, 1, allow_nan=False),
    st.sampled_from(["persistence", "ridge"]),
    st.sampled_from(["", "1", "V"]),
)
def test_no_power_of_ten_and_no_shift_changes_an_anomaly(
    seed: int, spikes: int, power: int, shift: float, forecaster: str, units: str
) -> None:
    train, test = (in_units(made, 1.0, units=units) for made in pair(seed, spikes))
    factor = 10.0**power
    expected = spans(train, test, forecaster, PRESETS["workbench"])
    moved = [in_units(made, factor, shift * factor, units) for made in (train, test)]
    found = spans(moved[0], moved[1], forecaster, PRESETS["workbench"])
    assert len(found) == len(expected)
    # Values of float32 are rounded anew in other units, so that a bound may move where an error lies on the threshold.
    np.testing.assert_allclose(found, expected, atol=1)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 4), st.integers(-20, 20), st.sampled_from(["persistence", "ridge"]))
def test_a_power_of_two_changes_nothing_at_all(seed: int, spikes: int, power: int, forecaster: str) -> None:
    train, test = (in_units(made, 1.0, units="V") for made in pair(seed, spikes))
    moved = [in_units(made, 2.0**power, units="V") for made in (train, test)]
    first, second = (
        score(other, [FORECASTERS[forecaster](**SMALL).fit(own)], PRESETS["workbench"], own)
        for own, other in ((train, test), moved)
    )
    one, other = ([row[:4] for row in json.loads(each.attrs["anomalies"])] for each in (first, second))
    assert one == other, "what found each, too; its events are in the units of the telemetry"
    for name in first.data_vars:
        np.testing.assert_array_equal(second[name].values, first[name].values * np.float32(2.0**power))


@pytest.mark.parametrize("units", ["", "V"])
def test_the_smallest_numbers_alarm(units: str) -> None:
    """A hundred thousandth of the numbers is the same anomaly; under `paper` it cannot be one, as published."""
    train, test = wave_channel(n=900), wave_channel(n=2600, seed=1, spike=2000)
    small = [in_units(made, 1e-5, units=units) for made in (train, test)]
    assert [start <= 2039 and end >= 2000 for start, end in spans(*small, "ridge", PRESETS["workbench"])] == [True]
    assert spans(*small, "ridge", PRESETS["paper"]) == []


def constant_pair(size: float) -> tuple[xr.Dataset, xr.Dataset]:
    """Return a constant training split, as 16 of NASA's channels have, and a test split that leaves it once."""
    telemetry = np.full(2600, 3.0)
    telemetry[2000:2040] += size
    return (make_channel(values, channel="X-1", asset="X") for values in (np.full(900, 3.0), telemetry))  # type: ignore[return-value]


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_where_training_was_constant_any_change_is_large(size: float) -> None:
    train, test = constant_pair(size)
    found = spans(train, test, "ridge", PRESETS["workbench"])  # persistence follows: it errs at two samples
    assert [start <= 2039 and end >= 2000 for start, end in found] == [True]


def test_where_training_was_constant_rounding_is_not_large() -> None:
    """The test telemetry leaves the constant by one step of float32, the smallest difference that there is."""
    train, test = constant_pair(float(np.spacing(np.float32(3))))
    assert np.ptp(test["telemetry"].values) > 0
    assert spans(train, test, "ridge", PRESETS["workbench"]) == []


def test_where_nothing_ever_varies_nothing_is_anomalous() -> None:
    train, test = constant_pair(0.0)
    assert least_error_range(train, test) == 0
    assert spans(train, test, "ridge", PRESETS["workbench"]) == []


def test_the_published_rule_is_in_the_telemetrys_own_units() -> None:
    assert (PRESETS["paper"].least_error, PRESETS["paper"].least_error_of) == (0.05, "units")
    assert PRESETS["paper"].in_units(200.0) is PRESETS["paper"]
    relative = TelemanomParams(least_error_of="range")
    assert relative.in_units(200.0).least_error == 10.0
    assert relative.in_units(200.0).in_units(7.0).least_error == 10.0


def test_what_explains_an_anomaly_judges_by_the_same_range() -> None:
    """The test telemetry ranges twenty times as far as the training's: by its own range, the spike would be small."""
    train, test = (
        in_units(made, 1e-4, units="V") for made in (wave_channel(n=900), wave_channel(n=2600, seed=1, spike=800))
    )
    values = test["telemetry"].values.copy()
    values[2300:2340] += 20 * np.ptp(train["telemetry"].values)
    test = test.assign(telemetry=("time", values))
    scored = score(test, [FORECASTERS["ridge"](**SMALL).fit(train)], PRESETS["workbench"], train)
    found = anomaly_frame(scored.attrs, SeverityLevels())
    why = explain(test, scored, PRESETS["workbench"], "workbench")
    assert len(why) == len(found) > 0
    assert why[["start", "end"]].equals(found[["start", "end"]])
    assert why["clears"].str.len().gt(0).all()


@pytest.mark.slow
def test_a_score_of_the_old_rule_is_stale_and_scored_anew(tiny_archive: Archive) -> None:
    session = wb.open(home=tiny_archive.path.parent)
    session.train("X-1")
    session.score("X-1")
    (key,) = session.archive.scores("X-1")
    stored = session.archive.open_scores("X-1", key).load()
    old = {name for name in ("train_hash", "least_error_range", "sequence_length", "prediction_horizon")}
    parameters = {"sequence_length": 250, "z_min": 2.5, "smoothing_fraction": 0.07, "lag_correction": True}
    stored.attrs = {name: value for name, value in stored.attrs.items() if name not in old}
    stored.attrs["parameters"] = json.dumps(parameters)
    session.archive.write_scores("X-1", key, stored)
    row = session.overview().set_index("channel").loc["X-1"]
    assert (row["state"], row["reason"]) == ("stale", "the preset's parameters have changed")
    assert session.score_all(["X-1"])["status"].tolist() == ["scored"]
    assert session.score_all(["X-1"])["status"].tolist() == ["current"]


@pytest.mark.slow
def test_another_training_range_makes_a_score_stale_but_not_under_paper(tiny_archive: Archive) -> None:
    session = wb.open(home=tiny_archive.path.parent)
    session.train("X-1")
    for preset in ("workbench", "paper"):
        session.score("X-1", preset=preset)
    test = tiny_archive.open("X-1").load()
    tiny_archive.write(in_units(wave_channel("X-1"), 3.0), test)
    states = {preset: session.score_all(["X-1"], preset=preset)["status"].tolist() for preset in ("workbench", "paper")}
    assert states == {"workbench": ["scored"], "paper": ["current"]}
    ranges = {key: attrs["least_error_range"] for key, attrs in session.archive.scores("X-1").items()}
    assert ranges["ridge.workbench"] == pytest.approx(3 * np.ptp(wave_channel("X-1")["telemetry"].values), rel=1e-6)


@pytest.mark.slow
def test_judged_alerts_and_trials_use_the_range_of_the_score(tiny_archive: Archive) -> None:
    """Tried with the thresholds in use, no alert appears and none vanishes, whatever the units."""
    from workbench.threshold_trial import try_thresholds

    archive = tiny_archive
    for name, spike in (("X-1", 2000), ("X-2", None)):
        splits = (wave_channel(name), wave_channel(name, 3000, 1, spike=spike))
        archive.write(
            *(in_units(split, 1e-4, units="V") for split in splits), pd.DataFrame(columns=["start", "end", "kind"])
        )
    session = wb.open(home=archive.path.parent)
    session.train()
    session.score_all()
    session.raise_alerts()
    where = (session.maintenance, session.channel_names(), session.channel, session.stored)
    trial = try_thresholds(*where, session.settings.severity, session.settings.params)
    assert set(trial.table["outcome"]) == {"stays"}
