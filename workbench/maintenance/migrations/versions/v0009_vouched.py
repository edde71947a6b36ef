"""What was found at the end of an order, dates that were missed, and a log that vouches for the tables."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_NEW_COLUMNS = (
    ("failure_kind", sa.String(20)),
    ("failure_mechanism", sa.String(10)),
    ("failure_detection", sa.String(10)),
    ("failure_component", sa.String(200)),
)
_DERIVED = (
    "UPDATE orders SET failure_derived = :yes, failure_kind = CASE"
    " WHEN failure_mode = '' THEN 'none'"
    " WHEN type IN ('corrective', 'predictive', 'emergency') THEN 'functional failure'"
    " ELSE 'degradation' END WHERE state = 'completed'"
)
_CAUSES = (  # "other" and "unknown" had the numbers of another edition; the last one first
    "UPDATE orders SET failure_cause = '5.6' WHERE failure_cause = '5.5'",
    "UPDATE orders SET failure_cause = '5.5' WHERE failure_cause = '5.4'",
)
_TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # key, and columns that the log does not hold
    "technicians": (("name",), ("version",)),
    "parts": (("name",), ("version",)),
    "meters": (("asset", "name"), ()),
    "preventive": (("id",), ("version",)),
    "outages": (("id",), ("version",)),
    "alerts": (("id",), ("version", "start_sample", "end_sample", "clock", "first_at", "last_at", "group_id")),
    "orders": (("id",), ("version", "score", "priority_parts")),
    "order_alerts": (("order_id", "alert_id"), ()),
    "order_parts": (("order_id", "part"), ()),
}
_ROWS_OF_AN_ENTRY = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    """Add the columns and the table of this revision, and write what the tables hold into the log.

    What failed was derived from the type of an order and its failure mode until now: completed orders keep that, marked
    as derived. From here on the log holds what changes in the tables; what they hold now goes into it as rows of the
    action `migrated`, so that they can be compared with it.
    """
    op.add_column("log", sa.Column("changes", sa.Text, nullable=False, server_default=""))
    for name, kind in _NEW_COLUMNS:
        op.add_column("orders", sa.Column(name, kind, nullable=False, server_default=""))
    op.add_column("orders", sa.Column("failure_derived", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "missed_dates",
        sa.Column("preventive", sa.Integer, sa.ForeignKey("preventive.id"), primary_key=True),
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("every_days", sa.Double, nullable=False),
        sa.Column("dates", sa.Integer, nullable=False),
    )
    op.create_table(
        "frozen_slots",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("week", sa.Date, nullable=False),
        sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("technician", sa.String(200), sa.ForeignKey("technicians.name"), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        sa.Column("accepted_by", sa.String(200), nullable=False),
        sa.Column("released_at", sa.BigInteger),
        sa.Column("released_by", sa.String(200), nullable=False, server_default=""),
    )
    op.create_index("ix_frozen_slots_week", "frozen_slots", ["week"])
    op.create_index("ix_frozen_slots_order_id", "frozen_slots", ["order_id"])
    connection = op.get_bind()
    connection.execute(sa.text(_DERIVED), {"yes": True})
    for statement in _CAUSES:
        connection.execute(sa.text(statement))
    _write_tables(connection)


def downgrade() -> None:
    """Drop what this revision added; the rows that it wrote into the log stay."""
    op.drop_table("frozen_slots")
    op.drop_table("missed_dates")
    op.drop_column("orders", "failure_derived")
    for name, _ in reversed(_NEW_COLUMNS):
        op.drop_column("orders", name)
    op.drop_column("log", "changes")


def _write_tables(connection: sa.Connection) -> None:
    """Write what the tables hold into the log, some hundred rows of a table in one row of the log."""
    end = connection.execute(sa.text("SELECT seq, hash FROM log_end WHERE id = 1")).one_or_none()
    if end is None:
        return  # a log without rows: nothing has ever been done
    seq, previous = int(end.seq), str(end.hash)
    present: datetime = op.get_context().opts["present"]
    for table, changes in _contents(connection):
        seq += 1
        details = json.dumps({"rows": len(changes), "table": table}, sort_keys=True)
        text = json.dumps(changes, sort_keys=True, ensure_ascii=False)
        values = [seq, present.astimezone(UTC).isoformat(), "log:1", "migrated", "workbench", details, previous, text]
        hash_ = hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()
        names = ("seq", "time", "subject", "action", "who", "details", "changes", "previous", "hash")
        row = dict(zip(names, (seq, _ticks(present), *values[2:6], text, previous, hash_), strict=True))
        columns = ", ".join(names)
        marks = ", ".join(f":{name}" for name in names)
        connection.execute(sa.text(f"INSERT INTO log ({columns}) VALUES ({marks})"), row)
        previous = hash_
    connection.execute(
        sa.text("UPDATE log_end SET seq = :seq, hash = :hash WHERE id = 1"), {"seq": seq, "hash": previous}
    )


def _contents(connection: sa.Connection) -> Iterator[tuple[str, list[Any]]]:
    """Yield the contents of the tables in portions; one that is empty yields one, so that the log says so."""
    for table, (key, unrecorded) in _TABLES.items():
        shape = sa.Table(table, sa.MetaData(), autoload_with=connection)
        rows = connection.execute(sa.select(shape).order_by(*(shape.c[name] for name in key))).mappings().all()
        names = [column.name for column in shape.columns if column.name not in (*key, *unrecorded)]
        for start in range(0, max(len(rows), 1), _ROWS_OF_AN_ENTRY):
            portion = rows[start : start + _ROWS_OF_AN_ENTRY]
            yield table, [[table, [row[name] for name in key], {name: row[name] for name in names}] for row in portion]


def _ticks(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)
