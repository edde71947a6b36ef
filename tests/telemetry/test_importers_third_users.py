"""What further users brought: days beside times of day, intervals, zones in a column, tables one below the other."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import ImportReport, import_table

N = 30
TIMES = pd.date_range("2024-03-14 10:00", periods=N, freq="1h")
TEMP = [20 + number / 4 for number in range(N)]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def load(archive: Archive, content: str, name: str = "pump.csv", **options) -> ImportReport:
    file = archive.path.parent / name
    file.write_text(content, encoding="utf-8")
    return import_table(file, archive, **options)


def series(archive: Archive, channel: str = "temp") -> pd.Series:
    parts = [archive.open(channel, part)["telemetry"].to_series() for part in ("train", "test")]
    return pd.concat(parts).astype(float)


def table(header: str, times: list[str], *columns: list[object], separator: str = ",") -> str:
    rows = [separator.join(map(str, cells)) for cells in zip(times, *columns, strict=True)]
    return "\n".join([header, *rows, ""])


def assert_holds(archive: Archive, times: pd.DatetimeIndex = TIMES, channel: str = "temp") -> None:
    found = series(archive, channel)
    assert list(found.index) == list(times)
    np.testing.assert_allclose(found.to_numpy(), TEMP[: len(found)], atol=1e-5)


# ---- a row for each day, and a column for each time of day


def test_a_column_for_each_time_of_day_is_one_series(archive) -> None:
    header = ",".join(["Date", *[f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 30)], "total"])
    lines = [",".join([f"2024-03-0{day}", *[str(48 * day + place) for place in range(48)], "7"]) for day in (1, 2, 3)]
    report = load(archive, "\n".join([header, *lines, ""]))
    found = series(archive, "value")
    assert archive.channels() == ["value"]
    assert list(found.index) == list(pd.date_range("2024-03-01", periods=144, freq="30min"))
    assert found.tolist() == list(range(48, 192))
    assert "48 columns 00:00 to 23:30" in report.series[0].line
    assert "--columns" in report.series[0].line
    assert {row.channel: row.note for row in report.channels}["total"] == "one value a day"


def test_hours_to_24_are_the_ends_of_hours_and_a_column_tells_meters_apart(archive) -> None:
    header = ";".join(["meter", "Date", *[f"H{hour}" for hour in range(1, 25)]])
    lines = [
        ";".join([meter, f"0{day}.03.2024", *[str(level + 24 * day + hour) for hour in range(24)]])
        for day in (1, 2)
        for meter, level in (("North", 0), ("South", 1000))
    ]
    load(archive, "\n".join([header, *lines, ""]), date_order="day")
    assert archive.channels() == ["North.value", "South.value"]
    found = series(archive, "South.value")
    assert list(found.index) == list(pd.date_range("2024-03-01 01:00", periods=48, freq="1h"))
    assert found.tolist() == list(range(1024, 1072))


def test_times_of_day_that_are_chosen_are_channels(archive) -> None:
    names = [f"{hour:02d}:00" for hour in range(24)]
    text = "\n".join([",".join(["Date", *names]), *[f"2024-03-{day:02d}{',5' * 24}" for day in range(1, 9)], ""])
    load(archive, text, columns=["06:00"])
    assert archive.channels() == ["06:00"]
    assert len(series(archive, "06:00")) == 8


def test_some_times_of_day_are_no_day(archive) -> None:
    text = "\n".join(["Date,06:00,14:00,22:00", *[f"2024-03-{day:02d},1,2,3" for day in range(1, 9)], ""])
    load(archive, text)
    assert archive.channels() == ["06:00", "14:00", "22:00"]


# ---- times


@pytest.mark.parametrize(
    ("form", "end"),
    [
        ("%d.%m.%Y %H:%M - ", "%d.%m.%Y %H:%M"),
        ("%Y-%m-%d %H:%M - ", "%H:%M"),
        ("%Y-%m-%dT%H:%M/", "%Y-%m-%dT%H:%M"),
        ("%Y-%m-%d %I:%M %p to ", "%Y-%m-%d %I:%M %p"),
        ("%m/%d/%Y %I:%M %p - ", "%m/%d/%Y %I:%M %p"),  # a slash is no mark between times where it stands in a date
        ("%d/%m/%Y %H:%M/", "%d/%m/%Y %H:%M"),
        ("%Y-%m-%dT%H:%M:%SZ/", "%Y-%m-%dT%H:%M:%SZ"),  # ISO 8601, in UTC
    ],
)
def test_intervals_begin_at_their_times(archive, form: str, end: str) -> None:
    times = [f"{time:{form}}{time + pd.Timedelta('1h'):{end}}" for time in TIMES]
    report = load(archive, table("MTU,temp", times, TEMP))
    assert_holds(archive)
    assert "MTU holds intervals" in report.series[0].line


@pytest.mark.parametrize(
    ("header", "form", "freq"),
    [
        ("DATE,TIME,temp", "%y%m%d,%H%M", "1h"),
        ("Date,Time,temp", "%d%m%y,%H:%M:%S", "7h"),
        ("date,hour,temp", "%m%d%y,%H", "11h"),
    ],
)
def test_dates_of_six_digits_are_dates(archive, header: str, form: str, freq: str) -> None:
    times = pd.date_range("2024-03-14 10:00", periods=N, freq=freq)
    load(archive, table(header, [f"{time:{form}}" for time in times], TEMP))
    assert_holds(archive, times)


def test_the_order_of_dates_of_six_digits_can_be_chosen(archive) -> None:
    times = [f"0102{year:02d}" for year in range(3, 9)]
    load(archive, table("date,temp", times, TEMP[:6]), date_order="month")
    assert list(series(archive).index) == [pd.Timestamp(2000 + year, 1, 2) for year in range(3, 9)]


def test_numbers_of_six_digits_that_are_no_dates_stay(archive) -> None:
    load(archive, table("time,update", [f"{time:%Y-%m-%d %H:%M}" for time in TIMES], [240100 + i for i in range(N)]))
    assert series(archive, "update").tolist() == [240100.0 + i for i in range(N)]


def test_an_hour_behind_the_date_without_a_mark(archive) -> None:
    times = [f"{time:%Y%m%d%H}" for time in TIMES]
    load(archive, table("STATIONS_ID;MESS_DATUM;temp", ["433"] * N, times, TEMP, separator=";"))
    assert_holds(archive)


def test_hours_with_decimals_are_times_of_day(archive) -> None:
    times = pd.date_range("2024-03-14 10:00", periods=N, freq="15min")
    cells = [f"{time:%Y-%m-%d},{time.hour + time.minute / 60:.2f}" for time in times]
    load(archive, table("date,hour,temp", cells, TEMP))
    assert_holds(archive, times)


def test_months_are_times(archive) -> None:
    times = pd.date_range("2020-01-01", periods=N, freq="MS")
    load(archive, table("month,temp", [f"{time:%Y-%m}" for time in times], TEMP))
    assert_holds(archive, times)


@pytest.mark.parametrize(
    ("name", "zone", "hours"),
    [("TZ", "EST", -5), ("timezone", "CET", 1), ("TimeZone", "America/New_York", -4), ("time_zone", "UTC", 0)],
)
def test_a_zone_in_a_column_belongs_to_the_times(archive, name: str, zone: str, hours: int) -> None:
    load(archive, table(f"Timestamp,{name},temp", [f"{time:%Y-%m-%d %H:%M}" for time in TIMES], [zone] * N, TEMP))
    assert_holds(archive, TIMES - pd.Timedelta(hours=hours))


def test_a_zone_of_a_plant_is_none_of_time(archive) -> None:
    load(archive, table("time,zone,temp", [f"{time:%Y-%m-%d %H:%M}" for time in TIMES], ["North"] * N, TEMP))
    assert_holds(archive)


def test_seconds_and_milliseconds_in_one_column_are_refused(archive) -> None:
    seconds = [int(time.timestamp()) for time in TIMES]
    mixed = [value * (1000 if place > 9 else 1) for place, value in enumerate(seconds)]
    with pytest.raises(ImportDataError, match="epoch ms in some rows and epoch s in others"):
        load(archive, table("ts,temp", list(map(str, mixed)), TEMP))
    assert archive.channels() == []


# ---- tables and names


@pytest.mark.parametrize("names", ["time,pressure", "time,temp,level", "time,temp,flow,level"])
def test_another_table_below_the_first_is_refused(archive, names: str) -> None:
    stamps = [f"{time:%Y-%m-%d %H:%M}" for time in TIMES]
    first = table("time,temp,flow", stamps[:28] * 20, TEMP[:28] * 20, TEMP[:28] * 20)
    second = table(names, stamps[28:], *[TEMP[28:]] * names.count(","))
    with pytest.raises(ImportDataError, match="Another table begins within the file") as error:
        load(archive, first + second)
    assert names.replace(",", ", ") in str(error.value)
    assert archive.channels() == []


def test_tags_with_descriptions_below_keep_their_names(archive) -> None:
    stamps = [f"{time:%Y-%m-%d %H:%M}" for time in TIMES]
    text = table("Time,TI-101,PI-102\n,Bearing,Bearing out\n,degC,bar", stamps, TEMP, TEMP)
    load(archive, text)
    assert archive.channels() == ["PI-102", "TI-101"]
    assert archive.open("TI-101").attrs["units"] == "degC"


def test_two_words_above_tabs_name_no_columns(archive) -> None:
    rows = "".join(f'"{time:%Y-%m-%d %H:%M:%S}"\t"{value:.3f}"\n' for time, value in zip(TIMES, TEMP, strict=True))
    with pytest.raises(ImportDataError, match="more fields than its header has names"):
        load(archive, f"Logger XR-7\nSerial number: 4711\n\n{rows}")
    load(archive, f"Logger XR-7\nSerial number: 4711\n\n{rows}", header_row=0, decimal=".")
    assert_holds(archive, channel="column 2")


def test_tabs_below_a_title_of_two_words_are_tabs(archive) -> None:
    stamps = [f"{time:%d-%m-%Y %H:%M:%S}" for time in TIMES]
    load(archive, "Logger XR-7\n\n" + table("Datum\tload [%]", stamps, TEMP, separator="\t"))
    assert_holds(archive, channel="load")


# ---- numbers


def test_tags_that_write_numbers_differently_say_nothing_of_each_other(archive) -> None:
    """245.032 of one tag and 18 of another: the second does not make the first two hundred and forty thousand."""
    lines = [
        f"{time:%Y-%m-%d %H:%M};{tag};{value}"
        for place, time in enumerate(TIMES)
        for tag, value in (("vib", f"{245.032 + place * 1.013:.3f}"), ("load", str(place + 3)))
    ]
    text = "\n".join(["time;tag;value", *lines, ""])
    with pytest.raises(ImportDataError, match=r"may be 245032 or 245\.032"):
        load(archive, text)
    load(archive, text, decimal=".")
    np.testing.assert_allclose(series(archive, "vib"), 245.032 + np.arange(N) * 1.013, rtol=1e-6)
    load(archive, text.replace(";", ","), asset="comma")
    np.testing.assert_allclose(series(archive, "comma.vib"), 245.032 + np.arange(N) * 1.013, rtol=1e-6)


def test_what_stands_for_a_missing_value_says_nothing_of_the_others(archive) -> None:
    stamps = [f"{time:%Y-%m-%d %H:%M}" for time in TIMES]
    cells = ["-9999" if place == 7 else f"{11_499 + 37 * place:,}" for place in range(N)]
    text = table("time\tflow", stamps, cells, separator="\t")
    with pytest.raises(ImportDataError, match=r"may be 11499 or 11\.499"):
        load(archive, text)
    load(archive, text, thousands=",", missing=["-9999"])
    assert series(archive, "flow").drop(TIMES[7]).tolist() == [11499.0 + 37 * place for place in range(N) if place != 7]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (['"1,00,500.25"', '"12,34,567.5"', '"99,500"'], [100_500.25, 1_234_567.5, 99_500]),
        (['="20.50"', '="-3"', '="1e3"'], [20.5, -3, 1000]),
        (["0.205D+02", "-1.5d3", "7.D-1"], [20.5, -1500, 0.7]),
    ],
)
def test_numbers_of_other_writers(archive, cells: list[str], expected: list[float]) -> None:
    stamps = [f"{time:%Y-%m-%d %H:%M}" for time in TIMES]
    load(archive, table("time,temp", stamps, cells * (N // 3)))
    np.testing.assert_allclose(series(archive), expected * (N // 3), rtol=1e-7)


def test_a_flag_in_few_rows_is_told_as_such_and_can_be_used(archive) -> None:
    stamps = [f"{time:%Y-%m-%d %H:%M}" for time in TIMES]
    flags = ["E" if place == 3 else "" for place in range(N)]
    report = load(archive, table("time,temp,temp_flag", stamps, TEMP, flags))
    assert "--quality-column" in {row.channel: row.note for row in report.channels}["temp_flag"]
    load(archive, table("time,temp,temp_flag", stamps, TEMP, flags), replace=True, quality_column="*_flag", good=["ok"])
    assert np.flatnonzero(series(archive).isna()).tolist() == [3]
    report = load(archive, table("time,temp,remark", stamps, TEMP, flags), asset="other")
    assert "'E' in 1 row" in {row.channel: row.note for row in report.channels}["remark"]
