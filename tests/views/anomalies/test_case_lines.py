"""Cases in the list of Anomalies: a line for each, which opens into its alerts and stands for all of them."""

import re

import pytest

from tests.fake_session import FakeSession
from tests.views.look import texts
from workbench.views.anomalies.view import Anomalies
from workbench.views.state import Selected, State


@pytest.fixture
def view():
    """Pump-1, sampled once a minute: B-2 moves at sample 1010, A-1 ten minutes before; C-3 a day after, alone."""
    spans = {"A-1": [(1000, 1050, 5.0)], "B-2": [(1010, 1060, 9.0)], "C-3": [(2500, 2520, 3.0)]}
    opened = Anomalies(FakeSession(spans, dated=tuple(spans), assets=dict.fromkeys(spans, "Pump-1")))
    opened.selection.who = "Ada"
    yield opened
    assert opened.failure is None or opened.failure.what.startswith("expected")
    opened.close()


def lines(view):
    return re.findall(r"data-pick='([^']+)'", view.list.grid.html)


def desk(view):
    return view.session.maintenance


def numbers(view):
    table = desk(view).alerts.list(state=None)
    return dict(zip(table["channel"], table["id"], strict=True))


def test_a_case_is_one_line_that_is_chosen_first_and_says_what_moved_first(view):
    of = numbers(view)
    assert lines(view) == ["case 1", str(of["C-3"])]
    assert (view.case, view.alert, view.list.grid.chosen) == (1, of["A-1"], "case 1")
    words = texts(view)
    assert "A-1 moved first at 2026-01-01 16:40:00 UTC, B-2 10 min later; 2 channels, worst high." in words
    assert "A-1 +1 2 alerts" in words
    assert "3 open in 2 cases, 3 to acknowledge" in words
    assert "A-1 left its forecast." in view.panels["Evidence"].facts.value


def test_a_case_of_which_alerts_are_closed_still_says_when_it_began_and_how_long_it_lasts():
    spans = {"A-1": [(1000, 1050, 5.0)], "B-2": [(1010, 1060, 9.0)], "C-3": [(1020, 1119, 3.0)]}
    view = Anomalies(FakeSession(spans, dated=tuple(spans), assets=dict.fromkeys(spans, "Pump-1")))
    desk(view).alerts.close(numbers(view)["A-1"], "Bob", "test")
    view.refresh()
    assert lines(view) == ["case 1"]
    words = texts(view)
    assert "A-1 +2 2 of 3 alerts" in words
    assert "01 Jan 16:40" in words, "as the title: A-1 moved first at 16:40"
    assert "2 h" in words.split("01 Jan 16:40")[1][:8], "from 16:40 to 18:39"
    view.close()


def test_a_case_opens_into_its_alerts_and_closes(view):
    of = numbers(view)
    view.list.grid.tell("open", "case 1")
    assert lines(view) == ["case 1", str(of["B-2"]), str(of["A-1"]), str(of["C-3"])]
    assert "aria-expanded='true'" in view.list.grid.html
    assert view.list.grid.html.count("aria-level='2'") == 2
    view.list.grid.tell("pick", str(of["B-2"]))
    assert (view.case, view.alert) == (None, of["B-2"])
    view.refresh()
    assert lines(view)[:2] == ["case 1", str(of["B-2"])], "it stays open"
    view.list.grid.tell("open", "case 1")
    assert lines(view) == ["case 1", str(of["C-3"])]
    view.list.grid.tell("open", str(of["C-3"]))
    assert lines(view) == ["case 1", str(of["C-3"])], "an alert has nothing to open"


def test_what_is_done_to_a_case_is_done_to_all_its_alerts_and_told(view):
    of = numbers(view)
    desk(view).alerts.acknowledge(of["A-1"], "Bob")
    view.refresh()
    view.on_action(view.actions.buttons["acknowledge"])
    assert desk(view).alerts.get(of["B-2"]).acknowledged_by == "Ada"
    assert desk(view).alerts.get(of["A-1"]).acknowledged_by == "Bob"
    assert "1 alert acknowledged." in texts(view)
    assert view.actions.buttons["label"].disabled, "a label is of one channel"
    view.on_action(view.actions.buttons["close"])
    assert view.actions.confirm.description == "Close 2 alerts"
    view.actions.fields["verdict"].value = "true"
    view.on_confirm(view.actions.confirm)
    assert "2 alerts closed." in texts(view)
    assert {desk(view).alerts.get(of[name]).verdict for name in ("A-1", "B-2")} == {"true"}
    assert desk(view).alerts.get(of["C-3"]).state != "closed"


@pytest.mark.parametrize("action", ["acknowledge", "close", "order"])
def test_what_somebody_else_has_done_to_the_whole_case_meanwhile_is_said(view, action):
    of = numbers(view)
    if action == "close":
        view.on_action(view.actions.buttons["close"])
        view.actions.fields["verdict"].value = "true"
    for name in ("A-1", "B-2"):
        desk(view).alerts.acknowledge(of[name], "Bob")
        if action == "close":
            desk(view).alerts.close(of[name], "Bob", "test")
    if action == "order":
        desk(view).orders.from_alerts([of["A-1"], of["B-2"]], "Bob")
        view.refresh()
        view.actions.open("order")  # as a form that was open before
    confirmed = view.actions.buttons[action] if action == "acknowledge" else view.actions.confirm
    (view.on_action if action == "acknowledge" else view.on_confirm)(confirmed)
    assert view.failure is None
    assert "Nothing was changed: none of these alerts allows this any more." in texts(view)
    assert desk(view).alerts.get(of["B-2"]).acknowledged_by == "Bob"
    assert view.actions.opened == ""


def test_a_marked_case_stands_for_all_its_alerts(view):
    view.on_mark_all(view.actions.all)
    assert view.list.grid.marked == ["case 1", str(numbers(view)["C-3"])]
    assert "2 marked, 3 alerts" in texts(view)
    view.on_action(view.actions.buttons["acknowledge"])
    assert "3 alerts acknowledged." in texts(view)


def test_one_work_order_is_opened_for_a_case(view):
    view.on_action(view.actions.buttons["order"])
    view.on_confirm(view.actions.confirm)
    (order,) = desk(view).orders.list()["number"]
    assert len(desk(view).orders.get(order).alerts) == 2
    assert order in texts(view)


def test_a_choice_made_elsewhere_opens_the_case_at_its_alert(view):
    of = numbers(view)
    view.show_selection(Selected("Pump-1", "B-2"))
    assert (view.case, view.alert, view.list.grid.chosen) == (None, of["B-2"], str(of["B-2"]))
    assert str(of["B-2"]) in lines(view)


def test_each_alert_has_its_line_where_the_reader_asks_for_it(view):
    of = numbers(view)
    view.list.filters["group"].value = "alert"
    assert lines(view) == [str(of[name]) for name in ("B-2", "A-1", "C-3")]
    assert view.case is None
    assert view.read_state()["group"] == "alert"
    view.apply_state(State({"view": "anomalies"}))
    assert lines(view)[0] == "case 1"


def test_a_filter_that_leaves_one_alert_of_a_case_shows_that_alert(view):
    view.list.filters["level"].value = "high"
    assert lines(view) == [str(numbers(view)["B-2"])]
