"""Read everything that a home holds, and name each thing that is damaged."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import sqlalchemy as sa
from tqdm.auto import tqdm

from workbench.assets.store import AssetScoreStore
from workbench.counts import counted
from workbench.exceptions import WorkbenchError
from workbench.jobs.doctor import Examined, Finding
from workbench.jobs.watch_memory import MEMORY_FILE
from workbench.maintenance.desk import Maintenance
from workbench.models import ModelInfo
from workbench.telemetry.import_profiles import read_profiles
from workbench.telemetry.schema import SPLITS

__all__ = ["DeeplyExamined", "examine_deeply", "sqlite_faults"]

_MAX_FAULTS = 10  # of one database
_RESTORE = "Restore it from a backup."


class DeeplyExamined(Examined, Protocol):
    """What is read of a session; `workbench.session.Session` is one."""

    @property
    def maintenance(self) -> Maintenance:
        """Alerts, work orders and their log."""


def examine_deeply(session: DeeplyExamined, *, progress: bool = False) -> list[Finding]:
    """Read every sample, label and score of every channel, every file of every model, and the databases.

    Parameters
    ----------
    session : DeeplyExamined
        Session whose home is read.
    progress : bool
        Show a bar where the standard error is a terminal.

    Returns
    -------
    list of Finding
        One for each thing that is damaged, and one that counts what was read.
    """
    faults: list[Finding] = []
    names: list[str] = []
    models: list[ModelInfo] = []
    try:
        names = session.archive.channels()
    except WorkbenchError as error:
        faults.append(_fault("archive", error))
    try:
        models = session.registry.list(assets=True)
    except WorkbenchError as error:
        faults.append(_fault("registry", error))
    steps: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("archive", partial(_store, session)),
        *((name, partial(_channel, session, name)) for name in names),
        *((model.id, partial(_model, session, model)) for model in models),
        ("scores of assets", partial(_asset_scores, session)),
        ("registry", partial(_registry, session)),
        ("maintenance database", partial(_maintenance, session)),
        ("watched folders", partial(_watched_folders, session)),
        ("import profiles", partial(_profiles, session)),
    ]
    with tqdm(total=len(steps), desc="read", disable=None if progress else True) as bar:
        for name, step in steps:
            bar.set_postfix_str(name)
            try:
                faults += step()
            except WorkbenchError as error:
                faults.append(_fault(name, error))
            bar.update()
    read = f"{counted(len(names), 'channel')}, {counted(len(models), 'model version')} and the databases read"
    state = "ok: what they hold is what was written" if not faults else f"{counted(len(faults), 'thing')} damaged"
    return [*faults, Finding("deep check", "broken" if faults else "ok", f"{read}; {state}")]


def sqlite_faults(file: Path) -> list[str]:
    """Check the structure of an SQLite database, the references between its tables, and that each row can be read.

    Parameters
    ----------
    file : Path
        The database, which is opened read-only.

    Returns
    -------
    list of str
        What is wrong, at most ten; empty for a sound database.

    Examples
    --------
    >>> sqlite_faults(Path("/nowhere/maintenance.db"))
    ['unable to open database file']
    """
    faults: list[str] = []
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)) as connection:
            rows = connection.execute(f"PRAGMA integrity_check({_MAX_FAULTS})").fetchall()
            faults += [str(row[0]) for row in rows if row[0] != "ok"]
            for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
                faults.append(f"row {row} of {table} refers to a row of {parent} that is not there")
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for _ in connection.execute(f'SELECT * FROM "{table}"'):
                    pass
    except (sqlite3.Error, UnicodeDecodeError) as error:
        faults.append(str(error))
    return list(dict.fromkeys(" ".join(fault.split()) for fault in faults))[:_MAX_FAULTS]


def _asset_scores(session: DeeplyExamined) -> Iterator[Finding]:
    for file, fault in AssetScoreStore(session.settings.home / "asset_scores").damaged().items():
        yield Finding("score of an asset", "broken", f"{file}: {fault}.", "Remove it, then run: workbench score --all")


def _fault(what: str, error: WorkbenchError) -> Finding:
    return Finding(what, "broken", error.message, error.hint)


def _store(session: DeeplyExamined) -> Iterator[Finding]:
    """Check what holds the channels together: the store, its index, its tail, and what its segments say."""
    for error in session.archive.faults():
        yield _fault("archive", error)
    for error in session.archive.level_faults():
        yield _fault("levels", error)


def _channel(session: DeeplyExamined, name: str) -> Iterator[Finding]:
    archive = session.archive
    parts: list[Callable[[], object]] = [*(partial(archive.check_deeply, name, split) for split in SPLITS)]
    parts += [partial(archive.open_before, name), partial(archive.labels, name)]
    try:
        sound, damaged = archive.scores(name), archive.damaged_scores(name)
    except WorkbenchError as error:
        yield _fault("channel", error)
        return
    for damage_error in damaged.values():
        yield _fault("score", damage_error)
    parts += [partial(archive.check_score_deeply, name, key) for key in sound]
    for part in parts:
        try:
            part()
        except WorkbenchError as error:
            yield _fault("channel", error)


def _model(session: DeeplyExamined, model: ModelInfo) -> Iterator[Finding]:
    try:
        session.registry.check(model)
    except WorkbenchError as error:
        yield Finding("model", "broken", f"{model.id}: {error.message}", error.hint)


def _registry(session: DeeplyExamined) -> Iterator[Finding]:
    file = session.registry.location.database
    if file is not None and file.exists():
        for fault in sqlite_faults(file):
            yield Finding("registry", "broken", f"The model registry {file} is damaged: {fault}.", _RESTORE)


def _watched_folders(session: DeeplyExamined) -> Iterator[Finding]:
    file = session.settings.home / MEMORY_FILE
    if file.exists():
        for fault in sqlite_faults(file):
            yield Finding(
                "watched folders",
                "broken",
                f"The memory of watched folders {file} is damaged: {fault}.",
                "Remove it: it is made again, and files that are imported already change nothing.",
            )


def _profiles(session: DeeplyExamined) -> Iterator[Finding]:
    read_profiles(session.settings.home)
    return iter(())


def _maintenance(session: DeeplyExamined) -> Iterator[Finding]:
    url = sa.make_url(session.settings.maintenance_url)
    file = Path(url.database) if url.drivername == "sqlite" and url.database else None
    if file is not None and file.exists() and file.stat().st_size:
        faults = sqlite_faults(file)
        for fault in faults:
            yield Finding("maintenance", "broken", f"The maintenance database {file} is damaged: {fault}.", _RESTORE)
        if faults:
            return
    if file is None or file.exists():
        verification = session.maintenance.verify_log()
        if not verification.ok:
            yield Finding("log", "broken", str(verification), _RESTORE)
    else:
        session.maintenance.log_length()
