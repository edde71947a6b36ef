"""What is wrong with the saved plan, as it is by now."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from workbench.maintenance.schedule.kept_conflicts import plan_conflicts
from workbench.maintenance.schedule.model import Technician
from workbench.maintenance.windows import WorkingCalendar

START = pd.Timestamp(datetime(2026, 11, 30, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("people", "now", "words"),
    [
        ([Technician("Ben")], START, ""),
        (
            [Technician("Ben", calendar=WorkingCalendar(("Mon-Sun 00:00-24:00",), closed=(date(2026, 11, 30),)))],
            START,
            "is absent then",
        ),
        (
            [Technician("Ben", calendar=WorkingCalendar(("Mon-Sun 00:00-24:00",), "Asia/Tokyo", (date(2026, 12, 1),)))],
            START,
            "is absent then",
        ),
        (
            [Technician("Ben", calendar=WorkingCalendar(("Mon-Sun 00:00-24:00",), closed=(date(2026, 12, 1),)))],
            START,
            "",
        ),
        ([Technician("Ann")], START, "takes no orders by now"),
        ([Technician("Ann")], START + pd.Timedelta(hours=1), ""),
    ],
)
def test_work_of_who_is_absent_is_a_conflict(people, now, words):
    end = START + pd.Timedelta(hours=1)
    sessions = pd.DataFrame([("WO-1", "Ben", START, end)], columns=["number", "technician", "start", "end"])
    plan = sessions.assign(state="assigned", due=end, late=False)
    conflicts = plan_conflicts(plan, sessions, ["WO-1"], people, now, {})
    assert [one.kind for one in conflicts] == (["absent"] if words else [])
    assert not words or conflicts[0].message == f"WO-1 is with Ben at Mon 30 Nov 22:00 UTC, who {words}."


def test_an_order_whose_part_comes_after_its_start_is_a_conflict():
    """What has begun needs no part any more."""
    end, arrival = START + pd.Timedelta(hours=1), START + pd.Timedelta(days=3)
    numbers = ["WO-1", "WO-2", "WO-3", "WO-4"]
    sessions = pd.DataFrame({"number": numbers, "technician": "Ben", "start": START, "end": end}).head(0)
    plan = pd.DataFrame({"number": numbers, "technician": "Ben", "start": START, "end": end, "due": end, "late": False})
    plan["state"] = ["assigned", "open", "in progress", "assigned"]
    arrivals = {"WO-1": (arrival, "seal", 2), "WO-2": (None, "pump", 1), "WO-3": (arrival, "seal", 2)}
    conflicts = plan_conflicts(plan, sessions, numbers, [Technician("Ben")], START, arrivals)
    assert [(one.kind, one.message) for one in conflicts] == [
        ("part", "WO-1 starts 2026-11-30 22:00 UTC without 2 x seal: they come 2026-12-03 22:00 UTC."),
        ("part", "WO-2 starts 2026-11-30 22:00 UTC without 1 x pump: no date is known for them."),
    ]


def test_a_late_order_says_by_how_much_and_when():
    """An old due date is not told as tens of thousands of hours."""
    due = pd.Timestamp("2019-12-31 12:00", tz="UTC")
    plan = pd.DataFrame({"number": ["WO-1"], "technician": "Ben", "start": START, "end": START, "due": due})
    plan = plan.assign(late=True, state="assigned")
    sessions = plan[["number", "technician", "start", "end"]].head(0)
    (conflict,) = plan_conflicts(plan, sessions, ["WO-1"], [], START, {})
    assert conflict.message == (
        "WO-1 ends more than 6 years late, 2026-11-30 22:00 UTC instead of 2019-12-31 12:00 UTC."
    )


@pytest.mark.parametrize(
    ("waits_for", "words", "todo"),
    [
        ({}, ".", "Plan again."),
        (
            {"WO-2": (START + pd.Timedelta(days=40), "seal", 2)},
            ": it waits for 2 x seal, which come 2027-01-09 22:00 UTC.",
            "Plan again, up to then or further.",
        ),
        (
            {"WO-2": (None, "seal", 2)},
            ": it waits for 2 x seal, and no date is known for them.",
            "Order them, or enter when they come; then plan again.",
        ),
    ],
)
def test_an_order_without_a_place_says_for_which_part_it_waits(waits_for, words, todo):
    end = START + pd.Timedelta(hours=1)
    sessions = pd.DataFrame([("WO-1", "Ben", START, end)], columns=["number", "technician", "start", "end"])
    plan = sessions.assign(state="assigned", due=end, late=False)
    (conflict,) = plan_conflicts(plan, sessions, ["WO-1", "WO-2"], [Technician("Ben")], START, waits_for)
    assert (conflict.kind, conflict.message, conflict.resolve) == (
        "window",
        f"WO-2 has no place in the plan{words}",
        todo,
    )
