"""Remember which files of watched folders are imported, by the hash of their content, so that none is taken twice."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.exceptions import ArchiveError
from workbench.jobs.settled_files import FileState

__all__ = ["MEMORY_FILE", "WatchMemory", "content_hash"]

MEMORY_FILE = "watch.db"
"""Name of the SQLite file in a home."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    folder TEXT NOT NULL, purpose TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, taken_at TEXT NOT NULL,
    PRIMARY KEY (folder, purpose, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (
    folder TEXT NOT NULL, purpose TEXT NOT NULL, sha256 TEXT NOT NULL, path TEXT NOT NULL,
    PRIMARY KEY (folder, purpose, sha256)
) WITHOUT ROWID;
"""


def content_hash(path: Path) -> str:
    """Return the SHA-256 of the content of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class WatchMemory:
    """What is remembered of one watched folder, in an SQLite file that several folders share.

    It may be lost at any time: files that it does not know are imported again, which changes nothing in the archive.

    Parameters
    ----------
    file : Path
        The SQLite file; it is made where it is not there. One that is damaged, also while it is in use, is put aside
        and made anew.
    folder : Path
        The watched folder.
    purpose : str
        What its files are imported as, for example the asset: with another purpose they are taken again.

    Attributes
    ----------
    was_damaged : bool
        Whether a damaged file was put aside.

    Raises
    ------
    ArchiveError
        The file cannot be written.
    """

    def __init__(self, file: Path, folder: Path, purpose: str) -> None:
        self._file = file
        self._scope = (str(folder.resolve()), purpose)
        self.was_damaged = False
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = self._opened()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    raise
                self._make_anew()
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from None

    def close(self) -> None:
        """Close the file of the memory."""
        self._database.close()

    def holds(self, state: FileState) -> bool:
        """Tell whether a file is remembered as it is, without reading it."""
        statement = "SELECT 1 FROM files WHERE folder = ? AND purpose = ? AND path = ? AND size = ? AND modified_ns = ?"
        values = (*self._scope, str(state.path.resolve()), state.size, state.modified_ns)
        return self._run(lambda database: database.execute(statement, values).fetchone()) is not None

    def path_of(self, sha256: str) -> str | None:
        """Return the path under which a content was first imported; None where it was not."""
        statement = "SELECT CAST(path AS BLOB) FROM contents WHERE folder = ? AND purpose = ? AND sha256 = ?"
        row = self._run(lambda database: database.execute(statement, (*self._scope, sha256)).fetchone())
        return None if row is None else row[0].decode(errors="replace")  # of a damaged file, too

    def add(self, files: Iterable[tuple[FileState, str]]) -> None:
        """Remember files, all of them or none.

        Parameters
        ----------
        files : iterable of tuple
            State and content hash of each file.

        Raises
        ------
        ArchiveError
            They cannot be written.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [(str(state.path.resolve()), state, sha256) for state, sha256 in files]

        def insert(database: sqlite3.Connection) -> None:
            with database:
                database.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [(*self._scope, path, one.size, one.modified_ns, sha256, now) for path, one, sha256 in rows],
                )
                database.executemany(
                    "INSERT OR IGNORE INTO contents VALUES (?, ?, ?, ?)",
                    [(*self._scope, sha256, path) for path, _, sha256 in rows],
                )

        self._run(insert)

    def _run(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Use the database; where it was damaged since it was opened, put it aside and use a new one.

        Raises
        ------
        ArchiveError
            It cannot be read or written.
        """
        try:
            try:
                return work(self._database)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    raise
            self._database.close()
            self._make_anew()
            return work(self._database)
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from None

    def _make_anew(self) -> None:
        self.was_damaged = True
        os.replace(self._file, self._file.with_name(f"{self._file.name}.damaged"))
        self._database = self._opened()

    def _error(self, error: Exception) -> ArchiveError:
        reason = getattr(error, "strerror", None) or str(error)
        return ArchiveError(
            f"{self._file} cannot be written: {reason}.", "Free space, or set WORKBENCH_HOME to a writable folder."
        )

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=30)
        try:
            with closing(connection.execute("PRAGMA quick_check(1)")) as check:
                if check.fetchone() != ("ok",):
                    raise sqlite3.DatabaseError("it is damaged")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
        except (sqlite3.Error, UnicodeDecodeError):
            connection.close()
            raise
        return connection


def _is_damage(error: Exception) -> bool:
    """Tell whether an error says that the file is not what was written, rather than that it cannot be used just now."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)  # none where a text is no UTF-8 any more
    return code & 0xFF in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
