"""Numbers that float32 cannot hold come back as they were written; what it can hold stays as it was."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.exceptions import ImportDataError
from workbench.telemetry.schema import data_hash

START = pd.Timestamp("2026-01-01")


def write(path: Path, first: int, **columns: list[object]) -> Path:
    n = len(next(iter(columns.values())))
    time = START + pd.to_timedelta(np.arange(first, first + n), unit="min")
    pd.DataFrame({"time": time} | columns).to_csv(path, index=False)
    return path


def whole(session, channel: str) -> np.ndarray:
    return np.concatenate([session.channel(channel, part)["telemetry"].values for part in ("train", "test")])


@pytest.fixture
def session(tmp_path):
    with wb.open(home=tmp_path / "home") as session:
        yield session


def test_a_counter_comes_back_exactly(session, tmp_path) -> None:
    counter = [123_456_789 + number for number in range(40)]
    cents = [f"{1_234_567.89 + number / 100:.2f}" for number in range(40)]
    noise = np.random.default_rng(0).normal(20, 1, 40)
    session.import_data(write(tmp_path / "a.csv", 0, counter=counter, cents=cents, noise=noise), asset="pump")
    assert whole(session, "counter").dtype == np.float64
    assert whole(session, "counter").tolist() == counter
    assert [f"{value:.2f}" for value in whole(session, "cents")] == cents
    assert whole(session, "noise").dtype == np.float32


def test_a_counter_goes_on_exactly_and_once(session, tmp_path) -> None:
    counter = [123_456_789 + number for number in range(60)]
    session.import_data(write(tmp_path / "a.csv", 0, counter=counter[:40]), asset="pump")
    [row] = session.import_data(write(tmp_path / "b.csv", 30, counter=counter[30:]), asset="pump").channels
    assert (row.status, row.repairs["samples_added"], row.repairs["equal_samples"]) == ("appended", 20, 10)
    assert whole(session, "counter").tolist() == counter
    [row] = session.import_data(write(tmp_path / "b.csv", 30, counter=counter[30:]), asset="pump").channels
    assert row.status == "unchanged"
    wrong = [value + 1 for value in counter[30:]]
    with pytest.raises(ImportDataError, match="contradicts"):
        session.import_data(write(tmp_path / "c.csv", 30, counter=wrong), asset="pump")


def test_numbers_that_float32_holds_are_stored_as_before(session, tmp_path) -> None:
    values = [round(20 + np.sin(number / 5), 3) for number in range(40)]
    session.import_data(write(tmp_path / "a.csv", 0, temp=values), asset="pump")
    train, test = session.channel("temp", "train"), session.channel("temp")
    assert train["telemetry"].dtype == test["telemetry"].dtype == np.float32
    assert np.array_equal(whole(session, "temp"), np.array(values, dtype=np.float32))
    info = session.archive.info("temp")
    assert (info.train_hash, info.test_hash) == (data_hash(train), data_hash(test))
    assert info.train_hash == "69b93806fc548ea222e1dac805f6ba06761519d057717749d7daf0886a4de12b"


def test_a_channel_becomes_wider_as_a_whole_where_it_must(session, tmp_path) -> None:
    early = [16_777_200.0 + number for number in range(17)]
    later = [16_777_217.0 + number for number in range(20)]
    session.import_data(write(tmp_path / "a.csv", 0, counter=early), asset="pump")
    assert whole(session, "counter").dtype == np.float32
    [row] = session.import_data(write(tmp_path / "b.csv", 15, counter=[*early[15:], *later]), asset="pump").channels
    assert (row.status, row.repairs["samples_added"], row.repairs["equal_samples"]) == ("appended", 20, 2)
    assert whole(session, "counter").dtype == np.float64
    assert whole(session, "counter").tolist() == [*early, *later]
    session.import_data(write(tmp_path / "c.csv", 37, counter=[1.0, 2.0, 3.0]), asset="pump")
    assert whole(session, "counter").tolist() == [*early, *later, 1.0, 2.0, 3.0]


def test_a_counter_is_forecast_and_judged_as_one_without_its_offset(session, tmp_path) -> None:
    random = np.random.default_rng(1)
    plain = np.round(np.sin(np.arange(4200) / 25) * 40 + random.normal(0, 1, 4200))
    plain[3400:3440] += 200
    report = write(tmp_path / "a.csv", 0, plain=plain, high=plain + 4_000_000_000)
    session.import_data(report, asset="pump", train_fraction=0.3)
    session.train(forecaster="ridge")
    session.score_all()
    plain_found, high_found = session.anomalies("plain"), session.anomalies("high")
    assert len(plain_found) == 1
    assert high_found[["start", "end"]].equals(plain_found[["start", "end"]])
    np.testing.assert_allclose(high_found["severity"], plain_found["severity"], rtol=1e-3)
    assert session.stored("high")["prediction"].dtype == np.float64
    explained = session.explain("high")
    assert len(explained) == 1
    assert session.raise_alerts()
    forecast = session.registry.load(session.registry.champion("high"))
    assert forecast.dtype == np.float64
    view = session.view("monitoring", channel="high")
    assert view.failure is None
    view.close()


def test_one_value_at_a_time_leaves_a_sensor_as_it_is(session, tmp_path) -> None:
    noise = np.random.default_rng(0).normal(20, 1, 41).tolist()
    session.import_data(write(tmp_path / "a.csv", 0, temp=noise[:40]), asset="pump")
    session.import_data(write(tmp_path / "b.csv", 40, temp=noise[40:]), asset="pump")
    assert np.array_equal(whole(session, "temp"), np.array(noise, dtype=np.float32))
    assert whole(session, "temp").dtype == np.float32
