"""One flipped byte, anywhere in a home, changes no result unseen: it is harmless, or one clear error names it.

Harmless means that channels, scores and anomalies are exactly those of the sound home, of stored scores and of scores
that are computed anew. A score or model that is damaged is made again, which is harmless, too.
"""

import random
import shutil
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from tests.damaged_fleet import make_alerted_fleet, open_fleet
from tests.homes import copy_of
from tests.rounds import Rounds
from workbench import home as home_module
from workbench.exceptions import MaintenanceError, WorkbenchError
from workbench.jobs.deep_check import examine_deeply

Results = dict[str, object]

FEW, MANY = 40, 1000
KINDS = {
    "chunk of a channel": "archive.zarr/_assets/*/*/t*/**/c/**/*",
    "metadata of a channel": "archive.zarr/_assets/*/*/**/zarr.json",
    "chunk of a score": "archive.zarr/_assets/*/*/scores.*/**/c/**/*",
    "metadata of a score": "archive.zarr/_assets/*/*/scores.*/**/zarr.json",
    "index": "archive.zarr/index.db",
    "tail": "archive.zarr/tail.db",
    "model": "registry/artifacts/**/model/*",
    "registry": "registry/mlflow.db",
    "maintenance database": "maintenance.db*",
    "identity": "home.json",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two channels that are trained, scored and alerted."""
    return copy_of("alerted-fleet", make_alerted_fleet, tmp_path_factory, tmp_path_factory.mktemp("flips") / "home")


@pytest.fixture(scope="module")
def expected(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    results, errors = work(Path(shutil.copytree(sound, tmp_path_factory.mktemp("expected") / "home")))
    assert not errors
    return results


def work(home: Path) -> tuple[Results, list[str]]:
    """Return what `channels`, `score` and `anomalies` give, from what is stored and anew, and what was refused."""
    results: Results = {}
    errors: list[str] = []
    try:
        with open_fleet(home) as session:
            listed = session.channels()
            errors += [text for text in listed["damage"] if text]
            results["channels"] = listed.to_dict("index")
            for force in (False, True):
                table = session.score_all(force=force)
                errors += [reason for reason in table["reason"] if reason]
                for row in table.to_dict("records"):
                    if row["status"] != "failed":
                        stored = session.stored(row["channel"])
                        values = {name: np.asarray(stored[name]).tobytes() for name in sorted(stored.variables)}
                        results[row["channel"], force] = (row["anomalies"].to_dict(), values)
            errors += [reason for _, reason in session.raise_alerts().failed]
            trained = session.train()
            errors += [reason for reason in trained["reason"] if reason]
    except WorkbenchError as error:
        errors.append(str(error))
    return results, errors


def flip(home: Path, kind: str, chance: random.Random) -> str:
    """Change one bit, or a whole byte, of a file of a kind; return which."""
    files = sorted(file for file in home.glob(KINDS[kind]) if file.is_file() and file.stat().st_size)
    file = chance.choice(files)
    content = bytearray(file.read_bytes())
    place = chance.randrange(len(content))
    content[place] ^= chance.choice([1 << chance.randrange(8), chance.randrange(1, 256)])
    file.write_bytes(content)
    return f"{file.relative_to(home)}, byte {place}"


def flip_once(sound: Path, expected: Results, folder: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Flip a byte in a copy; return its kind of file, and whether that was harmless or named."""
    monkeypatch.setattr(home_module, "_IDENTITIES", {})
    chance, kind = random.Random(number), list(KINDS)[number % len(KINDS)]
    home = Path(shutil.copytree(sound, folder / str(number)))  # a new path, so that nothing is open of it
    place = flip(home, kind, chance)
    results, errors = work(home)
    if errors:
        assert all("\n" not in error and "Traceback" not in error for error in errors), (place, errors)
        damaged = {name for name, value in results.items() if value != expected.get(name)} - {"channels"}
        assert not damaged, f"round {number}: {place}: {damaged} changed beside {errors}"
    else:
        assert results.keys() == expected.keys(), f"round {number}: {place}"
        assert results == expected, f"round {number}: {place} changed a result, and nothing said so"
    shutil.rmtree(home)
    return [kind, "named" if errors else "harmless"]


def test_a_flipped_byte_is_harmless_or_named(sound, expected, tmp_path, monkeypatch):
    outcomes = [flip_once(sound, expected, tmp_path, number, monkeypatch) for number in range(FEW)]
    assert ["chunk of a channel", "harmless"] not in outcomes


@pytest.mark.long
def test_a_thousand_flipped_bytes_are_harmless_or_named(sound, expected, tmp_path, monkeypatch, capsys):
    rounds = Rounds("flips", range(FEW, FEW + MANY))
    for number in rounds.left():
        rounds.note(number, flip_once(sound, expected, tmp_path, number, monkeypatch))
    counts = Counter(map(tuple, rounds.outcomes().values()))
    with capsys.disabled():
        lines = [f"{kind}, {how}: {number}\n" for (kind, how), number in sorted(counts.items())]
        sys.stdout.write("\n" + "".join(lines))
    assert counts["chunk of a channel", "harmless"] == 0
    assert counts.total() == MANY


@pytest.mark.parametrize("kind", ["chunk of a channel", "metadata of a channel", "chunk of a score", "model"])
def test_the_deep_check_names_every_flip_in_what_is_sealed(sound, tmp_path, kind):
    for number in range(6):
        home = Path(shutil.copytree(sound, tmp_path / str(number)))
        place = flip(home, kind, random.Random(number))
        with open_fleet(home) as session:
            findings = examine_deeply(session)
        assert findings[-1].state == "broken", place
        assert all("\n" not in finding.found for finding in findings), place


@pytest.mark.parametrize("kind", ["registry", "maintenance database"])
def test_a_schema_that_is_no_text_any_more_is_named(sound, tmp_path, kind, monkeypatch):
    """SQLite's message then holds a byte that is no UTF-8, which Python's driver cannot even report."""
    monkeypatch.setattr(home_module, "_IDENTITIES", {})
    home = Path(shutil.copytree(sound, tmp_path / "home"))
    (file,) = (file for file in home.glob(KINDS[kind]) if file.suffix == ".db")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.write_bytes(file.read_bytes().replace(b"CREATE INDEX", b"CREATE \x88NDEX", 1))
    (error,) = work(home)[1]
    assert str(file) in error
    with open_fleet(home) as session:
        assert any(str(file) in finding.found for finding in examine_deeply(session))


@pytest.mark.parametrize(
    ("kind", "table", "column"),
    [
        ("maintenance database", "orders", "description"),
        ("index", "channel", "attributes"),
        ("registry", "model_version_tags", "value"),
    ],
)
def test_a_text_of_several_lines_that_is_no_text_any_more_is_named(sound, tmp_path, kind, table, column, monkeypatch):
    """The message of Python's driver then holds the text, and no code of SQLite."""
    monkeypatch.setattr(home_module, "_IDENTITIES", {})
    home = Path(shutil.copytree(sound, tmp_path / "home"))
    (file,) = (file for file in home.glob(KINDS[kind]) if file.suffix == ".db")
    with closing(sqlite3.connect(file)) as connection, connection:
        assert connection.execute(f"UPDATE {table} SET {column} = CAST(x'7b0aff0a7d' AS TEXT)").rowcount
    errors = work(home)[1]
    assert errors
    assert all(str(file) in error and "\n" not in error and "server" not in error for error in errors), errors
    with open_fleet(home) as session:
        assert any(str(file) in finding.found for finding in examine_deeply(session))


def test_a_row_that_its_index_contradicts_is_damage(sound, tmp_path, monkeypatch):
    """The index says that a row is there already which the damaged table no longer shows."""
    monkeypatch.setattr(home_module, "_IDENTITIES", {})
    home = Path(shutil.copytree(sound, tmp_path / "home"))
    file = home / "maintenance.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE some (word TEXT UNIQUE)")
        connection.execute("INSERT INTO some VALUES ('first-word')")
        (table,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'some'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    insertion = sa.text("INSERT INTO some VALUES ('first-word')")
    with open_fleet(home) as session:
        database = session.maintenance.database
        with pytest.raises(sa.exc.IntegrityError), database.writing() as db:
            db.execute(insertion)
    content = file.read_bytes()
    page = content[(table - 1) * size : table * size]
    file.write_bytes(content.replace(page, page.replace(b"first-word", b"first-ward")))
    with open_fleet(home) as session:
        database = session.maintenance.database
        with pytest.raises(MaintenanceError, match="is damaged"), database.writing() as db:
            db.execute(insertion)
