"""Gauges: where each channel stands between its limits. A channel without limits has none."""

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure
from bokeh.transform import factor_cmap, factor_mark

from workbench.plots.series import set_changed, set_rows
from workbench.plots.theme import FONT, LIGHT, SEVERITIES, Tokens, apply_tokens

__all__ = ["gauges_figure", "update_gauges"]

_LOW_LIMITS = ("critical_low", "warning_low")
_HIGH_LIMITS = ("critical_high", "warning_high")
_MARGIN_SHARE = 0.15  # room beyond the outer limits, as a share of what lies between them
_ROW_HEIGHT_PX = 26  # pixels
_STATES = {"critical": "critical", "warning": "high", "normal": "normal", "stale": "stale"}


def gauges_figure(*, tokens: Tokens = LIGHT) -> figure:
    """Make an empty figure with one bar a channel: zones between limits, and a pointer at the last value.

    Parameters
    ----------
    tokens : Tokens
        Colours; a pointer has colour only beyond a limit.

    Returns
    -------
    bokeh.plotting.figure
        Named `gauges`, to be filled by `update_gauges`.
    """
    plot = figure(
        name="gauges",
        height=_ROW_HEIGHT_PX,
        sizing_mode="stretch_width",
        x_range=Range1d(-0.01, 1.01),
        y_range=Range1d(0, 1),
        tools="",
        toolbar_location=None,
        min_border_left=72,
        min_border_right=8,
        min_border_top=2,
        min_border_bottom=2,
    )
    apply_tokens(plot, tokens)
    plot.xaxis.visible = False
    plot.grid.visible = False
    plot.yaxis.axis_line_color = None
    plot.yaxis.major_tick_line_color = None
    zones = ColumnDataSource({name: [] for name in ("left", "right", "bottom", "top", "zone")}, name="zones")
    plot.quad(
        "left",
        "right",
        "bottom",
        "top",
        source=zones,
        fill_color=factor_cmap(
            "zone", [tokens.surface, tokens.raised, tokens.border], ["normal", "warning", "critical"]
        ),
        line_color=tokens.border,
        name="zones",
    )
    words = ColumnDataSource({name: [] for name in ("at", "row", "word", "align", "shift")}, name="words")
    plot.text(
        "at",
        "row",
        text="word",
        text_align="align",
        source=words,
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="11px",
        x_offset="shift",
        text_color=tokens.text,
        name="words",
    )
    columns = ("at", "row", "state", "channel", "value", "units", "limit")
    pointers = ColumnDataSource({name: [] for name in columns}, name="pointers")
    states = list(_STATES)
    colours = [tokens.level("critical"), tokens.level("high"), tokens.telemetry, tokens.surface]
    markers = [SEVERITIES["critical"].marker, SEVERITIES["high"].marker, "inverted_triangle", "inverted_triangle"]
    points = plot.scatter(
        "at",
        "row",
        source=pointers,
        marker=factor_mark("state", markers, states),
        size=11,
        fill_color=factor_cmap("state", colours, states),
        line_color=tokens.text,
        name="pointers",
    )
    tooltips = [("channel", "@channel"), ("last value", "@value{0.0000} @units"), ("state", "@limit")]
    plot.add_tools(HoverTool(renderers=[points], tooltips=tooltips))
    return plot


def update_gauges(plot: figure, table: pd.DataFrame) -> None:
    """Show last values in a figure made by `gauges_figure`.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place, its height too.
    table : pandas.DataFrame
        `channel`, `units`, `value`, `limit` (as from `workbench.telemetry.last_values.limit_state`), `stale`, and
        `critical_low`, `warning_low`, `warning_high`, `critical_high`, NaN where there is no such limit. A row
        without any limit is left out.
    """
    limited = table[table[[*_LOW_LIMITS, *_HIGH_LIMITS]].notna().any(axis=1)]
    n = len(limited)
    zones: dict[str, list[Any]] = {name: [] for name in ("left", "right", "bottom", "top", "zone")}
    words: dict[str, list[Any]] = {name: [] for name in ("at", "row", "word", "align", "shift")}
    pointers: dict[str, list[Any]] = {name: [] for name in ("at", "row", "state", "channel", "value", "units", "limit")}
    for row, channel in enumerate(limited.to_dict(orient="records")):
        middle = n - 0.5 - row
        low, high = _scale(channel)
        for left, right, zone in _zones(channel, low, high):
            zones["left"].append((left - low) / (high - low))
            zones["right"].append((right - low) / (high - low))
            zones["bottom"].append(middle - 0.22)
            zones["top"].append(middle + 0.22)
            zones["zone"].append(zone)
        for name, align in (("critical_low", "left"), ("critical_high", "right")):
            if np.isfinite(channel[name]):
                words["at"].append(0.0 if align == "left" else 1.0)
                words["row"].append(middle)
                words["word"].append(f"{channel[name]:g}")
                words["align"].append(align)
                words["shift"].append(4 if align == "left" else -4)
        if np.isfinite(channel["value"]):
            pointers["at"].append(min(max((channel["value"] - low) / (high - low), 0.0), 1.0))
            pointers["row"].append(middle + 0.2)
            pointers["state"].append("stale" if channel["stale"] else str(channel["limit"]).split(" ")[0])
            for name in ("channel", "value", "units", "limit"):
                pointers[name].append(channel[name])
    set_changed(plot, {"zones": zones, "words": words, "pointers": pointers})
    set_rows(plot, limited["channel"].tolist())
    plot.height = _ROW_HEIGHT_PX * max(n, 1) + 4


def _scale(channel: dict[Any, Any]) -> tuple[float, float]:
    """Return the range of a gauge: its outer limits and some room; with limits on one side, as far on the other."""
    bounds = [channel[name] for name in (*_LOW_LIMITS, *_HIGH_LIMITS) if np.isfinite(channel[name])]
    lowest, highest = min(bounds), max(bounds)
    has_low = any(np.isfinite(channel[name]) for name in _LOW_LIMITS)
    has_high = any(np.isfinite(channel[name]) for name in _HIGH_LIMITS)
    usual = channel["mean"] if np.isfinite(channel["mean"]) else channel["value"]
    if not has_low:
        lowest = min(lowest, channel["minimum"], usual) if np.isfinite(usual) else lowest
    if not has_high:
        highest = max(highest, channel["maximum"], usual) if np.isfinite(usual) else highest
    room = _MARGIN_SHARE * ((highest - lowest) or abs(highest) or 1.0)
    return lowest - room, highest + room


def _zones(channel: dict[Any, Any], low: float, high: float) -> list[tuple[float, float, str]]:
    edges = [low]
    kinds = []
    for name, kind in (("critical_low", "critical"), ("warning_low", "warning")):
        if np.isfinite(channel[name]):
            edges.append(channel[name])
            kinds.append(kind)
    kinds.append("normal")
    for name, kind in (("warning_high", "warning"), ("critical_high", "critical")):
        if np.isfinite(channel[name]):
            edges.append(channel[name])
            kinds.append(kind)
    edges.append(high)
    return list(zip(edges[:-1], edges[1:], kinds, strict=True))
