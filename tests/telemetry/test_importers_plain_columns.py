"""Plain columns, which are imported all together, are written as each of them is alone: the same bytes and words."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import WorkbenchError
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving import publishing
from workbench.telemetry.importers import delivery as delivery_module
from workbench.telemetry.importers import import_table
from workbench.telemetry.importers.plain_columns import plain_channels

NAMES = ("a [K]", "b", "c.d", "B", "e", "empty", "gappy")


def table(
    first: int, count: int, *, names: tuple[str, ...] = NAMES, step: str = "1min", level: float = 0
) -> pd.DataFrame:
    numbers = np.arange(first, first + count)
    random = np.random.default_rng(7)
    noise = random.normal(size=(5000, len(NAMES)))[numbers]
    frame = pd.DataFrame({name: noise[:, NAMES.index(name)] + level for name in names})
    if "empty" in names:
        frame["empty"] = np.nan
    if "gappy" in names:
        frame.loc[frame.index[3::17], "gappy"] = np.nan
    frame.insert(0, "time", pd.Timestamp("2024-01-01") + numbers * pd.Timedelta(step))
    return frame


def dump(archive: Archive) -> dict[str, Any]:
    """Return all that the store holds, but for its identity and what is noted of inodes."""
    content: dict[str, Any] = {
        str(file.relative_to(archive.path)): file.read_bytes()
        for file in sorted(archive.path.rglob("*"))
        if file.is_file() and file.name not in ("index.db", "tail.db") and file.parent != archive.path
    }
    for database, tables in (
        ("index.db", ("revision", "channel", "piece", "score")),
        ("tail.db", ("publication", "payload")),
    ):
        if (archive.path / database).exists():
            with closing(sqlite3.connect(archive.path / database)) as connection:
                content |= {name: sorted(connection.execute(f"SELECT * FROM {name}")) for name in tables}
                if database == "index.db":
                    content["verified"] = sorted(connection.execute("SELECT channel, part FROM verified"))
    return content


STEPS: dict[str, list[tuple[Callable[[], pd.DataFrame], dict[str, Any], int]]] = {
    "days": [(lambda place=place: table(100 * place, 100), {}, 5) for place in range(6)],
    "gap and jump": [
        (lambda: table(0, 100), {"train_fraction": 0.4}, 5),
        (lambda: table(140, 30), {"train_fraction": 0.9}, 5),
        (lambda: table(170, 1), {}, 5),
        (lambda: table(20, 30, step="10min"), {}, 0),
    ],
    "overlaps": [
        (lambda: table(50, 100), {"train_until": "2024-01-01 01:20"}, 5),
        (lambda: table(100, 100), {}, 5),
        (lambda: table(60, 40), {}, 5),
        (lambda: table(70, 40).drop(index=[5]), {}, 0),
        (lambda: table(180, 20), {"on_conflict": "replace"}, 5),
        (lambda: table(190, 20, level=1), {}, 0),
        (lambda: table(190, 20, level=1), {"on_conflict": "replace"}, 0),
        (lambda: table(190, 20, level=1), {}, 5),
        (lambda: table(0, 20), {"train_fraction": 0.1}, 0),
        (lambda: table(300, 20), {"train_until": "2024-01-01 01:20"}, 0),
        (lambda: table(400, 20), {"train_until": "2024-01-01 03:20"}, 0),
        (lambda: table(500, 100), {"replace": True}, 0),
    ],
    "others": [
        (lambda: table(0, 60, names=("b", "e")), {"train_from": "2024-01-01 00:10"}, 0),
        (lambda: table(60, 60), {}, 2),  # B is asked about, as b is there
        (lambda: table(120, 60).rename(columns={"a [K]": "a [degC]"}), {}, 2),
        (lambda: table(180, 60).rename(columns={"a [K]": "a"}), {}, 2),
        (lambda: table(240, 60).drop(columns="b"), {"inputs": ["e"]}, 0),
        (lambda: table(300, 60).assign(word="x"), {}, 3),
        (lambda: table(360, 60).assign(state=0), {"label_column": "state"}, 0),
    ],
    "endings": [
        (lambda: table(0, 1), {}, 0),
        (lambda: table(0, 40), {"train_until": "2025"}, 0),
        (lambda: table(0, 40).sample(frac=1, random_state=1), {"on_conflict": "keep"}, 5),
        (lambda: table(40, 40).astype({"b": str}).replace({"b": {"nan": ""}}), {}, 5),
        (lambda: table(0, 80).iloc[70:], {}, 5),
    ],
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_plain_columns_are_written_as_each_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[Callable[[], pd.DataFrame], dict[str, Any], int]]
) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(publishing, "_MERGED_PIECES", 4)
    counts = []

    def counting(*arguments: Any) -> Any:
        plain = plain_channels(*arguments)
        counts.append(len(plain))
        return plain

    together, alone = Archive(tmp_path / "together.zarr"), Archive(tmp_path / "alone.zarr")
    for place, (make, options, expected) in enumerate(steps):
        now += 60
        file = tmp_path / f"file-{place}.csv"
        make().to_csv(file, index=False)
        outcomes = []
        for archive, function in ((together, counting), (alone, lambda *_: {})):
            monkeypatch.setattr(delivery_module, "plain_channels", function)
            try:
                report = import_table(file, archive, asset="Plant", **options)
                outcomes.append((report.to_frame().to_dict(), [one.training_changed for one in report.channels]))
            except WorkbenchError as error:
                outcomes.append((error.message, error.hint))
        assert outcomes[0] == outcomes[1]
        assert dump(together) == dump(alone)
        assert counts[-1] == expected, f"step {place}"
    for channel in together.channels():
        for split in ("train", "test"):
            together.check_deeply(channel, split)
            assert together.open(channel, split).identical(alone.open(channel, split))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Return an archive with the first hundred samples of the table."""
    return added(Archive(tmp_path / "archive.zarr"), table(0, 100))


def added(archive: Archive, frame: pd.DataFrame, **options: Any) -> Archive:
    file = archive.path.with_name("file.csv")
    frame.to_csv(file, index=False)
    import_table(file, archive, asset="Plant", **options)
    return archive


@pytest.mark.parametrize("plain", [True, False])
def test_samples_that_another_process_adds_meanwhile_are_kept(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, plain: bool
) -> None:
    write_all = Archive.write_all
    if not plain:
        monkeypatch.setattr(delivery_module, "plain_channels", lambda *arguments: {})

    def late(self: Archive, channels: Any, based_on: Any) -> list[bool]:
        monkeypatch.setattr(Archive, "write_all", write_all)
        added(Archive(archive.path), table(100, 20))
        return write_all(self, channels, based_on)

    monkeypatch.setattr(Archive, "write_all", late)
    added(archive, table(120, 20))
    expected = table(0, 140)["b"].to_numpy(np.float32)
    stored = [archive.open("b", split)["telemetry"].values for split in ("train", "test")]
    np.testing.assert_array_equal(np.concatenate(stored), expected)


@pytest.mark.parametrize("on_conflict", [None, "replace"])
def test_what_contradicts_another_process_is_decided_as_if_it_had_come_later(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, on_conflict: Any
) -> None:
    write_all = Archive.write_all

    def late(self: Archive, channels: Any, based_on: Any) -> list[bool]:
        monkeypatch.setattr(Archive, "write_all", write_all)
        added(Archive(archive.path), table(100, 20, names=("b",)))
        return write_all(self, channels, based_on)

    monkeypatch.setattr(Archive, "write_all", late)
    if on_conflict is None:
        with pytest.raises(WorkbenchError, match="contradict"):
            added(archive, table(100, 20, names=("b",), level=9))
    else:
        added(archive, table(100, 20, names=("b",), level=9), on_conflict=on_conflict)
    level = 0 if on_conflict is None else 9
    expected = table(100, 20, names=("b",), level=level)["b"].to_numpy(np.float32)
    np.testing.assert_array_equal(archive.open("b")["telemetry"].values[-20:], expected)


@pytest.mark.parametrize("split", ["train", "test"])
def test_nothing_is_added_to_damaged_samples(archive: Archive, split: str) -> None:
    chunk = next(path for path in archive.path.rglob(f"_assets/*/*/{split}/telemetry/c/*/*"))
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(WorkbenchError, match=r"Nothing can be added to a: Channel a is damaged"):
        added(Archive(archive.path), table(100, 20))
    assert archive.info("b").n_test == 30
