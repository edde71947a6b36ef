import pytest

from workbench.exceptions import MaintenanceError
from workbench.maintenance.orders.failure_codes import Failure


def test_mode_cause_and_effect_are_kept_apart() -> None:
    failure = Failure("VIB", effect="incipient")
    assert (failure.mode, failure.cause, failure.effect) == ("VIB", "", "incipient")
    assert str(failure) == "VIB vibration; effect incipient: the function is kept, and will be lost if nothing is done"
    assert str(Failure()) == ""


@pytest.mark.parametrize(
    ("codes", "what"),
    [
        ({"mode": "3.4"}, "'3.4' is not a failure mode"),
        ({"cause": "VIB"}, "'VIB' is not a failure cause"),
        ({"mode": "VIB", "effect": "bad"}, "'bad' is not a failure effect"),
    ],
)
def test_a_code_of_another_list_is_refused(codes: dict[str, str], what: str) -> None:
    with pytest.raises(MaintenanceError, match=what) as caught:
        Failure(**codes)
    assert caught.value.hint.startswith("Known: ")
