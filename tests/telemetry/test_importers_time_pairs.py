"""Tables in which each value has a column of times of its own."""

from pathlib import Path

import numpy as np
import pytest

from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import ImportReport, import_table


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def load(archive: Archive, content: str, **options) -> ImportReport:
    file = archive.path.parent / "plant.csv"
    file.write_text(content, encoding="utf-8")
    return import_table(file, archive, layout="csv", **options)


def series(archive: Archive) -> dict[str, tuple[str, list[float]]]:
    """The first time and the values of every channel."""
    parts = {channel: [archive.open(channel, part) for part in ("train", "test")] for channel in archive.channels()}
    return {
        channel: (
            str(train["time"].values[0].astype("datetime64[s]")),
            np.concatenate([train["telemetry"].values, test["telemetry"].values]).tolist(),
        )
        for channel, (train, test) in parts.items()
    }


A = ("2024-03-01T10:00:00", [0, 1, 2, 3, 4])
B = ("2024-03-01T10:05:00", [0, 2, 4, 6, 8])


def pairs(header: str) -> str:
    lines = [f"2024-03-01 10:00:0{n},{n},2024-03-01 10:05:0{n},{2 * n}" for n in range(5)]
    return "\n".join([header, *lines]) + "\n"


@pytest.mark.parametrize(
    "header",
    [
        "Time1,A,Time2,B",
        "Time,A,Time,B",
        "Time,A,Time.1,B",
        "A time,A,B time,B",
        "Timestamp_A,A,Timestamp_B,B",
        "A,,B,",
    ],
)
def test_each_value_is_at_its_own_times(archive, header: str) -> None:
    report = load(archive, pairs(header))
    assert series(archive) == {"A": A, "B": B}
    assert [(row.status, row.repairs) for row in report.channels] == [("imported", {})] * 2


def test_a_shorter_series_ends_earlier(archive) -> None:
    content = "Time1,A,Time2,B\n" + "".join(
        f"2024-03-01 10:00:0{n},{n},{f'2024-03-01 10:05:0{n},{2 * n}' if n < 3 else ','}\n" for n in range(5)
    )
    report = load(archive, content)
    assert series(archive) == {"A": A, "B": (B[0], [0, 2, 4])}
    assert [row.repairs for row in report.channels] == [{}, {}]


def test_equal_times_are_one_clock(archive) -> None:
    content = "Time1,A,Time2,B\n" + "".join(
        f"2024-03-01 10:00:0{n},{n},2024-03-01 10:00:0{n},{2 * n}\n" for n in range(5)
    )
    load(archive, content, inputs="B")
    assert series(archive) == {"A": A}
    assert archive.open("A")["command"].values.tolist() == ["B"]


def test_two_times_of_one_row_are_no_pairs(archive) -> None:
    content = "time,a,received date,b\n" + "".join(
        f"2024-03-01 10:00:0{n},{n},2024-03-01 10:05:0{n},{2 * n}\n" for n in range(5)
    )
    load(archive, content)
    assert series(archive) == {"a": A, "b": (A[0], B[1])}


def test_the_column_of_times_can_be_named(archive) -> None:
    load(archive, pairs("Time1,A,Time2,B"), time_column="Time2")
    assert series(archive) == {"A": (B[0], A[1]), "B": B}
