"""How far an asset's channels were from normal operation, together and apart, against the bound."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool, Range1d, Span
from bokeh.plotting import figure

from workbench.plots.marks import mark_data, mark_glyphs, top_of_marks
from workbench.plots.series import (
    Sources,
    bounds,
    end_label_data,
    end_labels,
    line_data,
    set_sources,
    time_axis,
    time_figure,
    when,
)
from workbench.plots.theme import LIGHT, Tokens

__all__ = ["distances_figure", "update_distances_figure"]

_WORDS = {"t_squared": "together", "q": "apart"}


def distances_figure(
    scored: xr.Dataset,
    anomalies: pd.DataFrame | None = None,
    *,
    tokens: Tokens = LIGHT,
    height: int = 150,
    x_range: Range1d | None = None,
) -> figure:
    """Draw both distances of an asset from normal operation, with their bound as a dashed line.

    Parameters
    ----------
    scored : xarray.Dataset
        `t_squared` and `q` over `time`, in times of their bounds.
    anomalies : pandas.DataFrame, optional
        `start`, `end` (samples, inclusive), `severity` and `level`.
    tokens : Tokens
        Colours.
    height : int
        Pixels.
    x_range : bokeh.models.Range1d, optional
        Time axis to share.

    Returns
    -------
    bokeh.plotting.figure
        Named `distances`.
    """
    plot = time_figure("distances", scored, tokens, height=height, x_range=x_range)
    data = _data(scored, anomalies)
    sources: Sources = {name: ColumnDataSource(columns, name=name) for name, columns in data.items()}
    mark_glyphs(plot, sources["anomalies"], sources["labels"], tokens)
    colours = {"t_squared": tokens.accent, "q": tokens.telemetry}
    for name, words in _WORDS.items():
        line = plot.line("time", name, source=sources[name], line_color=colours[name], line_width=1.2, name=words)
        hover = [(words, f"@{name}{{0.00}} times the bound"), ("at", when(scored))]
        plot.add_tools(HoverTool(renderers=[line], tooltips=hover, formatters={"@time": "datetime"}, mode="mouse"))
    plot.add_layout(Span(location=1.0, dimension="width", line_color=tokens.text, line_dash="dashed", name="bound"))
    end_labels(plot, sources["ends"], tokens, accent=_WORDS["t_squared"])
    plot.y_range.start = 0
    plot.yaxis.ticker.desired_num_ticks = 4
    plot.yaxis.axis_label = "times the bound"
    return plot


def update_distances_figure(plot: figure, scored: xr.Dataset, anomalies: pd.DataFrame | None = None) -> None:
    """Show another asset, or another part, in a figure made by `distances_figure`.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place.
    scored, anomalies
        As in `distances_figure`; the time axis must be of the same kind.
    """
    set_sources(plot, _data(scored, anomalies))
    plot.x_range.update(**time_axis(scored))


def _data(scored: xr.Dataset, anomalies: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    lines = {words: scored[name].values for name, words in _WORDS.items()}
    low, high = bounds(*lines.values(), np.array([0.0, 1.0]))
    ends = end_label_data(scored, lines, low, high, apart=0.13)
    marks = {
        "anomalies": mark_data(scored, anomalies, top=top_of_marks(low, high)),
        "labels": mark_data(scored, None),
        "ends": ends,
    }
    return {**{name: line_data(scored, name) for name in _WORDS}, **marks}
