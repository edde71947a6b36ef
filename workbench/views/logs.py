"""The dashboard's log, and the header in which its server hands a reader's choice of look to a kernel."""

import logging
from logging.handlers import WatchedFileHandler
from pathlib import Path

__all__ = ["LOOK_HEADER", "log_path", "log_to"]

LOOK_HEADER = "Workbench-Look"
"""Header in which the server hands on what the reader chose before, as `dark.roomy`."""

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


def log_path(home: Path) -> Path:
    """Give the file that the dashboard's server and all its kernels write to."""
    return home / "logs" / "dashboard.log"


def log_to(path: Path, name: str = "workbench") -> None:
    """Have a logger and those below it write to a file as well; nothing happens the second time.

    Parameters
    ----------
    path : Path
        Other processes may write to it too, and move it away.
    name : str
        Of the logger.
    """
    logger = logging.getLogger(name)
    if any(isinstance(handler, WatchedFileHandler) for handler in logger.handlers):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = WatchedFileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(handler)
