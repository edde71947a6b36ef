"""Staging folders beside the archive: what is written there is complete before it is renamed into the archive.

Compressing takes most of the time of a write, and needs no lock: each process has a folder of its own. The process
locks a file beside it for as long as it lives, on every machine that sees the folder, so that what a crash left can be
told from what a living process is writing.
"""

import os
import socket
import uuid
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from workbench.files import remove_folder

__all__ = ["StagedScore", "StagingArea"]

_LOCK = ".lock"


@dataclass(frozen=True)
class StagedScore:
    """Score that is written, but not part of the archive yet.

    Attributes
    ----------
    channel, key : str
        Where it belongs.
    file : str
        File that holds it, below the staging folders.
    """

    channel: str
    key: str
    file: str


class StagingArea:
    """The staging folders of one archive.

    Parameters
    ----------
    root : Path
        Folder of the staging folders; it must lie on the file system of the archive.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._own: tuple[int, str] | None = None

    def own(self) -> str:
        """Return the name of the staging folder of this process, and make it where there is none yet.

        Returns
        -------
        str
            Other processes may write there, too; the folder goes when this object or this process ends.

        Raises
        ------
        OSError
            It cannot be written.
        """
        if self._own is None or self._own[0] != os.getpid() or not (self.root / self._own[1]).exists():
            name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
            lock = self._locked(name)
            (self.root / name).mkdir()
            weakref.finalize(self, _remove, os.getpid(), self.root, name, lock)
            self._own = (os.getpid(), name)
        return self._own[1]

    def _locked(self, name: str) -> FileLock:
        lock = FileLock(self.root / f"{name}{_LOCK}", thread_local=False)
        while True:
            self.root.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
                return lock
            except FileNotFoundError:  # another process found the root empty, and removed it
                continue

    def clean(self) -> None:
        """Remove the staging folders of processes that have died."""
        try:
            entries = [entry.name for entry in os.scandir(self.root)]
        except OSError:
            return
        for name in {entry.removesuffix(_LOCK) for entry in entries}:
            lock = FileLock(self.root / f"{name}{_LOCK}", timeout=0, thread_local=False)
            try:
                lock.acquire()
            except (Timeout, OSError):  # it lives, or is gone
                continue
            _remove(os.getpid(), self.root, name, lock)


def _remove(process: int, root: Path, name: str, lock: FileLock) -> None:
    """Remove a staging folder and its lock, in the process that holds the lock."""
    if process != os.getpid():  # a copy of it, made by a fork, ends
        return
    remove_folder(root / name)  # workers may still stage what nobody waits for
    (root / f"{name}{_LOCK}").unlink(missing_ok=True)
    lock.release()
    with suppress(OSError):  # others have theirs in it
        root.rmdir()
