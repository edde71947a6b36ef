"""Time stamps in the forms that people keep them in."""

import numpy as np
import pandas as pd
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


def test_columns_with_a_time_type() -> None:
    naive = pd.to_datetime(["2024-07-01 12:00", None])
    assert read(naive, "Europe/Berlin") == ["2024-07-01T10:00:00", "NaT"]
    assert read(naive.tz_localize("Asia/Tokyo"), "Europe/Berlin") == ["2024-07-01T03:00:00", "NaT"]


def test_counters_are_no_dates() -> None:
    for values in ([0, 1, 2], [0.0, 0.5, 1.0], ["0", "60", "120"]):
        parsed = parse_times(pd.Series(values))
        assert not parsed.absolute
        np.testing.assert_array_equal(parsed.stamps, np.asarray(values, dtype=float))


def test_nothing_readable() -> None:
    for values in (["a", "b"], [None, None], [True, False], [float("nan")] * 2, []):
        assert not parse_times(pd.Series(values)).readable.any()


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "America", "x" * 500])
def test_an_unknown_zone_is_named(name: str) -> None:
    with pytest.raises(ImportDataError, match="There is no time zone"):
        parse_times(pd.Series(["2024-07-01"]), name)
