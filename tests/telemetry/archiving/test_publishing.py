"""Those who publish beside those who read, fork, die and are late: nothing is mixed, lost or put back."""

import multiprocessing
import signal
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import workbench as wb
from tests.conftest import make_trained_home
from tests.homes import copy_of
from workbench.exceptions import ArchiveError
from workbench.telemetry import archive as archive_module
from workbench.telemetry.archive import Archive, ChannelParts
from workbench.telemetry.archiving import publishing, series
from workbench.telemetry.archiving.publishing import Publisher
from workbench.telemetry.archiving.score_files import packed_score
from workbench.telemetry.archiving.sqlite_file import SqliteFile
from workbench.telemetry.schema import make_channel

ORIGIN = {"model": "m", "parameters": "{}", "method": 1}


class Died(BaseException):
    """The process is gone, and cleans nothing up."""


def level(value: int, n: int, first: int = 0, asset: str = "A", channel: str = "X-1") -> xr.Dataset:
    """A series that has one value all the time."""
    time = np.arange(first, first + n)
    return make_channel(np.full(n, value), time=time, channel=channel, asset=asset)


def a_score(n: int, first: int = 0, factor: float = 1.0, **attributes: object) -> xr.Dataset:
    places = np.arange(first, first + n)
    return xr.Dataset(
        {"a": ("time", places * factor)}, {"time": places, "sample": ("time", places)}, ORIGIN | attributes
    )


def once(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, action: Callable[[], object], when: str) -> None:
    """Do something before or after the next call of a method."""
    original = getattr(owner, name)

    def call(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(owner, name, original)
        if when == "before":
            action()
        answer = original(*arguments, **options)
        if when == "after":
            action()
        return answer

    monkeypatch.setattr(owner, name, call)


# ---- sealing


def test_sealing_puts_no_attributes_of_a_score_back_that_were_changed_meanwhile(tiny_archive, monkeypatch):
    """Another process says something else of the same samples while these are being compressed."""
    tiny_archive.write_scores("X-1", "k", a_score(10, verdict="old"))
    other = Archive(tiny_archive.path)

    def change() -> None:
        based_on = other.index.score_revision("X-1", "k")
        content = packed_score("X-1", "k", a_score(0, first=10, verdict="new"), 10, based_on)
        with other._publisher.publishing_only():
            assert other._publisher.publish_scores([content], {}) == {}

    once(monkeypatch, Publisher, "stage_segment", change, "after")
    tiny_archive.seal()
    assert Archive(tiny_archive.path).scores("X-1")["k"]["verdict"] == "new"
    tiny_archive.seal()
    again = Archive(tiny_archive.path)
    assert again.rebuild_index() == []
    assert again.scores("X-1")["k"]["verdict"] == "new"
    assert again.open_scores("X-1", "k")["a"].values.tolist() == list(range(10))


# ---- readers beside a writer


@pytest.mark.parametrize("ask", ["check_deeply", "open", "infos"])
def test_what_is_published_while_a_channel_is_looked_up_is_not_mixed_with_what_was_there(tmp_path, monkeypatch, ask):
    archive = Archive(tmp_path / "a.zarr")
    archive.write(level(0, 10), level(1, 100))
    reader = Archive(archive.path)
    once(monkeypatch, reader, "_attributes", lambda: archive.write(level(0, 10), level(2, 150)), "after")
    if ask == "check_deeply":
        reader.check_deeply("X-1", "test")
    elif ask == "open":
        assert reader.open("X-1")["telemetry"].values.tolist() == [2] * 150
    else:
        monkeypatch.undo()
        once(monkeypatch, reader.index, "segments", lambda: archive.write(level(0, 10), level(3, 160)), "after")
        ((info,), damaged) = reader.infos()
        assert (info.n_test, damaged) == (160, {})


def test_a_score_that_is_replaced_while_it_is_looked_up_is_one_of_both(tmp_path, monkeypatch):
    archive = Archive(tmp_path / "a.zarr")
    archive.write(level(0, 10), level(1, 100))
    archive.write_scores("X-1", "k", a_score(20, factor=1.0, rows=20))
    reader = Archive(archive.path)
    once(
        monkeypatch, reader, "_scores", lambda: archive.write_scores("X-1", "k", a_score(30, 0, 2.0, rows=30)), "after"
    )
    scored = reader.open_scores("X-1", "k")
    assert (scored.attrs["rows"], scored["a"].values.tolist()) == (30, [2.0 * place for place in range(30)])


def _write_until_done(path: Path, rounds: int) -> None:
    """Publish series in which every sample has the number of the round, small and large, and seal them."""
    archive = Archive(path)
    for number in range(1, rounds + 1):
        for channel in ("X-1", "X-2"):
            archive.write(level(0, 10, channel=channel), level(number, 40 + number % 3, channel=channel))
            archive.extend([(40 + number % 3, level(number, 5, 100, channel=channel))])
        archive.seal()
    (path.parent / "done").touch()


@pytest.mark.slow
def test_a_reader_beside_a_writer_sees_no_error_and_no_mixture(tmp_path):
    path = tmp_path / "a.zarr"
    _write_until_done(path, 1)
    (tmp_path / "done").unlink()
    reader = Archive(path)
    writer = multiprocessing.get_context("spawn").Process(target=_write_until_done, args=(path, 12))
    writer.start()
    seen = set()
    try:
        while not (tmp_path / "done").exists() and writer.is_alive():
            for channel in reader.channels():
                values = set(reader.open(channel)["telemetry"].values.tolist())
                assert len(values) == 1, "a series of one round"
                seen |= values
                reader.check(channel, "test")
                assert reader.infos()[1] == {}
    finally:
        writer.join()
    assert writer.exitcode == 0
    assert len(seen) > 1
    assert reader.faults() == []


# ---- forks


def test_a_fork_beside_a_thread_that_holds_locks_reads_and_writes(tiny_archive):
    """The thread is not in the fork, and would never let them go."""
    tiny_archive.open("X-1").load()
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with series._LOCK, tiny_archive.index._database._lock, tiny_archive._tail._database._lock:
            holding.set()
            done.wait()

    def work() -> None:
        signal.alarm(60)  # so that a fork that waits forever ends
        assert tiny_archive.open("X-1").load().sizes["time"] == 3000
        tiny_archive.write_scores("X-1", "k", a_score(3))

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    child = multiprocessing.get_context("fork").Process(target=work)
    try:
        child.start()
        child.join()
    finally:
        done.set()
        thread.join()
    assert child.exitcode == 0
    assert tiny_archive.open_scores("X-1", "k")["a"].values.tolist() == [0, 1, 2]


# ---- kills


@pytest.mark.parametrize("step", ["rename", "tail", "index"])
def test_a_kill_while_what_is_dead_is_removed_is_made_good(tmp_path, monkeypatch, step):
    archive = Archive(tmp_path / "a.zarr")
    for value in (1, 2, 3):
        archive.write(level(0, 10), level(value, 100))
        archive.extend([(100, level(value, 5, 100))])
        archive.write_scores("X-1", "k", a_score(10, factor=value))
    monkeypatch.setattr(publishing, "_KEPT_SECONDS", -1.0)
    monkeypatch.setattr(Publisher, "settle", lambda self: None)

    def die(*_: object) -> None:
        raise Died

    if step == "rename":
        rename = Path.rename

        def rename_and_die(path: Path, target: Path) -> None:
            rename(path, target)
            if target.name.startswith("old-"):
                raise Died

        monkeypatch.setattr(Path, "rename", rename_and_die)
    elif step == "tail":
        monkeypatch.setattr(archive._tail, "remove", die)
    else:
        monkeypatch.setattr(archive.index, "forget", die)
    with pytest.raises(Died):
        archive.tidy()
    monkeypatch.undo()
    monkeypatch.setattr(publishing, "_KEPT_SECONDS", -1.0)
    again = Archive(archive.path)
    assert again.faults() == []
    again.tidy()
    assert again.faults() == []
    for rebuilt in (False, True):
        if rebuilt:
            assert again.rebuild_index() == []
        again.check_deeply("X-1", "train")
        assert again.open("X-1")["telemetry"].values.tolist() == [3] * 105
        assert again.open_scores("X-1", "k")["a"].values.tolist() == [3.0 * place for place in range(10)]
    assert len(list(again.path.glob("_assets/*/*/"))) == 1, "the dead ones are gone"
    assert not again.incoming.exists()


def test_an_index_that_is_made_anew_beside_what_a_kill_left_takes_back_what_was_published_in_part(
    tmp_path, monkeypatch
):
    """Two assets come together; the process dies between them, and another one had opened the archive before."""
    archive = Archive(tmp_path / "a.zarr")
    archive.write(level(0, 10), level(1, 100))
    beside = Archive(archive.path)
    rename, moves = Path.rename, []

    def die(path: Path, target: Path) -> None:
        moves.append(path)
        if len(moves) > 1:
            raise Died
        rename(path, target)

    monkeypatch.setattr(Path, "rename", die)
    monkeypatch.setattr(Publisher, "settle", lambda self: None)
    both = [
        ChannelParts(level(0, 10, 0, asset, channel), level(2, 50, 0, asset, channel))
        for asset, channel in (("B", "Y-1"), ("C", "Z-1"))
    ]
    with pytest.raises(Died):
        archive.write_all(both)
    monkeypatch.undo()
    assert len(list(archive.path.glob("_assets/*/*/"))) == 2 and archive.incoming.exists()
    assert beside.rebuild_index() == []
    assert beside.channels() == ["X-1"]
    assert beside.open("X-1")["telemetry"].values.tolist() == [1] * 100
    assert not beside.incoming.exists()
    assert Archive(archive.path).channels() == ["X-1"]
    assert beside.write_all(both) == [True, True]
    assert Archive(archive.path).channels() == ["X-1", "Y-1", "Z-1"]


# ---- long scores


def test_a_long_score_that_goes_on_is_compared_with_the_one_that_is_there(tiny_archive, monkeypatch):
    """It lies in a segment of its own; another process replaces what it goes on from while it is compressed."""
    monkeypatch.setattr(archive_module, "_LARGE_SCORE", 50)
    tiny_archive.write_scores("X-1", "k", a_score(400))
    other = Archive(tiny_archive.path)
    replaced = a_score(350, factor=2.0)

    def replace() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(archive_module, "_LARGE_SCORE", 1000)  # it needs the lock of publishing alone
            other.write_scores("X-1", "k", replaced)

    once(monkeypatch, Publisher, "stage_segment", replace, "before")
    with pytest.raises(ArchiveError, match="was replaced while the channel was scored"):
        tiny_archive.write_scores("X-1", "k", a_score(200, first=300), keep=300)
    for one in (tiny_archive, Archive(tiny_archive.path)):
        assert one.open_scores("X-1", "k").load().identical(replaced)
    tiny_archive.write_scores("X-1", "k", a_score(200, first=300, factor=2.0), keep=300)
    assert tiny_archive.open_scores("X-1", "k").load().identical(a_score(500, factor=2.0))


# ---- homes that are only read


def scored_home(home: Path) -> None:
    make_trained_home(home)
    with wb.open(home=home) as session:
        session.score_all()


def test_an_idle_score_of_a_home_that_is_only_read_neither_fails_nor_writes(tmp_path, tmp_path_factory, monkeypatch):
    """It was copied, so that all is read again; what was found sound cannot be noted."""
    home = copy_of("scored-for-reading", scored_home, tmp_path_factory, tmp_path / "home")
    archive = home / "archive.zarr"

    def content() -> dict[Path, tuple[int, bytes]]:
        files = (file for file in archive.parent.glob("archive.zarr*/**/*") if file.is_file())
        return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in files}

    refusals = []

    def refuse(*_: object, **__: object) -> None:
        refusals.append(1)
        raise PermissionError(30, "Read-only file system")

    before = content()
    monkeypatch.setattr(publishing, "FileLock", refuse)
    monkeypatch.setattr(SqliteFile, "transaction", refuse)
    with closing(wb.open(home=home)) as session:
        table = session.score_all()
        assert table["status"].tolist() == ["current", "current"], table["reason"].tolist()
    assert refusals, "it was tried"
    assert content() == before
