"""Two versions of a model on the same series: their smoothed errors, and what each finds."""

from typing import Any

import pandas as pd
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

from workbench.plots.series import (
    bounds,
    end_label_data,
    end_labels,
    line_data,
    set_sources,
    time_axis,
    time_figure,
    time_values,
)
from workbench.plots.theme import LIGHT, Tokens

__all__ = ["comparison_figure", "update_comparison_figure"]

_LANE_HEIGHT_SHARE = 0.08  # height of a lane of anomalies, as a share of the errors
_NAMES = ("first", "second")


def comparison_figure(
    channel: xr.Dataset,
    scored: tuple[xr.Dataset, xr.Dataset],
    anomalies: pd.DataFrame,
    names: tuple[str, str],
    *,
    tokens: Tokens = LIGHT,
) -> figure:
    """Draw both smoothed errors, and above them a lane of anomalies for each version.

    Parameters
    ----------
    channel : xarray.Dataset
        Test split; gives the time axis.
    scored : tuple of xarray.Dataset
        `smoothed_error` over `time`.
    anomalies : pandas.DataFrame
        `model`, `start`, `end` (samples, inclusive), `severity`, `alone`.
    names : tuple of str
        As `model` has them.
    tokens : Tokens
        Colours; the first version has the accent.

    Returns
    -------
    bokeh.plotting.figure
        Named `comparison`.
    """
    plot = time_figure("comparison", channel, tokens, height=150, x_range=None)
    data, top = _data(channel, scored, anomalies, names)
    sources = {name: ColumnDataSource(columns, name=name) for name, columns in data.items()}
    for name, colour in zip(_NAMES, (tokens.accent, tokens.telemetry), strict=True):
        plot.line("time", "smoothed_error", source=sources[name], line_color=colour, line_width=1.2, name=name)
        boxes = plot.quad(
            left="left",
            right="right",
            bottom="bottom",
            top="top",
            source=sources[f"{name} found"],
            fill_color=colour,
            line_color=colour,
            name=f"{name} found",
        )
        tooltips = [("found by", "@model"), ("samples", "@start to @end"), ("severity", "@severity{0.00}")]
        plot.add_tools(HoverTool(renderers=[boxes], tooltips=[*tooltips, ("the other", "@other")]))
    end_labels(plot, sources["ends"], tokens, accent=_short(names[0]))
    plot.sizing_mode = "stretch_both"
    plot.title.text = "Smoothed error of each, and the anomalies that it finds"
    plot.yaxis.ticker.desired_num_ticks = 4
    plot.y_range.update(start=0, end=top)
    return plot


def update_comparison_figure(
    plot: figure,
    channel: xr.Dataset,
    scored: tuple[xr.Dataset, xr.Dataset],
    anomalies: pd.DataFrame,
    names: tuple[str, str],
) -> None:
    """Show other versions of the same two names in a figure made by `comparison_figure`."""
    data, top = _data(channel, scored, anomalies, names)
    set_sources(plot, data)
    plot.x_range.update(**time_axis(channel))
    plot.y_range.update(start=0, end=top)


def _data(
    channel: xr.Dataset, scored: tuple[xr.Dataset, xr.Dataset], anomalies: pd.DataFrame, names: tuple[str, str]
) -> tuple[dict[str, dict[str, Any]], float]:
    low, high = bounds(*(one["smoothed_error"].values for one in scored))
    time, lane = time_values(channel), _LANE_HEIGHT_SHARE * high
    data: dict[str, dict[str, Any]] = {}
    for place, (key, name, one) in enumerate(zip(_NAMES, names, scored, strict=True)):
        data[key] = line_data(one, "smoothed_error")
        rows = anomalies[anomalies["model"] == name]
        bottom = high * 1.04 + (1 - place) * lane * 1.4
        data[f"{key} found"] = {
            "left": [float(time[start]) for start in rows["start"]],
            "right": [float(time[end]) for end in rows["end"]],
            "bottom": [bottom] * len(rows),
            "top": [bottom + lane] * len(rows),
            "model": [name] * len(rows),
            "start": rows["start"].tolist(),
            "end": rows["end"].tolist(),
            "severity": rows["severity"].tolist(),
            "other": ["finds nothing there" if alone else "finds it too" for alone in rows["alone"]],
        }
    ends = {_short(name): one["smoothed_error"].values for name, one in zip(names, scored, strict=True)}
    data["ends"] = end_label_data(channel, ends, low, high, apart=0.13)
    return data, high * 1.08 + 3 * lane


def _short(name: str) -> str:
    """Leave the channel out, which both have in common."""
    return name.rpartition(".")[2]
