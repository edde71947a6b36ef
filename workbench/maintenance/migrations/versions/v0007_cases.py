"""Cases: alerts of one asset that belong together."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_GAPS = {"time": 3600 * 10**9, "sample": 60}
"""How far apart alerts of one case may lie, in nanoseconds and in samples: the defaults when cases were introduced."""

_CLOCKS = {"time": "time", "microsecond": "time", "sample": "sample", "row": "sample"}
_ALERTS = "SELECT id, asset, channel, clock, first_at, last_at, raised_at FROM alerts"


def upgrade() -> None:
    """Create the table of this revision, and bring the alerts there are into cases, the oldest alert's first."""
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("asset", sa.String(200), nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("joined_to", sa.Integer, sa.ForeignKey("cases.id")),
    )
    op.create_index("ix_cases_asset", "cases", ["asset"])
    op.create_index("ix_cases_joined_to", "cases", ["joined_to"])
    op.execute("ALTER TABLE alerts ADD COLUMN case_id INTEGER REFERENCES cases (id)")
    op.create_index("ix_alerts_case", "alerts", ["case_id"])
    connection = op.get_bind()
    cases = sorted(_cases(connection.execute(sa.text(_ALERTS)).mappings()), key=lambda case: min(_ids(case)))
    for number, case in enumerate(cases, start=1):
        values = {"id": number, "asset": case[0]["asset"], "time": min(alert["raised_at"] for alert in case)}
        connection.execute(sa.text("INSERT INTO cases (id, asset, opened_at) VALUES (:id, :asset, :time)"), values)
        members = [{"case": number, "alert": alert} for alert in _ids(case)]
        connection.execute(sa.text("UPDATE alerts SET case_id = :case WHERE id = :alert"), members)


def downgrade() -> None:
    """Drop what this revision added."""
    op.drop_index("ix_alerts_case", "alerts")
    op.drop_column("alerts", "case_id")
    op.drop_table("cases")


def _cases(alerts: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield the alerts of each case."""
    for place, members in itertools.groupby(sorted(alerts, key=_key), key=lambda alert: _key(alert)[:3]):
        reach, case = None, []
        for alert in members:
            if reach is not None and alert["first_at"] > reach + _GAPS[place[1]]:
                yield case
                reach, case = None, []
            case.append(alert)
            reach = alert["last_at"] if reach is None else max(reach, alert["last_at"])
        yield case


def _key(alert: Any) -> tuple[Any, ...]:
    """Return where an alert lies: alerts of an asset have one clock in common only where they have dates."""
    clock = _CLOCKS[alert["clock"]]
    return alert["asset"], clock, "" if clock == "time" else alert["channel"], alert["first_at"], alert["id"]


def _ids(case: list[Any]) -> list[int]:
    return [alert["id"] for alert in case]
