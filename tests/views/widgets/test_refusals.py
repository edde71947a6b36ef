"""A number that cannot be right is refused at its field, before anything is pressed."""

import ipywidgets as widgets
import pytest

from workbench.exceptions import MaintenanceError, ViewError
from workbench.views.widgets.refusals import FormError, Range, Refusals


@pytest.fixture
def form():
    fields = {
        "hours": widgets.FloatText(2.0, description="Hours"),
        "text": widgets.Text(description="Reason"),
    }
    inside, last = widgets.Box(), widgets.Button(description="Do it")
    return inside, fields, Refusals(inside, fields, ranges={"hours": Range(0.1, 8760)}, ending=[last])


@pytest.mark.parametrize("hours", [-3.0, 0.0, 1e300, float("nan"), float("inf")])
def test_a_number_outside_its_range_is_refused_when_it_is_entered(form, hours):
    inside, fields, refusals = form
    fields["hours"].value = hours
    assert refusals.refused == "hours"
    assert "Hours must be between 0.1 and 8,760." in refusals.words
    note = inside.children[1]
    assert inside.children[0] is fields["hours"]
    assert "Hours must be" in note.value, "the note stands after its field"
    assert fields["hours"].value == hours or hours != hours, "what was entered is not clamped"
    with pytest.raises(ViewError, match=r"Hours must be between 0\.1 and 8,760\."):
        refusals.check()
    fields["hours"].value = 4.0
    assert (refusals.refused, refusals.words) == ("", "")
    refusals.check()


def test_a_field_that_is_not_shown_is_not_asked_about(form):
    _, fields, refusals = form
    fields["hours"].value = -1.0
    fields["hours"].layout.display = "none"
    refusals.check()


def test_an_error_stands_at_the_field_that_it_names(form):
    inside, fields, refusals = form
    with refusals.refusing():
        raise MaintenanceError("The text is empty.", "Enter one.")
    assert refusals.refused == "text"
    assert "wb-wrong" in fields["text"]._dom_classes
    with refusals.refusing():
        raise MaintenanceError("The archive is gone <b>.", "Look.")
    assert refusals.refused == ""
    assert "gone &lt;b&gt;" in refusals.words
    assert inside.children[-1].description == "Do it", "what comes after the fields stays there"
    with refusals.refusing():
        pass
    assert refusals.words == ""


def test_each_field_that_is_wrong_has_its_note_until_it_is_changed(form):
    inside, fields, refusals = form
    with refusals.refusing():
        raise FormError({"text": "Enter a reason.", "hours": "Enter hours.", "": "Nothing is done yet."})
    assert [type(child).__name__ for child in inside.children] == [
        "FloatText",
        "HTML",
        "Text",
        "HTML",
        "HTML",
        "Button",
    ]
    assert refusals.refused == "hours"
    first, second = inside.children[1], inside.children[3]
    assert ("Enter hours." in first.value, "Enter a reason." in second.value) == (True, True)
    fields["text"].value = "known"
    assert "Enter a reason." not in refusals.words
    assert "Enter hours." in refusals.words
    assert second.comm is None, "a note that is gone is closed"


def test_a_page_has_buttons_where_an_error_names_commands(form):
    _, _, refusals = form
    with refusals.refusing():
        raise MaintenanceError("WO-1 has open items.", "Answer them: workbench orders answer.")
    assert "WO-1 has open items. Answer them.<" in refusals.words
