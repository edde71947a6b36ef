"""Channels that are removed from an archive: whole, also after a crash, and for good."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from conftest import wave_channel

from tests.archive_files import file_of
from workbench.exceptions import ArchiveError, ChannelNotFoundError
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving import publishing

SCORED = xr.Dataset({"a": ("time", np.arange(3.0))}, coords={"time": [7, 8, 9]}, attrs={"value": 2})


def wait_for_removal(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what nothing refers to, as if the time for which it is kept had passed."""
    monkeypatch.setattr(publishing, "_KEPT_SECONDS", -1.0)
    archive.seal()


def test_a_removed_channel_is_gone_with_all_that_it_held(tiny_archive, monkeypatch):
    tiny_archive.write_scores("X-1", "k", SCORED)
    kept = tiny_archive.open("X-2").load()
    tiny_archive.remove(["X-1"])
    wait_for_removal(tiny_archive, monkeypatch)
    for archive in (tiny_archive, Archive(tiny_archive.path)):
        assert archive.channels() == ["X-2"]
        assert archive.index.parts("X-1") == []
        with pytest.raises(ChannelNotFoundError):
            archive.info("X-1")
        xr.testing.assert_identical(archive.open("X-2").load(), kept)
        assert archive.faults() == []


@pytest.mark.parametrize("how", ["removed", "rebuilt"])
def test_no_index_that_is_made_anew_brings_it_back(tiny_archive, monkeypatch, how):
    """What it held lies in the tail and in segments, some of which hold another channel, too."""
    tiny_archive.write_scores("X-1", "k", SCORED)
    tiny_archive.seal()
    tiny_archive.write_scores("X-1", "other", SCORED)
    tiny_archive.write_all([])
    tiny_archive.remove(["X-1"])
    for _ in range(3):
        wait_for_removal(tiny_archive, monkeypatch)
    tiny_archive.close()
    if how == "removed":
        tiny_archive.index.file.unlink()
    archive = Archive(tiny_archive.path)
    assert how == "removed" or archive.rebuild_index() == []
    assert archive.channels() == ["X-2"]
    assert archive.all_scores() == {}


def test_nothing_of_it_stays_on_disk_once_no_other_channel_lies_beside_it(tmp_path, monkeypatch):
    archive = Archive(tmp_path / "archive.zarr")
    archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1))
    archive.remove(["X-1"])
    for _ in range(3):
        wait_for_removal(archive, monkeypatch)
    assert [file for file in archive.path.glob("_assets/**/c/**/*") if file.is_file()] == []
    assert archive.channels() == []


@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_a_crash_removes_all_or_nothing(tiny_archive, monkeypatch, moment):
    """The channels are of two assets, which are two publications."""
    other = [wave_channel("Y-1", n).assign_attrs(asset="YVES") for n in (1200, 3000)]
    tiny_archive.write(*other)

    class Died(BaseException):
        pass

    def die(*args: object, **options: object) -> None:
        raise Died

    def die_at_the_second(folder: Path, target: Path) -> Path:
        if "_assets/YVES" in str(target):
            raise Died
        return rename(folder, target)

    rename = Path.rename
    if moment == "before":
        monkeypatch.setattr(publishing.Publisher, "stage_segment", die)
    elif moment == "between":
        monkeypatch.setattr(Path, "rename", die_at_the_second)
    else:
        monkeypatch.setattr("workbench.telemetry.archiving.index.Index.apply", die)
    monkeypatch.setattr(publishing.Publisher, "settle", lambda self: None)
    with pytest.raises(Died):
        tiny_archive.remove(["X-1", "Y-1"])
    monkeypatch.undo()
    assert Archive(tiny_archive.path).channels() == (["X-2"] if moment == "after" else ["X-1", "X-2", "Y-1"])


def test_it_can_be_written_again(tiny_archive, monkeypatch):
    labels = tiny_archive.labels("X-1")
    tiny_archive.write_scores("X-1", "k", SCORED)
    tiny_archive.remove(["X-1"])
    tiny_archive.write(wave_channel("X-1"), wave_channel("X-1", 2000, 8))
    wait_for_removal(tiny_archive, monkeypatch)
    for archive in (tiny_archive, Archive(tiny_archive.path)):
        archive.rebuild_index()
        archive.check_deeply("X-1", "test")
        assert (archive.info("X-1").n_test, archive.labels("X-1"), archive.scores("X-1")) == (2000, None, {})
    assert labels is not None


def test_an_unknown_name_removes_nothing(tiny_archive):
    with pytest.raises(ChannelNotFoundError, match="Did you mean X-1"):
        tiny_archive.remove(["X-2", "X-11"])
    assert tiny_archive.channels() == ["X-1", "X-2"]


@pytest.mark.parametrize("damage", ["chunk", "segment"])
def test_a_damaged_channel_can_be_removed(tiny_archive, damage):
    chunk = file_of(tiny_archive, "X-1", "test/telemetry/c")
    if damage == "chunk":
        chunk.unlink()
    else:
        shutil.rmtree(next(folder for folder in chunk.parents if folder.name.isdigit() and len(folder.name) == 14))
    tiny_archive.remove(["X-1"])
    assert Archive(tiny_archive.path).channels() == ["X-2"]


def test_a_channel_that_was_not_taken_over_can_be_removed(tiny_archive):
    (tiny_archive.path / "old").mkdir()
    assert tiny_archive.channels() == ["X-1", "X-2", "old"]
    tiny_archive.remove(["old"])
    assert tiny_archive.channels() == ["X-1", "X-2"]


def test_a_score_of_a_channel_that_was_removed_meanwhile_is_refused(tiny_archive, monkeypatch):
    own = Archive(tiny_archive.path)

    based_on = tiny_archive._based_on
    monkeypatch.setattr(tiny_archive, "_based_on", lambda *args: (own.remove(["X-1"]), based_on(*args))[1])
    with pytest.raises(ArchiveError, match="X-1 was removed from the archive while it was scored"):
        tiny_archive.write_scores("X-1", "k", SCORED)
    assert tiny_archive.all_scores() == {}


def test_a_series_that_was_opened_before_says_what_happened(tiny_archive: Archive, monkeypatch, tmp_path: Path):
    removed, replaced = tiny_archive.open("X-1"), tiny_archive.open("X-2")
    assert removed["telemetry"].values.size == 3000
    tiny_archive.remove(["X-1"])
    assert removed["telemetry"].values.size == 3000, "it stays readable for a while"
    tiny_archive.write(wave_channel("X-2"), wave_channel("X-2", 2000, 9))
    wait_for_removal(tiny_archive, monkeypatch)
    with pytest.raises(ArchiveError, match=r"X-1 was removed .* What there is: workbench channels"):
        removed["telemetry"].load()
    with pytest.raises(ArchiveError, match=r"X-2 was written anew .* Open it again"):
        replaced["telemetry"].load()
