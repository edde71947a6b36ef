"""Replace a file whole: a reader sees the old content or the new, never half of it."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["replacing"]


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
