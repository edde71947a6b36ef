"""Technicians are told of their orders, and those on call of alerts, each once."""

from datetime import UTC, datetime, timedelta

import pytest

from workbench.maintenance.desk import Maintenance
from workbench.maintenance.options import AlertOptions, NotificationOptions


@pytest.fixture
def people(web):
    return {name: f"{web.url}{name}" for name in ("Ann", "Ben", "Cid", "Dora")}


@pytest.fixture
def desk(url, clock, people):
    made = Maintenance(url, clock, notifications=NotificationOptions(people=people))
    for name in ("Ann", "Ben", "Zoe"):
        made.people.set(name, "Eve")
    yield made
    made.close()


def told(web):
    """Who was told what, by the title."""
    return [(body["to"], body["title"]) for body in web.bodies]


def order(desk, due, **content):
    return desk.orders.new("Eve", asset="Pump-1", title="Replace the seal", due=due, hours=1.0, **content).number


def test_an_order_is_told_when_assigned_due_overdue_and_when_its_part_arrives_each_once(desk, clock, web):
    desk.parts.set("seal", "Eve", stock=0)
    number = order(desk, datetime(2026, 3, 4, 12, tzinfo=UTC), parts={"seal": 2})
    assert desk.send_messages().sent == ()  # nobody has it
    desk.orders.assign(number, "Ann", "Eve")
    desk.send_messages()
    days = {
        "2026-03-02 09": ("receive", 1),
        "2026-03-03 09": ("receive", 1),
    }
    for _ in range(24 * 4):
        clock.forward(hours=1)
        what = days.get(f"{clock.now:%Y-%m-%d %H}")
        if what:
            desk.parts.receive("seal", what[1], "Eve")
        desk.send_messages()
    assert told(web) == [
        ("Ann", "WO-1: assigned to you"),
        ("Ann", "WO-1: part arrived: seal"),
        ("Ann", "WO-1: due Wednesday"),  # at the first hour of Tuesday
        ("Ann", "WO-1: part arrived: seal"),
        ("Ann", "WO-1: overdue"),
    ]
    first = web.bodies[0]["message"].splitlines()[0]
    assert first == "WO-1 (low, due 2026-03-04 12:00 UTC): assigned to you. Replace the seal, Pump-1"


def test_parts_in_stock_have_not_arrived(desk, clock, web):
    desk.parts.set("seal", "Eve", stock=5)
    number = order(desk, datetime(2026, 4, 1, tzinfo=UTC), parts={"seal": 2})
    clock.forward(minutes=1)
    desk.orders.assign(number, "Ann", "Eve")
    desk.send_messages()
    assert told(web) == [("Ann", "WO-1: assigned to you")]


def test_parts_that_a_reopened_order_gets_back_have_not_arrived(desk, clock, web):
    desk.parts.set("seal", "Eve", stock=2)
    number = order(desk, datetime(2026, 4, 1, tzinfo=UTC), parts={"seal": 2}, checklist=[])
    desk.orders.assign(number, "Ann", "Eve")
    desk.orders.start(number, "Ann")
    desk.send_messages()
    clock.forward(hours=1)
    desk.orders.complete(number, "Ann", done="x", hours=1, failure="none")
    desk.send_messages()
    clock.forward(hours=1)
    desk.orders.reopen(number, "the wrong order", "Ann")
    desk.send_messages()
    assert desk.orders.get(number).parts[0]["reserved"] == 2
    assert told(web) == [("Ann", "WO-1: assigned to you")]


def test_what_people_enter_writes_no_line_of_a_message(desk, clock, web):
    lie = "Acknowledge alert 1 as Ann: http://evil.example/"
    desk.parts.set(f"seal\n{lie}", "Eve", stock=0)
    number = desk.orders.new(
        "Eve", asset="Pump-1", title=f"Look\r\n\u2028{lie}", parts={f"seal\n{lie}": 1}, checklist=[]
    ).number
    clock.forward(hours=1)
    desk.orders.assign(number, "Ann", "Eve")
    desk.parts.receive(f"seal\n{lie}", 1, "Eve")
    desk.send_messages()
    (body,) = web.bodies
    assert body["title"].splitlines() == [body["title"]]
    lines = body["message"].splitlines()
    assert [line.partition(" ")[0] for line in lines if line] == ["WO-1", "Maintenance"]
    assert lie in lines[0]


def test_several_orders_of_a_person_are_one_message(desk, clock, web):
    tomorrow = datetime(2026, 3, 3, 12, tzinfo=UTC)
    for number in (order(desk, tomorrow), order(desk, tomorrow + timedelta(days=9))):
        desk.orders.assign(number, "Ann", "Eve")
    desk.send_messages()
    assert told(web) == [("Ann", "2 work orders")]
    assert [line.partition(": ")[2] for line in web.bodies[0]["message"].splitlines()[:2]] == [
        "assigned to you, due Tuesday. Replace the seal, Pump-1",
        "assigned to you. Replace the seal, Pump-1",
    ]


def test_what_changed_before_its_message_is_told_to_whom_it_concerns(desk, clock, web):
    number = order(desk, datetime(2026, 4, 1, tzinfo=UTC))
    desk.orders.assign(number, "Ann", "Eve")
    desk.orders.assign(number, "Ben", "Eve")
    desk.send_messages()
    assert told(web) == [("Ben", "WO-1: assigned to you")]
    desk.orders.change(number, "Eve", due=datetime(2026, 3, 3, 12, tzinfo=UTC))
    desk.send_messages()
    desk.orders.change(number, "Eve", due=datetime(2026, 3, 3, 13, tzinfo=UTC))
    desk.send_messages()
    assert told(web)[1:] == [("Ben", "WO-1: due Tuesday")] * 2  # another date is another message
    desk.orders.cancel(number, "not needed", "Eve")
    clock.forward(days=3)
    desk.send_messages()
    assert len(web.bodies) == 3


def test_the_day_on_which_an_order_is_due_is_that_of_the_zone(url, clock, people, web):
    """2 o'clock of Wednesday in UTC is 18 o'clock of Tuesday in Los Angeles."""
    options = NotificationOptions(people=people, timezone="America/Los_Angeles")
    with Maintenance(url, clock, notifications=options) as desk:
        desk.people.set("Ann", "Eve")
        desk.orders.assign(order(desk, datetime(2026, 3, 4, 2, tzinfo=UTC)), "Ann", "Eve")
        desk.send_messages()
    assert told(web) == [("Ann", "WO-1: assigned to you, due Tuesday")]


def test_a_technician_without_an_address_is_told_nothing(desk, web):
    desk.orders.assign(order(desk, datetime(2026, 3, 3, tzinfo=UTC)), "Zoe", "Eve")
    assert desk.send_messages().waiting == 0
    assert web.bodies == []


def test_orders_keep_the_quiet_hours(url, clock, people, web):
    options = NotificationOptions(people=people, quiet_hours=["Mon-Sun 07:00-09:00"])  # it is 8
    with Maintenance(url, clock, notifications=options) as desk:
        desk.people.set("Ann", "Eve")
        desk.orders.assign(order(desk, datetime(2026, 4, 1, tzinfo=UTC)), "Ann", "Eve")
        assert desk.send_messages().waiting == 1
        clock.forward(hours=1)
        desk.send_messages()
    assert told(web) == [("Ann", "WO-1: assigned to you")]


def rota(*shifts, fallback="Dora", **options):
    rows = [{"who": who, "since": since, "until": until} for who, since, until in shifts]
    return {"shifts": rows, "fallback": fallback, **options}


DAYS = (
    ("Ann", "2026-03-02T00:00Z", "2026-03-03T00:00Z"),
    ("Ben", "2026-03-03T00:00Z", "2026-03-04T00:00Z"),
    ("Cid", "2026-03-04T00:00Z", "2026-03-05T00:00Z"),
)


@pytest.fixture
def on_call(url, clock, people):
    """Make a desk with a rota, on which critical alerts wait 15 minutes and high ones an hour."""
    desks = []

    def make(*shifts, quiet_hours=(), **options):
        on_call = rota(*shifts, **options)
        desk = Maintenance(
            url,
            clock,
            alerts=AlertOptions(),
            notifications=NotificationOptions(people=people, on_call=on_call, quiet_hours=quiet_hours),
        )
        desks.append(desk)
        return desk

    yield make
    for desk in desks:
        desk.close()


def minutes_of(desk, clock, web, minutes):
    """Let minutes pass, five at a time, and return who was told when (minutes) and what."""
    start, seen = clock.now, len(web.bodies)
    arrived = []
    for passed in range(0, minutes + 1, 5):
        clock.now = start + timedelta(minutes=passed)
        desk.send_messages()
        arrived += [(passed, body["to"], body["title"]) for body in web.bodies[seen:]]
        seen = len(web.bodies)
    return arrived


def test_an_escalation_tells_the_next_person_then_the_fallback(on_call, clock, web, finding):
    desk = on_call(*DAYS)
    desk.alerts.raise_findings([], [finding(level="critical")])
    assert minutes_of(desk, clock, web, 300) == [
        (0, "Ann", "Alert 1, critical"),
        (15, "Ben", "Not acknowledged: Alert 1, critical"),
        (30, "Dora", "Not acknowledged: Alert 1, critical"),
    ]


def test_an_acknowledgement_ends_the_escalation(on_call, clock, web, finding):
    desk = on_call(*DAYS)
    desk.alerts.raise_findings([], [finding(level="critical")])
    minutes_of(desk, clock, web, 20)
    desk.alerts.acknowledge(1, "Ben")
    assert minutes_of(desk, clock, web, 300) == []


def test_who_comes_on_call_meanwhile_is_the_next_person(on_call, clock, web, finding):
    desk = on_call(*DAYS)
    clock.now = datetime(2026, 3, 2, 23, 50, tzinfo=UTC)
    desk.alerts.raise_findings([], [finding(level="critical")])
    assert [who for _, who, _ in minutes_of(desk, clock, web, 300)] == ["Ann", "Ben", "Dora"]


def test_in_a_gap_the_fallback_is_told_and_then_the_next_of_the_rota(on_call, clock, web, finding):
    desk = on_call(*DAYS[1:])  # nobody until Tuesday
    desk.alerts.raise_findings([], [finding(level="critical")])
    assert [who for _, who, _ in minutes_of(desk, clock, web, 300)] == ["Dora", "Ben"]


def test_a_message_goes_to_whoever_is_on_call_when_it_is_sent(on_call, clock, web, finding):
    desk = on_call(*DAYS)
    clock.now = datetime(2026, 3, 2, 23, 59, 30, tzinfo=UTC)
    desk.alerts.raise_findings([], [finding(level="high")])  # waits a minute for others
    desk.send_messages()
    clock.forward(minutes=1)
    desk.send_messages()
    assert told(web) == [("Ben", "Alert 1, high")]


def test_without_anybody_the_message_waits_and_says_why(on_call, clock, web, finding):
    desk = on_call(*DAYS[1:], fallback=None)
    desk.alerts.raise_findings([], [finding(level="critical")])
    desk.send_messages()
    assert desk.notifier.list("waiting")["error"].tolist() == ["nobody is on call, and there is no fallback"]
    clock.now = datetime(2026, 3, 3, tzinfo=UTC)
    desk.send_messages()
    assert told(web) == [("Ben", "Not acknowledged: Alert 1, critical")]  # raised and escalated in one message


def test_after_the_quiet_hours_the_first_person_has_as_long_as_by_day(on_call, clock, web, finding):
    desk = on_call(*DAYS, quiet_hours=["Mon-Sun 08:00-10:00"])
    desk.alerts.raise_findings([], [finding(level="high")])  # at 8; an hour until it is escalated
    arrived = minutes_of(desk, clock, web, 300)
    assert [(minute, who) for minute, who, _ in arrived] == [(120, "Ann"), (180, "Ben"), (240, "Dora")]


def test_a_mailbox_that_fails_is_no_reason_to_wait(on_call, clock, web, finding):
    desk = on_call(*DAYS)
    desk.alerts.raise_findings([], [finding(level="critical")])
    web.failing.add("Ann")
    arrived = [(minute, who) for minute, who, _ in minutes_of(desk, clock, web, 60) if who != "Ann"]
    assert arrived == [(15, "Ben"), (30, "Dora")]


def test_an_alert_announced_anew_begins_its_escalation_anew(on_call, clock, web, finding):
    desk = on_call(*DAYS)
    desk.alerts.raise_findings([], [finding(level="high")])
    minutes_of(desk, clock, web, 90)
    desk.alerts.raise_findings([], [finding(level="critical")])
    arrived = minutes_of(desk, clock, web, 120)
    assert [(minute, who) for minute, who, _ in arrived] == [(0, "Ann"), (15, "Ben"), (30, "Dora")]


def test_levels_below_the_rota_are_not_told(on_call, clock, web, finding):
    desk = on_call(*DAYS)
    desk.alerts.raise_findings([], [finding(level="medium")])
    assert minutes_of(desk, clock, web, 600) == []


def test_a_calendar_that_is_gone_leaves_the_fallback(on_call, clock, web, finding, tmp_path):
    desk = on_call(calendar=tmp_path / "gone.ics")
    desk.alerts.raise_findings([], [finding(level="critical")])
    desk.send_messages()
    assert told(web) == [("Dora", "Alert 1, critical")]
