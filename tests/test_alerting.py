"""From a scored fleet to alerts and work orders, with the real session."""

import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.alerting import catalog_items
from workbench.exceptions import MaintenanceError
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel

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


def test_the_register_lists_the_assets_of_this_fleet_and_those_of_a_catalog_of_its_own(session):
    """The product's catalog lists fleets that somebody else has: on this one nobody reports a problem on them."""
    catalog = session.catalog
    theirs = catalog.model_copy(update={"assets": catalog.assets | wb.open().catalog.assets})

    def names(stored_only):
        return {one.name for one in catalog_items(theirs, session.archive, stored_only=stored_only)}

    assert {"XAVER", "XAVER/X"} <= names(True) and not {"MSL", "Pump-1", "Pump-1/BRG"} & names(True)
    assert {"XAVER", "MSL", "Pump-1", "Pump-1/BRG"} <= names(False)


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
    assert order["title"] == "Inspect X-1 on Xaver"
    assert "criticality 5" in str(desk.orders.get(order["number"]).priority)
    again = session.raise_alerts()
    assert (again.raised.raised, again.opened, again.raised.found_again) == ((), (), len(alerts))
    assert str(again).startswith("0 alerts raised")
    assert desk.verify_log().ok


def opened_channels(monkeypatch):
    """Note which channels are opened."""
    names = []
    for method in ("open", "open_scores"):
        original = getattr(Archive, method)

        def noting(archive, channel, *arguments, original=original, **options):
            names.append(channel)
            return original(archive, channel, *arguments, **options)

        monkeypatch.setattr(Archive, method, noting)
    return names


def test_channels_that_have_not_changed_are_not_opened_again(session, monkeypatch):
    session.raise_alerts()
    names = opened_channels(monkeypatch)
    with wb.open(home=session.settings.home, catalog=session.settings.home / "catalog.yaml") as beside:
        again = beside.raise_alerts()
        assert names == [] and again.raised.raised == () and again.failed == ()
        (number,) = beside.maintenance.alerts.list(channel="X-1")["id"].tolist()
        beside.maintenance.alerts.close(number, "Ann", "false alarm")
        assert beside.raise_alerts().raised.found_again == again.raised.found_again, "what was closed stays closed"
        assert names == []
        beside.score("X-1", force=True)
        names.clear()
        assert beside.raise_alerts().raised.raised == ()
        assert set(names) == {"X-1"}
    (session.settings.home / "catalog.yaml").write_text(CATALOG.replace("0.55", "0.45"))
    names.clear()
    with wb.open(home=session.settings.home, catalog=session.settings.home / "catalog.yaml") as stricter:
        assert stricter.raise_alerts().raised.raised
        assert set(names) == {"X-2"}


def test_what_was_found_before_is_worked_out_again_where_the_index_is_damaged(session):
    first = session.raise_alerts()
    session.archive.index._database.rows("UPDATE examined SET findings = replace(findings, '2', '3')")
    again = session.raise_alerts()
    assert (again.raised.raised, again.raised.updated) == ((), ())
    assert again.raised.found_again == len(first.raised.raised)


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
        home=session.settings.home,
        catalog=session.settings.catalog,
        alerts={"limit_alarms": False, "on_delay": 500},
        presets={"forecast": session.settings.presets["workbench"].model_dump() | {"envelope": "none"}},
        preset="forecast",
    )
    quiet.score_all()
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


def months(begin: str, fault: int, rows: slice = slice(None)) -> tuple:
    """Make training and test series of a pump, one sample every five minutes, with a fault at a row of the test."""
    r = np.random.default_rng(9)
    values = 50 + 5 * np.sin(np.arange(4000) / 40) + r.normal(0, 0.2, 4000)
    values[2400 + fault : 2460 + fault] += 9
    times = pd.date_range(begin, periods=4000, freq="5min").values.astype("datetime64[ns]")
    about = {"channel": "bearing", "asset": "pump"}
    test_values, test_times = values[2400:][rows], times[2400:][rows]
    return make_channel(values[:2400], time=times[:2400], **about), make_channel(test_values, time=test_times, **about)


@pytest.fixture
def pump(tmp_path: Path) -> Iterator[wb.Session]:
    """The pump of May, with the alert of its fault."""
    opened = wb.open(home=tmp_path)
    opened.archive.write(*months("2024-05-01", 900))
    opened.train()
    opened.score_all()
    assert opened.raise_alerts().raised.raised == (1,)
    yield opened
    opened.close()


@pytest.mark.parametrize("closed", [True, False])
def test_the_fault_of_june_at_the_row_of_a_fault_of_may_is_an_alert_of_its_own(pump, closed):
    desk = pump.maintenance
    if closed:
        desk.alerts.close(1, "Ann", "true")
    may = desk.alerts.get(1)
    pump.archive.write(*months("2024-06-01", 910))
    pump.score_all()
    assert pump.raise_alerts().raised.raised == (2,)
    assert desk.alerts.get(1) == may
    assert f"{desk.alerts.get(2).start_time:%Y-%m-%d}" == "2024-06-12"
    assert desk.alerts.labels() == {}, "May's verdict is no label of June's series"
    pump.archive.write(*months("2024-05-01", 900))
    pump.score_all()
    again = pump.raise_alerts().raised
    assert (again.raised, again.updated, again.found_again) == ((), (), 1)
    if closed:
        assert desk.alerts.labels()["bearing"][["start", "end"]].values.tolist() == [[may.start_sample, may.end_sample]]
        assert pump.evaluate(desk.alerts.labels()).channels["true_positives"].tolist() == [1]


def test_a_rolling_export_raises_no_fault_twice_and_verdicts_move_with_it(pump):
    desk = pump.maintenance
    desk.alerts.close(1, "Ann", "true")
    may = desk.alerts.get(1)
    for first in (37, 300):
        pump.archive.write(*months("2024-05-01", 900, slice(first, None)))
        pump.score_all()
        again = pump.raise_alerts().raised
        assert (again.raised, again.reopened, again.found_again) == ((), (), 1)
        (label,) = desk.alerts.labels()["bearing"][["start", "end"]].values.tolist()
        assert label == [may.start_sample - first, may.end_sample - first]
        assert pump.evaluate(desk.alerts.labels()).channels["true_positives"].tolist() == [1]
    assert desk.alerts.get(1) == may


@pytest.fixture
def old_home(tmp_path: Path) -> Path:
    """The home that release 0.1.0 made: a pump with times, a press without, and a lathe that was removed since."""
    with zipfile.ZipFile(Path(__file__).parent / "maintenance" / "fixtures" / "home-0.1.0.zip") as file:
        file.extractall(tmp_path)
    return tmp_path


def test_a_home_of_the_first_release_opens_with_its_alerts_verdicts_and_orders(old_home):
    with wb.open(home=old_home) as session:
        desk = session.maintenance
        alerts = desk.alerts.list(state=None, order="oldest").set_index("id")
        assert alerts["state"].tolist() == ["closed", "closed", "returned"]
        assert alerts["verdict"].tolist()[:2] == ["true", "false alarm"]
        assert alerts["clock"].tolist() == ["microsecond", "row", "row"]
        assert alerts.loc[1, "start_time"] == pd.Timestamp("2024-05-12T11:00", tz="UTC")
        assert desk.alerts.labels()["bearing"][["start", "end"]].values.tolist() == [[900, 1042]]
        assert set(desk.alerts.labels()) == {"bearing"}, "the false alarm's series is gone"
        assert desk.orders.list(state=None).sort_values("number")["title"].tolist() == [
            "Inspect lathe-force on lathe",
            "Inspect press-force on press",
            "Grease the bearing",
        ]
        assert desk.alerts.remarks(3)["text"].tolist() == ["New die", "Look at it on Monday"]
        assert desk.outages.list()["asset"].tolist() == ["press"]
        assert (desk.verify_log().ok, desk.log_length()) == (True, 14 + 9)  # a row of what each of nine tables held


def test_alerts_of_the_first_release_get_their_moments_from_the_archive(old_home):
    with wb.open(home=old_home) as session:
        outcome = session.raise_alerts()
        desk = session.maintenance
        assert (outcome.raised.raised, outcome.raised.updated, outcome.raised.found_again) == ((), (), 2)
        alerts = desk.alerts.list(state=None, order="oldest").set_index("id")
        assert alerts["clock"].tolist() == ["time", "row", "sample"]
        assert alerts.loc[1, "first_at"] == pd.Timestamp("2024-05-12T11:00").value
        assert alerts.loc[3, ["first_at", "last_at"]].tolist() == [700, 831]
        assert desk.alerts.rows(desk.alerts.get(2)) is None, "its series is gone, and it keeps its rows"
        assert alerts.loc[2, ["start_sample", "end_sample"]].tolist() == [700, 833]
        assert desk.verify_log().ok


def test_alerts_and_verdicts_of_a_series_without_times_stay_when_it_is_split_anew(session):
    """The fault begins at sample 2000 of the test series: behind 1,200 for training, and then behind 1,700."""
    desk = session.maintenance
    session.raise_alerts()
    (alert,) = [
        one for one in desk.alerts.list(channel="X-1", kind="model").to_dict("records") if one["first_at"] > 1900
    ]
    desk.alerts.close(alert["id"], "Ann", "true")
    extent = [[alert["start_sample"], alert["end_sample"]]]
    assert desk.alerts.labels()["X-1"][["start", "end"]].values.tolist() == extent
    session.split("X-1", train_until="1699")
    rows = [[row - 500 for row in extent[0]]]
    assert desk.alerts.labels()["X-1"][["start", "end"]].values.tolist() == rows
    assert session.archive.labels("X-1").values.tolist() == [[1500, 1539, "point"]]
    shown = session.stored_anomalies("X-1")
    assert rows[0] in shown[["start", "end"]].values.tolist(), "a score that is not made anew follows, too"
    assert session.stored("X-1")["time"].values[rows[0][0] - int(session.stored("X-1")["sample"][0])] == extent[0][0]
    session.train(["X-1"])
    session.score_all(["X-1"])
    again = session.raise_alerts(["X-1"]).raised
    assert (again.raised, again.reopened) == ((), ()) and again.found_again >= 1
    assert session.evaluate(desk.alerts.labels()).channels["true_positives"].tolist() == [1]


def test_an_alert_of_a_gap_that_is_filled_later_says_that_it_is_not_found_any_more(tmp_path):
    """Half a turn of the wave is missing, so that it jumps there; its samples come later, and there is no jump."""
    train, whole = months("2024-05-01", 900)
    whole["telemetry"][900:960] -= 9
    with wb.open(home=tmp_path) as session:
        desk = session.maintenance
        session.archive.write(train, whole.isel(time=np.r_[0:700, 826:1600]))
        session.train()
        session.score_all()
        (number,) = session.raise_alerts().raised.raised
        alert = desk.alerts.get(number)
        assert (alert.start_sample, alert.state) == (700, "returned")
        session.archive.write(train, whole)
        session.score_all()
        report = session.raise_alerts().raised
        assert (report.raised, report.updated, report.returned) == ((), (number,), ())
        again = desk.alerts.get(number)
        assert (again.state, again.message) == ("returned", f"{alert.message} It is not found any more.")
        assert "not found any more" in desk.alerts.history(number)["details"].iloc[-1]
        assert session.raise_alerts().raised.updated == (), "it is said once"
        assert len(desk.alerts.history(number)) == 2
        session.archive.write(train, whole.isel(time=np.r_[0:700, 826:1600]))
        session.score_all()
        session.raise_alerts()
        assert desk.alerts.get(number).message == alert.message, "it is found again"
        session.archive.write(*months("2024-06-01", 900))
        session.score_all()
        session.raise_alerts()
        assert desk.alerts.get(number).message == alert.message, "its samples are gone: nothing is known of it"
