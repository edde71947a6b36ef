"""A schema of a PostgreSQL server that threads and forked processes use through one object, as they use `SqliteFile`.

Statements and tables come as SQLite knows them. How PostgreSQL says the same stands here, and nowhere else.
"""

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.index_place import IndexPlace
from workbench.telemetry.archiving.sqlite_file import renew_lock_when_forked

__all__ = ["PostgresSchema"]

_CONNECT_SECONDS = 10
_WAIT_SECONDS = 60  # for another writer
_IDLE_SECONDS = 30  # of a writer in a transaction; a machine that was lost would keep out the others for hours
_STAY = "To keep the index in the archive, remove index_url from the settings and run: workbench doctor --rebuild-index"
_CAUSES = {  # by SQLSTATE, or its class
    "55P03": ("is locked by another program", "Try again once it has finished."),
    "53": ("cannot be written: the server has no room", "Make room on the server."),
    "25P03": ("ended a change of which it heard nothing for too long", "Nothing was changed. Try again."),
    "25006": ("cannot be written: the server only lets it be read", "Write to the server that takes changes."),
    "42501": ("may not be used by this user", "Let the user of index_url make schemas: GRANT CREATE ON DATABASE."),
    "42P01": ("has lost its tables", "Run: workbench doctor --rebuild-index"),
    "3F000": ("is not there", "Run: workbench doctor --rebuild-index"),
    "XX": ("is damaged", "Run: workbench doctor --rebuild-index"),
}
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"  # until the end of the transaction
_NO_TABLES = ("42P01", "3F000")
_TYPES = {"INTEGER": "BIGINT", "REAL": "DOUBLE PRECISION", "TEXT": 'TEXT COLLATE "C"', " WITHOUT ROWID": ""}


class _Connection(psycopg.Connection[TupleRow]):
    """A connection that is closed when it is dropped, unless it is that of a parent process."""

    process: int

    def __del__(self, *_: Any, getpid: Callable[[], int] = os.getpid) -> None:  # `os` is gone when the program ends
        if getattr(self, "process", None) == getpid():
            self.close()


class _Writer:
    """What a transaction lends to write with."""

    def __init__(self, raw: _Connection, upserts: dict[str, str]) -> None:
        self._raw = raw
        self._upserts = upserts

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> psycopg.Cursor[TupleRow]:
        """Execute one statement."""
        return self._raw.execute(self._in_postgres(statement), parameters)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute one statement with each of some rows."""
        with self._raw.cursor() as cursor:
            cursor.executemany(self._in_postgres(statement), list(rows))

    def _in_postgres(self, statement: str) -> Any:
        replaced = re.fullmatch(r"INSERT OR REPLACE INTO (\w+) (VALUES .*)", statement)
        if replaced:
            statement = f"INSERT INTO {replaced[1]} {replaced[2]} {self._upserts[replaced[1]]}"
        return _in_postgres(statement)


class PostgresSchema:
    """Tables in a schema of their own, which is made when it is first used.

    Parameters
    ----------
    place : IndexPlace
        Server and schema.
    tables : str
        Statements that make the tables where they are missing, as for SQLite.
    what : str
        What it is, for errors, as "The index of the archive".
    """

    def __init__(self, place: IndexPlace, tables: str, what: str) -> None:
        self.name = place.name
        self._place = place
        self._tables = tables
        self._upserts = _upserts(tables)
        self._what = what
        self._lock = threading.RLock()
        renew_lock_when_forked(self)
        self._connection: _Connection | None = None
        self._of_parent: list[_Connection] = []

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query.

        Raises
        ------
        ArchiveError
            The server cannot be reached, or refuses.
        """
        with self._lock:
            try:
                raw = self._open()
                try:
                    return raw.execute(_in_postgres(statement), parameters).fetchall()
                except psycopg.Error as error:
                    if not raw.closed and error.sqlstate not in _NO_TABLES:
                        raise
                self._drop()  # the connection or the tables are gone: they are made again
                return self._open().execute(_in_postgres(statement), parameters).fetchall()
            except psycopg.Error as error:
                raise self._error(error) from error

    @contextmanager
    def transaction(self) -> Iterator[_Writer]:
        """Write in one transaction, one writer at a time, which is taken back where anything goes wrong.

        Raises
        ------
        ArchiveError
            The server cannot be reached, or refuses. Nothing was changed.
        """
        with self._lock:
            self.rows("SELECT 1")  # a connection that was lost is made again
            raw = self._open()
            try:
                with raw.transaction():
                    raw.execute(_ALONE, (self._place.schema,))
                    yield _Writer(raw, self._upserts)
            except psycopg.Error as error:
                raise self._error(error) from error

    def exists(self) -> bool:
        """Tell whether something was written to it."""
        return bool(self.rows("SELECT 1 FROM meta WHERE name = 'store'"))

    def is_sound(self) -> bool:
        """Tell whether all tables can be read.

        Raises
        ------
        ArchiveError
            The server cannot be reached.
        """
        try:
            for table in self._upserts:
                self.rows(f"SELECT count(*) FROM {table}")
        except ArchiveError:
            self.rows("SELECT 1")
            return False
        return True

    def discard(self) -> None:
        """Drop the schema; it is made again when it is next used."""
        with self._lock:
            try:
                self._open().execute(f"DROP SCHEMA IF EXISTS {self._place.schema} CASCADE")
            except psycopg.Error as error:
                raise self._error(error) from error
            finally:
                self._drop()

    def renew_lock(self) -> None:
        """Forget who held the lock."""
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the connection; it is opened again where it is needed."""
        with self._lock:
            self._drop()

    # ---- internals

    def _open(self) -> _Connection:
        if self._connection is not None and (self._connection.process != os.getpid() or self._connection.closed):
            self._drop()
        if self._connection is None:
            self._connection = self._connected()
        return self._connection

    def _connected(self) -> _Connection:
        """Connect, and make the tables where they are missing."""
        schema = self._place.schema
        raw = _Connection.connect(
            self._place.url, autocommit=True, connect_timeout=_CONNECT_SECONDS, application_name="workbench"
        )
        raw.process = os.getpid()
        raw.execute(
            f"SET search_path TO {schema}; SET lock_timeout = '{_WAIT_SECONDS}s'; "
            f"SET idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'"
        )
        present = raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)).fetchall()
        if not set(self._upserts) <= {name for (name,) in present}:
            with raw.transaction():
                raw.execute(_ALONE, (schema,))
                raw.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
                raw.execute(_tables_in_postgres(self._tables))
        return raw

    def _drop(self) -> None:
        """Close the connection, but for one of a parent process: its server would end the session of the parent."""
        if self._connection is not None:
            if self._connection.process == os.getpid():
                self._connection.close()
            else:
                self._of_parent.append(self._connection)
        self._connection = None

    def _error(self, error: psycopg.Error) -> ArchiveError:
        state = error.sqlstate or ""
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        reason = reason.removeprefix("connection is bad: ").removeprefix("connection failed: ")
        for prefix, (what, fix) in _CAUSES.items():
            if state.startswith(prefix):
                return ArchiveError(f"{self._what} ({self.name}) {what}: {reason}.", f"{fix} {_STAY}")
        if not state or state.startswith(("08", "28", "3D", "57")):
            return ArchiveError(
                f"{self._what} ({self.name}) cannot be reached: {reason}.",
                f"Start the server, or correct index_url; a password belongs in ~/.pgpass. {_STAY}",
            )
        return ArchiveError(f"{self._what} ({self.name}) cannot be used: {reason}.", _STAY)


def _in_postgres(statement: str) -> Any:  # the driver takes literal texts only
    return statement.replace("%", "%%").replace("?", "%s")


def _tables_in_postgres(tables: str) -> Any:
    for theirs, ours in _TYPES.items():
        tables = tables.replace(theirs, ours)
    return tables


def _upserts(tables: str) -> dict[str, str]:
    """Return for each table the end of a statement that replaces the row with the same key."""
    upserts = {}
    for name, body in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\)(?: WITHOUT ROWID)?;", tables, re.DOTALL):
        columns = re.findall(r"(\w+) (?:TEXT|INTEGER|REAL)\b", body)
        together = re.search(r"PRIMARY KEY \((.*?)\)", body)
        keys = together[1].split(", ") if together else columns[:1]
        changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in keys)
        upserts[name] = f"ON CONFLICT ({', '.join(keys)}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING")
    return upserts
