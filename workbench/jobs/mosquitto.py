"""Whether mosquitto on this machine keeps what it holds for live telemetry: where it cannot, it loses it in silence."""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

__all__ = ["CONFIGURATION", "mosquitto_faults"]

CONFIGURATION = Path("/etc/mosquitto/mosquitto.conf")
"""Configuration of mosquitto as Debian's package lays it."""

_USER = "mosquitto"
_DEFAULT_FOLDER = "/var/lib/mosquitto"


def mosquitto_faults(file: Path = CONFIGURATION) -> list[tuple[str, str]]:
    """Return what in a configuration of mosquitto loses messages, each with what to do.

    Parameters
    ----------
    file : Path
        The configuration; where it is not there, nothing is wrong.

    Returns
    -------
    list of (str, str)
    """
    if not file.is_file():
        return []
    try:
        settings = dict(_settings(file))
    except OSError as error:
        return [(f"{file} cannot be read: {error.strerror}", f"Let {_name_of(os.geteuid())} read it.")]
    faults = []
    if settings.get("persistence", "false") != "true":
        faults.append((f"{file} does not keep messages over a restart", "Set in it: persistence true"))
        return faults
    folder = Path(settings.get("persistence_location", _DEFAULT_FOLDER))
    user = settings.get("user", _USER)
    if not folder.is_dir():
        faults.append((f"{folder}, where mosquitto keeps messages, does not exist", f"mkdir -p {folder}"))
    elif not _can_write(folder, user):
        words = f"mosquitto, as {user}, cannot write to {folder}: it loses what it keeps, without a word"
        faults.append((words, f"chown {user} {folder}, and restart mosquitto"))
    queued = settings.get("max_queued_messages", "1000")
    if queued != "0":
        words = f"{file} keeps no more than {queued} messages for a service that is away"
        faults.append((words, "Set in it: max_queued_messages 0"))
    return faults


def _settings(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the settings of a configuration and of the files that it includes, in the order in which they hold."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "include_dir":
            for one in sorted(Path(value.strip()).glob("*.conf")):
                yield from _settings(one)
        elif name and not name.startswith("#"):
            yield name, value.strip()


def _can_write(folder: Path, user: str) -> bool:
    """Return whether a user of this machine can write to a folder, by its owner, group and mode."""
    if user == "root":
        return True
    about = folder.stat()
    try:
        who = pwd.getpwnam(user)
    except KeyError:
        return False
    groups = {who.pw_gid, *(one.gr_gid for one in grp.getgrall() if user in one.gr_mem)}
    need = stat.S_IWOTH | stat.S_IXOTH
    if about.st_uid == who.pw_uid:
        need <<= 6
    elif about.st_gid in groups:
        need <<= 3
    return about.st_mode & need == need


def _name_of(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
