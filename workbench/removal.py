"""Removing channels from a home: their telemetry and scores, and what else knows them.

The archive comes first, in one publication. A process that dies after that leaves models and alerts of channels that
are gone; `workbench doctor` names them, and removing the channels again finishes it.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ChannelNotFoundError, WorkbenchError
from workbench.maintenance.alerts.table import CHANNEL_REMOVED
from workbench.maintenance.desk import Maintenance
from workbench.models import Registry
from workbench.models.listing import ASSET_KIND
from workbench.telemetry.archive import Archive
from workbench.telemetry.store import suggest

__all__ = ["REMOVAL_COLUMNS", "channels_to_remove", "describe_removal", "removal_text", "remove_channels"]

REMOVAL_COLUMNS = ("channel", "asset", "samples", "labels", "scores", "models", "alerts")
"""Columns of `describe_removal`."""


def channels_to_remove(
    archive: Archive, channels: Sequence[str] | None, asset: str | None, vanished: Collection[str]
) -> list[str]:
    """Return the names of channels that are to be removed, after checking that there are such.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    channels : sequence of str or None
        Their names.
    asset : str or None
        Asset whose channels are all to be removed.
    vanished : collection of str
        Channels that the archive does not hold though models or alerts know them; these can be removed, too.

    Returns
    -------
    list of str
        Each name once.

    Raises
    ------
    ChannelNotFoundError
        There is no such channel or asset, or neither or both are named.
    """
    if bool(channels) == (asset is not None):
        raise ChannelNotFoundError("Nothing says what to remove.", "Name channels or one asset, not both.")
    archived = archive.channels()
    if asset is not None:
        assets = {name: archive.asset_of(name)[0] for name in archived}
        names = [name for name in archived if assets[name] == asset]
        if not names:
            there = ", ".join(sorted(set(assets.values()))) or "none"
            raise ChannelNotFoundError(f"The archive holds no channel of asset {asset!r}.", f"Its assets: {there}.")
        return names
    names = list(dict.fromkeys(channels or ()))
    for name in names:
        if name not in archived and name not in vanished:
            raise ChannelNotFoundError(f"Unknown channel {name!r}.", suggest(name, archived))
    return names


def describe_removal(
    archive: Archive, registry: Registry | None, desk: Maintenance | None, channels: Sequence[str]
) -> pd.DataFrame:
    """Return what the removal of channels discards, and what it takes out of use.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    registry : Registry or None
        Registry of their models; None where others share it.
    desk : Maintenance or None
        Desk of their alerts; None where there is none yet.
    channels : sequence of str
        From `channels_to_remove`.

    Returns
    -------
    pandas.DataFrame
        `REMOVAL_COLUMNS`, one row a channel: what is discarded for good (`samples`, `labels`, `scores`; zeros where a
        channel is damaged or gone), versions of models that are retired, and open alerts that are closed.
    """
    archived = set(archive.channels())
    open_alerts = {} if desk is None else _open_alerts(desk, channels)
    in_use: dict[str, int] = {}
    for model in [] if registry is None else registry.list():
        if not model.retired:
            in_use[model.channel] = in_use.get(model.channel, 0) + 1
    rows = []
    for name in channels:
        row: dict[str, Any] = {"channel": name, "asset": "", "samples": 0, "labels": 0, "scores": 0}
        if name in archived:
            row["asset"] = archive.asset_of(name)[0]
            with suppress(WorkbenchError):
                row |= _held(archive, name)
        rows.append(row | {"models": in_use.get(name, 0), "alerts": len(open_alerts.get(name, []))})
    return pd.DataFrame(rows, columns=list(REMOVAL_COLUMNS))


def remove_channels(
    archive: Archive, registry: Registry | None, desk: Maintenance | None, channels: Sequence[str], who: str
) -> pd.DataFrame:
    """Remove channels with their samples, labels and scores; retire their models and close their open alerts.

    With the last channel of an asset the models of the asset as a whole go out of use, and its alerts are closed. Work
    orders and the maintenance log are kept.

    Parameters
    ----------
    archive, registry, desk, channels
        As for `describe_removal`.
    who : str
        Person or program that does it, for the maintenance log.

    Returns
    -------
    pandas.DataFrame
        As from `describe_removal`, of what was removed.

    Raises
    ------
    ArchiveError, ModelError, MaintenanceError
        Something cannot be written; removing the channels again goes on where it stopped.
    """
    table = describe_removal(archive, registry, desk, channels)
    archived = set(archive.channels())
    archive.remove([name for name in channels if name in archived])
    left = {archive.asset_of(name)[0] for name in archive.channels()}
    assets = [str(asset) for asset in table["asset"].unique() if asset and asset not in left]
    if registry is not None:
        for name in channels:
            registry.withdraw(name)
        for asset in assets:
            registry.withdraw(asset, ASSET_KIND)
    if desk is not None:
        numbers = [number for own in _open_alerts(desk, [*channels, *assets]).values() for number in own]
        if numbers:
            desk.alerts.each("close", numbers, who, verdict="unknown", comment=CHANNEL_REMOVED)
    return table


def removal_text(table: pd.DataFrame) -> str:
    """Return in a sentence or two what the removal of channels does.

    Parameters
    ----------
    table : pandas.DataFrame
        From `describe_removal`.

    Examples
    --------
    >>> removal_text(pd.DataFrame([("load", "pump", 9, 0, 1, 1, 0)], columns=list(REMOVAL_COLUMNS)))
    '9 samples, 0 labels and 1 score of 1 channel are discarded for good. 1 model version is retired, 0 open alerts are
    closed. Work orders and the maintenance log are kept.'
    """
    total: Mapping[str, int] = {name: int(table[name].sum()) for name in REMOVAL_COLUMNS[2:]}
    parts = f"{counted(total['samples'], 'sample')}, {counted(total['labels'], 'label')}"
    parts += f" and {counted(total['scores'], 'score')} of {counted(len(table), 'channel')}"
    models = f"{counted(total['models'], 'model version')} {'is' if total['models'] == 1 else 'are'} retired"
    alerts = f"{counted(total['alerts'], 'open alert')} {'is' if total['alerts'] == 1 else 'are'} closed"
    return f"{parts} are discarded for good. {models}, {alerts}. Work orders and the maintenance log are kept."


def _held(archive: Archive, channel: str) -> dict[str, int]:
    info = archive.info(channel)
    before = archive.open_before(channel)
    labels = archive.label_moments(channel)
    return {
        "samples": info.n_train + info.n_test + (0 if before is None else before.sizes["time"]),
        "labels": 0 if labels is None else len(labels["spans"]),
        "scores": len(archive.scores(channel)),
    }


def _open_alerts(desk: Maintenance, channels: Collection[str]) -> dict[str, list[int]]:
    alerts = desk.alerts.list(state="open")
    of_channels = alerts[alerts["channel"].isin(list(channels))]
    return {str(name): [int(number) for number in own] for name, own in of_channels.groupby("channel")["id"]}
