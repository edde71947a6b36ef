import json

import numpy as np
import pandas as pd
import pytest
from bokeh.core.validation import check_integrity
from bokeh.embed import json_item
from bokeh.layouts import column
from bokeh.models import GlyphRenderer

from tests.fake_session import fake_channel, fake_scored, small_fleet
from workbench.parameters import SeverityLevels
from workbench.plots import (
    THEMES,
    channel_figure,
    commands_figure,
    errors_figure,
    fleet_figure,
    update_channel_figure,
    update_commands_figure,
    update_errors_figure,
)
from workbench.plots.part import part_of
from workbench.plots.theme import LIGHT

LEVEL = SeverityLevels().level
ANOMALIES = pd.DataFrame({"start": [500, 2149], "end": [520, 2349], "severity": [0.3, 9.3]}).assign(
    level=[LEVEL(0.3), LEVEL(9.3)]
)
LABELS = pd.DataFrame({"start": [480], "end": [530]})


@pytest.fixture
def channel():
    return fake_channel(units="V")


@pytest.fixture
def scored(channel):
    return fake_scored(channel, [(500, 520, 0.3), (2149, 2349, 2.3)])


def data(plot):
    renderers = plot.select({"type": GlyphRenderer})
    return {item.name: {k: np.asarray(v).tolist() for k, v in item.data_source.data.items()} for item in renderers}


def assert_draws(plot):
    """It serialises, and no glyph names a column that is not there."""
    json.dumps(json_item(plot), allow_nan=True)
    assert not check_integrity(plot.references()).error


@pytest.mark.parametrize("tokens", THEMES.values(), ids=list(THEMES))
@pytest.mark.parametrize("dated", [False, True])
@pytest.mark.parametrize("full", [False, True])
def test_every_figure_draws(tokens, dated, full):
    channel = fake_channel(dated=dated)
    extra = (fake_scored(channel), ANOMALIES, LABELS) if full else ()
    main = channel_figure(channel, *extra, tokens=tokens)
    figures = {
        "channel": main,
        "errors": errors_figure(channel, *extra, tokens=tokens, x_range=main.x_range),
        "commands": commands_figure(channel, tokens=tokens, x_range=main.x_range),
        "fleet": fleet_figure(small_fleet().overview(), tokens=tokens),
    }
    for name, plot in figures.items():
        assert plot.name == name
        assert plot.background_fill_color == tokens.surface
    assert_draws(column(*figures.values()))
    assert figures["errors"].x_range is figures["commands"].x_range is main.x_range


def test_lines_are_the_values_and_keep_a_spike(channel, scored):
    channel["telemetry"].values[1234] = 50
    drawn = data(channel_figure(channel, scored))
    assert max(drawn["telemetry"]["telemetry"]) == 50
    assert drawn["telemetry"]["time"][np.argmax(drawn["telemetry"]["telemetry"])] == 1234
    assert drawn["prediction"]["time"][0] == 250
    assert drawn["prediction"]["prediction"][0] == scored["prediction"].values[0]


def test_bounds_are_segments_over_their_samples_also_in_a_part_and_for_a_single_one(scored):
    channel = fake_channel()
    lines = pd.DataFrame({"start": [700, 900], "end": [800, 900], "value": [2.5, -1.0], "words": "", "label": "bound"})
    plot = channel_figure(part_of(channel, 600, 1100), part_of(scored, 600, 1100), lines=lines)
    drawn = data(plot)["bound_lines"]
    assert (drawn["left"], drawn["right"]) == ([695, 895], [800, 905]), "a fiftieth of 500 samples at least"
    assert (drawn["value"], drawn["label"]) == ([2.5, -1.0], ["bound", "bound"])
    assert_draws(plot)
    update_channel_figure(plot, channel, scored)
    assert data(plot)["bound_lines"]["value"] == []


def test_anomalies_are_spans_in_time_with_symbol_and_word(scored):
    channel = fake_channel(dated=True)
    spans = data(channel_figure(channel, scored, ANOMALIES, LABELS))
    start = (channel["time"].values[2149] - np.datetime64(0, "ms")) / np.timedelta64(1, "ms")
    assert spans["anomalies"]["left"][1] == start
    assert (spans["anomalies"]["first"], spans["anomalies"]["last"]) == ([500, 2149], [520, 2349])
    assert spans["symbols"]["level"] == ["info", LEVEL(9.3)]
    assert spans["words"]["word"] == ["info 0.30", f"{LEVEL(9.3)} 9.30"]
    assert spans["labels"]["first"] == [480]
    assert max(channel["telemetry"].values) < spans["symbols"]["top"][0]


def test_the_chart_of_errors_has_neither_words_nor_symbols_of_its_own(channel, scored):
    plot = errors_figure(channel, scored, ANOMALIES, LABELS)
    assert {part.name for part in plot.renderers} >= {"anomalies", "labels", "smoothed error"}
    assert not {part.name for part in plot.renderers} & {"words", "symbols"}, "they would lie over the names of lines"


def test_words_of_neighbours_stand_on_either_side_and_all_have_symbols(channel, scored):
    close = pd.DataFrame({"start": [500, 540], "end": [520, 560], "severity": [0.3, 9.0], "level": ["info", "high"]})
    drawn = data(channel_figure(channel, scored, close))
    assert drawn["words"]["word"] == ["info 0.30", "high 9.00"]
    assert drawn["words"]["align"] == ["right", "left"]
    assert drawn["words"]["shift"] == [-8, 8]
    close = pd.DataFrame(
        {
            "start": [500, 540, 580],
            "end": [520, 560, 600],
            "severity": [1.0, 0.3, 9.0],
            "level": ["low", "info", "high"],
        }
    )
    drawn = data(channel_figure(channel, scored, close))
    assert drawn["words"]["word"] == ["low 1.00", "", "high 9.00"], "between its neighbours there is no room"
    assert drawn["symbols"]["level"] == ["low", "info", "high"]


def test_epsilon_is_labelled_with_its_value_and_names_do_not_overlap(channel, scored):
    drawn = data(errors_figure(channel, scored, ANOMALIES))
    assert set(drawn["line names"]["name"]) == {"smoothed error", "epsilon 0.2"}
    low, high = sorted(drawn["line names"]["value"])
    assert high - low >= 0.1 * max(drawn["smoothed error"]["smoothed_error"])


def test_commands_are_ticked_where_they_begin():
    channel = fake_channel(commands=3)
    channel["commands"].values[:] = 0
    channel["commands"].values[10:15, 2] = 1
    channel["commands"].values[0, 1] = 1
    drawn = data(commands_figure(channel))["commands"]
    assert sorted(zip(drawn["time"], drawn["command"], strict=True)) == [(0, "command-1"), (10, "command-2")]
    assert drawn["row"][0] != drawn["row"][1]
    assert data(commands_figure(channel))["line names"]["name"] == ["2 of 3\ncommands"]


def test_a_channel_without_commands_says_so():
    assert data(commands_figure(fake_channel(commands=0)))["line names"]["name"] == ["no\ncommands"]


@pytest.mark.parametrize("spans", [[], [(700, 720, 4.0)]])
def test_an_updated_figure_is_the_figure_of_the_new_channel(channel, scored, spans):
    other = fake_channel("A-2", n=2000, seed=5, units="bar")
    other_scored = fake_scored(other, spans)
    table = pd.DataFrame(spans, columns=["start", "end", "severity"]).assign(level="high")
    main, errors, commands = (
        channel_figure(channel, scored, ANOMALIES, LABELS),
        errors_figure(channel, scored, ANOMALIES, LABELS),
        commands_figure(channel),
    )
    update_channel_figure(main, other, other_scored, table)
    update_errors_figure(errors, other, other_scored, table)
    update_commands_figure(commands, other)
    assert data(main) == data(channel_figure(other, other_scored, table))
    assert data(errors) == data(errors_figure(other, other_scored, table))
    assert data(commands) == data(commands_figure(other))
    assert main.yaxis[0].axis_label == "bar"
    assert main.x_range.reset_end == channel_figure(other).x_range.reset_end < 2500


def test_an_all_missing_channel_still_draws():
    channel = fake_channel(n=400)
    channel["telemetry"].values[:] = np.nan
    assert_draws(channel_figure(channel))


def test_long_series_are_drawn_by_few_points():
    drawn = data(channel_figure(fake_channel(n=50_000)))
    assert len(drawn["telemetry"]["time"]) <= 4000


def test_fleet_shows_every_channel_with_symbol_and_number():
    cells = data(fleet_figure(small_fleet().overview()))["cells"]
    shown = {name: (cells["symbol"][i], cells["words"][i], cells["word"][i]) for i, name in enumerate(cells["channel"])}
    assert shown["P-1"][1] == "P-1 2.31"
    assert shown["T-3"] == ("·", "T-3", "normal")
    assert shown["E-4"] == ("", "E-4", "not scored")
    assert cells["group"][cells["channel"].index("M-5")] == "MSL M"


def test_an_empty_fleet_draws():
    assert_draws(fleet_figure(small_fleet().overview().iloc[:0]))


def test_the_word_of_a_bound_stands_before_the_lines_on_a_background():
    lines = pd.DataFrame(
        {"start": [10], "end": [20], "value": [0.5], "words": ["too large"], "label": ["bound of a step"]}
    )
    plot = channel_figure(fake_channel(n=400), lines=lines)
    words = next(one for one in plot.renderers if one.name == "bound_words")
    assert (words.level, words.glyph.background_fill_color) == ("overlay", LIGHT.surface)
