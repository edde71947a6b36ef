"""The log holds what the tables held: figures of the past stay what they were, and tampering is named."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from tests import naive_maintenance
from tests.maintenance.conftest import START
from tests.plant_life import BEGAN, WATCHED, Life
from workbench.exceptions import MaintenanceError
from workbench.maintenance import log, records
from workbench.maintenance.database import Database, microseconds
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.orders.table import OrderRow, PartRow
from workbench.maintenance.records import RECORDED_TABLES, past_tables, present_tables
from workbench.maintenance.windows import DEFAULT_HOURS

DAYS = timedelta(days=1)


@pytest.fixture
def desk(url, clock, finding):
    """Two alerts, one closed as true with its order; one order open; a part used; an outage."""
    with Maintenance(url, clock) as opened:
        opened.people.set("Ann", "boss", rate=50.0)
        opened.parts.set("seal", "boss", stock=5)
        opened.alerts.raise_findings([], [finding(), finding(channel="P-2", level="critical")])
        clock.forward(hours=1)
        opened.orders.from_alerts([1], "Ann", parts={"seal": 1}, checklist=[])
        opened.orders.new("Ann", asset="MSL", checklist=[])
        opened.orders.assign(1, "Ann", "boss")
        opened.orders.start(1, "Ann")
        clock.forward(hours=2)
        opened.orders.complete(1, "Ann", done="seal", hours=2, failure="functional failure", mode="ELP", verdict="true")
        opened.outages.start("MSL", "Ann", "rebuild")
        opened.outages.end("MSL", "Ann")
        yield opened


def edit(desk, *statements):
    with desk.database.writing() as db:
        for statement in statements:
            db.execute(sa.text(statement))


TAMPERING = {
    "an alert is made to look acknowledged": (
        "UPDATE alerts SET state = 'acknowledged' WHERE id = 2",
        "Alert 2 has state 'acknowledged'; by the log it is 'unacknowledged'.",
    ),
    "the level of an alert is lowered": (
        "UPDATE alerts SET level = 1 WHERE id = 2",
        "Alert 2 has level low; by the log it is critical.",
    ),
    "a verdict is turned": (
        "UPDATE alerts SET verdict = 'false alarm' WHERE id = 1",
        "Alert 1 has verdict 'false alarm'; by the log it is 'true'.",
    ),
    "an alert is removed": (
        "DELETE FROM annunciations WHERE alert = 2; DELETE FROM alerts WHERE id = 2",
        "Alert 2 is missing in its table; by the log it exists.",
    ),
    "when an alert was shown is moved": (
        "UPDATE annunciations SET time = time + 3600000000 WHERE alert = 2",
        "Alert 2 was shown anew at 2026-03-02 08:00:00 UTC by the log, and its table does not say so.",
    ),
    "an order is made to look completed": (
        "UPDATE orders SET state = 'completed' WHERE id = 2",
        "WO-2 has state 'completed'; by the log it is 'open'.",
    ),
    "a failure is talked down": (
        "UPDATE orders SET failure_kind = 'degradation' WHERE id = 1",
        "WO-1 has failure kind 'degradation'; by the log it is 'functional failure'.",
    ),
    "the due date of an order is moved": (
        "UPDATE orders SET due = 0 WHERE id = 1",
        "WO-1 has due 1970-01-01 00:00:00 UTC; by the log it is",
    ),
    "an order is removed": (
        "DELETE FROM orders WHERE id = 2",
        "WO-2 is missing in its table; by the log it exists.",
    ),
    "an order is put in": (
        "INSERT INTO meters (asset, name, value, read_at) VALUES ('MSL', 'hours', 7, 0)",
        "Meter MSL hours is in its table, and the log knows nothing of it.",
    ),
    "an order is taken from its alert": (
        "DELETE FROM order_alerts",
        "The link of WO-1 with alert 1 is missing in its table; by the log it exists.",
    ),
    "the end of an outage is moved": (
        "UPDATE outages SET ended_at = ended_at + 3600000000",
        "Outage 1 has ended at 2026-03-02 12:00:00 UTC; by the log it is 2026-03-02 11:00:00 UTC.",
    ),
    "stock is taken": (
        "UPDATE parts SET stock = 1",
        "Part seal has stock 1; by the log it is 4.",
    ),
    "the use of a part is hidden": (
        "UPDATE order_parts SET used = 0",
        "Part seal of WO-1 has used 0; by the log it is 1.",
    ),
    "nonsense is written": (
        "UPDATE alerts SET level = 77 WHERE id = 2",
        "Alert 2 has level 77; by the log it is critical.",
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tables_that_are_not_as_the_log_says_are_named(desk, what):
    statements, sentence = TAMPERING[what]
    assert desk.verify_log().ok
    edit(desk, *statements.split("; "))
    found = desk.verify_log()
    assert not found.ok
    assert sentence in str(found)
    assert len(found.differences) <= 2


def test_a_log_that_was_written_anew_is_seen_by_a_head_that_was_kept(desk, clock):
    """All rows and hashes as the program itself would have written them, but for one word."""
    head = desk.log_head()
    assert desk.verify_log(head).ok
    with desk.database.writing() as db:
        rows = [dict(row) for row in db.execute(sa.select(log.LogRow.__table__).order_by(log.LogRow.seq)).mappings()]
        db.execute(sa.delete(log.LogRow))
        previous = "0" * 64
        for row in rows:
            row["who"] = "Eve" if row["action"] == "completed" else row["who"]
            row["previous"] = previous
            previous = row["hash"] = log._hash(row)
            db.execute(sa.insert(log.LogRow.__table__), row)
        db.execute(sa.update(log.LogEnd).values(hash=previous))
    assert desk.verify_log().ok, "nobody can see it from the database alone"
    found = desk.verify_log(head)
    assert (found.ok, found.broken) == (False, int(head.partition(":")[0]))
    assert "the log was written anew" in found.reason


def test_an_end_that_was_cut_off_is_seen_by_a_head_that_was_kept(desk):
    head = desk.log_head()
    seq = int(head.partition(":")[0])
    last = desk.log(limit=2).iloc[1]
    edit(
        desk,
        f"DELETE FROM log WHERE seq = {seq}",
        f"UPDATE log_end SET seq = {seq - 1}, hash = '{last['hash']}'",
        "UPDATE outages SET ended_at = NULL",
    )
    found = desk.verify_log(head)
    assert str(found) == (
        f"Row {seq} of the log is not as it was written: it is missing, though row {seq} was kept; "
        "the end was cut off, or an older copy put back."
    )


def test_an_older_copy_is_seen_by_a_head_that_was_kept(tmp_path, clock, finding):
    file, copy = tmp_path / "maintenance.db", tmp_path / "copy.db"
    with Maintenance(f"sqlite:///{file}", clock) as desk:
        desk.alerts.raise_findings([], [finding()])
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        desk.alerts.close(1, "Ann", "true")
        head = desk.log_head()
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
    copy.rename(file)
    with Maintenance(f"sqlite:///{file}", clock) as desk:
        assert desk.verify_log().ok
        assert "an older copy put back" in desk.verify_log(head).reason
        clock.forward(hours=1)
        desk.alerts.close(1, "Eve", "false alarm")
        assert "the log was written anew" in desk.verify_log(head).reason


@pytest.mark.parametrize("text", ["", "12", "1:abc", f"0:{'a' * 64}", f"3:{'g' * 64}"])
def test_what_is_no_head_is_refused(desk, text):
    with pytest.raises(MaintenanceError, match="is not the head of a log"):
        desk.verify_log(text)


def test_what_a_savepoint_took_back_is_not_in_the_log(database, clock):
    with Maintenance(database.engine.url.render_as_string(hide_password=False), clock) as desk:
        desk.parts.set("grease", "boss", stock=1)
        desk.preventive.add("Grease", "SMAP", "boss", every_days=1, lead_days=9, parts={"grease": 1})
        with desk.database.writing() as db:
            db.delete(db.get(PartRow, "grease"))
        desk.preventive.add("Look", "SMAP", "boss", every_days=1, lead_days=9)
        assert desk.preventive.open_due("workbench") == ("WO-1",)
        assert desk.log(action="opened")["subject"].tolist() == ["order:1"]
        assert desk.verify_log().ok


@pytest.mark.slow
def test_figures_of_each_month_are_the_same_a_year_later(tmp_path):
    """Live half a year; the figures of each month are computed when it ends, and again at the end of all."""
    life = Life(f"sqlite:///{tmp_path / 'maintenance.db'}", seed=3)
    months = [BEGAN + timedelta(days=30 * number) for number in range(1, 7)]
    first = []
    with life.desk as desk:
        for end in months:
            life.until(end)
            alarms = desk.alarm_figures(end - 30 * DAYS, end)
            first.append(
                (desk.kpis(WATCHED, end - 30 * DAYS, end), desk.figures(WATCHED, end - 30 * DAYS, end), alarms)
            )
        assert desk.verify_log().ok
        life.clock.now += 365 * DAYS
        desk.preventive.open_due("workbench")
        for end, (kpis, figures, alarms) in zip(months, first, strict=True):
            period = (end - 30 * DAYS, end)
            assert desk.kpis(WATCHED, *period) == desk.kpis(WATCHED, *period, as_of=end) == kpis
            summary = vars(desk.kpi_summary(WATCHED, *period))
            assert summary.pop("operating_hours") == kpis.mtbf.operating_hours
            assert summary.items() <= vars(kpis).items()
            pd.testing.assert_frame_equal(desk.figures(WATCHED, *period), figures)
            again = desk.alarm_figures(*period)
            assert (again.announced, again.stale, again.floods) == (alarms.announced, alarms.stale, alarms.floods)
        later = desk.kpis(WATCHED, months[0] - 30 * DAYS, months[0], as_of=months[-1])
        assert later != first[0][0], "what was recorded after a month changes what is said of it then"
        with pytest.raises(MaintenanceError, match="has not come yet"):
            desk.kpis(WATCHED, as_of=life.clock.now + DAYS)


@pytest.mark.slow
def test_figures_are_those_of_their_definitions(tmp_path):
    """Every figure of random histories, counted from the rows of the log by their definitions."""
    watched = [
        (row.asset, *(microseconds(time.to_pydatetime()) for time in (row.start, row.end)))
        for row in WATCHED.itertuples()
    ]
    raw = sa.text("SELECT seq, time, subject, action, who, details, changes FROM log ORDER BY seq")
    with_values = set()
    for seed in (1, 2):
        life = Life(f"sqlite:///{tmp_path / f'{seed}.db'}", seed)
        with life.desk as desk:
            for day in (30, 61, 90):
                end = BEGAN + day * DAYS
                life.until(end)
                kpis = desk.kpis(WATCHED, end - 45 * DAYS, end).to_json_dict()
                with desk.database.reading() as db:
                    rows = [dict(row) for row in db.execute(raw).mappings()]
                period = [microseconds(time) for time in (end - 45 * DAYS, end)]
                expected = naive_maintenance.kpis(rows, watched, *period, period[1], DEFAULT_HOURS)
                found = kpis | kpis["mtbf"] | {"unwatched": list(kpis["mtbf"]["unwatched"])}
                for name, value in expected.items():
                    assert found[name] == (pytest.approx(value) if isinstance(value, float) else value), (day, name)
                    with_values |= {name} if value not in (None, 0, []) else set()
    assert with_values == set(expected), "each figure had something to say"


def test_the_backlog_of_orders_that_lack_parts_is_that_of_its_definition(desk):
    """Ready: 2 h of an order that lacks nothing, and 3 h in progress; waiting: 5 h whose parts have not come."""
    desk.orders.new("Ann", asset="MSL", hours=5, parts={"seal": 50}, checklist=[])
    desk.orders.new("Ann", asset="MSL", hours=3, parts={"seal": 50}, checklist=[])
    desk.orders.assign(4, "Ann", "boss")
    desk.orders.start(4, "Ann")
    until = desk.database.clock() + timedelta(hours=1)
    kpis = desk.kpis(WATCHED, START, until)
    assert kpis.backlog_weeks == pytest.approx(kpis.waiting_weeks)  # 5 h each
    with desk.database.reading() as db:
        statement = sa.text("SELECT seq, time, subject, action, who, details, changes FROM log ORDER BY seq")
        rows = [dict(row) for row in db.execute(statement).mappings()]
    at = microseconds(until)
    expected = naive_maintenance.kpis(rows, [], microseconds(START), at, at, DEFAULT_HOURS)
    for name in ("backlog_weeks", "waiting_weeks"):
        assert getattr(kpis, name) == pytest.approx(expected[name])
    assert expected["waiting_weeks"] > 0


def test_every_table_is_as_it_was_at_its_time(tmp_path):
    life = Life(f"sqlite:///{tmp_path / 'maintenance.db'}", seed=5)
    with life.desk as desk:
        life.until(BEGAN + 40 * DAYS)
        present = {table: present_tables(desk.database).frame(table) for table in RECORDED_TABLES}
        at = life.clock.now
        life.until(BEGAN + 80 * DAYS)
        past = past_tables(desk.database, at)
        for table, frame in present.items():
            pd.testing.assert_frame_equal(past.frame(table), frame, check_dtype=False)
        assert len(present[OrderRow]) > 3


def test_figures_of_a_moving_period_read_only_what_the_log_holds_anew(desk, clock, monkeypatch):
    """At 9:00 order 1 was open, from 11:00 on it was completed; between both the log has its rows, and read once."""
    read = []
    logged = records._logged_changes
    monkeypatch.setattr(records, "_logged_changes", lambda *given: (read.append(1) or one for one in logged(*given)))
    clock.forward(hours=1)
    desk.orders.new("Ann", asset="MSL", checklist=[])  # after every time that is asked for

    def open_at(hours):
        return past_tables(desk.database, START + timedelta(hours=hours)).frame(OrderRow)["state"].tolist()

    with desk.database.reading() as db:
        written = list(db.execute(sa.select(log.LogRow.time).where(log.LogRow.changes != "").order_by(log.LogRow.seq)))
    before = sum(time <= START for (time,) in written)
    early, late = (sum(time <= START + timedelta(hours=hours) for (time,) in written) for hours in (1, 3))
    assert 0 < before < early < late < len(written)
    assert open_at(0) == []
    assert len(read) == before
    assert open_at(1) == open_at(2) == ["in progress", "open"]
    assert len(read) == early
    held = past_tables(desk.database, START + timedelta(hours=1))
    assert open_at(3) == open_at(3.5) == ["completed", "open"]
    assert len(read) == late
    assert held.frame(OrderRow)["state"].tolist() == open_at(1) == ["in progress", "open"]


def test_figures_that_end_now_are_read_from_the_tables(url, clock, monkeypatch):
    """The clock goes on while they are computed; nothing happens meanwhile."""
    with Maintenance(url, lambda: clock.forward(seconds=1)) as desk:
        desk.orders.new("Ann", asset="MSL", checklist=[])
        monkeypatch.setattr(records, "_logged_changes", None)
        assert desk.kpis(WATCHED).open_orders == 1
        assert desk.kpis(WATCHED, until=desk.database.clock()).open_orders == 1


def test_what_is_kept_of_a_log_is_not_taken_for_that_of_another(tmp_path, clock):
    """An older copy is put in place of the database, and another order is opened in it."""
    file, copy = tmp_path / "maintenance.db", tmp_path / "copy.db"
    with Maintenance(f"sqlite:///{file}", clock) as desk:
        desk.people.set("Ann", "boss")
        desk.close()
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        for title in ("right", "restored"):
            clock.forward(hours=1)
            at = clock.now
            desk.orders.new("Ann", asset="MSL", title=title, checklist=[])
            clock.forward(hours=1)
            desk.orders.new("Ann", asset="MSL", title="later", checklist=[])
            assert past_tables(desk.database, at).frame(OrderRow)["title"].tolist() == [title]
            desk.close()
            for ending in ("-wal", "-shm"):
                Path(f"{file}{ending}").unlink(missing_ok=True)
            copy.replace(file) if copy.exists() else None


def test_an_earlier_release_derived_what_failed_and_the_log_begins_with_that(tmp_path, clock):
    """Revision 0005: completed orders keep what was derived until now, marked; the log vouches from then on."""
    file = tmp_path / "maintenance.db"
    dump = (Path(__file__).parent / "fixtures" / "maintenance-0005.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(dump)
        connection.execute(
            "UPDATE orders SET state = 'completed', type = 'corrective', failure_mode = 'PDE', failure_cause = '5.5',"
            f" closed_at = {microseconds(START - DAYS)} WHERE id = 1"
        )
        connection.execute(
            "UPDATE orders SET state = 'completed', type = 'inspection', failure_mode = '', failure_cause = '5.4'"
            " WHERE id = 2"
        )
    with Maintenance(f"sqlite:///{file}", clock) as desk:
        first, second = desk.orders.get(1), desk.orders.get(2)
        assert (first.failure.kind, first.failure.cause) == ("functional failure", "5.6")
        assert "as an earlier release derived it" in first.failure_words
        assert "unknown" in first.failure_words
        assert (second.failure.kind, second.failure.cause) == ("none", "5.5")
        assert desk.verify_log().ok
        with pytest.raises(MaintenanceError, match="does from 2026-03-02 08:00 UTC on"):
            desk.kpis(WATCHED, as_of=START - DAYS)
        assert desk.kpis(WATCHED, START - 30 * DAYS, START - DAYS / 2).completed_orders == 1
        edit(desk, "UPDATE orders SET failure_kind = 'none' WHERE id = 1")
        assert "WO-1 has failure kind 'none'" in str(desk.verify_log())


def test_a_time_without_rows_has_empty_tables(tmp_path, clock):
    with Database(f"sqlite:///{tmp_path / 'maintenance.db'}", clock) as database:
        tables = past_tables(database, START)
        assert all(tables.frame(table).empty for table in RECORDED_TABLES)
        assert tables.failure_alerts().empty
