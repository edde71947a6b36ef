import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from workbench.exceptions import MaintenanceError
from workbench.maintenance.orders.checklists import (
    ChecklistItem,
    answer,
    from_json,
    missing,
    missing_before_work,
    to_json,
)

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
TICK = ChecklistItem("Lock the pump out")
NUMBER = ChecklistItem("Bearing temperature", "number", units="°C", low=20, high=70)
CHOICE = ChecklistItem("Colour of the oil", "choice", choices=("clear", "milky"))
METER = ChecklistItem("Running hours", "meter", units="h", meter="hours")
WORDS = ChecklistItem("What was found", "text", required=False)


@pytest.mark.parametrize(
    ("item", "given", "kept"),
    [
        (TICK, True, True),
        (TICK, "yes", True),
        (TICK, "no", False),
        (NUMBER, "69.5", 69.5),
        (NUMBER, 20, 20.0),
        (CHOICE, "milky", "milky"),
        (METER, 105, 105.0),
        (WORDS, " worn ", "worn"),
    ],
)
def test_an_answer_is_kept_with_who_and_when(item: ChecklistItem, given: Any, kept: Any) -> None:
    answered = answer(item, given, who="ana", at=NOW, last=105.0)
    assert (answered.answer, answered.answered_by, answered.answered_at) == (kept, "ana", NOW)
    assert type(answered.answer) is type(kept)
    assert from_json(json.loads(json.dumps(to_json([item, answered])))) == (item, answered)


@pytest.mark.parametrize(
    ("item", "given", "message"),
    [
        (TICK, 1.0, "neither yes nor no"),
        (TICK, "", "neither yes nor no"),
        (NUMBER, "warm", "'warm' is not a number.*in °C"),
        (NUMBER, math.nan, "nan is not a number"),
        (NUMBER, True, "True is not a number"),
        (CHOICE, "black", "'black' is not one of the choices.*clear, milky"),
        (METER, 104.9, "104.9 lies below the last reading of hours, 105"),
        (WORDS, "  ", "is not a text"),
        (WORDS, 3.0, "is not a text"),
    ],
)
def test_a_wrong_answer_is_refused(item: ChecklistItem, given: Any, message: str) -> None:
    with pytest.raises(MaintenanceError, match=message):
        answer(item, given, who="ana", at=NOW, last=105.0)


@pytest.mark.parametrize(("value", "outside"), [(19.9, True), (20, False), (70, False), (70.1, True)])
def test_a_number_out_of_range_is_taken_and_marked(value: float, outside: bool) -> None:
    assert answer(NUMBER, value, who="ana", at=NOW, remark="a hot day").out_of_range is outside
    assert not NUMBER.out_of_range


def test_required_items_are_missing_until_answered_or_done() -> None:
    undone = answer(TICK, False, who="ana", at=NOW)
    assert missing([TICK, NUMBER, WORDS]) == ["Lock the pump out", "Bearing temperature"]
    assert missing([undone]) == ["Lock the pump out"]
    assert missing([answer(NUMBER, 20, who="ana", at=NOW), WORDS]) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": " "}, "no text"),
        ({"kind": "done"}, "no text"),
        ({"text": "a", "kind": "photo"}, "unknown type of answer 'photo'"),
        ({"text": "a", "kind": "choice", "choices": ["x"]}, "has 1 choice"),
        ({"text": "a", "choices": ["x", "y"]}, "has 2 choices"),
        ({"text": "a", "kind": "meter"}, "names no meter"),
        ({"text": "a", "kind": "number", "low": 3, "high": 2}, "between 3 and 2"),
        ({"text": "a", "colour": "red"}, "has no colour"),
    ],
)
def test_an_item_that_cannot_be_asked_is_refused(row: dict[str, Any], message: str) -> None:
    with pytest.raises(MaintenanceError, match=message):
        from_json([row])


@pytest.mark.parametrize("value", [19.9, 70.1])
def test_a_number_out_of_range_asks_for_a_remark(value: float) -> None:
    with pytest.raises(MaintenanceError, match=rf"{value} is out of range \(from 20 to 70 °C\).*add a remark"):
        answer(NUMBER, value, who="ana", at=NOW, remark="  ")
    kept = answer(NUMBER, value, who="ana", at=NOW, remark=" a hot day ")
    assert kept.remark == "a hot day"
    assert from_json(json.loads(json.dumps(to_json([kept])))) == (kept,)


def test_safety_steps_are_ticked_and_a_permit_is_a_number_that_somebody_writes() -> None:
    step, permit = ChecklistItem("Locked out", "safety"), ChecklistItem("Hot work", "permit")
    assert missing_before_work([step, permit, TICK]) == ["Locked out", "Hot work"]
    step = answer(step, "yes", who="ana", at=NOW)
    assert missing_before_work([answer(step, "no", who="ana", at=NOW), permit]) == ["Locked out", "Hot work"]
    with pytest.raises(MaintenanceError, match="is not a text"):
        answer(permit, " ", who="ana", at=NOW)
    assert missing_before_work([step, answer(permit, "P-17", who="ana", at=NOW), TICK]) == []
