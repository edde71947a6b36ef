"""Who does what, and when: a bar for each session, a row for each technician, a column for each day."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FactorRange, FixedTicker, HoverTool, NoOverlap, Range1d
from bokeh.plotting import figure

from workbench.plots.theme import FONT, LIGHT, SEVERITIES, Tokens, apply_tokens

__all__ = ["BARS", "gantt_figure", "update_gantt"]

BARS = ("planned", "fixed", "moved", "late", "conflict")
"""Kinds of a bar: as planned, fixed by somebody, put elsewhere by a proposal, after its due date, or impossible."""

_HATCHES = {"planned": " ", "fixed": "-", "moved": "/", "late": "\\", "conflict": "x"}
_SIGNS = {"moved": "→ ", "late": f"{SEVERITIES['high'].symbol} ", "conflict": f"{SEVERITIES['critical'].symbol} "}
_DEFAULT_HOURS = (8.0, 17.0)
_COLUMNS = ("number", "row", "left", "right", "fill", "line", "hatch", "label", "title", "kind", "words", "from", "to")
_LABEL_WIDTH_PX = 620.0  # pixels that labels count on
_LETTER_WIDTH_PX = 6.6


def gantt_figure(
    sessions: pd.DataFrame, people: Sequence[str], first: date, days: int, now: pd.Timestamp, *, tokens: Tokens = LIGHT
) -> figure:
    """Draw a plan; the hours between the last end and the first start of a day are left out.

    Parameters
    ----------
    sessions : pandas.DataFrame
        number, title, technician, start, end (aware, UTC), kind (of `BARS`), words (what else is to be said).
    people : sequence of str
        Technicians, from the top.
    first : datetime.date
        First day, UTC.
    days : int
        Days shown.
    now : pandas.Timestamp
        Aware; drawn as a line.
    tokens : Tokens
        Colours; hatch and sign tell the kinds apart too.

    Returns
    -------
    bokeh.plotting.figure
        Named `gantt`, with the sources `bars`, `nights` and `now`.
    """
    plot = figure(
        name="gantt",
        height=220,
        sizing_mode="stretch_both",
        x_range=Range1d(0, days),
        y_range=FactorRange(factors=list(reversed(people))),
        tools="",
        toolbar_location=None,
        min_border_left=70,
        min_border_right=8,
        min_border_top=4,
        min_border_bottom=4,
    )
    apply_tokens(plot, tokens)
    plot.tags = [tokens.name]
    data = _data(sessions, people, first, days, now, tokens)
    sources = {name: ColumnDataSource(columns, name=name) for name, columns in data.items()}
    plot.vspan(x="x", source=sources["nights"], line_color=tokens.border, line_width=1, name="nights")
    bars = plot.hbar(
        y="row",
        left="left",
        right="right",
        height=0.72,
        source=sources["bars"],
        fill_color="fill",
        fill_alpha=0.3,
        line_color="line",
        hatch_pattern="hatch",
        hatch_color="line",
        hatch_alpha=0.35,
        hatch_scale=7,
        name="bars",
    )
    plot.text(
        "left",
        "row",
        text="label",
        source=sources["bars"],
        x_offset=3,
        text_baseline="middle",
        text_color=tokens.text,
        text_font=value(FONT),
        text_font_size="11px",
        name="labels",
    )
    plot.vspan(x="x", source=sources["now"], line_color=tokens.accent, line_width=2, name="now")
    tooltips = [("@number", "@title"), ("", "@from to @to UTC"), ("by", "@row"), ("", "@kind @words")]
    plot.add_tools(HoverTool(renderers=[bars], tooltips=tooltips))
    plot.ygrid.visible = False
    plot.xgrid.visible = False
    plot.yaxis.major_tick_line_color = None
    plot.xaxis.major_tick_line_color = None
    plot.xaxis.major_label_policy = NoOverlap(min_distance=4)
    _label(plot, first, days)
    return plot


def update_gantt(
    plot: figure,
    sessions: pd.DataFrame,
    people: Sequence[str],
    first: date,
    days: int,
    now: pd.Timestamp,
    *,
    tokens: Tokens = LIGHT,
) -> None:
    """Show another plan, or other days, in a figure made by `gantt_figure`."""
    plot.y_range.factors = list(reversed(people))
    plot.x_range.end = days
    sources = {renderer.data_source.name: renderer.data_source for renderer in plot.renderers}
    for name, columns in _data(sessions, people, first, days, now, tokens).items():
        sources[name].data = columns
    _label(plot, first, days)


def _label(plot: figure, first: date, days: int) -> None:
    step = 1 if days <= 8 else 2 if days <= 16 else 7
    ticks = range(0, days, step)
    plot.xaxis.ticker = FixedTicker(ticks=[day + 0.5 for day in ticks])
    plot.xaxis.major_label_overrides = {day + 0.5: f"{first + timedelta(days=day):%a %d %b}" for day in ticks}


def _data(
    sessions: pd.DataFrame, people: Sequence[str], first: date, days: int, now: pd.Timestamp, tokens: Tokens
) -> dict[str, dict[str, list[Any]]]:
    begin = pd.Timestamp(first, tz="UTC")
    end = begin + pd.Timedelta(days=days)
    visible = sessions[
        (sessions["start"] < end) & (sessions["end"] > begin) & sessions["technician"].isin(list(people))
    ]
    opens, closes = _hours(visible, begin, end)
    colours = {
        "planned": tokens.telemetry,
        "fixed": tokens.telemetry,
        "moved": tokens.accent,
        "late": tokens.level("high"),
        "conflict": tokens.level("critical"),
    }
    bars: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for row in visible.to_dict(orient="records"):
        kind = str(row["kind"])
        left, right = (
            _place(max(begin, min(end, pd.Timestamp(row[name]))), begin, opens, closes) for name in ("start", "end")
        )
        room = (min(right, int(left) + 1) - left) / days * _LABEL_WIDTH_PX / _LETTER_WIDTH_PX
        sign, number = _SIGNS.get(kind, ""), str(row["number"])
        digits = number.removeprefix("WO-")
        texts = (sign + number, sign + digits, sign.strip() + digits, digits)
        label = next((text for text in texts if len(text) <= room), "")
        values = (row["number"], row["technician"], left, right, colours[kind], colours[kind], _HATCHES[kind], label)
        when = (f"{row['start']:%a %d %b %H:%M}", f"{row['end']:%a %d %b %H:%M}")
        for name, one in zip(_COLUMNS, (*values, row["title"], kind, row["words"], *when), strict=True):
            bars[name].append(one)
    at = [_place(now, begin, opens, closes)] if begin <= now < end else []
    return {"bars": bars, "nights": {"x": list(range(1, days))}, "now": {"x": at}}


def _hours(sessions: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> tuple[float, float]:
    """Return the first and the last hour of a day in which anything is done."""
    opens, closes = _DEFAULT_HOURS
    for first, last in zip(sessions["start"], sessions["end"], strict=True):
        start, stop = max(pd.Timestamp(first), begin), min(pd.Timestamp(last), end)
        if start.normalize() != (stop - pd.Timedelta(1, "us")).normalize():
            return 0.0, 24.0
        day = start.normalize()
        opens = min(opens, (start - day) / pd.Timedelta(hours=1))
        closes = max(closes, (stop - day) / pd.Timedelta(hours=1))
    return opens, closes


def _place(time: pd.Timestamp, begin: pd.Timestamp, opens: float, closes: float) -> float:
    """Return where a time lies on an axis of days, each from the first hour to the last."""
    hours = (time - begin) / pd.Timedelta(hours=1)
    day, hour = divmod(hours, 24)
    return float(day + min(max((hour - opens) / (closes - opens), 0.0), 1.0))
