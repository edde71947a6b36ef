"""Space that the workbench takes on disk, and free space."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd

from workbench.maintenance.database import Database
from workbench.settings import Settings
from workbench.telemetry.archiving.tail import Tail
from workbench.tuned import tuning_path

__all__ = ["free_disk", "storage"]

_BLOCK_BYTES = 512
"""Bytes; what a file takes is more than its content, where there are thousands of small ones much more."""


def storage(settings: Settings, database: Database) -> pd.DataFrame:
    """Measure what lies in the home, and the maintenance database wherever it is.

    Parameters
    ----------
    settings : Settings
        Settings that name the home and the maintenance database.
    database : Database
        Maintenance database.

    Returns
    -------
    pandas.DataFrame
        One row a part: `part` (telemetry, scores, models, tuning, maintenance, attachments,
        reports, logs), `bytes`, `place`.

    Raises
    ------
    MaintenanceError
        The database cannot be reached.
    """
    archive = _by_kind(settings.archive_path)
    logs, tuning = settings.home / "logs", tuning_path(settings.home)
    rows = [
        ("telemetry", archive["telemetry"], settings.archive_path),
        ("scores", archive["scores"] + _size(settings.home / "asset_scores"), settings.archive_path),
        ("models", _size(settings.registry_path), settings.registry_path),
        ("tuning", _size(tuning), tuning),
        ("maintenance", database.size(), database.name),
        ("attachments", _size(settings.attachments_path), settings.attachments_path),
        ("reports", _size(settings.reports_path), settings.reports_path),
        ("logs", _size(logs), logs),
    ]
    return pd.DataFrame([(part, size, str(place)) for part, size, place in rows], columns=["part", "bytes", "place"])


def free_disk(home: Path) -> int:
    """Return what is free where the home is, or will be, bytes."""
    place = next(folder for folder in (home.absolute(), *home.absolute().parents) if folder.exists())
    return shutil.disk_usage(place).free


def _by_kind(archive: Path) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for folder, _, files in os.walk(archive):
        parts = Path(folder).relative_to(archive).parts
        is_score = any(part.startswith("scores.") for part in parts[3:4])
        sizes["scores" if is_score else "telemetry"] += _sum(folder, files)
    in_tail = Tail(archive / "tail.db").score_bytes()
    sizes.update(scores=in_tail, telemetry=-in_tail)
    return sizes


def _size(path: Path) -> int:
    return sum(_sum(folder, files) for folder, _, files in os.walk(path))


def _sum(folder: str, files: list[str]) -> int:
    total = 0
    for name in files:
        try:
            total += os.stat(os.path.join(folder, name)).st_blocks * _BLOCK_BYTES
        except FileNotFoundError:  # replaced while we look
            continue
    return total
