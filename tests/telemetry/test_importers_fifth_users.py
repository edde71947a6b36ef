"""Forms of public sources: buoys, weather services, loggers, accounting; what is refused says what settles it."""

from collections.abc import Callable
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


def load(archive: Archive, content: str | bytes, **options: object) -> ImportReport:
    file = archive.path.parent / "pump.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_table(file, archive, **options)


def rows(line: Callable[[int, pd.Timestamp], str]) -> str:
    return "".join(line(number, time) + "\n" for number, time in enumerate(TIMES))


def assert_holds(archive: Archive, channel: str, values: list[float] = TEMP, times: pd.DatetimeIndex = TIMES) -> None:
    parts = [archive.open(channel, part)["telemetry"].to_series() for part in ("train", "test")]
    series = pd.concat(parts).astype(float)
    assert list(series.index) == list(times)
    np.testing.assert_allclose(series.to_numpy(), values, atol=1e-5)


def test_a_buoy_has_its_names_in_two_comments(archive: Archive) -> None:
    """As the National Data Buoy Center writes them: names, and units below."""
    head = "#YY  MM DD hh mm WDIR WSPD\n#yr  mo dy hr mn degT m/s\n"
    load(archive, head + rows(lambda n, time: f"{time:%Y %m %d %H %M} {100 + n} {TEMP[n]}"))
    assert archive.channels() == ["WDIR", "WSPD"]
    assert archive.info("WSPD").units == "m/s"
    assert_holds(archive, "WSPD")


def test_a_weather_service_counts_hours_from_1_to_24(archive: Archive) -> None:
    """As the KNMI writes them: the end of each hour, beside a date in digits."""
    head = "# DE BILT\n#\n# STN,YYYYMMDD,   HH,   TT\n"
    load(archive, head + rows(lambda n, time: f"  260,{time:%Y%m%d},{time.hour + 1:5},{TEMP[n]}"), columns=["TT"])
    assert_holds(archive, "TT", times=TIMES + pd.Timedelta("1h"))


def test_sensors_named_by_number_and_unit_are_names(archive: Archive) -> None:
    head = "Gerät: XR-7;;\nSeriennummer: 4711;;\n;;\nDatum/Uhrzeit;1 °C;2 %\n"
    load(
        archive, head + rows(lambda n, time: f"{time:%d.%m.%Y %H:%M:%S};{TEMP[n]};{n}".replace(".5", ",5")), decimal="."
    )
    assert archive.channels() == ["1 °C", "2 %"]
    assert_holds(archive, "2 %", [float(n) for n in range(N)])


def test_an_inverter_leaves_the_name_of_its_times_empty(archive: Archive) -> None:
    head = "sep=;\nVersion CSV1|Delimiter semicolon\n\n;SN: 4711;SN: 4711\n;Power;Yield\nDD.MM.YYYY hh:mm;kW;kWh\n"
    load(archive, head + rows(lambda n, time: f"{time:%d.%m.%Y %H:%M};{TEMP[n]};{n}"))
    assert archive.channels() == ["Power", "Yield"]
    assert_holds(archive, "Power")


def test_masks_of_dates_in_german_stand_among_units(archive: Archive) -> None:
    head = "Datum;Uhrzeit;Druck;Temp\nTT.MM.JJJJ;hh:mm:ss;bar;°C\n"
    load(archive, head + rows(lambda n, time: f"{time:%d.%m.%Y;%H:%M:%S};{TEMP[n]};{n}"))
    assert archive.channels() == ["Druck", "Temp"]
    assert archive.info("Druck").units == "bar"


def test_a_line_below_the_names_is_no_part_of_them(archive: Archive) -> None:
    load(archive, "| time | temp |\n|---|---|\n" + rows(lambda n, time: f"| {time} | {TEMP[n]} |"))
    assert archive.channels() == ["temp"]
    assert_holds(archive, "temp")


def test_a_mark_before_the_names_is_none_of_them(archive: Archive) -> None:
    load(archive, "% Device 4711\n% time temp\n" + rows(lambda n, time: f"{time:%Y-%m-%dT%H:%M:%S} {TEMP[n]}"))
    assert archive.channels() == ["temp"]
    assert_holds(archive, "temp")


@pytest.mark.parametrize("form", ["{}-", "({})", "( {} )"])
def test_negative_numbers_of_accounting_and_sap(archive: Archive, form: str) -> None:
    """A third of the values would be missing otherwise, and just the negative ones."""
    cells = [form.format(value) if n % 3 == 0 else str(value) for n, value in enumerate(TEMP)]
    report = load(archive, "time;net\n" + rows(lambda n, time: f"{time};{cells[n]}") + "End of data;none\n")
    assert "7- and (7) read as -7 in net" in str(report)
    assert_holds(archive, "net", [-value if n % 3 == 0 else value for n, value in enumerate(TEMP)])


@pytest.mark.parametrize(
    "form", ["%d. %m. %Y;%H:%M:%S", "%Y.%m.%d.;%H:%M:%S", "%Y. %m. %d. %H:%M:%S;", "%d. %m. %Y %H:%M:%S;"]
)
def test_dates_with_a_blank_behind_each_dot(archive: Archive, form: str) -> None:
    """As Czech, Slovak and Hungarian spreadsheets write them."""
    load(archive, "Datum;Čas;temp\n" + rows(lambda n, time: f"{time.strftime(form)};{TEMP[n]}"))
    assert_holds(archive, "temp")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark(archive: Archive, encoding: str) -> None:
    report = load(archive, ("time,temp\n" + rows(lambda n, time: f"{time},{TEMP[n]}")).encode(encoding))
    assert_holds(archive, "temp")
    assert f"text read in the encoding {encoding}" in str(report)


PLAIN = "time,temp\n" + rows(lambda n, time: f"{time},{TEMP[n]}")
DAYS = (TIMES - pd.Timestamp("1970-01-01")) / pd.Timedelta("1D")
REFUSED = {
    "zeros behind a cut file": (PLAIN.encode() + bytes(99), rf"up to byte {len(PLAIN):,}, where zeros begin"),
    "a table on its side": (
        "sensor," + ",".join(map(str, TIMES)) + "\ntemp," + ",".join(map(str, TEMP)) + "\n",
        r"30 of 31 columns are called by times, as '2024-03-14 10:00:00'.*row for each time",
    ),
    "years of another calendar": (
        "date,temp\n" + rows(lambda n, time: f"{time:%d/%m}/2567 {time:%H:%M},{TEMP[n]}"),
        r"years of column 'date' lie outside 1900 to 2199, as in '14/03/2567 10:00'",
    ),
    "times in brackets": (
        "time,temp\n" + rows(lambda n, time: f"[{time}],{TEMP[n]}"),
        r"'time' is called as times, and none can be read, as '\[2024-03-14 10:00:00\]'.*--time-format",
    ),
    "Julian days": (
        "JD,temp\n" + rows(lambda n, _: f"{DAYS[n] + 2440587.5:.6f},{TEMP[n]}"),
        r"'JD' holds Julian days, as 2460383.917.*Subtract 2415018.5 .*--time-column JD --time-unit excel",
    ),
    "modified Julian days": (
        "MJD,temp\n" + rows(lambda n, _: f"{DAYS[n] + 40587:.6f},{TEMP[n]}"),
        r"'MJD' holds Julian days, as 60383.41667.*Subtract 15018 .*--time-column MJD --time-unit excel",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_says_what_settles_it(archive: Archive, what: str) -> None:
    content, says = REFUSED[what]
    with pytest.raises(ImportDataError, match=says):
        load(archive, content)
    assert not archive.channels()


@pytest.mark.parametrize(("offset", "name"), [(2415018.5, "JD"), (15018, "MJD")])
def test_julian_days_are_read_as_the_error_says(archive: Archive, offset: float, name: str) -> None:
    days = DAYS + (2440587.5 if name == "JD" else 40587) - offset
    content = f"{name},temp\n" + rows(lambda n, _: f"{days[n]:.8f},{TEMP[n]}")
    load(archive, content, time_column=[name], time_unit="excel")
    assert_holds(archive, "temp")


def test_times_in_brackets_are_read_by_their_form(archive: Archive) -> None:
    load(archive, REFUSED["times in brackets"][0], time_format="[%Y-%m-%d %H:%M:%S]")
    assert_holds(archive, "temp")
