"""Several channels in one figure: over each other on one scale, or stacked in lanes."""

from collections.abc import Sequence
from typing import Any

from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Label, Node, Range1d
from bokeh.plotting import figure
from bokeh.transform import factor_cmap

from workbench.names import cut_in_the_middle
from workbench.plots.marks import MARK_STYLE, span_style, symbol_style
from workbench.plots.series import bounds, set_rows, set_sources
from workbench.plots.strip_data import Strip
from workbench.plots.strips import MAX_NAME_LETTERS, base_figure
from workbench.plots.theme import FONT, LIGHT, Tokens

__all__ = [
    "add_lane_marks",
    "lane_marks",
    "lanes_figure",
    "overlay_figure",
    "set_lane_names",
    "update_lanes",
    "update_overlay",
]

_MAX_POINTS = 36_000
"""Most points of all lines together."""

_OWN_COLUMNS = ("left", "right", "middle", "level", "severity", *MARK_STYLE)
_LANE_COLUMNS = (*_OWN_COLUMNS, "bottom", "top", "centre", "channel")


def overlay_figure(*, dated: bool, tokens: Tokens = LIGHT, x_range: Range1d) -> figure:
    """Make an empty figure for lines over each other, each named at its end, the chosen one in the accent.

    Parameters
    ----------
    dated, tokens, x_range
        As for `workbench.plots.strips.base_figure`.

    Returns
    -------
    bokeh.plotting.figure
        Named `overlay`, to be filled by `update_overlay`.
    """
    plot = base_figure("overlay", dated=dated, tokens=tokens, x_range=x_range, height=240)
    lines = _lines(plot, tokens)
    ends = ColumnDataSource({"time": [], "value": [], "name": [], "chosen": []}, name="ends")
    plot.text(
        "time",
        "value",
        text="name",
        source=ends,
        x_offset=-4,
        y_offset=-8,
        text_align="right",
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="11px",
        text_color=factor_cmap("chosen", [tokens.accent], ["yes"], nan_color=tokens.text),
        background_fill_color=tokens.surface,
        background_fill_alpha=0.75,
        name="ends",
    )
    plot.add_tools(HoverTool(renderers=[lines], tooltips=[("channel", "@name"), ("range shown", "@range")]))
    plot.add_layout(
        Label(
            name="scale",
            x=Node(target="frame", symbol="left"),
            y=Node(target="frame", symbol="top"),
            x_offset=4,
            y_offset=2,
            text="",
            text_baseline="top",
            text_font=FONT,
            text_font_size="11px",
            text_color=tokens.muted,
        )
    )
    plot.yaxis.ticker.desired_num_ticks = 6
    return plot


def update_overlay(
    plot: figure, strips: Sequence[Strip], start: float, end: float, until: float = float("inf"), chosen: str = ""
) -> None:
    """Show a stretch of several channels in a figure made by `overlay_figure`.

    Channels of one unit share their scale; others are drawn from their own least to their own greatest value.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place; its time axis is left as it is.
    strips : sequence of Strip
        Channels, prepared for drawing.
    start, end, until : float
        As for `workbench.plots.strips.update_strip`.
    chosen : str
        Channel that is drawn in the accent.
    """
    units = {strip.units for strip in strips}
    shared = len(units) == 1 and units != {""}
    margin = (end - start) / 2
    limit = max(_MAX_POINTS // max(len(strips), 1), 300)
    data: dict[str, list[Any]] = {name: [] for name in ("xs", "ys", "name", "range", "chosen", "width", "alpha")}
    ends: dict[str, list[Any]] = {name: [] for name in ("time", "value", "name", "chosen")}
    for strip in sorted(strips, key=lambda strip: strip.name == chosen):  # the chosen one lies on top
        drawn_time, drawn_values = strip.telemetry.window(start, end, until, 600)
        low, high = bounds(drawn_values)
        time, values = strip.telemetry.window(start - margin, end + margin, until, limit)
        data["xs"].append(time)
        data["ys"].append(values if shared else 100 * (values - low) / (high - low))
        data["name"].append(strip.name)
        data["range"].append(f"{low:.4g} to {high:.4g} {strip.units}")
        data["chosen"].append("yes" if strip.name == chosen else "no")
        data["width"].append(2.0 if strip.name == chosen else 1.0)
        data["alpha"].append(1.0 if strip.name == chosen else 0.5)
        if drawn_values.size:
            last = float(drawn_values[-1])
            ends["time"].append(min(end, float(drawn_time[-1])))
            ends["value"].append(last if shared else 100 * (last - low) / (high - low))
            ends["name"].append(strip.name)
            ends["chosen"].append(data["chosen"][-1])
    set_sources(plot, {"lines": data, "ends": ends})
    low, high = bounds(*data["ys"]) if shared else (0.0, 100.0)
    plot.y_range.update(start=low - 0.06 * (high - low), end=high + 0.12 * (high - low))
    note = f"in {next(iter(units))}" if shared else "% of each channel's own range in the time shown"
    next(part for part in plot.center if part.name == "scale").text = note


def lanes_figure(*, dated: bool, tokens: Tokens = LIGHT, x_range: Range1d, name: str = "stacked") -> figure:
    """Make an empty figure with one lane a channel, and its anomalies in it.

    Parameters
    ----------
    dated, tokens, x_range
        As for `workbench.plots.strips.base_figure`.
    name : str
        By which the figure is found again.

    Returns
    -------
    bokeh.plotting.figure
        To be filled by `update_lanes`.
    """
    plot = base_figure(name, dated=dated, tokens=tokens, x_range=x_range, height=240)
    lines = _lines(plot, tokens)
    plot.add_tools(HoverTool(renderers=[lines], tooltips=[("channel", "@name"), ("whole range", "@range")]))
    add_lane_marks(plot, tokens)
    plot.ygrid.visible = False
    return plot


def update_lanes(
    plot: figure, strips: Sequence[Strip], start: float, end: float, until: float = float("inf"), chosen: str = ""
) -> None:
    """Show a stretch of several channels in a figure made by `lanes_figure`; each lane has the channel's whole range.

    Parameters
    ----------
    plot, strips, start, end, until, chosen
        As for `update_overlay`.
    """
    margin = (end - start) / 2
    limit = max(_MAX_POINTS // max(len(strips), 1), 300)
    data: dict[str, list[Any]] = {name: [] for name in ("xs", "ys", "name", "range", "chosen", "width", "alpha")}
    for row, strip in enumerate(strips):
        time, values = strip.scaled(start - margin, end + margin, until, limit)
        data["xs"].append(time)
        data["ys"].append(len(strips) - 1 - row + 0.08 + 0.84 * values)
        data["name"].append(strip.name)
        data["range"].append(f"{strip.scale[0]:.4g} to {strip.scale[1]:.4g} {strip.units}")
        data["chosen"].append("yes" if strip.name == chosen else "no")
        data["width"].append(1.0)
        data["alpha"].append(0.9)
    set_sources(plot, {"lines": data, "anomalies": lane_marks(strips, start, end, until)})
    set_lane_names(plot, [strip.name for strip in strips])


def set_lane_names(plot: figure, names: Sequence[str]) -> None:
    """Write the channels' names beside their lanes, the first at the top."""
    set_rows(plot, [cut_in_the_middle(name, MAX_NAME_LETTERS) for name in names])
    plot.y_range.start = 0


def lane_marks(strips: Sequence[Strip], start: float, end: float, until: float) -> dict[str, list[Any]]:
    """Place the anomalies of each channel in its lane."""
    columns: dict[str, list[Any]] = {name: [] for name in _LANE_COLUMNS}
    for row, strip in enumerate(strips):
        marks = strip.anomalies(start, end, until, 0.0)
        bottom = len(strips) - 1 - row
        for name in _OWN_COLUMNS:
            columns[name] += marks[name]
        n = len(marks["left"])
        columns["bottom"] += [bottom + 0.04] * n
        columns["top"] += [bottom + 0.96] * n
        columns["centre"] += [bottom + 0.5] * n
        columns["channel"] += [strip.name] * n
    return columns


def add_lane_marks(plot: figure, tokens: Tokens, alpha: float = 0.2, width: float = 1) -> None:
    """Draw what `lane_marks` placed: a span in the lane and the symbol of its level."""
    source = ColumnDataSource({name: [] for name in _LANE_COLUMNS}, name="anomalies")
    style = span_style(tokens, alpha) | {"line_width": width, "line_alpha": 1.0}
    spans = plot.quad("left", "right", "bottom", "top", source=source, name="anomalies", **style)
    plot.scatter("middle", "centre", source=source, size=10, name="symbols", **symbol_style(tokens))
    anomaly = ("anomaly", "@level @severity{0.00} @standing")
    plot.add_tools(HoverTool(renderers=[spans], tooltips=[("channel", "@channel"), anomaly]))


def _lines(plot: figure, tokens: Tokens) -> Any:
    names = ("xs", "ys", "name", "range", "chosen", "width", "alpha")
    source = ColumnDataSource({name: [] for name in names}, name="lines")
    return plot.multi_line(
        "xs",
        "ys",
        source=source,
        line_color=factor_cmap("chosen", [tokens.accent, tokens.telemetry], ["yes", "no"]),
        line_width="width",
        line_alpha="alpha",
        name="lines",
    )
