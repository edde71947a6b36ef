"""Figures of the plan and of the load."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from bokeh.core.validation import check_integrity
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, NoOverlap

from workbench.plots.gantt import BARS, gantt_figure, update_gantt
from workbench.plots.load import DAYS, due_figure, load_figure, update_due, update_load
from workbench.plots.theme import DARK, LIGHT, THEMES

MONDAY = date(2026, 3, 2)
NOW = pd.Timestamp("2026-03-03T12:30", tz="UTC")


def session(number, technician, start, hours=2.0, kind="planned", words=""):
    begin = pd.Timestamp(start, tz="UTC")
    return (number, f"Title of {number}", technician, begin, begin + pd.Timedelta(hours=hours), kind, words)


def sessions(*rows):
    return pd.DataFrame(rows, columns=["number", "title", "technician", "start", "end", "kind", "words"])


def data(plot, name):
    found = plot.select_one({"name": name, "type": ColumnDataSource}).data
    return {key: np.asarray(value).tolist() for key, value in found.items()}


def assert_draws(plot):
    json.dumps(json_item(plot), allow_nan=True)
    assert not check_integrity(plot.references()).error


def load(*rows):
    return pd.DataFrame(rows, columns=["name", "planned", "assigned", "available"])


def orders(*rows):
    table = pd.DataFrame(rows, columns=["due", "estimated_hours"])
    return table.astype({"due": "datetime64[us, UTC]", "estimated_hours": float})


@pytest.mark.parametrize("tokens", THEMES.values(), ids=list(THEMES))
def test_every_figure_draws_with_and_without_data(tokens):
    full = [
        gantt_figure(sessions(session("WO-1", "Ann", "2026-03-02T08:00")), ["Ann"], MONDAY, 7, NOW, tokens=tokens),
        load_figure(load(("Ann", 3.0, 50.0, 40.0)), tokens=tokens),
        due_figure(orders((NOW, 2.0)), NOW, tokens=tokens),
    ]
    empty = [
        gantt_figure(sessions(), [], MONDAY, 7, NOW, tokens=tokens),
        load_figure(load(), tokens=tokens),
        due_figure(orders(), NOW, tokens=tokens),
    ]
    for plot in [*full, *empty]:
        assert plot.background_fill_color == tokens.surface
        assert_draws(plot)


def test_a_bar_stands_in_its_day_between_the_hours_of_work():
    rows = (session("WO-1", "Ann", "2026-03-02T08:00", 4.5), session("WO-2", "Ben", "2026-03-04T12:30", 4.5))
    plot = gantt_figure(sessions(*rows), ["Ann", "Ben"], MONDAY, 7, NOW)
    bars = data(plot, "bars")
    assert isinstance(plot.xaxis.major_label_policy, NoOverlap), "days lie over each other on a telephone"
    assert bars["row"] == ["Ann", "Ben"]
    assert bars["left"] == [0.0, 2.5]
    assert bars["right"] == [0.5, 3.0]
    assert data(plot, "now")["x"] == [1.5]
    assert list(plot.y_range.factors) == ["Ben", "Ann"]
    assert plot.xaxis.major_label_overrides[0.5] == "Mon 02 Mar"


def test_work_at_night_widens_the_day_and_what_is_outside_is_left_out():
    rows = (session("WO-1", "Ann", "2026-03-02T22:00", 4), session("WO-2", "Ann", "2026-03-12T08:00"))
    bars = data(gantt_figure(sessions(*rows), ["Ann"], MONDAY, 7, NOW), "bars")
    assert bars["number"] == ["WO-1"]
    assert bars["left"] == [pytest.approx(22 / 24)]
    assert bars["right"] == [pytest.approx(1 + 2 / 24)]


def test_kinds_differ_in_more_than_colour():
    rows = [session(f"WO-{i}", "Ann", f"2026-03-0{2 + i}T08:00", 8, kind) for i, kind in enumerate(BARS)]
    bars = data(gantt_figure(sessions(*rows), ["Ann"], MONDAY, 7, NOW), "bars")
    assert bars["kind"] == list(BARS)
    assert len(set(bars["hatch"])) == len(BARS)
    assert [label.removesuffix(number) for label, number in zip(bars["label"], bars["number"], strict=True)] == [
        "",
        "",
        "→ ",
        "▲ ",
        "◆ ",
    ]


def test_a_label_that_has_no_room_is_shortened_or_left_out():
    rows = (session("WO-104", "Ann", "2026-03-02T08:00", 9), session("WO-105", "Ann", "2026-03-03T08:00", 0.25))
    assert data(gantt_figure(sessions(*rows), ["Ann"], MONDAY, 7, NOW), "bars")["label"] == ["WO-104", ""]
    assert data(gantt_figure(sessions(*rows), ["Ann"], MONDAY, 28, NOW), "bars")["label"] == ["104", ""]


def test_another_plan_is_shown_in_the_same_figure():
    plot = gantt_figure(sessions(session("WO-1", "Ann", "2026-03-02T08:00")), ["Ann"], MONDAY, 7, NOW)
    update_gantt(
        plot, sessions(session("WO-9", "Zoe", "2026-03-09T08:00", 9)), ["Zoe"], date(2026, 3, 9), 14, NOW, tokens=DARK
    )
    bars = data(plot, "bars")
    assert (bars["number"], bars["fill"]) == (["WO-9"], [DARK.telemetry])
    assert (list(plot.y_range.factors), plot.x_range.end) == (["Zoe"], 14)
    assert data(plot, "now")["x"] == []
    assert data(plot, "nights")["x"] == list(range(1, 14))


def test_whoever_has_too_much_is_marked():
    plot = load_figure(load(("Ann", 3.0, 50.0, 40.0), ("Ben", 44.5, 2.0, 40.0)))
    shown = data(plot, "load")
    assert shown["assigned_words"] == ["▲ 50 h assigned", "2 h assigned"]
    assert shown["planned_words"] == ["3 h planned", "▲ 44.5 h planned"]
    assert list(plot.y_range.factors) == ["Ben", "Ann"]
    assert plot.x_range.end > 50
    update_load(plot, load(("Cid", 1.0, 1.0, 8.0)))
    assert data(plot, "load")["name"] == ["Cid"]
    assert plot.x_range.end == 10


def test_hours_are_counted_by_the_day_they_are_due():
    day = pd.Timedelta(days=1)
    table = orders(
        (NOW - 3 * day, 2.0), (NOW - pd.Timedelta(minutes=1), 1.0), (NOW + pd.Timedelta(hours=1), 4.0),
        (NOW + day, 8.0), (NOW + 40 * day, 16.0), (None, 0.5),
    )  # fmt: skip
    plot = due_figure(table, NOW)
    shown = data(plot, "due")
    assert shown["hours"][:3] == [3.0, 4.0, 8.0]
    assert shown["hours"][-2:] == [16.0, 0.5]
    assert sum(shown["hours"]) == table["estimated_hours"].sum()
    assert sum(shown["orders"]) == len(table)
    assert len(shown["place"]) == DAYS + 3
    assert shown["hatch"][0] != shown["hatch"][1]
    assert plot.y_range.end > 16
    update_due(plot, table.iloc[:1], NOW)
    assert data(plot, "due")["hours"][:3] == [2.0, 0.0, 0.0]
    assert plot.select_one({"name": "due", "type": ColumnDataSource}) is not None
    assert LIGHT.level("high") == plot.renderers[0].glyph.hatch_color
