from datetime import timedelta

import pandas as pd

from tests.maintenance.conftest import START
from workbench.maintenance.kpis.load import technician_load

HOUR = timedelta(hours=1)


def people(*rows):
    return pd.DataFrame(rows, columns=["name", "skills", "rate", "weekly_hours", "orders", "hours", "active"])


def test_hours_within_the_period_count_beside_what_is_available():
    table = people(("Ann", "rf", 80.0, float("nan"), 2, 12.0, True), ("Ben", "", 0.0, 20.0, 0, 0.0, True))
    spans = [("Ann", -1, 1), ("Ann", 10, 14), ("Ann", 7 * 24 - 1, 7 * 24 + 9), ("Ben", 8 * 24, 8 * 24 + 2)]
    sessions = pd.DataFrame(
        [(name, START + first * HOUR, START + last * HOUR) for name, first, last in spans],
        columns=["technician", "start", "end"],
    )
    load = technician_load(table, sessions, 49.0, START, 7)
    assert load["planned"].tolist() == [6.0, 0.0]
    assert load["assigned"].tolist() == [12.0, 0.0]
    assert load["available"].tolist() == [49.0, 20.0]
    assert technician_load(table, sessions, 49.0, START, 14)["planned"].tolist() == [15.0, 2.0]


def test_without_technicians_there_is_an_empty_table():
    sessions = pd.DataFrame({"technician": [], "start": [], "end": []})
    load = technician_load(people(), sessions, 49.0, START, 7)
    assert load.empty
    assert "available" in load


def test_who_is_away_is_left_out():
    table = people(("Ann", "", 0.0, 40.0, 1, 2.0, False))
    empty = pd.DataFrame({"technician": ["Ann"], "start": [START], "end": [START + HOUR]})
    assert technician_load(table, empty, 49.0, START, 7).empty
