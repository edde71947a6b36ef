"""Time stamps in the forms that people keep them in."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.times import parse_times


def read(values: list, timezone: str | None = None) -> list[str]:
    parsed = parse_times(pd.Series(values), timezone)
    assert parsed.absolute
    return [str(stamp).removesuffix(".000000000") for stamp in parsed.stamps]


NOON, NEXT = "2024-03-13T12:00:00", "2024-03-14T12:00:00"

FORMS = {
    "ISO": ["2024-03-13T12:00:00", "2024-03-14T12:00:00"],
    "ISO with a space": ["2024-03-13 12:00", "2024-03-14 12:00"],
    "Zulu": ["2024-03-13T12:00:00Z", "2024-03-14T12:00:00.000Z"],
    "offset": ["2024-03-13T14:00:00+02:00", "2024-03-14T06:30:00-0530"],
    "short offset": ["2024-03-13 13:00:00+01", "2024-03-14 13:00:00 +01"],
    "UTC by name": ["2024-03-13 12:00:00 UTC", "2024-03-14 12:00:00 UTC"],
    "slashes, year first": ["2024/3/13 12:00", "2024/3/14 12:00"],
    "day of year": ["2024-073T12:00:00", "2024-074T12:00:00"],
    "compact": ["20240313T120000Z", "20240314T120000Z"],
    "compact digits": ["20240313120000", "20240314120000"],
    "German": ["13.03.2024 12:00:00", "14.03.2024 12:00:00"],
    "German, short": ["13.3.24 12:00", "14.3.24 12:00"],
    "British": ["13/03/2024 12:00", "14/03/2024 12:00"],
    "American": ["03/13/2024 12:00:00 PM", "03/14/2024 12:00 pm"],
    "hyphens": ["13-03-2024 12:00", "14-03-2024 12:00"],
    "month by name": ["13-Mar-2024 12:00:00", "14-Mar-2024 12:00:00"],
    "German month": ["13. März 2024 12:00", "14. März 2024 12:00"],
    "compact, milliseconds": ["20240313120000000", "20240314120000000"],
    "compact, minutes": ["202403131200", "202403141200"],
    "hyphens, year first": ["24-03-13 12:00", "24-03-14 12:00"],
    "slashes, two digits of the year first": ["24/3/13 12:00", "24/3/14 12:00"],
    "ISO week": ["2024-W11-3T12:00", "2024-W11-4T12:00"],
    "NASA": ["2024:073:12:00:00", "2024:074:12:00:00"],
    "web server": ["13/Mar/2024:12:00:00 +0000", "14/Mar/2024:13:00:00 +0100"],
    "SAS": ["13MAR2024:12:00:00", "14MAR2024:12:00:00"],
    "Oracle": ["13-MAR-24 12.00.00.000000 PM", "14-MAR-24 12.00.00.000000 PM"],
    "C": ["Wed Mar 13 12:00:00 2024", "Thu Mar 14 12:00:00 2024"],
    "Unix": ["Wed Mar 13 13:00:00 CET 2024", "Thu Mar 14 12:00:00 UTC 2024"],
    "JavaScript": [
        "Wed Mar 13 2024 13:00:00 GMT+0100 (Central European Time)",
        "Thu Mar 14 2024 12:00:00 GMT+0000 (UTC)",
    ],
    "Java": ["2024-03-13T13:00+01:00[Europe/Berlin]", "2024-03-14T12:00Z[UTC]"],
    "Japanese": ["2024年3月13日 12:00", "2024年3月14日 12:00"],
    "French month": ["13 mars 2024 12h00", "14 mars 2024 12h00"],
    "narrow space": ["3/13/2024, 12:00:00\u202fPM", "3/14/2024, 12:00:00\u202fPM"],
    "zones by name": ["2024-03-13 13:00 CET", "2024-03-14 05:00 PDT"],
    "regions": ["2024-03-13 13:00:00 Europe/Berlin", "2024-03-14 08:00:00 America/New_York"],
    "GMT and hours": ["2024-03-13 13:00 GMT+1", "2024-03-14 06:30 UTC-05:30"],
    ".NET ticks": [638459280000000000, 638460144000000000],
    "Windows file time": ["133548048000000000", "133548912000000000"],
    "LabVIEW": [3793176000.0, 3793262400.0],
    "MATLAB": [739324.5, 739325.5],
    "American month": ["Mar 13, 2024 12:00:00", "March 14, 2024, 12:00:00"],
    "mail": ["Wed, 13 Mar 2024 12:00:00 GMT", "Thu, 14 Mar 2024 12:00:00 +0000"],
    "epoch seconds": [1710331200, 1710417600],
    "epoch seconds in text": ["1710331200.0", "1710417600"],
    "epoch seconds, decimal comma": ["1710331200,0", "1710417600,000"],
    "epoch milliseconds": [1710331200000, 1710417600000],
    "epoch microseconds": ["1710331200000000", "1710417600000000"],
    "epoch nanoseconds": [1710331200000000000, 1710417600000000000],
    "Excel": [45364.5, 45365.5],
    "Excel in text": ["45364,5", "45365,5"],
}


@pytest.mark.parametrize("form", FORMS)
def test_common_forms(form: str) -> None:
    assert read(FORMS[form]) == [NOON, NEXT]


@pytest.mark.parametrize(
    ("stamp", "meaning"),
    [
        ("2024-03-13T12:00:00.123456789", "2024-03-13T12:00:00.123456789"),
        ("2024-03-13 12:00:00,25", "2024-03-13T12:00:00.250000000"),
        ("2024-03-13", "2024-03-13T00:00:00"),
        ("2024-03-13 24:00", "2024-03-14T00:00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00"),
        ("03/13/2024 12:05 AM", "2024-03-13T00:05:00"),
        ("13.03.1999", "1999-03-13T00:00:00"),
        ("13.03.99", "1999-03-13T00:00:00"),
        ("2023-365T00:00:00", "2023-12-31T00:00:00"),
        (1710331200.25, "2024-03-13T12:00:00.250000000"),
    ],
)
def test_details(stamp: str | float, meaning: str) -> None:
    assert read([stamp]) == [meaning]


def test_nanoseconds_stay_exact() -> None:
    assert read(["1710331200000000001", "", "1710331200000000003"]) == [
        "2024-03-13T12:00:00.000000001",
        "NaT",
        "2024-03-13T12:00:00.000000003",
    ]


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-02-30",
        "2024-13-01",
        "2024-03-13 25:00",
        "2024-03-13 12:61",
        "2023-366T00:00",
        "soon",
        "13:00",
        "0001-01-01",
        "",
    ],
)
def test_what_is_no_time_is_not_guessed(stamp: str) -> None:
    assert read([NOON, stamp])[1] == "NaT"


def test_the_whole_column_decides_between_day_and_month() -> None:
    assert read(["01/02/2024", "13/02/2024"])[0] == "2024-02-01T00:00:00"
    assert read(["01/02/2024", "01/13/2024"])[0] == "2024-01-02T00:00:00"
    month_first = parse_times(pd.Series(["01/11/2024", "01/12/2024", "02/01/2024", "02/02/2024"]))
    assert str(month_first.stamps[2]) == "2024-02-01T00:00:00.000000000"
    assert any("month first" in note for note in month_first.notes)
    open_question = parse_times(pd.Series(["03/04/2024 10:00", "03/04/2024 11:00"]))
    assert str(open_question.stamps[0]) == "2024-04-03T10:00:00.000000000"
    assert any("day first, which nothing in it contradicts" in note for note in open_question.notes)


def test_a_zone_is_given_to_stamps_without_one_only() -> None:
    assert read(["2024-07-01 12:00", "2024-07-01 12:00Z"], "Europe/Berlin") == [
        "2024-07-01T10:00:00",
        "2024-07-01T12:00:00",
    ]
    assert read([45364.5], "America/New_York") == ["2024-03-13T16:00:00"]
    assert read([1710331200], "America/New_York") == [NOON]
    assert parse_times(pd.Series(["2024-07-01 12:00"])).notes == ("times without a zone taken as UTC",)


def test_clock_changes() -> None:
    back = ["2024-10-27 01:30", "2024-10-27 02:00", "2024-10-27 02:30", "2024-10-27 02:00", "2024-10-27 02:30"]
    assert [stamp[11:16] for stamp in read(back, "Europe/Berlin")] == ["23:30", "00:00", "00:30", "01:00", "01:30"]
    assert read(["2024-03-31 01:30", "2024-03-31 02:30"], "Europe/Berlin")[1] == "NaT"
    skipped = parse_times(pd.Series(["2024-03-31 01:30", "2024-03-31 02:30"]), "Europe/Berlin")
    assert skipped.notes == ("1 time in an hour that Europe/Berlin skips: left out",)


def hours(stamps: list[str], timezone: str | None = "Europe/Berlin") -> list[str]:
    return [stamp[11:16] for stamp in read(stamps, timezone)]


def test_the_hour_that_is_there_twice_is_told_apart_by_the_order_of_rows() -> None:
    back = [f"2024-10-27 {clock}" for clock in ("01:30", "02:00", "02:30", "02:00", "02:30", "03:00")]
    utc = ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]
    assert (hours(back), hours(back[::-1])) == (utc, utc[::-1])  # case 14: a falling file
    uneven = [f"2024-10-27 {clock}" for clock in ("02:10", "02:40", "02:05", "02:50", "03:05")]
    utc = ["00:10", "00:40", "01:05", "01:50", "02:05"]
    assert (hours(uneven), hours(uneven[::-1])) == (utc, utc[::-1])
    hourly = [f"2024-10-27 {clock}" for clock in ("01:00", "02:00", "02:00", "03:00")]
    assert hours(hourly) == ["23:00", "00:00", "01:00", "02:00"]
    assert hours([f"{stamp} Europe/Berlin" for stamp in hourly], None) == ["23:00", "00:00", "01:00", "02:00"]
    assert hours(["2024-04-07 02:30", "2024-04-07 02:30"], "Australia/Sydney") == ["15:30", "16:30"]


def test_columns_with_a_time_type() -> None:
    naive = pd.to_datetime(["2024-07-01 12:00", None])
    assert read(naive, "Europe/Berlin") == ["2024-07-01T10:00:00", "NaT"]
    assert read(naive.tz_localize("Asia/Tokyo"), "Europe/Berlin") == ["2024-07-01T03:00:00", "NaT"]


def test_counters_are_no_dates() -> None:
    for values in ([0, 1, 2], [0.0, 0.5, 1.0], ["0", "60", "120"]):
        parsed = parse_times(pd.Series(values))
        assert not parsed.absolute
        np.testing.assert_array_equal(parsed.stamps, np.asarray(values, dtype=float))


def test_numbers_of_a_named_unit() -> None:
    for values, unit in (
        ([45364.5], "excel"),
        ([3793176000], "labview"),
        ([638459280000000000], "ticks"),
        ([1710331200000], "ms"),
        ([19795.5], "d"),
        ([28505520], "min"),
    ):
        parsed = parse_times(pd.Series(values), time_unit=unit)
        assert str(parsed.stamps[0])[:19] == NOON, unit
    elapsed = parse_times(pd.Series([45000, 45001]), time_unit="s")
    assert (elapsed.absolute, elapsed.step_ns, elapsed.notes) == (False, 1e9, ("time is elapsed s without a date",))
    counter = parse_times(pd.Series(range(1, 100_001, 100)))
    assert not counter.absolute, "a count up to 100,000 is no column of Excel's days"


def test_elapsed_time() -> None:
    for values, seconds in (
        (["0.5 s", "1,5 s"], [0.5, 1.5]),
        (["23:59:59.5", "24:00:00", "36:10:00"], [86399.5, 86400, 130200]),
        (["0 days 00:00:01", "1 days 00:00:01"], [1, 86401]),
        (["1.02:03:04", "1.02:03:05"], [93784, 93785]),
        (["59:59.5", "60:00.0"], [3599.5, 3600]),
        (pd.to_timedelta(["1s", "2s"]), [1, 2]),
    ):
        parsed = parse_times(pd.Series(values))
        assert not parsed.absolute
        np.testing.assert_array_equal(parsed.stamps, seconds)
    assert not parse_times(pd.Series(["22:00", "23:00", "00:00"])).readable.any(), "a time of day"


def test_zones_that_mean_several_are_refused() -> None:
    words = r"The zone CST behind the times means America/Chicago or Asia/Shanghai. .*--timezone"
    with pytest.raises(ImportDataError, match=words):
        parse_times(pd.Series(["2024-01-01 12:00 CST"]))
    assert read(["2024-01-01 12:00 CST"], "America/Chicago") == ["2024-01-01T18:00:00"]
    assert read([NOON, "2024-01-01 12:00 XYZ"])[1] == "NaT"


def test_a_form_by_its_directives() -> None:
    parsed = parse_times(pd.Series(["240313 1200", "soon"]), "Europe/Berlin", time_format="%y%m%d %H%M")
    assert [str(stamp)[:19] for stamp in parsed.stamps] == ["2024-03-13T11:00:00", "NaT"]
    assert str(parse_times(pd.Series([130324, 140324]), time_format="%d%m%y").stamps[1])[:10] == "2024-03-14"
    assert str(parse_times(pd.Series(["2024-03-13 14+0200"]), time_format="%Y-%m-%d %H%z").stamps[0])[:19] == NOON


def test_text_of_one_layout_is_read_like_any_other() -> None:
    """Rows that differ in one sign or digit beside those of one layout change nothing."""
    times = pd.date_range("2024-03-13 12:00", periods=50, freq="37min")
    for form in ("%d.%m.%Y %H:%M", "%y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%d-%b-%Y %I:%M %p", "%Y-%jT%H:%M:%S.%f"):
        text = list(times.strftime(form))
        for rows in (text, [*text, "soon"], [*text, None], [f"{one} " for one in text]):
            np.testing.assert_array_equal(parse_times(pd.Series(rows)).stamps[:50], times.to_numpy(), form)
    assert read(["13.03.2024 12:00", "13.03.2024 25:00", "32.03.2024 12:00"])[1:] == ["NaT", "NaT"]
    assert read(["2024-03-13 12:00:00 +01:00", "2024-03-13 12:00:00 +02:00"]) == [
        "2024-03-13T11:00:00",
        "2024-03-13T10:00:00",
    ]
    assert read(["2024-W11-3T12:00", "2024-W11-9T12:00"])[1] == "NaT"


def test_any_type_of_text_is_read() -> None:
    for dtype in ("object", "str", "string", "string[pyarrow]", pd.ArrowDtype(pa.string())):
        column = pd.Series(["13.03.2024 12:00", None, "14.03.2024 12:00 "], dtype=dtype)
        assert [str(stamp)[:19] for stamp in parse_times(column).stamps] == [NOON, "NaT", NEXT], dtype
    for kind in (pa.timestamp("ms"), pa.timestamp("us", "Europe/Berlin")):
        column = pd.Series(pd.arrays.ArrowExtensionArray(pa.array([1710331200], pa.timestamp("s")).cast(kind)))
        assert str(parse_times(column).stamps[0])[:19] == NOON


def test_nothing_readable() -> None:
    for values in (["a", "b"], [None, None], [True, False], [float("nan")] * 2, []):
        assert not parse_times(pd.Series(values)).readable.any()


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "America", "x" * 500])
def test_an_unknown_zone_is_named(name: str) -> None:
    with pytest.raises(ImportDataError, match="There is no time zone"):
        parse_times(pd.Series(["2024-07-01"]), name)
