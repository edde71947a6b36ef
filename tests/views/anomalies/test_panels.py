"""The tabs under an alert: other thresholds, similar segments, related channels."""

import pytest

from tests.fake_session import small_fleet
from tests.views.look import press, texts
from workbench.settings import Settings, load_settings
from workbench.views.anomalies.view import Anomalies
from workbench.views.markup import target
from workbench.views.state import Selected


@pytest.fixture
def view(tmp_path):
    session = small_fleet()
    session.settings = Settings(home=tmp_path, preset="paper")
    opened = Anomalies(session)
    opened.follow(Selected("SMAP", "P-1", 2149))
    yield opened
    opened.close()


def open_panel(view, name):
    press(view, name)
    return view.panels[name]


def test_thresholds_are_tried_reverted_and_saved_for_the_next_session(view, tmp_path):
    panel = open_panel(view, "Thresholds")
    assert panel.fields["z_min"].value == 2.5
    panel.fields["min_decrease"].value = 0.999
    panel.on_one(panel.one)
    assert panel.trial.channels == 1
    assert set(panel.trial.table["channel"]) == {"P-1"}
    assert set(panel.trial.table["outcome"]) == {"vanishes"}
    assert "vanishes" in panel.grid.html
    panel.on_fleet(panel.fleet)
    assert panel.trial.channels == 4
    assert not list(tmp_path.glob("*.yaml")), "trying saves nothing"
    panel.on_revert(panel.revert)
    assert (panel.fields["min_decrease"].value, panel.grid.html) == (0.13, "")
    panel.fields["z_min"].value = 4.0
    panel.on_save(panel.save)
    assert load_settings(tmp_path, home=tmp_path).params.z_min == 4
    assert not panel.remove.disabled
    panel.on_remove(panel.remove)
    assert load_settings(tmp_path, home=tmp_path).preset == "workbench"
    assert view.failure is None


def test_thresholds_that_cannot_be_are_refused_by_name(view, tmp_path):
    panel = open_panel(view, "Thresholds")
    panel.fields["min_decrease"].value = 2.0
    assert "Min decrease must be at least 0 and below 1." in texts(view), "before anything is pressed"
    panel.on_save(panel.save)
    assert panel.refusals.refused == "min_decrease"
    assert not list(tmp_path.glob("*.yaml"))
    panel.fields["min_decrease"].value = 0.13
    panel.fields["z_max"].value = 1.0
    panel.on_one(panel.one)
    assert "z_max (1.0) must be above z_min" in texts(view)
    assert (panel.refusals.refused, view.failure) == ("z_max", None)
    assert panel.trial is None


def test_similar_segments_are_looked_for_when_asked(view):
    panel = open_panel(view, "Similar")
    assert panel.grid.html == ""
    panel.on_find(panel.find)
    assert view.failure is None
    assert len(panel.table)
    first = panel.table.iloc[0]
    assert first["channel"] in panel.grid.html
    panel.grid.tell("pick", target("SMAP", first["channel"], int(first["start"])))
    assert f"around sample {first['start']:,}" in texts(view)
    view.follow(Selected("SMAP", "A-2", 900))
    assert panel.grid.html == "", "what was found for another alert stays"


def test_related_channels_and_alerts_lead_on(view):
    panel = open_panel(view, "Related")
    assert set(panel.channels["channel"]) <= {"A-2", "E-4"}
    assert "have no times" in panel.words.value
    others = panel.alerts
    assert view.alert not in others["id"].tolist()
    assert others["apart"].abs().is_monotonic_increasing
    item = others.iloc[-1]
    panel.near.tell("pick", target(item["asset"], item["channel"], int(item["start_sample"])))
    assert view.alert == item["id"]
    assert view.selection.now.channel == item["channel"]


def test_the_open_tab_is_part_of_the_link(view):
    open_panel(view, "Related")
    again = Anomalies(view.session, state=view.state)
    assert again.panel == "Related"
    again.close()
