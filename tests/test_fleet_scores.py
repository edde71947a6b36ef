"""Scores of a fleet are the same bytes wherever they are computed, also where workers are killed on the way."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from tests.archive_files import file_of
from tests.clusters import remove_scores, score_files, workers_of
from tests.conftest import wave_channel
from tests.homes import copy_of
from workbench.telemetry.archive import Archive

NAMES = [f"W-{number}" for number in range(9)]
DASK = pytest.mark.filterwarnings("default")  # its own warnings


def make(home: Path) -> None:
    with wb.open(home=home) as session:
        for number, name in enumerate(NAMES):
            train, test = wave_channel(name, n=700, seed=number), wave_channel(name, n=900, seed=90 + number, spike=500)
            session.archive.write(train, test)
        session.train(NAMES, "ridge")


@pytest.fixture
def home(tmp_path, tmp_path_factory):
    return copy_of("fleet-scores", make, tmp_path_factory, tmp_path / "home")


def scored(home: Path, compute: str) -> dict[str, bytes]:
    """Score all channels anew, and return the bytes of the scores."""
    remove_scores(home / "archive.zarr")
    with wb.open(home=home, compute=compute) as session:
        table = session.score_all()
        assert set(table["status"]) == {"scored"}, table[["channel", "reason"]].to_string()
        assert min(map(len, table["anomalies"])) > 0
    return score_files(home / "archive.zarr")


@DASK
def test_dask_gives_the_bytes_of_one_process(home):
    expected = scored(home, "local")
    with workers_of(2, processes=False) as cluster:
        assert scored(home, cluster.scheduler_address) == expected
    assert len(expected) == 7 * len(NAMES)


@pytest.mark.slow
def test_processes_give_the_bytes_of_one_process(home):
    assert scored(home, "processes:2") == scored(home, "local")


@DASK
def test_what_is_current_is_not_computed_again_and_a_failure_is_told(home):
    shutil.rmtree(file_of(Archive(home / "archive.zarr"), "W-3", "test/zarr.json").parent / "telemetry")
    with workers_of(2, processes=False) as cluster:
        for status in ("scored", "current"):
            with wb.open(home=home, compute=cluster.scheduler_address) as session:
                table = session.score_all().set_index("channel")
            assert "Channel W-3 is damaged" in table.loc["W-3", "reason"]
            assert set(table["status"].drop("W-3")) == {status}


@DASK
def test_workers_train_and_this_process_registers(home):
    with (
        workers_of(2, processes=False) as cluster,
        wb.open(home=home, compute=cluster.scheduler_address) as session,
    ):
        table = session.train(NAMES[:3], "persistence")
        assert list(table["status"]) == ["trained"] * 3
        assert list(session.train(NAMES[:3], "ridge")["status"]) == ["current"] * 3
        assert {info.id for info in session.registry.list(forecaster="persistence")} == set(table["model"])


def kill_a_worker(cluster, begun: Callable[[], int]) -> list[int]:
    """Kill the process of a worker as soon as so much is done; return a list that gets its number."""
    killed: list[int] = []

    def kill() -> None:
        while begun() == 0:
            time.sleep(0.01)
        process = next(iter(cluster.workers.values())).process.pid
        os.kill(process, signal.SIGKILL)
        killed.append(process)

    threading.Thread(target=kill, daemon=True).start()
    return killed


def done(home: Path) -> int:
    archive = Archive(home / "archive.zarr")
    return sum(len(archive.scores(name)) for name in archive.channels())


@DASK
@pytest.mark.slow
def test_a_killed_worker_changes_no_byte(home):
    expected = scored(home, "local")
    with workers_of(2, processes=True) as cluster:
        killed = kill_a_worker(cluster, lambda: len(list(home.glob("archive.zarr.staging/*/*"))) and done(home))
        assert scored(home, cluster.scheduler_address) == expected
        assert len(killed) == 1


@DASK
@pytest.mark.nasa
@pytest.mark.long
def test_nasa_on_three_workers_of_which_one_is_killed_after_twenty_channels(tmp_path, nasa_zip):
    home = tmp_path / "home"
    with wb.open(home=home) as session:
        session.import_data(nasa_zip, "nasa")
    expected = {}
    with wb.open(home=home) as session:
        assert set(session.score_all()["status"]) == {"scored"}
        expected = score_files(home / "archive.zarr")
    remove_scores(home / "archive.zarr")
    with workers_of(3, processes=True) as cluster:
        killed = kill_a_worker(cluster, lambda: done(home) >= 20)
        with wb.open(home=home, compute=cluster.scheduler_address) as session:
            assert set(session.score_all()["status"]) == {"scored"}
    assert len(killed) == 1
    assert score_files(home / "archive.zarr") == expected


@DASK
@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(home):
    with workers_of(1, processes=True) as cluster:
        command = [sys.executable, "-c", "from workbench.cli import main; main()", "--home", str(home)]
        command += ["score", "--all", "--compute", cluster.scheduler_address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not done(home):
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            shown = process.communicate()[1]
        if process.returncode == 130:  # else the signal came when all was done
            assert "Stopped. Finished work is kept. Run the same command again to continue." in shown
            assert "Traceback" not in shown
        kept = done(home)
        again = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert len(json.loads(again.stdout)) == len(NAMES)
    assert kept >= 1
    assert not list(home.glob("archive.zarr.staging/*"))


def test_what_is_current_is_told_without_opening_a_dataset(home, monkeypatch):
    with wb.open(home=home) as session:
        first = session.score_all()

    def opened(*_):
        raise AssertionError("a dataset was opened")

    for name in ("open", "open_scores", "check_deeply", "check_score_deeply"):
        monkeypatch.setattr(Archive, name, opened)
    for _ in range(2):
        with wb.open(home=home) as session:
            again = session.score_all()
        assert set(again["status"]) == {"current"}
        for one, other in zip(first["anomalies"], again["anomalies"], strict=True):
            pd.testing.assert_frame_equal(one, other, check_index_type=True)
    assert max(map(len, again["anomalies"])) > 0


def test_a_current_score_that_is_damaged_in_the_tail_is_computed_anew(home):
    with wb.open(home=home) as session:
        session.score_all()
        session.score_all()  # notes that they are sound
    with closing(sqlite3.connect(home / "archive.zarr" / "tail.db")) as connection, connection:
        places = [
            (number, json.loads(text)) for number, text in connection.execute("SELECT id, document FROM publication")
        ]
        number = next(number for number, said in places if said["scores"] and said["scores"][0][0] == "W-4")
        (content,) = connection.execute("SELECT content FROM payload WHERE publication = ?", (number,)).fetchone()
        damaged = content[:40] + bytes([content[40] ^ 1]) + content[41:]
        connection.execute("UPDATE payload SET content = ? WHERE publication = ?", (damaged, number))
    with wb.open(home=home) as session:
        status = session.score_all().set_index("channel")["status"]
    assert status.pop("W-4") == "scored"
    assert set(status) == {"current"}
