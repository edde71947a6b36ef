import re

import ipywidgets as widgets
import pytest
from bokeh.models import ColumnDataSource

from tests.fake_session import FakeSession, small_fleet
from workbench.exceptions import SettingsError
from workbench.views.overview import Overview


def rows(view):
    return [label.replace("\u2007", "").split("\t") for label, _ in view._list.options]


def text(markup):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup)).strip()


def drawn(view, figure, name):
    return view._figures[figure].select_one({"name": name, "type": ColumnDataSource}).data


@pytest.fixture
def view():
    return Overview(small_fleet())


def test_channels_are_listed_worst_first_with_word_and_number(view):
    assert [row[0] for row in rows(view)] == ["P-1", "A-2", "M-5", "T-3", "E-4"]
    assert rows(view)[0] == ["P-1", view.fleet["level"].iloc[0], "2.31", "3", "SMAP P"]
    assert rows(view)[1][-1] == "SMAP A (stale)"
    assert rows(view)[3][1:] == ["normal", "", "0", "MSL T"]
    assert rows(view)[4][1] == "unscored"


def test_each_row_has_the_symbol_and_colour_of_its_level():
    session = small_fleet()
    session.levels = session.levels.model_copy(update={"critical": 2.0, "high": 1.0, "medium": 0.5, "low": 0.25})
    rules = Overview(session)._rows_style.value
    assert "nth-of-type(1)::before{content:'◆';color:var(--wb-critical)}" in rules
    assert "nth-of-type(2)::before{content:'▲';color:var(--wb-high)}" in rules
    assert "nth-of-type(4)::before{content:'·';}" in rules
    assert "nth-of-type(5)::before{content:'';}" in rules


def test_head_counts_what_the_overview_says(view):
    head = text(view.head.value)
    assert "5 channels, 5 anomalies" in head
    assert "4 scored, 1 stale, 1 not scored: run workbench score --all" in head
    for level, n in view.fleet[view.fleet["state"] != "missing"]["level"].value_counts().items():
        if level:
            assert f"{n} {level}" in head


def test_the_worst_channel_is_shown_first(view):
    assert view.channel == "P-1"
    assert "P-1.ridge/1" in view._title.value
    assert drawn(view, "channel", "anomalies")["first"] == [2149, 500, 1400]
    cells = re.findall(r"<td>(.*?)</td>", view._anomalies.value)
    assert cells[1:5] == ["2.31", "2,149", "2,349", "201"]


def test_selecting_a_channel_changes_chart_and_list_but_keeps_the_figure(view):
    before = view._charts.children
    view.select("A-2")
    assert view._charts.children == before
    assert drawn(view, "channel", "anomalies")["first"] == [900]
    values = view.session.channel("A-2")["telemetry"].values
    assert drawn(view, "channel", "telemetry")["telemetry"][0] == values[0]
    assert "2.31" not in view._anomalies.value
    assert "stale: the telemetry has changed; run workbench score A-2" in text(view._title.value)


def test_a_channel_with_stamps_gets_a_figure_with_a_time_axis(view):
    before = view._charts.children[0]
    view.select("T-3")
    assert view._charts.children[0] is not before
    assert before.comm is None
    assert "No anomalies" in text(view._anomalies.value)
    view.select("P-1")
    assert drawn(view, "channel", "anomalies")["first"] == [2149, 500, 1400]


def test_anomalies_of_a_channel_with_stamps_carry_their_times():
    view = Overview(FakeSession({"P-1": [(100, 160, 3.0)]}, dated=["P-1"]))
    assert "2026-01-01 01:40:00" in view._anomalies.value
    assert "(UTC)" in view._anomalies.value


def test_an_unscored_channel_shows_its_telemetry_and_the_command_to_run(view):
    view.select("E-4")
    assert "Run workbench score E-4" in text(view._anomalies.value)
    assert len(drawn(view, "channel", "telemetry")["telemetry"]) > 1000
    assert len(drawn(view, "channel", "prediction")["prediction"]) == 0


def test_a_fleet_without_scores_says_what_to_run():
    view = Overview(FakeSession({"P-1": None, "A-2": None}))
    assert "none scored yet. Run workbench train --all --forecaster ridge , then workbench score --all" in text(
        view.head.value
    )
    assert view.channel == "P-1"


def test_an_empty_archive_says_what_to_run():
    view = Overview(FakeSession({}))
    assert "No telemetry yet. Run workbench run" in text(view.head.value)
    assert view.channel is None
    assert view._charts.children == ()


def test_refresh_shows_what_has_changed_and_keeps_the_selection(view):
    view.select("M-5")
    view.session.spans["M-5"] = [(100, 140, 99.0)]
    view.refresh()
    assert view.channel == "M-5"
    assert rows(view)[0][:3] == ["M-5", "critical", "99.00"]
    assert "99.00" in view._anomalies.value


def test_a_stale_score_of_a_longer_series_draws_only_what_lies_in_the_series(view):
    view.session.spans["A-2"] = [(900, 950, 1.2), (2900, 3100, 2.0)]
    view.select("A-2")
    assert drawn(view, "channel", "anomalies")["first"] == [900]


def test_theme_switches_stylesheet_and_figures(view):
    before = view._figures["channel"].background_fill_color
    assert f"--wb-page:{view.tokens.page};" in view.widget.children[0].value
    view.set_theme("dark")
    assert view._figures["channel"].background_fill_color == view.tokens.surface != before
    assert f"--wb-page:{view.tokens.page};" in view.widget.children[0].value


def test_text_from_data_is_escaped():
    session = FakeSession({"<b>": [(1, 2, 3.0)]}, assets={"<b>": "<script>"})
    view = Overview(session)
    shown = view._title.value + view._anomalies.value + view.head.value
    assert "<script>" not in shown
    assert "<b></b>" not in shown
    assert "&lt;script&gt;" in shown


def test_an_unknown_theme_is_refused():
    with pytest.raises(SettingsError, match="theme is 'sepia'"):
        Overview(small_fleet(), theme="sepia")


def test_it_displays_itself(view):
    bundle, _ = [*_as_pair(view._repr_mimebundle_())]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.widget.model_id
    assert isinstance(view.widget, widgets.Box)


def _as_pair(bundle):
    return bundle if isinstance(bundle, tuple) else (bundle, {})
