"""The written form of filters, and the order of a table after clicks."""

from dataclasses import dataclass

import pytest

from workbench.exceptions import ViewError
from workbench.views.widgets.filters import Filters, check_choice, next_order


@dataclass(frozen=True)
class Chosen(Filters):
    level: str = ""
    order: str = "worst"


@pytest.mark.parametrize("filters", [Chosen(), Chosen(level="high"), Chosen("low", "newest")])
def test_what_is_written_is_read_again(filters):
    assert Chosen.of({"view": "anomalies", **filters.written()}) == filters


def test_only_what_differs_from_the_default_is_written():
    assert Chosen().written() == {}
    assert Chosen(order="newest").written() == {"order": "newest"}


def test_a_value_that_is_not_offered_is_refused_with_those_that_are():
    with pytest.raises(ViewError) as error:
        check_choice("order", "luck", ["", "worst", "newest"])
    assert error.value.message == "The link asks for order 'luck', which is not offered."
    assert error.value.hint == "Choose one of: worst, newest."


def test_a_second_click_on_a_column_turns_the_order_round():
    assert [next_order(order, "age") for order in ("channel", "age", "-age")] == ["age", "-age", "age"]
    orders = [next_order(order, "age", largest_first=True) for order in ("channel", "-age", "age")]
    assert orders == ["-age", "age", "-age"]
