"""Forecasting as an object: what its controls show, and that questions change nothing."""

import pandas as pd
import pytest

import workbench as wb
from tests.conftest import wave_channel
from tests.homes import copy_of
from tests.views.finders import columns, find_box, find_grid
from tests.views.look import find_field, find_toggle, press, texts
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


def make_home(home):
    (home / "catalog.yaml").write_text(CATALOG)
    archive = Archive(home / "archive.zarr")
    archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000))
    archive.write(wave_channel("X-2", seed=2), wave_channel("X-2", 3000, 3))
    with wb.open(home=home, catalog=home / "catalog.yaml") as session:
        session.train(["X-1", "X-2"], sequence_length=250)
        session.score_all()


@pytest.fixture
def session(tmp_path, tmp_path_factory):
    home = copy_of("forecasting", make_home, tmp_path_factory, tmp_path / "home")
    with wb.open(home=home, catalog=home / "catalog.yaml") as opened:
        yield opened


@pytest.fixture
def view(session):
    opened = Forecasting(session)
    yield opened
    opened.close()


def fan(view):
    [plot] = view.kept_charts.figures("Forecast")
    return columns(plot, "forecast")


def show_channel(view, name):
    find_field(view, "Channel").value = name


def show_risks(view):
    find_toggle(view, "Risk and what-if").value = "Risk and what-if"


def table(view):
    return find_grid(view, "Forecasters").html


def test_forecasters_stand_side_by_side_with_what_the_session_gives(view, session):
    assert view.channel == "X-1"
    view.selection.choose(Selected("XAVER", "X-2"))
    pd.testing.assert_frame_equal(view.skill, skill_table(forecasts(session, "X-2")))
    best = view.skill.iloc[0]
    assert find_grid(view, "Forecasters").chosen == best["forecaster"] == "ridge"
    for text in (f"{best['skill']:.2f}", f"{best['coverage'] * 100:.0f} %", "RMSE, V"):
        assert text in table(view)
    error = f"{best['mae']:,.4g} V"
    assert f'X-2 10 samples ahead, "ridge" has the smallest mean error ({error})' in texts(view)
    assert f"{best['coverage'] * 100:.0f} % of the values fell inside its 90 % interval" in texts(view)
    assert set(view.charts()) == {"Forecast", "Parts", "Error by lead time", "Coverage by lead time"}


def test_picking_a_forecaster_draws_its_forecast(view):
    ours = list(fan(view)["forecast"])
    assert "last value" in table(view)
    find_grid(view, "Forecasters").tell("pick", "persistence")
    flat = list(fan(view)["forecast"])
    assert len(set(flat)) == 1 < len(set(ours))
    assert view.state["forecaster"] == "persistence"


def test_looking_farther_ahead_and_wider_intervals_are_drawn(view):
    ten = fan(view)
    find_field(view, "Ahead").value = 60
    assert len(fan(view)["forecast"]) == 61
    assert len(view.skill) == 3
    find_field(view, "Ahead").value = 10
    find_field(view, "Interval").value = 0.95
    wider = fan(view)
    assert (wider["upper"] - wider["lower"])[1:].mean() > (ten["upper"] - ten["lower"])[1:].mean()
    assert (view.state["inside"], "ahead" in view.state) == ("0.95", False)


def test_limits_say_when_or_that_there_are_none(view):
    assert "The catalog has no limits for this channel." in texts(view)
    show_channel(view, "X-2")
    limits = texts(find_box(view, "wb-limits"))
    assert "warning high" in limits
    assert "not in this time" in limits  # critical high 5
    assert view.selection.now == Selected("XAVER", "X-2")


def test_a_result_is_not_computed_twice(view, monkeypatch):
    show_channel(view, "X-2")
    monkeypatch.setattr("workbench.views.forecasting.scene.forecasts", None)
    show_channel(view, "X-1")
    show_channel(view, "X-2")
    assert view.failure is None
    assert "X-2" in view.head.value


def test_a_channel_that_cannot_be_forecast_leaves_nothing_of_another(view, monkeypatch):
    def fail(*_arguments, **_options):
        raise ForecasterError("X-2 holds 2 samples with NaN.", "Fill the gaps.")

    with monkeypatch.context() as patch:
        patch.setattr("workbench.views.forecasting.scene.forecasts", fail)
        show_channel(view, "X-2")
    assert view.failure.what == "X-2 holds 2 samples with NaN."
    assert view.charts() == {}
    assert view.shown_table().empty
    assert table(view) == ""
    assert "X-2" in view.head.value
    view.refresh()
    assert "ridge" in table(view)


def test_risks_are_shown_where_records_tell(view, session):
    show_risks(view)
    assert list(view.charts()) == ["Risk matrix"]
    assert "No asset has both enough history and a criticality." in texts(view)
    assert "Xaver: never watched." in find_grid(view, "Risks").html
    orders = session.maintenance.orders
    number = orders.new("Ann", asset="XAVER", title="Wheel", type="corrective", checklist=()).number
    session.maintenance.people.set("Ben", "Ann")
    orders.assign(number, "Ben", "Ann")
    orders.start(number, "Ann")
    orders.complete(number, "Ann", done="changed", hours=1, failure="functional failure", mode="UNK")
    began = session.clock()
    session.clock = lambda: began + pd.Timedelta(days=20)
    view.refresh()
    assert view.risks["failures"].tolist() == [1]
    assert f"{view.risks['level'][0]} {view.risks['risk'][0]}" in find_grid(view, "Risks").html
    assert "Xaver" in view.head.value
    before = view.risks["probability"][0]
    find_field(view, "Fails within").value = 7
    assert view.risks["probability"][0] > before
    assert view.shown_table() is view.risks
    assert view.state["days"] == "7"


def test_picking_an_asset_chooses_its_first_channel(view):
    show_risks(view)
    show_channel(view, "X-2")
    find_grid(view, "Risks").tell("pick", "XAVER")
    assert view.selection.now == Selected("XAVER", "X-1")


def test_a_delay_is_compared_and_nothing_is_kept(view, session):
    desk = session.maintenance
    desk.people.set("Ann", "root")
    desk.orders.new("Ann", asset="XAVER", title="Wheel", type="corrective")
    view.refresh()
    ask = view.what_if
    show_risks(view)
    assert find_field(view, "Absent").options == ("nobody", "Ann")
    entries = len(session.maintenance.log())
    find_field(view, "No work for, days").value = 3
    press(view, "Compare the plans")
    figures = ask.comparison.figures()
    assert figures.loc["planned"].tolist()[:2] == [1, 1]
    assert "WO-1" in texts(view)
    assert len(session.maintenance.log()) == entries
    assert desk.planning.table().empty


def test_a_question_that_cannot_be_is_refused_at_its_field(view, session):
    session.maintenance.people.set("Ann", "root")
    session.maintenance.orders.new("Ann", asset="XAVER", title="Wheel", type="corrective")
    view.refresh()
    find_field(view, "Working hours").value = "whenever"
    press(view, "Compare the plans")
    assert "whenever" in view.what_if.plan_refusals.words
    assert view.what_if.plan_refusals.refused == "hours"
    find_field(view, "Working hours").value = ""
    press(view, "Compare the plans")
    assert view.failure is None
    find_field(view, "Smallest z").value = -1
    press(view, "Try on the fleet")
    assert "Smallest z must be above 0 and at most 1,000." in view.what_if.threshold_refusals.words
    assert find_field(view, "Smallest z").value == -1, "not clamped"


def test_thresholds_are_tried_on_the_fleet(view):
    show_risks(view)
    find_field(view, "Smallest z").value = 11.5
    press(view, "Try on the fleet")
    trial = view.what_if.trial
    assert trial.channels == 2
    assert str(trial) in texts(view)


def test_what_comes_in_takes_no_answer_or_choice_away(view, session):
    for name in ("Ann", "Ben"):
        session.maintenance.people.set(name, "root")
    session.maintenance.orders.new("Ann", asset="XAVER", title="Wheel", type="corrective")
    view.refresh()
    show_risks(view)
    find_field(view, "Absent").value = "Ann"
    press(view, "Compare the plans")
    press(view, "Try on the fleet")
    plan, trial = view.what_if.answer.value, view.what_if.effect.value
    session.maintenance.people.set("Cid", "root")
    view.refresh()
    view.refresh()
    assert find_field(view, "Absent").options == ("nobody", "Ann", "Ben", "Cid")
    assert find_field(view, "Absent").value == "Ann"
    for before, after in ((plan, view.what_if.answer.value), (trial, view.what_if.effect.value)):
        assert after.startswith(before)
        assert after.count("Data has changed since") == 1
    press(view, "Try on the fleet")
    assert "Data has changed" not in view.what_if.effect.value


def test_a_link_shows_the_same(session):
    state = {"channel": "X-2", "asset": "XAVER", "ahead": "30", "inside": "0.8", "forecaster": "trend", "days": "30"}
    view = Forecasting(session, state=State(state))
    assert view.failure is None
    assert view.state == State({"view": "forecasting", **state})
    assert len(fan(view)["forecast"]) == 31
    view.restore(State({"ahead": "11"}))
    assert "ahead '11'" in view.failure.what
    view.close()


def test_without_telemetry_it_says_so(tmp_path):
    view = Forecasting(wb.open(home=tmp_path))
    assert view.failure is None
    assert "No telemetry yet" in view.head.value
    assert view.charts() == {}
    view.close()
