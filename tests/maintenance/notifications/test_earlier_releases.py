"""Notifications of earlier releases move into the outbox: what waited is sent, and nothing is told again."""

import sqlite3
from contextlib import closing
from pathlib import Path

from workbench.maintenance.database import microseconds
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.options import NotificationOptions

DUMP = Path(__file__).parents[1] / "fixtures" / "maintenance-0005.sql"
STATES = "'unacknowledged', 'returned', 'latched'"
INSERT = (
    "INSERT INTO notifications (alert_id, target, channel, kind, due_at, sent_at, attempts, error)"
    " VALUES (?, 'ops', 'force', 'model', ?, ?, 1, '')"
)


def test_what_waited_is_sent_and_the_rest_of_the_history_is_not(tmp_path, clock, web):
    """Of revision 0005: six alerts, of which one waits for its message and another one has been told."""
    file = tmp_path / "maintenance.db"
    present = microseconds(clock.now)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
        waiting = [row[0] for row in connection.execute(f"SELECT id FROM alerts WHERE state IN ({STATES})")]
        told, *_ = [row[0] for row in connection.execute("SELECT id FROM alerts") if row[0] not in waiting]
        connection.executemany(INSERT, [(waiting[0], present, None), (told, present, present)])
    options = NotificationOptions(targets={"ops": {"url": web.url, "least_level": "info"}})
    with Maintenance(f"sqlite:///{file}", clock, notifications=options) as desk:
        assert desk.notifier.tick().sent == (("ops", 1),)
        assert sorted(desk.notifier.list()["state"]) == ["sent", "sent"]
    (body,) = web.bodies
    assert f"(alert {waiting[0]})" in body["message"]
