"""Where the index of an archive lies: in its folder, or in PostgreSQL, as a file in the folder says.

What the setting `index_url` names counts when an archive is made, and when its index is made anew. Until then every
process follows the file, whatever its settings say: two processes never use two indexes of one archive.
"""

import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from workbench.exceptions import ArchiveError
from workbench.files import replacing
from workbench.telemetry.damage import Place, damage_named

__all__ = ["PLACE_FILE", "IndexPlace", "PlaceFile", "checked_index_url"]

PLACE_FILE = "index.json"
"""Name of the file in the folder of an archive that says where its index is, where that is not the folder itself."""

_SECRETS = {"password", "sslpassword", "oauth_client_secret"}  # of libpq
_REBUILD = "Run: workbench doctor --rebuild-index"


@dataclass(frozen=True)
class IndexPlace:
    """A schema of a PostgreSQL server.

    Attributes
    ----------
    url : str
        `postgresql://user@host/name`, without a password.
    schema : str
        Name of the schema; that of each archive is another one.
    """

    url: str
    schema: str

    @classmethod
    def new(cls, url: str) -> "IndexPlace":
        """Return a place at a server that no archive has."""
        return cls(checked_index_url(url), f"workbench_{uuid.uuid4().hex[:16]}")

    @property
    def name(self) -> str:
        """Return server and schema, for errors."""
        return f"{self.url}, schema {self.schema}"


def checked_index_url(url: str) -> str:
    """Return the URL of a PostgreSQL database as libpq reads it.

    Parameters
    ----------
    url : str
        As in the setting `index_url`.

    Raises
    ------
    ValueError
        It is none, or holds a password.

    Examples
    --------
    >>> checked_index_url("postgresql+psycopg://ann@db.example/workbench")
    'postgresql://ann@db.example/workbench'
    """
    try:
        parts = urlsplit(url)
        beside = ":" in parts.netloc and "@" in url and "@" not in parts.netloc  # a mark of its own splits the password
        has_password = parts.password is not None or beside or not _SECRETS.isdisjoint(parse_qs(parts.query))
    except ValueError:  # as a host in a bracket that is never closed
        raise _not_a_url("this is no URL") from None
    if parts.scheme not in ("postgresql", "postgresql+psycopg") or not parts.path.strip("/"):
        raise _not_a_url("this is not the URL of a PostgreSQL database")
    if has_password:
        raise _not_a_url("a password does not belong here, since the archive notes the URL: put it in ~/.pgpass")
    return "postgresql" + url[len(parts.scheme) :]


def _not_a_url(reason: str) -> ValueError:
    return ValueError(f"{reason}. Use postgresql://user@host/name, or leave it out for SQLite in the archive")


class PlaceFile:
    """The file that says where the index of an archive is.

    Parameters
    ----------
    archive : Path
        Folder of the archive.
    """

    def __init__(self, archive: Path) -> None:
        self.file = archive / PLACE_FILE
        self._path = str(self.file)  # read at each question to the index
        self._root = archive / "zarr.json"
        self._last: tuple[tuple[int, ...], IndexPlace] | None = None

    def read(self) -> IndexPlace | None:
        """Return where the index is; None for the folder of the archive.

        Raises
        ------
        ArchiveError
            The file is damaged, or the archive is a copy, which must not write into the index of the original.
        """
        try:
            os.stat(self._path)
        except FileNotFoundError:
            return None
        except OSError:  # which is named below
            pass
        with damage_named(Place("The place of the index of the archive", _REBUILD), self.file):
            about = self.file.stat()
            state = (about.st_ino, about.st_mtime_ns, about.st_size)
            if self._last is None or self._last[0] != state:
                document = json.loads(self.file.read_text(encoding="utf-8"))
                if document.pop("sha256") != _hash(document):
                    raise ValueError("its checksum differs")
                copied = document.pop("store_file") != self._root.stat().st_ino
                place = IndexPlace(**document)
                if copied:
                    raise ArchiveError(
                        f"The archive {self.file.parent} is a copy: its index ({place.name}) is that of the original.",
                        "To make one of its own, run: workbench doctor --rebuild-index",
                    )
                self._last = (state, place)
            return self._last[1]

    def write(self, place: IndexPlace | None) -> None:
        """Note where the index is from now on."""
        if place is None:
            self.file.unlink(missing_ok=True)
            return
        document = asdict(place) | {"store_file": self._root.stat().st_ino}
        with replacing(self.file) as temporary:
            temporary.write_text(json.dumps(document | {"sha256": _hash(document)}, indent=2) + "\n", encoding="utf-8")


def _hash(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
