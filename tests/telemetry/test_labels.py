"""Telemanom's label file."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from workbench.exceptions import LabelError
from workbench.telemetry.labels import read_labelled_series, read_labels

HEADER = "chan_id,spacecraft,anomaly_sequences,class,num_values\n"


def rows(text: str, channel: str) -> list[tuple[int, int, str]]:
    return list(read_labels(text)[channel].itertuples(index=False, name=None))


def test_sequences_are_sorted_and_keep_their_class() -> None:
    text = HEADER + 'P-1,SMAP,"[[40, 50], [3, 9]]","[point, contextual]",60\nT-1,MSL,"[[0, 59]]",[point],60\n'
    assert rows(text, "P-1") == [(3, 9, "contextual"), (40, 50, "point")]
    assert rows(text, "T-1") == [(0, 59, "point")]
    assert {column: str(dtype) for column, dtype in read_labels(text)["P-1"].dtypes.items()} == {
        "start": "int64",
        "end": "int64",
        "kind": "str",
    }


def test_two_rows_of_a_channel_become_their_union() -> None:
    text = HEADER + (
        'P-2,SMAP,"[[10, 20], [50, 60]]","[point, point]",100\nQ-1,SMAP,[],[],10\n'
        'P-2,SMAP,"[[10, 20], [55, 70], [80, 90]]","[contextual, contextual, contextual]",100\n'
    )
    assert [row[:2] for row in rows(text, "P-2")] == [(10, 20), (50, 70), (80, 90)]
    assert rows(text, "Q-1") == []


def test_overlaps_within_one_row_stay_as_labelled() -> None:
    assert len(rows(HEADER + 'P-3,SMAP,"[[1, 5], [4, 9]]","[point, point]",10\n', "P-3")) == 2


def test_spacecraft_and_length_are_kept() -> None:
    series = read_labelled_series(HEADER + 'M-1,MSL,"[[1, 5]]",[point],10\n')["M-1"]
    assert (series.channel, series.asset, series.n_samples) == ("M-1", "MSL", 10)
    short = read_labelled_series('chan_id,anomaly_sequences\nM-1,"[[1, 5]]"\n')["M-1"]
    assert (short.asset, short.n_samples, short.labels["kind"].tolist()) == ("", None, ["unknown"])


def test_one_class_holds_for_all_and_a_wrong_number_for_none() -> None:
    assert {kind for *_, kind in rows(HEADER + 'A-1,S,"[[1, 2], [4, 5]]",[point],9\n', "A-1")} == {"point"}
    text = HEADER + 'A-1,S,"[[1, 2], [4, 5], [7, 8]]","[point, contextual]",9\n'
    assert {kind for *_, kind in rows(text, "A-1")} == {"unknown"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "no column 'chan_id'"),
        ("\n\n", "no column 'chan_id'"),
        (HEADER + ',SMAP,"[[1, 2]]",[point],10\n', "chan_id is empty"),
        (HEADER + 'A-1,SMAP,"[[5, 2]]",[point],10\n', r"\[5, 2\] lies outside"),
        (HEADER + 'A-1,SMAP,"[[5, 10]]",[point],10\n', r"line 2 \(A-1\): sequence \[5, 10\].*0 to 9"),
        (HEADER + 'A-1,SMAP,"[[-1, 3]]",[point],10\n', "lies outside"),
        (HEADER + 'A-1,SMAP,"[[1, 3]",[point],10\n', "must be a list"),
        (HEADER + 'A-1,SMAP,"[[1.5, 3]]",[point],10\n', "must be a list"),
        (HEADER + 'A-1,SMAP,"[[true, 3]]",[point],10\n', "must be a list"),
        (HEADER + 'A-1,SMAP,"__import__(""os"").abort()",[point],10\n', "must be a list"),
        (HEADER + "A-1,SMAP," + "[" * 60_000 + ",[point],10\n", "must be a list"),
        (HEADER + 'A-1,SMAP,"[[1, 3]]",[point],ten\n', "num_values"),
        (HEADER + 'A-1,SMAP,"[[1, 3]]",[point],' + "9" * 5000 + "\n", "num_values"),
        (HEADER + "A-1," + "x" * 200_000 + "\n", "is not CSV"),
    ],
)
def test_malformed_labels_say_where_and_what(text: str, says: str) -> None:
    with pytest.raises(LabelError, match=says):
        read_labels(text)


def test_a_file_with_byte_order_mark_is_read_and_a_missing_or_binary_one_named(tmp_path: Path) -> None:
    file = tmp_path / "labeled_anomalies.csv"
    file.write_bytes(b"\xef\xbb\xbf" + HEADER.encode() + b'A-1,SMAP,"[[1, 3]]",[point],10\r\n')
    assert list(read_labels(file)) == ["A-1"]
    assert list(read_labels(str(file))) == ["A-1"]
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelError, match="not UTF-8"):
        read_labels(file)
    with pytest.raises(LabelError, match="cannot be read"):
        read_labels(tmp_path / "nowhere.csv")


@pytest.mark.nasa
def test_the_tuning_split_has_its_documented_anomalies(nasa_zip: Path) -> None:
    with ZipFile(nasa_zip) as bundle:
        series = read_labelled_series(bundle.read("labeled_anomalies.csv").decode())
    counts = {asset: sum(len(s.labels) for s in series.values() if s.asset == asset) for asset in ("SMAP", "MSL")}
    assert len(series) == 41
    assert counts == {"SMAP": 39, "MSL": 18}
