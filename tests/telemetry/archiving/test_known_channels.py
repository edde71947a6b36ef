"""The channels of an archive are kept in memory: they are what a fresh look finds, and only what is new is read."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from tests.archive_files import segments
from tests.telemetry.archiving.test_publishing import a_score, level
from workbench.exceptions import ArchiveError
from workbench.telemetry.archive import Archive


@pytest.fixture
def archive(tmp_path):
    made = Archive(tmp_path / "a.zarr")
    for place in range(4):
        made.write(level(0, 10, channel=f"X-{place}"), level(place, 100, channel=f"X-{place}"))
    return made


def fresh(archive):
    return Archive(archive.path)


def test_after_each_change_an_archive_knows_what_a_fresh_one_reads(archive):
    reader = fresh(archive)
    changes = [
        lambda: archive.write(level(0, 10, channel="X-1"), level(9, 150, channel="X-1")),
        lambda: archive.write(level(0, 10, channel="X-7"), level(7, 100, channel="X-7")),
        lambda: archive.remove(["X-2"]),
        lambda: (archive.remove(["X-3"]), archive.write(level(0, 10, channel="X-9"), level(7, 50, channel="X-9"))),
        lambda: archive.set_growing(["X-0"], True),
        archive.seal,
        archive.rebuild_index,
        lambda: archive.write_scores("X-1", "k", a_score(20)),
    ]
    for change in changes:
        change()
        assert reader.infos() == fresh(archive).infos()
        assert sorted(reader.dated_spans()) == sorted(fresh(archive).dated_spans())
        assert reader.channels() == fresh(archive).channels()
        assert sorted(reader.places()) == sorted({(info.asset, info.subsystem) for info in fresh(archive).infos()[0]})
    assert [info.channel for info in reader.infos()[0]] == ["X-0", "X-1", "X-7", "X-9"]


def test_only_what_was_published_since_is_read(archive, monkeypatch):
    reader = fresh(archive)
    reader.infos()
    asked = []
    of_some = reader.index.attributes_of
    monkeypatch.setattr(reader.index, "attributes_of", lambda names: asked.append(list(names)) or of_some(names))
    monkeypatch.setattr(reader.index, "all_attributes", lambda: pytest.fail("all of them were read"))
    reader.infos()
    assert asked == []
    archive.write(level(0, 10, channel="X-2"), level(5, 120, channel="X-2"))
    assert {info.channel: info.n_test for info in reader.infos()[0]}["X-2"] == 120
    assert asked == [["X-2"]]


def test_what_has_changed_is_named_until_the_index_is_made_anew(archive):
    stamp = archive.index.stamp()
    assert archive.index.changed_since(stamp) == (set(), set())
    archive.write(level(0, 10, channel="X-1"), level(5, 120, channel="X-1"))
    archive.write_scores("X-3", "k", a_score(20))
    assert archive.index.changed_since(stamp) == ({"X-1"}, {"X-3"})
    archive.rebuild_index()
    assert archive.index.changed_since(stamp) is None


def test_spans_are_those_of_series_with_dates(tmp_path):
    archive = Archive(tmp_path / "a.zarr")
    archive.write(level(0, 10), level(1, 100))
    assert archive.dated_spans() == []
    time = np.datetime64("2026-01-01T00:00") + np.arange(60) * np.timedelta64(1, "m")
    dated = level(1, 60, channel="Y-1", asset="B").assign_coords(time=("time", time.astype("datetime64[ns]")))
    archive.write(dated.isel(time=slice(0, 20)), dated.isel(time=slice(20, 60)))
    day = 1_767_225_600 * 10**9  # 2026-01-01
    minute = 60 * 10**9
    assert archive.dated_spans() == [("B", day + 20 * minute, day + 59 * minute)]


def test_one_damaged_row_among_many_is_named_and_the_others_are_read(archive):
    expected = {name: about for name, about in archive.index.all_attributes().items() if name != "X-2"}
    archive.write_scores("X-1", "k", a_score(20))
    archive.write_scores("X-2", "k", a_score(20))
    scores = archive.index.all_scores()
    archive.close()
    with closing(sqlite3.connect(archive.path / "index.db")) as connection, connection:
        connection.execute("UPDATE channel SET attributes = replace(attributes, 'n_test', 'n_tesd') WHERE name = 'X-2'")
        connection.execute("UPDATE score SET attributes = '1, ' || attributes WHERE channel = 'X-2'")
    index = fresh(archive).index
    described = index.all_attributes()
    assert {name: about for name, about in described.items() if name != "X-2"} == expected
    assert isinstance(described["X-2"], ArchiveError)
    assert "what it says of X-2" in str(described["X-2"])
    assert index.all_scores()["X-1"] == scores["X-1"]
    assert "the score k of X-2" in str(index.all_scores()["X-2"]["k"])


def test_the_description_of_a_segment_is_hashed_only_where_it_is_another_file(archive, monkeypatch):
    archive.seal()
    expected = archive.infos()
    described = segments(archive, "X-1")[0] / "zarr.json"
    content = described.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(
            "workbench.telemetry.archiving.reader.unsealed_attributes", lambda document: pytest.fail("it was hashed")
        )
        assert fresh(archive).infos() == expected
    described.write_bytes(content.replace(b'"X-1"', b'"X-8"'))
    assert "X-1" in fresh(archive).infos()[1]
    described.write_bytes(content)
    archive.close()
    with closing(sqlite3.connect(archive.path / "index.db")) as connection, connection:
        assert connection.execute("DELETE FROM meta WHERE name LIKE 'description %'").rowcount > 0
    assert fresh(archive).infos() == expected  # an index of before the checksums were noted
