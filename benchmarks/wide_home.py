"""A home with any number of channels, made fast: one channel is trained and scored, the others get what it got."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

import workbench as wb
from workbench.maintenance.alerts.raising import Finding
from workbench.telemetry.importers import import_table

__all__ = ["make_wide_home"]

SAMPLES = 600
CHANNELS_OF_AN_ASSET = 500
GROUP = 50
ALERTS = 30
LEVELS = ("critical", "high", "medium", "low")


def make_wide_home(home: Path, channels: int) -> None:
    """Make a home of trained and scored channels, of which thirty have an open alert, however many there are.

    Parameters
    ----------
    home : Path
        Folder of the home, which is made.
    channels : int
        How many channels; every 500 are an asset, every 50 of them have their beginning of the name in common.
    """
    with wb.open(home=home) as session:
        names: list[str] = []
        for first in range(0, channels, CHANNELS_OF_AN_ASSET):
            own = [
                f"{'ABCDEFGHIJ'[number // GROUP % 10]}{first // CHANNELS_OF_AN_ASSET}-{number:05d}"
                for number in range(first, min(first + CHANNELS_OF_AN_ASSET, channels))
            ]
            file = home.parent / f"{home.name}-{first}.parquet"
            _table(own, first).to_parquet(file)
            import_table(file, session.archive, asset=f"Plant-{first // CHANNELS_OF_AN_ASSET + 1}")
            file.unlink()
            names += own
        session.train([names[0]], "ridge")
        session.score(names[0])
        database = session.registry.location.database
        assert database is not None
        session.registry.close()
        _copy_model(database, names)
        _copy_score(session, names)
        _raise_alerts(session, names)


def _table(names: list[str], seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    numbers = np.arange(SAMPLES)
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(numbers, "min")
    columns = {
        name: (np.sin(numbers / (20 + place % 37)) + random.normal(0, 0.05, SAMPLES)).astype(np.float32)
        for place, name in enumerate(names)
    }
    return pd.DataFrame({"time": time} | columns)


def _copy_model(database: Path, names: list[str]) -> None:
    """Register the model of the first channel for the others, too: the same rows under other names."""
    tables = {
        "registered_models": "name",
        "model_versions": "name",
        "model_version_tags": "name",
        "registered_model_aliases": "name",
    }
    first, *others = names
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, column in tables.items():
            cursor = connection.execute(f"SELECT * FROM {table} WHERE {column} = ?", (f"{first}.ridge",))
            heads = [head[0] for head in cursor.description]
            rows = [dict(zip(heads, row, strict=True)) for row in cursor.fetchall()]
            connection.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * len(heads))})",
                [tuple(_renamed(row, first, name).values()) for name in others for row in rows],
            )


def _renamed(row: dict[str, object], first: str, name: str) -> dict[str, object]:
    row = row | {"name": f"{name}.ridge"}
    return row | {"value": name} if row.get("key") == "channel" and row.get("value") == first else row


def _copy_score(session: wb.Session, names: list[str]) -> None:
    """Store the score of the first channel for the others, too, as if each was its own."""
    archive = session.archive
    ((key, about),) = archive.scores(names[0]).items()
    scored = archive.open_scores(names[0], key).load()
    infos = {info.channel: info for info in archive.infos()[0]}
    for start in range(1, len(names), 500):
        staged = []
        for name in names[start : start + 500]:
            hashes = {"data_hash": infos[name].test_hash, "train_hash": infos[name].train_hash}
            own = {one: hashes[one] for one in hashes if one in about}
            own |= {"model": f"{name}.ridge/1"} | ({"channel": name} if "channel" in about else {})
            staged.append(archive.stage_scores(name, key, scored.assign_attrs(about | own)))
        failures = archive.publish_scores(staged)
        assert not failures, failures


def _raise_alerts(session: wb.Session, names: list[str]) -> None:
    """Raise alerts on some channels, at equal distances."""
    now = session.clock()
    infos = {info.channel: info for info in session.archive.infos()[0]}
    step = max(1, len(names) // ALERTS)
    findings = []
    for place, name in enumerate(names[::step][:ALERTS]):
        info = infos[name]
        where = (info.channel, info.asset, info.subsystem, info.units, "limit", 1, 9, now - timedelta(minutes=9), now)
        level = LEVELS[min(place % 11, len(LEVELS) - 1)]
        findings.append(Finding(*where, level, None, 9.0, 5.0, f"{level} high", "It is too hot.", ongoing=True))
    session.maintenance.alerts.raise_findings([], findings)
