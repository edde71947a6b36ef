import errno
import json
import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import wave_channel

from workbench.exceptions import ArchiveError, ChannelNotFoundError, LabelError, SchemaError
from workbench.telemetry import archive as archive_module
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import data_hash, make_channel, validate


def test_a_missing_store_reads_as_empty_and_is_not_made(tmp_path):
    archive = Archive(tmp_path / "archive.zarr")
    assert archive.channels() == []
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_comes_back(tiny_archive):
    written = wave_channel("X-1", 3000, 1, spike=2000)
    read = tiny_archive.open("X-1", "test")
    validate(read)
    xr.testing.assert_identical(read.load(), written)
    assert data_hash(read) == tiny_archive.info("X-1").test_hash
    assert tiny_archive.labels("X-1").values.tolist() == [[2000, 2039, "point"]]
    assert tiny_archive.labels("X-2").empty
    assert tiny_archive.info("X-1").n_train == 1200


def test_stamps_with_time_come_back(tmp_path):
    archive = Archive(tmp_path / "a.zarr")
    stamps = np.datetime64("2026-01-01T00:00:00.123456789", "ns") + np.arange(50) * np.timedelta64(60, "s")
    dataset = make_channel(np.arange(50.0), time=stamps, channel="T", asset="A", units="K")
    archive.write(dataset, dataset)
    xr.testing.assert_identical(archive.open("T").load(), dataset)
    assert archive.labels("T") is None


def test_the_fleet_is_a_tree(tiny_archive):
    tree = tiny_archive.tree()
    assert list(tree.children) == ["X-1", "X-2"]
    assert tree["X-2/train"].sizes["time"] == 1200


def test_opening_reads_no_sample(tiny_archive):
    for file in tiny_archive.path.glob("X-1/test/telemetry/c/*"):
        file.unlink()
    dataset = tiny_archive.open("X-1")
    assert dataset.sizes["time"] == 3000


def test_what_is_done_to_an_opened_dataset_stays_with_it(tiny_archive):
    first = tiny_archive.open("X-1").load()
    first["telemetry"][:] = 0
    first.attrs["units"] = "none"
    again = tiny_archive.open("X-1")
    assert float(abs(again["telemetry"]).max()) > 0
    assert again.attrs["units"] != "none"


def test_a_series_that_was_replaced_is_opened_anew(tiny_archive):
    assert tiny_archive.open("X-1").sizes["time"] == 3000
    tiny_archive.write(wave_channel("X-1"), wave_channel("X-1", 2000, 9))
    assert tiny_archive.open("X-1").sizes["time"] == 2000


def test_dates_are_those_of_the_test_series_where_it_has_any(tmp_path, tiny_archive):
    assert tiny_archive.dates("X-1") is None
    archive = Archive(tmp_path / "dated.zarr")
    time = pd.date_range("2024-02-28", periods=1200, freq="min", unit="ns")
    archive.write(*(wave_channel(seed=seed).assign_coords(time=time) for seed in (0, 1)))
    assert archive.dates("X-1") == (pd.Timestamp(time[0], tz="UTC"), pd.Timestamp(time[-1], tz="UTC"))


def test_writing_the_same_again_changes_nothing(tiny_archive):
    before = {file: file.stat().st_mtime_ns for file in tiny_archive.path.rglob("*") if file.is_file()}
    assert not tiny_archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000))
    assert before == {file: file.stat().st_mtime_ns for file in tiny_archive.path.rglob("*") if file.is_file()}


def test_new_data_replaces_the_old_and_keeps_its_scores(tiny_archive):
    tiny_archive.write_scores(
        "X-1", "ridge.paper", xr.Dataset({"a": ("time", np.zeros(3))}, attrs={"data_hash": "old"})
    )
    assert tiny_archive.write(wave_channel("X-1"), wave_channel("X-1", 2000, 9))
    assert tiny_archive.info("X-1").n_test == 2000
    assert tiny_archive.labels("X-1") is None, "labels of another series do not carry over"
    assert tiny_archive.scores("X-1") == {"ridge.paper": {"data_hash": "old"}}
    assert not tiny_archive.incoming.exists()


def test_scores_come_back_and_can_be_replaced(tiny_archive):
    for value in (1.0, 2.0):
        tiny_archive.write_scores("X-1", "k", xr.Dataset({"a": ("time", np.full(3, value))}, attrs={"value": value}))
    assert tiny_archive.scores("X-1")["k"]["value"] == 2.0
    assert tiny_archive.open_scores("X-1", "k")["a"].values.tolist() == [2.0] * 3
    with pytest.raises(ArchiveError, match=r"no score 'other' \(present: k\)"):
        tiny_archive.open_scores("X-1", "other")


@pytest.mark.parametrize("moment", ["staging", "swapping"])
def test_a_crash_while_writing_leaves_the_old_channel(tiny_archive, monkeypatch, moment):
    """The process dies without running any clean-up; the next one finds the old data."""
    before = tiny_archive.open("X-1").load()

    class Died(BaseException):
        pass

    def die(*args: object) -> None:
        raise Died

    if moment == "staging":
        monkeypatch.setattr(archive_module, "store_dataset", die)
    else:
        rename = Path.rename
        monkeypatch.setattr(
            Path, "rename", lambda path, to: die() if path.name.startswith("new-") else rename(path, to)
        )
    monkeypatch.setattr(Archive, "_settle", lambda self: None)
    with pytest.raises(Died):
        tiny_archive.write(wave_channel("X-1"), wave_channel("X-1", 2000, 9))
    monkeypatch.undo()
    assert any(tiny_archive.incoming.iterdir())
    again = Archive(tiny_archive.path)
    assert again.channels() == ["X-1", "X-2"]
    xr.testing.assert_identical(again.open("X-1").load(), before)
    assert not again.incoming.exists()


def test_a_full_disk_is_one_error_and_changes_nothing(tiny_archive, monkeypatch):
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive_module, "store_dataset", full)
    with pytest.raises(ArchiveError, match="cannot be written: No space left on device"):
        tiny_archive.write(wave_channel("X-3"), wave_channel("X-3"))
    assert tiny_archive.channels() == ["X-1", "X-2"]


def test_a_home_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match=r"cannot be written: .*Set WORKBENCH_HOME|set WORKBENCH_HOME"):
        Archive(tmp_path / "file" / "archive.zarr").write(wave_channel(), wave_channel())


def _write(path: Path, name: str) -> None:
    Archive(path).write(wave_channel(name, 300), wave_channel(name, 400))


def test_two_processes_write_at_once(tmp_path):
    path = tmp_path / "a.zarr"
    context = multiprocessing.get_context("spawn")
    names = [f"C-{i}" for i in range(8)]
    with context.Pool(2) as pool:
        pool.starmap(_write, [(path, name) for name in names])
    archive = Archive(path)
    assert archive.channels() == names
    assert all(archive.open(name).load().sizes["time"] == 400 for name in names)


def test_unknown_names_are_answered_with_near_ones(tiny_archive):
    with pytest.raises(ChannelNotFoundError, match=r"Unknown channel 'x-1'. Did you mean X-1"):
        tiny_archive.info("x-1")
    with pytest.raises(ChannelNotFoundError, match="split must be one of"):
        tiny_archive.open("X-1", "validation")
    with pytest.raises(ChannelNotFoundError):
        tiny_archive.open("../archive.zarr/X-1")


def test_damage_is_one_error(tiny_archive):
    (tiny_archive.path / "X-1" / "zarr.json").write_text("{")
    words = r"Channel X-1 is damaged: .*zarr.json: .*Import it again: workbench import PATH"
    with pytest.raises(ArchiveError, match=words):
        tiny_archive.info("X-1")
    shutil.rmtree(tiny_archive.path / "X-2" / "test")
    with pytest.raises(ArchiveError, match=r"Channel X-2 is damaged: .*test: "):
        tiny_archive.open("X-2")
    document = tiny_archive.path / "X-1" / "zarr.json"
    document.write_text(json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {}}))
    with pytest.raises(ArchiveError, match="does not describe a channel"):
        tiny_archive.open("X-1")


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (6, 5), (0, 3000)])
def test_a_label_outside_its_series_is_refused(tiny_archive, start, end):
    with pytest.raises(LabelError, match=rf"X-1: label \[{start}, {end}\] lies outside"):
        tiny_archive.set_labels("X-1", pd.DataFrame({"start": [start], "end": [end], "kind": ["point"]}))
    assert tiny_archive.labels("X-1")["start"].tolist() == [2000]


def test_labels_can_be_replaced(tiny_archive):
    tiny_archive.set_labels("X-1", pd.DataFrame({"start": [9, 1], "end": [10, 2], "kind": ["drift", "stuck"]}))
    assert tiny_archive.labels("X-1").values.tolist() == [[1, 2, "stuck"], [9, 10, "drift"]]


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a" * 65, "a b"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_path, name):
    dataset = wave_channel("X-1").assign_attrs(channel=name)
    with pytest.raises(SchemaError):
        Archive(tmp_path / "a.zarr").write(dataset, dataset)
    assert not (tmp_path / "a.zarr").exists()


def test_splits_that_do_not_belong_together_are_refused(tmp_path):
    with pytest.raises(SchemaError, match="channel of train"):
        Archive(tmp_path / "a.zarr").write(wave_channel("X-1"), wave_channel("X-2"))
