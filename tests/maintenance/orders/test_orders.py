"""The life of a work order, on SQLite and PostgreSQL."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import ConflictError, MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.known.table import KnownEventRow, KnownMatch
from workbench.maintenance.options import OrderOptions, OrderTemplate
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.parts import Parts
from workbench.maintenance.orders.people import People

PLAIN = OrderTemplate(title="Look at {channel} of {asset}", hours=3, checklist=())


@pytest.fixture
def orders(database):
    people = People(database)
    people.set("Ann", "boss", skills=["rf", "power"], rate=80)
    people.set("Bob", "boss", skills=["power"], rate=50)
    return WorkOrders(database, OrderOptions(templates={"default": PLAIN}), {"SMAP": 5}.get)


@pytest.fixture
def alerts(database):
    return Alerts(database)


def raised(alerts, finding, **changed):
    (number,) = alerts.raise_findings([], [finding(**changed)]).raised
    return number


def carried(orders, number):
    orders.assign(number, "Bob", "boss")
    return orders.start(number, "Bob")


def actions(orders, number):
    return orders.history(number)["action"].tolist()


def test_from_alert_to_completion_with_its_verdict(orders, alerts, finding, clock):
    alert = raised(alerts, finding, level="critical")
    order = orders.from_alerts([alert], "Ann")
    assert (order.number, order.state, order.type) == ("WO-1", "open", "predictive")
    assert (order.title, order.description) == ("Look at P-1 of SMAP", "P-1 left its forecast")
    assert order.alerts == (alert,)
    assert order.priority.name == "high"
    assert "criticality 5" in str(order.priority)
    assert order.due == START + timedelta(days=3)
    carried(orders, order.number)
    clock.forward(hours=5)
    done = orders.complete(
        "wo-1",
        "Bob",
        done="cable replaced",
        hours=2.5,
        failure="Functional failure",
        mode="pde",
        cause="3.4",
        verdict="true",
    )
    assert (done.state, done.actual_hours, done.actual_cost) == ("completed", 2.5, 125.0)
    assert (done.failure.mode, done.closed_at) == ("PDE", clock.now)
    closed = alerts.get(alert)
    assert (closed.state, closed.verdict, closed.comment) == ("closed", "true", "WO-1: cable replaced")
    assert actions(orders, 1) == ["opened", "assigned", "in progress", "completed"]
    assert log.verify(orders.database).ok


def test_a_completion_that_lacks_something_changes_nothing(orders, alerts, finding):
    order = orders.from_alerts(
        [raised(alerts, finding)], "Ann", checklist=[{"text": "Voltage", "kind": "number", "units": "V", "high": 30}]
    )
    with pytest.raises(TransitionError, match=r"WO-1 is open: it cannot become completed"):
        orders.complete(1, "Bob", done="x", hours=1)
    carried(orders, 1)
    completion = {"done": "x", "hours": 1.0, "failure": "functional failure", "mode": "PDE", "verdict": "true"}
    with pytest.raises(TransitionError, match="open items on its checklist, Voltage"):
        orders.complete(1, "Bob", **completion)
    orders.answer(1, 1, "28.5", "Bob")
    before = log.verify(orders.database)
    for changed, message in (
        ({"verdict": None}, "WO-1 cannot be completed: it has open alerts, 1"),
        ({"verdict": "perhaps"}, "is not a verdict"),
        ({"mode": ""}, "cannot be completed without a failure mode"),
        ({"mode": "XYZ"}, "is not a failure mode of ISO 14224"),
        (
            {"failure": ""},
            r"not said whether something had failed\. Say it as the failure: functional failure, degradation, none",
        ),
        ({"failure": "broken"}, "'broken' is not a kind of failure"),
        ({"failure": "none"}, "nothing had failed, and yet there are codes of a failure, PDE parameter deviation"),
        ({"verdict": "false alarm"}, "a functional failure does not go with the verdict false alarm"),
        ({"hours": -1}, "hours cannot be -1"),
        ({"hours": float("nan")}, "hours cannot be nan"),
        ({"done": " "}, "The description of what was done is empty"),
        ({"used": {"bolt": 1}}, "There is no part 'bolt'"),
    ):
        with pytest.raises(MaintenanceError, match=message):
            orders.complete(1, "Bob", **(completion | changed))
    assert log.verify(orders.database) == before
    assert orders.get(1).state == "in progress"
    assert (
        orders.complete(1, "Bob", **(completion | {"verdict": "test", "mode": "", "failure": ""})).state == "completed"
    )
    assert order.checklist[0].answer is None
    assert orders.get(1).checklist[0].answer == 28.5


def test_never_two_orders_for_one_cause(orders, alerts, finding):
    one, two = raised(alerts, finding), raised(alerts, finding, start_sample=500, end_sample=520)
    other = raised(alerts, finding, channel="M-1", asset="MSL")
    orders.from_alerts([one, two], "Ann")
    with pytest.raises(MaintenanceError, match=r"Alert 2 has a work order already: WO-1 \(open\)"):
        orders.from_alerts([two], "Ann")
    with pytest.raises(MaintenanceError, match=r"Alerts of 2 assets .*MSL, SMAP"):
        orders.from_alerts([one, other], "Ann")
    with pytest.raises(MaintenanceError, match="There is no alert 77"):
        orders.from_alerts([77], "Ann")
    orders.cancel(1, "wrong asset", "Ann")
    assert orders.from_alerts([two], "Ann").number == "WO-2"


def test_the_priority_of_an_order_by_hand_does_not_say_that_there_were_no_alerts(orders, alerts, finding):
    """It does not count those that it was not opened for, and says so."""
    raised(alerts, finding)
    by_hand = orders.new("Ann", asset="SMAP", channel="P-1")
    assert "0 alerts in 30 days" not in str(by_hand.priority)
    assert "0.00 frequency (alerts in 30 days not counted)" in str(by_hand.priority)
    caused = orders.from_alerts([1], "Ann")
    assert "frequency (1 alert in 30 days)" in str(caused.priority)


def test_rules_open_one_order_a_channel_and_add_to_it(orders, alerts, finding):
    raised(alerts, finding, level="medium", channel="P-9")
    first = raised(alerts, finding)
    assert orders.by_rule("workbench") == {"opened": ("WO-1",), "extended": ()}
    assert orders.by_rule("workbench") == {"opened": (), "extended": ()}
    score = orders.get(1).priority.score
    second = raised(alerts, finding, start_sample=500, end_sample=520, level="critical")
    elsewhere = raised(alerts, finding, channel="P-2")
    assert orders.by_rule("workbench") == {"opened": ("WO-2",), "extended": ("WO-1",)}
    assert orders.get(1).alerts == (first, second)
    assert orders.get(1).priority.score > score
    assert orders.get(2).alerts == (elsewhere,)
    orders.cancel(2, "known", "Ann")
    assert orders.by_rule("workbench") == {"opened": (), "extended": ()}  # somebody has decided
    off = WorkOrders(orders.database, OrderOptions(open_from_level=None))
    raised(alerts, finding, channel="P-3")
    assert off.by_rule("workbench")["opened"] == ()


def test_rules_open_one_order_a_case_and_add_to_it(orders, alerts, finding):
    def at(channel, minute, **changed):
        times = {name: START + timedelta(minutes=minute) for name in ("start_time", "end_time")}
        return raised(alerts, finding, channel=channel, start_sample=minute, end_sample=minute + 5, **times, **changed)

    low = at("A-1", 0, level="low")
    assert orders.by_rule("workbench") == {"opened": (), "extended": ()}
    first = at("P-1", 10)
    assert orders.by_rule("workbench") == {"opened": ("WO-1",), "extended": ()}
    order = orders.get(1)
    assert order.alerts == (low, first), "the whole case, whatever the level"
    assert (order.title, order.channel) == ("Look at A-1 and 1 other channel of SMAP", "")
    assert order.description.startswith("SMAP: A-1 moved first at 2026-03-02 08:00:00 UTC, P-1 10 min later; ")
    followers = at("P-2", 20, level="critical"), at("P-3", 30, level="info")
    assert orders.by_rule("workbench") == {"opened": (), "extended": ("WO-1",)}
    assert orders.get(1).alerts == (low, first, *followers)
    assert actions(orders, 1) == ["opened", "alert added", "alert added"]
    details = [json.loads(text) for text in orders.history(1)["details"][1:]]
    assert [(one["alert"], one["case"]) for one in details] == [(number, 1) for number in followers]
    later = at("P-4", 300)
    assert orders.by_rule("workbench") == {"opened": ("WO-2",), "extended": ()}
    assert orders.get(2).alerts == (later,)
    between = at("P-5", 60), at("P-6", 110), at("P-7", 165), at("P-8", 220), at("P-9", 265)
    assert orders.by_rule("workbench")["opened"] == (), "two cases became one: both orders stay, and none is added"
    assert orders.get(1).alerts == (low, first, *followers, *between)
    assert orders.get(2).alerts == (later,)


def test_titles_and_descriptions_name_assets_as_people_do(orders, alerts, finding):
    old, new = orders, WorkOrders(orders.database, orders.options, asset_name={"SMAP": "Soil moisture"}.get)
    old.from_alerts([raised(alerts, finding)], "Ann")  # as an earlier release has titled it
    raised(alerts, finding, start_sample=5000, end_sample=5040)
    new.by_rule("workbench")
    assert new.get(1).title == "Look at P-1 of Soil moisture (2 cases)"
    at = {"start_time": START, "end_time": START, "start_sample": 9000, "end_sample": 9040}
    two = [raised(alerts, finding, channel=name, **at) for name in ("T-1", "T-2")]
    order = new.from_alerts(two, "Ann")
    assert order.title == "Look at T-1 and 1 other channel of Soil moisture"
    assert order.description.startswith("Soil moisture: T-1 moved first at 2026-03-02 ")
    assert order.asset == "SMAP"


def test_an_order_that_takes_in_more_says_so_in_title_description_and_history(orders, alerts, finding):
    def at(channel, minute):
        times = {name: START + timedelta(minutes=minute) for name in ("start_time", "end_time")}
        place = {"start_sample": minute, "end_sample": minute + 5}
        return raised(alerts, finding, channel=channel, message=f"{channel} at {minute}", **place, **times)

    at("P-1", 0)
    assert orders.by_rule("workbench") == {"opened": ("WO-1",), "extended": ()}
    at("P-1", 600)
    assert orders.by_rule("workbench")["extended"] == ("WO-1",)
    assert (orders.get(1).title, orders.get(1).channel) == ("Look at P-1 of SMAP (2 cases)", "P-1")
    assert orders.get(1).description == "P-1 at 0\nP-1 at 600"
    at("A-1", 601), at("P-1", 602)
    assert orders.by_rule("workbench")["extended"] == ("WO-1",)
    order = orders.get(1)
    assert (order.title, order.channel) == ("Look at P-1 and 1 other channel of SMAP (2 cases)", "")
    assert order.description.split("\n")[2:] == [
        "SMAP: A-1 moved first at 2026-03-02 18:01:00 UTC, P-1 1 min later; 2 channels, worst high.",
        "A-1 at 601",
        "P-1 at 602",
    ]
    assert json.loads(orders.history(1)["details"].iloc[-1])["title"] == order.title
    at("P-1", 1800), at("B-1", 1801)
    assert orders.by_rule("workbench") == {"opened": (), "extended": ("WO-1",)}, "P-1 is worked on once"
    assert orders.get(1).title == "Look at P-1 and 2 other channels of SMAP (3 cases)"
    assert orders.get(1).description.endswith("2 channels, worst high.\nP-1 at 1800\nB-1 at 1801")


def test_what_a_person_wrote_of_an_order_stays_when_alerts_join_it(orders, alerts, finding):
    orders.from_alerts([raised(alerts, finding)], "Ann", title="Change the pump", description="Ask Bob first.")
    raised(alerts, finding, start_sample=500, end_sample=520, message="Again")
    assert orders.by_rule("workbench")["extended"] == ("WO-1",)
    assert (orders.get(1).title, orders.get(1).description) == ("Change the pump", "Ask Bob first.\nAgain")


def test_an_order_completed_as_a_real_fault_leaves_known_events_open(orders, alerts, finding):
    match = KnownMatch(1, "Purge", 0.1, 0.5, "high", "P-1 left its forecast.")
    with orders.database.writing() as db:
        db.add(
            KnownEventRow(
                id=1,
                channel="P-1",
                asset="SMAP",
                name="Purge",
                enabled=True,
                learnt_bound=0.5,
                created_at=START,
                created_by="Ann",
            )
        )
    fault = raised(alerts, finding)
    known = raised(alerts, finding, start_sample=500, end_sample=520, known=match)
    orders.from_alerts([fault, known], "Ann")
    carried(orders, 1)
    orders.complete(1, "Bob", done="New seal", hours=1, failure="functional failure", mode="ELP", verdict="true")
    assert (alerts.get(fault).verdict, alerts.get(known).closed_at) == ("true", None)
    assert json.loads(orders.history(1)["details"].iloc[-1])["known events left open"] == [known]
    outcome = alerts.each("close", [known], "Ann", verdict="true")
    assert outcome["done"].all(), "by itself it can be a real fault"


def test_an_order_by_hand_for_alerts_of_a_case_is_extended_too(orders, alerts, finding):
    times = {"start_time": START, "end_time": START + timedelta(minutes=5)}
    one, two = (raised(alerts, finding, channel=name, **times) for name in ("P-1", "P-2"))
    orders.from_alerts([one], "Ann", title="Look")
    assert orders.by_rule("workbench") == {"opened": (), "extended": ("WO-1",)}
    assert orders.get(1).alerts == (one, two)


def test_orders_grow_more_urgent_with_age_unless_somebody_has_set_them(orders, alerts, finding, clock):
    orders.from_alerts([raised(alerts, finding, level="high")], "Ann")
    orders.new("Ann", asset="SMAP", priority="low")
    before = orders.get(1).priority
    assert orders.reprioritise("workbench") == ()
    clock.forward(days=30)
    changed_orders = orders.reprioritise("workbench")
    now = orders.get(1).priority
    assert dict((part.name, part.value) for part in now.parts)["age"] == 1
    assert dict((part.name, part.value) for part in before.parts)["age"] == 0
    assert changed_orders == (() if now.name == before.name else ("WO-1",))
    assert orders.get(2).priority.name == "low"
    alerts.raise_findings([], [finding(start_sample=at, end_sample=at + 9, level="low") for at in (500, 600, 700, 800)])
    assert orders.reprioritise("workbench") == ("WO-1",)
    assert actions(orders, 1)[-1] == "reprioritised"


def test_only_allowed_transitions_with_who_and_why(orders):
    orders.new("Ann", asset="SMAP", skills=["rf"])
    with pytest.raises(TransitionError, match="WO-1 is open: it cannot become in progress"):
        orders.start(1, "Bob")
    with pytest.raises(MaintenanceError, match="Bob cannot do WO-1: they do not have rf"):
        orders.assign(1, "Bob", "boss")
    with pytest.raises(MaintenanceError, match=r"There is no technician 'Eve'\. Known: Ann, Bob"):
        orders.assign(1, "Eve", "boss")
    assert orders.assign(1, "Ann", "boss").estimated_cost == 240
    orders.start(1, "Ann")
    with pytest.raises(MaintenanceError, match="The reason for the hold is empty"):
        orders.hold(1, "", "Ann")
    assert orders.hold(1, "no access", "Ann").hold_reason == "no access"
    assert orders.start(1, "Ann").hold_reason == ""
    orders.cancel(1, "no longer needed", "boss")
    with pytest.raises(TransitionError, match="WO-1 is cancelled and cannot be changed"):
        orders.start(1, "Ann")
    assert actions(orders, 1) == ["opened", "assigned", "in progress", "on hold", "in progress", "cancelled"]


def test_an_order_waits_for_those_before_it(orders):
    orders.new("Ann", asset="SMAP")
    later = orders.new("Ann", asset="SMAP", after=["WO-1"])
    assert later.after == ("WO-1",)
    orders.assign(2, "Bob", "boss")
    with pytest.raises(TransitionError, match="WO-2 waits for WO-1"):
        orders.start(2, "Bob")
    orders.cancel(1, "done otherwise", "Ann")
    assert orders.start(2, "Bob").state == "in progress"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"asset": " "}, "The asset is empty"),
        ({"type": "repair"}, "'repair' is not a type"),
        ({"hours": 0}, "hours cannot be 0"),
        ({"hours": -2}, "hours cannot be -2"),
        ({"priority": "soon"}, "'soon' is not a priority"),
        ({"due": datetime(2026, 1, 1)}, "no time zone"),
        ({"after": ["WO-9"]}, "There is no work order WO-9"),
        ({"after": ["nine"]}, "'nine' is not the number"),
        ({"parts": {"bolt": 1}}, "There is no part 'bolt'"),
        ({"checklist": [{"text": "x", "kind": "photo"}]}, "unknown type of answer"),
    ],
)
def test_an_order_that_cannot_be_is_refused_whole(orders, given, message):
    before = log.verify(orders.database)
    with pytest.raises(MaintenanceError, match=message):
        orders.new("Ann", **({"asset": "SMAP"} | given))
    assert log.verify(orders.database) == before
    assert orders.list(state=None).empty


def test_who_saw_another_version_is_told(orders):
    seen_version = orders.new("Ann", asset="SMAP").version
    orders.change(1, "Bob", priority="urgent", version=seen_version)
    with pytest.raises(ConflictError, match=r"Order 1 was changed in between .*changed by Bob"):
        orders.assign(1, "Ann", "boss", version=seen_version)
    assert orders.get(1).priority.name == "urgent"
    assert str(orders.get(1).priority).endswith("(set to urgent by Bob)")
    with pytest.raises(MaintenanceError, match="WO-1 was not changed: no new value was passed"):
        orders.change(1, "Bob")


def test_the_list_filters_and_shows_what_is_late(orders, clock):
    orders.new("Ann", asset="SMAP", title="Replace the pump", due=START + timedelta(days=1), priority="low")
    orders.new("Ann", asset="MSL", type="emergency")
    orders.new("Ann", asset="MSL", type="inspection", priority="medium")
    orders.assign(3, "Bob", "boss")
    assert orders.list()["number"].tolist() == ["WO-2", "WO-3", "WO-1"]
    assert orders.list(state="assigned", assignee="Bob")["number"].tolist() == ["WO-3"]
    assert orders.list(asset="MSL", type="emergency")["priority"].tolist() == ["urgent"]
    assert orders.list(text="PUMP")["number"].tolist() == ["WO-1"]
    clock.forward(days=1, hours=1)
    late = orders.list(overdue=True)
    assert late["number"].tolist() == ["WO-2", "WO-1"]
    assert late["overdue"].all()
    orders.cancel(1, "no", "Ann")
    assert orders.list(overdue=True)["number"].tolist() == ["WO-2"]
    assert len(orders.list(state=None)) == 3
    assert orders.list(limit=1, offset=1)["number"].tolist() == ["WO-3"]
    with pytest.raises(MaintenanceError, match="is not a state"):
        orders.list(state="new")


def test_parts_are_reserved_used_and_given_back(orders):
    parts = Parts(orders.database)
    parts.set("bolt", "boss", stock=5, minimum=3, unit_cost=2.0)
    first = orders.new("Ann", asset="SMAP", parts={"bolt": 4}, priority="low")
    second = orders.new("Ann", asset="SMAP", parts={"bolt": 4}, priority="urgent")
    assert [order.parts[0]["reserved"] for order in (first, second)] == [4, 1]
    (row,) = parts.list().to_dict(orient="records")
    assert (row["stock"], row["reserved"], row["available"], row["below"]) == (5, 5, 0, True)
    with pytest.raises(MaintenanceError, match="5 of bolt are reserved: the stock cannot be 4"):
        parts.set("bolt", "boss", stock=4)
    parts.receive("bolt", 2, "boss")
    assert orders.get(2).parts[0]["reserved"] == 3
    orders.cancel(1, "no", "Ann")
    assert orders.get(2).parts[0]["reserved"] == 4, "it waited for one"
    assert parts.list()["available"].tolist() == [3]
    carried(orders, 2)
    with pytest.raises(MaintenanceError, match="8 of bolt cannot have been used: the stock has 7"):
        orders.complete(2, "Bob", done="x", hours=1, failure="degradation", mode="UNK", used={"bolt": 8})
    done = orders.complete(2, "Bob", done="x", hours=1, failure="degradation", mode="UNK", used={"bolt": 4})
    assert (done.actual_cost, done.parts[0]["used"], done.parts[0]["reserved"]) == (58.0, 4, 0)
    assert parts.list()["stock"].tolist() == [3]


def test_parts_that_come_free_go_to_the_most_urgent_order_that_waits(orders):
    parts = Parts(orders.database)

    def reserved():
        return [orders.get(number).parts[0]["reserved"] for number in (1, 2, 3)]

    parts.set("bolt", "boss", stock=4)
    for priority in ("high", "low", "urgent"):
        orders.new("Ann", asset="SMAP", type="inspection", parts={"bolt": 4}, priority=priority, checklist=[])
    assert reserved() == [4, 0, 0]
    orders.assign(1, "Bob", "Ann")
    orders.start(1, "Bob")
    orders.complete(1, "Bob", done="x", hours=1, used={"bolt": 1})
    assert reserved() == [0, 0, 3], "three were left over"
    parts.set("bolt", "boss", stock=6)
    assert reserved() == [0, 2, 4], "the stock was counted anew"
    orders.cancel(3, "no", "Ann")
    assert reserved() == [0, 4, 0]
    fourth = orders.new("Ann", asset="SMAP", type="inspection", parts={"bolt": 5}, priority="urgent")
    assert fourth.parts[0]["reserved"] == 2
    orders.merge(2, 4, "Ann")
    (merged,) = orders.get(4).parts
    assert (merged["needed"], merged["reserved"]) == (9, 6), "what was reserved went along"


def test_a_part_without_a_price_does_not_take_the_labour_away(orders):
    parts = Parts(orders.database)
    parts.set("bolt", "boss", stock=9, minimum=0, unit_cost=2.0)
    parts.set("seal", "boss", stock=9, minimum=0)
    orders.new("Ann", asset="SMAP", parts={"bolt": 4, "seal": 1})
    carried(orders, 1)
    done = orders.complete(1, "Bob", done="x", hours=1, failure="degradation", mode="UNK")
    assert (done.actual_cost, done.cost_missing) == (58.0, "price of seal"), "an hour of Bob's, 50, and four bolts"
    assert orders.list(state=None)["cost_missing"].tolist() == ["price of seal"]


def test_a_meter_does_not_run_backwards_from_order_to_order(orders):
    item = {"text": "Read the counter", "kind": "meter", "meter": "hours", "units": "h"}
    orders.new("Ann", asset="SMAP", checklist=[item])
    orders.new("Ann", asset="SMAP", checklist=[item])
    orders.answer(1, 1, 120.0, "Bob")
    with pytest.raises(MaintenanceError, match=r"100 lies below the last reading of hours, 120"):
        orders.answer(2, 1, 100.0, "Bob")
    with pytest.raises(MaintenanceError, match="has no item 2"):
        orders.answer(2, 2, True, "Bob")


def test_remarks_and_references_stay_with_the_order(orders):
    orders.new("Ann", asset="SMAP")
    orders.attach(1, "reports/P-1.html", "Ann")
    orders.comment(1, "ask the supplier", "Bob")
    assert orders.get(1).attachments == ({"reference": "reports/P-1.html", "title": "reports/P-1.html"},)
    assert orders.history(1)["details"].iloc[-1] == '{"comment": "ask the supplier"}'
    assert orders.get(1).opened_at == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_an_alert_that_opens_again_after_its_order_was_completed_asks_for_another(orders, alerts, finding):
    alert = raised(alerts, finding)
    (number,) = orders.by_rule("workbench")["opened"]
    carried(orders, number)
    orders.complete(
        number, "Bob", done="cable replaced", hours=1, failure="functional failure", mode="pde", verdict="true"
    )
    assert orders.by_rule("workbench") == {"opened": (), "extended": ()}
    grown = [finding(end_sample=900)]
    assert alerts.raise_findings([], grown).reopened == (alert,)
    assert orders.by_rule("workbench") == {"opened": ("WO-2",), "extended": ()}
    assert orders.by_rule("workbench") == {"opened": (), "extended": ()}
    assert orders.get("WO-2").alerts == (alert,)


def test_an_order_completed_by_mistake_is_reopened_and_all_that_it_did_is_undone(
    orders, alerts, finding, clock, database
):
    parts = Parts(database)
    for name, stock in (("seal", 5), ("grease", 3)):
        parts.set(name, "boss", stock=stock)
    first, other = raised(alerts, finding), raised(alerts, finding, channel="P-2", ongoing=False)
    order = orders.from_alerts([first, other], "Ann", parts={"seal": 2})
    alerts.close(other, "Ann", "test")
    carried(orders, order.number)
    clock.forward(hours=1)
    with pytest.raises(TransitionError, match="WO-1 is in progress: only a completed order can be reopened"):
        orders.reopen(order.number, "wrong order", "Bob")
    used = {"seal": 1, "grease": 2}
    done = orders.complete(order.number, "Bob", done="x", hours=2, verdict="false alarm", used=used)
    assert parts.list().set_index("name")["stock"].to_dict() == {"seal": 4, "grease": 1}
    assert not alerts.labels()["P-1"].shape[0]
    clock.forward(hours=1)
    with pytest.raises(MaintenanceError, match="reason"):
        orders.reopen(order.number, "", "Bob")
    again = orders.reopen(order.number, "the wrong order", "Bob", version=done.version)
    assert (again.state, again.closed_at, again.done, again.failure.mode) == ("in progress", None, "", "")
    assert (again.actual_hours, again.actual_cost, again.assignee) == (None, None, "Bob")
    assert again.parts == ({"part": "seal", "needed": 2, "reserved": 2, "used": 0},)
    assert parts.list().set_index("name")["stock"].to_dict() == {"seal": 5, "grease": 3}
    alert = alerts.get(first)
    assert (alert.state, alert.verdict, alert.acknowledged_by) == ("acknowledged", None, "Bob")
    assert alerts.get(other).verdict == "test"  # somebody else closed it
    assert "P-1" not in alerts.labels()
    assert actions(orders, order.number)[-3:] == ["completed", "part reserved", "in progress"]
    assert orders.remarks(order.number)["text"].tolist()[0] == "the wrong order"
    done = {"done": "cable", "hours": 3, "failure": "degradation", "mode": "PDE", "verdict": "true"}
    final = orders.complete(order.number, "Bob", **done)
    assert (final.state, final.actual_hours) == ("completed", 3)
    assert alerts.get(first).verdict == "true"
    assert parts.list().set_index("name")["stock"].to_dict() == {"seal": 3, "grease": 3}
    assert log.verify(database).ok


def test_a_cancelled_order_is_not_reopened(orders):
    order = orders.new("Ann", asset="SMAP")
    orders.cancel(order.number, "not needed", "Ann")
    with pytest.raises(TransitionError, match="WO-1 is cancelled: only a completed order"):
        orders.reopen(order.number, "by mistake", "Ann")


def test_reopening_takes_back_what_the_verdict_taught(orders, alerts, finding):
    order = orders.from_alerts([raised(alerts, finding)], "Ann")
    carried(orders, order.number)
    orders.complete(order.number, "Bob", done="x", hours=1, verdict="known behaviour")
    assert len(alerts.known.list()) == 1
    orders.reopen(order.number, "it was broken", "Bob")
    assert alerts.known.list().empty
