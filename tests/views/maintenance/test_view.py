"""Work orders in the Maintenance view: listed, carried, filled in and told, with what it leaves in the database."""

import asyncio
from datetime import datetime

import pytest

from tests.fake_session import small_fleet
from tests.views.look import find_toggle, texts
from tests.views.look import press as click
from workbench.maintenance.alerts.raising import Finding
from workbench.views.maintenance.view import Maintenance
from workbench.views.state import Selected, State


@pytest.fixture
def view():
    session = small_fleet()
    desk = session.maintenance
    desk.people.set("Ann", "Kim", skills=["rf"])
    desk.people.set("Ben", "Kim")
    desk.orders.new("Kim", asset="SMAP", channel="P-1", type="inspection", title="Look at P-1", hours=2)
    desk.orders.new("Kim", asset="MSL", channel="M-5", type="inspection", title="Look at M-5", hours=3)
    opened = Maintenance(session)
    yield opened
    opened.close()


def stored(view, number="WO-1"):
    return view.session.maintenance.orders.get(number)


def press(view, action, **values):
    orders = view.orders
    orders.on_action(orders.actions.buttons[action])
    for name, value in values.items():
        orders.actions.fields[name].value = value
    if orders.actions.opened:
        orders.on_confirm(orders.actions.confirm)


def test_sections_are_made_when_they_are_opened_or_while_nobody_waits():
    async def idle():
        view = Maintenance(small_fleet())
        counts = [len(view._stack.children)]
        view.restore(State({"mode": "log"}))
        shown = [section.layout.visibility != "hidden" for section in view._stack.children]
        while len(view._stack.children) < 8:
            view._next.run()
            counts.append(len(view._stack.children))
        view._next.run()
        assert not view._next.pending
        hidden = [section.layout.visibility == "hidden" for section in view._stack.children]
        view.close()
        return counts, shown, hidden

    assert asyncio.run(idle()) == ([1, 3, 4, 5, 6, 7, 8], [False, True], [True, False] + [True] * 6)


def test_the_table_is_that_of_the_database(view):
    assert set(view.orders.listed["number"]) == {"WO-1", "WO-2"}
    assert "Look at P-1" in view.orders.table.html
    assert "2 active: 2 open" in view.head.value
    view.orders.text.value = "M-5"
    assert view.orders.listed["number"].tolist() == ["WO-2"]
    assert view.shown_table()["number"].tolist() == ["WO-2"]
    view.orders.text.value = "nothing of the kind"
    assert "No work orders match." in texts(view)


def test_the_asset_of_an_order_is_its_asset_as_everywhere_else(view):
    assert ">SMAP</td>" in view.orders.table.html.replace("</span>", "")
    assert ">P-1</td>" not in view.orders.table.html.replace("</span>", "")


def test_the_table_has_the_room_until_the_board_is_asked_for(view):
    orders = view.orders
    assert (orders.table.layout.display, orders.board.layout.display) == (None, "none")
    click(view, "Board")
    assert (orders.table.layout.display, orders.board.layout.display) == ("none", None)


def test_the_first_line_is_that_of_the_mode_that_is_open(view):
    find_toggle(view, "Log").value = "Log"
    assert "rows in the log" in view.head.value
    find_toggle(view, "Log").value = "Orders"
    assert "2 active: 2 open" in view.head.value


def test_an_order_goes_from_open_to_completed(view):
    view.orders.on_pick("WO-1")
    press(view, "assign", technician="Ann")
    assert (stored(view).state, stored(view).assignee) == ("assigned", "Ann")
    press(view, "start")
    press(view, "hold", text="waits for a seal")
    assert stored(view).state == "on hold"
    press(view, "start")
    press(view, "complete", done="cleaned", hours=1.5)
    assert "Answer what is open on the checklist: " in texts(view)
    assert view.orders.actions.opened == "complete", "what was written is lost"
    for number, item in enumerate(view.orders.detail.checklist.fields, 1):
        field = view.orders.detail.checklist.fields[number - 1]
        field.value = True if isinstance(item.value, bool) else "nothing"
    view.orders.on_confirm(view.orders.actions.confirm)
    assert view.failure is None
    assert stored(view).state == "completed"
    assert "WO-1 is completed." in texts(view)
    trail = view.session.maintenance.orders.history("WO-1")
    assert "cleaned" in trail.to_string()


def test_assigning_offers_somebody_who_can_do_it(view):
    view.orders.on_pick("WO-1")
    press(view, "assign")
    assert view.failure is None
    assert stored(view).assignee == "Ann"


def test_a_card_is_carried_into_columns_that_take_it(view):
    orders = view.orders
    click(view, "Board")
    assert orders.board.html.count("<section") == 6
    orders.on_drop("WO-1\tcompleted")
    assert view.failure is not None
    assert stored(view).state == "open"
    orders.on_drop("WO-1\tassigned")
    assert orders.actions.opened == "assign"
    orders.actions.fields["technician"].value = "Ben"
    orders.on_confirm(orders.actions.confirm)
    orders.on_drop("WO-1\tin progress")
    assert (stored(view).state, stored(view).assignee) == ("in progress", "Ben")
    assert view.failure is None


def test_a_second_press_or_leave_it_changes_nothing(view):
    orders = view.orders
    for close in (
        lambda: orders.on_action(orders.actions.buttons["cancel"]),
        lambda: orders.on_cancel(orders.actions.cancel),
    ):
        orders.on_action(orders.actions.buttons["cancel"])
        assert orders.actions.opened == "cancel"
        close()
        assert orders.actions.opened == ""
    assert stored(view).state == "open"


def test_one_that_another_has_changed_is_not_overwritten(view):
    view.orders.on_pick("WO-1")
    view.session.maintenance.orders.assign("WO-1", "Ben", "Lee")
    press(view, "assign", technician="Ann")
    assert "Lee" in view.orders.actions.refusals.words
    assert stored(view).assignee == "Ben"


def test_an_order_is_opened_changed_remarked_and_cancelled(view):
    press(view, "new", asset="SMAP", channel="A-2", text="Replace A-2", hours=4.0, skills="rf")
    assert view.failure is None
    made = stored(view, "WO-3")
    assert (made.title, made.channel, made.estimated_hours, set(made.skills)) == ("Replace A-2", "A-2", 4.0, {"rf"})
    assert view.orders.order.number == "WO-3"
    press(view, "change", hours=6.0, words="with care")
    assert (stored(view, "WO-3").estimated_hours, stored(view, "WO-3").description) == (6.0, "with care")
    press(view, "comment", text="seal ordered")
    assert "seal ordered" in view.session.maintenance.orders.history("WO-3").to_string()
    press(view, "cancel", text="not needed")
    assert stored(view, "WO-3").state == "cancelled"


def test_values_that_are_seldom_meant_are_asked_once(view):
    press(view, "new", asset="SMAP", text="Replace", hours=600.0, skills="diving")
    assert "600 hours are more than three months of one person. No technician has diving." in texts(view)
    assert len(view.session.maintenance.orders.list()) == 2
    view.orders.on_confirm(view.orders.actions.confirm)
    assert stored(view, "WO-3").estimated_hours == 600.0


def begun_order_with_an_alert(view):
    """Return the numbers of a preventive order in progress, and of its open alert."""
    desk = view.session.maintenance
    alert = int(desk.alerts.list()["id"].iloc[0])
    number = desk.orders.from_alerts([alert], "Kim", type="preventive", title="Look", skills=[]).number
    desk.orders.assign(number, "Ann", "Kim")
    desk.orders.start(number, "Ann")
    for item, one in enumerate(desk.orders.get(number).checklist, 1):
        desk.orders.answer(number, item, "yes" if one.kind == "done" else "nothing", "Ann")
    view.refresh()
    view.orders.on_pick(number)
    return number, alert


def test_hours_below_0_are_refused_and_not_changed(view):
    view.orders.on_pick("WO-1")
    press(view, "change", hours=-4.0)
    assert "Hours must be between 0 and 10,000." in texts(view)
    assert stored(view).estimated_hours == 2


def test_a_verdict_is_chosen_by_a_person_and_must_go_with_the_failure(view):
    number, alert = begun_order_with_an_alert(view)
    alerts = view.session.maintenance.alerts
    press(view, "complete", done="looked", hours=-4.0)
    assert "Hours must be between 0 and 10,000." in texts(view), "before anything is asked of the desk"
    fields = view.orders.actions.fields
    fields["hours"].value = 1.0
    view.orders.on_confirm(view.orders.actions.confirm)
    assert "choose a verdict on them" in texts(view)
    fields["verdict"].value = "true"
    view.orders.on_confirm(view.orders.actions.confirm)
    assert "The alerts would be closed as real faults, although nothing had failed." in texts(view)
    assert (stored(view, number).state, alerts.get(alert).verdict) == ("in progress", None)
    fields["verdict"].value = "false alarm"
    view.orders.on_confirm(view.orders.actions.confirm)
    assert (stored(view, number).state, alerts.get(alert).verdict) == ("completed", "false alarm")


def test_a_completion_says_all_that_is_missing_at_once(view):
    number, _ = begun_order_with_an_alert(view)
    order = stored(view, number)
    stop = datetime(2026, 1, 2, 9, 0)
    press(
        view, "complete", failure="degradation", cost="cheap", hours=-4.0, down_from=stop, down_to=stop.replace(hour=8)
    )
    form = view.orders.actions
    assert [name for name, field in form.fields.items() if "wb-wrong" in field._dom_classes] == [
        "done", "hours", "verdict", "mode", "cost", "down_to",
    ]  # fmt: skip
    assert form.form.children[-1].children[0] is form.confirm, "the buttons stay at the end"
    assert form.refusals.words.count("role='alert'") == 6
    form.fields["done"].value = "cleaned"
    assert form.refusals.words.count("role='alert'") == 5, "a note goes with its cause"
    for name, value in {"hours": 1.0, "verdict": "true", "mode": "PDE", "cost": "12.5", "down_to": None}.items():
        form.fields[name].value = value
    assert form.refusals.words == ""
    view.orders.on_confirm(form.confirm)
    assert (stored(view, number).state, order.state) == ("completed", "in progress")


def test_sorting_and_a_link_show_the_same_again(view):
    view.orders.on_sort("title")
    first = view.orders.listed["number"].tolist()
    view.orders.on_sort("title")
    assert view.orders.listed["number"].tolist() == first[::-1]
    click(view, "Board")
    view.orders.on_pick("WO-2")
    again = Maintenance(view.session, state=view.state)
    assert again.state == view.state
    assert again.orders.order.number == "WO-2"
    again.close()


def test_a_channel_chosen_elsewhere_leads_to_its_order(view):
    view.orders.on_pick("WO-1")
    view.selection.choose(Selected("MSL", "M-5"))
    assert view.orders.order.number == "WO-2"
    view.restore(State({"mode": "nothing"}))
    assert "mode 'nothing'" in view.failure.what


def test_parts_that_are_no_numbers_are_refused(view):
    press(view, "new", asset="SMAP", text="Replace", needs="seal")
    assert "'seal' is not a part" in texts(view)
    assert len(view.session.maintenance.orders.list()) == 2


def test_an_order_names_the_cases_of_its_alerts_and_says_what_joined(view):
    desk = view.session.maintenance
    alert = desk.alerts.get(int(desk.alerts.list()["id"].iloc[0]))
    number = desk.orders.from_alerts([alert.id], "Ann").number
    finding = Finding(
        **{name: getattr(alert, name) for name in ("asset", "subsystem", "units", "kind", "start_time", "end_time")},
        **{name: getattr(alert, name) for name in ("level", "severity", "value", "threshold", "source", "message")},
        channel=alert.channel,
        start_sample=alert.end_sample + 30,
        end_sample=alert.end_sample + 40,
        ongoing=False,
    )
    (later,) = desk.alerts.raise_findings([], [finding]).raised
    desk.orders.by_rule("workbench")
    view.orders.on_pick(number)
    assert view.orders.detail.alerts.html.count(f"<td>{alert.case_id}</td>") == 2
    assert f"alert added {later} (case {alert.case_id})" in view.orders.detail.history.value


def test_an_order_shows_what_people_wrote_on_it_and_on_its_alerts(view):
    desk = view.session.maintenance
    alert = int(desk.alerts.list()["id"].iloc[0])
    desk.alerts.comment(alert, "Ann", "smells of <oil>")
    number = desk.orders.from_alerts([alert], "Ann").number
    desk.orders.comment(number, "key is at the gate", "Ben")
    view.orders.on_pick(number)
    remarks = view.orders.detail.remarks.value
    assert "smells of &lt;oil&gt;" in remarks
    assert f"alert {alert}" in remarks
    assert remarks.index("key is at the gate") < remarks.index("smells of")
    view.orders.on_pick("WO-1")
    assert view.orders.detail.remarks.value == ""
