"""Files of an archive that are lost: what they held stays named, and nothing is said that is not so."""

import errno
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import wave_channel
from typer.testing import CliRunner

import workbench as wb
from tests.archive_files import file_of, segments
from workbench.cli import app
from workbench.exceptions import ArchiveError
from workbench.jobs.doctor import examine
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving import publishing
from workbench.telemetry.archiving.losses import Losses

WHOLE = wave_channel("X-1", 3100, 1)


def rows(first: int, end: int):
    return WHOLE.isel(time=slice(first, end))


@pytest.fixture
def grown(tiny_archive: Archive) -> Archive:
    """X-1 has 3,100 samples, of which the last 100 lie in the tail."""
    tiny_archive.write(wave_channel("X-1"), rows(0, 3000), None)
    tiny_archive.seal()
    tiny_archive.extend([(3000, rows(3000, 3100))])
    return tiny_archive


def lose_the_tail(archive: Archive) -> None:
    archive.close()
    (archive.path / "tail.db").unlink()
    archive.rebuild_index()


def named(archive: Archive) -> list[str]:
    return [error.message for error in Archive(archive.path).losses()]


def test_what_was_lost_stays_named_until_it_is_there_again(grown):
    assert named(grown) == []
    lose_the_tail(grown)
    assert grown.info("X-1").n_test == 3000
    for _ in range(2):
        (message,) = named(grown)
        assert "Channel X-1 has lost what came last: its test series had 3,100 samples" in message
        assert "and 3,000 samples are there" in message
        grown.rebuild_index()
    with wb.open(home=grown.path.parent) as session:
        findings = [one for one in examine(session) if one.state == "broken"]
        assert ["X-1" in one.found and "--accept-loss" in one.fix for one in findings] == [True]
    grown.extend([(3000, rows(3000, 3050))])
    assert len(named(grown)) == 1
    grown.extend([(3050, rows(3050, 3100))])
    assert named(grown) == []


@pytest.mark.parametrize("how", ["empty", "a byte"])
def test_a_damaged_note_of_what_was_lost_is_named_until_the_loss_is_accepted(grown, how):
    lose_the_tail(grown)
    note = grown.path / "lost.json"
    content = note.read_bytes()
    note.write_bytes(b"" if how == "empty" else content.replace(b'"n_test": 3100', b'"n_test": 3000'))
    for _ in range(2):
        (message,) = named(grown)
        assert message.startswith("The note of what the archive has lost is damaged") and "lost.json" in message
        grown.rebuild_index()
    grown.close()
    (grown.path / "tail.db").unlink(missing_ok=True)
    grown.extend([(3000, rows(3000, 3100))])
    lose_the_tail(grown)  # once more, which is noted anew
    assert len(named(grown)) == 2
    grown.accept_losses()
    assert named(grown) == []


def test_every_flipped_bit_of_the_note_of_what_was_lost_is_named(grown):
    lose_the_tail(grown)
    note = grown.path / "lost.json"
    content, losses = note.read_bytes(), Losses(note)
    expected = losses.read()
    for place in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        note.write_bytes(bytes(flipped))
        assert losses.damage() == note or losses.read() == expected, place


def test_a_note_of_an_earlier_release_is_read(grown):
    lose_the_tail(grown)
    note = grown.path / "lost.json"
    note.write_text(json.dumps(json.loads(note.read_text())["lost"]))
    (message,) = named(grown)
    assert "3,100 samples" in message


@pytest.mark.parametrize("how", ["accepted", "removed", "restored"])
def test_the_user_decides_on_what_was_lost(grown, how, monkeypatch):
    grown.close()
    shutil.copy(grown.path / "tail.db", grown.path.parent / "backup")
    lose_the_tail(grown)
    assert len(named(grown)) == 1
    if how == "accepted":
        monkeypatch.setenv("WORKBENCH_HOME", str(grown.path.parent))
        monkeypatch.chdir(grown.path.parent)
        assert "has lost what came last" in CliRunner().invoke(app, ["doctor"]).stdout
        assert "has lost what came last" not in CliRunner().invoke(app, ["doctor", "--accept-loss"]).stdout
    elif how == "removed":
        grown.remove(["X-1"])
    else:
        grown.close()
        shutil.copy(grown.path.parent / "backup", grown.path / "tail.db")
        grown.rebuild_index()
        assert grown.info("X-1").n_test == 3100
    assert named(grown) == []
    assert not (grown.path / "lost.json").exists() or how == "restored"


def test_labels_and_whole_channels_that_are_lost_are_named(grown):
    grown.seal()
    grown.set_labels("X-2", pd.DataFrame({"start": [5], "end": [9], "kind": ["point"]}))
    grown.write(*(wave_channel("Y-1", n).assign_attrs(asset="YVES") for n in (1200, 2000)))
    grown.close()
    for folder in segments(grown, "Y-1"):
        shutil.rmtree(folder)
    lose_the_tail(grown)
    messages = " ".join(named(grown))
    assert "X-2 has lost what came last: its test series had 3,000 samples and 1 label" in messages
    assert "Y-1 has lost what came last: its test series had 2,000 samples until" in messages
    assert "it is gone" in messages and "X-1" not in messages


def test_a_channel_that_was_removed_is_no_loss(grown):
    grown.remove(["X-1"])
    grown.rebuild_index()
    assert named(grown) == []


def test_a_delivery_that_is_stored_is_no_error_where_its_files_cannot_be_put_in_order(grown, monkeypatch, caplog):
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(publishing, "_SEALED_ROWS", 10)
    monkeypatch.setattr(publishing, "write_segment", full)
    labels = pd.DataFrame({"start": [7], "end": [8], "kind": ["point"]})
    longer = wave_channel("X-1", 3200, 1)
    assert np.array_equal(longer["commands"].values[:3100], WHOLE["commands"].values)
    grown.extend([(3000, longer.isel(time=slice(3000, 3200)))])
    assert "is stored, but its files could not be put in order: No space left on device" in caplog.text
    assert "Nothing was changed" not in caplog.text
    assert Archive(grown.path).info("X-1").n_test == 3200
    grown.set_labels("X-1", labels)
    with pytest.raises(ArchiveError, match=r"No space left on device.* Nothing was changed"):
        grown.write(wave_channel("X-1"), wave_channel("X-1", 500, 5))
    monkeypatch.undo()
    grown.tidy()
    Archive(grown.path).check_deeply("X-1", "test")


def test_a_chunk_that_goes_while_its_group_is_open_is_named(tiny_archive):
    opened = tiny_archive.open("X-1")
    assert np.abs(opened["telemetry"].values).max() > 0
    file_of(tiny_archive, "X-1", "test/telemetry/c").unlink()
    for dataset in (opened, tiny_archive.open("X-1")):
        with pytest.raises(ArchiveError, match=r"Channel X-1 is damaged: .*the chunk telemetry/c/.* is gone"):
            dataset["telemetry"].load()


def test_a_chunk_that_is_damaged_after_it_was_read_is_named(tiny_archive):
    opened = tiny_archive.open("X-1")
    assert np.abs(opened["telemetry"].values).max() > 0
    file = file_of(tiny_archive, "X-1", "test/telemetry/c")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    for dataset in (opened, tiny_archive.open("X-1"), tiny_archive.open("X-1", indexed=False)):
        with pytest.raises(ArchiveError, match="Channel X-1 is damaged"):
            dataset["telemetry"].load()
