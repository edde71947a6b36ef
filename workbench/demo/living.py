"""The demo fleet that one can watch: made with the year behind it, and kept up to the present."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from workbench.maintenance.options import NotificationTarget
from workbench.settings import Settings, inherited_environment
from workbench.telemetry.synthetic import demo_source, samples_to_come

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = [
    "BEHIND",
    "catch_up",
    "end_of_series",
    "goes_on",
    "lacks_history",
    "promote_challenger",
    "simulated",
    "with_messages",
]

BEHIND = timedelta(hours=8)
"""How far the series of a fleet that moves end before the present: what the simulator catches up first."""

MESSAGES_FILE = "messages.txt"
"""File of the home that messages are written to, where nobody else is to be told."""

_CHALLENGED = "MOT-1"


def end_of_series(now: datetime, *, still: bool) -> datetime:
    """Return when the series of a new fleet end: now where it stays still, `BEHIND` before where it moves."""
    return now.replace(second=0, microsecond=0) - (timedelta() if still else BEHIND)


def goes_on(session: "Session") -> bool:
    """Return whether an archive holds the demo fleet, and its machines go on."""
    source = demo_source(session.archive)
    return source is not None and source[1] is not None


def lacks_history(session: "Session") -> bool:
    """Return whether a home holds no channels yet or a fleet that goes on, and no maintenance in its own database."""
    is_demo = not session.archive.channels() or goes_on(session)
    return is_demo and session.settings.database_url is None and not session.maintenance.log_length()


def promote_challenger(session: "Session") -> None:
    """Train a second version of one channel's model, with shorter windows: it is better, and so becomes champion."""
    session.train([_CHALLENGED], "ridge", force=True, sequence_length=60)


def catch_up(session: "Session", now: datetime) -> int:
    """Add what a fleet that was left alone has done meanwhile, up to `BEHIND` before the present.

    Parameters
    ----------
    session : Session
        Session of a home that holds a demo fleet that goes on.
    now : datetime.datetime
        The present, aware.

    Returns
    -------
    int
        Samples that were added.
    """
    until = np.datetime64((now - BEHIND).astimezone(UTC).replace(tzinfo=None), "ns")
    extensions, lengths = [], {}
    for name, rows in samples_to_come(session.archive).items():
        missed = rows.isel(time=slice(0, int((rows["time"].values <= until).sum())))
        if missed.sizes["time"]:
            lengths[name] = session.archive.info(name).n_test
            extensions.append((lengths[name], missed))
    if extensions:
        session.archive.extend(extensions, lengths)
    return sum(rows.sizes["time"] for _, rows in extensions)


def with_messages(settings: Settings) -> Settings:
    """Return settings with which messages are written into a file of the home, unless somebody is to be told."""
    options = settings.notifications
    if options.targets or options.people:
        return settings
    file = quote(str((settings.home / MESSAGES_FILE).absolute()))
    targets = {"control room": NotificationTarget(url=f"file://{file}")}
    return settings.model_copy(update={"notifications": options.model_copy(update={"targets": targets})})


@contextmanager
def simulated(settings: Settings, *, mqtt: bool = False) -> Iterator[Callable[[], None]]:
    """Let the demo fleet of a home go on in a process of its own, which ends with this one.

    Parameters
    ----------
    settings : Settings
        Settings that the process runs with.
    mqtt : bool
        Whether its telemetry goes through a mosquitto of its own.

    Yields
    ------
    callable
        Function that lets it begin; until then the process only makes ready, which takes some seconds.
    """
    command = [sys.executable, "-c", f"from workbench.demo.process import main; main(mqtt={mqtt})"]
    environment = inherited_environment(settings)
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdin is not None
        try:
            yield partial(_begin, process.stdin)
        finally:
            with suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _begin(stdin: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # it has ended, and has said why
        stdin.write(b"begin\n")
        stdin.flush()
