"""The maintenance log: append-only, each row hashed together with the hash of the row before.

A row is written in the transaction of the change that it tells of: both are there, or neither. It holds what the
transaction changed in the tables (`changes`), so that these can be compared with it, and computed anew as they were at
any time (`records`). Whoever edits, inserts or deletes a row by hand breaks the chain at that row; a second table holds
its end, so that rows missing there are noticed too. Somebody who recomputes all hashes, cuts off the end in both tables
or puts back an older copy is seen only where `head` was kept elsewhere: see `verify`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import event, orm

from workbench.exceptions import ConflictError, MaintenanceError
from workbench.maintenance.changes import Change, Entry, Key, pending, short_subject, written_now
from workbench.maintenance.database import Base, Database, UtcDateTime, WritingSession, frame, now
from workbench.maintenance.values import row_limit

__all__ = [
    "LogEnd",
    "LogRow",
    "Verification",
    "append",
    "check_version",
    "count",
    "entries",
    "head",
    "head_in",
    "length",
    "people",
    "verify",
]

_HASH_BEFORE_FIRST_ROW = "0" * 64
_HEAD = re.compile(r"(?P<seq>0|[1-9][0-9]{0,17}):(?P<hash>[0-9a-f]{64})")


class LogRow(Base):
    """Row of the maintenance log."""

    __tablename__ = "log"
    __table_args__ = (sa.Index("ix_log_subject", "subject", "seq"), sa.Index("ix_log_time", "time"))

    seq: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    time: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    subject: orm.Mapped[str] = orm.mapped_column(sa.String(40))
    action: orm.Mapped[str] = orm.mapped_column(sa.String(40))
    who: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    details: orm.Mapped[str] = orm.mapped_column(sa.Text)
    changes: orm.Mapped[str] = orm.mapped_column(sa.Text, server_default="")
    previous: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    hash: orm.Mapped[str] = orm.mapped_column(sa.String(64))


class LogEnd(Base):
    """Number and hash of the last row of the log; the table has one row, id 1."""

    __tablename__ = "log_end"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    seq: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    hash: orm.Mapped[str] = orm.mapped_column(sa.String(64))


_LOG = cast(sa.Table, LogRow.__table__)
_END = cast(sa.Table, LogEnd.__table__)
_LAST = sa.select(_END.c.seq, _END.c.hash).where(_END.c.id == 1)
_INSERT_ROWS = sa.insert(_LOG)
_INSERT_END = sa.insert(_END)
_UPDATE_END = sa.update(_END).where(_END.c.id == 1)


@dataclass(frozen=True)
class Verification:
    """Result of `verify`: whether the log is as it was written, and the tables are as it says.

    Attributes
    ----------
    ok : bool
        Whether every row is as it was written, the kept head is in it, and no table differs.
    entries : int
        Number of rows that were read.
    broken : int or None
        Number (`seq`) of the first row that is not as it was written.
    reason : str
        What is wrong with it.
    hash : str
        Hash of the last row read.
    differences : tuple of str
        What the tables hold otherwise than the log says, a sentence each.
    """

    ok: bool
    entries: int
    broken: int | None = None
    reason: str = ""
    hash: str = _HASH_BEFORE_FIRST_ROW
    differences: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """Number and hash of the last row read, as `head` returns them."""
        return f"{self.entries}:{self.hash}"

    def __str__(self) -> str:
        """Return it as one sentence, and one for each difference."""
        if self.broken is not None:
            return f"Row {self.broken} of the log is not as it was written: {self.reason}."
        if self.differences:
            return "\n".join(self.differences)
        return f"The log is as it was written: {self.entries:,} rows, last hash {self.hash[:12]}."


def append(db: orm.Session, subject: str, action: str, who: str, details: Mapping[str, Any] | None = None) -> None:
    """Write one row, in the transaction of the change that it tells of.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Transaction that `Database.writing` opened.
    subject : str
        What changed, for example `alert:12` or `order:3`.
    action : str
        What happened to it, for example `raised` or `acknowledged`.
    who : str
        Person or program that did it.
    details : mapping, optional
        JSON values; datetimes become ISO 8601.

    Raises
    ------
    MaintenanceError
        `who` is empty, or a text is not Unicode.
    """
    if not who.strip():
        raise MaintenanceError("The name of the person is empty.", "Enter one: the log records who did what.")
    text = json.dumps(details or {}, sort_keys=True, ensure_ascii=False, default=_plain)
    try:
        f"{subject}{who}{text}".encode()
    except UnicodeEncodeError:
        raise MaintenanceError("The text holds characters that are not Unicode.", "Enter it in UTF-8.") from None
    pending(db).append(Entry(short_subject(subject), action, who.strip(), text))


def _write_pending(db: orm.Session) -> None:
    """Write the rows of a transaction, and what it changed, when it is committed; not at the end of a savepoint."""
    if db.in_nested_transaction():
        return
    db.flush()
    entries, changes = written_now(db)
    if changes and not entries:
        entries = [Entry(changes[0].subject, "changed", "workbench", "{}")]
    if not entries:
        return
    connection = db.connection()  # not through the session, which is slower: this runs at every change
    end = connection.execute(_LAST).one_or_none()
    seq, previous = (end.seq, end.hash) if end else (0, _HASH_BEFORE_FIRST_ROW)
    rows = []
    for entry, text in zip(entries, _changes_of_entries(entries, changes), strict=True):
        seq += 1
        about = {"subject": entry.subject, "action": entry.action, "who": entry.who, "details": entry.details}
        row = {"seq": seq, "time": now(db), **about, "changes": text, "previous": previous}
        previous = row["hash"] = _hash(row)
        rows.append(row)
    connection.execute(_INSERT_ROWS, rows)
    connection.execute(_UPDATE_END if end else _INSERT_END, {"id": 1, "seq": seq, "hash": previous})


event.listen(WritingSession, "before_commit", _write_pending)


def _changes_of_entries(entries: list[Entry], changes: list[Change]) -> list[str]:
    """Return the changes that each row of the log holds, as JSON: a list of table, key and values.

    A row's changes go with the last entry of their subject; where it has none, with the last entry of all.
    """
    last_of_subject = {entry.subject: at for at, entry in enumerate(entries)}
    merged: list[dict[tuple[str, Key], Any]] = [{} for _ in entries]
    for change in changes:
        rows = merged[last_of_subject.get(change.subject, len(entries) - 1)]
        before = rows.get((change.table, change.key))
        rows[change.table, change.key] = None if change.values is None else {**(before or {}), **change.values}
    lists = ([[table, key, values] for (table, key), values in rows.items()] for rows in merged)
    return [json.dumps(one, sort_keys=True, ensure_ascii=False) if one else "" for one in lists]


def verify(database: Database, since: str | None = None) -> Verification:
    """Verify the whole log: compare every row with its hash.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    since : str, optional
        Head of the log that was kept elsewhere, as `head` returned it: the log must still hold this row as it was.

    Returns
    -------
    Verification

    Raises
    ------
    MaintenanceError
        `since` is not the head of a log.
    """
    kept_seq, kept_hash = _read_head(since) if since is not None else (0, _HASH_BEFORE_FIRST_ROW)
    with database.reading() as db:
        end = db.execute(sa.select(_END.c.seq, _END.c.hash)).one_or_none()
        count = 0
        hash_ = _HASH_BEFORE_FIRST_ROW
        with db.execute(sa.select(_LOG).order_by(_LOG.c.seq).execution_options(yield_per=2000)) as rows:
            for row in rows.mappings():
                reason = ""
                if row["seq"] != count + 1:
                    reason = f"row {count + 1} is missing before it"
                elif row["previous"] != hash_:
                    reason = "it does not follow the row before it"
                elif row["hash"] != _hash(row):
                    reason = "its content does not match its hash"
                elif row["seq"] == kept_seq and row["hash"] != kept_hash:
                    reason = "its hash is not the one that was kept; the log was written anew"
                if reason:
                    return Verification(False, count, row["seq"], reason, hash_)
                count += 1
                hash_ = row["hash"]
        last, last_hash = (end.seq, end.hash) if end else (0, _HASH_BEFORE_FIRST_ROW)
        if last > count:
            return Verification(False, count, count + 1, f"it is missing, with all after it up to row {last}", hash_)
        if last < count or last_hash != hash_:
            return Verification(False, count, count, "it was not the last row when the log was written", hash_)
        if kept_seq > count:
            reason = f"it is missing, though row {kept_seq} was kept; the end was cut off, or an older copy put back"
            return Verification(False, count, count + 1, reason, hash_)
    return Verification(True, count, hash=hash_)


def head(database: Database) -> str:
    """Return the number and the hash of the last row of the log, as `12:9f86...`; to be kept elsewhere for `verify`."""
    with database.reading() as db:
        return head_in(db)


def head_in(db: orm.Session) -> str:
    """Return the head of the log in a transaction; see `head`."""
    end = db.connection().execute(_LAST).one_or_none()
    return f"{end.seq}:{end.hash}" if end else f"0:{_HASH_BEFORE_FIRST_ROW}"


def _read_head(text: str) -> tuple[int, str]:
    match = _HEAD.fullmatch(text.strip().lower())
    if match is None or (match["seq"] == "0") != (match["hash"] == _HASH_BEFORE_FIRST_ROW):
        raise MaintenanceError(
            f"{text!r} is not the head of a log.", "Pass what `workbench log head` printed, for example 12:9f86d081..."
        )
    return int(match["seq"]), match["hash"]


def length(database: Database) -> int:
    """Return how many rows the log has, without reading them."""
    with database.reading() as db:
        return db.scalar(sa.select(_END.c.seq)) or 0


def entries(
    database: Database,
    *,
    subject: str | None = None,
    who: str | None = None,
    action: str | None = None,
    without: str | None = None,
    text: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> pd.DataFrame:
    """Return the rows of the log, newest first.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    subject, who, action : str, optional
        Only rows with this value; a subject without number, as `order`, takes all of its kind.
    without : str, optional
        Only rows with another action.
    text : str, optional
        Part of the subject, action, person or details, in any case.
    since, until : datetime, optional
        Aware; since is inclusive, until is not.
    limit, offset : int, optional
        Most rows, all where omitted; and how many of the newest to leave out.

    Returns
    -------
    pandas.DataFrame
        seq, time, subject, action, who, details (JSON), hash.
    """
    columns = (_LOG.c.seq, _LOG.c.time, _LOG.c.subject, _LOG.c.action, _LOG.c.who, _LOG.c.details, _LOG.c.hash)
    dialect = database.engine.dialect.name
    statement = _filtered(
        sa.select(*columns),
        dialect,
        subject=subject,
        who=who,
        action=action,
        without=without,
        text=text,
        since=since,
        until=until,
    )
    with database.reading() as db:
        return frame(db, statement.order_by(_LOG.c.seq.desc()).limit(row_limit(limit)).offset(offset or None))


def count(database: Database, **filters: Any) -> int:
    """Return how many rows `entries` would return with the same filters and no limit."""
    if not any(value is not None for value in filters.values()):
        return length(database)
    statement = _filtered(sa.select(sa.func.count()).select_from(_LOG), database.engine.dialect.name, **filters)
    with database.reading() as db:
        return int(db.scalar(statement) or 0)


def people(database: Database) -> tuple[str, ...]:
    """Return the names of all people and programs in the log, sorted."""
    with database.reading() as db:
        return tuple(db.scalars(sa.select(_LOG.c.who).distinct().order_by(_LOG.c.who)))


def _filtered(
    statement: sa.Select[Any],
    dialect: str,
    *,
    subject: str | None = None,
    who: str | None = None,
    action: str | None = None,
    without: str | None = None,
    text: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> sa.Select[Any]:
    if subject is not None:
        exact = ":" in subject
        statement = statement.where(_LOG.c.subject == subject if exact else _LOG.c.subject.startswith(f"{subject}:"))
    for column, value in ((_LOG.c.who, who), (_LOG.c.action, action)):
        if value is not None:
            statement = statement.where(column == value)
    if without is not None:
        statement = statement.where(_LOG.c.action != without)
    if text:
        statement = statement.where(_holds(text, dialect))
    if since is not None:
        statement = statement.where(_LOG.c.time >= since)
    if until is not None:
        statement = statement.where(_LOG.c.time < until)
    return statement


def _holds(text: str, dialect: str) -> sa.ColumnElement[bool]:
    """Return a search for a text in any case; SQLite's LIKE ignores case, `ilike` would call `lower` on every row."""
    pattern = "%" + text.translate({ord(sign): f"/{sign}" for sign in "/%_"}) + "%"
    columns = (_LOG.c.subject, _LOG.c.action, _LOG.c.who, _LOG.c.details)
    like = [one.like if dialect == "sqlite" else one.ilike for one in columns]
    return sa.or_(*(match(pattern, escape="/") for match in like))


def check_version(db: orm.Session, subject: str, current_version: int, seen_version: int | None) -> None:
    """Raise an error where somebody wants to change a row and has seen another version of it.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Session of a reading or writing transaction.
    subject : str
        Name in the log, for example `alert:12`.
    current_version : int
        Version in the database.
    seen_version : int or None
        Version that the user saw; None changes any version.

    Raises
    ------
    ConflictError
        The versions differ; the message says who changed the row and when.
    """
    if seen_version is None or seen_version == current_version:
        return
    last = db.execute(
        sa.select(_LOG.c.who, _LOG.c.time, _LOG.c.action).where(_LOG.c.subject == subject).order_by(_LOG.c.seq.desc())
    ).first()
    kind, _, number = subject.partition(":")
    by = f": {last.action} by {last.who} at {last.time:%Y-%m-%d %H:%M:%S} UTC" if last else ""
    raise ConflictError(
        f"{kind.capitalize()} {number} was changed in between (version {current_version}, you saw {seen_version}){by}.",
        "Load it again, then repeat your change.",
    )


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written to the log")


def _hash(row: Mapping[Any, Any]) -> str:
    """Return the SHA-256 of a row's values and the hash before it, as a JSON list."""
    values = [row["seq"], row["time"].isoformat(), *(row[key] for key in ("subject", "action", "who", "details"))]
    changes = [row["changes"]] if row["changes"] else []  # rows of earlier releases have none
    text = json.dumps([*values, row["previous"], *changes], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
