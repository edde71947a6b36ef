"""Labels are of moments: whatever is done to the rows of a series, they cover the same samples."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ArchiveError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table
from workbench.telemetry.importers.splitting import split_channels
from workbench.telemetry.schema import make_channel

START = np.datetime64("2026-01-01", "ns")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def series(minutes, values=None):
    """A channel with a sample at each of some minutes; its value is the minute where none is named."""
    time = START + np.asarray(minutes) * np.timedelta64(60, "s")
    return make_channel(np.asarray(minutes if values is None else values), time=time, channel="temp", asset="pump")


def labels(*rows):
    return pd.DataFrame(list(rows), columns=["start", "end", "kind"])


def labelled_minutes(archive, channel="temp"):
    """Minutes of the labelled samples, by looking at the rows that `labels` returns."""
    values = archive.open(channel)["time"].values
    minutes = ((values - START) // np.timedelta64(60, "s")).tolist()
    return [
        (minutes[start : end + 1], kind)
        for start, end, kind in archive.labels(channel).itertuples(index=False, name=None)
    ]


def test_samples_in_front_of_a_label_and_inside_it_change_its_rows_alone(archive):
    archive.write(series(range(10)), series(range(20, 60, 2)), labels((5, 7, "leak")))
    assert labelled_minutes(archive) == [([30, 32, 34], "leak")]
    archive.write(series(range(10)), series([11, 13, *range(20, 60, 2)]))
    assert archive.labels("temp").values.tolist() == [[7, 9, "leak"]]
    assert labelled_minutes(archive) == [([30, 32, 34], "leak")]
    archive.write(series(range(10)), series([11, 13, *range(20, 32, 2), 33, *range(34, 60, 2)]))
    assert labelled_minutes(archive) == [([30, 33, 34], "leak")]


def test_a_replaced_series_keeps_its_labels_at_the_same_times(archive):
    archive.write(series(range(10)), series(range(20, 60)), labels((10, 12, "leak"), (30, 31, "dip")))
    archive.write(series(range(10)), series(range(25, 80), np.zeros(55)))
    assert labelled_minutes(archive) == [([30, 31, 32], "leak"), ([50, 51], "dip")]
    archive.write(series(range(10)), series(range(100, 140)))
    assert archive.labels("temp") is None, "of another time, of which nothing is known"


def test_a_label_waits_for_samples_that_are_missing(tmp_path, archive):
    """The file that replaces the series lacks a day, which comes later."""

    def file(name, minutes):
        time = pd.Timestamp(START) + pd.to_timedelta(list(minutes), unit="min")
        path = tmp_path / name / "pump.csv"
        path.parent.mkdir()
        pd.DataFrame({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "temp": range(len(time))}).to_csv(path, index=False)
        return path

    import_table(file("whole", range(100)), archive, train_until="2026-01-01T00:39Z")
    archive.set_labels("temp", labels((10, 12, "leak"), (40, 45, "dip")))
    assert labelled_minutes(archive) == [([50, 51, 52], "leak"), ([*range(80, 86)], "dip")]
    (row,) = import_table(file("part", [*range(78), *range(90, 100)]), archive, replace=True).channels
    assert "2 labels kept where they were" in row.note
    assert labelled_minutes(archive) == [([50, 51, 52], "leak")]
    import_table(file("late", range(78, 84)), archive)
    assert labelled_minutes(archive) == [([50, 51, 52], "leak"), ([80, 81, 82, 83], "dip")]


def test_rows_that_are_added_and_taken_back_move_no_label(archive):
    archive.write(series(range(10)), series(range(20, 60)), labels((10, 12, "leak"), (35, 37, "dip")))
    archive.extend([(36, series(range(56, 80), np.ones(24)))])
    assert labelled_minutes(archive) == [([30, 31, 32], "leak"), ([55, 56, 57], "dip")]


def test_samples_without_times_keep_their_numbers_when_the_channel_is_split_anew(tmp_path, archive):
    path = tmp_path / "pump.csv"
    pd.DataFrame({"time": range(100), "temp": np.arange(100.0)}).to_csv(path, index=False)
    import_table(path, archive, train_fraction=0.5)
    archive.set_labels("temp", labels((10, 12, "leak"), (30, 30, "dip")))
    first = archive.open("temp").load()
    assert first["time"].values.tolist() == list(range(50))

    def numbered():
        test = archive.open("temp")
        numbers, values = test["time"].values.tolist(), test["telemetry"].values.tolist()
        return [
            (numbers[start : end + 1], values[start : end + 1], kind)
            for start, end, kind in archive.labels("temp").itertuples(index=False, name=None)
        ]

    expected = [([10, 11, 12], [60.0, 61.0, 62.0], "leak"), ([30], [80.0], "dip")]
    assert numbered() == expected
    for end, rows in (("29", [30, 50]), ("59", [0, 20]), ("49", [10, 30])):
        split_channels(archive, ["temp"], start=None, end=end)
        assert numbered() == expected, f"split after sample {end} of the channel"
        assert archive.labels("temp")["start"].tolist() == rows
    split_channels(archive, ["temp"], start=None, end="70")
    assert numbered() == expected[1:]
    split_channels(archive, ["temp"], start=None, end="49")
    assert numbered() == expected
    assert archive.open("temp").load().identical(first)


def with_rows(archive, **more):
    """Write the attributes of the channel as archives of before have them: labels by row."""
    attributes = {name: value for name, value in archive._attributes("temp").items() if name != "label_moments"}
    archive._publisher.publish_rows([], {"temp": attributes | more})


def test_an_archive_with_rows_is_read_and_its_labels_stay_at_their_moments(tmp_path, archive):
    train, test = series(range(10)), series(range(20, 60, 2))
    archive.write(train, test)
    earlier = [["2026-01-01T00:03:00.000000000", "2026-01-01T00:05:00.000000000", "dip"]]
    with_rows(archive, labels=[[5, 7, "leak"]], earlier_labels=earlier)
    archive = Archive(archive.path)
    assert archive.info("temp").labelled
    assert labelled_minutes(archive) == [([30, 32, 34], "leak")]
    minute = 60 * 10**9
    begin = int(START.astype(np.int64))
    spans = [
        [begin + first * minute, begin + last * minute, kind] for first, last, kind in ((3, 5, "dip"), (30, 34, "leak"))
    ]
    assert archive.label_moments("temp") == {"clock": "time", "spans": spans}
    assert not archive.write(train, test), "it is the same"
    archive.extend([(20, series([70]))])
    archive.write(train, series([11, *range(20, 60, 2), 70]))
    assert labelled_minutes(archive) == [([30, 32, 34], "leak")]
    assert archive.label_moments("temp")["spans"] == spans
    archive.rebuild_index()
    assert archive.label_moments("temp")["spans"] == spans
    split_channels(archive, ["temp"], start=None, end="2026-01-01T00:02Z")
    assert labelled_minutes(archive) == [([3, 4, 5], "dip"), ([30, 32, 34], "leak")]


@pytest.mark.parametrize(
    "damaged", [{"labels": [[5, 700, "leak"]]}, {"label_moments": {"clock": "time"}},
                {"label_moments": {"clock": "time", "spans": [[5, 3, "leak"]]}}]
)  # fmt: skip
def test_labels_that_are_damaged_are_named(archive, damaged):
    archive.write(series(range(10)), series(range(20, 60)))
    with_rows(archive, **damaged)
    with pytest.raises(ArchiveError, match="The label table of temp is damaged"):
        archive.labels("temp")
    archive.set_labels("temp", labels((5, 7, "leak")))
    assert labelled_minutes(archive) == [([25, 26, 27], "leak")]
