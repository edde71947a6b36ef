"""Trend, season and remainder of a series as strips over one time axis."""

from typing import Any

import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.series import bounds, line_data, set_sources, time_axis, time_figure, when
from workbench.plots.theme import LIGHT, Tokens

__all__ = ["PARTS", "decomposition_figures", "update_decomposition_figures"]

PARTS = ("observed", "seasonal", "remainder")
"""Figures from the top; the trend is drawn over what was observed."""

_WORDS = {"observed": "with trend", "remainder": "remainder"}


def decomposition_figures(parts: xr.Dataset, *, tokens: Tokens = LIGHT) -> dict[str, figure]:
    """Draw the parts of a series, each with its own scale, over one time axis.

    Parameters
    ----------
    parts : xarray.Dataset
        `observed`, `trend`, `seasonal` and `remainder` over `time`.
    tokens : Tokens
        Colours.

    Returns
    -------
    dict of str to bokeh.plotting.figure
        By part, named like it; from the top.
    """
    x_range = Range1d(**_axis(parts))
    figures = {}
    for name in PARTS:
        plot = time_figure(name, parts, tokens, height=60, x_range=x_range, axis=name == PARTS[-1])
        plot.sizing_mode = "stretch_both"
        plot.toolbar_location = None
        plot.y_range = Range1d(0, 1)
        source = ColumnDataSource(_data(parts, name), name=name)
        line = plot.line("time", name, source=source, line_color=tokens.telemetry, name=name)
        tooltips = [(name, f"@{name}{{0.0000}}"), ("at", when(parts))]
        plot.add_tools(HoverTool(renderers=[line], tooltips=tooltips, formatters={"@time": "datetime"}, mode="mouse"))
        if name == "observed":
            trend = plot.line(
                "time",
                "trend",
                source=ColumnDataSource(_data(parts, "trend"), name="trend"),
                line_color=tokens.accent,
                name="trend",
            )
            trend.glyph.line_width = 2
        words = _WORDS.get(name, name)
        plot.left[0].update(
            axis_label=words, axis_label_orientation="horizontal", axis_label_align="center", axis_label_standoff=4
        )
        plot.min_border_left = 104
        plot.yaxis.ticker.desired_num_ticks = 3
        figures[name] = plot
    _set_ranges(figures, parts)
    return figures


def update_decomposition_figures(figures: dict[str, figure], parts: xr.Dataset) -> None:
    """Show another series in figures made by `decomposition_figures`, whose time is of the same kind."""
    for name, plot in figures.items():
        names = ("observed", "trend") if name == "observed" else (name,)
        set_sources(plot, {name: _data(parts, name) for name in names})
    figures[PARTS[0]].x_range.update(**_axis(parts))
    _set_ranges(figures, parts)


def _data(parts: xr.Dataset, name: str) -> dict[str, Any]:
    return dict(line_data(parts, name))


def _axis(parts: xr.Dataset) -> dict[str, Any]:
    last = float(line_data(parts, PARTS[0])["time"][-1])  # no names stand beside these lines
    return time_axis(parts) | {"end": last, "reset_end": last, "tags": []}


def _set_ranges(figures: dict[str, figure], parts: xr.Dataset) -> None:
    for name, plot in figures.items():
        low, high = bounds(parts[name].values)
        room = 0.08 * (high - low)
        plot.y_range.update(start=low - room, end=high + room)
