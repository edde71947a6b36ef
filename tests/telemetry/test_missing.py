"""Missing telemetry from its import on: it is stored as NaN, counted, completed later, and judged by nobody."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table
from workbench.telemetry.importers.splitting import stored_series
from workbench.telemetry.lag import LagReader
from workbench.telemetry.missing import held, interpolated
from workbench.telemetry.quality import quality

NAN = float("nan")


def test_a_missing_value_is_held_or_interpolated() -> None:
    values = np.array([NAN, 2.0, NAN, NAN, 5.0, NAN])
    assert held(values).tolist() == [2, 2, 2, 2, 5, 5]
    assert held(values, before=1.0).tolist() == [1, 2, 2, 2, 5, 5]
    assert interpolated(values).tolist() == [2, 2, 3, 4, 5, 5]
    assert (
        held(values[4:5]) is not None and np.isnan(held(values[:1])).all() and np.isnan(interpolated(values[:1])).all()
    )


def table(path: Path, values: list[float], start: str = "2024-03-01") -> Path:
    time = pd.date_range(start, periods=len(values), freq="min")
    pd.DataFrame({"time": time, "b": values}).to_csv(path, index=False)
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def test_values_that_the_file_does_not_hold_are_missing(tmp_path: Path, archive: Archive) -> None:
    """140 of the 180 test values are not in the file."""
    values = [float(number % 5) for number in range(600)]
    values[460:] = [NAN] * 140
    report = import_table([table(tmp_path / "pump.csv", values)], archive, asset="pump", train_fraction=0.7)
    assert report.channels[0].repairs == {"missing_values": 140}
    test = archive.open("b")
    np.testing.assert_array_equal(test["telemetry"].values, values[420:])
    measured = quality(archive.open("b", "train"), test)
    assert (measured["missing_samples_train"], measured["missing_samples_test"]) == (0, 140)
    lag = LagReader(archive).read(["b"], pd.Timestamp("2024-03-01 10:00", tz="UTC").to_pydatetime())
    assert lag["newest"].tolist() == [pd.Timestamp("2024-03-01 07:39", tz="UTC")]  # minute 459, the last value
    again = import_table([table(tmp_path / "pump.csv", values)], archive, asset="pump")
    assert again.channels[0].status == "unchanged"


def test_a_value_that_comes_later_completes_a_missing_one(tmp_path: Path, archive: Archive) -> None:
    values = [float(number) for number in range(60)]
    gappy = [NAN if number in (3, 40, 41, 59) else value for number, value in enumerate(values)]
    import_table([table(tmp_path / "one.csv", gappy)], archive, asset="pump", train_fraction=0.5)
    part = [NAN if number in (3, 41) else value for number, value in enumerate(values)]
    report = import_table([table(tmp_path / "two.csv", part)], archive, asset="pump")
    assert report.channels[0].status == "changed"
    assert report.channels[0].repairs == {"values_completed": 2, "equal_samples": 58}
    stored = stored_series(archive, "b")["telemetry"].values
    assert np.flatnonzero(np.isnan(stored)).tolist() == [3, 41]
    report = import_table([table(tmp_path / "three.csv", values)], archive, asset="pump")
    assert report.channels[0].repairs == {"values_completed": 2, "equal_samples": 58}
    np.testing.assert_array_equal(stored_series(archive, "b")["telemetry"].values, values)


def test_an_archive_knows_what_an_earlier_version_filled(archive: Archive) -> None:
    from workbench.telemetry.archive import ChannelParts
    from workbench.telemetry.schema import make_channel

    train, test = (make_channel([1.0, 2.0, 2.0, 4.0], channel="b", asset="pump", time=time) for time in TIMES)
    marked = test.assign(missing=("time", np.array([0, 0, 1, 0], dtype=np.int8)))
    archive.write_all([ChannelParts(train, marked)])
    assert quality(archive.open("b", "train"), archive.open("b"))["missing_samples_test"] == 1
    assert np.flatnonzero(np.isnan(stored_series(archive, "b")["telemetry"].values)).tolist() == [6]


TIMES = tuple(
    np.datetime64("2024-01-01", "ns") + np.arange(first, first + 4) * np.timedelta64(1, "h") for first in (0, 4)
)
