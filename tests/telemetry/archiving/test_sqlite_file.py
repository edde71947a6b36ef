"""An SQLite file that remembers answers forgets them where anybody has written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from workbench.telemetry.archiving.sqlite_file import SqliteFile
from workbench.telemetry.damage import Place

QUERY = "SELECT value FROM one"


def opened(file: Path) -> SqliteFile:
    place = Place("A table of numbers", "Make it again.")
    return SqliteFile(file, "CREATE TABLE IF NOT EXISTS one (value INTEGER);", "", place, remembers=True)


def add(database: SqliteFile, value: int) -> None:
    with database.transaction() as cursor:
        cursor.execute("INSERT INTO one VALUES (?)", (value,))


def test_an_answer_is_remembered_until_it_is_another_one(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "a.db"), opened(tmp_path / "a.db")
    for value in range(1, 4):
        add(one if value % 2 else other, value)
        for _ in range(2):
            assert one.rows(QUERY) == other.rows(QUERY) == [(number,) for number in range(1, value + 1)]
    asked: list[str] = []
    one._open().raw.set_trace_callback(asked.append)
    assert one.rows(QUERY) == [(1,), (2,), (3,)]
    assert QUERY not in asked


def test_what_was_taken_back_is_not_remembered(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db")
    add(database, 1)
    assert database.rows(QUERY) == [(1,)]
    with pytest.raises(ZeroDivisionError), database.transaction() as cursor:
        cursor.execute("INSERT INTO one VALUES (2)")
        assert database.rows(QUERY) == [(1,), (2,)]
        raise ZeroDivisionError
    assert database.rows(QUERY) == [(1,)]


def test_an_answer_that_is_changed_by_who_asked_stays_what_it_was(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db")
    add(database, 1)
    database.rows(QUERY).clear()
    assert database.rows(QUERY) == [(1,)]


def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db")
    add(database, 1)
    assert database.rows(QUERY) == [(1,)]
    with closing(sqlite3.connect(tmp_path / "b.db")) as raw, raw:
        raw.execute("CREATE TABLE one (value INTEGER)")
        raw.execute("INSERT INTO one VALUES (7)")
    (tmp_path / "b.db").replace(tmp_path / "a.db")
    assert database.rows(QUERY) == [(7,)]
