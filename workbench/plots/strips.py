"""Strip charts: one channel each, low and wide, to be stacked over one time axis."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    DatetimeTicker,
    DatetimeTickFormatter,
    FixedTicker,
    GlyphRenderer,
    Grid,
    HoverTool,
    Label,
    LinearAxis,
    Node,
    NoOverlap,
    NumeralTickFormatter,
    Range1d,
    Scatter,
    Span,
    Text,
    Ticker,
    VSpan,
    VStrip,
)
from bokeh.models import Line as LineGlyph
from bokeh.plotting import figure

from workbench.names import cut_in_the_middle
from workbench.plots.marks import MARK_COLUMNS, span_style, symbol_style
from workbench.plots.series import set_changed, set_sources
from workbench.plots.strip_data import Strip
from workbench.plots.theme import FONT, LIGHT, Tokens, apply_tokens, axis_style
from workbench.plots.trace import Trace

__all__ = [
    "MAX_NAME_LETTERS",
    "base_figure",
    "extend_strip",
    "mark_silence",
    "name_strip",
    "strip_figure",
    "update_strip",
]

_LIMITS = ("critical low", "warning low", "warning high", "critical high")
MAX_NAME_LETTERS = 18
"""Letters of a name for which there is room at the left."""

_LEFT_BORDER_PX = 116  # room for names
_RIGHT_BORDER_PX = 40  # room for limits
_MOST_STREAMED = 4800  # points of a line, twice as many as it is drawn with anew
_HEAD = 0.3  # room above the values, as a share of their range
_ROOM_FOR_MARKS = 0.15  # of the height of a strip
_LINES = ("telemetry", "prediction")


def base_figure(
    name: str,
    *,
    dated: bool,
    tokens: Tokens,
    x_range: Range1d,
    axis: bool = True,
    ticker: Ticker | None = None,
    height: int = 80,
) -> figure:
    """Make an empty figure of monitoring: dragging pans, the wheel zooms, and a double click shows all.

    Parameters
    ----------
    name : str
        By which the figure is found again.
    dated : bool
        Whether time is stamps.
    tokens : Tokens
        Colours.
    x_range : bokeh.models.Range1d
        Time axis that all share.
    axis : bool
        Whether the time axis is drawn.
    ticker : bokeh.models.Ticker, optional
        Ticker of the grid, where there is no axis; strips may share one.
    height : int
        Least height, pixels.

    Returns
    -------
    bokeh.plotting.figure
    """
    plot = figure(
        name=name,
        min_height=height,
        height=height,
        sizing_mode="stretch_both",
        x_axis_type=("datetime" if dated else "linear") if axis else None,
        x_range=x_range,
        y_range=Range1d(0, 1),
        tools="xpan,xwheel_zoom,reset",
        active_drag="xpan",
        active_scroll="xwheel_zoom",
        toolbar_location=None,
        min_border_left=_LEFT_BORDER_PX,
        min_border_right=_RIGHT_BORDER_PX,
        min_border_top=2,
        min_border_bottom=2,
    )
    if not axis:
        plot.add_layout(Grid(dimension=0, ticker=ticker or (DatetimeTicker() if dated else BasicTicker())))
    apply_tokens(plot, tokens)
    if dated:
        plot.xaxis.formatter = DatetimeTickFormatter(
            hours="%H:%M", hourmin="%H:%M", minutes="%H:%M", days="%d %b", months="%b %Y", years="%Y"
        )
    else:
        plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.yaxis.ticker.desired_num_ticks = 3
    return plot


def strip_figure(
    name: str,
    *,
    dated: bool,
    tokens: Tokens = LIGHT,
    x_range: Range1d,
    axis: bool = False,
    ticker: Ticker | None = None,
    height: int = 56,
) -> figure:
    """Make an empty strip: telemetry, prediction, limits, anomalies, missing telemetry, and commands at its foot.

    Parameters
    ----------
    name, dated, tokens, x_range, axis, ticker, height
        As for `base_figure`.

    Returns
    -------
    bokeh.plotting.figure
        To be filled by `update_strip`.
    """
    plot = base_figure(name, dated=dated, tokens=tokens, x_range=x_range, axis=axis, ticker=ticker, height=height)
    columns: dict[str, tuple[str, ...]] = {
        "telemetry": ("time", "telemetry"),
        "prediction": ("time", "prediction"),
        "anomalies": MARK_COLUMNS,
        "commands": ("time", "value", "command"),
        "spans": ("left", "right", "kind"),
        "now": ("time",),
    }
    sources = {key: ColumnDataSource({column: [] for column in names}, name=key) for key, names in columns.items()}
    # glyphs are added without the variants that `plot.line` and the like make: eight strips are many models as it is
    missing = VStrip(
        x0="left",
        x1="right",
        fill_color=tokens.raised,
        line_color=tokens.muted,
        line_dash="dotted",
        hatch_pattern="/",
        hatch_color=tokens.muted,
        hatch_alpha=0.5,
    )
    plot.add_glyph(sources["spans"], missing, name="spans")
    symbols = _add_marks(plot, sources["anomalies"], tokens)
    hovered = {"anomalies": symbols}
    for key, colour in (("prediction", tokens.accent), ("telemetry", tokens.telemetry)):
        line = LineGlyph(x="time", y=key, line_color=colour, line_width=1.2)
        hovered[key] = plot.add_glyph(sources[key], line, name=key)
    tick = Scatter(x="time", y="value", marker=value("dash"), angle=np.pi / 2, size=4, line_color=tokens.muted)
    hovered["commands"] = plot.add_glyph(sources["commands"], tick, name="commands")
    plot.add_glyph(sources["now"], VSpan(x="time", line_color=tokens.accent), name="now")
    at = ("at", "@time{%F %T} UTC" if dated else "sample @time{0,0}")
    tooltips = {
        "telemetry": [("telemetry", "@telemetry{0.0000}"), at],
        "prediction": [("prediction", "@prediction{0.0000}"), at],
        "commands": [("command", "@command"), at],
        "anomalies": [("anomaly", "@level @severity{0.00} @standing"), ("samples", "@first{0,0} to @last{0,0}")],
    }
    for key, lines in tooltips.items():
        plot.add_tools(HoverTool(renderers=[hovered[key]], tooltips=lines, formatters={"@time": "datetime"}, name=key))
    _add_limits(plot, tokens)
    _add_silence(plot, tokens)
    plot.left[0].update(
        axis_label_orientation="horizontal",
        axis_label_align="center",
        axis_label_standoff=4,
    )
    return plot


def update_strip(
    plot: figure, strip: Strip, start: float, end: float, until: float = float("inf"), *, colour: str = LIGHT.text
) -> None:
    """Show a stretch of a channel in a figure made by `strip_figure`.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place; its time axis is left as it is.
    strip : Strip
        Channel, prepared for drawing.
    start, end : float
        What is seen; half as much again is drawn on either side, for the hand that pans.
    until : float
        Time up to which telemetry has come.
    colour : str
        Colour of the channel's name.
    """
    low, high = strip.range(start, end, until)
    size = high - low
    margin = (end - start) / 2
    wide = (start - margin, end + margin, until)
    data: dict[str, dict[str, Any]] = {}
    for key, trace in zip(_LINES, (strip.telemetry, strip.prediction), strict=True):
        time, values = trace.window(*wide)
        data[key] = {"time": time, key: values}
    data |= _marks(strip, start, end, until, low, high)
    data["now"] = {"time": [until] if until < strip.extent[1] else []}
    before = {renderer.data_source.name: renderer.data_source.data for renderer in plot.renderers}
    set_sources(plot, {key: columns for key, columns in data.items() if _holds(columns) or _holds(before[key])})
    plot.y_range.update(start=low - _foot(strip) * size, end=high + _HEAD * size)
    _set_limits(plot, strip, low, high)
    name_strip(plot, strip, colour)


def extend_strip(plot: figure, strip: Strip, start: float, end: float) -> bool:
    """Add what has come behind the newest value drawn, so that nothing else is sent to the page.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Filled by `update_strip`, changed in place; its time axis is left as it is.
    strip : Strip
        The same channel, longer than it was drawn.
    start, end : float
        What is seen.

    Returns
    -------
    bool
        False, and nothing is changed, where the strip has to be drawn anew: its values leave their axis, a part of what
        is seen is not drawn, far more is drawn than is seen, or a gap in time lies before the newest value.
    """
    sources = {one.data_source.name: one.data_source for one in plot.renderers}
    size = plot.y_range.end - plot.y_range.start
    low, high = plot.y_range.start, plot.y_range.end - _ROOM_FOR_MARKS * size
    added: dict[str, dict[str, Any]] = {}
    for key, trace in zip(_LINES, (strip.telemetry, strip.prediction), strict=True):
        drawn = sources[key].data["time"]
        if not isinstance(trace, Trace) or bool(trace.size) != bool(len(drawn)):
            return False
        if not trace.size:
            continue
        first, last = np.searchsorted(trace.time, (float(drawn[-1]), end + (end - start) / 2), side="right")
        values = trace.values[first:last]
        finite = values[np.isfinite(values)]
        if drawn[0] > max(start, trace.time[0]) or len(drawn) + values.size > _MOST_STREAMED:
            return False
        if trace.gaps.size and trace.gaps[-1] >= first:
            return False
        if ((finite < low) | (finite > high)).any():
            return False
        if values.size:
            added[key] = {"time": trace.time[first:last], key: values}
    for key, columns in added.items():
        sources[key].stream(columns)
    size /= 1 + _HEAD + _foot(strip)
    values_range = plot.y_range.start + _foot(strip) * size, plot.y_range.end - _HEAD * size
    set_changed(plot, _marks(strip, start, end, float("inf"), *values_range))
    return True


def _foot(strip: Strip) -> float:
    """Return the room under the values, as a share of their range."""
    return 0.26 if strip.command_times.size else 0.12


def _marks(strip: Strip, start: float, end: float, until: float, low: float, high: float) -> dict[str, dict[str, Any]]:
    """Return what is drawn beside the lines, above and below values from low to high."""
    margin, size = (end - start) / 2, high - low
    spans = strip.spans[strip.spans["left"] <= until]
    return {
        "anomalies": strip.anomalies(start, end, until, high + 0.16 * size),
        "commands": strip.command_marks(start - margin, end + margin, until, low - 0.16 * size),
        "spans": {name: spans[name].tolist() for name in ("left", "right", "kind")},
    }


def _holds(columns: Mapping[str, Any]) -> bool:
    """Return whether a source holds data; an empty one that stays empty need not be sent."""
    return any(len(column) for column in columns.values())


def name_strip(plot: figure, strip: Strip, colour: str) -> None:
    """Write a channel's name and units into the room at the left.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Made by `strip_figure`, changed in place.
    strip : Strip
        Channel, prepared for drawing.
    colour : str
        Colour of the words.
    """
    axis = plot.left[0]
    name = cut_in_the_middle(strip.name, MAX_NAME_LETTERS - len(strip.units))
    axis.axis_label = f"{name} {strip.units}".strip()
    axis.axis_label_text_color = colour


def _add_marks(plot: figure, source: ColumnDataSource, tokens: Tokens) -> GlyphRenderer:
    """Draw anomalies as shaded spans, each with symbol and word, and return the symbols' renderer."""
    span = VStrip(x0="left", x1="right", **span_style(tokens))
    symbol = Scatter(x="middle", y="top", size=9, **symbol_style(tokens))
    word = Text(
        x="middle",
        y="top",
        text="word",
        x_offset="shift",
        text_align="align",
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="11px",
        text_color=tokens.text,
    )
    plot.add_glyph(source, span, name="anomalies")
    symbols: GlyphRenderer = plot.add_glyph(source, symbol, name="symbols")
    plot.add_glyph(source, word, name="words")
    return symbols


def mark_silence(plot: figure, words: str) -> None:
    """Write on a strip that nothing comes any more.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Made by `strip_figure`, changed in place.
    words : str
        What is written; empty where values come.
    """
    label = next(part for part in plot.center if part.name == "silence")
    if label.text != words:
        label.update(text=words, visible=bool(words))


def _add_silence(plot: figure, tokens: Tokens) -> None:
    right, bottom = (Node(target="frame", symbol=symbol) for symbol in ("right", "bottom"))
    label = Label(
        name="silence",
        x=right,
        y=bottom,  # words of anomalies stand at the top
        x_offset=-4,
        y_offset=-2,
        text="",
        text_align="right",
        text_baseline="bottom",
        text_font=FONT,
        text_font_size="11px",
        text_color=tokens.text,
        background_fill_color=tokens.raised,
        border_line_color=tokens.muted,
        border_line_dash="dotted",
        padding=1,
        visible=False,
    )
    plot.add_layout(label)


def _add_limits(plot: figure, tokens: Tokens) -> None:
    """Draw limits as dashed lines, with their values on an axis of their own at the right."""
    for name in _LIMITS:
        colour = tokens.text if name.startswith("critical") else tokens.muted
        plot.add_layout(
            Span(name=name, location=0, dimension="width", line_color=colour, line_dash="dashed", visible=False)
        )
    style = axis_style(tokens) | {"axis_line_color": None, "major_tick_out": 2}
    labels = NoOverlap(min_distance=1)
    plot.add_layout(
        LinearAxis(name="limits", ticker=FixedTicker(ticks=[]), major_label_policy=labels, **style), "right"
    )


def _set_limits(plot: figure, strip: Strip, low: float, high: float) -> None:
    lines = {part.name: part for part in plot.center}  # looking them up by `select` takes 100 times as long
    ticks = []
    for name in _LIMITS:
        limit = strip.limits.get(name)
        lines[name].visible = limit is not None and low <= limit <= high
        if limit is not None and low <= limit <= high:
            lines[name].location = limit
            ticks.append(limit)
    plot.right[0].ticker.ticks = ticks
