"""Mosquitto's configuration: what loses messages in silence is found."""

import os
import pwd
from pathlib import Path

import pytest

from workbench.jobs.mosquitto import mosquitto_faults

OTHER = next(one.pw_name for one in pwd.getpwall() if one.pw_uid not in (0, os.geteuid()))


def configured(folder: Path, *lines: str) -> Path:
    """A configuration whose own part lies in the folder that it includes, as Debian's does."""
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "own.conf").write_text("\n".join(lines) + "\n")
    file = folder / "mosquitto.conf"
    file.write_text(f"# first\npersistence true\ninclude_dir {folder}/conf.d\n")
    return file


def test_nothing_is_wrong_where_there_is_none_or_all_is_kept(tmp_path: Path) -> None:
    assert mosquitto_faults(tmp_path / "mosquitto.conf") == []
    keep = tmp_path / "keep"
    keep.mkdir(mode=0o700)
    own = pwd.getpwuid(os.geteuid()).pw_name
    file = configured(tmp_path, f"persistence_location {keep}/", f"user {own}", "max_queued_messages 0")
    assert mosquitto_faults(file) == []


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o757 & ~0o001])
def test_a_folder_that_its_user_cannot_write_is_found(tmp_path: Path, mode: int) -> None:
    keep = tmp_path / "keep"
    keep.mkdir()
    keep.chmod(mode)
    file = configured(tmp_path, f"persistence_location {keep}/", f"user {OTHER}", "max_queued_messages 0")
    ((words, fix),) = mosquitto_faults(file)
    assert f"as {OTHER}, cannot write to {keep}" in words
    assert fix.startswith(f"chown {OTHER} ")
    keep.chmod(0o757)
    assert mosquitto_faults(file) == []


def test_what_else_loses_messages(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    file = configured(tmp_path, f"persistence_location {gone}", "max_queued_messages 100")
    words = [words for words, _ in mosquitto_faults(file)]
    assert [("does not exist" in words[0]), ("no more than 100 messages" in words[1])] == [True, True]
    file.write_text("persistence false\n")
    ((words_, fix),) = mosquitto_faults(file)
    assert "does not keep" in words_
    assert fix.endswith("persistence true")
