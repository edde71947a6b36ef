import importlib
import pkgutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event

import workbench.maintenance
from tests.maintenance.conftest import START, downgrade
from workbench.exceptions import ConflictError, MaintenanceError
from workbench.maintenance import database as database_module
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.outages import Outages
from workbench.maintenance.alerts.table import AlertRow, OutageRow
from workbench.maintenance.database import Base, Database, UtcDateTime, frame, microseconds
from workbench.maintenance.desk import Maintenance

_NEW_FAILURE_COLUMNS = ("kind", "derived", "mechanism", "detection", "component")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "maintenance.db"


@pytest.fixture
def embedded(file, clock):
    opened = Database(f"sqlite:///{file}", clock, patience=0.05)
    yield opened
    opened.close()


def test_the_migrations_make_the_tables_of_the_code(database):
    for module in pkgutil.walk_packages(workbench.maintenance.__path__, "workbench.maintenance."):
        if ".migrations." not in module.name:
            importlib.import_module(module.name)
    with database.reading():
        pass
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []


def test_a_change_is_there_with_its_row_in_the_log_or_not_at_all(database, finding):
    alerts = Alerts(database)
    with pytest.raises(ZeroDivisionError), database.writing() as db:
        log.append(db, "alert:1", "raised", "Ann")
        db.flush()
        raise ZeroDivisionError
    assert log.verify(database).entries == 0
    alerts.raise_findings([], [finding()])
    assert log.verify(database).entries == 1


def test_its_size_is_told(database):
    with database.reading():
        pass
    assert database.size() > 50_000  # its tables, empty


def test_one_that_is_not_there_takes_nothing(embedded):
    assert embedded.size() == 0


def test_reading_cannot_write(database):
    with pytest.raises(MaintenanceError), database.reading() as db:
        db.execute(sa.text("DELETE FROM alerts"))


def test_reading_sees_one_state(database, finding):
    alerts = Alerts(database)
    alerts.raise_findings([], [finding()])
    count = sa.select(sa.func.count()).select_from(AlertRow)
    with database.reading() as db:
        assert db.scalar(count) == 1
        alerts.raise_findings([], [finding(channel="P-2")])
        assert db.scalar(count) == 1
    with database.reading() as db:
        assert db.scalar(count) == 2


def test_a_row_that_changed_underneath_is_a_conflict(database, finding):
    Alerts(database).raise_findings([], [finding()])
    with pytest.raises(ConflictError, match="Somebody else changed the same row"), database.writing() as db:
        row = db.get(AlertRow, 1)
        db.execute(sa.text("UPDATE alerts SET version = 7"))
        row.comment = "mine"


def test_writers_at_once_lose_nothing(url, clock, finding):
    alerts = [Alerts(Database(url, clock, patience=60)) for _ in range(4)]

    def remark(number):
        for i in range(5):
            alerts[number].comment(1, f"W-{number}", f"{i} of {number}")

    with ThreadPoolExecutor(4) as pool:  # the first to come makes the database
        raised = list(pool.map(lambda one: one.raise_findings([], [finding()]).raised, alerts))
        assert sorted(raised) == [(), (), (), (1,)]
        list(pool.map(remark, range(4)))
    assert alerts[0].get(1).version == 21
    assert log.verify(alerts[0].database).entries == 21
    for one in alerts:
        one.database.close()


@pytest.mark.parametrize("url", ["", "maintenance.db", "mysql://host/x", "sqlite://", "postgresql+asyncpg://h/x"])
def test_a_url_that_cannot_be_used_is_refused(url, clock):
    with pytest.raises(MaintenanceError, match=r"is not the URL of a maintenance database\. Use sqlite:////"):
        Database(url, clock)


def test_a_server_that_does_not_answer(tmp_path, clock):
    database = Database(f"postgresql+psycopg://ann:secret@/x?host={tmp_path}", clock)
    with pytest.raises(MaintenanceError, match="cannot be reached") as caught:
        Alerts(database).list()
    assert "secret" not in str(caught.value)


def test_a_writer_that_was_lost_in_the_middle_keeps_nobody_out(fresh_postgres, clock, finding, monkeypatch):
    """As one whose machine lost its power: its connection stays open, and nothing comes over it."""
    monkeypatch.setattr(database_module, "_IDLE_SECONDS", 1)
    with closing(Database(fresh_postgres, clock)) as database, closing(Database(fresh_postgres, clock)) as other:
        message = "ended a change of which it heard nothing for too long. Nothing was changed. Try again."
        with pytest.raises(MaintenanceError, match=message), database.writing() as db:
            db.execute(sa.text("DELETE FROM log_end"))
            raised = Alerts(other).raise_findings([], [finding()]).raised
        assert (*raised, *Alerts(database).raise_findings([], [finding(channel="P-2")]).raised) == (1, 2)
        assert log.verify(other).ok


def test_a_locked_database(embedded, file, finding):
    alerts = Alerts(embedded)
    alerts.raise_findings([], [finding()])
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(MaintenanceError, match=r"is locked by another program\. Try again"):
        alerts.acknowledge(1, "Ann")
    assert alerts.get(1).state == "unacknowledged"  # readers wait for nobody
    other.close()
    assert alerts.acknowledge(1, "Ann").version == 2


def test_a_full_disk_changes_nothing(embedded, finding):
    alerts = Alerts(embedded)
    alerts.raise_findings([], [finding()])
    embedded.close()
    event.listen(embedded.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
    with pytest.raises(MaintenanceError, match="the disk is full"):
        alerts.raise_findings([], [finding(start_sample=i, end_sample=i + 9) for i in range(1000, 9000, 10)])
    assert alerts.list()["id"].tolist() == [1]
    assert log.verify(embedded).ok


@pytest.mark.parametrize(
    ("bytes_", "message"), [(b"not a database, but text" * 99, "is not an SQLite database"), (None, "is damaged")]
)
def test_a_damaged_file(embedded, file, finding, bytes_, message):
    alerts = Alerts(embedded)
    alerts.raise_findings([], [finding(start_sample=i, end_sample=i + 9) for i in range(0, 1000, 10)])
    embedded.close()
    file.with_name("maintenance.db-wal").unlink(missing_ok=True)
    content = file.read_bytes()
    file.write_bytes(bytes_ or content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(MaintenanceError, match=message):
        Alerts(Database(f"sqlite:///{file}", embedded.clock)).list(state=None)


def test_a_time_out_of_range_in_a_row_is_damage_and_an_overflow_of_a_change_is_not(embedded, finding):
    alerts = Alerts(embedded)
    alerts.raise_findings([], [finding()])
    with pytest.raises(OverflowError), embedded.writing():
        datetime.max + timedelta(days=1)
    with embedded.writing() as db:
        db.execute(sa.text("UPDATE alerts SET raised_at = 9223372036854775807"))
    with pytest.raises(MaintenanceError, match="is damaged"):
        alerts.get(1)


def test_ends_of_outages_of_earlier_releases_are_set_right(database, url, clock):
    outages = Outages(database)
    outages.start("SMAP", "Ann", "test", until=clock.now + timedelta(hours=1))
    outages.start("MSL", "Ann", "test")
    hour = clock.now + timedelta(hours=1)
    for asset in ("SMAP", "MSL"):
        outages.end(asset, "Ann")
    with database.writing() as db:
        db.execute(sa.update(OutageRow).values(ended_at=hour + timedelta(hours=11)))
    downgrade(database, "0004")
    later = Database(url, clock)
    ends = Outages(later).list().set_index("asset")["ended_at"]
    later.close()
    assert (ends["SMAP"], ends["MSL"]) == (hour, hour + timedelta(hours=11))


def test_alerts_of_earlier_releases_come_into_cases(file, clock):
    """Revision 0005: Pressure and ten minutes later Current, Flow later; force twice and speed, without dates."""
    dump = (Path(__file__).parent / "fixtures" / "maintenance-0005.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(dump)
    with Maintenance(f"sqlite:///{file}", clock) as desk:
        table = desk.alerts.list(state=None).set_index("id").sort_index()
        assert list(zip(table["channel"], table["case_id"], strict=True)) == [
            ("Pressure", 1),
            ("Flow", 2),
            ("Current", 1),
            ("force", 3),
            ("force", 3),
            ("speed", 4),
        ]
        assert desk.cases.list(state=None)["alerts"].sum() == 6
        assert sorted(desk.orders.list(state=None)["number"]) == ["WO-1", "WO-2", "WO-3"]
        assert (desk.verify_log().ok, desk.alerts.get(2).verdict) == (True, "false alarm")
        outcome = desk.orders.by_rule("workbench")
        assert outcome == {"opened": (), "extended": ("WO-1",)}
        assert desk.orders.get("WO-1").alerts == (1, 3), "Current, of level medium, joins the order of its case"


def test_a_database_of_a_newer_workbench_is_left_alone(database, url, clock):
    with database.writing() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    newer = Database(url, clock)
    with pytest.raises(MaintenanceError, match=r"newer workbench \(revision 9999"):
        Alerts(newer).list()
    newer.close()


def test_a_folder_that_cannot_be_made(tmp_path, clock):
    (tmp_path / "file").touch()
    with pytest.raises(MaintenanceError, match="cannot be made"):
        Alerts(Database(f"sqlite:///{tmp_path / 'file' / 'maintenance.db'}", clock)).list()


def test_times_keep_their_microsecond_and_become_utc(database):
    east = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    both = [sa.literal(east, UtcDateTime).label("a"), sa.literal(None, UtcDateTime).label("b")]
    with database.reading() as db:
        assert db.execute(sa.select(*both)).one() == (east, None)
        table = frame(db, sa.select(*both))
        nothing = frame(db, sa.select(*both).where(sa.false()))
    assert table["a"][0] == east
    assert table["b"].isna().all()
    assert table.dtypes.astype(str).tolist() == nothing.dtypes.astype(str).tolist() == ["datetime64[us, UTC]"] * 2
    with pytest.raises(MaintenanceError, match="no time zone"):
        microseconds(START.replace(tzinfo=None))
    assert microseconds(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000
