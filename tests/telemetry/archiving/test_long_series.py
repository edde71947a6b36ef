"""Series that are too long to be held: their hashes run on, and their times are read when they are used."""

import numpy as np
import pytest
import xarray as xr

from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving.series import PartReader
from workbench.telemetry.schema import data_hash, make_channel
from workbench.telemetry.series_hash import series_hash

N = 140_000
VALUES = np.random.default_rng(0).normal(0, 1, N + 100_000).astype(np.float32)


def rows(first: int, last: int) -> xr.Dataset:
    stamps = np.datetime64("2024-01-01", "ns") + np.arange(first, last) * np.timedelta64(60, "s")
    return make_channel(VALUES[first:last].copy(), time=stamps, channel="X-1", asset="X")


@pytest.fixture
def archive(tmp_path) -> Archive:
    archive = Archive(tmp_path / "archive.zarr")
    archive.write(rows(0, 100).assign_coords(time=rows(0, 100)["time"] - np.timedelta64(9, "D")), rows(0, N))
    return archive


def note_reads(monkeypatch) -> list[int]:
    """Note the first row of every reading."""
    firsts: list[int] = []
    read = PartReader.read

    def noting(reader, name, start, stop, template):
        firsts.append(start)
        return read(reader, name, start, stop, template)

    monkeypatch.setattr(PartReader, "read", noting)
    return firsts


def test_what_is_added_is_hashed_and_nothing_before_its_block_is_read(archive, monkeypatch):
    firsts = note_reads(monkeypatch)
    for n, end in ((N, N + 7), (N + 7, N + 70_000), (N + 70_000, N + 70_001)):
        archive.extend([(n, rows(n, end))])
    assert firsts and min(firsts) >= 131_072
    firsts.clear()
    assert archive.test_prefix_hash("X-1", N + 7) == series_hash(rows(0, N + 7))
    assert archive.test_prefix_hash("X-1", 70_000) == series_hash(rows(0, 70_000))
    assert archive.info("X-1").test_hash == series_hash(rows(0, N + 70_001))
    assert 0 not in firsts
    archive.check_deeply("X-1", "test")


def test_rows_that_are_replaced_are_hashed_anew(archive):
    changed = rows(0, N)
    changed["telemetry"][70_000] += 1
    archive.extend([(69_000, changed.isel(time=slice(69_000, None)))])
    assert archive.info("X-1").test_hash == series_hash(changed) != series_hash(rows(0, N))
    assert archive.test_prefix_hash("X-1", 139_000) == series_hash(changed.isel(time=slice(0, 139_000)))


def test_an_index_that_is_made_anew_or_damaged_loses_no_hash(archive):
    archive.index._database.rows("UPDATE link SET value = 'f' || value")
    assert archive.test_prefix_hash("X-1", 139_000) == series_hash(rows(0, 139_000))
    assert archive.rebuild_index() == []
    archive.extend([(N, rows(N, N + 10))])
    assert archive.info("X-1").test_hash == series_hash(rows(0, N + 10))


def test_a_hash_of_an_earlier_release_holds_until_something_is_added(archive):
    earlier = archive._attributes("X-1") | {"test_hash": data_hash(rows(0, N))}
    with archive._publisher.writing():
        archive._publisher.publish_rows([], {"X-1": earlier})
    archive.check_deeply("X-1", "test")
    train = archive.open("X-1", "train").load()
    assert not archive.write(train, rows(0, N)), "it is the same"
    assert archive.info("X-1").test_hash == data_hash(rows(0, N))
    archive.extend([(N, rows(N, N + 10))])
    assert archive.info("X-1").test_hash == series_hash(rows(0, N + 10))
    assert archive.test_prefix_hash("X-1", N, earlier["test_hash"]) == earlier["test_hash"]


def test_times_are_read_when_they_are_used(archive, monkeypatch):
    indexed = archive.open("X-1")
    firsts = note_reads(monkeypatch)
    series = archive.open("X-1", indexed=False)
    assert not firsts
    assert "time" not in series.indexes and "time" in indexed.indexes
    last = series["time"].variable[-5:]
    np.testing.assert_array_equal(last.values, rows(0, N)["time"].values[-5:])
    assert min(firsts) >= N - 5
    np.testing.assert_array_equal(series["time"].values, indexed["time"].values)
    assert indexed.sel(time=slice("2024-01-02", "2024-01-02")).sizes["time"] == 1440


def test_numbers_of_the_samples_of_a_long_score_are_read_when_they_are_used(archive, monkeypatch):
    sample = np.arange(250, N - 10)
    scored = xr.Dataset(
        {"a": ("time", VALUES[: sample.size])},
        {"time": rows(0, N)["time"].values[sample], "sample": ("time", sample)},
        {"n": 1},
    )
    archive.write_scores("X-1", "k", scored)
    firsts = note_reads(monkeypatch)
    archive.check_score("X-1", "k")
    assert set(firsts) <= {0}, "it was written just now, so that it is not read whole"
    opened = archive.open_scores("X-1", "k", indexed=False)
    assert int(opened["sample"].variable[-1]) == N - 11
    xr.testing.assert_identical(archive.open_scores("X-1", "k").load(), scored)
