"""Tables as people have them."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ArchiveError, ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import IMPORTERS, ChannelImport, ImportReport, import_table
from workbench.telemetry.importers.repair import sample_period

HOURS = pd.date_range("2024-03-10", periods=20, freq="h")
WAVE = np.round(np.sin(np.arange(20)) * 10, 2)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def table(separator: str = ",", decimal: str = ".", form: str = "%Y-%m-%d %H:%M:%S", header: str = "time") -> str:
    lines = [f"{header}{separator}temp{separator}speed"]
    for stamp, value in zip(HOURS, WAVE, strict=True):
        number = f"{value:.2f}".replace(".", decimal)
        lines.append(f"{stamp.strftime(form)}{separator}{number}{separator}{int(value * 100)}")
    return "\n".join(lines) + "\n"


def load(tmp_path: Path, archive: Archive, content: str | bytes, **options) -> ImportReport:
    file = tmp_path / "pump.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_table(file, archive, layout="csv", **options)


def whole(archive: Archive, channel: str) -> tuple[np.ndarray, np.ndarray]:
    parts = [archive.open(channel, split) for split in ("train", "test")]
    return (
        np.concatenate([part["time"].values for part in parts]),
        np.concatenate([part["telemetry"].values for part in parts]),
    )


def rows(values: list, header: str = "time,temp", start: str = "2024-03-10") -> str:
    stamps = pd.date_range(start, periods=len(values), freq="min")
    return (
        header + "\n" + "".join(f"{stamp.isoformat()},{value}\n" for stamp, value in zip(stamps, values, strict=True))
    )


WRITTEN = {
    "plain": table().encode(),
    "semicolons and decimal commas": table(";", ",").encode(),
    "tabs": table("\t").encode(),
    "tabs and decimal commas": table("\t", ",").encode(),
    "pipes": table("|").encode(),
    "carriage returns": table().replace("\n", "\r\n").encode(),
    "byte order mark": b"\xef\xbb\xbf" + table().encode(),
    "UTF-16 as Excel writes it": table("\t").encode("utf-16"),
    "Windows letters": table(";", ",").replace("speed", "Drehzahl Lüfter").encode("cp1252"),
    "Excel's separator line": b"sep=;\n" + table(";", ",").encode(),
    "comments first": b"# logger 7\n# site B\n\n" + table().encode(),
    "separator at each end": re.sub(r"(?m)$", ";", table(";").strip()).encode(),
    "quoted": re.sub(r"(?m)^([^,\n]*),([^,\n]*)", r'"\1","\2"', table()).encode(),
    "spaces around": table().replace(",", " , ").encode(),
    "decimal commas in quotes": re.sub(r"(?m),(-?\d+)\.(\d+)", r',"\1,\2"', table()).encode(),
    "European dates": table(";", ",", "%d.%m.%Y %H:%M", "Datum").encode(),
    "American dates": table(",", ".", "%m/%d/%Y %I:%M:%S %p", "Date").encode(),
    "date and time apart": table(form="%Y-%m-%d,%H:%M", header="Date,Time").encode(),
    "epoch": table(form="%s", header="timestamp").encode(),
    "time column last by content": "\n".join(
        f"{line.split(',')[1]},{line.split(',')[2]},{line.split(',')[0]}"
        for line in table(header="when").strip().split("\n")
    ).encode(),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_the_same_data_however_it_is_written(tmp_path: Path, archive: Archive, way: str, monkeypatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    report = load(tmp_path, archive, WRITTEN[way])
    second = "Drehzahl Lüfter" if way == "Windows letters" else "speed"
    assert archive.channels() == sorted([second, "temp"])
    assert report.count("imported") == 2
    assert [channel.repairs for channel in report.channels] == [{}, {}]
    time, values = whole(archive, "temp")
    np.testing.assert_array_equal(time, HOURS.to_numpy().astype("datetime64[ns]"))
    np.testing.assert_array_equal(values, WAVE.astype("f4"))
    info = archive.info("temp")
    assert (info.asset, info.source, info.sample_period) == ("pump", "pump.csv", "PT1H")
    assert (info.n_train, info.n_test, info.labelled) == (14, 6, False)


def test_thousands_are_understood(tmp_path: Path, archive: Archive) -> None:
    stamps = [f"2024-03-10 0{hour}:00" for hour in range(3)]
    numbers = ["1.234,5", "12.345.678,0", "7,25"]
    load(tmp_path, archive, "time;a\n" + "".join(f"{s};{n}\n" for s, n in zip(stamps, numbers, strict=True)))
    np.testing.assert_array_equal(whole(archive, "a")[1], np.array([1234.5, 12345678, 7.25], "f4"))
    american = ["1,234.5", "12,345,678", "7.25"]
    load(tmp_path, archive, "time;a\n" + "".join(f"{s};{n}\n" for s, n in zip(stamps, american, strict=True)))
    np.testing.assert_array_equal(whole(archive, "a")[1], np.array([1234.5, 12345678, 7.25], "f4"))


def test_a_time_zone_is_kept_as_utc(tmp_path: Path, archive: Archive) -> None:
    report = load(tmp_path, archive, table(), timezone="Europe/Berlin")
    assert whole(archive, "temp")[0][0] == np.datetime64("2024-03-09T23:00")
    assert report.channels[0].note == ""
    assert "taken as UTC" in load(tmp_path, archive, table(), replace=True).channels[0].note


def test_disorder_and_duplicates_are_repaired_and_counted(tmp_path: Path, archive: Archive) -> None:
    lines = rows(list(range(12))).strip().split("\n")
    header, data = lines[0], lines[1:]
    again = data[5].rsplit(",", 1)[0]
    content = "\n".join([header, *data[:3], data[4], data[3], *data[5:9], f"{again},99", f"{again},", *data[11:]])
    words = r"contradicts itself in 1 sample, the first at 2024-03-10 00:05:00 UTC: temp is 99 after 5 at the same time"
    with pytest.raises(ImportDataError, match=words):
        load(tmp_path, archive, content)
    assert archive.channels() == []
    for decision, value, count in (("keep", 5, "conflicts_kept"), ("replace", 99, "conflicts_replaced")):
        own = Archive(tmp_path / f"{decision}.zarr")
        report = load(tmp_path, own, content, on_conflict=decision)
        time, values = whole(own, "temp")
        np.testing.assert_array_equal(values, [0, 1, 2, 3, 4, value, 6, 7, 8, 11])
        assert (np.diff(time) > np.timedelta64(0)).all()
        assert report.channels[0].repairs == {"out_of_order": 3, "duplicate_times": 1, count: 1, "gaps": 1}


def test_missing_values_stay_missing_and_are_counted_in_each_part(tmp_path: Path, archive: Archive) -> None:
    values = [10.0] * 60
    text = [str(value) for value in values]
    text[2] = "8"
    text[3:5] = ["", "NaN"]
    text[5] = "11"
    text[6] = "ERR"
    text[7] = "13"
    text[20:35] = ["n/a"] * 15
    text[19], text[59] = "5", "-"
    report = load(tmp_path, archive, rows(text), train_fraction=0.9)
    stored = whole(archive, "temp")[1]
    np.testing.assert_array_equal(stored[2:8], [8, np.nan, np.nan, 11, np.nan, 13])
    assert np.flatnonzero(np.isnan(stored)).tolist() == [3, 4, 6, *range(20, 35), 59]
    assert report.channels[0].repairs == {"unreadable_values": 1, "missing_values": 19}


def test_rows_without_a_time_or_with_too_many_fields_are_dropped_and_counted(tmp_path: Path, archive: Archive) -> None:
    content = rows(list(range(12))) + "soon,5\n,6\n2024-03-11T00:00,1,2,3\n"
    report = load(tmp_path, archive, content)
    assert report.channels[0].repairs == {"rows_dropped": 3}
    assert len(whole(archive, "temp")[1]) == 12


def test_columns_that_are_no_sensor_are_skipped_with_the_reason(tmp_path: Path, archive: Archive) -> None:
    content = "time,temp,state,empty,,late\n" + "".join(
        f"2024-03-10 00:{minute:02},{minute},on,,{minute},{'' if minute < 30 else 4}\n" for minute in range(40)
    )
    report = load(tmp_path, archive, content)
    assert {channel.channel: (channel.status, channel.note) for channel in report.channels[1:]} == {
        "late": ("skipped", "no values in the training series; another training span: --train-from, --train-until"),
        "state": ("skipped", "not numbers: 'on' in every row; as an input: --inputs"),
        "empty": ("skipped", "no values"),
        "unnamed 5": ("skipped", "the column has no name"),
    }
    assert archive.channels() == ["temp"]


def test_inputs_go_along_with_every_channel(tmp_path: Path, archive: Archive) -> None:
    content = "time,a,b,mode,valve,load\n" + "".join(
        f"2024-03-10 00:{minute:02},{minute},{-minute},{'heat' if minute % 2 else 'cool'},{minute % 2},{minute / 4}\n"
        for minute in range(10)
    )
    content += "2024-03-10 00:10,1,1,,,\n"
    report = load(tmp_path, archive, content, inputs=["mode", "valve", "load"])
    assert archive.channels() == ["a", "b"]
    for channel in ("a", "b"):
        test = archive.open(channel)
        assert test["command"].values.tolist() == ["mode=cool", "mode=heat", "valve", "load"]
        np.testing.assert_array_equal(test["commands"][-2], [0, 1, 1, 2.25])
        np.testing.assert_array_equal(test["commands"][-1], [0, 1, 1, 2.25])
    assert report.channels[0].repairs == {"input_values_held": 3}


@pytest.mark.parametrize(
    ("words", "sequences"),
    [
        (
            ["0"] * 12 + ["1", "1", "0", "1", "0", "0", "0", "1"],
            [(2, 3, "anomaly"), (5, 5, "anomaly"), (9, 9, "anomaly")],
        ),
        (["false"] * 16 + ["True"] * 2 + ["false"] * 2, [(6, 7, "anomaly")]),
        (["1"] * 12 + ["-1"] * 3 + ["1"] * 5, [(2, 4, "anomaly")]),
        (["normal"] * 12 + ["Leak"] * 3 + ["stuck"] * 2 + ["OK"] * 3, [(2, 4, "leak"), (5, 6, "stuck")]),
        (["0"] * 20, []),
    ],
)
def test_labels_become_sequences_of_the_test_series(
    tmp_path: Path, archive: Archive, words: list[str], sequences: list[tuple[int, int, str]]
) -> None:
    cells = [f"{number},{word}" for number, word in enumerate(words)]
    load(tmp_path, archive, rows(cells, "time,temp,label"), label_column="label", train_fraction=0.5)
    assert archive.channels() == ["temp"]
    assert list(archive.labels("temp").itertuples(index=False, name=None)) == sequences


def test_labels_in_training_and_missing_ones_are_counted(tmp_path: Path, archive: Archive) -> None:
    words = ["0", "1", "1", "", "0", "0", "1", "", "0", "0"]
    cells = [f"{number},{word}" for number, word in enumerate(words)]
    report = load(tmp_path, archive, rows(cells, "time,temp,label"), label_column="label", train_fraction=0.5)
    assert report.channels[0].repairs == {"labels_in_training": 2, "missing_labels": 2}
    assert archive.labels("temp").values.tolist() == [[1, 1, "anomaly"]]


def test_the_split_can_be_set(tmp_path: Path, archive: Archive) -> None:
    load(tmp_path, archive, table(), train_fraction=0.25)
    assert archive.info("temp").n_train == 5
    load(tmp_path, archive, table(), train_until="2024-03-10 02:00", replace=True)
    assert archive.info("temp").n_train == 3
    load(tmp_path, archive, table(), train_until="10.03.2024 05:30", timezone="Europe/Berlin", replace=True)
    assert archive.info("temp").n_train == 6
    load(tmp_path, archive, table(), train_until="2024-03-10T05:30:00+02:00", replace=True)
    assert archive.info("temp").n_train == 4


def test_a_counter_instead_of_a_time_becomes_sample_numbers(tmp_path: Path, archive: Archive) -> None:
    content = "time,temp\n" + "".join(f"{number * 0.5},{number}\n" for number in range(10))
    report = load(tmp_path, archive, content, train_until="2.5")
    assert archive.info("temp").n_train == 6
    assert archive.info("temp").sample_period == "unknown"
    np.testing.assert_array_equal(archive.open("temp")["time"], np.arange(4))
    assert "counter" in report.channels[0].note


def test_names_are_kept_as_they_are_and_units_apart(tmp_path: Path, archive: Archive) -> None:
    content = rows(["1,2,3,4", "2,3,4,5", "3,4,5,6"], "time,Öl-Temp [°C],../../etc/passwd,öl temp,öl/temp")
    report = load(tmp_path, archive, content, asset="Pumpe 7/A")
    names = [channel.channel for channel in report.channels]
    assert names == ["Öl-Temp", "../../etc/passwd", "öl temp", "öl/temp"]
    assert archive.info("Öl-Temp").units == "°C"
    assert archive.info("Öl-Temp").asset == "Pumpe 7/A"
    assert load(tmp_path, archive, content, asset="Pumpe 7/A").count("unchanged") == 4


NAMES_OF_COLUMNS = {
    "轴承温度,电机电流,振动": ["轴承温度", "电机电流", "振动"],
    "ΔP,μ,Temp/°C": ["ΔP", "μ", "Temp/°C"],
    "P1:TEMP,my sensor (2),температура": ["P1:TEMP", "my sensor (2)", "температура"],
    "T [in],T [out],T [°C]": ["T [in]", "T [out]", "T [°C]"],
    "load,lo\u200bad,lo\u202ead": ["load", "load-2", "load-3"],
    "O\u0308l,a\u00a0 b,.": ["Öl", "a b", "."],
    f"{'x' * 200},{'y' * 201}1,{'y' * 201}2": [
        "x" * 200,
        "y" * 183 + "~" + hashlib.sha256(b"y" * 201 + b"1").hexdigest()[:16],
        "y" * 183 + "~" + hashlib.sha256(b"y" * 201 + b"2").hexdigest()[:16],
    ],
}


@pytest.mark.parametrize("header", NAMES_OF_COLUMNS)
def test_a_channel_is_called_as_its_column_is(tmp_path: Path, archive: Archive, header: str) -> None:
    report = load(tmp_path, archive, rows(["1,2,3", "2,3,4", "3,4,5"], f"time,{header}"), asset="P")
    assert [channel.channel for channel in report.channels] == NAMES_OF_COLUMNS[header]
    renamed = [channel.note for channel in report.channels if channel.channel.startswith("load-")]
    assert all("another column is named load" in note for note in renamed)


def test_units_are_apart_unless_they_tell_columns_apart(tmp_path: Path, archive: Archive) -> None:
    load(tmp_path, archive, rows(["1,2", "2,3", "3,4"], "time,T [in],T [out]"), asset="P")
    assert archive.info("T [in]").units == ""
    report = load(tmp_path, archive, rows(["1", "2", "3"], "time,T [in]"), asset="P")
    assert [(channel.channel, channel.status) for channel in report.channels] == [("T [in]", "unchanged")]


def test_what_an_earlier_release_named_otherwise_is_told(tmp_path: Path, archive: Archive) -> None:
    load(tmp_path, archive, rows([1, 2, 3], "time,Ol-Temp"), asset="P")
    report = load(tmp_path, archive, rows([1, 2, 3], "time,Öl-Temp"), asset="P")
    assert "P has Ol-Temp too, as earlier releases named this column" in report.channels[0].note
    assert archive.channels() == ["Ol-Temp", "Öl-Temp"]


def test_another_assets_channel_is_never_replaced(tmp_path: Path, archive: Archive) -> None:
    load(tmp_path, archive, rows([1, 2, 3]), asset="A")
    load(tmp_path, archive, rows([4, 5, 6]), asset="B")
    assert load(tmp_path, archive, rows([4, 5, 6]), asset="B").channels[0].status == "unchanged"
    assert {channel: archive.info(channel).asset for channel in archive.channels()} == {"temp": "A", "B.temp": "B"}
    load(tmp_path, archive, rows([7, 8, 9]), asset="A", replace=True)
    np.testing.assert_array_equal(whole(archive, "temp")[1], [7, 8, 9])


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("a,b\n1,2\n3,4\n", {}, r"no time column \(found: a, b\).*--time-column"),
        ("", {}, "is empty"),
        ("\n\n# only a comment\n", {}, "is empty"),
        ("time,temp\n", {}, "no rows"),
        ("2024-03-10,1\n2024-03-11,2\n", {}, "first line holds values"),
        ("time,temp\n2024-03-10,1\n", {}, "1 sample cannot be split"),
        ("time,state\n2024-03-10,on\n2024-03-11,off\n", {}, "no column of numbers"),
        (rows([1, 1e300, 3]), {}, r"Column 'temp' is 1e\+300 in row 2"),
        (rows([1, 2, 3]), {"time_column": "when"}, r"no column 'when'.*Columns: time, temp"),
        (rows(["a", "b", "c"]), {"time_column": "temp"}, r"'temp' holds no times \(a, b, c\)"),
        (rows([1, 2, 3]), {"inputs": ["valve"]}, "no column 'valve'"),
        (rows([1, 2, 3]), {"inputs": ["time"]}, "'time' holds the times"),
        (rows([1, 2, 3]), {"inputs": ["temp", "temp"]}, "named twice"),
        (rows([1, 2, 3]), {"inputs": ["temp"]}, "no column of numbers"),
        (rows(["1,", "2,"], "time,temp,valve"), {"inputs": ["valve"]}, "Input 'valve' has no values"),
        (rows([f"{n},w{n}" for n in range(70)], "time,temp,m"), {"inputs": ["m"]}, "70 different words"),
        (rows([1, 2, 3]), {"label_column": "label"}, "no column 'label'"),
        (rows([f"{n},{n}" for n in range(50)], "time,a,b"), {"label_column": "b"}, "50 different values"),
        (rows([1, 2, 3]), {"train_fraction": 1.5}, "between 0 and 1"),
        (rows([1, 2, 3]), {"train_fraction": float("nan")}, "between 0 and 1"),
        (rows([1, 2, 3]), {"train_fraction": 0.5, "train_until": "2024"}, "exclude each other"),
        (rows([1, 2, 3]), {"train_until": "2023-01-01"}, "before the first sample"),
        (rows([1, 2, 3]), {"train_until": "2025-01-01"}, "not before the last sample"),
        (rows([1, 2, 3]), {"train_until": "soon"}, "train_until is no time"),
        (rows([1, 2, 3]), {"timezone": "Mars/Base"}, "no time zone 'Mars/Base'"),
        (b"\x00\x01\x02PK", {}, "is not text"),
        ("time,temp\n" + "soon,1\n" * 600 + "2024-03-10,1\n", {"time_column": "time"}, "holds no times"),
        ("time,temp\n" + "2024-03-10,1\n" * 500 + "soon,1\n" * 600, {}, "500 readable times in 1100 rows"),
        ('time,temp\n2024-03-10,1\n2024-03-11,"2\n', {}, "cannot be read as CSV"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error(tmp_path, archive, content, options, says: str) -> None:
    with pytest.raises(ImportDataError, match=says):
        load(tmp_path, archive, content, **options)
    assert archive.channels() == []


def test_a_missing_file_a_folder_and_an_unknown_layout(tmp_path: Path, archive: Archive) -> None:
    with pytest.raises(ImportDataError, match="does not exist"):
        import_table(tmp_path / "nowhere.csv", archive, layout="csv")
    with pytest.raises(ImportDataError, match="is a folder"):
        import_table(tmp_path, archive, layout="parquet")
    with pytest.raises(ImportDataError, match="csv, parquet"):
        import_table(tmp_path, archive, layout="docx")


def test_an_archive_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    with pytest.raises(ArchiveError):
        load(tmp_path, Archive(tmp_path / "home" / "archive.zarr"), table())


@pytest.mark.parametrize("kind", ["naive", "zoned", "index", "text"])
def test_parquet(tmp_path: Path, archive: Archive, kind: str) -> None:
    frame = pd.DataFrame({"time": HOURS, "temp": WAVE, "count": np.arange(20), "mode": ["a", "b"] * 10})
    frame.loc[3, "temp"] = np.nan
    if kind == "zoned":
        frame["time"] = frame["time"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    elif kind == "text":
        frame["time"] = frame["time"].dt.strftime("%d.%m.%Y %H:%M")
    if kind == "index":
        frame = frame.set_index("time").rename_axis(None)
    file = tmp_path / "pump.parquet"
    frame.to_parquet(file)
    report = IMPORTERS["parquet"](file, archive, inputs=["mode"])
    assert archive.channels() == ["count", "temp"]
    time, values = whole(archive, "temp")
    np.testing.assert_array_equal(time, HOURS.to_numpy().astype("datetime64[ns]"))
    np.testing.assert_array_equal(np.delete(values, 3), np.delete(WAVE, 3).astype("f4"))
    assert report.channels[0].repairs == {"missing_values": 1}
    assert archive.open("temp")["command"].values.tolist() == ["mode=a", "mode=b"]


def test_a_damaged_parquet_file(tmp_path: Path, archive: Archive) -> None:
    file = tmp_path / "pump.parquet"
    pd.DataFrame({"time": HOURS, "temp": WAVE}).to_parquet(file)
    content = file.read_bytes()
    for damaged in (content[:-20], b"", b"PAR1", content[:50] + b"\xff" * 100 + content[150:]):
        file.write_bytes(damaged)
        with pytest.raises(ImportDataError, match="cannot be read as Parquet"):
            IMPORTERS["parquet"](file, archive)
    pd.DataFrame({"temp": WAVE}).to_parquet(file)
    with pytest.raises(ImportDataError, match="no time column"):
        IMPORTERS["parquet"](file, archive)
    assert archive.channels() == []


@pytest.mark.parametrize(
    ("seconds", "duration"), [(0.001, "PT0.001S"), (1, "PT1S"), (90, "PT1M30S"), (86_400, "P1D"), (7200, "PT2H")]
)
def test_sample_periods(seconds: float, duration: str) -> None:
    stamps = np.datetime64("2024-01-01", "ns") + np.arange(4) * np.timedelta64(round(seconds * 1e9), "ns")
    assert sample_period(stamps) == duration


def test_the_report_is_a_table() -> None:
    report = ImportReport(
        "csv", Path("a"), (ChannelImport("t", "imported", 7, 3, {"gaps": 1}), ChannelImport("u", "skipped"))
    )
    frame = report.to_frame()
    assert frame["gaps"].tolist() == [1, 0]
    assert frame["status"].tolist() == ["imported", "skipped"]
