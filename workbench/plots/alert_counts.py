"""Alerts raised over time, by level."""

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.theme import LIGHT, SEVERITIES, Tokens, apply_tokens

__all__ = ["BUCKETS", "alert_counts_figure", "update_alert_counts"]

BUCKETS = 24
"""Number of bars into which the period is divided."""

_LABEL_EVERY_BUCKETS = 6

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
    plot.xaxis.ticker = FixedTicker(ticks=list(range(0, BUCKETS, _LABEL_EVERY_BUCKETS)))
    plot.xaxis.major_label_overrides = _words(data)
    return plot


def update_alert_counts(plot: figure, alerts: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> None:
    """Show another period in a figure made by `alert_counts_figure`."""
    data = _data(alerts, since, until)
    plot.renderers[0].data_source.data = data
    plot.xaxis.major_label_overrides = _words(data)


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


def _words(data: dict[str, list[object]]) -> dict[int, str]:
    """Word some bars: by the day, or by the hour where all are of one day."""
    times = [str(word) for word in data["from"]]
    same = len({word[:10] for word in times}) < 3
    return {i: times[i][11:16] if same else times[i][5:10] for i in range(0, BUCKETS, _LABEL_EVERY_BUCKETS)}
