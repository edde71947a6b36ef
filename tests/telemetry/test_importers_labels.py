"""Labels as people have them: files of times in every usual form, and label columns."""

import json
from pathlib import Path

import pandas as pd
import pytest

from workbench.exceptions import ImportDataError, LabelError
from workbench.judging import find_labels
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table

FIRST = "2024-03-01 10:00"
DAY = "2024-03-01"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


@pytest.fixture
def pump(tmp_path: Path) -> Path:
    return minutes(tmp_path / "pump.csv")


def minutes(path: Path, n: int = 20, **columns: list) -> Path:
    """Twenty minutes from 10:00 on, of which the first fourteen are training, of two channels where none are named."""
    time = pd.date_range(FIRST, periods=n, freq="min")
    pd.DataFrame({"time": time} | (columns or {"temp": range(n), "load": range(n)})).to_csv(path, index=False)
    return path


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


SPANS = [(1, 3, "anomaly")]  # 10:15 to 10:17 is samples 1 to 3 of the test series, which begins at 10:14
FORMS = {
    "start and end": ("x.csv", f"{DAY} 10:15,{DAY} 10:17\n"),
    "with a header": ("x.csv", f"start,end\n{DAY} 10:15,{DAY} 10:17\n"),
    "of a channel": ("x.csv", f"channel,start,end\ntemp,{DAY} 10:15,{DAY} 10:17\n"),
    "of an asset": ("x.csv", f"asset,start,end\npump,{DAY} 10:15,{DAY} 10:17\n"),
    "of either, without a header": ("x.csv", f"pump,{DAY} 10:15,{DAY} 10:17\n"),
    "of a channel of an asset": ("x.csv", f"asset;channel;start;end\npump;temp;{DAY} 10:15;{DAY} 10:17\n"),
    "day first, in German": ("x.csv", "Anlage;Beginn;Ende\npump;01.03.2024 10:15;01.03.2024 10:17\n"),
    "with an offset": ("x.csv", "asset,start,end\npump,2024-03-01T12:15:00+02:00,2024-03-01T12:17:00+02:00\n"),
    "as epoch": ("x.csv", "asset,start,end\npump,1709288100,1709288220\n"),
    "clocks in columns of their own": (
        "x.csv",
        f"asset,start_date,start_time,end_date,end_time\npump,{DAY},10:15,{DAY},10:17\n",
    ),
    "a name under an unknown header": ("x.csv", f"Aggregat,Von,Bis\npump,{DAY} 10:15,{DAY} 10:17\n"),
    "NAB's windows": (
        "x.json",
        json.dumps({"a/pump.csv": [[f"{DAY} 10:15:00.000000", f"{DAY} 10:17:00.000000"]]}),
    ),
    "NAB's labels": ("x.json", json.dumps({"pump.csv": [f"{DAY} 10:15", f"{DAY} 10:16", f"{DAY} 10:17"]})),
    "work orders": ("x.csv", f"machineID,failure_time,repair_time\npump,{DAY} 10:15:00,{DAY} 10:17:30\n"),
    "Telemanom's, with times": (
        "x.csv",
        f'chan_id,spacecraft,anomaly_sequences,class\ntemp,X,"[[""{DAY} 10:15"", ""{DAY} 10:17""]]",[anomaly]\n',
    ),
    "Telemanom's, with sample numbers": ("x.csv", 'chan_id,anomaly_sequences,class\ntemp,"[[1, 3]]",[anomaly]\n'),
    "JSON lines": ("x.jsonl", f'{{"channel": "temp", "start": "{DAY} 10:15", "end": "{DAY} 10:17"}}\n\n'),
    "JSON lines in milliseconds": ("x.jsonl", '{"asset": "pump", "start": 1709288100000, "end": 1709288220000}\n'),
    "JSON list": ("x.json", f'[{{"machine": "pump", "from": "{DAY} 10:15", "to": "{DAY} 10:17"}}]'),
    "JSON lines of Telemanom": (
        "x.jsonl",
        '{"chan_id": "temp", "anomaly_sequences": [[1, 3]], "class": "[anomaly]"}\n',
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_labels_the_same_samples_at_import_and_in_an_evaluation(
    pump: Path, archive: Archive, tmp_path: Path, form: str
) -> None:
    labels = write(tmp_path, *FORMS[form])
    import_table(pump, archive, labels=labels)
    assert list(archive.labels("temp").itertuples(index=False, name=None)) == SPANS
    truth = find_labels(archive, archive.channels(), labels)
    assert list(truth.tables["temp"][["start", "end", "kind"]].itertuples(index=False, name=None)) == SPANS
    assert truth.notes == ()


def test_labels_of_a_channel_are_not_those_of_others(pump: Path, archive: Archive, tmp_path: Path) -> None:
    labels = write(tmp_path, "x.csv", f"channel,start,end,kind\nload,{DAY} 10:15,{DAY} 10:17,Leak\n")
    import_table(pump, archive, labels=labels)
    assert archive.labels("temp") is None
    assert archive.labels("load").values.tolist() == [[1, 3, "leak"]]
    assert list(find_labels(archive, archive.channels(), labels).tables) == ["load"]


def test_the_same_channel_name_at_two_assets_is_labelled_by_asset(archive: Archive, tmp_path: Path) -> None:
    files = [minutes(tmp_path / f"{name}.csv", temp=list(range(20))) for name in ("a", "b")]
    labels = write(tmp_path, "x.csv", f"asset,channel,start,end\nb,temp,{DAY} 10:15,{DAY} 10:17\n")
    import_table(files, archive, labels=labels)
    assert (archive.labels("temp"), len(archive.labels("b.temp"))) == (None, 1)
    assert list(find_labels(archive, archive.channels(), labels).tables) == ["b.temp"]


def test_kinds_overlap_and_rows_that_say_normal_label_nothing(pump: Path, archive: Archive, tmp_path: Path) -> None:
    rows = [f"{DAY} 10:14,{DAY} 10:16,leak", f"{DAY} 10:16,{DAY} 10:17,stuck", f"{DAY} 10:18,{DAY} 10:19,normal"]
    labels = write(tmp_path, "x.csv", "start,end,class\n" + "\n".join(rows) + "\n")
    import_table(pump, archive, labels=labels)
    assert archive.labels("temp").values.tolist() == [[0, 2, "leak"], [2, 3, "stuck"]]


def test_a_failure_without_repair_labels_its_moment(pump: Path, archive: Archive, tmp_path: Path) -> None:
    """The failures of machines as Microsoft's Azure publishes them, and one between two samples."""
    labels = write(
        tmp_path, "x.csv", f"datetime,machineID,failure\n{DAY} 10:15:00,pump,comp4\n{DAY} 10:17:30,pump,comp1\n"
    )
    import_table(pump, archive, labels=labels)
    assert archive.labels("temp").values.tolist() == [[1, 1, "comp4"], [3, 3, "comp1"]]
    labels = write(
        tmp_path, "y.csv", f"machine,failed_at,repaired_at\npump,{DAY} 10:15,\npump,{DAY} 10:17,{DAY} 10:18\n"
    )
    truth = find_labels(archive, archive.channels(), labels)
    assert truth.tables["temp"][["start", "end", "kind"]].values.tolist() == [[1, 1, "anomaly"], [3, 4, "anomaly"]]


def test_what_is_in_training_outside_or_unknown_is_counted(pump: Path, archive: Archive, tmp_path: Path) -> None:
    rows = {
        "folder/pump.csv": [
            [f"{DAY} 10:05:00.000000", f"{DAY} 10:07:00.000000"],
            [f"{DAY} 10:13:00.000000", f"{DAY} 10:14:00.000000"],
            ["2024-02-01 00:00:00.000000", "2024-02-02 00:00:00.000000"],
            ["2024-05-01 00:00:00.000000", "2024-05-02 00:00:00.000000"],
        ],
        "folder/fan.csv": [[f"{DAY} 10:05:00.000000", f"{DAY} 10:07:00.000000"]],
        "folder/quiet.csv": [],
    }
    labels = write(tmp_path, "x.json", json.dumps(rows))
    report = import_table(pump, archive, labels=labels)
    assert archive.labels("temp").values.tolist() == [[0, 0, "anomaly"]]
    for row in report.channels[:2]:
        assert row.repairs == {"labels_in_training": 4, "labels_outside": 2}
    told = report.channels[2]
    assert (told.channel, told.status, told.note) == ("x.json", "skipped", "1 label for other names: fan")
    truth = find_labels(archive, ["temp"], labels)
    assert truth.tables["temp"][["start", "end", "kind"]].values.tolist() == [[0, 0, "anomaly"]]
    assert truth.notes == (
        "Not judged: 4 labelled samples in training series.",
        "Not judged: 2 labels outside of the data.",
        "Not judged: 1 label for other names: fan.",
    )


def test_a_file_without_labels_says_that_nothing_was_anomalous(pump: Path, archive: Archive, tmp_path: Path) -> None:
    import_table(pump, archive, labels=write(tmp_path, "x.json", '{"pump.csv": []}'))
    assert len(archive.labels("temp")) == 0


def test_local_times_of_labels_are_read_in_their_zone(pump: Path, archive: Archive, tmp_path: Path) -> None:
    import_table(pump, archive)
    labels = write(tmp_path, "x.csv", f"start,end\n{DAY} 11:15,{DAY} 11:17\n")
    truth = find_labels(archive, ["temp"], labels, "Europe/Berlin")
    assert truth.tables["temp"][["start", "end", "kind"]].values.tolist() == [[1, 3, "anomaly"]]
    with pytest.raises(ImportDataError, match="date_order must be day or month"):
        find_labels(archive, ["temp"], labels, date_order="banana")


def test_an_evaluation_without_any_label_says_what_the_file_names(pump: Path, archive: Archive, tmp_path: Path) -> None:
    import_table(pump, archive)
    labels = write(tmp_path, "x.csv", f"asset,start,end\nfan,{DAY} 10:15,{DAY} 10:17\n")
    with pytest.raises(LabelError, match=r"No channel of the archive is labelled.* 1 label for other names: fan"):
        find_labels(archive, archive.channels(), labels)


def test_sample_numbers_for_a_channel_that_is_there_are_told(pump: Path, archive: Archive, tmp_path: Path) -> None:
    labels = write(tmp_path, "x.csv", 'chan_id,anomaly_sequences,class\ntemp,"[[1, 3], [9, 9]]",[point]\n')
    import_table(pump, archive)
    report = import_table(pump, archive, labels=labels)
    assert "labels as sample numbers are for new channels" in {row.channel: row for row in report.channels}["temp"].note
    (row, *_) = import_table(pump, archive, labels=labels, replace=True).channels
    assert row.repairs["labels_outside"] == 1
    assert archive.labels("temp").values.tolist() == [[1, 3, "point"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"pump,{DAY} 10:15,soon\n", "line 1 is not two times: pump, "),
        (f"channel,start,end\ntemp,{DAY} 10:15,{DAY} 10:17\ntemp,{DAY} 10:18,\n", "line 3 is not two times"),
        (f"channel,start,end\ntemp,{DAY} 10:15,{DAY} 10:17\ntemp,{DAY} 10:18\n", "line 3 has 2 fields, not 3"),
        (f"channel,start,end\ntemp,{DAY} 10:15,{DAY} 10:17\n,{DAY} 10:18,{DAY} 10:19\n", "neither a channel nor an"),
        (f"line,shift,start,end\n1,A,{DAY} 10:15,{DAY} 10:17\n", "meaning is not clear: line, shift"),
        (
            "colour,size\nred,4\n",
            r"line 2 is not two times: red, 4 \(columns: colour, size\). Understood: ",
        ),
        ('{"pump.csv": [[1, 2, 3]]}', "pump.csv is not a list of start and end"),
        ('{"pump.csv": [["2024-03-01 10:07", "2024-03-01 10:05"]]}', "entry 1 ends before it starts"),
        ('{"channel": "temp", "start": \n', "not JSON at line 1"),
        ("[1, 2]", "hold no JSON objects"),
        ("[" * 100_000, "nested too deeply|not JSON"),
        ("a\0b", "are not text"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_with_the_forms_that_are(
    pump: Path, archive: Archive, tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(LabelError, match=words):
        import_table(pump, archive, labels=write(tmp_path, "x.csv", text))
    assert archive.channels() == []


# ---- a column of labels

STATES = ["Running"] * 15 + ["Fault"] * 5


def labelled(folder: Path, words: list[str], **options: object) -> tuple[Archive, str]:
    archive = Archive(folder / "labels.zarr")
    path = minutes(folder / "states.csv", temp=list(range(20)), state=words)
    report = import_table(path, archive, label_column="state", **options)
    return archive, report.channels[0].note


def test_words_for_states_are_no_anomalies(tmp_path: Path) -> None:
    archive, note = labelled(tmp_path, STATES)
    assert archive.labels("temp").values.tolist() == [[1, 5, "fault"]]
    assert "labels: running is taken as normal" in note


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["1"] * 15 + ["2"] * 5, r"100 % of the samples .* 1 \(15 samples\), 2 \(5 samples\)\. .* --normal-label 1"),
        (["alpha"] * 15 + ["beta"] * 5, "--normal-label alpha"),
        (["ok"] * 9 + ["leak"] * 11, "55 % of the samples.*--normal-label leak"),
        (["1"] * 20, "100 % .*--normal-label 0 if 1 marks an anomaly, or --normal-label 1 if it means normal"),
        ([f"{number / 20:.2f}" for number in range(20)], "20 different values with decimals, 0 to 0.95: it measures"),
    ],
)
def test_a_column_that_does_not_say_what_is_normal_is_questioned(
    tmp_path: Path, words: list[str], message: str
) -> None:
    with pytest.raises(ImportDataError, match=message):
        labelled(tmp_path, words)


@pytest.mark.parametrize(
    ("words", "normal", "spans"),
    [
        (["1"] * 15 + ["2"] * 5, "1", [[1, 5, "2"]]),
        (["1.0"] * 15 + ["2.0"] * 5, "1", [[1, 5, "2"]]),
        (["1"] * 15 + ["2"] * 3 + ["3"] * 2, ("1", "3"), [[1, 3, "2"]]),
        (STATES, "running", [[1, 5, "fault"]]),
        (["ok"] * 9 + ["leak"] * 11, "ok", [[0, 5, "leak"]]),
        (["1"] * 15 + ["0"] * 5, "1", [[1, 5, "anomaly"]]),
        (["1"] * 20, "0", [[0, 5, "anomaly"]]),
        (["1"] * 20, "1", []),
    ],
)
def test_the_values_that_mean_normal_can_be_passed(
    tmp_path: Path, words: list[str], normal: str | tuple[str, ...], spans: list
) -> None:
    archive, _ = labelled(tmp_path, words, normal_label=normal)
    assert archive.labels("temp").values.tolist() == spans


def test_a_value_for_normal_that_does_not_occur_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportDataError, match=r"does not hold 'Runing'. Its values: running \(15 samples\), fault"):
        labelled(tmp_path, STATES, normal_label="Runing")


def test_a_mark_at_faults_alone_leaves_the_rest_normal(tmp_path: Path) -> None:
    archive, _ = labelled(tmp_path, [""] * 15 + ["Fault"] * 5)
    assert archive.labels("temp").values.tolist() == [[1, 5, "fault"]]
