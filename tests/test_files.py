"""Folders that are removed while somebody writes into them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.compute import Compute, map_channels
from workbench.files import remove_folder
from workbench.telemetry.archiving.staging import StagingArea


def before_a_folder_goes(monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]) -> list[Path]:
    """Let somebody write once when a folder has been emptied, and is about to be removed."""
    remove = os.rmdir
    written: list[Path] = []

    def rmdir(folder, **options):
        if not written:
            written.append(Path(folder))
            write(Path(folder))
        remove(folder, **options)

    monkeypatch.setattr(os, "rmdir", rmdir)
    return written


def write_note(folder: Path) -> None:
    try:
        (folder / "note").write_text("begin P-1\n")
    except FileNotFoundError:
        return


def test_journals_go_though_a_worker_is_writing_a_note(tmp_path, monkeypatch):
    work = map_channels(len, ["a", "b"], compute=Compute(processes=2), notes=tmp_path)
    assert next(work) in [("a", 1), ("b", 1)]
    (folder,) = tmp_path.iterdir()
    written = before_a_folder_goes(monkeypatch, lambda _: write_note(folder))
    work.close()
    assert written
    assert list(tmp_path.iterdir()) == []


def test_a_staging_folder_goes_though_a_worker_is_staging_a_score(tmp_path, monkeypatch):
    area = StagingArea(tmp_path / "staging")
    folder = area.root / area.own()
    written = before_a_folder_goes(monkeypatch, lambda _: write_note(folder))
    del area
    assert written
    assert list(tmp_path.iterdir()) == []


def test_a_folder_goes_though_a_file_was_just_being_made_when_it_was_renamed(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    written = before_a_folder_goes(monkeypatch, write_note)
    remove_folder(tmp_path / "folder")
    assert written
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_no_error(tmp_path):
    remove_folder(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
