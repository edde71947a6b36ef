"""The section of known events under an alert."""

import pytest

from tests.fake_session import small_fleet
from tests.views.look import press, texts
from workbench.maintenance.alerts.known.table import KnownMatch
from workbench.maintenance.alerts.known.uses import record_use
from workbench.views.anomalies.view import Anomalies
from workbench.views.state import Selected


@pytest.fixture
def view():
    opened = Anomalies(small_fleet())
    opened.follow(Selected("SMAP", "P-1", 2149))
    yield opened
    opened.close()


def _taught(view, comment="Antenna <test>"):
    """Close the chosen alert as a test, choose another one, and open the section."""
    view.session.maintenance.alerts.close(view.alert, "Ann", "test", comment)
    view.refresh()
    view.follow(Selected("SMAP", "A-2", 900))
    press(view, "Known events")
    return view.panels["Known events"]


def test_the_section_says_how_an_event_is_taught_where_there_is_none(view):
    press(view, "Known events")
    assert "Close an alert with the verdict known behaviour or test" in texts(view)
    panel = view.panels["Known events"]
    panel.on_save(panel.save)
    assert view.failure.what == "No known event is chosen."


def test_an_event_is_listed_with_its_shape_and_escaped(view):
    panel = _taught(view)
    words = texts(view)
    for part in ("Antenna <test>", "P-1", "active", "taught by Ann", "recognised in 0 alerts"):
        assert part in words
    assert "<test>" not in panel.grid.html
    assert "<svg" in panel.words.value


def test_an_event_is_renamed_bounded_disabled_and_removed(view):
    panel, known = _taught(view), view.session.maintenance.known
    learnt = known.get(1).bound
    panel.label.value, panel.bound.value = "Dish test", "0.25"
    panel.on_save(panel.save)
    assert (known.get(1).name, known.get(1).bound) == ("Dish test", 0.25)
    panel.bound.value = ""
    panel.on_save(panel.save)
    assert known.get(1).bound == learnt
    panel.on_switch(panel.switch)
    assert (known.get(1).state, panel.switch.description) == ("disabled", "Enable")
    panel.on_switch(panel.switch)
    assert known.get(1).state == "active"
    panel.on_remove(panel.remove)
    assert panel.remove.description == "Remove for good?"
    assert len(known.list()) == 1
    panel.on_remove(panel.remove)
    assert known.list().empty
    assert "No known events yet" in texts(view)
    assert view.failure is None


def test_evidence_names_the_known_event_that_an_alert_is(view):
    _taught(view, "Antenna <test>")
    alerts, number = view.session.maintenance.alerts, view.alert
    bound = alerts.known.get(1).bound
    match = KnownMatch(1, "as it was called then", bound / 2, bound, "high", "A-2 left its forecast")
    with alerts.database.writing() as db:
        record_use(db, number, match)
    alerts.known.rename(1, "Ann", "Dish <test>")
    press(view, "Evidence")
    view.panels["Evidence"].on_explain()
    facts = view.panels["Evidence"].facts.value
    fit = f"distance {bound / 2:.2f} of bound {bound:.2f}; high without it"
    assert f"<dt>known event</dt><dd><b>Dish &lt;test&gt;</b>, {fit}</dd>" in facts
    alerts.known.remove(1, "Ann")
    view.panels["Evidence"].on_explain()
    assert "known event" not in view.panels["Evidence"].facts.value


def test_a_bound_that_is_no_number_is_refused(view):
    panel = _taught(view)
    panel.bound.value = "near"
    panel.on_save(panel.save)
    assert view.failure.what == "'near' is not a number."
    assert view.session.maintenance.known.get(1).bound_from == "1 repetition"


def test_the_section_is_part_of_the_link(view):
    _taught(view)
    again = Anomalies(view.session, state=view.state)
    assert again.panel == "Known events"
    again.close()
