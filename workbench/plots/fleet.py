"""The health of a fleet: one cell a channel, grouped by asset and subsystem, worst first within a group."""

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.models import CategoricalColorMapper, ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure
from bokeh.transform import transform

from workbench.plots.theme import FONT, LIGHT, SEVERITIES, Tokens, apply_tokens, severity

__all__ = ["fleet_figure"]


def fleet_figure(overview: pd.DataFrame, *, tokens: Tokens = LIGHT, cell: int = 30) -> figure:
    """Draw every channel's worst anomaly as colour, symbol and number.

    Parameters
    ----------
    overview : pandas.DataFrame
        One row a channel: `channel`, `asset`, `subsystem`, `anomalies`, `severity` (worst score, NaN where none),
        `level` and `state` (`current`, `stale` or `missing`).
    tokens : Tokens
        Colours.
    cell : int
        Height of a row, pixels.

    Returns
    -------
    bokeh.plotting.figure
        Named `fleet`. A channel that is not scored has an empty cell; a stale one says so in its hover.
    """
    data, groups = _data(overview)
    columns = max(data["column"], default=0) + 1
    plot = figure(
        name="fleet",
        height=cell * max(len(groups), 1) + 28,
        sizing_mode="stretch_width",
        x_range=Range1d(-0.5, columns - 0.5),
        y_range=list(reversed(groups)) or [""],
        tools="",
        toolbar_location=None,
    )
    apply_tokens(plot, tokens)
    source = ColumnDataSource(data, name="fleet")
    levels = list(SEVERITIES)
    colours = CategoricalColorMapper(
        factors=levels, palette=[tokens.level(name) for name in levels], nan_color=tokens.muted
    )
    cells = plot.rect(
        "column",
        "group",
        width=0.94,
        height=0.86,
        source=source,
        fill_color=tokens.raised,
        line_color=transform("level", colours),
        line_width="outline",
        name="cells",
    )
    source.data["left"] = [place - 0.47 for place in data["column"]]
    for column, offset, colour in (("symbol", 8, transform("level", colours)), ("words", 26, tokens.text)):
        plot.text(
            "left",
            "group",
            text=column,
            source=source,
            x_offset=offset,
            text_baseline="middle",
            text_font=value(FONT),
            text_font_size="12px",
            text_color=colour,
            name=column,
        )
    plot.add_tools(
        HoverTool(
            renderers=[cells],
            tooltips=[("channel", "@channel"), ("worst", "@word"), ("anomalies", "@anomalies"), ("scores", "@state")],
        )
    )
    plot.xaxis.visible = False
    plot.grid.visible = False
    return plot


def _data(overview: pd.DataFrame) -> tuple[dict[str, list[Any]], list[str]]:
    group = overview["asset"].str.cat(overview["subsystem"], sep=" ").str.strip()
    table = overview.assign(group=group, rank=-overview["severity"].fillna(-1.0))
    table = table.sort_values(["group", "rank"], kind="stable")
    table["column"] = table.groupby("group").cumcount()
    scored = table["state"].isin(["current", "stale"])
    levels = [severity(level) for level in table["level"].where(scored, "")]
    numbers = [f"{value:.2f}" if np.isfinite(value) else "" for value in table["severity"]]
    data: dict[str, list[Any]] = {
        name: table[name].tolist() for name in ("channel", "group", "column", "anomalies", "level", "state")
    }
    data["symbol"] = [level.symbol if is_scored else "" for level, is_scored in zip(levels, scored, strict=True)]
    data["words"] = [f"{name} {number}".strip() for name, number in zip(table["channel"], numbers, strict=True)]
    data["word"] = [
        f"{level.word} {number}".strip() if is_scored else "damaged" if state == "damaged" else "not scored"
        for level, number, is_scored, state in zip(levels, numbers, scored, table["state"], strict=True)
    ]
    data["outline"] = [2 if level.word in SEVERITIES else 0 for level in levels]
    return data, sorted(set(group))
