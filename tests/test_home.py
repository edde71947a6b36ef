"""A home that vanished, or a part of it, is an error that says what to do: it is never silently made anew."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.damaged_fleet import make_alerted_fleet
from tests.homes import copy_of
from workbench import home as home_module
from workbench.cli import app
from workbench.exceptions import HomeError, MaintenanceError
from workbench.maintenance.database import Database
from workbench.views.shell import Shell

ARCHIVE, DATABASE, REGISTRY = "archive.zarr", "maintenance.db", "registry/mlflow.db"


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an archive, a registry and a maintenance database."""
    return copy_of("alerted-fleet", make_alerted_fleet, tmp_path_factory, tmp_path / "home")


@pytest.fixture
def as_after_a_start(monkeypatch: pytest.MonkeyPatch):
    """Forget the homes that this process has seen, as another process would not know them."""
    monkeypatch.setattr(home_module, "_IDENTITIES", {})


def open_home(home: Path, **settings: object) -> wb.Session:
    return wb.open(home=home, catalog=home / "catalog.yaml", **settings)


def use(session: wb.Session, part: str) -> object:
    if part == ARCHIVE:
        return session.channels()
    return session.registry.list() if part == REGISTRY else session.maintenance.alerts.list()


def empty(path: Path) -> None:
    """Leave a file of 0 bytes, or an empty folder as where a disk is not mounted."""
    if path.is_dir():
        shutil.rmtree(path)
        path.mkdir()
    else:
        path.write_bytes(b"")


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_the_identity_is_written_when_a_home_is_first_made(home):
    document = json.loads((home / "home.json").read_text(encoding="utf-8"))
    assert len(document["id"]) == 32
    assert (document["format_version"], document["parts"]) == (1, [ARCHIVE, DATABASE, REGISTRY])


def test_looking_at_a_folder_without_a_home_writes_nothing(tmp_path):
    session = open_home(tmp_path / "none")
    assert session.channels().empty and session.registry.list() == []
    assert list(tmp_path.iterdir()) == []


def test_a_home_of_an_earlier_release_gets_its_identity_when_it_is_opened(home, as_after_a_start):
    (home / "home.json").unlink()
    session = open_home(home)
    assert json.loads((home / "home.json").read_text(encoding="utf-8"))["parts"] == [ARCHIVE, DATABASE, REGISTRY]
    assert len(session.channels()) == 2
    assert set(session.maintenance.alerts.list()["channel"]) == {"X-1", "X-2"}


@pytest.mark.parametrize("how", [empty, remove])
@pytest.mark.parametrize("part", [ARCHIVE, DATABASE, REGISTRY])
def test_a_part_that_vanished_is_named_and_not_made_anew(home, part, how, as_after_a_start):
    how(home / part)
    session = open_home(home)
    with pytest.raises(HomeError, match=f"{home / part} (is empty|has vanished)") as caught:
        use(session, part)
    assert "Restore it from a backup" in caught.value.hint
    assert str(home / "home.json") in caught.value.hint
    made = home / part
    assert not made.exists() or made.stat().st_size == 0 or not any(made.iterdir())


@pytest.mark.parametrize("part", [ARCHIVE, DATABASE, REGISTRY])
def test_what_the_error_says_begins_anew(home, part, as_after_a_start, monkeypatch):
    empty(home / part)
    remove(home / part)
    (home / "home.json").unlink()
    monkeypatch.setattr(home_module, "_IDENTITIES", {})
    session = open_home(home)
    if part == DATABASE:
        assert len(session.maintenance.alerts.list()) == 0
    elif part == REGISTRY:
        assert set(session.train(forecaster="persistence")["status"]) == {"trained"}
    else:
        assert session.channels().empty


@pytest.mark.parametrize("part", [ARCHIVE, DATABASE, REGISTRY])
@pytest.mark.parametrize("how", [empty, remove])
def test_writing_makes_no_new_part_where_one_vanished(home, part, how, as_after_a_start):
    how(home / part)
    session = open_home(home)
    with pytest.raises(HomeError, match="held one before"):
        if part == ARCHIVE:
            session.import_demo()
        elif part == REGISTRY:
            session.registry.check_writable()
        else:
            session.raise_alerts()


@pytest.mark.parametrize(("part", "command"), [(ARCHIVE, "channels"), (DATABASE, "kpis"), (REGISTRY, "score --all")])
def test_the_command_line_names_it_in_one_line(home, part, command, as_after_a_start, monkeypatch):
    empty(home / part)
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    monkeypatch.setenv("WORKBENCH_CATALOG", str(home / "catalog.yaml"))
    result = CliRunner().invoke(app, command.split())
    assert isinstance(result.exception, SystemExit) and result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert f"{home / part} is empty" in line and "Restore it from a backup" in line


def test_doctor_names_each_part_that_vanished(home, as_after_a_start, monkeypatch):
    for part in (ARCHIVE, DATABASE, REGISTRY):
        empty(home / part)
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    monkeypatch.setenv("WORKBENCH_CATALOG", str(home / "catalog.yaml"))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    broken = [row for row in json.loads(result.stdout) if row["state"] == "broken"]
    assert result.exit_code == 1
    for part in (ARCHIVE, DATABASE, REGISTRY):
        assert any(f"{home / part} is empty" in row["found"] for row in broken), part


@pytest.mark.parametrize("how", [empty, remove])
@pytest.mark.parametrize("part", ["", ARCHIVE, DATABASE])
def test_a_running_page_shows_a_card(home, part, how):
    """The home is unmounted, or a part of it goes, under a page that is open."""
    session = open_home(home)
    page = Shell(session)
    page.open("overview")
    assert page.failure is None
    how(home / part)
    page.refresh()
    assert page.failure is not None
    assert str(home) in page.failure.what and ("vanished" in page.failure.what or "empty" in page.failure.what)
    assert "ackup" in page.failure.todo or "ount" in page.failure.todo
    assert not (home / "home.json").exists() or part
    page.close()


def test_a_page_that_opens_after_the_home_vanished_is_told_which_home_it_must_be(home, as_after_a_start, monkeypatch):
    """The dashboard gives its kernels the identity that it saw when it started."""
    identity = home_module.open_home(home)
    monkeypatch.setattr(home_module, "_IDENTITIES", {})
    empty(home)
    session = wb.open(home=home, home_id=identity)
    with pytest.raises(HomeError, match="has vanished: its identity file"):
        session.channels()
    with pytest.raises(HomeError, match="has vanished"):
        session.import_demo()
    with pytest.raises(HomeError, match="has vanished"):
        session.maintenance.alerts.list()
    assert list(home.iterdir()) == []


def test_another_home_in_its_place_is_named(home, tmp_path, tmp_path_factory):
    session = open_home(home)
    assert len(session.channels()) == 2
    other = copy_of("alerted-fleet", make_alerted_fleet, tmp_path_factory, tmp_path / "other")
    (other / "home.json").unlink()
    open_home(other)
    shutil.rmtree(home)
    other.rename(home)
    with pytest.raises(HomeError, match="is another one than before"):
        session.channels()


def test_a_damaged_identity_is_named(home, as_after_a_start):
    file = home / "home.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"format_version": 1', '"format_version": 3'))
    with pytest.raises(HomeError, match="is damaged: its checksum differs"):
        open_home(home).channels()


def test_a_database_that_is_put_back_is_read_again(home, tmp_path):
    session = open_home(home)
    alerts = len(session.maintenance.alerts.list())
    copy = tmp_path / "backup.db"
    shutil.copy(home / DATABASE, copy)
    empty(home / DATABASE)
    with pytest.raises(HomeError, match="is empty"):
        session.maintenance.alerts.list()
    copy.replace(home / DATABASE)
    assert len(session.maintenance.alerts.list()) == alerts


def test_a_database_outside_of_a_home_that_vanishes_while_it_is_in_use_is_named(tmp_path):
    file = tmp_path / "elsewhere.db"
    session = wb.open(home=tmp_path / "home", database_url=f"sqlite:///{file}")
    assert len(session.maintenance.alerts.list()) == 0
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
    with pytest.raises(MaintenanceError, match="has vanished"):
        session.maintenance.alerts.list()
    assert isinstance(session.maintenance.database, Database)


def test_a_home_that_is_no_folder_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no folder")
    for place, words in ((file, "is no folder. Name"), (file / "x" / "y", f"{file} above it is none")):
        outcome = CliRunner().invoke(app, ["--home", str(place), "channels"])
        assert outcome.exit_code == 2
        assert outcome.stderr.startswith(f"Error: The home {place} is no folder.")
        assert words in outcome.stderr
        assert "archive" not in outcome.stderr
