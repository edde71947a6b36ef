"""The registered versions as rows: what `workbench models` lists, without loading pandas, xarray or Zarr."""

import json
import math
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench.models.listing import ModelInfo

__all__ = ["inventory", "outdated", "train_hashes"]


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
    hashes = train_hashes(archive, {info.channel for info in models})
    fresh = {info.name for info in models if info.train_hash == hashes.get(info.channel)}
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
            "retrain": outdated(info, info.name in fresh) if info.channel in hashes else "",
            **info.metrics,
        }
        for info in models
    ]


def train_hashes(archive: Path, channels: Iterable[str]) -> dict[str, str]:
    """Return the hash of the training data of those channels that an archive holds, as `Archive.info` does.

    A channel whose attributes are damaged is left out: its models can still be listed.
    """
    hashes = {}
    for channel in channels:
        file = archive / channel / "zarr.json"
        try:
            hashes[channel] = str(json.loads(file.read_bytes())["attributes"]["train_hash"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):  # not there, or damaged
            continue
    return hashes


def outdated(info: ModelInfo, fresh: bool) -> str:
    """Say why a champion should be trained again: no version is of the present training data; empty where one is."""
    return "its training data have changed" if "champion" in info.aliases and not fresh else ""
