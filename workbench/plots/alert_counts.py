"""Alerts raised over time, by level."""

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.theme import LIGHT, SEVERITIES, Tokens, apply_tokens

__all__ = ["BUCKETS", "alert_counts_figure", "update_alert_counts"]

BUCKETS = 24
"""Number of bars into which the period is divided."""

_MOST_LABELS = 6
_STEPS = ("10min", "15min", "1h", "3h", "6h", "1D", "2D", "5D", "10D", "30D", "60D", "120D", "365D")
"""Times between two labels of the axis, the shortest first."""

_HATCHES = {"critical": " ", "high": "/", "medium": ".", "low": "-", "info": " "}


def alert_counts_figure(
    alerts: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp, *, tokens: Tokens = LIGHT
) -> figure:
    """Draw how many alerts were raised in each part of a period, the worst at the bottom.

    Parameters
    ----------
    alerts : pandas.DataFrame
        raised_at (aware), level.
    since, until : pandas.Timestamp
        Aware.
    tokens : Tokens
        Colours; a hatch tells the levels apart too.

    Returns
    -------
    bokeh.plotting.figure
        Named `alert_counts`, with `BUCKETS` bars.
    """
    data = _data(alerts, since, until)
    plot = figure(
        name="alert_counts",
        height=120,
        sizing_mode="stretch_both",
        x_range=Range1d(-0.6, BUCKETS - 0.4),
        tools="",
        toolbar_location=None,
        min_border_left=34,
        min_border_right=8,
        min_border_top=4,
        min_border_bottom=4,
    )
    apply_tokens(plot, tokens)
    source = ColumnDataSource(data, name="alert_counts")
    levels = list(SEVERITIES)
    bars = plot.vbar_stack(
        levels,
        x="bucket",
        width=0.8,
        source=source,
        fill_color=[tokens.level(level) if SEVERITIES[level].filled else tokens.surface for level in levels],
        line_color=[tokens.level(level) for level in levels],
        hatch_pattern=[_HATCHES[level] for level in levels],
        hatch_color=tokens.surface,
        hatch_scale=6,
        hatch_weight=1,
    )
    tooltips = [("from", "@from"), *((level, f"@{level}") for level in levels)]
    plot.add_tools(HoverTool(renderers=list(bars), tooltips=tooltips))
    plot.y_range.start = 0
    plot.yaxis.ticker.desired_num_ticks = 3
    plot.yaxis.ticker.min_interval = 1
    plot.xgrid.visible = False
    plot.xaxis.ticker = FixedTicker()
    _label(plot, since, until)
    return plot


def update_alert_counts(plot: figure, alerts: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> None:
    """Show another period in a figure made by `alert_counts_figure`."""
    plot.renderers[0].data_source.data = _data(alerts, since, until)
    _label(plot, since, until)


def _data(alerts: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> dict[str, list[object]]:
    edges = pd.date_range(since, until, BUCKETS + 1)
    raised = pd.to_datetime(alerts["raised_at"], utc=True)
    counts = {
        level: np.histogram(
            raised[alerts["level"] == level].astype("int64"), edges.as_unit(raised.dt.unit).astype("int64")
        )[0].tolist()
        for level in SEVERITIES
    }
    words = [f"{edge:%Y-%m-%d %H:%M} UTC" for edge in edges[:-1]]
    return {"bucket": list(range(BUCKETS)), "from": words, **counts}


def _label(plot: figure, since: pd.Timestamp, until: pd.Timestamp) -> None:
    """Label the axis at whole hours or days, wherever these lie among the bars."""
    length = until - since
    step = next((one for one in _STEPS if length / pd.Timedelta(one) <= _MOST_LABELS), _STEPS[-1])
    times = pd.date_range(since.ceil(step), until, freq=step)
    form = "%H:%M" if pd.Timedelta(step) < pd.Timedelta("1D") else "%d %b" if length.days < 365 else "%b %Y"
    places = [float((time - since) / length) * BUCKETS - 0.5 for time in times]
    plot.xaxis.ticker.ticks = places
    plot.xaxis.major_label_overrides = {place: time.strftime(form) for place, time in zip(places, times, strict=True)}
