"""The year behind the demo fleet, lived through in a process of its own while this one trains its models and scores."""

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import typer
from sqlalchemy import event

from workbench.exceptions import MaintenanceError, WorkbenchError
from workbench.maintenance.options import NotificationOptions
from workbench.settings import inherited_environment, load_settings

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["Year", "main"]

_COMMAND = [sys.executable, "-c", "from workbench.demo.year import main; main()"]
_IMPORTED, _SCORED = b"imported\n", b"scored\n"
_WAIT_S = 30.0


class Year:
    """The year behind a fleet that lacks it, up to the end of its series; open it in a `with` statement.

    It is lived in a database of its own, which takes its place when the year is over: whoever stops it loses nothing.

    Parameters
    ----------
    session : Session
        Session of a home with an empty maintenance database. The fleet need not be there before `begin` is called, nor
        its channels be scored before `finish` is.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session

    def __enter__(self) -> Self:
        settings = self._session.settings
        self._folder = tempfile.TemporaryDirectory(prefix="history-", dir=settings.home)
        self._file = Path(self._folder.name).absolute() / "history.db"
        own = {"database_url": f"sqlite:///{self._file}", "notifications": NotificationOptions()}
        environment = inherited_environment(settings.model_copy(update=own))
        self._process = subprocess.Popen(_COMMAND, env=environment, stdin=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def begin(self) -> None:
        """Let it begin, now that the archive holds the fleet."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: `finish` says so
            self._process.stdin.write(_IMPORTED)
            self._process.stdin.flush()

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
        place = self._session.settings.home / "maintenance.db"
        with closing(sqlite3.connect(self._file)) as made, closing(sqlite3.connect(place, timeout=_WAIT_S)) as own:
            made.backup(own)  # not moved there: the WAL of a page that has the old file open would lie over it
        vars(self._session).pop("maintenance", None)


def main() -> None:
    """Live through the year once the standard input says that it can begin, and its last days once channels are scored.

    All that takes long at first is done before it begins: imports, and the tables of the database.
    """
    from workbench.demo.history import Clock, live_through
    from workbench.session import Session

    clock = Clock(datetime.now(UTC))
    try:
        with Session(load_settings(), clock) as session:
            desk = session.maintenance
            event.listen(desk.database.engine, "connect", _trust_the_system)
            desk.people.list()
            for name in ("alerts", "orders", "outages", "parts", "people", "planning", "preventive", "register"):
                getattr(desk, name)
            _wait_for(_IMPORTED)
            last = session.channel(session.archive.channels()[0])["time"].values[-1] + np.timedelta64(1, "m")
            end = clock.now = last.astype("datetime64[s]").astype(datetime).replace(tzinfo=UTC)
            live_through(session, clock, end, scored=partial(_wait_for, _SCORED))
    except WorkbenchError as error:
        typer.echo(f"The year behind the demo fleet cannot be lived through: {error}", err=True)
        raise SystemExit(1) from None


def _wait_for(message: bytes) -> None:
    if sys.stdin.buffer.readline() != message:
        raise SystemExit(1)  # whoever has started this has ended


def _trust_the_system(connection: Any, _record: Any) -> None:
    """Let commits not wait for the disk: of a year that did not come to its end, nothing is kept."""
    connection.execute("PRAGMA synchronous = OFF")
