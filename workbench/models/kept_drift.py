"""Figures of drift that were computed before: the dashboard looks for drift on all channels, half a second each.

They can be computed anew at any time, so that nothing is said of a file of them that is damaged or cannot be written.
"""

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.sqlite_file import SqliteFile
from workbench.telemetry.damage import Place

__all__ = ["KeptDrift"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS drift (
    channel TEXT PRIMARY KEY, state TEXT NOT NULL, figures TEXT NOT NULL, crc INTEGER NOT NULL
) WITHOUT ROWID;
"""


class KeptDrift:
    """The figures that were computed last of each channel.

    Parameters
    ----------
    file : Path
        SQLite database, which is made when the first figures are kept.
    """

    def __init__(self, file: Path) -> None:
        place = Place("The figures of drift", f"Remove {file}: it is made again.")
        self._file = SqliteFile(file, _SCHEMA, "PRAGMA synchronous = NORMAL;", place)

    def find(self, channel: str, state: str) -> dict[str, float] | None:
        """Return the figures of a channel; None where they are of another state, or damaged.

        Parameters
        ----------
        channel : str
            Name of the channel.
        state : str
            Text that is another one where any of what the figures are computed from is.
        """
        try:
            rows = self._file.rows("SELECT figures, crc FROM drift WHERE channel = ? AND state = ?", (channel, state))
        except ArchiveError:
            with suppress(OSError):
                self._file.discard()
            return None
        for figures, crc in rows:
            if zlib.crc32(f"{channel}{state}{figures}".encode()) == crc:
                return dict(json.loads(figures))
        return None

    def keep(self, channel: str, state: str, figures: Mapping[str, float]) -> None:
        """Keep the figures of a channel in place of those before."""
        text = json.dumps(dict(figures))
        row = (channel, state, text, zlib.crc32(f"{channel}{state}{text}".encode()))
        with suppress(ArchiveError, OSError), self._file.transaction() as cursor:
            cursor.execute("INSERT OR REPLACE INTO drift VALUES (?, ?, ?, ?)", row)

    def close(self) -> None:
        """Close the connection; it is opened again where it is needed."""
        self._file.close()
