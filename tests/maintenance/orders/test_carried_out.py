"""Orders as people work on them: several technicians, safety first, downtime, signatures, and orders from orders."""

from datetime import timedelta

import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.options import OrderOptions, OrderTemplate


@pytest.fixture
def desk(url, clock, tmp_path):
    with Maintenance(url, clock, files=tmp_path / "attachments") as opened:
        opened.people.set("Ann", "boss", rate=80.0)
        opened.people.set("Ben", "boss", rate=50.0)
        opened.parts.set("seal", "boss", stock=5)
        yield opened


@pytest.fixture
def orders(desk):
    return desk.orders


def begun(orders, **content):
    order = orders.new("boss", asset="SMAP", **{"type": "inspection", "checklist": [], **content})
    orders.assign(order.number, "Ann", "boss")
    return orders.start(order.number, "Ann")


def test_hours_of_several_technicians_cost_their_own_rates(orders, desk):
    """Ann 2 h at 80 and Ben 1.5 h at 50: 3.5 h and 235."""
    begun(orders)
    orders.book(1, "Ann", 3, "Ann")
    orders.book(1, "Ann", 2, "Ann")
    orders.book(1, "Ben", 1.5, "Ann")
    with pytest.raises(MaintenanceError, match=r"WO-1 has 3\.5 booked hours \(Ann 2, Ben 1\.5\), not 4"):
        orders.complete(1, "Ann", done="x", hours=4)
    done = orders.complete(1, "Ann", done="x")
    assert (done.actual_hours, done.actual_cost, done.labour) == (3.5, 235.0, {"Ann": 2.0, "Ben": 1.5})
    with pytest.raises(TransitionError, match="WO-1 is completed"):
        orders.book(1, "Ben", 1, "Ben")
    assert desk.verify_log().ok


def test_hours_that_are_taken_back_are_no_more_booked(orders):
    begun(orders)
    orders.book(1, "Ben", 1.5, "Ann")
    assert orders.book(1, "Ben", 0, "Ann").labour == {}
    with pytest.raises(MaintenanceError, match="its hours of work are missing"):
        orders.complete(1, "Ann", done="x")
    for technician, hours, words in (("Zoe", 1, "no technician 'Zoe'"), ("Ben", -1, "hours cannot be -1")):
        with pytest.raises(MaintenanceError, match=words):
            orders.book(1, technician, hours, "Ann")
    assert orders.complete(1, "Ann", done="x", hours=2).actual_cost == 160.0


def test_the_work_does_not_start_before_it_is_safe(orders):
    checklist = [{"text": "Locked out", "kind": "safety"}, {"text": "Hot work", "kind": "permit"}, {"text": "Clean"}]
    orders.new("boss", asset="SMAP", type="inspection", checklist=checklist)
    orders.assign(1, "Ann", "boss")
    orders.answer(1, 1, True, "Ann")
    with pytest.raises(TransitionError, match=r"before its safety steps and permits: Hot work\."):
        orders.start(1, "Ann")
    orders.answer(1, 2, "PTW-118", "Ann")
    assert orders.start(1, "Ann").state == "in progress"


def test_a_remark_is_kept_with_a_reading_out_of_range(orders, desk):
    begun(orders, checklist=[{"text": "Oil", "kind": "number", "high": 70}])
    with pytest.raises(MaintenanceError, match="add a remark"):
        orders.answer(1, 1, 71, "Ann")
    kept = orders.answer(1, 1, 71, "Ann", remark="cooler is blocked").checklist[0]
    assert (kept.answer, kept.remark, kept.out_of_range) == (71.0, "cooler is blocked", True)
    assert "cooler is blocked" in orders.history(1)["details"].iloc[-1]


def test_downtime_lies_in_the_past_and_ends_after_it_begins(orders, clock, desk):
    begun(orders)
    clock.forward(hours=5)
    for times, words in (
        ({"down_from": START + timedelta(hours=6)}, "that has not come yet"),
        ({"down_to": START}, "has an end and no begin"),
        ({"down_from": START + timedelta(hours=2), "down_to": START}, "before it begins"),
    ):
        with pytest.raises(MaintenanceError, match=words):
            orders.complete(1, "Ann", done="x", hours=1, **times)
    orders.change(1, "Ann", down_from=START)
    done = orders.complete(1, "Ann", done="x", hours=1, down_to=START + timedelta(hours=4))
    assert done.down_to - done.down_from == timedelta(hours=4)
    assert desk.verify_log().ok


def test_an_order_is_signed_by_name_and_time_and_approved_once_it_is_done(orders, clock):
    begun(orders)
    with pytest.raises(TransitionError, match="cannot be signed as approved by"):
        orders.sign(1, "Kim", "Kim", "approved by")
    clock.forward(hours=1)
    orders.complete(1, "Ann", done="x", hours=1, signature="Ann Able")
    clock.forward(hours=1)
    signed = orders.sign(1, "Kim Key", "Kim", "approved by")
    assert signed.signatures == (
        {"name": "Ann Able", "role": "done by", "time": "2026-03-02T09:00:00+00:00"},
        {"name": "Kim Key", "role": "approved by", "time": "2026-03-02T10:00:00+00:00"},
    )
    with pytest.raises(MaintenanceError, match="Kim Key has signed WO-1 as approved by already"):
        orders.sign(1, "Kim Key", "Kim", "approved by")


def test_an_order_is_not_signed_as_done_before_its_work_begins(orders):
    orders.new("boss", asset="SMAP", type="inspection")
    for _ in range(2):
        with pytest.raises(TransitionError, match=r"cannot be signed as done by\. Start the work first"):
            orders.sign(1, "Ann Able", "Ann")
        orders.assign(1, "Ann", "boss")
    with pytest.raises(TransitionError, match=r"signed as approved by\. Start the work first"):
        orders.sign(1, "Kim", "Kim", "approved by")
    orders.start(1, "Ann")
    orders.hold(1, "no lift", "Ann")
    assert [one["name"] for one in orders.sign(1, "Ann Able", "Ann").signatures] == ["Ann Able"]
    orders.cancel(1, "not needed", "boss")
    with pytest.raises(TransitionError, match=r"is cancelled and cannot be signed as done by\. Open a new"):
        orders.sign(1, "Bob", "Bob")


def test_an_order_that_is_reopened_is_signed_anew(orders, desk):
    begun(orders)
    orders.complete(1, "Ann", done="x", hours=1, signature="Ann Able")
    assert orders.reopen(1, "wrong order", "Kim").signatures == ()
    assert len(orders.complete(1, "Ann", done="y", hours=1, signature="Ann Able").signatures) == 1
    assert desk.verify_log().ok


def test_a_follow_up_is_at_the_same_place_and_after_what_is_still_open(orders):
    begun(orders, subsystem="P", channel="P-1", title="Tighten")
    later = orders.follow_up(1, "Ann", hours=3)
    assert (later.number, later.asset, later.channel, later.origin, later.origin_kind) == (
        "WO-2",
        "SMAP",
        "P-1",
        "WO-1",
        "follow-up",
    )
    assert (later.after, later.estimated_hours, later.title) == (("WO-1",), 3.0, "Follow-up of WO-1: Tighten")
    orders.complete(1, "Ann", done="x", hours=1)
    assert orders.follow_up(1, "Ann").after == ()


def test_a_split_shares_hours_and_open_items(orders):
    checklist = [{"text": "one"}, {"text": "two"}, {"text": "three"}]
    begun(orders, hours=5, checklist=checklist, parts={"seal": 2})
    orders.answer(1, 1, True, "Ann")
    for arguments, words in (
        ({"hours": 5}, "5 hours cannot be split off WO-1, which has 5"),
        ({"hours": 2, "items": [1]}, "Item 1 of WO-1 is answered"),
        ({"hours": 2, "items": [4]}, "no item 4"),
    ):
        with pytest.raises(MaintenanceError, match=words):
            orders.split(1, "Ann", **arguments)
    part = orders.split(1, "Ann", hours=2, items=[3])
    rest = orders.get(1)
    assert (part.estimated_hours, rest.estimated_hours) == (2.0, 3.0)
    assert [[one.text for one in order.checklist] for order in (rest, part)] == [["one", "two"], ["three"]]
    assert (part.parts, rest.parts[0]["needed"], part.due, part.origin_kind) == ((), 2, rest.due, "split")
    assert (part.priority.name, str(part.priority.parts[0].reason)) == (
        rest.priority.name,
        "as WO-1, off which it was split",
    )


@pytest.mark.parametrize(("of_first", "of_other"), [("urgent", "low"), ("low", "urgent")])
def test_the_higher_priority_holds_after_a_merge(orders, desk, of_first, of_other):
    for priority in (of_first, of_other):
        orders.new("Ann", asset="SMAP", priority=priority, checklist=[])
    both = orders.merge(1, 2, "Ann")
    assert (both.priority.name, both.priority.parts[0].reason) == ("urgent", "set to urgent by Ann")
    assert desk.verify_log().ok


def test_a_merge_takes_alerts_parts_items_and_the_earlier_date_along(orders, desk, finding):
    alerts = desk.alerts.raise_findings([], [finding(), finding(channel="P-2")]).raised
    orders.from_alerts([alerts[0]], "Ann", hours=2, parts={"seal": 1}, checklist=[{"text": "look"}, {"text": "note"}])
    orders.from_alerts([alerts[1]], "Ann", hours=3, parts={"seal": 2}, checklist=[{"text": "look"}])
    orders.new("Ann", asset="MSL", checklist=[])
    orders.new("Ann", asset="SMAP", after=["WO-1"], checklist=[])
    with pytest.raises(MaintenanceError, match="WO-1 is on SMAP and WO-3 on MSL"):
        orders.merge(1, 3, "Ann")
    with pytest.raises(MaintenanceError, match="cannot be merged into itself"):
        orders.merge(1, 1, "Ann")
    both = orders.merge(1, 2, "Ann")
    gone = orders.get(1)
    assert (gone.state, gone.origin, gone.origin_kind) == ("cancelled", "WO-2", "merged")
    assert (both.alerts, both.estimated_hours) == (tuple(alerts), 5.0)
    assert both.parts == ({"part": "seal", "needed": 3, "reserved": 3, "used": 0},)
    assert [one.text for one in both.checklist] == ["look", "note"]
    assert orders.get(4).after == ("WO-2",)
    assert Alerts(desk.database).get(alerts[0]).state != "closed"
    assert desk.orders_of_alerts() == {alerts[0]: "WO-2", alerts[1]: "WO-2"}
    orders.assign(2, "Ann", "boss")
    orders.start(2, "Ann")
    orders.new("Ann", asset="SMAP", checklist=[])
    with pytest.raises(TransitionError, match="The work on WO-2 has begun"):
        orders.merge(2, 5, "Ann")
    assert desk.verify_log().ok


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        ({"title": "Replace the seals", "channel": ""}, True),
        ({"title": "Paint it", "channel": "P-1"}, True),
        ({"title": "Paint it", "channel": ""}, False),
        ({"title": "Replace the seal", "channel": "", "asset": "MSL"}, False),
    ],
)
def test_a_second_order_for_the_same_work_is_questioned(desk, content, asked):
    desk.orders.new("Ann", asset="SMAP", channel="P-1", title="Replace the seal.", checklist=[])
    questions = desk.questions(**{"asset": "SMAP", **content})
    assert questions == (("WO-1 is open on P-1 already: Replace the seal.",) if asked else ())
    desk.orders.cancel(1, "not needed", "Ann")
    assert desk.questions(**{"asset": "SMAP", **content}) == ()


def test_a_look_at_the_telemetry_is_asked_for_alerts_only(orders, desk, finding):
    (alert,) = desk.alerts.raise_findings([], [finding()]).raised
    by_alert, by_hand = orders.from_alerts([alert], "Ann"), orders.new("Ann", asset="SMAP")
    assert [one.text for one in by_alert.checklist] == [
        "Compare the telemetry with its forecast around the anomaly",
        "What was found",
    ]
    assert [one.text for one in by_hand.checklist] == ["What was found"]
    leak = orders.new("Ann", asset="SMAP", mode="elp")
    assert [one.kind for one in leak.checklist][:2] == ["safety", "safety"]
    assert "Tight after the repair, at working pressure" in [one.text for one in leak.checklist]
    with pytest.raises(MaintenanceError, match="'XYZ' is not a failure mode"):
        orders.new("Ann", asset="SMAP", mode="xyz")


def test_the_most_special_template_is_taken():
    names = {"P": 1, "SMAP/P": 2, ":VIB": 3, "P:VIB": 4, "SMAP/P:VIB": 5, "default": 6}
    options = OrderOptions(templates={name: OrderTemplate(hours=hours) for name, hours in names.items()})
    places = [("SMAP", "P", "VIB"), ("MSL", "P", "VIB"), ("MSL", "T", "VIB"), ("SMAP", "P", "OTH"), ("MSL", "T", "")]
    assert [options.template(*place).hours for place in places] == [5, 4, 3, 2, 6]


def test_orders_are_filtered_by_whom_and_what_they_wait_for(orders):
    orders.new("Ann", asset="SMAP", parts={"seal": 9}, checklist=[])
    orders.new("Ann", asset="SMAP", parts={"seal": 6}, checklist=[])
    orders.assign(2, "Ben", "boss")
    assert orders.list(waiting_for_parts=True)["number"].tolist() == ["WO-1", "WO-2"]  # the first has all five
    orders.cancel(1, "not needed", "Ann")
    assert orders.list(unassigned=True, state=None)["number"].tolist() == ["WO-1"]
    assert orders.list(waiting_for_parts=True, state=None)["number"].tolist() == ["WO-2"]
