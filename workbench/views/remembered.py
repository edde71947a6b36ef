"""A session that reads the list of the fleet only when a file behind it has changed."""

import os
from pathlib import Path
from typing import Any, cast

import pandas as pd

from workbench.settings import Settings
from workbench.views.view_session import ViewSession

__all__ = ["data_stamp", "remember_fleet"]


def data_stamp(settings: Settings) -> tuple[int, ...]:
    """Return times that change when the archive, its scores or the registry change.

    Parameters
    ----------
    settings : Settings
        Settings in use, which name the archive and the registry.

    Returns
    -------
    tuple of int
        Times of folders and files; empty where there is no archive, or the registry is on another server.

    Notes
    -----
    Scores and channels are written beside their place and renamed into it, which changes the time of the folder: three
    levels of folders are looked at, about a millisecond for a hundred channels.
    """
    archive = settings.archive_path
    if settings.tracking_uri is not None or not archive.is_dir():
        return ()
    places = [archive, *(Path(entry) for entry in os.scandir(archive))]
    places += [place / "scores" for place in places[1:]]
    places += [path for folder in (settings.home, settings.registry_path) for path in folder.glob("*.db*")]
    return tuple(_modified(place) for place in places)


def _modified(place: Path) -> int:
    try:
        return place.stat().st_mtime_ns
    except OSError:
        return 0


class _Remembered:
    def __init__(self, session: ViewSession) -> None:
        self._session = session
        self._stamp: tuple[int, ...] = ()
        self._fleet = pd.DataFrame()

    def overview(self) -> pd.DataFrame:
        stamp = data_stamp(self._session.settings)
        if not stamp or stamp != self._stamp:
            self._fleet = self._session.overview()
            self._stamp = stamp
        return self._fleet.copy()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def remember_fleet(session: ViewSession) -> ViewSession:
    """Return a session that answers `overview` from memory until a file behind it changes.

    Parameters
    ----------
    session : ViewSession
        The session to read.

    Returns
    -------
    ViewSession
        A session that otherwise answers as the one it reads.
    """
    return cast(ViewSession, _Remembered(session))
