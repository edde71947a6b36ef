"""Envelopes are held against plain NumPy; levels of few samples let short series have all of them."""

import itertools
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving import envelopes, lanes, levels, segments
from workbench.telemetry.schema import make_channel

START = np.datetime64("2024-01-01", "ns")


def series(values: np.ndarray, first: int = 0) -> xr.Dataset:
    time = START + (first + np.arange(len(values))) * np.timedelta64(1, "s")
    return make_channel(values.astype(np.float32), time=time, channel="X-1", asset="A", units="K")


@contextmanager
def small_levels() -> Iterator[None]:
    """Let blocks hold 4, 16, 64 and 256 samples, and series of eight have levels."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (levels, envelopes):
            patch.setattr(module, "SIZES", (4, 16, 64, 256))
        for module in (lanes, segments):
            patch.setattr(module, "LEAST_ROWS", 8)
        patch.setattr(envelopes, "_ROWS_AT_A_TIME", 50)
        patch.setattr(levels, "_ROWS_AT_A_TIME", 64)
        yield


def check_against_numpy(archive: Archive, values: np.ndarray, begin: int, end: int, width: int) -> None:
    """Compare each bucket with what NumPy says of its rows."""
    found = archive.envelope("X-1", "test", begin, end, width)
    assert len(found.row) <= width
    edges = [*found.row.tolist(), end]
    assert edges[0] == begin
    assert (np.diff(edges) > 0).all()
    assert (found.time == START + found.row * np.timedelta64(1, "s")).all()
    for number, (first, last) in enumerate(itertools.pairwise(edges)):
        inside = values[first:last].astype(np.float64)
        inside = inside[np.isfinite(inside)]
        assert (found.count[number], found.rows[number]) == (inside.size, last - first)
        if not inside.size:
            assert np.isnan([found.minimum[number], found.mean[number], found.maximum[number]]).all()
            continue
        assert (found.minimum[number], found.maximum[number]) == (inside.min(), inside.max())
        assert found.mean[number] == pytest.approx(inside.mean(), rel=1e-12, abs=1e-12)
        assert found.deviation[number] == pytest.approx(inside.std(), rel=1e-9, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_envelopes_are_what_numpy_says(data, tmp_path_factory):
    """Of a series in segments and a tail, with missing samples, over any rows and any number of buckets."""
    lengths = data.draw(st.lists(st.integers(1, 700), min_size=1, max_size=4), label="lengths")
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))
    values = random.normal(1e4, 1, sum(lengths)).astype(np.float32)
    for _ in range(data.draw(st.integers(0, 3), label="gaps")):
        at = random.integers(len(values))
        values[at : at + random.integers(1, 400)] = data.draw(st.sampled_from([np.nan, np.inf]), label="missing")
    folder = tmp_path_factory.mktemp("envelopes")
    with small_levels():
        archive = Archive(folder / "a.zarr")
        end = lengths[0]
        archive.write(series(np.arange(3.0), -3), series(values[:end]))
        for length in lengths[1:]:
            archive.extend([(end, series(values[end : end + length], end))])
            end += length
            if data.draw(st.booleans(), label="sealed"):
                archive.seal()
        if data.draw(st.booleans(), label="cut"):
            keep = data.draw(st.integers(1, end), label="keep")
            values = np.concatenate([values[:keep], [np.float32(7)]])
            archive.extend([(keep, series(values[keep:], keep))])
        for _ in range(8):
            begin = data.draw(st.integers(0, len(values) - 1), label="begin")
            stop = data.draw(st.integers(begin + 1, len(values)), label="end")
            check_against_numpy(archive, values, begin, stop, data.draw(st.integers(1, 60), label="width"))
        moments = random.integers(-5, len(values) + 5, 6)
        times = (START + moments * np.timedelta64(1, "s")).astype(np.int64)
        assert archive.rows_at("X-1", "test", times).tolist() == np.clip(moments, 0, len(values)).tolist()
        archive.close()
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_spike_of_one_sample_is_seen_at_every_zoom(tmp_path):
    values = np.zeros(1_500_000, dtype=np.float32)
    spike = 1_234_567
    values[spike] = 9
    archive = Archive(tmp_path / "a.zarr")
    archive.write(series(np.zeros(3), -3), series(values))
    length = len(values)
    while length > 100:
        begin = max(0, min(spike - length // 3, len(values) - length))
        found = archive.envelope("X-1", "test", begin, begin + length, 300)
        seen = np.flatnonzero(found.maximum == 9)
        assert len(seen) == 1
        assert found.row[seen[0]] <= spike < found.row[seen[0]] + found.rows[seen[0]]
        length //= 3
    raw = archive.envelope("X-1", "test", spike - 20, spike + 20, 300)
    assert raw.rows.tolist() == [1] * 40
    assert raw.maximum.tolist() == values[spike - 20 : spike + 20].tolist()


def test_what_is_drawn_of_a_long_series_reads_few_samples(tmp_path, monkeypatch):
    values = np.arange(400_000, dtype=np.float32)
    archive = Archive(tmp_path / "a.zarr")
    archive.write(series(np.zeros(3), -3), series(values))
    read = []
    original = envelopes.PartReader.read

    def counted(reader, name, start, stop, template):
        read.append(stop - start)
        return original(reader, name, start, stop, template)

    monkeypatch.setattr(envelopes.PartReader, "read", counted)
    archive.envelope("X-1", "test", 1001, 399_001, 100)
    assert sum(read) < 2000


def test_damaged_levels_are_not_used(tmp_path, caplog):
    values = np.random.default_rng(0).normal(size=70_000).astype(np.float32)
    archive = Archive(tmp_path / "a.zarr")
    archive.write(series(np.zeros(3), -3), series(values))
    chunk = next(archive.path.glob("_assets/A/*/levels.test/telemetry/c/0/0/0"))
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        check_against_numpy(archive, values, 5, 69_000, 30)
    assert "Levels are not used" in caplog.text


def test_a_stored_score_has_an_envelope_of_its_prediction(tmp_path):
    archive = Archive(tmp_path / "a.zarr")
    archive.write(series(np.zeros(3), -3), series(np.zeros(70_000)))
    predicted = np.random.default_rng(0).normal(size=69_000).astype(np.float32)
    time = archive.open("X-1")["time"].values[1000:]
    scored = xr.Dataset(
        {"prediction": ("time", predicted)}, {"time": time, "sample": ("time", np.arange(1000, 70_000))}
    )
    archive.write_scores("X-1", "ridge.paper", scored)
    archive.seal()
    found = archive.envelope("X-1", "scores/ridge.paper", 0, 69_000, 1)
    assert (found.minimum[0], found.maximum[0]) == (predicted.min(), predicted.max())
    assert [folder.parent.name != "" for folder in Path(archive.path).rglob("levels.scores.*")] == [True]


def test_levels_that_are_gone_or_damaged_are_named_and_made_again(tmp_path):
    values = np.random.default_rng(0).normal(size=70_000).astype(np.float32)
    archive = Archive(tmp_path / "a.zarr")
    archive.write(series(np.zeros(3), -3), series(values))
    (folder,) = archive.path.glob("_assets/A/*/levels.test")
    sound = {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert (archive.lacks_levels(), archive.level_faults(), archive.make_levels()) == (0, [], (0, []))
    for damage in ("gone", "a byte", "a chunk"):
        chunk = folder / "telemetry/c/0/0/0"
        if damage == "gone":
            shutil.rmtree(folder)
        elif damage == "a byte":
            chunk.write_bytes(chunk.read_bytes()[:-1] + b"?")
        else:
            chunk.unlink()
        assert (archive.lacks_levels(), len(archive.level_faults())) == ((1, 0) if damage == "gone" else (0, 1))
        archive.check_deeply("X-1", "test")
        check_against_numpy(archive, values, 5, 69_000, 30)
        assert archive.make_levels() == (1, [])
        again = {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        assert again == sound
        assert (archive.lacks_levels(), archive.level_faults()) == (0, [])
