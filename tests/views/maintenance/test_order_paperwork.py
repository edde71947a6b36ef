"""What a planner does with an order beside its states, in the page: parts of it, files, hours, signatures, downtime."""

from datetime import UTC, datetime

import pytest

from tests.fake_session import small_fleet
from tests.maintenance.orders.test_attachments import PDF, photo
from tests.views.look import texts
from workbench.views.maintenance.view import Maintenance


@pytest.fixture
def view():
    session = small_fleet()
    desk = session.maintenance
    desk.people.set("Ann", "Kim", skills=["rf"], rate=80.0)
    desk.people.set("Ben", "Kim", rate=50.0)
    checklist = [{"text": "Close the valve"}, {"text": "Open the valve"}]
    desk.orders.new("Kim", asset="SMAP", type="inspection", title="Look at P-1", hours=6, checklist=checklist)
    opened = Maintenance(session)
    opened.orders.on_pick("WO-1")
    yield opened
    opened.close()


@pytest.fixture
def desk(view):
    return view.session.maintenance


def press(view, action, **values):
    actions = view.orders.actions
    view.orders.on_action(actions.buttons[action])
    for name, value in values.items():
        actions.fields[name].value = value
    view.orders.on_confirm(actions.confirm)


def test_hours_and_items_are_split_off(view, desk):
    press(view, "split", hours=2.0, items=(2,), text="Second half")
    assert "WO-2 is split off." in texts(view)
    orders = [desk.orders.get(number) for number in ("WO-1", "WO-2")]
    assert [one.estimated_hours for one in orders] == [4.0, 2.0]
    assert [[item.text for item in one.checklist] for one in orders] == [["Close the valve"], ["Open the valve"]]
    assert (orders[1].title, view.orders.order.number) == ("Second half", "WO-2")


def test_an_order_is_merged_into_another_of_its_asset(view, desk):
    press(view, "merge")
    assert "No order to merge WO-1 into is chosen." in texts(view)
    desk.orders.new("Kim", asset="MSL", type="inspection", title="Elsewhere", hours=1)
    other = desk.orders.new("Kim", asset="SMAP", type="inspection", title="Grease", hours=2).number
    view.orders.on_cancel(view.orders.actions.cancel)
    view.orders.on_action(view.orders.actions.buttons["merge"])
    assert [number for _, number in view.orders.actions.fields["into"].options] == ["", other]
    view.orders.actions.fields["into"].value = other
    view.orders.on_confirm(view.orders.actions.confirm)
    assert (desk.orders.get("WO-1").state, desk.orders.get(other).estimated_hours) == ("cancelled", 8.0)


def test_a_follow_up_waits_for_the_order(view, desk):
    press(view, "follow-up", text="Paint it", hours=3.0)
    made = desk.orders.get("WO-2")
    assert (made.title, made.asset, made.estimated_hours, made.after) == ("Paint it", "SMAP", 3.0, ("WO-1",))


def test_a_photo_is_attached_as_it_came_and_a_text_is_refused(view, desk, tmp_path):
    press(view, "attach")
    assert "No file has come." in texts(view)
    field = view.orders.actions.fields["file"]
    for name, content in (("notes.txt", b"oil"), ("leak.jpg", photo())):
        path = tmp_path / name
        path.write_bytes(content)
        field.on_file(path)
        view.orders.on_confirm(view.orders.actions.confirm)
        if name == "notes.txt":
            assert "notes.txt is neither a photo" in texts(view)
            assert desk.orders.get("WO-1").attachments == ()
    (attached,) = desk.orders.get("WO-1").attachments
    assert desk.orders.files.read(attached["file"]) == photo()
    assert field.value is None, "the next order would get the same file"


def test_hours_of_several_are_booked_all_or_none(view, desk):
    press(view, "book", labour="Ann=2, Eve=1")
    assert "Eve" in texts(view)
    assert desk.orders.get("WO-1").labour == {}
    view.orders.actions.fields["labour"].value = "Ann=2, Ben=1.5"
    view.orders.on_confirm(view.orders.actions.confirm)
    assert desk.orders.get("WO-1").labour == {"Ann": 2.0, "Ben": 1.5}
    press(view, "book", labour="Ann=0, Ben=1.5")
    assert desk.orders.get("WO-1").labour == {"Ben": 1.5}


@pytest.mark.parametrize(
    ("labour", "words"),
    [("Ann=1, Ann=2", "'Ann' is entered twice."), ("Ann=900", "900 hours are more than three months")],
)
def test_hours_that_are_seldom_meant_are_not_booked_at_once(view, desk, labour, words):
    press(view, "book", labour=labour)
    assert words in texts(view)
    assert desk.orders.get("WO-1").labour == {}


def test_a_part_is_entered_once(view, desk):
    press(view, "new", asset="SMAP", text="Replace it", needs="seal=2, seal=1")
    assert "'seal' is entered twice." in texts(view)
    assert len(desk.orders.list()) == 1


def test_what_others_changed_while_the_form_was_open_is_not_written_over(view, desk):
    view.orders.on_action(view.orders.actions.buttons["change"])
    desk.orders.change("WO-1", "Ben", description="Mind the hot pipe", hours=8.0)
    view.refresh()
    view.orders.actions.fields["priority"].value = "urgent"
    view.orders.on_confirm(view.orders.actions.confirm)
    assert "Ben" in texts(view)
    order = desk.orders.get("WO-1")
    assert (order.description, order.estimated_hours) == ("Mind the hot pipe", 8.0)
    view.orders.on_cancel(view.orders.actions.cancel)
    press(view, "change", priority="urgent")
    order = desk.orders.get("WO-1")
    assert (order.description, order.estimated_hours, order.priority.name) == ("Mind the hot pipe", 8.0, "urgent")


def test_the_planner_may_be_allowed_to_reassign(view, desk):
    press(view, "assign", technician="Ann", may_reassign=True)
    assert desk.orders.get("WO-1").may_reassign
    press(view, "change", may_reassign=False)
    assert not desk.orders.get("WO-1").may_reassign


def test_downtime_is_entered_at_completion_and_changed_before(view, desk):
    press(view, "assign", technician="Ann")
    view.orders.on_action(view.orders.actions.buttons["start"])
    press(view, "change", down_from=datetime(2026, 1, 2, 6, 0))
    assert desk.orders.get("WO-1").down_from == datetime(2026, 1, 2, 6, tzinfo=UTC)
    for item in (1, 2):
        desk.orders.answer("WO-1", item, "yes", "Ann")
    view.refresh()
    press(view, "complete", done="looked", hours=2.0, down_to=datetime(2026, 1, 2, 5, 0))
    assert "cannot run again before it stopped, at 2026-01-02 06:00 UTC" in texts(view)
    view.orders.actions.fields["down_to"].value = datetime(2026, 1, 2, 9, 30)
    view.orders.on_confirm(view.orders.actions.confirm)
    order = desk.orders.get("WO-1")
    assert (order.state, order.down_to) == ("completed", datetime(2026, 1, 2, 9, 30, tzinfo=UTC))
    press(view, "sign", text="Ann Lee")
    assert [(one["role"], one["name"]) for one in desk.orders.get("WO-1").signatures] == [("approved by", "Ann Lee")]


def test_an_order_is_opened_on_a_component(view, desk):
    desk.register.add("SMAP", "asset", "Kim")
    desk.register.add("Pump-9", "asset", "Kim")
    desk.register.add("Seal", "component", "Kim", parent="Pump-9")
    view.orders.on_action(view.orders.actions.buttons["new"])
    assert view.orders.actions.fields["asset"].value == "SMAP", "that of the order that is shown"
    assert "P-1" in dict(view.orders.actions.fields["channel"].options)
    view.orders.on_cancel(view.orders.actions.cancel)
    press(view, "new", asset="Pump-9", place="Pump-9/Seal", text="Replace the seal")
    made = desk.orders.get("WO-2")
    assert (made.asset, made.component, made.title) == ("Pump-9", "Seal", "Replace the seal")


def test_the_form_of_a_new_order_calls_assets_as_the_catalog_does(view, desk, monkeypatch):
    desk.register.add("Pump-9", "asset", "Kim")
    asset = view.session.catalog.asset
    monkeypatch.setattr(
        type(view.session.catalog),
        "asset",
        lambda _, name: asset(name).model_copy(update={"name": "Pump 9"}) if name == "Pump-9" else asset(name),
    )
    view.orders.on_action(view.orders.actions.buttons["new"])
    assert ("Pump 9", "Pump-9") in view.orders.actions.fields["asset"].options
    view.orders.on_cancel(view.orders.actions.cancel)
    press(view, "new", asset="Pump-9", text="Replace the seal")
    assert desk.orders.get("WO-2").asset == "Pump-9"


def test_the_form_of_a_new_order_stands_under_a_title_of_its_own(view, desk):
    orders = view.orders
    assert "WO-1" in orders.detail.title.value
    for close in (
        lambda: orders.on_cancel(orders.actions.cancel),
        lambda: orders.on_action(orders.actions.buttons["new"]),
        lambda: orders.on_pick("WO-1"),
    ):
        orders.on_action(orders.actions.buttons["new"])
        view.refresh()  # what others do meanwhile changes nothing of the form
        assert orders.detail.title.value == "<h2>New work order</h2>"
        assert orders.detail.body.layout.display == orders.actions.bar.layout.display == "none"
        assert orders.actions.opened == "new"
        close()
        assert "WO-1" in orders.detail.title.value and not orders.actions.opened
        assert orders.detail.body.layout.display is orders.actions.bar.layout.display is None
    press(view, "new", asset="SMAP", channel="", text="")
    assert desk.orders.get("WO-2").title == "Inspect SMAP"
    assert "WO-2 Inspect SMAP" in orders.detail.title.value


def test_a_request_becomes_an_order_joins_one_or_is_rejected(view, desk):
    for words, files in (("Oil below the pump", [("a.jpg", photo())]), ("It leaks", [("b.pdf", PDF)]), ("Hums", ())):
        desk.requests.report("SMAP", words, reporter="Uma", photos=files)
    mode = view.requests
    view._mode.value = "Requests"
    assert "3 requests to decide" in view.head.value
    assert mode.request.number == "RQ-1", "the oldest comes first"
    mode.form.fields["priority"].value = "high"
    mode.on_accept(mode.accept)
    order = desk.orders.get("WO-2")
    assert (order.title, order.priority.name, len(order.attachments)) == ("Oil below the pump", "high", 1)
    assert "RQ-1 is WO-2 now." in texts(view)
    assert view.state["report"] == "RQ-2"
    assert mode.form.fields["priority"].value == "automatic", "that of the request before"
    assert mode.request.number == "RQ-2"
    mode.form.fields["order"].value = "WO-2"
    mode.on_join(mode.join)
    joined = desk.orders.get("WO-2")
    assert "It leaks" in joined.description and [one["name"] for one in joined.attachments] == ["a.jpg", "b.pdf"]
    mode.on_reject(mode.reject)
    assert mode.form.refused == "reason"
    mode.form.fields["reason"].value = "It always hums"
    mode.on_reject(mode.reject)
    assert desk.requests.get(3).reason == "It always hums"
    assert "RQ-3 is rejected." in mode._detail.value
    assert "nothing to decide" in view.head.value
    mode.state.value = "rejected"
    assert mode.request.number == "RQ-3"
    assert mode.form.box.layout.display == "none", "it is decided already"


def test_a_decision_that_is_being_entered_stays_when_others_report(view, desk):
    desk.requests.report("SMAP", "Oil below the pump")
    mode = view.requests
    view._mode.value = "Requests"
    entered = {"title": "Find the leak", "hours": 3.0, "order": "WO-1", "priority": "high"}
    for name, value in entered.items():
        mode.form.fields[name].value = value
    desk.requests.report("SMAP", "It hums")
    desk.orders.new("Ben", asset="SMAP", type="inspection", title="Grease", hours=2)
    view.outdate()
    view.refresh()
    assert len(mode.listed) == 2
    assert {name: mode.form.fields[name].value for name in entered} == entered


@pytest.mark.parametrize(
    ("values", "field"),
    [({"hours": -3.0}, "hours"), ({"hours": 20_000.0}, "hours"), ({"due": datetime(2020, 1, 1)}, "due")],
)
def test_a_request_becomes_no_order_of_absurd_hours_or_of_the_past(view, desk, values, field):
    desk.requests.report("SMAP", "Oil below the pump")
    mode = view.requests
    view._mode.value = "Requests"
    for name, value in values.items():
        mode.form.fields[name].value = value
    mode.on_accept(mode.accept)
    assert mode.form.refused == field
    assert desk.requests.get(1).state == "new"
