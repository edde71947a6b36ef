import pytest

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance.orders.states import CLOSED, ORDER_STATES, TRANSITIONS, check_transition, check_type


def test_every_state_can_be_reached_and_only_closed_ones_end() -> None:
    reached, waiting = {"open"}, ["open"]
    while waiting:
        following = set(TRANSITIONS[waiting.pop()]) - reached
        reached |= following
        waiting += following
    assert reached == set(ORDER_STATES) == set(TRANSITIONS)
    assert {state for state, following in TRANSITIONS.items() if not following} == set(CLOSED)


@pytest.mark.parametrize(
    ("state", "wanted", "hint"),
    [
        ("open", "in progress", "It can become assigned or cancelled."),
        ("open", "completed", "It can become assigned or cancelled."),
        ("on hold", "completed", "It can become assigned or in progress or cancelled."),
        ("completed", "open", "Open a new work order instead."),
        ("cancelled", "assigned", "Open a new work order instead."),
    ],
)
def test_a_wrong_transition_says_what_is_possible(state: str, wanted: str, hint: str) -> None:
    with pytest.raises(TransitionError, match=f"WO-3 is {state}: it cannot become {wanted}") as caught:
        check_transition("WO-3", state, wanted)
    assert caught.value.hint == hint


def test_an_unknown_type_is_refused_with_the_known_ones() -> None:
    assert check_type("inspection") == "inspection"
    with pytest.raises(MaintenanceError, match=r"'repair' is not a type.*corrective, predictive"):
        check_type("repair")
