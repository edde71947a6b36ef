"""A zip or a folder, read as a set of named files; nothing is ever unpacked to disk."""

import lzma
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from zipfile import BadZipFile, LargeZipFile, ZipFile, ZipInfo

from workbench.exceptions import ImportDataError

__all__ = ["Bundle"]

_MAX_MEMBER_BYTES = 512 * 2**20
_BROKEN_ZIP = (
    BadZipFile,
    LargeZipFile,
    NotImplementedError,  # an unknown compression
    RuntimeError,  # encrypted
    EOFError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    UnicodeError,
    ValueError,
    OverflowError,
    IndexError,
)


class Bundle:
    """The files of a zip or folder, each by its path within.

    Parameters
    ----------
    path : Path
        A zip or a folder.

    Raises
    ------
    ImportDataError
        It is neither, cannot be read, or a zip is unsafe: encrypted, a member with a path that leads out of
        it, twice the same name, or one that claims more than 512 MiB.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._zip: ZipFile | None = None
        self._members: dict[str, ZipInfo] = {}
        self._files: dict[str, Path] = {}
        if self.path.is_dir():
            self._files = dict(_walk(self.path))
            return
        try:
            self._zip = ZipFile(self.path)
        except FileNotFoundError:
            raise ImportDataError(f"{self.path} does not exist.", "Give a zip or folder.") from None
        except _BROKEN_ZIP as error:
            raise ImportDataError(
                f"{self.path} is not a readable zip: {_reason(error)}", "It may be truncated: get it again."
            ) from None
        except OSError as error:
            raise ImportDataError(f"{self.path} cannot be read: {error.strerror or error}.") from None
        try:
            self._members = self._checked(self._zip.infolist())
        except ImportDataError:
            self._zip.close()
            raise

    def __enter__(self) -> "Bundle":
        """Return the bundle itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the zip."""
        if self._zip is not None:
            self._zip.close()

    def names(self) -> list[PurePosixPath]:
        """Return the paths of all files within, sorted; hidden ones and those of macOS' shadow folder are left out."""
        names = [PurePosixPath(name) for name in (*self._members, *self._files)]
        return sorted(name for name in names if not name.name.startswith(".") and "__MACOSX" not in name.parts)

    def size(self, name: PurePosixPath) -> int:
        """Return the size of a file in bytes, as the zip's directory or the file system has it."""
        if self._zip is not None:
            return self._members[str(name)].file_size
        try:
            return self._files[str(name)].stat().st_size
        except OSError as error:
            raise ImportDataError(f"{self.path / name} cannot be read: {error.strerror or error}.") from None

    @contextmanager
    def open(self, name: PurePosixPath) -> Iterator[BinaryIO]:
        """Open a file for reading.

        Parameters
        ----------
        name : PurePosixPath
            One of `names()`.

        Yields
        ------
        binary file

        Raises
        ------
        ImportDataError
            It cannot be read, also when that shows only while reading (a wrong CRC, a truncated stream).
        """
        try:
            with self._stream(name) as stream:
                yield stream
        except (*_BROKEN_ZIP, OSError) as error:
            reason = getattr(error, "strerror", None) or _reason(error)
            raise ImportDataError(f"{name} in {self.path} cannot be read: {reason}", "Get it again.") from None

    def _stream(self, name: PurePosixPath) -> BinaryIO:
        if self._zip is not None:
            return self._zip.open(self._members[str(name)])  # type: ignore[return-value]
        return self._files[str(name)].open("rb")

    def _checked(self, members: list[ZipInfo]) -> dict[str, ZipInfo]:
        checked: dict[str, ZipInfo] = {}
        for member in members:
            name = member.filename
            place = f"{name[:100]!r} in {self.path}"
            parts = name.replace("\\", "/").split("/")  # some Windows programs write backslashes
            if parts[0] == "" or ".." in parts or ":" in parts[0]:
                raise ImportDataError(f"{place} leads out of the zip.", "Pack the zip again, without such a path.")
            if member.is_dir():
                continue
            if member.flag_bits & 0x1:
                raise ImportDataError(f"{place} is encrypted.", "Unpack it, then import the folder.")
            if member.file_size > _MAX_MEMBER_BYTES:
                raise ImportDataError(
                    f"{place} has {member.file_size:,} bytes unpacked.",
                    f"At most {_MAX_MEMBER_BYTES:,} are read from a zip. If that is right, import it unpacked.",
                )
            inner = str(PurePosixPath(*parts))
            if inner in checked:
                raise ImportDataError(f"{place} is in the zip twice.", "Pack the zip again, with each file once.")
            checked[inner] = member
        return checked


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for place, _, names in os.walk(folder):
        for name in names:
            file = Path(place, name)
            yield file.relative_to(folder).as_posix(), file


def _reason(error: BaseException) -> str:
    return f"{str(error) or type(error).__name__}."
