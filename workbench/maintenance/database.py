"""The maintenance database: SQLite beside the archive, or PostgreSQL by URL.

Every change is one transaction of one writer at a time: SQLite's `BEGIN IMMEDIATE`, an advisory lock on
PostgreSQL. Both then behave alike, and the hash chain of the log has one end. Readers wait for nobody.
"""

import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy import event, orm
from sqlalchemy.engine.interfaces import Dialect

from workbench.exceptions import ConflictError, MaintenanceError
from workbench.home import check_part, prepare_part, record_part
from workbench.telemetry.archiving.sqlite_file import UNDECODABLE, ClosingConnection

__all__ = ["Base", "Database", "UtcDateTime", "Versioned", "WritingSession", "frame", "microseconds", "now", "table_of"]

MIGRATIONS = Path(__file__).parent / "migrations"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOT_A_TIME = np.iinfo(np.int64).min
_WRITER_LOCK = 0x776F726B  # the key of the advisory lock: any number, if it is always the same
_IDLE_SECONDS = 30  # of a writer in a transaction; a machine that was lost would keep out the others for hours
_SQLITE_CAUSES = {
    "SQLITE_BUSY": ("is locked by another program", "Try again once it has finished."),
    "SQLITE_LOCKED": ("is locked by another program", "Try again once it has finished."),
    "SQLITE_FULL": ("cannot grow: the disk is full", "Make room; nothing was changed."),
    "SQLITE_CORRUPT": ("is damaged", "Restore it from a backup, or move the file away to begin anew."),
    "SQLITE_NOTADB": ("is not an SQLite database", "Restore it from a backup, or move the file away to begin anew."),
    "SQLITE_CANTOPEN": ("cannot be opened", "Check that its folder exists and can be written to."),
    "SQLITE_READONLY": ("cannot be written to", "Check the rights of the file and its folder."),
    "SQLITE_IOERR": ("cannot be read or written", "Is the disk full, or damaged? Nothing was changed."),
}
_POSTGRES_CAUSES = {
    "55P03": _SQLITE_CAUSES["SQLITE_BUSY"],
    "53100": _SQLITE_CAUSES["SQLITE_FULL"],
    "25006": _SQLITE_CAUSES["SQLITE_READONLY"],
    "25P03": ("ended a change of which it heard nothing for too long", "Nothing was changed. Try again."),
}


class Base(orm.DeclarativeBase):
    """Base of all tables of maintenance."""


class Versioned:
    """Mixin of a table that people change: each change raises `version`, and a stale one is refused."""

    version: orm.Mapped[int] = orm.mapped_column(sa.Integer, nullable=False)

    @orm.declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


class WritingSession(orm.Session):
    """Session of a writing transaction, whose changes `changes` notes for the log."""


class _UnreadableTimeError(ValueError):
    """A row holds what is no time."""


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Column type of an aware datetime, stored as microseconds since 1970 in UTC.

    So it is exact, ordered, and alike on every database.

    To read it by hand: `SELECT datetime(raised_at / 1000000, 'unixepoch') FROM alerts`.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return an aware datetime as microseconds."""
        del dialect
        if value is None:
            return None
        return microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return microseconds as an aware datetime, UTC."""
        del dialect
        try:
            return None if value is None else _EPOCH + value * _MICROSECOND
        except (OverflowError, TypeError):
            raise _UnreadableTimeError(value) from None


class Database:
    """One maintenance database; it is created and migrated when it is first used.

    Close it, or open it in a `with` statement. One that is dropped closes its connections when it is collected, at the
    latest when the interpreter ends.

    Parameters
    ----------
    url : str
        `sqlite:////absolute/path/maintenance.db` or `postgresql+psycopg://user@host/name`.
    clock : callable
        Returns the present time, aware, in UTC.
    patience : float
        Seconds that a writer waits for another.

    Attributes
    ----------
    clock : callable
        Returns the present time.
    engine : sqlalchemy.Engine
        Connections of the database.

    Raises
    ------
    MaintenanceError
        The URL is not one of the two kinds.
    """

    def __init__(self, url: str, clock: Callable[[], datetime], patience: float = 10.0) -> None:
        self.clock = clock
        self.patience = patience
        try:
            parsed = sa.make_url(url)
        except sa.exc.ArgumentError:
            raise _bad_url(url) from None
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self._file = Path(parsed.database) if parsed.drivername == "sqlite" and parsed.database else None
        if self._file is None and parsed.drivername != "postgresql+psycopg":
            raise _bad_url(url)
        self.name = str(self._file or parsed.render_as_string(hide_password=True))
        if self._file is not None:
            self.engine = sa.create_engine(parsed, connect_args={"timeout": patience, "factory": ClosingConnection})
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._reader = self.engine
        else:
            self.engine = sa.create_engine(parsed, pool_pre_ping=True)
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writer = self.engine.execution_options(writes=True)
        self._preparing = threading.Lock()
        self._prepared = False
        self._file_number: int | None = None
        weakref.finalize(self, self.engine.dispose)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """Return the class with the file or server."""
        return f"Database({self.name!r})"

    @contextmanager
    def reading(self) -> Iterator[orm.Session]:
        """Open a transaction that sees one consistent state and never writes.

        Yields
        ------
        sqlalchemy.orm.Session

        Raises
        ------
        MaintenanceError
            The database is locked, damaged or cannot be reached.
        """
        self._prepare()
        with self._errors(), orm.Session(self._reader, autoflush=False) as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[orm.Session]:
        """Open a writing transaction: committed at the end, rolled back on any error.

        Yields
        ------
        sqlalchemy.orm.Session
            `now(session)` is the time of the transaction.

        Raises
        ------
        ConflictError
            A row was changed by somebody else.
        MaintenanceError
            The database is locked, damaged, full or cannot be reached. Nothing was changed.
        """
        self._prepare()
        with self._errors(), WritingSession(self._writer, expire_on_commit=False) as db, db.begin():
            self._wait_for_other_writers(db.connection())
            db.info["now"] = self.clock()
            yield db

    def size(self) -> int:
        """Return the size of the database on disk, bytes; 0 where there is none yet.

        Raises
        ------
        MaintenanceError
            The database cannot be reached.
        """
        if self._file is None:
            with self.reading() as db:
                return int(db.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0)
        parts = (Path(f"{self._file}{ending}") for ending in ("", "-wal", "-shm"))
        return sum(part.stat().st_size for part in parts if part.exists())

    def close(self) -> None:
        """Close all connections; closing again does nothing, and the next use opens new ones."""
        self.engine.dispose()

    # ---- internals

    def _prepare(self) -> None:
        with self._preparing:
            self._notice_changed_file()
            if self._prepared:
                return
            with self._errors():
                if self._revision() != _head():
                    self._migrate()
            self._prepared = True
            self._file_number = self._present_file_number()

    def _notice_changed_file(self) -> None:
        """Refuse a file that has vanished, and close the connections to one that was replaced."""
        if self._file is None:
            return
        check_part(self._file)
        number = self._present_file_number()
        if not self._prepared or number == self._file_number:
            return
        self._prepared = False
        self.engine.dispose()
        if number is None:
            raise self._error("has vanished", "Restore it from a backup, or mount its disk.")

    def _present_file_number(self) -> int | None:
        """Return the number of the file on its disk; None where there is none, or it is empty."""
        try:
            about = None if self._file is None else self._file.stat()
        except OSError:
            return None
        return about.st_ino if about is not None and about.st_size else None

    def _revision(self) -> str | None:
        if self._file is not None and not self._file.exists():
            return None
        with self.engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        if revision is not None and revision > _head():
            raise MaintenanceError(
                f"The maintenance database {self.name} is of a newer workbench (revision {revision}, here {_head()}).",
                "Update the workbench.",
            )
        return revision

    def _migrate(self) -> None:
        from alembic.config import Config
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        script = ScriptDirectory.from_config(config)

        def to_head(revision: Any, _context: Any) -> Any:
            return script._upgrade_revs("head", revision)

        with self._alone(), self._writer.begin() as connection:
            self._wait_for_other_writers(connection)
            with EnvironmentContext(config, script) as environment:
                environment.configure(connection, fn=to_head, transactional_ddl=True, present=self.clock())
                environment.run_migrations()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes out while an SQLite file is made: its journal mode cannot be changed by two at once."""
        if self._file is None:
            yield
            return
        try:
            prepare_part(self._file)
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._file}.lock", timeout=self.patience):
                raw = self.engine.raw_connection()
                try:
                    raw.execute("PRAGMA journal_mode = WAL")
                finally:
                    raw.close()
                yield
            record_part(self._file)
        except Timeout:
            raise self._error(*_SQLITE_CAUSES["SQLITE_BUSY"]) from None
        except OSError as error:
            raise self._error(f"cannot be made: {error.strerror}", "Choose another `home` in workbench.yaml.") from None

    def _wait_for_other_writers(self, connection: sa.Connection) -> None:
        if self._file is None:
            connection.execute(sa.text(f"SET LOCAL lock_timeout = {int(self.patience * 1000)}"))
            connection.execute(sa.text(f"SET LOCAL idle_in_transaction_session_timeout = {_IDLE_SECONDS * 1000}"))
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"))

    def _error(self, what: str, hint: str) -> MaintenanceError:
        return MaintenanceError(f"The maintenance database {self.name} {what}.", hint)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise one clear error for whatever the driver raises."""
        try:
            yield
        except orm.exc.StaleDataError as error:
            raise ConflictError(
                "Somebody else changed the same row in between.", "Load it again, then repeat your change."
            ) from error
        except sa.exc.IntegrityError as error:
            if self._is_damaged():
                raise self._error(*_SQLITE_CAUSES["SQLITE_CORRUPT"]) from error
            raise  # a defect of ours: what users give is checked before
        except sa.exc.DBAPIError as error:
            raise self._error(*_cause(error.orig)) from error
        except sqlite3.Error as error:  # of the beginning of a transaction
            raise self._error(*_cause(error)) from error
        except (UnicodeDecodeError, json.JSONDecodeError, _UnreadableTimeError) as error:  # of text and times in a row
            raise self._error(*_SQLITE_CAUSES["SQLITE_CORRUPT"]) from error

    def _is_damaged(self) -> bool:
        """Tell whether an SQLite file contradicts itself, as where an index misses a row of its table."""
        if self._file is None:
            return False
        try:
            with closing(sqlite3.connect(self._file)) as connection:
                return bool(connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",))
        except (sqlite3.Error, UnicodeDecodeError):
            return True


def microseconds(time: datetime) -> int:
    """Return an aware time as microseconds since 1970, as the tables store it.

    Raises
    ------
    MaintenanceError
        The time has no zone.
    """
    if time.tzinfo is None:
        raise MaintenanceError(f"The time {time} has no time zone.", "Give it one, for example datetime.now(UTC).")
    return (time - _EPOCH) // _MICROSECOND


def now(db: orm.Session) -> datetime:
    """Return the time of a writing transaction: the clock's when it began.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Transaction that `Database.writing` opened.

    Returns
    -------
    datetime
        Aware, UTC.
    """
    time: datetime = db.info["now"]
    return time


def frame(db: orm.Session, statement: sa.Select[Any]) -> pd.DataFrame:
    """Return the rows of a statement as a table.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Session of a reading or writing transaction.
    statement : sqlalchemy.Select
        Statement that selects columns, not mapped objects.

    Returns
    -------
    pandas.DataFrame
        One column for each of the statement; `UtcDateTime` becomes datetime64[us, UTC], with NaT where there is none.
    """
    times = [isinstance(column.type, UtcDateTime) for column in statement.selected_columns]
    plain = [
        sa.type_coerce(column, sa.BigInteger).label(str(column.key)) if is_time else column
        for column, is_time in zip(statement.selected_columns, times, strict=True)
    ]
    result = db.execute(statement.with_only_columns(*plain, maintain_column_froms=True))
    rows = [tuple(row) for row in result.fetchall()]  # pandas asks each Row for attributes, which is slow
    return table_of(rows, list(result.keys()), times)


def table_of(rows: Sequence[tuple[Any, ...]], names: Sequence[str], times: Sequence[bool]) -> pd.DataFrame:
    """Return rows as a table.

    Parameters
    ----------
    rows : sequence of tuple
        Rows, with times as microseconds since 1970.
    names : sequence of str
        Names of the columns.
    times : sequence of bool
        Whether each column holds times.

    Returns
    -------
    pandas.DataFrame
        Columns of times are datetime64[us, UTC], with NaT where there is none.
    """
    table = pd.DataFrame(rows, columns=list(names))
    for at, is_time in enumerate(times):
        if is_time:
            ticks = [_NOT_A_TIME if row[at] is None else row[at] for row in rows]
            stamps = np.array(ticks, dtype=np.int64).view("datetime64[us]")
            table.isetitem(at, pd.DatetimeIndex(stamps).tz_localize("UTC").array)  # a Series takes three times as long
    return table


def _head() -> str:
    """Return the revision that the code needs: the last one in the folder."""
    return max(path.stem[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9]*.py"))


def _bad_url(url: str) -> MaintenanceError:
    return MaintenanceError(
        f"{url!r} is not the URL of a maintenance database.",
        "Use sqlite:////absolute/path/maintenance.db or postgresql+psycopg://user@host/name.",
    )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Let this module begin transactions, not the driver; commits are on the disk when they return."""
    connection.isolation_level = None
    try:
        for pragma in ("synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()  # the pool does not: it never had it
        raise


def _begin_sqlite(connection: sa.Connection) -> None:
    """Begin a transaction, past SQLAlchemy: it takes ten times as long for a statement, and this is done for each."""
    writes = bool(connection.get_execution_options().get("writes", False))
    driver: Any = connection.connection.driver_connection
    if connection.info.get("writes") is not writes:
        driver.execute(f"PRAGMA query_only = {int(not writes)}")
        connection.info["writes"] = writes
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def _cause(error: BaseException | None) -> tuple[str, str]:
    """Return what a driver's error means, and what to do."""
    name = getattr(error, "sqlite_errorname", "") or ""
    for prefix, cause in _SQLITE_CAUSES.items():
        if name.startswith(prefix):
            return cause
    state = getattr(error, "sqlstate", None)
    if state in _POSTGRES_CAUSES:
        return _POSTGRES_CAUSES[state]
    if isinstance(error, sqlite3.Error) and str(error).startswith(UNDECODABLE):
        return _SQLITE_CAUSES["SQLITE_CORRUPT"]
    if state is None and not name:
        return f"cannot be reached ({error})", "Check that the server runs, and the URL."
    return f"refused: {error}", "Nothing was changed."
