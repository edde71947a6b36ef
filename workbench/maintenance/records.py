"""The tables of maintenance as they are, as they were at any time by the log, and where both differ.

The log holds every change of the tables that it vouches for (`changes`): applied one after the other up to a time, the
changes give what the tables held then. Applied up to the end they must give what the tables hold now. What they gave
last is kept, so that a later time reads only what came since.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.engine.default import DefaultDialect

from workbench.counts import counted
from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.access_links import AccessLinkRow
from workbench.maintenance.alerts.table import ANNUNCIATIONS, AlertRow, OutageRow
from workbench.maintenance.changes import Key, recorded_columns
from workbench.maintenance.database import Database, UtcDateTime, frame, microseconds, table_of
from workbench.maintenance.orders.requests import RequestRow
from workbench.maintenance.orders.table import (
    FrozenSlotRow,
    MeterRow,
    MissedDatesRow,
    OrderAlertRow,
    OrderLabourRow,
    OrderPartRow,
    OrderRow,
    PartRow,
    PreventiveRow,
    PurchaseRow,
    TechnicianRow,
    number_of,
)
from workbench.maintenance.register.table import AssetRow
from workbench.parameters import LEVELS

__all__ = ["RECORDED_TABLES", "Tables", "past_tables", "present_tables", "verify"]

RECORDED_TABLES: tuple[type[Any], ...] = (
    AlertRow,
    OrderRow,
    OrderAlertRow,
    OrderPartRow,
    OrderLabourRow,
    OutageRow,
    PartRow,
    PurchaseRow,
    TechnicianRow,
    PreventiveRow,
    MissedDatesRow,
    MeterRow,
    FrozenSlotRow,
    AssetRow,
    RequestRow,
    AccessLinkRow,
)
"""Tables that the log vouches for, with every column but those that each names as `unrecorded`."""

_DIALECT = DefaultDialect()
_MAX_LISTED = 20
_LAST_ROW = 2**63 - 1
_MAX_KEPT = 3  # overview and figures of one viewer ask for different times
_Rows = dict[str, dict[Key, dict[str, Any]]]


class Tables(Protocol):
    """The tables of maintenance at one time."""

    def frame(self, table: type[Any]) -> pd.DataFrame:
        """Return a recorded table with its key and its recorded columns; times are datetime64[us, UTC]."""

    def failure_alerts(self) -> pd.DataFrame:
        """Return the alerts with the verdict true or an order, a row for each order.

        id, asset, verdict, start_time, raised_at, case_id, order_id (missing where there is none).
        """

    def standing_alerts(self, raised_until: datetime) -> int:
        """Return how many alerts are shown and active that were raised up to a time."""

    @property
    def as_of(self) -> datetime:
        """Time of which they tell, aware."""


_ACTIVE_STATES = ("unacknowledged", "acknowledged", "latched", "latched_acknowledged")
_ALERT_COLUMNS = ("asset", "verdict", "start_time", "raised_at", "case_id")
_KEPT_ALERT_COLUMNS = (*_ALERT_COLUMNS, "state")  # there are many alerts, and figures ask for no more


@dataclass(frozen=True)
class _Replay:
    """What the tables held after a row of the log, of alerts what figures ask for; nothing in it is ever changed."""

    seq: int
    hash: str
    rows: _Rows


_KEPT: WeakKeyDictionary[Database, tuple[_Replay, ...]] = WeakKeyDictionary()


class _PresentTables:
    """The tables as they are."""

    def __init__(self, database: Database, as_of: datetime) -> None:
        self._database = database
        self._frames: dict[type[Any], pd.DataFrame] = {}
        self.as_of = as_of

    def frame(self, table: type[Any]) -> pd.DataFrame:
        if table not in self._frames:
            columns = [table.__table__.columns[name] for name in _columns(table)]
            with self._database.reading() as db:
                ordered = sa.select(*columns).order_by(*table.__table__.primary_key.columns)
                self._frames[table] = frame(db, ordered)
        return self._frames[table].copy()

    def failure_alerts(self) -> pd.DataFrame:
        alerts, links = AlertRow.__table__, OrderAlertRow.__table__.c
        columns = [alerts.c[name] for name in ("id", *_ALERT_COLUMNS)]
        with self._database.reading() as db:
            return frame(
                db,
                sa.select(*columns, links.order_id)
                .join_from(alerts, OrderAlertRow.__table__, alerts.c.id == links.alert_id, isouter=True)
                .where(sa.or_(alerts.c.verdict == "true", links.order_id.is_not(None))),
            )

    def standing_alerts(self, raised_until: datetime) -> int:
        alerts = AlertRow.__table__.c
        old = alerts.raised_at <= raised_until
        with self._database.reading() as db:
            return int(db.scalar(sa.select(sa.func.count()).where(alerts.state.in_(_ACTIVE_STATES), old)) or 0)


class _PastTables:
    """The tables as they were at a time, by the log."""

    def __init__(self, database: Database, replay: _Replay, as_of: datetime) -> None:
        self._database = database
        self._seq = replay.seq
        self._rows = replay.rows
        self.as_of = as_of

    def frame(self, table: type[Any]) -> pd.DataFrame:
        rows = self._rows
        if table is AlertRow:
            with self._database.reading() as db:
                rows = _replayed(_logged_changes(db, last=self._seq))
        return _past_frame(table, rows.get(table.__tablename__, {}), _columns(table))

    def failure_alerts(self) -> pd.DataFrame:
        links = self.frame(OrderAlertRow)
        alerts = self._rows.get(AlertRow.__tablename__, {})
        linked = {(alert,) for alert in links["alert_id"]}
        wanted = {key: row for key, row in alerts.items() if row.get("verdict") == "true" or key in linked}
        table = _past_frame(AlertRow, wanted, ("id", *_ALERT_COLUMNS))
        orders = links.rename(columns={"alert_id": "id"}).astype("int64")
        return table.astype({"id": "int64"}).merge(orders, on="id", how="left")

    def standing_alerts(self, raised_until: datetime) -> int:
        last = microseconds(raised_until)
        alerts = self._rows.get(AlertRow.__tablename__, {}).values()
        return sum(one["state"] in _ACTIVE_STATES and one["raised_at"] <= last for one in alerts)


def present_tables(database: Database) -> Tables:
    """Return the tables as they are."""
    return _PresentTables(database, database.clock())


def past_tables(database: Database, as_of: datetime, *, earliest: bool = False) -> Tables:
    """Return the tables as they were at a time, by the log; as they are, where nothing has happened since.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    as_of : datetime
        Time, aware; what happened at this very time is in the tables.
    earliest : bool
        Whether to take the earliest tables that the log holds where it does not reach back to `as_of`.

    Returns
    -------
    Tables

    Raises
    ------
    MaintenanceError
        The log does not hold the tables of that time: a release that did not write them into it was in use.
    """
    with database.reading() as db:
        began = db.scalar(sa.select(sa.func.max(log.LogRow.time)).where(log.LogRow.action == "migrated"))
        if began is not None and as_of < began:
            if not earliest:
                raise MaintenanceError(
                    f"The log does not hold what maintenance was like at {as_of:%Y-%m-%d %H:%M} UTC.",
                    f"It does from {began:%Y-%m-%d %H:%M} UTC on, when this home was brought up to this release.",
                )
            as_of = began
        row = log.LogRow
        ticks = sa.type_coerce(row.time, sa.BigInteger)
        before = sa.select(row.seq, row.hash).where(ticks <= microseconds(as_of)).order_by(row.seq.desc()).limit(1)
        last = db.execute(before).one_or_none()
        seq, hash_ = last or (0, "")
        if seq == (db.scalar(sa.select(log.LogEnd.seq)) or 0):
            return _PresentTables(database, as_of)
        return _PastTables(database, _kept_replay(database, db, seq, hash_), as_of)


def verify(database: Database, since: str | None = None) -> log.Verification:
    """Verify the log, and compare the tables with what it says they should be.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    since : str, optional
        Head of the log that was kept elsewhere; see `log.verify`.

    Returns
    -------
    Verification
    """
    verification = log.verify(database, since)
    if not verification.ok:
        return verification
    with database.reading() as db:
        differences = list(_differences(db))
    if len(differences) > _MAX_LISTED:
        others = f"There {'is' if len(differences) == _MAX_LISTED + 1 else 'are'} "
        others += f"{counted(len(differences) - _MAX_LISTED, 'other difference')}."
        differences = [*differences[:_MAX_LISTED], others]
    return replace(verification, ok=not differences, differences=tuple(differences))


def _differences(db: orm.Session) -> Iterator[str]:
    """Yield a sentence for each row and column that is not as the log says."""
    expected = _replayed(_logged_changes(db))
    for table in RECORDED_TABLES:
        shape = table.__table__
        rows, columns = expected.get(table.__tablename__, {}), recorded_columns(table)
        keys = [column.name for column in shape.primary_key.columns]
        found: set[Key] = set()
        raw = [_raw(shape.columns[name]) for name in (*keys, *columns)]
        for stored in db.execute(sa.select(*raw).order_by(*shape.primary_key.columns)).mappings():
            key = tuple(_plain(stored[name]) for name in keys)
            found.add(key)
            row = rows.get(key)
            if row is None:
                yield f"{_row_name(table, key)} is in its table, and the log knows nothing of it."
                continue
            for name in columns:
                if name in row and _text(stored[name]) != _text(row[name]):
                    is_now, was = (_shown(shape.columns[name], one) for one in (stored[name], row[name]))
                    yield f"{_row_name(table, key)} has {name.replace('_', ' ')} {is_now}; by the log it is {was}."
        for key in sorted(rows.keys() - found):
            yield f"{_row_name(table, key)} is missing in its table; by the log it exists."
    yield from _annunciation_differences(db)


def _annunciation_differences(db: orm.Session) -> Iterator[str]:
    """Yield a sentence for each time at which an alert was shown anew that only the log or only the table has."""
    since = db.scalar(sa.select(sa.func.max(log.LogRow.time)).where(log.LogRow.action == "migrated"))
    first = 0 if since is None else microseconds(since) + 1
    expected: set[tuple[Any, ...]] = set()
    for changes in _logged_changes(db):
        for table, key, values in changes:
            tick = (values or {}).get("annunciated_at")
            if table == AlertRow.__tablename__ and tick is not None and tick >= first:
                expected.add((key[0], tick))
    shown = ANNUNCIATIONS.c
    ticks = sa.type_coerce(shown.time, sa.BigInteger)
    stored = {tuple(row) for row in db.execute(sa.select(shown.alert, ticks).where(ticks + 0 >= first))}
    for alert, tick in sorted(stored ^ expected):
        when = _shown(ANNUNCIATIONS.c.time, tick)
        if (alert, tick) in stored:
            yield f"Alert {alert} was shown anew at {when}, and the log knows nothing of it."
        else:
            yield f"Alert {alert} was shown anew at {when} by the log, and its table does not say so."


def _columns(table: type[Any]) -> tuple[str, ...]:
    return (*(column.name for column in table.__table__.primary_key.columns), *recorded_columns(table))


def _past_frame(table: type[Any], rows: Mapping[Key, Mapping[str, Any]], names: tuple[str, ...]) -> pd.DataFrame:
    columns = [table.__table__.columns[name] for name in names]
    keys = [column.name for column in table.__table__.primary_key.columns]
    times = [isinstance(column.type, UtcDateTime) for column in columns]
    records = []
    for key, row in sorted(rows.items()):
        values = {**row, **dict(zip(keys, key, strict=True))}
        records.append(
            tuple(
                values.get(column.name) if is_time else _loaded(column, values.get(column.name))
                for column, is_time in zip(columns, times, strict=True)
            )
        )
    return table_of(records, names, times)


def _loaded(column: sa.Column[Any], value: Any) -> Any:
    """Return a stored value as the session returns it."""
    kind: Any = column.type
    if isinstance(kind, sa.types.TypeDecorator):
        return kind.process_result_value(value, _DIALECT)
    if value is not None and isinstance(kind, sa.Date):
        return date.fromisoformat(value)
    return bool(value) if value is not None and isinstance(kind, sa.Boolean) else value


def _kept_replay(database: Database, db: orm.Session, seq: int, hash_: str) -> _Replay:
    """Return what the tables held after a row of the log, from the nearest row before it for which that is kept."""
    kept = _KEPT.get(database, ())
    row = log.LogRow
    stored = db.execute(sa.select(row.seq, row.hash).where(row.seq.in_([one.seq for one in kept])))
    hashes = {one.seq: one.hash for one in stored}
    sound = [one for one in kept if hashes.get(one.seq) == one.hash]  # of this database, not of one put in its place
    before = max((one for one in sound if one.seq <= seq), key=lambda one: one.seq, default=_Replay(0, "", {}))
    if before.seq == seq:
        return before
    replay = _Replay(seq, hash_, _replayed(map(_kept_part, _logged_changes(db, before.seq, seq)), before.rows))
    _KEPT[database] = (*(one for one in sound if one is not before), replay)[-_MAX_KEPT:]
    return replay


def _kept_part(changes: list[Any]) -> list[Any]:
    """Return changes without the columns of alerts that figures do not ask for."""
    return [
        [table, key, {name: values[name] for name in _KEPT_ALERT_COLUMNS if name in values}]
        if table == AlertRow.__tablename__ and values is not None
        else [table, key, values]
        for table, key, values in changes
    ]


def _replayed(logged: Iterable[list[Any]], before: _Rows | None = None) -> _Rows:
    """Return what the tables hold after some changes, by table and key; what they held before stays as it is."""
    tables = {table: dict(rows) for table, rows in (before or {}).items()}
    for changes in logged:
        for table, key, values in changes:
            rows = tables.setdefault(table, {})
            if values is None:
                rows.pop(tuple(key), None)
            else:
                rows[tuple(key)] = {**rows.get(tuple(key), {}), **values}
    return tables


def _logged_changes(db: orm.Session, first: int = 0, last: int = _LAST_ROW) -> Iterator[list[Any]]:
    """Yield the changes of each row of the log that has some, after one row and up to another."""
    row = log.LogRow
    statement = sa.select(row.changes).where(row.changes != "", row.seq > first, row.seq <= last)
    for text in db.scalars(statement.order_by(row.seq).execution_options(yield_per=2000)):
        changes: list[Any] = json.loads(text)
        yield changes


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return a column whose values are read as they are stored, even where somebody has put nonsense into it."""
    kind: Any = column.type
    raw = sa.type_coerce(column, kind.impl) if isinstance(kind, sa.types.TypeDecorator) else column
    return raw.label(column.name)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _row_name(table: type[Any], key: Key) -> str:
    """Return what people call a row of a table."""
    if table is OrderRow:
        return number_of(key[0])
    if table is OrderAlertRow:
        return f"The link of {number_of(key[0])} with alert {key[1]}"
    if table is OrderPartRow:
        return f"Part {key[1]} of {number_of(key[0])}"
    if table is OrderLabourRow:
        return f"Hours of {key[1]} on {number_of(key[0])}"
    if table is MissedDatesRow and isinstance(key[1], int):
        when = UtcDateTime().process_result_value(key[1], _DIALECT)
        return f"Missed dates of preventive plan {key[0]}, {when:%Y-%m-%d}"
    words = {
        AlertRow: "Alert",
        OutageRow: "Outage",
        PartRow: "Part",
        PurchaseRow: "Purchase request",
        TechnicianRow: "Technician",
        PreventiveRow: "Preventive plan",
        MissedDatesRow: "Missed dates of preventive plan",
        MeterRow: "Meter",
        FrozenSlotRow: "Frozen slot",
        AssetRow: "Asset",
        RequestRow: "Request",
        AccessLinkRow: "Link",
    }
    return f"{words[table]} {' '.join(str(one) for one in key)}"


def _shown(column: sa.Column[Any], value: Any) -> str:
    """Return a stored value in words, for a message."""
    if value is None:
        return "none"
    if isinstance(column.type, UtcDateTime):
        return f"{UtcDateTime().process_result_value(value, _DIALECT):%Y-%m-%d %H:%M:%S} UTC"
    if column.name == "level":
        return LEVELS[value] if isinstance(value, int) and 0 <= value < len(LEVELS) else repr(value)
    return repr(value) if isinstance(value, str) else str(value)


def _text(value: Any) -> str:
    """Return a value so that equal ones are equal texts, whatever the database returns: 1 and true, 2 and 2.0."""
    if isinstance(value, bool | int | float):
        return repr(float(value))
    return json.dumps(_plain(value))
