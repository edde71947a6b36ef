from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr

from workbench.telemetry.archive import Archive, natural_key
from workbench.telemetry.catalog import Catalog
from workbench.telemetry.schema import data_hash, validate
from workbench.telemetry.synthetic import demo_fleet, import_demo
from workbench.telemetry.synthetic.faults import Scene
from workbench.telemetry.synthetic.fleet import _FLEET
from workbench.telemetry.synthetic.orbiter import Orbiter, battery, simulate_orbiter
from workbench.telemetry.synthetic.pump import simulate_pump
from workbench.telemetry.synthetic.simulation import KINDS, delayed, first_order, runs

Channel = tuple[xr.Dataset, xr.Dataset, pd.DataFrame]
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module", params=SEEDS)
def seed(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(scope="module")
def fleet(seed: int) -> dict[str, Channel]:
    return {test.attrs["channel"]: (train, test, labels) for train, test, labels in demo_fleet(seed)}


@pytest.fixture(scope="module")
def healthy(seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """Test telemetry of the same fleet, had nothing gone wrong."""
    with pytest.MonkeyPatch.context() as patch:
        spared = tuple(type(machine)(**{**vars(machine), "faults": lambda scene: []}) for machine in _FLEET)
        patch.setattr("workbench.telemetry.synthetic.fleet._FLEET", spared)
        return {test.attrs["channel"]: test["telemetry"].values for _, test, _ in demo_fleet(seed)}


def labelled(n: int, labels: pd.DataFrame) -> npt.NDArray[np.bool_]:
    mask = np.zeros(n, dtype=bool)
    for row in labels.itertuples():
        mask[row.start : row.end + 1] = True
    return mask


def test_the_fleet_is_what_it_says(fleet: dict[str, Channel], seed: int):
    assert len(fleet) == 24
    assert len({(test.attrs["asset"], test.attrs["subsystem"]) for _, test, _ in fleet.values()}) == 12
    assert {test.attrs["asset"] for _, test, _ in fleet.values()} == {"Orbiter-1", "Orbiter-2", "Pump-1"}
    for name, (train, test, _) in fleet.items():
        for split in (train, test):
            validate(split)
            assert np.isfinite(split["telemetry"].values).all()
            assert split["commands"].dtype == np.int8
            assert split.attrs["source"] == f"demo fleet, seed {seed} (synthetic)"
            assert split.attrs["channel"] == name
        assert 4000 <= train.sizes["time"] <= 6000
        assert 5000 <= test.sizes["time"] <= 8000
        assert train["commands"].values.any(axis=0).all(), "each command is sent in training"


def test_time_is_fixed_and_runs_on_from_training_to_test(fleet: dict[str, Channel]):
    minute = np.timedelta64(1, "m")
    for train, test, _ in fleet.values():
        time = np.concatenate([train["time"].values, test["time"].values])
        assert (np.diff(time) == minute).all()
        assert time[-1] + minute == np.datetime64("2026-01-01T00:00")


def test_the_catalog_describes_every_channel(fleet: dict[str, Channel]):
    catalog = Catalog.load()
    assert set(fleet) == set(catalog.channels)
    for name, (_, test, _) in fleet.items():
        listed = catalog.channels[name]
        assert (listed.asset, listed.subsystem, listed.units) == tuple(
            test.attrs[key] for key in ("asset", "subsystem", "units")
        )


def test_healthy_telemetry_keeps_its_limits_and_some_faults_do_not(fleet: dict[str, Channel]):
    catalog = Catalog.load()
    beyond_critical = []
    for name, (train, test, labels) in fleet.items():
        limits = catalog.channels[name].limits
        low, high = (-np.inf if limits.warning_low is None else limits.warning_low), limits.warning_high
        values, anomalous = test["telemetry"].values, labelled(test.sizes["time"], labels)
        for ok in (train["telemetry"].values, values[~anomalous]):
            assert ok.min() > low, name
            assert ok.max() < high, name
        if anomalous.any() and values[anomalous].max() > limits.critical_high:
            beyond_critical.append(name)
    assert len(beyond_critical) >= 5
    assert {"BRG-1", "PAY-1"} <= set(beyond_critical), "degradation ends in failure"


def test_every_kind_of_anomaly_is_labelled_and_some_channels_stay_healthy(fleet: dict[str, Channel]):
    kinds = Counter(kind for _, _, labels in fleet.values() for kind in labels["kind"])
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 3
    faulty = [len(labels) for _, _, labels in fleet.values() if len(labels)]
    assert 14 <= len(faulty) <= 20
    assert max(faulty) <= 3
    for name, (_, test, labels) in fleet.items():
        assert dict(labels.dtypes.astype(str)) == {"start": "int64", "end": "int64", "kind": "str"}
        bounds = labels[["start", "end"]].to_numpy().ravel()
        assert (np.diff(bounds) > 0).all(), f"{name}: labels are apart and of at least two samples"
        if bounds.size:
            assert bounds[0] > 250 + 100, "a forecaster sees one window before the first fault"
            assert bounds[-1] < test.sizes["time"]


def test_labels_are_just_where_the_telemetry_was_changed(
    fleet: dict[str, Channel], healthy: dict[str, npt.NDArray[np.float32]]
):
    for name, (_, test, labels) in fleet.items():
        changed = test["telemetry"].values != healthy[name]
        assert not changed[~labelled(changed.size, labels)].any(), name
        for row in labels.itertuples():
            if row.kind in ("point", "dropout"):
                assert changed[row.start : row.end + 1].all(), name
            else:  # there may be nothing to see at first, or while the device rests
                places = np.flatnonzero(changed[row.start : row.end + 1]) / (row.end - row.start)
                assert places[0] < 0.1, (name, row.kind)
                assert places[-1] > 0.9, (name, row.kind)
                assert places.size > 20, (name, row.kind)


def test_each_kind_is_what_its_name_says(fleet: dict[str, Channel], healthy: dict[str, npt.NDArray[np.float32]]):
    for name, (train, test, labels) in fleet.items():
        noise = 2 * np.abs(np.diff(train["telemetry"].values)).mean()
        for row in labels.itertuples():
            inside = slice(row.start, row.end + 1)
            values = test["telemetry"].values[inside].astype(float)
            change = values - healthy[name][inside]
            length = values.size
            if row.kind == "point":
                assert 2 <= length <= 20
                assert np.abs(change).min() > 10 * noise / 2
            elif row.kind == "stuck":
                assert length >= 100
                assert np.ptp(values) == 0
                assert values[0] == test["telemetry"].values[row.start - 1]
            elif row.kind == "dropout":
                assert np.ptp(values) == 0
                assert values[0] < train["telemetry"].values.min()
            elif row.kind == "drift":
                ramp = np.arange(1, length + 1) / length
                assert np.corrcoef(change, ramp)[0, 1] > 0.99
                assert np.abs(change[-1]) > np.ptp(train["telemetry"].values) * 0.3
            elif row.kind == "degradation":
                assert length >= 800
                quarter = length // 4
                assert np.abs(change[-quarter:]).mean() > 3 * np.abs(change[:quarter]).mean()
            else:
                assert row.kind == "contextual"
                assert np.abs(change).max() > 3 * noise


def test_contextual_anomalies_hide_in_the_usual_range(fleet: dict[str, Channel]):
    hidden = 0
    for train, test, labels in fleet.values():
        usual = train["telemetry"].values
        for row in labels[labels["kind"] == "contextual"].itertuples():
            values = test["telemetry"].values[row.start : row.end + 1]
            hidden += bool(values.min() >= usual.min() and values.max() <= usual.max())
    assert hidden >= 5


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, again, other = (
        [(data_hash(train), data_hash(test), labels.to_csv()) for train, test, labels in demo_fleet(seed)]
        for seed in (7, 7, 8)
    )
    assert first == again
    assert all(a[0] != b[0] for a, b in zip(first, other, strict=True))
    assert [row[2] for row in first] != [row[2] for row in other]


def test_importing_is_idempotent(tmp_path: Path):
    archive = Archive(tmp_path / "archive.zarr")
    names = import_demo(archive)
    assert archive.channels() == sorted(names, key=natural_key)
    stamp = {file: file.stat().st_mtime_ns for file in archive.path.rglob("zarr.json")}
    assert import_demo(archive) == names
    assert {file: file.stat().st_mtime_ns for file in archive.path.rglob("zarr.json")} == stamp
    for train, test, labels in demo_fleet():
        name = test.attrs["channel"]
        xr.testing.assert_identical(archive.open(name, "train").load(), train)
        xr.testing.assert_identical(archive.open(name, "test").load(), test)
        pd.testing.assert_frame_equal(archive.labels(name), labels)


def test_progress_is_shown_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    archive = Archive(tmp_path / "archive.zarr")
    import_demo(archive, progress=True)
    assert "24/24" in capsys.readouterr().err
    import_demo(archive)
    assert capsys.readouterr().err == ""


def test_a_first_order_lag_makes_63_percent_of_a_step_in_its_time_constant():
    step = first_order(np.ones(400), 40.0, 0.0)
    assert step[39] == pytest.approx(1 - np.exp(-1))
    assert step[-1] == pytest.approx(1, abs=1e-4)


def test_runs_are_start_and_stop():
    assert runs([1, 1, 0, 0, 1, 0, 1]).tolist() == [[0, 2], [4, 5], [6, 7]]
    assert runs([0, 0]).tolist() == []


@pytest.fixture(scope="module")
def orbit() -> tuple[dict[str, npt.NDArray[np.float64]], dict[str, npt.NDArray[np.float64]]]:
    craft = Orbiter(period=96.0, eclipse=0.36, array=13.5, wheel=2400.0, radio=8.0)
    return simulate_orbiter(craft, 6000, np.random.default_rng(3))


def test_the_battery_charges_in_sunlight_and_discharges_in_eclipse(orbit):
    signals, _ = orbit
    dark, bright = signals["sun"] == 0, signals["sun"] == 1
    assert (signals["battery current"][dark] < 0).all()
    assert signals["battery current"][bright].mean() > 0
    assert (signals["array current"][dark] == 0).all()
    assert dark.mean() == pytest.approx(0.36, abs=0.03)


def test_charge_is_balanced_and_limited():
    cell = battery(np.full(2000, 12.0), np.full(2000, 4.0))
    assert cell.current.max() <= 5.5
    assert cell.current[-1] < 0.01, "a full battery takes no more"
    assert (np.diff(cell.voltage[100:]) > -0.02).all()
    assert (battery(np.zeros(30), np.full(30, 4.0)).current == -4.0).all()


def test_devices_obey_their_commands_two_minutes_later(orbit):
    signals, commands = orbit
    sending = delayed(commands["transmit"]) > 0
    assert (signals["radio power"][sending] > 5).all()
    assert (signals["radio power"][~sending] == 0).all()
    assert delayed(commands["transmit"])[2:].tolist() == commands["transmit"][:-2].tolist()
    warm = delayed(commands["heater-on"]) > 0
    assert np.array_equal(signals["heater current"] > 0, warm)
    assert (
        (np.diff(signals["tank temperature"])[warm[1:]]).mean()
        > 0
        > np.diff(signals["tank temperature"])[~warm[1:]].mean()
    )


def test_wheel_current_and_temperature_rise_with_speed(orbit):
    signals, commands = orbit
    assert np.corrcoef(signals["wheel speed"], signals["wheel current"])[0, 1] > 0.5
    assert np.corrcoef(first_order(signals["wheel current"], 45.0), signals["wheel temperature"])[0, 1] > 0.9
    for start, stop in runs(commands["wheel-unload"]):
        if stop + 2 < 6000:
            assert signals["wheel speed"][stop + 2] < signals["wheel speed"][start] - 100


def test_the_pump_delivers_only_when_it_runs():
    signals, commands = simulate_pump(6000, np.random.default_rng(3))
    still = first_order(delayed(commands["pump-run"]), 0.6, 0.0) < 1e-3
    assert 0.1 < still.mean() < 0.6
    assert signals["flow"][still].max() < 1
    assert signals["motor current"][still].max() < 0.1
    fast = delayed(commands["high-speed"]) > 0
    slow = (delayed(commands["pump-run"]) > 0) & ~fast
    for quantity in ("flow", "pressure", "motor current", "vibration"):
        assert signals[quantity][fast].mean() > 1.1 * signals[quantity][slow].mean(), quantity


def test_places_of_faults_follow_the_seed_and_the_commands():
    signals, commands = simulate_pump(3000, np.random.default_rng(0))
    scene = Scene(signals, commands, {"PMP-1": 1.0}, 1000, 3000, np.random.default_rng(0))
    start, stop = scene.run_after("pump-run", 0.3)
    assert 1000 + 0.28 * 2000 <= start < stop
    assert delayed(commands["pump-run"])[start:stop].all()
    change = np.zeros(3000)
    change[1500:1600] = 5.0
    change[1490:1500] = 1.5
    fault = scene.visible("PMP-1", "contextual", change)
    assert (fault.start, fault.stop) == (1500, 1600)
