import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.exceptions import MaintenanceError
from workbench.maintenance.orders.priority import PRIORITIES, WEIGHTS, Priority, by_hand, prioritise
from workbench.parameters import LEVELS


def test_the_score_is_the_weighted_sum_and_says_why() -> None:
    priority = prioritise(level="medium", alerts=3, criticality=4, age=timedelta(days=6))
    assert priority.score == pytest.approx(0.4 * 2 / 4 + 0.2 * 3 / 5 + 0.3 * 3 / 4 + 0.1 * 6 / 30)
    assert [part.reason for part in priority.parts] == [
        "level medium",
        "3 alerts in 30 days",
        "criticality 4",
        "open for 6 days",
    ]
    assert str(priority).startswith("high 0.56 = 0.4 x 0.50 severity (level medium) + 0.2 x 0.60 frequency")


@given(
    st.sampled_from([None, *LEVELS]),
    st.integers(0, 99),
    st.sampled_from([None, 1, 2, 3, 4, 5]),
    st.integers(-1, 99),
)
def test_a_score_lies_between_0_and_1_and_its_parts_sum_to_it(
    level: str | None, alerts: int, criticality: int | None, days: int
) -> None:
    priority = prioritise(level=level, alerts=alerts, criticality=criticality, age=timedelta(days=days))
    assert 0 <= priority.score <= 1
    assert math.isclose(priority.score, sum(part.value * part.weight for part in priority.parts))
    assert priority.score >= PRIORITIES[priority.name]
    assert Priority.from_json(priority.to_json()) == priority


def test_more_of_anything_never_lowers_the_score() -> None:
    def score(level: str = "low", alerts: int = 1, criticality: int = 2, days: int = 1) -> float:
        return prioritise(level=level, alerts=alerts, criticality=criticality, age=timedelta(days=days)).score

    assert math.isclose(sum(WEIGHTS.values()), 1)
    assert min(score(level="high"), score(alerts=2), score(criticality=3), score(days=2)) > score()
    assert score("critical", 5, 5, 30) == 1
    assert score("critical", 500, 5, 3000) == 1


def test_an_unknown_criticality_counts_as_the_middle_and_says_so() -> None:
    unknown = prioritise(level=None, alerts=0, criticality=None, age=timedelta())
    assert unknown.score == prioritise(level=None, alerts=0, criticality=3, age=timedelta()).score
    assert "the catalog has none" in str(unknown)


def test_an_emergency_comes_first_and_a_person_can_set_the_priority() -> None:
    emergency = prioritise(level=None, alerts=0, criticality=1, age=timedelta(), emergency=True)
    assert (emergency.name, emergency.score) == ("urgent", 1)
    for name in PRIORITIES:
        assert by_hand(name, "ana").name == name
    assert "set to low by ana" in str(by_hand("low", "ana"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"level": "bad"}, "'bad' is not a severity level"),
        ({"alerts": -1}, "cannot have -1 alerts"),
        ({"criticality": 6}, "criticality 6 is not from 1 to 5"),
    ],
)
def test_wrong_input_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(MaintenanceError, match=message):
        prioritise(**{"level": "low", "alerts": 1, "criticality": 3, "age": timedelta(), **wrong})  # type: ignore[arg-type]
    with pytest.raises(MaintenanceError, match="'soon' is not a priority"):
        by_hand("soon", "ana")
