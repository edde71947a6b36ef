from datetime import timedelta

import pandas as pd

from tests.maintenance.conftest import START
from workbench.maintenance.kpis.load import technician_load
from workbench.maintenance.schedule.model import Technician
from workbench.maintenance.windows import WorkingCalendar

HOUR = timedelta(hours=1)
WINDOWS = WorkingCalendar()
CREW = (
    Technician("Ann"),
    Technician("Ben", calendar=WorkingCalendar(("Mon-Fri 08:00-12:00",))),
    Technician("Eve", calendar=WorkingCalendar(("Mon-Sun 00:00-24:00",), closed=(START.date() + timedelta(days=7),))),
)


def people(*rows):
    return pd.DataFrame(rows, columns=["name", "skills", "rate", "weekly_hours", "orders", "hours", "active"])


def test_hours_within_the_period_count_beside_what_is_available():
    table = people(("Ann", "rf", 80.0, float("nan"), 2, 12.0, True), ("Ben", "", 0.0, 20.0, 0, 0.0, True))
    spans = [("Ann", -1, 1), ("Ann", 10, 14), ("Ann", 7 * 24 - 1, 7 * 24 + 9), ("Ben", 8 * 24, 8 * 24 + 2)]
    sessions = pd.DataFrame(
        [(name, START + first * HOUR, START + last * HOUR) for name, first, last in spans],
        columns=["technician", "start", "end"],
    )
    load = technician_load(table, sessions, CREW, WINDOWS, START, 7)
    assert load["planned"].tolist() == [6.0, 0.0]
    assert load["assigned"].tolist() == [12.0, 0.0]
    assert load["available"].tolist() == [49.0, 20.0]
    assert technician_load(table, sessions, CREW, WINDOWS, START, 14)["planned"].tolist() == [15.0, 2.0]


def test_a_day_of_absence_and_closed_windows_are_not_available():
    table = people(("Eve", "", 0.0, float("nan"), 0, 0.0, True))
    sessions = pd.DataFrame({"technician": [], "start": [], "end": []})
    friday = START + timedelta(days=4)  # 9 h on each of five days and 4 h on Saturday; the Monday after has none
    assert technician_load(table, sessions, CREW, WINDOWS, friday, 7)["available"].tolist() == [49.0 - 9.0]


def test_without_technicians_there_is_an_empty_table():
    sessions = pd.DataFrame({"technician": [], "start": [], "end": []})
    load = technician_load(people(), sessions, (), WINDOWS, START, 7)
    assert load.empty
    assert "available" in load


def test_who_is_away_is_left_out():
    table = people(("Ann", "", 0.0, 40.0, 1, 2.0, False))
    empty = pd.DataFrame({"technician": ["Ann"], "start": [START], "end": [START + HOUR]})
    assert technician_load(table, empty, (), WINDOWS, START, 7).empty
