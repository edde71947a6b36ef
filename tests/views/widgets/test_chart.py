"""What a page that comes late is given to draw: the samples of what is chosen now, not of what was shown first."""

import json

import ipywidgets as widgets
import numpy as np
import pytest
from bokeh.core.json_encoder import serialize_json
from bokeh.document import Document
from bokeh.models import ColumnDataSource, Plot
from bokeh.plotting import figure

from tests.fake_session import small_fleet
from tests.views.monitored_session import MonitoredSession
from workbench.views.anomalies.view import Anomalies
from workbench.views.monitoring.view import Monitoring
from workbench.views.shell import Shell
from workbench.views.state import State
from workbench.views.widgets.chart import Chart, LiveChart


def document(state):
    [content] = json.loads(state["render_bundle"])["docs_json"].values()
    return Document.from_json(content)


def lines(state, name="telemetry"):
    """Time and values of all lines of a name that a page draws from a state."""
    drawn = []
    for plot in sorted(document(state).select({"type": Plot}), key=lambda plot: plot.name or ""):
        sources = [item.data_source for item in plot.renderers if item.name == name]
        drawn += [(plot, source.data) for source in sources if plot.visible and len(source.data["time"])]
    return drawn


def assert_samples_of(channel, data):
    time = channel["time"].values
    stamps = time.astype("datetime64[ms]").astype(np.int64) if time.dtype.kind == "M" else time
    samples = dict(zip(stamps.tolist(), channel["telemetry"].values.tolist(), strict=True))
    values = np.asarray(data["telemetry"], dtype=float)
    assert len(values) >= min(200, len(samples))
    assert values.tolist() == pytest.approx([samples[int(at)] for at in np.asarray(data["time"])], rel=1e-5)


def test_a_document_is_written_as_by_bokeh_and_looks_through_no_classes(monkeypatch):
    plot = figure(name="chart")
    plot.line([1, 2], [3, 4])
    chart = Chart(plot)
    expected = Document.to_json(plot.document, deferred=False)
    monkeypatch.setattr("bokeh.document.document.is_DataModel", lambda model: pytest.fail(f"{model} was looked at"))
    [content] = json.loads(chart.get_state()["render_bundle"])["docs_json"].values()
    assert content == json.loads(serialize_json(expected))


@pytest.mark.parametrize("name", [Anomalies, Monitoring])
def test_the_charts_of_a_view_are_written_as_by_bokeh(name):
    view = name(small_fleet() if name is Anomalies else MonitoredSession())
    for chart in view.charts().values():
        [content] = json.loads(chart.get_state()["render_bundle"])["docs_json"].values()
        assert content == json.loads(serialize_json(Document.to_json(chart._document, deferred=False)))
    view.close()


def test_anomalies_of_a_link_are_given_with_the_samples_of_their_channel():
    session = small_fleet()
    view = Anomalies(session)
    [chart] = view.charts().values()
    for name in ("A-2", "M-5", "P-1"):
        view.restore(State({"channel": name, "whole": "yes"}))
        [(_, data)] = lines(chart.get_state())
        assert_samples_of(session.data[name], data)
    view.close()


def test_strips_of_a_link_are_given_with_the_samples_of_their_channels():
    session = MonitoredSession()
    view = Monitoring(session)
    view.restore(State({"asset": "Sat", "channel": "P-3", "group": "Power"}))
    drawn = lines(view.charts()["Strips"].get_state())
    names = [plot.left[0].axis_label.split()[0] for plot, _ in drawn]
    assert names == ["P-1", "P-3", "P-5", "P-7", "P-9"]
    for name, (_, data) in zip(names, drawn, strict=True):
        assert_samples_of(session.data[name], data)
    view.close()


def test_a_shell_that_was_made_before_the_page_gives_the_page_what_its_address_asks_for():
    session = small_fleet()
    shell = Shell(session, ["anomalies"])
    shell.visit("view=anomalies&channel=A-2&whole=yes")
    [chart] = shell.view.charts().values()
    [(_, data)] = lines(widgets.Widget.get_manager_state(widgets=[chart])["state"][chart.model_id]["state"])
    assert_samples_of(session.data["A-2"], data)
    shell.close()


def chart_of(**columns):
    source = ColumnDataSource(columns)
    plot = figure()
    plot.line("time", "telemetry", source=source, name="telemetry")
    return LiveChart(plot), source


def sent_by(chart, monkeypatch):
    sent = []
    monkeypatch.setattr(chart.comm, "send", lambda data=None, **_: sent.append(data))
    return sent


def custom(chart, **content):
    chart._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def test_the_document_is_written_once_for_every_change():
    chart, source = chart_of(time=[1, 2], telemetry=[3.0, 4.0])
    first = chart.get_state()["render_bundle"]
    assert chart.get_state()["render_bundle"] is first
    source.data = {"time": [1, 2], "telemetry": [5.0, 6.0]}
    [(_, data)] = lines(chart.get_state())
    assert data["telemetry"] == [5.0, 6.0]
    assert "render_bundle" not in chart.get_state("layout")
    assert set(chart.get_state(iter(["render_bundle"]))) == {"render_bundle"}


def test_a_page_that_is_there_is_sent_the_change_and_no_document(monkeypatch):
    chart, source = chart_of(time=[1, 2], telemetry=[3.0, 4.0])
    sent = sent_by(chart, monkeypatch)
    with chart.together():
        source.data = {"time": [1, 2], "telemetry": [5.0, 6.0]}
    assert [message["method"] for message in sent] == ["custom"] * 3


def test_patches_are_numbered_and_a_document_says_which_it_holds(monkeypatch):
    chart, source = chart_of(time=[1, 2], telemetry=[3.0, 4.0])
    assert json.loads(chart.get_state()["render_bundle"])["serial"] == 1
    sent = sent_by(chart, monkeypatch)
    for value in (5.0, 6.0):
        source.data = {"time": [1, 2], "telemetry": [value, value]}
    numbers = [(message["content"]["serial"], message["content"]["part"]) for message in sent]
    assert numbers == [(2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2)]
    assert json.loads(chart.get_state()["render_bundle"])["serial"] == 3


def test_another_layout_has_a_number_of_its_own():
    """A page that comes back compares numbers: the same one would be the same document."""
    chart, _ = chart_of(time=[1, 2], telemetry=[3.0, 4.0])
    before = json.loads(chart.get_state()["render_bundle"])["serial"]
    chart.update_from_model(figure())
    assert json.loads(chart.get_state()["render_bundle"])["serial"] > before


def test_changes_of_every_chart_are_numbered(monkeypatch):
    plot = figure()
    chart = Chart(plot)
    sent = sent_by(chart, monkeypatch)
    plot.title.text = "P-1"
    assert [(message["content"]["serial"], message["content"]["part"]) for message in sent] == [(2, 0), (2, 1), (2, 2)]


def test_a_page_that_missed_a_change_gets_the_document(monkeypatch):
    chart, source = chart_of(time=[1, 2], telemetry=[3.0, 4.0])
    source.data = {"time": [1, 2], "telemetry": [5.0, 6.0]}
    sent = sent_by(chart, monkeypatch)
    before = chart.get_state()["render_bundle"]
    custom(chart, event="missed")
    [message] = sent
    assert message["method"] == "update"
    assert set(message["state"]) == {"render_bundle"}
    [(_, data)] = lines(message["state"])
    assert data["telemetry"] == [5.0, 6.0]
    assert message["state"]["render_bundle"] != before, "a page draws only what differs"


def test_what_a_reader_does_in_the_page_is_in_the_next_document():
    chart, _ = chart_of(time=[1, 2], telemetry=[3.0, 4.0])
    plot = chart._model
    chart.get_state()
    model = {"id": plot.x_range.id}
    custom(chart, event="jsevent", kind="ModelChanged", model=model, attr="bounds", new=[0, 9])
    assert tuple(plot.x_range.bounds) == (0, 9)
    [shown] = document(chart.get_state()).select({"type": Plot})
    assert tuple(shown.x_range.bounds) == (0, 9)


def test_another_layout_takes_the_place_of_the_first(monkeypatch):
    chart, _ = chart_of(time=[1, 2], telemetry=[3.0, 4.0])
    other, _ = chart_of(time=[1, 2], telemetry=[7.0, 8.0])
    model = other._model
    other.close()
    sent = sent_by(chart, monkeypatch)
    chart.update_from_model(model)
    [(_, data)] = lines(sent[-1]["state"])
    assert data["telemetry"] == [7.0, 8.0]
