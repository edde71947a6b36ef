"""Work that has begun holds its technician from now on, for the hours that are left."""

from datetime import UTC, datetime, timedelta

from workbench.maintenance.schedule.in_progress import remaining_work
from workbench.maintenance.schedule.model import Job, Technician
from workbench.maintenance.windows import Window, WorkingCalendar

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEKDAYS = WorkingCalendar(("Mon-Fri 08:00-17:00",))
ANN = Technician("Ann")


def at(day, hour, minute=0):
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def remaining(hours, spans, now):
    return remaining_work(Job("WO-1", hours), ANN, spans, WEEKDAYS, now, timedelta(days=28), timedelta(minutes=15))


def test_the_hours_that_are_left_follow_from_now_on():
    place, conflict = remaining(6, [Window(at(0, 14), at(0, 16))], at(0, 16))
    assert conflict is None
    # 2 of 6 hours are done: 1 h is left of Monday, 3 h come on Tuesday.
    assert place.sessions == (Window(at(0, 14), at(0, 17)), Window(at(1, 8), at(1, 11)))


def test_nights_and_times_on_hold_are_no_work():
    spans = [Window(at(0, 16), at(1, 9)), Window(at(1, 11), at(1, 12))]  # over night, then on hold for two hours
    place, conflict = remaining(4, spans, at(1, 12))
    assert conflict is None
    worked = (Window(at(0, 16), at(0, 17)), Window(at(1, 8), at(1, 9)))
    assert place.sessions == (*worked, Window(at(1, 11), at(1, 13)))  # 3 h done, 1 h left


def test_work_outside_of_the_hours_counts_as_it_was():
    place, _ = remaining(4, [Window(at(0, 20), at(0, 23))], at(0, 23))
    assert place.sessions == (Window(at(0, 20), at(0, 23)), Window(at(1, 8), at(1, 9)))


def test_what_takes_longer_than_was_estimated_is_asked_about():
    place, conflict = remaining(2, [Window(at(0, 8), at(0, 11))], at(0, 11))
    assert place.sessions == (Window(at(0, 8), at(0, 11, 15)),)
    assert conflict.kind == "overrun"
    assert conflict.message == "WO-1 has been in progress for 3.0 h, and 2 h were estimated."
    assert conflict.resolve.endswith("workbench orders change WO-1 --hours HOURS.")


def test_other_work_and_running_assets_come_between():
    place, _ = remaining_work(
        Job("WO-1", 3),
        ANN,
        [],
        WEEKDAYS,
        at(0, 8),
        timedelta(days=28),
        timedelta(minutes=15),
        [Window(at(0, 9), at(0, 12))],
    )
    assert place.sessions == (Window(at(0, 8), at(0, 9)), Window(at(0, 12), at(0, 14)))
