"""Find the files of a folder that nobody is writing any more."""

import errno
import fcntl
import os
import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from workbench.telemetry.archive import natural_key

__all__ = ["FileState", "SettledFiles", "is_open_for_writing"]

_UNFINISHED_ENDINGS = {".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".swp"}


@dataclass(frozen=True)
class FileState:
    """A file as it was when it was last looked at.

    Attributes
    ----------
    path : Path
        Its path.
    size : int
        Size in bytes.
    modified_ns : int
        When it was last written, in nanoseconds of the Unix epoch.
    inode : int
        Number of the file; a file that was renamed over another one has a number of its own.
    """

    path: Path
    size: int
    modified_ns: int
    inode: int


class SettledFiles:
    """The files below a folder, told apart into those that are complete and those that may still grow.

    A file is settled once its size and its time of modification have stayed the same for a while and no process of this
    machine has it open for writing. Files that begin with a dot, that have the ending of an unfinished download or that
    are empty are never settled.

    Parameters
    ----------
    folder : Path
        Folder to look into, with all folders below it.
    settle_s : float
        How long a file must stay the same, seconds.
    ignored : collection of Path
        Files and folders that are left alone.
    clock : callable
        Function that returns rising seconds.
    """

    def __init__(
        self,
        folder: Path,
        settle_s: float,
        ignored: Collection[Path] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._settle_s = settle_s
        self._ignored = {path.absolute() for path in ignored}
        self._clock = clock
        self._since: dict[FileState, float] = {}
        self._settled: set[FileState] = set()

    @property
    def unsettled(self) -> int:
        """Number of files that were not settled when the folder was last looked at; empty ones do not count."""
        return sum(state.size > 0 for state in self._since.keys() - self._settled)

    def scan(self) -> list[FileState]:
        """Return the files that are settled now, in the natural order of their paths."""
        now = self._clock()
        present = [state for path in self._paths() if (state := _state(path)) is not None]
        self._since = {state: self._since.get(state, now) for state in present}
        still = [state for state in present if state.size and now - self._since[state] >= self._settle_s]
        self._settled = {
            state for state in still if state in self._settled or not is_open_for_writing(state.path)
        } & set(present)
        return sorted(self._settled, key=lambda state: natural_key(str(state.path.relative_to(self._folder))))

    def is_unchanged(self, state: FileState) -> bool:
        """Tell whether a file is still just as it was."""
        return _state(state.path) == state

    def _paths(self) -> list[Path]:
        paths = []
        for place, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if self._is_candidate(Path(place, name))]
            paths += [path for name in names if self._is_candidate(path := Path(place, name))]
        return paths

    def _is_candidate(self, path: Path) -> bool:
        name = path.name
        hidden = name.startswith(".") or name.endswith("~") or path.suffix.lower() in _UNFINISHED_ENDINGS
        return not hidden and path.absolute() not in self._ignored


def is_open_for_writing(path: Path) -> bool:
    """Tell whether a process of this machine has a file open for writing, as far as the system says so.

    Parameters
    ----------
    path : Path
        File to ask about.

    Returns
    -------
    bool
        False, too, where the system cannot tell: on a file system of another machine, or for a file of another user.

    Notes
    -----
    Linux grants a read lease only on a file that nobody has open for writing. A process that opens the file while the
    lease is held causes a signal, whose default ends the process that holds it: SIGURG is chosen, which is ignored.
    """
    try:
        with path.open("rb") as file:
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EWOULDBLOCK)
    return False


def _state(path: Path) -> FileState | None:
    try:
        status = path.stat()
    except OSError:  # it has just gone
        return None
    return FileState(path, status.st_size, status.st_mtime_ns, status.st_ino)
