"""Figures of the work load: hours by technician beside their capacity, and hours of work by due day."""

from typing import Any

import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FactorRange, FixedTicker, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.series import set_sources
from workbench.plots.theme import FONT, LIGHT, SEVERITIES, Tokens, apply_tokens

__all__ = ["DAYS", "due_figure", "load_figure", "update_due", "update_load"]

DAYS = 14
"""Days ahead of which `due_figure` tells; what is due later is in its last bar."""

_SMALL: dict[str, Any] = {"text_font": value(FONT), "text_font_size": "11px"}


def load_figure(load: pd.DataFrame, *, tokens: Tokens = LIGHT) -> figure:
    """Draw each technician's planned and assigned hours, and a line at what is available.

    Parameters
    ----------
    load : pandas.DataFrame
        name, planned, assigned, available: hours.
    tokens : Tokens
        Colours; a hatch tells the assigned hours from the planned ones, a symbol whoever has too much.

    Returns
    -------
    bokeh.plotting.figure
        Named `load`.
    """
    plot = figure(
        name="load",
        height=160,
        sizing_mode="stretch_both",
        y_range=FactorRange(factors=[]),
        x_range=Range1d(0, 1),
        tools="",
        toolbar_location=None,
        min_border_left=70,
        min_border_right=8,
        min_border_top=4,
        min_border_bottom=4,
    )
    apply_tokens(plot, tokens)
    source = ColumnDataSource({name: [] for name in _load(load)}, name="load")
    common: dict[str, Any] = {
        "left": 0,
        "source": source,
        "line_color": tokens.telemetry,
        "hatch_color": tokens.telemetry,
    }
    planned = plot.hbar(
        y="upper", right="planned", height=0.3, fill_color=tokens.telemetry, fill_alpha=0.35, name="planned", **common
    )
    assigned = plot.hbar(
        y="lower",
        right="assigned",
        height=0.3,
        fill_color=tokens.surface,
        hatch_pattern="/",
        hatch_alpha=0.5,
        hatch_scale=6,
        name="assigned",
        **common,
    )
    plot.scatter(
        "available",
        "name",
        marker="dash",
        size=34,
        angle=90,
        angle_units="deg",
        source=source,
        line_color=tokens.text,
        name="limit",
    )
    for y, text in (("upper", "planned_words"), ("lower", "assigned_words")):
        beside: dict[str, Any] = {"x_offset": 4, "text_baseline": "middle", "text_color": tokens.text, **_SMALL}
        plot.text(text.removesuffix("_words"), y, text=text, source=source, name=text, **beside)
    tooltips = [("", "@name"), *((name, f"@{name}{{0.0}} h") for name in ("planned", "assigned", "available"))]
    plot.add_tools(HoverTool(renderers=[planned, assigned], tooltips=tooltips))
    plot.ygrid.visible = False
    plot.xaxis.axis_label = "hours"
    plot.yaxis.major_tick_line_color = None
    update_load(plot, load)
    return plot


def update_load(plot: figure, load: pd.DataFrame) -> None:
    """Show other hours in a figure made by `load_figure`."""
    plot.y_range.factors = list(reversed(load["name"].tolist()))
    most = max((float(load[name].max()) for name in ("planned", "assigned", "available") if len(load)), default=0.0)
    plot.x_range.end = max(1.0, most * 1.25)
    set_sources(plot, {"load": _load(load)})


def _load(load: pd.DataFrame) -> dict[str, list[Any]]:
    sign = SEVERITIES["high"].symbol
    over = [
        {name: f"{sign} " if row[name] > row["available"] else "" for name in ("planned", "assigned")}
        for row in load.to_dict(orient="records")
    ]
    return {
        **{name: load[name].tolist() for name in ("name", "planned", "assigned", "available")},
        "upper": [(name, 0.2) for name in load["name"]],
        "lower": [(name, -0.2) for name in load["name"]],
        **{
            f"{name}_words": [
                f"{mark[name]}{hours:g} h {name}" for mark, hours in zip(over, load[name].round(1), strict=True)
            ]
            for name in ("planned", "assigned")
        },
    }


def due_figure(orders: pd.DataFrame, now: pd.Timestamp, *, tokens: Tokens = LIGHT) -> figure:
    """Draw the estimated hours of open work by the day it is due: what is overdue first, what has no date last.

    Parameters
    ----------
    orders : pandas.DataFrame
        due (aware, or NaT), estimated_hours, of the open work orders.
    now : pandas.Timestamp
        Aware, UTC.
    tokens : Tokens
        Colours; what is overdue also has a hatch.

    Returns
    -------
    bokeh.plotting.figure
        Named `due`.
    """
    plot = figure(
        name="due",
        height=90,
        sizing_mode="stretch_both",
        x_range=Range1d(-1.6, DAYS + 1.6),
        y_range=Range1d(0, 1),
        tools="",
        toolbar_location=None,
        min_border_left=48,
        min_border_right=8,
        min_border_top=2,
        min_border_bottom=2,
    )
    apply_tokens(plot, tokens)
    source = ColumnDataSource({name: [] for name in _due(orders, now)}, name="due")
    bars = plot.vbar(
        x="place",
        top="hours",
        width=0.8,
        source=source,
        fill_color=tokens.telemetry,
        fill_alpha=0.35,
        line_color=tokens.telemetry,
        hatch_pattern="hatch",
        hatch_color=tokens.level("high"),
        hatch_scale=6,
        name="due",
    )
    plot.text(
        "place",
        "hours",
        text="label",
        source=source,
        y_offset=-1,
        text_align="center",
        text_baseline="bottom",
        text_color=tokens.text,
        name="hours",
        **_SMALL,
    )
    plot.add_tools(
        HoverTool(renderers=[bars], tooltips=[("due", "@words"), ("orders", "@orders"), ("hours", "@hours{0.0}")])
    )
    plot.xgrid.visible = False
    plot.yaxis.axis_label = "hours"
    plot.yaxis.ticker.desired_num_ticks = 3
    plot.yaxis.ticker.min_interval = 1
    update_due(plot, orders, now)
    return plot


def update_due(plot: figure, orders: pd.DataFrame, now: pd.Timestamp) -> None:
    """Show other orders in a figure made by `due_figure`."""
    data = _due(orders, now)
    set_sources(plot, {"due": data})
    plot.y_range.end = max(1.0, max(data["hours"])) * 1.3
    ticks = [place for place in data["place"] if place < 0 or place >= DAYS or place % 2 == 0]
    plot.xaxis.ticker = FixedTicker(ticks=ticks)
    plot.xaxis.major_label_overrides = {place: data["tick"][place + 1] for place in ticks}


def _due(orders: pd.DataFrame, now: pd.Timestamp) -> dict[str, list[Any]]:
    today = now.normalize()
    days = (orders["due"].dt.normalize() - today).dt.days.clip(upper=DAYS).fillna(DAYS + 1)
    places = days.where(~(orders["due"] < now), -1).astype(int)
    hours = orders["estimated_hours"].groupby(places).sum()
    counts = places.value_counts()
    every = range(-1, DAYS + 2)
    dates = [today + pd.Timedelta(days=day) for day in range(DAYS)]
    words = ["overdue", *(f"{day:%a %d %b}" for day in dates), "later", "no date"]
    sums = [float(hours.get(place, 0.0)) for place in every]
    return {
        "place": list(every),
        "hours": sums,
        "orders": [int(counts.get(place, 0)) for place in every],
        "words": words,
        "tick": ["late", *(f"{day:%d %b}" for day in dates), "later", "no date"],
        "label": [f"{one:g} h" if one else "" for one in sums],
        "hatch": ["/", *[" "] * (DAYS + 2)],
    }
