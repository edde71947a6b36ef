"""A small fleet of which one channel's files can be damaged, and every way in which they are."""

import random
from pathlib import Path

import pandas as pd

import workbench as wb
from tests.archive_files import file_of, segments
from tests.conftest import wave_channel
from workbench.telemetry.archive import Archive

BROKEN, SOUND = "X-1", "X-2"
CATALOG = """
assets: {XAVER: {name: Xaver, kind: satellite, criticality: 5, subsystems: {X: Power}}}
channels:
  X-1: {asset: XAVER, subsystem: X, units: V, limits: {warning_high: 0.55}}
  X-2: {asset: XAVER, subsystem: X, units: V, limits: {warning_high: 0.55}}
"""


def make_fleet(home: Path) -> None:
    """Fill a home with two labelled, trained and scored channels, each with an anomaly; no alert is raised yet."""
    archive = Archive(home / "archive.zarr")
    for seed, name in enumerate((BROKEN, SOUND)):
        labels = pd.DataFrame({"start": [1000], "end": [1039], "kind": ["point"]})
        test = wave_channel(name, 1500 + 10 * seed, seed + 10, spike=1000)
        archive.write(wave_channel(name, 600, seed), test, labels)
    (home / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
    with open_fleet(home) as session:
        session.train()
        assert set(session.score_all()["status"]) == {"scored"}
        session.archive.seal()


def make_alerted_fleet(home: Path) -> None:
    """Fill a home in the same way, and raise the alerts."""
    make_fleet(home)
    with open_fleet(home) as session:
        session.raise_alerts()


def open_fleet(home: Path) -> wb.Session:
    """Open the session of such a home."""
    return wb.open(home=home, catalog=home / "catalog.yaml")


def channel_files(home: Path) -> list[str]:
    """Name every file of the channel that is to be damaged, below the archive."""
    archive = Archive(home / "archive.zarr")
    files = [file for folder in segments(archive, BROKEN) for file in folder.rglob("*") if file.is_file()]
    return sorted(file.relative_to(archive.path).as_posix() for file in files)


def damage(home: Path, name: str, how: str, seed: int = 0) -> None:
    """Damage a file of the channel.

    Parameters
    ----------
    home : Path
    name : str
        One of `channel_files`, or a name as `file_of` takes it.
    how : str
        `flip` a byte, `cut` the end off, `empty` it, `remove` it or put `noise`, `list` or `null` in its place.
    seed : int
        Chooses the byte.
    """
    archive = Archive(home / "archive.zarr")
    file = archive.path / name if name.startswith("_") else file_of(archive, BROKEN, name)
    content, chance = bytearray(file.read_bytes()), random.Random(seed)
    if how == "remove":
        file.unlink()
        return
    if how == "flip":
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif how == "cut":
        content = content[: chance.randrange(1, len(content))]
    else:
        content = bytearray({"empty": b"", "list": b"[]", "null": b"null", "noise": chance.randbytes(200)}[how])
    file.write_bytes(bytes(content))
