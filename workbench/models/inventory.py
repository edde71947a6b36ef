"""The registered versions as rows: what `workbench models` lists, without loading pandas, xarray or Zarr."""

import math
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench.exceptions import ArchiveError
from workbench.models.listing import ModelInfo
from workbench.names import command_line
from workbench.parameters import ASSET_METHOD
from workbench.telemetry.archiving.index import Index
from workbench.telemetry.joint_hash import joint_hash

__all__ = ["asset_hashes", "inventory", "outdated", "promote_command", "successor_of_present_data", "train_hashes"]


def inventory(models: Iterable[ModelInfo], archive: Path, now: datetime) -> list[dict[str, Any]]:
    """Describe registered versions; no model is opened.

    Parameters
    ----------
    models : iterable of ModelInfo
        Versions to describe.
    archive : Path
        Folder of the archive.
    now : datetime
        Aware.

    Returns
    -------
    list of dict
        One a version; see `ModelLife.list`.
    """
    models = list(models)
    of_channels = train_hashes(archive, {info.channel for info in models if not info.of_asset})
    of_assets = asset_hashes(archive) if any(info.of_asset for info in models) else {}
    hashes = {info.name: (of_assets if info.of_asset else of_channels).get(info.channel) for info in models}
    fresh = {info.name for info in models if info.train_hash == hashes[info.name]}
    return [
        {
            "model": info.id,
            "channel": info.channel,
            "forecaster": info.forecaster,
            "version": info.version,
            "aliases": "retired" if info.retired else ", ".join(info.aliases),
            "created": info.created,
            "age": max(0.0, (now - info.created).total_seconds()),
            "size": math.nan if (size := info.size) is None else size,
            "retrain": "" if hashes[info.name] is None else outdated(info, info.name in fresh),
            "promote": promote_command(successor_of_present_data(info, models, hashes[info.name])),
            **info.metrics,
        }
        for info in models
    ]


def train_hashes(archive: Path, channels: Iterable[str]) -> dict[str, str]:
    """Return the hash of the training data of those channels that an archive holds, as `Archive.info` does.

    None are known where the index of the archive is damaged: the models can still be listed.
    """
    try:
        hashes = Index(archive).train_hashes()
    except ArchiveError:
        return {}
    return {channel: hashes[channel] for channel in channels if channel in hashes}


def asset_hashes(archive: Path) -> dict[str, str]:
    """Return the joint hash of the training data of each asset of an archive; none where its index is damaged."""
    try:
        by_asset = Index(archive).train_hashes_by_asset()
    except ArchiveError:
        return {}
    return {asset: joint_hash(hashes) for asset, hashes in by_asset.items()}


def successor_of_present_data(
    champion: ModelInfo, versions: Iterable[ModelInfo], train_hash: str | None
) -> ModelInfo | None:
    """Return the version that could take the place of a champion that learned from other data than there are now.

    Training made it challenger, since it was not better; which of the present samples the champion had learned, nobody
    can tell.

    Parameters
    ----------
    champion : ModelInfo
        A version; one that is not champion has no successor.
    versions : iterable of ModelInfo
        Registered versions.
    train_hash : str or None
        Hash of the present training data; None where the archive does not hold the channel.

    Returns
    -------
    ModelInfo or None
        The newest of the present data; None where there is none, or one was rolled back or retired.
    """
    if "champion" not in champion.aliases or train_hash is None or champion.train_hash == train_hash:
        return None
    same = [one for one in versions if one.name == champion.name and one.train_hash == train_hash]
    newest = max(same, key=lambda one: one.version, default=None)
    return None if newest is None or newest.retired or newest.rolled_back else newest


def promote_command(model: ModelInfo | None) -> str:
    """Return the command that makes a version champion over one of other data; empty where there is no version."""
    if model is None:
        return ""
    return command_line("workbench models promote", model.name, str(model.version), options="--anyway")


def outdated(info: ModelInfo, fresh: bool) -> str:
    """Say why a champion should be trained again; empty where it should not.

    No version is of the present training data, or it is the model of an asset by an earlier method.
    """
    if "champion" not in info.aliases:
        return ""
    if not fresh:
        return "its training data have changed"
    earlier = info.of_asset and info.parameters.get("method") != str(ASSET_METHOD)
    return "the method has changed" if earlier else ""
