"""Folders of AWS Lookout for Equipment, and labels as times."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError, LabelError
from workbench.session import open_session
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table
from workbench.telemetry.importers.sources import find_sources


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def part(file: Path, start: str, hours: int, **columns: int) -> Path:
    time = pd.date_range(start, periods=hours, freq="h")
    names = columns or {"Sensor1": 1, "Sensor2": 2}
    values = {name: np.arange(hours) + factor for name, factor in names.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"Timestamp": time.strftime("%Y-%m-%d-%H-%M-%S"), **values}).to_csv(file, index=False)
    return file


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """As the service takes it: a folder a component, its files one after another, the same names in each folder."""
    root = tmp_path / "expander"
    for component, factor in (("subsystem-01", 0), ("subsystem-02", 500)):
        for month, start in (("part-1", "2024-01-01"), ("part-2", "2024-01-05")):
            part(root / component / f"{month}.csv", start, 96, **{f"signal-{factor}": factor, "speed": factor})
    return root


def test_a_folder_an_asset_is_recognised(dataset: Path, archive: Archive) -> None:
    report = import_table(dataset, archive)
    assert (report.layout, report.failures, report.n_files) == ("lookout", {}, 4)
    infos = {info.channel: info for info in archive.infos()[0]}
    assert {name: (info.asset, info.n_train + info.n_test) for name, info in infos.items()} == {
        "signal-0": ("subsystem-01", 192),
        "signal-500": ("subsystem-02", 192),
        "speed": ("subsystem-01", 192),
        "subsystem-02.speed": ("subsystem-02", 192),
    }
    assert import_table(dataset, archive, layout="lookout").count("unchanged") == 4


def test_a_session_recognises_it_and_a_file_a_sensor_needs_the_name_of_the_layout(dataset, tmp_path) -> None:
    part(tmp_path / "compressor" / "valve" / "temp.csv", "2024-01-01", 48, temp=1)
    part(tmp_path / "compressor" / "valve" / "flow.csv", "2024-01-01", 48, flow=1)
    assert find_sources([tmp_path / "compressor"], "lookout").keys() == {"lookout"}
    with open_session(tmp_path, home=tmp_path / "home") as session:
        assert session.import_data(dataset).layout == "lookout"
        session.import_data(tmp_path / "compressor", "lookout")
        assets = session.channels()["asset"]
        assert assets[["temp", "flow"]].tolist() == ["valve", "valve"]


@pytest.mark.parametrize(
    ("files", "assets"),
    [
        ([("a/pump.csv", "2024-01-01"), ("b/pump.csv", "2024-02-01")], {"pump"}),
        ([("site/pump1.csv", "2024-01-01"), ("site/pump2.csv", "2024-01-01")], {"pump1", "pump2"}),
        ([("pump1.csv", "2024-01-01"), ("a/pump2.csv", "2024-02-01")], {"pump1", "pump2"}),
        ([("a/b/pump1.csv", "2024-01-01"), ("a/b/pump2.csv", "2024-02-01")], {"pump1", "pump2"}),
    ],
)
def test_other_folders_are_read_as_before(tmp_path, archive, files, assets) -> None:
    """One name in several folders, machines at the same times, tables that lie elsewhere: a file is an asset."""
    for name, start in files:
        part(tmp_path / "root" / name, start, 30)
    report = import_table(tmp_path / "root", archive)
    assert (report.layout, {info.asset for info in archive.infos()[0]}) == ("csv", assets)


def test_labels_of_two_times_a_row_hold_for_all_channels(dataset, archive, tmp_path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("2024-01-03T10:00:00,2024-01-03T12:30:00\n2024-01-07T00:00:00,2024-01-07T05:00:00\n")
    report = import_table(dataset, archive, labels=labels, train_until="2024-01-05")
    assert report.channels[0].repairs["labels_in_training"] == 3  # 10, 11 and 12 o'clock
    for channel in archive.channels():
        times = archive.open(channel)["time"].values
        ((start, end, kind),) = archive.labels(channel).to_numpy()
        spans = (str(times[start])[:16], str(times[end])[:16], kind)
        assert spans == ("2024-01-07T00:00", "2024-01-07T05:00", "anomaly")
    labels.write_text("start,end\n2024-01-08 00:00:00,2024-01-08 02:00:00\n")
    report = import_table(dataset, archive, labels=labels)
    row = report.channels[0]
    assert (row.status, row.repairs["labels_added"], row.repairs["label_conflicts_kept"]) == ("changed", 3, 9)
    assert "the labels of 9 samples differ, those of the archive are kept: --on-conflict replace" in row.note
    assert len(archive.labels("speed")) == 2
    report = import_table(dataset, archive, labels=labels, on_conflict="replace")
    assert report.channels[0].repairs["label_conflicts_replaced"] == 9
    assert len(archive.labels("speed")) == len(archive.label_moments("speed")["spans"]) == 1


def test_labels_that_contradict_the_archive_are_told(tmp_path, archive) -> None:
    """The column of labels says normal where the archive holds an anomaly, and the other way round."""
    time = pd.date_range("2024-03-01", periods=20, freq="h", tz="UTC")
    frame = pd.DataFrame({"time": time, "temp": range(20), "state": ["ok"] * 15 + ["leak"] * 3 + ["ok"] * 2})
    file = tmp_path / "pump.csv"
    frame.to_csv(file, index=False)
    import_table(file, archive, label_column="state")
    frame["state"] = ["ok"] * 16 + ["leak"] + ["stuck"] * 2 + ["ok"]
    frame.to_csv(file, index=False)
    (row,) = import_table(file, archive, label_column="state").channels
    assert (row.status, row.repairs["labels_added"], row.repairs["label_conflicts_kept"]) == ("changed", 1, 2)
    assert "the labels of 2 samples differ" in row.note
    frame["state"] = "ok"
    frame.to_csv(file, index=False)
    (row,) = import_table(file, archive, label_column="state").channels
    assert row.status == "unchanged" and "the labels of 4 samples differ, those of the archive are kept" in row.note
    (row,) = import_table(file, archive, label_column="state", on_conflict="replace").channels
    assert (row.status, row.repairs["label_conflicts_replaced"], len(archive.labels("temp"))) == ("changed", 4, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2024-01-03,2024-01-02\n", "line 1 ends before it starts"),
        ("2024-01-01,2024-01-02\nsoon,later\n", "line 2 is not two times: soon, later"),
        ("2024-01-01,2024-01-02,leak,2,x\n", "line 1 is not two times"),
        ("5,9\n", "is not two times"),
        ("03/04/2024 10:00,03/05/2024 10:00\n", "day first and month first"),
        ("", "cannot be read"),
    ],
)
def test_labels_that_cannot_be_understood_are_refused(dataset, archive, tmp_path, text: str, words: str) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(text)
    with pytest.raises(LabelError, match=words):
        import_table(dataset, archive, labels=labels)
    assert archive.channels() == []


def test_labels_as_the_service_documents_them_are_read_month_first(dataset, archive, tmp_path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("1/2/2024 0:00,1/3/2024 0:00\n1/7/2024 0:05,1/7/2024 3:05\n12/25/2024 0:00,12/26/2024 0:00\n")
    import_table(dataset, archive, labels=labels, train_until="2024-01-05")
    times = archive.open("speed")["time"].values
    ((start, end, _),) = archive.labels("speed").to_numpy()
    assert (str(times[start])[:16], str(times[end])[:16]) == ("2024-01-07T01:00", "2024-01-07T03:00")
    with pytest.raises(ImportDataError, match="labels and label_column exclude each other"):
        import_table(dataset, archive, labels=labels, label_column="speed")
