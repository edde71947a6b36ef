"""Alerts of whole assets in Anomalies, with the real session."""

import pytest
from bokeh.models import HoverTool

import workbench as wb
from tests.plants import write_plant
from tests.views.look import texts
from workbench.views.anomalies.asset import ShownAsset
from workbench.views.markup import target
from workbench.views.state import State


@pytest.fixture
def session(tmp_path):
    write_plant(tmp_path)
    with wb.open(home=tmp_path) as opened:
        opened.train_asset()
        opened.score_asset("Pump-1")
        opened.raise_alerts()
        yield opened


@pytest.fixture
def view(session):
    opened = session.view("anomalies", kind="asset")
    yield opened
    opened.close()


def test_the_alert_of_an_asset_shows_its_distances_and_the_channels_that_contribute(view):
    assert view.failure is None
    assert view.list.row(view.alert)["channel"] == "Pump-1"
    figures = view.asset_plots._charts.figures("Asset")
    assert [figure.name for figure in figures] == ["distances", "channel", "channel", "channel"]
    assert figures[1].yaxis[0].axis_label == "P-2"
    assert view.plots.widget.layout.display == "none"
    evidence = view.panels["Evidence"]
    evidence.on_explain()
    assert "channels moved apart" in evidence.facts.value
    assert "P-2" in evidence.facts.value
    assert "largest in training" in evidence.facts.value
    assert view._tabs["Thresholds"].layout.display == "none"


def test_a_long_name_is_cut_beside_its_chart_and_whole_on_hover(view, session):
    name = "Hydraulics.Bearing 7 temperature"
    view.asset_plots.show(ShownAsset.of(session, "Pump-1"), None, {name: session.channel("P-2")})
    drawn = view.asset_plots._charts.figures("Asset")[1]
    assert drawn.yaxis[0].axis_label == "Hydr…ture"
    hovers = [tool.tooltips for tool in drawn.tools if isinstance(tool, HoverTool)]
    assert hovers and all(("channel", name) in lines for lines in hovers)


def test_a_channel_that_contributes_is_shown_on_request(view):
    view.on_panel(view._tabs["Channels"])
    panel = view.panels["Channels"]
    assert "P-2" in panel.grid.html
    panel.on_pick(target("Pump-1", "P-2"))
    assert "P-2 around sample 600" in view._status.value
    assert view.asset_plots.widget.layout.display == "none"


def test_an_anomaly_of_an_asset_is_chosen_by_its_link_and_breaks_no_other_view(session, view):
    view.on_pick(str(view.alert))
    assert (view.selection.now.asset, view.selection.now.channel) == ("Pump-1", "")
    query = view.state.query()
    again = session.view("anomalies")
    again.restore(State.parse(query))
    assert again.alert == view.alert
    again.close()
    for name in ("overview", "monitoring", "models", "maintenance"):
        other = session.view(name, asset="Pump-1", anomaly="2026-01-03T10:00:00")
        assert other.failure is None, name
        other.close()


def test_an_asset_cannot_be_labelled_as_a_channel(view):
    view.on_action(view.actions.buttons["label"])
    view.on_confirm(view.actions.confirm)
    assert "Labels belong to channels" in texts(view)


def test_a_score_that_is_gone_is_said(session):
    session.assets.store.remove("Pump-1")
    view = session.view("anomalies", kind="asset")
    assert view.failure is not None
    assert "Pump 1 is not scored as a whole" in view.failure.what
    view.close()


def test_models_of_assets_stand_in_the_list_of_models(session):
    view = session.view("models", forecaster="pca")
    assert view.failure is None
    view.pick("Pump-1.pca/1")
    assert view.failure is None
    assert view.actions.how.value == "pca"
    assert view.selection.now.channel == ""
    view.close()
