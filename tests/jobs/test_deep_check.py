"""The deep check reads everything that a home holds, and names each damaged thing on a line of its own."""

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from tests.archive_files import file_of
from tests.damaged_fleet import make_alerted_fleet, open_fleet
from tests.homes import copy_of
from workbench.cli import app
from workbench.jobs.deep_check import examine_deeply, sqlite_faults
from workbench.jobs.doctor import examine
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of("alerted-fleet", make_alerted_fleet, tmp_path_factory, tmp_path / "home")


@pytest.fixture
def cli(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(home.parent)
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    monkeypatch.setenv("WORKBENCH_CATALOG", str(home / "catalog.yaml"))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def flip(file: Path, place: int | None = None) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 4
    file.write_bytes(content)


def test_a_sound_home_has_one_finding_that_counts_what_was_read(home):
    with open_fleet(home) as session:
        (finding,) = examine_deeply(session)
    assert (finding.state, finding.fix) == ("ok", "")
    assert "2 channels, 2 model versions and the databases read" in finding.found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test/telemetry/c", "Channel X-1 is damaged"),
        ("train/zarr.json", "Channel X-1 is damaged"),
        ("scores/ridge.workbench/epsilon/c", "of X-1 is damaged"),
        ("../../zarr.json", "The archive is damaged"),
        ("registry/artifacts/*/artifacts/model/*.safetensors", ".ridge/1: "),
    ],
)
def test_each_damaged_file_is_named(home, name, words):
    archive = Archive(home / "archive.zarr")
    if name.startswith("registry"):
        (file, *_) = sorted(home.glob(name))
    else:
        file = archive.path / "zarr.json" if name.startswith("..") else file_of(archive, "X-1", name)
    flip(file)
    with open_fleet(home) as session:
        *faults, last = examine_deeply(session)
    assert (len(faults), last.state) == (1, "broken")
    assert words in faults[0].found
    assert str(file.parent).partition("/c/")[0] in faults[0].found
    assert faults[0].fix


@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_damage_before_the_training_span_is_named(tmp_path, damage):
    time = pd.date_range("2024-05-01", periods=900, freq="5min")
    pd.DataFrame({"time": time, "temp": np.sin(np.arange(900) / 20)}).to_csv(tmp_path / "p.csv", index=False)
    with wb.open(home=tmp_path / "home") as session:
        session.import_data(tmp_path / "p.csv", train_from=time[200], train_until=time[600])
        assert "broken" not in {finding.state for finding in examine(session, read_samples=True)}
        damage(file_of(session.archive, "temp", "before/telemetry/c"))
        for findings in (examine(session, read_samples=True), examine_deeply(session)):
            broken = [finding.found for finding in findings if finding.state == "broken"]
            assert "Channel temp is damaged" in broken[0]


def test_a_row_of_the_log_that_was_edited_is_named(home):
    with closing(sqlite3.connect(home / "maintenance.db")) as connection, connection:
        connection.execute("UPDATE log SET who = 'somebody' WHERE seq = 2")
    with open_fleet(home) as session:
        *faults, _ = examine_deeply(session)
    assert [fault.found for fault in faults] == [
        "Row 2 of the log is not as it was written: its content does not match its hash."
    ]


@pytest.mark.parametrize("name", ["maintenance.db", "registry/mlflow.db"])
def test_a_damaged_page_of_a_database_is_named(home, name):
    with closing(sqlite3.connect(home / name)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray((home / name).read_bytes())
    size = int.from_bytes(content[16:18], "big")
    content[size : 2 * size] = random.Random(0).randbytes(size)
    (home / name).write_bytes(content)
    with open_fleet(home) as session:
        *faults, _ = examine_deeply(session)
    assert any(f"{home / name} is damaged" in fault.found for fault in faults)


def test_references_between_tables_are_checked(tmp_path):
    file = tmp_path / "some.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE child (parent INTEGER REFERENCES parent (id))")
        connection.execute("INSERT INTO child VALUES (7)")
    assert sqlite_faults(file) == ["row 1 of child refers to a row of parent that is not there"]


def test_damaged_import_profiles_are_named(home):
    (home / "import-profiles.yaml").write_bytes(b"plant: {asset: \xda}")
    with open_fleet(home) as session:
        first, last = examine_deeply(session)
    assert (first.what, last.state) == ("import profiles", "broken")
    assert "import-profiles.yaml cannot be read" in first.found


def test_the_command_names_each_thing_on_its_own_line_and_ends_with_one(cli, home):
    archive = Archive(home / "archive.zarr")
    flip(file_of(archive, "X-1", "test/telemetry/c"))
    flip(file_of(archive, "X-2", "scores/ridge.workbench/prediction/c"))
    result = cli("doctor", "--deep")
    assert result.exit_code == 1
    lines = [line for line in result.stdout.splitlines() if "is damaged" in line]
    assert len(lines) == 2
    assert "Channel X-1" in lines[0] and "of X-2" in lines[1]


def test_doctor_names_damaged_and_missing_models(cli, home):
    one, other = sorted(home.glob("registry/artifacts/*/artifacts/model"))
    (file, *_) = sorted(one.glob("*.safetensors"))
    flip(file)
    (other / "manifest.json").unlink()
    result = cli("doctor", "--json")
    broken = [row for row in json.loads(result.stdout) if row["state"] == "broken"]
    assert (result.exit_code, len(broken)) == (1, 2)
    assert {row["what"] for row in broken} == {"model"}


def test_doctor_makes_the_index_anew(cli, home):
    scored = json.loads(cli("score", "--all", "--json").stdout)
    (home / "archive.zarr" / "index.db").write_bytes(b"noise" * 100)
    result = cli("doctor")
    assert result.exit_code == 1 and "workbench doctor --rebuild-index" in result.stdout
    result = cli("doctor", "--deep", "--rebuild-index")
    assert result.exit_code == 0, result.output
    assert "Index made anew: 2 channels." in result.stderr
    assert json.loads(cli("score", "--all", "--json").stdout) == scored


def test_levels_of_long_series_are_named_and_made_again(tmp_path, monkeypatch):
    """Where they are gone, which can be lived with, and where a byte has changed; samples are sound all the while."""
    time = np.datetime64("2024-01-01", "ns") + np.arange(70_000) * np.timedelta64(1, "s")
    long = make_channel(np.arange(70_000), time=time, channel="L-1", asset="Long")
    home = tmp_path / "home"
    with wb.open(home=home) as session:
        session.archive.write(long.isel(time=slice(0, 100)), long.isel(time=slice(100, None)))
        (folder,) = session.archive.path.glob("_assets/Long/*/levels.test")
    monkeypatch.setenv("WORKBENCH_HOME", str(home))

    def findings(*options: str) -> list[str]:
        output = CliRunner().invoke(app, ["doctor", "--json", *options]).stdout
        return [f"{row['state']}: {row['found']}" for row in json.loads(output) if row["what"] == "levels"]

    assert findings("--deep") == []
    chunk = folder / "telemetry/c/0/0/0"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"?")
    (named,) = findings("--deep")
    assert named.startswith("broken: The level table of a long series is damaged")
    shutil.rmtree(folder)
    assert findings() == ["missing: 1 long series without levels: charts of them read every sample"]
    assert findings("--deep", "--rebuild-levels") == []
