"""Dates such as 03/04/2024: the file decides, then the files beside it, then the series that is there."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table
from workbench.telemetry.importers.times import parse_times

FORMS = {"month": "%m/%d/%Y %H:%M", "day": "%d/%m/%Y %H:%M", "iso": "%Y-%m-%dT%H:%MZ"}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def write(tmp_path: Path, start: str, hours: int = 24, form: str = "month", name: str = "") -> Path:
    time = pd.date_range(start, periods=hours, freq="h")
    values = (time - pd.Timestamp("2024-01-01")) // pd.Timedelta(hours=1)
    file = tmp_path / f"{name or start}.csv"
    pd.DataFrame({"time": time.strftime(FORMS[form]), "temp": values}).to_csv(file, index=False)
    return file


def extent(archive: Archive) -> tuple[str, str, int]:
    time = np.concatenate([archive.open("temp", split)["time"].values for split in ("train", "test")])
    return str(time[0])[:13], str(time[-1])[:13], len(time)


def add(archive: Archive, *files: Path, **options):
    return import_table(list(files), archive, asset="pump", **options)


@pytest.mark.parametrize(
    ("header", "form", "order", "right"),
    [
        ("time,temp", "%d/%m/%Y %H:%M", "month", "day"),
        ("time,temp", "%m/%d/%Y %H:%M", "day", "month"),
        ("time,temp", "%d/%m/%Y %H:%M", "year", "day"),
        ("Date,Time,temp", "%d/%m/%Y,%H:%M:%S", "month", "day"),
        ("a,b,temp", "%d.%m.%y,%H:%M", "month", "day"),
    ],
)
def test_an_order_that_the_dates_contradict_is_refused(tmp_path, archive, header, form, order, right) -> None:
    """Without their dates, times of day would be taken for elapsed times."""
    time = pd.date_range("2024-03-10", periods=20, freq="9h")
    file = tmp_path / "a.csv"
    rows = [f"{stamp},{place}.5" for place, stamp in enumerate(time.strftime(form))]
    file.write_text("\n".join([header, *rows, ""]))
    for options in ({}, {"time_column": header.split(",")[:-1]}):
        with pytest.raises(ImportDataError, match=f"cannot be read {order} first.*Pass --date-order {right}, or leave"):
            add(archive, file, date_order=order, **options)
    add(archive, file, date_order=right)
    assert extent(archive) == ("2024-03-10T00", "2024-03-17T03", 20)


def test_a_day_that_is_mistyped_does_not_contradict_the_order(tmp_path, archive) -> None:
    file = tmp_path / "a.csv"
    days = [f"0{1 + place // 9}/0{1 + place % 9}/2024" for place in range(40)]
    days[7] = "31/04/2024"
    file.write_text("\n".join(["date,temp", *(f"{day},{place}" for place, day in enumerate(days)), ""]))
    (row,) = add(archive, file, date_order="month").channels
    assert row.repairs["rows_dropped"] == 1


def test_a_unit_of_times_that_are_written_out_is_named(tmp_path, archive) -> None:
    (row,) = add(archive, write(tmp_path, "2024-03-20"), time_unit="ms").channels
    assert "the times are written out: --time-unit ms is not used" in row.note


@pytest.mark.parametrize("order", ["month", "day"])
def test_the_reading_that_continues_the_series_is_taken_and_told(tmp_path, archive, order: str) -> None:
    add(archive, write(tmp_path, "2024-02-20", 13 * 24, "iso"))
    assert extent(archive)[1] == "2024-03-03T23"
    train_hash = archive.info("temp").train_hash
    report = add(archive, write(tmp_path, "2024-03-04", form=order))
    assert extent(archive) == ("2024-02-20T00", "2024-03-04T23", 14 * 24)
    assert (
        f"dates read {order} first, as that continues temp, which ends at 2024-03-03 23:00" in report.channels[0].note
    )
    assert archive.info("temp").train_hash == train_hash
    again = add(archive, write(tmp_path, "2024-03-04", form=order))
    assert again.channels[0].status == "unchanged", "the samples that are there tell the reading, too"


def test_a_late_day_finds_its_gap(tmp_path, archive) -> None:
    add(archive, write(tmp_path, "2024-02-20", 13 * 24, "iso"), write(tmp_path, "2024-03-05", 24, "iso"))
    add(archive, write(tmp_path, "2024-03-04"))
    assert extent(archive)[2] == 15 * 24


def test_where_nothing_decides_both_readings_are_named(tmp_path, archive) -> None:
    add(archive, write(tmp_path, "2024-02-20", 13 * 24, "iso"))
    before = archive.info("temp")
    words = (
        r"The dates of .*2024-03-06.csv can be read in two ways: day first they go from 2024-06-03 00:00:00 UTC to "
        r"2024-06-03 23:00:00 UTC, month first they go from 2024-03-06 00:00:00 UTC to 2024-03-06 23:00:00 UTC\. "
        r"Neither alone continues temp, .* to 2024-03-03 23:00:00 UTC\. Pass --date-order day or --date-order month"
    )
    file = write(tmp_path, "2024-03-06")
    with pytest.raises(ImportDataError, match=words):
        add(archive, file)
    assert archive.info("temp") == before
    add(archive, file, date_order="month")
    assert extent(archive)[1] == "2024-03-06T23"
    other = write(tmp_path, "2024-03-08")
    report = add(archive, other, write(tmp_path, "2024-03-20"), write(tmp_path, "2024-03-25", form="iso"))
    assert report.failures == {}, "the file of 20 March can be read in one way only"
    assert "month first, as in the other files" in report.channels[0].note
    with pytest.raises(ImportDataError, match="date_order must be day or month"):
        add(archive, other, date_order="week")


def test_files_that_come_together_are_read_so_that_they_follow_one_another(tmp_path, archive) -> None:
    files = [write(tmp_path, f"2024-03-0{day}") for day in range(4, 8)]
    report = add(archive, *files)
    assert extent(archive) == ("2024-03-04T00", "2024-03-07T23", 4 * 24)
    assert "month first, as that keeps the steps even" in report.channels[0].note
    more = [write(tmp_path, f"2024-03-{day:02}") for day in (9, 10)]
    assert add(archive, *more).failures == {}
    assert extent(archive)[1] == "2024-03-10T23"


def test_even_steps_decide_within_a_file() -> None:
    """Case 13 of the imports: hours of the first twelve days of March."""
    time = pd.date_range("2024-03-01", "2024-03-12 23:00", freq="h")
    parsed = parse_times(pd.Series(time.strftime("%m/%d/%Y %H:%M:%S")))
    np.testing.assert_array_equal(parsed.stamps, time.to_numpy().astype("datetime64[ns]"))
    assert parsed.other is None and "dates read month first, as that keeps the steps even" in parsed.notes
    daily = parse_times(pd.Series(["03/01/2024", "03/02/2024", "03/03/2024"]))
    assert daily.other is not None, "days, or the first days of months: both are even"
    dotted = parse_times(pd.Series(["03.04.2024 10:00"]))
    assert (str(dotted.stamps[0])[:10], dotted.other) == ("2024-04-03", None)


def test_the_year_may_come_first() -> None:
    """Case 12 of the imports: 1 to 20 March 2024, as then the last number runs."""
    time = pd.date_range("2024-03-01 10:00", periods=20)
    for falling in (False, True):
        text = pd.Series(time.strftime("%y-%m-%d %H:%M:%S"))
        parsed = parse_times(text[::-1] if falling else text)
        np.testing.assert_array_equal(np.sort(parsed.stamps), time.to_numpy().astype("datetime64[ns]"))
        assert (parsed.date_order, parsed.others) == ("year", {})
        assert "dates read year first, as then the year runs slowest" in parsed.notes
    months = parse_times(pd.Series(["01.02.24", "01.03.24", "01.04.24"]))
    assert [str(stamp)[:10] for stamp in months.stamps] == ["2024-02-01", "2024-03-01", "2024-04-01"]
    assert str(parse_times(pd.Series(["24-03-01"]), date_order="year").stamps[0])[:10] == "2024-03-01"
    once = parse_times(pd.Series(["01-02-03"]))
    assert [str(stamps[0])[:10] for stamps in (once.stamps, *once.others.values())] == [
        "2003-02-01",
        "2003-01-02",
        "2001-02-03",
    ]
    ahead = parse_times(pd.Series(["24-03-28", "24-03-28"]))
    assert (ahead.date_order, str(ahead.stamps[0])[:10]) == ("year", "2024-03-28"), "2028 is ahead"


def test_the_archive_decides_on_the_year_too(tmp_path, archive) -> None:
    add(archive, write(tmp_path, "2024-02-20", 14 * 24, "iso"))
    file = tmp_path / "march.csv"
    hours = range(24)
    file.write_text("time,temp\n" + "".join(f"24-03-05 {hour:02}:00,{hour}\n" for hour in hours))
    report = add(archive, file)
    assert "dates read year first, as that continues temp, which ends at 2024-03-04 23:00" in report.channels[0].note
    assert extent(archive) == ("2024-02-20T00", "2024-03-05T23", 15 * 24)
    other = tmp_path / "other.csv"
    other.write_text("time,temp\n" + "".join(f"24-03-08 {hour:02}:00,{hour}\n" for hour in hours))
    words = r"read in two ways: day first they go from 2008-03-24 .*, year first .* from 2024-03-08 .*--date-order year"
    with pytest.raises(ImportDataError, match=words):
        add(archive, other)


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d-%H-%M-%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d-%H:%M:%S",
        "%Y/%m/%dT%H:%M:%S",
        "%Y/%m/%d %H:%M:%S",
        "%Y %m %d %H:%M:%S",
        "%Y%m%dT%H:%M:%S",
        "%Y%m%d %H:%M:%S",
        "%Y%m%d%H%M%S",
        "%s",
    ],
)
def test_every_form_of_lookout_for_equipment_is_read(form: str, monkeypatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time = pd.date_range("2024-01-30 22:15:05", periods=80, freq="h")
    text = [str(int(one.timestamp())) if form == "%s" else one.strftime(form) for one in time]
    np.testing.assert_array_equal(parse_times(pd.Series(text)).stamps, time.to_numpy().astype("datetime64[ns]"))
