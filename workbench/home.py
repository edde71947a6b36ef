"""Identity of a home: a file in it that says which home it is and what it holds, so that one that vanished is noticed.

A folder that is not mounted, a database of 0 bytes and a folder that somebody removed all look like a home that is not
made yet. Without the identity they would silently be made anew, and alerts, orders and models would seem never to have
been. The file `home.json` is written when a home is first made, or when one of an earlier release is first opened.
"""

import errno
import hashlib
import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.exceptions import HomeError
from workbench.files import replacing

__all__ = [
    "FORMAT_VERSION",
    "IDENTITY_FILE",
    "Identity",
    "check_folder",
    "check_part",
    "forget_home",
    "open_home",
    "part_faults",
    "prepare_part",
    "record_part",
]

FORMAT_VERSION = 1
"""Version of the layout of a home that this code writes and reads."""

IDENTITY_FILE = "home.json"
"""Name of the identity file in a home."""

_PARTS = {
    "archive.zarr": "The archive",
    "maintenance.db": "The maintenance database",
    "registry/mlflow.db": "The model registry",
}
_IDENTITIES: dict[Path, str] = {}  # of the homes that this process has seen, or that its settings name


@dataclass(frozen=True)
class Identity:
    """Content of the identity file.

    Attributes
    ----------
    id : str
        32 hexadecimal digits, random.
    parts : tuple of str
        What the home has held, as `maintenance.db`.
    """

    id: str
    parts: tuple[str, ...]


def open_home(home: Path, expected_id: str | None = None) -> str | None:
    """Note which home is in use, and write the identity of one that holds something and has none yet.

    Nothing is raised here where the home is not as expected: whatever uses it then says so.

    Parameters
    ----------
    home : Path
        Folder of the home.
    expected_id : str, optional
        Identity that the home must have, as the settings name it.

    Returns
    -------
    str or None
        Its identity; None where there is none, or it cannot be read.
    """
    home = home.absolute()
    if expected_id:
        _IDENTITIES[home] = expected_id
    try:
        identity = _read(home)
        present = {name for name in _PARTS if (home / name).exists()}
        if identity is None and present:
            identity = _make(home, present)
        elif identity is not None and (new := {name for name in present if _is_filled(home / name)}) - {
            *identity.parts
        }:
            identity = _write(home, Identity(identity.id, (*identity.parts, *(new - {*identity.parts}))))
    except (HomeError, OSError):  # it cannot be read, or not be written
        return None
    return None if identity is None else identity.id


def forget_home(home: Path) -> None:
    """Forget the identity of a home that is removed on purpose, so that another one can be made in its place.

    Parameters
    ----------
    home : Path
        Folder of the home.
    """
    _IDENTITIES.pop(home.absolute(), None)


def check_folder(home: Path) -> None:
    """Raise an error where a home is no folder, and where none can be made.

    Parameters
    ----------
    home : Path
        Folder of the home, which need not exist.

    Raises
    ------
    HomeError
        The home, or a folder above it, is a file.
    """
    places = [home.absolute(), *home.absolute().parents]
    nearest = next((place for place in places if os.path.lexists(place)), None)
    if nearest is not None and not nearest.is_dir():
        where = "" if nearest == places[0] else f" {nearest} above it is none."
        raise HomeError(f"The home {home} is no folder.{where}", "Name a folder with --home or WORKBENCH_HOME.")


def check_part(path: Path) -> None:
    """Check that a home is the one that it was, and that a part that it has held is still there.

    Parameters
    ----------
    path : Path
        A part of a home, as its `maintenance.db`; nothing is checked for any other path.

    Raises
    ------
    HomeError
        The home or the part has vanished, is another one, or its identity is damaged.
    """
    home, name = _home_of(path)
    if home is None:
        return
    identity = _read(home)
    if identity is None or name not in identity.parts or _is_filled(path):
        return
    file = home / IDENTITY_FILE
    if path.exists():
        state, removal = "is empty", f"{path} and {file}"
    else:
        state, removal = "has vanished", str(file)
    raise HomeError(
        f"{_PARTS[name]} {path} {state}: this home held one before.",
        f"Restore it from a backup, or mount its disk. To begin anew without it, remove {removal}.",
    )


def part_faults(home: Path) -> list[HomeError]:
    """Return what is wrong with a home: each part that it has held and that has vanished, or its identity.

    Parameters
    ----------
    home : Path
        Folder of the home.
    """
    faults: dict[str, HomeError] = {}
    for name in _PARTS:
        try:
            check_part(home / name)
        except HomeError as error:
            faults[error.message] = error
    return list(faults.values())


def prepare_part(path: Path) -> None:
    """Check a home before a part of it is made, and write the identity of a new home.

    Parameters
    ----------
    path : Path
        Part that is to be made, if it is not there; nothing happens for a path that is no part of a home.

    Raises
    ------
    HomeError
        As from `check_part`.
    OSError
        The home cannot be written.
    """
    check_part(path)
    home, _ = _home_of(path)
    if home is not None and _read(home) is None:
        try:
            home.mkdir(parents=True, exist_ok=True)
        except FileExistsError:  # a file stands where the folder should be
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(home)) from None
        _make(home, {name for name in _PARTS if _is_filled(home / name)})


def record_part(path: Path) -> None:
    """Record in the identity file that a home holds a part from now on.

    Parameters
    ----------
    path : Path
        Part that was made; nothing happens for a path that is no part of a home.

    Raises
    ------
    HomeError
        The home has vanished, or its identity is damaged.
    OSError
        The home cannot be written.
    """
    home, name = _home_of(path)
    if home is None:
        return
    identity = _read(home)
    if identity is not None and name not in identity.parts:
        _write(home, Identity(identity.id, (*identity.parts, name)))


def _home_of(path: Path) -> tuple[Path | None, str]:
    path = path.absolute()
    for name in _PARTS:
        depth = name.count("/") + 1
        if path.parts[-depth:] == tuple(name.split("/")):
            return path.parents[depth - 1], name
    return None, ""


def _is_filled(path: Path) -> bool:
    """Tell whether a part is there: a file with content, or a folder with entries."""
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                return next(entries, None) is not None
        return path.stat().st_size > 0
    except OSError:
        return False


def _read(home: Path) -> Identity | None:
    """Read the identity of a home, and compare it with the one that it had before; None where there is none yet."""
    file = home / IDENTITY_FILE
    expected = _IDENTITIES.get(home)
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if expected is None:
            return None
        raise HomeError(
            f"The home {home} has vanished: its identity file {file} is gone.",
            "Mount its disk or restore the folder. To begin anew in this folder, start the workbench again, without "
            "the setting home_id.",
        ) from None
    except OSError as error:
        raise HomeError(f"The home {home} cannot be read: {error.strerror}.", "Check its disk and rights.") from None
    try:
        document = json.loads(content)
        if document.pop("sha256") != _hash(document):
            raise ValueError("its checksum differs")
        version, identity = document["format_version"], Identity(document["id"], tuple(document["parts"]))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise HomeError(
            f"The identity file {file} is damaged: {error}.",
            "Restore it from a backup, or remove it: it is made again when the home is next opened.",
        ) from None
    if version > FORMAT_VERSION:
        raise HomeError(
            f"The home {home} is of a newer workbench (format {version}, here {FORMAT_VERSION}).",
            "Update the workbench.",
        )
    if expected not in (None, identity.id):
        raise HomeError(
            f"The home {home} is another one than before: its identity is {identity.id}, not {expected}.",
            "Mount or restore the right folder. To work with this one, start the workbench again, with the right "
            "home_id in the settings or none.",
        )
    _IDENTITIES[home] = identity.id
    return identity


def _make(home: Path, parts: set[str]) -> Identity:
    """Write the identity of a home that has none; where another process was faster, its identity counts."""
    identity = Identity(uuid.uuid4().hex, tuple(sorted(parts)))
    temporary = home / f".{IDENTITY_FILE}-{identity.id}"
    try:
        temporary.write_text(_text(identity), encoding="utf-8")
        try:
            os.link(temporary, home / IDENTITY_FILE)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            os.replace(temporary, home / IDENTITY_FILE)
    finally:
        temporary.unlink(missing_ok=True)
    return _read(home) or identity


def _write(home: Path, identity: Identity) -> Identity:
    """Replace the identity file whole; what another process records meanwhile is added when the home is next opened."""
    with replacing(home / IDENTITY_FILE) as temporary:
        temporary.write_text(_text(identity), encoding="utf-8")
    return identity


def _text(identity: Identity) -> str:
    document = {"format_version": FORMAT_VERSION, "id": identity.id, "parts": sorted(identity.parts)}
    return json.dumps(document | {"sha256": _hash(document)}, indent=2) + "\n"


def _hash(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
