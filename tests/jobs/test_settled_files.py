"""Files are complete when nobody writes them any more."""

import os
from pathlib import Path

from workbench.jobs.settled_files import SettledFiles, is_open_for_writing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def names(files: SettledFiles) -> list[str]:
    return [state.path.name for state in files.scan()]


def test_a_file_is_settled_when_it_has_stayed_the_same_for_a_while(tmp_path: Path) -> None:
    clock = Clock()
    files = SettledFiles(tmp_path, 2.0, [tmp_path / "rejected"], clock)
    for name in ("day-10.csv", "day-9.csv", ".hidden.csv", "a.csv.part", "b.tmp", "c.csv~"):
        (tmp_path / name).write_text("time,a\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "rejected").mkdir()
    (tmp_path / "rejected" / "d.csv").write_text("x")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "e.csv").write_text("x")
    assert names(files) == [] and files.unsettled == 3
    clock.now = 1.9
    assert names(files) == []
    clock.now = 2.0
    assert names(files) == ["e.csv", "day-9.csv", "day-10.csv"], "in the natural order of their paths"
    assert files.unsettled == 0
    with (tmp_path / "day-9.csv").open("a") as file:
        file.write("2024-03-01,1\n")
    assert names(files) == ["e.csv", "day-10.csv"]
    clock.now = 3.0
    (tmp_path / "new").write_text("renamed over it")
    os.utime(tmp_path / "new", ns=(0, (tmp_path / "day-10.csv").stat().st_mtime_ns))
    os.replace(tmp_path / "new", tmp_path / "day-10.csv")
    assert names(files) == ["e.csv"], "another file of the same name"
    clock.now = 5.0
    assert names(files) == ["e.csv", "day-9.csv", "day-10.csv"]


def test_a_file_that_a_process_has_open_for_writing_is_left_alone(tmp_path: Path) -> None:
    clock = Clock()
    files = SettledFiles(tmp_path, 0.0, (), clock)
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("time,a\n")
        file.flush()
        if not is_open_for_writing(path):  # a file system that grants leases to anybody
            return
        assert names(files) == [] and files.unsettled == 1
        clock.now = 3600.0
        assert names(files) == [], "however long it has not grown"
    assert names(files) == ["a.csv"]
    with path.open() as reader:
        reader.read()
        assert not is_open_for_writing(path), "a reader does not matter"
    assert not is_open_for_writing(tmp_path / "nowhere")
