import pytest

from workbench.exceptions import MaintenanceError
from workbench.maintenance.orders.failure_codes import (
    DETECTION_METHODS,
    FAILURE_CAUSES,
    FAILURE_MECHANISMS,
    FAILURE_MODES,
    Failure,
)


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


def test_the_tables_are_those_of_2016() -> None:
    """Numbers as public sources give them: B.2 has 38 mechanisms in six groups, B.3 21 causes, B.4 11 methods."""
    assert [FAILURE_CAUSES[code] for code in ("5.4", "5.5", "5.6")] == [
        "other unit or cascading failure",
        "other",
        "unknown",
    ]
    assert (FAILURE_MODES["FTR"], FAILURE_MODES["LCP"]) == ("failure to regulate", "leakage in closed position")
    assert (FAILURE_MECHANISMS["2.4"], FAILURE_MECHANISMS["6.4"]) == ("wear", "unknown")
    assert (len(FAILURE_MECHANISMS), len(FAILURE_CAUSES), len(DETECTION_METHODS)) == (38, 21, 11)
    words = str(Failure("LCP", kind="functional failure", mechanism="2.4", detection="2", component="seat"))
    assert words == (
        "functional failure; LCP leakage in closed position; component seat; mechanism 2.4 wear; "
        "detected by functional testing"
    )


@pytest.mark.parametrize(
    "codes", [{"kind": "broken"}, {"mechanism": "9.9"}, {"detection": "12"}, {"component": "x" * 201}]
)
def test_what_is_no_code_is_refused(codes: dict[str, str]) -> None:
    with pytest.raises(MaintenanceError):
        Failure(**codes)
