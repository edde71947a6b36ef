"""A watched folder: what comes is imported once, however the process ends, and what cannot be is put aside."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import homes
import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.archive_files import file_of
from workbench.exceptions import ArchiveError, ImportDataError, LabelError
from workbench.jobs.settled_files import FileState
from workbench.jobs.watch_folder import FolderWatch
from workbench.jobs.watch_memory import WatchMemory

DAYS = 24
FAULT_DAY = 19
SPAN = {"train_from": "2025-01-01", "train_until": "2025-01-10"}
WAIT_S = 120.0


def pump(days: int = DAYS, faults: tuple[int, ...] = (FAULT_DAY,), seed: int = 4) -> pd.DataFrame:
    """A pump with a sample every five minutes, and a fault of five hours on some days."""
    random = np.random.default_rng(seed)
    samples = np.arange(days * 288)
    values = 50 + 5 * np.sin(samples / 40) + random.normal(0, 0.2, samples.size)
    for day in faults:
        values[day * 288 + 100 : day * 288 + 160] += 9
    stamps = pd.date_range("2025-01-01", periods=samples.size, freq="5min").strftime("%Y-%m-%d %H:%M:%S")
    return pd.DataFrame({"time": stamps, "bearing": values.round(4)})


def daily_files(folder: Path, table: pd.DataFrame) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for day, rows in table.groupby(table["time"].str[:10]):
        files.append(folder / f"pump-{day}.csv")
        rows.to_csv(files[-1], index=False)
    return files


def outcome(home: Path) -> tuple[list[object], list[object]]:
    """The samples, scores and alerts of a home."""
    with wb.open(home=home) as session:
        data: list[object] = []
        for name in session.archive.channels():
            for split in ("train", "test"):
                series = session.archive.open(name, split)
                data += [name, split, series["time"].values.tolist(), series["telemetry"].values.tolist()]
            scored = session.stored(name)
            assert scored is not None
            data += [scored[one].values.tobytes() for one in ("prediction", "smoothed_error", "epsilon")]
        alerts = session.maintenance.alerts.list(state=None)
        rows = alerts[["channel", "first_at", "last_at", "level"]].astype(str).sort_values("first_at")
        return data, rows.values.tolist()


def import_whole(home: Path, table: pd.DataFrame, **options: str) -> None:
    """What one import of everything makes."""
    file = home.parent / f"{home.name}-whole" / "pump.csv"
    file.parent.mkdir()
    table.to_csv(file, index=False)
    with wb.open(home=home) as session:
        session.import_data(file, asset="pump", **(options or SPAN))
        session.train()
        session.score_all()
        session.raise_alerts()


@pytest.fixture
def whole(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return homes.copy_of("pump-whole", lambda home: import_whole(home, pump()), tmp_path_factory, tmp_path / "whole")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[wb.Session]:
    with wb.open(home=tmp_path / "home") as session:
        yield session


class Watched:
    """A watch of a folder in this process; `take` takes what is there."""

    def __init__(self, session: wb.Session, folder: Path) -> None:
        self.session, self.folder, self.lines = session, folder, list[str]()
        folder.mkdir(exist_ok=True)

    def take(self, **options: object) -> tuple[int, int, int, int]:
        self.lines.clear()
        train = bool(options.pop("train", True))
        options = {"asset": "pump", **SPAN} | options
        watch = FolderWatch(
            self.session, self.folder, options=options, settle_s=0.0, train=train, announce=self.lines.append
        )
        try:
            taken = watch.take_all()
        finally:
            watch.close()
        return taken.imported, taken.copies, taken.rejected, taken.waiting

    def said(self, words: str) -> bool:
        return any(words in line for line in self.lines)


@pytest.fixture
def watched(session: wb.Session, tmp_path: Path) -> Watched:
    return Watched(session, tmp_path / "in")


@pytest.mark.slow
def test_files_that_come_in_pieces_are_one_series_with_the_alerts_of_the_whole(watched, whole, tmp_path) -> None:
    """They wait until something is left to score, and files that were taken before are not taken again."""
    files = daily_files(tmp_path / "days", pump())
    for place, part in enumerate((files[:5], files[5:14], files[14:20], files[20:])):
        for file in part:
            (watched.folder / file.name).write_bytes(file.read_bytes())
        assert watched.take() == ((0, 0, 0, 5), (14, 0, 0, 0), (6, 0, 0, 0), (4, 0, 0, 0))[place]
    assert watched.take() == (0, 0, 0, 0)
    expected = outcome(whole)
    assert outcome(watched.session.settings.home) == expected
    assert len(expected[1]) == 1


@pytest.mark.slow
def test_a_copy_and_a_renamed_file_are_not_taken_again(watched, tmp_path) -> None:
    files = daily_files(watched.folder, pump(14, ()))
    (watched.folder / "again").mkdir()
    (watched.folder / "again" / "copy.csv").write_bytes(files[3].read_bytes())
    assert watched.take(train=False) == (14, 1, 0, 0)
    files[5].rename(watched.folder / "renamed.csv")
    (watched.folder / "second copy.csv").write_bytes(files[6].read_bytes())
    os.utime(files[7])
    assert watched.take(train=False) == (0, 3, 0, 0)
    assert watched.said("renamed.csv: the same content as pump-2025-01-06.csv, imported before")
    assert not watched.said("bearing"), "nothing is imported"
    assert watched.session.archive.info("bearing").n_test == 14 * 288 - 9 * 288 - 1


def test_what_cannot_be_read_is_put_aside_with_the_reason(watched, tmp_path) -> None:
    daily_files(watched.folder, pump(12, ()))
    below = watched.folder / "line 2"
    below.mkdir()
    (below / "notes.csv").write_text("a,b\n1,2\n")
    (watched.folder / "report.pdf").write_bytes(b"%PDF-1.4")
    wrong = pump(12, ()).iloc[3000:3010].assign(bearing=0.0)
    wrong.to_csv(watched.folder / "wrong.csv", index=False)
    assert watched.take(train=False) == (12, 0, 3, 0)
    rejected = watched.folder / "rejected"
    assert sorted(path.relative_to(rejected).as_posix() for path in rejected.rglob("*.*")) == [
        "line 2/notes.csv",
        "line 2/notes.csv.why.txt",
        "report.pdf",
        "report.pdf.why.txt",
        "wrong.csv",
        "wrong.csv.why.txt",
    ]
    why = (rejected / "line 2" / "notes.csv.why.txt").read_text()
    assert "There is no time column (found: a, b)" in why
    command = "workbench import '{}' --asset pump --train-from 2025-01-01 --train-until 2025-01-10"
    assert command.format((rejected / "line 2" / "notes.csv").absolute()) in why
    assert "contradicts bearing of the archive in 10 samples" in (rejected / "wrong.csv.why.txt").read_text()
    assert watched.take(train=False) == (0, 0, 0, 0), "what lies in rejected/ is left alone"
    (watched.folder / "wrong.csv").write_text("time,bearing\n")
    assert watched.take(train=False) == (0, 0, 1, 0)
    assert (rejected / "wrong-2.csv").exists(), "another content of the same name replaces nothing"


def test_a_wrong_option_rejects_no_file(watched, tmp_path) -> None:
    (file,) = daily_files(watched.folder, pump(1, ()))
    for option, words in (
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"train_until": "soon"}, "train_until is no time"),
        ({"on_conflict": "both"}, "on_conflict must be"),
        ({"date_order": "week"}, "date_order must be"),
    ):
        with pytest.raises(ImportDataError, match=words):
            watched.take(**option)
    with pytest.raises(LabelError, match="cannot be read"):
        watched.take(labels=tmp_path / "none.csv")
    with pytest.raises(ImportDataError, match="is not a folder"):
        FolderWatch(watched.session, file)
    assert file.exists()


def test_a_file_for_a_damaged_channel_waits_and_is_not_rejected(watched, tmp_path) -> None:
    files = daily_files(tmp_path / "days", pump(12, ()))
    for file in files[:11]:
        (watched.folder / file.name).write_bytes(file.read_bytes())
    watched.take(train=False)
    chunk = file_of(watched.session.archive, "bearing", "test/telemetry/c")
    sound = chunk.read_bytes()
    chunk.write_bytes(sound[:-4])
    (watched.folder / files[11].name).write_bytes(files[11].read_bytes())
    assert watched.take(train=False) == (0, 0, 0, 1)
    assert watched.said("Nothing can be added to bearing") and not (watched.folder / "rejected").exists()
    chunk.write_bytes(sound)
    assert watched.take(train=False) == (1, 0, 0, 0)


def test_a_memory_whose_schema_is_no_text_any_more_is_made_anew(tmp_path) -> None:
    file = tmp_path / "watch.db"
    WatchMemory(file, tmp_path, "pump").close()
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE files (", b"CREATE \x88ABLE files ("))
    memory = WatchMemory(file, tmp_path, "pump")
    assert memory.was_damaged
    memory.close()


@pytest.mark.parametrize("how", ["empty", "noise", "another table"])
def test_a_memory_that_is_damaged_while_it_is_in_use_is_made_anew(session, tmp_path, how) -> None:
    folder, lines = tmp_path / "in", list[str]()
    files = daily_files(folder, pump())
    options = {"asset": "pump", **SPAN}
    late = files[-1].rename(tmp_path / "late.csv")
    watch = FolderWatch(session, folder, options=options, settle_s=0.0, train=False, announce=lines.append)
    assert watch.take_all().imported == DAYS - 1
    memory = tmp_path / "home" / "watch.db"
    if how == "another table":
        with closing(sqlite3.connect(memory)) as connection, connection:
            connection.execute("ALTER TABLE files RENAME TO filed")
    else:
        memory.write_bytes(b"" if how == "empty" else b"x" * memory.stat().st_size)
    late.rename(files[-1])
    assert watch.take_all().imported >= 1
    assert any("was damaged and is made anew" in line for line in lines)
    watch.close()
    assert (tmp_path / "home" / "watch.db.damaged").exists()
    watch = FolderWatch(session, folder, options=options, settle_s=0.0, train=False, announce=lines.append)
    watch.take_all()
    assert watch.take_all().imported == 0
    watch.close()
    assert session.archive.info("bearing").n_train + session.archive.info("bearing").n_test == DAYS * 288


def test_one_process_watches_a_folder_at_a_time_and_a_damaged_memory_is_made_anew(watched, tmp_path) -> None:
    daily_files(watched.folder, pump(12, ()))
    watched.take(train=False)
    first = FolderWatch(watched.session, watched.folder)
    second = FolderWatch(watched.session, watched.folder)
    with first._locked(), pytest.raises(ImportDataError, match="watched already by another process"):
        second.take_all()
    first.close()
    second.close()
    memory = watched.session.settings.home / "watch.db"
    memory.write_bytes(b"SQLite format 3\0" + os.urandom(4096))
    before = watched.session.archive.info("bearing")
    assert watched.take(train=False) == (12, 0, 0, 0)
    assert watched.said("was damaged and is made anew")
    assert watched.session.archive.info("bearing") == before
    with pytest.raises(ArchiveError, match="cannot be written"):
        WatchMemory(tmp_path / "in", tmp_path, "")


def test_a_path_in_the_memory_that_is_no_text_any_more_is_still_known(tmp_path) -> None:
    state = FileState(tmp_path / "day.csv", 1, 1, 1)
    with closing(WatchMemory(tmp_path / "watch.db", tmp_path, "")) as memory:
        memory.add([(state, "aa")])
        assert memory.path_of("aa") == str(state.path)
    with closing(sqlite3.connect(tmp_path / "watch.db")) as connection, connection:
        connection.execute("UPDATE contents SET path = CAST(x'2f64ff79' AS TEXT)")
    with closing(WatchMemory(tmp_path / "watch.db", tmp_path, "")) as memory:
        assert memory.path_of("aa") == "/d\N{REPLACEMENT CHARACTER}y"


class Process(threading.Thread):
    """The command in a process of its own; what it prints is read as it comes."""

    def __init__(self, home: Path, folder: Path, *options: str) -> None:
        super().__init__(daemon=True)
        arguments = ["watch", str(folder), "--asset", "pump", "--settle", "0.2", *options]
        for name, value in SPAN.items():
            arguments += [f"--{name.replace('_', '-')}", value]
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from workbench.cli import main; main()", *arguments],
            env=os.environ | {"WORKBENCH_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines, self.changed = list[str](), threading.Condition()
        self.start()

    def run(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                with self.changed:
                    self.lines.append(line.rstrip())
                    self.changed.notify_all()

    def wait_for(self, words: str) -> None:
        with self.changed:
            arrived = self.changed.wait_for(lambda: any(words in line for line in self.lines), WAIT_S)
            assert arrived, "\n".join(self.lines)

    def end(self, number: signal.Signals = signal.SIGKILL, timeout: float = WAIT_S) -> int:
        """Send a signal to the process, and return its exit code once all that it printed is read."""
        self.process.send_signal(number)
        return self.ended(timeout)

    def ended(self, timeout: float = WAIT_S) -> int:
        code = self.process.wait(timeout)
        self.join()
        return code


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def started(*arguments: object) -> Process:
        processes.append(Process(*arguments))
        return processes[-1]

    yield started
    for process in processes:
        if process.process.poll() is None:
            process.end()


@pytest.mark.slow
def test_a_killed_watch_goes_on_where_it_was_and_ctrl_c_ends_it(tmp_path, whole, start) -> None:
    folder, home = tmp_path / "in", tmp_path / "home"
    files = daily_files(tmp_path / "days", pump())
    folder.mkdir()
    for file in files[:14]:
        (folder / file.name).write_bytes(file.read_bytes())
    process = start(home, folder)
    process.wait_for("bearing: imported")  # before the scores, alerts and memory of it
    process.end()
    process = start(home, folder)
    process.wait_for(f"{files[13].name}: imported")
    growing = folder / files[-1].name
    content = files[-1].read_bytes()
    with growing.open("wb") as file:
        file.write(content[:3000])
        file.flush()
        for later in files[14:-1]:
            (folder / f"{later.name}.part").write_bytes(later.read_bytes())
            (folder / f"{later.name}.part").rename(folder / later.name)
        process.wait_for(f"{files[-2].name}: imported")
        assert not any(growing.name in line for line in process.lines), "somebody is writing it"
        file.write(content[3000:])
    process.wait_for(f"{growing.name}: imported")
    assert process.end(signal.SIGINT) == 0
    assert process.lines[-1].endswith("0 known before.") and "Traceback" not in "\n".join(process.lines)
    assert outcome(home) == outcome(whole)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_kills_at_any_time_lose_nothing_and_double_nothing(tmp_path, whole, start, seed: int) -> None:
    random = np.random.default_rng(seed)
    folder, home = tmp_path / "in", tmp_path / "home"
    files = daily_files(tmp_path / "days", pump())
    folder.mkdir()
    (folder / "bad.csv").write_text("a,b\n1,2\n")
    for number in range(12):
        for file in files[2 * number : 2 * number + 2]:
            (folder / file.name).write_bytes(file.read_bytes())
        process = start(home, folder)
        process.wait_for("Watching")
        time.sleep(float(random.uniform(0, 6)))  # the moment of a kill is chosen, nothing is awaited
        process.end()
    for _ in range(2):
        last = start(home, folder, "--once").ended(10 * WAIT_S)
    assert last == 0
    assert outcome(home) == outcome(whole)
    assert sorted(path.name for path in folder.glob("*.csv")) == [file.name for file in files]
    assert sorted(path.name for path in (folder / "rejected").iterdir()) == ["bad.csv", "bad.csv.why.txt"]


@pytest.mark.slow
def test_polling_sees_what_comes(tmp_path, start) -> None:
    folder, home = tmp_path / "in", tmp_path / "home"
    folder.mkdir()
    process = start(home, folder, "--poll", "--no-train")
    process.wait_for("Watching")
    files = daily_files(folder, pump(12, ()))
    process.wait_for(f"{files[-1].name}: imported")
    assert not any("bearing: trained" in line for line in process.lines)
    assert process.end(signal.SIGTERM) == 0


def year_in_pieces(tmp_path: Path, days: int, faults: tuple[int, ...], seed: int) -> None:
    """The same samples, scores and alerts in order, shuffled and overlapping as from one import of the whole."""
    random = np.random.default_rng(seed)
    table = pump(days, faults)
    span = {"train_from": "2025-01-01", "train_until": SPAN["train_until"] if days < 100 else "2025-03-01"}
    import_whole(tmp_path / "whole", table, **span)
    expected = outcome(tmp_path / "whole")
    assert len(expected[1]) == len(faults)
    starts = np.arange(days) * 288
    reach = random.integers(0, 60, (days, 2))
    overlapping = [
        (max(0, start - before), start + 288 + after) for start, (before, after) in zip(starts, reach, strict=True)
    ]
    exact = [(start, start + 288) for start in starts]
    ways = {
        "in order": exact,
        "shuffled": [exact[place] for place in random.permutation(days)],
        "overlapping and shuffled": [overlapping[place] for place in random.permutation(days)],
    }
    for way, pieces in ways.items():
        home, folder = tmp_path / way, tmp_path / f"{way} files"
        folder.mkdir()
        files = []
        for number, (start, stop) in enumerate(pieces):
            files.append(folder / f"{number}.csv")
            table.iloc[start:stop].to_csv(files[-1], index=False)
        cuts = [0, *sorted(random.choice(np.arange(days // 2, days), 3, replace=False)), days]
        with wb.open(home=home) as session:
            waiting: list[Path] = []
            for first, stop in pairwise(cuts):
                report = session.import_data([*waiting, *files[first:stop]], asset="pump", **span)
                waiting = [Path(path) for path in report.waiting]
                assert set(report.failures) == set(report.waiting), report.failures
            session.train()
            session.score_all()
            session.raise_alerts()
        assert outcome(home) == expected, way


@pytest.mark.slow
def test_days_in_order_shuffled_and_overlapping_are_the_whole(tmp_path: Path) -> None:
    year_in_pieces(tmp_path, 20, (15,), 1)


@pytest.mark.long
def test_a_year_in_daily_files_in_order_shuffled_and_overlapping_is_the_whole(tmp_path: Path) -> None:
    year_in_pieces(tmp_path, 365, (120, 171, 233, 290, 341), 2)
