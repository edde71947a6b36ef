from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.orders.people import People
from workbench.maintenance.windows import Window, WorkingCalendar


def test_hours_that_open_at_24_00_are_those_of_the_next_day():
    monday, days = datetime(2026, 3, 2, tzinfo=UTC), timedelta(days=1)
    windows = WorkingCalendar(("Mon 24:00-08:00",)).windows(monday, monday + 7 * days)
    assert windows == (Window(monday + days, monday + days + timedelta(hours=8)),)


def test_people_have_skills_a_rate_and_hours(database):
    people = People(database)
    people.set("Ann", "boss", skills=["rf", "power", "rf"], rate=80, hours=["Mon-Thu 08:00-16:00"])
    people.set("Bob", "boss", closed=[date(2026, 3, 3)])
    people.set("Ann", "boss", rate=90)
    table = people.list()
    assert table[["name", "skills", "rate"]].values.tolist() == [["Ann", "power, rf", 90.0], ["Bob", "", 0.0]]
    assert table["weekly_hours"].iloc[0] == 32
    assert np.isnan(table["weekly_hours"].iloc[1])  # all maintenance windows
    people.set("Ann", "boss", active=False)
    (bob,) = people.technicians()
    assert bob.name == "Bob"
    assert bob.calendar.closed == (date(2026, 3, 3),)


@pytest.mark.parametrize(
    "given", [{"rate": -1}, {"rate": float("inf")}, {"hours": ["whenever"]}, {"timezone": "Mars/Base"}]
)
def test_what_cannot_be_changes_nothing(database, given):
    people = People(database)
    people.set("Ann", "boss", rate=80)
    before = log.verify(database)
    with pytest.raises(MaintenanceError):
        people.set("Ann", "boss", **given)
    assert log.verify(database) == before
    assert people.list()["rate"].tolist() == [80]
