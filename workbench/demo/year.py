"""The year behind the demo fleet, lived through in a process of its own while this one trains its models and scores."""

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import typer

from workbench.exceptions import MaintenanceError, WorkbenchError
from workbench.maintenance.options import NotificationOptions
from workbench.settings import load_settings, settings_environment

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["Year", "main"]

_COMMAND = [sys.executable, "-c", "from workbench.demo.year import main; main()"]
_SCORED = b"scored\n"


class Year:
    """The year behind a fleet that lacks it, up to the end of its series; open it in a `with` statement.

    It is lived in a database of its own, which takes its place when the year is over: whoever stops it loses nothing.

    Parameters
    ----------
    session : Session
        Session of a home that holds the fleet. Its channels need not be scored before `finish` is called.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session

    def __enter__(self) -> Self:
        settings = self._session.settings
        self._folder = tempfile.TemporaryDirectory(prefix="history-", dir=settings.home)
        self._file = Path(self._folder.name).absolute() / "history.db"
        own = {"database_url": f"sqlite:///{self._file}", "notifications": NotificationOptions()}
        environment = os.environ | settings_environment(settings.model_copy(update=own))
        self._process = subprocess.Popen(_COMMAND, env=environment, stdin=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def finish(self) -> None:
        """Let it go on to its end, from the scores of the channels, and put its database in its place.

        Raises
        ------
        MaintenanceError
            It came to no end.
        """
        self._process.communicate(_SCORED)
        if self._process.returncode:
            raise MaintenanceError(
                f"The year behind the demo fleet ended with exit code {self._process.returncode}.", "Run it again."
            )
        self._session.close()
        shutil.move(self._file, self._session.settings.home / "maintenance.db")
        vars(self._session).pop("maintenance", None)


def main() -> None:
    """Live through the year, and wait before its last days until the standard input says that channels are scored."""
    from workbench.demo.history import Clock, live_through
    from workbench.session import Session

    clock = Clock(datetime.now(UTC))
    try:
        with Session(load_settings(), clock) as session:
            last = session.channel(session.archive.channels()[0])["time"].values[-1] + np.timedelta64(1, "m")
            end = clock.now = last.astype("datetime64[s]").astype(datetime).replace(tzinfo=UTC)
            live_through(session, clock, end, scored=_wait_until_scored)
    except WorkbenchError as error:
        typer.echo(f"The year behind the demo fleet cannot be lived through: {error}", err=True)
        raise SystemExit(1) from None


def _wait_until_scored() -> None:
    if sys.stdin.buffer.readline() != _SCORED:
        raise SystemExit(1)  # whoever has started this has ended
