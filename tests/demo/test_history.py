"""The history of the demo fleet: lived through the functions that people use, in the order of time."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from tests.homes import copy_of
from tests.views.look import texts
from workbench.demo import living
from workbench.demo.history import TECHNICIANS, Clock, live_through
from workbench.demo.year import Year
from workbench.exceptions import MaintenanceError
from workbench.maintenance.alerts.raising import Finding
from workbench.views.overview.first_steps import first_steps
from workbench.views.registry import open_view
from workbench.views.shell import Shell

END = datetime(2026, 3, 3, 10, 30, tzinfo=UTC)
DAYS = 40


def make_pump(home: Path) -> None:
    """The pump alone, with forty days behind it; its channels are scored only when the year asks for that."""
    clock = Clock(END)
    with wb.open(home=home, clock=clock) as session:
        session.import_demo(end=END)
        infos = session.archive.infos()[0]
        session.archive.remove([info.channel for info in infos if info.asset != "Pump-1"])
        session.set_growing(session.archive.channels())
        session.train()
        live_through(session, clock, END, DAYS, scored=session.score_all)


@pytest.fixture
def pump(tmp_path_factory, tmp_path):
    home = copy_of("pump with a history", make_pump, tmp_path_factory, tmp_path / "home")
    with wb.open(home=home, clock=Clock(END)) as session:
        yield session


def test_everything_happened_in_its_time_and_the_log_says_so(pump):
    desk = pump.maintenance
    assert desk.verify_log().ok
    times = desk.log()["time"].iloc[::-1]
    assert times.is_monotonic_increasing
    assert times.iloc[0] == END - timedelta(days=DAYS)
    assert times.iloc[-1] == END
    alerts = desk.alerts.list(state=None)
    late = alerts["raised_at"] - alerts["start_time"]
    assert len(alerts) > 15
    assert (late > pd.Timedelta(0)).all()
    assert (alerts["start_time"].max() - alerts["start_time"].min()) > pd.Timedelta(days=25)


def test_scoring_the_same_telemetry_finds_nothing_new(pump):
    outcome = pump.raise_alerts()
    assert (outcome.raised.raised, outcome.raised.updated, outcome.opened, outcome.extended) == ((), (), (), ())


def test_people_have_judged_repaired_and_planned(pump):
    desk = pump.maintenance
    alerts, orders = desk.alerts.list(state=None), desk.orders.list(state=None)
    assert {"true", "false alarm"} <= set(alerts["verdict"].dropna())
    done = orders[orders["state"] == "completed"]
    assert set(done["assignee"]) <= set(TECHNICIANS)
    assert (done["actual_hours"] > 0).all()
    assert (done.loc[done["failure_kind"] == "functional failure", "failure_mode"] != "").all()
    assert (desk.parts.list()["stock"] < [14, 60, 16, 20]).any()
    outages = desk.outages.list()
    assert len(outages) >= 2
    assert outages["ended_at"].notna().all()
    still_open = desk.orders.list()
    assert set(still_open["number"]) <= {one.job for one in desk.planning.placements()}


def test_each_figure_of_the_overview_has_a_value(pump):
    view = open_view(pump, "overview", {})
    assert "<b>-</b>" not in view._tiles.html
    assert view._tiles.html.count("wb-tile") == 8  # seven, and the row that they are in
    kpis = view.picture.kpis
    assert 0.5 < kpis.availability < 1
    assert kpis.mttr_hours > 0
    assert "not enough history" not in view._failures.html
    view.close()


def test_figures_count_the_whole_time_in_service_though_older_samples_are_gone(pump):
    days = (END - pump.maintenance.kpis(pump.watched(), END - timedelta(days=30), END).since).days
    assert days == 30
    hours = pump.maintenance.kpis(pump.watched(), END - timedelta(days=30), END).mtbf.operating_hours
    out = pump.maintenance.outages.list()
    out = out[out["ended_at"] > END - timedelta(days=30)]
    down = (out["ended_at"] - out["since"]).sum() / pd.Timedelta(hours=1)
    assert hours == pytest.approx(30 * 24 - down, abs=0.1)


def test_a_newcomer_is_led_through_one_case_until_the_card_is_dismissed(pump):
    """A new alert has no order yet; the steps say what is left to do."""
    start = END - timedelta(minutes=5)
    words = "PMP-1 went above its critical high limit."
    where = ("PMP-1", "Pump-1", "PMP", "l/min", "limit", 7900, 7910, start, END)
    finding = Finding(*where, "critical", None, 450.0, 440.0, "critical high", words, ongoing=True)
    (alert,) = pump.maintenance.alerts.raise_findings([], [finding]).raised
    view = open_view(pump, "overview", {})
    assert ">PMP-1</b> of Pump 1, critical" in view._steps.html
    assert view._guide.layout.display is None
    assert steps(view) == ["1. See why", "2. Acknowledge it", "3. Open its order", "4. Plan it"]
    assert "Do first: PMP-1, critical" in texts(view.head)
    pump.maintenance.alerts.acknowledge(alert, "Ann")
    order = pump.maintenance.orders.from_alerts([alert], "Ann").number
    view.refresh()
    assert steps(view) == ["1. See why", "2. See who acknowledged it", f"3. See its order {order}", "4. Plan it"]
    later = replace(finding, channel="MOT-1", subsystem="MOT", start_sample=7905, first_at=finding.first_at + 1)
    pump.maintenance.alerts.raise_findings([], [later])
    view.refresh()
    assert ">PMP-1</b> of Pump 1, critical" in view._steps.html, "the newcomer stays with the case"
    assert "Do first: PMP-1, critical" in texts(view.head), "and no other one is said to come first"
    assert re.findall("<td>((?:PMP|MOT)-1)</td>", view._worst.html) == ["PMP-1", "MOT-1"]
    assert steps(view) == ["1. See why", "2. See who acknowledged it", f"3. See its order {order}", "4. Plan it"]
    pump.maintenance.alerts.close(alert, "Ann", "true", "seen")
    view.refresh()
    assert ">MOT-1</b> of Pump 1, critical" in view._steps.html
    view.on_dismiss(view._guide.children[1])
    assert view._guide.layout.display == "none"
    assert first_steps(pump, view.picture.alerts) is None
    view.close()


def steps(view) -> list[str]:
    return re.findall(r"<button[^>]*>([^<]*)", view._steps.html)


def test_what_was_raised_last_waits_for_whoever_opens_the_page(pump):
    alerts = pump.maintenance.alerts.list(state=None)
    assert alerts["acknowledged_at"].max() < END - timedelta(minutes=30)


def test_a_year_that_comes_to_no_end_leaves_nothing_behind(tmp_path):
    with wb.open(home=tmp_path) as session:
        assert living.lacks_history(session)
        with Year(session) as year:
            assert list(tmp_path.glob("history-*"))
            year._process.kill()
            with pytest.raises(MaintenanceError, match="ended with exit code"):
                year.finish()
        assert not list(tmp_path.glob("history-*"))
        assert session.maintenance.log_length() == 0


def test_a_history_is_given_once_and_only_to_a_fleet_that_goes_on(tmp_path):
    with wb.open(home=tmp_path) as session:
        session.import_demo()
        assert not living.lacks_history(session)


def test_a_channel_that_grows_is_out_of_date_only_once_an_error_window_is_complete(pump):
    """Of 7,920 samples 7,890 are in complete windows, 2,360 + 70 x 79: the next is complete with 40 more."""
    assert living.catch_up(pump, END + living.BEHIND + timedelta(minutes=38)) == 6 * 39
    assert set(pump.overview()["state"]) == {"current"}
    assert living.catch_up(pump, END + living.BEHIND + timedelta(minutes=39)) == 6
    assert set(pump.overview()["state"]) == {"stale"}


def test_each_step_leads_to_its_place(pump):
    shell = Shell(pump)
    overview = shell.view
    assert steps_of(overview)[-1] == "plan"
    for step in steps_of(overview):
        shell.open("overview")
        overview._steps.tell("pick", step)
        assert (overview.failure, shell.failure, shell.view.failure) == (None, None, None)
        asked = {"plan": {"view": "maintenance", "mode": "plan"}}.get(step, {})
        assert asked.items() <= dict(shell.state).items()
        assert shell.current == ("anomalies" if step.startswith("[") else "maintenance")
    shell.close()


def steps_of(overview) -> list[str]:
    return [unescape(step) for step in re.findall('data-pick="([^"]*)"', overview._steps.html)]
