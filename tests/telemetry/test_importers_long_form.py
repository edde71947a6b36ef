"""Tables in the long form: a key, a time and a value in each row."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import ImportReport, import_table

SECONDS = [f"2024-03-01 10:00:{second:02}" for second in range(6)]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def load(archive: Archive, content: str, **options) -> ImportReport:
    file = archive.path.parent / "plant.csv"
    file.write_text(content, encoding="utf-8")
    return import_table(file, archive, layout="csv", **options)


def values(archive: Archive) -> dict[str, list[float | None]]:
    """Return every channel with its values, None where one is missing."""
    series = {
        channel: np.concatenate([archive.open(channel, part)["telemetry"].values for part in ("train", "test")])
        for channel in archive.channels()
    }
    return {name: [None if np.isnan(one) else float(one) for one in own] for name, own in series.items()}


def first_time(archive: Archive, channel: str) -> str:
    return str(archive.open(channel, "train")["time"].values[0].astype("datetime64[s]"))


def long_form(header: str = "tag,timestamp,value", rest: str = "") -> str:
    lines = [
        line
        for second, stamp in enumerate(SECONDS)
        for line in (f"P1.TEMP,{stamp},{70 + second}{rest}", f"P1.FLOW,{stamp},{5 + second}{rest}")
    ]
    return "\n".join([header, *lines]) + "\n"


TEMP, FLOW = [70, 71, 72, 73, 74, 75], [5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    "header",
    [
        "tag,timestamp,value",
        "Point Name,Time,Reading",
        "series,ts,Value",
        "VarName,TimeString,VarValue",
        "sensor_id,datetime,val",
        "Kanal,Zeitstempel,Messwert",
        "whatever,time,value",
    ],
)
def test_each_tag_of_the_long_form_is_a_channel(archive, header: str) -> None:
    report = load(archive, long_form(header))
    assert values(archive) == {"P1.FLOW": FLOW, "P1.TEMP": TEMP}
    assert report.count("imported") == 2
    assert [row.repairs for row in report.channels if row.status == "imported"] == [{}, {}]
    key = header.split(",")[0]
    (note,) = [row.note for row in report.channels if row.channel == key]
    assert note.startswith("names the channel of each row")


def test_tags_with_clocks_of_their_own_keep_them(archive) -> None:
    lines = [f"A,2024-03-01 10:{minute:02}:00,{minute}" for minute in range(6)]
    lines += [f"B,2024-03-01 10:{minute:02}:07,{-minute}" for minute in range(0, 6, 2)]
    load(archive, "\n".join(["tag,time,value", *sorted(lines, key=lambda line: line.split(",")[1])]) + "\n")
    assert values(archive) == {"A": [0, 1, 2, 3, 4, 5], "B": [0, -2, -4]}
    assert first_time(archive, "B") == "2024-03-01T10:00:07"


def test_units_of_tags_become_those_of_channels_and_the_rest_is_told(archive) -> None:
    content = "tag,time,value,unit,comment\n" + "".join(
        f"T,{stamp},{second},degC,c{second}\np,{stamp},{second * 2},bar,\n" for second, stamp in enumerate(SECONDS)
    )
    report = load(archive, content)
    assert {channel: archive.info(channel).units for channel in archive.channels()} == {"T": "degC", "p": "bar"}
    notes = {row.channel: row.note for row in report.channels if row.status == "skipped"}
    assert notes["unit"] == "names the unit of each channel"
    assert notes["comment"].startswith("stands beside tag and value in the long form")


def test_bad_values_of_the_long_form_are_missing_and_counted_by_tag(archive) -> None:
    content = '"Tag","Timestamp","Value","Status"\n' + "".join(
        f'"A","{stamp}","{second}","{"Bad" if second == 2 else "Good"}"\n"B","{stamp}","{second * 2}","Good"\n'
        for second, stamp in enumerate(SECONDS)
    )
    report = load(archive, content.replace('"2","Bad"', '"900","Bad"'))
    assert values(archive) == {"A": [0, 1, None, 3, 4, 5], "B": [0, 2, 4, 6, 8, 10]}  # the bad 900 is missing
    repairs = {row.channel: row.repairs for row in report.channels}
    assert repairs["A"] == {"bad_quality": 1, "missing_values": 1}
    assert repairs["B"] == {}
    assert "good taken as good (Status)" in report.channels[0].note


def test_codes_that_mean_good_in_one_system_and_bad_in_another_are_asked_for(archive) -> None:
    content = "tag,time,value,status\n" + "".join(
        f"A,{stamp},{second},{second % 2}\nB,{stamp},{second},0\n" for second, stamp in enumerate(SECONDS)
    )
    with pytest.raises(ImportDataError, match=r"which values of 'status' mean good \(0, 1\).*--good VALUE"):
        load(archive, content)
    load(archive, content, quality_column="status", good="0")
    assert values(archive)["A"] == [0, None, 2, None, 4, None]  # 1, 3 and 5 are bad: missing


def test_options_settle_what_names_do_not(archive) -> None:
    content = "a,when,b,c\n" + "".join(f"x,{stamp},{n},7\ny,{stamp},{n * 3},8\n" for n, stamp in enumerate(SECONDS))
    with pytest.raises(ImportDataError, match=r"which column holds the values of 'a'.*--value-column"):
        load(archive, content, channel_column="a")
    with pytest.raises(ImportDataError, match=r"no column 'z'.*--channel-column"):
        load(archive, content, channel_column="z")
    load(archive, content, channel_column="a", value_column="b")
    assert values(archive) == {"x": [0, 1, 2, 3, 4, 5], "y": [0, 3, 6, 9, 12, 15]}


def test_two_machines_with_tags_of_one_name(archive) -> None:
    content = "asset,tag,time,value\n" + "".join(
        f"{asset},{tag},{stamp},{n + add}\n"
        for n, stamp in enumerate(SECONDS)
        for asset, tag, add in (("P1", "TEMP", 0), ("P1", "FLOW", 10), ("P2", "TEMP", 20))
    )
    load(archive, content)
    by_asset = {(archive.info(name).asset, values[0]): name for name, values in values(archive).items()}
    assert set(by_asset) == {("P1", 0), ("P1", 10), ("P2", 20)}


def test_a_state_beside_one_value_is_no_key(archive) -> None:
    content = "time,mode,value\n" + "".join(
        f"{stamp},{'on' if n % 2 else 'off'},{n}\n" for n, stamp in enumerate(SECONDS)
    )
    load(archive, content)
    assert values(archive) == {"value": [0, 1, 2, 3, 4, 5]}


def test_wincc_with_its_own_marks(archive) -> None:
    lines = [f'"TEMP";"{10 + n}.03.2024 10:00:00";{n},5;1;4536{n},4' for n in range(6)]
    lines += [f'"FLOW";"{10 + n}.03.2024 10:00:00";{n};{int(n != 3)};4536{n},4' for n in range(6)]
    lines += ['"$RT_COUNT$";"16.03.2024 10:00:00";12;1;45360,4']
    content = '"VarName";"TimeString";"VarValue";"Validity";"Time_ms"\n' + "\n".join(lines) + "\n"
    report = load(archive, content)
    assert values(archive) == {"FLOW": [0, 1, 2, None, 4, 5], "TEMP": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]}
    assert {row.channel: row.repairs.get("bad_quality") for row in report.channels[:2]} == {"TEMP": None, "FLOW": 1}


def test_grafana_in_rows(archive) -> None:
    content = '"Series";"Time";"Value"\n' + "".join(
        f'"cpu {core}";"{stamp}";"{n + core}"\n' for core in range(2) for n, stamp in enumerate(SECONDS)
    )
    load(archive, content)
    assert values(archive) == {"cpu 0": [0, 1, 2, 3, 4, 5], "cpu 1": [1, 2, 3, 4, 5, 6]}


def test_tags_whose_safe_names_are_the_same_stay_two(archive) -> None:
    content = "tag,time,value\n" + "".join(f"T 1,{stamp},{n}\n" for n, stamp in enumerate(SECONDS))
    content += "".join(f"T/1,{stamp[:-2]}{n * 2 + 1:02},{-n}\n" for n, stamp in enumerate(SECONDS))
    load(archive, content)
    assert sorted(values(archive).values()) == [[0, -1, -2, -3, -4, -5], [0, 1, 2, 3, 4, 5]]


def test_parquet_with_types_in_the_long_form(archive) -> None:
    times = pd.to_datetime(SECONDS)
    frame = pd.DataFrame({"tag": ["A", "B"] * 6, "time": times.repeat(2), "value": np.arange(12.0)})
    file = archive.path.parent / "plant.parquet"
    frame.assign(tag=frame["tag"].astype("category")).to_parquet(file)
    import_table(file, archive, layout="parquet")
    assert values(archive) == {"A": [0, 2, 4, 6, 8, 10], "B": [1, 3, 5, 7, 9, 11]}


def test_labels_of_the_long_form_are_those_of_the_value_in_their_row(archive) -> None:
    content = "tag,time,value,label\n" + "".join(
        f"A,{stamp},{n},{int(n == 4)}\nB,{stamp},{n},{int(n == 5)}\n" for n, stamp in enumerate(SECONDS)
    )
    load(archive, content, label_column="label", train_fraction=0.5)
    assert {name: archive.labels(name).values.tolist() for name in archive.channels()} == {
        "A": [[1, 1, "anomaly"]],
        "B": [[2, 2, "anomaly"]],
    }


def test_a_long_form_without_times_is_refused_with_its_own_columns(archive) -> None:
    content = "tag,value\n" + "".join(f"A,{n}\nB,{n}\n" for n in range(6))
    with pytest.raises(ImportDataError, match=r"no time column \(found: tag, value\)"):
        load(archive, content)
