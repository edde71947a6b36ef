import asyncio

import numpy as np
import pytest
from bokeh.models import ColumnDataSource

from tests.views.look import find_button, find_field, find_toggle, markup, press, texts, visible
from tests.views.monitored_session import HOUR, LAST, START, MonitoredSession
from workbench.views.base import View
from workbench.views.monitoring.view import Monitoring
from workbench.views.state import Selected, Selection, State
from workbench.views.widgets.chart import Chart, LiveChart


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def view(clock):
    made = Monitoring(MonitoredSession(), seconds=clock)
    yield made
    assert made.failure is None
    made.close()


def figures(view):
    return view.figures()


def show_group(view, name):
    dropdown = find_field(view, "Channels")
    dropdown.value = next(value for _, value in dropdown.options if value == name)


def drawn(plot, name):
    data = plot.select_one({"name": name, "type": ColumnDataSource}).data
    return {key: np.asarray(value).tolist() for key, value in data.items()}


def names(view):
    return [plot.left[0].axis_label for plot in figures(view)[:-1] if plot.visible]


def test_it_opens_on_the_worst_asset_with_a_strip_a_channel(view):
    assert isinstance(view, View)
    assert names(view)[:2] == ["P-1 V", "A-10 V"]
    assert len(names(view)) == 8
    assert "1 to 8 of 10" in texts(view)
    assert texts(view.head).startswith(
        "Satellite all within limits 2 of 8 channels with anomalies in the time shown 8 with no data for 1 hour"
    )


def test_the_table_tells_value_unit_age_state_and_statistics(view):
    row = view.table.set_index("channel").loc["P-1"]
    values = view.session.data["P-1"]["telemetry"].values
    assert row["value"] == values[-1]
    assert (row["age"], row["stale"], row["limit"], row["units"]) == (3660, True, "normal", "V")
    assert (row["minimum"], row["maximum"]) == (values.min(), values.max())
    assert row["sd"] == pytest.approx(values.std(), rel=1e-4)
    shown = texts(view.panel)
    assert "1 h" in shown
    assert "no data, 2 stuck runs, 25.0 % missing" in shown
    assert 'title="no data for 1 hour, 2 stuck runs, 25.0 % missing"' in view.panel.values.value


def test_a_fresh_value_is_not_stale(view):
    view.session.now = view.session.now.replace(hour=2)
    view.refresh()
    assert "no data for" not in texts(view)


def test_a_value_beyond_a_limit_has_symbol_word_and_number():
    session = MonitoredSession()
    session.data["P-1"]["telemetry"].values[-1] = 0.75
    view = Monitoring(session)
    assert "▲ 1 outside the warning limit" in texts(view.head)
    assert '<td class="wb-word" title="warning high 0.7"><span class="wb-symbol">▲</span>warning high</td>' in (
        view.panel.values.value
    )
    assert "Gauges" in view.charts()


def test_gauges_are_shown_only_where_a_channel_has_limits(view):
    assert "Gauges" in view.charts()
    show_group(view, "Antenna")
    assert "Gauges" not in view.charts()


def test_other_assets_groups_and_pages_come_into_the_same_figures(view):
    before = figures(view)
    show_group(view, "Power")
    assert names(view) == ["P-1 V", "P-3 V", "P-5 V", "P-7 V", "P-9 V"]
    show_group(view, "worst first")
    press(view, "Next")
    assert len(names(view)) == 2
    assert figures(view) == before
    find_field(view, "Asset").value = "Rover"
    assert names(view) == ["M-1 V", "M-2 V"]
    assert figures(view) != before
    assert drawn(figures(view)[1], "prediction")["time"] == []


def shown_modes(view):
    """Return the names of the charts on screen, but for the gauges."""
    visible_charts = [made for made in visible(view) if isinstance(made, Chart)]
    return [name for name, chart in view.charts().items() if name != "Gauges" and chart in visible_charts]


@pytest.mark.parametrize("mode", ["overlay", "stacked", "heat map"])
def test_modes_draw_their_figure_and_hide_the_others(view, mode):
    find_toggle(view, "strips").value = mode
    [plot] = figures(view)
    assert plot.name == mode
    assert shown_modes(view) == [mode.capitalize()]
    find_toggle(view, "strips").value = "strips"
    assert shown_modes(view) == ["Strips"]


def test_panning_one_strip_moves_all_charts_and_the_statistics(view):
    strips = figures(view)
    assert all(plot.x_range is strips[0].x_range for plot in strips)
    strips[0].x_range.update(start=START + HOUR, end=START + 2 * HOUR)
    assert view.scene.range == (START + HOUR, START + 2 * HOUR)
    times = drawn(strips[3], "telemetry")["time"]
    assert START + 0.4 * HOUR < times[0] < START + 0.5 * HOUR + 1
    row = view.table.set_index("channel").loc["P-1"]
    assert row["n"] == 61
    assert row["value"] == view.session.data["P-1"]["telemetry"].values[-1]
    assert find_field(view, "Show").label == "as zoomed"


def test_buttons_and_ranges_move_all_charts(view):
    x_range = figures(view)[0].x_range
    find_field(view, "Show").value = HOUR
    assert (x_range.start, x_range.end) == (LAST - HOUR, LAST)
    press(view, "←")
    assert x_range.end == LAST - HOUR / 2
    press(view, "-")
    assert x_range.end - x_range.start == 2 * HOUR
    view.on_all()
    assert (x_range.start, x_range.end) == (START, LAST)
    assert find_field(view, "Show").value == 0


def test_choosing_a_row_or_a_strip_is_told_to_all_views():
    selection = Selection()
    view = Monitoring(MonitoredSession(), selection=selection)
    view.panel.names.value = "A-10"
    assert selection.now == Selected("Sat", "A-10")
    view.on_strip(0)
    assert selection.now == Selected("Sat", "P-1")
    assert view.panel.names.value == "P-1"
    assert "P-1: Bus, V" in texts(view)


def test_what_is_chosen_elsewhere_is_shown():
    selection = Selection()
    view = Monitoring(MonitoredSession(), selection=selection)
    selection.choose(Selected("Rover", "M-1", 100))
    assert (view.scene.asset, view.scene.channel) == ("Rover", "M-1")
    assert view.scene.range == (20, 220)
    selection.choose(Selected("Sat"))
    assert find_field(view, "Asset").value == "Sat"


def test_a_state_comes_back_as_it_was(view):
    show_group(view, "Power")
    view.panel.names.value = "P-3"
    find_toggle(view, "strips").value = "stacked"
    find_field(view, "Show").value = 6 * HOUR
    state = view.state
    assert state["from"] == "2026-01-02T19:59:00"
    other = Monitoring(MonitoredSession(), state=state)
    assert other.state == state
    assert (other.scene.group, other.scene.channel, other.scene.mode) == ("Power", "P-3", "stacked")
    assert other.scene.range == view.scene.range
    other.restore(State())
    assert (other.scene.group, other.scene.mode, other.scene.range) == ("worst first", "strips", (START, LAST))


def test_a_replay_plays_pauses_and_ends(view, clock):
    press(view, "▶ Replay")
    assert find_button(view, "Pause")
    clock.now += 10  # ten hours of telemetry
    view.on_tick()
    strip = figures(view)[0]
    assert max(drawn(strip, "telemetry")["time"]) == START + 10 * HOUR
    row = view.table.set_index("channel").loc["P-1"]
    assert (row["value"], row["age"]) == (view.session.data["P-1"]["telemetry"].values[600], 0)
    assert not row["stale"]
    assert "replayed to 2026-01-01 10:00:00 UTC" in texts(view.head)
    find_field(view, "Speed").value = 6e4
    clock.now += 60
    press(view, "Pause")
    assert view.scene.until == START + 11 * HOUR
    find_field(view, "Replay position").value = 0.5
    assert view.scene.until == pytest.approx((START + LAST) / 2)
    press(view, "Latest")
    assert max(drawn(strip, "telemetry")["time"]) == LAST
    assert find_button(view, "Latest").disabled


def test_a_hidden_view_pauses_its_replay(view, clock):
    press(view, "▶ Replay")
    view.set_active(False)
    clock.now += 5
    assert view.scene.replay.state == "paused"
    assert view.scene.until == START


@pytest.mark.parametrize("page_draws", [True, False])
def test_on_the_kernels_loop_a_replay_ticks_as_fast_as_the_page_draws_until_the_view_is_closed(
    clock, page_draws, monkeypatch
):
    asked = []
    monkeypatch.setattr(LiveChart, "ask", lambda chart: asked.append(chart))
    monkeypatch.setattr(LiveChart, "behind", property(lambda chart: bool(asked) and not page_draws))

    async def watch():
        view = Monitoring(MonitoredSession(), seconds=clock)
        press(view, "▶ Replay")
        for _ in range(40):
            clock.now += 0.1
            await asyncio.sleep(0.02)
        reached = max(drawn(figures(view)[0], "telemetry")["time"], default=START)
        pending = view.pending
        view.close()
        return reached, pending, view.pending, view.scene.unread

    reached, before, after, unread = asyncio.run(watch())
    assert (reached > START + HOUR) == page_draws, "pictures that nobody draws queue up"
    assert (before, after, unread) == (True, False, [])


def test_recolouring_draws_in_the_other_colours(view):
    view.set_theme("dark")
    assert {plot.background_fill_color for plot in figures(view)} == {view.tokens.surface}
    assert names(view)[0] == "P-1 V"


def test_it_exports_what_it_shows(view):
    name, content = view.export_csv()
    assert name.startswith("monitoring")
    assert content.count("\n") == 9
    assert set(view.charts()) == {"Strips", "Gauges"}
    assert "'P-1', 'A-10'" in view.code()


def test_text_from_data_is_escaped():
    session = MonitoredSession()
    session.data["P-1"] = session.data["P-1"].assign_attrs(units="<b>")
    view = Monitoring(session)
    assert "<b></td>" not in markup(view)
    assert "&lt;b&gt;" in markup(view)


def test_an_empty_archive_says_what_to_run():
    session = MonitoredSession()
    session.spans = {}
    view = Monitoring(session)
    assert view.failure is None
    assert "No telemetry yet Run workbench run" in texts(view.head)
    assert view.charts() == {}
