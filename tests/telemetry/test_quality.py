import io
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive_quality
from workbench.exceptions import ChannelNotFoundError
from workbench.telemetry.archive import Archive
from workbench.telemetry.quality import MEASURES, quality, quality_report
from workbench.telemetry.schema import make_channel
from workbench.telemetry.synthetic import demo_fleet

N = 4000


def channel(values: np.ndarray, time: np.ndarray | None = None) -> xr.Dataset:
    return make_channel(values, time=time, channel="X-1", asset="XAVER", units="V")


def noisy(n: int = N, seed: int = 0, noise: float = 0.05) -> np.ndarray:
    return np.sin(np.arange(n) / 30) + np.random.default_rng(seed).normal(0, noise, n)


def measured(test: np.ndarray, train: np.ndarray | None = None) -> dict[str, float | int | bool]:
    return quality(channel(noisy() if train is None else train), channel(test))


def test_healthy_telemetry_raises_no_flag():
    found = measured(noisy(seed=1))
    assert list(found) == list(MEASURES)
    for clean in ("missing_test", "gaps_train", "gaps_test", "stuck_runs", "outliers_train", "outliers_test"):
        assert found[clean] == 0, clean
    assert not found["constant_train"]
    assert found["drift_ks"] < 0.05
    assert found["drift_psi"] < 0.02
    assert found["range_exceeded"] < 0.005


@pytest.mark.parametrize("sampled", ["numbers", "minutes"])
def test_gaps_are_counted_with_the_samples_they_leave_out(sampled: str):
    kept = np.delete(np.arange(N), np.r_[100:130, 900, 2000:2007])
    time = kept if sampled == "numbers" else np.datetime64("2026-01-01", "ns") + kept * np.timedelta64(1, "m")
    found = quality(channel(noisy()), channel(noisy()[kept], time))
    assert (found["gaps_test"], found["gap_samples_test"]) == (3, 30 + 1 + 7)
    assert (found["gaps_train"], found["gap_samples_train"]) == (0, 0)


def test_jitter_of_the_clock_is_no_gap():
    jitter = np.random.default_rng(0).integers(-15, 16, N) * np.timedelta64(1, "s")
    time = np.datetime64("2026-01-01", "ns") + np.arange(N) * np.timedelta64(1, "m") + jitter
    assert quality(channel(noisy()), channel(noisy(), time))["gaps_test"] == 0


def test_missing_and_infinite_samples_are_shares():
    test = noisy()
    test[:100], test[200:300] = np.nan, np.inf
    found = measured(test)
    assert found["missing_test"] == pytest.approx(200 / N)
    assert found["missing_train"] == 0
    assert found["longest_run_test"] < 5
    assert math.isfinite(found["noise_test"])


def test_a_stuck_sensor_is_found():
    test = noisy()
    test[500:560], test[3000:3200] = test[500], test[3000]
    found = measured(test)
    assert found["stuck_runs"] == 2
    assert found["longest_run_test"] == 200


def test_a_state_is_never_stuck_or_an_outlier():
    state = (np.arange(N) // 50 % 2).astype(float)
    held = state.copy()
    held[1000:2000] = 1.0
    held[3030] = 1.0 - held[3030]
    found = measured(held, state)
    assert (found["stuck_runs"], found["outliers_test"]) == (0, 0)
    assert found["longest_run_test"] >= 1000


def test_runs_that_training_knows_are_not_stuck():
    idle = np.where(np.arange(N) // 100 % 2, noisy(), 0.0)
    assert measured(idle, idle)["stuck_runs"] == 0
    held = idle.copy()
    held[1000:1400] = 0.0
    assert measured(held, idle)["stuck_runs"] == 1


@pytest.mark.parametrize("width", [1, 2, 3])
def test_glitches_are_outliers(width: int):
    test = noisy()
    starts = np.array([300, 1100, 2500])
    test[(starts[:, None] + np.arange(width)).ravel()] += 2.0
    assert measured(test)["outliers_test"] == pytest.approx(3 * width / N)


def test_steps_slopes_and_turns_are_no_outliers():
    time = np.arange(N)
    saw = np.abs(time % 400 - 200) / 20 + 3.0 * (time // 700 % 2)
    assert measured(saw + noisy(noise=0.02))["outliers_test"] == 0


def test_noise_is_told_in_units_whatever_the_signal_does():
    found = measured(noisy(seed=3, noise=0.2))
    assert found["noise_train"] == pytest.approx(0.05, rel=0.1)
    assert found["noise_test"] == pytest.approx(0.2, rel=0.1)


def test_drift_shows_in_both_distances():
    found = measured(noisy(seed=4) + 0.8)
    assert found["drift_ks"] > 0.2
    assert found["drift_psi"] > 0.25
    assert found["range_exceeded"] > 0.2


def test_drift_does_not_hang_on_the_rounding_of_a_decile():
    train = [0.5, 0.5, 0.75, *[-0.75] * 6, 1.0, -1.0, 1.25, -1.25, 1.5, -1.5, 1.75, -1.75]
    found = measured(np.zeros(5), np.array(train))["drift_psi"]
    assert found == pytest.approx(naive_quality.psi(train, [0.0] * 5))
    assert found == measured(np.full(5, 1e-6), np.array(train))["drift_psi"]  # both lie between -0.75 and 0.5


def test_disjoint_series_are_as_far_apart_as_can_be():
    found = measured(noisy() + 10)
    assert found["drift_ks"] == 1.0
    assert found["range_exceeded"] == 1.0


def test_constant_training_is_flagged():
    test = np.where(np.arange(N) < 1000, 0.5, 1.0)
    found = measured(test, np.ones(N))
    assert found["constant_train"] is True
    assert found["levels_train"] == 1
    assert found["drift_ks"] == pytest.approx(0.25)
    assert found["drift_psi"] > 0.25
    assert found["range_exceeded"] == pytest.approx(0.25)
    assert found["noise_train"] == 0
    same = measured(np.ones(N), np.ones(N))
    assert (same["drift_ks"], same["drift_psi"], same["range_exceeded"]) == (0, 0, 0)


@pytest.mark.parametrize("values", [[1.0], [np.nan], [np.nan] * 50, [np.inf, 2.0], [1.0, 2.0, 3.0]])
def test_series_too_poor_to_measure_give_nan_not_an_error(values: list[float]):
    found = measured(np.array(values), np.array(values))
    finite = int(np.isfinite(values).sum())
    assert found["missing_test"] == pytest.approx(1 - finite / len(values))
    assert math.isnan(found["outliers_test"])
    assert math.isnan(found["drift_ks"]) == (finite == 0)
    assert found["constant_train"] is (finite == 1)


coarse = st.lists(st.integers(-30, 30).map(lambda i: i / 4), min_size=5, max_size=80)
telemetry = st.one_of(coarse, st.lists(st.floats(-1e6, 1e6, width=32), min_size=5, max_size=80))


@settings(max_examples=150, deadline=None)
@given(train=telemetry, test=telemetry, steps=st.lists(st.integers(1, 4), min_size=80, max_size=80))
def test_measures_equal_their_slow_definitions(train: list[float], test: list[float], steps: list[int]):
    time = np.cumsum(steps[: len(test)])
    found = quality(channel(np.array(train)), channel(np.array(test), time))
    assert found["longest_run_train"] == max(naive_quality.run_lengths(train))
    assert found["longest_run_test"] == max(naive_quality.run_lengths(test))
    assert (found["gaps_test"], found["gap_samples_test"]) == naive_quality.gaps(time.tolist())
    assert found["outliers_test"] == pytest.approx(naive_quality.outliers(test))
    assert found["noise_test"] == pytest.approx(naive_quality.noise(test), abs=1e-9)
    assert found["drift_ks"] == pytest.approx(naive_quality.ks(train, test))
    assert found["drift_psi"] == pytest.approx(naive_quality.psi(train, test))
    assert found["range_exceeded"] == np.mean([not min(train) <= value <= max(train) for value in test])


def test_the_report_is_a_dataset_and_a_table(tiny_archive: Archive):
    report = quality_report(tiny_archive)
    assert report.sizes == {"channel": 2}
    for name, (units, long_name) in MEASURES.items():
        assert report[name].attrs == {"units": units, "long_name": long_name}
        assert report[name].dims == ("channel",)
    single = quality(tiny_archive.open("X-1", "train"), tiny_archive.open("X-1", "test"))
    assert {name: report[name].sel(channel="X-1").item() for name in MEASURES} == single
    table = report.to_dataframe()
    assert list(table.index) == ["X-1", "X-2"]
    assert table.loc["X-1", "asset"] == "XAVER"
    assert table.loc["X-1", "range_exceeded"] > table.loc["X-2", "range_exceeded"]


def test_the_report_keeps_to_the_channels_asked_for(tiny_archive: Archive):
    assert quality_report(tiny_archive, ["X-2"])["channel"].values.tolist() == ["X-2"]
    with pytest.raises(ChannelNotFoundError, match="Y-9"):
        quality_report(tiny_archive, ["Y-9"])


def test_the_report_of_an_empty_archive_is_empty(tmp_path: Path):
    report = quality_report(Archive(tmp_path / "none.zarr"))
    assert report.sizes["channel"] == 0
    assert set(report.to_dataframe().columns) == {"asset", "subsystem", "units", "same_test_as", *MEASURES}


def test_the_same_test_series_twice_is_told(tmp_path: Path):
    archive = Archive(tmp_path / "archive.zarr")
    for name, seed in (("X-1", 1), ("X-2", 2), ("X-10", 1)):
        series = make_channel(noisy(seed=seed), channel=name, asset="XAVER")
        archive.write(series, series)
    report = quality_report(archive)
    assert report["same_test_as"].values.tolist() == ["", "", "X-1"]
    assert quality_report(archive, ["X-10"])["same_test_as"].values.tolist() == ["X-1"]


def test_the_demo_fleet_is_healthy_in_training_and_its_stuck_sensors_are_found():
    for train, test, labels in demo_fleet():
        found = quality(train, test)
        name = train.attrs["channel"]
        assert (found["gaps_train"], found["gaps_test"], found["missing_train"], found["missing_test"]) == (0,) * 4
        assert quality(train, train)["stuck_runs"] == 0, name
        frozen = labels["kind"].isin(["stuck", "dropout"])  # a dropout holds the bottom of the range
        assert found["stuck_runs"] == frozen.sum(), name


@pytest.mark.nasa
def test_constant_training_of_nasa_channels(nasa_zip: Path):
    constant, digests = [], {}
    with zipfile.ZipFile(nasa_zip) as archive:
        names = sorted(Path(name).stem for name in archive.namelist() if "/train/" in name and name.endswith(".npy"))
        for name in names:
            train, test = (
                np.load(io.BytesIO(archive.read(f"data/data/{split}/{name}.npy")))[:, 0] for split in ("train", "test")
            )
            found = quality(channel(train), channel(test))
            if found["constant_train"]:
                constant.append(name)
            digests.setdefault(test.tobytes(), []).append(name)
            assert 0 <= found["drift_ks"] <= 1
            assert found["missing_train"] == found["missing_test"] == 0
    assert len(names) == 82
    assert len(constant) == 16
    assert [twins for twins in digests.values() if len(twins) > 1] == [["P-10", "P-14"]]
