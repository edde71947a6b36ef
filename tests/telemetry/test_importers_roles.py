"""Which columns become channels and inputs, and which say whether the values of another one are good."""

from pathlib import Path

import numpy as np
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import ImportReport, import_table


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def load(archive: Archive, header: str, *columns: list, **options) -> ImportReport:
    lines = [f"2024-03-01 10:{n:02}:00," + ",".join(map(str, row)) for n, row in enumerate(zip(*columns, strict=True))]
    file = archive.path.parent / "pump.csv"
    file.write_text("\n".join([f"time,{header}", *lines]) + "\n", encoding="utf-8")
    return import_table(file, archive, layout="csv", **options)


def values(archive: Archive) -> dict[str, list[float | None]]:
    """Return every channel with its values, None where one is missing."""
    series = {
        channel: np.concatenate([archive.open(channel, part)["telemetry"].values for part in ("train", "test")])
        for channel in archive.channels()
    }
    return {name: [None if np.isnan(one) else float(one) for one in own] for name, own in series.items()}


def notes(report: ImportReport) -> dict[str, str]:
    return {row.channel: row.note for row in report.channels if row.status == "skipped"}


N = list(range(8))
WITHOUT_2 = [0, 1, None, 3, 4, 5, 6, 7]
RUN = [0, 1] * 4


def test_only_the_columns_that_are_named_become_channels(archive) -> None:
    report = load(archive, "a [K],b,c", N, N, N, columns=["a", "c"])
    assert archive.channels() == ["a", "c"]
    assert notes(report) == {"b": "left out by --columns or --exclude"}


def test_excluded_columns_become_none_and_are_not_looked_at(archive) -> None:
    load(archive, "a,b", N, ["inf"] * 8, exclude="b")
    assert archive.channels() == ["a"]


@pytest.mark.parametrize("option", ["columns", "exclude", "inputs"])
def test_a_name_that_is_not_there_is_refused_with_the_nearest(archive, option: str) -> None:
    with pytest.raises(ImportDataError, match=rf"no column 'temprature'\. The nearest is 'temperature'.*--{option}"):
        load(archive, "temperature,b", N, N, **{option: ["temprature"]})


def test_an_input_may_be_a_channel_of_its_own(archive) -> None:
    load(archive, "a,run", N, RUN, inputs="run")
    assert archive.channels() == ["a"]
    load(archive, "a,run", N, RUN, inputs="run", columns=["a", "run"], replace=True)
    assert values(archive) == {"a": N, "run": RUN}
    assert archive.open("a", "train")["commands"].values.ravel().tolist() == RUN[:6]


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("temp_quality", ["192", "192", "24", "192", "192", "192", "216", "192"]),
        ("temp.Q", ["Good", "Good", "Bad", "Good", "Good", "Good", "Good", "Good"]),
        ("Temp Status", ["GOOD", "GOOD", "Uncertain", "GOOD", "GOOD", "GOOD", "GOOD", "GOOD"]),
        ("temp_valid", ["1", "1", "0", "1", "1", "1", "1", "1"]),
        ("temp/quality", ["0", "0", "2147483648", "0", "0", "0", "0", "0"]),
    ],
)
def test_a_column_beside_a_sensor_says_which_of_its_values_are_good(archive, name: str, codes: list[str]) -> None:
    report = load(archive, f"temp,{name},load", [0, 1, 999, 3, 4, 5, 6, 7], codes, N)
    assert values(archive) == {"temp": WITHOUT_2, "load": N}  # 999 is bad: missing
    repairs = {row.channel: row.repairs.get("bad_quality") for row in report.channels}
    assert repairs == {"temp": 1, "load": None, name: None}
    assert notes(report)[name] == "says whether temp is good; otherwise: --columns"


def test_one_column_of_quality_may_hold_for_its_row(archive) -> None:
    quality = ["ok", "ok", "sensor off", "ok", "ok", "ok", "ok", "ok"]
    report = load(archive, "a,b,health", [0, 1, 50, *N[3:]], [0, 1, 60, *N[3:]], quality, quality_column="health")
    assert values(archive) == {"a": WITHOUT_2, "b": WITHOUT_2}
    assert [row.repairs["bad_quality"] for row in report.channels[:2]] == [1, 1]


def test_what_means_good_can_be_said_for_the_columns_of_all_sensors(archive) -> None:
    columns = ([0, 1, 50, *N[3:]], [1, 1, 4, 1, 1, 1, 2, 1], [0, 1, 2, 30, *N[4:]], [1, 1, 1, 9, 1, 1, 1, 1])
    with pytest.raises(
        ImportDataError, match=r"which values of 'a_qc' mean good.*--quality-column \"\*_qc\" --good VALUE"
    ):
        load(archive, "a,a_qc,b,b_qc", *columns)
    load(archive, "a,a_qc,b,b_qc", *columns, quality_column="*_qc", good=["1", "2"])
    assert values(archive) == {"a": WITHOUT_2, "b": [0, 1, 2, None, 4, 5, 6, 7]}


def test_zero_and_one_of_a_quality_are_asked_for(archive) -> None:
    with pytest.raises(ImportDataError, match=r"'temp_quality' mean good \(0, 1\)"):
        load(archive, "temp,temp_quality", N, RUN)
    load(archive, "temp,temp_quality", N, RUN, columns=["temp", "temp_quality"])
    assert values(archive) == {"temp": N, "temp_quality": RUN}


def test_a_state_beside_a_pump_is_a_channel(archive) -> None:
    load(archive, "pump,pump_status", N, RUN)
    assert values(archive) == {"pump": N, "pump_status": RUN}


def test_columns_of_text_are_left_out_with_the_reason(archive) -> None:
    report = load(archive, "a,unit,key", N, ["bar"] * 8, [f"k{n}" for n in N])
    assert notes(report) == {
        "unit": "names the unit of a; as an input: --inputs",
        "key": "not numbers: another text in each row",
    }


def test_names_that_differ_in_little_are_told(archive) -> None:
    report = load(archive, "Temp,temp,load,load", N, N, N, N)
    assert "'temp' differs from 'Temp' in letter case or spaces only" in report.channels[0].note
    assert "'load.1' is another column named 'load'" in report.channels[0].note
    assert len(archive.channels()) == 4
