"""Charts that are made once, changed afterwards, and made anew where they cannot be changed."""

from bokeh.plotting import figure

from workbench.plots.theme import THEMES
from workbench.views.widgets.kept_charts import KeptCharts


def test_a_chart_is_made_once_for_each_kind_and_changed_in_between():
    charts, made, changed = KeptCharts(["Drift"], THEMES["light"]), [], []

    def make():
        made.append(figure(name=f"figure {len(made)}"))
        return made[-1]

    for kind in ("dated", "dated", "numbered"):
        charts.show("Drift", make, changed.append, kind)
    assert changed == [made[0]]
    assert charts.figures("Drift") == [made[1]]
    assert charts.boxes["Drift"].children == (charts.shown()["Drift"],)


def test_charts_are_cleared_by_name_or_all_and_are_gone_in_other_colours():
    charts = KeptCharts(["Usage", "Drift"], THEMES["light"])
    for name in ("Usage", "Drift"):
        charts.show(name, lambda: {"top": figure(), "bottom": figure()}, lambda figures: None)
    assert len(charts.figures("Usage")) == 2
    charts.clear("Usage")
    assert list(charts.shown()) == ["Drift"]
    charts.recolour(THEMES["dark"])
    assert (charts.shown(), charts.figures("Drift"), charts.tokens) == ({}, [], THEMES["dark"])
