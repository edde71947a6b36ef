"""Text files as programs and loggers write them: which line is the header, what stands around the data."""

import re
from pathlib import Path

import numpy as np
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table
from workbench.telemetry.importers.formats.files import read_raw
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading

ROWS = [f"2024-03-01 10:{minute:02}:00" for minute in range(20)]


def read(tmp_path: Path, content: str | bytes, **options: object) -> RawTable:
    file = tmp_path / "pump.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_raw(file, "csv", Reading.of(options))


def data(separator: str = ",", end: str = "") -> str:
    return "".join(f"{time}{separator}{n}{separator}{2 * n}{end}\n" for n, time in enumerate(ROWS))


PLAIN = "time,temp,press\n" + data()

HEADERS = {
    "plain": PLAIN,
    "preamble of the same width": "Logger,X200,\nSerial,4711,\nTime,Temp,Press\n" + data(),
    "preamble of two fields": "Logger,X200\nSerial,4711\nTime,Temp,Press\n" + data(),
    "preamble of free text": "Report of pump 7\n\nExported on 2024-03-02, by hand\nTime,Temp,Press\n" + data(),
    "preamble of many lines": "".join(f"Setting {n},{n}\n" for n in range(90)) + "Time,Temp,Press\n" + data(),
    "comments": "# a\n# b\ntime,temp,press\n" + data(),
    "header in a comment": "# site 7\n# time,temp,press\n" + data(),
    "separator named": "sep=,\ntime,temp,press\n" + data(),
    "empty columns at the end": "time,temp,press,,\n" + data(end=",,"),
    "separators at the end of the data alone": "time,temp,press\n" + data(end=","),
    "separators at the end of the header alone": "time,temp,press,,\n" + data(),
    "empty lines": PLAIN.replace("\n", "\n\n"),
    "old line ends": PLAIN.replace("\n", "\r"),
    "spaces before quotes": re.sub(r",([^,\n]*)", r', "\1"', PLAIN),
    "footer": PLAIN + "Total,190,380\nend of data\n",
    "header again": PLAIN + PLAIN.replace("2024", "2025"),
    "comments inside": PLAIN + "# restart\n# a,b,c\n" + data().replace("2024", "2025"),
}


@pytest.mark.parametrize("way", HEADERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_header_is_found(tmp_path: Path, way: str, encoding: str) -> None:
    raw = read(tmp_path, HEADERS[way].encode(encoding))
    names = [name.lower() for name in raw.frame.columns if not raw.frame[name].isna().all()]
    assert names == ["time", "temp", "press"]
    times = raw.frame.iloc[:, 0].astype(str)
    assert times[:20].tolist() == ROWS
    assert raw.frame.iloc[:20, 2].astype(float).tolist() == [2 * n for n in range(20)]
    samples = times[times.str.startswith("20")]
    assert len(samples) == (40 if way in ("header again", "comments inside") else 20)
    assert raw.rows_dropped == 0


def test_what_is_above_and_between_is_told(tmp_path: Path) -> None:
    assert (
        "column names taken from line 3, 2 lines above left out"
        in read(tmp_path, HEADERS["preamble of the same width"]).notes[0]
    )
    assert read(tmp_path, HEADERS["header again"]).notes == ("1 repeated header line left out",)
    assert read(tmp_path, HEADERS["comments inside"]).notes == ("2 comment lines among the rows left out",)
    assert read(tmp_path, PLAIN).notes == ()


TOA5 = """"TOA5","CR1000X","CR1000X","12345","CR1000X.Std.05.01","CPU:pump.CR1X","1234","Table1"
"TIMESTAMP","RECORD","BattV_Min","AirTC_Avg"
"TS","RN","Volts","Deg C"
"","","Min","Avg"
""" + "".join(f'"{time}",{n},12.5,{n}.25\n' for n, time in enumerate(ROWS))


def test_the_four_lines_above_the_data_of_a_logger(tmp_path: Path) -> None:
    raw = read(tmp_path, TOA5)
    assert list(raw.frame.columns) == ["TIMESTAMP", "RECORD", "BattV_Min", "AirTC_Avg"]
    assert raw.units == {"BattV_Min": "Volts", "AirTC_Avg": "Deg C"}
    assert len(raw.frame) == 20
    archive = Archive(tmp_path / "archive.zarr")
    import_table(tmp_path / "pump.csv", archive)
    assert archive.info("AirTC_Avg").units == "Deg C"


@pytest.mark.parametrize("line", ["yyyy-mm-dd HH:MM:SS,°C,bar", ",[°C],[bar]", "-,(°C),(bar)", "[-],degC,mbar"])
def test_a_line_of_units_below_the_names(tmp_path: Path, line: str) -> None:
    raw = read(tmp_path, f"time,temp,press\n{line}\n{data()}")
    units = [cell.strip("[]()") for cell in line.split(",")[1:]]
    assert [raw.units[name] for name in ("temp", "press")] == units
    assert len(raw.frame) == 20


def test_the_header_may_be_chosen(tmp_path: Path) -> None:
    content = "a,b,c\nTime,Temp,Press\nx,y,z\n" + data()
    for line, names in ((1, ["a", "b", "c"]), (2, ["Time", "Temp", "Press"])):
        assert list(read(tmp_path, content, header_row=line).frame.columns) == names
    assert list(read(tmp_path, content, skip_rows=1, header_row=2).frame.columns) == ["Time", "Temp", "Press"]
    raw = read(tmp_path, "any,thing\n1,2,3\n" + PLAIN, skip_rows=2)
    assert (list(raw.frame.columns), len(raw.frame)) == (["time", "temp", "press"], 20)
    with pytest.raises(ImportDataError, match=r"first line holds values.*--header-row 0"):
        read(tmp_path, data())
    raw = read(tmp_path, data(), header_row=0)
    assert (list(raw.frame.columns), len(raw.frame)) == (["column 1", "column 2", "column 3"], 20)
    raw = read(tmp_path, PLAIN, header_row=0)
    assert len(raw.frame) == 20


@pytest.mark.parametrize(
    ("name", "separator"), [("tab", "\t"), ("semicolon", ";"), ("pipe", "|"), ("space", " "), ("~", "~")]
)
def test_the_separator_may_be_chosen(tmp_path: Path, name: str, separator: str) -> None:
    content = PLAIN.replace(" ", "T").replace(",", separator)
    raw = read(tmp_path, content, separator=name)
    assert (list(raw.frame.columns), len(raw.frame)) == (["time", "temp", "press"], 20)


def test_spaces_in_every_line_separate_nothing_where_another_mark_does(tmp_path: Path) -> None:
    rows = "".join(f"{time}|{n},5 °C|{n}\n" for n, time in enumerate(ROWS))
    raw = read(tmp_path, f"Logger X200\ntime|x|y\n{rows}end of data\n")
    assert list(raw.frame.columns) == ["time", "x", "y"]


def test_columns_between_any_number_of_spaces(tmp_path: Path) -> None:
    lines = ["time   temp  press", *(f"  {1709287200 + n}  {n}    {2 * n}  " for n in range(20))]
    raw = read(tmp_path, "\n".join(lines) + "\n")
    assert raw.frame["press"].astype(int).tolist() == [2 * n for n in range(20)]


def test_short_and_long_lines_keep_their_place(tmp_path: Path) -> None:
    lines = PLAIN.splitlines()
    lines[3], lines[7], lines[9] = lines[3].rpartition(",")[0], lines[7] + ",,,", lines[9] + ",9"
    raw = read(tmp_path, "\n".join(lines) + "\n")
    assert raw.rows_dropped == 1
    assert raw.frame["time"].tolist() == ROWS[:8] + ROWS[9:]
    assert raw.frame["temp"].astype(int).tolist() == [n for n in range(20) if n != 8]
    expected = [np.nan if n == 2 else 2 * n for n in range(20) if n != 8]
    np.testing.assert_array_equal(raw.frame["press"].astype(float), expected)


def test_many_short_lines_keep_their_place(tmp_path: Path) -> None:
    lines = [f"{n},{n}" if n % 2 else f"{n},{n},{n}" for n in range(4001)]
    raw = read(tmp_path, "time,a,b\n" + "\n".join(lines) + "\n")
    assert raw.frame["a"].astype(int).tolist() == list(range(4001))
    assert raw.frame["b"].notna().tolist() == [n % 2 == 0 for n in range(4001)]


def test_line_ends_in_quotes_and_quotes_that_are_not_closed(tmp_path: Path) -> None:
    raw = read(tmp_path, PLAIN.replace("temp", '"temp\n[K]"').replace(":00,3,", ':00,"3",').replace("press", "note"))
    assert len(raw.frame) == 20
    quoted = "time,note,temp\n" + "".join(f'{time},"a\nb",{n}\n' for n, time in enumerate(ROWS))
    assert read(tmp_path, quoted).frame["note"].tolist() == ["a\nb"] * 20
    with pytest.raises(ImportDataError, match="quotation mark is not closed"):
        read(tmp_path, quoted.replace('"a\nb"', "a") + '2024-03-02,"b,5\n2024-03-03,b,5\n')


def test_columns_without_names_and_with_equal_ones(tmp_path: Path) -> None:
    raw = read(tmp_path, "time,,a,a,,a\n" + "".join(f"{time},1,2,3,4,5\n" for time in ROWS))
    assert list(raw.frame.columns) == ["time", "unnamed 2", "a", "a.1", "unnamed 5", "a.2"]


def test_a_separator_that_only_the_rest_of_the_file_shows(tmp_path: Path) -> None:
    head = "time;temp\n" + "".join(f"2024-03-01 10:{n // 60:02}:{n % 60:02};{n}\n" for n in range(600))
    tail = "".join(f"2024-03-02 10:{n // 60:02}:{n % 60:02};{n},5\n" for n in range(600))
    raw = read(tmp_path, head + tail)
    assert raw.marks.decimal == ","
    assert len(raw.frame) == 1200


def test_a_table_of_too_many_columns_is_refused(tmp_path: Path) -> None:
    wide = "time," + ",".join(f"s{n}" for n in range(1_000_000)) + "\n"
    with pytest.raises(ImportDataError, match="1,000,001 columns; at most 20,000"):
        read(tmp_path, wide)
    with pytest.raises(ImportDataError, match="field of more than 131,072 characters"):
        read(tmp_path, PLAIN + f"2025-01-01,1,{'x' * 200_000}\n")


TITLES = {
    "two words": "Logger XR-7\n{rows}",
    "two words, and a line apart": "Logger XR-7\nSerial number: 4711\n\n{rows}",
    "two words of many": "Made by a logger\nLogger XR-7\n{rows}",
    "a comment": "# made by a logger\n# serial 4711\n{rows}",
    "a comment without a number": "# made by a logger\n# wind park\n{rows}",
    "two fields": "Logger,XR-7\nSite,north\n{rows}",
    "two fields, and a line apart": "Logger,XR-7\nSerial number: 4711\n\n{rows}",
}


@pytest.mark.parametrize("way", TITLES)
def test_a_title_is_no_line_of_names(tmp_path: Path, way: str) -> None:
    """Its words are as many as the fields by chance: a channel must not be called XR-7."""
    separator = "," if "fields" in way else " "
    rows = "".join(f"{time.replace(' ', 'T')}{separator}{n}.5\n" for n, time in enumerate(ROWS))
    content = TITLES[way].format(rows=rows)
    with pytest.raises(ImportDataError, match="--header-row 0"):
        read(tmp_path, content)
    told = read(tmp_path, content, header_row=0)
    assert told.frame.columns.tolist() == ["column 1", "column 2"]
    assert told.frame["column 2"].tolist() == [f"{n}.5" for n in range(20)]
    line = next(n for n, text in enumerate(content.split("\n"), 1) if len(text.strip("# ").split(separator)) == 2)
    assert read(tmp_path, content, header_row=line).frame.shape[1] == 2


@pytest.mark.parametrize("name", ["time", "Datum", "Čas", "时间", "YYYYMMDD_time", "Messzeitpunkt"])
def test_two_words_with_a_time_are_names(tmp_path: Path, name: str) -> None:
    rows = "".join(f"{time.replace(' ', 'T')} {n}\n" for n, time in enumerate(ROWS))
    for before in ("", "Logger XR-7\n", "# made by a logger\n"):
        assert read(tmp_path, f"{before}{name} temp\n{rows}").frame.columns.tolist() == [name, "temp"]
    assert read(tmp_path, f"# {name} temp\n{rows}").frame.columns.tolist() == [name, "temp"]


def test_the_only_line_of_names_between_commas_may_call_times_anything(tmp_path: Path) -> None:
    rows = "".join(f"{time},{n}\n" for n, time in enumerate(ROWS))
    assert read(tmp_path, f"Report of pump 7\nkuupaev,temp\n{rows}").frame.columns.tolist() == ["kuupaev", "temp"]
