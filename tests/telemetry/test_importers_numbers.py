"""Numbers as people write them: the whole file decides on their marks, or the file is refused with both readings."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.cells import far_off_value, state_numbers, without_missing, without_unit
from workbench.telemetry.importers.formats.files import read_raw
from workbench.telemetry.importers.formats.number_marks import NumberMarks, numbers_in
from workbench.telemetry.importers.reading import Reading


def text(values: list, header: str = "time,load", separator: str = ",", more: list | None = None) -> str:
    lines = [header.replace(",", separator)]
    for number, value in enumerate(values):
        cells = [f"2024-03-01 {10 + number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}", str(value)]
        lines.append(separator.join(cells + ([str(more[number])] if more else [])))
    return "\n".join(lines) + "\n"


def columns(tmp_path: Path, content: str, **options: object) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    file = tmp_path / "pump.csv"
    file.write_text(content, newline="")
    raw = read_raw(file, "csv", Reading.of(options))
    read = {str(name): numbers_in(raw.frame[name], raw.marks) for name in raw.frame.columns}
    return {name: values[0] for name, values in read.items() if values is not None}, raw.notes


def grouped(numbers: range, mark: str = ",") -> list[str]:
    return [f"{number:,}".replace(",", mark) for number in numbers]


def test_thousands_late_in_the_file_are_thousands(tmp_path: Path) -> None:
    content = text([f'"{one}"' for one in grouped(range(600, 1050))])
    read, notes = columns(tmp_path, content)
    np.testing.assert_array_equal(read["load"], np.arange(600, 1050))
    assert any("1,000 in load read as 1000" in note and "--decimal ','" in note for note in notes)
    read, _ = columns(tmp_path, content.replace('"1,049"', '"1,049.5"'))
    assert read["load"][-2:].tolist() == [1048, 1049.5]


@pytest.mark.parametrize(("mark", "ratio"), [(",", "0.5"), (".", "0,5")])
def test_another_column_shows_which_mark_is_the_decimal_one(tmp_path: Path, mark: str, ratio: str) -> None:
    content = text(grouped(range(990, 1010), mark), "time,load,ratio", "\t", [ratio] * 20)
    read, notes = columns(tmp_path, content)
    np.testing.assert_array_equal(read["load"], np.arange(990, 1010))
    np.testing.assert_array_equal(read["ratio"], np.full(20, 0.5))
    assert "in ratio" in notes[0]


@pytest.mark.parametrize(
    ("values", "separator", "options", "expected"),
    [
        (["1,480", "1,495", "1,502"], ";", {"thousands": ","}, [1480, 1495, 1502]),
        (["1,480", "1,495", "1,502"], ";", {"decimal": ","}, [1.48, 1.495, 1.502]),
        (["1.480", "1.495", "1.502"], "\t", {"thousands": "."}, [1480, 1495, 1502]),
        (["1.480", "1.495", "1.502"], "\t", {"decimal": "."}, [1.48, 1.495, 1.502]),
        (["1,480", "0", "1,502"], ";", {"thousands": ","}, [1480, 0, 1502]),
        (['"1,480"', '"1,495"'], ",", {"thousands": "none"}, [1.48, 1.495]),
    ],
)
def test_where_nothing_decides_both_readings_are_named(tmp_path, values, separator, options, expected) -> None:
    content = text(values, separator=separator)
    with pytest.raises(
        ImportDataError, match=r"'load' holds 1.480, which may be 1480 or 1\.480.*--thousands.*--decimal"
    ):
        columns(tmp_path, content)
    assert columns(tmp_path, content, **options)[0]["load"].tolist() == expected


@pytest.mark.parametrize(
    ("values", "separator", "expected"),
    [
        (["1,480", "0,495"], ";", [1.48, 0.495]),
        (["1,480", "1480,5"], ";", [1.48, 1480.5]),
        (["1.480", "1.495"], ",", [1.48, 1.495]),
        (["1.234,5", "7"], ";", [1234.5, 7]),
        (["1,234,567", "7"], ";", [1234567, 7]),
        (["1 234,5", "7,5"], ";", [1234.5, 7.5]),
        (["1'234.5", "999.25"], ";", [1234.5, 999.25]),
        (["1\u202f234", "1\u00a0234.5"], ";", [1234, 1234.5]),
        (["+5", "\u22123"], ",", [5, -3]),
        (["1.5E+03", "1e-3"], ",", [1500, 0.001]),
        (["1,5e3", "2,5"], ";", [1500, 2.5]),
        (["1.000", "1.000", *map(str, range(1500, 1510))], "\t", [1, 1, *range(1500, 1510)]),
    ],
)
def test_numbers_that_can_be_read_in_one_way(tmp_path, values, separator, expected) -> None:
    assert columns(tmp_path, text(values, separator=separator))[0]["load"].tolist() == expected


def test_each_column_may_have_its_own_decimal_mark(tmp_path: Path) -> None:
    read, _ = columns(tmp_path, text(["1.5", "2.25"], "time,load,flow", ";", ["0,5", "1,500"]))
    assert (read["load"].tolist(), read["flow"].tolist()) == ([1.5, 2.25], [0.5, 1.5])


@pytest.mark.parametrize("word", ["0x10", "(5)", "<0.1", "1_000", "1,00,000", "12:30"])
def test_what_is_no_number_is_counted(word: str) -> None:
    values, unreadable = numbers_in(pd.Series(["1", word, "3"])) or (None, None)
    np.testing.assert_array_equal(values, [1, np.nan, 3])
    assert unreadable == 1


def test_words_of_truth_are_numbers_with_gaps_too() -> None:
    for gap in (None, np.nan, "", " "):
        values, unreadable = numbers_in(pd.Series(["True", gap, "false"])) or (None, None)
        np.testing.assert_array_equal(values, [1, np.nan, 0])
        assert unreadable == 0
    assert numbers_in(pd.Series(["on", "off"])) is None


def test_units_behind_numbers_become_the_unit_of_the_column(tmp_path: Path) -> None:
    content = text(["12.3 °C", "12.4 °C", ""], "time,temp,valve", ",", ["45 %", "45%", "46.5 %"])
    read, _ = columns(tmp_path, content)
    np.testing.assert_array_equal(read["temp"], [12.3, 12.4, np.nan])
    np.testing.assert_array_equal(read["valve"], [45, 45, 46.5])
    assert read_raw(tmp_path / "pump.csv", "csv", Reading()).units == {"temp": "°C", "valve": "%"}
    for values in (["5 kW", "300 W"], ["2 pumps", "3 pumps"], ["1st", "2nd"]):
        assert without_unit(pd.Series(values)) is None


def test_states_are_numbers_where_the_column_is_asked_for(tmp_path: Path) -> None:
    content = text(["on", "off", "", "ON"], "time,valve,temp", ",", [1, 2, 3, 4])
    assert "valve" not in columns(tmp_path, content)[0]
    read, notes = columns(tmp_path, content, columns=["valve"])
    np.testing.assert_array_equal(read["valve"], [1, 0, np.nan, 1])
    assert "valve: on read as 1, off as 0" in notes
    assert state_numbers(pd.Series(["auto", "manual"])) is None


def test_values_that_mean_none_are_missing_where_they_are_named(tmp_path: Path) -> None:
    values = ["-9999", "20.1", "20.2", "20.3", "20.4", "-9999.0", "20.6", "bad"]
    read, notes = columns(tmp_path, text(values))
    assert read["load"][[0, 5]].tolist() == [-9999, -9999]
    assert any("-9999 recurs in load" in note and "--missing -9999" in note for note in notes)
    read, notes = columns(tmp_path, text(values), missing=["-9999", "bad"])
    np.testing.assert_array_equal(read["load"], [np.nan, 20.1, 20.2, 20.3, 20.4, np.nan, 20.6, np.nan])
    assert notes == ()
    typed = without_missing(pd.Series([1.0, -200.0]), ["-200"], NumberMarks())
    assert typed.isna().tolist() == [False, True]


@pytest.mark.parametrize("value", [-200, -999.25, 6553.5, 32767, 1e7, -5e6])
def test_a_far_off_value_that_recurs_is_found(value: float) -> None:
    wave = 50 + 10 * np.sin(np.arange(100.0))
    assert far_off_value(wave) is None
    assert far_off_value(np.append(wave, value)) is None, "once is no habit"
    assert far_off_value(np.append(wave, [value, value])) == (value, 2)
    assert far_off_value(np.append(wave, [80, 80])) is None
    assert far_off_value(np.array([0.0, 1, 1, 0, 1, 100, 100])) is None
    assert far_off_value(np.append(wave, [value, value, np.finfo(float).max])) is None, "an infinite range"
    early = far_off_value(np.append(wave, [value] * 900))
    assert early == ((value, 900) if abs(value) < 1e6 else None), "a sensor that fails early writes it most of the time"


def test_integers_that_a_float_cannot_hold_are_told(tmp_path: Path) -> None:
    _, notes = columns(tmp_path, text([2**53, 2**53 + 1, 2**53 + 2]))
    assert notes == ("load: 1 integer beyond 2^53 rounded to 16 digits",)
    stamps = "epoch,a\n1710331200000000001,1\n1710331200000000003,2\n"
    assert columns(tmp_path, stamps)[1] == ()
