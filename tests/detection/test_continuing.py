"""A score that goes on is, bit for bit, the score of the whole."""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.detection.lstm.test_forecaster import random_weights
from tests.rounds import Rounds
from workbench.detection.anomalies import detect
from workbench.detection.applied import params_of
from workbench.detection.continuing import Continuation, complete_rows, continue_score
from workbench.detection.forecasters import Forecaster
from workbench.detection.lstm.forecaster import LSTMForecaster
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.ridge import RidgeForecaster
from workbench.detection.scoring import anomaly_frame, score
from workbench.exceptions import DetectionError, ForecasterError
from workbench.models.packing import from_file
from workbench.parameters import Preset, SeverityLevels, TelemanomParams
from workbench.settings import Settings
from workbench.telemetry.schema import make_channel

MODELS = Path(__file__).parents[2] / "data" / "models"
PRESETS = {
    "paper": TelemanomParams(),
    "workbench": Preset(
        lag_correction=True,
        smoothing_fraction=0.07,
        least_error_of="range",
        forecasters={"ridge": 1.0, "lstm": 2.0},
        envelope="fixed",
    ),
}
LEVELS = SeverityLevels()
SERIES = ("prediction", "prediction_error", "smoothed_error", "epsilon", "sample", "time")


def joined(earlier: xr.Dataset | None, continuation: Continuation) -> xr.Dataset:
    keep, scored = continuation
    if not keep or earlier is None:
        assert keep == 0
        return scored
    variables = {
        name: ("time", np.concatenate([earlier[name].values[:keep], scored[name].values]), scored[name].attrs)
        for name in SERIES
    }
    return xr.Dataset(
        {name: variables[name] for name in SERIES[:4]},
        coords={name: variables[name] for name in SERIES[4:]},
        attrs=scored.attrs,
    )


def check_same(one: xr.Dataset, other: xr.Dataset) -> None:
    for name in SERIES:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name].values, other[name].values, err_msg=name)
    first, second = ({key: value for key, value in each.attrs.items() if key != "seconds"} for each in (one, other))
    assert first == second


def check_cuts(
    channel: xr.Dataset,
    forecasters: Sequence[Forecaster],
    params: TelemanomParams,
    train: xr.Dataset | None,
    cuts: Sequence[int],
) -> list[int]:
    """Score parts of a channel one after the other, compare the last with the whole, and return what was kept."""
    whole = score(channel, forecasters, params, train)
    earlier, keeps = None, []
    for cut in [*sorted(int(cut) for cut in cuts), channel.sizes["time"]]:
        part = channel.isel(time=slice(0, cut))
        continuation = continue_score(part, forecasters, params, train, earlier)
        earlier = joined(earlier, continuation)
        keeps.append(continuation.keep)
    assert earlier is not None
    check_same(earlier, whole)
    return keeps


def wave(n: int, seed: int = 0, n_commands: int = 3, dated: bool = False) -> xr.Dataset:
    random = np.random.default_rng(seed)
    commands = (random.random((n, n_commands)) < 0.1).astype(np.int8)
    telemetry = np.sin(np.arange(n) / 25) * 4 + commands[:, :1].sum(axis=1) + random.normal(0, 0.1, n)
    for start in random.integers(0, n, n // 900):
        telemetry[start : start + int(random.integers(1, 90))] += random.choice([3, -5, 9])
    time = np.datetime64("2026-01-01", "ns") + np.arange(n) * np.timedelta64(1, "m") if dated else None
    return make_channel(telemetry, commands, time=time, channel="X-1", asset="X", units="V")


def with_gaps(channel: xr.Dataset) -> xr.Dataset:
    """Take the first samples, every twentieth, and some stretches out of the telemetry, one of them a long outage."""
    n, random = channel.sizes["time"], np.random.default_rng(3)
    telemetry = channel["telemetry"].values.copy()
    telemetry[:40] = telemetry[random.random(n) < 0.05] = np.nan
    for start, size in zip(random.integers(0, n, 6).tolist(), (20, 90, 130, 140, 260, n // 9), strict=True):
        telemetry[start : start + size] = np.nan
    return channel.assign(telemetry=("time", telemetry, channel["telemetry"].attrs))


def small_lstm(train: xr.Dataset, kind: str) -> LSTMForecaster:
    weights = random_weights(1 + train.sizes["command"], (6, 5), 10)
    for layer, size in enumerate((6, 5)):
        weights[f"lstm_{layer}.bias"][size : 2 * size] = {"forgets": 0.0, "remembers": 8.0}[kind]
    return LSTMForecaster.from_weights(weights, sequence_length=50)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kinds", [("ridge",), ("persistence",), ("forgets",), ("remembers",), ("ridge", "forgets")])
def test_parts_are_the_whole(kinds: tuple[str, ...], preset: str) -> None:
    train, channel = wave(1200, 1), wave(6100, 2, dated="ridge" in kinds)
    forecasters: list[Forecaster] = []
    for kind in kinds:
        if kind == "ridge":
            forecasters.append(RidgeForecaster().fit(train))
        elif kind == "persistence":
            forecasters.append(PersistenceForecaster().fit(train))
        else:
            forecasters.append(small_lstm(train, kind))
    cuts = np.random.default_rng(len(kinds)).integers(2900, 6100, 3)
    keeps = check_cuts(channel, forecasters, PRESETS[preset], train, cuts)
    assert keeps[0] == 0 and all(keeps[1:])


@pytest.mark.parametrize("kinds", [("ridge",), ("forgets",), ("ridge", "persistence")])
@pytest.mark.parametrize("preset", PRESETS)
def test_parts_are_the_whole_where_telemetry_is_missing(kinds: tuple[str, ...], preset: str) -> None:
    train, channel = with_gaps(wave(1200, 1)), with_gaps(wave(6100, 2))
    made = {"ridge": RidgeForecaster, "persistence": PersistenceForecaster}
    forecasters = [made[kind]().fit(train) if kind in made else small_lstm(train, kind) for kind in kinds]
    inside = np.flatnonzero(np.isnan(channel["telemetry"].values))
    cuts = np.random.default_rng(1).choice(inside[inside > 3000], 3)  # a part may end with missing telemetry
    keeps = check_cuts(channel, forecasters, PRESETS[preset], train, [*cuts, 4500])
    assert keeps[0] == 0 and all(keeps[1:])


@pytest.mark.parametrize("missing", [False, True])
def test_the_whole_is_what_the_detection_of_a_series_in_memory_says(missing: bool) -> None:
    train, channel = wave(1200, 1), wave(6100, 2)
    if missing:
        train, channel = with_gaps(train), with_gaps(channel)
    for params in PRESETS.values():
        scored = score(channel, [RidgeForecaster().fit(train)], params, train)
        detection = detect(channel["telemetry"].values, scored["prediction"].values, params_of(scored, params))
        sequences = json.loads(scored.attrs.get("forecast_anomalies", scored.attrs["anomalies"]))
        assert sequences == detection.anomalies.to_numpy().tolist() != []
        for name in ("prediction_error", "smoothed_error", "epsilon"):
            np.testing.assert_array_equal(scored[name].values, getattr(detection, name).astype(np.float32))


@pytest.mark.parametrize("forecaster", [RidgeForecaster(), PersistenceForecaster()], ids=["ridge", "persistence"])
def test_a_prediction_has_the_same_bits_wherever_it_begins_and_ends(forecaster: Forecaster) -> None:
    train, channel = wave(1200, 1, n_commands=7), wave(13_000, 2, n_commands=7)
    fitted = forecaster.fit(train)
    whole = fitted.predict(channel)
    for first, n in [(0, 700), (3, 5000), (4095, 4900), (4096, 9001), (8191, 13_000), (12_739, 13_000)]:
        part = fitted.predict_from(channel.isel(time=slice(0, n)), first)
        np.testing.assert_array_equal(part, whole[first : n - 260], strict=True)


@pytest.mark.parametrize("kind", ["forgets", "remembers"])
def test_an_lstm_predicts_the_same_bits_wherever_it_begins_and_ends(kind: str) -> None:
    channel = wave(3000, 2)
    forecaster = small_lstm(channel, kind)
    whole = forecaster.predict(channel)
    for first, n in [(0, 61), (0, 700), (3, 701), (600, 1333), (629, 2000), (630, 2999), (2900, 3000)]:
        part = forecaster.predict_from(channel.isel(time=slice(0, n)), first)
        np.testing.assert_array_equal(part, whole[first : n - 60], strict=True)


@pytest.mark.parametrize("train_is", ["constant", "missing"])
def test_where_the_range_of_the_test_series_counts_its_growth_changes_every_window(train_is: str) -> None:
    """The least error is a share of a range that new samples widen: nothing of the earlier detection can stay."""
    channel = wave(5000, 2)
    channel["telemetry"][4500:4510] = 80
    fitted = RidgeForecaster().fit(wave(1200, 1))
    train = wave(1200, 1).assign(telemetry=("time", np.ones(1200, np.float32))) if train_is == "constant" else None
    keeps = check_cuts(channel, [fitted], PRESETS["workbench"], train, [3000, 4000, 4600])
    assert keeps[:1] == [0] and keeps[2] == 0 and keeps[3] > 0


class Elsewhere:
    """A forecaster of somebody else: it predicts only whole series."""

    sequence_length, prediction_horizon, n_inputs, name = 250, 10, 4, "elsewhere"

    def predict(self, channel: xr.Dataset) -> np.ndarray:
        return channel["telemetry"].values[249 : channel.sizes["time"] - 11].astype(np.float32)


class Zeros(Elsewhere):
    """One that does not mind what the telemetry is."""

    def predict(self, channel: xr.Dataset) -> np.ndarray:
        return np.zeros(channel.sizes["time"] - 260, np.float32)


def test_a_forecaster_that_predicts_whole_series_goes_on_too() -> None:
    keeps = check_cuts(wave(5000, 2), [Elsewhere()], PRESETS["paper"], None, [3000, 4000])  # type: ignore[list-item]
    assert keeps[1:] != [0, 0]


@pytest.mark.parametrize("at", [0, 100, 2000, 4995])
def test_what_is_not_finite_is_named_as_in_a_whole_series(at: int) -> None:
    channel = wave(5000, 2)
    channel["telemetry"][at : at + 2] = np.inf
    fitted = RidgeForecaster().fit(wave(1200, 1))
    with pytest.raises(ForecasterError, match=f"2 samples with NaN or infinite values, the first at sample {at} "):
        score(channel, [fitted], PRESETS["paper"])
    with pytest.raises(DetectionError, match=f"telemetry holds 2 values .* the first at index {at}"):
        score(channel, [Zeros()], PRESETS["paper"])  # type: ignore[list-item]


def test_a_score_that_cannot_be_gone_on_from_is_left_alone() -> None:
    train, channel = wave(1200, 1), wave(5000, 2)
    fitted = [RidgeForecaster().fit(train)]
    short = score(channel.isel(time=slice(0, 2700)), fitted, PRESETS["paper"], train)
    older = score(channel.isel(time=slice(0, 4000)), fitted, PRESETS["paper"], train)
    older.attrs["detection_state"] = '{"standing": "{}"}'
    missing = older.assign_attrs(detection_state="{}")
    other = [RidgeForecaster(sequence_length=200).fit(train)]
    for earlier, forecasters in ((short, fitted), (older, fitted), (missing, fitted), (older, other)):
        keep, scored = continue_score(channel, forecasters, PRESETS["paper"], train, earlier)
        assert keep == 0
        check_same(scored, score(channel, forecasters, PRESETS["paper"], train))


def test_an_anomaly_is_provisional_until_its_window_is_complete() -> None:
    random = np.random.default_rng(0)
    telemetry = np.round(random.normal(0, 0.1, 4000), 3).astype(np.float32)
    n = 2360 + 70 * 12
    telemetry[n + 20 : n + 30] += 6
    channel = make_channel(telemetry, channel="X-1", asset="X")
    fitted = [PersistenceForecaster().fit(channel)]
    flags = {}
    for length in (n, n + 45, n + 70):
        scored = score(channel.isel(time=slice(0, length)), fitted, PRESETS["paper"])
        assert not anomaly_frame(scored.attrs, LEVELS)["provisional"].any(), "a series that has ended has none"
        growing = anomaly_frame(scored.attrs | {"grows": 1}, LEVELS)
        flags[length] = growing["provisional"].tolist()
        assert complete_rows(scored.attrs)[0] == n + 70 * (length == n + 70)
        assert scored.attrs["final_samples"] <= complete_rows(scored.attrs)[0]
    assert flags == {n: [], n + 45: [True], n + 70: [False]}


# ---- NASA's channels


def nasa_channel(archive: zipfile.ZipFile, split: str, name: str) -> xr.Dataset:
    array = np.load(io.BytesIO(archive.read(f"data/data/{split}/{name}.npy")))
    return make_channel(array[:, 0], array[:, 1:], channel=name, asset="NASA", source="NASA SMAP/MSL")


def check_nasa(nasa_zip: Path, names: Sequence[str], number: int, with_lstm: bool, n_cuts: int) -> None:
    """Cut one of some channels at random places."""
    name = names[number]
    with zipfile.ZipFile(nasa_zip) as archive:
        test, train = nasa_channel(archive, "test", name), nasa_channel(archive, "train", name)
    forecasters: list[Forecaster] = [RidgeForecaster().fit(train)]
    if with_lstm:
        forecasters = [from_file(MODELS / f"{name}.lstm.safetensors", name), *forecasters[: number % 2]]
    n = test.sizes["time"]
    for params in (TelemanomParams(), Settings().presets["workbench"]):
        cuts = np.random.default_rng(number).integers(min(2760, n - 400), n, n_cuts)
        check_cuts(test, forecasters, params, train, cuts)


@pytest.mark.nasa
@pytest.mark.slow
def test_a_few_of_nasas_channels_cut_at_random_places(nasa_zip: Path) -> None:
    for number in range(4):
        check_nasa(nasa_zip, ["P-1", "E-7", "M-6", "D-12"], number, False, 3)


def check_all(nasa_zip: Path, rounds: str, names: Sequence[str], with_lstm: bool, n_cuts: int) -> None:
    done = Rounds(rounds, range(len(names)))
    for number in done.left():
        check_nasa(nasa_zip, names, number, with_lstm, n_cuts)
        done.note(number, [names[number]])


@pytest.mark.nasa
@pytest.mark.long
def test_all_of_nasas_channels_cut_at_random_places(nasa_zip: Path) -> None:
    with zipfile.ZipFile(nasa_zip) as archive:
        names = sorted(Path(name).stem for name in archive.namelist() if "/test/" in name and name.endswith(".npy"))
    assert len(names) == 82
    check_all(nasa_zip, "cuts", names, False, 5)


@pytest.mark.nasa
@pytest.mark.long
def test_twelve_lstms_cut_at_random_places(nasa_zip: Path) -> None:
    names = sorted(path.name.split(".")[0] for path in MODELS.glob("*.lstm.safetensors"))[::7][:12]
    assert len(names) == 12
    check_all(nasa_zip, "cuts-of-lstms", names, True, 2)
