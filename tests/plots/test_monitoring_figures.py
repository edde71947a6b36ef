import json

import numpy as np
import pandas as pd
import pytest
from bokeh.core.validation import check_integrity
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, GlyphRenderer, Range1d

from tests.fake_session import fake_channel, fake_scored
from workbench.plots.gauges import gauges_figure, update_gauges
from workbench.plots.heat_map import heat_map_figure, shades, update_heat_map
from workbench.plots.marks import mark_data
from workbench.plots.overlay import lanes_figure, overlay_figure, update_lanes, update_overlay
from workbench.plots.strip_data import make_strip
from workbench.plots.strips import extend_strip, mark_silence, strip_figure, update_strip
from workbench.plots.theme import LIGHT, THEMES

ANOMALIES = pd.DataFrame({"start": [500, 2100], "end": [600, 2300], "severity": [3.0, 9.0], "level": ["low", "high"]})


def strip(name="P-1", *, dated=False, units="V", **options):
    channel = fake_channel(name, dated=dated, units=units)
    return make_strip(channel, fake_scored(channel), ANOMALIES, words="Voltage", **options)


def filled(plot, name):
    return {key: np.asarray(value).tolist() for key, value in source(plot, name).data.items()}


def source(plot, name):
    return plot.select_one({"name": name, "type": ColumnDataSource})


def assert_draws(plot):
    json.dumps(json_item(plot), allow_nan=True)
    assert not check_integrity(plot.references()).error


@pytest.fixture
def plot():
    return strip_figure("strip 0", dated=False, x_range=Range1d(0, 3000))


@pytest.mark.parametrize("tokens", THEMES.values(), ids=list(THEMES))
@pytest.mark.parametrize("dated", [False, True])
def test_every_figure_draws(tokens, dated):
    one = strip(dated=dated)
    makers = [lambda **style: strip_figure("s", **style), overlay_figure, lanes_figure, heat_map_figure]
    updates = [lambda p, s, *t: update_strip(p, s[0], *t), update_overlay, update_lanes, update_heat_map]
    for make, update in zip(makers, updates, strict=True):
        plot = make(dated=dated, tokens=tokens, x_range=Range1d(*one.extent))
        update(plot, [one, strip("A-2", dated=dated)], *one.extent)
        assert plot.background_fill_color == tokens.surface
        assert_draws(plot)


def test_a_strip_shows_telemetry_prediction_commands_and_anomalies(plot):
    one = strip()
    update_strip(plot, one, 0, 2999)
    telemetry, prediction = filled(plot, "telemetry"), filled(plot, "prediction")
    assert max(telemetry["telemetry"]) == pytest.approx(one.scale[1])
    assert prediction["time"][0] == 250
    assert filled(plot, "anomalies")["level"] == ["low", "high"]
    assert filled(plot, "commands")["time"] == one.command_times.tolist()
    assert plot.yaxis[0].axis_label == "P-1 V"
    assert plot.y_range.start < one.scale[0] < one.scale[1] < plot.y_range.end


def test_a_strip_follows_the_time_shown_and_keeps_its_time_axis(plot):
    one = strip()
    update_strip(plot, one, 450, 550)
    drawn = filled(plot, "telemetry")["time"]
    assert 399 <= drawn[0] <= 400
    assert 600 <= drawn[-1] <= 601
    shown = one.telemetry.values[449:552]
    assert filled(plot, "anomalies")["word"] == ["low 3.0"]
    assert filled(plot, "anomalies")["middle"] == [525]
    assert plot.y_range.end - plot.y_range.start < 2 * (shown.max() - shown.min())
    assert (plot.x_range.start, plot.x_range.end) == (0, 3000)


def test_a_replay_hides_what_has_not_come(plot):
    update_strip(plot, strip(), 0, 2999, 2200)
    assert max(filled(plot, "telemetry")["time"]) == 2200
    assert max(filled(plot, "prediction")["time"]) == 2200
    assert max(filled(plot, "commands")["time"]) <= 2200
    assert filled(plot, "anomalies")["right"] == [600, 2200]
    assert filled(plot, "now")["time"] == [2200]
    update_strip(plot, strip(), 0, 2999)
    assert filled(plot, "now")["time"] == []


def test_limits_near_the_values_are_drawn_and_others_are_not(plot):
    update_strip(plot, strip(limits={"warning high": 0.7, "critical high": 40.0}), 0, 2999)
    lines = {part.name: part for part in plot.center}
    assert (lines["warning high"].visible, lines["warning high"].location) == (True, 0.7)
    assert not lines["critical high"].visible
    assert not lines["warning low"].visible
    assert plot.right[0].ticker.ticks == [0.7]
    assert plot.y_range.end > 0.7


def test_missing_telemetry_is_marked(plot):
    spans = pd.DataFrame({"start": [10], "end": [20], "kind": ["missing"]})
    update_strip(plot, strip(spans=spans), 0, 2999)
    assert filled(plot, "spans") == {"left": [10], "right": [20], "kind": ["missing"]}


def test_more_commands_than_places_are_drawn_once_a_place():
    channel = fake_channel(n=3000, commands=1)
    channel["commands"].values[::2] = 1
    channel["commands"].values[1::2] = 0
    one = make_strip(channel)
    marks = one.command_marks(0, 2999, float("inf"), 0.0)
    assert 300 <= len(marks["time"]) <= 400
    assert len(one.command_marks(0, 100, float("inf"), 0.0)["time"]) == 50


def test_an_overlay_of_one_unit_keeps_its_scale_and_others_are_shares():
    plot = overlay_figure(dated=False, x_range=Range1d(0, 2999))
    same = [strip("P-1"), strip("A-2")]
    update_overlay(plot, same, 0, 2999, chosen="P-1")
    assert filled(plot, "lines")["name"] == ["A-2", "P-1"]
    assert filled(plot, "lines")["chosen"] == ["no", "yes"]
    assert max(source(plot, "lines").data["ys"][1]) == pytest.approx(same[0].scale[1])
    update_overlay(plot, [strip("P-1"), strip("A-2", units="A")], 0, 2999)
    assert [(min(ys), max(ys)) for ys in source(plot, "lines").data["ys"]] == [(0, 100), (0, 100)]


def test_lanes_are_named_from_the_top_and_carry_their_anomalies():
    plot = lanes_figure(dated=False, x_range=Range1d(0, 2999))
    update_lanes(plot, [strip("P-1"), strip("A-2")], 0, 2999)
    assert plot.yaxis[0].major_label_overrides == {1.5: "P-1", 0.5: "A-2"}
    first, second = source(plot, "lines").data["ys"]
    assert 1 < first.min() < first.max() < 2
    assert 0 < second.min() < second.max() < 1
    assert filled(plot, "anomalies")["channel"] == ["P-1", "P-1", "A-2", "A-2"]


def test_a_shade_is_the_value_farthest_from_the_median():
    channel = fake_channel()
    channel["telemetry"].values[:] = np.where(np.arange(3000) % 2, 0.1, 0.0)
    channel["telemetry"].values[1234] = 10
    row = shades(make_strip(channel), 0, 3000, bins=30)
    assert row.argmax() == 12
    assert row[12] == 1
    assert np.delete(row, 12).max() <= 0.011


def test_shades_are_empty_where_nothing_has_come_and_fill_between_samples():
    row = shades(strip(), -3000, 6000, 1500, bins=90)
    assert np.isnan(row[:30]).all()
    assert np.isfinite(row[30:45]).all()
    assert np.isnan(row[46:]).all()
    assert np.isfinite(shades(strip(), 10, 14, bins=40)).all()


def test_gauges_are_for_channels_with_limits_and_colour_is_for_those_beyond():
    rows = [("P-1", 5.0, "normal", False), ("A-2", 11.0, "critical high", False), ("T-3", 1.0, "", True)]
    table = pd.DataFrame(rows, columns=["channel", "value", "limit", "stale"]).assign(
        units="V", minimum=0.0, mean=3.0, maximum=11.0, critical_low=-10.0, warning_low=np.nan, warning_high=8.0
    )
    table["critical_high"] = [10.0, 10.0, np.nan]
    table.loc[2, ["critical_low", "warning_high"]] = np.nan
    plot = gauges_figure()
    update_gauges(plot, table)
    assert_draws(plot)
    pointers = filled(plot, "pointers")
    assert (pointers["channel"], pointers["state"]) == (["P-1", "A-2"], ["normal", "critical"])
    assert 0 < pointers["at"][0] < pointers["at"][1] < 1
    assert filled(plot, "zones")["zone"][:4] == ["critical", "normal", "warning", "critical"]
    assert filled(plot, "words")["word"] == ["-10", "10", "-10", "10"]
    update_gauges(plot, table.iloc[2:])
    assert filled(plot, "pointers")["channel"] == []


OPEN = ANOMALIES.assign(provisional=[False, True])


@pytest.mark.parametrize("make, update", [(strip_figure, update_strip), (lanes_figure, update_lanes)])
def test_a_provisional_anomaly_differs_by_more_than_its_colour(make, update):
    channel = fake_channel("P-1")
    one = make_strip(channel, fake_scored(channel), OPEN)
    named = {"name": "strip 0"} if make is strip_figure else {}
    plot = make(dated=False, x_range=Range1d(0, 3000), **named)
    update(plot, one if make is strip_figure else [one], 0, 3000)
    span = plot.select_one({"name": "anomalies", "type": GlyphRenderer})
    symbol = plot.select_one({"name": "symbols", "type": GlyphRenderer})
    assert values(span, "line_dash") == ["solid", "dashed"]
    assert values(span, "hatch_pattern")[0].isspace() and not values(span, "hatch_pattern")[1].isspace()
    assert values(span, "line_alpha")[1] == 1
    assert values(symbol, "fill_color") == ["low", ""]  # hollow: what is not a level has the colour of the background
    assert symbol.glyph.fill_color.transform.nan_color == LIGHT.surface
    assert one.is_provisional and not make_strip(channel, anomalies=ANOMALIES).is_provisional


def values(renderer, name):
    """What a glyph takes for each anomaly."""
    spec = getattr(renderer.glyph, name)
    column = spec if isinstance(spec, str) else getattr(spec, "field", None)
    return [spec] * 2 if column is None else list(renderer.data_source.data[column])


def test_the_word_of_a_provisional_anomaly_says_so_inside_the_chart(plot):
    channel = fake_channel("P-1")
    update_strip(plot, make_strip(channel, anomalies=OPEN), 0, 2400)
    marks = filled(plot, "anomalies")
    assert marks["word"] == ["low 3.0", "high 9.0, provisional"]
    assert marks["align"] == ["left", "right"], "at the end of the time shown a word stands before its symbol"
    assert marks["shift"][0] > 0 > marks["shift"][1]
    assert mark_data(channel, OPEN)["word"] == ["low 3.00", "high 9.00, provisional"]
    assert mark_data(channel, ANOMALIES)["standing"] == ["", ""]


def test_a_word_lies_over_no_other_symbol(plot):
    near = pd.DataFrame({"start": [800, 870], "end": [810, 880], "severity": [3.0, 9.0], "level": ["low", "high"]})
    update_strip(plot, make_strip(fake_channel("P-1"), anomalies=near.assign(provisional=[False, True])), 0, 1000)
    marks = filled(plot, "anomalies")
    assert marks["word"] == ["low 3.0", ""], "a word would lie over the other symbol, or outside"


def test_a_strip_says_that_nothing_comes(plot):
    label = next(part for part in plot.center if part.name == "silence")
    assert not label.visible
    mark_silence(plot, "no data for 2 hours")
    assert (label.visible, label.text) == (True, "no data for 2 hours")
    mark_silence(plot, "")
    assert not label.visible


def test_what_has_come_is_added_to_a_strip_and_nothing_else_is_drawn(plot):
    channel = fake_channel(n=3000)
    short, whole = make_strip(channel.isel(time=slice(0, 2950))), make_strip(channel)
    start, end = 2500, 2949
    update_strip(plot, short, start, end)
    before = filled(plot, "telemetry")
    longer = short.extended(whole.telemetry.time[2950:], whole.telemetry.values[2950:].astype(float))
    assert extend_strip(plot, longer, start + 50, end + 50)
    after = filled(plot, "telemetry")
    assert after["time"] == before["time"] + list(range(2950, 3000))
    np.testing.assert_array_equal(after["telemetry"][-50:], whole.telemetry.values[2950:])
    assert extend_strip(plot, longer, start + 50, end + 50) and filled(plot, "telemetry") == after, "nothing twice"


def test_a_strip_is_drawn_anew_where_adding_would_not_show_it(plot):
    channel = fake_channel(n=3000)
    short = make_strip(channel.isel(time=slice(0, 2950)))
    update_strip(plot, short, 2500, 2949)
    drawn = filled(plot, "telemetry")
    spike = short.extended(np.array([2950.0]), np.array([99.0]))
    assert not extend_strip(plot, spike, 2501, 2950), "beyond its axis"
    quiet = short.extended(np.array([2950.0]), np.array([0.0]))
    assert not extend_strip(plot, quiet, 0, 2950), "what lies before was not drawn"
    missing = short.extended(np.array([2950.0]), np.array([np.nan]))
    assert filled(plot, "telemetry") == drawn
    assert extend_strip(plot, missing, 2501, 2950), "a gap needs no other axis"


def test_a_strip_that_was_scrolled_back_gets_nothing(plot):
    short = make_strip(fake_channel(n=2950))
    update_strip(plot, short, 1000, 1500)
    drawn = filled(plot, "telemetry")
    assert extend_strip(plot, short.extended(np.array([2950.0]), np.array([0.0])), 1000, 1500)
    assert filled(plot, "telemetry") == drawn
