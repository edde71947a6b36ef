"""Files whose last line has no line end: it may be cut, or be whole."""

from pathlib import Path

import numpy as np
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import ImportReport, import_table
from workbench.telemetry.importers.splitting import split_channels

VALUES = [f"{7.9 + 0.031 * n:.3f}" for n in range(20)]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def lines(count: int, last: str = "", *, header: str = "time,speed,temp", speed: str = "1") -> str:
    """Return a header and lines of VALUES with line ends, and the beginning of one more line."""
    rows = [f"2024-03-01 10:{minute:02d}:00,{speed},{VALUES[minute]}\n" for minute in range(count)]
    return f"{header}\n{''.join(rows)}{last}"


def add(tmp_path: Path, archive: Archive, text: str, encoding: str = "utf-8", **options: object) -> ImportReport:
    file = tmp_path / "pump.csv"
    file.write_bytes(text.encode(encoding))
    return import_table(file, archive, **options)


def stored(archive: Archive, channel: str = "temp") -> list[float]:
    parts = [archive.open(channel, split)["telemetry"].values for split in ("train", "test")]
    return np.concatenate(parts).round(3).tolist()


def expected(count: int) -> list[float]:
    return np.array(VALUES[:count], dtype=np.float32).round(3).tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_number_that_was_cut_gives_way_to_the_whole_one(tmp_path, archive, encoding, end):
    add(tmp_path, archive, lines(10, f"2024-03-01 10:10:00,1,{VALUES[10][:3]}"), encoding)
    report = add(tmp_path, archive, lines(10, f"2024-03-01 10:10:00,1,{VALUES[10]}{end}"), encoding)
    assert stored(archive) == expected(11)
    (note,) = [row.note for row in report.channels if row.channel == "temp"]
    assert "2024-03-01 10:10:00 UTC, was cut: 8.21 in place of 8.2" in note
    assert len(stored(archive, "speed")) == 11


def test_a_file_without_a_last_line_end_loses_nothing(tmp_path, archive):
    report = add(tmp_path, archive, lines(20)[:-1])
    assert stored(archive) == expected(20)
    notes = {row.channel: row.note for row in report.channels}
    assert "ends without a line end" in notes["temp"]
    assert "line end" not in notes["speed"]
    assert {row.status for row in add(tmp_path, archive, lines(20)).channels} == {"unchanged"}


def test_only_the_last_value_gives_way(tmp_path, archive):
    text = lines(20)[:-1]
    add(tmp_path, archive, text)
    with pytest.raises(ImportDataError, match=r"contradicts temp of the archive in 1 sample, .* --on-conflict keep"):
        add(tmp_path, archive, text.replace(VALUES[18], "99.000"))
    with pytest.raises(ImportDataError, match="contradicts speed"):
        add(tmp_path, archive, text.replace(f"1,{VALUES[19]}", f"2,{VALUES[19]}"))
    add(tmp_path, archive, lines(20), on_conflict=None)
    assert stored(archive) == expected(20)


@pytest.mark.parametrize("order", ["cut first", "whole first", "together"])
def test_the_order_does_not_matter(tmp_path, archive, order):
    cut, whole = tmp_path / "cut.csv", tmp_path / "whole.csv"
    cut.write_text(lines(10, f"2024-03-01 10:10:00,1,{VALUES[10][:3]}"))
    whole.write_text(lines(15))
    for files in {"cut first": ([cut], [whole]), "whole first": ([whole], [cut]), "together": ([cut, whole],)}[order]:
        report = import_table(files, archive, asset="pump")
        assert report.failures == {}
    assert stored(archive) == expected(15)


def test_a_file_that_grows_is_cut_again_and_again(tmp_path, archive):
    whole = lines(20)
    first = len(lines(10))
    for end in range(first, len(whole) + 1, 3):
        add(tmp_path, archive, whole[:end])
    add(tmp_path, archive, whole)
    assert stored(archive) == expected(20)
    assert stored(archive, "speed") == [1.0] * 20


@pytest.mark.parametrize("last", ["2024-03-01 10:1", "2024-03-01 10:10:00,", "2024-03-01 10:10:00,1", "2"])
def test_a_line_that_lacks_columns_is_left_out(tmp_path, archive, last):
    report = add(tmp_path, archive, lines(10, last))
    assert stored(archive) == expected(10)
    assert all("the last line has no line end and may be cut: left out" in row.note for row in report.channels)
    assert {row.repairs["rows_dropped"] for row in report.channels} == {1}


def test_a_time_an_input_or_a_label_that_may_be_cut_is_left_out(tmp_path, archive):
    rows = [f"{VALUES[minute]},2024-03-01 10:{minute:02d}:00" for minute in range(12)]
    add(tmp_path, archive, "temp,time\n" + "\n".join(rows)[:-3])
    assert stored(archive) == expected(11)
    add(tmp_path, archive, "temp,time\n" + "\n".join(rows))
    assert stored(archive) == expected(12), "a time that is as long as the one before is whole"
    words = [f"2024-03-01 10:{minute:02d}:00,{VALUES[minute]},off" for minute in range(12)]
    for option in ("inputs", "label_column"):
        other = Archive(tmp_path / option)
        value = ("mode",) if option == "inputs" else "mode"
        add(tmp_path, other, "time,temp,mode\n" + "\n".join(words)[:-1], **{option: value})
        assert stored(other) == expected(11)


def test_a_file_of_one_cut_line_says_so(tmp_path, archive):
    with pytest.raises(ImportDataError, match=r"no whole row.*when it is complete"):
        add(tmp_path, archive, lines(0, "2024-03-01 10:1"))


def test_a_split_keeps_in_mind_what_may_be_cut(tmp_path, archive):
    add(tmp_path, archive, lines(10, f"2024-03-01 10:10:00,1,{VALUES[10][:3]}"))
    split_channels(archive, ["temp", "speed"], start=None, end="2024-03-01 10:03")
    add(tmp_path, archive, lines(12))
    assert stored(archive) == expected(12)
