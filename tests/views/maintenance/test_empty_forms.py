"""A form that is confirmed empty says which field is missing, at that field."""

import pytest

from tests.fake_session import small_fleet
from workbench.views.maintenance.view import Maintenance
from workbench.views.state import State


@pytest.fixture(scope="module")
def view():
    session = small_fleet()
    session.maintenance.orders.new("Kim", asset="SMAP", type="inspection", title="Look at P-1", hours=6)
    opened = Maintenance(session)
    opened.orders.on_pick("WO-1")
    yield opened
    opened.close()


FORMS = {
    ("preventive", "add"): "asset",
    ("assets", "add"): "name",
    ("assets", "record"): "asset",
    ("assets", "begin"): "reason",
    ("resources", "save"): "name",
    ("resources", "receive"): "part",
    ("resources", "set"): "part",
    ("resources", "request"): "part",
}


@pytest.mark.parametrize(("mode", "button"), FORMS)
def test_a_form_of_a_section_says_which_field_is_missing(view, mode, button):
    view.restore(State({"mode": mode}))
    page = getattr(view, mode)
    getattr(page, button).click()
    forms = [value for value in vars(page).values() if hasattr(value, "refusing")]
    assert [form.refused for form in forms if form.refused] == [FORMS[mode, button]]
    for form in forms:
        form.done("")
    assert view.failure is None


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ("hold", "text"),
        ("cancel", "text"),
        ("comment", "text"),
        ("book", "labour"),
        ("attach", "file"),
        ("merge", "into"),
    ],
)
def test_a_form_of_an_order_says_which_field_is_missing(view, action, field):
    view.restore(State({"order": "WO-1"}))
    view.orders.on_action(view.orders.actions.buttons[action])
    for name in ("text", "labour"):
        view.orders.actions.fields[name].value = ""
    view.orders.on_confirm(view.orders.actions.confirm)
    assert view.orders.actions.refusals.refused == field
    assert view.failure is None
