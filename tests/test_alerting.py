"""From a scored fleet to alerts and work orders, with the real session."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

import workbench as wb
from workbench.exceptions import MaintenanceError
from workbench.telemetry.archive import Archive

CATALOG = """
assets: {XAVER: {name: Xaver, kind: satellite, criticality: 5, subsystems: {X: Power}}}
channels: {X-2: {asset: XAVER, subsystem: X, units: V, limits: {warning_high: 0.55}}}
"""


@pytest.fixture
def session(tiny_archive: Archive) -> Iterator[wb.Session]:
    home = tiny_archive.path.parent
    (home / "catalog.yaml").write_text(CATALOG)
    opened = wb.open(home=home, catalog=home / "catalog.yaml")
    opened.train()
    opened.score_all()
    yield opened
    opened.close()


def test_anomalies_and_limits_raise_alerts_and_open_orders_once(session):
    outcome = session.raise_alerts()
    desk = session.maintenance
    alerts = desk.alerts.list(state=None, order="channel")
    assert alerts["kind"].value_counts().to_dict()["model"] == 1
    assert set(alerts.loc[alerts["kind"] == "limit", "channel"]) == {"X-2"}
    spike = alerts[alerts["kind"] == "model"].iloc[0]
    (anomaly,) = session.anomalies("X-1").to_dict(orient="records")
    assert (spike["start_sample"], spike["level"]) == (anomaly["start"], anomaly["level"])
    assert "X-1 left its forecast at sample 2,000" in spike["message"]
    assert len(outcome.opened) == len(desk.orders.list())
    (order,) = desk.orders.list(channel="X-1").to_dict(orient="records")
    assert order["title"] == "Inspect X-1 on XAVER"
    assert "criticality 5" in str(desk.orders.get(order["number"]).priority)
    again = session.raise_alerts()
    assert (again.raised.raised, again.opened, again.raised.known) == ((), (), len(alerts))
    assert str(again).startswith("0 alerts raised")
    assert desk.verify_log().ok


def test_an_edited_row_of_the_log_is_named(session):
    session.raise_alerts()
    path = session.settings.home / "maintenance.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE log SET who = 'nobody' WHERE seq = 2")
    found = session.maintenance.verify_log()
    assert (found.ok, found.broken) == (False, 2)
    assert str(found) == "Row 2 of the log is not as it was written: its content does not match its hash."


def test_limits_can_be_left_to_others(session):
    quiet = wb.open(
        home=session.settings.home, catalog=session.settings.catalog, alerts={"limit_alarms": False, "on_delay": 500}
    )
    outcome = quiet.raise_alerts()
    assert outcome.raised.raised == ()
    assert outcome.raised.ignored == 1


def test_a_database_that_is_none_is_named(tiny_archive):
    opened = wb.open(home=tiny_archive.path.parent, database_url="mysql://x/y")
    with pytest.raises(MaintenanceError, match="is not the URL of a maintenance database"):
        opened.maintenance.alerts.list()
    (tiny_archive.path.parent / "maintenance.db").write_text("no database at all" * 100)
    with pytest.raises(MaintenanceError, match="is not an SQLite database"):
        wb.open(home=tiny_archive.path.parent).maintenance.alerts.list()
