"""An SQLite file that threads and forked processes use through one object, and whose damage is named."""

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from workbench.exceptions import ArchiveError
from workbench.telemetry.damage import Place

__all__ = ["UNDECODABLE", "ClosingConnection", "SqliteFile", "renew_lock_when_forked"]

UNDECODABLE = "Could not decode to UTF-8"
"""How the error of Python's driver begins where a text is none any more; the text follows, over any number of lines."""

_WAIT_SECONDS = 60.0
_MAX_REMEMBERED = 2_000  # answers
_MAX_REMEMBERED_ROWS = 16  # of an answer
_DAMAGE = (UNDECODABLE, "malformed", "not a database", "no such table", "no such column", "disk image", "has no column")


class _Locked(Protocol):
    def renew_lock(self) -> None:
        """Forget who held the lock."""


_OPENED: "weakref.WeakSet[_Locked]" = weakref.WeakSet()


class ClosingConnection(sqlite3.Connection):
    """A connection that is closed when it is dropped, also where a thread holds it longer than all others."""

    def __del__(self) -> None:
        self.close()


class _Connection:
    """A connection that is closed when it is dropped, also where a cursor of it is still held."""

    def __init__(self, file: Path, schema: str, pragmas: str) -> None:
        self.raw = sqlite3.connect(
            file, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False, factory=ClosingConnection
        )
        self.raw.executescript(pragmas)
        try:
            self.raw.executescript(schema)
        except sqlite3.OperationalError as error:
            if "readonly" not in str(error):
                raise

    def __del__(self) -> None:
        if hasattr(self, "raw"):
            self.raw.close()


class SqliteFile:
    """An SQLite database with a rollback journal: other machines may read it on a shared file system.

    Parameters
    ----------
    file : Path
        The database. It is made at the first transaction; a missing one reads as empty.
    schema : str
        Statements that make its tables where they are missing.
    pragmas : str
        Statements for every connection.
    place : Place
        What it is, for an error that says that it is damaged.
    remembers : bool
        Whether answers are kept until the file changes; for queries with short answers that are asked again and again.
    """

    def __init__(self, file: Path, schema: str, pragmas: str, place: Place, *, remembers: bool = False) -> None:
        self.file = file
        self._path = str(file)
        self._remembers = remembers
        self._remembered: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        self._version: tuple[Any, ...] = ()
        self._schema = schema
        self._pragmas = pragmas
        self._place = place
        self._lock = threading.RLock()
        renew_lock_when_forked(self)
        self._connection: tuple[int, int, _Connection] | None = None
        self._of_parent: list[_Connection] = []

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query; none where the file does not exist.

        Raises
        ------
        ArchiveError
            The database is damaged, or cannot be read.
        """
        try:
            with self._lock:
                try:
                    about = os.stat(self._path)
                except (FileNotFoundError, NotADirectoryError):
                    self._drop()
                    return []
                raw = self._open(about).raw
                if not self._remembers or raw.in_transaction:
                    return raw.execute(statement, parameters).fetchall()
                return [*self._remembered_rows(raw, about, statement, tuple(parameters))]
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter where a message holds damaged bytes
            raise self._place.error(self.file, _reason(error)) from error

    def _remembered_rows(
        self, raw: ClosingConnection, about: os.stat_result, statement: str, parameters: tuple[Any, ...]
    ) -> list[tuple[Any, ...]]:
        """Return all rows of a query, from memory where neither this connection nor another one has written since."""
        (others,) = raw.execute("PRAGMA data_version").fetchone()
        version = (id(raw), others, raw.total_changes, about.st_mtime_ns, about.st_size)
        if version != self._version or len(self._remembered) > _MAX_REMEMBERED:
            self._remembered, self._version = {}, version
        rows = self._remembered.get((statement, parameters))
        if rows is None:
            rows = raw.execute(statement, parameters).fetchall()
            if len(rows) <= _MAX_REMEMBERED_ROWS:
                self._remembered[statement, parameters] = rows
        return rows

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write in one transaction, which is taken back where anything goes wrong.

        Raises
        ------
        ArchiveError
            The database is damaged.
        OSError
            It cannot be written.
        """
        try:
            with self._lock:
                raw = self._open().raw
                self._version = ()
                raw.execute("BEGIN IMMEDIATE")
                try:
                    yield raw
                    raw.execute("COMMIT")
                except BaseException:
                    if raw.in_transaction:
                        raw.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if isinstance(error, UnicodeDecodeError) or any(sign in str(error) for sign in _DAMAGE):
                raise self._place.error(self.file, _reason(error)) from error
            raise OSError(f"{self.file}: {error}") from error

    @property
    def name(self) -> Path:
        """What errors call it: its file."""
        return self.file

    def exists(self) -> bool:
        """Tell whether it was made."""
        return self.file.exists()

    def is_sound(self) -> bool:
        """Tell whether all of it can be read."""
        try:
            for (table,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
                self.rows(f"SELECT count(*) FROM {table}")
            return self.rows("PRAGMA quick_check") in ([], [("ok",)])
        except ArchiveError:
            return False

    def discard(self) -> None:
        """Remove the file; it is made again at the next transaction."""
        self.close()
        self.file.unlink(missing_ok=True)

    def renew_lock(self) -> None:
        """Forget who held the lock."""
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the connection; it is opened again where it is needed."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        """Close the connection, but for one of a parent process: closing that would drop the locks of its owner."""
        if self._connection is not None:
            if self._connection[0] == os.getpid():
                self._connection[2].raw.close()
            else:
                self._of_parent.append(self._connection[2])
        self._connection = None
        self._version = ()

    def _open(self, about: os.stat_result | None = None) -> _Connection:
        process = os.getpid()
        if about is None and self.file.exists():
            about = self.file.stat()
        inode = -1 if about is None else about.st_ino
        if self._connection is not None and self._connection[:2] != (process, inode):
            self._drop()
        if self._connection is None:
            connection = _Connection(self.file, self._schema, self._pragmas)
            self._connection = (process, self.file.stat().st_ino, connection)
        return self._connection[2]


def renew_lock_when_forked(one: _Locked) -> None:
    """Renew the lock of a database in processes that are forked from this one, as long as it is in use."""
    _OPENED.add(one)


def _renew_locks() -> None:
    """Renew the locks in a forked process: a thread of its parent may have held them."""
    for one in list(_OPENED):
        one.renew_lock()


os.register_at_fork(after_in_child=_renew_locks)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is no database any more"
    return "a text in it is damaged" if str(error).startswith(UNDECODABLE) else str(error)
