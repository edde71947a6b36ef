import errno
import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import wave_channel

from tests.archive_files import segments
from workbench.exceptions import ArchiveError, ChannelNotFoundError, LabelError, SchemaError
from workbench.telemetry.archive import Archive, ChannelParts
from workbench.telemetry.archiving import publishing
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
    for file in segments(tiny_archive, "X-1")[0].glob("test/telemetry/c/*/*"):
        file.write_bytes(b"")
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
        monkeypatch.setattr(publishing, "write_segment", die)
    else:
        monkeypatch.setattr(Path, "rename", die)
    monkeypatch.setattr(publishing.Publisher, "settle", lambda self: None)
    with pytest.raises(Died):
        tiny_archive.write(wave_channel("X-1"), wave_channel("X-1", 2000, 9))
    monkeypatch.undo()
    assert tiny_archive.incoming.exists()
    again = Archive(tiny_archive.path)
    assert again.channels() == ["X-1", "X-2"]
    xr.testing.assert_identical(again.open("X-1").load(), before)
    assert not again.incoming.exists()


def test_a_full_disk_is_one_error_and_changes_nothing(tiny_archive, monkeypatch):
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(publishing, "write_segment", full)
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
    (segment, *_) = segments(tiny_archive, "X-1")
    (segment / "zarr.json").write_text("{")
    words = r"Channel X-1 is damaged: .*zarr.json: .*Import it again: workbench import PATH"
    with pytest.raises(ArchiveError, match=words):
        tiny_archive.info("X-1")
    shutil.rmtree(segments(tiny_archive, "X-2")[0] / "test")
    with pytest.raises(ArchiveError, match=r"Channel X-2 is damaged: "):
        tiny_archive.open("X-2")
    (segment / "zarr.json").unlink()
    with pytest.raises(ArchiveError, match="No such file"):
        tiny_archive.open("X-1")


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (6, 5), (0, 3000)])
def test_a_label_outside_its_series_is_refused(tiny_archive, start, end):
    with pytest.raises(LabelError, match=rf"X-1: label \[{start}, {end}\] lies outside"):
        tiny_archive.set_labels("X-1", pd.DataFrame({"start": [start], "end": [end], "kind": ["point"]}))
    assert tiny_archive.labels("X-1")["start"].tolist() == [2000]


def test_labels_can_be_replaced(tiny_archive):
    tiny_archive.set_labels("X-1", pd.DataFrame({"start": [9, 1], "end": [10, 2], "kind": ["drift", "stuck"]}))
    assert tiny_archive.labels("X-1").values.tolist() == [[1, 2, "stuck"], [9, 10, "drift"]]


@pytest.mark.parametrize("name", ["", " a", "a\nb", "a\u200bb", "a" * 201, "a  b"])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    dataset = wave_channel("X-1").assign_attrs(channel=name)
    with pytest.raises(SchemaError):
        Archive(tmp_path / "a.zarr").write(dataset, dataset)
    assert not (tmp_path / "a.zarr").exists()


def test_splits_that_do_not_belong_together_are_refused(tmp_path):
    with pytest.raises(SchemaError, match="channel of train"):
        Archive(tmp_path / "a.zarr").write(wave_channel("X-1"), wave_channel("X-2"))


# ---- a store that grows


def rows_of(n: int, seed: int, first: int) -> xr.Dataset:
    """Return the rows of a test series from `first` on."""
    return wave_channel("X-1", n, seed, spike=2000).isel(time=slice(first, None))


def test_rows_that_are_added_make_the_series_that_one_write_makes(tmp_path, tiny_archive):
    whole = Archive(tmp_path / "whole" / "archive.zarr")
    series = wave_channel("X-1", 3000, 1, spike=2000)
    later = series.assign_coords(time=series["time"] + 3000)
    joined = xr.concat([series, later], "time")
    whole.write(wave_channel("X-1"), joined)
    for first in range(0, 3000, 250):
        tiny_archive.extend([(3000 + first, later.isel(time=slice(first, first + 250)))])
    xr.testing.assert_identical(tiny_archive.open("X-1").load(), joined)
    assert tiny_archive.info("X-1").test_hash == whole.info("X-1").test_hash
    assert tiny_archive.labels("X-1").values.tolist() == [[2000, 2039, "point"]]
    tiny_archive.seal()
    xr.testing.assert_identical(tiny_archive.open("X-1").load(), joined)
    assert not tiny_archive.write(wave_channel("X-1"), joined), "the archive holds just this"


def test_rows_at_the_end_can_be_replaced(tiny_archive):
    series = wave_channel("X-1", 3000, 1, spike=2000)
    other = wave_channel("X-1", 3100, 5)
    tiny_archive.extend([(2990, other.isel(time=slice(2990, 3100)))])
    expected = xr.concat([series.isel(time=slice(0, 2990)), other.isel(time=slice(2990, 3100))], "time")
    xr.testing.assert_equal(tiny_archive.open("X-1").load(), expected)
    tiny_archive.check_deeply("X-1", "test")


@pytest.mark.parametrize(
    ("keep", "rows", "words"),
    [
        (3001, rows_of(3100, 1, 3000), "of which 3001 cannot stay"),
        (3000, rows_of(3100, 1, 2000), "do not lie behind"),
        (3000, rows_of(3100, 1, 3000).assign_coords(command=["other"]), "other commands"),
    ],
)
def test_rows_that_do_not_continue_a_series_are_refused(tiny_archive, keep, rows, words):
    with pytest.raises(SchemaError, match=words):
        tiny_archive.extend([(keep, rows)])
    assert tiny_archive.info("X-1").n_test == 3000


def described(archive: Archive) -> dict[str, object]:
    return {
        name: (archive.info(name), archive.scores(name), archive.labels(name).to_dict(), archive.open(name).load())
        for name in archive.channels()
    }


@pytest.mark.parametrize("how", ["removed", "rebuilt", "damaged"])
def test_the_index_is_made_again_from_what_the_archive_holds(tiny_archive, how):
    scored = xr.Dataset({"a": ("time", np.arange(3.0))}, coords={"time": [7, 8, 9]}, attrs={"value": 2})
    tiny_archive.write_scores("X-1", "k", scored)
    tiny_archive.seal()
    tiny_archive.write_scores("X-2", "k", scored)
    tiny_archive.extend([(3000, rows_of(3100, 1, 3000))])
    before = described(tiny_archive)
    tiny_archive.close()
    index = tiny_archive.index.file
    if how == "removed":
        index.unlink()
    elif how == "damaged":
        index.write_bytes(b"no database" * 100)
        with pytest.raises(ArchiveError, match="workbench doctor --rebuild-index"):
            Archive(tiny_archive.path).info("X-1")
    archive = Archive(tiny_archive.path)
    assert how == "removed" or archive.rebuild_index() == []
    after = described(archive)
    for name, (*parts, series) in before.items():
        assert after[name][:-1] == tuple(parts)
        xr.testing.assert_identical(after[name][-1], series)
    xr.testing.assert_identical(archive.open_scores("X-1", "k").load(), scored)
    assert archive.faults() == []


@pytest.mark.parametrize("lost", ["segment", "tail"])
def test_what_was_published_before_a_crash_is_there_after_it(tiny_archive, monkeypatch, lost):
    """The process dies between the publication and its entry in the index."""

    class Died(BaseException):
        pass

    def die(*args: object) -> None:
        raise Died

    monkeypatch.setattr("workbench.telemetry.archiving.index.Index.apply", die)
    monkeypatch.setattr(publishing.Publisher, "settle", lambda self: None)
    with pytest.raises(Died):
        if lost == "segment":
            tiny_archive.write(wave_channel("X-3"), wave_channel("X-3"))
        else:
            tiny_archive.extend([(3000, rows_of(3100, 1, 3000))])
    monkeypatch.undo()
    again = Archive(tiny_archive.path)
    assert again.channels() == (["X-1", "X-2", "X-3"] if lost == "segment" else ["X-1", "X-2"])
    assert again.info("X-1").n_test == (3000 if lost == "segment" else 3100)
    again.check_deeply("X-1", "test")
    assert again.faults() == []


def test_a_score_that_another_process_staged_is_published(tiny_archive):
    scored = xr.Dataset({"a": ("time", np.arange(3.0))}, coords={"time": [7, 8, 9]}, attrs={"value": 2})
    staged = tiny_archive.stage_scores("X-1", "k", scored)
    assert tiny_archive.scores("X-1") == {}
    Archive(tiny_archive.path).publish_scores([staged])
    xr.testing.assert_identical(tiny_archive.open_scores("X-1", "k").load(), scored)


def test_a_score_grows(tiny_archive):
    times = np.arange(500)
    whole = xr.Dataset({"a": ("time", times / 7)}, coords={"time": times, "sample": ("time", times)}, attrs={"v": 1})
    tiny_archive.write_scores("X-1", "k", whole.isel(time=slice(0, 300)))
    tiny_archive.write_scores("X-1", "k", whole.isel(time=slice(250, 500)), keep=250)
    xr.testing.assert_identical(tiny_archive.open_scores("X-1", "k").load(), whole)


def test_a_series_that_was_opened_before_stays_readable_when_it_is_replaced(tiny_archive):
    opened = tiny_archive.open("X-1")
    tiny_archive.write(wave_channel("X-1"), wave_channel("X-1", 2000, 9))
    tiny_archive.seal()
    assert opened["telemetry"].values.size == 3000


def test_other_programs_open_a_segment_with_names_and_units(tmp_path):
    archive = Archive(tmp_path / "a.zarr")
    parts = [wave_channel(name, 300).assign_attrs(units="degC") for name in ("X-1", "X-2")]
    archive.write_all([ChannelParts(one, one) for one in parts])
    (segment,) = {folder for name in ("X-1", "X-2") for folder in segments(archive, name)}
    plain = xr.open_zarr(segment / "test", consolidated=False, chunks=None)
    assert plain["channel"].values.tolist() == ["X-1", "X-2"]
    assert plain["units"].values.tolist() == ["degC", "degC"]
    assert plain["command"].values.tolist() == parts[0]["command"].values.tolist()
    np.testing.assert_array_equal(plain["telemetry"].sel(channel="X-2"), parts[1]["telemetry"])
    assert len([file for file in archive.path.rglob("*") if file.is_file()]) < 40


# ---- faults that were seen


def zeros(n: int, first: int = 0) -> xr.Dataset:
    """A channel whose values and commands are zero all the time."""
    return make_channel(
        np.zeros(n),
        np.zeros((n, 1)),
        time=np.arange(first, first + n),
        channel="Z-1",
        asset="A",
        command_names=["valve"],
    )


def test_a_channel_that_is_zero_all_the_time_is_sound(tmp_path):
    archive = Archive(tmp_path / "a.zarr")
    archive.write(zeros(300), zeros(70_000, 300))
    archive.write_scores("Z-1", "k", xr.Dataset({"a": ("time", np.zeros(70_000))}, attrs={"v": 1}))
    archive.seal()
    for again in (archive, Archive(archive.path)):
        for split in ("train", "test"):
            again.check("Z-1", split)
        again.check_score("Z-1", "k")
        again.check_score_deeply("Z-1", "k")


@pytest.mark.parametrize("how", ["emptied", "of another archive", "removed while it is open"])
def test_an_index_that_is_not_of_the_archive_is_made_anew(tiny_archive, tmp_path, how):
    other = Archive(tmp_path / "other" / "archive.zarr")
    other.write(wave_channel("Y-1", 300), wave_channel("Y-1", 400))
    index = tiny_archive.index.file
    if how == "emptied":
        index.write_bytes(b"")
    elif how == "of another archive":
        shutil.copyfile(other.index.file, index)
    else:
        index.unlink()
    archive = tiny_archive if how.startswith("removed") else Archive(tiny_archive.path)
    assert archive.channels() == ["X-1", "X-2"]
    archive.write(wave_channel("X-3", 300), wave_channel("X-3", 400))
    assert Archive(tiny_archive.path).channels() == ["X-1", "X-2", "X-3"]
    assert archive.faults() == []


def test_rows_that_were_not_entered_in_the_index_are_there_with_the_next_score(tiny_archive, monkeypatch):
    class Died(BaseException):
        pass

    def die(*args: object) -> None:
        raise Died

    monkeypatch.setattr("workbench.telemetry.archiving.index.Index.apply", die)
    monkeypatch.setattr(publishing.Publisher, "settle", lambda self: None)
    with pytest.raises(Died):
        tiny_archive.extend([(3000, rows_of(3100, 1, 3000))])
    monkeypatch.undo()
    tiny_archive.write_scores("X-2", "k", xr.Dataset({"a": ("time", np.zeros(3))}, attrs={"v": 1}))
    assert tiny_archive.info("X-1").n_test == 3100
    assert list(tiny_archive.scores("X-2")) == ["k"]
    assert tiny_archive.faults() == []


@pytest.mark.parametrize("n", [2999, 2000])
def test_a_shorter_series_with_the_same_beginning_replaces_the_longer_one(tiny_archive, n):
    shorter = wave_channel("X-1", 3000, 1, spike=2000).isel(time=slice(0, n))
    assert tiny_archive.write(wave_channel("X-1"), shorter)
    xr.testing.assert_identical(Archive(tiny_archive.path).open("X-1").load(), shorter)
    tiny_archive.check_deeply("X-1", "test")


def test_a_score_that_goes_on_from_one_that_was_replaced_is_refused(tiny_archive):
    attributes = {"model": "m", "parameters": "{}", "method": 1}
    times = np.arange(500)
    variables = {"a": ("time", times / 7)}
    whole = xr.Dataset(variables, coords={"time": times, "sample": ("time", times)}, attrs=attributes)
    tiny_archive.write_scores("X-1", "k", whole.isel(time=slice(0, 400)))
    staged = tiny_archive.stage_scores("X-1", "k", whole.isel(time=slice(300, 500)), keep=300)
    other = (whole * 2).isel(time=slice(0, 350)).assign_attrs(attributes)
    Archive(tiny_archive.path).write_scores("X-1", "k", other)
    failures = tiny_archive.publish_scores([staged])
    assert "was replaced while the channel was scored" in str(failures["X-1"])
    xr.testing.assert_identical(tiny_archive.open_scores("X-1", "k").load(), other)


def test_small_and_large_additions_are_sealed_together(tiny_archive, monkeypatch):
    monkeypatch.setattr("workbench.telemetry.archive._LARGE_ROWS", 50)
    series = wave_channel("X-1", 3000, 1, spike=2000)
    later = series.assign_coords(time=series["time"] + 3000)
    for first, last in ((0, 10), (10, 500), (500, 520)):
        tiny_archive.extend([(3000 + first, later.isel(time=slice(first, last)))])
    tiny_archive.seal()
    assert {piece.kind for piece in tiny_archive.index.pieces("X-1", "test")} == {"segment"}
    expected = xr.concat([series, later.isel(time=slice(0, 520))], "time")
    xr.testing.assert_identical(tiny_archive.open("X-1").load(), expected)


def test_many_small_scores_and_additions_become_few_pieces(tiny_archive):
    for number in range(40):
        first = 3000 + 5 * number
        tiny_archive.extend([(first, rows_of(first + 5, 1, first))])
        values = {"a": ("time", np.full(5, float(number)))}
        scored = xr.Dataset(
            values, coords={"sample": ("time", np.arange(5 * number, 5 * number + 5))}, attrs={"v": number}
        )
        tiny_archive.write_scores("X-1", "k", scored, keep=5 * number)
    tiny_archive.tidy()
    assert len(tiny_archive.index.pieces("X-1", "test")) < 20
    assert len(tiny_archive.index.pieces("X-1", "scores/k")) < 20
    assert tiny_archive.open_scores("X-1", "k")["a"].values[::5].tolist() == [float(number) for number in range(40)]
    assert tiny_archive.scores("X-1")["k"]["v"] == 39
    tiny_archive.check_deeply("X-1", "test")


def test_of_a_series_that_was_extended_the_hashes_of_its_beginnings_are_known(tiny_archive, monkeypatch):
    later = wave_channel("X-1", 3300, 1)
    before = tiny_archive.info("X-1").test_hash
    tiny_archive.extend([(3000, later.isel(time=slice(3000, 3100)))])
    between = tiny_archive.info("X-1").test_hash
    tiny_archive.extend([(3100, later.isel(time=slice(3100, 3200)))])
    monkeypatch.setattr(tiny_archive, "open", None)  # nothing is read
    assert tiny_archive.test_prefix_hash("X-1", 3000, before) == before
    assert tiny_archive.test_prefix_hash("X-1", 3100, between) == between


def test_what_replaces_the_end_of_a_series_ends_what_is_known_of_its_beginnings(tiny_archive):
    later = wave_channel("X-1", 3300, 5)
    before = tiny_archive.info("X-1").test_hash
    tiny_archive.extend([(3000, later.isel(time=slice(3000, 3100)))])
    between = tiny_archive.info("X-1").test_hash
    tiny_archive.extend([(2990, later.isel(time=slice(2990, 3200)))])
    for n, noted in ((3000, before), (3100, between)):
        assert tiny_archive.test_prefix_hash("X-1", n, noted) != noted
    other = Archive(tiny_archive.path)
    before = tiny_archive.info("X-1").test_hash
    tiny_archive.extend([(3200, later.isel(time=slice(3200, 3250)))])
    other.extend([(3000, later.isel(time=slice(3000, 3300)))])  # as another process does
    assert tiny_archive.test_prefix_hash("X-1", 3200, before) == data_hash(other.open("X-1").isel(time=slice(0, 3200)))
