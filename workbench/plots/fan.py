"""A forecast with its interval, after the telemetry that it was made from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.series import (
    bounds,
    end_label_data,
    end_labels,
    line_data,
    name_room,
    set_sources,
    time_figure,
    time_values,
)
from workbench.plots.series import (
    when as at_time,
)
from workbench.plots.theme import FONT, LIGHT, Tokens

__all__ = ["fan_figure", "update_fan_figure"]


def fan_figure(
    history: xr.Dataset, forecast: xr.Dataset, limits: Mapping[str, float], *, tokens: Tokens = LIGHT
) -> figure:
    """Draw the latest telemetry, the forecast with its interval, and the limits.

    Parameters
    ----------
    history : xarray.Dataset
        `telemetry` over `time`, the part of a channel up to the origin of the forecast.
    forecast : xarray.Dataset
        `forecast`, `lower`, `upper` over `time`.
    limits : mapping of str to float
        Value by name, as `warning high`; those far from what is shown are left out.
    tokens : Tokens
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        Named `forecast`.
    """
    plot = time_figure("forecast", history, tokens, height=200, x_range=Range1d(0, 1))
    plot.sizing_mode = "stretch_both"
    plot.y_range = Range1d(0, 1)
    data = _data(history, forecast, limits)
    sources = {name: ColumnDataSource(columns, name=name) for name, columns in data.items()}
    plot.varea(
        "time", "lower", "upper", source=sources["interval"], fill_color=tokens.accent, fill_alpha=0.18, name="interval"
    )
    plot.segment(
        "left",
        "value",
        "right",
        "value",
        source=sources["limits"],
        line_color=tokens.muted,
        line_dash="dashed",
        name="limits",
    )
    plot.text(
        "left",
        "value",
        text="word",
        source=sources["limits"],
        x_offset=4,
        y_offset=-2,
        text_font=value(FONT),
        text_font_size="11px",
        text_color=tokens.muted,
        name="limit words",
    )
    telemetry_line = plot.line(
        "time", "telemetry", source=sources["telemetry"], line_color=tokens.telemetry, name="telemetry"
    )
    ahead = plot.line("time", "forecast", source=sources["forecast"], line_color=tokens.accent, name="forecast")
    ahead.glyph.line_width = 2
    plot.segment("time", "bottom", "time", "top", source=sources["origin"], line_color=tokens.border, name="origin")
    end_labels(plot, sources["ends"], tokens, accent="forecast")
    for line, column, extra in (
        (telemetry_line, "telemetry", []),
        (ahead, "forecast", [("interval", "@lower{0.0000} to @upper{0.0000}"), ("samples ahead", "@lead{0,0}")]),
    ):
        tooltips = [(column, f"@{column}{{0.0000}}"), *extra, ("at", at_time(history))]
        plot.add_tools(HoverTool(renderers=[line], tooltips=tooltips, formatters={"@time": "datetime"}, mode="mouse"))
    _set_ranges(plot, data)
    return plot


def update_fan_figure(plot: figure, history: xr.Dataset, forecast: xr.Dataset, limits: Mapping[str, float]) -> None:
    """Show another forecast in a figure made by `fan_figure`, of a channel whose time is of the same kind."""
    data = _data(history, forecast, limits)
    set_sources(plot, data)
    _set_ranges(plot, data)


def _data(history: xr.Dataset, forecast: xr.Dataset, limits: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    telemetry, middle = history["telemetry"].values, forecast["forecast"].values
    time = time_values(forecast)
    lower, upper = forecast["lower"].values, forecast["upper"].values
    # the line goes on from the last value, so that no gap lies between what came and what is to come
    present = np.flatnonzero(np.isfinite(telemetry))
    newest = slice(present[-1], present[-1] + 1) if present.size else slice(-1, None)
    last_time, last = time_values(history)[newest], telemetry[newest]
    low, high = bounds(telemetry, middle, lower, upper)
    near = {name: limit for name, limit in limits.items() if low - (high - low) <= limit <= high + (high - low)}
    if near:
        low, high = min(low, *near.values()), max(high, *near.values())
    room = 0.06 * (high - low)
    start, right = float(time_values(history)[0]), float(time[-1])
    joined = {
        "time": np.concatenate([last_time, time]),
        "lead": np.arange(time.size + 1),
        "forecast": np.concatenate([last, middle]),
        "lower": np.concatenate([last, lower]),
        "upper": np.concatenate([last, upper]),
    }
    has_interval = np.isfinite(joined["lower"]) & np.isfinite(joined["upper"])
    return {
        "telemetry": dict(line_data(history, "telemetry")),
        "forecast": joined,
        "interval": {name: joined[name][has_interval] for name in ("time", "lower", "upper")},
        "limits": {
            "left": [start] * len(near),
            "right": [right] * len(near),
            "value": list(near.values()),
            "word": [f"{name} {limit:g}" for name, limit in near.items()],
        },
        "origin": {"time": last_time.tolist(), "bottom": [low - room], "top": [high + room]},
        "ends": end_label_data(forecast, {"forecast": middle}, low, high),
    }


def _set_ranges(plot: figure, data: Mapping[str, Mapping[str, Any]]) -> None:
    start = float(data["telemetry"]["time"][0])
    right = float(data["forecast"]["time"][-1])
    end = right + 0.1 * (right - start)
    plot.x_range.update(start=start, end=end, reset_start=start, reset_end=end, tags=name_room(right, 64))
    plot.y_range.update(start=data["origin"]["bottom"][0], end=data["origin"]["top"][0])
