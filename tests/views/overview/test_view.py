"""Overview as an object: its figures are the session's, and everything leads on."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest

import workbench as wb
from tests.conftest import make_tiny_archive
from tests.fake_session import FakeSession, small_fleet
from tests.views.finders import find_box, find_grid
from tests.views.look import find_toggle, texts
from workbench.forecasting import risks
from workbench.maintenance.alerts.raising import Finding
from workbench.plots.theme import SEVERITIES
from workbench.views.markup import sparkline, target
from workbench.views.overview.data import RANGES, look_at
from workbench.views.overview.view import Overview
from workbench.views.registry import view_class
from workbench.views.state import Selected, State

GRIDS = ("Key figures", "Channels by asset and subsystem", "Channels with the worst alerts")


class Opened:
    """A frame that notes what is opened."""

    def __init__(self):
        self.names = []

    def open(self, name, state=None):
        self.names.append(name)
        self.state = state

    def on_moved(self, *, step):
        pass

    def on_altered(self, view):
        pass


@pytest.fixture
def frame():
    return Opened()


@pytest.fixture
def view(frame):
    made = Overview(small_fleet())
    made.put_into(frame)
    yield made
    assert made.failure is None
    made.close()


def tile(view, name):
    return next(part for part in find_grid(view, "Key figures").html.split("wb-tile") if f">{name}" in part)


def health(view):
    return find_grid(view, "Channels by asset and subsystem")


def worst(view):
    return find_grid(view, "Channels with the worst alerts")


def failures(view):
    return find_grid(view, "Assets most likely to fail next")


def test_every_channel_has_a_cell_with_its_open_alerts(view):
    alerts = view.session.maintenance.alerts.list(state="open")
    cells = re.findall(
        r'<button type="button" class="wb-cell ([\w-]*)" data-pick="([^"]+)".*?<b>(\d*)</b>', health(view).html
    )
    shown = {json.loads(pick.replace("&quot;", '"'))[2]: (kind, number) for kind, pick, number in cells}
    assert set(shown) == set(view.session.spans)
    for channel, (kind, number) in shown.items():
        own = alerts[alerts["channel"] == channel]
        assert number == (str(len(own)) if len(own) else "")
        assert (kind == "wb-unscored") == (view.session.spans[channel] is None)


def test_the_first_line_names_the_worst(view):
    alert = view.picture.alerts.iloc[0]
    assert f"Do first: {alert['channel']}, {alert['level']}" in texts(view.head)
    assert "1 with scores out of date, 1 not scored" in texts(view.head)


def test_figures_are_those_of_the_desk_and_of_the_time_before(view):
    desk, count = view.session.maintenance, len(view.picture.alerts)
    assert f"<b>{count}</b>" in tile(view, "Open alerts")
    assert "previous 7 days: 0" in tile(view, "Open alerts")
    assert f"Open alerts in {count} cases" in tile(view, "Open alerts"), "each lies apart from the others"
    assert "no outage recorded" in tile(view, "Availability")
    alert = int(view.picture.alerts["id"].iloc[0])
    desk.alerts.acknowledge(alert, "Ada")
    order = desk.orders.from_alerts([alert], "Ada")
    view.refresh()
    assert f"<b>{count - 1}</b>" in tile(view, "To acknowledge")
    assert "<b>1</b>" in tile(view, "Work orders")
    assert order.number in texts(find_box(view, "wb-load-panel"))
    assert "Ada" in texts(find_box(view, "wb-activity"))
    desk.people.set("Ann", "Ada")
    desk.orders.new("Ada", asset="MSL", type="inspection", title="Look at it")
    desk.orders.assign(order.number, "Ann", "Ada")
    view.refresh()  # one order has a technician, another has none
    shown = texts(find_box(view, "wb-load-panel"))
    assert ", Ann " in shown
    assert ", unassigned" in shown


def test_of_the_worst_alerts_one_that_waits_is_done_first_and_then_the_newest():
    spans = {
        "A-1": [(1000, 1050, 9.0)],
        "B-2": [(2000, 2060, 12.0)],
        "C-3": [(2500, 2520, 9.5)],
        "D-4": [(2700, 2720, 3.0)],
    }
    view = Overview(FakeSession(spans))
    alerts = view.session.maintenance.alerts
    of = dict(alerts.list(state=None)[["channel", "id"]].to_numpy().tolist())
    newest, *older = sorted((of[name] for name in ("A-1", "B-2", "C-3")), reverse=True)
    order = []
    for acknowledged in (newest, older[0], older[1]):
        order.append(int(view.picture.alerts["id"].iloc[0]))
        alerts.acknowledge(acknowledged, "Ada")
        view.refresh()
    assert order == [newest, *older], "the newest that waits"
    assert view.picture.alerts["id"].tolist() == [newest, *older, of["D-4"]], "none waits, and levels stay in order"
    assert f"Do first: {view.picture.alerts['channel'].iloc[0]}, high" in texts(view.head)
    view.close()


def test_a_closed_alert_counts_in_the_past_only(view):
    session = view.session
    desk, begin = session.maintenance, session.clock()
    count = len(view.picture.alerts)
    session.clock = lambda: begin + timedelta(hours=30)
    desk.database.clock = session.clock
    desk.alerts.close(int(view.picture.alerts["id"].iloc[0]), "Ada", "test")
    picture = look_at(session, "24 h")
    assert (len(picture.alerts), picture.open_before) == (count - 1, count)
    assert (len(picture.raised), picture.raised_before) == (0, count)
    assert (picture.health_before <= picture.health).all()
    assert look_at(session, "all").open_before is None


def test_a_cell_leads_to_the_channel_s_alerts_and_a_figure_to_its_view(view, frame):
    health(view).tell("pick", target("SMAP", "A-2"))
    assert view.selection.now == Selected("SMAP", "A-2")
    assert frame.names == ["anomalies"]
    assert frame.state is not None, "no filter of before leaves it out"


@pytest.mark.parametrize(
    ("name", "leads_to", "state"),
    [
        ("Open alerts", "anomalies", {}),
        ("To acknowledge", "anomalies", {"state": "waiting", "order": "oldest"}),
        ("Raised in", "anomalies", {"state": "all", "order": "newest", "raised": "7 d"}),
        ("Availability", "maintenance", {"mode": "assets"}),
        ("Work orders", "maintenance", {"mode": "orders"}),
        ("Mean time to repair", "maintenance", {"mode": "figures"}),
    ],
)
def test_a_figure_leads_to_what_it_counts(view, frame, name, leads_to, state):
    """The list that opens has as many rows as the figure says."""
    html = tile(view, name)
    find_grid(view, "Key figures").tell("pick", unescape(re.search(r'data-pick="([^"]*)"', html)[1]))
    assert (frame.names, frame.state) == ([leads_to], state)
    opened = view_class(leads_to)(view.session, state={"group": "alert", **state} if leads_to == "anomalies" else state)
    assert opened.failure is None
    if name in ("Open alerts", "To acknowledge", "Raised in", "Work orders"):
        assert len(opened.shown_table()) == int(re.search(r"<b>(\d+)</b>", html)[1])
    opened.close()


def test_a_row_is_chosen_by_one_key_and_leads_on_by_another(view, frame):
    alert = view.picture.alerts.iloc[0]
    value = target(alert["asset"], alert["channel"], int(alert["start_sample"]))
    worst(view).tell("pick", value)
    assert view.selection.now.anomaly == alert["start_sample"]
    assert frame.names == []
    worst(view).tell("open", value)
    assert frame.names == ["anomalies"]


def test_assets_most_likely_to_fail_lead_on_to_their_risk(view, frame):
    session = view.session
    assert "not enough history" in texts(failures(view))
    alert = session.maintenance.alerts.list(state="open").query("channel == 'P-1'")["id"].iloc[0]
    session.maintenance.alerts.close(int(alert), "Ada", "true")
    began = session.clock()
    session.clock = session.maintenance.database.clock = lambda: began + timedelta(days=30)
    view.refresh()
    expected = risks(session, 7.0).set_index("asset")["probability"]
    assert risks(session, 7.0).set_index("asset").loc["SMAP", "failures"] == 1
    shown = re.findall(r"data-pick='(\w+)'.*?(\d+) %", failures(view).html)
    assert shown == [(asset, f"{expected[asset] * 100:.0f}") for asset in ("SMAP", "MSL")]
    failures(view).tell("pick", "SMAP")
    assert view.selection.now == Selected("SMAP")
    assert (frame.names, frame.state) == (["forecasting"], {"mode": "Risk and what-if", "days": "7"})


def test_every_range_shows_what_was_raised_in_it(view):
    for words in RANGES:
        find_toggle(view, "7 d").value = words
        assert view.failure is None
        assert view.picture.words == words
        [plot] = view.kept_charts.figures("Alerts raised")
        drawn = plot.renderers[0].data_source.data
        assert sum(sum(drawn[level]) for level in SEVERITIES) == len(view.picture.raised)
    assert view.state["range"] == "all"


def test_another_period_is_what_a_fresh_view_shows_and_the_fleet_is_read_only_where_something_was_written(tmp_path):
    make_tiny_archive(tmp_path)
    with wb.open(home=tmp_path) as session:
        alerts, now = session.maintenance.alerts, session.clock()
        for channel, days in (("X-1", 10), ("X-2", 0.2)):
            begun = now - timedelta(days=days)
            place = (channel, "SMAP", "", "V", "limit", 1, 9, begun, begun + timedelta(minutes=8))
            finding = Finding(*place, "high", None, 9.0, 5.0, "high high", "It is too hot.", ongoing=True)
            alerts.raise_findings([], [finding])
        view, reads = Overview(session), []
        session.overview = lambda overview=session.overview: reads.append("fleet") or overview()
        for words in RANGES:
            find_toggle(view, "7 d").value = words
            shown = [find_grid(view, name).html for name in GRIDS]
            assert reads == []
            fresh = Overview(session, state=State({"range": words}))
            assert shown == [find_grid(fresh, name).html for name in GRIDS]
            fresh.close()
            reads.clear()
        alerts.acknowledge(1, "Ann")
        find_toggle(view, "7 d").value = "24 h"
        assert reads == ["fleet"]
        assert (view.picture.alerts["state"] == "acknowledged").sum() == 1
        view.close()


def test_the_activity_of_an_alarm_that_lasts_is_that_it_was_raised(tmp_path):
    make_tiny_archive(tmp_path)
    with wb.open(home=tmp_path) as session:
        begun = session.clock() - timedelta(hours=2)
        for minutes in range(60):
            end = begun + timedelta(minutes=minutes)
            place = ("X-1", "SMAP", "", "V", "limit", 1, 1 + minutes, begun, end)
            finding = Finding(*place, "high", None, 9.0, 5.0, "high high", "It is too hot.", ongoing=True)
            session.maintenance.alerts.raise_findings([], [finding])
        assert len(session.maintenance.alerts.history(1)) == 58  # from the third sample on, as `on_delay` says
        shown = look_at(session, "7 d").feed
        assert shown[shown["subject"] == "alert:1"]["action"].tolist() == ["raised"]


def test_an_unknown_range_gives_a_card():
    view = Overview(small_fleet(), state=State({"range": "a while"}))
    assert "a while" in view.failure.what
    view.close()


def test_an_empty_and_an_unscored_fleet_say_what_to_run():
    for spans in ({}, {"E-4": None}):
        view = Overview(FakeSession(spans))
        assert "workbench run" in view.head.value
        assert view.failure is None
        view.close()


def test_the_worst_channels_have_sparklines_of_their_telemetry(view):
    assert worst(view).html.count("<svg") == min(12, view.picture.alerts["channel"].nunique())
    assert sparkline([0, 1, 0, 5, 0], [(3, 3, "high")]).count("class='high'") == 1
    broken = sparkline([0, 1, float("nan"), float("nan"), 5, 0], [])
    assert broken.count("<polyline") == 2 and "nan" not in broken
