"""Damage in the archive's files: whatever reading them raises becomes one error that names the file and the fix."""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.exceptions import ArchiveError

__all__ = ["DAMAGE", "Place", "damage_named"]

DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,  # as a chunk of no samples
    RuntimeError,  # of the codecs, and of JSON that is nested too deep
    EOFError,
    MemoryError,  # a length that is not the series'
    AssertionError,
    struct.error,
    zlib.error,
)
"""What reading damaged files raises."""

_CHECKSUM_ERROR = "Stored and computed checksum"  # as Zarr's codec begins it
_MAX_REASON_LETTERS = 200


@dataclass(frozen=True)
class Place:
    """Part of the archive that is read: its name in an error, and how to repair it.

    Attributes
    ----------
    what : str
        As "Channel P-1".
    fix : str or callable
        A sentence that says what to do, or a function that returns it, called only where something is damaged.
    """

    what: str
    fix: str | Callable[[], str]

    def error(self, file: Path | str, reason: str) -> ArchiveError:
        """Return the error that says that a file, or a database of a server, is damaged."""
        fix = self.fix if isinstance(self.fix, str) else self.fix()
        return ArchiveError(f"{self.what} is damaged: {file}: {reason.rstrip('.')}.", fix)


@contextmanager
def damage_named(place: Place, file: Path | str | Callable[[], Path | str]) -> Iterator[None]:
    """Turn whatever damaged files raise into an `ArchiveError`.

    Parameters
    ----------
    place : Place
        What is read.
    file : Path, str or callable
        File, folder or database that the error names, or a function that returns it, called only for an error.

    Raises
    ------
    ArchiveError
        Something in it could not be read.
    """
    try:
        yield
    except DAMAGE as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
        if reason.startswith(_CHECKSUM_ERROR):
            reason = "its bytes are not those that were written: the checksum differs"
        raise place.error(file() if callable(file) else file, reason[:_MAX_REASON_LETTERS]) from error
