"""What a writing transaction changes in the rows that the maintenance log vouches for.

A table whose class is `Recorded` is vouched for: whatever a transaction changes in it goes into the log with the
transaction, column by column, as the database stores it. The log thus holds all that the tables held at any time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, NamedTuple

import sqlalchemy as sa
from sqlalchemy import event, orm
from sqlalchemy.engine.default import DefaultDialect

from workbench.maintenance.database import WritingSession

__all__ = [
    "Change",
    "Entry",
    "Key",
    "Recorded",
    "note_change",
    "pending",
    "recorded_columns",
    "short_subject",
    "stored_value",
    "written_now",
]

_DIALECT = DefaultDialect()
_PENDING = "pending_log"
_MARKS = "pending_log_marks"
_MAX_SUBJECT = 40  # characters of the column of the log
Key = tuple[Any, ...]


class Recorded:
    """Mixin of a table whose changes are written to the log.

    Attributes
    ----------
    unrecorded : tuple of str
        Columns that are not written: how often a row was changed, and what is computed anew without anybody acting.
    """

    unrecorded: ClassVar[tuple[str, ...]] = ("version",)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of this row."""
        return f"{type(self).__name__}"


@dataclass(frozen=True)
class Entry:
    """Row of the log that is to be written at the end of the transaction."""

    subject: str
    action: str
    who: str
    details: str


@dataclass(frozen=True)
class Change:
    """Columns of one row of a table that a transaction has changed.

    Attributes
    ----------
    subject : str
        Subject of the rows of the log that tell of it.
    table : str
        Name of the table.
    key : tuple
        Primary key of the row, as the database stores it.
    values : mapping or None
        New values by column, as the database stores them; None where the row was deleted.
    """

    subject: str
    table: str
    key: Key
    values: Mapping[str, Any] | None


def recorded_columns(table: type[Any]) -> tuple[str, ...]:
    """Return the names of the columns of a recorded table that are written to the log, its key left out."""
    columns = table.__table__.columns
    return tuple(one.name for one in columns if not one.primary_key and one.name not in table.unrecorded)


def stored_value(column: sa.Column[Any], value: Any) -> Any:
    """Return a value as the database stores it: microseconds of a time, rank of a level, text of JSON or of a day."""
    kind: Any = column.type
    plain = kind.process_bind_param(value, _DIALECT) if isinstance(kind, sa.types.TypeDecorator) else value
    return plain.isoformat() if isinstance(plain, date) else plain


def note_change(db: orm.Session, table: type[Any], key: Key, subject: str, values: Mapping[str, Any]) -> None:
    """Note what a statement has changed in a row of a recorded table, past the session.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    table : type
        Class of the table.
    key : tuple
        Primary key of the row.
    subject : str
        Subject of the rows of the log that tell of it.
    values : mapping
        New values by column.
    """
    columns = table.__table__.columns
    plain = {name: stored_value(columns[name], value) for name, value in values.items()}
    pending(db).append(Change(short_subject(subject), table.__tablename__, key, plain))


def short_subject(subject: str) -> str:
    """Return a subject cut to what the column of the log holds."""
    return subject[:_MAX_SUBJECT]


def pending(db: orm.Session) -> list[Entry | Change]:
    """Return what the log does not hold yet of a writing transaction, in the order in which it happened."""
    found: list[Entry | Change] = db.info.setdefault(_PENDING, [])
    return found


def written_now(db: orm.Session) -> tuple[list[Entry], list[Change]]:
    """Return what is pending, rows of the log and changes, and forget it."""
    items: list[Entry | Change] = db.info.pop(_PENDING, [])
    return [one for one in items if isinstance(one, Entry)], [one for one in items if isinstance(one, Change)]


def _note_flushed(session: orm.Session, _context: Any) -> None:
    """Note what a flush has written; the session still knows what was changed."""
    items = pending(session)
    for row in session.new:
        if isinstance(row, Recorded):
            items.append(_change(row, _columns_of(type(row)).recorded))
    for row in session.dirty:
        if isinstance(row, Recorded):
            state: Any = sa.inspect(row)
            touched = state.committed_state  # without a look at all the others, which takes long
            names = [
                name
                for name in _columns_of(type(row)).recorded
                if name in touched and state.attrs[name].history.has_changes()
            ]
            if names:
                items.append(_change(row, names))
    for row in session.deleted:
        if isinstance(row, Recorded):
            items.append(_change(row, None))


def _change(row: Any, names: Any) -> Change:
    columns, keys, _ = _columns_of(type(row))
    key = tuple(stored_value(column, getattr(row, column.name)) for column in keys)
    values = None if names is None else {name: stored_value(columns[name], getattr(row, name)) for name in names}
    return Change(short_subject(row.log_subject), row.__tablename__, key, values)


class _Columns(NamedTuple):
    """Columns of a table by their names, those of its primary key, and the names of those that are recorded."""

    by_name: dict[str, sa.Column[Any]]
    keys: tuple[sa.Column[Any], ...]
    recorded: tuple[str, ...]


_COLUMNS: dict[type[Any], _Columns] = {}  # SQLAlchemy takes long to look them up, and this is done at every change


def _columns_of(table: type[Any]) -> _Columns:
    if table not in _COLUMNS:
        by_name = {one.name: one for one in table.__table__.columns}
        _COLUMNS[table] = _Columns(by_name, tuple(table.__table__.primary_key.columns), recorded_columns(table))
    return _COLUMNS[table]


def _note_begin(session: orm.Session, transaction: orm.SessionTransaction) -> None:
    """Note where a savepoint begins."""
    if transaction.nested:
        session.info.setdefault(_MARKS, {})[transaction] = len(pending(session))


def _forget_undone(session: orm.Session, transaction: orm.SessionTransaction) -> None:
    """Forget what was noted since a savepoint that was rolled back."""
    mark = session.info.get(_MARKS, {}).pop(transaction, None)
    if mark is not None:
        del pending(session)[mark:]


event.listen(WritingSession, "after_flush", _note_flushed)
event.listen(WritingSession, "after_transaction_create", _note_begin)
event.listen(WritingSession, "after_soft_rollback", _forget_undone)
