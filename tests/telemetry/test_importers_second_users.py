"""What the next users brought: workbooks of machines, states behind values, counters, options that mislead."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import ImportReport, import_table
from workbench.telemetry.importers.formats import limits
from workbench.telemetry.importers.formats.units import is_unit
from workbench.telemetry.importers.names import channel_names, name_and_units
from workbench.telemetry.unit_names import is_same_unit

N = 20
TIMES = pd.date_range("2024-05-01 10:00", periods=N, freq="5min")
TEXTS = [f"{time:%Y-%m-%d %H:%M}" for time in TIMES]
TEMP = np.arange(N) / 2 + 20


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def load(archive: Archive, content: str | bytes, name: str = "pump.csv", **options) -> ImportReport:
    file = archive.path.parent / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return import_table(file, archive, **options)


def values(archive: Archive, channel: str) -> list[float]:
    return [float(one) for part in ("train", "test") for one in archive.open(channel, part)["telemetry"].values]


def rows(*columns) -> str:
    """Return lines of the times and one field of each column."""
    return "".join(",".join(map(str, cells)) + "\n" for cells in zip(TEXTS, *columns, strict=True))


def notes(report: ImportReport) -> str:
    return "\n".join(row.note for row in report.channels)


def workbook(**sheets: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    with pd.ExcelWriter(stream, engine="xlsxwriter") as writer:
        for name, frame in sheets.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return stream.getvalue()


def sheet(shift: float) -> pd.DataFrame:
    return pd.DataFrame({"time": TIMES, "temp": TEMP + shift})


# ---- workbooks


def test_sheets_named_after_machines_are_assets(archive) -> None:
    report = load(archive, workbook(**{"Pump 1": sheet(0), "Pump 2": sheet(100)}), "plant.xlsx")
    assert {one: archive.info(one).asset for one in archive.channels()} == {
        "Pump 1.temp": "Pump 1",
        "Pump 2.temp": "Pump 2",
    }
    assert values(archive, "Pump 2.temp") == list(TEMP + 100)
    assert "--exclude sheet" in notes(report)


def test_sheets_of_machines_that_follow_each_other_are_not_joined(archive) -> None:
    later = sheet(100).assign(time=TIMES + pd.Timedelta("1D"))
    load(archive, workbook(North=sheet(0), South=later), "plant.xlsx")
    assert len(archive.channels()) == 2


@pytest.mark.parametrize(
    "names", [("Jan 2024", "Feb"), ("2024-05-01", "2024-05-02"), ("Sheet1", "Sheet2"), ("KW 1", "KW 2")]
)
def test_sheets_named_after_times_go_on(archive, names: tuple[str, str]) -> None:
    halves = [sheet(0).iloc[:9], sheet(0).iloc[9:]]
    load(archive, workbook(**dict(zip(names, halves, strict=True))), "plant.xlsx")
    assert values(archive, "temp") == list(TEMP)


@pytest.mark.parametrize(
    "cover",
    [
        pd.DataFrame({"Plant report": ["May 2024"]}),
        pd.DataFrame({"Project": ["Plant", "Date", "Rows"], "X": ["Y", "2024-05-01", "40"]}),
        pd.DataFrame({"Date": ["2024-05-01"], "Revision": [3]}),
        pd.DataFrame({"Date": pd.to_datetime(["2024-04-01", "2024-05-01"]), "Revision": [3, 4]}),
    ],
)
def test_a_cover_sheet_is_passed_over(archive, cover: pd.DataFrame) -> None:
    load(archive, workbook(Cover=cover, Data=sheet(0)), "plant.xlsx")
    assert values(archive, "temp") == list(TEMP)


def test_merged_cells_name_groups_of_columns(archive, tmp_path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "plant.xlsx", {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        page = book.add_worksheet()
        page.merge_range(0, 0, 0, 4, "Report of May")
        page.merge_range(1, 0, 2, 0, "Time")
        page.merge_range(1, 1, 1, 2, "Pump 1")
        page.merge_range(1, 3, 1, 4, "Pump 2")
        page.write_row(2, 1, ["temp", "load", "temp", "load"])
        for number, time in enumerate(TIMES):
            page.write_datetime(number + 3, 0, time.to_pydatetime())
            page.write_row(number + 3, 1, [TEMP[number], 1 + number, TEMP[number] + 100, 2 + number])
    import_table(tmp_path / "plant.xlsx", archive)
    assert archive.channels() == ["Pump 1 load", "Pump 1 temp", "Pump 2 load", "Pump 2 temp"]
    assert values(archive, "Pump 2 temp") == list(TEMP + 100)


def test_a_line_of_groups_above_the_names_counts_in_text_too(archive) -> None:
    content = ",Pump 1,,Pump 2,\ntime,temp,load,temp,load\n" + rows(TEMP, TEMP + 1, TEMP + 2, TEMP + 3)
    load(archive, content)
    assert values(archive, "Pump 2 temp") == list(TEMP + 2)


# ---- values


def test_states_in_braces_stand_behind_values(archive) -> None:
    cells = [f"{one} °C {{ok}}" if place % 5 else f"{one} °C {{fault}}" for place, one in enumerate(TEMP)]
    report = load(archive, "Timestamp,AHU1_SAT\n" + rows(cells))
    assert np.isnan(values(archive, "AHU1_SAT")).tolist() == [place % 5 == 0 for place in range(N)]
    assert "4 values with the status fault taken as missing" in notes(report)
    assert archive.info("AHU1_SAT").units == "°C"


def test_a_status_beside_the_only_value_counts(archive) -> None:
    states = ["{ok}" if place % 5 else "{down}" for place in range(N)]
    load(archive, "Timestamp,Status,Value\n" + rows(states, TEMP))
    assert np.isnan(values(archive, "Value")).sum() == 4


@pytest.mark.parametrize("ends", ["\n", ""])
def test_values_of_each_type_are_one_column(archive, ends: str) -> None:
    lines = []
    for place, time in enumerate(TIMES):
        stamp = time.value // 10**6
        lines += [f"1,{place},,,192,{stamp}", f"2,,{TEMP[place]},,192,{stamp}", f"3,,,run,192,{stamp}"]
    content = "tagid,intvalue,floatvalue,stringvalue,dataintegrity,t_stamp\n" + "\n".join(lines) + ends
    load(archive, content)
    assert archive.channels() == ["tagid 1", "tagid 2"]
    assert values(archive, "tagid 1") == list(range(N))
    assert values(archive, "tagid 2") == list(TEMP)


@pytest.mark.parametrize("word", ["INF", "-INF", "Infinity", "1.#INF", "-inf"])
def test_an_infinite_value_is_missing(archive, word: str) -> None:
    cells = [word if place == 3 else one for place, one in enumerate(TEMP)]
    report = load(archive, "time,temp\n" + rows(cells))
    assert np.flatnonzero(np.isnan(values(archive, "temp"))).tolist() == [3]
    assert report.channels[0].repairs["unreadable_values"] == 1


def test_a_value_beyond_float32_names_the_option(archive) -> None:
    content = "time,temp\n" + rows([1e39 if place == 3 else one for place, one in enumerate(TEMP)])
    with pytest.raises(ImportDataError, match=r"'temp' is 1e\+39 in row 4.*--missing 1e\+39"):
        load(archive, content)
    load(archive, content, missing="1e+39")


@pytest.mark.parametrize(
    ("name", "first"), [("#", 1), ("RECORD", 100), ("No.", 0), ("Row", 1), ("Sample No", 7), ("序号", 1)]
)
def test_row_numbers_are_no_channel(archive, name: str, first: int) -> None:
    content = f"time,{name},temp\n" + rows(range(first, first + N), TEMP)
    assert "numbers the rows" in notes(load(archive, content))
    assert archive.channels() == ["temp"]


def test_a_counter_that_counts_something_else_is_a_channel(archive) -> None:
    load(archive, "time,parts,No.\n" + rows(range(N), np.arange(N) * 7 % 5))
    assert archive.channels() == ["No.", "parts"]


# ---- names and units


@pytest.mark.parametrize("place", ["L1", "T2", "V1", "m1", "N2"])
def test_a_place_or_a_phase_in_brackets_is_no_unit(place):
    assert name_and_units(f"Current ({place})") == (f"Current ({place})", "")
    assert not is_unit(place)


@pytest.mark.parametrize("unit", ["m3", "mm2", "m/s2", "kg/m3", "m3/h", "s-1", "m^2", "km²", "g2/Hz", "min-1", "W/m2"])
def test_a_power_in_brackets_is_a_unit(unit):
    assert name_and_units(f"Figure ({unit})") == ("Figure", unit)


def test_units_in_brackets_of_any_kind(archive) -> None:
    names = ["Power (kW)", "[°C] Temp", "flow (l/min)", "Temp (out)", "pos (in)"]
    load(archive, f"time,{','.join(names)}\n" + rows(*[TEMP] * 5))
    units = {one: archive.info(one).units for one in archive.channels()}
    assert units == {"Power": "kW", "Temp": "°C", "flow": "l/min", "Temp (out)": "", "pos (in)": ""}


def test_a_channel_of_an_earlier_release_keeps_the_unit_in_its_name() -> None:
    for present in ("Power (kW)", "pump.Power (kW)"):
        assert channel_names(["Power (kW)"], "pump", {present: "pump"})["Power (kW)"] == present


@pytest.mark.parametrize(
    ("unit", "other", "same"),
    [
        ("°C", "degC", True),
        ("°C", "Deg C", True),
        ("°C", "℃", True),
        ("ºC", "C", True),
        ("m³/h", "m3/h", True),
        ("µm", "um", True),
        ("rpm", "1/min", True),
        ("kW h", "kWh", True),
        ("°C", "°F", False),
        ("mW", "MW", False),
        ("bar", "mbar", False),
        ("K", "k", False),
    ],
)
def test_the_same_unit_in_another_form(unit: str, other: str, *, same: bool) -> None:
    assert is_same_unit(unit, other) is is_same_unit(other, unit) is same


def test_a_file_that_writes_the_unit_otherwise_goes_on(archive) -> None:
    load(archive, "time,temp [°C]\n" + rows(TEMP), asset="pump")
    later = "".join(f"2024-05-02 {10 + place // 12}:{5 * place % 60:02},{place}\n" for place in range(N))
    load(archive, "time,temp [degC]\n" + later, asset="pump")
    assert len(values(archive, "temp")) == 2 * N
    with pytest.raises(ImportDataError, match=r"is in °F, what is there in °C"):
        load(archive, "time,temp [°F]\n" + later.replace("05-02", "05-03"), asset="pump")


def test_a_name_in_another_case_is_questioned(archive) -> None:
    load(archive, "time,temp\n" + rows(TEMP), asset="pump")
    report = load(archive, "time,Temp\n" + rows(TEMP).replace("05-01", "05-02"), asset="pump")
    assert "pump has temp too, which differs in letter case only" in notes(report)


def test_a_machine_name_that_is_too_long_stops_no_other(archive) -> None:
    lines = "".join(
        f"{time},{name},{one}\n" for time, one in zip(TEXTS, TEMP, strict=True) for name in ("m" * 300, "p 1")
    )
    load(archive, "time,machine,temp\n" + lines)
    assert len({archive.info(one).asset for one in archive.channels()}) == 2


def test_machines_that_differ_in_white_space_only(archive) -> None:
    both = "".join(f"{time},p 1,{one}\n{time},p  1,{one + 9}\n" for time, one in zip(TEXTS, TEMP, strict=True))
    with pytest.raises(ImportDataError, match="'p 1' and 'p  1' differ in white space only"):
        load(archive, "time,machine,temp\n" + both)
    names = ["p 1" if place % 2 else "p  1" for place in range(N)]
    assert "taken as one machine" in notes(load(archive, "time,machine,temp\n" + rows(names, TEMP)))
    assert values(archive, "temp") == list(TEMP)


def test_machines_of_a_file_without_a_header_are_machines(archive) -> None:
    lines = "".join(f"{unit} {cycle} {cycle + unit}\n" for unit in (1, 2) for cycle in range(1, 20))
    load(archive, lines, "FD001.txt", header_row=0, asset_column="column 1", time_column="column 2")
    assert {archive.info(one).asset for one in archive.channels()} == {"machine 1", "machine 2"}


# ---- options


@pytest.mark.parametrize("option", ["inputs", "label_column"])
def test_a_column_may_be_named_without_its_unit(archive, option: str) -> None:
    load(archive, "time,state [-],load [A]\n" + rows(np.arange(N) % 7 == 6, TEMP), **{option: "state"})
    assert archive.channels() == ["load"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"decimal": ","}, r"holds 20\.0, and no number of the file has the decimal mark ','.*--decimal '\.'"),
        ({"separator": ";"}, r"separator ';' that was chosen stands nowhere.*--separator comma"),
        ({"exclude": "time"}, r"no time column \(found: temp\)"),
        ({"layout": "parquet"}, r"is text, not a Parquet file.*--layout csv"),
        ({"layout": "json"}, r"is text, not JSON records.*--layout csv"),
        ({"layout": "xlsx"}, r"is text, not an Excel workbook"),
    ],
)
def test_an_option_that_contradicts_the_file_is_refused(archive, options: dict, says: str) -> None:
    with pytest.raises(ImportDataError, match=says):
        load(archive, "time,temp\n" + rows(TEMP), **options)


# ---- times


def test_a_date_in_the_first_row_of_a_day_holds_below(archive) -> None:
    clocks = [f"{time:%H:%M}" for time in TIMES]
    first = ["2024-05-01" if place == 0 else "2024-05-02" if place == 12 else "" for place in range(N)]
    lines = "".join(f"{date},{clock},{one}\n" for date, clock, one in zip(first, clocks, TEMP, strict=True))
    report = load(archive, "date,clock,temp\n" + lines)
    assert "18 rows without a date in date" in notes(report)
    assert str(archive.open("temp", "test")["time"].values[-1])[:16] == "2024-05-02T11:35"


def test_a_clock_that_starts_anew_without_a_date_is_refused(archive) -> None:
    times = [f"{time + pd.Timedelta('13h'):%H:%M:%S}" for time in TIMES]
    with pytest.raises(ImportDataError, match=r"times of day without a date, as '23:00:00'.*--sample-period"):
        load(archive, "time,temp\n" + "".join(f"{time},{one}\n" for time, one in zip(times, TEMP, strict=True)))
    times = [f"{time:%H:%M:%S}" for time in TIMES]
    report = load(archive, "time,temp\n" + "".join(f"{time},{one}\n" for time, one in zip(times, TEMP, strict=True)))
    assert "where these are times of day, put a column of dates beside them" in notes(report)


@pytest.mark.parametrize("year", ["3024", "1024"])
def test_years_out_of_range_are_named(archive, year: str) -> None:
    with pytest.raises(ImportDataError, match=rf"years of column 'time' lie outside 1900 to 2199, as in '{year}-05-01"):
        load(archive, "time,temp\n" + rows(TEMP).replace("2024-", f"{year}-"))


@pytest.mark.parametrize("ends", ["\n", ""])
def test_a_footer_is_left_out_once(archive, ends: str) -> None:
    report = load(archive, "time,temp\n" + rows(TEMP) + "End of data" + ends)
    assert values(archive, "temp") == list(TEMP)
    assert report.channels[0].repairs == {}
    assert "1 line of text at the end left out" in notes(report)


# ---- formats


def test_answers_of_databases_in_json(archive) -> None:
    stamps = [time.value // 10**9 for time in TIMES]
    series = [
        {
            "metric": {"__name__": "temp", "instance": name},
            "values": [[t, str(v + shift)] for t, v in zip(stamps, TEMP, strict=True)],
        }
        for name, shift in (("a", 0), ("b", 50))
    ]
    load(archive, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}), "prom.json")
    assert values(archive, "b.temp") == list(TEMP + 50)
    points = {"press": [{"ts": t * 1000, "value": str(v)} for t, v in zip(stamps, TEMP, strict=True)]}
    load(archive, json.dumps(points), "board.json")
    assert values(archive, "press") == list(TEMP)
    dps = [{"metric": "flow", "tags": {}, "dps": {str(t): v for t, v in zip(stamps, TEMP, strict=True)}}]
    load(archive, json.dumps(dps), "tsdb.json")
    assert values(archive, "flow") == list(TEMP)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "a.txt",
            "pump,host=a temp=20.5,load=3i 1714550400000000000\n" * 9,
            r"is InfluxDB line protocol.*annotated CSV",
        ),
        ("a.txt", "# HELP temp t\n# TYPE temp gauge\ntemp 20.5\n", r"is text of a Prometheus exporter.*query_range"),
        ("a.csv", 'up 1\ntemp{pump="7"} 20.5\ntemp{pump="8"} 1e3\n', r"is text of a Prometheus exporter.*query_range"),
        ("a.jsonl", '{"time":"2024-05-01","temp":1,"temp":2}\n' * 3, r"has the field 'temp' twice"),
    ],
)
def test_what_is_not_read_is_named(archive, name: str, content: str, says: str) -> None:
    with pytest.raises(ImportDataError, match=says):
        load(archive, content, name)


def test_an_archive_in_an_archive_is_named(archive) -> None:
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as bundle:
        bundle.writestr("a.csv", "time,temp\n" + rows(TEMP))
    with zipfile.ZipFile(outer, "w") as bundle:
        bundle.writestr("inner.zip", inner.getvalue())
    with pytest.raises(ImportDataError, match=r"holds another archive \(inner\.zip\).*Unpack it"):
        load(archive, outer.getvalue(), "outer.zip")


def test_a_small_file_does_not_unpack_to_much(archive, monkeypatch) -> None:
    monkeypatch.setattr(limits, "SMALL_BYTES", 2**20)
    content = "time,temp\n" + rows(TEMP) + "\n" * 3 * 2**20
    with pytest.raises(ImportDataError, match=r"over 100 times as large when it is unpacked.*unpack it yourself"):
        load(archive, gzip.compress(content.encode()), "pump.csv.gz")
    load(archive, content)
