"""The dashboard's log, and the header in which its server hands a reader's choice of look to a kernel."""

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from logging.handlers import WatchedFileHandler
from pathlib import Path

__all__ = [
    "LEVELS",
    "LogEntry",
    "SecretHidingFormatter",
    "StructuredFormatter",
    "log_path",
    "log_to",
    "read_log",
    "rotate",
]


LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
"""Levels of an entry, the least severe first."""

_MAX_LOG_BYTES = 8 * 2**20
"""Bytes of the log after which a new one begins and the old one is kept beside it."""

_TAIL_BYTES = 2**18
"""Bytes at its end that are read where nothing is looked for."""

_ENTRY = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3} (\d+) ([A-Z]+) ([\w.-]+): (.*)")

_SECRET_OF_LINK = re.compile(r"(/(?:my|report|calendar|workbench/acknowledge)/)[\w.-]{20,}|([?&]token=)[^\s&#]+")
"""What a secret stands after, in the path of a link or the address of the dashboard."""

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


def log_path(home: Path) -> Path:
    """Return the file that the dashboard's server and all its kernels write to."""
    return home / "logs" / "dashboard.log"


class SecretHidingFormatter(logging.Formatter):
    """Formats entries, with stars for the secrets of links: who has one may act for its person."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of an entry, without secrets."""
        return _SECRET_OF_LINK.sub(r"\1\2***", super().format(record))


class StructuredFormatter(SecretHidingFormatter):
    """Formats entries as lines of JSON: `at`, `level`, `source`, `process`, `message`, perhaps `error`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without secrets."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "source": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return _SECRET_OF_LINK.sub(r"\1\2***", json.dumps(entry, ensure_ascii=False))


class _LogFile(WatchedFileHandler):
    """A log that goes to standard error instead of stopping what is logged where its folder has vanished."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say in a line what could not be written: a full disk meets every entry, and each would be a traceback."""
        error = sys.exception()
        with suppress(OSError, ValueError):  # standard error is closed, or full itself
            sys.stderr.write(f"{self.baseFilename}: {error}. {self.format(record)}\n")


def log_to(path: Path, name: str = "workbench", *, structured: bool = False) -> None:
    """Let a logger and those below it write to a file as well; nothing happens the second time.

    Parameters
    ----------
    path : Path
        Other processes may write to it too, and move it away.
    name : str
        Name of the logger.
    structured : bool
        Write lines of JSON.
    """
    logger = logging.getLogger(name)
    if any(isinstance(handler, WatchedFileHandler) for handler in logger.handlers):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _LogFile(path, encoding="utf-8", delay=True)
    formatter = (StructuredFormatter if structured else SecretHidingFormatter)(_FORMAT)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logger.addHandler(handler)


def rotate(path: Path) -> None:
    """Begin a new log where the old one has become long, and keep the old one beside it; all writers follow."""
    if path.is_file() and path.stat().st_size > _MAX_LOG_BYTES:
        path.replace(_older(path))


@dataclass(frozen=True)
class LogEntry:
    """One entry of the log.

    Attributes
    ----------
    at : str
        UTC, as `2026-01-01 12:00:00`.
    process : int
        Id of the process that wrote it.
    level : str
        One of `LEVELS`.
    source : str
        Name of the logger.
    text : str
        The first line.
    more : str
        Further lines, as a traceback.
    """

    at: str
    process: int
    level: str
    source: str
    text: str
    more: str = ""


def read_log(path: Path, find: str = "", level: str = LEVELS[0], most: int = 200) -> list[LogEntry]:
    """Read the newest entries of the log.

    Parameters
    ----------
    path : Path
        One that is not there has no entries.
    find : str
        Text that they contain, as the number of an error card; capitals do not matter. All that is kept is searched.
    level : str
        One of `LEVELS`; entries below are left out.
    most : int
        Entries.

    Returns
    -------
    list of LogEntry
        The newest first.
    """
    search_text, least = find.strip().casefold(), LEVELS.index(level)
    searched = bool(search_text or least)
    files = [path, _older(path)] if searched else [path]
    entries = (
        entry
        for file in files
        for entry in reversed(list(_entries(file, _MAX_LOG_BYTES * 2 if searched else _TAIL_BYTES)))
    )
    matching = (
        entry
        for entry in entries
        if (entry.level not in LEVELS or LEVELS.index(entry.level) >= least)
        and search_text in f"{entry.at} {entry.process} {entry.source} {entry.text}\n{entry.more}".casefold()
    )
    return list(islice(matching, most))


def _older(path: Path) -> Path:
    return path.with_suffix(".log.1")


def _entries(path: Path, size: int) -> Iterator[LogEntry]:
    head = None
    more = []
    for line in _tail(path, size).splitlines():
        match = _ENTRY.fullmatch(line)
        if match is None:
            more.append(line)
            continue
        if head is not None:
            yield _entry(head, more)
        head, more = match, []
    if head is not None:
        yield _entry(head, more)


def _entry(head: re.Match[str], more: list[str]) -> LogEntry:
    at, process, level, source, text = head.groups()
    return LogEntry(at, int(process), level, source, text, "\n".join(more))


def _tail(path: Path, size: int) -> str:
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(end - size, 0))
            return file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
