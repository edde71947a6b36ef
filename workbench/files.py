"""Replace a file whole, so that a reader never sees half of it; remove a folder in which others may still write."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["remove_folder", "replacing"]

_MOST_REMOVALS = 10


@contextmanager
def replacing(path: Path, *, folder: Path | None = None) -> Iterator[Path]:
    """Lend a path to write to, and put what was written in the place of a file.

    Parameters
    ----------
    path : Path
        The file to replace, in a folder that exists.
    folder : Path, optional
        Folder of the temporary file, on the same file system; that of `path` where omitted.

    Yields
    ------
    Path
        A new name with the ending of `path`. Where the block raises, or writes nothing there, the old file stays and
        the new one is removed.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "state.json"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("{}")
    >>> [file.name for file in target.parent.iterdir()], target.read_text()
    (['state.json'], '{}')
    """
    temporary = (folder or path.parent) / f".{path.stem}-{uuid.uuid4().hex}{path.suffix}"
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder in which others may still write, who find it gone from now on.

    It is renamed first: no file can be made in it any more by its path, but by those who were just doing so, for whom
    it is removed again.

    Parameters
    ----------
    folder : Path
        The folder. What cannot be removed stays, beside where it was.
    """
    aside = folder.with_name(f"{folder.name}.removed")
    try:
        folder.rename(aside)
    except OSError:  # it is gone, or must stay
        return
    for _ in range(_MOST_REMOVALS):
        shutil.rmtree(aside, ignore_errors=True)
        if not aside.exists():
            return
