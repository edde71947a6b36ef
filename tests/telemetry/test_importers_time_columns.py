"""Times in several columns: dates and clocks apart, parts of times, local time beside UTC, none at all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table
from workbench.telemetry.importers.formats.number_marks import NumberMarks
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.table_times import TimedTable, with_times

HOURS = pd.date_range("2024-03-10", periods=96, freq="h")
VALUES = [f"{value},5" for value in range(96)]


def timed(columns: dict[str, list], **options) -> TimedTable:
    frame = pd.DataFrame(columns)
    return with_times(RawTable(Path("pump.csv"), frame, NumberMarks()), Reading.of(options))


def expect(table: TimedTable, times: pd.DatetimeIndex, columns: tuple[str, ...]) -> None:
    np.testing.assert_array_equal(table.stamps, times.to_numpy().astype("datetime64[ns]"))
    assert table.time_columns == columns


CLOCKS = {
    "12:30": "%H:%M",
    "12:30:00": "%H:%M:%S",
    "12.30.00": "%H.%M.%S",
    "12.30": "%H.%M",
    "1230": "%H%M",
    "123000": "%H%M%S",
    "12h30": "%Hh%M",
    "PM": "%I:%M:%S %p",
    "PM alone": "%I %p",
    "hour": "%H",
}


@pytest.mark.parametrize("form", CLOCKS)
@pytest.mark.parametrize("dates", ["%d/%m/%Y", "%Y-%m-%d", "%Y%m%d"])
def test_a_clock_in_a_column_of_its_own(form: str, dates: str) -> None:
    columns = {"Date": HOURS.strftime(dates), "Time": HOURS.strftime(CLOCKS[form]), "CO": VALUES}
    expect(timed(columns), HOURS, ("Date", "Time"))


DAYS = pd.date_range("2023-09-26 02:01", periods=30)


@pytest.mark.parametrize("names", [("date", "clock"), ("Datum", "Uhrzeit"), ("date", "time"), ("column 1", "column 2")])
@pytest.mark.parametrize("clock", ["%H.%M.%S", "%H:%M:%S"])
@pytest.mark.parametrize("is_clock_first", [False, True])
def test_a_clock_beside_dates_of_the_same_form(names: tuple[str, str], clock: str, is_clock_first: bool) -> None:
    """02.01.00 is two minutes past one beside 26.09.23, and no date, though each may be either by its form."""
    columns = {names[0]: DAYS.strftime("%d.%m.%y"), names[1]: DAYS.strftime(clock), "load": range(30)}
    order = sorted(columns, key=lambda name: name != names[1]) if is_clock_first else list(columns)
    expect(timed({name: columns[name] for name in order}), DAYS, names)


def test_dates_and_clocks_that_may_each_be_either_are_asked_about() -> None:
    """From 1 to 12 February, at 4:05:06: a column of days, or of hours."""
    days = pd.date_range("2001-02-01 04:05:06", periods=12)
    columns = {"a": days.strftime("%d.%m.%y"), "b": days.strftime("%H.%M.%S"), "load": range(12)}
    with pytest.raises(ImportDataError, match=r"'a' \(01.02.01\) and 'b' \(04.05.06\) may each .*--time-column a,b"):
        timed(columns)
    expect(timed(columns, time_column=["a", "b"], date_order="day"), days, ("a", "b"))
    expect(timed({"Datum": columns["a"], "b": columns["b"]}, date_order="day"), days, ("Datum", "b"))


def test_a_clock_that_is_not_used_is_named() -> None:
    table = timed({"date": DAYS.strftime("%Y-%m-%d"), "sunrise": DAYS.strftime("%H:%M"), "kWh": range(30)})
    assert "times from date alone, without the times of day in sunrise: --time-column" in table.notes


def test_dots_leave_open_whether_two_digits_of_a_single_day_are_its_year() -> None:
    minutes = pd.date_range("2023-09-26 02:01", periods=30, freq="min")
    table = timed({"date": minutes.strftime("%y.%m.%d"), "time": minutes.strftime("%H:%M"), "a": range(30)})
    assert any("day first, as is usual with dots, though the year may come first" in note for note in table.notes)
    told = timed({"date": minutes.strftime("%y.%m.%d"), "time": minutes.strftime("%H:%M")}, date_order="year")
    expect(told, minutes, ("date", "time"))


def test_clocks_as_numbers() -> None:
    """As Parquet files and sheets hold them: without leading zeros, as shares of a day, as durations."""
    dates = HOURS.normalize()
    for values in (
        HOURS.hour * 100,
        HOURS.hour * 10_000,
        HOURS.hour / 24,
        pd.to_timedelta(HOURS.hour, unit="h"),
        [time.time() for time in HOURS],
    ):
        expect(timed({"date": dates, "time": values, "CO": np.arange(96.0)}), HOURS, ("date", "time"))


def test_hours_from_1_to_24_are_the_ends_of_hours() -> None:
    columns = {"Date": HOURS.strftime("%Y-%m-%d"), "Hour": [str(hour + 1) for hour in HOURS.hour], "CO": VALUES}
    table = timed(columns)
    expect(table, HOURS + pd.Timedelta("1h"), ("Date", "Hour"))
    assert any("hours of Hour to 24 taken as the end of each hour" in note for note in table.notes)


def test_milliseconds_in_a_further_column() -> None:
    times = pd.date_range("2024-03-10 12:00", periods=40, freq="250ms")
    whole, milliseconds = times.strftime("%Y-%m-%d %H:%M:%S"), [str(one) for one in times.microsecond // 1000]
    expect(timed({"time": whole, "ms": milliseconds, "a": range(40)}), times, ("time", "ms"))
    sensor = timed({"time": HOURS.strftime("%Y-%m-%d %H:%M"), "ms": [str(n * 37 % 1000) for n in range(96)]})
    expect(sensor, HOURS, ("time",))


@pytest.mark.parametrize(
    "names",
    [("year", "month", "day", "hour"), ("Jahr", "Monat", "Tag", "Stunde"), ("#YY", "MM", "DD", "hh")],
)
def test_parts_of_times_in_columns(names: tuple[str, ...]) -> None:
    parts = (HOURS.year, HOURS.month, HOURS.day, HOURS.hour)
    columns = {name: [str(one) for one in part] for name, part in zip(names, parts, strict=True)}
    expect(timed({"No": range(96), **columns, "CO": VALUES}), HOURS, names)


def test_year_and_day_of_the_year() -> None:
    columns = {"Year": HOURS.year, "DOY": HOURS.day_of_year, "HHMM": HOURS.strftime("%H%M"), "CO": VALUES}
    expect(timed(columns), HOURS, ("Year", "DOY", "HHMM"))


def test_a_clock_that_belongs_to_no_date_stays_a_column() -> None:
    days = pd.date_range("2024-03-10", periods=30)
    table = timed({"date": days.strftime("%Y-%m-%d"), "sunrise": ["06:12"] * 30, "kWh": range(30)})
    expect(table, days, ("date",))


def test_utc_wins_beside_local_time() -> None:
    utc = pd.date_range("2024-10-26 22:00", periods=48, freq="30min")
    local = utc.tz_localize("UTC").tz_convert("Europe/Berlin")
    columns = {
        "time_local": local.strftime("%Y-%m-%d %H:%M"),
        "time_utc": utc.strftime("%Y-%m-%d %H:%M"),
        "CO": range(48),
    }
    table = timed(columns, timezone="Europe/Berlin")
    expect(table, utc, ("time_utc",))
    assert list(table.left_out) == ["time_local"] and list(table.frame) == ["CO"]
    winter = pd.date_range("2024-01-10", periods=48, freq="30min")
    table = timed(
        {"Time": (winter + pd.Timedelta("1h")).strftime("%Y-%m-%d %H:%M"), "UTC": winter.strftime("%Y-%m-%d %H:%M")}
    )
    expect(table, winter, ("UTC",))
    assert "times from UTC; Time is the same by +1 h and left out" in table.notes


def test_of_two_columns_the_even_one_holds_the_times() -> None:
    """Rows are inserted in batches; the measurements are even."""
    times = pd.date_range("2024-03-10", periods=60, freq="min")
    batches = times.floor("10min") + pd.Timedelta("11min")
    columns = {"timestamp": batches.strftime("%Y-%m-%d %H:%M:%S"), "measured": times.strftime("%Y-%m-%d %H:%M:%S")}
    table = timed({**columns, "a": range(60)})
    expect(table, times, ("measured",))
    assert "times from measured, not from timestamp (its steps are less even): --time-column" in table.notes
    expect(
        timed({"start": columns["measured"], "end": (times + pd.Timedelta("1min")).strftime("%Y-%m-%d %H:%M:%S")}),
        times,
        ("start",),
    )
    chosen = timed({**columns, "a": range(60)}, time_column="timestamp")
    expect(chosen, batches, ("timestamp",))


def test_columns_of_times_by_name() -> None:
    columns = {
        "d": HOURS.strftime("%d.%m.%y"),
        "t": HOURS.strftime("%H%M"),
        "CO": VALUES,
    }
    words = r"'CO' holds no time of day that goes with 'd' \(0,5, 1,5, 2,5\).*--time-format"
    with pytest.raises(ImportDataError, match=words):
        timed(columns, time_column=["d", "CO"])
    expect(timed(columns, time_column=["d", "t"]), HOURS, ("d", "t"))
    expect(timed(columns, time_column=["d", "t"], time_format="%d.%m.%y %H%M"), HOURS, ("d", "t"))
    with pytest.raises(ImportDataError, match="There is no column 'x'"):
        timed(columns, time_column=["d", "x"])
    with pytest.raises(ImportDataError, match="No column has the form of times '%d-%m-%y'"):
        timed(columns, time_format="%d-%m-%y")
    for form, reason in (
        ("%Q", "'Q' is a bad directive"),
        ("d.m.y", "it has no directives"),
        ("%H:%M", "it has no day"),
    ):
        with pytest.raises(ImportDataError, match=f"The form of times '{form}' cannot be used: {reason}"):
            timed(columns, time_format=form)


def test_rows_without_times_are_numbered(tmp_path: Path) -> None:
    with pytest.raises(ImportDataError, match=r"no time column .*--time-column, or pass --sample-period 10s"):
        timed({"a": range(10)})
    for text, period in (
        ("10s", "PT10S"),
        ("PT10S", "PT10S"),
        ("1min", "PT1M"),
        ("0.5 s", "PT0.5S"),
        ("2 kHz", "PT0.0005S"),
    ):
        table = timed({"a": range(10)}, sample_period=text)
        assert (table.sample_period, table.time_columns) == (period, ())
        np.testing.assert_array_equal(table.stamps, np.arange(10.0))
    for text in ("ten", "10", "-1s", "0s", "P", "0Hz", "1.2.3Hz", "9MHz9"):
        with pytest.raises(ImportDataError, match="is not a duration"):
            timed({"a": range(10)}, sample_period=text)
    counted = timed({"step": range(0, 20, 2), "a": range(10)}, sample_period="10s")
    assert (counted.time_columns, counted.sample_period) == (("step",), "PT10S")
    dated = timed({"time": HOURS.strftime("%Y-%m-%d %H:%M"), "a": VALUES}, sample_period="10s")
    assert "time is not taken as times, as --sample-period was passed" in dated.notes
    with pytest.raises(ImportDataError, match="holds times, and --sample-period is for rows without"):
        timed({"time": HOURS.strftime("%Y-%m-%d %H:%M")}, sample_period="10s", time_column="time")
    file = tmp_path / "pump.csv"
    file.write_text("a,b\n" + "".join(f"{n},{n * 2}\n" for n in range(40)))
    archive = Archive(tmp_path / "archive.zarr")
    import_table(file, archive, sample_period="10s")
    assert archive.info("b").sample_period == "PT10S"
    assert archive.open("b", "test")["time"].values[-1] == 39 - archive.info("b").n_train


def test_elapsed_times_tell_their_step() -> None:
    for values in (
        ["0 ms", "500 ms", "1000 ms"],
        ["00:00:00.0", "00:00:00.5", "00:00:01.0"],
        ["1 days 00:00:00", "1 days 00:00:00.5"],
    ):
        table = timed({"elapsed": values, "a": range(len(values))})
        assert (table.sample_period, table.stamps.dtype.kind) == ("PT0.5S", "f")
    assert timed({"t": ["0", "1", "2"], "time": ["0", "20", "40"]}, time_unit="ms").sample_period == "PT0.02S"


def test_times_that_can_hardly_be_right_are_questioned() -> None:
    old = timed({"time": pd.date_range("1965-01-01", periods=50).strftime("%Y-%m-%d"), "a": range(50)})
    assert any("begin before 1970, from 1965-01-01" in note and "--date-order" in note for note in old.notes)
    ahead = timed({"time": pd.date_range("2101-01-01", periods=50).strftime("%Y-%m-%d"), "a": range(50)})
    assert any("lie in the future, from 2101-01-01" in note for note in ahead.notes)
    reset = [*HOURS.strftime("%Y-%m-%d %H:%M:%S")]
    reset[40:42] = ["1970-01-01 00:00:05", "2036-02-07 06:28:16"]
    table = timed({"time": reset, "a": VALUES})
    assert any("2 times far off the others, the first in row 41 (1970-01-01" in note for note in table.notes)
    assert len(table.stamps) == 96 and not any("future" in note for note in table.notes)
    assert not any("far off" in note for note in timed({"time": HOURS.strftime("%Y-%m-%d %H:%M"), "a": VALUES}).notes)
