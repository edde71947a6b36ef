"""A sandbox: a home inside the home, in which a replay plays without touching the real channels, alerts and orders."""

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import xarray as xr

from workbench.exceptions import TelemetryError
from workbench.home import forget_home
from workbench.live.service import LOCK_FILES, only_writer
from workbench.maintenance.options import NotificationOptions
from workbench.settings import Settings
from workbench.telemetry.archiving.channel_parts import ChannelParts
from workbench.telemetry.moments import ticks

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["make_sandbox", "samples_to_come", "sandbox_settings"]


def sandbox_settings(settings: Settings) -> Settings:
    """Return the settings of the sandbox of a home: the same, but nobody is notified, and nothing is shared."""
    return settings.model_copy(
        update={
            "home": settings.home / "sandbox",
            "home_id": None,
            "database_url": None,
            "index_url": None,
            "notifications": NotificationOptions(),
        }
    )


def make_sandbox(session: "Session", names: Sequence[str], skip: int) -> tuple[Settings, Mapping[str, xr.Dataset]]:
    """Make the sandbox of a home anew, and return its settings and what is left to be sent.

    Parameters
    ----------
    session : Session
        Session of the home.
    names : sequence of str
        Names of the channels that come along, with their models.
    skip : int
        Samples of the test series that are there from the start, at least one.

    Returns
    -------
    Settings
        Of the sandbox.
    mapping of str to xarray.Dataset
        The samples behind them.

    Raises
    ------
    ArchiveError
        A service runs in the sandbox, or a channel is damaged.
    TelemetryError
        A channel has no more samples than that.
    """
    settings = sandbox_settings(session.settings)
    with only_writer(settings):
        return settings, _made_anew(session, settings, names, skip)


def _made_anew(session: "Session", settings: Settings, names: Sequence[str], skip: int) -> Mapping[str, xr.Dataset]:
    from workbench.session import Session

    parts, rest = [], {}
    for name in names:
        test = session.archive.open(name, indexed=False)
        first = max(1, skip)
        if test.sizes["time"] <= first:
            raise TelemetryError(
                f"{name} has {test.sizes['time']:,} test samples, of which {first:,} are to be there from the start.",
                "Pass a smaller --skip.",
            )
        train = session.archive.open(name, "train", indexed=False).load()
        parts.append(ChannelParts(train, test.isel(time=slice(0, first)).load()))
        rest[name] = test.isel(time=slice(first, None))
    for one in settings.home.iterdir():
        if one.name not in LOCK_FILES:
            shutil.rmtree(one) if one.is_dir() else one.unlink()
    forget_home(settings.home)
    if settings.tracking_uri is None and session.settings.registry_path.is_dir():
        session.registry.close()
        shutil.copytree(session.settings.registry_path, settings.registry_path)
    with Session(settings, session.clock) as sandbox:
        sandbox.archive.write_all(parts)
        sandbox.set_growing(names)
    return rest


def samples_to_come(session: "Session", source: "Session", names: Sequence[str]) -> dict[str, xr.Dataset]:
    """Return the samples of channels that another home has behind those of a home.

    Parameters
    ----------
    session : Session
        Session of the home that samples are sent to.
    source : Session
        Session of the home that has them.
    names : sequence of str
        Names of the channels.

    Raises
    ------
    ChannelNotFoundError
        One of the homes does not hold a channel.
    """
    rest = {}
    for name in names:
        newest = int(ticks(session.archive.open(name, indexed=False)["time"].values[-1:])[0])
        test = source.archive.open(name, indexed=False)
        moments = ticks(test["time"].values)
        start = int((moments <= newest).sum())
        if start < moments.size:
            rest[name] = test.isel(time=slice(start, None))
    return rest
