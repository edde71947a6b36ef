"""What each session of a plan is: as planned, fixed, moved, late or in conflict."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from workbench.maintenance.schedule.model import Conflict, Placement, Plan
from workbench.maintenance.schedule.shown_sessions import COLUMNS, KINDS, proposed_sessions, saved_sessions
from workbench.maintenance.windows import Window
from workbench.plots.gantt import BARS


def plan(*rows):
    """Return `Planning.sessions` and `Planning.table` of orders that are (number, late, frozen)."""
    start = pd.Timestamp(datetime(2026, 1, 5, 8, tzinfo=UTC))
    sessions = [(number, number, "Ann", start, start + pd.Timedelta(hours=1)) for number, _, _ in rows]
    table = pd.DataFrame(rows, columns=["number", "late", "frozen"])
    return pd.DataFrame(sessions, columns=COLUMNS[:5]), table


@pytest.mark.parametrize(
    ("late", "frozen", "booked", "kind", "words"),
    [
        (False, False, False, "planned", ""),
        (False, True, False, "fixed", ""),
        (True, False, False, "late", ""),
        (True, True, False, "late", "fixed"),
        (True, True, True, "conflict", "fixed"),
        (False, False, True, "conflict", ""),
    ],
)
def test_the_worst_of_a_session_is_its_kind_and_that_it_is_fixed_is_said_too(late, frozen, booked, kind, words):
    conflicts = (Conflict("double_booking", "WO-1", "", ""),) if booked else ()
    shown = saved_sessions(*plan(("WO-1", late, frozen), ("WO-2", False, False)), conflicts)
    assert shown.columns.tolist() == COLUMNS
    assert shown[["kind", "words"]].to_numpy().tolist() == [[kind, words], ["planned", ""]]


def test_frozen_work_that_has_to_move_is_moved_and_no_conflict():
    start = datetime(2026, 1, 5, 8, tzinfo=UTC)
    place = Placement("WO-1", "Ann", (Window(start, start + timedelta(hours=1)),))
    conflicts = (Conflict("moved", "WO-1", "", ""),)
    plan = Plan(start, (place,), conflicts, 0, 0, 0, 1, 0, 0, True)
    shown = proposed_sessions(plan, pd.DataFrame({"number": ["WO-1"], "title": ["Look"]}), {"WO-1"})
    assert shown["kind"].tolist() == ["moved"]


def test_the_gantt_chart_draws_every_kind():
    assert set(KINDS) == set(BARS)
