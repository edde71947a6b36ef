"""Bounds of the envelope in the what-if of the thresholds, with the real session."""

import re

import pytest
from bokeh.models import ColumnDataSource

import workbench as wb


@pytest.fixture
def view(trained_home):
    with wb.open(home=trained_home) as session:
        session.score_all()
        session.raise_alerts()
        opened = session.view("anomalies", channel="X-1")
        opened.on_panel(opened._tabs["Thresholds"])
        yield opened
        opened.close()


def drawn_bounds(view):
    (lines,) = view.plots.figures["channel"].select({"type": ColumnDataSource, "name": "bound_lines"})
    return dict(zip(lines.data["label"], lines.data["value"], strict=True))


def test_the_bounds_of_the_margins_that_are_tried_are_drawn_and_listed(view):
    assert view.failure is None
    panel, before = view.panels["Thresholds"], drawn_bounds(view)
    train = view.session.channel("X-1", "train")["telemetry"].values.astype(float)
    low, size = train.min(), train.max() - train.min()
    panel.envelope.value = "fixed"
    for width in (0.2, 0.3):
        panel.fields["envelope_width"].value = width
        panel.on_one(panel.one)
        assert view.failure is None
        # The distance above the training minimum may grow by so many times the training range, and 0.01 of it.
        bound = (1 + 1.01 * width) * size
        assert drawn_bounds(view)["bound of values, tried"] == pytest.approx(low + bound, rel=1e-5)
        text = re.sub(r"<[^>]+>", " ", panel.bounds.html)
        assert "distance above the training minimum" in text
        assert "Furthest beyond the envelope: " in panel.words.value
        assert f"above {bound:,.4g}" in text
    panel.bounds.tell("pick", re.search(r"data-pick='([^']+)'", panel.bounds.html).group(1).replace("&quot;", '"'))
    assert "bound of values, tried" in drawn_bounds(view)
    panel.on_revert(panel.revert)
    assert panel.bounds.html == ""
    view.follow(view.selection.now)
    assert drawn_bounds(view) == before


def test_an_envelope_that_is_off_or_wide_has_no_bounds_to_show(view):
    panel = view.panels["Thresholds"]
    panel.envelope.value = "none"
    panel.on_one(panel.one)
    assert (panel.bounds.html, drawn_bounds(view)) == ("", {})
    panel.envelope.value, panel.fields["envelope_width"].value = "fixed", 90.0
    panel.on_one(panel.one)
    assert "stays within the envelope" in panel.bounds.html
    assert drawn_bounds(view) == {}
