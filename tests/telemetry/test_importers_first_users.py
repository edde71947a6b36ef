"""Files that first users brought, and that were misread in silence or stopped the others."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table

TIMES = [f"2024-03-14 10:{minute:02}:00" for minute in range(0, 60, 5)]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def load(archive: Archive, content: str, name: str = "pump.csv", **options) -> list[str]:
    file = archive.path.parent / name
    file.write_text(content, encoding="utf-8")
    return [row.note for row in import_table(file, archive, **options).channels]


def first_and_last(archive: Archive, channel: str) -> list[str]:
    times = [archive.open(channel, part)["time"].values for part in ("train", "test")]
    return [str(np.concatenate(times)[place].astype("datetime64[m]")) for place in (0, -1)]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ('"Date Time, GMT-05:00"', "2024-03-14T15:00"),
        ("Time (UTC+1)", "2024-03-14T09:00"),
        ("Time GMT", "2024-03-14T10:00"),
    ],
)
def test_an_offset_in_the_name_of_the_times_counts(archive, name: str, first: str) -> None:
    notes = load(archive, f"{name},temp\n" + "".join(f"{time},{n}\n" for n, time in enumerate(TIMES)))
    assert first_and_last(archive, "temp")[0] == first
    assert ("as the name of their column says" in notes[0]) == (first != "2024-03-14T10:00")


def test_a_chosen_zone_counts_more_than_the_name(archive) -> None:
    content = '"Date Time, GMT-05:00",temp\n' + "".join(f"{time},{n}\n" for n, time in enumerate(TIMES))
    load(archive, content, timezone="Europe/Berlin")
    assert first_and_last(archive, "temp")[0] == "2024-03-14T09:00"


def test_a_column_of_offsets_belongs_to_the_times(archive) -> None:
    rows = [f"2024-10-27 {1 + n // 4:02}:{n % 4 * 15:02},+02:00,{n}" for n in range(8)]
    rows += [f"2024-10-27 {2 + n // 4:02}:{n % 4 * 15:02},+01:00,{8 + n}" for n in range(6)]
    load(archive, "local_time,utc_offset,kW\n" + "\n".join(rows) + "\n")
    assert archive.channels() == ["kW"]
    assert first_and_last(archive, "kW") == ["2024-10-26T23:00", "2024-10-27T02:15"]


def test_thousands_written_as_k_are_no_kelvin(archive) -> None:
    values = ["940", "960", "980", *(f"1.{n:02} K" for n in range(9))]
    with pytest.raises(ImportDataError, match="no column of numbers"):
        load(archive, "Time,Requests\n" + "".join(f"{t},{v}\n" for t, v in zip(TIMES, values, strict=True)))


def test_columns_that_change_their_order_are_refused(archive) -> None:
    halves = [f"{time},{n + 0.5},{n}" for n, time in enumerate(TIMES)]
    content = "\n".join(["time,T,P", *halves[:6], "time,P,T", *halves[6:]]) + "\n"
    with pytest.raises(ImportDataError, match="time, T, P, then time, P, T"):
        load(archive, content)


def test_a_unit_that_changes_within_a_tag_is_refused(archive) -> None:
    rows = [f"T1,{time},{20 + n},{'degC' if n < 6 else 'degF'}" for n, time in enumerate(TIMES)]
    rows += [f"T2,{time},{n},degC" for n, time in enumerate(TIMES)]
    content = "Tag,Timestamp,Value,Unit\n" + "\n".join(rows) + "\n"
    with pytest.raises(ImportDataError, match=r"unit of a series changes.*--exclude Unit"):
        load(archive, content)
    load(archive, content, exclude="Unit")
    assert archive.channels() == ["T1", "T2"]


def test_times_of_two_forms_lose_no_rows_in_silence(archive, tmp_path) -> None:
    """As Excel opens days first on a machine that writes months first."""
    swapped = [pd.Timestamp(2024, day, 3) for day in range(1, 13)]
    dates = [*swapped, *(f"{day}/03/2024" for day in range(13, 21))]
    file = tmp_path / "dates.xlsx"
    pd.DataFrame({"Datum": dates, "Temp": range(20)}).to_excel(file, index=False, engine="xlsxwriter")
    with pytest.raises(ImportDataError, match="8 of 20 times in column 'Datum' have another form"):
        import_table(file, archive)


def test_equal_steps_decide_on_the_order_of_dates(archive) -> None:
    notes = load(archive, "date,temp\n" + "".join(f"03/{day:02}/2024,{day}\n" for day in range(1, 6)))
    assert first_and_last(archive, "temp") == ["2024-03-01T00:00", "2024-03-05T00:00"]
    assert "month first, as that makes all steps equal" in notes[0]


@pytest.mark.parametrize(
    "row",
    [
        '{"time":"2024-03-14T10:00:00Z","temp":1' + "0" * 400 + "}",
        '{"time":"2024-03-14T10:00:00Z","te\\ud800mp":1}',
        '{"time":"2024-03-14T10:00:00Z","mode":"a\\ud800"}',
    ],
)
def test_what_json_holds_and_nothing_else_stops_no_other_file(archive, tmp_path, row: str) -> None:
    rows = [row, *(json.dumps({"time": f"{time}Z", "temp": n / 2}) for n, time in enumerate(TIMES[1:]))]
    (tmp_path / "bad.jsonl").write_text("\n".join(rows) + "\n")
    (tmp_path / "good.csv").write_text("time,load\n" + "".join(f"{time},{n}\n" for n, time in enumerate(TIMES)))
    report = import_table([tmp_path / "bad.jsonl", tmp_path / "good.csv"], archive)
    assert "load" in archive.channels()
    json.dumps([report.failures, [row.note for row in report.channels]]).encode()


def test_a_header_line_that_is_not_there_is_refused(archive) -> None:
    content = "time,temp\n" + "".join(f"{time},{n}\n" for n, time in enumerate(TIMES))
    with pytest.raises(ImportDataError, match="no line 99"):
        load(archive, content, header_row=99)
