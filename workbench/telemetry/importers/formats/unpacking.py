"""Unpacks compressed files, block by block and never beyond the limit."""

import bz2
import gzip
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.limits import check_bytes, check_ratio

__all__ = ["PACKED_ENDINGS", "inner_name", "unpacked"]

_BLOCK_BYTES = 2**20


def _open_zstd(path: Path) -> IO[bytes]:
    import pyarrow as pa

    stream: IO[bytes] = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return stream


_OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zstd,
}

_FIRST_BYTES = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ", ".zst": b"\x28\xb5\x2f\xfd", ".zip": b"PK"}

PACKED_ENDINGS = (*_OPENERS, ".zip")
"""Endings of compressed files of one table."""

_OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".tgz")


def inner_name(path: Path) -> str:
    """Return the name of the file that a compressed file holds; its own name where it is not compressed.

    Parameters
    ----------
    path : Path
        File, which need not exist.

    Returns
    -------
    str
        Empty where a zip cannot be read, or does not hold just one file.

    Examples
    --------
    >>> inner_name(Path("pump.csv.gz"))
    'pump.csv'
    """
    ending = path.suffix.lower()
    if ending in _OPENERS:
        return path.stem
    if ending != ".zip":
        return path.name
    try:
        with zipfile.ZipFile(path) as bundle:
            members = _files_in(bundle)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return ""
    return Path(members[0].filename).name if len(members) == 1 else ""


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpack a file for as long as the context lasts; one that is not compressed is itself.

    Parameters
    ----------
    path : Path
        Any file. One that is not compressed is given as it is.

    Yields
    ------
    Path
        File to read; a temporary one where the other is compressed.

    Raises
    ------
    ImportDataError
        It cannot be unpacked, is too large when unpacked, or is a zip that does not hold just one file.
    """
    ending = path.suffix.lower()
    if ending not in PACKED_ENDINGS:
        check_bytes(path, path.stat().st_size)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="workbench-import-") as folder:
        target = Path(folder) / "table"
        try:
            _check_start(path, ending)
            if ending == ".zip":
                with zipfile.ZipFile(path) as bundle, bundle.open(_only_file(path, bundle)) as packed:
                    _copy(path, packed, target)
            else:
                with _OPENERS[ending](path) as packed:
                    _copy(path, packed, target)
        except ImportDataError:
            raise
        except (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise ImportDataError(
                f"{path} cannot be unpacked: {str(error)[:200]}.", "It may be truncated: get it again."
            ) from None
        yield target


def _check_start(path: Path, ending: str) -> None:
    """Raise an error where a file does not begin as those of its ending do; one that is empty or cut may."""
    with path.open("rb") as file:
        start = file.read(len(_FIRST_BYTES[ending]))
    if not _FIRST_BYTES[ending].startswith(start):
        raise ImportDataError(
            f"{path} is not compressed as its name says.", f"Take {ending} from the end of its name, or get it again."
        )


def _copy(path: Path, packed: IO[bytes], target: Path) -> None:
    n_bytes, n_packed = 0, path.stat().st_size
    with target.open("wb") as file:
        while block := packed.read(_BLOCK_BYTES):
            n_bytes += len(block)
            check_bytes(path, n_bytes)
            check_ratio(path, n_bytes, n_packed)
            file.write(block)


def _files_in(bundle: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [
        member
        for member in bundle.infolist()
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not Path(member.filename).name.startswith(".")
    ]


def _only_file(path: Path, bundle: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = _files_in(bundle)
    if len(members) != 1:
        names = ", ".join(member.filename for member in members[:10])
        count = f"{len(members)} files ({names})" if members else "no file"
        raise ImportDataError(f"{path} holds {count}, not one table.", "Unpack it, and import its folder.")
    if Path(members[0].filename).suffix.lower() in (*PACKED_ENDINGS, *_OTHER_ARCHIVES):
        raise ImportDataError(
            f"{path} holds another archive ({members[0].filename}), not a table.",
            f"Unpack it, and import {Path(members[0].filename).name} or what that holds.",
        )
    if members[0].flag_bits & 1:
        raise ImportDataError(f"{path} is encrypted.", "Unpack it with its password, and import what it holds.")
    return members[0]
