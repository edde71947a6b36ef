"""The table of what can be done with work orders, against the states of orders and the form's fields."""

from dataclasses import replace

import pytest

from tests.fake_session import small_fleet
from workbench.exceptions import ViewError
from workbench.maintenance.orders.states import ORDER_STATES
from workbench.views.maintenance.order_actions import Actions
from workbench.views.maintenance.order_commands import (
    ACTION_OF_STATE,
    ORDER_ACTIONS,
    OrderRequest,
    hours_by_name,
    part_quantities,
)


def test_one_action_leads_to_each_state():
    assert set(ACTION_OF_STATE) == set(ORDER_STATES)
    assert len(set(ACTION_OF_STATE.values())) == len(ORDER_STATES)


def test_no_key_has_two_actions_and_a_form_has_words():
    keys = [action.key for action in ORDER_ACTIONS.values() if action.key]
    assert len(set(keys)) == len(keys)
    form = Actions(press=print, confirm=print, cancel=print, asset=print)
    for name, action in ORDER_ACTIONS.items():
        assert set(action.fields) <= set(form.fields), name
        assert bool(action.confirm) == bool(action.fields), name
        assert bool(action.text_label) == ("text" in action.fields), name


@pytest.mark.parametrize("name", [name for name in ORDER_ACTIONS if name != "new"])
def test_without_an_order_each_action_says_so(name):
    form = Actions(press=print, confirm=print, cancel=print, asset=print)
    request = OrderRequest(small_fleet().maintenance.orders, "Kim", None, open_alerts=False, values=form.values())
    with pytest.raises(ViewError, match="No order is chosen"):
        ORDER_ACTIONS[name].perform(request)


@pytest.mark.parametrize("text", ["seal", "seal=", "seal=x", "seal=1.5", "seal=2, filter"])
def test_parts_without_a_whole_quantity_are_refused_by_name(text):
    with pytest.raises(ViewError, match="is not a part with its quantity"):
        part_quantities(text)


@pytest.mark.parametrize("text", ["Ann", "Ann=", "Ann=x", "=2", "Ann=2; Ben=1", "Ann=2, Ben"])
def test_hours_without_a_name_or_a_number_are_refused_by_name(text):
    with pytest.raises(ViewError, match="is not a technician with hours"):
        hours_by_name(text)


def test_only_a_completed_order_can_be_reopened():
    form = Actions(press=print, confirm=print, cancel=print, asset=print)
    orders = small_fleet().maintenance.orders
    number = orders.new("Kim", asset="SMAP").number
    form.allow(orders.get(number))
    assert form.buttons["reopen"].layout.display == "none"
    order = orders.get(number)
    completed = replace(order, state="completed", started_at=order.opened_at)
    form.allow(completed)
    assert {name for name, made in form.buttons.items() if made.layout.display is None} == {
        "reopen",
        "comment",
        "follow-up",
        "sign",
        "new",
    }
