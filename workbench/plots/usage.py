"""Memory and processor time of the workbench's processes over time."""

from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.series import (
    bounds,
    end_label_data,
    end_labels,
    name_room,
    set_sources,
    time_figure,
    time_values,
    when,
)
from workbench.plots.theme import LIGHT, Tokens

__all__ = ["update_usage_figures", "usage_figures"]

_WORDS = {"memory": "Memory, MiB", "cpu": "CPU, % of one core"}
_MIN_SPAN_MS = 60_000.0
"""Milliseconds that are shown at least."""
_RIGHT_MARGIN_SHARE = 0.18
"""Room for the names, as a share of the time shown."""


def usage_figures(usage: xr.Dataset, *, tokens: Tokens = LIGHT) -> dict[str, figure]:
    """Draw memory above processor time, one line for each kind of process, over one time axis.

    Parameters
    ----------
    usage : xarray.Dataset
        `memory` in MiB and `cpu` in percent of one core, dims (process, time).
    tokens : Tokens
        Colours; the kernels are drawn in the accent.

    Returns
    -------
    dict of str to bokeh.plotting.figure
        `memory` and `cpu`, named so.
    """
    x_range = Range1d(0, 1)
    figures = {}
    for measure, words in _WORDS.items():
        plot = time_figure(measure, usage, tokens, height=80, x_range=x_range, axis=measure == "cpu")
        plot.sizing_mode = "stretch_both"
        plot.toolbar_location = None
        plot.y_range = Range1d(0, 1)
        plot.min_border_bottom = 8
        lines = []
        for name in usage["process"].values.tolist():
            source = ColumnDataSource(_line(usage, measure, name), name=name)
            colour = tokens.accent if name == "kernels" else tokens.telemetry
            lines.append(plot.line("time", "value", source=source, line_color=colour, name=name))
        end_labels(plot, ColumnDataSource(_ends(usage, measure), name="ends"), tokens, accent="kernels")
        tooltips = [(words, "@value{0,0}"), ("at", when(usage))]
        plot.add_tools(HoverTool(renderers=lines, tooltips=tooltips, formatters={"@time": "datetime"}))
        plot.title.text = words
        plot.yaxis.ticker.desired_num_ticks = 3
        figures[measure] = plot
    _set_ranges(figures, usage)
    return figures


def update_usage_figures(figures: dict[str, figure], usage: xr.Dataset) -> None:
    """Show later samples in figures made by `usage_figures` of the same processes."""
    for measure, plot in figures.items():
        lines = {name: _line(usage, measure, name) for name in usage["process"].values.tolist()}
        set_sources(plot, lines | {"ends": _ends(usage, measure)})
    _set_ranges(figures, usage)


def _line(usage: xr.Dataset, measure: str, name: str) -> dict[str, Any]:
    values = usage[measure].sel(process=name).values.astype(np.float32)
    return {"time": time_values(usage).astype(np.float64), "value": values}


def _ends(usage: xr.Dataset, measure: str) -> dict[str, Any]:
    lines = {name: usage[measure].sel(process=name).values for name in usage["process"].values.tolist()}
    return end_label_data(usage, lines, *_range(usage, measure), apart=0.12)


def _range(usage: xr.Dataset, measure: str) -> tuple[float, float]:
    return 0.0, bounds(usage[measure].values, np.array([0.0, 1.0]))[1] * 1.15


def _set_ranges(figures: dict[str, figure], usage: xr.Dataset) -> None:
    time = time_values(usage)
    last = float(time[-1])
    start = min(float(time[0]), last - _MIN_SPAN_MS)
    figures["cpu"].x_range.update(
        start=start, end=last + (last - start) * _RIGHT_MARGIN_SHARE, tags=name_room(last, 56)
    )
    for measure, plot in figures.items():
        low, high = _range(usage, measure)
        plot.y_range.update(start=low, end=high)
