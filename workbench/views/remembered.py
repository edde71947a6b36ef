"""A session that reads the list of the fleet only when a file behind it has changed."""

from pathlib import Path
from typing import Any, cast

import pandas as pd

from workbench.detection.scoring import TELEMETRY_CHANGED
from workbench.live.standing import not_scored
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
    Whatever is written to the archive is entered in its index, whose file changes with it.
    """
    if settings.tracking_uri is not None or not settings.archive_path.is_dir():
        return ()
    index = settings.archive_path / "index.db"
    databases = [path for folder in (settings.home, settings.registry_path) for path in folder.glob("*.db*")]
    return tuple(_modified(place) for place in (index, *databases))


def _modified(place: Path) -> int:
    try:
        return place.stat().st_mtime_ns
    except OSError:
        return 0


class _Remembered:
    def __init__(self, session: ViewSession) -> None:
        self._session = session
        self._stamp: tuple[tuple[int, ...], frozenset[str] | None] = (), None
        self._fleet = pd.DataFrame()

    def overview(self) -> pd.DataFrame:
        stamp = data_stamp(self._session.settings)
        if stamp:
            stamp = (*stamp, *self._session.archive.index.stamp())  # also where the index is no file
        unscored = not_scored(self._session.settings.home)
        if not stamp or (stamp, unscored) != self._stamp:
            self._fleet = self._scored_soon(self._session.overview(), unscored)
            self._stamp = stamp, unscored
        return self._fleet.copy()

    def _scored_soon(self, fleet: pd.DataFrame, unscored: frozenset[str] | None) -> pd.DataFrame:
        """Call the channels current whose new telemetry the running service scores within seconds."""
        if unscored is None:
            return fleet
        outdated = fleet.index[(fleet["state"] == "stale") & (fleet["reason"] == TELEMETRY_CHANGED)]
        names = {row: str(fleet.loc[row, "channel"]) for row in outdated}
        soon = [row for row, name in names.items() if name not in unscored and self._session.archive.grows(name)]
        fleet.loc[soon, ["state", "reason"]] = "current", ""
        return fleet

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
