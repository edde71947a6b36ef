"""Seals and checksums of the archive: every flipped bit is named."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from conftest import make_tiny_archive, wave_channel

from tests.archive_files import file_of, segments
from workbench.exceptions import ArchiveError, ChannelNotFoundError
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving.seals import SEAL
from workbench.telemetry.series_hash import START, Link

SCORE = "ridge.paper"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A short channel with a score."""
    archive = Archive(tmp_path / "store.zarr")
    archive.write(wave_channel("X-1", 300), wave_channel("X-1", 400, 1))
    values = np.linspace(0, 1, 300)
    scored = xr.Dataset({"epsilon": ("time", values)}, attrs={"channel": "X-1", "seconds": 0.25})
    archive.write_scores("X-1", SCORE, scored)
    archive.seal()
    return archive


def read_all(archive: Archive) -> None:
    for error in archive.faults():
        raise error
    for split in ("train", "test"):
        archive.check_deeply("X-1", split)
    for error in archive.damaged_scores("X-1").values():
        raise error
    for key in archive.scores("X-1"):
        archive.check_score_deeply("X-1", key)


def write(file: Path, content: bytes | bytearray) -> None:
    """Replace a file, and let what is open of its group be opened again."""
    file.write_bytes(content)
    for folder in list(file.parents)[:4]:
        if (folder / "zarr.json").exists():
            (folder / "zarr.json").touch()


def all_files(archive: Archive, pattern: str) -> list[Path]:
    return sorted(file for folder in segments(archive, "X-1") for file in folder.glob(pattern) if file.is_file())


def test_every_flipped_bit_of_a_chunk_is_named(archive):
    read_all(archive)
    for file in all_files(archive, "**/c/**/*"):
        sound = file.read_bytes()
        for place in {*range(12), *range(0, len(sound), 97), *range(len(sound) - 6, len(sound))} & {*range(len(sound))}:
            content = bytearray(sound)
            content[place] ^= 1 << place % 8
            write(file, content)
            with pytest.raises(ArchiveError, match="is damaged"):
                read_all(Archive(archive.path))
        write(file, sound)
    read_all(archive)


@pytest.mark.parametrize("pattern", ["zarr.json", "test/zarr.json", "test/*/zarr.json", "scores.*/**/zarr.json"])
def test_every_changed_value_of_the_metadata_is_named(archive, pattern):
    """Each digit, and each letter of a text, becomes another one: the JSON stays JSON."""
    for file in all_files(archive, pattern):
        sound = file.read_bytes()
        places = [place for place, letter in enumerate(sound) if chr(letter).isalnum()]
        for place in places[:: max(1, len(places) // 25)]:
            content = bytearray(sound)
            content[place] = ord("1") if content[place] != ord("1") else ord("2")
            write(file, content)
            with pytest.raises(ArchiveError, match="is damaged"):
                read_all(Archive(archive.path))
        write(file, sound)


@pytest.mark.parametrize("name", ["test/telemetry/c", f"scores/{SCORE}/epsilon/c"])
def test_a_chunk_that_is_gone_is_named_and_not_read_as_the_fill_value(archive, name):
    file_of(archive, "X-1", name).unlink()
    with pytest.raises(ArchiveError, match="has 0 chunks, not 1"):
        read_all(archive)


def test_an_array_that_is_gone_or_was_added_is_named(archive):
    group = file_of(archive, "X-1", "test/zarr.json").parent
    shutil.copytree(group / "telemetry", group / "other")
    with pytest.raises(ArchiveError, match="other is not part of what was written"):
        archive.open("X-1")
    shutil.rmtree(group / "other")
    shutil.rmtree(group / "commands")
    with pytest.raises(ArchiveError, match="commands is gone"):
        archive.open("X-1")


def test_a_seal_that_is_gone_is_named(archive):
    file = file_of(archive, "X-1", "test/zarr.json")
    sound = file.read_text(encoding="utf-8")
    write(file, sound.replace(SEAL, SEAL[:-1] + "x").encode())
    with pytest.raises(ArchiveError, match="the name of its seal is damaged"):
        archive.open("X-1")
    document = json.loads(sound)
    del document["attributes"][SEAL]
    write(file, json.dumps(document).encode())
    with pytest.raises(ArchiveError, match="the checksum of its metadata is gone"):
        archive.open("X-1")


def test_other_programs_open_it_and_datasets_show_no_seal(archive):
    """Warnings are errors in these tests."""
    group = file_of(archive, "X-1", "test/zarr.json").parent
    plain = xr.open_zarr(group, consolidated=False, chunks=None)
    np.testing.assert_array_equal(plain["telemetry"].sel(channel="X-1"), wave_channel("X-1", 400, 1)["telemetry"])
    assert SEAL not in archive.open("X-1").attrs
    assert SEAL not in archive.open_scores("X-1", SCORE).attrs
    assert SEAL not in archive.scores("X-1")[SCORE]


@pytest.mark.parametrize("change", ["origin = 7", "channel = 'X-2'", "samples = 2048", "value = 'ab'"])
def test_a_link_of_the_hashes_that_is_not_what_was_written_is_not_used(tmp_path, change):
    archive = make_tiny_archive(tmp_path)
    archive.index.add_links("X-1", 0, [Link(1024, "aa")])
    archive.close()
    with closing(sqlite3.connect(archive.index.file)) as connection, connection:
        connection.execute(f"UPDATE link SET {change} WHERE value = 'aa'")
    places = [(name, origin) for name in ("X-1", "X-2") for origin in (0, 7)]
    assert {archive.index.link(*place, 2048) for place in places} == {START}


def test_every_flipped_bit_of_the_tail_and_the_index_is_named_or_harmless(archive):
    """What is read is what was written, or an error."""
    import pandas as pd

    archive.set_labels("X-1", pd.DataFrame({"start": [10], "end": [20], "kind": ["point"]}))
    archive.extend([(400, wave_channel("X-1", 500, 1).isel(time=slice(400, None)))])
    expected = wave_channel("X-1", 500, 1).isel(time=slice(400, None))["telemetry"].values
    archive.close()
    for file in (archive.path / "tail.db", archive.path / "index.db"):
        sound = file.read_bytes()
        for place in range(0, len(sound), max(1, len(sound) // 150)):
            content = bytearray(sound)
            content[place] ^= 1 << place % 8
            file.write_bytes(content)
            try:
                again = Archive(archive.path)
                assert again.labels("X-1").to_numpy().tolist() == [[10, 20, "point"]]
                again.check_deeply("X-1", "test")
                np.testing.assert_array_equal(again.open("X-1")["telemetry"].values[400:], expected)
            except (ArchiveError, ChannelNotFoundError):
                pass
            finally:
                again.close()
        file.write_bytes(sound)
