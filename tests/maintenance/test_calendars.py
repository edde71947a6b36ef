"""The plan as calendar programs keep it: an event by its UID, changed by a higher sequence, or cancelled."""

from datetime import timedelta

import pytest
from icalendar import Calendar

from tests.maintenance.conftest import START
from workbench.maintenance.desk import Maintenance

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(url, clock):
    with Maintenance(url, clock) as opened:
        for name in ("Ann", "Ben"):
            opened.people.set(name, "boss", rate=50.0)
        opened.orders.new("boss", asset="SMAP", title='Look, please; "now"', hours=2, checklist=[])
        opened.planning.place(1, "Ann", START + 24 * HOUR, "boss")
        yield opened


class Program:
    """A calendar program that has read a feed several times, as RFC 5545 tells it to."""

    def __init__(self):
        self.events = {}

    def read(self, content):
        for event in (one for one in Calendar.from_ical(content).walk() if one.name == "VEVENT"):
            uid, sequence = str(event["uid"]), int(event["sequence"])
            if uid not in self.events or sequence > int(self.events[uid]["sequence"]):
                self.events[uid] = event
        return self

    def shown(self):
        live = (one for one in self.events.values() if str(one["status"]) != "CANCELLED")
        return sorted((str(one["uid"]), one.decoded("dtstart"), one.decoded("dtend")) for one in live)


UID = "WO-1-1@telemetry-workbench"


def test_a_calendar_library_reads_the_plan_back(desk):
    (event,) = Program().read(desk.calendars.render()).events.values()
    assert event.decoded("dtstart") == START + 24 * HOUR
    assert event.decoded("dtend") - event.decoded("dtstart") == 2 * HOUR
    assert str(event["summary"]) == 'WO-1 Look, please; "now" (Ann)'
    assert (str(event["status"]), int(event["sequence"])) == ("CONFIRMED", 0)


def test_reading_twice_changes_nothing(desk, clock):
    first = desk.calendars.render("Ann")
    clock.forward(hours=3)
    assert desk.calendars.render("Ann") == first


def test_what_moves_is_moved_in_a_program_that_has_read_it_before(desk):
    program = Program().read(desk.calendars.render("Ann"))
    for hours in (48, 24, 72):
        desk.planning.place(1, "Ann", START + hours * HOUR, "boss")
        start = START + hours * HOUR
        assert program.read(desk.calendars.render("Ann")).shown() == [(UID, start, start + 2 * HOUR)]


def test_who_hands_work_over_sees_it_cancelled_and_the_other_gets_it(desk):
    everybody, ann, ben = Program(), Program(), Program()
    start = START + 24 * HOUR
    for technician, of_ann, of_ben in (("Ann", 1, 0), ("Ben", 0, 1), ("Ann", 1, 0)):
        desk.planning.place(1, technician, start, "boss")
        assert len(ann.read(desk.calendars.render("Ann")).shown()) == of_ann
        assert len(ben.read(desk.calendars.render("Ben")).shown()) == of_ben
        assert everybody.read(desk.calendars.render()).shown() == [(UID, start, start + 2 * HOUR)]


def test_a_cancelled_order_is_cancelled_and_a_completed_one_stays(desk):
    desk.orders.new("boss", asset="MSL", type="inspection", hours=1, checklist=[])
    desk.planning.place(2, "Ann", START + 30 * HOUR, "boss")
    program = Program().read(desk.calendars.render("Ann"))
    desk.orders.assign(2, "Ann", "boss")
    desk.orders.start(2, "Ann")
    desk.orders.complete(2, "Ann", done="x", hours=1)
    desk.orders.cancel(1, "not needed", "boss")
    assert [one[0] for one in program.read(desk.calendars.render("Ann")).shown()] == ["WO-2-1@telemetry-workbench"]
    assert str(program.events[UID]["status"]) == "CANCELLED"


def test_old_events_leave_the_calendar(desk, clock):
    desk.calendars.render()
    clock.forward(days=70)
    assert b"VEVENT" not in desk.calendars.render()
