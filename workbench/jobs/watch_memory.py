"""Remember which files of watched folders are imported, by the hash of their content, so that none is taken twice."""

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

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
        The SQLite file; it is made where it is not there. One that is damaged is put aside and made anew.
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
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self.was_damaged = True
                os.replace(file, file.with_name(f"{file.name}.damaged"))
                self._database = self._opened()
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ArchiveError(
                f"{file} cannot be written: {reason}.", "Free space, or set WORKBENCH_HOME to a writable folder."
            ) from None

    def close(self) -> None:
        """Close the file of the memory."""
        self._database.close()

    def holds(self, state: FileState) -> bool:
        """Tell whether a file is remembered as it is, without reading it."""
        row = self._database.execute(
            "SELECT 1 FROM files WHERE folder = ? AND purpose = ? AND path = ? AND size = ? AND modified_ns = ?",
            (*self._scope, str(state.path.resolve()), state.size, state.modified_ns),
        )
        return row.fetchone() is not None

    def path_of(self, sha256: str) -> str | None:
        """Return the path under which a content was first imported; None where it was not."""
        row = self._database.execute(
            "SELECT path FROM contents WHERE folder = ? AND purpose = ? AND sha256 = ?", (*self._scope, sha256)
        ).fetchone()
        return None if row is None else str(row[0])

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
        try:
            with self._database:
                for state, sha256 in files:
                    path = str(state.path.resolve())
                    self._database.execute(
                        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
                        (*self._scope, path, state.size, state.modified_ns, sha256, now),
                    )
                    self._database.execute(
                        "INSERT OR IGNORE INTO contents VALUES (?, ?, ?, ?)", (*self._scope, sha256, path)
                    )
        except sqlite3.Error as error:
            raise ArchiveError(f"{self._file} cannot be written: {error}.", "Free space.") from None

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=30)
        try:
            with closing(connection.execute("PRAGMA quick_check(1)")) as check:
                if check.fetchone() != ("ok",):
                    raise sqlite3.DatabaseError("it is damaged")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection
