"""The channels of an archive are kept in memory: they are what a fresh look finds, and only what is new is read."""

import numpy as np
import pytest

from tests.telemetry.archiving.test_publishing import a_score, level
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
