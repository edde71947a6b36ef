"""Helpers for calling MLflow; nothing here imports it."""

import logging
import math
import os
import shutil
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.telemetry.archiving.sqlite_file import ClosingConnection

__all__ = [
    "ENVIRONMENT",
    "all_pages",
    "batched",
    "close_connections",
    "close_dropped_connections",
    "download",
    "epoch_points",
    "make_tables",
    "prepare_database",
    "quiet",
]

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""Variables under which MLflow sends no usage data and prints nothing."""

_STORES = ("mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store")
"""Modules of MLflow that keep one engine of SQLAlchemy for each URI, for as long as the process lives."""


def all_pages(search: Callable[..., Any], *arguments: Any, **options: Any) -> list[Any]:
    """Gather all pages of one of MLflow's searches."""
    items: list[Any] = []
    token = None
    while True:
        page = search(*arguments, max_results=1000, page_token=token, **options)
        items.extend(page)
        token = page.token
        if not token:
            return items


def close_dropped_connections() -> None:
    """See to it that MLflow's connections to SQLite are closed when they are dropped.

    SQLAlchemy leaves a connection open that a thread still holds while the engine's others are closed.
    """
    from sqlalchemy import Engine, event

    if not event.contains(Engine, "do_connect", _use_closing_connection):
        event.listen(Engine, "do_connect", _use_closing_connection)


def _use_closing_connection(dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
    if dialect.name == "sqlite":
        options.setdefault("factory", ClosingConnection)


def close_connections(uri: str) -> None:
    """Close the connections that MLflow keeps to a database, which it never does itself; its next use opens new ones.

    Parameters
    ----------
    uri : str
        Tracking URI; nothing happens where it is not one of a database.
    """
    for name in _STORES:
        store = getattr(sys.modules.get(name), "SqlAlchemyStore", None)
        engine = None if store is None else store._engine_map.get(uri)
        if engine is not None:
            engine.dispose()


def download(client: Any, run_id: str, artifact: str, target: Path) -> None:
    """Copy a run's artifacts from a remote store; the target folder appears complete or not at all."""
    temporary = target.parent / f".{uuid.uuid4().hex}"
    try:
        temporary.mkdir(parents=True)
        os.rename(client.download_artifacts(run_id, artifact, str(temporary)), target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def prepare_database(database: Path, connect: Callable[[str], Any], experiment: str, artifact_root: str | None) -> None:
    """Create MLflow's SQLite database if it does not exist, and check an existing file.

    MLflow tries a broken file for two minutes. So the tables are created aside, and the database appears complete or
    not at all.

    Parameters
    ----------
    database : Path
        The SQLite file.
    connect : callable
        Function that returns MLflow's client of a tracking URI.
    experiment : str
        First experiment of a new database.
    artifact_root : str or None
        URI under which its runs keep their artifacts.

    Raises
    ------
    sqlite3.DatabaseError
        The file is not an SQLite database.
    OSError
        It cannot be written.
    """
    if not database.exists():
        database.parent.mkdir(parents=True, exist_ok=True)
        temporary = database.with_name(f".{database.name}-{uuid.uuid4().hex}")
        try:
            make_tables(temporary)
            connect(f"sqlite:///{temporary}").create_experiment(experiment, artifact_location=artifact_root)
            close_connections(f"sqlite:///{temporary}")  # nobody has a file open that gets another name
            os.rename(temporary, database)
        finally:
            close_connections(f"sqlite:///{temporary}")
            temporary.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master")


def make_tables(database: Path) -> None:
    """Create MLflow's tables in a new SQLite file, as its migrations leave them, where this release knows how.

    MLflow takes seconds to run all its migrations on an empty file. `mlflow_tables.sql` holds what they come to, and
    the version of MLflow of which it is; under any other nothing is done, and MLflow runs its migrations as ever.

    Parameters
    ----------
    database : Path
        The SQLite file.
    """
    first, _, script = files("workbench.models").joinpath("mlflow_tables.sql").read_text("utf-8").partition("\n")
    if first == f"-- MLflow {version('mlflow')}":
        with closing(sqlite3.connect(database)) as connection:
            connection.executescript(script)


@contextmanager
def quiet(*names: str) -> Iterator[None]:
    """Keep back what loggers say: MLflow logs whole tracebacks of errors that are raised as well."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def epoch_points(
    metrics: Mapping[str, float], history: Mapping[str, Sequence[float]]
) -> Iterator[tuple[str, int, float]]:
    """Lay metrics out as they are stored: those with a history by epoch from 1 on, the others once, as epoch 0.

    Parameters
    ----------
    metrics : mapping of str to float
        Metrics by name.
    history : mapping of str to sequence of float
        Its last value is the metric's.

    Yields
    ------
    tuple of str, int and float
        Metric, epoch, value; what is not finite is left out.

    Examples
    --------
    >>> list(epoch_points({"loss": 1.0, "alpha": 0.1}, {"loss": [2.0, 1.0]}))
    [('alpha', 0, 0.1), ('loss', 1, 2.0), ('loss', 2, 1.0)]
    """
    once = [(key, 0, float(value)) for key, value in metrics.items() if not history.get(key)]
    steps = [(key, at, float(value)) for key, values in history.items() for at, value in enumerate(values, start=1)]
    yield from (point for point in [*once, *steps] if math.isfinite(point[2]))


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Cut into lists of at most `size` items.

    Examples
    --------
    >>> list(batched("abc", 2))
    [['a', 'b'], ['c']]
    """
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
