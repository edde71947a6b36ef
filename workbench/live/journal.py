"""The journal: what came and is not in the archive yet, what was refused, and how much of each there was.

One SQLite file in the home, in WAL mode with full synchronization: what `store` has returned from survives a kill and a
power cut. Each thread uses a journal of its own on the same file.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workbench.live.samples import Fault
from workbench.telemetry.archiving.sqlite_file import SqliteFile
from workbench.telemetry.damage import Place

__all__ = ["MAX_REFUSED", "Entry", "Journal", "Pending", "Refused", "Tag", "Transaction", "pack_inputs"]

MAX_REFUSED = 100_000
"""Refused samples that are kept, the newest."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS channel (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, asset TEXT NOT NULL DEFAULT '',
    subsystem TEXT NOT NULL DEFAULT '', units TEXT NOT NULL DEFAULT '', train_samples INTEGER NOT NULL DEFAULT 0,
    clock TEXT NOT NULL DEFAULT '', inputs TEXT NOT NULL DEFAULT '[]', seen REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sample (
    channel INTEGER NOT NULL, moment INTEGER NOT NULL, value REAL, inputs BLOB, received REAL NOT NULL,
    PRIMARY KEY (channel, moment)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (
    channel INTEGER NOT NULL, reason TEXT NOT NULL, moment INTEGER NOT NULL, value REAL NOT NULL, inputs BLOB,
    present REAL, received REAL NOT NULL, UNIQUE (channel, reason, moment, value)
);
CREATE TABLE IF NOT EXISTS counter (
    name TEXT NOT NULL, channel INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (name, channel)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS source (channel INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fault (
    feed TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, example TEXT NOT NULL, first REAL NOT NULL,
    last REAL NOT NULL, PRIMARY KEY (feed, kind)
) WITHOUT ROWID;
"""
_PRAGMAS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
_STATES = ("waiting", "accepted", "ignored", "served")


@dataclass(frozen=True)
class Tag:
    """A channel as the journal knows it.

    Attributes
    ----------
    id : int
        Its number in the journal.
    name : str
        Name of the tag, and of the channel.
    state : str
        "waiting" for a person, "accepted" and to be made once there is enough to learn from, "ignored", or "served":
        the archive holds it.
    asset, subsystem, units : str
        Where it belongs.
    train_samples : int
        First samples, from which the models of an accepted one learn.
    clock : str
        Clock of its moments.
    inputs : tuple of str
        Names of its inputs.
    """

    id: int
    name: str
    state: str
    asset: str = ""
    subsystem: str = ""
    units: str = ""
    train_samples: int = 0
    clock: str = ""
    inputs: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A sample to be stored: number of the channel, moment, value (None where it is missing) and packed inputs."""

    channel: int
    moment: int
    value: float | None
    inputs: bytes | None


class Refused(NamedTuple):
    """A sample that is kept beside the series: channel, reason, moment, value, packed inputs, and the present value."""

    channel: int
    reason: str
    moment: int
    value: float
    inputs: bytes | None
    present: float | None


class Pending(NamedTuple):
    """How much of a channel waits for the archive: number of the channel, samples, and when the oldest came."""

    channel: int
    samples: int
    since: float


@dataclass
class Transaction:
    """What is stored together.

    Attributes
    ----------
    entries, refused : list
        Samples to store, and those to keep aside.
    released : list of (int, int)
        Channel and moment of samples that leave quarantine.
    withdrawn : list of (int, int)
        Channel and moment of samples of new tags that turned out to be of a wrong clock; they are among the refused.
    counts : dict of (str, int) to int
        What is added to the counters, by name and channel.
    faults : dict of (str, str) to list
        Count and example of what could not be read, by feed and kind.
    sources : dict of int to str
        Where the last sample of a channel came from, where that is another source than since the start.
    """

    entries: list[Entry] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    released: list[tuple[int, int]] = field(default_factory=list)
    withdrawn: list[tuple[int, int]] = field(default_factory=list)
    counts: dict[tuple[str, int], int] = field(default_factory=dict)
    faults: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    sources: dict[int, str] = field(default_factory=dict)

    def count(self, name: str, channel: int, by: int = 1) -> None:
        """Add to a counter."""
        key = (name, channel)
        self.counts[key] = self.counts.get(key, 0) + by

    def note(self, feed: str, fault: Fault) -> None:
        """Note something that could not be read."""
        entry = self.faults.setdefault((feed, fault.kind), [0, fault.example])
        entry[0] += 1


class Journal:
    """The journal of one home.

    Parameters
    ----------
    file : Path
        The database; it is made at the first transaction.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        place = Place("The journal of live telemetry", "Restore it from a backup, or move it away to begin a new one.")
        self._database = SqliteFile(file, _SCHEMA, _PRAGMAS, place)

    def close(self) -> None:
        """Close the connection to the file."""
        self._database.close()

    # ---- channels

    def tags(self, state: str | None = None, names: Sequence[str] | None = None) -> list[Tag]:
        """Return the channels of a state, or with some names, or all of them, in the order in which they came."""
        columns = "SELECT id, name, state, asset, subsystem, units, train_samples, clock, inputs FROM channel"
        if names is None:
            rows = self._database.rows(f"{columns} ORDER BY id")
        else:
            chosen = "SELECT value FROM json_each(?)"
            rows = self._database.rows(f"{columns} WHERE name IN ({chosen}) ORDER BY id", (json.dumps([*names]),))
        tags = [Tag(*(*row[:8], tuple(json.loads(row[8])))) for row in rows]
        return [tag for tag in tags if state is None or tag.state == state]

    def add_tag(self, tag: Tag) -> Tag:
        """Note a new channel, and return it with its number; one that is known already stays as it is."""
        return self.add_tags([tag])[tag.name]

    def add_tags(self, tags: Sequence[Tag]) -> dict[str, Tag]:
        """Note new channels, all of them together, and return them by their names as `add_tag` does."""
        now = time.time()
        with self._database.transaction() as cursor:
            cursor.executemany(
                "INSERT INTO channel (name, state, asset, subsystem, units, train_samples, clock, inputs, seen) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                [(*_described(tag), now) for tag in tags],
            )
        return {tag.name: tag for tag in self.tags(names=[tag.name for tag in tags])}

    def change_tag(self, tag: Tag) -> None:
        """Change what the journal knows of a channel."""
        with self._database.transaction() as cursor:
            cursor.execute(
                "UPDATE channel SET name = ?, state = ?, asset = ?, subsystem = ?, units = ?, train_samples = ?, "
                "clock = ?, inputs = ? WHERE id = ?",
                (*_described(tag), tag.id),
            )

    def forget_samples(self, tag: Tag) -> int:
        """Discard the samples of a tag that is ignored, and return how many there were."""
        with self._database.transaction() as cursor:
            return int(cursor.execute("DELETE FROM sample WHERE channel = ?", (tag.id,)).rowcount)

    # ---- samples

    def store(self, transaction: Transaction) -> None:
        """Store what came together, all of it or nothing; it is durable afterwards.

        Raises
        ------
        OSError
            It cannot be written.
        """
        now = time.time()
        with self._database.transaction() as cursor:
            cursor.executemany(
                "INSERT INTO sample VALUES (?, ?, ?, ?, ?) ON CONFLICT (channel, moment) DO UPDATE "
                "SET value = excluded.value, inputs = excluded.inputs",
                [(*entry, now) for entry in transaction.entries],
            )
            cursor.executemany("DELETE FROM sample WHERE channel = ? AND moment = ?", transaction.withdrawn)
            self._keep_aside(cursor, transaction.refused, now)
            cursor.executemany(
                "DELETE FROM refused WHERE channel = ? AND reason IN ('ahead', 'behind') AND moment = ?",
                transaction.released,
            )
            _add_counts(cursor, transaction.counts)
            cursor.executemany(
                "INSERT INTO fault VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (feed, kind) DO UPDATE SET "
                "count = count + excluded.count, example = excluded.example, last = excluded.last",
                [(*key, count, example, now, now) for key, (count, example) in transaction.faults.items()],
            )
            cursor.executemany("INSERT OR REPLACE INTO source VALUES (?, ?)", transaction.sources.items())

    def pending(self) -> list[Pending]:
        """Return which channels have samples that wait for the archive."""
        rows = self._database.rows("SELECT channel, count(*), min(received) FROM sample GROUP BY channel")
        return [Pending(*row) for row in rows]

    def samples(self, channel: int, limit: int = -1) -> list[tuple[int, float | None, bytes | None]]:
        """Return the samples of a channel that wait for the archive, by their moments: moment, value and inputs."""
        return self._database.rows(
            "SELECT moment, value, inputs FROM sample WHERE channel = ? ORDER BY moment LIMIT ?", (channel, limit)
        )

    def sample(self, channel: int, moment: int) -> tuple[float | None, bytes | None] | None:
        """Return value and inputs of a sample that waits for the archive; None where there is none."""
        rows = self._database.rows(
            "SELECT value, inputs FROM sample WHERE channel = ? AND moment = ?", (channel, moment)
        )
        return rows[0] if rows else None

    def clear(
        self,
        samples: Iterable[tuple[int, Sequence[tuple[int, float | None, bytes | None]]]],
        refused: Sequence[Refused] = (),
        counts: Mapping[tuple[str, int], int] | None = None,
    ) -> None:
        """Remove samples that the archive holds, as they were read: one that was filled in meanwhile stays.

        Parameters
        ----------
        samples : iterable of tuple
            Number of each channel and rows of `samples`.
        refused : sequence of Refused
            Samples that turned out to be too late, to be kept aside.
        counts : mapping of (str, int) to int, optional
            What is added to the counters.
        """
        with self._database.transaction() as cursor:
            cursor.executemany(
                "DELETE FROM sample WHERE channel = ? AND moment = ? AND value IS ?",
                [(channel, moment, value) for channel, rows in samples for moment, value, _ in rows],
            )
            self._keep_aside(cursor, refused, time.time())
            _add_counts(cursor, counts or {})

    def _keep_aside(self, cursor: Any, refused: Sequence[Refused], now: float) -> None:
        """Keep refused samples; beyond `MAX_REFUSED` the oldest go, which the counters still count."""
        if not refused:
            return
        cursor.executemany(
            "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?, ?, ?)", [(*one, now) for one in refused]
        )
        cursor.execute("DELETE FROM refused WHERE rowid <= (SELECT max(rowid) FROM refused) - ?", (MAX_REFUSED,))

    def ahead(self, channel: int, after: int) -> list[tuple[int, float, bytes | None]]:
        """Return the samples of a channel in quarantine ahead of a moment, as they came: moment, value and inputs."""
        return self._database.rows(
            "SELECT moment, value, inputs FROM refused WHERE channel = ? AND reason = 'ahead' AND moment > ? "
            "ORDER BY rowid",
            (channel, after),
        )

    # ---- what there was

    def refused(self, channel: int | None = None, limit: int = 1_000) -> list[dict[str, Any]]:
        """Return the samples that were kept aside, newest first; `clock` says what their moments count."""
        where = "" if channel is None else "WHERE refused.channel = ? "
        rows = self._database.rows(
            "SELECT name, reason, moment, value, present, received, clock FROM refused "
            f"JOIN channel ON channel.id = refused.channel {where}ORDER BY refused.rowid DESC LIMIT ?",
            (limit,) if channel is None else (channel, limit),
        )
        names = ("channel", "reason", "moment", "value", "present", "received", "clock")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def counters(self) -> dict[str, dict[str, int]]:
        """Return the counters by their names and channels."""
        counters: dict[str, dict[str, int]] = {}
        for name, channel, count in self._database.rows(
            "SELECT counter.name, channel.name, count FROM counter JOIN channel ON channel.id = counter.channel"
        ):
            counters.setdefault(name, {})[channel] = count
        return counters

    def sources(self) -> dict[str, str]:
        """Return where the last sample of each channel came from; an earlier release did not note it."""
        return dict(
            self._database.rows("SELECT channel.name, source.name FROM source JOIN channel ON channel.id = channel")
        )

    def faults(self) -> list[dict[str, Any]]:
        """Return what could not be read: feed, kind, count, example, and the first and last time."""
        names = ("feed", "kind", "count", "example", "first", "last")
        rows = self._database.rows("SELECT feed, kind, count, example, first, last FROM fault ORDER BY feed, kind")
        return [dict(zip(names, row, strict=True)) for row in rows]


def _described(tag: Tag) -> tuple[Any, ...]:
    if tag.state not in _STATES:
        raise ValueError(f"{tag.state!r} is no state of a tag")
    inputs = json.dumps(tag.inputs)
    return tag.name, tag.state, tag.asset, tag.subsystem, tag.units, tag.train_samples, tag.clock, inputs


def _add_counts(cursor: Any, counts: Mapping[tuple[str, int], int]) -> None:
    cursor.executemany(
        "INSERT INTO counter VALUES (?, ?, ?) ON CONFLICT (name, channel) DO UPDATE SET count = count + excluded.count",
        [(name, channel, count) for (name, channel), count in counts.items()],
    )


def pack_inputs(values: Sequence[float]) -> bytes | None:
    """Return the inputs of a sample as they are stored, in the order of their names; None where there are none."""
    return np.asarray(values, dtype="<f4").tobytes() if values else None
