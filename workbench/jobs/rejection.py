"""Put a file that cannot be imported aside, with a text beside it that says why."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.files import replacing
from workbench.jobs.watch_memory import content_hash
from workbench.telemetry.importers.reading import list_text

__all__ = ["REJECTED_FOLDER", "import_command", "reject"]

REJECTED_FOLDER = "rejected"
"""Name of the folder, in the watched one, of the files that could not be imported."""

_REASON_ENDING = ".why.txt"


def import_command(path: Path, layout: str | None, options: Mapping[str, Any]) -> str:
    """Return the command that imports a file as a watched folder does.

    Parameters
    ----------
    path : Path
        File to import.
    layout : str or None
        Layout of the file.
    options : mapping of str to Any
        Options of the import by name.

    Examples
    --------
    >>> import_command(Path("rejected/day 1.csv"), None, {"asset": "pump", "inputs": ("speed", "mode")})
    "workbench import 'rejected/day 1.csv' --asset pump --inputs speed,mode"
    """
    words = ["workbench", "import", str(path)]
    for name, value in {"layout": layout, **options}.items():
        if value is None or value == ():
            continue
        text = list_text(value) if isinstance(value, tuple | list) else str(value)
        words += [f"--{name.replace('_', '-')}", text]
    return shlex.join(words)


def reject(path: Path, folder: Path, reason: str, layout: str | None, options: Mapping[str, Any]) -> Path:
    """Move a file to `rejected/` of a watched folder, and write beside it why.

    The text is written first, so that a file is never there without its reason. A file of the same content that is
    there already is replaced; one of another content stays, and the name gets a number.

    Parameters
    ----------
    path : Path
        File below `folder`.
    folder : Path
        The watched folder.
    reason : str
        Why the file was rejected.
    layout, options
        As for `import_command`.

    Returns
    -------
    Path
        Where the file is now.

    Raises
    ------
    OSError
        It cannot be moved.
    """
    target = folder / REJECTED_FOLDER / path.relative_to(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while target.exists() and content_hash(target) != content_hash(path):
        number += 1
        target = target.with_name(f"{path.stem}-{number}{path.suffix}")
    words = (
        f"{path.name} was not imported.\n\n{reason}\n\nTo try again, correct the file and move it back to {path.parent}"
        f", or run:\n{import_command(target.absolute(), layout, options)}\n"
    )
    with replacing(target.with_name(target.name + _REASON_ENDING)) as temporary:
        temporary.write_text(words, encoding="utf-8")
    path.replace(target)
    return target
