"""The plan in the Maintenance view: proposed, compared, kept, changed by hand, and exported as a calendar."""

import base64
import re
from datetime import UTC, datetime

import pytest
from icalendar import Calendar

from tests.fake_session import small_fleet
from tests.views.look import find_toggle, markup, press, texts
from workbench.maintenance.schedule.solver import Stop
from workbench.views.maintenance.plan_markup import search_markup
from workbench.views.maintenance.view import Maintenance
from workbench.views.state import State


@pytest.fixture
def view():
    session = small_fleet()
    desk = session.maintenance
    desk.people.set("Ann", "Kim")
    desk.people.set("Ben", "Kim")
    for place in range(4):
        desk.orders.new("Kim", asset="SMAP", type="inspection", title=f"Look {place}", hours=3)
    opened = Maintenance(session, state={"mode": "plan"})
    yield opened
    opened.close()


def planned(view):
    return view.session.maintenance.planning.table().set_index("number")


def make(view):
    view.plan.on_make(view.plan.make)
    view.plan.on_accept(view.plan.accept)


def test_a_plan_is_kept_only_when_it_is_accepted(view):
    view.plan.on_make(view.plan.make)
    assert view.failure is None
    assert len(view.plan.proposal.placements) == 4
    assert planned(view).empty
    view.plan.on_discard(view.plan.discard)
    assert view.plan.proposal is None
    assert planned(view).empty
    make(view)
    assert set(planned(view).index) == {"WO-1", "WO-2", "WO-3", "WO-4"}
    assert "Plan saved: 4 orders. They are assigned, and the 4 of the next 7 days are frozen." in texts(view)
    assert planned(view)["state"].tolist() == ["assigned"] * 4
    view.plan.on_accept(view.plan.accept)
    assert "There is no proposed plan." in view.failure.what


def test_the_plan_opens_on_the_week_of_today(view):
    """The clock of the fleet stands at Friday, 2 January 2026; its week begins on Monday, 29 December."""
    now = view.session.clock()
    assert f"{now:%A %Y-%m-%d}" == "Friday 2026-01-02"
    (gantt,) = view.plan.charts().values()
    assert gantt._model.xaxis[0].major_label_overrides[0.5] == "Mon 29 Dec"
    (line,) = [line for line in gantt._model.renderers if line.name == "now"]
    (at,) = line.data_source.data["x"]
    assert 4 <= at < 5, "today is the fifth day of the week"
    view.restore(State({"mode": "plan", "shown": "week"}))
    head = re.search(r"class='wb-day-head wb-today'[^>]*>(.*?)<", view.plan.calendar.html)[1]
    assert "2" in head and "Fri" in head


def test_what_if_compares_and_can_be_accepted(view):
    make(view)
    before = planned(view)["start"]
    view.plan.questions.delay.value = 3
    view.plan.questions.absent.value = "Ann"
    view.plan.on_what_if(view.plan.questions.compare)
    assert view.failure is None
    figures = view.plan.comparison.figures()
    assert (figures.loc["planned", "before"], figures.loc["planned", "after"]) == (4, 4)
    assert "what if difference" in texts(view)
    assert planned(view)["start"].equals(before), "asking keeps nothing"
    view.plan.on_accept(view.plan.accept)
    after = planned(view)
    assert set(after["technician"]) == {"Ben"}
    assert after["start"].min() >= datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_an_order_is_dropped_fixed_and_loosened(view):
    make(view)
    rows = view.plan.sessions
    hour = rows[rows["number"] == "WO-2"]["start"].iloc[0].time()
    view.plan.on_drop("WO-2\tBen|2026-01-07")
    assert view.failure is None
    row = planned(view).loc["WO-2"]
    assert (row["technician"], row["start"].to_pydatetime(), row["frozen"]) == (
        "Ben",
        datetime.combine(datetime(2026, 1, 7), hour, UTC),
        True,
    )
    view.plan.on_pick("WO-2")
    view.plan.on_fix(view.plan.by_hand.fix)
    assert not planned(view).loc["WO-2", "frozen"]
    view.plan.by_hand.technician.value = "Ann"
    view.plan.by_hand.start.value = datetime(2026, 1, 8, 9)
    view.plan.on_place(view.plan.by_hand.place)
    assert planned(view).loc["WO-2", "start"].to_pydatetime() == datetime(2026, 1, 8, 9, tzinfo=UTC)
    view.plan.on_drop("WO-9\tBen|2026-01-07")
    assert "WO-9 is not planned." in view.failure.what


def test_a_disturbed_week_is_planned_anew_and_each_change_is_said(view):
    """Ann is ill and an urgent order comes: what was frozen with her moves, and the page says what and why."""
    make(view)
    desk = view.session.maintenance
    before = planned(view)
    hers = before[before["technician"] == "Ann"]
    assert len(hers)
    desk.people.set("Ann", "Kim", closed=sorted({start.date() for start in hers["start"]}))
    desk.orders.new("Kim", asset="SMAP", title="Leak", hours=2, priority="urgent")
    view.plan.on_make(view.plan.make)
    changes = view.plan._changes.html
    assert "WO-5" in changes
    assert "is new:" in changes
    for number in hers.index:
        assert number in changes
        assert f"{number} was frozen with Ann" in texts(view)
    assert "Ann is absent" in texts(view)
    assert set(before.index) - set(hers.index) <= {
        number for number in before.index if f"data-pick='{number}'" not in changes
    }


def test_a_place_on_a_day_of_absence_is_asked_once(view):
    make(view)
    view.session.maintenance.people.set("Ben", "Kim", closed=[datetime(2026, 1, 7).date()])
    view.plan.on_drop("WO-2\tBen|2026-01-07")
    assert "Ben is absent on Wed 07 Jan 2026." in view.failure.what
    view.plan.on_drop("WO-2\tBen|2026-01-07")
    assert planned(view).loc["WO-2", "technician"] == "Ben"
    assert planned(view).loc["WO-2", "start"].day == 7


def test_the_progress_of_a_search_says_its_best_points():
    stop = Stop()
    assert search_markup(stop) == ""
    stop.report(0.1, 0.0, 120.0)
    stop.report(0.4, 3.0, 99.5)
    words = search_markup(stop)
    assert "value='40'" in words
    assert "best plan so far: 99.5 points, 20.5 fewer than the first guess; found after 3 s" in words


def test_a_proposal_is_not_changed_by_hand(view):
    make(view)
    kept = planned(view)
    view.plan.on_make(view.plan.make)
    view.plan.on_drop("WO-1\tBen|2026-01-07")
    assert "A proposed plan is shown." in view.failure.what
    assert planned(view)["start"].equals(kept["start"])


def test_the_calendar_file_holds_each_session(view):
    make(view)
    press(view, "Calendar file")
    content = base64.b64decode(re.search('base64,([^"]+)', markup(view))[1])
    events = Calendar.from_ical(content).walk("VEVENT")
    sessions = view.session.maintenance.planning.sessions()
    assert sorted(event.decoded("dtstart") for event in events) == sorted(sessions["start"])
    assert sorted(event.decoded("dtend") for event in events) == sorted(sessions["end"])
    assert {str(event["summary"])[:4] for event in events} == set(sessions["number"])


@pytest.mark.slow
def test_gantt_week_and_month_show_the_same_orders(view):
    make(view)
    find_toggle(view, "Week").value = "Week"
    weeks = [view.plan.calendar.html]
    for _ in range(2):
        press(view, "Later")
        weeks.append(view.plan.calendar.html)
    for number in planned(view).index:
        assert any(f"data-pick='{number}" in week for week in weeks), number
    assert "data-pick" not in view.plan.calendar.html
    again = Maintenance(view.session, state=view.state)
    assert again.state == view.state
    assert again.plan.calendar.html == view.plan.calendar.html
    again.close()
    press(view, "Earlier")
    press(view, "Earlier")
    assert "data-pick" in view.plan.calendar.html


def test_a_planned_order_leads_to_its_form(view):
    make(view)
    view.plan.on_open("WO-3#0")
    assert (view.mode.name, view.orders.order.number) == ("Orders", "WO-3")
