"""The index of an archive in PostgreSQL does what it does in SQLite; processes never use two indexes of one archive."""

import os
import re
import shutil
import subprocess
import sys
import zlib
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest
import xarray as xr

import workbench as wb
from tests.clusters import score_files, workers_of
from tests.conftest import make_tiny_archive, wave_channel
from workbench.exceptions import ArchiveError
from workbench.jobs.doctor import examine
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving import postgres_schema, publishing
from workbench.telemetry.archiving.index import Index
from workbench.telemetry.archiving.index_place import IndexPlace, PlaceFile, checked_index_url
from workbench.telemetry.series_hash import START, Link

NOWHERE = "postgresql://wb@/postgres?host=/nowhere"


@pytest.fixture(params=["sqlite", "postgresql"])
def index_url(request):
    return None if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
def archive(index_url, tmp_path):
    """X-1 in three pieces, labelled and scored; X-2; X-3 was removed. Nobody has sealed it."""
    archive = make_tiny_archive(tmp_path, index_url)
    archive.write(wave_channel("X-3", n=300), wave_channel("X-3", n=400))
    series = wave_channel("X-1", 3000, 1, spike=2000)
    for first in (3000, 3100):
        times = series["time"].values[:100] + first
        archive.extend([(first, series.isel(time=slice(0, 100)).assign_coords(time=times))])
    for value in (1.0, 2.0):  # the second replaces the first
        names = ("prediction", "prediction_error", "smoothed_error", "epsilon")
        rows = xr.Dataset({name: ("time", np.full(5, value)) for name in names})
        rows = rows.assign_coords(sample=("time", np.arange(5)))
        archive.write_scores("X-1", "k", rows.assign_attrs(anomalies="[[2000, 2039, 9.5]]", model="X-1.ridge/1"))
    archive.remove(["X-3"])
    archive.check("X-1", "test")
    archive.keep_verified()
    for state in ("earlier", "now"):
        archive.note_examined({"X-1": (state, "nothing")})
    yield archive
    archive.close()


def connected(url: str) -> psycopg.Connection:
    return psycopg.connect(checked_index_url(url), autocommit=True)


def test_both_kinds_say_the_same(archive, index_url):
    index = archive.index
    assert archive.channels() == ["X-1", "X-2"]
    assert {one.channel: one.n_test for one in archive.infos()[0]} == {"X-1": 3200, "X-2": 3000}
    assert [piece.length for piece in index.pieces("X-1", "test")] == [3000, 100, 100]
    assert [piece.length for piece in index.pieces_of(["X-1", "X-2"])["X-2", "test"]] == [3000]
    assert (index.tail_rows(), index.parts("X-2")) == (205, ["before", "test", "train"][1:])
    assert (list(index.loose(16, 65_536)), index.asset_of("X-1")) == (
        [("X-1", "scores/k"), ("X-1", "test")],
        ("XAVER", "X"),
    )
    assert index.holdings()["X-1"].n_labels == 1
    assert set(index.train_hashes_by_asset()["XAVER"]) == {"X-1", "X-2"}
    assert [len(names) for names in index.all_folders().values()] == [1, 1]
    assert len(index.long_lanes(3000)) == 2
    assert index.scores("X-1")["k"]["anomalies"] == "[[2000, 2039, 9.5]]"
    assert archive.open_scores("X-1", "k")["epsilon"].values.tolist() == [2.0] * 5
    assert index.verified_of(["X-1"]).keys() >= {("X-1", "test")}
    assert index.examined_of(["X-1", "X-2"]) == {"X-1": ("now", "nothing")}
    index.add_links("X-2", 0, [Link(1024, "aa"), Link(2048, "bb")])
    assert (index.link("X-2", 0, 2047), index.link("X-2", 0, 1023)) == (Link(1024, "aa"), START)
    archive.seal()
    assert [piece.kind for piece in index.pieces("X-1", "test")] == ["segment", "segment"]
    assert index.tail_rows() == 0
    assert (archive.faults(), archive.misplaced_index()) == ([], None)
    assert index.file.exists() == (index_url is None)


def execute(index: Index, statement: str, *values: object) -> list[tuple[object, ...]]:
    with index._database.transaction() as cursor:
        done = cursor.execute(statement, values)
        return done.fetchall() if statement.startswith("SELECT") else []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("name", "X-3"), ("asset", "XAVES"), ("subsystem", "Y"), ("train_hash", "0" * 64), ("test_hash", "0" * 64)),
        *(("n_train", 1), ("n_test", 3201), ("clock", "count"), ("first", -1), ("last", -1), ("last_value", 0.25)),
        *(("received", 0.5), ("revision", 1), ("attributes", "{}"), ("crc", 1)),
    ],
)
def test_a_row_of_a_channel_that_differs_in_any_column_is_named(archive, column, value):
    index, name = archive.index, "X-3" if column == "name" else "X-1"
    assert index.train_hashes().keys() == {"X-1", "X-2"}
    execute(index, f"UPDATE channel SET {column} = ? WHERE name = 'X-1'", value)
    words = f"The index of the archive is damaged: .*what it says of {name} is not what was written"
    with pytest.raises(ArchiveError, match=words):
        archive.info(name)
    infos, faults = archive.infos()
    assert ([one.channel for one in infos], list(faults)) == (["X-2"], [name])
    described = index.attributes_of([name, "X-2"])
    assert {one: isinstance(about, ArchiveError) for one, (about, _) in described.items()} == {name: True, "X-2": False}
    assert index.train_hashes().keys() == {"X-2"}  # no model counts as outdated for it
    with pytest.raises(ArchiveError, match=words):
        index.train_hashes_by_asset()
    assert archive.rebuild_index() == []
    assert archive.infos()[1] == {}


def test_a_score_whose_key_differs_is_named(archive):
    execute(archive.index, "UPDATE score SET key = 'l' WHERE channel = 'X-1'")
    assert list(archive.damaged_scores("X-1")) == ["l"]


def test_every_flipped_bit_of_a_row_in_sqlite_is_named(tmp_path):
    archive = make_tiny_archive(tmp_path)
    file, known = archive.index.file, execute(archive.index, "SELECT * FROM channel")
    archive.close()
    content = file.read_bytes()
    row = re.search(rb"X-1XAVERX[^{]{150,250}{", content)  # names, two hashes of 64 letters, and numbers
    silent = []
    for at in range(8 * row.start(), 8 * row.end()):
        flipped = bytearray(content)
        flipped[at // 8] ^= 1 << at % 8
        file.write_bytes(flipped)
        with closing(Index(archive.path)) as index, suppress(ArchiveError):
            is_named = any(isinstance(about, ArchiveError) for about in index.all_attributes().values())
            silent += [at] if not is_named and execute(index, "SELECT * FROM channel") != known else []
    assert silent == []


def test_rows_of_the_release_before_are_read_and_made_again(archive):
    index = archive.index
    names = ("X-1", "X-2")
    texts = {name: execute(index, "SELECT attributes FROM channel WHERE name = ?", name)[0][0] for name in names}
    for name, text in texts.items():  # their checksum was that of the attributes alone
        execute(index, "UPDATE channel SET crc = ? WHERE name = ?", zlib.crc32(text.encode()), name)
    execute(index, "UPDATE meta SET value = ? WHERE name = 'store'", index.store())
    assert [one.channel for one in archive.infos()[0]] == ["X-1", "X-2"]
    again = Archive(archive.path)
    crcs = [execute(index, "SELECT crc FROM channel WHERE name = ?", name)[0][0] for name in names]
    assert not {zlib.crc32(text.encode()) for text in texts.values()} & {*crcs}
    assert (again.index.store(), again.faults(), again.losses()) == (index.store(), [], [])
    assert again.open_scores("X-1", "k")["epsilon"].values.tolist() == [2.0] * 5


def test_rows_in_front_go_and_the_index_is_made_anew(archive):
    archive.remove_front("X-1", {"test": 1500}, {"k": archive.scores("X-1")["k"]})
    pieces = archive.index.pieces("X-1", "test")
    assert [(piece.first, piece.length, piece.start) for piece in pieces] == [
        (1500, 1500, 1500),
        (3000, 100, 0),
        (3100, 100, 0),
    ]
    before = archive.open("X-1").load()
    assert archive.rebuild_index() == []
    assert archive.index.pieces("X-1", "test") == pieces
    xr.testing.assert_identical(Archive(archive.path).open("X-1").load(), before)


@pytest.mark.parametrize("where", ["segment", "tail"])
def test_what_a_process_published_before_it_died_is_entered(archive, monkeypatch, where):
    class Died(BaseException):
        pass

    def die(*args: object) -> None:
        raise Died

    monkeypatch.setattr(Index, "apply", die)
    monkeypatch.setattr(publishing.Publisher, "settle", lambda self: None)
    with pytest.raises(Died):
        if where == "segment":
            archive.write(wave_channel("X-4", n=300), wave_channel("X-4", n=400))
        else:
            archive.set_labels("X-2", pd.DataFrame({"start": [7], "end": [9], "kind": ["point"]}))
    monkeypatch.undo()
    again = Archive(archive.path)
    assert again.channels() == (["X-1", "X-2", "X-4"] if where == "segment" else ["X-1", "X-2"])
    assert len(again.labels("X-2")) == (1 if where == "tail" else 0)
    assert again.faults() == []


def test_two_processes_write_at_once(archive):
    code = """
import sys
from pathlib import Path
from tests.conftest import wave_channel
from workbench.telemetry.archive import Archive
archive = Archive(Path(sys.argv[1]))
for number in range(5):
    name = f"{sys.argv[2]}-{number}"
    archive.write(wave_channel(name, n=300), wave_channel(name, n=400))
    archive.check(name, "train")
    archive.keep_verified()
"""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", code, str(archive.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    writers = [subprocess.Popen([*command, name], env=environment, cwd=root) for name in "AB"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert archive.channels() == [*(f"{name}-{number}" for name in "AB" for number in range(5)), "X-1", "X-2"]
    assert archive.faults() == []


def test_a_forked_process_has_a_connection_of_its_own(archive):
    code = """
import os, sys
from pathlib import Path
from workbench.telemetry.archive import Archive
archive = Archive(Path(sys.argv[1]))
assert archive.channels() == ["X-1", "X-2"]
child = os.fork()
if not child:
    assert archive.channels() == ["X-1", "X-2"]
    archive.set_growing(["X-1"], True)
    sys.exit()  # as a program that ends and cleans up
assert os.waitpid(child, 0)[1] == 0
assert archive.grows("X-1")
"""
    root = Path(__file__).parents[3]
    fork_warns = "ignore::DeprecationWarning"  # from 3.12 on, as libraries have threads
    command = [sys.executable, "-W", "error::ResourceWarning", "-W", fork_warns, "-c", code, str(archive.path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_new_archive_notes_where_its_index_is(postgres, tmp_path):
    archive = make_tiny_archive(tmp_path, postgres)
    assert sorted(file.name for file in archive.path.glob("*.*")) == ["index.json", "zarr.json"]
    other = make_tiny_archive(tmp_path / "other", postgres)
    other.remove(["X-1"])
    assert (archive.channels(), other.channels()) == (["X-1", "X-2"], ["X-2"])
    assert Archive(archive.path).channels() == ["X-1", "X-2"]  # as workers open it, without settings


def test_an_index_moves_when_it_is_made_anew(archive, index_url, request, caplog):
    target = request.getfixturevalue("postgres") if index_url is None else None
    settings = {"home": archive.path.parent, "index_url": target}
    archive.set_labels("X-2", pd.DataFrame({"start": [7], "end": [9], "kind": ["point"]}))
    former = archive.index.name
    with wb.open(**settings) as session:
        assert f"The index of the archive is {former}, but index_url in the settings is" in caplog.text
        (finding,) = [one for one in examine(session) if one.what == "index"]
        assert (finding.state, finding.fix.rpartition(": ")[2]) == ("missing", "workbench doctor --rebuild-index")
        assert session.archive.rebuild_index() == []
        assert session.archive.misplaced_index() is None
    assert archive.index.name != former
    assert archive.index.file.exists() == (target is None)
    archive.write(wave_channel("X-4", n=300), wave_channel("X-4", n=400))  # a process that was open follows
    assert Archive(archive.path).channels() == ["X-1", "X-2", "X-4"]
    assert len(archive.labels("X-2")) == 1
    if target is None:
        with connected(index_url) as server:
            schema = former.rpartition(" ")[2]
            assert server.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchall() == []


def test_a_copy_of_an_archive_leaves_the_index_of_the_original_alone(postgres, tmp_path):
    original = make_tiny_archive(tmp_path / "original", postgres)
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    with pytest.raises(ArchiveError, match=r"copy/archive\.zarr is a copy: .*To make one of its own, run: workbench"):
        Archive(tmp_path / "copy" / "archive.zarr").write(wave_channel("X-3"), wave_channel("X-3"))
    copy = Archive(tmp_path / "copy" / "archive.zarr", postgres)
    assert copy.rebuild_index() == []
    copy.remove(["X-1"])
    assert (copy.channels(), original.channels()) == (["X-2"], ["X-1", "X-2"])
    assert original.faults() == []


def test_a_server_that_does_not_answer_makes_nothing(tmp_path):
    archive = Archive(tmp_path / "archive.zarr", NOWHERE)
    with pytest.raises(ArchiveError, match=r"The index of the archive \(postgresql://.*\) cannot be reached: "):
        archive.write(wave_channel("X-1"), wave_channel("X-1"))
    assert not archive.path.exists()


def test_without_its_server_an_archive_is_named_and_can_go_back_to_sqlite(tiny_archive):
    PlaceFile(tiny_archive.path).write(IndexPlace.new(NOWHERE))
    with wb.open(home=tiny_archive.path.parent, index_url=NOWHERE) as session:
        broken = [one for one in examine(session) if one.state == "broken"]
        assert len(broken) == 1  # one sentence, however many checks read the index
        assert "cannot be reached" in broken[0].found
        assert "remove index_url from the settings and run: workbench doctor --rebuild-index" in broken[0].fix
        with pytest.raises(ArchiveError, match="cannot be reached"):
            session.archive.write(wave_channel("X-3"), wave_channel("X-3"))
    with wb.open(home=tiny_archive.path.parent) as session:
        assert session.archive.rebuild_index() == []
        assert session.archive.channels() == ["X-1", "X-2"]
    assert not (tiny_archive.path / "index.json").exists()


def test_a_connection_that_is_lost_is_made_again(postgres, tmp_path):
    archive = make_tiny_archive(tmp_path, postgres)

    def cut() -> None:
        with connected(postgres) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'workbench'"
            )

    cut()
    assert archive.channels() == ["X-1", "X-2"]
    cut()
    archive.set_growing(["X-1"], True)
    assert archive.grows("X-1")


def test_a_writer_that_was_lost_in_the_middle_keeps_nobody_out(postgres, tmp_path, monkeypatch):
    """As one whose machine lost its power: its connection stays open, and nothing comes over it."""
    monkeypatch.setattr(postgres_schema, "_IDLE_SECONDS", 1)
    archive = make_tiny_archive(tmp_path, postgres)
    other = Archive(archive.path)
    with (
        pytest.raises(ArchiveError, match="ended a change of which it heard nothing for too long"),
        archive.index._database.transaction() as cursor,
    ):
        cursor.execute("DELETE FROM channel")
        other.index.add_links("X-1", 0, [Link(1024, "aa")])
    assert other.index.link("X-1", 0, 2000) == Link(1024, "aa")
    assert archive.channels() == ["X-1", "X-2"]


@pytest.mark.filterwarnings("default")  # Dask's own
def test_workers_score_by_an_index_on_a_server(postgres, trained_home):
    with wb.open(home=trained_home, index_url=postgres) as session:
        assert session.archive.rebuild_index() == []
        session.score_all()
    expected = score_files(trained_home / "archive.zarr")
    with (
        workers_of(2, processes=False) as cluster,
        wb.open(home=trained_home, index_url=postgres, compute=cluster.scheduler_address) as session,
    ):
        assert set(session.score_all(force=True)["status"]) == {"scored"}
        assert not session.archive.index.file.exists()
    assert score_files(trained_home / "archive.zarr") == expected


def test_a_schema_that_was_dropped_is_made_again_from_the_archive(postgres, tmp_path):
    archive = make_tiny_archive(tmp_path, postgres)
    with connected(postgres) as server:
        server.execute(f"DROP SCHEMA {archive.index.name.rpartition(' ')[2]} CASCADE")
    assert archive.channels() == ["X-1", "X-2"]
    assert archive.faults() == []


def test_a_server_that_only_lets_be_read_is_named(postgres, tmp_path):
    archive = make_tiny_archive(tmp_path, postgres)
    archive.close()
    url = f"{checked_index_url(postgres)}&options=-c%20default_transaction_read_only%3Don"
    PlaceFile(archive.path).write(IndexPlace(url, archive.index.place_file.read().schema))
    assert archive.channels() == ["X-1", "X-2"]
    with pytest.raises(ArchiveError, match="cannot be written: the server only lets it be read"):
        archive.set_growing(["X-1"], True)


def test_every_flipped_bit_of_the_note_is_named(tiny_archive):
    note = PlaceFile(tiny_archive.path)
    note.write(IndexPlace.new(NOWHERE))
    content, place = note.file.read_bytes(), note.read()
    silent = []
    for at in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[at // 8] ^= 1 << at % 8
        note.file.write_bytes(flipped)
        try:
            silent += [at] if PlaceFile(tiny_archive.path).read() != place else []
        except ArchiveError as error:
            assert error.hint == "Run: workbench doctor --rebuild-index"
    assert silent == []
    note.file.write_bytes(b"noise")
    assert tiny_archive.rebuild_index() == []
    assert tiny_archive.channels() == ["X-1", "X-2"]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("sqlite:///x.db", "this is not the URL of a PostgreSQL database"),
        ("postgresql://wb@host", "this is not the URL of a PostgreSQL database"),
        ("postgresql://[wb@host/x", "this is no URL"),
        ("postgresql://wb:secret@host/x", "a password does not belong here"),
        ("postgresql://wb@host/x?password=secret", "a password does not belong here"),
        ("postgresql://wb@host/x?sslpassword=secret", "a password does not belong here"),
        ("postgresql://wb@host/x?oauth_client_secret=hunter2secret", "a password does not belong here"),
        ("postgresql://wb:my/secret@host/x", "a password does not belong here"),  # marks that are not encoded
        ("postgresql://wb:my/x?secret@host/x", "a password does not belong here"),
        ("postgresql://wb:my@secret@host/x", "a password does not belong here"),
        ("mysql://wb:my/secret@host/x", "this is not the URL of a PostgreSQL database"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_its_key(url, fault):
    with pytest.raises(wb.exceptions.SettingsError, match="index_url: " + fault) as caught:
        wb.open(index_url=url)
    assert "secret" not in str(caught.value).replace("oauth_client_secret=", "")
