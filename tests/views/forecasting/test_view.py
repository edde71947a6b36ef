"""Forecasting as an object: what its controls show, and that questions change nothing."""

import pandas as pd
import pytest

import workbench as wb
from tests.conftest import wave_channel
from workbench.exceptions import ForecasterError
from workbench.forecasting import forecasts
from workbench.forecasting.skill import skill_table
from workbench.telemetry.archive import Archive
from workbench.views.forecasting.view import Forecasting
from workbench.views.state import Selected, State

CATALOG = """
assets: {XAVER: {name: Xaver, kind: satellite, criticality: 4, subsystems: {X: Power}}}
channels: {X-2: {asset: XAVER, subsystem: X, units: V, limits: {warning_high: 0.55, critical_high: 5}}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "catalog.yaml").write_text(CATALOG)
    archive = Archive(home / "archive.zarr")
    archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000))
    archive.write(wave_channel("X-2", seed=2), wave_channel("X-2", 3000, 3))
    session = wb.open(home=home, catalog=home / "catalog.yaml")
    session.train(["X-1", "X-2"])
    session.score_all()
    session.close()
    return home


@pytest.fixture
def session(home):
    (home / "maintenance.db").unlink(missing_ok=True)
    with wb.open(home=home, catalog=home / "catalog.yaml") as opened:
        yield opened


@pytest.fixture
def view(session):
    opened = Forecasting(session)
    yield opened
    opened.close()


def fan(view):
    chart = view.charts()["Forecast"]
    sources = {renderer.data_source.name: renderer.data_source.data for renderer in chart._shown.renderers}
    return sources["forecast"]


def test_forecasters_stand_side_by_side_with_what_the_session_gives(view, session):
    assert view.channel == "X-1"
    view.selection.choose(Selected("XAVER", "X-2"))
    pd.testing.assert_frame_equal(view.skill, skill_table(forecasts(session, "X-2")))
    best = view.skill.iloc[0]
    assert view._grid.chosen == best["forecaster"] == "ridge"
    for text in (f"{best['skill']:.2f}", f"{best['coverage']:.0%}", "RMSE, V"):
        assert text in view._grid.html
    assert "X-2" in view.head.value
    assert "ridge errs least" in view.head.value
    assert set(view.charts()) == {"Forecast", "Parts", "Error by lead time", "Coverage by lead time"}


def test_picking_a_forecaster_draws_its_forecast(view):
    ours = list(fan(view)["forecast"])
    view._grid.tell("pick", "persistence")
    flat = list(fan(view)["forecast"])
    assert len(set(flat)) == 1 < len(set(ours))
    assert view.state["forecaster"] == "persistence"


def test_looking_farther_ahead_and_wider_intervals_are_drawn(view):
    ten = fan(view)
    view._ahead.value = 60
    assert len(fan(view)["forecast"]) == 61
    assert len(view.skill) == 3
    view._ahead.value = 10
    view._inside.value = 0.95
    wider = fan(view)
    assert (wider["upper"] - wider["lower"])[1:].mean() > (ten["upper"] - ten["lower"])[1:].mean()
    assert (view.state["inside"], "ahead" in view.state) == ("0.95", False)


def test_limits_say_when_or_that_there_are_none(view):
    assert "no limits" in view._limits.value
    view._channel.value = "X-2"
    assert "warning high" in view._limits.value
    assert "not in this time" in view._limits.value  # critical high 5
    assert view.selection.now == Selected("XAVER", "X-2")


def test_a_result_is_not_computed_twice(view, monkeypatch):
    view._channel.value = "X-2"
    monkeypatch.setattr("workbench.views.forecasting.view.forecasts", None)
    view._channel.value = "X-1"
    view._channel.value = "X-2"
    assert view.failure is None
    assert "X-2" in view.head.value


def test_a_channel_that_cannot_be_forecast_leaves_nothing_of_another(view, monkeypatch):
    def fail(*_given, **_options):
        raise ForecasterError("X-2 holds 2 samples with NaN.", "Fill the gaps.")

    with monkeypatch.context() as patch:
        patch.setattr("workbench.views.forecasting.view.forecasts", fail)
        view._channel.value = "X-2"
    assert view.failure.what == "X-2 holds 2 samples with NaN."
    assert view.charts() == {}
    assert view.shown_table().empty
    assert view._grid.html == ""
    assert "X-2" in view.head.value
    view.refresh()
    assert "ridge" in view._grid.html


def test_risks_are_shown_where_records_tell(view, session):
    view._mode.value = "Risk and what-if"
    assert list(view.charts()) == ["Risk matrix"]
    assert "none has records" in view.head.value
    assert "Xaver: never watched." in view._risk_grid.html
    session.maintenance.orders.new("Ann", asset="XAVER", title="Wheel", type="corrective")
    began = session.clock()
    session.clock = lambda: began + pd.Timedelta(days=20)
    view.refresh()
    assert view.risks["failures"].tolist() == [1]
    assert f"{view.risks['level'][0]} {view.risks['risk'][0]}" in view._risk_grid.html
    assert "Xaver" in view.head.value
    before = view.risks["probability"][0]
    view._days.value = 7
    assert view.risks["probability"][0] > before
    assert view.shown_table() is view.risks
    assert view.state["days"] == "7"


def test_picking_an_asset_chooses_its_first_channel(view):
    view._mode.value = "Risk and what-if"
    view._channel.value = "X-2"
    view._risk_grid.tell("pick", "XAVER")
    assert view.selection.now == Selected("XAVER", "X-1")


def test_a_delay_is_compared_and_nothing_is_kept(view, session):
    desk = session.maintenance
    desk.people.set("Ann", "root")
    desk.orders.new("Ann", asset="XAVER", title="Wheel", type="corrective")
    view.refresh()
    ask = view.what_if
    assert ask.away.options == ("nobody", "Ann")
    entries = len(session.maintenance.log())
    ask.delay.value = 3
    ask.on_plan(ask.plan)
    figures = ask.comparison.figures()
    assert figures.loc["planned"].tolist()[:2] == [1, 1]
    assert "WO-1" in ask._answer.value
    assert len(session.maintenance.log()) == entries
    assert desk.planning.table().empty


def test_a_question_that_cannot_be_is_a_card(view, session):
    session.maintenance.people.set("Ann", "root")
    session.maintenance.orders.new("Ann", asset="XAVER", title="Wheel", type="corrective")
    view.refresh()
    view.what_if.hours.value = "whenever"
    view.what_if.on_plan(view.what_if.plan)
    assert "whenever" in view.failure.what
    view.what_if.hours.value = ""
    view.what_if.on_plan(view.what_if.plan)
    assert view.failure is None
    view.what_if.z_min.value = -1
    view.what_if.on_thresholds(view.what_if.thresholds)
    assert "z_min" in view.failure.what


def test_thresholds_are_tried_on_the_fleet(view):
    ask = view.what_if
    ask.z_min.value = 11.5
    ask.on_thresholds(ask.thresholds)
    assert ask.trial.channels == 2
    assert str(ask.trial) in ask._effect.value


def test_a_link_shows_the_same(session):
    state = {"channel": "X-2", "asset": "XAVER", "ahead": "30", "inside": "0.8", "forecaster": "trend", "days": "30"}
    view = Forecasting(session, state=State(state))
    assert view.failure is None
    assert view.state == State({"view": "forecasting", **state})
    assert len(fan(view)["forecast"]) == 31
    view.restore(State({"ahead": "11"}))
    assert "ahead is '11'" in view.failure.what
    view.close()


def test_without_telemetry_it_says_so(tmp_path):
    view = Forecasting(wb.open(home=tmp_path))
    assert view.failure is None
    assert "No telemetry yet" in view.head.value
    assert view.charts() == {}
    view.close()
